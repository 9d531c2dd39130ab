// SPDX-License-Identifier: GPL-2.0
/* wire_pmtu.c - ICMP: path MTU (RFC 1191, RFC 8201), errors that are believed
 * and errors that are not (RFC 5927, RFC 9293 3.9.2.2).
 */
#include "wire.h"

FIXTURE(pmtu) {
	struct wire w;
	struct flow f;
	struct counters c;
};

FIXTURE_VARIANT(pmtu) {
	bool v6;
	int mtu, mss;		/* a smaller path, and what fits through it */
};

FIXTURE_VARIANT_ADD(pmtu, v4) { .v6 = false, .mtu = 1000, .mss = 960 };
FIXTURE_VARIANT_ADD(pmtu, v6) { .v6 = true, .mtu = 1400, .mss = 1340 };

FIXTURE_SETUP(pmtu)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
}

FIXTURE_TEARDOWN(pmtu)
{
	wire_end(&self->w);
}

/* A connection with @n full segments in flight */
static void fly(struct flow *f, int n)
{
	int mss = wire_mss(f->w);

	flow_open(f, .mss = mss);
	flow_write(f, n * mss);
	while (n--)
		expect(f, ACK, .len = mss);
}

/* MTU-2: smaller ones at once, and that is no congestion */
TEST_F(pmtu, too_big__shrinks_and_sends_again)
{
	struct flow *f = &self->f;
	struct tcp_info was, is;
	int64_t t;

	fly(f, 2);
	was = tcp_info_of(f->fd);
	t = now_us();
	wire_icmp(f, WIRE_TOO_BIG, 1, variant->mtu);
	EXPECT_LE(expect(f, ACK, .seq = 1, .len = variant->mss)->at - t, 20000);
	while (wire_next(f, 20))
		;
	is = tcp_info_of(f->fd);
	EXPECT_EQ(variant->mss, is.tcpi_snd_mss);
	EXPECT_GE(is.tcpi_snd_cwnd, was.tcpi_snd_cwnd);
	EXPECT_EQ(was.tcpi_snd_ssthresh, is.tcpi_snd_ssthresh);
	inject(f, ACK, .ack = 1 + 2 * wire_mss(&self->w));
	f->ack = 1 + 2 * wire_mss(&self->w);
	flow_write(f, 2 * variant->mss);
	expect(f, ACK, .len = variant->mss);
	expect(f, ACK, .len = variant->mss);
	EXPECT_TRUE(test_inet() || counter("PmtuChanged") == 1);
}

/* BA-9, MTU-3: only about what is in flight */
TEST_F(pmtu, too_big__wrong_sequence_number)
{
	struct flow *f = &self->f;

	fly(f, 2);
	wire_icmp(f, WIRE_TOO_BIG, 1 + 2 * wire_mss(&self->w), variant->mtu);
	wire_icmp(f, WIRE_TOO_BIG, 0x40000000, variant->mtu);
	wire_icmp(f, WIRE_TOO_BIG, 0, variant->mtu);
	expect_none(f, 50);
	EXPECT_EQ(wire_mss(&self->w), tcp_info_of(f->fd).tcpi_snd_mss);
	EXPECT_TRUE(test_inet() || counter("IcmpDropped") == 3);
	inject(f, ACK);
}

TEST_F(pmtu, too_big__larger_than_it_was)
{
	struct flow *f = &self->f;

	fly(f, 2);
	wire_icmp(f, WIRE_TOO_BIG, 1, 3000);
	expect_none(f, 50);
	EXPECT_EQ(wire_mss(&self->w), tcp_info_of(f->fd).tcpi_snd_mss);
}

/* The floor: 552 (the kernel's min_pmtu); 1280, and less than that is no message. */
TEST_F(pmtu, too_big__absurdly_small)
{
	struct flow *f = &self->f;
	int mss;

	fly(f, 2);
	self->w.no_df = true;	/* below the floor, routers may cut */
	wire_icmp(f, WIRE_TOO_BIG, 1, 68);
	while (wire_next(f, 50))
		;
	mss = tcp_info_of(f->fd).tcpi_snd_mss;
	EXPECT_EQ(variant->v6 ? wire_mss(&self->w) : 512, mss);
	inject(f, ACK, .ack = 1 + 2 * wire_mss(&self->w));
	f->ack = 1 + 2 * wire_mss(&self->w);
	flow_write(f, mss);
	expect(f, ACK, .len = mss);
}

/* While the program holds the lock it is done later, but it is done. */
TEST_F(pmtu, too_big__at_the_beginning)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1460);
	flow_write(f, 1200);
	expect(f, ACK, .len = 1200);
	wire_icmp(f, WIRE_TOO_BIG, 1, variant->v6 ? 1280 : 800);
	expect(f, ACK, .seq = 1, .len = variant->v6 ? 1200 : 760);
	while (wire_next(f, 20))
		;
	EXPECT_EQ(variant->v6 ? 1220 : 760, tcp_info_of(f->fd).tcpi_snd_mss);
}

/* MUST-56, SHLD-26: no error message ends an established connection. */
TEST_F(pmtu, error__does_not_abort)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 100);
	expect(f, ACK, .len = 100);
	wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);
	wire_icmp(f, WIRE_PORT_UNREACH, 1, 0);
	wire_icmp(f, WIRE_QUENCH, 1, 0);	/* MUST-55 */
	wire_icmp(f, WIRE_PORT_UNREACH, 0x40000000, 0);
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_state);
	inject(f, ACK, .len = 10);
	flow_read(f, 10);
	flow_write(f, 10);
	expect(f, ACK, .len = ANY);
}

TEST_F(pmtu, error__wrong_sequence_number_is_dropped)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 100);
	expect(f, ACK, .len = 100);
	wire_icmp(f, WIRE_HOST_UNREACH, 101, 0);	/* SND.NXT */
	wire_icmp(f, WIRE_HOST_UNREACH, 0, 0);
	EXPECT_EQ(0, get_int(f->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_TRUE(test_inet() || counter("IcmpDropped") == 2);
}

/* ICMP about a flow that is nobody's changes nothing. */
TEST_F(pmtu, error__about_nobody)
{
	struct flow *f = &self->f, g;

	flow_open(f, .mss = 1000);
	flow_init(&g, &self->w);
	wire_icmp(&g, WIRE_TOO_BIG, 1, variant->mtu);
	wire_icmp(&g, WIRE_PORT_UNREACH, 1, 0);
	g.lport = 1;
	wire_icmp(&g, WIRE_TOO_BIG, 1, variant->mtu);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
}

/* A half-open entry: an error in window may end it, one out of window may not. */
TEST_F(pmtu, half_open__wrong_sequence_number)
{
	struct flow *f = &self->f;

	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	wire_icmp(f, WIRE_PORT_UNREACH, 77, 0);
	wire_icmp(f, WIRE_HOST_UNREACH, 0x80000000, 0);
	inject(f, ACK);
	flow_accept(f);
	inject(f, ACK, .len = 10);
	flow_read(f, 10);
}

/* MTU-5: a router from before RFC 1191 */
TEST_F(pmtu, too_big__without_a_size)
{
	struct flow *f = &self->f;

	if (variant->v6)
		SKIP(return, "IPv6 always says it");
	fly(f, 2);
	self->w.no_df = true;
	wire_icmp(f, WIRE_TOO_BIG, 1, 0);
	expect(f, ACK, .seq = 1, .len = 512);
	EXPECT_EQ(512, (int)tcp_info_of(f->fd).tcpi_snd_mss);
}

/* MTU-4, MTU-6: the route forgets after ten minutes. */
TEST_F_TIMEOUT(pmtu, too_big__is_forgotten, 3600)
{
	int level = variant->v6 ? SOL_IPV6 : SOL_IP, name = variant->v6 ? IPV6_MTU : IP_MTU;
	struct flow *f = &self->f;
	int mss = wire_mss(&self->w);

	fly(f, 1);
	EXPECT_EQ(WIRE_MTU, get_int(f->fd, level, name));
	wire_icmp(f, WIRE_TOO_BIG, 1, variant->mtu);
	while (wire_next(f, 20))
		;
	EXPECT_EQ(variant->mtu, get_int(f->fd, level, name));
	f->ack = 1 + mss;
	inject(f, ACK);
	expect_none(f, 590000);
	flow_write(f, mss);
	expect(f, ACK, .len = variant->mss);
	f->ack = 1 + 2 * mss;
	while (wire_next(f, 20))
		;
	inject(f, ACK);
	expect_none(f, 20000);
	flow_write(f, mss);
	expect(f, ACK, .len = mss);
}

/* --- errors for the program ------------------------------------------------ */

static void want_errors(struct flow *f)
{
	if (f->w->v6)
		must(set_int(f->fd, SOL_IPV6, IPV6_RECVERR, 1) == 0);
	else
		must(set_int(f->fd, SOL_IP, IP_RECVERR, 1) == 0);
}

/* MUST-47, SHLD-20, IP-6, V6-5: at once, but only for who asked */
TEST_F(pmtu, error__told_if_wanted)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 100);
	expect(f, ACK, .len = 100);
	wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);
	EXPECT_EQ(0, poll_now(f->fd) & POLLERR);
	EXPECT_EQ(EHOSTUNREACH, get_int(f->fd, SOL_SOCKET, SO_ERROR));	/* a soft one */
	want_errors(f);
	wire_icmp(f, WIRE_HOST_UNREACH, 2000, 0);	/* not in flight */
	EXPECT_EQ(0, poll_now(f->fd) & POLLERR);
	wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);
	EXPECT_EQ(POLLERR, poll_now(f->fd) & POLLERR);
	EXPECT_EQ(EHOSTUNREACH, get_int(f->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, poll_now(f->fd) & POLLERR);
	wire_icmp(f, WIRE_PORT_UNREACH, 1, 0);
	EXPECT_EQ(-ECONNREFUSED, flow_recv(f));
	/* and the connection goes on */
	inject(f, ACK, .len = 10);
	flow_read(f, 10);
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_state);
}

/* SHLD-25: otherwise it is the reason in the end ... */
TEST_F(pmtu, error__is_the_reason_of_the_time_out)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	must(set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 2000) == 0);
	flow_write(f, 100);
	expect(f, ACK, .len = 100);
	wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);
	while (wire_next(f, 3000))
		;
	EXPECT_EQ(-EHOSTUNREACH, flow_recv(f));
}

/* ES-3: send() says so, too, once; later ones get EPIPE. */
TEST_F(pmtu, error__send_tells_the_reason)
{
	struct flow *f = &self->f, g;

	flow_init(&g, &self->w);
	flow_open(f, .mss = 1000);
	flow_open(&g, .mss = 1000);
	must(set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 2000) == 0);
	must(set_int(g.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 2000) == 0);
	flow_write(f, 100);
	flow_write(&g, 100);
	expect(f, ACK, .len = 100);
	expect(&g, ACK, .len = 100);
	wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);
	EXPECT_TRUE(poll_ms(f->fd, POLLIN, 10000) & POLLERR);
	EXPECT_TRUE(poll_ms(g.fd, POLLIN, 10000) & POLLERR);
	EXPECT_ERRNO(EHOSTUNREACH, send(f->fd, "x", 1, MSG_NOSIGNAL));
	EXPECT_ERRNO(EPIPE, send(f->fd, "x", 1, MSG_NOSIGNAL));
	EXPECT_ERRNO(ETIMEDOUT, send(g.fd, "x", 1, MSG_NOSIGNAL));
	EXPECT_ERRNO(EPIPE, send(g.fd, "x", 1, MSG_NOSIGNAL));
}

/* ... unless it went away. */
TEST_F(pmtu, error__is_forgotten)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	must(set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 2000) == 0);
	flow_write(f, 100);
	expect(f, ACK, .len = 100);
	wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);
	inject(f, ACK);
	flow_write(f, 100);
	while (wire_next(f, 3000))
		;
	EXPECT_EQ(-ETIMEDOUT, flow_recv(f));
}

TEST_HARNESS_MAIN
