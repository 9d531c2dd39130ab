/* SPDX-License-Identifier: GPL-2.0 */
/* half_more.h - what few handshakes keep of their SYN: IP options to answer with
 * (RFC 9293 MUST-53), the headers themselves (TCP_SAVE_SYN).
 */
#ifndef XTCP_ENGINE_HALF_MORE_H
#define XTCP_ENGINE_HALF_MORE_H

#include "queue/synq.h"

struct ip_options;
struct sk_buff;
struct sock;
struct xtcp_sock;

struct xtcp_saved_syn {
	u32	len;
	u8	data[];
};

/* Of the SYN in @skb (or of the ACK that brings a cookie); NULL: nothing, or no memory,
 * which is no reason to refuse a connection.  RCU. */
struct xtcp_half_more *xtcp_half_more_take(const struct sock *lsk, struct sk_buff *skb,
					   const struct xtcp_tuple *t);
void xtcp_half_more_free(struct xtcp_half_more *more);
const struct ip_options *xtcp_half_more_options(const struct xtcp_half_more *more);
/* Copies for a fresh child. */
void xtcp_half_more_child(struct xtcp_sock *child, const struct xtcp_half_more *more);

#endif
