/* SPDX-License-Identifier: GPL-2.0 */
/* icmp_err.h - errors from the path (RFC 1122 4.2.3.9, RFC 5927).
 *
 * The err_handlers of ingress.c end here.  True (handled) when the embedded
 * segment belongs to a flow of ours; false: the kernel's business. skb->data
 * is the embedded IP header, with 8 bytes of TCP readable. RCU, BH.
 */
#ifndef XTCP_NET_ICMP_ERR_H
#define XTCP_NET_ICMP_ERR_H

#include <linux/skbuff.h>

bool xtcp_icmp4_rcv(struct sk_buff *skb, u32 info);
/* @offset: of the embedded TCP header from skb->data */
bool xtcp_icmp6_rcv(struct sk_buff *skb, u8 type, u8 code, int offset,
		    __be32 info);

#endif
