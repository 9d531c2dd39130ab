// SPDX-License-Identifier: GPL-2.0
/* sockopt_cong.c - TCP_CONGESTION, TCP_CC_INFO */
#include "socket/sockopt.h"

#include "control/bbr.h"
#include "engine/cong_choice.h"
#include "engine/sock.h"

#include <linux/capability.h>
#include <linux/inet_diag.h>
#include <linux/net.h>
#include <linux/uaccess.h>

static_assert(sizeof(struct xtcp_bbr_info) == sizeof(struct tcp_bbr_info));
static_assert(offsetof(struct xtcp_bbr_info, min_rtt) ==
	      offsetof(struct tcp_bbr_info, bbr_min_rtt));
static_assert(offsetof(struct xtcp_bbr_info, cwnd_gain) ==
	      offsetof(struct tcp_bbr_info, bbr_cwnd_gain));

int xtcp_set_congestion(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	bool admin = ns_capable(sock_net(sk)->user_ns, CAP_NET_ADMIN);
	char name[XTCP_CONG_NAME_MAX];
	int n;

	if (optlen < 1)
		return -EINVAL;
	n = strncpy_from_sockptr(name, optval,
				 min_t(long, sizeof(name) - 1, optlen));
	if (n < 0)
		return -EFAULT;
	name[n] = '\0';
	return xtcp_cong_choice_set(xtcp_sk(sk), name, admin);
}

int xtcp_get_congestion(struct socket *sock, char __user *optval,
			int __user *optlen)
{
	char name[XTCP_CONG_NAME_MAX] = {};

	lock_sock(sock->sk);
	strscpy(name, xtcp_sk(sock->sk)->cong.ops->name, sizeof(name));
	release_sock(sock->sk);
	return xtcp_sockopt_answer(optval, optlen, name, sizeof(name));
}

int xtcp_get_cc_info(struct socket *sock, char __user *optval, int __user *optlen)
{
	struct xtcp_cong *cong = &xtcp_sk(sock->sk)->cong;
	union tcp_cc_info info = {};
	size_t len = 0;

	lock_sock(sock->sk);
	if (cong->ops->get_info)
		len = cong->ops->get_info(cong, &info, sizeof(info));
	release_sock(sock->sk);
	return xtcp_sockopt_answer(optval, optlen, &info, min(len, sizeof(info)));
}
