// SPDX-License-Identifier: GPL-2.0
/* memory.c - what a connection, half-open entry or TIME-WAIT takes up. */
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLAB_DIR	"/sys/kernel/slab"
#define FIRST_PORT	20000
/* Bytes, and how often in a row: the machine is never quite still. */
#define SETTLED		1024
#define STILL		3
#define MAX_ROUNDS	50

/* The files that make a slab cache hand back what a CPU keeps. They stay open:
 * what opening them leaves to RCU would disturb the count.
 */
static int *shrinkers, n_shrinkers;

static void open_shrinkers(void)
{
	DIR *dir = opendir(SLAB_DIR);
	struct dirent *e;
	char path[512];
	int fd;

	if (!dir)
		die_errno(SLAB_DIR);
	while ((e = readdir(dir))) {
		/* links are other names of a merged cache */
		if (e->d_name[0] == '.' || e->d_type == DT_LNK)
			continue;
		snprintf(path, sizeof(path), SLAB_DIR "/%s/shrink", e->d_name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		shrinkers = realloc(shrinkers,
				    (n_shrinkers + 1) * sizeof(*shrinkers));
		if (!shrinkers)
			die("no memory");
		shrinkers[n_shrinkers++] = fd;
	}
	closedir(dir);
}

/* Hand back the free objects that a CPU keeps, so that the counts are exact. */
static void shrink_slabs(void)
{
	if (!n_shrinkers)
		open_shrinkers();
	for (int i = 0; i < n_shrinkers; i++)
		write_all(shrinkers[i], "1", 1);
}

/* Calls f for each line of /proc/slabinfo. */
static void walk_slabs(void (*f)(const char *name, long n, long size,
				    void *arg), void *arg)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	char line[512], name[128];
	long n, size;

	if (!file)
		die_errno("/proc/slabinfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%127s %ld %*d %ld", name, &n, &size) == 3)
			f(name, n, size, arg);
	fclose(file);
}

static void add_bytes(const char *name, long n, long size, void *arg)
{
	(void)name;
	*(long *)arg += n * size;
}

/* What earlier runs left behind has a time limit, TIME-WAIT the longest. In
 * virtual time idle minutes cost nothing.
 */
static void wait_for_timers(void)
{
	sleep(65);
}

/* Bytes in slab objects, once what RCU has to free is free: it does so in small
 * portions.
 */
static long slab_bytes(void)
{
	long bytes = -1, before;
	int i, still = 0;

	for (i = 0; i < MAX_ROUNDS && still < STILL; i++) {
		usleep(100000);
		shrink_slabs();
		before = bytes;
		bytes = 0;
		walk_slabs(add_bytes, &bytes);
		still = labs(bytes - before) <= SETTLED ? still + 1 : 0;
	}
	return bytes;
}

/* What the server's end makes: the client keeps its sockets, and its ports,
 * being bound, when the server resets.
 */
double run_mem_connection(struct bench *b, enum who who, uint64_t n)
{
	int *fds = calloc(n, sizeof(*fds));
	long bytes;
	char c = 'x';

	if (!fds)
		die("no memory");
	order(b, OP_HOLD, who, n);
	for (uint64_t i = 0; i < n; i++) {
		fds[i] = dial(b, who, FIRST_PORT + i);
		write_all(fds[i], &c, 1);
		if (!read_all(fds[i], &c, 1))
			die("EOF");
	}
	answer(b);
	bytes = slab_bytes();
	order(b, OP_RESET, who, 0);
	answer(b);
	bytes -= slab_bytes();
	for (uint64_t i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
	return (double)bytes / n;
}

double run_mem_half_open(struct bench *b, enum who who, uint64_t n)
{
	long bytes;

	wait_for_timers();
	bytes = slab_bytes();
	send_syns(b, who, n);
	bytes = slab_bytes() - bytes;
	return (double)bytes / n;
}

double run_mem_time_wait(struct bench *b, enum who who, uint64_t n)
{
	long bytes;

	wait_for_timers();
	bytes = slab_bytes();
	run_open_close(b, who, n);
	return (double)(slab_bytes() - bytes) / n;
}

struct named {
	const char	*name;
	long		size;
};

static void find_size(const char *name, long n, long size, void *arg)
{
	struct named *want = arg;

	(void)n;
	if (!strcmp(name, want->name))
		want->size = size;
}

static double size_of(const char *name)
{
	struct named want = { .name = name };

	walk_slabs(find_size, &want);
	if (!want.size)
		die("no slab cache %s", name);
	return want.size;
}

double run_size_sock(struct bench *b, enum who who, uint64_t n)
{
	(void)b, (void)n;
	return size_of(who == XTCP ? "XTCP" : "TCP");
}

double run_size_half_open(struct bench *b, enum who who, uint64_t n)
{
	(void)b, (void)n;
	return size_of(who == XTCP ? "xtcp_half" : "request_sock_TCP");
}

double run_size_time_wait(struct bench *b, enum who who, uint64_t n)
{
	(void)b, (void)n;
	return size_of(who == XTCP ? "xtcp_tw" : "tw_sock_TCP");
}
