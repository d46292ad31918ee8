/* readv, writev, pread, pwrite, preadv2 and their limits. */
#include "abi.h"

void abi_test(void)
{
	char a[8] = "", b[8] = "", c = 0;
	struct iovec iov[3] = { { "abc", 3 }, { "", 0 }, { "defg", 4 } };
	int fd = open("f", O_CREAT | O_RDWR, 0600), p[2];

	RET("writev", writev(fd, iov, 3));
	RET("pwrite beyond the end", pwrite(fd, "Z", 1, 10));
	VAL("the offset stays", lseek(fd, 0, SEEK_CUR));
	iov[0] = (struct iovec){ a, 2 };
	iov[1] = (struct iovec){ b, 3 };
	RET("preadv", preadv(fd, iov, 2, 1));
	say("parts", "%.2s %.3s", a, b);
	lseek(fd, 9, SEEK_SET);
	RET("readv at the end", readv(fd, iov, 2));
	RET("pread negative offset", pread(fd, a, 1, -1));
	RET("pwrite negative offset", pwrite(fd, a, 1, -5));
	RET("preadv negative offset", preadv(fd, iov, 1, -3));
	RET("iovcnt 0", readv(fd, iov, 0));
	RET("iovcnt negative", readv(fd, iov, -1));
	static struct iovec many[1025];
	for (int i = 0; i < 1025; i++)
		many[i] = (struct iovec){ "x", 1 };
	RET("iovcnt 1024", writev(fd, many, 1024));
	RET("iovcnt 1025", writev(fd, many, 1025));
	iov[0] = (struct iovec){ a, SSIZE_MAX };
	iov[1] = (struct iovec){ b, 1 };
	RET("lengths over SSIZE_MAX", readv(fd, iov, 2));
	iov[0] = (struct iovec){ a, (size_t)-1 };
	RET("a negative length", readv(fd, iov, 1));
	iov[0] = (struct iovec){ (void *)8, 4 };
	lseek(fd, 0, SEEK_SET);
	RET("a bad buffer", readv(fd, iov, 1));
	iov[0] = (struct iovec){ a, 2 };
	iov[1] = (struct iovec){ (void *)8, 2 };
	RET("a bad second buffer", readv(fd, iov, 2));
	RET("a bad second buffer, writev", writev(fd, iov, 2));
	RET("a bad array", readv(fd, (struct iovec *)8, 2));
	char *edge = fence();
	lseek(fd, 0, SEEK_SET);
	RET("read up to a fence", read(fd, edge - 3, 10));
	RET("read at a fence", read(fd, edge, 10));
	memset(edge - 3, 'e', 3);
	int g = open("g", O_CREAT | O_RDWR, 0600);
	RET("write up to a fence", write(g, edge - 3, 10));
	VAL("its size", lseek(g, 0, SEEK_END));
	MUST(pipe(p));
	RET("write up to a fence, pipe", write(p[1], edge - 3, 10));
	iov[0] = (struct iovec){ a, 4 };
	RET("preadv2 at the current offset", ({ lseek(fd, 2, SEEK_SET); preadv2(fd, iov, 1, -1, 0); }));
	VAL("moves it", lseek(fd, 0, SEEK_CUR));
	RET("preadv2 bad flags", preadv2(fd, iov, 1, 0, 0x1000));
	RET("pwritev2 RWF_APPEND", pwritev2(fd, iov, 1, 0, RWF_APPEND));
	RET("preadv2 RWF_NOWAIT, empty pipe", ({ int q[2]; pipe(q); preadv2(q[0], iov, 1, -1, RWF_NOWAIT); }));
	RET("pwritev2 RWF_DSYNC", pwritev2(fd, iov, 1, 0, RWF_DSYNC));
	RET("read a huge count", read(fd, &c, 0) + (lseek(fd, 0, SEEK_END) > 0));
	RET("fsync", fsync(fd));
	RET("fdatasync", fdatasync(fd));
	RET("sync_file_range", sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	RET("sync_file_range bad flags", sync_file_range(fd, 0, 0, 0x100));
	RET("syncfs", syncfs(fd));
	RET("readahead", readahead(fd, 0, 4096));
	RET("readahead write-only", readahead(open("f", O_WRONLY), 0, 4096));
	RET("pread of a pipe", pread(p[0], a, 1, 0));
	RET("pwrite of a pipe", pwrite(p[1], a, 1, 0));
	RET("zero bytes to a bad address", write(fd, (void *)8, 0));
	RET("zero bytes from a bad address", read(fd, (void *)8, 0));
	RET("write at the largest offset", pwrite(fd, "x", 1, INT64_MAX));
	RET("read at the largest offset", pread(fd, a, 1, INT64_MAX));
}
