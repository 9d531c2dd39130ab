// SPDX-License-Identifier: GPL-2.0
/* hooks.c - the C library's names that xtcp_run stands in front of.
 *
 * accept() and its relatives need no hook: an accepted xtcp socket is an
 * xtcp socket, and the addresses that it reports are AF_INET or AF_INET6.
 */
#define _GNU_SOURCE
#include "preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/xtcp.h>

#define EXPORT __attribute__((visibility("default")))

struct preload_next preload_next;
struct preload_config preload_config;

/* "80,8000-8010"; the launcher has checked it */
static void ports_parse(const char *list)
{
	unsigned long from, to;
	char *end;

	while (*list) {
		from = strtoul(list, &end, 10);
		to = *end == '-' ? strtoul(end + 1, &end, 10) : from;
		for (; from <= to && from <= 65535; from++)
			preload_config.port[from / 8] |= 1 << from % 8;
		if (end == list || *end != ',')
			return;
		list = end + 1;
	}
}

static void config_read(void)
{
	const char *flags = getenv("XTCP_RUN_FLAGS");
	const char *ports = getenv("XTCP_RUN_PORTS");
	const char *family = getenv("XTCP_FAMILY");

	preload_config.family = family ? atoi(family) : AF_XTCP;
	preload_config.v4 = !flags || !strchr(flags, '6');
	preload_config.v6 = !flags || !strchr(flags, '4');
	preload_config.verbose = flags && strchr(flags, 'v');
	preload_config.fallback = flags && strchr(flags, 'f');
	if (ports) {
		ports_parse(ports);
		preload_config.ports = true;
	}
}

/* The constructor of some other library may open sockets before ours ran, so
 * every hook asks.  Twice at the same time does no harm: same values.
 */
__attribute__((constructor)) void preload_init(void)
{
	static int done;
	int err = errno;

	if (__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		return;
	/* dlsym's way of giving functions, without -Wpedantic's objection */
	*(void **)&preload_next.socket = dlsym(RTLD_NEXT, "socket");
	*(void **)&preload_next.bind = dlsym(RTLD_NEXT, "bind");
	*(void **)&preload_next.connect = dlsym(RTLD_NEXT, "connect");
	*(void **)&preload_next.getsockopt = dlsym(RTLD_NEXT, "getsockopt");
	*(void **)&preload_next.setsockopt = dlsym(RTLD_NEXT, "setsockopt");
	config_read();
	preload_say_init();
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	errno = err;
}

bool preload_is_xtcp(int fd)
{
	socklen_t len = sizeof(int);
	int err = errno, domain = 0;

	if (preload_next.getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len))
		domain = 0;
	errno = err;
	return domain == preload_config.family;
}

int preload_family(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int err = errno;

	addr.ss_family = 0;
	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		addr.ss_family = 0;
	errno = err;
	return addr.ss_family;
}

bool preload_port_wanted(const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_in *in = (const void *)addr;
	unsigned int port;

	/* sin_port and sin6_port stand at the same place */
	if (len < (socklen_t)sizeof(*in))
		return true;	/* let the kernel say what is wrong */
	port = ntohs(in->sin_port);
	return preload_config.port[port / 8] & (1 << port % 8);
}

static bool want(int domain, int type, int protocol)
{
	if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM)
		return false;
	if (protocol != 0 && protocol != IPPROTO_TCP)
		return false;
	return (domain == AF_INET && preload_config.v4) ||
	       (domain == AF_INET6 && preload_config.v6);
}

static void say_missing(void)
{
	static int said;

	if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
		preload_say("socket", -1,
			    "no AF_XTCP in this kernel: load the module (insmod xtcp.ko), or run with --fallback");
}

EXPORT int socket(int domain, int type, int protocol)
{
	int err = errno, fd;

	preload_init();
	if (!want(domain, type, protocol))
		return preload_next.socket(domain, type, protocol);

	fd = preload_next.socket(preload_config.family, type,
				 domain == AF_INET6 ? XTCPPROTO_TCP6 :
						      XTCPPROTO_TCP);
	if (fd >= 0) {
		if (preload_config.verbose)
			preload_say("socket", fd, domain == AF_INET6 ?
				    "AF_INET6 becomes AF_XTCP" :
				    "AF_INET becomes AF_XTCP");
		return fd;
	}
	if (errno != EAFNOSUPPORT)
		return fd;
	if (!preload_config.fallback) {
		say_missing();
		return fd;
	}
	errno = err;
	if (preload_config.verbose)
		preload_say("socket", -1, "no AF_XTCP: kernel TCP");
	return preload_next.socket(domain, type, protocol);
}

EXPORT int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	preload_init();
	if (preload_config.ports && preload_is_xtcp(fd) &&
	    !preload_port_wanted(addr, len) && preload_swap(fd))
		return -1;
	return preload_next.bind(fd, addr, len);
}

static bool is_bound(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int err = errno;
	bool bound;

	bound = !getsockname(fd, (struct sockaddr *)&addr, &len) &&
		((struct sockaddr_in *)&addr)->sin_port;
	errno = err;
	return bound;
}

static bool is_inet(const struct sockaddr *addr, socklen_t len)
{
	return len >= (socklen_t)sizeof(addr->sa_family) &&
	       (addr->sa_family == AF_INET || addr->sa_family == AF_INET6);
}

/* --ports: what has no port yet is not bound to one of them */
EXPORT int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	preload_init();
	if (preload_config.ports && preload_is_xtcp(fd) && !is_bound(fd) &&
	    is_inet(addr, len) && preload_swap(fd))
		return -1;
	return preload_next.connect(fd, addr, len);
}

EXPORT int __connect(int fd, const struct sockaddr *addr, socklen_t len)
	__attribute__((alias("connect")));

/* options that net/core refuses to a family it does not know */
static int twin(int level, int name)
{
	if (level != SOL_SOCKET)
		return 0;
	switch (name) {
	case SO_REUSEPORT:	return XTCP_REUSEPORT;
	case SO_ZEROCOPY:	return XTCP_ZEROCOPY;
	default:		return 0;
	}
}

EXPORT int setsockopt(int fd, int level, int name, const void *val,
		      socklen_t len)
{
	int own = twin(level, name);

	preload_init();
	if (own && preload_is_xtcp(fd))
		return preload_next.setsockopt(fd, SOL_XTCP, own, val, len);
	return preload_next.setsockopt(fd, level, name, val, len);
}

EXPORT int getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	int own = twin(level, name), is, ret;

	preload_init();
	if (own && preload_is_xtcp(fd))
		return preload_next.getsockopt(fd, SOL_XTCP, own, val, len);

	ret = preload_next.getsockopt(fd, level, name, val, len);
	if (ret || level != SOL_SOCKET ||
	    (name != SO_DOMAIN && name != SO_PROTOCOL) || !preload_is_xtcp(fd))
		return ret;
	is = name == SO_DOMAIN ? preload_family(fd) : IPPROTO_TCP;
	/* the kernel has written *len bytes there, at most an int */
	memcpy(val, &is, *len < sizeof(is) ? *len : sizeof(is));
	return 0;
}

#if !defined(__LP64__) && defined(__TIMESIZE) && __TIMESIZE == 32
/* What 32-bit programs built with _TIME_BITS=64 call.  Only the SO_*TIMEO*
 * and SO_TIMESTAMP* options differ, and those are not ours to touch.
 */
EXPORT int __setsockopt64(int fd, int level, int name, const void *val,
			  socklen_t len)
{
	static int (*next)(int, int, int, const void *, socklen_t);

	if (twin(level, name))
		return setsockopt(fd, level, name, val, len);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "__setsockopt64");
	return next(fd, level, name, val, len);
}

EXPORT int __getsockopt64(int fd, int level, int name, void *val,
			  socklen_t *len)
{
	static int (*next)(int, int, int, void *, socklen_t *);

	if (twin(level, name) || (level == SOL_SOCKET &&
				  (name == SO_DOMAIN || name == SO_PROTOCOL)))
		return getsockopt(fd, level, name, val, len);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "__getsockopt64");
	return next(fd, level, name, val, len);
}
#endif
