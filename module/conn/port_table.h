/* SPDX-License-Identifier: GPL-2.0 */
/* port_table.h - what port.c (bindings) and lease.c (the block of connect())
 * share; nobody else includes it.
 */
#ifndef XTCP_CONN_PORT_TABLE_H
#define XTCP_CONN_PORT_TABLE_H

#include "conn/port.h"

#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/uidgid.h>

struct socket;
struct xtcp_net;

/* One binding and its shadow, or (no shadow, key.num 0) a lease.
 *
 * References: a socket's (xs->port), a child's, a TIME-WAIT entry's.  The last
 * put moves it to the dying list and leaves the rest to the reap work, or to
 * the next bind(), whichever comes first.
 */
struct xtcp_port {
	struct xtcp_port_key	key;		/* constant */
	refcount_t		ref;		/* to 0 under dying_lock */
	struct net		*net;		/* not counted */
	struct socket		*shadow;	/* constant */
	kuid_t			uid;		/* constant: who made it */
	unsigned int		listening;	/* sockets; ports.lock */
	bool			reuse;		/* all who shared it; ports.lock */
	bool			reuseport;	/* likewise */
	struct hlist_node	chain;		/* of its number; ports.lock */
	struct list_head	dying;		/* dying_lock */
};

#define XTCP_PORTS	65536
#define XTCP_CHAINS	256

/* A namespace has one while it has ports. Bits first: readers know only them. */
struct xtcp_port_table {
	unsigned long		bits[BITS_TO_LONGS(XTCP_PORTS)];
	struct hlist_head	chain[XTCP_CHAINS];
};

/* All under ports.lock: the table and the receive hook, for one more user. */
int xtcp_port_table_get(struct xtcp_net *xnet);
void xtcp_port_table_put(struct xtcp_net *xnet);
/* Clear the bit of @num unless somebody has that number. */
void xtcp_port_bit_drop(struct xtcp_port_net *pn, u16 num);

/* lease.c: is @num in the block?  ports.lock */
bool xtcp_lease_covers(const struct xtcp_port_net *pn, u16 num);

#endif
