// SPDX-License-Identifier: GPL-2.0
/* rtt_test.c - RFC 6298 computed by hand, and against a model */

#include "tap.h"

#include "control/rtt.h"
#include "proto/proto.h"

#include <math.h>

#define MS	1000U
#define SEC	1000000U

static struct xtcp_rtt fresh(void)
{
	struct xtcp_rtt r;

	memset(&r, 0xa5, sizeof(r));
	xtcp_rtt_init(&r);
	return r;
}

TEST(rtt_init__one_second)
{
	struct xtcp_rtt r = fresh();

	/* (2.1) */
	EXPECT_EQ(xtcp_rtt_rto(&r), 1 * SEC);
	EXPECT(!xtcp_rtt_valid(&r));
	EXPECT_EQ(xtcp_rtt_srtt_us(&r), 0);
	EXPECT_EQ(xtcp_rtt_min_us(&r), XTCP_MIN_RTT_NONE);
}

/* (2.2) SRTT = R, RTTVAR = R/2, RTO = SRTT + max(floor, 4 * RTTVAR) */
TEST(rtt_sample__first)
{
	struct xtcp_rtt r = fresh();

	xtcp_rtt_sample(&r, 500 * MS, 0);
	EXPECT_EQ(xtcp_rtt_srtt_us(&r), 500 * MS);
	EXPECT_EQ(r.mdev_us / 4, 250 * MS);
	EXPECT_EQ(xtcp_rtt_rto(&r), 1500 * MS);
}

TEST(rtt_sample__first_small_has_floor)
{
	struct xtcp_rtt r = fresh();

	xtcp_rtt_sample(&r, 10 * MS, 0);
	EXPECT_EQ(xtcp_rtt_rto(&r), 210 * MS);
	r = fresh();
	xtcp_rtt_sample(&r, 100 * MS, 0);
	EXPECT_EQ(xtcp_rtt_rto(&r), 300 * MS);
	r = fresh();
	xtcp_rtt_sample(&r, 101 * MS, 0);
	EXPECT_EQ(xtcp_rtt_rto(&r), 303 * MS);
}

/* (2.3) with R = 500, R' = 600:
 * RTTVAR = 3/4 * 250 + 1/4 * 100 = 212.5, SRTT = 7/8 * 500 + 1/8 * 600 = 512.5
 */
TEST(rtt_sample__second)
{
	struct xtcp_rtt r = fresh();

	xtcp_rtt_sample(&r, 500 * MS, 0);
	xtcp_rtt_sample(&r, 600 * MS, 100 * MS);
	EXPECT_EQ(xtcp_rtt_srtt_us(&r), 512500);
	EXPECT_EQ(r.mdev_us / 4, 212500);
	/* within a round RTO does not forget the first RTTVAR */
	EXPECT_EQ(xtcp_rtt_rto(&r), 512500 + 1000 * MS);
}

TEST(rtt_sample__rounds_forget_a_quarter)
{
	struct xtcp_rtt r = fresh();

	xtcp_rtt_sample(&r, 500 * MS, 0);
	xtcp_rtt_sample(&r, 600 * MS, 100 * MS);
	/* the first sample's 1000 ms was this round's largest */
	xtcp_rtt_sample(&r, 512500, 500 * MS);
	EXPECT_EQ(r.rttvar_us, 1000 * MS);
	/* RTTVAR * 4 is 850 * 3/4 = 637.5 now, 478.125 in the round after */
	EXPECT_EQ(r.mdev_us, 637500);
	xtcp_rtt_sample(&r, 512500, 1100 * MS);
	EXPECT_EQ(r.mdev_us, 478125);
	EXPECT_EQ(r.rttvar_us, 1000 * MS - (1000 * MS - 478125) / 4);
}

/* TS-12: many samples per round trip must not shrink the memory to nothing */
TEST(rtt_sample__many_per_round)
{
	struct xtcp_rtt r = fresh();
	unsigned int i;

	xtcp_rtt_sample(&r, 400 * MS, 0);
	for (i = 1; i < 399; i++)
		xtcp_rtt_sample(&r, 400 * MS, i * MS);
	EXPECT_EQ(xtcp_rtt_rto(&r), 1200 * MS);
}

/* The same in a later round, which only forgets when it ends */
TEST(rtt_sample__many_per_later_round)
{
	struct xtcp_rtt r = fresh();
	unsigned int i;

	xtcp_rtt_sample(&r, 400 * MS, 0);
	for (i = 400; i < 799; i++)
		xtcp_rtt_sample(&r, 400 * MS, i * MS);
	/* the end of the first round found its own 800 ms */
	EXPECT_EQ(r.rttvar_us, 800 * MS);
	xtcp_rtt_sample(&r, 400 * MS, 800 * MS);
	/* the largest of the second was 3/4 of 3/4 of them: 450 */
	EXPECT_EQ(r.rttvar_us, 800 * MS - (800 - 450) * MS / 4);
	EXPECT_EQ(r.last_us, 800 * MS);
	EXPECT_EQ(r.last_rtt_us, 400 * MS);
}

TEST(rtt_sample__rise_is_taken_at_once)
{
	struct xtcp_rtt r = fresh();
	unsigned int i;

	for (i = 0; i < 100; i++)
		xtcp_rtt_sample(&r, 100 * MS, i * 100 * MS);
	EXPECT_EQ(xtcp_rtt_rto(&r), 300 * MS);
	xtcp_rtt_sample(&r, 900 * MS, 10 * SEC);
	/* RTTVAR ~ 1/4 * 800, SRTT = 200 */
	EXPECT_EQ(xtcp_rtt_srtt_us(&r), 200 * MS);
	EXPECT(xtcp_rtt_rto(&r) >= 200 * MS + 800 * MS);
	EXPECT(xtcp_rtt_rto(&r) <= 200 * MS + 801 * MS);
}

/* A faster path may not lengthen RTO: SRTT falls by 112.5 ms, and RTTVAR * 4,
 * at the floor before, grows by an eighth of the 900 ms only.
 */
TEST(rtt_sample__drop_is_damped)
{
	struct xtcp_rtt r = fresh();
	unsigned int i;

	for (i = 0; i < 200; i++)
		xtcp_rtt_sample(&r, 1000 * MS, i * SEC);
	EXPECT_NEAR(xtcp_rtt_rto(&r), 1200 * MS, 4);
	EXPECT(r.mdev_us < 100);
	xtcp_rtt_sample(&r, 100 * MS, 200 * SEC);
	EXPECT_EQ(xtcp_rtt_srtt_us(&r), 887500);
	EXPECT_NEAR(r.mdev_us, 900 * MS / 8, 100);
	EXPECT_NEAR(xtcp_rtt_rto(&r), 1087500, 4);
}

TEST(rtt_sample__extremes)
{
	struct xtcp_rtt r = fresh();
	unsigned int i;

	xtcp_rtt_sample(&r, 0, 0);
	EXPECT(xtcp_rtt_valid(&r));
	EXPECT_EQ(xtcp_rtt_min_us(&r), 1);
	for (i = 0; i < 100; i++) {
		xtcp_rtt_sample(&r, i & 1 ? 0 : ~0U, i);
		EXPECT(xtcp_rtt_valid(&r));
		EXPECT(xtcp_rtt_rto(&r) >= XTCP_RTO_MIN_US);
		EXPECT(xtcp_rtt_rto(&r) <= XTCP_RTO_MAX_US);
	}
}

/* RFC 6298 in floating point, a sample per round */
TEST(rtt_sample__random_against_model)
{
	struct xtcp_rtt r = fresh();
	double srtt = 0, var = 0;
	u64 now = 0;
	int i;

	for (i = 0; i < 20000; i++) {
		u32 rtt = 20 * MS + tap_random() % (480 * MS);
		double err = fabs(srtt - rtt);

		now += 10 * SEC;
		xtcp_rtt_sample(&r, rtt, now);
		if (i == 0) {
			srtt = rtt;
			var = rtt / 2.0;
		} else {
			/* damping, in terms of RTTVAR */
			double step = (err - var) / 4;

			if (rtt < srtt && step > 0)
				step /= 8;
			var += step;
			srtt += (rtt - srtt) / 8;
		}
		EXPECT_NEAR(xtcp_rtt_srtt_us(&r), srtt, 20);
		EXPECT_NEAR(r.mdev_us / 4.0, var, 40);
		EXPECT(xtcp_rtt_rto(&r) + 100 >= srtt + 4 * var);
	}
}

/* --- backoff -------------------------------------------------------------- */

/* 0.2 s doubles to the ceiling: with 15 retries R2 is 924.6 s */
TEST(rtt_backoff__doubles_to_maximum)
{
	struct xtcp_rtt r = fresh();
	double total = 0;
	unsigned int i;

	r.rto_us = 200 * MS;
	for (i = 0; i < 16; i++) {
		u64 want = (u64)(200 * MS) << i;

		EXPECT_EQ(xtcp_rtt_rto(&r),
			  want < XTCP_RTO_MAX_US ? want : XTCP_RTO_MAX_US);
		total += xtcp_rtt_rto(&r) / 1e6;
		xtcp_rtt_backoff(&r);
	}
	EXPECT_NEAR(total, 924.6, 0.01);
	for (i = 0; i < 300; i++)
		xtcp_rtt_backoff(&r);
	EXPECT_EQ(xtcp_rtt_rto(&r), XTCP_RTO_MAX_US);
}

TEST(rtt_backoff__ends_with_a_sample)
{
	struct xtcp_rtt r = fresh();

	xtcp_rtt_sample(&r, 500 * MS, 0);
	xtcp_rtt_backoff(&r);
	xtcp_rtt_backoff(&r);
	EXPECT_EQ(xtcp_rtt_rto(&r), 6 * SEC);
	xtcp_rtt_unbackoff(&r);			/* RFC 6069 */
	EXPECT_EQ(xtcp_rtt_rto(&r), 3 * SEC);
	xtcp_rtt_sample(&r, 500 * MS, 9 * SEC);
	EXPECT_EQ(r.backoff, 0);
	EXPECT(xtcp_rtt_rto(&r) <= 1500 * MS);
	xtcp_rtt_unbackoff(&r);
	EXPECT_EQ(r.backoff, 0);
	xtcp_rtt_backoff(&r);
	xtcp_rtt_backoff_reset(&r);
	EXPECT_EQ(r.backoff, 0);
}

TEST(rtt_syn_lost__three_seconds)
{
	struct xtcp_rtt r = fresh();

	/* (5.7) */
	xtcp_rtt_backoff(&r);
	xtcp_rtt_syn_lost(&r);
	EXPECT_EQ(xtcp_rtt_rto(&r), 3 * SEC);
	xtcp_rtt_sample(&r, 10 * MS, 0);
	EXPECT_EQ(xtcp_rtt_rto(&r), 210 * MS);
	/* a timestamp gave a sample of the handshake: nothing to fall back to */
	xtcp_rtt_syn_lost(&r);
	EXPECT_EQ(xtcp_rtt_rto(&r), 210 * MS);
}

TEST(rtt_forget__next_sample_is_first)
{
	struct xtcp_rtt r = fresh();

	xtcp_rtt_sample(&r, 10 * MS, 0);
	xtcp_rtt_backoff(&r);
	xtcp_rtt_forget(&r);
	EXPECT(!xtcp_rtt_valid(&r));
	EXPECT_EQ(xtcp_rtt_rto(&r), 420 * MS);
	xtcp_rtt_sample(&r, 500 * MS, 1);
	EXPECT_EQ(xtcp_rtt_srtt_us(&r), 500 * MS);
	EXPECT_EQ(xtcp_rtt_rto(&r), 1500 * MS);
	EXPECT_EQ(xtcp_rtt_min_us(&r), 500 * MS);
}

/* EIF-3: after a spurious timeout RTO covers the delay that caused it */
TEST(rtt_spurious__same_delay_fits)
{
	struct xtcp_rtt r = fresh();
	unsigned int i;

	for (i = 0; i < 50; i++)
		xtcp_rtt_sample(&r, 50 * MS, i * 50 * MS);
	xtcp_rtt_backoff(&r);
	xtcp_rtt_spurious(&r, 800 * MS, 4 * SEC);
	EXPECT_EQ(xtcp_rtt_srtt_us(&r), 800 * MS);
	EXPECT_EQ(r.mdev_us / 4, 400 * MS);
	EXPECT_EQ(xtcp_rtt_rto(&r), 2400 * MS);
	EXPECT_EQ(r.backoff, 0);
}

TEST(rtt_spurious__absurd_sample)
{
	struct xtcp_rtt r = fresh();

	xtcp_rtt_spurious(&r, ~0U, 0);
	EXPECT_EQ(r.srtt_us, 1U << 31);
	EXPECT_EQ(xtcp_rtt_rto(&r), XTCP_RTO_MAX_US);
}

TEST(rtt_spurious__does_not_shrink)
{
	struct xtcp_rtt r = fresh();
	u32 rto;

	xtcp_rtt_sample(&r, 800 * MS, 0);
	rto = xtcp_rtt_rto(&r);
	xtcp_rtt_spurious(&r, 790 * MS, 1);
	EXPECT(xtcp_rtt_rto(&r) + 2 * MS >= rto);
}

TEST(rtt_set_limits__floor_and_ceiling)
{
	struct xtcp_rtt r = fresh();

	xtcp_rtt_set_limits(&r, 5 * MS, 2 * SEC);
	EXPECT_EQ(xtcp_rtt_rto(&r), 1 * SEC);
	xtcp_rtt_sample(&r, 1 * MS, 0);
	EXPECT_EQ(xtcp_rtt_rto(&r), 6 * MS);
	xtcp_rtt_set_limits(&r, 50 * MS, 2 * SEC);
	EXPECT_EQ(xtcp_rtt_rto(&r), 51 * MS);
	/* the new floor also is where a round starts from */
	xtcp_rtt_sample(&r, 1 * MS, 1 * SEC);
	EXPECT_EQ(xtcp_rtt_rto(&r), 51 * MS);
	xtcp_rtt_sample(&r, 3 * SEC, 2 * SEC);
	EXPECT_EQ(xtcp_rtt_rto(&r), 2 * SEC);
	xtcp_rtt_backoff(&r);
	EXPECT_EQ(xtcp_rtt_rto(&r), 2 * SEC);

	r = fresh();
	xtcp_rtt_set_limits(&r, 5 * MS, 500 * MS);
	EXPECT_EQ(r.rto_us, 500 * MS);
	xtcp_rtt_syn_lost(&r);
	EXPECT_EQ(xtcp_rtt_rto(&r), 500 * MS);
}

/* --- min RTT -------------------------------------------------------------- */

TEST(rtt_min__smallest_of_window)
{
	struct xtcp_rtt r = fresh();
	u64 t0 = 1000ULL * 75 * SEC;

	xtcp_rtt_sample(&r, 30 * MS, t0);
	xtcp_rtt_sample(&r, 10 * MS, t0 + 1);
	xtcp_rtt_sample(&r, 50 * MS, t0 + 2);
	EXPECT_EQ(xtcp_rtt_min_us(&r), 10 * MS);
	/* the slot of the 10 ms is the oldest of four */
	xtcp_rtt_sample(&r, 40 * MS, t0 + 225ULL * SEC);
	EXPECT_EQ(xtcp_rtt_min_us(&r), 10 * MS);
	xtcp_rtt_sample(&r, 60 * MS, t0 + 300ULL * SEC);
	EXPECT_EQ(xtcp_rtt_min_us(&r), 40 * MS);
	/* long silence: only the new one counts */
	xtcp_rtt_sample(&r, 90 * MS, t0 + 100000ULL * SEC);
	EXPECT_EQ(xtcp_rtt_min_us(&r), 90 * MS);
}

/* Between the true minima of the last 225 and of the last 300 seconds */
TEST(rtt_min__random_against_model)
{
	static struct { u64 t; u32 us; } log[4000];
	struct xtcp_rtt r = fresh();
	unsigned int i, j;
	u64 now = 12345;

	for (i = 0; i < ARRAY_SIZE(log); i++) {
		u32 short_min = ~0U, long_min = ~0U;

		now += tap_random() % 4 ? tap_random() % (2 * SEC)
					: tap_random() % (50 * SEC);
		log[i].t = now;
		log[i].us = 1 + tap_random() % 100000;
		xtcp_rtt_sample(&r, log[i].us, now);
		for (j = 0; j <= i; j++) {
			if (now - log[j].t <= 300ULL * SEC)
				long_min = min(long_min, log[j].us);
			if (now - log[j].t < 225ULL * SEC)
				short_min = min(short_min, log[j].us);
		}
		EXPECT(xtcp_rtt_min_us(&r) >= long_min);
		EXPECT(xtcp_rtt_min_us(&r) <= short_min);
	}
}
