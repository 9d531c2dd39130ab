// SPDX-License-Identifier: GPL-2.0
/* recovery.c - from the first mark of a loss to the RecoveryPoint.
 *
 *	OPEN, DISORDER, CWR --lost--> RECOVERY --una >= point--> OPEN
 *	any --RTO--> LOSS --una >= point--> OPEN
 *	LOSS --a retransmission lost--> RECOVERY
 *	OPEN, DISORDER --ECE--> CWR --una > point--> OPEN
 *
 * In RECOVERY and CWR, PRR (RFC 9937) spreads the reduction over the round trip;
 * in LOSS, slow start grows cwnd again from one segment.  A reduction that turns
 * out to be a mistake is undone (undo.c, frto.c).
 */
#include "engine/recovery.h"

#include "engine/ack.h"
#include "engine/frto.h"
#include "engine/sack.h"
#include "engine/sock.h"
#include "engine/undo.h"
#include "proto/segment.h"
#include "proto/seq.h"

void xtcp_recovery_init(struct xtcp_recovery *r)
{
	memset(r, 0, sizeof(*r));
}

u32 xtcp_pipe(const struct xtcp_sock *xs)
{
	const struct xtcp_sndq *q = &xs->sndq;
	u32 gone = q->segs_lost + q->segs_sacked;

	if (!xs->neg.sack)
		gone += xs->recovery.dupacks;
	return q->segs_out > gone ? q->segs_out - gone : 0;
}

/* --- without SACK: RFC 6582 ---------------------------------------------- */

static void mark_head(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	struct sk_buff *skb = xtcp_sndq_flight(&xs->sndq);

	if (!skb || xtcp_skb_cb(skb)->tx.flags & XTCP_SKB_LOST)
		return;
	if (skb->len > xs->snd.mss &&
	    xtcp_sndq_split(&xs->inet.sk, &xs->sndq, skb, xs->snd.mss,
			    xs->snd.mss, GFP_ATOMIC))
		return;
	xtcp_sndq_lost(&xs->sndq, skb);
	xs->rate.lost++;
	ack->lost++;
}

/* Each duplicate tells of a segment that arrived out of order, and is counted as
 * delivered then.  There can be no more of them than are out, less the hole.
 */
static void reno_dup(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	struct xtcp_recovery *r = &xs->recovery;

	if (r->dupacks + max(xs->sndq.segs_lost, 1U) < xs->sndq.segs_out) {
		r->dupacks++;
		ack->sacked++;
		return;
	}
	xtcp_rack_reordered(xs, xs->snd.una, xs->snd.nxt);
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_RENO_REORDER);
}

/* The ACK that covers them counts only the rest: one filled the hole. */
static void reno_progress(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	struct xtcp_recovery *r = &xs->recovery;
	u32 n = min_t(u32, r->dupacks, ack->acked ? ack->acked - 1 : 0);

	r->hold = false;
	ack->acked -= n;
	r->dupacks = xs->cong.state >= XTCP_CA_RECOVERY ? r->dupacks - n : 0;
}

static void reno_count(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	if (ack->dup)
		reno_dup(xs, ack);
	else if (xs->snd.una != ack->prior_una)
		reno_progress(xs, ack);
}

/* RFC 5681 3.2; RFC 5827 when there are not enough segments for three. */
static bool reno_enough_dups(const struct xtcp_sock *xs)
{
	u32 out = xs->sndq.segs_out, dups = xs->recovery.dupacks;

	if (dups >= xs->rack.reordering)
		return true;
	return dups && out <= XTCP_DUP_THRESH && dups + 1 >= out &&
	       !xs->sndq.head;
}

static void reno_detect(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	struct xtcp_recovery *r = &xs->recovery;

	if (xs->cong.state == XTCP_CA_RECOVERY) {	/* 3.2 step 3, partial */
		if (xs->snd.una != ack->prior_una)
			mark_head(xs, ack);
	} else if (xs->cong.state < XTCP_CA_RECOVERY && !r->hold && ack->dup &&
		   reno_enough_dups(xs)) {		/* step 2: beyond recover */
		mark_head(xs, ack);
	}
}

static void detect(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	if (xs->neg.sack)
		xtcp_rack_ack(xs, ack);
	else
		reno_detect(xs, ack);
}

/* --- the window ----------------------------------------------------------- */

/* RFC 9937 section 7 */
static void prr_update(struct xtcp_sock *xs, const struct xtcp_ack *ack,
		       u32 delivered)
{
	struct xtcp_recovery *r = &xs->recovery;
	u32 pipe = xtcp_pipe(xs), ssthresh = xs->cong.ssthresh;
	bool safe = xs->snd.una != ack->prior_una && !ack->lost;
	s32 sndcnt;

	if (!delivered || xs->cong.ops->cong_control)
		return;		/* bbr's cwnd is its own affair */
	r->prr_delivered += delivered;
	if (pipe > ssthresh) {
		u64 share = (u64)r->prr_delivered * ssthresh + r->recover_fs - 1;

		sndcnt = div_u64(share, r->recover_fs) - r->prr_out;
	} else {
		sndcnt = max_t(s32, r->prr_delivered - r->prr_out, delivered);
		sndcnt = min_t(s32, sndcnt + safe, ssthresh - pipe);
	}
	/* the fast retransmit itself */
	sndcnt = max(sndcnt, r->prr_out ? 0 : 1);
	xs->cong.cwnd = max(pipe + sndcnt, 1U);
}

static void enter_prr(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	struct xtcp_recovery *r = &xs->recovery;

	r->point = xs->snd.nxt;
	r->prr_delivered = 0;
	r->prr_out = 0;
	r->recover_fs = max(ack->prior_pipe ?: xtcp_pipe(xs), 1U);
	xs->rack.tlp_end_seq = 0;
	xtcp_ecn_reduced(xs);
}

static void enter_recovery(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	xtcp_undo_begin(xs);
	xtcp_cong_enter_recovery(&xs->cong);
	enter_prr(xs, ack);
	xtcp_mib_inc(sock_net(&xs->inet.sk), xs->neg.sack ?
		     XTCP_MIB_SACK_RECOVERY : XTCP_MIB_RENO_RECOVERY);
}

/* --- states --------------------------------------------------------------- */

static void open_or_disorder(struct xtcp_sock *xs)
{
	const struct xtcp_sndq *q = &xs->sndq;
	u8 state = q->segs_sacked || q->segs_lost || q->segs_retrans ||
		   xs->recovery.dupacks ? XTCP_CA_DISORDER : XTCP_CA_OPEN;

	if (xs->cong.state != state)
		xtcp_cong_set_state(&xs->cong, state);
}

static void undo_all(struct xtcp_sock *xs, enum xtcp_mib_item why)
{
	xtcp_sndq_none_lost(&xs->sndq);
	xtcp_undo(xs, why);
	open_or_disorder(xs);
}

static bool undo_dsack(struct xtcp_sock *xs)
{
	if (!xtcp_undo_dsacked(xs))
		return false;
	if (xs->cong.state == XTCP_CA_RECOVERY)
		xs->rack.reordering_seen = true;
	xtcp_rack_mistaken(&xs->rack);
	xtcp_undo(xs, XTCP_MIB_DSACK_UNDO);
	return true;
}

/* The RecoveryPoint is acknowledged.  (CWR lasts until something beyond it is:
 * by then the peer has seen CWR.)
 */
static bool at_the_end(const struct xtcp_sock *xs)
{
	switch (xs->cong.state) {
	case XTCP_CA_CWR:
		return seq_gt(xs->snd.una, xs->recovery.point);
	case XTCP_CA_RECOVERY:
	case XTCP_CA_LOSS:
		return seq_geq(xs->snd.una, xs->recovery.point);
	default:
		return false;
	}
}

static void leave(struct xtcp_sock *xs, const struct xtcp_segment *seg,
		  const struct xtcp_ack *ack)
{
	struct xtcp_recovery *r = &xs->recovery;
	u8 state = xs->cong.state;

	r->dupacks = 0;
	r->frto = XTCP_FRTO_OFF;
	/* RFC 6582 3.2 step 2: what we sent twice makes duplicates */
	r->hold = !xs->neg.sack && xs->snd.una == r->point;
	if (state != XTCP_CA_CWR && xtcp_undo_may(xs, seg)) {
		xtcp_undo(xs, state == XTCP_CA_LOSS ? XTCP_MIB_LOSS_UNDO :
			  XTCP_MIB_FULL_UNDO);
		xtcp_cong_set_state(&xs->cong, XTCP_CA_OPEN);
		return;
	}
	if (state != XTCP_CA_CWR)
		xtcp_rack_recovered(&xs->rack);
	/* A D-SACK may still come: it stands to be undone. */
	xtcp_cong_complete(&xs->cong, ack->now);
}

/* A hole was filled by what was only late.  With more retransmissions out, wait
 * what they bring, and mark nothing meanwhile.
 */
static bool partial_undo(struct xtcp_sock *xs, const struct xtcp_segment *seg,
			 const struct xtcp_ack *ack)
{
	if (xs->snd.una == ack->prior_una || !xs->recovery.undo ||
	    !xtcp_undo_delayed(xs, seg))
		return false;
	if (seq_lt(ack->prior_una, xs->rack.fack)) {
		xtcp_rack_reordered(xs, ack->prior_una, xs->rack.fack);
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_TS_REORDER);
	}
	if (!xs->sndq.segs_retrans)
		undo_all(xs, XTCP_MIB_PARTIAL_UNDO);
	return true;
}

static void ack_in_recovery(struct xtcp_sock *xs, const struct xtcp_segment *seg,
			    struct xtcp_ack *ack)
{
	if (partial_undo(xs, seg, ack))
		return;
	if (undo_dsack(xs))
		open_or_disorder(xs);
	detect(xs, ack);
	if (xs->cong.state != XTCP_CA_RECOVERY && xs->sndq.segs_lost)
		enter_recovery(xs, ack);
}

static void ack_when_open(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	if (xs->cong.state <= XTCP_CA_DISORDER)
		undo_dsack(xs);
	detect(xs, ack);
	if (xs->sndq.segs_lost) {
		if (!xtcp_mtu_probe_lost(xs))
			enter_recovery(xs, ack);
	} else if (xs->cong.state != XTCP_CA_CWR) {
		open_or_disorder(xs);
		if (unlikely(ack->ece) && xs->snd.una != xs->recovery.point)
			xtcp_recovery_cwr(xs, ack);
	}
}

/* The time-out was spurious: RFC 4015, as far as an RTT sample goes. */
static void undo_timeout(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	if (xs->recovery.frto != XTCP_FRTO_OFF)
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_SPURIOUS_RTOS);
	xs->recovery.frto = XTCP_FRTO_OFF;
	xs->recovery.dupacks = 0;
	undo_all(xs, XTCP_MIB_LOSS_UNDO);
	xs->rtt.backoff = 0;
	if (ack->rtt_us)
		xtcp_rtt_spurious(&xs->rtt, ack->rtt_us, ack->now);
	xs->timers.retransmits = 0;
}

static void ack_after_rto(struct xtcp_sock *xs, const struct xtcp_segment *seg,
			  struct xtcp_ack *ack)
{
	bool progress = xs->snd.una != ack->prior_una;

	if (xtcp_frto_ack(xs, ack) || (progress && xtcp_undo_may(xs, seg))) {
		undo_timeout(xs, ack);
		ack_when_open(xs, ack);
		return;
	}
	if (at_the_end(xs)) {
		leave(xs, seg, ack);
		ack_when_open(xs, ack);
		return;
	}
	detect(xs, ack);
	if (ack->lost_retrans)
		enter_recovery(xs, ack);
}

/* Nothing is missing and nothing was. */
static bool quiet(const struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	return xs->cong.state == XTCP_CA_OPEN && !xs->sndq.segs_lost &&
	       !xs->sndq.segs_sacked && !xs->recovery.dupacks && !ack->dsack &&
	       !ack->ece;
}

static void count_rto_time(struct xtcp_sock *xs, u64 now)
{
	struct xtcp_stats *st = &xs->stats;

	if (xs->cong.state == XTCP_CA_LOSS || !st->rto_since_us)
		return;
	st->total_rto_us += now - st->rto_since_us;
	st->rto_since_us = 0;
}

void xtcp_recovery_ack(struct xtcp_sock *xs, const struct xtcp_segment *seg,
		       struct xtcp_ack *ack)
{
	if (!xs->neg.sack)
		reno_count(xs, ack);
	if (likely(quiet(xs, ack)))
		return;
	if (unlikely(ack->reneged)) {
		xtcp_timers_reneged(xs, ack->now);
		return;
	}
	if (unlikely(ack->ece))
		xs->recovery.undo = false;	/* whatever else it was, it was right */
	if (xs->cong.state == XTCP_CA_LOSS) {
		ack_after_rto(xs, seg, ack);
		count_rto_time(xs, ack->now);
	} else {
		if (at_the_end(xs))
			leave(xs, seg, ack);
		if (xs->cong.state == XTCP_CA_RECOVERY)
			ack_in_recovery(xs, seg, ack);
		else
			ack_when_open(xs, ack);
	}
	if (xs->cong.state == XTCP_CA_CWR || xs->cong.state == XTCP_CA_RECOVERY)
		prr_update(xs, ack, ack->acked + ack->sacked);
}

void xtcp_recovery_lost(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	if (xs->cong.state == XTCP_CA_RECOVERY ||
	    (xs->cong.state == XTCP_CA_LOSS && !ack->lost_retrans))
		return;			/* what is lost makes room for itself */
	if (xtcp_mtu_probe_lost(xs))
		return;
	enter_recovery(xs, ack);
	prr_update(xs, ack, 1);
}

void xtcp_recovery_cwr(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	xtcp_cong_enter_cwr(&xs->cong);
	enter_prr(xs, ack);
	xs->recovery.undo = false;
}

/* RFC 8985 7.4.2: there is nothing to spread the reduction over. */
void xtcp_recovery_tail_lost(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	if (xs->cong.state >= XTCP_CA_CWR)
		return;
	xtcp_cong_enter_cwr(&xs->cong);
	xs->recovery.undo = false;
	xtcp_ecn_reduced(xs);
	xtcp_cong_complete(&xs->cong, ack->now);
	open_or_disorder(xs);
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_LOSS_PROBE_RECOVERY);
}

/* RFC 5681 (4) once per window: a time-out after a reduction that stands, or
 * again for the same segment, reduces no more.
 */
static bool reduced_already(const struct xtcp_sock *xs)
{
	const struct sk_buff *first = xtcp_sndq_first(&xs->sndq);

	if (seq_geq(xs->snd.una, xs->recovery.point))
		return false;
	switch (xs->cong.state) {
	case XTCP_CA_CWR:
	case XTCP_CA_RECOVERY:
		return true;
	case XTCP_CA_LOSS:
		return first && xtcp_skb_cb(first)->tx.flags & XTCP_SKB_EVER_RETRANS;
	default:
		return false;
	}
}

/* Which repair did the timer put an end to? */
static void count_failure(struct xtcp_sock *xs)
{
	struct net *net = sock_net(&xs->inet.sk);
	bool sack = xs->neg.sack;

	if (xs->cong.state == XTCP_CA_RECOVERY)
		xtcp_mib_inc(net, sack ? XTCP_MIB_SACK_RECOVERY_FAIL :
			     XTCP_MIB_RENO_RECOVERY_FAIL);
	else if (xs->cong.state == XTCP_CA_LOSS)
		xtcp_mib_inc(net, XTCP_MIB_LOSS_FAILURES);
	else if (xs->cong.state == XTCP_CA_DISORDER || xs->sndq.segs_sacked)
		xtcp_mib_inc(net, sack ? XTCP_MIB_SACK_FAILURES :
			     XTCP_MIB_RENO_FAILURES);
}

/* A receiver whose left edge is SACKed and not acknowledged reneged. */
static void check_reneging(struct xtcp_sock *xs)
{
	struct sk_buff *first = xtcp_sndq_first(&xs->sndq);

	if (!first || !(xtcp_skb_cb(first)->tx.flags & XTCP_SKB_SACKED))
		return;
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_SACK_RENEGING);
	xtcp_sack_forget(xs);
}

void xtcp_recovery_rto(struct xtcp_sock *xs, u64 now)
{
	struct xtcp_recovery *r = &xs->recovery;
	bool episode = xs->cong.state >= XTCP_CA_RECOVERY;
	bool again = reduced_already(xs);

	if (xs->timers.retransmits == 1)
		count_failure(xs);
	check_reneging(xs);
	if (!again)
		xtcp_undo_begin(xs);
	/* so much reordering there was not, after all */
	if (!episode && xs->sndq.segs_sacked + r->dupacks >= XTCP_DUP_THRESH)
		xs->rack.reordering = XTCP_DUP_THRESH;
	r->point = xs->snd.nxt;
	r->dupacks = 0;
	xtcp_rack_rto(xs, now);
	xtcp_cong_timeout(&xs->cong, xtcp_pipe(xs), again);
	xtcp_ecn_reduced(xs);
	xs->rack.tlp_end_seq = 0;
	xtcp_frto_begin(xs, episode);
}

void xtcp_recovery_sent(struct xtcp_sock *xs, u32 segs, bool retrans, u64 now)
{
	struct xtcp_recovery *r = &xs->recovery;

	if (xs->cong.state == XTCP_CA_RECOVERY || xs->cong.state == XTCP_CA_CWR)
		r->prr_out += segs;
	if (!retrans)
		return;
	r->undo_retrans += segs;
	if (!r->retrans) {
		r->retrans = true;
		/* the TSval it carries, to the millisecond */
		r->retrans_stamp = xtcp_clock_us_to_ms(now) + xs->ts.offset;
	}
}
