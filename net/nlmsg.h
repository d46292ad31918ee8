/*
 * Netlink messages: reading what users sent, building what they get.
 *
 *	header (16) | family header, padded to 4 | attribute: length, type, payload, padded to 4 | attribute …
 *
 * Reading: a cursor never leaves the bytes that it was given: a length that is too short, or longer than what is left, ends the walk.  Nothing
 * is aligned for sure but the start of a message, so payloads are copied out.
 *
 * Building: a message that does not fit is taken back whole: nl_end() says so.  In between, puts into a full buffer do nothing.
 *
 * Contexts: any.  Pure.
 * Source: netlink(7), RFC 3549 section 2.3, Linux Documentation/userspace-api/netlink/.
 */
#ifndef NET_NLMSG_H
#define NET_NLMSG_H

#include <linux/netlink.h>
#include "base/types.h"

/* ---- reading ---- */

struct nl_cursor {
	const u8 *at;
	u32 left;
};

/* One message of a buffer. */
struct nl_message {
	struct nlmsghdr head;
	const u8 *start;		/* the header, as it came */
	const u8 *body;			/* behind it */
	u32 len;			/* of the body: head.nlmsg_len less the header */
};

/** nl_message_next - Return: whether there is one more; false also before one whose length is impossible */
bool nl_message_next(struct nl_cursor *c, struct nl_message *out);

struct nl_attr {
	const u8 *data;			/* payload; NULL: not there */
	u16 type;			/* without flags */
	u16 len;			/* of the payload */
	u16 flags;			/* NLA_F_NESTED, NLA_F_NET_BYTEORDER */
	u32 offset;			/* of the attribute's own header, from the start that nl_parse was given */
};

/** nl_attr_next - Return: whether there is one more; false also before one whose length is impossible; c->left then says how many bytes remain */
bool nl_attr_next(struct nl_cursor *c, struct nl_attr *out);

u8 nl_get_u8(const struct nl_attr *a);		/* 0 if it is shorter */
u16 nl_get_u16(const struct nl_attr *a);
u32 nl_get_u32(const struct nl_attr *a);
u64 nl_get_u64(const struct nl_attr *a);
/** nl_get_string - copied and terminated; what is longer than @size - 1 is cut. Return: length of the attribute's text, whole */
u32 nl_get_string(const struct nl_attr *a, char *out, u32 size);
/** nl_get - copy exactly @len bytes. Return: false if the attribute is not there or shorter */
bool nl_get(const struct nl_attr *a, void *out, u32 len);

struct nl_policy;

/* What a kernel end says about a request beside the errno (NETLINK_EXT_ACK). */
struct nl_extack {
	const char *text;		/* static; NULL: none */
	const u8 *where;		/* the attribute that is wrong: within the message. NULL: none */
	const struct nl_policy *policy;	/* what it should have been; NULL: none */
};

/* What an attribute must look like. */
enum nl_kind { NL_ANY, NL_UNKNOWN_REFUSED, NL_U8, NL_U16, NL_U32, NL_U64, NL_STRING, NL_NUL_STRING, NL_BINARY, NL_NESTED, NL_FLAG };
struct nl_policy {
	u8 kind;			/* enum nl_kind */
	u16 len;			/* STRING, NUL_STRING: at most, without NUL; BINARY: at most, 0: any; ANY: at least */
};

/* How hard nl_parse looks. */
enum {
	NL_LIBERAL = 0,			/* unknown attributes and trailing bytes are passed over; numbers may be longer than they need */
	NL_STRICT = 1,			/* EINVAL for unknown attributes and trailing bytes */
	NL_EXACT = 2,			/* EINVAL for longer numbers, and for nests without NLA_F_NESTED */
};

/**
 * nl_parse - the attributes of [@data, @data + @len) into @table, the last of a type counts
 * @table:  [@max + 1], cleared first; types above @max are passed over (strict: refused)
 * @policy: [@max + 1], or NULL: anything goes
 * Return:  0, -ERANGE (a payload too short or too long), -EINVAL (nested flag missing where strict, unknown, trailing bytes)
 */
MUST_CHECK int nl_parse(const void *data, u32 len, const struct nl_policy *policy, u32 max, struct nl_attr *table, u32 how, struct nl_extack *ext);

/* ---- building ---- */

struct nl_buf {
	u8 *data;
	u32 len;			/* whole messages, and the one that is being built; a multiple of 4 */
	u32 room;
	bool full;			/* something of the message that is being built did not fit */
};

static inline void nl_buf_init(struct nl_buf *b, void *data, u32 room)
{
	*b = (struct nl_buf){ .data = data, .room = room };
}

/** nl_begin - a header, and @len bytes of a family's header. Return: where it stands, for nl_end() */
u32 nl_begin(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 portid, const void *head, u32 len);
/** nl_end - fix the length. Return: false: it did not fit and was taken back */
bool nl_end(struct nl_buf *b, u32 at);

/** nl_append - bytes that are no attribute, padded. */
void nl_append(struct nl_buf *b, const void *data, u32 len);
void nl_put(struct nl_buf *b, u16 type, const void *data, u32 len);
void nl_put_u8(struct nl_buf *b, u16 type, u8 v);
void nl_put_u16(struct nl_buf *b, u16 type, u16 v);
void nl_put_u32(struct nl_buf *b, u16 type, u32 v);
void nl_put_u64(struct nl_buf *b, u16 type, u64 v);
/** nl_put_policy - tell what an attribute has to look like (NLMSGERR_ATTR_POLICY). */
void nl_put_policy(struct nl_buf *b, u16 type, const struct nl_policy *p);
void nl_put_string(struct nl_buf *b, u16 type, const char *text);
/** nl_reserve - an attribute of @len zero bytes. Return: its payload, NULL: full */
void *nl_reserve(struct nl_buf *b, u16 type, u32 len);
/** nl_nest - begin an attribute that holds others (type with NLA_F_NESTED or not, as the family does it). nl_nest_end() with its result. */
u32 nl_nest(struct nl_buf *b, u16 type);
void nl_nest_end(struct nl_buf *b, u32 at);
/** nl_nest_drop_empty - as nl_nest_end, and no attribute at all if nothing is in it. */
void nl_nest_drop_empty(struct nl_buf *b, u32 at);

#endif
