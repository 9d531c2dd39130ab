/* SPDX-License-Identifier: GPL-2.0 */
/* rcvq.h - bytes in order, waiting for the program.
 *
 * The skbs stand in sk->sk_receive_queue (generic code reads it), their payload at
 * skb->data, cb.seq of the first byte; the first ones may have been read in part:
 * copied_seq says how far.  A FIN is a bit of ctl and takes a sequence number.
 * Each skb is charged to the socket (skb_set_owner_r).
 *
 * Lock: the socket's. The reader holds it by lock_sock().
 */
#ifndef XTCP_QUEUE_RCVQ_H
#define XTCP_QUEUE_RCVQ_H

#include "conn/skb.h"

struct msghdr;
struct sock;

struct xtcp_rcvq {
	u32	copied_seq;		/* next byte for the program */
	bool	fin;			/* FIN is in order: RCV.NXT includes it */
};

void xtcp_rcvq_init(struct xtcp_rcvq *q, u32 seq);
/* Try to make @skb, which follows @to without a gap, part of it; true if @skb
 * was eaten (freed, its charge moved or made).  @to is charged. */
bool xtcp_rcvq_coalesce(struct sock *sk, struct sk_buff *to, struct sk_buff *skb);
/* Against many small skbs: copy what they hold into few.  _start() gives a new skb
 * with @skb's bytes, charged, to stand in its place, if that and those that follow
 * it (as @next tells) then cost less memory, or NULL; _add() copies @skb's bytes
 * behind those of @to, if they follow and there is room. */
typedef struct sk_buff *(*xtcp_compact_next_fn)(struct sock *sk, struct sk_buff *skb);
struct sk_buff *xtcp_compact_start(struct sock *sk, struct sk_buff *skb,
				   xtcp_compact_next_fn next);
bool xtcp_compact_add(struct sk_buff *to, const struct sk_buff *skb);
/* The whole queue so; how many skbs were saved. */
unsigned int xtcp_rcvq_collapse(struct sock *sk);
/* Append in-order @skb (cb.seq may lie before RCV.NXT: the reader skips the
 * overlap by seq).  The queue owns it from then on and charges it, unless it comes
 * from reasm and is charged; the caller has made sure of the memory by
 * sk_rmem_schedule(). */
void xtcp_rcvq_add(struct sock *sk, struct sk_buff *skb);
/* Bytes a reader could take now, not counting FIN. */
u32 xtcp_rcvq_avail(const struct sock *sk, const struct xtcp_rcvq *q, u32 rcv_nxt);
/* Copy up to @len bytes from *@seq on to @msg (NULL: discard, MSG_TRUNC) and move
 * *@seq, which is &q->copied_seq unless @peek; stops at a FIN and does not count it;
 * returns bytes, or -EFAULT when none.  Frees what is read whole unless @peek. */
ssize_t xtcp_rcvq_copy(struct sock *sk, struct xtcp_rcvq *q, struct msghdr *msg,
		       size_t len, u32 *seq, bool peek);
void xtcp_rcvq_purge(struct sock *sk);

#endif
