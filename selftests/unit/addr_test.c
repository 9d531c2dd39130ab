// SPDX-License-Identifier: GPL-2.0
/* addr_test.c - one address type for both IP versions */

#include "tap.h"

#include "proto/addr.h"

static struct xtcp_addr addr(const char *text)
{
	struct xtcp_addr a;

	EXPECT_EQ(inet_pton(AF_INET6, text, &a.in6), 1);
	return a;
}

TEST(addr_set_v4__is_mapped)
{
	struct xtcp_addr a, want = addr("::ffff:192.0.2.1");

	memset(&a, 0xff, sizeof(a));
	xtcp_addr_set_v4(&a, htonl(0xc0000201));
	EXPECT_MEM(&a, &want, sizeof(a));
	EXPECT(xtcp_addr_is_v4(&a));
	EXPECT_EQ(ntohl(xtcp_addr_v4(&a)), 0xc0000201);
}

TEST(addr_is_v4__only_mapped)
{
	static const char * const v6[] = {
		"::", "::1", "2001:db8::1", "::192.0.2.1", "0:0:0:1:0:ffff::",
		"1::ffff:192.0.2.1", "0:1::ffff:192.0.2.1", "::fffe:192.0.2.1",
		"::1:ffff:192.0.2.1", "64:ff9b::192.0.2.1",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v6); i++) {
		struct xtcp_addr a = addr(v6[i]);

		EXPECT(!xtcp_addr_is_v4(&a));
	}
}

TEST(addr_is_any__both_versions)
{
	struct xtcp_addr any6 = addr("::"), any4 = addr("::ffff:0.0.0.0");
	struct xtcp_addr one6 = addr("::1"), one4 = addr("::ffff:0.0.0.1");
	struct xtcp_addr high = addr("8000::");

	EXPECT(xtcp_addr_is_any6(&any6) && !xtcp_addr_is_any4(&any6));
	EXPECT(xtcp_addr_is_any4(&any4) && !xtcp_addr_is_any6(&any4));
	EXPECT(xtcp_addr_is_any(&any6) && xtcp_addr_is_any(&any4));
	EXPECT(!xtcp_addr_is_any(&one6) && !xtcp_addr_is_any(&one4));
	EXPECT(!xtcp_addr_is_any(&high));
}

/* Every byte of every field counts */
TEST(tuple_equal__each_byte)
{
	struct xtcp_tuple a = {
		.laddr = addr("2001:db8::1"), .raddr = addr("2001:db8::2"),
		.lport = htons(80), .rport = htons(40000),
	}, b = a;
	unsigned int i;

	EXPECT(xtcp_tuple_equal(&a, &b));
	for (i = 0; i < sizeof(a); i++) {
		((u8 *)&b)[i] ^= 0x10;
		EXPECT(!xtcp_tuple_equal(&a, &b));
		b = a;
	}
}

TEST(addr_set_v6__copies)
{
	struct xtcp_addr a, b = addr("2001:db8::42");

	xtcp_addr_set_v6(&a, &b.in6);
	EXPECT(xtcp_addr_equal(&a, &b));
}
