// SPDX-License-Identifier: GPL-2.0
#include "engine/state.h"

#include "compat/sock_parts.h"
#include "conn/demux.h"
#include "conn/port.h"
#include "engine/connect.h"
#include "engine/listen.h"
#include "engine/output.h"
#include "engine/sock.h"
#include "engine/timewait.h"
#include "engine/trace.h"
#include "engine/xmit.h"

#define STATES_ESTAB	(XTCPF(XTCP_ESTABLISHED) | XTCPF(XTCP_CLOSE_WAIT))
/* ABORT sends RST in these (RFC 9293 3.10.5). */
#define STATES_RST	(XTCPF(XTCP_SYN_RECV) | XTCPF(XTCP_ESTABLISHED) | \
			 XTCPF(XTCP_FIN_WAIT1) | XTCPF(XTCP_FIN_WAIT2) | \
			 XTCPF(XTCP_CLOSE_WAIT))
/* close() waits for the peer in these (SO_LINGER). */
#define STATES_CLOSING	(XTCPF(XTCP_FIN_WAIT1) | XTCPF(XTCP_CLOSING) | \
			 XTCPF(XTCP_LAST_ACK))

void xtcp_state_set(struct xtcp_sock *xs, enum xtcp_state to)
{
	struct sock *sk = &xs->inet.sk;
	enum xtcp_state from = xs->state;
	bool was = XTCPF(from) & STATES_ESTAB, is = XTCPF(to) & STATES_ESTAB;

	if (from == to)
		return;
	if (is && !was)
		xtcp_mib_inc(sock_net(sk), XTCP_MIB_CURR_ESTAB);
	else if (was && !is)
		xtcp_mib_dec(sock_net(sk), XTCP_MIB_CURR_ESTAB);
	WRITE_ONCE(xs->state, to);
	smp_store_release(&sk->sk_state, to);	/* after what it stands for */
	trace_xtcp_state(sk, from, to);
}

static void tell_program(struct sock *sk, int band)
{
	if (sock_flag(sk, SOCK_DEAD))
		return;
	sk->sk_state_change(sk);
	if (band)
		sk_wake_async(sk, SOCK_WAKE_WAITD, band);
}

/* A port that nobody chose by its number goes with the connection, not with its last
 * reference: the device may hold a segment for long.  The number stays readable.
 */
static void drop_port(struct xtcp_sock *xs)
{
	if (!xs->port || xs->inet.sk.sk_userlocks & SOCK_BINDPORT_LOCK)
		return;
	xtcp_port_put(xs->port);
	xs->port = NULL;
	xs->bound = false;
	xs->inet.inet_num = 0;
}

void xtcp_state_done(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	if (xs->done)
		return;
	xs->done = true;
	xtcp_state_set(xs, XTCP_CLOSE);
	xtcp_timers_stop(xs);
	sk->sk_shutdown = SHUTDOWN_MASK;
	xtcp_sndq_purge(sk, &xs->sndq);
	xtcp_reasm_purge(sk, &xs->reasm);
	if (xs->orphan) {
		xs->orphan = false;
		atomic_dec(&xtcp_net(sock_net(sk))->orphans);
	}
	drop_port(xs);
	tell_program(sk, 0);
	if (xs->in_table) {
		xs->in_table = false;
		if (xtcp_flow_del(&xs->flow))
			sock_put(sk);	/* the flow table's; the caller has one */
	}
}

void xtcp_state_established(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	xtcp_state_set(xs, XTCP_ESTABLISHED);
	if (sock_flag(sk, SOCK_DEAD))
		return;
	sk->sk_state_change(sk);
	sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
}

/* --- the other end ------------------------------------------------------------ */

void xtcp_state_fin_rcvd(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	sk->sk_shutdown |= RCV_SHUTDOWN;
	sock_set_flag(sk, SOCK_DONE);
	xtcp_reasm_purge(sk, &xs->reasm);
	switch (xs->state) {
	case XTCP_SYN_RECV:
	case XTCP_ESTABLISHED:
		xtcp_state_set(xs, XTCP_CLOSE_WAIT);
		/* The program will have an answer, or a FIN: the ACK rides on it. */
		xs->rcv.pingpong = true;
		break;
	case XTCP_FIN_WAIT1:
		xs->rcv.ack_now = true;
		xtcp_state_set(xs, XTCP_CLOSING);
		break;
	case XTCP_FIN_WAIT2:
		xtcp_xmit_ack(xs);
		xtcp_state_time_wait(xs);
		return;
	default:
		break;
	}
	tell_program(sk, sk->sk_shutdown == SHUTDOWN_MASK ? POLL_HUP : POLL_IN);
}

static u32 fin_timeout_ms(const struct xtcp_sock *xs)
{
	return (xs->opt.linger2_s ?: READ_ONCE(xs->params->fin_timeout)) *
	       MSEC_PER_SEC;
}

/* Nobody will read what FIN-WAIT-2 waits for: not for ever (RFC 1122 4.2.2.13). */
static void orphan_fin_wait_2(struct xtcp_sock *xs)
{
	if (xs->opt.linger2_off) {
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_ABORT_ON_LINGER);
		xtcp_state_abort(xs, 0);
		return;
	}
	xtcp_timers_fin_wait_2(xs, fin_timeout_ms(xs));
}

void xtcp_state_fin_acked(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	switch (xs->state) {
	case XTCP_FIN_WAIT1:
		xtcp_state_set(xs, XTCP_FIN_WAIT2);
		sk->sk_shutdown |= SEND_SHUTDOWN;
		if (xs->orphan)
			orphan_fin_wait_2(xs);
		else
			tell_program(sk, 0);
		break;
	case XTCP_CLOSING:
		xtcp_state_time_wait(xs);
		break;
	case XTCP_LAST_ACK:
		xtcp_state_done(xs);
		break;
	default:
		break;
	}
}

void xtcp_state_time_wait(struct xtcp_sock *xs)
{
	/* on failure the pair just ends early: better than holding a full
	 * socket when memory or the limit is short
	 */
	xtcp_tw_enter(xs);
	xtcp_state_done(xs);
}

void xtcp_state_error(struct xtcp_sock *xs, int err)
{
	struct sock *sk = &xs->inet.sk;

	if (xs->done)
		return;
	if (err)
		WRITE_ONCE(sk->sk_err, err);
	smp_wmb();		/* pairs with smp_rmb() in poll */
	xtcp_state_done(xs);
	if (err && !sock_flag(sk, SOCK_DEAD))
		sk_error_report(sk);
}

void xtcp_state_reset_rcvd(struct xtcp_sock *xs)
{
	int err = ECONNRESET;

	if (XTCPF(xs->state) & STATES_ESTAB)
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_ESTAB_RESETS);
	if (XTCPF(xs->state) & (XTCPF(XTCP_SYN_SENT) | XTCPF(XTCP_SYN_RECV)))
		err = ECONNREFUSED;
	else if (xs->state == XTCP_CLOSE_WAIT)
		err = EPIPE;
	xtcp_state_error(xs, err);
}

/* --- this end ------------------------------------------------------------------- */

void xtcp_state_abort(struct xtcp_sock *xs, int err)
{
	if (xs->done)
		return;
	if (XTCPF(xs->state) & STATES_RST)
		xtcp_xmit_rst(xs, GFP_ATOMIC);
	xtcp_state_error(xs, err);
}

void xtcp_state_disconnect(struct xtcp_sock *xs)
{
	int err = 0;

	xs->inet.sk.sk_disconnects++;	/* for who sleeps: it is not his any more */
	if (xs->state == XTCP_LISTEN)
		xtcp_listen_stop(xs);
	else if (xs->state != XTCP_CLOSE)
		err = ECONNRESET;
	xtcp_state_abort(xs, err);
	xtcp_state_done(xs);
	xtcp_connect_reset(xs);
}

/* In SYN-RECEIVED it is queued until ESTABLISHED: sk_shutdown tells. */
bool xtcp_state_close_send(struct xtcp_sock *xs)
{
	switch (xs->state) {
	case XTCP_ESTABLISHED:
		xtcp_state_set(xs, XTCP_FIN_WAIT1);
		return true;
	case XTCP_CLOSE_WAIT:
		xtcp_state_set(xs, XTCP_LAST_ACK);
		return true;
	default:
		return false;
	}
}

static void linger(struct sock *sk, long timeout)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	if (!timeout)
		return;
	add_wait_queue(sk_sleep(sk), &wait);
	do {
		if (sk_wait_event(sk, &timeout, !(XTCPF(READ_ONCE(xs->state)) &
						  STATES_CLOSING), &wait))
			break;
	} while (!signal_pending(current) && timeout);
	remove_wait_queue(sk_sleep(sk), &wait);
}

/* Nobody would miss an orphan; each doubt about its peer halves what is allowed. */
static bool orphan_too_dear(const struct xtcp_sock *xs, unsigned int doubts)
{
	const struct sock *sk = &xs->inet.sk;
	u64 n = atomic_read(&xtcp_net(sock_net(sk))->orphans);

	return n << doubts > READ_ONCE(xs->params->max_orphans) ||
	       (sk->sk_wmem_queued > SOCK_MIN_SNDBUF &&
		sk_memory_allocated(sk) > sk_prot_mem_limits(sk, 2));
}

static void orphan_drop(struct xtcp_sock *xs)
{
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_ABORT_ON_MEMORY);
	xtcp_xmit_rst(xs, GFP_ATOMIC);
	xtcp_state_error(xs, 0);
}

bool xtcp_state_orphan_drop(struct xtcp_sock *xs, u64 now)
{
	unsigned int doubts = 0;

	if (now - xs->stats.last_data_sent_us > 2 * (u64)XTCP_RTO_MAX_US)
		doubts++;
	if (READ_ONCE(xs->inet.sk.sk_err_soft))
		doubts++;
	if (!orphan_too_dear(xs, doubts))
		return false;
	orphan_drop(xs);
	return true;
}

static void become_orphan(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	xs->orphan = true;
	atomic_inc(&xtcp_net(sock_net(sk))->orphans);
	if (orphan_too_dear(xs, 0))
		orphan_drop(xs);
	else if (xs->state == XTCP_FIN_WAIT2)
		orphan_fin_wait_2(xs);
}

void xtcp_state_close(struct sock *sk, long timeout)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	bool unread = xtcp_rcvq_avail(sk, &xs->rcvq, xs->rcv.nxt);

	trace_xtcp_close(sk);
	sk->sk_shutdown = SHUTDOWN_MASK;
	xtcp_rcvq_purge(sk);
	if (XTCPF(xs->state) & (XTCPF(XTCP_CLOSE) | XTCPF(XTCP_SYN_SENT))) {
		xtcp_state_done(xs);
	} else if (unread) {
		/* RFC 1122 4.2.2.13: the peer must learn that data was lost */
		xtcp_mib_inc(sock_net(sk), XTCP_MIB_ABORT_ON_CLOSE);
		xtcp_state_abort(xs, 0);
	} else if (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime) {
		xtcp_mib_inc(sock_net(sk), XTCP_MIB_ABORT_ON_LINGER);
		xtcp_state_abort(xs, 0);
	} else {
		if (xtcp_state_close_send(xs))
			xtcp_output_fin(xs);
		linger(sk, timeout);
	}
	sock_orphan(sk);
	if (!xs->done)
		become_orphan(xs);
}
