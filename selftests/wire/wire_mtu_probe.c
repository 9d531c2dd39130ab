// SPDX-License-Identifier: GPL-2.0
/* wire_mtu_probe.c - paths that swallow what is too big and say nothing: RFC 4821. */
#include "wire.h"

#define STREAM	400000

FIXTURE(probe) {
	struct wire w;
	struct flow f;
	/* the peer, and a path before it that takes packets of @mtu bytes */
	int mtu, total;
	int lost, lost_size;		/* packets that did not get through */
	uint8_t got[STREAM];
};

FIXTURE_VARIANT(probe) {
	bool v6;
	int base;		/* what base_mss makes of a packet */
	/* a path of 1400 is searched: 1282 1391 (1445) (1417) (1403) 1396; and so on */
	int found, successes, fails;
	/* a route with a small MTU at first, and the probe when it is gone */
	int mtu, mss, base_mss, probe, next_probe;
};

FIXTURE_VARIANT_ADD(probe, v4) {
	.v6 = false, .base = 1064, .found = 1396, .successes = 3, .fails = 3,
	.mtu = 640, .mss = 600, .base_mss = 512, .probe = 986, .next_probe = 748,
};

FIXTURE_VARIANT_ADD(probe, v6) {
	.v6 = true, .base = 1084, .found = 1396, .successes = 2, .fails = 4,
	.mtu = 1280, .mss = 1220, .base_mss = 1172, .probe = 1306, .next_probe = 1238,
};

FIXTURE_SETUP(probe)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
	self->mtu = 1400;
}

FIXTURE_TEARDOWN(probe)
{
	wire_end(&self->w);
}

/* TCPMTUPSuccess and its kind */
static int probe_counter(const char *name)
{
	char names[8192], values[8192], *n, *v, *ns, *vs, want[32];
	int found = -1;
	FILE *f;

	if (!test_inet())
		return counter(name);
	snprintf(want, sizeof(want), "TCP%s", name);
	f = fopen("/proc/net/netstat", "re");
	must(f && fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f));
	fclose(f);
	n = strtok_r(names, "\n ", &ns);
	v = strtok_r(values, "\n ", &vs);
	while (n && v) {
		if (!strcmp(n, want))
			found = atoi(v);
		n = strtok_r(NULL, "\n ", &ns);
		v = strtok_r(NULL, "\n ", &vs);
	}
	return found;
}

static int headers(const struct flow *f, const struct seg *s)
{
	return (f->w->v6 ? 60 : 40) + s->optlen;
}

static void set_route(bool v6, const char *what)
{
	char cmd[160];

	snprintf(cmd, sizeof(cmd), "ip %s route replace %s dev wire0 %s", v6 ? "-6" : "",
		 v6 ? "fd09::/64 metric 256" : "10.9.0.0/24", what);
	must(system(cmd) == 0);
}

/* The program writes what it can of @total bytes. */
static void fill(struct flow *f, int total)
{
	static uint8_t buf[STREAM];
	int n;

	pattern_fill(buf, total - f->wrote, f->wrote);
	n = send(f->fd, buf, total - f->wrote, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		f->wrote += n;
}

/* All of @total bytes: the peer ACKs, and SACKs, what gets through. */
static void transfer(FIXTURE_DATA(probe) *self, int total)
{
	struct flow *f = &self->f;
	uint32_t next = f->ack, end;
	const struct seg *s;

	must(total <= STREAM);
	while (next != total + 1u) {
		fill(f, total);
		s = wire_next(f, 30000);
		if (!s)
			die("stuck at %u of %d", next, total);
		if (s->len + headers(f, s) > self->mtu) {
			self->lost++;
			self->lost_size = s->len + headers(f, s);
			continue;
		}
		must(s->len && pattern_ok(s->payload, s->len, s->seq - 1));
		memset(self->got + s->seq - 1, 1, s->len);
		while (next <= (uint32_t)total && self->got[next - 1])
			next++;
		for (end = s->seq + s->len; end <= (uint32_t)total && self->got[end - 1];)
			end++;
		usleep(1000);
		inject(f, ACK, .ack = next, .nsack = f->synack.sackok && s->seq > next,
		       .sack = { { s->seq, end } });
	}
	f->ack = next;
}

/* PLP-1: large ones vanish, small ones do not. PLP-2: how large may they be?  */
TEST_F_TIMEOUT(probe, black_hole__is_searched, 3600)
{
	int hdr = variant->v6 ? 60 : 40, cwnd;
	struct flow *f = &self->f;
	struct tcp_info ti;

	knob("mtu_probing", "1");
	flow_open(f, .mss = WIRE_MTU - hdr, .sackok = true);
	transfer(self, 20000);
	EXPECT_EQ(variant->base - hdr, (int)tcp_info_of(f->fd).tcpi_snd_mss);
	transfer(self, 250000);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(variant->found - hdr, (int)ti.tcpi_snd_mss);
	EXPECT_EQ(variant->successes, probe_counter("MTUPSuccess"));
	EXPECT_EQ(variant->fails, probe_counter("MTUPFail"));
	/* No failure was taken for congestion. */
	EXPECT_EQ(0, ti.tcpi_ca_state);
	cwnd = ti.tcpi_snd_cwnd;
	EXPECT_GE(cwnd, 11);
	/* Ten minutes later the path may be better. */
	self->mtu = WIRE_MTU;
	expect_none(f, 610000);
	transfer(self, 390000);
	EXPECT_LE(WIRE_MTU - 8 - hdr, (int)tcp_info_of(f->fd).tcpi_snd_mss);
	EXPECT_EQ(variant->fails, probe_counter("MTUPFail"));
}

/* 0, the default: it is not looked for. */
TEST_F_TIMEOUT(probe, black_hole__off, 3600)
{
	struct flow *f = &self->f;
	int i, mss = wire_mss(&self->w);

	flow_open(f, .mss = mss);
	flow_write(f, mss);
	for (i = 0; i < 9; i++)
		expect(f, ACK, .seq = 1, .len = mss, .within = 100000);
}

/* Still nothing: half of it, down to the floor */
TEST_F_TIMEOUT(probe, black_hole__is_deep, 3600)
{
	struct flow *f = &self->f;
	int i, mss = wire_mss(&self->w);

	knob("mtu_probing", "1");
	knob("mtu_probe_floor", "300");
	flow_open(f, .mss = mss);
	flow_write(f, mss);
	/* for 3 s since the first time-out */
	for (i = 0; i < 5; i++)
		expect(f, ACK, .seq = 1, .len = mss);
	expect(f, ACK, .seq = 1, .len = 1024, .within = 5000);
	expect(f, ACK, .seq = 1, .len = 512, .within = 10000);
	expect(f, ACK, .seq = 1, .len = 300, .within = 20000);
	expect(f, ACK, .seq = 1, .len = 300, .within = 40000);
}

/* Small at first, by the route; then 4000 bytes to send on one that takes 1500 */
static void widen(FIXTURE_DATA(probe) *self, const FIXTURE_VARIANT(probe) *variant)
{
	int hdr = variant->v6 ? 60 : 40;
	struct flow *f = &self->f;
	char s[40];

	if (variant->v6 && test_inet())
		exit(0);	/* not as IPv4: the new route comes too late */
	knob("mtu_probing", "2");
	snprintf(s, sizeof(s), "%d", variant->base_mss);
	knob("base_mss", s);
	snprintf(s, sizeof(s), "mtu %d", variant->mtu);
	set_route(variant->v6, s);
	flow_open(f, .mss = WIRE_MTU - hdr, .sackok = true);
	/* cwnd from 10 up */
	transfer(self, 10 * variant->mss);
	must((int)tcp_info_of(f->fd).tcpi_snd_mss == variant->mss);
	set_route(variant->v6, "mtu 1500");
	fill(f, f->wrote + variant->probe + 5 * variant->mss);
	expect(f, ACK, .len = variant->probe);
}

TEST_F_TIMEOUT(probe, sent__and_arrives, 3600)
{
	struct flow *f = &self->f;
	int i, cwnd;

	widen(self, variant);
	cwnd = tcp_info_of(f->fd).tcpi_snd_cwnd;
	for (i = 0; i < 5; i++)
		expect(f, ACK, .len = variant->mss);
	inject(f, ACK);
	EXPECT_EQ(variant->probe, (int)tcp_info_of(f->fd).tcpi_snd_mss);
	EXPECT_EQ(1, probe_counter("MTUPSuccess"));
	/* as many bytes, in fewer segments */
	EXPECT_LE((int)tcp_info_of(f->fd).tcpi_snd_cwnd, cwnd);
	flow_write(f, 2 * variant->probe);
	expect(f, ACK, .len = variant->probe);
	expect(f, ACK, .len = variant->probe);
}

/* It alone is lost: again at once, in pieces, and cwnd stays. */
TEST_F_TIMEOUT(probe, sent__and_is_lost, 3600)
{
	struct flow *f = &self->f;
	struct tcp_info before, ti;
	uint32_t start, behind;
	int i;

	widen(self, variant);
	before = tcp_info_of(f->fd);
	behind = f->ack;
	start = behind - variant->probe;
	for (i = 0; i < 5; i++)
		expect(f, ACK, .len = variant->mss);
	usleep(1000);
	for (i = 1; i <= 5; i++)
		inject(f, ACK, .ack = start, .nsack = 1,
		       .sack = { { behind, behind + i * variant->mss } });
	expect(f, ACK, .seq = start, .ack = 1, .len = variant->mss);
	expect(f, ACK, .seq = start + variant->mss, .ack = 1,
	       .len = variant->probe - variant->mss);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(before.tcpi_snd_cwnd + 1, ti.tcpi_snd_cwnd);
	EXPECT_GE(ti.tcpi_snd_ssthresh, ti.tcpi_snd_cwnd);
	EXPECT_EQ(1, probe_counter("MTUPFail"));
	EXPECT_EQ(variant->mss, (int)ti.tcpi_snd_mss);
	f->ack = behind + 5 * variant->mss;
	inject(f, ACK);
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_ca_state);
	/* a smaller one next */
	fill(f, f->wrote + variant->probe + 4 * variant->mss);
	expect(f, ACK, .len = variant->next_probe);
}

/* A retransmission: no verdict on the probe. */
TEST_F_TIMEOUT(probe, sent__and_nothing_is_known, 3600)
{
	struct flow *f = &self->f;
	uint32_t start;
	int i;

	widen(self, variant);
	start = f->ack - variant->probe;
	for (i = 0; i < 5; i++)
		expect(f, ACK, .len = variant->mss);
	while (wire_next(f, 150))		/* tail loss probe, RTO */
		;
	expect(f, ACK, .seq = start, .len = ANY);
	inject(f, ACK);
	EXPECT_EQ(0, probe_counter("MTUPSuccess"));
	EXPECT_EQ(0, probe_counter("MTUPFail"));
	EXPECT_EQ(variant->mss, (int)tcp_info_of(f->fd).tcpi_snd_mss);
}

TEST_HARNESS_MAIN
