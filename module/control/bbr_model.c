// SPDX-License-Identifier: GPL-2.0
/* bbr_model.c - what BBR learns from ACKs: the rate, the rounds, policers */

#include "control/bbr_model.h"

#include "control/bbr.h"
#include "proto/proto.h"
#include "proto/seq.h"

#include <linux/kernel.h>
#include <linux/minmax.h>

/* Policers */
#define LT_MIN_ROUNDS		4
#define LT_MAX_ROUNDS		(4 * LT_MIN_ROUNDS)
#define LT_LOSS_THRESH		50U	/* 1/256 of what was delivered */
#define LT_BW_RATIO		(BBR_GAIN_ONE / 8)
#define LT_BW_DIFF		(4000 / 8)	/* bytes per second */
#define LT_USE_ROUNDS		48
#define LT_MAX_MS		(~0U / 1000)

/* Aggregation of ACKs */
#define EXTRA_ROUNDS		5
#define EXTRA_EPOCH_MAX		0x100000U
#define EXTRA_MAX_US		100000U

/* Below this rate (1.2 Mbit/s) segments leave one by one */
#define MIN_TSO_RATE		(1200000 / 8)
#define TSO_RATE_SHIFT		10	/* a millisecond's worth */
#define TSO_GOAL_BYTES		65000U
#define TSO_GOAL_SEGS		127U

/* --- rate and window ----------------------------------------------------- */

/* Rounds pass, but only samples make others old: while the program is the limit
 * there are none, and what is known stays.
 */
static void bw_sample(struct xtcp_bbr *b, u32 bw)
{
	u32 now = b->round / BBR_SLOT_ROUNDS, i;
	u32 age = min_t(u32, now - b->bw_slot_now, BBR_BW_SLOTS);

	while (age)
		b->bw_slot[(now - --age) % BBR_BW_SLOTS] = 0;
	b->bw_slot_now = now;
	b->bw_slot[now % BBR_BW_SLOTS] = max(b->bw_slot[now % BBR_BW_SLOTS], bw);
	b->bw_max = 0;
	for (i = 0; i < BBR_BW_SLOTS; i++)
		b->bw_max = max(b->bw_max, b->bw_slot[i]);
}

u64 xtcp_bbr_rate(const struct xtcp_cong *c, u64 bw, u32 gain, u32 percent)
{
	u64 rate = bw * c->mss * gain >> BBR_GAIN_SHIFT;

	return rate * (XTCP_USEC_PER_SEC / 100 * percent) >> BBR_BW_SHIFT;
}

u32 xtcp_bbr_bdp(const struct xtcp_bbr *b, u32 bw, u32 gain)
{
	u64 w;

	if (b->min_rtt_us == BBR_NO_RTT)
		return XTCP_INIT_CWND;
	w = min_t(u64, (u64)bw * b->min_rtt_us, 1ULL << 53);
	return ((w * gain >> BBR_GAIN_SHIFT) + BBR_BW_ONE - 1) >> BBR_BW_SHIFT;
}

u32 xtcp_bbr_min_tso_segs(const struct xtcp_cong *c)
{
	return c->pacing_rate < MIN_TSO_RATE ? 1 : 2;
}

u32 xtcp_bbr_tso_goal(const struct xtcp_cong *c)
{
	u64 bytes = min_t(u64, c->pacing_rate >> TSO_RATE_SHIFT,
			  TSO_GOAL_BYTES);
	u32 segs = c->mss ? (u32)bytes / c->mss : 0;

	return min(max(segs, xtcp_bbr_min_tso_segs(c)), TSO_GOAL_SEGS);
}

/* What the ends hold is not in the network: a super-packet in the qdisc, one in
 * the device, one waiting for the receiver's ACK.  Even, for peers that
 * acknowledge every second segment.
 */
u32 xtcp_bbr_with_quantum(const struct xtcp_cong *c, u32 cwnd)
{
	const struct xtcp_bbr *b = xtcp_cong_priv(c);

	cwnd += 3 * xtcp_bbr_tso_goal(c);
	cwnd = (cwnd + 1) & ~1U;
	if (b->mode == XTCP_BBR_PROBE_BW && !b->cycle)
		cwnd += 2;	/* a small BDP is to be probed, too */
	return cwnd;
}

u32 xtcp_bbr_inflight(const struct xtcp_cong *c, u32 bw, u32 gain)
{
	return xtcp_bbr_with_quantum(c, xtcp_bbr_bdp(xtcp_cong_priv(c), bw, gain));
}

/* --- policers ------------------------------------------------------------ */

void xtcp_bbr_lt_interval(struct xtcp_bbr *b, const struct xtcp_cong_ack *a)
{
	b->lt_ms = xtcp_bbr_ms(a->now_us);
	b->lt_delivered = a->delivered;
	b->lt_lost = a->lost;
	b->lt_rounds = 0;
}

static void lt_reset(struct xtcp_bbr *b, const struct xtcp_cong_ack *a)
{
	b->lt_bw = 0;
	b->lt_use = false;
	b->lt_sampling = false;
	xtcp_bbr_lt_interval(b, a);
}

static void lt_interval_done(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
			     u32 bw)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);
	u32 diff = bw > b->lt_bw ? bw - b->lt_bw : b->lt_bw - bw;

	if (b->lt_bw &&
	    ((u64)diff * BBR_GAIN_ONE <= (u64)LT_BW_RATIO * b->lt_bw ||
	     xtcp_bbr_rate(c, diff, BBR_GAIN_ONE, BBR_PACING_PERCENT) <= LT_BW_DIFF)) {
		b->lt_bw = ((u64)bw + b->lt_bw) >> 1;
		b->lt_use = true;
		b->pacing_gain = BBR_GAIN_ONE;
		b->lt_rounds = 0;
		return;
	}
	b->lt_bw = bw;
	xtcp_bbr_lt_interval(b, a);
}

/* A loss ends the interval, if the interval lost a lot. */
static void lt_loss(struct xtcp_cong *c, const struct xtcp_cong_ack *a)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);
	u32 delivered = a->delivered - b->lt_delivered;
	u32 ms = xtcp_bbr_ms(a->now_us) - b->lt_ms;
	u64 lost = a->lost - b->lt_lost;

	if (!delivered || !ms ||
	    lost << BBR_GAIN_SHIFT < (u64)LT_LOSS_THRESH * delivered)
		return;
	if (ms >= LT_MAX_MS) {
		lt_reset(b, a);
		return;
	}
	lt_interval_done(c, a, min_t(u64, U32_MAX,
				     div_u64(delivered * BBR_BW_ONE, ms * 1000)));
}

/* An interval lasts from loss to loss, when the policer's bucket is empty, for 4
 * to 16 rounds.  True: a rate that was found earlier has been used long enough.
 */
static bool lt_sample(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
		      const struct xtcp_rate_sample *rs)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);
	bool loss = rs->losses || b->lt_timeout;
	bool round = b->round_start || b->lt_timeout;

	b->lt_timeout = false;
	if (b->lt_use) {
		if (b->mode == XTCP_BBR_PROBE_BW && round &&
		    ++b->lt_rounds >= LT_USE_ROUNDS) {
			lt_reset(b, a);
			return true;
		}
		return false;
	}
	if (!b->lt_sampling) {
		if (!loss)
			return false;
		xtcp_bbr_lt_interval(b, a);
		b->lt_sampling = true;
	}
	if (rs->is_app_limited) {
		lt_reset(b, a);
		return false;
	}
	b->lt_rounds += round;
	if (b->lt_rounds < LT_MIN_ROUNDS)
		return false;
	if (b->lt_rounds > LT_MAX_ROUNDS) {
		lt_reset(b, a);
		return false;
	}
	if (loss)
		lt_loss(c, a);
	return false;
}

/* --- what an ACK tells --------------------------------------------------- */

static bool has_rate(const struct xtcp_rate_sample *rs)
{
	return rs->delivered >= 0 && rs->interval_us > 0;
}

/* A round is over when something that was sent after it began is delivered */
static bool update_bw(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
		      const struct xtcp_rate_sample *rs)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);
	bool expired;
	u64 bw;

	b->round_start = false;
	if (!has_rate(rs))
		return false;
	if (seq_geq(rs->prior_delivered, b->round_end)) {
		b->round_end = a->delivered;
		b->round_start = true;
		b->conserve = false;
		b->round++;
	}
	expired = lt_sample(c, a, rs);

	bw = div_u64(rs->delivered * BBR_BW_ONE, rs->interval_us);
	bw = min_t(u64, bw, U32_MAX);
	/* the program's rate says nothing about the path's, unless it is more */
	if (!rs->is_app_limited || bw >= b->bw_max)
		bw_sample(b, bw);
	return expired;
}

/* How much more comes at once than BtlBw explains: cwnd allows for it */
static void update_extra_acked(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
			       const struct xtcp_rate_sample *rs)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);
	u32 expected, extra;

	if (!rs->acked_sacked || !has_rate(rs))
		return;
	if (b->round_start && ++b->extra_rounds >= EXTRA_ROUNDS) {
		b->extra_rounds = 0;
		b->extra_idx ^= 1;
		b->extra_max[b->extra_idx] = 0;
	}
	expected = min_t(u64, U32_MAX, (u64)xtcp_bbr_bw(b) *
			 ((u32)a->now_us - b->extra_us) >> BBR_BW_SHIFT);
	if (b->extra_count <= expected ||
	    b->extra_count + rs->acked_sacked >= EXTRA_EPOCH_MAX) {
		b->extra_count = 0;
		b->extra_us = a->now_us;
		expected = 0;
	}
	b->extra_count = min(b->extra_count + rs->acked_sacked,
			     EXTRA_EPOCH_MAX - 1);
	extra = min3(b->extra_count - expected, c->cwnd, (u32)U16_MAX);
	if (extra > b->extra_max[b->extra_idx])
		b->extra_max[b->extra_idx] = extra;
}

u32 xtcp_bbr_extra_cwnd(const struct xtcp_bbr *b)
{
	u32 extra = max(b->extra_max[0], b->extra_max[1]);

	if (!b->full)
		return 0;
	return min_t(u64, extra, (u64)xtcp_bbr_bw(b) * EXTRA_MAX_US >> BBR_BW_SHIFT);
}

bool xtcp_bbr_model_ack(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
			const struct xtcp_rate_sample *rs)
{
	bool expired = update_bw(c, a, rs);

	update_extra_acked(c, a, rs);
	return expired;
}
