// SPDX-License-Identifier: GPL-2.0
/* rack.c - RFC 8985 section 6.
 *
 * A segment is lost when one that was sent after it has been delivered, and the
 * time since it was sent is longer than a round trip and a reordering window.
 */
#include "engine/rack.h"

#include "engine/ack.h"
#include "engine/sock.h"
#include "proto/seq.h"

#define REO_WND_PERSIST		16
#define REO_WND_MULT_MAX	U8_MAX
#define REORDERING_MAX		300

void xtcp_rack_init(struct xtcp_rack *r)
{
	memset(r, 0, sizeof(*r));
	r->reo_wnd_mult = 1;
	r->reordering = XTCP_DUP_THRESH;
}

static bool sent_after(u64 t1, u32 seq1, u64 t2, u32 seq2)
{
	return t1 > t2 || (t1 == t2 && seq_gt(seq1, seq2));
}

/* Steps 1 and 2: the most recently sent segment that was delivered. */
void xtcp_rack_delivered(struct xtcp_sock *xs, const struct sk_buff *skb, u64 now)
{
	const struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	struct xtcp_rack *r = &xs->rack;
	/* what fq was to keep for longer, and did not */
	u32 rtt = max_t(s64, now - cb->tx.xmit_us, 0);

	/* Too early for the retransmission: it was the original. */
	if (cb->tx.flags & XTCP_SKB_EVER_RETRANS && xtcp_rtt_valid(&xs->rtt) &&
	    rtt < xtcp_rtt_min_us(&xs->rtt))
		return;
	r->rtt = rtt;
	if (!sent_after(cb->tx.xmit_us, cb->end_seq, r->xmit_ts, r->end_seq))
		return;
	r->xmit_ts = cb->tx.xmit_us;
	r->end_seq = cb->end_seq;
}

/* Step 3 */
void xtcp_rack_reordered(struct xtcp_sock *xs, u32 seq, u32 fack)
{
	u32 segs = DIV_ROUND_UP(fack - seq, xs->snd.mss);
	struct xtcp_rack *r = &xs->rack;

	if (!seq_lt(seq, fack))
		return;
	if (segs > r->reordering)
		r->reordering = min_t(u32, segs, REORDERING_MAX);
	r->reordering_seen = true;
	xs->stats.reord_seen++;
}

/* Step 4: a D-SACK says that the window was too small; once a round trip.  (One for
 * a tail probe does not: that was no decision of ours about a loss.)
 */
static void adapt(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	struct xtcp_rack *r = &xs->rack;

	if (r->dsack_round_valid && seq_geq(xs->snd.una, r->dsack_round))
		r->dsack_round_valid = false;
	if (!ack->dsack || ack->dsack_tlp || r->dsack_round_valid)
		return;
	r->dsack_round_valid = true;
	r->dsack_round = xs->snd.nxt;
	if (r->reo_wnd_mult < REO_WND_MULT_MAX)
		r->reo_wnd_mult++;
	r->reo_wnd_persist = REO_WND_PERSIST;
}

void xtcp_rack_recovered(struct xtcp_rack *r)
{
	if (r->reo_wnd_persist && --r->reo_wnd_persist == 0)
		r->reo_wnd_mult = 1;
}

void xtcp_rack_mistaken(struct xtcp_rack *r)
{
	r->reo_wnd_persist = min(r->reo_wnd_persist + 1, REO_WND_PERSIST);
}

static u32 reo_wnd(const struct xtcp_sock *xs)
{
	const struct xtcp_rack *r = &xs->rack;
	u64 wnd;

	if (!r->reordering_seen &&
	    (xs->cong.state >= XTCP_CA_RECOVERY ||
	     xs->sndq.segs_sacked >= XTCP_DUP_THRESH))
		return 0;
	if (xtcp_rtt_min_us(&xs->rtt) == XTCP_MIN_RTT_NONE)
		return 0;
	wnd = (u64)r->reo_wnd_mult * xtcp_rtt_min_us(&xs->rtt) / 4;
	return min_t(u64, wnd, xtcp_rtt_srtt_us(&xs->rtt));
}

static u32 mark(struct xtcp_sock *xs, struct sk_buff *skb, struct xtcp_ack *ack)
{
	const struct xtcp_skb_tx *tx = &xtcp_skb_cb(skb)->tx;

	if (tx->flags & XTCP_SKB_RETRANS) {
		ack->lost_retrans = true;
		xtcp_mib_add(sock_net(&xs->inet.sk), XTCP_MIB_LOST_RETRANSMIT,
			     tx->segs);
	}
	xtcp_sndq_lost(&xs->sndq, skb);
	xs->rate.lost += tx->segs;
	return tx->segs;
}

/* Step 5, over what was sent before the newest that was delivered.  What is lost
 * leaves the list, so it is looked at until then and no longer.
 */
static void detect(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	struct xtcp_rack *r = &xs->rack;
	struct sk_buff *skb, *next;

	ack->reo_wait_us = 0;
	r->reo_wnd = reo_wnd(xs);
	list_for_each_entry_safe(skb, next, &xs->sndq.by_time, tcp_tsorted_anchor) {
		const struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
		s64 left;

		if (!sent_after(r->xmit_ts, r->end_seq, cb->tx.xmit_us, cb->end_seq))
			break;
		left = cb->tx.xmit_us + r->rtt + r->reo_wnd - ack->now;
		if (left <= 0)
			ack->lost += mark(xs, skb, ack);
		else
			ack->reo_wait_us = max_t(u32, ack->reo_wait_us, left);
	}
}

void xtcp_rack_ack(struct xtcp_sock *xs, struct xtcp_ack *ack)
{
	if (!xs->neg.sack || !xs->rack.xmit_ts)
		return;
	adapt(xs, ack);
	/* Nothing new was delivered: only time can tell, and its timer runs. */
	if (!ack->acked && !ack->sacked && xs->snd.una == ack->prior_una)
		return;
	/* Nothing out of order: whatever was sent earlier is acknowledged. */
	if (!xs->sndq.segs_sacked && xs->cong.state == XTCP_CA_OPEN)
		return;
	detect(xs, ack);
}

bool xtcp_rack_timeout(struct xtcp_sock *xs, u64 now)
{
	struct xtcp_ack ack = {
		.now = now,
		.prior_una = xs->snd.una,
		.prior_pipe = xtcp_pipe(xs),
	};

	detect(xs, &ack);
	if (ack.lost)
		xtcp_recovery_lost(xs, &ack);
	if (ack.reo_wait_us)
		xtcp_timers_reorder_wait(xs, ack.reo_wait_us, now);
	return ack.lost;
}

void xtcp_rack_rto(struct xtcp_sock *xs, u64 now)
{
	struct sk_buff *first = xtcp_sndq_flight(&xs->sndq), *skb, *next;
	struct xtcp_ack ack = {};

	for (skb = first; skb; skb = next) {
		const struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);

		next = xtcp_sndq_flight_next(skb);
		if (skb == first || !xs->neg.sack ||
		    cb->tx.xmit_us + xs->rack.rtt + xs->rack.reo_wnd <= now)
			mark(xs, skb, &ack);
	}
}
