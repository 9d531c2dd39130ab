/* SPDX-License-Identifier: GPL-2.0 */
/* lease.h - ports for connect() without bind(): RFC 6056, algorithm 4 with random
 * steps.
 *
 * A namespace that connects leases a block, the upper quarter of
 * ip_local_port_range, by entering it into the local reserved ports: the kernel's
 * own choice skips them.  Ports that the administrator had reserved are not
 * ours.  No kernel socket stands for a connection; that the 4-tuple is free is
 * seen by putting the flow into the table.
 *
 * The lease is a struct xtcp_port without a shadow: who uses a port of it holds a
 * reference, as for any binding.  It goes when nobody has had one for a while.
 */
#ifndef XTCP_CONN_LEASE_H
#define XTCP_CONN_LEASE_H

#include <linux/types.h>

struct net;
struct xtcp_sock;
struct xtcp_tuple;

/* Take the 4-tuple, 0 or -EADDRNOTAVAIL: try the next.  Anything else ends it. */
typedef int (*xtcp_lease_claim_fn)(struct xtcp_sock *xs,
				   const struct xtcp_tuple *t);

/* Socket locked, unbound, process context.  Fills t->lport with a port that @claim
 * took; xs->port holds a reference.  -EADDRNOTAVAIL: all are in use (or there is
 * no block to be had: the range is too small). */
int xtcp_lease_choose(struct xtcp_sock *xs, struct xtcp_tuple *t,
		      xtcp_lease_claim_fn claim);

void xtcp_lease_net_init(struct net *net);
void xtcp_lease_net_exit(struct net *net);

#endif
