// SPDX-License-Identifier: GPL-2.0
/* api_batch.c - XTCP_ACCEPT_BATCH: many connections out of one call. */
#include "xtcp_test.h"

#define BACKLOG	16

FIXTURE(batch) {
	int fd;
	union addr at;
};

FIXTURE_VARIANT(batch) {
	bool v6;
};

FIXTURE_VARIANT_ADD(batch, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(batch, v6) { .v6 = true };

FIXTURE_SETUP(batch)
{
	test_begin();
	if (test_inet())
		SKIP(_exit(255), "only xtcp has this");
	self->fd = test_listener(variant->v6, BACKLOG, &self->at);
	set_timeout(self->fd, SO_RCVTIMEO, TEST_DEADLINE_MS);
}

FIXTURE_TEARDOWN(batch)
{
	close(self->fd);
}

/* Entries filled, or -errno */
static int batch(int fd, struct xtcp_accepted *e, int max, int flags)
{
	struct xtcp_accept_batch b = {
		.size = sizeof(b), .flags = flags, .max = max, .n = 4711,
		.entries = (uintptr_t)e,
	};
	socklen_t len = sizeof(b);

	if (getsockopt(fd, SOL_XTCP, XTCP_ACCEPT_BATCH, &b, &len))
		return -errno;
	must(b.size == sizeof(b) && len == sizeof(b) && b.n <= max && b.n > 0);
	return b.n;
}

static unsigned int completed(int lfd)
{
	struct xtcp_listen_info li = listen_info(lfd);

	return li.accept_len + li.syn_acked;
}

/* One after the other: connect() is back when its ACK is sent, which another CPU may
 * take later than the next one's.
 */
static void connect_many(int lfd, const union addr *to, int *fd, int n)
{
	unsigned int before = completed(lfd);
	int i;

	for (i = 0; i < n; i++) {
		fd[i] = peer_connect(to);
		must(wait_until(completed(lfd) == before + i + 1));
	}
}

/* All @n are in the accept queue. */
static bool arrived(int fd, unsigned int n)
{
	return wait_until(listen_info(fd).accept_len == n);
}

static bool is_peer_of(const struct xtcp_accepted *e, int c)
{
	union addr want = sock_name(c), got = { .ss = e->addr }, name = peer_name(e->fd);

	return addr_eq(&want, &got) && addr_eq(&want, &name) && !e->pad;
}

static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

TEST_F(batch, take__all_in_order)
{
	struct xtcp_accepted e[8];
	int c[5], i, first;
	char b;

	connect_many(self->fd, &self->at, c, 5);
	ASSERT_TRUE(arrived(self->fd, 5));
	memset(e, 0x55, sizeof(e));
	first = next_fd();
	ASSERT_EQ(5, batch(self->fd, e, 8, 0));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(first + i, e[i].fd);	/* the lowest that are free */
		EXPECT_TRUE(is_peer_of(&e[i], c[i]));
		EXPECT_EQ(0, fcntl(e[i].fd, F_GETFD));
		EXPECT_EQ(0, fcntl(e[i].fd, F_GETFL) & O_NONBLOCK);
		send_all(c[i], &(char){ 'a' + i }, 1);
		recv_all(e[i].fd, &b, 1);
		EXPECT_EQ('a' + i, b);
		send_all(e[i].fd, "z", 1);
		recv_all(c[i], &b, 1);
		close(e[i].fd);
		EXPECT_EQ(0, recv_soon(c[i], &b, 1));
	}
	EXPECT_EQ(0x55555555, e[5].fd);		/* no more was written */
	EXPECT_EQ(5, listen_info(self->fd).accepted);
	EXPECT_EQ(0, listen_info(self->fd).accept_len);
}

TEST_F(batch, take__lowest_descriptors)
{
	struct xtcp_accepted e[3];
	int c[3], a = dup(0), b = dup(0), d = dup(0);

	connect_many(self->fd, &self->at, c, 3);
	ASSERT_TRUE(arrived(self->fd, 3));
	close(a);
	close(d);
	ASSERT_EQ(3, batch(self->fd, e, 3, 0));
	EXPECT_EQ(a, e[0].fd);
	EXPECT_EQ(d, e[1].fd);
	EXPECT_GT(e[2].fd, d);
	close(b);
}

TEST_F(batch, take__sockets_like_those_of_accept)
{
	struct xtcp_accepted e;
	int c[2], fd;
	struct stat st;
	char name[32] = {};

	connect_many(self->fd, &self->at, c, 2);
	fd = test_accept(self->fd);
	ASSERT_EQ(1, batch(self->fd, &e, 1, 0));
	ASSERT_EQ(0, fstat(e.fd, &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	EXPECT_NE(0, st.st_ino);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", e.fd);
	EXPECT_EQ(0, access(name, F_OK));
	EXPECT_EQ(get_int(fd, SOL_SOCKET, SO_DOMAIN), get_int(e.fd, SOL_SOCKET, SO_DOMAIN));
	EXPECT_EQ(get_int(fd, SOL_SOCKET, SO_SNDBUF), get_int(e.fd, SOL_SOCKET, SO_SNDBUF));
	EXPECT_EQ(get_int(fd, SOL_SOCKET, SO_RCVBUF), get_int(e.fd, SOL_SOCKET, SO_RCVBUF));
	EXPECT_EQ(POLLOUT, poll_now(e.fd));
}

TEST_F(batch, flags__nonblock_and_cloexec)
{
	struct xtcp_accepted e[2];
	int c[3], i;

	connect_many(self->fd, &self->at, c, 3);
	ASSERT_TRUE(arrived(self->fd, 3));
	ASSERT_EQ(2, batch(self->fd, e, 2, SOCK_NONBLOCK | SOCK_CLOEXEC));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(FD_CLOEXEC, fcntl(e[i].fd, F_GETFD));
		EXPECT_EQ(O_NONBLOCK, fcntl(e[i].fd, F_GETFL) & O_NONBLOCK);
	}
	ASSERT_EQ(1, batch(self->fd, e, 2, SOCK_CLOEXEC));
	EXPECT_EQ(FD_CLOEXEC, fcntl(e[0].fd, F_GETFD));
	EXPECT_EQ(0, fcntl(e[0].fd, F_GETFL) & O_NONBLOCK);
}

TEST_F(batch, flags__unknown)
{
	struct xtcp_accepted e[2];
	int c = peer_connect(&self->at);

	ASSERT_TRUE(arrived(self->fd, 1));
	EXPECT_EQ(-EINVAL, batch(self->fd, e, 2, 1));
	EXPECT_EQ(-EINVAL, batch(self->fd, e, 2, SOCK_NONBLOCK | 0x40000000));
	EXPECT_EQ(1, batch(self->fd, e, 2, 0));
	close(c);
}

TEST_F(batch, max__is_kept)
{
	struct xtcp_accepted e[4];
	int c[5];

	connect_many(self->fd, &self->at, c, 5);
	ASSERT_TRUE(arrived(self->fd, 5));
	memset(e, 0x55, sizeof(e));
	ASSERT_EQ(2, batch(self->fd, e, 2, 0));
	EXPECT_EQ(0x55555555, e[2].fd);
	EXPECT_EQ(3, listen_info(self->fd).accept_len);
	/* the two ways of accepting take from one queue */
	e[2].fd = test_accept(self->fd);
	e[2].addr = peer_name(e[2].fd).ss;
	e[2].pad = 0;
	EXPECT_TRUE(is_peer_of(&e[2], c[2]));
	ASSERT_EQ(2, batch(self->fd, e, 4, 0));
	EXPECT_TRUE(is_peer_of(&e[0], c[3]));
	EXPECT_TRUE(is_peer_of(&e[1], c[4]));
}

TEST_F(batch, max__zero)
{
	struct xtcp_accepted e;
	int c = peer_connect(&self->at);

	ASSERT_TRUE(arrived(self->fd, 1));
	EXPECT_EQ(-EINVAL, batch(self->fd, &e, 0, 0));
	EXPECT_EQ(1, listen_info(self->fd).accept_len);
	close(c);
}

TEST_F(batch, max__huge)
{
	struct xtcp_accepted e[4];
	int c[3];

	connect_many(self->fd, &self->at, c, 3);
	ASSERT_TRUE(arrived(self->fd, 3));
	EXPECT_EQ(3, batch(self->fd, e, 0x7fffffff, 0));
}

TEST_F(batch, empty__does_not_block_if_told)
{
	struct xtcp_accepted e[2];
	int64_t t;

	set_nonblock(self->fd, true);
	EXPECT_EQ(-EAGAIN, batch(self->fd, e, 2, 0));
	set_nonblock(self->fd, false);
	set_timeout(self->fd, SO_RCVTIMEO, 100);
	t = now_us();
	EXPECT_EQ(-EAGAIN, batch(self->fd, e, 2, 0));
	EXPECT_GE(now_us() - t, 50000);
	/* a flag for the new ones says nothing about waiting */
	EXPECT_EQ(-EAGAIN, batch(self->fd, e, 2, SOCK_NONBLOCK));
	EXPECT_GE(now_us() - t, 100000);
}

static void *connect_one(void *arg)
{
	usleep(50000);
	return (void *)(long)peer_connect(arg);
}

TEST_F(batch, empty__waits_for_one)
{
	struct xtcp_accepted e[8];
	pthread_t t;
	void *c;

	ASSERT_EQ(0, pthread_create(&t, NULL, connect_one, &self->at));
	ASSERT_EQ(1, batch(self->fd, e, 8, 0));
	pthread_join(t, &c);
	EXPECT_TRUE(is_peer_of(&e[0], (long)c));
}

static void *batch_thread(void *arg)
{
	struct xtcp_accepted e[2];

	return (void *)(long)batch((long)arg, e, 2, 0);
}

TEST_F(batch, empty__shutdown_wakes)
{
	pthread_t t;
	void *ret;

	ASSERT_EQ(0, pthread_create(&t, NULL, batch_thread, (void *)(long)self->fd));
	usleep(20000);
	ASSERT_EQ(0, shutdown(self->fd, SHUT_RDWR));
	pthread_join(t, &ret);
	EXPECT_EQ(-EINVAL, (long)ret);
}

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

TEST_F(batch, empty__signal)
{
	struct kicker k = { .victim = pthread_self() };
	struct sigaction sa = { .sa_handler = on_signal };
	struct xtcp_accepted e[2];
	pthread_t t;

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, pthread_create(&t, NULL, kick, &k));
	EXPECT_EQ(-EINTR, batch(self->fd, e, 2, 0));
	__atomic_store_n(&k.stop, true, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
}

/* What there was room for comes, the rest stays, in order. */
TEST_F(batch, emfile__in_the_middle)
{
	struct rlimit rl = { .rlim_max = 4096 };
	struct xtcp_accepted e[8];
	int c[5], i;

	connect_many(self->fd, &self->at, c, 5);
	ASSERT_TRUE(arrived(self->fd, 5));
	rl.rlim_cur = next_fd() + 2;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	ASSERT_EQ(2, batch(self->fd, e, 8, 0));
	EXPECT_EQ(3, listen_info(self->fd).accept_len);
	EXPECT_EQ(-EMFILE, batch(self->fd, e + 2, 6, 0));
	EXPECT_EQ(3, listen_info(self->fd).accept_len);
	rl.rlim_cur = 4096;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	ASSERT_EQ(3, batch(self->fd, e + 2, 6, 0));
	for (i = 0; i < 5; i++)
		EXPECT_TRUE(is_peer_of(&e[i], c[i]));
}

/* @n entries that can be written, right before what cannot. */
static struct xtcp_accepted *short_array(int n)
{
	long page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	must(munmap(p + page, page) == 0);
	return (struct xtcp_accepted *)(p + page) - n;
}

TEST_F(batch, efault__at_each_entry)
{
	int n;

	for (n = 0; n <= 3; n++) {
		struct xtcp_accepted *e = short_array(n), rest[4];
		int c[4], i, first;

		connect_many(self->fd, &self->at, c, 4);
		ASSERT_TRUE(arrived(self->fd, 4));
		first = next_fd();
		EXPECT_EQ(n ?: -EFAULT, batch(self->fd, e, 4, 0));
		EXPECT_EQ(4 - n, listen_info(self->fd).accept_len);
		EXPECT_EQ(first + n, next_fd());	/* none leaked */
		ASSERT_EQ(4 - n, batch(self->fd, rest, 4, 0));
		for (i = 0; i < 4; i++) {
			EXPECT_TRUE(is_peer_of(i < n ? &e[i] : &rest[i - n], c[i]));
			close(i < n ? e[i].fd : rest[i - n].fd);
			close(c[i]);
		}
	}
}

/* An entry that can be written in part is not written. */
TEST_F(batch, efault__in_the_middle_of_an_entry)
{
	struct xtcp_accepted *e = (void *)((char *)short_array(1) + 16), rest;
	int c = peer_connect(&self->at);

	ASSERT_TRUE(arrived(self->fd, 1));
	EXPECT_EQ(-EFAULT, batch(self->fd, e, 1, 0));
	ASSERT_EQ(1, batch(self->fd, &rest, 1, 0));
	EXPECT_TRUE(is_peer_of(&rest, c));
}

TEST_F(batch, size__checks)
{
	struct xtcp_accepted e[2];
	struct {
		struct xtcp_accept_batch b;
		uint32_t more[2];
	} big = { .b = { .size = sizeof(big), .max = 2, .entries = (uintptr_t)e } };
	int c[2];
	socklen_t len;

	connect_many(self->fd, &self->at, c, 2);
	ASSERT_TRUE(arrived(self->fd, 2));
#define TRY(l) ({ len = (l);							\
		  ERRNO(getsockopt(self->fd, SOL_XTCP, XTCP_ACCEPT_BATCH, &big, &len)); })
	EXPECT_EQ(EINVAL, TRY(sizeof(big.b) - 1));
	EXPECT_EQ(EINVAL, TRY(0));
	EXPECT_EQ(EINVAL, TRY(-1));
	EXPECT_EQ(EINVAL, TRY(sizeof(big.b)));	/* says that it is larger */
	big.b.size = 8;
	EXPECT_EQ(EINVAL, TRY(sizeof(big)));
	big.b.size = 0;
	EXPECT_EQ(EINVAL, TRY(sizeof(big)));
	big.b.size = sizeof(big);
	big.more[1] = 1;		/* asks for what this module does not know */
	EXPECT_EQ(E2BIG, TRY(sizeof(big)));
	big.more[1] = 0;
	EXPECT_EQ(0, TRY(sizeof(big)));
	EXPECT_EQ(2, big.b.n);
	EXPECT_EQ(sizeof(big.b), big.b.size);
	EXPECT_EQ(sizeof(big.b), len);
}

TEST_F(batch, wrong__pointers)
{
	socklen_t len = sizeof(struct xtcp_accept_batch);
	struct xtcp_accept_batch b = {};
	int c = peer_connect(&self->at);

	ASSERT_TRUE(arrived(self->fd, 1));
	EXPECT_ERRNO(EFAULT, getsockopt(self->fd, SOL_XTCP, XTCP_ACCEPT_BATCH, (void *)8, &len));
	EXPECT_ERRNO(EFAULT, getsockopt(self->fd, SOL_XTCP, XTCP_ACCEPT_BATCH, &b, (void *)8));
	EXPECT_EQ(-EFAULT, batch(self->fd, (void *)8, 1, 0));
	EXPECT_EQ(-EFAULT, batch(self->fd, (void *)-8, 1, 0));
	EXPECT_EQ(1, listen_info(self->fd).accept_len);
	close(c);
}

TEST_F(batch, wrong__sockets)
{
	struct xtcp_accepted e;
	int c = peer_connect(&self->at), fd = test_accept(self->fd);

	EXPECT_EQ(-EINVAL, batch(fd, &e, 1, 0));
	EXPECT_EQ(-EINVAL, batch(test_socket(variant->v6, 0), &e, 1, 0));
	EXPECT_LT(batch(c, &e, 1, 0), 0);	/* the kernel's TCP knows no such level */
}

TEST_F(batch, aborted__are_handed_out)
{
	struct xtcp_accepted e[3];
	int c[3];
	char b;

	connect_many(self->fd, &self->at, c, 3);
	ASSERT_TRUE(arrived(self->fd, 3));
	set_linger(c[1], 1, 0);
	close(c[1]);
	close(c[2]);
	ASSERT_EQ(3, batch(self->fd, e, 3, 0));
	EXPECT_EQ(-ECONNRESET, recv_soon(e[1].fd, &b, 1));
	EXPECT_EQ(0, recv_soon(e[2].fd, &b, 1));
	send_all(c[0], "x", 1);
	EXPECT_EQ(1, recv_soon(e[0].fd, &b, 1));
}

/* Who waited in the SYN queue moves up while the batch is being taken. */
TEST_F(batch, held__are_promoted)
{
	struct xtcp_accepted e[BACKLOG + 4];
	int c[BACKLOG + 4], i, n = 0, got;

	connect_many(self->fd, &self->at, c, BACKLOG + 4);
	ASSERT_TRUE(wait_until(listen_info(self->fd).syn_acked == 4));
	while (n < BACKLOG + 4) {
		got = batch(self->fd, e + n, BACKLOG + 4 - n, 0);
		ASSERT_GT(got, 0);
		n += got;
	}
	for (i = 0; i < n; i++)
		EXPECT_TRUE(is_peer_of(&e[i], c[i]));
	EXPECT_EQ(0, listen_info(self->fd).syn_len);
}

#define THREADS	4

static int got[THREADS];

static void *take(void *arg)
{
	int i = (long)arg & 0xff, fd = (long)arg >> 8, n;
	struct xtcp_accepted e[8];

	for (;;) {
		if (i & 1) {
			n = batch(fd, e, 8, 0);
		} else {
			e[0].fd = accept(fd, NULL, NULL);
			n = e[0].fd < 0 ? -errno : 1;
		}
		if (n < 0)
			return (void *)(long)n;
		got[i] += n;
		while (n--)
			close(e[n].fd);
	}
}

static void *pour(void *arg)
{
	int i, n = scale(200);
	char b;

	for (i = 0; i < n; i += 4) {
		int c[4], k;

		for (k = 0; k < 4; k++)
			c[k] = peer_connect(arg);
		for (k = 0; k < 4; k++) {
			must(recv_soon(c[k], &b, 1) == 0);
			close(c[k]);
		}
	}
	return (void *)(long)i;
}

TEST_F(batch, threads__with_accept)
{
	pthread_t t[THREADS], p[2];
	int i, sum = 0, want = 0;
	void *ret;

	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, take,
					    (void *)(long)(self->fd << 8 | i)));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&p[i], NULL, pour, &self->at));
	for (i = 0; i < 2; i++) {
		pthread_join(p[i], &ret);
		want += (long)ret;
	}
	shutdown(self->fd, SHUT_RDWR);
	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i], &ret);
		EXPECT_EQ(-EINVAL, (long)ret);
		sum += got[i];
	}
	EXPECT_EQ(want, sum);
}

TEST_HARNESS_MAIN
