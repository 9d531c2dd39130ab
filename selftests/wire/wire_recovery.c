// SPDX-License-Identifier: GPL-2.0
/* wire_recovery.c - what is lost and what is done about it: SACK, D-SACK, RACK,
 * fast recovery with PRR.  Times are looked at: virtual time only.
 *
 * cubic leaves 7 of 10.
 */
#include "far.h"

#define RTT 50

FIXTURE(recovery) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(recovery) {
	bool v6;
};

FIXTURE_VARIANT_ADD(recovery, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(recovery, v6) { .v6 = true };

FIXTURE_SETUP(recovery)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
}

FIXTURE_TEARDOWN(recovery)
{
	wire_end(&self->w);
}

static void open_far(struct flow *f, bool sack, bool ts)
{
	open_over(f, RTT, sack, ts);
}

/* @n segments in flight, of @all that are written, one round trip ago */
static void fly(struct flow *f, int n, int all)
{
	flow_write(f, all * 1000);
	while (n--)
		expect(f, ACK, .len = 1000);
	expect_none(f, RTT);
}

/* What is in flight arrives; the next flight has @n segments. */
static void next_flight(struct flow *f, int n)
{
	inject(f, ACK);
	flow_write(f, n * 1000);
	while (n--)
		expect(f, ACK, .len = 1000);
	expect_none(f, RTT);
}

/* --- what is lost --------------------------------------------------------- */

/* SR-1, SR-2: news only; the third segment above the hole tells.  LT-1: the first
 * two let new ones go.
 */
TEST_F(recovery, lost__third_above)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 10, 20);
	sack(f, 1, SEGS(2, 2));
	expect_seg(f, 11);
	sack(f, 1, SEGS(2, 2));		/* the same again is no news */
	sack(f, 1, SEGS(2, 2));
	expect_none(f, 2);
	sack(f, 1, SEGS(2, 3));
	expect_seg(f, 12);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	expect_none(f, 20);
	EXPECT_COUNT(1, "SackRecovery");
	EXPECT_COUNT(1, "FastRetrans");
	EXPECT_EQ(3, tcp_info_of(f->fd).tcpi_ca_state);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);
}

/* SR-3, SR-4, SR-5: all holes below three segments that arrived; as much as left
 * the network goes (PRR-3: pipe is below ssthresh), the lowest first, and then new.
 */
TEST_F(recovery, lost__every_hole)
{
	struct flow *f = &self->f;
	struct tcp_info ti;

	open_far(f, true, false);
	fly(f, 8, 8);
	sack(f, 1, SEGS(3, 3), SEGS(5, 5), SEGS(7, 7));
	expect_seg(f, 1);
	expect_seg(f, 2);
	expect_seg(f, 4);
	expect_none(f, 2);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(8, ti.tcpi_unacked);
	EXPECT_EQ(3, ti.tcpi_sacked);
	EXPECT_EQ(4, ti.tcpi_lost);
	EXPECT_EQ(3, ti.tcpi_retrans);
	flow_write(f, 2000);
	expect_none(f, 2);
	sack(f, 1, SEGS(7, 8), SEGS(3, 3), SEGS(5, 5));
	expect_seg(f, 6);
	expect_none(f, 2);
	/* safe (UNA advances, no more loss): one more than was delivered */
	sack(f, 2, SEGS(7, 8), SEGS(3, 3), SEGS(5, 5));
	f->ack = SEQ(9);
	expect_seg(f, 9);
	expect_seg(f, 10);
	EXPECT_COUNT(4, "RetransSegs");
}

/* SR-5: the tail of a recovery needs no timer: what was sent later arrived. */
TEST_F(recovery, lost__tail_of_the_recovery)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 10, 10);
	sack(f, 2, SEGS(3, 9));
	expect_seg(f, 2);
	expect_none(f, RTT);
	sack(f, 10, SEGS(1, 1));
	expect_seg(f, 10);
	EXPECT_COUNT(0, "Timeouts");
}

/* SR-8: the retransmission is lost, and what was sent after it is not. */
TEST_F(recovery, lost__retransmission)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 10, 20);
	sack(f, 1, SEGS(2, 9));
	expect_seg(f, 1);
	expect_seg(f, 11);
	expect_seg(f, 12);
	while (wire_next(f, RTT))
		;
	sack(f, 1, SEGS(2, 11));
	expect_seg(f, 1);
	EXPECT_COUNT(1, "LostRetransmit");
	EXPECT_COUNT(0, "Timeouts");
	EXPECT_COUNT(1, "SackRecovery");
}

/* SR-6: one reduction for all that is lost of one window; it ends at ssthresh,
 * PRR-5.
 */
TEST_F(recovery, lost__one_reduction)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 10, 10);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	sack(f, 1, SEGS(6, 9), SEGS(2, 4));
	expect_seg(f, 5);
	expect_none(f, RTT);
	sack(f, 10, SEGS(1, 1));
	expect_seg(f, 10);
	EXPECT_EQ(3, tcp_info_of(f->fd).tcpi_ca_state);
	pass(RTT);
	inject(f, ACK);
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_ca_state);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_cwnd);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	EXPECT_COUNT(1, "SackRecovery");
}

/* SR-7: after an RTO no second fast recovery below what was out then. */
TEST_F(recovery, lost__rto_ends_it)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 6, 6);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	expect(f, ACK, .seq = SEQ(1), .len = 1000);
	EXPECT_COUNT(1, "Timeouts");
	EXPECT_COUNT(1, "SackRecoveryFail");
	EXPECT_EQ(4, tcp_info_of(f->fd).tcpi_ca_state);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	pass(RTT);
	sack(f, 1, SEGS(2, 6));
	EXPECT_EQ(4, tcp_info_of(f->fd).tcpi_ca_state);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	EXPECT_COUNT(1, "SackRecovery");
	inject(f, ACK);
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_ca_state);
}

/* What is lost again goes before what is lost and has not gone yet. */
TEST_F(recovery, lost__lowest_first)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 8, 8);
	sack(f, 1, SEGS(6, 8));
	expect_seg(f, 1);
	expect_seg(f, 2);
	expect_seg(f, 3);
	expect(f, ACK, .seq = SEQ(1), .len = 1000);	/* the timer */
	pass(RTT);
	sack(f, 2, SEGS(6, 8));
	expect_seg(f, 2);
	expect_seg(f, 3);
	expect_none(f, 2);
}

/* A PSH ended each super-packet, here of two; a segment of one that goes again alone
 * ends nothing.
 */
TEST_F(recovery, lost__no_push_again)
{
	struct flow *f = &self->f;
	int i;

	open_far(f, true, false);
	flow_write(f, 10000);
	for (i = 1; i <= 10; i++)
		EXPECT_EQ(i % 2 ? 0 : PSH, expect(f, ACK, .len = 1000)->flags & PSH);
	expect_none(f, RTT);
	sack(f, 1, SEGS(5, 6));
	for (i = 1; i <= 4; i++) {
		sack(f, 1, SEGS(5, 6 + i));
		EXPECT_EQ(0, expect(f, ACK, .seq = SEQ(i), .len = 1000)->flags & PSH);
	}
	expect_none(f, 2);
}

/* --- PRR: RFC 9937 --------------------------------------------------------- */

/* PRR-1, PRR-4, CC-10: ten in flight, 7 of them for 10 that are delivered. */
TEST_F(recovery, prr__proportional)
{
	/* what each of the following deliveries lets go */
	static const int sent[] = { 1, 1, 0, 0, 1, 1, 1 };
	struct flow *f = &self->f;
	int i, next = 13;

	open_far(f, true, false);
	fly(f, 10, 40);
	sack(f, 1, SEGS(2, 2));
	expect_seg(f, 11);
	pass(2);
	sack(f, 1, SEGS(2, 3));
	expect_seg(f, 12);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	for (i = 0; i < ARRAY_SIZE(sent); i++) {
		sack(f, 1, SEGS(2, 5 + i));
		if (sent[i])
			expect_seg(f, next++);
		expect_none(f, 2);
	}
	inject(f, ACK, .ack = SEQ(13));
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_cwnd);
}

/* PRR-4: as much is in flight as ssthresh allows, and the first one goes all the same. */
TEST_F(recovery, prr__first_one_is_forced)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 10, 20);
	sack(f, 1, SEGS(2, 2));
	expect_seg(f, 11);
	pass(2);
	sack(f, 1, SEGS(2, 4));			/* 11 - 3 - 1 = 7 */
	expect_seg(f, 1);
	expect_none(f, 2);
}

/* PRR-2: 28 for the 34 that are in flight, and not for the window of 40. */
TEST_F(recovery, prr__flight_and_not_window)
{
	/* what each of the following deliveries lets go; by the window 1, 1, 0, 1 */
	static const int sent[] = { 1, 1, 1, 1, 0 };
	struct flow *f = &self->f;
	int i, next = 67;

	if (test_inet())
		SKIP(return, "Linux divides by the old window");
	open_far(f, true, false);
	fly(f, 10, 66);
	inject(f, ACK);
	for (i = 11; i <= 30; i++)
		expect(f, ACK, .seq = SEQ(i), .len = 1000);
	pass(RTT);
	inject(f, ACK);
	for (i = 31; i <= 66; i++)
		expect(f, ACK, .seq = SEQ(i), .len = 1000);
	pass(RTT);
	EXPECT_EQ(40, tcp_info_of(f->fd).tcpi_snd_cwnd);
	sack(f, 31, SEGS(32, 32));
	sack(f, 31, SEGS(32, 33));
	sack(f, 31, SEGS(32, 34));
	expect_seg(f, 31);
	EXPECT_EQ(28, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	flow_write(f, 20000);
	expect_none(f, 2);
	for (i = 0; i < ARRAY_SIZE(sent); i++) {
		sack(f, 31, SEGS(32, 35 + i));
		if (sent[i])
			expect_seg(f, next++);
		expect_none(f, 2);
	}
}

/* CC-13: pieces of a segment open nothing; nor does what was never sent. */
TEST_F(recovery, prr__divided_acks)
{
	struct flow *f = &self->f;
	int i;

	open_far(f, true, false);
	fly(f, 10, 40);
	for (i = 1; i <= 19; i++)
		inject(f, ACK, .ack = 1 + 50 * i);
	expect_none(f, 2);
	EXPECT_EQ(10, tcp_info_of(f->fd).tcpi_snd_cwnd);
	inject(f, ACK, .ack = SEQ(20));		/* challenged, not believed */
	expect(f, ACK);
	expect_none(f, 2);
	EXPECT_EQ(10, tcp_info_of(f->fd).tcpi_unacked);
	inject(f, ACK, .ack = SEQ(2));
	expect_seg(f, 11);
	expect_seg(f, 12);
	expect_none(f, 2);
}

/* --- without SACK: RFC 6582 ------------------------------------------------ */

/* LT-1, and CC-10 */
TEST_F(recovery, newreno__limited_transmit)
{
	struct flow *f = &self->f;

	open_far(f, false, false);
	fly(f, 10, 20);
	inject(f, ACK, .ack = 1);
	expect_seg(f, 11);
	pass(2);			/* not held back for a larger super-packet */
	inject(f, ACK, .ack = 1);
	expect_seg(f, 12);
	inject(f, ACK, .ack = 1);
	expect_seg(f, 1);
	expect_none(f, 2);
	inject(f, ACK, .ack = 1);
	expect_seg(f, 13);
	EXPECT_COUNT(1, "RenoRecovery");
}

/* NR-1, NR-2: the partial ACK makes the next hole go and starts the timer anew. */
TEST_F(recovery, newreno__partial_ack_restarts_the_timer)
{
	struct flow *f = &self->f;
	int64_t t;
	int i, rto;

	open_far(f, false, false);
	fly(f, 8, 8);
	for (i = 0; i < 3; i++)
		inject(f, ACK, .ack = 1);
	expect_seg(f, 1);
	expect_none(f, 150);
	t = now_us();
	inject(f, ACK, .ack = SEQ(4));
	expect_seg(f, 4);
	rto = tcp_info_of(f->fd).tcpi_rto / 1000;
	EXPECT_AFTER(rto, t, expect(f, ACK, .seq = SEQ(4), .len = 1000));
}

/* The timer runs from the retransmission, not from what it repeats. */
TEST_F(recovery, newreno__timer_from_the_retransmission)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	open_far(f, false, false);
	fly(f, 8, 8);
	pass(100);
	for (i = 0; i < 3; i++)
		inject(f, ACK, .ack = 1);
	t = expect(f, ACK, .seq = SEQ(1), .len = 1000)->at;
	EXPECT_AFTER(250, t, expect(f, ACK, .seq = SEQ(1), .len = 1000));
}

/* NR-3: the duplicates that our own copies made are no loss; beyond
 * RecoveryPoint they are again.
 */
TEST_F(recovery, newreno__no_second_one)
{
	struct flow *f = &self->f;
	int i;

	open_far(f, false, false);
	fly(f, 8, 8);
	for (i = 0; i < 3; i++)
		inject(f, ACK, .ack = 1);
	expect_seg(f, 1);
	inject(f, ACK);
	flow_write(f, 6000);
	for (i = 9; i <= 14; i++)
		expect(f, ACK, .seq = SEQ(i), .len = 1000);
	for (i = 0; i < 4; i++)
		inject(f, ACK, .ack = SEQ(9));
	expect_none(f, RTT);
	EXPECT_COUNT(1, "RenoRecovery");
	inject(f, ACK, .ack = SEQ(10));
	for (i = 0; i < 3; i++)
		inject(f, ACK, .ack = SEQ(10));
	expect_seg(f, 10);
	EXPECT_COUNT(2, "RenoRecovery");
}

/* --- RACK: RFC 8985 --------------------------------------------------------- */

/* RACK-6, RACK-8, RACK-9: fewer than three, and a quarter of the round trip. */
TEST_F(recovery, rack__reordering_window)
{
	struct flow *f = &self->f;
	int64_t t;
	int at;

	open_far(f, true, false);
	fly(f, 4, 4);
	t = now_us();
	sack(f, 1, SEGS(2, 2));
	at = expect(f, ACK, .seq = SEQ(1), .len = 1000)->at - t;
	EXPECT_GE(at, 10000);
	EXPECT_LE(at, 24000);
	expect_none(f, 50);			/* 3 and 4 were sent after 2 */
	EXPECT_COUNT(1, "SackRecovery");
}

/* It arrives within the window: nothing goes twice. */
TEST_F(recovery, rack__late_is_not_lost)
{
	struct flow *f = &self->f;
	struct tcp_info ti;

	open_far(f, true, false);
	fly(f, 4, 4);
	sack(f, 1, SEGS(2, 2));
	pass(5);
	inject(f, ACK, .ack = SEQ(3));
	expect_none(f, RTT);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(1, ti.tcpi_reord_seen);	/* RACK-5 */
	EXPECT_EQ(10, ti.tcpi_snd_cwnd);
	EXPECT_COUNT(1, "SACKReorder");
	EXPECT_COUNT(0, "RetransSegs");
}

/* After reordering the third above does not tell.  How much of it is shown. */
TEST_F(recovery, rack__reordering_was_seen)
{
	struct flow *f = &self->f;
	int64_t t;
	int at;

	open_far(f, true, false);
	fly(f, 8, 8);
	sack(f, 1, SEGS(7, 7));
	inject(f, ACK);
	EXPECT_EQ(8, tcp_info_of(f->fd).tcpi_reordering);
	flow_write(f, 8000);
	while (f->ack < SEQ(17))
		expect(f, ACK, .len = 1000);
	expect_none(f, RTT);
	t = now_us();
	sack(f, 9, SEGS(10, 15));
	at = expect(f, ACK, .seq = SEQ(9), .len = 1000)->at - t;
	EXPECT_GE(at, 10000);
	EXPECT_LE(at, 24000);
}

/* How long the reordering window is, in ms: the hole is the flight's first. */
static int reo_wnd(struct flow *f)
{
	int first = f->ack / 1000 + 1;
	int64_t t, at;

	next_flight(f, 2);
	t = now_us();
	sack(f, first, SEGS(first + 1, first + 1));
	at = expect(f, ACK, .seq = SEQ(first), .len = 1000)->at - t;
	pass(RTT);
	return at / 1000;
}

/* RACK-7: a D-SACK a round widens it by a quarter; not one for each of a round;
 * 16 recoveries later it is as it was.
 */
TEST_F_TIMEOUT(recovery, rack__window_follows_dsacks, 300)
{
	struct flow *f = &self->f;
	int i, ms;

	open_far(f, true, false);
	fly(f, 4, 4);
	sack(f, 1, SEGS(2, 2));
	inject(f, ACK, .ack = SEQ(3));		/* reordering */
	ms = reo_wnd(f);
	EXPECT_GE(ms, 10);
	EXPECT_LE(ms, 22);
	sack(f, 7, SEGS(5, 5));			/* it arrived twice */
	sack(f, 7, SEGS(5, 5));			/* more than was sent: ignored */
	ms = reo_wnd(f);
	EXPECT_GE(ms, 22);
	EXPECT_LE(ms, 34);
	for (i = 0; i < 18; i++)
		ms = reo_wnd(f);
	EXPECT_GE(ms, 10);
	EXPECT_LE(ms, 22);
}

/* RACK-3: an ACK that comes too soon for the retransmission is the original's;
 * it says nothing about what was sent meanwhile.
 */
TEST_F(recovery, rack__too_soon_for_the_copy)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 10, 20);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	while (wire_next(f, 5))
		;
	inject(f, ACK, .ack = SEQ(5));
	while (wire_next(f, 5))
		;
	EXPECT_COUNT(1, "RetransSegs");
}

/* --- D-SACK ------------------------------------------------------------------ */

/* DSACK-4: the retransmission arrived twice, so nothing was lost. */
TEST_F(recovery, dsack__undoes)
{
	struct flow *f = &self->f;
	struct tcp_info ti;

	open_far(f, true, false);
	fly(f, 10, 10);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	inject(f, ACK, .ack = SEQ(5));
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_ssthresh);
	EXPECT_EQ(3, tcp_info_of(f->fd).tcpi_ca_state);
	sack(f, 5, SEGS(1, 1));
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(10, ti.tcpi_snd_cwnd);
	EXPECT_EQ(0x7fffffff, ti.tcpi_snd_ssthresh);
	EXPECT_EQ(0, ti.tcpi_ca_state);
	EXPECT_EQ(1, ti.tcpi_dsack_dups);
	EXPECT_COUNT(1, "DSACKUndo");
	EXPECT_COUNT(1, "DSACKRecv");
}

/* It comes when the recovery is over already. */
TEST_F(recovery, dsack__undoes_afterwards)
{
	struct flow *f = &self->f;
	struct tcp_info ti;

	open_far(f, true, false);
	fly(f, 10, 10);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	inject(f, ACK);
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_cwnd);
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_ca_state);
	sack(f, 11, SEGS(1, 1));
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(10, ti.tcpi_snd_cwnd);
	EXPECT_EQ(0x7fffffff, ti.tcpi_snd_ssthresh);
	EXPECT_COUNT(1, "DSACKUndo");
}

/* Two went again and one of them was needed. */
TEST_F(recovery, dsack__one_of_two)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 10, 10);
	sack(f, 1, SEGS(3, 6));
	expect_seg(f, 1);
	expect_seg(f, 2);
	inject(f, ACK);
	sack(f, 11, SEGS(1, 1));
	EXPECT_EQ(7, tcp_info_of(f->fd).tcpi_snd_cwnd);
	EXPECT_COUNT(0, "DSACKUndo");
	sack(f, 11, SEGS(2, 2));
	EXPECT_EQ(10, tcp_info_of(f->fd).tcpi_snd_cwnd);
	EXPECT_COUNT(1, "DSACKUndo");
}

/* DSACK-5: more than was ever sent twice, what was never sent, or nothing. */
TEST_F(recovery, dsack__implausible)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 10, 10);
	sack(f, 3, SEGS(1, 1));
	EXPECT_COUNT(1, "DSACKIgnoredDubious");
	sack(f, 3, SEGS(4, 6));
	expect_seg(f, 3);
	sack(f, 7, SEGS(1, 6));
	sack(f, 7, { 5001, 5001 });
	sack(f, 7, { 5001, 4001 });
	EXPECT_COUNT(4, "DSACKIgnoredDubious");
	EXPECT_COUNT(0, "DSACKUndo");
	EXPECT_EQ(8, tcp_info_of(f->fd).tcpi_snd_ssthresh);	/* of 12 */
}

/* In a larger block (RFC 2883 4.2.1) */
TEST_F(recovery, dsack__inside_a_block)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 10, 10);
	sack(f, 1, SEGS(3, 5));
	expect_seg(f, 1);
	expect_seg(f, 2);
	sack(f, 1, SEGS(2, 5));
	sack(f, 1, SEGS(2, 2), SEGS(2, 5));
	EXPECT_COUNT(1, "DSACKOfoRecv");
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_dsack_dups);
	EXPECT_EQ(4, tcp_info_of(f->fd).tcpi_sacked);
}

/* --- SACK -------------------------------------------------------------------- */

/* SACK-7: what was SACKed is at the left edge and not acknowledged; half a round
 * trip later it goes again, and nothing of what the peer said is believed.
 */
TEST_F(recovery, sack__reneging)
{
	struct flow *f = &self->f;
	const struct seg *s;
	int i, again = 0;
	int64_t t;

	open_far(f, true, false);
	fly(f, 6, 6);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	t = now_us();
	inject(f, ACK, .ack = SEQ(2));
	EXPECT_AFTER(RTT / 2, t, expect(f, ACK, .seq = SEQ(2), .len = 1000));
	EXPECT_COUNT(1, "SACKReneging");
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_sacked);
	for (i = 3; i <= 6; i++) {		/* slow start */
		pass(RTT);
		inject(f, ACK, .ack = SEQ(i));
		while ((s = wire_next(f, 2)))
			again |= 1 << s->seq / 1000;
	}
	EXPECT_EQ(0x3c, again);			/* 3 to 6, too */
	inject(f, ACK);
	expect_none(f, 1000);
}

/* An ACK that was overtaken looks like it; the next one sets it right. */
TEST_F(recovery, sack__not_reneging)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 6, 6);
	sack(f, 1, SEGS(2, 4));
	expect_seg(f, 1);
	inject(f, ACK, .ack = SEQ(2));
	pass(5);
	inject(f, ACK, .ack = SEQ(5));
	expect_none(f, 100);
	EXPECT_COUNT(0, "SACKReneging");
	EXPECT_COUNT(0, "Timeouts");
}

/* SACK-10 */
TEST_F(recovery, sack__discarded)
{
	static const struct wire_sack bad[] = {
		{ 5001, 9001 }, { 3001, 2001 }, { 0x70000000, 0x80000000 }, { 2001, 2001 },
		{ 9001, 10001 },
	};
	struct flow *f = &self->f;
	int i;

	open_far(f, true, false);
	fly(f, 6, 6);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		sack(f, 1, bad[i]);
	EXPECT_COUNT(ARRAY_SIZE(bad), "SACKDiscard");
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_sacked);
	sack(f, 1, bad[0], SEGS(2, 2));		/* the others count */
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_sacked);
}

/* An old ACK has news in its blocks all the same. */
TEST_F(recovery, sack__in_an_old_ack)
{
	struct flow *f = &self->f;

	open_far(f, true, false);
	fly(f, 8, 8);
	inject(f, ACK, .ack = SEQ(2));
	sack(f, 1, SEGS(3, 5));
	EXPECT_EQ(3, tcp_info_of(f->fd).tcpi_sacked);
	expect_seg(f, 2);
}

/* SACK-11: the cost of an ACK is that of what it changes, however much is out
 * and in whatever order it is told.  One instruction is one nanosecond here.
 */
#define MANY 2000

/* Every other segment, from anywhere, four blocks an ACK */
static int hostile(struct flow *f)
{
	int64_t t = 0, from;
	int i, k, n = 0;

	for (i = 0; i < MANY / 2; i += 4, n++) {
		struct wire_sack b[4];

		for (k = 0; k < 4; k++) {
			int seg = 2 + 2 * ((i + k) * 367 % (MANY / 2));

			b[k] = (struct wire_sack)SEGS(seg, seg);
		}
		from = now_us();
		sack(f, 1, b[0], b[1], b[2], b[3]);
		t += now_us() - from;
	}
	return t * 1000 / n;
}

/* The same blocks over and over: nothing new */
static int repeated(struct flow *f)
{
	int64_t t = now_us();
	int i;

	for (i = 0; i < 200; i++)
		sack(f, 1, SEGS(2, 2), SEGS(1000, 1000), SEGS(4, 4), SEGS(1200, 1200));
	return (now_us() - t) * 1000 / 200;
}

TEST_F_TIMEOUT(recovery, sack__cost_is_bounded, 120)
{
	struct flow *f = &self->f;
	int i, bare, many, again;
	int64_t t;

	must(system("ip link set wire0 txqueuelen 8000") == 0);
	inject(f, SYN, .mss = 1000, .sackok = true, .ws = 10);
	expect(f, SYN | ACK);
	pass(RTT);
	inject(f, ACK);
	flow_accept(f);
	must(set_int(f->fd, SOL_SOCKET, SO_SNDBUFFORCE, 32 << 20) == 0);
	must(set_int(f->fd, IPPROTO_TCP, TCP_NODELAY, 1) == 0);
	flow_write(f, (MANY + 4000) * 1000);
	while (tcp_info_of(f->fd).tcpi_unacked < MANY) {
		pass(RTT);
		while (wire_next(f, 0))
			;
		if (tcp_info_of(f->fd).tcpi_unacked < MANY)
			inject(f, ACK);
	}
	while (wire_next(f, 1))
		;
	/* let SND.UNA be 1 */
	f->our_isn += f->ack - 1 - tcp_info_of(f->fd).tcpi_unacked * 1000;
	t = now_us();
	for (i = 0; i < 200; i++)
		inject(f, ACK, .ack = 1);
	bare = (now_us() - t) * 1000 / 200;
	many = hostile(f);
	again = repeated(f);
	fprintf(stderr, "# %d out: an ACK %d ns, hostile SACKs %d ns, the same again %d ns\n",
		MANY, bare, many, again);
	EXPECT_LE(again, bare + 10000);
	EXPECT_LE(many, bare + 60000);
}

TEST_HARNESS_MAIN
