// SPDX-License-Identifier: GPL-2.0
#include "engine/timers.h"

#include "engine/alarm.h"
#include "engine/connect.h"
#include "engine/output.h"
#include "engine/pmtu.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "engine/trace.h"
#include "engine/xmit.h"
#include "proto/seq.h"

/* After this much trouble an orphan is not worth its memory. */
#define ORPHAN_RETRIES_DEFAULT	8
/* RFC 8985 7.2: what a peer's delayed ACK may add when one segment is out. */
#define PTO_DELACK_US		(200 * USEC_PER_MSEC)
/* Otherwise: what this machine may add. */
#define PTO_MIN_US		(2 * USEC_PER_MSEC)
#define PTO_INIT_US		(1 * USEC_PER_SEC)
/* A SACKed left edge that is not acknowledged: half a round trip, at least this */
#define RENEGE_MIN_US		(10 * USEC_PER_MSEC)
/* After a RST that should have cleared what was in a SYN's way. */
#define SYN_SOON_US		PTO_MIN_US
/* MUST-60: what cork, Nagle or a silly window held back leaves after this. */
#define HOLD_MAX_US		(200 * USEC_PER_MSEC)
/* Room in our own qdisc is asked for so often, as Linux does. */
#define QDISC_RETRY_US		(500 * USEC_PER_MSEC)

/* --- deadlines ---------------------------------------------------------- */

static void arm(struct xtcp_sock *xs)
{
	struct xtcp_timers *t = &xs->timers;
	u64 at = U64_MAX;

	if (t->rexmit_at)
		at = t->rexmit_at;
	if (t->delack_at)
		at = min(at, t->delack_at);
	if (t->keep_at)
		at = min(at, t->keep_at);
	if (at != U64_MAX)
		xtcp_timer_arm_sk(&xs->inet.sk, &t->timer, at);
}

static void rexmit_set(struct xtcp_sock *xs, enum xtcp_timer_mode mode,
		       u64 at)
{
	xs->timers.mode = mode;
	xs->timers.rexmit_at = at;
	xtcp_timer_arm_sk(&xs->inet.sk, &xs->timers.timer, at);
}

static void rexmit_off(struct xtcp_sock *xs)
{
	xs->timers.mode = XTCP_TIMER_NONE;
	xs->timers.rexmit_at = 0;
}

/* TCP_USER_TIMEOUT is kept to the point: once something has failed, no wait
 * goes beyond it.
 */
static u64 user_limit(const struct xtcp_sock *xs, u64 at)
{
	u64 limit = (u64)xs->opt.user_timeout_ms * USEC_PER_MSEC;

	if (likely(!limit) || !xs->timers.first_fail_us)
		return at;
	return min(at, xs->timers.first_fail_us + limit);
}

static u64 rto_at(const struct xtcp_sock *xs, u64 now)
{
	return user_limit(xs, now + xtcp_rtt_rto(&xs->rtt));
}

/* RFC 8985 7.2: a tail is probed once, and only when nothing hints at a loss. */
static bool may_probe(const struct xtcp_sock *xs)
{
	int mode = READ_ONCE(xs->params->early_retrans);

	return (mode == 3 || mode == 4) &&
	       xs->neg.sack && !xs->rack.tlp_end_seq &&
	       !xs->sndq.segs_sacked &&
	       (xs->cong.state == XTCP_CA_OPEN || xs->cong.state == XTCP_CA_CWR);
}

/* PTO; never later than RTO would be. */
static u64 pto_at(const struct xtcp_sock *xs, u64 now)
{
	u64 pto = PTO_INIT_US;

	if (likely(xtcp_rtt_valid(&xs->rtt)))
		pto = 2 * (u64)xtcp_rtt_srtt_us(&xs->rtt) +
		      (xs->sndq.segs_out == 1 ? PTO_DELACK_US : PTO_MIN_US);
	return min(now + pto, rto_at(xs, now));
}

static void rexmit_restart(struct xtcp_sock *xs, u64 now)
{
	if (may_probe(xs))
		rexmit_set(xs, XTCP_TIMER_PROBE, pto_at(xs, now));
	else
		rexmit_set(xs, XTCP_TIMER_RTO, rto_at(xs, now));
}

/* --- events ------------------------------------------------------------- */

void xtcp_timers_syn_sent(struct xtcp_sock *xs, u64 now)
{
	/* TCP_USER_TIMEOUT counts from the first SYN */
	xs->timers.first_fail_us = xs->origin.syn_us;
	rexmit_set(xs, XTCP_TIMER_SYN, rto_at(xs, now));
}

/* Once: a peer that goes on denying us is not asked at its pace. */
void xtcp_timers_syn_soon(struct xtcp_sock *xs, u64 now)
{
	if (!xs->timers.retransmits)
		rexmit_set(xs, XTCP_TIMER_SYN, now + SYN_SOON_US);
}

/* Whatever is in flight has one of these running: nothing else would bring a
 * connection back whose segments, or their ACKs, are all lost.
 */
void xtcp_timers_data_sent(struct xtcp_sock *xs, u64 now)
{
	u8 mode = xs->timers.mode;

	if (mode == XTCP_TIMER_RTO || mode == XTCP_TIMER_REORDER)
		return;		/* (5.1): it is running */
	rexmit_restart(xs, now);
}

void xtcp_timers_una_advanced(struct xtcp_sock *xs, u64 now)
{
	xs->timers.retransmits = 0;
	xs->timers.reverted = false;
	xs->timers.probes_out = 0;
	xs->timers.first_fail_us = 0;
	if (xs->sndq.segs_out)
		rexmit_restart(xs, now);	/* (5.3) */
	else
		rexmit_off(xs);			/* (5.2) */
}

/* What is in flight is not a tail: its ACKs tell what is lost. */
void xtcp_timers_disorder(struct xtcp_sock *xs, u64 now)
{
	if (xs->timers.mode == XTCP_TIMER_PROBE && !may_probe(xs))
		rexmit_set(xs, XTCP_TIMER_RTO, rto_at(xs, now));
}

void xtcp_timers_head_resent(struct xtcp_sock *xs, u64 now)
{
	if (xs->timers.mode != XTCP_TIMER_REORDER)
		rexmit_set(xs, XTCP_TIMER_RTO, rto_at(xs, now));
}

void xtcp_timers_reneged(struct xtcp_sock *xs, u64 now)
{
	u64 wait = max_t(u64, xtcp_rtt_srtt_us(&xs->rtt) / 2, RENEGE_MIN_US);

	rexmit_set(xs, XTCP_TIMER_RTO, now + wait);
}

/* One doubling back: it was no congestion.  What is not counted is timed. */
void xtcp_timers_no_path(struct xtcp_sock *xs)
{
	const struct sk_buff *skb = xtcp_sndq_flight(&xs->sndq);

	if (xs->done || !skb || !xs->timers.retransmits || !xs->rtt.backoff ||
	    xs->timers.mode != XTCP_TIMER_RTO)
		return;
	xs->timers.retransmits--;
	xs->timers.reverted = true;
	xtcp_rtt_unbackoff(&xs->rtt);
	rexmit_set(xs, XTCP_TIMER_RTO, rto_at(xs, xtcp_skb_cb(skb)->tx.xmit_us));
}

void xtcp_timers_reorder_wait(struct xtcp_sock *xs, u32 wait_us, u64 now)
{
	if (xs->sndq.segs_out)
		rexmit_set(xs, XTCP_TIMER_REORDER,
			   min(now + wait_us, rto_at(xs, now)));
}

/* Something is to be sent, and nothing in flight will bring an ACK. */
void xtcp_timers_held(struct xtcp_sock *xs)
{
	u64 now;

	if (xs->timers.rexmit_at)
		return;
	now = xtcp_clock_us();
	rexmit_set(xs, XTCP_TIMER_PERSIST,
		   xs->snd.wnd ? now + HOLD_MAX_US : rto_at(xs, now));
}

void xtcp_timers_window_open(struct xtcp_sock *xs)
{
	xs->timers.probes_out = 0;
	if (xs->timers.mode != XTCP_TIMER_PERSIST)
		return;
	xs->timers.first_fail_us = 0;
	xtcp_rtt_backoff_reset(&xs->rtt);
	rexmit_off(xs);
}

void xtcp_timers_ack_owed(struct xtcp_sock *xs, u64 now)
{
	struct xtcp_timers *t = &xs->timers;
	/* 0 as long as there was no data: a FIN alone waits for the next tick */
	u64 wait = (u64)xs->rcv.ato_ms * USEC_PER_MSEC;

	if (t->delack_at)
		return;
	if (wait > XTCP_DELACK_MIN_US && xtcp_rtt_valid(&xs->rtt))
		wait = min_t(u64, wait, max_t(u64, XTCP_DELACK_MIN_US,
					      xtcp_rtt_srtt_us(&xs->rtt)));
	t->delack_at = now + min_t(u64, wait, XTCP_DELACK_MAX_US);
	xtcp_timer_arm_sk(&xs->inet.sk, &t->timer, t->delack_at);
}

/* As late as an ACK may be: memory does not come back by asking every tick. */
void xtcp_timers_ack_failed(struct xtcp_sock *xs, u64 now)
{
	xs->timers.delack_at = now + XTCP_DELACK_MAX_US;
	xtcp_timer_arm_sk(&xs->inet.sk, &xs->timers.timer, xs->timers.delack_at);
}

void xtcp_timers_ack_sent(struct xtcp_sock *xs)
{
	xtcp_ack_hold_sent(xs);
	xs->timers.delack_at = 0;
	xs->rcv.ack_now = false;
	xs->rcv.ack_owed = 0;
	xs->rcv.pushed = 0;
	if (xs->rcv.quick)
		xs->rcv.quick--;
}

/* The deadline is not moved by every segment: when it comes, it is compared
 * with what was heard since.
 */
void xtcp_timers_segment_heard(struct xtcp_sock *xs)
{
	xs->timers.probes_out = 0;
}

void xtcp_timers_established(struct xtcp_sock *xs)
{
	rexmit_off(xs);
	xs->timers.retransmits = 0;
	xs->timers.first_fail_us = 0;
	xtcp_timers_keepalive_set(xs, sock_flag(&xs->inet.sk, SOCK_KEEPOPEN));
}

/* --- expiry ------------------------------------------------------------- */

/* RFC 9293 3.8.3: R2 in retransmissions, or the user's time-out (RFC 5482). */
static bool gave_up(struct xtcp_sock *xs, u64 now, bool too_many)
{
	struct xtcp_timers *t = &xs->timers;

	if (!t->first_fail_us)
		t->first_fail_us = now;
	if (xs->opt.user_timeout_ms)
		return now - t->first_fail_us >=
		       (u64)xs->opt.user_timeout_ms * USEC_PER_MSEC;
	return too_many;
}

/* How long @n doublings from the smallest RTO take: 924.6 s for R2 = 15. */
static u64 doublings_us(unsigned int n)
{
	u64 sum = 0, rto = XTCP_RTO_MIN_US;

	for (n++; n; n--) {
		sum += rto;
		rto = min_t(u64, 2 * rto, XTCP_RTO_MAX_US);
	}
	return sum;
}

static unsigned int max_tries(const struct xtcp_sock *xs)
{
	int orphan = READ_ONCE(xs->params->orphan_retries);

	if (xs->orphan)
		return orphan ?: ORPHAN_RETRIES_DEFAULT;
	return READ_ONCE(xs->params->retries2);
}

static void time_out(struct xtcp_sock *xs)
{
	int err = READ_ONCE(xs->inet.sk.sk_err_soft) ?: ETIMEDOUT;

	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_ABORT_ON_TIMEOUT);
	xtcp_state_error(xs, err);
}

/* SHLD-17: a peer that took its window back is not dead while it answers. */
static bool shut_but_alive(const struct xtcp_sock *xs, u64 now)
{
	return !xs->snd.wnd && !xs->orphan &&
	       now - xs->stats.last_ack_recv_us < 2 * (u64)XTCP_RTO_MAX_US;
}

static void count_rto(struct xtcp_sock *xs, u64 now)
{
	if (!xs->timers.retransmits) {
		xs->stats.total_rto_recoveries++;
		if (!xs->stats.rto_since_us)
			xs->stats.rto_since_us = now;
	}
	xs->stats.total_rto++;
	if (xs->timers.retransmits < U8_MAX)
		xs->timers.retransmits++;
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_TIMEOUTS);
}

/* What RFC 6069 took back is not in the count: then time tells. */
static bool too_many_rtos(const struct xtcp_sock *xs, u64 now)
{
	const struct xtcp_timers *t = &xs->timers;
	unsigned int max = max_tries(xs);

	if (shut_but_alive(xs, now))
		return false;
	return t->retransmits >= max ||
	       (t->reverted && now - t->first_fail_us >= doublings_us(max));
}

/* R1: IP shall look for another way (MUST-20a), SRTT may be bogus (end of RFC 6298
 * section 5), and a program that wants to know is told (SHLD-9).
 */
static void beyond_r1(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	dst_negative_advice(sk);
	xtcp_mib_inc(sock_net(sk), XTCP_MIB_PATH_ADVICE);
	if (xs->timers.retransmits > READ_ONCE(xs->params->retries1))
		return;
	xtcp_rtt_forget(&xs->rtt);
	if (xtcp_icmp_wanted(xs) && !sock_flag(sk, SOCK_DEAD)) {
		WRITE_ONCE(sk->sk_err, ETIMEDOUT);
		sk_error_report(sk);
	}
}

static void expire_rto(struct xtcp_sock *xs, u64 now)
{
	rexmit_off(xs);
	if (xs->orphan && xtcp_state_orphan_drop(xs, now))
		return;
	if (gave_up(xs, now, too_many_rtos(xs, now))) {
		time_out(xs);
		return;
	}
	if (xs->timers.retransmits >= READ_ONCE(xs->params->retries1))
		beyond_r1(xs);
	xtcp_mtu_probe_timeout(xs, now);
	count_rto(xs, now);
	xtcp_recovery_rto(xs, now);
	xtcp_output_retransmit_head(xs);
	xtcp_rtt_backoff(&xs->rtt);			/* (5.5) */
	rexmit_set(xs, XTCP_TIMER_RTO, rto_at(xs, now));	/* (5.6) */
}

static unsigned int syn_tries(const struct xtcp_sock *xs)
{
	unsigned int n = xs->opt.syn_retries ?: READ_ONCE(xs->params->syn_retries);

	if (xs->state == XTCP_SYN_RECV)
		return READ_ONCE(xs->params->synack_retries);
	return n + READ_ONCE(xs->params->syn_linear_timeouts);
}

/* MUST-22, MUST-23.  The first few come at even distances: a SYN costs little, and
 * a program waits for it.
 */
static void expire_syn(struct xtcp_sock *xs, u64 now)
{
	unsigned int linear = READ_ONCE(xs->params->syn_linear_timeouts);

	rexmit_off(xs);
	if (gave_up(xs, now, xs->timers.retransmits >= syn_tries(xs))) {
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_ATTEMPT_FAILS);
		time_out(xs);
		return;
	}
	if (xs->timers.retransmits == READ_ONCE(xs->params->retries1))
		dst_negative_advice(&xs->inet.sk);
	if (xs->timers.retransmits < U8_MAX)
		xs->timers.retransmits++;
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_TIMEOUTS);
	xtcp_connect_resend(xs);
	if (xs->timers.retransmits > linear || xs->state == XTCP_SYN_RECV)
		xtcp_rtt_backoff(&xs->rtt);
	rexmit_set(xs, XTCP_TIMER_SYN, rto_at(xs, now));
}

static void expire_probe(struct xtcp_sock *xs, u64 now)
{
	rexmit_off(xs);
	if (xtcp_output_tail_probe(xs))
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_LOSS_PROBES);
	rexmit_set(xs, XTCP_TIMER_RTO, rto_at(xs, now));
}

static void expire_reorder(struct xtcp_sock *xs, u64 now)
{
	rexmit_off(xs);
	if (xtcp_rack_timeout(xs, now))
		xtcp_output(xs, false);
	if (!xs->timers.rexmit_at)
		rexmit_set(xs, XTCP_TIMER_RTO, rto_at(xs, now));
}

/* Answers to probes do not count for an orphan: nobody would notice a peer that
 * keeps it for ever with a shut window.
 */
static bool too_many_probes(const struct xtcp_sock *xs)
{
	unsigned int max = max_tries(xs);

	if (xs->orphan)
		return xs->rtt.backoff >= max &&
		       xtcp_rtt_rto(&xs->rtt) >= XTCP_RTO_MAX_US;
	return xs->timers.probes_out >= max;
}

/* RFC 9293 3.8.6.1: probe for ever as long as the peer answers; and 3.8.6.2.1,
 * what was held back with the window open leaves now.
 */
static void expire_persist(struct xtcp_sock *xs, u64 now)
{
	int err;

	rexmit_off(xs);
	if (!xtcp_sndq_unsent(&xs->sndq)) {
		xtcp_output(xs, true);	/* a FIN that found no memory */
		return;
	}
	if (xs->orphan && xtcp_state_orphan_drop(xs, now))
		return;
	if (gave_up(xs, now, too_many_probes(xs))) {
		time_out(xs);
		return;
	}
	if (!xs->snd.wnd)
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_WINDOW_PROBES);
	err = xtcp_output_probe(xs);
	if (xs->sndq.segs_out) {		/* data left: it has its RTO */
		xs->timers.first_fail_us = 0;
		return;
	}
	if (xs->timers.probes_out < U8_MAX)
		xs->timers.probes_out++;
	if (err == -ENOBUFS) {			/* our own qdisc is full */
		rexmit_set(xs, XTCP_TIMER_PERSIST, now + QDISC_RETRY_US);
		return;
	}
	xtcp_rtt_backoff(&xs->rtt);
	rexmit_set(xs, XTCP_TIMER_PERSIST, rto_at(xs, now));
}

/* The retransmit class: with nothing in flight there is only what is held. */
static void expire_rexmit(struct xtcp_sock *xs, u64 now)
{
	trace_xtcp_timer(&xs->inet.sk, xs->timers.mode);
	if (xs->timers.mode == XTCP_TIMER_SYN) {
		expire_syn(xs, now);
		return;
	}
	if (!xs->sndq.segs_out) {
		expire_persist(xs, now);
		return;
	}
	switch (xs->timers.mode) {
	case XTCP_TIMER_PROBE:
		expire_probe(xs, now);
		break;
	case XTCP_TIMER_REORDER:
		expire_reorder(xs, now);
		break;
	default:
		expire_rto(xs, now);
		break;
	}
}

static void expire_delack(struct xtcp_sock *xs)
{
	struct xtcp_rcv *rcv = &xs->rcv;

	xs->timers.delack_at = 0;
	/* The program did not answer in time: not interactive after all. */
	if (rcv->pingpong) {
		rcv->pingpong = false;
		rcv->ato_ms = XTCP_DELACK_MIN_US / USEC_PER_MSEC;
	} else {
		rcv->ato_ms = min_t(unsigned int, 2 * rcv->ato_ms,
				    XTCP_DELACK_MAX_US / USEC_PER_MSEC);
	}
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_DELAYED_ACKS);
	xtcp_xmit_ack(xs);
}

void xtcp_timers_run(struct xtcp_sock *xs)
{
	struct xtcp_timers *t = &xs->timers;
	u64 now = xtcp_clock_us();

	if (xs->done)
		return;
	if (t->delack_at && t->delack_at <= now)
		expire_delack(xs);
	if (t->rexmit_at && t->rexmit_at <= now)
		expire_rexmit(xs, now);
	if (!xs->done && t->keep_at && t->keep_at <= now)
		xtcp_timers_keep_expired(xs, now);
	if (!xs->done)
		arm(xs);
}

static void on_timer(struct timer_list *tl)
{
	xtcp_defer_run(xtcp_timer_of(tl, struct xtcp_sock, timers.timer),
		       XTCP_DEFER_TIMER);
}

void xtcp_timers_init(struct xtcp_sock *xs)
{
	memset(&xs->timers, 0, sizeof(xs->timers));
	xtcp_timer_setup(&xs->timers.timer, on_timer);
}

void xtcp_timers_stop(struct xtcp_sock *xs)
{
	rexmit_off(xs);
	xs->timers.delack_at = 0;
	xs->timers.keep_at = 0;
	xtcp_timer_stop_sk(&xs->inet.sk, &xs->timers.timer);
	xtcp_alarm_stop(xs, xs->pacing.alarm);
	xtcp_ack_hold_stop(xs);
}

void xtcp_timers_reset(struct xtcp_sock *xs)
{
	struct xtcp_timers *t = &xs->timers;

	xs->pacing.next_ns = 0;
	t->first_fail_us = 0;
	t->retransmits = 0;
	t->reverted = false;
	t->probes_out = 0;
}
