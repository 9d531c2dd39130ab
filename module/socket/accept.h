/* SPDX-License-Identifier: GPL-2.0 */
/* accept.h - connections from the accept queue to a program. */
#ifndef XTCP_SOCKET_ACCEPT_H
#define XTCP_SOCKET_ACCEPT_H

#include <linux/types.h>

struct sock;
struct socket;

/* accept(2): net/socket.c made file and socket and copies the address. */
int xtcp_accept(struct socket *sock, struct socket *newsock, int flags);

/* getsockopt(SOL_XTCP, XTCP_ACCEPT_BATCH): uapi/linux/xtcp.h.  Whatever stops
 * it, no connection is lost and none is handed out twice.
 */
int xtcp_accept_batch(struct socket *sock, char __user *optval,
		      int __user *optlen);

#endif
