/* SPDX-License-Identifier: GPL-2.0 */
/* cookie.h - SYN cookies, RFC 4987 3.6: a half-open connection that lives in
 * the ISN of the SYN-ACK and in its timestamp.
 */
#ifndef _XTCP_PROTO_COOKIE_H
#define _XTCP_PROTO_COOKIE_H

#include "proto/addr.h"
#include "proto/options.h"

#include <linux/siphash.h>
#include <linux/types.h>

#define XTCP_COOKIE_MAX_AGE	2	/* minutes; 0, 1 and 2 are valid */

struct xtcp_cookie_key {
	siphash_key_t	base;		/* where the numbers of a flow start */
	siphash_key_t	mac;		/* who made the cookie, and when */
};

/* The ISN to answer a SYN with.  peer_isn is SEG.SEQ of the SYN, mss what the
 * peer announced or the default, minutes a clock that counts minutes.
 */
u32 xtcp_cookie_make(const struct xtcp_cookie_key *key,
		     const struct xtcp_tuple *t, u32 peer_isn, u16 mss,
		     u32 minutes);

/* Is this ours and fresh?  peer_isn is SEG.SEQ - 1 of the final ACK, cookie
 * SEG.ACK - 1.  0 and the MSS, never above what the peer announced unless that
 * was below XTCP_MIN_SND_MSS; or -EINVAL.
 */
int xtcp_cookie_check(const struct xtcp_cookie_key *key,
		      const struct xtcp_tuple *t, u32 peer_isn, u32 cookie,
		      u32 minutes, u16 *mss);

/* Options of the SYN in the low 6 bits of TSval.  The result is at most 63
 * ticks before now_ts and never after it.  Times without the flow's offset.
 */
u32 xtcp_cookie_ts_encode(u32 now_ts, const struct xtcp_options *opt, bool ecn);
/* Sets wscale_ok, wscale and sack_ok of *opt, leaves the rest alone. */
void xtcp_cookie_ts_decode(u32 tsecr, struct xtcp_options *opt, bool *ecn);

#endif /* _XTCP_PROTO_COOKIE_H */
