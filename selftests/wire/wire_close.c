// SPDX-License-Identifier: GPL-2.0
/* wire_close.c - the ends of a connection: RFC 9293 3.6, 3.10.7.4, RFC 1122
 * 4.2.2.13, RFC 1337, RFC 6191.
 */
#include "wire.h"

FIXTURE(wclose) {
	struct wire w;
	struct flow f;
	struct counters c;
};

FIXTURE_VARIANT(wclose) {
	bool v6;
};

FIXTURE_VARIANT_ADD(wclose, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(wclose, v6) { .v6 = true };

FIXTURE_SETUP(wclose)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
	counters_read(&self->c);
}

FIXTURE_TEARDOWN(wclose)
{
	wire_end(&self->w);
}

static void to_time_wait(struct flow *f)
{
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	inject(f, ACK | FIN);
	expect(f, ACK);
}

/* Nobody is there: the listener on our port answers an ACK with a RST. */
#define expect_gone(f) do {						     \
	inject(f, ACK);							     \
	expect(f, RST, .seq = (f)->ack);				     \
} while (0)

/* --- who closes first ---------------------------------------------------- */

TEST_F(wclose, active__all_the_way)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	to_time_wait(f);
	EXPECT_TRUE(test_inet() || counter("TW") == 1);
	expect_none(f, 100);
}

TEST_F(wclose, active__fin_and_ack_in_one)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK | FIN);
	expect(f, ACK);
	inject(f, ACK | FIN, .seq = 1);
	expect(f, ACK);		/* it is in TIME-WAIT */
}

/* CL-11 */
TEST_F(wclose, simultaneous__closing)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	shutdown(f->fd, SHUT_WR);
	expect(f, FIN | ACK);
	inject(f, ACK | FIN, .ack = 1);
	expect(f, ACK);
	EXPECT_EQ(11 /* CLOSING */, tcp_info_of(f->fd).tcpi_state);
	inject(f, ACK);
	close(f->fd);
	inject(f, ACK | FIN, .seq = 1);
	expect(f, ACK);
}

TEST_F(wclose, states__as_tcp_info_sees_them)
{
	struct flow *f = &self->f, g;

	flow_open(f, .mss = 1000);
	EXPECT_EQ(1 /* ESTABLISHED */, tcp_info_of(f->fd).tcpi_state);
	shutdown(f->fd, SHUT_WR);
	expect(f, FIN | ACK);
	EXPECT_EQ(4 /* FIN_WAIT1 */, tcp_info_of(f->fd).tcpi_state);
	inject(f, ACK);
	EXPECT_EQ(5 /* FIN_WAIT2 */, tcp_info_of(f->fd).tcpi_state);
	inject(f, ACK | FIN);
	expect(f, ACK);
	EXPECT_EQ(7 /* CLOSE: the rest is a small object */, tcp_info_of(f->fd).tcpi_state);
	flow_init(&g, &self->w);
	flow_open(&g, .mss = 1000);
	inject(&g, ACK | FIN);
	expect(&g, ACK);
	EXPECT_EQ(8 /* CLOSE_WAIT */, tcp_info_of(g.fd).tcpi_state);
	shutdown(g.fd, SHUT_WR);
	expect(&g, FIN | ACK);
	EXPECT_EQ(9 /* LAST_ACK */, tcp_info_of(g.fd).tcpi_state);
	inject(&g, ACK);
	EXPECT_EQ(7, tcp_info_of(g.fd).tcpi_state);
	expect_gone(&g);
}

TEST_F(wclose, passive__last_ack)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK | FIN);
	expect(f, ACK);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	expect_gone(f);
	EXPECT_TRUE(test_inet() || counter("TW") == 0);
}

/* CL-12 */
TEST_F(wclose, half__we_close_peer_goes_on)
{
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	shutdown(f->fd, SHUT_WR);
	expect(f, FIN | ACK);
	EXPECT_ERRNO(EPIPE, send(f->fd, "x", 1, MSG_NOSIGNAL));
	inject(f, ACK);
	for (i = 0; i < 30; i++) {
		inject(f, ACK, .len = 1000);
		flow_read(f, 1000);
	}
	while (wire_next(f, 50))
		;
	inject(f, ACK | FIN);
	expect(f, ACK);
	EXPECT_EQ(0, flow_recv(f));
}

TEST_F(wclose, half__peer_closes_we_go_on)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK | FIN, .len = 10);
	expect(f, ACK);
	flow_read(f, 10);
	EXPECT_EQ(0, flow_recv(f));
	flow_write(f, 30000);
	flow_drain(f, 30000, true);
	close(f->fd);
	expect(f, FIN | ACK);
}

/* CL-2: nothing on the wire, and later data still comes through. */
TEST_F(wclose, half__shutdown_rd)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	shutdown(f->fd, SHUT_RD);
	expect_none(f, 50);
	EXPECT_EQ(0, recv(f->fd, &(char){ 0 }, 1, 0));
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	flow_read(f, 10);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
}

/* --- what is sent with and before the FIN -------------------------------- */

TEST_F(wclose, fin__after_queued_data)
{
	struct flow *f = &self->f;
	const struct seg *s;

	f->wnd = 2000;
	flow_open(f, .mss = 1000);
	flow_write(f, 2500);
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 1000);
	close(f->fd);
	inject(f, ACK);
	s = expect(f, FIN | ACK | PSH, .len = 500);	/* HR-7: it rides along */
	EXPECT_EQ(2001, s->seq);
}

TEST_F(wclose, fin__waits_for_the_window)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK, .wnd = 0);
	flow_write(f, 10);
	close(f->fd);
	expect_none(f, 50);
	inject(f, ACK, .wnd = 1000);
	expect(f, FIN | ACK, .len = 10);
}

TEST_F(wclose, fin__takes_nagled_data_along)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	flow_write(f, 10);
	expect_none(f, 20);
	shutdown(f->fd, SHUT_WR);
	expect(f, FIN | ACK, .len = 10);
}

/* --- reset instead ------------------------------------------------------- */

/* KP-17, RFC 2525 2.17 */
TEST_F(wclose, abort__unread_data)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	close(f->fd);
	expect(f, RST | ACK);
	expect_none(f, 50);
	EXPECT_TRUE(test_inet() || counter("AbortOnClose") == 1);
	expect_gone(f);
}

/* KP-16, RFC 2525 2.16 */
TEST_F(wclose, abort__data_after_close)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	inject(f, ACK, .len = 10);
	EXPECT_EQ(RST, expect(f, RST, .seq = 2)->flags & RST);
	EXPECT_TRUE(test_inet() || counter("AbortOnData") == 1);
	expect_gone(f);
}

TEST_F(wclose, abort__data_before_fin_is_acked)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK, .ack = 1, .len = 10);
	expect(f, RST, .seq = 1);
	expect_none(f, 1000);
}

/* CL-3 */
TEST_F(wclose, abort__data_after_shutdown_rdwr)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	shutdown(f->fd, SHUT_RDWR);
	expect(f, FIN | ACK);
	inject(f, ACK);
	inject(f, ACK, .len = 10);
	expect(f, RST, .seq = 2);
}

/* CL-6 */
TEST_F(wclose, abort__linger_zero)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	set_linger(f->fd, 1, 0);
	close(f->fd);
	expect(f, RST | ACK);
	expect_none(f, 1000);
	EXPECT_TRUE(test_inet() || counter("TW") == 0);
	expect_gone(f);
}

/* The last descriptor counts, and a killed process closes like any other. */
TEST_F(wclose, abort__process_killed)
{
	struct flow *f = &self->f;
	pid_t pid;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	close(f->fd);
	expect_none(f, 20);
	kill(pid, SIGKILL);
	expect(f, RST | ACK);
	waitpid(pid, NULL, 0);
}

/* ER-4 */
TEST_F(wclose, rst__in_close_wait)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK | FIN);
	expect(f, ACK);
	inject(f, RST);
	expect_none(f, 20);
	EXPECT_EQ(EPIPE, get_int(f->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, flow_recv(f));
	EXPECT_ERRNO(EPIPE, send(f->fd, "x", 1, MSG_NOSIGNAL));
}

TEST_F(wclose, rst__in_every_closing_state)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);	/* FIN-WAIT-1 */
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, RST);
	expect_none(f, 1000);
	expect_gone(f);

	flow_init(f, &self->w);		/* FIN-WAIT-2 */
	flow_open(f, .mss = 1000);
	shutdown(f->fd, SHUT_WR);
	expect(f, FIN | ACK);
	inject(f, ACK);
	inject(f, RST);
	expect_none(f, 20);
	EXPECT_EQ(-ECONNRESET, flow_recv(f));
	expect_gone(f);

	flow_init(f, &self->w);		/* CLOSING */
	flow_open(f, .mss = 1000);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK | FIN, .ack = 1);
	expect(f, ACK);
	inject(f, RST);
	expect_none(f, 1000);
	expect_gone(f);

	flow_init(f, &self->w);		/* LAST-ACK */
	flow_open(f, .mss = 1000);
	inject(f, ACK | FIN);
	expect(f, ACK);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, RST);
	expect_none(f, 1000);
	expect_gone(f);
}

/* --- TIME-WAIT ----------------------------------------------------------- */

/* TW-6 */
TEST_F(wclose, time_wait__answers_fin)
{
	struct flow *f = &self->f;
	const struct seg *s;
	uint32_t tsval, tsecr;
	int i, wnd;

	flow_open(f, .mss = 1000, .ts = true);
	ASSERT_EQ(0, variant->v6 ? set_int(f->fd, IPPROTO_IPV6, IPV6_TCLASS, 0x20) :
				   set_int(f->fd, IPPROTO_IP, IP_TOS, 0x20));
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	inject(f, ACK | FIN);
	s = expect(f, ACK);
	tsecr = s->tsecr;
	wnd = s->wnd;
	for (i = 0; i < 3; i++) {
		tsval = f->ts_recent;
		pass(600);
		inject(f, ACK | FIN, .seq = 1);
		s = expect(f, ACK, .wnd = wnd);
		EXPECT_TRUE(s->ts);
		EXPECT_EQ(tsecr, s->tsecr);
		EXPECT_EQ(0x20, s->tos);
		EXPECT_GE(s->tsval - tsval, 600);
		EXPECT_LE(s->tsval - tsval, 700);
	}
	EXPECT_TRUE(test_inet() || counter("DropTwAcked") >= 3);
}

TEST_F_TIMEOUT(wclose, time_wait__lasts_sixty_seconds, 200)
{
	struct flow *f = &self->f, g;

	flow_open(f, .mss = 1000);
	flow_init(&g, &self->w);
	flow_open(&g, .mss = 1000);
	to_time_wait(f);
	to_time_wait(&g);
	pass(59000);
	inject(f, ACK | FIN, .seq = 1);
	expect(f, ACK);
	pass(59000);		/* that made it start again */
	inject(f, ACK | FIN, .seq = 1);
	expect(f, ACK);
	expect_gone(&g);
}

TEST_F_TIMEOUT(wclose, time_wait__ends, 200)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	to_time_wait(f);
	pass(68000);		/* and an eighth for the timer wheel */
	expect_gone(f);
}

/* RFC 1337: TW-1 */
TEST_F(wclose, time_wait__rst_is_ignored)
{
	struct flow *f = &self->f;

	xtcp_only();
	flow_open(f, .mss = 1000);
	to_time_wait(f);
	counters_read(&self->c);
	inject(f, RST);
	inject(f, RST, .seq = 1);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "TwRst+2 ");
	pass(600);
	inject(f, ACK | FIN, .seq = 1);
	expect(f, ACK);
}

TEST_F(wclose, time_wait__data_is_not_taken)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	to_time_wait(f);
	pass(600);
	inject(f, ACK, .seq = 1, .len = 10);
	expect(f, ACK, .ack = 2);
}

/* TW-7: whatever it is but a FIN, twice a second at most */
TEST_F(wclose, time_wait__answers_are_limited)
{
	struct flow *f = &self->f;
	int i;

	xtcp_only();
	flow_open(f, .mss = 1000);
	to_time_wait(f);
	for (i = 0; i < 3; i++) {
		inject(f, ACK, .seq = 1, .len = 10);
		expect(f, ACK, .ack = 2);
		inject(f, ACK, .seq = 1, .len = 10);
		inject(f, ACK | SYN, .seq = 0);
		inject(f, ACK | FIN, .seq = 5);		/* not the one that we know */
		inject(f, ACK, .seq = -1);
		expect_none(f, 450);
		pass(60);
	}
	/* the end of the sequence space that it has: there is nothing to say */
	inject(f, ACK);
	expect_none(f, 100);
}

/* MAY-2, TW-4, TW-5 */
TEST_F(wclose, time_wait__syn_reopens)
{
	struct flow *f = &self->f;
	uint32_t old, new;

	flow_open(f, .mss = 1000);
	to_time_wait(f);
	old = f->our_isn + 2;
	f->isn += 1000;		/* beyond what we saw */
	f->seq = f->ack = 0;
	flow_open(f, .mss = 1000);
	new = f->our_isn;
	EXPECT_EQ(65535 + 2, new - old);
	inject(f, ACK, .len = 10);
	flow_read(f, 10);
	EXPECT_TRUE(test_inet() || counter("TWRecycled") == 1);
}

TEST_F(wclose, time_wait__old_syn)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	to_time_wait(f);
	pass(600);
	inject(f, SYN, .seq = -1000);
	expect(f, ACK, .ack = 2);
	expect_none(f, 50);
}

/* TW-2, TW-3, RFC 6191 */
TEST_F(wclose, time_wait__syn_with_newer_timestamp)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .ts = true, .tsval = 5000);
	to_time_wait(f);
	pass(1100);
	inject(f, SYN, .seq = -1000, .ts = true, .tsval = 1000);
	expect(f, ACK, .ack = 2);
	f->isn -= 1000;
	f->seq = f->ack = 0;
	flow_open(f, .mss = 1000, .ts = true, .tsval = 9000);
	inject(f, ACK, .len = 10);
	flow_read(f, 10);
}

TEST_F(wclose, time_wait__too_many)
{
	struct flow *f = &self->f, g;

	xtcp_only();
	sysctl_set("net/xtcp/max_tw_buckets", "1");
	flow_open(f, .mss = 1000);
	flow_init(&g, &self->w);
	flow_open(&g, .mss = 1000);
	to_time_wait(f);
	to_time_wait(&g);
	EXPECT_EQ(1, counter("TimeWaitOverflow"));
	expect_gone(&g);
	inject(f, ACK | FIN, .seq = 1);
	expect(f, ACK);
}

/* --- orphans ------------------------------------------------------------- */

/* TW-12 */
TEST_F_TIMEOUT(wclose, fin_wait_2__orphan_ends, 300)
{
	struct flow *f = &self->f, g;

	flow_open(f, .mss = 1000);
	flow_init(&g, &self->w);
	flow_open(&g, .mss = 1000);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	close(g.fd);
	expect(&g, FIN | ACK);
	inject(&g, ACK);
	pass(59000);
	inject(f, ACK | FIN);
	expect(f, ACK);
	pass(9000);
	expect_gone(&g);
}

TEST_F_TIMEOUT(wclose, fin_wait_2__linger2, 60)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_LINGER2, 5));
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	pass(6000);
	expect_gone(f);
}

TEST_F_TIMEOUT(wclose, fin_wait_2__with_an_owner_stays, 300)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	shutdown(f->fd, SHUT_WR);
	expect(f, FIN | ACK);
	inject(f, ACK);
	pass(200000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	flow_read(f, 10);
}

static void *close_it(void *arg)
{
	struct flow *f = arg;

	close(f->fd);
	f->fd = -1;
	return NULL;
}

/* CL-5 */
TEST_F(wclose, linger__waits_for_the_ack)
{
	struct flow *f = &self->f;
	pthread_t t;

	flow_open(f, .mss = 1000);
	set_linger(f->fd, 1, 20);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	ASSERT_EQ(0, pthread_create(&t, NULL, close_it, f));
	expect(f, FIN | ACK);
	EXPECT_GE(f->fd, 0);	/* close() has not come back */
	inject(f, ACK);
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(-1, f->fd);
}

TEST_F(wclose, linger__time_is_over)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	set_linger(f->fd, 1, 1);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	t = now_us();
	close(f->fd);
	EXPECT_GE(now_us() - t, 990000);
	EXPECT_LE(now_us() - t, 1300000);
	/* what is left goes out nevertheless */
	expect(f, FIN | ACK);
	expect(f, ACK, .seq = 1, .len = 10);
}

TEST_HARNESS_MAIN
