/* See ratelimit.h. */
#include "base/atomic.h"
#include "kern/printk.h"
#include "kern/ratelimit.h"
#include "plat/plat.h"

enum { BURST = 10 };
#define INTERVAL_NS 5000000000ull

bool ratelimit_ok(struct ratelimit *rl)
{
	u64 now = plat_mono_ns();

	if (now >= atomic_load(&rl->end_ns)) {
		u32 asked = xchg(&rl->asked, 0);

		atomic_store(&rl->end_ns, now + INTERVAL_NS);
		if (asked > BURST)
			pr_warn("%u lines like the next one were left out", asked - BURST);
	}
	return atomic_fetch_add(&rl->asked, 1) < BURST;
}
