/* SPDX-License-Identifier: GPL-2.0 */
/* connect.h - connect(): addresses, waiting, and connect(AF_UNSPEC). */
#ifndef XTCP_SOCKET_CONNECT_H
#define XTCP_SOCKET_CONNECT_H

#include <linux/socket.h>

struct socket;

int xtcp_connect(struct socket *sock, struct xtcp_compat_sockaddr *uaddr, int len,
		 int flags);
/* Abort what there is: an unconnected socket again.  Socket locked. */
void xtcp_disconnect(struct socket *sock);

#endif
