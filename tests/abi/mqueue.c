/* POSIX message queues. */
#include "abi.h"
#include <mqueue.h>

void abi_test(void)
{
	struct mq_attr attr = { .mq_maxmsg = 3, .mq_msgsize = 16 }, got;
	char text[32];
	unsigned prio = 0;
	mqd_t q;

	mq_unlink("/abi");
	RET("missing", mq_open("/abi", O_RDWR));
	q = mq_open("/abi", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attr);
	OK("create", q);
	RET("exclusive", mq_open("/abi", O_CREAT | O_EXCL | O_RDWR, 0600, &attr));
	RET("slash inside", syscall(SYS_mq_open, "a/b", O_CREAT | O_RDWR, 0600, &attr));
	mq_getattr(q, &got);
	say("attributes", "%ld %ld %ld", got.mq_maxmsg, got.mq_msgsize, got.mq_curmsgs);
	RET("receive nothing", mq_receive(q, text, 16, &prio));
	OK("send", mq_send(q, "low", 3, 1));
	mq_send(q, "high", 4, 9);
	mq_send(q, "low2", 4, 1);
	RET("full", mq_send(q, "x", 1, 1));
	RET("too long", mq_send(q, text, 17, 1));
	RET("bad priority", mq_send(q, "x", 1, 40000));
	RET("buffer too small", mq_receive(q, text, 15, &prio));
	RET("highest first", mq_receive(q, text, 16, &prio));
	VAL("its priority", prio);
	mq_receive(q, text, 16, &prio);
	say("then the oldest", "%.3s", text);
	struct pollfd p = { q, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	HEX("poll", p.revents);
	OK("unlink", mq_unlink("/abi"));
	RET("unlink again", mq_unlink("/abi"));
	RET("still works", mq_receive(q, text, 16, &prio));
	struct mq_attr none = { .mq_maxmsg = 0, .mq_msgsize = 16 };
	RET("bad attributes", mq_open("/abi2", O_CREAT | O_RDWR, 0600, &none));
}
