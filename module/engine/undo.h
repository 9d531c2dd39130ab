/* SPDX-License-Identifier: GPL-2.0 */
/* undo.h - was the reduction a mistake?
 *
 * Eifel (RFC 3522, response RFC 4015): an echo that is older than our first
 * retransmission.  D-SACK (RFC 2883, 3708): every retransmission arrived twice.
 * Lock: the socket's.
 */
#ifndef XTCP_ENGINE_UNDO_H
#define XTCP_ENGINE_UNDO_H

#include "conn/mib.h"

struct xtcp_ack;
struct xtcp_segment;
struct xtcp_sock;

/* A reduction is about to be made that may be taken back. */
void xtcp_undo_begin(struct xtcp_sock *xs);
/* What advanced SND.UNA was sent before any retransmission. */
bool xtcp_undo_delayed(const struct xtcp_sock *xs, const struct xtcp_segment *seg);
/* No retransmission was needed, by D-SACK. */
bool xtcp_undo_dsacked(const struct xtcp_sock *xs);
/* Either, and there is something to take back. */
bool xtcp_undo_may(const struct xtcp_sock *xs, const struct xtcp_segment *seg);
/* Windows as before; @why is counted.  The state is the caller's. */
void xtcp_undo(struct xtcp_sock *xs, enum xtcp_mib_item why);

#endif
