// SPDX-License-Identifier: GPL-2.0
/* wire_send.c - between send() and the wire: how much waits where, what is merged, and
 * when the program may write again.
 */
#include "wire.h"

#include <sys/epoll.h>
#include <linux/sockios.h>

FIXTURE(send) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(send) {
	bool v6;
};

FIXTURE_VARIANT_ADD(send, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(send, v6) { .v6 = true };

FIXTURE_SETUP(send)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
	flow_open(&self->f, .mss = 1000, .ws = 7);
	self->f.wnd = 8000;		/* a megabyte */
	inject(&self->f, ACK);
}

FIXTURE_TEARDOWN(send)
{
	wire_end(&self->w);
}

static int io(struct flow *f, int what)
{
	int n = -1;

	must(ioctl(f->fd, what, &n) == 0);
	return n;
}

static void push(struct flow *f, int len, int flags)
{
	char buf[2000];

	pattern_fill(buf, len, f->wrote);
	must(send(f->fd, buf, len, flags) == len);
	f->wrote += len;
}

/* Write until it would block; bytes. */
static int fill(struct flow *f, int chunk)
{
	uint32_t from = f->wrote;
	char buf[2000];
	int n;

	for (;;) {
		pattern_fill(buf, chunk, f->wrote);
		n = send(f->fd, buf, chunk, MSG_DONTWAIT);
		if (n < 0)
			break;
		f->wrote += n;
	}
	must(errno == EAGAIN);
	return f->wrote - from;
}

/* --- MF-8: records stay apart ---------------------------------------------- */

/* MF-20: no packet, no error, and nothing is held back by it */
TEST_F(send, zero_length__no_packet)
{
	struct flow *f = &self->f;

	EXPECT_EQ(0, send(f->fd, "", 0, 0));
	EXPECT_EQ(0, send(f->fd, "", 0, MSG_MORE));
	EXPECT_EQ(0, write(f->fd, "", 0));
	expect_none(f, 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	EXPECT_EQ(0, send(f->fd, "", 0, MSG_EOR));
	expect_none(f, 100);
}

TEST_F(send, eor__not_merged)
{
	struct flow *f = &self->f;

	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_CORK, 1));
	push(f, 400, MSG_EOR);
	push(f, 600, 0);
	expect(f, ACK | PSH, .len = 400);
	expect_none(f, 50);
	inject(f, ACK);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_CORK, 0));
	expect(f, ACK, .len = 600);
}

/* The same without the mark, so that the above says something. */
TEST_F(send, eor__merged_without)
{
	struct flow *f = &self->f;

	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_CORK, 1));
	push(f, 400, 0);
	push(f, 600, 0);
	expect(f, ACK, .len = 1000);
}

/* A record of several segments keeps its end. */
TEST_F(send, eor__long_record)
{
	struct flow *f = &self->f;

	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_CORK, 1));
	push(f, 1500, MSG_EOR);
	push(f, 900, MSG_EOR);
	push(f, 100, 0);
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 500);
	expect(f, ACK, .len = 900);
	expect_none(f, 50);
}

/* REC-1 */
TEST_F(send, window__of_a_gigabyte)
{
	struct flow f;

	flow_init(&f, &self->w);
	flow_open(&f, .mss = 1000, .ws = 14);
	f.wnd = 65535;
	flow_write(&f, 10);
	expect(&f, ACK, .len = 10);
	inject(&f, ACK);
	EXPECT_TRUE(wait_until(tcp_info_of(f.fd).tcpi_unacked == 0));
	EXPECT_EQ(65535U << 14, tcp_info_of(f.fd).tcpi_snd_wnd);
	flow_write(&f, 10000);
	EXPECT_EQ(10, flow_drain(&f, 10000, true));
}

/* --- TO-21 ------------------------------------------------------------------- */

TEST_F(send, notsent__holds_the_writer)
{
	struct flow *f = &self->f;
	int total, i;

	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 100000));
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4000));
	total = fill(f, 1000);
	EXPECT_EQ(total, io(f, SIOCOUTQ));
	EXPECT_EQ(total - 10000, io(f, SIOCOUTQNSD));	/* cwnd is 10 */
	EXPECT_GE(total, 14000);
	EXPECT_EQ(0, poll_now(f->fd) & POLLOUT);
	for (i = 0; i < 10; i++)
		expect(f, ACK, .len = 1000);
	/* until less than half of the mark waits */
	while (io(f, SIOCOUTQNSD) >= 2000) {
		ASSERT_EQ(0, poll_now(f->fd) & POLLOUT);
		inject(f, ACK);
		while (wire_next(f, 5))
			;
	}
	EXPECT_EQ(POLLOUT, poll_now(f->fd) & POLLOUT);
	EXPECT_GT(fill(f, 1000), 0);
}

/* Sent is enough: the writer need not wait for its ACK. */
TEST_F(send, notsent__wakes_when_sent)
{
	struct flow *f = &self->f;
	struct epoll_event e = { .events = EPOLLOUT | EPOLLET };
	int i, ep;

	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4000));
	inject(f, ACK, .len = 1);
	expect(f, ACK);
	inject(f, ACK, .wnd = 16);	/* 2048 bytes */
	flow_write(f, 6000);
	EXPECT_EQ(4000, io(f, SIOCOUTQNSD));
	ep = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, f->fd, &e));
	ASSERT_EQ(0, epoll_wait(ep, &e, 1, 20));
	/* the window opens, nothing is acknowledged */
	inject(f, ACK, .ack = 1, .wnd = 200);
	EXPECT_EQ(1, epoll_wait(ep, &e, 1, 20));
	for (i = 0; i < 6; i++)
		expect(f, ACK, .len = 1000);
}

TEST_F(send, notsent__sysctl)
{
	const char *knob = test_inet() ? "net/ipv4/tcp_notsent_lowat" : "net/xtcp/notsent_lowat";
	struct flow *f = &self->f;
	int without;

	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 100000));
	sysctl_set(knob, "4000");
	without = fill(f, 1000);
	EXPECT_LT(without, 80000);	/* what the last skb has room for, too */
	EXPECT_EQ(0, fill(f, 1000));
	sysctl_set(knob, "200000");
	EXPECT_GT(fill(f, 1000), 20000);
	EXPECT_EQ(0, get_int(f->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT));
}

/* --- OTH-8 ------------------------------------------------------------------- */

static int sndbuf(struct flow *f)
{
	return get_int(f->fd, SOL_SOCKET, SO_SNDBUF);
}

static void grow(struct flow *f)
{
	int i;

	for (i = 0; i < 8; i++) {
		fill(f, 1000);
		while (wire_next(f, 5))
			;
		inject(f, ACK);
	}
}

TEST_F(send, sndbuf__follows_the_window)
{
	struct flow *f = &self->f;

	grow(f);
	EXPECT_GT(tcp_info_of(f->fd).tcpi_snd_cwnd, 40);
	EXPECT_GE(sndbuf(f), 2 * 40 * 1000);
	EXPECT_LE(sndbuf(f), 4194304);
}

TEST_F(send, sndbuf__has_a_limit)
{
	struct flow *f = &self->f;

	sysctl_set(test_inet() ? "net/ipv4/tcp_wmem" : "net/xtcp/wmem", "4096 16384 50000");
	grow(f);
	EXPECT_EQ(50000, sndbuf(f));
}

TEST_F(send, sndbuf__not_when_the_program_chose)
{
	struct flow *f = &self->f;

	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 20000));
	grow(f);
	EXPECT_EQ(40000, sndbuf(f));
}

/* --- small queues: a device that is slow ------------------------------------- */

static void tc(const char *what)
{
	char cmd[200];

	snprintf(cmd, sizeof(cmd), "PATH=$PATH:/usr/sbin:/sbin tc qdisc %s", what);
	if (system(cmd))
		die("%s", cmd);
}

static int backlog(void)
{
	FILE *p = popen("PATH=$PATH:/usr/sbin:/sbin tc -s qdisc show dev wire0 | "
			"sed -n 's/.*backlog \\([0-9]*\\)\\(K*\\)b.*/\\1\\2/p' | sed 's/K/000/'",
			"r");
	int n = -1;

	must(p && fscanf(p, "%d", &n) == 1);
	pclose(p);
	return n;
}

static const char *limit_knob(void)
{
	return test_inet() ? "net/ipv4/tcp_limit_output_bytes" : "net/xtcp/limit_output_bytes";
}

/* Has a window of @segs and more, and the slow device after it. */
static void open_wide(struct flow *f, int segs)
{
	must(set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 400000) == 0);
	while (tcp_info_of(f->fd).tcpi_snd_cwnd < segs) {
		flow_write(f, 1000 * tcp_info_of(f->fd).tcpi_snd_cwnd);
		while (wire_next(f, 2))
			;
		inject(f, ACK);
	}
	while (wire_next(f, 20))
		inject(f, ACK);
	tc("replace dev wire0 root tbf rate 4mbit burst 3000 limit 1000000");
}

/* All that was written arrives, though the queue below had to be asked often. */
static void drain_slowly(struct flow *f)
{
	while (f->ack < 1 + f->wrote) {
		must(wire_next(f, 2000));
		inject(f, ACK);
	}
}

/* TSQ-1: of what the window allows only a super-packet goes into the queue below. */
TEST_F(send, small_queue__below_the_limit)
{
	struct flow *f = &self->f;
	int n;

	open_wide(f, 160);
	sysctl_set(limit_knob(), "8000");
	flow_write(f, 160000);
	n = backlog();
	EXPECT_GT(n, 20000);
	EXPECT_LT(n, 70000);
	drain_slowly(f);
}

TEST_F(send, small_queue__full_without)
{
	struct flow *f = &self->f;

	open_wide(f, 160);
	sysctl_set(limit_knob(), "10000000");
	flow_write(f, 160000);
	EXPECT_GT(backlog(), 100000);
	drain_slowly(f);
}

/* SY-14: small writes wait for company while something of ours is below. */
static int corked(struct flow *f, const char *on)
{
	int i, n = 0, got = 0;
	const struct seg *s;

	sysctl_set(test_inet() ? "net/ipv4/tcp_autocorking" : "net/xtcp/autocorking", on);
	must(set_int(f->fd, IPPROTO_TCP, TCP_NODELAY, 1) == 0);
	tc("replace dev wire0 root tbf rate 64kbit burst 1600 limit 1000000");
	flow_write(f, 1000);
	flow_write(f, 1000);		/* this one waits below */
	for (i = 0; i < 6; i++)		/* within the first window */
		flow_write(f, 10);
	while (got < 2060) {
		s = wire_next(f, 2000);
		must(s);
		got += s->len;
		n++;
	}
	return n;
}

TEST_F(send, autocork__waits_for_company)
{
	EXPECT_LE(corked(&self->f, "1"), 4);
	EXPECT_TRUE(test_inet() || counter("AutoCorking") >= 1);
}

TEST_F(send, autocork__can_be_turned_off)
{
	EXPECT_EQ(8, corked(&self->f, "0"));
	EXPECT_TRUE(test_inet() || counter("AutoCorking") == 0);
}

/* --- TO-26, MF-19 -------------------------------------------------------------- */

/* What the control message says is left; -1: there is none */
static int recv_inq(struct flow *f, int len)
{
	char buf[2000], control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { buf, len };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	int n = -1;

	must(recvmsg(f->fd, &m, 0) == len);
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == IPPROTO_TCP && c->cmsg_type == TCP_CM_INQ)
		memcpy(&n, CMSG_DATA(c), sizeof(n));
	return n;
}

TEST_F(send, inq__tells_what_is_left)
{
	struct flow *f = &self->f;

	inject(f, ACK, .len = 1000);
	EXPECT_EQ(-1, recv_inq(f, 100));
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_INQ, 1));
	EXPECT_EQ(1, get_int(f->fd, IPPROTO_TCP, TCP_INQ));
	EXPECT_EQ(800, recv_inq(f, 100));
	EXPECT_EQ(0, recv_inq(f, 800));
	inject(f, ACK | FIN, .len = 10);
	EXPECT_EQ(6, recv_inq(f, 5));		/* and the FIN */
	EXPECT_EQ(1, recv_inq(f, 5));
	EXPECT_ERRNO(EINVAL, set_int(f->fd, IPPROTO_TCP, TCP_INQ, 2));
}

TEST_HARNESS_MAIN
