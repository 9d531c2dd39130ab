/* SPDX-License-Identifier: GPL-2.0 */
/* recvmsg.h - recv(2) and its kin (RFC 9293 3.10.3). */
#ifndef XTCP_SOCKET_RECVMSG_H
#define XTCP_SOCKET_RECVMSG_H

#include <linux/types.h>

struct msghdr;
struct sock;
struct socket;

int xtcp_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags);

#endif
