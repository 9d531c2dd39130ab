// SPDX-License-Identifier: GPL-2.0
/* wire_connect.c - the active open, seen from the wire: RFC 9293 3.10.7.3 and
 * figures 6 to 8.  The test is the server.
 */
#include "wire.h"

#include <linux/errqueue.h>
#include <sys/time.h>

FIXTURE(connect) {
	struct wire w;
	struct flow f;
	struct counters c;
};

FIXTURE_VARIANT(connect) {
	bool v6;
};

FIXTURE_VARIANT_ADD(connect, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(connect, v6) { .v6 = true };

FIXTURE_SETUP(connect)
{
	test_begin();
	wire_up(&self->w, variant->v6, 1);
	/* the default differs between kernels */
	sysctl_set(test_inet() ? "net/ipv4/tcp_syn_retries" :
				 "net/xtcp/syn_retries", "7");
	flow_init(&self->f, &self->w);
	counters_read(&self->c);
}

FIXTURE_TEARDOWN(connect)
{
	wire_end(&self->w);
}

static void syn_sent(struct flow *f)
{
	must(flow_dial(f) == EINPROGRESS);
	f->synack = *expect(f, SYN);
}

static int again(struct flow *f)
{
	union addr to = flow_peer(f);

	return connect(f->fd, &to.sa, addr_len(f->w->v6)) ? errno : 0;
}

/* SO-20: how long connect() may wait; it goes on behind the program's back. */
TEST_F(connect, sndtimeo__bounds_connect)
{
	struct flow *f = &self->f;
	union addr to = flow_peer(f), own;
	int64_t t;

	f->fd = test_socket(variant->v6, SOCK_CLOEXEC);
	set_timeout(f->fd, SO_SNDTIMEO, 300);
	t = now_us();
	EXPECT_ERRNO(EINPROGRESS, connect(f->fd, &to.sa, addr_len(variant->v6)));
	EXPECT_GE(now_us() - t, 300000);
	EXPECT_LE(now_us() - t, 350000);
	own = sock_name(f->fd);
	f->lport = addr_port(&own);
	f->synack = *expect(f, SYN);
	/* a call that finds it on its way waits as long again */
	t = now_us();
	EXPECT_EQ(EALREADY, again(f));
	EXPECT_GE(now_us() - t, 300000);
	EXPECT_LE(now_us() - t, 350000);
}

static int so_error(struct flow *f)
{
	return get_int(f->fd, SOL_SOCKET, SO_ERROR);
}

/* --- SYN -------------------------------------------------------------------- */

TEST_F(connect, syn__options)
{
	struct flow *f = &self->f;
	struct seg *syn = &f->synack;

	syn_sent(f);
	EXPECT_EQ(wire_mss(&self->w), syn->mss);
	EXPECT_TRUE(syn->sackok);
	EXPECT_TRUE(syn->ts);
	EXPECT_EQ(0, syn->tsecr);
	EXPECT_EQ(7, syn->ws);		/* 128 * 65535 holds rmem_max */
	EXPECT_EQ(20, syn->optlen);
	EXPECT_EQ(0, syn->len);
	EXPECT_GT(syn->wnd, 60000);
	EXPECT_EQ(0, poll_now(f->fd));	/* PO-4 */
	EXPECT_ERRNO(ENOTCONN, getpeername(f->fd, &(struct sockaddr){}, &(socklen_t){ 16 }));
}

TEST_F(connect, syn__options_off)
{
	struct flow *f = &self->f;

	knob("timestamps", "0");
	knob("sack", "0");
	knob("window_scaling", "0");
	syn_sent(f);
	EXPECT_EQ(wire_mss(&self->w), f->synack.mss);
	EXPECT_EQ(4, f->synack.optlen);
}

/* WS-5: from what the buffer may grow to, before the SYN leaves */
TEST_F(connect, syn__scale_of_the_largest_buffer)
{
	struct flow *f = &self->f;

	xtcp_only();
	knob("rmem", "4096 87380 16777216");
	syn_sent(f);
	EXPECT_EQ(9, f->synack.ws);
}

TEST_F(connect, syn__user_mss)
{
	struct flow *f = &self->f;

	f->fd = test_socket(variant->v6, SOCK_NONBLOCK);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_MAXSEG, 900));
	syn_sent(f);
	EXPECT_EQ(900, f->synack.mss);
}

/* MUST-43: the address and the port that were chosen */
TEST_F(connect, syn__bound)
{
	struct flow *f = &self->f;
	union addr own = flow_local(f, 7777);

	f->fd = test_socket(variant->v6, SOCK_NONBLOCK);
	ASSERT_EQ(0, test_bind(f->fd, &own));
	syn_sent(f);
	EXPECT_EQ(7777, f->lport);
}

/* MUST-43: although the route has another one */
TEST_F(connect, syn__bound_to_another)
{
	struct flow *f = &self->f;
	union addr own;

	must(system(variant->v6 ? "ip -6 addr add fd09::9/128 dev wire0 nodad preferred_lft 0" :
				  "ip addr add 10.9.0.9/32 dev wire0") == 0);
	f->local[variant->v6 ? 15 : 3] = 9;
	own = flow_local(f, 0);
	f->fd = test_socket(variant->v6, SOCK_NONBLOCK);
	ASSERT_EQ(0, test_bind(f->fd, &own));
	flow_connect(f, .mss = 1000);
	flow_write(f, 10);
	expect(f, ACK | PSH, .len = 10);
}

/* MUST-46: nobody in particular, although there is a route */
TEST_F(connect, syn__to_many)
{
	static const uint8_t v4[][4] = { { 10, 9, 0, 255 }, { 255, 255, 255, 255 }, { 224, 0, 0, 1 } };
	static const uint8_t v6[][16] = { { 0xff, 2, [15] = 1 }, { 0xff, 0xe, [15] = 1 } };
	struct flow *f = &self->f;
	unsigned int i;

	must(variant->v6 || system("ip route add default dev wire0") == 0);
	for (i = 0; i < (variant->v6 ? ARRAY_SIZE(v6) : ARRAY_SIZE(v4)); i++) {
		memcpy(f->peer, variant->v6 ? v6[i] : v4[i], variant->v6 ? 16 : 4);
		EXPECT_EQ(ENETUNREACH, flow_dial(f));
	}
	expect_none(f, 50);
}

/* MUST-67 */
TEST_F(connect, syn__mss_of_the_device)
{
	struct flow *f = &self->f;

	wire_set_mtu(&self->w, 9000);
	syn_sent(f);
	EXPECT_EQ(9000 - (variant->v6 ? 60 : 40), f->synack.mss);
}

/* MUST-45: the source of the SYN is the source of all, whatever routes say later */
TEST_F(connect, syn__source_stays)
{
	struct flow *f = &self->f, g;
	union addr own;

	flow_connect(f, .mss = 1000);
	must(system(variant->v6 ?
		    "ip -6 addr add fd09::9/64 dev wire0 nodad && "
		    "ip -6 route replace fd09::2/128 dev wire0 src fd09::9" :
		    "ip addr add 10.9.0.9/24 dev wire0 && "
		    "ip route replace 10.9.0.2/32 dev wire0 src 10.9.0.9") == 0);
	flow_init(&g, &self->w);
	EXPECT_EQ(EINPROGRESS, flow_dial(&g));
	own = sock_name(g.fd);		/* the route counts for the next */
	EXPECT_EQ(9, variant->v6 ? own.in6.sin6_addr.s6_addr[15] :
				   ntohl(own.in.sin_addr.s_addr) & 0xff);
	flow_write(f, 10);
	expect(f, ACK | PSH, .len = 10);
	expect(f, ACK | PSH, .seq = 1, .len = 10);	/* by the timer */
}

/* --- SYN-ACK ------------------------------------------------------------------ */

/* MUST-15: a SYN-ACK that says nothing */
TEST_F(connect, open__default_mss)
{
	struct flow *f = &self->f;
	int mss = variant->v6 ? 1220 : 536;

	flow_connect(f);
	EXPECT_EQ(mss, tcp_info_of(f->fd).tcpi_snd_mss);
	flow_write(f, mss + 10);
	expect(f, ACK, .len = mss);
	expect(f, ACK, .len = 10);
}

TEST_F(connect, open__options)
{
	struct flow *f = &self->f;
	struct tcp_info ti;

	flow_connect(f, .mss = 1000, .ws = 5, .sackok = true, .ts = true);
	ti = tcp_info_of(f->fd);
	EXPECT_EQ(1, ti.tcpi_state);	/* ESTABLISHED */
	EXPECT_EQ(TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE, ti.tcpi_options);
	EXPECT_EQ(5, (int)ti.tcpi_snd_wscale);
	EXPECT_EQ(f->synack.ws, (int)ti.tcpi_rcv_wscale);
	EXPECT_EQ(988, ti.tcpi_snd_mss);
	EXPECT_EQ(POLLOUT, poll_now(f->fd));	/* PO-5 */
	EXPECT_EQ(0, again(f));			/* EC-4 */
	EXPECT_EQ(EISCONN, again(f));
	flow_write(f, 1500);
	expect(f, ACK, .len = 988);
	expect(f, ACK | PSH, .len = 512);
	inject(f, ACK, .len = 100);
	flow_read(f, 100);
}

/* MUST-15 and windows of 16 bits */
TEST_F(connect, open__no_options)
{
	int mss = variant->v6 ? 1220 : 536;
	struct flow *f = &self->f;

	flow_connect(f);
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_options);
	flow_write(f, mss + 1);
	expect(f, ACK, .len = mss);
	expect(f, ACK | PSH, .len = 1);
}

/* TS-5, WS-1: what was not offered is not agreed on */
TEST_F(connect, open__limits_of_the_rto)
{
	struct flow *f = &self->f;

	xtcp_only();
	knob("rto_min_us", "700000");
	flow_connect(f, .mss = 1000);
	EXPECT_GE(tcp_info_of(f->fd).tcpi_rto, 700000);
}

TEST_F(connect, open__only_what_was_offered)
{
	struct flow *f = &self->f;

	knob("timestamps", "0");
	knob("sack", "0");
	knob("window_scaling", "0");
	flow_connect(f, .mss = 1000, .ws = 5, .sackok = true, .ts = true);
	EXPECT_EQ(0, tcp_info_of(f->fd).tcpi_options);
	EXPECT_EQ(1000, tcp_info_of(f->fd).tcpi_snd_mss);
}

/* WS-2: the SYN-ACK's window is not scaled */
TEST_F(connect, open__window_of_the_syn_ack)
{
	struct flow *f = &self->f;

	f->wnd = 2000;
	flow_connect(f, .mss = 1000, .ws = 5);
	flow_write(f, 5000);
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 1000);
	expect_none(f, 100);
	f->wnd = 100;			/* 3200 */
	inject(f, ACK);
	expect(f, ACK, .len = 1000);
	expect(f, ACK, .len = 1000);
	expect(f, ACK | PSH, .len = 1000);
}

TEST_F(connect, open__data_in_the_syn_ack)
{
	struct flow *f = &self->f;

	xtcp_only();			/* Linux has it sent again */
	syn_sent(f);
	inject(f, SYN | ACK, .mss = 1000, .len = 10);
	expect(f, ACK);
	flow_read(f, 10);
}

/* A thread of the program, as a process: a blocking connect(), and what it says. */
static pid_t blocking(struct flow *f, int lport, int (*then)(struct flow *f, int err))
{
	bool v6 = f->w->v6;
	union addr own = flow_local(f, lport);
	pid_t pid;

	f->fd = test_socket(v6, 0);
	must(test_bind(f->fd, &own) == 0);
	f->lport = lport;
	pid = fork();
	must(pid >= 0);
	if (!pid)
		_exit(then(f, again(f)));
	return pid;
}

static int status(pid_t pid)
{
	int st;

	must(waitpid(pid, &st, 0) == pid);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

/* MUST-58: who waits in send() has something to say, the ACK rides on it */
TEST_F(connect, open__ack_with_the_first_data)
{
	struct flow *f = &self->f;
	pid_t pid;

	syn_sent(f);
	set_nonblock(f->fd, false);
	pid = fork();
	must(pid >= 0);
	if (!pid) {
		flow_write(f, 10);
		_exit(0);
	}
	pass(100);			/* it waits */
	inject(f, SYN | ACK, .mss = 1000);
	expect(f, ACK | PSH, .len = 10);
	EXPECT_EQ(0, status(pid));
}

static int tells(struct flow *f, int err)
{
	return err;
}

/* SO_SNDTIMEO is how long connect() waits; it goes on without it (EC-1) */
TEST_F(connect, open__send_timeout)
{
	struct flow *f = &self->f;
	int64_t start = now_us();

	f->fd = test_socket(variant->v6, 0);
	set_timeout(f->fd, SO_SNDTIMEO, 500);
	EXPECT_EQ(EINPROGRESS, flow_dial(f));
	EXPECT_GE(now_us() - start, 490 * 1000);
	expect(f, SYN);
	inject(f, SYN | ACK, .mss = 1000);
	expect(f, ACK);
	EXPECT_EQ(0, again(f));
}

static void on_alarm(int sig)
{
}

/* EC-13: a signal ends the call, not the attempt */
TEST_F(connect, open__signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval in = { .it_value.tv_usec = 300 * 1000 };
	struct flow *f = &self->f;

	f->fd = test_socket(variant->v6, 0);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &in, NULL);
	EXPECT_EQ(EINTR, flow_dial(f));
	expect(f, SYN);
	set_nonblock(f->fd, true);
	EXPECT_EQ(EALREADY, again(f));
	inject(f, SYN | ACK, .mss = 1000);
	expect(f, ACK);
	EXPECT_EQ(0, again(f));
	EXPECT_EQ(EISCONN, again(f));
}

/* ES-9, EC-2: while it is being opened */
TEST_F(connect, open__calls_meanwhile)
{
	struct flow *f = &self->f;
	char c;

	syn_sent(f);
	EXPECT_EQ(EALREADY, again(f));
	EXPECT_ERRNO(EAGAIN, send(f->fd, "x", 1, 0));
	EXPECT_ERRNO(EAGAIN, recv(f->fd, &c, 1, 0));
	EXPECT_ERRNO(EINVAL, listen(f->fd, 1));
	inject(f, SYN | ACK, .mss = 1000);
	expect(f, ACK);
	EXPECT_EQ(1, send(f->fd, "x", 1, 0));
}

/* --- what does not belong: 3.10.7.3 ----------------------------------------------- */

/* second: an acceptable RST, and PO-6 */
TEST_F(connect, syn_sent__rst)
{
	struct flow *f = &self->f;

	syn_sent(f);
	inject(f, RST | ACK);
	EXPECT_EQ(POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, poll_now(f->fd));
	EXPECT_EQ(ECONNREFUSED, so_error(f));
	EXPECT_EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP, poll_now(f->fd));
	expect_none(f, 2000);
}

TEST_F(connect, syn_sent__rst_told_by_connect)
{
	struct flow *f = &self->f;
	struct flow g;

	syn_sent(f);
	inject(f, RST | ACK);
	EXPECT_EQ(ECONNREFUSED, again(f));
	/* EC-17: the socket may try again */
	flow_init(&g, &self->w);
	g.fd = f->fd;
	flow_connect(&g, .mss = 1000);
	flow_write(&g, 10);
	expect(&g, ACK | PSH, .len = 10);
}

/* HR-12: none of these ends the attempt */
TEST_F(connect, syn_sent__rst_that_is_not)
{
	struct flow *f = &self->f;

	syn_sent(f);
	inject(f, RST);
	inject(f, RST | ACK, .ack = 0);
	inject(f, RST | ACK, .ack = 2);
	expect_none(f, 500);
	inject(f, SYN | ACK, .mss = 1000);
	expect(f, ACK);
	EXPECT_DROPS(&self->c, "SynSentBadAck+2 SynSentNoSyn+1 ");
}

/* first: an ACK of what was never sent gets a RST, and the SYN goes again */
TEST_F(connect, syn_sent__bad_ack)
{
	struct flow *f = &self->f;
	const struct seg *s;

	syn_sent(f);
	inject(f, ACK, .seq = 500, .ack = 5);
	expect(f, RST, .seq = 5);
	s = expect(f, SYN, .seq = 0);
	EXPECT_LT(s->at - f->synack.at, 100 * 1000);
	inject(f, SYN | ACK, .seq = 500, .ack = 0);
	expect(f, RST, .seq = 0);
	inject(f, SYN | ACK, .mss = 1000);
	expect(f, ACK);
}

/* fourth: neither SYN nor RST */
TEST_F(connect, syn_sent__ack_alone)
{
	struct flow *f = &self->f;

	syn_sent(f);
	inject(f, ACK, .len = 10);
	f->seq = 0;
	expect_none(f, 500);
	EXPECT_DROPS(&self->c, "SynSentNoSyn+1 ");
	inject(f, SYN | ACK, .mss = 1000);
	expect(f, ACK);
}

/* A TSecr that no SYN of ours had is of an old connection */
TEST_F(connect, syn_sent__foreign_tsecr)
{
	struct flow *f = &self->f;

	syn_sent(f);
	inject(f, SYN | ACK, .ts = true, .tsval = 5, .tsecr = f->synack.tsval - 10);
	expect(f, RST, .seq = 1);
	inject(f, SYN | ACK, .seq = 0, .ts = true, .tsval = 5,
	       .tsecr = f->synack.tsval + 100000);
	expect(f, RST, .seq = 1);
}

/* --- ICMP ---------------------------------------------------------------------------- */

TEST_F(connect, icmp__host_unreachable)
{
	struct flow *f = &self->f;

	syn_sent(f);
	wire_icmp(f, WIRE_HOST_UNREACH, 1, 0);	/* RFC 5927: not in flight */
	EXPECT_EQ(0, poll_now(f->fd));
	wire_icmp(f, WIRE_HOST_UNREACH, 0, 0);
	EXPECT_EQ(EHOSTUNREACH, so_error(f));
	expect_none(f, 2000);
}

/* IP-6, V6-5: IP_RECVERR, IPV6_RECVERR: the message itself, who sent it, and about
 * what; only for who asked.
 */
TEST_F(connect, icmp__error_queue)
{
	int level = variant->v6 ? SOL_IPV6 : SOL_IP, type = variant->v6 ? IPV6_RECVERR : IP_RECVERR;
	struct { struct sock_extended_err ee; union addr from; } r;
	struct flow *f = &self->f, g;
	union addr to = flow_peer(f), name;
	unsigned char quoted[64];
	char control[256];
	struct iovec iov = { quoted, sizeof(quoted) };
	struct msghdr m = {
		.msg_name = &name, .msg_namelen = sizeof(name),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;

	f->fd = test_socket(variant->v6, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ASSERT_EQ(0, set_int(f->fd, level, type, 1));
	syn_sent(f);
	EXPECT_ERRNO(EAGAIN, recvmsg(f->fd, &m, MSG_ERRQUEUE));
	wire_icmp(f, WIRE_PORT_UNREACH, 0, 0);
	EXPECT_EQ(ECONNREFUSED, so_error(f));
	EXPECT_EQ(POLLERR, poll_now(f->fd) & POLLERR);
	ASSERT_EQ(20, recvmsg(f->fd, &m, MSG_ERRQUEUE));
	EXPECT_EQ(MSG_ERRQUEUE, m.msg_flags & MSG_ERRQUEUE);
	/* where it went: the name; the segment: from its ports on */
	EXPECT_EQ(addr_len(variant->v6), m.msg_namelen);
	EXPECT_TRUE(addr_eq(&to, &name));
	EXPECT_EQ(f->lport, quoted[0] << 8 | quoted[1]);
	EXPECT_EQ(addr_port(&to), quoted[2] << 8 | quoted[3]);
	c = CMSG_FIRSTHDR(&m);
	ASSERT_NE(NULL, c);
	EXPECT_EQ(level, c->cmsg_level);
	EXPECT_EQ(type, c->cmsg_type);
	ASSERT_EQ(CMSG_LEN(sizeof(r.ee) + addr_len(variant->v6)), c->cmsg_len);
	memset(&r, 0, sizeof(r));
	memcpy(&r, CMSG_DATA(c), sizeof(r.ee) + addr_len(variant->v6));
	EXPECT_EQ(ECONNREFUSED, r.ee.ee_errno);
	EXPECT_EQ(variant->v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP, r.ee.ee_origin);
	EXPECT_EQ(variant->v6 ? 1 : 3, r.ee.ee_type);
	EXPECT_EQ(variant->v6 ? 4 : 3, r.ee.ee_code);
	EXPECT_EQ(0, r.ee.ee_info);
	EXPECT_EQ(0, r.ee.ee_data);
	/* who says so: the peer of the wire */
	to.in.sin_port = 0;		/* the same place in sockaddr_in6 */
	EXPECT_TRUE(addr_eq(&to, &r.from));
	m.msg_namelen = sizeof(name);
	EXPECT_ERRNO(EAGAIN, recvmsg(f->fd, &m, MSG_ERRQUEUE));
	EXPECT_EQ(0, poll_now(f->fd) & POLLERR);

	if (test_inet() && !variant->v6)
		return;		/* Linux queues it for everybody there */
	flow_init(&g, &self->w);
	syn_sent(&g);
	wire_icmp(&g, WIRE_PORT_UNREACH, 0, 0);
	EXPECT_EQ(ECONNREFUSED, so_error(&g));
	EXPECT_EQ(0, poll_now(g.fd) & POLLERR);
	EXPECT_ERRNO(EAGAIN, recvmsg(g.fd, &m, MSG_ERRQUEUE));
}

TEST_F(connect, icmp__port_unreachable)
{
	struct flow *f = &self->f;

	syn_sent(f);
	wire_icmp(f, WIRE_PORT_UNREACH, 0, 0);
	EXPECT_EQ(ECONNREFUSED, again(f));
}

/* --- time ------------------------------------------------------------------------------ */

/* MUST-22, MUST-23, EC-6: even distances first, then doubled; more than three minutes */
TEST_F_TIMEOUT(connect, retry__to_the_end, 400)
{
	static const int at[] = { 1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131 };
	struct flow *f = &self->f;
	const struct seg *s;
	unsigned int i;
	uint32_t label;
	int64_t start;

	xtcp_only();			/* kernels before 6.5 double at once */
	syn_sent(f);
	start = f->synack.at;
	label = f->synack.label;
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		s = expect(f, SYN, .seq = 0, .within = 80000);
		EXPECT_AFTER(at[i] * 1000, start, s);
		if (variant->v6)	/* MUST-22: at R1 = 3 another path is tried */
			EXPECT_EQ(i >= 3, s->label != label);
	}
	EXPECT_EQ(0, poll_now(f->fd));
	EXPECT_EQ(POLLERR, POLLERR & poll_ms(f->fd, POLLIN, 200000));
	EXPECT_GT(now_us() - start, 180 * 1000000LL);
	EXPECT_EQ(ETIMEDOUT, so_error(f));
}

TEST_F(connect, retry__same_segment)
{
	struct flow *f = &self->f;
	const struct seg *s;

	syn_sent(f);
	s = expect(f, SYN, .seq = 0);
	EXPECT_EQ(f->synack.mss, s->mss);
	EXPECT_EQ(f->synack.ws, s->ws);
	EXPECT_EQ(f->synack.sackok, s->sackok);
	EXPECT_EQ(f->synack.wnd, s->wnd);
	EXPECT_GE(s->tsval - f->synack.tsval, 990);	/* TS-9: milliseconds */
	EXPECT_LE(s->tsval - f->synack.tsval, 1150);
}

/* TCP_SYNCNT counts the doubled ones */
TEST_F(connect, retry__syncnt)
{
	struct flow *f = &self->f;

	xtcp_only();
	knob("syn_linear_timeouts", "0");
	f->fd = test_socket(variant->v6, SOCK_NONBLOCK);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_SYNCNT, 2));
	syn_sent(f);
	EXPECT_AFTER(1000, f->synack.at, expect(f, SYN, .seq = 0));
	EXPECT_AFTER(3000, f->synack.at, expect(f, SYN, .seq = 0));
	EXPECT_EQ(POLLERR, POLLERR & poll_ms(f->fd, POLLIN, 6000));
	EXPECT_EQ(ETIMEDOUT, so_error(f));
	expect_none(f, 100);
}

TEST_F(connect, retry__user_timeout)
{
	struct flow *f = &self->f;

	f->fd = test_socket(variant->v6, SOCK_NONBLOCK);
	ASSERT_EQ(0, set_int(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 2500));
	syn_sent(f);
	expect(f, SYN, .seq = 0);
	EXPECT_EQ(POLLERR, POLLERR & poll_ms(f->fd, POLLIN, 5000));
	EXPECT_EQ(ETIMEDOUT, so_error(f));
	EXPECT_LT(now_us() - f->synack.at, 4000 * 1000);
}

/* RTO-11, IW-2: without timestamps nobody knows which SYN was answered */
TEST_F(connect, retry__then_slowly)
{
	struct flow *f = &self->f;
	int64_t sent;

	knob("timestamps", "0");
	syn_sent(f);
	expect(f, SYN, .seq = 0);
	expect(f, SYN, .seq = 0, .within = 5000);
	inject(f, SYN | ACK, .mss = 1000);
	expect(f, ACK);
	EXPECT_EQ(1, tcp_info_of(f->fd).tcpi_snd_cwnd);
	flow_write(f, 3000);
	sent = expect(f, ACK, .len = 1000)->at;
	EXPECT_AFTER(3000, sent, expect(f, ACK, .seq = 1, .len = 1000, .within = 5000));
}

/* --- both open at once (MUST-10, figure 7) --------------------------------------------- */

static void crossing(struct flow *f)
{
	syn_sent(f);
	inject(f, SYN, .mss = 1000, .sackok = true);
	expect(f, SYN | ACK, .seq = 0);
}

TEST_F(connect, crossing__ack)
{
	struct flow *f = &self->f;

	crossing(f);
	EXPECT_EQ(0, poll_now(f->fd));
	EXPECT_EQ(3, tcp_info_of(f->fd).tcpi_state);	/* SYN-RECV */
	inject(f, ACK);
	EXPECT_EQ(POLLOUT, poll_now(f->fd));
	EXPECT_EQ(0, again(f));
	EXPECT_EQ(TCPI_OPT_SACK, tcp_info_of(f->fd).tcpi_options);
	inject(f, ACK, .len = 10);
	flow_read(f, 10);
}

/* The peer's SYN-ACK repeats its SYN, and acknowledges ours */
TEST_F(connect, crossing__syn_ack)
{
	struct flow *f = &self->f;

	xtcp_only();			/* Linux from 6.11 on */
	crossing(f);
	inject(f, SYN | ACK, .seq = 0, .mss = 1000, .sackok = true);
	EXPECT_EQ(POLLOUT, poll_now(f->fd));
	flow_write(f, 10);
	expect(f, ACK | PSH, .len = 10);
}

/* MUST-11: SYN-RECEIVED by an active open: refused */
TEST_F(connect, crossing__rst)
{
	struct flow *f = &self->f;

	xtcp_only();			/* Linux says ECONNRESET */
	crossing(f);
	inject(f, RST);
	EXPECT_EQ(ECONNREFUSED, so_error(f));
}

TEST_F(connect, crossing__bad_ack)
{
	struct flow *f = &self->f;

	crossing(f);
	inject(f, ACK, .ack = 2);
	expect(f, RST, .seq = 2);
	inject(f, ACK);
	EXPECT_EQ(POLLOUT, poll_now(f->fd));
}

TEST_F(connect, crossing__syn_ack_again)
{
	struct flow *f = &self->f;

	crossing(f);
	expect(f, SYN | ACK, .seq = 0);
	inject(f, ACK);
	EXPECT_EQ(POLLOUT, poll_now(f->fd));
}

/* 3.10.4: CLOSE in SYN-RECEIVED is queued */
TEST_F(connect, crossing__close)
{
	struct flow *f = &self->f;

	crossing(f);
	ASSERT_EQ(0, close(f->fd));
	xtcp_only();			/* Linux sends the FIN at once */
	expect_none(f, 500);
	inject(f, ACK);
	expect(f, FIN | ACK);
}

/* --- CLOSE, ABORT ------------------------------------------------------------------------ */

/* What comes after it is nobody's */
TEST_F(connect, close__in_syn_sent)
{
	struct flow *f = &self->f;

	syn_sent(f);
	ASSERT_EQ(0, close(f->fd));
	expect_none(f, 3000);
	inject(f, SYN | ACK, .mss = 1000);
	expect(f, RST, .seq = 1);
}

TEST_F(connect, shutdown__in_syn_sent)
{
	struct flow *f = &self->f;

	syn_sent(f);
	EXPECT_EQ(0, shutdown(f->fd, SHUT_WR));
	expect_none(f, 3000);
	EXPECT_ERRNO(ENOTCONN, getpeername(f->fd, &(struct sockaddr){}, &(socklen_t){ 16 }));
}

static int unspec(int fd)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };

	return connect(fd, &sa, sizeof(sa)) ? errno : 0;
}

/* EC-16 */
TEST_F(connect, unspec__connected)
{
	struct flow *f = &self->f, g;

	flow_connect(f, .mss = 1000);
	EXPECT_EQ(0, unspec(f->fd));
	expect(f, RST | ACK);
	EXPECT_ERRNO(ENOTCONN, getpeername(f->fd, &(struct sockaddr){}, &(socklen_t){ 16 }));
	flow_init(&g, &self->w);
	g.fd = f->fd;
	flow_connect(&g, .mss = 1000, .sackok = true, .ts = true);
	flow_write(&g, 10);
	expect(&g, ACK | PSH, .len = 10);
	inject(&g, ACK, .len = 20);
	flow_read(&g, 20);
}

/* What the old connection knew of urgent data is none of the new one's. */
TEST_F(connect, unspec__urgent)
{
	struct flow *f = &self->f, g;
	char c;

	flow_connect(f, .mss = 1000);
	inject(f, ACK | URG, .len = 10, .up = 5);
	expect(f, ACK);
	EXPECT_EQ(POLLPRI, poll_now(f->fd) & POLLPRI);
	pattern_fill(&c, 1, 0);
	ASSERT_EQ(1, send(f->fd, &c, 1, MSG_OOB));
	EXPECT_EQ(1, expect(f, ACK | PSH | URG, .len = 1)->up);
	EXPECT_EQ(0, unspec(f->fd));
	expect(f, RST | ACK);
	flow_init(&g, &self->w);
	g.fd = f->fd;
	flow_connect(&g, .mss = 1000);
	EXPECT_EQ(0, poll_now(g.fd) & POLLPRI);
	EXPECT_ERRNO(EINVAL, recv(g.fd, &c, 1, MSG_OOB));
	flow_write(&g, 10);
	expect(&g, ACK | PSH, .len = 10);
	inject(&g, ACK, .len = 10);
	flow_read(&g, 10);
}

TEST_F(connect, unspec__in_syn_sent)
{
	struct flow *f = &self->f;

	syn_sent(f);
	EXPECT_EQ(0, unspec(f->fd));
	expect_none(f, 3000);
}

/* --- TIME-WAIT, from this end ------------------------------------------------------------- */

static void to_time_wait(struct flow *f)
{
	union addr own = flow_local(f, 7777);

	f->fd = test_socket(f->w->v6, SOCK_NONBLOCK);
	must(set_int(f->fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0);
	must(test_bind(f->fd, &own) == 0);
	flow_connect(f, .mss = 1000, .ts = true);
	close(f->fd);
	expect(f, FIN | ACK);
	inject(f, FIN | ACK);
	expect(f, ACK);
	f->fd = test_socket(f->w->v6, SOCK_NONBLOCK);
	must(set_int(f->fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0);
	must(test_bind(f->fd, &own) == 0);
}

/* EC-9 */
TEST_F(connect, time_wait__has_the_name)
{
	struct flow *f = &self->f;

	knob("tw_reuse", "0");
	to_time_wait(f);
	expect_none(f, 1500);
	EXPECT_EQ(EADDRNOTAVAIL, flow_dial(f));
}

/* RFC 6191: a second later the timestamps tell old from new */
TEST_F(connect, time_wait__taken_over)
{
	struct flow *f = &self->f;
	uint32_t last;

	knob("tw_reuse", "1");
	to_time_wait(f);
	EXPECT_EQ(EADDRNOTAVAIL, flow_dial(f));
	expect_none(f, 2200);
	last = f->our_isn + f->ack;
	f->have_isn = false;
	f->ack = 0;
	f->seq = 0;
	f->ts = false;
	EXPECT_EQ(EINPROGRESS, flow_dial(f));
	expect(f, SYN);
	EXPECT_GT((int32_t)(f->our_isn - last), 0);
	EXPECT_LT((int32_t)(f->our_isn - last), 70000);
}

/* The block of ports is taken again after a while (30 s without use, looked at twice) */
TEST_F_TIMEOUT(connect, lease__given_back, 200)
{
	char reserved[256] = "";
	int fd, i;

	xtcp_only();
	syn_sent(&self->f);
	EXPECT_GE(self->f.lport, 53942);	/* upper quarter of 32768 to 60999 */
	close(self->f.fd);
	for (i = 0; i < 2; i++) {
		fd = open("/proc/sys/net/ipv4/ip_local_reserved_ports", O_RDONLY);
		ASSERT_GE(read(fd, reserved, sizeof(reserved) - 1), 0);
		close(fd);
		EXPECT_STREQ(i ? "\n" : "53942-60999\n", reserved);
		memset(reserved, 0, sizeof(reserved));
		if (!i)
			expect_none(&self->f, 100 * 1000);
	}
}

/* ... but not what an administrator wrote meanwhile */
TEST_F_TIMEOUT(connect, lease__administrator_wins, 200)
{
	char reserved[256] = "";
	int fd;

	xtcp_only();
	syn_sent(&self->f);
	close(self->f.fd);
	sysctl_set("net/ipv4/ip_local_reserved_ports", "55000,8080");
	expect_none(&self->f, 100 * 1000);
	fd = open("/proc/sys/net/ipv4/ip_local_reserved_ports", O_RDONLY);
	ASSERT_GE(read(fd, reserved, sizeof(reserved) - 1), 0);
	close(fd);
	EXPECT_STREQ("8080,55000\n", reserved);
}

static int refused(struct flow *f, int err)
{
	return err == ECONNREFUSED ? 0 : 1;
}

TEST_F(connect, open__blocking_refused)
{
	struct flow *f = &self->f;
	pid_t pid = blocking(f, 7000, refused);

	expect(f, SYN);
	inject(f, RST | ACK);
	EXPECT_EQ(0, status(pid));
}

TEST_F(connect, open__blocking)
{
	struct flow *f = &self->f;
	pid_t pid = blocking(f, 7000, tells);
	int64_t t;

	expect(f, SYN);
	/* at once: the server may be who speaks first */
	t = now_us();
	inject(f, SYN | ACK, .mss = 1000);
	EXPECT_LE(expect(f, ACK)->at - t, 10000);
	EXPECT_EQ(0, status(pid));
}

TEST_HARNESS_MAIN
