// SPDX-License-Identifier: GPL-2.0
/* sockopt_ip.c - socket options: SOL_IP and SOL_IPV6
 *
 * Only what a stream over our own IP output understands is let through to the
 * kernel's functions: groups and IPsec policies look at sk_family.
 */
#include "socket/sockopt.h"

#include "engine/output.h"
#include "engine/sock.h"

#include <linux/capability.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>

/* --- struct xtcp_pinfo --------------------------------------------------- */

struct xtcp_pinfo *xtcp_pinfo_alloc(void)
{
	struct xtcp_pinfo *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return NULL;
	refcount_set(&p->ref, 1);
	p->ip6.hop_limit = -1;
	p->ip6.mcast_hops = IPV6_DEFAULT_MCASTHOPS;
	p->ip6.pmtudisc = IPV6_PMTUDISC_WANT;
	return p;
}

/* IP output reads it without the lock: a copy is made, set and then shown. */
int xtcp_pinfo_own(struct xtcp_sock *xs)
{
	struct xtcp_pinfo *old = xs->pinfo, *new;

	/* Of a listener, children may be taking references right now. */
	if (refcount_read(&old->ref) == 1 && xs->state != XTCP_LISTEN)
		return 0;
	new = kmemdup(old, sizeof(*old), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	refcount_set(&new->ref, 1);
	/* Readers follow the pointers under RCU: contents first. */
	smp_wmb();
	WRITE_ONCE(xs->pinfo, new);
	WRITE_ONCE(xs->inet.pinet6, &new->ip6);
	xtcp_pinfo_put(old);
	return 0;
}

void xtcp_pinfo_put(struct xtcp_pinfo *p)
{
	if (p && refcount_dec_and_test(&p->ref))
		kfree_rcu(p, rcu);
}

/* --- SOL_IP --------------------------------------------------------------- */

static const int ip_set_names[] = {
	IP_TOS, IP_TTL, IP_MTU_DISCOVER, IP_RECVERR, IP_FREEBIND,
	IP_TRANSPARENT, IP_MINTTL, IP_BIND_ADDRESS_NO_PORT, IP_PKTINFO,
	IP_RECVTTL, IP_RECVTOS, IP_RECVOPTS, IP_RETOPTS, IP_RECVORIGDSTADDR,
	IP_PASSSEC, IP_UNICAST_IF, IP_LOCAL_PORT_RANGE, IP_RECVERR_RFC4884,
	IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_MULTICAST_ALL, IP_MULTICAST_IF,
	IP_CHECKSUM, IP_RECVFRAGSIZE, IP_OPTIONS,
};

static const int ip_get_names[] = {
	IP_MTU, IP_PKTOPTIONS, IP_NODEFRAG, IP_HDRINCL, IP_PROTOCOL,
};

static bool is_in(const int *names, size_t n, int name)
{
	for (; n; n--, names++)
		if (*names == name)
			return true;
	return false;
}

/* Who asks for it pays for it: TOS and TTL of what arrives are kept. */
static void keep_received(struct sock *sk)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);

	lock_sock(sk);
	xtcp_sk(sk)->opt.recv_ip =
		xtcp_compat_cmsg_flags(inet_sk(sk)) & (IP_CMSG_TOS | IP_CMSG_TTL) ||
		np->rxopt.bits.rxtclass || np->rxopt.bits.rxflow ||
		np->rxopt.bits.rxhlim || np->rxopt.bits.rxohlim;
	release_sock(sk);
}

/* To where IP_PKTOPTIONS and IPV6_2292PKTOPTIONS look for it. */
static int show_received(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int err;

	lock_sock(sk);
	err = xtcp_pinfo_own(xs);
	if (!err) {
		inet_sk(sk)->rcv_tos = xs->rcv_tos;
		inet_sk(sk)->mc_ttl = xs->rcv_ttl;
		inet6_sk(sk)->rcv_flowinfo = htonl((u32)xs->rcv_tos << 20);
		inet6_sk(sk)->mcast_hops = xs->rcv_ttl;
	}
	release_sock(sk);
	return err;
}

/* Another way, and less room in each packet (MUST-52). */
static void ip_options_changed(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	lock_sock(sk);
	if (xs->ip && !(XTCPF(xs->state) & (XTCPF(XTCP_CLOSE) | XTCPF(XTCP_LISTEN)))) {
		sk_dst_reset(sk);
		xtcp_output_dst(xs);
	}
	release_sock(sk);
}

int xtcp_setsockopt_ip(struct sock *sk, int optname, sockptr_t optval,
		       unsigned int optlen)
{
	int err;

	if (optname == IP_ADD_MEMBERSHIP || optname == IP_DROP_MEMBERSHIP)
		return -EPROTO;
	if (!is_in(ip_set_names, ARRAY_SIZE(ip_set_names), optname))
		return -ENOPROTOOPT;
	err = ip_setsockopt(sk, SOL_IP, optname, optval, optlen);
	if (!err && (optname == IP_RECVTOS || optname == IP_RECVTTL))
		keep_received(sk);
	if (!err && optname == IP_OPTIONS)
		ip_options_changed(sk);
	return err;
}

int xtcp_getsockopt_ip(struct sock *sk, int optname, char __user *optval,
		       int __user *optlen)
{
	if (!is_in(ip_set_names, ARRAY_SIZE(ip_set_names), optname) &&
	    !is_in(ip_get_names, ARRAY_SIZE(ip_get_names), optname))
		return -ENOPROTOOPT;
	if (optname == IP_PKTOPTIONS && show_received(sk))
		return -ENOMEM;
	return ip_getsockopt(sk, SOL_IP, optname, optval, optlen);
}

/* --- SOL_IPV6 -------------------------------------------------------------- */

/* What recvmsg() of a datagram would tell; a stream only remembers the wish. */
static bool set_rxopt(struct sock *sk, int name, int val)
{
	struct ipv6_pinfo *np = inet6_sk(sk);

	switch (name) {
	case IPV6_RECVPKTINFO:
		np->rxopt.bits.rxinfo = val;
		return true;
	case IPV6_2292PKTINFO:
		np->rxopt.bits.rxoinfo = val;
		return true;
	case IPV6_RECVHOPLIMIT:
		np->rxopt.bits.rxhlim = val;
		return true;
	case IPV6_2292HOPLIMIT:
		np->rxopt.bits.rxohlim = val;
		return true;
	case IPV6_2292RTHDR:
		np->rxopt.bits.osrcrt = val;
		return true;
	case IPV6_2292HOPOPTS:
		np->rxopt.bits.ohopopts = val;
		return true;
	case IPV6_2292DSTOPTS:
		np->rxopt.bits.odstopts = val;
		return true;
	case IPV6_RECVFRAGSIZE:
		np->rxopt.bits.recvfragsize = val;
		return true;
	case IPV6_RECVRTHDR:
		np->rxopt.bits.srcrt = val;
		return true;
	case IPV6_RECVHOPOPTS:
		np->rxopt.bits.hopopts = val;
		return true;
	case IPV6_RECVDSTOPTS:
		np->rxopt.bits.dstopts = val;
		return true;
	case IPV6_RECVTCLASS:
		np->rxopt.bits.rxtclass = val;
		return true;
	case IPV6_FLOWINFO:
		np->rxopt.bits.rxflow = val;
		return true;
	case IPV6_RECVPATHMTU:
		np->rxopt.bits.rxpmtu = val;
		return true;
	case IPV6_RECVORIGDSTADDR:
		np->rxopt.bits.rxorigdstaddr = val;
		return true;
	}
	return false;
}

/* On or off. */
static bool set_flag6(struct sock *sk, int name, int val)
{
	switch (name) {
	case IPV6_FREEBIND:
		xtcp_compat_inet_assign(sk, FREEBIND, freebind, val);
		return true;
	case IPV6_RECVERR:
		xtcp_compat_np_assign(sk, RECVERR6, recverr, val);
		if (!val)
			skb_queue_purge(&sk->sk_error_queue);
		return true;
	case IPV6_DONTFRAG:
		xtcp_compat_np_assign(sk, DONTFRAG, dontfrag, val);
		return true;
	case IPV6_FLOWINFO_SEND:
		xtcp_compat_np_assign(sk, SNDFLOW, sndflow, val);
		return true;
	case IPV6_AUTOFLOWLABEL:
		xtcp_compat_np_assign(sk, AUTOFLOWLABEL, autoflowlabel, val);
		xtcp_compat_np_assign(sk, AUTOFLOWLABEL_SET, autoflowlabel_set, 1);
		return true;
	case IPV6_MULTICAST_ALL:
		xtcp_compat_np_assign(sk, MC6_ALL, mc_all, val);
		return true;
	case IPV6_ROUTER_ALERT_ISOLATE:
		xtcp_compat_np_assign(sk, RTALERT_ISOLATE, rtalert_isolate, val);
		return true;
	}
	return false;
}

static int set_tclass(struct sock *sk, int val)
{
	struct ipv6_pinfo *np = inet6_sk(sk);

	if (val < -1 || val > 0xff)
		return -EINVAL;
	val = val == -1 ? 0 : val;		/* RFC 3542 6.5 */
	val = (val & ~INET_ECN_MASK) | (np->tclass & INET_ECN_MASK);
	if (np->tclass != val) {
		np->tclass = val;
		sk_dst_reset(sk);
	}
	return 0;
}

static int set_v6only(struct sock *sk, int val)
{
	if (inet_sk(sk)->inet_num)
		return -EINVAL;
	sk->sk_ipv6only = !!val;
	return 0;
}

static int set_transparent(struct sock *sk, int val)
{
	struct user_namespace *ns = sock_net(sk)->user_ns;

	if (val && !ns_capable(ns, CAP_NET_RAW) && !ns_capable(ns, CAP_NET_ADMIN))
		return -EPERM;
	xtcp_compat_inet_assign(sk, TRANSPARENT, transparent, val);
	return 0;
}

static int set_value6(struct sock *sk, int name, int val)
{
	struct ipv6_pinfo *np = inet6_sk(sk);

	switch (name) {
	case IPV6_V6ONLY:
		return set_v6only(sk, val);
	case IPV6_TCLASS:
		return set_tclass(sk, val);
	case IPV6_TRANSPARENT:
		return set_transparent(sk, val);
	case IPV6_UNICAST_HOPS:
		if (val > 255 || val < -1)
			return -EINVAL;
		np->hop_limit = val;
		return 0;
	case IPV6_MTU_DISCOVER:
		if (val < IPV6_PMTUDISC_DONT || val > IPV6_PMTUDISC_OMIT)
			return -EINVAL;
		np->pmtudisc = val;
		return 0;
	case IPV6_MTU:
		if (val && val < IPV6_MIN_MTU)
			return -EINVAL;
		np->frag_size = val;
		return 0;
	case IPV6_MINHOPCOUNT:
		if (val < 0 || val > 255)
			return -EINVAL;
		WRITE_ONCE(np->min_hopcount, val);
		return 0;
	case IPV6_MULTICAST_LOOP:
		if (val != !!val)
			return -EINVAL;
		xtcp_compat_np_assign(sk, MC6_LOOP, mc_loop, val);
		return 0;
	case IPV6_RECVERR_RFC4884:
		if (val != !!val)
			return -EINVAL;
		xtcp_compat_np_assign(sk, RECVERR6_RFC4884, recverr_rfc4884, val);
		return 0;
	case IPV6_ADDR_PREFERENCES:
		return xtcp_compat_addr_preferences(sk, val);
	}
	if (set_flag6(sk, name, !!val) || set_rxopt(sk, name, !!val))
		return 0;
	return -ENOPROTOOPT;
}

int xtcp_setsockopt_ipv6(struct sock *sk, int optname, sockptr_t optval,
			 unsigned int optlen)
{
	int val, err;

	if (optname == IPV6_ADD_MEMBERSHIP || optname == IPV6_DROP_MEMBERSHIP)
		return optlen < sizeof(struct ipv6_mreq) ? -EINVAL : -EPROTO;
	if (optlen < sizeof(val))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;

	lock_sock(sk);
	err = xtcp_pinfo_own(xtcp_sk(sk));
	if (!err)
		err = set_value6(sk, optname, val);
	release_sock(sk);
	if (!err)
		keep_received(sk);
	return err;
}

static const int ip6_get_names[] = {
	IPV6_V6ONLY, IPV6_TCLASS, IPV6_TRANSPARENT, IPV6_UNICAST_HOPS,
	IPV6_MTU_DISCOVER, IPV6_MTU, IPV6_MINHOPCOUNT, IPV6_ADDR_PREFERENCES,
	IPV6_FREEBIND, IPV6_RECVERR, IPV6_DONTFRAG, IPV6_FLOWINFO_SEND,
	IPV6_AUTOFLOWLABEL, IPV6_MULTICAST_ALL, IPV6_RECVPKTINFO,
	IPV6_2292PKTINFO, IPV6_RECVHOPLIMIT, IPV6_2292HOPLIMIT, IPV6_RECVRTHDR,
	IPV6_RECVHOPOPTS, IPV6_RECVDSTOPTS, IPV6_RECVTCLASS, IPV6_FLOWINFO,
	IPV6_RECVPATHMTU, IPV6_RECVORIGDSTADDR, IPV6_PATHMTU,
	IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP, IPV6_MULTICAST_IF,
	IPV6_2292RTHDR, IPV6_2292HOPOPTS, IPV6_2292DSTOPTS, IPV6_RECVFRAGSIZE,
	IPV6_ROUTER_ALERT_ISOLATE, IPV6_RECVERR_RFC4884, IPV6_UNICAST_IF,
	IPV6_2292PKTOPTIONS, IPV6_HOPOPTS, IPV6_RTHDR, IPV6_RTHDRDSTOPTS, IPV6_DSTOPTS,
};

int xtcp_getsockopt_ipv6(struct sock *sk, int optname, char __user *optval,
			 int __user *optlen)
{
	if (!is_in(ip6_get_names, ARRAY_SIZE(ip6_get_names), optname))
		return -ENOPROTOOPT;
	if (optname == IPV6_2292PKTOPTIONS && show_received(sk))
		return -ENOMEM;
	return ipv6_getsockopt(sk, SOL_IPV6, optname, optval, optlen);
}
