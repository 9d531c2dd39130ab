/* SPDX-License-Identifier: GPL-2.0 */
/* synq.h - the SYN queue: handshakes that have begun and are not yet a child.
 *
 * A half-open entry is in the flow table (which holds one reference) and, while
 * it is there, counted in the SYN queue of its listener.  It has no timer: it
 * stands in a FIFO of entries that were sent the same number of SYN-ACKs, so the
 * oldest is at the head, and one timer per listener looks at the heads.  FIFOs
 * come in shards, chosen by the flow's hash, so that a SYN takes no lock that
 * all SYNs of the listener share; the length is one atomic.
 *
 * An entry whose handshake is complete while the accept queue is full is
 * *acked*: it stays counted, but leaves its shard for one list in the order of
 * the final ACKs, from which whoever frees an accept slot promotes the head.  Its
 * SYN-ACK clock goes on.
 *
 * Locks: shard->lock, then acked_lock; both BH; a flow bucket's lock inside
 * them never.  This file is a container: no clock, no counters, no segments;
 * time comes as an argument, verdicts go back.
 */
#ifndef XTCP_QUEUE_SYNQ_H
#define XTCP_QUEUE_SYNQ_H

#include "conn/flow.h"

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

struct dst_entry;
struct xtcp_listener;

#define XTCP_HALF_TS		0x01	/* timestamps negotiated */
#define XTCP_HALF_SACK		0x02
#define XTCP_HALF_WSCALE	0x04
#define XTCP_HALF_ECN		0x08
#define XTCP_HALF_ACKED		0x10	/* on the acked list; acked_lock */
#define XTCP_HALF_COOKIE	0x20	/* came back as a cookie */
#define XTCP_HALF_RESENT	0x40	/* SYN-ACK sent out of turn: no RTT sample */
#define XTCP_HALF_DEFERRED	0x80	/* completed, and its data is waited for */

/* What few handshakes have. */
struct xtcp_half_more {
	struct ip_options_rcu	*ip_opt;	/* of the answers; or NULL */
	struct xtcp_saved_syn	*syn;		/* TCP_SAVE_SYN; or NULL */
};

/* One handshake.  What protects what:
 *
 *   irs iss wscale lst dst more, flow.spare16	constant once in the table
 *   fifo					its shard's lock, or acked_lock when
 *						XTCP_HALF_ACKED
 *   flags					shard lock; ACKED also acked_lock
 *   flow.spare sent_us				as fifo
 *   wnd ts_recent				acked_lock, read without
 *   oow_us					racy
 *
 * References: the flow table's; each lookup or promotion in progress.  FIFOs
 * have none of their own: whoever takes the entry out of the table (one caller of
 * xtcp_flow_del() or _replace() wins) is the one to xtcp_synq_remove() it and
 * only then to put the table's reference.  So expiry, RST, final ACKs on two CPUs
 * and the end of the listener need no further agreement.
 *
 * 144 bytes; flow.spare is the number of SYN-ACKs sent again by the timer,
 * flow.spare16 the peer's MSS. */
struct xtcp_half {
	struct xtcp_flow	flow;
	struct list_head	fifo;		/* shard or acked list; its lock */
	struct xtcp_listener	*lst;		/* counted */
	struct dst_entry	*dst;		/* route of the SYN-ACK or NULL; counted */
	struct xtcp_half_more	*more;		/* owned; mostly NULL */
	refcount_t		ref;
	u32			irs;
	u32			iss;
	u32			ts_recent;
	u32			acked_us;	/* the final ACK came, if acked or deferred */
	u32			oow_us;		/* last answer to what did not fit */
	u32			sent_us;	/* when the last SYN-ACK was due, low 32 bits
						 * of protocol time: SYN plus all RTOs */
	u16			wnd;		/* SEG.WND of the SYN, then of the final ACK */
	u8			wscale;		/* low nibble: peer's shift; high: ours */
	u8			flags;		/* XTCP_HALF_* */
};

static inline struct xtcp_half *xtcp_half_of(struct xtcp_flow *f)
{
	return container_of(f, struct xtcp_half, flow);
}

/* Lockless: some bits are constant, the others come while one looks. */
static inline bool xtcp_half_is(const struct xtcp_half *h, u8 flag)
{
	return READ_ONCE(h->flags) & flag;
}

void xtcp_half_put(struct xtcp_half *h);	/* for xtcp_flow_put(); engine/half.c */

#define XTCP_SYNQ_FIFOS		8	/* from the 7th on, RTO is its maximum */
#define XTCP_SYNQ_MAX_SHARDS	8

struct xtcp_synq_shard {
	spinlock_t		lock;	/* BH */
	unsigned int		young;	/* in fifo[0] */
	struct list_head	fifo[XTCP_SYNQ_FIFOS];	/* by SYN-ACKs sent again */
} ____cacheline_aligned_in_smp;

struct xtcp_synq {
	atomic_t		len;	/* slots in use, acked ones too */
	unsigned int		max;	/* slots; lowered below len: nobody goes */
	unsigned int		peak;	/* highest len so far */
	unsigned int		shards;	/* a power of two */
	struct xtcp_synq_shard	*shard;
	bool			closed;	/* written under every lock below */
	spinlock_t		acked_lock; /* BH; inside a shard's */
	struct list_head	acked;	/* in the order of the final ACKs */
	unsigned int		acked_len; /* in that list */
};

/* An entry whose SYN-ACK clock ran out; with a reference. */
struct xtcp_synq_due {
	struct xtcp_half	*h;
	bool			expired; /* in no FIFO any more; else: send again */
};

/* In SYN-ACKs sent again. */
struct xtcp_synq_limit {
	u8	retries;	/* all that there are */
	u8	defer;		/* TCP_DEFER_ACCEPT, or 0 */
};

int xtcp_synq_init(struct xtcp_synq *q);	/* -ENOMEM; closed */
void xtcp_synq_destroy(struct xtcp_synq *q);
void xtcp_synq_open(struct xtcp_synq *q, unsigned int max);

/* A slot; false: full. */
bool xtcp_synq_reserve(struct xtcp_synq *q);
void xtcp_synq_unreserve(struct xtcp_synq *q);

/* A new entry, in the flow table and with a slot, joins its FIFO (the acked list
 * if it is XTCP_HALF_ACKED).  False: the queue is closed or the entry has left the
 * table; in the first case the caller takes it out. */
bool xtcp_synq_link(struct xtcp_synq *q, struct xtcp_half *h);
/* Out of its FIFO; by whoever took it out of the table.  Keeps the slot. */
void xtcp_synq_unlink(struct xtcp_synq *q, struct xtcp_half *h);
void xtcp_synq_remove(struct xtcp_synq *q, struct xtcp_half *h); /* and the slot */
void xtcp_synq_flag(struct xtcp_synq *q, struct xtcp_half *h, u8 flag);

/* The final ACK came and there is no room: to the end of the acked list, or new
 * values for one that stands there. */
enum xtcp_synq_ack {
	XTCP_SYNQ_ACK_GONE,		/* somebody is ending it, or ended it */
	XTCP_SYNQ_ACK_FIRST,		/* it is acked now */
	XTCP_SYNQ_ACK_AGAIN,		/* it was */
};

enum xtcp_synq_ack xtcp_synq_ack(struct xtcp_synq *q, struct xtcp_half *h, u16 wnd,
				 u32 ts_recent);
/* The oldest acked entry, out of the list, still counted; with a reference. */
struct xtcp_half *xtcp_synq_acked_take(struct xtcp_synq *q);
/* And back to the head.  As xtcp_synq_link(). */
bool xtcp_synq_acked_return(struct xtcp_synq *q, struct xtcp_half *h);

/* The SYN-ACK clock.  RTO after @retries of them. */
u32 xtcp_synq_rto(u8 retries);
/* How long ago its SYN came. */
u64 xtcp_synq_age(const struct xtcp_half *h, u32 now);
/* Entries that were sent one SYN-ACK so far. */
unsigned int xtcp_synq_young(const struct xtcp_synq *q);

/* Up to @n entries of shard @i, or of the acked list, whose time has come at @now;
 * those that have as many behind them as @limit says have expired.  The clock of a
 * deferred one goes on in silence, until the last SYN-ACK before its time is up.
 * *wait: until the next, lowered if it is less. */
unsigned int xtcp_synq_due(struct xtcp_synq *q, unsigned int i, u32 now,
			   const struct xtcp_synq_limit *limit,
			   struct xtcp_synq_due *v, unsigned int n, u32 *wait);
unsigned int xtcp_synq_acked_due(struct xtcp_synq *q, u32 now, u8 limit,
				 struct xtcp_synq_due *v, unsigned int n, u32 *wait);

/* Nothing goes in from now on.  Then: one entry after the other, with a
 * reference, out of its FIFO. NULL: no more. */
void xtcp_synq_close(struct xtcp_synq *q);
struct xtcp_half *xtcp_synq_drain(struct xtcp_synq *q);

static inline unsigned int xtcp_synq_len(const struct xtcp_synq *q)
{
	return atomic_read(&q->len);
}

#endif
