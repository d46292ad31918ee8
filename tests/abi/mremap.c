/* mremap. */
#include "abi.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

void abi_test(void)
{
	char *p = mmap(NULL, 8 * ABI_PAGE, RW, ANON, -1, 0), *q, *r;

	for (int i = 0; i < 8; i++)
		p[i * ABI_PAGE] = i + 1;
	YES("shrink in place", mremap(p, 8 * ABI_PAGE, 4 * ABI_PAGE, 0) == p);
	RET("the tail is gone", msync(p + 4 * ABI_PAGE, ABI_PAGE, MS_ASYNC));
	YES("grow in place", mremap(p, 4 * ABI_PAGE, 6 * ABI_PAGE, 0) == p);
	say("content", "%d %d %d", p[0], p[3 * ABI_PAGE], p[5 * ABI_PAGE]);
	mmap(p + 6 * ABI_PAGE, ABI_PAGE, RW, ANON | MAP_FIXED, -1, 0);
	mprotect(p + 6 * ABI_PAGE, ABI_PAGE, PROT_READ);
	RET("no room", mremap(p, 6 * ABI_PAGE, 12 * ABI_PAGE, 0));
	q = mremap(p, 6 * ABI_PAGE, 12 * ABI_PAGE, MREMAP_MAYMOVE);
	YES("moves", q != MAP_FAILED && q != p);
	say("content moved", "%d %d %d", q[0], q[3 * ABI_PAGE], q[11 * ABI_PAGE]);
	RET("the old place is gone", msync(p, ABI_PAGE, MS_ASYNC));
	r = mmap(NULL, 4 * ABI_PAGE, RW, ANON, -1, 0);
	YES("MREMAP_FIXED", mremap(q, ABI_PAGE, ABI_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r + ABI_PAGE) == r + ABI_PAGE);
	VAL("replaced", r[ABI_PAGE]);
	RET("MREMAP_FIXED alone", mremap(r, ABI_PAGE, ABI_PAGE, MREMAP_FIXED, q));
	RET("overlap", mremap(r, 2 * ABI_PAGE, 2 * ABI_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r + ABI_PAGE));
	RET("odd target", mremap(r, ABI_PAGE, ABI_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r + 1));
	RET("odd address", mremap(r + 1, ABI_PAGE, ABI_PAGE, 0));
	RET("new length 0", mremap(r, ABI_PAGE, 0, 0));
	RET("unmapped", mremap((void *)0x10000, ABI_PAGE, 2 * ABI_PAGE, MREMAP_MAYMOVE));
	RET("beyond the mapping", mremap(r, 64 * ABI_PAGE, 65 * ABI_PAGE, MREMAP_MAYMOVE));
	RET("bad flags", mremap(r, ABI_PAGE, ABI_PAGE, 0x80));
	RET("old length 0 of private memory", mremap(r, 0, ABI_PAGE, MREMAP_MAYMOVE));
	p = mmap(NULL, ABI_PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	p[0] = 'S';
	q = mremap(p, 0, ABI_PAGE, MREMAP_MAYMOVE);
	OK("old length 0 of shared memory", q);
	q[1] = 'T';
	YES("is a second view", q != p && q[0] == 'S' && p[1] == 'T');
	p = mmap(NULL, 2 * ABI_PAGE, RW, ANON, -1, 0);
	p[0] = 9;
	q = mremap(p, ABI_PAGE, ABI_PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	OK("MREMAP_DONTUNMAP", q);
	say("both places", "%d %d", p[0], q[0]);
	RET("DONTUNMAP with another size", mremap(p, ABI_PAGE, 2 * ABI_PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
	put_file("f", "abcdef", 0600);
	int fd = open("f", O_RDWR);
	truncate("f", 3 * ABI_PAGE);
	p = mmap(NULL, ABI_PAGE, RW, MAP_SHARED, fd, 0);
	p = mremap(p, ABI_PAGE, 3 * ABI_PAGE, MREMAP_MAYMOVE);
	OK("grow a file mapping", p);
	p[2 * ABI_PAGE] = 'z';
	char c;
	pread(fd, &c, 1, 2 * ABI_PAGE);
	say("its new part is the file's", "%c", c);
}
