// SPDX-License-Identifier: GPL-2.0
#include "engine/pacing.h"

#include "conn/clock.h"
#include "engine/alarm.h"
#include "engine/sock.h"

/* So many segments leave as cwnd has it: short answers need no spreading, and fq
 * has the same allowance for them.
 */
#define UNPACED_SEGS	10

static bool paced(const struct xtcp_sock *xs)
{
	return READ_ONCE(xs->inet.sk.sk_pacing_status) != SK_PACING_NONE;
}

void xtcp_pacing_chosen(struct xtcp_sock *xs)
{
	if (READ_ONCE(xs->cong.ops->flags) & XTCP_CONG_NEEDS_PACING)
		cmpxchg(&xs->inet.sk.sk_pacing_status, SK_PACING_NONE,
			SK_PACING_NEEDED);
}

void xtcp_pacing_update(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;
	u64 max = READ_ONCE(sk->sk_max_pacing_rate);
	struct xtcp_cong *c = &xs->cong;
	u64 rate;

	/* an algorithm of its own must not believe that it gets more */
	c->pacing_rate = min(c->pacing_rate, max);
	rate = xtcp_cong_pacing_rate(c, xs->sndq.segs_out,
				     xtcp_rtt_srtt_us(&xs->rtt),
				     READ_ONCE(xs->params->pacing_ss_ratio),
				     READ_ONCE(xs->params->pacing_ca_ratio));
	WRITE_ONCE(sk->sk_pacing_rate, rate ? min(rate, max) : max);
}

/* --- sizes --------------------------------------------------------------- */

u64 xtcp_pacing_ms(const struct xtcp_sock *xs)
{
	const struct sock *sk = &xs->inet.sk;

	return READ_ONCE(sk->sk_pacing_rate) >> READ_ONCE(sk->sk_pacing_shift);
}

/* --- departures ---------------------------------------------------------- */

u64 xtcp_pacing_departure(const struct xtcp_sock *xs, u64 now)
{
	if (likely(!paced(xs)))
		return now;
	return max(now, xs->pacing.next_ns);
}

/* Whoever comes late, for the timer or for its data, may take half of the delay
 * from the next gap.
 */
void xtcp_pacing_sent(struct xtcp_sock *xs, u32 bytes, u64 at)
{
	u64 rate, gap, late;

	if (likely(!paced(xs)))
		return;
	rate = READ_ONCE(xs->inet.sk.sk_pacing_rate);
	late = at - xs->pacing.next_ns;
	xs->pacing.next_ns = at;
	if (!rate || rate == ~0UL || xs->stats.data_segs_out < UNPACED_SEGS)
		return;
	gap = div64_u64((u64)bytes * NSEC_PER_SEC, rate);
	xs->pacing.next_ns += gap - min(gap / 2, late);
}

u32 xtcp_pacing_wait_us(const struct xtcp_sock *xs, u64 now)
{
	u64 next = div_u64(xs->pacing.next_ns, NSEC_PER_USEC);

	return next > now ? min_t(u64, next - now, U32_MAX) : 0;
}

void xtcp_pacing_stamp(const struct xtcp_sock *xs, struct sk_buff *skb)
{
	if (likely(!paced(xs))) {
		skb->tstamp = 0;
		return;
	}
	skb_set_delivery_time(skb, ns_to_ktime(max(xs->pacing.next_ns,
						   xtcp_clock_ns())),
			      XTCP_COMPAT_TSTAMP_MONO);
}

/* --- without fq ---------------------------------------------------------- */

bool xtcp_pacing_holds(struct xtcp_sock *xs)
{
	if (likely(READ_ONCE(xs->inet.sk.sk_pacing_status) != SK_PACING_NEEDED))
		return false;
	return xs->pacing.next_ns > xtcp_clock_ns() &&
	       xtcp_alarm_set(xs, &xs->pacing.alarm, XTCP_DEFER_TX,
			      xs->pacing.next_ns, 0);
}
