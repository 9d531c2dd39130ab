// SPDX-License-Identifier: GPL-2.0
/* fd.c - file descriptors of batch accept */
#include "socket/fd.h"

#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/net.h>
#include <net/sock.h>

/* sock_release() gives the module reference back with ->ops. */
static int make_socket(struct xtcp_fd *f, struct socket *listener)
{
	int err = sock_create_lite(listener->sk->sk_family, listener->type, 0,
				   &f->sock);

	if (err)	/* no inode: ENFILE, as accept(2) says it */
		return err == -ENOMEM ? -ENFILE : err;
	f->sock->ops = listener->ops;
	__module_get(f->sock->ops->owner);
	return 0;
}

/* On error sock_alloc_file() has released the socket. */
static int make_file(struct xtcp_fd *f, struct socket *listener, int flags)
{
	f->file = sock_alloc_file(f->sock, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0,
				  listener->sk->sk_prot_creator->name);
	return PTR_ERR_OR_ZERO(f->file);
}

int xtcp_fd_get(struct xtcp_fd *f, struct socket *listener, int flags)
{
	int err;

	f->fd = get_unused_fd_flags(flags & SOCK_CLOEXEC ? O_CLOEXEC : 0);
	if (f->fd < 0)
		return f->fd;
	err = make_socket(f, listener);
	if (err)
		goto no_socket;
	err = make_file(f, listener, flags);
	if (err)
		goto no_socket;
	return 0;

no_socket:
	put_unused_fd(f->fd);
	return err;
}

void xtcp_fd_put(struct xtcp_fd *f)
{
	fput(f->file);
	put_unused_fd(f->fd);
}

void xtcp_fd_install(struct xtcp_fd *f)
{
	fd_install(f->fd, f->file);
}
