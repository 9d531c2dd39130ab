/* SPDX-License-Identifier: GPL-2.0 */
/* errqueue.h - MSG_ERRQUEUE: time stamps, and pages that came back. */
#ifndef XTCP_SOCKET_ERRQUEUE_H
#define XTCP_SOCKET_ERRQUEUE_H

struct msghdr;
struct sock;

/* One report: bytes of the packet it is about (mostly none), or -EAGAIN. */
int xtcp_recv_errqueue(struct sock *sk, struct msghdr *msg, int len);

#endif
