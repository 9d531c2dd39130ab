// SPDX-License-Identifier: GPL-2.0
/* api_sockopt.c - options: what they start with, take, refuse and do. */
#include "xtcp_test.h"

#define NOBODY	65534

FIXTURE(sockopt) {
	int fd;			/* fresh */
};

FIXTURE_VARIANT(sockopt) {
	bool v6;
};

FIXTURE_VARIANT_ADD(sockopt, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(sockopt, v6) { .v6 = true };

FIXTURE_SETUP(sockopt)
{
	test_begin();
	self->fd = test_socket(variant->v6, 0);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(sockopt)
{
	close(self->fd);
}

/* --- defaults: BM-1, 7.7 ------------------------------------------------- */

TEST_F(sockopt, defaults__buffers)
{
	EXPECT_EQ(16384, get_int(self->fd, SOL_SOCKET, SO_SNDBUF));
	EXPECT_EQ(test_inet() ? 131072 : 87380, get_int(self->fd, SOL_SOCKET, SO_RCVBUF));
}

TEST_F(sockopt, defaults__buffers_of_a_child)
{
	int fd[2];

	xtcp_only();
	test_pair(variant->v6, fd);
	EXPECT_EQ(16384, get_int(fd[0], SOL_SOCKET, SO_SNDBUF));
	EXPECT_EQ(87380, get_int(fd[0], SOL_SOCKET, SO_RCVBUF));
}

TEST_F(sockopt, defaults__buffers_are_sysctls)
{
	int fd;

	xtcp_only();
	sysctl_set("net/xtcp/rmem", "4096 50000 6000000");
	sysctl_set("net/xtcp/wmem", "4096 30000 4000000");
	fd = test_socket(variant->v6, 0);
	EXPECT_EQ(50000, get_int(fd, SOL_SOCKET, SO_RCVBUF));
	EXPECT_EQ(30000, get_int(fd, SOL_SOCKET, SO_SNDBUF));
}

/* One more than Linux: three minutes of SYNs (RFC 9293 MUST-23) */
TEST_F(sockopt, defaults__syn_retries)
{
	int n = test_inet() ? 6 : 7;

	EXPECT_EQ(n, get_int(self->fd, IPPROTO_TCP, TCP_SYNCNT));
	EXPECT_ERRNO(EINVAL, set_int(self->fd, IPPROTO_TCP, TCP_SYNCNT, 0));
	EXPECT_ERRNO(EINVAL, set_int(self->fd, IPPROTO_TCP, TCP_SYNCNT, 128));
	EXPECT_EQ(n, get_int(self->fd, IPPROTO_TCP, TCP_SYNCNT));
}

TEST_F(sockopt, defaults__everything_else)
{
	static const struct { int level, opt, value; } row[] = {
		{ SOL_SOCKET, SO_DEBUG, 0 },
		{ SOL_SOCKET, SO_REUSEADDR, 0 },
		{ SOL_SOCKET, SO_DONTROUTE, 0 },
		{ SOL_SOCKET, SO_KEEPALIVE, 0 },
		{ SOL_SOCKET, SO_OOBINLINE, 0 },
		{ SOL_SOCKET, SO_PRIORITY, 0 },
		{ SOL_SOCKET, SO_RCVLOWAT, 1 },
		{ SOL_SOCKET, SO_SNDLOWAT, 1 },
		{ SOL_SOCKET, SO_ACCEPTCONN, 0 },
		{ SOL_SOCKET, SO_ERROR, 0 },
		{ SOL_SOCKET, SO_MARK, 0 },
		{ IPPROTO_TCP, TCP_NODELAY, 0 },
		{ IPPROTO_TCP, TCP_CORK, 0 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 7200 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 75 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 9 },
		{ IPPROTO_TCP, TCP_LINGER2, 60 },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT, 0 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 0 },
		{ IPPROTO_TCP, TCP_WINDOW_CLAMP, 0 },
		{ IPPROTO_TCP, TCP_MAXSEG, 536 },
		{ IPPROTO_IP, IP_TOS, 0 },
		{ IPPROTO_IP, IP_TTL, 64 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++)
		EXPECT_EQ(row[i].value, get_int(self->fd, row[i].level, row[i].opt)) {
			TH_LOG("level %d option %d", row[i].level, row[i].opt);
		}
}

TEST_F(sockopt, defaults__keepalive_is_a_sysctl)
{
	xtcp_only();
	sysctl_set("net/xtcp/keepalive_time", "100");
	sysctl_set("net/xtcp/keepalive_intvl", "10");
	sysctl_set("net/xtcp/keepalive_probes", "3");
	EXPECT_EQ(100, get_int(self->fd, IPPROTO_TCP, TCP_KEEPIDLE));
	EXPECT_EQ(10, get_int(self->fd, IPPROTO_TCP, TCP_KEEPINTVL));
	EXPECT_EQ(3, get_int(self->fd, IPPROTO_TCP, TCP_KEEPCNT));
}

/* --- what is taken and what is not --------------------------------------- */

/* An option, a value, the errno of setting it, and what reads back. */
TEST_F(sockopt, set__values)
{
	static const struct { int level, opt, value, err, reads; } row[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1, 0, 1 },
		{ SOL_SOCKET, SO_REUSEADDR, 5, 0, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1, 0, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 0, 0, 0 },
		{ SOL_SOCKET, SO_OOBINLINE, 1, 0, 1 },
		{ SOL_SOCKET, SO_PRIORITY, 6, 0, 6 },
		{ SOL_SOCKET, SO_RCVLOWAT, 100, 0, 100 },
		{ SOL_SOCKET, SO_RCVLOWAT, 0, 0, 1 },
		{ SOL_SOCKET, SO_SNDLOWAT, 5, ENOPROTOOPT, 1 },
		{ SOL_SOCKET, SO_TYPE, 5, ENOPROTOOPT, SOCK_STREAM },
		{ SOL_SOCKET, SO_ERROR, 5, ENOPROTOOPT, 0 },
		{ SOL_SOCKET, SO_MARK, 7, 0, 7 },
		{ IPPROTO_TCP, TCP_NODELAY, 1, 0, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 77, 0, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 0, 0, 0 },
		{ IPPROTO_TCP, TCP_CORK, 1, 0, 1 },
		{ IPPROTO_TCP, TCP_CORK, 0, 0, 0 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 0, EINVAL, 7200 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 32768, EINVAL, 7200 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 32767, 0, 32767 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 1, 0, 1 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 0, EINVAL, 75 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 32768, EINVAL, 75 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 32767, 0, 32767 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 0, EINVAL, 9 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 128, EINVAL, 9 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 127, 0, 127 },
		{ IPPROTO_TCP, TCP_SYNCNT, 0, EINVAL, 0x10000 },
		{ IPPROTO_TCP, TCP_SYNCNT, 128, EINVAL, 0x10000 },
		{ IPPROTO_TCP, TCP_SYNCNT, 127, 0, 127 },
		{ IPPROTO_TCP, TCP_LINGER2, 10, 0, 10 },
		{ IPPROTO_TCP, TCP_LINGER2, 120, 0, 120 },
		{ IPPROTO_TCP, TCP_LINGER2, -1, 0, -1 },
		{ IPPROTO_TCP, TCP_MAXSEG, 87, EINVAL, 536 },
		{ IPPROTO_TCP, TCP_MAXSEG, 32768, EINVAL, 536 },
		{ IPPROTO_TCP, TCP_MAXSEG, 1000, 0, 1000 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, -1, EINVAL, 0 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 12345, 0, 12345 },
		{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384, 0, 16384 },
		{ IPPROTO_IP, IP_TOS, 0x10, 0, 0x10 },
		{ IPPROTO_IP, IP_TOS, 0x13, 0, 0x10 },	/* the ECN bits are TCP's */
		{ IPPROTO_IP, IP_TTL, 0, EINVAL, 0x10000 },
		{ IPPROTO_IP, IP_TTL, 256, EINVAL, 0x10000 },
		{ IPPROTO_IP, IP_TTL, 5, 0, 5 },
		{ IPPROTO_IP, IP_TTL, -1, 0, 64 },
		{ IPPROTO_TCP, 15, 1, ENOPROTOOPT, -ENOPROTOOPT },
		{ IPPROTO_TCP, 9999, 1, ENOPROTOOPT, -ENOPROTOOPT },
		{ SOL_SOCKET, 9999, 1, ENOPROTOOPT, -ENOPROTOOPT },
	};
	int i, fd;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		fd = test_socket(variant->v6, 0);
		EXPECT_EQ(row[i].err, ERRNO(set_int(fd, row[i].level, row[i].opt,
						    row[i].value))) {
			TH_LOG("set level %d option %d to %d", row[i].level, row[i].opt,
			       row[i].value);
		}
		if (row[i].reads != 0x10000)
			EXPECT_EQ(row[i].reads, get_int(fd, row[i].level, row[i].opt)) {
				TH_LOG("level %d option %d after %d", row[i].level, row[i].opt,
				       row[i].value);
			}
		close(fd);
	}
}

/* TO-9: seconds become a number of SYN-ACKs and come back as their time. */
TEST_F(sockopt, set__defer_accept)
{
	ASSERT_EQ(0, set_int(self->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5));
	EXPECT_EQ(7, get_int(self->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT));
}

TEST_F(sockopt, set__v6)
{
	if (!variant->v6)
		SKIP(return, "IPv6 only");
	EXPECT_EQ(0, set_int(self->fd, IPPROTO_IPV6, IPV6_TCLASS, 0x10));
	EXPECT_EQ(0x10, get_int(self->fd, IPPROTO_IPV6, IPV6_TCLASS));
	EXPECT_EQ(0, set_int(self->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 5));
	EXPECT_EQ(5, get_int(self->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS));
	EXPECT_ERRNO(EINVAL, set_int(self->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256));
	EXPECT_EQ(0, set_int(self->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	EXPECT_EQ(1, get_int(self->fd, IPPROTO_IPV6, IPV6_V6ONLY));
}

TEST_F(sockopt, set__buffers)
{
	sysctl_set("net/ipv4/tcp_rmem", "4096 131072 6291456");
	EXPECT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_SNDBUF, 50000));
	EXPECT_EQ(100000, get_int(self->fd, SOL_SOCKET, SO_SNDBUF));
	EXPECT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_SNDBUF, 1));
	EXPECT_EQ(4608, get_int(self->fd, SOL_SOCKET, SO_SNDBUF));
	EXPECT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUF, 50000));
	EXPECT_EQ(100000, get_int(self->fd, SOL_SOCKET, SO_RCVBUF));
	EXPECT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUF, 1));
	EXPECT_EQ(2304, get_int(self->fd, SOL_SOCKET, SO_RCVBUF));
	EXPECT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_RCVBUFFORCE, 100 << 20));
	EXPECT_EQ(200 << 20, get_int(self->fd, SOL_SOCKET, SO_RCVBUF));
}

TEST_F(sockopt, set__timeouts)
{
	struct timeval tv = { .tv_sec = 3, .tv_usec = 500000 }, got;
	socklen_t len = sizeof(got);

	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	ASSERT_EQ(0, getsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &got, &len));
	EXPECT_EQ(3, got.tv_sec);
	EXPECT_EQ(500000, got.tv_usec);
	tv.tv_usec = 1000000;
	EXPECT_ERRNO(EDOM, setsockopt(self->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
}

TEST_F(sockopt, set__privileged)
{
	ASSERT_EQ(0, setresuid(NOBODY, NOBODY, NOBODY));
	EXPECT_ERRNO(EPERM, set_int(self->fd, SOL_SOCKET, SO_MARK, 1));
	EXPECT_ERRNO(EPERM, set_int(self->fd, SOL_SOCKET, SO_PRIORITY, 7));
	EXPECT_ERRNO(EPERM, set_int(self->fd, SOL_SOCKET, SO_RCVBUFFORCE, 1));
	EXPECT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_PRIORITY, 6));
}

TEST_F(sockopt, call__lengths_and_pointers)
{
	int one = 1, v, many[25];
	socklen_t len;

	EXPECT_ERRNO(EINVAL, setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &one, 3));
	EXPECT_ERRNO(EINVAL, setsockopt(self->fd, SOL_SOCKET, SO_REUSEADDR, &one, 3));
	EXPECT_ERRNO(EFAULT, setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, (void *)8, 4));
	EXPECT_ERRNO(EINVAL, setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &one, -1));
	len = -1;
	EXPECT_ERRNO(EINVAL, getsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &v, &len));
	len = 4;
	EXPECT_ERRNO(EFAULT, getsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, (void *)8, &len));
	EXPECT_ERRNO(EFAULT, getsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &v, (void *)8));
	v = 0x55555555;
	len = 1;
	EXPECT_EQ(0, getsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &v, &len));
	EXPECT_EQ(1, len);
	EXPECT_EQ(0x55555500, v);
	len = 100;
	EXPECT_EQ(0, getsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, many, &len));
	EXPECT_EQ(4, len);
}

TEST_F(sockopt, call__unknown_level)
{
	EXPECT_TRUE(get_int(self->fd, 12345, 1) == -EOPNOTSUPP ||
		    get_int(self->fd, 12345, 1) == -ENOPROTOOPT);
	EXPECT_TRUE(ERRNO(set_int(self->fd, 12345, 1, 1)) == EOPNOTSUPP || errno == ENOPROTOOPT);
}

/* --- congestion control -------------------------------------------------- */

TEST_F(sockopt, congestion__names)
{
	char name[16] = {};
	socklen_t len = sizeof(name);

	ASSERT_EQ(0, getsockopt(self->fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	EXPECT_STREQ(test_inet() ? name : "cubic", name);
	EXPECT_EQ(0, setsockopt(self->fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	len = sizeof(name);
	ASSERT_EQ(0, getsockopt(self->fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	EXPECT_STREQ("reno", name);
	EXPECT_ERRNO(ENOENT, setsockopt(self->fd, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6));
	EXPECT_ERRNO(EINVAL, setsockopt(self->fd, IPPROTO_TCP, TCP_CONGESTION, "", 0));
}

TEST_F(sockopt, congestion__works_with_reno)
{
	char buf[1000] = {};
	int fd[2], i;

	test_pair(variant->v6, fd);
	ASSERT_EQ(0, setsockopt(fd[0], IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	for (i = 0; i < 100; i++) {
		send_all(fd[0], buf, sizeof(buf));
		recv_all(fd[1], buf, sizeof(buf));
	}
}

/* --- TCP_INFO ------------------------------------------------------------ */

/* TO-11: any length is taken, the shorter one filled. */
TEST_F(sockopt, info__lengths)
{
	uint8_t buf[512];
	socklen_t len;
	int i;

	for (i = 0; i <= 512; i += 8) {
		memset(buf, 0x55, sizeof(buf));
		len = i;
		ASSERT_EQ(0, getsockopt(self->fd, IPPROTO_TCP, TCP_INFO, buf, &len));
		ASSERT_LE(len, i);
		if (i <= 104)	/* the length of long ago */
			ASSERT_EQ(i, len);
		if (len < 512)
			ASSERT_EQ(0x55, buf[len]);
	}
	EXPECT_GE(len, sizeof(struct tcp_info) < 232 ? sizeof(struct tcp_info) : 232);
}

TEST_F(sockopt, info__of_a_connection)
{
	char buf[4096] = {};
	struct tcp_info ti;
	int fd[2], i;

	EXPECT_EQ(7 /* CLOSE */, tcp_info_of(self->fd).tcpi_state);
	test_pair(variant->v6, fd);
	for (i = 0; i < 10; i++) {
		send_all(fd[0], buf, 1000);
		recv_all(fd[1], buf, 1000);
		send_all(fd[1], buf, 100);
		recv_all(fd[0], buf, 100);
	}
	ASSERT_TRUE(wait_until(tcp_info_of(fd[0]).tcpi_bytes_acked >= 10000));
	ti = tcp_info_of(fd[0]);
	EXPECT_EQ(1 /* ESTABLISHED */, ti.tcpi_state);
	EXPECT_EQ(TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE,
		  ti.tcpi_options & 7);
	EXPECT_EQ(1000, ti.tcpi_bytes_received);
	EXPECT_EQ(10000, ti.tcpi_bytes_sent);
	EXPECT_EQ(0, ti.tcpi_bytes_retrans);
	EXPECT_EQ(0, ti.tcpi_total_retrans);
	EXPECT_EQ(10, ti.tcpi_data_segs_out);
	EXPECT_EQ(10, ti.tcpi_data_segs_in);
	EXPECT_GE(ti.tcpi_segs_in, 10);
	EXPECT_GE(ti.tcpi_segs_out, 10);
	EXPECT_EQ(0, ti.tcpi_unacked);
	EXPECT_EQ(0, ti.tcpi_notsent_bytes);
	EXPECT_GE(ti.tcpi_snd_cwnd, 10);
	EXPECT_GT(ti.tcpi_rtt, 0);
	EXPECT_GE(ti.tcpi_rto, 200000);
	EXPECT_GT(ti.tcpi_snd_mss, 1000);
	EXPECT_GT(ti.tcpi_pmtu, 1000);
	EXPECT_GT(ti.tcpi_rcv_space, 0);
}

/* The listener shows its queue as the kernel's does. */
TEST_F(sockopt, info__of_a_listener)
{
	struct tcp_info ti;
	union addr at;
	int fd = test_listener(variant->v6, 5, &at), c = peer_connect(&at);

	ASSERT_TRUE(poll_for(fd, POLLIN) & POLLIN);
	ti = tcp_info_of(fd);
	EXPECT_EQ(10 /* LISTEN */, ti.tcpi_state);
	EXPECT_EQ(1, ti.tcpi_unacked);
	EXPECT_EQ(5, ti.tcpi_sacked);
	close(c);
}

TEST_F(sockopt, maxseg__of_a_connection)
{
	int fd[2];

	test_pair(variant->v6, fd);
	EXPECT_EQ((int)tcp_info_of(fd[0]).tcpi_snd_mss, get_int(fd[0], IPPROTO_TCP, TCP_MAXSEG));
	EXPECT_GE(get_int(fd[0], IPPROTO_IP, IP_MTU), 65535);
	EXPECT_EQ(-ENOTCONN, get_int(self->fd, IPPROTO_IP, IP_MTU));
}

TEST_F(sockopt, tos__changes_on_a_connection)
{
	char c;
	int fd[2];

	test_pair(variant->v6, fd);
	EXPECT_EQ(0, set_int(fd[0], variant->v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			     variant->v6 ? IPV6_TCLASS : IP_TOS, 0x20));
	send_all(fd[0], "x", 1);
	recv_all(fd[1], &c, 1);
}

TEST_F(sockopt, reuseport__private_option)
{
	xtcp_only();
	EXPECT_EQ(0, get_int(self->fd, SOL_XTCP, XTCP_REUSEPORT));
	EXPECT_EQ(0, set_int(self->fd, SOL_XTCP, XTCP_REUSEPORT, 1));
	EXPECT_EQ(1, get_int(self->fd, SOL_XTCP, XTCP_REUSEPORT));
}

TEST_HARNESS_MAIN
