// SPDX-License-Identifier: GPL-2.0
/* reload.c - a module that comes and goes while its sockets are in use.
 *
 *	reload MODULE PARAMETERS COUNT FLOW OURS4 OURS6 PEER4 PEER6
 *
 * COUNT times: loads MODULE, starts servers on OURS4:8084 and OURS6:8086 and
 * clients of PEER4:8094 and PEER6:8096 (FLOW is flow.c, on xtcp), waits until
 * connections are open both ways and data came, kills them all in mid-air and
 * unloads it.  For reload.sh, which has the peers; runs in their namespace, with
 * /proc/net of it.  A line for each cycle; how long, and how often the module was
 * in use still.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS	120000
#define MANY		"1000000000"

static void die(const char *what)
{
	fprintf(stderr, "reload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void load(const char *module, const char *parameters)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0))
		die(module);
	close(fd);
}

/* How often it was in use */
static int unload(void)
{
	int64_t end = now_ms() + LIMIT_MS;
	int n = 0;

	while (syscall(SYS_delete_module, "xtcp", O_NONBLOCK)) {
		if ((errno != EAGAIN && errno != EBUSY) || now_ms() > end)
			die("unload");
		n++;
		usleep(20000);
	}
	return n;
}

/* In a group of their own, and behind who loads and unloads */
static void start(pid_t *group, char *const argv[])
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid) {
		if (!*group)
			*group = pid;
		setpgid(pid, *group);
		return;
	}
	setpgid(0, *group);
	if (nice(10) < 0 || !freopen("/dev/null", "w", stderr) ||
	    !freopen("/dev/null", "w", stdout))
		_exit(2);
	execv(argv[0], argv);
	_exit(2);
}

static uint64_t value(const char *counters, const char *name)
{
	const char *p = strstr(counters, name);

	return p ? strtoull(p + strlen(name), NULL, 10) : 0;
}

static bool busy(void)
{
	static char text[65536];
	int fd = open("/proc/net/xtcp/snmp", O_RDONLY);
	ssize_t n, len = 0;

	if (fd < 0)
		die("/proc/net/xtcp/snmp");
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	close(fd);
	text[len] = 0;
	return value(text, "XtcpActiveOpens ") >= 2 &&
	       value(text, "XtcpPassiveOpens ") >= 2 &&
	       value(text, "XtcpInSegs ") >= 500;
}

/* All of them, and those they made: ours now (subreaper), so none is left after it. */
static void stop(pid_t group)
{
	kill(-group, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

int main(int argc, char **argv)
{
	int64_t begin, loaded, stopped, end;
	pid_t group;
	int i, n;

	if (argc != 9)
		return 2;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		die("prctl");
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 1; i <= atoi(argv[3]); i++) {
		char *flow = argv[4];
		char *const command[][7] = {
			{ flow, "-x", "serve", argv[5], "8084" },
			{ flow, "-x", "serve", argv[6], "8086" },
			{ flow, "-x", "get", argv[7], "8094", MANY },
			{ flow, "-x", "put", argv[8], "8096", MANY },
		};

		begin = now_ms();
		load(argv[1], argv[2]);
		loaded = now_ms();
		group = 0;
		for (n = 0; n < 4; n++)
			start(&group, command[n]);
		end = now_ms() + LIMIT_MS;
		while (!busy()) {
			if (now_ms() > end) {
				stop(group);
				errno = ETIMEDOUT;
				die("no traffic");
			}
			usleep(10000);
		}
		stopped = now_ms();
		stop(group);
		n = unload();
		printf("cycle %d: loaded in %" PRId64 " ms, busy for %" PRId64
		       " ms, gone after %" PRId64 " ms, in use %d times\n", i,
		       loaded - begin, stopped - loaded, now_ms() - stopped, n);
	}
	return 0;
}
