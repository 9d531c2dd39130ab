// SPDX-License-Identifier: GPL-2.0
/* wire_route.c - the way in: addresses that go and come, other devices, VRFs.
 * Whatever is remembered of a route ends with it.
 *
 * RFC 1122 3.3.1, RFC 3704 (rp_filter); what was let in is told by the counter of
 * segments, for an answer takes a route of its own.
 */
#include "wire.h"

#include <linux/if_tun.h>
#include <stdarg.h>

FIXTURE(route) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(route) {
	bool v6;
};

FIXTURE_VARIANT_ADD(route, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(route, v6) { .v6 = true };

FIXTURE_SETUP(route)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
}

FIXTURE_TEARDOWN(route)
{
	wire_end(&self->w);
}

static void ip(const char *fmt, ...)
{
	char args[200], cmd[220];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	snprintf(cmd, sizeof(cmd), "/sbin/ip %s", args);
	if (system(cmd))
		die("%s", cmd);
}

/* Segments that got in while @call went on. */
#define let_in(call) ({							     \
	uint64_t before_ = counter("InSegs");				     \
	call;								     \
	(int)(counter("InSegs") - before_);				     \
})

static void address(const char *verb, bool v6, const char *dev)
{
	ip("addr %s %s dev %s %s", verb, v6 ? "fd09::1/64" : "10.9.0.1/24", dev,
	   v6 && !strcmp(verb, "add") ? "nodad" : "");
}

/* Data a few times, so that whatever is remembered is remembered. */
static void open_and_talk(struct flow *f)
{
	int i;

	flow_open(f, .mss = 1000);
	for (i = 0; i < 3; i++) {
		inject(f, ACK, .len = 10);
		flow_read(f, 10);
		while (wire_next(f, 50))
			;
	}
}

/* The address is taken away, and comes back. */
TEST_F(route, change__address_goes_and_comes)
{
	struct flow *f = &self->f;

	xtcp_only();
	open_and_talk(f);
	EXPECT_EQ(1, let_in(inject(f, ACK, .len = 10)));
	address("del", variant->v6, "wire0");
	EXPECT_EQ(0, let_in(inject(f, ACK, .seq = 41, .len = 10)));
	address("add", variant->v6, "wire0");
	while (wire_next(f, 50))
		;
	f->seq = 41;
	EXPECT_EQ(1, let_in(inject(f, ACK, .len = 10)));
	flow_read(f, 20);
}

/* Another device: its packets are judged by its own route. */
TEST_F(route, change__other_device)
{
	struct ifreq ifr = { .ifr_name = "wire1", .ifr_flags = IFF_TUN | IFF_NO_PI };
	int first = self->w.tun, second = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct flow *f = &self->f;

	xtcp_only();
	ASSERT_GE(second, 0);
	ASSERT_EQ(0, ioctl(second, TUNSETIFF, &ifr));
	ip("link set wire1 up");
	sysctl_set("net/ipv4/conf/all/rp_filter", "1");
	open_and_talk(f);

	self->w.tun = second;
	/* strict: the way back to that peer is not through wire1 */
	EXPECT_EQ(variant->v6 ? 1 : 0, let_in(inject(f, ACK, .len = 10)));
	if (!variant->v6) {
		sysctl_set("net/ipv4/conf/all/rp_filter", "0");
		sysctl_set("net/ipv4/conf/wire1/rp_filter", "0");
		EXPECT_EQ(1, let_in(inject(f, ACK, .seq = 31, .len = 10)));
		EXPECT_EQ(1, let_in(inject(f, ACK, .seq = 41, .len = 10)));
		sysctl_set("net/ipv4/conf/all/rp_filter", "1");
		sysctl_set("net/ipv4/route/flush", "1");
		EXPECT_EQ(0, let_in(inject(f, ACK, .seq = 51, .len = 10)));
	}
	self->w.tun = first;
	f->seq = variant->v6 ? 41 : 51;
	EXPECT_EQ(1, let_in(inject(f, ACK, .len = 10)));
	flow_read(f, variant->v6 ? 20 : 30);
	close(second);
}

/* A VRF: its device, and not the one in it, is where segments come from. */
TEST_F(route, vrf__a_connection)
{
	union addr any = addr_any(variant->v6, WIRE_PORT);
	struct wire *w = &self->w;
	struct flow *f = &self->f;

	if (system("/sbin/modprobe vrf"))
		SKIP(return, "no VRF");
	ip("link add red type vrf table 10");
	ip("link set red up");
	ip("link set wire0 master red");
	ip("addr replace %s dev wire0 %s", variant->v6 ? "fd09::1/64" : "10.9.0.1/24",
	   variant->v6 ? "nodad" : "");
	close(w->lfd);
	w->lfd = test_socket(variant->v6, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ASSERT_EQ(0, setsockopt(w->lfd, SOL_SOCKET, SO_BINDTODEVICE, "red", 4));
	ASSERT_EQ(0, test_bind(w->lfd, &any));
	ASSERT_EQ(0, listen(w->lfd, 5));
	open_and_talk(f);
	flow_write(f, 10);
	expect(f, ACK, .len = 10);
	inject(f, ACK);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, ACK | FIN);
	expect(f, ACK);
}

TEST_HARNESS_MAIN
