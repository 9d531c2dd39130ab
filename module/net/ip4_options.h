/* SPDX-License-Identifier: GPL-2.0 */
/* ip4_options.h - IPv4 options of a connection: source routes, record route,
 * timestamps (RFC 791; RFC 9293 3.9.2).
 */
#ifndef XTCP_NET_IP4_OPTIONS_H
#define XTCP_NET_IP4_OPTIONS_H

struct ip_options;
struct ip_options_rcu;
struct sk_buff;

/* Behind the header of @skb, which is complete but for the checksum and has room for
 * them.  With a source route the header goes to its first stop and the option ends with
 * the destination. */
void xtcp_ip4_options_put(struct sk_buff *skb, const struct ip_options *opt);
/* xtcp_ip_ops.rx_options */
struct ip_options_rcu *xtcp_ip4_options_answer(struct sk_buff *skb);

#endif
