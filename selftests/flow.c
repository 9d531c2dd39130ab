// SPDX-License-Identifier: GPL-2.0
/* flow.c - bytes one way over one connection, checked and timed.
 *
 *	flow [-x] serve ADDRESS PORT		for ever
 *	flow [-x] get ADDRESS PORT BYTES	the server sends
 *	flow [-x] put ADDRESS PORT BYTES	the client sends
 *	flow [-x] again get|put ADDRESS PORT BYTES	for ever, whatever happens
 *	flow [-x] share ADDRESS PORT PORT SECONDS SKIP
 *
 * -x: this end is a socket of xtcp, not of the kernel's TCP. get and put print
 * a line: the nanoseconds from connect() to the last byte, the sender's
 * retransmissions, and how many of them the receiver had not needed (DSACK).
 * share gets from two servers at once and prints how many bytes each sent in
 * SECONDS, not counting the first SKIP seconds.
 *
 * Every byte is checked: the content tells its place.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#ifndef FLOW_FOREIGN
#include <linux/tcp.h>
#endif
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PERIOD	65521	/* of the content: a prime, no size of anything */
#define CHUNK	65536

struct order {
	uint64_t	n;
	uint32_t	get;	/* who sends: the server */
	uint32_t	pad;
};

#ifndef FLOW_FOREIGN
struct report {
	uint32_t	retrans, dsacks;
};
#endif

static unsigned char content[PERIOD + CHUNK], data[CHUNK];
static bool xtcp;

static void die(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void fill_content(void)
{
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof(content); i++) {
		if (i >= PERIOD) {
			content[i] = content[i - PERIOD];
			continue;
		}
		x = x * 1664525 + 1013904223;
		content[i] = x >> 24;
	}
}

static void write_all(int fd, const void *buf, size_t n)
{
	ssize_t done;

	for (; n; n -= done, buf = (const char *)buf + done) {
		done = write(fd, buf, n);
		if (done <= 0)
			die("write");
	}
}

static bool read_all(int fd, void *buf, size_t n)
{
	ssize_t done;

	for (; n; n -= done, buf = (char *)buf + done) {
		done = read(fd, buf, n);
		if (done < 0)
			die("read");
		if (!done)
			return false;
	}
	return true;
}

/* What can be read now, at most n bytes; checked */
static size_t take(int fd, uint64_t at, uint64_t n)
{
	ssize_t got = read(fd, data, n < CHUNK ? n : CHUNK);

	if (got < 0)
		die("read");
	if (!got) {
		fprintf(stderr, "flow: end after %" PRIu64 " bytes\n", at);
		exit(1);
	}
	if (memcmp(data, content + at % PERIOD, got)) {
		fprintf(stderr, "flow: different after %" PRIu64 " bytes\n", at);
		exit(1);
	}
	return got;
}

static void receive(int fd, uint64_t n)
{
	for (uint64_t at = 0; at < n; )
		at += take(fd, at, n - at);
}

static void send_content(int fd, uint64_t n)
{
	for (uint64_t at = 0, len; at < n; at += len) {
		len = n - at < CHUNK ? n - at : CHUNK;
		write_all(fd, content + at % PERIOD, len);
	}
}

#ifndef FLOW_FOREIGN
static struct report report(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		die("TCP_INFO");
	return (struct report){ info.tcpi_total_retrans, info.tcpi_dsack_dups };
}
#endif

static struct sockaddr_storage parse(const char *address, const char *port,
				     socklen_t *len)
{
	struct sockaddr_storage s = { 0 };
	struct sockaddr_in6 *s6 = (void *)&s;
	struct sockaddr_in *s4 = (void *)&s;

	if (strchr(address, ':')) {
		s6->sin6_family = AF_INET6;
		s6->sin6_port = htons(atoi(port));
		*len = sizeof(*s6);
		if (inet_pton(AF_INET6, address, &s6->sin6_addr) == 1)
			return s;
	} else {
		s4->sin_family = AF_INET;
		s4->sin_port = htons(atoi(port));
		*len = sizeof(*s4);
		if (inet_pton(AF_INET, address, &s4->sin_addr) == 1)
			return s;
	}
	die(address);
	return s;
}

static int open_socket(int family)
{
	int fd;

	if (xtcp)
		fd = socket(AF_XTCP, SOCK_STREAM, family == AF_INET6 ?
			    XTCPPROTO_TCP6 : XTCPPROTO_TCP);
	else
		fd = socket(family, SOCK_STREAM, 0);
	if (fd < 0)
		die("socket");
	return fd;
}

static void serve_one(int fd)
{
	struct report r;
	struct order o;
	char c;

	if (!read_all(fd, &o, sizeof(o)))
		return;
	if (o.get) {
		send_content(fd, o.n);
		if (!read_all(fd, &c, 1))
			return;
		r = report(fd);
		write_all(fd, &r, sizeof(r));
	} else {
		receive(fd, o.n);
		write_all(fd, "", 1);
	}
	read_all(fd, &c, 1);
}

#ifndef FLOW_FOREIGN
static void attend(int lfd, int fd)
{
	signal(SIGCHLD, SIG_IGN);
	if (fork())
		return;
	close(lfd);
	serve_one(fd);
	exit(0);
}
#endif

static void serve(const char *address, const char *port)
{
	socklen_t len;
	struct sockaddr_storage s = parse(address, port, &len);
	int lfd = open_socket(s.ss_family), one = 1, fd;

	if (setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(lfd, (struct sockaddr *)&s, len) || listen(lfd, 16))
		die("listen");
	for (;;) {
		fd = accept(lfd, NULL, NULL);
		if (fd < 0)
			die("accept");
		attend(lfd, fd);
		close(fd);
	}
}

static int dial(const char *address, const char *port)
{
	socklen_t len;
	struct sockaddr_storage s = parse(address, port, &len);
	int fd = open_socket(s.ss_family);

	if (connect(fd, (struct sockaddr *)&s, len))
		die("connect");
	return fd;
}

static void transfer(const char *address, const char *port, uint64_t n, bool get)
{
	struct order o = { .n = n, .get = get };
	uint64_t start = now_ns(), ns;
	int fd = dial(address, port);
	struct report r;
	char c;

	write_all(fd, &o, sizeof(o));
	if (get) {
		receive(fd, n);
		ns = now_ns() - start;
		write_all(fd, "", 1);
		if (!read_all(fd, &r, sizeof(r)))
			die("no report");
	} else {
		send_content(fd, n);
		if (!read_all(fd, &c, 1))
			die("no answer");
		ns = now_ns() - start;
		r = report(fd);
	}
	close(fd);
	printf("%" PRIu64 " %u %u\n", ns, r.retrans, r.dsacks);
}

/* A peer that comes and goes: refused, reset or served, the next one follows. */
static void again(const char *address, const char *port, uint64_t n, bool get)
{
	int status;

	for (;;) {
		if (!fork()) {
			freopen("/dev/null", "w", stdout);
			freopen("/dev/null", "w", stderr);
			alarm(1);
			transfer(address, port, n, get);
			exit(0);
		}
		wait(&status);
		if (status)
			usleep(50000);
	}
}

static void share(const char *address, char **port, double seconds, double skip)
{
	struct order o = { .n = UINT64_MAX, .get = true };
	uint64_t start = now_ns(), t, at[2] = { 0 }, from[2] = { 0 };
	uint64_t begin = start + skip * 1e9, end = begin + seconds * 1e9;
	bool counting = false;
	struct pollfd p[2];
	int i;

	for (i = 0; i < 2; i++) {
		p[i].fd = dial(address, port[i]);
		p[i].events = POLLIN;
		write_all(p[i].fd, &o, sizeof(o));
	}
	while ((t = now_ns()) < end) {
		if (!counting && t >= begin) {
			memcpy(from, at, sizeof(from));
			counting = true;
		}
		if (poll(p, 2, 1 + (end - t) / 1000000) < 0)
			die("poll");
		for (i = 0; i < 2; i++)
			if (p[i].revents)
				at[i] += take(p[i].fd, at[i], UINT64_MAX);
	}
	printf("%" PRIu64 " %" PRIu64 "\n", at[0] - from[0], at[1] - from[1]);
}

int main(int argc, char **argv)
{
	const char *what;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "-x")) {
		xtcp = true;
		argv++;
		argc--;
	}
	what = argc > 1 ? argv[1] : "";
	fill_content();
#ifdef FLOW_FOREIGN
	FLOW_FOREIGN();
#endif
	if (argc == 4 && !strcmp(what, "serve"))
		serve(argv[2], argv[3]);
	else if (argc == 5 && (!strcmp(what, "get") || !strcmp(what, "put")))
		transfer(argv[2], argv[3], strtoull(argv[4], NULL, 0), *what == 'g');
	else if (argc == 6 && !strcmp(what, "again"))
		again(argv[3], argv[4], strtoull(argv[5], NULL, 0), *argv[2] == 'g');
	else if (argc == 7 && !strcmp(what, "share"))
		share(argv[2], argv + 3, atof(argv[5]), atof(argv[6]));
	else
		return 2;
	return 0;
}
