// SPDX-License-Identifier: GPL-2.0
/* server.c - does what the client orders, on the kernel's TCP or on xtcp. */
#include "bench.h"

#include <arpa/inet.h>
#include <linux/xtcp.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

static int listener[2];
static const struct bench *bench;
static int *held;
static size_t n_held;

static int make_listener(enum who who)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(bench->port[who]),
	};
	int one = 1, fd;

	fd = socket(who == XTCP ? AF_XTCP : AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		die_errno(who == XTCP ? "socket(AF_XTCP)" : "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die_errno("setsockopt");
	if (bench->bulk)
		set_buffers(fd);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die_errno("bind");
	if (listen(fd, BACKLOG))
		die_errno("listen");
	return fd;
}

static int get(int lfd)
{
	int fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		die_errno("accept4");
	return fd;
}

static void source(int lfd)
{
	int fd = get(lfd);
	uint64_t n;

	while (read_all(fd, &n, sizeof(n))) {
		for (; n > CHUNK; n -= CHUNK)
			write_all(fd, bench->buf, CHUNK);
		write_all(fd, bench->buf, n);
	}
	close(fd);
}

static void sink(int lfd)
{
	int fd = get(lfd);
	uint64_t n;
	ssize_t got;

	while (read_all(fd, &n, sizeof(n))) {
		while (n) {
			got = read(fd, bench->buf, n < CHUNK ? n : CHUNK);
			if (got <= 0)
				die_errno("read");
			n -= got;
		}
		write_all(fd, "", 1);
	}
	close(fd);
}

static void echo(int lfd)
{
	int fd = get(lfd);
	char c;

	while (read_all(fd, &c, 1))
		write_all(fd, &c, 1);
	close(fd);
}

static void one_each_way(int lfd, uint64_t n)
{
	while (n--)
		echo(lfd);
}

static void accept_close(int lfd, uint64_t n)
{
	while (n--)
		close(get(lfd));
}

static uint64_t accept_loop(int lfd, int *fds, uint64_t n)
{
	uint64_t start = now_ns();

	profile_start();
	for (uint64_t i = 0; i < n; i++)
		fds[i] = get(lfd);
	profile_stop();
	return now_ns() - start;
}

static uint64_t accept_batch(int lfd, int *fds, uint64_t n)
{
	static struct xtcp_accepted entries[BATCH];
	uint64_t start = now_ns(), done = 0;

	profile_start();
	while (done < n) {
		struct xtcp_accept_batch batch = {
			.size = sizeof(batch),
			.flags = SOCK_CLOEXEC,
			.max = n - done < BATCH ? n - done : BATCH,
			.entries = (uintptr_t)entries,
		};
		socklen_t len = sizeof(batch);

		if (getsockopt(lfd, SOL_XTCP, XTCP_ACCEPT_BATCH, &batch, &len))
			die_errno("XTCP_ACCEPT_BATCH");
		for (uint32_t i = 0; i < batch.n; i++)
			fds[done++] = entries[i].fd;
	}
	profile_stop();
	return now_ns() - start;
}

static uint64_t accept_timed(int lfd, uint64_t n, bool batch)
{
	int *fds = calloc(n, sizeof(*fds));
	uint64_t ns;

	if (!fds)
		die("no memory");
	/* fds are written for the first time here, not under the clock */
	for (uint64_t i = 0; i < n; i++)
		fds[i] = -1;
	ns = batch ? accept_batch(lfd, fds, n) : accept_loop(lfd, fds, n);
	for (uint64_t i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
	return ns;
}

static void hold(int lfd, uint64_t n)
{
	char c;

	held = calloc(n, sizeof(*held));
	if (!held)
		die("no memory");
	for (n_held = 0; n_held < n; n_held++) {
		held[n_held] = get(lfd);
		if (!read_all(held[n_held], &c, 1))
			die("EOF");
		write_all(held[n_held], &c, 1);
	}
}

static void reset(void)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	while (n_held) {
		n_held--;
		if (setsockopt(held[n_held], SOL_SOCKET, SO_LINGER, &linger,
			       sizeof(linger)))
			die_errno("SO_LINGER");
		close(held[n_held]);
	}
	free(held);
	held = NULL;
}

static uint64_t obey(const struct order *o)
{
	int lfd = listener[o->who];

	switch (o->op) {
	case OP_SOURCE:
		source(lfd);
		break;
	case OP_SINK:
		sink(lfd);
		break;
	case OP_ECHO:
		echo(lfd);
		break;
	case OP_ONE:
		one_each_way(lfd, o->n);
		break;
	case OP_CLOSE:
		accept_close(lfd, o->n);
		break;
	case OP_ACCEPT:
	case OP_BATCH:
		return accept_timed(lfd, o->n, o->op == OP_BATCH);
	case OP_HOLD:
		hold(lfd, o->n);
		break;
	case OP_RESET:
		reset();
		break;
	case OP_LISTEN:
		listener[o->who] = make_listener(o->who);
		break;
	case OP_UNLISTEN:
		close(lfd);
		break;
	}
	return 0;
}

void serve(int ctl, const struct bench *b)
{
	struct answer answer = { 0 };
	struct order o;

	bench = b;
	enter_ns(SERVER_NS);
	while (read_all(ctl, &o, sizeof(o)) && o.op != OP_QUIT) {
		answer.ns = obey(&o);
		write_all(ctl, &answer, sizeof(answer));
	}
	exit(0);
}
