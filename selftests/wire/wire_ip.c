// SPDX-License-Identifier: GPL-2.0
/* wire_ip.c - what IP carries beside TCP: options of IPv4 both ways (RFC 9293
 * 3.9.2), and what a program is told of it.
 */
#include "wire.h"

#include <netinet/ip.h>

FIXTURE(ip) {
	struct wire w;
	struct flow f;
};

FIXTURE_SETUP(ip)
{
	test_begin();
	wire_up(&self->w, false, 5);
	flow_init(&self->f, &self->w);
	sysctl_set("net/ipv4/conf/all/accept_source_route", "1");
	sysctl_set("net/ipv4/conf/wire0/accept_source_route", "1");
}

FIXTURE_TEARDOWN(ip)
{
	wire_end(&self->w);
}

enum { RR = 7, TIMESTAMP = 68, LSRR = 131, SSRR = 137 };

#define HOP(n) 10, 9, 0, n

/* The whole of an IPv4 header's options */
#define EXPECT_IPOPT(s, ...) do {					     \
	const uint8_t want_[] = { __VA_ARGS__ };			     \
	int i_;								     \
	EXPECT_EQ(sizeof(want_), (s)->ipopt);				     \
	for (i_ = 0; i_ < (int)sizeof(want_); i_++)			     \
		EXPECT_EQ(want_[i_], (s)->ipdata[i_]);			     \
} while (0)

static int set_options(int fd, const void *opt, int len)
{
	return setsockopt(fd, IPPROTO_IP, IP_OPTIONS, opt, len);
}

/* MUST-51: by 7 and 8 to 2; the segments have room for it (MUST-16), all of them have
 * it, and it can be taken back.
 */
TEST_F(ip, route__of_the_program)
{
	static const uint8_t via[] = { LSRR, 11, 4, HOP(7), HOP(8) };
	struct flow *f = &self->f;
	const struct seg *s;
	uint8_t got[40];
	socklen_t len = sizeof(got);

	flow_open(f, .mss = 1460);
	ASSERT_EQ(0, set_options(f->fd, via, sizeof(via)));
	flow_write(f, 2000);
	s = expect(f, ACK, .len = 1460 - 12);
	EXPECT_EQ(7, s->iphop);
	EXPECT_IPOPT(s, LSRR, 11, 4, HOP(8), HOP(2), 0);
	s = expect(f, ACK, .len = 2000 - 1448);
	EXPECT_EQ(7, s->iphop);
	s = expect(f, ACK, .seq = 1, .len = 1460 - 12);	/* again */
	EXPECT_IPOPT(s, LSRR, 11, 4, HOP(8), HOP(2), 0);
	inject(f, ACK);
	inject(f, ACK, .len = 10);
	EXPECT_EQ(7, expect(f, ACK)->iphop);
	ASSERT_EQ(0, getsockopt(f->fd, IPPROTO_IP, IP_OPTIONS, got, &len));
	EXPECT_GE(len, sizeof(via));
	EXPECT_EQ(0, memcmp(got, via, sizeof(via)));
	ASSERT_EQ(0, set_options(f->fd, NULL, 0));
	flow_write(f, 2000);
	s = expect(f, ACK, .len = 1460);
	EXPECT_EQ(2, s->iphop);
	EXPECT_EQ(0, s->ipopt);
}

/* MUST-53: what came by 11 and 12 is answered by 12 and 11, from the SYN-ACK on;
 * MUST-52: until the program says otherwise
 */
TEST_F(ip, route__received_is_reversed)
{
	static const uint8_t via[] = { 1, LSRR, 7, 4, HOP(9) };
	struct flow *f = &self->f;
	const struct seg *s;

	inject(f, SYN, .mss = 1460, .ipopt = 12,
	       .ipdata = { 1, LSRR, 11, 12, HOP(11), HOP(12) });
	s = expect(f, SYN | ACK);
	EXPECT_EQ(12, s->iphop);
	EXPECT_IPOPT(s, LSRR, 11, 4, HOP(11), HOP(2), 0);
	s = expect(f, SYN | ACK, .seq = 0);		/* again */
	EXPECT_EQ(12, s->iphop);
	inject(f, ACK);
	flow_accept(f);
	flow_write(f, 2000);
	s = expect(f, ACK, .len = 1460 - 12);
	EXPECT_EQ(12, s->iphop);
	EXPECT_IPOPT(s, LSRR, 11, 4, HOP(11), HOP(2), 0);
	expect(f, ACK, .len = 2000 - 1448);
	inject(f, ACK);
	ASSERT_EQ(0, set_options(f->fd, via, sizeof(via)));
	flow_write(f, 10);
	s = expect(f, ACK, .len = 10);
	EXPECT_EQ(9, s->iphop);
	EXPECT_IPOPT(s, 1, LSRR, 7, 4, HOP(2));
	/* strict, and the first stop is the source itself: left out */
	flow_init(f, &self->w);
	inject(f, SYN, .mss = 1460, .ipopt = 12,
	       .ipdata = { 1, SSRR, 11, 12, HOP(2), HOP(13) });
	s = expect(f, SYN | ACK);
	EXPECT_EQ(13, s->iphop);
	EXPECT_IPOPT(s, SSRR, 7, 4, HOP(2), 0);
	inject(f, RST);
	/* nobody in between */
	flow_init(f, &self->w);
	inject(f, SYN, .mss = 1460, .ipopt = 4, .ipdata = { 1, LSRR, 3, 4 });
	s = expect(f, SYN | ACK);
	EXPECT_EQ(2, s->iphop);
	EXPECT_EQ(0, s->ipopt);
}

/* Not where the administrator does not allow it: that is IP's to say. */
TEST_F(ip, route__not_accepted)
{
	struct flow *f = &self->f;

	sysctl_set("net/ipv4/conf/wire0/accept_source_route", "0");
	inject(f, SYN, .mss = 1460, .ipopt = 12,
	       .ipdata = { 1, LSRR, 11, 12, HOP(11), HOP(12) });
	expect_none(f, 500);
}

/* MAY-11: record route, of the program and in the answer to one */
TEST_F(ip, record_route)
{
	static const uint8_t rr[] = { RR, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct flow *f = &self->f;
	const struct seg *s;

	flow_open(f, .mss = 1460);
	ASSERT_EQ(0, set_options(f->fd, rr, sizeof(rr)));
	flow_write(f, 10);
	s = expect(f, ACK, .len = 10);
	EXPECT_IPOPT(s, RR, 11, 8, HOP(1), 0, 0, 0, 0, 0);
	flow_init(f, &self->w);
	inject(f, SYN, .mss = 1460, .ipopt = 16,
	       .ipdata = { 1, RR, 15, 8, HOP(33) });
	/* where it was, where it arrived, and we */
	s = expect(f, SYN | ACK);
	EXPECT_IPOPT(s, RR, 15, 16, HOP(33), HOP(1), HOP(1), 0);
	inject(f, RST);
	flow_init(f, &self->w);			/* it is full */
	inject(f, SYN, .mss = 1460, .ipopt = 8, .ipdata = { RR, 7, 8, HOP(33) });
	s = expect(f, SYN | ACK);
	EXPECT_IPOPT(s, RR, 7, 8, HOP(33), 0);
}

static uint32_t midnight_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (ts.tv_sec % 86400) * 1000 + ts.tv_nsec / 1000000;
}

/* MAY-10: timestamps, alone and with addresses */
TEST_F(ip, timestamp)
{
	static const uint8_t alone[] = { TIMESTAMP, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t both[] = { TIMESTAMP, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct flow *f = &self->f;
	const struct seg *s;
	uint32_t t;

	flow_open(f, .mss = 1460);
	ASSERT_EQ(0, set_options(f->fd, alone, sizeof(alone)));
	flow_write(f, 10);
	s = expect(f, ACK, .len = 10);
	EXPECT_EQ(12, s->ipopt);
	EXPECT_EQ(9, s->ipdata[2]);
	memcpy(&t, s->ipdata + 4, 4);
	EXPECT_LE(midnight_ms() - ntohl(t), 20);
	inject(f, ACK);
	ASSERT_EQ(0, set_options(f->fd, both, sizeof(both)));
	flow_write(f, 10);
	s = expect(f, ACK, .len = 10);
	EXPECT_EQ(13, s->ipdata[2]);
	EXPECT_EQ(0, memcmp(s->ipdata + 4, f->local, 4));
	memcpy(&t, s->ipdata + 8, 4);
	EXPECT_LE(midnight_ms() - ntohl(t), 20);
}

/* Nonsense is refused, and changes nothing. */
TEST_F(ip, options__refused)
{
	static const uint8_t cut[] = { LSRR, 11, 4, HOP(7) };
	static const uint8_t pointer[] = { LSRR, 7, 3, HOP(7), 0 };
	struct flow *f = &self->f;
	uint8_t much[44] = {};

	flow_open(f, .mss = 1460);
	EXPECT_ERRNO(EINVAL, set_options(f->fd, cut, sizeof(cut)));
	EXPECT_ERRNO(EINVAL, set_options(f->fd, pointer, sizeof(pointer)));
	EXPECT_ERRNO(EINVAL, set_options(f->fd, much, sizeof(much)));
	flow_write(f, 10);
	EXPECT_EQ(0, expect(f, ACK, .len = 10)->ipopt);
}

/* --- the SYN as it came: TCP_SAVE_SYN --------------------------------------- */

FIXTURE(syn) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(syn) {
	bool v6;
};

FIXTURE_VARIANT_ADD(syn, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(syn, v6) { .v6 = true };

FIXTURE_SETUP(syn)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
}

FIXTURE_TEARDOWN(syn)
{
	wire_end(&self->w);
}

TEST_F(syn, saved)
{
	struct flow *f = &self->f;
	int ip = variant->v6 ? 40 : 20;
	uint8_t buf[200];
	socklen_t len = sizeof(buf);

	EXPECT_ERRNO(EINVAL, set_int(self->w.lfd, IPPROTO_TCP, TCP_SAVE_SYN, 3));
	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, getsockopt(f->fd, IPPROTO_TCP, TCP_SAVED_SYN, buf, &len));
	EXPECT_EQ(0, len);
	ASSERT_EQ(0, set_int(self->w.lfd, IPPROTO_TCP, TCP_SAVE_SYN, 1));
	EXPECT_EQ(1, get_int(self->w.lfd, IPPROTO_TCP, TCP_SAVE_SYN));
	flow_init(f, &self->w);
	flow_open(f, .mss = 1234, .ws = 3, .tos = 0x20, .ttl = 99);
	len = ip + 20 + 7;		/* too little: says how much */
	EXPECT_ERRNO(EINVAL, getsockopt(f->fd, IPPROTO_TCP, TCP_SAVED_SYN, buf, &len));
	EXPECT_EQ(ip + 20 + 8, len);
	len = sizeof(buf);
	ASSERT_EQ(0, getsockopt(f->fd, IPPROTO_TCP, TCP_SAVED_SYN, buf, &len));
	ASSERT_EQ(ip + 20 + 8, len);
	EXPECT_EQ(variant->v6 ? 0x62 : 0x45, buf[0]);
	EXPECT_EQ(99, buf[variant->v6 ? 7 : 8]);
	EXPECT_EQ(0, memcmp(buf + (variant->v6 ? 8 : 12), f->peer, variant->v6 ? 16 : 4));
	EXPECT_EQ(f->port, buf[ip] << 8 | buf[ip + 1]);
	EXPECT_EQ(SYN, buf[ip + 13]);
	EXPECT_EQ(0, memcmp(buf + ip + 20, "\2\4\x04\xd2\1\3\3\3", 8));
	len = sizeof(buf);		/* once only */
	ASSERT_EQ(0, getsockopt(f->fd, IPPROTO_TCP, TCP_SAVED_SYN, buf, &len));
	EXPECT_EQ(0, len);
}

TEST_HARNESS_MAIN
