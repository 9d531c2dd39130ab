/* SPDX-License-Identifier: GPL-2.0 */
/* acceptq.h - connections established and not yet accepted, oldest first.
 *
 * A slot is reserved before a child is made, so that a connection is never made
 * for which there is no room: used counts slots reserved and taken, and is what
 * the limit is about.  The queue links whatever list_head it is given (of a
 * struct xtcp_sock: acceptq_node) and holds one reference on its owner; pop and
 * close hand that reference on.
 *
 * Lock: ->lock, BH off, innermost of all (a child's socket lock may be held).
 * Taken inside by every function but those called _locked.
 */
#ifndef XTCP_QUEUE_ACCEPTQ_H
#define XTCP_QUEUE_ACCEPTQ_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct xtcp_acceptq {
	spinlock_t		lock;	/* BH, innermost */
	struct list_head	list;	/* oldest first */
	unsigned int		len;	/* in list */
	unsigned int		used;	/* slots: len and those reserved */
	unsigned int		max;	/* slots; lowered below used: nobody goes */
	unsigned int		peak;	/* highest len so far */
	bool			closed;	/* nothing goes in */
	u32			*shown;	/* where net/core's readers find len */
};

/* Closed. @shown is written until close. */
void xtcp_acceptq_init(struct xtcp_acceptq *q, u32 *shown);
/* Open, or change the limit. */
void xtcp_acceptq_open(struct xtcp_acceptq *q, unsigned int max);

/* A slot for a child to come; false: full, or closed. */
bool xtcp_acceptq_reserve(struct xtcp_acceptq *q);
void xtcp_acceptq_unreserve(struct xtcp_acceptq *q);

/* Put a child into the slot that was reserved for it.  How many were before it,
 * or -1 if the queue was closed meanwhile (the slot is given back). */
int xtcp_acceptq_push(struct xtcp_acceptq *q, struct list_head *child);
/* The oldest, with the queue's reference; NULL: empty.  Its slot is free. */
struct list_head *xtcp_acceptq_pop(struct xtcp_acceptq *q);
/* Exactly this one; false: it is not in the queue any more. */
bool xtcp_acceptq_pop_this(struct xtcp_acceptq *q, struct list_head *child);
/* The oldest, or NULL.  It stays as long as the lock is held. */
struct list_head *xtcp_acceptq_peek_locked(struct xtcp_acceptq *q);

/* Closed from now on; what was in it moves to @left. */
void xtcp_acceptq_close(struct xtcp_acceptq *q, struct list_head *left);

/* Lockless, for poll and counters: a value of a moment ago. */
static inline unsigned int xtcp_acceptq_len(const struct xtcp_acceptq *q)
{
	return READ_ONCE(q->len);
}

static inline bool xtcp_acceptq_has_room(const struct xtcp_acceptq *q)
{
	return READ_ONCE(q->used) < READ_ONCE(q->max);
}

#endif
