/* SPDX-License-Identifier: GPL-2.0 */
/* sock.h - struct xtcp_sock: one socket, made of the sub-objects of all rooms.
 *
 * What protects what
 *
 *   field                     written                       read
 *   inet (generic part)       as net/core says              as net/core says
 *   flow                      before publish                RCU, constant after
 *   ip, neg                   before publish                RCU, constant after
 *   pinfo                     socket lock                   socket lock; IP output
 *   state                     engine/state.c, socket lock   lockless by READ_ONCE
 *   lst                       listen() and its end,         socket lock, or RCU
 *                             socket lock                   (rcu_dereference)
 *   port                      bind(), destroy; socket lock  socket lock, or own ref
 *   acceptq_node              acceptq->lock                 acceptq->lock
 *   deferred                  atomic bits                   release_cb, socket lock
 *   all else                  socket lock                   socket lock
 *
 * "Socket lock": lock_sock(), or bh_lock_sock() with the socket not owned by
 * user.  Order: a listener's lock, then a child's (never the other way); then
 * shard and acked_lock; accept queue; flow bucket; TIME-WAIT queue: each of
 * these innermost of its own.
 *
 * References (sk_refcnt): one of whoever made the socket, which is struct
 * socket's while there is one (a child's: the accept queue's until accept());
 * one of the flow table; one of an armed timer; one while it stands on a
 * tasklet's list; one of each lookup in progress.  xtcp_state_done() takes it
 * out of the table and stops the timers; the last put runs
 * xtcp_sock_destruct().
 *
 * Every way to die: close() of an unconnected socket; the last handshake step of
 * closing (to TIME-WAIT, or from LAST-ACK); RST in or out; time-out; an orphan
 * whose time is up; a listener's end, for children nobody accepted. All go
 * through xtcp_state_done().
 */
#ifndef XTCP_ENGINE_SOCK_H
#define XTCP_ENGINE_SOCK_H

#include "conn/flow.h"
#include "conn/netns.h"
#include "control/cong.h"
#include "control/rate.h"
#include "control/rtt.h"
#include "engine/ack_hold.h"
#include "engine/chrono.h"
#include "engine/ecn.h"
#include "engine/mtu_probe.h"
#include "engine/pacing.h"
#include "engine/rack.h"
#include "engine/recovery.h"
#include "engine/timers.h"
#include "engine/urg.h"
#include "engine/window.h"
#include "engine/ip_ops.h"
#include "proto/proto.h"
#include "queue/rcvq.h"
#include "queue/reasm.h"
#include "queue/sndq.h"

#include <linux/ipv6.h>
#include <net/inet_sock.h>
#include <net/sock.h>

struct xtcp_listener;
struct xtcp_port;
struct xtcp_saved_syn;

/* An ipv6_pinfo that a listener and its children share, read-only while shared:
 * xtcp_pinfo_own() gives a socket that sets an option its own copy. */
struct xtcp_pinfo {
	struct ipv6_pinfo	ip6;	/* inet.pinet6 points here */
	refcount_t		ref;
	struct rcu_head		rcu;
};

/* What the handshake agreed on. */
struct xtcp_neg {
	u16	mss_peer;		/* the peer's MSS option, or the default */
	u16	mss_advertised;		/* ours */
	u8	snd_wscale;		/* Snd.Wind.Shift, RFC 7323 */
	u8	rcv_wscale;		/* Rcv.Wind.Shift */
	bool	ts:1;			/* timestamps */
	bool	sack:1;
	bool	wscale:1;
	bool	ecn:1;
	/* a SYN of ours: what it says */
	bool	offer_ts:1;
	bool	offer_sack:1;
	bool	offer_wscale:1;
	u8	wscale_offered;
};

/* RFC 7323 section 4. */
struct xtcp_ts {
	u32	recent;			/* TS.Recent */
	u32	recent_stamp;		/* seconds of protocol time when it was set */
	u32	last_ack_sent;		/* Last.ACK.sent */
	u32	offset;			/* added to our clock in TSval */
};

/* What the program asked for (socket/sockopt.c writes). */
struct xtcp_opts {
	u8	nodelay:1;		/* TCP_NODELAY */
	u8	cork:1;			/* TCP_CORK */
	u8	quickack:1;		/* TCP_QUICKACK pending or standing */
	u8	inq:1;			/* TCP_INQ */
	u8	linger2_off:1;		/* TCP_LINGER2 < 0: no FIN-WAIT-2 as orphan */
	u8	recv_ip:1;		/* keep received TOS and TTL (IP_RECVTOS) */
	u8	syn_retries;		/* TCP_SYNCNT, 0: sysctl */
	u8	defer_accept;		/* TCP_DEFER_ACCEPT, in SYN-ACKs */
	u8	save_syn;		/* TCP_SAVE_SYN: 1, 2 with the link's header */
	u8	keep_probes;
	s8	synq_policy;		/* XTCP_SYNQ_*, -1: sysctl; read lockless */
	s8	acceptq_policy;		/* XTCP_ACCEPTQ_*, -1: sysctl */
	u16	user_mss;		/* TCP_MAXSEG */
	u32	user_timeout_ms;	/* TCP_USER_TIMEOUT */
	u32	notsent_lowat;		/* TCP_NOTSENT_LOWAT, 0: sysctl */
	u32	window_clamp;		/* TCP_WINDOW_CLAMP */
	u32	keep_idle_s, keep_intvl_s;	/* 0: sysctl */
	u32	linger2_s;		/* 0: sysctl fin_timeout */
};

/* A child's way to accept(), for XTCP_ACCEPT_INFO; protocol time, 0: was not. */
struct xtcp_origin {
	u64	syn_us, ack_us, queued_us, accept_us;
	u32	ahead;			/* accept queue length on entering it */
	u8	synack_retrans;
	u8	flags;			/* XTCP_ACCEPT_* */
};

/* Free-running, for TCP_INFO. */
struct xtcp_stats {
	u64	bytes_acked, bytes_received, bytes_sent, bytes_retrans;
	u32	segs_in, segs_out, data_segs_in, data_segs_out;
	u32	total_retrans, dsack_dups, reord_seen, rcv_ooopack;
	u32	total_rto, total_rto_recoveries;
	u64	total_rto_us, rto_since_us;	/* in LOSS; since when, or 0 */
	u64	last_data_sent_us, last_data_recv_us, last_ack_recv_us;
};

/* xs->deferred */
enum {
	/* what release_cb has to do, in this order */
	XTCP_DEFER_TIMER,		/* the timer fired while the user had the lock */
	XTCP_DEFER_PMTU,		/* the path's MTU changed */
	XTCP_DEFER_ACK,			/* an ACK has waited long enough */
	XTCP_DEFER_TX,			/* room below: push the send queue */
	XTCP_DEFER_WAKE,		/* the send buffer may have room */
	XTCP_DEFER_WORKS,
	/* where it stands */
	XTCP_DEFER_THROTTLED = XTCP_DEFER_WORKS, /* waits for room below (output.c) */
	XTCP_DEFER_QUEUED,		/* on a CPU's tasklet list */
};

#define XTCP_DEFER_WORK	(BIT(XTCP_DEFER_WORKS) - 1)

struct xtcp_sock {
	struct inet_sock	inet;	/* must be first: the IP output path reads it */
	struct xtcp_flow	flow;	/* node of the flow table, key */
	/* set before publish, then constant */
	const struct xtcp_ip_ops *ip;	/* of what is on the wire */
	const struct xtcp_params *params; /* the namespace's */
	struct xtcp_pinfo	*pinfo;	/* counted */
	struct xtcp_neg		neg;

	u8			version; /* 4 or 6: the socket's, fixes its sockaddrs */
	u8			state;	/* enum xtcp_state; state.c only */
	u8			bound:1, /* has a port */
				fin_queued:1, /* FIN stands in sndq or was sent */
				fin_sent:1, /* FIN is before SND.NXT */
				more:1,	   /* this push: more will follow */
				orphan:1,  /* counted as one */
				in_table:1, /* flow table */
				room:1,	   /* this segment freed some of the send queue */
				done:1;	   /* xtcp_state_done() ran */
	struct xtcp_opts	opt;

	struct xtcp_snd		snd;
	struct xtcp_rcv		rcv;
	struct xtcp_ts		ts;
	struct xtcp_sndq	sndq;
	struct xtcp_rcvq	rcvq;
	struct xtcp_reasm	reasm;
	struct xtcp_rtt		rtt;
	struct xtcp_rate	rate;
	struct xtcp_rack	rack;
	struct xtcp_recovery	recovery;
	struct xtcp_urg		urg;
	struct xtcp_cong	cong;
	struct xtcp_ecn		ecn;
	struct xtcp_mtu_probe	mtu_probe;
	struct xtcp_timers	timers;
	struct xtcp_pacing	pacing;
	struct xtcp_stats	stats;
	struct xtcp_chrono	chrono;
	struct xtcp_origin	origin;
	u64			oow_us;	/* last answer to an empty segment out of window */

	u8			rcv_tos, rcv_ttl; /* of the last data, if opt.recv_ip */
	u8			hold_dups;	/* ack_hold.c: ACKs sent at once for a hole */
	u8			hold_segs;	/* the next ACK tells of, and one more */
	u32			dst_cookie;	/* of sk_dst_cache */
	u32			mtu_info;	/* from ICMP, for XTCP_DEFER_PMTU */
	u32			hold_nxt;	/* RCV.NXT of that hole */
	unsigned long		deferred;	/* XTCP_DEFER_* */
	struct xtcp_alarm	*hold_alarm;	/* ack_hold.c */
	struct list_head	defer_node;	/* on a CPU's tasklet list */
	struct list_head	acceptq_node;	/* of the listener, until accept() */
	struct xtcp_saved_syn	*saved_syn;	/* for TCP_SAVED_SYN, or NULL */
	struct xtcp_port	*port;		/* counted, or NULL */
	struct xtcp_listener __rcu *lst;	/* listeners only */
};

static inline struct xtcp_sock *xtcp_sk(const struct sock *sk)
{
	return (struct xtcp_sock *)sk;
}

static inline struct sock *xtcp_sock_sk(struct xtcp_sock *xs)
{
	return &xs->inet.sk;
}

static inline struct xtcp_sock *xtcp_sock_of(struct xtcp_flow *f)
{
	return container_of(f, struct xtcp_sock, flow);
}

/* TCP_NOTSENT_LOWAT: so many bytes may wait for their turn. */
static inline u32 xtcp_output_lowat(const struct xtcp_sock *xs)
{
	return READ_ONCE(xs->opt.notsent_lowat) ?:
	       (u32)READ_ONCE(xs->params->notsent_lowat);
}

/* For a child: the listener may get another one (xtcp_pinfo_own()) at any time.
 * RCU; inet.pinet6 must be set from what this returns.
 */
static inline struct xtcp_pinfo *xtcp_pinfo_get(const struct xtcp_sock *lsk)
{
	struct xtcp_pinfo *p;

	do {
		p = READ_ONCE(lsk->pinfo);
	} while (!refcount_inc_not_zero(&p->ref));
	return p;
}

/* The generic part of a connected socket: addresses and ports as net/core, IP output
 * and ss know them. */
void xtcp_sock_set_names(struct sock *sk, const struct xtcp_tuple *t);

/* No sample yet; the limits are the namespace's. */
void xtcp_sock_rtt_init(struct xtcp_sock *xs);

/* memory.c: the slab and memory accounting. sk_prot of every socket. */
extern struct proto xtcp_prot;
/* af_xtcp.c: sk_destruct of every socket. */
void xtcp_sock_destruct(struct sock *sk);

#endif
