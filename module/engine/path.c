// SPDX-License-Identifier: GPL-2.0
/* path.c - the route of a connection, and the segment size that follows from it:
 * the first part of output.h.
 */
#include "engine/output.h"

#include "engine/sock.h"
#include "engine/xmit.h"

/* net/core turns software GSO on only for the kernel's TCP. */
static void set_gso_caps(struct xtcp_sock *xs, struct dst_entry *dst)
{
	struct sock *sk = &xs->inet.sk;

	sk->sk_gso_type = xs->ip->version == 4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	sk_setup_caps(sk, dst);
	if (sk->sk_gso_disabled || dst->header_len || sk_can_gso(sk))
		return;
	sk->sk_route_caps |= NETIF_F_GSO | NETIF_F_GSO_SOFTWARE | NETIF_F_SG |
			     NETIF_F_HW_CSUM;
	sk->sk_gso_max_size = min_t(u32, READ_ONCE(dst->dev->gso_max_size),
				    GSO_LEGACY_MAX_SIZE) - XTCP_HEADROOM;
	sk->sk_gso_max_segs = max_t(u32, READ_ONCE(dst->dev->gso_max_segs), 1);
}

void xtcp_output_set_dst(struct xtcp_sock *xs, struct dst_entry *dst)
{
	xs->dst_cookie = xs->ip->dst_cookie ? xs->ip->dst_cookie(dst) : 0;
	set_gso_caps(xs, dst);		/* the socket owns dst now */
	xtcp_output_sync_mss(xs, xs->ip->mtu(dst));
}

static struct dst_entry *find_route(struct xtcp_sock *xs)
{
	struct xtcp_tuple t = xs->flow.tuple;
	struct sock *sk = &xs->inet.sk;
	struct xtcp_ip_attr attr;
	struct dst_entry *dst;

	xtcp_ip_attr_sk(&attr, sk, xs->ip->version == 4);
	dst = xs->ip->route(sk, &t, &attr);
	if (IS_ERR(dst)) {
		WRITE_ONCE(sk->sk_err_soft, -PTR_ERR(dst));
		xtcp_mib_inc(sock_net(sk), XTCP_MIB_NO_ROUTE);
		return NULL;
	}
	xtcp_output_set_dst(xs, dst);
	return dst;
}

struct dst_entry *xtcp_output_dst(struct xtcp_sock *xs)
{
	return __sk_dst_check(&xs->inet.sk, xs->dst_cookie) ?: find_route(xs);
}

/* MUST-16: Eff.snd.MSS; MUST-38: a window smaller than two segments is filled by
 * halves.
 */
void xtcp_output_sync_mss(struct xtcp_sock *xs, u32 pmtu)
{
	struct xtcp_snd *snd = &xs->snd;
	u32 hdr = XTCP_HDR_LEN + xs->ip->header_len;		/* MSS-1 */
	u32 mss = pmtu > hdr ? pmtu - hdr : 0;

	mss = min_t(u32, mss, xs->neg.mss_peer);
	if (xs->opt.user_mss)
		mss = min_t(u32, mss, xs->opt.user_mss);
	mss -= min(mss, xtcp_xmit_hdr_len(xs) - XTCP_HDR_LEN);
	if (xs->ip->version == 4)
		mss -= min(mss, xtcp_ip_opt_len(&xs->inet.sk));
	mss = max_t(u32, mss, XTCP_MIN_SND_MSS);
	if (unlikely(xs->mtu_probe.enabled))
		mss = min(mss, xtcp_mtu_probe_mss(xs, pmtu));
	if (snd->max_wnd)
		mss = min(mss, max_t(u32, snd->max_wnd > XTCP_MSS_DEFAULT4 ?
				     snd->max_wnd >> 1 : snd->max_wnd,
				     XTCP_MIN_SND_MSS));
	snd->pmtu = pmtu;
	snd->mss = mss;
	xs->cong.mss = mss;
	snd->gso_max = mss;
	if (sk_can_gso(&xs->inet.sk)) {
		u32 segs = xs->inet.sk.sk_gso_max_size / mss;

		segs = min_t(u32, segs, xs->inet.sk.sk_gso_max_segs);
		snd->gso_max = max(segs, 1U) * mss;
	}
}

void xtcp_output_mss_changed(struct xtcp_sock *xs)
{
	struct dst_entry *dst = __sk_dst_get(&xs->inet.sk);

	if (dst)
		xtcp_output_sync_mss(xs, xs->ip->mtu(dst));
}
