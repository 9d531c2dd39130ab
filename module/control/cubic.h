/* SPDX-License-Identifier: GPL-2.0 */
/* cubic.h - the congestion control of RFC 9438, the default. */
#ifndef _XTCP_CONTROL_CUBIC_H
#define _XTCP_CONTROL_CUBIC_H

#include "control/cong.h"

extern struct xtcp_cong_ops xtcp_cubic;

u32 xtcp_cubic_root(u64 x);		/* floor of the cube root */

#endif /* _XTCP_CONTROL_CUBIC_H */
