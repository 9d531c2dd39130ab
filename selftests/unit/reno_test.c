// SPDX-License-Identifier: GPL-2.0
/* reno_test.c - RFC 5681 in numbers */

#include "tap.h"

#include "control/reno.h"

static struct xtcp_cong reno(u32 cwnd, u32 ssthresh)
{
	struct xtcp_cong c;

	xtcp_cong_init(&c, &xtcp_reno, cwnd);
	c.ssthresh = ssthresh;
	c.limited = true;
	return c;
}

static void ack(struct xtcp_cong *c, u32 acked)
{
	struct xtcp_cong_ack a = { .now_us = 1, .acked = acked };

	xtcp_cong_ack(c, &a, NULL);
}

/* A round trip: every packet of the window is acknowledged on its own */
static void round_trip(struct xtcp_cong *c)
{
	u32 n = c->cwnd;

	while (n--)
		ack(c, 1);
}

TEST(reno__slow_start_doubles)
{
	struct xtcp_cong c = reno(10, XTCP_SSTHRESH_INF);
	unsigned int i;

	for (i = 1; i <= 10; i++) {
		round_trip(&c);
		EXPECT_EQ(c.cwnd, 10 << i);
	}
}

TEST(reno__congestion_avoidance_adds_one)
{
	struct xtcp_cong c = reno(10, 10);	/* CC-1: equality avoids */
	unsigned int i;

	for (i = 1; i <= 100; i++) {
		round_trip(&c);
		EXPECT_EQ(c.cwnd, 10 + i);
	}
}

TEST(reno__stretch_ack_crosses_ssthresh)
{
	struct xtcp_cong c = reno(8, 10);

	/* 2 of 12 reach ssthresh, 10 are one window of avoidance */
	ack(&c, 12);
	EXPECT_EQ(c.cwnd, 11);
	EXPECT_EQ(c.cwnd_cnt, 0);
}

TEST(reno__unused_window_does_not_grow)
{
	struct xtcp_cong c = reno(10, XTCP_SSTHRESH_INF);

	c.limited = false;
	c.max_flight = 5;
	ack(&c, 5);
	EXPECT_EQ(c.cwnd, 10);
	c.max_flight = 6;
	ack(&c, 5);
	EXPECT_EQ(c.cwnd, 15);
	c.ssthresh = 10;
	ack(&c, 100);
	EXPECT_EQ(c.cwnd, 15);
}

TEST(reno__fast_recovery_halves)
{
	struct xtcp_cong c = reno(21, XTCP_SSTHRESH_INF);

	xtcp_cong_enter_recovery(&c);
	EXPECT_EQ(c.ssthresh, 10);
	ack(&c, 5);
	EXPECT_EQ(c.cwnd, 21);
	xtcp_cong_complete(&c, 1);
	EXPECT_EQ(c.cwnd, 10);
	round_trip(&c);
	EXPECT_EQ(c.cwnd, 11);
}

TEST(reno__timeout_restarts_slow_start)
{
	struct xtcp_cong c = reno(40, XTCP_SSTHRESH_INF);
	unsigned int i;

	xtcp_cong_timeout(&c, 0, false);
	EXPECT_EQ(c.cwnd, 1);
	EXPECT_EQ(c.ssthresh, 20);
	for (i = 0; i < 4; i++)
		round_trip(&c);
	EXPECT_EQ(c.cwnd, 16);
	round_trip(&c);
	EXPECT_EQ(c.cwnd, 20);
	round_trip(&c);
	EXPECT(c.cwnd == 20 || c.cwnd == 21);
}

TEST(reno__ssthresh_at_least_two)
{
	struct xtcp_cong c = reno(1, 10);

	EXPECT_EQ(xtcp_reno_ssthresh(&c), 2);
	c.cwnd = 5;
	EXPECT_EQ(xtcp_reno_ssthresh(&c), 2);
	c.cwnd = 6;
	EXPECT_EQ(xtcp_reno_ssthresh(&c), 3);
}

TEST(reno__undo)
{
	struct xtcp_cong c = reno(40, 30);

	xtcp_cong_timeout(&c, 0, false);
	ack(&c, 4);
	xtcp_cong_undo(&c);
	EXPECT_EQ(c.cwnd, 40);
	EXPECT_EQ(c.ssthresh, 30);
}
