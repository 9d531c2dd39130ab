// SPDX-License-Identifier: GPL-2.0
#include "engine/dispatch.h"

#include "conn/demux.h"
#include "engine/listen.h"
#include "engine/sock.h"
#include "engine/timewait.h"
#include "engine/trace.h"
#include "proto/segment.h"
#include "queue/synq.h"

#include <linux/filter.h>

/* Above what the buffers hold: ACKs that free the send buffer must get in. */
#define BACKLOG_SLACK	(64 * 1024)

static void drop(struct net *net, const struct xtcp_tuple *t,
		 struct sk_buff *skb, enum xtcp_drop why)
{
	xtcp_mib_drop(net, why);
	trace_xtcp_drop(net, t, why);
	kfree_skb(skb);
}

/* The user has the lock: the segment waits.  It is read again then, for cb is
 * too small for what was read.  The device may be gone by then.
 */
static void to_backlog(struct xtcp_sock *xs, struct sk_buff *skb)
{
	struct sock *sk = &xs->inet.sk;
	u64 limit = (u64)READ_ONCE(sk->sk_rcvbuf) + READ_ONCE(sk->sk_sndbuf) +
		    BACKLOG_SLACK;

	skb_dst_drop(skb);
	skb->dev = NULL;
	if (likely(!sk_add_backlog(sk, skb, min_t(u64, limit, UINT_MAX))))
		return;
	xtcp_mib_inc(sock_net(sk), XTCP_MIB_BACKLOG_DROP);
	drop(sock_net(sk), &xs->flow.tuple, skb, XTCP_DROP_BACKLOG);
}

static bool reparse(struct sk_buff *skb, struct xtcp_segment *seg)
{
	return !xtcp_segment_parse(seg, skb->data, skb_headlen(skb), skb->len);
}

/* SO_ATTACH_FILTER and LSMs; a filter may cut the segment short. */
static bool filtered(struct sock *sk, struct sk_buff *skb,
		     struct xtcp_segment *seg)
{
	unsigned int len = skb->len;

	if (sk_filter(sk, skb))
		return true;
	return skb->len != len && !reparse(skb, seg);
}

static void to_conn(struct xtcp_sock *xs, struct sk_buff *skb,
		    struct xtcp_segment *seg)
{
	struct sock *sk = &xs->inet.sk;

	if (filtered(sk, skb, seg)) {
		drop(sock_net(sk), &xs->flow.tuple, skb, XTCP_DROP_FILTER);
		return;
	}
	bh_lock_sock_nested(sk);
	if (likely(!sock_owned_by_user(sk))) {
		skb_dst_drop(skb);
		xtcp_input_rcv(xs, skb, seg);
	} else {
		to_backlog(xs, skb);
	}
	bh_unlock_sock(sk);
}

void xtcp_dispatch_flow(struct sk_buff *skb, struct xtcp_flow *f,
			struct xtcp_segment *seg)
{
	switch (f->kind) {
	case XTCP_FLOW_CONN:
		to_conn(xtcp_sock_of(f), skb, seg);
		xtcp_flow_put(f);
		break;
	case XTCP_FLOW_HALF:
		xtcp_half_rcv(xtcp_half_of(f), skb, seg);
		break;
	case XTCP_FLOW_TW:
		xtcp_tw_rcv(f, skb, seg);
		break;
	}
}

int xtcp_backlog_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_segment seg;

	if (likely(reparse(skb, &seg)))
		xtcp_input_rcv(xtcp_sk(sk), skb, &seg);
	else
		kfree_skb(skb);
	return 0;
}
