/*
 * Ancillary data: struct cmsghdr records, each aligned to 8 bytes, in the layout that users see.
 *
 * Source: cmsg(3), RFC 3542 section 20.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "sock/sock.h"

struct cmsg_head {
	u64 len;			/* header and data */
	s32 level, type;
};

static u64 cmsg_align(u64 n) { return ALIGN_UP(n, 8); }

int sock_cmsg_next(const struct sock_msg *m, u32 *at, struct sock_cmsg *out)
{
	struct cmsg_head h;
	u32 left = m->control_len - *at;

	if (*at >= m->control_len || left < sizeof(h))
		return 0;
	memcpy(&h, m->control + *at, sizeof(h));
	if (h.len < sizeof(h) || h.len > left)
		return -EINVAL;
	out->level = h.level;
	out->type = h.type;
	out->data = m->control + *at + sizeof(h);
	out->len = (u32)(h.len - sizeof(h));
	*at += (u32)MIN(cmsg_align(h.len), (u64)left);
	return 1;
}

void sock_cmsg_put(struct sock_msg *m, int level, int type, const void *data, u32 len)
{
	struct cmsg_head h = { .len = sizeof(h) + len, .level = level, .type = type };
	u32 room = m->control_size - m->control_len;

	if (room < sizeof(h)) {
		m->flags_out |= MSG_CTRUNC;
		return;
	}
	if (room < h.len) {
		m->flags_out |= MSG_CTRUNC;
		h.len = room;
	}
	u8 *to = m->control + m->control_len;
	u64 step = MIN(cmsg_align(h.len), (u64)room);

	memset(to, 0, step);
	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), data, h.len - sizeof(h));
	m->control_len += (u32)step;
}
