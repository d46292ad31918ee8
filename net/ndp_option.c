/* The options of discovery's messages.  Pure; ndp.h is the contract.  Source: RFC 4861, section 4.6. */
#include "net/ndp.h"

bool ndp_option_next(const u8 *options, u32 len, u32 *at, const u8 **option)
{
	if (*at + 2 > len || !options[*at + 1] || options[*at + 1] * 8u > len - *at)
		return false;
	*option = options + *at;
	*at += (*option)[1] * 8u;
	return true;
}

const u8 *ndp_link_address(const u8 *options, u32 len, u8 type)
{
	const u8 *o;
	u32 at = 0;

	while (ndp_option_next(options, len, &at, &o))
		if (o[0] == type && o[1] == ND_LINK_OPTION / 8 && !(o[2] & 1))
			return o + 2;
	return NULL;
}
