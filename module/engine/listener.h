/* SPDX-License-Identifier: GPL-2.0 */
/* listener.h - struct xtcp_listener, for listen.c, half.c, complete.c and
 * syncookie.c; others read.
 *
 * Both queues of a listening socket, from listen() to its end.  The accept
 * side (pop, peek, accept mutex) runs under the socket lock, which keeps it.
 *
 *   field              written                        read
 *   sk                 listen() and its end, socket   RCU; NULL: not listening
 *                      lock
 *   net port           before publish                 constant
 *   synq acceptq       as they say                    as they say
 *   cookie_us warned   whoever sends a cookie         lockless
 *   stats              per CPU                        summed
 *   timer              armed by who links an entry    its own callback
 *
 * References: the socket's (xs->lst), one of each half-open entry; readers who found
 * it by xs->lst have RCU.  The end of listening waits for a grace period after
 * sk went NULL: all that happens for a listener happens in an RCU section that
 * saw sk, so nobody makes a child, arms the timer or reads port any more.
 *
 * Order of locks: the listener's socket lock (process context only; the receive
 * path never takes it), accept mutex, a child's socket lock, then shard,
 * acked_lock; accept queue; flow bucket; each of these three without the
 * others.
 *
 * A connection comes to be in this order: slot of the accept queue reserved,
 * child made (locked), node in the flow table replaced (from here on other
 * CPUs find it, and wait for its lock), entry out of the SYN queue,
 * ESTABLISHED, pushed, woken, the segment's data.  Races and who wins:
 *
 *   two final ACKs on two CPUs    the node is replaced once; the loser throws its
 *                                 child away, returns the slot and gives the
 *                                 segment to the winner's child
 *   RST or expiry, final ACK      the same: flow_del() against flow_replace()
 *   listener stops, child pushed  the accept queue is closed: push fails, the child
 *                                 is aborted with RST by who made it
 *   listener stops, SYN linked    either the drain finds it, or link fails and who
 *                                 made it takes it out again
 *   ACK held, accept() frees      the ACK is on the acked list before it asks for a
 *                                 slot again, accept() has freed the slot before it
 *                                 looks at the list; the accept queue's lock, taken
 *                                 by both in between, makes one of them see it
 */
#ifndef XTCP_ENGINE_LISTENER_H
#define XTCP_ENGINE_LISTENER_H

#include "conn/clock.h"
#include "proto/drop.h"
#include "proto/proto.h"
#include "queue/acceptq.h"
#include "queue/synq.h"

#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/refcount.h>

struct sk_buff;
struct sock;
struct xtcp_options;
struct xtcp_port;
struct xtcp_reply;
struct xtcp_segment;
struct xtcp_sock;

/* Where an arrival ended: exactly one of the first three groups each. */
enum xtcp_listen_stat {
	/* a SYN */
	XTCP_LSTAT_SYN_QUEUED,		/* new entry, SYN-ACK */
	XTCP_LSTAT_SYN_AGAIN,		/* known, SYN-ACK again */
	XTCP_LSTAT_SYN_REPLACED,	/* new entry instead of the old one */
	XTCP_LSTAT_SYN_COOKIE,		/* answered by a cookie */
	XTCP_LSTAT_SYN_FULL,		/* refused, SYN queue full */
	XTCP_LSTAT_SYN_OTHER,		/* refused for another reason */
	/* a final ACK, or what may pass for one */
	XTCP_LSTAT_ACK_CHILD,		/* child in the accept queue */
	XTCP_LSTAT_ACK_HELD,		/* accept queue full: waits in the SYN queue */
	XTCP_LSTAT_ACK_FULL,		/* refused, accept queue full */
	XTCP_LSTAT_COOKIE_CHILD,
	XTCP_LSTAT_COOKIE_HELD,
	XTCP_LSTAT_COOKIE_FULL,		/* valid, both queues full */
	XTCP_LSTAT_COOKIE_BAD,
	XTCP_LSTAT_ACK_PARKED,		/* of an entry that waits: data, FIN, again */
	XTCP_LSTAT_ACK_RACE,		/* went to the child another CPU made */
	XTCP_LSTAT_ACK_OTHER,		/* refused for another reason */
	/* anything else */
	XTCP_LSTAT_RST,			/* ended a handshake */
	XTCP_LSTAT_OTHER,
	/* not arrivals */
	XTCP_LSTAT_ESTABLISHED,		/* came into the accept queue */
	XTCP_LSTAT_ACCEPTED,
	XTCP_LSTAT_EXPIRED,
	XTCP_LSTAT_UNREACH,		/* ICMP ended a handshake */
	XTCP_LSTAT_MAX
};

struct xtcp_listen_stats {
	u64	n[XTCP_LSTAT_MAX];
};

struct xtcp_listener {
	refcount_t		ref;
	struct sock __rcu	*sk;
	struct net		*net;
	struct xtcp_port	*port;		/* counted: what a child inherits */
	struct xtcp_listen_stats __percpu *stats;
	struct xtcp_timer	timer;		/* SYN-ACKs, expiry, late promotion */
	u64			cookie_us;	/* last cookie sent; 0: never */
	bool			warned;		/* of a SYN flood */
	struct mutex		accept;		/* one batch accept at a time */
	struct rcu_head		rcu;
	struct xtcp_acceptq	acceptq ____cacheline_aligned_in_smp;
	struct xtcp_synq	synq ____cacheline_aligned_in_smp;
};

/* Who a handshake is for, at the moment: RCU. */
struct xtcp_passive {
	struct xtcp_listener	*lst;
	struct sock		*lsk;		/* listening */
};

/* What a SYN starts from, when it does not start from nothing. */
struct xtcp_reopen {
	struct xtcp_flow	*old;		/* the flow it takes the place of, or NULL */
	u32			isn;		/* ours, or 0 */
};

static inline void xtcp_lstat(struct xtcp_listener *lst, enum xtcp_listen_stat s)
{
	this_cpu_inc(lst->stats->n[s]);
}

/* listen.c */
void xtcp_listener_put(struct xtcp_listener *lst);
/* A segment ends here: MIB, trace, listener's counter, skb. */
void xtcp_listen_drop(struct xtcp_listener *lst, struct sk_buff *skb,
		      const struct xtcp_tuple *t, enum xtcp_drop why,
		      enum xtcp_listen_stat stat);
/* IPsec policy, IP_MINTTL, socket filter of a listener.  May move the skb's end. */
enum xtcp_drop xtcp_listen_admit(struct sock *lsk, struct sk_buff *skb,
				 const struct xtcp_tuple *t);

/* xtcp_listen_rcv() for a SYN that hit TIME-WAIT: @re says what it reopens, which
 * stays if the SYN is refused (RFC 9293 MAY-2).  Eats skb. */
void xtcp_listen_segment(struct xtcp_sock *xs, struct sk_buff *skb,
			 const struct xtcp_tuple *t, const struct xtcp_segment *seg,
			 const struct xtcp_reopen *re);

/* half.c */
int xtcp_half_init(void);
void xtcp_half_exit(void);
/* A SYN that may have an entry: takes the place of @re->old, or is new.  The verdict;
 * the skb stays the caller's. */
enum xtcp_drop xtcp_half_open(const struct xtcp_passive *p, struct sk_buff *skb,
			      const struct xtcp_tuple *t,
			      const struct xtcp_segment *seg,
			      const struct xtcp_reopen *re);
/* An entry with what SYN and cookie ACK have in common: in no table, in no queue,
 * reference count 0.  NULL and *why. */
struct xtcp_half *xtcp_half_new(const struct xtcp_passive *p, struct sk_buff *skb,
				const struct xtcp_tuple *t,
				const struct xtcp_options *opt, u16 mss,
				enum xtcp_drop *why);
void xtcp_half_free(struct xtcp_half *h);	/* never published */
/* From here on others find it: the table's reference and the caller's.  What stood
 * in its place (@old, or NULL) leaves its queue; the slot of a half-open one is
 * the new one's.  False: somebody is there, or @old is not; both references are
 * still to be put. */
bool xtcp_half_publish(struct xtcp_half *h, struct xtcp_flow *old);
/* Out of the table and out of the queue, if we are the one to do it. */
bool xtcp_half_forget(struct xtcp_half *h);
/* All entries go; the queue is closed. */
void xtcp_half_drain(struct xtcp_listener *lst);

void xtcp_half_timer(struct timer_list *t);
void xtcp_half_timer_arm(struct xtcp_listener *lst, u32 wait_us);

/* synack.c */
u32 xtcp_half_ts_offset(const struct xtcp_half *h);
/* RCV.WND of a handshake. */
u16 xtcp_synack_mss(const struct sock *lsk, const struct xtcp_half *h);
u16 xtcp_synack_window(const struct sock *lsk, const struct xtcp_half *h);
/* Fill @r as a SYN-ACK with the options of @h: all but a cookie's TSval. */
void xtcp_synack_init(struct xtcp_reply *r, const struct sock *lsk,
		      const struct xtcp_half *h);
void xtcp_synack_xmit(const struct sock *lsk, const struct xtcp_half *h, bool again);
/* 3.10.7.4 first and RFC 5961, within the limit of challenge ACKs. */
void xtcp_half_ack_xmit(const struct sock *lsk, struct xtcp_half *h);
void xtcp_half_rst_xmit(const struct xtcp_half *h, struct sk_buff *skb,
			const struct xtcp_segment *seg);

/* complete.c; all in BH under RCU, but for promote: any context. */
/* The ACK that @h waited for. Eats skb. */
void xtcp_half_complete(const struct xtcp_passive *p, struct xtcp_half *h,
			struct sk_buff *skb, const struct xtcp_segment *seg);
/* A valid cookie came back: the handshake of @h, in no table yet.  Eats both. */
void xtcp_half_complete_cookie(const struct xtcp_passive *p, struct xtcp_half *h,
			       struct sk_buff *skb, const struct xtcp_segment *seg);
/* Free accept slots to those that wait for them, oldest first. */
void xtcp_half_promote(struct xtcp_listener *lst);
/* The timer looks at acked entries, and tries to promote again after a shortage of
 * memory, no more often than this. */
#define XTCP_ACKED_LOOK_US	(100 * XTCP_USEC_PER_MSEC)

/* syncookie.c */
enum xtcp_drop xtcp_syncookie_xmit(const struct xtcp_passive *p, struct sk_buff *skb,
				   const struct xtcp_tuple *t,
				   const struct xtcp_segment *seg);
/* An ACK without an entry.  Eats skb. */
void xtcp_syncookie_rcv(const struct xtcp_passive *p, struct sk_buff *skb,
			const struct xtcp_tuple *t, const struct xtcp_segment *seg);

#endif
