/* SPDX-License-Identifier: GPL-2.0 */
/* ip_ops.h - what TCP asks of the IP version below it; nothing of TCP in here.
 *
 * An skb given to ->output() starts at the TCP header (skb->data, transport
 * header set), CHECKSUM_PARTIAL, with headroom XTCP_HEADROOM; gso_* are set for
 * super-packets.  Everything may run in BH or process context, RCU read lock
 * taken inside.  (Not called ip.h: the compiler would find <net/ip.h>.)
 */
#ifndef XTCP_ENGINE_IP_OPS_H
#define XTCP_ENGINE_IP_OPS_H

#include "proto/addr.h"

#include <linux/skbuff.h>
#include <net/dst.h>

struct ip_options;
struct ip_options_rcu;
struct net;
struct sock;
struct msghdr;
struct xtcp_hdr;

/* The knobs of a packet that TCP does not care about, by value so that half-open
 * and TIME-WAIT entries and answers of nobody can fill it. */
struct xtcp_ip_attr {
	struct net	*net;
	int		oif;		/* device to leave by, or 0 */
	u32		mark;
	u32		flowlabel;	/* IPv6, network order bits in host u32 */
	u32		priority;
	kuid_t		uid;
	u8		tos;		/* TOS or traffic class, without ECN */
	u8		ecn;		/* ECN field to set (RFC 3168) */
	s16		ttl;		/* -1: the route's */
	const struct ip_options *opt;	/* IPv4: compiled, or NULL; lives as long as
					 * the socket's lock or RCU is held */
};

struct xtcp_ip_ops {
	u8	version;		/* 4, 6 */
	u8	header_len;		/* 20, 40 */
	u16	family;			/* AF_INET, AF_INET6: of the packets */
	u16	mss_default;		/* RFC 9293 3.7.1 */
	u16	min_mtu;

	/* Find the way; flow keys come from @t and @a, sk (may be NULL) gives
	 * options and LSM label. ERR_PTR. When t->laddr is any, it is filled in;
	 * raddr, too (IPv4: this host). */
	struct dst_entry *(*route)(const struct sock *sk, struct xtcp_tuple *t,
				   const struct xtcp_ip_attr *a);
	/* th->check for CHECKSUM_PARTIAL, skb->len bytes of TCP. */
	void (*csum)(struct sk_buff *skb, const struct xtcp_tuple *t);
	/* Send for @sk: the connection, or the control sock; @dst is not
	 * consumed. Eats skb, whose cb is zero. Returns 0 or -errno (NET_XMIT_CN
	 * counts as 0). */
	int (*output)(struct sock *sk, struct sk_buff *skb, struct dst_entry *dst,
		      const struct xtcp_tuple *t, const struct xtcp_ip_attr *a);
	/* Bytes for TCP header and data in one packet on this path. */
	u32 (*mtu)(const struct dst_entry *dst);	/* IP MTU */
	/* For __sk_dst_check(); NULL: always 0. */
	u32 (*dst_cookie)(const struct dst_entry *dst);
	/* Received skb: network header set, TCP header at @th. */
	void (*rx_tuple)(const struct sk_buff *skb, const struct xtcp_hdr *th,
			 struct xtcp_tuple *t);
	/* The same, data at the TCP header. */
	bool (*rx_csum_bad)(struct sk_buff *skb);
	bool (*rx_policy_ok)(struct sock *sk, struct sk_buff *skb);
	u8 (*rx_tos)(const struct sk_buff *skb);
	u8 (*rx_ttl)(const struct sk_buff *skb);
	/* The options to answer with: a received route reversed (MUST-53).  For
	 * kfree(); NULL: none, or no memory.  NULL as a hook: never any. */
	struct ip_options_rcu *(*rx_options)(struct sk_buff *skb);
};

extern const struct xtcp_ip_ops xtcp_ip4_ops, xtcp_ip6_ops;

/* By what is on the wire: a v4-mapped tuple travels by IPv4. */
static inline const struct xtcp_ip_ops *xtcp_ip_ops_of(const struct xtcp_tuple *t)
{
	return xtcp_addr_is_v4(&t->raddr) ? &xtcp_ip4_ops : &xtcp_ip6_ops;
}

/* Attributes as the socket's options say. */
void xtcp_ip_attr_sk(struct xtcp_ip_attr *a, const struct sock *sk, bool v4);
/* Bytes of IP options in each of its packets.  Socket lock. */
u32 xtcp_ip_opt_len(const struct sock *sk);
/* What follows reads IPCB, IP6CB, dev and dst of a received skb: before anybody
 * writes to skb->cb.
 *
 * Device that an answer has to leave by: the VRF, or the link of a link-local
 * address; 0 when routing is free to choose. */
int xtcp_ip_rx_dif(const struct sk_buff *skb);
/* The VRF it came in by, or 0: part of a flow's key. */
int xtcp_ip_rx_l3dev(const struct sk_buff *skb);
/* Where it came in, for sockets bound to a device: the device or its VRF, and
 * the VRF's member (or 0). dif and sdif of a lookup. */
int xtcp_ip_rx_iif(const struct sk_buff *skb);
int xtcp_ip_rx_sdif(const struct sk_buff *skb);

/* Could the ports lead to another route (multipath by ports, rules for ports)? */
bool xtcp_ip_ports_matter(const struct net *net, const struct xtcp_tuple *t);

/* Control socks of a namespace. */
int xtcp_ip_net_init(struct net *net);
void xtcp_ip_net_exit(struct net *net);

#endif
