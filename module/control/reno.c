// SPDX-License-Identifier: GPL-2.0
/* reno.c - RFC 5681: one packet per round trip up, half down */

#include "control/reno.h"

#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/types.h>

/* 3.1 (4) */
u32 xtcp_reno_ssthresh(struct xtcp_cong *c)
{
	return max(c->cwnd / 2, XTCP_CWND_MIN);
}
EXPORT_SYMBOL_GPL(xtcp_reno_ssthresh);

/* 3.1 (2) below ssthresh, (3) from it on */
void xtcp_reno_cong_avoid(struct xtcp_cong *c, const struct xtcp_cong_ack *a)
{
	u32 acked = a->acked;

	if (!xtcp_cong_is_limited(c))
		return;
	if (xtcp_cong_in_slow_start(c))
		acked = xtcp_cong_slow_start(c, acked);
	if (acked)
		xtcp_cong_ai(c, c->cwnd, acked);
}
EXPORT_SYMBOL_GPL(xtcp_reno_cong_avoid);

u32 xtcp_reno_undo_cwnd(struct xtcp_cong *c)
{
	return max(c->cwnd, c->prior_cwnd);
}
EXPORT_SYMBOL_GPL(xtcp_reno_undo_cwnd);

struct xtcp_cong_ops xtcp_reno = {
	.name		= "reno",
	.owner		= THIS_MODULE,
	.flags		= XTCP_CONG_NON_RESTRICTED,
	.ssthresh	= xtcp_reno_ssthresh,
	.cong_avoid	= xtcp_reno_cong_avoid,
	.undo_cwnd	= xtcp_reno_undo_cwnd,
};
