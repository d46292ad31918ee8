/* io_uring: links, hard links, linked timeouts, drain, completions left out, other rings, provided buffers. */
#include "uring.h"

static struct __kernel_timespec far = { 1000, 0 }, soon = { 0, 1000000 };

static struct io_uring_sqe *nop(struct ring *r, int data, int flags)
{
	struct io_uring_sqe *s = sqe_next(r, IORING_OP_NOP, -1, NULL, 0, 0);

	s->user_data = data;
	s->flags = flags;
	return s;
}

static void go(struct ring *r, const char *name, unsigned expect)
{
	RET(name, ring_go(r, expect));
	for (unsigned i = 0; i < expect; i++)
		ring_say(r, name);
	VAL(name, ring_ready(r));
}

static void links(void)
{
	struct ring r = ring_new(16, 0);
	char buf[64];
	int p[2], fd = MUST(open("links", O_RDWR | O_CREAT | O_TRUNC, 0600));

	MUST(pipe(p));
	nop(&r, 1, IOSQE_IO_LINK);
	nop(&r, 2, IOSQE_IO_LINK);
	nop(&r, 3, 0);
	go(&r, "chain", 3);
	struct io_uring_sqe *s = sqe_next(&r, IORING_OP_READ, 77, buf, 5, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	nop(&r, 2, IOSQE_IO_LINK);
	nop(&r, 3, 0);
	nop(&r, 4, 0);
	RET("broken chain", ring_go(&r, 4));
	struct io_uring_cqe c;
	const char *four = "none", *text[5] = { 0 };
	for (int i = 0; i < 4 && ring_take(&r, &c); i++) {
		if (c.user_data == 4)
			four = "0";
		else if (c.user_data < 4)
			text[c.user_data] = res_text(c.res);
	}
	for (int i = 1; i < 4; i++)
		STR("broken chain", text[i] ? text[i] : "none");
	STR("broken chain, behind it", four);
	s = sqe_next(&r, IORING_OP_READ, 77, buf, 5, 0);
	s->flags = IOSQE_IO_HARDLINK;
	s->user_data = 1;
	nop(&r, 2, 0);
	go(&r, "hard link", 2);
	nop(&r, 1, IOSQE_IO_LINK);
	s = sqe_next(&r, 200, -1, NULL, 0, 0);
	s->user_data = 2;
	s->flags = IOSQE_IO_LINK;
	nop(&r, 3, 0);
	go(&r, "chain with an unknown opcode", 3);
	nop(&r, 1, IOSQE_IO_LINK);
	s = sqe_next(&r, 200, -1, NULL, 0, 0);
	s->user_data = 2;
	go(&r, "chain that ends in an unknown opcode", 2);
	nop(&r, 1, IOSQE_IO_LINK);
	go(&r, "chain without an end", 1);
	s = sqe_next(&r, IORING_OP_WRITE, fd, "abcd", 4, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	s = sqe_next(&r, IORING_OP_READ, fd, buf, 10, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 2;
	nop(&r, 3, 0);
	go(&r, "a short read breaks", 3);
	s = sqe_next(&r, IORING_OP_READ, p[0], buf, 4, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	nop(&r, 2, 0);
	RET("link behind a wait", ring_go(&r, 0));
	VAL("link behind a wait", ring_ready(&r));
	MUST(write(p[1], "wxyz", 4));
	ring_say(&r, "link behind a wait");
	ring_say(&r, "link behind a wait");
	s = sqe_next(&r, IORING_OP_TIMEOUT, -1, &soon, 1, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	nop(&r, 2, 0);
	go(&r, "link behind a timeout", 2);
	s = sqe_next(&r, IORING_OP_TIMEOUT, -1, &soon, 1, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	s->timeout_flags = IORING_TIMEOUT_ETIME_SUCCESS;
	nop(&r, 2, 0);
	go(&r, "link behind a timeout that is a success", 2);

	sqe_next(&r, IORING_OP_LINK_TIMEOUT, -1, &far, 1, 0);
	ring_one(&r, "LINK_TIMEOUT alone");
	nop(&r, 1, IOSQE_IO_LINK);
	sqe_next(&r, IORING_OP_LINK_TIMEOUT, -1, &far, 1, 0)->user_data = 2;
	go(&r, "LINK_TIMEOUT, in time", 2);
	s = sqe_next(&r, IORING_OP_READ, p[0], buf, 4, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	sqe_next(&r, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 0)->user_data = 2;
	RET("LINK_TIMEOUT", ring_go(&r, 2));
	memset(text, 0, sizeof(text));
	for (int i = 0; i < 2 && ring_take(&r, &c); i++)
		text[c.user_data < 3 ? c.user_data : 0] = res_text(c.res);
	STR("LINK_TIMEOUT, the read", text[1] ? text[1] : "none");
	STR("LINK_TIMEOUT, itself", text[2] ? text[2] : "none");
	s = sqe_next(&r, IORING_OP_READ, p[0], buf, 4, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	s = sqe_next(&r, IORING_OP_LINK_TIMEOUT, -1, &far, 1, 0);
	s->user_data = 2;
	s->flags = IOSQE_IO_LINK;
	nop(&r, 3, 0);
	MUST(ring_go(&r, 0));
	MUST(write(p[1], "wxyz", 4));
	memset(text, 0, sizeof(text));
	for (int i = 0; i < 3 && ring_take(&r, &c); i++)
		text[c.user_data < 4 ? c.user_data : 0] = res_text(c.res);
	for (int i = 1; i < 4; i++)
		STR("LINK_TIMEOUT in the middle", text[i] ? text[i] : "none");
	close(p[0]);
	close(p[1]);
	close(fd);
	ring_end(&r);
}

static void drain(void)
{
	struct ring r = ring_new(16, 0);
	char buf[8];
	int p[2];
	struct io_uring_sqe *s;

	MUST(pipe(p));
	sqe_next(&r, IORING_OP_READ, p[0], buf, 4, 0)->user_data = 1;
	nop(&r, 2, IOSQE_IO_DRAIN);
	nop(&r, 3, 0);
	RET("drain", ring_go(&r, 0));
	VAL("drain, waits", ring_ready(&r));
	MUST(write(p[1], "a", 1));
	ring_say(&r, "drain");
	struct io_uring_cqe c;
	int sum = 0;
	for (int i = 0; i < 2 && ring_take(&r, &c); i++)
		sum += c.res ? 100 : (int)c.user_data;
	VAL("drain, both behind it", sum);	/* in either order */
	nop(&r, 1, IOSQE_IO_DRAIN);
	go(&r, "drain of nothing", 1);
	sqe_next(&r, IORING_OP_READ, p[0], buf, 4, 0)->user_data = 1;
	nop(&r, 2, IOSQE_IO_LINK | IOSQE_IO_DRAIN);
	nop(&r, 3, 0);
	RET("drain of a chain", ring_go(&r, 0));
	VAL("drain of a chain, waits", ring_ready(&r));
	MUST(write(p[1], "a", 1));
	ring_say(&r, "drain of a chain");
	ring_say(&r, "drain of a chain");
	ring_say(&r, "drain of a chain");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &far, 1, 0)->user_data = 1;
	nop(&r, 2, IOSQE_IO_DRAIN);
	MUST(ring_go(&r, 0));
	VAL("drain behind a timeout", ring_ready(&r));
	ring_end(&r);		/* with a drained one waiting */

	r = ring_new(16, 0);
	nop(&r, 1, IOSQE_CQE_SKIP_SUCCESS);
	nop(&r, 2, 0);
	go(&r, "no completion", 1);
	s = sqe_next(&r, IORING_OP_READ, 77, buf, 5, 0);
	s->flags = IOSQE_CQE_SKIP_SUCCESS;
	s->user_data = 1;
	go(&r, "no completion, but it fails", 1);
	s = sqe_next(&r, IORING_OP_READ, 77, buf, 5, 0);
	s->flags = IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
	s->user_data = 1;
	nop(&r, 2, 0);
	nop(&r, 3, IOSQE_CQE_SKIP_SUCCESS);
	go(&r, "no completion of a broken chain", 1);
	s = sqe_next(&r, IORING_OP_READ, 77, buf, 5, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	nop(&r, 2, IOSQE_CQE_SKIP_SUCCESS);
	go(&r, "a cancelled link tells", 2);
	int p2[2], came = 0;
	MUST(pipe(p2));
	s = sqe_next(&r, IORING_OP_READ, p2[0], buf, 5, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	s = sqe_next(&r, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 0);
	s->flags = IOSQE_CQE_SKIP_SUCCESS;
	s->user_data = 2;
	go(&r, "LINK_TIMEOUT without a completion", 1);
	nop(&r, 1, IOSQE_IO_LINK);
	s = sqe_next(&r, IORING_OP_LINK_TIMEOUT, -1, &far, 1, 0);
	s->flags = IOSQE_CQE_SKIP_SUCCESS;
	s->user_data = 2;
	go(&r, "LINK_TIMEOUT in time, without a completion", 1);
	for (int i = 0; i < 5; i++)
		sqe_next(&r, IORING_OP_READ, p2[0], buf + i, 1, 0)->user_data = i;
	MUST(ring_go(&r, 0));
	MUST(write(p2[1], "abcde", 5));
	for (int i = 0; i < 5; i++) {
		struct io_uring_cqe got;

		MUST(ring_take(&r, &got) ? 0 : -1);
		came += got.res;
	}
	VAL("five reads", came);	/* who got which byte is no promise */
	sqe_next(&r, IORING_OP_READ, p2[0], buf, 1, 0)->flags = IOSQE_ASYNC;
	MUST(ring_go(&r, 0));
	sqe_next(&r, IORING_OP_READ, p2[0], buf, 1, 0)->user_data = 1;
	nop(&r, 2, IOSQE_IO_LINK);
	nop(&r, 3, 0);
	MUST(ring_go(&r, 2));
	for (int i = 0; i < 2; i++)
		ring_say(&r, "chain while reads wait");
	nop(&r, 4, IOSQE_IO_DRAIN);
	go(&r, "drain after that", 1);
	ring_end(&r);
}

static void buffers(void)
{
	struct ring r = ring_new(16, 0);
	static char pool[4][16];
	int p[2];
	struct io_uring_sqe *s;

	MUST(pipe(p));
	s = sqe_next(&r, IORING_OP_PROVIDE_BUFFERS, 4, pool, 16, 10);
	s->buf_group = 7;
	ring_one(&r, "PROVIDE_BUFFERS");
	s = sqe_next(&r, IORING_OP_PROVIDE_BUFFERS, 0, pool, 16, 10);
	ring_one(&r, "PROVIDE_BUFFERS of none");
	s = sqe_next(&r, IORING_OP_PROVIDE_BUFFERS, 1, pool, 16, 70000);
	ring_one(&r, "PROVIDE_BUFFERS, number too big");
	s = sqe_next(&r, IORING_OP_PROVIDE_BUFFERS, 1, (void *)~0xfffull, 16, 0);
	ring_one(&r, "PROVIDE_BUFFERS nowhere");
	MUST(write(p[1], "first", 5));
	s = sqe_next(&r, IORING_OP_READ, p[0], NULL, 0, 0);
	s->flags = IOSQE_BUFFER_SELECT;
	s->buf_group = 7;
	ring_one(&r, "READ into what is provided");
	STR("the first", pool[0]);
	s = sqe_next(&r, IORING_OP_READ, p[0], NULL, 4, 0);
	s->flags = IOSQE_BUFFER_SELECT;
	s->buf_group = 7;
	MUST(ring_go(&r, 0));
	MUST(write(p[1], "second", 6));
	ring_say(&r, "READ of four, later");
	STR("the second", pool[1]);
	s = sqe_next(&r, IORING_OP_READ, p[0], NULL, 16, 0);
	s->flags = IOSQE_BUFFER_SELECT;
	s->buf_group = 8;
	ring_one(&r, "READ, no such group");
	s = sqe_next(&r, IORING_OP_REMOVE_BUFFERS, 1, NULL, 0, 0);
	s->buf_group = 7;
	ring_one(&r, "REMOVE_BUFFERS");
	s = sqe_next(&r, IORING_OP_REMOVE_BUFFERS, 9, NULL, 0, 0);
	s->buf_group = 7;
	ring_one(&r, "REMOVE_BUFFERS, more than there are");
	s = sqe_next(&r, IORING_OP_REMOVE_BUFFERS, 1, NULL, 0, 0);
	s->buf_group = 9;
	ring_one(&r, "REMOVE_BUFFERS, no such group");
	s = sqe_next(&r, IORING_OP_READ, p[0], NULL, 16, 0);
	s->flags = IOSQE_BUFFER_SELECT;
	s->buf_group = 7;
	ring_one(&r, "READ, none left");

	int sv[2];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	struct io_uring_buf_ring *br = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct io_uring_buf_reg reg = { .ring_addr = (uintptr_t)br, .ring_entries = 4, .bgid = 3 };
	memset(pool, 0, sizeof(pool));
	RET("PBUF_RING", ur_register(r.fd, IORING_REGISTER_PBUF_RING, &reg, 1));
	RET("PBUF_RING again", ur_register(r.fd, IORING_REGISTER_PBUF_RING, &reg, 1));
	for (int i = 0; i < 2; i++) {
		br->bufs[i].addr = (uintptr_t)pool[i];
		br->bufs[i].len = 16;
		br->bufs[i].bid = 100 + i;
	}
	__atomic_store_n(&br->tail, 2, __ATOMIC_RELEASE);
	s = sqe_next(&r, IORING_OP_RECV, sv[0], NULL, 0, 0);
	s->flags = IOSQE_BUFFER_SELECT;
	s->buf_group = 3;
	s->ioprio = IORING_RECV_MULTISHOT;
	s->user_data = 5;
	RET("RECV, several", ring_go(&r, 0));
	MUST(write(sv[1], "one", 3));
	ring_say(&r, "RECV, several");
	STR("RECV, several", pool[0]);
	MUST(write(sv[1], "two", 3));
	ring_say(&r, "RECV, several");
	STR("RECV, several", pool[1]);
	MUST(write(sv[1], "three", 5));
	ring_say(&r, "RECV, no buffers left");
	s = sqe_next(&r, IORING_OP_PROVIDE_BUFFERS, 1, pool, 16, 10);
	s->buf_group = 3;
	ring_one(&r, "PROVIDE_BUFFERS to a ring");
	RET("unregister", ur_register(r.fd, IORING_UNREGISTER_PBUF_RING, &reg, 1));
	RET("unregister again", ur_register(r.fd, IORING_UNREGISTER_PBUF_RING, &reg, 1));
	reg.ring_entries = 3;
	RET("PBUF_RING of three", ur_register(r.fd, IORING_REGISTER_PBUF_RING, &reg, 1));
	reg.ring_addr += 8;
	reg.ring_entries = 4;
	RET("PBUF_RING, not at a page", ur_register(r.fd, IORING_REGISTER_PBUF_RING, &reg, 1));
	reg.ring_addr = 0;
	RET("PBUF_RING, nowhere", ur_register(r.fd, IORING_REGISTER_PBUF_RING, &reg, 1));
	ring_end(&r);
}

static void rings(void)
{
	struct ring a = ring_new(8, 0), b = ring_new(8, 0);
	int fd = MUST(open("/dev/null", O_RDWR));

	sqe_next(&a, IORING_OP_MSG_RING, b.fd, (void *)IORING_MSG_DATA, 55, 0x1234)->user_data = 1;
	ring_one(&a, "MSG_RING");
	ring_say(&b, "MSG_RING, there");
	sqe_next(&a, IORING_OP_MSG_RING, a.fd, (void *)IORING_MSG_DATA, 55, 0x1234)->user_data = 1;
	RET("MSG_RING to itself", ring_go(&a, 2));
	ring_say(&a, "MSG_RING to itself");
	ring_say(&a, "MSG_RING to itself");
	sqe_next(&a, IORING_OP_MSG_RING, fd, (void *)IORING_MSG_DATA, 55, 0);
	ring_one(&a, "MSG_RING to no ring");
	sqe_next(&a, IORING_OP_MSG_RING, b.fd, (void *)9, 55, 0);
	ring_one(&a, "MSG_RING, unknown command");
	sqe_next(&a, IORING_OP_MSG_RING, b.fd, (void *)IORING_MSG_DATA, 55, 0)->msg_ring_flags = 2;
	ring_one(&a, "MSG_RING, unknown flag");
	ring_end(&b);

	int sv[2];
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } u;
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u) };
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	u.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&u.h), &a.fd, sizeof(int));
	RET("a ring through a socket", sendmsg(sv[0], &m, 0));
	int ep = MUST(epoll_create1(0));
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = 3 }, got;
	RET("a ring in epoll", epoll_ctl(ep, EPOLL_CTL_ADD, a.fd, &ev));
	VAL("epoll_wait", epoll_wait(ep, &got, 1, 0));
	nop(&a, 1, 0);
	MUST(ring_go(&a, 0));
	VAL("epoll_wait, a completion", epoll_wait(ep, &got, 1, 1000));
	ring_end(&a);
}

void abi_test(void)
{
	links();
	drain();
	buffers();
	rings();
}
