// SPDX-License-Identifier: GPL-2.0
#include "engine/connect.h"

#include "conn/demux.h"
#include "conn/lease.h"
#include "conn/port.h"
#include "engine/cong_choice.h"
#include "engine/output.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "engine/timewait.h"
#include "engine/trace.h"
#include "engine/xmit.h"
#include "proto/isn.h"
#include "proto/segment.h"
#include "proto/seq.h"

#include <net/dst.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>

/* --- OPEN: the 4-tuple --------------------------------------------------- */

static int l3dev_of(const struct sock *sk)
{
	int dev = READ_ONCE(sk->sk_bound_dev_if);

	return dev ? l3mdev_master_ifindex_by_index(sock_net(sk), dev) : 0;
}

/* A socket of the kernel's TCP may have been bound to the same port by its number,
 * and connected, TIME-WAIT included.
 */
static bool kernel_has(const struct sock *sk, const struct xtcp_tuple *t)
{
	int dif = READ_ONCE(sk->sk_bound_dev_if);
	struct net *net = sock_net(sk);
	struct sock *other;

	rcu_read_lock();
	if (xtcp_addr_is_v4(&t->raddr))
		other = xtcp_compat_lookup4(net, xtcp_addr_v4(&t->raddr), t->rport,
					    xtcp_addr_v4(&t->laddr),
					    ntohs(t->lport), dif, 0);
	else
		other = xtcp_compat_lookup6(net, &t->raddr.in6, t->rport,
					    &t->laddr.in6, ntohs(t->lport), dif, 0);
	rcu_read_unlock();
	if (other)
		sock_gen_put(other);
	return other;
}

/* Put it into the flow table, in the place of a TIME-WAIT entry that allows it. */
static int claim(struct xtcp_sock *xs, const struct xtcp_tuple *t)
{
	struct sock *sk = &xs->inet.sk;
	struct net *net = sock_net(sk);

	if (kernel_has(sk, t))
		return -EADDRNOTAVAIL;
	xtcp_flow_init(&xs->flow, XTCP_FLOW_CONN, net, t, l3dev_of(sk));
	sock_hold(sk);				/* the table's */
	xs->snd.iss = 0;
	if (!xtcp_flow_add(&xs->flow) && !xtcp_tw_take_over(xs)) {
		sock_put(sk);
		return -EADDRNOTAVAIL;
	}
	xs->in_table = true;
	if (!xs->snd.iss)
		xs->snd.iss = xtcp_isn(t, xtcp_clock_ns());
	return 0;
}

static void unclaim(struct xtcp_sock *xs)
{
	xs->in_table = false;
	if (xtcp_flow_del(&xs->flow))
		sock_put(&xs->inet.sk);
}

/* No block to choose from, or all of it in use: a port of the kernel's choice, with
 * a shadow of its own.
 */
static int claim_shadow(struct xtcp_sock *xs, struct xtcp_tuple *t)
{
	struct xtcp_addr any = t->laddr;
	int err;

	/* the layout is the socket's, not the wire's */
	if (xs->version == 4)
		xtcp_addr_set_v4(&any, xs->inet.inet_rcv_saddr);
	else
		any.in6 = xs->inet.sk.sk_v6_rcv_saddr;
	err = xtcp_port_bind(xs, &any, 0);
	if (err)
		return err == -EADDRINUSE ? -EADDRNOTAVAIL : err;
	t->lport = xs->inet.inet_sport;
	return claim(xs, t);
}

static int choose_port(struct xtcp_sock *xs, struct xtcp_tuple *t)
{
	int err;

	if (xs->port)
		return claim(xs, t);
	err = xtcp_lease_choose(xs, t, claim);
	if (err == -EADDRNOTAVAIL)
		err = claim_shadow(xs, t);
	if (err)
		return err;
	xs->bound = true;
	xs->inet.inet_num = ntohs(t->lport);
	xs->inet.inet_sport = t->lport;
	return 0;
}

static struct dst_entry *find_route(struct xtcp_sock *xs, struct xtcp_tuple *t)
{
	struct sock *sk = &xs->inet.sk;
	struct xtcp_ip_attr attr;

	xtcp_ip_attr_sk(&attr, sk, xtcp_addr_is_v4(&t->raddr));
	return xtcp_ip_ops_of(t)->route(sk, t, &attr);
}

/* The bound source address, in the wire's IP version. */
static int source(const struct xtcp_sock *xs, struct xtcp_tuple *t)
{
	const struct in6_addr *bound = &xs->inet.sk.sk_v6_rcv_saddr;
	bool v4 = xtcp_addr_is_v4(&t->raddr);

	if (xs->version == 4) {
		xtcp_addr_set_v4(&t->laddr, xs->inet.inet_saddr);
		return 0;
	}
	if (v4 && ipv6_addr_any(bound)) {
		xtcp_addr_set_v4(&t->laddr, 0);
		return 0;
	}
	if (!ipv6_addr_any(bound) && ipv6_addr_v4mapped(bound) != v4)
		return -EAFNOSUPPORT;
	t->laddr.in6 = *bound;
	return 0;
}

/* --- OPEN: the connection ------------------------------------------------- */

static void init_snd(struct xtcp_sock *xs)
{
	u32 iss = xs->snd.iss, nxt = iss + 1;

	xs->snd = (struct xtcp_snd) {
		.iss		= iss,
		.una		= iss,
		.nxt		= nxt,
		.wl2		= iss,
		.sml		= nxt,
		.pushed_seq	= nxt,
		.mss		= XTCP_MIN_SND_MSS,
	};
	WARN_ON_ONCE(xs->sndq.head || xs->sndq.segs_out);
	xtcp_sndq_init(&xs->sndq, nxt);
}

/* All that a connection has, as new; what the program set stays. */
static void init_engine(struct xtcp_sock *xs)
{
	init_snd(xs);
	memset(&xs->rcv, 0, sizeof(xs->rcv));
	memset(&xs->neg, 0, sizeof(xs->neg));
	memset(&xs->ecn, 0, sizeof(xs->ecn));
	memset(&xs->mtu_probe, 0, sizeof(xs->mtu_probe));
	memset(&xs->stats, 0, sizeof(xs->stats));
	memset(&xs->origin, 0, sizeof(xs->origin));
	xtcp_rcvq_init(&xs->rcvq, 0);
	xtcp_reasm_init(&xs->reasm);
	xtcp_sock_rtt_init(xs);
	xtcp_rate_init(&xs->rate);
	xtcp_rack_init(&xs->rack);
	xs->rack.fack = xs->snd.nxt;
	xtcp_recovery_init(&xs->recovery);
	xtcp_cong_restart(&xs->cong, XTCP_INIT_CWND);
	xs->oow_us = 0;
}

/* RFC 9293 3.7.1: what this machine can take in one segment on this path. */
static u16 mss_to_offer(const struct xtcp_sock *xs, const struct dst_entry *dst)
{
	u32 mss = xs->ip->mtu(dst) - xs->ip->header_len - XTCP_HDR_LEN;

	mss = min_t(u32, mss, dst_metric_advmss(dst));
	if (xs->opt.user_mss)
		mss = min_t(u32, mss, xs->opt.user_mss);
	return clamp_t(u32, mss, XTCP_MIN_SND_MSS, U16_MAX);
}

/* RFC 7323, 2018: what the SYN offers; constant however often it is sent. */
static void init_offer(struct xtcp_sock *xs, const struct dst_entry *dst)
{
	const struct xtcp_params *params = xs->params;
	struct xtcp_neg *neg = &xs->neg;
	const struct sock *sk = &xs->inet.sk;
	int rcvbuf = xtcp_window_largest(params, sk->sk_rcvbuf,
					 sk->sk_userlocks & SOCK_RCVBUF_LOCK);

	neg->mss_peer = xs->ip->mss_default;
	neg->mss_advertised = mss_to_offer(xs, dst);
	neg->offer_ts = READ_ONCE(params->timestamps);
	neg->offer_sack = READ_ONCE(params->sack);
	neg->offer_wscale = READ_ONCE(params->window_scaling);
	if (neg->offer_wscale)
		neg->wscale_offered = xtcp_window_scale_for(rcvbuf);
	xs->ts.offset = xtcp_ts_offset(&xs->flow.tuple,
				       xtcp_net_salt(xs->flow.net));
	xs->ts.last_ack_sent = 0;
}

static void syn_sent(struct xtcp_sock *xs, struct dst_entry *dst)
{
	struct sock *sk = &xs->inet.sk;
	u64 now = xtcp_clock_us();

	xs->ip = xtcp_ip_ops_of(&xs->flow.tuple);
	xtcp_sock_set_names(sk, &xs->flow.tuple);
	sk_set_txhash(sk);
	init_engine(xs);
	init_offer(xs, dst);
	xtcp_output_set_dst(xs, dst);
	WRITE_ONCE(sk->sk_err, 0);
	WRITE_ONCE(sk->sk_err_soft, 0);
	sock_reset_flag(sk, SOCK_DONE);
	xs->origin.syn_us = now;
	xtcp_state_set(xs, XTCP_SYN_SENT);
	xtcp_mib_inc(sock_net(sk), XTCP_MIB_ACTIVE_OPENS);
	/* an error is a loss like any other */
	xtcp_xmit_syn(xs, XTCP_SYN | xtcp_ecn_syn(xs, false));
	xtcp_timers_syn_sent(xs, now);
}

/* A port that was chosen here, and the name that was tried. */
static void give_back(struct xtcp_sock *xs, bool bound)
{
	xs->flow.tuple.rport = 0;
	if (bound || !xs->port)
		return;
	xtcp_port_put(xs->port);
	xs->port = NULL;
	xs->bound = false;
	xs->inet.inet_num = 0;
	xs->inet.inet_sport = 0;
}

int xtcp_connect_start(struct xtcp_sock *xs, const struct xtcp_addr *raddr,
		       __be16 rport)
{
	struct xtcp_tuple t = {
		.raddr = *raddr,
		.lport = xs->inet.inet_sport,
		.rport = rport,
	};
	bool bound = xs->port;
	struct dst_entry *dst;
	int err;

	err = source(xs, &t);
	if (err)
		return err;
	dst = find_route(xs, &t);
	if (IS_ERR(dst))
		return PTR_ERR(dst);

	err = choose_port(xs, &t);
	if (err) {
		dst_release(dst);
		give_back(xs, bound);
		return err;
	}
	if (xtcp_ip_ports_matter(sock_net(&xs->inet.sk), &t)) {
		dst_release(dst);
		dst = find_route(xs, &t);
		if (IS_ERR(dst)) {
			unclaim(xs);
			give_back(xs, bound);
			return PTR_ERR(dst);
		}
	}
	syn_sent(xs, dst);
	return 0;
}

/* Bound by bind(), an address or a port outlives the connection. */
static void forget_names(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	xs->flow.tuple.rport = 0;
	xs->inet.inet_dport = 0;
	xs->inet.inet_daddr = 0;
	sk->sk_v6_daddr = in6addr_any;
	if (sk->sk_userlocks & SOCK_BINDADDR_LOCK)
		return;
	xs->inet.inet_rcv_saddr = 0;
	xs->inet.inet_saddr = 0;
	sk->sk_v6_rcv_saddr = in6addr_any;
}

void xtcp_connect_reset(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	xtcp_rcvq_purge(sk);
	forget_names(xs);
	sk_dst_reset(sk);
	dst_release(unrcu_pointer(xchg(&sk->sk_rx_dst, NULL)));
	WRITE_ONCE(sk->sk_shutdown, 0);
	sock_reset_flag(sk, SOCK_DONE);
	xtcp_timers_reset(xs);
	memset(&xs->urg, 0, sizeof(xs->urg));
	memset(&xs->chrono, 0, sizeof(xs->chrono));
	xs->rcvq.fin = false;
	xs->rcvq.copied_seq = 0;
	WRITE_ONCE(xs->rcv.nxt, 0);
	xs->fin_queued = false;
	xs->fin_sent = false;
	xs->room = false;
	xs->done = false;
}

void xtcp_connect_resend(struct xtcp_sock *xs)
{
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_RETRANS_SEGS);
	xs->stats.total_retrans++;
	if (xs->state == XTCP_SYN_SENT)
		xtcp_xmit_syn(xs, XTCP_SYN | xtcp_ecn_syn(xs, true));
	else
		xtcp_xmit_syn(xs, XTCP_SYN | XTCP_ACK | xtcp_ecn_synack(xs));
}

/* --- SYN-SENT, 3.10.7.3 --------------------------------------------------- */

/* TSecr of our SYNs lies between the first and now (RFC 7323 5.2 in spirit). */
static bool tsecr_is_ours(const struct xtcp_sock *xs,
			  const struct xtcp_segment *seg, u64 now)
{
	u32 first = xtcp_clock_us_to_ms(xs->origin.syn_us) + xs->ts.offset;
	u32 last = xtcp_clock_us_to_ms(now) + xs->ts.offset;

	if (!xs->neg.offer_ts || !seg->opt.saw_tstamp || !seg->opt.tsecr)
		return true;
	return seg->opt.tsecr - first <= last - first;
}

static void agree(struct xtcp_sock *xs, const struct xtcp_segment *seg, u64 now)
{
	const struct xtcp_options *opt = &seg->opt;
	struct xtcp_neg *neg = &xs->neg;

	neg->mss_peer = opt->mss ?: xs->ip->mss_default;
	neg->sack = neg->offer_sack && opt->sack_ok;
	neg->ts = neg->offer_ts && opt->saw_tstamp;
	if (neg->ts) {
		xs->ts.recent = opt->tsval;
		xs->ts.recent_stamp = (u32)div_u64(now, USEC_PER_SEC);
	}
	neg->wscale = neg->offer_wscale && opt->wscale_ok;
	neg->snd_wscale = neg->wscale ? opt->wscale : 0;
	neg->rcv_wscale = neg->wscale ? neg->wscale_offered : 0;
}

/* The peer's SYN: IRS, windows, options. */
static void take_syn(struct xtcp_sock *xs, const struct xtcp_segment *seg, u64 now)
{
	agree(xs, seg, now);
	xtcp_ecn_answer_rcv(xs, seg);
	xs->rcv.irs = seg->seq;
	WRITE_ONCE(xs->rcv.nxt, seg->seq + 1);
	xs->ts.last_ack_sent = seg->seq + 1;
	xtcp_rcvq_init(&xs->rcvq, seg->seq + 1);
	xtcp_window_init_rcv(xs);
	/* a window in a SYN is not scaled (RFC 7323 2.2) */
	xs->snd.wnd = seg->wnd;
	xs->snd.max_wnd = seg->wnd;
	xs->snd.wl1 = seg->seq;
	xs->snd.wl2 = seg->ctl & XTCP_ACK ? seg->ack : xs->snd.iss;
	xtcp_output_mss_changed(xs);
}

/* RFC 6298 5.7: what the handshake says about the path. */
static void measure(struct xtcp_sock *xs, const struct xtcp_segment *seg, u64 now)
{
	u32 again = xs->timers.retransmits, ms;

	if (!again) {
		xtcp_rtt_sample(&xs->rtt, max_t(u32, now - xs->origin.syn_us, 1),
				now);
		return;
	}
	ms = xtcp_clock_us_to_ms(now) + xs->ts.offset - seg->opt.tsecr;
	if (xs->neg.ts && seg->opt.tsecr)
		xtcp_rtt_sample(&xs->rtt, max(ms, 1U) * USEC_PER_MSEC, now);
	else
		xtcp_rtt_syn_lost(&xs->rtt);
}

static void established(struct xtcp_sock *xs, const struct xtcp_segment *seg,
			u64 now)
{
	xs->snd.una = xs->snd.nxt;
	xs->rack.fack = xs->snd.nxt;
	measure(xs, seg, now);
	xs->rate.delivered = 1;			/* the SYN */
	xtcp_cong_choice_established(xs, xs->timers.retransmits);
	xs->origin.ack_us = now;
	xs->rcv.last_us = now;
	xs->rcv.space_us = now;
	xtcp_pacing_update(xs);
	xtcp_mtu_probe_established(xs);
	xtcp_state_established(xs);
	xtcp_timers_established(xs);
}

/* Its text and its FIN, if any, come after the SYN. */
static void strip_syn(struct xtcp_segment *seg)
{
	seg->ctl &= ~(XTCP_SYN | XTCP_ECE | XTCP_CWR);
	seg->seq++;
	seg->len--;
}

/* A program that has something to say says it with the ACK; and one that wants data
 * first (TCP_DEFER_ACCEPT, TCP_QUICKACK off) leaves it to the timer.
 */
static void ack_syn(struct xtcp_sock *xs, u64 now)
{
	struct sock *sk = &xs->inet.sk;

	if (!sk->sk_write_pending && !xs->opt.defer_accept && !xs->rcv.pingpong) {
		xs->rcv.ack_now = true;
		return;
	}
	xs->rcv.ato_ms = XTCP_DELACK_MAX_US / USEC_PER_MSEC;
	xtcp_timers_ack_owed(xs, now);
}

enum xtcp_drop xtcp_connect_rcv(struct xtcp_sock *xs,
				struct xtcp_segment *seg, u64 now)
{
	struct net *net = sock_net(&xs->inet.sk);
	bool ack = seg->ctl & XTCP_ACK;

	/* first: ACK */
	if (ack && (seg->ack != xs->snd.nxt || !tsecr_is_ours(xs, seg, now))) {
		/* the peer has an old connection of this name: a SYN after our
		 * RST may succeed
		 */
		xtcp_xmit_rst_of(xs, seg);
		if (!(seg->ctl & XTCP_RST))
			xtcp_timers_syn_soon(xs, now);
		return XTCP_DROP_SYNSENT_BAD_ACK;
	}
	/* second: RST */
	if (seg->ctl & XTCP_RST) {
		if (!ack)
			return XTCP_DROP_SYNSENT_NO_SYN;
		trace_xtcp_rst(net, &xs->flow.tuple, false);
		xtcp_state_reset_rcvd(xs);
		return XTCP_DROP_RST;
	}
	/* third: security, obsolete; fourth: SYN */
	if (!(seg->ctl & XTCP_SYN))
		return XTCP_DROP_SYNSENT_NO_SYN;
	take_syn(xs, seg, now);
	if (ack) {
		established(xs, seg, now);
		ack_syn(xs, now);
		strip_syn(seg);
		return XTCP_DROP_NONE;
	}
	xtcp_state_set(xs, XTCP_SYN_RECV);
	xtcp_xmit_syn(xs, XTCP_SYN | XTCP_ACK | xtcp_ecn_synack(xs));
	xtcp_timers_syn_sent(xs, now);
	/* what else it has is sent again when we can take it */
	seg->ctl &= ~(XTCP_SYN | XTCP_FIN);
	seg->len = 0;
	return XTCP_DROP_NONE;
}

/* --- SYN-RECEIVED of a simultaneous open ------------------------------------ */

void xtcp_connect_crossed(struct xtcp_sock *xs, struct xtcp_segment *seg)
{
	const u8 both = XTCP_SYN | XTCP_ACK;

	if ((seg->ctl & (both | XTCP_RST | XTCP_FIN)) == both &&
	    seg->seq + 1 == xs->rcv.nxt && seg->ack == xs->snd.nxt)
		strip_syn(seg);
}

enum xtcp_drop xtcp_connect_acked(struct xtcp_sock *xs,
				  const struct xtcp_segment *seg, u64 now)
{
	struct sock *sk = &xs->inet.sk;

	if (seg->ack != xs->snd.nxt) {
		xtcp_xmit_rst_of(xs, seg);
		return XTCP_DROP_BAD_ACK;
	}
	xs->snd.wnd = seg->wnd << xs->neg.snd_wscale;
	xs->snd.max_wnd = max(xs->snd.max_wnd, xs->snd.wnd);
	xs->snd.wl1 = seg->seq;
	xs->snd.wl2 = seg->ack;
	xtcp_output_mss_changed(xs);
	established(xs, seg, now);
	/* CLOSE in SYN-RECEIVED was queued until now (3.10.4) */
	if (sk->sk_shutdown & SEND_SHUTDOWN && xtcp_state_close_send(xs))
		xtcp_output_fin(xs);
	return XTCP_DROP_NONE;
}
