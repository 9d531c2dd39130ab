// SPDX-License-Identifier: GPL-2.0
/* cookie.c - SYN cookies
 *
 * The ISN that answers a SYN is
 *
 *	cookie = base(tuple) + SEG.SEQ of the SYN
 *	       + (minutes mod 32) << 27 | mss index << 24 | mac
 *
 * with a mac of 24 bits over tuple, SEG.SEQ, minutes and index.  base hides
 * the fields from whoever does not own the tuple; the sum grows with time and
 * with the peer's ISN, as ISNs should.  A blind attacker has 3 * 8 valid
 * values in 2**32 to hit.  Nothing is stored: the final ACK brings it back in
 * SEG.ACK - 1, and the number of the SYN in SEG.SEQ - 1.
 *
 * TSval of the SYN-ACK has room for the options that must be known later:
 *
 *	bits 0-3  window scale of the peer, 15 for none
 *	bit  4    SACK permitted
 *	bit  5    ECN asked for
 */

#include "proto/cookie.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/siphash.h>
#include <linux/types.h>

#define SLOT_SHIFT	27
#define SLOT_MASK	31U
#define INDEX_SHIFT	24
#define INDEX_MASK	7U
#define MAC_MASK	0xffffffU

#define TS_BITS_MASK	0x3fU
#define TS_WSCALE_MASK	0x0fU
#define TS_WSCALE_NONE	0x0fU
#define TS_SACK		0x10U
#define TS_ECN		0x20U

/* What peers announce, ascending: the default, tunnels, PPPoE, Ethernet,
 * jumbo frames.  The largest that is not above the peer's is used; the first
 * serves everything below the default.
 */
static const u16 mss_table4[INDEX_MASK + 1] = {
	XTCP_MIN_SND_MSS, XTCP_MSS_DEFAULT4, 1300, 1380, 1440, 1452, 1460, 8960,
};

static const u16 mss_table6[INDEX_MASK + 1] = {
	XTCP_MIN_SND_MSS, XTCP_MSS_DEFAULT6, 1300, 1360, 1420, 1432, 1440, 8940,
};

struct cookie_input {
	struct xtcp_tuple	t;
	u32			peer_isn;
	u32			minutes;
	u32			index;
} __aligned(SIPHASH_ALIGNMENT);

static_assert(sizeof(struct cookie_input) == 48);	/* no padding */

static const u16 *mss_table(const struct xtcp_tuple *t)
{
	return xtcp_addr_is_v4(&t->raddr) ? mss_table4 : mss_table6;
}

static u32 mss_to_index(const struct xtcp_tuple *t, u16 mss)
{
	const u16 *table = mss_table(t);
	u32 i = INDEX_MASK;

	while (i && table[i] > mss)
		i--;
	return i;
}

/* The flow's first number, before time and data are put on top */
static u32 cookie_base(const struct xtcp_cookie_key *key,
		       const struct xtcp_tuple *t, u32 peer_isn)
{
	return (u32)siphash(t, sizeof(*t), &key->base) + peer_isn;
}

static u32 cookie_mac(const struct xtcp_cookie_key *key,
		      const struct xtcp_tuple *t, u32 peer_isn, u32 minutes,
		      u32 index)
{
	const struct cookie_input in = {
		.t = *t,
		.peer_isn = peer_isn,
		.minutes = minutes,
		.index = index,
	};

	return siphash(&in, sizeof(in), &key->mac) & MAC_MASK;
}

u32 xtcp_cookie_make(const struct xtcp_cookie_key *key,
		     const struct xtcp_tuple *t, u32 peer_isn, u16 mss,
		     u32 minutes)
{
	u32 index = mss_to_index(t, mss);
	u32 data;

	data = (minutes & SLOT_MASK) << SLOT_SHIFT | index << INDEX_SHIFT |
	       cookie_mac(key, t, peer_isn, minutes, index);
	return cookie_base(key, t, peer_isn) + data;
}

int xtcp_cookie_check(const struct xtcp_cookie_key *key,
		      const struct xtcp_tuple *t, u32 peer_isn, u32 cookie,
		      u32 minutes, u16 *mss)
{
	u32 data = cookie - cookie_base(key, t, peer_isn);
	u32 age = (minutes - (data >> SLOT_SHIFT)) & SLOT_MASK;
	u32 index = (data >> INDEX_SHIFT) & INDEX_MASK;

	if (age > XTCP_COOKIE_MAX_AGE)
		return -EINVAL;
	if (cookie_mac(key, t, peer_isn, minutes - age, index) !=
	    (data & MAC_MASK))
		return -EINVAL;

	*mss = mss_table(t)[index];
	return 0;
}

u32 xtcp_cookie_ts_encode(u32 now_ts, const struct xtcp_options *opt, bool ecn)
{
	u32 bits = opt->wscale_ok ? opt->wscale : TS_WSCALE_NONE;
	u32 ts;

	if (opt->sack_ok)
		bits |= TS_SACK;
	if (ecn)
		bits |= TS_ECN;

	/* a TSval from the future would make PAWS drop what comes next */
	ts = (now_ts & ~TS_BITS_MASK) | bits;
	if (bits > (now_ts & TS_BITS_MASK))
		ts -= TS_BITS_MASK + 1;
	return ts;
}

void xtcp_cookie_ts_decode(u32 tsecr, struct xtcp_options *opt, bool *ecn)
{
	u32 wscale = tsecr & TS_WSCALE_MASK;

	opt->wscale_ok = wscale != TS_WSCALE_NONE;
	opt->wscale = opt->wscale_ok ? wscale : 0;
	opt->sack_ok = tsecr & TS_SACK;
	*ecn = tsecr & TS_ECN;
}
