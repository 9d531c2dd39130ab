// SPDX-License-Identifier: GPL-2.0
/* client.c - the runs: the kernel's TCP in n1, and the clock. */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void order(struct bench *b, enum op op, enum who who, uint64_t n)
{
	struct order o = { .op = op, .who = who, .n = n };

	write_all(b->ctl, &o, sizeof(o));
}

uint64_t answer(struct bench *b)
{
	struct answer a;

	if (!read_all(b->ctl, &a, sizeof(a)))
		die("the server is gone");
	return a.ns;
}

/* A connection, from a given port if it is not 0. */
int dial(struct bench *b, enum who who, uint16_t port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		die_errno("socket");
	if (b->bulk)
		set_buffers(fd);
	if (port) {
		inet_pton(AF_INET, CLIENT_ADDR, &addr.sin_addr);
		if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
		    bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
			die_errno("bind");
	}
	addr.sin_port = htons(b->port[who]);
	inet_pton(AF_INET, SERVER_ADDR, &addr.sin_addr);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die_errno("connect");
	return fd;
}

static void set_nodelay(int fd)
{
	int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die_errno("TCP_NODELAY");
}

/* From the request to the last byte. */
static uint64_t download(struct bench *b, int fd, uint64_t n)
{
	uint64_t start = now_ns();
	ssize_t got;

	write_all(fd, &n, sizeof(n));
	while (n) {
		got = read(fd, b->buf, n < CHUNK ? n : CHUNK);
		if (got <= 0)
			die_errno("download");
		n -= got;
	}
	return now_ns() - start;
}

/* From the first byte to the server's word that it has all. */
static uint64_t upload(struct bench *b, int fd, uint64_t n)
{
	uint64_t start = now_ns();
	char c;

	write_all(fd, &n, sizeof(n));
	for (; n > CHUNK; n -= CHUNK)
		write_all(fd, b->buf, CHUNK);
	write_all(fd, b->buf, n);
	if (!read_all(fd, &c, 1))
		die("upload: EOF");
	return now_ns() - start;
}

static double transfer(struct bench *b, enum who who, uint64_t n, enum op op)
{
	uint64_t (*move)(struct bench *b, int fd, uint64_t n);
	uint64_t ns;
	int fd;

	move = op == OP_SOURCE ? download : upload;
	order(b, op, who, 0);
	fd = dial(b, who, 0);
	move(b, fd, 2 * BUFFER);
	profile_start();
	ns = move(b, fd, n);
	profile_stop();
	close(fd);
	answer(b);
	return (double)ns / n;
}

double run_download(struct bench *b, enum who who, uint64_t n)
{
	return transfer(b, who, n, OP_SOURCE);
}

double run_upload(struct bench *b, enum who who, uint64_t n)
{
	return transfer(b, who, n, OP_SINK);
}

static void round_trips(int fd, uint64_t n)
{
	char c = 'x';

	while (n--) {
		write_all(fd, &c, 1);
		if (!read_all(fd, &c, 1))
			die("round trip: EOF");
	}
}

double run_round_trip(struct bench *b, enum who who, uint64_t n)
{
	uint64_t ns;
	int fd;

	order(b, OP_ECHO, who, 0);
	fd = dial(b, who, 0);
	set_nodelay(fd);
	round_trips(fd, 50);
	profile_start();
	ns = now_ns();
	round_trips(fd, n);
	ns = now_ns() - ns;
	profile_stop();
	close(fd);
	answer(b);
	return (double)ns / n;
}

/* The client closes first: TIME-WAIT is the kernel's. */
double run_connection(struct bench *b, enum who who, uint64_t n)
{
	uint64_t ns;

	order(b, OP_ONE, who, n);
	profile_start();
	ns = now_ns();
	for (uint64_t i = 0; i < n; i++) {
		int fd = dial(b, who, 0);

		round_trips(fd, 1);
		close(fd);
	}
	answer(b);
	ns = now_ns() - ns;
	profile_stop();
	return (double)ns / n;
}

/* The server closes first: TIME-WAIT is its own. */
double run_open_close(struct bench *b, enum who who, uint64_t n)
{
	uint64_t ns;

	order(b, OP_CLOSE, who, n);
	profile_start();
	ns = now_ns();
	for (uint64_t i = 0; i < n; i++) {
		int fd = dial(b, who, 0);
		char c;

		if (read_all(fd, &c, 1))
			die("a byte that nobody sent");
		close(fd);
	}
	answer(b);
	ns = now_ns() - ns;
	profile_stop();
	return (double)ns / n;
}

static double accepts(struct bench *b, enum who who, uint64_t n, enum op op)
{
	int *fds = calloc(n, sizeof(*fds));
	uint64_t ns;

	if (!fds)
		die("no memory");
	for (uint64_t i = 0; i < n; i++)
		fds[i] = dial(b, who, 0);
	order(b, op, who, n);
	ns = answer(b);
	for (uint64_t i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
	return (double)ns / n;
}

double run_accept(struct bench *b, enum who who, uint64_t n)
{
	return accepts(b, who, n, OP_ACCEPT);
}

/* The kernel has no batch: its column is accept4 in a loop. */
double run_accept_batch(struct bench *b, enum who who, uint64_t n)
{
	return accepts(b, who, n, who == XTCP ? OP_BATCH : OP_ACCEPT);
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

struct syn {
	struct iphdr	ip;
	struct tcphdr	tcp;
	uint8_t		opt[20];	/* MSS, SACK, timestamps, window scale */
};

static void syn_checksum(struct syn *syn)
{
	size_t addresses = offsetof(struct syn, ip.saddr);
	uint16_t word[(sizeof(*syn) - offsetof(struct syn, ip.saddr)) / 2];
	uint64_t sum = htons(IPPROTO_TCP) +
		       htons(sizeof(*syn) - sizeof(syn->ip));

	syn->tcp.check = 0;
	memcpy(word, (char *)syn + addresses, sizeof(word));
	for (size_t i = 0; i < sizeof(word) / 2; i++)
		sum += word[i];
	syn->tcp.check = fold(sum);
}

/* SYNs of a client that does not exist, each from a port of its own. */
void send_syns(struct bench *b, enum who who, uint64_t n)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct syn syn = {
		.ip = {
			.version = 4, .ihl = 5, .ttl = 64,
			.protocol = IPPROTO_TCP,
			.tot_len = htons(sizeof(syn)),
		},
		.tcp = {
			.dest = htons(b->port[who]), .syn = 1, .doff = 10,
			.window = htons(64240),
		},
		.opt = { 2, 4, 1460 >> 8, 1460 & 0xff, 4, 2,
			 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7 },
	};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	/* not again: the kernel keeps entries of a listener that is gone */
	static uint16_t port = 1024;

	if (fd < 0)
		die_errno("raw socket");
	inet_pton(AF_INET, SERVER_ADDR, &to.sin_addr);
	syn.ip.daddr = to.sin_addr.s_addr;
	inet_pton(AF_INET, NOBODY_ADDR, &syn.ip.saddr);
	for (uint64_t i = 0; i < n; i++) {
		syn.tcp.source = htons(port++);
		syn.tcp.seq = htonl(1000003 * i);
		syn_checksum(&syn);
		if (sendto(fd, &syn, sizeof(syn), 0, (struct sockaddr *)&to,
			   sizeof(to)) != sizeof(syn))
			die_errno("sendto");
	}
	close(fd);
}

/* SYN in, entry made, SYN-ACK out, in the sender's own time. */
double run_syn(struct bench *b, enum who who, uint64_t n)
{
	uint64_t ns;

	profile_start();
	ns = now_ns();
	send_syns(b, who, n);
	ns = now_ns() - ns;
	profile_stop();
	return (double)ns / n;
}
