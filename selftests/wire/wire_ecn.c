// SPDX-License-Identifier: GPL-2.0
/* wire_ecn.c - explicit congestion notification, RFC 3168: who agrees on it, what
 * is marked, what is echoed, and what an echo does.
 */
#include "wire.h"

#define MSS 1000
#define ASK (SYN | ECE | CWR)

FIXTURE(ecn) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(ecn) {
	bool v6;
};

FIXTURE_VARIANT_ADD(ecn, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(ecn, v6) { .v6 = true };

FIXTURE_SETUP(ecn)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
}

FIXTURE_TEARDOWN(ecn)
{
	wire_end(&self->w);
}

/* expect(), and the ECN field */
#define expect_ip(f, field, ...) EXPECT_EQ(field, expect(f, __VA_ARGS__)->tos)

static bool has_ecn(struct flow *f)
{
	return tcp_info_of(f->fd).tcpi_options & TCPI_OPT_ECN;
}

static int ca_state(struct flow *f)
{
	return tcp_info_of(f->fd).tcpi_ca_state;
}

/* --- RFC 3168 6.1.1: the handshake --------------------------------------- */

/* ECN-1, ECN-9: by default, whoever asks */
TEST_F(ecn, agree__when_asked)
{
	struct flow *f = &self->f;

	flow_open(f, .flags = ASK, .mss = MSS);
	EXPECT_EQ(NOT_ECT, f->synack.tos);
	EXPECT_EQ(TCPI_OPT_ECN, tcp_info_of(f->fd).tcpi_options);
}

TEST_F(ecn, agree__only_when_asked)
{
	static const int flags[] = { SYN, SYN | ECE, SYN | CWR };
	struct flow f[3];
	int i;

	for (i = 0; i < 3; i++) {
		flow_init(&f[i], &self->w);
		inject(&f[i], flags[i], .mss = MSS);
		expect(&f[i], SYN | ACK);
		inject(&f[i], ACK);
		flow_accept(&f[i]);
		EXPECT_FALSE(has_ecn(&f[i]));
		/* nothing is marked, nothing is echoed */
		flow_write(&f[i], 100);
		expect_ip(&f[i], NOT_ECT, ACK, .len = 100);
		inject(&f[i], ACK, .len = 100, .tos = CE);
		expect_ip(&f[i], NOT_ECT, ACK);
		EXPECT_EQ(0, tcp_info_of(f[i].fd).tcpi_options);
	}
}

TEST_F(ecn, agree__not_when_off)
{
	struct flow *f = &self->f;

	knob("ecn", "0");
	inject(f, ASK, .mss = MSS);
	expect(f, SYN | ACK);
	inject(f, ACK);
	flow_accept(f);
	EXPECT_FALSE(has_ecn(f));
}

/* A SYN that is marked: the bits are not the peer's. */
TEST_F(ecn, agree__not_when_the_syn_is_marked)
{
	struct flow f[3];
	int i;

	for (i = 0; i < 3; i++) {
		flow_init(&f[i], &self->w);
		inject(&f[i], ASK, .mss = MSS, .tos = ECT1 + i);
		expect(&f[i], SYN | ACK);
	}
}

/* ECN-9: ip route ... features ecn */
TEST_F(ecn, agree__by_route)
{
	struct flow *f = &self->f;

	knob("ecn", "0");
	must(system(variant->v6 ? "ip -6 route replace fd09::/64 dev wire0 metric 256 features ecn" :
		    "ip route replace 10.9.0.0/24 dev wire0 features ecn") == 0);
	flow_open(f, .flags = ASK, .mss = MSS);
	EXPECT_TRUE(has_ecn(f));
	flow_write(f, 100);
	expect_ip(f, ECT0, ACK, .len = 100);
}

TEST_F(ecn, agree__again)
{
	struct flow *f = &self->f;

	inject(f, ASK, .mss = MSS);
	expect_ip(f, NOT_ECT, SYN | ACK | ECE);
	expect_ip(f, NOT_ECT, SYN | ACK | ECE, .seq = 0);
	inject(f, ACK);
	flow_accept(f);
	EXPECT_TRUE(has_ecn(f));
}

/* SYN-6: by a cookie's timestamp */
TEST_F(ecn, agree__cookie)
{
	struct flow *f = &self->f, g;

	knob("syncookies", "2");
	flow_open(f, .flags = ASK, .mss = 1440, .ts = true);
	EXPECT_TRUE(has_ecn(f));
	flow_write(f, 100);
	expect_ip(f, ECT0, ACK, .len = 100);

	/* nothing to carry it */
	flow_init(&g, &self->w);
	inject(&g, ASK, .mss = MSS);
	expect(&g, SYN | ACK);
	inject(&g, ACK);
	flow_accept(&g);
	EXPECT_FALSE(has_ecn(&g));
}

TEST_F(ecn, agree__cookie_of_one_who_did_not_ask)
{
	struct flow *f = &self->f;

	knob("syncookies", "2");
	flow_open(f, .mss = MSS, .ts = true);
	EXPECT_FALSE(has_ecn(f));
}

/* --- and connect() ------------------------------------------------------- */

/* SYN with @syn flags; SYN-ACK with @answer.  Did we agree? */
static bool dialled(struct flow *f, int syn, int answer)
{
	must(flow_dial(f) == EINPROGRESS);
	must(expect(f, syn)->tos == NOT_ECT);
	inject(f, SYN | ACK | answer, .mss = MSS);
	expect(f, ACK);
	return has_ecn(f);
}

/* ECN-1; ECN-7: both flags in the answer are a reflection */
TEST_F(ecn, ask__and_be_answered)
{
	static const int answers[] = { ECE, 0, ECE | CWR, CWR };
	struct flow f[4];
	int i;

	knob("ecn", "1");
	for (i = 0; i < 4; i++) {
		flow_init(&f[i], &self->w);
		EXPECT_EQ(i == 0, dialled(&f[i], ASK, answers[i]));
		flow_write(&f[i], 100);
		expect_ip(&f[i], i == 0 ? ECT0 : NOT_ECT, ACK, .len = 100);
	}
}

/* ECN-9: not by default; by the route */
TEST_F(ecn, ask__by_route)
{
	struct flow *f = &self->f, g;

	EXPECT_FALSE(dialled(f, SYN, ECE));
	must(system(variant->v6 ? "ip -6 route replace fd09::/64 dev wire0 metric 256 features ecn" :
		    "ip route replace 10.9.0.0/24 dev wire0 features ecn") == 0);
	flow_init(&g, &self->w);
	EXPECT_TRUE(dialled(&g, ASK, ECE));
}

/* ECN-8: where such a SYN is lost, one without it may not be. */
TEST_F(ecn, ask__once)
{
	struct flow *f = &self->f, g;

	knob("ecn", "1");
	must(flow_dial(f) == EINPROGRESS);
	expect(f, ASK);
	expect(f, SYN, .seq = 0);
	inject(f, SYN | ACK, .mss = MSS);
	expect(f, ACK);
	EXPECT_FALSE(has_ecn(f));

	knob("ecn_fallback", "0");
	flow_init(&g, &self->w);
	must(flow_dial(&g) == EINPROGRESS);
	expect(&g, ASK);
	expect(&g, ASK, .seq = 0);
}

/* Both ask at the same time. */
TEST_F(ecn, ask__crossing)
{
	struct flow *f = &self->f;

	knob("ecn", "1");
	must(flow_dial(f) == EINPROGRESS);
	expect(f, ASK);
	inject(f, ASK, .mss = MSS);
	expect(f, SYN | ACK | ECE, .seq = 0);
	inject(f, ACK);
	flow_write(f, 100);
	expect_ip(f, ECT0, ACK, .len = 100);
}

/* --- 6.1.2 to 6.1.6: what is marked -------------------------------------- */

/* ECN-2: data is, its retransmission, a pure ACK, a FIN are not. */
TEST_F(ecn, mark__new_data_alone)
{
	struct flow *f = &self->f;

	flow_open(f, .flags = ASK, .mss = MSS);
	flow_write(f, MSS);
	expect_ip(f, ECT0, ACK, .len = MSS);
	inject(f, ACK, .ack = 1, .len = 10);
	expect_ip(f, NOT_ECT, ACK, .seq = 1 + MSS);
	expect_ip(f, NOT_ECT, ACK, .seq = 1, .len = MSS);	/* RTO */
	inject(f, ACK);
	/* a reduction: CWR, once */
	flow_write(f, 2 * MSS);
	expect_ip(f, ECT0, ACK | CWR, .len = MSS);
	expect_ip(f, ECT0, ACK, .len = MSS);
	inject(f, ACK);
	shutdown(f->fd, SHUT_WR);
	expect_ip(f, NOT_ECT, FIN | ACK);
	flow_read(f, 10);
}

TEST_F(ecn, mark__no_probe_and_no_reset)
{
	struct flow *f = &self->f;

	flow_open(f, .flags = ASK, .mss = MSS);
	inject(f, ACK, .len = 10);
	expect_ip(f, NOT_ECT, ACK);
	inject(f, ACK, .len = 10, .wnd = 0);
	expect_ip(f, NOT_ECT, ACK);
	flow_write(f, 10);
	expect_ip(f, NOT_ECT, ACK, .seq = 0);	/* window probe */
	inject(f, ACK, .wnd = 1000);
	expect_ip(f, ECT0, ACK, .len = 10);
	set_linger(f->fd, 1, 0);
	close(f->fd);
	expect_ip(f, NOT_ECT, RST | ACK);
}

/* IP-1, V6-3: the program has the other six bits. */
TEST_F(ecn, mark__not_by_the_program)
{
	int level = variant->v6 ? SOL_IPV6 : SOL_IP;
	int name = variant->v6 ? IPV6_TCLASS : IP_TOS;
	struct flow *f = &self->f;

	flow_open(f, .flags = ASK, .mss = MSS);
	must(set_int(f->fd, level, name, 0xb8 | CE) == 0);
	flow_write(f, 100);
	expect_ip(f, 0xb8 | ECT0, ACK, .len = 100);
	inject(f, ACK, .len = 100);
	expect_ip(f, 0xb8, ACK);
	must(set_int(f->fd, level, name, ECT1) == 0);
	flow_write(f, 100);
	expect_ip(f, ECT0, ACK, .len = 100);
	inject(f, ACK, .len = 100);
	expect_ip(f, 0, ACK);
}

/* --- 6.1.3: the receiver -------------------------------------------------- */

/* ECN-3: ECE in everything from CE to CWR */
TEST_F(ecn, echo__until_cwr)
{
	struct flow *f = &self->f;

	flow_open(f, .flags = ASK, .mss = MSS);
	inject(f, ACK, .len = 100, .tos = ECT0);
	expect(f, ACK);
	EXPECT_EQ(TCPI_OPT_ECN | TCPI_OPT_ECN_SEEN, tcp_info_of(f->fd).tcpi_options);
	inject(f, ACK, .len = 100, .tos = CE);
	expect(f, ACK | ECE);
	inject(f, ACK, .len = 100, .tos = ECT0);
	expect(f, ACK | ECE);
	inject(f, ACK, .len = 100);
	expect(f, ACK | ECE);
	flow_write(f, 100);
	expect_ip(f, ECT0, ACK | ECE, .len = 100);
	/* still being marked: a new echo begins with the end of the old */
	inject(f, ACK | CWR, .len = 100, .tos = CE);
	expect(f, ACK | ECE);
	inject(f, ACK | CWR, .len = 100, .tos = ECT1);
	expect(f, ACK);
	inject(f, ACK, .len = 100, .tos = ECT0);
	expect(f, ACK);
	flow_write(f, 100);
	expect_ip(f, ECT0, ACK, .len = 100);
	flow_read(f, 700);
}

/* Some say CWR in a pure ACK; one that is old, or not there at all, counts for nothing. */
TEST_F(ecn, echo__cwr_without_data)
{
	struct flow *f = &self->f;

	flow_open(f, .flags = ASK, .mss = MSS);
	inject(f, ACK, .len = 100, .tos = CE);
	expect(f, ACK | ECE);
	inject(f, ACK | CWR, .seq = 0x40000000);
	expect(f, ACK | ECE);			/* out of window: answered */
	inject(f, ACK | CWR);
	inject(f, ACK, .len = 100);
	expect(f, ACK);
	flow_read(f, 200);
}

/* Out of order, it counts as well. */
TEST_F(ecn, echo__out_of_order)
{
	struct flow *f = &self->f;

	flow_open(f, .flags = ASK, .mss = MSS, .sackok = true);
	inject(f, ACK, .seq = 101, .len = 100, .tos = CE);
	expect(f, ACK | ECE);
	inject(f, ACK, .len = 100, .tos = ECT0);
	expect(f, ACK | ECE, .ack = 201);
}

/* A question, an answer, and so on: ACKs wait for the answer. */
static void chat(struct flow *f, int n)
{
	const struct seg *s;

	while (n--) {
		inject(f, ACK, .len = 10, .tos = ECT0);
		flow_read(f, 10);
		flow_write(f, 10);
		do
			s = wire_next(f, 50);
		while (s && !s->len);
		must(s && s->len == 10);
	}
}

/* The first CE, and CWR, are answered at once. */
TEST_F(ecn, echo__at_once)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .flags = ASK, .mss = MSS);
	chat(f, 30);
	t = now_us();
	inject(f, ACK, .len = 10, .tos = ECT0);
	EXPECT_GE(expect(f, ACK)->at - t, 30000);
	chat(f, 30);
	t = now_us();
	inject(f, ACK, .len = 10, .tos = CE);
	EXPECT_LT(expect(f, ACK | ECE)->at - t, 2000);
	inject(f, ACK, .len = 10, .tos = CE);
	expect(f, ACK | ECE);
	t = now_us();
	inject(f, ACK | CWR, .len = 10, .tos = ECT0);
	EXPECT_LT(expect(f, ACK)->at - t, 2000);
}

/* --- 6.1.2: the sender ---------------------------------------------------- */

/* Ten segments in flight, and more behind them */
static void ten_out(struct flow *f, int queued)
{
	int i;

	flow_open(f, .flags = ASK, .mss = MSS, .sackok = true);
	flow_write(f, (10 + queued) * MSS);
	for (i = 0; i < 10; i++)
		must(expect(f, ACK, .len = MSS)->tos == ECT0);
}

/* ECN-4, PRR-7: once per window, in proportion; CWR in the next new data */
TEST_F(ecn, reduce__once_per_window)
{
	/* PRR: ceil(7 / 10 * delivered) may have been sent, until 7 are in flight. */
	static const bool sends[] = { 1, 1, 1, 0, 1, 1, 0, 0, 1, 1 };
	struct flow *f = &self->f;
	struct tcp_info ti;
	int i;

	ten_out(f, 25);
	for (i = 0; i < 10; i++) {
		expect_none(f, 2);
		inject(f, ACK | ECE, .ack = 1 + (i + 1) * MSS);
		if (sends[i])
			expect_ip(f, ECT0, i ? ACK : ACK | CWR, .len = MSS);
		ti = tcp_info_of(f->fd);
		EXPECT_EQ(2, ti.tcpi_ca_state);
		EXPECT_EQ(7, (int)ti.tcpi_snd_ssthresh);
	}
	EXPECT_EQ(7, (int)ti.tcpi_snd_cwnd);
	EXPECT_EQ(7, (int)ti.tcpi_unacked);
	EXPECT_EQ(10, (int)ti.tcpi_delivered_ce);
	/* Beyond the window that was marked: it has heard of CWR. */
	expect_none(f, 2);
	inject(f, ACK, .ack = 1 + 11 * MSS);
	expect_ip(f, ECT0, ACK, .len = MSS);
	EXPECT_EQ(0, ca_state(f));
	/* The next one: 7 * 0.7 */
	expect_none(f, 2);
	inject(f, ACK | ECE, .ack = 1 + 12 * MSS);
	expect_ip(f, ECT0, ACK | CWR, .len = MSS);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(2, ti.tcpi_ca_state);
	EXPECT_EQ(4, (int)ti.tcpi_snd_ssthresh);
	EXPECT_EQ(11, (int)ti.tcpi_delivered_ce);
	EXPECT_TRUE(test_inet() || counter("DeliveredCE") == 11);
}

/* ECN-5: who did not agree is not asked to reduce. */
TEST_F(ecn, reduce__not_without_agreement)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	int i;

	flow_open(f, .mss = MSS);
	flow_write(f, 10 * MSS);
	for (i = 0; i < 10; i++)
		expect(f, ACK, .len = MSS);
	inject(f, ACK | ECE, .ack = 1 + MSS);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(0, ti.tcpi_ca_state);
	EXPECT_EQ(11, (int)ti.tcpi_snd_cwnd);
	EXPECT_EQ(0, (int)ti.tcpi_delivered_ce);
}

/* Nothing to send for now: CWR comes with what is sent then, and once, whatever
 * the size of the super-packet.
 */
TEST_F(ecn, reduce__cwr_waits_for_data)
{
	struct flow *f = &self->f;
	int i;

	ten_out(f, 0);
	inject(f, ACK | ECE);
	expect_none(f, 20);
	inject(f, ACK, .len = 10);
	expect_ip(f, NOT_ECT, ACK);
	flow_write(f, 4 * MSS);
	for (i = 0; i < 4; i++)
		expect_ip(f, ECT0, i ? ACK : ACK | CWR, .len = MSS);
}

/* A loss in the same window is one event with it. */
TEST_F(ecn, reduce__once_with_a_loss)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	int i;

	ten_out(f, 20);
	expect_none(f, 2);
	inject(f, ACK | ECE, .ack = 1 + MSS);
	expect_ip(f, ECT0, ACK | CWR, .len = MSS);
	EXPECT_EQ(2, ca_state(f));
	for (i = 2; i <= 4; i++) {
		expect_none(f, 2);
		inject(f, ACK | ECE, .ack = 1 + MSS, .nsack = 1,
		       .sack = { { 1 + 2 * MSS, 1 + (i + 1) * MSS } });
		while (wire_next(f, 2))
			;
	}
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(3, ti.tcpi_ca_state);
	EXPECT_EQ(7, (int)ti.tcpi_snd_ssthresh);
}

/* And an echo while a loss is repaired. The loss says CWR, too. */
TEST_F(ecn, reduce__loss_then_echo)
{
	struct flow *f = &self->f;
	const struct seg *s;
	struct tcp_info ti;
	int i, cwr = 0;

	ten_out(f, 20);
	for (i = 1; i <= 6; i++) {
		usleep(2000);
		inject(f, ACK | (i > 3 ? ECE : 0), .ack = 1, .nsack = 1,
		       .sack = { { 1 + MSS, 1 + (i + 1) * MSS } });
		while ((s = wire_next(f, 2))) {
			EXPECT_EQ(s->seq == 1 ? NOT_ECT : ECT0, s->tos);
			cwr += !!(s->flags & CWR);
		}
	}
	EXPECT_EQ(1, cwr);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(3, ti.tcpi_ca_state);
	EXPECT_EQ(7, (int)ti.tcpi_snd_ssthresh);
}

TEST_HARNESS_MAIN
