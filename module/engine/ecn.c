// SPDX-License-Identifier: GPL-2.0
#include "engine/ecn.h"

#include "engine/sock.h"
#include "proto/segment.h"

#include <net/dst.h>
#include <net/inet_ecn.h>

#define SYN_ECN		(XTCP_ECE | XTCP_CWR)
/* Our share of the route's features: `ip route ... features ecn`, and a congestion
 * control of the route that needs it.
 */
#define DST_ECN		(RTAX_FEATURE_ECN | DST_FEATURE_ECN_CA)
/* So many ACKs are not delayed when the peer's window may be very small. */
#define QUICK_ACKS	2
/* The four reserved bits beside the data offset. */
#define RES_MASK	0x0f

bool xtcp_ecn_needed(const struct sock *sk)
{
	return READ_ONCE(xtcp_sk(sk)->cong.ops)->flags & XTCP_CONG_NEEDS_ECN;
}

/* --- the handshake ------------------------------------------------------- */

static bool allowed(const struct sock *sk, const struct dst_entry *dst)
{
	return READ_ONCE(xtcp_sk(sk)->params->ecn) ||
	       (dst && dst_feature(dst, DST_ECN)) || xtcp_ecn_needed(sk);
}

/* RFC 3168 6.1.1.  A SYN that is ECT: somebody on the path sets these bits at
 * random (unless the peer is of a kind that says more by the reserved ones).
 */
bool xtcp_ecn_agrees(const struct sock *lsk, const struct dst_entry *dst,
		     const struct sk_buff *skb, const struct xtcp_segment *seg)
{
	const struct xtcp_hdr *th = (const struct xtcp_hdr *)skb->data;
	const struct xtcp_ip_ops *ip;

	if (likely((seg->ctl & SYN_ECN) != SYN_ECN) || !allowed(lsk, dst))
		return false;
	if (xtcp_ecn_needed(lsk) || (dst && dst_feature(dst, DST_FEATURE_ECN_CA)))
		return true;
	ip = skb->protocol == htons(ETH_P_IPV6) ? &xtcp_ip6_ops : &xtcp_ip4_ops;
	return INET_ECN_is_not_ect(ip->rx_tos(skb)) || th->doff & RES_MASK;
}

bool xtcp_ecn_agreed(const struct sock *lsk, const struct dst_entry *dst)
{
	return allowed(lsk, dst);
}

/* RFC 3168 6.1.1.1: there are paths on which such a SYN gets lost. */
u8 xtcp_ecn_syn(struct xtcp_sock *xs, bool again)
{
	const struct dst_entry *dst = __sk_dst_get(&xs->inet.sk);

	if (!again)
		xs->neg.ecn = READ_ONCE(xs->params->ecn) == 1 ||
			      xtcp_ecn_needed(&xs->inet.sk) ||
			      (dst && dst_feature(dst, RTAX_FEATURE_ECN));
	if (!xs->neg.ecn || (again && READ_ONCE(xs->params->ecn_fallback)))
		return 0;
	return SYN_ECN;
}

u8 xtcp_ecn_synack(const struct xtcp_sock *xs)
{
	return xs->neg.ecn ? XTCP_ECE : 0;
}

/* Both flags in a SYN-ACK: a reflection of ours. */
void xtcp_ecn_answer_rcv(struct xtcp_sock *xs, const struct xtcp_segment *seg)
{
	u8 yes = seg->ctl & XTCP_ACK ? XTCP_ECE : SYN_ECN;

	if ((seg->ctl & SYN_ECN) != yes)
		xs->neg.ecn = false;
}

/* RFC 8257 3.1: a network for such controls alone. */
u8 xtcp_ecn_syn_ip(const struct sock *sk)
{
	return xtcp_ecn_needed(sk) ? INET_ECN_ECT_0 : INET_ECN_NOT_ECT;
}

/* --- receiver ------------------------------------------------------------ */

static void ack_quickly(struct xtcp_rcv *rcv)
{
	rcv->quick = max_t(u8, rcv->quick, QUICK_ACKS);
	rcv->pingpong = false;
	if (rcv->ato_ms)
		rcv->ato_ms = XTCP_DELACK_MIN_US / USEC_PER_MSEC;
}

/* New data is where it belongs; some put it into pure ACKs.  The peer may have
 * room for one segment now: it is not to wait for our delay.
 */
void xtcp_ecn_cwr_rcv(struct xtcp_sock *xs, const struct xtcp_segment *seg)
{
	xs->ecn.demand_cwr = false;
	if (seg->len)
		xs->rcv.ack_now = true;
}

void xtcp_ecn_data_rcv(struct xtcp_sock *xs, const struct sk_buff *skb)
{
	struct xtcp_ecn *ecn = &xs->ecn;

	switch (xs->ip->rx_tos(skb) & INET_ECN_MASK) {
	case INET_ECN_NOT_ECT:
		if (ecn->seen)		/* so this one was sent again */
			ack_quickly(&xs->rcv);
		break;
	case INET_ECN_CE:
		if (!ecn->demand_cwr)
			ack_quickly(&xs->rcv);
		ecn->demand_cwr = true;
		fallthrough;
	default:
		ecn->seen = true;
		break;
	}
}

/* --- sender -------------------------------------------------------------- */

/* RFC 3168 6.1.4 to 6.1.6: ECT on nothing that would not be missed. */
u8 xtcp_ecn_xmit(struct xtcp_sock *xs, u8 ctl, bool fresh, u8 *ip)
{
	struct xtcp_ecn *ecn = &xs->ecn;
	u8 flags = 0;

	*ip = INET_ECN_NOT_ECT;
	if (ctl & XTCP_RST)
		return 0;
	if (fresh) {
		*ip = INET_ECN_ECT_0;
		if (ecn->queue_cwr)
			flags = XTCP_CWR;
		ecn->queue_cwr = false;
	} else if (xtcp_ecn_needed(&xs->inet.sk)) {
		*ip = INET_ECN_ECT_0;
	}
	if (ecn->demand_cwr)
		flags |= XTCP_ECE;
	return flags;
}

void xtcp_ecn_reduced(struct xtcp_sock *xs)
{
	xs->ecn.queue_cwr = xs->neg.ecn;
}

void xtcp_ecn_undone(struct xtcp_sock *xs)
{
	xs->ecn.queue_cwr = false;
}
