// SPDX-License-Identifier: GPL-2.0
/* segment.c - RFC 9293 3.1: header bytes to SEG.* variables */

#include "proto/segment.h"

#include <linux/types.h>

#define FLAGS_THAT_MATTER	(XTCP_FIN | XTCP_SYN | XTCP_RST | XTCP_ACK)

/* Which of them go together.  PSH, URG and the ECN bits ride along.  RFC 9293
 * 3.10.7.4 looks at RST before it looks at FIN, so a FIN beside it does no
 * harm; SYN with FIN or RST is only ever sent by scanners, and everything
 * else carries an ACK.
 */
static const bool flags_legal[FLAGS_THAT_MATTER + 1] = {
	[XTCP_SYN]				= true,
	[XTCP_SYN | XTCP_ACK]			= true,
	[XTCP_RST]				= true,
	[XTCP_RST | XTCP_ACK]			= true,
	[XTCP_RST | XTCP_FIN]			= true,
	[XTCP_RST | XTCP_FIN | XTCP_ACK]	= true,
	[XTCP_ACK]				= true,
	[XTCP_FIN | XTCP_ACK]			= true,
};

static enum xtcp_drop header_verify(const struct xtcp_hdr *th,
				    unsigned int linear_len,
				    unsigned int seg_len)
{
	unsigned int hdr_len;

	if (seg_len < XTCP_HDR_LEN || linear_len < XTCP_HDR_LEN)
		return XTCP_DROP_TRUNCATED;

	hdr_len = xtcp_hdr_len(th);
	if (hdr_len < XTCP_HDR_LEN || hdr_len > seg_len)
		return XTCP_DROP_BAD_DOFF;
	if (hdr_len > linear_len)
		return XTCP_DROP_TRUNCATED;
	if (!flags_legal[th->flags & FLAGS_THAT_MATTER])
		return XTCP_DROP_BAD_FLAGS;
	return XTCP_DROP_NONE;
}

enum xtcp_drop xtcp_segment_parse(struct xtcp_segment *seg, const void *data,
				  unsigned int linear_len,
				  unsigned int seg_len)
{
	const struct xtcp_hdr *th = data;
	enum xtcp_drop why;

	why = header_verify(th, linear_len, seg_len);
	if (why)
		return why;

	seg->sport = th->sport;
	seg->dport = th->dport;
	seg->seq = ntohl(th->seq);
	seg->ack = ntohl(th->ack);
	seg->wnd = ntohs(th->wnd);
	seg->up = ntohs(th->up);
	seg->ctl = th->flags;
	seg->hdr_len = xtcp_hdr_len(th);
	seg->data_len = seg_len - seg->hdr_len;
	seg->len = seg->data_len + !!(seg->ctl & XTCP_SYN) +
		   !!(seg->ctl & XTCP_FIN);
	seg->end_seq = seg->seq + seg->len;

	xtcp_options_parse(&seg->opt, (const u8 *)(th + 1),
			   seg->hdr_len - XTCP_HDR_LEN,
			   seg->ctl & XTCP_SYN);
	return XTCP_DROP_NONE;
}
