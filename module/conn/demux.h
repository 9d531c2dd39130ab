/* SPDX-License-Identifier: GPL-2.0 */
/* demux.h - from a segment's addresses to who answers it.
 *
 * Two tables, both global, both keyed by namespace first:
 *
 *  flows      nulls hash of struct xtcp_flow; one spinlock a bucket, BH off.
 *             A change of kind replaces the node under that lock, so that a
 *             flow is never in no table.  Lookups are lockless under RCU.
 *  listeners  groups: all sockets that listen on the same (net, address, port,
 *             device, v6only) by SO_REUSEPORT, one member otherwise.  Lookups
 *             under RCU; changes under one mutex, in process context; groups and
 *             their members are freed after a grace period.
 *
 * The table takes one reference on what is in it (the caller hands it over in
 * _add and _replace, and gets it back from _del and _replace).
 */
#ifndef XTCP_CONN_DEMUX_H
#define XTCP_CONN_DEMUX_H

#include "conn/flow.h"

struct sock;
struct xtcp_sock;

/* How a reference of a kind is taken (if its count is not zero) and given back.
 * Each owner registers its kind before its first flow is added, and NULL when
 * its last is gone and a grace period has passed.  Sockets are known here.
 *
 * Rules for the owner of a kind, because readers may stand on a recycled object:
 *  - its cache is SLAB_TYPESAFE_BY_RCU, and its objects are not zeroed: not
 *    kmem_cache_zalloc(), no memset over the flow.  xtcp_flow_init() sets it all.
 *  - xtcp_flow_init() first, then refcount_set(), then xtcp_flow_add() or _replace().
 * (Sockets are zeroed by net/core; the lookup copes with that.)
 */
struct xtcp_flow_kind_ops {
	bool (*get)(struct xtcp_flow *f);
	void (*put)(struct xtcp_flow *f);
};

void xtcp_flow_kind_register(enum xtcp_flow_kind kind,
			     const struct xtcp_flow_kind_ops *ops);

int xtcp_demux_init(void);
void xtcp_demux_exit(void);

u32 xtcp_flow_hash(const struct net *net, const struct xtcp_tuple *t);

/* Fill the key. The node becomes a nulls end that belongs to no bucket, so that
 * a reader who stands on a recycled object starts again. */
void xtcp_flow_init(struct xtcp_flow *f, enum xtcp_flow_kind kind,
		    struct net *net, const struct xtcp_tuple *t, int l3dev);
/* With the key of @old. */
void xtcp_flow_init_as(struct xtcp_flow *f, enum xtcp_flow_kind kind,
		       const struct xtcp_flow *old);
/* Before the key is known: an object that readers may stand on. */
void xtcp_flow_init_unhashed(struct xtcp_flow *f);
bool xtcp_flow_hashed(const struct xtcp_flow *f);

/* Find and take a reference; NULL if there is none. RCU read lock held. */
struct xtcp_flow *xtcp_flow_lookup(struct net *net, const struct xtcp_tuple *t,
				   int l3dev);
/* By a hash that may be another tuple's: NULL then, too. */
struct xtcp_flow *xtcp_flow_find(struct net *net, const struct xtcp_tuple *t,
				 int l3dev, u32 hash);
/* The same under the bucket's lock: sure, for "nobody" to be the answer. */
struct xtcp_flow *xtcp_flow_lookup_locked(struct net *net,
					  const struct xtcp_tuple *t, int l3dev);
void xtcp_flow_put(struct xtcp_flow *f);	/* reference of a lookup, any kind */

/* Add unless the key is there: false, and nothing changed. */
bool xtcp_flow_add(struct xtcp_flow *f);
/* Put @new (same key, not in the table) in @old's place: false if @old had gone. */
bool xtcp_flow_replace(struct xtcp_flow *old, struct xtcp_flow *new);
/* Take it out: false if somebody else had. */
bool xtcp_flow_del(struct xtcp_flow *f);

unsigned int xtcp_flow_buckets(void);
/* The first bucket from @bucket on that is not empty, or xtcp_flow_buckets(). */
unsigned int xtcp_flow_bucket_used(unsigned int bucket);
/* The flows of a namespace in one bucket, which is locked: for proc, which can sleep
 * between two. */
void xtcp_flow_walk_bucket(unsigned int bucket, struct net *net,
			   void (*fn)(struct xtcp_flow *f, void *arg), void *arg);

/* Listeners.  Process context, socket locked, bound: address and port are those of
 * xs->port.  -EADDRINUSE when the key is taken and not all of its members and @xs
 * have SO_REUSEPORT and the same user.  The socket has SOCK_RCU_FREE. */
int xtcp_listener_add(struct xtcp_sock *xs);
void xtcp_listener_del(struct xtcp_sock *xs);
/* The listener for a SYN, or NULL. RCU read lock held, which is also what keeps
 * it: no reference.  Best match: bound device, then exact address over wildcard,
 * then same IP version over dual stack; in a group by hash. */
struct xtcp_sock *xtcp_listener_lookup(struct net *net, const struct xtcp_tuple *t,
				       int dif, int sdif);
/* All listeners, for proc: @fn under the table's mutex. */
void xtcp_listener_walk(struct net *net, void (*fn)(struct xtcp_sock *xs, void *arg),
			void *arg);

#endif
