// SPDX-License-Identifier: GPL-2.0
#include "engine/xmit.h"

#include "engine/output.h"
#include "engine/pacing.h"
#include "engine/sock.h"
#include "engine/trace.h"
#include "proto/segment.h"
#include "proto/seq.h"

#include <linux/random.h>
#include <net/dsfield.h>
#include <net/ip.h>

/* --- what every segment has ------------------------------------------- */

static void put_header(struct sk_buff *skb, __be16 sport, __be16 dport,
		       u32 seq, u32 ack, u8 ctl, u16 wnd,
		       const struct xtcp_options_out *opt)
{
	unsigned int len = XTCP_HDR_LEN + xtcp_options_len(opt);
	struct xtcp_hdr *th = skb_push(skb, len);

	skb_reset_transport_header(skb);
	th->sport = sport;
	th->dport = dport;
	th->seq = htonl(seq);
	th->ack = htonl(ctl & XTCP_ACK ? ack : 0);
	th->doff = len << 2;
	th->flags = ctl;
	th->wnd = htons(wnd);
	th->check = 0;
	th->up = 0;
	xtcp_options_build((u8 *)(th + 1), opt);
}

static struct sk_buff *alloc_bare(gfp_t gfp)
{
	struct sk_buff *skb = alloc_skb(XTCP_HEADROOM, gfp);

	if (skb)
		skb_reserve(skb, XTCP_HEADROOM);
	return skb;
}

/* --- with a socket ----------------------------------------------------- */

static void fill_options(struct xtcp_sock *xs, struct xtcp_options_out *opt,
			 u64 now)
{
	memset(opt, 0, sizeof(*opt));
	if (!xs->neg.ts)
		return;
	opt->tstamp = true;
	opt->tsval = xtcp_clock_us_to_ms(now) + xs->ts.offset;
	opt->tsecr = xs->ts.recent;
}

static void fill_sacks(struct xtcp_sock *xs, struct xtcp_options_out *opt,
		       struct xtcp_sack_block *sacks, u8 max)
{
	if (!max || !xs->neg.sack)
		return;
	if (unlikely(xs->reasm.dsack) && !READ_ONCE(xs->params->dsack))
		xs->reasm.dsack = false;
	opt->num_sacks = xtcp_reasm_sacks(&xs->reasm, sacks,
					  min_t(u8, max, opt->tstamp ? 3 : 4));
	opt->sacks = sacks;
}

/* SACK blocks that fit beside the text of one segment; no segment is made shorter
 * for them, and those of a super-packet would all carry the same.
 */
static u8 sacks_beside(const struct xtcp_sock *xs, const struct sk_buff *skb)
{
	u32 room = xs->snd.mss - min(skb->len, xs->snd.mss);

	if (room < XTCP_OLEN_SACK_PAD)
		return 0;
	return min_t(u32, (room - XTCP_OLEN_SACK_PAD) / XTCP_OLEN_SACK_BLOCK,
		     XTCP_MAX_SACKS);
}

unsigned int xtcp_xmit_hdr_len(const struct xtcp_sock *xs)
{
	return XTCP_HDR_LEN + (xs->neg.ts ? XTCP_OLEN_TSTAMP_PAD : 0);
}

/* Hand it to IP.  The segment carries RCV.NXT: whatever ACK was owed is sent. */
static int send_for(struct xtcp_sock *xs, struct sk_buff *skb,
		    struct dst_entry *dst, u8 ecn)
{
	struct sock *sk = &xs->inet.sk;
	struct xtcp_ip_attr attr;

	memset(skb->cb, 0, sizeof(skb->cb));
	xtcp_pacing_stamp(xs, skb);
	xtcp_ip_attr_sk(&attr, sk, xs->ip->version == 4);
	attr.ecn = ecn;
	xs->ip->csum(skb, &xs->flow.tuple);
	xs->stats.segs_out += max_t(u16, 1, skb_shinfo(skb)->gso_segs);
	xtcp_mib_add(sock_net(sk), XTCP_MIB_OUT_SEGS,
		     max_t(u16, 1, skb_shinfo(skb)->gso_segs));
	return xs->ip->output(sk, skb, dst, &xs->flow.tuple, &attr);
}

static void put_header_sk(struct xtcp_sock *xs, struct sk_buff *skb, u32 seq,
			  u8 ctl, const struct xtcp_options_out *opt)
{
	u16 wnd = 0;

	if (!(ctl & XTCP_RST))
		wnd = xtcp_window_select(xs);
	put_header(skb, xs->flow.tuple.lport, xs->flow.tuple.rport, seq,
		   xs->rcv.nxt, ctl, wnd, opt);
	if (unlikely(xs->urg.sending))
		xtcp_urg_put(xs, (struct xtcp_hdr *)skb->data, seq);
	xs->ts.last_ack_sent = xs->rcv.nxt;
}

/* CWR is the first segment's alone. */
static void set_gso(const struct xtcp_sock *xs, struct sk_buff *skb, u16 segs,
		    u8 ctl)
{
	struct skb_shared_info *si = skb_shinfo(skb);

	si->gso_segs = segs;
	if (segs > 1) {
		si->gso_size = xs->snd.mss;
		si->gso_type = xs->inet.sk.sk_gso_type |
			       (ctl & XTCP_CWR ? SKB_GSO_TCP_ECN : 0);
	} else {
		si->gso_size = 0;
		si->gso_type = 0;
	}
}

int xtcp_xmit_skb(struct xtcp_sock *xs, struct sk_buff *skb, gfp_t gfp)
{
	struct dst_entry *dst = xtcp_output_dst(xs);
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	u64 now_ns = xtcp_clock_ns(), at = xtcp_pacing_departure(xs, now_ns);
	struct xtcp_sack_block sacks[XTCP_MAX_SACKS];
	u64 at_us = div_u64(at, NSEC_PER_USEC);
	struct xtcp_options_out opt;
	struct sk_buff *copy;
	bool silent = false;
	u8 ctl, ecn = 0;

	if (unlikely(!dst))
		return -EHOSTUNREACH;
	copy = xtcp_sndq_copy(skb, gfp);
	if (unlikely(!copy))
		return -ENOMEM;

	cb->tx.xmit_us = at_us;
	fill_options(xs, &opt, at_us);
	if (unlikely(xtcp_reasm_reports(&xs->reasm))) {
		fill_sacks(xs, &opt, sacks, sacks_beside(xs, skb));
		silent = !opt.num_sacks;
	}
	xtcp_rate_sent(&xs->rate, &cb->tx.rate, xs->sndq.segs_out, at_us);
	ctl = cb->ctl | XTCP_ACK;
	/* A receiver's GRO need not wait for more behind a super-packet; when its
	 * segments are sent again one by one, none of them is an end.
	 */
	if (cb->tx.segs > 1)
		ctl |= XTCP_PSH;
	if (xs->neg.ecn)
		ctl |= xtcp_ecn_xmit(xs, ctl, skb->len &&
				     !seq_lt(cb->seq, xs->snd.nxt), &ecn);
	put_header_sk(xs, copy, cb->seq, ctl, &opt);
	set_gso(xs, copy, cb->tx.segs, ctl);
	skb_set_owner_w(copy, &xs->inet.sk);
	skb_set_dst_pending_confirm(copy, READ_ONCE(xs->inet.sk.sk_dst_pending_confirm));

	/* Dropped by our own qdisc it never was on the way; any other error is a
	 * loss like those further out.
	 */
	if (unlikely(send_for(xs, copy, dst, ecn) == -ENOBUFS)) {
		xs->ecn.queue_cwr |= !!(ctl & XTCP_CWR);
		return -ENOBUFS;
	}
	if (skb->len) {
		xs->stats.data_segs_out += cb->tx.segs;
		xs->stats.bytes_sent += skb->len;
		xs->stats.last_data_sent_us = div_u64(now_ns, NSEC_PER_USEC);
	}
	/* RFC 5681 4.2: text that does not tell of the hole is no duplicate ACK */
	if (likely(!silent))
		xtcp_timers_ack_sent(xs);
	xtcp_pacing_sent(xs, skb->len, at);
	return 0;
}

static int send_bare(struct xtcp_sock *xs, u32 seq, u8 ctl, u8 max_sacks,
		     gfp_t gfp)
{
	struct xtcp_sack_block sacks[XTCP_MAX_SACKS];
	struct dst_entry *dst = xtcp_output_dst(xs);
	struct xtcp_options_out opt;
	struct sk_buff *skb;
	u8 ecn = 0;

	if (unlikely(!dst))
		return -EHOSTUNREACH;
	skb = alloc_bare(gfp);
	if (unlikely(!skb))
		return -ENOMEM;
	/* it leaves behind the data that fq keeps: TSval does not go back */
	fill_options(xs, &opt, div_u64(xtcp_pacing_departure(xs, xtcp_clock_ns()),
				       NSEC_PER_USEC));
	fill_sacks(xs, &opt, sacks, max_sacks);
	if (xs->neg.ecn)
		ctl |= xtcp_ecn_xmit(xs, ctl, false, &ecn);
	put_header_sk(xs, skb, seq, ctl, &opt);
	skb_set_owner_w(skb, &xs->inet.sk);
	return send_for(xs, skb, dst, ecn);
}

void xtcp_xmit_ack(struct xtcp_sock *xs)
{
	int err = send_bare(xs, xs->snd.nxt, XTCP_ACK, XTCP_MAX_SACKS,
			    GFP_ATOMIC);

	if (unlikely(err == -ENOMEM)) {
		xtcp_timers_ack_failed(xs, xtcp_clock_us());
		return;
	}
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_PURE_ACKS);
	xtcp_timers_ack_sent(xs);
}

/* A SYN-ACK says what of the peer's SYN we take, a SYN what we could. */
static void fill_syn_options(struct xtcp_sock *xs, struct xtcp_options_out *opt,
			     bool answer, u64 now)
{
	const struct xtcp_neg *neg = &xs->neg;

	memset(opt, 0, sizeof(*opt));
	opt->mss = neg->mss_advertised;
	opt->sack_ok = answer ? neg->sack : neg->offer_sack;
	opt->wscale_ok = answer ? neg->wscale : neg->offer_wscale;
	opt->wscale = neg->wscale_offered;
	opt->tstamp = answer ? neg->ts : neg->offer_ts;
	opt->tsval = xtcp_clock_us_to_ms(now) + xs->ts.offset;
	opt->tsecr = answer ? xs->ts.recent : 0;
}

void xtcp_xmit_syn(struct xtcp_sock *xs, u8 ctl)
{
	struct dst_entry *dst = xtcp_output_dst(xs);
	struct xtcp_options_out opt;
	struct sk_buff *skb;
	u32 wnd;

	if (unlikely(!dst))
		return;
	skb = alloc_bare(GFP_ATOMIC);
	if (unlikely(!skb))
		return;			/* the timer sends the next */
	fill_syn_options(xs, &opt, ctl & XTCP_ACK, xtcp_clock_us());
	wnd = xtcp_window_initial(xs->params, xs->inet.sk.sk_rcvbuf,
				  xs->neg.mss_advertised);
	if (xs->opt.window_clamp)
		wnd = min(wnd, xs->opt.window_clamp);
	put_header(skb, xs->flow.tuple.lport, xs->flow.tuple.rport, xs->snd.iss,
		   xs->rcv.nxt, ctl, wnd, &opt);
	skb_set_owner_w(skb, &xs->inet.sk);
	send_for(xs, skb, dst, xs->neg.ecn ? xtcp_ecn_syn_ip(&xs->inet.sk) : 0);
}

/* A sequence number below the window makes any peer answer. */
int xtcp_xmit_probe(struct xtcp_sock *xs)
{
	/* one that the peer accepts tells it of urgent data (MUST-66) */
	return send_bare(xs, xs->snd.una - !xtcp_urg_sending(xs), XTCP_ACK, 0,
			 GFP_ATOMIC);
}

void xtcp_xmit_rst(struct xtcp_sock *xs, gfp_t gfp)
{
	struct net *net = sock_net(&xs->inet.sk);

	xtcp_mib_inc(net, XTCP_MIB_OUT_RSTS);
	trace_xtcp_rst(net, &xs->flow.tuple, true);
	if (send_bare(xs, xs->snd.nxt, XTCP_RST | XTCP_ACK, 0, gfp) == -ENOMEM)
		xtcp_mib_inc(net, XTCP_MIB_ABORT_FAILED);
}

/* --- without ----------------------------------------------------------- */

void xtcp_reply_init(struct xtcp_reply *r, struct net *net,
		     const struct sk_buff *skb, const struct xtcp_tuple *t)
{
	memset(r, 0, sizeof(*r));
	r->tuple = *t;
	r->attr.net = net;
	r->attr.oif = xtcp_ip_rx_dif(skb);
	r->attr.mark = IP4_REPLY_MARK(net, skb->mark);
	r->attr.uid = sock_net_uid(net, NULL);
	r->attr.ttl = -1;
}

int xtcp_xmit_reply(const struct xtcp_reply *r)
{
	const struct xtcp_ip_ops *ip = xtcp_ip_ops_of(&r->tuple);
	struct xtcp_net *xnet = xtcp_net(r->attr.net);
	struct sock *ctl = ip->version == 4 ? xnet->ctl4 : xnet->ctl6;
	struct dst_entry *dst = r->dst;
	struct xtcp_tuple t = r->tuple;
	struct sk_buff *skb;
	int err;

	if (!dst) {
		dst = ip->route(NULL, &t, &r->attr);
		if (IS_ERR(dst)) {
			xtcp_mib_inc(r->attr.net, XTCP_MIB_NO_ROUTE);
			return PTR_ERR(dst);
		}
	}
	err = -ENOMEM;
	skb = alloc_bare(GFP_ATOMIC);
	if (likely(skb)) {
		put_header(skb, t.lport, t.rport, r->seq, r->ack, r->ctl,
			   r->wnd, &r->opt);
		ip->csum(skb, &t);
		xtcp_mib_inc(r->attr.net, XTCP_MIB_OUT_SEGS);
		err = ip->output(ctl, skb, dst, &t, &r->attr);
	}
	if (dst != r->dst)
		dst_release(dst);
	return err;
}

static void send_rst(struct xtcp_reply *r, const struct xtcp_segment *seg)
{
	if (seg->ctl & XTCP_ACK) {
		r->seq = seg->ack;
		r->ctl = XTCP_RST;
	} else {
		r->ack = seg->end_seq;
		r->ctl = XTCP_RST | XTCP_ACK;
	}
	xtcp_mib_inc(r->attr.net, XTCP_MIB_OUT_RSTS);
	trace_xtcp_rst(r->attr.net, &r->tuple, true);
	xtcp_xmit_reply(r);
}

void xtcp_xmit_rst_known(struct net *net, struct sk_buff *skb,
			 const struct xtcp_tuple *t,
			 const struct xtcp_segment *seg,
			 const struct xtcp_options_out *opt)
{
	struct xtcp_reply r;

	if (seg->ctl & XTCP_RST)
		return;
	xtcp_reply_init(&r, net, skb, t);
	r.opt = *opt;
	send_rst(&r, seg);
}

void xtcp_xmit_rst_for(struct net *net, struct sk_buff *skb,
		       const struct xtcp_tuple *t,
		       const struct xtcp_segment *seg)
{
	static const struct xtcp_options_out none;

	xtcp_xmit_rst_known(net, skb, t, seg, &none);
}

/* By the connection's own way: the segment's device may be gone. */
void xtcp_xmit_rst_of(struct xtcp_sock *xs, const struct xtcp_segment *seg)
{
	struct xtcp_reply r = { .tuple = xs->flow.tuple };

	if (seg->ctl & XTCP_RST)
		return;
	xtcp_ip_attr_sk(&r.attr, &xs->inet.sk, xs->ip->version == 4);
	if (!r.attr.oif)
		r.attr.oif = xs->flow.l3dev;
	fill_options(xs, &r.opt, xtcp_clock_us());
	send_rst(&r, seg);
}

/* RFC 5961 section 7: a budget for the whole namespace.  Of a fixed size it would
 * tell an attacker, who counts what is left of it, about other connections
 * (CVE-2016-5696): each second has another one, half to one and a half of
 * the limit.  Two CPUs may both start the new second.
 */
bool xtcp_challenge_allowed(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);
	int limit = READ_ONCE(xnet->params.challenge_ack_limit);
	u32 sec = xtcp_clock_ms() / MSEC_PER_SEC;

	if (limit == INT_MAX)
		return true;
	if (READ_ONCE(xnet->challenge_sec) != sec) {
		WRITE_ONCE(xnet->challenge_sec, sec);
		atomic_set(&xnet->challenge_left, limit - limit / 2 +
			   reciprocal_scale(get_random_u32(), limit));
	}
	return atomic_dec_if_positive(&xnet->challenge_left) >= 0;
}

/* Two ends that disagree must not answer each other for ever. */
bool xtcp_xmit_answer_due(struct xtcp_sock *xs, u64 now)
{
	u64 interval = (u64)READ_ONCE(xs->params->invalid_ratelimit) * USEC_PER_MSEC;

	if (xs->oow_us && now - xs->oow_us < interval)
		return false;
	xs->oow_us = now;
	return true;
}

void xtcp_xmit_challenge(struct xtcp_sock *xs)
{
	struct net *net = sock_net(&xs->inet.sk);

	if (!xtcp_xmit_answer_due(xs, xtcp_clock_us()) ||
	    !xtcp_challenge_allowed(net))
		return;
	xtcp_mib_inc(net, XTCP_MIB_CHALLENGE_ACK);
	xtcp_xmit_ack(xs);
}
