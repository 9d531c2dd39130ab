/* SPDX-License-Identifier: GPL-2.0 */
/* recovery.h - how much may be sent while losses are repaired.
 *
 * RFC 5681, 6582 (no SACK), 6675, 9937 (PRR).  Keeps the state and the window;
 * never sends.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_RECOVERY_H
#define XTCP_ENGINE_RECOVERY_H

#include "control/cong.h"		/* the state: cong.state */

#include <linux/types.h>

struct xtcp_ack;
struct xtcp_segment;
struct xtcp_sock;

struct xtcp_recovery {
	u32	dupacks;		/* without SACK: segments they stand for */
	u32	point;			/* RecoveryPoint */
	u32	prr_delivered;		/* RFC 9937, in segments */
	u32	prr_out;
	u32	recover_fs;		/* RecoverFS */
	bool	hold;			/* without SACK: nothing beyond point was acked */
	u8	frto;			/* enum xtcp_frto */
	/* was it all a mistake? (undo.c) */
	bool	undo;			/* a reduction stands that may be taken back */
	bool	retrans;		/* retrans_stamp is valid */
	u32	undo_una;		/* SND.UNA when it was made */
	u32	undo_retrans;		/* retransmitted since, less D-SACKs */
	u32	retrans_stamp;		/* TSval of the first retransmission (RFC 3522) */
};

void xtcp_recovery_init(struct xtcp_recovery *r);
/* What is lost by this ACK, and what of it. */
void xtcp_recovery_ack(struct xtcp_sock *xs, const struct xtcp_segment *seg,
		       struct xtcp_ack *ack);
/* The reordering timer marked something lost. */
void xtcp_recovery_lost(struct xtcp_sock *xs, const struct xtcp_ack *ack);
/* ECE: reduce without marks. */
void xtcp_recovery_cwr(struct xtcp_sock *xs, const struct xtcp_ack *ack);
/* A tail loss probe repaired a loss that nobody else saw. */
void xtcp_recovery_tail_lost(struct xtcp_sock *xs, const struct xtcp_ack *ack);
/* RTO (RFC 6298 5.4, RFC 8985 6.3): what is outstanding is lost, cwnd 1. */
void xtcp_recovery_rto(struct xtcp_sock *xs, u64 now);
/* A segment was sent again or for the first time, at @now. */
void xtcp_recovery_sent(struct xtcp_sock *xs, u32 segs, bool retrans, u64 now);
/* Segments believed in the network (pipe, RFC 6675; FlightSize with no loss). */
u32 xtcp_pipe(const struct xtcp_sock *xs);

#endif
