// SPDX-License-Identifier: GPL-2.0
#include "engine/output.h"

#include "engine/frto.h"
#include "engine/pacing.h"
#include "engine/pmtu.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "engine/trace.h"
#include "engine/tso.h"
#include "engine/xmit.h"
#include "proto/seq.h"

#include <linux/interrupt.h>

/* Entered by close() or shutdown(): a FIN is queued in these. */
#define STATES_FIN_SENT	(XTCPF(XTCP_FIN_WAIT1) | XTCPF(XTCP_CLOSING) | \
			 XTCPF(XTCP_LAST_ACK))

/* --- may I send? ------------------------------------------------------- */

static u32 usable_window(const struct xtcp_sock *xs, u32 seq)
{
	s32 left = xs->snd.una + xs->snd.wnd - seq;

	return max(left, 0);
}

/* Segments that cwnd still allows. */
static u32 cwnd_quota(const struct xtcp_sock *xs)
{
	u32 pipe = xtcp_pipe(xs);

	return xs->cong.cwnd > pipe ? xs->cong.cwnd - pipe : 0;
}

/* RFC 9293 3.7.4 in Minshall's form: a small segment waits only while another
 * small one is unacknowledged.  Corked, it waits for company.
 */
static bool nagle_holds(struct xtcp_sock *xs, const struct sk_buff *skb)
{
	if (xtcp_skb_cb(skb)->ctl & XTCP_FIN ||
	    !skb_queue_is_last(&xs->sndq.list, skb))
		return false;
	if (unlikely(xtcp_urg_sending(xs)))
		return false;
	if (xs->opt.cork || xs->more)
		return true;
	return !xs->opt.nodelay && xs->sndq.segs_out &&
	       seq_lt(xs->snd.una, xs->snd.sml) &&
	       seq_leq(xs->snd.sml, xs->snd.nxt);
}

/* Bytes of @skb that may go now, 0: none.  Whole segments, but for its end. */
static u32 allowance(struct xtcp_sock *xs, struct sk_buff *skb, bool nagle_off)
{
	u32 mss = xs->snd.mss, wnd = usable_window(xs, xtcp_skb_cb(skb)->seq);
	u32 segs = cwnd_quota(xs), limit, full, tail;
	u64 half;

	if (!segs || !wnd)
		return 0;
	if (!skb->len)			/* a FIN alone */
		return 1;
	full = xtcp_tso_segs(xs);
	limit = min(wnd, min(segs, full) * mss);
	/* two super-packets in a window at least, or its ACKs come in one clump */
	half = (u64)max(xs->cong.cwnd >> 1, 1U) * mss;
	if (skb->len <= min_t(u64, limit, half)) {
		tail = skb->len % mss;
		if (tail && !nagle_off && nagle_holds(xs, skb))
			return skb->len - tail;
		return skb->len;
	}
	limit -= limit % mss;		/* a silly window waits; persist forces */
	if (limit && limit < full * mss && skb->len > limit &&
	    xtcp_tso_defers(xs, skb, limit))
		return 0;
	return min_t(u64, limit, half);
}

/* --- sending ----------------------------------------------------------- */

static void sent_new(struct xtcp_sock *xs, struct sk_buff *skb)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	u64 now = cb->tx.xmit_us;

	xs->snd.nxt = cb->end_seq;
	xtcp_sndq_advance(&xs->sndq, skb);
	if (skb->len && skb->len % xs->snd.mss)
		xs->snd.sml = cb->end_seq;
	if (cb->ctl & XTCP_FIN)
		xs->fin_sent = true;
	xtcp_mib_add(sock_net(&xs->inet.sk), XTCP_MIB_ORIG_DATA_SENT,
		     cb->tx.segs);
	/* Answering at once: the program is interactive. */
	if (now - xs->rcv.last_us < (u64)xs->rcv.ato_ms * USEC_PER_MSEC)
		xs->rcv.pingpong = true;
	xtcp_recovery_sent(xs, cb->tx.segs, false, now);
	xtcp_timers_data_sent(xs, now);
}

/* An error: nothing more can go now. */
static int send_one(struct xtcp_sock *xs, struct sk_buff *skb, u32 bytes)
{
	int err = 0;

	if (skb->len > bytes)
		err = xtcp_sndq_split(&xs->inet.sk, &xs->sndq, skb, bytes,
				      xs->snd.mss, GFP_ATOMIC);
	if (err)
		return err;
	xtcp_sndq_set_segs(&xs->sndq, skb, xs->snd.mss);
	err = xtcp_xmit_skb(xs, skb, GFP_ATOMIC);
	if (!err)
		sent_new(xs, skb);
	return err;
}

/* RFC 5681 4.1: the first after a pause may find a smaller window. */
static u32 allowance_after_idle(struct xtcp_sock *xs, struct sk_buff *skb,
				bool nagle_off)
{
	u32 bytes = allowance(xs, skb, nagle_off), cwnd = xs->cong.cwnd;

	if (!bytes || xs->sndq.segs_out)
		return bytes;
	xs->cong.after_idle = READ_ONCE(xs->params->slow_start_after_idle);
	xtcp_cong_tx_start(&xs->cong, xtcp_rtt_rto(&xs->rtt), xtcp_clock_us(),
			   xs->rate.app_limited);
	return likely(xs->cong.cwnd == cwnd) ? bytes :
					       allowance(xs, skb, nagle_off);
}

static void note_sent(struct xtcp_sock *xs, u64 now, bool limited)
{
	struct xtcp_cong_tx tx = {
		.now_us = now,
		.flight = xtcp_pipe(xs),
		.snd_una = xs->snd.una,
		.snd_nxt = xs->snd.nxt,
		.rto_us = xtcp_rtt_rto(&xs->rtt),
		.limited = limited,
	};

	xtcp_cong_sent(&xs->cong, &tx);
}

/* What cwnd leaves is less than there is to send and the peer would take: nothing,
 * or too little for a good super-packet.
 */
static bool cwnd_limits(const struct xtcp_sock *xs, const struct sk_buff *skb)
{
	u64 left = (u64)cwnd_quota(xs) * xs->snd.mss;

	return left < skb->len && left < usable_window(xs, xtcp_skb_cb(skb)->seq);
}

/* What keeps the rest back, for TCP_INFO: the peer's window, or that the program
 * could not put more into a full buffer.
 */
static void note_held(struct xtcp_sock *xs, bool any)
{
	const struct socket *sock = xs->inet.sk.sk_socket;
	struct sk_buff *skb = xs->sndq.head;

	if (skb) {
		if (unlikely(cwnd_quota(xs) && skb->len &&
			     usable_window(xs, xtcp_skb_cb(skb)->seq) <
			     min(skb->len, xs->snd.mss)))
			xtcp_chrono_start(&xs->chrono, XTCP_CHRONO_RWND, xtcp_clock_us());
		else if (unlikely(xs->chrono.kind == XTCP_CHRONO_RWND))
			xtcp_chrono_stop(&xs->chrono, XTCP_CHRONO_RWND, xtcp_clock_us());
	} else if (xs->chrono.kind == XTCP_CHRONO_RWND) {
		xtcp_chrono_stop(&xs->chrono, XTCP_CHRONO_RWND, xtcp_clock_us());
	} else if (any && sock && unlikely(test_bit(SOCK_NOSPACE, &sock->flags)) &&
		   cwnd_quota(xs)) {
		xtcp_chrono_start(&xs->chrono, XTCP_CHRONO_SNDBUF, xtcp_clock_us());
	}
}

/* RFC 4821 7: one segment that is larger than the others.  False: nothing else may
 * go before it.
 */
static bool send_mtu_probe(struct xtcp_sock *xs)
{
	enum xtcp_mtu_probe_verdict verdict = xtcp_mtu_probe_due(xs);
	struct sk_buff *skb = xs->sndq.head;
	u32 sml = xs->snd.sml;

	if (verdict != XTCP_MTU_PROBE_NOW)
		return verdict != XTCP_MTU_PROBE_WAIT;
	if (!xs->sndq.segs_out)
		xtcp_cong_tx_start(&xs->cong, xtcp_rtt_rto(&xs->rtt),
				   xtcp_clock_us(), xs->rate.app_limited);
	xtcp_sndq_set_segs(&xs->sndq, skb, skb->len);
	if (!xtcp_xmit_skb(xs, skb, GFP_ATOMIC)) {
		sent_new(xs, skb);
		xs->snd.sml = sml;		/* not a small one */
		xtcp_mtu_probe_sent(xs, skb);
	}
	return true;
}

static void send_new(struct xtcp_sock *xs, bool nagle_off)
{
	bool limited = false, any = false, held = false;
	struct sk_buff *skb;
	u64 now = 0;

	if (unlikely(xs->mtu_probe.enabled) && !send_mtu_probe(xs))
		return;
	while ((skb = xs->sndq.head)) {
		u32 bytes;

		held = xtcp_pacing_holds(xs);
		if (held)
			break;
		bytes = allowance_after_idle(xs, skb, nagle_off);
		limited = !bytes && cwnd_limits(xs, skb);
		if (!bytes || xtcp_tso_queue_full(xs, skb, bytes) ||
		    send_one(xs, skb, bytes))
			break;
		now = xtcp_skb_cb(skb)->tx.xmit_us;
		any = true;
	}
	note_held(xs, any);
	/* TCP_NOTSENT_LOWAT: a writer may wait for just that */
	if (any && unlikely(xtcp_output_lowat(xs) != UINT_MAX))
		xtcp_output_room(xs);
	if (any)
		note_sent(xs, now, limited);
	else if (limited)
		xs->cong.limited = true;
	/* Nothing in flight will bring an ACK: ask (3.8.6.1), and what is corked
	 * leaves with the question (MUST-60).
	 */
	if (xs->sndq.head && !xs->sndq.segs_out && !held)
		xtcp_timers_held(xs);
}

/* --- again ------------------------------------------------------------- */

/* The first copy has not left yet.  (Nor has it if it waits as a report for the
 * program, but then nothing below us is charged for it.)
 */
static bool first_below(const struct sock *sk, const struct sk_buff *skb)
{
	return skb_fclone_busy(sk, skb) && sk_wmem_alloc_get(sk);
}

static int retransmit(struct xtcp_sock *xs, struct sk_buff *skb, u32 max_segs)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	struct sock *sk = &xs->inet.sk;
	int err;

	xtcp_mtu_probe_forget(&xs->mtu_probe);
	if (unlikely(first_below(sk, skb))) {
		xtcp_tso_throttle(xs);
		if (first_below(sk, skb))
			return -EBUSY;
	}
	if (seq_lt(cb->seq, xs->snd.una)) {
		err = xtcp_sndq_trim_head(sk, &xs->sndq, skb, xs->snd.una,
					  xs->snd.mss);
		if (err)
			return err;
	}
	if (skb->len > max_segs * xs->snd.mss) {
		err = xtcp_sndq_split(sk, &xs->sndq, skb, max_segs * xs->snd.mss,
				      xs->snd.mss, GFP_ATOMIC);
		if (err)
			return err;
	}
	xtcp_sndq_set_segs(&xs->sndq, skb, xs->snd.mss);
	err = xtcp_xmit_skb(xs, skb, GFP_ATOMIC);
	trace_xtcp_retransmit(sk, cb->seq, skb->len, err);
	if (err && err != -ENOBUFS) {
		xtcp_mib_add(sock_net(sk), XTCP_MIB_RETRANS_FAIL, cb->tx.segs);
		return err;
	}
	xtcp_sndq_resent(&xs->sndq, skb);
	xs->stats.total_retrans += cb->tx.segs;
	xs->stats.bytes_retrans += skb->len;
	xtcp_mib_add(sock_net(sk), XTCP_MIB_RETRANS_SEGS, cb->tx.segs);
	xtcp_recovery_sent(xs, cb->tx.segs, true, cb->tx.xmit_us);
	return 0;
}

int xtcp_output_retransmit_head(struct xtcp_sock *xs)
{
	struct sk_buff *skb = xtcp_sndq_flight(&xs->sndq);

	return skb ? retransmit(xs, skb, 1) : 0;
}

/* One of the lost, @max_segs of it at most.  False: no more can go. */
static bool send_one_lost(struct xtcp_sock *xs, struct sk_buff *skb, u32 max_segs)
{
	const struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	bool head = skb == xtcp_sndq_first(&xs->sndq);
	u32 wnd = usable_window(xs, cb->seq);

	/* SHLD-16: a segment of the head always, the rest inside the window */
	if (!head && !wnd)
		return false;
	if (retransmit(xs, skb, min(max_segs, max(wnd / xs->snd.mss, 1U))))
		return false;
	xtcp_mib_add(sock_net(&xs->inet.sk), xs->cong.state == XTCP_CA_LOSS ?
		     XTCP_MIB_SLOW_START_RETRANS : XTCP_MIB_FAST_RETRANS,
		     cb->tx.segs);
	if (head)
		xtcp_timers_head_resent(xs, cb->tx.xmit_us);
	else
		xtcp_timers_data_sent(xs, cb->tx.xmit_us);
	return true;
}

static void send_lost(struct xtcp_sock *xs)
{
	struct sk_buff *skb;
	u32 quota;

	while ((skb = xtcp_sndq_first_lost(&xs->sndq))) {
		quota = min(cwnd_quota(xs), xtcp_tso_segs(xs));
		if (!quota || xtcp_pacing_holds(xs) ||
		    !send_one_lost(xs, skb, quota))
			return;
	}
}

/* --- what others call --------------------------------------------------- */

/* close() and shutdown() do not fail for want of memory: the FIN is queued by the
 * next push, or by the timer's.
 */
static bool fin_missing(const struct xtcp_sock *xs)
{
	return !xs->fin_queued && XTCPF(xs->state) & STATES_FIN_SENT;
}

static void queue_fin(struct xtcp_sock *xs)
{
	xs->fin_queued = !xtcp_sndq_fin(&xs->inet.sk, &xs->sndq);
	if (!xs->fin_queued)
		xtcp_timers_held(xs);
}

void xtcp_output(struct xtcp_sock *xs, bool nagle_off)
{
	if (unlikely(XTCPF(xs->state) & (XTCPF(XTCP_CLOSE) | XTCPF(XTCP_LISTEN) |
					 XTCPF(XTCP_SYN_SENT) |
					 XTCPF(XTCP_SYN_RECV))))
		return;
	if (unlikely(fin_missing(xs)))
		queue_fin(xs);
	if (unlikely(xs->sndq.segs_lost)) {
		if (xtcp_frto_asks(xs)) {
			send_new(xs, true);
			if (xtcp_frto_waits(xs))
				return;
		}
		send_lost(xs);
	}
	send_new(xs, nagle_off);
}

void xtcp_output_push(struct xtcp_sock *xs, bool more)
{
	xs->more = more;
	xtcp_output(xs, false);
	xs->more = false;
}

void xtcp_output_fin(struct xtcp_sock *xs)
{
	xtcp_output(xs, true);
}

/* Zero window: one segment's worth beyond the edge if there is any window at
 * all, else a bare probe (the peer must answer what it does not accept).
 */
int xtcp_output_probe(struct xtcp_sock *xs)
{
	struct sk_buff *skb = xs->sndq.head;
	u32 wnd;

	if (!skb)
		return 0;
	wnd = usable_window(xs, xtcp_skb_cb(skb)->seq);
	if (!wnd)
		return xtcp_xmit_probe(xs);
	xtcp_skb_cb(skb)->ctl |= XTCP_PSH;
	return send_one(xs, skb, max(1U, min3(wnd, xs->snd.mss, skb->len)));
}

/* RFC 8985 7.3: new data if there is some, else the last segment again. */
bool xtcp_output_tail_probe(struct xtcp_sock *xs)
{
	struct sk_buff *skb = xs->sndq.head;
	u32 mss = xs->snd.mss, nxt;

	if (skb && skb->len &&
	    usable_window(xs, xtcp_skb_cb(skb)->seq) >= min(skb->len, mss)) {
		if (xtcp_pacing_holds(xs) ||
		    send_one(xs, skb, min(skb->len, mss)))
			return false;
		xs->rack.tlp_is_retrans = false;
	} else {
		skb = xtcp_sndq_flight_last(&xs->sndq);
		if (!skb)
			return false;
		if (skb->len > mss) {
			u32 keep = rounddown(skb->len - 1, mss);

			if (xtcp_sndq_split(&xs->inet.sk, &xs->sndq, skb, keep,
					    mss, GFP_ATOMIC))
				return false;
			skb = xtcp_sndq_flight_next(skb);
		}
		if (retransmit(xs, skb, 1))
			return false;
		xs->rack.tlp_is_retrans = true;
	}
	nxt = xs->snd.nxt;
	xs->rack.tlp_end_seq = nxt ?: 1;
	return true;
}

void xtcp_output_ack_owed(struct xtcp_sock *xs, u64 now)
{
	struct xtcp_rcv *rcv = &xs->rcv;
	/* SHLD-19, as Linux has it: every second segment, unless its window could
	 * not tell anything new: then the program's reading sends the ACK.
	 */
	bool two = rcv->nxt - rcv->wup > rcv->mss_seen &&
		   xtcp_window_advances(xs);

	if (rcv->ack_owed < U8_MAX)
		rcv->ack_owed++;
	if (rcv->ack_now || (rcv->quick && !rcv->pingpong) || two ||
	    !xtcp_reasm_empty(&xs->reasm))
		rcv->ack_now = true;
	else
		xtcp_timers_ack_owed(xs, now);
}

void xtcp_output_after_input(struct xtcp_sock *xs)
{
	if (unlikely(XTCPF(xs->state) & (XTCPF(XTCP_CLOSE) | XTCPF(XTCP_LISTEN))))
		return;
	if (xs->sndq.head || xs->sndq.segs_lost || fin_missing(xs))
		xtcp_output(xs, false);
	if (xs->rcv.ack_now)
		xtcp_xmit_ack(xs);
	if (xs->room) {
		xs->room = false;
		sk_mem_reclaim(&xs->inet.sk);
		xtcp_output_room(xs);
	}
}

void xtcp_output_after_read(struct xtcp_sock *xs, u32 copied)
{
	struct xtcp_rcv *rcv = &xs->rcv;

	if (!copied || xs->done ||
	    !(XTCPF(xs->state) & (XTCPF(XTCP_ESTABLISHED) |
				  XTCPF(XTCP_FIN_WAIT1) |
				  XTCPF(XTCP_FIN_WAIT2))))
		return;
	xtcp_window_data_read(xs, xtcp_clock_us());
	/* The program emptied the buffer after two segments, or after what a PSH
	 * ended and it does not answer: tell now.
	 */
	if ((xs->timers.delack_at &&
	     (rcv->nxt - rcv->wup > rcv->mss_seen ||
	      (rcv->pushed && !atomic_read(&xs->inet.sk.sk_rmem_alloc) &&
	       (rcv->pushed > 1 || !rcv->pingpong)))) ||
	    xtcp_window_update_due(xs))
		xtcp_xmit_ack(xs);
}
