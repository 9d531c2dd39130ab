// SPDX-License-Identifier: GPL-2.0
/* sndq.c - the send queue.
 *
 * What is not sent stands on a list.  What is sent needs more: an ACK with SACK
 * blocks must find its segments, and RACK those sent longest ago, at a cost that
 * does not depend on how much is out, whoever the peer is.  So the sent are in
 * two trees by sequence number, the flight and the SACKed; a block is looked up
 * in the flight alone, so each segment is met once.  Those of the flight are
 * also on one of two lists: the lost, or the others as they were sent.
 *
 * An skb in a tree uses rbnode, which stands in the place of next, prev and dev;
 * its list is tcp_tsorted_anchor, in the place of _skb_refdst and destructor.
 * So nobody else may free or copy one.
 *
 * An skb here has no linear data: its head is room for headers, its bytes are
 * in page frags, len bytes of them in truesize.  While a clone of it is below
 * us the list of frags is shared with that clone, so whoever changes the list
 * takes a copy of it first (xtcp_sndq_own_frags()).
 */

#include "queue/sndq.h"
#include "proto/proto.h"
#include "proto/seq.h"
#include "queue/tstamp.h"

#include <linux/uio.h>

#include <net/sock.h>

/* --- counts ----------------------------------------------------------- */

/* Sent at least once: it stands before head. */
static bool is_sent(const struct xtcp_sndq *q, const struct sk_buff *skb)
{
	return !q->head ||
	       seq_lt(xtcp_skb_cb(skb)->seq, xtcp_skb_cb(q->head)->seq);
}

/* Put @skb into the counts (1) or take it out (-1), by what its flags say. */
static void count(struct xtcp_sndq *q, const struct sk_buff *skb, int sign)
{
	const struct xtcp_skb_tx *tx = &xtcp_skb_cb(skb)->tx;
	u32 n = sign * tx->segs;

	if (!is_sent(q, skb))
		return;
	q->segs_out += n;
	if (tx->flags & XTCP_SKB_SACKED)
		q->segs_sacked += n;
	if (tx->flags & XTCP_SKB_LOST)
		q->segs_lost += n;
	if (tx->flags & XTCP_SKB_RETRANS)
		q->segs_retrans += n;
}

static void segs_from_len(struct sk_buff *skb, u32 mss)
{
	u32 n = mss ? DIV_ROUND_UP(skb->len, mss) : 1;

	xtcp_skb_cb(skb)->tx.segs = clamp_t(u32, n, 1, U16_MAX);
}

void xtcp_sndq_set_segs(struct xtcp_sndq *q, struct sk_buff *skb, u32 mss)
{
	count(q, skb, -1);
	segs_from_len(skb, mss);
	count(q, skb, 1);
}

/* --- trees and lists of what is sent ------------------------------------ */

#define time_entry(l)	list_entry(l, struct sk_buff, tcp_tsorted_anchor)

static bool seq_less(struct rb_node *a, const struct rb_node *b)
{
	return seq_lt(xtcp_skb_cb(rb_to_skb(a))->seq, xtcp_skb_cb(rb_to_skb(b))->seq);
}

static struct rb_root_cached *tree_of(struct xtcp_sndq *q, const struct sk_buff *skb)
{
	return xtcp_skb_cb(skb)->tx.flags & XTCP_SKB_SACKED ? &q->sacked : &q->flight;
}

/* Out of its list, and as skb functions expect it. */
static void list_leave(struct sk_buff *skb)
{
	__list_del_entry(&skb->tcp_tsorted_anchor);
	skb->_skb_refdst = 0;
	skb->destructor = NULL;
}

/* By number; @skb is in flight.  What is lost is mostly found in order: behind the
 * last one, or not far behind another, whoever looks through all in order.
 */
static void lost_add(struct xtcp_sndq *q, struct sk_buff *skb)
{
	struct list_head *l = q->lost.prev;
	struct rb_node *prev = &skb->rbnode;

	if (l != &q->lost && seq_lt(xtcp_skb_cb(skb)->seq,
				    xtcp_skb_cb(time_entry(l))->seq)) {
		do {
			prev = rb_prev(prev);
		} while (prev && !(xtcp_skb_cb(rb_to_skb(prev))->tx.flags &
				   XTCP_SKB_LOST));
		l = prev ? &rb_to_skb(prev)->tcp_tsorted_anchor : &q->lost;
	}
	list_add(&skb->tcp_tsorted_anchor, l);
}

static bool sent_later(const struct list_head *l, const struct sk_buff *skb)
{
	return xtcp_skb_cb(time_entry(l))->tx.xmit_us > xtcp_skb_cb(skb)->tx.xmit_us;
}

void xtcp_sndq_advance(struct xtcp_sndq *q, struct sk_buff *skb)
{
	if (WARN_ON_ONCE(skb != q->head))
		return;
	__skb_unlink(skb, &q->list);
	q->head = skb_peek(&q->list);
	rb_add_cached(&skb->rbnode, &q->flight, seq_less);
	list_add_tail(&skb->tcp_tsorted_anchor, &q->by_time);
	count(q, skb, 1);
}

static void flags_change(struct xtcp_sndq *q, struct sk_buff *skb, u8 set, u8 clear)
{
	struct xtcp_skb_tx *tx = &xtcp_skb_cb(skb)->tx;

	count(q, skb, -1);
	tx->flags = (tx->flags & ~clear) | set;
	count(q, skb, 1);
}

void xtcp_sndq_sacked(struct xtcp_sndq *q, struct sk_buff *skb)
{
	rb_erase_cached(&skb->rbnode, &q->flight);
	list_leave(skb);
	flags_change(q, skb, XTCP_SKB_SACKED, XTCP_SKB_LOST | XTCP_SKB_RETRANS);
	rb_add_cached(&skb->rbnode, &q->sacked, seq_less);
}

void xtcp_sndq_lost(struct xtcp_sndq *q, struct sk_buff *skb)
{
	if (xtcp_skb_cb(skb)->tx.flags & XTCP_SKB_LOST)
		return;
	list_leave(skb);
	lost_add(q, skb);
	flags_change(q, skb, XTCP_SKB_LOST, XTCP_SKB_RETRANS);
}

void xtcp_sndq_resent(struct xtcp_sndq *q, struct sk_buff *skb)
{
	struct xtcp_skb_tx *tx = &xtcp_skb_cb(skb)->tx;

	list_move_tail(&skb->tcp_tsorted_anchor, &q->by_time);
	flags_change(q, skb, XTCP_SKB_RETRANS | XTCP_SKB_EVER_RETRANS,
		     XTCP_SKB_LOST);
	if (tx->retrans < U8_MAX)
		tx->retrans++;
}

/* Both lists are in order, or nearly: where the last one went the next goes. */
void xtcp_sndq_none_lost(struct xtcp_sndq *q)
{
	struct list_head *at = q->by_time.next;
	struct sk_buff *skb, *tmp;

	list_for_each_entry_safe(skb, tmp, &q->lost, tcp_tsorted_anchor) {
		while (at != &q->by_time && !sent_later(at, skb))
			at = at->next;
		while (at->prev != &q->by_time && sent_later(at->prev, skb))
			at = at->prev;
		list_move_tail(&skb->tcp_tsorted_anchor, at);
		flags_change(q, skb, 0, XTCP_SKB_LOST);
	}
}

void xtcp_sndq_reneged(struct xtcp_sndq *q)
{
	struct rb_node *node;
	struct sk_buff *skb;

	while ((node = rb_first_cached(&q->sacked))) {
		skb = rb_to_skb(node);
		rb_erase_cached(node, &q->sacked);
		flags_change(q, skb, XTCP_SKB_LOST, XTCP_SKB_SACKED);
		rb_add_cached(node, &q->flight, seq_less);
		lost_add(q, skb);
	}
}

struct sk_buff *xtcp_sndq_find(const struct xtcp_sndq *q, u32 seq)
{
	struct rb_node *node = q->flight.rb_root.rb_node;
	struct sk_buff *skb = NULL;

	while (node) {
		if (seq_gt(xtcp_skb_cb(rb_to_skb(node))->end_seq, seq)) {
			skb = rb_to_skb(node);
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return skb;
}

struct sk_buff *xtcp_sndq_copy(struct sk_buff *skb, gfp_t gfp)
{
	unsigned long anchor = skb->_skb_refdst;
	struct sk_buff *copy;

	skb->_skb_refdst = 0;
	if (skb_cloned(skb))
		copy = pskb_copy(skb, gfp);
	else
		copy = skb_clone(skb, gfp);
	skb->_skb_refdst = anchor;
	if (likely(copy))
		copy->dev = NULL;	/* was part of rbnode */
	return copy;
}

/* --- skbs and what they are charged ----------------------------------- */

static void charge(struct sock *sk, int size)
{
	sk_wmem_queued_add(sk, size);
	sk_mem_charge(sk, size);
}

/* Without sk_mem_reclaim(): the data that came with the ACK needs as much. */
static void uncharge(struct sock *sk, int size)
{
	sk_wmem_queued_add(sk, -size);
	WRITE_ONCE(sk->sk_forward_alloc, sk->sk_forward_alloc + size);
}

static void skb_drop_charged(struct sock *sk, struct sk_buff *skb)
{
	uncharge(sk, skb->truesize);
	__kfree_skb(skb);
}

/* An empty skb, not charged. */
static struct sk_buff *skb_make(gfp_t gfp, u32 seq)
{
	struct sk_buff *skb = alloc_skb_fclone(XTCP_HEADROOM, gfp);
	struct xtcp_skb_cb *cb;

	if (!skb)
		return NULL;
	skb_reserve(skb, XTCP_HEADROOM);
	skb->ip_summed = CHECKSUM_PARTIAL;
	__skb_header_release(skb);

	cb = xtcp_skb_cb(skb);
	memset(cb, 0, sizeof(*cb));
	cb->seq = seq;
	cb->end_seq = seq;
	cb->ctl = XTCP_ACK;
	cb->tx.segs = 1;
	return skb;
}

static void queue_tail(struct xtcp_sndq *q, struct sk_buff *skb)
{
	__skb_queue_tail(&q->list, skb);
	if (!q->head)
		q->head = skb;
}

/* Make the list of frags @skb's own.  What it is charged stays: true size may
 * not change while the socket accounts by it.
 */
int xtcp_sndq_own_frags(struct sk_buff *skb, gfp_t gfp)
{
	unsigned int truesize = skb->truesize;
	int err;

	if (!skb_cloned(skb))
		return 0;
	err = skb_unclone(skb, gfp);
	skb->truesize = truesize;
	if (err)
		return err;
	/* the copy of the head forgot that we never write there */
	if (!skb->nohdr)
		__skb_header_release(skb);
	return 0;
}

void xtcp_sndq_init(struct xtcp_sndq *q, u32 iss_plus_1)
{
	memset(q, 0, sizeof(*q));
	__skb_queue_head_init(&q->list);
	INIT_LIST_HEAD(&q->by_time);
	INIT_LIST_HEAD(&q->lost);
	q->write_seq = iss_plus_1;
}

void xtcp_sndq_purge(struct sock *sk, struct xtcp_sndq *q)
{
	struct sk_buff *skb;

	while ((skb = xtcp_sndq_first(q)))
		xtcp_sndq_free_skb(sk, q, skb);
	while ((skb = __skb_dequeue(&q->list)))
		skb_drop_charged(sk, skb);
	q->head = NULL;
	sk_mem_reclaim(sk);
}

void xtcp_sndq_free_skb(struct sock *sk, struct xtcp_sndq *q, struct sk_buff *skb)
{
	count(q, skb, -1);
	rb_erase_cached(&skb->rbnode, tree_of(q, skb));
	if (!(xtcp_skb_cb(skb)->tx.flags & XTCP_SKB_SACKED))
		list_leave(skb);
	skb_drop_charged(sk, skb);
}

/* --- growing ---------------------------------------------------------- */

/* Copy at most @len bytes into @skb, as many as the page at hand has room for.
 * Bytes, 0 when @skb has no frag left, -ENOMEM, -EFAULT.
 */
static int copy_piece(struct sock *sk, struct sk_buff *skb, struct msghdr *msg,
		      size_t len)
{
	struct page_frag *pf = sk_page_frag(sk);
	int i = skb_shinfo(skb)->nr_frags;
	bool merge;
	int n, err;

	if (!sk_page_frag_refill(sk, pf))
		return -ENOMEM;
	merge = skb_can_coalesce(skb, i, pf->page, pf->offset);
	if (!merge && i >= MAX_SKB_FRAGS)
		return 0;

	n = min_t(size_t, len, pf->size - pf->offset);
	if (!sk_wmem_schedule(sk, n))
		return -ENOMEM;
	err = skb_copy_to_page_nocache(sk, &msg->msg_iter, skb, pf->page,
				       pf->offset, n);
	if (err)
		return err;

	if (merge) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], n);
	} else {
		skb_fill_page_desc(skb, i, pf->page, pf->offset, n);
		get_page(pf->page);
	}
	pf->offset += n;
	return n;
}

/* As fill(), with the program's own pages, whose return @uarg reports.  True size
 * is whole pages.
 */
static int fill_pages(struct sock *sk, struct sk_buff *skb, struct msghdr *msg,
		      size_t len, u32 goal, struct ubuf_info *uarg)
{
	int n = min_t(size_t, len, goal - skb->len);

	if (!sk_wmem_schedule(sk, n))
		return -ENOMEM;
	n = xtcp_compat_zerocopy_iter_stream(sk, skb, msg, n, uarg);
	/* no frag left, or another report is due for this skb: a new one */
	return n == -EMSGSIZE || n == -EEXIST ? 0 : n;
}

/* Fill @skb to @goal.  Bytes taken, or why none were. */
static ssize_t fill(struct sock *sk, struct sk_buff *skb, struct msghdr *msg,
		    size_t len, u32 goal, struct ubuf_info *uarg)
{
	size_t done = 0;
	int n = 0;

	if (unlikely(uarg))
		return fill_pages(sk, skb, msg, len, goal, uarg);
	while (done < len && skb->len < goal) {
		n = copy_piece(sk, skb, msg,
			       min_t(size_t, len - done, goal - skb->len));
		if (n <= 0)
			break;
		done += n;
	}
	return done ?: n;
}

/* The last skb, if more can be put into it: not sent, so not shared. */
static struct sk_buff *growing_tail(const struct xtcp_sndq *q, u32 goal)
{
	struct sk_buff *skb = q->head ? xtcp_sndq_last(q) : NULL;

	if (!skb || skb->len >= goal || skb_cloned(skb) ||
	    (xtcp_skb_cb(skb)->ctl & XTCP_FIN) ||
	    (xtcp_skb_cb(skb)->tx.flags & XTCP_SKB_EOR))
		return NULL;
	return skb;
}

static void grown(struct xtcp_sndq *q, struct sk_buff *skb, u32 n)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);

	cb->end_seq += n;
	cb->ctl &= ~XTCP_PSH;
	WRITE_ONCE(q->write_seq, q->write_seq + n);
}

ssize_t xtcp_sndq_append(struct sock *sk, struct xtcp_sndq *q, struct msghdr *msg,
			 size_t len, u32 size_goal, struct ubuf_info *uarg)
{
	struct sk_buff *skb = growing_tail(q, size_goal);
	ssize_t n;

	if (!len)
		return 0;
	if (skb) {
		n = fill(sk, skb, msg, len, size_goal, uarg);
		if (n > 0)
			grown(q, skb, n);
		if (n)
			return n;
		/* no frag left: a new one */
		xtcp_skb_cb(skb)->ctl |= XTCP_PSH;
	}

	if (!sk_stream_memory_free(sk))
		return -ENOBUFS;
	skb = skb_make(sk->sk_allocation, q->write_seq);
	if (!skb)
		return -ENOMEM;
	if (!sk_wmem_schedule(sk, skb->truesize)) {
		__kfree_skb(skb);
		return -ENOMEM;
	}
	charge(sk, skb->truesize);

	n = fill(sk, skb, msg, len, max_t(u32, size_goal, 1), uarg);
	if (n <= 0) {
		skb_drop_charged(sk, skb);
		return n ?: -ENOMEM;
	}
	grown(q, skb, n);
	queue_tail(q, skb);
	return n;
}

int xtcp_sndq_fin(struct sock *sk, struct xtcp_sndq *q)
{
	struct sk_buff *skb = q->head ? xtcp_sndq_last(q) : NULL;
	struct xtcp_skb_cb *cb;

	if (!skb) {
		skb = skb_make(GFP_ATOMIC | __GFP_NOWARN, q->write_seq);
		if (!skb)
			return -ENOMEM;
		/* Over the limit if need be: a close() frees more than this. */
		charge(sk, skb->truesize);
		queue_tail(q, skb);
	}
	cb = xtcp_skb_cb(skb);
	cb->ctl |= XTCP_FIN;
	cb->end_seq++;
	WRITE_ONCE(q->write_seq, q->write_seq + 1);
	return 0;
}

/* --- cutting ---------------------------------------------------------- */

/* A peer that SACKs every other byte makes us cut what is in flight into
 * pieces, each with the overhead of an skb (CVE-2019-11478).  The first one may
 * always be cut: without it a retransmission could not go on.
 */
static bool cut_too_often(const struct sock *sk, const struct xtcp_sndq *q,
			  const struct sk_buff *skb)
{
	long limit = READ_ONCE(sk->sk_sndbuf) + 2L * SKB_TRUESIZE(GSO_LEGACY_MAX_SIZE);

	return (READ_ONCE(sk->sk_wmem_queued) >> 1) > limit &&
	       is_sent(q, skb) && skb != xtcp_sndq_first(q);
}

int xtcp_sndq_split(struct sock *sk, struct xtcp_sndq *q, struct sk_buff *skb,
		    u32 len, u32 mss, gfp_t gfp)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb), *rest_cb;
	struct sk_buff *rest;
	u32 moved;

	if (!len || len >= skb->len)
		return 0;
	if (cut_too_often(sk, q, skb))
		return -ENOMEM;
	rest = skb_make(gfp, cb->seq + len);
	if (!rest)
		return -ENOMEM;
	if (xtcp_sndq_own_frags(skb, gfp)) {
		__kfree_skb(rest);
		return -ENOMEM;
	}
	charge(sk, rest->truesize);

	count(q, skb, -1);
	moved = skb->len - len;
	skb_split(skb, rest, len);
	rest->truesize += moved;
	skb->truesize -= moved;
	rest->tstamp = skb->tstamp;

	rest_cb = xtcp_skb_cb(rest);
	rest_cb->end_seq = cb->end_seq;
	rest_cb->ctl = cb->ctl;
	rest_cb->tx = cb->tx;
	cb->end_seq = rest_cb->seq;
	cb->ctl &= ~(XTCP_FIN | XTCP_PSH);
	cb->tx.flags &= ~XTCP_SKB_EOR;
	xtcp_tstamp_split(skb, rest);
	segs_from_len(skb, mss);
	segs_from_len(rest, mss);

	if (is_sent(q, skb)) {
		rb_add_cached(&rest->rbnode, tree_of(q, rest), seq_less);
		if (!(rest_cb->tx.flags & XTCP_SKB_SACKED))
			list_add(&rest->tcp_tsorted_anchor, &skb->tcp_tsorted_anchor);
	} else {
		__skb_queue_after(&q->list, skb, rest);
	}
	count(q, skb, 1);
	count(q, rest, 1);
	return 0;
}

/* Drop the first @n bytes of @skb's frags. */
void xtcp_sndq_frags_eat(struct sk_buff *skb, u32 n)
{
	struct skb_shared_info *si = skb_shinfo(skb);
	u32 left = n;
	int i, k = 0;

	for (i = 0; i < si->nr_frags; i++) {
		u32 size = skb_frag_size(&si->frags[i]);

		if (left >= size) {
			put_page(skb_frag_page(&si->frags[i]));
			left -= size;
			continue;
		}
		si->frags[k] = si->frags[i];
		skb_frag_off_add(&si->frags[k], left);
		skb_frag_size_sub(&si->frags[k], left);
		left = 0;
		k++;
	}
	si->nr_frags = k;
	skb->len -= n;
	skb->data_len -= n;
}

int xtcp_sndq_trim_head(struct sock *sk, struct xtcp_sndq *q, struct sk_buff *skb,
			u32 una, u32 mss)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	u32 n;

	if (!seq_gt(una, cb->seq))
		return 0;
	n = min(una - cb->seq, skb->len);
	if (xtcp_sndq_own_frags(skb, GFP_ATOMIC | __GFP_NOWARN))
		return -ENOMEM;

	count(q, skb, -1);
	xtcp_sndq_frags_eat(skb, n);
	skb->truesize -= n;
	uncharge(sk, n);
	cb->seq += n;
	segs_from_len(skb, mss);
	count(q, skb, 1);
	return 0;
}
