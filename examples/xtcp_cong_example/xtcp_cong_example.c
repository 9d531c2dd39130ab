// SPDX-License-Identifier: GPL-2.0
/* xtcp_cong_example.c - a congestion control to learn from: additive increase,
 * multiplicative decrease, with both numbers for you to choose, and no slow start
 * before something was lost.
 */

#include "control/cong.h"

#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/module.h>

static unsigned int rise = 1;
module_param(rise, uint, 0644);
MODULE_PARM_DESC(rise, "packets by which cwnd grows in a round trip (default 1)");

static unsigned int keep = 50;
module_param(keep, uint, 0644);
MODULE_PARM_DESC(keep, "percent of cwnd that stays after a loss (default 50)");

/* What one connection remembers: zeroed before init(), gone after release(). */
struct example {
	u64	credit;			/* acknowledged * rise, not yet in cwnd */
};

static_assert(sizeof(struct example) <= XTCP_CONG_PRIV_SIZE);

static void example_cong_avoid(struct xtcp_cong *c, const struct xtcp_cong_ack *a)
{
	struct example *e = xtcp_cong_priv(c);
	u32 acked = a->acked;

	/* A window that is not used proves nothing. */
	if (!xtcp_cong_is_limited(c))
		return;
	/* After a timeout: quickly back to where it went wrong. */
	if (c->ssthresh != XTCP_SSTHRESH_INF && xtcp_cong_in_slow_start(c))
		acked = xtcp_cong_slow_start(c, acked);

	e->credit += (u64)acked * min(READ_ONCE(rise), 1000U);
	for (; e->credit >= c->cwnd && c->cwnd < c->cwnd_clamp; c->cwnd++)
		e->credit -= c->cwnd;
}

static u32 example_ssthresh(struct xtcp_cong *c)
{
	u64 cwnd = (u64)c->cwnd * min(READ_ONCE(keep), 100U);

	return max_t(u32, cwnd / 100, XTCP_CWND_MIN);
}

static struct xtcp_cong_ops example = {
	.name		= "example",
	.owner		= THIS_MODULE,
	.ssthresh	= example_ssthresh,
	.cong_avoid	= example_cong_avoid,
};

static int __init example_init(void)
{
	return xtcp_cong_register(&example);
}

static void __exit example_exit(void)
{
	xtcp_cong_unregister(&example);
}

module_init(example_init);
module_exit(example_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A congestion control for xtcp, as an example");
