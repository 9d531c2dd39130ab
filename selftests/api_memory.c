// SPDX-License-Identifier: GPL-2.0
/* api_memory.c - what all sockets may take together: net.xtcp.mem, orphans; and that
 * everything is given back.
 */
#include "xtcp_test.h"

FIXTURE(memory) {
	int home;		/* the test's namespace */
	int init;		/* the first one, which has the limits */
	char mem[100];
};

FIXTURE_VARIANT(memory) {
	bool v6;
};

FIXTURE_VARIANT_ADD(memory, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(memory, v6) { .v6 = true };

static void read_line(const char *path, char *buf, int len)
{
	FILE *f = fopen(path, "r");

	must(f && fgets(buf, len, f));
	fclose(f);
}

FIXTURE_SETUP(memory)
{
	test_begin();
	if (test_inet())
		SKIP(_exit(255), "the limits of the kernel's TCP are left alone");
	self->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	self->init = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_GE(self->home, 0);
	ASSERT_GE(self->init, 0);
	read_line("/proc/sys/net/xtcp/mem", self->mem, sizeof(self->mem));
}

static void mem_set(int home, int init, const char *mem)
{
	must(setns(init, CLONE_NEWNET) == 0);
	sysctl_set("net/xtcp/mem", mem);
	must(setns(home, CLONE_NEWNET) == 0);
}

FIXTURE_TEARDOWN(memory)
{
	mem_set(self->home, self->init, self->mem);
}

static uint64_t counter(const char *name)
{
	char line[100], want[60];
	uint64_t n = 0;
	FILE *f = fopen("/proc/net/xtcp/snmp", "r");
	int len = snprintf(want, sizeof(want), "Xtcp%s ", name);

	must(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, want, len))
			n = strtoull(line + len, NULL, 10);
	fclose(f);
	return n;
}

/* "inuse N orphan N tw N half N mem N" */
static long sockstat(const char *word)
{
	char line[200], *p;

	read_line("/proc/net/xtcp/sockstat", line, sizeof(line));
	p = strstr(line, word);
	must(p);
	return atol(p + strlen(word));
}

/* Write until it would block; bytes. */
static long fill(int fd)
{
	static char buf[65536];
	long total = 0;
	int n;

	while ((n = send(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		total += n;
	must(errno == EAGAIN);
	return total;
}

/* SY-1: three page counts, of the whole machine */
TEST_F(memory, sysctl__of_the_machine)
{
	unsigned long a, b, c;
	int fd, n;

	n = sscanf(self->mem, "%lu %lu %lu", &a, &b, &c);
	ASSERT_EQ(3, n);
	EXPECT_GT(a, 0);
	EXPECT_LE(a, b);
	EXPECT_LT(b, c);
	fd = open("/proc/sys/net/xtcp/mem", O_WRONLY);
	EXPECT_ERRNO(EACCES, fd);
	mem_set(self->home, self->init, "1000 2000 3000");
	read_line("/proc/sys/net/xtcp/mem", self->mem + 50, 50);
	EXPECT_EQ(0, strncmp(self->mem + 50, "1000\t2000\t3000", 14));
}

struct stream {
	int fd;
	long total;
	bool ok;
};

static void *stream_out(void *arg)
{
	struct stream *s = arg;
	char buf[8192];
	long at;
	int n;

	for (at = 0; at < s->total; at += n) {
		n = s->total - at < (long)sizeof(buf) ? s->total - at : (long)sizeof(buf);
		pattern_fill(buf, n, at);
		send_all(s->fd, buf, n);
	}
	shutdown(s->fd, SHUT_WR);
	return NULL;
}

static void *stream_in(void *arg)
{
	struct stream *s = arg;
	char buf[8192];
	long at;
	int n;

	for (at = 0; (n = recv(s->fd, buf, sizeof(buf), 0)) > 0; at += n)
		if (!pattern_ok(buf, n, at))
			break;
	s->ok = n == 0 && at == s->total;
	return NULL;
}

/* BM-5: under pressure everything is slower, nothing is lost, and it ends.  A MB of
 * each CPU is not counted until it is full: all that is sent waits until it is seen.
 */
TEST_F_TIMEOUT(memory, pressure__everything_arrives, 300)
{
	enum { PAIRS = 4 };
	struct stream s[2 * PAIRS][2];
	pthread_t t[2 * PAIRS][2];
	int i, k, pair[PAIRS][2];
	long total = 1500000;
	char b;

	for (i = 0; i < PAIRS; i++) {
		test_pair(variant->v6, pair[i]);
		for (k = 0; k < 2; k++)
			ASSERT_EQ(0, set_int(pair[i][k], SOL_SOCKET, SO_SNDBUFFORCE, total));
		/* ends what another test has left */
		send_all(pair[i][0], "x", 1);
		ASSERT_EQ(1, recv_soon(pair[i][1], &b, 1));
		/* both ways */
		s[2 * i][0] = (struct stream){ pair[i][0], total };
		s[2 * i][1] = (struct stream){ pair[i][1], total };
		s[2 * i + 1][0] = (struct stream){ pair[i][1], total };
		s[2 * i + 1][1] = (struct stream){ pair[i][0], total };
	}
	mem_set(self->home, self->init, "16 24 1000");
	for (i = 0; i < 2 * PAIRS; i++)
		must(!pthread_create(&t[i][0], NULL, stream_out, &s[i][0]));
	EXPECT_TRUE(wait_until(counter("MemoryPressures") >= 1));
	for (i = 0; i < 2 * PAIRS; i++)
		must(!pthread_create(&t[i][1], NULL, stream_in, &s[i][1]));
	for (i = 0; i < 2 * PAIRS; i++) {
		pthread_join(t[i][0], NULL);
		pthread_join(t[i][1], NULL);
		EXPECT_TRUE(s[i][1].ok);
	}
	for (i = 0; i < PAIRS; i++) {
		close(pair[i][0]);
		close(pair[i][1]);
	}
}

/* BM-6: at the limit nobody gets more, and the others do not die of it. */
TEST_F(memory, limit__holds)
{
	enum { PAIRS = 12 };
	int i, pair[PAIRS][2];
	long total = 0;

	mem_set(self->home, self->init, "50 75 100");
	for (i = 0; i < PAIRS; i++) {
		test_pair(variant->v6, pair[i]);
		must(set_int(pair[i][0], SOL_SOCKET, SO_SNDBUF, 1000000) == 0);
		must(set_int(pair[i][0], SOL_SOCKET, SO_RCVBUF, 1000000) == 0);
		set_timeout(pair[i][0], SO_SNDTIMEO, 50);
	}
	for (i = 0; i < PAIRS; i++) {
		total += fill(pair[i][1]);	/* the kernel's to ours */
		total += fill(pair[i][0]);
	}
	EXPECT_GT(total, 0);
	/* the limit, and the one skb that each empty queue takes all the same; per-CPU
	 * reserves count as used
	 */
	EXPECT_LT(sockstat("mem "), 100 + PAIRS * 40 + 600);
	for (i = 0; i < PAIRS; i++) {
		close(pair[i][0]);
		close(pair[i][1]);
	}
	mem_set(self->home, self->init, "10000 20000 30000");
	test_pair(variant->v6, pair[0]);
	send_all(pair[0][0], "hello", 5);
	EXPECT_TRUE(wait_until(sockstat("mem ") < 600));
	close(pair[0][0]);
	close(pair[0][1]);
}

/* CL-8: more orphans than the limit are reset, at once. */
TEST_F(memory, orphans__too_many)
{
	enum { PAIRS = 5, LIMIT = 2 };
	int i, reset = 0, pair[PAIRS][2];
	char limit[10];

	snprintf(limit, sizeof(limit), "%d", LIMIT);
	sysctl_set("net/xtcp/max_orphans", limit);
	for (i = 0; i < PAIRS; i++) {
		test_pair(variant->v6, pair[i]);
		must(fill(pair[i][0]) > 0);	/* nobody reads: it cannot end */
	}
	for (i = 0; i < PAIRS; i++)
		close(pair[i][0]);
	EXPECT_EQ(PAIRS - LIMIT, counter("AbortOnMemory"));
	EXPECT_EQ(LIMIT, sockstat("orphan "));
	for (i = 0; i < PAIRS; i++)
		reset += !!(poll_ms(pair[i][1], 0, 200) & POLLERR);
	EXPECT_EQ(PAIRS - LIMIT, reset);
	for (i = 0; i < PAIRS; i++)
		close(pair[i][1]);
}

TEST_HARNESS_MAIN
