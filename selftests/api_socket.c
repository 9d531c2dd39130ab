// SPDX-License-Identifier: GPL-2.0
/* api_socket.c - socket(), bind(), names: what comes before listen(). */
#include "xtcp_test.h"

#include <sys/un.h>
#include <sys/xattr.h>

#define NOBODY	65534

FIXTURE(api_socket) {
	int fd;
};

FIXTURE_VARIANT(api_socket) {
	bool v6;
};

FIXTURE_VARIANT_ADD(api_socket, v4) { .v6 = false };
FIXTURE_VARIANT_ADD(api_socket, v6) { .v6 = true };

FIXTURE_SETUP(api_socket)
{
	test_begin();
	self->fd = test_socket(variant->v6, 0);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(api_socket)
{
	close(self->fd);
}

TEST_F(api_socket, socket__flags)
{
	int fd = test_socket(variant->v6, SOCK_NONBLOCK | SOCK_CLOEXEC);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, fcntl(self->fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(self->fd, F_GETFD));
}

TEST_F(api_socket, socket__lowest_descriptor)
{
	int a = dup(self->fd), b;

	ASSERT_GT(a, self->fd);
	close(a);
	b = test_socket(variant->v6, 0);
	EXPECT_EQ(a, b);
}

TEST_F(api_socket, socket__protocols)
{
	int family = test_inet() ? AF_INET : xtcp_family();

	xtcp_only();
	EXPECT_GE(socket(family, SOCK_STREAM, 0), 0);
	EXPECT_GE(socket(family, SOCK_STREAM, IPPROTO_TCP), 0);
	EXPECT_GE(socket(family, SOCK_STREAM, XTCPPROTO_TCP6), 0);
	EXPECT_ERRNO(EPROTONOSUPPORT, socket(family, SOCK_STREAM, IPPROTO_UDP));
	EXPECT_ERRNO(EPROTONOSUPPORT, socket(family, SOCK_STREAM, 200));
	EXPECT_ERRNO(EINVAL, socket(family, SOCK_STREAM, -1));
	EXPECT_ERRNO(EINVAL, socket(family, SOCK_STREAM, 1 << 20));
}

TEST_F(api_socket, socket__types)
{
	int family = test_inet() ? AF_INET : xtcp_family();

	EXPECT_ERRNO(EINVAL, socket(family, 11, 0));
	EXPECT_ERRNO(EINVAL, socket(family, SOCK_STREAM | 0x10000000, 0));
	xtcp_only();
	EXPECT_ERRNO(ESOCKTNOSUPPORT, socket(family, SOCK_DGRAM, 0));
	EXPECT_ERRNO(ESOCKTNOSUPPORT, socket(family, SOCK_RAW, IPPROTO_TCP));
	EXPECT_ERRNO(ESOCKTNOSUPPORT, socket(family, SOCK_SEQPACKET, 0));
	EXPECT_ERRNO(ESOCKTNOSUPPORT, socket(family, SOCK_RDM, 0));
}

TEST_F(api_socket, socket__what_it_says_of_itself)
{
	bool inet = test_inet();

	EXPECT_EQ(inet ? variant->v6 ? AF_INET6 : AF_INET : xtcp_family(),
		  get_int(self->fd, SOL_SOCKET, SO_DOMAIN));
	EXPECT_EQ(inet ? IPPROTO_TCP : 0, get_int(self->fd, SOL_SOCKET, SO_PROTOCOL));
	EXPECT_EQ(SOCK_STREAM, get_int(self->fd, SOL_SOCKET, SO_TYPE));
	EXPECT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_EQ(0, get_int(self->fd, SOL_SOCKET, SO_ERROR));
	ASSERT_EQ(0, listen(self->fd, 1));
	EXPECT_EQ(1, get_int(self->fd, SOL_SOCKET, SO_ACCEPTCONN));
}

TEST_F(api_socket, socket__descriptor_limit)
{
	struct rlimit none = { .rlim_cur = 0, .rlim_max = 1024 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_ERRNO(EMFILE, test_socket(variant->v6, 0));
}

/* The machine's limit is not for root. */
TEST_F(api_socket, socket__machine_limit)
{
	char was[32] = {};
	int fd = open("/proc/sys/fs/file-max", O_RDWR), err;

	ASSERT_GT(read(fd, was, sizeof(was) - 1), 0);
	ASSERT_EQ(0, setegid(NOBODY));
	ASSERT_EQ(0, seteuid(NOBODY));
	err = ERRNO(test_socket(variant->v6, 0));
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, seteuid(0));
	sysctl_set("fs/file-max", "0");
	ASSERT_EQ(0, seteuid(NOBODY));
	err = ERRNO(test_socket(variant->v6, 0));
	ASSERT_EQ(0, seteuid(0));
	sysctl_set("fs/file-max", was);
	EXPECT_EQ(ENFILE, err);
}

TEST_F(api_socket, socket__is_a_file)
{
	char path[64], link[64] = {}, name[32] = {};
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	EXPECT_NE(0, st.st_ino);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	ASSERT_GT(readlink(path, link, sizeof(link) - 1), 0);
	snprintf(path, sizeof(path), "socket:[%lu]", st.st_ino);
	EXPECT_STREQ(path, link);
	EXPECT_ERRNO(ESPIPE, lseek(self->fd, 0, SEEK_SET));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->fd, 0));
	EXPECT_GT(fgetxattr(self->fd, "system.sockprotoname", name, sizeof(name)), 0);
	EXPECT_STREQ(!test_inet() ? "XTCP" : variant->v6 ? "TCPv6" : "TCP", name);
}

TEST_F(api_socket, socket__listed_in_protocols)
{
	char line[256];
	bool found = false;
	FILE *f = fopen("/proc/net/protocols", "r");

	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		found |= !strncmp(line, test_inet() ? "TCP " : "XTCP ", test_inet() ? 4 : 5);
	fclose(f);
	EXPECT_TRUE(found);
}

TEST_F(api_socket, socketpair__refused)
{
	int sv[2];

	EXPECT_ERRNO(EOPNOTSUPP, socketpair(test_inet() ? AF_INET : xtcp_family(),
					    SOCK_STREAM, 0, sv));
}

TEST_F(api_socket, bind__any_port_is_ephemeral)
{
	union addr a = addr_lo(variant->v6, 0), got;
	int i;

	sysctl_set("net/ipv4/ip_local_port_range", "40000 40007");
	for (i = 0; i < 4; i++) {
		int fd = test_socket(variant->v6, 0);

		ASSERT_EQ(0, test_bind(fd, &a));
		got = sock_name(fd);
		EXPECT_GE(addr_port(&got), 40000);
		EXPECT_LE(addr_port(&got), 40007);
		EXPECT_EQ(a.sa.sa_family, got.sa.sa_family);
	}
}

TEST_F(api_socket, bind__port_range_exhausted)
{
	union addr a = addr_lo(variant->v6, 0);
	int i, err = 0;

	sysctl_set("net/ipv4/ip_local_port_range", "40000 40003");
	for (i = 0; i < 5 && !err; i++)
		err = test_bind(test_socket(variant->v6, 0), &a) ? errno : 0;
	EXPECT_EQ(EADDRINUSE, err);
	EXPECT_GE(i, 2);	/* odd and even ports may be kept apart, but some were there */
}

TEST_F(api_socket, bind__reserved_ports_are_skipped)
{
	union addr a = addr_lo(variant->v6, 0), got;
	int i;

	sysctl_set("net/ipv4/ip_local_port_range", "40000 40003");
	sysctl_set("net/ipv4/ip_local_reserved_ports", "40000-40001,40003");
	ASSERT_EQ(0, test_bind(self->fd, &a));
	got = sock_name(self->fd);
	EXPECT_EQ(40002, addr_port(&got));
	/* reserved is only for those who let the kernel choose */
	for (i = 40000; i < 40002; i++) {
		a = addr_lo(variant->v6, i);
		EXPECT_EQ(0, test_bind(test_socket(variant->v6, 0), &a));
	}
}

TEST_F(api_socket, bind__given_address)
{
	union addr a = addr_lo(variant->v6, 8000), got;

	ASSERT_EQ(0, test_bind(self->fd, &a));
	got = sock_name(self->fd);
	EXPECT_TRUE(addr_eq(&a, &got));
}

TEST_F(api_socket, bind__own_family_in_address)
{
	union addr a = addr_lo(variant->v6, 8000), b = a, got;

	xtcp_only();
	b.sa.sa_family = xtcp_family();
	ASSERT_EQ(0, bind(self->fd, &b.sa, addr_len(variant->v6)));
	got = sock_name(self->fd);
	EXPECT_TRUE(addr_eq(&a, &got));
}

TEST_F(api_socket, bind__wrong_family)
{
	union addr a = addr_any(variant->v6, 8000);

	a.sa.sa_family = AF_UNIX;
	EXPECT_ERRNO(EAFNOSUPPORT, bind(self->fd, &a.sa, addr_len(variant->v6)));
	a.sa.sa_family = variant->v6 ? AF_INET : AF_INET6;
	EXPECT_ERRNO(EAFNOSUPPORT, bind(self->fd, &a.sa, sizeof(a.in6)));
	EXPECT_EQ(0, ntohs(sock_name(self->fd).in.sin_port));
}

TEST_F(api_socket, bind__unspec_means_any)
{
	union addr a = addr_any(variant->v6, 8000), lo = addr_lo(variant->v6, 8000);

	a.sa.sa_family = lo.sa.sa_family = AF_UNSPEC;
	EXPECT_ERRNO(EAFNOSUPPORT, bind(self->fd, &lo.sa, addr_len(variant->v6)));
	EXPECT_ERRNO(variant->v6 ? EAFNOSUPPORT : 0,
		     bind(self->fd, &a.sa, addr_len(variant->v6)));
}

TEST_F(api_socket, bind__length)
{
	union addr a = addr_lo(variant->v6, 8000);
	char big[256] = {};

	EXPECT_ERRNO(EINVAL, bind(self->fd, &a.sa, variant->v6 ? 23 : 15));
	EXPECT_ERRNO(EINVAL, bind(self->fd, &a.sa, 2));
	EXPECT_ERRNO(EINVAL, bind(self->fd, &a.sa, 0));
	EXPECT_ERRNO(EINVAL, bind(self->fd, &a.sa, -1));
	memcpy(big, &a, sizeof(a));
	EXPECT_ERRNO(EINVAL, bind(self->fd, (void *)big, sizeof(a.ss) + 1));
	EXPECT_EQ(0, bind(self->fd, (void *)big, sizeof(a.ss)));
}

TEST_F(api_socket, bind__v6_without_scope_id)
{
	union addr a = addr_lo(true, 8000);

	if (!variant->v6)
		SKIP(return, "IPv6 only");
	EXPECT_EQ(0, bind(self->fd, &a.sa, 24));	/* RFC 2133's sockaddr_in6 */
}

TEST_F(api_socket, bind__twice)
{
	union addr a = addr_lo(variant->v6, 8000), b = addr_lo(variant->v6, 8001);

	ASSERT_EQ(0, test_bind(self->fd, &a));
	EXPECT_ERRNO(EINVAL, test_bind(self->fd, &b));
	EXPECT_ERRNO(EINVAL, test_bind(self->fd, &a));
	EXPECT_EQ(8000, ntohs(sock_name(self->fd).in.sin_port));
}

TEST_F(api_socket, bind__listening)
{
	union addr b = addr_lo(variant->v6, 8001);

	ASSERT_EQ(0, listen(self->fd, 1));
	EXPECT_ERRNO(EINVAL, test_bind(self->fd, &b));
}

TEST_F(api_socket, bind__in_use)
{
	union addr a = addr_lo(variant->v6, 8000), any = addr_any(variant->v6, 8000);
	union addr other = addr_of(variant->v6, variant->v6 ? "::ffff:127.0.0.2" : "127.0.0.2",
				   8000);

	ASSERT_EQ(0, test_bind(self->fd, &a));
	EXPECT_ERRNO(EADDRINUSE, test_bind(test_socket(variant->v6, 0), &a));
	EXPECT_ERRNO(EADDRINUSE, test_bind(test_socket(variant->v6, 0), &any));
	EXPECT_EQ(0, test_bind(test_socket(variant->v6, 0), &other));
}

TEST_F(api_socket, bind__free_after_close)
{
	union addr a = addr_lo(variant->v6, 8000);
	int i;

	for (i = 0; i < 3; i++) {
		int fd = test_socket(variant->v6, 0);

		EXPECT_EQ(0, test_bind(fd, &a));
		close(fd);
	}
}

TEST_F(api_socket, bind__versions_share_ports)
{
	union addr v4 = addr_any(false, 8000), v6 = addr_any(true, 8000);
	int fd4 = test_socket(false, 0), fd6 = test_socket(true, 0);

	if (variant->v6) {
		ASSERT_EQ(0, test_bind(fd6, &v6));
		EXPECT_ERRNO(EADDRINUSE, test_bind(fd4, &v4));
	} else {
		ASSERT_EQ(0, test_bind(fd4, &v4));
		EXPECT_ERRNO(EADDRINUSE, test_bind(fd6, &v6));
		ASSERT_EQ(0, set_int(fd6, IPPROTO_IPV6, IPV6_V6ONLY, 1));
		EXPECT_EQ(0, test_bind(fd6, &v6));
	}
}

/* One port space with the kernel: COEX-3. */
TEST_F(api_socket, bind__kernel_has_it)
{
	union addr a = addr_lo(variant->v6, 8000), any = addr_any(variant->v6, 8000);
	int peer = peer_socket(variant->v6, 0);

	ASSERT_EQ(0, test_bind(peer, &a));
	EXPECT_ERRNO(EADDRINUSE, test_bind(self->fd, &a));
	EXPECT_ERRNO(EADDRINUSE, test_bind(self->fd, &any));
	ASSERT_EQ(0, listen(peer, 1));
	EXPECT_ERRNO(EADDRINUSE, test_bind(self->fd, &a));
	close(peer);
	EXPECT_EQ(0, test_bind(self->fd, &a));
}

TEST_F(api_socket, bind__kernel_may_not_have_it)
{
	union addr a = addr_lo(variant->v6, 8000);

	ASSERT_EQ(0, test_bind(self->fd, &a));
	EXPECT_ERRNO(EADDRINUSE, test_bind(peer_socket(variant->v6, 0), &a));
	ASSERT_EQ(0, listen(self->fd, 1));
	EXPECT_ERRNO(EADDRINUSE, test_bind(peer_socket(variant->v6, 0), &a));
	close(self->fd);
	EXPECT_EQ(0, test_bind(peer_socket(variant->v6, 0), &a));
}

/* A program that restarts on the other stack: the port is free when close() is
 * back, also with a connection that nobody accepted.
 */
TEST_F(api_socket, bind__free_when_close_is_back)
{
	union addr a = addr_lo(variant->v6, 8000);
	int i, fd, peer, refused = 0;

	for (i = 0; i < scale(200); i++) {
		fd = test_socket(variant->v6, 0);
		ASSERT_EQ(0, test_bind(fd, &a));
		ASSERT_EQ(0, listen(fd, 1));
		peer = peer_connect(&a);
		close(fd);
		fd = peer_socket(variant->v6, 0);
		refused += test_bind(fd, &a) == -1 && errno == EADDRINUSE;
		close(fd);
		close(peer);
	}
	EXPECT_EQ(0, refused);
}

/* shutdown() gives back a port that listen() chose. */
TEST_F(api_socket, bind__free_when_shutdown_is_back)
{
	int i, fd, peer, refused = 0;
	union addr a;

	for (i = 0; i < scale(200); i++) {
		fd = test_socket(variant->v6, 0);
		ASSERT_EQ(0, listen(fd, 1));
		a = sock_name(fd);
		ASSERT_EQ(0, shutdown(fd, SHUT_RD));
		peer = peer_socket(variant->v6, 0);
		refused += test_bind(peer, &a) == -1 && errno == EADDRINUSE;
		close(peer);
		close(fd);
	}
	EXPECT_EQ(0, refused);
}

TEST_F(api_socket, bind__reuseaddr)
{
	union addr a = addr_lo(variant->v6, 8000);
	int one = self->fd, two = test_socket(variant->v6, 0);
	int plain = test_socket(variant->v6, 0), late = test_socket(variant->v6, 0);

	ASSERT_EQ(0, set_int(one, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, set_int(two, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, set_int(late, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, test_bind(one, &a));
	EXPECT_EQ(0, test_bind(two, &a));
	EXPECT_ERRNO(EADDRINUSE, test_bind(plain, &a));
	EXPECT_EQ(0, listen(one, 1));
	EXPECT_ERRNO(EADDRINUSE, listen(two, 1));
	EXPECT_ERRNO(EADDRINUSE, test_bind(late, &a));
	close(one);
	EXPECT_EQ(0, listen(two, 1));
	self->fd = two;
}

/* The same between the two stacks. */
TEST_F(api_socket, bind__reuseaddr_with_the_kernel)
{
	union addr a = addr_lo(variant->v6, 8000);
	int peer = peer_socket(variant->v6, 0);

	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, set_int(peer, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, test_bind(self->fd, &a));
	ASSERT_EQ(0, test_bind(peer, &a));
	EXPECT_EQ(0, listen(self->fd, 1));
	EXPECT_ERRNO(EADDRINUSE, listen(peer, 1));
	close(self->fd);
	EXPECT_EQ(0, listen(peer, 1));
}

static int set_reuseport(int fd)
{
	return test_inet() ? set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) :
			     set_int(fd, SOL_XTCP, XTCP_REUSEPORT, 1);
}

/* Said after bind(), it counts as well. */
TEST_F(api_socket, bind__reuseport)
{
	union addr a = addr_lo(variant->v6, 8000);
	int one = self->fd, two = test_socket(variant->v6, 0);

	ASSERT_EQ(0, test_bind(one, &a));
	ASSERT_EQ(0, set_reuseport(two));
	EXPECT_ERRNO(EADDRINUSE, test_bind(two, &a));
	ASSERT_EQ(0, set_reuseport(one));
	EXPECT_EQ(0, test_bind(two, &a));
	EXPECT_EQ(0, listen(one, 1));
	EXPECT_EQ(0, listen(two, 1));
	EXPECT_ERRNO(EADDRINUSE, test_bind(test_socket(variant->v6, 0), &a));
}

/* The same for SO_REUSEADDR, which is looked at when the socket listens. */
TEST_F(api_socket, bind__reuseaddr_said_late)
{
	union addr a = addr_lo(variant->v6, 8000);
	int two = test_socket(variant->v6, 0);

	ASSERT_EQ(0, test_bind(self->fd, &a));
	ASSERT_EQ(0, set_int(self->fd, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, set_int(two, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, listen(self->fd, 1));
	EXPECT_ERRNO(EADDRINUSE, test_bind(two, &a));
	ASSERT_EQ(0, shutdown(self->fd, SHUT_RD));
	EXPECT_EQ(0, test_bind(two, &a));
	EXPECT_EQ(0, listen(two, 1));
}

/* All addresses and one of them. */
TEST_F(api_socket, bind__reuseport_overlap)
{
	union addr a = addr_lo(variant->v6, 8000), any = addr_any(variant->v6, 8000);
	int one = self->fd, two = test_socket(variant->v6, 0), peer;

	ASSERT_EQ(0, set_reuseport(one));
	ASSERT_EQ(0, set_reuseport(two));
	ASSERT_EQ(0, test_bind(one, &any));
	EXPECT_ERRNO(EADDRINUSE, test_bind(test_socket(variant->v6, 0), &a));
	ASSERT_EQ(0, test_bind(two, &a));
	EXPECT_EQ(0, listen(one, 1));
	EXPECT_EQ(0, listen(two, 1));
	peer = peer_connect(&a);
	EXPECT_EQ(POLLIN, poll_ms(two, POLLIN, TEST_DEADLINE_MS));
	EXPECT_EQ(0, poll_ms(one, POLLIN, 0));
	close(peer);
}

/* A socket of the kernel's TCP would listen behind us, and hear nothing. */
TEST_F(api_socket, bind__reuseport_not_with_the_kernel)
{
	union addr a = addr_lo(variant->v6, 8000), any = addr_any(variant->v6, 8000);
	int two = test_socket(variant->v6, 0), peer, i;

	xtcp_only();
	ASSERT_EQ(0, set_reuseport(self->fd));
	ASSERT_EQ(0, set_reuseport(two));
	ASSERT_EQ(0, test_bind(self->fd, &a));
	for (i = 0; i < 5; i++) {
		peer = peer_socket(variant->v6, 0);
		ASSERT_EQ(0, set_int(peer, SOL_SOCKET, SO_REUSEPORT, 1));
		EXPECT_ERRNO(EADDRINUSE, test_bind(peer, &a));
		EXPECT_ERRNO(EADDRINUSE, test_bind(peer, &any));
		switch (i) {
		case 0:
			ASSERT_EQ(0, listen(self->fd, 1));
			break;
		case 1:
			ASSERT_EQ(0, test_bind(two, &any));
			break;
		case 2:
			ASSERT_EQ(0, listen(two, 1));
			break;
		case 3:
			close(self->fd);
			self->fd = test_socket(variant->v6, 0);
			ASSERT_EQ(0, set_reuseport(self->fd));
			ASSERT_EQ(0, test_bind(self->fd, &a));
			ASSERT_EQ(0, listen(self->fd, 1));
			break;
		}
	}
	close(two);
	close(self->fd);
	/* nor the other way round */
	ASSERT_EQ(0, test_bind(peer, &a));
	self->fd = test_socket(variant->v6, 0);
	ASSERT_EQ(0, set_reuseport(self->fd));
	EXPECT_ERRNO(EADDRINUSE, test_bind(self->fd, &a));
}

TEST_F(api_socket, bind__not_local)
{
	union addr a = addr_of(variant->v6, variant->v6 ? "2001:db8::1" : "192.0.2.1", 8000);

	EXPECT_ERRNO(EADDRNOTAVAIL, test_bind(self->fd, &a));
	EXPECT_EQ(0, ntohs(sock_name(self->fd).in.sin_port));
	sysctl_set(variant->v6 ? "net/ipv6/ip_nonlocal_bind" : "net/ipv4/ip_nonlocal_bind", "1");
	EXPECT_EQ(0, test_bind(self->fd, &a));
}

TEST_F(api_socket, bind__privileged_port)
{
	union addr low = addr_lo(variant->v6, 80), high = addr_lo(variant->v6, 1024);

	ASSERT_EQ(0, setresuid(NOBODY, NOBODY, NOBODY));
	self->fd = test_socket(variant->v6, 0);
	ASSERT_GE(self->fd, 0);
	EXPECT_ERRNO(EACCES, test_bind(self->fd, &low));
	EXPECT_EQ(0, test_bind(self->fd, &high));
}

TEST_F(api_socket, bind__privileged_port_start)
{
	union addr low = addr_lo(variant->v6, 80);

	sysctl_set("net/ipv4/ip_unprivileged_port_start", "80");
	ASSERT_EQ(0, setresuid(NOBODY, NOBODY, NOBODY));
	EXPECT_EQ(0, test_bind(test_socket(variant->v6, 0), &low));
}

TEST_F(api_socket, bind__generic_errors)
{
	union addr a = addr_lo(variant->v6, 8000);
	int p[2];

	ASSERT_EQ(0, pipe(p));
	EXPECT_ERRNO(EFAULT, bind(self->fd, (void *)8, sizeof(a.in6)));
	EXPECT_ERRNO(ENOTSOCK, test_bind(p[0], &a));
	EXPECT_ERRNO(EBADF, test_bind(1000, &a));
}

TEST_F(api_socket, bind__link_local_needs_scope)
{
	union addr a;

	if (!variant->v6)
		SKIP(return, "IPv6 only");
	a = addr_of(true, "fe80::1", 8000);
	EXPECT_ERRNO(EINVAL, test_bind(self->fd, &a));
	a.in6.sin6_scope_id = 12345;
	EXPECT_ERRNO(ENODEV, test_bind(self->fd, &a));
}

TEST_F(api_socket, bind__namespaces_are_apart)
{
	union addr a = addr_lo(variant->v6, 8000);

	ASSERT_EQ(0, test_bind(self->fd, &a));
	ASSERT_EQ(0, listen(self->fd, 1));
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	lo_up();
	EXPECT_ERRNO(ECONNREFUSED, connect(peer_socket(variant->v6, 0), &a.sa,
					   addr_len(variant->v6)));
	EXPECT_EQ(0, test_bind(test_socket(variant->v6, 0), &a));
}

TEST_F(api_socket, listen__unbound_takes_a_port)
{
	union addr got, at;

	ASSERT_EQ(0, listen(self->fd, 1));
	got = sock_name(self->fd);
	EXPECT_NE(0, addr_port(&got));
	EXPECT_EQ(variant->v6 ? AF_INET6 : AF_INET, got.sa.sa_family);
	at = addr_lo(variant->v6, addr_port(&got));
	close(peer_connect(&at));
}

TEST_F(api_socket, getsockname__unbound)
{
	union addr a = sock_name(self->fd), zero = addr_any(variant->v6, 0);

	EXPECT_TRUE(addr_eq(&zero, &a));
}

TEST_F(api_socket, getsockname__truncates)
{
	union addr a;
	socklen_t len = 4;

	memset(&a, 0x55, sizeof(a));
	ASSERT_EQ(0, getsockname(self->fd, &a.sa, &len));
	EXPECT_EQ(addr_len(variant->v6), len);
	EXPECT_EQ(0x55, ((uint8_t *)&a)[4]);
	len = sizeof(a);
	ASSERT_EQ(0, getsockname(self->fd, &a.sa, &len));
	EXPECT_EQ(addr_len(variant->v6), len);
}

TEST_F(api_socket, getsockname__bad_pointers)
{
	union addr a;
	socklen_t len = -1;

	EXPECT_ERRNO(EINVAL, getsockname(self->fd, &a.sa, &len));
	len = sizeof(a);
	EXPECT_ERRNO(EFAULT, getsockname(self->fd, (void *)8, &len));
	EXPECT_ERRNO(EFAULT, getsockname(self->fd, &a.sa, (void *)8));
}

TEST_F(api_socket, getpeername__not_connected)
{
	union addr a;
	socklen_t len = sizeof(a);

	EXPECT_ERRNO(ENOTCONN, getpeername(self->fd, &a.sa, &len));
	ASSERT_EQ(0, listen(self->fd, 1));
	EXPECT_ERRNO(ENOTCONN, getpeername(self->fd, &a.sa, &len));
}

/* ED-1: refused, and yet it counts. */
TEST_F(api_socket, closed__shutdown_is_remembered)
{
	union addr at = addr_lo(variant->v6, 9000);
	int lfd = peer_socket(variant->v6, 0), fd;
	char c;

	ASSERT_EQ(0, test_bind(lfd, &at));
	ASSERT_EQ(0, listen(lfd, 1));
	EXPECT_ERRNO(ENOTCONN, shutdown(self->fd, SHUT_WR));
	EXPECT_EQ(0, connect(self->fd, &at.sa, addr_len(variant->v6)));
	fd = accept(lfd, NULL, NULL);
	ASSERT_GE(fd, 0);
	EXPECT_ERRNO(EPIPE, send(self->fd, "x", 1, MSG_NOSIGNAL));
	send_all(fd, "y", 1);
	recv_all(self->fd, &c, 1);
	EXPECT_EQ('y', c);
	close(fd);
	close(lfd);
}

TEST_F(api_socket, closed__calls)
{
	char c;
	int n = -1;

	EXPECT_ERRNO(ENOTCONN, recv(self->fd, &c, 1, 0));
	EXPECT_ERRNO(EPIPE, send(self->fd, &c, 1, MSG_NOSIGNAL));
	EXPECT_ERRNO(EINVAL, accept(self->fd, NULL, NULL));
	EXPECT_ERRNO(ENOTCONN, shutdown(self->fd, SHUT_RD));
	EXPECT_ERRNO(EINVAL, shutdown(self->fd, 3));
	EXPECT_EQ(0, ioctl(self->fd, FIONREAD, &n));
	EXPECT_EQ(0, n);
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, 0x12345678, &n));
	EXPECT_EQ(0, close(self->fd));
	EXPECT_ERRNO(EBADF, close(self->fd));
}

TEST_F(api_socket, listening__calls)
{
	char c;
	int n;

	ASSERT_EQ(0, listen(self->fd, 1));
	EXPECT_ERRNO(ENOTCONN, recv(self->fd, &c, 1, 0));
	EXPECT_ERRNO(EPIPE, send(self->fd, &c, 1, MSG_NOSIGNAL));
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, FIONREAD, &n));
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, TIOCOUTQ, &n));
	EXPECT_EQ(0, shutdown(self->fd, SHUT_WR));
	EXPECT_EQ(1, get_int(self->fd, SOL_SOCKET, SO_ACCEPTCONN));
}

TEST_F(api_socket, v6only__before_bind)
{
	union addr a = addr_any(true, 0);

	if (!variant->v6)
		SKIP(return, "IPv6 only");
	EXPECT_EQ(0, get_int(self->fd, IPPROTO_IPV6, IPV6_V6ONLY));
	ASSERT_EQ(0, test_bind(self->fd, &a));
	EXPECT_ERRNO(EINVAL, set_int(self->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	sysctl_set("net/ipv6/bindv6only", "1");
	EXPECT_EQ(1, get_int(test_socket(true, 0), IPPROTO_IPV6, IPV6_V6ONLY));
}

/* The descriptor goes to another process by fork() and by SCM_RIGHTS. */
TEST_F(api_socket, descriptor__travels)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 'x', in[5] = {};
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = sizeof(control) };
	int fd[2], ux[2], status;
	struct cmsghdr *c;
	pid_t pid;

	test_pair(variant->v6, fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ux));
	pid = fork();
	if (!pid) {
		int got;

		close(fd[0]);
		must(recvmsg(ux[1], &m, 0) == 1);
		c = CMSG_FIRSTHDR(&m);
		must(c && c->cmsg_type == SCM_RIGHTS);
		memcpy(&got, CMSG_DATA(c), sizeof(got));
		send_all(got, "hello", 5);
		_exit(0);
	}
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), fd, sizeof(int));
	ASSERT_EQ(1, sendmsg(ux[0], &m, 0));
	close(fd[0]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	recv_all(fd[1], in, 5);
	EXPECT_EQ(0, memcmp(in, "hello", 5));
	/* the copy in flight is gone too: the last close() ends the connection */
	close(ux[0]);
	close(ux[1]);
	EXPECT_EQ(0, recv_soon(fd[1], in, 5));
}

TEST_HARNESS_MAIN
