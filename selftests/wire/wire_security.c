// SPDX-License-Identifier: GPL-2.0
/* wire_security.c - what a stranger can do who sees nothing, or only guesses:
 * RFC 5961, 5927, 6528, 4987, PAWS; and what a peer may not get out of us.
 */
#include "wire.h"

FIXTURE(security) {
	struct wire w;
	struct flow f;
	struct counters c;
};

FIXTURE_VARIANT(security) {
	bool v6;
};

FIXTURE_VARIANT_ADD(security, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(security, v6) { .v6 = true };

FIXTURE_SETUP(security)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
	counters_read(&self->c);
}

FIXTURE_TEARDOWN(security)
{
	wire_end(&self->w);
}

/* Both ends agree on all numbers. */
static void alive(struct flow *f)
{
	while (wire_next(f, 0))
		;
	inject(f, ACK, .len = 10);
	expect(f, ACK, .within = 1000);
	flow_read(f, 10);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK);
}

#define MANY 30

/* @n connections, accepted */
static void open_many(struct wire *w, struct flow *f, int n)
{
	must(listen(w->lfd, 2 * n) == 0);
	for (; n--; f++) {
		flow_init(f, w);
		flow_open(f, .mss = 1000);
	}
}

static int challenged(struct flow *f, int n)
{
	int i, got = 0;

	for (i = 0; i < n; i++)
		inject(&f[i], RST, .seq = f[i].seq + 100);
	for (i = 0; i < n; i++)
		got += !!wire_next(&f[i], 5);
	return got;
}

/* --- challenge ACKs: RFC 5961 ----------------------------------------------- */

/* BA-1, BA-3, BA-5: what they say; and no more than one in half a second of each
 * connection, whatever draws them
 */
TEST_F(security, challenge__says_where_we_are)
{
	static const struct {
		int	flags, seq, ack;
	} bad[] = {
		{ RST, 50, 0 },			/* in the window, not exact */
		{ RST | ACK, 60000, 11 },
		{ SYN, 11, 0 },
		{ SYN, 0x40000000, 0 },
		{ SYN | ACK, 11, 1 },
		{ ACK, 11, 12 },		/* of what was never sent */
		{ ACK, 11, -70000 },		/* older than any window */
	};
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		pass(600);
		inject(f, bad[i].flags, .seq = bad[i].seq, .ack = bad[i].ack);
		f->seq = 11;
		expect(f, ACK, .len = 0);
		inject(f, bad[(i + 1) % ARRAY_SIZE(bad)].flags,
		       .seq = bad[(i + 1) % ARRAY_SIZE(bad)].seq,
		       .ack = bad[(i + 1) % ARRAY_SIZE(bad)].ack);
		f->seq = 11;
		expect_none(f, 400);
	}
	EXPECT_TRUE(test_inet() || counter("ChallengeACK") == ARRAY_SIZE(bad));
	pass(600);
	alive(f);
}

/* A RST whose number the real peer would use next is the only one that counts. */
TEST_F(security, challenge__rst_of_a_guesser)
{
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000);
	counters_read(&self->c);
	for (i = 1; i <= 64; i++)		/* one per window, as RFC 5961 1.2 fears */
		inject(f, RST, .seq = f->seq + i * 65535u * 1000u);
	for (i = 1; i <= 64; i++)
		inject(f, RST, .seq = f->seq + i * 1000);
	while (wire_next(f, 20))
		;
	EXPECT_EQ(0, poll_now(f->fd) & (POLLERR | POLLHUP));
	EXPECT_TRUE(test_inet() || counter("ChallengeACK") == 1);
	pass(600);
	alive(f);
	inject(f, RST);
	EXPECT_EQ(-ECONNRESET, flow_recv(f));
}

/* BA-7, CVE-2016-5696: each second's budget is another one, so that nobody can tell
 * what others used of it; and there is none unless the administrator wants it.
 */
TEST_F_TIMEOUT(security, challenge__budget_tells_nothing, 60)
{
	struct flow f[MANY];
	bool differ = false;
	int i, n, first = 0;

	xtcp_only();
	open_many(&self->w, f, MANY);
	EXPECT_EQ(MANY, challenged(f, MANY));
	sysctl_set("net/xtcp/challenge_ack_limit", "10");
	pass(600);		/* each may answer again */
	for (i = 0; i < 10; i++) {
		pass(1000 - now_us() / 1000 % 1000 + 5);	/* a second begins */
		n = challenged(f, MANY);
		EXPECT_GE(n, 5);
		EXPECT_LE(n, 15);
		if (!i)
			first = n;
		differ |= n != first;
	}
	EXPECT_TRUE(differ);
	sysctl_set("net/xtcp/challenge_ack_limit", "0");
	pass(1000);
	EXPECT_EQ(0, challenged(f, MANY));
}

/* A half-open connection does not answer more often, either. */
TEST_F(security, challenge__half_open)
{
	struct flow *f = &self->f;
	int i;

	xtcp_only();
	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	for (i = 0; i < 20; i++)
		inject(f, RST, .seq = 100 + i);
	expect(f, ACK);
	expect_none(f, 300);
	pass(300);
	inject(f, ACK, .seq = 0x40000000, .len = 10);
	expect(f, ACK);
	inject(f, ACK);
	flow_accept(f);
	alive(f);
}

/* --- ICMP: RFC 5927 ----------------------------------------------------------- */

/* BA-9, MUST-54 to MUST-56, SHLD-20, SHLD-26: every kind, at every number */
TEST_F(security, icmp__nothing_ends_a_connection)
{
	static const struct {
		int	seq;
		bool	in_flight;
	} at[] = {
		{ 0, false }, { 1, true }, { 500, true }, { 1000, true },
		{ 1001, false }, { 0x40000000, false }, { -0x40000000, false },
	};
	struct flow *f = &self->f;
	int i, k, out = 0;

	flow_open(f, .mss = 1000);
	flow_write(f, 1000);
	expect(f, ACK, .len = 1000);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (k = WIRE_TOO_BIG; k < WIRE_ICMPS; k++) {
			wire_icmp(f, k, at[i].seq, 9000);
			out += !at[i].in_flight;
			EXPECT_EQ(0, poll_now(f->fd) & (POLLERR | POLLHUP));
		}
	}
	EXPECT_ERRNO(EAGAIN, recv(f->fd, &(char){ 0 }, 1, 0));
	if (!test_inet()) {
		EXPECT_EQ(out, counter("IcmpDropped"));
		EXPECT_EQ(ARRAY_SIZE(at) * WIRE_ICMPS, counter("IcmpIn"));
	}
	while (wire_next(f, 0))
		;
	inject(f, ACK);
	/* nothing in flight: nothing is believed */
	wire_icmp(f, WIRE_HOST_UNREACH, 1001, 0);
	alive(f);
}

/* MUST-47, SHLD-25: a program that wants to hear of soft errors does, once each ... */
TEST_F(security, icmp__soft_errors_for_who_asks)
{
	int level = variant->v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int opt = variant->v6 ? IPV6_RECVERR : IP_RECVERR;
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	ASSERT_EQ(0, set_int(f->fd, level, opt, 1));
	wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);
	EXPECT_TRUE(poll_now(f->fd) & POLLERR);
	EXPECT_EQ(EHOSTUNREACH, get_int(f->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, get_int(f->fd, SOL_SOCKET, SO_ERROR));
	wire_icmp(f, WIRE_PORT_UNREACH, 1, 0);
	EXPECT_EQ(-ECONNREFUSED, flow_recv(f));
	ASSERT_EQ(0, set_int(f->fd, level, opt, 0));	/* SHLD-20 */
	wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);
	EXPECT_EQ(0, poll_now(f->fd) & POLLERR);
	EXPECT_ERRNO(EAGAIN, recv(f->fd, &(char){ 0 }, 1, 0));
	while (wire_next(f, 0))
		;
	inject(f, ACK);
	alive(f);
}

/* ... and for the others it says why, should it time out; not if the path worked since. */
TEST_F_TIMEOUT(security, icmp__soft_error_explains_the_timeout, 60)
{
	struct flow *f = &self->f, g;

	flow_open(f, .mss = 1000);
	flow_init(&g, &self->w);
	flow_open(&g, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 2000));
	ASSERT_EQ(0, set_int(g.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 2000));
	ASSERT_EQ(0, set_int(g.fd, IPPROTO_TCP, TCP_NODELAY, 1));
	flow_write(f, 10);
	flow_write(&g, 10);
	flow_write(&g, 10);
	expect(f, ACK, .len = 10);
	expect(&g, ACK, .len = 10);
	wire_icmp(f, WIRE_PORT_UNREACH, 1, 0);
	wire_icmp(&g, WIRE_PORT_UNREACH, 1, 0);
	inject(&g, ACK, .ack = 11);
	EXPECT_TRUE(poll_ms(f->fd, POLLIN, 10000) & POLLERR);
	EXPECT_EQ(-ECONNREFUSED, flow_recv(f));
	EXPECT_TRUE(poll_ms(g.fd, POLLIN, 10000) & POLLERR);
	EXPECT_EQ(-ETIMEDOUT, flow_recv(&g));
}

TEST_F(security, icmp__time_wait_and_half_open)
{
	struct flow *f = &self->f, h;
	int k;

	xtcp_only();
	flow_open(f, .mss = 1000);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK);
	inject(f, ACK | FIN);
	expect(f, ACK);
	for (k = WIRE_TOO_BIG; k < WIRE_ICMPS; k++)
		wire_icmp(f, k, 1, 9000);
	pass(600);
	inject(f, ACK | FIN, .seq = 1);
	expect(f, ACK);
	/* half-open: only about our SYN, and only "nobody is there" */
	flow_init(&h, &self->w);
	inject(&h, SYN, .mss = 1000);
	expect(&h, SYN | ACK);
	k = variant->v6 ? WIRE_PORT_UNREACH : WIRE_HOST_UNREACH;
	wire_icmp(&h, k, 1, 0);
	wire_icmp(&h, k, 0x40000000, 0);
	EXPECT_EQ(1, listen_info(self->w.lfd).syn_len);
	wire_icmp(&h, k, 0, 0);
	EXPECT_EQ(0, listen_info(self->w.lfd).syn_len);
}

/* --- PAWS: RFC 7323 section 5 --------------------------------------------------- */

#define ECHO(f) .tsecr = (f)->ts_recent
#define OLD(f, ms) .ts = true, ECHO(f), \
	.tsval = (f)->tsval + (now_us() - (f)->w->start) / 1000 - (ms)

/* PAWS-4: before the sequence check; PAWS-2: never for a RST */
TEST_F(security, paws__comes_first)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .ts = true, .tsval = 1000000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	pass(600);
	counters_read(&self->c);
	inject(f, ACK, .seq = 0x40000000, .len = 10, OLD(f, 100000));
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "Paws+1 ");
	counters_read(&self->c);
	inject(f, ACK, .seq = 11, .len = 10, OLD(f, 100000));
	f->seq = 11;
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "Paws+1 ");
	flow_read(f, 10);
	inject(f, RST, .seq = 11, OLD(f, 100000));
	EXPECT_EQ(-ECONNRESET, flow_recv(f));
}

/* PAWS-5: ACKs that overtook each other; TS.Recent does not go back (TS-7). */
TEST_F(security, paws__overtaken_acks)
{
	struct flow *f = &self->f;

	xtcp_only();
	flow_open(f, .mss = 1000, .ts = true, .tsval = 1000000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	pass(600);
	inject(f, ACK);
	counters_read(&self->c);
	inject(f, ACK, OLD(f, 100));
	expect_none(f, 50);
	EXPECT_DROPS(&self->c, "");
	flow_write(f, 10);
	EXPECT_LE((int32_t)(f->tsval + (now_us() - self->w.start) / 1000 -
			    expect(f, ACK, .len = 10)->tsecr), 70);
	inject(f, ACK);
	/* too old; with data; with news: as ever */
	inject(f, ACK, OLD(f, 1000));
	EXPECT_DROPS(&self->c, "Paws+1 ");
	inject(f, ACK, .len = 1, OLD(f, 100));
	f->seq = 11;
	EXPECT_DROPS(&self->c, "Paws+2 ");
	inject(f, ACK, .wnd = 7, OLD(f, 100));
	EXPECT_DROPS(&self->c, "Paws+3 ");
	pass(600);
	alive(f);
}

/* TS-3: a RST that knows the connection carries the timestamps */
TEST_F(security, rst__with_timestamps)
{
	struct flow f[3];
	const struct seg *s;
	int i;

	xtcp_only();
	for (i = 0; i < 2; i++) {
		flow_init(&f[i], &self->w);
		flow_open(&f[i], .mss = 1000, .ts = true, .tsval = 1000000);
	}
	set_linger(f[0].fd, 1, 0);		/* abort */
	close(f[0].fd);
	s = expect(&f[0], RST | ACK);
	EXPECT_TRUE(s->ts);
	EXPECT_GE(s->tsecr, 1000000);
	close(f[1].fd);				/* data for nobody */
	expect(&f[1], FIN | ACK);
	inject(&f[1], ACK, .len = 10);
	s = wire_next(&f[1], 100);
	EXPECT_EQ(RST, s->flags);
	EXPECT_TRUE(s->ts);
	EXPECT_GE(s->tsecr, 1000000);
	flow_init(&f[2], &self->w);		/* half-open, and not of our SYN */
	inject(&f[2], SYN, .mss = 1000, .ts = true, .tsval = 2000000);
	expect(&f[2], SYN | ACK);
	inject(&f[2], ACK, .ack = 77, .ts = true, .tsval = 2000000, ECHO(&f[2]));
	s = expect(&f[2], RST, .seq = 77);
	EXPECT_TRUE(s->ts);
	EXPECT_EQ(2000000, s->tsecr);
}

/* --- numbers nobody can guess: RFC 6528 -------------------------------------------- */

static int ones(uint32_t v)
{
	return __builtin_popcount(v);
}

/* SHLD-1, ISN-1: of neighbouring ports they have nothing in common ... */
TEST_F_TIMEOUT(security, isn__like_chance, 60)
{
	int i, k, bit[32] = {}, near = 0, sum = 0;
	uint32_t isn[256];
	struct flow f;

	for (i = 0; i < 256; i++) {
		flow_init(&f, &self->w);
		inject(&f, SYN, .mss = 1000);
		expect(&f, SYN | ACK);
		inject(&f, RST);
		isn[i] = f.our_isn;
		for (k = 0; k < 32; k++)
			bit[k] += isn[i] >> k & 1;
		for (k = 0; k < i; k++)
			near += isn[i] - isn[k] + 0x8000u < 0x10000u;
		if (i)
			sum += ones(isn[i] ^ isn[i - 1]);
	}
	for (k = 0; k < 32; k++) {	/* 128 +- 5.6 standard deviations */
		EXPECT_GE(bit[k], 83);
		EXPECT_LE(bit[k], 173);
	}
	EXPECT_LE(near, 6);		/* of 32640 pairs, half a one is expected */
	EXPECT_GE(sum, 255 * 15);
	EXPECT_LE(sum, 255 * 17);
}

/* ... and of the same one they rise with the clock: 64 ns each */
TEST_F(security, isn__rises_with_the_clock)
{
	struct flow *f = &self->f;
	uint32_t isn;
	int64_t t, dt;
	int i;

	xtcp_only();
	inject(f, SYN, .mss = 1000);
	t = expect(f, SYN | ACK)->at;
	isn = f->our_isn;
	inject(f, RST);
	for (i = 0; i < 5; i++) {
		pass(100 * i);
		f->seq = f->ack = 0;
		f->have_isn = false;
		inject(f, SYN, .mss = 1000);
		dt = expect(f, SYN | ACK)->at - t;
		inject(f, RST);
		EXPECT_GE((int)(f->our_isn - isn), (dt - 2000) * 1000 / 64);
		EXPECT_LE((int)(f->our_isn - isn), (dt + 2000) * 1000 / 64);
	}
}

/* --- SYN cookies: RFC 4987 3.6 -------------------------------------------------------- */

/* SYN-8: mode 2, always; SYN-6: what the SYN offered comes back through the timestamp */
TEST_F_TIMEOUT(security, cookie__keeps_every_option, 60)
{
	struct tcp_info ti;
	struct flow f;
	int ws, sack;

	xtcp_only();
	sysctl_set("net/xtcp/syncookies", "2");
	for (ws = -1; ws <= 14; ws++)
		for (sack = 0; sack < 2; sack++) {
			flow_init(&f, &self->w);
			flow_open(&f, .mss = 1440, .ws = ws, .sackok = sack, .ts = true,
				  .tsval = 77777);
			EXPECT_EQ(0, listen_info(self->w.lfd).syn_len);
			EXPECT_EQ(ws >= 0 ? 7 : ANY, f.synack.ws);
			EXPECT_EQ(sack, f.synack.sackok);
			ti = tcp_info_of(f.fd);
			EXPECT_EQ(1 /* timestamps */ | sack << 1 | (ws >= 0) << 2,
				  ti.tcpi_options & 7);
			EXPECT_EQ(ws >= 0 ? ws : 0, (int)ti.tcpi_snd_wscale);
			EXPECT_EQ(1440 - 12, ti.tcpi_snd_mss);
			alive(&f);
			close(f.fd);
			expect(&f, FIN | ACK);
			inject(&f, RST);
		}
	EXPECT_EQ(32, counter("SyncookiesRecv"));
}

/* One of 24 in 2**32 is good: guessing does not help, nor does another's. */
TEST_F_TIMEOUT(security, cookie__cannot_be_guessed, 60)
{
	struct flow *f = &self->f, g;
	uint32_t x = 12345;
	int i;

	xtcp_only();
	sysctl_set("net/xtcp/syncookies", "2");
	inject(f, SYN, .mss = 1440);
	expect(f, SYN | ACK);
	flow_init(&g, &self->w);
	for (i = 0; i < 1000; i++) {
		x = x * 1664525 + 1013904223;
		g.our_isn = x;
		inject(&g, ACK, .seq = 1, .ack = 1);
	}
	g.our_isn = f->our_isn;			/* another port */
	inject(&g, ACK, .seq = 1, .ack = 1);
	inject(f, ACK, .seq = 2, .ack = 1);	/* another ISN of the peer */
	for (i = 0; i < 32; i++)		/* a bit wrong */
		inject(f, ACK, .ack = 1 ^ 1u << i);
	EXPECT_EQ(1000 + 1 + 1 + 32, counter("SyncookiesFailed"));
	EXPECT_EQ(0, poll_now(self->w.lfd) & POLLIN);
	while (wire_next(f, 0))
		;
	inject(f, ACK);
	flow_accept(f);
	alive(f);
}

/* --- one line for the administrator ----------------------------------------------------- */

static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	must(fd >= 0);
	lseek(fd, 0, SEEK_END);
	return fd;
}

static int log_lines(int fd, const char *with)
{
	char line[1024];
	int len, n = 0;

	while ((len = read(fd, line, sizeof(line) - 1)) > 0) {
		line[len] = 0;
		n += !!strstr(line, with);
	}
	return n;
}

/* SYN-10: a flood is one line, of each listener */
TEST_F(security, log__one_line_for_a_flood)
{
	int i, log = log_open();
	struct flow f;

	xtcp_only();
	for (i = 0; i < 200; i++) {
		flow_init(&f, &self->w);
		inject(&f, SYN, .mss = 1000);
		expect(&f, SYN | ACK);
	}
	EXPECT_EQ(200 - 7, counter("SyncookiesSent"));
	EXPECT_EQ(1, log_lines(log, "SYN flooding on port 8000"));
	close(log);
}

/* WS-4 */
TEST_F(security, log__window_scale_above_14)
{
	struct flow *f = &self->f;
	int log = log_open();

	xtcp_only();
	flow_open(f, .mss = 1000, .ws = 14);
	EXPECT_EQ(0, log_lines(log, "window scale above 14"));
	flow_init(f, &self->w);
	flow_open(f, .mss = 1000, .ws = 15);
	EXPECT_EQ(1, log_lines(log, "window scale above 14"));
	EXPECT_EQ(14, (int)tcp_info_of(f->fd).tcpi_snd_wscale);
	close(log);
}

/* --- what IP said of it -------------------------------------------------------------------- */

/* IP_MINTTL, IPV6_MINHOPCOUNT: RFC 5082 */
TEST_F(security, ip__from_too_far)
{
	int level = variant->v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int opt = variant->v6 ? IPV6_MINHOPCOUNT : IP_MINTTL;
	struct flow *f = &self->f;

	ASSERT_EQ(0, set_int(self->w.lfd, level, opt, 255));
	counters_read(&self->c);
	inject(f, SYN, .mss = 1000, .ttl = 254);
	f->seq = 0;
	expect_none(f, 100);
	EXPECT_DROPS(&self->c, "MinTtl+1 ");
	inject(f, SYN, .mss = 1000, .ttl = 255);
	expect(f, SYN | ACK);
	inject(f, ACK, .ttl = 254);
	EXPECT_EQ(0, poll_now(self->w.lfd) & POLLIN);
	inject(f, ACK, .ttl = 255);
	flow_accept(f);
	inject(f, RST, .ttl = 254);
	EXPECT_EQ(0, poll_now(f->fd) & POLLERR);
	EXPECT_DROPS(&self->c, "MinTtl+3 ");
	ASSERT_EQ(0, set_int(f->fd, level, opt, 0));
	alive(f);
}

/* What IP_PKTOPTIONS says: control messages of @level; -1 if @type is not among them */
static int pktoption(struct __test_metadata *_metadata, int fd, bool v6, int type)
{
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, val = -1;
	char buf[256] __attribute__((aligned(8)));
	socklen_t len = sizeof(buf);
	struct cmsghdr *c;
	struct msghdr m = { .msg_control = buf };

	EXPECT_EQ(0, getsockopt(fd, level, v6 ? IPV6_2292PKTOPTIONS : IP_PKTOPTIONS,
				buf, &len));
	m.msg_controllen = len;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == level && c->cmsg_type == type)
			memcpy(&val, CMSG_DATA(c), sizeof(val));
	return val;
}

/* MAY-9: DSCP and TTL of the last data */
TEST_F(security, ip__received_class_and_limit)
{
	int level = variant->v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int tos = variant->v6 ? IPV6_TCLASS : IP_TOS;
	int ttl = variant->v6 ? IPV6_HOPLIMIT : IP_TTL;
	struct flow *f = &self->f;

	xtcp_only();
	flow_open(f, .mss = 1000);
	EXPECT_EQ(-1, pktoption(_metadata, f->fd, variant->v6, tos));
	ASSERT_EQ(0, set_int(f->fd, level, variant->v6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1));
	EXPECT_EQ(0, pktoption(_metadata, f->fd, variant->v6, tos));
	inject(f, ACK, .len = 10, .tos = 0xb8, .ttl = 77);
	EXPECT_EQ(0xb8, pktoption(_metadata, f->fd, variant->v6, tos));
	EXPECT_EQ(-1, pktoption(_metadata, f->fd, variant->v6, ttl));
	ASSERT_EQ(0, set_int(f->fd, level, variant->v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, 1));
	inject(f, ACK, .len = 10, .tos = 0x20, .ttl = 78);
	EXPECT_EQ(0x20, pktoption(_metadata, f->fd, variant->v6, tos));
	EXPECT_EQ(78, pktoption(_metadata, f->fd, variant->v6, ttl));
	/* the listener's wish is its children's; what made them counts */
	ASSERT_EQ(0, set_int(self->w.lfd, level,
			     variant->v6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1));
	flow_init(f, &self->w);
	inject(f, SYN, .mss = 1000, .tos = 0x08);
	expect(f, SYN | ACK);
	inject(f, ACK, .tos = 0x10);
	flow_accept(f);
	EXPECT_EQ(0x10, pktoption(_metadata, f->fd, variant->v6, tos));
	inject(f, ACK, .len = 10, .tos = 0x18);
	EXPECT_EQ(0x18, pktoption(_metadata, f->fd, variant->v6, tos));
}

/* WS-5: the shift is for the largest buffer that there may ever be: the program's, if it
 * chose one
 */
TEST_F(security, options__our_window_scale)
{
	static const struct {
		int	max, rcvbuf, ws;
	} cases[] = {
		{ 65535, 0, 1 }, { 131072, 0, 2 }, { 6291456, 0, 7 },
		{ 1 << 30, 0, 14 }, { 6291456, 30000, 0 }, { 65535, 1000000, 5 },
	};
	char rmem[64];
	struct flow f;
	int i;

	xtcp_only();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(rmem, sizeof(rmem), "4096 65000 %d", cases[i].max);
		sysctl_set("net/xtcp/rmem", rmem);
		if (cases[i].rcvbuf)
			ASSERT_EQ(0, set_int(self->w.lfd, SOL_SOCKET, SO_RCVBUFFORCE,
					     cases[i].rcvbuf));
		flow_init(&f, &self->w);
		flow_open(&f, .mss = 1000, .ws = 3);
		EXPECT_EQ(cases[i].ws, f.synack.ws);
		EXPECT_EQ(cases[i].ws, (int)tcp_info_of(f.fd).tcpi_rcv_wscale);
		close(f.fd);
	}
}

TEST_HARNESS_MAIN
