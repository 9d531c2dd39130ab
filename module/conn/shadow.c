// SPDX-License-Identifier: GPL-2.0
#include "conn/shadow.h"

#include "conn/port.h"

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/net.h>

#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>

/* What sk_user_data of a shadow points to; the address is all that counts. */
static const unsigned long shadow_tag;

bool xtcp_port_is_shadow(const struct sock *sk)
{
	return sk_fullsock(sk) &&
	       (READ_ONCE(*(const uintptr_t *)&sk->sk_user_data) &
		SK_USER_DATA_PTRMASK) == (uintptr_t)&shadow_tag;
}

/* What decides about a bind: the shadow takes it over from the xtcp socket.  All
 * but SO_REUSEPORT: the kernel would let a socket of the same user listen beside
 * the shadow, and we stand in front of it: it would never see a SYN.
 */
static void shadow_mirror(struct sock *to, struct sock *from, bool v6only)
{
	lock_sock(to);
	to->sk_reuse = from->sk_reuse;
	to->sk_mark = from->sk_mark;
	to->sk_bound_dev_if = from->sk_bound_dev_if;
	to->sk_ipv6only = v6only;
	xtcp_compat_inet_assign(to, FREEBIND, freebind,
				xtcp_compat_inet_test(from, FREEBIND, freebind));
	xtcp_compat_inet_assign(to, TRANSPARENT, transparent,
				xtcp_compat_inet_test(from, TRANSPARENT, transparent));
	write_lock_bh(&to->sk_callback_lock);
	__rcu_assign_sk_user_data_with_flags(to, &shadow_tag, SK_USER_DATA_NOCOPY);
	write_unlock_bh(&to->sk_callback_lock);
	release_sock(to);
}

static int shadow_bind4(struct socket *shadow, const struct xtcp_port_key *key)
{
	struct sockaddr_in sin = {
		.sin_family	= AF_INET,
		.sin_port	= htons(key->num),
		.sin_addr	= { xtcp_addr_v4(&key->addr) },
	};

	return kernel_bind(shadow, (struct xtcp_compat_sockaddr *)&sin, sizeof(sin));
}

static int shadow_bind6(struct socket *shadow, const struct xtcp_port_key *key)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family	= AF_INET6,
		.sin6_port	= htons(key->num),
		.sin6_addr	= key->addr.in6,
		.sin6_scope_id	= key->dev,	/* read for link-local ones only */
	};

	return kernel_bind(shadow, (struct xtcp_compat_sockaddr *)&sin6, sizeof(sin6));
}

/* A socket of the kernel's, bound to @key as @from would be; with the kernel's word on
 * the user, the capabilities and the cgroup: in the caller's context.
 */
static int shadow_make(struct sock *from, const struct xtcp_port_key *key,
		       u8 reuse, bool reuseport, struct socket **res)
{
	int family = key->version == 4 ? AF_INET : AF_INET6;
	struct socket *shadow;
	int err;

	err = sock_create_kern(sock_net(from), family, SOCK_STREAM, IPPROTO_TCP,
			       &shadow);
	if (err)
		return err;

	shadow_mirror(shadow->sk, from, key->v6only);
	shadow->sk->sk_reuse = reuse;
	shadow->sk->sk_reuseport = reuseport;
	err = key->version == 4 ? shadow_bind4(shadow, key)
				: shadow_bind6(shadow, key);
	if (err)
		sock_release(shadow);
	else
		*res = shadow;
	return err;
}

int xtcp_shadow_create(struct sock *from, struct xtcp_port_key *key,
		       bool reuseport, struct socket **res)
{
	struct socket *shadow;
	int err;

	err = shadow_make(from, key, from->sk_reuse, reuseport, &shadow);
	if (err)
		return err;
	/* A port the kernel chose would go when the shadow stops listening. */
	lock_sock(shadow->sk);
	shadow->sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	shadow->sk->sk_reuseport = 0;
	release_sock(shadow->sk);
	key->num = inet_sk(shadow->sk)->inet_num;
	*res = shadow;
	return 0;
}

int xtcp_shadow_permits(struct sock *from, const struct xtcp_port_key *key)
{
	struct socket *probe;
	int err;

	err = shadow_make(from, key, SK_FORCE_REUSE, false, &probe);
	if (!err)
		sock_release(probe);
	return err;
}

/* What was compared leaves a note in the kernel's bind bucket, which would let
 * others in unseen: told to bind again what it has, it writes another one.
 */
void xtcp_shadow_closes_door(struct sock *sk)
{
	unsigned char reuse;

	lock_sock(sk);
	reuse = sk->sk_reuse;
	sk->sk_reuse = SK_FORCE_REUSE;
	sk->sk_reuseport = 0;
	sk->sk_prot->get_port(sk, inet_sk(sk)->inet_num);
	sk->sk_reuse = reuse;
	release_sock(sk);
}

int xtcp_shadow_listen(struct socket *shadow)
{
	return kernel_listen(shadow, 1);
}

int xtcp_shadow_ask(struct socket *shadow)
{
	struct sock *sk = shadow->sk;
	int taken;

	lock_sock(sk);
	taken = sk->sk_prot->get_port(sk, inet_sk(sk)->inet_num);
	release_sock(sk);
	return taken ? -EADDRINUSE : 0;
}
