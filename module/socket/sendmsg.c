// SPDX-License-Identifier: GPL-2.0
/* sendmsg.c - bytes from a program to the send queue */
#include "socket/sendmsg.h"

#include "compat/sock_parts.h"
#include "engine/output.h"
#include "engine/sock.h"
#include "engine/tso.h"
#include "proto/seq.h"
#include "queue/tstamp.h"

#include <linux/net.h>
#include <linux/sched/signal.h>

/* Super-packets copied before the backlog, which holds the ACKs that make
 * room, gets its turn.
 */
#define BACKLOG_EVERY	16

struct send {
	struct msghdr	*msg;
	long		timeo;
	u32		goal;		/* bytes of a super-packet now */
	unsigned int	filled;		/* since the backlog was looked at */
	size_t		copied;
	struct ubuf_info *uarg;		/* MSG_ZEROCOPY: reports when it is done */
	bool		pages;		/* and the device can take pages */
	u32		tsflags;	/* SOF_TIMESTAMPING_* */
	u32		ts_from;	/* byte 0, if nobody has counted yet */
};

/* MUST-61: what has grown by half of the largest window is pushed now. */
static bool forced_push(const struct xtcp_sock *xs)
{
	return seq_gt(xs->sndq.write_seq,
		      xs->snd.pushed_seq + (xs->snd.max_wnd >> 1));
}

/* Since the first segment left, or since now. */
static void start_busy(struct xtcp_sock *xs)
{
	u64 since = xs->sndq.segs_out ? xs->stats.last_data_sent_us :
					xtcp_clock_us();

	xtcp_chrono_start(&xs->chrono, XTCP_CHRONO_BUSY, since);
}

static void push(struct xtcp_sock *xs, bool more, u32 goal)
{
	if (!xtcp_sndq_unsent(&xs->sndq))
		return;
	if (!more || forced_push(xs)) {
		xtcp_skb_cb(xtcp_sndq_last(&xs->sndq))->ctl |= XTCP_PSH;
		xs->snd.pushed_seq = xs->sndq.write_seq;
	}
	if (!xtcp_tso_autocork(xs, goal))
		xtcp_output_push(xs, more);
	if (xs->chrono.kind == XTCP_CHRONO_IDLE)
		start_busy(xs);
}

/* A super-packet is full and more will come: send what need not wait. */
static void push_full(struct xtcp_sock *xs, u32 goal)
{
	struct sk_buff *last = xtcp_sndq_last(&xs->sndq);

	if (last->len < goal)
		return;
	if (forced_push(xs)) {
		xtcp_skb_cb(last)->ctl |= XTCP_PSH;
		xs->snd.pushed_seq = xs->sndq.write_seq;
		xtcp_output(xs, true);
	} else if (last == xs->sndq.head) {
		xtcp_output_push(xs, true);
	}
}

/* Everything that was copied goes out, and then room is waited for. */
static int wait_for_room(struct sock *sk, struct send *s)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	if (s->copied)
		push(xs, false, s->goal);
	return sk_stream_wait_memory(sk, &s->timeo);
}

static int check_open(const struct sock *sk)
{
	return sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN) ? -EPIPE : 0;
}

/* One super-packet's worth, or a wait. */
static int send_piece(struct sock *sk, struct send *s)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	ssize_t n = xtcp_sndq_append(sk, &xs->sndq, s->msg,
				     msg_data_left(s->msg), s->goal,
				     s->pages ? s->uarg : NULL);
	int err;

	if (n == -ENOBUFS || n == -ENOMEM) {
		err = wait_for_room(sk, s);
		if (!err)
			s->goal = xtcp_output_size_goal(xs);
		return err;
	}
	if (n < 0)
		return n;
	s->copied += n;
	if (!msg_data_left(s->msg))
		return 0;

	if (!(s->msg->msg_flags & MSG_OOB))
		push_full(xs, s->goal);
	if (++s->filled >= BACKLOG_EVERY) {
		s->filled = 0;
		if (sk_flush_backlog(sk)) {
			s->goal = xtcp_output_size_goal(xs);
			return check_open(sk);
		}
	}
	return 0;
}

/* The window has had room, and there was nothing to send: what is delivered now
 * says how fast the program is, not the path.
 */
static void note_app_limited(struct xtcp_sock *xs)
{
	u32 pipe = xtcp_pipe(xs);

	if (xs->sndq.write_seq - xs->snd.nxt < xs->snd.mss &&
	    sk_wmem_alloc_get(&xs->inet.sk) < SKB_TRUESIZE(1) &&
	    pipe < xs->cong.cwnd && !xs->sndq.segs_lost)
		xtcp_rate_app_limited(&xs->rate, pipe);
}

/* As the program has asked by SO_ZEROCOPY; without, MSG_ZEROCOPY means nothing.  One
 * report for what one call took, or more than one if they follow each other.
 */
static int zerocopy_start(struct sock *sk, struct send *s)
{
	struct xtcp_sndq *q = &xtcp_sk(sk)->sndq;
	struct sk_buff *last;

	if (likely(!(s->msg->msg_flags & MSG_ZEROCOPY)) ||
	    !msg_data_left(s->msg) || !sock_flag(sk, SOCK_ZEROCOPY))
		return 0;
	last = q->head ? xtcp_sndq_last(q) : NULL;
	s->uarg = xtcp_compat_zerocopy_realloc(sk, msg_data_left(s->msg),
					       skb_zcopy(last));
	if (!s->uarg)
		return -ENOBUFS;
	s->pages = sk->sk_route_caps & NETIF_F_SG;
	if (!s->pages)
		uarg_to_msgzc(s->uarg)->zerocopy = 0;
	return 0;
}

static void zerocopy_end(struct send *s)
{
	if (likely(!s->uarg))
		return;
	if (s->copied)
		net_zcopy_put(s->uarg);
	else
		net_zcopy_put_abort(s->uarg, true);
}

/* States that take data: any other waits for the connection or is EPIPE. */
static int send_start(struct sock *sk, struct send *s)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sockcm_cookie sockc;
	int err;

	note_app_limited(xs);
	err = zerocopy_start(sk, s);
	if (err)
		return err;
	if (XTCPF(sk->sk_state) & ~(XTCPF(XTCP_ESTABLISHED) |
				    XTCPF(XTCP_CLOSE_WAIT))) {
		err = sk_stream_wait_connect(sk, &s->timeo);
		if (err)
			return err;
	}
	s->tsflags = READ_ONCE(sk->sk_tsflags);
	if (s->msg->msg_controllen) {
		sockcm_init(&sockc, sk);
		if (sock_cmsg_send(sk, s->msg, &sockc))
			return -EINVAL;
		s->tsflags = sockc.tsflags;
	}
	s->ts_from = s->tsflags & XTCP_COMPAT_OPT_ID_TCP ?
		     xs->sndq.write_seq : xs->snd.una;
	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	return check_open(sk);
}

static int send_locked(struct sock *sk, struct msghdr *msg)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int flags = msg->msg_flags;
	struct send s = {
		.msg = msg,
		.timeo = sock_sndtimeo(sk, flags & MSG_DONTWAIT),
	};
	int err;

	err = send_start(sk, &s);
	if (!err)
		s.goal = flags & MSG_OOB ? xs->snd.mss : xtcp_output_size_goal(xs);
	while (!err && msg_data_left(msg))
		err = send_piece(sk, &s);

	if (s.copied) {
		struct sk_buff *last = xtcp_sndq_last(&xs->sndq);

		if (flags & MSG_OOB)
			xtcp_urg_mark(xs);
		if ((flags & MSG_EOR) && last && !msg_data_left(msg))
			xtcp_skb_cb(last)->tx.flags |= XTCP_SKB_EOR;
		if (unlikely(s.tsflags) && last)
			xtcp_tstamp_request(&xs->sndq, last, s.ts_from, s.tsflags);
		push(xs, flags & MSG_MORE, s.goal);
	}
	zerocopy_end(&s);
	if (s.copied || !err)
		return s.copied;

	err = sk_stream_error(sk, flags, err);
	/* epoll's edge: nothing that is in flight will wake this writer */
	if (err == -EAGAIN && xtcp_sndq_empty(&xs->sndq))
		sk->sk_write_space(sk);
	return err;
}

int xtcp_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	int ret;

	if (msg->msg_flags & MSG_FASTOPEN)
		return -EOPNOTSUPP;
	sock_rps_record_flow(sk);
	lock_sock(sk);
	ret = send_locked(sk, msg);
	release_sock(sk);
	return ret;
}
