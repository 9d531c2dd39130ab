/* SPDX-License-Identifier: GPL-2.0 */
/* ingress.h - in front of the kernel's TCP: is this segment ours?
 *
 * Handlers are copies of *inet_protos[6] and *inet6_protos[6] with our handler and
 * err_handler, put in by cmpxchg with the first port of the machine and out
 * with the last (xtcp_ingress_get/_put, declared in conn/port.h; process
 * context).  What is not ours goes on to the kernel's handler untouched.
 */
#ifndef XTCP_NET_INGRESS_H
#define XTCP_NET_INGRESS_H

#include <linux/skbuff.h>

int xtcp_ingress_init(void);
void xtcp_ingress_exit(void);

/* The kernel's handler of the same version (ingress.c saved it). */
int xtcp_ingress_pass(struct sk_buff *skb, bool v4);

#endif
