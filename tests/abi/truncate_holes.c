/* truncate, holes, lseek SEEK_DATA and SEEK_HOLE, fallocate, full file systems. */
#include "abi.h"

void abi_test(void)
{
	struct stat st;
	char c = 1, text[32];
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	OK("ftruncate up", ftruncate(fd, 1 << 20));
	fstat(fd, &st);
	say("sparse", "size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	pread(fd, &c, 1, 500000);
	VAL("reads zero", c);
	pwrite(fd, "x", 1, 500000);
	fstat(fd, &st);
	VAL("one page of blocks", st.st_blocks);
	RET("SEEK_DATA", lseek(fd, 0, SEEK_DATA));
	RET("SEEK_HOLE from 0", lseek(fd, 0, SEEK_HOLE));
	RET("SEEK_HOLE from data", lseek(fd, 500000, SEEK_HOLE));
	RET("SEEK_DATA behind", lseek(fd, 600000, SEEK_DATA));
	RET("SEEK_HOLE at the end", lseek(fd, 1 << 20, SEEK_HOLE));
	RET("SEEK_HOLE just before", lseek(fd, (1 << 20) - 1, SEEK_HOLE));
	RET("SEEK_DATA negative", lseek(fd, -1, SEEK_DATA));
	RET("SEEK_END", lseek(fd, -10, SEEK_END));
	RET("SEEK_CUR", lseek(fd, 5, SEEK_CUR));
	RET("negative result", lseek(fd, -2000000, SEEK_CUR));
	RET("bad whence", lseek(fd, 0, 9));
	RET("beyond the end", lseek(fd, 1L << 40, SEEK_SET));
	RET("read there", read(fd, &c, 1));
	RET("overflow", lseek(fd, INT64_MAX, SEEK_CUR));
	RET("truncate negative", ftruncate(fd, -1));
	RET("truncate a directory", truncate(".", 0));
	RET("truncate missing", truncate("nix", 0));
	RET("ftruncate read-only", ftruncate(open("f", O_RDONLY), 0));
	RET("truncate too large", ftruncate(fd, INT64_MAX));
	put_file("g", "0123456789", 0600);
	truncate("g", 4);
	truncate("g", 8);
	VAL("shrink and grow", ({ int g = open("g", O_RDONLY); read(g, text, 10); text[3] == '3' && text[4] == 0 && text[7] == 0; }));

	int a = open("a", O_CREAT | O_RDWR, 0600);
	OK("fallocate", fallocate(a, 0, 0, 10 * ABI_PAGE));
	fstat(a, &st);
	say("allocated", "size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	OK("KEEP_SIZE", fallocate(a, FALLOC_FL_KEEP_SIZE, 10 * ABI_PAGE, 2 * ABI_PAGE));
	fstat(a, &st);
	say("beyond the end", "size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	pwrite(a, "abcdefgh", 8, ABI_PAGE - 4);
	OK("PUNCH_HOLE", fallocate(a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, ABI_PAGE - 2, 4));
	pread(a, text, 8, ABI_PAGE - 4);
	say("part pages become zeros", "%c%c %d%d%d%d %c%c", text[0], text[1], text[2], text[3], text[4], text[5], text[6], text[7]);
	OK("punch whole pages", fallocate(a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * ABI_PAGE, 3 * ABI_PAGE));
	fstat(a, &st);
	VAL("blocks", st.st_blocks);
	RET("PUNCH_HOLE without KEEP_SIZE", fallocate(a, FALLOC_FL_PUNCH_HOLE, 0, 1));
	RET("length 0", fallocate(a, 0, 0, 0));
	RET("negative", fallocate(a, 0, -1, 1));
	RET("COLLAPSE_RANGE on tmpfs", fallocate(a, FALLOC_FL_COLLAPSE_RANGE, 0, ABI_PAGE));
	RET("ZERO_RANGE on tmpfs", fallocate(a, FALLOC_FL_ZERO_RANGE, 0, ABI_PAGE));
	RET("read-only", fallocate(open("a", O_RDONLY), 0, 0, 1));
	RET("a directory", fallocate(open(".", O_RDONLY), 0, 0, 1));
	int p[2];
	pipe(p);
	RET("a pipe", fallocate(p[1], 0, 0, 1));

	/* a full file system */
	mkdir("small", 0755);
	MUST(mount("tmpfs", "small", "tmpfs", 0, "size=64k,nr_inodes=5"));
	int s = open("small/f", O_CREAT | O_RDWR, 0600);
	static char block[128 * 1024];
	RET("a write is cut", write(s, block, sizeof(block)));
	RET("then fails", write(s, block, 1));
	OK("a truncation makes room", ftruncate(s, 4096));
	RET("for", pwrite(s, block, 3 * ABI_PAGE, 4096));
	RET("fallocate too much", fallocate(s, 0, 0, 1 << 20));
	RET("ftruncate is no allocation", ftruncate(s, 1 << 20));
	char *m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	CHILD("a store with no room", memset(m, 1, 1 << 20));
	int made = 0;
	char name[32];
	for (; made < 10; made++) {
		snprintf(name, sizeof(name), "small/n%d", made);
		if (mkdir(name, 0755))
			break;
	}
	say("inodes end", "%d %s", made, err_name(errno));
	munmap(m, 1 << 20);
	close(s);
	OK("umount", umount("small"));
}
