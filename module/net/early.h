/* SPDX-License-Identifier: GPL-2.0 */
/* early.h - what a connection knows of a segment before IP looks for its route.
 *
 * A hook at PRE_ROUTING, behind all others, in namespaces where connections
 * receive from a device.  It sets the route that the connection's last segment
 * came by (sk_rx_dst, kept by engine/dispatch.c), as the kernel's early demux
 * does, and never skb->sk: what INPUT, conntrack and the handlers see is the
 * same as without it.  The hash of the flow is handed on to net/ingress.c.
 *
 * It comes with the first such connection (xtcp_early_want(), declared in
 * engine/dispatch.h; any context), from a work item, and goes an hour after the
 * last segment.  net.ipv4.ip_early_demux and tcp_early_demux hold for it.
 */
#ifndef XTCP_NET_EARLY_H
#define XTCP_NET_EARLY_H

#include <linux/skbuff.h>

struct net;

/* In the last bytes of skb->cb, behind all that IP keeps there on the way from
 * PRE_ROUTING to a handler.  Whoever reads finds anything if the hook was not
 * there, so the hash is for a lookup that may fail and no more.
 */
struct xtcp_early_note {
	u32	hash;
	u32	check;
};

static inline struct xtcp_early_note *xtcp_early_note(struct sk_buff *skb)
{
	return (struct xtcp_early_note *)(skb->cb + sizeof(skb->cb)) - 1;
}

static inline u32 xtcp_early_check(const struct sk_buff *skb, u32 hash)
{
	return hash ^ (u32)(uintptr_t)skb;
}

/* Did the hook see it, and which hash was it then? */
static inline bool xtcp_early_seen(struct sk_buff *skb, u32 *hash)
{
	const struct xtcp_early_note *note = xtcp_early_note(skb);

	*hash = note->hash;
	return note->check == xtcp_early_check(skb, *hash);
}

#ifdef CONFIG_NETFILTER
void xtcp_early_net_init(struct net *net);
/* No connection is left. */
void xtcp_early_net_exit(struct net *net);
#else
static inline void xtcp_early_net_init(struct net *net) { }
static inline void xtcp_early_net_exit(struct net *net) { }
#endif

#endif
