/* SPDX-License-Identifier: GPL-2.0 */
/* info.h - TCP_INFO, in the layout of Linux 7.x whatever kernel this is.
 *
 * The struct only ever grows at its end, so a program of any age reads what it
 * knows.
 */
#ifndef XTCP_SOCKET_INFO_H
#define XTCP_SOCKET_INFO_H

#include <linux/build_bug.h>
#include <linux/tcp.h>
#include <linux/types.h>

struct sock;

struct xtcp_tcp_info {
	__u8	state;
	__u8	ca_state;
	__u8	retransmits;
	__u8	probes;
	__u8	backoff;
	__u8	options;		/* TCPI_OPT_* */
	__u8	snd_wscale : 4, rcv_wscale : 4;
	__u8	delivery_rate_app_limited : 1, fastopen_client_fail : 2;

	__u32	rto;			/* us */
	__u32	ato;
	__u32	snd_mss;
	__u32	rcv_mss;

	__u32	unacked;		/* segments; LISTEN: accept queue length */
	__u32	sacked;			/* LISTEN: its limit */
	__u32	lost;
	__u32	retrans;
	__u32	fackets;

	__u32	last_data_sent;		/* ms ago */
	__u32	last_ack_sent;
	__u32	last_data_recv;
	__u32	last_ack_recv;

	__u32	pmtu;
	__u32	rcv_ssthresh;
	__u32	rtt;			/* us */
	__u32	rttvar;
	__u32	snd_ssthresh;
	__u32	snd_cwnd;
	__u32	advmss;
	__u32	reordering;

	__u32	rcv_rtt;
	__u32	rcv_space;

	__u32	total_retrans;

	__u64	pacing_rate;
	__u64	max_pacing_rate;
	__u64	bytes_acked;
	__u64	bytes_received;
	__u32	segs_out;
	__u32	segs_in;

	__u32	notsent_bytes;
	__u32	min_rtt;
	__u32	data_segs_in;
	__u32	data_segs_out;

	__u64	delivery_rate;

	__u64	busy_time;		/* us */
	__u64	rwnd_limited;
	__u64	sndbuf_limited;

	__u32	delivered;
	__u32	delivered_ce;

	__u64	bytes_sent;
	__u64	bytes_retrans;
	__u32	dsack_dups;
	__u32	reord_seen;

	__u32	rcv_ooopack;

	__u32	snd_wnd;
	__u32	rcv_wnd;		/* 6.2 */
	__u32	rehash;

	__u16	total_rto;		/* 6.7 */
	__u16	total_rto_recoveries;
	__u32	total_rto_time;

	__u32	received_ce;		/* 6.18: AccECN, all 0 here */
	__u32	delivered_e1_bytes;
	__u32	delivered_e0_bytes;
	__u32	delivered_ce_bytes;
	__u32	received_e1_bytes;
	__u32	received_e0_bytes;
	__u32	received_ce_bytes;
	__u32	accecn;			/* modes, options2: bit fields */
};

static_assert(offsetof(struct xtcp_tcp_info, rto) ==
	      offsetof(struct tcp_info, tcpi_rto));
static_assert(offsetof(struct xtcp_tcp_info, pacing_rate) ==
	      offsetof(struct tcp_info, tcpi_pacing_rate));
static_assert(offsetof(struct xtcp_tcp_info, delivery_rate) ==
	      offsetof(struct tcp_info, tcpi_delivery_rate));
static_assert(offsetof(struct xtcp_tcp_info, snd_wnd) ==
	      offsetof(struct tcp_info, tcpi_snd_wnd));

void xtcp_info_get(struct sock *sk, struct xtcp_tcp_info *info);

#endif
