/* SPDX-License-Identifier: GPL-2.0 */
/* state.h - the only writer of a connection's state (RFC 9293 3.3.2).
 *
 * Mirrors it into sk_state, counts, traces, wakes.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_STATE_H
#define XTCP_ENGINE_STATE_H

#include "proto/proto.h"

#include <linux/types.h>

struct sock;
struct xtcp_sock;

void xtcp_state_set(struct xtcp_sock *xs, enum xtcp_state to);

/* Our SYN was acknowledged: ESTABLISHED, and connect() wakes. */
void xtcp_state_established(struct xtcp_sock *xs);
/* The peer's FIN is in order (3.10.7.4 eighth). */
void xtcp_state_fin_rcvd(struct xtcp_sock *xs);
/* Our FIN was acknowledged (3.10.7.4 fifth). May end the socket: the caller looks at
 * xs->done. */
void xtcp_state_fin_acked(struct xtcp_sock *xs);
/* The program shuts its sending side down: states that had none send FIN. True if a
 * FIN is to be queued. */
bool xtcp_state_close_send(struct xtcp_sock *xs);
/* Reset by the peer (3.10.7.4 second): errno for the program, then done. */
void xtcp_state_reset_rcvd(struct xtcp_sock *xs);
/* Give up: @err to the program, no segment. */
void xtcp_state_error(struct xtcp_sock *xs, int err);
/* ABORT: RST if the state wants one (3.10.5), then done. */
void xtcp_state_abort(struct xtcp_sock *xs, int err);
/* TIME-WAIT as a minisock (timewait.c), the full socket done. */
void xtcp_state_time_wait(struct xtcp_sock *xs);
/* Out of all tables, timers stopped, state CLOSE; wakes whoever waits.  Idempotent. */
void xtcp_state_done(struct xtcp_sock *xs);
/* connect(AF_UNSPEC): ABORT, and a socket that may open again. */
void xtcp_state_disconnect(struct xtcp_sock *xs);
/* close(): process context, socket locked, not for listeners.  Linger, unread
 * data (RST, RFC 1122 4.2.2.13), FIN; the socket is an orphan after it, and the
 * caller gives struct socket's reference back. */
void xtcp_state_close(struct sock *sk, long timeout);
/* A timer of an orphan has expired: when orphans or their memory are too many, it goes,
 * with a RST.  True if it went. */
bool xtcp_state_orphan_drop(struct xtcp_sock *xs, u64 now);

#endif
