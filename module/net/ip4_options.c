// SPDX-License-Identifier: GPL-2.0
#include "net/ip4_options.h"

#include "conn/clock.h"

#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/route.h>

#define ADDR_LEN	4
/* An option with a pointer: kind, length, pointer, then data; the pointer counts
 * from 1 and names the next free place.
 */
enum { OPT_LEN = 1, OPT_PTR = 2, OPT_DATA = 3, OPT_TS_DATA = 4 };

/* The place that was last taken: compiling has moved the pointer beyond it. */
static u8 *last_taken(u8 *o, unsigned int len)
{
	return o + o[OPT_PTR] - 1 - len;
}

void xtcp_ip4_options_put(struct sk_buff *skb, const struct ip_options *opt)
{
	struct iphdr *iph = ip_hdr(skb);
	u8 *p = (u8 *)iph;
	__be32 now;

	memcpy(&IPCB(skb)->opt, opt, sizeof(*opt));
	memcpy(iph + 1, opt->__data, opt->optlen);
	if (opt->srr) {
		u8 *o = p + opt->srr;

		memcpy(o + o[OPT_LEN] - ADDR_LEN, &iph->daddr, ADDR_LEN);
		iph->daddr = opt->faddr;
	}
	if (opt->rr_needaddr)
		memcpy(last_taken(p + opt->rr, ADDR_LEN), &iph->saddr, ADDR_LEN);
	if (opt->ts_needaddr)
		memcpy(last_taken(p + opt->ts, 2 * ADDR_LEN), &iph->saddr, ADDR_LEN);
	if (opt->ts_needtime) {
		now = xtcp_clock_of_day();
		memcpy(last_taken(p + opt->ts, ADDR_LEN), &now, ADDR_LEN);
	}
}

/* --- the answer to what came -------------------------------------------------- */

/* Copied, with our place in it if there is one.  What came was checked by IP. */
static void answer_rr(struct ip_options *to, const struct ip_options *from,
		      const u8 *hdr)
{
	const u8 *o = hdr + from->rr;
	u8 *d = to->__data + to->optlen;

	memcpy(d, o, o[OPT_LEN]);
	to->rr = to->optlen + sizeof(struct iphdr);
	if (from->rr_needaddr && o[OPT_PTR] + ADDR_LEN - 1 <= o[OPT_LEN]) {
		d[OPT_PTR] += ADDR_LEN;
		to->rr_needaddr = 1;
	}
	to->optlen += o[OPT_LEN];
}

static void answer_ts(struct ip_options *to, const struct ip_options *from,
		      const u8 *hdr)
{
	const u8 *o = hdr + from->ts;
	u8 *d = to->__data + to->optlen;
	unsigned int need = 0;

	memcpy(d, o, o[OPT_LEN]);
	to->ts = to->optlen + sizeof(struct iphdr);
	if (from->ts_needaddr)
		need += ADDR_LEN;
	if (from->ts_needtime && (o[3] & 0xf) != IPOPT_TS_PRESPEC)
		need += ADDR_LEN;
	if (need && o[OPT_PTR] + need - 1 <= o[OPT_LEN]) {
		d[OPT_PTR] += need;
		to->ts_needaddr = from->ts_needaddr;
		to->ts_needtime = need > ADDR_LEN || !from->ts_needaddr;
	}
	to->optlen += o[OPT_LEN];
}

/* MUST-53: the stops that it made, in reverse; the first of them is where the answer goes
 * first, the last place in the option is for the destination.
 */
static void answer_srr(struct ip_options *to, const struct ip_options *from,
		       const u8 *hdr)
{
	const struct iphdr *iph = (const struct iphdr *)hdr;
	const u8 *o = hdr + from->srr, *first = o + OPT_DATA;
	unsigned int used = min(o[OPT_PTR] - 1U, (unsigned int)o[OPT_LEN]), n, i;
	u8 *d = to->__data + to->optlen;

	if (used < OPT_DATA + ADDR_LEN)
		return;
	n = (used - OPT_DATA) / ADDR_LEN;
	/* RFC 1812 5.2.4.1: some begin with the source itself */
	if (!memcmp(first, &iph->saddr, ADDR_LEN)) {
		first += ADDR_LEN;
		if (!--n)
			return;
	}
	memcpy(&to->faddr, first + (n - 1) * ADDR_LEN, ADDR_LEN);
	for (i = 0; i + 1 < n; i++)
		memcpy(d + OPT_DATA + i * ADDR_LEN, first + (n - 2 - i) * ADDR_LEN,
		       ADDR_LEN);
	memcpy(d + OPT_DATA + i * ADDR_LEN, &iph->saddr, ADDR_LEN);
	d[0] = o[0];
	d[OPT_LEN] = OPT_DATA + n * ADDR_LEN;
	d[OPT_PTR] = OPT_DATA + 1;
	to->srr = to->optlen + sizeof(struct iphdr);
	to->is_strictroute = from->is_strictroute;
	to->optlen += d[OPT_LEN];
}

struct ip_options_rcu *xtcp_ip4_options_answer(struct sk_buff *skb)
{
	const struct ip_options *from = &IPCB(skb)->opt;
	const u8 *hdr = skb_network_header(skb);
	struct ip_options_rcu *r;
	struct ip_options *to;

	if (likely(!from->rr && !from->ts && !from->srr))
		return NULL;
	r = kzalloc(sizeof(*r) + MAX_IPOPTLEN, GFP_ATOMIC | __GFP_NOWARN);
	if (!r)
		return NULL;
	to = &r->opt;
	if (from->rr)
		answer_rr(to, from, hdr);
	if (from->ts)
		answer_ts(to, from, hdr);
	if (from->srr)
		answer_srr(to, from, hdr);
	to->optlen = ALIGN(to->optlen, 4);	/* the rest is IPOPT_END */
	if (!to->optlen) {
		kfree(r);
		return NULL;
	}
	return r;
}
