/* SPDX-License-Identifier: GPL-2.0 */
/* rack.h - which segments are lost (RFC 8985). Marks; never sends.
 *
 * Lock: the socket's.
 */
#ifndef XTCP_ENGINE_RACK_H
#define XTCP_ENGINE_RACK_H

#include <linux/types.h>

struct sk_buff;
struct xtcp_ack;
struct xtcp_sock;

struct xtcp_rack {
	u64	xmit_ts;		/* RACK.xmit_ts, us */
	u32	end_seq;		/* RACK.end_seq */
	u32	rtt;			/* RACK.rtt, us */
	u32	fack;			/* RACK.fack */
	u32	reo_wnd;		/* us, of the last detection */
	u8	reo_wnd_mult;
	u8	reo_wnd_persist;	/* recoveries until it shrinks */
	bool	reordering_seen;
	bool	dsack_round_valid;
	u16	reordering;		/* DupThresh; grows with what was reordered */
	bool	tlp_is_retrans;		/* TLP.is_retrans */
	u32	tlp_end_seq;		/* TLP.end_seq, 0: none out */
	u32	dsack_round;		/* RACK.dsack_round */
};

void xtcp_rack_init(struct xtcp_rack *r);
/* A recovery ended: 6.2 step 4, reo_wnd_persist. */
void xtcp_rack_recovered(struct xtcp_rack *r);
/* A D-SACK showed that the last one was a mistake: the window stays longer. */
void xtcp_rack_mistaken(struct xtcp_rack *r);
/* A segment was delivered (cumulatively or by SACK): steps 1 and 2. */
void xtcp_rack_delivered(struct xtcp_sock *xs, const struct sk_buff *skb, u64 now);
/* Data from @seq on was delivered after what is as high as @fack. */
void xtcp_rack_reordered(struct xtcp_sock *xs, u32 seq, u32 fack);
/* Steps 4 and 5, after all of an ACK. */
void xtcp_rack_ack(struct xtcp_sock *xs, struct xtcp_ack *ack);
/* RFC 8985 6.3: mark what is lost when the retransmission timer fires. */
void xtcp_rack_rto(struct xtcp_sock *xs, u64 now);
/* The reordering timer fired. True if something was marked. */
bool xtcp_rack_timeout(struct xtcp_sock *xs, u64 now);

#endif
