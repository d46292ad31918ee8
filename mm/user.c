/*
 * The longer copies from user memory: structs that grow over the years, strings.  See user.h.
 */
#include "mm/user.h"
#include "base/string.h"

/* Whether @n bytes of user memory are zero. Return: 0, -EFAULT, -E2BIG */
static int check_zero(uaddr_t src, size_t n)
{
	u8 buf[64];

	while (n) {
		size_t part = MIN(n, sizeof(buf));

		if (copy_in(buf, src, part))
			return -EFAULT;
		if (!mem_is_zero(buf, part))
			return -E2BIG;
		src = uaddr_add(src, part);
		n -= part;
	}
	return 0;
}

int copy_in_struct(void *dst, size_t size, uaddr_t src, size_t user_size)
{
	size_t common = MIN(size, user_size);
	int err;

	if (user_size > size) {
		if (!user_range_ok(src, user_size))
			return -EFAULT;
		err = check_zero(uaddr_add(src, size), user_size - size);
		if (err)
			return err;
	}
	memset((char *)dst + common, 0, size - common);
	return copy_in(dst, src, common);
}

long copy_in_string(char *dst, uaddr_t src, size_t size)
{
	long len = plat_strncpy_from_user(dst, src.v, size);

	if (len < 0)
		return -EFAULT;
	if ((size_t)len >= size)
		return -ENAMETOOLONG;
	return len;
}
