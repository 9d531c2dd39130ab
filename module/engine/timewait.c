// SPDX-License-Identifier: GPL-2.0
#include "engine/timewait.h"

#include "conn/demux.h"
#include "conn/netns.h"
#include "conn/port.h"
#include "engine/listener.h"
#include "engine/sock.h"
#include "engine/trace.h"
#include "engine/window.h"
#include "engine/xmit.h"
#include "proto/proto.h"
#include "proto/segment.h"
#include "proto/seq.h"

#include <linux/slab.h>

#include <net/ipv6.h>

#define TW_WAIT_MS	(XTCP_TIMEWAIT_US / XTCP_USEC_PER_MSEC)
#define TW_ACK_GAP_MS	500	/* answers to what is no FIN, per entry */
#define TW_BUDGET	1024	/* entries of one run of the timer */

/* flow.spare */
#define TW_TS		0x01	/* timestamps were negotiated */
#define TW_TOS		0xfc	/* TOS or traffic class of the answers */

/* What protects what:
 *
 *   snd_nxt rcv_nxt ts_offset mark, flow.spare, flow.spare16
 *					constant
 *   ts_recent last_ack_ms		racy: each store is a true value
 *   fifo until_ms			xnet->tw.lock
 *
 * References: the flow table's, each lookup in progress.  Whoever takes it out of
 * the table takes it out of the FIFO and puts the table's; as for half-open
 * entries (queue/synq.h).  flow.spare16 is the window on the wire.
 */
struct xtcp_tw {
	struct xtcp_flow	flow;
	struct list_head	fifo;
	struct xtcp_port	*port;		/* counted */
	refcount_t		ref;
	u32			snd_nxt;
	u32			rcv_nxt;
	u32			ts_recent;
	u32			ts_offset;
	u32			mark;
	u32			last_ack_ms;
	u32			until_ms;	/* protocol time, low bits */
};

static struct kmem_cache *tw_cache __ro_after_init;

/* --- memory ---------------------------------------------------------------- */

struct xtcp_tw *xtcp_tw_of(struct xtcp_flow *f)
{
	return container_of(f, struct xtcp_tw, flow);
}

void xtcp_tw_put(struct xtcp_tw *tw)
{
	struct xtcp_port *port = tw->port;

	if (!refcount_dec_and_test(&tw->ref))
		return;
	kmem_cache_free(tw_cache, tw);
	xtcp_port_put(port);
}

static bool tw_get(struct xtcp_flow *f)
{
	return refcount_inc_not_zero(&xtcp_tw_of(f)->ref);
}

static void tw_flow_put(struct xtcp_flow *f)
{
	xtcp_tw_put(xtcp_tw_of(f));
}

static const struct xtcp_flow_kind_ops tw_kind = {
	.get	= tw_get,
	.put	= tw_flow_put,
};

/* Readers may stand on a free object: it must look like one in no table. */
static void tw_ctor(void *p)
{
	struct xtcp_tw *tw = p;

	xtcp_flow_init_unhashed(&tw->flow);
	refcount_set(&tw->ref, 0);
}

int xtcp_tw_init(void)
{
	BUILD_BUG_ON(sizeof(struct xtcp_tw) != 128);
	tw_cache = kmem_cache_create("xtcp_tw", sizeof(struct xtcp_tw), 0,
				     SLAB_TYPESAFE_BY_RCU, tw_ctor);
	if (!tw_cache)
		return -ENOMEM;
	xtcp_flow_kind_register(XTCP_FLOW_TW, &tw_kind);
	return 0;
}

/* All namespaces are gone. */
void xtcp_tw_exit(void)
{
	rcu_barrier();
	xtcp_flow_kind_register(XTCP_FLOW_TW, NULL);
	kmem_cache_destroy(tw_cache);
}

unsigned int xtcp_tw_object_size(void)
{
	return sizeof(struct xtcp_tw);
}

/* --- the FIFO of a namespace ------------------------------------------------ */

static struct xtcp_tw_queue *queue_of(const struct xtcp_tw *tw)
{
	return &xtcp_net(tw->flow.net)->tw;
}

static bool slot_get(struct xtcp_net *xnet)
{
	struct xtcp_tw_queue *q = &xnet->tw;
	bool ok;

	spin_lock_bh(&q->lock);
	ok = q->len < (unsigned int)max(READ_ONCE(xnet->params.max_tw_buckets), 0);
	if (ok)
		q->len++;
	spin_unlock_bh(&q->lock);
	return ok;
}

static void slot_put(struct xtcp_tw_queue *q)
{
	spin_lock_bh(&q->lock);
	q->len--;
	spin_unlock_bh(&q->lock);
}

/* In the table already; unless it has left it by now (see synq.c, may_link()). */
static void fifo_add(struct xtcp_tw *tw)
{
	struct xtcp_tw_queue *q = queue_of(tw);

	spin_lock_bh(&q->lock);
	tw->until_ms = xtcp_clock_ms() + TW_WAIT_MS;
	if (xtcp_flow_hashed(&tw->flow))
		list_add_tail(&tw->fifo, &q->fifo);
	spin_unlock_bh(&q->lock);
	xtcp_timer_arm(&q->timer, xtcp_clock_us() + XTCP_TIMEWAIT_US);
}

/* 2 MSL again (RFC 9293 3.10.7.4 eighth, TIME-WAIT). */
static void fifo_restart(struct xtcp_tw *tw)
{
	struct xtcp_tw_queue *q = queue_of(tw);

	spin_lock_bh(&q->lock);
	if (!list_empty(&tw->fifo)) {
		tw->until_ms = xtcp_clock_ms() + TW_WAIT_MS;
		list_move_tail(&tw->fifo, &q->fifo);
	}
	spin_unlock_bh(&q->lock);
}

/* Out of the table: by whoever took it out. */
static void tw_gone(struct xtcp_tw *tw)
{
	struct xtcp_tw_queue *q = queue_of(tw);

	spin_lock_bh(&q->lock);
	list_del_init(&tw->fifo);
	q->len--;
	spin_unlock_bh(&q->lock);
	xtcp_tw_put(tw);			/* the table's */
}

void xtcp_tw_replaced(struct xtcp_flow *f)
{
	xtcp_mib_inc(f->net, XTCP_MIB_TW_RECYCLED);
	tw_gone(xtcp_tw_of(f));
}

void xtcp_tw_kill(struct xtcp_flow *f)
{
	if (xtcp_flow_del(f))
		tw_gone(xtcp_tw_of(f));
}

/* The oldest that has waited long enough (or any), with a reference, in no FIFO.
 * NULL: *wait_ms until there is one, or none at all.
 */
static struct xtcp_tw *fifo_take(struct xtcp_tw_queue *q, bool any, s32 *wait_ms)
{
	struct xtcp_tw *tw;

	*wait_ms = -1;
	spin_lock_bh(&q->lock);
	tw = list_first_entry_or_null(&q->fifo, struct xtcp_tw, fifo);
	if (tw && !any)
		*wait_ms = max_t(s32, tw->until_ms - xtcp_clock_ms(), 0);
	if (tw && (any || !*wait_ms)) {
		refcount_inc(&tw->ref);
		list_del_init(&tw->fifo);
	} else {
		tw = NULL;
	}
	spin_unlock_bh(&q->lock);
	return tw;
}

static void tw_end(struct xtcp_tw *tw)
{
	xtcp_tw_kill(&tw->flow);
	xtcp_tw_put(tw);
}

static void tw_timer(struct timer_list *t)
{
	struct xtcp_tw_queue *q = xtcp_timer_of(t, struct xtcp_tw_queue, timer);
	unsigned int n = 0;
	struct xtcp_tw *tw;
	s32 wait_ms = 0;

	while (n++ < TW_BUDGET && (tw = fifo_take(q, false, &wait_ms)))
		tw_end(tw);
	if (wait_ms >= 0)
		xtcp_timer_arm(&q->timer,
			       xtcp_clock_us() + wait_ms * (u64)XTCP_USEC_PER_MSEC);
}

int xtcp_tw_net_init(struct net *net)
{
	struct xtcp_tw_queue *q = &xtcp_net(net)->tw;

	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->fifo);
	q->len = 0;
	xtcp_timer_setup(&q->timer, tw_timer);
	return 0;
}

/* No socket is left to make another one. */
void xtcp_tw_net_exit(struct net *net)
{
	struct xtcp_tw_queue *q = &xtcp_net(net)->tw;
	struct xtcp_tw *tw;
	s32 wait_ms;

	xtcp_timer_stop_sync(&q->timer);
	while ((tw = fifo_take(q, true, &wait_ms))) {
		tw_end(tw);
		cond_resched();
	}
	WARN_ON_ONCE(q->len);
}

/* --- a connection becomes one ------------------------------------------------ */

static void tw_fill(struct xtcp_tw *tw, const struct xtcp_sock *xs)
{
	const struct sock *sk = &xs->inet.sk;
	struct xtcp_ip_attr attr;

	xtcp_ip_attr_sk(&attr, sk, xs->ip->version == 4);
	xtcp_flow_init_as(&tw->flow, XTCP_FLOW_TW, &xs->flow);
	tw->flow.spare = (attr.tos & TW_TOS) | (xs->neg.ts ? TW_TS : 0);
	tw->flow.spare16 = min_t(u32, xtcp_rcv_window(xs) >> xs->neg.rcv_wscale,
				 XTCP_MAX_WINDOW);
	INIT_LIST_HEAD(&tw->fifo);
	tw->port = xs->port;
	if (tw->port)
		xtcp_port_get(tw->port);
	tw->snd_nxt = xs->snd.nxt;
	tw->rcv_nxt = xs->rcv.nxt;
	tw->ts_recent = xs->ts.recent;
	tw->ts_offset = xs->ts.offset;
	tw->mark = attr.mark;
	tw->last_ack_ms = xtcp_clock_ms() - TW_ACK_GAP_MS;
}

static bool tw_publish(struct xtcp_tw *tw, struct xtcp_sock *xs)
{
	refcount_set(&tw->ref, 2);		/* the table's, ours */
	if (!xtcp_flow_replace(&xs->flow, &tw->flow)) {
		xtcp_tw_put(tw);
		xtcp_tw_put(tw);
		return false;
	}
	xs->in_table = 0;
	fifo_add(tw);
	xtcp_tw_put(tw);
	sock_put(&xs->inet.sk);			/* the table's; the caller has one */
	return true;
}

bool xtcp_tw_enter(struct xtcp_sock *xs)
{
	struct net *net = sock_net(&xs->inet.sk);
	struct xtcp_net *xnet = xtcp_net(net);
	struct xtcp_tw *tw = NULL;

	if (slot_get(xnet)) {
		tw = kmem_cache_alloc(tw_cache, GFP_ATOMIC | __GFP_NOWARN);
		if (!tw)
			slot_put(&xnet->tw);
	}
	if (!tw) {
		xtcp_mib_inc(net, XTCP_MIB_TW_OVERFLOW);
		xtcp_mib_drop(net, XTCP_DROP_TW_FULL);
		trace_xtcp_drop(net, &xs->flow.tuple, XTCP_DROP_TW_FULL);
		return false;
	}
	tw_fill(tw, xs);
	if (!tw_publish(tw, xs)) {
		slot_put(&xnet->tw);
		return false;
	}
	xtcp_mib_inc(net, XTCP_MIB_TW);
	return true;
}

/* --- segments --------------------------------------------------------------- */

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> */
static void ack_xmit(struct xtcp_tw *tw, const struct sk_buff *skb)
{
	struct xtcp_reply r;

	WRITE_ONCE(tw->last_ack_ms, xtcp_clock_ms());
	xtcp_reply_init(&r, tw->flow.net, skb, &tw->flow.tuple);
	if (tw->mark)
		r.attr.mark = tw->mark;
	r.attr.tos = tw->flow.spare & TW_TOS;
	r.seq = tw->snd_nxt;
	r.ack = tw->rcv_nxt;
	r.wnd = tw->flow.spare16;
	r.ctl = XTCP_ACK;
	if (tw->flow.spare & TW_TS) {
		r.opt.tstamp = true;
		r.opt.tsval = xtcp_clock_ms() + tw->ts_offset;
		r.opt.tsecr = READ_ONCE(tw->ts_recent);
	}
	xtcp_xmit_reply(&r);
}

static bool ack_is_due(struct xtcp_tw *tw)
{
	u32 gap = xtcp_clock_ms() - READ_ONCE(tw->last_ack_ms);

	return gap >= TW_ACK_GAP_MS && xtcp_challenge_allowed(tw->flow.net);
}

static bool has_ts(const struct xtcp_tw *tw, const struct xtcp_segment *seg)
{
	return tw->flow.spare & TW_TS && seg->opt.saw_tstamp;
}

/* RFC 6191 section 2, as Linux has it: a newer timestamp, or a sequence number
 * beyond what was received.
 */
static bool reopens(const struct xtcp_tw *tw, const struct xtcp_segment *seg)
{
	if ((seg->ctl & (XTCP_SYN | XTCP_RST | XTCP_ACK | XTCP_FIN)) != XTCP_SYN)
		return false;
	if (seq_gt(seg->seq, tw->rcv_nxt))
		return true;
	return has_ts(tw, seg) &&
	       (s32)(seg->opt.tsval - READ_ONCE(tw->ts_recent)) > 0;
}

/* To the listener, with an ISN above all that the old connection sent. True: the skb
 * is eaten.
 */
static bool reopen(struct xtcp_tw *tw, struct sk_buff *skb,
		   const struct xtcp_segment *seg)
{
	struct xtcp_reopen re = {
		.old = &tw->flow,
		.isn = tw->snd_nxt + 65535 + 2,
	};
	struct xtcp_sock *xs;

	re.isn += !re.isn;			/* 0 would mean: choose one */
	xs = xtcp_listener_lookup(tw->flow.net, &tw->flow.tuple,
				  xtcp_ip_rx_iif(skb), xtcp_ip_rx_sdif(skb));
	if (!xs)
		return false;
	xtcp_listen_segment(xs, skb, &tw->flow.tuple, seg, &re);
	return true;
}

/* RFC 6191 from the other end: with timestamps the peer can tell old from new, once
 * our clock has moved on.
 */
static bool may_take_over(const struct xtcp_tw *tw, const struct xtcp_params *params)
{
	int reuse = READ_ONCE(params->reuse_tw);
	u32 age = TW_WAIT_MS - (READ_ONCE(tw->until_ms) - xtcp_clock_ms());
	const struct in6_addr *a = &tw->flow.tuple.raddr.in6;

	if (!(tw->flow.spare & TW_TS) || !READ_ONCE(params->timestamps) ||
	    age < MSEC_PER_SEC)
		return false;
	if (reuse == 2)
		return ipv6_addr_loopback(a) || (ipv6_addr_v4mapped(a) &&
						 ipv4_is_loopback(a->s6_addr32[3]));
	return reuse;
}

bool xtcp_tw_take_over(struct xtcp_sock *xs)
{
	struct xtcp_flow *f = xtcp_flow_lookup_locked(xs->flow.net, &xs->flow.tuple,
						      xs->flow.l3dev);
	struct xtcp_tw *tw;
	bool taken = false;

	if (!f)
		return xtcp_flow_add(&xs->flow);	/* it has just gone */
	tw = xtcp_tw_of(f);
	if (f->kind == XTCP_FLOW_TW && may_take_over(tw, xs->params)) {
		xs->snd.iss = tw->snd_nxt + 65535 + 2;
		xs->snd.iss += !xs->snd.iss;
		taken = xtcp_flow_replace(f, &xs->flow);
		if (taken)
			xtcp_tw_replaced(f);
		else
			xs->snd.iss = 0;
	}
	xtcp_flow_put(f);
	return taken;
}

/* The peer did not get our last ACK. */
static bool is_fin_again(const struct xtcp_tw *tw, const struct xtcp_segment *seg)
{
	return seg->ctl & XTCP_FIN && seg->end_seq == tw->rcv_nxt;
}

/* RFC 9293 3.10.7.4 for TIME-WAIT; RFC 1337: a RST ends nothing. */
static enum xtcp_drop tw_segment(struct xtcp_tw *tw, const struct sk_buff *skb,
				 const struct xtcp_segment *seg, bool paws)
{
	if (seg->ctl & XTCP_RST)
		return XTCP_DROP_TW_RST;
	if (!paws && is_fin_again(tw, seg)) {
		fifo_restart(tw);
		ack_xmit(tw, skb);
		return XTCP_DROP_TW_ACKED;
	}
	if (!paws && seg->seq == tw->rcv_nxt && !seg->len) {
		if (has_ts(tw, seg))
			WRITE_ONCE(tw->ts_recent, seg->opt.tsval);
		return XTCP_DROP_TW_OLD;
	}
	if (ack_is_due(tw)) {
		ack_xmit(tw, skb);
		return XTCP_DROP_TW_ACKED;
	}
	return paws ? XTCP_DROP_TW_PAWS : XTCP_DROP_TW_OLD;
}

void xtcp_tw_rcv(struct xtcp_flow *f, struct sk_buff *skb, struct xtcp_segment *seg)
{
	struct xtcp_tw *tw = xtcp_tw_of(f);
	enum xtcp_drop why;
	bool paws;

	paws = has_ts(tw, seg) &&
	       (s32)(seg->opt.tsval - READ_ONCE(tw->ts_recent)) < 0;
	if (paws || !reopens(tw, seg) || !reopen(tw, skb, seg)) {
		why = tw_segment(tw, skb, seg, paws);
		xtcp_mib_drop(f->net, why);
		trace_xtcp_drop(f->net, &f->tuple, why);
		kfree_skb(skb);
	}
	xtcp_tw_put(tw);
}

void xtcp_tw_show(struct xtcp_flow *f, u8 *state, u64 *until_us, int *refs)
{
	struct xtcp_tw *tw = xtcp_tw_of(f);
	u64 now = xtcp_clock_us();
	s32 left = READ_ONCE(tw->until_ms) - xtcp_clock_us_to_ms(now);

	*state = XTCP_TIME_WAIT;
	*until_us = now + max(left, 0) * (u64)XTCP_USEC_PER_MSEC;
	*refs = refcount_read(&tw->ref);
}
