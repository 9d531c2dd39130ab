// SPDX-License-Identifier: GPL-2.0
/* api_connect.c - connect() as programs know it, against the kernel's TCP and
 * against itself.  What needs a peer that does not answer is in wire_connect.c.
 */
#include "xtcp_test.h"

#include <pthread.h>

#define NOBODY	65534

FIXTURE(api_connect) {
	union addr at;		/* of a listener of the kernel's */
	int lfd, fd;
};

FIXTURE_VARIANT(api_connect) {
	bool v6;
};

FIXTURE_VARIANT_ADD(api_connect, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(api_connect, v6) { .v6 = true };

static int peer_listener(bool v6, union addr *at)
{
	int fd = peer_socket(v6, SOCK_CLOEXEC);

	*at = addr_lo(v6, 0);
	must(test_bind(fd, at) == 0);
	must(listen(fd, 1000) == 0);
	*at = sock_name(fd);
	return fd;
}

FIXTURE_SETUP(api_connect)
{
	test_begin();
	self->lfd = peer_listener(variant->v6, &self->at);
	self->fd = test_socket(variant->v6, SOCK_CLOEXEC);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(api_connect)
{
	close(self->fd);
	close(self->lfd);
}

/* 0 or errno */
static int to(int fd, const union addr *a)
{
	return connect(fd, &a->sa, addr_len(a->sa.sa_family == AF_INET6)) ? errno : 0;
}

static int unspec(int fd)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };

	return connect(fd, &sa, sizeof(sa)) ? errno : 0;
}

static union addr free_port(bool v6)
{
	union addr at;

	close(peer_listener(v6, &at));
	return at;
}

static void talk(int a, int b)
{
	char buf[64];

	send_all(a, "hello", 5);
	recv_all(b, buf, 5);
	must(!memcmp(buf, "hello", 5));
	send_all(b, "world!", 6);
	recv_all(a, buf, 6);
	must(!memcmp(buf, "world!", 6));
}

TEST_F(api_connect, connect__and_talk)
{
	union addr name;
	int peer;

	ASSERT_EQ(0, to(self->fd, &self->at));
	peer = accept(self->lfd, NULL, NULL);
	ASSERT_GE(peer, 0);
	talk(self->fd, peer);
	name = peer_name(self->fd);
	EXPECT_TRUE(addr_eq(&name, &self->at));
	name = sock_name(self->fd);
	EXPECT_TRUE(addr_eq(&name, &(union addr){ .ss = peer_name(peer).ss }));
	EXPECT_EQ(EISCONN, to(self->fd, &self->at));
	close(peer);
}

TEST_F(api_connect, connect__megabytes_both_ways)
{
	const int len = test_slow() ? 300000 : 3000000;
	char *out = malloc(len), *in = malloc(len);
	int peer, i, st;
	pid_t pid;

	for (i = 0; i < len; i++)
		out[i] = i * 7 + i / 251;
	ASSERT_EQ(0, to(self->fd, &self->at));
	peer = accept(self->lfd, NULL, NULL);
	pid = fork();
	if (!pid) {
		send_all(peer, out, len);
		recv_all(peer, in, len);
		_exit(memcmp(in, out, len) != 0);
	}
	recv_all(self->fd, in, len);
	EXPECT_EQ(0, memcmp(in, out, len));
	send_all(self->fd, out, len);
	EXPECT_EQ(pid, waitpid(pid, &st, 0));
	EXPECT_EQ(0, st);
}

/* Both ends ours */
TEST_F(api_connect, connect__to_ourselves)
{
	union addr at;
	int lfd = test_listener(variant->v6, 5, &at), peer;

	ASSERT_EQ(0, to(self->fd, &at));
	peer = test_accept(lfd);
	talk(self->fd, peer);
	shutdown(self->fd, SHUT_WR);
	EXPECT_EQ(0, recv(peer, &(char){ 0 }, 1, 0));
	close(peer);
	EXPECT_EQ(0, recv(self->fd, &(char){ 0 }, 1, 0));
	close(lfd);
}

/* EC-19 */
TEST_F(api_connect, connect__self)
{
	union addr at = free_port(variant->v6);

	ASSERT_EQ(0, test_bind(self->fd, &at));
	ASSERT_EQ(0, to(self->fd, &at));
	talk(self->fd, self->fd);
}

TEST_F(api_connect, nonblocking)
{
	set_nonblock(self->fd, true);
	ASSERT_EQ(EINPROGRESS, to(self->fd, &self->at));
	EXPECT_EQ(POLLOUT, poll_for(self->fd, POLLOUT));
	EXPECT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, to(self->fd, &self->at));
	EXPECT_EQ(EISCONN, to(self->fd, &self->at));
}

/* --- refused, and again --------------------------------------------------------- */

TEST_F(api_connect, refused__then_accepted)
{
	union addr dead = free_port(variant->v6);
	int peer;

	EXPECT_EQ(ECONNREFUSED, to(self->fd, &dead));
	EXPECT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_ERRNO(EPIPE, send(self->fd, "x", 1, MSG_NOSIGNAL));
	ASSERT_EQ(0, to(self->fd, &self->at));
	peer = accept(self->lfd, NULL, NULL);
	talk(self->fd, peer);
	close(peer);
}

TEST_F(api_connect, refused__nonblocking)
{
	union addr dead = free_port(variant->v6);

	set_nonblock(self->fd, true);
	EXPECT_EQ(EINPROGRESS, to(self->fd, &dead));
	EXPECT_EQ(POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP,
		  (poll_for(self->fd, POLLIN), poll_now(self->fd)));
	EXPECT_EQ(ECONNREFUSED, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	/* EC-14: it is gone, and the reason was told */
	EXPECT_EQ(ECONNABORTED, to(self->fd, &dead));
	EXPECT_EQ(EINPROGRESS, to(self->fd, &self->at));
	EXPECT_EQ(POLLOUT, poll_for(self->fd, POLLOUT));
}

/* --- AF_UNSPEC -------------------------------------------------------------------- */

TEST_F(api_connect, unspec__resets)
{
	int peer;

	ASSERT_EQ(0, to(self->fd, &self->at));
	peer = accept(self->lfd, NULL, NULL);
	EXPECT_EQ(0, unspec(self->fd));
	EXPECT_EQ(-ECONNRESET, recv_soon(peer, &(char){ 0 }, 1));
	close(peer);
	ASSERT_EQ(0, to(self->fd, &self->at));
	peer = accept(self->lfd, NULL, NULL);
	talk(self->fd, peer);
	close(peer);
}

struct sleeper {
	int fd;
	ssize_t ret;
	int err;
};

static void *sends_much(void *arg)
{
	static char much[32 << 20];
	struct sleeper *s = arg;

	s->ret = send(s->fd, much, sizeof(much), MSG_NOSIGNAL);
	s->err = errno;
	return NULL;
}

/* Who sleeps in send() does not wake up in another connection.  One CPU, and a
 * thread that nobody interrupts: the sleeper runs when all is done.
 */
TEST_F(api_connect, unspec__under_a_sender)
{
	struct sched_param now = { .sched_priority = 1 }, later = {};
	struct sleeper s = { .fd = self->fd };
	struct tcp_info ti;
	pthread_t thread;
	int peer, other;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	ASSERT_EQ(0, to(self->fd, &self->at));
	peer = accept(self->lfd, NULL, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, sends_much, &s));
	/* full at both ends, and all that arrived is acknowledged */
	do {
		poll(NULL, 0, 100);
		ti = tcp_info_of(self->fd);
	} while (!ti.tcpi_notsent_bytes || ti.tcpi_unacked);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &now));
	EXPECT_EQ(0, unspec(self->fd));
	EXPECT_EQ(0, to(self->fd, &self->at));
	other = accept(self->lfd, NULL, NULL);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &later));
	pthread_join(thread, NULL);
	EXPECT_TRUE(s.ret > 0 || s.err == EPIPE) {
		TH_LOG("%zd, %s", s.ret, strerror(s.err));
	}
	set_nonblock(other, true);
	EXPECT_ERRNO(EAGAIN, recv(other, &(char){ 0 }, 1, 0));
	talk(self->fd, other);
	close(other);
	close(peer);
}

TEST_F(api_connect, unspec__unconnected)
{
	EXPECT_EQ(0, unspec(self->fd));
	EXPECT_EQ(0, to(self->fd, &self->at));
}

TEST_F(api_connect, unspec__bound_port_stays)
{
	union addr own = free_port(variant->v6), name;

	ASSERT_EQ(0, test_bind(self->fd, &own));
	ASSERT_EQ(0, to(self->fd, &self->at));
	EXPECT_EQ(0, unspec(self->fd));
	name = sock_name(self->fd);
	EXPECT_TRUE(addr_eq(&name, &own));
	EXPECT_EQ(0, listen(self->fd, 1));
	EXPECT_EQ(EISCONN, to(self->fd, &self->at));	/* EC-3 */
	EXPECT_EQ(0, unspec(self->fd));
	EXPECT_EQ(0, to(self->fd, &self->at));
}

/* --- addresses ------------------------------------------------------------------------ */

TEST_F(api_connect, address__wrong)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNIX };
	union addr a = self->at;

	EXPECT_ERRNO(EAFNOSUPPORT, connect(self->fd, (void *)&ss, addr_len(variant->v6)));
	EXPECT_ERRNO(EINVAL, connect(self->fd, &a.sa, 1));
	EXPECT_ERRNO(EINVAL, connect(self->fd, &a.sa, 4));
	EXPECT_ERRNO(EFAULT, connect(self->fd, (void *)1, addr_len(variant->v6)));
	EXPECT_EQ(0, to(self->fd, &a));
}

/* MUST-46, EC-8 */
TEST_F(api_connect, address__no_host)
{
	static const char *const v4[] = { "255.255.255.255", "224.0.0.1", "10.99.0.1" };
	static const char *const v6[] = { "ff02::1", "ff0e::1", "2001:db8::1" };
	unsigned int i;
	union addr a;

	for (i = 0; i < 3; i++) {
		a = addr_of(variant->v6, variant->v6 ? v6[i] : v4[i], 80);
		EXPECT_EQ(ENETUNREACH, to(self->fd, &a)) {
			TH_LOG("%s", variant->v6 ? v6[i] : v4[i]);
		}
	}
}

/* EC-18 */
TEST_F(api_connect, address__any_is_this_host)
{
	union addr a = addr_any(variant->v6, addr_port(&self->at)), name;

	ASSERT_EQ(0, to(self->fd, &a));
	name = peer_name(self->fd);
	EXPECT_TRUE(addr_eq(&name, &self->at));
}

/* MUST-44, MUST-43: the route's source, or the one that was bound */
TEST_F(api_connect, address__source)
{
	union addr any = addr_any(variant->v6, 0), name, own, at;
	int lfd = peer_socket(variant->v6, 0);

	if (variant->v6)
		return;			/* one address on lo */
	ASSERT_EQ(0, test_bind(lfd, &any));
	ASSERT_EQ(0, listen(lfd, 5));
	at = addr_of(false, "127.0.0.9", addr_port(&(union addr){ .ss = sock_name(lfd).ss }));
	own = addr_of(false, "127.0.0.5", 0);
	ASSERT_EQ(0, test_bind(self->fd, &own));
	ASSERT_EQ(0, to(self->fd, &at));
	name = sock_name(self->fd);
	EXPECT_EQ(own.in.sin_addr.s_addr, name.in.sin_addr.s_addr);
}

TEST_F(api_connect, address__mapped)
{
	union addr at4, a, name;
	int lfd, fd, one = 1;

	if (!variant->v6)
		return;
	lfd = peer_listener(false, &at4);
	a = addr_of(true, "::ffff:127.0.0.1", addr_port(&at4));
	ASSERT_EQ(0, to(self->fd, &a));
	name = peer_name(self->fd);
	EXPECT_TRUE(addr_eq(&name, &a));
	fd = accept(lfd, NULL, NULL);
	ASSERT_GE(fd, 0);
	talk(self->fd, fd);
	close(self->fd);
	self->fd = test_socket(true, 0);
	ASSERT_EQ(0, setsockopt(self->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	EXPECT_EQ(ENETUNREACH, to(self->fd, &a));
}

/* --- ports ------------------------------------------------------------------------------ */

/* EC-9: one name, one connection */
TEST_F(api_connect, port__name_in_use)
{
	union addr own = free_port(variant->v6);
	int fd = test_socket(variant->v6, 0);

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, test_bind(self->fd, &own));
	ASSERT_EQ(0, test_bind(fd, &own));
	ASSERT_EQ(0, to(self->fd, &self->at));
	EXPECT_EQ(EADDRNOTAVAIL, to(fd, &self->at));
	close(fd);
}

static void set_range(int low, int high)
{
	char range[32];

	snprintf(range, sizeof(range), "%d %d", low, high);
	sysctl_set("net/ipv4/ip_local_port_range", range);
}

/* PORT-3, EC-9: no more than there are, none that is reserved */
TEST_F(api_connect, port__range)
{
	union addr name, none = addr_any(variant->v6, 0);
	int i, fd, n = 0;

	set_range(40000, 40015);
	sysctl_set("net/ipv4/ip_local_reserved_ports", "40003,40013");
	for (i = 0; i < 20; i++) {
		fd = test_socket(variant->v6, SOCK_CLOEXEC);
		ASSERT_GE(fd, 0);
		if (to(fd, &self->at)) {
			EXPECT_EQ(EADDRNOTAVAIL, errno);
			/* nothing is left of what was tried */
			name = sock_name(fd);
			EXPECT_TRUE(addr_eq(&name, &none));
			break;
		}
		n++;
		name = sock_name(fd);
		EXPECT_GE(addr_port(&name), 40000);
		EXPECT_LE(addr_port(&name), 40015);
		EXPECT_NE(addr_port(&name), 40003);
		EXPECT_NE(addr_port(&name), 40013);
	}
	EXPECT_GE(n, 10);
	EXPECT_LE(n, 14);
}

/* PORT-4: to different peers by one port */
TEST_F(api_connect, port__shared_between_peers)
{
	union addr at, names[2][8];
	int i, k, lfd[2], same = 0;

	xtcp_only();			/* Linux begins with odd ones */
	lfd[0] = self->lfd;
	lfd[1] = peer_listener(variant->v6, &at);
	set_range(40000, 40031);
	for (i = 0; i < 16; i++) {
		int fd = test_socket(variant->v6, SOCK_CLOEXEC);

		ASSERT_EQ(0, to(fd, i % 2 ? &at : &self->at));
		names[i % 2][i / 2] = sock_name(fd);
	}
	for (i = 0; i < 8; i++)
		for (k = 0; k < 8; k++)
			same += addr_port(&names[0][i]) == addr_port(&names[1][k]);
	EXPECT_EQ(8, same);		/* the block has eight */
	close(lfd[1]);
}

/* PORT-1, RFC 6056: not one after the other, and not the same for two peers */
TEST_F(api_connect, port__spread)
{
	int i, fd, steps = 0, last = 0, port;
	union addr name;

	for (i = 0; i < 40; i++) {
		fd = test_socket(variant->v6, SOCK_CLOEXEC);
		ASSERT_EQ(0, to(fd, &self->at));
		name = sock_name(fd);
		port = addr_port(&name);
		EXPECT_NE(last, port);
		steps += i && port == last + 1;
		last = port;
		close(fd);
		fd = accept(self->lfd, NULL, NULL);
		close(fd);
	}
	EXPECT_LT(steps, 30);
}

/* ... and for each peer from another place on */
TEST_F(api_connect, port__each_peer_has_its_own)
{
	int i, fd, lfd, port, min = 65536, max = 0;
	union addr at, name;

	for (i = 0; i < 12; i++) {
		lfd = peer_socket(variant->v6, SOCK_CLOEXEC);
		at = addr_of(variant->v6, variant->v6 ? "::1" : "127.0.0.1", 0);
		ASSERT_EQ(0, test_bind(lfd, &at));
		ASSERT_EQ(0, listen(lfd, 1));
		at = sock_name(lfd);
		fd = test_socket(variant->v6, SOCK_CLOEXEC);
		ASSERT_EQ(0, to(fd, &at));
		name = sock_name(fd);
		port = addr_port(&name);
		min = port < min ? port : min;
		max = port > max ? port : max;
		close(fd);
		close(lfd);
	}
	EXPECT_GT(max - min, 1000);
}

/* COEX-4: the kernel does not choose from our block */
TEST_F(api_connect, port__kernel_keeps_out)
{
	union addr name;
	int i, fd, ours;

	xtcp_only();
	set_range(40000, 40015);
	ASSERT_EQ(0, to(self->fd, &self->at));
	name = sock_name(self->fd);
	ours = addr_port(&name);
	EXPECT_GE(ours, 40012);
	for (i = 0; i < 12; i++) {
		fd = peer_socket(variant->v6, SOCK_CLOEXEC);
		ASSERT_EQ(0, to(fd, &self->at));
		name = sock_name(fd);
		EXPECT_LT(addr_port(&name), 40012);
	}
	fd = peer_socket(variant->v6, SOCK_CLOEXEC);
	EXPECT_EQ(EADDRNOTAVAIL, to(fd, &self->at));
	close(fd);
}

/* COEX-4: a program may have bound a socket of the kernel's to a port of our block, and
 * be connected to the same peer.
 */
TEST_F(api_connect, port__kernel_is_connected_by_it)
{
	union addr own, name;
	int i, fd;

	xtcp_only();
	set_range(40000, 40015);
	for (i = 40012; i <= 40015; i++) {
		fd = peer_socket(variant->v6, SOCK_CLOEXEC);
		own = addr_of(variant->v6, variant->v6 ? "::1" : "127.0.0.1", i);
		ASSERT_EQ(0, test_bind(fd, &own));
		ASSERT_EQ(0, to(fd, &self->at));
	}
	ASSERT_EQ(0, to(self->fd, &self->at));
	name = sock_name(self->fd);
	EXPECT_LT(addr_port(&name), 40012);
}

/* COEX-17: nothing that a user may not */
TEST_F(api_connect, port__unprivileged)
{
	int st;
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		must(setuid(NOBODY) == 0);
		_exit(to(self->fd, &self->at));
	}
	EXPECT_EQ(pid, waitpid(pid, &st, 0));
	EXPECT_EQ(0, st);
}

/* --- many at once ------------------------------------------------------------------------- */

#define THREADS	4
#define ROUNDS	100

struct worker {
	const union addr *at;
	bool v6;
	int failed;
};

static void *connects(void *arg)
{
	int i, rounds = test_slow() ? ROUNDS / 10 : ROUNDS;
	struct worker *w = arg;
	int fd;

	for (i = 0; i < rounds; i++) {
		fd = test_socket(w->v6, SOCK_CLOEXEC);
		if (fd < 0 || to(fd, w->at) || send(fd, "x", 1, MSG_NOSIGNAL) != 1)
			w->failed++;
		if (i % 3 == 0)
			set_linger(fd, 1, 0);
		close(fd);
	}
	return NULL;
}

/* Threads connect, to the kernel and to ourselves; whoever accepts reads what came */
static void storm(struct __test_metadata *_metadata, int lfd, const union addr *at, bool v6)
{
	struct worker w[THREADS] = {};
	pthread_t t[THREADS];
	pid_t pid = fork();
	int i, fd;
	char c;

	ASSERT_GE(pid, 0);
	if (!pid) {
		while ((fd = accept(lfd, NULL, NULL)) >= 0) {
			i = recv(fd, &c, 1, 0);
			close(fd);
		}
		_exit(0);
	}
	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .at = at, .v6 = v6 };
		ASSERT_EQ(0, pthread_create(&t[i], NULL, connects, &w[i]));
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		EXPECT_EQ(0, w[i].failed);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F_TIMEOUT(api_connect, storm__kernel, 300)
{
	storm(_metadata, self->lfd, &self->at, variant->v6);
}

TEST_F_TIMEOUT(api_connect, storm__ourselves, 300)
{
	union addr at;
	int lfd = test_listener(variant->v6, 1000, &at);

	storm(_metadata, lfd, &at, variant->v6);
	close(lfd);
}

TEST_HARNESS_MAIN
