// SPDX-License-Identifier: GPL-2.0
#include "engine/window.h"

#include "compat/sock_parts.h"
#include "engine/output.h"
#include "engine/sock.h"
#include "proto/segment.h"
#include "proto/seq.h"

#include <linux/log2.h>

#define RATIO_SHIFT	8

/* What of a buffer may be promised is payload's share of true size.  Until
 * segments show it, a guess: net.xtcp.adv_win_scale.
 */
static u8 ratio_guess(const struct xtcp_params *params)
{
	int scale = READ_ONCE(params->adv_win_scale);
	int all = 1 << RATIO_SHIFT;

	return clamp(scale <= 0 ? all >> min(-scale, RATIO_SHIFT) :
				  all - (all >> min(scale, RATIO_SHIFT)),
		     1, all - 1);
}

static int win_from_space(u8 ratio, int space)
{
	return ((s64)space * ratio) >> RATIO_SHIFT;
}

static u64 space_from_win(u8 ratio, u64 win)
{
	return div_u64(win << RATIO_SHIFT, ratio);
}

/* TCP_WINDOW_CLAMP is about the window, SO_RCVBUF about memory. */
static int full_space(const struct xtcp_sock *xs)
{
	return min_t(u32, xs->rcv.clamp,
		     win_from_space(xs->rcv.ratio,
				    READ_ONCE(xs->inet.sk.sk_rcvbuf)));
}

static int free_space(const struct xtcp_sock *xs)
{
	const struct sock *sk = &xs->inet.sk;

	return win_from_space(xs->rcv.ratio, READ_ONCE(sk->sk_rcvbuf) -
			      READ_ONCE(sk->sk_backlog.len) -
			      atomic_read(&sk->sk_rmem_alloc));
}

/* xtcp_window_readable() calls this without the lock. */
u32 xtcp_rcv_window(const struct xtcp_sock *xs)
{
	s32 win = READ_ONCE(xs->rcv.wup) + READ_ONCE(xs->rcv.wnd) -
		  READ_ONCE(xs->rcv.nxt);

	return max(win, 0);
}

u32 xtcp_rcv_window_max(const struct xtcp_sock *xs)
{
	s32 win = xs->rcv.max_edge - xs->rcv.nxt;

	return max(win, 0);
}

/* RFC 7323 2.3: the smallest shift that lets the largest buffer be used. */
u8 xtcp_window_scale_for(int rcvbuf_max)
{
	u8 shift = 0;

	if (rcvbuf_max > 65535)
		shift = ilog2(rcvbuf_max) - 15;
	return min_t(u8, shift, XTCP_MAX_WSCALE);
}

int xtcp_window_largest(const struct xtcp_params *params, int rcvbuf, bool locked)
{
	if (locked)
		return win_from_space(ratio_guess(params), rcvbuf);
	return max(READ_ONCE(params->rmem[2]), rcvbuf);
}

/* No more than a SYN's 16 bits can say; else whole segments. */
u32 xtcp_window_initial(const struct xtcp_params *params, int rcvbuf, u16 mss)
{
	int space = win_from_space(ratio_guess(params), rcvbuf);

	if (space >= XTCP_MAX_WINDOW)
		return XTCP_MAX_WINDOW;
	return space > mss ? rounddown(space, mss) : max(space, 0);
}

/* Where a window begins; the edge is never behind one that was promised. */
static void promise(struct xtcp_rcv *rcv, u32 wnd)
{
	rcv->wnd = wnd;
	rcv->wup = rcv->nxt;
	if (seq_gt(rcv->wup + wnd, rcv->max_edge))
		rcv->max_edge = rcv->wup + wnd;
}

void xtcp_window_init_rcv(struct xtcp_sock *xs)
{
	int rcvbuf = xs->inet.sk.sk_rcvbuf;
	u32 mss = xs->neg.mss_advertised;
	struct xtcp_rcv *rcv = &xs->rcv;
	u32 wnd;

	rcv->ratio = ratio_guess(xs->params);
	rcv->clamp = XTCP_MAX_WINDOW << xs->neg.rcv_wscale;
	if (xs->opt.window_clamp)
		rcv->clamp = min(rcv->clamp, xs->opt.window_clamp);
	wnd = xtcp_window_initial(xs->params, rcvbuf, mss);
	rcv->max_edge = rcv->nxt;
	promise(rcv, min(wnd, rcv->clamp));
	/* The first segments show how much memory a byte costs; until then no
	 * more than what was promised, and room for one segment in reserve.
	 */
	rcv->ssthresh = min_t(u32, rcv->wnd,
			      max_t(int, full_space(xs) - mss, 2 * mss));
	rcv->mss_seen = min_t(u32, mss, XTCP_MSS_DEFAULT4);
	rcv->space = min(rcv->ssthresh, XTCP_INIT_CWND * mss);
	rcv->space_seq = rcv->nxt;
}

/* SHLD-14 can be turned off, for a window that can be scaled. */
static bool may_shrink(const struct xtcp_sock *xs)
{
	return xs->neg.rcv_wscale && READ_ONCE(xs->params->shrink_window);
}

/* Less than this is not worth offering: a segment, or a sixteenth of all. */
static bool too_small(const struct xtcp_sock *xs, int space, int mss)
{
	int all = win_from_space(xs->rcv.ratio, READ_ONCE(xs->inet.sk.sk_rcvbuf));

	return space < all >> 4 || space < mss;
}

/* Without scaling: whole segments, and what is offered stays if it fits. */
static u32 whole_segments(const struct xtcp_rcv *rcv, int space, int mss, int full)
{
	u32 win = rcv->wnd;

	if ((int)win <= space - mss || (int)win > space)
		return rounddown(space, mss);
	if (mss == full && space > (int)win + (full >> 1))
		return space;
	return win;
}

/* RFC 9293 3.8.6.2.2, receiver's silly window avoidance: the window opens by
 * at least a segment or half the buffer, or does not move.
 */
static u32 window_of(const struct xtcp_sock *xs, int full, int space)
{
	int mss = min_t(int, xs->rcv.mss_seen, full);
	u32 unit = 1 << xs->neg.rcv_wscale;
	bool shrink = may_shrink(xs);

	if (mss <= 0)
		return 0;
	if (space < full >> 1 || shrink) {
		/* no larger by rounding */
		space = space > 0 ? rounddown(space, unit) : 0;
		if (space < full >> 1 && (too_small(xs, space, mss) || !space))
			return 0;
	}
	if (space <= (int)xs->rcv.ssthresh && shrink)
		return space;
	space = min_t(int, space, xs->rcv.ssthresh);
	/* a window that rounds to 0 would close what is open */
	return unit > 1 ? ALIGN(space, unit) :
			  whole_segments(&xs->rcv, space, mss, full);
}

static u32 window_wanted(const struct xtcp_sock *xs)
{
	return window_of(xs, full_space(xs), free_space(xs));
}

/* Half full, and memory is short everywhere: slow down (RFC 9293 lets us). */
static void under_pressure(struct xtcp_sock *xs)
{
	xs->rcv.ssthresh = min_t(u32, xs->rcv.ssthresh,
				 4U * xs->neg.mss_advertised);
}

static void note_zero(const struct xtcp_sock *xs, u16 old, u16 new)
{
	struct net *net = sock_net(&xs->inet.sk);

	if (!new && old)
		xtcp_mib_inc(net, XTCP_MIB_ZERO_WINDOW_ADV);
	else if (new && !old)
		xtcp_mib_inc(net, XTCP_MIB_FROM_ZERO_WINDOW);
}

u16 xtcp_window_select(struct xtcp_sock *xs)
{
	u32 old = xs->rcv.wnd, cur = xtcp_rcv_window(xs), new;
	int full = full_space(xs), space = free_space(xs);
	u8 shift = xs->neg.rcv_wscale;

	if (unlikely(xs->rcv.no_mem)) {
		xs->rcv.no_mem = false;
		promise(&xs->rcv, 0);
		note_zero(xs, !!old, 0);
		return 0;
	}
	if (space < full >> 1) {
		xs->rcv.quick = 0;
		if (sk_under_memory_pressure(&xs->inet.sk))
			under_pressure(xs);
	}
	new = window_of(xs, full, space);
	/* SHLD-14: never take back what was promised. */
	if (new < cur && !may_shrink(xs)) {
		if (!new)
			xtcp_mib_inc(sock_net(&xs->inet.sk),
				     XTCP_MIB_WANT_ZERO_WINDOW);
		new = ALIGN(cur, 1 << shift);
	}
	new = min(new, XTCP_MAX_WINDOW << shift);
	promise(&xs->rcv, new);
	note_zero(xs, !!old, new >> shift);
	return new >> shift;
}

bool xtcp_window_advances(struct xtcp_sock *xs)
{
	/* what would say "less" need not be quick */
	if (free_space(xs) < full_space(xs) >> 1)
		xs->rcv.quick = 0;
	return xs->rcv.nxt - xs->rcvq.copied_seq <
	       READ_ONCE(xs->inet.sk.sk_rcvlowat) ||
	       window_wanted(xs) >= xs->rcv.wnd;
}

/* Worth a segment of its own only when it about doubles what is open. */
bool xtcp_window_update_due(struct xtcp_sock *xs)
{
	u32 open = xtcp_rcv_window(xs), want;

	if (xs->inet.sk.sk_shutdown & RCV_SHUTDOWN)
		return false;
	if (2 * (u64)open > max(full_space(xs), 0))
		return false;
	want = window_wanted(xs);
	return want && want >= 2 * open;
}

bool xtcp_window_readable(const struct xtcp_sock *xs, int target)
{
	const struct sock *sk = &xs->inet.sk;
	int avail = READ_ONCE(xs->rcv.nxt) - READ_ONCE(xs->rcvq.copied_seq);
	int rcvbuf;

	if (avail <= 0)
		return false;
	if (avail >= target || sk_under_memory_pressure(sk))
		return true;
	rcvbuf = READ_ONCE(sk->sk_rcvbuf);
	return atomic_read(&sk->sk_rmem_alloc) > rcvbuf - (rcvbuf >> 3) ||
	       xtcp_rcv_window(xs) <= READ_ONCE(xs->rcv.mss_seen);
}

/* 3.10.7.4 fifth: SND.WL1 < SEG.SEQ or (= and SND.WL2 =< SEG.ACK). */
void xtcp_window_rcv(struct xtcp_sock *xs, const struct xtcp_segment *seg)
{
	struct xtcp_snd *snd = &xs->snd;
	u32 wnd = seg->wnd << xs->neg.snd_wscale;
	bool was_zero = !snd->wnd;

	if (!(seq_lt(snd->una, seg->ack) || seq_lt(snd->wl1, seg->seq) ||
	      (snd->wl1 == seg->seq && (wnd > snd->wnd || !wnd))))
		return;
	snd->wl1 = seg->seq;
	snd->wl2 = seg->ack;
	if (snd->wnd == wnd)
		return;
	snd->wnd = wnd;
	if (wnd > snd->max_wnd) {
		u32 bound = snd->max_wnd >> 1;

		snd->max_wnd = wnd;
		/* MUST-38: half the largest window bounds a segment */
		if (bound < snd->pmtu)
			xtcp_output_mss_changed(xs);
	}
	if (was_zero)
		xtcp_timers_window_open(xs);
}

/* --- how well memory is used, and so how much may be promised ------------- */

/* A full segment shows it best; once for each size. */
static void measure_ratio(struct xtcp_rcv *rcv, const struct sk_buff *skb)
{
	u64 ratio = div_u64((u64)skb->len << RATIO_SHIFT, skb->truesize ?: 1);

	rcv->ratio = clamp_t(u64, ratio, 1, U8_MAX);
}

/* The peer's segment size as it shows in what arrives, for SWS and ACKs.  A
 * smaller one counts when it comes twice and does not end a write.
 */
void xtcp_window_measure(struct xtcp_sock *xs, const struct sk_buff *skb)
{
	u32 len = skb_shinfo(skb)->gso_size ?: skb->len;
	u8 ctl = xtcp_skb_cb(skb)->ctl;
	struct xtcp_rcv *rcv = &xs->rcv;
	u32 last = rcv->last_len;

	rcv->last_len = 0;
	if (likely(len >= rcv->mss_seen)) {
		if (unlikely(len > rcv->mss_seen)) {
			measure_ratio(rcv, skb);
			rcv->space = min_t(u32, rcv->space, max(full_space(xs), 1));
			rcv->mss_seen = min_t(u32, len, xs->neg.mss_advertised);
		}
		if (ctl & XTCP_PSH)
			rcv->pushed = max_t(u8, rcv->pushed, 1);
		return;
	}
	if (len >= XTCP_MSS_DEFAULT4 ||
	    (len >= XTCP_MIN_SND_MSS &&
	     !(ctl & (XTCP_PSH | XTCP_FIN | XTCP_URG)))) {
		rcv->last_len = len;
		if (len == last) {
			rcv->mss_seen = len;
			return;
		}
	}
	rcv->pushed = rcv->pushed ? 2 : 1;
}

/* An skb that uses its memory badly may be outweighed by a large buffer that is
 * still nearly empty: then by a little.
 */
static u32 step_for(const struct xtcp_sock *xs, unsigned int len,
		    unsigned int truesize)
{
	const struct xtcp_rcv *rcv = &xs->rcv;
	int cost = win_from_space(rcv->ratio, truesize);
	int window = win_from_space(rcv->ratio, READ_ONCE(xs->params->rmem[2])) >> 1;

	if (cost <= (int)len)
		return 2 * xs->neg.mss_advertised;
	for (cost >>= 1; (int)rcv->ssthresh <= window && window > 0; window >>= 1) {
		if (cost <= (int)len)
			return 2 * rcv->mss_seen;
		cost >>= 1;
	}
	return 0;
}

void xtcp_window_data_in(struct xtcp_sock *xs, unsigned int len,
			 unsigned int truesize)
{
	struct xtcp_rcv *rcv = &xs->rcv;
	int room = min(full_space(xs), free_space(xs)) - (int)rcv->ssthresh;
	u32 step;

	if (room <= 0)
		return;
	if (unlikely(sk_under_memory_pressure(&xs->inet.sk))) {
		under_pressure(xs);
		return;
	}
	step = step_for(xs, len, truesize);
	if (!step)
		return;
	rcv->ssthresh += min_t(u32, room, max(step, 2 * len));
	/* the peer wants to know, unless it has plenty for the next rounds */
	if (xtcp_rcv_window(xs) < 8 * (u64)rcv->space)
		rcv->quick |= 1;
}

void xtcp_window_overrun(struct xtcp_sock *xs)
{
	int max = READ_ONCE(xs->params->rmem[2]);
	struct sock *sk = &xs->inet.sk;
	int alloc = atomic_read(&sk->sk_rmem_alloc);

	if (alloc <= sk->sk_rcvbuf) {		/* it is the machine's memory */
		if (sk_under_memory_pressure(sk))
			under_pressure(xs);
		return;
	}
	xs->rcv.quick = 0;
	if (sk->sk_rcvbuf < max && !(sk->sk_userlocks & SOCK_RCVBUF_LOCK) &&
	    !sk_under_memory_pressure(sk) &&
	    sk_memory_allocated(sk) < sk_prot_mem_limits(sk, 0))
		WRITE_ONCE(sk->sk_rcvbuf, min(alloc, max));
	if (alloc > sk->sk_rcvbuf)
		xs->rcv.ssthresh = min_t(u32, xs->rcv.clamp,
					 2U * xs->neg.mss_advertised);
}

/* --- dynamic right-sizing ------------------------------------------------- */

/* The receiver's RTT where no data of ours measures it: TSecr, or the time a
 * full window takes, of which only the shortest tells something.
 */
static void rtt_update(struct xtcp_sock *xs, u32 sample, bool is_window)
{
	struct xtcp_rcv *rcv = &xs->rcv;

	if (!rcv->rtt_us || sample < rcv->rtt_us)
		rcv->rtt_us = sample;
	else if (!is_window && rcv->nxt == xs->rcvq.copied_seq)
		/* a program that lags behind makes the peer lag behind */
		rcv->rtt_us = rcv->rtt_us - (rcv->rtt_us >> 3) + (sample >> 3);
	if (!rcv->rtt_us)
		rcv->rtt_us = 1;
}

void xtcp_window_rtt(struct xtcp_sock *xs, const struct xtcp_segment *seg,
		     u64 now)
{
	struct xtcp_rcv *rcv = &xs->rcv;

	if (xs->neg.ts && seg->opt.saw_tstamp && seg->opt.tsecr &&
	    seg->data_len >= rcv->mss_seen) {
		u32 ms = xtcp_clock_us_to_ms(now) + xs->ts.offset -
			 seg->opt.tsecr;

		if (ms < 60 * 1000)
			rtt_update(xs, max(ms, 1U) * USEC_PER_MSEC, false);
		return;
	}
	if (!rcv->rtt_at_us) {
		rcv->rtt_at_us = now;
		rcv->rtt_seq = rcv->nxt + rcv->wnd;
	} else if (seq_geq(rcv->nxt, rcv->rtt_seq)) {
		rtt_update(xs, min_t(u64, now - rcv->rtt_at_us, U32_MAX), true);
		rcv->rtt_at_us = now;
		rcv->rtt_seq = rcv->nxt + rcv->wnd;
	}
}

/* What a sender in slow start may send until the program has read the next
 * round's; on short paths less, for there the buffer follows soon enough.
 */
static u64 growth(const struct xtcp_sock *xs, u32 copied)
{
	u32 low = READ_ONCE(xs->params->rcvbuf_low_rtt);
	const struct xtcp_rcv *rcv = &xs->rcv;

	if (rcv->rtt_us < low)
		return div_u64(2ULL * copied * rcv->rtt_us, low);
	return div_u64(4ULL * copied * (copied - rcv->space), rcv->space ?: 1);
}

static void rcvbuf_grow(struct xtcp_sock *xs, u32 copied)
{
	struct sock *sk = &xs->inet.sk;
	u64 want = 2ULL * copied + growth(xs, copied);

	if (!READ_ONCE(xs->params->moderate_rcvbuf) ||
	    sk->sk_userlocks & SOCK_RCVBUF_LOCK)
		return;
	/* what waits behind a hole has been sent beyond the window's start */
	if (!xtcp_reasm_empty(&xs->reasm))
		want += xtcp_skb_cb(xs->reasm.last)->end_seq - xs->rcv.nxt;
	want = min_t(u64, want, U32_MAX);
	want = min_t(u64, space_from_win(xs->rcv.ratio, want),
		     READ_ONCE(xs->params->rmem[2]));
	if (want > sk->sk_rcvbuf)
		WRITE_ONCE(sk->sk_rcvbuf, want);
}

void xtcp_window_hole(struct xtcp_sock *xs)
{
	if (xs->inet.sk.sk_socket)	/* somebody will read it */
		rcvbuf_grow(xs, xs->rcv.space);
}

/* What the program reads in a round trip must fit the buffer, twice over for a
 * measurement is a round trip late.  Where it does not, more than in the last one
 * need not wait for the end of this one: a sender in slow start would meanwhile run
 * into the edge.
 */
void xtcp_window_data_read(struct xtcp_sock *xs, u64 now)
{
	struct xtcp_rcv *rcv = &xs->rcv;
	s32 copied;
	bool over;

	if (!rcv->rtt_us)
		return;
	/* less what is not read yet: a slow reader needs no larger buffer */
	copied = xs->rcvq.copied_seq - rcv->space_seq -
		 (rcv->nxt - xs->rcvq.copied_seq);
	over = now - rcv->space_us >= rcv->rtt_us;
	if (copied > (s32)rcv->space && (over || copied > full_space(xs) / 2))
		rcvbuf_grow(xs, copied);
	if (!over)
		return;
	if (copied > (s32)rcv->space)
		rcv->space = copied;
	rcv->space_seq = xs->rcvq.copied_seq;
	rcv->space_us = now;
}
