/*
 * Classic BPF.  cbpf.h is the contract.
 */
#include <linux/errno.h>
#include "base/cbpf.h"
#include "base/string.h"

/* ---- the check ---- */

static bool known_extension(u32 k)
{
	switch (k - (u32)SKF_AD_OFF) {
	case SKF_AD_PROTOCOL: case SKF_AD_PKTTYPE: case SKF_AD_IFINDEX: case SKF_AD_MARK: case SKF_AD_HATYPE: case SKF_AD_CPU:
	case SKF_AD_ALU_XOR_X: case SKF_AD_RANDOM: case SKF_AD_VLAN_TAG: case SKF_AD_VLAN_TAG_PRESENT: case SKF_AD_VLAN_TPID:
		return true;
	default:
		return false;
	}
}

/* Is it an operation, and are its operands in order? */
static bool operation_valid(const struct sock_filter *f)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS: case BPF_LD | BPF_H | BPF_ABS: case BPF_LD | BPF_B | BPF_ABS:
		return f->k < (u32)SKF_AD_OFF || f->k >= (u32)SKF_AD_OFF + SKF_AD_MAX || known_extension(f->k);
	case BPF_LD | BPF_W | BPF_IND: case BPF_LD | BPF_H | BPF_IND: case BPF_LD | BPF_B | BPF_IND: case BPF_LD | BPF_IMM: case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_IMM: case BPF_LDX | BPF_W | BPF_LEN: case BPF_LDX | BPF_B | BPF_MSH: case BPF_MISC | BPF_TAX: case BPF_MISC | BPF_TXA:
	case BPF_RET | BPF_K: case BPF_RET | BPF_A: case BPF_JMP | BPF_JA:
	case BPF_JMP | BPF_JEQ | BPF_K: case BPF_JMP | BPF_JEQ | BPF_X: case BPF_JMP | BPF_JGE | BPF_K: case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K: case BPF_JMP | BPF_JGT | BPF_X: case BPF_JMP | BPF_JSET | BPF_K: case BPF_JMP | BPF_JSET | BPF_X:
	case BPF_ALU | BPF_ADD | BPF_K: case BPF_ALU | BPF_ADD | BPF_X: case BPF_ALU | BPF_SUB | BPF_K: case BPF_ALU | BPF_SUB | BPF_X:
	case BPF_ALU | BPF_MUL | BPF_K: case BPF_ALU | BPF_MUL | BPF_X: case BPF_ALU | BPF_DIV | BPF_X: case BPF_ALU | BPF_MOD | BPF_X:
	case BPF_ALU | BPF_AND | BPF_K: case BPF_ALU | BPF_AND | BPF_X: case BPF_ALU | BPF_OR | BPF_K: case BPF_ALU | BPF_OR | BPF_X:
	case BPF_ALU | BPF_XOR | BPF_K: case BPF_ALU | BPF_XOR | BPF_X: case BPF_ALU | BPF_LSH | BPF_X: case BPF_ALU | BPF_RSH | BPF_X:
	case BPF_ALU | BPF_NEG:
		return true;
	case BPF_ALU | BPF_DIV | BPF_K: case BPF_ALU | BPF_MOD | BPF_K:
		return f->k;
	case BPF_ALU | BPF_LSH | BPF_K: case BPF_ALU | BPF_RSH | BPF_K:
		return f->k < 32;
	case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM: case BPF_ST: case BPF_STX:
		return f->k < BPF_MEMWORDS;
	default:
		return false;
	}
}

static bool is_return(const struct sock_filter *f)
{
	return BPF_CLASS(f->code) == BPF_RET;
}

static bool jumps_stay_inside(const struct sock_filter *f, u32 left)
{
	if (BPF_CLASS(f->code) != BPF_JMP)
		return true;
	return BPF_OP(f->code) == BPF_JA ? f->k < left : f->jt < left && f->jf < left;
}

/* written[i]: the scratch words that are written on every way to operation i. Jumps go forwards only, so one walk knows them all. */
static bool scratch_in_order(const struct sock_filter *program, u32 count, u16 *written)
{
	u16 now = 0;

	memset(written, 0xff, count * sizeof(*written));
	for (u32 i = 0; i < count; i++) {
		const struct sock_filter *f = &program[i];

		now &= written[i];
		switch (f->code) {
		case BPF_ST:
		case BPF_STX:
			now |= (u16)(1u << f->k);
			break;
		case BPF_LD | BPF_MEM:
		case BPF_LDX | BPF_MEM:
			if (!(now & 1u << f->k))
				return false;
			break;
		case BPF_JMP | BPF_JA:
			written[i + 1 + f->k] &= now;
			now = 0xffff;
			break;
		default:
			if (BPF_CLASS(f->code) == BPF_JMP) {
				written[i + 1 + f->jt] &= now;
				written[i + 1 + f->jf] &= now;
				now = 0xffff;
			}
			break;
		}
	}
	return true;
}

int cbpf_check(const struct sock_filter *program, u32 count, u16 *scratch)
{
	if (!count || count > CBPF_LONGEST || !is_return(&program[count - 1]))
		return -EINVAL;
	for (u32 i = 0; i < count; i++)
		if (!operation_valid(&program[i]) || !jumps_stay_inside(&program[i], count - i - 1))
			return -EINVAL;
	return scratch_in_order(program, count, scratch) ? 0 : -EINVAL;
}

/* ---- the run ---- */

/* A load from what is known of the packet besides its bytes. */
static u32 extension(const struct cbpf_packet *p, u32 k, u32 a, u32 x)
{
	switch (k - (u32)SKF_AD_OFF) {
	case SKF_AD_PROTOCOL: return p->protocol;
	case SKF_AD_PKTTYPE: return p->pkttype;
	case SKF_AD_IFINDEX: return p->ifindex;
	case SKF_AD_MARK: return p->mark;
	case SKF_AD_HATYPE: return p->hatype;
	case SKF_AD_CPU: return p->cpu;
	case SKF_AD_ALU_XOR_X: return a ^ x;
	case SKF_AD_RANDOM: return p->random;
	default: return 0;		/* tags of VLANs stand in the packet, if there are any */
	}
}

/* @size bytes at @k. Return: false: outside */
static bool load(const struct cbpf_packet *p, u32 k, u32 size, u32 *out)
{
	if ((s32)k < 0) {
		if (k >= (u32)SKF_NET_OFF && k < (u32)SKF_AD_OFF)
			k = k - (u32)SKF_NET_OFF + p->net_offset;
		else if (k >= (u32)SKF_LL_OFF && k < (u32)SKF_NET_OFF)
			k -= (u32)SKF_LL_OFF;
		else
			return false;
	}
	return p->load(p->packet, k, size, out);
}

static u32 size_of(u16 code)
{
	return BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;
}

/* Return: false: a division by 0 */
static bool alu(u16 op, u32 *a, u32 b)
{
	switch (op) {
	case BPF_ADD: *a += b; return true;
	case BPF_SUB: *a -= b; return true;
	case BPF_MUL: *a *= b; return true;
	case BPF_AND: *a &= b; return true;
	case BPF_OR: *a |= b; return true;
	case BPF_XOR: *a ^= b; return true;
	case BPF_LSH: *a = b < 32 ? *a << b : 0; return true;
	case BPF_RSH: *a = b < 32 ? *a >> b : 0; return true;
	case BPF_NEG: *a = -*a; return true;
	case BPF_DIV:
	case BPF_MOD:
		if (!b)
			return false;
		*a = op == BPF_DIV ? *a / b : *a % b;
		return true;
	default: return false;
	}
}

static bool condition(u16 op, u32 a, u32 b)
{
	switch (op) {
	case BPF_JEQ: return a == b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	default: return a & b;
	}
}

/* The machine: two registers and the scratch words. */
struct machine {
	u32 a, x;
	u32 mem[BPF_MEMWORDS];
};

/* A load into a register. Return: false: outside of the packet */
static bool run_load(struct machine *m, const struct sock_filter *f, const struct cbpf_packet *p)
{
	u32 *to = BPF_CLASS(f->code) == BPF_LD ? &m->a : &m->x;

	switch (BPF_MODE(f->code)) {
	case BPF_IMM: *to = f->k; return true;
	case BPF_LEN: *to = p->len; return true;
	case BPF_MEM: *to = m->mem[f->k]; return true;
	case BPF_ABS:
		if (f->k >= (u32)SKF_AD_OFF && f->k < (u32)SKF_AD_OFF + SKF_AD_MAX) {
			*to = extension(p, f->k, m->a, m->x);
			return true;
		}
		return load(p, f->k, size_of(f->code), to);
	case BPF_IND: return load(p, m->x + f->k, size_of(f->code), to);
	case BPF_MSH:
		if (!load(p, f->k, 1, to))
			return false;
		*to = (*to & 15) * 4;
		return true;
	default: return false;
	}
}

u32 cbpf_run(const struct sock_filter *program, const struct cbpf_packet *p)
{
	struct machine m = { 0 };

	for (const struct sock_filter *f = program;; f++) {
		u32 b = BPF_SRC(f->code) == BPF_X ? m.x : f->k;

		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
		case BPF_LDX:
			if (!run_load(&m, f, p))
				return 0;
			break;
		case BPF_ST: m.mem[f->k] = m.a; break;
		case BPF_STX: m.mem[f->k] = m.x; break;
		case BPF_ALU:
			if (!alu(BPF_OP(f->code), &m.a, b))
				return 0;
			break;
		case BPF_JMP:
			if (BPF_OP(f->code) == BPF_JA)
				f += f->k;
			else
				f += condition(BPF_OP(f->code), m.a, b) ? f->jt : f->jf;
			break;
		case BPF_RET:
			return BPF_RVAL(f->code) == BPF_A ? m.a : f->k;
		default:
			if (BPF_MISCOP(f->code) == BPF_TAX)
				m.x = m.a;
			else
				m.a = m.x;
			break;
		}
	}
}
