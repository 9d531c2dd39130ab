/* SPDX-License-Identifier: GPL-2.0 */
/* sockopt.h - options of a socket, by table.
 *
 * SOL_SOCKET is net/core's.  SOL_TCP has the kernel's names, limits and errnos;
 * SOL_IP goes to the kernel's code for the options that mean something here;
 * SOL_IPV6 is ours, because the kernel's wants an AF_INET6 socket; SOL_XTCP is
 * uapi/linux/xtcp.h.
 */
#ifndef XTCP_SOCKET_SOCKOPT_H
#define XTCP_SOCKET_SOCKOPT_H

#include <linux/sockptr.h>
#include <linux/types.h>

struct sock;
struct socket;
struct xtcp_pinfo;
struct xtcp_sock;

int xtcp_setsockopt(struct socket *sock, int level, int optname,
		    sockptr_t optval, unsigned int optlen);
int xtcp_getsockopt(struct socket *sock, int level, int optname,
		    char __user *optval, int __user *optlen);

/* sockopt_ip.c */
int xtcp_setsockopt_ip(struct sock *sk, int optname, sockptr_t optval,
		       unsigned int optlen);
int xtcp_getsockopt_ip(struct sock *sk, int optname, char __user *optval,
		       int __user *optlen);
int xtcp_setsockopt_ipv6(struct sock *sk, int optname, sockptr_t optval,
			 unsigned int optlen);
int xtcp_getsockopt_ipv6(struct sock *sk, int optname, char __user *optval,
			 int __user *optlen);

/* sockopt_syn.c */
int xtcp_set_save_syn(struct xtcp_sock *xs, int val);
int xtcp_get_save_syn(const struct xtcp_sock *xs);
int xtcp_get_saved_syn(struct socket *sock, char __user *optval, int __user *optlen);

/* The part of a socket that belongs to IPv6; NULL: no memory. */
struct xtcp_pinfo *xtcp_pinfo_alloc(void);
/* One for @xs alone, before an option is set.  Socket locked. -ENOMEM. */
int xtcp_pinfo_own(struct xtcp_sock *xs);
void xtcp_pinfo_put(struct xtcp_pinfo *p);

/* Most options are an int: set checks and stores it under the socket lock, get
 * gives it.  The others do their own copying.
 */
struct xtcp_sockopt {
	int	name;
	int	(*set)(struct xtcp_sock *xs, int val);
	int	(*get)(const struct xtcp_sock *xs);
	int	(*set_any)(struct sock *sk, sockptr_t val, unsigned int len);
	int	(*get_any)(struct socket *sock, char __user *val, int __user *len);
};

/* sockopt_xtcp.c: those at SOL_XTCP. */
extern const struct xtcp_sockopt xtcp_sockopts[];
extern const unsigned int xtcp_sockopts_len;

/* @len of the user, cut to @max; *optlen says so. */
int xtcp_sockopt_answer(char __user *optval, int __user *optlen, const void *data,
			unsigned int max);

/* sockopt_cong.c */
int xtcp_set_congestion(struct sock *sk, sockptr_t optval, unsigned int optlen);
int xtcp_get_congestion(struct socket *sock, char __user *optval,
			int __user *optlen);
int xtcp_get_cc_info(struct socket *sock, char __user *optval, int __user *optlen);

#endif
