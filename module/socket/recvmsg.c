// SPDX-License-Identifier: GPL-2.0
/* recvmsg.c - bytes from the receive queue to a program */
#include "socket/recvmsg.h"

#include "compat/sock_parts.h"
#include "engine/output.h"
#include "engine/sock.h"
#include "engine/window.h"
#include "proto/seq.h"
#include "socket/errqueue.h"

#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/tcp.h>

struct recv {
	struct msghdr	*msg;
	size_t		len;		/* still wanted */
	int		flags;
	int		target;		/* return no less, if it can be had */
	long		timeo;
	int		copied;
	u32		reported;	/* of copied, the engine knows */
	u32		peek_seq;
	u32		peek_off;	/* bytes before peek_seq: SO_PEEK_OFF */
};

static bool has_data(const struct sock *sk)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);

	return xtcp_rcvq_avail(sk, &xs->rcvq, xs->rcv.nxt);
}

static bool at_fin(const struct sock *sk)
{
	return xtcp_sk(sk)->rcvq.fin && !has_data(sk);
}

/* Room was made: the peer may have to know before we sleep. */
static void report_read(struct xtcp_sock *xs, struct recv *r)
{
	if (r->flags & MSG_PEEK)
		return;
	xtcp_output_after_read(xs, r->copied - r->reported);
	r->reported = r->copied;
}

/* Bytes up to the urgent one.  A read that begins with it passes over it, unless the
 * program wants it in line.
 */
static size_t stop_at_mark(struct xtcp_sock *xs, struct recv *r, u32 *seq,
			   size_t len)
{
	struct sock *sk = &xs->inet.sk;
	u32 before = xs->urg.mark - *seq;

	if (before)
		return min_t(size_t, len, before);
	if (r->copied)
		return 0;
	if (!sock_flag(sk, SOCK_URGINLINE) && seq_lt(*seq, xs->rcv.nxt)) {
		if (r->flags & MSG_PEEK) {
			(*seq)++;
			r->peek_off++;
		} else {
			xtcp_rcvq_copy(sk, &xs->rcvq, NULL, 1, seq, false);
		}
	}
	return len;
}

/* At the mark a read ends that has got something: MUST-33 needs the place. */
static bool at_mark(const struct xtcp_sock *xs, const struct recv *r)
{
	return r->copied &&
	       xtcp_urg_at(xs, r->flags & MSG_PEEK ? r->peek_seq :
						     xs->rcvq.copied_seq);
}

/* The urgent byte alone: EINVAL none or in line, EAGAIN announced but not here. */
static int recv_urgent(struct sock *sk, struct recv *r)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_urg *urg = &xs->urg;

	if (sock_flag(sk, SOCK_URGINLINE) || urg->state == XTCP_URG_NONE ||
	    urg->state == XTCP_URG_TAKEN)
		return -EINVAL;
	if (sk->sk_state == TCP_CLOSE && !sock_flag(sk, SOCK_DONE))
		return -ENOTCONN;
	if (urg->state == XTCP_URG_HERE) {
		u8 c = urg->byte;

		if (!(r->flags & MSG_PEEK))
			WRITE_ONCE(urg->state, XTCP_URG_TAKEN);
		r->msg->msg_flags |= MSG_OOB;
		if (!r->len) {
			r->msg->msg_flags |= MSG_TRUNC;
			return 0;
		}
		if (!(r->flags & MSG_TRUNC) && memcpy_to_msg(r->msg, &c, 1))
			return -EFAULT;
		return 1;
	}
	if (sk->sk_state == TCP_CLOSE || sk->sk_shutdown & RCV_SHUTDOWN)
		return 0;
	return -EAGAIN;		/* whatever the flags say: it does not wait */
}

/* What is there, up to what is wanted. */
static int take(struct sock *sk, struct recv *r)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	bool peek = r->flags & MSG_PEEK;
	u32 *seq = peek ? &r->peek_seq : &xs->rcvq.copied_seq;
	size_t len = r->len;
	ssize_t n;

	if (unlikely(xs->urg.state != XTCP_URG_NONE))
		len = stop_at_mark(xs, r, seq, len);
	n = xtcp_rcvq_copy(sk, &xs->rcvq, r->flags & MSG_TRUNC ? NULL : r->msg,
			   len, seq, peek);
	if (n < 0)
		return n;
	if (unlikely(xs->urg.state != XTCP_URG_NONE))
		xtcp_urg_read(xs);
	r->copied += n;
	r->len -= n;
	return 0;
}

/* Nothing more is there.  True: return what r->copied or *err say. */
static bool is_over(struct sock *sk, const struct recv *r, int *err)
{
	if (r->copied)
		return !r->timeo || sk->sk_err || sk->sk_state == TCP_CLOSE ||
		       (sk->sk_shutdown & RCV_SHUTDOWN) ||
		       signal_pending(current);

	*err = 0;
	if (at_fin(sk) || sock_flag(sk, SOCK_DONE))
		return true;
	if (sk->sk_err) {
		*err = sock_error(sk);
		return true;
	}
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return true;
	if (sk->sk_state == TCP_CLOSE)
		*err = -ENOTCONN;	/* never was connected */
	else if (!r->timeo)
		*err = -EAGAIN;
	else if (signal_pending(current))
		*err = sock_intr_errno(r->timeo);
	return *err;
}

/* Until something comes, or at least until the backlog is processed. */
static int wait_more(struct sock *sk, struct recv *r)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int ret;

	if (r->copied >= r->target) {
		__sk_flush_backlog(sk);
		return 0;
	}
	report_read(xs, r);
	ret = sk_wait_data(sk, &r->timeo, skb_peek_tail(&sk->sk_receive_queue));
	if (ret < 0)
		return ret;
	/* Another thread read what we have peeked at: start at its end. */
	if ((r->flags & MSG_PEEK) &&
	    r->peek_seq - r->copied - r->peek_off != xs->rcvq.copied_seq)
		r->peek_seq = xs->rcvq.copied_seq;
	return 0;
}

static void recv_start(struct sock *sk, struct recv *r)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	r->timeo = sock_rcvtimeo(sk, r->flags & MSG_DONTWAIT);
	r->target = sock_rcvlowat(sk, r->flags & MSG_WAITALL, r->len);
	r->peek_seq = xs->rcvq.copied_seq;
	if (r->flags & MSG_PEEK) {
		r->peek_off = max(sk_peek_offset(sk, r->flags), 0);
		r->peek_seq += r->peek_off;
	}
}

static int recv_locked(struct sock *sk, struct recv *r)
{
	int err = 0;

	if (sk->sk_state == TCP_LISTEN)
		return -ENOTCONN;
	if (unlikely(r->flags & MSG_OOB))
		return recv_urgent(sk, r);
	recv_start(sk, r);

	for (;;) {
		err = take(sk, r);
		if (err || (!r->len && (r->copied || has_data(sk))))
			break;
		if (unlikely(at_mark(xtcp_sk(sk), r)))
			break;
		if (r->copied >= r->target && !READ_ONCE(sk->sk_backlog.tail))
			break;
		if (is_over(sk, r, &err))
			break;
		err = wait_more(sk, r);
		if (err)
			break;
	}

	if (r->flags & MSG_PEEK)
		sk_peek_offset_fwd(sk, r->copied);
	else
		sk_peek_offset_bwd(sk, r->copied);
	report_read(xtcp_sk(sk), r);
	return r->copied ?: err;
}

/* TCP_INQ: what is left to read; the end counts as a byte. */
static int inq_hint(const struct xtcp_sock *xs)
{
	int inq = xs->rcv.nxt - xs->rcvq.copied_seq;

	return inq ?: sock_flag(&xs->inet.sk, SOCK_DONE);
}

int xtcp_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	struct sock *sk = sock->sk;
	struct recv r = {
		.msg = msg,
		.len = min_t(size_t, len, INT_MAX),
		.flags = flags,
	};
	int ret, inq = -1;

	if (unlikely(flags & MSG_ERRQUEUE))
		return xtcp_recv_errqueue(sk, msg, len);
	sock_rps_record_flow(sk);
	lock_sock(sk);
	ret = recv_locked(sk, &r);
	if (unlikely(xtcp_sk(sk)->opt.inq) && ret >= 0)
		inq = inq_hint(xtcp_sk(sk));
	release_sock(sk);
	if (unlikely(inq >= 0))
		put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(inq), &inq);
	msg->msg_namelen = 0;
	return ret;
}
