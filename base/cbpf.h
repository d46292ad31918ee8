/*
 * Classic BPF: programs that look at a packet and say how much of it is wanted, as SO_ATTACH_FILTER takes them; or at a system call (task/cbpf.h).
 *
 * cbpf_check() makes sure that a program ends: all jumps go forwards and stay inside, the last operation returns, scratch words are written before
 * they are read, nothing divides by the constant 0.  cbpf_run() of a checked program then needs no further care; a load outside of the packet ends it
 * with 0.
 *
 * Departure: of the loads from SKF_AD_OFF those that are told in struct cbpf_packet, and ALU_XOR_X, CPU, RANDOM; others are refused by cbpf_check.
 *
 * Contexts: any.  Pure.
 * Source: McCanne and Jacobson, "The BSD Packet Filter", 1993; Linux Documentation/networking/filter.rst.
 */
#ifndef BASE_CBPF_H
#define BASE_CBPF_H

#include <linux/filter.h>
#include "base/types.h"

enum { CBPF_LONGEST = BPF_MAXINSNS };

struct cbpf_packet {
	/* load: the number of @n bytes (1, 2, 4) at @offset from where the program's offset 0 is. Return: false: outside */
	bool (*load)(const void *packet, u32 offset, u32 n, u32 *out);
	const void *packet;
	u32 len;			/* BPF_LEN */
	u32 net_offset;			/* SKF_NET_OFF: of the network header */
	u32 ifindex, mark, cpu, random;
	u16 protocol, hatype;		/* host order */
	u8 pkttype;
};

/** cbpf_number - that @n bytes (1, 2, 4) in network order make. */
static inline u32 cbpf_number(const u8 *b, u32 n)
{
	return n == 1 ? b[0] : n == 2 ? (u32)b[0] << 8 | b[1] : (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

/**
 * cbpf_check - @scratch: [@count], for the check alone
 * Return: 0, -EINVAL
 */
MUST_CHECK int cbpf_check(const struct sock_filter *program, u32 count, u16 *scratch);
/** cbpf_run - Return: how many bytes are wanted, 0: none */
u32 cbpf_run(const struct sock_filter *program, const struct cbpf_packet *p);

#endif
