// SPDX-License-Identifier: GPL-2.0
#include "engine/ack.h"

#include "engine/output.h"
#include "engine/sack.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "engine/xmit.h"
#include "proto/segment.h"
#include "proto/seq.h"
#include "queue/tstamp.h"

/* SND.UNA < SEG.ACK =< SND.NXT, and RFC 5961 5.2 for what is older. */
static enum xtcp_drop ack_acceptable(struct xtcp_sock *xs,
				     const struct xtcp_segment *seg)
{
	if (seq_gt(seg->ack, xs->snd.nxt)) {
		xtcp_xmit_challenge(xs);
		return XTCP_DROP_BAD_ACK;
	}
	if (seq_lt(seg->ack, xs->snd.una - xs->snd.max_wnd)) {
		xtcp_xmit_challenge(xs);
		return XTCP_DROP_OLD_ACK;
	}
	return XTCP_DROP_NONE;
}

void xtcp_ack_delivered(struct xtcp_sock *xs, struct xtcp_ack *ack,
			struct sk_buff *skb)
{
	const struct xtcp_skb_tx *tx = &xtcp_skb_cb(skb)->tx;

	xtcp_rate_delivered(&xs->rate, &ack->rs, &tx->rate, tx->segs,
			    tx->xmit_us, tx->flags & XTCP_SKB_EVER_RETRANS);
	xtcp_rack_delivered(xs, skb, ack->now);
	if (tx->flags & XTCP_SKB_EVER_RETRANS)
		return;
	ack->reord = seq_min(ack->reord, xtcp_skb_cb(skb)->seq);
	if (seq_leq(xtcp_skb_cb(skb)->end_seq, xs->recovery.point))
		ack->orig = true;
}

/* RFC 8985 6.2 step 3: delivered after what was sent later, and not sent again. */
static void note_reordering(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	if (likely(ack->reord == ack->prior_fack))
		return;
	xtcp_rack_reordered(xs, ack->reord, xs->rack.fack);
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_SACK_REORDER);
}

/* The first skb has been acknowledged whole.  What was SACKed before was counted
 * then (RFC 9937: DeliveredData).
 */
static void ack_skb(struct xtcp_sock *xs, struct xtcp_ack *ack,
		    struct sk_buff *skb)
{
	struct xtcp_skb_tx *tx = &xtcp_skb_cb(skb)->tx;

	if (tx->flags & XTCP_SKB_EVER_RETRANS)
		ack->retrans = true;
	if (!(tx->flags & XTCP_SKB_SACKED)) {
		xtcp_ack_delivered(xs, ack, skb);
		if (!ack->first_xmit_us)
			ack->first_xmit_us = tx->xmit_us;
		ack->acked += tx->segs;
	}
	if (unlikely(tx->flags & XTCP_SKB_TSTAMP))
		xtcp_tstamp_acked(&xs->inet.sk, skb, xs->snd.una);
	xtcp_sndq_free_skb(&xs->inet.sk, &xs->sndq, skb);
}

static void ack_partly(struct xtcp_sock *xs, struct xtcp_ack *ack,
		       struct sk_buff *skb, u32 una)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	u16 segs = cb->tx.segs;

	if (unlikely(cb->tx.flags & XTCP_SKB_TSTAMP))
		xtcp_tstamp_acked(&xs->inet.sk, skb, una);
	if (!seq_lt(cb->seq, una) ||
	    xtcp_sndq_trim_head(&xs->inet.sk, &xs->sndq, skb, una, xs->snd.mss) ||
	    cb->tx.flags & XTCP_SKB_SACKED)		/* counted then */
		return;
	if (segs > cb->tx.segs) {
		ack->acked += segs - cb->tx.segs;
		xs->rate.delivered += segs - cb->tx.segs;
		if (!ack->first_xmit_us)
			ack->first_xmit_us = cb->tx.xmit_us;
	}
	if (cb->tx.flags & XTCP_SKB_EVER_RETRANS)
		ack->retrans = true;
	xtcp_rack_delivered(xs, skb, ack->now);
}

static void clean_queue(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	struct sk_buff *skb;

	while ((skb = xtcp_sndq_first(&xs->sndq))) {
		if (seq_gt(xtcp_skb_cb(skb)->end_seq, xs->snd.una)) {
			ack_partly(xs, ack, skb, xs->snd.una);
			break;
		}
		ack_skb(xs, ack, skb);
	}
	/* What was SACKed at the left edge should have been acknowledged. */
	if (skb && xtcp_skb_cb(skb)->tx.flags & XTCP_SKB_SACKED)
		ack->reneged = true;
}

/* Karn: an ACK for anything that was sent twice says nothing; neither does it for
 * what the receiver kept behind the hole until then.
 */
static u64 sampled_xmit_us(const struct xtcp_ack *ack)
{
	if (ack->first_xmit_us && !ack->retrans)
		return ack->first_xmit_us;
	return ack->sack_xmit_us;
}

static void update_rtt(struct xtcp_sock *xs, const struct xtcp_segment *seg,
		       struct xtcp_ack *ack)
{
	u64 sent = sampled_xmit_us(ack);
	u32 rtt = 0;

	if (sent) {
		rtt = clamp_t(s64, ack->now - sent, 1, U32_MAX);
	} else if (xs->snd.una != ack->prior_una && xs->neg.ts &&
		   seg->opt.saw_tstamp && seg->opt.tsecr) {
		/* RFC 7323 4: retransmitted, but the echo says which */
		u32 ms = xtcp_clock_us_to_ms(ack->now) + xs->ts.offset -
			 seg->opt.tsecr;

		if (ms < XTCP_RTO_MAX_US / USEC_PER_MSEC)
			rtt = max(ms, 1U) * USEC_PER_MSEC;
	}
	if (rtt)
		xtcp_rtt_sample(&xs->rtt, rtt, ack->now);
	ack->rtt_us = rtt;
}

/* RFC 5681 section 2: no data, no window change, something outstanding. */
static bool is_dup(const struct xtcp_sock *xs, const struct xtcp_segment *seg,
		   u32 prior_wnd)
{
	return seg->ack == xs->snd.una && !seg->len && xs->sndq.segs_out &&
	       xs->snd.wnd == prior_wnd;
}

/* Who paces by a model of the path wants to know this besides. */
static void tell_more(const struct xtcp_sock *xs, const struct xtcp_ack *ack,
		      struct xtcp_cong_ack *ca)
{
	ca->pipe = xtcp_pipe(xs);
	ca->delivered = xs->rate.delivered;
	ca->lost = xs->rate.lost;
	ca->edt_us = xtcp_pacing_wait_us(xs, ack->now);
	/* a lone small packet: the receiver may have waited for another */
	ca->maybe_delayed = ack->acked == 1 && !ack->sacked &&
			    xs->snd.una - ack->prior_una < xs->snd.mss &&
			    ack->rs.prior_delivered + 1 == xs->rate.delivered;
}

/* How far apart ACKs come for reasons of our own */
static void tell_spacing(const struct xtcp_sock *xs, struct xtcp_cong_ack *ca)
{
	const struct sock *sk = &xs->inet.sk;

	ca->paced = READ_ONCE(sk->sk_pacing_status) != SK_PACING_NONE;
	ca->rate = READ_ONCE(sk->sk_pacing_rate);
	ca->gso_max = sk->sk_gso_max_size;
}

static void feed_cong(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	u32 delivered = ack->acked + ack->sacked;
	struct xtcp_cong_ack ca;

	xtcp_rate_generate(&xs->rate, &ack->rs, ack->lost,
			   xtcp_rtt_min_us(&xs->rtt), ack->now);
	/* RFC 5681 3.1: a duplicate raises no window */
	if (!xs->cong.ops->cong_control &&
	    (!delivered || xs->snd.una == ack->prior_una))
		return;
	ca = (struct xtcp_cong_ack) {
		.now_us = ack->now,
		.acked = delivered,
		.flight = ack->prior_pipe,
		.snd_una = xs->snd.una,
		.snd_nxt = xs->snd.nxt,
		.rtt_us = ack->rtt_us,
		.srtt_us = xtcp_rtt_srtt_us(&xs->rtt),
		.min_rtt_us = xtcp_rtt_min_us(&xs->rtt),
	};
	if (unlikely(xs->cong.ops->cong_control))
		tell_more(xs, ack, &ca);
	if (xtcp_cong_in_slow_start(&xs->cong))
		tell_spacing(xs, &ca);
	xtcp_cong_ack(&xs->cong, &ca, &ack->rs);
	if (unlikely(xs->cong.self_limited))
		xtcp_rate_app_limited(&xs->rate, xtcp_pipe(xs));
}

static void ack_timers(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	if (unlikely(ack->reneged))
		return;			/* its timer is set */
	if (xs->snd.una != ack->prior_una)
		xtcp_timers_una_advanced(xs, ack->now);
	else
		xtcp_timers_disorder(xs, ack->now);
	if (ack->reo_wait_us)
		xtcp_timers_reorder_wait(xs, ack->reo_wait_us, ack->now);
}

/* RFC 8985 7.4.2: did the probe repair something?  At SEG.ACK = TLP.end_seq that
 * is not known yet: the other copy's ACK may follow.
 */
static void tlp_ack(struct xtcp_sock *xs, const struct xtcp_segment *seg,
		    const struct xtcp_ack *ack)
{
	struct xtcp_rack *rack = &xs->rack;

	if (likely(!rack->tlp_end_seq) || seq_lt(seg->ack, rack->tlp_end_seq))
		return;
	if (!rack->tlp_is_retrans || ack->dsack_tlp) {
		rack->tlp_end_seq = 0;
	} else if (seq_gt(seg->ack, rack->tlp_end_seq)) {
		xtcp_recovery_tail_lost(xs, ack);
		rack->tlp_end_seq = 0;
	} else if (xs->snd.una == ack->prior_una && !seg->len && !ack->sacked) {
		rack->tlp_end_seq = 0;		/* both arrived */
	}
}

static void advance_una(struct xtcp_sock *xs, u32 una)
{
	xs->stats.bytes_acked += una - xs->snd.una;
	xs->snd.una = una;
	/* RACK.fack may not fall behind by more than sequence numbers compare */
	xs->rack.fack = seq_max(xs->rack.fack, una);
	xs->room = true;
	sk_dst_confirm(&xs->inet.sk);	/* RFC 4861 7.3.1 */
}

/* Nothing is out, or it is an old ACK: only its SACK blocks can have news. */
static void ack_of_nothing(struct xtcp_sock *xs, const struct xtcp_segment *seg,
			   struct xtcp_ack *ack)
{
	if (seg->opt.num_sacks && xs->neg.sack) {
		xtcp_sack_rcv(xs, seg, ack);
		note_reordering(xs, ack);
		xtcp_recovery_ack(xs, seg, ack);
		xtcp_rate_generate(&xs->rate, &ack->rs, ack->lost,
				   xtcp_rtt_min_us(&xs->rtt), ack->now);
		ack_timers(xs, ack);
	}
	tlp_ack(xs, seg, ack);
}

static void count_delivered(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	u32 delivered = ack->acked + ack->sacked;

	xtcp_mib_add(sock_net(&xs->inet.sk), XTCP_MIB_DELIVERED, delivered);
	if (unlikely(ack->ece)) {
		xs->ecn.delivered_ce += delivered;
		xtcp_mib_add(sock_net(&xs->inet.sk), XTCP_MIB_DELIVERED_CE,
			     delivered);
	}
}

/* Something is out: what did this ACK change? */
static void ack_of_data(struct xtcp_sock *xs, const struct xtcp_segment *seg,
			struct xtcp_ack *ack)
{
	if (seg->ack != xs->snd.una) {
		advance_una(xs, seg->ack);
		clean_queue(xs, ack);
		if (unlikely(xs->mtu_probe.size))
			xtcp_mtu_probe_acked(xs);
	}
	if (xs->neg.sack && seg->opt.num_sacks)
		xtcp_sack_rcv(xs, seg, ack);
	note_reordering(xs, ack);
	update_rtt(xs, seg, ack);
	tlp_ack(xs, seg, ack);
	xtcp_recovery_ack(xs, seg, ack);
	feed_cong(xs, ack);
	xtcp_pacing_update(xs);
	if (!xs->sndq.segs_out && !xs->sndq.head)
		xtcp_chrono_set(&xs->chrono, XTCP_CHRONO_IDLE, ack->now);
	ack_timers(xs, ack);
	count_delivered(xs, ack);
	/* last: it may end the connection */
	if (xs->fin_sent && xs->snd.una == xs->snd.nxt)
		xtcp_state_fin_acked(xs);
}

enum xtcp_drop xtcp_ack_rcv(struct xtcp_sock *xs, const struct xtcp_segment *seg,
			    u64 now)
{
	struct xtcp_ack ack = {
		.now = now,
		.prior_una = xs->snd.una,
		.prior_fack = xs->rack.fack,
		.reord = xs->rack.fack,
		.ece = seg->ctl & XTCP_ECE && xs->neg.ecn,
	};
	u32 prior_wnd = xs->snd.wnd;
	enum xtcp_drop why;

	why = ack_acceptable(xs, seg);
	if (why)
		return why;
	if (unlikely(xs->inet.sk.sk_err_soft))
		WRITE_ONCE(xs->inet.sk.sk_err_soft, 0);	/* the path works */
	xs->stats.last_ack_recv_us = now;
	xtcp_timers_segment_heard(xs);
	ack.prior_pipe = xtcp_pipe(xs);
	if (unlikely(seq_lt(seg->ack, xs->snd.una))) {
		ack_of_nothing(xs, seg, &ack);
		return XTCP_DROP_NONE;
	}
	xtcp_window_rcv(xs, seg);
	ack.dup = is_dup(xs, seg, prior_wnd);
	if (xs->sndq.segs_out)
		ack_of_data(xs, seg, &ack);
	else
		ack_of_nothing(xs, seg, &ack);
	return XTCP_DROP_NONE;
}
