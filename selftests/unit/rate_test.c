// SPDX-License-Identifier: GPL-2.0
/* rate_test.c - delivery rate on paths whose rate is known */

#include "tap.h"

#include "control/rate.h"

#define MS	1000U
#define SEC	1000000U

/* A few packets in flight and the state around them */
struct path {
	struct xtcp_rate r;
	struct xtcp_rate_pkt pkt[4096];
	u64 sent_us[4096];
	u32 head, tail;			/* next to be acked, next to be sent */
};

static struct path *path_new(void)
{
	struct path *p = calloc(1, sizeof(*p));

	xtcp_rate_init(&p->r);
	return p;
}

static void emit(struct path *p, u64 now)
{
	u32 i = p->tail++ % ARRAY_SIZE(p->pkt);

	xtcp_rate_sent(&p->r, &p->pkt[i], p->tail - 1 - p->head, now);
	p->sent_us[i] = now;
}

static struct xtcp_rate_sample ack(struct path *p, u32 n, u32 min_rtt, u64 now)
{
	struct xtcp_rate_sample rs = { 0 };

	while (n--) {
		u32 i = p->head++ % ARRAY_SIZE(p->pkt);

		xtcp_rate_delivered(&p->r, &rs, &p->pkt[i], 1, p->sent_us[i],
				    false);
	}
	xtcp_rate_generate(&p->r, &rs, 0, min_rtt, now);
	return rs;
}

/* Packets keep 31 bits of C.delivered, samples have all again */
TEST(rate__counts_across_2_31)
{
	struct path *p = path_new();
	struct xtcp_rate_sample rs;

	p->r.delivered = 0x7ffffffe;
	emit(p, 1 * SEC);
	emit(p, 1 * SEC);
	ack(p, 1, 0, 1 * SEC + 10 * MS);
	emit(p, 1 * SEC + 10 * MS);
	rs = ack(p, 1, 0, 1 * SEC + 20 * MS);
	EXPECT_EQ(rs.prior_delivered, 0x7ffffffe);
	EXPECT_EQ(rs.delivered, 2);
	emit(p, 1 * SEC + 20 * MS);
	rs = ack(p, 1, 0, 1 * SEC + 30 * MS);
	EXPECT_EQ(rs.prior_delivered, 0x7fffffff);
	rs = ack(p, 1, 0, 1 * SEC + 40 * MS);
	EXPECT_EQ(rs.prior_delivered, 0x80000000);
	EXPECT_EQ(rs.delivered, 2);
	EXPECT_EQ(rs.rtt_us, 20 * MS);
	free(p);
}

TEST(rate_pkt__is_compact)
{
	EXPECT_EQ(sizeof(struct xtcp_rate_pkt), 12);
}

/* A bottleneck of one packet per ms, RTT 100 ms, ACK clocked */
TEST(rate__steady_state)
{
	struct path *p = path_new();
	u64 now, t0 = 5000 * MS;
	unsigned int i;

	for (i = 0; i < 100; i++)
		emit(p, t0 + i * MS);
	for (i = 0; i < 1000; i++) {
		struct xtcp_rate_sample rs;

		now = t0 + (100 + i) * MS;
		rs = ack(p, 1, 100 * MS, now);
		emit(p, now);
		EXPECT(rs.valid);
		if (i < 200)
			continue;
		EXPECT_EQ(rs.interval_us, 100 * MS);
		EXPECT_EQ(rs.delivered, 100);
		EXPECT_EQ(rs.acked_sacked, 1);
	}
	EXPECT_EQ(p->r.delivered, 1000);
	/* 1000 packets/s of 1448 bytes */
	EXPECT_EQ(xtcp_rate_bytes(&p->r, 1448), 1448000);
	free(p);
}

/* The first window: a burst of 10 at once, delivered 1 ms apart */
TEST(rate__first_flight_is_bounded_by_delivery)
{
	struct path *p = path_new();
	struct xtcp_rate_sample rs;
	unsigned int i;

	for (i = 0; i < 10; i++)
		emit(p, 1 * SEC);
	for (i = 0; i < 10; i++)
		rs = ack(p, 1, 100 * MS, 1 * SEC + (100 + i) * MS);
	EXPECT_EQ(rs.snd_interval_us, 0);
	EXPECT_EQ(rs.rcv_interval_us, 109 * MS);
	EXPECT_EQ(rs.interval_us, 109 * MS);
	EXPECT_EQ(rs.delivered, 10);
	free(p);
}

/* ACKs held back and released together must not look like a fast path */
TEST(rate__ack_compression)
{
	struct path *p = path_new();
	struct xtcp_rate_sample rs;
	unsigned int i;

	for (i = 0; i < 100; i++)
		emit(p, 1 * SEC + i * MS);
	for (i = 0; i < 50; i++) {
		ack(p, 1, 100 * MS, 1 * SEC + (100 + i) * MS);
		emit(p, 1 * SEC + (100 + i) * MS);
	}
	/* 50 ms worth of ACKs arrive in one moment */
	for (i = 0; i < 50; i++)
		rs = ack(p, 1, 100 * MS, 1 * SEC + 199 * MS);
	EXPECT((u64)rs.delivered * SEC / rs.interval_us <= 1010);
	free(p);
}

/* One of the ACKs that were held back goes ahead: a packet that leaves between it
 * and the others must not count them as its own round trip's.
 */
TEST(rate__ack_ahead_of_a_burst)
{
	struct path *p = path_new();
	struct xtcp_rate_sample rs;
	unsigned int ms;

	for (ms = 0; ms <= 350; ms++) {
		u64 now = 1 * SEC + ms * MS;

		if (ms >= 100 && (ms <= 200 || ms >= 250))
			rs = ack(p, 1, 100 * MS, now);
		emit(p, now);
		if (ms == 250)
			ack(p, 49, 100 * MS, now);
	}
	EXPECT_EQ(rs.delivered, 149);
	EXPECT_EQ(rs.rcv_interval_us, 100 * MS);
	EXPECT_EQ(rs.interval_us, 149 * MS);
	free(p);
}

TEST(rate__app_limited_is_marked)
{
	struct path *p = path_new();
	struct xtcp_rate_sample rs;
	unsigned int i;

	/* everything before the first delivery is */
	for (i = 0; i < 10; i++)
		emit(p, 1 * SEC);
	rs = ack(p, 5, 0, 1 * SEC + 100 * MS);
	EXPECT(rs.is_app_limited);
	for (i = 0; i < 10; i++)
		emit(p, 1 * SEC + 100 * MS);
	rs = ack(p, 15, 0, 1 * SEC + 200 * MS);
	EXPECT(!rs.is_app_limited);
	EXPECT(!p->r.rate_app_limited);

	/* the application pauses with 2 packets out */
	emit(p, 2 * SEC);
	emit(p, 2 * SEC);
	xtcp_rate_app_limited(&p->r, 2);
	emit(p, 2 * SEC);
	rs = ack(p, 3, 0, 2 * SEC + 100 * MS);
	EXPECT(rs.is_app_limited);
	/* 30 packets/s do not displace the 150 of before */
	EXPECT_EQ(p->r.rate_delivered, 15);
	/* and the bubble is through */
	emit(p, 3 * SEC);
	rs = ack(p, 1, 0, 3 * SEC + 100 * MS);
	EXPECT(!rs.is_app_limited);
	EXPECT_EQ(p->r.rate_delivered, 1);
	free(p);
}

TEST(rate__app_limited_but_better_is_kept)
{
	struct path *p = path_new();
	unsigned int i;

	emit(p, 1 * SEC);
	ack(p, 1, 0, 1 * SEC + 100 * MS);
	for (i = 0; i < 50; i++)
		emit(p, 2 * SEC);
	xtcp_rate_app_limited(&p->r, 50);
	for (i = 0; i < 10; i++)
		emit(p, 2 * SEC);
	ack(p, 60, 0, 2 * SEC + 100 * MS);
	EXPECT_EQ(p->r.rate_delivered, 60);
	EXPECT(p->r.rate_app_limited);
	free(p);
}

TEST(rate__shorter_than_min_rtt_is_no_sample)
{
	struct path *p = path_new();
	struct xtcp_rate_sample rs;

	emit(p, 1 * SEC);
	rs = ack(p, 1, 100 * MS, 1 * SEC + 99 * MS);
	EXPECT_EQ(rs.interval_us, -1);
	EXPECT_EQ(rs.delivered, 1);
	EXPECT_EQ(xtcp_rate_bytes(&p->r, 1448), 0);
	emit(p, 2 * SEC);
	rs = ack(p, 1, 0, 2 * SEC);
	EXPECT_EQ(rs.interval_us, -1);
	free(p);
}

TEST(rate__ack_of_nothing)
{
	struct path *p = path_new();
	struct xtcp_rate_sample rs = ack(p, 0, 0, 1 * SEC);

	EXPECT(!rs.valid);
	EXPECT_EQ(rs.delivered, -1);
	EXPECT_EQ(rs.interval_us, -1);
	EXPECT_EQ(p->r.delivered_us, 0);
	free(p);
}

/* SACKs arrive in any order: the packet sent last counts */
TEST(rate__newest_of_several)
{
	struct path *p = path_new();
	struct xtcp_rate_sample rs = { 0 };
	unsigned int i;
	static const u8 order[] = { 2, 4, 0, 3, 1 };

	for (i = 0; i < 5; i++)
		emit(p, 1 * SEC + i * MS);
	for (i = 0; i < 5; i++)
		xtcp_rate_delivered(&p->r, &rs, &p->pkt[order[i]], 3,
				    p->sent_us[order[i]], order[i] == 4);
	EXPECT_EQ(rs.newest_us, 1 * SEC + 4 * MS);
	EXPECT(rs.is_retrans);
	EXPECT_EQ(rs.snd_interval_us, 4 * MS);
	EXPECT_EQ(rs.acked_sacked, 15);
	EXPECT_EQ(p->r.first_tx_us, 1 * SEC + 4 * MS);
	xtcp_rate_generate(&p->r, &rs, 2, 0, 1 * SEC + 50 * MS);
	EXPECT_EQ(rs.delivered, 15);
	EXPECT_EQ(rs.losses, 2);
	free(p);
}

/* Sent in the same microsecond: the one that knew more was later */
TEST(rate__newest_in_one_microsecond)
{
	struct xtcp_rate_pkt old = { .delivered = 0x7fffffff, .first_tx_us = 1 };
	struct xtcp_rate_pkt new = { .delivered = 1, .first_tx_us = 2 };
	struct xtcp_rate_sample rs = { 0 };
	struct xtcp_rate r;

	xtcp_rate_init(&r);
	xtcp_rate_delivered(&r, &rs, &new, 1, 100, false);
	xtcp_rate_delivered(&r, &rs, &old, 1, 100, false);
	EXPECT_EQ(rs.prior_delivered, 1);
	rs = (struct xtcp_rate_sample) { 0 };
	xtcp_rate_delivered(&r, &rs, &old, 1, 100, false);
	xtcp_rate_delivered(&r, &rs, &new, 1, 100, false);
	EXPECT_EQ(rs.prior_delivered, 1);
}

/* Time and count wrap in the middle of a flight */
TEST(rate__wraps)
{
	struct path *p = path_new();
	u64 t0 = (1ULL << 32) * 7 - 350 * MS;
	unsigned int i;

	p->r.delivered = 0x7fffffff - 200;
	p->r.app_limited = 0;
	for (i = 0; i < 100; i++)
		emit(p, t0 + i * MS);
	for (i = 0; i < 1000; i++) {
		u64 now = t0 + (100 + i) * MS;
		struct xtcp_rate_sample rs = ack(p, 1, 100 * MS, now);

		emit(p, now);
		if (i < 200)
			continue;
		EXPECT_EQ(rs.interval_us, 100 * MS);
		EXPECT_EQ(rs.delivered, 100);
	}
	free(p);
}
