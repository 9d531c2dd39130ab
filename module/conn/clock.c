// SPDX-License-Identifier: GPL-2.0
/* clock.c - kernel timers under protocol time. */
#include "conn/clock.h"

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/time64.h>

#include <net/sock.h>

/* usecs_to_jiffies() takes 32 bits.  A later deadline fires early, which every
 * owner of a timer copes with.
 */
#define MAX_WAIT_US	(3600ULL * USEC_PER_SEC)

/* True if the timer was not pending before.  Two CPUs may arm one that has no lock
 * (a listener's): whatever t->at says in the end, the timer stands at the earlier.
 */
static bool arm(struct xtcp_timer *t, u64 at)
{
	u64 now = xtcp_clock_us();
	u64 wait = at > now ? min_t(u64, at - now, MAX_WAIT_US) : 0;

	WRITE_ONCE(t->at, now + wait);
	return !timer_reduce(&t->timer, jiffies + usecs_to_jiffies(wait));
}

static bool stands(const struct xtcp_timer *t, u64 at)
{
	return timer_pending(&t->timer) && READ_ONCE(t->at) <= at;
}

void xtcp_timer_arm(struct xtcp_timer *t, u64 at)
{
	if (!stands(t, at))
		arm(t, at);
}

void xtcp_timer_arm_sk(struct sock *sk, struct xtcp_timer *t, u64 at)
{
	if (!stands(t, at) && arm(t, at))
		sock_hold(sk);
}

void xtcp_timer_stop_sk(struct sock *sk, struct xtcp_timer *t)
{
	if (timer_delete(&t->timer))
		__sock_put(sk);
}

void xtcp_timer_stop_sync(struct xtcp_timer *t)
{
	timer_delete_sync(&t->timer);
}

void xtcp_fine_timer_arm_sk(struct sock *sk, struct xtcp_fine_timer *t,
			    u64 at, u64 slack)
{
	if (hrtimer_is_queued(&t->timer))
		return;
	hrtimer_start_range_ns(&t->timer, ns_to_ktime(at), slack,
			       HRTIMER_MODE_ABS_PINNED_SOFT);
	sock_hold(sk);
}

void xtcp_fine_timer_stop_sk(struct sock *sk, struct xtcp_fine_timer *t)
{
	if (hrtimer_try_to_cancel(&t->timer) == 1)
		__sock_put(sk);
}
