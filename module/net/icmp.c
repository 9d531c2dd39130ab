// SPDX-License-Identifier: GPL-2.0
/* icmp.c - errors from the path
 *
 * Anybody can send us one.  What it quotes must be in flight on a connection of
 * ours (RFC 5927 section 4.1), and even then it ends a connection only
 * while that is being opened.
 */

#include "net/icmp_err.h"
#include "conn/demux.h"
#include "conn/netns.h"
#include "conn/port.h"
#include "engine/listen.h"
#include "engine/pmtu.h"
#include "engine/sock.h"
#include "engine/ip_ops.h"
#include "proto/seq.h"
#include "queue/synq.h"

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>

#include <net/icmp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/route.h>
#include <net/sock.h>

enum what {
	SOFT,			/* @err, for when the connection times out */
	HARD,			/* @err, RFC 1122: abort it; see RFC 5461 */
	PMTU,			/* the path's MTU is @mtu */
	REDIRECT,
	NOTHING,
};

struct event {
	struct net	*net;
	bool		v4;
	enum what	what;
	bool		half_fatal;	/* ends a handshake */
	bool		no_path;	/* nobody there could take it (RFC 6069) */
	int		err;
	u32		mtu;
	u32		seq;		/* of the segment that is quoted */
	unsigned int	quoted;		/* where its TCP header is, and its port */
	__be16		port;
	u8		type, code;
	u32		info;
};

/* --- who it is about --------------------------------------------------- */

static struct xtcp_flow *find(struct sk_buff *skb, struct event *e,
			      struct xtcp_tuple *t, unsigned int offset)
{
	const struct xtcp_hdr *th = (const struct xtcp_hdr *)(skb->data + offset);

	/* the quoted segment is one that we sent */
	t->lport = th->sport;
	t->rport = th->dport;
	e->seq = ntohl(th->seq);
	e->quoted = offset;
	e->port = th->dport;
	if (!xtcp_port_ours(e->net, t->lport))
		return NULL;
	return xtcp_flow_lookup(e->net, t, xtcp_ip_rx_l3dev(skb));
}

/* --- what is done about it --------------------------------------------- */

static void route_pmtu(struct sk_buff *skb, const struct event *e,
		       const struct sock *sk)
{
	int oif = READ_ONCE(sk->sk_bound_dev_if);

	if (e->v4)
		ipv4_update_pmtu(skb, e->net, e->mtu, oif, IPPROTO_TCP);
	else
		ip6_update_pmtu(skb, e->net, htonl(e->mtu), oif,
				READ_ONCE(sk->sk_mark), READ_ONCE(sk->sk_uid));
}

static void route_redirect(struct sk_buff *skb, const struct event *e,
			   const struct sock *sk)
{
	int oif = READ_ONCE(sk->sk_bound_dev_if);

	if (e->v4)
		ipv4_redirect(skb, e->net, oif, IPPROTO_TCP);
	else
		ip6_redirect(skb, e->net, oif, READ_ONCE(sk->sk_mark),
			     READ_ONCE(sk->sk_uid));
}

/* IP_MTU_DISCOVER: does the program want the path to be asked? */
static bool accepts_pmtu(const struct sock *sk, bool v4)
{
	if (!v4)
		return ip6_sk_accept_pmtu(sk);
	return ip_sk_accept_pmtu(sk) &&
	       READ_ONCE(inet_sk(sk)->pmtudisc) != IP_PMTUDISC_DONT;
}

/* The bit needs no reference: release_sock() of the user who has the lock looks
 * at it, after our bh_unlock_sock().
 */
static void conn_pmtu(struct xtcp_sock *xs, struct sk_buff *skb,
		      const struct event *e)
{
	struct sock *sk = xtcp_sock_sk(xs);

	if (!accepts_pmtu(sk, e->v4))
		return;
	route_pmtu(skb, e, sk);
	if (e->mtu >= xs->snd.pmtu)
		return;
	if (!sock_owned_by_user(sk)) {
		xtcp_pmtu_reduced(xs, e->mtu);
		return;
	}
	WRITE_ONCE(xs->mtu_info, e->mtu);
	set_bit(XTCP_DEFER_PMTU, &xs->deferred);
}

/* For MSG_ERRQUEUE, as Linux does while a connection is being opened (traceroute
 * finds its way by that): the message, from the quoted TCP header on.
 */
static void queue_error(struct xtcp_sock *xs, struct sk_buff *skb,
			const struct event *e)
{
	int daddr = e->v4 ? offsetof(struct iphdr, daddr) :
			    offsetof(struct ipv6hdr, daddr);
	struct sock_exterr_skb *serr;
	struct sk_buff *copy;

	if (!xtcp_icmp_wanted(xs))
		return;
	copy = skb_clone(skb, GFP_ATOMIC);
	if (!copy)
		return;
	serr = SKB_EXT_ERR(copy);
	serr->ee = (struct sock_extended_err) {
		.ee_errno	= e->err,
		.ee_origin	= e->v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
		.ee_type	= e->type,
		.ee_code	= e->code,
		.ee_info	= e->info,
	};
	serr->addr_offset = skb->data + daddr - skb_network_header(skb);
	serr->port = e->port;
	if (!skb_pull(copy, e->quoted) ||
	    sock_queue_err_skb(xtcp_sock_sk(xs), copy))
		kfree_skb(copy);
}

static bool is_opening(const struct xtcp_sock *xs)
{
	return XTCPF(xs->state) & (XTCPF(XTCP_SYN_SENT) | XTCPF(XTCP_SYN_RECV));
}

static void conn_locked(struct xtcp_sock *xs, struct sk_buff *skb,
			const struct event *e)
{
	struct sock *sk = xtcp_sock_sk(xs);

	if (xs->state == XTCP_CLOSE)
		return;
	if (!seq_leq(xs->snd.una, e->seq) || !seq_lt(e->seq, xs->snd.nxt)) {
		xtcp_mib_inc(e->net, XTCP_MIB_ICMP_DROPPED);
		return;
	}
	switch (e->what) {
	case PMTU:
		conn_pmtu(xs, skb, e);
		break;
	case REDIRECT:
		route_redirect(skb, e, sk);
		break;
	case SOFT:
	case HARD:
		if (is_opening(xs))
			queue_error(xs, skb, e);
		if (sock_owned_by_user(sk))
			WRITE_ONCE(sk->sk_err_soft, e->err);
		else
			xtcp_icmp_error(xs, e->err);
		if (e->no_path && e->seq == xs->snd.una && !sock_owned_by_user(sk))
			xtcp_timers_no_path(xs);
		break;
	case NOTHING:
		break;
	}
}

/* Eats the reference on @f. */
static void deliver(struct xtcp_flow *f, struct sk_buff *skb,
		    const struct event *e)
{
	struct sock *sk;

	xtcp_mib_inc(e->net, XTCP_MIB_ICMP_IN);
	switch (f->kind) {
	case XTCP_FLOW_CONN:
		sk = xtcp_sock_sk(xtcp_sock_of(f));
		bh_lock_sock(sk);
		conn_locked(xtcp_sock_of(f), skb, e);
		bh_unlock_sock(sk);
		break;
	case XTCP_FLOW_HALF:
		if (e->what == SOFT || e->what == HARD)
			xtcp_half_icmp(xtcp_half_of(f), e->seq, e->err,
				       e->half_fatal);
		break;
	case XTCP_FLOW_TW:
		break;			/* nothing of ours is on its way */
	}
	xtcp_flow_put(f);
}

/* --- what it says ------------------------------------------------------ */

static void unreach4(struct event *e, u8 code, u32 info)
{
	if (code > NR_ICMP_UNREACH)
		return;
	if (code == ICMP_FRAG_NEEDED) {
		/* 0: from before RFC 1191.  Small ones are an attack. */
		e->what = PMTU;
		e->mtu = max_t(u32, info, READ_ONCE(e->net->ipv4.ip_rt_min_pmtu));
		return;
	}
	e->what = icmp_err_convert[code].fatal ? HARD : SOFT;
	e->err = icmp_err_convert[code].errno;
	e->half_fatal = code == ICMP_NET_UNREACH || code == ICMP_HOST_UNREACH;
	e->no_path = e->half_fatal;
}

static void read4(struct event *e, u8 type, u8 code, u32 info)
{
	e->what = NOTHING;
	switch (type) {
	case ICMP_REDIRECT:
		e->what = REDIRECT;
		break;
	case ICMP_PARAMETERPROB:
		e->what = SOFT;
		e->err = EPROTO;
		e->half_fatal = true;
		break;
	case ICMP_TIME_EXCEEDED:
		e->what = SOFT;
		e->err = EHOSTUNREACH;
		e->half_fatal = true;
		break;
	case ICMP_DEST_UNREACH:
		unreach4(e, code, info);
		break;
	}
}

static void read6(struct event *e, u8 type, u8 code, __be32 info)
{
	e->what = NOTHING;
	if (type == NDISC_REDIRECT) {
		e->what = REDIRECT;
	} else if (type == ICMPV6_PKT_TOOBIG) {
		e->mtu = ntohl(info);
		if (e->mtu >= IPV6_MIN_MTU)	/* RFC 8201 section 4 */
			e->what = PMTU;
	} else {
		e->half_fatal = icmpv6_err_convert(type, code, &e->err);
		e->what = e->half_fatal ? HARD : SOFT;
		e->no_path = type == ICMPV6_DEST_UNREACH &&
			     (code == ICMPV6_NOROUTE || code == ICMPV6_ADDR_UNREACH);
	}
}

bool xtcp_icmp4_rcv(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct event e = { .net = dev_net(skb->dev), .v4 = true };
	struct xtcp_tuple t;
	struct xtcp_flow *f;

	if (iph->frag_off & htons(IP_OFFSET))
		return false;		/* no TCP header in there */
	xtcp_addr_set_v4(&t.laddr, iph->saddr);
	xtcp_addr_set_v4(&t.raddr, iph->daddr);
	f = find(skb, &e, &t, iph->ihl * 4);
	if (!f)
		return false;
	e.type = icmp_hdr(skb)->type;
	e.code = icmp_hdr(skb)->code;
	e.info = info;
	read4(&e, e.type, e.code, info);
	deliver(f, skb, &e);
	return true;
}

bool xtcp_icmp6_rcv(struct sk_buff *skb, u8 type, u8 code, int offset,
		    __be32 info)
{
	const struct ipv6hdr *h = (const struct ipv6hdr *)skb->data;
	struct event e = { .net = dev_net(skb->dev) };
	struct xtcp_tuple t;
	struct xtcp_flow *f;

	xtcp_addr_set_v6(&t.laddr, &h->saddr);
	xtcp_addr_set_v6(&t.raddr, &h->daddr);
	if (xtcp_addr_is_v4(&t.laddr) || xtcp_addr_is_v4(&t.raddr))
		return false;
	f = find(skb, &e, &t, offset);
	if (!f)
		return false;
	e.type = type;
	e.code = code;
	e.info = ntohl(info);
	read6(&e, type, code, info);
	deliver(f, skb, &e);
	return true;
}
