// SPDX-License-Identifier: GPL-2.0
#include "engine/alarm.h"

#include "conn/clock.h"
#include "engine/output.h"
#include "engine/sock.h"

#include <linux/slab.h>

struct xtcp_alarm {
	struct xtcp_fine_timer	fine;
	struct xtcp_sock	*xs;	/* counted while it stands */
	int			what;	/* XTCP_DEFER_* */
};

static enum hrtimer_restart on_timer(struct hrtimer *t)
{
	struct xtcp_alarm *a = container_of(t, struct xtcp_alarm, fine.timer);

	xtcp_defer_run(a->xs, a->what);
	return HRTIMER_NORESTART;
}

static struct xtcp_alarm *make(struct xtcp_sock *xs, int what)
{
	struct xtcp_alarm *a = kmalloc(sizeof(*a), GFP_ATOMIC | __GFP_NOWARN);

	if (a) {
		a->xs = xs;
		a->what = what;
		xtcp_fine_timer_setup(&a->fine, on_timer);
	}
	return a;
}

bool xtcp_alarm_set(struct xtcp_sock *xs, struct xtcp_alarm **a, int what,
		    u64 at, u64 slack)
{
	if (unlikely(!*a))
		*a = make(xs, what);
	if (unlikely(!*a))
		return false;
	xtcp_fine_timer_arm_sk(&xs->inet.sk, &(*a)->fine, at, slack);
	return true;
}

void xtcp_alarm_stop(struct xtcp_sock *xs, struct xtcp_alarm *a)
{
	if (unlikely(a))
		xtcp_fine_timer_stop_sk(&xs->inet.sk, &a->fine);
}

void xtcp_alarm_free(struct xtcp_alarm *a)
{
	kfree(a);
}
