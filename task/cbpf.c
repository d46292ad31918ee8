/* See cbpf.h. */
#include <linux/bpf_common.h>
#include <linux/errno.h>
#include "base/cbpf.h"
#include "base/string.h"
#include "task/cbpf.h"

/* Operations on packets that a system call has no use for, and loads that are no whole words of its data. */
static bool allowed(const struct sock_filter *i, u32 data_bytes)
{
	switch (i->code) {
	case BPF_LD | BPF_H | BPF_ABS: case BPF_LD | BPF_B | BPF_ABS: case BPF_LD | BPF_W | BPF_IND: case BPF_LD | BPF_H | BPF_IND:
	case BPF_LD | BPF_B | BPF_IND: case BPF_LDX | BPF_B | BPF_MSH: case BPF_ALU | BPF_MOD | BPF_K: case BPF_ALU | BPF_MOD | BPF_X:
		return false;
	case BPF_LD | BPF_W | BPF_ABS: return i->k < data_bytes && !(i->k & 3);
	default: return true;
	}
}

int seccomp_bpf_check(const struct sock_filter *insn, u32 count, u32 data_bytes, u16 *scratch)
{
	int err = cbpf_check(insn, count, scratch);

	for (u32 at = 0; !err && at < count; at++)
		if (!allowed(&insn[at], data_bytes))
			err = -EINVAL;
	return err;
}

static bool load(const void *data, u32 offset, u32 n, u32 *out)
{
	memcpy(out, (const u8 *)data + offset, sizeof(*out));
	return true;
}

u32 seccomp_bpf_run(const struct sock_filter *insn, const void *data, u32 data_bytes)
{
	struct cbpf_packet p = { .load = load, .packet = data, .len = data_bytes };

	return cbpf_run(insn, &p);
}
