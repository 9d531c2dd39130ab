// SPDX-License-Identifier: GPL-2.0
/* cubic.c - RFC 9438
 *
 * After a reduction the window follows
 *
 *	W_cubic(t) = C * (t - K)^3 + W_max		C = 0.4 packets/s^3
 *	K          = cbrt((W_max - cwnd_epoch) / C)
 *
 * where t counts from the start of the epoch, the first ACK of congestion
 * avoidance: quickly back towards W_max, slowly around it, quickly away.  The
 * curve depends on time, not on round trips, so flows with different RTTs
 * share fairly.  Where Reno would be faster (short RTTs, small windows), an
 * estimate of Reno's window, W_est, takes over.
 *
 * Windows on the curve are in 1/1024 packet, times in ms, W_est in 2^-32.
 */

#include "control/cubic.h"
#include "control/hystart.h"

#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/types.h>

#define CURVE_SHIFT		10	/* W_cubic */
#define EST_SHIFT		32	/* W_est */
#define CNT_SHIFT		20	/* fraction of a packet in cwnd_cnt */

#define ROOT_MAX		2642245U	/* floor(cbrt(2^64 - 1)) */
#define CURVE_MAX_MS		160000U	/* (t - K)^3 * 4096 fits in 64 bits */

struct cubic_epoch {
	u64	start_us;		/* t_epoch; 0: begins with the next ACK */
	u64	w_est;			/* W_est */
	u32	w_max;			/* W_max in packets */
	u32	cwnd_prior;		/* cwnd before the last reduction */
	u32	k_ms;			/* K */
};

struct cubic {
	struct cubic_epoch	e;
	struct cubic_epoch	saved;	/* as before the last reduction */
	u64			heard_us; /* last ACK that could raise cwnd */
	struct xtcp_hystart	hystart;
};

static_assert(sizeof(struct cubic) <= XTCP_CONG_PRIV_SIZE);

u32 xtcp_cubic_root(u64 x)
{
	u32 bit, root = 0;

	/* from the top: a bit stays if the cube stays below x */
	for (bit = 1U << 21; bit; bit >>= 1) {
		u64 r = root | bit;

		if (r <= ROOT_MAX && r * r * r <= x)
			root = r;
	}
	return root;
}

/* 4.2 (1), in 1/1024 packet */
static u64 w_cubic(const struct cubic_epoch *e, u32 t_ms)
{
	u64 w_max = (u64)e->w_max << CURVE_SHIFT;
	bool past = t_ms >= e->k_ms;
	u64 d = past ? t_ms - e->k_ms : e->k_ms - t_ms;
	u64 delta;

	d = min_t(u64, d, CURVE_MAX_MS);
	/* 0.4 * (d/1000)^3 * 1024 */
	delta = div64_u64(d * d * d * 4096, 10000000000ULL);

	if (past)
		return w_max + delta;
	return w_max > delta ? w_max - delta : 0;
}

/* 4.2 (2): K from where this epoch really starts; 4.8 and 4.10: without a
 * W_max above it the curve starts at its flat middle.
 */
static void epoch_begin(struct cubic_epoch *e, u32 cwnd, u64 now_us)
{
	e->start_us = now_us;
	e->w_est = (u64)cwnd << EST_SHIFT;
	if (e->w_max > cwnd) {
		/* cbrt(diff / 0.4) s = cbrt(diff * 2.5e9) ms */
		e->k_ms = xtcp_cubic_root((u64)(e->w_max - cwnd) * 2500000000U);
	} else {
		e->k_ms = 0;
		e->w_max = cwnd;
	}
}

/* 4.3 (4): alpha = 3 (1 - beta) / (1 + beta) = 9/17 makes the average window
 * Reno's; once back at the window before the reduction it is Reno's own 1.
 */
static void w_est_advance(struct cubic_epoch *e, u32 cwnd, u32 acked)
{
	u64 step = (u64)acked << EST_SHIFT;

	if (e->w_est >> EST_SHIFT >= e->cwnd_prior)
		e->w_est += div_u64(step, cwnd);
	else
		e->w_est += div64_u64(step * 9, (u64)cwnd * 17);
}

/* 4.4 and 4.5: (target - cwnd) / cwnd for each packet acknowledged, at most
 * half a packet (4.2: target =< 1.5 * cwnd).
 */
static void grow_to_target(struct xtcp_cong *c, u64 target, u32 acked)
{
	u64 cwnd = (u64)c->cwnd << CURVE_SHIFT;
	u64 gap, cnt;

	if (target <= cwnd)
		return;
	gap = min(target - cwnd, cwnd / 2);
	cnt = c->cwnd_cnt + div_u64((gap << (CNT_SHIFT - CURVE_SHIFT)) * acked,
				    c->cwnd);
	c->cwnd += cnt >> CNT_SHIFT;
	c->cwnd_cnt = cnt & ((1U << CNT_SHIFT) - 1);
}

static void congestion_avoidance(struct xtcp_cong *c, struct cubic_epoch *e,
				 const struct xtcp_cong_ack *a, u32 acked)
{
	u32 t_ms, reno;

	if (!e->start_us)
		epoch_begin(e, c->cwnd, a->now_us);
	t_ms = div_u64(a->now_us - e->start_us, 1000);
	w_est_advance(e, c->cwnd, acked);
	reno = e->w_est >> EST_SHIFT;

	if (w_cubic(e, t_ms) < e->w_est >> (EST_SHIFT - CURVE_SHIFT))
		c->cwnd = max(c->cwnd, reno);
	else
		grow_to_target(c, w_cubic(e, t_ms + a->srtt_us / 1000), acked);
	c->cwnd = min(c->cwnd, c->cwnd_clamp);
}

/* 5.8: time in which the window was not the limit does not advance t */
static void epoch_shift(struct cubic *cu, u64 now_us)
{
	if (cu->e.start_us)
		cu->e.start_us += now_us - cu->heard_us;
	cu->heard_us = now_us;
}

static void cubic_cong_avoid(struct xtcp_cong *c,
			     const struct xtcp_cong_ack *a)
{
	struct cubic *cu = xtcp_cong_priv(c);
	u32 acked = a->acked;

	if (!xtcp_cong_is_limited(c)) {
		epoch_shift(cu, a->now_us);
		return;
	}
	cu->heard_us = a->now_us;

	if (xtcp_cong_in_slow_start(c))
		acked = xtcp_cong_slow_start(c, acked);
	if (acked)
		congestion_avoidance(c, &cu->e, a, acked);
}

/* 4.10: the first slow start alone has to find out; later ones know ssthresh */
static void cubic_pkts_acked(struct xtcp_cong *c,
			     const struct xtcp_cong_ack *a)
{
	struct cubic *cu = xtcp_cong_priv(c);

	if (c->ssthresh == XTCP_SSTHRESH_INF &&
	    xtcp_hystart_ack(&cu->hystart, a, c->cwnd))
		c->ssthresh = c->cwnd;
}

/* 4.6 multiplicative decrease by beta = 0.7, 4.7 fast convergence: a flow that
 * did not get back to its old W_max leaves room, W_max = cwnd * (1 + beta)/2.
 */
static u32 cubic_ssthresh(struct xtcp_cong *c)
{
	struct cubic *cu = xtcp_cong_priv(c);
	u32 cwnd = c->cwnd;

	cu->saved = cu->e;
	cu->e.w_max = cwnd < cu->e.w_max ? cwnd * 17 / 20 : cwnd;
	cu->e.cwnd_prior = cwnd;
	cu->e.start_us = 0;
	xtcp_hystart_stop(&cu->hystart);

	return max(cwnd * 7 / 10, XTCP_CWND_MIN);
}

/* 4.9: all that the reduction changed */
static u32 cubic_undo_cwnd(struct xtcp_cong *c)
{
	struct cubic *cu = xtcp_cong_priv(c);

	cu->e = cu->saved;
	return max(c->cwnd, c->prior_cwnd);
}

/* 4.8: congestion avoidance after a timeout starts with K = 0 and W_max = cwnd
 * of that moment, so there is no W_max to remember.
 */
static void cubic_set_state(struct xtcp_cong *c, enum xtcp_ca_state state)
{
	struct cubic *cu = xtcp_cong_priv(c);

	if (state == XTCP_CA_LOSS) {
		cu->e.start_us = 0;
		cu->e.w_max = 0;
	}
}

static void cubic_tx_start(struct xtcp_cong *c, u64 now_us,
			   bool app_limited __always_unused)
{
	epoch_shift(xtcp_cong_priv(c), now_us);
}

struct xtcp_cong_ops xtcp_cubic = {
	.name		= "cubic",
	.owner		= THIS_MODULE,
	.flags		= XTCP_CONG_NON_RESTRICTED,
	.ssthresh	= cubic_ssthresh,
	.cong_avoid	= cubic_cong_avoid,
	.set_state	= cubic_set_state,
	.tx_start	= cubic_tx_start,
	.undo_cwnd	= cubic_undo_cwnd,
	.pkts_acked	= cubic_pkts_acked,
};
