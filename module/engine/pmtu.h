/* SPDX-License-Identifier: GPL-2.0 */
/* pmtu.h - the path's MTU as the connection sees it (RFC 1191, 8201, 5927).
 *
 * Lock: the socket's.
 */
#ifndef XTCP_ENGINE_PMTU_H
#define XTCP_ENGINE_PMTU_H

#include <linux/types.h>

struct sock;
struct xtcp_sock;

/* ICMP for a connection, locked or deferred: net/icmp.c has checked the sequence
 * number and updated the route. mss goes down; what is queued and larger is cut and
 * sent again at once. */
void xtcp_pmtu_reduced(struct xtcp_sock *xs, u32 mtu);
/* What is in flight and too large (or, with another @until than SND.UNA, ends before
 * it) is lost, and not for congestion: true if there is such. */
bool xtcp_pmtu_resegment(struct xtcp_sock *xs, u32 until);
/* Other ICMP errors for a connection (RFC 1122 4.2.3.9): they end it while it is
 * being opened, and are soft once it is established (RFC 5461), but for a program
 * that wants to see them. */
void xtcp_icmp_error(struct xtcp_sock *xs, int err);
/* Does the program want to hear of soft errors (IP_RECVERR, IPV6_RECVERR)? */
bool xtcp_icmp_wanted(const struct xtcp_sock *xs);

#endif
