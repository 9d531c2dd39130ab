/* SPDX-License-Identifier: GPL-2.0 */
/* sndq.h - what the program has written and the peer has not acknowledged.
 *
 *	    una                 head                      tail
 *	     |--- sent, in flight ---|------ not yet sent ------|
 *
 * Page-frag skbs in sequence order; @head is the first never sent.  Data from
 * @head on stands on a list and may still grow (the last skb) and be cut; data
 * before it is only cut, acknowledged, or marked by the scoreboard, each mark at
 * a cost of O(log n).  A FIN is a bit of the last skb's ctl and takes one sequence
 * number.
 *
 * Every skb is charged to the socket by true size (sk_wmem_queued and
 * sk_forward_alloc); what is freed goes back to the socket only, the engine calls
 * sk_mem_reclaim() when it is through with a segment.  Lock: the socket's.  No
 * policy: who may send, and when, is engine/output.c's; who is lost,
 * engine/rack.c's.
 */
#ifndef XTCP_QUEUE_SNDQ_H
#define XTCP_QUEUE_SNDQ_H

#include "conn/skb.h"
#include "proto/seq.h"

struct msghdr;
struct sock;
struct ubuf_info;

/* Headroom of every skb on the queue: options, TCP, IP, link. */
#define XTCP_HEADROOM	L1_CACHE_ALIGN(128 + MAX_HEADER)

struct xtcp_sndq {
	struct sk_buff_head	list;		/* not yet sent; its lock is not used */
	struct sk_buff		*head;		/* the first of these, or NULL */
	struct rb_root_cached	flight;		/* sent, not SACKed */
	struct rb_root_cached	sacked;
	struct list_head	by_time;	/* of flight, oldest transmission first */
	struct list_head	lost;		/* of flight, by number: not in by_time */
	u32			write_seq;	/* one past the last byte (or FIN) queued */
	u32			segs_out;	/* wire segments sent and not acked */
	u32			segs_sacked;	/* of them, by flags */
	u32			segs_lost;
	u32			segs_retrans;	/* sent again, and not acked since */
	u32			tskey_base;	/* SO_TIMESTAMPING: number 0, if */
	bool			tskey_set;	/* this is true (queue/tstamp.h) */
};

void xtcp_sndq_init(struct xtcp_sndq *q, u32 iss_plus_1);
void xtcp_sndq_purge(struct sock *sk, struct xtcp_sndq *q);

/* Copy up to @len bytes from @msg to the end of the queue, filling the last skb
 * to @size_goal first (not if it has EOR or FIN, or is sent).  Returns bytes
 * taken (less than @len when an skb was finished or memory ran out), -EFAULT,
 * -ENOMEM (no memory now: wait), -ENOBUFS (sndbuf full: wait; SOCK_NOSPACE is
 * the caller's).  Takes at most one skb's worth a call, so that the caller can
 * push.  With @uarg (MSG_ZEROCOPY) the program's pages are taken instead.  cb.ctl
 * is ACK; PSH is the caller's to set and goes away when the skb grows; cb.tx is
 * zero but for segs = 1.  Process context: may sleep. */
ssize_t xtcp_sndq_append(struct sock *sk, struct xtcp_sndq *q, struct msghdr *msg,
			 size_t len, u32 size_goal, struct ubuf_info *uarg);
/* FIN behind everything: sets the bit on the last unsent skb or adds an empty
 * one (-ENOMEM: the caller tries again later). Any context. */
int xtcp_sndq_fin(struct sock *sk, struct xtcp_sndq *q);

/* Cut @skb (sent or not) at @len bytes; the rest becomes a new skb behind it.
 * Segment counts by @mss, flags and cb are kept right on both; PSH, FIN and EOR
 * go with the rest.  0 and nothing done if @skb is not longer than @len.  -ENOMEM, also
 * for a peer that makes us cut what is sent into too many pieces. */
int xtcp_sndq_split(struct sock *sk, struct xtcp_sndq *q, struct sk_buff *skb,
		    u32 len, u32 mss, gfp_t gfp);
/* Make the first unsent skb at least @len bytes long at the cost of those behind it.
 * -ENOMEM: it is not, but nothing is lost; there may be a limit of what fits into one,
 * or a record's end (EOR). */
int xtcp_sndq_gather(struct sock *sk, struct xtcp_sndq *q, u32 len, gfp_t gfp);
/* For it: @skb's list of pages is its own; its first @n bytes go. */
int xtcp_sndq_own_frags(struct sk_buff *skb, gfp_t gfp);
void xtcp_sndq_frags_eat(struct sk_buff *skb, u32 n);
/* Recount wire segments of @skb for @mss. */
void xtcp_sndq_set_segs(struct xtcp_sndq *q, struct sk_buff *skb, u32 mss);

/* Unlink and free @skb, which was sent and is wholly acknowledged. */
void xtcp_sndq_free_skb(struct sock *sk, struct xtcp_sndq *q, struct sk_buff *skb);
/* Cut the acknowledged bytes off the front of @skb, partly acknowledged.
 * -ENOMEM: nothing changed (a clone is still below us and the list of pages
 * could not be copied); leave @skb whole until all of it is acknowledged. */
int xtcp_sndq_trim_head(struct sock *sk, struct xtcp_sndq *q, struct sk_buff *skb,
			u32 una, u32 mss);
/* head has just been transmitted for the first time. */
void xtcp_sndq_advance(struct xtcp_sndq *q, struct sk_buff *skb);

/* What became of @skb, which was sent and is not SACKed; the counts follow. */
void xtcp_sndq_sacked(struct xtcp_sndq *q, struct sk_buff *skb);
void xtcp_sndq_lost(struct xtcp_sndq *q, struct sk_buff *skb);
/* It was sent again. */
void xtcp_sndq_resent(struct xtcp_sndq *q, struct sk_buff *skb);
/* Nothing is lost after all. */
void xtcp_sndq_none_lost(struct xtcp_sndq *q);
/* Nothing is SACKed after all: what was is lost now. */
void xtcp_sndq_reneged(struct xtcp_sndq *q);
/* The first in flight that ends beyond @seq, or NULL. */
struct sk_buff *xtcp_sndq_find(const struct xtcp_sndq *q, u32 seq);
/* A copy for the wire: a clone the first time, as what stays on the queue must
 * not change under one that is still on its way (they share the header room).
 */
struct sk_buff *xtcp_sndq_copy(struct sk_buff *skb, gfp_t gfp);

static inline struct sk_buff *xtcp_sndq_node(struct rb_node *node)
{
	return node ? rb_to_skb(node) : NULL;
}

/* What is in flight and not SACKed, in order. */
static inline struct sk_buff *xtcp_sndq_flight(const struct xtcp_sndq *q)
{
	return xtcp_sndq_node(rb_first_cached(&q->flight));
}

static inline struct sk_buff *xtcp_sndq_flight_next(const struct sk_buff *skb)
{
	return xtcp_sndq_node(rb_next(&skb->rbnode));
}

static inline struct sk_buff *xtcp_sndq_flight_last(const struct xtcp_sndq *q)
{
	return xtcp_sndq_node(rb_last(&q->flight.rb_root));
}

/* The lost one with the lowest number, or NULL. */
static inline struct sk_buff *xtcp_sndq_first_lost(const struct xtcp_sndq *q)
{
	return list_empty(&q->lost) ? NULL :
	       list_first_entry(&q->lost, struct sk_buff, tcp_tsorted_anchor);
}

/* The sent one at SND.UNA, or NULL. */
static inline struct sk_buff *xtcp_sndq_first(const struct xtcp_sndq *q)
{
	struct sk_buff *skb = xtcp_sndq_flight(q);
	struct sk_buff *sacked = xtcp_sndq_node(rb_first_cached(&q->sacked));

	if (unlikely(sacked) && (!skb || seq_lt(xtcp_skb_cb(sacked)->seq,
						xtcp_skb_cb(skb)->seq)))
		return sacked;
	return skb;
}

/* The last of those not yet sent, or NULL. */
static inline struct sk_buff *xtcp_sndq_last(const struct xtcp_sndq *q)
{
	return skb_peek_tail(&q->list);
}

static inline bool xtcp_sndq_unsent(const struct xtcp_sndq *q)
{
	return q->head;
}

static inline bool xtcp_sndq_empty(const struct xtcp_sndq *q)
{
	return !q->head && !q->segs_out;
}

#endif
