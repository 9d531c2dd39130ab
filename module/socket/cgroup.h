/* SPDX-License-Identifier: GPL-2.0 */
/* cgroup.h - BPF programs of a container's cgroup (design decision 16): those that
 * cannot see a foreign family must not be bypassed, those that can are run.
 */
#ifndef XTCP_SOCKET_CGROUP_H
#define XTCP_SOCKET_CGROUP_H

struct sock;

/* 0, or -EACCES: programs of the socket's cgroup would be bypassed. */
int xtcp_socket_allowed(const struct sock *sk);
/* BPF_CGROUP_INET_SOCK_CREATE: 0, or what the program says. */
int xtcp_cgroup_create(struct sock *sk);

#endif
