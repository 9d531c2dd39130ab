// SPDX-License-Identifier: GPL-2.0
/* wire_input.c - what an established connection does with each segment:
 * RFC 9293 3.10.7.4 check by check, RFC 5961, RFC 7323, RFC 2018, RFC 2883,
 * and bytes that are no segment at all.
 */
#include "wire.h"

FIXTURE(input) {
	struct wire w;
	struct flow f;
	struct counters c;
};

FIXTURE_VARIANT(input) {
	bool v6;
};

FIXTURE_VARIANT_ADD(input, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(input, v6) { .v6 = true };

FIXTURE_SETUP(input)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
	counters_read(&self->c);
}

FIXTURE_TEARDOWN(input)
{
	wire_end(&self->w);
}

/* The connection works, in both directions. */
static void alive(struct flow *f)
{
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK, .len = 10);
	flow_read(f, 10);
	f->w->strays = 0;
}

static int inq(struct flow *f)
{
	int n = -1;

	must(ioctl(f->fd, FIONREAD, &n) == 0);
	return n;
}

/* --- no segment at all --------------------------------------------------- */

TEST_F(input, malformed__truncated_header)
{
	struct flow *f = &self->f;
	int cut;

	flow_open(f, .mss = 1000);
	counters_read(&self->c);
	for (cut = 1; cut < 20; cut++)
		inject(f, ACK, .len = 10, .cut = cut);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "Truncated+19 ");
	alive(f);
}

TEST_F(input, malformed__offset_below_five)
{
	struct flow *f = &self->f;
	int doff;

	flow_open(f, .mss = 1000);
	counters_read(&self->c);
	for (doff = 0; doff < 5; doff++)
		inject(f, ACK, .len = 10, .doff = doff);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "BadDoff+5 ");
	alive(f);
}

TEST_F(input, malformed__offset_past_the_end)
{
	struct flow *f = &self->f;
	int doff;

	flow_open(f, .mss = 1000);
	counters_read(&self->c);
	for (doff = 8; doff < 16; doff++)
		inject(f, ACK, .len = 10, .doff = doff);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "BadDoff+8 ");
	alive(f);
}

TEST_F(input, malformed__checksum)
{
	struct flow *f = &self->f;
	int bit;

	flow_open(f, .mss = 1000);
	counters_read(&self->c);
	for (bit = 0; bit < 16; bit++)
		inject(f, ACK, .len = 100, .csum_xor = 1 << bit);
	inject(f, RST, .csum_xor = 1);
	inject(f, SYN, .csum_xor = 1);
	inject(f, ACK | FIN, .csum_xor = 1);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "BadCsum+19 ");
	alive(f);
}

TEST_F(input, malformed__options)
{
	static const struct { int len; const char *o; } bad[] = {
		{ 4, "\310\0aa" }, { 4, "\310\1aa" }, { 4, "\310\50aa" }, { 4, "\1\1\1\310" },
		{ 4, "\5\2\1\1" }, { 4, "\5\3\1\1" }, { 4, "\5\377\1\1" }, { 4, "\10\12aa" },
		{ 8, "\5\7aaaaaa" }, { 12, "\5\13aaaaaaaaaa" }, { 4, "\2\4\0\1" },
		{ 4, "\3\3\16\0" }, { 4, "\4\2\4\2" }, { 4, "\0\10\12\1" },
		{ 40, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	};
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000, .sackok = true);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		inject(f, ACK, .len = 10, .raw = bad[i].o, .rawlen = bad[i].len);
		expect(f, ACK);
		flow_read(f, 10);
	}
	EXPECT_EQ(1000, tcp_info_of(f->fd).tcpi_snd_mss);	/* MSS is for a SYN */
	EXPECT_EQ(TCPI_OPT_SACK, tcp_info_of(f->fd).tcpi_options);
	alive(f);
}

TEST_F(input, ip__options_are_ignored)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10, .ipopt = 8);
	expect(f, ACK);
	flow_read(f, 10);
}

TEST_F(input, ip__fragments_are_put_together)
{
	struct flow *f = &self->f;

	if (variant->v6)
		SKIP(return, "IPv4 only");
	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 1000, .frag = 104);
	expect(f, ACK);
	flow_read(f, 1000);
}

/* --- first check: sequence number ---------------------------------------- */

TEST_F(input, sequence__in_order)
{
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000);
	for (i = 1; i < 40; i++) {
		inject(f, ACK, .len = 7 * i);
		flow_read(f, 7 * i);
	}
	while (f->ack && wire_next(f, 50))
		;
	EXPECT_EQ(f->seq - 1, f->read);
}

TEST_F(input, sequence__beyond_the_window)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	counters_read(&self->c);
	inject(f, ACK, .seq = 1 + 0x100000, .len = 10);
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "OutOfWindow+1 ");
	alive(f);
}

TEST_F(input, sequence__before_the_window)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 100);
	expect(f, ACK);
	counters_read(&self->c);
	inject(f, ACK, .seq = 1 - 0x10000000, .len = 10);
	expect(f, ACK);
	t = now_us();
	inject(f, ACK, .seq = 1, .len = 100);
	EXPECT_LE(expect(f, ACK)->at - t, 5000);
	EXPECT_DROPS(&self->c, "DupData+2 ");
	flow_read(f, 100);
	alive(f);
}

/* An ACK for each would make two confused ends talk for ever: BA-8. */
TEST_F(input, sequence__answers_are_limited)
{
	struct flow *f = &self->f;
	int i, n = 0;

	flow_open(f, .mss = 1000);
	for (i = 0; i < 50; i++)
		inject(f, ACK, .seq = 1 + 0x100000);
	while (wire_next(f, 50))
		n++;
	EXPECT_GE(n, 1);
	EXPECT_LE(n, 5);
	alive(f);
}

TEST_F(input, sequence__wraps)
{
	struct flow *f = &self->f;
	int i;

	f->isn = 0xffffffff - 2500;
	flow_open(f, .mss = 1000, .sackok = true, .ts = true);
	for (i = 0; i < 5; i++) {
		inject(f, ACK, .len = 900);
		inject(f, ACK, .seq = f->seq + 900, .len = 900);
		inject(f, ACK, .len = 900);
		f->seq += 900;
		flow_read(f, 2700);
	}
	while (wire_next(f, 50))
		;
	alive(f);
}

TEST_F(input, sequence__partly_old)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 100);
	expect(f, ACK);
	inject(f, ACK, .seq = 51, .len = 100);
	f->seq = 151;
	expect(f, ACK, .ack = 151);
	flow_read(f, 150);
	alive(f);
}

TEST_F(input, sequence__partly_beyond_the_window)
{
	struct flow *f = &self->f;
	uint32_t wnd;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	wnd = expect(f, ACK)->wnd;
	/* all but the last 100 bytes of the window, out of order, then over its edge */
	counters_read(&self->c);
	inject(f, ACK, .seq = 11 + wnd - 100, .len = 200);
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "OutOfWindow+1 ");
	inject(f, ACK, .seq = 11 + wnd - 100, .len = 100);
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "OutOfWindow+1 ");
	alive(f);
}

TEST_F(input, window__zero_takes_only_the_ack)
{
	struct flow *f = &self->f;
	const struct seg *s = NULL;
	int got = 0;

	flow_open(f, .mss = 1000);
	do {
		inject(f, ACK, .len = 1000);
		s = expect(f, ACK, .ack = f->seq, .within = 400);
		got += 1000;
	} while (s->wnd >= 1000 && got < 200000);
	/* fill what is left, and one byte more */
	if (s->wnd) {
		got += s->wnd;
		inject(f, ACK, .len = s->wnd);
		s = expect(f, ACK, .ack = f->seq, .wnd = 0);
	}
	counters_read(&self->c);
	inject(f, ACK, .len = 1, .seq = f->seq);
	f->seq--;
	expect(f, ACK, .wnd = 0);
	EXPECT_DROPS(&self->c, "ZeroWindow+1 ");
	/* an ACK counts nevertheless: MUST-66 is the RST below */
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK);
	EXPECT_EQ(0, get_int(f->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_TRUE(wait_until(tcp_info_of(f->fd).tcpi_unacked == 0));
	inject(f, RST);
	expect_none(f, 20);
	EXPECT_EQ(ECONNRESET, get_int(f->fd, SOL_SOCKET, SO_ERROR));
}

/* --- PAWS ---------------------------------------------------------------- */

TEST_F(input, paws__old_timestamp)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .ts = true, .tsval = 5000);
	f->tsval = 5000;
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	counters_read(&self->c);
	inject(f, ACK, .len = 10, .ts = true, .tsval = 1000, .tsecr = f->ts_recent);
	f->seq -= 10;
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "Paws+1 ");
	flow_read(f, 10);
	alive(f);
}

/* PAWS-2: a reset is not checked. */
TEST_F(input, paws__not_for_rst)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .ts = true, .tsval = 5000);
	inject(f, RST, .ts = true, .tsval = 1000);
	expect_none(f, 20);
	EXPECT_EQ(-ECONNRESET, flow_recv(f));
}

/* PAWS-4: before the sequence number. */
TEST_F(input, paws__wraps)
{
	struct flow *f = &self->f;

	f->tsval = 0xfffffff0;
	flow_open(f, .mss = 1000, .ts = true, .tsval = 0xfffffff0);
	inject(f, ACK, .len = 10, .ts = true, .tsval = 5, .tsecr = f->ts_recent);
	EXPECT_EQ(5, expect(f, ACK)->tsecr);
	flow_read(f, 10);
}

/* TS-7: TS.Recent moves only with what is at or before Last.ACK.sent. */
TEST_F(input, timestamp__recent)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .sackok = true, .ts = true, .tsval = 100);
	inject(f, ACK, .len = 10, .ts = true, .tsval = 110, .tsecr = f->ts_recent);
	EXPECT_EQ(110, expect(f, ACK)->tsecr);
	inject(f, ACK, .seq = 21, .len = 10, .ts = true, .tsval = 120, .tsecr = f->ts_recent);
	EXPECT_EQ(110, expect(f, ACK)->tsecr);
	inject(f, ACK, .len = 10, .ts = true, .tsval = 130, .tsecr = f->ts_recent);
	f->seq = 31;
	EXPECT_EQ(130, expect(f, ACK)->tsecr);
	flow_read(f, 30);
}

/* TS-5: not agreed on, so not looked at. */
TEST_F(input, timestamp__not_agreed)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10, .ts = true, .tsval = 5000);
	EXPECT_FALSE(expect(f, ACK)->ts);
	inject(f, ACK, .len = 10, .ts = true, .tsval = 1);
	expect(f, ACK);
	flow_read(f, 20);
}

/* TS-4, RFC 7323 3.2: agreed on and absent. */
TEST_F(input, timestamp__missing)
{
	struct flow *f = &self->f;

	xtcp_only();
	flow_open(f, .mss = 1000, .ts = true);
	counters_read(&self->c);
	inject(f, ACK, .len = 10, .no_ts = true);
	f->seq -= 10;
	expect_none(f, 50);
	EXPECT_DROPS(&self->c, "NoTstamp+1 ");
	alive(f);
}

TEST_F(input, timestamp__on_every_segment)
{
	struct flow *f = &self->f;
	const struct seg *s;

	flow_open(f, .mss = 1000, .ts = true);
	flow_write(f, 10);
	s = expect(f, ACK, .len = 10);
	EXPECT_TRUE(s->ts);
	EXPECT_EQ(12, s->optlen);
	EXPECT_EQ(0, memcmp(s->opt, "\1\1\10\12", 4));	/* TS-13 */
	inject(f, ACK, .len = 10);
	EXPECT_TRUE(expect(f, ACK)->ts);
	flow_read(f, 10);
	shutdown(f->fd, SHUT_WR);
	EXPECT_TRUE(expect(f, FIN | ACK)->ts);
}

/* --- second check: RST; RFC 5961 3 --------------------------------------- */

TEST_F(input, rst__exact)
{
	struct flow *f = &self->f;
	char buf[16];

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	counters_read(&self->c);
	inject(f, RST);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "Rst+1 ");
	EXPECT_EQ(10, recv(f->fd, buf, 16, 0));	/* what came before is kept */
	EXPECT_EQ(-ECONNRESET, flow_recv(f));
	EXPECT_EQ(0, flow_recv(f));
	EXPECT_ERRNO(EPIPE, send(f->fd, "x", 1, MSG_NOSIGNAL));
}

TEST_F(input, rst__with_payload)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, RST | ACK, .len = 20);
	expect_none(f, 20);
	EXPECT_EQ(-ECONNRESET, flow_recv(f));
}

TEST_F(input, rst__in_window)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	counters_read(&self->c);
	inject(f, RST, .seq = 2);
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "Challenge+1 ");
	alive(f);
}

TEST_F(input, rst__out_of_window)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	counters_read(&self->c);
	inject(f, RST, .seq = 0);
	inject(f, RST, .seq = 1 + 0x100000);
	inject(f, RST, .seq = 1 + 0x80000000);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "RstOutOfWindow+3 ");
	alive(f);
}

/* BA-1, BA-2: who has filled the window stands on its edge */
TEST_F(input, rst__edges_of_the_window)
{
	struct flow *f = &self->f;
	uint32_t edge;

	flow_open(f, .mss = 1000);
	edge = 1 + f->synack.wnd;
	counters_read(&self->c);
	inject(f, RST, .seq = edge + 1);
	inject(f, RST, .seq = 0);
	expect_none(f, 20);
	EXPECT_DROPS(&self->c, "RstOutOfWindow+2 ");
	inject(f, RST, .seq = edge);
	expect(f, ACK);
	expect_none(f, 600);
	inject(f, RST, .seq = edge - 1);
	expect(f, ACK);
	alive(f);
}

/* --- fourth check: SYN; RFC 5961 4 --------------------------------------- */

TEST_F(input, syn__draws_a_challenge)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, SYN, .seq = 1);
	f->seq = 1;
	expect(f, ACK);
	EXPECT_TRUE(test_inet() || counter("ChallengeACK") == 1);
	alive(f);
}

TEST_F(input, syn__old_one)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, SYN, .seq = 0, .mss = 1000);
	expect(f, ACK);
	alive(f);
}

TEST_F(input, syn__out_of_window)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, SYN, .seq = 0x40000000);
	expect(f, ACK);
	alive(f);
}

TEST_F(input, syn__with_ack)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, SYN | ACK, .seq = 0);
	expect(f, ACK);
	alive(f);
}

/* BA-6: one in half a second, whatever asks for it */
TEST_F(input, challenge__is_limited)
{
	struct flow *f = &self->f;
	int64_t t;
	int i, n;

	flow_open(f, .mss = 1000);
	for (n = 0; n < 3; n++) {
		for (i = 0; i < 20; i++)
			inject(f, RST, .seq = 100);
		t = expect(f, ACK)->at;
		for (i = 0; i < 20; i++) {
			inject(f, SYN, .seq = 1);
			f->seq = 1;
		}
		expect_none(f, 480 - (now_us() - t) / 1000);
		inject(f, RST, .seq = 100);
		expect_none(f, 22);
	}
	alive(f);
}

/* --- fifth check: ACK ---------------------------------------------------- */

TEST_F(input, ack__no_flag)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	counters_read(&self->c);
	inject(f, 0, .len = 10);
	inject(f, PSH, .len = 10, .seq = 1);
	inject(f, FIN, .seq = 1);
	inject(f, URG, .len = 10, .seq = 1, .up = 5);
	f->seq = 1;
	expect_none(f, 50);
	EXPECT_DROPS(&self->c, "BadFlags+4 ");
	alive(f);
}

TEST_F(input, ack__of_what_was_never_sent)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	counters_read(&self->c);
	inject(f, ACK, .ack = 12, .len = 10);
	f->seq = 1;
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "BadAck+1 ");
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_unacked);
	inject(f, ACK);
	alive(f);
}

TEST_F(input, ack__old_ones_are_harmless)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	flow_write(f, 100);
	expect(f, ACK, .len = 100);
	inject(f, ACK);
	inject(f, ACK, .ack = 51);
	inject(f, ACK, .ack = 1, .len = 10);
	flow_read(f, 10);
	expect(f, ACK);
	alive(f);
}

/* RFC 5961 5.2: further back than the largest window there ever was */
TEST_F(input, ack__much_too_old)
{
	struct flow *f = &self->f;

	f->wnd = 1000;
	flow_open(f, .mss = 1000);
	inject(f, ACK);
	counters_read(&self->c);
	inject(f, ACK, .ack = 1 - 1001, .len = 10);
	f->seq = 1;
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "OldAck+1 ");
	/* as old as the largest window is: taken */
	inject(f, ACK, .ack = 1 - 1000, .len = 10);
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "OldAck+1 ");
	flow_read(f, 10);
	alive(f);
}

TEST_F(input, ack__partial)
{
	struct flow *f = &self->f;
	int n = -1;

	flow_open(f, .mss = 1000);
	flow_write(f, 1000);
	expect(f, ACK, .len = 1000);
	inject(f, ACK, .ack = 501);
	ASSERT_EQ(0, ioctl(f->fd, TIOCOUTQ, &n));
	EXPECT_EQ(500, n);
	inject(f, ACK);
	alive(f);
}

/* --- sixth check: URG ---------------------------------------------------- */

/* The pointer may say what it likes, the bytes are a stream: URG-3. */
TEST_F(input, urg__pointer_is_harmless)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_OOBINLINE, 1));
	inject(f, ACK | URG, .len = 10, .up = 65535);
	inject(f, ACK | URG, .len = 10, .up = 0);
	inject(f, ACK | URG, .len = 10, .up = 5);
	flow_read(f, 30);
	while (wire_next(f, 50))
		;
	alive(f);
}

/* --- seventh: text ------------------------------------------------------- */

TEST_F(input, text__one_byte_segments)
{
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000);
	for (i = 0; i < 200; i++)
		inject(f, ACK, .len = 1);
	flow_read(f, 200);
	while (wire_next(f, 50))
		;
	EXPECT_EQ(201, f->seq);
	alive(f);
}

TEST_F(input, text__one_byte_segments_backwards)
{
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000, .sackok = true);
	for (i = 200; i >= 1; i--) {
		inject(f, ACK, .seq = i, .len = 1);
		f->seq = 1;
	}
	/* what there was no memory for comes again: BM-4 */
	while (wire_next(f, 50))
		;
	flow_read(f, inq(f));
	EXPECT_GE(f->read, 50);
	f->seq = f->read + 1;
	while (f->seq < 201)
		inject(f, ACK, .len = 1);
	flow_read(f, 200 - f->read);
	while (wire_next(f, 50))
		;
	alive(f);
}

/* Every second byte, then everything: what overlaps is taken once. */
TEST_F(input, text__overlaps)
{
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000, .sackok = true);
	for (i = 2; i <= 400; i += 7)
		inject(f, ACK, .seq = i, .len = 3);
	for (i = 3; i <= 400; i += 11)
		inject(f, ACK, .seq = i, .len = 8);
	f->seq = 1;
	inject(f, ACK, .len = 500);
	flow_read(f, 500);
	while (wire_next(f, 50))
		;
	alive(f);
}

/* KP-4: the first copy of a byte counts. */
TEST_F(input, text__changed_copy)
{
	struct flow *f = &self->f;
	char junk[100];

	memset(junk, 0x55, sizeof(junk));
	flow_open(f, .mss = 1000, .sackok = true);
	inject(f, ACK, .len = 100);
	expect(f, ACK);
	inject(f, ACK, .seq = 1, .len = 100, .data = junk);
	expect(f, ACK);
	inject(f, ACK, .seq = 201, .len = 100);
	expect(f, ACK);
	inject(f, ACK, .seq = 201, .len = 100, .data = junk);
	expect(f, ACK);
	inject(f, ACK, .len = 100);
	f->seq = 301;
	expect(f, ACK);
	flow_read(f, 300);
}

TEST_F(input, text__ack_at_once_out_of_order_and_when_filled)
{
	struct flow *f = &self->f;
	int64_t t;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	while (wire_next(f, 300))
		;		/* no delayed ACK is waiting */
	t = now_us();
	inject(f, ACK, .seq = 21, .len = 10);
	EXPECT_LE(expect(f, ACK)->at - t, test_slow() ? 35000 : 20000);
	inject(f, ACK, .seq = 31, .len = 10);
	expect(f, ACK);
	t = now_us();
	inject(f, ACK, .seq = 11, .len = 10);
	f->seq = 41;
	EXPECT_LE(expect(f, ACK)->at - t, test_slow() ? 35000 : 20000);
	flow_read(f, 40);
}

/* --- SACK ---------------------------------------------------------------- */

TEST_F(input, sack__only_if_agreed)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .seq = 101, .len = 100);
	EXPECT_EQ(0, expect(f, ACK)->nsack);
}

/* RFC 2018 4: first the block of the segment that just came, then the most recent. */
TEST_F(input, sack__order_of_blocks)
{
	static const int order[] = { 3, 1, 5, 7 };
	struct flow *f = &self->f;
	const struct seg *s = NULL;
	int i, k;

	flow_open(f, .mss = 1000, .sackok = true);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		inject(f, ACK, .seq = 1 + 100 * order[i], .len = 100);
		f->seq = 1;
		s = expect(f, ACK);
		ASSERT_EQ(i + 1, s->nsack);
		for (k = 0; k <= i; k++) {
			EXPECT_EQ(1 + 100 * order[i - k], s->sack[k].start);
			EXPECT_EQ(101 + 100 * order[i - k], s->sack[k].end);
		}
	}
	/* the first of them grows and so becomes first again */
	inject(f, ACK, .seq = 1 + 400, .len = 100);
	s = expect(f, ACK);
	EXPECT_EQ(301, s->sack[0].start);
	EXPECT_EQ(601, s->sack[0].end);		/* it met the block at 500 */
	EXPECT_EQ(3, s->nsack);
	EXPECT_EQ(701, s->sack[1].start);
	EXPECT_EQ(101, s->sack[2].start);
	/* the hole at the front */
	inject(f, ACK, .len = 100);
	f->seq = 201;
	s = expect(f, ACK);
	EXPECT_EQ(2, s->nsack);
	inject(f, ACK, .seq = 201, .len = 100);
	f->seq = 601;
	s = expect(f, ACK);
	ASSERT_EQ(1, s->nsack);
	EXPECT_EQ(701, s->sack[0].start);
	inject(f, ACK, .seq = 601, .len = 100);
	f->seq = 801;
	EXPECT_EQ(0, expect(f, ACK)->nsack);
	flow_read(f, 800);
}

TEST_F(input, sack__three_blocks_beside_timestamps)
{
	struct flow *f = &self->f;
	const struct seg *s = NULL;
	int i;

	flow_open(f, .mss = 1000, .sackok = true, .ts = true);
	for (i = 1; i < 10; i += 2) {
		inject(f, ACK, .seq = 1 + 100 * i, .len = 100);
		f->seq = 1;
		s = expect(f, ACK);
	}
	EXPECT_EQ(3, s->nsack);
	EXPECT_EQ(901, s->sack[0].start);
	EXPECT_EQ(40, s->optlen);
}

/* OTH-6: the first three behind a hole are the peer's fast retransmit; from there on an
 * ACK tells of several, a twentieth of the round trip later.
 */
TEST_F(input, sack__acks_are_held)
{
	struct flow *f = &self->f;
	const struct seg *s = NULL;
	int64_t at;
	int i;

	knob("comp_sack_delay_ns", "100000000");
	flow_open(f, .mss = 1000, .sackok = true, .rtt = 400);
	for (i = 1; i <= 3; i++) {
		inject(f, ACK, .seq = 1 + 100 * i, .len = 100);
		s = expect(f, ACK, .ack = 1, .within = 0);
	}
	at = s->at;
	for (; i <= 8; i++)
		inject(f, ACK, .seq = 1 + 100 * i, .len = 100);
	s = expect(f, ACK, .ack = 1);
	EXPECT_GE(s->at - at, 20000);
	EXPECT_LT(s->at - at, 40000);
	EXPECT_EQ(1, s->nsack);
	EXPECT_EQ(901, s->sack[0].end);
	expect_none(f, 50);
	EXPECT_COUNT(4, "AckCompressed");
	/* not for ever: the one after comp_sack_nr that wait takes them along */
	knob("comp_sack_nr", "3");
	for (; i <= 12; i++)
		inject(f, ACK, .seq = 1 + 100 * i, .len = 100);
	s = expect(f, ACK, .ack = 1, .within = 0);
	EXPECT_EQ(1301, s->sack[0].end);
	expect_none(f, 50);
	/* what fills a hole is told at once, and with it what waited */
	knob("comp_sack_nr", "44");
	inject(f, ACK, .seq = 1 + 100 * i, .len = 100);
	inject(f, ACK, .len = 100);
	expect(f, ACK, .ack = 1401, .within = 0);
	expect_none(f, 50);
}

/* never longer than comp_sack_delay_ns, and 0 turns it off; more blocks than fit do not
 * wait, nor does a duplicate; the next hole begins anew */
TEST_F(input, sack__acks_are_not_held)
{
	struct flow *f = &self->f;
	const struct seg *s = NULL;
	int64_t at;
	int i;

	flow_open(f, .mss = 1000, .sackok = true, .rtt = 900);
	for (i = 1; i <= 3; i++) {
		inject(f, ACK, .seq = 1 + 100 * i, .len = 100);
		s = expect(f, ACK, .ack = 1, .within = 0);
	}
	at = s->at;
	inject(f, ACK, .seq = 401, .len = 100);
	s = expect(f, ACK, .ack = 1);
	EXPECT_GE(s->at - at, 1000);
	EXPECT_LT(s->at - at, 10000);
	/* a duplicate */
	inject(f, ACK, .seq = 401, .len = 100);
	s = expect(f, ACK, .ack = 1, .within = 0);
	EXPECT_EQ(401, s->sack[0].start);
	EXPECT_EQ(2, s->nsack);
	/* a second block waits, a third does not */
	knob("comp_sack_delay_ns", "100000000");
	inject(f, ACK, .seq = 601, .len = 100);
	inject(f, ACK, .seq = 801, .len = 100);
	s = expect(f, ACK, .ack = 1, .within = 0);
	EXPECT_EQ(3, s->nsack);
	expect_none(f, 60);
	/* RCV.NXT moved, there is still a hole */
	inject(f, ACK, .len = 100);
	expect(f, ACK, .ack = 501, .within = 0);
	for (i = 9; i <= 11; i++) {
		inject(f, ACK, .seq = 1 + 100 * i, .len = 100);
		expect(f, ACK, .ack = 501, .within = 0);
	}
	knob("comp_sack_delay_ns", "0");
	inject(f, ACK, .seq = 1201, .len = 100);
	expect(f, ACK, .ack = 501, .within = 0);
}

/* SACK-2: a block is whole, although it had fallen off the list of the recent ones. */
TEST_F(input, sack__forgotten_blocks)
{
	static const int order[] = { 3, 7, 9, 11, 13 };
	struct flow *f = &self->f;
	const struct seg *s;
	int i;

	flow_open(f, .mss = 1000, .sackok = true);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		inject(f, ACK, .seq = 1 + 100 * order[i], .len = 100);
		expect(f, ACK);
	}
	inject(f, ACK, .seq = 401, .len = 100);		/* behind 3 */
	s = expect(f, ACK);
	EXPECT_EQ(301, s->sack[0].start);
	EXPECT_EQ(501, s->sack[0].end);
	inject(f, ACK, .seq = 601, .len = 100);		/* before 7 */
	s = expect(f, ACK);
	EXPECT_EQ(601, s->sack[0].start);
	EXPECT_EQ(801, s->sack[0].end);
}

TEST_F(input, dsack__below_the_ack)
{
	struct flow *f = &self->f;
	const struct seg *s;

	flow_open(f, .mss = 1000, .sackok = true);
	inject(f, ACK, .len = 100);
	expect(f, ACK);
	inject(f, ACK, .seq = 1, .len = 100);
	s = expect(f, ACK);
	ASSERT_EQ(1, s->nsack);
	EXPECT_EQ(1, s->sack[0].start);
	EXPECT_EQ(101, s->sack[0].end);
	/* DSACK-1: in one ACK only */
	inject(f, ACK, .seq = 201, .len = 100);
	s = expect(f, ACK);
	ASSERT_EQ(1, s->nsack);
	EXPECT_EQ(201, s->sack[0].start);
	flow_read(f, 100);
}

/* DSACK-2: the second block is the one that holds the duplicate. */
TEST_F(input, dsack__inside_a_block)
{
	struct flow *f = &self->f;
	const struct seg *s;

	flow_open(f, .mss = 1000, .sackok = true);
	inject(f, ACK, .seq = 101, .len = 300);
	expect(f, ACK);
	inject(f, ACK, .seq = 201, .len = 100);
	s = expect(f, ACK);
	ASSERT_EQ(2, s->nsack);
	EXPECT_EQ(201, s->sack[0].start);
	EXPECT_EQ(301, s->sack[0].end);
	EXPECT_EQ(101, s->sack[1].start);
	EXPECT_EQ(401, s->sack[1].end);
}

/* SY-4: net.xtcp.dsack */
TEST_F(input, dsack__off)
{
	struct flow *f = &self->f;
	const struct seg *s;

	sysctl_set(test_inet() ? "net/ipv4/tcp_dsack" : "net/xtcp/dsack", "0");
	flow_open(f, .mss = 1000, .sackok = true);
	inject(f, ACK, .len = 100);
	expect(f, ACK);
	inject(f, ACK, .seq = 1, .len = 100);
	EXPECT_EQ(0, expect(f, ACK)->nsack);
	inject(f, ACK, .seq = 201, .len = 100);
	s = expect(f, ACK);
	ASSERT_EQ(1, s->nsack);
	EXPECT_EQ(201, s->sack[0].start);
	inject(f, ACK, .seq = 201, .len = 100);
	s = expect(f, ACK);
	ASSERT_EQ(1, s->nsack);
	EXPECT_EQ(201, s->sack[0].start);
	EXPECT_EQ(301, s->sack[0].end);
	flow_read(f, 100);
}

/* --- eighth: FIN --------------------------------------------------------- */

TEST_F(input, fin__in_order)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK | FIN, .len = 10);
	expect(f, ACK, .ack = 12);
	flow_read(f, 10);
	EXPECT_EQ(0, flow_recv(f));
	EXPECT_EQ(8 /* CLOSE_WAIT */, tcp_info_of(f->fd).tcpi_state);
}

/* As Linux: what the program does now will carry the ACK; until the delayed ACK's
 * time is up, which is the next tick when there was no data before.
 */
TEST_F(input, fin__its_ack_rides_on_ours)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	inject(f, ACK | FIN, .len = 10);
	expect_none(f, 30);
	flow_read(f, 20);
	EXPECT_EQ(0, flow_recv(f));
	expect_none(f, 2);
	close(f->fd);
	expect(f, FIN | ACK);
	expect_none(f, 100);
}

TEST_F(input, fin__its_ack_rides_on_data)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	inject(f, ACK | FIN);
	flow_write(f, 10);
	expect(f, ACK | PSH, .len = 10);
	expect_none(f, 100);
}

TEST_F(input, fin__its_ack_when_nothing_is_said)
{
	struct flow *f = &self->f, g;
	int64_t t;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 10);
	expect(f, ACK);
	t = now_us();
	inject(f, ACK | FIN, .len = 10);
	EXPECT_AFTER(40, t, expect(f, ACK));

	flow_init(&g, &self->w);
	flow_open(&g, .mss = 1000);
	t = now_us();
	inject(&g, ACK | FIN);
	EXPECT_AFTER(4, t, expect(&g, ACK));
}

/* What closes a hole is acknowledged at once, a FIN in it or not. */
TEST_F(input, fin__out_of_order)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .sackok = true);
	inject(f, ACK | FIN, .seq = 11, .len = 10);
	f->seq = 1;
	expect(f, ACK);
	EXPECT_ERRNO(EAGAIN, recv(f->fd, &(char){ 0 }, 1, 0));
	inject(f, ACK, .len = 10);
	f->seq = 22;
	expect(f, ACK, .within = 2);
	flow_read(f, 20);
	EXPECT_EQ(0, flow_recv(f));
}

TEST_F(input, fin__again)
{
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000);
	inject(f, ACK | FIN);
	expect(f, ACK);
	for (i = 0; i < 3; i++) {
		inject(f, ACK | FIN, .seq = 1);
		expect(f, ACK);
	}
	EXPECT_EQ(0, flow_recv(f));
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
}

TEST_F(input, fin__text_beyond_it)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	inject(f, ACK | FIN);
	expect(f, ACK);
	inject(f, ACK, .len = 10);
	f->seq = 2;
	while (wire_next(f, 50))
		;
	EXPECT_EQ(0, flow_recv(f));
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
}

TEST_F(input, fin__second_one_elsewhere)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000, .sackok = true);
	inject(f, ACK | FIN, .seq = 21, .len = 10);	/* says: ends at 31 */
	expect(f, ACK, .ack = 1);
	inject(f, ACK | FIN, .seq = 1, .len = 10);	/* says: ends at 11 */
	while (wire_next(f, 50))
		;
	f->seq = 12;
	flow_read(f, 10);
	EXPECT_EQ(0, flow_recv(f));
}

/* SYN+FIN, SYN+RST, null, Xmas: one counter, no answer, nothing changes. */
TEST_F(input, flags__that_never_go_together)
{
	static const int bad[] = {
		SYN | FIN, SYN | FIN | ACK, SYN | RST, SYN | RST | ACK, 0, FIN | PSH | URG,
		PSH, URG, FIN, 0xff,
	};
	struct flow *f = &self->f;
	int i;

	xtcp_only();
	flow_open(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		counters_read(&self->c);
		inject(f, bad[i], .seq = 1, .len = 5, .up = 3);
		f->seq = 1;
		expect_none(f, 5);
		EXPECT_DROPS(&self->c, "BadFlags+1 ") {
			TH_LOG("flags %#x", bad[i]);
		}
	}
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_unacked);
	EXPECT_EQ(0, inq(f));
	inject(f, ACK);
	alive(f);
}

/* Everything at once: what comes out of it is not said, that we live is. */
TEST_F(input, flags__all_combinations)
{
	struct flow *f = &self->f, g;
	int flags;

	flow_open(f, .mss = 1000);
	for (flags = 0; flags < 256; flags++) {
		inject(f, flags, .seq = 1 + 0x100000, .len = flags & 1 ? 10 : 0);
		inject(f, flags, .seq = 0, .ack = 1);
		inject(f, flags & ~RST, .seq = 1, .ack = 77);
	}
	while (wire_next(f, 50))
		;
	flow_init(&g, &self->w);
	flow_open(&g, .mss = 1000);
	alive(&g);
}

TEST_HARNESS_MAIN
