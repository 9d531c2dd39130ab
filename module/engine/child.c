// SPDX-License-Identifier: GPL-2.0
#include "engine/child.h"

#include "conn/demux.h"
#include "conn/port.h"
#include "engine/backlog.h"
#include "engine/cong_choice.h"
#include "engine/half_more.h"
#include "engine/listener.h"
#include "engine/output.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "engine/trace.h"
#include "proto/isn.h"
#include "queue/synq.h"

#include <linux/memcontrol.h>

#include <net/ipv6.h>

/* The clone is a copy of the listener to the last byte.  Everything behind the
 * node of struct xtcp_flow that is not set below is zeroed; a new field between
 * inet and flow would escape that.
 */
static_assert(offsetof(struct xtcp_sock, flow) == sizeof(struct inet_sock));

/* What of the listener the child keeps. */
struct inherited {
	const struct xtcp_params *params;
	struct xtcp_opts	opt;
	u8			version;
};

static void reset(struct xtcp_sock *child, const struct inherited *keep)
{
	const size_t from = offsetof(struct xtcp_sock, flow) +
			    sizeof(struct xtcp_flow);

	memset((char *)child + from, 0, sizeof(*child) - from);
	child->params = keep->params;
	child->opt = keep->opt;
	child->opt.defer_accept = 0;	/* of the listener alone */
	child->version = keep->version;
	child->state = XTCP_SYN_RECV;
}

/* mem_cgroup_sk_alloc() is not for modules, and a softirq's is the wrong one. */
static void inherit_memcg(struct sock *sk, const struct sock *lsk)
{
#ifdef CONFIG_MEMCG
	struct mem_cgroup *memcg = READ_ONCE(lsk->sk_memcg);

	if (mem_cgroup_sockets_enabled && memcg && css_tryget(&memcg->css))
		sk->sk_memcg = memcg;
#endif
}

/* The generic part: addresses as net/core, IP output and ss know them. */
static void init_generic(struct sock *sk, const struct xtcp_half *h)
{
	const struct xtcp_tuple *t = &h->flow.tuple;
	struct inet_sock *inet = inet_sk(sk);

	sock_reset_flag(sk, SOCK_RCU_FREE);
	WRITE_ONCE(sk->sk_state, XTCP_SYN_RECV);
	atomic64_set(&sk->sk_cookie, 0);	/* SO_COOKIE: one of its own */
	RCU_INIT_POINTER(sk->sk_rx_dst, NULL);	/* the listener's, once connected */
	sk->sk_frag.page = NULL;
	sk->sk_frag.offset = 0;
	sk->sk_frag.size = 0;
	sk->sk_max_ack_backlog = 0;
	sk->sk_ack_backlog = 0;
	sk->sk_pacing_rate = ~0UL;
	sk->sk_backlog_rcv = xtcp_backlog_rcv;
	sk_set_txhash(sk);

	/* by the VRF or link that the SYN came in by, whatever routes say later */
	if (!sk->sk_bound_dev_if)
		sk->sk_bound_dev_if = h->flow.l3dev;
	if (!sk->sk_bound_dev_if && h->dst &&
	    ipv6_addr_type(&t->raddr.in6) & IPV6_ADDR_LINKLOCAL)
		sk->sk_bound_dev_if = h->dst->dev->ifindex;

	RCU_INIT_POINTER(inet->inet_opt, NULL);
	inet->mc_list = NULL;
	xtcp_sock_set_names(sk, t);
}

static void init_negotiated(struct xtcp_sock *xs, const struct xtcp_half *h)
{
	struct xtcp_neg *neg = &xs->neg;

	neg->mss_peer = h->flow.spare16;
	neg->ts = xtcp_half_is(h, XTCP_HALF_TS);
	neg->sack = xtcp_half_is(h, XTCP_HALF_SACK);
	neg->ecn = xtcp_half_is(h, XTCP_HALF_ECN);
	neg->wscale = xtcp_half_is(h, XTCP_HALF_WSCALE);
	if (neg->wscale) {
		neg->snd_wscale = h->wscale & 0xf;
		neg->rcv_wscale = h->wscale >> 4;
	}
	if (neg->ts)
		xs->ts.recent = h->ts_recent;
	xs->ts.offset = xtcp_ts_offset(&h->flow.tuple,
				       xtcp_net_salt(h->flow.net));
	xs->ts.last_ack_sent = h->irs + 1;
}

/* RFC 9293 3.10.7.2 and 3.3.1: ISS and IRS have been used. */
static void init_sequence(struct xtcp_sock *xs, const struct xtcp_half *h)
{
	xs->snd.iss = h->iss;
	xs->snd.una = h->iss + 1;
	xs->snd.nxt = h->iss + 1;
	xs->snd.sml = h->iss + 1;
	xs->snd.pushed_seq = h->iss + 1;
	xs->snd.wl1 = h->irs;
	xs->snd.wl2 = h->iss + 1;
	xs->snd.wnd = h->wnd;
	xs->snd.max_wnd = h->wnd;
	xs->rcv.irs = h->irs;
	xs->rcv.nxt = h->irs + 1;
}

static void init_engine(struct xtcp_sock *xs, const struct xtcp_sock *lsk)
{
	INIT_LIST_HEAD(&xs->defer_node);
	INIT_LIST_HEAD(&xs->acceptq_node);
	xtcp_sndq_init(&xs->sndq, xs->snd.una);
	xtcp_rcvq_init(&xs->rcvq, xs->rcv.nxt);
	xtcp_reasm_init(&xs->reasm);
	xtcp_sock_rtt_init(xs);
	xtcp_rate_init(&xs->rate);
	xtcp_rack_init(&xs->rack);
	xs->rack.fack = xs->snd.una;
	xtcp_recovery_init(&xs->recovery);
	xtcp_cong_choice_child(xs, &lsk->cong);
	xtcp_timers_init(xs);
}

static void init_path(struct xtcp_sock *xs, struct dst_entry *dst)
{
	xs->ip = xtcp_ip_ops_of(&xs->flow.tuple);
	/* before there is a route, the least that every path takes */
	xtcp_output_sync_mss(xs, xs->ip->min_mtu);
	if (dst && dst_hold_safe(dst))
		xtcp_output_set_dst(xs, dst);
	else
		xtcp_output_dst(xs);
	xs->neg.mss_advertised = clamp_t(u32, xs->snd.pmtu - XTCP_HDR_LEN -
					 xs->ip->header_len,
					 XTCP_MIN_SND_MSS, U16_MAX);
}

struct xtcp_sock *xtcp_child_create(struct xtcp_sock *lsk, struct xtcp_half *h)
{
	const struct inherited keep = {
		.params = lsk->params,
		.opt = lsk->opt,
		.version = lsk->version,
	};
	struct sock *sk = sk_clone_lock(&lsk->inet.sk, GFP_ATOMIC);
	struct xtcp_sock *xs;

	if (!sk)
		return NULL;
	xs = xtcp_sk(sk);
	xtcp_flow_init_as(&xs->flow, XTCP_FLOW_CONN, &h->flow);
	reset(xs, &keep);
	xs->pinfo = xtcp_pinfo_get(lsk);
	xs->inet.pinet6 = &xs->pinfo->ip6;
	inherit_memcg(sk, &lsk->inet.sk);
	init_generic(sk, h);
	xtcp_half_more_child(xs, h->more);
	init_negotiated(xs, h);
	init_sequence(xs, h);
	init_engine(xs, lsk);
	init_path(xs, h->dst);
	if (h->dst)	/* as was said; the window begins by it */
		xs->neg.mss_advertised = xtcp_synack_mss(&lsk->inet.sk, h);
	xtcp_window_init_rcv(xs);
	xs->port = h->lst->port;
	xtcp_port_get(xs->port);
	xs->bound = true;
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, 1);
	return xs;
}

void xtcp_child_discard(struct xtcp_sock *child)
	__releases(&child->inet.sk.sk_lock.slock)
{
	struct sock *sk = &child->inet.sk;

	xtcp_state_done(child);
	sock_orphan(sk);
	bh_unlock_sock(sk);
	sock_put(sk);		/* would have been the flow table's */
	sock_put(sk);		/* and the accept queue's */
}

void xtcp_child_established(struct xtcp_sock *child, u16 wnd, u32 rtt_us, u64 now)
{
	child->snd.wnd = (u32)wnd << child->neg.snd_wscale;
	child->snd.max_wnd = max(child->snd.max_wnd, child->snd.wnd);
	xtcp_output_mss_changed(child);
	if (rtt_us)
		xtcp_rtt_sample(&child->rtt, rtt_us, now);
	else
		xtcp_rtt_syn_lost(&child->rtt);
	child->ts.recent_stamp = div_u64(now, USEC_PER_SEC);
	child->rcv.last_us = now;
	child->rcv.space_us = now;
	child->rate.delivered = 1;	/* the SYN-ACK */
	xtcp_cong_choice_established(child, child->origin.synack_retrans);
	xtcp_pacing_update(child);
	xtcp_mtu_probe_established(child);
	xtcp_state_set(child, XTCP_ESTABLISHED);
	xtcp_timers_established(child);
}
