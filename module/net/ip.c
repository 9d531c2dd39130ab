// SPDX-License-Identifier: GPL-2.0
/* ip.c - what both IP versions share: attributes, devices, control socks */

#include "engine/ip_ops.h"
#include "conn/netns.h"

#include <linux/ipv6.h>
#include <linux/netdevice.h>

#include <net/inet_common.h>
#include <net/inet_ecn.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/sock.h>

void xtcp_ip_attr_sk(struct xtcp_ip_attr *a, const struct sock *sk, bool v4)
{
	const struct inet_sock *inet = inet_sk(sk);
	const struct ipv6_pinfo *np = inet6_sk(sk);

	a->net = sock_net(sk);
	a->oif = READ_ONCE(sk->sk_bound_dev_if);
	a->mark = READ_ONCE(sk->sk_mark);
	a->flowlabel = 0;
	a->priority = READ_ONCE(sk->sk_priority);
	a->uid = READ_ONCE(sk->sk_uid);
	a->ecn = 0;
	a->opt = NULL;
	if (v4 || !np) {
		a->tos = READ_ONCE(inet->tos) & ~INET_ECN_MASK;
		a->ttl = READ_ONCE(inet->uc_ttl);
		if (unlikely(rcu_access_pointer(inet->inet_opt)))
			a->opt = &rcu_dereference_raw(inet->inet_opt)->opt;
	} else {
		a->tos = np->tclass & ~INET_ECN_MASK;
		a->ttl = np->hop_limit;
		a->flowlabel = (__force u32)np->flow_label;
	}
}

static bool ports_matter4(const struct net *net)
{
#ifdef CONFIG_IP_MULTIPLE_TABLES
	if (READ_ONCE(net->ipv4.fib_rules_require_fldissect))
		return true;
#endif
#ifdef CONFIG_IP_ROUTE_MULTIPATH
	if (READ_ONCE(net->ipv4.sysctl_fib_multipath_hash_policy))
		return true;
#endif
	return false;
}

static bool ports_matter6(const struct net *net)
{
#ifdef CONFIG_IPV6_MULTIPLE_TABLES
	if (READ_ONCE(net->ipv6.fib6_rules_require_fldissect))
		return true;
#endif
	return ip6_multipath_hash_policy(net);
}

bool xtcp_ip_ports_matter(const struct net *net, const struct xtcp_tuple *t)
{
	return xtcp_addr_is_v4(&t->raddr) ? ports_matter4(net) :
					    ports_matter6(net);
}

u32 xtcp_ip_opt_len(const struct sock *sk)
{
	const struct ip_options_rcu *opt;

	opt = rcu_dereference_protected(inet_sk(sk)->inet_opt,
					lockdep_sock_is_held(sk));
	return opt ? opt->opt.optlen : 0;
}

static bool is_v6(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IPV6);
}

int xtcp_ip_rx_iif(const struct sk_buff *skb)
{
	return is_v6(skb) ? inet6_iif(skb) : inet_iif(skb);
}

int xtcp_ip_rx_sdif(const struct sk_buff *skb)
{
	return is_v6(skb) ? inet6_sdif(skb) : inet_sdif(skb);
}

int xtcp_ip_rx_l3dev(const struct sk_buff *skb)
{
	return skb->dev && netif_is_l3_master(skb->dev) ? skb->dev->ifindex : 0;
}

int xtcp_ip_rx_dif(const struct sk_buff *skb)
{
	if (is_v6(skb) &&
	    ipv6_addr_type(&ipv6_hdr(skb)->saddr) & IPV6_ADDR_LINKLOCAL)
		return IP6CB(skb)->iif;
	return xtcp_ip_rx_l3dev(skb);
}

/* A raw socket that receives nothing; it lends its namespace, its LSM label and
 * "do not fragment" to what is sent without a connection.
 */
static int ctl_create(struct net *net, int family, struct sock **ctl)
{
	int err = inet_ctl_sock_create(ctl, family, SOCK_RAW, IPPROTO_TCP, net);

	if (err)
		return err;
	inet_sk(*ctl)->pmtudisc = IP_PMTUDISC_DO;
	return 0;
}

int xtcp_ip_net_init(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);
	int err;

	err = ctl_create(net, PF_INET, &xnet->ctl4);
	if (err)
		return err;
	if (!ipv6_mod_enabled())
		return 0;
	err = ctl_create(net, PF_INET6, &xnet->ctl6);
	if (err)
		xtcp_ip_net_exit(net);
	return err;
}

void xtcp_ip_net_exit(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);

	inet_ctl_sock_destroy(xnet->ctl6);
	inet_ctl_sock_destroy(xnet->ctl4);
	xnet->ctl6 = NULL;
	xnet->ctl4 = NULL;
}
