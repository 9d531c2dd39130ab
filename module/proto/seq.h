/* SPDX-License-Identifier: GPL-2.0 */
/* seq.h - arithmetic modulo 2**32, RFC 9293 3.4.
 *
 * Two numbers compare as long as they lie less than 2**31 apart.  At exactly
 * 2**31 each is "less" than the other; nobody may rely on an answer there.
 */
#ifndef _XTCP_PROTO_SEQ_H
#define _XTCP_PROTO_SEQ_H

#include <linux/types.h>

static inline bool seq_lt(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

static inline bool seq_leq(u32 a, u32 b)
{
	return (s32)(b - a) >= 0;
}

static inline bool seq_gt(u32 a, u32 b)
{
	return seq_lt(b, a);
}

static inline bool seq_geq(u32 a, u32 b)
{
	return seq_leq(b, a);
}

/* lo =< x =< hi; right for any span, also one above 2**31 */
static inline bool seq_between(u32 x, u32 lo, u32 hi)
{
	return x - lo <= hi - lo;
}

static inline u32 seq_max(u32 a, u32 b)
{
	return seq_lt(a, b) ? b : a;
}

static inline u32 seq_min(u32 a, u32 b)
{
	return seq_lt(a, b) ? a : b;
}

#endif /* _XTCP_PROTO_SEQ_H */
