// SPDX-License-Identifier: GPL-2.0
/* api_listen_accept.c - listen() and accept() as programs see them, and both
 * queues of design.md section 3.
 */
#include "xtcp_test.h"

#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <linux/filter.h>

FIXTURE(accept) {
	int fd;			/* backlog 5 */
	union addr at;
};

FIXTURE_VARIANT(accept) {
	bool v6;
};

FIXTURE_VARIANT_ADD(accept, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(accept, v6) { .v6 = true };

FIXTURE_SETUP(accept)
{
	test_begin();
	self->fd = test_listener(variant->v6, 5, &self->at);
}

FIXTURE_TEARDOWN(accept)
{
	close(self->fd);
}

/* @n clients, one after the other. */
static void connect_many(const union addr *to, int *fd, int n)
{
	int i;

	for (i = 0; i < n; i++)
		fd[i] = peer_connect(to);
}

/* What comes out of accept() now is the server's end of @peer. */
static bool accept_is(int lfd, int peer, int *out)
{
	union addr want = sock_name(peer), got;
	int fd = test_accept(lfd);

	got = peer_name(fd);
	*out = fd;
	return addr_eq(&want, &got);
}

/* --- the limits ---------------------------------------------------------- */

TEST_F(accept, listen__limits)
{
	static const struct {
		int backlog;
		unsigned int granted, syn;
	} row[] = {
		{ 1, 1, 1 }, { 2, 2, 3 }, { 3, 3, 4 }, { 5, 5, 7 }, { 128, 128, 192 },
		{ 0, 1, 1 }, { -1, 4096, 6144 }, { 5000, 4096, 6144 },
		{ 0x7fffffff, 4096, 6144 }, { -0x7fffffff, 4096, 6144 },
	};
	struct xtcp_listen_info li;
	int i;

	xtcp_only();
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		int fd = test_socket(variant->v6, 0);

		ASSERT_EQ(0, listen(fd, row[i].backlog));
		li = listen_info(fd);
		EXPECT_EQ(row[i].granted, li.backlog);
		EXPECT_EQ(row[i].granted, li.accept_max);
		EXPECT_EQ(row[i].syn, li.syn_max);
		EXPECT_EQ(0, li.syn_len);
		EXPECT_EQ(0, li.accept_len);
		close(fd);
	}
}

TEST_F(accept, listen__somaxconn_comes_first)
{
	int fd = test_socket(variant->v6, 0);

	xtcp_only();
	sysctl_set("net/core/somaxconn", "100");
	ASSERT_EQ(0, listen(fd, 500));
	EXPECT_EQ(100, listen_info(fd).accept_max);
	EXPECT_EQ(150, listen_info(fd).syn_max);
}

TEST_F(accept, listen__info_lengths)
{
	struct {
		struct xtcp_listen_info li;
		uint32_t more[4];
	} big;
	socklen_t len;

	xtcp_only();
	/* an older program: two words and no more are written */
	memset(&big, 0x55, sizeof(big));
	big.li.size = 8;
	len = 8;
	ASSERT_EQ(0, getsockopt(self->fd, SOL_XTCP, XTCP_LISTEN_INFO, &big, &len));
	EXPECT_EQ(5, big.li.backlog);
	EXPECT_EQ(8, big.li.size);
	EXPECT_EQ(0x55555555, big.li.synq_policy);
	/* a newer one */
	memset(&big, 0, sizeof(big));
	big.li.size = len = sizeof(big);
	ASSERT_EQ(0, getsockopt(self->fd, SOL_XTCP, XTCP_LISTEN_INFO, &big, &len));
	EXPECT_EQ(sizeof(big.li), big.li.size);
	EXPECT_EQ(7, big.li.syn_max);
	/* nonsense */
	len = sizeof(big);
	EXPECT_ERRNO(EFAULT, getsockopt(self->fd, SOL_XTCP, XTCP_LISTEN_INFO, (void *)8, &len));
	len = 2;
	EXPECT_ERRNO(EINVAL, getsockopt(self->fd, SOL_XTCP, XTCP_LISTEN_INFO, &big, &len));
}

TEST_F(accept, listen__info_is_for_listeners)
{
	struct xtcp_listen_info li = { .size = sizeof(li) };
	socklen_t len = sizeof(li);

	xtcp_only();
	EXPECT_ERRNO(EINVAL, getsockopt(test_socket(variant->v6, 0), SOL_XTCP,
					XTCP_LISTEN_INFO, &li, &len));
}

TEST_F(accept, listen__shown_in_proc)
{
	char line[512], want[192], addr[64];
	bool found = false;
	struct stat st;
	FILE *f;
	int c;

	xtcp_only();
	c = peer_connect(&self->at);
	ASSERT_TRUE(poll_for(self->fd, POLLIN) & POLLIN);
	ASSERT_EQ(0, fstat(self->fd, &st));
	snprintf(addr, sizeof(addr), variant->v6 ? "[::1]:%d" : "127.0.0.1:%d",
		 addr_port(&self->at));
	snprintf(want, sizeof(want),
		 "ino %lu %s backlog 5 syn 0/7 accept 1/5 peak 1/1 drops syn 0 accept 0 cookie 0 oldest ",
		 st.st_ino, addr);
	f = fopen("/proc/net/xtcp/listen", "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, want, strlen(want)))
			found = true;
		else
			TH_LOG("%s", line);
	}
	fclose(f);
	EXPECT_TRUE(found);
	close(c);
}

/* --- accept() ------------------------------------------------------------ */

TEST_F(accept, accept__addresses)
{
	int c = peer_connect(&self->at), fd;
	union addr want = sock_name(c), got, own;
	socklen_t len = sizeof(got);

	fd = accept(self->fd, &got.sa, &len);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(addr_len(variant->v6), len);
	EXPECT_EQ(variant->v6 ? AF_INET6 : AF_INET, got.sa.sa_family);
	EXPECT_TRUE(addr_eq(&want, &got));
	own = sock_name(fd);
	EXPECT_TRUE(addr_eq(&self->at, &own));
	own = peer_name(fd);
	EXPECT_TRUE(addr_eq(&want, &own));
}

TEST_F(accept, accept__length)
{
	union addr got;
	socklen_t len;
	int c[4];

	connect_many(&self->at, c, 4);
	memset(&got, 0x55, sizeof(got));
	len = 4;
	EXPECT_GE(accept(self->fd, &got.sa, &len), 0);
	EXPECT_EQ(addr_len(variant->v6), len);
	EXPECT_EQ(0x55, ((uint8_t *)&got)[4]);
	len = sizeof(got);
	EXPECT_GE(accept(self->fd, &got.sa, &len), 0);
	EXPECT_EQ(addr_len(variant->v6), len);
	EXPECT_GE(accept(self->fd, NULL, NULL), 0);
	len = -1;
	EXPECT_ERRNO(EINVAL, accept(self->fd, &got.sa, &len));
}

TEST_F(accept, accept__flags)
{
	int c[3], a, b;

	connect_many(&self->at, c, 3);
	set_nonblock(self->fd, true);
	a = accept(self->fd, NULL, NULL);	/* nothing is inherited */
	ASSERT_GE(a, 0);
	EXPECT_EQ(0, fcntl(a, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(a, F_GETFD));
	b = accept4(self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ASSERT_GE(b, 0);
	EXPECT_EQ(O_NONBLOCK, fcntl(b, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(b, F_GETFD));
	EXPECT_ERRNO(EINVAL, accept4(self->fd, NULL, NULL, 1));
	EXPECT_ERRNO(EINVAL, accept4(self->fd, NULL, NULL, MSG_DONTWAIT));
	EXPECT_GE(accept(self->fd, NULL, NULL), 0);	/* none was lost by that */
}

TEST_F(accept, accept__family)
{
	int c = peer_connect(&self->at), fd = test_accept(self->fd);

	EXPECT_EQ(get_int(self->fd, SOL_SOCKET, SO_DOMAIN),
		  get_int(fd, SOL_SOCKET, SO_DOMAIN));
	EXPECT_EQ(0, get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
	close(c);
}

TEST_F(accept, accept__nothing_there)
{
	int64_t t;

	set_nonblock(self->fd, true);
	EXPECT_ERRNO(EAGAIN, accept(self->fd, NULL, NULL));
	set_nonblock(self->fd, false);
	set_timeout(self->fd, SO_RCVTIMEO, 100);
	t = now_us();
	EXPECT_ERRNO(EAGAIN, accept(self->fd, NULL, NULL));
	EXPECT_GE(now_us() - t, 50000);
}

TEST_F(accept, wrong__machine_limit)
{
	int c = peer_connect(&self->at), max = open("/proc/sys/fs/file-max", O_RDWR), fd, err;
	char was[32] = {};

	ASSERT_GT(read(max, was, sizeof(was) - 1), 0);
	ASSERT_TRUE(poll_for(self->fd, POLLIN) & POLLIN);
	sysctl_set("fs/file-max", "0");
	ASSERT_EQ(0, seteuid(65534));
	err = ERRNO(accept(self->fd, NULL, NULL));
	ASSERT_EQ(0, seteuid(0));
	sysctl_set("fs/file-max", was);
	EXPECT_EQ(ENFILE, err);
	EXPECT_TRUE(accept_is(self->fd, c, &fd));
}

TEST_F(accept, accept__not_a_stream)
{
	int p[2], udp = socket(variant->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

	ASSERT_EQ(0, pipe(p));
	EXPECT_ERRNO(ENOTSOCK, accept(p[0], NULL, NULL));
	EXPECT_ERRNO(EBADF, accept(-1, NULL, NULL));
	EXPECT_ERRNO(EOPNOTSUPP, accept(udp, NULL, NULL));
	EXPECT_ERRNO(EOPNOTSUPP, listen(udp, 1));
	EXPECT_ERRNO(ENOTSOCK, listen(p[0], 1));
}

TEST_F(accept, accept__not_listening)
{
	int c = peer_connect(&self->at), fd = test_accept(self->fd);

	EXPECT_ERRNO(EINVAL, accept(fd, NULL, NULL));
	EXPECT_ERRNO(EINVAL, listen(fd, 5));
	EXPECT_ERRNO(EINVAL, accept(test_socket(variant->v6, 0), NULL, NULL));
	EXPECT_ERRNO(EBADF, accept(1000, NULL, NULL));
	close(c);
}

TEST_F(accept, accept__order)
{
	int c[5], i, fd;

	connect_many(&self->at, c, 5);
	for (i = 0; i < 5; i++)
		EXPECT_TRUE(accept_is(self->fd, c[i], &fd));
}

#define KICKS	20	/* signals taken before the peer connects */

static int64_t signals;

static void count_signal(int sig)
{
	__atomic_fetch_add(&signals, 1, __ATOMIC_RELEASE);
}

struct kicker {
	pthread_t thread, victim;
	const union addr *to;	/* connect there after some signals, if not NULL */
	bool stop;
};

/* A signal every few ms: one of them finds the victim waiting. */
static void *kick(void *arg)
{
	struct kicker *k = arg;
	int c = -1;

	while (!__atomic_load_n(&k->stop, __ATOMIC_ACQUIRE)) {
		pthread_kill(k->victim, SIGUSR1);
		usleep(5000);
		/* taken, not sent: those that are pending merge */
		if (k->to && c < 0 && __atomic_load_n(&signals, __ATOMIC_ACQUIRE) >= KICKS)
			c = peer_connect(k->to);
	}
	if (c >= 0)
		close(c);
	return NULL;
}

static void kick_start(struct kicker *k, int sa_flags, const union addr *to)
{
	struct sigaction sa = { .sa_handler = count_signal, .sa_flags = sa_flags };

	memset(k, 0, sizeof(*k));
	k->victim = pthread_self();
	k->to = to;
	must(sigaction(SIGUSR1, &sa, NULL) == 0);
	must(pthread_create(&k->thread, NULL, kick, k) == 0);
}

static void kick_stop(struct kicker *k)
{
	__atomic_store_n(&k->stop, true, __ATOMIC_RELEASE);
	pthread_join(k->thread, NULL);
}

TEST_F(accept, accept__signal)
{
	struct kicker k;

	kick_start(&k, 0, NULL);
	EXPECT_ERRNO(EINTR, accept(self->fd, NULL, NULL));
	kick_stop(&k);
}

TEST_F(accept, accept__signal_restarts)
{
	struct kicker k;

	kick_start(&k, SA_RESTART, &self->at);
	EXPECT_GE(accept(self->fd, NULL, NULL), 0);
	kick_stop(&k);
	EXPECT_GE(signals, KICKS);
}

/* With a timeout there is no restart. */
TEST_F(accept, accept__signal_and_timeout)
{
	struct kicker k;

	set_timeout(self->fd, SO_RCVTIMEO, 60000);
	kick_start(&k, SA_RESTART, NULL);
	EXPECT_ERRNO(EINTR, accept(self->fd, NULL, NULL));
	kick_stop(&k);
}

/* --- what happened before accept() --------------------------------------- */

TEST_F(accept, before__data)
{
	char buf[8] = {};
	int c = peer_connect(&self->at), fd;

	send_all(c, "hello", 5);
	fd = test_accept(self->fd);
	recv_all(fd, buf, 5);
	EXPECT_STREQ("hello", buf);
}

TEST_F(accept, before__data_and_close)
{
	char buf[8] = {};
	int c = peer_connect(&self->at), fd;

	send_all(c, "hello", 5);
	close(c);
	fd = test_accept(self->fd);
	recv_all(fd, buf, 5);
	EXPECT_EQ(0, recv_soon(fd, buf, 1));
}

/* EA-4: as on Linux an aborted connection is still handed out. */
TEST_F(accept, before__reset)
{
	int c = peer_connect(&self->at), fd;
	char b;

	set_linger(c, 1, 0);
	close(c);
	fd = test_accept(self->fd);
	EXPECT_EQ(-ECONNRESET, recv_soon(fd, &b, 1));
	EXPECT_EQ(0, recv_soon(fd, &b, 1));
}

/* --- the accept queue is full -------------------------------------------- */

TEST_F(accept, full__the_rest_is_held_and_promoted)
{
	int c[8], fd[8], i;
	struct xtcp_listen_info li;

	xtcp_only();
	connect_many(&self->at, c, 8);	/* 5 in the accept queue, 3 acked */
	EXPECT_TRUE(wait_until(listen_info(self->fd).syn_acked == 3));
	li = listen_info(self->fd);
	EXPECT_EQ(5, li.accept_len);
	EXPECT_EQ(3, li.syn_len);
	EXPECT_EQ(5, li.accept_peak);
	for (i = 0; i < 8; i++)
		send_all(c[i], &(char){ 'a' + i }, 1);
	for (i = 0; i < 8; i++) {
		char b = 0;

		EXPECT_TRUE(accept_is(self->fd, c[i], &fd[i]));
		li = listen_info(self->fd);
		EXPECT_EQ(i < 3 ? 5 : 7 - i, li.accept_len);
		EXPECT_EQ(i < 3 ? 2 - i : 0, li.syn_acked);
		recv_all(fd[i], &b, 1);
		EXPECT_EQ('a' + i, b);
	}
	EXPECT_EQ(8, listen_info(self->fd).established);
	EXPECT_EQ(8, listen_info(self->fd).accepted);
}

TEST_F(accept, full__larger_backlog_makes_room)
{
	int c[7], fd, i;

	xtcp_only();
	connect_many(&self->at, c, 7);
	EXPECT_TRUE(wait_until(listen_info(self->fd).syn_acked == 2));
	ASSERT_EQ(0, listen(self->fd, 10));
	EXPECT_EQ(7, listen_info(self->fd).accept_len);
	EXPECT_EQ(0, listen_info(self->fd).syn_len);
	EXPECT_EQ(15, listen_info(self->fd).syn_max);
	for (i = 0; i < 7; i++)
		EXPECT_TRUE(accept_is(self->fd, c[i], &fd));
}

TEST_F(accept, full__smaller_backlog_evicts_nobody)
{
	int c[6], fd, i;

	xtcp_only();
	connect_many(&self->at, c, 5);
	EXPECT_TRUE(wait_until(listen_info(self->fd).accept_len == 5));
	ASSERT_EQ(0, listen(self->fd, 2));
	EXPECT_EQ(5, listen_info(self->fd).accept_len);
	EXPECT_EQ(2, listen_info(self->fd).accept_max);
	EXPECT_EQ(3, listen_info(self->fd).syn_max);
	c[5] = peer_connect(&self->at);
	EXPECT_TRUE(wait_until(listen_info(self->fd).syn_acked == 1));
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(accept_is(self->fd, c[i], &fd));
		EXPECT_EQ(1, listen_info(self->fd).syn_acked);
	}
	EXPECT_TRUE(accept_is(self->fd, c[3], &fd));
	EXPECT_EQ(0, listen_info(self->fd).syn_acked);
	EXPECT_EQ(2, listen_info(self->fd).accept_len);
	EXPECT_TRUE(accept_is(self->fd, c[4], &fd));
	EXPECT_TRUE(accept_is(self->fd, c[5], &fd));
}

/* --- what goes wrong while accepting ------------------------------------- */

TEST_F(accept, wrong__no_descriptors)
{
	struct rlimit few = { .rlim_cur = 0, .rlim_max = 4096 };
	int c = peer_connect(&self->at), fd;

	ASSERT_TRUE(poll_for(self->fd, POLLIN) & POLLIN);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	EXPECT_ERRNO(EMFILE, accept(self->fd, NULL, NULL));
	few.rlim_cur = 4096;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	EXPECT_TRUE(accept_is(self->fd, c, &fd));
}

TEST_F(accept, wrong__address)
{
	int c = peer_connect(&self->at), next = dup(c);
	socklen_t len = sizeof(union addr);
	char b;

	close(next);
	ASSERT_TRUE(poll_for(self->fd, POLLIN) & POLLIN);
	EXPECT_ERRNO(EFAULT, accept(self->fd, (void *)8, &len));
	EXPECT_EQ(next, dup(c));		/* no descriptor is lost */
	set_nonblock(self->fd, true);
	EXPECT_ERRNO(EAGAIN, accept(self->fd, NULL, NULL));
	EXPECT_EQ(0, recv_soon(c, &b, 1));	/* but the connection is, as on Linux */
}

/* --- the end of the listener --------------------------------------------- */

TEST_F(accept, close__children_are_reset)
{
	int c[2];
	char b;

	connect_many(&self->at, c, 2);
	ASSERT_TRUE(poll_for(self->fd, POLLIN) & POLLIN);
	close(self->fd);
	EXPECT_EQ(-ECONNRESET, recv_soon(c[0], &b, 1));
	EXPECT_EQ(-ECONNRESET, recv_soon(c[1], &b, 1));
	EXPECT_ERRNO(ECONNREFUSED, connect(peer_socket(variant->v6, 0), &self->at.sa,
					   addr_len(variant->v6)));
}

TEST_F(accept, close__accepted_ones_stay)
{
	int c, fd;
	char b;

	close(self->fd);
	self->at = addr_lo(variant->v6, 8000);
	self->fd = test_socket(variant->v6, 0);
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, test_bind(self->fd, &self->at));
	ASSERT_EQ(0, listen(self->fd, 5));
	c = peer_connect(&self->at);
	fd = test_accept(self->fd);
	close(self->fd);
	send_all(c, "x", 1);
	recv_all(fd, &b, 1);
	send_all(fd, "y", 1);
	recv_all(c, &b, 1);
	EXPECT_EQ('y', b);
	/* a listener may come back beside them */
	self->fd = test_socket(variant->v6, 0);
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, test_bind(self->fd, &self->at));
	ASSERT_EQ(0, listen(self->fd, 5));
	c = peer_connect(&self->at);
	EXPECT_TRUE(accept_is(self->fd, c, &fd));
}

TEST_F(accept, shutdown__stops_listening)
{
	int c, fd;

	ASSERT_EQ(0, shutdown(self->fd, SHUT_RD));
	EXPECT_ERRNO(EINVAL, accept(self->fd, NULL, NULL));
	EXPECT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_ERRNO(ECONNREFUSED, connect(peer_socket(variant->v6, 0), &self->at.sa,
					   addr_len(variant->v6)));
	ASSERT_EQ(0, listen(self->fd, 5));	/* LQ-10; the port may be another */
	self->at = sock_name(self->fd);
	c = peer_connect(&self->at);
	EXPECT_TRUE(accept_is(self->fd, c, &fd));
}

TEST_F(accept, shutdown__write_does_nothing)
{
	int c, fd;

	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	c = peer_connect(&self->at);
	EXPECT_TRUE(accept_is(self->fd, c, &fd));
}

static void *accept_thread(void *arg)
{
	return (void *)(long)ERRNO(accept(*(int *)arg, NULL, NULL));
}

TEST_F(accept, shutdown__wakes_who_waits)
{
	pthread_t t;
	void *err;

	ASSERT_EQ(0, pthread_create(&t, NULL, accept_thread, &self->fd));
	usleep(20000);		/* most often it waits by then; either way it is EINVAL */
	ASSERT_EQ(0, shutdown(self->fd, SHUT_RDWR));
	ASSERT_EQ(0, pthread_join(t, &err));
	EXPECT_EQ(EINVAL, (long)err);
}

/* CL-13 */
TEST_F(accept, close__while_another_thread_waits)
{
	int fd = dup(self->fd);
	pthread_t t;
	void *err;

	set_timeout(fd, SO_RCVTIMEO, 200);
	ASSERT_EQ(0, pthread_create(&t, NULL, accept_thread, &fd));
	close(self->fd);
	usleep(20000);
	close(fd);
	ASSERT_EQ(0, pthread_join(t, &err));
	EXPECT_TRUE((long)err == EAGAIN || (long)err == EBADF);
}

/* --- more than one ------------------------------------------------------- */

#define THREADS	4

static int accepted[THREADS];

static void *accept_all(void *arg)
{
	int *n = &accepted[(long)arg & 0xff], fd;
	int lfd = (long)arg >> 8;

	while ((fd = accept(lfd, NULL, NULL)) >= 0) {
		++*n;
		close(fd);
	}
	return NULL;
}

TEST_F(accept, threads__each_connection_once)
{
	int n = scale(100), i, sum = 0;
	pthread_t t[THREADS];

	ASSERT_EQ(0, listen(self->fd, 128));
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, accept_all,
					    (void *)(long)(self->fd << 8 | i)));
	for (i = 0; i < n; i++) {
		int c = peer_connect(&self->at);

		EXPECT_EQ(0, recv_soon(c, &(char){ 0 }, 1));	/* it was accepted */
		close(c);
	}
	shutdown(self->fd, SHUT_RDWR);
	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		sum += accepted[i];
	}
	EXPECT_EQ(n, sum);
}

/* --- what a child takes from its listener: IN-1, IN-2 -------------------- */

static uint64_t cookie(int fd)
{
	uint64_t c = 0;
	socklen_t len = sizeof(c);

	must(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &c, &len) == 0);
	return c;
}

/* What tells sockets apart is not inherited. */
TEST_F(accept, inherit__no_cookie)
{
	uint64_t own = cookie(self->fd), one, two;

	peer_connect(&self->at);
	peer_connect(&self->at);
	one = cookie(test_accept(self->fd));
	two = cookie(test_accept(self->fd));
	EXPECT_NE(own, one);
	EXPECT_NE(own, two);
	EXPECT_NE(one, two);
}

/* The rest of IN-1. */
TEST_F(accept, inherit__more_options)
{
	static const struct { int level, opt, value, want; } row[] = {
		{ SOL_SOCKET, SO_DONTROUTE, 1, 1 },
		{ SOL_SOCKET, SO_DEBUG, 1, 1 },
		{ SOL_SOCKET, SO_BUSY_POLL, 50, 50 },
		{ SOL_SOCKET, SO_MARK, 7, 7 },
		{ SOL_SOCKET, SO_BUF_LOCK, 3, 3 },
		{ SOL_SOCKET, SO_MAX_PACING_RATE, 7777777, 7777777 },
		{ IPPROTO_TCP, TCP_CORK, 1, 1 },
		{ IPPROTO_TCP, TCP_SYNCNT, 3, 3 },
		{ IPPROTO_TCP, TCP_MAXSEG, 500, 488 },		/* timestamps */
		{ IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000, 20000 },
		{ IPPROTO_IP, IP_TTL, 77, 77 },
		{ IPPROTO_IP, IP_FREEBIND, 1, 1 },
		{ IPPROTO_IP, IP_TRANSPARENT, 1, 1 },
	}, row6[] = {
		{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 77, 77 },
		{ IPPROTO_IPV6, IPV6_TCLASS, 0x20, 0x20 },
		{ IPPROTO_IPV6, IPV6_V6ONLY, 1, 1 },
	};
	int n = ARRAY_SIZE(row), n6 = variant->v6 ? ARRAY_SIZE(row6) : 0, fd, c, i;
	struct sock_filter pass = { BPF_RET | BPF_K, 0, 0, 0xffffffff }, got;
	struct sock_fprog prog = { 1, &pass };
	struct timeval tv = {};
	socklen_t len;
	char name[16];

	close(self->fd);
	self->fd = test_socket(variant->v6, SOCK_CLOEXEC);
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, set_int(self->fd, row[i].level, row[i].opt, row[i].value)) {
			TH_LOG("level %d option %d", row[i].level, row[i].opt);
		}
	for (i = 0; i < n6; i++)
		ASSERT_EQ(0, set_int(self->fd, row6[i].level, row6[i].opt, row6[i].value));
	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
	ASSERT_EQ(0, setsockopt(self->fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	ASSERT_EQ(0, set_int(self->fd, IPPROTO_TCP, TCP_SAVE_SYN, 1));
	set_timeout(self->fd, SO_RCVTIMEO, 7000);
	set_timeout(self->fd, SO_SNDTIMEO, 8000);
	self->at = addr_lo(variant->v6, 8000);
	ASSERT_EQ(0, test_bind(self->fd, &self->at));
	ASSERT_EQ(0, listen(self->fd, 5));

	c = peer_connect(&self->at);
	fd = test_accept(self->fd);
	for (i = 0; i < n; i++)
		EXPECT_EQ(row[i].want, get_int(fd, row[i].level, row[i].opt)) {
			TH_LOG("level %d option %d", row[i].level, row[i].opt);
		}
	for (i = 0; i < n6; i++)
		EXPECT_EQ(row6[i].want, get_int(fd, row6[i].level, row6[i].opt));
	len = sizeof(name);
	EXPECT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
	EXPECT_STREQ("lo", name);
	len = 1;			/* instructions */
	EXPECT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, &got, &len));
	EXPECT_EQ(1, len);
	EXPECT_EQ(0, memcmp(&got, &pass, sizeof(got)));
	len = sizeof(name);
	EXPECT_EQ(0, getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	EXPECT_STREQ("reno", name);
	len = sizeof(name);
	EXPECT_EQ(0, getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, name, &len) && len < 40);
	len = sizeof(tv);
	EXPECT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	EXPECT_EQ(7, tv.tv_sec);
	EXPECT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len));
	EXPECT_EQ(8, tv.tv_sec);
	close(c);
}

/* IN-2 */
TEST_F(accept, inherit__not)
{
	int on = 1, me = getpid(), got = -1, c, fd;

	ASSERT_EQ(0, ioctl(self->fd, FIOASYNC, &on));
	ASSERT_EQ(0, ioctl(self->fd, FIOSETOWN, &me));
	signal(SIGIO, SIG_IGN);
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_PRIORITY, 3));
	ASSERT_EQ(0, set_int(self->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1));
	c = peer_connect(&self->at);
	send_all(c, "x", 1);
	fd = test_accept(self->fd);
	EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_ASYNC);
	EXPECT_EQ(0, ioctl(fd, FIOGETOWN, &got));
	EXPECT_EQ(0, got);
	EXPECT_EQ(0, get_int(fd, SOL_SOCKET, SO_PRIORITY));
	EXPECT_EQ(0, get_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT));
	EXPECT_EQ(0, get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_EQ(0, get_int(fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, poll_now(fd) & POLLERR);
	/* what the listener has not queued, its child cannot give out */
	EXPECT_ERRNO(EINVAL, accept(fd, NULL, NULL));
	close(c);
}

TEST_F(accept, inherit__options)
{
	static const struct { int level, opt, value; } row[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_RCVLOWAT, 7 },
		{ SOL_SOCKET, SO_OOBINLINE, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 77 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 7 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 5 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 7777 },
		{ IPPROTO_TCP, TCP_LINGER2, 17 },
		{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 7777 },
	};
	struct linger l = { 1, 5 }, got = {};
	socklen_t len = sizeof(got);
	int c, fd, i;

	for (i = 0; i < ARRAY_SIZE(row); i++)
		ASSERT_EQ(0, set_int(self->fd, row[i].level, row[i].opt, row[i].value));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_SNDBUF, 50000));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUF, 60000));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_PRIORITY, 3));
	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	ASSERT_EQ(0, set_int(self->fd, IPPROTO_IP, IP_TOS, 0x10));
	set_timeout(self->fd, SO_SNDTIMEO, 7000);
	c = peer_connect(&self->at);
	fd = test_accept(self->fd);
	for (i = 0; i < ARRAY_SIZE(row); i++)
		EXPECT_EQ(row[i].value, get_int(fd, row[i].level, row[i].opt)) {
			TH_LOG("level %d option %d", row[i].level, row[i].opt);
		}
	EXPECT_EQ(100000, get_int(fd, SOL_SOCKET, SO_SNDBUF));
	EXPECT_EQ(120000, get_int(fd, SOL_SOCKET, SO_RCVBUF));
	EXPECT_EQ(0, get_int(fd, SOL_SOCKET, SO_PRIORITY));
	EXPECT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_LINGER, &got, &len));
	EXPECT_EQ(1, got.l_onoff);
	EXPECT_EQ(5, got.l_linger);
	EXPECT_EQ(0x10, get_int(fd, IPPROTO_IP, IP_TOS));
	close(c);
}

/* --- versions ------------------------------------------------------------ */

TEST_F(accept, dual_stack__mapped_address)
{
	union addr any = addr_any(true, 0), to, got, want;
	int fd = test_socket(true, 0), c;
	socklen_t len = sizeof(got);
	char b = 0;

	if (!variant->v6)
		SKIP(return, "IPv6 only");
	ASSERT_EQ(0, test_bind(fd, &any));
	ASSERT_EQ(0, listen(fd, 5));
	any = sock_name(fd);
	to = addr_lo(false, addr_port(&any));
	c = peer_connect(&to);
	ASSERT_TRUE(poll_for(fd, POLLIN) & POLLIN);
	fd = accept(fd, &got.sa, &len);
	ASSERT_GE(fd, 0);
	to = sock_name(c);
	want = addr_of(true, "::ffff:127.0.0.1", addr_port(&to));
	EXPECT_TRUE(addr_eq(&want, &got));
	send_all(c, "x", 1);
	recv_all(fd, &b, 1);
	send_all(fd, "y", 1);
	recv_all(c, &b, 1);
	EXPECT_EQ('y', b);
}

TEST_F(accept, dual_stack__v6only)
{
	union addr any = addr_any(true, 0), to;
	int fd = test_socket(true, 0);

	if (!variant->v6)
		SKIP(return, "IPv6 only");
	ASSERT_EQ(0, set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	ASSERT_EQ(0, test_bind(fd, &any));
	ASSERT_EQ(0, listen(fd, 5));
	any = sock_name(fd);
	to = addr_lo(false, addr_port(&any));
	EXPECT_ERRNO(ECONNREFUSED, connect(peer_socket(false, 0), &to.sa, addr_len(false)));
	to = addr_lo(true, addr_port(&any));
	close(peer_connect(&to));
}

/* --- XTCP_ACCEPT_INFO ---------------------------------------------------- */

TEST_F(accept, info__where_the_time_went)
{
	struct xtcp_accept_info ai;
	int64_t begin = now_us() * 1000;
	int c[7], fd, i;

	xtcp_only();
	connect_many(&self->at, c, 7);
	EXPECT_TRUE(wait_until(listen_info(self->fd).syn_acked == 2));
	EXPECT_GT(listen_info(self->fd).oldest_ns, 0);
	for (i = 0; i < 7; i++) {
		socklen_t len = sizeof(ai);

		memset(&ai, 0, sizeof(ai));
		ai.size = sizeof(ai);
		fd = test_accept(self->fd);
		ASSERT_EQ(0, getsockopt(fd, SOL_XTCP, XTCP_ACCEPT_INFO, &ai, &len));
		EXPECT_EQ(i < 5 ? 0 : XTCP_ACCEPT_HELD, ai.flags);
		EXPECT_EQ(i < 5 ? i : 4, ai.ahead);
		EXPECT_LE(begin - 1000000, ai.syn_ns);
		EXPECT_LE(ai.syn_ns, ai.ack_ns);
		EXPECT_LE(ai.ack_ns, ai.queued_ns);
		EXPECT_LE(ai.queued_ns, ai.accept_ns);
		EXPECT_LE(ai.accept_ns, now_us() * 1000 + 1000000);
	}
}

TEST_F(accept, policy__values)
{
	xtcp_only();
	EXPECT_EQ(XTCP_SYNQ_COOKIE, get_int(self->fd, SOL_XTCP, XTCP_SYNQ_POLICY));
	EXPECT_EQ(XTCP_ACCEPTQ_HOLD, get_int(self->fd, SOL_XTCP, XTCP_ACCEPTQ_POLICY));
	EXPECT_EQ(0, set_int(self->fd, SOL_XTCP, XTCP_SYNQ_POLICY, XTCP_SYNQ_RESET));
	EXPECT_EQ(XTCP_SYNQ_RESET, get_int(self->fd, SOL_XTCP, XTCP_SYNQ_POLICY));
	EXPECT_EQ(XTCP_SYNQ_RESET, listen_info(self->fd).synq_policy);
	EXPECT_ERRNO(EINVAL, set_int(self->fd, SOL_XTCP, XTCP_SYNQ_POLICY, 3));
	EXPECT_ERRNO(EINVAL, set_int(self->fd, SOL_XTCP, XTCP_ACCEPTQ_POLICY, 2));
	EXPECT_ERRNO(ENOPROTOOPT, set_int(self->fd, SOL_XTCP, 99, 1));
}

TEST_F(accept, policy__reset_refuses)
{
	int c[5], last = peer_socket(variant->v6, 0);
	char b;

	xtcp_only();
	ASSERT_EQ(0, set_int(self->fd, SOL_XTCP, XTCP_ACCEPTQ_POLICY, XTCP_ACCEPTQ_RESET));
	connect_many(&self->at, c, 5);
	/* the RST finds it in connect() or after it */
	if (ERRNO(connect(last, &self->at.sa, addr_len(variant->v6))) != ECONNRESET)
		EXPECT_EQ(-ECONNRESET, recv_soon(last, &b, 1));
	EXPECT_EQ(1, listen_info(self->fd).drops_accept);
	EXPECT_EQ(5, listen_info(self->fd).accept_len);
}

TEST_HARNESS_MAIN
