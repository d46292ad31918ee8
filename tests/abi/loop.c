/* Loop devices: the ioctls of a device and of /dev/loop-control, in every state. */
#include "abi.h"
#include <linux/fs.h>
#include <linux/loop.h>

static int control, file, loop;
static char node[32];

static int make_file(const char *name, off_t size)
{
	int fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));

	MUST(ftruncate(fd, size));
	return fd;
}

static int open_loop(int flags)
{
	return MUST(open(node, flags));
}

static void show_size(const char *name)
{
	uint64_t bytes = 0;

	MUST(ioctl(loop, BLKGETSIZE64, &bytes));
	VAL(name, (long)bytes);
}

static void control_calls(void)
{
	RET("control: unknown", ioctl(control, 0x4c99, 0));
	RET("control: read", read(control, node, 1));
	RET("control: add one that is there", ioctl(control, LOOP_CTL_ADD, 0));
	RET("control: add", ioctl(control, LOOP_CTL_ADD, 200));
	RET("control: remove", ioctl(control, LOOP_CTL_REMOVE, 200));
	RET("control: remove one that is not there", ioctl(control, LOOP_CTL_REMOVE, 200));
	RET("control: remove -1", ioctl(control, LOOP_CTL_REMOVE, -1));
	RET("control: free", ioctl(control, LOOP_CTL_GET_FREE));
}

static void unbound(void)
{
	struct loop_info64 info = { 0 };
	char byte;

	show_size("unbound: size");
	RET("unbound: get status", ioctl(loop, LOOP_GET_STATUS64, &info));
	RET("unbound: set status", ioctl(loop, LOOP_SET_STATUS64, &info));
	RET("unbound: set status from nowhere", ioctl(loop, LOOP_SET_STATUS64, 0));
	RET("unbound: clear", ioctl(loop, LOOP_CLR_FD));
	RET("unbound: change", ioctl(loop, LOOP_CHANGE_FD, file));
	RET("unbound: capacity", ioctl(loop, LOOP_SET_CAPACITY));
	RET("unbound: direct", ioctl(loop, LOOP_SET_DIRECT_IO, 1));
	RET("unbound: block size", ioctl(loop, LOOP_SET_BLOCK_SIZE, 512));
	RET("unbound: read", read(loop, &byte, 1));
	RET("unbound: write", write(loop, "x", 1));
	RET("unbound: bad descriptor", ioctl(loop, LOOP_SET_FD, 99));
	RET("unbound: itself", ioctl(loop, LOOP_SET_FD, loop));
	int dir = MUST(open(".", O_RDONLY));
	RET("unbound: a directory", ioctl(loop, LOOP_SET_FD, dir));
	int zero = MUST(open("/dev/zero", O_RDWR));
	RET("unbound: a device", ioctl(loop, LOOP_SET_FD, zero));
	close(dir);
	close(zero);
	RET("unbound: backing_file", access("/sys/block/loop0/loop/backing_file", F_OK));
}

static void show_info(const char *name)
{
	struct loop_info64 info;
	char text[64];

	snprintf(text, sizeof(text), "%s: status", name);
	RET(text, ioctl(loop, LOOP_GET_STATUS64, &info));
	say(name, "offset %llu limit %llu number %u flags %x name '%s'", (unsigned long long)info.lo_offset,
	    (unsigned long long)info.lo_sizelimit, info.lo_number, info.lo_flags, info.lo_file_name);
}

static void bound(void)
{
	struct loop_info64 info = { 0 };
	struct loop_info old;
	char buf[512];

	RET("bind", ioctl(loop, LOOP_SET_FD, file));
	RET("bind again", ioctl(loop, LOOP_SET_FD, file));
	show_size("bound: size");
	show_info("bound");
	say("bound: offset file", "%s", get_file("/sys/block/loop0/loop/offset"));
	say("bound: autoclear file", "%s", get_file("/sys/block/loop0/loop/autoclear"));
	say("bound: dio file", "%s", get_file("/sys/block/loop0/loop/dio"));
	RET("bound: get status, no place", ioctl(loop, LOOP_GET_STATUS64, 0));
	RET("bound: old status", ioctl(loop, LOOP_GET_STATUS, &old));
	RET("bound: change while writable", ioctl(loop, LOOP_CHANGE_FD, file));
	RET("bound: remove", ioctl(control, LOOP_CTL_REMOVE, 0));
	RET("bound: direct on tmpfs", ioctl(loop, LOOP_SET_DIRECT_IO, 1));
	RET("bound: direct off", ioctl(loop, LOOP_SET_DIRECT_IO, 0));
	memset(buf, 'a', sizeof(buf));
	RET("bound: write", pwrite(loop, buf, sizeof(buf), 4096));
	RET("bound: fsync", fsync(loop));
	RET("bound: what the file has", pread(file, buf, 2, 4096));
	say("bound: its bytes", "%.2s", buf);
	RET("bound: write at the end", pwrite(loop, buf, 512, 1 << 20));
	info.lo_offset = 4096;
	info.lo_sizelimit = 8192;
	strcpy((char *)info.lo_file_name, "a name");
	RET("status: offset and limit", ioctl(loop, LOOP_SET_STATUS64, &info));
	show_size("status: size");
	show_info("status");
	RET("status: read", pread(loop, buf, 2, 0));
	say("status: the bytes at the offset", "%.2s", buf);
	info.lo_offset = 1ull << 63;
	RET("status: negative offset", ioctl(loop, LOOP_SET_STATUS64, &info));
	info.lo_offset = 0;
	info.lo_encrypt_type = 1;
	RET("status: encryption", ioctl(loop, LOOP_SET_STATUS64, &info));
	info.lo_encrypt_type = 0;
	info.lo_encrypt_key_size = 33;
	RET("status: long key", ioctl(loop, LOOP_SET_STATUS64, &info));
	info.lo_encrypt_key_size = 0;
	info.lo_sizelimit = 0;
	info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_DIRECT_IO | LO_FLAGS_AUTOCLEAR;
	RET("status: flags", ioctl(loop, LOOP_SET_STATUS64, &info));
	show_info("status: flags that stayed");
	info.lo_flags = 0;
	RET("status: no flags", ioctl(loop, LOOP_SET_STATUS64, &info));
	show_info("status: flags gone");
	RET("block size 1000", ioctl(loop, LOOP_SET_BLOCK_SIZE, 1000));
	RET("block size 8192", ioctl(loop, LOOP_SET_BLOCK_SIZE, 8192));
	RET("block size 256", ioctl(loop, LOOP_SET_BLOCK_SIZE, 256));
	RET("block size 4096", ioctl(loop, LOOP_SET_BLOCK_SIZE, 4096));
	int bytes = 0;
	RET("block size as told", ioctl(loop, BLKSSZGET, &bytes));
	VAL("block size", bytes);
	MUST(ftruncate(file, 2 << 20));
	show_size("grown: before");
	RET("grown: capacity", ioctl(loop, LOOP_SET_CAPACITY));
	show_size("grown: after");
	RET("clear", ioctl(loop, LOOP_CLR_FD));
	show_size("cleared: size");
	RET("cleared: again", ioctl(loop, LOOP_CLR_FD));
}

static void read_only(void)
{
	int same = make_file("same", 2 << 20), other = make_file("other", 1 << 20), ro = MUST(open("same", O_RDONLY));
	int value = 0;
	char byte;

	RET("read-only: bind", ioctl(loop, LOOP_SET_FD, ro));
	RET("read-only: told", ioctl(loop, BLKROGET, &value));
	VAL("read-only", value);
	show_info("read-only");
	int writer = open(node, O_RDWR);
	YES("read-only: open for writing", writer >= 0);
	RET("read-only: write", write(writer, "x", 1));
	close(writer);
	RET("read-only: change to another size", ioctl(loop, LOOP_CHANGE_FD, other));
	MUST(pwrite(file, "F", 1, 0));
	RET("read-only: change", ioctl(loop, LOOP_CHANGE_FD, file));
	RET("read-only: read", pread(loop, &byte, 1, 0));
	VAL("read-only: byte", byte);
	RET("read-only: clear", ioctl(loop, LOOP_CLR_FD));
	close(same);
	close(other);
	close(ro);
}

static void configure(void)
{
	struct loop_config c = { .fd = file, .block_size = 1024 };
	int bytes = 0, second;

	c.info.lo_flags = 1 << 20;
	RET("configure: unknown flag", ioctl(loop, LOOP_CONFIGURE, &c));
	c.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN;
	c.block_size = 333;
	RET("configure: odd block size", ioctl(loop, LOOP_CONFIGURE, &c));
	c.block_size = 1024;
	c.fd = 99;
	RET("configure: bad descriptor", ioctl(loop, LOOP_CONFIGURE, &c));
	c.fd = file;
	RET("configure: from nowhere", ioctl(loop, LOOP_CONFIGURE, 8));
	RET("configure", ioctl(loop, LOOP_CONFIGURE, &c));
	show_info("configured");
	RET("configured: block size", ioctl(loop, BLKSSZGET, &bytes));
	VAL("configured: bytes", bytes);
	say("configured: partscan file", "%s", get_file("/sys/block/loop0/loop/partscan"));
	RET("configured: rescan", ioctl(loop, BLKRRPART));
	second = open_loop(O_RDONLY);
	RET("configured: clear with two open", ioctl(loop, LOOP_CLR_FD));
	show_info("configured: still there");
	close(second);
	close(loop);
	loop = open_loop(O_RDWR);
	show_size("autocleared: size");
	RET("autocleared: clear", ioctl(loop, LOOP_CLR_FD));
}

static void stacked(void)
{
	int outer = MUST(open("/dev/loop1", O_RDWR));

	RET("stacked: on an unbound one", ioctl(outer, LOOP_SET_FD, loop));
	MUST(ioctl(loop, LOOP_SET_FD, file));
	RET("stacked: bind", ioctl(outer, LOOP_SET_FD, loop));
	RET("stacked: in a circle", ioctl(loop, LOOP_CHANGE_FD, outer));
	RET("stacked: write", pwrite(outer, "stack", 5, 12288));
	RET("stacked: fsync", fsync(outer));
	char buf[6] = "";
	RET("stacked: read below", pread(file, buf, 5, 12288));
	say("stacked: bytes", "%s", buf);
	RET("stacked: clear the outer", ioctl(outer, LOOP_CLR_FD));
	RET("stacked: clear the inner", ioctl(loop, LOOP_CLR_FD));
	close(outer);
}

void abi_test(void)
{
	control = MUST(open("/dev/loop-control", O_RDWR));
	snprintf(node, sizeof(node), "/dev/loop0");
	file = make_file("file", 1 << 20);
	control_calls();
	loop = open_loop(O_RDWR);
	unbound();
	bound();
	read_only();
	configure();
	stacked();
}
