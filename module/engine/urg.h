/* SPDX-License-Identifier: GPL-2.0 */
/* urg.h - urgent data: RFC 9293 3.8.5, RFC 6093.
 *
 * As programs know it: one byte, the last that was written with MSG_OOB, is the
 * urgent one.  The peer's pointer says where it stands in the stream; the reader
 * gets it by MSG_OOB, or in its place (SO_OOBINLINE), and recv() stops at the mark.
 * Lock: the socket's; poll() reads without.
 */
#ifndef XTCP_ENGINE_URG_H
#define XTCP_ENGINE_URG_H

#include <linux/types.h>

struct sk_buff;
struct xtcp_hdr;
struct xtcp_segment;
struct xtcp_sock;

enum xtcp_urg_state {
	XTCP_URG_NONE,
	XTCP_URG_ANNOUNCED,		/* the byte is not here yet */
	XTCP_URG_HERE,			/* in byte, for MSG_OOB */
	XTCP_URG_TAKEN,			/* read by MSG_OOB; the mark stands */
};

struct xtcp_urg {
	u32	mark;			/* RCV.UP - 1: number of the urgent byte */
	u32	snd_up;			/* SND.UP, if sending */
	u8	byte;
	u8	state;			/* enum xtcp_urg_state */
	bool	sending;		/* SND.UP may be beyond SND.UNA */
};

/* Sixth check: URG.  @skb begins with its header.  Also looks for the byte that an
 * earlier segment announced. */
void xtcp_urg_rcv(struct xtcp_sock *xs, const struct sk_buff *skb,
		  const struct xtcp_segment *seg);
/* Does the mark stand at @seq, for a reader who does not get it in line? */
bool xtcp_urg_at(const struct xtcp_sock *xs, u32 seq);
/* The program has read up to copied_seq: is the mark behind it? */
void xtcp_urg_read(struct xtcp_sock *xs);
/* Bytes that can be read before the mark, @avail if there is none. */
u32 xtcp_urg_avail(const struct xtcp_sock *xs, u32 avail);

/* What stands last in the send queue is urgent. */
void xtcp_urg_mark(struct xtcp_sock *xs);
/* Is urgent data unacknowledged?  Then segments go one by one, and at once. */
bool xtcp_urg_sending(struct xtcp_sock *xs);
/* Urgent pointer of a segment that begins at @seq. */
void xtcp_urg_put(struct xtcp_sock *xs, struct xtcp_hdr *th, u32 seq);

#endif
