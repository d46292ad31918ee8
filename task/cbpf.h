/*
 * Classic BPF as seccomp uses it, over base/cbpf.h: of its operations fewer, and loads of whole words of struct seccomp_data in the machine's order.
 *
 * Contexts: any.  Pure.  Source: seccomp(2), Linux's Documentation/networking/filter.rst.
 */
#ifndef TASK_CBPF_H
#define TASK_CBPF_H

#include <linux/filter.h>
#include "base/types.h"

/** seccomp_bpf_check - @data_bytes: size of what it may load; @scratch: @count words for the checker's use. 0 or -EINVAL */
MUST_CHECK int seccomp_bpf_check(const struct sock_filter *insn, u32 count, u32 data_bytes, u16 *scratch);
/** seccomp_bpf_run - Return: what the program returns */
u32 seccomp_bpf_run(const struct sock_filter *insn, const void *data, u32 data_bytes);

#endif
