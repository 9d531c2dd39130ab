// SPDX-License-Identifier: GPL-2.0
#include "engine/ack_hold.h"

#include "conn/clock.h"
#include "conn/netns.h"
#include "engine/sock.h"
#include "engine/xmit.h"

#include <linux/slab.h>

#define AT_ONCE		3	/* RFC 5681: DupThresh */
#define PART_OF_RTT	20
#define BLOCKS		2	/* that surely fit, with what else is said */

struct xtcp_ack_hold_timer {
	struct xtcp_fine_timer	fine;
	struct xtcp_sock	*xs;		/* counted while it is armed */
};

void xtcp_ack_hold_run(struct xtcp_sock *xs)
{
	if (!xs->done && xs->ack_hold.held) {
		xs->ack_hold.held--;		/* this one is sent */
		xtcp_xmit_ack(xs);
		xs->ack_hold.held = 0;		/* also if there was no memory */
	}
}

static enum hrtimer_restart on_timer(struct hrtimer *t)
{
	struct xtcp_sock *xs = container_of(t, struct xtcp_ack_hold_timer,
					    fine.timer)->xs;
	struct sock *sk = &xs->inet.sk;

	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		set_bit(XTCP_DEFER_ACK, &xs->deferred);
	else
		xtcp_ack_hold_run(xs);
	bh_unlock_sock(sk);
	sock_put(sk);
	return HRTIMER_NORESTART;
}

static struct xtcp_ack_hold_timer *timer_of(struct xtcp_sock *xs)
{
	struct xtcp_ack_hold_timer *t = xs->ack_hold.timer;

	if (likely(t))
		return t;
	t = kmalloc(sizeof(*t), GFP_ATOMIC | __GFP_NOWARN);
	if (!t)
		return NULL;
	t->xs = xs;
	xtcp_fine_timer_setup(&t->fine, on_timer);
	xs->ack_hold.timer = t;
	return t;
}

/* 0: no round trip is known, or none long enough. */
static u64 delay_ns(const struct xtcp_sock *xs)
{
	u32 rtt = xs->rcv.rtt_us;

	if (xtcp_rtt_valid(&xs->rtt))
		rtt = min_not_zero(rtt, xtcp_rtt_srtt_us(&xs->rtt));
	return min_t(u64, (u64)rtt * (NSEC_PER_USEC / PART_OF_RTT),
		     READ_ONCE(xs->params->comp_sack_delay_ns));
}

bool xtcp_ack_holds(struct xtcp_sock *xs)
{
	struct xtcp_ack_hold *h = &xs->ack_hold;
	struct xtcp_ack_hold_timer *t;
	u64 delay;

	if (!xs->neg.sack || h->held >= READ_ONCE(xs->params->comp_sack_nr))
		return false;
	/* the next ones must not push out of the ACK what it has to tell */
	if (xs->reasm.num_sacks > BLOCKS || xs->reasm.dsack)
		return false;
	if (h->nxt != xs->rcv.nxt) {
		h->nxt = xs->rcv.nxt;
		h->dups = 0;
	}
	if (h->dups < AT_ONCE) {
		h->dups++;
		return false;
	}
	if (!h->held) {
		delay = delay_ns(xs);
		t = delay ? timer_of(xs) : NULL;
		if (!t)
			return false;
		xtcp_fine_timer_arm_range_sk(&xs->inet.sk, &t->fine,
					     xtcp_clock_ns() + delay,
					     READ_ONCE(xs->params->comp_sack_slack_ns));
	}
	h->held++;
	return true;
}

void xtcp_ack_hold_sent(struct xtcp_sock *xs)
{
	struct xtcp_ack_hold *h = &xs->ack_hold;

	if (likely(!h->held))
		return;
	xtcp_mib_add(sock_net(&xs->inet.sk), XTCP_MIB_ACK_COMPRESSED, h->held);
	xtcp_ack_hold_stop(xs);
}

void xtcp_ack_hold_stop(struct xtcp_sock *xs)
{
	xs->ack_hold.held = 0;
	if (unlikely(xs->ack_hold.timer))
		xtcp_fine_timer_stop_sk(&xs->inet.sk, &xs->ack_hold.timer->fine);
}

void xtcp_ack_hold_free(struct xtcp_sock *xs)
{
	kfree(xs->ack_hold.timer);
}
