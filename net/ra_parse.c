/* See ra.h. */
#include "net/ndp.h"
#include "net/ra.h"

bool ra_parse(const u8 *m, u32 len, struct ra_news *out)
{
	const u8 *o;
	u32 at = RA_HEADER;

	memset(out, 0, sizeof(*out));
	if (len < RA_HEADER)
		return false;
	out->hop_limit = m[4];
	out->router_lifetime_s = get_be16(m + 6);
	while (ndp_option_next(m, len, &at, &o)) {
		if (o[0] == ND_OPT_MTU && o[1] == 1) {
			out->mtu = get_be32(o + 4);
		} else if (o[0] == ND_OPT_PREFIX && o[1] == 4 && out->prefix_count < RA_PREFIXES_MAX && o[2] <= 128) {
			struct ra_prefix *x = &out->prefix[out->prefix_count];

			*x = (struct ra_prefix){ ip_addr_v6(o + 16), o[2], o[3] & 0x80, o[3] & 0x40, get_be32(o + 4), get_be32(o + 8) };
			if (!ip6_is_link_local(&x->prefix) && !ip6_is_multicast(&x->prefix) && x->preferred_s <= x->valid_s)
				out->prefix_count++;
		}
	}
	return at == len;
}
