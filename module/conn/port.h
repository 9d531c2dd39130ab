/* SPDX-License-Identifier: GPL-2.0 */
/* port.h - one port space with the kernel's TCP.
 *
 * A struct xtcp_port is one binding (net, version, v6only, address, port,
 * device). It owns a shadow: a kernel TCP socket bound to the same, made in the
 * caller's context so that capability, cgroup and LSM checks are the kernel's.
 * While an xtcp socket listens on it, the shadow listens too (so the kernel
 * cannot, and ss -ltn shows the port). Sockets that share it by SO_REUSEADDR or
 * SO_REUSEPORT, their children and TIME-WAIT entries hold references; the last
 * put, which may come in softirq, releases the shadow from a work item.
 * close() does not return before that (xtcp_port_settle()): a program may bind
 * the port again at once, on either stack.
 * Refcounts are the only thing touched in softirq; all else is process context
 * under the namespace's mutex.
 *
 * The bitmap (one bit a port, all addresses) is the test on the receive path.
 * A bit stands from bind until the last reference is gone.
 */
#ifndef XTCP_CONN_PORT_H
#define XTCP_CONN_PORT_H

#include "proto/addr.h"

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct net;
struct sk_buff;
struct sock;
struct xtcp_port;
struct xtcp_sock;

struct xtcp_lease;
struct xtcp_port_table;

struct xtcp_port_net {
	struct mutex		lock;		/* inside a socket's lock */
	struct xtcp_port_table	*table;		/* bits and chains, or NULL; lock */
	struct list_head	dying;		/* struct xtcp_port; dying_lock */
	spinlock_t		dying_lock;	/* BH */
	atomic_t		unsettled;	/* without references, not freed yet */
	struct work_struct	reap;
	struct xtcp_lease __rcu	*lease;		/* of connect(), or NULL; lock */
	struct delayed_work	lease_idle;
	unsigned int		uses;		/* ports in the table; lock */
};

/* What is bound; constant. */
struct xtcp_port_key {
	struct xtcp_addr	addr;		/* any4 and any6 differ */
	int			dev;		/* sk_bound_dev_if at bind() */
	u16			num;		/* host order */
	u8			version;	/* 4 or 6: the socket's */
	bool			v6only;		/* of the any6 address only */
};

/* bind(): port in host order, 0 lets the kernel choose an ephemeral one.  Socket
 * locked, process context. Sets xs->port, bound, inet_num, inet_sport. Errors are the
 * kernel's bind errors (EADDRINUSE, EACCES, EADDRNOTAVAIL...).
 * SO_REUSEADDR/SO_REUSEPORT of the xtcp socket decide sharing as in the kernel:
 * both reuse and none listening, or both reuseport and same user; with a socket of
 * the kernel's TCP, by SO_REUSEADDR alone. */
int xtcp_port_bind(struct xtcp_sock *xs, const struct xtcp_addr *addr, u16 port);
void xtcp_port_get(struct xtcp_port *p);
void xtcp_port_put(struct xtcp_port *p);	/* any context but hard interrupts */
/* What has no reference any more is free when this returns.  Process context. */
void xtcp_port_settle(struct net *net);
const struct xtcp_port_key *xtcp_port_key(const struct xtcp_port *p);

/* listen(): asked first, then the listener is in the table, then the shadow listens;
 * at the end the shadow stops first. Counted. EADDRINUSE when somebody listens
 * there, or (the second) was faster. */
int xtcp_port_listen_ask(struct xtcp_port *p, const struct sock *sk);
int xtcp_port_listen(struct xtcp_port *p, const struct sock *sk);
void xtcp_port_unlisten(struct xtcp_port *p);
/* SO_REUSEADDR or SO_REUSEPORT may have changed since bind().  Socket locked. */
void xtcp_port_reuse_changed(struct xtcp_sock *xs);

/* Receive path: is this port of ours at all? RCU read lock held. */
bool xtcp_port_ours(const struct net *net, __be16 port);
/* Does this namespace have any? */
bool xtcp_port_any(const struct net *net);
/* Is this socket (skb->sk) one of our shadows? */
bool xtcp_port_is_shadow(const struct sock *sk);

int xtcp_port_net_init(struct net *net);
/* After a grace period and the RCU callbacks of all that held ports, if there are any. */
bool xtcp_port_net_used(const struct net *net);
void xtcp_port_net_exit(struct net *net);

/* Told by port.c, done by net/ingress.c: first and last port of the machine. */
int xtcp_ingress_get(void);
void xtcp_ingress_put(void);

#endif
