// SPDX-License-Identifier: GPL-2.0
/* sockopt_xtcp.c - socket options that only xtcp has, SOL_XTCP */
#include "socket/sockopt.h"

#include "conn/port.h"
#include "engine/listen.h"
#include "engine/sock.h"
#include "socket/accept.h"

#include <linux/net.h>
#include <linux/uaccess.h>
#include <linux/xtcp.h>

static int set_reuseport(struct xtcp_sock *xs, int val)
{
	xs->inet.sk.sk_reuseport = !!val;
	xtcp_port_reuse_changed(xs);
	return 0;
}

static int get_reuseport(const struct xtcp_sock *xs)
{
	return xs->inet.sk.sk_reuseport;
}

static int set_zerocopy(struct xtcp_sock *xs, int val)
{
	if (val < 0 || val > 1)
		return -EINVAL;
	sock_valbool_flag(&xs->inet.sk, SOCK_ZEROCOPY, val);
	return 0;
}

static int get_zerocopy(const struct xtcp_sock *xs)
{
	return sock_flag(&xs->inet.sk, SOCK_ZEROCOPY);
}

static int set_synq_policy(struct xtcp_sock *xs, int val)
{
	if (val < XTCP_SYNQ_COOKIE || val > XTCP_SYNQ_RESET)
		return -EINVAL;
	return xtcp_listen_policy_set(xs, val, xs->opt.acceptq_policy);
}

static int get_synq_policy(const struct xtcp_sock *xs)
{
	int policy = READ_ONCE(xs->opt.synq_policy);

	if (policy >= 0)
		return policy;
	return READ_ONCE(xs->params->syncookies) ? XTCP_SYNQ_COOKIE :
						   XTCP_SYNQ_DROP;
}

static int set_acceptq_policy(struct xtcp_sock *xs, int val)
{
	if (val < XTCP_ACCEPTQ_HOLD || val > XTCP_ACCEPTQ_RESET)
		return -EINVAL;
	return xtcp_listen_policy_set(xs, xs->opt.synq_policy, val);
}

static int get_acceptq_policy(const struct xtcp_sock *xs)
{
	int policy = READ_ONCE(xs->opt.acceptq_policy);

	if (policy >= 0)
		return policy;
	return READ_ONCE(xs->params->abort_on_overflow) ? XTCP_ACCEPTQ_RESET :
							  XTCP_ACCEPTQ_HOLD;
}

/* A struct that begins with __u32 size: as much of it as the program knows. */
static int answer_sized(char __user *optval, int __user *optlen, void *data,
			u32 max)
{
	u32 size;
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < (int)sizeof(size))
		return -EINVAL;
	if (get_user(size, (u32 __user *)optval))
		return -EFAULT;
	if (size < sizeof(size) || size > len)
		return -EINVAL;
	size = min(size, max);
	*(u32 *)data = size;
	if (put_user((int)size, optlen) || copy_to_user(optval, data, size))
		return -EFAULT;
	return 0;
}

static int get_listen_info(struct socket *sock, char __user *optval,
			   int __user *optlen)
{
	struct xtcp_listen_info info = {};
	struct sock *sk = sock->sk;
	int err = -EINVAL;

	lock_sock(sk);
	if (sk->sk_state == TCP_LISTEN) {
		xtcp_listen_info_get(xtcp_sk(sk), &info);
		err = 0;
	}
	release_sock(sk);
	return err ?: answer_sized(optval, optlen, &info, sizeof(info));
}

static int get_accept_info(struct socket *sock, char __user *optval,
			   int __user *optlen)
{
	const struct xtcp_origin *o = &xtcp_sk(sock->sk)->origin;
	struct xtcp_accept_info info = {
		.flags		= o->flags,
		.synack_retrans	= o->synack_retrans,
		.ahead		= o->ahead,
		.syn_ns		= o->syn_us * NSEC_PER_USEC,
		.ack_ns		= o->ack_us * NSEC_PER_USEC,
		.queued_ns	= o->queued_us * NSEC_PER_USEC,
		.accept_ns	= o->accept_us * NSEC_PER_USEC,
	};

	if (!o->accept_us)	/* constant from accept() on */
		return -EINVAL;
	return answer_sized(optval, optlen, &info, sizeof(info));
}

const struct xtcp_sockopt xtcp_sockopts[] = {
	{ XTCP_REUSEPORT,	set_reuseport,		get_reuseport },
	{ XTCP_ZEROCOPY,	set_zerocopy,		get_zerocopy },
	{ XTCP_SYNQ_POLICY,	set_synq_policy,	get_synq_policy },
	{ XTCP_ACCEPTQ_POLICY,	set_acceptq_policy,	get_acceptq_policy },
	{ XTCP_ACCEPT_BATCH,	.get_any = xtcp_accept_batch },
	{ XTCP_LISTEN_INFO,	.get_any = get_listen_info },
	{ XTCP_ACCEPT_INFO,	.get_any = get_accept_info },
};

const unsigned int xtcp_sockopts_len = ARRAY_SIZE(xtcp_sockopts);
