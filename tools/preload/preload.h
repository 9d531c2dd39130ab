/* SPDX-License-Identifier: GPL-2.0 */
/* preload.h - inside of libxtcp_run.so.
 *
 * There is no table of descriptors: whether one is an xtcp socket is asked of
 * the kernel (SO_DOMAIN), so dup, fork, exec and SCM_RIGHTS need no care.
 * The configuration is written once, by preload_init(), then only read.
 * Hooks take no lock, allocate nothing and may run in a signal handler.
 */
#ifndef _PRELOAD_H
#define _PRELOAD_H

#include <stdbool.h>
#include <sys/socket.h>

/* the definitions behind ours: the C library's, or the next preload's */
struct preload_next {
	int (*socket)(int domain, int type, int protocol);
	int (*bind)(int fd, const struct sockaddr *addr, socklen_t len);
	int (*connect)(int fd, const struct sockaddr *addr, socklen_t len);
	int (*getsockopt)(int fd, int level, int name, void *val,
			  socklen_t *len);
	int (*setsockopt)(int fd, int level, int name, const void *val,
			  socklen_t len);
};

struct preload_config {
	int	family;		/* AF_XTCP, or $XTCP_FAMILY */
	bool	v4, v6;		/* which families to convert */
	bool	verbose;
	bool	fallback;	/* kernel TCP when the module is not there */
	bool	ports;		/* convert only what is bound to a listed port */
	unsigned char port[65536 / 8];
};

extern struct preload_next preload_next;
extern struct preload_config preload_config;

void preload_init(void);		/* idempotent */

bool preload_is_xtcp(int fd);
int preload_family(int fd);		/* AF_INET, AF_INET6, 0 */
bool preload_port_wanted(const struct sockaddr *addr, socklen_t len);

/* swap.c: put a kernel TCP socket with the same options under the number fd,
 * which is not bound
 */
int preload_swap(int fd);

/* epoll.c: registrations of fd that a new file under its number would lose */
struct preload_epoll {
	int	n;
	struct {
		int epfd;
		unsigned int events;
		unsigned long long data;
	} reg[8];
};

void preload_epoll_take(struct preload_epoll *ep, int fd);
void preload_epoll_give(const struct preload_epoll *ep, int fd);

/* say.c: to stderr, if that is still what it was when the program started */
void preload_say_init(void);
void preload_say(const char *what, int fd, const char *rest);

#endif /* _PRELOAD_H */
