/* See ext6.h. */
#include "net/ext6.h"

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, NONE = 59, DESTINATION = 60, MOBILITY = 135 };
enum { OPTION_PAD1 = 0, OPTION_PADN = 1, OPTION_ROUTER_ALERT = 5 };
enum { CODE_FIELD = 0, CODE_HEADER = 1, CODE_OPTION = 2 };

static enum ext6_verdict problem(struct ext6 *out, u8 code, u32 pointer)
{
	out->code = code;
	out->pointer = pointer;
	return EXT6_PARAMETER;
}

/* The options of a hop-by-hop or destination header that ends at @end; an unknown one says itself what is to be done (4.2). */
static enum ext6_verdict options(const u8 *h, u32 at, u32 end, bool group, struct ext6 *out)
{
	while (at < end) {
		u8 type = h[at];

		if (type == OPTION_PAD1) {
			at++;
			continue;
		}
		if (at + 2 > end || h[at + 1] > end - at - 2)
			return EXT6_DROP;
		if (type != OPTION_PADN && type != OPTION_ROUTER_ALERT) {
			switch (type >> 6) {
			case 0: break;
			case 1: return EXT6_DROP;
			case 2: return problem(out, CODE_OPTION, at);
			default: return group ? EXT6_DROP : problem(out, CODE_OPTION, at);
			}
		}
		at += 2u + h[at + 1];
	}
	return EXT6_TRANSPORT;
}

enum ext6_verdict ext6_walk(const u8 *h, u32 len, bool group, struct ext6 *out)
{
	*out = (struct ext6){ .next = h[6], .at = IP6_HEADER, .next_field = 6 };
	for (;;) {
		u32 at = out->at, bytes;
		enum ext6_verdict v = EXT6_TRANSPORT;

		if (out->next == NONE)
			return EXT6_NOTHING;
		if (!ext6_is_extension(out->next) || out->next == MOBILITY)
			return EXT6_TRANSPORT;
		if (at + 8 > len)
			return EXT6_TRUNCATED;
		bytes = out->next == FRAGMENT ? 8 : (h[at + 1] + 1u) * 8;
		if (at + bytes > len)
			return EXT6_TRUNCATED;
		if (out->next == HOP_BY_HOP && at != IP6_HEADER)
			return problem(out, CODE_HEADER, out->next_field);
		if (out->next == HOP_BY_HOP || out->next == DESTINATION)
			v = options(h, at + 2, at + bytes, group, out);
		else if (out->next == ROUTING && h[at + 3])
			v = problem(out, CODE_FIELD, at + 2);		/* segments left, and no type is known */
		else if (out->next == FRAGMENT && (h[at + 2] || h[at + 3] & 0xf9))
			return EXT6_FRAGMENT;
		if (v != EXT6_TRANSPORT)
			return v;
		out->next_field = at;
		out->next = h[at];
		out->at = at + bytes;
	}
}
