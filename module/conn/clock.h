/* SPDX-License-Identifier: GPL-2.0 */
/* clock.h - the only place that reads a clock or arms a kernel timer.
 *
 * Protocol time is microseconds since boot (RTT, timestamps, timers); a
 * connection's TSval is protocol milliseconds plus its offset.  Wire time is
 * monotonic nanoseconds, for skb time stamps and pacing.
 *
 * struct xtcp_timer is one kernel timer.  Arming it later than it stands is
 * free: it fires early, the owner looks at its deadlines and arms it again.
 * A timer armed for a socket holds a reference on it.
 *
 * struct xtcp_fine_timer is to the nanosecond, in wire time, and runs in softirq
 * as the others do: for engine/alarm.h.
 */
#ifndef XTCP_CONN_CLOCK_H
#define XTCP_CONN_CLOCK_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include <linux/timer.h>
#include <linux/types.h>

struct sock;

static inline u64 xtcp_clock_ns(void)
{
	return ktime_get_ns();
}

static inline u64 xtcp_clock_us(void)
{
	return div_u64(ktime_get_ns(), NSEC_PER_USEC);
}

static inline u32 xtcp_clock_ms(void)
{
	return (u32)div_u64(ktime_get_ns(), NSEC_PER_MSEC);
}

/* TSval's clock from protocol time at hand. */
static inline u32 xtcp_clock_us_to_ms(u64 us)
{
	return (u32)div_u64(us, USEC_PER_MSEC);
}

/* Milliseconds since midnight, universal time, as IPv4's timestamp option wants them. */
static inline __be32 xtcp_clock_of_day(void)
{
	struct timespec64 now;
	u32 sec;

	ktime_get_real_ts64(&now);
	div_u64_rem(now.tv_sec, 86400, &sec);
	return htonl(sec * MSEC_PER_SEC + now.tv_nsec / NSEC_PER_MSEC);
}

struct xtcp_timer {
	struct timer_list	timer;
	u64			at;	/* us; when it will fire, valid while pending */
};

typedef void (*xtcp_timer_fn)(struct timer_list *t);
#define xtcp_timer_of(t, type, member) \
	container_of(container_of(t, struct xtcp_timer, timer), type, member)

/* A macro, so that lockdep tells the timers of different owners apart. */
#define xtcp_timer_setup(t, fn)				\
	do {						\
		timer_setup(&(t)->timer, fn, 0);	\
		(t)->at = 0;				\
	} while (0)
/* Fire at @at or earlier than @at if it already stands so.  Returns at once
 * when it stands early enough. */
void xtcp_timer_arm(struct xtcp_timer *t, u64 at);
void xtcp_timer_arm_sk(struct sock *sk, struct xtcp_timer *t, u64 at);
void xtcp_timer_stop_sk(struct sock *sk, struct xtcp_timer *t);
void xtcp_timer_stop_sync(struct xtcp_timer *t);	/* process context */

struct xtcp_fine_timer {
	struct hrtimer	timer;
};

#define xtcp_fine_timer_setup(t, fn)					\
	xtcp_compat_hrtimer_setup(&(t)->timer, fn, CLOCK_MONOTONIC,	\
				  HRTIMER_MODE_ABS_PINNED_SOFT)
/* Stays as it is if it stands already.  Up to @slack ns later, with an interrupt
 * that comes anyway.
 */
void xtcp_fine_timer_arm_sk(struct sock *sk, struct xtcp_fine_timer *t,
			    u64 at, u64 slack);
void xtcp_fine_timer_stop_sk(struct sock *sk, struct xtcp_fine_timer *t);

#endif
