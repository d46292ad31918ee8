/* madvise, mlock, and what they do to content. */
#include "abi.h"

#define RW (PROT_READ | PROT_WRITE)

void abi_test(void)
{
	char *p = mmap(NULL, 4 * ABI_PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char vec[4];

	memset(p, 7, 4 * ABI_PAGE);
	RET("DONTNEED", madvise(p + ABI_PAGE, ABI_PAGE, MADV_DONTNEED));
	say("content", "%d %d %d", p[0], p[ABI_PAGE], p[2 * ABI_PAGE]);
	RET("NORMAL", madvise(p, ABI_PAGE, MADV_NORMAL));
	RET("RANDOM", madvise(p, ABI_PAGE, MADV_RANDOM));
	RET("SEQUENTIAL", madvise(p, ABI_PAGE, MADV_SEQUENTIAL));
	RET("WILLNEED", madvise(p, ABI_PAGE, MADV_WILLNEED));
	RET("FREE", madvise(p, ABI_PAGE, MADV_FREE));
	RET("HUGEPAGE", madvise(p, ABI_PAGE, MADV_HUGEPAGE));
	RET("NOHUGEPAGE", madvise(p, ABI_PAGE, MADV_NOHUGEPAGE));
	RET("DONTDUMP", madvise(p, ABI_PAGE, MADV_DONTDUMP));
	RET("COLD", madvise(p, ABI_PAGE, MADV_COLD));
	RET("PAGEOUT", madvise(p, ABI_PAGE, MADV_PAGEOUT));
	RET("POPULATE_WRITE", madvise(p, 4 * ABI_PAGE, MADV_POPULATE_WRITE));
	mincore(p, 4 * ABI_PAGE, vec);
	say("resident", "%d%d%d%d", vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1);
	RET("unknown advice", madvise(p, ABI_PAGE, 12345));
	RET("odd address", madvise(p + 1, ABI_PAGE, MADV_DONTNEED));
	RET("length 0", madvise(p, 0, MADV_DONTNEED));
	RET("unmapped", madvise((void *)0x10000, ABI_PAGE, MADV_DONTNEED));
	munmap(p + ABI_PAGE, ABI_PAGE);
	p[2 * ABI_PAGE] = 5;
	RET("over a hole", madvise(p, 4 * ABI_PAGE, MADV_DONTNEED));
	VAL("it was done behind the hole", p[2 * ABI_PAGE]);
	RET("REMOVE of private memory", madvise(p, ABI_PAGE, MADV_REMOVE));
	char *s = mmap(NULL, 2 * ABI_PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(s, 8, 2 * ABI_PAGE);
	RET("DONTNEED of shared memory", madvise(s, ABI_PAGE, MADV_DONTNEED));
	VAL("keeps its content", s[0]);
	RET("REMOVE of shared memory", madvise(s, ABI_PAGE, MADV_REMOVE));
	say("punches a hole", "%d %d", s[0], s[ABI_PAGE]);
	RET("FREE of shared memory", madvise(s, ABI_PAGE, MADV_FREE));
	p[0] = 6;
	RET("WIPEONFORK", madvise(p, ABI_PAGE, MADV_WIPEONFORK));
	CHILD("its child's byte", _exit(p[0]));
	RET("KEEPONFORK", madvise(p, ABI_PAGE, MADV_KEEPONFORK));
	CHILD("its child's byte then", _exit(p[0]));
	RET("DONTFORK", madvise(p, ABI_PAGE, MADV_DONTFORK));
	CHILD("its child faults", _exit(*(volatile char *)p));
	RET("DOFORK", madvise(p, ABI_PAGE, MADV_DOFORK));
	CHILD("its child's byte again", _exit(p[0]));
	RET("DONTNEED_LOCKED", madvise(p, ABI_PAGE, MADV_DONTNEED_LOCKED));
	RET("mlock", mlock(p, ABI_PAGE));
	RET("DONTNEED of locked memory", madvise(p, ABI_PAGE, MADV_DONTNEED));
	RET("munlock", munlock(p, ABI_PAGE));
	RET("mlock a hole", mlock(p + ABI_PAGE, ABI_PAGE));
	RET("mlock2 bad flags", mlock2(p, ABI_PAGE, 8));
	RET("mlock2 onfault", mlock2(p, ABI_PAGE, MLOCK_ONFAULT));
	RET("mlockall bad flags", mlockall(0));
	RET("munlockall", munlockall());
	APART(
		struct rlimit none = { ABI_PAGE, ABI_PAGE };
		setrlimit(RLIMIT_MEMLOCK, &none);
		become(1000);
		RET("mlock over the limit", mlock(p + 2 * ABI_PAGE, 2 * ABI_PAGE));
		none.rlim_cur = none.rlim_max = 0;
		setrlimit(RLIMIT_MEMLOCK, &none);
		RET("mlock with limit 0", mlock(p, ABI_PAGE));
	);
	RET("posix_fadvise on a file", posix_fadvise(open("f", O_CREAT | O_RDWR, 0600), 0, 0, POSIX_FADV_DONTNEED));
	int e = posix_fadvise(open("f", O_RDWR), 0, 0, 99);
	STR("posix_fadvise bad advice", err_name(e));
	int pp[2];
	pipe(pp);
	STR("posix_fadvise on a pipe", err_name(posix_fadvise(pp[0], 0, 0, POSIX_FADV_NORMAL)));
}
