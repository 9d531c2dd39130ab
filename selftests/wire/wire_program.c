// SPDX-License-Identifier: GPL-2.0
/* wire_program.c - what the program hears of what it sends and receives beside the
 * bytes: MSG_ZEROCOPY, SO_TIMESTAMPING, TCP_INQ, the times of TCP_INFO; and
 * settings whose effect is a time or a shape on the wire.
 */
#include "wire.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>

FIXTURE(program) {
	struct wire w;
	struct flow f;
};

FIXTURE_VARIANT(program) {
	bool v6;
};

FIXTURE_VARIANT_ADD(program, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(program, v6) { .v6 = true };

FIXTURE_SETUP(program)
{
	test_begin();
	wire_up(&self->w, variant->v6, 5);
	flow_init(&self->f, &self->w);
}

FIXTURE_TEARDOWN(program)
{
	wire_end(&self->w);
}

/* --- the error queue ------------------------------------------------------- */

struct report {
	struct sock_extended_err err;
	int	level, type;		/* of its control message */
	bool	stamped;
};

static bool report_next(int fd, struct report *r)
{
	char control[256];
	struct msghdr msg = {
		.msg_control	= control,
		.msg_controllen	= sizeof(control),
	};
	struct cmsghdr *c;

	memset(r, 0, sizeof(*r));
	if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_SOCKET) {
			r->stamped |= c->cmsg_type == SCM_TIMESTAMPING;
			continue;
		}
		r->level = c->cmsg_level;
		r->type = c->cmsg_type;
		memcpy(&r->err, CMSG_DATA(c), sizeof(r->err));
	}
	return true;
}

static int set_zerocopy(int fd, int v)
{
	if (test_inet())
		return set_int(fd, SOL_SOCKET, SO_ZEROCOPY, v);
	return set_int(fd, SOL_XTCP, XTCP_ZEROCOPY, v);
}

static int zerocopy_write(struct flow *f, int len)
{
	static char buf[4][65536] __attribute__((aligned(4096)));
	static int turn;
	char *at = buf[turn++ % 4];

	pattern_fill(at, len, f->wrote);
	f->wrote += len;
	return send(f->fd, at, len, MSG_ZEROCOPY);
}

TEST_F(program, zerocopy__reported_when_acknowledged)
{
	struct flow *f = &self->f;
	struct report r;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_zerocopy(f->fd, 1));
	ASSERT_EQ(2500, zerocopy_write(f, 2500));
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 1000);
	expect(f, ACK | PSH, .len = 500);
	/* the program's pages are still ours */
	EXPECT_FALSE(report_next(f->fd, &r));
	inject(f, ACK);
	EXPECT_EQ(POLLERR, poll_for(f->fd, POLLERR) & POLLERR);
	ASSERT_TRUE(report_next(f->fd, &r));
	EXPECT_EQ(SO_EE_ORIGIN_ZEROCOPY, r.err.ee_origin);
	EXPECT_EQ(0, r.err.ee_errno);
	EXPECT_EQ(0, r.err.ee_info);
	EXPECT_EQ(0, r.err.ee_data);
	EXPECT_EQ(variant->v6 ? SOL_IPV6 : SOL_IP, r.level);
	EXPECT_EQ(variant->v6 ? IPV6_RECVERR : IP_RECVERR, r.type);
	EXPECT_FALSE(report_next(f->fd, &r));
}

/* Two calls, acknowledged together: one report for both. */
TEST_F(program, zerocopy__reports_merge)
{
	struct flow *f = &self->f;
	struct report r;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_zerocopy(f->fd, 1));
	ASSERT_EQ(1000, zerocopy_write(f, 1000));
	ASSERT_EQ(1000, zerocopy_write(f, 1000));
	flow_drain(f, 2000, true);
	poll_for(f->fd, POLLERR);
	ASSERT_TRUE(report_next(f->fd, &r));
	EXPECT_EQ(0, r.err.ee_info);
	EXPECT_EQ(1, r.err.ee_data);
	EXPECT_FALSE(report_next(f->fd, &r));
}

/* Retransmitted and cut by a partial ACK, the bytes are the same. */
TEST_F(program, zerocopy__retransmitted)
{
	struct flow *f = &self->f;
	struct report r;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_zerocopy(f->fd, 1));
	ASSERT_EQ(3000, zerocopy_write(f, 3000));
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 1000);
	inject(f, ACK, .ack = 501);
	expect(f, ACK, .seq = 501, .len = ANY);
	EXPECT_FALSE(report_next(f->fd, &r));
	inject(f, ACK);
	poll_for(f->fd, POLLERR);
	ASSERT_TRUE(report_next(f->fd, &r));
	EXPECT_EQ(0, r.err.ee_data);
}

/* Without the option the flag means nothing; what was not taken is not counted. */
TEST_F(program, zerocopy__asked_for)
{
	struct flow *f = &self->f;
	struct report r;

	flow_open(f, .mss = 1000);
	EXPECT_ERRNO(EINVAL, set_zerocopy(f->fd, 2));
	ASSERT_EQ(100, zerocopy_write(f, 100));
	expect(f, ACK | PSH, .len = 100);
	inject(f, ACK);
	pass(10);
	EXPECT_FALSE(report_next(f->fd, &r));

	ASSERT_EQ(0, set_zerocopy(f->fd, 1));
	EXPECT_ERRNO(EFAULT, send(f->fd, (void *)8, 100, MSG_ZEROCOPY));
	ASSERT_EQ(100, zerocopy_write(f, 100));
	expect(f, ACK | PSH, .len = 100);
	inject(f, ACK);
	poll_for(f->fd, POLLERR);
	ASSERT_TRUE(report_next(f->fd, &r));
	EXPECT_EQ(0, r.err.ee_data);
}

/* Reset with the pages in flight: they come back all the same. */
TEST_F(program, zerocopy__reset)
{
	struct flow *f = &self->f;
	struct report r;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_zerocopy(f->fd, 1));
	ASSERT_EQ(20000, zerocopy_write(f, 20000));
	expect(f, ACK, .len = 1000);
	inject(f, RST | ACK, .seq = 1);
	wait_until(report_next(f->fd, &r));
	EXPECT_EQ(SO_EE_ORIGIN_ZEROCOPY, r.err.ee_origin);
}

/* The last byte of a write, when it left and when it was acknowledged. */
TEST_F(program, timestamping__last_byte)
{
	struct flow *f = &self->f;
	struct report r;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, SOL_SOCKET, SO_TIMESTAMPING,
			     SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE |
			     SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_OPT_ID |
			     SOF_TIMESTAMPING_OPT_TSONLY));
	flow_write(f, 2500);
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 500);
	ASSERT_TRUE(report_next(f->fd, &r));
	EXPECT_EQ(SO_EE_ORIGIN_TIMESTAMPING, r.err.ee_origin);
	EXPECT_EQ(SCM_TSTAMP_SND, (int)r.err.ee_info);
	EXPECT_EQ(2499, (int)r.err.ee_data);
	EXPECT_TRUE(r.stamped);

	inject(f, ACK, .ack = 2001);	/* not that byte yet */
	pass(5);
	EXPECT_FALSE(report_next(f->fd, &r));
	inject(f, ACK);
	pass(5);
	ASSERT_TRUE(report_next(f->fd, &r));
	EXPECT_EQ(SCM_TSTAMP_ACK, (int)r.err.ee_info);
	EXPECT_EQ(2499, (int)r.err.ee_data);

	/* the numbers go on */
	flow_write(f, 100);
	expect(f, ACK, .len = 100);
	ASSERT_TRUE(report_next(f->fd, &r));
	EXPECT_EQ(2599, (int)r.err.ee_data);
}

/* --- TCP_INQ ---------------------------------------------------------------- */

static int recv_inq(int fd, int len)
{
	char buf[4096], control[64];
	struct iovec iov = { buf, len };
	struct msghdr msg = {
		.msg_iov	= &iov,
		.msg_iovlen	= 1,
		.msg_control	= control,
		.msg_controllen	= sizeof(control),
	};
	struct cmsghdr *c;
	int inq;

	must(recvmsg(fd, &msg, 0) >= 0);
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != IPPROTO_TCP || c->cmsg_type != TCP_CM_INQ)
		return -1;
	memcpy(&inq, CMSG_DATA(c), sizeof(inq));
	return inq;
}

TEST_F(program, inq__what_is_left)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_INQ, 1));
	EXPECT_ERRNO(EINVAL, set_int(f->fd, IPPROTO_TCP, TCP_INQ, 2));
	EXPECT_EQ(1, get_int(f->fd, IPPROTO_TCP, TCP_INQ));
	inject(f, ACK, .len = 1000);
	expect(f, ACK);
	EXPECT_EQ(600, recv_inq(f->fd, 400));
	inject(f, ACK | FIN, .len = 100);
	expect(f, ACK);
	/* Linux counts the FIN: the end is there to be read, too */
	EXPECT_EQ(101, recv_inq(f->fd, 600));
	EXPECT_EQ(1, recv_inq(f->fd, 100));
}

/* --- TCP_INFO's times -------------------------------------------------------- */

static struct tcp_info_times {
	uint64_t busy, rwnd, sndbuf;
} times_of(int fd)
{
	struct xtcp_tcp_info_73 {
		char	before[168];
		uint64_t busy, rwnd, sndbuf;
	} i = {};
	socklen_t len = sizeof(i);

	must(!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len));
	return (struct tcp_info_times){ i.busy, i.rwnd, i.sndbuf };
}

#define EXPECT_MS(ms, us) do {						     \
	EXPECT_GE((int)((us) / 1000), (ms) - 2);			     \
	EXPECT_LE((int)((us) / 1000), (ms) + 12);			     \
} while (0)

TEST_F(program, info__busy_and_rwnd_limited)
{
	struct flow *f = &self->f;

	flow_open(f, .mss = 1000);
	pass(50);
	EXPECT_EQ(0, (int)times_of(f->fd).busy);
	flow_write(f, 1000);
	expect(f, ACK, .len = 1000);
	pass(100);
	EXPECT_MS(100, times_of(f->fd).busy);
	EXPECT_EQ(0, (int)times_of(f->fd).rwnd);
	inject(f, ACK, .wnd = 0);
	pass(50);
	EXPECT_MS(100, times_of(f->fd).busy);	/* idle is not busy */

	flow_write(f, 1000);
	pass(100);
	EXPECT_MS(100, times_of(f->fd).rwnd);
	EXPECT_MS(200, times_of(f->fd).busy);
	inject(f, ACK);
	expect(f, ACK, .len = 1000);
	inject(f, ACK);
	pass(50);
	EXPECT_MS(100, times_of(f->fd).rwnd);
	EXPECT_MS(200, times_of(f->fd).busy);
}

/* --- shapes and settings ------------------------------------------------------ */

/* Each super-packet ends in a PSH, and half a window at most is one. */
TEST_F(program, push__ends_a_super_packet)
{
	struct flow *f = &self->f;
	int i;

	knob("min_tso_segs", "10");
	flow_open(f, .mss = 1000);
	flow_write(f, 20000);
	for (i = 1; i <= 10; i++)
		EXPECT_EQ(i % 5 ? 0 : PSH, expect(f, ACK, .len = 1000)->flags & PSH);
}

TEST_F(program, setting__invalid_ratelimit)
{
	struct flow *f = &self->f;
	int i;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .seq = 100000);
	expect(f, ACK);
	inject(f, ACK, .seq = 100000);
	expect_none(f, 100);
	knob("invalid_ratelimit", "0");
	for (i = 0; i < 3; i++) {
		inject(f, ACK, .seq = 100000);
		expect(f, ACK);
	}
}

TEST_F(program, setting__early_retrans)
{
	struct flow *f = &self->f;
	const struct seg *s;

	knob("early_retrans", "0");
	flow_open(f, .mss = 1000, .sackok = true);
	flow_write(f, 1000);
	s = expect(f, ACK, .len = 1000);
	EXPECT_AFTER(200, s->at, expect(f, ACK, .seq = 1, .len = 1000));
}

TEST_F(program, setting__rto_min)
{
	struct flow *f = &self->f;
	const struct seg *s;

	if (test_inet())
		SKIP(return, "newer than this kernel");
	knob("rto_min_us", "50000");
	flow_open(f, .mss = 1000);
	flow_write(f, 1000);
	s = expect(f, ACK, .len = 1000);
	EXPECT_AFTER(50, s->at, expect(f, ACK, .seq = 1, .len = 1000));
}

TEST_F(program, setting__rto_max)
{
	struct flow *f = &self->f;
	const struct seg *s;
	int i;

	if (test_inet())
		SKIP(return, "newer than this kernel");
	knob("rto_max_ms", "1000");
	flow_open(f, .mss = 1000);
	flow_write(f, 1000);
	s = expect(f, ACK, .len = 1000);
	for (i = 200; i < 1600; i *= 2)
		s = expect(f, ACK, .seq = 1, .len = 1000);
	for (i = 0; i < 3; i++) {
		int64_t t = s->at;

		s = expect(f, ACK, .seq = 1, .len = 1000);
		EXPECT_AFTER(1000, t, s);
	}
}

/* --- a busy socket --------------------------------------------------------------- */

/* A page that is not there until page_comes(): who reads it sleeps.  NULL: this kernel
 * has no such pages.
 */
static char *page_missing(int *uffd)
{
	struct uffdio_api api = { .api = UFFD_API };
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = {
		.range	= { .start = (uintptr_t)page, .len = 4096 },
		.mode	= UFFDIO_REGISTER_MODE_MISSING,
	};

	*uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (*uffd < 0)
		return NULL;
	must(page != MAP_FAILED);
	must(ioctl(*uffd, UFFDIO_API, &api) == 0);
	must(ioctl(*uffd, UFFDIO_REGISTER, &reg) == 0);
	return page;
}

static void page_comes(int uffd, char *page)
{
	char what[4096];
	struct uffdio_copy copy = {
		.dst	= (uintptr_t)page,
		.src	= (uintptr_t)what,
		.len	= sizeof(what),
	};

	pattern_fill(what, sizeof(what), 0);
	must(ioctl(uffd, UFFDIO_COPY, &copy) == 0);
}

struct slow_send {
	int	fd, sent;
	char	*page;
};

static void *send_slowly(void *arg)
{
	struct slow_send *s = arg;

	s->sent = send(s->fd, s->page, 100, 0);
	return NULL;
}

/* Until it waits for the page, and has the socket's lock. */
static pthread_t sleep_in(void *(*call)(void *), struct slow_send *s, int uffd)
{
	struct pollfd p = { .fd = uffd, .events = POLLIN };
	pthread_t t;

	must(pthread_create(&t, NULL, call, s) == 0);
	must(poll(&p, 1, TEST_DEADLINE_MS) == 1);
	return t;
}

#define CROWD	2000

/* BM-8: a program that keeps the socket to itself: what comes waits, but not without
 * limit, and nothing is lost that was not dropped.
 */
TEST_F(program, busy__backlog_is_bounded)
{
	struct flow *f = &self->f;
	const struct seg *seg;
	struct slow_send s;
	uint32_t ack = 0;
	int uffd, i, taken;
	pthread_t t;

	xtcp_only();	/* counts itself */
	flow_open(f, .mss = 1000);
	s.fd = f->fd;
	s.page = page_missing(&uffd);
	if (!s.page)
		SKIP(return, "no userfaultfd");
	t = sleep_in(send_slowly, &s, uffd);
	/* it sleeps, and has the lock; what comes cannot be merged */
	for (i = 0; i < CROWD; i++)
		inject(f, ACK, .seq = 1 + i, .len = 1, .tos = i % 2 ? 0x20 : 0);
	expect_none(f, 0);
	taken = CROWD - counter("BacklogDrop");
	EXPECT_EQ(CROWD - taken, counter("DropBacklog"));
	EXPECT_GT(taken, 50);		/* 87380 + 16384 + 65536 bytes of skbs */
	EXPECT_LT(taken, 400);
	page_comes(uffd, s.page);
	must(pthread_join(t, NULL) == 0);
	EXPECT_EQ(100, s.sent);
	f->seq = 1;
	expect(f, ACK | PSH, .len = 100);
	/* those that waited are looked at after that */
	while ((seg = wire_next(f, 300)))
		ack = seg->ack;
	EXPECT_EQ(1 + taken, ack);
	f->seq = 1 + taken;
	inject(f, ACK, .len = CROWD - taken);
	flow_read(f, CROWD);
}

/* What follows on the last one is one segment with it when its time comes, but
 * nothing gets lost in it: what tells the peer's state stays as it is.
 */
TEST_F(program, busy__data_is_merged)
{
	struct flow *f = &self->f;
	struct slow_send s;
	char nops[] = { 1, 1, 1, 1 };
	int uffd, i;
	pthread_t t;

	xtcp_only();	/* counts itself */
	flow_open(f, .mss = 1000);
	must(setsockopt(f->fd, SOL_SOCKET, SO_OOBINLINE, &(int){ 1 }, sizeof(int)) == 0);
	s.fd = f->fd;
	s.page = page_missing(&uffd);
	if (!s.page)
		SKIP(return, "no userfaultfd");
	t = sleep_in(send_slowly, &s, uffd);
	/* as many as fit into the first one's page */
	inject(f, ACK, .len = 20);
	for (i = 1; i < 3; i++)
		inject(f, ACK, .seq = 1 + 20 * i, .len = 20, .wnd = 2000 + i);
	EXPECT_EQ(2, counter("BacklogCoalesce"));
	/* alone: without data, behind a hole, another ECN field, options, an older ACK, urgent */
	inject(f, ACK, .seq = 61, .wnd = 3000);
	inject(f, ACK, .seq = 81, .len = 20);
	inject(f, ACK, .seq = 101, .len = 20, .tos = 2);
	inject(f, ACK, .seq = 121, .len = 20, .tos = 2, .raw = nops, .rawlen = 4);
	inject(f, ACK, .seq = 141, .len = 20, .tos = 2, .raw = nops, .rawlen = 4, .ack = 0);
	inject(f, ACK | URG, .seq = 161, .len = 20, .tos = 2, .raw = nops, .rawlen = 4,
	       .ack = 0, .up = 20);
	EXPECT_EQ(2, counter("BacklogCoalesce"));
	/* the end goes with what it ends, and nothing goes with the end */
	inject(f, ACK, .seq = 181, .len = 20);
	inject(f, ACK | FIN, .seq = 201, .len = 20);
	inject(f, ACK, .seq = 222, .len = 20);
	EXPECT_EQ(3, counter("BacklogCoalesce"));
	page_comes(uffd, s.page);
	must(pthread_join(t, NULL) == 0);
	EXPECT_EQ(100, s.sent);
	EXPECT_EQ(11, tcp_info_of(f->fd).tcpi_data_segs_in);
	inject(f, ACK, .seq = 61, .len = 20);
	flow_read(f, 220);
	EXPECT_EQ(0, recv(f->fd, nops, 1, 0));
}

static void *recv_slowly(void *arg)
{
	struct slow_send *s = arg;

	s->sent = recv(s->fd, s->page, 100, 0);
	return NULL;
}

/* MUST-59: what waited while a user had the socket is acknowledged as one. */
TEST_F(program, busy__one_ack_for_all)
{
	struct flow *f = &self->f;
	struct slow_send s;
	int uffd, i;
	pthread_t t;

	flow_open(f, .mss = 1000);
	inject(f, ACK, .len = 100);
	f->seq = 101;
	expect(f, ACK);
	s.fd = f->fd;
	s.page = page_missing(&uffd);
	if (!s.page)
		SKIP(return, "no userfaultfd");
	t = sleep_in(recv_slowly, &s, uffd);
	for (i = 0; i < 5; i++)
		inject(f, ACK, .seq = 101 + 100 * i, .len = 100);
	expect_none(f, 20);
	page_comes(uffd, s.page);
	must(pthread_join(t, NULL) == 0);
	EXPECT_EQ(100, s.sent);
	expect(f, ACK, .ack = 601);
	expect_none(f, 300);
}

/* An ACK that was held (engine/ack_hold.h) until a user has the socket */
TEST_F(program, busy__held_ack_goes)
{
	struct flow *f = &self->f;
	struct slow_send s;
	int uffd, i;
	pthread_t t;

	knob("comp_sack_delay_ns", "40000000");
	flow_open(f, .mss = 1000, .sackok = true, .rtt = 900);
	inject(f, ACK, .len = 100);
	f->seq = 101;
	expect(f, ACK);
	for (i = 1; i <= 3; i++) {
		inject(f, ACK, .seq = 101 + 100 * i, .len = 100);
		expect(f, ACK, .ack = 101);
	}
	inject(f, ACK, .seq = 501, .len = 100);
	s.fd = f->fd;
	s.page = page_missing(&uffd);
	if (!s.page)
		SKIP(return, "no userfaultfd");
	t = sleep_in(recv_slowly, &s, uffd);
	expect_none(f, 100);
	page_comes(uffd, s.page);
	must(pthread_join(t, NULL) == 0);
	EXPECT_EQ(100, s.sent);
	EXPECT_EQ(601, expect(f, ACK, .ack = 101)->sack[0].end);
}

TEST_HARNESS_MAIN
