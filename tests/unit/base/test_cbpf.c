/* Classic BPF: what is accepted ends and stays in its packet; what is run computes as the paper says. */
#include "tests/unit/unit.h"

#include <linux/errno.h>
#include "base/cbpf.h"

enum { ROUNDS = 300000, LONGEST = 24 };

struct bytes {
	u32 len;
	const u8 *data;
};

static bool load(const void *packet, u32 offset, u32 n, u32 *out)
{
	const struct bytes *b = packet;

	if (offset > b->len || n > b->len - offset)
		return false;
	*out = cbpf_number(b->data + offset, n);
	return true;
}

static struct cbpf_packet packet(const struct bytes *b)
{
	return (struct cbpf_packet){ .load = load, .packet = b, .len = b->len, .net_offset = 14, .ifindex = 3, .protocol = 0x800, .pkttype = 4 };
}

static u16 scratch[BPF_MAXINSNS];

static u32 run(const struct sock_filter *f, u32 count, const u8 *data, u32 len)
{
	struct bytes b = { len, data };
	struct cbpf_packet p = packet(&b);

	assert_int_equal(cbpf_check(f, count, scratch), 0);
	return cbpf_run(f, &p);
}
#define RUN(f, data, len) run(f, ARRAY_SIZE(f), data, len)
#define CHECK(f) cbpf_check(f, ARRAY_SIZE(f), scratch)

static void test_loads(void **state)
{
	static const u8 data[] = { 0x45, 0x12, 0x34, 0x56, 0x78, 0x9a };
	struct sock_filter word[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1), BPF_STMT(BPF_RET | BPF_A, 0) };
	struct sock_filter ind[] = { BPF_STMT(BPF_LDX | BPF_IMM, 2), BPF_STMT(BPF_LD | BPF_H | BPF_IND, 1), BPF_STMT(BPF_RET | BPF_A, 0) };
	struct sock_filter msh[] = { BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0), BPF_STMT(BPF_RET | BPF_A, 0) };
	struct sock_filter len[] = { BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_RET | BPF_A, 0) };
	struct sock_filter proto[] = { BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (u32)SKF_AD_OFF + SKF_AD_PROTOCOL), BPF_STMT(BPF_RET | BPF_A, 0) };

	assert_int_equal(RUN(word, data, 6), 0x12345678);
	word[0].k = 2;
	assert_int_equal(RUN(word, data, 6), 0x3456789a);
	word[0].k = 3;
	assert_int_equal(RUN(word, data, 6), 0);
	word[0].k = 0x7ffffffe;
	assert_int_equal(RUN(word, data, 6), 0);
	word[0].k = 0x80000000;
	assert_int_equal(RUN(word, data, 6), 0);
	word[0].k = (u32)SKF_LL_OFF + 1;
	assert_int_equal(RUN(word, data, 6), 0x12345678);
	assert_int_equal(RUN(ind, data, 6), 0x5678);
	ind[0].k = ~0u;
	assert_int_equal(RUN(ind, data, 6), 0x4512);
	ind[0].k = 6;
	assert_int_equal(RUN(ind, data, 6), 0);
	assert_int_equal(RUN(msh, data, 6), 20);
	assert_int_equal(RUN(len, data, 6), 6);
	assert_int_equal(RUN(proto, data, 6), 0x800);
	proto[0].k = (u32)SKF_AD_OFF + SKF_AD_NLATTR;
	assert_int_equal(CHECK(proto), -EINVAL);
}

static u32 compute(u16 op, u32 a, u32 b)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LDX | BPF_IMM, b), BPF_STMT(BPF_LD | BPF_IMM, a), BPF_STMT((u16)(BPF_ALU | op | BPF_X), 0), BPF_STMT(BPF_RET | BPF_A, 0),
	};

	return RUN(f, NULL, 0);
}

static void test_arithmetic(void **state)
{
	assert_int_equal(compute(BPF_ADD, ~0u, 3), 2);
	assert_int_equal(compute(BPF_SUB, 1, 3), (u32)-2);
	assert_int_equal(compute(BPF_MUL, 7, 6), 42);
	assert_int_equal(compute(BPF_DIV, 43, 6), 7);
	assert_int_equal(compute(BPF_MOD, 43, 6), 1);
	assert_int_equal(compute(BPF_DIV, 43, 0), 0);
	assert_int_equal(compute(BPF_MOD, 43, 0), 0);
	assert_int_equal(compute(BPF_AND, 12, 10), 8);
	assert_int_equal(compute(BPF_OR, 12, 10), 14);
	assert_int_equal(compute(BPF_XOR, 12, 10), 6);
	assert_int_equal(compute(BPF_LSH, 1, 31), 0x80000000);
	assert_int_equal(compute(BPF_LSH, 1, 32), 0);
	assert_int_equal(compute(BPF_RSH, ~0u, 31), 1);
}

static void test_jumps(void **state)
{
	/* IPv4 and UDP, as tcpdump makes it */
	struct sock_filter udp[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x800, 0, 3), BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 1), BPF_STMT(BPF_RET | BPF_K, 262144), BPF_STMT(BPF_RET | BPF_K, 0),
	};
	u8 data[40] = { [12] = 8, [23] = 17 };

	assert_int_equal(RUN(udp, data, 40), 262144);
	data[23] = 6;
	assert_int_equal(RUN(udp, data, 40), 0);
	data[23] = 17;
	data[13] = 6;
	assert_int_equal(RUN(udp, data, 40), 0);
	data[13] = 0;
	assert_int_equal(RUN(udp, data, 23), 0);
	udp[1].jf = 4;
	assert_int_equal(CHECK(udp), -EINVAL);
	udp[1].jf = 3;
	udp[5].code = BPF_LD | BPF_IMM;
	assert_int_equal(CHECK(udp), -EINVAL);
	assert_int_equal(cbpf_check(udp, 0, scratch), -EINVAL);
}

static void test_refused(void **state)
{
	struct sock_filter f[] = { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_A, 0) };
	struct sock_filter mem[] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_MEM, 3), BPF_STMT(BPF_RET | BPF_A, 0),
	};

	assert_int_equal(CHECK(f), -EINVAL);
	f[0] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32);
	assert_int_equal(CHECK(f), -EINVAL);
	f[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, 16);
	assert_int_equal(CHECK(f), -EINVAL);
	f[0] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1);
	assert_int_equal(CHECK(f), -EINVAL);
	f[0] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, ~0u);
	assert_int_equal(CHECK(f), -EINVAL);
	f[0] = (struct sock_filter)BPF_STMT(0xffff, 0);
	assert_int_equal(CHECK(f), -EINVAL);
	assert_int_equal(CHECK(mem), -EINVAL);		/* one way round comes to the load unwritten */
	mem[0].jf = 0;
	assert_int_equal(CHECK(mem), 0);
}

/* Whatever is accepted: it ends, and asks only what load() allows (each packet's bytes are exactly as many as they say: ASan). */
static void test_wild(void **state)
{
	static const u16 codes[] = {
		BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_LDX | BPF_B | BPF_MSH, BPF_ST, BPF_STX,
		BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGT | BPF_X, BPF_JMP | BPF_JSET | BPF_K,
		BPF_ALU | BPF_ADD | BPF_X, BPF_ALU | BPF_DIV | BPF_X, BPF_ALU | BPF_MOD | BPF_K, BPF_ALU | BPF_LSH | BPF_X, BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA, BPF_RET | BPF_A, BPF_RET | BPF_K,
	};
	struct rng rng = { 11 };
	u32 accepted = 0;

	for (u32 round = 0; round < ROUNDS; round++) {
		struct sock_filter f[LONGEST];
		u32 count = 1 + (u32)rng_below(&rng, LONGEST), len = (u32)rng_below(&rng, 40);
		u8 *data = malloc(len ? len : 1);
		struct bytes b = { len, data };
		struct cbpf_packet p = packet(&b);

		rng_bytes(&rng, data, len);
		for (u32 i = 0; i < count; i++)
			f[i] = (struct sock_filter){ codes[rng_below(&rng, ARRAY_SIZE(codes))], (u8)rng_below(&rng, 3), (u8)rng_below(&rng, 3),
						     (u32)(rng_below(&rng, 8) ? rng_below(&rng, 16) : rng_magnitude(&rng)) };
		f[count - 1].code = BPF_RET | BPF_A;
		u16 *exact = malloc(count * sizeof(*exact));

		if (!cbpf_check(f, count, exact)) {
			accepted++;
			cbpf_run(f, &p);
		}
		free(exact);
		free(data);
	}
	assert_true(accepted > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads), cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_jumps), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_wild),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
