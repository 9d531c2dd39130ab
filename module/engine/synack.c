// SPDX-License-Identifier: GPL-2.0
/* synack.c - what a half-open entry says: SYN-ACKs, and ACKs to what does not
 * belong to its handshake.
 */
#include "engine/listener.h"

#include "conn/netns.h"
#include "engine/half_more.h"
#include "engine/sock.h"
#include "engine/trace.h"
#include "engine/window.h"
#include "engine/xmit.h"
#include "proto/isn.h"

#include <net/dst.h>
#include <net/ipv6.h>

u32 xtcp_half_ts_offset(const struct xtcp_half *h)
{
	return xtcp_ts_offset(&h->flow.tuple, xtcp_net_salt(h->flow.net));
}

/* RFC 9293 3.7.1: what this machine can take in one segment on this path. */
u16 xtcp_synack_mss(const struct sock *lsk, const struct xtcp_half *h)
{
	const struct xtcp_ip_ops *ip = xtcp_ip_ops_of(&h->flow.tuple);
	u16 user_mss = READ_ONCE(xtcp_sk(lsk)->opt.user_mss);
	u32 mss = ip->mtu(h->dst) - ip->header_len - XTCP_HDR_LEN;

	mss = min_t(u32, mss, dst_metric_advmss(h->dst));
	if (user_mss)
		mss = min_t(u32, mss, user_mss);
	return clamp_t(u32, mss, XTCP_MIN_SND_MSS, U16_MAX);
}

/* Never scaled in a SYN, so never more than 16 bits (RFC 7323 2.2). */
u16 xtcp_synack_window(const struct sock *lsk, const struct xtcp_half *h)
{
	u32 clamp = READ_ONCE(xtcp_sk(lsk)->opt.window_clamp);
	u32 wnd = xtcp_window_initial(xtcp_sk(lsk)->params,
				      READ_ONCE(lsk->sk_rcvbuf),
				      xtcp_synack_mss(lsk, h));

	return min3(wnd, clamp ?: XTCP_MAX_WINDOW, XTCP_MAX_WINDOW);
}

/* The route was made once, for the first SYN-ACK.  Later ones ask whether it is
 * still good, and else find their own.
 */
static struct dst_entry *route_of(const struct xtcp_half *h)
{
	struct dst_entry *dst = h->dst;

	if (READ_ONCE(h->flow.spare) && dst->obsolete && !dst->ops->check(dst, 0))
		return NULL;
	return dst;
}

static void ts_fill(struct xtcp_options_out *opt, const struct xtcp_half *h)
{
	if (!xtcp_half_is(h, XTCP_HALF_TS))
		return;
	opt->tstamp = true;
	opt->tsval = xtcp_clock_ms() + xtcp_half_ts_offset(h);
	opt->tsecr = READ_ONCE(h->ts_recent);
}

static void reply_init(struct xtcp_reply *r, const struct sock *lsk,
		       const struct xtcp_half *h)
{
	memset(r, 0, sizeof(*r));
	r->tuple = h->flow.tuple;
	xtcp_ip_attr_sk(&r->attr, lsk, xtcp_flow_is_v4(&h->flow));
	r->attr.net = h->flow.net;
	r->attr.opt = xtcp_half_more_options(h->more);
	if (!r->attr.oif && ipv6_addr_type(&r->tuple.raddr.in6) & IPV6_ADDR_LINKLOCAL)
		r->attr.oif = h->dst->dev->ifindex;
	if (!r->attr.oif)
		r->attr.oif = h->flow.l3dev;
	r->dst = route_of(h);
	r->ack = h->irs + 1;
	ts_fill(&r->opt, h);
}

void xtcp_synack_init(struct xtcp_reply *r, const struct sock *lsk,
		      const struct xtcp_half *h)
{
	reply_init(r, lsk, h);
	r->seq = h->iss;
	r->ctl = XTCP_SYN | XTCP_ACK;
	if (xtcp_half_is(h, XTCP_HALF_ECN)) {
		r->ctl |= XTCP_ECE;		/* RFC 3168 6.1.1 */
		r->attr.ecn = xtcp_ecn_syn_ip(lsk);
	}
	r->wnd = xtcp_synack_window(lsk, h);
	r->opt.mss = xtcp_synack_mss(lsk, h);
	r->opt.sack_ok = xtcp_half_is(h, XTCP_HALF_SACK);
	r->opt.wscale_ok = xtcp_half_is(h, XTCP_HALF_WSCALE);
	r->opt.wscale = h->wscale >> 4;
}

void xtcp_synack_xmit(const struct sock *lsk, const struct xtcp_half *h,
		      bool again)
{
	struct net *net = h->flow.net;
	struct xtcp_reply r;

	xtcp_synack_init(&r, lsk, h);
	xtcp_mib_inc(net, again ? XTCP_MIB_SYNACK_RETRANS : XTCP_MIB_SYNACK_SENT);
	trace_xtcp_synack(net, &h->flow.tuple, READ_ONCE(h->flow.spare),
			  READ_ONCE(h->flags), h->iss, r.opt.mss);
	xtcp_xmit_reply(&r);
}

/* 3.10.7.4 first and RFC 5961: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. */
void xtcp_half_ack_xmit(const struct sock *lsk, struct xtcp_half *h)
{
	u64 gap = (u64)READ_ONCE(xtcp_net(h->flow.net)->params.invalid_ratelimit) *
		  XTCP_USEC_PER_MSEC;
	u32 now = (u32)xtcp_clock_us(), last = READ_ONCE(h->oow_us);
	struct xtcp_reply r;

	if ((last && now - last < gap) ||
	    !xtcp_challenge_allowed(h->flow.net))
		return;
	WRITE_ONCE(h->oow_us, now ?: 1);
	reply_init(&r, lsk, h);
	r.seq = h->iss + 1;
	r.ctl = XTCP_ACK;
	r.wnd = xtcp_synack_window(lsk, h) >> (h->wscale >> 4);
	xtcp_mib_inc(h->flow.net, XTCP_MIB_CHALLENGE_ACK);
	xtcp_xmit_reply(&r);
}

/* For an ACK that is not of our SYN. */
void xtcp_half_rst_xmit(const struct xtcp_half *h, struct sk_buff *skb,
			const struct xtcp_segment *seg)
{
	struct xtcp_options_out opt = {};

	ts_fill(&opt, h);
	xtcp_xmit_rst_known(h->flow.net, skb, &h->flow.tuple, seg, &opt);
}
