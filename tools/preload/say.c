// SPDX-License-Identifier: GPL-2.0
/* say.c - messages without stdio, errno kept. */
#include "preload.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct stat stderr_was;

void preload_say_init(void)
{
	if (fstat(STDERR_FILENO, &stderr_was))
		stderr_was.st_ino = 0;
}

/* a daemon may have put something of its own under number 2 */
static bool stderr_is(void)
{
	struct stat st;

	return stderr_was.st_ino && !fstat(STDERR_FILENO, &st) &&
	       st.st_ino == stderr_was.st_ino && st.st_dev == stderr_was.st_dev;
}

static char *put(char *to, const char *end, const char *text)
{
	while (*text && to < end)
		*to++ = *text++;
	return to;
}

static char *put_num(char *to, const char *end, unsigned int n)
{
	char digits[12], *d = digits + sizeof(digits);

	*--d = 0;
	do
		*--d = (char)('0' + n % 10);
	while (n /= 10);
	return put(to, end, d);
}

/* "xtcp_run[PID]: WHAT fd FD: REST"; without " fd FD" if fd is negative */
void preload_say(const char *what, int fd, const char *rest)
{
	char line[200], *to = line, *end = line + sizeof(line) - 1;
	int err = errno;

	if (!stderr_is())
		goto out;
	to = put(to, end, "xtcp_run[");
	to = put_num(to, end, (unsigned int)getpid());
	to = put(to, end, "]: ");
	to = put(to, end, what);
	if (fd >= 0) {
		to = put(to, end, " fd ");
		to = put_num(to, end, (unsigned int)fd);
	}
	to = put(to, end, ": ");
	to = put(to, end, rest);
	*to++ = '\n';
	/* not write(): that is a cancellation point */
	syscall(SYS_write, STDERR_FILENO, line, (size_t)(to - line));
out:
	errno = err;
}
