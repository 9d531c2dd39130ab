// SPDX-License-Identifier: GPL-2.0
/* rate.c - delivery rate samples
 *
 * For a packet P that an ACK delivers, the flight it belongs to was sent in
 * (P.first_sent_time, P.sent_time] and delivered in (P.delivered_time, now].
 * Between those, C.delivered - P.delivered packets arrived.  Dividing by the
 * longer of the two intervals can only underestimate: ACK compression shrinks
 * the second, a sender's burst shrinks the first.  Samples shorter than the
 * minimum RTT are artefacts.
 *
 * If the application did not keep the pipe full, samples tell its rate and not
 * the path's; the bubble is over when what was in flight then is delivered.
 */

#include "control/rate.h"
#include "proto/seq.h"

#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define PKT_COUNT_MASK	0x7fffffffU

void xtcp_rate_init(struct xtcp_rate *r)
{
	/* before anything was delivered, nothing has filled the pipe */
	*r = (struct xtcp_rate) { .app_limited = ~0U };
}

void xtcp_rate_sent(struct xtcp_rate *r, struct xtcp_rate_pkt *pkt,
		    u32 flight, u64 now_us)
{
	/* a new flight begins: its intervals start here */
	if (!flight) {
		r->first_tx_us = now_us;
		r->delivered_us = now_us;
	}

	pkt->first_tx_us = r->first_tx_us;
	pkt->delivered_us = r->delivered_us;
	pkt->delivered = r->delivered;
	pkt->app_limited = r->app_limited != 0;
}

/* Was pkt sent after the newest one that this ACK delivered so far? */
static bool pkt_is_newest(const struct xtcp_rate_sample *rs,
			  const struct xtcp_rate_pkt *pkt, u32 sent_us)
{
	u32 ahead = (pkt->delivered - rs->prior_delivered) & PKT_COUNT_MASK;

	if (!rs->valid)
		return true;
	if (sent_us != rs->newest_us)
		return seq_gt(sent_us, rs->newest_us);
	return ahead <= PKT_COUNT_MASK / 2;
}

void xtcp_rate_delivered(struct xtcp_rate *r, struct xtcp_rate_sample *rs,
			 const struct xtcp_rate_pkt *pkt, u32 pkts,
			 u64 sent_us, bool retrans)
{
	r->delivered += pkts;
	rs->acked_sacked += pkts;
	if (!pkt_is_newest(rs, pkt, sent_us))
		return;

	rs->valid = true;
	rs->prior_delivered = pkt->delivered | (r->delivered & ~PKT_COUNT_MASK);
	if (seq_gt(rs->prior_delivered, r->delivered))
		rs->prior_delivered -= PKT_COUNT_MASK + 1;
	rs->prior_us = pkt->delivered_us;
	rs->newest_us = sent_us;
	rs->is_app_limited = pkt->app_limited;
	rs->is_retrans = retrans;
	rs->snd_interval_us = rs->newest_us - pkt->first_tx_us;
	/* the next flight's interval starts when this packet left */
	r->first_tx_us = sent_us;
}

/* Keep the best recent sample; an application-limited one only if better */
static void rate_remember(struct xtcp_rate *r,
			  const struct xtcp_rate_sample *rs)
{
	u64 fresh = (u64)rs->delivered * r->rate_interval_us;
	u64 kept = (u64)r->rate_delivered * rs->interval_us;

	if (rs->is_app_limited && fresh < kept)
		return;

	r->rate_delivered = rs->delivered;
	r->rate_interval_us = rs->interval_us;
	r->rate_app_limited = rs->is_app_limited;
}

void xtcp_rate_generate(struct xtcp_rate *r, struct xtcp_rate_sample *rs,
			u32 lost, u32 min_rtt_us, u64 now_us)
{
	u32 interval_us;

	if (r->app_limited && seq_gt(r->delivered, r->app_limited))
		r->app_limited = 0;
	if (rs->acked_sacked)
		r->delivered_us = now_us;
	rs->losses = lost;
	rs->delivered = -1;
	rs->interval_us = -1;
	if (!rs->valid)
		return;

	rs->delivered = r->delivered - rs->prior_delivered;
	if (!rs->is_retrans)
		rs->rtt_us = max_t(s32, (u32)now_us - rs->newest_us, 1);
	rs->rcv_interval_us = (u32)now_us - rs->prior_us;
	interval_us = max(rs->snd_interval_us, rs->rcv_interval_us);
	if (!interval_us || interval_us < min_rtt_us || (s32)interval_us < 0)
		return;

	rs->interval_us = interval_us;
	rate_remember(r, rs);
}

void xtcp_rate_app_limited(struct xtcp_rate *r, u32 flight)
{
	r->app_limited = max(r->delivered + flight, 1U);
}

u64 xtcp_rate_bytes(const struct xtcp_rate *r, u32 mss)
{
	if (!r->rate_interval_us)
		return 0;
	return div_u64((u64)r->rate_delivered * mss * 1000000,
		       r->rate_interval_us);
}
