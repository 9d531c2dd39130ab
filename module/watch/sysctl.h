/* SPDX-License-Identifier: GPL-2.0 */
/* sysctl.h - net.xtcp.*, per namespace: the kernel's names without tcp_.
 *
 * What is written lands in struct xtcp_params (conn/netns.h), which is all that
 * the engine reads.
 */
#ifndef XTCP_WATCH_SYSCTL_H
#define XTCP_WATCH_SYSCTL_H

struct net;

int xtcp_sysctl_net_init(struct net *net);
void xtcp_sysctl_net_exit(struct net *net);

#endif
