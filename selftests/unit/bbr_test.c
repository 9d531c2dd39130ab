// SPDX-License-Identifier: GPL-2.0
/* bbr_test.c - BBR on a small model of a path: a bottleneck with a buffer, a
 * policer, random loss, a round trip.  The sender obeys cwnd and pacing rate, and
 * what is lost is noticed when the next packet is acknowledged.
 */

#include "tap.h"

#include "control/bbr.h"
#include "control/rate.h"

#define SEC	1000000ULL
#define MS	1000ULL
#define MSS	1000U
#define QUEUE	65536U			/* packets in flight at most */

struct pkt {
	struct xtcp_rate_pkt rate;
	u64 sent, acked;		/* acked 0: lost */
	u32 seq;
};

struct path {
	/* the network */
	u32 pkt_us;			/* bottleneck: time of a packet */
	u32 rtt_us;			/* without queue and that */
	u32 buffer;			/* packets */
	u32 loss;			/* one of so many is lost; 0: none */
	u32 token_us;			/* policer: time of a token; 0: none */
	u32 bucket;
	u64 free_us;			/* when the bottleneck is idle */
	u64 tokens_from;		/* bucket is full of tokens since */
	/* the sender */
	struct xtcp_cong c;
	struct xtcp_rate r;
	struct pkt pkt[QUEUE];
	u32 head, tail, inflight;
	u32 recovery;			/* until this packet is delivered */
	u64 now, next_send;
	u32 srtt_us, min_rtt_us;
	u64 app_us;			/* the program writes one so often; 0: always */
	u64 app_next;
	/* seen */
	u64 delivered, lost, sent;
	u64 rtt_sum, rtt_n;
	u32 max_flight;
	u32 modes;			/* bit per mode */
	u64 startup_end, probe_rtt_us;
	u32 probe_rtts, probe_rtt_cwnd;
};

static struct path *path_new(u32 pkt_us, u32 rtt_us, u32 buffer)
{
	struct path *p = calloc(1, sizeof(*p));

	p->pkt_us = pkt_us;
	p->rtt_us = rtt_us;
	p->buffer = buffer;
	p->now = 1000 * SEC;
	p->min_rtt_us = ~0U;
	p->tokens_from = p->now;
	p->c.mss = MSS;
	xtcp_cong_init(&p->c, &xtcp_bbr, 10);
	p->c.mss = MSS;
	xtcp_rate_init(&p->r);
	return p;
}

/* True: the policer lets it pass */
static bool police(struct path *p)
{
	u64 full = (u64)p->bucket * p->token_us;

	if (!p->token_us)
		return true;
	if (p->tokens_from + full < p->now)
		p->tokens_from = p->now - full;
	if (p->now < p->tokens_from + p->token_us)
		return false;
	p->tokens_from += p->token_us;
	return true;
}

static void emit(struct path *p)
{
	struct pkt *k = &p->pkt[p->tail % QUEUE];
	bool lost = !police(p);
	u64 start;

	if (!p->inflight)
		xtcp_cong_tx_start(&p->c, 300 * MS, p->now, p->r.app_limited);
	xtcp_rate_sent(&p->r, &k->rate, p->inflight, p->now);
	k->sent = p->now;
	k->seq = p->tail++;
	p->inflight++;
	p->sent++;
	start = max(p->now, p->free_us);
	if ((start - p->now) / p->pkt_us >= p->buffer ||
	    (p->loss && tap_random() % p->loss == 0))
		lost = true;
	k->acked = 0;
	if (!lost) {
		p->free_us = start + p->pkt_us;
		k->acked = p->free_us + p->rtt_us;
	}
	if (p->c.pacing_rate)
		p->next_send = max(p->now, p->next_send) +
			       MSS * SEC / p->c.pacing_rate;
	p->max_flight = max(p->max_flight, p->inflight);
}

static u32 rtt_measured(struct path *p, u64 sent)
{
	u32 rtt = p->now - sent;

	p->min_rtt_us = min(p->min_rtt_us, rtt);
	p->srtt_us = p->srtt_us ? (7 * p->srtt_us + rtt) / 8 : rtt;
	p->rtt_sum += rtt;
	p->rtt_n++;
	return rtt;
}

static void watch(struct path *p, enum xtcp_bbr_mode before, u64 since)
{
	enum xtcp_bbr_mode mode = xtcp_bbr_mode(&p->c);

	p->modes |= 1U << mode;
	if (before == XTCP_BBR_STARTUP && mode != before && !p->startup_end)
		p->startup_end = p->now;
	if (before == XTCP_BBR_PROBE_RTT)
		p->probe_rtt_us += p->now - since;
	if (mode == XTCP_BBR_PROBE_RTT) {
		p->probe_rtts += before != mode;
		p->probe_rtt_cwnd = max(p->probe_rtt_cwnd, p->c.cwnd);
	}
}

/* The next ACK that comes, and what was lost before it */
static void ack(struct path *p, u64 since)
{
	enum xtcp_bbr_mode before = xtcp_bbr_mode(&p->c);
	struct xtcp_rate_sample rs = { 0 };
	struct xtcp_cong_ack a = { .flight = p->inflight };
	struct pkt *k;
	u32 lost = 0;

	for (; !p->pkt[p->head % QUEUE].acked; p->head++)
		lost++;
	k = &p->pkt[p->head++ % QUEUE];
	p->inflight -= lost + 1;
	p->lost += lost;
	p->r.lost += lost;
	p->delivered++;
	xtcp_rate_delivered(&p->r, &rs, &k->rate, 1, k->sent, false);
	a.rtt_us = rtt_measured(p, k->sent);
	xtcp_rate_generate(&p->r, &rs, lost, p->min_rtt_us, p->now);

	if (p->c.state >= XTCP_CA_RECOVERY && k->seq >= p->recovery)
		xtcp_cong_complete(&p->c, p->now);
	if (lost && p->c.state < XTCP_CA_RECOVERY) {
		xtcp_cong_enter_recovery(&p->c);
		p->recovery = p->tail;
	}
	a.now_us = p->now;
	a.acked = 1;
	a.pipe = p->inflight;
	a.srtt_us = p->srtt_us;
	a.min_rtt_us = p->min_rtt_us;
	a.delivered = p->r.delivered;
	a.lost = p->r.lost;
	a.edt_us = p->next_send > p->now ? p->next_send - p->now : 0;
	xtcp_cong_ack(&p->c, &a, &rs);
	if (p->c.self_limited)
		xtcp_rate_app_limited(&p->r, p->inflight);
	watch(p, before, since);
}

static u64 next_ack(const struct path *p)
{
	u32 i;

	for (i = p->head; i != p->tail; i++)
		if (p->pkt[i % QUEUE].acked)
			return p->pkt[i % QUEUE].acked;
	return ~0ULL;
}

static u64 next_departure(const struct path *p)
{
	if (p->inflight >= p->c.cwnd)
		return ~0ULL;
	return max(max(p->now, p->next_send), p->app_us ? p->app_next : 0);
}

static void run(struct path *p, u64 us)
{
	u64 end = p->now + us, at, since = p->now;

	while (1) {
		u64 a = next_ack(p), d = next_departure(p);

		at = min(a, d);
		if (at == ~0ULL) {		/* all that flew was lost */
			p->head = p->tail;
			p->inflight = 0;
			xtcp_cong_timeout(&p->c, 0, false);
			p->recovery = p->tail;
			p->now += 200 * MS;
			continue;
		}
		if (at > end)
			break;
		p->now = max(p->now, at);
		if (a <= d) {
			ack(p, since);
			since = p->now;
			continue;
		}
		if (p->app_us) {
			if (p->inflight < p->c.cwnd)
				xtcp_rate_app_limited(&p->r, p->inflight);
			p->app_next = p->now + p->app_us;
		}
		emit(p);
	}
	p->now = end;
}

/* Packets delivered in so long */
static u64 goodput(struct path *p, u64 us)
{
	u64 before = p->delivered;

	p->lost = 0;
	p->sent = 0;
	p->rtt_sum = 0;
	p->rtt_n = 0;
	p->max_flight = 0;
	run(p, us);
	return p->delivered - before;
}

static struct xtcp_bbr_info info(const struct path *p)
{
	struct xtcp_bbr_info i = { 0 };

	EXPECT_EQ(xtcp_bbr.get_info(&p->c, &i, sizeof(i)), sizeof(i));
	return i;
}

static double bw(const struct path *p)		/* packets per second */
{
	struct xtcp_bbr_info i = info(p);

	return (double)((u64)i.bw_hi << 32 | i.bw_lo) / MSS;
}

TEST(bbr__finds_rate_and_rtt)
{
	struct path *p = path_new(1000, 39 * MS, 1000);

	run(p, 5 * SEC);
	EXPECT_NEAR(bw(p), 1000, 10);
	EXPECT_EQ(info(p).min_rtt, 40 * MS);
	EXPECT_EQ(xtcp_bbr_mode(&p->c), XTCP_BBR_PROBE_BW);
	EXPECT_NEAR(goodput(p, 4 * SEC), 4000, 80);
	/* the buffer could take 1000: the queue is what the ends may hold, 6 */
	EXPECT_NEAR(p->rtt_sum / p->rtt_n, 46 * MS, 2 * MS);
	EXPECT_EQ(p->lost, 0);
	/* 2 BDP, and what the ends hold */
	EXPECT_NEAR(p->c.cwnd, 2 * 40 + 6, 8);
	free(p);
}

/* 20 packets per ms over 100 ms: a BDP of 2000 from 10 in eight rounds */
TEST(bbr__startup_doubles)
{
	struct path *p = path_new(50, 100 * MS, 100000);

	run(p, 3 * SEC);
	EXPECT_EQ(p->modes, 0x7);
	EXPECT(p->startup_end - 1000 * SEC > 8 * 100 * MS);
	/* the queue of STARTUP is up to 2 BDP: rounds take up to three RTTs */
	EXPECT(p->startup_end - 1000 * SEC < 20 * 100 * MS);
	EXPECT_NEAR(bw(p), 20000, 200);
	/* and it went away: 2000 in flight, and what probing adds */
	goodput(p, SEC);
	EXPECT(p->max_flight < 2000 * 5 / 4 + 150);
	free(p);
}

TEST(bbr__gains_of_each_mode)
{
	struct path *p = path_new(1000, 39 * MS, 1000);
	u32 seen[4] = { 0 }, gain = 0, phases = 0, t;

	EXPECT_EQ(info(p).pacing_gain, 739);		/* 2.89 */
	EXPECT_EQ(info(p).cwnd_gain, 739);
	run(p, 5 * SEC);
	for (t = 0; t < 4 * 320; t++) {			/* four cycles */
		u32 g = info(p).pacing_gain;

		seen[g == 320 ? 0 : g == 192 ? 1 : g == 256 ? 2 : 3]++;
		phases += g != gain && g == 320;
		gain = g;
		run(p, MS);
	}
	EXPECT_EQ(info(p).cwnd_gain, 512);
	EXPECT_EQ(seen[3], 0);
	EXPECT_NEAR(phases, 4, 1);
	EXPECT_NEAR(seen[0], 4 * 40, 60);
	EXPECT(seen[1] > 20 && seen[1] < 4 * 45);	/* until drained */
	EXPECT_NEAR(seen[2], 4 * 240, 120);
	free(p);
}

TEST(bbr__probe_rtt_every_ten_seconds)
{
	struct path *p = path_new(1000, 39 * MS, 1000);
	u32 cwnd;

	/* something makes the first measurements smaller than all that follow */
	run(p, 2 * SEC);
	p->rtt_us += 5 * MS;
	cwnd = p->c.cwnd;
	run(p, 7 * SEC);
	EXPECT_EQ(p->probe_rtts, 0);
	EXPECT_EQ(info(p).min_rtt, 40 * MS);
	run(p, 4 * SEC);
	EXPECT_EQ(p->probe_rtts, 1);
	EXPECT_EQ(p->probe_rtt_cwnd, 4);
	EXPECT(p->probe_rtt_us >= 200 * MS);
	EXPECT(p->probe_rtt_us <= 200 * MS + 3 * 90 * MS);
	EXPECT_EQ(xtcp_bbr_mode(&p->c), XTCP_BBR_PROBE_BW);
	EXPECT_EQ(info(p).min_rtt, 45 * MS);
	EXPECT(p->c.cwnd >= cwnd);
	EXPECT_NEAR(bw(p), 1000, 15);
	free(p);
}

TEST(bbr__follows_a_slower_path)
{
	struct path *p = path_new(1000, 39 * MS, 1000);

	run(p, 4 * SEC);
	p->pkt_us = 2000;
	run(p, 4 * SEC);	/* ten rounds, of up to 80 ms and a queue */
	EXPECT_NEAR(bw(p), 500, 8);
	free(p);
}

/* A quarter more each cycle of eight rounds: 1.25^4 > 2 */
TEST(bbr__finds_a_faster_path)
{
	struct path *p = path_new(1000, 39 * MS, 1000);

	run(p, 4 * SEC);
	p->pkt_us = 500;
	run(p, 3 * SEC);
	EXPECT_NEAR(bw(p), 2000, 40);
	free(p);
}

/* 2 % is no reason to slow down; a Reno would be at a tenth */
TEST(bbr__random_loss)
{
	struct path *p = path_new(1000, 39 * MS, 1000);

	p->loss = 50;
	run(p, 5 * SEC);
	EXPECT(goodput(p, 10 * SEC) > 9000);
	EXPECT(!xtcp_bbr_policed(&p->c));
	free(p);
}

/* A line of 10 packets per ms, of which a policer lets 1 pass */
TEST(bbr__policer)
{
	struct path *p = path_new(100, 40 * MS, 1000);
	u64 n = 0, end;

	p->token_us = 1000;
	p->bucket = 300;
	while (!xtcp_bbr_policed(&p->c) && n++ < 400)
		run(p, 50 * MS);
	EXPECT(xtcp_bbr_policed(&p->c));
	EXPECT_NEAR(bw(p), 1000, 130);
	EXPECT_NEAR(goodput(p, SEC), 960, 80);
	EXPECT(p->lost < p->sent / 8);
	EXPECT_EQ(info(p).pacing_gain, 256);	/* no probing */
	/* 48 rounds later it has another look */
	for (end = p->now + 4 * SEC; p->now < end && xtcp_bbr_policed(&p->c);)
		run(p, 10 * MS);
	EXPECT(!xtcp_bbr_policed(&p->c));
	free(p);
}

TEST(bbr__app_limited_rates_do_not_count)
{
	struct path *p = path_new(1000, 39 * MS, 1000);

	run(p, 4 * SEC);
	p->app_us = 10 * MS;
	run(p, 4 * SEC);
	EXPECT_NEAR(bw(p), 1000, 10);
	free(p);
}

TEST(bbr__timeout_and_back)
{
	struct path *p = path_new(1000, 39 * MS, 1000);
	u32 cwnd;

	run(p, 4 * SEC);
	cwnd = p->c.cwnd;
	xtcp_cong_timeout(&p->c, 0, false);
	EXPECT_EQ(p->c.cwnd, 1);
	p->recovery = p->tail;
	run(p, 200 * MS);
	EXPECT_EQ(p->c.state, XTCP_CA_OPEN);
	EXPECT(p->c.cwnd >= cwnd - 2);
	EXPECT_NEAR(bw(p), 1000, 10);
	free(p);
}

/* One ACK at a time through a recovery */
static void step(struct path *p, u32 acked, u32 losses, u32 pipe)
{
	struct xtcp_rate_sample rs = {
		.prior_delivered = p->r.delivered, .acked_sacked = acked,
		.losses = losses, .delivered = acked, .interval_us = 40 * MS,
		.rtt_us = 40 * MS,
	};
	struct xtcp_cong_ack a = {
		.now_us = p->now, .acked = acked, .flight = pipe + acked,
		.pipe = pipe, .srtt_us = 40 * MS, .min_rtt_us = 40 * MS,
		.lost = p->r.lost += losses,
	};

	a.delivered = p->r.delivered += acked;
	rs.prior_delivered = a.delivered - acked - pipe;
	xtcp_cong_ack(&p->c, &a, &rs);
}

TEST(bbr__recovery_conserves_packets_first)
{
	struct path *p = path_new(1000, 39 * MS, 1000);
	u32 cwnd, i;

	run(p, 4 * SEC);
	cwnd = p->c.cwnd;
	xtcp_cong_enter_recovery(&p->c);
	EXPECT_EQ(p->c.cwnd, cwnd);
	step(p, 1, 3, 35);
	EXPECT_EQ(p->c.cwnd, 36);		/* what arrived may leave */
	for (i = 0; i < 10; i++) {
		step(p, 2, 0, 34);
		EXPECT_EQ(p->c.cwnd, 36);
	}
	for (i = 0; i < 10; i++)	/* the second round: one more each */
		step(p, 2, 0, 12);
	EXPECT(p->c.cwnd > 36);
	xtcp_cong_complete(&p->c, p->now);
	step(p, 1, 0, 36);
	EXPECT(p->c.cwnd >= cwnd - 2);
	free(p);
}

TEST(bbr__undo_keeps_what_it_knows)
{
	struct path *p = path_new(1000, 39 * MS, 1000);
	u32 cwnd;

	run(p, 4 * SEC);
	cwnd = p->c.cwnd;
	xtcp_cong_enter_recovery(&p->c);
	step(p, 1, 3, 35);
	xtcp_cong_undo(&p->c);
	xtcp_cong_set_state(&p->c, XTCP_CA_OPEN);
	step(p, 1, 0, 35);
	EXPECT(p->c.cwnd >= cwnd - 2);
	EXPECT_NEAR(bw(p), 1000, 10);
	free(p);
}

TEST(bbr__segments_one_by_one_when_slow)
{
	struct path *p = path_new(1000, 39 * MS, 1000);

	p->c.pacing_rate = 149999;		/* 1.2 Mbit/s */
	EXPECT_EQ(xtcp_bbr.min_tso_segs(&p->c), 1);
	p->c.pacing_rate = 150000;
	EXPECT_EQ(xtcp_bbr.min_tso_segs(&p->c), 2);
	EXPECT(xtcp_bbr.flags & XTCP_CONG_NEEDS_PACING);
	free(p);
}

/* Every number an ACK may bring: no overflow, no division by 0, cwnd in bounds */
TEST(bbr__any_numbers)
{
	struct path *p = path_new(1000, 39 * MS, 1000);
	u32 i;

	for (i = 0; i < 200000; i++) {
		struct xtcp_rate_sample rs = {
			.prior_delivered = tap_random(),
			.acked_sacked = tap_random() % 3 ? tap_random() % 1000 : 0,
			.losses = tap_random() % 4 ? 0 : tap_random() % 5000,
			.delivered = (s32)(tap_random() >> (32 + tap_random() % 32)),
			.interval_us = (s32)(tap_random() >> (32 + tap_random() % 32)),
			.is_app_limited = tap_random() & 1,
			.rtt_us = tap_random() >> (32 + tap_random() % 32),
		};
		struct xtcp_cong_ack a = {
			.now_us = p->now += tap_random() >> (40 + tap_random() % 24),
			.flight = tap_random() >> 41, .pipe = tap_random() >> 41,
			.srtt_us = tap_random() >> (32 + tap_random() % 32),
			.min_rtt_us = ~0U, .edt_us = tap_random() >> 40,
			.delivered = tap_random(), .lost = tap_random(),
			.maybe_delayed = tap_random() & 1,
		};

		p->c.mss = 1 + tap_random() % 65535;
		p->c.cwnd_clamp = tap_random() % 8 ? XTCP_CWND_MAX : 2;
		xtcp_cong_ack(&p->c, &a, &rs);
		EXPECT(p->c.cwnd >= 1 && p->c.cwnd <= XTCP_CWND_MAX);
		switch (tap_random() % 64) {
		case 0:
			xtcp_cong_enter_recovery(&p->c);
			break;
		case 1:
			xtcp_cong_timeout(&p->c, tap_random() % 1000, false);
			break;
		case 2:
			xtcp_cong_complete(&p->c, p->now);
			break;
		case 3:
			xtcp_cong_undo(&p->c);
			break;
		case 4:
			xtcp_cong_tx_start(&p->c, 300 * MS, p->now, tap_random() & 1);
			break;
		}
	}
	free(p);
}
