// SPDX-License-Identifier: GPL-2.0
#include "engine/tso.h"

#include "engine/output.h"
#include "engine/pacing.h"
#include "engine/sock.h"

/* A super-packet is about what the pacing rate sends in a millisecond
 * (sk_pacing_shift), and about as much may wait below.
 */

/* Only in the middle of a burst is it worth to wait for more. */
#define TSO_ENOUGH_SEGS		3
#define TSO_DEFER_US		(1 * USEC_PER_MSEC)

/* More for short paths, where segments cost the machines more than they cost the
 * queue: net.xtcp.tso_rtt_log says by how much (twice the RTT, half as much).
 */
u32 xtcp_tso_segs(const struct xtcp_sock *xs)
{
	const struct xtcp_cong_ops *ops = xs->cong.ops;
	u64 bytes = xtcp_pacing_ms(xs);
	u32 least = READ_ONCE(xs->params->min_tso_segs);
	u32 r = xtcp_rtt_min_us(&xs->rtt) >> READ_ONCE(xs->params->tso_rtt_log);

	if (unlikely(xs->urg.sending))
		return 1;	/* each has a pointer of its own */
	if (unlikely(ops->min_tso_segs))
		least = ops->min_tso_segs(&xs->cong);
	if (r < 32)
		bytes += xs->inet.sk.sk_gso_max_size >> r;
	bytes = min_t(u64, bytes, xs->snd.gso_max);
	return max_t(u32, (u32)bytes / xs->snd.mss,
		     min_t(u32, least, xs->snd.gso_max / xs->snd.mss));
}

u32 xtcp_output_size_goal(struct xtcp_sock *xs)
{
	struct dst_entry *dst = __sk_dst_get(&xs->inet.sk); /* xmit checks it */
	u32 half = xs->snd.max_wnd >> 1;
	u32 goal = xs->snd.gso_max;

	if (dst && unlikely(xs->ip->mtu(dst) != xs->snd.pmtu))
		xtcp_output_sync_mss(xs, xs->ip->mtu(dst));
	if (half && goal > half)
		goal = max(rounddown(half, xs->snd.mss), xs->snd.mss);
	return goal;
}

/* --- small queues ------------------------------------------------------- */

/* The skb of ours that leaves next clears the bit and calls for the rest. */
void xtcp_tso_throttle(struct xtcp_sock *xs)
{
	set_bit(XTCP_DEFER_THROTTLED, &xs->deferred);
	/* The last completion may have run before it saw the bit: look again. */
	smp_mb__after_atomic();
}

bool xtcp_tso_queue_full(struct xtcp_sock *xs, const struct sk_buff *skb, u32 bytes)
{
	struct sock *sk = &xs->inet.sk;
	/* of what goes now, as if it were cut off already */
	u32 size = min(skb->truesize, bytes + (u32)SKB_TRUESIZE(XTCP_HEADROOM));
	u64 limit = max_t(u64, 2 * size, xtcp_pacing_ms(xs));

	if (READ_ONCE(sk->sk_pacing_status) == SK_PACING_NONE)
		limit = min_t(u64, limit, READ_ONCE(xs->params->limit_output_bytes));
	if (likely(refcount_read(&sk->sk_wmem_alloc) <= limit))
		return false;
	/* Always let the head of an empty path go: its completion may be far. */
	if (!xs->sndq.segs_out)
		return false;
	xtcp_tso_throttle(xs);
	return refcount_read(&sk->sk_wmem_alloc) > limit;
}

bool xtcp_tso_autocork(struct xtcp_sock *xs, u32 goal)
{
	struct sk_buff *last = xtcp_sndq_last(&xs->sndq);
	struct sock *sk = &xs->inet.sk;

	if (last->len >= goal || !xs->sndq.segs_out ||
	    !READ_ONCE(xs->params->autocorking) ||
	    xtcp_skb_cb(last)->tx.flags & XTCP_SKB_EOR ||
	    refcount_read(&sk->sk_wmem_alloc) <= last->truesize)
		return false;
	if (!test_bit(XTCP_DEFER_THROTTLED, &xs->deferred)) {
		xtcp_mib_inc(sock_net(sk), XTCP_MIB_AUTO_CORKING);
		xtcp_tso_throttle(xs);
	}
	return refcount_read(&sk->sk_wmem_alloc) > last->truesize;
}

/* --- worth waiting? ------------------------------------------------------ */

bool xtcp_tso_defers(const struct xtcp_sock *xs, const struct sk_buff *skb, u32 limit)
{
	u32 divisor = READ_ONCE(xs->params->tso_win_divisor), chunk;
	u64 now;
	s64 head_age;

	if (xs->cong.state >= XTCP_CA_RECOVERY || !xs->sndq.segs_out ||
	    limit >= xs->snd.gso_max || xtcp_skb_cb(skb)->ctl & XTCP_FIN)
		return false;
	chunk = min_t(u64, xs->snd.wnd, (u64)xs->cong.cwnd * xs->snd.mss);
	if (divisor && limit >= chunk / divisor)
		return false;
	/* without: 3.8.6.2.1, a few segments are enough */
	if (!divisor && limit > min(chunk, TSO_ENOUGH_SEGS * xs->snd.mss))
		return false;
	now = xtcp_clock_us();
	/* only in the middle of a burst: not what a duplicate ACK lets go */
	if (now - xs->stats.last_data_sent_us > TSO_DEFER_US)
		return false;
	/* not soon, if what is in flight has only just left, or fq keeps it yet */
	head_age = now - xtcp_skb_cb(xtcp_sndq_first(&xs->sndq))->tx.xmit_us;
	return head_age >= xtcp_rtt_srtt_us(&xs->rtt) / 2;
}
