/* SPDX-License-Identifier: GPL-2.0 */
/* pacing.h - when the next data segment may leave, at sk_pacing_rate.
 *
 * A program (SO_MAX_PACING_RATE) or a congestion control (bbr) that needs pacing
 * gets it: from sch_fq, which says so in sk_pacing_status and reads departure
 * times from skb->tstamp, else from an alarm of ours.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_PACING_H
#define XTCP_ENGINE_PACING_H

#include <linux/types.h>

struct sk_buff;
struct xtcp_alarm;
struct xtcp_sock;

struct xtcp_pacing {
	struct xtcp_alarm	*alarm;
	u64			next_ns;	/* wire time; earliest departure */
};

/* The congestion control was chosen: does it need pacing? */
void xtcp_pacing_chosen(struct xtcp_sock *xs);
/* cwnd or SRTT changed: sk_pacing_rate follows, which also sizes super-packets
 * and what may wait below us.
 */
void xtcp_pacing_update(struct xtcp_sock *xs);
/* Bytes of about a millisecond: what may wait below us.  Drivers with slow queues
 * ask for more.
 */
u64 xtcp_pacing_ms(const struct xtcp_sock *xs);
/* True: not yet; the alarm calls xtcp_output().  Without memory for it: now. */
bool xtcp_pacing_holds(struct xtcp_sock *xs);
/* Departure of a segment given to IP at @now (ns): later if fq shall keep it. */
u64 xtcp_pacing_departure(const struct xtcp_sock *xs, u64 now);
/* @bytes of data depart at @at, and next_ns moves on. */
void xtcp_pacing_sent(struct xtcp_sock *xs, u32 bytes, u64 at);
/* From @now (us) to when the next may leave. */
u32 xtcp_pacing_wait_us(const struct xtcp_sock *xs, u64 now);
/* For fq, if somebody paces: skb->tstamp */
void xtcp_pacing_stamp(const struct xtcp_sock *xs, struct sk_buff *skb);

#endif
