/* SPDX-License-Identifier: GPL-2.0 */
/* sendmsg.h - send(2) and its kin (RFC 9293 3.10.2). */
#ifndef XTCP_SOCKET_SENDMSG_H
#define XTCP_SOCKET_SENDMSG_H

#include <linux/types.h>

struct msghdr;
struct socket;

int xtcp_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);

#endif
