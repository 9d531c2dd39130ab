// SPDX-License-Identifier: GPL-2.0
/* siphash_test.c - the shim's SipHash is SipHash: vectors of its authors */

#include "tap.h"

#include <linux/siphash.h>

TEST(siphash__vectors)
{
	static const u64 want[] = {
		0x726fdb47dd0e0e31ULL, 0x74f839c593dc67fdULL,
		0x0d6c8009d9a94f5aULL, 0x85676696d7fb7e2dULL,
	};
	siphash_key_t key = {{ 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL }};
	u8 in[15];
	unsigned int i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = i;
	for (i = 0; i < ARRAY_SIZE(want); i++)
		EXPECT_EQ(siphash(in, i, &key), want[i]);
	/* appendix A of the paper */
	EXPECT_EQ(siphash(in, 15, &key), 0xa129ca6149be45e5ULL);
}
