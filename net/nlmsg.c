/*
 * Netlink messages.  nlmsg.h is the contract.
 *
 * Source: netlink(7); <linux/netlink.h>.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "net/nlmsg.h"

enum { ATTR_HEADER = NLA_HDRLEN, ATTR_MAX = 0xffff };

/* ---- reading ---- */

bool nl_message_next(struct nl_cursor *c, struct nl_message *out)
{
	if (c->left < NLMSG_HDRLEN)
		return false;
	memcpy(&out->head, c->at, sizeof(out->head));
	u32 len = out->head.nlmsg_len;

	if (len < NLMSG_HDRLEN || len > c->left)
		return false;
	out->start = c->at;
	out->body = c->at + NLMSG_HDRLEN;
	out->len = len - NLMSG_HDRLEN;
	u32 step = (u32)MIN(ALIGN_UP((u64)len, NLMSG_ALIGNTO), (u64)c->left);

	c->at += step;
	c->left -= step;
	return true;
}

bool nl_attr_next(struct nl_cursor *c, struct nl_attr *out)
{
	struct nlattr h;

	if (c->left < ATTR_HEADER)
		return false;
	memcpy(&h, c->at, sizeof(h));
	if (h.nla_len < ATTR_HEADER || h.nla_len > c->left)
		return false;
	out->data = c->at + ATTR_HEADER;
	out->len = h.nla_len - ATTR_HEADER;
	out->type = h.nla_type & NLA_TYPE_MASK;
	out->flags = h.nla_type & (u16)~NLA_TYPE_MASK;
	u32 step = MIN((u32)ALIGN_UP((u32)h.nla_len, NLA_ALIGNTO), c->left);

	c->at += step;
	c->left -= step;
	return true;
}

bool nl_get(const struct nl_attr *a, void *out, u32 len)
{
	if (!a->data || a->len < len)
		return false;
	memcpy(out, a->data, len);
	return true;
}

u8 nl_get_u8(const struct nl_attr *a)
{
	u8 v = 0;

	nl_get(a, &v, sizeof(v));
	return v;
}

u16 nl_get_u16(const struct nl_attr *a)
{
	u16 v = 0;

	nl_get(a, &v, sizeof(v));
	return v;
}

u32 nl_get_u32(const struct nl_attr *a)
{
	u32 v = 0;

	nl_get(a, &v, sizeof(v));
	return v;
}

u64 nl_get_u64(const struct nl_attr *a)
{
	u64 v = 0;

	nl_get(a, &v, sizeof(v));
	return v;
}

u32 nl_get_string(const struct nl_attr *a, char *out, u32 size)
{
	u32 n = a->data ? (u32)strnlen((const char *)a->data, a->len) : 0, take = MIN(n, size - 1);

	memcpy(out, a->data ? (const char *)a->data : "", take);
	out[take] = 0;
	return n;
}

static int refuse(struct nl_extack *ext, const struct nl_attr *a, int err, const char *text)
{
	if (ext)
		*ext = (struct nl_extack){ .text = text, .where = a ? a->data - ATTR_HEADER : NULL };
	return err;
}

/* Text of @max characters at most, with or without NUL. */
static bool string_fits(const struct nl_attr *a, u32 max)
{
	u32 len = a->len;

	if (len && !a->data[len - 1])
		len--;
	return !max || len <= max;
}

static int check(const struct nl_attr *a, const struct nl_policy *p, u32 how, struct nl_extack *ext)
{
	static const u8 number_len[] = { [NL_U8] = 1, [NL_U16] = 2, [NL_U32] = 4, [NL_U64] = 8 };
	static const char failed[] = "Attribute failed policy validation";

	switch (p->kind) {
	case NL_U8:
	case NL_U16:
	case NL_U32:
	case NL_U64:
		if (how & NL_EXACT && a->len != number_len[p->kind])
			return refuse(ext, a, -EINVAL, "invalid attribute length");
		return a->len < number_len[p->kind] ? refuse(ext, a, -ERANGE, failed) : 0;
	case NL_STRING:
		return a->len < 1 || !string_fits(a, p->len) ? refuse(ext, a, -ERANGE, failed) : 0;
	case NL_NUL_STRING:
		return a->len && memchr(a->data, 0, MIN((u32)a->len, p->len + 1u)) ? 0 : refuse(ext, a, -EINVAL, failed);
	case NL_BINARY:
		return p->len && a->len > p->len ? refuse(ext, a, -ERANGE, failed) : 0;
	case NL_FLAG:
		return a->len ? refuse(ext, a, -ERANGE, failed) : 0;
	case NL_NESTED:
		if (how & NL_EXACT && !(a->flags & NLA_F_NESTED))
			return refuse(ext, a, -EINVAL, "NLA_F_NESTED is missing");
		return a->len && a->len < ATTR_HEADER ? refuse(ext, a, -ERANGE, failed) : 0;
	case NL_UNKNOWN_REFUSED:
		return how & NL_STRICT ? refuse(ext, a, -EINVAL, "Unsupported attribute") : 0;
	default:
		return a->len < p->len ? refuse(ext, a, -ERANGE, failed) : 0;
	}
}

int nl_parse(const void *data, u32 len, const struct nl_policy *policy, u32 max, struct nl_attr *table, u32 how, struct nl_extack *ext)
{
	struct nl_cursor c = { data, len };
	struct nl_attr a;

	memset(table, 0, (max + 1) * sizeof(*table));
	while (nl_attr_next(&c, &a)) {
		if (!a.type || a.type > max) {
			if (how & NL_STRICT)
				return refuse(ext, &a, -EINVAL, "Unknown attribute type");
			continue;
		}
		int err = policy ? check(&a, &policy[a.type], how, ext) : 0;

		if (err) {
			if (ext)
				ext->policy = &policy[a.type];
			return err;
		}
		a.offset = (u32)(a.data - ATTR_HEADER - (const u8 *)data);
		table[a.type] = a;
	}
	if (c.left && how & NL_STRICT)
		return refuse(ext, NULL, -EINVAL, "bytes leftover after parsing attributes");
	return 0;
}

/* ---- building ---- */

/* @n more bytes, padded with zeros to the next multiple of 4. NULL: full */
static u8 *grow(struct nl_buf *b, u32 n)
{
	u32 whole = ALIGN_UP(n, NLMSG_ALIGNTO);

	if (b->full || n > b->room || whole > b->room - b->len) {
		b->full = true;
		return NULL;
	}
	u8 *at = b->data + b->len;

	memset(at, 0, whole);
	b->len += whole;
	return at;
}

u32 nl_begin(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 portid, const void *head, u32 len)
{
	struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = seq, .nlmsg_pid = portid };
	u32 at = b->len;

	b->full = false;
	u8 *to = grow(b, NLMSG_HDRLEN + len);

	if (to) {
		memcpy(to, &h, sizeof(h));
		memcpy(to + NLMSG_HDRLEN, head, len);
	}
	return at;
}

/* Write the length of what stands at @at, a u32. */
bool nl_end(struct nl_buf *b, u32 at)
{
	u32 len = b->len - at;

	if (b->full) {
		b->len = at;
		b->full = false;
		return false;
	}
	memcpy(b->data + at, &len, sizeof(len));
	return true;
}

void nl_append(struct nl_buf *b, const void *data, u32 len)
{
	u8 *to = grow(b, len);

	if (to)
		memcpy(to, data, len);
}

void *nl_reserve(struct nl_buf *b, u16 type, u32 len)
{
	struct nlattr h = { .nla_len = (u16)(ATTR_HEADER + len), .nla_type = type };
	u8 *to;

	if (len > ATTR_MAX - ATTR_HEADER) {
		b->full = true;
		return NULL;
	}
	to = grow(b, ATTR_HEADER + len);
	if (!to)
		return NULL;
	memcpy(to, &h, sizeof(h));
	return to + ATTR_HEADER;
}

void nl_put(struct nl_buf *b, u16 type, const void *data, u32 len)
{
	void *to = nl_reserve(b, type, len);

	if (to && len)
		memcpy(to, data, len);
}

void nl_put_u8(struct nl_buf *b, u16 type, u8 v) { nl_put(b, type, &v, sizeof(v)); }
void nl_put_u16(struct nl_buf *b, u16 type, u16 v) { nl_put(b, type, &v, sizeof(v)); }
void nl_put_u32(struct nl_buf *b, u16 type, u32 v) { nl_put(b, type, &v, sizeof(v)); }
void nl_put_u64(struct nl_buf *b, u16 type, u64 v) { nl_put(b, type, &v, sizeof(v)); }
void nl_put_string(struct nl_buf *b, u16 type, const char *text) { nl_put(b, type, text, (u32)strlen(text) + 1); }

void nl_put_policy(struct nl_buf *b, u16 type, const struct nl_policy *p)
{
	static const u8 kinds[] = {
		[NL_U8] = NL_ATTR_TYPE_U8, [NL_U16] = NL_ATTR_TYPE_U16, [NL_U32] = NL_ATTR_TYPE_U32, [NL_U64] = NL_ATTR_TYPE_U64,
		[NL_STRING] = NL_ATTR_TYPE_STRING,
		[NL_NUL_STRING] = NL_ATTR_TYPE_NUL_STRING, [NL_BINARY] = NL_ATTR_TYPE_BINARY, [NL_NESTED] = NL_ATTR_TYPE_NESTED, [NL_FLAG] = NL_ATTR_TYPE_FLAG,
	};
	static const u64 most[] = { [NL_U8] = 0xff, [NL_U16] = 0xffff, [NL_U32] = ~0u, [NL_U64] = ~0ull };
	u32 nest = nl_nest(b, type);

	nl_put_u32(b, NL_POLICY_TYPE_ATTR_TYPE, p->kind == NL_ANY ? NL_ATTR_TYPE_BINARY : kinds[p->kind]);
	if (p->kind >= NL_U8 && p->kind <= NL_U64) {
		nl_put_u64(b, NL_POLICY_TYPE_ATTR_MIN_VALUE_U, 0);
		nl_put_u64(b, NL_POLICY_TYPE_ATTR_MAX_VALUE_U, most[p->kind]);
	} else if (p->kind == NL_ANY && p->len) {
		nl_put_u32(b, NL_POLICY_TYPE_ATTR_MIN_LENGTH, p->len);
	} else if ((p->kind == NL_STRING || p->kind == NL_NUL_STRING || p->kind == NL_BINARY) && p->len) {
		nl_put_u32(b, NL_POLICY_TYPE_ATTR_MAX_LENGTH, p->len);
	}
	nl_nest_end(b, nest);
}

u32 nl_nest(struct nl_buf *b, u16 type)
{
	u32 at = b->len;

	nl_put(b, type, NULL, 0);
	return at;
}

void nl_nest_end(struct nl_buf *b, u32 at)
{
	u32 len = b->len - at;
	u16 short_len = (u16)len;

	if (b->full)
		return;
	if (len > ATTR_MAX) {
		b->full = true;
		return;
	}
	memcpy(b->data + at, &short_len, sizeof(short_len));
}

void nl_nest_drop_empty(struct nl_buf *b, u32 at)
{
	if (!b->full && b->len == at + ATTR_HEADER)
		b->len = at;
	else
		nl_nest_end(b, at);
}
