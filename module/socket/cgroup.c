// SPDX-License-Identifier: GPL-2.0
#include "socket/cgroup.h"

#include "engine/sock.h"
#include "socket/af_xtcp.h"

#include <linux/bpf-cgroup.h>

#ifdef CONFIG_CGROUP_BPF
static const enum cgroup_bpf_attach_type guarded[] = {
	CGROUP_INET_INGRESS, CGROUP_INET_EGRESS,
	CGROUP_INET4_CONNECT, CGROUP_INET6_CONNECT,
};

/* Programs that filter packets and connects look at AF_INET sockets only: what
 * they forbid would be allowed here.
 */
int xtcp_socket_allowed(const struct sock *sk)
{
	int i;

	if (xtcp_cgroup_bypass || sk->sk_kern_sock)
		return 0;
	for (i = 0; i < ARRAY_SIZE(guarded); i++) {
		if (!cgroup_bpf_sock_enabled((struct sock *)sk, guarded[i]))
			continue;
		pr_notice_ratelimited("xtcp: %s (pid %d): refused, BPF programs of its cgroup filter traffic and cannot see xtcp; cgroup_bypass=1 allows it\n",
				      current->comm, task_pid_nr(current));
		return -EACCES;
	}
	return 0;
}

/* BPF_CGROUP_INET_SOCK_CREATE is about sockets like this one (and `ip vrf exec`
 * binds them to a device by it), so it may look: at what the kernel's TCP would
 * show.  Nobody else sees the socket yet.
 */
int xtcp_cgroup_create(struct sock *sk)
{
	unsigned short family = sk->sk_family;
	u16 protocol = sk->sk_protocol;
	int err;

	if (sk->sk_kern_sock)
		return 0;
	sk->sk_family = xtcp_sk(sk)->version == 4 ? AF_INET : AF_INET6;
	sk->sk_protocol = IPPROTO_TCP;
	err = BPF_CGROUP_RUN_PROG_INET_SOCK(sk);
	sk->sk_family = family;
	sk->sk_protocol = protocol;
	return err;
}
#else
int xtcp_socket_allowed(const struct sock *sk)
{
	return 0;
}

int xtcp_cgroup_create(struct sock *sk)
{
	return 0;
}
#endif
