// SPDX-License-Identifier: GPL-2.0
/* connect.c - connect(), as programs know it from inet_stream_connect(). */
#include "socket/connect.h"

#include "engine/connect.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "engine/trace.h"
#include "socket/addr.h"
#include "socket/af_xtcp.h"
#include "socket/cgroup.h"

#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include <net/ipv6.h>

#define STATES_OPENING	(XTCPF(XTCP_SYN_SENT) | XTCPF(XTCP_SYN_RECV))

/* --- whom ------------------------------------------------------------------ */

static bool is_family(const struct sock *sk, unsigned int family, int af)
{
	return family == af || family == sk->sk_family;
}

static int peer_v4(const struct sock *sk, const struct sockaddr_in *a, int len,
		   struct xtcp_addr *addr, __be16 *port)
{
	if (len < (int)sizeof(*a))
		return -EINVAL;
	if (!is_family(sk, a->sin_family, AF_INET))
		return -EAFNOSUPPORT;
	xtcp_addr_set_v4(addr, a->sin_addr.s_addr);
	*port = a->sin_port;
	return 0;
}

/* A link-local peer is on the link that the address or the socket names. */
static int scope(struct sock *sk, const struct sockaddr_in6 *a, int len)
{
	if (!(ipv6_addr_type(&a->sin6_addr) & IPV6_ADDR_LINKLOCAL))
		return 0;
	if (len >= (int)sizeof(*a) && a->sin6_scope_id) {
		if (!sk_dev_equal_l3scope(sk, a->sin6_scope_id))
			return -EINVAL;
		sk->sk_bound_dev_if = a->sin6_scope_id;
	}
	return sk->sk_bound_dev_if ? 0 : -EINVAL;
}

/* :: stands for this host, in the version that the socket is bound to. */
static void this_host(const struct sock *sk, struct xtcp_addr *addr)
{
	if (ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr))
		xtcp_addr_set_v4(addr, htonl(INADDR_LOOPBACK));
	else
		addr->in6 = in6addr_loopback;
}

static int peer_v6(struct sock *sk, const struct sockaddr_in6 *a, int len,
		   struct xtcp_addr *addr, __be16 *port)
{
	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	if (!is_family(sk, a->sin6_family, AF_INET6))
		return -EAFNOSUPPORT;
	*port = a->sin6_port;
	xtcp_addr_set_v6(addr, &a->sin6_addr);
	if (ipv6_addr_any(&a->sin6_addr))
		this_host(sk, addr);
	if (ipv6_addr_is_multicast(&a->sin6_addr))
		return -ENETUNREACH;
	if (xtcp_addr_is_v4(addr))
		return ipv6_only_sock(sk) ? -ENETUNREACH : 0;
	return scope(sk, a, len);
}

/* --- waiting --------------------------------------------------------------- */

static bool is_opening(const struct sock *sk)
{
	return XTCPF(READ_ONCE(sk->sk_state)) & STATES_OPENING;
}

/* What is left of @timeo; 0 with the handshake still going on: timed out. */
static long wait_for_connect(struct sock *sk, long timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(sk_sleep(sk), &wait);
	while (is_opening(sk)) {
		release_sock(sk);
		timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, timeo);
		lock_sock(sk);
		if (signal_pending(current) || !timeo)
			break;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return timeo;
}

/* --- connect --------------------------------------------------------------- */

void xtcp_disconnect(struct socket *sock)
{
	xtcp_state_disconnect(xtcp_sk(sock->sk));
	sock->state = SS_UNCONNECTED;
}

static int start(struct sock *sk, struct xtcp_compat_sockaddr *uaddr, int len)
{
	struct xtcp_addr addr;
	__be16 port;
	int err;

	err = xtcp_socket_allowed(sk);
	if (err)
		return err;
	err = xtcp_sk(sk)->version == 4 ?
	      peer_v4(sk, (struct sockaddr_in *)uaddr, len, &addr, &port) :
	      peer_v6(sk, (struct sockaddr_in6 *)uaddr, len, &addr, &port);
	return err ?: xtcp_connect_start(xtcp_sk(sk), &addr, port);
}

/* The handshake is going on. */
static int wait_or_leave(struct sock *sk, int flags, int err)
{
	long timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);
	int disconnects = sk->sk_disconnects;

	if (!is_opening(sk))
		return 0;
	if (!timeo)
		return err;
	timeo = wait_for_connect(sk, timeo);
	if (sk->sk_disconnects != disconnects)
		return -EPIPE;		/* by another thread, and what is now is its */
	if (!is_opening(sk))
		return 0;
	if (!timeo)
		return err;
	return signal_pending(current) ? sock_intr_errno(timeo) : err;
}

/* It was refused, or timed out: whoever asks is told once. */
static int failed(struct socket *sock)
{
	int err = sock_error(sock->sk) ?: -ECONNABORTED;

	xtcp_disconnect(sock);
	return err;
}

static int connect_locked(struct socket *sock, struct xtcp_compat_sockaddr *uaddr,
			  int len, int flags)
{
	struct sock *sk = sock->sk;
	int err = -EALREADY;

	switch (sock->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_CONNECTING:
		break;
	case SS_UNCONNECTED:
		if (sk->sk_state != TCP_CLOSE)
			return -EISCONN;
		err = start(sk, uaddr, len);
		if (err)
			return err;
		sock->state = SS_CONNECTING;
		err = -EINPROGRESS;
		break;
	default:
		return -EINVAL;
	}
	err = wait_or_leave(sk, flags, err);
	if (err)
		return err;
	if (sk->sk_state == TCP_CLOSE)
		return failed(sock);
	sock->state = SS_CONNECTED;
	return 0;
}

int xtcp_connect(struct socket *sock, struct xtcp_compat_sockaddr *uaddr, int len,
		 int flags)
{
	struct sock *sk = sock->sk;
	int err = 0;

	if (len < (int)sizeof(sa_family_t))
		return -EINVAL;
	lock_sock(sk);
	if (uaddr->sa_family == AF_UNSPEC)
		xtcp_disconnect(sock);
	else
		err = connect_locked(sock, uaddr, len, flags);
	trace_xtcp_connect(sk, err);
	release_sock(sk);
	return err;
}
