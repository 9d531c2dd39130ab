// SPDX-License-Identifier: GPL-2.0
/* isn_test.c - RFC 6528 */

#include "tap.h"

#include "proto/isn.h"

static const siphash_key_t key = {{ 1, 2 }};

static struct xtcp_tuple tuple(u32 laddr, u16 lport, u32 raddr, u16 rport)
{
	struct xtcp_tuple t;

	xtcp_addr_set_v4(&t.laddr, htonl(laddr));
	xtcp_addr_set_v4(&t.raddr, htonl(raddr));
	t.lport = htons(lport);
	t.rport = htons(rport);
	return t;
}

static unsigned int bits_differ(u32 a, u32 b)
{
	return __builtin_popcount(a ^ b);
}

TEST(isn__rises_with_time)
{
	struct xtcp_tuple t = tuple(0x0a000001, 80, 0x0a000002, 40000);
	u32 a;

	xtcp_isn_init(&key);
	a = xtcp_isn(&t, 1000000);
	/* M ticks every 64 ns and wraps */
	EXPECT_EQ(xtcp_isn(&t, 1000000), a);
	EXPECT_EQ(xtcp_isn(&t, 1000063), a);
	EXPECT_EQ(xtcp_isn(&t, 1000064), (u32)(a + 1));
	EXPECT_EQ(xtcp_isn(&t, 1000000 + 64000000000ULL), (u32)(a + 1000000000));
	EXPECT_EQ(xtcp_isn(&t, 1000000 + (64ULL << 32)), a);
}

/* F depends on each part of the tuple, and about half of its bits change */
static void whole_tuple_matters(struct xtcp_tuple t)
{
	unsigned int i, sum = 0;
	u32 a;

	xtcp_isn_init(&key);
	a = xtcp_isn(&t, 0);
	for (i = 0; i < sizeof(t) * 8; i++) {
		((u8 *)&t)[i / 8] ^= 1 << i % 8;
		EXPECT(xtcp_isn(&t, 0) != a);
		sum += bits_differ(xtcp_isn(&t, 0), a);
		((u8 *)&t)[i / 8] ^= 1 << i % 8;
	}
	EXPECT_NEAR((double)sum / i, 16, 1);
}

TEST(isn__depends_on_whole_tuple)
{
	whole_tuple_matters(tuple(0x0a000001, 80, 0x0a000002, 40000));
}

TEST(isn__depends_on_whole_tuple_v6)
{
	struct xtcp_tuple t = {
		.lport = htons(80),
		.rport = htons(40000),
	};

	t.laddr.in6.s6_addr[0] = 0xfd;
	t.raddr.in6.s6_addr[0] = 0xfd;
	t.raddr.in6.s6_addr[15] = 1;
	whole_tuple_matters(t);
}

TEST(isn__depends_on_all_of_the_secret)
{
	struct xtcp_tuple t = tuple(0x0a000001, 80, 0x0a000002, 40000);
	siphash_key_t k = key;
	unsigned int i;
	u32 a;

	xtcp_isn_init(&key);
	a = xtcp_isn(&t, 0);
	for (i = 0; i < 128; i++) {
		k.key[i / 64] ^= 1ULL << i % 64;
		xtcp_isn_init(&k);
		EXPECT(xtcp_isn(&t, 0) != a);
		k.key[i / 64] ^= 1ULL << i % 64;
	}
	xtcp_isn_init(&k);
	EXPECT_EQ(xtcp_isn(&t, 0), a);
}

TEST(isn__direction_matters)
{
	struct xtcp_tuple a = tuple(0x0a000001, 80, 0x0a000002, 40000);
	struct xtcp_tuple b = tuple(0x0a000002, 40000, 0x0a000001, 80);

	xtcp_isn_init(&key);
	EXPECT(xtcp_isn(&a, 0) != xtcp_isn(&b, 0));
}

TEST(ts_offset__of_addresses_not_ports)
{
	struct xtcp_tuple a = tuple(0x0a000001, 80, 0x0a000002, 40000);
	struct xtcp_tuple b = tuple(0x0a000001, 443, 0x0a000002, 50000);
	struct xtcp_tuple c = tuple(0x0a000001, 80, 0x0a000003, 40000);
	struct xtcp_tuple d = tuple(0x0a000004, 80, 0x0a000002, 40000);

	xtcp_isn_init(&key);
	EXPECT_EQ(xtcp_ts_offset(&a, 7), xtcp_ts_offset(&b, 7));
	EXPECT(xtcp_ts_offset(&a, 7) != xtcp_ts_offset(&c, 7));
	EXPECT(xtcp_ts_offset(&a, 7) != xtcp_ts_offset(&d, 7));
	EXPECT(xtcp_ts_offset(&a, 7) != xtcp_ts_offset(&a, 8));
}

/* RFC 6056 3.3.3: of all but the port that is looked for */
TEST(port_offset__of_the_peer)
{
	struct xtcp_tuple a = tuple(0x0a000001, 80, 0x0a000002, 40000);
	struct xtcp_tuple b = tuple(0x0a000001, 81, 0x0a000002, 40000);
	struct xtcp_tuple c = tuple(0x0a000001, 80, 0x0a000002, 40001);
	struct xtcp_tuple d = tuple(0x0a000001, 80, 0x0a000003, 40000);
	struct xtcp_tuple e = tuple(0x0a000005, 80, 0x0a000002, 40000);

	xtcp_isn_init(&key);
	EXPECT_EQ(xtcp_port_offset(&a, 7), xtcp_port_offset(&b, 7));
	EXPECT(xtcp_port_offset(&a, 7) != xtcp_port_offset(&c, 7));
	EXPECT(xtcp_port_offset(&a, 7) != xtcp_port_offset(&d, 7));
	EXPECT(xtcp_port_offset(&a, 7) != xtcp_port_offset(&e, 7));
	EXPECT(xtcp_port_offset(&a, 7) != xtcp_port_offset(&a, 8));
	EXPECT(xtcp_port_offset(&a, 7) != xtcp_ts_offset(&a, 7));
}

TEST(ts_offset__says_nothing_about_isn)
{
	struct xtcp_tuple t = tuple(0x0a000001, 0, 0x0a000002, 0);

	/* even where the tuples hashed are the same */
	xtcp_isn_init(&key);
	EXPECT(xtcp_ts_offset(&t, 0) != xtcp_isn(&t, 0));
}
