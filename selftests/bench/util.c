// SPDX-License-Identifier: GPL-2.0
/* util.c - what both ends of a benchmark use. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void die_errno(const char *what)
{
	die("%s: %s", what, strerror(errno));
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void enter_ns(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die_errno(path);
	close(fd);
}

static void set_feature(int fd, const char *dev, unsigned int cmd, bool on)
{
	struct ethtool_value value = { .cmd = cmd, .data = on };
	struct ifreq req = { .ifr_data = (char *)&value };

	strcpy(req.ifr_name, dev);
	if (ioctl(fd, SIOCETHTOOL, &req))
		die_errno("ethtool");
}

/* On is what veth begins with: TSO and GSO, no GRO. */
void set_offload(const char *ns, const char *dev, bool on)
{
	int fd;

	enter_ns(ns);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die_errno("socket");
	set_feature(fd, dev, ETHTOOL_STSO, on);
	set_feature(fd, dev, ETHTOOL_SGSO, on);
	set_feature(fd, dev, ETHTOOL_SGRO, false);
	close(fd);
}

bool read_all(int fd, void *buf, size_t n)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = read(fd, (char *)buf + done, n - done);
		if (got < 0)
			die_errno("read");
		if (!got && !done)
			return false;
		if (!got)
			die("EOF after %zu of %zu bytes", done, n);
		done += got;
	}
	return true;
}

void write_all(int fd, const void *buf, size_t n)
{
	ssize_t put;

	while (n) {
		put = write(fd, buf, n);
		if (put < 0)
			die_errno("write");
		buf = (const char *)buf + put;
		n -= put;
	}
}

void set_buffers(int fd)
{
	int size = BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		die_errno("socket buffers");
}

/* Instructions that do nothing, known to scripts/bench/insns.c. */
void __attribute__((noinline)) profile_start(void)
{
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 0x01, 0x63, 0x74, 0x78");
}

void __attribute__((noinline)) profile_stop(void)
{
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 0x02, 0x63, 0x74, 0x78");
}
