/* SPDX-License-Identifier: GPL-2.0 */
/* proc.h - /proc/net/xtcp/: listen, snmp, netstat, sockstat, tcp, tcp6.
 *
 * listen is ours (design.md section 6); the others have the layout of the
 * kernel's files of that name, so that the same tools read them.
 */
#ifndef XTCP_WATCH_PROC_H
#define XTCP_WATCH_PROC_H

struct net;

int xtcp_proc_net_init(struct net *net);
void xtcp_proc_net_exit(struct net *net);

#endif
