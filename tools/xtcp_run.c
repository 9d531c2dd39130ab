// SPDX-License-Identifier: GPL-2.0
/* xtcp_run.c - start a program with its TCP sockets on AF_XTCP.
 *
 * Puts libxtcp_run.so into LD_PRELOAD and executes.  Because a program that
 * the library cannot reach would quietly use the kernel's TCP, the file is
 * looked at first and refused when the dynamic linker would not load the
 * library into it.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef XTCP_VERSION
#define XTCP_VERSION "unknown"
#endif

#define LIBRARY "libxtcp_run.so"
#define LIBRARY_SYSCTL "libxtcp_sysctl.so"
#define FAMILY_PARAMETER "/sys/module/xtcp/parameters/family"

/* as env(1), nohup(1) and timeout(1) have them */
#define EXIT_OWN	125
#define EXIT_NOEXEC	126
#define EXIT_NOENT	127

const char *argp_program_version = "xtcp_run " XTCP_VERSION;

struct run {
	bool v4, v6, verbose, fallback, sysctl;
	const char *ports;
	char **command;
};

/* one entry of "80,8000-8010"; the rest, or NULL if it is none */
static const char *port_range(const char *at)
{
	unsigned long from, to;
	char *end;

	if (*at < '0' || *at > '9')
		return NULL;
	from = to = strtoul(at, &end, 10);
	if (*end == '-') {
		if (end[1] < '0' || end[1] > '9')
			return NULL;
		to = strtoul(end + 1, &end, 10);
	}
	if (!from || to > 65535 || from > to)
		return NULL;
	return end;
}

static bool ports_ok(const char *list)
{
	while ((list = port_range(list)) && *list == ',')
		list++;
	return list && !*list;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *run = state->input;

	switch (key) {
	case '4':
		run->v4 = true;
		return 0;
	case '6':
		run->v6 = true;
		return 0;
	case 'v':
		run->verbose = true;
		return 0;
	case 'f':
		run->fallback = true;
		return 0;
	case 's':
		run->sysctl = true;
		return 0;
	case 'p':
		if (!ports_ok(arg))
			argp_error(state, "not a list of ports: %s", arg);
		run->ports = arg;
		return 0;
	case ARGP_KEY_ARG:
		run->command = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "ipv4", '4', NULL, 0, "Convert IPv4 sockets only", 0 },
	{ "ipv6", '6', NULL, 0, "Convert IPv6 sockets only", 0 },
	{ "ports", 'p', "LIST", 0,
	  "Convert only sockets bound to these ports, as 80,8000-8010", 0 },
	{ "fallback", 'f', NULL, 0,
	  "Use the kernel's TCP when the module is not loaded", 0 },
	{ "sysctl", 's', NULL, 0,
	  "net.ipv4.tcp_NAME means net.xtcp.NAME, nstat shows xtcp's counters", 0 },
	{ "verbose", 'v', NULL, 0, "Say on stderr what becomes of sockets", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PROGRAM [ARGUMENT...]",
	.doc = "Run an unmodified program with its TCP sockets on AF_XTCP.\v"
	       "Out of reach are static programs and those that make system\n"
	       "calls themselves.  See xtcp_run(1).",
};

/* beside this executable (build tree), else in ../lib/xtcp (installed) */
static void find_library(const char *name, char *path)
{
	static const char *const places[] = { "", "../lib/xtcp/" };
	char exe[PATH_MAX], at[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	size_t i;

	if (n < 0)
		err(EXIT_OWN, "/proc/self/exe");
	exe[n] = 0;
	*strrchr(exe, '/') = 0;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(at, sizeof(at), "%s/%s%s", exe, places[i], name);
		if (realpath(at, path))
			break;
	}
	if (i == sizeof(places) / sizeof(places[0]))
		err(EXIT_OWN, "%s", at);
	/* LD_PRELOAD knows no escape */
	if (strpbrk(path, " :"))
		errx(EXIT_OWN, "%s: blank or colon in the path", path);
}

/* open what execvp() would run */
static int open_program(const char *name)
{
	const char *path = getenv("PATH"), *end;
	char file[PATH_MAX];
	int fd;

	if (strchr(name, '/') || !path)
		return open(name, O_RDONLY | O_CLOEXEC);
	for (; ; path = end + 1) {
		end = strchrnul(path, ':');
		if (snprintf(file, sizeof(file), "%.*s%s%s", (int)(end - path),
			     path, end == path ? "" : "/", name) < PATH_MAX &&
		    !access(file, X_OK)) {
			fd = open(file, O_RDONLY | O_CLOEXEC);
			if (fd >= 0)
				return fd;
		}
		if (!*end)
			return -1;
	}
}

static bool has_interpreter(int fd, unsigned long at, int count, int size)
{
	ElfW(Phdr) ph;

	for (; count > 0; count--, at += (unsigned long)size) {
		if (pread(fd, &ph, sizeof(ph), (off_t)at) != sizeof(ph))
			return false;
		if (ph.p_type == PT_INTERP)
			return true;
	}
	return false;
}

/* does the dynamic linker take the caller's LD_PRELOAD from this file? */
static bool is_privileged(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	if ((st.st_mode & S_ISUID && st.st_uid != getuid()) ||
	    (st.st_mode & S_ISGID && st.st_gid != getgid()))
		return true;
	return getuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/* Why the library would not get into the program, or NULL.  Scripts and what
 * cannot be read are not judged.
 */
static const char *out_of_reach(const char *name)
{
	ElfW(Ehdr) own, eh;
	const char *why = NULL;
	int fd = open_program(name), self;

	if (fd < 0)
		return NULL;
	self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (pread(fd, &eh, sizeof(eh), 0) != sizeof(eh) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    pread(self, &own, sizeof(own), 0) != sizeof(own))
		why = NULL;
	else if (eh.e_machine != own.e_machine ||
		 eh.e_ident[EI_CLASS] != own.e_ident[EI_CLASS])
		why = "is for another architecture than " LIBRARY;
	else if (!has_interpreter(fd, eh.e_phoff, eh.e_phnum, eh.e_phentsize))
		why = "is statically linked";
	else if (is_privileged(fd))
		why = "runs with privileges that make LD_PRELOAD void";
	if (self >= 0)
		close(self);
	close(fd);
	return why;
}

/* append: other preloads stand in front, this one is next to the C library */
static void set_preload(const char *library)
{
	const char *old = getenv("LD_PRELOAD");
	char *list;

	if (!old || !*old) {
		setenv("LD_PRELOAD", library, 1);
		return;
	}
	if (strstr(old, library))
		return;
	if (asprintf(&list, "%s:%s", old, library) < 0)
		err(EXIT_OWN, "LD_PRELOAD");
	setenv("LD_PRELOAD", list, 1);
	free(list);
}

static void set_flags(const struct run *run)
{
	char flags[8], *at = flags;

	if (run->v4 != run->v6)
		*at++ = run->v4 ? '4' : '6';
	if (run->verbose)
		*at++ = 'v';
	if (run->fallback)
		*at++ = 'f';
	*at = 0;
	setenv("XTCP_RUN_FLAGS", flags, 1);
	if (run->ports)
		setenv("XTCP_RUN_PORTS", run->ports, 1);
	else
		unsetenv("XTCP_RUN_PORTS");
}

/* the module may have been loaded with another family number */
static void set_family(void)
{
	FILE *f = fopen(FAMILY_PARAMETER, "re");
	char number[12];
	int family;

	if (!f)
		return;
	if (fscanf(f, "%d", &family) == 1) {
		snprintf(number, sizeof(number), "%d", family);
		setenv("XTCP_FAMILY", number, 0);
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	char library[PATH_MAX];
	struct run run = { 0 };
	const char *why;

	argp_err_exit_status = EXIT_OWN;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &run);

	find_library(LIBRARY, library);
	why = out_of_reach(run.command[0]);
	if (why && !run.fallback)
		errx(EXIT_OWN, "%s %s: it would use the kernel's TCP (--fallback allows that)",
		     run.command[0], why);
	set_preload(library);
	if (run.sysctl) {
		find_library(LIBRARY_SYSCTL, library);
		set_preload(library);
	}
	set_flags(&run);
	set_family();

	execvp(run.command[0], run.command);
	why = strerror(errno);
	warnx("%s: %s", run.command[0], why);
	return errno == ENOENT ? EXIT_NOENT : EXIT_NOEXEC;
}
