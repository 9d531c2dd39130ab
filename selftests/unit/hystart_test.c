// SPDX-License-Identifier: GPL-2.0
/* hystart_test.c - the two signs of a full path, round by round */

#include "tap.h"

#include "control/cong.h"
#include "control/hystart.h"

#define MS	1000U
#define DATA	1000U			/* bytes of a packet */
#define CWND	64U

struct flow {
	struct xtcp_hystart h;
	struct xtcp_cong_ack a;
	u32 cwnd;
};

/* Rounds begin far apart, with ACKs too far apart for a train */
static struct flow flow_new(u32 iss)
{
	return (struct flow) {
		.a = { .now_us = 1000 * MS, .snd_una = iss, .snd_nxt = iss + DATA },
		.cwnd = CWND,
	};
}

static bool ack(struct flow *f, u32 gap_us, u32 rtt_us)
{
	f->a.now_us += gap_us;
	f->a.snd_una++;
	f->a.rtt_us = rtt_us;
	return xtcp_hystart_ack(&f->h, &f->a, f->cwnd);
}

/* The next ACK is the first of a round */
static void next_round(struct flow *f)
{
	f->a.now_us += 1000 * MS;
	f->a.snd_una = f->a.snd_nxt;
	f->a.snd_nxt += 100 * DATA;
}

/* A round of n ACKs with these RTTs */
static bool round_of(struct flow *f, unsigned int n, u32 rtt_us)
{
	bool done = false;

	next_round(f);
	while (n--)
		done |= ack(f, 3 * MS, rtt_us);
	return done;
}

/* --- delay ---------------------------------------------------------------- */

static bool leaves_after(u32 rtt0, u32 rtt1)
{
	struct flow f = flow_new(0);

	EXPECT(!round_of(&f, 12, rtt0));
	return round_of(&f, 12, rtt1);
}

TEST(hystart__threshold_is_an_eighth)
{
	EXPECT(!leaves_after(80 * MS, 80 * MS));
	EXPECT(!leaves_after(80 * MS, 90 * MS));
	EXPECT(leaves_after(80 * MS, 90 * MS + 1));
}

TEST(hystart__threshold_at_least_4ms)
{
	EXPECT(!leaves_after(1 * MS, 5 * MS));
	EXPECT(leaves_after(1 * MS, 5 * MS + 1));
}

TEST(hystart__threshold_at_most_16ms)
{
	EXPECT(!leaves_after(400 * MS, 416 * MS));
	EXPECT(leaves_after(400 * MS, 416 * MS + 1));
}

TEST(hystart__no_overflow)
{
	EXPECT(!leaves_after(~0U, ~0U));
	EXPECT(!leaves_after(~0U - 1, ~0U));
}

TEST(hystart__needs_more_than_8_samples)
{
	struct flow f = flow_new(0);

	round_of(&f, 12, 50 * MS);
	EXPECT(!round_of(&f, 8, 90 * MS));
	EXPECT(!round_of(&f, 8, 90 * MS));
	EXPECT(round_of(&f, 9, 90 * MS));
}

TEST(hystart__minimum_of_the_round_counts)
{
	struct flow f = flow_new(0);
	unsigned int i;

	round_of(&f, 12, 50 * MS);
	next_round(&f);
	for (i = 0; i < 30; i++)
		EXPECT(!ack(&f, 3 * MS, i == 4 ? 51 * MS : 200 * MS));
	/* which is forgotten with it */
	EXPECT(round_of(&f, 12, 200 * MS));
}

/* It is compared with the least ever, not with the round before: a queue that
 * grows slowly is one.
 */
TEST(hystart__slow_growth_is_seen)
{
	struct flow f = flow_new(0);
	u32 rtt;

	for (rtt = 40 * MS; rtt <= 45 * MS; rtt += 1 * MS)
		EXPECT(!round_of(&f, 12, rtt));
	EXPECT(round_of(&f, 12, 46 * MS));
}

/* The ACK that ends a round is not the first of the next: its RTT is of what was
 * sent before.
 */
TEST(hystart__last_of_a_round)
{
	struct flow f = flow_new(0xfffffff0);	/* sequence wraps */
	unsigned int i;

	round_of(&f, 12, 200 * MS);
	f.a.snd_una = f.a.snd_nxt - 1;
	f.a.snd_nxt += 20 * DATA;
	EXPECT(!ack(&f, 3 * MS, 200 * MS));
	for (i = 0; i < 8; i++)
		EXPECT(!ack(&f, 3 * MS, 240 * MS));
	EXPECT(ack(&f, 3 * MS, 240 * MS));
}

TEST(hystart__acks_without_sample_do_not_count)
{
	struct flow f = flow_new(0);

	round_of(&f, 12, 50 * MS);
	EXPECT(!round_of(&f, 100, 0));
	EXPECT(!round_of(&f, 8, 90 * MS));
	EXPECT(round_of(&f, 9, 90 * MS));
}

TEST(hystart__small_windows_do_not_count)
{
	struct flow f = flow_new(0);
	unsigned int i;

	f.cwnd = 15;
	round_of(&f, 12, 50 * MS);
	EXPECT(!round_of(&f, 12, 90 * MS));
	next_round(&f);
	for (i = 0; i < 100; i++)
		EXPECT(!ack(&f, 1 * MS, 50 * MS));
	f.cwnd = 16;
	EXPECT(round_of(&f, 12, 90 * MS));
}

TEST(hystart__stop)
{
	struct flow f = flow_new(0);

	round_of(&f, 12, 50 * MS);
	xtcp_hystart_stop(&f.h);
	EXPECT(!round_of(&f, 12, 90 * MS));
	EXPECT(round_of(&f, 12, 130 * MS));
}

/* --- train ---------------------------------------------------------------- */

/* After how long does a train of ACKs, so far apart, tell?  0: never. */
static u32 train_of(struct flow *f, u32 gap_us, u32 rtt_us)
{
	u32 n;

	round_of(f, 12, rtt_us);
	next_round(f);
	for (n = 0; n * gap_us < 10 * rtt_us; n++)
		if (ack(f, n ? gap_us : 0, rtt_us))
			return n * gap_us;
	return 0;
}

TEST(hystart__train_of_half_an_rtt)
{
	struct flow f = flow_new(0);

	EXPECT_EQ(train_of(&f, 100, 50 * MS), 25 * MS + 100);
}

TEST(hystart__paced_train_of_an_rtt)
{
	struct flow f = flow_new(0);

	f.a.paced = true;
	EXPECT_EQ(train_of(&f, 100, 50 * MS), 50 * MS + 100);
}

TEST(hystart__train_has_gaps_of_2ms)
{
	struct flow f = flow_new(0);

	EXPECT_EQ(train_of(&f, 2 * MS, 50 * MS), 26 * MS);
	f = flow_new(0);
	EXPECT_EQ(train_of(&f, 2 * MS + 1, 50 * MS), 0);
}

/* What comes after a gap is no train of this round */
TEST(hystart__train_breaks)
{
	struct flow f = flow_new(0);
	unsigned int i;

	round_of(&f, 12, 50 * MS);
	next_round(&f);
	for (i = 0; i < 20; i++)
		EXPECT(!ack(&f, 1 * MS, 50 * MS));
	EXPECT(!ack(&f, 3 * MS, 50 * MS));
	for (i = 0; i < 100; i++)
		EXPECT(!ack(&f, 1 * MS, 50 * MS));
	/* the next round has its own */
	EXPECT_EQ(train_of(&f, 1 * MS, 50 * MS), 26 * MS);
}

/* Four super-packets at the rate of slow start, a millisecond at most */
TEST(hystart__super_packets_make_trains_longer)
{
	struct flow f = flow_new(0);

	f.a.gso_max = 62500;
	f.a.rate = 500000000;		/* 250 kB take 500 us */
	EXPECT_EQ(train_of(&f, 10, 1 * MS), 760);
	f = flow_new(0);
	f.a.gso_max = 62500;
	f.a.rate = 50000000;
	EXPECT_EQ(train_of(&f, 10, 1 * MS), 1010);
	f = flow_new(0);
	f.a.gso_max = 62500;
	f.a.rate = ~0ULL;		/* not known */
	EXPECT_EQ(train_of(&f, 10, 1 * MS), 510);
}
