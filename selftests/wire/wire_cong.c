// SPDX-License-Identifier: GPL-2.0
/* wire_cong.c - congestion windows as the peer sees them (RFC 5681, 6928, 2861),
 * who chooses the algorithm, and an algorithm in a module of its own
 * (examples/).  Virtual time only.
 */
#include "far.h"

#include <sys/wait.h>

FIXTURE(cong) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(cong) {
	bool v6;
};

FIXTURE_VARIANT_ADD(cong, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(cong, v6) { .v6 = true };

FIXTURE_SETUP(cong)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
}

FIXTURE_TEARDOWN(cong)
{
	wire_end(&self->w);
}

static void open_far(struct flow *f, bool sack)
{
	open_over(f, 50, sack, false);
}

/* Exactly @n segments come. */
static void burst(struct flow *f, int n)
{
	while (n--)
		expect(f, ACK, .len = 1000);
	expect_none(f, 40);
}

static int choose(int fd, const char *name)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name)) ?
	       errno : 0;
}

static const char *chosen(int fd)
{
	static char name[16];
	socklen_t len = sizeof(name);

	must(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) == 0);
	return name;
}

static struct tcp_info info(struct flow *f)
{
	return tcp_info_of(f->fd);
}

/* --- windows ---------------------------------------------------------------- */

/* CC-6 */
TEST_F(cong, ssthresh__starts_high)
{
	open_far(&self->f, true);
	EXPECT_EQ(0x7fffffff, info(&self->f).tcpi_snd_ssthresh);
}

/* CC-4, CC-5: half of the window, once, and one segment each time */
TEST_F(cong, timeout__halves_once)
{
	struct flow *f = &self->f;
	int i;

	open_far(f, false);
	ASSERT_EQ(0, choose(f->fd, "reno"));
	flow_write(f, 10000);
	for (i = 0; i < 10; i++)
		expect(f, ACK, .len = 1000);
	for (i = 0; i < 3; i++) {
		expect(f, ACK, .seq = 1, .len = 1000, .within = 9000);
		/* a tail probe sends the last segment before */
		EXPECT_EQ(5, info(f).tcpi_snd_ssthresh);
		EXPECT_EQ(1, info(f).tcpi_snd_cwnd);
		EXPECT_EQ(i + 1, info(f).tcpi_backoff);
	}
}

/* CC-9, CC-10: duplicates let new segments go, never more than cwnd in flight */
TEST_F(cong, recovery__goes_on_sending)
{
	struct flow *f = &self->f;
	int i, fresh = 0, again = 0;
	const struct seg *s;

	open_far(f, true);
	flow_write(f, 40000);
	burst(f, 10);
	for (i = 1; i < 10; i++) {
		struct tcp_info ti;

		inject(f, ACK, .ack = 1, .nsack = 1,
		       .sack = { { 1001, 1001 + 1000 * i } });
		while ((s = wire_next(f, 1))) {
			again += s->seq == 1;
			fresh += s->seq > 10000;
			EXPECT_TRUE(s->seq == 1 || s->seq > 10000);
		}
		ti = info(f);
		EXPECT_EQ(i >= 3 ? 3 : 1, ti.tcpi_ca_state);
		EXPECT_LE(ti.tcpi_unacked - ti.tcpi_sacked - ti.tcpi_lost +
			  ti.tcpi_retrans, ti.tcpi_snd_cwnd);
	}
	EXPECT_EQ(1, again);
	/* two by limited transmit, the rest by the reduction to 7 */
	EXPECT_GE(fresh, 5);
	EXPECT_LE(fresh, 7);
	EXPECT_EQ(7, info(f).tcpi_snd_ssthresh);
}

/* LT-1: the first two duplicates let one new segment go each; cwnd stays */
TEST_F(cong, limited_transmit__two)
{
	struct flow *f = &self->f;

	open_far(f, false);
	flow_write(f, 20000);
	burst(f, 10);
	inject(f, ACK, .ack = 1);
	burst(f, 1);
	inject(f, ACK, .ack = 1);
	burst(f, 1);
	EXPECT_EQ(10, info(f).tcpi_snd_cwnd);
}

/* CC-13: ten ACKs for one segment are worth one */
TEST_F(cong, growth__acks_cut_in_pieces)
{
	struct flow *f = &self->f;
	int i;

	open_far(f, true);
	flow_write(f, 40000);
	burst(f, 10);
	for (i = 1; i < 10; i++)
		inject(f, ACK, .ack = 1 + 100 * i);
	expect_none(f, 20);
	EXPECT_EQ(10, info(f).tcpi_snd_cwnd);
	inject(f, ACK, .ack = 1001);
	burst(f, 2);
	EXPECT_EQ(11, info(f).tcpi_snd_cwnd);
}

/* CC-13: an ACK for what was not sent yet is not believed */
TEST_F(cong, growth__optimistic_acks)
{
	struct flow *f = &self->f;

	open_far(f, true);
	flow_write(f, 40000);
	burst(f, 10);
	inject(f, ACK, .ack = 10002);
	expect(f, ACK);			/* the one answer: RFC 5961 5.2 */
	inject(f, ACK, .ack = 20001);
	expect_none(f, 30);
	EXPECT_EQ(10, info(f).tcpi_snd_cwnd);
	EXPECT_EQ(10, info(f).tcpi_unacked);
}

/* Two segments for one, whatever an ACK covers (CC-2) */
static void to_twenty(struct flow *f)
{
	flow_write(f, 30000);
	burst(f, 10);
	inject(f, ACK);
	burst(f, 20);
	inject(f, ACK);
}

/* CC-11: RW = min(IW, cwnd) */
TEST_F(cong, idle__starts_again)
{
	struct flow *f = &self->f;

	open_far(f, true);
	to_twenty(f);
	EXPECT_GE(info(f).tcpi_snd_cwnd, 20);
	pass(3000);
	flow_write(f, 40000);
	burst(f, 10);
	EXPECT_EQ(10, info(f).tcpi_snd_cwnd);
}

TEST_F(cong, idle__administrator_says_no)
{
	struct flow *f = &self->f;
	int cwnd;

	sysctl_set(test_inet() ? "net/ipv4/tcp_slow_start_after_idle" :
		   "net/xtcp/slow_start_after_idle", "0");
	open_far(f, true);
	to_twenty(f);
	pass(1);
	cwnd = info(f).tcpi_snd_cwnd;
	EXPECT_GE(cwnd, 20);
	pass(3000);
	flow_write(f, 60000);
	burst(f, cwnd);
}

/* CUB-8, CC-12: a window that is not used shrinks to what is, so that half of it
 * is half of what was in flight.
 */
TEST_F(cong, unused__shrinks)
{
	struct flow *f = &self->f;
	int i;

	open_far(f, true);
	flow_write(f, 70000);
	burst(f, 10);
	inject(f, ACK);
	burst(f, 20);
	inject(f, ACK);
	burst(f, 40);
	inject(f, ACK);
	pass(1);
	EXPECT_GE(info(f).tcpi_snd_cwnd, 40);
	for (i = 0; i < 100; i++) {	/* five seconds of one at a time */
		flow_write(f, 1000);
		expect(f, ACK, .len = 1000);
		pass(50);
		inject(f, ACK);
	}
	EXPECT_LE(info(f).tcpi_snd_cwnd, 11);
}

/* IW-2: the SYN-ACK had to go three times */
TEST_F(cong, initial__after_two_losses)
{
	struct flow *f = &self->f;

	xtcp_only();
	inject(f, SYN, .mss = 1000, .sackok = true);
	expect(f, SYN | ACK);
	expect(f, SYN | ACK, .seq = 0);
	inject(f, ACK);		/* one may be a late answer */
	flow_accept(f);
	flow_write(f, 10000);
	burst(f, 10);
	close(f->fd);

	flow_init(f, &self->w);
	inject(f, SYN, .mss = 1000, .sackok = true);
	expect(f, SYN | ACK);
	expect(f, SYN | ACK, .seq = 0);
	expect(f, SYN | ACK, .seq = 0);
	inject(f, ACK);
	flow_accept(f);
	flow_write(f, 10000);
	burst(f, 1);
}

/* --- what TCP_INFO says about it ----------------------------------------------- */

/* RATE-1: ten segments in 50 ms; one at a time is the program's rate, not more */
TEST_F(cong, info__delivery_rate)
{
	struct flow *f = &self->f;
	struct tcp_info ti;
	int i;

	open_far(f, true);
	EXPECT_EQ(1, info(f).tcpi_delivered);	/* the SYN-ACK */
	flow_write(f, 60000);
	for (i = 0; i < 10; i++)
		expect(f, ACK, .len = 1000);
	pass(50);
	inject(f, ACK);
	burst(f, 20);
	ti = info(f);
	EXPECT_EQ(11, ti.tcpi_delivered);
	EXPECT_GE(ti.tcpi_delivery_rate, 196000);
	EXPECT_LE(ti.tcpi_delivery_rate, 200500);
	pass(10);
	inject(f, ACK);				/* twenty in 50 ms */
	burst(f, 30);
	ti = info(f);
	EXPECT_EQ(31, ti.tcpi_delivered);
	EXPECT_GE(ti.tcpi_delivery_rate, 380000);
	EXPECT_LE(ti.tcpi_delivery_rate, 401000);
	EXPECT_EQ(0, ti.tcpi_delivery_rate_app_limited + 0);
	inject(f, ACK);
	pass(1000);
	for (i = 0; i < 3; i++) {
		flow_write(f, 1000);
		expect(f, ACK, .len = 1000);
		pass(50);
		inject(f, ACK);
	}
	pass(1);
	ti = info(f);
	EXPECT_GE(ti.tcpi_delivery_rate, 380000);
	EXPECT_EQ(64, ti.tcpi_delivered);
}

/* A window of two segments for 100 ms, then 50 ms of the network */
TEST_F(cong, info__receiver_limited)
{
	struct flow *f = &self->f;
	struct tcp_info ti;

	f->wnd = 2000;
	open_far(f, true);
	flow_write(f, 6000);
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 1000);
	expect_none(f, 100);
	f->wnd = 65535;
	inject(f, ACK);
	while (f->ack < 6001)
		expect(f, ACK, .len = 1000);
	pass(50);
	inject(f, ACK);
	pass(1);
	ti = info(f);
	EXPECT_GE(ti.tcpi_rwnd_limited, 99500);
	EXPECT_LE(ti.tcpi_rwnd_limited, 102000);
	EXPECT_GE(ti.tcpi_busy_time, 149500);
	EXPECT_LE(ti.tcpi_busy_time, 154000);
	EXPECT_EQ(0, ti.tcpi_sndbuf_limited);
	pass(500);		/* idle is not busy */
	EXPECT_EQ(ti.tcpi_busy_time, info(f).tcpi_busy_time);
}

/* --- routes ------------------------------------------------------------------ */

static void route_with(bool v6, const char *what)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "ip %s route replace %s dev wire0 %s",
		 v6 ? "-6" : "-4", v6 ? "fd09::/64 proto kernel metric 256" :
		 "10.9.0.0/24 proto kernel src 10.9.0.1", what);
	must(system(cmd) == 0);
}

/* IW-3 */
TEST_F(cong, route__initcwnd)
{
	struct flow *f = &self->f;

	route_with(variant->v6, "initcwnd 3");
	open_far(f, true);
	flow_write(f, 20000);
	burst(f, 3);
}

TEST_F(cong, route__cwnd_lock)
{
	struct flow *f = &self->f;

	route_with(variant->v6, "cwnd lock 12");
	open_far(f, true);
	flow_write(f, 40000);
	burst(f, 10);
	inject(f, ACK);
	burst(f, 12);
}

/* CCMOD-1: the route chooses, and may insist */
TEST_F(cong, route__congctl)
{
	struct flow *f = &self->f;

	route_with(variant->v6, "congctl reno");
	open_far(f, true);
	EXPECT_STREQ("reno", chosen(f->fd));
	EXPECT_EQ(0, choose(f->fd, "cubic"));
	flow_init(f, &self->w);
	route_with(variant->v6, "congctl lock reno");
	open_far(f, true);
	EXPECT_STREQ("reno", chosen(f->fd));
	EXPECT_EQ(EPERM, choose(f->fd, "cubic"));
	EXPECT_STREQ("reno", chosen(f->fd));
}

/* --- who chooses --------------------------------------------------------------- */

static const char *sysctl_name(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), test_inet() ? "net/ipv4/tcp_%s" :
		 "net/xtcp/%s", name);
	return path;
}

static void sysctl_get(const char *name, char *buf, int size)
{
	char path[160];
	int fd, n;

	snprintf(path, sizeof(path), "/proc/sys/%s", sysctl_name(name));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	n = read(fd, buf, size - 1);
	must(n >= 0);
	buf[n] = '\0';
	close(fd);
}

/* errno of a write */
static int sysctl_try(const char *name, const char *value)
{
	char path[160];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/sys/%s", sysctl_name(name));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = write(fd, value, strlen(value)) < 0 ? errno : 0;
	close(fd);
	return err;
}

/* The list is the machine's: only the first namespace has it. */
static int allow(const char *names)
{
	int ours = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int first = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC), err;

	must(setns(first, CLONE_NEWNET) == 0);
	err = sysctl_try("allowed_congestion_control", names);
	must(setns(ours, CLONE_NEWNET) == 0);
	close(first);
	close(ours);
	return err;
}

/* As somebody without privileges: errno */
static int choose_unprivileged(int fd, const char *name)
{
	int status;
	pid_t pid = fork();

	must(pid >= 0);
	if (!pid) {
		must(setresuid(65534, 65534, 65534) == 0);
		_exit(choose(fd, name));
	}
	must(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool lists(const char *name, const char *what)
{
	char buf[1024], *p;

	sysctl_get(name, buf, sizeof(buf));
	for (p = strtok(buf, "\n "); p; p = strtok(NULL, "\n "))
		if (!strcmp(p, what))
			return true;
	return false;
}

TEST_F(cong, choose__permissions)
{
	int fd = test_socket(variant->v6, 0);

	if (test_inet())
		must(system("/sbin/modprobe tcp_bbr") == 0);
	EXPECT_TRUE(lists("available_congestion_control", "bbr"));
	EXPECT_TRUE(lists("available_congestion_control", "cubic"));
	EXPECT_TRUE(lists("available_congestion_control", "reno"));
	EXPECT_STREQ("cubic", chosen(fd));
	EXPECT_EQ(ENOENT, choose(fd, "no-such"));
	EXPECT_EQ(ENOENT, choose(fd, "a-name-that-is-much-too-long"));
	EXPECT_EQ(EINVAL, setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0) ? errno : 0);

	EXPECT_EQ(ENOENT, allow("reno nonsense"));
	ASSERT_EQ(0, allow("reno cubic"));
	EXPECT_EQ(0, choose_unprivileged(fd, "reno"));
	EXPECT_EQ(EPERM, choose_unprivileged(fd, "bbr"));
	EXPECT_STREQ("reno", chosen(fd));
	EXPECT_EQ(0, choose(fd, "bbr"));
	EXPECT_EQ(0, choose_unprivileged(fd, "bbr"));	/* no change */
	EXPECT_EQ(0, choose_unprivileged(fd, "cubic"));
	/* another namespace may not make a default of it either */
	EXPECT_EQ(EPERM, sysctl_try("congestion_control", "bbr"));
	EXPECT_EQ(0, sysctl_try("congestion_control", "reno"));
	EXPECT_EQ(ENOENT, sysctl_try("congestion_control", "no-such"));

	ASSERT_EQ(0, allow("reno cubic bbr"));
	EXPECT_EQ(0, choose_unprivileged(fd, "bbr"));
	EXPECT_EQ(0, sysctl_try("congestion_control", "bbr"));
	close(fd);
	fd = test_socket(variant->v6, 0);
	EXPECT_STREQ("bbr", chosen(fd));
	close(fd);
}

/* A child has its listener's if the listener chose, else the default of now */
TEST_F(cong, choose__children)
{
	struct flow *f = &self->f;

	EXPECT_EQ(0, sysctl_try("congestion_control", "reno"));
	open_far(f, true);
	EXPECT_STREQ("cubic", chosen(self->w.lfd));
	EXPECT_STREQ("reno", chosen(f->fd));
	EXPECT_EQ(0, choose(self->w.lfd, "cubic"));
	flow_init(f, &self->w);
	open_far(f, true);
	EXPECT_STREQ("cubic", chosen(f->fd));
}

/* In the middle: windows stay, the stream goes on */
TEST_F(cong, choose__while_connected)
{
	static const char * const names[] = { "reno", "bbr", "cubic", "bbr", "reno" };
	struct flow *f = &self->f;
	int i;

	open_far(f, true);
	flow_write(f, 40000);
	burst(f, 10);
	inject(f, ACK);
	burst(f, 20);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(0, choose(f->fd, names[i]));
		EXPECT_STREQ(names[i], chosen(f->fd));
		EXPECT_EQ(20, info(f).tcpi_snd_cwnd);
	}
	flow_write(f, 60000);
	while (f->ack < 100001) {
		inject(f, ACK);
		ASSERT_NE(NULL, wire_next(f, 1000));
		while (wire_next(f, 20))
			;
	}
}

/* --- a module of somebody else's ----------------------------------------------- */

#define EXAMPLE "xtcp_cong_example"

static const char *example_path(void)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/" EXAMPLE "/" EXAMPLE ".ko",
		 getenv("XTCP_EXAMPLES") ?: "");
	return path;
}

static int example_remove(void)
{
	return syscall(SYS_delete_module, EXAMPLE, O_NONBLOCK) ? errno : 0;
}

/* How somebody who asks for the name gets it; NULL: not at all */
static void example_install(const char *args)
{
	const char *conf = "/run/modprobe.d/xtcp-test.conf";
	FILE *f;

	mkdir("/run/modprobe.d", 0755);
	unlink(conf);
	if (!args)
		return;
	f = fopen(conf, "w");
	must(f);
	fprintf(f, "install " EXAMPLE " /sbin/insmod %s %s\n", example_path(), args);
	must(fclose(f) == 0);
}

/* CCMOD-1: asked for by name, loaded, used, in use, gone */
TEST_F(cong, module__example)
{
	struct flow *f = &self->f;

	xtcp_only();
	if (access(example_path(), R_OK))
		SKIP(return, "no XTCP_EXAMPLES");
	open_far(f, true);
	example_install(NULL);
	EXPECT_EQ(ENOENT, choose(f->fd, "example"));
	example_install("rise=4 keep=40");
	EXPECT_EQ(ENOENT, choose_unprivileged(f->fd, "example"));
	ASSERT_EQ(0, choose(f->fd, "example"));
	EXPECT_STREQ("example", chosen(f->fd));
	EXPECT_TRUE(lists("available_congestion_control", "example"));
	EXPECT_FALSE(lists("allowed_congestion_control", "example"));

	/* no slow start: 40 of credit are one at 10, at 11, at 12 */
	flow_write(f, 50000);
	burst(f, 10);
	inject(f, ACK);
	burst(f, 13);
	/* a loss leaves 40 % */
	inject(f, ACK, .ack = 10001, .nsack = 1, .sack = { { 11001, 23001 } });
	expect(f, ACK, .seq = 10001, .len = 1000);
	EXPECT_EQ(5, info(f).tcpi_snd_ssthresh);

	EXPECT_EQ(EAGAIN, example_remove());
	ASSERT_EQ(0, choose(f->fd, "cubic"));
	EXPECT_EQ(0, choose(self->w.lfd, "example"));	/* a listener's is a use, too */
	EXPECT_EQ(EAGAIN, example_remove());
	EXPECT_EQ(0, choose(self->w.lfd, "reno"));
	EXPECT_EQ(0, example_remove());
	EXPECT_FALSE(lists("available_congestion_control", "example"));
	example_install(NULL);
	EXPECT_EQ(ENOENT, choose(f->fd, "example"));
}

TEST_HARNESS_MAIN
