/* SPDX-License-Identifier: GPL-2.0 */
/* tso.h - how much in one piece: super-packets and small queues.
 *
 * A super-packet costs like one segment and is cut by the device or just before it.
 * Its size follows the pacing rate, so that a slow flow does not burst; what waits
 * below TCP follows it too, so that no flow fills a qdisc.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_TSO_H
#define XTCP_ENGINE_TSO_H

#include <linux/types.h>

struct sk_buff;
struct xtcp_sock;

/* Segments that a super-packet should have now. */
u32 xtcp_tso_segs(const struct xtcp_sock *xs);
/* Less than a good one (@limit bytes of @skb) could go, and an ACK will soon allow
 * more. */
bool xtcp_tso_defers(const struct xtcp_sock *xs, const struct sk_buff *skb, u32 limit);
/* Too much of ours waits below to send @skb?  Then the next that leaves calls. */
bool xtcp_tso_queue_full(struct xtcp_sock *xs, const struct sk_buff *skb, u32 bytes);
/* The skb of ours that leaves next calls xtcp_output(). */
void xtcp_tso_throttle(struct xtcp_sock *xs);
/* The program has just written: may its last skb, smaller than @goal, wait for company
 * until something of ours has left?  Then that calls. */
bool xtcp_tso_autocork(struct xtcp_sock *xs, u32 goal);

#endif
