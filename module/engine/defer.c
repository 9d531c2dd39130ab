// SPDX-License-Identifier: GPL-2.0
/* defer.c - what could not be done where it was noticed: the user had the lock,
 * or an skb was freed inside our own transmit.  Bits of xs->deferred, done by
 * release_sock() or by a tasklet of this CPU.
 */
#include "engine/output.h"

#include "compat/sock_parts.h"
#include "engine/pmtu.h"
#include "engine/sock.h"
#include "engine/timers.h"

#include <linux/interrupt.h>

struct defer_list {
	struct list_head	head;		/* irqs off on this CPU */
	struct tasklet_struct	tasklet;
};

static DEFINE_PER_CPU(struct defer_list, defer_lists);

/* A writer waits while cwnd has room: the buffer is what holds the flow back.
 * Twice the window, for a round trip passes before what is sent is freed.
 */
static void grow_sndbuf(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;
	u32 segs = max_t(u32, xs->cong.cwnd, XTCP_INIT_CWND);
	u64 want = 2ULL * segs * (xs->snd.mss + SKB_TRUESIZE(XTCP_HEADROOM));

	if (sk->sk_userlocks & SOCK_SNDBUF_LOCK || xtcp_pipe(xs) >= xs->cong.cwnd ||
	    sk_under_memory_pressure(sk))
		return;
	want = min_t(u64, want, READ_ONCE(xs->params->wmem[2]));
	if (want > sk->sk_sndbuf)
		WRITE_ONCE(sk->sk_sndbuf, want);
}

static void wake_writer(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;
	struct socket *sock = sk->sk_socket;
	struct socket_wq *wq;

	if (!sock || !test_bit(SOCK_NOSPACE, &sock->flags))
		return;
	grow_sndbuf(xs);
	if (!sk_stream_is_writeable(sk))
		return;
	clear_bit(SOCK_NOSPACE, &sock->flags);
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM |
					   EPOLLWRBAND);
	if (wq && wq->fasync_list && !(sk->sk_shutdown & SEND_SHUTDOWN))
		sock_wake_async(wq, SOCK_WAKE_SPACE, POLL_OUT);
	rcu_read_unlock();
}

void xtcp_output_room(struct xtcp_sock *xs)
{
	const struct socket *sock = xs->inet.sk.sk_socket;

	smp_mb();	/* pairs with set SOCK_NOSPACE, test in poll and wait */
	wake_writer(xs);
	if (unlikely(xs->chrono.kind == XTCP_CHRONO_SNDBUF) &&
	    !(sock && test_bit(SOCK_NOSPACE, &sock->flags)))
		xtcp_chrono_stop(&xs->chrono, XTCP_CHRONO_SNDBUF, xtcp_clock_us());
}

static void run_one(struct xtcp_sock *xs, int what)
{
	switch (what) {
	case XTCP_DEFER_TIMER:
		xtcp_timers_run(xs);
		break;
	case XTCP_DEFER_PMTU:
		xtcp_pmtu_reduced(xs, READ_ONCE(xs->mtu_info));
		break;
	case XTCP_DEFER_ACK:
		xtcp_ack_hold_run(xs);
		break;
	case XTCP_DEFER_TX:
		if (!xs->done)
			xtcp_output(xs, false);
		break;
	case XTCP_DEFER_WAKE:
		wake_writer(xs);
		break;
	}
}

void xtcp_defer_run(struct xtcp_sock *xs, int what)
{
	struct sock *sk = &xs->inet.sk;

	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		set_bit(what, &xs->deferred);
	else
		run_one(xs, what);
	bh_unlock_sock(sk);
	sock_put(sk);
}

void xtcp_release_cb(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int what;

	if (likely(!(READ_ONCE(xs->deferred) & XTCP_DEFER_WORK)))
		return;
	for (what = 0; what < XTCP_DEFER_WORKS; what++)
		if (test_and_clear_bit(what, &xs->deferred))
			run_one(xs, what);
}

static void defer_queue(struct xtcp_sock *xs)
{
	struct defer_list *dl;
	unsigned long flags;

	if (test_and_set_bit(XTCP_DEFER_QUEUED, &xs->deferred))
		return;
	if (!refcount_inc_not_zero(&xs->inet.sk.sk_refcnt)) {
		clear_bit(XTCP_DEFER_QUEUED, &xs->deferred);
		return;		/* being freed: nothing to send */
	}
	local_irq_save(flags);
	dl = this_cpu_ptr(&defer_lists);
	if (list_empty(&dl->head))
		tasklet_schedule(&dl->tasklet);
	list_add_tail(&xs->defer_node, &dl->head);
	local_irq_restore(flags);
}

void xtcp_write_space(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (unlikely(sock_owned_by_user_nocheck(sk) &&
		     !test_bit(XTCP_DEFER_WAKE, &xs->deferred)))
		set_bit(XTCP_DEFER_WAKE, &xs->deferred);
	if (test_bit(XTCP_DEFER_THROTTLED, &xs->deferred) &&
	    test_and_clear_bit(XTCP_DEFER_THROTTLED, &xs->deferred))
		defer_queue(xs);
}

static void defer_one(struct xtcp_sock *xs)
{
	clear_bit(XTCP_DEFER_QUEUED, &xs->deferred);
	smp_mb__after_atomic();	/* who sets a bit after this queues it again */
	xtcp_defer_run(xs, XTCP_DEFER_TX);
}

static void defer_run(struct tasklet_struct *t)
{
	struct defer_list *dl = from_tasklet(dl, t, tasklet);
	struct xtcp_sock *xs, *next;
	unsigned long flags;
	LIST_HEAD(todo);

	local_irq_save(flags);
	list_splice_init(&dl->head, &todo);
	local_irq_restore(flags);
	list_for_each_entry_safe(xs, next, &todo, defer_node) {
		list_del(&xs->defer_node);
		defer_one(xs);
	}
}

int xtcp_output_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct defer_list *dl = per_cpu_ptr(&defer_lists, cpu);

		INIT_LIST_HEAD(&dl->head);
		tasklet_setup(&dl->tasklet, defer_run);
	}
	return 0;
}

void xtcp_output_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_kill(&per_cpu_ptr(&defer_lists, cpu)->tasklet);
}
