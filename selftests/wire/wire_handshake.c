// SPDX-License-Identifier: GPL-2.0
/* wire_handshake.c - SYN to accept(), seen from the wire: RFC 9293 3.10.7.2,
 * both queues of design.md section 3, and what the handshake agrees on.
 */
#include "wire.h"

#define BACKLOG	5	/* 7 half-open, 5 established */
#define SYN_MAX	7

FIXTURE(handshake) {
	struct wire w;
	struct flow f;
	struct counters c;
};

FIXTURE_VARIANT(handshake) {
	bool v6;
};

FIXTURE_VARIANT_ADD(handshake, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(handshake, v6) { .v6 = true };

FIXTURE_SETUP(handshake)
{
	test_begin();
	wire_up(&self->w, variant->v6, BACKLOG);
	flow_init(&self->f, &self->w);
	counters_read(&self->c);
}

FIXTURE_TEARDOWN(handshake)
{
	wire_end(&self->w);
}

/* @n peers whose SYN was answered */
static void half_open(struct wire *w, struct flow *f, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		flow_init(&f[i], w);
		inject(&f[i], SYN, .mss = 1000);
		expect(&f[i], SYN | ACK);
	}
}

static struct xtcp_listen_info info(struct wire *w)
{
	return listen_info(w->lfd);
}

/* --- options ------------------------------------------------------------- */

TEST_F(handshake, options__none)
{
	struct flow *f = &self->f;

	flow_open(f);
	EXPECT_EQ(wire_mss(&self->w), f->synack.mss);
	EXPECT_EQ(ANY, f->synack.ws);
	EXPECT_FALSE(f->synack.sackok);
	EXPECT_FALSE(f->synack.ts);
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_options);
}

TEST_F(handshake, options__all)
{
	struct flow *f = &self->f;
	struct tcp_info ti;

	flow_open(f, .mss = 1000, .ws = 9, .sackok = true, .ts = true, .tsval = 777);
	EXPECT_EQ(wire_mss(&self->w), f->synack.mss);
	EXPECT_GE(f->synack.ws, 0);
	EXPECT_LE(f->synack.ws, 14);
	EXPECT_TRUE(f->synack.sackok);
	EXPECT_TRUE(f->synack.ts);
	EXPECT_EQ(777, f->synack.tsecr);
	EXPECT_EQ(20, f->synack.optlen);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE, ti.tcpi_options);
	EXPECT_EQ(9, (int)ti.tcpi_snd_wscale);
	EXPECT_EQ(f->synack.ws, (int)ti.tcpi_rcv_wscale);
	EXPECT_EQ(1000 - 12, ti.tcpi_snd_mss);
}

TEST_F(handshake, options__timestamps_alone)
{
	struct flow *f = &self->f;

	flow_open(f, .ts = true);
	EXPECT_TRUE(f->synack.ts);
	EXPECT_EQ(ANY, f->synack.ws);
	EXPECT_FALSE(f->synack.sackok);
	EXPECT_EQ(TCPI_OPT_TIMESTAMPS, tcp_info_of(f->fd).tcpi_options);
}

TEST_F(handshake, options__sack_alone)
{
	struct flow *f = &self->f;

	flow_open(f, .sackok = true);
	EXPECT_FALSE(f->synack.ts);
	EXPECT_EQ(ANY, f->synack.ws);
	EXPECT_TRUE(f->synack.sackok);
}

TEST_F(handshake, options__window_scale_alone)
{
	struct flow *f = &self->f;

	flow_open(f, .ws = 0);
	EXPECT_FALSE(f->synack.ts);
	EXPECT_GE(f->synack.ws, 0);
	EXPECT_FALSE(f->synack.sackok);
}

/* MUST-67: what the device can take */
TEST_F(handshake, options__mss_of_the_device)
{
	static const int mtu[] = { 9000, 4000, 1400, 1280 };
	struct flow *f = &self->f;
	int i;

	for (i = 0; i < ARRAY_SIZE(mtu); i++) {
		wire_set_mtu(&self->w, mtu[i]);
		flow_init(f, &self->w);
		inject(f, SYN, .mss = 1000);
		EXPECT_EQ(mtu[i] - (variant->v6 ? 60 : 40), expect(f, SYN | ACK)->mss);
	}
}

/* RFC 9293 MUST-15: 536 or 1220 */
TEST_F(handshake, options__default_mss)
{
	struct flow *f = &self->f;
	int mss = variant->v6 ? 1220 : 536;

	flow_open(f);
	flow_write(f, 2 * mss + 10);
	expect(f, ACK, .len = mss);
	expect(f, ACK, .len = mss);
	inject(f, ACK);
	expect(f, ACK | PSH, .len = 10);
}

TEST_F(handshake, options__mss_honoured)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 700, .ts = true);
	flow_write(f, 1500);
	expect(f, ACK, .len = 688);	/* MUST-16: the option is part of it */
	expect(f, ACK, .len = 688);
	inject(f, ACK);
	expect(f, ACK | PSH, .len = 1500 - 2 * 688);
}

TEST_F(handshake, options__mss_larger_than_ours)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 9000);
	flow_write(f, 3000);
	expect(f, ACK, .len = wire_mss(&self->w));
}

/* MSS-3: what is absurd is floored. */
TEST_F(handshake, options__mss_absurd)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1);
	flow_write(f, 200);
	EXPECT_GE(expect(f, ACK, .len = ANY)->len, 36);
}

/* RFC 7323 2.3: a shift above 14 counts as 14. */
TEST_F(handshake, options__window_scale_15)
{
	struct flow *f = &self->f;

	f->wnd = 1;
	flow_open(f, .mss = 1000, .ws = 15);
	EXPECT_EQ(14, (int)tcp_info_of(f->fd).tcpi_snd_wscale);
}

/* The order of options, NOPs between them, and what nobody knows: skipped. */
TEST_F(handshake, options__unknown_are_skipped)
{
	struct flow *f = &self->f;

	flow_open(f, .raw = "\1\310\6abcd\1\2\4\3\350\1\1\4\2\0", .rawlen = 17);
	EXPECT_TRUE(f->synack.sackok);
	EXPECT_EQ(1000, tcp_info_of(f->fd).tcpi_snd_mss);
}

/* MUST-64: an option begins on any byte. */
TEST_F(handshake, options__on_odd_bytes)
{
	struct flow *f = &self->f;

	flow_open(f, .raw = "\1\2\4\3\350\4\2\3\3\7\1\10\12\1\2\3\4\0\0\0", .rawlen = 21);
	EXPECT_TRUE(f->synack.sackok);
	EXPECT_NE(ANY, f->synack.ws);
	EXPECT_TRUE(f->synack.ts);
	EXPECT_EQ(0x01020304, f->synack.tsecr);
	EXPECT_EQ(1000 - 12, tcp_info_of(f->fd).tcpi_snd_mss);
	EXPECT_EQ(7, (int)tcp_info_of(f->fd).tcpi_snd_wscale);
}

/* MUST-4: nothing after the end of the list is an option. */
TEST_F(handshake, options__end_of_list)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .raw = "\1\0\4\2\2\4\2\0", .rawlen = 8);
	EXPECT_FALSE(f->synack.sackok);
	EXPECT_EQ(1000, tcp_info_of(f->fd).tcpi_snd_mss);
}

/* MUST-7: length 0, 1, or past the end stops the parse, not the handshake. */
TEST_F(handshake, options__length_zero)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .raw = "\310\0\4\2", .rawlen = 4);
	EXPECT_FALSE(f->synack.sackok);
	EXPECT_EQ(1000, tcp_info_of(f->fd).tcpi_snd_mss);
}

TEST_F(handshake, options__length_one)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .raw = "\4\1\4\2", .rawlen = 4);
	EXPECT_FALSE(f->synack.sackok);
}

TEST_F(handshake, options__length_past_the_end)
{
	struct flow *f = &self->f, g;

	flow_open(f, .mss = 1000, .raw = "\1\1\10\12", .rawlen = 4);
	EXPECT_FALSE(f->synack.ts);
	flow_init(&g, f->w);
	flow_open(&g, .mss = 1000, .raw = "\310\12\4\2", .rawlen = 4);
	EXPECT_FALSE(g.synack.sackok);
}

TEST_F(handshake, options__kind_is_last_byte)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .raw = "\1\1\1\3", .rawlen = 4);
	EXPECT_EQ(ANY, f->synack.ws);
}

TEST_F(handshake, options__wrong_lengths)
{
	struct flow *f = &self->f;

	/* MSS of 3 bytes, window scale of 4, SACK permitted of 3 */
	flow_open(f, .raw = "\2\3\1\3\4\7\7\4\3\0", .rawlen = 10);
	EXPECT_EQ(ANY, f->synack.ws);
	EXPECT_FALSE(f->synack.sackok);
	EXPECT_EQ(variant->v6 ? 1220 : 536, tcp_info_of(f->fd).tcpi_snd_mss);
}

/* WS-2: the window of a SYN-ACK is not scaled; BM-2: 65535 of the 87380. */
TEST_F(handshake, window__of_the_synack)
{
	struct flow *f = &self->f, g;

	inject(f, SYN, .ws = 7);
	EXPECT_EQ(test_inet() ? ANY : 65535,
		  expect(f, SYN | ACK)->wnd | (test_inet() ? ANY : 0));
	flow_init(&g, &self->w);
	inject(&g, SYN);
	EXPECT_EQ(test_inet() ? ANY : 65535,
		  expect(&g, SYN | ACK)->wnd | (test_inet() ? ANY : 0));
}

/* TS-10: each pair of hosts has an offset of its own. */
TEST_F(handshake, timestamp__offset_differs)
{
	struct flow *f = &self->f, g;
	int32_t d;

	inject(f, SYN, .ts = true, .tsval = 1);
	f->synack = *expect(f, SYN | ACK);
	flow_init(&g, &self->w);
	inet_pton(variant->v6 ? AF_INET6 : AF_INET, variant->v6 ? "fd09::3" : "10.9.0.3", g.peer);
	inject(&g, SYN, .ts = true, .tsval = 1);
	d = expect(&g, SYN | ACK)->tsval - f->synack.tsval;
	EXPECT_TRUE(d > 1000 || d < -1000);
}

/* --- sequence numbers ---------------------------------------------------- */

TEST_F(handshake, isn__differs_and_rises)
{
	struct flow *f = &self->f;
	uint32_t first, second;

	inject(f, SYN);
	expect(f, SYN | ACK);
	first = f->our_isn;
	inject(f, RST, .seq = 1);
	expect_none(f, 20);
	f->seq = f->ack = 0;
	inject(f, SYN);
	expect(f, SYN | ACK);
	second = f->our_isn;
	EXPECT_GT((int32_t)(second - first), 0);	/* same 4-tuple: only the clock */
	inject(f, RST, .seq = 1);
	flow_init(f, &self->w);
	inject(f, SYN);
	expect(f, SYN | ACK);
	EXPECT_NE(0, f->our_isn - second);
}

TEST_F(handshake, isn__peer_wraps)
{
	struct flow *f = &self->f;

	f->isn = 0xffffffff;
	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	flow_read(f, 10);
}

/* --- TCP_DEFER_ACCEPT ---------------------------------------------------- */

static int defer(struct wire *w, int s)
{
	return setsockopt(w->lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &s, sizeof(s));
}

static bool acceptable(struct wire *w)
{
	struct pollfd p = { .fd = w->lfd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* TO-9: the ACK alone wakes nobody, its data does. */
TEST_F(handshake, defer_accept__until_there_is_data)
{
	struct flow *f = &self->f;

	ASSERT_EQ(0, defer(&self->w, 5));
	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	inject(f, ACK);
	expect_none(f, 2000);
	EXPECT_FALSE(acceptable(&self->w));
	EXPECT_TRUE(test_inet() || counter("DeferAcceptDrop") == 1);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	EXPECT_TRUE(acceptable(&self->w));
	flow_accept(f);
	flow_read(f, 10);
}

/* 5 s are three SYN-ACKs: at 1 and 3 s none is sent, the last one at 7 s asks
 * for another ACK, which is enough.
 */
TEST_F_TIMEOUT(handshake, defer_accept__not_for_ever, 60)
{
	struct flow *f = &self->f;
	int64_t t = now_us();

	ASSERT_EQ(0, defer(&self->w, 5));
	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	inject(f, ACK);
	EXPECT_AFTER(7000, t, expect(f, SYN | ACK, .seq = 0, .within = 9000));
	EXPECT_FALSE(acceptable(&self->w));
	inject(f, ACK);
	EXPECT_TRUE(acceptable(&self->w));
	flow_accept(f);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
}

/* Who has not even sent the ACK gets every SYN-ACK. */
TEST_F_TIMEOUT(handshake, defer_accept__not_for_a_silent_peer, 60)
{
	struct flow *f = &self->f;
	int64_t t = now_us();

	ASSERT_EQ(0, defer(&self->w, 30));
	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	EXPECT_AFTER(1000, t, expect(f, SYN | ACK, .seq = 0));
	EXPECT_AFTER(3000, t, expect(f, SYN | ACK, .seq = 0));
	inject(f, ACK | FIN);
	EXPECT_TRUE(acceptable(&self->w));	/* a FIN is something */
}

/* --- half-open: SYN again ------------------------------------------------ */

TEST_F(handshake, syn__duplicate_takes_no_second_slot)
{
	struct flow *f = &self->f;
	int i;

	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	for (i = 0; i < 3; i++) {
		inject(f, SYN, .seq = 0, .mss = 1000);
		expect(f, SYN | ACK, .seq = 0, .ack = 1);
	}
	if (!test_inet()) {
		EXPECT_EQ(1, info(&self->w).syn_len);
		EXPECT_EQ(1, info(&self->w).syn_peak);
	}
	inject(f, ACK);
	flow_accept(f);
	expect_none(f, 50);
}

/* SYN-12: nor does it move the clock of the SYN-ACKs. */
TEST_F(handshake, syn__duplicate_moves_no_timer)
{
	struct flow *f = &self->f;
	int64_t t;

	xtcp_only();
	inject(f, SYN, .mss = 1000);
	t = expect(f, SYN | ACK)->at;
	expect_none(f, 600);
	inject(f, SYN, .seq = 0, .mss = 1000);
	expect(f, SYN | ACK, .seq = 0);
	EXPECT_AFTER(1000, t, expect(f, SYN | ACK, .seq = 0));
	EXPECT_AFTER(3000, t, expect(f, SYN | ACK, .seq = 0));
}

TEST_F(handshake, syn__other_isn_in_window_replaces)
{
	struct flow *f = &self->f;

	xtcp_only();
	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	f->isn += 1000;
	f->seq = f->ack = 0;
	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	EXPECT_EQ(1, info(&self->w).syn_len);
	inject(f, ACK);
	flow_accept(f);
	inject(f, ACK, .len = 10);
	flow_read(f, 10);
}

TEST_F(handshake, syn__other_isn_out_of_window)
{
	struct flow *f = &self->f;

	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	inject(f, SYN, .seq = 0x80000000);
	expect(f, ACK);
	if (!test_inet())
		EXPECT_EQ(1, info(&self->w).syn_len);
	EXPECT_DROPS(&self->c, "SynDupWin+1 ");
	inject(f, ACK);
	flow_accept(f);
}

TEST_F(handshake, syn__with_data)
{
	struct flow *f = &self->f;

	inject(f, SYN, .mss = 1000, .len = 100);
	f->seq = 1;
	expect(f, SYN | ACK, .ack = 1);		/* no fast open: only the SYN counts */
	inject(f, ACK, .len = 100);
	expect(f, ACK);
	flow_accept(f);
	flow_read(f, 100);
}

/* --- half-open: time ----------------------------------------------------- */

TEST_F_TIMEOUT(handshake, synack__again_and_again, 300)
{
	static const int seconds[] = { 1, 3, 7, 15, 31 };
	struct flow *f = &self->f;
	int64_t first;
	int i;

	inject(f, SYN, .mss = 1000, .ws = 7, .sackok = true, .ts = true);
	first = expect(f, SYN | ACK)->at;
	for (i = 0; i < ARRAY_SIZE(seconds); i++) {
		const struct seg *s = expect(f, SYN | ACK, .seq = 0, .ack = 1, .within = 20000);

		EXPECT_AFTER(seconds[i] * 1000, first, s);
		EXPECT_EQ(wire_mss(&self->w), s->mss);
		EXPECT_TRUE(s->ts && s->sackok && s->ws >= 0);
	}
	expect_none(f, 40000);		/* over at 63 s */
	EXPECT_DROPS(&self->c, "HalfOpenTimeout+1 ");
	if (!test_inet()) {
		EXPECT_EQ(0, info(&self->w).syn_len);
		EXPECT_EQ(1, info(&self->w).expired);
		EXPECT_EQ(5, counter("SynAckRetrans"));
	}
	inject(f, ACK);
	expect(f, RST, .seq = 1);
}

TEST_F_TIMEOUT(handshake, synack__expiry_frees_the_slot, 300)
{
	struct flow f[SYN_MAX];
	int i;

	xtcp_only();
	half_open(&self->w, f, SYN_MAX);
	EXPECT_EQ(SYN_MAX, info(&self->w).syn_len);
	EXPECT_TRUE(poll_ms(self->w.lfd, POLLIN, 6900) == 0);
	EXPECT_EQ(SYN_MAX, info(&self->w).syn_len);
	/* a crowd has two tries: 7 s; where it does not come at once, its rest is
	 * none any more when the first have gone
	 */
	poll_ms(self->w.lfd, POLLIN, test_slow() ? 70000 : 1100);
	EXPECT_EQ(0, info(&self->w).syn_len);
	EXPECT_EQ(SYN_MAX, info(&self->w).expired);
	for (i = 0; i < SYN_MAX; i++) {
		flow_init(&f[i], &self->w);
		inject(&f[i], SYN);
		expect(&f[i], SYN | ACK);
	}
	EXPECT_EQ(0, info(&self->w).cookies_sent);
}

TEST_F_TIMEOUT(handshake, synack__ends_with_the_ack, 60)
{
	struct flow *f = &self->f;

	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	expect(f, SYN | ACK, .seq = 0, .ack = 1);
	inject(f, ACK);
	flow_accept(f);
	expect_none(f, 5000);
}

/* --- half-open: RST, bad segments ---------------------------------------- */

TEST_F(handshake, rst__frees_the_slot)
{
	struct flow *f = &self->f;

	inject(f, SYN);
	expect(f, SYN | ACK);
	inject(f, RST, .seq = 1);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "HalfOpenRst+1 ");
	if (!test_inet()) {
		EXPECT_EQ(0, info(&self->w).syn_len);
		EXPECT_EQ(1, info(&self->w).resets);
	}
	inject(f, ACK);
	expect(f, RST, .seq = 1);
}

/* RFC 9293 3.10.7.4, RFC 5961 3.2, in SYN-RECEIVED too */
TEST_F(handshake, rst__in_window_but_not_exact)
{
	struct flow *f = &self->f;

	inject(f, SYN);
	expect(f, SYN | ACK);
	inject(f, RST, .seq = 100);
	expect(f, ACK);
	inject(f, ACK);
	flow_accept(f);
}

TEST_F(handshake, rst__out_of_window)
{
	struct flow *f = &self->f;

	inject(f, SYN);
	expect(f, SYN | ACK);
	inject(f, RST, .seq = 0x80000000);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "HalfOpenOutOfWindow+1 ");
	inject(f, ACK);
	flow_accept(f);
}

TEST_F(handshake, ack__wrong_number)
{
	struct flow *f = &self->f;

	inject(f, SYN);
	expect(f, SYN | ACK);
	inject(f, ACK, .ack = 2);
	expect(f, RST, .seq = 2);
	inject(f, ACK, .ack = 0);
	expect(f, RST, .seq = 0);
	EXPECT_DROPS(&self->c, "HalfOpenBadAck+2 ");
	f->ack = 1;
	inject(f, ACK);
	flow_accept(f);
}

TEST_F(handshake, half_open__out_of_window)
{
	struct flow *f = &self->f;

	inject(f, SYN);
	expect(f, SYN | ACK);
	inject(f, ACK, .seq = 0x40000000, .len = 10);
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "HalfOpenOutOfWindow+1 ");
	inject(f, ACK);
	flow_accept(f);
}

TEST_F(handshake, half_open__no_ack_flag)
{
	struct flow *f = &self->f;

	inject(f, SYN);
	expect(f, SYN | ACK);
	inject(f, 0, .len = 10, .seq = 1);
	inject(f, FIN, .seq = 1);
	f->seq = 1;
	expect_none(f, 20);
	inject(f, ACK);
	flow_accept(f);
	EXPECT_EQ(-EAGAIN, recv(f->fd, &(char){ 0 }, 1, 0) < 0 ? -errno : 0);
}

TEST_F(handshake, half_open__old_timestamp)
{
	struct flow *f = &self->f;

	inject(f, SYN, .ts = true, .tsval = 5000);
	expect(f, SYN | ACK);
	inject(f, ACK, .ts = true, .tsval = 4000, .tsecr = f->ts_recent);
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "HalfOpenPaws+1 ");
	inject(f, ACK, .ts = true, .tsval = 5001, .tsecr = f->ts_recent);
	flow_accept(f);
}

/* --- a listener and what is no handshake: HR-10 -------------------------- */

TEST_F(handshake, listener__rst_is_ignored)
{
	inject(&self->f, RST, .seq = 5);
	inject(&self->f, RST | ACK, .seq = 5, .ack = 5);
	expect_none(&self->f, 20);
	EXPECT_DROPS(&self->c, "ListenRst+2 ");
}

TEST_F(handshake, listener__ack_draws_rst)
{
	struct flow *f = &self->f;

	f->our_isn = 1000;
	inject(f, ACK, .seq = 77, .ack = 55);
	expect(f, RST, .seq = 55);
	EXPECT_DROPS(&self->c, "ListenNoSyn+1 ");
}

TEST_F(handshake, listener__synack_draws_rst)
{
	struct flow *f = &self->f;

	f->our_isn = 1000;
	f->have_isn = true;
	inject(f, SYN | ACK, .ack = 55);
	expect(f, RST, .seq = 55);
}

TEST_F(handshake, listener__fin_draws_nothing)
{
	inject(&self->f, FIN);
	inject(&self->f, 0);
	inject(&self->f, FIN | PSH | URG);
	inject(&self->f, PSH, .len = 100);
	expect_none(&self->f, 20);
}

TEST_F(handshake, listener__syn_fin)
{
	inject(&self->f, SYN | FIN);
	expect_none(&self->f, 20);
	EXPECT_DROPS(&self->c, "BadFlags+1 ");
}

TEST_F(handshake, listener__syn_rst)
{
	inject(&self->f, SYN | RST);
	expect_none(&self->f, 20);
	if (!test_inet())
		EXPECT_EQ(0, info(&self->w).syn_len);
}

TEST_F(handshake, listener__all_flags)
{
	inject(&self->f, 0xff);
	expect_none(&self->f, 20);
	if (!test_inet())
		EXPECT_EQ(0, info(&self->w).syn_len);
}

/* MUST-57 */
TEST_F(handshake, listener__broadcast_or_multicast)
{
	static const char * const to[2][2] = {
		{ "255.255.255.255", "224.0.0.1" }, { "ff02::1", "ff01::1" },
	};
	struct flow *f = &self->f;
	int i;

	for (i = 0; i < 2; i++) {
		inet_pton(variant->v6 ? AF_INET6 : AF_INET, to[variant->v6][i], f->local);
		f->seq = 0;
		inject(f, SYN);
		if (!test_inet())
			inject(f, ACK, .seq = 1);
		expect_none(f, 20);
	}
	EXPECT_EQ(0, self->w.strays);
	if (!test_inet())
		EXPECT_EQ(0, info(&self->w).syn_len);
}

/* MUST-63: nobody can have that address. */
TEST_F(handshake, listener__invalid_source)
{
	static const char * const from[2][3] = {
		{ "127.0.0.1", "224.0.0.1", "255.255.255.255" }, { "::1", "ff02::1", "ff0e::1" },
	};
	struct flow *f = &self->f;
	int i;

	for (i = 0; i < 3; i++) {
		inet_pton(variant->v6 ? AF_INET6 : AF_INET, from[variant->v6][i], f->peer);
		f->seq = 0;
		inject(f, SYN);
	}
	expect_none(f, 20);
	EXPECT_EQ(0, self->w.strays);
	if (!test_inet())
		EXPECT_EQ(0, info(&self->w).syn_len);
}

/* Our own address and port as the source */
TEST_F(handshake, listener__land)
{
	struct flow *f = &self->f;

	sysctl_set("net/ipv4/conf/all/accept_local", "1");
	sysctl_set("net/ipv4/conf/all/rp_filter", "0");
	sysctl_set("net/ipv4/conf/wire0/rp_filter", "0");
	memcpy(f->peer, f->local, 16);
	f->port = f->lport;
	inject(f, SYN);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "Land+1 ");
	xtcp_only();
	EXPECT_EQ(0, info(&self->w).syn_len);
}

TEST_F(handshake, nobody__syn_draws_one_rst)
{
	struct flow *f = &self->f;

	f->lport = 4321;
	inject(f, SYN, .len = 10);
	expect(f, RST | ACK, .seq = 0 - f->our_isn, .ack = 11);
	expect_none(f, 50);
}

TEST_F(handshake, nobody__ack_draws_one_rst)
{
	struct flow *f = &self->f;

	f->lport = 4321;
	inject(f, ACK, .seq = 5, .ack = 55);
	expect(f, RST, .seq = 55);
	inject(f, RST | ACK, .seq = 5, .ack = 55);
	inject(f, RST, .seq = 5);
	expect_none(f, 50);
}

/* --- the final ACK and what comes with it or soon after ------------------ */

TEST_F(handshake, ack__with_data)
{
	struct flow *f = &self->f;

	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	inject(f, ACK, .len = 100);
	expect(f, ACK);
	flow_accept(f);
	flow_read(f, 100);
}

TEST_F(handshake, ack__with_data_and_fin)
{
	struct flow *f = &self->f;

	inject(f, SYN, .mss = 1000);
	expect(f, SYN | ACK);
	inject(f, ACK | FIN, .len = 100);
	expect(f, ACK, .ack = 102);
	flow_accept(f);
	flow_read(f, 100);
	EXPECT_EQ(0, flow_recv(f));
}

TEST_F(handshake, before_accept__data_and_fin_are_kept)
{
	struct flow *f = &self->f;

	flow_handshake(f, .mss = 1000);
	inject(f, ACK, .len = 100);
	expect(f, ACK);
	inject(f, ACK | FIN, .len = 50);
	expect(f, ACK, .ack = 152);
	flow_accept(f);
	flow_read(f, 150);
	EXPECT_EQ(0, flow_recv(f));
}

TEST_F(handshake, before_accept__rst)
{
	struct flow *f = &self->f;

	flow_handshake(f, .mss = 1000);
	inject(f, RST, .seq = 1);
	expect_none(f, 20);
	flow_accept(f);
	EXPECT_EQ(-ECONNRESET, flow_recv(f));
	EXPECT_EQ(0, flow_recv(f));
}

/* --- the SYN queue is full ----------------------------------------------- */

TEST_F(handshake, synq__full_means_cookie)
{
	struct flow f[SYN_MAX], *g = &self->f;
	struct tcp_info ti;

	xtcp_only();
	half_open(&self->w, f, SYN_MAX);
	EXPECT_EQ(SYN_MAX, info(&self->w).syn_len);
	EXPECT_EQ(0, info(&self->w).cookies_sent);
	flow_open(g, .mss = 1000);
	EXPECT_EQ(1, info(&self->w).cookies_sent);
	EXPECT_EQ(1, info(&self->w).cookies_recv);
	EXPECT_EQ(SYN_MAX, info(&self->w).syn_len);
	EXPECT_EQ(1, counter("SyncookiesSent"));
	EXPECT_EQ(1, counter("SyncookiesRecv"));
	ti = tcp_info_of(g->fd);
	EXPECT_LE(ti.tcpi_snd_mss, 1000);
	flow_write(g, 10);
	expect(g, ACK, .len = 10);
	inject(g, ACK, .len = 10);
	flow_read(g, 10);
}

/* SYN-6: with timestamps a cookie remembers the rest. */
TEST_F(handshake, synq__cookie_with_options)
{
	struct flow f[SYN_MAX], *g = &self->f;
	struct tcp_info ti;

	xtcp_only();
	half_open(&self->w, f, SYN_MAX);
	flow_open(g, .mss = 1400, .ws = 9, .sackok = true, .ts = true);
	ti = tcp_info_of(g->fd);
	EXPECT_EQ(TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE, ti.tcpi_options);
	EXPECT_EQ(9, (int)ti.tcpi_snd_wscale);
	EXPECT_EQ(g->synack.ws, (int)ti.tcpi_rcv_wscale);
}

TEST_F(handshake, synq__cookie_without_timestamps_promises_nothing)
{
	struct flow f[SYN_MAX], *g = &self->f;

	xtcp_only();
	half_open(&self->w, f, SYN_MAX);
	flow_open(g, .mss = 1400, .ws = 9, .sackok = true);
	EXPECT_EQ(ANY, g->synack.ws);
	EXPECT_FALSE(g->synack.sackok);
	EXPECT_EQ(0, tcp_info_of(g->fd).tcpi_options);
}

TEST_F(handshake, synq__cookie_is_not_sent_again)
{
	struct flow f[SYN_MAX], *g = &self->f;

	xtcp_only();
	half_open(&self->w, f, SYN_MAX);
	inject(g, SYN);
	expect(g, SYN | ACK);
	expect_none(g, 1500);
}

TEST_F(handshake, synq__wrong_cookie)
{
	struct flow f[SYN_MAX], *g = &self->f, h;

	xtcp_only();
	half_open(&self->w, f, SYN_MAX);
	inject(g, SYN);
	expect(g, SYN | ACK);
	flow_init(&h, &self->w);	/* somebody else comes with it */
	h.our_isn = g->our_isn;
	counters_read(&self->c);
	inject(&h, ACK, .seq = 1, .ack = 1);
	expect(&h, RST, .seq = 1);
	EXPECT_DROPS(&self->c, "CookieBad+1 ");
	EXPECT_EQ(1, info(&self->w).cookies_failed);
	inject(g, ACK, .ack = 1001);
	expect(g, RST, .seq = 1001);
	inject(g, ACK, .seq = 2, .ack = 1);
	expect(g, RST, .seq = 1);
	EXPECT_EQ(0, poll_ms(self->w.lfd, POLLIN, 0));
	inject(g, ACK);
	flow_accept(g);
}

/* SYN-7: who never sent one does not believe one. */
TEST_F(handshake, synq__cookie_from_nowhere)
{
	struct flow f[SYN_MAX], *g = &self->f;
	int i;

	xtcp_only();
	half_open(&self->w, f, SYN_MAX);
	inject(g, SYN);
	expect(g, SYN | ACK);
	for (i = 0; i < SYN_MAX; i++)
		inject(&f[i], RST, .seq = 1);
	EXPECT_EQ(0, info(&self->w).syn_len);
	close(self->w.lfd);
	wire_relisten(&self->w, BACKLOG);
	counters_read(&self->c);
	inject(g, ACK);
	expect(g, RST, .seq = 1);
	EXPECT_EQ(0, poll_ms(self->w.lfd, POLLIN, 0));
}

TEST_F_TIMEOUT(handshake, synq__cookie_expires, 600)
{
	struct flow f[SYN_MAX], *g = &self->f;

	xtcp_only();
	half_open(&self->w, f, SYN_MAX);
	inject(g, SYN);
	expect(g, SYN | ACK);
	poll_ms(self->w.lfd, POLLIN, 5 * 60 * 1000);
	inject(g, ACK);
	expect(g, RST, .seq = 1);
	EXPECT_EQ(0, poll_ms(self->w.lfd, POLLIN, 0));
}

/* SYN-5, SYN-7: each of two limits alone, and what is within both */
TEST_F_TIMEOUT(handshake, synq__cookie_has_two_limits, 1000)
{
	struct flow *f = &self->f, g, other;
	int i;

	xtcp_only();
	sysctl_set("net/xtcp/syncookies", "2");
	inject(f, SYN);
	expect(f, SYN | ACK);
	/* no cookie was sent for two minutes */
	poll_ms(self->w.lfd, POLLIN, 121 * 1000);
	counters_read(&self->c);
	inject(f, ACK);
	expect(f, RST, .seq = 1);
	EXPECT_DROPS(&self->c, "CookieNotSent+1 ");
	/* others were, but not this one */
	flow_init(&g, &self->w);
	inject(&g, SYN);
	expect(&g, SYN | ACK);
	for (i = 0; i < 3; i++) {
		poll_ms(self->w.lfd, POLLIN, 61 * 1000);
		flow_init(&other, &self->w);
		inject(&other, SYN);
		expect(&other, SYN | ACK);
	}
	counters_read(&self->c);
	inject(&g, ACK);
	expect(&g, RST, .seq = 1);
	EXPECT_DROPS(&self->c, "CookieBad+1 ");
	flow_init(&g, &self->w);
	inject(&g, SYN);
	expect(&g, SYN | ACK);
	poll_ms(self->w.lfd, POLLIN, 118 * 1000);
	inject(&g, ACK);
	flow_accept(&g);
}

TEST_F(handshake, synq__policy_drop)
{
	struct flow f[SYN_MAX], *g = &self->f;

	xtcp_only();
	ASSERT_EQ(0, set_int(self->w.lfd, SOL_XTCP, XTCP_SYNQ_POLICY, XTCP_SYNQ_DROP));
	half_open(&self->w, f, SYN_MAX);
	inject(g, SYN);
	expect_none(g, 50);
	EXPECT_DROPS(&self->c, "SynqFull+1 ");
	EXPECT_EQ(1, info(&self->w).drops_syn);
	inject(&f[0], ACK);		/* room again */
	g->seq = 0;
	inject(g, SYN);
	expect(g, SYN | ACK);
}

TEST_F(handshake, synq__policy_reset)
{
	struct flow f[SYN_MAX], *g = &self->f;

	xtcp_only();
	ASSERT_EQ(0, set_int(self->w.lfd, SOL_XTCP, XTCP_SYNQ_POLICY, XTCP_SYNQ_RESET));
	half_open(&self->w, f, SYN_MAX);
	inject(g, SYN);
	expect(g, RST | ACK, .seq = 0, .ack = 1);
	EXPECT_EQ(1, info(&self->w).drops_syn);
}

TEST_F(handshake, synq__syncookies_off)
{
	struct flow f[SYN_MAX], *g = &self->f;

	xtcp_only();
	sysctl_set("net/xtcp/syncookies", "0");
	half_open(&self->w, f, SYN_MAX);
	inject(g, SYN);
	expect_none(g, 50);
	EXPECT_DROPS(&self->c, "SynqFull+1 ");
}

/* --- the accept queue is full -------------------------------------------- */

TEST_F(handshake, acceptq__full_holds_in_order)
{
	struct flow f[BACKLOG + 3];
	struct xtcp_listen_info li;
	int i;

	xtcp_only();
	for (i = 0; i < BACKLOG + 3; i++) {
		flow_init(&f[i], &self->w);
		flow_handshake(&f[i], .mss = 1000);
		expect_none(&f[i], 10);		/* no RST, nothing */
	}
	li = info(&self->w);
	EXPECT_EQ(BACKLOG, li.accept_len);
	EXPECT_EQ(3, li.syn_len);
	EXPECT_EQ(3, li.syn_acked);
	EXPECT_EQ(3, counter("HalfOpenAcked"));
	for (i = 0; i < BACKLOG + 3; i++) {
		int held = i < 3 ? 2 - i : 0;

		flow_accept(&f[i]);
		EXPECT_EQ(f[i].port, ntohs(peer_name(f[i].fd).in.sin_port));
		li = info(&self->w);
		EXPECT_EQ(held, li.syn_acked);	/* promoted at once */
		EXPECT_EQ(i < 3 ? BACKLOG : BACKLOG + 2 - i, li.accept_len);
	}
	EXPECT_EQ(3, counter("HalfOpenPromoted"));
	for (i = 0; i < BACKLOG + 3; i++) {
		inject(&f[i], ACK, .len = 10);
		flow_read(&f[i], 10);
	}
}

/* Data and FIN of who waits are not acknowledged, so they come again. */
TEST_F(handshake, acceptq__data_of_who_waits)
{
	struct flow f[BACKLOG + 1], *last = &f[BACKLOG];
	int i;

	xtcp_only();
	for (i = 0; i <= BACKLOG; i++) {
		flow_init(&f[i], &self->w);
		flow_handshake(&f[i], .mss = 1000);
	}
	counters_read(&self->c);
	inject(last, ACK | FIN, .len = 100, .seq = 1);
	expect_none(last, 10);
	EXPECT_DROPS(&self->c, "HalfOpenParked+1 ");
	flow_accept(&f[0]);
	inject(last, ACK | FIN, .len = 100, .seq = 1);
	expect(last, ACK, .ack = 102);
	for (i = 1; i <= BACKLOG; i++)
		flow_accept(&f[i]);
	flow_read(last, 100);
	EXPECT_EQ(0, flow_recv(last));
}

TEST_F(handshake, acceptq__rst_of_who_waits)
{
	struct flow f[BACKLOG + 2];
	int i;

	xtcp_only();
	for (i = 0; i < BACKLOG + 2; i++) {
		flow_init(&f[i], &self->w);
		flow_handshake(&f[i], .mss = 1000);
	}
	inject(&f[BACKLOG], RST, .seq = 1);
	EXPECT_EQ(1, info(&self->w).syn_acked);
	for (i = 0; i < BACKLOG; i++)
		flow_accept(&f[i]);
	flow_accept(&f[BACKLOG + 1]);
	EXPECT_EQ(f[BACKLOG + 1].port, ntohs(peer_name(f[BACKLOG + 1].fd).in.sin_port));
}

/* The SYN-ACK clock of who waits goes on, and its ACKs change nothing. */
TEST_F_TIMEOUT(handshake, acceptq__who_waits_is_asked_again, 300)
{
	struct flow f[BACKLOG + 1], *last = &f[BACKLOG];
	int i;

	xtcp_only();
	for (i = 0; i <= BACKLOG; i++) {
		flow_init(&f[i], &self->w);
		flow_handshake(&f[i], .mss = 1000);
	}
	expect(last, SYN | ACK, .seq = 0, .ack = 1);
	inject(last, ACK);
	EXPECT_EQ(1, info(&self->w).syn_acked);
	expect(last, SYN | ACK, .seq = 0, .ack = 1);
	inject(last, ACK);
	flow_accept(&f[0]);
	EXPECT_EQ(BACKLOG, info(&self->w).accept_len);
	expect_none(last, 10000);
}

TEST_F_TIMEOUT(handshake, acceptq__who_waits_expires, 300)
{
	struct flow f[BACKLOG + 1];
	int i;

	xtcp_only();
	for (i = 0; i <= BACKLOG; i++) {
		flow_init(&f[i], &self->w);
		flow_handshake(&f[i], .mss = 1000);
	}
	poll_ms(self->w.tun, 0, 72000);
	EXPECT_EQ(0, info(&self->w).syn_len);
	EXPECT_EQ(0, info(&self->w).syn_acked);
	EXPECT_EQ(BACKLOG, info(&self->w).accept_len);
}

TEST_F(handshake, acceptq__policy_reset)
{
	struct flow f[BACKLOG];
	int i;

	xtcp_only();
	ASSERT_EQ(0, set_int(self->w.lfd, SOL_XTCP, XTCP_ACCEPTQ_POLICY, XTCP_ACCEPTQ_RESET));
	for (i = 0; i < BACKLOG; i++) {
		flow_init(&f[i], &self->w);
		flow_handshake(&f[i], .mss = 1000);
	}
	counters_read(&self->c);
	flow_handshake(&self->f, .mss = 1000);
	expect(&self->f, RST, .seq = 1);
	EXPECT_DROPS(&self->c, "AcceptqFull+1 ");
	EXPECT_EQ(1, info(&self->w).drops_accept);
	EXPECT_EQ(0, info(&self->w).syn_len);
}

TEST_F(handshake, acceptq__abort_on_overflow)
{
	struct flow f[BACKLOG];
	int i;

	xtcp_only();
	sysctl_set("net/xtcp/abort_on_overflow", "1");
	for (i = 0; i < BACKLOG; i++) {
		flow_init(&f[i], &self->w);
		flow_handshake(&f[i], .mss = 1000);
	}
	flow_handshake(&self->f, .mss = 1000);
	expect(&self->f, RST, .seq = 1);
}

/* LQ-5: the limits are independent, and a full accept queue makes no cookies. */
TEST_F(handshake, acceptq__full_and_synq_full)
{
	struct flow f[BACKLOG], g[SYN_MAX];
	int i;

	xtcp_only();
	for (i = 0; i < BACKLOG; i++) {
		flow_init(&f[i], &self->w);
		flow_handshake(&f[i], .mss = 1000);
	}
	half_open(&self->w, g, SYN_MAX);
	counters_read(&self->c);
	inject(&self->f, SYN);
	expect_none(&self->f, 50);
	EXPECT_DROPS(&self->c, "SynqFull+1 ");
	EXPECT_EQ(0, info(&self->w).cookies_sent);
}

TEST_F(handshake, acceptq__cookie_meets_a_full_one)
{
	struct flow f[SYN_MAX], *g = &self->f, h;
	int i;

	xtcp_only();
	half_open(&self->w, f, SYN_MAX);
	inject(g, SYN);
	expect(g, SYN | ACK);
	flow_init(&h, &self->w);
	inject(&h, SYN);
	expect(&h, SYN | ACK);
	for (i = 0; i < BACKLOG; i++)
		inject(&f[i], ACK);
	EXPECT_EQ(BACKLOG, info(&self->w).accept_len);
	EXPECT_EQ(2, info(&self->w).syn_len);
	inject(g, ACK);
	EXPECT_EQ(3, info(&self->w).syn_len);
	EXPECT_EQ(1, info(&self->w).syn_acked);
	/* and when there is room in neither */
	half_open(&self->w, f, SYN_MAX - 3);
	counters_read(&self->c);
	inject(&h, ACK);
	expect_none(&h, 20);
	EXPECT_DROPS(&self->c, "CookieFull+1 ");
}

/* --- the end of a listener ----------------------------------------------- */

TEST_F(handshake, close__children_get_rst_half_open_nothing)
{
	struct flow *f = &self->f, g, h;

	flow_handshake(f, .mss = 1000);
	flow_init(&g, &self->w);
	flow_handshake(&g, .mss = 1000, .ts = true);
	inject(&g, ACK, .len = 10);
	expect(&g, ACK);
	flow_init(&h, &self->w);
	inject(&h, SYN);
	expect(&h, SYN | ACK);
	close(self->w.lfd);
	expect(f, RST | ACK, .seq = 1);
	expect(&g, RST | ACK, .seq = 1);
	expect_none(&h, 1200);
	inject(&h, ACK);
	expect(&h, RST, .seq = 1);
	self->w.lfd = -1;
}

TEST_HARNESS_MAIN
