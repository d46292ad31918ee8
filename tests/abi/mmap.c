/* mmap and munmap: placement, sharing, files, errors. */
#include "abi.h"
#include <setjmp.h>

static sigjmp_buf back;
static volatile int code;

static void fault(int sig, siginfo_t *info, void *ctx)
{
	(void)ctx;
	code = info->si_code;
	siglongjmp(back, sig);
}

static const char *touch(volatile char *at, bool write)
{
	int sig = sigsetjmp(back, 1);

	if (sig == 0) {
		if (write)
			*at = 1;
		else
			(void)*at;
		return "works";
	}
	if (sig == SIGBUS)
		return code == BUS_ADRERR ? "SIGBUS BUS_ADRERR" : "SIGBUS";
	return code == SEGV_MAPERR ? "SIGSEGV SEGV_MAPERR" : code == SEGV_ACCERR ? "SIGSEGV SEGV_ACCERR" : "SIGSEGV";
}

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

void abi_test(void)
{
	struct sigaction act = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };
	char *p, *q;
	int fd;

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);

	OK("anonymous", p = mmap(NULL, 3 * ABI_PAGE, RW, ANON, -1, 0));
	YES("page aligned", ((uintptr_t)p & 4095) == 0);
	YES("zeroed", p[0] == 0 && p[3 * ABI_PAGE - 1] == 0);
	p[0] = 1;
	p[2 * ABI_PAGE] = 2;
	OK("unmap the middle", munmap(p + ABI_PAGE, ABI_PAGE));
	STR("the hole", touch(p + ABI_PAGE, false));
	say("both sides stay", "%d %d", p[0], p[2 * ABI_PAGE]);
	OK("unmap a hole", munmap(p + ABI_PAGE, ABI_PAGE));
	OK("unmap all", munmap(p, 3 * ABI_PAGE));
	STR("after that", touch(p, false));

	RET("length 0", mmap(NULL, 0, RW, ANON, -1, 0));
	RET("neither shared nor private", mmap(NULL, ABI_PAGE, RW, MAP_ANONYMOUS, -1, 0));
	RET("bad descriptor", mmap(NULL, ABI_PAGE, RW, MAP_PRIVATE, 99, 0));
	RET("anonymous ignores the descriptor", mmap(NULL, ABI_PAGE, RW, ANON, 99, 0) == MAP_FAILED ? -1 : 0);
	RET("odd offset", syscall(SYS_mmap, NULL, ABI_PAGE, RW, ANON, -1, 100));
	RET("huge length", mmap(NULL, 1UL << 47, RW, ANON, -1, 0));
	RET("wrapping length", mmap(NULL, -4096UL, RW, ANON, -1, 0));
	RET("odd fixed address", mmap((void *)0x10001, ABI_PAGE, RW, ANON | MAP_FIXED, -1, 0));
	RET("fixed in the kernel's half", mmap((void *)0xffff800000000000, ABI_PAGE, RW, ANON | MAP_FIXED, -1, 0));
	RET("munmap odd address", munmap((void *)0x10001, ABI_PAGE));
	RET("munmap length 0", munmap((void *)0x10000, 0));
	RET("munmap beyond user space", munmap((void *)0x7ffffffff000, 2 * ABI_PAGE));
	APART(
		become(1000);
		RET("page 0 for a user", mmap(NULL, ABI_PAGE, RW, ANON | MAP_FIXED, -1, 0));
	);
	RET("MAP_SHARED_VALIDATE with unknown flags", ({
		fd = open("v", O_CREAT | O_RDWR, 0600);
		ftruncate(fd, ABI_PAGE);
		mmap(NULL, ABI_PAGE, RW, MAP_SHARED_VALIDATE | 0x1000000, fd, 0); }));

	/* MAP_FIXED replaces, NOREPLACE does not. */
	p = mmap(NULL, 4 * ABI_PAGE, RW, ANON, -1, 0);
	memset(p, 7, 4 * ABI_PAGE);
	q = mmap(p + ABI_PAGE, ABI_PAGE, RW, ANON | MAP_FIXED, -1, 0);
	say("MAP_FIXED replaces", "%d %d %d", p[0], q[0], p[2 * ABI_PAGE]);
	RET("MAP_FIXED_NOREPLACE on a mapping", mmap(p, ABI_PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	munmap(p + 2 * ABI_PAGE, ABI_PAGE);
	YES("MAP_FIXED_NOREPLACE in a hole", mmap(p + 2 * ABI_PAGE, ABI_PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p + 2 * ABI_PAGE);
	munmap(p + 2 * ABI_PAGE, ABI_PAGE);
	YES("a free hint is taken", mmap(p + 2 * ABI_PAGE, ABI_PAGE, RW, ANON, -1, 0) == p + 2 * ABI_PAGE);
	YES("a used hint is not", mmap(p, ABI_PAGE, RW, ANON, -1, 0) != p);
	YES("MAP_32BIT", (uintptr_t)mmap(NULL, ABI_PAGE, RW, ANON | MAP_32BIT, -1, 0) < 1UL << 32);

	/* Protection */
	p = mmap(NULL, ABI_PAGE, PROT_NONE, ANON, -1, 0);
	STR("read PROT_NONE", touch(p, false));
	p = mmap(NULL, ABI_PAGE, PROT_READ, ANON, -1, 0);
	STR("read PROT_READ", touch(p, false));
	STR("write PROT_READ", touch(p, true));
	p = mmap(NULL, ABI_PAGE, PROT_WRITE, ANON, -1, 0);
	STR("read PROT_WRITE", touch(p, false));
	p = mmap(NULL, ABI_PAGE, RW, ANON, -1, 0);
	p[0] = (char)0xc3;
	APART(signal(SIGSEGV, SIG_DFL); CHILD("execute without PROT_EXEC", ((void (*)(void))p)()));
	mprotect(p, ABI_PAGE, PROT_READ | PROT_EXEC);
	APART(signal(SIGSEGV, SIG_DFL); CHILD("execute with PROT_EXEC", ((void (*)(void))p)()));

	/* Files */
	put_file("f", "0123456789", 0644);
	fd = open("f", O_RDWR);
	OK("shared file", p = mmap(NULL, 2 * ABI_PAGE, RW, MAP_SHARED, fd, 0));
	say("content", "%.10s", p);
	VAL("zeros behind the end", p[10]);
	STR("beyond the last page", touch(p + ABI_PAGE, false));
	p[0] = 'X';
	char text[16] = "";
	pread(fd, text, 10, 0);
	STR("a store is seen by read", text);
	pwrite(fd, "Y", 1, 1);
	say("a write is seen by the mapping", "%.4s", p);
	p[10] = 'Z';
	struct stat st;
	fstat(fd, &st);
	VAL("a store behind the end does not grow the file", st.st_size);
	ftruncate(fd, ABI_PAGE + 1);
	STR("after growing", touch(p + ABI_PAGE, false));
	ftruncate(fd, 10);
	STR("after shrinking", touch(p + ABI_PAGE, false));
	ftruncate(fd, 12);
	say("growing shows zeros", "%d", p[10]);
	q = mmap(NULL, ABI_PAGE, RW, MAP_PRIVATE, fd, 0);
	q[0] = 'P';
	pread(fd, text, 3, 0);
	say("a private store stays private", "%.3s", text);
	p[2] = 'S';
	say("a copied page is not refreshed", "%.3s", q);
	close(fd);
	say("a mapping outlives its descriptor", "%.3s", p);
	unlink("f");
	say("and its name", "%.3s", p);
	OK("msync", msync(p, ABI_PAGE, MS_SYNC));
	RET("msync bad flags", msync(p, ABI_PAGE, MS_SYNC | MS_ASYNC));
	RET("msync a hole", ({ munmap(p, 2 * ABI_PAGE); msync(p, ABI_PAGE, MS_SYNC); }));

	put_file("ro", "read only", 0644);
	fd = open("ro", O_RDONLY);
	RET("shared writable of O_RDONLY", mmap(NULL, ABI_PAGE, RW, MAP_SHARED, fd, 0));
	OK("private writable of O_RDONLY", p = mmap(NULL, ABI_PAGE, RW, MAP_PRIVATE, fd, 0));
	OK("shared readable of O_RDONLY", q = mmap(NULL, ABI_PAGE, PROT_READ, MAP_SHARED, fd, 0));
	RET("and no mprotect to writable", mprotect(q, ABI_PAGE, RW));
	fd = open("ro", O_WRONLY);
	RET("of O_WRONLY", mmap(NULL, ABI_PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	RET("a directory", mmap(NULL, ABI_PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0));
	int ends[2];
	MUST(pipe(ends));
	RET("a pipe", mmap(NULL, ABI_PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0));
	fd = open("/dev/zero", O_RDWR);
	OK("/dev/zero", p = mmap(NULL, ABI_PAGE, RW, MAP_PRIVATE, fd, 0));
	VAL("reads 0", p[5]);

	/* fork: private is copied, shared is shared */
	p = mmap(NULL, ABI_PAGE, RW, ANON, -1, 0);
	q = mmap(NULL, ABI_PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	APART(p[0] = 5; q[0] = 6);
	say("after fork", "%d %d", p[0], q[0]);

	/* mincore, big sparse reservation */
	unsigned char vec[4] = { 9, 9, 9, 9 };
	p = mmap(NULL, 4 * ABI_PAGE, RW, ANON, -1, 0);
	p[ABI_PAGE] = 1;
	OK("mincore", mincore(p, 4 * ABI_PAGE, vec));
	say("resident", "%d %d", vec[1] & 1, vec[3] & 1);
	RET("mincore of a hole", ({ munmap(p, 4 * ABI_PAGE); mincore(p, ABI_PAGE, vec); }));
	OK("1 TiB, MAP_NORESERVE", p = mmap(NULL, 1UL << 40, RW, ANON | MAP_NORESERVE, -1, 0));
	p[1UL << 39] = 3;
	VAL("its middle", p[1UL << 39]);
	OK("unmap 1 TiB", munmap(p, 1UL << 40));
	APART(
		struct rlimit small = { 64 << 20, 64 << 20 };
		setrlimit(RLIMIT_AS, &small);
		RET("RLIMIT_AS", mmap(NULL, 128 << 20, RW, ANON, -1, 0));
	);
	OK("MAP_POPULATE", p = mmap(NULL, 4 * ABI_PAGE, RW, ANON | MAP_POPULATE, -1, 0));
	mincore(p, 4 * ABI_PAGE, vec);
	say("populated", "%d%d%d%d", vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1);
}
