// SPDX-License-Identifier: GPL-2.0
#include "engine/dispatch.h"

#include "conn/demux.h"
#include "engine/backlog.h"
#include "engine/listen.h"
#include "engine/sock.h"
#include "engine/timewait.h"
#include "engine/trace.h"
#include "proto/segment.h"
#include "queue/synq.h"

#include <linux/filter.h>
#include <linux/netdevice.h>

#include <net/dst.h>

static void drop(struct net *net, const struct xtcp_tuple *t,
		 struct sk_buff *skb, enum xtcp_drop why)
{
	xtcp_mib_drop(net, why);
	trace_xtcp_drop(net, t, why);
	kfree_skb(skb);
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

/* The next segment has the same way (net/early.c): sk_rx_dst, as the kernel's TCP
 * keeps it.  Written under the socket's spinlock while no user owns it.
 */
static void keep_route(struct xtcp_sock *xs, const struct sk_buff *skb)
{
	struct sock *sk = &xs->inet.sk;
	struct dst_entry *dst = skb_dst(skb), *old;

	if (IS_ENABLED(CONFIG_NETFILTER) && !(skb->dev->flags & IFF_LOOPBACK))
		xtcp_early_want(sock_net(sk));
	old = rcu_dereference_protected(sk->sk_rx_dst, true);
	if (likely(dst == old && sk->sk_rx_dst_ifindex == skb->skb_iif))
		return;
	if (!dst || dst->ops->family != xs->ip->family || !dst_hold_safe(dst))
		return;
	WRITE_ONCE(sk->sk_rx_dst_ifindex, skb->skb_iif);
	WRITE_ONCE(sk->sk_rx_dst_cookie,
		   xs->ip->dst_cookie ? xs->ip->dst_cookie(dst) : 0);
	rcu_assign_pointer(sk->sk_rx_dst, dst);
	dst_release(old);
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
		keep_route(xs, skb);
		skb_dst_drop(skb);
		xtcp_input_rcv(xs, skb, seg);
	} else {
		xtcp_backlog_add(xs, skb, seg);
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
