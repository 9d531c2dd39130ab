/* SPDX-License-Identifier: GPL-2.0 */
/* shadow.h - a socket of the kernel's TCP that holds a port for us.
 *
 * Bound as an xtcp socket wants to be, and listening while one does, it makes the
 * kernel answer for us: is the port free, may this user have it.  It never sees
 * a segment.  Process context, in that of the caller whose rights are meant; its
 * socket lock is taken here.  Errors are the kernel's.
 */
#ifndef XTCP_CONN_SHADOW_H
#define XTCP_CONN_SHADOW_H

#include <linux/types.h>

struct sock;
struct socket;
struct xtcp_port_key;

/* Binds as @from would be, and fills key->num if that is 0. */
int xtcp_shadow_create(struct sock *from, struct xtcp_port_key *key,
		       bool reuseport, struct socket **res);
/* Who shares a shadow has not made one: would he have been allowed to?  Whether there
 * is a conflict is not the question here. */
int xtcp_shadow_permits(struct sock *from, const struct xtcp_port_key *key);
/* After SO_REUSEPORT was allowed for a moment: nobody comes in by it any more. */
void xtcp_shadow_closes_door(struct sock *sk);
/* What the kernel asks when a socket is about to listen; and listen. */
int xtcp_shadow_ask(struct socket *shadow);
int xtcp_shadow_listen(struct socket *shadow);

#endif
