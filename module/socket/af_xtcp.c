// SPDX-License-Identifier: GPL-2.0
/* af_xtcp.c - the address family */
#include "socket/af_xtcp.h"

#include "compat/sock_parts.h"
#include "conn/demux.h"
#include "conn/netns.h"
#include "conn/port.h"
#include "engine/alarm.h"
#include "engine/backlog.h"
#include "engine/cong_choice.h"
#include "engine/listen.h"
#include "engine/output.h"
#include "engine/sock.h"
#include "engine/state.h"
#include "engine/trace.h"
#include "socket/accept.h"
#include "socket/addr.h"
#include "socket/cgroup.h"
#include "socket/connect.h"
#include "socket/memory.h"
#include "socket/recvmsg.h"
#include "socket/sendmsg.h"
#include "socket/sockopt.h"

#include <linux/compat.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/sockios.h>
#include <linux/xtcp.h>
#include <net/inet_common.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include <asm/ioctls.h>

/* --- birth ------------------------------------------------------------------ */

static void init_inet(struct sock *sk, struct net *net)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->uc_ttl = -1;
	inet->mc_ttl = 1;
	xtcp_compat_inet_assign(sk, MC_LOOP, mc_loop, 1);
	if (xtcp_sk(sk)->version == 4)
		xtcp_compat_inet_assign(sk, MC_ALL, mc_all, 1);
	inet->pmtudisc = READ_ONCE(net->ipv4.sysctl_ip_no_pmtu_disc) ?
			 IP_PMTUDISC_DONT : IP_PMTUDISC_WANT;
	atomic_set(&inet->inet_id, get_random_u16());
	xtcp_compat_np_assign(sk, MC6_LOOP, mc_loop, 1);
	xtcp_compat_np_assign(sk, MC6_ALL, mc_all, 1);
	xtcp_compat_np_assign(sk, REPFLOW, repflow,
			      net->ipv6.sysctl.flowlabel_reflect &
			      FLOWLABEL_REFLECT_ESTABLISHED);
	if (xtcp_sk(sk)->version == 6)
		sk->sk_ipv6only = net->ipv6.sysctl.bindv6only;
}

static void init_sock(struct sock *sk, const struct xtcp_params *params)
{
	sk->sk_destruct = xtcp_sock_destruct;
	sk->sk_backlog_rcv = xtcp_backlog_rcv;
	sk->sk_write_space = xtcp_write_space;
	sk->sk_rcvbuf = READ_ONCE(params->rmem[1]);
	sk->sk_sndbuf = READ_ONCE(params->wmem[1]);
	sk->sk_txrehash = READ_ONCE(sock_net(sk)->core.sysctl_txrehash);
}

/* An unconnected socket: sequence numbers come with the connection. */
static void init_engine(struct xtcp_sock *xs, const struct xtcp_cong_ops *cong)
{
	xs->state = XTCP_CLOSE;
	xs->snd.mss = XTCP_MSS_DEFAULT4;
	xs->rcv.pingpong = false;
	xs->opt.synq_policy = -1;
	xs->opt.acceptq_policy = -1;
	xtcp_sndq_init(&xs->sndq, 0);
	xtcp_rcvq_init(&xs->rcvq, 0);
	xtcp_reasm_init(&xs->reasm);
	xtcp_sock_rtt_init(xs);
	xtcp_rate_init(&xs->rate);
	xtcp_rack_init(&xs->rack);
	xtcp_recovery_init(&xs->recovery);
	xtcp_cong_init(&xs->cong, cong, XTCP_INIT_CWND);
	xtcp_timers_init(xs);
	xtcp_pacing_chosen(xs);
	INIT_LIST_HEAD(&xs->defer_node);
	INIT_LIST_HEAD(&xs->acceptq_node);
}

static int version_of(int protocol)
{
	switch (protocol) {
	case 0:
	case XTCPPROTO_TCP:
		return 4;
	case XTCPPROTO_TCP6:
		return 6;
	}
	return -EPROTONOSUPPORT;
}

static struct sock *make_sock(struct net *net, struct socket *sock, int version,
			      int kern)
{
	const struct xtcp_params *params = &xtcp_net(net)->params;
	const struct xtcp_cong_ops *cong = xtcp_cong_choice_default(params);
	struct xtcp_pinfo *pinfo = NULL;
	struct xtcp_sock *xs;
	struct sock *sk;

	if (!cong)
		return NULL;
	sk = sk_alloc(net, xtcp_family, GFP_KERNEL, &xtcp_prot, kern);
	if (sk)
		pinfo = xtcp_pinfo_alloc();
	if (!pinfo)
		goto no_memory;

	xs = xtcp_sk(sk);
	/* Readers may stand on this memory: before sk_refcnt is set. */
	xtcp_flow_init_unhashed(&xs->flow);
	xs->pinfo = pinfo;
	xs->inet.pinet6 = &pinfo->ip6;
	xs->version = version;
	xs->ip = version == 4 ? &xtcp_ip4_ops : &xtcp_ip6_ops;
	xs->params = params;

	sock_init_data(sock, sk);
	init_sock(sk, params);
	init_inet(sk, net);
	init_engine(xs, cong);
	sk_sockets_allocated_inc(sk);
	sock_prot_inuse_add(net, sk->sk_prot, 1);
	return sk;

no_memory:
	if (sk)
		sk_free(sk);
	xtcp_cong_put(cong);
	return NULL;
}

static int xtcp_create(struct net *net, struct socket *sock, int protocol,
		       int kern)
{
	int version = version_of(protocol);
	struct sock *sk;
	int err;

	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return -EINVAL;
	if (sock->type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	if (version < 0)
		return version;
	sk = make_sock(net, sock, version, kern);
	if (!sk)
		return -ENOMEM;

	err = xtcp_socket_allowed(sk);
	if (!err)
		err = xtcp_cgroup_create(sk);
	if (err) {
		sock_orphan(sk);
		sock_put(sk);
		sock->sk = NULL;
		return err;
	}
	sock->ops = &xtcp_ops;
	trace_xtcp_socket(sk);
	return 0;
}

/* --- death -------------------------------------------------------------------- */

/* The last reference and the last skb below us are gone. */
void xtcp_sock_destruct(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct inet_sock *inet = inet_sk(sk);

	xtcp_rcvq_purge(sk);
	xtcp_reasm_purge(sk, &xs->reasm);
	xtcp_sndq_purge(sk, &xs->sndq);
	__skb_queue_purge(&sk->sk_error_queue);
	sk_mem_reclaim_final(sk);

	WARN_ON_ONCE(xs->state != XTCP_CLOSE);
	WARN_ON_ONCE(rcu_access_pointer(xs->lst));
	WARN_ON_ONCE(xtcp_flow_hashed(&xs->flow));
	WARN_ON_ONCE(atomic_read(&sk->sk_rmem_alloc));
	WARN_ON_ONCE(refcount_read(&sk->sk_wmem_alloc));
	WARN_ON_ONCE(sk->sk_wmem_queued);
	WARN_ON_ONCE(READ_ONCE(sk->sk_forward_alloc));

	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, -1);
	if (xs->port)
		xtcp_port_put(xs->port);
	xtcp_cong_exit(&xs->cong);
	xtcp_alarm_free(xs->pacing.alarm);
	xtcp_alarm_free(xs->hold_alarm);
	kfree(xs->saved_syn);
	kfree_rcu(rcu_dereference_protected(inet->inet_opt, 1), rcu);
	dst_release(rcu_dereference_protected(sk->sk_dst_cache, 1));
	dst_release(rcu_dereference_protected(sk->sk_rx_dst, 1));
	xtcp_pinfo_put(xs->pinfo);
	sk_sockets_allocated_dec(sk);
}

static int xtcp_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct xtcp_sock *xs;
	long timeout = 0;

	if (!sk)		/* batch accept took a file back */
		return 0;
	xs = xtcp_sk(sk);
	if (sock_flag(sk, SOCK_LINGER) && !(current->flags & PF_EXITING))
		timeout = sk->sk_lingertime;

	lock_sock(sk);
	if (xs->state == XTCP_LISTEN)
		xtcp_listen_stop(xs);
	xtcp_state_close(sk, timeout);
	if (xs->state == XTCP_CLOSE)
		xtcp_socket_unbind(xs);
	release_sock(sk);
	xtcp_port_settle(sock_net(sk));
	sock->sk = NULL;
	sock_put(sk);
	return 0;
}

/* --- listen, connect, shutdown -------------------------------------------------- */

static int listen_locked(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int err;

	if (sock->state != SS_UNCONNECTED ||
	    !(XTCPF(sk->sk_state) & (XTCPF(XTCP_CLOSE) | XTCPF(XTCP_LISTEN))))
		return -EINVAL;
	err = xtcp_socket_allowed(sk);
	if (err)
		return err;
	err = xtcp_autobind(sk);
	return err ?: xtcp_listen_start(xtcp_sk(sk), backlog);
}

static int xtcp_listen(struct socket *sock, int backlog)
{
	int err;

	lock_sock(sock->sk);
	err = listen_locked(sock, backlog);
	release_sock(sock->sk);
	return err;
}

/* shutdown(RCV) of a listener: it is an unconnected socket again, with its port
 * if the program chose that.
 */
static void shutdown_listener(struct socket *sock)
{
	struct sock *sk = sock->sk;

	xtcp_listen_stop(xtcp_sk(sk));
	if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK))
		xtcp_socket_unbind(xtcp_sk(sk));
	WRITE_ONCE(sk->sk_shutdown, 0);
	sock_reset_flag(sk, SOCK_DONE);
	sock->state = SS_UNCONNECTED;
}

static int xtcp_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	struct xtcp_sock *xs = xtcp_sk(sk);
	int err = 0;

	how++;			/* SHUT_RD, WR, RDWR to RCV_, SEND_SHUTDOWN bits */
	if ((how & ~SHUTDOWN_MASK) || !how)
		return -EINVAL;

	lock_sock(sk);
	if (xs->state == XTCP_LISTEN) {
		if (how & RCV_SHUTDOWN)
			shutdown_listener(sock);
	} else if (xs->state == XTCP_SYN_SENT) {
		xtcp_disconnect(sock);
	} else {
		if (xs->state == XTCP_CLOSE)
			err = -ENOTCONN;
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | how);
		if ((how & SEND_SHUTDOWN) && xtcp_state_close_send(xs))
			xtcp_output_fin(xs);
	}
	sk->sk_state_change(sk);
	release_sock(sk);
	xtcp_port_settle(sock_net(sk));
	return err;
}

/* --- poll ------------------------------------------------------------------------ */

/* The urgent byte is not for recv(), unless in line. */
static bool poll_readable(const struct sock *sk)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	int target = sock_rcvlowat(sk, 0, INT_MAX);

	if (xtcp_urg_at(xs, READ_ONCE(xs->rcvq.copied_seq)) &&
	    !sock_flag(sk, SOCK_URGINLINE))
		target++;
	return xtcp_window_readable(xs, target);
}

static bool poll_writeable(struct sock *sk)
{
	if (__sk_stream_is_writeable(sk, 1))
		return true;
	sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	/* Who makes room looks at the flag after it (xtcp_output_room()): look
	 * again after setting.
	 */
	smp_mb__after_atomic();
	return __sk_stream_is_writeable(sk, 1);
}

/* Lockless: a change that is missed here wakes us again. */
static __poll_t xtcp_poll(struct file *file, struct socket *sock,
			  poll_table *wait)
{
	struct sock *sk = sock->sk;
	__poll_t mask = 0;
	u8 shutdown;
	int state;

	sock_poll_wait(file, sock, wait);
	state = smp_load_acquire(&sk->sk_state);	/* xtcp_state_set() */
	if (state == TCP_LISTEN)
		return xtcp_listen_readable(sk) ? EPOLLIN | EPOLLRDNORM : 0;

	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (state != TCP_SYN_SENT && state != TCP_SYN_RECV) {
		if (poll_readable(sk))
			mask |= EPOLLIN | EPOLLRDNORM;
		/* pairs with the release in xtcp_urg_rcv() */
		if (smp_load_acquire(&xtcp_sk(sk)->urg.state) == XTCP_URG_HERE)
			mask |= EPOLLPRI;
		if ((shutdown & SEND_SHUTDOWN) || poll_writeable(sk))
			mask |= EPOLLOUT | EPOLLWRNORM;
	}
	/* An error is set before the state that the waker announces. */
	smp_rmb();
	if (READ_ONCE(sk->sk_err) ||
	    !skb_queue_empty_lockless(&sk->sk_error_queue))
		mask |= EPOLLERR;
	return mask;
}

/* --- ioctl, small ones -------------------------------------------------------------- */

static int outq(const struct xtcp_sock *xs, u32 from)
{
	if (XTCPF(xs->state) & (XTCPF(XTCP_SYN_SENT) | XTCPF(XTCP_SYN_RECV)))
		return 0;
	return READ_ONCE(xs->sndq.write_seq) - from;
}

static int ioctl_int(struct sock *sk, unsigned int cmd, int *val)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	int err = 0;

	lock_sock(sk);
	if (cmd == SIOCATMARK)
		*val = xtcp_urg_at(xs, xs->rcvq.copied_seq);
	else if (xs->state == XTCP_LISTEN)
		err = -EINVAL;
	else if (cmd == SIOCINQ)
		*val = xtcp_urg_avail(xs, xtcp_rcvq_avail(sk, &xs->rcvq,
							  xs->rcv.nxt));
	else if (cmd == SIOCOUTQ)
		*val = outq(xs, xs->snd.una);
	else
		*val = outq(xs, xs->snd.nxt);
	release_sock(sk);
	return err;
}

static int xtcp_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	int val, err;

	switch (cmd) {
	case SIOCINQ:
	case SIOCOUTQ:
	case SIOCOUTQNSD:
	case SIOCATMARK:
		err = ioctl_int(sock->sk, cmd, &val);
		return err ?: put_user(val, (int __user *)arg);
	}
	/* addresses and routes, as on any inet socket */
	return xtcp_sk(sock->sk)->version == 4 ? inet_ioctl(sock, cmd, arg) :
						 inet6_ioctl(sock, cmd, arg);
}

#ifdef CONFIG_COMPAT
static int xtcp_compat_ioctl(struct socket *sock, unsigned int cmd,
			     unsigned long arg)
{
	switch (cmd) {
	case SIOCINQ:
	case SIOCOUTQ:
	case SIOCOUTQNSD:
	case SIOCATMARK:
		return xtcp_ioctl(sock, cmd, (unsigned long)compat_ptr(arg));
	}
	return -ENOIOCTLCMD;
}
#endif

/* SO_RCVLOWAT: the buffer must be able to hold it.  Socket locked. */
static int xtcp_set_rcvlowat(struct sock *sk, int val)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	bool locked = sk->sk_userlocks & SOCK_RCVBUF_LOCK;
	int cap = (locked ? sk->sk_rcvbuf : READ_ONCE(xs->params->rmem[2])) >> 1;

	val = min(val, cap);
	WRITE_ONCE(sk->sk_rcvlowat, val ?: 1);
	if (xtcp_window_readable(xs, sk->sk_rcvlowat))
		sk->sk_data_ready(sk);
	if (!locked && val << 1 > sk->sk_rcvbuf)
		WRITE_ONCE(sk->sk_rcvbuf, val << 1);
	return 0;
}

XTCP_COMPAT_ACCEPT(accept_op, xtcp_accept)

const struct proto_ops xtcp_ops = {
	.owner		= THIS_MODULE,
	.release	= xtcp_release,
	.bind		= xtcp_bind,
	.connect	= xtcp_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= accept_op,
	.getname	= xtcp_getname,
	.poll		= xtcp_poll,
	.ioctl		= xtcp_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl	= xtcp_compat_ioctl,
#endif
	.gettstamp	= sock_gettstamp,
	.listen		= xtcp_listen,
	.shutdown	= xtcp_shutdown,
	.setsockopt	= xtcp_setsockopt,
	.getsockopt	= xtcp_getsockopt,
	.sendmsg	= xtcp_sendmsg,
	.recvmsg	= xtcp_recvmsg,
	.mmap		= sock_no_mmap,
	XTCP_COMPAT_SENDPAGE
	.set_rcvlowat	= xtcp_set_rcvlowat,
	.set_peek_off	= sk_set_peek_off,
};

static struct net_proto_family xtcp_pf = {
	.owner	= THIS_MODULE,
	.create	= xtcp_create,
};

int xtcp_socket_init(void)
{
	int err;

	BUILD_BUG_ON(offsetof(struct xtcp_sock, inet) != 0);
	xtcp_pf.family = xtcp_family;
	err = xtcp_memory_init();
	if (err)
		return err;
	err = sock_register(&xtcp_pf);
	if (err) {
		pr_err("xtcp: address family %d cannot be had (%d), try family=\n",
		       xtcp_family, err);
		xtcp_memory_exit();
	}
	return err;
}

void xtcp_socket_exit(void)
{
	sock_unregister(xtcp_family);
	xtcp_memory_exit();
}
