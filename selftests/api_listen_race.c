// SPDX-License-Identifier: GPL-2.0
/* api_listen_race.c - a listener that two CPUs press at once: the last slot of
 * the accept queue, and slots that come and go by the million.
 */
#include "xtcp_test.h"

#include <stdatomic.h>
#include <sys/sysinfo.h>

FIXTURE(race) {
	int fd;			/* backlog 2: 3 half-open, 2 in the accept queue */
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
	self->fd = test_listener(variant->v6, 2, &self->at);
}

FIXTURE_TEARDOWN(race)
{
	close(self->fd);
}

static void stay_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);	/* one CPU: still a test */
}

/* Both ends, by RST: no port and no TIME-WAIT is left. */
static void abort_pair(int a, int b)
{
	set_linger(a, 1, 0);
	close(a);
	close(b);
}

/* --- LQ-8: two last ACKs, one slot --------------------------------------------------- */

/* A client on the other CPU: both connect at the same moment, without a wakeup or
 * anything else between.
 */
struct rival {
	union addr to;
	int rounds;
	int fd[2];		/* of even rounds and of odd ones */
	bool one_cpu;
	atomic_int there;	/* times that one of the two came to meet the other */
};

static void meet(struct rival *r, int nth)
{
	atomic_fetch_add(&r->there, 1);
	while (atomic_load(&r->there) < 2 * nth)
		if (r->one_cpu)
			sched_yield();
}

static int client(const union addr *to)
{
	return peer_socket(to->sa.sa_family == AF_INET6, SOCK_CLOEXEC);
}

static void client_connect(int fd, const union addr *to)
{
	must(connect(fd, &to->sa, addr_len(to->sa.sa_family == AF_INET6)) == 0);
}

static void *rival_main(void *arg)
{
	struct rival *r = arg;
	int i;

	stay_on_cpu(1);
	for (i = 0; i < r->rounds; i++) {
		r->fd[i & 1] = client(&r->to);
		meet(r, 2 * i + 1);
		client_connect(r->fd[i & 1], &r->to);
		meet(r, 2 * i + 2);
	}
	return NULL;
}

TEST_F(race, last_slot__one_wins)
{
	struct rival r = {
		.to = self->at,
		.rounds = scale(500),
		.one_cpu = get_nprocs() == 1,
	};
	struct xtcp_listen_info li;
	int i, k, c[3], fd[3];
	pthread_t t;

	xtcp_only();
	stay_on_cpu(0);
	ASSERT_EQ(0, pthread_create(&t, NULL, rival_main, &r));
	for (i = 0; i < r.rounds; i++) {
		c[0] = peer_connect(&self->at);
		ASSERT_TRUE(wait_until(listen_info(self->fd).accept_len == 1));
		c[1] = client(&self->at);
		meet(&r, 2 * i + 1);
		client_connect(c[1], &self->at);
		meet(&r, 2 * i + 2);
		c[2] = r.fd[i & 1];
		/* one has the slot, the other one waits for the next */
		ASSERT_TRUE(wait_until(listen_info(self->fd).syn_acked == 1));
		li = listen_info(self->fd);
		ASSERT_EQ(2, li.accept_len);
		ASSERT_EQ(1, li.syn_len);
		for (k = 0; k < 3; k++)
			fd[k] = test_accept(self->fd);
		for (k = 0; k < 3; k++)
			abort_pair(fd[k], c[k]);
		li = listen_info(self->fd);
		ASSERT_EQ(0, li.accept_len);
		ASSERT_EQ(0, li.syn_len);
	}
	pthread_join(t, NULL);
	EXPECT_EQ(2, li.accept_peak);
	EXPECT_EQ(3 * r.rounds, li.syns);
	EXPECT_EQ(3 * r.rounds, li.established);
	EXPECT_EQ(3 * r.rounds, li.accepted);
	EXPECT_EQ(0, li.drops_syn + li.drops_accept + li.cookies_sent + li.expired + li.resets);
}

/* --- LQ-21: no slot drifts away ---------------------------------------------------------- */

struct storm {
	int lfd, cpu, n;
	union addr to;
};

/* What a thread accepts may be the other one's, who may not know yet that it is
 * connected: that end is closed without RST.
 */
static void *storm_main(void *arg)
{
	struct storm *s = arg;
	int i;

	stay_on_cpu(s->cpu);
	for (i = 0; i < s->n; i++) {
		int c = peer_connect(&s->to), fd = test_accept(s->lfd);

		set_linger(c, i % 16 != 0, 0);
		close(i & 1 ? fd : c);
		close(i & 1 ? c : fd);
	}
	return NULL;
}

/* XTCP_STORM=500000 are the million of LQ-21: a quarter of an hour. */
TEST_F_TIMEOUT(race, storm__slots_come_back, 3600)
{
	const char *size = getenv("XTCP_STORM");
	int n = size ? atoi(size) : scale(1000), i;
	struct xtcp_listen_info li;
	struct storm s[2];
	pthread_t t[2];

	xtcp_only();
	for (i = 0; i < 2; i++) {
		s[i] = (struct storm){ self->fd, i, n, self->at };
		ASSERT_EQ(0, pthread_create(&t[i], NULL, storm_main, &s[i]));
	}
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	EXPECT_TRUE(wait_until(listen_info(self->fd).syn_len == 0));
	li = listen_info(self->fd);
	EXPECT_EQ(0, li.accept_len);
	EXPECT_EQ(2 * n, li.accepted);
	EXPECT_EQ(2 * n, li.established);
	EXPECT_EQ(0, li.drops_syn + li.drops_accept + li.expired);
	/* no length tells of a slot that is reserved for nobody */
	for (i = 0; i < 2; i++)
		peer_connect(&self->at);
	EXPECT_TRUE(wait_until(listen_info(self->fd).accept_len == 2));
}

TEST_HARNESS_MAIN
