// SPDX-License-Identifier: GPL-2.0
/* tstamp.c - transmit time stamps */
#include "queue/tstamp.h"

#include "proto/seq.h"
#include "queue/sndq.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include <net/sock.h>

#define TSTAMP_TX	(SKBTX_HW_TSTAMP | SKBTX_SW_TSTAMP | SKBTX_SCHED_TSTAMP)

/* net/core does not tell us when numbers were asked for: they count from where the
 * program stands when it first wants a stamp.
 */
static void key_base(struct xtcp_sndq *q, u32 from, u32 tsflags)
{
	bool on = tsflags & SOF_TIMESTAMPING_OPT_ID;

	if (on && !q->tskey_set)
		WRITE_ONCE(q->tskey_base, from);
	q->tskey_set = on;
}

void xtcp_tstamp_request(struct xtcp_sndq *q, struct sk_buff *skb, u32 from,
			 u32 tsflags)
{
	struct skb_shared_info *si = skb_shinfo(skb);
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);

	__sock_tx_timestamp(tsflags, &si->tx_flags);
	if (tsflags & SOF_TIMESTAMPING_TX_ACK)
		cb->tx.flags |= XTCP_SKB_TSTAMP;
	if (tsflags & SOF_TIMESTAMPING_TX_RECORD_MASK) {
		key_base(q, from, tsflags);
		si->tskey = cb->seq + skb->len - 1;
	}
}

void xtcp_tstamp_split(struct sk_buff *skb, struct sk_buff *rest)
{
	struct skb_shared_info *from = skb_shinfo(skb), *to = skb_shinfo(rest);
	struct xtcp_skb_tx *tx = &xtcp_skb_cb(skb)->tx;

	xtcp_skb_cb(rest)->tx.flags &= ~XTCP_SKB_TSTAMP;
	if (likely(!(from->tx_flags & TSTAMP_TX) && !(tx->flags & XTCP_SKB_TSTAMP)))
		return;
	if (seq_lt(from->tskey, xtcp_skb_cb(rest)->seq))
		return;
	to->tx_flags |= from->tx_flags & TSTAMP_TX;
	from->tx_flags &= ~TSTAMP_TX;
	swap(to->tskey, from->tskey);
	xtcp_skb_cb(rest)->tx.flags |= tx->flags & XTCP_SKB_TSTAMP;
	tx->flags &= ~XTCP_SKB_TSTAMP;
}

void xtcp_tstamp_acked(struct sock *sk, struct sk_buff *skb, u32 una)
{
	struct xtcp_skb_tx *tx = &xtcp_skb_cb(skb)->tx;
	unsigned long dst;

	if (!seq_lt(skb_shinfo(skb)->tskey, una))
		return;
	tx->flags &= ~XTCP_SKB_TSTAMP;
	/* a list may stand in its place, which a clone must not see */
	dst = skb->_skb_refdst;
	skb->_skb_refdst = 0;
	__skb_tstamp_tx(skb, NULL, NULL, sk, SCM_TSTAMP_ACK);
	skb->_skb_refdst = dst;
}
