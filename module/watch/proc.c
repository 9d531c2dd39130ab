// SPDX-License-Identifier: GPL-2.0
/* proc.c - /proc/net/xtcp/ */
#include "watch/proc.h"

#include "compat/sock_parts.h"
#include "conn/demux.h"
#include "conn/netns.h"
#include "conn/port.h"
#include "engine/listen.h"
#include "engine/sock.h"
#include "watch/table.h"

#include <linux/math64.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <linux/xtcp.h>

#include <net/sock.h>

/* --- listen: a line for every listener ----------------------------------- */

static void listen_line(struct xtcp_sock *xs, void *arg)
{
	const struct xtcp_port_key *key = xtcp_port_key(xs->port);
	struct xtcp_listen_info i = { .size = sizeof(i) };
	struct seq_file *m = arg;
	__be32 v4 = xtcp_addr_v4(&key->addr);

	rcu_read_lock();
	xtcp_listen_info_get(xs, &i);
	rcu_read_unlock();

	seq_printf(m, "ino %lu ", (unsigned long)sock_i_ino(xtcp_sock_sk(xs)));
	if (key->version == 4)
		seq_printf(m, "%pI4:%u", &v4, key->num);
	else
		seq_printf(m, "[%pI6c]:%u", &key->addr.in6, key->num);
	seq_printf(m, " backlog %u syn %u/%u accept %u/%u peak %u/%u",
		   i.backlog, i.syn_len, i.syn_max, i.accept_len, i.accept_max,
		   i.syn_peak, i.accept_peak);
	seq_printf(m, " drops syn %llu accept %llu cookie %llu oldest %llums\n",
		   i.drops_syn, i.drops_accept, i.cookies_failed,
		   div_u64(i.oldest_ns, NSEC_PER_MSEC));
}

static int listen_show(struct seq_file *m, void *v)
{
	xtcp_listener_walk(seq_file_single_net(m), listen_line, m);
	return 0;
}

/* --- snmp, netstat: the counters ------------------------------------------ */

static struct xtcp_mib *mib_get(struct seq_file *m)
{
	struct xtcp_mib *mib = kmalloc(sizeof(*mib), GFP_KERNEL);

	if (mib)
		xtcp_mib_read(seq_file_single_net(m), mib);
	return mib;
}

static int snmp_show(struct seq_file *m, void *v)
{
	struct xtcp_mib *mib = mib_get(m);
	int i;

	if (!mib)
		return -ENOMEM;
	for (i = 0; i < XTCP_MIB_MAX; i++)
		seq_printf(m, "Xtcp%s %llu\n", xtcp_mib_name(i), mib->item[i]);
	for (i = XTCP_DROP_NONE + 1; i < XTCP_DROP_MAX; i++)
		seq_printf(m, "XtcpDrop%s %llu\n", xtcp_drop_name(i), mib->drop[i]);
	kfree(mib);
	return 0;
}

static int netstat_show(struct seq_file *m, void *v)
{
	struct xtcp_mib *mib = mib_get(m);
	int i;

	if (!mib)
		return -ENOMEM;
	seq_puts(m, "Xtcp:");
	for (i = 0; i < XTCP_MIB_MAX; i++)
		seq_printf(m, " %s", xtcp_mib_name(i));
	seq_puts(m, "\nXtcp:");
	for (i = 0; i < XTCP_MIB_MAX; i++)
		seq_printf(m, " %llu", mib->item[i]);
	seq_puts(m, "\nXtcpDrop:");
	for (i = XTCP_DROP_NONE + 1; i < XTCP_DROP_MAX; i++)
		seq_printf(m, " %s", xtcp_drop_name(i));
	seq_puts(m, "\nXtcpDrop:");
	for (i = XTCP_DROP_NONE + 1; i < XTCP_DROP_MAX; i++)
		seq_printf(m, " %llu", mib->drop[i]);
	seq_putc(m, '\n');
	kfree(mib);
	return 0;
}

/* --- sockstat: how many of what -------------------------------------------- */

struct census {
	unsigned int	inuse, tw, half;
};

static void count_flow(struct xtcp_flow *f, void *arg)
{
	struct census *c = arg;

	switch (f->kind) {
	case XTCP_FLOW_CONN:
		c->inuse++;
		break;
	case XTCP_FLOW_HALF:
		c->half++;
		break;
	case XTCP_FLOW_TW:
		c->tw++;
		break;
	}
}

static void count_listener(struct xtcp_sock *xs, void *arg)
{
	struct census *c = arg;

	c->inuse++;
}

static int sockstat_show(struct seq_file *m, void *v)
{
	struct net *net = seq_file_single_net(m);
	struct census c = {};
	unsigned int i;

	for (i = 0; i < xtcp_flow_buckets(); i++) {
		xtcp_flow_walk_bucket(i, net, count_flow, &c);
		cond_resched();
	}
	xtcp_listener_walk(net, count_listener, &c);
	seq_printf(m, "XTCP: inuse %u orphan %d tw %u half %u mem %ld\n",
		   c.inuse, atomic_read(&xtcp_net(net)->orphans), c.tw, c.half,
		   proto_memory_allocated(&xtcp_prot));
	return 0;
}

/* --- life -------------------------------------------------------------------- */

static bool files_create(struct proc_dir_entry *dir)
{
	return proc_create_net_single("listen", 0444, dir, listen_show, NULL) &&
	       proc_create_net_single("snmp", 0444, dir, snmp_show, NULL) &&
	       proc_create_net_single("netstat", 0444, dir, netstat_show, NULL) &&
	       proc_create_net_single("sockstat", 0444, dir, sockstat_show, NULL) &&
	       xtcp_table_create(dir);
}

int xtcp_proc_net_init(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);

	/* not proc_mkdir(): the files find their namespace in the directory */
	xnet->proc = proc_net_mkdir(net, "xtcp", net->proc_net);
	if (!xnet->proc)
		return -ENOMEM;
	if (!files_create(xnet->proc)) {
		xtcp_proc_net_exit(net);
		return -ENOMEM;
	}
	return 0;
}

void xtcp_proc_net_exit(struct net *net)
{
	struct xtcp_net *xnet = xtcp_net(net);

	proc_remove(xnet->proc);
	xnet->proc = NULL;
}
