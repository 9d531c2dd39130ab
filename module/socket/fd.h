/* SPDX-License-Identifier: GPL-2.0 */
/* fd.h - a file descriptor, file and socket for batch accept, made before the
 * connection that goes into them leaves the queue.
 *
 *	get			put
 *	descriptor number	put_unused_fd()
 *	socket and its inode	sock_release(), by the file
 *	module reference	sock_release()
 *	file			fput()
 */
#ifndef XTCP_SOCKET_FD_H
#define XTCP_SOCKET_FD_H

struct file;
struct sock;
struct socket;

struct xtcp_fd {
	int		fd;
	struct socket	*sock;
	struct file	*file;
};

/* Like @listener. @flags: SOCK_NONBLOCK, SOCK_CLOEXEC. -EMFILE, -ENFILE, ... */
int xtcp_fd_get(struct xtcp_fd *f, struct socket *listener, int flags);
void xtcp_fd_put(struct xtcp_fd *f);
/* The program sees it from here on; cannot fail. */
void xtcp_fd_install(struct xtcp_fd *f);

#endif
