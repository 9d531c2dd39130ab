/* SPDX-License-Identifier: GPL-2.0 */
/* rtt.h - round-trip time and retransmission timeout, RFC 6298.
 *
 * Who took a sample decides whether it is unambiguous (Karn, RFC 6298 3); here
 * every sample counts.  Owner: the connection, under its lock.
 */
#ifndef _XTCP_CONTROL_RTT_H
#define _XTCP_CONTROL_RTT_H

#include <linux/types.h>

/* The window of min RTT (RFC 8985 6.2 step 1) is 300 s, in slots of 75 s: a
 * sample is forgotten 225 to 300 s after it was taken.
 */
#define XTCP_MIN_RTT_SLOTS	4
#define XTCP_MIN_RTT_SLOT_US	75000000U
#define XTCP_MIN_RTT_NONE	(~0U)

struct xtcp_min_rtt {
	u32	us;			/* smallest of slot[] */
	u32	now;			/* number of the current slot */
	u32	slot[XTCP_MIN_RTT_SLOTS];
};

struct xtcp_rtt {
	u32	srtt_us;		/* SRTT << 3; 0: no sample yet */
	u32	mdev_us;		/* RTTVAR << 2, of every sample */
	u32	mdev_max_us;		/* its maximum in this round trip */
	u32	rttvar_us;		/* RTTVAR << 2 that RTO is made of */
	u32	rto_us;			/* RTO without backoff */
	u32	rto_min_us;
	u32	rto_max_us;
	u8	backoff;		/* doublings, RFC 6298 5.5 */
	u64	round_end_us;		/* end of the round of mdev_max */
	u64	last_us;		/* when the last sample came */
	u32	last_rtt_us;		/* the last sample */
	struct xtcp_min_rtt min;
};

void xtcp_rtt_init(struct xtcp_rtt *r);
/* Floor and ceiling of RTO: TCP_RTO_MIN_US, TCP_RTO_MAX_MS, route metric */
void xtcp_rtt_set_limits(struct xtcp_rtt *r, u32 min_us, u32 max_us);

/* A valid measurement: updates SRTT, RTTVAR, RTO, min RTT; ends backoff */
void xtcp_rtt_sample(struct xtcp_rtt *r, u32 rtt_us, u64 now_us);

u32 xtcp_rtt_rto(const struct xtcp_rtt *r);	/* with backoff, =< maximum */
void xtcp_rtt_backoff(struct xtcp_rtt *r);	/* timer expired, 5.5 */
void xtcp_rtt_unbackoff(struct xtcp_rtt *r);	/* RFC 6069: take one back */
void xtcp_rtt_backoff_reset(struct xtcp_rtt *r); /* zero-window probe answered */

/* The handshake is over, its SYN or SYN-ACK was resent and gave no sample:
 * data starts with 3 s (RFC 6298 5.7).
 */
void xtcp_rtt_syn_lost(struct xtcp_rtt *r);
/* Many backoffs: SRTT may be bogus, start over with the next (end of 5) */
void xtcp_rtt_forget(struct xtcp_rtt *r);
/* The timeout was spurious; rtt_us is the sample that showed it (RFC 4015) */
void xtcp_rtt_spurious(struct xtcp_rtt *r, u32 rtt_us, u64 now_us);

/* Smallest sample of the window, or XTCP_MIN_RTT_NONE */
static inline u32 xtcp_rtt_min_us(const struct xtcp_rtt *r)
{
	return r->min.us;
}

static inline bool xtcp_rtt_valid(const struct xtcp_rtt *r)
{
	return r->srtt_us != 0;
}

/* SRTT in microseconds, 0 without a sample */
static inline u32 xtcp_rtt_srtt_us(const struct xtcp_rtt *r)
{
	return r->srtt_us >> 3;
}

#endif /* _XTCP_CONTROL_RTT_H */
