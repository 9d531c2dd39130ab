// SPDX-License-Identifier: GPL-2.0
/* api_poll.c - what poll() and epoll say in each state: conformance 3.9. */
#include "xtcp_test.h"

#include <linux/aio_abi.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define P_IN	(POLLIN | POLLRDNORM)
#define P_OUT	(POLLOUT | POLLWRNORM)
#define P_ALL	(P_IN | P_OUT | POLLPRI | POLLRDHUP)

FIXTURE(poll) {
	int lfd;
	union addr at;
	int fd, peer;
};

FIXTURE_VARIANT(poll) {
	bool v6;
};

FIXTURE_VARIANT_ADD(poll, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(poll, v6) { .v6 = true };

FIXTURE_SETUP(poll)
{
	test_begin();
	self->lfd = test_listener(variant->v6, 5, &self->at);
	self->peer = peer_connect(&self->at);
	self->fd = test_accept(self->lfd);
}

FIXTURE_TEARDOWN(poll)
{
	close(self->lfd);
	close(self->fd);
	close(self->peer);
}

/* All of poll() says @want, within the deadline. */
#define EXPECT_POLL(want, fd) do {					     \
	int want_ = (want), fd_ = (fd);					     \
	wait_until(poll_ms(fd_, P_ALL, 0) == want_);			     \
	EXPECT_EQ(want_, poll_ms(fd_, P_ALL, 0));			     \
} while (0)

static int events(int ep, int ms)
{
	struct epoll_event e = {};
	int n = epoll_wait(ep, &e, 1, ms);

	must(n >= 0);
	return n ? e.events : 0;
}

static int watch(int fd, unsigned int what)
{
	struct epoll_event e = { .events = what };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	must(ep >= 0);
	must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0);
	return ep;
}

static void fill(int fd)
{
	char buf[65536] = {};

	do {
		while (send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			;
	} while (poll_ms(fd, POLLOUT, 300) & POLLOUT);
}

static void drain(int fd)
{
	char buf[65536];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

/* --- states -------------------------------------------------------------- */

TEST_F(poll, fresh)	/* PO-1 */
{
	EXPECT_POLL(P_OUT | POLLHUP, test_socket(variant->v6, 0));
}

TEST_F(poll, bound)
{
	int fd = test_socket(variant->v6, 0);
	union addr a = addr_lo(variant->v6, 0);

	ASSERT_EQ(0, test_bind(fd, &a));
	EXPECT_POLL(P_OUT | POLLHUP, fd);
}

TEST_F(poll, listener)	/* PO-2, PO-3 */
{
	int c;

	EXPECT_POLL(0, self->lfd);
	c = peer_connect(&self->at);
	EXPECT_POLL(P_IN, self->lfd);
	close(accept(self->lfd, NULL, NULL));
	EXPECT_POLL(0, self->lfd);
	close(c);
}

TEST_F(poll, listener_closed)
{
	ASSERT_EQ(0, shutdown(self->lfd, SHUT_RDWR));
	EXPECT_TRUE(poll_ms(self->lfd, P_ALL, 0) & POLLHUP);
}

TEST_F(poll, established)	/* PO-7, PO-8 */
{
	char c;

	EXPECT_POLL(P_OUT, self->fd);
	send_all(self->peer, "x", 1);
	EXPECT_POLL(P_IN | P_OUT, self->fd);
	recv_all(self->fd, &c, 1);
	EXPECT_POLL(P_OUT, self->fd);
}

TEST_F(poll, low_water)
{
	char two[2];

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVLOWAT, 3));
	send_all(self->peer, "xx", 2);
	ASSERT_TRUE(wait_until(recv(self->fd, two, 2, MSG_PEEK | MSG_DONTWAIT) == 2));
	EXPECT_POLL(P_OUT, self->fd);
	send_all(self->peer, "x", 1);
	EXPECT_POLL(P_IN | P_OUT, self->fd);
}

TEST_F(poll, full)	/* PO-9 */
{
	fill(self->fd);
	EXPECT_POLL(0, self->fd);
	drain(self->peer);
	while (!(poll_ms(self->fd, POLLOUT, 10) & POLLOUT))
		drain(self->peer);
	EXPECT_POLL(P_OUT, self->fd);
}

TEST_F(poll, close_wait)	/* PO-10 */
{
	shutdown(self->peer, SHUT_WR);
	EXPECT_POLL(P_IN | P_OUT | POLLRDHUP, self->fd);
}

TEST_F(poll, fin_wait)	/* PO-11 */
{
	shutdown(self->fd, SHUT_WR);
	EXPECT_POLL(P_OUT, self->fd);
	fill(self->peer);
	EXPECT_POLL(P_IN | P_OUT, self->fd);
}

TEST_F(poll, both_shut)	/* PO-12 */
{
	shutdown(self->fd, SHUT_WR);
	shutdown(self->peer, SHUT_WR);
	EXPECT_POLL(P_IN | P_OUT | POLLRDHUP | POLLHUP, self->fd);
}

TEST_F(poll, last_ack)
{
	shutdown(self->peer, SHUT_WR);
	EXPECT_POLL(P_IN | P_OUT | POLLRDHUP, self->fd);
	shutdown(self->fd, SHUT_WR);
	EXPECT_POLL(P_IN | P_OUT | POLLRDHUP | POLLHUP, self->fd);
}

TEST_F(poll, shutdown_read)	/* PO-13 */
{
	shutdown(self->fd, SHUT_RD);
	EXPECT_POLL(P_IN | P_OUT | POLLRDHUP, self->fd);
}

TEST_F(poll, reset)	/* PO-14 */
{
	set_linger(self->peer, 1, 0);
	close(self->peer);
	EXPECT_POLL(P_IN | P_OUT | POLLRDHUP | POLLHUP | POLLERR, self->fd);
	EXPECT_EQ(ECONNRESET, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_POLL(P_IN | P_OUT | POLLRDHUP | POLLHUP, self->fd);
}

/* --- ways of waiting ----------------------------------------------------- */

static void *later(void *arg)
{
	usleep(30000);
	send_all((long)arg, "x", 1);
	return NULL;
}

TEST_F(poll, wakes__poll)
{
	pthread_t t;

	ASSERT_EQ(0, pthread_create(&t, NULL, later, (void *)(long)self->peer));
	EXPECT_EQ(POLLIN, poll_for(self->fd, POLLIN));
	pthread_join(t, NULL);
}

TEST_F(poll, wakes__select)
{
	struct timeval tv = { .tv_sec = TEST_DEADLINE_MS / 1000 };
	pthread_t t;
	fd_set r;

	FD_ZERO(&r);
	FD_SET(self->fd, &r);
	ASSERT_EQ(0, pthread_create(&t, NULL, later, (void *)(long)self->peer));
	EXPECT_EQ(1, select(self->fd + 1, &r, NULL, NULL, &tv));
	EXPECT_TRUE(FD_ISSET(self->fd, &r));
	pthread_join(t, NULL);
}

static void *connect_later(void *arg)
{
	usleep(30000);
	return (void *)(long)peer_connect(arg);
}

TEST_F(poll, wakes__listener)
{
	int ep = watch(self->lfd, EPOLLIN);
	pthread_t t;
	void *c;

	ASSERT_EQ(0, pthread_create(&t, NULL, connect_later, &self->at));
	EXPECT_EQ(EPOLLIN, events(ep, TEST_DEADLINE_MS));
	pthread_join(t, &c);
	close((long)c);
}

TEST_F(poll, wakes__hangup)
{
	int ep = watch(self->fd, EPOLLRDHUP | EPOLLET);
	pid_t pid = fork();

	if (!pid) {
		usleep(30000);
		shutdown(self->peer, SHUT_WR);
		_exit(0);
	}
	EXPECT_EQ(EPOLLRDHUP, events(ep, TEST_DEADLINE_MS));
	waitpid(pid, NULL, 0);
}

TEST_F(poll, epoll__level)
{
	int ep = watch(self->fd, EPOLLIN);
	char c;

	EXPECT_EQ(0, events(ep, 0));
	send_all(self->peer, "xy", 2);
	EXPECT_EQ(EPOLLIN, events(ep, TEST_DEADLINE_MS));
	EXPECT_EQ(EPOLLIN, events(ep, 0));
	recv_all(self->fd, &c, 1);
	EXPECT_EQ(EPOLLIN, events(ep, 0));
	recv_all(self->fd, &c, 1);
	EXPECT_EQ(0, events(ep, 0));
}

TEST_F(poll, epoll__edge)	/* PO-17 */
{
	int ep = watch(self->fd, EPOLLIN | EPOLLET);
	char buf[4];

	EXPECT_EQ(0, events(ep, 0));
	send_all(self->peer, "x", 1);
	EXPECT_EQ(EPOLLIN, events(ep, TEST_DEADLINE_MS));
	EXPECT_EQ(0, events(ep, 50));
	send_all(self->peer, "y", 1);
	EXPECT_EQ(EPOLLIN, events(ep, TEST_DEADLINE_MS));
	drain(self->fd);
	EXPECT_EQ(0, events(ep, 0));
	send_all(self->peer, "z", 1);
	EXPECT_EQ(EPOLLIN, events(ep, TEST_DEADLINE_MS));
	recv_all(self->fd, buf, 1);
	close(self->peer);
	EXPECT_EQ(EPOLLIN, events(ep, TEST_DEADLINE_MS));
}

TEST_F(poll, epoll__oneshot)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT };
	int ep = watch(self->fd, EPOLLIN | EPOLLONESHOT);

	send_all(self->peer, "x", 1);
	EXPECT_EQ(EPOLLIN, events(ep, TEST_DEADLINE_MS));
	EXPECT_EQ(0, events(ep, 0));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, self->fd, &e));
	EXPECT_EQ(EPOLLIN, events(ep, 0));
}

/* PO-19: whoever fills the buffer is told when there is room, every time. */
TEST_F(poll, epoll__edge_out)
{
	int ep = watch(self->fd, EPOLLOUT | EPOLLET), i;
	char buf[8192] = {};

	EXPECT_EQ(EPOLLOUT, events(ep, 0));
	for (i = 0; i < scale(100); i++) {
		while (send(self->fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
		ASSERT_EQ(EAGAIN, errno);
		ASSERT_TRUE(wait_until(({
			drain(self->peer);
			events(ep, 20);
		})));
	}
}

TEST_F(poll, epoll__listener_edge)
{
	int ep = watch(self->lfd, EPOLLIN | EPOLLET), i;

	for (i = 0; i < 3; i++) {
		peer_connect(&self->at);
		EXPECT_EQ(EPOLLIN, events(ep, TEST_DEADLINE_MS));
	}
	for (i = 0; i < 3; i++)
		close(test_accept(self->lfd));
	EXPECT_EQ(0, events(ep, 0));
	peer_connect(&self->at);
	EXPECT_EQ(EPOLLIN, events(ep, TEST_DEADLINE_MS));
}

TEST_F(poll, epoll__close_removes)
{
	int ep = watch(self->fd, EPOLLIN);

	close(self->fd);
	EXPECT_EQ(0, events(ep, 0));
	send(self->peer, "x", 1, MSG_NOSIGNAL);
	EXPECT_EQ(0, events(ep, 50));
	self->fd = -1;
}


static int sigios;

static void on_sigio(int sig)
{
	sigios++;
}

/* IO-5 */
TEST_F(poll, ioctl__nonblocking)
{
	int on = 1, off = 0;
	char c;

	ASSERT_EQ(0, ioctl(self->fd, FIONBIO, &on));
	EXPECT_EQ(O_NONBLOCK, fcntl(self->fd, F_GETFL) & O_NONBLOCK);
	EXPECT_ERRNO(EAGAIN, recv(self->fd, &c, 1, 0));
	ASSERT_EQ(0, ioctl(self->fd, FIONBIO, &off));
	EXPECT_EQ(0, fcntl(self->fd, F_GETFL) & O_NONBLOCK);
	set_timeout(self->peer, SO_SNDTIMEO, 1000);
	send_all(self->peer, "x", 1);
	EXPECT_EQ(1, recv(self->fd, &c, 1, 0));
}

TEST_F(poll, ioctl__owner)
{
	int on = 1, off = 0, me = getpid(), got = 0;

	signal(SIGIO, on_sigio);
	EXPECT_EQ(0, ioctl(self->fd, FIOGETOWN, &got));
	EXPECT_EQ(0, got);
	ASSERT_EQ(0, ioctl(self->fd, FIOSETOWN, &me));
	EXPECT_EQ(0, ioctl(self->fd, SIOCGPGRP, &got));
	EXPECT_EQ(me, got);
	EXPECT_EQ(me, fcntl(self->fd, F_GETOWN));
	ASSERT_EQ(0, ioctl(self->fd, FIOASYNC, &on));
	EXPECT_EQ(O_ASYNC, fcntl(self->fd, F_GETFL) & O_ASYNC);
	send_all(self->peer, "x", 1);
	EXPECT_TRUE(wait_until(sigios > 0));
	drain(self->fd);
	ASSERT_EQ(0, ioctl(self->fd, FIOASYNC, &off));
	EXPECT_EQ(0, fcntl(self->fd, F_GETFL) & O_ASYNC);
	got = 0;
	ASSERT_EQ(0, ioctl(self->fd, SIOCSPGRP, &got));
	EXPECT_EQ(0, ioctl(self->fd, FIOGETOWN, &got));
	EXPECT_EQ(0, got);
	sigios = 0;
	send_all(self->peer, "x", 1);
	ASSERT_TRUE(poll_for(self->fd, POLLIN) & POLLIN);
	EXPECT_EQ(0, sigios);
}

/* --- IOW-5: the other ways to wait ----------------------------------------------- */

TEST_F(poll, wakes__ppoll)
{
	struct timespec none = {}, some = { .tv_sec = TEST_DEADLINE_MS / 1000 };
	struct pollfd p = { .fd = self->fd, .events = POLLIN };

	EXPECT_EQ(0, ppoll(&p, 1, &none, NULL));
	send_all(self->peer, "x", 1);
	EXPECT_EQ(1, ppoll(&p, 1, &some, NULL));
	EXPECT_EQ(POLLIN, p.revents);
}

TEST_F(poll, wakes__aio)
{
	struct iocb cb = {
		.aio_lio_opcode	= IOCB_CMD_POLL,
		.aio_fildes	= self->fd,
		.aio_buf	= POLLIN,
		.aio_data	= 77,
	}, *list = &cb;
	struct timespec none = {}, some = { .tv_sec = TEST_DEADLINE_MS / 1000 };
	aio_context_t ctx = 0;
	struct io_event e = {};

	ASSERT_EQ(0, syscall(SYS_io_setup, 4, &ctx));
	ASSERT_EQ(1, syscall(SYS_io_submit, ctx, 1, &list));
	EXPECT_EQ(0, syscall(SYS_io_getevents, ctx, 0, 1, &e, &none));
	send_all(self->peer, "x", 1);
	ASSERT_EQ(1, syscall(SYS_io_getevents, ctx, 1, 1, &e, &some));
	EXPECT_EQ(77, e.data);
	EXPECT_EQ(POLLIN, (int)e.res & POLLIN);
	/* and ready when it is asked */
	ASSERT_EQ(1, syscall(SYS_io_submit, ctx, 1, &list));
	ASSERT_EQ(1, syscall(SYS_io_getevents, ctx, 1, 1, &e, &some));
	EXPECT_EQ(0, syscall(SYS_io_destroy, ctx));
}

#define WAITERS	4

static int woken, waiting;

static void *wait_exclusive(void *arg)
{
	int ep = watch(*(int *)arg, EPOLLIN | EPOLLEXCLUSIVE);
	struct epoll_event e;

	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	if (epoll_wait(ep, &e, 1, -1) == 1)
		__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Each new connection wakes one of those who wait for the listener (PO-18). */
TEST_F(poll, epoll__exclusive)
{
	pthread_t t;
	int i;

	for (i = 0; i < WAITERS; i++)
		ASSERT_EQ(0, pthread_create(&t, NULL, wait_exclusive, &self->lfd));
	ASSERT_TRUE(wait_until(__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) == WAITERS));
	poll(NULL, 0, 50);	/* so that they do wait: if not, one may be woken late */
	for (i = 1; i <= 2; i++) {
		peer_connect(&self->at);
		EXPECT_TRUE(wait_until(__atomic_load_n(&woken, __ATOMIC_SEQ_CST) >= i));
		poll(NULL, 0, 50);
		EXPECT_EQ(i, __atomic_load_n(&woken, __ATOMIC_SEQ_CST));
		test_accept(self->lfd);
	}
}

TEST_F(poll, sigio)	/* IO-10 */
{
	signal(SIGIO, on_sigio);
	ASSERT_EQ(0, fcntl(self->fd, F_SETOWN, getpid()));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_ASYNC));
	send_all(self->peer, "x", 1);
	EXPECT_TRUE(wait_until(sigios > 0));
}

TEST_HARNESS_MAIN
