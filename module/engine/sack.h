/* SPDX-License-Identifier: GPL-2.0 */
/* sack.h - the sender's scoreboard: RFC 2018, D-SACK RFC 2883.
 *
 * Marks skbs of the send queue; decides nothing.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_SACK_H
#define XTCP_ENGINE_SACK_H

struct xtcp_ack;
struct xtcp_segment;
struct xtcp_sock;

void xtcp_sack_rcv(struct xtcp_sock *xs, const struct xtcp_segment *seg,
		   struct xtcp_ack *ack);
/* All marks go: the receiver is not to be believed (RFC 2018 section 8). */
void xtcp_sack_forget(struct xtcp_sock *xs);

#endif
