/* SPDX-License-Identifier: GPL-2.0 */
/* reasm.h - bytes out of order, waiting for the hole to fill.
 *
 * An rb-tree of skbs by cb.seq, which never overlap: what arrives twice is
 * dropped or stands only once.  The blocks of a SACK (RFC 2018: the most recent first) are kept
 * beside it.  Each skb is charged to the socket; what does not fit is pruned from
 * the highest sequence number.
 *
 * Lock: the socket's.
 */
#ifndef XTCP_QUEUE_REASM_H
#define XTCP_QUEUE_REASM_H

#include "conn/skb.h"
#include "proto/options.h"

#include <linux/rbtree.h>

struct sock;

struct xtcp_reasm {
	struct rb_root		root;
	struct sk_buff		*last;		/* highest seq, for the common append */
	u32			bytes;		/* payload in the tree */
	u8			num_sacks;
	bool			dsack;		/* sacks[] is to be preceded by it */
	struct xtcp_sack_block	dsack_block;
	struct xtcp_sack_block	sacks[4];	/* RFC 2018 section 4: newest first */
};

void xtcp_reasm_init(struct xtcp_reasm *r);
static inline bool xtcp_reasm_empty(const struct xtcp_reasm *r)
{
	return RB_EMPTY_ROOT(&r->root);
}

/* Is there anything that an ACK should tell beside its number? */
static inline bool xtcp_reasm_reports(const struct xtcp_reasm *r)
{
	return !xtcp_reasm_empty(r) || r->dsack;
}

/* Take @skb, beyond RCV.NXT. Owns it from then on (also when it was all
 * duplicate: then false, freed, and r->dsack set; or no memory to cut off an
 * overlap: false, freed).  Charges it; the caller has made sure of the memory by
 * sk_rmem_schedule(). */
bool xtcp_reasm_add(struct sock *sk, struct xtcp_reasm *r, struct sk_buff *skb);
/* Remove and return the first skb if it starts at or before @nxt; NULL if
 * none. What lies wholly before @nxt is freed on the way (D-SACK noted).
 * The skb is still charged, its dev is NULL. */
struct sk_buff *xtcp_reasm_pull(struct sock *sk, struct xtcp_reasm *r, u32 nxt);
/* RCV.NXT moved: SACK blocks below it go. */
void xtcp_reasm_sack_trim(struct xtcp_reasm *r, u32 nxt);
/* A duplicate arrived: first block of the next ACK (RFC 2883). */
void xtcp_reasm_dsack(struct xtcp_reasm *r, u32 start, u32 end);
/* SACK blocks for the next ACK, at most @max; returns their number and forgets
 * the D-SACK. */
u8 xtcp_reasm_sacks(struct xtcp_reasm *r, struct xtcp_sack_block *b, u8 max);
/* Many small skbs that follow each other become few (rcvq.h); how many were saved. */
unsigned int xtcp_reasm_collapse(struct sock *sk, struct xtcp_reasm *r);
/* Free from the top, but nothing that begins before @keep, until @goal bytes of true
 * size are freed. True if any. What was SACKed and is freed is not reported again
 * (reneging, RFC 2018 section 8). */
bool xtcp_reasm_prune(struct sock *sk, struct xtcp_reasm *r, int goal, u32 keep);
void xtcp_reasm_purge(struct sock *sk, struct xtcp_reasm *r);

#endif
