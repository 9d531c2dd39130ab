// SPDX-License-Identifier: GPL-2.0
/* drop_test.c - every end has one name and one text */

#include "tap.h"

#include "proto/drop.h"

#include <ctype.h>

static bool is_camel(const char *s)
{
	if (!isupper((unsigned char)*s))
		return false;
	while (*s)
		if (!isalnum((unsigned char)*s++))
			return false;
	return true;
}

TEST(drop_name__camel_case_and_text)
{
	unsigned int i;

	for (i = 0; i < XTCP_DROP_MAX; i++) {
		EXPECT(is_camel(xtcp_drop_name(i)));
		EXPECT(strlen(xtcp_drop_name(i)) <= 24);
		EXPECT(strlen(xtcp_drop_text(i)) >= 8);
	}
}

TEST(drop_name__unique)
{
	unsigned int i, j;

	for (i = 0; i < XTCP_DROP_MAX; i++)
		for (j = 0; j < i; j++)
			EXPECT(strcmp(xtcp_drop_name(i), xtcp_drop_name(j)));
}

TEST(drop_name__symbol_meets_name)
{
	EXPECT_EQ(XTCP_DROP_NONE, 0);
	EXPECT_STR(xtcp_drop_name(XTCP_DROP_NONE), "None");
	EXPECT_STR(xtcp_drop_name(XTCP_DROP_TRUNCATED), "Truncated");
	EXPECT_STR(xtcp_drop_name(XTCP_DROP_SYNQ_FULL), "SynqFull");
	EXPECT_STR(xtcp_drop_name(XTCP_DROP_TW_FULL), "TwFull");
	EXPECT_STR(xtcp_drop_text(XTCP_DROP_BAD_CSUM), "checksum wrong");
}

TEST(drop_name__out_of_range)
{
	EXPECT_STR(xtcp_drop_name(XTCP_DROP_MAX), "?");
	EXPECT_STR(xtcp_drop_text((enum xtcp_drop)-1), "?");
}
