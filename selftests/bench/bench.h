/* SPDX-License-Identifier: GPL-2.0 */
/* bench.h - one test after another, each against kernel TCP and xtcp servers.
 *
 * A row is measured by two processes on one CPU: the client (namespace n1, the
 * kernel's TCP, holds the clock) and the server (n0), which does what the
 * client orders over a control socket. The clock counts instructions when the
 * machine runs in virtual time, so it sees both ends.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_NS	"/run/netns/n0"
#define CLIENT_NS	"/run/netns/n1"
#define SERVER_DEV	"v0"
#define CLIENT_DEV	"v1"
#define SERVER_ADDR	"10.0.0.1"
#define CLIENT_ADDR	"10.0.0.2"
/* in the clients' subnet, nobody's: SYNs from there are never answered */
#define NOBODY_ADDR	"10.0.0.3"

#define CHUNK		65536	/* of bulk transfer */
#define BUFFER		(1 << 20) /* SO_SNDBUF and SO_RCVBUF of bulk rows */
#define BACKLOG		8192
#define BATCH		64

/* whose listener */
enum who { KERNEL, XTCP };

/* what the server can be told */
enum op {
	OP_SOURCE,	/* accept; (read u64 n, write n bytes) until EOF */
	OP_SINK,	/* accept; (read u64 n, read n bytes, write 1) until EOF */
	OP_ECHO,	/* accept; (read 1, write 1) until EOF */
	OP_ONE,		/* n times: accept, read 1, write 1, read EOF, close */
	OP_CLOSE,	/* n times: accept, close */
	OP_ACCEPT,	/* accept4 n times, timed; close them untimed */
	OP_BATCH,	/* the same by XTCP_ACCEPT_BATCH */
	OP_HOLD,	/* n times: accept, read 1, write 1; keep them */
	OP_RESET,	/* close what is held, with RST */
	OP_LISTEN,	/* make the listener */
	OP_UNLISTEN,	/* close it, with what is in its queues */
	OP_QUIT,
};

struct order {
	uint32_t	op;
	uint32_t	who;
	uint64_t	n;
};

struct answer {
	uint64_t	ns;	/* of OP_ACCEPT, OP_BATCH */
};

/* what a run needs to know */
struct bench {
	int		ctl;	/* control socket to the server */
	uint16_t	port[2]; /* of each listener */
	bool		bulk;	/* fixed buffers */
	char		*buf;	/* CHUNK */
};

struct row {
	const char	*name, *unit;
	double		(*run)(struct bench *b, enum who who, uint64_t n);
	uint64_t	n;	/* operations, or bytes */
	bool		bulk;
	bool		no_offload; /* without TSO, GSO and GRO */
	bool		more;	/* runs: no two connections are alike */
	bool		once;	/* one run will do: nothing is timed */
};

/* util.c */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void die_errno(const char *what) __attribute__((noreturn));
uint64_t now_ns(void);
void enter_ns(const char *path);
void set_offload(const char *ns, const char *dev, bool on);
/* Exactly n bytes; false at EOF before the first. */
bool read_all(int fd, void *buf, size_t n);
void write_all(int fd, const void *buf, size_t n);
void set_buffers(int fd);
/* Start and end of what scripts/bench/profile.sh looks at. */
void profile_start(void);
void profile_stop(void);

/* server.c */
void serve(int ctl, const struct bench *b) __attribute__((noreturn));

/* client.c: the runs; what they return is per operation or per byte */
double run_download(struct bench *b, enum who who, uint64_t n);
double run_upload(struct bench *b, enum who who, uint64_t n);
double run_round_trip(struct bench *b, enum who who, uint64_t n);
double run_connection(struct bench *b, enum who who, uint64_t n);
double run_open_close(struct bench *b, enum who who, uint64_t n);
double run_accept(struct bench *b, enum who who, uint64_t n);
double run_accept_batch(struct bench *b, enum who who, uint64_t n);
double run_syn(struct bench *b, enum who who, uint64_t n);
void order(struct bench *b, enum op op, enum who who, uint64_t n);
uint64_t answer(struct bench *b);
int dial(struct bench *b, enum who who, uint16_t port);
void send_syns(struct bench *b, enum who who, uint64_t n);

/* memory.c: bytes on the server's side */
double run_mem_connection(struct bench *b, enum who who, uint64_t n);
double run_mem_half_open(struct bench *b, enum who who, uint64_t n);
double run_mem_time_wait(struct bench *b, enum who who, uint64_t n);
double run_size_sock(struct bench *b, enum who who, uint64_t n);
double run_size_half_open(struct bench *b, enum who who, uint64_t n);
double run_size_time_wait(struct bench *b, enum who who, uint64_t n);

#endif
