// SPDX-License-Identifier: GPL-2.0
/* ip6.c - TCP over IPv6: route, header, and what a received header says
 *
 * The header is our own and not ip6_xmit()'s, which takes the hop limit from
 * the socket's options: a half-open entry has no socket, and must answer with
 * its listener's.
 */

#include "engine/ip_ops.h"
#include "proto/proto.h"

#include <linux/ipv6.h>

#include <net/inet_ecn.h>
#include <net/inet_sock.h>
#include <net/ip6_checksum.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

static void flow_init(struct flowi6 *fl6, const struct xtcp_tuple *t,
		      const struct xtcp_ip_attr *a)
{
	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_proto = XTCP_IPPROTO;
	fl6->daddr = t->raddr.in6;
	fl6->saddr = t->laddr.in6;
	fl6->flowlabel = ip6_make_flowinfo(a->tos,
					   (__force __be32)a->flowlabel &
					   IPV6_FLOWLABEL_MASK);
	fl6->flowi6_oif = a->oif;
	fl6->flowi6_mark = a->mark;
	fl6->fl6_dport = t->rport;
	fl6->fl6_sport = t->lport;
	fl6->flowi6_uid = a->uid;
}

static struct dst_entry *ip6_route(const struct sock *sk, struct xtcp_tuple *t,
				   const struct xtcp_ip_attr *a)
{
	struct dst_entry *dst;
	struct flowi6 fl6;

	if (!ipv6_mod_enabled())
		return ERR_PTR(-EAFNOSUPPORT);
	if (ipv6_addr_is_multicast(&t->raddr.in6))	/* MUST-57 */
		return ERR_PTR(-ENETUNREACH);
	flow_init(&fl6, t, a);
	if (sk)
		security_sk_classify_flow((struct sock *)sk,
					  flowi6_to_flowi_common(&fl6));
	dst = ip6_dst_lookup_flow(a->net, sk, &fl6, NULL);
	if (!IS_ERR(dst) && xtcp_addr_is_any6(&t->laddr))
		xtcp_addr_set_v6(&t->laddr, &fl6.saddr);
	return dst;
}

static void ip6_csum(struct sk_buff *skb, const struct xtcp_tuple *t)
{
	struct xtcp_hdr *th = (struct xtcp_hdr *)skb_transport_header(skb);

	th->check = ~csum_ipv6_magic(&t->laddr.in6, &t->raddr.in6, skb->len,
				     XTCP_IPPROTO, 0);
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct xtcp_hdr, check);
	skb->ip_summed = CHECKSUM_PARTIAL;
}

static int ip6_output_skb(struct sock *sk, struct sk_buff *skb,
			  struct dst_entry *dst, const struct xtcp_tuple *t,
			  const struct xtcp_ip_attr *a)
{
	struct net *net = a->net;
	struct ipv6hdr *h;
	struct flowi6 fl6;
	__be32 label;
	int err;

	rcu_read_lock();
	flow_init(&fl6, t, a);
	label = ip6_make_flowlabel(net, skb, fl6.flowlabel,
				   ip6_default_np_autolabel(net), &fl6);
	skb_dst_set_noref(skb, dst);
	h = skb_push(skb, sizeof(*h));
	skb_reset_network_header(skb);
	ip6_flow_hdr(h, (a->tos & ~INET_ECN_MASK) | a->ecn, label);
	h->nexthdr = XTCP_IPPROTO;
	h->hop_limit = a->ttl >= 0 ? a->ttl : ip6_dst_hoplimit(dst);
	h->saddr = t->laddr.in6;
	h->daddr = t->raddr.in6;
	skb->priority = a->priority;
	skb->mark = a->mark;
	xtcp_compat_ip6_count_out(net, ip6_dst_idev(dst), skb->len);
	err = ip6_local_out(net, sk, skb);
	rcu_read_unlock();
	return err > 0 ? net_xmit_errno(err) : err;
}

static u32 ip6_mtu_of(const struct dst_entry *dst)
{
	return dst_mtu(dst);
}

static u32 ip6_cookie(const struct dst_entry *dst)
{
	return rt6_get_cookie(container_of(dst, struct rt6_info, dst));
}

static void ip6_rx_tuple(const struct sk_buff *skb, const struct xtcp_hdr *th,
			 struct xtcp_tuple *t)
{
	xtcp_addr_set_v6(&t->laddr, &ipv6_hdr(skb)->daddr);
	xtcp_addr_set_v6(&t->raddr, &ipv6_hdr(skb)->saddr);
	t->lport = th->dport;
	t->rport = th->sport;
}

static bool ip6_rx_csum_bad(struct sk_buff *skb)
{
	return skb_checksum_init(skb, XTCP_IPPROTO, ip6_compute_pseudo) ||
	       skb_checksum_complete(skb);
}

static bool ip6_rx_policy_ok(struct sock *sk, struct sk_buff *skb)
{
	return xfrm6_policy_check(sk, XFRM_POLICY_IN, skb);
}

static u8 ip6_rx_tos(const struct sk_buff *skb)
{
	return ipv6_get_dsfield(ipv6_hdr(skb));
}

static u8 ip6_rx_ttl(const struct sk_buff *skb)
{
	return ipv6_hdr(skb)->hop_limit;
}

const struct xtcp_ip_ops xtcp_ip6_ops = {
	.version	= 6,
	.header_len	= sizeof(struct ipv6hdr),
	.family		= AF_INET6,
	.mss_default	= XTCP_MSS_DEFAULT6,
	.min_mtu	= IPV6_MIN_MTU,
	.route		= ip6_route,
	.csum		= ip6_csum,
	.output		= ip6_output_skb,
	.mtu		= ip6_mtu_of,
	.dst_cookie	= ip6_cookie,
	.rx_tuple	= ip6_rx_tuple,
	.rx_csum_bad	= ip6_rx_csum_bad,
	.rx_policy_ok	= ip6_rx_policy_ok,
	.rx_tos		= ip6_rx_tos,
	.rx_ttl		= ip6_rx_ttl,
};
