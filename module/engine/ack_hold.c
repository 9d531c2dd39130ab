// SPDX-License-Identifier: GPL-2.0
#include "engine/ack_hold.h"

#include "conn/clock.h"
#include "conn/netns.h"
#include "engine/alarm.h"
#include "engine/sock.h"
#include "engine/xmit.h"

#define AT_ONCE		3	/* RFC 5681: DupThresh */
#define PART_OF_RTT	20
#define BLOCKS		2	/* that surely fit, with what else is said */

void xtcp_ack_hold_run(struct xtcp_sock *xs)
{
	if (!xs->done && xs->hold_segs) {
		xs->hold_segs--;		/* this one is sent */
		xtcp_xmit_ack(xs);
		xs->hold_segs = 0;		/* also if there was no memory */
	}
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
	u64 delay;

	if (!xs->neg.sack || xs->hold_segs >= READ_ONCE(xs->params->comp_sack_nr))
		return false;
	/* the next ones must not push out of the ACK what it has to tell */
	if (xs->reasm.num_sacks > BLOCKS || xs->reasm.dsack)
		return false;
	if (xs->hold_nxt != xs->rcv.nxt) {
		xs->hold_nxt = xs->rcv.nxt;
		xs->hold_dups = 0;
	}
	if (xs->hold_dups < AT_ONCE) {
		xs->hold_dups++;
		return false;
	}
	if (!xs->hold_segs) {
		delay = delay_ns(xs);
		if (!delay || !xtcp_alarm_set(xs, &xs->hold_alarm, XTCP_DEFER_ACK,
					      xtcp_clock_ns() + delay,
					      READ_ONCE(xs->params->comp_sack_slack_ns)))
			return false;
	}
	xs->hold_segs++;
	return true;
}

void xtcp_ack_hold_sent(struct xtcp_sock *xs)
{
	if (likely(!xs->hold_segs))
		return;
	xtcp_mib_add(sock_net(&xs->inet.sk), XTCP_MIB_ACK_COMPRESSED, xs->hold_segs);
	xtcp_ack_hold_stop(xs);
}

void xtcp_ack_hold_stop(struct xtcp_sock *xs)
{
	xs->hold_segs = 0;
	xtcp_alarm_stop(xs, xs->hold_alarm);
}
