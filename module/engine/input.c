// SPDX-License-Identifier: GPL-2.0
/* input.c - a segment for a connection: RFC 9293 3.10.7.4, the eight checks in
 * their order.  (SYN-SENT is connect.c's, SYN-RECEIVED of a listener half.c's.)
 */
#include "engine/dispatch.h"

#include "engine/ack.h"
#include "engine/connect.h"
#include "engine/output.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "engine/trace.h"
#include "engine/xmit.h"
#include "proto/segment.h"
#include "proto/seq.h"

#define QUICK_ACKS_MAX		16U
/* Smaller ones say nothing about how large a window would be well used. */
#define SMALL_SEGMENT		128
/* What RFC 9293 calls text is taken in these states. */
#define STATES_TEXT	(XTCPF(XTCP_ESTABLISHED) | XTCPF(XTCP_FIN_WAIT1) | \
			 XTCPF(XTCP_FIN_WAIT2))

/* Not yet synchronised. */
#define STATES_OPENING	(XTCPF(XTCP_SYN_SENT) | XTCPF(XTCP_SYN_RECV))
/* Not a connection, or not any more: the backlog, and who found it just before, may
 * still bring segments.
 */
#define STATES_NONE	(XTCPF(XTCP_CLOSE) | XTCPF(XTCP_LISTEN))

/* --- first: sequence number (and RFC 7323 section 5) --------------------- */

static bool ts_is_old(const struct xtcp_sock *xs, const struct xtcp_segment *seg,
		      u64 now)
{
	return unlikely((s32)(seg->opt.tsval - xs->ts.recent) < 0) &&
	       xtcp_ts_is_old(seg->opt.tsval, xs->ts.recent,
			      (u32)div_u64(now, USEC_PER_SEC) - xs->ts.recent_stamp);
}

/* Pure ACKs overtake each other on the way: one that changes nothing and is older
 * by less than an RTO is no old duplicate but a duplicate ACK.
 */
static bool ack_overtaken(const struct xtcp_sock *xs,
			  const struct xtcp_segment *seg)
{
	return !seg->len && seg->seq == xs->rcv.nxt && seg->ack == xs->snd.una &&
	       (u32)seg->wnd << xs->neg.snd_wscale == xs->snd.wnd &&
	       xs->ts.recent - seg->opt.tsval <=
	       xtcp_rtt_rto(&xs->rtt) / USEC_PER_MSEC;
}

static bool paws_rejects(const struct xtcp_sock *xs,
			 const struct xtcp_segment *seg, u64 now)
{
	return xs->neg.ts && seg->opt.saw_tstamp && ts_is_old(xs, seg, now) &&
	       !ack_overtaken(xs, seg);
}

/* The table of 3.10.7.4, with the largest window that was ever offered (RFC 7323
 * 2.4).  With a closed window a segment at RCV.NXT passes: its ACK, RST or URG
 * count, its text will find no room.  Text beyond the edge, though not a FIN, is
 * taken only while nothing else is waiting: what it costs was not promised.
 */
static bool seq_acceptable(const struct xtcp_sock *xs,
			   const struct xtcp_segment *seg)
{
	u32 nxt = xs->rcv.nxt, edge = nxt + xtcp_rcv_window_max(xs);

	if (edge == nxt)
		return seg->seq == nxt;
	if (!seg->len)	/* on the edge stands whoever has filled the window */
		return seq_geq(seg->seq, nxt) && seq_leq(seg->seq, edge);
	if (!seq_gt(seg->end_seq, nxt) || !seq_lt(seg->seq, edge))
		return false;
	return seq_leq(seg->end_seq - !!(seg->ctl & XTCP_FIN), edge) ||
	       skb_queue_empty(&xs->inet.sk.sk_receive_queue);
}

static void answer_out_of_window(struct xtcp_sock *xs,
				 const struct xtcp_segment *seg, u64 now)
{
	if (!seg->len && !xtcp_xmit_answer_due(xs, now))
		return;
	if (seg->len && xs->neg.sack && READ_ONCE(xs->params->dsack) &&
	    seq_lt(seg->seq, xs->rcv.nxt)) {
		xtcp_reasm_dsack(&xs->reasm, seg->seq,
				 seq_min(seg->end_seq, xs->rcv.nxt));
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_DSACK_SENT);
	}
	xtcp_xmit_ack(xs);
}

static enum xtcp_drop check_sequence(struct xtcp_sock *xs,
				     const struct xtcp_segment *seg, u64 now)
{
	enum xtcp_drop why = XTCP_DROP_NONE;

	/* RFC 7323 3.2: agreed on, and missing: silently */
	if (xs->neg.ts && !seg->opt.saw_tstamp && !(seg->ctl & XTCP_RST))
		return XTCP_DROP_NO_TSTAMP;
	if (paws_rejects(xs, seg, now) && !(seg->ctl & XTCP_RST))
		why = XTCP_DROP_PAWS;
	else if (!seq_acceptable(xs, seg))
		why = seg->ctl & XTCP_RST ? XTCP_DROP_RST_OUT_OF_WND :
		      seg->len && seq_leq(seg->end_seq, xs->rcv.nxt) ?
		      XTCP_DROP_DUP_DATA : XTCP_DROP_OUT_OF_WND;
	if (!why || seg->ctl & XTCP_RST)
		return why;
	if (why == XTCP_DROP_OUT_OF_WND)
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_BEYOND_WINDOW);
	/* RFC 5961 4.2: a SYN is challenged wherever it is */
	if (seg->ctl & XTCP_SYN)
		xtcp_xmit_challenge(xs);
	else
		answer_out_of_window(xs, seg, now);
	return why;
}

/* RFC 7323 4.3 (2): only what covers the last ACK sent is echoed.  An older TSval
 * counts after 24 days of silence.
 */
static void update_ts_recent(struct xtcp_sock *xs,
			     const struct xtcp_segment *seg, u64 now)
{
	if (!xs->neg.ts || !seg->opt.saw_tstamp ||
	    seq_gt(seg->seq, xs->ts.last_ack_sent) || ts_is_old(xs, seg, now))
		return;
	xs->ts.recent = seg->opt.tsval;
	xs->ts.recent_stamp = (u32)div_u64(now, USEC_PER_SEC);
}

/* --- second: RST; fourth: SYN (RFC 5961 sections 3 and 4) ----------------- */

static enum xtcp_drop check_rst(struct xtcp_sock *xs,
				const struct xtcp_segment *seg)
{
	if (!(seg->ctl & XTCP_RST))
		return XTCP_DROP_NONE;
	if (seg->seq != xs->rcv.nxt) {
		xtcp_xmit_challenge(xs);
		return XTCP_DROP_CHALLENGE;
	}
	trace_xtcp_rst(sock_net(&xs->inet.sk), &xs->flow.tuple, false);
	xtcp_state_reset_rcvd(xs);
	return XTCP_DROP_RST;
}

static enum xtcp_drop check_syn(struct xtcp_sock *xs,
				const struct xtcp_segment *seg)
{
	if (!(seg->ctl & XTCP_SYN))
		return XTCP_DROP_NONE;
	xtcp_xmit_challenge(xs);
	return XTCP_DROP_SYN_IN_WND;
}

/* --- fifth: ACK ------------------------------------------------------------ */

static enum xtcp_drop check_ack(struct xtcp_sock *xs,
				const struct xtcp_segment *seg, u64 now)
{
	enum xtcp_drop why;

	if (!(seg->ctl & XTCP_ACK))
		return XTCP_DROP_NO_ACK_FLAG;
	if (unlikely(xs->state == XTCP_SYN_RECV)) {
		why = xtcp_connect_acked(xs, seg, now);
		if (why)
			return why;
	}
	return xtcp_ack_rcv(xs, seg, now);
}

/* --- seventh: text ---------------------------------------------------------- */

static bool fits(struct sock *sk, struct sk_buff *skb)
{
	return atomic_read(&sk->sk_rmem_alloc) <= sk->sk_rcvbuf &&
	       sk_rmem_schedule(sk, skb, skb->truesize);
}

/* Out-of-order data from the top, but not for the sake of what is beyond it. */
static bool prune(struct xtcp_sock *xs, const struct sk_buff *skb)
{
	struct sock *sk = &xs->inet.sk;
	int goal = max_t(int, skb->truesize, sk->sk_rcvbuf >> 3);

	if (!xtcp_reasm_prune(sk, &xs->reasm, goal, xtcp_skb_cb(skb)->seq))
		return false;
	xtcp_mib_inc(sock_net(sk), XTCP_MIB_OFO_PRUNED);
	return true;
}

/* Looking through all that is queued for what can be merged pays only when some more
 * has come since the last time: a peer whose segments cannot be must not have us
 * look for each of them.  So it is some hundred skbs at most for each that comes.
 */
static bool collapse(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	if (xs->rcv.unmerged < (u32)sk->sk_rcvbuf >> 7)
		return false;
	xs->rcv.unmerged = 0;
	xtcp_mib_add(sock_net(sk), XTCP_MIB_RCV_COLLAPSED,
		     xtcp_reasm_collapse(sk, &xs->reasm) +
		     xtcp_rcvq_collapse(sk));
	return true;
}

/* The window promises bytes, small segments cost memory beside them: that can be
 * got back by copying.  What is out of order may be thrown away; an eighth at
 * a time, too.
 */
static bool room_for(struct xtcp_sock *xs, struct sk_buff *skb)
{
	struct sock *sk = &xs->inet.sk;
	struct net *net = sock_net(sk);

	xs->rcv.unmerged += skb->truesize;
	if (likely(fits(sk, skb)))
		return true;
	if (!atomic_read(&sk->sk_rmem_alloc))
		return false;		/* it is the machine's memory */
	xtcp_mib_inc(net, XTCP_MIB_PRUNE_CALLED);
	xtcp_window_overrun(xs);
	if (fits(sk, skb))
		return true;
	if (collapse(xs) && fits(sk, skb))
		return true;
	if (prune(xs, skb) && fits(sk, skb))
		return true;
	xtcp_mib_inc(net, XTCP_MIB_RCV_PRUNED);
	return false;
}

/* What was promised is kept, or the peer would send it until it gives up: up to
 * as much again as the buffer, for bytes in order, whatever their overhead.
 */
static bool promised(struct sock *sk, struct sk_buff *skb)
{
	return atomic_read(&sk->sk_rmem_alloc) / 2 <= sk->sk_rcvbuf &&
	       sk_rmem_schedule(sk, skb, skb->truesize);
}

/* How interactive is the peer?  Sets the delay of ACKs. */
static void adapt_ack(struct xtcp_sock *xs, u64 now)
{
	const unsigned int min_ms = XTCP_DELACK_MIN_US / USEC_PER_MSEC;
	struct xtcp_rcv *rcv = &xs->rcv;
	u64 gap = div_u64(now - rcv->last_us, USEC_PER_MSEC);
	u32 ato = rcv->ato_ms;

	if (!ato) {
		rcv->quick = clamp_t(u32, xtcp_rcv_window(xs) /
				     (2 * max(rcv->mss_seen, 1U)),
				     2, QUICK_ACKS_MAX);
		ato = min_ms;
	} else if (gap <= min_ms / 2) {
		ato = ato / 2 + min_ms / 2;
	} else if (gap < ato) {
		ato = ato / 2 + gap;
	} else if (gap > xtcp_rtt_rto(&xs->rtt) / USEC_PER_MSEC) {
		/* a long silence: the peer may be in slow start again */
		rcv->quick = QUICK_ACKS_MAX;
	}
	rcv->ato_ms = min_t(u32, ato, XTCP_DELACK_MAX_US / USEC_PER_MSEC);
	rcv->last_us = now;
}

static void fin_in_order(struct xtcp_sock *xs)
{
	xs->rcvq.fin = true;
	xtcp_state_fin_rcvd(xs);
}

/* @skb begins at or before RCV.NXT and ends beyond it. */
static void take(struct xtcp_sock *xs, struct sk_buff *skb)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	struct sock *sk = &xs->inet.sk;
	bool fin = cb->ctl & XTCP_FIN;
	struct sk_buff *tail;

	xs->stats.bytes_received += cb->end_seq - xs->rcv.nxt - fin;
	WRITE_ONCE(xs->rcv.nxt, cb->end_seq);
	if (!skb->len) {
		kfree_skb(skb);
	} else {
		tail = skb_peek_tail(&sk->sk_receive_queue);
		if (tail && xtcp_skb_cb(tail)->end_seq == cb->seq &&
		    xtcp_rcvq_coalesce(sk, tail, skb))
			xtcp_mib_inc(sock_net(sk), XTCP_MIB_RCV_COALESCE);
		else
			xtcp_rcvq_add(sk, skb);
	}
	if (fin)
		fin_in_order(xs);
}

static void drain_reasm(struct xtcp_sock *xs)
{
	struct sk_buff *skb;

	if (xtcp_reasm_empty(&xs->reasm))
		return;
	while (!xs->rcvq.fin &&
	       (skb = xtcp_reasm_pull(&xs->inet.sk, &xs->reasm, xs->rcv.nxt))) {
		if (seq_leq(xtcp_skb_cb(skb)->end_seq, xs->rcv.nxt)) {
			kfree_skb(skb);
			continue;
		}
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_OFO_MERGE);
		take(xs, skb);
	}
	xtcp_reasm_sack_trim(&xs->reasm, xs->rcv.nxt);
	xs->rcv.ack_now = true;		/* RFC 5681 4.2: a hole was filled */
}

static void wake_reader(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	if (sock_flag(sk, SOCK_DEAD))
		return;
	if (xs->rcvq.fin || sk->sk_rcvlowat <= 1 ||
	    xtcp_window_readable(xs, READ_ONCE(sk->sk_rcvlowat)))
		sk->sk_data_ready(sk);
}

/* Say so, and let the program make room.  What has no room with nothing else there
 * is taken all the same: no reader could make any.
 */
static bool no_room(struct xtcp_sock *xs, unsigned int len)
{
	struct sock *sk = &xs->inet.sk;

	xs->rcv.ack_now = true;
	xs->rcv.no_mem = true;
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
	if (!len || skb_queue_empty(&sk->sk_receive_queue))
		return false;
	xtcp_mib_inc(sock_net(sk), XTCP_MIB_RCVQ_DROP);
	return true;
}

static enum xtcp_drop in_order(struct xtcp_sock *xs, struct sk_buff *skb,
			       const struct xtcp_segment *seg, u64 now)
{
	unsigned int len = skb->len, truesize = skb->truesize;

	if (seq_lt(seg->seq, xs->rcv.nxt) && xs->neg.sack)
		xtcp_reasm_dsack(&xs->reasm, seg->seq, xs->rcv.nxt);
	if (!room_for(xs, skb) && !promised(&xs->inet.sk, skb) && no_room(xs, len))
		return XTCP_DROP_RCVBUF;
	if (len)
		xtcp_window_measure(xs, skb);
	else if (!xtcp_rcv_window(xs))	/* its FIN does not wait for ours */
		xs->rcv.ack_now = true;
	take(xs, skb);
	drain_reasm(xs);
	if (len) {
		adapt_ack(xs, now);
		if (len >= SMALL_SEGMENT)
			xtcp_window_data_in(xs, len, truesize);
	}
	if (xs->done)
		return XTCP_DROP_NONE;
	xtcp_output_ack_owed(xs, now);
	wake_reader(xs);
	return XTCP_DROP_NONE;
}

static enum xtcp_drop out_of_order(struct xtcp_sock *xs, struct sk_buff *skb)
{
	unsigned int len = skb->len, truesize = skb->truesize;
	bool owed = xs->rcv.ack_now;
	struct sock *sk = &xs->inet.sk;
	struct net *net = sock_net(sk);

	xs->stats.rcv_ooopack++;
	xs->rcv.ack_now = true;		/* RFC 5681 4.2 */
	if (!room_for(xs, skb)) {
		xtcp_mib_inc(net, XTCP_MIB_OFO_DROP);
		if (!sock_flag(sk, SOCK_DEAD))
			sk->sk_data_ready(sk);
		return XTCP_DROP_OFO_LIMIT;
	}
	if (len)
		xtcp_window_measure(xs, skb);
	if (!xtcp_reasm_add(sk, &xs->reasm, skb)) {
		xtcp_mib_drop(net, XTCP_DROP_OVERLAP);
		return XTCP_DROP_NONE;
	}
	xtcp_mib_inc(net, XTCP_MIB_OFO_QUEUE);
	if (xtcp_ack_holds(xs))
		xs->rcv.ack_now = owed;
	/* a window that stays tells who has no SACK that this is a duplicate ACK */
	if (xs->neg.sack && len >= SMALL_SEGMENT)
		xtcp_window_data_in(xs, len, truesize);
	xtcp_window_hole(xs);
	return XTCP_DROP_NONE;
}

/* MAY-9 */
void xtcp_input_note_ip(struct xtcp_sock *xs, const struct sk_buff *skb)
{
	xs->rcv_tos = xs->ip->rx_tos(skb);
	xs->rcv_ttl = xs->ip->rx_ttl(skb);
}

/* Data that a program which has closed will never read. */
static bool data_for_nobody(const struct xtcp_sock *xs,
			    const struct xtcp_segment *seg)
{
	u32 fin = !!(seg->ctl & XTCP_FIN);

	return xs->inet.sk.sk_shutdown & RCV_SHUTDOWN && !xs->rcvq.fin &&
	       (xs->orphan || xs->state != XTCP_ESTABLISHED) &&
	       seg->data_len && seq_gt(seg->end_seq - fin, xs->rcv.nxt);
}

/* Of the window, as it is now, nothing is left for it. */
static enum xtcp_drop no_window(struct xtcp_sock *xs,
				const struct xtcp_segment *seg)
{
	struct net *net = sock_net(&xs->inet.sk);

	xs->rcv.ack_now = true;
	if (seq_lt(seg->seq, xs->rcv.nxt) && xs->neg.sack)
		xtcp_reasm_dsack(&xs->reasm, seg->seq, xs->rcv.nxt);
	if (seq_gt(seg->seq, xs->rcv.nxt)) {
		xtcp_mib_inc(net, XTCP_MIB_BEYOND_WINDOW);
		return XTCP_DROP_OUT_OF_WND;
	}
	xtcp_mib_inc(net, XTCP_MIB_ZERO_WINDOW_DROP);
	return XTCP_DROP_ZERO_WINDOW;
}

/* Eats @skb when it returns XTCP_DROP_NONE. */
static enum xtcp_drop text(struct xtcp_sock *xs, struct sk_buff *skb,
			   const struct xtcp_segment *seg, u64 now)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	u32 wnd;

	if (data_for_nobody(xs, seg)) {
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_ABORT_ON_DATA);
		/* 3.10.7.1: as for a connection that is not there */
		xtcp_xmit_rst_of(xs, seg);
		xtcp_state_error(xs, ECONNRESET);
		return XTCP_DROP_ABORT_ON_DATA;
	}
	if (!(XTCPF(xs->state) & STATES_TEXT)) {
		xs->rcv.ack_now = true;
		return XTCP_DROP_AFTER_FIN;
	}
	wnd = xtcp_rcv_window(xs);
	if (seg->data_len &&
	    (!wnd || !seq_lt(seg->seq, xs->rcv.nxt + wnd)))
		return no_window(xs, seg);
	xs->stats.data_segs_in += max_t(u16, 1, skb_shinfo(skb)->gso_segs);
	xs->stats.last_data_recv_us = now;
	xtcp_window_rtt(xs, seg, now);
	if (xs->neg.ecn && seg->data_len)
		xtcp_ecn_data_rcv(xs, skb);
	if (unlikely(xs->opt.recv_ip))
		xtcp_input_note_ip(xs, skb);

	memset(cb, 0, sizeof(*cb));
	cb->seq = seg->seq;
	cb->end_seq = seg->end_seq;
	cb->ctl = seg->ctl;
	cb->rx.tsval = seg->opt.tsval;
	cb->rx.tsecr = seg->opt.tsecr;
	__skb_pull(skb, seg->hdr_len);

	if (seq_leq(seg->seq, xs->rcv.nxt))
		return in_order(xs, skb, seg, now);
	return out_of_order(xs, skb);
}

/* --- the page ---------------------------------------------------------------- */

/* Sixth to eighth; eats @skb when it returns NONE. */
static enum xtcp_drop rest(struct xtcp_sock *xs, struct sk_buff *skb,
			   const struct xtcp_segment *seg, u64 now)
{
	if (unlikely(seg->ctl & XTCP_URG || xs->urg.state == XTCP_URG_ANNOUNCED) &&
	    !(xs->inet.sk.sk_shutdown & RCV_SHUTDOWN))
		xtcp_urg_rcv(xs, skb, seg);		/* sixth */
	if (seg->len)
		return text(xs, skb, seg, now);		/* seventh, eighth */
	consume_skb(skb);
	return XTCP_DROP_NONE;
}

static enum xtcp_drop synchronised(struct xtcp_sock *xs, struct sk_buff *skb,
				   const struct xtcp_segment *seg, u64 now)
{
	enum xtcp_drop why;

	why = check_sequence(xs, seg, now);			/* first */
	if (why)
		return why;
	why = check_rst(xs, seg);				/* second */
	if (why)
		return why;
	/* third: security, obsolete */
	why = check_syn(xs, seg);				/* fourth */
	if (why)
		return why;
	why = check_ack(xs, seg, now);				/* fifth */
	if (why)
		return why;
	if (unlikely(seg->ctl & XTCP_CWR))
		xtcp_ecn_cwr_rcv(xs, seg);
	/* after it: a segment that is made up shall not set TS.Recent */
	update_ts_recent(xs, seg, now);
	if (xs->done && seg->len)
		return XTCP_DROP_CLOSED;	/* that ACK was the last step */
	return rest(xs, skb, seg, now);
}

/* Before ESTABLISHED: SYN-SENT, and SYN-RECEIVED where our SYN may have crossed the peer's. */
static enum xtcp_drop opening(struct xtcp_sock *xs, struct sk_buff *skb,
			      const struct xtcp_segment *seg, u64 now)
{
	struct xtcp_segment own = *seg;		/* without its SYN */

	if (XTCPF(xs->state) & STATES_NONE)
		return XTCP_DROP_CLOSED;
	if (xs->state == XTCP_SYN_SENT)
		return xtcp_connect_rcv(xs, &own, now) ?:
		       rest(xs, skb, &own, now);
	xtcp_connect_crossed(xs, &own);
	return synchronised(xs, skb, &own, now);
}

static enum xtcp_drop rcv(struct xtcp_sock *xs, struct sk_buff *skb,
			  const struct xtcp_segment *seg)
{
	u64 now = xtcp_clock_us();

	if (unlikely(XTCPF(xs->state) & (STATES_NONE | STATES_OPENING)))
		return opening(xs, skb, seg, now);
	return synchronised(xs, skb, seg, now);
}

void xtcp_input_rcv(struct xtcp_sock *xs, struct sk_buff *skb,
		    const struct xtcp_segment *seg)
{
	struct net *net = sock_net(&xs->inet.sk);
	enum xtcp_drop why;

	xs->stats.segs_in += max_t(u16, 1, skb_shinfo(skb)->gso_segs);
	why = rcv(xs, skb, seg);
	if (why) {
		xtcp_mib_drop(net, why);
		trace_xtcp_drop(net, &xs->flow.tuple, why);
		kfree_skb(skb);
	}
	xtcp_output_after_input(xs);
}
