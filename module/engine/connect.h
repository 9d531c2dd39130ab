/* SPDX-License-Identifier: GPL-2.0 */
/* connect.h - active OPEN: CLOSED to SYN-SENT to ESTABLISHED (RFC 9293 3.10.1,
 * 3.10.7.3), by way of SYN-RECEIVED when both ends open at once (figure 8).
 *
 * The SYN is no skb of the send queue: it is made again each time it is sent.
 * Its timer is timers.c's mode SYN.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_CONNECT_H
#define XTCP_ENGINE_CONNECT_H

#include "proto/drop.h"

#include <linux/types.h>

struct sk_buff;
struct xtcp_addr;
struct xtcp_segment;
struct xtcp_sock;

/* Route, source address, port, flow, SYN.  Process context, state CLOSED.  The socket's
 * bound address and port are in it.  -EADDRNOTAVAIL: no 4-tuple is free; else what
 * routing says.  0: SYN-SENT, the rest comes by segments or the timer. */
int xtcp_connect_start(struct xtcp_sock *xs, const struct xtcp_addr *raddr,
		       __be16 rport);
/* A CLOSED socket that may open again: nothing is left of the connection it had. */
void xtcp_connect_reset(struct xtcp_sock *xs);

/* A segment in SYN-SENT.  NONE: established, or SYN-RECEIVED; the SYN is taken off
 * @seg, and what is left of it is for the checks after the fifth. */
enum xtcp_drop xtcp_connect_rcv(struct xtcp_sock *xs,
				struct xtcp_segment *seg, u64 now);
/* Our SYN crossed the peer's: take the SYN off its SYN-ACK, which comes as a
 * second copy of that SYN.  In SYN-RECEIVED. */
void xtcp_connect_crossed(struct xtcp_sock *xs, struct xtcp_segment *seg);
/* Fifth check in SYN-RECEIVED: an acceptable ACK. NONE: ESTABLISHED. */
enum xtcp_drop xtcp_connect_acked(struct xtcp_sock *xs,
				  const struct xtcp_segment *seg, u64 now);
/* The timer: SYN or SYN-ACK again. */
void xtcp_connect_resend(struct xtcp_sock *xs);

#endif
