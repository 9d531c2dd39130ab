// SPDX-License-Identifier: GPL-2.0
/* options_test.c - option bytes as stacks send them, and as attackers do */

#include "tap.h"

#include "proto/options.h"

/* Parse from a heap buffer of exactly len bytes at an odd address, so that
 * ASan sees a read past the end and UBSan an aligned one.
 */
static struct xtcp_options parse(const void *bytes, unsigned int len, bool syn)
{
	struct xtcp_options opt;
	u8 *buf = malloc(len + 1);

	memset(&opt, 0xa5, sizeof(opt));
	memcpy(buf + 1, bytes, len);
	xtcp_options_parse(&opt, buf + 1, len, syn);
	free(buf);
	return opt;
}

#define PARSE(syn, ...)							\
	parse((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }), \
	      syn)

#define TS_BYTES(val, ecr)						\
	8, 10, (val) >> 24, (val) >> 16 & 255, (val) >> 8 & 255, (val) & 255, \
	(ecr) >> 24, (ecr) >> 16 & 255, (ecr) >> 8 & 255, (ecr) & 255

static void expect_nothing(struct xtcp_options o)
{
	EXPECT(!o.saw_tstamp && !o.wscale_ok && !o.wscale_clamped &&
	       !o.sack_ok);
	EXPECT_EQ(o.wscale, 0);
	EXPECT_EQ(o.num_sacks, 0);
	EXPECT_EQ(o.mss, 0);
	EXPECT_EQ(o.tsval, 0);
	EXPECT_EQ(o.tsecr, 0);
}

/* --- parse: what stacks send --------------------------------------------- */

TEST(options_parse__none)
{
	expect_nothing(parse("", 0, true));
	expect_nothing(parse("", 0, false));
}

TEST(options_parse__linux_syn)
{
	struct xtcp_options o = PARSE(true, 2, 4, 0x05, 0xb4, 4, 2,
				      TS_BYTES(0x12345678u, 0u), 1, 3, 3, 7);

	EXPECT_EQ(o.mss, 1460);
	EXPECT(o.sack_ok);
	EXPECT(o.saw_tstamp);
	EXPECT_EQ(o.tsval, 0x12345678);
	EXPECT_EQ(o.tsecr, 0);
	EXPECT(o.wscale_ok && !o.wscale_clamped);
	EXPECT_EQ(o.wscale, 7);
	EXPECT_EQ(o.num_sacks, 0);
}

TEST(options_parse__windows_syn)
{
	struct xtcp_options o = PARSE(true, 2, 4, 0x05, 0xb4, 1, 3, 3, 8,
				      1, 1, 4, 2);

	EXPECT_EQ(o.mss, 1460);
	EXPECT(o.wscale_ok);
	EXPECT_EQ(o.wscale, 8);
	EXPECT(o.sack_ok);
	EXPECT(!o.saw_tstamp);
}

TEST(options_parse__macos_syn)
{
	struct xtcp_options o = PARSE(true, 2, 4, 0x05, 0xb4, 1, 3, 3, 6, 1, 1,
				      TS_BYTES(0xfedcba98u, 0u), 4, 2, 0, 0);

	EXPECT_EQ(o.mss, 1460);
	EXPECT_EQ(o.wscale, 6);
	EXPECT_EQ(o.tsval, 0xfedcba98u);
	EXPECT(o.sack_ok);
}

TEST(options_parse__data_with_timestamp)
{
	struct xtcp_options o = PARSE(false, 1, 1,
				      TS_BYTES(0x01020304u, 0xa1a2a3a4u));

	EXPECT(o.saw_tstamp);
	EXPECT_EQ(o.tsval, 0x01020304);
	EXPECT_EQ(o.tsecr, 0xa1a2a3a4u);
}

TEST(options_parse__timestamp_elsewhere)
{
	/* not the usual place: MUST-64, any byte */
	struct xtcp_options o = PARSE(false, 1, TS_BYTES(7u, 9u), 1);

	EXPECT_EQ(o.tsval, 7);
	EXPECT_EQ(o.tsecr, 9);
	o = PARSE(false, TS_BYTES(7u, 9u), 0, 0);
	EXPECT_EQ(o.tsval, 7);
	o = PARSE(false, 1, 1, 1, TS_BYTES(8u, 9u));
	EXPECT_EQ(o.tsval, 8);
}

TEST(options_parse__ack_with_timestamp_and_sacks)
{
	struct xtcp_options o = PARSE(false, 1, 1, TS_BYTES(1u, 2u), 1, 1,
				      5, 26, 0, 0, 0x10, 0, 0, 0, 0x20, 0,
				      0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 0x10,
				      0, 0, 0, 1, 0, 0, 0, 2);

	EXPECT_EQ(o.tsval, 1);
	EXPECT_EQ(o.num_sacks, 3);
	EXPECT_EQ(o.sacks[0].start, 0x1000);
	EXPECT_EQ(o.sacks[0].end, 0x2000);
	EXPECT_EQ(o.sacks[1].start, 0xfffffff0u);
	EXPECT_EQ(o.sacks[1].end, 0x10);
	EXPECT_EQ(o.sacks[2].end, 2);
}

TEST(options_parse__four_sacks)
{
	u8 b[36] = { 1, 1, 5, 34 };
	struct xtcp_options o;
	unsigned int i;

	for (i = 0; i < 8; i++)
		b[7 + 4 * i] = i + 1;
	o = parse(b, sizeof(b), false);
	EXPECT_EQ(o.num_sacks, 4);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(o.sacks[i].start, 2 * i + 1);
		EXPECT_EQ(o.sacks[i].end, 2 * i + 2);
	}
}

/* --- parse: what makes no sense ------------------------------------------ */

TEST(options_parse__unknown_kinds_are_skipped)
{
	/* MUST-6: 200, the experimental 254, TFO 34, MPTCP 30, AccECN 172 */
	struct xtcp_options o = PARSE(true, 200, 6, 2, 4, 9, 9, 254, 4, 0xf9,
				      0x89, 34, 2, 30, 3, 0, 172, 2,
				      2, 4, 0x02, 0x18);

	EXPECT_EQ(o.mss, 536);
	EXPECT(!o.sack_ok && !o.saw_tstamp && !o.wscale_ok);
}

TEST(options_parse__nothing_after_eol)
{
	expect_nothing(PARSE(true, 0, 2, 4, 5, 0xb4));
	expect_nothing(PARSE(true, 1, 1, 0, 4, 2));
}

TEST(options_parse__illegal_lengths_stop)
{
	struct xtcp_options o;

	/* MUST-7: 0, 1, past the end, no length byte */
	expect_nothing(PARSE(true, 2, 0, 5, 0xb4, 4, 2));
	expect_nothing(PARSE(true, 2, 1, 5, 0xb4, 4, 2));
	expect_nothing(PARSE(true, 2, 5, 5, 0xb4));
	expect_nothing(PARSE(true, 2));
	expect_nothing(PARSE(true, 200, 255, 0, 0));
	/* what came before stays */
	o = PARSE(true, 4, 2, 99, 0, 2, 4, 5, 0xb4);
	EXPECT(o.sack_ok);
	EXPECT_EQ(o.mss, 0);
}

TEST(options_parse__wrong_length_of_known_kind)
{
	/* skipped by the length it claims, and not believed */
	struct xtcp_options o = PARSE(true, 2, 3, 5, 3, 4, 7, 7, 4, 3, 0,
				      8, 9, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 0);

	EXPECT_EQ(o.mss, 256);
	EXPECT(!o.wscale_ok && !o.sack_ok && !o.saw_tstamp);
	expect_nothing(PARSE(false, 1, 1, 8, 9, 0, 0, 0, 1, 0, 0, 0));
	expect_nothing(PARSE(false, 1, 1, 8, 11, 0, 0, 0, 1, 0, 0, 0, 0, 0));
}

TEST(options_parse__sack_of_odd_size)
{
	u8 b[40] = { 5 };
	unsigned int len;

	for (len = 2; len <= 40; len++) {
		struct xtcp_options o;

		b[1] = len;
		o = parse(b, 40, false);
		EXPECT_EQ(o.num_sacks, len == 10 ? 1 : len == 18 ? 2 :
			  len == 26 ? 3 : len == 34 ? 4 : 0);
	}
}

TEST(options_parse__wscale_above_14)
{
	struct xtcp_options o;
	unsigned int shift;

	for (shift = 0; shift <= 255; shift++) {
		o = PARSE(true, 3, 3, shift);
		EXPECT(o.wscale_ok);
		EXPECT_EQ(o.wscale, shift < 14 ? shift : 14);
		EXPECT_EQ(o.wscale_clamped, shift > 14);
	}
}

TEST(options_parse__syn_only_options)
{
	struct xtcp_options o = PARSE(false, 2, 4, 5, 0xb4, 3, 3, 7, 4, 2,
				      TS_BYTES(1u, 2u));

	EXPECT_EQ(o.mss, 0);
	EXPECT(!o.wscale_ok && !o.sack_ok);
	EXPECT(o.saw_tstamp);

	o = PARSE(true, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2);
	EXPECT_EQ(o.num_sacks, 0);
}

TEST(options_parse__every_prefix)
{
	const u8 b[] = { 2, 4, 5, 0xb4, 4, 2, TS_BYTES(1u, 2u), 1, 3, 3, 7 };
	unsigned int len;

	for (len = 0; len <= sizeof(b); len++) {
		struct xtcp_options o = parse(b, len, true);

		EXPECT_EQ(o.mss, len >= 4 ? 1460 : 0);
		EXPECT_EQ(o.sack_ok, len >= 6);
		EXPECT_EQ(o.saw_tstamp, len >= 16);
		EXPECT_EQ(o.wscale_ok, len >= 20);
	}
}

/* A second opinion: a parser with another shape */
static void parse_slowly(struct xtcp_options *o, const u8 *b, int len, bool syn)
{
	int i = 0, k, n;

	memset(o, 0, sizeof(*o));
	while (i < len && b[i] != 0) {
		if (b[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= len || b[i + 1] < 2 || i + b[i + 1] > len)
			break;
		n = b[i + 1];
		if (b[i] == 2 && n == 4 && syn)
			o->mss = b[i + 2] * 256 + b[i + 3];
		if (b[i] == 3 && n == 3 && syn) {
			o->wscale_ok = true;
			o->wscale_clamped = b[i + 2] > 14;
			o->wscale = b[i + 2] > 14 ? 14 : b[i + 2];
		}
		if (b[i] == 4 && n == 2 && syn)
			o->sack_ok = true;
		if (b[i] == 5 && n > 2 && n <= 34 && n % 8 == 2 && !syn) {
			o->num_sacks = n / 8;
			for (k = 0; k < o->num_sacks; k++) {
				o->sacks[k].start =
					get_unaligned_be32(b + i + 2 + 8 * k);
				o->sacks[k].end =
					get_unaligned_be32(b + i + 6 + 8 * k);
			}
		}
		if (b[i] == 8 && n == 10) {
			o->saw_tstamp = true;
			o->tsval = get_unaligned_be32(b + i + 2);
			o->tsecr = get_unaligned_be32(b + i + 6);
		}
		i += n;
	}
}

static void expect_same(const struct xtcp_options *a,
			const struct xtcp_options *b)
{
	EXPECT_EQ(a->saw_tstamp, b->saw_tstamp);
	EXPECT_EQ(a->tsval, b->tsval);
	EXPECT_EQ(a->tsecr, b->tsecr);
	EXPECT_EQ(a->mss, b->mss);
	EXPECT_EQ(a->wscale_ok, b->wscale_ok);
	EXPECT_EQ(a->wscale_clamped, b->wscale_clamped);
	EXPECT_EQ(a->wscale, b->wscale);
	EXPECT_EQ(a->sack_ok, b->sack_ok);
	EXPECT_EQ(a->num_sacks, b->num_sacks);
	EXPECT_MEM(a->sacks, b->sacks, a->num_sacks * sizeof(a->sacks[0]));
}

/* Kinds and lengths drawn so that most options are nearly right */
static void random_options(u8 *b, unsigned int len)
{
	static const u8 usual[] = { 0, 1, 1, 2, 3, 4, 5, 8, 10, 18, 26, 34 };
	unsigned int i;

	for (i = 0; i < len; i++) {
		u64 r = tap_random();

		b[i] = r & 0x300 ? usual[(r >> 16) % ARRAY_SIZE(usual)] : r;
	}
	if (len >= 4 && tap_random() % 4 == 0)
		memcpy(b, "\x01\x01\x08\x0a", 4);
}

TEST(options_parse__fuzz_against_second_parser)
{
	unsigned int n;

	for (n = 0; n < 300000; n++) {
		unsigned int len = tap_random() % (XTCP_MAX_OPT + 1);
		bool syn = tap_random() & 1;
		struct xtcp_options a, b;
		u8 bytes[XTCP_MAX_OPT];

		random_options(bytes, len);
		a = parse(bytes, len, syn);
		parse_slowly(&b, bytes, len, syn);
		expect_same(&a, &b);
	}
}

/* --- build ---------------------------------------------------------------- */

static unsigned int build(u8 *out, const struct xtcp_options_out *o)
{
	unsigned int len = xtcp_options_len(o);
	u8 *buf = malloc(len + 1);

	EXPECT(len <= XTCP_MAX_OPT && len % 4 == 0);
	EXPECT_EQ(xtcp_options_build(buf + 1, o), len);
	memcpy(out, buf + 1, len);
	free(buf);
	return len;
}

#define EXPECT_BUILD(o, ...) do {					\
	static const u8 __want[] = { __VA_ARGS__ };			\
	u8 __got[XTCP_MAX_OPT];						\
									\
	EXPECT_EQ(build(__got, o), sizeof(__want));			\
	EXPECT_MEM(__got, __want, sizeof(__want));			\
} while (0)

TEST(options_build__syn_as_linux)
{
	struct xtcp_options_out o = {
		.mss = 1460, .sack_ok = true, .tstamp = true,
		.tsval = 0x12345678, .wscale_ok = true, .wscale = 7,
	};

	EXPECT_BUILD(&o, 2, 4, 0x05, 0xb4, 4, 2, TS_BYTES(0x12345678u, 0u),
		     1, 3, 3, 7);
}

TEST(options_build__syn_without_timestamps)
{
	struct xtcp_options_out o = {
		.mss = 536, .sack_ok = true, .wscale_ok = true, .wscale = 14,
	};

	EXPECT_BUILD(&o, 2, 4, 2, 0x18, 1, 1, 4, 2, 1, 3, 3, 14);
}

TEST(options_build__syn_bare)
{
	struct xtcp_options_out o = { .mss = 65495 };

	EXPECT_BUILD(&o, 2, 4, 0xff, 0xd7);
}

TEST(options_build__syn_timestamps_without_sack)
{
	struct xtcp_options_out o = {
		.mss = 1460, .tstamp = true, .tsval = 1, .tsecr = 2,
	};

	EXPECT_BUILD(&o, 2, 4, 0x05, 0xb4, 1, 1, TS_BYTES(1u, 2u));
}

TEST(options_build__data)
{
	struct xtcp_options_out o = {
		.tstamp = true, .tsval = 0xdeadbeef, .tsecr = 0x01020304,
	};

	/* TS-13: a header of 32 bytes */
	EXPECT_BUILD(&o, 1, 1, TS_BYTES(0xdeadbeefu, 0x01020304u));
}

TEST(options_build__nothing)
{
	struct xtcp_options_out o = { 0 };
	u8 got[XTCP_MAX_OPT];

	EXPECT_EQ(build(got, &o), 0);
}

TEST(options_build__ack_with_sack)
{
	static const struct xtcp_sack_block b[] = { { 0x1000, 0xfffffffe } };
	struct xtcp_options_out o = { .num_sacks = 1, .sacks = b };

	EXPECT_BUILD(&o, 1, 1, 5, 10, 0, 0, 0x10, 0, 0xff, 0xff, 0xff, 0xfe);
	o.tstamp = true;
	EXPECT_BUILD(&o, 1, 1, TS_BYTES(0u, 0u), 1, 1, 5, 10, 0, 0, 0x10, 0,
		     0xff, 0xff, 0xff, 0xfe);
}

TEST(options_build__sacks_that_fit)
{
	struct xtcp_sack_block b[8] = { 0 };
	struct xtcp_options_out o = { .sacks = b };
	unsigned int n;

	for (n = 0; n <= 8; n++) {
		u8 got[XTCP_MAX_OPT];
		struct xtcp_options opt;

		o.num_sacks = n;
		o.tstamp = false;
		opt = parse(got, build(got, &o), false);
		EXPECT_EQ(opt.num_sacks, n < 4 ? n : 4);
		o.tstamp = true;
		opt = parse(got, build(got, &o), false);
		EXPECT_EQ(opt.num_sacks, n < 3 ? n : 3);
	}
}

/* Everything that can be asked for comes back, and nothing else */
TEST(options_build__round_trip)
{
	unsigned int n;

	for (n = 0; n < 200000; n++) {
		u64 r = tap_random();
		bool syn = r & 1;
		struct xtcp_sack_block b[4];
		struct xtcp_options_out o = {
			.tstamp = r & 2,
			.sack_ok = syn && r & 4,
			.wscale_ok = syn && r & 8,
			.wscale = (r >> 8) % 15,
			.mss = syn ? r >> 16 : 0,
			.num_sacks = syn ? 0 : (r >> 4) % 5,
			.tsval = r >> 32,
			.tsecr = tap_random(),
			.sacks = b,
		};
		struct xtcp_options opt;
		u8 bytes[XTCP_MAX_OPT];
		unsigned int i, fit = o.tstamp ? 3 : 4;

		for (i = 0; i < 4; i++) {
			b[i].start = tap_random();
			b[i].end = tap_random();
		}
		opt = parse(bytes, build(bytes, &o), syn);
		fit = o.num_sacks < fit ? o.num_sacks : fit;
		EXPECT_EQ(opt.saw_tstamp, o.tstamp);
		EXPECT_EQ(opt.tsval, o.tstamp ? o.tsval : 0);
		EXPECT_EQ(opt.tsecr, o.tstamp ? o.tsecr : 0);
		EXPECT_EQ(opt.sack_ok, o.sack_ok);
		EXPECT_EQ(opt.wscale_ok, o.wscale_ok);
		EXPECT_EQ(opt.wscale, o.wscale_ok ? o.wscale : 0);
		EXPECT_EQ(opt.mss, o.mss);
		EXPECT_EQ(opt.num_sacks, fit);
		EXPECT_MEM(opt.sacks, b, fit * sizeof(b[0]));
	}
}

/* RFC 7323 5.2 and 5.5 */
TEST(ts_is_old__for_24_days)
{
	const u32 day = 24 * 3600;
	u32 recent;

	for (recent = 1; recent; recent <<= 1) {
		EXPECT_EQ(xtcp_ts_is_old(recent, recent, 0), false);
		EXPECT_EQ(xtcp_ts_is_old(recent + 1, recent, 0), false);
		EXPECT_EQ(xtcp_ts_is_old(recent + 0x7fffffff, recent, 0), false);
		EXPECT_EQ(xtcp_ts_is_old(recent - 1, recent, 0), true);
		EXPECT_EQ(xtcp_ts_is_old(recent - 0x7fffffff, recent, 0), true);
		EXPECT_EQ(xtcp_ts_is_old(recent - 1, recent, 24 * day - 1), true);
		EXPECT_EQ(xtcp_ts_is_old(recent - 1, recent, 24 * day), false);
		EXPECT_EQ(xtcp_ts_is_old(recent - 1, recent, 49 * day), false);
	}
	EXPECT_EQ(xtcp_ts_is_old(-1000, 0, 0), false);	/* 0: none yet */
}
