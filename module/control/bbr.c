// SPDX-License-Identifier: GPL-2.0
/* bbr.c - BBR version 1, with the constants and the additions that Linux has
 *
 * Two numbers describe a path: BtlBw, the largest delivery rate of the last ten
 * round trips, and RTprop, the smallest RTT of the last ten seconds.  They
 * cannot be measured at the same time: one needs a full pipe, the other an
 * empty queue.  So four modes take turns:
 *
 *	STARTUP		twice the rate each round, until it stops to grow
 *	DRAIN		the queue that this has made goes away
 *	PROBE_BW	for ever: a round 5/4 as fast, one 3/4, six as measured
 *	PROBE_RTT	for 200 ms every ten seconds: four packets in flight
 *
 * Rate is what counts (pacing_gain * BtlBw); cwnd (cwnd_gain * BDP) is the limit
 * for when the model is wrong.  A loss changes neither number; only a policer,
 * seen as the same rate at heavy loss twice over, is believed (bbr_model.c).
 */

#include "control/bbr.h"

#include "control/bbr_model.h"
#include "proto/proto.h"
#include "proto/seq.h"

#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/types.h>

/* 4.1.1.3: 2/ln 2, the least that doubles the rate each round */
#define HIGH_GAIN		(BBR_GAIN_ONE * 2885 / 1000 + 1)
#define DRAIN_GAIN		(BBR_GAIN_ONE * 1000 / 2885)
#define CWND_GAIN		(2 * BBR_GAIN_ONE)	/* room for delayed ACKs */
#define MIN_PIPE_CWND		4U

/* STARTUP is over after three rounds that brought less than a quarter more */
#define FULL_BW_GROWTH		(BBR_GAIN_ONE * 5 / 4)
#define FULL_BW_ROUNDS		3

#define MIN_RTT_WINDOW_MS	10000U
#define PROBE_RTT_MS		200U

#define CYCLE_LEN		8

/* --- modes --------------------------------------------------------------- */

static void check_full_pipe(struct xtcp_bbr *b, const struct xtcp_rate_sample *rs)
{
	if (b->full || !b->round_start || rs->is_app_limited)
		return;
	if (b->bw_max >= (u64)b->full_bw * FULL_BW_GROWTH >> BBR_GAIN_SHIFT) {
		b->full_bw = b->bw_max;
		b->full_count = 0;
		return;
	}
	b->full_count++;
	b->full = b->full_count >= FULL_BW_ROUNDS;
}

/* Of what is in flight, the part still in the network when the next departs */
static u32 inflight_at_edt(const struct xtcp_cong *c,
			   const struct xtcp_cong_ack *a, u32 inflight)
{
	const struct xtcp_bbr *b = xtcp_cong_priv(c);
	u64 gone = (u64)xtcp_bbr_bw(b) * a->edt_us >> BBR_BW_SHIFT;

	if (b->pacing_gain > BBR_GAIN_ONE)
		inflight += xtcp_bbr_tso_goal(c);
	return gone < inflight ? inflight - gone : 0;
}

static u32 cycle_gain(const struct xtcp_bbr *b)
{
	if (b->lt_use)
		return BBR_GAIN_ONE;	/* asking for more would be dropped */
	switch (b->cycle) {
	case 0:
		return BBR_GAIN_ONE * 5 / 4;
	case 1:
		return BBR_GAIN_ONE * 3 / 4;
	default:
		return BBR_GAIN_ONE;
	}
}

/* In any phase but the draining one, so that flows do not probe together: the
 * microsecond when it happens is as good as a random number.
 */
static void probe_bw_enter(struct xtcp_bbr *b, u64 now_us)
{
	u32 dice = ((u32)now_us * 2654435761U) >> 16;

	b->mode = XTCP_BBR_PROBE_BW;
	b->cycle = (dice * (CYCLE_LEN - 1)) >> 16;
	if (b->cycle)
		b->cycle++;
	b->phase_us = now_us;
}

/* A phase takes RTprop.  Probing goes on until it has filled the pipe by its
 * gain or loses something, draining ends as soon as the queue is gone.
 */
static bool phase_is_over(const struct xtcp_cong *c,
			  const struct xtcp_cong_ack *a,
			  const struct xtcp_rate_sample *rs)
{
	const struct xtcp_bbr *b = xtcp_cong_priv(c);
	bool full_length = (u32)a->now_us - b->phase_us > b->min_rtt_us;
	u32 inflight;

	if (b->pacing_gain == BBR_GAIN_ONE)
		return full_length;

	inflight = inflight_at_edt(c, a, a->flight);
	if (b->pacing_gain > BBR_GAIN_ONE)
		return full_length &&
		       (rs->losses ||
			inflight >= xtcp_bbr_inflight(c, b->bw_max,
						    b->pacing_gain));
	return full_length ||
	       inflight <= xtcp_bbr_inflight(c, b->bw_max, BBR_GAIN_ONE);
}

static void update_cycle(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
			 const struct xtcp_rate_sample *rs)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);

	if (b->mode != XTCP_BBR_PROBE_BW || !phase_is_over(c, a, rs))
		return;
	b->cycle = (b->cycle + 1) % CYCLE_LEN;
	b->phase_us = a->now_us;
}

static void check_drain(struct xtcp_cong *c, const struct xtcp_cong_ack *a)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);

	if (b->mode == XTCP_BBR_STARTUP && b->full) {
		b->mode = XTCP_BBR_DRAIN;
		c->ssthresh = xtcp_bbr_inflight(c, b->bw_max, BBR_GAIN_ONE);
	}
	if (b->mode == XTCP_BBR_DRAIN &&
	    inflight_at_edt(c, a, a->pipe) <=
	    xtcp_bbr_inflight(c, b->bw_max, BBR_GAIN_ONE))
		probe_bw_enter(b, a->now_us);
}

/* A loss or PROBE_RTT will cut cwnd for a while */
static void save_cwnd(struct xtcp_cong *c)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);

	if (b->prev_state < XTCP_CA_RECOVERY && b->mode != XTCP_BBR_PROBE_RTT)
		b->prior_cwnd = c->cwnd;
	else
		b->prior_cwnd = max(b->prior_cwnd, c->cwnd);
}

static void check_probe_rtt_done(struct xtcp_cong *c, u64 now_us)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);
	u32 now_ms = xtcp_bbr_ms(now_us);

	if (!b->probe_rtt_end_ms || !seq_gt(now_ms, b->probe_rtt_end_ms))
		return;
	b->min_rtt_ms = now_ms;
	c->cwnd = max(c->cwnd, b->prior_cwnd);
	c->self_limited = false;
	if (b->full)
		probe_bw_enter(b, now_us);
	else
		b->mode = XTCP_BBR_STARTUP;
}

/* At least 200 ms and a round with four packets: the queue is empty */
static void probe_rtt(struct xtcp_cong *c, const struct xtcp_cong_ack *a)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);

	c->self_limited = true;		/* these rates are not the path's */
	if (!b->probe_rtt_end_ms) {
		if (a->pipe > MIN_PIPE_CWND)
			return;
		b->probe_rtt_end_ms = (xtcp_bbr_ms(a->now_us) + PROBE_RTT_MS) ?: 1;
		b->probe_rtt_round = false;
		b->round_end = a->delivered;
		return;
	}
	if (b->round_start)
		b->probe_rtt_round = true;
	if (b->probe_rtt_round)
		check_probe_rtt_done(c, a->now_us);
}

static void update_min_rtt(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
			   const struct xtcp_rate_sample *rs)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);
	u32 now_ms = xtcp_bbr_ms(a->now_us);
	bool expired = seq_gt(now_ms, b->min_rtt_ms + MIN_RTT_WINDOW_MS);

	if (rs->rtt_us && (rs->rtt_us < b->min_rtt_us ||
			   (expired && !a->maybe_delayed))) {
		b->min_rtt_us = rs->rtt_us;
		b->min_rtt_ms = now_ms;
	}
	if (expired && !b->idle_restart && b->mode != XTCP_BBR_PROBE_RTT) {
		save_cwnd(c);
		b->mode = XTCP_BBR_PROBE_RTT;
		b->probe_rtt_end_ms = 0;
	}
	if (b->mode == XTCP_BBR_PROBE_RTT)
		probe_rtt(c, a);
	if (rs->delivered > 0)
		b->idle_restart = false;
}

static void update_gains(struct xtcp_bbr *b)
{
	switch (b->mode) {
	case XTCP_BBR_STARTUP:
		b->pacing_gain = HIGH_GAIN;
		b->cwnd_gain = HIGH_GAIN;
		break;
	case XTCP_BBR_DRAIN:
		b->pacing_gain = DRAIN_GAIN;
		b->cwnd_gain = HIGH_GAIN;
		break;
	case XTCP_BBR_PROBE_BW:
		b->pacing_gain = cycle_gain(b);
		b->cwnd_gain = CWND_GAIN;
		break;
	case XTCP_BBR_PROBE_RTT:
		b->pacing_gain = BBR_GAIN_ONE;
		b->cwnd_gain = BBR_GAIN_ONE;
		break;
	}
}

/* --- rate and window ----------------------------------------------------- */

/* Until the pipe has been full, a lower sample is no reason to slow down */
static void set_pacing_rate(struct xtcp_cong *c, u32 gain, u32 srtt_us)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);
	u64 rate = xtcp_bbr_rate(c, xtcp_bbr_bw(b), gain, BBR_PACING_PERCENT);

	if (!b->seen_rtt && srtt_us) {
		b->seen_rtt = true;
		c->pacing_rate = xtcp_bbr_rate(c, div_u64(c->cwnd * BBR_BW_ONE, srtt_us),
					       HIGH_GAIN, BBR_PACING_PERCENT);
	}
	if (b->full || rate > c->pacing_rate)
		c->pacing_rate = max_t(u64, rate, 1);
}

/* The first round of a recovery sends what arrives, those after it slow start;
 * then the window is what it was.  True: that is all for this ACK.
 */
static bool recover_cwnd(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
			 const struct xtcp_rate_sample *rs)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);
	u8 prev = b->prev_state;

	b->prev_state = c->state;
	if (rs->losses)
		c->cwnd = c->cwnd > rs->losses ? c->cwnd - rs->losses : 1;
	if (c->state == XTCP_CA_RECOVERY && prev != XTCP_CA_RECOVERY) {
		b->conserve = true;
		b->round_end = a->delivered;
		c->cwnd = a->pipe + rs->acked_sacked;
	} else if (prev >= XTCP_CA_RECOVERY && c->state < XTCP_CA_RECOVERY) {
		b->conserve = false;
		c->cwnd = max(c->cwnd, b->prior_cwnd);
	}
	if (b->conserve)
		c->cwnd = max(c->cwnd, a->pipe + rs->acked_sacked);
	return b->conserve;
}

static void grow_cwnd(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
		      const struct xtcp_rate_sample *rs)
{
	const struct xtcp_bbr *b = xtcp_cong_priv(c);
	u32 target = xtcp_bbr_bdp(b, xtcp_bbr_bw(b), b->cwnd_gain) + xtcp_bbr_extra_cwnd(b);

	target = xtcp_bbr_with_quantum(c, target);
	if (b->full)
		c->cwnd = min(c->cwnd + rs->acked_sacked, target);
	else if (c->cwnd < target || a->delivered < XTCP_INIT_CWND)
		c->cwnd += rs->acked_sacked;
	c->cwnd = max(c->cwnd, MIN_PIPE_CWND);
}

static void set_cwnd(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
		     const struct xtcp_rate_sample *rs)
{
	const struct xtcp_bbr *b = xtcp_cong_priv(c);

	if (rs->acked_sacked && !recover_cwnd(c, a, rs))
		grow_cwnd(c, a, rs);
	c->cwnd = min(c->cwnd, c->cwnd_clamp);
	if (b->mode == XTCP_BBR_PROBE_RTT)
		c->cwnd = min(c->cwnd, MIN_PIPE_CWND);
}

/* --- events -------------------------------------------------------------- */

/* What init cannot know: the time, and what this connection has done before */
static void start(struct xtcp_bbr *b, const struct xtcp_cong_ack *a,
		  const struct xtcp_rate_sample *rs)
{
	b->started = true;
	b->round_end = a->delivered - rs->acked_sacked;
	b->min_rtt_us = a->min_rtt_us;
	b->min_rtt_ms = xtcp_bbr_ms(a->now_us);
	b->extra_us = a->now_us;
	xtcp_bbr_lt_interval(b, a);
}

static void bbr_cong_control(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
			     const struct xtcp_rate_sample *rs)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);

	if (!b->started)
		start(b, a, rs);
	if (xtcp_bbr_model_ack(c, a, rs))
		probe_bw_enter(b, a->now_us);
	update_cycle(c, a, rs);
	check_full_pipe(b, rs);
	check_drain(c, a);
	update_min_rtt(c, a, rs);
	update_gains(b);

	set_pacing_rate(c, b->pacing_gain, a->srtt_us);
	set_cwnd(c, a, rs);
}

static void bbr_init(struct xtcp_cong *c)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);

	c->ssthresh = XTCP_SSTHRESH_INF;
	b->min_rtt_us = BBR_NO_RTT;
	b->mode = XTCP_BBR_STARTUP;
	update_gains(b);
}

static u32 bbr_ssthresh(struct xtcp_cong *c)
{
	save_cwnd(c);
	return c->ssthresh;
}

static u32 bbr_undo_cwnd(struct xtcp_cong *c)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);

	b->full_bw = 0;
	b->full_count = 0;
	b->lt_bw = 0;
	b->lt_use = false;
	b->lt_sampling = false;
	return c->cwnd;
}

static void bbr_set_state(struct xtcp_cong *c, enum xtcp_ca_state state)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);

	if (state != XTCP_CA_LOSS)
		return;
	b->prev_state = XTCP_CA_LOSS;
	b->full_bw = 0;
	b->lt_timeout = true;
}

/* Nothing in flight for want of data: no need to hurry, nor to probe */
static void bbr_tx_start(struct xtcp_cong *c, u64 now_us, bool app_limited)
{
	struct xtcp_bbr *b = xtcp_cong_priv(c);

	if (!app_limited || !b->started)
		return;
	b->idle_restart = true;
	b->extra_us = now_us;
	b->extra_count = 0;
	if (b->mode == XTCP_BBR_PROBE_BW)
		set_pacing_rate(c, BBR_GAIN_ONE, 0);
	else if (b->mode == XTCP_BBR_PROBE_RTT)
		check_probe_rtt_done(c, now_us);
}

static size_t bbr_get_info(const struct xtcp_cong *c, void *buf, size_t len)
{
	const struct xtcp_bbr *b = xtcp_cong_priv(c);
	u64 bw = xtcp_bbr_rate(c, xtcp_bbr_bw(b), BBR_GAIN_ONE, 100);
	struct xtcp_bbr_info info = {
		.bw_lo		= (u32)bw,
		.bw_hi		= bw >> 32,
		.min_rtt	= b->min_rtt_us,
		.pacing_gain	= b->pacing_gain,
		.cwnd_gain	= b->cwnd_gain,
	};

	if (len < sizeof(info))
		return 0;
	memcpy(buf, &info, sizeof(info));
	return sizeof(info);
}

enum xtcp_bbr_mode xtcp_bbr_mode(const struct xtcp_cong *c)
{
	const struct xtcp_bbr *b = xtcp_cong_priv(c);

	return b->mode;
}

bool xtcp_bbr_policed(const struct xtcp_cong *c)
{
	const struct xtcp_bbr *b = xtcp_cong_priv(c);

	return b->lt_use;
}

struct xtcp_cong_ops xtcp_bbr = {
	.name		= "bbr",
	.owner		= THIS_MODULE,
	.flags		= XTCP_CONG_NON_RESTRICTED | XTCP_CONG_NEEDS_PACING,
	.init		= bbr_init,
	.ssthresh	= bbr_ssthresh,
	.set_state	= bbr_set_state,
	.tx_start	= bbr_tx_start,
	.undo_cwnd	= bbr_undo_cwnd,
	.cong_control	= bbr_cong_control,
	.min_tso_segs	= xtcp_bbr_min_tso_segs,
	.get_info	= bbr_get_info,
};
