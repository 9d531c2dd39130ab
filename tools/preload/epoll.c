// SPDX-License-Identifier: GPL-2.0
/* epoll.c - carry the epoll registrations of a descriptor over to a new file.
 *
 * An epoll instance watches files, not numbers, so what is put under a
 * number by dup3() is not watched.  Programs that register before they
 * connect exist (nginx does).  Who watches whom stands in
 * /proc/self/fdinfo; reading that costs time in proportion to the open
 * descriptors, paid only by a socket that --ports hands back.
 */
#define _GNU_SOURCE
#include "preload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct watch {
	struct preload_epoll *ep;
	int fd;
	unsigned long long ino;		/* of the socket under fd */
};

/* NAME: followed by a number */
static bool field(const char *line, const char *name, int base,
		  unsigned long long *val)
{
	const char *at = strstr(line, name);

	if (!at)
		return false;
	*val = strtoull(at + strlen(name), NULL, base);
	return true;
}

/* "tfd:        8 events:       19 data:  2a  pos:0 ino:3f9 sdev:7" */
static void line_read(const struct watch *w, int epfd, const char *line)
{
	struct preload_epoll *ep = w->ep;
	unsigned long long tfd, events, data, ino;

	if (ep->n == sizeof(ep->reg) / sizeof(ep->reg[0]) ||
	    !field(line, "tfd:", 10, &tfd) || tfd != (unsigned int)w->fd ||
	    !field(line, "events:", 16, &events) ||
	    !field(line, "data:", 16, &data))
		return;
	if (field(line, "ino:", 16, &ino) && ino != w->ino)
		return;
	ep->reg[ep->n].epfd = epfd;
	ep->reg[ep->n].events = (unsigned int)events;
	ep->reg[ep->n].data = data;
	ep->n++;
}

static int open_raw(const char *path)
{
	/* not open(): a cancellation point */
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

/* lines are far shorter than the buffer; one that is not is cut */
static void fdinfo_read(const struct watch *w, int epfd)
{
	char path[64] = "/proc/self/fdinfo/", buf[512], *line, *end;
	size_t have = 0, at = sizeof("/proc/self/fdinfo/") - 1;
	char digits[12], *d = digits + sizeof(digits) - 1;
	int n = epfd, info;
	ssize_t got;

	*d = 0;
	do
		*--d = (char)('0' + n % 10);
	while (n /= 10);
	memcpy(path + at, d, strlen(d) + 1);

	info = open_raw(path);
	if (info < 0)
		return;
	while ((got = syscall(SYS_read, info, buf + have,
			      sizeof(buf) - 1 - have)) > 0) {
		have += (size_t)got;
		buf[have] = 0;
		for (line = buf; (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			line_read(w, epfd, line);
		}
		have -= (size_t)(line - buf);
		if (have == sizeof(buf) - 1)
			have = 0;
		memmove(buf, line, have);
	}
	syscall(SYS_close, info);
}

static bool is_epoll(int dir, const char *name)
{
	static const char epoll[] = "anon_inode:[eventpoll]";
	char link[sizeof(epoll)];
	ssize_t n = readlinkat(dir, name, link, sizeof(link));

	return n == sizeof(epoll) - 1 && !memcmp(link, epoll, sizeof(epoll) - 1);
}

static void proc_read(const struct watch *w)
{
	char buf[1024] __attribute__((aligned(8)));
	int dir = open_raw("/proc/self/fd");
	struct dirent64 *d;
	long n, at;

	if (dir < 0)
		return;
	while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += d->d_reclen) {
			d = (struct dirent64 *)(buf + at);
			if (d->d_name[0] != '.' && is_epoll(dir, d->d_name))
				fdinfo_read(w, atoi(d->d_name));
		}
	}
	syscall(SYS_close, dir);
}

/* find them and take them out: if the old file lives on elsewhere, it would
 * go on reporting under this number
 */
void preload_epoll_take(struct preload_epoll *ep, int fd)
{
	struct watch w = { .ep = ep, .fd = fd };
	struct stat st;
	int i;

	ep->n = 0;
	if (fstat(fd, &st))
		return;
	w.ino = st.st_ino;
	proc_read(&w);
	for (i = 0; i < ep->n; i++)
		epoll_ctl(ep->reg[i].epfd, EPOLL_CTL_DEL, fd, NULL);
}

void preload_epoll_give(const struct preload_epoll *ep, int fd)
{
	struct epoll_event ev;
	int i;

	for (i = 0; i < ep->n; i++) {
		ev.events = ep->reg[i].events;
		ev.data.u64 = ep->reg[i].data;
		epoll_ctl(ep->reg[i].epfd, EPOLL_CTL_ADD, fd, &ev);
	}
}
