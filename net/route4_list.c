/*
 * IPv4 routes in the order in which they are shown.  route4.h is the contract.
 */
#include "base/sort.h"
#include "kern/slab.h"
#include "net/route4.h"

static int compare(const void *a, const void *b, void *ctx)
{
	const struct route4_slot *sx = a, *sy = b;
	const struct route4 *x = sx->route, *y = sy->route;
	u32 px = be32_to_cpu(x->prefix), py = be32_to_cpu(y->prefix);

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (px != py)
		return px < py ? -1 : 1;
	if (x->prefix_len != y->prefix_len)
		return x->prefix_len > y->prefix_len ? -1 : 1;
	if (x->metric != y->metric)
		return x->metric < y->metric ? -1 : 1;
	return sx->at < sy->at ? -1 : 1;
}

struct route4_slot *route4_sorted(u32 *count)
{
	const struct route4 *r;
	u32 n = 0, max = 0;

	for (r = route4_next(NULL); r; r = route4_next(r))
		max++;
	struct route4_slot *all = kvmalloc((max + 1) * sizeof(*all), ALLOC_KERNEL);

	if (!all)
		return NULL;
	for (r = route4_next(NULL); r; r = route4_next(r), n++)
		all[n] = (struct route4_slot){ r, n };
	sort(all, n, sizeof(*all), compare, NULL);
	*count = n;
	return all;
}
