// SPDX-License-Identifier: GPL-2.0
/* api_data.c - bytes through a connection: send, receive, shut down, close. */
#include "xtcp_test.h"

#include <limits.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <linux/sockios.h>

FIXTURE(data) {
	int fd;		/* under test */
	int peer;
};

FIXTURE_VARIANT(data) {
	bool v6;
};

FIXTURE_VARIANT_ADD(data, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(data, v6) { .v6 = true };

FIXTURE_SETUP(data)
{
	int fd[2];

	test_begin();
	test_pair(variant->v6, fd);
	self->fd = fd[0];
	self->peer = fd[1];
}

FIXTURE_TEARDOWN(data)
{
	close(self->fd);
	close(self->peer);
}

/* Bytes that can be read now */
static int inq(int fd)
{
	int n = -1;

	must(ioctl(fd, SIOCINQ, &n) == 0);
	return n;
}

static int outq(int fd)
{
	int n = -1;

	must(ioctl(fd, SIOCOUTQ, &n) == 0);
	return n;
}

/* --- streams ------------------------------------------------------------- */

TEST_F(data, echo)
{
	char out[100], in[100];
	int i;

	for (i = 1; i <= 100; i++) {
		pattern_fill(out, i, i * 1000);
		send_all(self->peer, out, i);
		recv_all(self->fd, in, i);
		send_all(self->fd, in, i);
		recv_all(self->peer, in, i);
		ASSERT_TRUE(pattern_ok(in, i, i * 1000));
	}
}

struct stream {
	int fd;
	uint64_t total;
	int chunk;
	bool ok;
};

static void *stream_out(void *arg)
{
	struct stream *s = arg;
	uint8_t *buf = malloc(s->chunk);
	uint64_t at;
	int n;

	for (at = 0; at < s->total; at += n) {
		n = s->total - at < s->chunk ? s->total - at : s->chunk;
		pattern_fill(buf, n, at);
		send_all(s->fd, buf, n);
	}
	shutdown(s->fd, SHUT_WR);
	free(buf);
	return NULL;
}

static void *stream_in(void *arg)
{
	struct stream *s = arg;
	uint8_t *buf = malloc(s->chunk);
	uint64_t at;
	int n;

	for (at = 0; (n = recv(s->fd, buf, s->chunk, 0)) > 0; at += n)
		if (!pattern_ok(buf, n, at))
			break;
	s->ok = n == 0 && at == s->total;
	if (!s->ok)
		fprintf(stderr, "# recv(): %d (errno %d) after %" PRIu64 " of %" PRIu64 "\n",
			n, errno, at, s->total);
	free(buf);
	return NULL;
}

/* Both ways at once, with these sizes of write and read. */
static bool both_ways(int fd, int peer, uint64_t total, int out, int in)
{
	struct stream s[4] = {
		{ fd, total, out }, { peer, total, in }, { peer, total, out }, { fd, total, in },
	};
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		must(pthread_create(&t[i], NULL, i & 1 ? stream_in : stream_out, &s[i]) == 0);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	return s[1].ok && s[3].ok;
}

TEST_F_TIMEOUT(data, stream__large_chunks, 120)
{
	EXPECT_TRUE(both_ways(self->fd, self->peer, scale(8 << 20), 65536, 65536));
}

TEST_F_TIMEOUT(data, stream__odd_chunks, 120)
{
	EXPECT_TRUE(both_ways(self->fd, self->peer, scale(1 << 20), 1009, 777));
}

TEST_F_TIMEOUT(data, stream__huge_chunks, 120)
{
	EXPECT_TRUE(both_ways(self->fd, self->peer, scale(8 << 20), 3 << 20, 1 << 20));
}

TEST_F_TIMEOUT(data, stream__small_buffers, 120)
{
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_SNDBUF, 1));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUF, 1));
	ASSERT_EQ(0, set_int(self->peer, SOL_SOCKET, SO_RCVBUF, 1));
	EXPECT_TRUE(both_ways(self->fd, self->peer, scale(200000), 5000, 5000));
}

TEST_F_TIMEOUT(data, stream__one_byte_writes, 120)
{
	ASSERT_EQ(0, set_int(self->fd, IPPROTO_TCP, TCP_NODELAY, 1));
	EXPECT_TRUE(both_ways(self->fd, self->peer, scale(3000), 1, 100));
}

/* --- reading ------------------------------------------------------------- */

TEST_F(data, recv__nothing_there)
{
	int64_t t;
	char c;

	EXPECT_ERRNO(EAGAIN, recv(self->fd, &c, 1, MSG_DONTWAIT));
	set_nonblock(self->fd, true);
	EXPECT_ERRNO(EAGAIN, recv(self->fd, &c, 1, 0));
	EXPECT_ERRNO(EAGAIN, read(self->fd, &c, 1));
	set_nonblock(self->fd, false);
	set_timeout(self->fd, SO_RCVTIMEO, 100);
	t = now_us();
	EXPECT_ERRNO(EAGAIN, recv(self->fd, &c, 1, 0));
	EXPECT_GE(now_us() - t, 50000);
}

TEST_F(data, recv__zero_length)
{
	char c;

	EXPECT_ERRNO(EAGAIN, recv(self->fd, &c, 0, MSG_DONTWAIT));
	send_all(self->peer, "x", 1);
	ASSERT_TRUE(poll_for(self->fd, POLLIN) & POLLIN);
	EXPECT_EQ(0, recv(self->fd, &c, 0, 0));
	EXPECT_EQ(1, recv(self->fd, &c, 1, 0));
}

TEST_F(data, recv__partial)
{
	char buf[10] = {};

	send_all(self->peer, "hello", 5);
	ASSERT_TRUE(poll_for(self->fd, POLLIN) & POLLIN);
	EXPECT_EQ(2, recv(self->fd, buf, 2, 0));
	EXPECT_EQ(3, recv(self->fd, buf + 2, 8, 0));
	EXPECT_STREQ("hello", buf);
}

TEST_F(data, recv__peek)
{
	char buf[10] = {};
	int i;

	send_all(self->peer, "hello", 5);
	send_all(self->peer, "world", 5);
	ASSERT_TRUE(wait_until(inq(self->fd) == 10));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(7, recv(self->fd, buf, 7, MSG_PEEK));
	EXPECT_EQ(0, memcmp(buf, "hellowo", 7));
	EXPECT_EQ(10, inq(self->fd));
	EXPECT_EQ(10, recv(self->fd, buf, 10, 0));
	EXPECT_EQ(0, memcmp(buf, "helloworld", 10));
}

TEST_F(data, recv__peek_then_eof)
{
	char buf[10];

	send_all(self->peer, "hello", 5);
	close(self->peer);
	ASSERT_TRUE(poll_for(self->fd, POLLRDHUP) & POLLRDHUP);
	EXPECT_EQ(5, recv(self->fd, buf, 10, MSG_PEEK | MSG_WAITALL));
	EXPECT_EQ(5, recv(self->fd, buf, 10, MSG_WAITALL));
	EXPECT_EQ(0, recv(self->fd, buf, 10, MSG_PEEK));
	EXPECT_EQ(0, recv(self->fd, buf, 10, 0));
	EXPECT_EQ(0, recv(self->fd, buf, 10, 0));
}

TEST_F(data, recv__discards_with_trunc)
{
	char buf[10] = "untouched";

	send_all(self->peer, "helloworld", 10);
	ASSERT_TRUE(wait_until(inq(self->fd) == 10));
	EXPECT_EQ(5, recv(self->fd, buf, 5, MSG_TRUNC));
	EXPECT_STREQ("untouched", buf);
	EXPECT_EQ(5, recv(self->fd, buf, 9, 0));
	EXPECT_EQ(0, memcmp(buf, "world", 5));
}

static void *send_later(void *arg)
{
	usleep(30000);
	send_all((long)arg, "worldworld", 10);
	return NULL;
}

TEST_F(data, recv__waitall)
{
	char buf[20];
	pthread_t t;

	send_all(self->peer, "hello", 5);
	ASSERT_EQ(0, pthread_create(&t, NULL, send_later, (void *)(long)self->peer));
	EXPECT_EQ(15, recv(self->fd, buf, 15, MSG_WAITALL));
	EXPECT_EQ(0, memcmp(buf, "helloworldworld", 15));
	pthread_join(t, NULL);
	/* the time is over: what there is */
	send_all(self->peer, "hello", 5);
	set_timeout(self->fd, SO_RCVTIMEO, 100);
	EXPECT_EQ(5, recv(self->fd, buf, 10, MSG_WAITALL));
	/* and told not to wait */
	send_all(self->peer, "hello", 5);
	ASSERT_TRUE(wait_until(inq(self->fd) == 5));
	EXPECT_EQ(5, recv(self->fd, buf, 10, MSG_WAITALL | MSG_DONTWAIT));
}

TEST_F(data, recv__low_water)
{
	char buf[20];
	pthread_t t;

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVLOWAT, 8));
	send_all(self->peer, "hello", 5);
	ASSERT_TRUE(wait_until(inq(self->fd) == 5));
	EXPECT_EQ(0, poll_now(self->fd) & POLLIN);
	ASSERT_EQ(0, pthread_create(&t, NULL, send_later, (void *)(long)self->peer));
	EXPECT_GE(recv(self->fd, buf, 20, 0), 8);
	pthread_join(t, NULL);
	recv(self->fd, buf, 20, MSG_DONTWAIT);
	/* the end is news however little came before it */
	send_all(self->peer, "x", 1);
	shutdown(self->peer, SHUT_WR);
	EXPECT_TRUE(poll_for(self->fd, POLLIN) & POLLIN);
}

TEST_F(data, recv__iovec)
{
	char a[3], b[1], c[8];
	struct iovec v[4] = { { a, 3 }, { b, 0 }, { b, 1 }, { c, 8 } };

	send_all(self->peer, "helloworld", 10);
	ASSERT_TRUE(wait_until(inq(self->fd) == 10));
	EXPECT_EQ(10, readv(self->fd, v, 4));
	EXPECT_EQ(0, memcmp(a, "hel", 3));
	EXPECT_EQ('l', b[0]);
	EXPECT_EQ(0, memcmp(c, "oworld", 6));
}

/* MF-17: there is no sender's name on a stream. */
TEST_F(data, recv__no_name)
{
	union addr a;
	socklen_t len = sizeof(a);
	char c;

	send_all(self->peer, "x", 1);
	EXPECT_EQ(1, recvfrom(self->fd, &c, 1, 0, &a.sa, &len));
	EXPECT_EQ(0, len);
}

/* IOW-6: what fits before the bad address is kept, the rest not lost. */
TEST_F(data, recv__bad_address)
{
	char a[4], in[8];
	struct iovec v[2] = { { a, 4 }, { (void *)8, 4 } };

	send_all(self->peer, "helloxyz", 8);
	ASSERT_TRUE(wait_until(inq(self->fd) == 8));
	EXPECT_ERRNO(EFAULT, recv(self->fd, (void *)8, 8, 0));
	EXPECT_EQ(8, inq(self->fd));
	EXPECT_EQ(8, recv(self->fd, in, 8, MSG_PEEK));
	EXPECT_GE(readv(self->fd, v, 2), -1);
	EXPECT_TRUE(poll_now(self->fd) & POLLOUT);
}

TEST_F(data, recv__mmsg)
{
	char a[5], b[5];
	struct iovec va = { a, 5 }, vb = { b, 5 };
	struct mmsghdr m[2] = {
		{ .msg_hdr = { .msg_iov = &va, .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &vb, .msg_iovlen = 1 } },
	};

	memcpy(a, "hello", 5);
	memcpy(b, "world", 5);
	EXPECT_EQ(2, sendmmsg(self->fd, m, 2, 0));
	ASSERT_TRUE(wait_until(inq(self->peer) == 10));
	EXPECT_EQ(2, sendmmsg(self->peer, m, 2, 0));
	ASSERT_TRUE(wait_until(inq(self->fd) == 10));
	memset(a, 0, 5);
	EXPECT_EQ(2, recvmmsg(self->fd, m, 2, 0, NULL));
	EXPECT_EQ(5, m[1].msg_len);
	EXPECT_EQ(0, memcmp(a, "hello", 5));
}

/* --- writing ------------------------------------------------------------- */

/* Fill the way to a peer that does not read. */
static int fill(int fd)
{
	char buf[65536];
	int n, sum = 0;

	memset(buf, 'x', sizeof(buf));
	do {
		while ((n = send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
			sum += n;
		must(errno == EAGAIN);
	} while (poll_ms(fd, POLLOUT, 300) & POLLOUT);
	/* room that is too little for POLLOUT */
	while ((n = send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		sum += n;
	return sum;
}

TEST_F(data, send__full)
{
	char buf[65536];
	int sum, n, got = 0;
	int64_t t;

	sum = fill(self->fd);
	EXPECT_GT(sum, 16384);
	EXPECT_ERRNO(EAGAIN, send(self->fd, buf, 1, MSG_DONTWAIT));
	EXPECT_GT(outq(self->fd), 0);
	set_timeout(self->fd, SO_SNDTIMEO, 100);
	t = now_us();
	EXPECT_ERRNO(EAGAIN, send(self->fd, buf, 1, 0));
	EXPECT_GE(now_us() - t, 50000);
	/* all of it arrives, and then there is room */
	while (got < sum) {
		n = recv_soon(self->peer, buf, sizeof(buf));
		ASSERT_GT(n, 0);
		got += n;
	}
	EXPECT_EQ(sum, got);
	EXPECT_TRUE(poll_for(self->fd, POLLOUT) & POLLOUT);
	EXPECT_TRUE(wait_until(outq(self->fd) == 0));
}

/* A blocking write that runs out of time has written what there was room for. */
TEST_F(data, send__partial_with_timeout)
{
	static char buf[16 << 20];
	int n;

	set_timeout(self->fd, SO_SNDTIMEO, 300);
	n = send(self->fd, buf, sizeof(buf), 0);
	EXPECT_GT(n, 0);
	EXPECT_LT(n, (int)sizeof(buf));
}

TEST_F(data, send__zero_length)
{
	EXPECT_EQ(0, send(self->fd, "", 0, 0));
	EXPECT_EQ(0, poll_ms(self->peer, POLLIN, 50) & POLLIN);
	EXPECT_EQ(0, outq(self->fd));
}

TEST_F(data, send__bad_address)
{
	char c;

	EXPECT_ERRNO(EFAULT, send(self->fd, (void *)8, 100, 0));
	send_all(self->fd, "x", 1);
	recv_all(self->peer, &c, 1);
	EXPECT_EQ('x', c);
}

TEST_F(data, send__part_of_a_bad_address)
{
	long page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char in[8192];
	int n;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + page, page));
	pattern_fill(p, page, 0);
	n = send(self->fd, p + page - 100, 200, 0);
	EXPECT_TRUE(n == 100 || (n == -1 && errno == EFAULT));
	send_all(self->fd, "end", 3);
	if (n < 0)
		n = 0;
	recv_all(self->peer, in, n + 3);	/* what was said is what came */
	EXPECT_TRUE(pattern_ok(in, n, page - 100));
	EXPECT_EQ(0, memcmp(in + n, "end", 3));
}

TEST_F(data, send__address_is_ignored)
{
	union addr to = addr_lo(variant->v6, 1);
	char c;

	EXPECT_EQ(1, sendto(self->fd, "x", 1, 0, &to.sa, addr_len(variant->v6)));
	recv_all(self->peer, &c, 1);
}

TEST_F(data, send__iovec)
{
	struct iovec v[3] = { { "hel", 3 }, { NULL, 0 }, { "lo", 2 } };
	char in[5];

	EXPECT_EQ(5, writev(self->fd, v, 3));
	recv_all(self->peer, in, 5);
	EXPECT_EQ(0, memcmp(in, "hello", 5));
}

TEST_F(data, send__file)
{
	int file = memfd_create("data", 0), n = 300000, sent = 0;
	uint8_t *buf = malloc(n);
	struct stream in = { self->peer, n, 65536 };
	pthread_t t;
	off_t off = 0;

	pattern_fill(buf, n, 0);
	ASSERT_EQ(n, write(file, buf, n));
	ASSERT_EQ(0, pthread_create(&t, NULL, stream_in, &in));
	while (sent < n) {
		ssize_t k = sendfile(self->fd, file, &off, n - sent);

		ASSERT_GT(k, 0);
		sent += k;
	}
	shutdown(self->fd, SHUT_WR);
	pthread_join(t, NULL);
	EXPECT_TRUE(in.ok);
	free(buf);
}

TEST_F(data, splice__both_ways)
{
	char in[5];
	int p[2];

	ASSERT_EQ(0, pipe(p));
	send_all(self->peer, "hello", 5);
	EXPECT_EQ(5, splice(self->fd, NULL, p[1], NULL, 5, 0));
	EXPECT_EQ(5, splice(p[0], NULL, self->fd, NULL, 5, 0));
	recv_all(self->peer, in, 5);
	EXPECT_EQ(0, memcmp(in, "hello", 5));
	set_nonblock(self->fd, true);
	EXPECT_ERRNO(EAGAIN, splice(self->fd, NULL, p[1], NULL, 5, 0));
	set_nonblock(self->fd, false);
	close(self->peer);
	EXPECT_EQ(0, splice(self->fd, NULL, p[1], NULL, 5, 0));
}

/* --- queue lengths ------------------------------------------------------- */

TEST_F(data, ioctl__queues)
{
	char buf[10];

	EXPECT_EQ(0, inq(self->fd));
	EXPECT_EQ(0, outq(self->fd));
	send_all(self->peer, "helloworld", 10);
	EXPECT_TRUE(wait_until(inq(self->fd) == 10));
	recv_all(self->fd, buf, 4);
	EXPECT_EQ(6, inq(self->fd));
	send_all(self->fd, "x", 1);
	EXPECT_TRUE(wait_until(outq(self->fd) == 0));
	EXPECT_TRUE(wait_until(inq(self->peer) == 1));
}

/* --- shut down and close ------------------------------------------------- */

static int sigpipes;

static void on_sigpipe(int sig)
{
	sigpipes++;
}

TEST_F(data, shutdown__write)
{
	char c;

	send_all(self->fd, "x", 1);
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	EXPECT_EQ(1, recv_soon(self->peer, &c, 1));
	EXPECT_EQ(0, recv_soon(self->peer, &c, 1));
	signal(SIGPIPE, on_sigpipe);
	EXPECT_ERRNO(EPIPE, send(self->fd, "x", 1, MSG_NOSIGNAL));
	EXPECT_EQ(0, sigpipes);
	EXPECT_ERRNO(EPIPE, send(self->fd, "x", 1, 0));
	EXPECT_EQ(1, sigpipes);
	EXPECT_ERRNO(EPIPE, write(self->fd, "x", 1));
	EXPECT_EQ(2, sigpipes);
	/* the other way goes on */
	send_all(self->peer, "y", 1);
	EXPECT_EQ(1, recv_soon(self->fd, &c, 1));
	EXPECT_EQ(0, shutdown(self->fd, SHUT_WR));
	close(self->peer);
	EXPECT_EQ(0, recv_soon(self->fd, &c, 1));
}

TEST_F(data, shutdown__read)
{
	char c;

	ASSERT_EQ(0, shutdown(self->fd, SHUT_RD));
	EXPECT_EQ(0, recv(self->fd, &c, 1, 0));
	EXPECT_EQ(POLLIN | POLLRDHUP | POLLOUT, poll_now(self->fd));
	send_all(self->peer, "x", 1);	/* CL-2 */
	EXPECT_TRUE(wait_until(inq(self->fd) == 1));
	EXPECT_EQ(1, recv(self->fd, &c, 1, 0));
	EXPECT_EQ(0, recv(self->fd, &c, 1, 0));
	send_all(self->fd, "y", 1);
	EXPECT_EQ(1, recv_soon(self->peer, &c, 1));
}

TEST_F(data, shutdown__both)
{
	char c;

	ASSERT_EQ(0, shutdown(self->fd, SHUT_RDWR));
	EXPECT_EQ(0, recv_soon(self->peer, &c, 1));
	EXPECT_EQ(0, recv(self->fd, &c, 1, 0));
	EXPECT_ERRNO(EPIPE, send(self->fd, "x", 1, MSG_NOSIGNAL));
	send_all(self->peer, "x", 1);
	EXPECT_TRUE(poll_for(self->peer, POLLERR) & POLLERR);
	EXPECT_EQ(EPIPE, get_int(self->peer, SOL_SOCKET, SO_ERROR));	/* after the FIN */
}

TEST_F(data, shutdown__arguments)
{
	EXPECT_ERRNO(EINVAL, shutdown(self->fd, 3));
	EXPECT_ERRNO(EINVAL, shutdown(self->fd, -1));
	EXPECT_ERRNO(EBADF, shutdown(1000, SHUT_RD));
}

static void *recv_thread(void *arg)
{
	char c;

	return (void *)(long)recv((long)arg, &c, 1, 0);
}

/* IOW-8 */
TEST_F(data, shutdown__wakes_the_reader)
{
	pthread_t t;
	void *n;

	ASSERT_EQ(0, pthread_create(&t, NULL, recv_thread, (void *)(long)self->fd));
	usleep(20000);
	ASSERT_EQ(0, shutdown(self->fd, SHUT_RD));
	pthread_join(t, &n);
	EXPECT_EQ(0, (long)n);
}

static void *send_thread(void *arg)
{
	static char buf[32 << 20];
	ssize_t n;

	do {
		n = send((long)arg, buf, sizeof(buf), MSG_NOSIGNAL);
	} while (n > 0);
	return (void *)(long)errno;
}

TEST_F(data, shutdown__wakes_the_writer)
{
	pthread_t t;
	void *err;

	ASSERT_EQ(0, pthread_create(&t, NULL, send_thread, (void *)(long)self->fd));
	EXPECT_TRUE(wait_until(!(poll_now(self->fd) & POLLOUT)));
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	pthread_join(t, &err);
	EXPECT_EQ(EPIPE, (long)err);
}

TEST_F(data, reset__wakes_the_writer)
{
	pthread_t t;
	void *err;

	ASSERT_EQ(0, pthread_create(&t, NULL, send_thread, (void *)(long)self->fd));
	EXPECT_TRUE(wait_until(!(poll_now(self->fd) & POLLOUT)));
	close(self->peer);	/* unread data: RST */
	pthread_join(t, &err);
	EXPECT_TRUE((long)err == ECONNRESET || (long)err == EPIPE);
	self->peer = -1;
}

TEST_F(data, half_close__server_streams_on)
{
	struct stream out = { self->fd, scale(1 << 20), 10000 };
	struct stream in = { self->peer, scale(1 << 20), 10000 };
	pthread_t t;
	char c;

	shutdown(self->peer, SHUT_WR);
	EXPECT_EQ(0, recv_soon(self->fd, &c, 1));
	ASSERT_EQ(0, pthread_create(&t, NULL, stream_out, &out));
	stream_in(&in);
	pthread_join(t, NULL);
	EXPECT_TRUE(in.ok);
}

TEST_F(data, close__sends_what_is_queued)
{
	struct stream in = { self->peer, 100000, 10000 };
	uint8_t *buf = malloc(100000);

	pattern_fill(buf, 100000, 0);
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_SNDBUF, 200000));
	send_all(self->fd, buf, 100000);
	ASSERT_EQ(0, close(self->fd));
	stream_in(&in);
	EXPECT_TRUE(in.ok);
	EXPECT_ERRNO(EBADF, close(self->fd));
	free(buf);
}

/* SHLD-3 */
TEST_F(data, close__unread_data_resets)
{
	char c;

	send_all(self->peer, "x", 1);
	ASSERT_TRUE(wait_until(inq(self->fd) == 1));
	close(self->fd);
	EXPECT_EQ(-ECONNRESET, recv_soon(self->peer, &c, 1));
}

TEST_F(data, close__linger_zero_resets)
{
	char c;

	set_linger(self->fd, 1, 0);
	close(self->fd);
	EXPECT_EQ(-ECONNRESET, recv_soon(self->peer, &c, 1));
}

TEST_F(data, close__by_exec_and_exit)
{
	pid_t pid = fork();
	char c;

	if (!pid)
		_exit(0);
	close(self->fd);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, recv_soon(self->peer, &c, 1));
}

/* CL-10: the end of a process waits for nobody. */
TEST_F(data, close__exit_does_not_linger)
{
	static char buf[65536];
	int64_t t = now_us();
	int go[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid) {
		close(go[1]);
		must(read(go[0], buf, 1) == 0);		/* this is the last descriptor */
		set_linger(self->fd, 1, 1000);
		while (send(self->fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
		_exit(0);
	}
	close(self->fd);
	close(go[1]);
	waitpid(pid, NULL, 0);
	EXPECT_LE(now_us() - t, TEST_DEADLINE_MS * 1000);
	self->fd = -1;
}

/* MUST-12, ER-3: data first, then the error once, then the end */
TEST_F(data, reset__after_data)
{
	char buf[10];

	send_all(self->peer, "hello", 5);
	ASSERT_TRUE(wait_until(inq(self->fd) == 5));
	set_linger(self->peer, 1, 0);
	close(self->peer);
	ASSERT_TRUE(poll_for(self->fd, POLLHUP) & POLLHUP);
	EXPECT_EQ(5, recv(self->fd, buf, 10, 0));
	EXPECT_ERRNO(ECONNRESET, recv(self->fd, buf, 10, 0));
	EXPECT_EQ(0, recv(self->fd, buf, 10, 0));
	EXPECT_ERRNO(EPIPE, send(self->fd, "x", 1, MSG_NOSIGNAL));
	EXPECT_ERRNO(ENOTCONN, getpeername(self->fd, (void *)buf, &(socklen_t){ 10 }));
	EXPECT_ERRNO(ENOTCONN, shutdown(self->fd, SHUT_WR));
}

/* ES-2, ES-1 */
TEST_F(data, reset__send_hears_it_once)
{
	set_linger(self->peer, 1, 0);
	close(self->peer);
	ASSERT_TRUE(poll_for(self->fd, POLLHUP) & POLLHUP);
	EXPECT_ERRNO(ECONNRESET, send(self->fd, "x", 1, MSG_NOSIGNAL));
	EXPECT_ERRNO(EPIPE, send(self->fd, "x", 1, MSG_NOSIGNAL));
}

TEST_F(data, reset__so_error_clears)
{
	set_linger(self->peer, 1, 0);
	close(self->peer);
	ASSERT_TRUE(poll_for(self->fd, POLLHUP) & POLLHUP);
	EXPECT_EQ(ECONNRESET, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
}

/* --- signals ------------------------------------------------------------- */

static void on_signal(int sig)
{
}

struct kicker {
	pthread_t victim;
	bool stop;
};

static void *kick(void *arg)
{
	struct kicker *k = arg;

	while (!__atomic_load_n(&k->stop, __ATOMIC_ACQUIRE)) {
		pthread_kill(k->victim, SIGUSR1);
		usleep(5000);
	}
	return NULL;
}

/* IOW-7 */
TEST_F(data, signal__interrupts)
{
	struct kicker k = { .victim = pthread_self() };
	struct sigaction sa = { .sa_handler = on_signal };
	pthread_t t;
	char buf[10];

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, pthread_create(&t, NULL, kick, &k));
	EXPECT_ERRNO(EINTR, recv(self->fd, buf, 1, 0));
	send_all(self->peer, "hello", 5);
	ASSERT_TRUE(wait_until(inq(self->fd) == 5));
	EXPECT_EQ(5, recv(self->fd, buf, 10, MSG_WAITALL));
	fill(self->fd);
	EXPECT_ERRNO(EINTR, send(self->fd, buf, 1, 0));
	__atomic_store_n(&k.stop, true, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
}

/* IOW-9 */
TEST_F(data, killed__while_blocked)
{
	int i, status;

	for (i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (!pid) {
			if (i)
				send_thread((void *)(long)self->fd);
			else
				recv_thread((void *)(long)self->fd);
			_exit(0);
		}
		usleep(50000);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
}

/* IOW-8: close() does not wake a reader in another thread, who keeps the file. */
TEST_F(data, close__while_another_thread_reads)
{
	int fd = dup(self->fd);
	pthread_t t;
	void *n;

	ASSERT_EQ(0, pthread_create(&t, NULL, recv_thread, (void *)(long)fd));
	close(self->fd);
	usleep(20000);
	close(fd);
	send_all(self->peer, "x", 1);
	pthread_join(t, &n);
	EXPECT_TRUE((long)n == 1 || (long)n == -1);
	self->fd = -1;
}

TEST_HARNESS_MAIN
