/* SPDX-License-Identifier: GPL-2.0 */
/* proto.h - the words of TCP: header, flags, options, constants, states.
 *
 * Only what RFCs or the kernel's user API fix.  Tunables start from the
 * values here and live in struct xtcp_params.  Times are in microseconds.
 */
#ifndef _XTCP_PROTO_PROTO_H
#define _XTCP_PROTO_PROTO_H

#include <linux/types.h>
#include <linux/kernel.h>

/* RFC 9293 3.1.  Packed: nobody promises that a header is aligned. */
struct xtcp_hdr {
	__be16	sport;
	__be16	dport;
	__be32	seq;
	__be32	ack;
	u8	doff;			/* data offset << 4, reserved, AE */
	u8	flags;
	__be16	wnd;
	__sum16	check;
	__be16	up;
} __packed;

static_assert(sizeof(struct xtcp_hdr) == 20);

#define XTCP_HDR_LEN		20
#define XTCP_MAX_HDR_LEN	60	/* data offset 15 */
#define XTCP_MIN_DOFF		5

#define XTCP_FIN		0x01
#define XTCP_SYN		0x02
#define XTCP_RST		0x04
#define XTCP_PSH		0x08
#define XTCP_ACK		0x10
#define XTCP_URG		0x20
#define XTCP_ECE		0x40	/* RFC 3168 6.1 */
#define XTCP_CWR		0x80

#define XTCP_IPPROTO		6

static inline unsigned int xtcp_hdr_len(const struct xtcp_hdr *th)
{
	return (th->doff >> 4) * 4;
}

/* Options.  A length counts kind and length byte. */
#define XTCP_OPT_EOL		0	/* RFC 9293 3.1 */
#define XTCP_OPT_NOP		1
#define XTCP_OPT_MSS		2	/* RFC 9293 3.7.1 */
#define XTCP_OPT_WSCALE		3	/* RFC 7323 2.2 */
#define XTCP_OPT_SACK_PERM	4	/* RFC 2018 2 */
#define XTCP_OPT_SACK		5	/* RFC 2018 3 */
#define XTCP_OPT_TSTAMP		8	/* RFC 7323 3.2 */

#define XTCP_OLEN_MSS		4
#define XTCP_OLEN_WSCALE	3
#define XTCP_OLEN_SACK_PERM	2
#define XTCP_OLEN_SACK_BASE	2
#define XTCP_OLEN_SACK_BLOCK	8
#define XTCP_OLEN_SACK_PAD	4	/* NOP NOP, and the base */
#define XTCP_OLEN_TSTAMP	10
#define XTCP_OLEN_TSTAMP_PAD	12	/* NOP NOP TS, RFC 7323 appendix A */

#define XTCP_MAX_OPT		40
#define XTCP_MAX_SACKS		4	/* 3 beside a timestamp */
#define XTCP_MAX_WSCALE		14	/* RFC 7323 2.3 */

/* Segment sizes */
#define XTCP_MSS_DEFAULT4	536	/* RFC 9293 3.7.1, MUST-15 */
#define XTCP_MSS_DEFAULT6	1220
#define XTCP_MIN_SND_MSS	48	/* below it options eat the segment */
#define XTCP_MAX_WINDOW		65535U	/* RFC 9293 3.1, unscaled */

/* Times */
#define XTCP_USEC_PER_MSEC	1000U
#define XTCP_USEC_PER_SEC	1000000U
#define XTCP_TIMEWAIT_US	(60 * XTCP_USEC_PER_SEC)   /* 2 * MSL, Linux */
#define XTCP_RTO_MIN_US		(200 * XTCP_USEC_PER_MSEC) /* Linux, not 6298 */
#define XTCP_RTO_INIT_US	(1 * XTCP_USEC_PER_SEC)	   /* RFC 6298 2.1 */
#define XTCP_RTO_MAX_US		(120 * XTCP_USEC_PER_SEC)  /* RFC 6298 2.5 */
#define XTCP_RTO_SYN_LOST_US	(3 * XTCP_USEC_PER_SEC)	   /* RFC 6298 5.7 */
#define XTCP_DELACK_MIN_US	(40 * XTCP_USEC_PER_MSEC)
#define XTCP_DELACK_MAX_US	(200 * XTCP_USEC_PER_MSEC) /* RFC 9293 MUST-40 */
#define XTCP_PAWS_MAX_IDLE_SEC	(24 * 24 * 3600U)	   /* RFC 7323 5.5 */
#define XTCP_TS_HZ		1000U	/* a tick of TSval is 1 ms */

#define XTCP_KEEPALIVE_IDLE_SEC	7200U	/* RFC 9293 MUST-28 */
#define XTCP_KEEPALIVE_INTVL_SEC 75U
#define XTCP_KEEPALIVE_PROBES	9U

/* Counts */
#define XTCP_R1			3	/* RFC 9293 SHLD-10 */
#define XTCP_R2			15	/* RFC 9293 SHLD-11: 924 s */
#define XTCP_SYN_RETRIES	7	/* MUST-23: three minutes */
#define XTCP_SYN_LINEAR	4
#define XTCP_SYNACK_RETRIES	5
#define XTCP_DUP_THRESH		3	/* RFC 5681 3.2 */
#define XTCP_INIT_CWND		10	/* RFC 6928 */

/* RFC 9293 3.3.2, with the numbers that sk_state, /proc and ss know. */
enum xtcp_state {
	XTCP_ESTABLISHED	= 1,
	XTCP_SYN_SENT		= 2,
	XTCP_SYN_RECV		= 3,
	XTCP_FIN_WAIT1		= 4,
	XTCP_FIN_WAIT2		= 5,
	XTCP_TIME_WAIT		= 6,
	XTCP_CLOSE		= 7,
	XTCP_CLOSE_WAIT		= 8,
	XTCP_LAST_ACK		= 9,
	XTCP_LISTEN		= 10,
	XTCP_CLOSING		= 11,
};

#define XTCPF(state)		(1U << (state))	/* XTCPF(XTCP_LISTEN) | ... */

#endif /* _XTCP_PROTO_PROTO_H */
