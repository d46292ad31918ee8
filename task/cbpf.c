/* See cbpf.h. */
#include <linux/bpf_common.h>
#include <linux/errno.h>
#include "base/string.h"
#include "task/cbpf.h"

/* Is this one of the instructions that seccomp knows? */
static bool known(u16 code)
{
	switch (code) {
	case BPF_LD | BPF_W | BPF_ABS: case BPF_LD | BPF_W | BPF_LEN: case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_RET | BPF_K: case BPF_RET | BPF_A:
	case BPF_ALU | BPF_ADD | BPF_K: case BPF_ALU | BPF_ADD | BPF_X: case BPF_ALU | BPF_SUB | BPF_K: case BPF_ALU | BPF_SUB | BPF_X:
	case BPF_ALU | BPF_MUL | BPF_K: case BPF_ALU | BPF_MUL | BPF_X: case BPF_ALU | BPF_DIV | BPF_K: case BPF_ALU | BPF_DIV | BPF_X:
	case BPF_ALU | BPF_AND | BPF_K: case BPF_ALU | BPF_AND | BPF_X: case BPF_ALU | BPF_OR | BPF_K: case BPF_ALU | BPF_OR | BPF_X:
	case BPF_ALU | BPF_XOR | BPF_K: case BPF_ALU | BPF_XOR | BPF_X: case BPF_ALU | BPF_LSH | BPF_K: case BPF_ALU | BPF_LSH | BPF_X:
	case BPF_ALU | BPF_RSH | BPF_K: case BPF_ALU | BPF_RSH | BPF_X: case BPF_ALU | BPF_NEG:
	case BPF_LD | BPF_IMM: case BPF_LDX | BPF_IMM: case BPF_MISC | BPF_TAX: case BPF_MISC | BPF_TXA:
	case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM: case BPF_ST: case BPF_STX: case BPF_JMP | BPF_JA:
	case BPF_JMP | BPF_JEQ | BPF_K: case BPF_JMP | BPF_JEQ | BPF_X: case BPF_JMP | BPF_JGE | BPF_K: case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K: case BPF_JMP | BPF_JGT | BPF_X: case BPF_JMP | BPF_JSET | BPF_K: case BPF_JMP | BPF_JSET | BPF_X:
		return true;
	default:
		return false;
	}
}

static bool operand_ok(const struct sock_filter *i, u32 at, u32 count, u32 data_bytes)
{
	u32 left = count - at - 1;	/* instructions behind this one */

	switch (i->code) {
	case BPF_LD | BPF_W | BPF_ABS: return i->k < data_bytes && !(i->k & 3);
	case BPF_ALU | BPF_DIV | BPF_K: return i->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K: case BPF_ALU | BPF_RSH | BPF_K: return i->k < 32;
	case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM: case BPF_ST: case BPF_STX: return i->k < BPF_MEMWORDS;
	case BPF_JMP | BPF_JA: return i->k < left;
	default: break;
	}
	return BPF_CLASS(i->code) != BPF_JMP || (i->jt < left && i->jf < left);
}

/* Every scratch word is written before it is read, on every path. */
static int check_scratch(const struct sock_filter *insn, u32 count, u16 *masks)
{
	u16 valid = 0;

	memset(masks, 0xff, count * sizeof(masks[0]));
	for (u32 at = 0; at < count; at++) {
		const struct sock_filter *i = &insn[at];

		valid &= masks[at];
		switch (i->code) {
		case BPF_ST: case BPF_STX: valid |= (u16)(1 << i->k); break;
		case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM:
			if (!(valid & (1 << i->k)))
				return -EINVAL;
			break;
		case BPF_JMP | BPF_JA:
			masks[at + 1 + i->k] &= valid;
			valid = (u16)~0;
			break;
		default:
			if (BPF_CLASS(i->code) == BPF_JMP) {
				masks[at + 1 + i->jt] &= valid;
				masks[at + 1 + i->jf] &= valid;
				valid = (u16)~0;
			}
		}
	}
	return 0;
}

int cbpf_check(const struct sock_filter *insn, u32 count, u32 data_bytes, u16 *scratch)
{
	if (!count || count > BPF_MAXINSNS || BPF_CLASS(insn[count - 1].code) != BPF_RET)
		return -EINVAL;
	for (u32 at = 0; at < count; at++)
		if (!known(insn[at].code) || !operand_ok(&insn[at], at, count, data_bytes))
			return -EINVAL;
	return check_scratch(insn, count, scratch);
}

static bool alu(u16 op, u32 *a, u32 v)
{
	switch (op) {
	case BPF_ADD: *a += v; break;
	case BPF_SUB: *a -= v; break;
	case BPF_MUL: *a *= v; break;
	case BPF_DIV:
		if (!v)
			return false;
		*a /= v;
		break;
	case BPF_AND: *a &= v; break;
	case BPF_OR: *a |= v; break;
	case BPF_XOR: *a ^= v; break;
	case BPF_LSH: *a = v < 32 ? *a << v : 0; break;
	case BPF_RSH: *a = v < 32 ? *a >> v : 0; break;
	case BPF_NEG: *a = -*a; break;
	}
	return true;
}

static bool jump_taken(u16 op, u32 a, u32 v)
{
	switch (op) {
	case BPF_JEQ: return a == v;
	case BPF_JGT: return a > v;
	case BPF_JGE: return a >= v;
	default: return a & v;
	}
}

u32 cbpf_run(const struct sock_filter *insn, const void *data, u32 data_bytes)
{
	u32 a = 0, x = 0, mem[BPF_MEMWORDS] = { 0 };

	for (const struct sock_filter *i = insn;; i++) {
		u32 v = BPF_SRC(i->code) == BPF_X ? x : i->k;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (BPF_MODE(i->code) == BPF_ABS)
				memcpy(&a, (const char *)data + i->k, sizeof(a));
			else
				a = BPF_MODE(i->code) == BPF_MEM ? mem[i->k] : BPF_MODE(i->code) == BPF_LEN ? data_bytes : i->k;
			break;
		case BPF_LDX: x = BPF_MODE(i->code) == BPF_MEM ? mem[i->k] : BPF_MODE(i->code) == BPF_LEN ? data_bytes : i->k; break;
		case BPF_ST: mem[i->k] = a; break;
		case BPF_STX: mem[i->k] = x; break;
		case BPF_ALU:
			if (!alu(BPF_OP(i->code), &a, v))
				return 0;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA)
				i += i->k;
			else
				i += jump_taken(BPF_OP(i->code), a, v) ? i->jt : i->jf;
			break;
		case BPF_RET: return BPF_RVAL(i->code) == BPF_A ? a : i->k;
		case BPF_MISC:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				x = a;
			else
				a = x;
			break;
		}
	}
}
