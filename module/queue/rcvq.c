// SPDX-License-Identifier: GPL-2.0
/* rcvq.c - the receive queue */

#include "queue/rcvq.h"
#include "proto/proto.h"
#include "proto/seq.h"

#include <linux/socket.h>

#include <net/sock.h>

void xtcp_rcvq_init(struct xtcp_rcvq *q, u32 seq)
{
	q->copied_seq = seq;
	q->fin = false;
}

bool xtcp_rcvq_coalesce(struct sock *sk, struct sk_buff *to, struct sk_buff *skb)
{
	struct xtcp_skb_cb *to_cb = xtcp_skb_cb(to), *cb = xtcp_skb_cb(skb);
	bool stolen;
	int delta;

	if (to_cb->end_seq != cb->seq || (to_cb->ctl & XTCP_FIN))
		return false;
	/* GSO_FRAGLIST: a list of skbs cannot become frags */
	if (skb_has_frag_list(to) || skb_has_frag_list(skb))
		return false;
	if (!skb_try_coalesce(to, skb, &stolen, &delta))
		return false;

	atomic_add(delta, &sk->sk_rmem_alloc);
	sk_mem_charge(sk, delta);
	to_cb->end_seq = cb->end_seq;
	to_cb->ctl |= cb->ctl;
	to_cb->rx = cb->rx;
	if (skb->tstamp)
		to->tstamp = skb->tstamp;	/* SO_TIMESTAMP: of the last byte */
	kfree_skb_partial(skb, stolen);
	return true;
}

/* --- many small ones into few -------------------------------------------- */

/* Bytes in a page, beside what an skb needs there itself. */
#define COMPACT_BYTES	SKB_MAX_ORDER(0, 0)

/* A window is half of a buffer: what costs more than that is too expensive. */
static bool bloated(const struct sk_buff *skb)
{
	return skb->truesize / 2 > skb->len;
}

static bool follows(const struct sk_buff *to, const struct sk_buff *skb)
{
	const struct xtcp_skb_cb *to_cb = xtcp_skb_cb(to);

	return to_cb->end_seq == xtcp_skb_cb(skb)->seq &&
	       !(to_cb->ctl & XTCP_FIN) && bloated(skb);
}

static bool copy_behind(struct sk_buff *to, const struct sk_buff *skb)
{
	return !skb_copy_bits(skb, 0, skb_put(to, skb->len), skb->len);
}

struct sk_buff *xtcp_compact_start(struct sock *sk, struct sk_buff *skb,
				   xtcp_compact_next_fn next)
{
	struct sk_buff *prev = skb, *s, *to;
	u32 bytes = skb->len, truesize = skb->truesize;

	if (!bloated(skb))
		return NULL;
	while ((s = next(sk, prev)) && follows(prev, s) &&
	       bytes + s->len <= COMPACT_BYTES) {
		bytes += s->len;
		truesize += s->truesize;
		prev = s;
	}
	if (prev == skb)
		return NULL;
	to = alloc_skb(COMPACT_BYTES, GFP_ATOMIC | __GFP_NOWARN);
	if (!to)
		return NULL;
	if (to->truesize >= truesize || !copy_behind(to, skb)) {
		kfree_skb(to);
		return NULL;
	}
	*xtcp_skb_cb(to) = *xtcp_skb_cb(skb);
	to->tstamp = skb->tstamp;
	skb_set_owner_r(to, sk);
	return to;
}

bool xtcp_compact_add(struct sk_buff *to, const struct sk_buff *skb)
{
	struct xtcp_skb_cb *to_cb = xtcp_skb_cb(to);
	const struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);

	if (!follows(to, skb) || skb_tailroom(to) < (int)skb->len)
		return false;
	if (!copy_behind(to, skb)) {
		skb_trim(to, to->len - skb->len);
		return false;
	}
	to_cb->end_seq = cb->end_seq;
	to_cb->ctl |= cb->ctl;
	to_cb->rx = cb->rx;
	if (skb->tstamp)
		to->tstamp = skb->tstamp;
	return true;
}

static struct sk_buff *queue_next(struct sock *sk, struct sk_buff *skb)
{
	return skb_queue_is_last(&sk->sk_receive_queue, skb) ? NULL : skb->next;
}

unsigned int xtcp_rcvq_collapse(struct sock *sk)
{
	unsigned int saved = 0;
	struct sk_buff_head *q = &sk->sk_receive_queue;
	struct sk_buff *skb, *next, *to = NULL;

	skb_queue_walk_safe(q, skb, next) {
		if (!to || !xtcp_compact_add(to, skb)) {
			to = xtcp_compact_start(sk, skb, queue_next);
			if (!to)
				continue;
			__skb_queue_before(q, skb, to);
		} else {
			saved++;
		}
		__skb_unlink(skb, q);
		kfree_skb(skb);
	}
	return saved;
}

/* --- in and out ----------------------------------------------------------- */

void xtcp_rcvq_add(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *tail = skb_peek_tail(&sk->sk_receive_queue);

	if (tail && xtcp_rcvq_coalesce(sk, tail, skb))
		return;
	if (skb->sk != sk)
		skb_set_owner_r(skb, sk);
	__skb_queue_tail(&sk->sk_receive_queue, skb);
}

u32 xtcp_rcvq_avail(const struct sock *sk, const struct xtcp_rcvq *q, u32 rcv_nxt)
{
	u32 n = rcv_nxt - READ_ONCE(q->copied_seq);

	return n ? n - READ_ONCE(q->fin) : 0;
}

ssize_t xtcp_rcvq_copy(struct sock *sk, struct xtcp_rcvq *q, struct msghdr *msg,
		       size_t len, u32 *seq, bool peek)
{
	struct sk_buff *skb, *next;
	size_t done = 0;

	skb_queue_walk_safe(&sk->sk_receive_queue, skb, next) {
		const struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
		bool fin = cb->ctl & XTCP_FIN;
		u32 off = *seq - cb->seq;

		if (WARN_ON_ONCE(seq_lt(*seq, cb->seq)))
			break;
		if (off < skb->len) {
			size_t n = min_t(size_t, len - done, skb->len - off);

			if (!n)
				break;
			if (msg && skb_copy_datagram_msg(skb, off, msg, n)) {
				if (!done)
					return -EFAULT;
				break;
			}
			done += n;
			WRITE_ONCE(*seq, *seq + n);
			if (off + n < skb->len)
				break;
		}
		if (!peek) {
			__skb_unlink(skb, &sk->sk_receive_queue);
			consume_skb(skb);
		}
		if (fin)
			break;
	}
	return done;
}

void xtcp_rcvq_purge(struct sock *sk)
{
	__skb_queue_purge(&sk->sk_receive_queue);
}
