// SPDX-License-Identifier: GPL-2.0
#include "engine/frto.h"

#include "engine/ack.h"
#include "engine/sock.h"
#include "proto/seq.h"

/* Step 1.  In an episode whose retransmissions are out an ACK would tell of
 * these; only the timer's own make no difference.
 */
void xtcp_frto_begin(struct xtcp_sock *xs, bool episode)
{
	bool again = xs->timers.retransmits > 1;

	/* a probe of the path's MTU would be lost for another reason */
	xs->recovery.frto = (!episode || again) && !xs->mtu_probe.size ?
			    XTCP_FRTO_HEAD : XTCP_FRTO_OFF;
}

static bool can_send_new(const struct xtcp_sock *xs)
{
	return xs->sndq.head &&
	       seq_gt(xs->snd.una + xs->snd.wnd, xs->snd.nxt);
}

bool xtcp_frto_ack(struct xtcp_sock *xs, const struct xtcp_ack *ack)
{
	struct xtcp_recovery *r = &xs->recovery;
	bool progress = xs->snd.una != ack->prior_una;

	switch (r->frto) {
	case XTCP_FRTO_OFF:
		return false;
	case XTCP_FRTO_HEAD:
		if (ack->orig)
			return true;
		if (!progress)
			return false;	/* 2a, unless it comes yet */
		r->frto = XTCP_FRTO_OFF;
		if (seq_lt(xs->snd.una, r->point) && can_send_new(xs)) {
			r->point = xs->snd.nxt;
			r->frto = XTCP_FRTO_NEW;
		}
		return false;
	default:
		if (ack->orig)
			return true;
		if (ack->sacked || ack->dup || progress)
			r->frto = XTCP_FRTO_OFF;
		return false;
	}
}

bool xtcp_frto_asks(const struct xtcp_sock *xs)
{
	return xs->recovery.frto == XTCP_FRTO_NEW;
}

bool xtcp_frto_waits(struct xtcp_sock *xs)
{
	struct xtcp_recovery *r = &xs->recovery;

	if (r->frto == XTCP_FRTO_NEW && xs->snd.nxt == r->point)
		r->frto = XTCP_FRTO_OFF;	/* cwnd did not allow it */
	return r->frto == XTCP_FRTO_NEW;
}
