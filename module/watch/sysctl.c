// SPDX-License-Identifier: GPL-2.0
/* sysctl.c - net.xtcp.* */
#include "watch/sysctl.h"

#include "conn/netns.h"
#include "control/cong.h"
#include "engine/cong_choice.h"
#include "engine/sock.h"

#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/sysctl.h>

#include <net/net_namespace.h>

/* One parameter: where it lives and what it may be. */
struct knob {
	const char	*name;
	unsigned int	offset;		/* in struct xtcp_params */
	unsigned int	size;
	int		min, max;	/* max < 0: any unsigned */
};

#define KNOB(field, lo, hi)	KNOB_AS(field, #field, lo, hi)
#define KNOB_AS(field, as, lo, hi) {					\
	.name	= as,							\
	.offset	= offsetof(struct xtcp_params, field),			\
	.size	= sizeof_field(struct xtcp_params, field),		\
	.min	= lo,							\
	.max	= hi,							\
}

#define BUFFER_MIN	SZ_2K
#define BUFFER_MAX	SZ_1G
#define NAMES_LEN	1024
#define SECONDS_MAX	32767		/* as TCP_KEEPIDLE and its kind */

static const struct knob knobs[] = {
	KNOB(rmem,			BUFFER_MIN, BUFFER_MAX),
	KNOB(wmem,			BUFFER_MIN, BUFFER_MAX),
	KNOB(syncookies,		0, 2),
	KNOB(abort_on_overflow,		0, 1),
	KNOB(synack_retries,		0, 255),
	KNOB(max_syn_backlog,		0, INT_MAX),
	KNOB(retries1,			0, 255),
	KNOB(retries2,			0, 255),
	KNOB(orphan_retries,		0, 255),
	KNOB(fin_timeout,		1, SECONDS_MAX),
	KNOB(keepalive_time,		1, SECONDS_MAX),
	KNOB(keepalive_probes,		1, 127),
	KNOB(keepalive_intvl,		1, SECONDS_MAX),
	KNOB(timestamps,		0, 2),
	KNOB(sack,			0, 1),
	KNOB(dsack,			0, 1),
	KNOB(window_scaling,		0, 1),
	KNOB(max_tw_buckets,		0, INT_MAX),
	KNOB(max_orphans,		0, INT_MAX),
	KNOB(moderate_rcvbuf,		0, 1),
	KNOB(adv_win_scale,		-31, 31),
	KNOB(stdurg,			0, 1),
	KNOB(shrink_window,		0, 1),
	KNOB(rcvbuf_low_rtt,		1, INT_MAX),
	KNOB(challenge_ack_limit,	0, INT_MAX),
	KNOB(invalid_ratelimit,		0, INT_MAX),
	KNOB(comp_sack_delay_ns,	0, INT_MAX),
	KNOB(comp_sack_slack_ns,	0, INT_MAX),
	KNOB(comp_sack_nr,		0, 255),
	KNOB(notsent_lowat,		0, -1),
	KNOB(autocorking,		0, 1),
	KNOB(limit_output_bytes,	0, INT_MAX),
	KNOB(tso_rtt_log,		0, 31),
	KNOB(syn_retries,		1, 127),
	KNOB(syn_linear_timeouts,	0, 127),
	KNOB_AS(reuse_tw, "tw_reuse",	0, 2),
	KNOB(early_retrans,		0, 4),
	KNOB(rto_min_us,		1, INT_MAX),
	KNOB(rto_max_ms,		1000, 120000),
	KNOB(min_tso_segs,		1, 65535),
	KNOB(tso_win_divisor,		0, 255),
	KNOB(ecn,			0, 2),
	KNOB(ecn_fallback,		0, 1),
	KNOB(slow_start_after_idle,	0, 1),
	KNOB(pacing_ss_ratio,		0, 1000),
	KNOB(pacing_ca_ratio,		0, 1000),
	KNOB(mtu_probing,		0, 2),
	KNOB(base_mss,			XTCP_MIN_SND_MSS, U16_MAX),
	KNOB(mtu_probe_floor,		XTCP_MIN_SND_MSS, U16_MAX),
	KNOB(probe_threshold,		0, U16_MAX),
	KNOB(probe_interval,		0, INT_MAX / 1000),
};

/* Like the kernel: another namespace than the first may choose only what is
 * safe for the network.
 */
static int congestion_set(struct xtcp_net *xnet, const char *name)
{
	const struct xtcp_cong_ops *ops = xtcp_cong_choice_find(name);
	int err = 0;

	if (!ops)
		return -ENOENT;
	if (!net_eq(xnet->net, &init_net) &&
	    !(READ_ONCE(ops->flags) & XTCP_CONG_NON_RESTRICTED)) {
		err = -EPERM;
	} else {
		strscpy_pad(xnet->params.congestion_control, ops->name,
			    sizeof(xnet->params.congestion_control));
		xtcp_cong_allow_too(ops->name);
	}
	xtcp_cong_put(ops);
	return err;
}

static int congestion_control(xtcp_compat_ctl_table *ctl, int write, void *buffer,
			      size_t *lenp, loff_t *ppos)
{
	struct xtcp_net *xnet = ctl->extra1;
	char name[XTCP_CONG_NAME_MAX];
	struct ctl_table tmp = {
		.data	= name,
		.maxlen	= sizeof(name),
	};
	int err;

	strscpy(name, xnet->params.congestion_control, sizeof(name));
	err = proc_dostring(&tmp, write, buffer, lenp, ppos);
	if (!err && write)
		err = congestion_set(xnet, name);
	return err;
}

/* Names of algorithms: all, or those that need no privilege, which is a list to
 * be written, too; the machine has one, that the first namespace changes.
 */
static int congestion_names(xtcp_compat_ctl_table *ctl, int write, void *buffer,
			    size_t *lenp, loff_t *ppos)
{
	u32 flags = ctl->extra1 ? XTCP_CONG_NON_RESTRICTED : 0;
	struct ctl_table tmp = { .maxlen = NAMES_LEN };
	int err;

	tmp.data = kmalloc(tmp.maxlen, GFP_KERNEL);
	if (!tmp.data)
		return -ENOMEM;
	xtcp_cong_names(tmp.data, tmp.maxlen, flags);
	err = proc_dostring(&tmp, write, buffer, lenp, ppos);
	if (!err && write)
		err = xtcp_cong_allow(tmp.data);
	kfree(tmp.data);
	return err;
}

#define TABLE_LEN	(ARRAY_SIZE(knobs) + 4)

static void table_fill(struct ctl_table *t, struct xtcp_net *xnet)
{
	const struct knob *k;

	for (k = knobs; k < knobs + ARRAY_SIZE(knobs); k++, t++) {
		t->procname	= k->name;
		t->data		= (u8 *)&xnet->params + k->offset;
		t->maxlen	= k->size;
		t->mode		= 0644;
		t->proc_handler	= k->max < 0 ? proc_douintvec : proc_dointvec_minmax;
		t->extra1	= (void *)&k->min;
		t->extra2	= (void *)&k->max;
	}
	t->procname	= "congestion_control";
	t->maxlen	= XTCP_CONG_NAME_MAX;
	t->mode		= 0644;
	t->proc_handler	= congestion_control;
	t->extra1	= xnet;
	t++;
	t->procname	= "available_congestion_control";
	t->maxlen	= NAMES_LEN;
	t->mode		= 0444;
	t->proc_handler	= congestion_names;
	t++;
	t->procname	= "allowed_congestion_control";
	t->maxlen	= NAMES_LEN;
	t->mode		= net_eq(xnet->net, &init_net) ? 0644 : 0444;
	t->proc_handler	= congestion_names;
	t->extra1	= xnet;
	t++;
	/* of the whole machine: others may only look */
	t->procname	= "mem";
	t->data		= xtcp_prot.sysctl_mem;
	t->maxlen	= 3 * sizeof(long);
	t->mode		= net_eq(xnet->net, &init_net) ? 0644 : 0444;
	t->proc_handler	= proc_doulongvec_minmax;
}

int xtcp_sysctl_net_init(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);
	struct ctl_table *table;

	/* one more: the empty entry that older kernels look for */
	table = kcalloc(TABLE_LEN + 1, sizeof(*table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	table_fill(table, xnet);
	xnet->sysctl = xtcp_compat_register_net_sysctl(net, "net/xtcp", table,
						       TABLE_LEN);
	if (!xnet->sysctl) {
		kfree(table);
		return -ENOMEM;
	}
	return 0;
}

void xtcp_sysctl_net_exit(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);
	const struct ctl_table *table = xnet->sysctl->ctl_table_arg;

	unregister_net_sysctl_table(xnet->sysctl);
	xnet->sysctl = NULL;
	kfree(table);
}
