// SPDX-License-Identifier: GPL-2.0
/* sysctl.c - libxtcp_sysctl.so: the kernel's names for xtcp's settings.
 *
 * What a program does with /proc/sys/net/ipv4/tcp_NAME happens to
 * /proc/sys/net/xtcp/NAME, where there is such a setting, and
 * /proc/net/netstat has xtcp's counters as TcpExt.  For scripts that prepare
 * the kernel's TCP by sysctl(8) and look at it by nstat(8); loaded only by
 * xtcp_run --sysctl, since it stands in front of open().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

#define KERNEL	"/proc/sys/net/ipv4/tcp_"
#define OWN	"/proc/sys/net/xtcp/"
#define NETSTAT	"/proc/net/netstat"
#define OWN_NETSTAT "/proc/net/xtcp/netstat"

#define PATH_LEN 128

/* @path, or the one that stands for it, in @buf */
static const char *own(const char *path, char *buf)
{
	int err = errno;

	if (!path || strncmp(path, KERNEL, sizeof(KERNEL) - 1) ||
	    strlen(path) >= PATH_LEN)
		return path;
	strcpy(buf, OWN);
	strcat(buf, path + sizeof(KERNEL) - 1);
	if (syscall(SYS_faccessat, AT_FDCWD, buf, F_OK))
		buf = NULL;
	errno = err;
	return buf ? buf : path;
}

static int open_raw(int dir, const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

/* xtcp's counters under the kernel's heading; -1 if that cannot be had */
static int netstat_open(void)
{
	static const char was[] = "Xtcp:", is[] = "TcpExt:";
	char text[16384], *line, *end;
	int in = open_raw(AT_FDCWD, OWN_NETSTAT, O_RDONLY, 0), out;
	ssize_t n, have = 0;

	if (in < 0)
		return -1;
	while (have < (ssize_t)sizeof(text) - 1 &&
	       (n = syscall(SYS_read, in, text + have,
			    sizeof(text) - 1 - (size_t)have)) > 0)
		have += n;
	syscall(SYS_close, in);
	text[have] = 0;
	out = memfd_create("netstat", 0);
	if (out < 0)
		return -1;
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		if (!strncmp(line, was, sizeof(was) - 1)) {
			dprintf(out, "%s", is);
			line += sizeof(was) - 1;
		}
		dprintf(out, "%.*s\n", (int)(end - line), line);
	}
	lseek(out, 0, SEEK_SET);
	return out;
}

static int do_open(int dir, const char *path, int flags, mode_t mode)
{
	char buf[PATH_LEN + sizeof(OWN)];
	int fd = -1;

	if (path && !strcmp(path, NETSTAT))
		fd = netstat_open();
	return fd >= 0 ? fd : open_raw(dir, own(path, buf), flags, mode);
}

static mode_t mode_arg(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPEN(name)							\
EXPORT int name(const char *path, int flags, ...)			\
{									\
	va_list ap;							\
	mode_t mode;							\
									\
	va_start(ap, flags);						\
	mode = mode_arg(flags, ap);					\
	va_end(ap);							\
	return do_open(AT_FDCWD, path, flags, mode);			\
}

#define OPENAT(name)							\
EXPORT int name(int dir, const char *path, int flags, ...)		\
{									\
	va_list ap;							\
	mode_t mode;							\
									\
	va_start(ap, flags);						\
	mode = mode_arg(flags, ap);					\
	va_end(ap);							\
	return do_open(dir, path, flags, mode);				\
}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* what -D_FORTIFY_SOURCE makes of calls without a mode */
EXPORT int __open_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}

EXPORT int __open64_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}

EXPORT int __openat_2(int dir, const char *path, int flags)
{
	return do_open(dir, path, flags, 0);
}

EXPORT int __openat64_2(int dir, const char *path, int flags)
{
	return do_open(dir, path, flags, 0);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define FOPEN(name)							\
EXPORT FILE *name(const char *path, const char *mode)			\
{									\
	char buf[PATH_LEN + sizeof(OWN)];				\
	int fd = -1;							\
									\
	if (path && !strcmp(path, NETSTAT))				\
		fd = netstat_open();					\
	return fd >= 0 ? fdopen(fd, mode) :				\
			 NEXT(name)(own(path, buf), mode);		\
}

FOPEN(fopen)
FOPEN(fopen64)

#define STAT(name, type)						\
EXPORT int name(const char *path, struct type *st)			\
{									\
	char buf[PATH_LEN + sizeof(OWN)];				\
									\
	return NEXT(name)(own(path, buf), st);				\
}

STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)

EXPORT int access(const char *path, int mode)
{
	char buf[PATH_LEN + sizeof(OWN)];

	return (int)syscall(SYS_faccessat, AT_FDCWD, own(path, buf), mode);
}
