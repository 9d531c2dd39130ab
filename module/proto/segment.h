/* SPDX-License-Identifier: GPL-2.0 */
/* segment.h - bytes of a TCP header to the SEG.* variables of RFC 9293. */
#ifndef _XTCP_PROTO_SEGMENT_H
#define _XTCP_PROTO_SEGMENT_H

#include "proto/drop.h"
#include "proto/options.h"
#include "proto/proto.h"

#include <linux/types.h>

struct xtcp_segment {
	u32	seq;			/* SEG.SEQ */
	u32	ack;			/* SEG.ACK, valid if ctl & XTCP_ACK */
	u32	len;			/* SEG.LEN: data, SYN and FIN */
	u32	data_len;
	u32	end_seq;		/* seq + len */
	u32	wnd;			/* SEG.WND as on the wire, unscaled */
	u16	up;			/* SEG.UP, valid if ctl & XTCP_URG */
	u8	ctl;			/* XTCP_FIN ... XTCP_CWR */
	u8	hdr_len;		/* in bytes, with options */
	__be16	sport;
	__be16	dport;
	struct xtcp_options opt;
};

/* Read the header at th.  linear_len bytes can be read there; the segment has
 * seg_len bytes, header and data.  The caller verifies the checksum and has
 * pulled the whole header (xtcp_hdr_len()): a header that reaches beyond
 * linear_len is TRUNCATED.  On anything but XTCP_DROP_NONE *seg is undefined.
 */
enum xtcp_drop xtcp_segment_parse(struct xtcp_segment *seg, const void *th,
				  unsigned int linear_len,
				  unsigned int seg_len);

#endif /* _XTCP_PROTO_SEGMENT_H */
