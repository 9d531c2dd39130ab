/* SPDX-License-Identifier: GPL-2.0 */
/* mtu_probe.h - the path's MTU without its help (RFC 4821).
 *
 * When routers drop what is too big and say nothing, small segments get through and
 * large ones do not.  After a few time-outs the segment size falls to one that
 * nearly every path takes (net.xtcp.base_mss); from then on now and then one
 * larger segment is sent with small ones behind it.  If it arrives, all may be as
 * large; if it alone is lost, that is no congestion.  Sizes are of IP packets.
 * Lock: the socket's.
 */
#ifndef XTCP_ENGINE_MTU_PROBE_H
#define XTCP_ENGINE_MTU_PROBE_H

#include <linux/types.h>

struct sk_buff;
struct xtcp_sock;

struct xtcp_mtu_probe {
	bool	enabled;		/* the rest is valid */
	u32	limit;			/* no other segment is larger */
	u32	low, high;		/* passes; more than this does not */
	u32	size;			/* of the probe that is out, 0: none */
	u32	seq, end_seq;		/* its bytes */
	u32	began_s;		/* of this search, protocol time */
};

enum xtcp_mtu_probe_verdict {
	XTCP_MTU_PROBE_NO,		/* send as usual */
	XTCP_MTU_PROBE_WAIT,		/* send nothing: room for it is being made */
	XTCP_MTU_PROBE_NOW,		/* the first unsent skb is the probe, one segment */
};

/* Established: net.xtcp.mtu_probing is 2. */
void xtcp_mtu_probe_established(struct xtcp_sock *xs);
/* RTO: if this goes on for as long as net.xtcp.retries1 say, it is a black hole. */
void xtcp_mtu_probe_timeout(struct xtcp_sock *xs, u64 now);
/* Segments on a path that is thought to take @pmtu; with enabled. */
u32 xtcp_mtu_probe_mss(struct xtcp_sock *xs, u32 pmtu);

/* Before new data is sent; with enabled. */
enum xtcp_mtu_probe_verdict xtcp_mtu_probe_due(struct xtcp_sock *xs);
void xtcp_mtu_probe_sent(struct xtcp_sock *xs, const struct sk_buff *skb);
/* SND.UNA advanced; with size. */
void xtcp_mtu_probe_acked(struct xtcp_sock *xs);
/* Something is marked lost, and no reduction has been made for it.  True: it is the
 * probe, and no more has to be done. */
bool xtcp_mtu_probe_lost(struct xtcp_sock *xs);

/* Anything was sent again: what becomes of the probe says nothing any more. */
static inline void xtcp_mtu_probe_forget(struct xtcp_mtu_probe *p)
{
	p->size = 0;
}

#endif
