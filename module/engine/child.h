/* SPDX-License-Identifier: GPL-2.0 */
/* child.h - a connection from a completed handshake (design decision 10). */
#ifndef XTCP_ENGINE_CHILD_H
#define XTCP_ENGINE_CHILD_H

#include <linux/types.h>

struct xtcp_half;
struct xtcp_sock;

/* Clone of listener @lsk (RCU or reference held; not locked) with the parameters
 * of @h: state SYN-RECEIVED, everything behind inet_sock reset, memcg taken,
 * port and route inherited, sequence numbers and windows set, ESTABLISHED
 * not yet.  Returned locked by bh_lock_sock(), refcount 2 (flow table, accept
 * queue), in no table. NULL: no memory. */
struct xtcp_sock *xtcp_child_create(struct xtcp_sock *lsk, struct xtcp_half *h);
/* Throw a child away that was never published (locked; unlocks). */
void xtcp_child_discard(struct xtcp_sock *child);
/* The handshake's last ACK (3.10.7.4 fifth, SYN-RECEIVED): SEG.WND is @wnd,
 * ESTABLISHED, timers, RTT sample of the handshake (0: none). Locked. */
void xtcp_child_established(struct xtcp_sock *child, u16 wnd, u32 rtt_us, u64 now);

#endif
