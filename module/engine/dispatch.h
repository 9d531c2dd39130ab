/* SPDX-License-Identifier: GPL-2.0 */
/* dispatch.h - a verified segment to whoever owns its flow.
 *
 * RCU read lock, BH. The skb is eaten by every function here.
 */
#ifndef XTCP_ENGINE_DISPATCH_H
#define XTCP_ENGINE_DISPATCH_H

#include <linux/types.h>

struct net;
struct sk_buff;
struct sock;
struct xtcp_flow;
struct xtcp_segment;
struct xtcp_sock;
struct xtcp_tuple;

/* @f as xtcp_flow_lookup() gave it (reference is eaten). */
void xtcp_dispatch_flow(struct sk_buff *skb, struct xtcp_flow *f,
			struct xtcp_segment *seg);
/* Into a locked child (fresh from the handshake), 3.10.7.4. Eats skb. */
void xtcp_input_rcv(struct xtcp_sock *xs, struct sk_buff *skb, const struct xtcp_segment *seg);
/* TOS and TTL of what came, for IP_PKTOPTIONS. */
void xtcp_input_note_ip(struct xtcp_sock *xs, const struct sk_buff *skb);

/* Told by dispatch.c, done by net/early.c (where there is netfilter): a connection
 * receives from a device.  Any context. */
void xtcp_early_want(struct net *net);

#endif
