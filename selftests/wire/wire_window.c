// SPDX-License-Identifier: GPL-2.0
/* wire_window.c - the receive window at its edges, and the receive buffer when it is
 * full: RFC 9293 3.8.6, RFC 7323 2.4, and what newer kernels do in the public
 * packetdrill scripts rcv_big_endseq, rcv_zero_wnd_fin, rcv_neg_window,
 * rcv_wnd_shrink_allowed, rcv_wnd_shrink_nomem and ooo_rcv_mss.
 */
#include "wire.h"

#include <limits.h>

FIXTURE(window) {
	struct wire w;
	struct flow f;
	uint64_t beyond;
};

FIXTURE_VARIANT(window) {
	bool v6;
};

FIXTURE_VARIANT_ADD(window, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(window, v6) { .v6 = true };

FIXTURE_SETUP(window)
{
	test_begin();
	if (test_inet())
		SKIP(_exit(255), "newer than the kernel's TCP of 6.1");
	sysctl_set("net/xtcp/adv_win_scale", "1");	/* a half, as newer kernels */
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
	self->beyond = counter("BeyondWindow");
}

FIXTURE_TEARDOWN(window)
{
	wire_end(&self->w);
}

static void rcvbuf(int fd, int bytes)
{
	must(set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes) == 0);
}

/* The ACKs that are on their way; the last window in them, or @wnd. */
static int drain(struct flow *f, int wnd)
{
	const struct seg *s;

	while ((s = wire_next(f, 250)))
		wnd = s->wnd;
	return wnd;
}

static int whole(const struct wire *w, int space)
{
	return space / wire_mss(w) * wire_mss(w);
}

/* --- beyond the edge ------------------------------------------------------ */

/* rcv_big_endseq: only an empty queue takes more than was offered. */
TEST_F(window, edge__big_segments)
{
	struct flow *f = &self->f;
	int wnd;

	rcvbuf(self->w.lfd, 10000);
	flow_open(f, .mss = 1000, .ws = 7);
	EXPECT_EQ(0, f->synack.ws);
	EXPECT_EQ(whole(&self->w, 10000), f->synack.wnd);
	inject(f, ACK | PSH, .len = 4000);
	wnd = expect(f, ACK)->wnd;
	EXPECT_GE(wnd, 4000);
	EXPECT_LE(wnd, 6000);

	inject(f, ACK | PSH, .seq = 4001, .len = 50000);
	f->seq = 4001;
	expect(f, ACK, .wnd = wnd);
	inject(f, ACK | PSH, .seq = 5001, .len = 50000);
	f->seq = 4001;
	expect(f, ACK, .wnd = wnd);
	inject(f, ACK | PSH, .seq = 70001, .len = 10000);
	f->seq = 4001;
	expect(f, ACK, .wnd = wnd);
	EXPECT_EQ(self->beyond + 3, counter("BeyondWindow"));

	flow_read(f, 4000);
	drain(f, 0);
	inject(f, ACK | PSH, .len = 50000);
	expect(f, ACK, .wnd = 0);
	flow_read(f, 50000);
	EXPECT_EQ(self->beyond + 3, counter("BeyondWindow"));
}

/* On the edge stands a peer that has used all of the window: its ACK counts. */
TEST_F(window, edge__pure_ack_on_it)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK, .seq = 1 + f->synack.wnd);
	f->seq = 1;
	EXPECT_TRUE(wait_until(tcp_info_of(f->fd).tcpi_unacked == 0));
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK, .seq = 1 + f->synack.wnd + 1);	/* and beyond it */
	f->seq = 1;
	expect(f, ACK, .seq = f->ack);
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_unacked);
	EXPECT_EQ(self->beyond + 1, counter("BeyondWindow"));
}

/* A FIN needs no memory: one beyond the edge is one byte, not text. */
TEST_F(window, edge__fin_on_it)
{
	struct flow *f = &self->f;
	int wnd, n;

	rcvbuf(self->w.lfd, 20000);
	flow_open(f, .mss = 1000, .ws = 7);
	inject(f, ACK, .len = 1000);
	wnd = expect(f, ACK)->wnd;
	ASSERT_GT(wnd, 1000);
	n = wnd;
	inject(f, ACK | FIN, .len = n);		/* fills the window to the byte */
	drain(f, 0);
	EXPECT_EQ(self->beyond, counter("BeyondWindow"));
	flow_read(f, 1000 + n);
	EXPECT_EQ(0, flow_recv(f));
}

/* rcv_zero_wnd_fin: else two ends would talk about it for ever.  A peer that sends
 * what is not asked for is answered at once.
 */
TEST_F(window, zero__takes_a_fin)
{
	struct flow *f = &self->f;

	rcvbuf(self->w.lfd, 20000);
	flow_open(f, .mss = 1000, .ws = 7);
	inject(f, ACK | PSH, .len = 60000);
	expect(f, ACK, .wnd = 0);
	inject(f, ACK | FIN);
	expect(f, ACK, .wnd = 0, .within = 10);
	flow_read(f, 60000);
	EXPECT_EQ(0, flow_recv(f));
}

/* rcv_neg_window: what came beyond the edge does not make the window negative. */
TEST_F(window, edge__not_negative)
{
	struct flow *f = &self->f;

	rcvbuf(self->w.lfd, 20000);
	flow_open(f, .mss = 1000, .ws = 7);
	EXPECT_EQ(whole(&self->w, 20000), f->synack.wnd);
	inject(f, ACK | PSH, .len = 20000);
	EXPECT_EQ(20000, tcp_info_of(f->fd).tcpi_bytes_received);
	expect_none(f, 10);			/* the ACK can wait */
	inject(f, RST);
	expect_none(f, 300);
	EXPECT_EQ(ECONNRESET, get_int(f->fd, SOL_SOCKET, SO_ERROR));
}

/* --- the edge goes back: RFC 7323 2.4 -------------------------------------- */

/* rcv_wnd_shrink_allowed: what fitted any window that was offered is taken. */
TEST_F(window, shrink__if_allowed)
{
	struct flow *f = &self->f;
	const struct seg *s;
	uint32_t max, last;

	sysctl_set("net/xtcp/shrink_window", "1");
	sysctl_set("net/xtcp/rmem", "4096 32768 33554432");
	wire_down(&self->w);
	wire_up(&self->w, variant->v6, 5);
	flow_init(f, &self->w);
	flow_open(f, .mss = 1000, .ws = 7);
	ASSERT_EQ(10, f->synack.ws);
	inject(f, ACK | PSH, .len = 10000);
	s = expect(f, ACK);
	max = s->ack + (s->wnd << 10);
	rcvbuf(f->fd, 11500);
	inject(f, ACK | PSH, .len = 1023);
	s = expect(f, ACK);
	last = s->ack + (s->wnd << 10);
	EXPECT_LT(last, max);

	inject(f, ACK | PSH, .len = max - f->seq + 1);
	f->seq = 11024;
	expect(f, ACK);
	EXPECT_EQ(self->beyond + 1, counter("BeyondWindow"));
	inject(f, ACK | PSH, .len = max - f->seq);
	expect(f, ACK, .wnd = 0);
	EXPECT_EQ(self->beyond + 1, counter("BeyondWindow"));
	flow_read(f, f->seq - 1);
}

/* rcv_wnd_shrink_nomem: SO_RCVBUF takes the memory away; by and by. */
TEST_F(window, shrink__no_memory)
{
	uint64_t zero = counter("ZeroWindowDrop"), drop = counter("RcvQDrop");
	struct flow *f = &self->f;
	const struct seg *s;
	int i;

	rcvbuf(self->w.lfd, 1000000);
	flow_open(f, .mss = 1000, .ws = 7, .sackok = true);
	EXPECT_EQ(4, f->synack.ws);
	EXPECT_EQ(65535, f->synack.wnd);
	for (i = 0; i < 16; i++) {
		inject(f, ACK | PSH, .len = 65000);
		drain(f, 0);
		ASSERT_EQ(f->seq - 1, tcp_info_of(f->fd).tcpi_bytes_received);
	}
	rcvbuf(f->fd, 16000);
	inject(f, ACK | PSH, .len = 65000);
	f->seq = 1040001;
	expect(f, ACK, .wnd = 0);
	EXPECT_EQ(drop + 1, counter("RcvQDrop"));

	/* an ACK counts inside the largest window that was offered */
	flow_write(f, 1000);
	expect(f, ACK, .len = 1000, .wnd = 0);
	inject(f, ACK, .seq = 1105001);
	EXPECT_TRUE(wait_until(tcp_info_of(f->fd).tcpi_unacked == 0));
	/* text does not */
	f->seq = 1040001;
	inject(f, ACK | PSH, .len = 1000);
	f->seq = 1040001;
	expect(f, ACK, .wnd = 0);
	inject(f, ACK | PSH, .seq = 1039001, .len = 2000);
	f->seq = 1040001;
	s = expect(f, ACK, .wnd = 0, .nsack = 1, .sack = {{ 1039001, 1040001 }});
	EXPECT_EQ(zero + 2, counter("ZeroWindowDrop"));
	inject(f, ACK | PSH, .seq = 1105001, .len = 1000);
	f->seq = 1040001;
	expect(f, ACK, .wnd = 0);
	inject(f, ACK | PSH, .seq = 2000001, .len = 1000);
	f->seq = 1040001;
	expect(f, ACK, .wnd = 0);
	EXPECT_EQ(self->beyond + 2, counter("BeyondWindow"));

	/* the program reads: a window again, and a smaller one */
	flow_read(f, 1040000);
	s = expect(f, ACK);
	EXPECT_GT(s->wnd << 4, 0);
	EXPECT_LE(s->wnd << 4, 32000);
	inject(f, ACK | PSH, .len = 1000);
	drain(f, 0);
	inject(f, ACK | PSH, .seq = 1040001, .len = 2000);
	f->seq = 1042001;
	expect(f, ACK, .nsack = 1, .sack = {{ 1040001, 1041001 }});
	inject(f, ACK | PSH, .seq = 1105001, .len = 1000);
	f->seq = 1042001;
	expect(f, ACK);
	EXPECT_EQ(self->beyond + 3, counter("BeyondWindow"));
	/* one segment beyond what the buffer holds, no more */
	inject(f, ACK | PSH, .len = 20000);
	EXPECT_EQ(0, drain(f, -1));
	inject(f, ACK | PSH, .len = 1000);
	f->seq -= 1000;
	expect(f, ACK, .wnd = 0);
	EXPECT_EQ(zero + 3, counter("ZeroWindowDrop"));
	flow_read(f, f->seq - 1 - f->read);
}

/* --- how far the window opens ---------------------------------------------- */

/* ooo_rcv_mss: what is out of order tells the peer's segment size, and how well
 * memory is used; without SACK the window stays, or it would be no duplicate.
 */
static void grows_out_of_order(struct flow *f, bool sack)
{
	const struct seg *s;
	int i, first;

	sysctl_set("net/xtcp/rmem", "4096 131072 33554432");
	rcvbuf(f->w->lfd, 65536);
	flow_open(f, .mss = 1000, .ws = 7, .sackok = sack);
	inject(f, ACK, .len = 10);
	first = drain(f, -1);
	must(first > 0);
	for (i = 1; i < 10; i++) {
		inject(f, ACK, .seq = 11 + i * 1000, .len = 1000);
		f->seq = 11;
		s = wire_next(f, 100);
		must(s && s->ack == 11);
		if (!sack)
			must(s->wnd == first);
	}
	must(tcp_info_of(f->fd).tcpi_rcv_mss == 1000);
	must(!sack || s->wnd >= first);
}

TEST_F(window, grows__out_of_order)
{
	grows_out_of_order(&self->f, true);
}

TEST_F(window, grows__not_without_sack)
{
	grows_out_of_order(&self->f, false);
}

/* A peer @ms away that sends as much as it may, @n times; the program reads @most of
 * it each time.
 */
static void rounds(struct flow *f, int n, int ms, int most)
{
	uint32_t edge = f->seq + f->synack.wnd;
	const struct seg *s;
	int64_t until;
	int unread;

	while (n--) {
		while (edge - f->seq >= 1000)
			inject(f, ACK, .len = 1000);
		unread = f->seq - 1 - f->read;
		flow_read(f, unread < most ? unread : most);
		until = now_us() + ms * 1000;
		while (now_us() < until)
			while ((s = wire_next(f, 1)))
				edge = s->ack + (s->wnd << f->synack.ws);
	}
}

static int buffer(struct flow *f)
{
	return get_int(f->fd, SOL_SOCKET, SO_RCVBUF);
}

/* OTH-7: what is read in a round trip fits twice. */
TEST_F(window, tuning__follows_the_reader)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .ws = 7);
	ASSERT_EQ(87380, buffer(f));
	rounds(f, 12, 20, INT_MAX);
	EXPECT_GT(buffer(f), 400000);
	EXPECT_LE(buffer(f), 6291456);
	EXPECT_GT(tcp_info_of(f->fd).tcpi_rcv_space, 100000);
}

/* A sender in slow start is not made to wait for the end of a round trip. */
TEST_F(window, tuning__in_the_middle_of_a_round_trip)
{
	struct flow *f = &self->f;
	int n, i;

	flow_open(f, .mss = 1000, .ws = 7, .ts = true, .sackok = true, .rtt = 20);
	for (n = 10; n <= 28; n += 18) {
		ASSERT_EQ(87380, buffer(f));
		for (i = 0; i < n; i++) {
			inject(f, ACK, .len = 988);
			flow_read(f, 988);
		}
		while (wire_next(f, 5))
			;
		if (n == 10)
			pass(15);
	}
	EXPECT_GT(buffer(f), 87380 * 3 / 2);
}

TEST_F(window, tuning__not_for_a_slow_reader)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .ws = 7);
	rounds(f, 12, 20, 5000);
	EXPECT_LE(buffer(f), 3 * 87380);
}

TEST_F(window, tuning__has_a_limit)
{
	struct flow *f = &self->f;

	sysctl_set("net/xtcp/rmem", "4096 87380 200000");
	flow_open(f, .mss = 1000, .ws = 7);
	rounds(f, 12, 20, INT_MAX);
	EXPECT_EQ(200000, buffer(f));
}

TEST_F(window, tuning__can_be_turned_off)
{
	struct flow *f = &self->f;

	sysctl_set("net/xtcp/moderate_rcvbuf", "0");
	flow_open(f, .mss = 1000, .ws = 7);
	rounds(f, 12, 20, INT_MAX);
	/* but for what was promised, and costs more than thought */
	EXPECT_LE(buffer(f), 120000);
}

TEST_F(window, tuning__not_when_the_program_chose)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .ws = 7);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_RCVBUF, 50000));
	rounds(f, 12, 20, INT_MAX);
	EXPECT_EQ(100000, buffer(f));
}

/* TO-10 */
TEST_F(window, clamp__is_kept)
{
	struct flow *f = &self->f;
	const struct seg *s;
	int i;

	ASSERT_EQ(0, set_int(self->w.lfd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000));
	flow_open(f, .mss = 1000, .ws = 7);
	EXPECT_EQ(20000, f->synack.wnd);
	for (i = 0; i < 60; i++) {
		inject(f, ACK, .len = 1000);
		flow_read(f, 1000);
		while ((s = wire_next(f, 1)))
			EXPECT_LE(s->wnd << f->synack.ws, 20000 + (1 << f->synack.ws));
	}
	EXPECT_EQ(20000, get_int(f->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP));
	/* less, and it closes as data comes; more, and it opens */
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 5000));
	for (i = 0; i < 20; i++) {
		inject(f, ACK, .len = 1000);
		flow_read(f, 1000);
		drain(f, 0);
	}
	inject(f, ACK, .len = 1000);
	EXPECT_LE(expect(f, ACK)->wnd << f->synack.ws, 5000 + (1 << f->synack.ws));
	/* never less than what a buffer must hold, and not off again */
	EXPECT_ERRNO(EINVAL, set_int(f->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0));
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 1));
	EXPECT_EQ(1152, get_int(f->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP));
}

/* WS-5: the shift must reach what SO_RCVBUF allows, or what tuning may reach. */
TEST_F(window, scale__reaches_the_largest)
{
	struct flow *f = &self->f, g;

	flow_open(f, .mss = 1000, .ws = 7);
	EXPECT_EQ(7, f->synack.ws);		/* 6 MiB */
	rcvbuf(self->w.lfd, 16 << 20);
	flow_init(&g, &self->w);
	flow_open(&g, .mss = 1000, .ws = 7);
	EXPECT_EQ(9, g.synack.ws);
}

/* SO-17: who waits for more than a window is not left waiting. */
TEST_F(window, low_water__window_stays_open)
{
	struct flow *f = &self->f;
	const struct seg *s;
	uint32_t edge, n;

	flow_open(f, .mss = 1000, .ws = 7);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_RCVLOWAT, 150000));
	EXPECT_GE(buffer(f), 300000);
	edge = 1 + f->synack.wnd;
	while (f->seq < 150001) {
		ASSERT_EQ(0, poll_now(f->fd) & POLLIN);
		n = edge - f->seq < 15000 ? edge - f->seq : 15000;
		if (n >= 1000)
			inject(f, ACK, .len = n);
		s = wire_next(f, 250);
		if (s)
			edge = s->ack + (s->wnd << f->synack.ws);
		else
			ASSERT_GE(edge - f->seq, 1000);
	}
	EXPECT_EQ(POLLIN, poll_now(f->fd) & POLLIN);
}

/* --- when the buffer is full ------------------------------------------------ */

/* BM-4: many small ones are merged, until what was offered is taken. */
TEST_F(window, full__small_segments_are_merged)
{
	uint64_t called = counter("PruneCalled"), merged = counter("RcvCollapsed");
	struct flow *f = &self->f;
	uint32_t edge;
	const struct seg *s;

	rcvbuf(self->w.lfd, 30000);
	flow_open(f, .mss = 1000, .ws = 7, .sackok = true);
	edge = 1 + f->synack.wnd;
	/* backwards, so that each is an skb of its own */
	inject(f, ACK, .len = 1);
	while (edge - f->seq > 110) {
		uint32_t at = f->seq;

		inject(f, ACK, .seq = at + 50, .len = 50);
		inject(f, ACK, .seq = at, .len = 50);
		f->seq = at + 100;
		while ((s = wire_next(f, 1)))
			edge = s->ack + (s->wnd << f->synack.ws);
	}
	drain(f, 0);
	EXPECT_EQ(f->seq - 1, tcp_info_of(f->fd).tcpi_bytes_received);
	EXPECT_GT(f->seq, 20000);
	flow_read(f, f->seq - 1);
	EXPECT_GT(counter("PruneCalled"), called);
	EXPECT_GT(counter("RcvCollapsed"), merged);
}

/* SACK-9: out of order may be thrown away, in order may not; and no SACK speaks of
 * what is gone.
 */
TEST_F(window, full__out_of_order_is_pruned)
{
	uint64_t called = counter("PruneCalled"), pruned = counter("OfoPruned");
	struct flow *f = &self->f;
	const struct seg *s;
	int i, wnd;

	rcvbuf(self->w.lfd, 20000);
	flow_open(f, .mss = 1000, .ws = 7, .sackok = true);
	wnd = f->synack.wnd;
	/* one byte of each 20: nothing to merge */
	for (i = 0; 20 * i + 2000 < wnd; i++) {
		inject(f, ACK, .seq = 2001 + 20 * i, .len = 1);
		f->seq = 1;
		while (wire_next(f, 1))
			;
	}
	EXPECT_GT(counter("PruneCalled"), called);
	/* the hole's data: takes the room of what is out of order, from the top */
	inject(f, ACK, .len = 1000);
	s = expect(f, ACK);
	EXPECT_GT(counter("OfoPruned"), pruned);
	for (i = 0; i < s->nsack; i++)
		EXPECT_GE(s->sack[i].start, 2001);
	/* all of it can be sent again, and arrives */
	while (f->seq < 10001) {
		inject(f, ACK, .len = 1000);
		while (wire_next(f, 50))
			;
		flow_read(f, f->seq - 1 - f->read);
	}
	EXPECT_EQ(10000, tcp_info_of(f->fd).tcpi_bytes_received);
}

/* ns until a segment that finds no room is answered */
static int refused_ns(struct flow *f, uint32_t seq, int n)
{
	int64_t t = now_us();
	int i;

	for (i = 0; i < n; i++) {
		inject(f, ACK, .seq = seq, .len = 1);
		f->seq = 1;
	}
	t = now_us() - t;
	while (wire_next(f, 1))
		;
	return t * 1000 / n;
}

/* A peer that fills the buffer with what cannot be merged does not have all of it
 * looked through for each segment that it sends besides.
 */
TEST_F_TIMEOUT(window, full__cost_is_bounded, 120)
{
	struct flow *f = &self->f;
	int few, many, i;

	rcvbuf(self->w.lfd, 1 << 20);
	flow_open(f, .mss = 1000, .ws = 7, .sackok = true);
	inject(f, ACK, .seq = 101, .len = 1);
	f->seq = 1;
	few = refused_ns(f, 101, 100);
	for (i = 1; i < 3500; i++) {
		inject(f, ACK, .seq = 101 + 3 * i, .len = 1);
		f->seq = 1;
		if (!(i % 16))
			while (wire_next(f, 0))
				;
	}
	while (wire_next(f, 1))
		;
	EXPECT_GT(tcp_info_of(f->fd).tcpi_rcv_ooopack, 3000);
	i = counter("OFODrop");
	many = refused_ns(f, 101 + 3 * 3600, 100);
	EXPECT_GE(counter("OFODrop"), i + 90);
	fprintf(stderr, "# a duplicate %d ns, one more for a full buffer %d ns\n", few, many);
	EXPECT_LE(many, few + 20000);
}

TEST_HARNESS_MAIN
