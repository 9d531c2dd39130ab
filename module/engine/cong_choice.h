/* SPDX-License-Identifier: GPL-2.0 */
/* cong_choice.h - which congestion control a connection runs: that of its route,
 * else what its program (or its listener's) chose by TCP_CONGESTION, else the
 * namespace's net.xtcp.congestion_control.
 */
#ifndef XTCP_ENGINE_CONG_CHOICE_H
#define XTCP_ENGINE_CONG_CHOICE_H

#include "control/cong.h"

struct dst_entry;
struct xtcp_params;
struct xtcp_sock;

/* By name, with a reference; who may load modules (CAP_NET_ADMIN) loads
 * xtcp_cong_NAME if it is not there.  Process context.  NULL: no such.
 */
const struct xtcp_cong_ops *xtcp_cong_choice_find(const char *name);
/* The namespace's default, with a reference: always something. */
const struct xtcp_cong_ops *xtcp_cong_choice_default(const struct xtcp_params *params);
/* A child's: @from is its listener's, not locked.  RCU. */
void xtcp_cong_choice_child(struct xtcp_sock *child, const struct xtcp_cong *from);
/* The handshake is over: what the route says (congctl, initcwnd, a locked cwnd),
 * and IW after @lost retransmissions of SYN or SYN-ACK.
 */
void xtcp_cong_choice_established(struct xtcp_sock *xs, unsigned int lost);
/* TCP_CONGESTION: 0, -ENOENT, -EPERM.  Socket not locked yet. */
int xtcp_cong_choice_set(struct xtcp_sock *xs, const char *name, bool admin);

#endif
