// SPDX-License-Identifier: GPL-2.0
/* segment_test.c - headers as they arrive, whole, cut and forged */

#include "tap.h"

#include "proto/segment.h"

/* 443 -> 51000, seq 0x01020304, ack 0xa1a2a3a4, window 502, urgent 9 */
static const u8 head[20] = {
	0x01, 0xbb, 0xc7, 0x38, 1, 2, 3, 4, 0xa1, 0xa2, 0xa3, 0xa4,
	0x50, XTCP_ACK, 0x01, 0xf6, 0xbe, 0xef, 0x00, 0x09,
};

/* Parse from a heap buffer of exactly linear_len bytes at an odd address */
static enum xtcp_drop parse(struct xtcp_segment *seg, const void *bytes,
			    unsigned int linear_len, unsigned int seg_len)
{
	u8 *buf = malloc(linear_len + 1);
	enum xtcp_drop why;

	memcpy(buf + 1, bytes, linear_len);
	memset(seg, 0xa5, sizeof(*seg));
	why = xtcp_segment_parse(seg, buf + 1, linear_len, seg_len);
	free(buf);
	return why;
}

static enum xtcp_drop parse_flags(struct xtcp_segment *seg, u8 flags,
				  unsigned int data)
{
	u8 b[20];

	memcpy(b, head, sizeof(b));
	b[13] = flags;
	return parse(seg, b, 20, 20 + data);
}

TEST(segment_parse__every_field)
{
	struct xtcp_segment seg;

	EXPECT_EQ(parse(&seg, head, 20, 120), XTCP_DROP_NONE);
	EXPECT_EQ(ntohs(seg.sport), 443);
	EXPECT_EQ(ntohs(seg.dport), 51000);
	EXPECT_EQ(seg.seq, 0x01020304);
	EXPECT_EQ(seg.ack, 0xa1a2a3a4u);
	EXPECT_EQ(seg.wnd, 502);
	EXPECT_EQ(seg.up, 9);
	EXPECT_EQ(seg.ctl, XTCP_ACK);
	EXPECT_EQ(seg.hdr_len, 20);
	EXPECT_EQ(seg.data_len, 100);
	EXPECT_EQ(seg.len, 100);
	EXPECT_EQ(seg.end_seq, 0x01020304 + 100);
	EXPECT(!seg.opt.saw_tstamp);
}

TEST(segment_parse__window_is_unsigned)
{
	struct xtcp_segment seg;
	u8 b[20];

	/* MUST-1 */
	memcpy(b, head, sizeof(b));
	b[14] = 0xff;
	b[15] = 0xff;
	EXPECT_EQ(parse(&seg, b, 20, 20), XTCP_DROP_NONE);
	EXPECT_EQ(seg.wnd, 65535);
}

TEST(segment_parse__syn_and_fin_take_sequence_space)
{
	struct xtcp_segment seg;

	parse_flags(&seg, XTCP_SYN, 0);
	EXPECT_EQ(seg.len, 1);
	EXPECT_EQ(seg.data_len, 0);
	parse_flags(&seg, XTCP_SYN | XTCP_ACK, 10);
	EXPECT_EQ(seg.len, 11);
	parse_flags(&seg, XTCP_FIN | XTCP_ACK, 10);
	EXPECT_EQ(seg.len, 11);
	EXPECT_EQ(seg.data_len, 10);
	EXPECT_EQ(seg.end_seq, seg.seq + 11);
	parse_flags(&seg, XTCP_RST, 10);
	EXPECT_EQ(seg.len, 10);
}

TEST(segment_parse__end_seq_wraps)
{
	struct xtcp_segment seg;
	u8 b[20];

	memcpy(b, head, sizeof(b));
	memset(b + 4, 0xff, 4);
	EXPECT_EQ(parse(&seg, b, 20, 30), XTCP_DROP_NONE);
	EXPECT_EQ(seg.end_seq, 9);
}

TEST(segment_parse__options_of_syn)
{
	struct xtcp_segment seg;
	u8 b[44];

	memcpy(b, head, 20);
	b[12] = 0xb0;
	memcpy(b + 20, "\x02\x04\x05\xb4\x04\x02\x08\x0a\x00\x00\x00\x01"
	       "\x00\x00\x00\x02\x01\x03\x03\x07\x00\x00\x00\x00", 24);

	b[13] = XTCP_SYN;
	EXPECT_EQ(parse(&seg, b, 44, 44), XTCP_DROP_NONE);
	EXPECT_EQ(seg.hdr_len, 44);
	EXPECT_EQ(seg.len, 1);
	EXPECT_EQ(seg.opt.mss, 1460);
	EXPECT_EQ(seg.opt.wscale, 7);
	EXPECT_EQ(seg.opt.tsval, 1);

	b[13] = XTCP_ACK;
	EXPECT_EQ(parse(&seg, b, 44, 44), XTCP_DROP_NONE);
	EXPECT_EQ(seg.opt.mss, 0);
	EXPECT(!seg.opt.sack_ok);
	EXPECT_EQ(seg.opt.tsecr, 2);
}

/* Every data offset against every length */
TEST(segment_parse__lengths_exhaustive)
{
	unsigned int doff, linear, len;
	struct xtcp_segment seg;
	u8 b[70] = { 0 };

	memcpy(b, head, 20);
	for (doff = 0; doff < 16; doff++)
		for (linear = 0; linear <= 64; linear++)
			for (len = 0; len <= 64; len++) {
				enum xtcp_drop want = XTCP_DROP_NONE;

				b[12] = doff << 4;
				if (linear < 20 || len < 20)
					want = XTCP_DROP_TRUNCATED;
				else if (doff < 5 || doff * 4 > len)
					want = XTCP_DROP_BAD_DOFF;
				else if (doff * 4 > linear)
					want = XTCP_DROP_TRUNCATED;
				EXPECT_EQ(parse(&seg, b, linear, len), want);
				if (want == XTCP_DROP_NONE)
					EXPECT_EQ(seg.data_len, len - doff * 4);
			}
}

static bool flags_make_sense(u8 f)
{
	if (f & XTCP_SYN)
		return !(f & (XTCP_FIN | XTCP_RST));
	return f & (XTCP_RST | XTCP_ACK);
}

TEST(segment_parse__flags_exhaustive)
{
	struct xtcp_segment seg;
	unsigned int f;

	for (f = 0; f < 256; f++)
		EXPECT_EQ(parse_flags(&seg, f, 0), flags_make_sense(f) ?
			  XTCP_DROP_NONE : XTCP_DROP_BAD_FLAGS);
}

TEST(segment_parse__flags_of_scanners)
{
	struct xtcp_segment seg;
	const u8 bad[] = {
		0,					/* null scan */
		XTCP_FIN,				/* FIN scan */
		XTCP_FIN | XTCP_PSH | XTCP_URG,		/* Xmas */
		0x3f, 0xff,				/* all of them */
		XTCP_SYN | XTCP_FIN,
		XTCP_SYN | XTCP_FIN | XTCP_ACK,
		XTCP_SYN | XTCP_RST,
		XTCP_SYN | XTCP_RST | XTCP_ACK,
		XTCP_PSH, XTCP_URG, XTCP_ECE, XTCP_CWR,
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad); i++)
		EXPECT_EQ(parse_flags(&seg, bad[i], 0), XTCP_DROP_BAD_FLAGS);
}

TEST(segment_parse__flags_of_ecn)
{
	struct xtcp_segment seg;

	/* RFC 3168 6.1.1 */
	EXPECT_EQ(parse_flags(&seg, XTCP_SYN | XTCP_ECE | XTCP_CWR, 0),
		  XTCP_DROP_NONE);
	EXPECT_EQ(seg.ctl, XTCP_SYN | XTCP_ECE | XTCP_CWR);
}

TEST(segment_parse__fuzz)
{
	unsigned int n, taken = 0;

	for (n = 0; n < 300000; n++) {
		unsigned int linear = tap_random() % 81;
		unsigned int len = linear + tap_random() % 3 * 700;
		struct xtcp_segment seg;
		u8 b[80];
		unsigned int i;

		for (i = 0; i < sizeof(b); i += 8) {
			u64 r = tap_random();

			memcpy(b + i, &r, 8);
		}
		if (parse(&seg, b, linear, len))
			continue;
		taken++;
		EXPECT(seg.hdr_len >= 20 && seg.hdr_len <= linear);
		EXPECT_EQ(seg.hdr_len + seg.data_len, len);
		EXPECT(seg.opt.num_sacks <= 4);
		EXPECT(seg.opt.wscale <= 14);
		EXPECT_EQ(seg.end_seq, (u32)(seg.seq + seg.len));
	}
	EXPECT(taken > 10000);
}
