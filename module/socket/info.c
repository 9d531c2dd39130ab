// SPDX-License-Identifier: GPL-2.0
/* info.c - TCP_INFO */
#include "socket/info.h"

#include "conn/clock.h"
#include "engine/listen.h"
#include "engine/sock.h"

#include <linux/xtcp.h>

static u64 rate_of(unsigned long rate)
{
	return rate == ~0UL ? ~0ULL : rate;
}

/* Milliseconds since @then, or since the connection began. */
static u32 ms_ago(const struct xtcp_sock *xs, u64 now, u64 then)
{
	then = then ?: xs->origin.queued_us;
	return then ? div_u64(now - then, USEC_PER_MSEC) : 0;
}

static void fill_listener(const struct xtcp_sock *xs, struct xtcp_tcp_info *info)
{
	struct xtcp_listen_info li = {};

	xtcp_listen_info_get(xs, &li);
	info->unacked = li.accept_len;
	info->sacked = li.accept_max;
}

static void fill_options(const struct xtcp_sock *xs, struct xtcp_tcp_info *info)
{
	if (xs->neg.ts)
		info->options |= TCPI_OPT_TIMESTAMPS;
	if (xs->neg.sack)
		info->options |= TCPI_OPT_SACK;
	if (xs->neg.wscale) {
		info->options |= TCPI_OPT_WSCALE;
		info->snd_wscale = xs->neg.snd_wscale;
		info->rcv_wscale = xs->neg.rcv_wscale;
	}
	if (xs->neg.ecn)
		info->options |= TCPI_OPT_ECN;
	if (xs->ecn.seen)
		info->options |= TCPI_OPT_ECN_SEEN;
}

static void fill_times(const struct xtcp_sock *xs, struct xtcp_tcp_info *info)
{
	u64 now = xtcp_clock_us();

	info->rto = xtcp_rtt_rto(&xs->rtt);
	info->ato = xs->rcv.ato_ms * USEC_PER_MSEC;
	info->last_data_sent = ms_ago(xs, now, xs->stats.last_data_sent_us);
	info->last_data_recv = ms_ago(xs, now, xs->stats.last_data_recv_us);
	info->last_ack_recv = ms_ago(xs, now, xs->stats.last_ack_recv_us);
	info->rtt = xtcp_rtt_srtt_us(&xs->rtt);
	info->rttvar = xs->rtt.mdev_us >> 2;
	info->min_rtt = xtcp_rtt_min_us(&xs->rtt);
	info->rcv_rtt = xs->rcv.rtt_us;
	info->rwnd_limited = xtcp_chrono_us(&xs->chrono, XTCP_CHRONO_RWND, now);
	info->sndbuf_limited = xtcp_chrono_us(&xs->chrono, XTCP_CHRONO_SNDBUF, now);
	info->busy_time = xtcp_chrono_us(&xs->chrono, XTCP_CHRONO_BUSY, now) +
			  info->rwnd_limited + info->sndbuf_limited;
}

/* As Linux has it: what is lost stays so until it is acknowledged. */
static u32 segs_lost(const struct xtcp_sock *xs)
{
	const struct xtcp_sndq *q = &xs->sndq;
	bool probe = xs->rack.tlp_end_seq && xs->rack.tlp_is_retrans;

	return q->segs_lost + q->segs_retrans - min_t(u32, probe, q->segs_retrans);
}

static void fill_send(const struct xtcp_sock *xs, struct xtcp_tcp_info *info)
{
	info->ca_state = xs->cong.state;
	info->retransmits = xs->timers.retransmits;
	info->probes = xs->timers.probes_out;
	info->backoff = xs->rtt.backoff;
	info->snd_mss = xs->snd.mss;
	info->unacked = xs->sndq.segs_out;
	info->sacked = xs->sndq.segs_sacked;
	info->lost = segs_lost(xs);
	info->retrans = xs->sndq.segs_retrans;
	info->pmtu = xs->snd.pmtu;
	info->reordering = xs->rack.reordering;
	info->snd_ssthresh = xs->cong.ssthresh;
	info->snd_wnd = xs->snd.wnd;
	info->notsent_bytes = max_t(s32, 0, xs->sndq.write_seq - xs->snd.nxt);
	info->delivery_rate_app_limited = xs->rate.rate_app_limited;
	info->delivery_rate = xtcp_rate_bytes(&xs->rate, xs->snd.mss);
	info->delivered = xs->rate.delivered;
	info->delivered_ce = xs->ecn.delivered_ce;
}

static void fill_receive(const struct xtcp_sock *xs, struct xtcp_tcp_info *info)
{
	info->rcv_mss = xs->rcv.mss_seen;
	info->rcv_ssthresh = xs->rcv.ssthresh;
	info->advmss = xs->neg.mss_advertised;
	info->rcv_space = xs->rcv.space;
	info->rcv_wnd = xtcp_rcv_window(xs);
}

static void fill_stats(const struct xtcp_stats *st, struct xtcp_tcp_info *info)
{
	info->total_retrans = st->total_retrans;
	info->bytes_acked = st->bytes_acked;
	info->bytes_received = st->bytes_received;
	info->segs_out = st->segs_out;
	info->segs_in = st->segs_in;
	info->data_segs_in = st->data_segs_in;
	info->data_segs_out = st->data_segs_out;
	info->bytes_sent = st->bytes_sent;
	info->bytes_retrans = st->bytes_retrans;
	info->dsack_dups = st->dsack_dups;
	info->reord_seen = st->reord_seen;
	info->total_rto = st->total_rto;
	info->total_rto_recoveries = st->total_rto_recoveries;
	info->total_rto_time = div_u64(st->total_rto_us + (st->rto_since_us ?
			xtcp_clock_us() - st->rto_since_us : 0), USEC_PER_MSEC);
	info->rcv_ooopack = st->rcv_ooopack;
}

void xtcp_info_get(struct sock *sk, struct xtcp_tcp_info *info)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	bool slow;

	memset(info, 0, sizeof(*info));
	info->state = READ_ONCE(sk->sk_state);
	info->pacing_rate = rate_of(READ_ONCE(sk->sk_pacing_rate));
	info->max_pacing_rate = rate_of(READ_ONCE(sk->sk_max_pacing_rate));
	info->reordering = XTCP_DUP_THRESH;
	info->snd_cwnd = READ_ONCE(xs->cong.cwnd);

	slow = lock_sock_fast(sk);
	if (sk->sk_state == TCP_LISTEN) {
		fill_listener(xs, info);
	} else {
		fill_options(xs, info);
		fill_times(xs, info);
		fill_send(xs, info);
		fill_receive(xs, info);
		fill_stats(&xs->stats, info);
	}
	unlock_sock_fast(sk, slow);
}
