// SPDX-License-Identifier: GPL-2.0
/* hystart.c - Sangtae Ha, Injong Rhee: Taming the Elephants, 2008
 *
 * Slow start runs in rounds.  Two signs say that the window fills the path:
 *
 * Train: a window leaves as bursts, and its ACKs come back as close together as
 * the bottleneck lets packets through.  A train of ACKs that lasts for half of
 * the least RTT is of a window that fills the path one way, and after the next
 * round it would fill it both ways.  (Pacing spreads what leaves by as much: then
 * it takes a whole RTT.)
 *
 * Delay: the least RTT of a round is clearly above the least ever: a queue stands.
 *
 * RFC 9406 would not leave at the second sign but grow for five rounds more, at
 * a quarter of the pace, in case it was jitter.  These rounds triple the window;
 * where the sign was right that overflows the queue it was to spare, of a flow of
 * Linux beside it too, which has left.  So this is what RFC 9438 4.10 has for
 * flows that share with such.
 */

#include "control/cong.h"
#include "control/hystart.h"
#include "proto/proto.h"
#include "proto/seq.h"

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define CWND_LOW		16U	/* below it there is nothing to save */
#define TRAIN_GAP_US		2000U	/* ACKs further apart are no train */
#define BUNCH_MAX_US		1000U
#define MIN_RTT_THRESH_US	4000U	/* the names of RFC 9406 4.3 */
#define MAX_RTT_THRESH_US	16000U
#define MIN_RTT_DIVISOR		8
#define N_RTT_SAMPLE		8

void xtcp_hystart_stop(struct xtcp_hystart *h)
{
	h->min_us = 0;
}

static void round_begin(struct xtcp_hystart *h, const struct xtcp_cong_ack *a)
{
	h->round_end = a->snd_nxt;
	h->round_us = a->now_us;
	h->train_us = a->now_us;
	h->cur_min_us = ~0U;
	h->samples = 0;
}

/* Super-packets and GRO hold ACKs back, for as long as four of the largest take
 * at the rate of slow start, which is twice that of the path.
 */
static u32 bunch_us(const struct xtcp_cong_ack *a)
{
	if (!a->rate)
		return 0;
	return min_t(u64, div64_u64(a->gso_max * 4ULL * XTCP_USEC_PER_SEC, a->rate),
		     BUNCH_MAX_US);
}

static bool long_train(struct xtcp_hystart *h, const struct xtcp_cong_ack *a)
{
	u32 now = a->now_us;
	u64 lasts = now - h->round_us;

	if (now - h->train_us > TRAIN_GAP_US)
		return false;
	h->train_us = now;
	if (!a->paced)
		lasts *= 2;
	return lasts > h->min_us && lasts - h->min_us > bunch_us(a);
}

/* Of more samples than N: one is not yet the least */
static bool long_delay(struct xtcp_hystart *h, u32 rtt_us)
{
	u32 thresh = clamp(h->min_us / MIN_RTT_DIVISOR,
			   MIN_RTT_THRESH_US, MAX_RTT_THRESH_US);

	h->cur_min_us = min(h->cur_min_us, rtt_us);
	if (h->samples < N_RTT_SAMPLE) {
		h->samples++;
		return false;
	}
	return h->cur_min_us - h->min_us > thresh;
}

bool xtcp_hystart_ack(struct xtcp_hystart *h, const struct xtcp_cong_ack *a,
		      u32 cwnd)
{
	bool train;

	if (!a->rtt_us)
		return false;
	/* Beyond round_end: what ends a round may have been all that was out.  Then
	 * what this ACK lets go is the next round, not its own.
	 */
	if (!h->min_us || seq_gt(a->snd_una, h->round_end))
		round_begin(h, a);
	h->min_us = min(h->min_us ?: a->rtt_us, a->rtt_us);
	if (cwnd < CWND_LOW)
		return false;

	train = long_train(h, a);
	return long_delay(h, a->rtt_us) || train;
}
