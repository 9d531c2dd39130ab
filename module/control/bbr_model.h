/* SPDX-License-Identifier: GPL-2.0 */
/* bbr_model.h - what BBR knows about a path; private to bbr.c and bbr_model.c.
 *
 * Rates are in packets per us << 24, gains in 1/256.  Times are cut short: only
 * differences matter.
 */
#ifndef _XTCP_CONTROL_BBR_MODEL_H
#define _XTCP_CONTROL_BBR_MODEL_H

#include "control/cong.h"
#include "control/rate.h"

#include <linux/build_bug.h>
#include <linux/math64.h>
#include <linux/types.h>

#define BBR_BW_SHIFT		24
#define BBR_BW_ONE		0x1000000ULL
#define BBR_GAIN_SHIFT		8
#define BBR_GAIN_ONE		0x100U
#define BBR_PACING_PERCENT	99	/* of what was measured */
#define BBR_NO_RTT		(~0U)

/* BtlBw: the maximum of ten rounds, in five slots of two */
#define BBR_BW_SLOTS		5
#define BBR_SLOT_ROUNDS		2

struct xtcp_bbr {
	u32	bw_slot[BBR_BW_SLOTS];
	u32	bw_slot_now;		/* the newest, counted from the start */
	u32	bw_max;			/* of them */
	u32	round;			/* rounds since the start */
	u32	round_end;		/* C.delivered that ends this one */
	u32	full_bw;		/* rate when STARTUP last grew enough */
	u32	min_rtt_us;		/* RTprop */
	u32	min_rtt_ms;		/* when it was measured */
	u32	probe_rtt_end_ms;	/* 0: not down to four packets yet */
	u32	phase_us;		/* when the phase of PROBE_BW began */
	u32	prior_cwnd;		/* before a loss or PROBE_RTT */

	u32	lt_bw;			/* of the last interval, or in use */
	u32	lt_delivered;		/* the interval's beginning */
	u32	lt_lost;
	u32	lt_ms;

	u32	extra_us;		/* the epoch's beginning */
	u32	extra_count;		/* delivered in it */
	u16	extra_max[2];		/* of this window and the last */

	u16	pacing_gain;
	u16	cwnd_gain;
	u8	mode;			/* enum xtcp_bbr_mode */
	u8	prev_state;		/* enum xtcp_ca_state of the last ACK */
	u8	cycle;			/* phase of PROBE_BW */
	u8	lt_rounds;
	u8	extra_rounds;		/* age of extra_max[extra_idx] */
	u8	extra_idx:1,
		full_count:2,
		full:1,			/* the pipe has been full */
		started:1,
		seen_rtt:1,
		idle_restart:1,		/* nothing was in flight for want of data */
		conserve:1;		/* first round of a recovery */
	u8	round_start:1,		/* this ACK began a round */
		probe_rtt_round:1,	/* a round passed with four packets */
		lt_sampling:1,
		lt_use:1,
		lt_timeout:1;		/* an RTO, not told to lt_sample() yet */
};

static_assert(sizeof(struct xtcp_bbr) <= XTCP_CONG_PRIV_SIZE);

static inline u32 xtcp_bbr_ms(u64 us)
{
	return (u32)div_u64(us, 1000);
}

/* BtlBw, or what a policer lets pass */
static inline u32 xtcp_bbr_bw(const struct xtcp_bbr *b)
{
	return b->lt_use ? b->lt_bw : b->bw_max;
}

/* An ACK: rounds, BtlBw, policers, aggregation.  True: the time of trusting a
 * policer's rate is over, PROBE_BW starts anew.
 */
bool xtcp_bbr_model_ack(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
			const struct xtcp_rate_sample *rs);
/* A new interval of watching for policers */
void xtcp_bbr_lt_interval(struct xtcp_bbr *b, const struct xtcp_cong_ack *a);

/* Bytes per second: percent of gain * bw */
u64 xtcp_bbr_rate(const struct xtcp_cong *c, u64 bw, u32 gain, u32 percent);
/* gain * bw * RTprop, rounded up: rounding down would feed back */
u32 xtcp_bbr_bdp(const struct xtcp_bbr *b, u32 bw, u32 gain);
/* More than that, for what the ends hold */
u32 xtcp_bbr_with_quantum(const struct xtcp_cong *c, u32 cwnd);
u32 xtcp_bbr_inflight(const struct xtcp_cong *c, u32 bw, u32 gain);
/* ... and for ACKs that come in heaps */
u32 xtcp_bbr_extra_cwnd(const struct xtcp_bbr *b);

u32 xtcp_bbr_min_tso_segs(const struct xtcp_cong *c);
u32 xtcp_bbr_tso_goal(const struct xtcp_cong *c);

#endif /* _XTCP_CONTROL_BBR_MODEL_H */
