// SPDX-License-Identifier: GPL-2.0
/* main.c - the rows, and who runs when.
 *
 *	bench [-v] [-r RUNS] [-k | -x] [ROW...]
 *
 * Prints a line per row: name, unit, kernel, xtcp, ratio, aa (tab-separated).
 * Runs are interleaved: kernel, xtcp, kernel; the figures are means. aa is
 * the kernel against itself: how far the ratio of the first and the second
 * kernel runs of all rounds is from 1. -k and -x make two runs of the
 * kernel's or of xtcp's alone, for scripts/bench/profile.sh, and print the
 * second and how many operations or bytes it was. -v tells every
 * run on stderr. Rows are shell patterns.
 */
#include "bench.h"

#include <fnmatch.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MB		(1ULL << 20)
#define MAX_RUNS	120
#define MORE		6
/* s of a row, in the guest, after which it hangs; some wait on purpose */
#define TIME_LIMIT	30
#define LONG_LIMIT	900

static const struct row rows[] = {
	{ "download", "insn/B", run_download, .n = 8 * MB, .bulk = true,
	  .more = true },
	{ "upload", "insn/B", run_upload, .n = 8 * MB, .bulk = true,
	  .more = true },
	{ "download_nogso", "insn/B", run_download, .n = 4 * MB, .bulk = true,
	  .no_offload = true, .more = true },
	{ "upload_nogso", "insn/B", run_upload, .n = 4 * MB, .bulk = true,
	  .no_offload = true, .more = true },
	{ "round_trip", "insn/op", run_round_trip, .n = 1000 },
	{ "connection", "insn/op", run_connection, .n = 200 },
	{ "open_close", "insn/op", run_open_close, .n = 200 },
	{ "accept", "insn/op", run_accept, .n = 256 },
	{ "accept_batch", "insn/op", run_accept_batch, .n = 256 },
	{ "syn", "insn/op", run_syn, .n = 1000 },
	{ "mem_connection", "B", run_mem_connection, .n = 2000, .once = true },
	{ "mem_half_open", "B", run_mem_half_open, .n = 8000, .once = true },
	{ "mem_time_wait", "B", run_mem_time_wait, .n = 2000, .once = true },
	{ "size_sock", "B", run_size_sock, .n = 0, .once = true },
	{ "size_half_open", "B", run_size_half_open, .n = 0, .once = true },
	{ "size_time_wait", "B", run_size_time_wait, .n = 0, .once = true },
};

#define N_ROWS		(sizeof(rows) / sizeof(*rows))

static int runs = 5;
static int only = -1;	/* enum who */
static bool verbose;

static double mean(const double *v, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += v[i];
	return sum / n;
}

/* A listener of xtcp stands in the way of the kernel's TCP too, if only for a
 * few instructions per packet: it is there for xtcp's runs alone.
 */
static double run(struct bench *b, const struct row *row, enum who who,
		  uint64_t n)
{
	double value;

	order(b, OP_LISTEN, who, 0);
	answer(b);
	value = row->run(b, who, n);
	order(b, OP_UNLISTEN, who, 0);
	answer(b);
	if (verbose)
		fprintf(stderr, "bench: %s %s %.6g\n", row->name,
			who == XTCP ? "xtcp" : "kernel", value);
	return value;
}

static void measure(struct bench *b, const struct row *row)
{
	double kernel[2 * MAX_RUNS], xtcp[MAX_RUNS], k, x, aa;
	uint64_t warm = row->once ? row->n / 10 : row->n;
	int i, n = row->once ? 1 : row->more ? MORE * runs : runs;

	/* a throw-away run each: routes, neighbours, slabs, TCP metrics */
	run(b, row, KERNEL, warm);
	run(b, row, XTCP, warm);
	for (i = 0; i < n; i++) {
		kernel[i] = run(b, row, KERNEL, row->n);
		xtcp[i] = run(b, row, XTCP, row->n);
		kernel[n + i] = run(b, row, KERNEL, row->n);
	}
	k = mean(kernel, 2 * n);
	x = mean(xtcp, n);
	aa = fabs(mean(kernel + n, n) / mean(kernel, n) - 1);
	printf("%s\t%s\t%.6g\t%.6g\t%.4f\t%.4f\n", row->name, row->unit, k, x,
	       x / k, aa);
	fflush(stdout);
}

/* scripts/bench/insns.c looks at the second run. */
static void measure_one(struct bench *b, const struct row *row)
{
	double value;

	run(b, row, only, row->n);
	value = run(b, row, only, row->n);
	printf("%s\t%s\t%.6g\t%llu\n", row->name, row->unit, value,
	       (unsigned long long)row->n);
	fflush(stdout);
}

/* In a process group of its own, so that a row that hangs can be ended. */
static void run_row(const struct row *row)
{
	struct bench b = { .bulk = row->bulk, .buf = malloc(CHUNK) };
	struct rlimit files = { 65536, 65536 };
	int pair[2];

	setpgid(0, 0);
	if (!b.buf || setrlimit(RLIMIT_NOFILE, &files) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die_errno("setup");
	memset(b.buf, 'x', CHUNK);
	b.port[KERNEL] = 7000 + 2 * (row - rows);
	b.port[XTCP] = b.port[KERNEL] + 1;
	set_offload(SERVER_NS, SERVER_DEV, !row->no_offload);
	set_offload(CLIENT_NS, CLIENT_DEV, !row->no_offload);
	if (!fork()) {
		close(pair[0]);
		serve(pair[1], &b);
	}
	close(pair[1]);
	b.ctl = pair[0];
	if (only >= 0)
		measure_one(&b, row);
	else
		measure(&b, row);
	order(&b, OP_QUIT, KERNEL, 0);
	exit(0);
}

static bool start_row(const struct row *row)
{
	pid_t pid;
	int status;

	fprintf(stderr, "bench: %s\n", row->name);
	pid = fork();
	if (!pid) {
		alarm(row->once ? LONG_LIMIT : TIME_LIMIT);
		run_row(row);
	}
	setpgid(pid, pid);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die_errno("fork");
	kill(-pid, SIGKILL);
	if (!status)
		return true;
	if (WIFSIGNALED(status))
		fprintf(stderr, "bench: %s: %s\n", row->name,
			WTERMSIG(status) == SIGALRM ? "hangs" :
			strsignal(WTERMSIG(status)));
	if (only < 0)
		printf("%s\t%s\tnull\tnull\tnull\tnull\n", row->name, row->unit);
	fflush(stdout);
	return false;
}

static bool wanted(const struct row *row, char **patterns)
{
	if (!*patterns)
		return true;
	for (; *patterns; patterns++)
		if (!fnmatch(*patterns, row->name, 0))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	bool ok = true;
	int c;

	while ((c = getopt(argc, argv, "r:kvx")) != -1) {
		switch (c) {
		case 'r':
			runs = atoi(optarg);
			break;
		case 'k':
			only = KERNEL;
			break;
		case 'v':
			verbose = true;
			break;
		case 'x':
			only = XTCP;
			break;
		default:
			return 2;
		}
	}
	if (runs < 1 || runs > MAX_RUNS / MORE)
		die("1 to %d runs", MAX_RUNS / MORE);
	for (size_t i = 0; i < N_ROWS; i++)
		if (wanted(&rows[i], argv + optind))
			ok &= start_row(&rows[i]);
	return !ok;
}
