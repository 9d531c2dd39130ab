/* SPDX-License-Identifier: GPL-2.0 */
/* xtcp_test.h - what the C tests share: sockets under test, peers, waiting.
 *
 * The socket under test is of AF_XTCP, its peer the kernel's TCP.  With
 * XTCP_TEST_FAMILY=inet both are the kernel's: that tests the tests.  Tests of
 * what only xtcp has are skipped then.  XTCP_TEST=PATTERN runs the tests whose
 * names match.  XTCP_TEST_DEBUG=1 says that the machine is slow (debug kernel
 * under emulation): smaller sizes, longer deadlines.
 *
 * A test runs in a network namespace of its own, as root.  Nothing here sleeps
 * to let something happen: conditions are polled until a deadline.
 */
#ifndef XTCP_TEST_H
#define XTCP_TEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/tcp.h>
#include <linux/xtcp.h>

#ifndef XTCP_TEST_LIBRARY	/* the harness is for one object of a program */
#include "kselftest_harness.h"
#endif

#define TEST_UNUSED __attribute__((unused))

/* For helpers, which have no _metadata: say why and end the test. */
#define die(fmt, ...) do {						     \
	fprintf(stderr, "# %s:%d: " fmt "\n", __FILE__, __LINE__, ##__VA_ARGS__); \
	_exit(1);							     \
} while (0)

#define must(cond) do {							     \
	if (!(cond))							     \
		die("%s (errno %d %s)", #cond, errno, strerror(errno));	     \
} while (0)

/* What a call failed with, 0 if it did not */
#define ERRNO(call) ((call) == -1 ? errno : 0)
#define EXPECT_ERRNO(err, call) EXPECT_EQ(err, ERRNO(call))
#define ASSERT_ERRNO(err, call) ASSERT_EQ(err, ERRNO(call))

static TEST_UNUSED bool test_inet(void)
{
	const char *s = getenv("XTCP_TEST_FAMILY");

	return s && !strcmp(s, "inet");
}

static TEST_UNUSED bool test_slow(void)
{
	return getenv("XTCP_TEST_DEBUG");
}

/* Sizes and deadlines, by how fast the machine is. */
static TEST_UNUSED int scale(int n)
{
	return test_slow() ? (n + 9) / 10 : n;
}

#define TEST_DEADLINE_MS	(test_slow() ? 60000 : 15000)

static TEST_UNUSED int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* Until the condition holds; the pause is only politeness. */
#define wait_until(cond) ({						     \
	int64_t until_ = now_us() + TEST_DEADLINE_MS * 1000LL;		     \
	bool met_;							     \
	while (!(met_ = (cond)) && now_us() < until_)			     \
		usleep(1000);						     \
	met_;								     \
})

/* PATH below /proc/sys, as the test's namespace sees it. */
static TEST_UNUSED void sysctl_set(const char *path, const char *value)
{
	char name[256];
	int fd;

	snprintf(name, sizeof(name), "/proc/sys/%s", path);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		die("%s = %s: %s", name, value, strerror(errno));
	close(fd);
}

static TEST_UNUSED void lo_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	must(fd >= 0);
	must(ioctl(fd, SIOCSIFFLAGS, &ifr) == 0);
	close(fd);
}

static TEST_UNUSED int xtcp_family(void)
{
	int family = AF_XTCP;
	FILE *f = fopen("/sys/module/xtcp/parameters/family", "r");

	if (f) {
		must(fscanf(f, "%d", &family) == 1);
		fclose(f);
	}
	return family;
}

/* A socket of the family under test. */
static TEST_UNUSED int test_socket(bool v6, int flags)
{
	if (test_inet())
		return socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | flags, 0);
	return socket(xtcp_family(), SOCK_STREAM | flags,
		      v6 ? XTCPPROTO_TCP6 : XTCPPROTO_TCP);
}

/* A socket of the kernel's TCP. */
static TEST_UNUSED int peer_socket(bool v6, int flags)
{
	return socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | flags, 0);
}

/* First thing of every FIXTURE_SETUP: leave if not wanted, or not possible. */
#define test_begin() do {						     \
	const char *only_ = getenv("XTCP_TEST");			     \
	int probe_;							     \
	if (only_ && fnmatch(only_, _metadata->name, 0))		     \
		SKIP(_exit(255), "not wanted");				     \
	signal(SIGPIPE, SIG_IGN);					     \
	if (unshare(CLONE_NEWNET))					     \
		SKIP(_exit(255), "needs root");				     \
	lo_up();							     \
	probe_ = test_socket(false, 0);					     \
	if (probe_ < 0 && errno == EAFNOSUPPORT)			     \
		SKIP(_exit(255), "xtcp.ko is not loaded");		     \
	must(probe_ >= 0);						     \
	close(probe_);							     \
} while (0)

#define xtcp_only() do {						     \
	if (test_inet())						     \
		SKIP(return, "only xtcp has this");			     \
} while (0)

union addr {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
	struct sockaddr_storage	ss;
};

static TEST_UNUSED socklen_t addr_len(bool v6)
{
	return v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static TEST_UNUSED union addr addr_of(bool v6, const char *ip, int port)
{
	union addr a;

	memset(&a, 0, sizeof(a));
	if (v6) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(port);
		must(inet_pton(AF_INET6, ip, &a.in6.sin6_addr) == 1);
	} else {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
		must(inet_pton(AF_INET, ip, &a.in.sin_addr) == 1);
	}
	return a;
}

static TEST_UNUSED union addr addr_lo(bool v6, int port)
{
	return addr_of(v6, v6 ? "::1" : "127.0.0.1", port);
}

static TEST_UNUSED union addr addr_any(bool v6, int port)
{
	return addr_of(v6, v6 ? "::" : "0.0.0.0", port);
}

static TEST_UNUSED int addr_port(const union addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

static TEST_UNUSED bool addr_eq(const union addr *a, const union addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family || addr_port(a) != addr_port(b))
		return false;
	if (a->sa.sa_family == AF_INET6)
		return !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16);
	return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

static TEST_UNUSED union addr sock_name(int fd)
{
	union addr a = {};
	socklen_t len = sizeof(a);

	must(getsockname(fd, &a.sa, &len) == 0);
	return a;
}

static TEST_UNUSED union addr peer_name(int fd)
{
	union addr a = {};
	socklen_t len = sizeof(a);

	must(getpeername(fd, &a.sa, &len) == 0);
	return a;
}

static TEST_UNUSED int test_bind(int fd, const union addr *a)
{
	return bind(fd, &a->sa, addr_len(a->sa.sa_family == AF_INET6));
}

static TEST_UNUSED int get_int(int fd, int level, int opt)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	return getsockopt(fd, level, opt, &v, &len) ? -errno : v;
}

static TEST_UNUSED int set_int(int fd, int level, int opt, int v)
{
	return setsockopt(fd, level, opt, &v, sizeof(v));
}

static TEST_UNUSED void set_timeout(int fd, int opt, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	must(setsockopt(fd, SOL_SOCKET, opt, &tv, sizeof(tv)) == 0);
}

static TEST_UNUSED void set_nonblock(int fd, bool on)
{
	int fl = fcntl(fd, F_GETFL);

	must(fcntl(fd, F_SETFL, on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK) == 0);
}

static TEST_UNUSED void set_linger(int fd, int onoff, int seconds)
{
	struct linger l = { .l_onoff = onoff, .l_linger = seconds };

	must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == 0);
}

/* poll() for @events; what came, 0 when the time is over. */
static TEST_UNUSED int poll_ms(int fd, int events, int ms)
{
	int64_t end = now_us() + ms * 1000LL, left = ms;
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&p, 1, left);
		left = (end - now_us()) / 1000;
	} while (n < 0 && errno == EINTR && left >= 0);
	if (n < 0 && errno == EINTR)
		return 0;
	must(n >= 0);
	return p.revents;
}

static TEST_UNUSED int poll_for(int fd, int events)
{
	return poll_ms(fd, events, TEST_DEADLINE_MS);
}

/* What poll() says now, about everything. */
static TEST_UNUSED int poll_now(int fd)
{
	return poll_ms(fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0);
}

/* Listening on loopback, under test. */
static TEST_UNUSED int test_listener(bool v6, int backlog, union addr *at)
{
	int fd = test_socket(v6, SOCK_CLOEXEC);

	*at = addr_lo(v6, 0);
	must(fd >= 0);
	must(test_bind(fd, at) == 0);
	must(listen(fd, backlog) == 0);
	*at = sock_name(fd);
	return fd;
}

/* A client of the kernel's TCP, connected. */
static TEST_UNUSED int peer_connect(const union addr *to)
{
	bool v6 = to->sa.sa_family == AF_INET6;
	int fd = peer_socket(v6, SOCK_CLOEXEC);

	must(fd >= 0);
	must(connect(fd, &to->sa, addr_len(v6)) == 0);
	return fd;
}

static TEST_UNUSED int test_accept(int lfd)
{
	int fd;

	if (!(poll_for(lfd, POLLIN) & POLLIN))
		die("no connection to accept");
	fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
	must(fd >= 0);
	return fd;
}

/* A connection: fd[0] under test, fd[1] its peer. */
static TEST_UNUSED void test_pair(bool v6, int fd[2])
{
	union addr at;
	int lfd = test_listener(v6, 1, &at);

	fd[1] = peer_connect(&at);
	fd[0] = test_accept(lfd);
	close(lfd);
}

static TEST_UNUSED void send_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	for (; len; p += n, len -= n) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			must(poll_for(fd, POLLOUT) != 0);
			n = 0;
		}
		must(n >= 0);
	}
}

/* Exactly @len bytes, or the test ends. */
static TEST_UNUSED void recv_all(int fd, void *buf, size_t len)
{
	char *p = buf;
	ssize_t n;

	for (; len; p += n, len -= n) {
		if (!poll_for(fd, POLLIN))
			die("%zu bytes did not come", len);
		n = recv(fd, p, len, 0);
		if (n == 0)
			die("end of stream, %zu bytes missing", len);
		if (n < 0 && errno == EAGAIN)
			n = 0;
		must(n >= 0);
	}
}

/* recv() with a deadline: bytes, or -errno. */
static TEST_UNUSED int recv_soon(int fd, void *buf, size_t len)
{
	ssize_t n;

	if (!poll_for(fd, POLLIN))
		return -ETIMEDOUT;
	n = recv(fd, buf, len, MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/* The byte at offset @i of a test stream. */
static TEST_UNUSED uint8_t pattern(uint64_t i)
{
	return (i * 2654435761u >> 13) ^ i;
}

static TEST_UNUSED void pattern_fill(void *buf, size_t len, uint64_t at)
{
	uint8_t *p = buf;

	while (len--)
		*p++ = pattern(at++);
}

static TEST_UNUSED bool pattern_ok(const void *buf, size_t len, uint64_t at)
{
	const uint8_t *p = buf;

	for (; len--; p++, at++)
		if (*p != pattern(at)) {
			fprintf(stderr, "# byte %" PRIu64 " of the stream is wrong\n", at);
			return false;
		}
	return true;
}

static TEST_UNUSED struct xtcp_listen_info listen_info(int fd)
{
	struct xtcp_listen_info info = { .size = sizeof(info) };
	socklen_t len = sizeof(info);

	must(getsockopt(fd, SOL_XTCP, XTCP_LISTEN_INFO, &info, &len) == 0);
	return info;
}

static TEST_UNUSED struct tcp_info tcp_info_of(int fd)
{
	struct tcp_info ti = {};
	socklen_t len = sizeof(ti);

	must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) == 0);
	return ti;
}

#endif
