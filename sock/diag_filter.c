/*
 * The filters of ss: a small program that says yes or no to a socket.
 *
 * An operation is 4 bytes (code; yes: bytes to the next one if it holds; no: bytes to where to go on otherwise), and what it compares with.  A
 * program answers yes by ending exactly at its end, no by jumping 4 bytes past it.
 *
 * Source: <linux/inet_diag.h>; ss(8).
 */
#include <linux/errno.h>
#include "base/string.h"
#include "sock/diag.h"

enum { OP = sizeof(struct inet_diag_bc_op), HOST = sizeof(struct inet_diag_hostcond), PORT_BYTES = 2, INET4 = 2, INET6 = 10 };
static_assert(OP == 4, "struct inet_diag_bc_op");

static struct inet_diag_bc_op op_at(const u8 *program, u32 at)
{
	struct inet_diag_bc_op op;

	memcpy(&op, program + at, OP);
	return op;
}

/* How long an operation is with what it compares with; 0: no such, or too long for the @left bytes. */
static u32 op_len(const u8 *program, u32 at, u32 left)
{
	struct inet_diag_hostcond host;
	u32 len;

	switch (op_at(program, at).code) {
	case INET_DIAG_BC_NOP:
	case INET_DIAG_BC_JMP:
	case INET_DIAG_BC_AUTO:
		return OP;
	case INET_DIAG_BC_S_GE: case INET_DIAG_BC_S_LE: case INET_DIAG_BC_D_GE: case INET_DIAG_BC_D_LE: case INET_DIAG_BC_S_EQ: case INET_DIAG_BC_D_EQ:
		return left < 2 * OP ? 0 : 2 * OP;
	case INET_DIAG_BC_DEV_COND:
		return left < OP + sizeof(u32) ? 0 : OP + sizeof(u32);
	case INET_DIAG_BC_MARK_COND:
		return left < OP + sizeof(struct inet_diag_markcond) ? 0 : OP + sizeof(struct inet_diag_markcond);
	case INET_DIAG_BC_S_COND:
	case INET_DIAG_BC_D_COND:
		if (left < OP + HOST)
			return 0;
		memcpy(&host, program + at + OP, HOST);
		len = host.family == INET4 ? 4 : host.family == INET6 ? 16 : 0;
		if ((host.family && !len) || host.prefix_len > 8 * len)
			return 0;
		return left < OP + HOST + len ? 0 : OP + HOST + len;
	default:
		return 0;
	}
}

/* Does the walk by "yes" from the start come to @target? */
static bool is_start_of_op(const u8 *program, u32 len, u32 target)
{
	u32 at = 0;

	while (at < target) {
		struct inet_diag_bc_op op = op_at(program, at);

		if (op.yes < OP || op.yes & 3 || at + op.yes > len || len - at < OP)
			return false;
		at += op.yes;
	}
	return at == target;
}

int inet_diag_filter_check(const void *program, u32 len)
{
	u32 at = 0;

	if (len & 3)
		return -EINVAL;
	while (at < len) {
		struct inet_diag_bc_op op;
		u32 left = len - at, own;

		if (left < OP)
			return -EINVAL;
		op = op_at(program, at);
		own = op_len(program, at, left);
		if (!own || op.yes < own || op.yes > left + OP || op.yes & 3)
			return -EINVAL;
		if (op.code != INET_DIAG_BC_NOP) {
			if (op.no < own || op.no > left + OP || op.no & 3)
				return -EINVAL;
			if (op.no < left && !is_start_of_op(program, len, at + op.no))
				return -EINVAL;
		}
		at += op.yes;
	}
	return at == len ? 0 : -EINVAL;
}

static bool prefix_fits(const struct ip_addr *addr, const u8 *want, const struct inet_diag_hostcond *host)
{
	struct ip_addr w = { 0 };
	u32 bits = host->prefix_len;

	if (!bits)
		return true;
	if (host->family == INET4) {
		memcpy(&w.b[12], want, 4);
		return ip_addr_is_v4(addr) && !((addr->w[3] ^ w.w[3]) & ip4_mask(bits));
	}
	memcpy(w.b, want, 16);
	return ip6_prefix_equal(addr, &w, bits);
}

static bool host_fits(const u8 *cond, const struct ip_addr *addr, u16 port, u8 family)
{
	struct inet_diag_hostcond host;

	memcpy(&host, cond, HOST);
	if (host.port != -1 && host.port != port)
		return false;
	if (host.family && host.family != family && !(host.family == INET4 && family == INET6))
		return false;
	return !host.family || prefix_fits(addr, cond + HOST, &host);
}

/* The port that a comparison names: in the "no" of the next operation. */
static u16 port_of(const u8 *program, u32 at)
{
	return op_at(program, at + OP).no;
}

static bool holds(const u8 *program, u32 at, const struct inet_diag_row *row)
{
	struct inet_diag_markcond mark;
	u32 ifindex;

	switch (op_at(program, at).code) {
	case INET_DIAG_BC_NOP: return true;
	case INET_DIAG_BC_S_EQ: return row->lport == port_of(program, at);
	case INET_DIAG_BC_S_GE: return row->lport >= port_of(program, at);
	case INET_DIAG_BC_S_LE: return row->lport <= port_of(program, at);
	case INET_DIAG_BC_D_EQ: return row->rport == port_of(program, at);
	case INET_DIAG_BC_D_GE: return row->rport >= port_of(program, at);
	case INET_DIAG_BC_D_LE: return row->rport <= port_of(program, at);
	case INET_DIAG_BC_S_COND: return host_fits(program + at + OP, &row->local, row->lport, row->family);
	case INET_DIAG_BC_D_COND: return host_fits(program + at + OP, &row->remote, row->rport, row->family);
	case INET_DIAG_BC_DEV_COND:
		memcpy(&ifindex, program + at + OP, sizeof(ifindex));
		return row->ifindex == ifindex;
	case INET_DIAG_BC_MARK_COND:
		memcpy(&mark, program + at + OP, sizeof(mark));
		return (row->mark & mark.mask) == mark.mark;
	default: return false;				/* JMP; AUTO: nobody here knows which ports were chosen */
	}
}

bool inet_diag_filter_run(const void *program, u32 len, const struct inet_diag_row *row)
{
	u32 at = 0;

	while (at < len) {
		struct inet_diag_bc_op op = op_at(program, at);

		at += holds(program, at, row) ? op.yes : op.no;
	}
	return at == len;
}
