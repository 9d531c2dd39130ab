// SPDX-License-Identifier: GPL-2.0
/* errqueue.c - what stands on sk_error_queue, as a program reads it.
 *
 * What the functions for AF_INET and AF_INET6 do, which ask for those families.
 */
#include "socket/errqueue.h"

#include "engine/sock.h"

#include <linux/errqueue.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/net_tstamp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>

/* The control message: who reported it follows, if somebody did. */
struct report {
	struct sock_extended_err ee;
	union {
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
	} offender;
};

/* Time stamps carry sequence numbers, since GSO compares them with such: the
 * program counts bytes from zero.
 */
static void make_relative(const struct sock *sk, struct sock_extended_err *ee)
{
	const struct xtcp_sndq *q = &xtcp_sk(sk)->sndq;

	if (ee->ee_origin == SO_EE_ORIGIN_TIMESTAMPING &&
	    READ_ONCE(sk->sk_tsflags) & SOF_TIMESTAMPING_OPT_ID)
		ee->ee_data -= READ_ONCE(q->tskey_base);
}

static bool is_icmp(u8 origin)
{
	return origin == SO_EE_ORIGIN_ICMP || origin == SO_EE_ORIGIN_ICMP6;
}

/* An address of the wire's, in the layout of the socket's version. */
static int put_addr(struct sock *sk, void *to, const void *at, u8 origin,
		    __be16 port, const struct sk_buff *skb)
{
	struct sockaddr_in6 *in6 = to;
	struct sockaddr_in *in = to;

	if (xtcp_sk(sk)->version == 4) {
		*in = (struct sockaddr_in) {
			.sin_family	= AF_INET,
			.sin_port	= port,
			.sin_addr	= { get_unaligned((const __be32 *)at) },
		};
		return sizeof(*in);
	}
	*in6 = (struct sockaddr_in6) {
		.sin6_family	= AF_INET6,
		.sin6_port	= port,
	};
	if (origin == SO_EE_ORIGIN_ICMP)
		ipv6_addr_set_v4mapped(get_unaligned((const __be32 *)at),
				       &in6->sin6_addr);
	else
		memcpy(&in6->sin6_addr, at, sizeof(in6->sin6_addr));
	in6->sin6_scope_id = ipv6_iface_scope_id(&in6->sin6_addr, skb->skb_iif);
	return sizeof(*in6);
}

/* Whom the segment went to. */
static void put_name(struct sock *sk, struct msghdr *msg, struct sk_buff *skb)
{
	const struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);

	if (!msg->msg_name || !is_icmp(serr->ee.ee_origin))
		return;
	msg->msg_namelen = put_addr(sk, msg->msg_name,
				    skb_network_header(skb) + serr->addr_offset,
				    serr->ee.ee_origin, serr->port, skb);
}

/* Who sent the ICMP message. */
static void put_offender(struct sock *sk, struct report *r, struct sk_buff *skb)
{
	u8 origin = r->ee.ee_origin;

	if (origin == SO_EE_ORIGIN_ICMP)
		put_addr(sk, &r->offender, &ip_hdr(skb)->saddr, origin, 0, skb);
	else if (origin == SO_EE_ORIGIN_ICMP6)
		put_addr(sk, &r->offender, &ipv6_hdr(skb)->saddr, origin, 0, skb);
}

static void put_report(struct sock *sk, struct msghdr *msg, struct sk_buff *skb)
{
	struct report r = { .ee = SKB_EXT_ERR(skb)->ee };

	make_relative(sk, &r.ee);
	put_offender(sk, &r, skb);
	if (xtcp_sk(sk)->version == 4)
		put_cmsg(msg, SOL_IP, IP_RECVERR,
			 sizeof(r.ee) + sizeof(r.offender.in), &r);
	else
		put_cmsg(msg, SOL_IPV6, IPV6_RECVERR,
			 sizeof(r.ee) + sizeof(r.offender.in6), &r);
}

int xtcp_recv_errqueue(struct sock *sk, struct msghdr *msg, int len)
{
	struct sk_buff *skb = sock_dequeue_err_skb(sk);
	int copied, err;

	if (!skb)
		return -EAGAIN;
	copied = min_t(int, skb->len, len);
	if (copied < skb->len)
		msg->msg_flags |= MSG_TRUNC;
	err = skb_copy_datagram_msg(skb, 0, msg, copied);
	if (!err) {
		sock_recv_timestamp(msg, sk, skb);
		put_name(sk, msg, skb);
		put_report(sk, msg, skb);
		msg->msg_flags |= MSG_ERRQUEUE;
	}
	consume_skb(skb);
	return err ?: copied;
}
