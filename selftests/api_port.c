// SPDX-License-Identifier: GPL-2.0
/* api_port.c - one port space with the kernel's TCP: COEX-3, COEX-4. */
#include "xtcp_test.h"

#include <stdatomic.h>

#define PORT	8000

FIXTURE(api_port) {
	char log[4096];
};

FIXTURE_VARIANT(api_port) {
	bool v6;
};

FIXTURE_VARIANT_ADD(api_port, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(api_port, v6) { .v6 = true };

FIXTURE_SETUP(api_port)
{
	test_begin();
}

FIXTURE_TEARDOWN(api_port)
{
}

/* --- every pair of sockets --------------------------------------------------- */

static const struct how {
	const char	*ip;
	bool		v6, only;
} hows[] = {
	{ "0.0.0.0" },
	{ "127.0.0.1" },
	{ "127.0.0.2" },
	{ "::", true },
	{ "::", true, true },
	{ "::1", true },
	{ "::ffff:127.0.0.1", true },
};

#define STATES	4	/* SO_REUSEADDR, listening */

static int stack_socket(bool ours, bool v6)
{
	return ours ? test_socket(v6, 0) : peer_socket(v6, 0);
}

/* What bind() and listen() say of it. */
static int put(bool ours, const struct how *h, int state, int *fd)
{
	union addr a = addr_of(h->v6, h->ip, PORT);
	int err;

	*fd = stack_socket(ours, h->v6);
	must(*fd >= 0);
	must(set_int(*fd, SOL_SOCKET, SO_REUSEADDR, state & 1) == 0);
	if (h->v6)
		must(set_int(*fd, IPPROTO_IPV6, IPV6_V6ONLY, h->only) == 0);
	err = ERRNO(test_bind(*fd, &a));
	if (!err && state & 2)
		err = 1000 + ERRNO(listen(*fd, 1));
	return err;
}

static int pair(bool ours1, bool ours2, const struct how *h1, const struct how *h2,
		int state1, int state2)
{
	int one, two, err;

	must(put(ours1, h1, state1, &one) % 1000 == 0);
	err = put(ours2, h2, state2, &two);
	close(two);
	close(one);
	return err;
}

/* How many of the three other pairings differ from the kernel's own. */
static int differing(const struct how *h1, const struct how *h2, int s1, int s2, int *refused)
{
	int want = pair(false, false, h1, h2, s1, s2), got, who, n = 0;

	*refused += want % 1000 != 0;
	for (who = 1; who < 4; who++) {
		got = pair(who & 1, who & 2, h1, h2, s1, s2);
		if (got == want)
			continue;
		n++;
		fprintf(stderr, "# %s %s%s/%d, then %s %s%s/%d: %d, not %d\n",
			who & 1 ? "xtcp" : "kernel", h1->ip, h1->only ? " only" : "", s1,
			who & 2 ? "xtcp" : "kernel", h2->ip, h2->only ? " only" : "", s2,
			got, want);
	}
	return n;
}

/* What the kernel says between two sockets of its own, it says with one or both of
 * them on xtcp, too: every kind of address, SO_REUSEADDR, listening or not.
 */
TEST_F_TIMEOUT(api_port, bind__as_among_kernel_sockets, 300)
{
	int i, j, s, differ = 0, refused = 0, n = 0;

	for (i = 0; i < (int)ARRAY_SIZE(hows); i++) {
		if (hows[i].v6 != variant->v6)
			continue;
		for (j = 0; j < (int)ARRAY_SIZE(hows); j++)
			for (s = 0; s < STATES * STATES; s++, n++)
				differ += differing(&hows[i], &hows[j], s / STATES,
						    s % STATES, &refused);
	}
	EXPECT_EQ(0, differ);
	EXPECT_GT(refused, n / 3);
	EXPECT_LT(refused, n);
}

/* --- others on the same binding ------------------------------------------------- */

/* Whoever shares a port that is there must be allowed to have one there. */
TEST_F(api_port, share__needs_the_privilege)
{
	union addr a = addr_any(variant->v6, 80);
	int one, two;

	one = test_socket(variant->v6, 0);
	ASSERT_EQ(0, set_int(one, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, test_bind(one, &a));
	ASSERT_EQ(0, seteuid(65534));
	two = test_socket(variant->v6, 0);
	ASSERT_EQ(0, set_int(two, SOL_SOCKET, SO_REUSEADDR, 1));
	EXPECT_ERRNO(EACCES, test_bind(two, &a));
	ASSERT_EQ(0, seteuid(0));
	EXPECT_EQ(0, test_bind(two, &a));
}

/* A device, chosen after bind(), is no way to get what somebody else listens for. */
TEST_F(api_port, share__device_after_bind)
{
	union addr a = addr_any(variant->v6, PORT), at = addr_lo(variant->v6, PORT);
	int fd[2], i;

	for (i = 0; i < 2; i++) {
		fd[i] = test_socket(variant->v6, 0);
		ASSERT_EQ(0, set_int(fd[i], SOL_SOCKET, SO_REUSEADDR, 1));
		ASSERT_EQ(0, test_bind(fd[i], &a));
	}
	ASSERT_EQ(0, listen(fd[0], 8));
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	EXPECT_ERRNO(EADDRINUSE, listen(fd[1], 8));
	peer_connect(&at);
	EXPECT_GE(test_accept(fd[0]), 0);
}

struct asker {
	pthread_t	thread;
	int		fd;
	atomic_bool	stop;
	int		refused, other;
};

static void *asks(void *arg)
{
	struct asker *a = arg;

	while (!atomic_load(&a->stop)) {
		if (ERRNO(listen(a->fd, 8)) == EADDRINUSE)
			a->refused++;
		else
			a->other++;
	}
	return NULL;
}

/* Who will not get the port does not disturb the server that has it by asking. */
TEST_F(api_port, listen__refused_takes_nothing)
{
	union addr a = addr_any(variant->v6, PORT), at = addr_lo(variant->v6, PORT);
	struct asker ask[3] = {};
	int i, fd, lfd, one = 1;

	xtcp_only();
	for (i = 0; i < 3; i++) {
		ask[i].fd = test_socket(variant->v6, 0);
		ASSERT_EQ(0, set_int(ask[i].fd, SOL_SOCKET, SO_REUSEADDR, 1));
		ASSERT_EQ(0, setsockopt(ask[i].fd, SOL_XTCP, XTCP_REUSEPORT, &one,
					sizeof(one)));
		ASSERT_EQ(0, test_bind(ask[i].fd, &a));
	}
	lfd = peer_socket(variant->v6, 0);
	ASSERT_EQ(0, set_int(lfd, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, test_bind(lfd, &a));
	ASSERT_EQ(0, listen(lfd, 8));
	for (i = 0; i < 3; i++)
		must(!pthread_create(&ask[i].thread, NULL, asks, &ask[i]));
	for (i = 0; i < scale(200); i++) {
		close(peer_connect(&at));
		fd = accept(lfd, NULL, NULL);
		ASSERT_GE(fd, 0);
		close(fd);
	}
	for (i = 0; i < 3; i++) {
		atomic_store(&ask[i].stop, true);
		pthread_join(ask[i].thread, NULL);
		EXPECT_GT(ask[i].refused, 0);
		EXPECT_EQ(0, ask[i].other);
	}
}

/* --- connections --------------------------------------------------------------- */

static int bound(bool ours, const union addr *a)
{
	int fd = stack_socket(ours, a->sa.sa_family == AF_INET6);

	must(fd >= 0);
	must(set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0);
	must(test_bind(fd, a) == 0);
	return fd;
}

static int to(int fd, const union addr *a)
{
	return ERRNO(connect(fd, &a->sa, addr_len(a->sa.sa_family == AF_INET6)));
}

static void alive(int a, int b)
{
	char c = 0;

	send_all(a, "x", 1);
	recv_all(b, &c, 1);
	must(c == 'x');
	send_all(b, "y", 1);
	recv_all(a, &c, 1);
	must(c == 'y');
}

static int peer_listener(bool v6, int port, union addr *at)
{
	int fd = peer_socket(v6, 0);

	*at = addr_lo(v6, port);
	must(test_bind(fd, at) == 0);
	must(listen(fd, 8) == 0);
	return fd;
}

/* Two that share a port by SO_REUSEADDR: not the same connection twice. */
TEST_F(api_port, tuple__kernel_has_it)
{
	union addr a = addr_lo(variant->v6, PORT), at, other;
	int lfd = peer_listener(variant->v6, 9000, &at), fd, kernel, ours;

	peer_listener(variant->v6, 9001, &other);
	kernel = bound(false, &a);
	ours = bound(true, &a);
	ASSERT_EQ(0, to(kernel, &at));
	fd = accept(lfd, NULL, NULL);
	EXPECT_EQ(EADDRNOTAVAIL, to(ours, &at));
	EXPECT_EQ(0, to(ours, &other));
	alive(kernel, fd);
	close(ours);
	if (test_inet())
		return;		/* its own TIME-WAIT it may take over (tcp_tw_reuse) */
	ours = bound(true, &a);
	close(kernel);
	EXPECT_EQ(0, recv_soon(fd, &(char){ 0 }, 1));
	close(fd);
	EXPECT_EQ(EADDRNOTAVAIL, to(ours, &at));
}

/* The kernel's TCP does not know ours: its attempt has no answer, and does no harm. */
TEST_F(api_port, tuple__we_have_it)
{
	union addr a = addr_lo(variant->v6, PORT), at, other;
	int lfd = peer_listener(variant->v6, 9000, &at), fd, kernel, ours;

	xtcp_only();
	peer_listener(variant->v6, 9001, &other);
	kernel = bound(false, &a);
	ours = bound(true, &a);
	ASSERT_EQ(0, to(ours, &at));
	fd = accept(lfd, NULL, NULL);
	set_timeout(kernel, SO_SNDTIMEO, 100);
	EXPECT_EQ(EINPROGRESS, to(kernel, &at));
	alive(ours, fd);
	close(kernel);
	alive(ours, fd);
	kernel = bound(false, &a);
	EXPECT_EQ(0, to(kernel, &other));
	alive(ours, fd);
}

/* A port of the block that connect() takes from is kept from those who do not name
 * one; who does gets it, and both work.
 */
TEST_F(api_port, lease__named_by_the_kernel)
{
	int lfd, fd, kfd, klfd, kernel, ours;
	union addr at, name;

	xtcp_only();
	lfd = peer_listener(variant->v6, 9000, &at);
	ours = test_socket(variant->v6, 0);
	ASSERT_EQ(0, to(ours, &at));
	fd = accept(lfd, NULL, NULL);
	name = sock_name(ours);
	klfd = peer_listener(variant->v6, addr_port(&name), &name);
	kernel = peer_connect(&name);
	kfd = accept(klfd, NULL, NULL);
	alive(kernel, kfd);
	alive(ours, fd);
	/* no socket of ours can have it by its number now, as the kernel's could not */
	EXPECT_ERRNO(EADDRINUSE, test_bind(test_socket(variant->v6, 0), &name));
}

/* A port that a connection of the kernel's has cannot be bound, and the reverse. */
TEST_F(api_port, bind__connection_has_it)
{
	union addr at, name;
	int lfd, fd, ours;

	lfd = peer_listener(variant->v6, 9000, &at);
	fd = peer_connect(&at);
	name = sock_name(fd);
	EXPECT_ERRNO(EADDRINUSE, test_bind(test_socket(variant->v6, 0), &name));
	close(lfd);

	ours = test_listener(variant->v6, 1, &at);
	fd = peer_connect(&at);
	fd = test_accept(ours);
	close(ours);
	/* the listener is gone, its connection has the port */
	EXPECT_ERRNO(EADDRINUSE, test_bind(peer_socket(variant->v6, 0), &at));
	close(fd);
}

TEST_HARNESS_MAIN
