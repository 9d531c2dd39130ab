// SPDX-License-Identifier: GPL-2.0
/* wire_output.c - what is sent and when: ACKs, Nagle, windows, retransmission,
 * probes, keepalive.  Times are looked at: virtual time only.
 */
#include "wire.h"

FIXTURE(output) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(output) {
	bool v6;
};

FIXTURE_VARIANT_ADD(output, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(output, v6) { .v6 = true };

FIXTURE_SETUP(output)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
}

FIXTURE_TEARDOWN(output)
{
	wire_end(&self->w);
}

/* Like flow_open() from a peer that is @ms away. */
static void open_far(struct flow *f, int ms, bool sack)
{
	inject(f, SYN, .mss = 1000, .sackok = sack);
	expect(f, SYN | ACK);
	pass(ms);
	inject(f, ACK);
	flow_accept(f);
}

/* @n segments of 1000 in flight */
static void fly(struct flow *f, int n)
{
	flow_write(f, n * 1000);
	while (n--)
		expect(f, ACK, .len = 1000);
}

/* --- ACKs ---------------------------------------------------------------- */

/* MUST-40: within 200 ms, and not at once when told to wait. */
TEST_F(output, ack__delayed)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_QUICKACK, 0));
	t = now_us();
	inject(f, ACK, .len = 10);
	t = expect(f, ACK)->at - t;
	EXPECT_GE(t, 30000);
	EXPECT_LE(t, 210000);
	EXPECT_TRUE(test_inet() || counter("DelayedACKs") == 1);
}

TEST_F(output, ack__quick_at_the_start)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	for (i = 0; i < 16; i++) {
		t = now_us();
		inject(f, ACK, .len = 1000);
		EXPECT_LE(expect(f, ACK)->at - t, 10000);
	}
}

/* HR-4: who has answered at once will do so again, with the ACK */
TEST_F(output, ack__waits_for_the_answer)
{
	struct flow *f = &self->f;
	int64_t t;

	xtcp_only();
	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	flow_read(f, 10);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	t = now_us();
	inject(f, ACK, .len = 10);
	EXPECT_GE(expect(f, ACK)->at - t, 30000);
}

/* SHLD-19, KP-13 */
TEST_F(output, ack__every_second_segment)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_QUICKACK, 0));
	for (i = 0; i < 20; i++) {
		inject(f, ACK, .len = 1000);
		inject(f, ACK, .len = 1000);
		flow_read(f, 2000);
	}
	while (wire_next(f, 300))
		;
	/* the second one and not the program's reading */
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_RCVBUF, 200000));
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_QUICKACK, 0));
	for (i = 0; i < 10; i++) {
		inject(f, ACK, .len = 1000);
		expect_none(f, 20);
		t = now_us();
		inject(f, ACK, .len = 1000);
		EXPECT_LE(expect(f, ACK)->at - t, 10000);
		flow_read(f, 2000);
	}
}

/* The answer takes the ACK along. */
TEST_F(output, ack__piggybacked)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_QUICKACK, 0));
	inject(f, ACK, .len = 10);
	flow_read(f, 10);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK);
	expect_none(f, 500);
}

TEST_F(output, ack__pure_ones_are_not_acked)
{
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000);
	for (i = 0; i < 10; i++)
		inject(f, ACK, .wnd = 5000 + i);
	expect_none(f, 1000);
}

/* --- Nagle, cork --------------------------------------------------------- */

TEST_F(output, nagle__holds_the_second_small_one)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK | PSH, .len = 10);
	flow_write(f, 20);
	flow_write(f, 30);
	expect_none(f, 100);
	inject(f, ACK);
	expect(f, ACK | PSH, .len = 50);
}

TEST_F(output, nagle__not_for_full_segments)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	flow_write(f, 1000);
	expect(f, ACK, .len = 1000);
}

/* Minshall: only a small one that is not acknowledged is in the way */
TEST_F(output, nagle__small_one_behind_a_full_one)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 1000);
	expect(f, ACK, .len = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	flow_write(f, 10);
	expect_none(f, 100);
}

TEST_F(output, nodelay__sends_at_once)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_NODELAY, 1));
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	flow_write(f, 20);
	expect(f, ACK, .len = 20);
	flow_write(f, 30);
	expect(f, ACK, .len = 30);
}

TEST_F(output, nodelay__pushes_what_waits)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	flow_write(f, 20);
	expect_none(f, 50);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_NODELAY, 1));
	expect(f, ACK, .len = 20);
}

TEST_F(output, cork__holds_and_uncork_pushes)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_CORK, 1));
	flow_write(f, 10);
	expect_none(f, 100);
	flow_write(f, 1500);
	expect(f, ACK, .len = 1000);
	inject(f, ACK);
	expect_none(f, 100);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_CORK, 0));
	expect(f, ACK, .len = 510);
}

/* MUST-60 */
TEST_F(output, cork__not_for_ever)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_CORK, 1));
	t = now_us();
	flow_write(f, 10);
	EXPECT_AFTER(200, t, expect(f, ACK, .len = 10));
}

TEST_F(output, more__holds_for_one_call)
{
	struct flow *f = &self->f;
	char buf[10];

	flow_open(f, .mss = 1000);
	pattern_fill(buf, 10, 0);
	ASSERT_EQ(10, send(f->fd, buf, 10, MSG_MORE));
	f->wrote = 10;
	expect_none(f, 100);
	flow_write(f, 10);
	expect(f, ACK, .len = 20);
}

/* --- congestion window --------------------------------------------------- */

/* IW-1, KP-1 */
TEST_F(output, cwnd__starts_at_ten_and_grows)
{
	struct flow *f = &self->f;
	int i;

	open_far(f, 50, false);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 200000));
	flow_write(f, 40000);
	for (i = 0; i < 10; i++)
		expect(f, ACK, .len = 1000);
	expect_none(f, 50);
	/* slow start: each ACK of one segment lets two go */
	for (i = 0; i < 3; i++) {
		inject(f, ACK, .ack = 1001 + 1000 * i);
		expect(f, ACK, .len = 1000);
		expect(f, ACK, .len = 1000);
		expect_none(f, 2);
	}
}

TEST_F(output, cwnd__bulk_arrives_whole)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .sackok = true, .ts = true);
	f->wnd = 60000;
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 200000));
	flow_write(f, 150000);
	flow_drain(f, 150000, true);
}

/* What waits for company waits for cwnd: a window that is never quite used, because
 * every ACK of two lets two go and leaves one behind, grows all the same.
 */
TEST_F(output, cwnd__grows_although_segments_wait)
{
	struct flow *f = &self->f;
	uint32_t una, end;
	int i;

	open_far(f, 50, true);
	f->wnd = 60000;
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 200000));
	flow_write(f, 150000);
	for (i = 0; i < 10; i++)
		expect(f, ACK, .len = 1000);
	pass(50);
	inject(f, ACK, .ack = 1, .nsack = 1, .sack = { { 1001, 10001 } });
	expect(f, ACK, .seq = 1, .len = 1000);
	for (una = 1, i = 0; i < 12; i++) {
		while (wire_next(f, 2))
			;
		pass(48);
		for (end = f->ack; una < end; ) {
			una = una == 1 ? 10001 : una + 2000 < end ? una + 2000 : end;
			inject(f, ACK, .ack = una);
			while (wire_next(f, 2))
				;
		}
	}
	/* from 7, by 9/17 a round trip */
	EXPECT_GE(f->ack - una, 11000);
}

/* --- retransmission ------------------------------------------------------ */

/* RTO-1, RTO-2, RTO-10: 200 ms floor, doubling */
TEST_F_TIMEOUT(output, rto__doubles, 120)
{
	static const int at[] = { 200, 600, 1400, 3000, 6200, 12600, 25400 };
	struct flow *f = &self->f;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	pass(100);
	flow_write(f, 10);
	t = expect(f, ACK, .len = 10)->at;
	for (i = 0; i < ARRAY_SIZE(at); i++)
		EXPECT_AFTER(at[i], t, expect(f, ACK, .seq = 1, .len = 10, .within = 30000));
	EXPECT_TRUE(test_inet() || counter("RetransSegs") == 7);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_retransmits);
	inject(f, ACK);
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_retransmits);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
}

/* SRTT 500, RTTVAR 250: 1.5 s */
TEST_F(output, rto__from_the_round_trip)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	int64_t t;

	open_far(f, 500, false);
	ti = tcp_info_of(f->fd);
	EXPECT_GE(ti.tcpi_rtt, 500000);
	EXPECT_LE(ti.tcpi_rtt, 510000);
	EXPECT_GE(ti.tcpi_rttvar, 250000);
	EXPECT_LE(ti.tcpi_rttvar, 255000);
	flow_write(f, 10);
	t = expect(f, ACK, .len = 10)->at;
	EXPECT_AFTER(1500, t, expect(f, ACK, .seq = 1, .len = 10));
	EXPECT_AFTER(4500, t, expect(f, ACK, .seq = 1, .len = 10, .within = 5000));
}

/* RTO-7: Karn. Nobody knows which of the two was acknowledged. */
TEST_F(output, rto__no_sample_from_what_went_twice)
{
	struct flow *f = &self->f;
	struct tcp_info before, after;

	open_far(f, 50, false);
	fly(f, 1);
	before = tcp_info_of(f->fd);
	expect(f, ACK, .seq = 1, .len = 1000);
	pass(10);
	inject(f, ACK);
	after = tcp_info_of(f->fd);
	EXPECT_EQ(0, after.tcpi_unacked);
	EXPECT_EQ(before.tcpi_rtt, after.tcpi_rtt);
	EXPECT_EQ(before.tcpi_rttvar, after.tcpi_rttvar);
}

/* RTO-3: variance first, then an eighth of the difference */
TEST_F(output, rto__follows_the_round_trip)
{
	struct flow *f = &self->f;
	struct tcp_info ti;

	open_far(f, 100, false);	/* 100, 50 */
	fly(f, 1);
	pass(180);
	inject(f, ACK);
	ti = tcp_info_of(f->fd);	/* 100 + 80 / 8 = 110 */
	EXPECT_GE(ti.tcpi_rtt, 109000);
	EXPECT_LE(ti.tcpi_rtt, 113000);
}

/* KP-2, CC-4: after it one segment, then slow start */
TEST_F(output, rto__then_slow_start)
{
	struct flow *f = &self->f;

	open_far(f, 20, false);
	fly(f, 10);
	expect(f, ACK, .seq = 1, .len = 1000);
	expect_none(f, 100);
	inject(f, ACK, .ack = 1001);
	expect(f, ACK, .seq = 1001, .len = 1000);
	expect(f, ACK, .seq = 2001, .len = 1000);
	expect_none(f, 100);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);	/* cubic: 0.7 */
	inject(f, ACK, .ack = 10001);
	flow_write(f, 10);
	expect(f, ACK, .seq = 10001, .len = 10);
}

/* MUST-20b, SHLD-11: the peer that never acknowledges */
TEST_F_TIMEOUT(output, rto__gives_up, 2000)
{
	struct flow *f = &self->f;
	const struct seg *s;
	int64_t t, last = 0;
	int n = 0;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	t = expect(f, ACK, .len = 10)->at;
	while (!(poll_now(f->fd) & POLLERR)) {
		s = wire_next(f, 1000);
		if (!s)
			continue;
		ASSERT_EQ(1, s->seq);
		last = s->at;
		n++;
	}
	t = (now_us() - t) / 1000000;
	EXPECT_GE(t, 800);
	EXPECT_LE(t, 1100);
	EXPECT_EQ(15, n);
	EXPECT_GE((now_us() - last) / 1000000, 100);	/* the interval's limit: 120 s */
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
	EXPECT_EQ(0, flow_recv(f));
	EXPECT_TRUE(test_inet() || counter("AbortOnTimeout") == 1);
}

TEST_F_TIMEOUT(output, rto__user_timeout, 120)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000));
	flow_write(f, 10);
	t = expect(f, ACK, .len = 10)->at;
	EXPECT_TRUE(poll_ms(f->fd, POLLIN, 20000) & POLLERR);
	t = (now_us() - t) / 1000;
	EXPECT_GE(t, 2990);
	EXPECT_LE(t, 3600);
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
}

TEST_F_TIMEOUT(output, rto__fin_too, 60)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	pass(100);
	close(f->fd);
	t = expect(f, FIN | ACK)->at;
	EXPECT_AFTER(200, t, expect(f, FIN | ACK, .seq = 1));
	EXPECT_AFTER(600, t, expect(f, FIN | ACK, .seq = 1));
	EXPECT_AFTER(1400, t, expect(f, FIN | ACK, .seq = 1));
	inject(f, ACK);
	expect_none(f, 5000);
}

/* An orphan gives up sooner, and is gone then. */
TEST_F_TIMEOUT(output, rto__orphan, 1000)
{
	struct flow *f = &self->f;
	int n = 0;

	flow_open(f, .mss = 1000);
	close(f->fd);
	expect(f, FIN | ACK);
	while (wire_next(f, 130000))
		n++;
	EXPECT_GE(n, 7);
	EXPECT_LE(n, 10);
	inject(f, ACK);
	expect(f, RST, .seq = 2);
}

/* CC-9: no SACK, three duplicates */
TEST_F(output, fast__three_duplicates)
{
	struct flow *f = &self->f;
	int64_t t;

	open_far(f, 50, false);
	fly(f, 5);
	inject(f, ACK, .ack = 1);
	inject(f, ACK, .ack = 1);
	expect_none(f, 10);
	t = now_us();
	inject(f, ACK, .ack = 1);
	EXPECT_LE(expect(f, ACK, .seq = 1, .len = 1000)->at - t, 5000);
	inject(f, ACK, .ack = 1);
	expect_none(f, 20);		/* KP-14: one */
	inject(f, ACK);
	EXPECT_TRUE(test_inet() || counter("FastRetrans") >= 1);
	expect_none(f, 500);
}

/* A window update is no duplicate. */
TEST_F(output, fast__window_updates_do_not_count)
{
	struct flow *f = &self->f;
	int i;

	f->wnd = 10000;
	open_far(f, 50, false);
	fly(f, 5);
	for (i = 0; i < 5; i++)
		inject(f, ACK, .ack = 1, .wnd = 20000 + 1000 * i);
	expect_none(f, 50);
}

/* NR-1: the partial ACK makes the next hole go at once. */
TEST_F(output, fast__partial_ack)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	open_far(f, 50, false);
	fly(f, 8);
	for (i = 0; i < 3; i++)
		inject(f, ACK, .ack = 1);
	expect(f, ACK, .seq = 1, .len = 1000);
	while (wire_next(f, 5))
		;
	t = now_us();
	inject(f, ACK, .ack = 2001);
	EXPECT_LE(expect(f, ACK, .seq = 2001, .len = 1000)->at - t, 5000);
	inject(f, ACK, .ack = 8001);
	expect_none(f, 500);
}

/* Only what is missing goes again. */
TEST_F(output, sack__only_the_hole)
{
	struct flow *f = &self->f;

	open_far(f, 50, true);
	fly(f, 6);
	inject(f, ACK, .ack = 1001, .nsack = 1, .sack = { { 2001, 3001 } });
	inject(f, ACK, .ack = 1001, .nsack = 1, .sack = { { 2001, 4001 } });
	inject(f, ACK, .ack = 1001, .nsack = 1, .sack = { { 2001, 6001 } });
	expect(f, ACK, .seq = 1001, .len = 1000);
	expect_none(f, 40);
	inject(f, ACK, .ack = 6001);
	expect_none(f, 500);
	EXPECT_TRUE(test_inet() || counter("RetransSegs") == 1);
}

TEST_F(output, sack__two_holes)
{
	struct flow *f = &self->f;

	open_far(f, 50, true);
	fly(f, 8);
	inject(f, ACK, .ack = 1, .nsack = 2, .sack = { { 5001, 8001 }, { 1001, 4001 } });
	expect(f, ACK, .seq = 1, .len = 1000);
	/* the second one as soon as the first has an answer, if not before */
	inject(f, ACK, .ack = 4001, .nsack = 1, .sack = { { 5001, 8001 } });
	expect(f, ACK, .seq = 4001, .len = 1000);
	inject(f, ACK, .ack = 8001);
	expect_none(f, 500);
	EXPECT_TRUE(test_inet() || counter("RetransSegs") == 2);
}

/* SACK-10: blocks that make no sense are not believed. */
TEST_F(output, sack__nonsense)
{
	static const struct wire_sack bad[] = {
		{ 5001, 9001 }, { 3001, 2001 }, { 0, 4001 }, { 0x80000000, 0x90000000 },
		{ 2001, 2001 }, { 1, 0xffffffff }, { 0xfffff000, 1 }, { 5001, 5002 },
	};
	struct flow *f = &self->f;
	int i, k;

	open_far(f, 50, true);
	fly(f, 5);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		for (k = 0; k < 2; k++)
			inject(f, ACK, .ack = 1, .nsack = 1, .sack = { bad[i] });
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_sacked);
	while (wire_next(f, 30))
		;
	f->ack = 5001;
	inject(f, ACK, .ack = 5001);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
}

/* SACK-7: what was SACKed is gone after all. */
TEST_F(output, sack__reneging)
{
	struct flow *f = &self->f;
	int i;

	open_far(f, 50, true);
	fly(f, 4);
	inject(f, ACK, .ack = 1, .nsack = 1, .sack = { { 1001, 4001 } });
	expect(f, ACK, .seq = 1, .len = 1000);
	inject(f, ACK, .ack = 1001);		/* and of the rest it knows nothing */
	for (i = 0; i < 50 && f->w; i++) {
		const struct seg *s = wire_next(f, 1000);

		ASSERT_NE(NULL, s);
		if (s->seq + s->len == 4001)
			break;
		if (s->len)
			inject(f, ACK, .ack = s->seq + s->len);
	}
	inject(f, ACK, .ack = 4001);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
}

/* TLP-1: twice the round trip after the last of several segments */
TEST_F(output, tlp__before_the_timeout)
{
	struct flow *f = &self->f;
	int64_t t;

	open_far(f, 100, true);
	fly(f, 4);
	t = now_us();
	EXPECT_AFTER(200, t, expect(f, ACK, .seq = 3001, .len = 1000));
	inject(f, ACK, .ack = 1, .nsack = 1, .sack = { { 3001, 4001 } });
	EXPECT_TRUE(test_inet() || counter("LossProbes") == 1);
}

/* --- windows ------------------------------------------------------------- */

/* SHLD-29, SHLD-30, MUST-36 */
TEST_F_TIMEOUT(output, window__zero_is_probed, 200)
{
	static const int at[] = { 200, 600, 1400, 3000, 6200, 12600 };
	struct flow *f = &self->f;
	const struct seg *s;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK, .wnd = 0);
	pass(50);
	t = now_us();
	flow_write(f, 500);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		s = wire_next(f, 20000);
		ASSERT_NE(NULL, s);
		EXPECT_EQ(10, s->seq);		/* SND.UNA - 1 */
		EXPECT_LE(s->len, 1);
		EXPECT_AFTER(at[i], t, s);
		inject(f, ACK, .wnd = 0);
	}
	EXPECT_TRUE(test_inet() || counter("WinProbe") >= 6);
	t = now_us();
	inject(f, ACK, .wnd = 5000);
	EXPECT_LE(expect(f, ACK, .len = 500)->at - t, 10000);
}

/* MUST-37: for ever, while the probes are answered; 120 s is the longest wait */
TEST_F_TIMEOUT(output, window__zero_for_an_hour, 6000)
{
	struct flow *f = &self->f;
	int64_t until = now_us() + 3600 * 1000000LL;
	const struct seg *s;
	int n = 0;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK, .wnd = 0);
	flow_write(f, 10);
	while (now_us() < until) {
		s = wire_next(f, 140000);
		ASSERT_NE(NULL, s);
		inject(f, ACK, .wnd = 0);
		n++;
	}
	EXPECT_GE(n, 30);
	EXPECT_LE(n, 50);
	inject(f, ACK);
	expect(f, ACK, .len = 10);
}

/* A peer that never reads and no longer answers */
TEST_F_TIMEOUT(output, window__zero_and_silence, 6000)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK, .wnd = 0);
	flow_write(f, 10);
	while (!(poll_now(f->fd) & POLLERR))
		ASSERT_NE(NULL, wire_next(f, 140000) ?: (poll_now(f->fd) & POLLERR ? (void *)1 :
								NULL));
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
}

TEST_F(output, window__scale_is_applied)
{
	struct flow *f = &self->f;
	int sent = 0;
	const struct seg *s;

	f->wnd = 40;
	flow_open(f, .mss = 1000, .ws = 7);	/* 5120 bytes */
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 100000));
	flow_write(f, 20000);
	while ((s = wire_next(f, 100)))
		sent += s->len;
	EXPECT_LE(sent, 5120);
	EXPECT_GE(sent, 4000);
}

TEST_F(output, window__of_65535_is_filled)
{
	struct flow *f = &self->f;
	const struct seg *s;
	uint32_t una = 1;
	int i;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 300000));
	flow_write(f, 250000);
	for (i = 0; i < 150; i++) {
		s = wire_next(f, 5);
		if (!s) {
			if (f->ack - una > 64000)
				break;
			una = f->ack;
			inject(f, ACK);
			continue;
		}
		EXPECT_LE(s->seq + s->len - una, 65535);
	}
	EXPECT_GT(f->ack - una, 64000);		/* MUST-1: not a negative number */
}

/* MUST-34, SHLD-15, SHLD-16 */
TEST_F(output, window__peer_shrinks_it)
{
	struct flow *f = &self->f;

	open_far(f, 20, false);
	fly(f, 5);
	flow_write(f, 5000);
	while (wire_next(f, 5))
		;
	inject(f, ACK, .ack = 1001, .wnd = 1000);
	expect(f, ACK, .seq = 1001, .len = 1000);	/* by the timer, inside the edge */
	inject(f, ACK, .ack = 2001, .wnd = 0);
	ASSERT_NE(NULL, wire_next(f, 3000));	/* a probe, or MAY-7: the old segment */
	inject(f, ACK, .ack = f->ack, .wnd = 60000);
	flow_write(f, 10);
	while (wire_next(f, 50))
		inject(f, ACK);
	EXPECT_EQ(10011, f->ack);
}

/* RFC 5681 4.2, RFC 2018 4: what is sent meanwhile is no substitute for telling of a
 * hole; a small segment has room to do so itself.
 */
TEST_F(output, sack__beside_data)
{
	struct flow *f = &self->f;
	const struct seg *s;
	int i;

	flow_open(f, .mss = 1000, .sackok = true);
	flow_write(f, 20000);
	for (i = 0; i < 10; i++)
		expect(f, ACK, .len = 1000);
	/* it lets data go and is out of order */
	inject(f, ACK, .seq = 101, .ack = 4001, .len = 100);
	f->seq = 1;
	while ((s = wire_next(f, 20)) && s->len)
		;
	ASSERT_NE(NULL, s);
	ASSERT_EQ(1, s->nsack);
	EXPECT_EQ(101, s->sack[0].start);
	EXPECT_EQ(201, s->sack[0].end);

	while (f->ack < 20001) {
		inject(f, ACK);
		while (wire_next(f, 5))
			;
	}
	inject(f, ACK);
	flow_write(f, 10);
	s = expect(f, ACK, .len = 10);
	EXPECT_EQ(1, s->nsack);
	/* and is not told twice */
	expect_none(f, 20);
}

/* SHLD-15: what is new stays where it is */
TEST_F(output, window__nothing_new_past_the_edge)
{
	struct flow *f = &self->f;
	int i;

	f->wnd = 4000;
	flow_open(f, .mss = 1000);
	flow_write(f, 8000);
	for (i = 0; i < 4; i++)
		expect(f, ACK, .len = 1000);
	inject(f, ACK, .ack = 1001, .wnd = 1000);	/* 5001 was offered, now 2001 */
	expect_none(f, 100);
	inject(f, ACK, .ack = 4001, .wnd = 1000);
	expect(f, ACK, .len = 1000);
	expect_none(f, 100);
}

/* 3.10.7.4 fifth, SND.WL1: what was sent earlier does not say how large it is now. */
TEST_F(output, window__not_by_an_older_segment)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	inject(f, ACK, .seq = f->seq + 100, .len = 10, .wnd = 20000);
	expect(f, ACK);
	inject(f, ACK, .len = 100, .wnd = 0);
	f->seq += 10;
	expect(f, ACK);
	flow_write(f, 500);
	expect(f, ACK, .len = 500, .within = 100);
}

/* CWV-2: what is not used does not grow */
TEST_F(output, cwnd__not_beyond_what_is_used)
{
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000, .sackok = true, .ts = true);
	for (i = 0; i < 30; i++) {
		flow_write(f, 2 * 988);
		expect(f, ACK, .len = 988);
		expect(f, ACK, .len = 988);
		inject(f, ACK);
	}
	EXPECT_EQ(10, tcp_info_of(f->fd).tcpi_snd_cwnd);
}

/* KP-8: what duplicate ACKs let go does not stay in the window */
TEST_F(output, cwnd__deflates_after_recovery)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	int i;

	/* long enough that nothing waits for an ACK that is due any moment */
	flow_open(f, .mss = 1000, .rtt = 100);
	flow_write(f, 30000);
	for (i = 0; i < 10; i++)
		expect(f, ACK, .len = 1000);
	for (i = 0; i < 9; i++)
		inject(f, ACK, .ack = 1);
	while (wire_next(f, 5))
		;
	inject(f, ACK);			/* all of it */
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(7, ti.tcpi_snd_ssthresh);
	EXPECT_EQ(7, ti.tcpi_snd_cwnd);
	for (i = 0; i < 7; i++)
		expect(f, ACK, .len = 1000);
	expect_none(f, 50);
}

/* MUST-38 */
TEST_F(output, sws__sender_waits)
{
	struct flow *f = &self->f;

	f->wnd = 10000;
	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK, .wnd = 100);
	flow_write(f, 1000);
	expect_none(f, 150);
	inject(f, ACK, .wnd = 10000);
	expect(f, ACK, .len = 1000);
}

/* MUST-38: the peer's whole window for one segment would keep both waiting. */
TEST_F(output, sws__halves_of_a_small_window)
{
	struct flow *f = &self->f;

	f->wnd = 1200;
	flow_open(f, .mss = 1000);
	flow_write(f, 1000);
	expect(f, ACK, .len = 600);
	expect(f, ACK, .len = 400);
}

/* Fill our receive buffer until the window is shut: all that is offered is taken. */
static void fill(struct flow *f, int size)
{
	int shift = f->synack.ws > 0 ? f->synack.ws : 0;
	const struct seg *s;
	int wnd = 65535;

	while (wnd) {
		inject(f, ACK, .len = wnd < size ? wnd : size);
		s = expect(f, ACK, .within = 500);
		wnd = s->wnd << shift;
		if (f->seq > 1000000)
			die("the window never shuts");
	}
}

/* HR-6, MUST-39: an update when there is room for a segment, no sooner */
static void fill_and_read(struct flow *f, int size)
{
	const struct seg *s;
	int64_t t;

	flow_open(f, .mss = 1000);
	fill(f, size);
	must(test_inet() || counter("ToZeroWindowAdv") >= 1);
	flow_read(f, 10);
	expect_none(f, 300);
	t = now_us();
	flow_read(f, f->seq - 1 - f->read);
	s = expect(f, ACK);
	must(s->at - t <= 10000);
	must(s->wnd >= 10000);
	must(test_inet() || counter("FromZeroWindowAdv") >= 1);
}

TEST_F(output, window__update_after_reading)
{
	fill_and_read(&self->f, 1000);
}

TEST_F(output, window__full_of_full_segments)
{
	fill_and_read(&self->f, wire_mss(&self->w));
}

TEST_F_TIMEOUT(output, window__full_of_small_segments, 120)
{
	fill_and_read(&self->f, 100);
}

TEST_F(output, window__full_of_large_segments)
{
	fill_and_read(&self->f, 9000);	/* as GRO makes them */
}

/* MUST-39 with a scale, whose unit is less than a segment: small ones fill the buffer
 * of a peer that can send large ones.
 */
TEST_F_TIMEOUT(output, window__full_and_scaled, 120)
{
	struct flow *f = &self->f;
	const struct seg *s = NULL;
	int left;

	ASSERT_EQ(0, set_int(self->w.lfd, SOL_SOCKET, SO_RCVBUF, 60000));
	flow_open(f, .mss = 1000, .ws = 7);
	EXPECT_GE(f->synack.ws, 1);
	inject(f, ACK, .len = 1400);
	expect(f, ACK);
	fill(f, 100);
	while (!s && (left = f->seq - 1 - f->read)) {
		flow_read(f, left < 50 ? left : 50);
		s = wire_next(f, 1);
	}
	ASSERT_NE(NULL, s);
	EXPECT_GE(s->wnd << f->synack.ws, 1400);
}

/* HR-5: a program that reads a little at a time does not send an update for each,
 * but when what is open is about doubled.
 */
TEST_F(output, window__updates_are_few)
{
	struct flow *f = &self->f;
	const struct seg *s;
	int n = 0, wnd = 0;

	flow_open(f, .mss = 1000);
	fill(f, 1000);
	while (f->read < f->seq - 1) {
		flow_read(f, f->seq - 1 - f->read < 500 ? f->seq - 1 - f->read : 500);
		while ((s = wire_next(f, 1))) {
			EXPECT_GE(s->wnd, 1000);
			EXPECT_GE(s->wnd, 2 * wnd);
			wnd = s->wnd;
			n++;
		}
	}
	EXPECT_GE(wnd, 20000);
	EXPECT_LE(n, 6);
}

/* SHLD-14, WS-6: the right edge never goes back. */
TEST_F(output, window__edge_never_goes_back)
{
	struct flow *f = &self->f;
	uint32_t edge = 0;
	const struct seg *s;
	int i;

	flow_open(f, .mss = 1000, .ws = 7);
	for (i = 0; i < 120; i++) {
		inject(f, ACK, .len = i % 3 ? 777 : 13);
		if (i % 2)
			flow_read(f, 100);
		if (i == 40)
			ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_RCVBUF, 40000));
		while ((s = wire_next(f, 50))) {
			uint32_t e = s->ack + ((uint32_t)s->wnd << f->synack.ws);

			EXPECT_GE((int32_t)(e - edge), 0);
			edge = e;
		}
		if ((int32_t)(edge - f->seq) < 800)
			break;
	}
	EXPECT_GE(i, 20);
}

/* --- what IP is told: MUST-48, MUST-49, SHLD-21, SHLD-22 ------------------ */

TEST_F(output, ip__class_and_limit)
{
	int level = variant->v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int tos = variant->v6 ? IPV6_TCLASS : IP_TOS;
	int ttl = variant->v6 ? IPV6_UNICAST_HOPS : IP_TTL;
	struct flow *f = &self->f;
	const struct seg *s;

	ASSERT_EQ(0, set_int(self->w.lfd, level, tos, 0x20));
	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	s = expect(f, ACK, .len = 10);
	EXPECT_EQ(0x20, s->tos);
	EXPECT_EQ(64, s->ttl);
	inject(f, ACK);
	ASSERT_EQ(0, set_int(f->fd, level, tos, 0xb8));
	ASSERT_EQ(0, set_int(f->fd, level, ttl, 7));
	flow_write(f, 10);
	s = expect(f, ACK, .len = 10);
	EXPECT_EQ(0xb8, s->tos);
	EXPECT_EQ(7, s->ttl);
	inject(f, ACK, .len = 10);
	s = expect(f, ACK);
	EXPECT_EQ(0xb8, s->tos);
}

/* --- keepalive ----------------------------------------------------------- */

static void keepalive(struct flow *f, int idle, int interval, int count)
{
	must(set_int(f->fd, IPPROTO_TCP, TCP_KEEPIDLE, idle) == 0);
	must(set_int(f->fd, IPPROTO_TCP, TCP_KEEPINTVL, interval) == 0);
	must(set_int(f->fd, IPPROTO_TCP, TCP_KEEPCNT, count) == 0);
	must(set_int(f->fd, SOL_SOCKET, SO_KEEPALIVE, 1) == 0);
}

/* MUST-25 */
TEST_F_TIMEOUT(output, keepalive__off_by_default, 20000)
{
	flow_open(&self->f, .mss = 1000);
	expect_none(&self->f, 3 * 3600 * 1000);
}

/* MUST-28 */
TEST_F_TIMEOUT(output, keepalive__two_hours_by_default, 20000)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_KEEPALIVE, 1));
	expect_none(f, 7190 * 1000);
	expect(f, ACK, .seq = 0, .within = 1200000);
	inject(f, ACK);
	expect_none(f, 7190 * 1000);
}

TEST_F_TIMEOUT(output, keepalive__answered, 200)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	keepalive(f, 10, 2, 3);
	for (i = 0; i < 4; i++) {
		t = now_us();
		EXPECT_AFTER(10000, t, expect(f, ACK, .seq = 0, .within = 15000));
		inject(f, ACK);
	}
	EXPECT_TRUE(test_inet() || counter("KeepAlive") == 4);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
}

TEST_F_TIMEOUT(output, keepalive__unanswered, 200)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	keepalive(f, 10, 2, 3);
	t = now_us();
	EXPECT_AFTER(10000, t, expect(f, ACK, .seq = 0, .within = 15000));
	EXPECT_AFTER(12000, t, expect(f, ACK, .seq = 0));
	EXPECT_AFTER(14000, t, expect(f, ACK, .seq = 0));
	EXPECT_AFTER(16000, t, expect(f, RST | ACK, .seq = 1));
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
}

/* MUST-26: not while data is on its way */
TEST_F_TIMEOUT(output, keepalive__not_while_busy, 200)
{
	struct flow *f = &self->f;
	const struct seg *s;
	int i;

	flow_open(f, .mss = 1000);
	keepalive(f, 2, 2, 3);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	for (i = 0; i < 5; i++) {
		s = expect(f, ACK, .seq = 1, .len = 10, .within = 20000);
		EXPECT_EQ(1, s->seq);
	}
	for (i = 0; i < 5; i++) {	/* nor while the peer talks */
		pass(1500);
		inject(f, ACK, .len = 10);
		expect(f, ACK);
	}
}

TEST_F_TIMEOUT(output, keepalive__off_again, 200)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	keepalive(f, 2, 2, 3);
	expect(f, ACK, .seq = 0);
	inject(f, ACK);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_KEEPALIVE, 0));
	expect_none(f, 30000);
}

TEST_HARNESS_MAIN
