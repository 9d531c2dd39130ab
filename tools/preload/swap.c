// SPDX-License-Identifier: GPL-2.0
/* swap.c - replace an xtcp socket that is not bound by one of the kernel's TCP.
 *
 * With --ports it shows late, in bind() or connect(), that a socket is not
 * wanted: it keeps its descriptor number, its options and its place in epoll.
 */
#define _GNU_SOURCE
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/xtcp.h>

/* newer than some C libraries */
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK		72
#endif
#ifndef SOCK_SNDBUF_LOCK
#define SOCK_SNDBUF_LOCK	1
#define SOCK_RCVBUF_LOCK	2
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE	51
#endif

struct option {
	int level, name;
};

static const struct option options[] = {
	{ SOL_SOCKET, SO_BINDTODEVICE },
	{ SOL_SOCKET, SO_DONTROUTE },
	{ SOL_SOCKET, SO_KEEPALIVE },
	{ SOL_SOCKET, SO_LINGER },
	{ SOL_SOCKET, SO_MARK },
	{ SOL_SOCKET, SO_MAX_PACING_RATE },
	{ SOL_SOCKET, SO_OOBINLINE },
	{ SOL_SOCKET, SO_PRIORITY },
	{ SOL_SOCKET, SO_RCVLOWAT },
	{ SOL_SOCKET, SO_RCVTIMEO },
	{ SOL_SOCKET, SO_REUSEADDR },
	{ SOL_SOCKET, SO_SNDTIMEO },
	{ IPPROTO_TCP, TCP_CONGESTION },
	{ IPPROTO_TCP, TCP_CORK },
	{ IPPROTO_TCP, TCP_KEEPCNT },
	{ IPPROTO_TCP, TCP_KEEPIDLE },
	{ IPPROTO_TCP, TCP_KEEPINTVL },
	{ IPPROTO_TCP, TCP_LINGER2 },
	{ IPPROTO_TCP, TCP_MAXSEG },
	{ IPPROTO_TCP, TCP_NODELAY },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT },
	{ IPPROTO_TCP, TCP_SYNCNT },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT },
	{ IPPROTO_IP, IP_FREEBIND },
	{ IPPROTO_IP, IP_LOCAL_PORT_RANGE },
	{ IPPROTO_IP, IP_MTU_DISCOVER },
	{ IPPROTO_IP, IP_TOS },
	{ IPPROTO_IP, IP_TRANSPARENT },
	{ IPPROTO_IP, IP_TTL },
	/* from here on for AF_INET6 only */
	{ IPPROTO_IPV6, IPV6_FREEBIND },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER },
	{ IPPROTO_IPV6, IPV6_TCLASS },
	{ IPPROTO_IPV6, IPV6_TRANSPARENT },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS },
	{ IPPROTO_IPV6, IPV6_V6ONLY },
};

/* What neither socket knows, and what is equal already, stays as it is.  An
 * option that cannot be set is no reason not to connect.
 */
static void copy(int from, struct option as, int to, struct option o)
{
	char a[32], b[32];
	socklen_t alen = sizeof(a), blen = sizeof(b);

	if (preload_next.getsockopt(from, as.level, as.name, a, &alen) ||
	    preload_next.getsockopt(to, o.level, o.name, b, &blen))
		return;
	if (alen != blen || memcmp(a, b, alen))
		preload_next.setsockopt(to, o.level, o.name, a, alen);
}

/* buffer sizes: only those that the program has set; the kernel doubles them */
static void copy_buffers(int from, int to)
{
	static const int names[] = { SO_SNDBUF, SO_RCVBUF };
	static const int locks[] = { SOCK_SNDBUF_LOCK, SOCK_RCVBUF_LOCK };
	socklen_t len = sizeof(int);
	int i, size, locked = 0;

	preload_next.getsockopt(from, SOL_SOCKET, SO_BUF_LOCK, &locked, &len);
	for (i = 0; i < 2; i++) {
		len = sizeof(size);
		if (!(locked & locks[i]) ||
		    preload_next.getsockopt(from, SOL_SOCKET, names[i],
					    &size, &len))
			continue;
		size /= 2;
		preload_next.setsockopt(to, SOL_SOCKET, names[i], &size, len);
	}
}

static void copy_options(int from, int to, int family)
{
	static const struct option reuseport = { SOL_SOCKET, SO_REUSEPORT };
	static const struct option zerocopy = { SOL_SOCKET, SO_ZEROCOPY };
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].level == IPPROTO_IPV6 && family != AF_INET6)
			break;
		copy(from, options[i], to, options[i]);
	}
	copy(from, (struct option){ SOL_XTCP, XTCP_REUSEPORT }, to, reuseport);
	copy(from, (struct option){ SOL_XTCP, XTCP_ZEROCOPY }, to, zerocopy);
	copy_buffers(from, to);
	fcntl(to, F_SETFL, fcntl(from, F_GETFL));
}

/* 0, or -1 with errno and nothing changed. */
int preload_swap(int fd)
{
	int err = errno, family = preload_family(fd), tmp, cloexec;
	struct preload_epoll ep;

	tmp = preload_next.socket(family, SOCK_STREAM | SOCK_CLOEXEC,
				  IPPROTO_TCP);
	if (tmp < 0)
		return -1;
	copy_options(fd, tmp, family);

	cloexec = fcntl(fd, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0;
	preload_epoll_take(&ep, fd);
	if (dup3(tmp, fd, cloexec) < 0) {
		int why = errno;

		preload_epoll_give(&ep, fd);
		syscall(SYS_close, tmp);
		errno = why;
		return -1;
	}
	syscall(SYS_close, tmp);	/* not close(): a cancellation point */
	preload_epoll_give(&ep, fd);

	if (preload_config.verbose)
		preload_say("socket", fd, "AF_XTCP becomes kernel TCP again");
	errno = err;
	return 0;
}
