// SPDX-License-Identifier: GPL-2.0
/* port.c - ports, and who shares them. */
#include "conn/port.h"

#include "conn/lease.h"
#include "conn/netns.h"
#include "conn/port_table.h"
#include "conn/shadow.h"
#include "engine/sock.h"

#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <net/inet_sock.h>
#include <net/sock.h>

/* --- the machine: is anybody in front of the kernel's TCP? -------------- */

static DEFINE_MUTEX(machine_lock);	/* inside ports.lock */
static unsigned int machine_ports;

static int machine_get(void)
{
	int err = 0;

	mutex_lock(&machine_lock);
	if (!machine_ports)
		err = xtcp_ingress_get();
	if (!err)
		machine_ports++;
	mutex_unlock(&machine_lock);
	return err;
}

static void machine_put(void)
{
	mutex_lock(&machine_lock);
	if (!--machine_ports)
		xtcp_ingress_put();
	mutex_unlock(&machine_lock);
}

/* --- the table of a namespace ------------------------------------------- */

static struct hlist_head *chain_of(struct xtcp_port_net *pn, u16 num)
{
	return &pn->table->chain[num % XTCP_CHAINS];
}

int xtcp_port_table_get(struct xtcp_net *xnet)
{
	struct xtcp_port_net *pn = &xnet->ports;
	int err;

	lockdep_assert_held(&pn->lock);
	err = machine_get();
	if (err)
		return err;
	if (!pn->table) {
		pn->table = kvzalloc(sizeof(*pn->table), GFP_KERNEL);
		if (!pn->table) {
			machine_put();
			return -ENOMEM;
		}
		rcu_assign_pointer(xnet->port_bits, pn->table->bits);
	}
	pn->uses++;
	return 0;
}

void xtcp_port_table_put(struct xtcp_net *xnet)
{
	struct xtcp_port_net *pn = &xnet->ports;

	lockdep_assert_held(&pn->lock);
	if (!--pn->uses) {
		RCU_INIT_POINTER(xnet->port_bits, NULL);
		kvfree_rcu_mightsleep(pn->table);
		pn->table = NULL;
	}
	machine_put();
}

static void table_add(struct xtcp_port_net *pn, struct xtcp_port *p)
{
	hlist_add_head(&p->chain, chain_of(pn, p->key.num));
	set_bit(p->key.num, pn->table->bits);
}

void xtcp_port_bit_drop(struct xtcp_port_net *pn, u16 num)
{
	struct xtcp_port *p;

	if (xtcp_lease_covers(pn, num))
		return;
	hlist_for_each_entry(p, chain_of(pn, num), chain)
		if (p->key.num == num)
			return;
	clear_bit(num, pn->table->bits);
}

static void table_del(struct xtcp_port_net *pn, struct xtcp_port *p)
{
	hlist_del(&p->chain);
	xtcp_port_bit_drop(pn, p->key.num);
}

bool xtcp_port_ours(const struct net *net, __be16 port)
{
	const unsigned long *bits = rcu_dereference(xtcp_net(net)->port_bits);

	return bits && test_bit(ntohs(port), bits);
}

bool xtcp_port_any(const struct net *net)
{
	return rcu_access_pointer(xtcp_net(net)->port_bits);
}

/* --- the shadow, and its mates ---------------------------------------------- */

/* Shadows of ours on one number may share it by SO_REUSEPORT (0.0.0.0 and a
 * local address): for the moment in which the kernel compares them.
 */
static void mates_allow(struct xtcp_port_net *pn, u16 num, kuid_t uid, bool allow)
{
	struct xtcp_port *p;

	lockdep_assert_held(&pn->lock);
	hlist_for_each_entry(p, chain_of(pn, num), chain) {
		if (p->key.num != num || !p->reuseport || !uid_eq(p->uid, uid))
			continue;
		lock_sock(p->shadow->sk);
		p->shadow->sk->sk_reuseport = allow;
		release_sock(p->shadow->sk);
	}
}

static bool number_taken(const struct xtcp_port_net *pn, u16 num)
{
	return num && pn->table && test_bit(num, pn->table->bits);
}

/* As xtcp_shadow_create(), beside what we have on that number already. */
static int shadow_join(struct xtcp_port_net *pn, struct sock *from,
		       struct xtcp_port_key *key, struct socket **res)
{
	bool mates = number_taken(pn, key->num) && from->sk_reuseport;
	kuid_t uid = READ_ONCE(from->sk_uid);
	int err;

	if (!mates)
		return xtcp_shadow_create(from, key, false, res);
	mates_allow(pn, key->num, uid, true);
	err = xtcp_shadow_create(from, key, true, res);
	mates_allow(pn, key->num, uid, false);
	if (!err)
		xtcp_shadow_closes_door((*res)->sk);
	return err;
}

static bool has_mates(struct xtcp_port_net *pn, const struct xtcp_port *self)
{
	struct xtcp_port *p;

	hlist_for_each_entry(p, chain_of(pn, self->key.num), chain)
		if (p != self && p->key.num == self->key.num)
			return true;
	return false;
}

/* @step while the mates of @p's shadow, if it has any, allow it. */
static int shadow_step(struct xtcp_port_net *pn, struct xtcp_port *p,
		       int (*step)(struct socket *shadow))
{
	int err;

	if (!p->reuseport || !has_mates(pn, p))
		return step(p->shadow);
	mates_allow(pn, p->key.num, p->uid, true);
	err = step(p->shadow);
	mates_allow(pn, p->key.num, p->uid, false);
	xtcp_shadow_closes_door(p->shadow->sk);
	return err;
}

/* --- references ----------------------------------------------------------- */

void xtcp_port_get(struct xtcp_port *p)
{
	refcount_inc(&p->ref);
}

void xtcp_port_put(struct xtcp_port *p)
{
	struct xtcp_port_net *pn;

	if (!p)
		return;
	if (refcount_dec_not_one(&p->ref))
		return;
	pn = &xtcp_net(p->net)->ports;
	spin_lock_bh(&pn->dying_lock);
	if (refcount_dec_and_test(&p->ref)) {
		list_add_tail(&p->dying, &pn->dying);
		atomic_inc(&pn->unsettled);
		/* under the lock: see xtcp_port_net_exit() */
		schedule_work(&pn->reap);
	}
	spin_unlock_bh(&pn->dying_lock);
}

const struct xtcp_port_key *xtcp_port_key(const struct xtcp_port *p)
{
	return &p->key;
}

/* The shadow goes first: while it may still listen we are in front of it. */
static void port_free(struct xtcp_net *xnet, struct xtcp_port *p)
{
	WARN_ON_ONCE(p->listening);
	sock_release(p->shadow);
	table_del(&xnet->ports, p);
	xtcp_port_table_put(xnet);
	kfree(p);
	atomic_dec(&xnet->ports.unsettled);
}

static void reap_locked(struct xtcp_net *xnet)
{
	struct xtcp_port_net *pn = &xnet->ports;
	struct xtcp_port *p, *tmp;
	LIST_HEAD(dead);

	lockdep_assert_held(&pn->lock);
	spin_lock_bh(&pn->dying_lock);
	list_splice_init(&pn->dying, &dead);
	spin_unlock_bh(&pn->dying_lock);

	list_for_each_entry_safe(p, tmp, &dead, dying)
		port_free(xnet, p);
}

static void reap_work(struct work_struct *work)
{
	struct xtcp_net *xnet = container_of(work, struct xtcp_net, ports.reap);

	mutex_lock(&xnet->ports.lock);
	reap_locked(xnet);
	mutex_unlock(&xnet->ports.lock);
}

/* The work may have taken the list already: then its mutex is waited for. */
void xtcp_port_settle(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);

	if (likely(!atomic_read(&xnet->ports.unsettled)))
		return;
	mutex_lock(&xnet->ports.lock);
	reap_locked(xnet);
	mutex_unlock(&xnet->ports.lock);
}

/* --- bind ------------------------------------------------------------------ */

static bool key_equal(const struct xtcp_port_key *a, const struct xtcp_port_key *b)
{
	return a->num == b->num && a->dev == b->dev &&
	       a->version == b->version && a->v6only == b->v6only &&
	       xtcp_addr_equal(&a->addr, &b->addr);
}

static struct xtcp_port *port_find(struct xtcp_port_net *pn,
				   const struct xtcp_port_key *key)
{
	struct xtcp_port *p;

	if (!pn->table)
		return NULL;
	hlist_for_each_entry(p, chain_of(pn, key->num), chain)
		if (key_equal(&p->key, key))
			return p;
	return NULL;
}

/* The kernel's rule for two sockets on one address; all others are judged by
 * the kernel, between the shadows.
 */
static bool may_share(const struct xtcp_port *p, const struct sock *sk)
{
	if (p->reuse && sk->sk_reuse && !p->listening)
		return true;
	return p->reuseport && sk->sk_reuseport &&
	       uid_eq(p->uid, READ_ONCE(sk->sk_uid));
}

/* -EAGAIN: its last reference has just gone. */
static int port_share(struct xtcp_port *p, const struct sock *sk)
{
	if (!may_share(p, sk))
		return refcount_read(&p->ref) ? -EADDRINUSE : -EAGAIN;
	if (!refcount_inc_not_zero(&p->ref))
		return -EAGAIN;
	p->reuse = p->reuse && sk->sk_reuse;
	p->reuseport = p->reuseport && sk->sk_reuseport;
	return 0;
}

static struct xtcp_port *port_create(struct xtcp_net *xnet, struct sock *sk,
				     struct xtcp_port_key *key)
{
	struct xtcp_port *p;
	int err;

	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return ERR_PTR(-ENOMEM);
	err = xtcp_port_table_get(xnet);
	if (err)
		goto no_table;
	err = shadow_join(&xnet->ports, sk, key, &p->shadow);
	if (err)
		goto no_shadow;

	p->key = *key;
	p->net = sock_net(sk);
	p->uid = READ_ONCE(sk->sk_uid);
	p->reuse = sk->sk_reuse;
	p->reuseport = sk->sk_reuseport;
	refcount_set(&p->ref, 1);
	table_add(&xnet->ports, p);
	return p;

no_shadow:
	xtcp_port_table_put(xnet);
no_table:
	kfree(p);
	return ERR_PTR(err);
}

static struct xtcp_port *port_bind_locked(struct xtcp_net *xnet, struct sock *sk,
					  struct xtcp_port_key *key)
{
	struct xtcp_port *p;
	int err;

	do {
		reap_locked(xnet);
		p = key->num ? port_find(&xnet->ports, key) : NULL;
		if (!p)
			return port_create(xnet, sk, key);
		err = xtcp_shadow_permits(sk, key) ?: port_share(p, sk);
	} while (err == -EAGAIN);
	return err ? ERR_PTR(err) : p;
}

int xtcp_port_bind(struct xtcp_sock *xs, const struct xtcp_addr *addr, u16 port)
{
	struct sock *sk = xtcp_sock_sk(xs);
	struct xtcp_net *xnet = xtcp_net(sock_net(sk));
	struct xtcp_port_key key = {
		.addr		= *addr,
		.dev		= sk->sk_bound_dev_if,
		.num		= port,
		.version	= xs->version,
		.v6only		= sk->sk_ipv6only && xtcp_addr_is_any6(addr),
	};
	struct xtcp_port *p;

	sock_owned_by_me(sk);
	if (xs->port)
		return -EINVAL;

	mutex_lock(&xnet->ports.lock);
	p = port_bind_locked(xnet, sk, &key);
	mutex_unlock(&xnet->ports.lock);
	if (IS_ERR(p))
		return PTR_ERR(p);

	xs->port = p;
	xs->bound = 1;
	xs->inet.inet_num = p->key.num;
	xs->inet.inet_sport = htons(p->key.num);
	return 0;
}

/* --- listen ------------------------------------------------------------------ */

/* Beside who listens on the same binding: one of his own kind.  (A device that was set
 * after bind() makes no difference here: it would get what is meant for him.)
 */
static bool may_listen(const struct xtcp_port *p, const struct sock *sk)
{
	return !p->listening || (p->reuseport && sk->sk_reuseport &&
				 uid_eq(p->uid, READ_ONCE(sk->sk_uid)));
}

int xtcp_port_listen_ask(struct xtcp_port *p, const struct sock *sk)
{
	struct xtcp_port_net *pn = &xtcp_net(p->net)->ports;
	int err = 0;

	mutex_lock(&pn->lock);
	if (!may_listen(p, sk))
		err = -EADDRINUSE;
	else if (!p->listening)
		err = shadow_step(pn, p, xtcp_shadow_ask);
	mutex_unlock(&pn->lock);
	return err;
}

int xtcp_port_listen(struct xtcp_port *p, const struct sock *sk)
{
	struct xtcp_port_net *pn = &xtcp_net(p->net)->ports;
	int err = 0;

	mutex_lock(&pn->lock);
	if (!may_listen(p, sk))
		err = -EADDRINUSE;
	else if (!p->listening)
		err = shadow_step(pn, p, xtcp_shadow_listen);
	if (!err)
		p->listening++;
	mutex_unlock(&pn->lock);
	return err;
}

/* What was set after bind() counts, too, as long as nobody else relies on what was
 * said then.
 */
void xtcp_port_reuse_changed(struct xtcp_sock *xs)
{
	struct sock *sk = xtcp_sock_sk(xs);
	struct xtcp_port_net *pn = &xtcp_net(sock_net(sk))->ports;
	struct xtcp_port *p = xs->port;

	sock_owned_by_me(sk);
	if (!p)
		return;
	mutex_lock(&pn->lock);
	if (refcount_read(&p->ref) == 1) {
		p->reuse = sk->sk_reuse;
		p->reuseport = sk->sk_reuseport;
		lock_sock(p->shadow->sk);
		p->shadow->sk->sk_reuse = sk->sk_reuse;
		release_sock(p->shadow->sk);
	}
	mutex_unlock(&pn->lock);
}

/* A listening socket that is shut down keeps its port.  Somebody may have done
 * so before us (ss -K): the error says only that.
 */
void xtcp_port_unlisten(struct xtcp_port *p)
{
	struct xtcp_port_net *pn = &xtcp_net(p->net)->ports;

	mutex_lock(&pn->lock);
	if (!WARN_ON_ONCE(!p->listening) && !--p->listening)
		kernel_sock_shutdown(p->shadow, SHUT_RDWR);
	mutex_unlock(&pn->lock);
}

/* --- life -------------------------------------------------------------------- */

int xtcp_port_net_init(struct net *net)
{
	struct xtcp_port_net *pn = &xtcp_net(net)->ports;

	mutex_init(&pn->lock);
	spin_lock_init(&pn->dying_lock);
	INIT_LIST_HEAD(&pn->dying);
	INIT_WORK(&pn->reap, reap_work);
	xtcp_lease_net_init(net);
	return 0;
}

bool xtcp_port_net_used(const struct net *net)
{
	return READ_ONCE(xtcp_net(net)->ports.uses);
}

/* What held references is gone, and with it the last of them was put: that queued
 * the work under dying_lock, which reap_locked() takes; there is no other to come.
 */
void xtcp_port_net_exit(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);

	xtcp_lease_net_exit(net);
	mutex_lock(&xnet->ports.lock);
	reap_locked(xnet);
	WARN_ON_ONCE(xnet->ports.uses);
	mutex_unlock(&xnet->ports.lock);
	cancel_work_sync(&xnet->ports.reap);
}
