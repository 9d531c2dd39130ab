// SPDX-License-Identifier: GPL-2.0
/* api_sysctl.c - net.xtcp.*, and those of IP: defaults and what they do. */
#include "xtcp_test.h"

#include <limits.h>

FIXTURE(sysctl) {
	int fd;
};

FIXTURE_VARIANT(sysctl) {
	bool v6;
};

FIXTURE_VARIANT_ADD(sysctl, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(sysctl, v6) { .v6 = true };

FIXTURE_SETUP(sysctl)
{
	test_begin();
	self->fd = test_socket(variant->v6, 0);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(sysctl)
{
	close(self->fd);
}

/* net.xtcp.NAME, or net.ipv4.tcp_NAME */
static const char *knob(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), test_inet() ? "net/ipv4/tcp_%s" : "net/xtcp/%s", name);
	return path;
}

static int value(const char *path)
{
	char full[96];
	int v = -12345;
	FILE *f;

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	f = fopen(full, "r");
	must(f);
	must(fscanf(f, "%d", &v) == 1);
	fclose(f);
	return v;
}

static int try(const char *path, const char *text)
{
	char full[96];
	int fd, err;

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_WRONLY);
	must(fd >= 0);
	err = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static int tcp_opt(int fd, int opt)
{
	return get_int(fd, IPPROTO_TCP, opt);
}

/* SY-2; wire_connect and wire_time measure what they do */
TEST_F(sysctl, retries)
{
	EXPECT_EQ(5, value(knob("synack_retries")));
	EXPECT_EQ(3, value(knob("retries1")));
	EXPECT_EQ(15, value(knob("retries2")));
	EXPECT_EQ(0, value(knob("orphan_retries")));
	EXPECT_EQ(60, value(knob("fin_timeout")));
	EXPECT_EQ(60, tcp_opt(self->fd, TCP_LINGER2));
	EXPECT_EQ(value(knob("syn_retries")), tcp_opt(self->fd, TCP_SYNCNT));
	sysctl_set(knob("fin_timeout"), "17");
	sysctl_set(knob("syn_retries"), "3");
	EXPECT_EQ(17, tcp_opt(self->fd, TCP_LINGER2));
	EXPECT_EQ(3, tcp_opt(self->fd, TCP_SYNCNT));
	EXPECT_EQ(EINVAL, try(knob("syn_retries"), "0"));
	EXPECT_EQ(EINVAL, try(knob("syn_retries"), "128"));
	EXPECT_EQ(EINVAL, try(knob("syn_retries"), "word"));
	EXPECT_EQ(EINVAL, try(knob("retries1"), "256"));
	EXPECT_EQ(3, value(knob("syn_retries")));
}

/* SY-3 */
TEST_F(sysctl, keepalive)
{
	EXPECT_EQ(7200, value(knob("keepalive_time")));
	EXPECT_EQ(75, value(knob("keepalive_intvl")));
	EXPECT_EQ(9, value(knob("keepalive_probes")));
	EXPECT_EQ(7200, tcp_opt(self->fd, TCP_KEEPIDLE));
	EXPECT_EQ(75, tcp_opt(self->fd, TCP_KEEPINTVL));
	EXPECT_EQ(9, tcp_opt(self->fd, TCP_KEEPCNT));
	EXPECT_EQ(0, set_int(self->fd, IPPROTO_TCP, TCP_KEEPIDLE, 33));
	sysctl_set(knob("keepalive_time"), "100");
	sysctl_set(knob("keepalive_intvl"), "10");
	sysctl_set(knob("keepalive_probes"), "3");
	EXPECT_EQ(33, tcp_opt(self->fd, TCP_KEEPIDLE));
	EXPECT_EQ(10, tcp_opt(self->fd, TCP_KEEPINTVL));
	EXPECT_EQ(3, tcp_opt(self->fd, TCP_KEEPCNT));
}

/* What a connection agreed upon, of those options that a sysctl has a say in. */
static int agreed(bool v6, bool passive)
{
	int fd[2], lfd, options;
	union addr at;

	if (passive) {
		test_pair(v6, fd);
	} else {
		at = addr_lo(v6, 9000);
		lfd = peer_socket(v6, 0);
		must(set_int(lfd, SOL_SOCKET, SO_REUSEADDR, 1) == 0);
		must(test_bind(lfd, &at) == 0 && listen(lfd, 1) == 0);
		fd[0] = test_socket(v6, 0);
		must(connect(fd[0], &at.sa, addr_len(v6)) == 0);
		fd[1] = accept(lfd, NULL, NULL);
		close(lfd);
	}
	options = tcp_info_of(fd[1]).tcpi_options;
	must(options == tcp_info_of(fd[0]).tcpi_options);
	set_linger(fd[1], 1, 0);	/* leaves no TIME-WAIT */
	close(fd[1]);
	close(fd[0]);
	return options & (TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE);
}

/* SY-4: each on by default, off for both who asks and who is asked. (dsack: wire_input) */
TEST_F(sysctl, options)
{
	static const struct { const char *name; int bit; } row[] = {
		{ "timestamps", TCPI_OPT_TIMESTAMPS },
		{ "sack", TCPI_OPT_SACK },
		{ "window_scaling", TCPI_OPT_WSCALE },
		{ "dsack", 0 },
	};
	int all = TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE, i, passive;

	xtcp_only();	/* the kernel's are its peer's, too */
	for (i = 0; i < ARRAY_SIZE(row); i++)
		EXPECT_EQ(1, value(knob(row[i].name)));
	for (passive = 0; passive < 2; passive++) {
		EXPECT_EQ(all, agreed(variant->v6, passive));
		for (i = 0; i < ARRAY_SIZE(row); i++) {
			sysctl_set(knob(row[i].name), "0");
			EXPECT_EQ(all & ~row[i].bit, agreed(variant->v6, passive));
			sysctl_set(knob(row[i].name), "1");
		}
	}
	EXPECT_EQ(EINVAL, try(knob("sack"), "2"));
}

/* SY-7, SY-14, SY-15: the kernel's; the wire tests measure what they do */
TEST_F(sysctl, defaults)
{
	static const struct { const char *name; int value; } row[] = {
		{ "ecn", 2 }, { "ecn_fallback", 1 },
		{ "autocorking", 1 }, { "limit_output_bytes", 1 << 20 },
		{ "min_tso_segs", 2 }, { "tso_win_divisor", 3 }, { "tso_rtt_log", 9 },
		{ "pacing_ss_ratio", 200 }, { "pacing_ca_ratio", 120 },
		{ "challenge_ack_limit", INT_MAX }, { "invalid_ratelimit", 500 },
		{ "comp_sack_delay_ns", 1000000 }, { "comp_sack_slack_ns", 100000 },
		{ "comp_sack_nr", 44 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++)
		EXPECT_EQ(row[i].value, value(knob(row[i].name)))
			TH_LOG("row %d", i);
	EXPECT_EQ(EINVAL, try(knob("comp_sack_nr"), "256"));
	EXPECT_EQ(EINVAL, try(knob("ecn_fallback"), "2"));
}

/* What one namespace sets, another does not see; a new one has the defaults. */
TEST_F(sysctl, namespaces_are_apart)
{
	xtcp_only();
	sysctl_set(knob("keepalive_time"), "100");
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	EXPECT_EQ(7200, value(knob("keepalive_time")));
	EXPECT_EQ(100, tcp_opt(self->fd, TCP_KEEPIDLE));
	EXPECT_EQ(7200, tcp_opt(test_socket(variant->v6, 0), TCP_KEEPIDLE));
}

/* --- SY-20: IP's ---------------------------------------------------------------- */

/* The header of the SYN that a connection of ours sends. */
static void syn_header(bool v6, unsigned char *h, socklen_t len)
{
	union addr at = addr_lo(v6, 9000);
	int lfd = peer_socket(v6, 0), fd = test_socket(v6, 0), c;

	must(set_int(lfd, IPPROTO_TCP, TCP_SAVE_SYN, 1) == 0);
	must(test_bind(lfd, &at) == 0 && listen(lfd, 1) == 0);
	must(connect(fd, &at.sa, addr_len(v6)) == 0);
	c = accept(lfd, NULL, NULL);
	must(c >= 0);
	must(getsockopt(c, IPPROTO_TCP, TCP_SAVED_SYN, h, &len) == 0);
}

TEST_F(sysctl, ip__default_ttl)
{
	unsigned char h[128];

	if (variant->v6) {
		sysctl_set("net/ipv6/conf/lo/hop_limit", "33");
		syn_header(true, h, sizeof(h));
		EXPECT_EQ(33, h[7]);
	} else {
		EXPECT_EQ(64, get_int(self->fd, IPPROTO_IP, IP_TTL));
		sysctl_set("net/ipv4/ip_default_ttl", "33");
		EXPECT_EQ(33, get_int(self->fd, IPPROTO_IP, IP_TTL));
		syn_header(false, h, sizeof(h));
		EXPECT_EQ(33, h[8]);
	}
}

TEST_F(sysctl, ip__no_pmtu_disc)
{
	unsigned char h[128];

	if (variant->v6)
		SKIP(return, "IPv4 only");
	EXPECT_EQ(IP_PMTUDISC_WANT, get_int(self->fd, IPPROTO_IP, IP_MTU_DISCOVER));
	syn_header(false, h, sizeof(h));
	EXPECT_EQ(0x40, h[6]);		/* DF */
	sysctl_set("net/ipv4/ip_no_pmtu_disc", "1");
	EXPECT_EQ(IP_PMTUDISC_DONT, get_int(test_socket(false, 0), IPPROTO_IP, IP_MTU_DISCOVER));
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	lo_up();
	sysctl_set("net/ipv4/ip_no_pmtu_disc", "1");
	syn_header(false, h, sizeof(h));
	EXPECT_EQ(0, h[6]);
}

TEST_HARNESS_MAIN
