// SPDX-License-Identifier: GPL-2.0
/* isn.c - RFC 6528: ISN = M + F(localip, localport, remoteip, remoteport, key)
 *
 * F is SipHash.  One secret serves all users; a word of what is hashed says
 * for which of them.
 */

#include "proto/isn.h"

#include <linux/cache.h>
#include <linux/kernel.h>
#include <linux/siphash.h>
#include <linux/types.h>

enum isn_domain {
	DOMAIN_ISN	= 1,
	DOMAIN_TS	= 2,
	DOMAIN_PORT	= 3,
};

struct isn_input {
	struct xtcp_tuple	t;
	u32			salt;
	u64			domain;
} __aligned(SIPHASH_ALIGNMENT);

static_assert(sizeof(struct isn_input) == 48);	/* no padding is hashed */

static siphash_key_t isn_key __read_mostly;

/* IPv4: what is not constant, which is half of it. */
static u32 isn_hash(const struct isn_input *in)
{
	const struct xtcp_tuple *t = &in->t;

	if (!xtcp_addr_is_v4(&t->raddr) || !xtcp_addr_is_v4(&t->laddr))
		return siphash(in, sizeof(*in), &isn_key);
	return siphash_3u64((u64)(__force u32)xtcp_addr_v4(&t->laddr) << 32 |
			    (__force u32)xtcp_addr_v4(&t->raddr),
			    (u64)(__force u16)t->lport << 48 |
			    (u64)(__force u16)t->rport << 32 | in->salt,
			    in->domain, &isn_key);
}

void xtcp_isn_init(const siphash_key_t *key)
{
	isn_key = *key;
}

u32 xtcp_isn(const struct xtcp_tuple *t, u64 now_ns)
{
	struct isn_input in = { .t = *t, .domain = DOMAIN_ISN };

	/* RFC 9293 3.4.1 has 4 us; 64 ns still takes 274 s to wrap, which
	 * is more than an MSL, and keeps ahead of a sender of 15 MB/s.
	 */
	return isn_hash(&in) + (u32)(now_ns >> 6);
}

u32 xtcp_ts_offset(const struct xtcp_tuple *t, u32 net_salt)
{
	struct isn_input in = {
		.t.laddr = t->laddr,
		.t.raddr = t->raddr,
		.domain = DOMAIN_TS,
		.salt = net_salt,
	};

	return isn_hash(&in);
}

u32 xtcp_port_offset(const struct xtcp_tuple *t, u32 net_salt)
{
	struct isn_input in = {
		.t.laddr = t->laddr,
		.t.raddr = t->raddr,
		.t.rport = t->rport,
		.domain = DOMAIN_PORT,
		.salt = net_salt,
	};

	return isn_hash(&in);
}
