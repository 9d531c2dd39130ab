// SPDX-License-Identifier: GPL-2.0
/* cookie_test.c - SYN cookies: what goes in comes out, nothing else does */

#include "tap.h"

#include "proto/cookie.h"

static const struct xtcp_cookie_key key = {
	.base = {{ 0x1111, 0x2222 }}, .mac = {{ 0x3333, 0x4444 }},
};

static const u16 mss4[8] = { 48, 536, 1300, 1380, 1440, 1452, 1460, 8960 };
static const u16 mss6[8] = { 48, 1220, 1300, 1360, 1420, 1432, 1440, 8940 };

static struct xtcp_tuple tuple4(void)
{
	struct xtcp_tuple t = { .lport = htons(80), .rport = htons(40000) };

	xtcp_addr_set_v4(&t.laddr, htonl(0x0a000001));
	xtcp_addr_set_v4(&t.raddr, htonl(0x0a000002));
	return t;
}

static struct xtcp_tuple tuple6(void)
{
	struct xtcp_tuple t = { .lport = htons(80), .rport = htons(40000) };

	inet_pton(AF_INET6, "2001:db8::1", &t.laddr.in6);
	inet_pton(AF_INET6, "2001:db8::2", &t.raddr.in6);
	return t;
}

static u16 table_mss(const u16 *table, u32 mss)
{
	unsigned int i, best = 0;

	for (i = 0; i < 8; i++)
		if (table[i] <= mss)
			best = i;
	return table[best];
}

static void expect_mss(struct xtcp_tuple t, const u16 *table)
{
	u32 mss;

	for (mss = 0; mss <= 65535; mss++) {
		u32 cookie = xtcp_cookie_make(&key, &t, 1234567, mss, 99);
		u16 got = 0;

		EXPECT_EQ(xtcp_cookie_check(&key, &t, 1234567, cookie, 99,
					    &got), 0);
		EXPECT_EQ(got, table_mss(table, mss));
	}
}

TEST(cookie__mss_exhaustive_v4)
{
	expect_mss(tuple4(), mss4);
}

TEST(cookie__mss_exhaustive_v6)
{
	expect_mss(tuple6(), mss6);
}

TEST(cookie__round_trip_random)
{
	unsigned int n;

	for (n = 0; n < 50000; n++) {
		struct xtcp_tuple t = n & 1 ? tuple4() : tuple6();
		u32 isn = tap_random(), minutes = tap_random();
		u16 mss = tap_random(), got = 0;
		u32 cookie;

		t.raddr.in6.s6_addr32[3] = tap_random();
		t.rport = tap_random();
		cookie = xtcp_cookie_make(&key, &t, isn, mss, minutes);
		EXPECT_EQ(xtcp_cookie_check(&key, &t, isn, cookie, minutes,
					    &got), 0);
		EXPECT_EQ(got, table_mss(n & 1 ? mss4 : mss6, mss));
	}
}

/* Ages 0 to 2 are good; the slot comes round after 32 minutes and the mac
 * tells the rounds apart.
 */
static void expect_ages(u32 made)
{
	struct xtcp_tuple t = tuple4();
	u32 cookie = xtcp_cookie_make(&key, &t, 42, 1460, made);
	s32 age;
	u16 mss;

	for (age = -70; age <= 70; age++)
		EXPECT_EQ(xtcp_cookie_check(&key, &t, 42, cookie, made + age,
					    &mss),
			  age >= 0 && age <= 2 ? 0 : -EINVAL);
}

TEST(cookie__age)
{
	expect_ages(1000);
	expect_ages(0);
	expect_ages(31);
	expect_ages(0xffffffff);
}

TEST(cookie__each_bit_counts)
{
	struct xtcp_tuple t = tuple4();
	u32 cookie = xtcp_cookie_make(&key, &t, 42, 1460, 1000);
	unsigned int i;
	u16 mss;

	for (i = 0; i < 32; i++)
		EXPECT_EQ(xtcp_cookie_check(&key, &t, 42, cookie ^ (1U << i),
					    1000, &mss), -EINVAL);
	for (i = 0; i < sizeof(t) * 8; i++) {
		((u8 *)&t)[i / 8] ^= 1 << i % 8;
		EXPECT_EQ(xtcp_cookie_check(&key, &t, 42, cookie, 1000, &mss),
			  -EINVAL);
		((u8 *)&t)[i / 8] ^= 1 << i % 8;
	}
	EXPECT_EQ(xtcp_cookie_check(&key, &t, 43, cookie, 1000, &mss), -EINVAL);
	EXPECT_EQ(xtcp_cookie_check(&key, &t, 42, cookie, 1000, &mss), 0);
}

/* Moving cookie and ISN together must not slip through the sum */
TEST(cookie__shifted_pair)
{
	struct xtcp_tuple t = tuple4();
	u32 cookie = xtcp_cookie_make(&key, &t, 42, 1460, 1000);
	unsigned int d;
	u16 mss;

	for (d = 1; d < 10000; d++)
		EXPECT_EQ(xtcp_cookie_check(&key, &t, 42 + d, cookie + d, 1000,
					    &mss), -EINVAL);
}

TEST(cookie__keys_count)
{
	struct xtcp_tuple t = tuple4();
	u32 cookie = xtcp_cookie_make(&key, &t, 42, 1460, 1000);
	struct xtcp_cookie_key other = key;
	u16 mss;

	other.base.key[1] ^= 1;
	EXPECT_EQ(xtcp_cookie_check(&other, &t, 42, cookie, 1000, &mss),
		  -EINVAL);
	other = key;
	other.mac.key[0] ^= 1;
	EXPECT_EQ(xtcp_cookie_check(&other, &t, 42, cookie, 1000, &mss),
		  -EINVAL);
}

/* A blind guess: 24 of 2^32 values, so none in a million */
TEST(cookie__guessing)
{
	struct xtcp_tuple t = tuple4();
	unsigned int n, hits = 0;
	u16 mss;

	for (n = 0; n < 1000000; n++)
		hits += !xtcp_cookie_check(&key, &t, 42, tap_random(), 1000,
					   &mss);
	EXPECT(hits <= 1);
}

/* As an ISN it goes forward from minute to minute (RFC 6528 for cookies) */
TEST(cookie__rises_with_time)
{
	struct xtcp_tuple t = tuple4();
	u32 m, first = xtcp_cookie_make(&key, &t, 42, 1460, 0);

	for (m = 1; m < 32; m++) {
		u32 step = xtcp_cookie_make(&key, &t, 42, 1460, m) - first;

		EXPECT_NEAR(step, (double)m * (1 << 27), 1 << 24);
	}
}

TEST(cookie_ts__round_trip_exhaustive)
{
	unsigned int now, wscale, sack, ecn;

	for (now = 0; now < 256; now++)
		for (wscale = 0; wscale <= 15; wscale++)
			for (sack = 0; sack < 2; sack++)
				for (ecn = 0; ecn < 2; ecn++) {
					struct xtcp_options in = {
						.wscale_ok = wscale < 15,
						.wscale = wscale,
						.sack_ok = sack,
					}, out = { .mss = 99 };
					bool e = !ecn;
					u32 ts;

					ts = xtcp_cookie_ts_encode(now - 128,
								   &in, ecn);
					/* never later, at most 63 earlier */
					EXPECT((u32)(now - 128 - ts) < 64);
					xtcp_cookie_ts_decode(ts, &out, &e);
					EXPECT_EQ(out.wscale_ok, wscale < 15);
					EXPECT_EQ(out.wscale, wscale % 15);
					EXPECT_EQ(out.sack_ok, sack);
					EXPECT_EQ(e, ecn);
					EXPECT_EQ(out.mss, 99);
				}
}
