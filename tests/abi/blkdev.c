/* Block devices as files: ioctls, sizes, O_DIRECT, O_EXCL, partitions; on a loop device. */
#include "abi.h"
#include <linux/blkpg.h>
#include <linux/blkzoned.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/loop.h>
#include <linux/pr.h>

#define SIZE (1 << 20)

static int disk, file;

static void figures(void)
{
	unsigned long count = 0;
	uint64_t bytes = 0;
	unsigned int u = 0;
	unsigned short s = 0;
	int i = 0;

	RET("size64", ioctl(disk, BLKGETSIZE64, &bytes));
	VAL("bytes", (long)bytes);
	RET("size", ioctl(disk, BLKGETSIZE, &count));
	VAL("sectors", (long)count);
	RET("size to nowhere", ioctl(disk, BLKGETSIZE64, 0));
	RET("sector size", ioctl(disk, BLKSSZGET, &i));
	VAL("sector bytes", i);
	RET("physical size", ioctl(disk, BLKPBSZGET, &u));
	VAL("physical bytes", u);
	RET("io min", ioctl(disk, BLKIOMIN, &u));
	VAL("io min bytes", u);
	RET("io opt", ioctl(disk, BLKIOOPT, &u));
	VAL("io opt bytes", u);
	RET("alignment", ioctl(disk, BLKALIGNOFF, &i));
	VAL("alignment bytes", i);
	RET("read-only", ioctl(disk, BLKROGET, &i));
	VAL("is read-only", i);
	RET("discard zeroes", ioctl(disk, BLKDISCARDZEROES, &u));
	VAL("discard zeroes: value", u);
	RET("zone size", ioctl(disk, BLKGETZONESZ, &u));
	VAL("zone size: value", u);
	RET("zones", ioctl(disk, BLKGETNRZONES, &u));
	VAL("zones: value", u);
	RET("read-ahead", ioctl(disk, BLKRAGET, &count));
	VAL("read-ahead: sectors", (long)count);
	RET("read-ahead to nowhere", ioctl(disk, BLKRAGET, 0));
	RET("set read-ahead", ioctl(disk, BLKRASET, 512));
	RET("read-ahead again", ioctl(disk, BLKRAGET, &count));
	VAL("read-ahead: sectors now", (long)count);
	RET("rotational", ioctl(disk, BLKROTATIONAL, &s));
	RET("geometry", ioctl(disk, HDIO_GETGEO, &i));
	RET("unknown ioctl", ioctl(disk, _IO(0x12, 255), 0));
	RET("block size 511", ioctl(disk, BLKBSZSET, &(int){ 511 }));
	RET("block size 1024", ioctl(disk, BLKBSZSET, &(int){ 1024 }));
	RET("block size 8192", ioctl(disk, BLKBSZSET, &(int){ 8192 }));
	RET("block size of nowhere", ioctl(disk, BLKBSZSET, 0));
	RET("block size told", ioctl(disk, BLKBSZGET, &i));
	VAL("block size", i);
	RET("flush buffers", ioctl(disk, BLKFLSBUF, 0));
	RET("rescan", ioctl(disk, BLKRRPART, 0));
	struct pr_registration reg = { .new_key = 1 };
	RET("register a key", ioctl(disk, IOC_PR_REGISTER, &reg));
}

static void ranges(void)
{
	int ro = MUST(open("/dev/loop0", O_RDONLY));
	char buf[4096];

	memset(buf, 'x', sizeof(buf));
	for (int i = 0; i < 16; i++)
		MUST(pwrite(disk, buf, sizeof(buf), i * 4096));
	RET("discard read-only", (ioctl(ro, BLKDISCARD, (uint64_t[]){ 0, 4096 })));
	RET("zero read-only", (ioctl(ro, BLKZEROOUT, (uint64_t[]){ 0, 4096 })));
	RET("secure read-only", (ioctl(ro, BLKSECDISCARD, (uint64_t[]){ 0, 4096 })));
	RET("discard", (ioctl(disk, BLKDISCARD, (uint64_t[]){ 4096, 4096 })));
	RET("discard odd", (ioctl(disk, BLKDISCARD, (uint64_t[]){ 100, 4096 })));
	RET("discard past the end", (ioctl(disk, BLKDISCARD, (uint64_t[]){ SIZE, 4096 })));
	RET("discard that wraps", (ioctl(disk, BLKDISCARD, (uint64_t[]){ 4096, ~511ull })));
	RET("discard of nowhere", ioctl(disk, BLKDISCARD, 8));
	RET("zero", (ioctl(disk, BLKZEROOUT, (uint64_t[]){ 8192, 512 })));
	RET("zero odd", (ioctl(disk, BLKZEROOUT, (uint64_t[]){ 8192, 100 })));
	RET("zero nothing", (ioctl(disk, BLKZEROOUT, (uint64_t[]){ 8192, 0 })));
	RET("zero past the end", (ioctl(disk, BLKZEROOUT, (uint64_t[]){ SIZE - 512, 1024 })));
	RET("secure erase", (ioctl(disk, BLKSECDISCARD, (uint64_t[]){ 0, 4096 })));
	MUST(pread(disk, buf, sizeof(buf), 4096));
	VAL("discarded byte", buf[0]);
	MUST(pread(disk, buf, 1024, 8192));
	VAL("zeroed byte", buf[0]);
	VAL("byte behind the zeroes", buf[512]);
	RET("fallocate", fallocate(disk, 0, 0, 4096));
	RET("fallocate keep", fallocate(disk, FALLOC_FL_KEEP_SIZE, 0, 4096));
	RET("fallocate zero", fallocate(disk, FALLOC_FL_ZERO_RANGE, 12288, 4096));
	RET("fallocate punch", fallocate(disk, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16384, 4096));
	RET("fallocate odd", fallocate(disk, FALLOC_FL_ZERO_RANGE, 12288, 100));
	RET("fallocate past the end", fallocate(disk, FALLOC_FL_ZERO_RANGE, SIZE - 4096, 8192));
	RET("fallocate beyond", fallocate(disk, FALLOC_FL_ZERO_RANGE, SIZE, 4096));
	RET("truncate", ftruncate(disk, 4096));
	MUST(pread(disk, buf, sizeof(buf), 12288));
	VAL("fallocated byte", buf[0]);
	close(ro);
}

static void transfers(void)
{
	char *buf = aligned_alloc(4096, 8192);
	int direct = MUST(open("/dev/loop0", O_RDWR | O_DIRECT));

	memset(buf, 'd', 8192);
	RET("direct write", pwrite(direct, buf, 4096, 20480));
	RET("direct, odd length", pwrite(direct, buf, 100, 20480));
	RET("direct, odd place", pwrite(direct, buf, 512, 20481));
	RET("direct, odd memory", pwrite(direct, buf + 1, 512, 20480));
	RET("direct, memory at 512", pwrite(direct, buf + 512, 512, 20480));
	RET("cached read of it", pread(disk, buf + 4096, 1, 20480));
	VAL("its byte", buf[4096]);
	MUST(pwrite(disk, "c", 1, 20480));
	RET("direct read of what is cached", pread(direct, buf, 512, 20480));
	VAL("that byte", buf[0]);
	RET("direct read at the end", pread(direct, buf, 4096, SIZE));
	RET("direct read over the end", pread(direct, buf, 8192, SIZE - 4096));
	RET("direct write at the end", pwrite(direct, buf, 512, SIZE));
	RET("direct write over the end", pwrite(direct, buf, 8192, SIZE - 4096));
	RET("read over the end", pread(disk, buf, 8192, SIZE - 100));
	RET("write over the end", pwrite(disk, buf, 200, SIZE - 100));
	RET("write at the end", pwrite(disk, buf, 1, SIZE));
	RET("seek to the end", lseek(disk, 0, SEEK_END));
	RET("seek past the end", lseek(disk, SIZE + 1, SEEK_SET));
	RET("seek to data", lseek(disk, 0, SEEK_DATA));
	RET("fsync", fsync(disk));
	RET("fdatasync", fdatasync(disk));
	RET("sync_file_range", sync_file_range(disk, 0, 4096, 7));
	free(buf);
	close(direct);
}

static void claims(void)
{
	int one = open("/dev/loop0", O_RDONLY | O_EXCL);

	YES("exclusive open", one >= 0);
	RET("a second", open("/dev/loop0", O_RDONLY | O_EXCL));
	int plain = open("/dev/loop0", O_RDWR);
	YES("one without", plain >= 0);
	close(plain);
	close(one);
	one = open("/dev/loop0", O_RDONLY | O_EXCL);
	YES("exclusive again", one >= 0);
	close(one);
	RET("set read-only", ioctl(disk, BLKROSET, &(int){ 1 }));
	plain = open("/dev/loop0", O_RDWR);
	YES("open for writing", plain >= 0);
	RET("write", write(plain, "x", 1));
	close(plain);
	RET("set writable", ioctl(disk, BLKROSET, &(int){ 0 }));
	RET("set from nowhere", ioctl(disk, BLKROSET, 0));
}

static long partition(int op, int number, long long start, long long length)
{
	struct blkpg_partition p = { .start = start, .length = length, .pno = number };
	struct blkpg_ioctl_arg a = { .op = op, .datalen = sizeof(p), .data = &p };

	return ioctl(disk, BLKPG, &a);
}

static void partitions(void)
{
	RET("add partition", partition(BLKPG_ADD_PARTITION, 1, 65536, 65536));
	RET("add it again", partition(BLKPG_ADD_PARTITION, 1, 262144, 65536));
	RET("add one that overlaps", partition(BLKPG_ADD_PARTITION, 2, 98304, 65536));
	RET("add number 0", partition(BLKPG_ADD_PARTITION, 0, 262144, 65536));
	RET("add nothing", partition(BLKPG_ADD_PARTITION, 2, 262144, 0));
	RET("add odd", partition(BLKPG_ADD_PARTITION, 2, 262144 + 100, 512));
	RET("add past the end", partition(BLKPG_ADD_PARTITION, 2, SIZE + 65536, 65536));
	RET("add negative", partition(BLKPG_ADD_PARTITION, 2, -512, 65536));
	say("partition's size", "%s", get_file("/sys/block/loop0/loop0p1/size"));
	say("partition's start", "%s", get_file("/sys/block/loop0/loop0p1/start"));
	int part = open("/dev/loop0p1", O_RDWR);
	YES("open it", part >= 0);
	RET("write to it", pwrite(part, "P", 1, 0));
	RET("rescan of it", ioctl(part, BLKRRPART, 0));
	RET("register a key on it", ioctl(part, IOC_PR_REGISTER, &(struct pr_registration){ .new_key = 1 }));
	RET("sync it", fsync(part));
	char byte = 0;
	MUST(ioctl(disk, BLKFLSBUF, 0));
	MUST(pread(disk, &byte, 1, 65536));
	VAL("byte on the disk", byte);
	RET("delete while open", partition(BLKPG_DEL_PARTITION, 1, 0, 0));
	RET("resize", partition(BLKPG_RESIZE_PARTITION, 1, 65536, 131072));
	RET("resize from elsewhere", partition(BLKPG_RESIZE_PARTITION, 1, 0, 131072));
	say("size now", "%s", get_file("/sys/block/loop0/loop0p1/size"));
	close(part);
	RET("delete", partition(BLKPG_DEL_PARTITION, 1, 0, 0));
	RET("delete again", partition(BLKPG_DEL_PARTITION, 1, 0, 0));
	RET("unknown operation", partition(99, 1, 0, 512));
	RET("from nowhere", ioctl(disk, BLKPG, 8));
}

static void as_nobody(void)
{
	pid_t pid = fork();

	if (!pid) {
		become(1000);
		RET("nobody: flush", ioctl(disk, BLKFLSBUF, 0));
		RET("nobody: read-only", ioctl(disk, BLKROSET, &(int){ 1 }));
		RET("nobody: rescan", ioctl(disk, BLKRRPART, 0));
		RET("nobody: read-ahead", ioctl(disk, BLKRASET, 8));
		RET("nobody: block size", ioctl(disk, BLKBSZSET, &(int){ 512 }));
		RET("nobody: partition", partition(BLKPG_DEL_PARTITION, 1, 0, 0));
		RET("nobody: key", ioctl(disk, IOC_PR_REGISTER, &(struct pr_registration){ .new_key = 1 }));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

void abi_test(void)
{
	int control = MUST(open("/dev/loop-control", O_RDWR));

	MUST(ioctl(control, LOOP_CTL_GET_FREE));
	file = MUST(open("file", O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(file, SIZE));
	disk = MUST(open("/dev/loop0", O_RDWR));
	MUST(ioctl(disk, LOOP_SET_FD, file));
	figures();
	ranges();
	transfers();
	claims();
	partitions();
	as_nobody();
	MUST(ioctl(disk, LOOP_CLR_FD));
	close(disk);
	close(control);
}
