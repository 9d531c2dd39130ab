// SPDX-License-Identifier: GPL-2.0
/* trace.c - where the tracepoints are made */
#include "engine/sock.h"

#define CREATE_TRACE_POINTS
#include "engine/trace.h"

void xtcp_trace_sock_get(struct xtcp_trace_sock *ts, const struct sock *sk)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	const struct inet_sock *inet = inet_sk(sk);

	memset(ts, 0, sizeof(*ts));
	ts->version = xs->version;
	ts->state = READ_ONCE(xs->state);
	ts->rcvbuf = READ_ONCE(sk->sk_rcvbuf);
	ts->sndbuf = READ_ONCE(sk->sk_sndbuf);
	ts->mss = xs->snd.mss;
	ts->snd_wscale = xs->neg.snd_wscale;
	ts->rcv_wscale = xs->neg.rcv_wscale;
	ts->sack = xs->neg.sack;
	ts->ts = xs->neg.ts;

	if (xs->flow.tuple.rport) {
		ts->tuple = xs->flow.tuple;
		return;
	}
	if (xs->version == 4)
		xtcp_addr_set_v4(&ts->tuple.laddr, inet->inet_rcv_saddr);
	else
		xtcp_addr_set_v6(&ts->tuple.laddr, &sk->sk_v6_rcv_saddr);
	ts->tuple.lport = inet->inet_sport;
}
