// SPDX-License-Identifier: GPL-2.0
/* lease.c - the block of ports that connect() chooses from. */
#include "conn/lease.h"

#include "conn/netns.h"
#include "conn/port_table.h"
#include "engine/sock.h"
#include "proto/isn.h"

#include <linux/bitmap.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <net/ip.h>

#define LEASE_SHARE	4	/* of the range, one part is ours */
#define LEASE_MIN	4	/* ports; fewer are not worth a block */
#define LEASE_IDLE_MS	(30 * MSEC_PER_SEC)
#define STEPS		256	/* counters of RFC 6056 3.3.4 */

struct xtcp_lease {
	struct xtcp_port	port;		/* first; its references */
	u16			first;
	u16			n;
	u32			used_ms;	/* protocol time, racy */
	struct rcu_head		rcu;
	unsigned long		free[];		/* bit i: port first + i is ours */
};

static u32 steps[STEPS];	/* racy: each only spreads the choice */

bool xtcp_lease_covers(const struct xtcp_port_net *pn, u16 num)
{
	const struct xtcp_lease *l =
		rcu_dereference_protected(pn->lease, lockdep_is_held(&pn->lock));

	return l && num >= l->first && num - l->first < l->n;
}

/* --- begin and end ------------------------------------------------------- */

/* The kernel's autobind skips what is reserved.  An administrator who writes the
 * sysctl takes it from us; then a port may be chosen twice, for other peers.
 */
static void reserve(struct net *net, struct xtcp_lease *l)
{
	unsigned long *reserved = net->ipv4.sysctl_local_reserved_ports;
	unsigned int i;

	for (i = 0; i < l->n; i++)
		if (!test_and_set_bit(l->first + i, reserved))
			__set_bit(i, l->free);
}

/* Somebody wrote the sysctl meanwhile?  That replaces all of it: what stands there
 * now is his, all but a list that has the whole block.
 */
static void unreserve(struct net *net, const struct xtcp_lease *l)
{
	unsigned long *reserved = net->ipv4.sysctl_local_reserved_ports;
	unsigned int i;

	for_each_set_bit(i, l->free, l->n)
		if (!test_bit(l->first + i, reserved))
			return;
	for_each_set_bit(i, l->free, l->n)
		clear_bit(l->first + i, reserved);
}

static struct xtcp_lease *lease_alloc(struct net *net)
{
	int low, high, n;
	struct xtcp_lease *l;

	inet_get_local_port_range(net, &low, &high);
	n = (high - low + 1) / LEASE_SHARE;
	if (n < LEASE_MIN)
		return NULL;
	l = kzalloc(struct_size(l, free, BITS_TO_LONGS(n)), GFP_KERNEL);
	if (!l)
		return NULL;
	l->first = high - n + 1;
	l->n = n;
	l->port.net = net;
	refcount_set(&l->port.ref, 1);
	return l;
}

static struct xtcp_lease *lease_make(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);
	struct xtcp_port_net *pn = &xnet->ports;
	struct xtcp_lease *l = lease_alloc(net);

	if (!l)
		return NULL;
	if (xtcp_port_table_get(xnet)) {
		kfree(l);
		return NULL;
	}
	reserve(net, l);
	bitmap_set(pn->table->bits, l->first, l->n);
	l->used_ms = xtcp_clock_ms();
	rcu_assign_pointer(pn->lease, l);
	schedule_delayed_work(&pn->lease_idle, msecs_to_jiffies(LEASE_IDLE_MS));
	return l;
}

/* ports.lock; nobody has a reference, and nobody can get one. */
static void lease_free(struct net *net, struct xtcp_lease *l)
{
	struct xtcp_net *xnet = xtcp_net(net);
	unsigned int i;

	RCU_INIT_POINTER(xnet->ports.lease, NULL);
	unreserve(net, l);
	for (i = 0; i < l->n; i++)
		xtcp_port_bit_drop(&xnet->ports, l->first + i);
	xtcp_port_table_put(xnet);
	kfree_rcu(l, rcu);
}

static void idle_work(struct work_struct *work)
{
	struct xtcp_net *xnet = container_of(to_delayed_work(work), struct xtcp_net,
					     ports.lease_idle);
	struct xtcp_port_net *pn = &xnet->ports;
	struct xtcp_lease *l;

	mutex_lock(&pn->lock);
	l = rcu_dereference_protected(pn->lease, lockdep_is_held(&pn->lock));
	if (l && xtcp_clock_ms() - READ_ONCE(l->used_ms) >= LEASE_IDLE_MS &&
	    refcount_dec_if_one(&l->port.ref))
		lease_free(xnet->net, l);
	else if (l)
		schedule_delayed_work(&pn->lease_idle,
				      msecs_to_jiffies(LEASE_IDLE_MS));
	mutex_unlock(&pn->lock);
}

void xtcp_lease_net_init(struct net *net)
{
	INIT_DELAYED_WORK(&xtcp_net(net)->ports.lease_idle, idle_work);
}

/* No socket is left, and no TIME-WAIT entry: the reference is the last. */
void xtcp_lease_net_exit(struct net *net)
{
	struct xtcp_port_net *pn = &xtcp_net(net)->ports;
	struct xtcp_lease *l;

	cancel_delayed_work_sync(&pn->lease_idle);
	mutex_lock(&pn->lock);
	l = rcu_dereference_protected(pn->lease, lockdep_is_held(&pn->lock));
	if (l && !WARN_ON_ONCE(!refcount_dec_if_one(&l->port.ref)))
		lease_free(net, l);
	mutex_unlock(&pn->lock);
}

/* --- a connection -------------------------------------------------------- */

static struct xtcp_lease *lease_get_fast(struct net *net)
{
	struct xtcp_lease *l;

	rcu_read_lock();
	l = rcu_dereference(xtcp_net(net)->ports.lease);
	if (l && !refcount_inc_not_zero(&l->port.ref))
		l = NULL;
	rcu_read_unlock();
	return l;
}

static struct xtcp_lease *lease_get(struct net *net)
{
	struct xtcp_port_net *pn = &xtcp_net(net)->ports;
	struct xtcp_lease *l = lease_get_fast(net);
	u32 now = xtcp_clock_ms();

	if (!l) {
		mutex_lock(&pn->lock);
		l = rcu_dereference_protected(pn->lease,
					      lockdep_is_held(&pn->lock));
		if (!l)
			l = lease_make(net);
		if (l)
			refcount_inc(&l->port.ref);
		mutex_unlock(&pn->lock);
	}
	if (l && now - READ_ONCE(l->used_ms) > MSEC_PER_SEC)
		WRITE_ONCE(l->used_ms, now);
	return l;
}

/* A connection to itself is for who asks for it by bind(). */
static bool is_self(const struct xtcp_tuple *t)
{
	return t->lport == t->rport && xtcp_addr_equal(&t->laddr, &t->raddr);
}

static int choose(struct xtcp_sock *xs, struct xtcp_lease *l,
		  struct xtcp_tuple *t, xtcp_lease_claim_fn claim)
{
	u32 hash = xtcp_port_offset(t, xtcp_net_salt(sock_net(&xs->inet.sk)));
	u32 *step = &steps[hash % STEPS];
	u32 at = hash / STEPS + READ_ONCE(*step), i, bit;
	int err;

	for (i = 0; i < l->n; i++) {
		bit = (at + i) % l->n;
		t->lport = htons(l->first + bit);
		if (!test_bit(bit, l->free) || is_self(t))
			continue;
		err = claim(xs, t);
		if (err != -EADDRNOTAVAIL) {
			WRITE_ONCE(*step, *step + i + 1 + get_random_u8() % 8);
			return err;
		}
		cond_resched();
	}
	return -EADDRNOTAVAIL;
}

int xtcp_lease_choose(struct xtcp_sock *xs, struct xtcp_tuple *t,
		      xtcp_lease_claim_fn claim)
{
	struct xtcp_lease *l = lease_get(sock_net(&xs->inet.sk));
	int err;

	if (!l)
		return -EADDRNOTAVAIL;
	xs->port = &l->port;
	err = choose(xs, l, t, claim);
	if (err) {
		xs->port = NULL;
		xtcp_port_put(&l->port);
	}
	return err;
}
