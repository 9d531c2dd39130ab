// SPDX-License-Identifier: GPL-2.0
/* netns.c - the part of a namespace that belongs to nobody else. */
#include "conn/netns.h"

#include "proto/proto.h"

#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/string.h>

static const struct xtcp_params defaults = {
	.rmem			= { 4096, 87380, 6291456 },
	.wmem			= { 4096, 16384, 4194304 },
	.syncookies		= 1,
	.abort_on_overflow	= 0,
	.synack_retries		= XTCP_SYNACK_RETRIES,
	.max_syn_backlog	= 4096,
	.retries1		= XTCP_R1,
	.retries2		= XTCP_R2,
	.orphan_retries		= 0,
	.fin_timeout		= 60,
	.keepalive_time		= XTCP_KEEPALIVE_IDLE_SEC,
	.keepalive_probes	= XTCP_KEEPALIVE_PROBES,
	.keepalive_intvl	= XTCP_KEEPALIVE_INTVL_SEC,
	.timestamps		= 1,
	.sack			= 1,
	.dsack			= 1,
	.window_scaling		= 1,
	.moderate_rcvbuf	= 1,
	.adv_win_scale		= 2,	/* 87380 offers 65535 */
	.rcvbuf_low_rtt		= USEC_PER_MSEC,
	.challenge_ack_limit	= INT_MAX,
	.invalid_ratelimit	= 500,
	.notsent_lowat		= UINT_MAX,
	.autocorking		= 1,
	.limit_output_bytes	= 1 << 20,
	.tso_rtt_log		= 9,	/* 2^9 us */
	.syn_retries		= XTCP_SYN_RETRIES,
	.syn_linear_timeouts	= XTCP_SYN_LINEAR,
	.reuse_tw		= 2,
	.early_retrans		= 3,
	.rto_min_us		= XTCP_RTO_MIN_US,
	.rto_max_ms		= XTCP_RTO_MAX_US / XTCP_USEC_PER_MSEC,
	.min_tso_segs		= 2,
	.tso_win_divisor	= 3,
	.ecn			= 2,
	.ecn_fallback		= 1,
	.slow_start_after_idle	= 1,
	.pacing_ss_ratio	= 200,
	.pacing_ca_ratio	= 120,
	.base_mss		= 1024,
	.mtu_probe_floor	= XTCP_MIN_SND_MSS,
	.probe_threshold	= 8,
	.comp_sack_delay_ns	= NSEC_PER_MSEC,
	.comp_sack_slack_ns	= 100 * NSEC_PER_USEC,
	.comp_sack_nr		= 44,
	.probe_interval		= 600,
	.congestion_control	= "cubic",
};

/* One for every @bytes of memory, a power of two between 4096 and @max. */
static int limit_by_memory(unsigned long bytes, unsigned long max)
{
	u64 n = div_u64((u64)totalram_pages() << PAGE_SHIFT, bytes);

	n = clamp_t(u64, n, 4096, max);
	return rounddown_pow_of_two((unsigned long)n);
}

int xtcp_netns_net_init(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);

	xnet->mib = alloc_percpu(struct xtcp_mib);
	if (!xnet->mib)
		return -ENOMEM;

	xnet->net = net;
	xnet->params = defaults;
	xnet->params.max_tw_buckets = limit_by_memory(16384, 131072);
	xnet->params.max_orphans = limit_by_memory(65536, 131072);
	get_random_bytes(&xnet->cookie_key, sizeof(xnet->cookie_key));
	return 0;
}

void xtcp_netns_net_exit(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);

	free_percpu(xnet->mib);
	xnet->mib = NULL;
}
