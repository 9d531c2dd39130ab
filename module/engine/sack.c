// SPDX-License-Identifier: GPL-2.0
#include "engine/sack.h"

#include "engine/ack.h"
#include "engine/sock.h"
#include "proto/segment.h"
#include "proto/seq.h"

/* RFC 2883 section 4: the first block repeats what is acknowledged, or what
 * the second block covers.
 */
static bool is_dsack(const struct xtcp_sock *xs, const struct xtcp_segment *seg)
{
	const struct xtcp_sack_block *b = seg->opt.sacks;
	struct net *net = sock_net(&xs->inet.sk);

	if (seq_lt(b[0].start, seg->ack)) {
		xtcp_mib_inc(net, XTCP_MIB_DSACK_RECV);
		return true;
	}
	if (seg->opt.num_sacks < 2 || seq_lt(b[0].start, b[1].start) ||
	    seq_gt(b[0].end, b[1].end))
		return false;
	xtcp_mib_inc(net, XTCP_MIB_DSACK_OFO_RECV);
	return true;
}

/* Segments that @b says arrived twice; 0: it cannot be true.  More than was ever
 * sent twice is the network's work, or a lie.
 */
static u32 dsack_segs(struct xtcp_sock *xs, const struct xtcp_sack_block *b)
{
	u32 len = b->end - b->start, segs = 1;

	if (!seq_lt(b->start, b->end) || len > xs->snd.max_wnd ||
	    seq_gt(b->end, xs->snd.nxt))
		return 0;
	if (len > xs->snd.mss)
		segs = DIV_ROUND_UP(len, xs->snd.mss);
	xs->stats.dsack_dups += segs;
	return xs->stats.dsack_dups > xs->stats.total_retrans ? 0 : segs;
}

static void dsack_rcv(struct xtcp_sock *xs, const struct xtcp_sack_block *b,
		      struct xtcp_ack *ack)
{
	struct net *net = sock_net(&xs->inet.sk);
	struct xtcp_recovery *r = &xs->recovery;
	u32 segs = dsack_segs(xs, b);

	if (!segs) {
		xtcp_mib_inc(net, XTCP_MIB_DSACK_IGNORED_DUBIOUS);
		return;
	}
	xtcp_mib_add(net, XTCP_MIB_DSACK_RECV_SEGS, segs);
	ack->dsack = true;
	ack->dsack_tlp = segs == 1 && b->end == xs->rack.tlp_end_seq;
	/* It tells of our retransmission only if that was in this flight. */
	if (!r->undo)
		xtcp_mib_inc(net, XTCP_MIB_DSACK_IGNORED_NO_UNDO);
	else if (!seq_gt(b->end, r->undo_una))
		xtcp_mib_inc(net, XTCP_MIB_DSACK_IGNORED_OLD);
	else
		r->undo_retrans -= min(r->undo_retrans, segs);
}

/* Worth believing: above the cumulative ACK, what was sent, not empty. */
static bool block_valid(const struct xtcp_sock *xs,
			const struct xtcp_sack_block *b)
{
	return seq_lt(b->start, b->end) && seq_leq(b->end, xs->snd.nxt) &&
	       seq_gt(b->start, xs->snd.una);
}

/* An ACK that was overtaken may tell of what is acknowledged by now. */
static bool block_old(const struct xtcp_sock *xs, const struct xtcp_segment *seg,
		      const struct xtcp_sack_block *b)
{
	return seg->ack != xs->snd.una && seq_leq(b->end, xs->snd.una);
}

static u8 sort_blocks(const struct xtcp_sock *xs, const struct xtcp_segment *seg,
		      u8 first, struct xtcp_sack_block *out)
{
	u8 n = 0, i, j;

	for (i = first; i < seg->opt.num_sacks; i++) {
		if (!block_valid(xs, &seg->opt.sacks[i])) {
			if (!block_old(xs, seg, &seg->opt.sacks[i]))
				xtcp_mib_inc(sock_net(&xs->inet.sk),
					     XTCP_MIB_SACK_DISCARD);
			continue;
		}
		for (j = n; j && seq_gt(out[j - 1].start,
					seg->opt.sacks[i].start); j--)
			out[j] = out[j - 1];
		out[j] = seg->opt.sacks[i];
		n++;
	}
	return n;
}

static void tag(struct xtcp_sock *xs, struct sk_buff *skb, struct xtcp_ack *ack)
{
	const struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);

	xtcp_ack_delivered(xs, ack, skb);
	if (!(cb->tx.flags & XTCP_SKB_EVER_RETRANS))
		ack->sack_xmit_us = max(ack->sack_xmit_us, cb->tx.xmit_us);
	ack->sacked += cb->tx.segs;
	xtcp_sndq_sacked(&xs->sndq, skb);
	if (seq_gt(cb->end_seq, xs->rack.fack))
		xs->rack.fack = cb->end_seq;
}

/* Make @skb begin at @b->start and end at @b->end, in whole segments where it
 * is more than one.  NULL: @skb does not hold a whole segment of the block.
 */
static struct sk_buff *cut_to(struct xtcp_sock *xs, struct sk_buff *skb,
			      const struct xtcp_sack_block *b)
{
	struct sock *sk = &xs->inet.sk;
	u32 mss = xs->snd.mss, len;

	if (seq_lt(xtcp_skb_cb(skb)->seq, b->start)) {
		len = roundup(b->start - xtcp_skb_cb(skb)->seq, mss);
		if (len >= skb->len ||
		    xtcp_sndq_split(sk, &xs->sndq, skb, len, mss, GFP_ATOMIC))
			return NULL;
		skb = xtcp_sndq_flight_next(skb);
	}
	if (seq_geq(xtcp_skb_cb(skb)->seq, b->end))
		return NULL;
	if (seq_gt(xtcp_skb_cb(skb)->end_seq, b->end)) {
		len = rounddown(b->end - xtcp_skb_cb(skb)->seq, mss);
		if (!len || len >= skb->len ||
		    xtcp_sndq_split(sk, &xs->sndq, skb, len, mss, GFP_ATOMIC))
			return NULL;
	}
	return skb;
}

/* What was SACKed before is not in flight: nothing is met twice. */
static void tag_block(struct xtcp_sock *xs, const struct xtcp_sack_block *b,
		      struct xtcp_ack *ack)
{
	struct sk_buff *skb = xtcp_sndq_find(&xs->sndq, b->start), *part, *next;

	for (; skb && seq_lt(xtcp_skb_cb(skb)->seq, b->end); skb = next) {
		part = cut_to(xs, skb, b);
		next = xtcp_sndq_flight_next(part ?: skb);
		if (part)
			tag(xs, part, ack);
	}
}

void xtcp_sack_rcv(struct xtcp_sock *xs, const struct xtcp_segment *seg,
		   struct xtcp_ack *ack)
{
	struct xtcp_sack_block blocks[XTCP_MAX_SACKS];
	u8 first = 0, n, i;

	if (!seg->opt.num_sacks)
		return;
	if (is_dsack(xs, seg)) {
		dsack_rcv(xs, &seg->opt.sacks[0], ack);
		first = 1;
	}
	n = sort_blocks(xs, seg, first, blocks);
	for (i = 0; i < n; i++)
		tag_block(xs, &blocks[i], ack);
}

void xtcp_sack_forget(struct xtcp_sock *xs)
{
	xtcp_sndq_reneged(&xs->sndq);
	xs->rack.fack = xs->snd.una;
}
