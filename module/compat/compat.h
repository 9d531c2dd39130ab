/* SPDX-License-Identifier: GPL-2.0 */
/* compat.h - what differs between 6.1, 6.12 and 7.x, force-included before
 * every file.  The only place that looks at LINUX_VERSION_CODE.
 */
#ifndef XTCP_COMPAT_H
#define XTCP_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

/* watch/sysctl.c: tables ended with an empty entry before 6.6 (one entry more
 * than n, zeroed, does no harm after it) */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define xtcp_compat_register_net_sysctl(net, path, table, n) \
	register_net_sysctl_sz(net, path, table, n)
#else
#define xtcp_compat_register_net_sysctl(net, path, table, n) \
	register_net_sysctl(net, path, table)
#endif

/* the table argument of a proc_handler */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define xtcp_compat_ctl_table	const struct ctl_table
#else
#define xtcp_compat_ctl_table	struct ctl_table
#endif

/* conn/clock.h: hrtimer_init() went away in 6.15 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define xtcp_compat_hrtimer_setup(t, fn, clock, mode)			\
	hrtimer_setup(t, fn, clock, mode)
#else
#define xtcp_compat_hrtimer_setup(t, fn, clock, mode)			\
	do {								\
		hrtimer_init(t, clock, mode);				\
		(t)->function = fn;					\
	} while (0)
#endif

/* The last argument of skb_set_delivery_time(): a bool until 6.11 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define XTCP_COMPAT_TSTAMP_MONO	SKB_CLOCK_MONOTONIC
#else
#define XTCP_COMPAT_TSTAMP_MONO	true
#endif

/* --- socket/ ----------------------------------------------------------- */

/* bind() and connect() take a sockaddr of no fixed size since 6.19. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define xtcp_compat_sockaddr sockaddr_unsized
#else
#define xtcp_compat_sockaddr sockaddr
#endif

/* proto_ops.accept for @fn(sock, newsock, flags). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define XTCP_COMPAT_ACCEPT(name, fn)					\
static int name(struct socket *sock, struct socket *newsock,		\
		struct proto_accept_arg *arg)				\
{									\
	return fn(sock, newsock, arg->flags);				\
}
#else
#define XTCP_COMPAT_ACCEPT(name, fn)					\
static int name(struct socket *sock, struct socket *newsock, int flags,	\
		bool kern)						\
{									\
	return fn(sock, newsock, flags);				\
}
#endif

/* sendfile() came by sendpage before MSG_SPLICE_PAGES. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define XTCP_COMPAT_SENDPAGE
#else
#define XTCP_COMPAT_SENDPAGE	.sendpage = sock_no_sendpage,
#endif

/* Bits of inet_sock (6.6) and ipv6_pinfo (6.8) became flags of inet_sock. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define xtcp_compat_inet_assign(sk, bit, field, v) inet_assign_bit(bit, sk, v)
#define xtcp_compat_inet_test(sk, bit, field)	inet_test_bit(bit, sk)
#else
#define xtcp_compat_inet_assign(sk, bit, field, v) (inet_sk(sk)->field = !!(v))
#define xtcp_compat_inet_test(sk, bit, field)	(inet_sk(sk)->field)
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define xtcp_compat_cmsg_flags(inet)		inet_cmsg_flags(inet)
#else
#define xtcp_compat_cmsg_flags(inet)		((inet)->cmsg_flags)
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define xtcp_compat_np_assign(sk, bit, field, v) inet6_assign_bit(bit, sk, v)
#define xtcp_compat_np_test(sk, bit, field)	inet6_test_bit(bit, sk)
#else
#define xtcp_compat_np_assign(sk, bit, field, v) (inet6_sk(sk)->field = !!(v))
#define xtcp_compat_np_test(sk, bit, field)	(inet6_sk(sk)->field)
#endif

/* --- net/ -------------------------------------------------------------- */

/* The table argument went away in 6.18. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define xtcp_compat_lookup4(net, ...)					\
	__inet_lookup_established(net, __VA_ARGS__)
#define xtcp_compat_lookup6(net, ...)					\
	__inet6_lookup_established(net, __VA_ARGS__)
#else
#define xtcp_compat_lookup4(net, ...)					\
	__inet_lookup_established(net, (net)->ipv4.tcp_death_row.hashinfo, \
				  __VA_ARGS__)
#define xtcp_compat_lookup6(net, ...)					\
	__inet6_lookup_established(net, (net)->ipv4.tcp_death_row.hashinfo, \
				   __VA_ARGS__)
#endif

/* Ip6OutRequests: ip6_output() counts octets and packets since 6.8. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define xtcp_compat_ip6_count_out(net, idev, len)			\
	IP6_INC_STATS(net, idev, IPSTATS_MIB_OUTREQUESTS)
#else
#define xtcp_compat_ip6_count_out(net, idev, len)			\
	IP6_UPD_PO_STATS(net, idev, IPSTATS_MIB_OUT, len)
#endif

/* Since 6.8 it takes no lock: inet6_sk()->srcprefs is written at once. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define xtcp_compat_addr_preferences(sk, v) ip6_sock_set_addr_preferences(sk, v)
#else
#define xtcp_compat_addr_preferences(sk, v) __ip6_sock_set_addr_preferences(sk, v)
#endif

/* --- MSG_ZEROCOPY ------------------------------------------------------ */

/* Device memory, which we do not take, came in 6.16. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define xtcp_compat_zerocopy_iter_stream(sk, skb, msg, len, uarg)	\
	skb_zerocopy_iter_stream(sk, skb, msg, len, uarg, NULL)
#define xtcp_compat_zerocopy_realloc(sk, len, uarg)			\
	msg_zerocopy_realloc(sk, len, uarg, false)
#else
#define xtcp_compat_zerocopy_iter_stream(sk, skb, msg, len, uarg)	\
	skb_zerocopy_iter_stream(sk, skb, msg, len, uarg)
#define xtcp_compat_zerocopy_realloc(sk, len, uarg)			\
	msg_zerocopy_realloc(sk, len, uarg)
#endif

/* Numbers of SO_TIMESTAMPING from what is not yet written, since 6.2. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define XTCP_COMPAT_OPT_ID_TCP	SOF_TIMESTAMPING_OPT_ID_TCP
#else
#define XTCP_COMPAT_OPT_ID_TCP	0
#endif

#endif
