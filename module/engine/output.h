/* SPDX-License-Identifier: GPL-2.0 */
/* output.h - anything owed: ACK, data, retransmission (RFC 9293 3.7, 3.8).
 *
 * May I send, and how much: window, cwnd, Nagle (Minshall), SWS, pacing, TSO
 * size.  recovery and rack mark, output sends; output never calls input.
 * Lock: the socket's.
 */
#ifndef XTCP_ENGINE_OUTPUT_H
#define XTCP_ENGINE_OUTPUT_H

#include <linux/types.h>

struct dst_entry;
struct sk_buff;
struct sock;
struct xtcp_sock;

/* Send what may go: retransmissions first, then new data. @nagle_off: this push
 * is not to be held by Nagle or cork (shutdown, FIN, probe answer). */
void xtcp_output(struct xtcp_sock *xs, bool nagle_off);
/* End of input processing: data, else the ACK if it is owed now. */
void xtcp_output_after_input(struct xtcp_sock *xs);
/* An ACK is owed: now or later (RFC 9293 3.8.6.3). */
void xtcp_output_ack_owed(struct xtcp_sock *xs, u64 now);
/* The program read: window update if due. */
void xtcp_output_after_read(struct xtcp_sock *xs, u32 copied);
/* sendmsg(): push after copying; @more: MSG_MORE or cork. */
void xtcp_output_push(struct xtcp_sock *xs, bool more);
/* Queue and send the FIN; persists on memory shortage by the timer. */
void xtcp_output_fin(struct xtcp_sock *xs);
/* One segment for the zero-window or loss probe. */
int xtcp_output_probe(struct xtcp_sock *xs);	/* persist: 1 segment or empty */
bool xtcp_output_tail_probe(struct xtcp_sock *xs);	/* TLP (RFC 8985 7.3) */
/* Resend the first unacknowledged segment (RTO). */
int xtcp_output_retransmit_head(struct xtcp_sock *xs);
/* Segment size for the program's bytes: multiple of mss that a super-packet
 * should have now. */
u32 xtcp_output_size_goal(struct xtcp_sock *xs);
/* mss from path MTU, peer's MSS, options: call when any changes. */
void xtcp_output_sync_mss(struct xtcp_sock *xs, u32 pmtu);
/* The peer's largest window grew: mss may. */
void xtcp_output_mss_changed(struct xtcp_sock *xs);
/* Route of the connection, cached and checked; NULL and sk_err_soft if none. */
struct dst_entry *xtcp_output_dst(struct xtcp_sock *xs);
/* Take @dst (and its reference) as that route. */
void xtcp_output_set_dst(struct xtcp_sock *xs, struct dst_entry *dst);
/* Room in the send buffer: wake who waits for it. */
void xtcp_output_room(struct xtcp_sock *xs);

/* Small-queue discipline: sk->sk_write_space of every xtcp socket. May run with
 * a dead refcount, inside our own transmit, or from SO_SNDBUF: sets a bit and
 * leaves the rest to a tasklet. */
void xtcp_write_space(struct sock *sk);
/* XTCP_DEFER_* work is due: do it, or leave it to release_cb if the user has the
 * lock.  BH.  Takes over a reference. */
void xtcp_defer_run(struct xtcp_sock *xs, int what);
/* sk_prot->release_cb: deferred bits, after lock_sock(). */
void xtcp_release_cb(struct sock *sk);
int xtcp_output_init(void);	/* tasklets */
void xtcp_output_exit(void);

#endif
