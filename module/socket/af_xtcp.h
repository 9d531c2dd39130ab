/* SPDX-License-Identifier: GPL-2.0 */
/* af_xtcp.h - the address family: what socket() makes and close() ends.
 *
 * Every system call comes in by xtcp_ops; the files of this room take the
 * socket lock, and the engine below finds it taken.
 */
#ifndef XTCP_SOCKET_AF_XTCP_H
#define XTCP_SOCKET_AF_XTCP_H

#include <linux/net.h>
#include <linux/types.h>

struct sock;
struct xtcp_pinfo;
struct xtcp_sock;

/* Module parameters (main.c): the number of the family, and whether cgroups
 * with programs that cannot see it may use it.
 */
extern int xtcp_family;
extern bool xtcp_cgroup_bypass;

extern const struct proto_ops xtcp_ops;

int xtcp_socket_init(void);
void xtcp_socket_exit(void);

/* Give the port back, for a socket in CLOSE.  Socket locked. */
void xtcp_socket_unbind(struct xtcp_sock *xs);

#endif
