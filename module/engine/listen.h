/* SPDX-License-Identifier: GPL-2.0 */
/* listen.h - the passive open: RFC 9293 3.10.7.2 and design.md section 3.
 *
 * struct xtcp_listener is both queues of a listening socket, counted: half-open
 * entries point to it and not to the socket; ->sk goes NULL (RCU) when the socket
 * stops listening.
 */
#ifndef XTCP_ENGINE_LISTEN_H
#define XTCP_ENGINE_LISTEN_H

#include "proto/drop.h"

#include <linux/types.h>

struct net;
struct seq_file;
struct sk_buff;
struct sock;
struct xtcp_half;
struct xtcp_listen_info;
struct xtcp_listener;
struct xtcp_segment;
struct xtcp_sock;
struct xtcp_tuple;

int xtcp_listen_init(void);	/* slab of half-open entries */
void xtcp_listen_exit(void);

/* listen(): process context, socket locked.  A negative backlog is the largest, 0
 * is 1, and somaxconn is the limit: accept queue backlog, SYN queue 1.5 of it.
 * Called again: new limits.  -EINVAL, -ENOMEM, -EADDRINUSE. */
int xtcp_listen_start(struct xtcp_sock *xs, int backlog);
/* close() or shutdown(RCV): out of the table, half-open entries go, children in
 * the accept queue get RST. Process context, socket locked. */
void xtcp_listen_stop(struct xtcp_sock *xs);

/* A segment that no flow took, for listener @xs (RCU). Eats skb. */
void xtcp_listen_rcv(struct xtcp_sock *xs, struct sk_buff *skb,
		     const struct xtcp_tuple *t, const struct xtcp_segment *seg);
/* A segment for a half-open entry (reference is eaten). Eats skb. RCU, BH. */
void xtcp_half_rcv(struct xtcp_half *h, struct sk_buff *skb,
		   const struct xtcp_segment *seg);
/* ICMP said that the peer cannot be reached (RFC 5927: only the SYN is out). The
 * reference stays the caller's. */
void xtcp_half_icmp(struct xtcp_half *h, u32 seq, int err, bool fatal);

/* accept(): the oldest child or NULL. The queue's reference is the caller's.
 * Frees a slot: promotes the oldest acked entry.  Any context. */
struct xtcp_sock *xtcp_listen_pop(struct xtcp_sock *lsk);
/* Batch accept, under lsk's accept mutex: look, and then take exactly that. */
struct xtcp_sock *xtcp_listen_peek(struct xtcp_sock *lsk);	/* reference */
bool xtcp_listen_pop_this(struct xtcp_sock *lsk, struct xtcp_sock *child);
struct mutex *xtcp_listen_accept_mutex(struct xtcp_sock *lsk);
bool xtcp_listen_readable(const struct sock *lsk);	/* lockless, for poll */

/* Numbers of design.md section 6 and of XTCP_LISTEN_INFO. */
void xtcp_listen_info_get(const struct xtcp_sock *xs, struct xtcp_listen_info *info);
/* SOL_XTCP policies: XTCP_SYNQ_*, XTCP_ACCEPTQ_*; -1: the sysctl's. May be set before listen(). */
int xtcp_listen_policy_set(struct xtcp_sock *xs, int synq, int acceptq);

#endif
