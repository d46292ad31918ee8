/*
 * Classic BPF as seccomp uses it: a checker and an interpreter.  Pure.
 *
 * After cbpf_check() a program ends, reads only whole words within the data, jumps only forwards and inside itself, never
 * divides by a constant 0.  Division by X = 0 returns 0 from the program.
 *
 * Contexts: any.  Source: seccomp(2), Linux's Documentation/networking/filter.rst.
 */
#ifndef TASK_CBPF_H
#define TASK_CBPF_H

#include <linux/filter.h>
#include "base/types.h"

/** cbpf_check - @data_bytes: size of what it may load; @scratch: @count words for the checker's use. 0 or -EINVAL */
MUST_CHECK int cbpf_check(const struct sock_filter *insn, u32 count, u32 data_bytes, u16 *scratch);
/** cbpf_run - Return: what the program returns */
u32 cbpf_run(const struct sock_filter *insn, const void *data, u32 data_bytes);

#endif
