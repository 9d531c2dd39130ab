// SPDX-License-Identifier: GPL-2.0
/* early.c - the route of a segment by its connection, at PRE_ROUTING */

#include "net/early.h"
#include "conn/demux.h"
#include "conn/netns.h"
#include "conn/port.h"
#include "engine/dispatch.h"
#include "engine/ip_ops.h"
#include "engine/sock.h"
#include "proto/proto.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>

#include <net/dst.h>
#include <net/ip.h>
#include <net/ipv6.h>

/* To unregister a hook is not for nothing: what waits in an NFQUEUE of this
 * namespace, anybody's, is dropped.
 */
#define LOOK_EVERY	(60 * HZ)
#define IDLE_LOOKS	60

/* --- a segment --------------------------------------------------------- */

/* The route that the connection keeps, if it is one for this segment. */
static struct dst_entry *route_of(struct sock *sk, const struct sk_buff *skb,
				  u16 family)
{
	struct dst_entry *dst = rcu_dereference(sk->sk_rx_dst);

	if (!dst || READ_ONCE(sk->sk_rx_dst_ifindex) != skb->skb_iif)
		return NULL;
	/* the socket may be another connection's by now */
	if (unlikely(dst->ops->family != family))
		return NULL;
	return dst_check(dst, READ_ONCE(sk->sk_rx_dst_cookie));
}

/* @offset: where the TCP header is, XTCP_HDR_LEN bytes of it in the head. */
static void look(struct sk_buff *skb, struct net *net, unsigned int offset,
		 const struct xtcp_ip_ops *ip)
{
	const struct xtcp_hdr *th = (struct xtcp_hdr *)(skb->data + offset);
	struct xtcp_early_note *note;
	struct dst_entry *dst = NULL;
	struct xtcp_tuple t;
	struct xtcp_flow *f;
	u32 hash;

	if (th->flags & XTCP_SYN || !xtcp_port_ours(net, th->dport))
		return;
	ip->rx_tuple(skb, th, &t);
	hash = xtcp_flow_hash(net, &t);
	note = xtcp_early_note(skb);
	note->hash = hash;
	note->check = xtcp_early_check(skb, hash);

	f = xtcp_flow_find(net, &t, xtcp_ip_rx_l3dev(skb), hash);
	if (!f)
		return;
	if (f->kind == XTCP_FLOW_CONN)
		dst = route_of(xtcp_sock_sk(xtcp_sock_of(f)), skb, ip->family);
	if (dst)
		skb_dst_set_noref(skb, dst);	/* RCU keeps it, as in IP */
	xtcp_flow_put(f);
}

static bool allowed(const struct net *net)
{
	return READ_ONCE(net->ipv4.sysctl_ip_early_demux) &&
	       READ_ONCE(net->ipv4.sysctl_tcp_early_demux);
}

/* Has nobody chosen, and will it not come again with another device (VRF)? */
static bool open(const struct sk_buff *skb)
{
	return !skb_dst(skb) && !skb->sk && skb->pkt_type == PACKET_HOST &&
	       !netif_is_l3_slave(skb->dev);
}

static unsigned int early4(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	unsigned int len = ip_hdrlen(skb);

	if (ip_hdr(skb)->protocol == XTCP_IPPROTO && open(skb) &&
	    !ip_is_fragment(ip_hdr(skb)) && allowed(state->net) &&
	    pskb_may_pull(skb, len + XTCP_HDR_LEN))
		look(skb, state->net, len, &xtcp_ip4_ops);
	return NF_ACCEPT;
}

/* Without extension headers only, as the kernel has it. */
static unsigned int early6(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	if (ipv6_hdr(skb)->nexthdr == XTCP_IPPROTO && open(skb) &&
	    allowed(state->net) &&
	    pskb_may_pull(skb, sizeof(struct ipv6hdr) + XTCP_HDR_LEN))
		look(skb, state->net, sizeof(struct ipv6hdr), &xtcp_ip6_ops);
	return NF_ACCEPT;
}

/* --- there or not ------------------------------------------------------ */

static const struct nf_hook_ops hooks[] = {
	{
		.hook		= early4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP_PRI_LAST,
	},
	{
		.hook		= early6,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP6_PRI_LAST,
	},
};

static void set(struct xtcp_net *xnet, bool on)
{
	if (on == xnet->early.hooked)
		return;
	if (!on)
		nf_unregister_net_hooks(xnet->net, hooks, ARRAY_SIZE(hooks));
	else if (nf_register_net_hooks(xnet->net, hooks, ARRAY_SIZE(hooks)))
		return;		/* no memory: it goes without */
	WRITE_ONCE(xnet->early.hooked, on);
}

static void work(struct work_struct *w)
{
	struct xtcp_net *xnet = container_of(w, struct xtcp_net, early.work.work);
	struct xtcp_early *early = &xnet->early;

	if (READ_ONCE(early->wanted)) {
		WRITE_ONCE(early->wanted, false);
		early->idle = 0;
		set(xnet, true);
	} else if (++early->idle >= IDLE_LOOKS) {
		set(xnet, false);
		return;
	}
	queue_delayed_work(system_power_efficient_wq, &early->work, LOOK_EVERY);
}

void xtcp_early_want(struct net *net)
{
	struct xtcp_early *early = &xtcp_net(net)->early;

	if (likely(READ_ONCE(early->wanted)))
		return;
	WRITE_ONCE(early->wanted, true);
	/* not if it stands already */
	queue_delayed_work(system_power_efficient_wq, &early->work,
			   READ_ONCE(early->hooked) ? LOOK_EVERY : 0);
}

void xtcp_early_net_init(struct net *net)
{
	BUILD_BUG_ON(sizeof(struct inet_skb_parm) + sizeof(struct xtcp_early_note) >
		     sizeof_field(struct sk_buff, cb));
	BUILD_BUG_ON(sizeof(struct inet6_skb_parm) + sizeof(struct xtcp_early_note) >
		     sizeof_field(struct sk_buff, cb));
	INIT_DEFERRABLE_WORK(&xtcp_net(net)->early.work, work);
}

void xtcp_early_net_exit(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);

	cancel_delayed_work_sync(&xnet->early.work);
	set(xnet, false);
}
