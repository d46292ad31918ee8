/* Netlink messages: no walk leaves its bytes, no message is built half. Buffers are exactly as long as they say, so that ASan sees one byte more. */
#include "tests/unit/unit.h"

#include <linux/errno.h>
#include "net/nlmsg.h"

enum { ROUNDS = 20000, ATTRS = 9 };

static u8 *exact(const void *data, u32 len)
{
	u8 *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

/* A message with attributes of all sorts, one of them nested twice. */
static u32 build(u8 *out, u32 room)
{
	struct nl_buf b;
	u32 head = 0x01020304;

	nl_buf_init(&b, out, room);
	u32 at = nl_begin(&b, 0x55, NLM_F_REQUEST, 77, 88, &head, sizeof(head));

	nl_put_u8(&b, 1, 0xab);
	nl_put_u16(&b, 2, 0xabcd);
	nl_put_u32(&b, 3, 0xabcdef01);
	nl_put_u64(&b, 4, 0x0102030405060708ull);
	nl_put_string(&b, 5, "seven c");
	u32 nest = nl_nest(&b, 6 | NLA_F_NESTED), inner = nl_nest(&b, 7 | NLA_F_NESTED);

	nl_put_u32(&b, 1, 5);
	nl_nest_end(&b, inner);
	nl_nest_end(&b, nest);
	nl_nest_drop_empty(&b, nl_nest(&b, 8));
	return nl_end(&b, at) ? b.len : 0;
}

static void test_build_and_read(void **state)
{
	u8 data[256];
	u32 len = build(data, sizeof(data));
	struct nl_cursor c = { data, len };
	struct nl_attr t[ATTRS + 1], in[ATTRS + 1];
	struct nl_message m;
	char text[5];

	assert_true(nl_message_next(&c, &m));
	assert_int_equal(m.head.nlmsg_len, len);
	assert_int_equal(m.head.nlmsg_seq, 77);
	assert_int_equal(m.head.nlmsg_pid, 88);
	assert_false(nl_message_next(&c, &m));
	assert_int_equal(nl_parse(m.body + 4, m.len - 4, NULL, ATTRS, t, NL_STRICT, NULL), 0);
	assert_int_equal(nl_get_u8(&t[1]), 0xab);
	assert_int_equal(nl_get_u16(&t[2]), 0xabcd);
	assert_int_equal(nl_get_u32(&t[3]), 0xabcdef01);
	assert_int_equal(nl_get_u64(&t[4]), 0x0102030405060708ull);
	assert_int_equal(nl_get_u64(&t[3]), 0);			/* shorter than asked */
	assert_int_equal(nl_get_string(&t[5], text, sizeof(text)), 7);
	assert_string_equal(text, "seve");
	assert_null(t[8].data);
	assert_int_equal(nl_get_string(&t[8], text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(t[6].flags, NLA_F_NESTED);
	assert_int_equal(nl_parse(t[6].data, t[6].len, NULL, ATTRS, in, NL_STRICT, NULL), 0);
	assert_int_equal(nl_parse(in[7].data, in[7].len, NULL, ATTRS, t, NL_STRICT, NULL), 0);
	assert_int_equal(nl_get_u32(&t[1]), 5);
}

/* A buffer one byte too short takes the message back whole; what stood before it stays. */
static void test_full(void **state)
{
	u8 data[256];
	u32 len = build(data, sizeof(data));

	for (u32 room = 0; room < len; room++) {
		u8 *small = exact(data, room);

		assert_int_equal(build(small, room), 0);
		free(small);
	}
	u8 *two = exact(data, 64);
	struct nl_buf b;
	u32 word = 1;

	nl_buf_init(&b, two, 64);
	u32 at = nl_begin(&b, 16, 0, 1, 1, &word, sizeof(word));

	assert_true(nl_end(&b, at));
	u32 before = b.len;

	at = nl_begin(&b, 16, 0, 2, 2, &word, sizeof(word));
	assert_null(nl_reserve(&b, 1, 4096));
	nl_put_u32(&b, 1, 1);
	nl_nest_end(&b, nl_nest(&b, 2));
	assert_false(nl_end(&b, at));
	assert_int_equal(b.len, before);
	at = nl_begin(&b, 16, 0, 3, 3, &word, sizeof(word));
	assert_true(nl_end(&b, at));
	assert_null(nl_reserve(&b, 1, 0x10000));
	free(two);
}

/* Read everything that a buffer holds, as a kernel end would. */
static u32 read_all(const u8 *data, u32 len, u32 how, const struct nl_policy *policy)
{
	struct nl_cursor c = { data, len };
	struct nl_message m;
	u32 seen = 0;

	while (nl_message_next(&c, &m)) {
		struct nl_attr t[ATTRS + 1], in[ATTRS + 1];
		struct nl_extack ext = { 0 };
		char text[16];

		assert_true(m.start >= data && m.body + m.len <= data + len);
		seen++;
		if (m.len < 4)
			continue;
		int err = nl_parse(m.body + 4, m.len - 4, policy, ATTRS, t, how, &ext);

		if (err) {
			assert_true(err == -EINVAL || err == -ERANGE);
			assert_non_null(ext.text);
			assert_true(!ext.where || (ext.where >= m.body + 4 && ext.where < m.body + m.len));
		}
		for (u32 i = 0; i <= ATTRS; i++) {
			if (!t[i].data)
				continue;
			assert_true(t[i].data >= m.body && t[i].data + t[i].len <= m.body + m.len);
			seen += nl_get_u64(&t[i]) == 1;
			nl_get_string(&t[i], text, sizeof(text));
			if (!nl_parse(t[i].data, t[i].len, NULL, ATTRS, in, NL_LIBERAL, NULL))
				seen += in[1].data != NULL;
		}
	}
	return seen;
}

static const struct nl_policy policy[ATTRS + 1] = {
	[1] = { NL_U8 }, [2] = { NL_U16 }, [3] = { NL_U32 }, [4] = { NL_U64 }, [5] = { NL_STRING, 8 }, [6] = { NL_NESTED }, [7] = { NL_BINARY, 4 },
	[8] = { NL_FLAG }, [9] = { NL_NUL_STRING, 3 },
};

static void test_truncated(void **state)
{
	u8 data[256];
	u32 len = build(data, sizeof(data));

	for (u32 n = 0; n <= len; n++) {
		u8 *some = exact(data, n);

		assert_int_equal(read_all(some, n, NL_STRICT, policy) != 0, n == len);
		if (n >= 16) {			/* the same, claiming to be whole */
			memcpy(some, &n, sizeof(n));
			read_all(some, n, NL_STRICT, policy);
			read_all(some, n, NL_LIBERAL, policy);
		}
		free(some);
	}
}

static void test_wild(void **state)
{
	struct rng rng = { 1 };
	u8 data[256];

	for (u32 round = 0; round < ROUNDS; round++) {
		u32 len = build(data, sizeof(data)), hits = 1 + (u32)rng_below(&rng, 6);

		for (u32 i = 0; i < hits; i++)
			data[rng_below(&rng, len)] = (u8)rng_u64(&rng);
		u32 n = (u32)rng_below(&rng, len + 1);
		u8 *some = exact(data, n);

		read_all(some, n, (u32)(round & 1 ? NL_STRICT : NL_LIBERAL) | (round & 4 ? NL_EXACT : 0), round & 2 ? policy : NULL);
		free(some);
	}
}

/* One attribute of @type with @len bytes against the policy. */
static int judge(u16 type, u32 len, u32 how)
{
	u8 *data = calloc(1, 4 + ALIGN_UP(len, 4u));
	struct nlattr h = { .nla_len = (u16)(4 + len), .nla_type = type };
	struct nl_attr t[ATTRS + 1];

	memcpy(data, &h, sizeof(h));
	int err = nl_parse(data, 4 + ALIGN_UP(len, 4u), policy, ATTRS, t, how, NULL);

	free(data);
	return err;
}

static void test_policy(void **state)
{
	assert_int_equal(judge(1, 1, NL_STRICT), 0);
	assert_int_equal(judge(1, 2, NL_EXACT), -EINVAL);
	assert_int_equal(judge(1, 2, NL_STRICT), 0);
	assert_int_equal(judge(3, 3, NL_LIBERAL), -ERANGE);
	assert_int_equal(judge(4, 8, NL_STRICT), 0);
	assert_int_equal(judge(5, 9, NL_LIBERAL), 0);		/* the last is NUL */
	assert_int_equal(judge(5, 10, NL_LIBERAL), -ERANGE);
	assert_int_equal(judge(5, 0, NL_LIBERAL), -ERANGE);
	assert_int_equal(judge(6, 0, NL_LIBERAL), 0);
	assert_int_equal(judge(6, 0, NL_EXACT), -EINVAL);
	assert_int_equal(judge(6 | NLA_F_NESTED, 0, NL_EXACT), 0);
	assert_int_equal(judge(6, 3, NL_LIBERAL), -ERANGE);
	assert_int_equal(judge(7, 4, NL_LIBERAL), 0);
	assert_int_equal(judge(7, 5, NL_LIBERAL), -ERANGE);
	assert_int_equal(judge(8, 0, NL_LIBERAL), 0);
	assert_int_equal(judge(8, 1, NL_LIBERAL), -ERANGE);
	assert_int_equal(judge(9, 4, NL_LIBERAL), 0);		/* all zero: an empty text */
	assert_int_equal(judge(9, 0, NL_LIBERAL), -EINVAL);
	assert_int_equal(judge(10, 4, NL_LIBERAL), 0);
	assert_int_equal(judge(10, 4, NL_STRICT), -EINVAL);
	assert_int_equal(judge(0, 4, NL_STRICT), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build_and_read), cmocka_unit_test(test_full), cmocka_unit_test(test_truncated), cmocka_unit_test(test_wild),
		cmocka_unit_test(test_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
