/* SPDX-License-Identifier: GPL-2.0 */
/* cong.h - how much may be in the network: the state every congestion control
 * shares, the events it hears, and the table of algorithms.
 *
 * The engine reports events; only this room, engine/recovery.c (which spreads a
 * reduction by PRR) and engine/mtu_probe.c write cwnd.  Windows count packets of one MSS,
 * as TCP_INFO does.  Owner: the connection, under its lock.
 */
#ifndef _XTCP_CONTROL_CONG_H
#define _XTCP_CONTROL_CONG_H

#include <linux/types.h>

struct module;
struct xtcp_cong;
struct xtcp_rate_sample;

#define XTCP_CONG_NAME_MAX	16	/* with the final 0, TCP_CONGESTION */
#define XTCP_SSTHRESH_INF	0x7fffffffU
#define XTCP_CWND_MIN		2U	/* RFC 5681 (4): ssthresh >= 2 */
#define XTCP_CWND_MAX		0x7fffffU

/* tcpi_ca_state */
enum xtcp_ca_state {
	XTCP_CA_OPEN		= 0,
	XTCP_CA_DISORDER	= 1,	/* duplicate ACKs, nothing lost yet */
	XTCP_CA_CWR		= 2,	/* reducing without loss: ECN */
	XTCP_CA_RECOVERY	= 3,	/* fast recovery */
	XTCP_CA_LOSS		= 4,	/* after a timeout */
};

/* One ACK of new data, as congestion control sees it. */
struct xtcp_cong_ack {
	u64	now_us;
	u32	acked;			/* packets newly acknowledged */
	u32	flight;			/* packets in flight before it */
	u32	pipe;			/* after it */
	u32	snd_una;		/* after it */
	u32	snd_nxt;
	u32	rtt_us;			/* sample of this ACK, 0: none */
	u32	srtt_us;		/* smoothed, not shifted; 0: none */
	u32	min_rtt_us;		/* or XTCP_MIN_RTT_NONE */
	/* in slow start alone */
	bool	paced;			/* what was sent left spread out */
	u32	gso_max;		/* bytes of the largest super-packet */
	u64	rate;			/* bytes per s we would pace at, 0: unknown */
	/* for cong_control alone */
	u32	delivered;		/* C.delivered, packets ever delivered */
	u32	lost;			/* packets ever marked lost */
	u32	edt_us;			/* from now to when pacing lets go on */
	bool	maybe_delayed;		/* one small packet: a delayed ACK? */
};

/* One burst that left, for congestion window validation. */
struct xtcp_cong_tx {
	u64	now_us;
	u32	flight;			/* packets in flight after it */
	u32	snd_una;
	u32	snd_nxt;
	u32	rto_us;
	bool	limited;		/* cwnd is what stopped it */
};

#define XTCP_CONG_NEEDS_ECN	0x1
#define XTCP_CONG_NON_RESTRICTED 0x2	/* no CAP_NET_ADMIN to choose it */
#define XTCP_CONG_NEEDS_PACING	0x4	/* bursts would break it */

/**
 * struct xtcp_cong_ops - a congestion control algorithm
 * @name:	as in TCP_CONGESTION
 * @owner:	module that must stay while a connection uses it
 * @flags:	XTCP_CONG_*; allowed_congestion_control changes NON_RESTRICTED
 * @init:	c->priv is zero, c->cwnd is valid; optional
 * @release:	the last call for this connection; optional
 * @ssthresh:	congestion was found: remember, return the new ssthresh
 * @cong_avoid:	an ACK in OPEN, DISORDER or LOSS may raise cwnd
 * @set_state:	before c->state changes; optional
 * @tx_start:	data leaves after nothing was in flight; optional
 * @undo_cwnd:	the last reduction was wrong: return cwnd; optional
 * @pkts_acked:	every ACK of new data, in any state; optional
 * @cong_control: owns cwnd and pacing alone instead of cong_avoid, and hears
 *		every ACK of what is in flight; optional
 * @min_tso_segs: a super-packet has so many segments at least; optional, 2
 * @get_info:	fill buf for INET_DIAG/TCP_CC_INFO, return its length; optional
 * @next:	the registry's
 *
 * Called under the connection's lock, maybe in softirq: never sleeps.
 */
struct xtcp_cong_ops {
	char		name[XTCP_CONG_NAME_MAX];
	struct module	*owner;
	u32		flags;

	void (*init)(struct xtcp_cong *c);
	void (*release)(struct xtcp_cong *c);
	u32 (*ssthresh)(struct xtcp_cong *c);
	void (*cong_avoid)(struct xtcp_cong *c, const struct xtcp_cong_ack *a);
	void (*set_state)(struct xtcp_cong *c, enum xtcp_ca_state state);
	void (*tx_start)(struct xtcp_cong *c, u64 now_us, bool app_limited);
	u32 (*undo_cwnd)(struct xtcp_cong *c);
	void (*pkts_acked)(struct xtcp_cong *c, const struct xtcp_cong_ack *a);
	void (*cong_control)(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
			     const struct xtcp_rate_sample *rs);
	u32 (*min_tso_segs)(const struct xtcp_cong *c);
	size_t (*get_info)(const struct xtcp_cong *c, void *buf, size_t len);

	struct xtcp_cong_ops *next;	/* registry */
};

struct xtcp_cong {
	u32	cwnd;
	u32	ssthresh;		/* XTCP_SSTHRESH_INF until a loss */
	u32	cwnd_cnt;		/* ACKed since cwnd was raised */
	u32	cwnd_clamp;		/* TCP_WINDOW_CLAMP, route metric */
	u32	init_cwnd;		/* IW, RFC 6928 */
	u32	prior_cwnd;		/* before the last reduction; 0: none */
	u32	prior_ssthresh;
	/* validation, RFC 2861 */
	u32	max_flight;		/* most in flight in this round */
	u32	round_end;		/* SND.NXT when the round began */
	u32	used;			/* most in flight since used_us */
	u8	state;			/* enum xtcp_ca_state */
	bool	chosen;			/* by TCP_CONGESTION, not by the default */
	bool	limited:1;		/* cwnd stopped us in this round */
	bool	after_idle:1;		/* slow start after idle is on */
	bool	locked:1;		/* the route chose, and insists */
	bool	self_limited:1;		/* cong_control holds back: rates are low */
	u32	mss;			/* of a packet; the engine keeps it */
	u64	used_us;		/* when cwnd was last full */
	u64	sent_us;		/* when data last left */
	u64	pacing_rate;		/* bytes per s from cong_control, or 0 */
	const struct xtcp_cong_ops *ops; /* we hold a reference */
	u64	priv[13];		/* of ops; see xtcp_cong_priv() */
};

#define xtcp_cong_priv(c)	((void *)(c)->priv)
#define XTCP_CONG_PRIV_SIZE	(13 * sizeof(u64))

/* --- life; c takes over the caller's reference on ops ----------------- */
void xtcp_cong_init(struct xtcp_cong *c, const struct xtcp_cong_ops *ops,
		    u32 init_cwnd);
/* A child of a listener: same algorithm, own reference, new state.  Under RCU;
 * from is not locked.  What c held before is overwritten, not released.
 */
void xtcp_cong_clone(struct xtcp_cong *c, const struct xtcp_cong *from,
		     u32 init_cwnd);
/* A new connection on a socket that had one: same algorithm, new state */
void xtcp_cong_restart(struct xtcp_cong *c, u32 init_cwnd);
void xtcp_cong_exit(struct xtcp_cong *c);
/* The handshake is over: IW (RFC 6928), 1 if it had to be repeated (RFC 5681) */
void xtcp_cong_established(struct xtcp_cong *c, u32 init_cwnd, bool lost);
/* TCP_CONGESTION on a living connection: windows stay */
void xtcp_cong_switch(struct xtcp_cong *c, const struct xtcp_cong_ops *ops);

/* --- events ------------------------------------------------------------ */
/* New data was acknowledged.  rs may be NULL for all but cong_control. */
void xtcp_cong_ack(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
		   const struct xtcp_rate_sample *rs);
/* About to send new data and nothing is in flight (RFC 5681 4.1) */
void xtcp_cong_tx_start(struct xtcp_cong *c, u32 rto_us, u64 now_us,
			bool app_limited);
void xtcp_cong_sent(struct xtcp_cong *c, const struct xtcp_cong_tx *tx);

void xtcp_cong_set_state(struct xtcp_cong *c, enum xtcp_ca_state state);
/* Fast recovery begins; cwnd is left to PRR, which ends at ssthresh */
void xtcp_cong_enter_recovery(struct xtcp_cong *c);
/* ECE: the same reduction without loss */
void xtcp_cong_enter_cwr(struct xtcp_cong *c);
/* Retransmission timeout: room for one packet beyond the pipe, which is what
 * is still thought to be in the network.  again: ssthresh was already reduced
 * for this data and stays (RFC 5681 3.1).
 */
void xtcp_cong_timeout(struct xtcp_cong *c, u32 pipe, bool again);
/* CWR, recovery or loss is over: OPEN; the first two end at ssthresh */
void xtcp_cong_complete(struct xtcp_cong *c, u64 now_us);
/* The reduction was spurious: windows as before it (RFC 4015).  The state is
 * the caller's.  Nothing to undo after enter_cwr(): marks are not spurious.
 */
void xtcp_cong_undo(struct xtcp_cong *c);

/* Segments were of @from bytes and are of @to: as many bytes in flight as before */
void xtcp_cong_resized(struct xtcp_cong *c, u32 from, u32 to);

/* --- questions --------------------------------------------------------- */
static inline bool xtcp_cong_in_slow_start(const struct xtcp_cong *c)
{
	return c->cwnd < c->ssthresh;
}

/* Was the window used well enough to grow?  RFC 7661 4.2 */
bool xtcp_cong_is_limited(const struct xtcp_cong *c);
/* Bytes per second to pace at; ratios in percent (200, 120), 0 if unknown.  out:
 * packets sent and not acknowledged, more than cwnd after a reduction
 */
u64 xtcp_cong_pacing_rate(const struct xtcp_cong *c, u32 out, u32 srtt_us,
			  u32 ss_ratio, u32 ca_ratio);

/* --- for algorithms ---------------------------------------------------- */
/* Raise cwnd by acked up to ssthresh; returns what is left of acked */
u32 xtcp_cong_slow_start(struct xtcp_cong *c, u32 acked);
/* Raise cwnd by 1 for every w acked */
void xtcp_cong_ai(struct xtcp_cong *c, u32 w, u32 acked);

/* --- registry; own lock ------------------------------------------------- */
/* A module's: from its init and exit.  -EEXIST, -EINVAL */
int xtcp_cong_register(struct xtcp_cong_ops *ops);
void xtcp_cong_unregister(struct xtcp_cong_ops *ops);
/* NULL, or with a reference that xtcp_cong_put() returns */
const struct xtcp_cong_ops *xtcp_cong_find(const char *name);
/* The same, of the first for which match(ops, arg) is true */
const struct xtcp_cong_ops *
xtcp_cong_match(bool (*match)(const struct xtcp_cong_ops *ops, u32 arg), u32 arg);
void xtcp_cong_put(const struct xtcp_cong_ops *ops);
/* Exactly these names, with blanks between, need no CAP_NET_ADMIN; -ENOENT: one
 * does not exist, nothing was changed.
 */
int xtcp_cong_allow(const char *names);
/* Besides what is allowed: a namespace's default */
void xtcp_cong_allow_too(const char *name);
/* Names with blanks between, 0-terminated; only those with all of flags */
size_t xtcp_cong_names(char *buf, size_t len, u32 flags);

#endif /* _XTCP_CONTROL_CONG_H */
