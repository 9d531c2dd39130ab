// SPDX-License-Identifier: GPL-2.0
/* demux.c - the flow table and the listener groups. */
#include "conn/demux.h"

#include "conn/port.h"
#include "engine/sock.h"

#include <linux/bits.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/rculist_nulls.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <net/inet_sock.h>
#include <net/netns/hash.h>

/* --- flows -------------------------------------------------------------
 *
 * A chain ends in a nulls value, the number of its bucket, so that a reader
 * who was carried into another chain by a recycled object notices.  A node
 * that is in no chain ends in OUTSIDE at once: a reader who stands on it
 * starts again.
 *
 * One danger is left.  net/core zeroes a recycled socket as plain memory, and
 * a reader who stands on it may read a next pointer that is half gone.  So
 * before a reader follows a next pointer it looks whether the link it came by
 * still points to the node it read it from, and then whether it still reads the
 * same: a node is taken out of its chain, and its own next pointer made OUTSIDE,
 * long before it is freed.
 *
 * A reader may miss a flow whose object was recycled, for the same key, while
 * it stood on it.  Where "nobody" has a consequence, xtcp_flow_lookup_locked()
 * is asked.
 */
#define BUCKETS_MIN	256
#define BUCKETS_MAX	65536
#define OUTSIDE		BIT(30)		/* no bucket's number */

struct flow_bucket {
	struct hlist_nulls_head	head;
	spinlock_t		lock;	/* BH; innermost */
};

static struct {
	struct flow_bucket	*bucket;
	unsigned int		mask;
	hsiphash_key_t		key;
	const struct xtcp_flow_kind_ops *kind[XTCP_FLOW_TW + 1];
} flows __read_mostly;

void xtcp_flow_kind_register(enum xtcp_flow_kind kind,
			     const struct xtcp_flow_kind_ops *ops)
{
	WRITE_ONCE(flows.kind[kind], ops);
}

/* Connections by direct calls, they are most of the traffic. */
static bool flow_get(struct xtcp_flow *f)
{
	u8 kind = READ_ONCE(f->kind);
	bool got;

	if (likely(kind == XTCP_FLOW_CONN))
		got = refcount_inc_not_zero(&xtcp_sock_of(f)->inet.sk.sk_refcnt);
	else
		got = READ_ONCE(flows.kind[kind])->get(f);
	/* the key is compared after the reference is there */
	smp_acquire__after_ctrl_dep();
	return got;
}

void xtcp_flow_put(struct xtcp_flow *f)
{
	if (likely(f->kind == XTCP_FLOW_CONN))
		sock_put(xtcp_sock_sk(xtcp_sock_of(f)));
	else
		READ_ONCE(flows.kind[f->kind])->put(f);
}

u32 xtcp_flow_hash(const struct net *net, const struct xtcp_tuple *t)
{
	struct {
		struct xtcp_tuple	tuple;
		u32			net;
	} in;

	if (xtcp_addr_is_v4(&t->raddr))
		return hsiphash_4u32((__force u32)xtcp_addr_v4(&t->laddr),
				     (__force u32)xtcp_addr_v4(&t->raddr),
				     (__force u32)t->lport << 16 |
				     (__force u32)t->rport,
				     net_hash_mix(net), &flows.key);
	in.tuple = *t;
	in.net = net_hash_mix(net);
	BUILD_BUG_ON(sizeof(in) != 40);
	return hsiphash(&in, sizeof(in), &flows.key);
}

static struct flow_bucket *bucket_of(u32 hash)
{
	return &flows.bucket[hash & flows.mask];
}

static void node_leave(struct hlist_nulls_node *n)
{
	WRITE_ONCE(n->pprev, NULL);
	WRITE_ONCE(n->next, (struct hlist_nulls_node *)NULLS_MARKER(OUTSIDE));
}

void xtcp_flow_init_unhashed(struct xtcp_flow *f)
{
	node_leave(&f->node);
}

static void flow_init(struct xtcp_flow *f, enum xtcp_flow_kind kind,
		      struct net *net, const struct xtcp_tuple *t, int l3dev,
		      u32 hash)
{
	node_leave(&f->node);
	f->net = net;
	f->tuple = *t;
	f->l3dev = l3dev;
	f->hash = hash;
	f->kind = kind;
	f->spare = 0;
	f->spare16 = 0;
	/* before the owner's refcount_set(); pairs with flow_get() */
	smp_wmb();
}

void xtcp_flow_init(struct xtcp_flow *f, enum xtcp_flow_kind kind,
		    struct net *net, const struct xtcp_tuple *t, int l3dev)
{
	flow_init(f, kind, net, t, l3dev, xtcp_flow_hash(net, t));
}

void xtcp_flow_init_as(struct xtcp_flow *f, enum xtcp_flow_kind kind,
		       const struct xtcp_flow *old)
{
	flow_init(f, kind, old->net, &old->tuple, old->l3dev, old->hash);
}

bool xtcp_flow_hashed(const struct xtcp_flow *f)
{
	return !hlist_nulls_unhashed_lockless(&f->node);
}

static bool flow_is(const struct xtcp_flow *f, u32 hash, const struct net *net,
		    const struct xtcp_tuple *t, int l3dev)
{
	return READ_ONCE(f->hash) == hash && f->net == net &&
	       f->l3dev == l3dev && xtcp_tuple_equal(&f->tuple, t);
}

/* Was @f in the chain after @next was read from it, and is that still so? */
static bool link_holds(struct hlist_nulls_node **from, const struct xtcp_flow *f,
		       const struct hlist_nulls_node *next)
{
	smp_rmb();	/* next, then from; pairs with bucket locks and frees */
	if (READ_ONCE(*from) != &f->node)
		return false;
	smp_rmb();	/* from, then next again */
	return READ_ONCE(f->node.next) == next;
}

struct xtcp_flow *xtcp_flow_find(struct net *net, const struct xtcp_tuple *t,
				 int l3dev, u32 hash)
{
	struct flow_bucket *b = bucket_of(hash);
	struct hlist_nulls_node *pos, *next;
	struct hlist_nulls_node **from;
	struct xtcp_flow *f;

again:
	from = &b->head.first;
	pos = READ_ONCE(*from);
	while (pos && !is_a_nulls(pos)) {
		f = hlist_nulls_entry(pos, struct xtcp_flow, node);
		if (flow_is(f, hash, net, t, l3dev)) {
			if (!flow_get(f))
				goto again;
			if (likely(flow_is(f, hash, net, t, l3dev)))
				return f;
			xtcp_flow_put(f);
			goto again;
		}
		next = READ_ONCE(f->node.next);
		if (unlikely(!link_holds(from, f, next)))
			goto again;
		from = &f->node.next;
		pos = next;
	}
	if (unlikely(!pos || get_nulls_value(pos) != (hash & flows.mask)))
		goto again;
	return NULL;
}

struct xtcp_flow *xtcp_flow_lookup(struct net *net, const struct xtcp_tuple *t,
				   int l3dev)
{
	return xtcp_flow_find(net, t, l3dev, xtcp_flow_hash(net, t));
}

static struct xtcp_flow *find_locked(struct flow_bucket *b, u32 hash,
				     const struct net *net,
				     const struct xtcp_tuple *t, int l3dev)
{
	struct hlist_nulls_node *pos;
	struct xtcp_flow *f;

	lockdep_assert_held(&b->lock);
	hlist_nulls_for_each_entry(f, pos, &b->head, node)
		if (flow_is(f, hash, net, t, l3dev))
			return f;
	return NULL;
}

struct xtcp_flow *xtcp_flow_lookup_locked(struct net *net,
					  const struct xtcp_tuple *t, int l3dev)
{
	u32 hash = xtcp_flow_hash(net, t);
	struct flow_bucket *b = bucket_of(hash);
	struct xtcp_flow *f;

	spin_lock_bh(&b->lock);
	f = find_locked(b, hash, net, t, l3dev);
	/* the table's own reference is there: this cannot fail */
	if (f && WARN_ON_ONCE(!flow_get(f)))
		f = NULL;
	spin_unlock_bh(&b->lock);
	return f;
}

bool xtcp_flow_add(struct xtcp_flow *f)
{
	struct flow_bucket *b = bucket_of(f->hash);
	bool ok;

	spin_lock_bh(&b->lock);
	ok = !find_locked(b, f->hash, f->net, &f->tuple, f->l3dev);
	if (ok)
		hlist_nulls_add_head_rcu(&f->node, &b->head);
	spin_unlock_bh(&b->lock);
	return ok;
}

/* Readers see the old one or the new one, never neither: who stands on the old
 * one is sent to the start of the chain, where the new one is by then.
 */
static void node_replace(struct hlist_nulls_node *old,
			 struct hlist_nulls_node *new)
{
	struct hlist_nulls_node *next = old->next;
	struct hlist_nulls_node **pprev = old->pprev;

	WRITE_ONCE(new->next, next);
	WRITE_ONCE(new->pprev, pprev);
	smp_store_release(pprev, new);	/* all of new is there, as for _add */
	if (!is_a_nulls(next))
		WRITE_ONCE(next->pprev, &new->next);
	node_leave(old);
}

bool xtcp_flow_replace(struct xtcp_flow *old, struct xtcp_flow *new)
{
	struct flow_bucket *b = bucket_of(old->hash);
	bool ok;

	if (WARN_ON_ONCE(new->hash != old->hash))
		return false;
	spin_lock_bh(&b->lock);
	ok = !hlist_nulls_unhashed(&old->node);
	if (ok)
		node_replace(&old->node, &new->node);
	spin_unlock_bh(&b->lock);
	return ok;
}

bool xtcp_flow_del(struct xtcp_flow *f)
{
	struct flow_bucket *b;
	bool ok;

	if (!xtcp_flow_hashed(f))
		return false;
	b = bucket_of(f->hash);
	spin_lock_bh(&b->lock);
	ok = !hlist_nulls_unhashed(&f->node);
	if (ok) {
		__hlist_nulls_del(&f->node);
		node_leave(&f->node);
	}
	spin_unlock_bh(&b->lock);
	return ok;
}

unsigned int xtcp_flow_buckets(void)
{
	return flows.mask + 1;
}

unsigned int xtcp_flow_bucket_used(unsigned int bucket)
{
	while (bucket <= flows.mask && hlist_nulls_empty(&flows.bucket[bucket].head))
		bucket++;
	return min(bucket, flows.mask + 1);
}

void xtcp_flow_walk_bucket(unsigned int bucket, struct net *net,
			   void (*fn)(struct xtcp_flow *f, void *arg), void *arg)
{
	struct flow_bucket *b = &flows.bucket[bucket];
	struct hlist_nulls_node *pos;
	struct xtcp_flow *f;

	if (WARN_ON_ONCE(bucket > flows.mask) || hlist_nulls_empty(&b->head))
		return;
	spin_lock_bh(&b->lock);
	hlist_nulls_for_each_entry(f, pos, &b->head, node)
		if (f->net == net)
			fn(f, arg);
	spin_unlock_bh(&b->lock);
}

/* --- listeners ---------------------------------------------------------
 *
 * Groups hang in chains by namespace and port.  The lock is a mutex, changes
 * are rare.  A member is added at the end, after room was made by a copy of the
 * group; who leaves is replaced by the last one.  A reader that saw the old
 * number may find in the last slot one who has just left, or the same one
 * twice: both are alive until the end of its RCU section.
 */
#define LISTEN_SLOTS_LOG 10

struct listen_group {
	struct hlist_node	node;		/* listen_lock; RCU readers */
	struct net		*net;
	struct xtcp_port_key	key;		/* constant */
	kuid_t			uid;		/* constant */
	bool			reuseport;	/* all members; constant */
	unsigned int		n;		/* members now; 0: leaving */
	unsigned int		room;		/* constant */
	struct rcu_head		rcu;
	struct xtcp_sock	*member[];	/* not counted */
};

static struct hlist_head listen_slot[1 << LISTEN_SLOTS_LOG];
static DEFINE_MUTEX(listen_lock);

static struct hlist_head *slot_of(const struct net *net, u16 num)
{
	return &listen_slot[hash_32(net_hash_mix(net) ^ num, LISTEN_SLOTS_LOG)];
}

static bool key_equal(const struct xtcp_port_key *a, const struct xtcp_port_key *b)
{
	return a->num == b->num && a->dev == b->dev &&
	       a->version == b->version && a->v6only == b->v6only &&
	       xtcp_addr_equal(&a->addr, &b->addr);
}

static struct listen_group *group_find(const struct net *net,
				       const struct xtcp_port_key *key)
{
	struct listen_group *g;

	hlist_for_each_entry(g, slot_of(net, key->num), node)
		if (g->net == net && key_equal(&g->key, key))
			return g;
	return NULL;
}

static struct listen_group *group_alloc(struct xtcp_sock *xs,
					const struct xtcp_port_key *key,
					unsigned int room)
{
	struct sock *sk = xtcp_sock_sk(xs);
	struct listen_group *g;

	g = kzalloc(struct_size(g, member, room), GFP_KERNEL);
	if (!g)
		return NULL;
	g->net = sock_net(sk);
	g->key = *key;
	g->uid = READ_ONCE(sk->sk_uid);
	g->reuseport = sk->sk_reuseport;
	g->room = room;
	return g;
}

static void group_append(struct listen_group *g, struct xtcp_sock *xs)
{
	WRITE_ONCE(g->member[g->n], xs);
	smp_store_release(&g->n, g->n + 1);	/* the slot, then the number */
}

static int group_join(struct listen_group *g, struct xtcp_sock *xs)
{
	struct sock *sk = xtcp_sock_sk(xs);
	struct listen_group *big;

	if (!g->reuseport || !sk->sk_reuseport ||
	    !uid_eq(g->uid, READ_ONCE(sk->sk_uid)))
		return -EADDRINUSE;

	if (g->n == g->room) {
		big = group_alloc(xs, &g->key, g->room * 2);
		if (!big)
			return -ENOMEM;
		memcpy(big->member, g->member, g->n * sizeof(g->member[0]));
		big->n = g->n;
		hlist_replace_rcu(&g->node, &big->node);
		kfree_rcu(g, rcu);
		g = big;
	}
	group_append(g, xs);
	return 0;
}

int xtcp_listener_add(struct xtcp_sock *xs)
{
	struct net *net = sock_net(xtcp_sock_sk(xs));
	struct xtcp_port_key key;
	struct listen_group *g;
	int err = 0;

	if (WARN_ON_ONCE(!xs->port))
		return -EINVAL;
	key = *xtcp_port_key(xs->port);
	/* SO_BINDTODEVICE may have come after bind() */
	key.dev = READ_ONCE(xtcp_sock_sk(xs)->sk_bound_dev_if);

	mutex_lock(&listen_lock);
	g = group_find(net, &key);
	if (g) {
		err = group_join(g, xs);
	} else {
		g = group_alloc(xs, &key, 4);
		if (g) {
			group_append(g, xs);
			hlist_add_head_rcu(&g->node, slot_of(net, key.num));
		} else {
			err = -ENOMEM;
		}
	}
	mutex_unlock(&listen_lock);
	return err;
}

static bool group_leave(struct listen_group *g, const struct xtcp_sock *xs)
{
	unsigned int i;

	for (i = 0; i < g->n; i++)
		if (g->member[i] == xs)
			break;
	if (i == g->n)
		return false;

	WRITE_ONCE(g->member[i], g->member[g->n - 1]);
	WRITE_ONCE(g->n, g->n - 1);
	if (!g->n) {
		hlist_del_rcu(&g->node);
		kfree_rcu(g, rcu);
	}
	return true;
}

void xtcp_listener_del(struct xtcp_sock *xs)
{
	struct net *net = sock_net(xtcp_sock_sk(xs));
	struct hlist_node *tmp;
	struct listen_group *g;

	if (!xs->port)
		return;
	mutex_lock(&listen_lock);
	hlist_for_each_entry_safe(g, tmp,
				  slot_of(net, xtcp_port_key(xs->port)->num), node)
		if (g->net == net && group_leave(g, xs))
			break;
	mutex_unlock(&listen_lock);
}

/* How well a group fits, 0: not at all. */
static int group_score(const struct listen_group *g, struct net *net,
		       const struct xtcp_tuple *t, int dif, int sdif)
{
	const struct xtcp_port_key *k = &g->key;
	bool v4 = xtcp_addr_is_v4(&t->laddr);
	int score = 1;

	if (g->net != net || k->num != ntohs(t->lport))
		return 0;
	if (xtcp_addr_equal(&k->addr, &t->laddr))
		score += 2;
	else if (xtcp_addr_is_any6(&k->addr) ? v4 && k->v6only
					     : !(v4 && xtcp_addr_is_any4(&k->addr)))
		return 0;
	if (!inet_sk_bound_dev_eq(net, k->dev, dif, sdif))
		return 0;
	if (k->dev)
		score += 4;
	if (k->version == (v4 ? 4 : 6))
		score += 1;
	return score;
}

struct xtcp_sock *xtcp_listener_lookup(struct net *net, const struct xtcp_tuple *t,
				       int dif, int sdif)
{
	struct listen_group *g, *best = NULL;
	int score, best_score = 0;
	unsigned int n, best_n = 0;

	hlist_for_each_entry_rcu(g, slot_of(net, ntohs(t->lport)), node) {
		score = group_score(g, net, t, dif, sdif);
		if (score <= best_score)
			continue;
		n = smp_load_acquire(&g->n);	/* pairs with group_append() */
		if (!n)
			continue;
		best = g;
		best_n = n;
		best_score = score;
	}
	if (!best)
		return NULL;
	n = best_n == 1 ? 0 : reciprocal_scale(xtcp_flow_hash(net, t), best_n);
	return READ_ONCE(best->member[n]);
}

void xtcp_listener_walk(struct net *net, void (*fn)(struct xtcp_sock *xs, void *arg),
			void *arg)
{
	struct listen_group *g;
	unsigned int i, slot;

	mutex_lock(&listen_lock);
	for (slot = 0; slot < ARRAY_SIZE(listen_slot); slot++)
		hlist_for_each_entry(g, &listen_slot[slot], node)
			for (i = 0; g->net == net && i < g->n; i++)
				fn(g->member[i], arg);
	mutex_unlock(&listen_lock);
}

/* --- life --------------------------------------------------------------- */

/* One for 64 KB of memory. */
static unsigned int buckets_by_memory(void)
{
	u64 n = ((u64)totalram_pages() << PAGE_SHIFT) >> 16;

	n = clamp_t(u64, n, BUCKETS_MIN, BUCKETS_MAX);
	return rounddown_pow_of_two((unsigned long)n);
}

int xtcp_demux_init(void)
{
	unsigned int i, n = buckets_by_memory();

	flows.bucket = kvmalloc_array(n, sizeof(*flows.bucket), GFP_KERNEL);
	if (!flows.bucket)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		INIT_HLIST_NULLS_HEAD(&flows.bucket[i].head, i);
		spin_lock_init(&flows.bucket[i].lock);
	}
	flows.mask = n - 1;
	get_random_bytes(&flows.key, sizeof(flows.key));
	return 0;
}

/* Nobody adds or looks up any more. */
void xtcp_demux_exit(void)
{
	unsigned int i;

	for (i = 0; i <= flows.mask; i++)
		WARN_ON_ONCE(!hlist_nulls_empty(&flows.bucket[i].head));
	for (i = 0; i < ARRAY_SIZE(listen_slot); i++)
		WARN_ON_ONCE(!hlist_empty(&listen_slot[i]));
	kvfree(flows.bucket);
	flows.bucket = NULL;
}
