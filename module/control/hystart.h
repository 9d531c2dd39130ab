/* SPDX-License-Identifier: GPL-2.0 */
/* hystart.h - HyStart (Ha and Rhee 2008), as Linux has it: leave the first slow
 * start when the path is full, before something is lost.
 */
#ifndef _XTCP_CONTROL_HYSTART_H
#define _XTCP_CONTROL_HYSTART_H

#include <linux/types.h>

struct xtcp_cong_ack;

struct xtcp_hystart {
	u32	min_us;			/* least RTT of all samples; 0: not started */
	u32	cur_min_us;		/* least RTT of this round */
	u32	round_end;		/* a sequence number: beyond it the next begins */
	u32	round_us;		/* when the round began, cut short */
	u32	train_us;		/* when the last ACK of the train came, cut short */
	u8	samples;		/* of this round, saturates */
};

/* From the next ACK on it begins anew. */
void xtcp_hystart_stop(struct xtcp_hystart *h);

/* An ACK in slow start, before it raised @cwnd.  True: slow start is over,
 * ssthresh = cwnd.
 */
bool xtcp_hystart_ack(struct xtcp_hystart *h, const struct xtcp_cong_ack *a,
		      u32 cwnd);

#endif /* _XTCP_CONTROL_HYSTART_H */
