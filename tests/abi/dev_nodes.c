/* /dev/null, zero, full, random, urandom, tty, kmsg, mem nodes; shm. */
#include "abi.h"
#include <sys/sysmacros.h>

static void node(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		STR(path, err_name(errno));
	else
		say(path, "%#o %u:%u", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
}

void abi_test(void)
{
	char text[64];
	int fd;

	node("/dev/null");
	node("/dev/zero");
	node("/dev/full");
	node("/dev/random");
	node("/dev/urandom");
	node("/dev/tty");
	node("/dev/console");
	node("/dev/ptmx");
	node("/dev/pts/ptmx");
	node("/dev/kmsg");
	fd = open("/dev/null", O_RDWR);
	RET("null read", read(fd, text, 10));
	RET("null write", write(fd, text, 10));
	RET("null lseek", lseek(fd, 100, SEEK_SET));
	RET("null ftruncate", ftruncate(fd, 0));
	RET("null mmap", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
	RET("null unknown ioctl", ioctl(fd, 0x1234, 0));
	fd = open("/dev/zero", O_RDWR);
	memset(text, 1, sizeof(text));
	RET("zero read", read(fd, text, 10));
	say("zeros", "%d %d", text[9], text[10]);
	RET("zero write", write(fd, text, 10));
	RET("zero read to a bad address", read(fd, (void *)8, 10));
	char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	OK("zero shared mapping", m);
	APART(m[0] = 5);
	VAL("is shared with a child", m[0]);
	fd = open("/dev/full", O_RDWR);
	RET("full read", read(fd, text, 10));
	RET("full write", write(fd, text, 10));
	RET("full write of nothing", write(fd, text, 0));
	fd = open("/dev/urandom", O_RDWR);
	RET("urandom read", read(fd, text, 10));
	RET("urandom write", write(fd, text, 10));
	RET("random read", read(open("/dev/random", O_RDONLY), text, 10));
	RET("tty without a terminal", open("/dev/tty", O_RDWR));
	RET("truncating open", open("/dev/null", O_WRONLY | O_TRUNC));
	APART(become(1000); RET("null as a user", write(open("/dev/null", O_WRONLY), "x", 1)));
	RET("kmsg write", write(open("/dev/kmsg", O_WRONLY), "<7>abi\n", 7));
	mkdir("m", 0755);
	MUST(mount("tmpfs", "m", "tmpfs", MS_NODEV, NULL));
	mknod("m/null", S_IFCHR | 0666, makedev(1, 3));
	RET("on a nodev mount", open("m/null", O_RDWR));
	umount("m");
	RET("/dev/shm", access("/dev/shm", W_OK));
}
