// SPDX-License-Identifier: GPL-2.0
/* options.c - parse and build the options of RFC 9293, 7323 and 2018
 *
 * Build uses the layout of Linux, which every middlebox has seen:
 *
 *	SYN	MSS, SACK-permitted + TS, NOP + WS
 *	data	NOP NOP TS
 *	ACK	NOP NOP TS, NOP NOP SACK with up to 3 blocks (4 without TS)
 *
 * Every group is a multiple of four, so there is never an EOL to pad after
 * (RFC 9293 MUST-69).
 */

#include "proto/options.h"

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define OPT_WORD(a, b, c, d)	((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

#define WORD_TSTAMP	OPT_WORD(XTCP_OPT_NOP, XTCP_OPT_NOP,		\
				 XTCP_OPT_TSTAMP, XTCP_OLEN_TSTAMP)
#define WORD_SACK_TSTAMP OPT_WORD(XTCP_OPT_SACK_PERM,			\
				  XTCP_OLEN_SACK_PERM,			\
				  XTCP_OPT_TSTAMP, XTCP_OLEN_TSTAMP)
#define WORD_SACK_PERM	OPT_WORD(XTCP_OPT_NOP, XTCP_OPT_NOP,		\
				 XTCP_OPT_SACK_PERM, XTCP_OLEN_SACK_PERM)

/* --- parse -------------------------------------------------------------- */

static void parse_tstamp(struct xtcp_options *opt, const u8 *p)
{
	opt->saw_tstamp = true;
	opt->tsval = get_unaligned_be32(p);
	opt->tsecr = get_unaligned_be32(p + 4);
}

/* RFC 7323 2.3: more than 14 counts as 14 */
static void parse_wscale(struct xtcp_options *opt, u8 shift)
{
	opt->wscale_ok = true;
	opt->wscale_clamped = shift > XTCP_MAX_WSCALE;
	opt->wscale = min_t(u8, shift, XTCP_MAX_WSCALE);
}

/* len counts the blocks only.  Whether they make sense is for sack.c. */
static void parse_sack(struct xtcp_options *opt, const u8 *p, unsigned int len)
{
	unsigned int i, n = len / XTCP_OLEN_SACK_BLOCK;

	if (!n || n > XTCP_MAX_SACKS || len % XTCP_OLEN_SACK_BLOCK)
		return;

	for (i = 0; i < n; i++, p += XTCP_OLEN_SACK_BLOCK) {
		opt->sacks[i].start = get_unaligned_be32(p);
		opt->sacks[i].end = get_unaligned_be32(p + 4);
	}
	opt->num_sacks = n;
}

/* Options that count on a SYN only */
static void parse_syn_one(struct xtcp_options *opt, const u8 *p,
			  unsigned int len)
{
	switch (p[0]) {
	case XTCP_OPT_MSS:
		if (len == XTCP_OLEN_MSS)
			opt->mss = get_unaligned_be16(p + 2);
		break;
	case XTCP_OPT_WSCALE:
		if (len == XTCP_OLEN_WSCALE)
			parse_wscale(opt, p[2]);
		break;
	case XTCP_OPT_SACK_PERM:
		if (len == XTCP_OLEN_SACK_PERM)
			opt->sack_ok = true;
		break;
	}
}

/* One option with a length byte: p[0] kind, p[1] length, all len readable */
static void parse_one(struct xtcp_options *opt, const u8 *p, unsigned int len,
		      bool syn)
{
	switch (p[0]) {
	case XTCP_OPT_TSTAMP:
		if (len == XTCP_OLEN_TSTAMP)
			parse_tstamp(opt, p + 2);
		break;
	case XTCP_OPT_SACK:
		if (!syn)
			parse_sack(opt, p + XTCP_OLEN_SACK_BASE,
				   len - XTCP_OLEN_SACK_BASE);
		break;
	default:
		if (syn)
			parse_syn_one(opt, p, len);
	}
}

static void parse_each(struct xtcp_options *opt, const u8 *p, unsigned int len,
		       bool syn)
{
	while (len) {
		unsigned int olen = 1;

		if (p[0] == XTCP_OPT_EOL)
			return;
		if (p[0] != XTCP_OPT_NOP) {
			/* RFC 9293 MUST-7: illegal lengths */
			if (len < 2 || p[1] < 2 || p[1] > len)
				return;
			olen = p[1];
			parse_one(opt, p, olen, syn);
		}
		p += olen;
		len -= olen;
	}
}

void xtcp_options_parse(struct xtcp_options *opt, const u8 *p,
			unsigned int len, bool syn)
{
	/* sacks[] is only valid up to num_sacks and stays untouched */
	opt->saw_tstamp = false;
	opt->wscale_ok = false;
	opt->wscale_clamped = false;
	opt->sack_ok = false;
	opt->wscale = 0;
	opt->num_sacks = 0;
	opt->mss = 0;
	opt->tsval = 0;
	opt->tsecr = 0;

	/* RFC 7323 appendix A: what nearly every segment begins with */
	if (len >= XTCP_OLEN_TSTAMP_PAD &&
	    get_unaligned_be32(p) == WORD_TSTAMP) {
		parse_tstamp(opt, p + 4);
		p += XTCP_OLEN_TSTAMP_PAD;
		len -= XTCP_OLEN_TSTAMP_PAD;
	}
	parse_each(opt, p, len, syn);
}

/* --- build -------------------------------------------------------------- */

/* All but the SACK blocks */
static unsigned int fixed_len(const struct xtcp_options_out *o)
{
	unsigned int len = 0;

	if (o->mss)
		len += XTCP_OLEN_MSS;
	if (o->tstamp)
		len += XTCP_OLEN_TSTAMP_PAD;
	else if (o->sack_ok)
		len += 4;
	if (o->wscale_ok)
		len += 4;
	return len;
}

static unsigned int sacks_that_fit(const struct xtcp_options_out *o,
				   unsigned int used)
{
	unsigned int room = XTCP_MAX_OPT - 4 - used;

	return min_t(unsigned int, o->num_sacks, room / XTCP_OLEN_SACK_BLOCK);
}

unsigned int xtcp_options_len(const struct xtcp_options_out *o)
{
	unsigned int len = fixed_len(o);
	unsigned int n = sacks_that_fit(o, len);

	return n ? len + 4 + n * XTCP_OLEN_SACK_BLOCK : len;
}

static u8 *put_word(u8 *p, u32 word)
{
	put_unaligned_be32(word, p);
	return p + 4;
}

static u8 *put_sacks(u8 *p, const struct xtcp_sack_block *b, unsigned int n)
{
	if (!n)
		return p;

	p = put_word(p, OPT_WORD(XTCP_OPT_NOP, XTCP_OPT_NOP, XTCP_OPT_SACK,
				 XTCP_OLEN_SACK_BASE +
				 n * XTCP_OLEN_SACK_BLOCK));
	for (; n; n--, b++) {
		p = put_word(p, b->start);
		p = put_word(p, b->end);
	}
	return p;
}

unsigned int xtcp_options_build(u8 *start, const struct xtcp_options_out *o)
{
	unsigned int sacks = sacks_that_fit(o, fixed_len(o));
	u8 *p = start;

	if (o->mss)
		p = put_word(p, OPT_WORD(XTCP_OPT_MSS, XTCP_OLEN_MSS,
					 o->mss >> 8, o->mss & 0xff));
	if (o->tstamp) {
		p = put_word(p, o->sack_ok ? WORD_SACK_TSTAMP : WORD_TSTAMP);
		p = put_word(p, o->tsval);
		p = put_word(p, o->tsecr);
	} else if (o->sack_ok) {
		p = put_word(p, WORD_SACK_PERM);
	}
	if (o->wscale_ok)
		p = put_word(p, OPT_WORD(XTCP_OPT_NOP, XTCP_OPT_WSCALE,
					 XTCP_OLEN_WSCALE, o->wscale));
	p = put_sacks(p, o->sacks, sacks);

	return p - start;
}
