// SPDX-License-Identifier: GPL-2.0
/* sockopt_syn.c - socket options: TCP_SAVE_SYN, TCP_SAVED_SYN */
#include "socket/sockopt.h"

#include "engine/half_more.h"
#include "engine/sock.h"

#include <linux/net.h>
#include <linux/uaccess.h>

int xtcp_set_save_syn(struct xtcp_sock *xs, int val)
{
	if (val < 0 || val > 2)
		return -EINVAL;
	WRITE_ONCE(xs->opt.save_syn, val);
	return 0;
}

int xtcp_get_save_syn(const struct xtcp_sock *xs)
{
	return xs->opt.save_syn;
}

/* Once only, and not in parts: too little room says how much is needed. */
static int give_syn(struct xtcp_sock *xs, char __user *optval, int __user *optlen,
		    int room)
{
	int len = xs->saved_syn ? xs->saved_syn->len : 0;

	if (put_user(len, optlen))
		return -EFAULT;
	if (room < len)
		return -EINVAL;
	if (len && copy_to_user(optval, xs->saved_syn->data, len))
		return -EFAULT;
	kfree(xs->saved_syn);
	xs->saved_syn = NULL;
	return 0;
}

int xtcp_get_saved_syn(struct socket *sock, char __user *optval, int __user *optlen)
{
	int room, err;

	if (get_user(room, optlen))
		return -EFAULT;
	lock_sock(sock->sk);
	err = give_syn(xtcp_sk(sock->sk), optval, optlen, room);
	release_sock(sock->sk);
	return err;
}
