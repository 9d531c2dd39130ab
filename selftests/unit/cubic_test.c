// SPDX-License-Identifier: GPL-2.0
/* cubic_test.c - RFC 9438 against its own formulas in floating point */

#include "tap.h"

#include "control/cubic.h"

#include <math.h>

#define SEC	1000000ULL
#define MSS	1000U

/* A flow that fills its window on a path with a constant RTT */
struct flow {
	struct xtcp_cong c;
	u64 now;
	u32 rtt_us;
	u32 train_us;		/* ACKs come within this; 0: evenly, all the time */
	u32 una, nxt;
};

static void sent(struct flow *f)
{
	struct xtcp_cong_tx tx = {
		.now_us = f->now, .snd_una = f->una, .snd_nxt = f->nxt,
		.flight = f->c.cwnd, .rto_us = 1000000, .limited = true,
	};

	xtcp_cong_sent(&f->c, &tx);
}

static struct flow flow_new(u32 cwnd, u32 rtt_us)
{
	struct flow f = {
		.now = 1000 * SEC, .rtt_us = rtt_us, .nxt = cwnd * MSS,
	};

	xtcp_cong_init(&f.c, &xtcp_cubic, cwnd);
	sent(&f);
	return f;
}

/* One round trip, an ACK for every `stretch` packets */
static void round_trip(struct flow *f, u32 stretch)
{
	u32 n, window = f->c.cwnd;
	u64 start = f->now, train = f->train_us ?: f->rtt_us;

	for (n = 0; n < window; n += stretch) {
		struct xtcp_cong_ack a = {
			.acked = min(stretch, window - n),
			.rtt_us = f->rtt_us, .srtt_us = f->rtt_us,
			.min_rtt_us = f->rtt_us,
		};

		f->now = start + train * (n + 1) / window;
		f->una += a.acked * MSS;
		f->nxt = f->una + f->c.cwnd * MSS;
		a.now_us = f->now;
		a.snd_una = f->una;
		a.snd_nxt = f->nxt;
		xtcp_cong_ack(&f->c, &a, NULL);
		sent(f);
	}
	f->now = start + f->rtt_us;
}

static void lose(struct flow *f)
{
	xtcp_cong_enter_recovery(&f->c);
	f->now += f->rtt_us;
	xtcp_cong_complete(&f->c, f->now);
}

/* W_cubic(t) of RFC 9438 4.2 */
static double w_cubic(double t, double w_max, double cwnd_epoch)
{
	double k = cbrt((w_max - cwnd_epoch) / 0.4);

	return 0.4 * pow(t - k, 3) + w_max;
}

/* --- cube root --------------------------------------------------------------- */

TEST(cubic_root__every_cube)
{
	u64 r;

	EXPECT_EQ(xtcp_cubic_root(0), 0);
	for (r = 1; r <= 2642245; r++) {
		EXPECT_EQ(xtcp_cubic_root(r * r * r), r);
		EXPECT_EQ(xtcp_cubic_root(r * r * r - 1), r - 1);
	}
	EXPECT_EQ(xtcp_cubic_root(~0ULL), 2642245);
}

/* --- the curve ----------------------------------------------------------------- */

/* 100 ms, W_max = 1000: K = 9.09 s; followed for 18 s, far above Reno */
static void follow_curve(u32 stretch)
{
	struct flow f = flow_new(1000, 100000);
	u64 epoch;

	f.c.ssthresh = 1000;
	lose(&f);
	EXPECT_EQ(f.c.cwnd, 700);
	epoch = f.now;
	while (f.now < epoch + 18 * SEC) {
		double t, w;

		round_trip(&f, stretch);
		t = (f.now - epoch) / 1e6;
		w = w_cubic(t, 1000, 700);
		EXPECT_NEAR(f.c.cwnd, w, 0.004 * w);
	}
	EXPECT(f.c.cwnd > 1200);
}

TEST(cubic__follows_the_curve)
{
	follow_curve(1);
}

TEST(cubic__follows_the_curve_with_stretch_acks)
{
	follow_curve(40);
}

TEST(cubic__plateau_at_w_max)
{
	struct flow f = flow_new(1000, 100000);
	unsigned int i;

	f.c.ssthresh = 1000;
	lose(&f);
	for (i = 0; i < 86; i++)
		round_trip(&f, 1);
	/* half a second on either side of K */
	EXPECT_NEAR(f.c.cwnd, 1000, 2);
	for (i = 0; i < 10; i++)
		round_trip(&f, 1);
	EXPECT_NEAR(f.c.cwnd, 1000, 2);
}

/* CUB-1: K comes from where the epoch starts, not from beta * W_max */
TEST(cubic__k_from_the_real_start)
{
	struct flow f = flow_new(1000, 100000);
	u64 epoch;

	f.c.ssthresh = 1000;
	lose(&f);
	f.c.cwnd = 500;
	f.c.ssthresh = 500;
	epoch = f.now;
	while (f.now < epoch + 10 * SEC) {
		round_trip(&f, 1);
		EXPECT_NEAR(f.c.cwnd,
			    w_cubic((f.now - epoch) / 1e6, 1000, 500), 12);
	}
}

/* CUB-6: the target is at most 1.5 * cwnd per round trip */
TEST(cubic__growth_is_clamped)
{
	struct flow f = flow_new(20, 2000000);
	unsigned int i;

	f.c.ssthresh = 20;
	for (i = 0; i < 30; i++) {
		u32 before = f.c.cwnd;

		round_trip(&f, 1);
		EXPECT(f.c.cwnd <= before + before / 2 + 3 * before / 10);
	}
	EXPECT(f.c.cwnd > 1000);
}

/* Far out the curve must not fold back; (2^18 ms)^3 * 4096 is 2^66 */
TEST(cubic__long_after_the_loss)
{
	u32 k_ms = xtcp_cubic_root(300 * 2500000000ULL);
	struct flow f = flow_new(1000, 100000);
	struct xtcp_cong_ack a = { .acked = 1, .srtt_us = 100000 };

	f.c.ssthresh = 1000;
	lose(&f);
	a.now_us = f.now;
	xtcp_cong_ack(&f.c, &a, NULL);
	a.now_us += (k_ms + (1U << 18) - 100) * 1000ULL;
	a.acked = f.c.cwnd;
	xtcp_cong_ack(&f.c, &a, NULL);
	EXPECT_EQ(f.c.cwnd, 700 + 350);
}

/* --- Reno-friendly region -------------------------------------------------------- */

/* 1 ms and 20 packets: alpha = 9/17 per round until W_max, then 1 */
TEST(cubic__reno_friendly)
{
	struct flow f = flow_new(100, 1000);
	unsigned int i;

	f.c.ssthresh = 100;
	lose(&f);
	EXPECT_EQ(f.c.cwnd, 70);
	for (i = 0; i < 40; i++)
		round_trip(&f, 1);
	EXPECT_NEAR(f.c.cwnd, 70 + 40 * 9 / 17.0, 1.01);
	for (; i < 57; i++)
		round_trip(&f, 1);
	EXPECT_NEAR(f.c.cwnd, 100, 1.01);
	for (; i < 157; i++)
		round_trip(&f, 1);
	EXPECT_NEAR(f.c.cwnd, 200, 3);
}

/* The average window of alpha = 9/17, beta = 0.7 is Reno's: a sawtooth with a
 * loss every n packets carries sqrt(3/2) * sqrt(n) on average (RFC 5681's).
 */
TEST(cubic__reno_friendly_throughput)
{
	struct flow f = flow_new(30, 1000);
	u64 total = 0, since = 0, rounds = 0;

	f.c.ssthresh = 30;
	while (rounds < 200000) {
		since += f.c.cwnd;
		total += f.c.cwnd;
		rounds++;
		round_trip(&f, f.c.cwnd);
		if (since >= 1000) {
			since = 0;
			xtcp_cong_enter_recovery(&f.c);
			xtcp_cong_complete(&f.c, f.now);
		}
	}
	EXPECT_NEAR((double)total / rounds, sqrt(1.5 * 1000), 2);
}

/* --- going down -------------------------------------------------------------------- */

TEST(cubic__beta)
{
	struct flow f = flow_new(10, 100000);
	u32 w;

	for (w = 1; w < 5000; w++) {
		xtcp_cong_init(&f.c, &xtcp_cubic, w);
		xtcp_cong_enter_recovery(&f.c);
		EXPECT_EQ(f.c.ssthresh, w * 7 / 10 < 2 ? 2 : w * 7 / 10);
	}
}

/* CUB-5: lost at 800 on the way back to 1000, so W_max = 800 * 0.85 = 680 */
TEST(cubic__fast_convergence)
{
	struct flow f = flow_new(1000, 100000);
	u64 epoch;

	f.c.ssthresh = 1000;
	lose(&f);
	f.c.cwnd = 800;
	lose(&f);
	EXPECT_EQ(f.c.cwnd, 560);
	epoch = f.now;
	while (f.now < epoch + 10 * SEC) {
		double t, w;

		round_trip(&f, 1);
		t = (f.now - epoch) / 1e6;
		w = w_cubic(t, 680, 560);
		EXPECT_NEAR(f.c.cwnd, w, 0.015 * w);
	}
}

TEST(cubic__no_fast_convergence_above)
{
	struct flow f = flow_new(1000, 100000);
	u64 epoch;

	f.c.ssthresh = 1000;
	lose(&f);
	f.c.cwnd = 1000;
	lose(&f);
	epoch = f.now;
	while (f.now < epoch + 9 * SEC)
		round_trip(&f, 1);
	EXPECT_NEAR(f.c.cwnd, 1000, 3);
}

/* Avoidance after a timeout: never below Reno, never above a fresh curve */
static void expect_fresh_curve(struct flow *f, u32 start)
{
	u64 epoch = f->now;

	while (f->now < epoch + 6 * SEC) {
		double t, w, reno;

		round_trip(f, 1);
		t = (f->now - epoch) / 1e6;
		w = w_cubic(t, start, start);
		reno = start + t / 0.1 * 9 / 17;
		w = w > reno ? w : reno;
		EXPECT_NEAR(f->c.cwnd, w, 0.02 * w);
	}
}

/* 4.8: after a timeout K = 0 and W_max = cwnd at the start of avoidance */
TEST(cubic__timeout)
{
	struct flow f = flow_new(1000, 100000);

	f.c.ssthresh = 1000;
	xtcp_cong_timeout(&f.c, 0, false);
	EXPECT_EQ(f.c.ssthresh, 700);
	EXPECT_EQ(f.c.cwnd, 1);
	while (f.c.cwnd < 700)
		round_trip(&f, 1);
	xtcp_cong_complete(&f.c, f.now);
	expect_fresh_curve(&f, 700);
}

/* An older K and an epoch that had begun are forgotten as well */
TEST(cubic__timeout_after_losses)
{
	struct flow f = flow_new(1000, 100000);
	unsigned int i;

	f.c.ssthresh = 1000;
	lose(&f);
	for (i = 0; i < 20; i++)
		round_trip(&f, 1);
	xtcp_cong_timeout(&f.c, 0, false);
	f.c.ssthresh = 500;
	while (f.c.cwnd < 500)
		round_trip(&f, 1);
	for (i = 0; i < 50; i++)
		round_trip(&f, 1);
	/* the same data again: ssthresh stays, the epoch does not */
	xtcp_cong_timeout(&f.c, 0, true);
	EXPECT_EQ(f.c.ssthresh, 500);
	while (f.c.cwnd < 500)
		round_trip(&f, 1);
	expect_fresh_curve(&f, 500);
}

/* CUB-9: all of it comes back, and the old curve goes on */
TEST(cubic__undo)
{
	struct flow f = flow_new(1000, 100000), g;
	unsigned int i;

	f.c.ssthresh = 1000;
	lose(&f);
	for (i = 0; i < 50; i++)
		round_trip(&f, 1);
	g = f;

	xtcp_cong_timeout(&f.c, 0, false);
	EXPECT_EQ(f.c.cwnd, 1);
	xtcp_cong_undo(&f.c);
	xtcp_cong_complete(&f.c, f.now);
	EXPECT_EQ(f.c.cwnd, g.c.cwnd);
	/* RFC 2861's memory: three quarters of cwnd are above the old 700 */
	EXPECT(f.c.ssthresh >= g.c.ssthresh && f.c.ssthresh <= f.c.cwnd);
	for (i = 0; i < 100; i++) {
		round_trip(&f, 1);
		round_trip(&g, 1);
		EXPECT_NEAR(f.c.cwnd, g.c.cwnd, 1);
	}
}

/* --- application-limited time ------------------------------------------------------ */

/* CUB-7: an idle minute is not a minute on the curve */
TEST(cubic__idle_does_not_advance_t)
{
	struct flow f = flow_new(1000, 100000), g;
	unsigned int i;

	f.c.after_idle = false;
	f.c.ssthresh = 1000;
	lose(&f);
	for (i = 0; i < 30; i++)
		round_trip(&f, 1);
	g = f;
	f.now += 60 * SEC;
	xtcp_cong_tx_start(&f.c, 300000, f.now, false);
	for (i = 0; i < 100; i++) {
		round_trip(&f, 1);
		round_trip(&g, 1);
		EXPECT_NEAR(f.c.cwnd, g.c.cwnd, 1);
	}
}

TEST(cubic__app_limited_does_not_advance_t)
{
	struct flow f = flow_new(1000, 100000), g;
	unsigned int i;

	f.c.ssthresh = 1000;
	lose(&f);
	for (i = 0; i < 30; i++)
		round_trip(&f, 1);
	g = f;
	for (i = 0; i < 600; i++) {
		struct xtcp_cong_ack a = {
			.now_us = f.now += 100000, .acked = 3,
			.srtt_us = 100000,
		};

		f.c.limited = false;
		xtcp_cong_ack(&f.c, &a, NULL);
	}
	EXPECT_EQ(f.c.cwnd, g.c.cwnd);
	f.c.limited = true;
	f.c.used_us = f.now;
	for (i = 0; i < 100; i++) {
		round_trip(&f, 1);
		round_trip(&g, 1);
		EXPECT_NEAR(f.c.cwnd, g.c.cwnd, 1);
	}
}

/* --- slow start --------------------------------------------------------------------- */

TEST(cubic__slow_start_doubles)
{
	struct flow f = flow_new(10, 100000);
	unsigned int i;

	f.train_us = 40000;
	for (i = 1; i <= 6; i++) {
		round_trip(&f, 1);
		EXPECT_EQ(f.c.cwnd, 10 << i);
	}
	EXPECT_EQ(f.c.ssthresh, XTCP_SSTHRESH_INF);
}

/* A queue builds up beyond 160 packets; the path's RTT is 100 ms */
TEST(cubic__hystart_leaves_by_delay)
{
	struct flow f = flow_new(10, 100000);
	unsigned int rounds = 0;

	f.train_us = 40000;
	while (f.c.ssthresh == XTCP_SSTHRESH_INF && rounds++ < 40) {
		f.rtt_us = f.c.cwnd <= 160 ? 100000 : f.c.cwnd * 100000 / 160;
		round_trip(&f, 1);
	}
	EXPECT(rounds < 15);
	EXPECT(f.c.cwnd >= 160);
	/* without it the window would have doubled until something broke */
	EXPECT(f.c.cwnd < 2 * 180);
	EXPECT(f.c.ssthresh <= f.c.cwnd);
}

/* The bottleneck lets 1600 packets a second through, and the queue is endless */
TEST(cubic__hystart_leaves_by_train)
{
	struct flow f = flow_new(10, 100000);

	while (f.c.ssthresh == XTCP_SSTHRESH_INF && f.c.cwnd < 1000) {
		f.train_us = f.c.cwnd * 1000000 / 1600;
		round_trip(&f, 1);
	}
	/* half of the path is 80; a round finds out, and may begin just below */
	EXPECT(f.c.ssthresh > 80);
	EXPECT(f.c.ssthresh < 2 * 160);
}

/* At the ACK that tells, not a packet later */
TEST(cubic__hystart_leaves_at_once)
{
	struct flow f = flow_new(64, 100000);
	u32 before;

	f.train_us = 40000;
	round_trip(&f, 1);
	before = f.c.cwnd;
	f.rtt_us = 113000;
	round_trip(&f, 2);
	/* the ninth sample tells, before its ACK opens the window */
	EXPECT_EQ(f.c.ssthresh, before + 8 * 2);
	EXPECT(f.c.cwnd < f.c.ssthresh + before / 10);
}

/* A reduction that was none goes back to where slow start was: it looks again */
TEST(cubic__hystart_after_undo)
{
	struct flow f = flow_new(64, 100000);

	f.train_us = 40000;
	round_trip(&f, 1);
	f.rtt_us = 150000;
	xtcp_cong_timeout(&f.c, 3, false);
	xtcp_cong_undo(&f.c);
	xtcp_cong_complete(&f.c, f.now);
	EXPECT_EQ(f.c.ssthresh, XTCP_SSTHRESH_INF);
	round_trip(&f, 1);
	EXPECT_EQ(f.c.ssthresh, XTCP_SSTHRESH_INF);
	f.rtt_us = 180000;
	round_trip(&f, 1);
	EXPECT(f.c.ssthresh < XTCP_SSTHRESH_INF);
}

TEST(cubic__hystart_not_after_a_loss)
{
	struct flow f = flow_new(64, 100000);
	unsigned int i;

	xtcp_cong_timeout(&f.c, 0, false);
	EXPECT_EQ(f.c.ssthresh, 44);
	for (i = 0; i < 5; i++) {
		round_trip(&f, 1);
		f.rtt_us += 50000;
	}
	EXPECT_EQ(f.c.cwnd, 32);
	EXPECT_EQ(f.c.ssthresh, 44);
}

/* --- limits ---------------------------------------------------------------------------- */

TEST(cubic__clamp)
{
	struct flow f = flow_new(100, 100000);
	unsigned int i;

	f.c.ssthresh = 100;
	f.c.cwnd_clamp = 110;
	for (i = 0; i < 500; i++)
		round_trip(&f, 1);
	EXPECT_EQ(f.c.cwnd, 110);
}

/* UBSan and ASan watch while everything is as extreme as a peer can make it */
TEST(cubic__extremes)
{
	struct xtcp_cong c;
	unsigned int n;
	u64 now = 1;

	xtcp_cong_init(&c, &xtcp_cubic, 10);
	for (n = 0; n < 300000; n++) {
		u64 r = tap_random();
		struct xtcp_cong_ack a = {
			.acked = r % 7 ? r % 10 : r % 100000,
			.rtt_us = r >> 33, .srtt_us = r >> 35,
			.snd_una = n * 100, .snd_nxt = n * 100 + (r & 0xfffff),
		};

		now += r % 5 ? r % 1000 : r % (1000 * SEC);
		a.now_us = now;
		c.limited = r & 0x1000;
		xtcp_cong_ack(&c, &a, NULL);
		switch (r >> 40 & 0x3ff) {
		case 0:
			xtcp_cong_enter_recovery(&c);
			break;
		case 1:
			xtcp_cong_timeout(&c, r & 15, r & 16);
			break;
		case 2:
			xtcp_cong_undo(&c);
			break;
		case 3:
		case 4:
			xtcp_cong_complete(&c, now);
			break;
		case 5:
			xtcp_cong_tx_start(&c, 300000, now, false);
			break;
		}
		EXPECT(c.cwnd >= 1 && c.cwnd <= XTCP_CWND_MAX);
		EXPECT(c.ssthresh >= 2);
	}
}
