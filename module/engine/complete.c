// SPDX-License-Identifier: GPL-2.0
/* complete.c - the handshake is complete: a half-open entry becomes a child in the
 * accept queue, or waits for room there.
 *
 * The order of the steps, who wins a race and why: listener.h.
 */
#include "engine/listener.h"

#include "conn/demux.h"
#include "conn/netns.h"
#include "engine/child.h"
#include "engine/dispatch.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "engine/trace.h"
#include "engine/xmit.h"
#include "proto/segment.h"

#include <linux/xtcp.h>

/* --- a child ------------------------------------------------------------- */

/* The peer has seen our SYN-ACK after this long; 0: which one is not known. */
static u32 handshake_rtt(const struct xtcp_half *h, const struct xtcp_segment *seg,
			 u64 now)
{
	u8 flags = READ_ONCE(h->flags);
	u32 ms;

	if (flags & XTCP_HALF_DEFERRED)		/* the program's data, much later */
		return h->flow.spare || flags & XTCP_HALF_RESENT ? 0 :
		       max(h->acked_us - h->sent_us, 1U);
	if (!h->flow.spare && !(flags & (XTCP_HALF_RESENT | XTCP_HALF_COOKIE)))
		return max((u32)now - h->sent_us, 1U);
	if (!(flags & XTCP_HALF_TS) || !seg->opt.saw_tstamp)
		return 0;
	/* a cookie's TSval is up to 63 ms early */
	if (flags & XTCP_HALF_COOKIE)
		return 0;
	ms = xtcp_clock_us_to_ms(now) + xtcp_half_ts_offset(h) - seg->opt.tsecr;
	return ms < 60 * MSEC_PER_SEC ? max(ms, 1U) * USEC_PER_MSEC : 0;
}

static void origin_set(struct xtcp_sock *child, const struct xtcp_half *h,
		       bool held, u64 now)
{
	struct xtcp_origin *o = &child->origin;
	u8 flags = READ_ONCE(h->flags);

	memset(o, 0, sizeof(*o));
	if (flags & XTCP_HALF_COOKIE)
		o->flags |= XTCP_ACCEPT_COOKIE;
	else
		o->syn_us = now - xtcp_synq_age(h, (u32)now);
	o->ack_us = now;
	if (held) {
		o->flags |= XTCP_ACCEPT_HELD;
		o->ack_us = now - ((u32)now - READ_ONCE(h->acked_us));
	}
	o->queued_us = now;
	o->synack_retrans = h->flow.spare;
}

/* Locked, in the flow table, with a slot: ESTABLISHED and into the accept queue.
 * @seg is NULL for one that was held.  False: the listener has closed, the child is being reset.
 */
static bool child_push(const struct xtcp_passive *p, struct xtcp_sock *child,
		       const struct xtcp_half *h, const struct xtcp_segment *seg)
{
	struct xtcp_listener *lst = p->lst;
	struct sock *sk = xtcp_sock_sk(child);
	u16 wnd = seg ? seg->wnd : READ_ONCE(h->wnd);
	u64 now = xtcp_clock_us();
	int ahead;

	child->in_table = 1;
	origin_set(child, h, !seg, now);
	xtcp_mib_inc(lst->net, XTCP_MIB_PASSIVE_OPENS);
	xtcp_child_established(child, wnd, seg ? handshake_rtt(h, seg, now) : 0,
			       now);

	ahead = xtcp_acceptq_push(&lst->acceptq, &child->acceptq_node);
	if (ahead < 0) {
		xtcp_mib_drop(lst->net, XTCP_DROP_LISTEN_CLOSED);
		sock_orphan(sk);
		xtcp_state_abort(child, ECONNABORTED);
		return false;
	}
	child->origin.ahead = ahead;
	xtcp_lstat(lst, XTCP_LSTAT_ESTABLISHED);
	trace_xtcp_child(sk, ahead + 1);
	trace_xtcp_ack(lst->net, &child->flow.tuple, ahead + 1,
		       READ_ONCE(lst->acceptq.max), XTCP_DROP_NONE);
	return true;
}

/* The ACK that made it may carry data, a FIN, a newer timestamp.  Eats skb. */
static void child_input(struct xtcp_sock *child, struct sk_buff *skb,
			const struct xtcp_segment *seg)
{
	xtcp_input_note_ip(child, skb);
	if (seg->len) {
		skb_dst_drop(skb);
		xtcp_input_rcv(child, skb, seg);
		return;
	}
	if (child->neg.ts && seg->opt.saw_tstamp)
		child->ts.recent = seg->opt.tsval;
	consume_skb(skb);
}

/* The rest of a child's making; done with its lock.  @skb and @seg are NULL for one
 * that was held.  A reference of our own: accept() and close() may be waiting.
 */
static void child_finish(const struct xtcp_passive *p, struct xtcp_sock *child,
			 const struct xtcp_half *h, struct sk_buff *skb,
			 const struct xtcp_segment *seg)
{
	struct sock *sk = xtcp_sock_sk(child);
	bool pushed;

	__acquire(&sk->sk_lock.slock);		/* xtcp_child_create() did */
	sock_hold(sk);
	pushed = child_push(p, child, h, seg);
	if (pushed && skb)
		child_input(child, skb, seg);
	else
		kfree_skb(skb);
	bh_unlock_sock(sk);
	if (pushed)
		p->lsk->sk_data_ready(p->lsk);
	else
		sock_put(sk);			/* the accept queue's */
	sock_put(sk);
}

/* With a slot: a locked child in @h's place.  NULL: DEMUX_RACE if @h was not in the
 * table any more.
 */
static struct xtcp_sock *child_replace(const struct xtcp_passive *p,
				       struct xtcp_half *h, enum xtcp_drop *why)
{
	struct xtcp_sock *child;

	*why = XTCP_DROP_CHILD_NOMEM;
	child = xtcp_child_create(xtcp_sk(p->lsk), h);
	if (!child)
		return NULL;
	*why = XTCP_DROP_DEMUX_RACE;
	if (!xtcp_flow_replace(&h->flow, &child->flow)) {
		xtcp_child_discard(child);
		return NULL;
	}
	*why = XTCP_DROP_NONE;
	xtcp_synq_remove(&p->lst->synq, h);
	xtcp_half_put(h);			/* the table's */
	return child;
}

static void slot_return(struct xtcp_listener *lst)
{
	xtcp_acceptq_unreserve(&lst->acceptq);
	xtcp_half_promote(lst);
}

/* The flow is a child's by now: another CPU was faster.  Eats skb. */
static void redispatch(const struct xtcp_passive *p, struct sk_buff *skb,
		       const struct xtcp_flow *was, const struct xtcp_segment *seg)
{
	struct xtcp_segment copy = *seg;
	struct xtcp_flow *f;

	f = xtcp_flow_lookup(was->net, &was->tuple, was->l3dev);
	if (f && f->kind == XTCP_FLOW_CONN) {
		xtcp_lstat(p->lst, XTCP_LSTAT_ACK_RACE);
		xtcp_dispatch_flow(skb, f, &copy);
		return;
	}
	if (f)
		xtcp_flow_put(f);
	xtcp_listen_drop(p->lst, skb, &was->tuple, XTCP_DROP_DEMUX_RACE,
			 XTCP_LSTAT_ACK_OTHER);
}

/* --- acked entries ------------------------------------------------------- */

static bool acceptq_resets(const struct xtcp_passive *p)
{
	int policy = READ_ONCE(xtcp_sk(p->lsk)->opt.acceptq_policy);

	if (policy < 0)
		return READ_ONCE(xtcp_net(p->lst->net)->params.abort_on_overflow);
	return policy == XTCP_ACCEPTQ_RESET;
}

/* BH, RCU.  True: there may be more to do. */
static bool promote_one(struct xtcp_listener *lst)
{
	struct xtcp_passive p = { .lst = lst, .lsk = rcu_dereference(lst->sk) };
	struct xtcp_sock *child;
	enum xtcp_drop why;
	struct xtcp_half *h;

	if (!p.lsk || !READ_ONCE(lst->synq.acked_len) ||
	    !xtcp_acceptq_reserve(&lst->acceptq))
		return false;
	h = xtcp_synq_acked_take(&lst->synq);
	if (!h) {
		xtcp_acceptq_unreserve(&lst->acceptq);
		return true;	/* one may have come while we had the slot */
	}

	child = child_replace(&p, h, &why);
	if (child) {
		xtcp_mib_inc(lst->net, XTCP_MIB_HALF_PROMOTED);
		child_finish(&p, child, h, NULL, NULL);
	} else {
		xtcp_acceptq_unreserve(&lst->acceptq);
		if (why == XTCP_DROP_CHILD_NOMEM) {
			xtcp_mib_drop(lst->net, why);
			if (!xtcp_synq_acked_return(&lst->synq, h))
				xtcp_half_forget(h);
			xtcp_half_timer_arm(lst, XTCP_ACKED_LOOK_US);
		}
	}
	xtcp_half_put(h);
	return why != XTCP_DROP_CHILD_NOMEM;
}

void xtcp_half_promote(struct xtcp_listener *lst)
{
	bool more;

	do {
		local_bh_disable();
		rcu_read_lock();
		more = promote_one(lst);
		rcu_read_unlock();
		local_bh_enable();
	} while (more);
}

/* What was not taken of a segment is counted; a bare ACK has nothing to lose. */
static void parked(const struct xtcp_passive *p, struct sk_buff *skb,
		   const struct xtcp_tuple *t, const struct xtcp_segment *seg,
		   enum xtcp_listen_stat stat)
{
	if (seg->len) {
		xtcp_listen_drop(p->lst, skb, t, XTCP_DROP_HALF_OPEN_PARKED, stat);
		return;
	}
	xtcp_lstat(p->lst, stat);
	consume_skb(skb);
}

static void note_held(const struct xtcp_passive *p, const struct xtcp_tuple *t)
{
	struct xtcp_listener *lst = p->lst;

	xtcp_mib_inc(lst->net, XTCP_MIB_HALF_ACKED);
	xtcp_mib_inc(lst->net, XTCP_MIB_LISTEN_OVERFLOWS);
	trace_xtcp_ack(lst->net, t, xtcp_acceptq_len(&lst->acceptq),
		       READ_ONCE(lst->acceptq.max), XTCP_DROP_ACCEPTQ_FULL);
}

static void refuse_full(const struct xtcp_passive *p, struct sk_buff *skb,
			const struct xtcp_tuple *t, const struct xtcp_segment *seg)
{
	struct xtcp_listener *lst = p->lst;

	xtcp_mib_inc(lst->net, XTCP_MIB_LISTEN_OVERFLOWS);
	xtcp_mib_inc(lst->net, XTCP_MIB_ATTEMPT_FAILS);
	trace_xtcp_ack(lst->net, t, xtcp_acceptq_len(&lst->acceptq),
		       READ_ONCE(lst->acceptq.max), XTCP_DROP_ACCEPTQ_FULL);
	xtcp_xmit_rst_for(lst->net, skb, t, seg);
	xtcp_listen_drop(lst, skb, t, XTCP_DROP_ACCEPTQ_FULL, XTCP_LSTAT_ACK_FULL);
}

/* What the final ACK says besides. */
static u32 tsval_of(const struct xtcp_half *h, const struct xtcp_segment *seg)
{
	if (xtcp_half_is(h, XTCP_HALF_TS) && seg->opt.saw_tstamp)
		return seg->opt.tsval;
	return READ_ONCE(h->ts_recent);
}

/* Policy reset.  If the entry has gone, its child may be there: no RST then. */
static void half_refuse(const struct xtcp_passive *p, struct xtcp_half *h,
			struct sk_buff *skb, const struct xtcp_segment *seg)
{
	if (xtcp_half_forget(h))
		refuse_full(p, skb, &h->flow.tuple, seg);
	else
		redispatch(p, skb, &h->flow, seg);
}

/* No room, or others were first.  Eats skb. */
static void half_hold(const struct xtcp_passive *p, struct xtcp_half *h,
		      struct sk_buff *skb, const struct xtcp_segment *seg)
{
	struct xtcp_listener *lst = p->lst;

	if (!xtcp_half_is(h, XTCP_HALF_ACKED) && acceptq_resets(p) &&
	    !xtcp_acceptq_has_room(&lst->acceptq)) {
		half_refuse(p, h, skb, seg);
		return;
	}
	/* two CPUs may both be first: at the same time, then */
	if (!xtcp_half_is(h, XTCP_HALF_ACKED))
		WRITE_ONCE(h->acked_us, (u32)xtcp_clock_us());
	switch (xtcp_synq_ack(&lst->synq, h, seg->wnd, tsval_of(h, seg))) {
	case XTCP_SYNQ_ACK_GONE:
		redispatch(p, skb, &h->flow, seg);
		break;
	case XTCP_SYNQ_ACK_FIRST:
		note_held(p, &h->flow.tuple);
		parked(p, skb, &h->flow.tuple, seg, XTCP_LSTAT_ACK_HELD);
		break;
	case XTCP_SYNQ_ACK_AGAIN:
		parked(p, skb, &h->flow.tuple, seg, XTCP_LSTAT_ACK_PARKED);
		break;
	}
	xtcp_half_promote(lst);
}

/* TCP_DEFER_ACCEPT: nobody is woken for a peer that says nothing, until as many
 * SYN-ACKs have been due.  One that already waits for room has had its turn.
 */
static bool deferred(const struct xtcp_passive *p, struct xtcp_half *h,
		     const struct xtcp_segment *seg)
{
	u8 defer = READ_ONCE(xtcp_sk(p->lsk)->opt.defer_accept);

	if (likely(!defer) || seg->len || READ_ONCE(h->flow.spare) >= defer ||
	    xtcp_half_is(h, XTCP_HALF_ACKED))
		return false;
	if (!xtcp_half_is(h, XTCP_HALF_DEFERRED)) {
		WRITE_ONCE(h->acked_us, (u32)xtcp_clock_us());
		xtcp_synq_flag(&p->lst->synq, h, XTCP_HALF_DEFERRED);
	}
	return true;
}

/* The handshake is complete.  Eats skb. */
void xtcp_half_complete(const struct xtcp_passive *p, struct xtcp_half *h,
			struct sk_buff *skb, const struct xtcp_segment *seg)
{
	struct xtcp_listener *lst = p->lst;
	struct xtcp_sock *child;
	enum xtcp_drop why;

	if (deferred(p, h, seg)) {
		xtcp_mib_inc(lst->net, XTCP_MIB_DEFER_ACCEPT);
		parked(p, skb, &h->flow.tuple, seg, XTCP_LSTAT_ACK_PARKED);
		return;
	}
	if (READ_ONCE(lst->synq.acked_len) ||
	    xtcp_half_is(h, XTCP_HALF_ACKED) ||
	    !xtcp_acceptq_reserve(&lst->acceptq)) {
		half_hold(p, h, skb, seg);
		return;
	}
	child = child_replace(p, h, &why);
	if (child) {
		xtcp_lstat(lst, XTCP_LSTAT_ACK_CHILD);
		child_finish(p, child, h, skb, seg);
		return;
	}
	slot_return(lst);
	if (why == XTCP_DROP_DEMUX_RACE)
		redispatch(p, skb, &h->flow, seg);
	else
		xtcp_listen_drop(lst, skb, &h->flow.tuple, why, XTCP_LSTAT_ACK_OTHER);
}

/* --- the same for a cookie ----------------------------------------------- */

/* Accept queue full: an acked entry, as if it had been half-open all the time. */
static enum xtcp_drop cookie_hold(const struct xtcp_passive *p, struct xtcp_half *h)
{
	struct xtcp_synq *q = &p->lst->synq;

	if (!xtcp_synq_reserve(q)) {
		xtcp_half_free(h);
		return XTCP_DROP_COOKIE_FULL;
	}
	h->flags |= XTCP_HALF_ACKED;
	h->acked_us = (u32)xtcp_clock_us();
	if (!xtcp_half_publish(h, NULL)) {
		xtcp_synq_unreserve(q);
		xtcp_half_put(h);
		xtcp_half_put(h);
		return XTCP_DROP_DEMUX_RACE;
	}
	if (!xtcp_synq_link(q, h)) {
		xtcp_half_forget(h);
		xtcp_half_put(h);
		return XTCP_DROP_LISTEN_CLOSED;
	}
	xtcp_half_timer_arm(p->lst, XTCP_RTO_INIT_US);
	xtcp_half_put(h);
	return XTCP_DROP_NONE;
}

static void cookie_full(const struct xtcp_passive *p, struct xtcp_half *h,
			struct sk_buff *skb, const struct xtcp_segment *seg)
{
	struct xtcp_tuple t = h->flow.tuple;
	enum xtcp_drop why;

	if (acceptq_resets(p) && !xtcp_acceptq_has_room(&p->lst->acceptq)) {
		xtcp_half_free(h);
		refuse_full(p, skb, &t, seg);
		return;
	}
	why = cookie_hold(p, h);
	if (!why) {
		note_held(p, &t);
		parked(p, skb, &t, seg, XTCP_LSTAT_COOKIE_HELD);
		xtcp_half_promote(p->lst);
		return;
	}
	xtcp_listen_drop(p->lst, skb, &t, why, why == XTCP_DROP_COOKIE_FULL ?
			 XTCP_LSTAT_COOKIE_FULL : XTCP_LSTAT_ACK_OTHER);
}

void xtcp_half_complete_cookie(const struct xtcp_passive *p, struct xtcp_half *h,
			       struct sk_buff *skb, const struct xtcp_segment *seg)
{
	struct xtcp_listener *lst = p->lst;
	struct xtcp_sock *child;

	if (READ_ONCE(lst->synq.acked_len) || !xtcp_acceptq_reserve(&lst->acceptq)) {
		cookie_full(p, h, skb, seg);
		return;
	}
	child = xtcp_child_create(xtcp_sk(p->lsk), h);
	if (child && xtcp_flow_add(&child->flow)) {
		xtcp_lstat(lst, XTCP_LSTAT_COOKIE_CHILD);
		child_finish(p, child, h, skb, seg);
	} else if (child) {
		xtcp_child_discard(child);
		slot_return(lst);
		redispatch(p, skb, &h->flow, seg);
	} else {
		slot_return(lst);
		xtcp_listen_drop(lst, skb, &h->flow.tuple, XTCP_DROP_CHILD_NOMEM,
				 XTCP_LSTAT_ACK_OTHER);
	}
	xtcp_half_free(h);
}
