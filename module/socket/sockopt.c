// SPDX-License-Identifier: GPL-2.0
/* sockopt.c - socket options: SOL_TCP and SOL_XTCP */
#include "socket/sockopt.h"

#include "conn/port.h"
#include "engine/listen.h"
#include "engine/output.h"
#include "engine/sock.h"
#include "engine/timers.h"
#include "socket/accept.h"
#include "socket/info.h"

#include <linux/net.h>
#include <linux/uaccess.h>
#include <linux/xtcp.h>
#include <net/tcp.h>

#define IN_CLOSE_OR_LISTEN(xs) \
	(XTCPF((xs)->state) & (XTCPF(XTCP_CLOSE) | XTCPF(XTCP_LISTEN)))

/* --- SOL_TCP: ints ------------------------------------------------------- */

static int set_nodelay(struct xtcp_sock *xs, int val)
{
	xs->opt.nodelay = !!val;
	if (val)	/* what Nagle held goes now, even under TCP_CORK */
		xtcp_output(xs, true);
	return 0;
}

static int get_nodelay(const struct xtcp_sock *xs)
{
	return xs->opt.nodelay;
}

static int set_cork(struct xtcp_sock *xs, int val)
{
	xs->opt.cork = !!val;
	if (!val)
		xtcp_output(xs, xs->opt.nodelay);
	return 0;
}

static int get_cork(const struct xtcp_sock *xs)
{
	return xs->opt.cork;
}

static int set_maxseg(struct xtcp_sock *xs, int val)
{
	if (val && (val < TCP_MIN_MSS || val > MAX_TCP_WINDOW))
		return -EINVAL;
	xs->opt.user_mss = val;
	return 0;
}

static int get_maxseg(const struct xtcp_sock *xs)
{
	if (xs->opt.user_mss && IN_CLOSE_OR_LISTEN(xs))
		return xs->opt.user_mss;
	return xs->snd.mss;
}

/* Idle time and interval take effect at once on a running keepalive. */
static void keepalive_changed(struct xtcp_sock *xs)
{
	if (sock_flag(&xs->inet.sk, SOCK_KEEPOPEN) && !IN_CLOSE_OR_LISTEN(xs))
		xtcp_timers_keepalive_set(xs, true);
}

static int set_keepidle(struct xtcp_sock *xs, int val)
{
	if (val < 1 || val > MAX_TCP_KEEPIDLE)
		return -EINVAL;
	xs->opt.keep_idle_s = val;
	keepalive_changed(xs);
	return 0;
}

static int get_keepidle(const struct xtcp_sock *xs)
{
	return xs->opt.keep_idle_s ?: READ_ONCE(xs->params->keepalive_time);
}

static int set_keepintvl(struct xtcp_sock *xs, int val)
{
	if (val < 1 || val > MAX_TCP_KEEPINTVL)
		return -EINVAL;
	xs->opt.keep_intvl_s = val;
	return 0;
}

static int get_keepintvl(const struct xtcp_sock *xs)
{
	return xs->opt.keep_intvl_s ?: READ_ONCE(xs->params->keepalive_intvl);
}

static int set_keepcnt(struct xtcp_sock *xs, int val)
{
	if (val < 1 || val > MAX_TCP_KEEPCNT)
		return -EINVAL;
	xs->opt.keep_probes = val;
	return 0;
}

static int get_keepcnt(const struct xtcp_sock *xs)
{
	return xs->opt.keep_probes ?: READ_ONCE(xs->params->keepalive_probes);
}

static int set_syncnt(struct xtcp_sock *xs, int val)
{
	if (val < 1 || val > MAX_TCP_SYNCNT)
		return -EINVAL;
	xs->opt.syn_retries = val;
	return 0;
}

static int get_syncnt(const struct xtcp_sock *xs)
{
	return xs->opt.syn_retries ?: READ_ONCE(xs->params->syn_retries);
}

static int set_linger2(struct xtcp_sock *xs, int val)
{
	xs->opt.linger2_off = val < 0;
	xs->opt.linger2_s = clamp(val, 0, TCP_FIN_TIMEOUT_MAX / HZ);
	return 0;
}

static int get_linger2(const struct xtcp_sock *xs)
{
	if (xs->opt.linger2_off)
		return -1;
	return xs->opt.linger2_s ?: READ_ONCE(xs->params->fin_timeout);
}

/* Kept as the number of SYN-ACKs that take that long: what is read back is the
 * time of that many, as in Linux.
 */
static int set_defer_accept(struct xtcp_sock *xs, int val)
{
	int rto = 1, period = 1;
	u8 n = 0;

	if (val > 0) {
		for (n = 1; val > period && n < U8_MAX; n++) {
			rto = min_t(int, rto << 1,
				    XTCP_RTO_MAX_US / USEC_PER_SEC);
			period += rto;
		}
	}
	WRITE_ONCE(xs->opt.defer_accept, n);
	return 0;
}

static int get_defer_accept(const struct xtcp_sock *xs)
{
	int n = READ_ONCE(xs->opt.defer_accept), rto = 1, period = 1;

	if (!n)
		return 0;
	while (--n) {
		rto = min_t(int, rto << 1, XTCP_RTO_MAX_US / USEC_PER_SEC);
		period += rto;
	}
	return period;
}

static int set_window_clamp(struct xtcp_sock *xs, int val)
{
	struct xtcp_rcv *rcv = &xs->rcv;
	u32 old = rcv->clamp, new;

	if (!val) {
		if (xs->state != XTCP_CLOSE)
			return -EINVAL;
		rcv->clamp = 0;
		xs->opt.window_clamp = 0;
		return 0;
	}
	new = max_t(u32, val, SOCK_MIN_RCVBUF / 2);
	xs->opt.window_clamp = new;
	rcv->clamp = new;
	if (new < old)
		rcv->ssthresh = min(rcv->ssthresh, new);
	else if (new > old)
		rcv->ssthresh = max(rcv->ssthresh, min(rcv->wnd, new));
	return 0;
}

static int get_window_clamp(const struct xtcp_sock *xs)
{
	return xs->rcv.clamp;
}

/* Bit 0 decides how long: without it this one ACK, then interactive again. */
static int set_quickack(struct xtcp_sock *xs, int val)
{
	xs->opt.quickack = !!val;
	xs->rcv.pingpong = !val;
	if (val && xs->rcv.ack_owed &&
	    (XTCPF(xs->state) & (XTCPF(XTCP_ESTABLISHED) |
				 XTCPF(XTCP_CLOSE_WAIT)))) {
		xs->rcv.ack_now = true;
		xtcp_output_after_input(xs);
		if (!(val & 1))
			xs->rcv.pingpong = true;
	}
	return 0;
}

static int get_quickack(const struct xtcp_sock *xs)
{
	return !xs->rcv.pingpong;
}

static int set_user_timeout(struct xtcp_sock *xs, int val)
{
	if (val < 0)
		return -EINVAL;
	xs->opt.user_timeout_ms = val;
	return 0;
}

static int get_user_timeout(const struct xtcp_sock *xs)
{
	return xs->opt.user_timeout_ms;
}

static int set_notsent_lowat(struct xtcp_sock *xs, int val)
{
	struct sock *sk = &xs->inet.sk;

	WRITE_ONCE(xs->opt.notsent_lowat, val);
	sk->sk_write_space(sk);
	return 0;
}

static int get_notsent_lowat(const struct xtcp_sock *xs)
{
	return READ_ONCE(xs->opt.notsent_lowat);
}

static int set_inq(struct xtcp_sock *xs, int val)
{
	if (val < 0 || val > 1)
		return -EINVAL;
	xs->opt.inq = val;
	return 0;
}

static int get_inq(const struct xtcp_sock *xs)
{
	return xs->opt.inq;
}

static int get_timestamp(const struct xtcp_sock *xs)
{
	return xtcp_clock_ms() + xs->ts.offset;
}

static int set_thin(struct xtcp_sock *xs, int val)
{
	return val < 0 || val > 1 ? -EINVAL : 0;
}

static int get_thin(const struct xtcp_sock *xs)
{
	return 0;
}

/* --- SOL_TCP: the rest ----------------------------------------------------- */

/* @len of the user, cut to @max; *optlen says so. */
int xtcp_sockopt_answer(char __user *optval, int __user *optlen, const void *data,
			unsigned int max)
{
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = min_t(unsigned int, len, max);
	if (put_user(len, optlen) || copy_to_user(optval, data, len))
		return -EFAULT;
	return 0;
}

static int get_info(struct socket *sock, char __user *optval, int __user *optlen)
{
	struct xtcp_tcp_info info;

	xtcp_info_get(sock->sk, &info);
	return xtcp_sockopt_answer(optval, optlen, &info, sizeof(info));
}

static const struct xtcp_sockopt tcp_options[] = {
	{ TCP_NODELAY,		set_nodelay,		get_nodelay },
	{ TCP_MAXSEG,		set_maxseg,		get_maxseg },
	{ TCP_CORK,		set_cork,		get_cork },
	{ TCP_KEEPIDLE,		set_keepidle,		get_keepidle },
	{ TCP_KEEPINTVL,	set_keepintvl,		get_keepintvl },
	{ TCP_KEEPCNT,		set_keepcnt,		get_keepcnt },
	{ TCP_SYNCNT,		set_syncnt,		get_syncnt },
	{ TCP_LINGER2,		set_linger2,		get_linger2 },
	{ TCP_DEFER_ACCEPT,	set_defer_accept,	get_defer_accept },
	{ TCP_WINDOW_CLAMP,	set_window_clamp,	get_window_clamp },
	{ TCP_QUICKACK,		set_quickack,		get_quickack },
	{ TCP_USER_TIMEOUT,	set_user_timeout,	get_user_timeout },
	{ TCP_NOTSENT_LOWAT,	set_notsent_lowat,	get_notsent_lowat },
	{ TCP_INQ,		set_inq,		get_inq },
	{ TCP_THIN_LINEAR_TIMEOUTS, set_thin,		get_thin },
	{ TCP_THIN_DUPACK,	set_thin,		get_thin },
	{ TCP_TIMESTAMP,	.get = get_timestamp },
	{ TCP_SAVE_SYN,		xtcp_set_save_syn,	xtcp_get_save_syn },
	{ TCP_SAVED_SYN,	.get_any = xtcp_get_saved_syn },
	{ TCP_CONGESTION, .set_any = xtcp_set_congestion,
			  .get_any = xtcp_get_congestion },
	{ TCP_INFO,		.get_any = get_info },
	{ TCP_CC_INFO,		.get_any = xtcp_get_cc_info },
};

/* --- by table -------------------------------------------------------------- */

static const struct xtcp_sockopt *find(const struct xtcp_sockopt *o, size_t n, int name)
{
	for (; n; n--, o++)
		if (o->name == name)
			return o;
	return NULL;
}

static int set_by_table(struct sock *sk, const struct xtcp_sockopt *o,
			sockptr_t optval, unsigned int optlen)
{
	int val, err;

	if (o && o->set_any)
		return o->set_any(sk, optval, optlen);
	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	if (!o || !o->set)
		return -ENOPROTOOPT;
	lock_sock(sk);
	err = o->set(xtcp_sk(sk), val);
	release_sock(sk);
	return err;
}

static int get_by_table(struct socket *sock, const struct xtcp_sockopt *o,
			char __user *optval, int __user *optlen)
{
	int val, len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (!o)
		return -ENOPROTOOPT;
	if (o->get_any)
		return o->get_any(sock, optval, optlen);
	if (!o->get)
		return -ENOPROTOOPT;
	val = o->get(xtcp_sk(sock->sk));
	return xtcp_sockopt_answer(optval, optlen, &val, sizeof(val));
}

int xtcp_setsockopt(struct socket *sock, int level, int optname,
		    sockptr_t optval, unsigned int optlen)
{
	struct sock *sk = sock->sk;

	switch (level) {
	case SOL_TCP:
		return set_by_table(sk, find(tcp_options,
					     ARRAY_SIZE(tcp_options), optname),
				    optval, optlen);
	case SOL_XTCP:
		return set_by_table(sk, find(xtcp_sockopts,
					     xtcp_sockopts_len, optname),
				    optval, optlen);
	case SOL_IP:
		return xtcp_setsockopt_ip(sk, optname, optval, optlen);
	case SOL_IPV6:
		if (xtcp_sk(sk)->version == 6)
			return xtcp_setsockopt_ipv6(sk, optname, optval, optlen);
	}
	return -ENOPROTOOPT;
}

int xtcp_getsockopt(struct socket *sock, int level, int optname,
		    char __user *optval, int __user *optlen)
{
	struct sock *sk = sock->sk;
	bool v6 = xtcp_sk(sk)->version == 6;

	switch (level) {
	case SOL_TCP:
		return get_by_table(sock, find(tcp_options,
					       ARRAY_SIZE(tcp_options), optname),
				    optval, optlen);
	case SOL_XTCP:
		return get_by_table(sock, find(xtcp_sockopts,
					       xtcp_sockopts_len, optname),
				    optval, optlen);
	case SOL_IP:
		return xtcp_getsockopt_ip(sk, optname, optval, optlen);
	case SOL_IPV6:
		if (v6)
			return xtcp_getsockopt_ipv6(sk, optname, optval, optlen);
	}
	return v6 ? -ENOPROTOOPT : -EOPNOTSUPP;	/* as AF_INET6, as AF_INET */
}
