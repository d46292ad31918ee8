/* See fragment.h. */
#include "net/fragment.h"

static bool first(const struct fragment_set *s, const struct fragment *f) { return f->node.prev == &s->list; }
static bool final(const struct fragment_set *s, const struct fragment *f) { return f->node.next == &s->list; }

/* Whether @f lies within the unbroken run of pieces that @at belongs to. */
static bool covered(const struct fragment_set *s, const struct fragment *at, const struct fragment *f)
{
	const struct fragment *low = at, *high = at;

	while (low->start > f->start && !first(s, low)) {
		const struct fragment *before = list_entry(low->node.prev, struct fragment, node);

		if (before->end != low->start)
			break;
		low = before;
	}
	while (high->end < f->end && !final(s, high)) {
		const struct fragment *after = list_entry(high->node.next, struct fragment, node);

		if (after->start != high->end)
			break;
		high = after;
	}
	return low->start <= f->start && f->end <= high->end;
}

enum fragment_verdict fragment_insert(struct fragment_set *s, struct fragment *f, bool more)
{
	struct list_head *behind = &s->list;
	struct fragment *at;

	if (f->start >= f->end || s->count == FRAGMENTS_MAX)
		return FRAGMENT_BAD;
	if (more ? s->last && f->end > s->end : f->end < s->end || (s->last && f->end != s->end))
		return FRAGMENT_BAD;
	/* Most come in order, so from the back. */
	list_for_each_entry_reverse(at, &s->list, node) {
		if (at->end <= f->start) {
			behind = &at->node;
			break;
		}
		if (at->start < f->end)
			return covered(s, at, f) ? FRAGMENT_DUPLICATE : FRAGMENT_OVERLAP;
	}
	list_add(&f->node, behind);
	s->count++;
	s->have += f->end - f->start;
	s->end = MAX(s->end, f->end);
	s->last |= !more;
	return s->last && s->have == s->end ? FRAGMENT_COMPLETE : FRAGMENT_KEPT;
}
