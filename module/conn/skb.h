/* SPDX-License-Identifier: GPL-2.0 */
/* skb.h - what xtcp keeps in skb->cb.
 *
 * On a queue the bytes are ours.  Before a clone goes to IP they are zeroed:
 * IPCB and IP6CB stand there.
 */
#ifndef XTCP_CONN_SKB_H
#define XTCP_CONN_SKB_H

#include "control/rate.h"

#include <linux/skbuff.h>

/* What became of a sent skb: the scoreboard of RFC 6675 and RFC 8985. */
#define XTCP_SKB_SACKED		0x01	/* covered by a SACK */
#define XTCP_SKB_LOST		0x02	/* marked lost, not sent again since */
#define XTCP_SKB_RETRANS	0x04	/* latest transmission is a retransmission */
#define XTCP_SKB_EVER_RETRANS	0x08	/* Karn: its RTT is ambiguous */
#define XTCP_SKB_EOR		0x10	/* MSG_EOR: nothing may be appended */
#define XTCP_SKB_TSTAMP		0x20	/* its ACK is to be reported (queue/tstamp.h) */

struct xtcp_skb_tx {
	u64	xmit_us;		/* last transmission, protocol time */
	struct xtcp_rate_pkt rate;	/* snapshot when it was sent */
	u16	segs;			/* wire segments in it, 1 at least */
	u8	flags;			/* XTCP_SKB_* */
	u8	retrans;		/* times sent again, saturates */
};

struct xtcp_skb_rx {
	u32	tsval;
	u32	tsecr;
	u8	ecn;			/* ECN field of the IP header */
};

struct xtcp_skb_cb {
	u32	seq;			/* of the first byte (or SYN) */
	u32	end_seq;		/* seq + data + SYN + FIN */
	u8	ctl;			/* flag bits of proto.h */
	union {
		struct xtcp_skb_tx tx;
		struct xtcp_skb_rx rx;
	};
};

static inline struct xtcp_skb_cb *xtcp_skb_cb(const struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct xtcp_skb_cb) > sizeof(skb->cb));
	return (struct xtcp_skb_cb *)skb->cb;
}

#endif
