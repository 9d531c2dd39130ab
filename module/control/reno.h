/* SPDX-License-Identifier: GPL-2.0 */
/* reno.h - the congestion control of RFC 5681, always there as fallback. */
#ifndef _XTCP_CONTROL_RENO_H
#define _XTCP_CONTROL_RENO_H

#include "control/cong.h"

extern struct xtcp_cong_ops xtcp_reno;

u32 xtcp_reno_ssthresh(struct xtcp_cong *c);
void xtcp_reno_cong_avoid(struct xtcp_cong *c, const struct xtcp_cong_ack *a);
u32 xtcp_reno_undo_cwnd(struct xtcp_cong *c);

#endif /* _XTCP_CONTROL_RENO_H */
