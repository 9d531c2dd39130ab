/* SPDX-License-Identifier: GPL-2.0 */
/* backlog.h - segments that come while a user has the socket.
 *
 * They wait on sk_backlog, as many bytes of them as both buffers hold and a bit,
 * and are processed when the user lets go, before anybody else's.  Data that
 * follows on the last one's, with the same header but for numbers and window,
 * is merged with it: one segment to process, and to acknowledge, as from GRO.
 * Under the socket's spinlock, owned by a user; RCU read lock, BH.
 */
#ifndef XTCP_ENGINE_BACKLOG_H
#define XTCP_ENGINE_BACKLOG_H

struct sk_buff;
struct sock;
struct xtcp_segment;
struct xtcp_sock;

/* Verified, its checksum too. Eats skb. */
void xtcp_backlog_add(struct xtcp_sock *xs, struct sk_buff *skb,
		      const struct xtcp_segment *seg);
/* sk_backlog_rcv.  Socket lock. */
int xtcp_backlog_rcv(struct sock *sk, struct sk_buff *skb);

#endif
