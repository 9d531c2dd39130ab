// SPDX-License-Identifier: GPL-2.0
/* ingress.c - in front of the kernel's TCP
 *
 * We see a segment after routing, conntrack, reassembly and the INPUT rules,
 * inside the kernel's RCU read section.  The order of the questions: another
 * socket's (skb->sk)?  one of our ports?  a flow of ours?  the kernel's flow
 * on a port of ours?  a listener of ours?  Nobody of ours: the kernel, which
 * has it or sends the RST.
 */

#include "net/ingress.h"
#include "conn/demux.h"
#include "conn/netns.h"
#include "conn/port.h"
#include "engine/dispatch.h"
#include "engine/listen.h"
#include "engine/sock.h"
#include "engine/trace.h"
#include "net/early.h"
#include "net/icmp_err.h"
#include "engine/ip_ops.h"
#include "proto/segment.h"
#include "proto/seq.h"

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/tcp.h>

#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/inet_timewait_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/protocol.h>

/* What stood in the tables before us.  Written under hook_lock when no handler
 * of ours can be running.
 */
static const struct net_protocol *kernel4;
static const struct inet6_protocol *kernel6;

int xtcp_ingress_pass(struct sk_buff *skb, bool v4)
{
	return v4 ? kernel4->handler(skb) : kernel6->handler(skb);
}

/* Source and destination port: the first bytes of the header. */
#define XTCP_PORTS_LEN	4

/* --- what a segment must be, whoever gets it --------------------------- */

static enum xtcp_drop verify(struct sk_buff *skb, struct net *net,
			     const struct xtcp_ip_ops *ip,
			     struct xtcp_segment *seg)
{
	const struct xtcp_hdr *th = (const struct xtcp_hdr *)skb->data;
	enum xtcp_drop why;

	xtcp_mib_inc(net, XTCP_MIB_IN_SEGS);	/* also when it is bad */
	/* a wrong length is parse()'s to find */
	pskb_may_pull(skb, min(xtcp_hdr_len(th), skb->len));
	why = xtcp_segment_parse(seg, skb->data, skb_headlen(skb), skb->len);
	if (!why && ip->rx_csum_bad(skb)) {
		xtcp_mib_inc(net, XTCP_MIB_IN_CSUM_ERRORS);
		why = XTCP_DROP_BAD_CSUM;
	}
	if (why)
		xtcp_mib_inc(net, XTCP_MIB_IN_ERRS);
	return why;
}

/* What the options of the socket that gets it say: NULL, none does. */
static enum xtcp_drop permit(struct sk_buff *skb, const struct xtcp_ip_ops *ip,
			     struct sock *sk)
{
	u8 min_ttl = 0;

	/* RFC 5082 */
	if (sk && ip->version == 4)
		min_ttl = READ_ONCE(inet_sk(sk)->min_ttl);
	else if (sk && inet6_sk(sk))
		min_ttl = READ_ONCE(inet6_sk(sk)->min_hopcount);
	if (ip->rx_ttl(skb) < min_ttl)
		return XTCP_DROP_MIN_TTL;
	if (!ip->rx_policy_ok(sk, skb))
		return XTCP_DROP_POLICY;
	return XTCP_DROP_NONE;
}

static int drop(struct sk_buff *skb, struct net *net, const struct xtcp_tuple *t,
		enum xtcp_drop why)
{
	xtcp_mib_drop(net, why);
	trace_xtcp_drop(net, t, why);
	kfree_skb(skb);
	return 0;
}

static int to_flow(struct sk_buff *skb, struct net *net,
		   const struct xtcp_ip_ops *ip, const struct xtcp_tuple *t,
		   struct xtcp_flow *f)
{
	struct sock *sk = NULL;
	struct xtcp_segment seg;
	enum xtcp_drop why;

	if (f->kind == XTCP_FLOW_CONN)
		sk = xtcp_sock_sk(xtcp_sock_of(f));
	why = verify(skb, net, ip, &seg) ?: permit(skb, ip, sk);
	if (unlikely(why)) {
		xtcp_flow_put(f);
		return drop(skb, net, t, why);
	}
	nf_reset_ct(skb);
	xtcp_dispatch_flow(skb, f, &seg);
	return 0;
}

static int to_listener(struct sk_buff *skb, struct net *net,
		       const struct xtcp_ip_ops *ip, const struct xtcp_tuple *t,
		       struct xtcp_sock *xs)
{
	struct xtcp_segment seg;
	enum xtcp_drop why;

	why = verify(skb, net, ip, &seg) ?: permit(skb, ip, xtcp_sock_sk(xs));
	if (unlikely(why))
		return drop(skb, net, t, why);
	nf_reset_ct(skb);
	xtcp_listen_rcv(xs, skb, t, &seg);
	return 0;
}

/* --- the kernel's flows on our ports ----------------------------------- */

static bool is_syn(const struct sk_buff *skb)
{
	const struct xtcp_hdr *th = (const struct xtcp_hdr *)skb->data;

	return (th->flags & (XTCP_SYN | XTCP_ACK | XTCP_RST)) == XTCP_SYN;
}

/* A TIME-WAIT that the kernel's TCP left on our port (its server ran before us).
 * It would give an acceptable SYN to the kernel's listener, which is our shadow;
 * so that SYN is for us (RFC 9293 3.10.7.4 TIME-WAIT, MAY-2).
 */
static bool tw_yields(const struct sock *sk, const struct sk_buff *skb)
{
	const struct xtcp_hdr *th = (const struct xtcp_hdr *)skb->data;
	const struct tcp_timewait_sock *tw = tcp_twsk(sk);

	return is_syn(skb) && seq_gt(ntohl(th->seq), tw->tw_rcv_nxt);
}

/* Client sockets of the kernel can have our port as theirs, and TIME-WAITs. */
static bool kernel_owns(struct sk_buff *skb, struct net *net, bool v4,
			const struct xtcp_tuple *t)
{
	int dif = xtcp_ip_rx_iif(skb), sdif = xtcp_ip_rx_sdif(skb);
	struct sock *sk;
	bool owns;

	if (v4)
		sk = xtcp_compat_lookup4(net, xtcp_addr_v4(&t->raddr), t->rport,
					 xtcp_addr_v4(&t->laddr),
					 ntohs(t->lport), dif, sdif);
	else
		sk = xtcp_compat_lookup6(net, &t->raddr.in6, t->rport,
					 &t->laddr.in6, ntohs(t->lport),
					 dif, sdif);
	if (!sk)
		return false;
	owns = sk->sk_state != TCP_TIME_WAIT || !tw_yields(sk, skb);
	sock_gen_put(sk);
	return owns;
}

static int pass_counted(struct sk_buff *skb, struct net *net, bool v4)
{
	xtcp_mib_inc(net, XTCP_MIB_TO_KERNEL);
	return xtcp_ingress_pass(skb, v4);
}

/* No flow was seen.  Before anything but a SYN goes to a listener, and before
 * anything goes to the kernel as nobody's, the lookup is made again under the
 * bucket's lock: else a flow that changes hands at this moment gets a RST.
 */
static int no_flow(struct sk_buff *skb, struct net *net,
		   const struct xtcp_ip_ops *ip, const struct xtcp_tuple *t,
		   int l3dev)
{
	bool v4 = ip->version == 4;
	struct xtcp_sock *xs;
	struct xtcp_flow *f;

	xs = xtcp_listener_lookup(net, t, xtcp_ip_rx_iif(skb),
				  xtcp_ip_rx_sdif(skb));
	if (!xs || !is_syn(skb)) {
		f = xtcp_flow_lookup_locked(net, t, l3dev);
		if (unlikely(f))
			return to_flow(skb, net, ip, t, f);
	}
	if (!xs)
		return pass_counted(skb, net, v4);
	if (kernel_owns(skb, net, v4, t)) {
		xtcp_mib_drop(net, XTCP_DROP_KERNEL_OWNS);
		return pass_counted(skb, net, v4);
	}
	return to_listener(skb, net, ip, t, xs);
}

/* --- handlers ---------------------------------------------------------- */

/* skb->sk: somebody (early demux, TPROXY, a BPF program) has chosen a socket of
 * the kernel's already.  A shadow must not get it: forget that choice.
 */
static bool chosen(struct sk_buff *skb)
{
	if (likely(!skb->sk))
		return false;
	if (!sk_fullsock(skb->sk) || !xtcp_port_is_shadow(skb->sk))
		return true;
	skb_orphan(skb);
	return false;
}

/* Shorter than a header: ours to count if its port is ours, or if it has none and
 * this namespace uses xtcp; the kernel would only drop it, too.
 */
static int truncated(struct sk_buff *skb, struct net *net, bool v4)
{
	bool ours = xtcp_port_any(net);

	if (pskb_may_pull(skb, XTCP_PORTS_LEN))
		ours = xtcp_port_ours(net, ((struct xtcp_hdr *)skb->data)->dport);
	if (!ours)
		return xtcp_ingress_pass(skb, v4);
	xtcp_mib_inc(net, XTCP_MIB_IN_SEGS);
	xtcp_mib_inc(net, XTCP_MIB_IN_ERRS);
	xtcp_mib_drop(net, XTCP_DROP_TRUNCATED);
	kfree_skb(skb);
	return 0;
}

static struct xtcp_flow *flow_of(struct sk_buff *skb, struct net *net,
				 const struct xtcp_tuple *t, int l3dev)
{
	struct xtcp_flow *f;
	u32 hash;

	if (xtcp_early_seen(skb, &hash)) {
		f = xtcp_flow_find(net, t, l3dev, hash);
		if (likely(f))
			return f;
		/* nobody's; or INPUT translates addresses */
	}
	return xtcp_flow_lookup(net, t, l3dev);
}

static __always_inline int rcv(struct sk_buff *skb, bool v4)
{
	const struct xtcp_ip_ops *ip = v4 ? &xtcp_ip4_ops : &xtcp_ip6_ops;
	struct net *net = dev_net(skb->dev);
	struct xtcp_tuple t;
	struct xtcp_flow *f;
	int l3dev;

	if (chosen(skb))
		return xtcp_ingress_pass(skb, v4);
	if (unlikely(!pskb_may_pull(skb, XTCP_HDR_LEN)))
		return truncated(skb, net, v4);
	if (!xtcp_port_ours(net, ((struct xtcp_hdr *)skb->data)->dport))
		return xtcp_ingress_pass(skb, v4);

	ip->rx_tuple(skb, (struct xtcp_hdr *)skb->data, &t);
	/* An IPv6 packet from ::ffff:a.b.c.d is not that IPv4 host's. */
	if (!v4 && unlikely(xtcp_addr_is_v4(&t.raddr) ||
			    xtcp_addr_is_v4(&t.laddr)))
		return xtcp_ingress_pass(skb, v4);
	if (unlikely(skb->pkt_type != PACKET_HOST ||
		     ipv6_addr_is_multicast(&t.laddr.in6)))
		return drop(skb, net, &t, XTCP_DROP_NOT_HOST);

	l3dev = xtcp_ip_rx_l3dev(skb);
	f = flow_of(skb, net, &t, l3dev);
	return likely(f) ? to_flow(skb, net, ip, &t, f) :
			   no_flow(skb, net, ip, &t, l3dev);
}

static int rcv4(struct sk_buff *skb)
{
	return rcv(skb, true);
}

static int rcv6(struct sk_buff *skb)
{
	return rcv(skb, false);
}

static int err4(struct sk_buff *skb, u32 info)
{
	return xtcp_icmp4_rcv(skb, info) ? 0 : kernel4->err_handler(skb, info);
}

static int err6(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
		u8 code, int offset, __be32 info)
{
	if (xtcp_icmp6_rcv(skb, type, code, offset, info))
		return 0;
	return kernel6->err_handler(skb, opt, type, code, offset, info);
}

/* --- in and out of the tables ------------------------------------------ */

static DEFINE_MUTEX(hook_lock);
static unsigned int users;		/* hook_lock */
static bool in4, in6;			/* our handler is in the table */
static bool stuck;			/* and cannot get out: a module reference */

static struct net_protocol ours4;
static struct inet6_protocol ours6;

/* The tables are arrays of RCU pointers that the kernel changes by cmpxchg, too. */
#define slot4	((const struct net_protocol **)&inet_protos[IPPROTO_TCP])
#define slot6	((const struct inet6_protocol **)&inet6_protos[IPPROTO_TCP])

static bool hook4(void)
{
	const struct net_protocol *old = READ_ONCE(*slot4);

	if (!old)
		return false;
	if (old != kernel4) {
		synchronize_net();
		kernel4 = old;
		ours4 = *old;
		ours4.handler = rcv4;
		ours4.err_handler = err4;
	}
	return cmpxchg(slot4, old, &ours4) == old;
}

static bool hook6(void)
{
	const struct inet6_protocol *old = READ_ONCE(*slot6);

	if (!old)
		return false;
	if (old != kernel6) {
		synchronize_net();
		kernel6 = old;
		ours6 = *old;
		ours6.handler = rcv6;
		ours6.err_handler = err6;
	}
	return cmpxchg(slot6, old, &ours6) == old;
}

/* Packets may be in our handlers until a grace period has passed: it is waited
 * for when that matters, before kernel4 changes and before the module goes.
 */
static void unhook(void)
{
	if (in4 && cmpxchg(slot4, &ours4, kernel4) == &ours4)
		in4 = false;
	if (in6 && cmpxchg(slot6, &ours6, kernel6) == &ours6)
		in6 = false;

	if (in4 || in6) {
		if (!stuck) {
			stuck = true;
			__module_get(THIS_MODULE);
			pr_warn("xtcp: another module has wrapped our TCP handler; xtcp stays loaded\n");
		}
	} else if (stuck) {
		stuck = false;
		module_put(THIS_MODULE);
	}
}

static int hook(void)
{
	if (!in4)
		in4 = hook4();
	if (!in6 && ipv6_mod_enabled())
		in6 = hook6();
	if (in4 && (in6 || !ipv6_mod_enabled()))
		return 0;
	unhook();
	return -EBUSY;
}

int xtcp_ingress_get(void)
{
	int err = 0;

	mutex_lock(&hook_lock);
	if (!users || !in4)
		err = hook();
	if (!err)
		users++;
	mutex_unlock(&hook_lock);
	return err;
}

void xtcp_ingress_put(void)
{
	mutex_lock(&hook_lock);
	if (!WARN_ON_ONCE(!users) && !--users)
		unhook();
	mutex_unlock(&hook_lock);
}

int xtcp_ingress_init(void)
{
	return 0;
}

/* Who wrapped our handler while only TIME-WAIT was left, which does not hold the
 * module, was met when it was too late to refuse: our text stays until he is gone.
 */
void xtcp_ingress_exit(void)
{
	WARN_ON(users);
	mutex_lock(&hook_lock);
	while (in4 || in6) {
		msleep(100);
		unhook();
	}
	mutex_unlock(&hook_lock);
	synchronize_net();
}
