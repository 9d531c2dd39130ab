// SPDX-License-Identifier: GPL-2.0
/* mock_xtcp.c - AF_XTCP without the module, for testing xtcp_run itself.
 *
 * A preload behind libxtcp_run.so: LD_PRELOAD="libxtcp_run.so mock_xtcp.so".
 * The sockets are the kernel's TCP, told apart by a pacing rate that they keep
 * through dup and accept, and they answer as AF_XTCP sockets do.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include <linux/xtcp.h>

#define MARK 987654321	/* SO_MAX_PACING_RATE of mock sockets */

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool is_mock(int fd)
{
	socklen_t len = sizeof(int);
	int err = errno, rate = 0;

	NEXT(getsockopt)(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len);
	errno = err;
	return rate == MARK;
}

int socket(int domain, int type, int protocol)
{
	int mark = MARK, fd;

	if (domain != AF_XTCP)
		return NEXT(socket)(domain, type, protocol);
	fd = NEXT(socket)(protocol == XTCPPROTO_TCP6 ? AF_INET6 : AF_INET,
			  type, IPPROTO_TCP);
	if (fd >= 0)
		NEXT(setsockopt)(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &mark,
				 sizeof(mark));
	return fd;
}

int setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	if (!is_mock(fd))
		return NEXT(setsockopt)(fd, level, name, val, len);
	if (level == SOL_SOCKET &&
	    (name == SO_REUSEPORT || name == SO_ZEROCOPY)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (level == SOL_XTCP) {
		level = SOL_SOCKET;
		name = name == XTCP_REUSEPORT ? SO_REUSEPORT : SO_ZEROCOPY;
	}
	return NEXT(setsockopt)(fd, level, name, val, len);
}

int getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	int ret;

	if (!is_mock(fd))
		return NEXT(getsockopt)(fd, level, name, val, len);
	if (level == SOL_XTCP) {
		level = SOL_SOCKET;
		name = name == XTCP_REUSEPORT ? SO_REUSEPORT : SO_ZEROCOPY;
	} else if (level == SOL_SOCKET && name == SO_REUSEPORT) {
		*(int *)val = 0;
		return 0;
	}
	ret = NEXT(getsockopt)(fd, level, name, val, len);
	if (!ret && level == SOL_SOCKET && name == SO_DOMAIN)
		*(int *)val = AF_XTCP;
	if (!ret && level == SOL_SOCKET && name == SO_PROTOCOL)
		*(int *)val = 0;
	if (!ret && level == SOL_SOCKET && name == SO_MAX_PACING_RATE)
		memset(val, 0xff, *len);
	return ret;
}
