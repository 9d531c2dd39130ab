// SPDX-License-Identifier: GPL-2.0
#include "engine/undo.h"

#include "engine/sock.h"
#include "proto/segment.h"
#include "proto/seq.h"

void xtcp_undo_begin(struct xtcp_sock *xs)
{
	struct xtcp_recovery *r = &xs->recovery;

	r->undo = true;
	r->undo_una = xs->snd.una;
	/* what was sent twice before may be reported by D-SACK now */
	r->undo_retrans = xs->sndq.segs_retrans ?:
			  (xs->rack.tlp_end_seq && xs->rack.tlp_is_retrans);
	r->retrans = false;
}

bool xtcp_undo_delayed(const struct xtcp_sock *xs, const struct xtcp_segment *seg)
{
	const struct xtcp_recovery *r = &xs->recovery;

	/* Not one has left yet (small queues).  Without SACK the ACK at the
	 * RecoveryPoint may be a late one's.
	 */
	if (!r->retrans)
		return xs->neg.sack || seq_lt(xs->snd.una, r->point);
	return xs->neg.ts && seg->opt.saw_tstamp && seg->opt.tsecr &&
	       (s32)(seg->opt.tsecr - r->retrans_stamp) < 0;
}

bool xtcp_undo_dsacked(const struct xtcp_sock *xs)
{
	const struct xtcp_recovery *r = &xs->recovery;

	return r->undo && r->retrans && !r->undo_retrans;
}

bool xtcp_undo_may(const struct xtcp_sock *xs, const struct xtcp_segment *seg)
{
	return xs->recovery.undo &&
	       (xtcp_undo_dsacked(xs) || xtcp_undo_delayed(xs, seg));
}

void xtcp_undo(struct xtcp_sock *xs, enum xtcp_mib_item why)
{
	xtcp_mib_inc(sock_net(&xs->inet.sk), why);
	xtcp_cong_undo(&xs->cong);
	xtcp_ecn_undone(xs);
	xs->recovery.undo = false;
}
