// SPDX-License-Identifier: GPL-2.0
/* wire_time.c - how long everything takes, at its real length: retransmission up
 * to R2, keepalive, probes of a shut window, orphans, TIME-WAIT, handshakes that do
 * not end.  Virtual time only.
 */
#include "wire.h"

FIXTURE(time) {
	struct wire w;
	struct flow f;
	struct counters c;
};

FIXTURE_VARIANT(time) {
	bool v6;
};

FIXTURE_VARIANT_ADD(time, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(time, v6) { .v6 = true };

FIXTURE_SETUP(time)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
	counters_read(&self->c);
}

FIXTURE_TEARDOWN(time)
{
	wire_end(&self->w);
}

/* Nobody is there: the listener on our port answers an ACK with a RST. */
#define expect_gone(f) do {						     \
	inject(f, ACK);							     \
	expect(f, RST, .seq = (f)->ack);				     \
} while (0)

/* Half a second of the timer wheel, and an eighth of what it measured. */
#define EXPECT_LASTED(ms, from) do {					     \
	int64_t lasted_ = (now_us() - (from)) / 1000;			     \
	EXPECT_GE(lasted_, (ms) - 8);					     \
	EXPECT_LE(lasted_, (ms) + 16 + (ms) / 8);			     \
} while (0)

/* 0.2 s, 0.6 s, ...: what has passed after @n doublings, each at most 120 s */
static int doublings_ms(int n)
{
	int sum = 0, rto = 200;

	for (; n--; rto = 2 * rto > 120000 ? 120000 : 2 * rto)
		sum += rto;
	return sum;
}

/* A segment of 10 bytes in flight whose ACK does not come; its time. */
static int64_t fly(struct flow *f)
{
	flow_write(f, 10);
	return expect(f, ACK, .len = 10)->at;
}

/* --- R1, R2: RFC 9293 3.8.3 ----------------------------------------------- */

/* MUST-20a, MUST-20b, SHLD-9, SHLD-10, SHLD-11 */
TEST_F_TIMEOUT(time, r2__fifteen_doublings, 2000)
{
	int level = variant->v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	struct flow *f = &self->f;
	const struct seg *s;
	uint32_t label = 0;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, level, variant->v6 ? IPV6_RECVERR : IP_RECVERR, 1));
	t = fly(f);
	for (i = 1; i <= 15; i++) {
		s = expect(f, ACK, .seq = 1, .len = 10, .within = 140000);
		EXPECT_AFTER(doublings_ms(i), t, s);
		if (test_inet())
			continue;
		/* R1 = 3: the third has not been answered */
		EXPECT_EQ(i <= 3 ? 0 : i - 3, counter("PathAdvice"));
		if (variant->v6 && i > 1)	/* the path is chosen by it, too */
			EXPECT_EQ(i > 3, s->label != label);
		label = s->label;
		EXPECT_EQ(i == 4 ? ETIMEDOUT : 0, get_int(f->fd, SOL_SOCKET, SO_ERROR));
	}
	EXPECT_EQ(0, poll_now(f->fd) & (POLLERR | POLLHUP));
	EXPECT_TRUE(poll_ms(f->fd, POLLIN, 140000) & POLLERR);
	EXPECT_LASTED(924600, t);
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
	expect_none(f, 1000);
}

TEST_F_TIMEOUT(time, r2__by_sysctl, 100)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	xtcp_only();
	sysctl_set("net/xtcp/retries1", "1");
	sysctl_set("net/xtcp/retries2", "4");
	flow_open(f, .mss = 1000);
	t = fly(f);
	for (i = 1; i <= 4; i++)
		EXPECT_AFTER(doublings_ms(i), t,
			     expect(f, ACK, .seq = 1, .len = 10, .within = 5000));
	EXPECT_EQ(3, counter("PathAdvice"));
	EXPECT_TRUE(poll_ms(f->fd, POLLIN, 10000) & POLLERR);
	EXPECT_LASTED(doublings_ms(5), t);
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
}

/* RFC 6298 end of section 5: the first sample after it counts as a first one. */
TEST_F_TIMEOUT(time, rto__srtt_is_forgotten_after_r1, 60)
{
	struct flow *f = &self->f;
	int i;

	xtcp_only();
	flow_open(f, .mss = 1000);
	fly(f);
	for (i = 0; i < 4; i++)
		expect(f, ACK, .seq = 1, .len = 10, .within = 5000);
	inject(f, ACK);
	fly(f);
	pass(50);
	inject(f, ACK);
	EXPECT_GE(tcp_info_of(f->fd).tcpi_rtt, 50000);
	EXPECT_LE(tcp_info_of(f->fd).tcpi_rtt, 52000);
	EXPECT_GE(tcp_info_of(f->fd).tcpi_rttvar, 25000);
}

/* RTO-9: (5.1) to (5.3) of RFC 6298 */
TEST_F(time, rto__restarts_and_stops)
{
	struct flow *f = &self->f;
	int64_t t;
	int rto;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_NODELAY, 1));
	fly(f);
	pass(50);
	fly(f);				/* the timer goes on */
	pass(100);
	inject(f, ACK, .ack = 11);	/* and starts again */
	t = now_us();
	rto = tcp_info_of(f->fd).tcpi_rto / 1000;
	EXPECT_GE(rto, 200);
	EXPECT_AFTER(rto, t, expect(f, ACK, .seq = 11, .len = 10));
	inject(f, ACK);
	expect_none(f, 20000);		/* it has stopped */
	t = fly(f);
	rto = tcp_info_of(f->fd).tcpi_rto / 1000;	/* still doubled: Karn */
	EXPECT_GE(rto, 400);
	EXPECT_AFTER(rto, t, expect(f, ACK, .seq = 21, .len = 10));
}

/* RTO-11 */
TEST_F(time, rto__three_seconds_after_a_lost_synack)
{
	struct flow *f = &self->f;
	int64_t t;

	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	expect(f, SYN | ACK, .seq = 0);
	inject(f, ACK);
	flow_accept(f);
	t = fly(f);
	EXPECT_AFTER(3000, t, expect(f, ACK, .seq = 1, .len = 10, .within = 5000));
}

/* RFC 6069: the network says that it is no congestion */
TEST_F_TIMEOUT(time, rto__unreachable_takes_a_backoff_back, 100)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	t = fly(f);
	for (i = 1; i <= 3; i++)
		EXPECT_AFTER(doublings_ms(i), t, expect(f, ACK, .seq = 1, .len = 10));
	/* 1400 ms; without it the next would be at 3000 */
	wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);
	EXPECT_AFTER(2200, t, expect(f, ACK, .seq = 1, .len = 10));
	wire_icmp(f, WIRE_HOST_UNREACH, 0, 0);	/* not in flight */
	wire_icmp(f, WIRE_PORT_UNREACH, 1, 0);	/* not of the path */
	EXPECT_AFTER(2200 + 1600, t, expect(f, ACK, .seq = 1, .len = 10));
	inject(f, ACK);
	fly(f);
}

/* ... but not for ever: R2 in time */
TEST_F_TIMEOUT(time, rto__unreachable_until_r2, 2000)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	t = fly(f);
	while (!(poll_now(f->fd) & POLLERR) && now_us() - t < 2000 * 1000000LL) {
		if (!wire_next(f, 1000))
			continue;
		pass(5);
		wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);
	}
	EXPECT_LASTED(924600, t);
	EXPECT_EQ(-EHOSTUNREACH, flow_recv(f));	/* SHLD-25: what the path had said */
}

/* --- TCP_USER_TIMEOUT: RFC 5482, UTO-2, UTO-3 ------------------------------ */

/* From the first retransmission, as in Linux: and then to the point. */
TEST_F_TIMEOUT(time, user_timeout__ends_retransmission, 60)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000));
	t = fly(f);
	for (i = 1; i <= 4; i++)
		EXPECT_AFTER(doublings_ms(i), t, expect(f, ACK, .seq = 1, .len = 10));
	EXPECT_TRUE(poll_ms(f->fd, POLLIN, 5000) & POLLERR);
	EXPECT_LASTED(3200, t);
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
	expect_none(f, 100);
}

TEST_F_TIMEOUT(time, user_timeout__beyond_r2, 4000)
{
	struct flow *f = &self->f;
	int64_t t;
	int n = 0;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000 * 1000));
	t = fly(f);
	while (!(poll_now(f->fd) & POLLERR) && now_us() - t < 3600 * 1000000LL)
		n += !!wire_next(f, 1000);
	EXPECT_LASTED(1000200, t);
	EXPECT_GE(n, 15);
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
}

TEST_F_TIMEOUT(time, user_timeout__starts_again_with_each_progress, 60)
{
	struct flow *f = &self->f;
	int i, rto;
	int64_t t;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_NODELAY, 1));
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000));
	for (i = 0; i < 4; i++)
		fly(f);
	for (i = 0; i < 3; i++) {
		pass(700);
		while (wire_next(f, 0))
			;
		inject(f, ACK, .ack = 11 + 10 * i);
		pass(5);
		EXPECT_EQ(0, poll_now(f->fd) & POLLERR);
	}
	t = now_us();
	rto = tcp_info_of(f->fd).tcpi_rto / 1000;
	EXPECT_TRUE(poll_ms(f->fd, POLLIN, 9000) & POLLERR);
	EXPECT_LASTED(rto + 1000, t);
}

/* Also while the peer answers: TCP_USER_TIMEOUT overrides MUST-37. */
TEST_F_TIMEOUT(time, user_timeout__ends_a_shut_window, 60)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000));
	fly(f);
	inject(f, ACK, .wnd = 0);
	pass(10);
	t = now_us();
	flow_write(f, 10);
	while (!(poll_now(f->fd) & POLLERR) && now_us() - t < 30000000)
		if (wire_next(f, 20))
			inject(f, ACK, .wnd = 0);
	EXPECT_LASTED(5200, t);
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
}

static void keepalive(struct flow *f, int idle, int interval, int count)
{
	must(set_int(f->fd, IPPROTO_TCP, TCP_KEEPIDLE, idle) == 0);
	must(set_int(f->fd, IPPROTO_TCP, TCP_KEEPINTVL, interval) == 0);
	must(set_int(f->fd, IPPROTO_TCP, TCP_KEEPCNT, count) == 0);
	must(set_int(f->fd, SOL_SOCKET, SO_KEEPALIVE, 1) == 0);
}

/* It counts instead of TCP_KEEPCNT, both ways. */
TEST_F_TIMEOUT(time, user_timeout__overrides_keepcnt, 300)
{
	struct flow *f = &self->f, g;
	int64_t t;

	flow_open(f, .mss = 1000);
	flow_init(&g, &self->w);
	flow_open(&g, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 12000));
	ASSERT_EQ(0, set_int(g.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 60000));
	t = now_us();
	keepalive(f, 10, 5, 9);
	keepalive(&g, 10, 5, 1);
	EXPECT_AFTER(10000, t, expect(f, ACK, .seq = 0, .within = 15000));
	EXPECT_AFTER(15000, t, expect(f, RST | ACK, .seq = 1, .within = 15000));
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
	EXPECT_EQ(0, poll_now(g.fd) & POLLERR);
	while (!(poll_now(g.fd) & POLLERR) && now_us() - t < 200 * 1000000LL)
		wire_next(&g, 100);
	EXPECT_LASTED(60000, t);
}

/* --- keepalive: RFC 9293 3.8.4 --------------------------------------------- */

/* KP-9, KP-11, SY-3: 7200 s, 9 probes 75 s apart */
TEST_F_TIMEOUT(time, keepalive__dead_after_7875_seconds, 20000)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	t = now_us();
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_KEEPALIVE, 1));
	for (i = 0; i < 9; i++)
		EXPECT_AFTER((7200 + 75 * i) * 1000, t,
			     expect(f, ACK, .seq = 0, .within = 10000 * 1000));
	EXPECT_EQ(0, poll_now(f->fd) & POLLERR);
	EXPECT_AFTER(7875 * 1000, t, expect(f, RST | ACK, .seq = 1, .within = 1000 * 1000));
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
}

/* MUST-29: an answer, to any of them, starts it again. */
TEST_F_TIMEOUT(time, keepalive__a_late_answer_counts, 300)
{
	struct flow *f = &self->f;
	int64_t t;
	int i, k;

	flow_open(f, .mss = 1000);
	keepalive(f, 10, 2, 3);
	for (k = 0; k < 3; k++) {
		t = now_us();
		for (i = 0; i < 3; i++)
			EXPECT_AFTER(10000 + 2000 * i, t,
				     expect(f, ACK, .seq = 0, .within = 15000));
		inject(f, ACK);
	}
	expect_none(f, 9000);
	fly(f);
}

/* Also after shutdown(): FIN-WAIT-2 has an owner. */
TEST_F_TIMEOUT(time, keepalive__in_fin_wait_2, 300)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	shutdown(f->fd, SHUT_WR);
	expect(f, FIN | ACK);
	inject(f, ACK);
	keepalive(f, 10, 2, 1);
	t = now_us();
	EXPECT_AFTER(10000, t, expect(f, ACK, .seq = 1, .within = 15000));
	EXPECT_AFTER(12000, t, expect(f, RST | ACK, .seq = 2, .within = 15000));
}

/* --- a shut window: RFC 9293 3.8.6.1 ---------------------------------------- */

/* SHLD-29, SHLD-30: after one RTO, doubling to 120 s */
TEST_F_TIMEOUT(time, persist__doubles_to_120_seconds, 2000)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	fly(f);
	inject(f, ACK, .wnd = 0);
	pass(10);
	t = now_us();
	flow_write(f, 10);
	for (i = 1; i <= 13; i++) {
		EXPECT_AFTER(doublings_ms(i), t,
			     expect(f, ACK, .seq = 10, .within = 140000));
		inject(f, ACK, .wnd = 0);
	}
	inject(f, ACK, .wnd = 1000);
	expect(f, ACK, .len = 10);
}

/* Nobody would ever notice: an orphan does not wait for ever, although the peer
 * answers.
 */
TEST_F_TIMEOUT(time, persist__orphan_ends, 4000)
{
	struct flow *f = &self->f;
	int64_t t = 0;

	flow_open(f, .mss = 1000);
	fly(f);
	inject(f, ACK, .wnd = 0);
	flow_write(f, 10);
	close(f->fd);
	t = now_us();
	while (!counter("AbortOnTimeout") && now_us() - t < 3600 * 1000000LL)
		if (wire_next(f, 1000))
			inject(f, ACK, .wnd = 0);
	EXPECT_LE((now_us() - t) / 1000000, 1000);
	EXPECT_GE((now_us() - t) / 1000000, 100);
	while (wire_next(f, 0))
		;
	expect_gone(f);
}

/* --- orphans ----------------------------------------------------------------- */

/* Eight retries by default, as in Linux: less than R2 */
TEST_F_TIMEOUT(time, orphan__eight_retries, 1000)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	close(f->fd);
	t = expect(f, FIN | ACK)->at;
	for (i = 1; i <= 8; i++)
		EXPECT_AFTER(doublings_ms(i), t,
			     expect(f, FIN | ACK, .seq = 1, .within = 140000));
	expect_none(f, doublings_ms(9) + doublings_ms(9) / 8 + 1000 -
		       (int)((now_us() - t) / 1000));
	EXPECT_TRUE(test_inet() || counter("AbortOnTimeout") == 1);
	expect_gone(f);
}

TEST_F_TIMEOUT(time, orphan__retries_by_sysctl, 100)
{
	struct flow *f = &self->f;

	xtcp_only();
	sysctl_set("net/xtcp/orphan_retries", "2");
	flow_open(f, .mss = 1000);
	close(f->fd);
	expect(f, FIN | ACK);
	expect(f, FIN | ACK, .seq = 1);
	expect(f, FIN | ACK, .seq = 1);
	EXPECT_EQ(0, counter("AbortOnTimeout"));
	expect_none(f, 1200);
	EXPECT_EQ(1, counter("AbortOnTimeout"));
	expect_gone(f);
}

/* net.xtcp.fin_timeout; data for nobody ends it before */
TEST_F_TIMEOUT(time, fin_wait_2__by_sysctl, 100)
{
	struct flow *f = &self->f, g;

	xtcp_only();
	sysctl_set("net/xtcp/fin_timeout", "5");
	flow_open(f, .mss = 1000);
	flow_init(&g, &self->w);
	flow_open(&g, .mss = 1000);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	close(g.fd);
	expect(&g, FIN | ACK);
	inject(&g, ACK);
	pass(4900);
	inject(&g, ACK, .len = 10);
	expect(&g, RST, .seq = g.ack);
	inject(f, ACK | FIN);
	expect(f, ACK);			/* it was still there */
	pass(600);
	inject(f, ACK | FIN, .seq = 1);
	expect(f, ACK);			/* and is in TIME-WAIT, for a minute */
	pass(50000);
	inject(f, ACK | FIN, .seq = 1);
	expect(f, ACK);
}

TEST_F_TIMEOUT(time, fin_wait_2__by_sysctl_is_over, 100)
{
	struct flow *f = &self->f;

	xtcp_only();
	sysctl_set("net/xtcp/fin_timeout", "5");
	flow_open(f, .mss = 1000);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	pass(5800);
	expect_gone(f);
}

/* TCP_LINGER2 below 0: no FIN-WAIT-2 for an orphan */
TEST_F(time, fin_wait_2__none)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_LINGER2, -1));
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	expect(f, RST | ACK, .seq = 2);
	expect_gone(f);
}

/* --- delayed ACKs ------------------------------------------------------------ */

/* MUST-40: below half a second, whatever the rhythm */
TEST_F_TIMEOUT(time, delack__never_half_a_second, 300)
{
	static const int gap[] = { 10, 30, 100, 190, 210, 450, 1000, 3000 };
	struct flow *f = &self->f;
	int64_t t;
	int i, k;

	flow_open(f, .mss = 1000);
	for (i = 0; i < ARRAY_SIZE(gap); i++) {
		for (k = 0; k < 4; k++) {
			ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_QUICKACK, 0));
			t = now_us();
			inject(f, ACK, .len = 10);
			EXPECT_LE(expect(f, ACK)->at - t, 240000);
			flow_read(f, 10);
			pass(gap[i]);
		}
	}
}

/* HR-4: at once at the start and after a silence; an interactive program's is delayed */
TEST_F_TIMEOUT(time, delack__quick_again_after_a_silence, 60)
{
	struct flow *f = &self->f;
	int64_t t;
	int i;

	flow_open(f, .mss = 1000);
	t = now_us();
	inject(f, ACK, .len = 10);
	EXPECT_LE(expect(f, ACK)->at - t, 5000);
	for (i = 0; i < 40; i++) {		/* uses the quick ones up */
		inject(f, ACK, .len = 10);
		if (wire_next(f, 300)->at - t > 30000 && i > 20)
			break;
		t = now_us();
	}
	flow_read(f, 10);
	while (recv(f->fd, &(char[100]){}, 100, 0) > 0)
		;
	/* question and answer: the ACK waits for the answer */
	inject(f, ACK, .len = 10);
	while (recv(f->fd, &(char[100]){}, 100, 0) > 0)
		;
	expect(f, ACK);			/* the program has it all, and is silent */
	fly(f);
	inject(f, ACK);
	t = now_us();
	inject(f, ACK, .len = 10);
	EXPECT_GE(expect(f, ACK)->at - t, 35000);
	/* long silence, then a burst */
	pass(2000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	t = now_us();
	inject(f, ACK, .len = 10);
	EXPECT_LE(expect(f, ACK)->at - t, 5000);
}

/* --- what is held back ---------------------------------------------------------- */

/* MUST-60: MSG_MORE, and nothing more comes */
TEST_F(time, more__not_for_ever)
{
	struct flow *f = &self->f;
	char buf[10];
	int64_t t;

	flow_open(f, .mss = 1000);
	pattern_fill(buf, 10, 0);
	t = now_us();
	ASSERT_EQ(10, send(f->fd, buf, 10, MSG_MORE));
	EXPECT_AFTER(200, t, expect(f, ACK, .len = 10));
}

/* Corked behind full segments: the rest within 200 ms of when these were acknowledged */
TEST_F(time, cork__the_rest_of_much)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_CORK, 1));
	flow_write(f, 2500);
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 1000);
	expect_none(f, 100);
	t = now_us();
	inject(f, ACK);
	EXPECT_AFTER(200, t, expect(f, ACK, .len = 500));
}

/* --- handshakes that do not end --------------------------------------------------- */

/* TCP_SYNCNT of the listener */
TEST_F_TIMEOUT(time, synack__as_often_as_told, 60)
{
	struct flow *f = &self->f;
	int64_t t;

	ASSERT_EQ(0, set_int(self->w.lfd, IPPROTO_TCP, TCP_SYNCNT, 2));
	inject(f, SYN, .mss = 1000);
	t = expect(f, SYN | ACK)->at;
	EXPECT_AFTER(1000, t, expect(f, SYN | ACK, .seq = 0));
	EXPECT_AFTER(3000, t, expect(f, SYN | ACK, .seq = 0));
	pass(4600);
	inject(f, ACK);			/* the third would have been at 7 s: it is over */
	expect(f, RST, .seq = 1);
}

/* SYN-4: when the queue is more than half full of old ones, they get two tries. */
TEST_F_TIMEOUT(time, synack__fewer_in_a_crowd, 120)
{
	struct flow crowd[6];
	int i;

	xtcp_only();
	ASSERT_EQ(0, listen(self->w.lfd, 6));	/* nine half-open ones */
	for (i = 0; i < 6; i++) {
		flow_init(&crowd[i], &self->w);
		inject(&crowd[i], SYN, .mss = 1000);
		expect(&crowd[i], SYN | ACK);
	}
	pass(8000);
	EXPECT_EQ(0, listen_info(self->w.lfd).syn_len);
	/* one alone has its 63 s */
	inject(&self->f, SYN, .mss = 1000);
	pass(50000);
	EXPECT_EQ(1, listen_info(self->w.lfd).syn_len);
}

/* Half of them new: the old ones have as many tries as ever. */
TEST_F_TIMEOUT(time, synack__not_fewer_among_new_ones, 120)
{
	struct flow crowd[6];
	int i;

	xtcp_only();
	ASSERT_EQ(0, listen(self->w.lfd, 6));
	for (i = 0; i < 6; i++) {
		flow_init(&crowd[i], &self->w);
		inject(&crowd[i], SYN, .mss = 1000);
		if (i == 1)
			pass(6400);
	}
	pass(1300);		/* the first two have been sent three: 1, 3, 7 s */
	EXPECT_EQ(6, listen_info(self->w.lfd).syn_len);
}

/* LQ-16, SYN-11: the program hears of it with the first data ... */
TEST_F_TIMEOUT(time, defer_accept__until_data, 60)
{
	struct flow *f = &self->f;

	ASSERT_EQ(0, set_int(self->w.lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 10));
	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	pass(20);
	inject(f, ACK);
	expect_none(f, 5000);		/* it is not asked again */
	EXPECT_TRUE(test_inet() || counter("DeferAcceptDrop") == 1);
	EXPECT_EQ(0, poll_now(self->w.lfd) & POLLIN);
	EXPECT_TRUE(test_inet() || listen_info(self->w.lfd).syn_len == 1);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	flow_accept(f);
	flow_read(f, 10);
	fly(f);
	if (!test_inet())	/* by the final ACK, not by the data */
		EXPECT_LE(tcp_info_of(f->fd).tcpi_rtt, 100000);
}

/* ... or a FIN ... */
TEST_F_TIMEOUT(time, defer_accept__until_fin, 60)
{
	struct flow *f = &self->f;

	ASSERT_EQ(0, set_int(self->w.lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 10));
	flow_handshake(f, .mss = 1000);
	expect_none(f, 500);
	inject(f, ACK | FIN);
	expect(f, ACK);
	flow_accept(f);
	EXPECT_EQ(0, flow_recv(f));
}

/* ... or when the time is over and the peer is still there: 1 + 2 + 4 s */
TEST_F_TIMEOUT(time, defer_accept__time_is_over, 60)
{
	struct flow *f = &self->f;
	int64_t t;

	ASSERT_EQ(0, set_int(self->w.lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 7));
	EXPECT_EQ(7, get_int(self->w.lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT));
	t = now_us();
	flow_handshake(f, .mss = 1000);
	EXPECT_AFTER(7000, t, expect(f, SYN | ACK, .seq = 0, .within = 10000));
	EXPECT_EQ(0, poll_now(self->w.lfd) & POLLIN);
	inject(f, ACK);
	flow_accept(f);
	fly(f);
}

/* A peer that is gone is dropped like any other. */
TEST_F_TIMEOUT(time, defer_accept__peer_is_gone, 200)
{
	struct flow *f = &self->f;

	xtcp_only();
	ASSERT_EQ(0, set_int(self->w.lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3));
	flow_handshake(f, .mss = 1000);
	expect(f, SYN | ACK, .seq = 0, .within = 4000);
	expect(f, SYN | ACK, .seq = 0, .within = 9000);
	pass(70000);
	EXPECT_EQ(0, listen_info(self->w.lfd).syn_len);
	EXPECT_EQ(0, poll_now(self->w.lfd) & POLLIN);
}

/* --- TIME-WAIT ------------------------------------------------------------------- */

static void to_time_wait(struct flow *f)
{
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	inject(f, ACK | FIN);
	expect(f, ACK);
}

#define NO_TS	(-12345)

/* A SYN for the same pair of ports: @ahead of what we have seen, TSval @tsval (0: none) */
static bool reopens(struct flow *f, int ahead, uint32_t tsval)
{
	bool yes;

	pass(600);	/* answers are limited */
	if (tsval)
		inject(f, SYN, .seq = f->seq + ahead, .mss = 1000, .ts = true, .tsval = tsval);
	else
		inject(f, SYN, .seq = f->seq + ahead, .mss = 1000);
	yes = wire_next(f, 1000)->flags & SYN;
	if (yes) {	/* away with it, and TIME-WAIT is there no more */
		inject(f, RST, .seq = f->seq + ahead + 1);
		pass(10);
	}
	return yes;
}

/* TW-2, TW-3, TW-4: RFC 6191 section 2, every case */
TEST_F(time, time_wait__rfc6191)
{
	static const struct {
		int	ahead;
		int	ts;		/* of the SYN against TS.Recent */
		bool	old_ts, yes;
	} cases[] = {
		{ -1000, 1, true, true },	/* newer timestamp: any number */
		{ 1000, 1, true, true },
		{ 1000, 0, true, true },	/* equal: a larger number */
		{ 0, 0, true, false },
		{ -1000, 0, true, false },
		{ 1000, -100, true, false },	/* older: never */
		{ -1000, -100, true, false },
		{ 1000, NO_TS, true, true },	/* without: a larger number */
		{ 0, NO_TS, true, false },
		{ -1000, NO_TS, true, false },
		{ 1000, NO_TS, false, true },
		{ 0, NO_TS, false, false },
		{ -1000, NO_TS, false, false },
		{ -1000, 1, false, false },	/* no timestamps before: they do not help */
		{ 1000, 1, false, true },
	};
	struct flow f;
	uint32_t recent;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		flow_init(&f, &self->w);
		flow_open(&f, .mss = 1000, .ts = cases[i].old_ts, .tsval = 50000);
		close(f.fd);
		expect(&f, FIN | ACK);
		inject(&f, ACK);
		recent = f.tsval + (now_us() - self->w.start) / 1000;
		inject(&f, ACK | FIN, .ts = cases[i].old_ts, .tsval = recent,
		       .tsecr = f.ts_recent);
		expect(&f, ACK);
		EXPECT_EQ(cases[i].yes,
			  reopens(&f, cases[i].ahead, cases[i].ts == NO_TS ? 0 :
				  recent + cases[i].ts)) {
			TH_LOG("case %d", i);
		}
	}
}

/* MUST-13, TW-6: 2 MSL, each for itself, and again from a FIN that comes again */
TEST_F_TIMEOUT(time, time_wait__sixty_seconds_each, 300)
{
	struct flow f[3];
	int i;

	for (i = 0; i < 3; i++) {
		flow_init(&f[i], &self->w);
		flow_open(&f[i], .mss = 1000);
	}
	for (i = 0; i < 3; i++) {
		to_time_wait(&f[i]);
		pass(20000);
	}
	/* 60, 40, 20 s ago; the first starts again */
	inject(&f[1], ACK | FIN, .seq = 1);
	expect(&f[1], ACK);
	pass(9000);
	expect_gone(&f[0]);
	pass(28500);			/* 97, 37, 57 s */
	inject(&f[2], ACK | FIN, .seq = 1);
	expect(&f[2], ACK);
	pass(21000);			/* 58 s, for f[1] */
	inject(&f[1], ACK, .seq = 1, .len = 1);
	expect(&f[1], ACK);		/* an answer, and no new start */
	pass(10000);
	expect_gone(&f[1]);
	inject(&f[2], ACK, .seq = 1, .len = 1);
	expect(&f[2], ACK);
}

/* RFC 1337: old duplicates of any kind do not end it early. */
TEST_F_TIMEOUT(time, time_wait__rfc1337, 200)
{
	struct flow *f = &self->f;

	xtcp_only();
	flow_open(f, .mss = 1000);
	to_time_wait(f);
	pass(10000);
	inject(f, RST, .seq = f->seq);
	inject(f, RST, .seq = 1);
	inject(f, RST | ACK, .seq = f->seq);
	inject(f, ACK, .seq = 1, .len = 10);	/* 1337, figure 1: data */
	expect(f, ACK, .ack = 2);
	inject(f, ACK, .ack = f->ack - 1);	/* and figure 2: an ACK */
	pass(48000);
	inject(f, ACK | FIN, .seq = 1);
	expect(f, ACK);				/* 58 s: still there */
}

/* TW-8: a small object that can be seen, with the time that is left */
TEST_F_TIMEOUT(time, time_wait__is_shown, 100)
{
	struct flow *f = &self->f;
	unsigned int state, tr, when, port;
	char line[512], *p;
	int n = 0;
	FILE *tab;

	xtcp_only();
	flow_open(f, .mss = 1000);
	to_time_wait(f);
	pass(20000);
	tab = fopen(variant->v6 ? "/proc/net/xtcp/tcp6" : "/proc/net/xtcp/tcp", "re");
	ASSERT_NE(NULL, tab);
	while (fgets(line, sizeof(line), tab)) {
		p = strchr(line, ':');
		if (!p || sscanf(p + 1, " %*[0-9A-F]:%*x %*[0-9A-F]:%x %x %*x:%*x %x:%x", &port,
			   &state, &tr, &when) != 4 || port != f->port)
			continue;
		EXPECT_EQ(6, state);
		EXPECT_EQ(3, tr);
		EXPECT_GE(when, 3900);
		EXPECT_LE(when, 4100);
		n++;
	}
	fclose(tab);
	EXPECT_EQ(1, n);
}

/* --- the clocks -------------------------------------------------------------------- */

/* TS-9: a tick of a millisecond, over minutes, whatever happens to the wall clock */
TEST_F_TIMEOUT(time, timestamp__ticks_in_milliseconds, 4000)
{
	struct timespec wall;
	struct flow *f = &self->f;
	const struct seg *s;
	uint32_t tsval;
	int64_t t;

	flow_open(f, .mss = 1000, .ts = true);
	inject(f, ACK, .len = 10);
	s = expect(f, ACK);
	tsval = s->tsval;
	t = s->at;
	ASSERT_EQ(0, clock_gettime(CLOCK_REALTIME, &wall));
	wall.tv_sec -= 86400;
	ASSERT_EQ(0, clock_settime(CLOCK_REALTIME, &wall));
	pass(500);
	inject(f, ACK, .len = 10);
	s = wire_next(f, 1000);
	EXPECT_LE(abs((int)((s->at - t) / 1000 - (int)(s->tsval - tsval))), 1);
	wall.tv_sec += 2 * 86400;
	ASSERT_EQ(0, clock_settime(CLOCK_REALTIME, &wall));
	pass(600 * 1000);
	inject(f, ACK, .len = 10);
	s = wire_next(f, 1000);
	EXPECT_LE(abs((int)((s->at - t) / 1000 - (int)(s->tsval - tsval))), 1);
	wall.tv_sec -= 86400;
	clock_settime(CLOCK_REALTIME, &wall);
}

/* TS-11: with timestamps, retransmitted data gives a sample, too. */
TEST_F(time, timestamp__rtt_of_retransmitted_data)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	const struct seg *s;

	flow_open(f, .mss = 1000, .ts = true);
	fly(f);
	s = expect(f, ACK, .seq = 1, .len = 10);	/* RTO */
	pass(300);
	inject(f, ACK, .ts = true, .tsval = f->tsval + (now_us() - self->w.start) / 1000,
	       .tsecr = s->tsval);
	ti = tcp_info_of(f->fd);
	EXPECT_GE(ti.tcpi_rtt, 300000 / 8);		/* 7/8 of nearly nothing */
	EXPECT_LE(ti.tcpi_rtt, 50000);
	EXPECT_EQ(0, ti.tcpi_backoff);
	/* RTTVAR: 3/4 of what it was and a quarter of 300 ms */
	EXPECT_GE(ti.tcpi_rto, 300000);
}

/* TS-8: delayed, the first one is answered; after a hole, the one that fills it */
TEST_F(time, timestamp__which_one_is_echoed)
{
	struct flow *f = &self->f;
	const struct seg *s;

	flow_open(f, .mss = 1000, .ts = true, .tsval = 1000);
	inject(f, ACK, .len = 10, .ts = true, .tsval = 90000, .tsecr = f->ts_recent);
	s = expect(f, ACK);
	EXPECT_EQ(90000, s->tsecr);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_QUICKACK, 0));
	inject(f, ACK, .len = 10, .ts = true, .tsval = 90010, .tsecr = f->ts_recent);
	inject(f, ACK, .len = 10, .ts = true, .tsval = 90020, .tsecr = f->ts_recent);
	s = wire_next(f, 500);
	EXPECT_EQ(31, s->ack);
	EXPECT_EQ(90010, s->tsecr);		/* Last.ACK.sent */
	/* a hole of 10 */
	inject(f, ACK, .seq = 41, .len = 10, .ts = true, .tsval = 90040,
	       .tsecr = f->ts_recent);
	s = expect(f, ACK, .ack = 31);
	EXPECT_EQ(90010, s->tsecr);
	inject(f, ACK, .seq = 31, .len = 10, .ts = true, .tsval = 90030,
	       .tsecr = f->ts_recent);
	s = expect(f, ACK, .ack = 51);
	EXPECT_EQ(90030, s->tsecr);
}

/* --- the world changes: COEX-20 ------------------------------------------------------ */

static void device_up(bool up)
{
	struct ifreq ifr = { .ifr_name = "wire0", .ifr_flags = up ? IFF_UP | IFF_RUNNING : 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	must(ioctl(fd, SIOCSIFFLAGS, &ifr) == 0);
	close(fd);
}

TEST_F_TIMEOUT(time, world__device_down_and_up, 300)
{
	struct flow *f = &self->f;

	if (variant->v6)
		return;		/* down takes the address away */
	flow_open(f, .mss = 1000, .ts = true);
	fly(f);
	device_up(false);
	pass(20000);
	EXPECT_EQ(0, poll_now(f->fd) & (POLLERR | POLLHUP));
	device_up(true);
	while (wire_next(f, 30000)->len != 10)
		;
	inject(f, ACK);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	flow_read(f, 10);
}

TEST_F_TIMEOUT(time, world__address_comes_back, 300)
{
	struct flow *f = &self->f;
	const char *del = variant->v6 ? "ip addr del fd09::1/64 dev wire0" :
					"ip addr del 10.9.0.1/24 dev wire0";
	const char *add = variant->v6 ? "ip addr add fd09::1/64 dev wire0 nodad" :
					"ip addr add 10.9.0.1/24 dev wire0";

	flow_open(f, .mss = 1000);
	fly(f);
	ASSERT_EQ(0, system(del));
	pass(5000);
	EXPECT_EQ(0, poll_now(f->fd) & (POLLERR | POLLHUP));
	ASSERT_EQ(0, system(add));
	while (wire_next(f, 0))
		;
	expect(f, ACK, .seq = 1, .len = 10, .within = 30000);
	inject(f, ACK);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	flow_read(f, 10);
}

TEST_HARNESS_MAIN
