// SPDX-License-Identifier: GPL-2.0
/* api_race.c - two threads at once on one socket, in every state: whatever each
 * call says, the machine lives, nothing hangs, and the next connection works.
 */
#include "xtcp_test.h"

FIXTURE(race) {
	int lfd;
	union addr at;
};

FIXTURE_VARIANT(race) {
	bool v6;
};

FIXTURE_VARIANT_ADD(race, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(race, v6) { .v6 = true };

FIXTURE_SETUP(race)
{
	test_begin();
	self->lfd = test_listener(variant->v6, 128, &self->at);
	set_timeout(self->lfd, SO_RCVTIMEO, 5000);
}

/* The next connection works, and no queue has lost a slot. */
FIXTURE_TEARDOWN(race)
{
	char c = 0;
	int p, fd;

	if (self->lfd < 0)
		return;
	set_nonblock(self->lfd, true);
	while ((fd = accept(self->lfd, NULL, NULL)) >= 0)
		close(fd);
	p = peer_connect(&self->at);
	fd = test_accept(self->lfd);
	send_all(p, "x", 1);
	recv_all(fd, &c, 1);
	send_all(fd, "y", 1);
	recv_all(p, &c, 1);
	EXPECT_EQ('y', c);
	if (!test_inet()) {
		EXPECT_TRUE(wait_until(listen_info(self->lfd).syn_len == 0));
		EXPECT_EQ(0, listen_info(self->lfd).accept_len);
	}
}

enum act { SEND, RECV, SHUT_R, SHUT_W, SHUT_BOTH, CLOSE, SHUT_OPT, INFO, POLL, ACTS };

struct racer {
	pthread_barrier_t *start;
	int fd;
	enum act act;
};

static void do_act(int fd, enum act act)
{
	static char buf[4096];
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	switch (act) {
	case SEND:
		send(fd, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case RECV:
		recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		break;
	case SHUT_R:
		shutdown(fd, SHUT_RD);
		break;
	case SHUT_W:
		shutdown(fd, SHUT_WR);
		break;
	case SHUT_BOTH:
		shutdown(fd, SHUT_RDWR);
		break;
	case CLOSE:
		close(fd);
		break;
	case SHUT_OPT:
		set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		set_int(fd, SOL_SOCKET, SO_RCVBUF, 5000);
		break;
	case INFO:
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
		break;
	case POLL:
		poll_now(fd);
		break;
	case ACTS:
		break;
	}
}

static void *race(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->start);
	do_act(r->fd, r->act);
	return NULL;
}

/* One thread on our end, one on a duplicate of it, one on the peer's. */
static void race_three(int fd, int peer, enum act a, enum act b, enum act p)
{
	pthread_barrier_t start;
	struct racer r[3] = {
		{ &start, dup(fd), a }, { &start, dup(fd), b }, { &start, dup(peer), p },
	};
	pthread_t t[3];
	int i;

	close(fd);		/* so that CLOSE by both is the last close() */
	close(peer);
	pthread_barrier_init(&start, NULL, 3);
	for (i = 0; i < 3; i++)
		must(pthread_create(&t[i], NULL, race, &r[i]) == 0);
	for (i = 0; i < 3; i++) {
		pthread_join(t[i], NULL);
		if (r[i].act != CLOSE)
			close(r[i].fd);
	}
	pthread_barrier_destroy(&start);
}

/* States to race from */
enum state { FRESH, DATA, FIN_WAIT, CLOSE_WAIT, BOTH, FULL, RESET, LINGER, STATES };

static void into_state(int fd, int peer, enum state s)
{
	static char buf[65536];

	switch (s) {
	case FRESH:
		break;
	case DATA:
		send(peer, buf, 3000, MSG_NOSIGNAL);
		send(fd, buf, 3000, MSG_NOSIGNAL);
		break;
	case FIN_WAIT:
		shutdown(fd, SHUT_WR);
		break;
	case CLOSE_WAIT:
		shutdown(peer, SHUT_WR);
		break;
	case BOTH:
		shutdown(fd, SHUT_WR);
		shutdown(peer, SHUT_WR);
		break;
	case FULL:
		while (send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			;
		break;
	case RESET:
		set_linger(peer, 1, 0);
		break;
	case LINGER:
		set_linger(fd, 1, 0);
		break;
	case STATES:
		break;
	}
}

static void race_state(int lfd, const union addr *at, enum state s)
{
	enum act a, b;

	for (a = 0; a < ACTS; a++)
		for (b = a; b < ACTS; b++) {
			int peer = peer_connect(at), fd = test_accept(lfd);

			if (test_slow() && (a + b + s) % 3)
				continue;
			into_state(fd, peer, s);
			race_three(fd, peer, a, b, (a * 7 + b + s) % 2 ? CLOSE : SEND);
		}
}

#define RACE(name, state)						     \
TEST_F_TIMEOUT(race, name, 240)						     \
{									     \
	race_state(self->lfd, &self->at, state);			     \
}

RACE(state__established, FRESH)
RACE(state__with_data, DATA)
RACE(state__fin_wait, FIN_WAIT)
RACE(state__close_wait, CLOSE_WAIT)
RACE(state__closing, BOTH)
RACE(state__buffer_full, FULL)
RACE(state__reset, RESET)
RACE(state__linger_zero, LINGER)

/* --- blocked in one thread, ended by another ----------------------------- */

static void *blocked_recv(void *arg)
{
	static char buf[4096];

	while (recv((long)arg, buf, sizeof(buf), 0) > 0)
		;
	return NULL;
}

static void *blocked_send(void *arg)
{
	static char buf[65536];

	while (send((long)arg, buf, sizeof(buf), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

TEST_F_TIMEOUT(race, blocked__shutdown_ends_both, 120)
{
	int i, n = scale(50);

	for (i = 0; i < n; i++) {
		int peer = peer_connect(&self->at), fd = test_accept(self->lfd);
		pthread_t r, s;

		must(pthread_create(&r, NULL, blocked_recv, (void *)(long)fd) == 0);
		must(pthread_create(&s, NULL, blocked_send, (void *)(long)fd) == 0);
		if (i & 1)
			poll_ms(peer, POLLIN, 10);
		shutdown(fd, SHUT_RDWR);
		pthread_join(r, NULL);
		pthread_join(s, NULL);
		close(fd);
		close(peer);
	}
}

TEST_F_TIMEOUT(race, blocked__peer_ends_both, 120)
{
	int i, n = scale(50);

	for (i = 0; i < n; i++) {
		int peer = peer_connect(&self->at), fd = test_accept(self->lfd);
		pthread_t r, s;

		must(pthread_create(&r, NULL, blocked_recv, (void *)(long)fd) == 0);
		must(pthread_create(&s, NULL, blocked_send, (void *)(long)fd) == 0);
		if (i & 1)
			set_linger(peer, 1, 0);
		close(peer);
		pthread_join(s, NULL);
		pthread_join(r, NULL);
		close(fd);
	}
}

/* --- many connections come and go ---------------------------------------- */

struct churn {
	const union addr *at;
	int lfd, n, seed;
};

static void *churn_clients(void *arg)
{
	struct churn *c = arg;
	unsigned int seed = c->seed;
	char buf[512] = {};
	int i;

	for (i = 0; i < c->n; i++) {
		int fd = peer_connect(c->at), what = rand_r(&seed) % 5;

		if (what & 1)
			send(fd, buf, sizeof(buf), MSG_NOSIGNAL);
		if (what == 2)
			shutdown(fd, SHUT_WR);
		if (what == 3)
			recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (what == 4)
			set_linger(fd, 1, 0);
		close(fd);
	}
	return NULL;
}

static void *churn_servers(void *arg)
{
	struct churn *c = arg;
	unsigned int seed = c->seed;
	char buf[512] = {};
	int fd;

	while ((fd = accept(c->lfd, NULL, NULL)) >= 0) {
		int what = rand_r(&seed) % 6;

		set_timeout(fd, SO_RCVTIMEO, 20);
		if (what & 1)
			recv(fd, buf, sizeof(buf), 0);
		if (what & 2)
			send(fd, buf, sizeof(buf), MSG_NOSIGNAL);
		if (what == 4)
			shutdown(fd, SHUT_RDWR);
		if (what == 5)
			set_linger(fd, 1, 0);
		close(fd);
	}
	return NULL;
}

TEST_F_TIMEOUT(race, churn__clients_and_servers, 240)
{
	struct churn c[4] = {
		{ &self->at, self->lfd, scale(300), 1 }, { &self->at, self->lfd, scale(300), 2 },
		{ &self->at, self->lfd, 0, 3 }, { &self->at, self->lfd, 0, 4 },
	};
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		must(pthread_create(&t[i], NULL, i < 2 ? churn_clients : churn_servers,
				    &c[i]) == 0);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	set_timeout(self->lfd, SO_RCVTIMEO, 1);
	shutdown(self->lfd, SHUT_RDWR);
	pthread_join(t[2], NULL);
	pthread_join(t[3], NULL);
	close(self->lfd);
	self->lfd = test_listener(variant->v6, 128, &self->at);
}

/* The listener goes while clients come: they are served, reset or refused. */
static void *connect_anyway(void *arg)
{
	struct churn *c = arg;
	int i;

	for (i = 0; i < c->n; i++) {
		bool v6 = c->at->sa.sa_family == AF_INET6;
		int fd = peer_socket(v6, SOCK_NONBLOCK);

		if (!connect(fd, &c->at->sa, addr_len(v6)) || errno == EINPROGRESS)
			poll_ms(fd, POLLOUT, 3);
		send(fd, "x", 1, MSG_NOSIGNAL);
		close(fd);
	}
	return NULL;
}

TEST_F_TIMEOUT(race, listener__goes_while_clients_come, 240)
{
	int rounds = scale(40), i;
	union addr at;

	for (i = 0; i < rounds; i++) {
		int lfd = test_listener(variant->v6, 1 + i % 5, &at), fd;
		struct churn c = { .at = &at, .n = 8 };
		pthread_t t[2];

		set_nonblock(lfd, true);
		must(pthread_create(&t[0], NULL, connect_anyway, &c) == 0);
		must(pthread_create(&t[1], NULL, connect_anyway, &c) == 0);
		poll_ms(lfd, POLLIN, 3);
		if (i & 1) {
			fd = accept(lfd, NULL, NULL);
			close(fd);
		}
		if (i & 2)
			listen(lfd, 1 + i % 3);
		if (i & 4)
			shutdown(lfd, SHUT_RDWR);
		close(lfd);
		pthread_join(t[0], NULL);
		pthread_join(t[1], NULL);
	}
}

/* A namespace goes with everything that is still in it. */
TEST_F_TIMEOUT(race, namespace__goes_with_connections, 120)
{
	int i, n = scale(20);

	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid) {
			union addr at;
			int lfd, c;

			must(unshare(CLONE_NEWNET) == 0);
			lo_up();
			lfd = test_listener(variant->v6, 5, &at);
			c = peer_connect(&at);
			send_all(c, "x", 1);
			if (i & 1)
				test_accept(lfd);
			if (i & 2)
				close(c);
			_exit(0);
		}
		must(waitpid(pid, NULL, 0) == pid);
	}
}

TEST_HARNESS_MAIN
