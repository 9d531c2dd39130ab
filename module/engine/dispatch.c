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
