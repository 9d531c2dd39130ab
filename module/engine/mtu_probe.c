// SPDX-License-Identifier: GPL-2.0
#include "engine/mtu_probe.h"

#include "engine/output.h"
#include "engine/pmtu.h"
#include "engine/sock.h"
#include "engine/xmit.h"
#include "proto/seq.h"

/* A probe costs a retransmission: not while the window is small. */
#define CWND_MIN	11
/* Enough segments behind it to see at once that it alone is missing. */
#define BEHIND		(XTCP_DUP_THRESH + 1)
/* Black hole: as long as so many time-outs take from this RTO on. */
#define RTO_MODEL_US	(200 * USEC_PER_MSEC)

/* --- sizes --------------------------------------------------------------- */

static u32 overhead(const struct xtcp_sock *xs)
{
	return xs->ip->header_len + xtcp_xmit_hdr_len(xs);
}

static u32 to_mtu(const struct xtcp_sock *xs, u32 mss)
{
	return mss + overhead(xs);
}

static u32 to_mss(const struct xtcp_sock *xs, u32 mtu)
{
	return max_t(s32, mtu - overhead(xs), XTCP_MIN_SND_MSS);
}

/* What the peer can take, and the route. */
static u32 ceiling(const struct xtcp_sock *xs)
{
	return xs->neg.mss_peer + XTCP_HDR_LEN + xs->ip->header_len;
}

/* --- the search ---------------------------------------------------------- */

static u32 clock_s(void)
{
	return div_u64(xtcp_clock_us(), USEC_PER_SEC);
}

static void search(struct xtcp_sock *xs, u32 low)
{
	struct xtcp_mtu_probe *p = &xs->mtu_probe;

	p->enabled = true;
	p->low = low;
	p->high = ceiling(xs);
	p->size = 0;
	p->began_s = clock_s();
}

void xtcp_mtu_probe_established(struct xtcp_sock *xs)
{
	if (likely(READ_ONCE(xs->params->mtu_probing) < 2))
		return;
	search(xs, to_mtu(xs, READ_ONCE(xs->params->base_mss)));
	xs->mtu_probe.limit = xs->snd.pmtu;
}

/* Half of what did not get through, the first time the base. */
static u32 smaller(const struct xtcp_sock *xs)
{
	const struct xtcp_params *params = xs->params;
	u32 mss = to_mss(xs, xs->mtu_probe.low) >> 1;

	mss = min_t(u32, mss, READ_ONCE(params->base_mss));
	mss = max_t(u32, mss, READ_ONCE(params->mtu_probe_floor));
	return to_mtu(xs, max_t(u32, mss, XTCP_MIN_SND_MSS));
}

void xtcp_mtu_probe_timeout(struct xtcp_sock *xs, u64 now)
{
	u64 limit = ((2ULL << min(READ_ONCE(xs->params->retries1), 16)) - 1) *
		    RTO_MODEL_US;
	struct xtcp_mtu_probe *p = &xs->mtu_probe;

	if (likely(!READ_ONCE(xs->params->mtu_probing)) ||
	    now - xs->timers.first_fail_us < limit)
		return;
	if (!p->enabled)
		search(xs, to_mtu(xs, READ_ONCE(xs->params->base_mss)));
	else
		p->low = smaller(xs);
	p->limit = p->low;
	xtcp_output_sync_mss(xs, xs->snd.pmtu);
}

u32 xtcp_mtu_probe_mss(struct xtcp_sock *xs, u32 pmtu)
{
	struct xtcp_mtu_probe *p = &xs->mtu_probe;

	p->high = min(p->high, pmtu);
	return to_mss(xs, p->limit);
}

/* The path may have got better meanwhile: from what is known to pass up. */
static void search_again(struct xtcp_sock *xs)
{
	u32 interval = READ_ONCE(xs->params->probe_interval);

	if (clock_s() - xs->mtu_probe.began_s >= interval)
		search(xs, to_mtu(xs, xs->snd.mss));
}

/* --- a probe --------------------------------------------------------------- */

/* In the middle of what is left to search, 0: nothing is. */
static u32 next_size(struct xtcp_sock *xs)
{
	struct xtcp_mtu_probe *p = &xs->mtu_probe;
	u32 now = to_mtu(xs, xs->snd.mss);

	if ((p->low + p->high) / 2 <= now)
		p->low = max(p->low, now);	/* that is being used */
	if (p->high < p->low + READ_ONCE(xs->params->probe_threshold)) {
		search_again(xs);
		return 0;
	}
	return (p->low + p->high) / 2;
}

/* The bytes that a probe of this size takes, to the front of what is unsent. */
static bool gather(struct xtcp_sock *xs, u32 len)
{
	struct xtcp_sndq *q = &xs->sndq;
	struct sock *sk = &xs->inet.sk;

	return !xtcp_sndq_gather(sk, q, len, GFP_ATOMIC) &&
	       !xtcp_sndq_split(sk, q, q->head, len, xs->snd.mss, GFP_ATOMIC);
}

enum xtcp_mtu_probe_verdict xtcp_mtu_probe_due(struct xtcp_sock *xs)
{
	u32 pipe = xtcp_pipe(xs), size, needed;

	if (xs->mtu_probe.size || xs->cong.state != XTCP_CA_OPEN ||
	    xs->cong.cwnd < CWND_MIN || !xs->sndq.head)
		return XTCP_MTU_PROBE_NO;
	size = next_size(xs);
	if (!size)
		return XTCP_MTU_PROBE_NO;
	size = to_mss(xs, size);
	needed = size + BEHIND * xs->snd.mss;
	if (xs->sndq.write_seq - xs->snd.nxt < needed || xs->snd.wnd < needed)
		return XTCP_MTU_PROBE_NO;
	if (seq_gt(xs->snd.nxt + needed, xs->snd.una + xs->snd.wnd))
		return XTCP_MTU_PROBE_WAIT;
	if (pipe + 2 > xs->cong.cwnd)
		return pipe ? XTCP_MTU_PROBE_WAIT : XTCP_MTU_PROBE_NO;
	return gather(xs, size) ? XTCP_MTU_PROBE_NOW : XTCP_MTU_PROBE_NO;
}

/* It stands for two segments in the network, about. */
void xtcp_mtu_probe_sent(struct xtcp_sock *xs, const struct sk_buff *skb)
{
	struct xtcp_mtu_probe *p = &xs->mtu_probe;

	xs->cong.cwnd--;
	p->size = to_mtu(xs, skb->len);
	p->seq = xtcp_skb_cb(skb)->seq;
	p->end_seq = xtcp_skb_cb(skb)->end_seq;
}

void xtcp_mtu_probe_acked(struct xtcp_sock *xs)
{
	struct xtcp_mtu_probe *p = &xs->mtu_probe;

	if (seq_lt(xs->snd.una, p->end_seq))
		return;
	/* as many bytes in flight as before */
	xtcp_cong_resized(&xs->cong, to_mtu(xs, xs->snd.mss), p->size);
	p->low = p->size;
	p->limit = p->size;
	p->size = 0;
	xtcp_output_sync_mss(xs, xs->snd.pmtu);
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_MTUP_SUCCESS);
}

bool xtcp_mtu_probe_lost(struct xtcp_sock *xs)
{
	struct xtcp_mtu_probe *p = &xs->mtu_probe;

	if (likely(!p->size) || xs->snd.una != p->seq ||
	    xs->cong.state >= XTCP_CA_CWR)
		return false;
	p->high = p->size - 1;
	p->size = 0;
	xs->cong.cwnd++;
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_MTUP_FAIL);
	return xtcp_pmtu_resegment(xs, p->end_seq);
}
