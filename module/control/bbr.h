/* SPDX-License-Identifier: GPL-2.0 */
/* bbr.h - BBR version 1, draft-cardwell-iccrg-bbr-congestion-control-00: send at
 * the rate the path delivers, with as much in flight as it holds, instead of
 * filling its queues until something is lost.
 */
#ifndef _XTCP_CONTROL_BBR_H
#define _XTCP_CONTROL_BBR_H

#include "control/cong.h"

extern struct xtcp_cong_ops xtcp_bbr;

/* TCP_CC_INFO, as struct tcp_bbr_info of linux/inet_diag.h */
struct xtcp_bbr_info {
	u32	bw_lo;			/* bytes per second */
	u32	bw_hi;
	u32	min_rtt;		/* us */
	u32	pacing_gain;		/* in 1/256 */
	u32	cwnd_gain;
};

enum xtcp_bbr_mode {
	XTCP_BBR_STARTUP,
	XTCP_BBR_DRAIN,
	XTCP_BBR_PROBE_BW,
	XTCP_BBR_PROBE_RTT,
};

/* For those who look: tests */
enum xtcp_bbr_mode xtcp_bbr_mode(const struct xtcp_cong *c);
bool xtcp_bbr_policed(const struct xtcp_cong *c);	/* lt_bw is in use */

#endif /* _XTCP_CONTROL_BBR_H */
