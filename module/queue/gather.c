// SPDX-License-Identifier: GPL-2.0
/* gather.c - bytes of several skbs of the send queue into one: see sndq.h */
#include "queue/sndq.h"

#include "compat/skb_ref.h"
#include "proto/proto.h"

#include <net/sock.h>

/* The first bytes of @from, @n at most, behind @to's.  How many found room? */
static u32 frags_share(struct sk_buff *to, const struct sk_buff *from, u32 n)
{
	struct skb_shared_info *si = skb_shinfo(to);
	const skb_frag_t *frag = skb_shinfo(from)->frags;
	u32 left = n;

	for (; left && si->nr_frags < MAX_SKB_FRAGS; frag++) {
		u32 size = min(left, skb_frag_size(frag));

		si->frags[si->nr_frags] = *frag;
		skb_frag_size_set(&si->frags[si->nr_frags], size);
		skb_frag_ref(to, si->nr_frags);
		si->nr_frags++;
		left -= size;
	}
	n -= left;
	to->len += n;
	to->data_len += n;
	return n;
}

/* Move @n bytes at most from the front of @from, which follows @to. */
static u32 move_bytes(struct sock *sk, struct xtcp_sndq *q, struct sk_buff *to,
		      struct sk_buff *from, u32 n)
{
	n = frags_share(to, from, min(n, from->len));
	xtcp_sndq_frags_eat(from, n);
	to->truesize += n;
	from->truesize -= n;
	xtcp_skb_cb(to)->end_seq += n;
	xtcp_skb_cb(to)->ctl &= ~XTCP_PSH;
	xtcp_skb_cb(from)->seq += n;
	if (!from->len && !(xtcp_skb_cb(from)->ctl & XTCP_FIN)) {
		xtcp_skb_cb(to)->tx.flags |= xtcp_skb_cb(from)->tx.flags &
					     XTCP_SKB_EOR;
		__skb_unlink(from, &q->list);
		sk_wmem_queued_add(sk, -from->truesize);
		sk_mem_uncharge(sk, from->truesize);
		__kfree_skb(from);
	}
	return n;
}

int xtcp_sndq_gather(struct sock *sk, struct xtcp_sndq *q, u32 len, gfp_t gfp)
{
	struct sk_buff *to = q->head, *from;

	while (to && to->len < len) {
		if (skb_queue_is_last(&q->list, to) ||
		    xtcp_skb_cb(to)->tx.flags & XTCP_SKB_EOR)
			return -ENOMEM;
		from = skb_queue_next(&q->list, to);
		if (skb_zcopy(to) || skb_zcopy(from) || skb_shinfo(from)->tx_flags ||
		    xtcp_skb_cb(from)->tx.flags & XTCP_SKB_TSTAMP ||
		    xtcp_sndq_own_frags(to, gfp) || xtcp_sndq_own_frags(from, gfp) ||
		    !move_bytes(sk, q, to, from, len - to->len))
			return -ENOMEM;
	}
	return to ? 0 : -ENOMEM;
}
