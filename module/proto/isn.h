/* SPDX-License-Identifier: GPL-2.0 */
/* isn.h - initial sequence numbers and timestamp offsets, RFC 6528. */
#ifndef _XTCP_PROTO_ISN_H
#define _XTCP_PROTO_ISN_H

#include "proto/addr.h"

#include <linux/siphash.h>
#include <linux/types.h>

/* The secret of this boot, from get_random_bytes().  Once, before anything
 * else here is called.
 */
void xtcp_isn_init(const siphash_key_t *key);

/* M + F(tuple, secret); M ticks every 64 ns, as Linux does. */
u32 xtcp_isn(const struct xtcp_tuple *t, u64 now_ns);

/* What to add to the clock to make TSval, RFC 7323 7.1: the same for all
 * connections of a pair of addresses, so that PAWS in the peer's TIME-WAIT
 * goes on working.  net_salt keeps namespaces apart.
 */
u32 xtcp_ts_offset(const struct xtcp_tuple *t, u32 net_salt);

/* RFC 6056 3.3.3: where the search for a local port begins; t->lport is not
 * looked at.
 */
u32 xtcp_port_offset(const struct xtcp_tuple *t, u32 net_salt);

#endif /* _XTCP_PROTO_ISN_H */
