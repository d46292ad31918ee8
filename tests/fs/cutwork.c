/*
 * Work for the power-cut test: names, writes (through the page cache, around it, several at once), truncations, syncs, and a diary that the
 * test can trust.
 *
 * usage: cutwork DIR DEVICE DIARY_OFFSET SEED OPS
 *
 * Every 8 bytes of a file say whose they are: the file's number, and their place in it.  Before and after what a program may
 * rely on, a line goes to the diary, sectors of the same disk behind the file system, written with O_DIRECT and never flushed:
 *	KEEP id size	the file was synced and is not touched before its DROP
 *	DROP id		from here on it may change
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES = 64, DIRS = 6, BUF = 200704, ASYNC = 4 };
enum { ENTRY_KEEP = 1, ENTRY_DROP = 2 };

struct entry { char magic[8]; uint32_t seq, kind, id, pad; uint64_t size; char path[64]; };

static struct { uint32_t id; int kept; uint64_t size; char path[64]; } file[FILES];
static uint32_t next_id = 1, seq;
static uint64_t state, diary_at;
static int diary;
static char *sector, buf[BUF] __attribute__((aligned(4096)));
static aio_context_t aio;

static uint32_t rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 11) % n;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void note(uint32_t kind, int k)
{
	struct entry e = { .seq = seq++, .kind = kind, .id = file[k].id, .size = file[k].size };

	memcpy(e.magic, "AUKDIARY", 8);
	strcpy(e.path, file[k].path);
	memset(sector, 0, 512);
	memcpy(sector, &e, sizeof(e));
	if (pwrite(diary, sector, 512, (off_t)diary_at) != 512)
		die("diary");
	diary_at += 512;
}

static void fill(uint32_t id, uint64_t off, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t w = (uint64_t)id << 32 | (off + i) / 8 | 1u << 31;

		memcpy(buf + i, &w, 8);
	}
}

static void drop(int k)
{
	if (file[k].kept)
		note(ENTRY_DROP, k);
	file[k].kept = 0;
}

/* In pieces, under way together. */
static void write_async(int fd, size_t n, uint64_t off)
{
	struct iocb cb[ASYNC], *list[ASYNC];
	struct io_event e[ASYNC];
	size_t piece = (n / ASYNC + 511) & ~511ul, at = 0;
	long count = 0;

	for (; at < n; at += piece, count++) {
		cb[count] = (struct iocb){ .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)fd, .aio_buf = (uintptr_t)(buf + at),
					   .aio_nbytes = n - at < piece ? n - at : piece, .aio_offset = (int64_t)(off + at) };
		list[count] = &cb[count];
	}
	if (syscall(SYS_io_submit, aio, count, list) != count || syscall(SYS_io_getevents, aio, count, count, e, NULL) != count)
		die("io_submit");
	for (long i = 0; i < count; i++)
		if (e[i].res <= 0 || (uint64_t)e[i].res != ((struct iocb *)(uintptr_t)e[i].obj)->aio_nbytes)
			die("io_submit's write");
}

static void write_some(int k)
{
	int direct = rnd(2) == 0, fd = open(file[k].path, O_RDWR | O_CREAT | (direct ? O_DIRECT : 0), 0644);
	uint64_t off = rnd(2) ? file[k].size : rnd(200000) & ~7u;
	size_t n = (rnd(4) ? 8 + rnd(20000) : 8 + rnd(BUF - 16)) & ~7u;

	if (fd < 0)
		die(file[k].path);
	if (direct) {
		uint64_t unit = rnd(3) ? 4096 : 512;

		off &= ~(unit - 1);
		n = (n + unit - 1) & ~(unit - 1);
	}
	fill(file[k].id, off, n);
	if (direct && rnd(2))
		write_async(fd, n, off);
	else if (pwrite(fd, buf, n, (off_t)off) != (ssize_t)n)
		die("write");
	if (off + n > file[k].size)
		file[k].size = off + n;
	if (rnd(3) == 0) {
		if (fsync(fd))
			die("fsync");
		file[k].kept = 1;
		note(ENTRY_KEEP, k);
	}
	close(fd);
}

static void path_in(char *path, const char *what, uint32_t id)
{
	sprintf(path, "d%u/%s%u", rnd(DIRS), what, id);
	if (rnd(3) == 0)
		strcat(path, "-a-rather-long-name-xxxxxx");
}

/* So that directories grow and shrink. */
static void many_names(int dir)
{
	char path[64];

	for (int i = 0; i < 40; i++) {
		sprintf(path, "d%d/many-%u-%d", dir, next_id, i);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	for (int i = 0; i < 40; i++) {
		sprintf(path, "d%d/many-%u-%d", dir, next_id, i);
		if (i % 8 || rnd(2))
			unlink(path);
	}
}

static void one(void)
{
	int k = (int)rnd(FILES);
	char path[64];

	if (!file[k].id) {
		file[k].id = next_id++;
		file[k].size = 0;
		path_in(file[k].path, "f", file[k].id);
		write_some(k);
		return;
	}
	switch (rnd(11)) {
	case 0: case 1: case 2:
		drop(k);
		write_some(k);
		break;
	case 3: case 4:
		drop(k);
		if (unlink(file[k].path))
			die("unlink");
		file[k].id = 0;
		break;
	case 5:
		drop(k);
		file[k].size = rnd((uint32_t)file[k].size + 50000) & ~7u;
		if (truncate(file[k].path, (off_t)file[k].size))
			die("truncate");
		break;
	case 6:
		drop(k);
		path_in(path, "r", file[k].id);
		if (rename(file[k].path, path))
			die("rename");
		strcpy(file[k].path, path);
		break;
	case 7: {
		int fd = open(file[k].path, O_RDWR), other;

		drop(k);
		if (fd < 0)
			die("open");
		/* punched, or allocated past the end */
		other = rnd(2) ? fallocate(fd, 3, rnd(100000) & ~7u, 8 + (rnd(60000) & ~7u)) : fallocate(fd, 1, rnd(300000), 1 + rnd(60000));
		if (other)
			die("fallocate");
		close(fd);
		break;
	}
	case 8:
		many_names(k % DIRS);
		next_id++;
		break;
	case 9:
		sprintf(path, "sub%u", rnd(20));
		if (mkdir(path, 0755))
			rmdir(path);
		break;
	case 10:
		if (rnd(6) == 0)
			sync();
		break;
	}
}

int main(int argc, char **argv)
{
	char path[8];

	if (argc != 6 || chdir(argv[1]))
		die("usage: cutwork DIR DEVICE DIARY_OFFSET SEED OPS");
	diary = open(argv[2], O_WRONLY | O_DIRECT);
	diary_at = strtoull(argv[3], NULL, 0);
	state = strtoull(argv[4], NULL, 0) * 0x9e3779b97f4a7c15ull + 1;
	if (syscall(SYS_io_setup, ASYNC, &aio))
		die("io_setup");
	if (diary < 0 || posix_memalign((void **)&sector, 4096, 4096))
		die(argv[2]);
	for (int i = 0; i < DIRS; i++) {
		sprintf(path, "d%d", i);
		mkdir(path, 0755);
	}
	for (int n = atoi(argv[5]); n > 0; n--)
		one();
	return 0;
}
