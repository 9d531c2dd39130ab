/* SPDX-License-Identifier: GPL-2.0 */
/* rate.h - how fast the network delivers,
 * draft-cheng-iccrg-delivery-rate-estimation.
 *
 * Every packet remembers what had been delivered when it left; when it is
 * acknowledged, the difference over the time is a sample of the path's rate.
 * Counts are in packets (MSS-sized segments).  Owner: the connection.
 */
#ifndef _XTCP_CONTROL_RATE_H
#define _XTCP_CONTROL_RATE_H

#include <linux/types.h>

/* In the control block of a sent packet.  Times and the count are cut short:
 * they are only ever subtracted.
 */
struct xtcp_rate_pkt {
	u32	delivered:31;		/* P.delivered */
	u32	app_limited:1;		/* P.is_app_limited */
	u32	delivered_us;		/* P.delivered_time */
	u32	first_tx_us;		/* P.first_sent_time */
};

struct xtcp_rate {
	u32	delivered;		/* C.delivered */
	u32	lost;			/* packets ever marked lost; who marks counts */
	u32	app_limited;		/* C.app_limited: until this delivered */
	u32	first_tx_us;		/* C.first_sent_time */
	u32	delivered_us;		/* C.delivered_time */
	/* best recent sample, for TCP_INFO and pacing */
	u32	rate_delivered;
	u32	rate_interval_us;
	bool	rate_app_limited;
};

/* One ACK.  Zero it, add its packets, generate. */
struct xtcp_rate_sample {
	u32	prior_delivered;	/* P.delivered of the newest packet */
	u32	prior_us;		/* P.delivered_time of it */
	u32	newest_us;		/* when it was sent */
	u32	snd_interval_us;
	u32	rcv_interval_us;
	u32	acked_sacked;		/* packets this ACK delivered */
	u32	losses;			/* packets marked lost on this ACK */
	s32	delivered;		/* in interval_us; -1: no sample */
	s32	interval_us;		/* -1: no sample */
	bool	valid;			/* a packet was seen */
	bool	is_app_limited;
	bool	is_retrans;		/* the newest packet was resent */
	u32	rtt_us;			/* of the newest packet; 0: ambiguous */
};

void xtcp_rate_init(struct xtcp_rate *r);

/* pkt leaves now; flight = packets out before it */
void xtcp_rate_sent(struct xtcp_rate *r, struct xtcp_rate_pkt *pkt,
		    u32 flight, u64 now_us);
/* pkt of `pkts` segments, last sent at sent_us, was SACKed or ACKed: once */
void xtcp_rate_delivered(struct xtcp_rate *r, struct xtcp_rate_sample *rs,
			 const struct xtcp_rate_pkt *pkt, u32 pkts,
			 u64 sent_us, bool retrans);
/* The ACK is done: fill interval and delivered of rs */
void xtcp_rate_generate(struct xtcp_rate *r, struct xtcp_rate_sample *rs,
			u32 lost, u32 min_rtt_us, u64 now_us);
/* The window had room and there was nothing to send */
void xtcp_rate_app_limited(struct xtcp_rate *r, u32 flight);

/* tcpi_delivery_rate: bytes per second, 0 if unknown */
u64 xtcp_rate_bytes(const struct xtcp_rate *r, u32 mss);

#endif /* _XTCP_CONTROL_RATE_H */
