// SPDX-License-Identifier: GPL-2.0
/* reasm.c - reassembly, and what SACK and D-SACK say about it.
 *
 * skb->rbnode shares its memory with next, prev and dev: all three are NULL
 * outside of the tree.
 */

#include "queue/reasm.h"
#include "proto/proto.h"
#include "proto/seq.h"
#include "queue/rcvq.h"

#include <net/sock.h>

/* --- SACK blocks, RFC 2018 -------------------------------------------- */

/* [start, end) has arrived: whatever it touches becomes one block with it, which
 * goes first; the others keep their order, the oldest falls off.
 */
static void sack_add(struct xtcp_reasm *r, u32 start, u32 end)
{
	struct xtcp_sack_block b = { .start = start, .end = end };
	struct xtcp_sack_block out[ARRAY_SIZE(r->sacks) + 1];
	u8 i, n = 1;

	for (i = 0; i < r->num_sacks; i++) {
		const struct xtcp_sack_block *s = &r->sacks[i];

		if (seq_lt(s->end, b.start) || seq_gt(s->start, b.end)) {
			out[n++] = *s;
			continue;
		}
		b.start = seq_min(b.start, s->start);
		b.end = seq_max(b.end, s->end);
	}
	out[0] = b;
	r->num_sacks = min_t(u8, n, ARRAY_SIZE(r->sacks));
	memcpy(r->sacks, out, r->num_sacks * sizeof(out[0]));
}

/* Nothing at or beyond @top is held any more. */
static void sack_cut(struct xtcp_reasm *r, u32 top)
{
	u8 i, n = 0;

	for (i = 0; i < r->num_sacks; i++) {
		struct xtcp_sack_block s = r->sacks[i];

		if (!seq_lt(s.start, top))
			continue;
		s.end = seq_min(s.end, top);
		r->sacks[n++] = s;
	}
	r->num_sacks = n;
}

void xtcp_reasm_sack_trim(struct xtcp_reasm *r, u32 nxt)
{
	u8 i, n = 0;

	if (xtcp_reasm_empty(r)) {
		r->num_sacks = 0;
		return;
	}
	for (i = 0; i < r->num_sacks; i++)
		if (seq_gt(r->sacks[i].start, nxt))
			r->sacks[n++] = r->sacks[i];
	r->num_sacks = n;
}

/* RFC 2883 section 4: one block an ACK, about the segment that caused it. */
void xtcp_reasm_dsack(struct xtcp_reasm *r, u32 start, u32 end)
{
	struct xtcp_sack_block *d = &r->dsack_block;

	if (r->dsack && seq_leq(start, d->end) && seq_leq(d->start, end)) {
		d->start = seq_min(d->start, start);
		d->end = seq_max(d->end, end);
		return;
	}
	r->dsack = true;
	d->start = start;
	d->end = end;
}

u8 xtcp_reasm_sacks(struct xtcp_reasm *r, struct xtcp_sack_block *b, u8 max)
{
	u8 i, n = 0;

	if (r->dsack && max)
		b[n++] = r->dsack_block;
	r->dsack = false;
	for (i = 0; i < r->num_sacks && n < max; i++)
		b[n++] = r->sacks[i];
	return n;
}

/* --- the tree --------------------------------------------------------- */

void xtcp_reasm_init(struct xtcp_reasm *r)
{
	memset(r, 0, sizeof(*r));
	r->root = RB_ROOT;
}

static struct sk_buff *first(const struct xtcp_reasm *r)
{
	return skb_rb_first(&r->root);
}

static void tree_add(struct xtcp_reasm *r, struct sk_buff *skb,
		     struct rb_node *parent, struct rb_node **link)
{
	rb_link_node(&skb->rbnode, parent, link);
	rb_insert_color(&skb->rbnode, &r->root);
	r->bytes += skb->len;
}

static void tree_del(struct xtcp_reasm *r, struct sk_buff *skb)
{
	if (skb == r->last)
		r->last = skb_rb_prev(skb);
	rb_erase(&skb->rbnode, &r->root);
	r->bytes -= skb->len;
	skb->next = NULL;
	skb->prev = NULL;
	skb->dev = NULL;
}

/* The last skb that starts at or before @seq, or NULL. */
static struct sk_buff *find_before(const struct xtcp_reasm *r, u32 seq)
{
	struct rb_node *p = r->root.rb_node;
	struct sk_buff *skb, *best = NULL;

	if (r->last && seq_leq(xtcp_skb_cb(r->last)->seq, seq))
		return r->last;
	while (p) {
		skb = rb_to_skb(p);
		if (seq_leq(xtcp_skb_cb(skb)->seq, seq)) {
			best = skb;
			p = p->rb_right;
		} else {
			p = p->rb_left;
		}
	}
	return best;
}

/* Cut from @skb's front what @prev has.  False: nothing is left, or no memory. */
static bool cut_front(struct xtcp_reasm *r, const struct sk_buff *prev,
		      struct sk_buff *skb)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	u32 have = xtcp_skb_cb(prev)->end_seq;

	if (!seq_lt(cb->seq, have))
		return true;
	if (seq_geq(have, cb->end_seq)) {
		xtcp_reasm_dsack(r, cb->seq, cb->end_seq);
		return false;
	}
	xtcp_reasm_dsack(r, cb->seq, have);
	if (!pskb_pull(skb, have - cb->seq))
		return false;
	cb->seq = have;
	return true;
}

/* Cut from @skb's end what the first that reaches beyond it has.  False: no memory. */
static bool cut_end(struct sk_buff *behind, struct sk_buff *skb)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);

	for (; behind; behind = skb_rb_next(behind)) {
		const struct xtcp_skb_cb *b = xtcp_skb_cb(behind);

		if (!seq_lt(b->seq, cb->end_seq))
			return true;
		if (!seq_gt(b->end_seq, cb->end_seq))
			continue;
		if (pskb_trim(skb, b->seq - cb->seq))
			return false;
		cb->end_seq = b->seq;
		cb->ctl &= ~XTCP_FIN;
		return true;
	}
	return true;
}

/* Drop what @skb covers whole. */
static void drop_covered(struct xtcp_reasm *r, struct sk_buff *behind,
			 const struct sk_buff *skb)
{
	u32 end = xtcp_skb_cb(skb)->end_seq;
	struct sk_buff *next;

	for (; behind; behind = next) {
		const struct xtcp_skb_cb *b = xtcp_skb_cb(behind);

		if (!seq_lt(b->seq, end))
			return;
		xtcp_reasm_dsack(r, b->seq, b->end_seq);
		next = skb_rb_next(behind);
		tree_del(r, behind);
		kfree_skb(behind);
	}
}

/* Put @skb, which overlaps with nobody, behind @prev (NULL: first). */
static void insert(struct sock *sk, struct xtcp_reasm *r, struct sk_buff *prev,
		   struct sk_buff *skb)
{
	struct rb_node **link, *parent;
	u32 len = skb->len;

	if (prev && xtcp_rcvq_coalesce(sk, prev, skb)) {
		r->bytes += len;
		return;
	}
	if (prev) {
		parent = &prev->rbnode;
		link = &parent->rb_right;
	} else {
		parent = NULL;
		link = &r->root.rb_node;
	}
	/* leftmost place of that subtree */
	while (*link) {
		parent = *link;
		link = &parent->rb_left;
	}
	skb_set_owner_r(skb, sk);
	tree_add(r, skb, parent, link);
	if (prev == r->last)
		r->last = skb;
}

bool xtcp_reasm_add(struct sock *sk, struct xtcp_reasm *r, struct sk_buff *skb)
{
	struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);
	struct sk_buff *prev, *next;
	u32 start, end = cb->end_seq;

	prev = find_before(r, cb->seq);
	if (prev && !cut_front(r, prev, skb))
		goto drop;
	next = prev ? skb_rb_next(prev) : first(r);
	/* first what may fail: what is reported by SACK is kept */
	if (!cut_end(next, skb))
		goto drop;
	drop_covered(r, next, skb);
	if (cb->end_seq != end)
		xtcp_reasm_dsack(r, cb->end_seq, end);
	if (cb->seq == cb->end_seq)	/* between them they had it all */
		goto drop;

	/* the block that the new data is in, RFC 2018 section 4 (2) */
	start = cb->seq;
	end = cb->end_seq;
	next = prev ? skb_rb_next(prev) : first(r);
	if (prev && xtcp_skb_cb(prev)->end_seq == start)
		start = xtcp_skb_cb(prev)->seq;
	if (next && xtcp_skb_cb(next)->seq == end)
		end = xtcp_skb_cb(next)->end_seq;

	insert(sk, r, prev, skb);
	sack_add(r, start, end);
	return true;
drop:
	kfree_skb(skb);
	return false;
}

struct sk_buff *xtcp_reasm_pull(struct sock *sk, struct xtcp_reasm *r, u32 nxt)
{
	struct sk_buff *skb;

	while ((skb = first(r))) {
		const struct xtcp_skb_cb *cb = xtcp_skb_cb(skb);

		if (seq_gt(cb->seq, nxt))
			return NULL;
		if (seq_lt(cb->seq, nxt))
			xtcp_reasm_dsack(r, cb->seq, seq_min(cb->end_seq, nxt));
		tree_del(r, skb);
		if (seq_gt(cb->end_seq, nxt))
			return skb;
		kfree_skb(skb);
	}
	return NULL;
}

static struct sk_buff *tree_next(struct sock *sk, struct sk_buff *skb)
{
	return skb_rb_next(skb);
}

unsigned int xtcp_reasm_collapse(struct sock *sk, struct xtcp_reasm *r)
{
	struct sk_buff *skb, *next, *to = NULL;
	unsigned int saved = 0;

	for (skb = first(r); skb; skb = next) {
		next = skb_rb_next(skb);
		if (to && xtcp_compact_add(to, skb)) {
			r->bytes += skb->len;	/* they stay */
			tree_del(r, skb);
			kfree_skb(skb);
			saved++;
			continue;
		}
		to = xtcp_compact_start(sk, skb, tree_next);
		if (!to)
			continue;
		rb_replace_node(&skb->rbnode, &to->rbnode, &r->root);
		skb->next = NULL;
		skb->prev = NULL;
		skb->dev = NULL;
		kfree_skb(skb);
	}
	return saved;
}

bool xtcp_reasm_prune(struct sock *sk, struct xtcp_reasm *r, int goal, u32 keep)
{
	struct sk_buff *skb = r->last;

	if (!skb || !seq_geq(xtcp_skb_cb(skb)->seq, keep))
		return false;
	while ((skb = r->last) && goal > 0 && seq_geq(xtcp_skb_cb(skb)->seq, keep)) {
		goal -= skb->truesize;
		tree_del(r, skb);
		kfree_skb(skb);
	}
	if (r->last)
		sack_cut(r, xtcp_skb_cb(r->last)->end_seq);
	else
		r->num_sacks = 0;
	return true;
}

void xtcp_reasm_purge(struct sock *sk, struct xtcp_reasm *r)
{
	struct sk_buff *skb;

	while ((skb = first(r))) {
		tree_del(r, skb);
		kfree_skb(skb);
	}
	r->num_sacks = 0;
	r->dsack = false;
}
