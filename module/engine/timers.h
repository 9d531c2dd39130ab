/* SPDX-License-Identifier: GPL-2.0 */
/* timers.h - what happened, told to the timers.
 *
 * Callers never arm or stop a timer: RFC 6298 (5.1)-(5.7), RFC 8985 sections 7
 * and 6.3, the persist, delayed-ACK, keepalive, linger and TIME-WAIT rules all
 * live in timers.c.  A connection has one kernel timer and three
 * deadlines: retransmit class (one mode at a time), delayed ACK, keepalive class.
 * Context: socket locked, or BH with the socket not owned by user.
 */
#ifndef XTCP_ENGINE_TIMERS_H
#define XTCP_ENGINE_TIMERS_H

#include "conn/clock.h"

struct xtcp_sock;

enum xtcp_timer_mode {
	XTCP_TIMER_NONE,
	XTCP_TIMER_RTO,
	XTCP_TIMER_PROBE,		/* TLP */
	XTCP_TIMER_REORDER,		/* RACK */
	XTCP_TIMER_PERSIST,		/* zero window */
	XTCP_TIMER_SYN,			/* SYN, or SYN-ACK of a simultaneous open */
};

struct xtcp_timers {
	struct xtcp_timer	timer;
	u64			rexmit_at;	/* 0: off; protocol us */
	u64			delack_at;
	u64			keep_at;	/* keepalive, FIN-WAIT-2, orphan */
	u64			first_fail_us;	/* first RTO or probe unanswered since progress */
	u8			mode;		/* enum xtcp_timer_mode of rexmit_at */
	u8			retransmits;	/* RTOs since progress */
	u8			probes_out;	/* persist or keepalive, unanswered */
	bool			reverted;	/* RFC 6069 took some off retransmits */
};

void xtcp_timers_init(struct xtcp_sock *xs);
void xtcp_timers_stop(struct xtcp_sock *xs);
void xtcp_timers_reset(struct xtcp_sock *xs);	/* stopped: nothing has failed yet */

void xtcp_timers_syn_sent(struct xtcp_sock *xs, u64 now);	/* for the first time */
void xtcp_timers_syn_soon(struct xtcp_sock *xs, u64 now);	/* again, very soon */
void xtcp_timers_data_sent(struct xtcp_sock *xs, u64 now);	/* (5.1), PTO */
void xtcp_timers_una_advanced(struct xtcp_sock *xs, u64 now);	/* (5.2) (5.3) */
void xtcp_timers_disorder(struct xtcp_sock *xs, u64 now);	/* no tail probe */
/* The head is out again, long after it was first (RFC 6298 5.1). */
void xtcp_timers_head_resent(struct xtcp_sock *xs, u64 now);
/* The receiver took a SACK back; or its ACKs were overtaken: wait a little. */
void xtcp_timers_reneged(struct xtcp_sock *xs, u64 now);
/* ICMP: what timed out last did not get there for want of a path (RFC 6069). */
void xtcp_timers_no_path(struct xtcp_sock *xs);
void xtcp_timers_reorder_wait(struct xtcp_sock *xs, u32 wait_us, u64 now);
void xtcp_timers_held(struct xtcp_sock *xs);	/* persist, cork, SWS, no memory */
void xtcp_timers_window_open(struct xtcp_sock *xs);
void xtcp_timers_ack_owed(struct xtcp_sock *xs, u64 now);	/* delayed ACK */
void xtcp_timers_ack_failed(struct xtcp_sock *xs, u64 now);	/* no memory */
void xtcp_timers_ack_sent(struct xtcp_sock *xs);
void xtcp_timers_segment_heard(struct xtcp_sock *xs);	/* keepalive */
void xtcp_timers_established(struct xtcp_sock *xs);
void xtcp_timers_keepalive_set(struct xtcp_sock *xs, bool on);	/* SO_KEEPALIVE and TCP_KEEP* */
void xtcp_timers_fin_wait_2(struct xtcp_sock *xs, u32 timeout_ms);
/* The kernel timer fired while the user had the lock: from release_cb. */
void xtcp_timers_keep_expired(struct xtcp_sock *xs, u64 now);	/* keepalive.c */
void xtcp_timers_run(struct xtcp_sock *xs);

#endif
