/* SPDX-License-Identifier: GPL-2.0 */
/* ecn.h - explicit congestion notification (RFC 3168), both ways.
 *
 * A router marks a packet CE instead of dropping it; the receiver says ECE in
 * every ACK until it sees CWR, by which the sender says that it has reduced its
 * window.  What is agreed on is neg.ecn; everything here is behind that bit.
 * The reduction itself is recovery.c's.  Lock: the socket's, but where @lsk is a
 * listener (RCU).
 */
#ifndef XTCP_ENGINE_ECN_H
#define XTCP_ENGINE_ECN_H

#include <linux/types.h>

struct dst_entry;
struct sk_buff;
struct sock;
struct xtcp_segment;
struct xtcp_sock;

struct xtcp_ecn {
	bool	demand_cwr;		/* CE came: ECE until the peer says CWR */
	bool	queue_cwr;		/* we reduced: CWR with the next new data */
	bool	seen;			/* the peer's packets carry ECT or CE */
	u32	delivered_ce;		/* segments delivered by ACKs with ECE */
};

/* Does the congestion control of @sk work with ECN only? */
bool xtcp_ecn_needed(const struct sock *sk);

/* --- the handshake --- */

/* A listener: @skb, a SYN (data at its TCP header), asks for ECN, and we agree. */
bool xtcp_ecn_agrees(const struct sock *lsk, const struct dst_entry *dst,
		     const struct sk_buff *skb, const struct xtcp_segment *seg);
/* A cookie came back that says so. */
bool xtcp_ecn_agreed(const struct sock *lsk, const struct dst_entry *dst);
/* connect(): the flags that our SYN carries besides (ECE and CWR, or 0), its route being
 * cached.  @again: it is a retransmission. */
u8 xtcp_ecn_syn(struct xtcp_sock *xs, bool again);
/* And those of a SYN-ACK of ours in a simultaneous open. */
u8 xtcp_ecn_synack(const struct xtcp_sock *xs);
/* SYN-SENT: the answer, SYN-ACK or (simultaneous open) SYN: neg.ecn is final. */
void xtcp_ecn_answer_rcv(struct xtcp_sock *xs, const struct xtcp_segment *seg);
/* ECN field of the IP header for SYN or SYN-ACK that has agreed on ECN. */
u8 xtcp_ecn_syn_ip(const struct sock *sk);

/* --- after it: with neg.ecn --- */

/* An acceptable segment with CWR. */
void xtcp_ecn_cwr_rcv(struct xtcp_sock *xs, const struct xtcp_segment *seg);
/* Data was accepted: what does its IP header say? */
void xtcp_ecn_data_rcv(struct xtcp_sock *xs, const struct sk_buff *skb);
/* Flags for the next segment besides @ctl, ECN field of its IP header in *ip.
 * @fresh: data that was not sent before. */
u8 xtcp_ecn_xmit(struct xtcp_sock *xs, u8 ctl, bool fresh, u8 *ip);
/* The window was reduced, for whatever reason; or that was a mistake. */
void xtcp_ecn_reduced(struct xtcp_sock *xs);
void xtcp_ecn_undone(struct xtcp_sock *xs);

#endif
