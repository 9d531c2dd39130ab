// SPDX-License-Identifier: GPL-2.0
#include "engine/urg.h"

#include "engine/sock.h"
#include "proto/segment.h"
#include "proto/seq.h"

/* --- receive -------------------------------------------------------------- */

/* MUST-62: the pointer names the byte after the urgent one; net.xtcp.stdurg has the
 * older reading.
 */
static u32 mark_of(const struct xtcp_sock *xs, const struct xtcp_segment *seg)
{
	u32 up = seg->up;

	if (up && !READ_ONCE(xs->params->stdurg))
		up--;
	return seg->seq + up;
}

/* The old mark goes though its byte was not read in line: it never will be. */
static void skip_byte(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;
	u32 seq = xs->rcvq.copied_seq;

	if (xs->urg.mark == seq && seq != xs->rcv.nxt &&
	    !sock_flag(sk, SOCK_URGINLINE))
		xtcp_rcvq_copy(sk, &xs->rcvq, NULL, 1, &xs->rcvq.copied_seq, false);
}

/* MUST-32: who owns the socket hears of a new or an advanced pointer, once. */
static void announced(struct xtcp_sock *xs, u32 mark)
{
	struct xtcp_urg *urg = &xs->urg;

	if (seq_gt(xs->rcvq.copied_seq, mark) || seq_lt(mark, xs->rcv.nxt))
		return;			/* URG-3: behind us */
	if (urg->state != XTCP_URG_NONE && !seq_gt(mark, urg->mark))
		return;			/* known, or receding */
	sk_send_sigurg(&xs->inet.sk);
	if (urg->state != XTCP_URG_NONE)
		skip_byte(xs);
	WRITE_ONCE(urg->mark, mark);
	WRITE_ONCE(urg->state, XTCP_URG_ANNOUNCED);
}

void xtcp_urg_rcv(struct xtcp_sock *xs, const struct sk_buff *skb,
		  const struct xtcp_segment *seg)
{
	struct xtcp_urg *urg = &xs->urg;
	struct sock *sk = &xs->inet.sk;
	u32 off;

	if (seg->ctl & XTCP_URG)
		announced(xs, mark_of(xs, seg));
	if (urg->state != XTCP_URG_ANNOUNCED)
		return;
	off = urg->mark - seg->seq;
	if (off >= seg->data_len ||
	    skb_copy_bits(skb, seg->hdr_len + off, &urg->byte, 1))
		return;
	smp_store_release(&urg->state, XTCP_URG_HERE);	/* with its byte: poll() */
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
}

bool xtcp_urg_at(const struct xtcp_sock *xs, u32 seq)
{
	return READ_ONCE(xs->urg.state) != XTCP_URG_NONE &&
	       READ_ONCE(xs->urg.mark) == seq;
}

void xtcp_urg_read(struct xtcp_sock *xs)
{
	if (seq_gt(xs->rcvq.copied_seq, xs->urg.mark))
		WRITE_ONCE(xs->urg.state, XTCP_URG_NONE);
}

u32 xtcp_urg_avail(const struct xtcp_sock *xs, u32 avail)
{
	const struct xtcp_urg *urg = &xs->urg;
	u32 before = urg->mark - xs->rcvq.copied_seq;

	if (urg->state == XTCP_URG_NONE || before >= avail ||
	    sock_flag(&xs->inet.sk, SOCK_URGINLINE))
		return avail;
	return before;
}

/* --- send ------------------------------------------------------------------ */

void xtcp_urg_mark(struct xtcp_sock *xs)
{
	xs->urg.snd_up = xs->sndq.write_seq;
	xs->urg.sending = true;
}

bool xtcp_urg_sending(struct xtcp_sock *xs)
{
	if (likely(!xs->urg.sending))
		return false;
	xs->urg.sending = seq_lt(xs->snd.una, xs->urg.snd_up);
	return xs->urg.sending;
}

/* What a 16-bit pointer cannot reach is still said to be far. */
void xtcp_urg_put(struct xtcp_sock *xs, struct xtcp_hdr *th, u32 seq)
{
	u32 up = xs->urg.snd_up - seq;

	if (!xtcp_urg_sending(xs) || !seq_lt(seq, xs->urg.snd_up))
		return;
	th->flags |= XTCP_URG;
	th->up = htons(min_t(u32, up, U16_MAX));
}
