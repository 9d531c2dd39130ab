// SPDX-License-Identifier: GPL-2.0
#include "engine/pmtu.h"

#include "engine/output.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "proto/seq.h"

/* What is out in segments that cannot pass goes again, smaller; that is no
 * congestion, so the window stays (RFC 5681 3.1, RFC 1191 6.5).
 */
bool xtcp_pmtu_resegment(struct xtcp_sock *xs, u32 until)
{
	struct sk_buff *skb = xtcp_sndq_flight(&xs->sndq);
	bool any = false;

	for (; skb; skb = xtcp_sndq_flight_next(skb)) {
		if (until != xs->snd.una ?
		    seq_gt(xtcp_skb_cb(skb)->end_seq, until) :
		    skb->len <= xs->snd.mss)
			continue;
		xtcp_sndq_set_segs(&xs->sndq, skb, xs->snd.mss);
		xtcp_sndq_lost(&xs->sndq, skb);
		any = true;
	}
	if (!any)
		return false;
	if (xs->cong.state != XTCP_CA_LOSS) {
		xs->recovery.point = xs->snd.nxt;
		xs->recovery.undo = false;
		xtcp_cong_set_state(&xs->cong, XTCP_CA_LOSS);
	}
	return true;
}

void xtcp_pmtu_reduced(struct xtcp_sock *xs, u32 mtu)
{
	u32 was = xs->snd.pmtu;
	struct dst_entry *dst;

	if (xs->done || !(XTCPF(xs->state) & ~(XTCPF(XTCP_LISTEN) |
					       XTCPF(XTCP_CLOSE))))
		return;
	dst = xtcp_output_dst(xs);
	if (!dst)
		return;
	/* the route has learnt it unless PMTU discovery is off for this socket */
	mtu = max_t(u32, mtu, xs->ip->min_mtu);
	mtu = min(mtu, xs->ip->mtu(dst));
	if (mtu >= was)
		return;
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_PMTU_CHANGED);
	xtcp_output_sync_mss(xs, mtu);
	if (xtcp_pmtu_resegment(xs, xs->snd.una))
		xtcp_output(xs, false);
}

/* SHLD-20: IP_RECVERR, IPV6_RECVERR, by what is on the wire. */
bool xtcp_icmp_wanted(const struct xtcp_sock *xs)
{
	const struct sock *sk = &xs->inet.sk;

	if (xs->ip->version == 4)
		return xtcp_compat_inet_test(sk, RECVERR, recverr);
	return xtcp_compat_np_test(sk, RECVERR6, recverr);
}

void xtcp_icmp_error(struct xtcp_sock *xs, int err)
{
	struct sock *sk = &xs->inet.sk;

	if (xs->done)
		return;
	/* RFC 5461: nothing is lost with a connection that is being opened, and
	 * the program can try another address
	 */
	if (XTCPF(xs->state) & (XTCPF(XTCP_SYN_SENT) | XTCPF(XTCP_SYN_RECV))) {
		xtcp_mib_inc(sock_net(sk), XTCP_MIB_ATTEMPT_FAILS);
		xtcp_state_error(xs, err);
		return;
	}
	if (!sock_owned_by_user(sk) && xtcp_icmp_wanted(xs)) {
		WRITE_ONCE(sk->sk_err, err);
		sk_error_report(sk);
	} else {
		WRITE_ONCE(sk->sk_err_soft, err);	/* when it times out */
	}
}
