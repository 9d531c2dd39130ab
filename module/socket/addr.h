/* SPDX-License-Identifier: GPL-2.0 */
/* addr.h - socket addresses: bind(), getsockname(), getpeername().
 *
 * The socket's version decides the layout.  In, the family may be that
 * version's or AF_XTCP; out, it is AF_INET or AF_INET6.
 */
#ifndef XTCP_SOCKET_ADDR_H
#define XTCP_SOCKET_ADDR_H

#include <linux/socket.h>

struct sock;
struct socket;
struct xtcp_compat_sockaddr;

int xtcp_bind(struct socket *sock, struct xtcp_compat_sockaddr *uaddr, int len);
/* listen() without bind(): a port of the kernel's choice.  Socket locked. */
int xtcp_autobind(struct sock *sk);

/* @peer: 0 own, 1 the peer's if connected, 2 the peer's of accept(). */
int xtcp_getname(struct socket *sock, struct sockaddr *uaddr, int peer);
/* The peer's, no checks.  Returns its length. */
int xtcp_peer_name(const struct sock *sk, struct sockaddr_storage *ss);

#endif
