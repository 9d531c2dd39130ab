// SPDX-License-Identifier: GPL-2.0
#include "engine/sock.h"

void xtcp_sock_set_names(struct sock *sk, const struct xtcp_tuple *t)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_num = ntohs(t->lport);
	inet->inet_sport = t->lport;
	inet->inet_dport = t->rport;
	sk->sk_v6_rcv_saddr = t->laddr.in6;
	sk->sk_v6_daddr = t->raddr.in6;
	if (xtcp_addr_is_v4(&t->raddr)) {
		inet->inet_rcv_saddr = xtcp_addr_v4(&t->laddr);
		inet->inet_saddr = inet->inet_rcv_saddr;
		inet->inet_daddr = xtcp_addr_v4(&t->raddr);
	} else {
		/* IPv6 only, as the kernel's own sockets say it: 127.0.0.6 */
		inet->inet_rcv_saddr = htonl(0x7f000006);
		inet->inet_saddr = inet->inet_rcv_saddr;
		inet->inet_daddr = inet->inet_rcv_saddr;
	}
}

void xtcp_sock_rtt_init(struct xtcp_sock *xs)
{
	xtcp_rtt_init(&xs->rtt);
	xtcp_rtt_set_limits(&xs->rtt, READ_ONCE(xs->params->rto_min_us),
			    READ_ONCE(xs->params->rto_max_ms) * USEC_PER_MSEC);
}
