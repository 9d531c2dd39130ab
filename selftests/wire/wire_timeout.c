// SPDX-License-Identifier: GPL-2.0
/* wire_timeout.c - what timers do about losses: tail probes, the retransmission
 * time-out, and how it is taken back (F-RTO, Eifel, RFC 6069).
 *
 * Over a round trip of 50 ms RTO is 250 ms: 50 + max(200, 4 * 25).
 */
#include "far.h"

#define RTT 50

FIXTURE(timeout) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(timeout) {
	bool v6;
};

FIXTURE_VARIANT_ADD(timeout, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(timeout, v6) { .v6 = true };

FIXTURE_SETUP(timeout)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
}

FIXTURE_TEARDOWN(timeout)
{
	wire_end(&self->w);
}

static void open_far(struct flow *f, bool sack, bool ts)
{
	open_over(f, RTT, sack, ts);
}

/* @n segments in flight, of @all that are written; when the last left */
static int64_t fly(struct flow *f, int n, int all)
{
	int64_t at = 0;

	flow_write(f, all * 1000);
	while (n--)
		at = expect(f, ACK, .len = 1000)->at;
	return at;
}

/* Segment @i, @ms after @since */
#define expect_at(f, i, ms, since) \
	EXPECT_AFTER(ms, since, expect(f, ACK, .seq = SEQ(i), .len = 1000, .within = 30000))

/* --- the tail probe: RFC 8985 section 7 -------------------------------------- */

/* TLP-1, TLP-3, TLP-4: twice the round trip, the last segment; once, then RTO */
TEST_F(timeout, tlp__once)
{
	struct flow *f = &self->f;
	int64_t t;

	open_far(f, true, false);
	t = fly(f, 4, 4);
	expect_at(f, 4, 2 * RTT, t);
	expect_at(f, 1, 2 * RTT + 250, t);
	EXPECT_COUNT(1, "LossProbes");
	EXPECT_COUNT(1, "Timeouts");
}

/* TLP-4: not another one before the answer to the first */
TEST_F(timeout, tlp__one_at_a_time)
{
	struct flow *f = &self->f;
	int64_t t;

	open_far(f, true, false);
	fly(f, 4, 4);
	expect(f, ACK, .seq = SEQ(4), .len = 1000);
	t = now_us();
	inject(f, ACK, .ack = SEQ(3));
	EXPECT_GE(expect(f, ACK, .seq = SEQ(3), .len = 1000)->at - t, 250000);
	EXPECT_COUNT(1, "LossProbes");
	EXPECT_COUNT(1, "Timeouts");
}

/* TLP-1: the peer may delay the ACK of one; but not beyond RTO */
TEST_F(timeout, tlp__of_one)
{
	struct flow *f = &self->f;
	int64_t t;

	open_far(f, true, false);
	t = fly(f, 1, 1);
	expect_at(f, 1, 250, t);
	EXPECT_COUNT(1, "LossProbes");
	EXPECT_COUNT(0, "Timeouts");
}

/* TLP-2 */
TEST_F(timeout, tlp__needs_sack)
{
	struct flow *f = &self->f;
	int64_t t;

	open_far(f, false, false);
	t = fly(f, 4, 4);
	expect_at(f, 1, 250, t);
	EXPECT_COUNT(0, "LossProbes");
}

/* TLP-2: what was SACKed tells more than a probe could */
TEST_F(timeout, tlp__not_in_recovery)
{
	struct flow *f = &self->f;
	int64_t t;

	open_far(f, true, false);
	fly(f, 6, 6);
	pass(RTT);
	sack(f, 1, SEGS(2, 4));
	t = expect(f, ACK, .seq = 1, .len = 1000)->at;
	expect_at(f, 1, 250, t);
	EXPECT_COUNT(0, "LossProbes");
}

/* TLP-3: new data if there is some, whatever cwnd says */
TEST_F(timeout, tlp__new_data)
{
	struct flow *f = &self->f;
	int64_t t;

	open_far(f, true, false);
	t = fly(f, 10, 15);
	expect_at(f, 11, 2 * RTT, t);
	expect_at(f, 1, 2 * RTT + 250, t);
	EXPECT_COUNT(1, "LossProbes");
}

/* TLP-5: the probe repaired it, and only its reduction tells */
TEST_F(timeout, tlp__repaired)
{
	struct flow *f = &self->f;
	struct tcp_info ti;

	open_far(f, true, false);
	fly(f, 4, 4);
	expect(f, ACK, .seq = SEQ(4), .len = 1000);
	inject(f, ACK, .ack = SEQ(5));
	EXPECT_EQ(10, tcp_info_of(f->fd).tcpi_snd_cwnd);
	f->ack = SEQ(5);
	flow_write(f, 1000);
	expect(f, ACK, .len = 1000);
	inject(f, ACK);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(7, ti.tcpi_snd_cwnd);
	EXPECT_EQ(7, ti.tcpi_snd_ssthresh);
	EXPECT_EQ(0, ti.tcpi_ca_state);
	EXPECT_COUNT(1, "LossProbeRecovery");
}

/* TLP-5: both arrived, says a second ACK, */
TEST_F(timeout, tlp__spurious_by_duplicate)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 4, 4);
	expect(f, ACK, .seq = SEQ(4), .len = 1000);
	inject(f, ACK, .ack = SEQ(5));
	inject(f, ACK, .ack = SEQ(5));
	f->ack = SEQ(5);
	flow_write(f, 1000);
	expect(f, ACK, .len = 1000);
	inject(f, ACK);
	EXPECT_EQ(10, tcp_info_of(f->fd).tcpi_snd_cwnd);
	EXPECT_COUNT(0, "LossProbeRecovery");
}

/* or a D-SACK.  That one does not widen the reordering window. */
TEST_F(timeout, tlp__spurious_by_dsack)
{
	struct flow *f = &self->f;
	int64_t t;

	open_far(f, true, false);
	fly(f, 4, 4);
	expect(f, ACK, .seq = SEQ(4), .len = 1000);
	inject(f, ACK, .ack = SEQ(5));
	f->ack = SEQ(5);
	flow_write(f, 5000);
	while (f->ack < SEQ(10))
		expect(f, ACK, .len = 1000);
	pass(RTT);
	sack(f, 6, SEGS(4, 4));
	EXPECT_EQ(0x7fffffff, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	t = now_us();
	sack(f, 6, SEGS(7, 7));
	t = expect(f, ACK, .seq = SEQ(6), .len = 1000)->at - t;
	EXPECT_LE(t, 24000);
	inject(f, ACK);
	EXPECT_COUNT(0, "LossProbeRecovery");
}

/* --- RTO: RFC 6298 ----------------------------------------------------------- */

/* RTO-9: (5.3) anew with each ACK, (5.2) off when all is acknowledged */
TEST_F(timeout, rto__restarts)
{
	struct flow *f = &self->f;
	int64_t t;
	int rto;

	open_far(f, false, false);
	fly(f, 3, 3);
	pass(150);
	inject(f, ACK, .ack = SEQ(2));
	t = now_us();
	rto = tcp_info_of(f->fd).tcpi_rto / 1000;
	expect_at(f, 2, rto, t);
	inject(f, ACK);
	expect_none(f, 5000);
}

/* RTO-4, RTO-8: each ACK has a sample, finer than a millisecond. */
TEST_F(timeout, rto__a_sample_an_ack)
{
	struct flow *f = &self->f;
	uint32_t srtt, rtt;
	int64_t t;
	int i;

	open_far(f, false, false);
	for (i = 0; i < 5; i++) {
		srtt = tcp_info_of(f->fd).tcpi_rtt;
		t = fly(f, 1, 1);
		pass(RTT + 10 * i);
		rtt = now_us() - t;
		inject(f, ACK);
		EXPECT_LE(abs((int)(srtt + ((int)(rtt - srtt)) / 8 -
				    (int)tcp_info_of(f->fd).tcpi_rtt)), 100);
	}
}

/* RTO-11: the SYN-ACK went twice and no time stamp tells which was answered. */
TEST_F(timeout, rto__after_a_lost_synack)
{
	struct flow *f = &self->f;
	int64_t t;

	inject(f, SYN, .mss = 1000, .sackok = true);
	expect(f, SYN | ACK);
	expect(f, SYN | ACK, .seq = 0);
	pass(RTT);
	inject(f, ACK);
	flow_accept(f);
	EXPECT_EQ(3000000, tcp_info_of(f->fd).tcpi_rto);
	EXPECT_EQ(10, tcp_info_of(f->fd).tcpi_snd_cwnd);
	t = fly(f, 1, 1);
	expect_at(f, 1, 1000, t);		/* the probe: PTO without a sample */
	expect_at(f, 1, 4000, t);
}

/* IW-2: it went three times */
TEST_F(timeout, iw__after_two_lost_synacks)
{
	struct flow *f = &self->f;

	if (test_inet())
		SKIP(return, "Linux does so for connect() only");
	inject(f, SYN, .mss = 1000, .sackok = true);
	expect(f, SYN | ACK);
	expect(f, SYN | ACK, .seq = 0);
	expect(f, SYN | ACK, .seq = 0);
	pass(RTT);
	inject(f, ACK);
	flow_accept(f);
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_snd_cwnd);
	fly(f, 1, 4);
	expect_none(f, RTT);
	inject(f, ACK);
	expect_seg(f, 2);
	expect_seg(f, 3);
}

/* LCD-1: no path is no congestion; each message takes one doubling back. */
TEST_F(timeout, rto__no_path)
{
	struct flow *f = &self->f;
	int64_t t;

	open_far(f, false, false);
	t = fly(f, 2, 2);
	expect_at(f, 1, 250, t);
	expect_at(f, 1, 750, t);
	t = now_us();
	wire_icmp(f, WIRE_HOST_UNREACH, SEQ(2), 0);	/* not about what timed out */
	EXPECT_EQ(2, tcp_info_of(f->fd).tcpi_backoff);
	wire_icmp(f, WIRE_HOST_UNREACH, SEQ(1), 0);
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_backoff);
	expect_at(f, 1, 500, t);
	EXPECT_EQ(2, tcp_info_of(f->fd).tcpi_backoff);
	EXPECT_EQ(4, tcp_info_of(f->fd).tcpi_ca_state);
}

/* RTO-12: after many of them the next sample is as good as the first. */
TEST_F_TIMEOUT(timeout, rto__forgets_the_round_trip, 60)
{
	struct flow *f = &self->f;
	int i;

	if (test_inet())
		SKIP(return, "Linux keeps SRTT");
	open_far(f, false, true);
	fly(f, 1, 1);
	for (i = 0; i < 5; i++)
		expect(f, ACK, .seq = 1, .len = 1000, .within = 30000);
	pass(400);
	inject(f, ACK);
	EXPECT_GE(tcp_info_of(f->fd).tcpi_rtt, 399000);
	EXPECT_LE(tcp_info_of(f->fd).tcpi_rtt, 410000);
}

/* CC-4, CC-5, CC-6: infinite at first, 0.7 with the first time-out of a segment,
 * and not again with the second
 */
TEST_F(timeout, rto__reduces_once)
{
	struct flow *f = &self->f;

	open_far(f, false, false);
	EXPECT_EQ(0x7fffffff, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	fly(f, 10, 10);
	expect(f, ACK, .seq = 1, .len = 1000);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_snd_cwnd);
	expect(f, ACK, .seq = 1, .len = 1000);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	EXPECT_EQ(4, tcp_info_of(f->fd).tcpi_ca_state);
}

/* RACK-10: what was sent less than a round trip before is not lost with the rest. */
TEST_F(timeout, rto__spares_the_recent)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	int64_t t;

	open_far(f, true, false);
	fly(f, 1, 1);
	pass(RTT);
	inject(f, ACK);				/* RACK.rtt is known */
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_NODELAY, 1));
	fly(f, 2, 2);
	t = expect(f, ACK, .seq = SEQ(3), .len = 1000)->at;	/* the probe */
	pass((t + tcp_info_of(f->fd).tcpi_rto - now_us()) / 1000 - 10);
	fly(f, 1, 1);
	expect(f, ACK, .seq = SEQ(2), .len = 1000);
	EXPECT_COUNT(1, "Timeouts");
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(3, ti.tcpi_unacked);
	EXPECT_EQ(2, ti.tcpi_lost);
	pass(10);
	inject(f, ACK, .ack = SEQ(4));
	expect_none(f, 20);			/* 4 does not go again */
}

/* CC-11: the window of long ago is no licence for a burst. */
TEST_F(timeout, cwnd__restarts_after_idle)
{
	struct flow *f = &self->f;
	int i;

	open_far(f, true, false);
	fly(f, 10, 30);
	pass(RTT);
	inject(f, ACK);
	for (i = 0; i < 20; i++)
		expect(f, ACK, .len = 1000);
	pass(RTT);
	inject(f, ACK);
	EXPECT_LE(20, tcp_info_of(f->fd).tcpi_snd_cwnd);
	pass(5000);
	fly(f, 10, 30);
	expect_none(f, 20);
	EXPECT_EQ(10, tcp_info_of(f->fd).tcpi_snd_cwnd);
}

/* What TCP_INFO tells of it (6.7) */
TEST_F(timeout, info__time_outs)
{
	struct {
		struct tcp_info ti;
		uint8_t rest[256];
	} u = {};
	struct flow *f = &self->f;
	socklen_t len = sizeof(u);
	uint16_t *rto = (void *)((char *)&u + 240);	/* total_rto, 6.7 */

	if (test_inet())
		SKIP(return, "not in 6.1");
	open_far(f, false, false);
	fly(f, 2, 2);
	expect(f, ACK, .seq = SEQ(1), .len = 1000);
	expect(f, ACK, .seq = SEQ(1), .len = 1000);
	inject(f, ACK);
	fly(f, 1, 1);
	expect(f, ACK, .seq = SEQ(3), .len = 1000);
	pass(RTT);
	inject(f, ACK);
	ASSERT_EQ(0, getsockopt(f->fd, IPPROTO_TCP, TCP_INFO, &u, &len));
	ASSERT_GE(len, 248);
	EXPECT_EQ(3, rto[0]);
	EXPECT_EQ(2, rto[1]);
	EXPECT_GE(*(uint32_t *)(rto + 2), 500 + RTT - 10);
	EXPECT_LE(*(uint32_t *)(rto + 2), 600 + RTT);
}

/* --- spurious: F-RTO, RFC 5682 ------------------------------------------------- */

/* FRTO-1, FRTO-2: neither SACK nor time stamps.  EIF-2: as before, and no burst.
 * EIF-3: the same delay again does not time out.
 */
TEST_F(timeout, frto__spurious)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	int64_t t;

	open_far(f, false, false);
	t = fly(f, 4, 10);
	while (f->ack < SEQ(11))
		expect(f, ACK, .len = 1000);
	expect_at(f, 1, 250, t);
	flow_write(f, 20000);
	pass(50);
	inject(f, ACK, .ack = SEQ(2));		/* the first one was only late */
	expect_seg(f, 11);
	expect_seg(f, 12);
	expect_none(f, 2);
	inject(f, ACK, .ack = SEQ(3));		/* and so was this */
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(0x7fffffff, ti.tcpi_snd_ssthresh);
	EXPECT_GE(ti.tcpi_snd_cwnd, 10);
	EXPECT_LE(ti.tcpi_snd_cwnd, 12);
	EXPECT_EQ(0, ti.tcpi_retransmits);
	EXPECT_EQ(0, ti.tcpi_lost);
	EXPECT_COUNT(1, "SpuriousRTOs");
	EXPECT_COUNT(1, "LossUndo");
	EXPECT_TRUE(test_inet() || ti.tcpi_rtt >= 300000);
	EXPECT_TRUE(test_inet() || ti.tcpi_rto >= 600000);
	while (wire_next(f, 2))
		;
	EXPECT_LE(f->ack, SEQ(16));
	EXPECT_COUNT(1, "RetransSegs");
}

/* 3a: it was real; the new data's duplicates tell. */
TEST_F(timeout, frto__real)
{
	struct flow *f = &self->f;

	open_far(f, false, false);
	fly(f, 4, 4);
	expect(f, ACK, .seq = SEQ(1), .len = 1000);
	flow_write(f, 10000);
	inject(f, ACK, .ack = SEQ(2));
	expect_seg(f, 5);
	expect_seg(f, 6);
	expect_none(f, 2);
	inject(f, ACK, .ack = SEQ(2));
	expect_seg(f, 2);
	EXPECT_COUNT(0, "SpuriousRTOs");
	EXPECT_EQ(4, tcp_info_of(f->fd).tcpi_ca_state);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);
}

/* 2b without anything new to send: go on as ever. */
TEST_F(timeout, frto__nothing_new)
{
	struct flow *f = &self->f;

	open_far(f, false, false);
	fly(f, 4, 4);
	expect(f, ACK, .seq = SEQ(1), .len = 1000);
	inject(f, ACK, .ack = SEQ(2));
	expect_seg(f, 2);
	expect_seg(f, 3);
	expect_none(f, 2);
}

/* FRTO-3: SACKed and never sent again: it was on its way. */
TEST_F(timeout, frto__by_sack)
{
	struct flow *f = &self->f;
	struct tcp_info ti;

	open_far(f, true, false);
	fly(f, 6, 6);
	expect(f, ACK, .seq = SEQ(6), .len = 1000);	/* the probe */
	expect(f, ACK, .seq = SEQ(1), .len = 1000);
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_snd_cwnd);
	sack(f, 1, SEGS(2, 2));
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(10, ti.tcpi_snd_cwnd);
	EXPECT_EQ(0x7fffffff, ti.tcpi_snd_ssthresh);
	EXPECT_COUNT(1, "SpuriousRTOs");
	inject(f, ACK);
	expect_none(f, 1000);
}

/* FRTO-4: not when an episode was going on: its retransmissions would be meant. */
TEST_F(timeout, frto__not_in_recovery)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 8, 8);
	pass(RTT);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	expect(f, ACK, .seq = SEQ(1), .len = 1000);
	flow_write(f, 5000);
	pass(RTT);
	inject(f, ACK, .ack = SEQ(6));		/* 5 was never sent again */
	expect_seg(f, 6);			/* what is lost, and not 9 */
	EXPECT_COUNT(0, "SpuriousRTOs");
}

/* --- Eifel: RFC 3522, 4015 ------------------------------------------------------ */

/* EIF-1: the echo is older than the retransmission. */
TEST_F(timeout, eifel__time_out)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	uint32_t tsval;

	open_far(f, false, true);
	fly(f, 4, 4);
	tsval = f->ts_recent;
	expect(f, ACK, .seq = SEQ(1), .len = 1000);
	f->ts_recent = tsval;
	inject(f, ACK, .ack = SEQ(2));
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(0x7fffffff, ti.tcpi_snd_ssthresh);
	EXPECT_GE(ti.tcpi_snd_cwnd, 10);
	EXPECT_EQ(0, ti.tcpi_lost);
	EXPECT_COUNT(1, "LossUndo");
	inject(f, ACK);
	expect_none(f, 1000);
	EXPECT_COUNT(1, "RetransSegs");
}

/* The same of a fast retransmission, when it ends */
TEST_F(timeout, eifel__fast_retransmission)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	uint32_t tsval;

	open_far(f, true, true);
	fly(f, 10, 10);
	pass(RTT);
	sack(f, 1, SEGS(2, 4));
	tsval = f->ts_recent;
	expect_seg(f, 1);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	f->ts_recent = tsval;
	inject(f, ACK);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(17, ti.tcpi_snd_cwnd);	/* 10, and slow start by what it acknowledges */
	EXPECT_EQ(0x7fffffff, ti.tcpi_snd_ssthresh);
	EXPECT_EQ(0, ti.tcpi_ca_state);
	EXPECT_COUNT(1, "FullUndo");
}

/* and in the middle */
TEST_F(timeout, eifel__partial)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	uint32_t tsval;

	open_far(f, true, true);
	fly(f, 10, 10);
	pass(RTT);
	sack(f, 1, SEGS(2, 4));
	tsval = f->ts_recent;
	expect_seg(f, 1);
	f->ts_recent = tsval;
	inject(f, ACK, .ack = SEQ(5));
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(11, ti.tcpi_snd_cwnd);	/* slow start goes on */
	EXPECT_EQ(0x7fffffff, ti.tcpi_snd_ssthresh);
	EXPECT_EQ(1, ti.tcpi_reord_seen);
	EXPECT_COUNT(1, "PartialUndo");
	EXPECT_COUNT(1, "TSReorder");
}

/* The echo is the retransmission's: it was needed. */
TEST_F(timeout, eifel__not_when_it_was_needed)
{
	struct flow *f = &self->f;

	open_far(f, true, true);
	fly(f, 10, 10);
	pass(RTT);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	pass(RTT);
	inject(f, ACK);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_cwnd);
	EXPECT_COUNT(0, "FullUndo");
}

TEST_HARNESS_MAIN
