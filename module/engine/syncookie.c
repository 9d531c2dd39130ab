// SPDX-License-Identifier: GPL-2.0
/* syncookie.c - when the SYN queue is full: a half-open connection that lives in
 * the numbers of the SYN-ACK (proto/cookie.h), both ways.
 *
 * An entry is made to say what a SYN-ACK says, and thrown away; when the final ACK
 * comes, it is made again from what the ACK brought back.
 */
#include "engine/listener.h"

#include "conn/netns.h"
#include "engine/sock.h"
#include "engine/trace.h"
#include "engine/xmit.h"
#include "proto/cookie.h"
#include "proto/isn.h"
#include "proto/segment.h"

#define COOKIES_RECENT_US	(120ULL * XTCP_USEC_PER_SEC)

static u32 minutes(u64 now)
{
	return (u32)div_u64(now, 60 * XTCP_USEC_PER_SEC);
}

static u32 offset_of(const struct net *net, const struct xtcp_tuple *t)
{
	return xtcp_ts_offset(t, xtcp_net_salt(net));
}

/* Once a second is enough to know that there were some. */
static void note_sent(struct xtcp_listener *lst, const struct xtcp_tuple *t, u64 now)
{
	if (now - READ_ONCE(lst->cookie_us) > XTCP_USEC_PER_SEC ||
	    !READ_ONCE(lst->cookie_us))
		WRITE_ONCE(lst->cookie_us, now);
	if (!READ_ONCE(lst->warned)) {
		WRITE_ONCE(lst->warned, true);
		net_info_ratelimited("xtcp: possible SYN flooding on port %u, sending cookies\n",
				     ntohs(t->lport));
	}
}

/* What the peer asked for and this machine agrees to, without a timestamp to
 * carry it: nothing but the MSS.
 */
static void options_carried(struct xtcp_options *opt, const struct xtcp_params *params,
			    const struct xtcp_options *from)
{
	*opt = *from;
	opt->saw_tstamp = from->saw_tstamp && READ_ONCE(params->timestamps);
	if (!opt->saw_tstamp || !READ_ONCE(params->sack))
		opt->sack_ok = false;
	if (!opt->saw_tstamp || !READ_ONCE(params->window_scaling))
		opt->wscale_ok = false;
}

enum xtcp_drop xtcp_syncookie_xmit(const struct xtcp_passive *p, struct sk_buff *skb,
				   const struct xtcp_tuple *t,
				   const struct xtcp_segment *seg)
{
	struct xtcp_net *xnet = xtcp_net(p->lst->net);
	u16 mss = seg->opt.mss ?: xtcp_ip_ops_of(t)->mss_default;
	struct xtcp_options opt;
	u64 now = xtcp_clock_us();
	struct xtcp_reply r;
	enum xtcp_drop why;
	struct xtcp_half *h;

	options_carried(&opt, &xnet->params, &seg->opt);
	h = xtcp_half_new(p, skb, t, &opt, mss, &why);
	if (!h)
		return why;
	h->irs = seg->seq;
	h->iss = xtcp_cookie_make(&xnet->cookie_key, t, seg->seq, mss, minutes(now));
	h->flags |= XTCP_HALF_COOKIE;
	if (opt.saw_tstamp && xtcp_ecn_agrees(p->lsk, h->dst, skb, seg))
		h->flags |= XTCP_HALF_ECN;

	xtcp_synack_init(&r, p->lsk, h);
	if (r.opt.tstamp)
		r.opt.tsval = offset_of(p->lst->net, t) +
			xtcp_cookie_ts_encode(xtcp_clock_us_to_ms(now), &opt,
					      h->flags & XTCP_HALF_ECN);
	/* before the answer can be here */
	note_sent(p->lst, t, now);
	xtcp_mib_inc(p->lst->net, XTCP_MIB_COOKIES_SENT);
	xtcp_mib_inc(p->lst->net, XTCP_MIB_SYNACK_SENT);
	trace_xtcp_synack(p->lst->net, t, 0, h->flags, h->iss, r.opt.mss);
	xtcp_xmit_reply(&r);
	xtcp_half_free(h);
	return XTCP_DROP_NONE;
}

static enum xtcp_drop cookie_check(const struct xtcp_passive *p,
				   const struct xtcp_tuple *t,
				   const struct xtcp_segment *seg, u16 *mss)
{
	struct xtcp_net *xnet = xtcp_net(p->lst->net);
	u64 sent = READ_ONCE(p->lst->cookie_us), now = xtcp_clock_us();

	if (!sent)
		return XTCP_DROP_LISTEN_NO_SYN;
	if (now > sent + COOKIES_RECENT_US)
		return XTCP_DROP_COOKIE_NOT_SENT;
	if (xtcp_cookie_check(&xnet->cookie_key, t, seg->seq - 1, seg->ack - 1,
			      minutes(now), mss)) {
		xtcp_mib_inc(p->lst->net, XTCP_MIB_COOKIES_FAILED);
		return XTCP_DROP_COOKIE_BAD;
	}
	return XTCP_DROP_NONE;
}

/* The entry as the SYN would have made it. */
static struct xtcp_half *cookie_entry(const struct xtcp_passive *p,
				      struct sk_buff *skb,
				      const struct xtcp_tuple *t,
				      const struct xtcp_segment *seg, u16 mss,
				      enum xtcp_drop *why)
{
	const struct xtcp_params *params = &xtcp_net(p->lst->net)->params;
	struct xtcp_options was = seg->opt, opt;
	struct xtcp_half *h;
	bool ecn = false;

	if (was.saw_tstamp)
		xtcp_cookie_ts_decode(was.tsecr - offset_of(p->lst->net, t), &was,
				      &ecn);
	options_carried(&opt, params, &was);
	h = xtcp_half_new(p, skb, t, &opt, mss, why);
	if (!h)
		return NULL;
	h->irs = seg->seq - 1;
	h->iss = seg->ack - 1;
	h->wnd = seg->wnd;
	h->flags |= XTCP_HALF_COOKIE;
	if (opt.saw_tstamp && ecn && xtcp_ecn_agreed(p->lsk, h->dst))
		h->flags |= XTCP_HALF_ECN;
	return h;
}

/* 3.10.7.2 second: an ACK is bad in LISTEN, unless it carries a cookie. */
void xtcp_syncookie_rcv(const struct xtcp_passive *p, struct sk_buff *skb,
			const struct xtcp_tuple *t, const struct xtcp_segment *seg)
{
	enum xtcp_listen_stat stat = XTCP_LSTAT_ACK_OTHER;
	struct xtcp_half *h = NULL;
	enum xtcp_drop why;
	u16 mss = 0;

	why = seg->ctl & XTCP_SYN ? XTCP_DROP_LISTEN_NO_SYN :
				    cookie_check(p, t, seg, &mss);
	if (why) {
		if (why == XTCP_DROP_COOKIE_BAD)
			stat = XTCP_LSTAT_COOKIE_BAD;
		xtcp_xmit_rst_for(p->lst->net, skb, t, seg);
	} else {
		xtcp_mib_inc(p->lst->net, XTCP_MIB_COOKIES_RECV);
		h = cookie_entry(p, skb, t, seg, mss, &why);
	}
	if (h)
		xtcp_half_complete_cookie(p, h, skb, seg);
	else
		xtcp_listen_drop(p->lst, skb, t, why, stat);
}
