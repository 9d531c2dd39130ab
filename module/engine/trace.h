/* SPDX-License-Identifier: GPL-2.0 */
/* trace.h - tracepoints, system xtcp: what a program asked for and what
 * became of it, one event a step.
 *
 * All print key=value.  Addresses are IPv6, IPv4 ones mapped.  An event with
 * a socket takes it locked, or not yet known to anybody else.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xtcp

#if !defined(XTCP_ENGINE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define XTCP_ENGINE_TRACE_H

#include "proto/addr.h"
#include "proto/drop.h"

#include <linux/tracepoint.h>
#include <net/net_namespace.h>

struct sock;

#ifndef XTCP_TRACE_HELPERS
#define XTCP_TRACE_HELPERS
/* What a socket's events show besides the event (trace.c). */
struct xtcp_trace_sock {
	struct xtcp_tuple tuple;	/* peer all 0 without one */
	u8	version;
	u8	state;
	u16	mss;
	u8	snd_wscale, rcv_wscale;
	bool	sack, ts;
	int	rcvbuf, sndbuf;
};

void xtcp_trace_sock_get(struct xtcp_trace_sock *ts, const struct sock *sk);
#endif

/* Names of numbers, also for tools that read the format file */
#define XTCP_TRACE_ENUM(sym, name, text) TRACE_DEFINE_ENUM(XTCP_DROP_##sym);
TRACE_DEFINE_ENUM(XTCP_DROP_NONE);
xtcp_drop_reasons(XTCP_TRACE_ENUM)
#undef XTCP_TRACE_ENUM

#define XTCP_TRACE_DROP(sym, name, text) { XTCP_DROP_##sym, name },
#define xtcp_trace_drop(why)						\
	__print_symbolic(why, xtcp_drop_reasons(XTCP_TRACE_DROP)	\
			 { XTCP_DROP_NONE, "None" })

#define xtcp_trace_state(state)						\
	__print_symbolic(state,						\
		{ 1,  "ESTABLISHED" }, { 2,  "SYN_SENT" },		\
		{ 3,  "SYN_RECV" },    { 4,  "FIN_WAIT1" },		\
		{ 5,  "FIN_WAIT2" },   { 6,  "TIME_WAIT" },		\
		{ 7,  "CLOSE" },       { 8,  "CLOSE_WAIT" },		\
		{ 9,  "LAST_ACK" },    { 10, "LISTEN" },		\
		{ 11, "CLOSING" })

#define xtcp_trace_timer_mode(mode)					\
	__print_symbolic(mode,						\
		{ 0, "none" }, { 1, "rto" }, { 2, "probe" },		\
		{ 3, "reorder" }, { 4, "persist" }, { 5, "syn" })

/* Where: four fields, their assignment from a tuple, their text */
#define XTCP_TRACE_FIELDS						\
		__array(__u8, laddr, 16)				\
		__array(__u8, raddr, 16)				\
		__field(__u16, lport)					\
		__field(__u16, rport)

#define XTCP_TRACE_TUPLE(t)						\
		memcpy(__entry->laddr, &(t)->laddr, 16);		\
		memcpy(__entry->raddr, &(t)->raddr, 16);		\
		__entry->lport = ntohs((t)->lport);			\
		__entry->rport = ntohs((t)->rport)

#define XTCP_TRACE_SOCK(sk)						\
		struct xtcp_trace_sock ts;				\
									\
		xtcp_trace_sock_get(&ts, sk);				\
		__entry->sk = sk;					\
		XTCP_TRACE_TUPLE(&ts.tuple)

#define XTCP_TRACE_FMT	"local=[%pI6c]:%u remote=[%pI6c]:%u"
#define XTCP_TRACE_ARGS	__entry->laddr, __entry->lport,			\
			__entry->raddr, __entry->rport

/* --- sockets --------------------------------------------------------- */

TRACE_EVENT(xtcp_socket,
	TP_PROTO(const struct sock *sk),
	TP_ARGS(sk),
	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(__u8, version)
		__field(__u8, state)
		__field(int, rcvbuf)
		__field(int, sndbuf)
	),
	TP_fast_assign(
		struct xtcp_trace_sock ts;

		xtcp_trace_sock_get(&ts, sk);
		__entry->sk = sk;
		__entry->version = ts.version;
		__entry->state = ts.state;
		__entry->rcvbuf = ts.rcvbuf;
		__entry->sndbuf = ts.sndbuf;
	),
	TP_printk("sk=%p version=%u state=%s rcvbuf=%d sndbuf=%d",
		  __entry->sk, __entry->version,
		  xtcp_trace_state(__entry->state),
		  __entry->rcvbuf, __entry->sndbuf)
);

TRACE_EVENT(xtcp_bind,
	TP_PROTO(const struct sock *sk, int err),
	TP_ARGS(sk, err),
	TP_STRUCT__entry(
		__field(const void *, sk)
		XTCP_TRACE_FIELDS
		__field(int, err)
	),
	TP_fast_assign(
		XTCP_TRACE_SOCK(sk);
		__entry->err = err;
	),
	TP_printk("sk=%p local=[%pI6c]:%u err=%d", __entry->sk,
		  __entry->laddr, __entry->lport, __entry->err)
);

TRACE_EVENT(xtcp_connect,
	TP_PROTO(const struct sock *sk, int err),
	TP_ARGS(sk, err),
	TP_STRUCT__entry(
		__field(const void *, sk)
		XTCP_TRACE_FIELDS
		__field(int, err)
	),
	TP_fast_assign(
		XTCP_TRACE_SOCK(sk);
		__entry->err = err;
	),
	TP_printk("sk=%p local=[%pI6c]:%u remote=[%pI6c]:%u err=%d", __entry->sk,
		  __entry->laddr, __entry->lport, __entry->raddr, __entry->rport,
		  __entry->err)
);

TRACE_EVENT(xtcp_listen,
	TP_PROTO(const struct sock *sk, int backlog, u32 syn_max,
		 u32 accept_max),
	TP_ARGS(sk, backlog, syn_max, accept_max),
	TP_STRUCT__entry(
		__field(const void *, sk)
		XTCP_TRACE_FIELDS
		__field(int, backlog)
		__field(__u32, syn_max)
		__field(__u32, accept_max)
	),
	TP_fast_assign(
		XTCP_TRACE_SOCK(sk);
		__entry->backlog = backlog;
		__entry->syn_max = syn_max;
		__entry->accept_max = accept_max;
	),
	TP_printk("sk=%p local=[%pI6c]:%u backlog=%d syn_max=%u accept_max=%u",
		  __entry->sk, __entry->laddr, __entry->lport,
		  __entry->backlog, __entry->syn_max, __entry->accept_max)
);

/* A connection from the accept queue: what a new socket was given */
TRACE_EVENT(xtcp_child,
	TP_PROTO(const struct sock *sk, u32 accept_len),
	TP_ARGS(sk, accept_len),
	TP_STRUCT__entry(
		__field(const void *, sk)
		XTCP_TRACE_FIELDS
		__field(__u32, accept_len)
		__field(int, rcvbuf)
		__field(int, sndbuf)
		__field(__u16, mss)
		__field(__u8, snd_wscale)
		__field(__u8, rcv_wscale)
		__field(bool, sack)
		__field(bool, ts)
	),
	TP_fast_assign(
		XTCP_TRACE_SOCK(sk);
		__entry->accept_len = accept_len;
		__entry->rcvbuf = ts.rcvbuf;
		__entry->sndbuf = ts.sndbuf;
		__entry->mss = ts.mss;
		__entry->snd_wscale = ts.snd_wscale;
		__entry->rcv_wscale = ts.rcv_wscale;
		__entry->sack = ts.sack;
		__entry->ts = ts.ts;
	),
	TP_printk("sk=%p " XTCP_TRACE_FMT " accept_len=%u rcvbuf=%d sndbuf=%d mss=%u snd_wscale=%u rcv_wscale=%u sack=%d ts=%d",
		  __entry->sk, XTCP_TRACE_ARGS, __entry->accept_len,
		  __entry->rcvbuf, __entry->sndbuf, __entry->mss,
		  __entry->snd_wscale, __entry->rcv_wscale,
		  __entry->sack, __entry->ts)
);

TRACE_EVENT(xtcp_accept,
	TP_PROTO(const struct sock *lsk, const struct sock *sk,
		 u32 accept_len),
	TP_ARGS(lsk, sk, accept_len),
	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(const void *, lsk)
		XTCP_TRACE_FIELDS
		__field(__u32, accept_len)
	),
	TP_fast_assign(
		XTCP_TRACE_SOCK(sk);
		__entry->lsk = lsk;
		__entry->accept_len = accept_len;
	),
	TP_printk("listener=%p sk=%p " XTCP_TRACE_FMT " accept_len=%u",
		  __entry->lsk, __entry->sk, XTCP_TRACE_ARGS,
		  __entry->accept_len)
);

TRACE_EVENT(xtcp_fd,
	TP_PROTO(const struct sock *sk, int fd),
	TP_ARGS(sk, fd),
	TP_STRUCT__entry(
		__field(const void *, sk)
		XTCP_TRACE_FIELDS
		__field(int, fd)
	),
	TP_fast_assign(
		XTCP_TRACE_SOCK(sk);
		__entry->fd = fd;
	),
	TP_printk("sk=%p fd=%d " XTCP_TRACE_FMT,
		  __entry->sk, __entry->fd, XTCP_TRACE_ARGS)
);

TRACE_EVENT(xtcp_state,
	TP_PROTO(const struct sock *sk, int from, int to),
	TP_ARGS(sk, from, to),
	TP_STRUCT__entry(
		__field(const void *, sk)
		XTCP_TRACE_FIELDS
		__field(int, from)
		__field(int, to)
	),
	TP_fast_assign(
		XTCP_TRACE_SOCK(sk);
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("sk=%p " XTCP_TRACE_FMT " from=%s to=%s",
		  __entry->sk, XTCP_TRACE_ARGS,
		  xtcp_trace_state(__entry->from),
		  xtcp_trace_state(__entry->to))
);

TRACE_EVENT(xtcp_close,
	TP_PROTO(const struct sock *sk),
	TP_ARGS(sk),
	TP_STRUCT__entry(
		__field(const void *, sk)
		XTCP_TRACE_FIELDS
		__field(__u8, state)
	),
	TP_fast_assign(
		XTCP_TRACE_SOCK(sk);
		__entry->state = ts.state;
	),
	TP_printk("sk=%p " XTCP_TRACE_FMT " state=%s",
		  __entry->sk, XTCP_TRACE_ARGS,
		  xtcp_trace_state(__entry->state))
);

TRACE_EVENT(xtcp_retransmit,
	TP_PROTO(const struct sock *sk, u32 seq, u32 len, int err),
	TP_ARGS(sk, seq, len, err),
	TP_STRUCT__entry(
		__field(const void *, sk)
		XTCP_TRACE_FIELDS
		__field(__u32, seq)
		__field(__u32, len)
		__field(int, err)
	),
	TP_fast_assign(
		XTCP_TRACE_SOCK(sk);
		__entry->seq = seq;
		__entry->len = len;
		__entry->err = err;
	),
	TP_printk("sk=%p " XTCP_TRACE_FMT " seq=%u len=%u err=%d",
		  __entry->sk, XTCP_TRACE_ARGS, __entry->seq, __entry->len,
		  __entry->err)
);

TRACE_EVENT(xtcp_timer,
	TP_PROTO(const struct sock *sk, int mode),
	TP_ARGS(sk, mode),
	TP_STRUCT__entry(
		__field(const void *, sk)
		XTCP_TRACE_FIELDS
		__field(int, mode)
	),
	TP_fast_assign(
		XTCP_TRACE_SOCK(sk);
		__entry->mode = mode;
	),
	TP_printk("sk=%p " XTCP_TRACE_FMT " mode=%s",
		  __entry->sk, XTCP_TRACE_ARGS,
		  xtcp_trace_timer_mode(__entry->mode))
);

/* --- segments -------------------------------------------------------- */

TRACE_EVENT(xtcp_syn,
	TP_PROTO(const struct net *net, const struct xtcp_tuple *t,
		 u32 syn_len, u32 syn_max, enum xtcp_drop verdict),
	TP_ARGS(net, t, syn_len, syn_max, verdict),
	TP_STRUCT__entry(
		__field(__u32, netns)
		XTCP_TRACE_FIELDS
		__field(__u32, len)
		__field(__u32, max)
		__field(int, verdict)
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		XTCP_TRACE_TUPLE(t);
		__entry->len = syn_len;
		__entry->max = syn_max;
		__entry->verdict = verdict;
	),
	TP_printk("netns=%u " XTCP_TRACE_FMT " syn_len=%u syn_max=%u drop=%s",
		  __entry->netns, XTCP_TRACE_ARGS, __entry->len,
		  __entry->max, xtcp_trace_drop(__entry->verdict))
);

TRACE_EVENT(xtcp_synack,
	TP_PROTO(const struct net *net, const struct xtcp_tuple *t,
		 u8 retries, u8 flags, u32 iss, u16 mss),
	TP_ARGS(net, t, retries, flags, iss, mss),
	TP_STRUCT__entry(
		__field(__u32, netns)
		XTCP_TRACE_FIELDS
		__field(__u8, retries)
		__field(__u8, flags)
		__field(__u32, iss)
		__field(__u16, mss)
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		XTCP_TRACE_TUPLE(t);
		__entry->retries = retries;
		__entry->flags = flags;
		__entry->iss = iss;
		__entry->mss = mss;
	),
	/* flags: XTCP_HALF_* of queue/synq.h */
	TP_printk("netns=%u " XTCP_TRACE_FMT " retries=%u iss=%u mss=%u options=%s",
		  __entry->netns, XTCP_TRACE_ARGS, __entry->retries,
		  __entry->iss, __entry->mss,
		  __print_flags(__entry->flags, "|",
				{ 0x01, "ts" }, { 0x02, "sack" },
				{ 0x04, "wscale" }, { 0x08, "ecn" },
				{ 0x10, "acked" }, { 0x20, "cookie" }))
);

/* The ACK that ends a handshake */
TRACE_EVENT(xtcp_ack,
	TP_PROTO(const struct net *net, const struct xtcp_tuple *t,
		 u32 accept_len, u32 accept_max, enum xtcp_drop verdict),
	TP_ARGS(net, t, accept_len, accept_max, verdict),
	TP_STRUCT__entry(
		__field(__u32, netns)
		XTCP_TRACE_FIELDS
		__field(__u32, len)
		__field(__u32, max)
		__field(int, verdict)
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		XTCP_TRACE_TUPLE(t);
		__entry->len = accept_len;
		__entry->max = accept_max;
		__entry->verdict = verdict;
	),
	TP_printk("netns=%u " XTCP_TRACE_FMT " accept_len=%u accept_max=%u drop=%s",
		  __entry->netns, XTCP_TRACE_ARGS, __entry->len,
		  __entry->max, xtcp_trace_drop(__entry->verdict))
);

TRACE_EVENT(xtcp_drop,
	TP_PROTO(const struct net *net, const struct xtcp_tuple *t,
		 enum xtcp_drop why),
	TP_ARGS(net, t, why),
	TP_STRUCT__entry(
		__field(__u32, netns)
		XTCP_TRACE_FIELDS
		__field(int, why)
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		XTCP_TRACE_TUPLE(t);
		__entry->why = why;
	),
	TP_printk("netns=%u " XTCP_TRACE_FMT " drop=%s", __entry->netns,
		  XTCP_TRACE_ARGS, xtcp_trace_drop(__entry->why))
);

TRACE_EVENT(xtcp_rst,
	TP_PROTO(const struct net *net, const struct xtcp_tuple *t, bool sent),
	TP_ARGS(net, t, sent),
	TP_STRUCT__entry(
		__field(__u32, netns)
		XTCP_TRACE_FIELDS
		__field(bool, sent)
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		XTCP_TRACE_TUPLE(t);
		__entry->sent = sent;
	),
	TP_printk("netns=%u " XTCP_TRACE_FMT " dir=%s", __entry->netns,
		  XTCP_TRACE_ARGS, __entry->sent ? "out" : "in")
);

#endif /* XTCP_ENGINE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH engine
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
