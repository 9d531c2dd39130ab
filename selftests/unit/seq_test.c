// SPDX-License-Identifier: GPL-2.0
/* seq_test.c - sequence arithmetic against plain 64-bit numbers */

#include "tap.h"

#include "proto/seq.h"

/* Stretches of the number space that something may go wrong at */
static const u32 places[] = {
	0, 1, 0x7ffffff0, 0x80000000, 0x80000010, 0xfffffff0, 0xffffffff,
	0x12345678,
};

static const u32 distances[] = {
	0, 1, 2, 0x7fff, 0x10000, 0x3fffffff, 0x7ffffffe, 0x7fffffff,
};

static void compare(u32 a, u32 d)
{
	u32 b = a + d;
	bool less = d != 0;		/* a is d before b */

	EXPECT_EQ(seq_lt(a, b), less);
	EXPECT_EQ(seq_leq(a, b), true);
	EXPECT_EQ(seq_gt(b, a), less);
	EXPECT_EQ(seq_geq(b, a), true);
	EXPECT_EQ(seq_lt(b, a), false);
	EXPECT_EQ(seq_leq(b, a), !less);
	EXPECT_EQ(seq_gt(a, b), false);
	EXPECT_EQ(seq_geq(a, b), !less);
	EXPECT_EQ(seq_max(a, b), b);
	EXPECT_EQ(seq_max(b, a), b);
	EXPECT_EQ(seq_min(a, b), a);
	EXPECT_EQ(seq_min(b, a), a);
}

TEST(seq__order_at_places)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		for (j = 0; j < ARRAY_SIZE(distances); j++)
			compare(places[i], distances[j]);
}

TEST(seq__order_around_wrap_exhaustive)
{
	s64 a, b;

	for (a = -300; a <= 300; a++)
		for (b = a; b <= 300; b++)
			compare(a, b - a);
}

TEST(seq__order_around_half_exhaustive)
{
	u32 a, d;

	for (a = 0x80000000 - 200; a != 0x80000000 + 200; a++)
		for (d = 0; d < 400; d++)
			compare(a, d);
}

TEST(seq_between__around_wrap_exhaustive)
{
	s64 lo, hi, x;

	for (lo = -40; lo <= 40; lo++)
		for (hi = lo; hi <= 40; hi++)
			for (x = -60; x <= 60; x++)
				EXPECT_EQ(seq_between(x, lo, hi),
					  lo <= x && x <= hi);
}

TEST(seq_between__wide_span)
{
	EXPECT(seq_between(0xc0000000, 0, 0xd0000000));
	EXPECT(!seq_between(0xd0000001, 0, 0xd0000000));
	EXPECT(seq_between(5, 0xfffffff0, 0xe0000000));
}
