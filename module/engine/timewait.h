/* SPDX-License-Identifier: GPL-2.0 */
/* timewait.h - TIME-WAIT as small objects, 128 bytes.
 *
 * In the flow table (its reference), and in one FIFO with one timer per namespace:
 * all wait equally long.  RFC 9293 3.10.7.4 TIME-WAIT, RFC 1337, RFC 6191.
 * Orphans in FIN-WAIT-2 stay full sockets.
 */
#ifndef XTCP_ENGINE_TIMEWAIT_H
#define XTCP_ENGINE_TIMEWAIT_H

#include <linux/types.h>

struct net;
struct sk_buff;
struct xtcp_flow;
struct xtcp_segment;
struct xtcp_sock;
struct xtcp_tw;

int xtcp_tw_init(void);
void xtcp_tw_exit(void);
int xtcp_tw_net_init(struct net *net);
void xtcp_tw_net_exit(struct net *net);

/* Replace @xs (locked, in the table) by a TIME-WAIT entry; 60 s from now. False: no
 * memory or too many (counted): the caller just ends the connection. */
bool xtcp_tw_enter(struct xtcp_sock *xs);
/* A segment for it (reference is eaten, skb eaten).  An acceptable SYN goes to the
 * listener, whose half-open entry takes this one's place if it takes it.  RCU, BH. */
void xtcp_tw_rcv(struct xtcp_flow *f, struct sk_buff *skb, struct xtcp_segment *seg);
void xtcp_tw_put(struct xtcp_tw *tw);
struct xtcp_tw *xtcp_tw_of(struct xtcp_flow *f);
/* connect(): may @xs, whose key is set, have the place of a TIME-WAIT entry
 * (net.xtcp.tw_reuse)? Then it has it, and its ISS and TS.Recent follow the old ones. */
bool xtcp_tw_take_over(struct xtcp_sock *xs);
/* A half-open entry was put into its place in the flow table; or: out of the table. */
void xtcp_tw_replaced(struct xtcp_flow *f);
void xtcp_tw_kill(struct xtcp_flow *f);
unsigned int xtcp_tw_object_size(void);
/* For /proc, the flow's bucket locked: XTCP_TIME_WAIT or XTCP_FIN_WAIT2, when it
 * ends (protocol us), its references. */
void xtcp_tw_show(struct xtcp_flow *f, u8 *state, u64 *until_us, int *refs);

#endif
