// SPDX-License-Identifier: GPL-2.0
/* keepalive.c - the third deadline of a connection: keepalive (RFC 9293 3.8.4),
 * or the end of an orphan's FIN-WAIT-2.
 */
#include "engine/timers.h"

#include "engine/sock.h"
#include "engine/state.h"
#include "engine/xmit.h"

static void arm(struct xtcp_sock *xs)
{
	xtcp_timer_arm_sk(&xs->inet.sk, &xs->timers.timer, xs->timers.keep_at);
}

static u64 keep_idle(const struct xtcp_sock *xs)
{
	return (u64)(xs->opt.keep_idle_s ?: READ_ONCE(xs->params->keepalive_time)) *
	       USEC_PER_SEC;
}

static u64 keep_intvl(const struct xtcp_sock *xs)
{
	return (u64)(xs->opt.keep_intvl_s ?:
		     READ_ONCE(xs->params->keepalive_intvl)) * USEC_PER_SEC;
}

static int keep_probes(const struct xtcp_sock *xs)
{
	return xs->opt.keep_probes ?: READ_ONCE(xs->params->keepalive_probes);
}

static bool keep_on(const struct xtcp_sock *xs)
{
	return sock_flag(&xs->inet.sk, SOCK_KEEPOPEN) && !xs->orphan &&
	       (XTCPF(xs->state) & (XTCPF(XTCP_ESTABLISHED) |
				    XTCPF(XTCP_CLOSE_WAIT) |
				    XTCPF(XTCP_FIN_WAIT1) |
				    XTCPF(XTCP_FIN_WAIT2)));
}

static u64 last_heard(const struct xtcp_sock *xs)
{
	return max(xs->rcv.last_us, xs->stats.last_ack_recv_us);
}

void xtcp_timers_keepalive_set(struct xtcp_sock *xs, bool on)
{
	if (xs->orphan || !(XTCPF(xs->state) & ~(XTCPF(XTCP_CLOSE) |
						 XTCPF(XTCP_LISTEN))))
		return;
	xs->timers.keep_at = 0;
	if (!on || !keep_on(xs))
		return;
	xs->timers.keep_at = max(last_heard(xs) + keep_idle(xs),
				 xtcp_clock_us());
	arm(xs);
}

void xtcp_timers_fin_wait_2(struct xtcp_sock *xs, u32 timeout_ms)
{
	xs->timers.keep_at = xtcp_clock_us() + (u64)timeout_ms * USEC_PER_MSEC;
	arm(xs);
}

static bool keep_gave_up(const struct xtcp_sock *xs, u64 now)
{
	u64 limit = (u64)xs->opt.user_timeout_ms * USEC_PER_MSEC;

	if (limit)
		return xs->timers.probes_out && now - last_heard(xs) >= limit;
	return xs->timers.probes_out >= keep_probes(xs);
}

/* RFC 9293 3.8.4, or the end of an orphan's FIN-WAIT-2. */
void xtcp_timers_keep_expired(struct xtcp_sock *xs, u64 now)
{
	u64 at = last_heard(xs) + keep_idle(xs);

	xs->timers.keep_at = 0;
	if (xs->orphan) {
		if (xs->state == XTCP_FIN_WAIT2)
			xtcp_state_done(xs);
		return;
	}
	if (!keep_on(xs))
		return;
	if (xs->sndq.segs_out || xtcp_sndq_unsent(&xs->sndq)) {
		xs->timers.keep_at = now + keep_idle(xs);
		return;		/* other timers watch */
	}
	if (!xs->timers.probes_out && at > now) {
		xs->timers.keep_at = at;
		return;
	}
	if (keep_gave_up(xs, now)) {
		xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_ABORT_ON_TIMEOUT);
		xtcp_xmit_rst(xs, GFP_ATOMIC);
		xtcp_state_error(xs, ETIMEDOUT);
		return;
	}
	if (xs->timers.probes_out < U8_MAX)
		xs->timers.probes_out++;
	xtcp_mib_inc(sock_net(&xs->inet.sk), XTCP_MIB_KEEPALIVE);
	xtcp_xmit_probe(xs);
	xs->timers.keep_at = now + keep_intvl(xs);
}
