/* The filters of ss: what is accepted ends, within its bytes, whatever the program; what is run answers as ss means it. */
#include "tests/unit/unit.h"

#include <linux/errno.h>
#include "sock/diag.h"

enum { ROUNDS = 200000, LONGEST = 64 };

static struct inet_diag_row row(u16 lport, u16 rport)
{
	return (struct inet_diag_row){
		.family = 2, .state = 7, .local = ip_addr_v4(cpu_to_be32(0x7f000001)), .remote = ip_addr_v4(cpu_to_be32(0x0a010203)), .lport = lport,
		.rport = rport, .ifindex = 3, .mark = 0x12,
	};
}

/* One comparison of ports. */
static void port_op(struct inet_diag_bc_op *op, u8 code, u16 port)
{
	op[0] = (struct inet_diag_bc_op){ code, 8, 12 };
	op[1] = (struct inet_diag_bc_op){ 0, 0, port };
}

static void test_ports(void **state)
{
	struct inet_diag_bc_op op[4];
	struct inet_diag_row r = row(53, 1000);

	port_op(op, INET_DIAG_BC_S_EQ, 53);
	assert_int_equal(inet_diag_filter_check(op, 8), 0);
	assert_true(inet_diag_filter_run(op, 8, &r));
	op[1].no = 54;
	assert_false(inet_diag_filter_run(op, 8, &r));
	/* sport >= 50 and dport <= 999: the first "no" leaves past both */
	port_op(op, INET_DIAG_BC_S_GE, 50);
	op[0].no = 20;
	port_op(op + 2, INET_DIAG_BC_D_LE, 999);
	assert_int_equal(inet_diag_filter_check(op, 16), 0);
	assert_false(inet_diag_filter_run(op, 16, &r));
	r.rport = 999;
	assert_true(inet_diag_filter_run(op, 16, &r));
	r.lport = 49;
	assert_false(inet_diag_filter_run(op, 16, &r));
}

static void test_hosts(void **state)
{
	struct {
		struct inet_diag_bc_op op;
		struct inet_diag_hostcond host;
		be32 addr;
	} p = { { INET_DIAG_BC_D_COND, sizeof(p), sizeof(p) + 4 }, { 2, 8, -1 }, cpu_to_be32(0x0a000000) };
	struct inet_diag_row r = row(1, 2);

	assert_int_equal(inet_diag_filter_check(&p, sizeof(p)), 0);
	assert_true(inet_diag_filter_run(&p, sizeof(p), &r));
	p.host.prefix_len = 16;
	assert_false(inet_diag_filter_run(&p, sizeof(p), &r));
	p.host.prefix_len = 0;
	p.host.port = 3;
	assert_false(inet_diag_filter_run(&p, sizeof(p), &r));
	p.host.port = 2;
	assert_true(inet_diag_filter_run(&p, sizeof(p), &r));
	p.host.prefix_len = 33;
	assert_int_equal(inet_diag_filter_check(&p, sizeof(p)), -EINVAL);
	p.host.prefix_len = 32;
	p.host.family = 10;
	assert_int_equal(inet_diag_filter_check(&p, sizeof(p)), -EINVAL);	/* 16 bytes of address are not there */
	p.host.family = 3;
	assert_int_equal(inet_diag_filter_check(&p, sizeof(p)), -EINVAL);
}

static void test_refused(void **state)
{
	struct inet_diag_bc_op op[3] = { { INET_DIAG_BC_NOP, 4, 4 }, { INET_DIAG_BC_JMP, 4, 4 }, { INET_DIAG_BC_NOP, 4, 4 } };

	assert_int_equal(inet_diag_filter_check(op, 12), 0);
	assert_int_equal(inet_diag_filter_check(op, 11), -EINVAL);
	op[1].no = 0;					/* for ever */
	assert_int_equal(inet_diag_filter_check(op, 12), -EINVAL);
	op[1].no = 16;					/* further than "no" goes */
	assert_int_equal(inet_diag_filter_check(op, 12), -EINVAL);
	op[1].no = 6;
	assert_int_equal(inet_diag_filter_check(op, 12), -EINVAL);
	op[1] = (struct inet_diag_bc_op){ 200, 4, 4 };
	assert_int_equal(inet_diag_filter_check(op, 12), -EINVAL);
	port_op(op, INET_DIAG_BC_S_EQ, 1);
	assert_int_equal(inet_diag_filter_check(op, 4), -EINVAL);
	op[2] = (struct inet_diag_bc_op){ INET_DIAG_BC_JMP, 4, 4 };
	op[0].no = 4;					/* into what the first compares with */
	assert_int_equal(inet_diag_filter_check(op, 12), -EINVAL);
}

static void test_wild(void **state)
{
	struct rng rng = { 7 };
	u32 accepted = 0, yes = 0;

	for (u32 round = 0; round < ROUNDS; round++) {
		u32 len = (u32)rng_below(&rng, LONGEST / 4) * 4;
		u8 *p = malloc(len ? len : 1);
		struct inet_diag_row r = row((u16)rng_below(&rng, 40), (u16)rng_below(&rng, 40));

		for (u32 at = 0; at < len; at += 4) {
			struct inet_diag_bc_op op = { (u8)rng_below(&rng, 14), (u8)(rng_below(&rng, 5) * 4), (u16)(rng_below(&rng, 8) * 4) };

			memcpy(p + at, &op, 4);
		}
		if (!inet_diag_filter_check(p, len)) {
			accepted++;
			yes += inet_diag_filter_run(p, len, &r);
		}
		free(p);
	}
	assert_true(accepted > 1000 && yes > 100 && yes < accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports), cmocka_unit_test(test_hosts), cmocka_unit_test(test_refused), cmocka_unit_test(test_wild),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
