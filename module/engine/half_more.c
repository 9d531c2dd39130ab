// SPDX-License-Identifier: GPL-2.0
#include "engine/half_more.h"

#include "engine/sock.h"
#include "proto/proto.h"

#include <linux/slab.h>
#include <net/inet_sock.h>

#define GFP_SPARE	(GFP_ATOMIC | __GFP_NOWARN)

/* From the IP header (from the link's, if it was asked for) to the end of TCP's. */
static struct xtcp_saved_syn *save_syn(const struct sk_buff *skb, bool mac)
{
	const struct xtcp_hdr *th = (const struct xtcp_hdr *)skb->data;
	const u8 *from = skb_network_header(skb);
	struct xtcp_saved_syn *s;
	u32 len;

	if (mac && skb_mac_header_was_set(skb) && skb_mac_header_len(skb))
		from = skb_mac_header(skb);
	len = skb->data - from + xtcp_hdr_len(th);
	s = kmalloc(sizeof(*s) + len, GFP_SPARE);
	if (!s)
		return NULL;
	s->len = len;
	memcpy(s->data, from, len);
	return s;
}

struct xtcp_half_more *xtcp_half_more_take(const struct sock *lsk, struct sk_buff *skb,
					   const struct xtcp_tuple *t)
{
	u8 save = READ_ONCE(xtcp_sk(lsk)->opt.save_syn);
	const struct xtcp_ip_ops *ip = xtcp_ip_ops_of(t);
	struct ip_options_rcu *opt = NULL;
	struct xtcp_half_more *more;

	/* a cookie's ACK is not what was asked for */
	if (unlikely(save) && !(((struct xtcp_hdr *)skb->data)->flags & XTCP_SYN))
		save = 0;
	if (ip->rx_options)
		opt = ip->rx_options(skb);
	if (likely(!opt && !save))
		return NULL;
	more = kzalloc(sizeof(*more), GFP_SPARE);
	if (!more) {
		kfree(opt);
		return NULL;
	}
	more->ip_opt = opt;
	if (save)
		more->syn = save_syn(skb, save > 1);
	return more;
}

void xtcp_half_more_free(struct xtcp_half_more *more)
{
	if (likely(!more))
		return;
	kfree(more->ip_opt);
	kfree(more->syn);
	kfree(more);
}

const struct ip_options *xtcp_half_more_options(const struct xtcp_half_more *more)
{
	return more && more->ip_opt ? &more->ip_opt->opt : NULL;
}

void xtcp_half_more_child(struct xtcp_sock *child, const struct xtcp_half_more *more)
{
	const struct ip_options_rcu *opt;
	struct ip_options_rcu *copy;

	if (likely(!more))
		return;
	opt = more->ip_opt;
	if (opt) {
		copy = kmemdup(opt, sizeof(*opt) + opt->opt.optlen, GFP_SPARE);
		RCU_INIT_POINTER(child->inet.inet_opt, copy);
	}
	if (more->syn)
		child->saved_syn = kmemdup(more->syn,
					   sizeof(*more->syn) + more->syn->len,
					   GFP_SPARE);
}
