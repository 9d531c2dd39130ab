// SPDX-License-Identifier: GPL-2.0
/* ip4.c - TCP over IPv4: route, header, and what a received header says */

#include "engine/ip_ops.h"
#include "net/ip4_options.h"
#include "proto/proto.h"

#include <linux/ip.h>

#include <net/inet_ecn.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/xfrm.h>

static struct dst_entry *ip4_route(const struct sock *sk, struct xtcp_tuple *t,
				   const struct xtcp_ip_attr *a)
{
	struct sock *s = (struct sock *)sk;	/* not const in all kernels */
	__be32 to = xtcp_addr_v4(&t->raddr);
	struct flowi4 fl4;
	struct rtable *rt;

	if (unlikely(a->opt) && a->opt->srr)	/* MUST-51 */
		to = a->opt->faddr;
	flowi4_init_output(&fl4, a->oif, a->mark, a->tos & INET_DSCP_MASK,
			   sk ? ip_sock_rt_scope(sk) : RT_SCOPE_UNIVERSE,
			   XTCP_IPPROTO, sk ? inet_sk_flowi_flags(sk) : 0,
			   to, xtcp_addr_v4(&t->laddr), t->rport, t->lport,
			   a->uid);
	if (sk)
		security_sk_classify_flow(s, flowi4_to_flowi_common(&fl4));
	rt = ip_route_output_flow(a->net, &fl4, s);
	if (IS_ERR(rt))
		return ERR_CAST(rt);

	/* RFC 9293 MUST-57: TCP speaks to one host; a strict route has no other
	 * gateway.
	 */
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST) ||
	    (a->opt && a->opt->is_strictroute && rt->rt_uses_gateway)) {
		ip_rt_put(rt);
		return ERR_PTR(-ENETUNREACH);
	}
	if (xtcp_addr_is_any(&t->laddr))
		xtcp_addr_set_v4(&t->laddr, fl4.saddr);
	if (xtcp_addr_is_any4(&t->raddr))
		xtcp_addr_set_v4(&t->raddr, fl4.daddr);	/* this host */
	return &rt->dst;
}

static void ip4_csum(struct sk_buff *skb, const struct xtcp_tuple *t)
{
	struct xtcp_hdr *th = (struct xtcp_hdr *)skb_transport_header(skb);

	th->check = ~csum_tcpudp_magic(xtcp_addr_v4(&t->laddr),
				       xtcp_addr_v4(&t->raddr), skb->len,
				       XTCP_IPPROTO, 0);
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct xtcp_hdr, check);
	skb->ip_summed = CHECKSUM_PARTIAL;
}

static int ip4_output(struct sock *sk, struct sk_buff *skb, struct dst_entry *dst,
		      const struct xtcp_tuple *t, const struct xtcp_ip_attr *a)
{
	unsigned int opt_len = a->opt ? a->opt->optlen : 0;
	struct iphdr *iph;
	int err;

	rcu_read_lock();
	skb_dst_set_noref(skb, dst);
	iph = skb_push(skb, sizeof(*iph) + opt_len);
	skb_reset_network_header(skb);
	iph->version = 4;
	iph->ihl = (sizeof(*iph) + opt_len) / 4;
	iph->tos = (a->tos & ~INET_ECN_MASK) | a->ecn;
	iph->frag_off = ip_dont_fragment(sk, dst) ? htons(IP_DF) : 0;
	iph->ttl = a->ttl >= 0 ? a->ttl : ip4_dst_hoplimit(dst);
	iph->protocol = XTCP_IPPROTO;
	iph->saddr = xtcp_addr_v4(&t->laddr);
	iph->daddr = xtcp_addr_v4(&t->raddr);
	if (unlikely(opt_len))
		xtcp_ip4_options_put(skb, a->opt);
	ip_select_ident_segs(a->net, skb, sk, skb_shinfo(skb)->gso_segs ?: 1);
	skb->priority = a->priority;
	skb->mark = a->mark;
	err = ip_local_out(a->net, sk, skb);
	rcu_read_unlock();
	return err > 0 ? net_xmit_errno(err) : err;
}

static u32 ip4_mtu_of(const struct dst_entry *dst)
{
	return dst_mtu(dst);
}

static void ip4_rx_tuple(const struct sk_buff *skb, const struct xtcp_hdr *th,
			 struct xtcp_tuple *t)
{
	const struct iphdr *iph = ip_hdr(skb);

	xtcp_addr_set_v4(&t->laddr, iph->daddr);
	xtcp_addr_set_v4(&t->raddr, iph->saddr);
	t->lport = th->dport;
	t->rport = th->sport;
}

static bool ip4_rx_csum_bad(struct sk_buff *skb)
{
	return skb_checksum_init(skb, XTCP_IPPROTO, inet_compute_pseudo) ||
	       skb_checksum_complete(skb);
}

static bool ip4_rx_policy_ok(struct sock *sk, struct sk_buff *skb)
{
	return xfrm4_policy_check(sk, XFRM_POLICY_IN, skb);
}

static u8 ip4_rx_tos(const struct sk_buff *skb)
{
	return ip_hdr(skb)->tos;
}

static u8 ip4_rx_ttl(const struct sk_buff *skb)
{
	return ip_hdr(skb)->ttl;
}

const struct xtcp_ip_ops xtcp_ip4_ops = {
	.version	= 4,
	.header_len	= sizeof(struct iphdr),
	.family		= AF_INET,
	.mss_default	= XTCP_MSS_DEFAULT4,
	.min_mtu	= 552,		/* net.ipv4.route.min_pmtu */
	.route		= ip4_route,
	.csum		= ip4_csum,
	.output		= ip4_output,
	.mtu		= ip4_mtu_of,
	.rx_tuple	= ip4_rx_tuple,
	.rx_csum_bad	= ip4_rx_csum_bad,
	.rx_policy_ok	= ip4_rx_policy_ok,
	.rx_tos		= ip4_rx_tos,
	.rx_ttl		= ip4_rx_ttl,
	.rx_options	= xtcp_ip4_options_answer,
};
