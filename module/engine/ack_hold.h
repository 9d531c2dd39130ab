/* SPDX-License-Identifier: GPL-2.0 */
/* ack_hold.h - the ACKs of what comes out of order: not one for each segment.
 *
 * The first three behind a hole go at once (RFC 5681 4.2: the peer's fast
 * retransmit), then one ACK tells of up to net.xtcp.comp_sack_nr segments, held
 * for a twentieth of the round trip or net.xtcp.comp_sack_delay_ns at most.
 * SACK tells what came meanwhile.  As Linux has it.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_ACK_HOLD_H
#define XTCP_ENGINE_ACK_HOLD_H

#include <linux/types.h>

struct xtcp_sock;

/* A segment came behind a hole: true, its ACK waits for the alarm. */
bool xtcp_ack_holds(struct xtcp_sock *xs);
/* An ACK left, on whatever. */
void xtcp_ack_hold_sent(struct xtcp_sock *xs);
/* It has waited long enough. */
void xtcp_ack_hold_run(struct xtcp_sock *xs);
void xtcp_ack_hold_stop(struct xtcp_sock *xs);

#endif
