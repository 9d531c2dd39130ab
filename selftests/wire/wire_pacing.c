// SPDX-License-Identifier: GPL-2.0
/* wire_pacing.c - gaps between segments, to the microsecond: by our timer, by
 * sch_fq, as BBR wants them.  Virtual time only.
 */
#include "far.h"

#include <linux/inet_diag.h>

#ifndef SO_MAX_PACING_RATE
#define SO_MAX_PACING_RATE 47
#endif

FIXTURE(pacing) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(pacing) {
	bool v6;
};

FIXTURE_VARIANT_ADD(pacing, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(pacing, v6) { .v6 = true };

FIXTURE_SETUP(pacing)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
}

FIXTURE_TEARDOWN(pacing)
{
	wire_end(&self->w);
}

/* A connection to a peer 40 ms away, which says the TCP that only then sends
 * small bursts; segments of 1000 bytes of payload.
 */
static void open_far(struct flow *f)
{
	open_over(f, 40, true, false);
}

/* The first ten, which leave at once, and their ACK: after so many us */
static double first_ten(struct flow *f, int total)
{
	int64_t t;
	int i;

	flow_write(f, total * 1000);
	t = expect(f, ACK, .len = 1000)->at;
	for (i = 1; i < 10; i++)
		expect(f, ACK, .len = 1000);
	expect_none(f, 40);
	t = now_us() - t;
	inject(f, ACK);
	return t;
}

/* Then @n bursts of two: the first at once, the second after half of @gap us for
 * the first came late, then one each @gap.
 */
#define EXPECT_BURSTS(f, n, gap) do {					     \
	int64_t start_ = 0, at_;					     \
	int i_, want_;							     \
	for (i_ = 0; i_ < (n); i_++) {					     \
		at_ = expect(f, ACK, .len = 1000)->at;			     \
		if (!i_)						     \
			start_ = at_;					     \
		want_ = i_ ? (gap) / 2 + (i_ - 1) * (gap) : 0;		     \
		EXPECT_GE(at_ - start_, want_ - 200);			     \
		EXPECT_LE(at_ - start_, want_ + 200);			     \
		EXPECT_LE(expect(f, ACK, .len = 1000)->at - at_, 100);	     \
	}								     \
} while (0)

/* 100 kB/s: two segments each 20 ms */
TEST_F(pacing, timer__gaps)
{
	struct flow *f = &self->f;

	open_far(f);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 100000));
	first_ten(f, 30);
	EXPECT_BURSTS(f, 10, 20000);
	expect_none(f, 40);
	EXPECT_EQ(100000, tcp_info_of(f->fd).tcpi_pacing_rate);
	EXPECT_EQ(100000, tcp_info_of(f->fd).tcpi_max_pacing_rate);
}

TEST_F(pacing, timer__rate_of_the_listener)
{
	struct flow *f = &self->f;

	ASSERT_EQ(0, set_int(self->w.lfd, SOL_SOCKET, SO_MAX_PACING_RATE, 200000));
	open_far(f);
	EXPECT_EQ(200000, get_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE));
	first_ten(f, 30);
	EXPECT_BURSTS(f, 10, 10000);
}

/* A lower rate counts from the next segment, a higher from the next ACK. */
TEST_F(pacing, timer__rate_may_change)
{
	struct flow *f = &self->f;
	int64_t t, at;
	int i;

	open_far(f);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 1000000));
	first_ten(f, 30);
	EXPECT_BURSTS(f, 2, 2000);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 100000));
	t = expect(f, ACK, .len = 1000)->at;
	expect(f, ACK, .len = 1000);
	for (i = 0; i < 7; i++) {
		at = expect(f, ACK, .len = 1000)->at;
		EXPECT_GE(at - t, 19800);
		EXPECT_LE(at - t, 20200);
		expect(f, ACK, .len = 1000);
		t = at;
	}
}

/* Tail probes and what frees held data wait: the rate is kept. */
TEST_F(pacing, timer__slow)
{
	struct flow *f = &self->f;
	int64_t t, at;
	int i;

	open_far(f);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 2000));
	flow_write(f, 20000);
	for (i = 0; i < 10; i++)
		t = expect(f, ACK, .len = 1000)->at;
	for (i = 0; i < 4; i++) {
		pass(40);
		inject(f, ACK);		/* nothing is in flight */
		at = expect(f, ACK, .len = 1000)->at;
		EXPECT_GE(at - t, 1000000 - 300);
		EXPECT_LE(at - t, 1000000 + 300);
		expect(f, ACK, .len = 1000);
		t = at;
	}
}

/* What is sent again is paced like the rest. */
TEST_F(pacing, timer__retransmissions)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	open_far(f);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 100000));
	flow_write(f, 10000);
	for (i = 0; i < 10; i++)
		expect(f, ACK, .len = 1000);
	pass(40);
	inject(f, ACK, .ack = 1, .nsack = 1, .sack = { { 6001, 10001 } });
	t = expect(f, ACK, .seq = 1, .len = 1000)->at;
	EXPECT_LE(expect(f, ACK, .seq = 1001, .len = 1000)->at - t, 100);
	t = expect(f, ACK, .seq = 2001, .len = 1000)->at - t;
	EXPECT_GE(t, 9800);
	EXPECT_LE(t, 10200);
}

TEST_F(pacing, close__while_the_timer_runs)
{
	struct flow *f = &self->f;
	struct linger l = { .l_onoff = 1 };

	open_far(f);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 10000));
	first_ten(f, 30);
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 1000);
	ASSERT_EQ(0, setsockopt(f->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	close(f->fd);
	expect(f, RST | ACK);
	expect_none(f, 1000);
}

/* --- who does not pace ------------------------------------------------------ */

TEST_F(pacing, none__bursts_as_cwnd_has_it)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	open_far(f);
	first_ten(f, 30);
	t = expect(f, ACK, .len = 1000)->at;
	for (i = 1; i < 20; i++)
		EXPECT_LE(expect(f, ACK, .len = 1000)->at - t, 2000);
}

/* 200 % of a window per round trip in slow start, 120 % after it, or what the
 * administrator says.
 */
static void rate_is_known(struct flow *f, double ratio)
{
	double rate, rtt;

	open_far(f);
	first_ten(f, 10);
	pass(1);
	rtt = tcp_info_of(f->fd).tcpi_rtt;
	rate = ratio * 1000.0 * tcp_info_of(f->fd).tcpi_snd_cwnd * 1e6 / rtt;
	must(tcp_info_of(f->fd).tcpi_pacing_rate >= rate * 0.99);
	must(tcp_info_of(f->fd).tcpi_pacing_rate <= rate * 1.01);
	must(tcp_info_of(f->fd).tcpi_max_pacing_rate == ~0ULL);
}

TEST_F(pacing, none__rate_is_known)
{
	rate_is_known(&self->f, 2);
}

TEST_F(pacing, none__rate_by_sysctl)
{
	sysctl_set(test_inet() ? "net/ipv4/tcp_pacing_ss_ratio" :
		   "net/xtcp/pacing_ss_ratio", "300");
	rate_is_known(&self->f, 3);
}

/* --- sch_fq ------------------------------------------------------------------ */

/* Did fq hold something back? */
static bool fq_throttled(void)
{
	FILE *p = popen("tc -s qdisc show dev wire0", "r");
	char line[512];
	int n = 0;

	must(p);
	while (fgets(line, sizeof(line), p))
		if (strstr(line, "throttled "))
			n = atoi(strstr(line, "throttled ") + 10);
	pclose(p);
	return n > 0;
}

TEST_F(pacing, fq__gaps)
{
	struct flow *f = &self->f;

	if (system("tc qdisc replace dev wire0 root fq"))
		SKIP(return, "no sch_fq");
	open_far(f);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 100000));
	first_ten(f, 30);
	EXPECT_BURSTS(f, 10, 20000);
	EXPECT_TRUE(fq_throttled());
}

/* The round trip is counted from the departure, not from when fq got it. */
TEST_F(pacing, fq__round_trip)
{
	struct flow *f = &self->f;
	int i;

	if (system("tc qdisc replace dev wire0 root fq"))
		SKIP(return, "no sch_fq");
	open_far(f);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 20000));
	first_ten(f, 20);
	for (i = 0; i < 4; i++) {	/* 100 ms between bursts */
		expect(f, ACK, .len = 1000);
		expect(f, ACK, .len = 1000);
		pass(40);
		inject(f, ACK);
		pass(1);
		EXPECT_LE(tcp_info_of(f->fd).tcpi_rtt, 43000);
		EXPECT_GE(tcp_info_of(f->fd).tcpi_rtt, 39500);
	}
}

/* An ACK waits behind the data that fq keeps, and is no older than that (PAWS). */
TEST_F(pacing, fq__timestamps_go_forward)
{
	struct flow *f = &self->f;
	const struct seg *s;
	uint32_t last = 0;
	int n = 0;

	if (system("tc qdisc replace dev wire0 root fq"))
		SKIP(return, "no sch_fq");
	inject(f, SYN, .mss = 1012, .ts = true);
	expect(f, SYN | ACK, .ts = true);
	f->ts = true;
	pass(40);
	inject(f, ACK);
	flow_accept(f);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 20000));
	first_ten(f, 20);
	/* two leave, the next two are to be kept for 100 ms; duplicates want ACKs */
	for (int i = 0; i < 12; i++) {
		inject(f, ACK, .len = 10);
		while ((s = wire_next(f, i < 11 ? 30 : 1000))) {
			if (n++)
				EXPECT_GE((int32_t)(s->tsval - last), 0);
			last = s->tsval;
		}
	}
	EXPECT_GE(n, 14);
}

/* --- BBR --------------------------------------------------------------------- */

static void choose(struct flow *f, const char *name)
{
	must(setsockopt(f->fd, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name)) == 0);
}

/* Ten segments in a round trip of 40 ms: 250 kB/s, and off at 2.89 times that */
TEST_F(pacing, bbr__first_round)
{
	struct flow *f = &self->f;
	struct tcp_bbr_info bbr;
	socklen_t len = sizeof(union tcp_cc_info);
	union tcp_cc_info info = {};
	double bw;

	open_far(f);
	choose(f, "bbr");
	bw = 10000 * 1e6 / first_ten(f, 40);
	/* 2000 bytes at 0.99 * 2.89 * 250 kB/s */
	EXPECT_BURSTS(f, 10, 2800);
	expect_none(f, 20);
	ASSERT_EQ(0, getsockopt(f->fd, IPPROTO_TCP, TCP_CC_INFO, &info, &len));
	ASSERT_EQ(sizeof(bbr), len);
	bbr = info.bbr;
	EXPECT_EQ(0, bbr.bbr_bw_hi);
	EXPECT_GE(bbr.bbr_bw_lo, bw * 0.98);
	EXPECT_LE(bbr.bbr_bw_lo, bw);
	EXPECT_GE(bbr.bbr_min_rtt, 40000);
	EXPECT_LE(bbr.bbr_min_rtt, 41000);
	EXPECT_EQ(739, bbr.bbr_pacing_gain);
	EXPECT_EQ(739, bbr.bbr_cwnd_gain);
	EXPECT_EQ(20, tcp_info_of(f->fd).tcpi_snd_cwnd);
	EXPECT_GE(tcp_info_of(f->fd).tcpi_pacing_rate, bw * 0.98 * 2.85);
	EXPECT_LE(tcp_info_of(f->fd).tcpi_pacing_rate, 716000);
}

/* It does not get more than the program allows, and knows that. */
TEST_F(pacing, bbr__below_the_maximum)
{
	struct flow *f = &self->f;

	open_far(f);
	choose(f, "bbr");
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 400000));
	first_ten(f, 40);
	EXPECT_BURSTS(f, 10, 5000);
	EXPECT_EQ(400000, tcp_info_of(f->fd).tcpi_pacing_rate);
}

/* Three segments lost of thirty: no halving, the window comes back. */
TEST_F(pacing, bbr__loss_is_no_congestion)
{
	struct flow *f = &self->f;
	int i;

	open_far(f);
	choose(f, "bbr");
	first_ten(f, 60);
	for (i = 0; i < 20; i++)
		expect(f, ACK, .len = 1000);
	pass(10);
	inject(f, ACK, .ack = 10001, .nsack = 1, .sack = { { 13001, 30001 } });
	pass(20);
	EXPECT_EQ(3, tcp_info_of(f->fd).tcpi_ca_state);
	for (i = 0; i < 3; i++)
		expect(f, ACK, .seq = 10001 + 1000 * i, .len = 1000);
	while (wire_next(f, 20))
		;
	inject(f, ACK);
	pass(1);
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_ca_state);
	EXPECT_GE(tcp_info_of(f->fd).tcpi_snd_cwnd, 20);
	while (wire_next(f, 50))
		inject(f, ACK);
	EXPECT_EQ(60001, f->ack);
}

TEST_HARNESS_MAIN
