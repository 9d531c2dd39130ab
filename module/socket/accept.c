// SPDX-License-Identifier: GPL-2.0
/* accept.c - accept(2) and batch accept
 *
 * Both pop under the listener's socket lock.  What can fail is done before the
 * pop, so nothing is ever put back.
 */
#include "socket/accept.h"

#include "compat/sock_parts.h"
#include "conn/netns.h"
#include "engine/listen.h"
#include "engine/sock.h"
#include "engine/trace.h"
#include "socket/addr.h"
#include "socket/fd.h"

#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/xtcp.h>

/* Until a connection is there: 0 or why not.  Locked.  Exclusive: one arrival
 * wakes one of those who wait.
 */
static int wait_for_child(struct sock *lsk, int flags)
{
	long timeo = sock_rcvtimeo(lsk, flags & O_NONBLOCK);
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		prepare_to_wait_exclusive(sk_sleep(lsk), &wait,
					  TASK_INTERRUPTIBLE);
		if (lsk->sk_state != TCP_LISTEN)
			err = -EINVAL;
		else if (xtcp_listen_readable(lsk))
			err = 0;
		else if (!timeo)
			err = -EAGAIN;
		else if (signal_pending(current))
			err = sock_intr_errno(timeo);
		else
			err = 1;
		if (err <= 0)
			break;
		release_sock(lsk);
		timeo = schedule_timeout(timeo);
		sched_annotate_sleep();
		lock_sock(lsk);
	}
	finish_wait(sk_sleep(lsk), &wait);
	return err;
}

static u32 accept_len(const struct sock *lsk)
{
	return READ_ONCE(lsk->sk_ack_backlog);
}

/* The queue's reference on @child becomes the socket's. */
static void graft(struct sock *lsk, struct sock *child, struct socket *newsock)
{
	lock_sock_nested(child, SINGLE_DEPTH_NESTING);	/* lsk may be locked */
	sock_rps_record_flow(child);
	xtcp_sk(child)->origin.accept_us = xtcp_clock_us();
	sock_graft(child, newsock);
	newsock->state = SS_CONNECTED;
	release_sock(child);

	xtcp_mib_inc(sock_net(lsk), XTCP_MIB_ACCEPTED);
	trace_xtcp_accept(lsk, child, accept_len(lsk));
}

int xtcp_accept(struct socket *sock, struct socket *newsock, int flags)
{
	struct sock *lsk = sock->sk;
	struct xtcp_sock *child = NULL;
	int err;

	lock_sock(lsk);
	do {
		err = wait_for_child(lsk, flags);
		if (!err)
			child = xtcp_listen_pop(xtcp_sk(lsk));
	} while (!err && !child);
	release_sock(lsk);
	if (err)
		return err;

	graft(lsk, &child->inet.sk, newsock);
	return 0;
}

/* --- batch ------------------------------------------------------------- */

struct batch {
	struct xtcp_accept_batch	req;
	struct xtcp_accept_batch __user	*ureq;
	struct xtcp_accepted __user	*entries;
	u32				n;	/* handed out */
};

static int batch_start(struct batch *b, char __user *optval, int __user *optlen)
{
	u32 size;
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < (int)sizeof(b->req))
		return -EINVAL;
	b->ureq = (struct xtcp_accept_batch __user *)optval;
	if (get_user(size, &b->ureq->size))
		return -EFAULT;
	if (size < sizeof(b->req) || size > len)
		return -EINVAL;
	if (size > sizeof(b->req)) {
		int zero = check_zeroed_user(optval + sizeof(b->req),
					     size - sizeof(b->req));

		if (zero <= 0)
			return zero ?: -E2BIG;
	}
	if (copy_from_user(&b->req, b->ureq, sizeof(b->req)))
		return -EFAULT;
	if (b->req.flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) || !b->req.max)
		return -EINVAL;
	b->entries = u64_to_user_ptr(b->req.entries);

	if (put_user((u32)sizeof(b->req), &b->ureq->size) ||
	    put_user(0U, &b->ureq->n) ||
	    put_user((int)sizeof(b->req), optlen))
		return -EFAULT;
	return 0;
}

/* What the program will find if @child is taken next. */
static int batch_show(struct batch *b, int fd, const struct xtcp_sock *child)
{
	struct xtcp_accepted a = { .fd = fd };

	xtcp_peer_name(&child->inet.sk, &a.addr);
	if (copy_to_user(&b->entries[b->n], &a, sizeof(a)) ||
	    put_user(b->n + 1, &b->ureq->n))
		return -EFAULT;
	return 0;
}

/* The head of the queue into @f: 0; -EAGAIN when there is none. */
static int batch_take(struct batch *b, struct sock *lsk, struct xtcp_fd *f)
{
	struct xtcp_sock *child;
	struct sock *sk;
	bool taken;
	int err;

	do {
		child = xtcp_listen_peek(xtcp_sk(lsk));
		if (!child)
			return -EAGAIN;
		sk = &child->inet.sk;
		err = batch_show(b, f->fd, child);
		taken = !err && xtcp_listen_pop_this(xtcp_sk(lsk), child);
		if (taken) {
			graft(lsk, sk, f->sock);
			trace_xtcp_fd(sk, f->fd);
			xtcp_fd_install(f);
			b->n++;
		}
		sock_put(sk);		/* xtcp_listen_peek() */
	} while (!err && !taken);	/* somebody else was faster */
	return err;
}

static int batch_fill(struct batch *b, struct socket *sock)
{
	struct sock *lsk = sock->sk;
	struct xtcp_fd f;
	int err = 0;

	while (b->n < b->req.max && !err) {
		if (b->n && signal_pending(current))
			break;
		if (!xtcp_listen_readable(lsk))
			break;
		err = xtcp_fd_get(&f, sock, b->req.flags);
		if (err)
			break;
		err = batch_take(b, lsk, &f);
		if (err)
			xtcp_fd_put(&f);
		cond_resched();
	}
	return err;
}

int xtcp_accept_batch(struct socket *sock, char __user *optval,
		      int __user *optlen)
{
	struct sock *lsk = sock->sk;
	int flags = sock->file ? sock->file->f_flags : 0;
	struct batch b = {};
	struct mutex *mutex;	/* one batch at a time */
	int err;

	err = batch_start(&b, optval, optlen);
	if (err)
		return err;

	lock_sock(lsk);
	do {
		err = wait_for_child(lsk, flags);
		if (err)
			break;
		/* The listener's queues live while its socket is locked. */
		mutex = xtcp_listen_accept_mutex(xtcp_sk(lsk));
		if (mutex_lock_interruptible(mutex)) {
			err = -ERESTARTSYS;
			break;
		}
		err = batch_fill(&b, sock);
		mutex_unlock(mutex);
	} while (!b.n && (!err || err == -EAGAIN));
	release_sock(lsk);

	if (!b.n)
		return err;
	/* One more may have been shown than was taken.  The program has its
	 * connections whether this can be written or not.
	 */
	(void)!put_user(b.n, &b.ureq->n);
	return 0;
}
