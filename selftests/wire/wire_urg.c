// SPDX-License-Identifier: GPL-2.0
/* wire_urg.c - urgent data: RFC 9293 3.8.5, MUST-30 to MUST-33, MUST-62, RFC 6093 */
#include "wire.h"

#include <linux/sockios.h>

static volatile sig_atomic_t signals;

static void on_urg(int sig)
{
	signals++;
}

FIXTURE(urg) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(urg) {
	bool v6;
};

FIXTURE_VARIANT_ADD(urg, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(urg, v6) { .v6 = true };

FIXTURE_SETUP(urg)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
	flow_open(&self->f, .mss = 1000);
	signals = 0;
	signal(SIGURG, on_urg);
	must(fcntl(self->f.fd, F_SETOWN, getpid()) == 0);
	must(fcntl(self->f.fd, F_SETFL, fcntl(self->f.fd, F_GETFL) | O_NONBLOCK) == 0);
}

FIXTURE_TEARDOWN(urg)
{
	wire_end(&self->w);
}

static int io(struct flow *f, int what)
{
	int n = -1;

	must(ioctl(f->fd, what, &n) == 0);
	return n;
}

/* Byte @i of the stream */
static uint8_t at(int i)
{
	uint8_t c;

	pattern_fill(&c, 1, i);
	return c;
}

/* recv() gives exactly the bytes from @from on, @n of them. */
static bool reads(struct flow *f, int flags, int from, int n)
{
	char buf[200];

	return recv(f->fd, buf, sizeof(buf), flags) == n && pattern_ok(buf, n, from);
}

/* MSG_OOB: the byte, or -errno */
static int oob(struct flow *f, int flags)
{
	uint8_t c;
	int n = recv(f->fd, &c, 1, MSG_OOB | flags);

	return n == 1 ? c : n ? -errno : -1000;
}

/* MUST-62: the pointer is one beyond the byte; a read ends at the mark, the next one
 * passes over it: URG-2, MUST-33.
 */
TEST_F(urg, receive__byte_before_the_pointer)
{
	struct flow *f = &self->f;

	EXPECT_EQ(-EINVAL, oob(f, 0));
	inject(f, ACK | URG, .len = 10, .up = 5);
	expect(f, ACK);
	EXPECT_EQ(1, signals);
	EXPECT_EQ(POLLPRI | POLLIN, poll_now(f->fd) & (POLLPRI | POLLIN));
	EXPECT_EQ(4, io(f, FIONREAD));
	EXPECT_EQ(0, io(f, SIOCATMARK));
	EXPECT_EQ(at(4), oob(f, MSG_PEEK));
	EXPECT_EQ(at(4), oob(f, 0));
	EXPECT_EQ(-EINVAL, oob(f, 0));		/* once */
	EXPECT_EQ(0, poll_now(f->fd) & POLLPRI);
	EXPECT_TRUE(reads(f, 0, 0, 4));
	EXPECT_EQ(1, io(f, SIOCATMARK));
	EXPECT_TRUE(reads(f, 0, 5, 5));
	EXPECT_EQ(0, io(f, SIOCATMARK));
}

TEST_F(urg, receive__lost_if_not_asked_for)
{
	struct flow *f = &self->f;

	inject(f, ACK | URG, .len = 10, .up = 5);
	EXPECT_TRUE(reads(f, 0, 0, 4));
	EXPECT_TRUE(reads(f, 0, 5, 5));
	EXPECT_EQ(-EINVAL, oob(f, 0));
	EXPECT_EQ(0, poll_now(f->fd) & (POLLPRI | POLLIN));
}

/* Also to look at, and to throw away */
TEST_F(urg, receive__peek_stops_too)
{
	struct flow *f = &self->f;

	inject(f, ACK | URG, .len = 10, .up = 5);
	EXPECT_TRUE(reads(f, MSG_PEEK, 0, 4));
	EXPECT_TRUE(reads(f, MSG_PEEK, 0, 4));
	EXPECT_EQ(4, recv(f->fd, NULL, 100, MSG_TRUNC));
	EXPECT_TRUE(reads(f, MSG_PEEK, 5, 5));
	EXPECT_TRUE(reads(f, MSG_PEEK, 5, 5));
	EXPECT_EQ(1, io(f, SIOCATMARK));
	EXPECT_TRUE(reads(f, MSG_WAITALL, 5, 5));
}

/* URG-1: in its place */
TEST_F(urg, receive__in_line)
{
	struct flow *f = &self->f;

	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_OOBINLINE, 1));
	inject(f, ACK | URG, .len = 10, .up = 5);
	EXPECT_EQ(1, signals);
	EXPECT_EQ(10, io(f, FIONREAD));
	EXPECT_EQ(-EINVAL, oob(f, 0));
	EXPECT_TRUE(reads(f, 0, 0, 4));
	EXPECT_EQ(1, io(f, SIOCATMARK));
	EXPECT_TRUE(reads(f, 0, 4, 6));
	EXPECT_EQ(0, io(f, SIOCATMARK));
}

/* MUST-32: of a new pointer and of one that advances, at once and once. */
TEST_F(urg, receive__announced_before_it_comes)
{
	struct flow *f = &self->f;

	inject(f, ACK | URG, .up = 15);
	EXPECT_EQ(1, signals);
	EXPECT_EQ(-EAGAIN, oob(f, 0));
	EXPECT_EQ(0, poll_now(f->fd) & POLLPRI);
	inject(f, ACK | URG, .len = 10, .up = 15);
	EXPECT_EQ(1, signals);
	EXPECT_EQ(-EAGAIN, oob(f, 0));
	EXPECT_TRUE(reads(f, 0, 0, 10));
	inject(f, ACK, .len = 10);
	EXPECT_EQ(POLLPRI, poll_now(f->fd) & POLLPRI);
	EXPECT_EQ(at(14), oob(f, 0));
	inject(f, ACK | URG, .len = 10, .up = 3);	/* further on */
	EXPECT_EQ(2, signals);
	EXPECT_EQ(at(22), oob(f, 0));
}

/* The byte comes out of order, the mark holds. */
TEST_F(urg, receive__out_of_order)
{
	struct flow *f = &self->f;

	inject(f, ACK | URG, .seq = 11, .len = 10, .up = 5);
	f->seq = 1;
	EXPECT_EQ(at(14), oob(f, 0));
	inject(f, ACK, .len = 10);
	f->seq = 21;
	EXPECT_TRUE(reads(f, 0, 0, 14));
	EXPECT_EQ(1, io(f, SIOCATMARK));
	EXPECT_TRUE(reads(f, 0, 15, 5));
}

/* A byte that is urgent and nothing before it: nothing to read. */
TEST_F(urg, receive__alone)
{
	struct flow *f = &self->f;

	inject(f, ACK | URG, .len = 1, .up = 1);
	EXPECT_EQ(POLLPRI, poll_now(f->fd) & (POLLPRI | POLLIN));
	EXPECT_EQ(1, io(f, SIOCATMARK));
	EXPECT_EQ(0, io(f, FIONREAD));
	EXPECT_EQ(at(0), oob(f, 0));
	EXPECT_EQ(0, poll_now(f->fd) & (POLLPRI | POLLIN));
	inject(f, ACK | FIN);
	EXPECT_TRUE(reads(f, 0, 0, 0));
}

/* A second one before the first was read: the first byte goes into the stream or is
 * gone, never both.
 */
TEST_F(urg, receive__two)
{
	struct flow *f = &self->f;

	inject(f, ACK | URG, .len = 10, .up = 5);
	inject(f, ACK | URG, .len = 10, .up = 5);
	EXPECT_EQ(2, signals);
	EXPECT_EQ(at(14), oob(f, 0));
	EXPECT_TRUE(reads(f, 0, 0, 14));
	EXPECT_TRUE(reads(f, 0, 15, 5));
}

/* URG-3 */
TEST_F(urg, receive__nonsense)
{
	struct flow *f = &self->f;
	int i;

	inject(f, ACK, .len = 10);
	inject(f, ACK | URG, .seq = 5, .up = 3);		/* behind us */
	f->seq = 11;
	inject(f, ACK | URG, .len = 10, .up = 0);
	EXPECT_LE(signals, 1);
	inject(f, ACK | URG, .up = 65535);
	for (i = 0; i < 20; i++)
		inject(f, ACK | URG, .up = 60000 - i);		/* receding */
	EXPECT_LE(signals, 2);
	while (wire_next(f, 50))
		;
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_OOBINLINE, 1));
	for (i = 0; i < 20; )
		i += recv(f->fd, (char[20]){}, 20 - i, 0);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
}

/* MUST-66: though the text has no room */
TEST_F(urg, receive__at_zero_window)
{
	struct flow *f = &self->f;
	int wnd = 65535;

	while (wnd) {
		inject(f, ACK, .len = wnd < 1000 ? wnd : 1000);
		wnd = expect(f, ACK, .within = 500)->wnd;
	}
	inject(f, ACK | URG, .len = 1, .up = 1);
	f->seq--;
	expect(f, ACK, .wnd = 0);
	EXPECT_EQ(1, signals);
	EXPECT_EQ(at(f->seq - 1), oob(f, 0));
}

TEST_F(urg, receive__older_reading)
{
	struct flow *f = &self->f;

	sysctl_set(test_inet() ? "net/ipv4/tcp_stdurg" : "net/xtcp/stdurg", "1");
	inject(f, ACK | URG, .len = 10, .up = 5);
	EXPECT_EQ(at(5), oob(f, 0));
	EXPECT_TRUE(reads(f, 0, 0, 5));
	EXPECT_TRUE(reads(f, 0, 6, 4));
}

/* --- send ------------------------------------------------------------------ */

/* The last byte of the call; neither Nagle nor cork hold it. */
TEST_F(urg, send__pointer)
{
	struct flow *f = &self->f;
	char buf[40];

	pattern_fill(buf, sizeof(buf), 0);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_CORK, 1));
	ASSERT_EQ(10, send(f->fd, buf, 10, 0));
	expect_none(f, 50);
	ASSERT_EQ(5, send(f->fd, buf + 10, 5, MSG_OOB));
	EXPECT_EQ(15, expect(f, ACK | URG, .len = 15)->up);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_CORK, 0));
	/* until it is acknowledged all say so that begin before it */
	ASSERT_EQ(1, send(f->fd, buf + 15, 1, 0));
	EXPECT_EQ(0, expect(f, ACK, .len = 1)->up);
	inject(f, ACK, .ack = 11);
	EXPECT_EQ(15, expect(f, ACK | URG, .seq = 1 + 10, .len = ANY, .within = 2000)->up + 10);
	inject(f, ACK, .ack = 17);
	ASSERT_EQ(1, send(f->fd, buf + 16, 1, 0));
	EXPECT_EQ(0, expect(f, ACK, .seq = 17, .len = 1)->up);
}

/* Each segment has a pointer of its own, as far as 16 bits reach. */
TEST_F(urg, send__long)
{
	struct flow *f = &self->f;
	const struct seg *s;
	char buf[5000];

	pattern_fill(buf, sizeof(buf), 0);
	ASSERT_EQ(5000, send(f->fd, buf, 5000, MSG_OOB));
	while (f->ack < 5001) {
		s = expect(f, ACK | URG, .len = 1000);
		EXPECT_EQ(5001, s->seq + s->up);
		if (s->len != 1000)
			break;
	}
}

/* What is further away than 16 bits say is as far as they can say. */
TEST_F(urg, send__far)
{
	static char buf[70000];
	struct flow *f = &self->f;
	const struct seg *s;
	int up;

	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 200000));
	pattern_fill(buf, sizeof(buf), 0);
	ASSERT_EQ(sizeof(buf), send(f->fd, buf, sizeof(buf), MSG_OOB));
	while (f->ack < sizeof(buf) + 1) {
		s = expect(f, ACK | URG, .len = ANY);
		if (!s->len)
			break;
		up = sizeof(buf) + 1 - s->seq;
		EXPECT_EQ(up > 65535 ? 65535 : up, s->up);
		inject(f, ACK);
	}
}

/* MUST-66: a shut window does not keep the peer from hearing of it. */
TEST_F(urg, send__at_zero_window)
{
	struct flow *f = &self->f;
	const struct seg *s;

	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK, .wnd = 0);
	ASSERT_EQ(1, send(f->fd, "x", 1, MSG_OOB));
	s = wire_next(f, 3000);
	ASSERT_NE(NULL, s);
	EXPECT_EQ(ACK | URG, s->flags & (ACK | URG));
	EXPECT_EQ(12, s->seq + s->up);
}

TEST_HARNESS_MAIN
