// SPDX-License-Identifier: GPL-2.0
#include "engine/backlog.h"

#include "conn/skb.h"
#include "engine/dispatch.h"
#include "engine/sock.h"
#include "engine/trace.h"
#include "proto/segment.h"
#include "proto/seq.h"

#include <linux/string.h>

/* Above what the buffers hold: ACKs that free the send buffer must get in. */
#define SLACK		(64 * 1024)

#define NEVER_MERGED	(XTCP_SYN | XTCP_RST | XTCP_URG)
#define MERGED_IF_SAME	(XTCP_ACK | XTCP_ECE | XTCP_CWR)

static struct xtcp_hdr *hdr(const struct sk_buff *skb)
{
	return (struct xtcp_hdr *)skb->data;
}

/* Can it be said in one segment?  A pure ACK is an event of its own. */
static bool same_but_later(const struct xtcp_sock *xs, const struct sk_buff *tail,
			   const struct sk_buff *skb,
			   const struct xtcp_segment *seg)
{
	const struct xtcp_skb_cb *cb = xtcp_skb_cb(tail);

	if (cb->end_seq != seg->seq || !seg->data_len ||
	    tail->len == xtcp_hdr_len(hdr(tail)))
		return false;
	if ((cb->ctl | seg->ctl) & NEVER_MERGED || cb->ctl & XTCP_FIN ||
	    (cb->ctl ^ seg->ctl) & MERGED_IF_SAME)
		return false;
	if (seq_lt(seg->ack, ntohl(hdr(tail)->ack)) ||
	    xs->ip->rx_tos(tail) != xs->ip->rx_tos(skb) ||
	    xs->ip->rx_ttl(tail) != xs->ip->rx_ttl(skb))
		return false;
	/* timestamps, SACK: the options as they are */
	return xtcp_hdr_len(hdr(tail)) == seg->hdr_len &&
	       !memcmp(hdr(tail) + 1, hdr(skb) + 1, seg->hdr_len - XTCP_HDR_LEN);
}

static unsigned int segs(const struct sk_buff *skb)
{
	return max_t(u16, 1, skb_shinfo(skb)->gso_segs);
}

/* The largest segment: what the window measures. */
static unsigned int size(const struct sk_buff *skb, unsigned int data_len)
{
	return skb_shinfo(skb)->gso_size ?: data_len;
}

/* @tail is nobody else's when this succeeds: its header may be written. */
static bool append(struct sock *sk, struct sk_buff *tail, struct sk_buff *skb,
		   const struct xtcp_segment *seg)
{
	const struct xtcp_hdr *th = hdr(skb);
	unsigned int n, mss;
	bool stolen;
	int delta;

	if (skb_pfmemalloc(skb) || skb_has_frag_list(tail) ||
	    skb_has_frag_list(skb))
		return false;
	n = segs(tail) + segs(skb);
	mss = max(size(tail, tail->len - seg->hdr_len), size(skb, seg->data_len));
	__skb_pull(skb, seg->hdr_len);
	if (!skb_try_coalesce(tail, skb, &stolen, &delta)) {
		__skb_push(skb, seg->hdr_len);
		return false;
	}
	hdr(tail)->ack = th->ack;
	hdr(tail)->wnd = th->wnd;
	hdr(tail)->flags |= th->flags;
	xtcp_skb_cb(tail)->end_seq = seg->end_seq;
	xtcp_skb_cb(tail)->ctl |= seg->ctl;
	skb_shinfo(tail)->gso_size = min_t(unsigned int, mss, U16_MAX);
	skb_shinfo(tail)->gso_segs = min_t(unsigned int, n, U16_MAX);
	if (skb->tstamp)
		tail->tstamp = skb->tstamp;
	sk->sk_backlog.len += delta;
	kfree_skb_partial(skb, stolen);
	return true;
}

static void drop(struct xtcp_sock *xs, struct sk_buff *skb)
{
	struct net *net = sock_net(&xs->inet.sk);

	xtcp_mib_inc(net, XTCP_MIB_BACKLOG_DROP);
	xtcp_mib_drop(net, XTCP_DROP_BACKLOG);
	trace_xtcp_drop(net, &xs->flow.tuple, XTCP_DROP_BACKLOG);
	kfree_skb(skb);
}

/* It is read again when its time comes, for cb is too small for what was read. */
void xtcp_backlog_add(struct xtcp_sock *xs, struct sk_buff *skb,
		      const struct xtcp_segment *seg)
{
	struct sock *sk = &xs->inet.sk;
	struct sk_buff *tail = sk->sk_backlog.tail;
	u64 limit = (u64)READ_ONCE(sk->sk_rcvbuf) + READ_ONCE(sk->sk_sndbuf) +
		    SLACK;

	limit = min_t(u64, limit, UINT_MAX);
	skb_dst_drop(skb);
	skb->dev = NULL;	/* may be gone by then */
	if (unlikely(sk_rcvqueues_full(sk, limit))) {
		drop(xs, skb);
		return;
	}
	if (tail && same_but_later(xs, tail, skb, seg) &&
	    append(sk, tail, skb, seg)) {
		xtcp_mib_inc(sock_net(sk), XTCP_MIB_BACKLOG_COALESCE);
		return;
	}
	xtcp_skb_cb(skb)->seq = seg->seq;
	xtcp_skb_cb(skb)->end_seq = seg->end_seq;
	xtcp_skb_cb(skb)->ctl = seg->ctl;
	if (unlikely(sk_add_backlog(sk, skb, limit)))
		drop(xs, skb);
}

int xtcp_backlog_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_segment seg;

	if (likely(!xtcp_segment_parse(&seg, skb->data, skb_headlen(skb),
				       skb->len)))
		xtcp_input_rcv(xtcp_sk(sk), skb, &seg);
	else
		kfree_skb(skb);
	return 0;
}
