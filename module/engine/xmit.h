/* SPDX-License-Identifier: GPL-2.0 */
/* xmit.h - makes segments and gives them to IP.
 *
 * Options, header, checksum, GSO fields; a clone for what stays on the send
 * queue.  Tells timers and recovery what was sent.  Decides nothing.
 */
#ifndef XTCP_ENGINE_XMIT_H
#define XTCP_ENGINE_XMIT_H

#include "engine/ip_ops.h"
#include "proto/options.h"

#include <linux/types.h>

struct net;
struct sk_buff;
struct sock;
struct xtcp_half;
struct xtcp_segment;
struct xtcp_sock;
struct xtcp_tw;

/* --- with a socket, locked --- */

/* Send @skb of the send queue (a clone), first time or again. 0 or -errno; on error nothing
 * is counted as sent but cb.tx.xmit_us, so that timers try again.  -ENOBUFS: our own qdisc
 * dropped it. */
int xtcp_xmit_skb(struct xtcp_sock *xs, struct sk_buff *skb, gfp_t gfp);
/* A pure ACK: SND.NXT, RCV.NXT, window, SACK blocks. */
void xtcp_xmit_ack(struct xtcp_sock *xs);
/* Our SYN, or (@ctl says so) the SYN-ACK of a simultaneous open: SEG.SEQ = ISS. */
void xtcp_xmit_syn(struct xtcp_sock *xs, u8 ctl);
/* Window probe or keepalive: SEG.SEQ = SND.UNA - 1 (no data). */
int xtcp_xmit_probe(struct xtcp_sock *xs);
/* RST of a connection: SEG.SEQ = SND.NXT (3.10.5 ABORT). */
void xtcp_xmit_rst(struct xtcp_sock *xs, gfp_t gfp);
/* Bytes of header + options of a data segment. */
unsigned int xtcp_xmit_hdr_len(const struct xtcp_sock *xs);

/* --- without: a segment by value, sent by the namespace's control sock --- */

struct xtcp_reply {
	struct xtcp_tuple	tuple;	/* as seen from this machine */
	struct xtcp_ip_attr	attr;	/* attr.net set */
	struct dst_entry	*dst;	/* or NULL: a lookup is made */
	u32			seq, ack;
	u16			wnd;	/* as on the wire */
	u8			ctl;
	struct xtcp_options_out	opt;
};

/* 0 or -errno. BH or process context. */
int xtcp_xmit_reply(const struct xtcp_reply *r);
/* RFC 9293 3.10.7.1: RST for a segment that nobody or a listener takes.
 * Never answers a RST, a multicast, a bad checksum (the caller has looked).
 * @skb gives device, mark and TOS. */
void xtcp_xmit_rst_for(struct net *net, struct sk_buff *skb,
		       const struct xtcp_tuple *t, const struct xtcp_segment *seg);
/* The same with options that a connection knows of: RFC 7323 3.2, timestamps. */
void xtcp_xmit_rst_known(struct net *net, struct sk_buff *skb,
			 const struct xtcp_tuple *t, const struct xtcp_segment *seg,
			 const struct xtcp_options_out *opt);
/* ... and one for a connection's segment that it does not take.  Socket lock. */
void xtcp_xmit_rst_of(struct xtcp_sock *xs, const struct xtcp_segment *seg);
/* Fill attr for an answer to @skb: device for link-local and VRF, mark by sysctl
 * fwmark_reflect, TOS reflected never. */
void xtcp_reply_init(struct xtcp_reply *r, struct net *net, const struct sk_buff *skb,
		     const struct xtcp_tuple *t);

/* May this connection answer a segment without data that it does not accept? Twice a
 * second; counts. */
bool xtcp_xmit_answer_due(struct xtcp_sock *xs, u64 now);
/* Challenge ACK (RFC 5961) within that and net.xtcp.challenge_ack_limit a second. */
void xtcp_xmit_challenge(struct xtcp_sock *xs);
/* True while the namespace's budget of this second lasts. */
bool xtcp_challenge_allowed(struct net *net);

#endif
