// SPDX-License-Identifier: GPL-2.0
/* rtt.c - RFC 6298, in integers
 *
 * SRTT is kept times 8 and RTTVAR times 4, so that the gains of 1/8 and 1/4
 * are additions.  Two things differ from the RFC's text, as they do in Linux:
 *
 *  - RTO = SRTT + max(floor, 4 * RTTVAR) instead of rounding RTO up to 1 s;
 *    the floor of 200 ms stands in for G (2.4, and see conformance RTO-5).
 *  - With a sample on every ACK the gains would forget within a fraction of a
 *    round trip (RFC 7323 4.2).  RTO is therefore made of the largest variance
 *    of a round; it follows upwards at once and downwards by 1/4 per round.
 */

#include "control/rtt.h"
#include "proto/proto.h"

#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define RTT_CAP_US	0x10000000U	/* 268 s; keeps SRTT << 3 in 32 bits */
#define BACKOFF_MAX	31

/* --- min RTT ------------------------------------------------------------ */

static void min_rtt_init(struct xtcp_min_rtt *m)
{
	unsigned int i;

	m->us = XTCP_MIN_RTT_NONE;
	for (i = 0; i < XTCP_MIN_RTT_SLOTS; i++)
		m->slot[i] = XTCP_MIN_RTT_NONE;
}

/* Empty the slots that time has entered since the last sample */
static void min_rtt_advance(struct xtcp_min_rtt *m, u32 now)
{
	u32 i, steps = min_t(u32, now - m->now, XTCP_MIN_RTT_SLOTS);

	for (i = 0; i < steps; i++)
		m->slot[(now - i) % XTCP_MIN_RTT_SLOTS] = XTCP_MIN_RTT_NONE;
	m->now = now;

	m->us = XTCP_MIN_RTT_NONE;
	for (i = 0; i < XTCP_MIN_RTT_SLOTS; i++)
		m->us = min(m->us, m->slot[i]);
}

static void min_rtt_sample(struct xtcp_min_rtt *m, u32 rtt_us, u64 now_us)
{
	u32 now = div_u64(now_us, XTCP_MIN_RTT_SLOT_US);
	u32 *slot = &m->slot[now % XTCP_MIN_RTT_SLOTS];

	if (now != m->now)
		min_rtt_advance(m, now);
	*slot = min(*slot, rtt_us);
	m->us = min(m->us, rtt_us);
}

/* --- RTO ---------------------------------------------------------------- */

/* (2.2) (2.3) RTO = SRTT + max(G, K * RTTVAR), (2.5) maximum */
static void rto_update(struct xtcp_rtt *r)
{
	r->rto_us = min((r->srtt_us >> 3) + r->rttvar_us, r->rto_max_us);
}

/* (2.2) SRTT = R, RTTVAR = R/2 */
static void first_sample(struct xtcp_rtt *r, u32 rtt_us, u64 now_us)
{
	r->srtt_us = rtt_us << 3;
	r->mdev_us = rtt_us << 1;
	r->rttvar_us = max(r->mdev_us, r->rto_min_us);
	r->mdev_max_us = r->rttvar_us;
	r->round_end_us = now_us + rtt_us;
}

/* (2.3) RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R'|, then SRTT = 7/8 SRTT + 1/8 R' */
static void mean_update(struct xtcp_rtt *r, u32 rtt_us)
{
	s32 err = rtt_us - (r->srtt_us >> 3);
	s32 step = (err < 0 ? -err : err) - (r->mdev_us >> 2);

	/* A round trip that got faster must not make RTO longer: such a
	 * deviation counts an eighth (Ludwig, Sklower: Eifel timer).
	 */
	if (err < 0 && step > 0)
		step >>= 3;
	r->mdev_us += step;
	r->srtt_us += err;
}

/* The variance RTO uses: the largest of a round */
static void rttvar_update(struct xtcp_rtt *r, u64 now_us)
{
	r->mdev_max_us = max(r->mdev_max_us, r->mdev_us);
	r->rttvar_us = max(r->rttvar_us, r->mdev_max_us);
	if (now_us < r->round_end_us)
		return;

	r->rttvar_us -= (r->rttvar_us - r->mdev_max_us) >> 2;
	r->mdev_max_us = r->rto_min_us;
	r->round_end_us = now_us + (r->srtt_us >> 3);
}

void xtcp_rtt_init(struct xtcp_rtt *r)
{
	*r = (struct xtcp_rtt) {
		.rto_us = XTCP_RTO_INIT_US,
		.rto_min_us = XTCP_RTO_MIN_US,
		.rto_max_us = XTCP_RTO_MAX_US,
	};
	min_rtt_init(&r->min);
}

void xtcp_rtt_set_limits(struct xtcp_rtt *r, u32 min_us, u32 max_us)
{
	r->rto_min_us = min_us;
	r->rto_max_us = max(min_us, max_us);
	if (xtcp_rtt_valid(r)) {
		r->rttvar_us = max(r->mdev_us, min_us);
		r->mdev_max_us = r->rttvar_us;
		rto_update(r);
	}
	r->rto_us = min(r->rto_us, r->rto_max_us);
}

void xtcp_rtt_sample(struct xtcp_rtt *r, u32 rtt_us, u64 now_us)
{
	rtt_us = clamp(rtt_us, 1U, RTT_CAP_US);

	min_rtt_sample(&r->min, rtt_us, now_us);
	if (xtcp_rtt_valid(r)) {
		mean_update(r, rtt_us);
		rttvar_update(r, now_us);
	} else {
		first_sample(r, rtt_us, now_us);
	}
	rto_update(r);
	r->backoff = 0;
	r->last_rtt_us = rtt_us;
	r->last_us = now_us;
}

u32 xtcp_rtt_rto(const struct xtcp_rtt *r)
{
	return min((u64)r->rto_us << r->backoff, (u64)r->rto_max_us);
}

/* (5.5) */
void xtcp_rtt_backoff(struct xtcp_rtt *r)
{
	if (r->backoff < BACKOFF_MAX)
		r->backoff++;
}

void xtcp_rtt_unbackoff(struct xtcp_rtt *r)
{
	if (r->backoff)
		r->backoff--;
}

void xtcp_rtt_backoff_reset(struct xtcp_rtt *r)
{
	r->backoff = 0;
}

/* (5.7) */
void xtcp_rtt_syn_lost(struct xtcp_rtt *r)
{
	if (xtcp_rtt_valid(r))
		return;

	r->rto_us = min(XTCP_RTO_SYN_LOST_US, r->rto_max_us);
	r->backoff = 0;
}

/* RTO and its backoff stay: (2.2) applies to the next sample */
void xtcp_rtt_forget(struct xtcp_rtt *r)
{
	r->srtt_us = 0;
	min_rtt_init(&r->min);
}

/* RFC 4015 3.2 (SRTT and RTTVAR not below what this sample alone would give):
 * the next delay of that size must not time out again.
 */
void xtcp_rtt_spurious(struct xtcp_rtt *r, u32 rtt_us, u64 now_us)
{
	xtcp_rtt_sample(r, rtt_us, now_us);
	rtt_us = r->last_rtt_us;

	r->srtt_us = max(r->srtt_us, rtt_us << 3);
	r->mdev_us = max(r->mdev_us, rtt_us << 1);
	r->mdev_max_us = max(r->mdev_max_us, r->mdev_us);
	r->rttvar_us = max(r->rttvar_us, r->mdev_max_us);
	rto_update(r);
}
