// SPDX-License-Identifier: GPL-2.0
/* addr.c - socket addresses */
#include "socket/addr.h"

#include "conn/port.h"
#include "engine/sock.h"
#include "engine/trace.h"
#include "socket/af_xtcp.h"
#include "socket/sockopt.h"

#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/transp_v6.h>

/* --- bind: is it an address to be bound to? ----------------------------- */

static bool is_family(const struct sock *sk, unsigned int family, int af)
{
	return family == af || family == sk->sk_family;
}

/* Not only local ones: it must be possible to start before the interface. */
static int check_v4(struct sock *sk, __be32 addr, int type)
{
	return inet_addr_valid_or_nonlocal(sock_net(sk), inet_sk(sk), addr,
					   type) ? 0 : -EADDRNOTAVAIL;
}

/* The device a scoped address or SO_BINDTODEVICE names, in @devp; RCU. */
static int bind_dev6(struct sock *sk, const struct sockaddr_in6 *a, int len,
		     struct net_device **devp)
{
	int type = ipv6_addr_type(&a->sin6_addr);

	if (__ipv6_addr_needs_scope_id(type)) {
		if (len >= (int)sizeof(*a) && a->sin6_scope_id)
			sk->sk_bound_dev_if = a->sin6_scope_id;
		if (!sk->sk_bound_dev_if)
			return -EINVAL;
	}
	*devp = NULL;
	if (sk->sk_bound_dev_if) {
		*devp = dev_get_by_index_rcu(sock_net(sk), sk->sk_bound_dev_if);
		if (!*devp)
			return -ENODEV;
	}
	return 0;
}

static int check_v6(struct sock *sk, const struct sockaddr_in6 *a, int len)
{
	struct net *net = sock_net(sk);
	struct net_device *dev;
	int err;

	rcu_read_lock();
	err = bind_dev6(sk, a, len, &dev);
	if (!err && !ipv6_can_nonlocal_bind(net, inet_sk(sk)) &&
	    !ipv6_chk_addr(net, &a->sin6_addr, dev, 0))
		err = -EADDRNOTAVAIL;
	rcu_read_unlock();
	return err;
}

static int check_mapped(struct sock *sk, const struct in6_addr *a)
{
	struct net_device *dev = NULL;
	__be32 v4 = a->s6_addr32[3];
	int type = 0, err = 0;

	if (ipv6_only_sock(sk))
		return -EINVAL;
	rcu_read_lock();
	if (sk->sk_bound_dev_if) {
		dev = dev_get_by_index_rcu(sock_net(sk), sk->sk_bound_dev_if);
		if (!dev)
			err = -ENODEV;
	}
	if (!err)
		type = inet_addr_type_dev_table(sock_net(sk), dev, v4);
	rcu_read_unlock();
	return err ?: check_v4(sk, v4, type);
}

/* --- bind: the address in the socket ------------------------------------ */

/* rcv_saddr is what segments are sent to, saddr what we send from. */
static void set_v4(struct sock *sk, __be32 addr, int type)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_rcv_saddr = addr;
	inet->inet_saddr = addr;
	if (type == RTN_MULTICAST || type == RTN_BROADCAST)
		inet->inet_saddr = 0;
}

static void set_v6(struct sock *sk, const struct in6_addr *addr)
{
	struct inet_sock *inet = inet_sk(sk);
	__be32 v4 = LOOPBACK4_IPV6;	/* as the kernel does: no IPv4 address */

	if (ipv6_addr_any(addr))
		v4 = 0;
	else if (ipv6_addr_v4mapped(addr))
		v4 = addr->s6_addr32[3];
	inet->inet_rcv_saddr = v4;
	inet->inet_saddr = v4;
	sk->sk_v6_rcv_saddr = *addr;
	inet6_sk(sk)->saddr = *addr;
}

static void clear_addr(struct sock *sk)
{
	if (xtcp_sk(sk)->version == 4)
		set_v4(sk, 0, 0);
	else
		set_v6(sk, &in6addr_any);
}

static void get_addr(const struct sock *sk, struct xtcp_addr *a)
{
	if (xtcp_sk(sk)->version == 4)
		xtcp_addr_set_v4(a, inet_sk(sk)->inet_rcv_saddr);
	else
		xtcp_addr_set_v6(a, &sk->sk_v6_rcv_saddr);
}

/* The address is in the socket; now the port. */
static int bind_port(struct sock *sk, u16 port)
{
	struct xtcp_addr addr;
	int err = 0;

	get_addr(sk, &addr);
	if (port || !xtcp_compat_inet_test(sk, BIND_ADDRESS_NO_PORT,
					   bind_address_no_port))
		err = xtcp_port_bind(xtcp_sk(sk), &addr, port);
	if (err)
		return err;
	if (!xtcp_addr_is_any(&addr))
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
	if (port)
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	sk_dst_reset(sk);
	return 0;
}

static int bind_v4(struct sock *sk, const struct sockaddr_in *a, int len)
{
	__be32 addr = a->sin_addr.s_addr;
	struct net *net = sock_net(sk);
	u32 table;
	int type, err;

	if (len < (int)sizeof(*a))
		return -EINVAL;
	/* Old programs leave the family 0 for INADDR_ANY. */
	if (!is_family(sk, a->sin_family, AF_INET) &&
	    (a->sin_family != AF_UNSPEC || addr != htonl(INADDR_ANY)))
		return -EAFNOSUPPORT;

	table = l3mdev_fib_table_by_index(net, sk->sk_bound_dev_if);
	type = inet_addr_type_table(net, addr, table ?: RT_TABLE_LOCAL);
	err = check_v4(sk, addr, type);
	if (err)
		return err;
	if (sk->sk_state != TCP_CLOSE || inet_sk(sk)->inet_num)
		return -EINVAL;

	set_v4(sk, addr, type);
	err = bind_port(sk, ntohs(a->sin_port));
	if (err)
		clear_addr(sk);
	return err;
}

static int bind_v6(struct sock *sk, const struct sockaddr_in6 *a, int len)
{
	bool was_v6only = sk->sk_ipv6only;
	int type, err = 0;

	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	if (!is_family(sk, a->sin6_family, AF_INET6))
		return -EAFNOSUPPORT;
	type = ipv6_addr_type(&a->sin6_addr);
	if (type & IPV6_ADDR_MULTICAST)
		return -EINVAL;
	if (sk->sk_state != TCP_CLOSE || inet_sk(sk)->inet_num)
		return -EINVAL;
	if (type == IPV6_ADDR_MAPPED)
		err = check_mapped(sk, &a->sin6_addr);
	else if (type != IPV6_ADDR_ANY)
		err = check_v6(sk, a, len);
	/* children of a former listener may share it */
	err = err ?: xtcp_pinfo_own(xtcp_sk(sk));
	if (err)
		return err;

	set_v6(sk, &a->sin6_addr);
	if (type != IPV6_ADDR_ANY && type != IPV6_ADDR_MAPPED)
		sk->sk_ipv6only = 1;
	err = bind_port(sk, ntohs(a->sin6_port));
	if (err) {
		sk->sk_ipv6only = was_v6only;
		clear_addr(sk);
	}
	return err;
}

int xtcp_bind(struct socket *sock, struct xtcp_compat_sockaddr *uaddr, int len)
{
	struct sock *sk = sock->sk;
	int err;

	lock_sock(sk);
	if (xtcp_sk(sk)->version == 4)
		err = bind_v4(sk, (struct sockaddr_in *)uaddr, len);
	else
		err = bind_v6(sk, (struct sockaddr_in6 *)uaddr, len);
	trace_xtcp_bind(sk, err);
	release_sock(sk);
	return err;
}

int xtcp_autobind(struct sock *sk)
{
	struct xtcp_addr addr;
	int err;

	if (inet_sk(sk)->inet_num)
		return 0;
	get_addr(sk, &addr);
	err = xtcp_port_bind(xtcp_sk(sk), &addr, 0);
	trace_xtcp_bind(sk, err);
	return err;
}

void xtcp_socket_unbind(struct xtcp_sock *xs)
{
	struct sock *sk = &xs->inet.sk;

	if (!xs->port)
		return;
	xtcp_port_put(xs->port);
	xs->port = NULL;
	xs->bound = false;
	inet_sk(sk)->inet_num = 0;
	inet_sk(sk)->inet_sport = 0;
}

/* --- names --------------------------------------------------------------- */

static int name_v4(struct sockaddr *uaddr, const struct xtcp_addr *a, __be16 port)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)uaddr;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_port = port;
	sin->sin_addr.s_addr = xtcp_addr_v4(a);
	return sizeof(*sin);
}

static int name_v6(struct sockaddr *uaddr, const struct xtcp_addr *a, __be16 port,
		   int dev)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)uaddr;

	memset(sin6, 0, sizeof(*sin6));
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = port;
	sin6->sin6_addr = a->in6;
	sin6->sin6_scope_id = ipv6_iface_scope_id(&a->in6, dev);
	return sizeof(*sin6);
}

static int make_name(const struct sock *sk, struct sockaddr *uaddr,
		     const struct xtcp_addr *a, __be16 port)
{
	return xtcp_sk(sk)->version == 4 ?
	       name_v4(uaddr, a, port) :
	       name_v6(uaddr, a, port, READ_ONCE(sk->sk_bound_dev_if));
}

int xtcp_peer_name(const struct sock *sk, struct sockaddr_storage *ss)
{
	const struct xtcp_tuple *t = &xtcp_sk(sk)->flow.tuple;

	return make_name(sk, (struct sockaddr *)ss, &t->raddr, t->rport);
}

static int own_name(const struct sock *sk, struct sockaddr *uaddr)
{
	const struct xtcp_tuple *t = &xtcp_sk(sk)->flow.tuple;
	struct xtcp_addr addr;

	if (t->rport)
		return make_name(sk, uaddr, &t->laddr, t->lport);
	get_addr(sk, &addr);
	return make_name(sk, uaddr, &addr, inet_sk(sk)->inet_sport);
}

int xtcp_getname(struct socket *sock, struct sockaddr *uaddr, int peer)
{
	struct sock *sk = sock->sk;
	int ret;

	lock_sock(sk);
	if (!peer)
		ret = own_name(sk, uaddr);
	else if (!xtcp_sk(sk)->flow.tuple.rport ||
		 (peer == 1 && (XTCPF(sk->sk_state) & (XTCPF(XTCP_CLOSE) |
						       XTCPF(XTCP_SYN_SENT)))))
		ret = -ENOTCONN;
	else
		ret = xtcp_peer_name(sk, (struct sockaddr_storage *)uaddr);
	release_sock(sk);
	return ret;
}
