// SPDX-License-Identifier: GPL-2.0
/* half.c - SYN-RECEIVED of a listener: handshakes as small objects each
 * (RFC 9293 3.10.7.4 as far as it concerns a connection that has no socket yet).
 *
 * Who wins a race and why: listener.h.
 */
#include "engine/listener.h"

#include "conn/demux.h"
#include "conn/netns.h"
#include "engine/half_more.h"
#include "engine/listen.h"
#include "engine/sock.h"
#include "engine/timewait.h"
#include "engine/trace.h"
#include "engine/window.h"
#include "engine/xmit.h"
#include "proto/isn.h"
#include "proto/segment.h"
#include "proto/seq.h"

#include <linux/slab.h>
#include <net/dst.h>
#include <net/ipv6.h>

#define CROWD_MIN 8U	/* a shorter SYN queue is never crowded */
#define TIMER_BATCH	16
#define TIMER_BUDGET	512	/* SYN-ACKs of one run of the timer */

static struct kmem_cache *half_cache __ro_after_init;

/* --- memory -------------------------------------------------------------- */

/* Of no table and no queue, and nobody holds a reference. */
void xtcp_half_free(struct xtcp_half *h)
{
	struct xtcp_listener *lst = h->lst;

	dst_release(h->dst);
	xtcp_half_more_free(h->more);
	kmem_cache_free(half_cache, h);
	xtcp_listener_put(lst);
}

void xtcp_half_put(struct xtcp_half *h)
{
	if (refcount_dec_and_test(&h->ref))
		xtcp_half_free(h);
}

static bool half_get(struct xtcp_flow *f)
{
	return refcount_inc_not_zero(&xtcp_half_of(f)->ref);
}

static void half_flow_put(struct xtcp_flow *f)
{
	xtcp_half_put(xtcp_half_of(f));
}

static const struct xtcp_flow_kind_ops half_kind = {
	.get	= half_get,
	.put	= half_flow_put,
};

/* Readers may stand on a free object: it must look like one in no table. */
static void half_ctor(void *p)
{
	struct xtcp_half *h = p;

	xtcp_flow_init_unhashed(&h->flow);
	refcount_set(&h->ref, 0);
}

int xtcp_half_init(void)
{
	BUILD_BUG_ON(sizeof(struct xtcp_half) != 144);
	half_cache = kmem_cache_create("xtcp_half", sizeof(struct xtcp_half), 0,
				       SLAB_TYPESAFE_BY_RCU, half_ctor);
	if (!half_cache)
		return -ENOMEM;
	xtcp_flow_kind_register(XTCP_FLOW_HALF, &half_kind);
	return 0;
}

/* All listeners are gone, and a grace period has passed. */
void xtcp_half_exit(void)
{
	xtcp_flow_kind_register(XTCP_FLOW_HALF, NULL);
	kmem_cache_destroy(half_cache);
}

/* --- an entry begins ----------------------------------------------------- */

/* RFC 7323, 2018, 3168: what the peer offered and this machine allows. */
static void options_agree(struct xtcp_half *h, const struct sock *lsk,
			  const struct xtcp_options *opt)
{
	const struct xtcp_params *params = &xtcp_net(h->flow.net)->params;
	int rcvbuf = xtcp_window_largest(params, READ_ONCE(lsk->sk_rcvbuf),
					 lsk->sk_userlocks & SOCK_RCVBUF_LOCK);

	h->flags = 0;
	h->wscale = 0;
	h->ts_recent = 0;
	if (opt->saw_tstamp && READ_ONCE(params->timestamps)) {
		h->flags |= XTCP_HALF_TS;
		h->ts_recent = opt->tsval;
	}
	if (opt->sack_ok && READ_ONCE(params->sack))
		h->flags |= XTCP_HALF_SACK;
	if (opt->wscale_ok && READ_ONCE(params->window_scaling)) {
		h->flags |= XTCP_HALF_WSCALE;
		h->wscale = opt->wscale | xtcp_window_scale_for(rcvbuf) << 4;
	}
}

static struct dst_entry *route_make(const struct sock *lsk, struct sk_buff *skb,
				    const struct xtcp_tuple *tuple,
				    const struct xtcp_half_more *more)
{
	struct xtcp_tuple t = *tuple;
	struct xtcp_ip_attr attr;

	xtcp_ip_attr_sk(&attr, lsk, xtcp_addr_is_v4(&t.raddr));
	attr.opt = xtcp_half_more_options(more);
	if (!attr.oif)
		attr.oif = xtcp_ip_rx_dif(skb);
	return xtcp_ip_ops_of(&t)->route(lsk, &t, &attr);
}

struct xtcp_half *xtcp_half_new(const struct xtcp_passive *p, struct sk_buff *skb,
				const struct xtcp_tuple *t,
				const struct xtcp_options *opt, u16 mss,
				enum xtcp_drop *why)
{
	struct xtcp_half_more *more = xtcp_half_more_take(p->lsk, skb, t);
	struct dst_entry *dst;
	struct xtcp_half *h;

	*why = XTCP_DROP_SYN_NOMEM;
	h = kmem_cache_alloc(half_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!h)
		goto forget;
	*why = XTCP_DROP_SYN_NO_ROUTE;
	dst = route_make(p->lsk, skb, t, more);
	if (IS_ERR(dst))
		goto free;
	*why = XTCP_DROP_LISTEN_CLOSED;
	if (!refcount_inc_not_zero(&p->lst->ref))
		goto release;

	xtcp_flow_init(&h->flow, XTCP_FLOW_HALF, p->lst->net, t,
		       xtcp_ip_rx_l3dev(skb));
	h->flow.spare16 = mss;
	INIT_LIST_HEAD(&h->fifo);
	h->lst = p->lst;
	h->dst = dst;
	h->more = more;
	h->sent_us = (u32)xtcp_clock_us();
	h->oow_us = 0;
	options_agree(h, p->lsk, opt);
	*why = XTCP_DROP_NONE;
	return h;
release:
	dst_release(dst);
free:
	kmem_cache_free(half_cache, h);
forget:
	xtcp_half_more_free(more);
	return NULL;
}

bool xtcp_half_publish(struct xtcp_half *h, struct xtcp_flow *old)
{
	refcount_set(&h->ref, 2);
	if (!old)
		return xtcp_flow_add(&h->flow);
	if (!xtcp_flow_replace(old, &h->flow))
		return false;
	if (old->kind == XTCP_FLOW_HALF) {
		struct xtcp_half *was = xtcp_half_of(old);

		xtcp_synq_unlink(&was->lst->synq, was);
		xtcp_half_put(was);
	} else {
		xtcp_tw_replaced(old);
	}
	return true;
}

bool xtcp_half_forget(struct xtcp_half *h)
{
	if (!xtcp_flow_del(&h->flow))
		return false;
	xtcp_synq_remove(&h->lst->synq, h);
	xtcp_half_put(h);			/* the table's */
	return true;
}

void xtcp_half_timer_arm(struct xtcp_listener *lst, u32 wait_us)
{
	xtcp_timer_arm(&lst->timer, xtcp_clock_us() + wait_us);
}

enum xtcp_drop xtcp_half_open(const struct xtcp_passive *p, struct sk_buff *skb,
			      const struct xtcp_tuple *t,
			      const struct xtcp_segment *seg,
			      const struct xtcp_reopen *re)
{
	bool has_slot = re->old && re->old->kind == XTCP_FLOW_HALF;
	u16 mss = seg->opt.mss ?: xtcp_ip_ops_of(t)->mss_default;
	struct xtcp_synq *q = &p->lst->synq;
	enum xtcp_drop why;
	struct xtcp_half *h;

	if (!has_slot && !xtcp_synq_reserve(q))
		return XTCP_DROP_SYNQ_FULL;
	h = xtcp_half_new(p, skb, t, &seg->opt, mss, &why);
	if (!h)
		goto unreserve;
	if (seg->opt.wscale_clamped)		/* RFC 7323 2.3: logged */
		net_info_ratelimited("xtcp: window scale above 14 in a SYN to port %u taken as 14\n",
				     ntohs(t->lport));
	h->irs = seg->seq;
	h->iss = re->isn ?: xtcp_isn(t, xtcp_clock_ns());
	h->wnd = seg->wnd;
	if (xtcp_ecn_agrees(p->lsk, h->dst, skb, seg))
		h->flags |= XTCP_HALF_ECN;

	why = XTCP_DROP_DEMUX_RACE;
	if (!xtcp_half_publish(h, re->old)) {
		xtcp_half_put(h);		/* the table's, which it did not get */
		xtcp_half_put(h);
		goto unreserve;
	}
	why = XTCP_DROP_NONE;
	if (xtcp_synq_link(q, h)) {
		xtcp_synack_xmit(p->lsk, h, false);
		xtcp_half_timer_arm(p->lst, XTCP_RTO_INIT_US);
	} else {
		xtcp_half_forget(h);
		why = XTCP_DROP_LISTEN_CLOSED;
	}
	xtcp_half_put(h);
	return why;
unreserve:
	if (!has_slot)
		xtcp_synq_unreserve(q);
	return why;
}

/* --- segments ------------------------------------------------------------ */

/* RFC 7323 5.3 R1; a RST is not subject to it (5.2). */
static bool paws_rejects(const struct xtcp_half *h, const struct xtcp_segment *seg)
{
	return xtcp_half_is(h, XTCP_HALF_TS) && seg->opt.saw_tstamp &&
	       !(seg->ctl & XTCP_RST) &&
	       (s32)(seg->opt.tsval - READ_ONCE(h->ts_recent)) < 0;
}

/* A SYN alone.  Of the same ISN: the SYN-ACK was lost.  Of another one in the
 * window: the peer has started again (3.10.7.4 fourth: back to LISTEN), unless it
 * has already completed this handshake, when RFC 5961 section 4 holds.
 */
static enum xtcp_drop half_syn(const struct xtcp_passive *p, struct xtcp_half *h,
			       struct sk_buff *skb, const struct xtcp_segment *seg,
			       enum xtcp_listen_stat *stat)
{
	struct xtcp_reopen re = { .old = &h->flow };
	u32 nxt = h->irs + 1;
	enum xtcp_drop why;

	*stat = XTCP_LSTAT_SYN_OTHER;
	if (paws_rejects(h, seg)) {
		xtcp_half_ack_xmit(p->lsk, h);
		return XTCP_DROP_HALF_OPEN_PAWS;
	}
	if (seg->seq == h->irs) {
		*stat = XTCP_LSTAT_SYN_AGAIN;
		xtcp_synq_flag(&p->lst->synq, h, XTCP_HALF_RESENT);
		xtcp_synack_xmit(p->lsk, h, true);
		return XTCP_DROP_NONE;
	}
	if (xtcp_half_is(h, XTCP_HALF_ACKED) ||
	    seg->seq - nxt >= xtcp_synack_window(p->lsk, h)) {
		xtcp_half_ack_xmit(p->lsk, h);
		return XTCP_DROP_SYN_DUP_WIN;
	}
	why = xtcp_half_open(p, skb, &h->flow.tuple, seg, &re);
	if (!why)
		*stat = XTCP_LSTAT_SYN_REPLACED;
	return why;
}

/* 3.10.7.4 first check, the four cases. */
static bool in_window(u32 nxt, u32 wnd, const struct xtcp_segment *seg)
{
	if (seg->seq - nxt < wnd)
		return true;
	if (!seg->len)
		return seg->seq == nxt;
	return wnd && seg->end_seq - 1 - nxt < wnd;
}

/* NONE: the ACK we are waiting for. */
static enum xtcp_drop half_check(const struct xtcp_passive *p, struct xtcp_half *h,
				 struct sk_buff *skb,
				 const struct xtcp_segment *seg,
				 enum xtcp_listen_stat *stat)
{
	bool paws = paws_rejects(h, seg);
	u32 nxt = h->irs + 1;

	*stat = XTCP_LSTAT_OTHER;
	/* first: sequence number */
	if (paws || !in_window(nxt, xtcp_synack_window(p->lsk, h), seg)) {
		if (!(seg->ctl & XTCP_RST))
			xtcp_half_ack_xmit(p->lsk, h);
		return paws ? XTCP_DROP_HALF_OPEN_PAWS :
			      XTCP_DROP_HALF_OPEN_OUT_OF_WND;
	}
	/* second: RST, by RFC 5961 section 3 */
	if (seg->ctl & XTCP_RST) {
		if (seg->seq != nxt) {
			xtcp_half_ack_xmit(p->lsk, h);
			return XTCP_DROP_CHALLENGE;
		}
		if (xtcp_half_forget(h))
			xtcp_mib_inc(h->flow.net, XTCP_MIB_ATTEMPT_FAILS);
		*stat = XTCP_LSTAT_RST;
		return XTCP_DROP_HALF_OPEN_RST;
	}
	/* fourth: SYN, here with ACK */
	if (seg->ctl & XTCP_SYN) {
		xtcp_half_ack_xmit(p->lsk, h);
		return XTCP_DROP_SYN_IN_WND;
	}
	/* fifth: ACK */
	if (!(seg->ctl & XTCP_ACK))
		return XTCP_DROP_NO_ACK_FLAG;
	*stat = XTCP_LSTAT_ACK_OTHER;
	if (seg->ack != h->iss + 1) {
		xtcp_half_rst_xmit(h, skb, seg);
		return XTCP_DROP_HALF_OPEN_BAD_ACK;
	}
	return XTCP_DROP_NONE;
}

/* NONE: *done tells whether the skb is still there. */
static enum xtcp_drop half_segment(const struct xtcp_passive *p,
				   struct xtcp_half *h, struct sk_buff *skb,
				   const struct xtcp_segment *seg,
				   enum xtcp_listen_stat *stat, bool *eaten)
{
	enum xtcp_drop why;

	*eaten = false;
	why = xtcp_listen_admit(p->lsk, skb, &h->flow.tuple);
	*stat = XTCP_LSTAT_OTHER;
	if (why)
		return why;
	if ((seg->ctl & (XTCP_SYN | XTCP_RST | XTCP_ACK)) == XTCP_SYN) {
		xtcp_mib_inc(h->flow.net, XTCP_MIB_SYN_RCVD);
		why = half_syn(p, h, skb, seg, stat);
		trace_xtcp_syn(h->flow.net, &h->flow.tuple,
			       xtcp_synq_len(&p->lst->synq),
			       READ_ONCE(p->lst->synq.max), why);
		return why;
	}
	why = half_check(p, h, skb, seg, stat);
	if (!why) {
		xtcp_half_complete(p, h, skb, seg);
		*eaten = true;
	}
	return why;
}

void xtcp_half_rcv(struct xtcp_half *h, struct sk_buff *skb,
		   const struct xtcp_segment *seg)
{
	struct xtcp_passive p = { .lst = h->lst };
	enum xtcp_listen_stat stat = XTCP_LSTAT_OTHER;
	enum xtcp_drop why = XTCP_DROP_LISTEN_CLOSED;
	bool eaten = false;

	p.lsk = rcu_dereference(h->lst->sk);
	if (p.lsk)
		why = half_segment(&p, h, skb, seg, &stat, &eaten);
	if (why) {
		xtcp_listen_drop(p.lst, skb, &h->flow.tuple, why, stat);
	} else if (!eaten) {
		xtcp_lstat(p.lst, stat);
		consume_skb(skb);
	}
	xtcp_half_put(h);
}

void xtcp_half_icmp(struct xtcp_half *h, u32 seq, int err, bool fatal)
{
	struct net *net = h->flow.net;

	/* RFC 5927 4.1: only our SYN is out */
	if (seq != h->iss) {
		xtcp_mib_inc(net, XTCP_MIB_ICMP_DROPPED);
		return;
	}
	if (!fatal || !xtcp_half_forget(h))
		return;
	xtcp_mib_inc(net, XTCP_MIB_ATTEMPT_FAILS);
	xtcp_mib_drop(net, XTCP_DROP_HALF_OPEN_RST);
	trace_xtcp_drop(net, &h->flow.tuple, XTCP_DROP_HALF_OPEN_RST);
	xtcp_lstat(h->lst, XTCP_LSTAT_UNREACH);
}

/* --- time ---------------------------------------------------------------- */

static void half_expire(struct xtcp_half *h)
{
	struct net *net = h->flow.net;

	if (!xtcp_half_forget(h))
		return;
	xtcp_lstat(h->lst, XTCP_LSTAT_EXPIRED);
	xtcp_mib_inc(net, XTCP_MIB_SYNACK_TIMEOUTS);
	xtcp_mib_inc(net, XTCP_MIB_ATTEMPT_FAILS);
	xtcp_mib_drop(net, XTCP_DROP_HALF_OPEN_TIMEOUT);
	trace_xtcp_drop(net, &h->flow.tuple, XTCP_DROP_HALF_OPEN_TIMEOUT);
}

static void handle_due(const struct sock *lsk, struct xtcp_synq_due *v,
		       unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (v[i].expired)
			half_expire(v[i].h);
		else
			xtcp_synack_xmit(lsk, v[i].h, true);
		xtcp_half_put(v[i].h);
	}
}

/* More than half full, and mostly of handshakes that did not go on: these are given
 * fewer tries, so that new ones find room (as Linux does).
 */
static u8 fewer_when_crowded(const struct xtcp_synq *q, u8 n)
{
	unsigned int len = xtcp_synq_len(q) - READ_ONCE(q->acked_len), young;

	if (2 * len <= max(CROWD_MIN, READ_ONCE(q->max)))
		return n;
	for (young = 2 * xtcp_synq_young(q); n > 2 && len >= young; young *= 2)
		n--;
	return n;
}

static u8 retry_limit(const struct xtcp_passive *p)
{
	int n = READ_ONCE(xtcp_sk(p->lsk)->opt.syn_retries);

	if (!n)
		n = READ_ONCE(xtcp_net(p->lst->net)->params.synack_retries);
	return clamp(n, 0, U8_MAX);
}

/* When to look again. */
static u32 timer_run(const struct xtcp_passive *p)
{
	u32 now = (u32)xtcp_clock_us(), wait = U32_MAX, acked_wait = U32_MAX;
	struct xtcp_synq *q = &p->lst->synq;
	u8 retries = retry_limit(p);
	struct xtcp_synq_limit limit = {
		.retries = fewer_when_crowded(q, retries),
		.defer = READ_ONCE(xtcp_sk(p->lsk)->opt.defer_accept),
	};
	struct xtcp_synq_due v[TIMER_BATCH];
	unsigned int i, n, sum = 0;

	for (i = 0; i < q->shards; i++) {
		do {
			n = xtcp_synq_due(q, i, now, &limit, v, TIMER_BATCH, &wait);
			handle_due(p->lsk, v, n);
			sum += n;
		} while (n == TIMER_BATCH && sum < TIMER_BUDGET);
	}
	if (sum >= TIMER_BUDGET)
		wait = 0;
	if (!READ_ONCE(q->acked_len))
		return wait;

	for (sum = 0, n = TIMER_BATCH; n == TIMER_BATCH && sum < 4 * n; sum += n) {
		n = xtcp_synq_acked_due(q, now, retries, v, TIMER_BATCH,
					&acked_wait);
		handle_due(p->lsk, v, n);
	}
	if (n == TIMER_BATCH)
		acked_wait = 0;
	xtcp_half_promote(p->lst);
	return min(wait, max(acked_wait, XTCP_ACKED_LOOK_US));
}

void xtcp_half_timer(struct timer_list *t)
{
	struct xtcp_listener *lst = xtcp_timer_of(t, struct xtcp_listener, timer);
	struct xtcp_passive p = { .lst = lst };
	u32 wait;

	rcu_read_lock();
	p.lsk = rcu_dereference(lst->sk);
	if (p.lsk) {
		wait = timer_run(&p);
		if (wait != U32_MAX)
			xtcp_half_timer_arm(lst, wait);
	}
	rcu_read_unlock();
}

void xtcp_half_drain(struct xtcp_listener *lst)
{
	struct xtcp_half *h;

	xtcp_synq_close(&lst->synq);
	while ((h = xtcp_synq_drain(&lst->synq))) {
		xtcp_half_forget(h);
		xtcp_half_put(h);
	}
}
