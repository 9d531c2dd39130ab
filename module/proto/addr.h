/* SPDX-License-Identifier: GPL-2.0 */
/* addr.h - one address type for both IP versions.
 *
 * IPv4 addresses are stored v6-mapped (::ffff:a.b.c.d), so that a flow has
 * one key whatever the wire.  Neither struct has padding: both may be hashed
 * and compared as bytes.
 */
#ifndef _XTCP_PROTO_ADDR_H
#define _XTCP_PROTO_ADDR_H

#include <linux/types.h>
#include <linux/kernel.h>
#include <linux/in6.h>

struct xtcp_addr {
	struct in6_addr	in6;
};

/* A connection as we see it: l is ours, r is the peer's. */
struct xtcp_tuple {
	struct xtcp_addr	laddr;
	struct xtcp_addr	raddr;
	__be16			lport;
	__be16			rport;
};

static_assert(sizeof(struct xtcp_tuple) == 36);

static inline bool xtcp_addr_is_v4(const struct xtcp_addr *a)
{
	const __be32 *w = a->in6.s6_addr32;

	return !(w[0] | w[1] | (w[2] ^ htonl(0x0000ffff)));
}

static inline __be32 xtcp_addr_v4(const struct xtcp_addr *a)
{
	return a->in6.s6_addr32[3];
}

static inline void xtcp_addr_set_v4(struct xtcp_addr *a, __be32 v4)
{
	a->in6.s6_addr32[0] = 0;
	a->in6.s6_addr32[1] = 0;
	a->in6.s6_addr32[2] = htonl(0x0000ffff);
	a->in6.s6_addr32[3] = v4;
}

static inline void xtcp_addr_set_v6(struct xtcp_addr *a,
				    const struct in6_addr *v6)
{
	a->in6 = *v6;
}

/* 0.0.0.0 */
static inline bool xtcp_addr_is_any4(const struct xtcp_addr *a)
{
	return xtcp_addr_is_v4(a) && !a->in6.s6_addr32[3];
}

/* :: */
static inline bool xtcp_addr_is_any6(const struct xtcp_addr *a)
{
	const __be32 *w = a->in6.s6_addr32;

	return !(w[0] | w[1] | w[2] | w[3]);
}

static inline bool xtcp_addr_is_any(const struct xtcp_addr *a)
{
	return xtcp_addr_is_any4(a) || xtcp_addr_is_any6(a);
}

static inline bool xtcp_addr_equal(const struct xtcp_addr *a,
				   const struct xtcp_addr *b)
{
	const __be32 *x = a->in6.s6_addr32, *y = b->in6.s6_addr32;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) |
		 (x[2] ^ y[2]) | (x[3] ^ y[3]));
}

static inline bool xtcp_tuple_equal(const struct xtcp_tuple *a,
				    const struct xtcp_tuple *b)
{
	return a->lport == b->lport && a->rport == b->rport &&
	       xtcp_addr_equal(&a->raddr, &b->raddr) &&
	       xtcp_addr_equal(&a->laddr, &b->laddr);
}

#endif /* _XTCP_PROTO_ADDR_H */
