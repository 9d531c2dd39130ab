/* SPDX-License-Identifier: GPL-2.0 */
/* window.h - the two windows: RFC 9293 3.3.1 names, RFC 7323 scaling, 3.8.6.
 *
 * All in bytes, host order, after scaling.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_WINDOW_H
#define XTCP_ENGINE_WINDOW_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct xtcp_params;
struct xtcp_segment;
struct xtcp_sock;

struct xtcp_snd {
	u32	una;			/* SND.UNA */
	u32	nxt;			/* SND.NXT */
	u32	wnd;			/* SND.WND */
	u32	wl1;			/* SND.WL1 */
	u32	wl2;			/* SND.WL2 */
	u32	iss;			/* ISS */
	u32	max_wnd;		/* MAX.SND.WND, RFC 5961 section 5 */
	u32	mss;			/* Eff.snd.MSS: data bytes of a full segment */
	u32	sml;			/* end of the last small segment (Minshall) */
	u32	pmtu;			/* path MTU that mss was made from */
	u32	gso_max;		/* bytes of a super-packet, multiple of mss */
	u32	pushed_seq;		/* last PSH is here */
};

struct xtcp_rcv {
	u32	nxt;			/* RCV.NXT */
	u32	wnd;			/* RCV.WND as last advertised */
	u32	wup;			/* RCV.NXT when it was */
	u32	irs;			/* IRS */
	u32	max_edge;		/* right edge of the largest window ever advertised */
	u32	clamp;			/* never advertise more */
	u32	ssthresh;		/* current ceiling, grows with good skbs */
	u32	mss_seen;		/* size of the peer's full segments, for SWS and acks */
	u32	last_len;		/* a smaller segment: twice the same is its size */
	u32	unmerged;		/* true size that came since the last collapse */
	u32	space_seq;		/* auto-tuning: copied_seq when the round began */
	u32	space;			/* most bytes read in a round trip */
	u64	space_us;		/* when it began */
	u32	rtt_us;			/* receiver-side RTT, from TSecr */
	u32	rtt_seq;
	u64	rtt_at_us;
	u8	ratio;			/* payload in 256 bytes of true size, as seen */
	bool	no_mem;			/* what came found no memory: the next window is 0 */
	u8	pushed;			/* since the last ACK: 1 a PSH, 2 again or small */
	u8	ack_owed;		/* full segments since the last ACK, saturates */
	u8	quick;			/* quick ACKs left */
	u8	ato_ms;			/* delayed ACK, adaptive */
	bool	ack_now;		/* the next output sends it */
	bool	pingpong;		/* interactive: delay ACKs */
	u64	last_us;		/* last data segment */
};

/* RCV.WND still open at this moment: what was promised less what came. */
u32 xtcp_rcv_window(const struct xtcp_sock *xs);
/* The same for the largest edge ever promised (RFC 7323 2.4). */
u32 xtcp_rcv_window_max(const struct xtcp_sock *xs);
/* Window to put into the next segment (scaled by the caller never: unscaled 16 bit
 * result): SWS avoidance (3.8.6.2.2), never shrinks. Updates rcv.wnd, rcv.wup. */
u16 xtcp_window_select(struct xtcp_sock *xs);
/* Would an ACK now move the right edge as far as what came moved RCV.NXT, or does the
 * program wait for more than there is (SO_RCVLOWAT)? */
bool xtcp_window_advances(struct xtcp_sock *xs);
/* The program read: is a window update due (3.8.6.2.2)? */
bool xtcp_window_update_due(struct xtcp_sock *xs);
/* Is there something to read for who waits for @target bytes?  Less when waiting
 * would be for ever: the buffer is nearly full, the window nearly shut.  Lockless. */
bool xtcp_window_readable(const struct xtcp_sock *xs, int target);
/* Buffer size to initial window and scale. */
void xtcp_window_init_rcv(struct xtcp_sock *xs);
u8 xtcp_window_scale_for(int rcvbuf_max);
/* The largest window that a socket with this buffer may ever want (@locked: by
 * SO_RCVBUF, it does not grow): what its scale must reach. */
int xtcp_window_largest(const struct xtcp_params *params, int rcvbuf, bool locked);
/* First window of a SYN or SYN-ACK that offers @mss: same value for minisock and
 * child. */
u32 xtcp_window_initial(const struct xtcp_params *params, int rcvbuf, u16 mss);
/* SEG.WND of an acceptable ACK (3.10.7.4 fifth). */
void xtcp_window_rcv(struct xtcp_sock *xs, const struct xtcp_segment *seg);
/* A segment with text arrived: its size, how well it used its memory.  Before it is
 * queued. */
void xtcp_window_measure(struct xtcp_sock *xs, const struct sk_buff *skb);
/* It was queued (@truesize: before it was merged): may the window open further? */
void xtcp_window_data_in(struct xtcp_sock *xs, unsigned int len,
			 unsigned int truesize);
/* The receive buffer is full: let it grow if it may, offer less if it may not. */
void xtcp_window_overrun(struct xtcp_sock *xs);
/* What waits behind a hole shall not be in the way of what will fill it; the program
 * read; a sample of the receiver's round trip. */
void xtcp_window_hole(struct xtcp_sock *xs);
void xtcp_window_data_read(struct xtcp_sock *xs, u64 now);
void xtcp_window_rtt(struct xtcp_sock *xs, const struct xtcp_segment *seg,
		     u64 now);

#endif
