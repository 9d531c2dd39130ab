/* SPDX-License-Identifier: GPL-2.0 */
/* ack.h - everything one ACK changed.
 *
 * RFC 9293 3.10.7.4, fifth check.  Filled top to bottom by ack.c's pipeline; each
 * stage reads what stands above it and writes its own part.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_ACK_H
#define XTCP_ENGINE_ACK_H

#include "control/rate.h"
#include "proto/drop.h"

#include <linux/types.h>

struct sk_buff;
struct xtcp_segment;
struct xtcp_sock;

struct xtcp_ack {
	u64	now;			/* us */
	u32	prior_una;		/* SND.UNA before this ACK */
	u32	prior_pipe;		/* segments in flight before it */
	u32	prior_fack;		/* highest SACKed before it */
	bool	ece;			/* it echoes CE (RFC 3168) */
	/* cumulative part */
	u32	acked;			/* segments it delivered: not those SACKed before */
	u64	first_xmit_us;		/* when the first of them was sent, or 0 */
	bool	retrans;		/* one of what it covers was sent twice (Karn) */
	/* cumulative or SACK */
	bool	orig;			/* of what was sent once, up to recovery.point */
	u32	reord;			/* lowest of what was sent once, below prior_fack */
	/* sack */
	u32	sacked;			/* segments newly SACKed */
	u64	sack_xmit_us;		/* send time of the newest of them, or 0 */
	bool	dup;			/* a duplicate ACK (RFC 5681 section 2) */
	bool	dsack;			/* carried a D-SACK (RFC 2883) */
	bool	dsack_tlp;		/* about our tail probe */
	bool	reneged;		/* receiver took a SACK back */
	u32	rtt_us;			/* the sample, or 0 */
	/* rack */
	u32	lost;			/* segments newly marked lost */
	bool	lost_retrans;		/* one of them had been sent again */
	u32	reo_wait_us;		/* look again after this long, or 0 */
	/* for rate.c */
	struct xtcp_rate_sample rs;
};

/* XTCP_DROP_NONE: go on with the segment's text. */
enum xtcp_drop xtcp_ack_rcv(struct xtcp_sock *xs, const struct xtcp_segment *seg,
			    u64 now);
/* A segment was delivered for the first time: rate, rack, counters. */
void xtcp_ack_delivered(struct xtcp_sock *xs, struct xtcp_ack *ack,
			struct sk_buff *skb);

#endif
