// SPDX-License-Identifier: GPL-2.0
/* listen.c - a listening socket: its two queues, its segments (RFC 9293
 * 3.10.7.2), its accept side.
 */
#include "engine/listen.h"

#include "conn/demux.h"
#include "conn/netns.h"
#include "conn/port.h"
#include "engine/listener.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "engine/timewait.h"
#include "engine/timewait.h"
#include "engine/trace.h"
#include "engine/xmit.h"
#include "proto/segment.h"

#include <linux/filter.h>
#include <linux/slab.h>
#include <linux/xtcp.h>

int xtcp_listen_init(void)
{
	return xtcp_half_init();
}

void xtcp_listen_exit(void)
{
	rcu_barrier();		/* listeners; then what is left of entries */
	xtcp_half_exit();
}

/* --- life of a listener -------------------------------------------------- */

static void listener_free(struct rcu_head *rcu)
{
	struct xtcp_listener *lst = container_of(rcu, struct xtcp_listener, rcu);

	xtcp_synq_destroy(&lst->synq);
	free_percpu(lst->stats);
	kfree(lst);
}

void xtcp_listener_put(struct xtcp_listener *lst)
{
	if (refcount_dec_and_test(&lst->ref))
		call_rcu(&lst->rcu, listener_free);
}

static struct xtcp_listener *listener_alloc(struct xtcp_sock *xs)
{
	struct xtcp_listener *lst = kzalloc(sizeof(*lst), GFP_KERNEL_ACCOUNT);
	struct sock *sk = xtcp_sock_sk(xs);

	if (!lst)
		return NULL;
	lst->stats = alloc_percpu_gfp(struct xtcp_listen_stats, GFP_KERNEL_ACCOUNT);
	if (!lst->stats)
		goto free;
	if (xtcp_synq_init(&lst->synq))
		goto free_stats;
	xtcp_acceptq_init(&lst->acceptq, &sk->sk_ack_backlog);
	xtcp_timer_setup(&lst->timer, xtcp_half_timer);
	mutex_init(&lst->accept);
	refcount_set(&lst->ref, 1);
	lst->net = sock_net(sk);
	xtcp_port_get(xs->port);
	lst->port = xs->port;
	RCU_INIT_POINTER(lst->sk, sk);
	return lst;
free_stats:
	free_percpu(lst->stats);
free:
	kfree(lst);
	return NULL;
}

static struct xtcp_listener *listener_of(struct xtcp_sock *xs)
{
	return rcu_dereference_protected(xs->lst,
					 lockdep_sock_is_held(xtcp_sock_sk(xs)));
}

/* --- listen() and its end ------------------------------------------------ */

/* Design section 3: negative means as many as possible, 0 means 1. */
static u32 backlog_granted(const struct net *net, int backlog)
{
	u32 max = READ_ONCE(net->core.sysctl_somaxconn);

	return max(1U, min_t(u32, backlog, max));
}

static void limits_set(struct xtcp_sock *xs, struct xtcp_listener *lst, int backlog)
{
	struct sock *sk = xtcp_sock_sk(xs);
	u32 n = backlog_granted(lst->net, backlog);
	u32 syn = n + n / 2;

	WRITE_ONCE(sk->sk_max_ack_backlog, n);
	xtcp_acceptq_open(&lst->acceptq, n);
	xtcp_synq_open(&lst->synq, syn);
	trace_xtcp_listen(sk, backlog, syn, n);
}

/* Listener in the table, then the shadow listens (design decision 6).  Before both,
 * the question whether it may: what will be refused takes no SYN of others meanwhile.
 */
static int listen_publish(struct xtcp_sock *xs)
{
	const struct sock *sk = xtcp_sock_sk(xs);
	int err;

	err = xtcp_port_listen_ask(xs->port, sk) ?: xtcp_listener_add(xs);
	if (err)
		return err;
	err = xtcp_port_listen(xs->port, sk);
	if (err)
		xtcp_listener_del(xs);
	return err;
}

/* A child nobody will accept (RFC 9293 3.10.4: the user is told by RST). */
static void child_abort(struct xtcp_sock *child)
{
	struct sock *sk = xtcp_sock_sk(child);

	lock_sock_nested(sk, SINGLE_DEPTH_NESTING);
	sock_orphan(sk);
	xtcp_state_abort(child, ECONNABORTED);
	release_sock(sk);
	sock_put(sk);				/* the accept queue's */
}

static void children_abort(struct xtcp_listener *lst)
{
	struct xtcp_sock *child, *next;
	LIST_HEAD(left);

	xtcp_acceptq_close(&lst->acceptq, &left);
	list_for_each_entry_safe(child, next, &left, acceptq_node) {
		list_del_init(&child->acceptq_node);
		child_abort(child);
		cond_resched();
	}
}

/* The socket is nobody's listener any more.  Segments on their way with lst->sk in
 * hand find closed queues; when the last of them is done, the port is free.
 */
static void unlisten(struct xtcp_sock *xs, struct xtcp_listener *lst)
{
	RCU_INIT_POINTER(lst->sk, NULL);
	RCU_INIT_POINTER(xs->lst, NULL);
	xtcp_half_drain(lst);
	children_abort(lst);
	/* Expedited: close() and bind() of the same port may follow at once. */
	synchronize_rcu_expedited();
	xtcp_timer_stop_sync(&lst->timer);
	xtcp_port_put(lst->port);
	xtcp_state_set(xs, XTCP_CLOSE);
	xtcp_listener_put(lst);
}

void xtcp_listen_stop(struct xtcp_sock *xs)
{
	struct xtcp_listener *lst = listener_of(xs);

	if (!lst)
		return;
	xtcp_port_unlisten(lst->port);
	xtcp_listener_del(xs);
	unlisten(xs, lst);
}

int xtcp_listen_start(struct xtcp_sock *xs, int backlog)
{
	struct sock *sk = xtcp_sock_sk(xs);
	struct xtcp_listener *lst = listener_of(xs);
	int err;

	if (lst) {
		limits_set(xs, lst, backlog);
		xtcp_half_promote(lst);
		return 0;
	}
	if (xs->state != XTCP_CLOSE)
		return -EINVAL;
	xtcp_port_reuse_changed(xs);
	lst = listener_alloc(xs);
	if (!lst)
		return -ENOMEM;

	sock_set_flag(sk, SOCK_RCU_FREE);
	limits_set(xs, lst, backlog);
	rcu_assign_pointer(xs->lst, lst);
	xtcp_state_set(xs, XTCP_LISTEN);
	err = listen_publish(xs);
	if (err)
		unlisten(xs, lst);
	return err;
}

/* --- segments ------------------------------------------------------------ */

void xtcp_listen_drop(struct xtcp_listener *lst, struct sk_buff *skb,
		      const struct xtcp_tuple *t, enum xtcp_drop why,
		      enum xtcp_listen_stat stat)
{
	switch (stat) {
	case XTCP_LSTAT_SYN_FULL:
	case XTCP_LSTAT_SYN_OTHER:
	case XTCP_LSTAT_ACK_FULL:
	case XTCP_LSTAT_COOKIE_FULL:
		xtcp_mib_inc(lst->net, XTCP_MIB_LISTEN_DROPS);
		break;
	default:
		break;
	}
	xtcp_lstat(lst, stat);
	xtcp_mib_drop(lst->net, why);
	trace_xtcp_drop(lst->net, t, why);
	kfree_skb(skb);
}

enum xtcp_drop xtcp_listen_admit(struct sock *lsk, struct sk_buff *skb,
				 const struct xtcp_tuple *t)
{
	const struct xtcp_ip_ops *ip = xtcp_ip_ops_of(t);
	unsigned int len = skb->len;
	u8 min_ttl;

	min_ttl = ip->version == 4 ? READ_ONCE(inet_sk(lsk)->min_ttl) :
		READ_ONCE(inet6_sk(lsk)->min_hopcount);
	if (ip->rx_ttl(skb) < min_ttl)
		return XTCP_DROP_MIN_TTL;
	if (!ip->rx_policy_ok(lsk, skb))
		return XTCP_DROP_POLICY;
	/* A filter that cuts data off leaves less than SEG.LEN says. */
	if (sk_filter(lsk, skb) || skb->len != len)
		return XTCP_DROP_FILTER;
	return XTCP_DROP_NONE;
}

static enum xtcp_synq_policy synq_policy(const struct xtcp_passive *p)
{
	int policy = READ_ONCE(xtcp_sk(p->lsk)->opt.synq_policy);

	if (policy >= 0)
		return policy;
	return READ_ONCE(xtcp_net(p->lst->net)->params.syncookies) ?
		XTCP_SYNQ_COOKIE : XTCP_SYNQ_DROP;
}

/* net.xtcp.syncookies = 2 */
static bool cookies_always(const struct xtcp_passive *p)
{
	return READ_ONCE(xtcp_sk(p->lsk)->opt.synq_policy) < 0 &&
	       READ_ONCE(xtcp_net(p->lst->net)->params.syncookies) == 2;
}

static enum xtcp_drop syn_cookie(const struct xtcp_passive *p, struct sk_buff *skb,
				 const struct xtcp_tuple *t,
				 const struct xtcp_segment *seg,
				 const struct xtcp_reopen *re,
				 enum xtcp_listen_stat *stat)
{
	enum xtcp_drop why;

	if (!xtcp_acceptq_has_room(&p->lst->acceptq))
		return XTCP_DROP_SYNQ_FULL;
	why = xtcp_syncookie_xmit(p, skb, t, seg);
	if (why) {
		*stat = XTCP_LSTAT_SYN_OTHER;
		return why;
	}
	/* The final ACK must not find what this connection takes the place of. */
	if (re->old)
		xtcp_tw_kill(re->old);
	*stat = XTCP_LSTAT_SYN_COOKIE;
	return why;
}

static enum xtcp_drop syn_full(const struct xtcp_passive *p, struct sk_buff *skb,
			       const struct xtcp_tuple *t,
			       const struct xtcp_segment *seg,
			       const struct xtcp_reopen *re,
			       enum xtcp_listen_stat *stat)
{
	*stat = XTCP_LSTAT_SYN_FULL;
	switch (synq_policy(p)) {
	case XTCP_SYNQ_COOKIE:
		return syn_cookie(p, skb, t, seg, re, stat);
	case XTCP_SYNQ_RESET:
		xtcp_xmit_rst_for(p->lst->net, skb, t, seg);
		break;
	case XTCP_SYNQ_DROP:
		break;
	}
	return XTCP_DROP_SYNQ_FULL;
}

/* Third: a SYN. */
static enum xtcp_drop listen_syn(const struct xtcp_passive *p, struct sk_buff *skb,
				 const struct xtcp_tuple *t,
				 const struct xtcp_segment *seg,
				 const struct xtcp_reopen *re,
				 enum xtcp_listen_stat *stat)
{
	enum xtcp_drop why;

	*stat = XTCP_LSTAT_SYN_OTHER;
	if (seg->ctl & XTCP_FIN)
		return XTCP_DROP_BAD_FLAGS;
	if (t->lport == t->rport && xtcp_addr_equal(&t->laddr, &t->raddr))
		return XTCP_DROP_LAND;
	why = xtcp_listen_admit(p->lsk, skb, t);
	if (why)
		return why;
	if (cookies_always(p) && xtcp_acceptq_has_room(&p->lst->acceptq))
		return syn_cookie(p, skb, t, seg, re, stat);
	why = xtcp_half_open(p, skb, t, seg, re);
	if (why == XTCP_DROP_SYNQ_FULL)
		return syn_full(p, skb, t, seg, re, stat);
	if (!why)
		*stat = XTCP_LSTAT_SYN_QUEUED;
	return why;
}

/* The same SYN on two CPUs: the other one's entry takes this one as a duplicate. */
static bool syn_is_known(const struct xtcp_listener *lst, struct sk_buff *skb,
			 const struct xtcp_tuple *t, const struct xtcp_segment *seg)
{
	struct xtcp_flow *f;

	f = xtcp_flow_lookup(lst->net, t, xtcp_ip_rx_l3dev(skb));
	if (!f)
		return false;
	if (f->kind == XTCP_FLOW_HALF) {
		xtcp_half_rcv(xtcp_half_of(f), skb, seg);
		return true;
	}
	xtcp_flow_put(f);
	return false;
}

static void listen_syn_rcv(const struct xtcp_passive *p, struct sk_buff *skb,
			   const struct xtcp_tuple *t,
			   const struct xtcp_segment *seg,
			   const struct xtcp_reopen *re)
{
	enum xtcp_listen_stat stat;
	enum xtcp_drop why;

	why = listen_syn(p, skb, t, seg, re, &stat);
	if (why == XTCP_DROP_DEMUX_RACE && syn_is_known(p->lst, skb, t, seg))
		return;
	xtcp_mib_inc(p->lst->net, XTCP_MIB_SYN_RCVD);
	trace_xtcp_syn(p->lst->net, t, xtcp_synq_len(&p->lst->synq),
		       READ_ONCE(p->lst->synq.max), why);
	if (why) {
		xtcp_listen_drop(p->lst, skb, t, why, stat);
		return;
	}
	xtcp_lstat(p->lst, stat);
	consume_skb(skb);
}

static void drop_closed(const struct xtcp_sock *xs, struct sk_buff *skb,
			const struct xtcp_tuple *t)
{
	const struct net *net = sock_net(&xs->inet.sk);

	xtcp_mib_drop(net, XTCP_DROP_LISTEN_CLOSED);
	trace_xtcp_drop(net, t, XTCP_DROP_LISTEN_CLOSED);
	kfree_skb(skb);
}

static void ack_rcv(const struct xtcp_passive *p, struct sk_buff *skb,
		    const struct xtcp_tuple *t, const struct xtcp_segment *seg)
{
	enum xtcp_drop why = xtcp_listen_admit(p->lsk, skb, t);

	if (why)
		xtcp_listen_drop(p->lst, skb, t, why, XTCP_LSTAT_ACK_OTHER);
	else
		xtcp_syncookie_rcv(p, skb, t, seg);
}

/* RFC 9293 3.10.7.2 */
void xtcp_listen_segment(struct xtcp_sock *xs, struct sk_buff *skb,
			 const struct xtcp_tuple *t, const struct xtcp_segment *seg,
			 const struct xtcp_reopen *re)
{
	struct xtcp_passive p = { .lst = rcu_dereference(xs->lst) };

	if (p.lst)
		p.lsk = rcu_dereference(p.lst->sk);
	if (!p.lsk)
		drop_closed(xs, skb, t);
	/* first: RST */
	else if (seg->ctl & XTCP_RST)
		xtcp_listen_drop(p.lst, skb, t, XTCP_DROP_LISTEN_RST,
				 XTCP_LSTAT_OTHER);
	/* second: ACK */
	else if (seg->ctl & XTCP_ACK)
		ack_rcv(&p, skb, t, seg);
	/* third: SYN */
	else if (seg->ctl & XTCP_SYN)
		listen_syn_rcv(&p, skb, t, seg, re);
	/* fourth: anything else */
	else
		xtcp_listen_drop(p.lst, skb, t, XTCP_DROP_BAD_FLAGS,
				 XTCP_LSTAT_OTHER);
}

void xtcp_listen_rcv(struct xtcp_sock *xs, struct sk_buff *skb,
		     const struct xtcp_tuple *t, const struct xtcp_segment *seg)
{
	static const struct xtcp_reopen nothing;

	xtcp_listen_segment(xs, skb, t, seg, &nothing);
}

/* --- the accept side ----------------------------------------------------- */

static struct xtcp_sock *child_of(struct list_head *node)
{
	return node ? list_entry(node, struct xtcp_sock, acceptq_node) : NULL;
}

static void popped(struct xtcp_listener *lst)
{
	xtcp_lstat(lst, XTCP_LSTAT_ACCEPTED);
	xtcp_half_promote(lst);
}

struct xtcp_sock *xtcp_listen_pop(struct xtcp_sock *lsk)
{
	struct xtcp_listener *lst;
	struct xtcp_sock *child = NULL;

	rcu_read_lock();
	lst = rcu_dereference(lsk->lst);
	if (lst) {
		child = child_of(xtcp_acceptq_pop(&lst->acceptq));
		if (child)
			popped(lst);
	}
	rcu_read_unlock();
	return child;
}

struct xtcp_sock *xtcp_listen_peek(struct xtcp_sock *lsk)
{
	struct xtcp_sock *child = NULL;
	struct xtcp_listener *lst;

	rcu_read_lock();
	lst = rcu_dereference(lsk->lst);
	if (lst) {
		spin_lock_bh(&lst->acceptq.lock);
		child = child_of(xtcp_acceptq_peek_locked(&lst->acceptq));
		if (child)
			sock_hold(xtcp_sock_sk(child));
		spin_unlock_bh(&lst->acceptq.lock);
	}
	rcu_read_unlock();
	return child;
}

bool xtcp_listen_pop_this(struct xtcp_sock *lsk, struct xtcp_sock *child)
{
	struct xtcp_listener *lst;
	bool taken = false;

	rcu_read_lock();
	lst = rcu_dereference(lsk->lst);
	if (lst) {
		taken = xtcp_acceptq_pop_this(&lst->acceptq, &child->acceptq_node);
		if (taken)
			popped(lst);
	}
	rcu_read_unlock();
	return taken;
}

struct mutex *xtcp_listen_accept_mutex(struct xtcp_sock *lsk)
{
	return &listener_of(lsk)->accept;
}

bool xtcp_listen_readable(const struct sock *lsk)
{
	const struct xtcp_listener *lst;
	bool ready;

	rcu_read_lock();
	lst = rcu_dereference(xtcp_sk(lsk)->lst);
	ready = lst && xtcp_acceptq_len(&lst->acceptq);
	rcu_read_unlock();
	return ready;
}
