// SPDX-License-Identifier: GPL-2.0
/* table.c - /proc/net/xtcp/tcp and tcp6, byte for byte in the kernel's layout.
 *
 * A position is all listeners, or a bucket of the flow table: nothing is held
 * between two of them, and a restart in the middle finds the same place.
 * Sockets are listed by their own IP version, what has no socket by the wire's.
 */
#include "watch/table.h"

#include "conn/clock.h"
#include "conn/demux.h"
#include "conn/port.h"
#include "engine/listen.h"
#include "engine/listener.h"
#include "engine/sock.h"
#include "engine/timewait.h"
#include "proto/proto.h"
#include "queue/synq.h"

#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/xtcp.h>

#include <net/sock.h>

struct table_iter {
	struct seq_net_private	p;	/* must be first */
	loff_t			pos;
	unsigned int		line;	/* number of the position's first line */
	unsigned int		next_line;
	u8			version;
};

enum { POS_HEADER, POS_LISTENERS, POS_FLOWS };

/* Codes of the column tr */
enum { TR_NONE = 0, TR_REXMIT = 1, TR_KEEP = 2, TR_TIME_WAIT = 3, TR_PERSIST = 4 };

struct row {
	struct xtcp_tuple	t;
	const void		*object;
	u32			tx, rx;
	u64			wait_us;	/* until the timer fires */
	unsigned int		retrans;
	kuid_t			uid;
	int			probes, refs;
	unsigned long		ino;
	u8			state, tr;
	const struct xtcp_sock	*xs;		/* five columns more; or NULL */
};

struct rows {
	struct seq_file		*m;
	struct table_iter	*it;
};

static unsigned long us_to_clock(u64 us)
{
	return div_u64(us * USER_HZ, USEC_PER_SEC);
}

static u64 wait_from(u64 now, u64 at)
{
	return at > now ? at - now : 0;
}

/* The kernel pads the lines of tcp, not those of tcp6. */
static void line_end(struct seq_file *m, u8 version)
{
	if (version == 4)
		seq_pad(m, '\n');
	else
		seq_putc(m, '\n');
}

static void addr_print(struct seq_file *m, u8 version, const struct xtcp_addr *a,
		       __be16 port)
{
	const __be32 *w = a->in6.s6_addr32;

	if (version == 4)
		seq_printf(m, " %08X:%04X", (__force u32)w[3], ntohs(port));
	else
		seq_printf(m, " %08X%08X%08X%08X:%04X",
			   (__force u32)w[0], (__force u32)w[1],
			   (__force u32)w[2], (__force u32)w[3], ntohs(port));
}

static void sock_print(struct seq_file *m, const struct xtcp_sock *xs)
{
	u32 ssthresh = READ_ONCE(xs->cong.ssthresh);
	bool listen = READ_ONCE(xs->state) == XTCP_LISTEN;
	/* RTO and backoff may be of two moments */
	u32 rto = data_race(xtcp_rtt_rto(&xs->rtt));

	seq_printf(m, " %lu %lu %u %u %d",
		   us_to_clock(rto),
		   us_to_clock(READ_ONCE(xs->rcv.ato_ms) * USEC_PER_MSEC),
		   READ_ONCE(xs->rcv.quick) << 1 | READ_ONCE(xs->rcv.pingpong),
		   READ_ONCE(xs->cong.cwnd),
		   listen ? 0 : ssthresh >= XTCP_SSTHRESH_INF ? -1 : (int)ssthresh);
}

static void row_print(struct rows *r, const struct row *row)
{
	struct seq_file *m = r->m;
	u8 version = r->it->version;

	if (version == 4)
		seq_setwidth(m, 149);
	seq_printf(m, "%4d:", r->it->next_line++);
	addr_print(m, version, &row->t.laddr, row->t.lport);
	addr_print(m, version, &row->t.raddr, row->t.rport);
	seq_printf(m, " %02X %08X:%08X %02X:%08lX %08X %5u %8d %lu %d %pK",
		   row->state, row->tx, row->rx, row->tr,
		   us_to_clock(row->wait_us), row->retrans,
		   from_kuid_munged(seq_user_ns(m), row->uid), row->probes,
		   row->ino, row->refs, row->object);
	if (row->xs)
		sock_print(m, row->xs);
	line_end(m, version);
}

static void row_sock(struct row *row, struct xtcp_sock *xs)
{
	struct sock *sk = xtcp_sock_sk(xs);

	row->state = READ_ONCE(xs->state);
	row->uid = READ_ONCE(sk->sk_uid);
	row->ino = sock_i_ino(sk);
	row->refs = refcount_read(&sk->sk_refcnt);
	row->object = sk;
	row->xs = xs;
}

/* The socket's lock is not held: numbers may be of two moments. */
static void conn_timer(struct row *row, const struct xtcp_timers *t)
{
	u64 now = xtcp_clock_us();
	u64 rexmit_at = READ_ONCE(t->rexmit_at), keep_at = READ_ONCE(t->keep_at);

	if (rexmit_at) {
		row->tr = READ_ONCE(t->mode) == XTCP_TIMER_PERSIST ? TR_PERSIST : TR_REXMIT;
		row->wait_us = wait_from(now, rexmit_at);
	} else if (keep_at) {
		row->tr = TR_KEEP;
		row->wait_us = wait_from(now, keep_at);
	}
	row->retrans = READ_ONCE(t->retransmits);
	row->probes = READ_ONCE(t->probes_out);
}

static void conn_row(struct rows *r, struct xtcp_sock *xs)
{
	struct row row = { .t = xs->flow.tuple };

	if (xs->version != r->it->version)
		return;
	row_sock(&row, xs);
	row.tx = READ_ONCE(xs->sndq.write_seq) - READ_ONCE(xs->snd.una);
	row.rx = max_t(int, READ_ONCE(xs->rcv.nxt) -
			    READ_ONCE(xs->rcvq.copied_seq), 0);
	conn_timer(&row, &xs->timers);
	row_print(r, &row);
}

/* The limit stands where ss looks for Send-Q. */
static void listener_row(struct xtcp_sock *xs, void *arg)
{
	const struct xtcp_port_key *key = xtcp_port_key(xs->port);
	struct xtcp_listen_info i = { .size = sizeof(i) };
	struct rows *r = arg;
	struct row row = {
		.t.laddr = key->addr,
		.t.lport = htons(key->num),
	};

	if (xs->version != r->it->version)
		return;
	rcu_read_lock();
	xtcp_listen_info_get(xs, &i);
	rcu_read_unlock();
	row_sock(&row, xs);
	row.tx = i.accept_max;
	row.rx = i.accept_len;
	row_print(r, &row);
}

/* The user is the listener's, while it listens. */
static kuid_t half_uid(const struct xtcp_half *h)
{
	kuid_t uid = GLOBAL_ROOT_UID;
	const struct sock *lsk;

	rcu_read_lock();
	lsk = rcu_dereference(h->lst->sk);
	if (lsk)
		uid = READ_ONCE(lsk->sk_uid);
	rcu_read_unlock();
	return uid;
}

static void half_row(struct rows *r, struct xtcp_half *h)
{
	u8 retrans = READ_ONCE(h->flow.spare);
	u64 rto = (u64)XTCP_RTO_INIT_US << min_t(u8, retrans, 7);
	s32 age = (u32)xtcp_clock_us() - READ_ONCE(h->sent_us);
	struct row row = {
		.t	 = h->flow.tuple,
		.object	 = h,
		.state	 = XTCP_SYN_RECV,
		.tr	 = TR_REXMIT,
		.wait_us = min_t(u64, rto, XTCP_RTO_MAX_US),
		.retrans = retrans,
		.uid	 = half_uid(h),
		.refs	 = refcount_read(&h->ref),
	};

	row.wait_us = wait_from(max(age, 0), row.wait_us);
	row_print(r, &row);
}

static void tw_row(struct rows *r, struct xtcp_flow *f)
{
	struct row row = {
		.t	= f->tuple,
		.object	= f,
		.tr	= TR_TIME_WAIT,
		.uid	= GLOBAL_ROOT_UID,
	};
	u64 until;

	xtcp_tw_show(f, &row.state, &until, &row.refs);
	row.wait_us = wait_from(xtcp_clock_us(), until);
	row_print(r, &row);
}

static void flow_row(struct xtcp_flow *f, void *arg)
{
	struct rows *r = arg;

	if (f->kind == XTCP_FLOW_CONN)
		conn_row(r, xtcp_sock_of(f));
	else if (xtcp_flow_is_v4(f) != (r->it->version == 4))
		return;
	else if (f->kind == XTCP_FLOW_HALF)
		half_row(r, xtcp_half_of(f));
	else
		tw_row(r, f);
}

static void header_print(struct seq_file *m, u8 version)
{
	if (version == 4) {
		seq_setwidth(m, 149);
		seq_puts(m, "  sl  local_address rem_address   ");
	} else {
		seq_puts(m, "  sl  local_address                         ");
		seq_puts(m, "remote_address                        ");
	}
	seq_puts(m, "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode");
	line_end(m, version);
}

/* Empty buckets are passed over. */
static void *table_at(struct table_iter *it, loff_t *pos)
{
	if (*pos >= POS_FLOWS)
		*pos = POS_FLOWS + xtcp_flow_bucket_used(*pos - POS_FLOWS);
	it->pos = *pos;
	return *pos < POS_FLOWS + (loff_t)xtcp_flow_buckets() ? it : NULL;
}

static void *table_start(struct seq_file *m, loff_t *pos)
{
	struct table_iter *it = m->private;

	if (!*pos)
		it->line = 0;
	return table_at(it, pos);
}

/* The position was shown whole: count its lines. */
static void *table_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct table_iter *it = m->private;

	it->line = it->next_line;
	++*pos;
	return table_at(it, pos);
}

static void table_stop(struct seq_file *m, void *v)
{
}

static int table_show(struct seq_file *m, void *v, u8 version)
{
	struct net *net = seq_file_net(m);
	struct table_iter *it = v;
	struct rows r = { .m = m, .it = it };

	it->version = version;
	it->next_line = it->line;
	if (it->pos == POS_HEADER)
		header_print(m, version);
	else if (it->pos == POS_LISTENERS)
		xtcp_listener_walk(net, listener_row, &r);
	else
		xtcp_flow_walk_bucket(it->pos - POS_FLOWS, net, flow_row, &r);
	return 0;
}

static int tcp4_show(struct seq_file *m, void *v)
{
	return table_show(m, v, 4);
}

static int tcp6_show(struct seq_file *m, void *v)
{
	return table_show(m, v, 6);
}

static const struct seq_operations tcp4_ops = {
	.start	= table_start,
	.next	= table_next,
	.stop	= table_stop,
	.show	= tcp4_show,
};

static const struct seq_operations tcp6_ops = {
	.start	= table_start,
	.next	= table_next,
	.stop	= table_stop,
	.show	= tcp6_show,
};

bool xtcp_table_create(struct proc_dir_entry *dir)
{
	return proc_create_net("tcp", 0444, dir, &tcp4_ops,
			       sizeof(struct table_iter)) &&
	       proc_create_net("tcp6", 0444, dir, &tcp6_ops,
			       sizeof(struct table_iter));
}
