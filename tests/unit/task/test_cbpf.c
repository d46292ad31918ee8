/*
 * The checker and the interpreter of classic BPF: known programs, every way to be refused, and random programs that
 * passed the checker, which must end without reading outside their data (AddressSanitizer looks on).
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "task/cbpf.h"

enum { WORDS = 16, DATA_BYTES = WORDS * 4 };

static u16 scratch[BPF_MAXINSNS];
static u32 data[WORDS];

static u32 run(const struct sock_filter *p, u32 count)
{
	assert_int_equal(seccomp_bpf_check(p, count, DATA_BYTES, scratch), 0);
	return seccomp_bpf_run(p, data, DATA_BYTES);
}

#define RUN(...) \
	({ \
		const struct sock_filter prog_[] = { __VA_ARGS__ }; \
		run(prog_, ARRAY_SIZE(prog_)); \
	})
#define REFUSED(...) \
	({ \
		const struct sock_filter prog_[] = { __VA_ARGS__ }; \
		assert_int_equal(seccomp_bpf_check(prog_, ARRAY_SIZE(prog_), DATA_BYTES, scratch), -EINVAL); \
	})

static void test_arithmetic(void **state)
{
	assert_int_equal(RUN(BPF_STMT(BPF_RET | BPF_K, 7)), 7);
	assert_int_equal(RUN(BPF_STMT(BPF_LD | BPF_IMM, 5), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 3), BPF_STMT(BPF_RET | BPF_A, 0)), 8);
	assert_int_equal(RUN(BPF_STMT(BPF_LD | BPF_IMM, 5), BPF_STMT(BPF_LDX | BPF_IMM, 9), BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
			     BPF_STMT(BPF_RET | BPF_A, 0)), (u32)-4);
	assert_int_equal(RUN(BPF_STMT(BPF_LD | BPF_IMM, 5), BPF_STMT(BPF_LDX | BPF_IMM, 0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
			     BPF_STMT(BPF_RET | BPF_K, 1)), 0);
	assert_int_equal(RUN(BPF_STMT(BPF_LD | BPF_IMM, 1), BPF_STMT(BPF_ALU | BPF_NEG, 0), BPF_STMT(BPF_RET | BPF_A, 0)), ~0u);
	assert_int_equal(RUN(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_RET | BPF_A, 0)), DATA_BYTES);
}

static void test_memory(void **state)
{
	data[3] = 0x12345678;
	assert_int_equal(RUN(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12), BPF_STMT(BPF_ST, 15), BPF_STMT(BPF_LD | BPF_IMM, 0),
			     BPF_STMT(BPF_LDX | BPF_MEM, 15), BPF_STMT(BPF_MISC | BPF_TXA, 0), BPF_STMT(BPF_RET | BPF_A, 0)), 0x12345678);
	REFUSED(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_BYTES), BPF_STMT(BPF_RET | BPF_A, 0));
	REFUSED(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), BPF_STMT(BPF_RET | BPF_A, 0));
	REFUSED(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ~3u), BPF_STMT(BPF_RET | BPF_A, 0));
	REFUSED(BPF_STMT(BPF_LD | BPF_MEM, 0), BPF_STMT(BPF_RET | BPF_A, 0));
	REFUSED(BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_A, 0));
	/* written on one path only */
	REFUSED(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_ST, 1), BPF_STMT(BPF_LD | BPF_MEM, 1),
		BPF_STMT(BPF_RET | BPF_A, 0));
}

static void test_jumps(void **state)
{
	data[0] = 39;
	const struct sock_filter p[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 39, 1, 0), BPF_STMT(BPF_RET | BPF_K, 1),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 39, 0, 1), BPF_STMT(BPF_RET | BPF_K, 2), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 32, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 3), BPF_STMT(BPF_RET | BPF_K, 4),
	};
	assert_int_equal(run(p, ARRAY_SIZE(p)), 3);
	data[0] = 40;
	assert_int_equal(run(p, ARRAY_SIZE(p)), 1);
	REFUSED(BPF_STMT(BPF_JMP | BPF_JA, 0));
	REFUSED(BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_RET | BPF_K, 0));
	REFUSED(BPF_STMT(BPF_JMP | BPF_JA, ~0u), BPF_STMT(BPF_RET | BPF_K, 0));
	REFUSED(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0));
}

static void test_refused(void **state)
{
	const struct sock_filter ret = BPF_STMT(BPF_RET | BPF_K, 0);

	assert_int_equal(seccomp_bpf_check(&ret, 0, DATA_BYTES, scratch), -EINVAL);
	assert_int_equal(seccomp_bpf_check(&ret, BPF_MAXINSNS + 1, DATA_BYTES, scratch), -EINVAL);
	REFUSED(BPF_STMT(BPF_LD | BPF_IMM, 0));
	REFUSED(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0));
	REFUSED(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), BPF_STMT(BPF_RET | BPF_K, 0));
	REFUSED(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_K, 0));
	REFUSED(BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), BPF_STMT(BPF_RET | BPF_K, 0));
	REFUSED(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), BPF_STMT(BPF_RET | BPF_K, 0));
}

/* Instructions that often pass; a program of them, if it passes, must end. */
static void test_random(void **state)
{
	static const u16 codes[] = {
		BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_ST, BPF_STX, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM,
		BPF_ALU | BPF_ADD | BPF_X, BPF_ALU | BPF_MUL | BPF_K, BPF_ALU | BPF_DIV | BPF_X, BPF_ALU | BPF_LSH | BPF_X,
		BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGT | BPF_X, BPF_MISC | BPF_TAX, BPF_RET | BPF_A, 0xffff,
	};
	struct rng rng = { .state = 20260101 };
	u64 passed = 0;

	for (int round = 0; round < 200000; round++) {
		struct sock_filter p[12];
		u32 count = 1 + (u32)(rng_u64(&rng) % ARRAY_SIZE(p));

		for (u32 i = 0; i < count; i++) {
			u64 r = rng_u64(&rng);

			p[i] = (struct sock_filter){ .code = codes[r % (ARRAY_SIZE(codes) - !(r >> 20 & 7 ? 1 : 0))], .jt = r >> 32 & 3,
						     .jf = r >> 34 & 3, .k = (u32)(r >> 40) % 20 * (r >> 60 ? 4 : 1) };
		}
		p[count - 1].code = BPF_RET | BPF_K;
		if (seccomp_bpf_check(p, count, DATA_BYTES, scratch))
			continue;
		passed++;
		(void)seccomp_bpf_run(p, data, DATA_BYTES);
	}
	assert_true(passed > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_memory), cmocka_unit_test(test_jumps), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
