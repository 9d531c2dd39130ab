/* SPDX-License-Identifier: GPL-2.0 */
/* options.h - the option part of a header: bytes to struct and back.
 *
 * Parsing never fails: what makes no sense is skipped, what cannot be skipped
 * ends the parse (RFC 9293 MUST-6, MUST-7).  It never reads past p + len.
 */
#ifndef _XTCP_PROTO_OPTIONS_H
#define _XTCP_PROTO_OPTIONS_H

#include "proto/proto.h"

#include <linux/types.h>

struct xtcp_sack_block {
	u32	start;			/* left edge, RFC 2018 3 */
	u32	end;			/* right edge: first not in the block */
};

/* What a segment carried.  mss, wscale and sack_ok are only ever set from a
 * SYN; what was negotiated lives in the connection.
 */
struct xtcp_options {
	bool	saw_tstamp;		/* tsval and tsecr are valid */
	bool	wscale_ok;		/* wscale is valid */
	bool	wscale_clamped;		/* peer asked for more than 14 */
	bool	sack_ok;		/* SACK permitted */
	u8	wscale;			/* 0..14 */
	u8	num_sacks;		/* valid entries of sacks[] */
	u16	mss;			/* 0: absent */
	u32	tsval;
	u32	tsecr;
	struct xtcp_sack_block sacks[XTCP_MAX_SACKS];	/* as received */
};

/* What a segment shall carry. */
struct xtcp_options_out {
	bool	tstamp;			/* tsval and tsecr */
	bool	wscale_ok;		/* SYN: wscale */
	bool	sack_ok;		/* SYN: SACK permitted */
	u8	wscale;
	u8	num_sacks;		/* cut to what fits */
	u16	mss;			/* SYN: MSS, 0 leaves it out */
	u32	tsval;
	u32	tsecr;
	const struct xtcp_sack_block *sacks;
};

/* RFC 7323 5.2: is @tsval older than TS.Recent?  After 24 days without an update,
 * when its sign bit may have changed, TS.Recent is not valid any more (5.5).
 * A SYN's TSval of 0 stands for none: some hosts begin so.
 */
static inline bool xtcp_ts_is_old(u32 tsval, u32 recent, u32 age_sec)
{
	return (s32)(tsval - recent) < 0 && recent &&
	       age_sec < XTCP_PAWS_MAX_IDLE_SEC;
}

void xtcp_options_parse(struct xtcp_options *opt, const u8 *p,
			unsigned int len, bool syn);

/* Bytes that build() will write: a multiple of 4, at most XTCP_MAX_OPT. */
unsigned int xtcp_options_len(const struct xtcp_options_out *o);
/* p has room for xtcp_options_len(o), any alignment.  Returns that length. */
unsigned int xtcp_options_build(u8 *p, const struct xtcp_options_out *o);

#endif /* _XTCP_PROTO_OPTIONS_H */
