/* sendfile, splice, tee, vmsplice, copy_file_range. */
#include "abi.h"
#include <sys/sendfile.h>

void abi_test(void)
{
	char text[64] = "";
	int p[2], q[2], in, out;
	off_t off = 2;
	loff_t from = 1, to = 3;

	put_file("in", "0123456789", 0600);
	in = open("in", O_RDWR);
	out = open("out", O_CREAT | O_RDWR, 0600);
	MUST(pipe(p));
	MUST(pipe(q));
	RET("sendfile to a file", sendfile(out, in, NULL, 4));
	VAL("moves the input's offset", lseek(in, 0, SEEK_CUR));
	RET("sendfile with an offset", sendfile(out, in, &off, 3));
	say("moves that one", "%ld %ld", (long)off, (long)lseek(in, 0, SEEK_CUR));
	STR("content", get_file("out"));
	RET("to a pipe", sendfile(p[1], in, NULL, 100));
	RET("at the end", sendfile(p[1], in, NULL, 100));
	RET("from a pipe", sendfile(out, p[0], NULL, 1));
	RET("to a read-only file", sendfile(open("in", O_RDONLY), in, NULL, 1));
	RET("to an O_APPEND file", sendfile(open("out", O_WRONLY | O_APPEND), in, &off, 1));
	off = -1;
	RET("negative offset", sendfile(out, in, &off, 1));
	RET("splice pipe to file", splice(p[0], NULL, out, &to, 6, 0));
	STR("content", get_file("out"));
	VAL("its offset argument", to);
	RET("splice file to pipe", splice(in, &from, p[1], NULL, 5, 0));
	RET("tee", tee(p[0], q[1], 100, 0));
	RET("first reader", read(p[0], text, sizeof(text)));
	RET("second reader", read(q[0], text, sizeof(text)));
	say("its text", "%.5s", text);
	RET("splice an empty pipe, nonblocking", splice(p[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK));
	RET("tee an empty pipe, nonblocking", tee(p[0], q[1], 1, SPLICE_F_NONBLOCK));
	RET("splice file to file", splice(in, NULL, out, NULL, 1, 0));
	RET("splice with a pipe's offset", splice(p[0], &from, out, NULL, 1, 0));
	RET("splice a pipe to itself", splice(p[0], NULL, p[1], NULL, 1, 0));
	RET("splice bad flags", splice(p[0], NULL, out, NULL, 1, 0x100));
	RET("splice nothing", splice(p[0], NULL, out, NULL, 0, 0));
	write(p[1], "pipe", 4);
	RET("splice pipe to pipe", splice(p[0], NULL, q[1], NULL, 10, 0));
	RET("read there", read(q[0], text, 10));
	struct iovec iov[2] = { { "ab", 2 }, { "cde", 3 } };
	RET("vmsplice", vmsplice(p[1], iov, 2, 0));
	RET("read it", read(p[0], text, 10));
	close(p[1]);
	RET("splice at a pipe's end", splice(p[0], NULL, out, NULL, 10, 0));

	from = 0;
	to = 0;
	int cp = open("cp", O_CREAT | O_RDWR, 0600);
	RET("copy_file_range", copy_file_range(in, &from, cp, &to, 100, 0));
	say("offsets", "%ld %ld", (long)from, (long)to);
	STR("content", get_file("cp"));
	RET("at the end", copy_file_range(in, &from, cp, &to, 100, 0));
	from = 0;
	to = 2;
	RET("overlap in one file", copy_file_range(in, &from, in, &to, 5, 0));
	to = 20;
	RET("within one file", copy_file_range(in, &from, in, &to, 5, 0));
	RET("bad flags", copy_file_range(in, NULL, cp, NULL, 5, 1));
	RET("a pipe", copy_file_range(q[0], NULL, cp, NULL, 5, 0));
	RET("a directory", copy_file_range(open(".", O_RDONLY), NULL, cp, NULL, 5, 0));
	RET("O_APPEND", copy_file_range(in, NULL, open("cp", O_WRONLY | O_APPEND), NULL, 5, 0));
	RET("read-only output", copy_file_range(in, NULL, open("cp", O_RDONLY), NULL, 5, 0));
}
