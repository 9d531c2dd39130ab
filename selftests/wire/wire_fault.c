// SPDX-License-Identifier: GPL-2.0
/* wire_fault.c - every allocation fails once, and nothing hangs, leaks or lies.
 *
 * fail-nth of /proc fails one allocation after the other of what a call sets off.
 * The peer is this program: a packet that it writes to the device is received, and
 * answered, within that very system call.  What timers allocate is not reached.  With
 * the kernel's TCP as the peer one could not tell whose fault a hang is (tcp_send_fin()
 * forgets a FIN that finds no memory).
 *
 * Only in a kernel that can do that (scripts/vm.sh --debug).  What leaks is also
 * told by kmemleak, and by the slabs when the module goes.
 */
#include "wire.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define FAILSLAB	DEBUGFS "failslab/"
#define FAILPAGE	DEBUGFS "fail_page_alloc/"
#define PEER_BYTES	2000
#define OUR_BYTES	3000
#define LIFE_MS		120000		/* of the protocol's time */
#define NTH_MAX		150

FIXTURE(fault) {
	struct wire w;
	int users;		/* of the module, with the listener alone */
};

FIXTURE_VARIANT(fault) {
	bool v6;
};

FIXTURE_VARIANT_ADD(fault, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(fault, v6) { .v6 = true };

/* What does not allocate otherwise over IPv4 */
FIXTURE(either) {
	struct wire w;
	int users;
};

FIXTURE_VARIANT(either) {
	bool v6;
};

FIXTURE_VARIANT_ADD(either, v6) { .v6 = true };

/* --- failing -------------------------------------------------------------- */

static void file_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		die("%s: %s: %s", path, value, strerror(errno));
	close(fd);
}

static int file_int(const char *path)
{
	FILE *f = fopen(path, "re");
	int n;

	must(f);
	must(fscanf(f, "%d", &n) == 1);
	fclose(f);
	return n;
}

/* One word for the whole program: elsewhere there is nothing to test. */
static void __attribute__((constructor)) can_fail(void)
{
	if (!test_inet() && !access("/proc/self/fail-nth", W_OK) &&
	    !access(FAILSLAB, F_OK) && !access(FAILPAGE, F_OK))
		return;
	printf("TAP version 13\n1..0 # SKIP needs xtcp in a kernel with fault injection\n");
	exit(4);
}

static int fail_nth = -1;	/* this process's file */
static int family;

/* As test_socket(), which reads a file. */
static int new_socket(bool v6, int flags)
{
	return socket(family, SOCK_STREAM | flags, v6 ? XTCPPROTO_TCP6 : XTCPPROTO_TCP);
}

static void failing_setup(void)
{
	file_write(FAILSLAB "verbose", "0");	/* a trace in the log is a bug's */
	file_write(FAILPAGE "verbose", "0");
	file_write(FAILSLAB "times", "-1");
	file_write(FAILSLAB "ignore-gfp-wait", "N");
	file_write(FAILPAGE "ignore-gfp-wait", "N");
	file_write(FAILPAGE "ignore-gfp-highmem", "N");
	file_write(FAILPAGE "min-order", "0");
	family = xtcp_family();
	fail_nth = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	must(fail_nth >= 0);
}

static void nth_write(int nth)
{
	char buf[16];
	int n = snprintf(buf, sizeof(buf), "%d", nth);

	must(pwrite(fail_nth, buf, n, 0) == n);
}

/* Has it failed? */
static bool nth_end(void)
{
	char buf[16] = {};

	must(pread(fail_nth, buf, sizeof(buf) - 1, 0) > 0);
	nth_write(0);
	return !atoi(buf);
}

/* Rounds: in the first one the first allocation of a call fails, and so on,
 * until there was none left to fail.
 */
struct rounds {
	int nth;
	bool failed;
};

static bool next_round(struct rounds *r)
{
	if (r->nth && !r->failed)
		return false;
	r->failed = false;
	if (++r->nth > NTH_MAX)
		die("more than %d allocations", NTH_MAX);
	return true;
}

#define each_allocation(r) for (struct rounds r = {}; next_round(&(r));)

/* The call's result, or -errno. */
#define failing(r, call) ({						     \
	int ret_;							     \
									     \
	nth_write((r).nth);						     \
	ret_ = (call);							     \
	ret_ = ret_ < 0 ? -errno : ret_;				     \
	(r).failed |= nth_end();					     \
	ret_;								     \
})

/* What a call may say when there is no memory: bind() and listen() what the kernel's
 * own say if there is none for the bucket of a port.
 */
static bool no_memory(int ret)
{
	return ret == -ENOMEM || ret == -ENOBUFS || ret == -ENFILE || ret == -EADDRINUSE;
}

/* The call says so, or has done it all the same; if it says so, it can be done again. */
#define EXPECT_FAILING(r, call) ({					     \
	int got_ = failing(r, call);					     \
									     \
	if (got_ < 0) {							     \
		if (!(r).failed || !no_memory(got_))			     \
			die("%s: %d in round %d", #call, got_, (r).nth);    \
		got_ = (call);						     \
		if (got_ < 0)						     \
			die("%s: errno %d after round %d", #call, errno, (r).nth); \
	}								     \
	got_;								     \
})

/* --- what is left ----------------------------------------------------------- */

static int users(void)
{
	return file_int("/sys/module/xtcp/refcnt");
}

static int half_open(struct wire *w)
{
	return listen_info(w->lfd).syn_len;
}

/* Every socket holds the module, orphans too; half-open entries do not. */
static bool nothing_left(struct wire *w, int before)
{
	return users() == before && !half_open(w) && !listen_info(w->lfd).accept_len;
}

#define EXPECT_NOTHING_LEFT()						     \
	ASSERT_TRUE(wait_until(nothing_left(&self->w, self->users)))

/* Without a FIN to wait for */
static void abort_fd(int fd)
{
	set_linger(fd, 1, 0);
	close(fd);
}

/* The test before may still be on its way out: its users are not ours. */
#define setup() do {							     \
	test_begin();							     \
	wait_until(users() == 0);					     \
	failing_setup();						     \
	wire_up(&self->w, variant->v6, 5);				     \
	self->w.lossy = true;						     \
	self->users = users();						     \
} while (0)

FIXTURE_SETUP(fault)
{
	setup();
}

FIXTURE_TEARDOWN(fault)
{
	wire_end(&self->w);
}

FIXTURE_SETUP(either)
{
	setup();
}

FIXTURE_TEARDOWN(either)
{
	wire_end(&self->w);
}

/* A flow that the wire remembers for as long as the test runs */
static struct flow *flow_new(struct wire *w)
{
	struct flow *f = calloc(1, sizeof(*f));

	must(f);
	flow_init(f, w);
	return f;
}

/* --- calls before there is a connection -------------------------------------- */

TEST_F_TIMEOUT(either, socket__and_what_it_takes, 1000000)
{
	each_allocation(r) {
		close(EXPECT_FAILING(r, new_socket(variant->v6, SOCK_CLOEXEC)));
		EXPECT_NOTHING_LEFT();
	}
}

TEST_F_TIMEOUT(fault, bind__chosen_port, 1000000)
{
	union addr at = addr_lo(variant->v6, 9001);

	each_allocation(r) {
		int fd = test_socket(variant->v6, SOCK_CLOEXEC);

		EXPECT_FAILING(r, test_bind(fd, &at));
		close(fd);
		EXPECT_NOTHING_LEFT();
	}
}

TEST_F_TIMEOUT(fault, bind__any_port, 1000000)
{
	union addr at = addr_any(variant->v6, 0);

	each_allocation(r) {
		int fd = test_socket(variant->v6, SOCK_CLOEXEC);

		EXPECT_FAILING(r, test_bind(fd, &at));
		close(fd);
		EXPECT_NOTHING_LEFT();
	}
}

/* Bound and not: the port is chosen by listen() then. */
TEST_F_TIMEOUT(fault, listen__queues_and_shadow, 1000000)
{
	union addr at = addr_lo(variant->v6, 9001);
	int bound;

	for (bound = 0; bound < 2; bound++)
		each_allocation(r) {
			int fd = test_socket(variant->v6, SOCK_CLOEXEC);

			must(!bound || !test_bind(fd, &at));
			EXPECT_FAILING(r, listen(fd, 5));
			EXPECT_EQ(5, listen_info(fd).accept_max);
			EXPECT_FAILING(r, listen(fd, 9));
			close(fd);
			EXPECT_NOTHING_LEFT();
		}
}

/* Options that have something of their own */
TEST_F_TIMEOUT(fault, sockopt__that_allocates, 1000000)
{
	static const struct {
		int level, name, value, v6;
	} opt[] = {
		{ IPPROTO_IP, IP_TTL, 9, 0 },
		{ IPPROTO_IP, IP_TOS, 8, 0 },
		{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9, 1 },
		{ IPPROTO_IPV6, IPV6_TCLASS, 8, 1 },
		{ IPPROTO_TCP, TCP_SAVE_SYN, 1, -1 },
		{ SOL_SOCKET, SO_TIMESTAMP, 1, -1 },
		{ SOL_XTCP, XTCP_ZEROCOPY, 1, -1 },
	};
	static const uint8_t nops[4] = { 1, 1, 1, 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(opt); i++)
		each_allocation(r) {
			int fd = test_socket(variant->v6, SOCK_CLOEXEC);

			if (opt[i].v6 >= 0 && opt[i].v6 != variant->v6) {
				close(fd);
				break;
			}
			EXPECT_FAILING(r, set_int(fd, opt[i].level, opt[i].name, opt[i].value));
			EXPECT_EQ(opt[i].value, get_int(fd, opt[i].level, opt[i].name));
			close(fd);
			EXPECT_NOTHING_LEFT();
		}
	each_allocation(r) {
		int fd = test_socket(variant->v6, SOCK_CLOEXEC);

		EXPECT_FAILING(r, setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
		if (!variant->v6)
			EXPECT_FAILING(r, setsockopt(fd, IPPROTO_IP, IP_OPTIONS, nops, 4));
		close(fd);
		EXPECT_NOTHING_LEFT();
	}
}

static int read_file(const char *path)
{
	char buf[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC), n, err;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	err = errno;
	close(fd);
	errno = err;
	return n;
}

TEST_F_TIMEOUT(either, proc__reading, 1000000)
{
	static const char *const file[] = { "listen", "snmp", "netstat" };
	unsigned int i;
	char path[64];

	for (i = 0; i < ARRAY_SIZE(file); i++) {
		snprintf(path, sizeof(path), "/proc/net/xtcp/%s", file[i]);
		each_allocation(r)
			EXPECT_FAILING(r, read_file(path));
	}
}

/* --- connect() ----------------------------------------------------------------- */

/* Either it says that it cannot, and can be called again, or the SYN comes, now or
 * when its timer finds memory.
 */
TEST_F_TIMEOUT(fault, connect__start, 1000000)
{
	each_allocation(r) {
		struct flow *f = flow_new(&self->w);
		int fd = test_socket(variant->v6, SOCK_NONBLOCK | SOCK_CLOEXEC), ret;
		union addr to = flow_peer(f), own;

		ret = failing(r, connect(fd, &to.sa, addr_len(variant->v6)));
		if (ret != -EINPROGRESS) {
			if (!no_memory(ret))
				die("connect(): %d in round %d", ret, r.nth);
			EXPECT_ERRNO(EINPROGRESS, connect(fd, &to.sa, addr_len(variant->v6)));
		}
		own = sock_name(fd);
		f->lport = addr_port(&own);
		f->fd = fd;
		expect(f, SYN, .within = 1500);
		inject(f, SYN | ACK, .mss = 1000);
		expect(f, ACK);
		flow_write(f, 10);
		expect(f, ACK, .len = 10);
		abort_fd(fd);
		EXPECT_NOTHING_LEFT();
	}
}

/* --- the handshake from the other side ------------------------------------------ */

static uint64_t drops(void)
{
	struct counters c;
	uint64_t sum = 0;
	int i;

	counters_read(&c);
	for (i = 0; i < c.n; i++)
		if (!strncmp(c.name[i], "Drop", 4))
			sum += c.value[i];
	return sum;
}

/* Did the packet get as far as our TCP? */
#define arrives(r, packet) ({						     \
	uint64_t in_ = counter("InSegs");				     \
									     \
	failing(r, ({ packet; 0; }));					     \
	counter("InSegs") != in_;					     \
})

/* A SYN either has an entry, whose timer sends the SYN-ACK that found no memory, or
 * is dropped, and counted.
 */
TEST_F_TIMEOUT(fault, syn__half_open_entry, 1000000)
{
	each_allocation(r) {
		struct flow *f = flow_new(&self->w);
		uint64_t before = drops();
		bool there;

		f->seq = 0;
		there = arrives(r, inject(f, SYN, .mss = 1000, .sackok = true, .ts = true));
		if (there && !half_open(&self->w))
			EXPECT_EQ(before + 1, drops());
		if (!half_open(&self->w)) {
			ASSERT_TRUE(r.failed);
			inject(f, SYN, .seq = 0, .mss = 1000, .sackok = true, .ts = true);
		}
		f->seq = 1;
		f->ts = true;
		expect(f, SYN | ACK, .ack = 1, .within = 1500);
		inject(f, RST);
		EXPECT_NOTHING_LEFT();
	}
}

/* With the SYN kept for getsockopt(), and IP options of its own: less to tell, if
 * there is no memory for that, but a connection.
 */
TEST_F_TIMEOUT(fault, syn__kept, 1000000)
{
	static const uint8_t record_route[] = { 7, 7, 4, 0, 0, 0, 0, 0 };

	ASSERT_EQ(0, set_int(self->w.lfd, IPPROTO_TCP, TCP_SAVE_SYN, 1));
	each_allocation(r) {
		struct flow *f = flow_new(&self->w);
		char syn[200];
		socklen_t len = sizeof(syn);

		failing(r, ({
			struct seg s = { .flags = SYN, .wnd = 1000, .ws = ANY, .doff = ANY,
					 .cut = ANY, .mss = 1000 };

			if (!variant->v6) {
				s.ipopt = 8;
				memcpy(s.ipdata, record_route, 8);
			}
			wire_inject(f, &s);
			0;
		}));
		if (!half_open(&self->w))
			inject(f, SYN, .seq = 0, .mss = 1000);
		f->seq = 1;
		expect(f, SYN | ACK, .ack = 1, .within = 1500);
		inject(f, ACK);
		flow_accept(f);
		EXPECT_EQ(0, getsockopt(f->fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
		abort_fd(f->fd);
		EXPECT_NOTHING_LEFT();
	}
}

/* The ACK makes a child, or is dropped, and counted, and the entry stays.  The only
 * slot comes back each time.
 */
TEST_F_TIMEOUT(fault, ack__child, 1000000)
{
	ASSERT_EQ(0, listen(self->w.lfd, 1));
	each_allocation(r) {
		struct flow *f = flow_new(&self->w);
		uint64_t before;
		bool there;

		inject(f, SYN, .mss = 1000);
		expect(f, SYN | ACK);
		before = drops();
		there = arrives(r, inject(f, ACK));
		if (there && half_open(&self->w))
			EXPECT_EQ(before + 1, drops());
		if (half_open(&self->w)) {
			ASSERT_TRUE(r.failed);
			EXPECT_EQ(0, listen_info(self->w.lfd).accept_len);
			inject(f, ACK);
		}
		flow_accept(f);
		flow_write(f, 10);
		expect(f, ACK, .len = 10);
		abort_fd(f->fd);
		EXPECT_NOTHING_LEFT();
	}
}

/* --- accept --------------------------------------------------------------------- */

TEST_F_TIMEOUT(either, accept__nothing_is_lost, 1000000)
{
	each_allocation(r) {
		struct flow *f = flow_new(&self->w);

		flow_handshake(f, .mss = 1000);
		f->fd = EXPECT_FAILING(r, accept4(self->w.lfd, NULL, NULL, SOCK_CLOEXEC));
		flow_write(f, 10);
		expect(f, ACK, .len = 10);
		abort_fd(f->fd);
		EXPECT_NOTHING_LEFT();
	}
}

static int batch(int lfd, struct xtcp_accepted *e, int max)
{
	struct xtcp_accept_batch b = {
		.size = sizeof(b), .flags = SOCK_CLOEXEC, .max = max, .entries = (uintptr_t)e,
	};
	socklen_t len = sizeof(b);

	return getsockopt(lfd, SOL_XTCP, XTCP_ACCEPT_BATCH, &b, &len) ? -1 : (int)b.n;
}

/* Three wait.  Those that were got before the failure are got; the others stay, in
 * their order, for the next call.
 */
TEST_F_TIMEOUT(either, batch__nothing_is_lost, 1000000)
{
	int i, n, partly = 0, next;

	next = dup(0);
	close(next);
	each_allocation(r) {
		struct xtcp_accepted e[3] = {};
		struct flow *f[3];

		for (i = 0; i < 3; i++) {
			f[i] = flow_new(&self->w);
			flow_handshake(f[i], .mss = 1000);
		}
		n = failing(r, batch(self->w.lfd, e, 3));
		if (n < 0 && (!r.failed || !no_memory(n)))
			die("batch: %d in round %d", n, r.nth);
		n = n < 0 ? 0 : n;
		partly += n && n < 3;
		if (n < 3)
			ASSERT_EQ(3 - n, batch(self->w.lfd, e + n, 3));
		for (i = 0; i < 3; i++) {
			union addr a = peer_name(e[i].fd);

			EXPECT_EQ(next + i, e[i].fd);	/* the lowest free ones */
			EXPECT_EQ(f[i]->port, addr_port(&a));
			EXPECT_EQ(0, memcmp(&a, &e[i].addr, addr_len(variant->v6)));
			abort_fd(e[i].fd);
		}
		EXPECT_NOTHING_LEFT();
	}
	EXPECT_LT(1, partly);
}

/* --- a connection's calls -------------------------------------------------------- */

/* What send() has taken arrives; what it has not, it takes later. */
static void send_case(struct wire *w, int nth, bool *failed, int flags, int len)
{
	struct rounds r = { .nth = nth };
	struct flow *f = flow_new(w);
	static uint8_t buf[20000];
	int n;

	pattern_fill(buf, len, 0);
	flow_open(f, .mss = 1000, .sackok = true);
	if (flags & MSG_ZEROCOPY)
		must(set_int(f->fd, SOL_XTCP, XTCP_ZEROCOPY, 1) == 0);
	n = failing(r, send(f->fd, buf, len, flags | MSG_NOSIGNAL));
	if (n < 0 && n != -EAGAIN && !no_memory(n))
		die("send(): %d in round %d", n, nth);
	*failed = r.failed;
	n = n < 0 ? 0 : n;
	f->wrote = n;
	if (n < len)
		flow_write(f, len - n);
	else
		must(r.failed || n == len);
	while (f->ack < 1 + (uint32_t)len) {
		const struct seg *s = wire_next(f, 3000);

		if (!s)
			die("send(): bytes from %u do not come, round %d", f->ack, nth);
		must(pattern_ok(s->payload, s->len, s->seq - 1));
		inject(f, ACK);
	}
	abort_fd(f->fd);
}

TEST_F_TIMEOUT(either, send__comes_after_all, 1000000)
{
	each_allocation(r) {
		send_case(&self->w, r.nth, &r.failed, 0, 4000);
		EXPECT_NOTHING_LEFT();
	}
}

TEST_F_TIMEOUT(either, send__zerocopy, 1000000)
{
	each_allocation(r) {
		send_case(&self->w, r.nth, &r.failed, MSG_ZEROCOPY, 8000);
		EXPECT_NOTHING_LEFT();
	}
}

/* The peer sends until the window is shut. */
static void fill_window(struct flow *f)
{
	const struct seg *s;
	int wnd = f->synack.wnd, n = 0;

	while (wnd >= 1000) {
		must(n++ < 50);
		inject(f, ACK | PSH, .len = 1000);
		while ((s = wire_next(f, 300))) {
			wnd = s->wnd;
			must(s->ack <= f->seq);
			if (wnd < 1000)
				f->seq = s->ack;	/* the last one had no room */
		}
	}
}

/* The window update that a read owes may find no memory: it is owed on. */
TEST_F_TIMEOUT(either, recv__window_update, 1000000)
{
	struct flow *f = flow_new(&self->w);
	static char buf[100000];
	const struct seg *s;
	int want;

	ASSERT_EQ(0, set_int(self->w.lfd, SOL_SOCKET, SO_RCVBUF, 4000));
	flow_open(f, .mss = 1000);
	each_allocation(r) {
		fill_window(f);
		want = f->seq - 1 - f->read;
		ASSERT_EQ(want, failing(r, recv(f->fd, buf, sizeof(buf), 0)));
		EXPECT_TRUE(pattern_ok(buf, want, f->read));
		f->read += want;
		s = wire_next(f, 2000);
		if (!s || s->wnd < 1000)
			die("no window update after round %d", r.nth);
		while (wire_next(f, 300))
			;
		inject(f, ACK);
	}
	abort_fd(f->fd);
	EXPECT_NOTHING_LEFT();
}

/* shutdown() and close() cannot fail: the FIN comes. */
TEST_F_TIMEOUT(either, shutdown__fin_comes, 1000000)
{
	each_allocation(r) {
		struct flow *f = flow_new(&self->w);

		flow_open(f, .mss = 1000);
		EXPECT_EQ(0, failing(r, shutdown(f->fd, SHUT_WR)));
		expect(f, FIN | ACK);
		inject(f, FIN | ACK);
		expect(f, ACK);
		close(f->fd);
		EXPECT_NOTHING_LEFT();
	}
}

TEST_F_TIMEOUT(either, close__fin_comes, 1000000)
{
	each_allocation(r) {
		struct flow *f = flow_new(&self->w);

		flow_open(f, .mss = 1000);
		EXPECT_EQ(0, failing(r, close(f->fd)));
		expect(f, FIN | ACK);
		inject(f, FIN | ACK);
		expect(f, ACK);
		EXPECT_NOTHING_LEFT();
	}
}

/* The RST of a close() with unread data may be lost: then the peer's next segment
 * is answered by one.
 */
TEST_F_TIMEOUT(either, close__reset, 1000000)
{
	each_allocation(r) {
		struct flow *f = flow_new(&self->w);
		const struct seg *s;

		flow_open(f, .mss = 1000);
		inject(f, ACK | PSH, .len = 100);
		EXPECT_EQ(0, failing(r, close(f->fd)));
		EXPECT_NOTHING_LEFT();
		while ((s = wire_next(f, 300)) && !(s->flags & RST))
			;
		if (!s) {
			EXPECT_TRUE(r.failed);
			inject(f, ACK);
			expect(f, RST, .seq = f->ack);
		}
	}
}

/* --- whole lives ------------------------------------------------------------------ */

/* Of every packet of the peer, and of every third call of the program, allocation
 * @nth fails; a packet that is repeated comes through.
 */
struct life {
	struct flow *f;
	bool dial, we_close;
	uint32_t acked;		/* by our TCP, of what the peer sent */
	int got, sent;		/* the program's bytes */
	bool eof, closed;	/* the program's, the peer's view */
	struct rounds r;
	int calls, failures;
	struct { int flags; uint32_t seq, ack; } was[200];
	int packets;
};

static bool is_new(struct life *l, int flags, uint32_t seq)
{
	int i;

	for (i = 0; i < l->packets; i++)
		if (l->was[i].flags == flags && l->was[i].seq == seq &&
		    l->was[i].ack == l->f->ack)
			return false;
	if (i == 200)
		return false;
	l->was[i].flags = flags;
	l->was[i].seq = seq;
	l->was[i].ack = l->f->ack;
	l->packets++;
	return true;
}

static void peer_sends(struct life *l, int flags, uint32_t seq, int len)
{
	struct rounds r = l->r;

	if (!is_new(l, flags, seq)) {
		inject(l->f, flags, .seq = seq, .len = len);
		return;
	}
	failing(r, ({ inject(l->f, flags, .seq = seq, .len = len); 0; }));
	l->failures += r.failed;
}

#define program_calls(l, call) ({					     \
	struct rounds r_ = (l)->r;					     \
	int got_;							     \
									     \
	if (++(l)->calls % 3 == 1) {					     \
		got_ = failing(r_, call);				     \
		(l)->failures += r_.failed;				     \
	} else {							     \
		got_ = (call);						     \
		got_ = got_ < 0 ? -errno : got_;			     \
	}								     \
	if (got_ < 0 && got_ != -EAGAIN && got_ != -EINPROGRESS &&	     \
	    got_ != -EALREADY && got_ != -EISCONN && !no_memory(got_))	     \
		die("%s: %d", #call, got_);				     \
	got_;								     \
})

static void peer_repeats(struct life *l)
{
	struct flow *f = l->f;
	uint32_t seq = l->acked, end = 1 + PEER_BYTES;

	if (!seq) {
		f->seq = 0;
		if (!l->dial)
			peer_sends(l, SYN, 0, 0);
		else if (f->have_isn)
			peer_sends(l, SYN | ACK, 0, 0);
	} else if (seq < end) {
		/* two segments, the second one first */
		if (seq + 1000 < end)
			peer_sends(l, ACK, seq + 1000, end - seq - 1000 > 1000 ? 1000 : end - seq - 1000);
		peer_sends(l, ACK, seq, end - seq > 1000 ? 1000 : end - seq);
	} else if (seq == end) {
		peer_sends(l, FIN | ACK, seq, 0);
	} else {
		peer_sends(l, ACK, end + 1, 0);
	}
}

static bool program_has_socket(struct life *l)
{
	struct flow *f = l->f;
	union addr to = flow_peer(f), own;

	if (!l->dial) {
		if (f->fd < 0)
			f->fd = program_calls(l, accept4(f->w->lfd, NULL, NULL,
							 SOCK_NONBLOCK | SOCK_CLOEXEC));
		return f->fd >= 0;
	}
	if (f->fd < 0)
		f->fd = program_calls(l, new_socket(f->w->v6, SOCK_NONBLOCK | SOCK_CLOEXEC));
	if (f->fd < 0)
		return false;
	if (l->acked)
		return true;
	program_calls(l, connect(f->fd, &to.sa, addr_len(f->w->v6)));
	own = sock_name(f->fd);
	f->lport = addr_port(&own);
	return false;
}

static void program_runs(struct life *l)
{
	static uint8_t buf[OUR_BYTES];
	int n, fd;

	if (!program_has_socket(l))
		return;
	fd = l->f->fd;
	while ((n = program_calls(l, recv(fd, buf, sizeof(buf), 0))) > 0) {
		must(pattern_ok(buf, n, l->got));
		l->got += n;
	}
	l->eof |= !n;
	while (l->sent < OUR_BYTES) {
		pattern_fill(buf, OUR_BYTES - l->sent, l->sent);
		n = program_calls(l, send(fd, buf, OUR_BYTES - l->sent, MSG_NOSIGNAL));
		if (n <= 0)
			return;
		l->sent += n;
	}
	if (!l->closed && (l->eof || (l->we_close && l->got == PEER_BYTES)))
		l->closed = !program_calls(l, shutdown(fd, SHUT_WR));
}

static bool over(const struct life *l)
{
	return l->eof && l->got == PEER_BYTES && l->sent == OUR_BYTES &&
	       l->f->ack == 1 + OUR_BYTES + 1 && l->acked == 1 + PEER_BYTES + 1;
}

static void live(struct life *l)
{
	int64_t end = now_us() + LIFE_MS * 1000LL;
	const struct seg *s;

	while (!over(l)) {
		if (now_us() > end)
			die("hangs, allocation %d: got %d sent %d seen %u acked %u eof %d",
			    l->r.nth, l->got, l->sent, l->f->ack, l->acked, l->eof);
		program_runs(l);
		s = wire_next(l->f, 300);
		if (!s) {
			peer_repeats(l);
			continue;
		}
		if (s->flags & RST)
			die("RST, allocation %d", l->r.nth);
		if (s->len)
			must(pattern_ok(s->payload, s->len, s->seq - 1));
		if (s->flags & ACK && s->ack > l->acked)
			l->acked = s->ack;
		if ((s->len || s->flags & (SYN | FIN)) && l->acked)
			peer_sends(l, ACK, l->acked, 0);
		if (l->acked <= 1 + PEER_BYTES)
			peer_repeats(l);
	}
	/* an ACK in the window: the last one may have been of an old number */
	inject(l->f, ACK, .seq = 1 + PEER_BYTES + 1);
}

static int lives(struct wire *w, bool dial, bool we_close)
{
	int failures = 0, n = 0, before = users();

	each_allocation(r) {
		struct life *l = calloc(1, sizeof(*l));

		must(l);
		l->f = flow_new(w);
		l->dial = dial;
		l->we_close = we_close;
		l->r = r;
		live(l);
		close(l->f->fd);
		must(wait_until(nothing_left(w, before)));
		r.failed = l->failures;
		failures += l->failures;
		n++;
		free(l);
	}
	fprintf(stderr, "# %d connections, %d failures\n", n, failures);
	return failures;
}

TEST_F_TIMEOUT(fault, life__accepted, 1000000)
{
	EXPECT_LT(20, lives(&self->w, false, false));
	EXPECT_NOTHING_LEFT();
}

TEST_F_TIMEOUT(either, life__accepted_we_close, 1000000)
{
	EXPECT_LT(20, lives(&self->w, false, true));
	EXPECT_NOTHING_LEFT();
}

TEST_F_TIMEOUT(either, life__connected, 1000000)
{
	EXPECT_LT(20, lives(&self->w, true, false));
	EXPECT_NOTHING_LEFT();
}

TEST_HARNESS_MAIN
