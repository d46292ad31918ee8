/* memfd_create and seals. */
#include "abi.h"

void abi_test(void)
{
	struct stat st;
	char path[64], name[64] = "";
	int fd = memfd_create("thing", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	OK("create", fd);
	fstat(fd, &st);
	say("mode", "%#o", st.st_mode);
	VAL("size", st.st_size);
	VAL("nlink", st.st_nlink);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readlink(path, name, sizeof(name) - 1);
	STR("name", name);
	RET("bad flags", memfd_create("x", 0x100));
	RET("bad name address", syscall(SYS_memfd_create, 8, 0));
	char big[300];
	memset(big, 'a', sizeof(big));
	big[249] = 0;
	OK("name of 249", memfd_create(big, 0));
	big[249] = 'a';
	big[250] = 0;
	RET("name of 250", memfd_create(big, 0));
	RET("write", write(fd, "hello", 5));
	OK("ftruncate", ftruncate(fd, 2 * ABI_PAGE));
	RET("F_GET_SEALS", fcntl(fd, F_GET_SEALS));
	int plain = memfd_create("p", 0);
	RET("seals without ALLOW_SEALING", fcntl(plain, F_GET_SEALS));
	RET("adding one there", fcntl(plain, F_ADD_SEALS, F_SEAL_SHRINK));
	RET("seals of a file", fcntl(open("f", O_CREAT | O_RDWR, 0600), F_GET_SEALS));
	OK("SEAL_SHRINK", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	RET("shrink", ftruncate(fd, 0));
	OK("grow", ftruncate(fd, 3 * ABI_PAGE));
	OK("SEAL_GROW", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	RET("grow then", ftruncate(fd, 4 * ABI_PAGE));
	RET("write over the end", pwrite(fd, "xx", 2, 3 * ABI_PAGE - 1));
	RET("write at the end", pwrite(fd, "xx", 2, 3 * ABI_PAGE));
	char *m = mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	RET("SEAL_WRITE with a writable mapping", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(m, ABI_PAGE);
	OK("SEAL_WRITE without", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	RET("write then", pwrite(fd, "x", 1, 0));
	RET("writable mapping", mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	OK("private mapping", mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	RET("punch a hole", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, ABI_PAGE));
	OK("SEAL_SEAL", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	RET("another seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	HEX("seals", fcntl(fd, F_GET_SEALS));
	RET("unknown seal", fcntl(memfd_create("q", MFD_ALLOW_SEALING), F_ADD_SEALS, 0x100));
	int future = memfd_create("q", MFD_ALLOW_SEALING);
	ftruncate(future, ABI_PAGE);
	m = mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, future, 0);
	OK("SEAL_FUTURE_WRITE with a mapping", fcntl(future, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	m[0] = 'm';
	RET("write after it", pwrite(future, "x", 1, 0));
	int ro = open(path, O_RDONLY);
	OK("open again through /proc", ro);
	RET("adding seals needs write", fcntl(ro, F_ADD_SEALS, F_SEAL_SHRINK));
	int x = memfd_create("prog", MFD_CLOEXEC);
	int self = open(abi_self, O_RDONLY);
	char buf[65536];
	ssize_t n;
	while ((n = read(self, buf, sizeof(buf))) > 0)
		write(x, buf, n);
	CHILD("execveat of a memfd", syscall(SYS_execveat, x, "", (char *[]){ "abi", "@exit", "9", NULL }, (char *[]){ NULL }, AT_EMPTY_PATH));
	CHILD("fexecve of a memfd", fexecve(x, (char *[]){ "abi", "@exit", "8", NULL }, (char *[]){ NULL }));
}
