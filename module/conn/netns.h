/* SPDX-License-Identifier: GPL-2.0 */
/* netns.h - what xtcp has per network namespace.
 *
 * Made and unmade by the pernet operations in main.c, which are a ladder of
 * the owners' _net_init functions and its mirror: this one first and last; the
 * order of the exit is design decision 17.  A user's socket pins its namespace,
 * so at exit there are no sockets, only minisocks and shadows.
 */
#ifndef XTCP_CONN_NETNS_H
#define XTCP_CONN_NETNS_H

#include "conn/clock.h"
#include "conn/mib.h"
#include "conn/port.h"
#include "proto/cookie.h"

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/netns/hash.h>

struct sock;
struct ctl_table_header;

/* The sysctls of net.xtcp, with the kernel's names; plain ints, read with
 * READ_ONCE. Sockets read them through xs->params. */
struct xtcp_params {
	int	rmem[3];		/* min, default 87380, max */
	int	wmem[3];		/* min, default 16384, max */
	int	syncookies;		/* 1: when the SYN queue is full; 0: drop; 2: always */
	int	abort_on_overflow;	/* accept queue full: RST instead of hold */
	int	synack_retries;		/* 5 */
	int	max_syn_backlog;	/* unused by the limit, kept for readers */
	int	retries1;		/* 3 */
	int	retries2;		/* 15 */
	int	orphan_retries;		/* 0: as Linux, 8 */
	int	fin_timeout;		/* seconds, 60 */
	int	keepalive_time;		/* seconds */
	int	keepalive_probes;
	int	keepalive_intvl;	/* seconds */
	int	timestamps;
	int	sack;
	int	dsack;			/* tell of duplicates (RFC 2883) */
	int	window_scaling;
	int	max_tw_buckets;
	int	max_orphans;
	int	moderate_rcvbuf;
	int	adv_win_scale;
	int	shrink_window;
	int	stdurg;
	int	rcvbuf_low_rtt;		/* us */
	int	challenge_ack_limit;	/* a second, about; INT_MAX: none */
	int	invalid_ratelimit;	/* ms between answers to what is not acceptable */
	unsigned int notsent_lowat;
	int	autocorking;
	int	limit_output_bytes;
	int	tso_rtt_log;
	int	syn_retries;
	int	syn_linear_timeouts;	/* of them, without backoff */
	int	reuse_tw;		/* tw_reuse, by connect(): 0 no, 1 yes, 2 on loopback */
	int	early_retrans;		/* tail loss probes: 3 or 4; others: none */
	int	rto_min_us;
	int	rto_max_ms;
	int	min_tso_segs;		/* of a super-packet, however slow the path */
	int	tso_win_divisor;	/* part of the window worth sending; 0: 3 segments */
	int	ecn;			/* 1: ask; 2: agree when asked; 0: neither */
	int	ecn_fallback;		/* a SYN that is sent again does not ask */
	int	slow_start_after_idle;
	int	pacing_ss_ratio;	/* percent of cwnd / SRTT in slow start */
	int	pacing_ca_ratio;
	int	mtu_probing;		/* 1: after a black hole; 2: always; 0: never */
	int	base_mss;		/* where that search begins */
	int	mtu_probe_floor;	/* and what it never goes below */
	int	probe_threshold;	/* bytes that are not worth a probe */
	int	comp_sack_delay_ns;	/* an ACK of what comes behind a hole waits */
	int	comp_sack_slack_ns;	/* and a bit longer if nothing wakes */
	int	comp_sack_nr;		/* for so many segments; 0: never */
	int	probe_interval;		/* seconds until the next search */
	char	congestion_control[16];	/* a reader that races with a writer may
					 * find no such algorithm: the default then */
};

struct xtcp_tw_queue {
	spinlock_t		lock;	/* BH; inside a flow bucket's lock never */
	struct list_head	fifo;	/* struct xtcp_tw, oldest first */
	unsigned int		len;
	struct xtcp_timer	timer;
};

/* net/early.c alone */
struct xtcp_early {
	struct delayed_work	work;
	unsigned int		idle;	/* looks since it was wanted; the work's */
	bool			wanted;	/* a segment came, and nobody looked since */
	bool			hooked;	/* the work's */
};

struct xtcp_net {
	struct net		*net;
	struct xtcp_params	params;
	struct xtcp_mib __percpu *mib;
	unsigned long __rcu	*port_bits;	/* 65536 bits or NULL; port.c alone */
	struct xtcp_port_net	ports;
	struct xtcp_early	early;
	struct sock		*ctl4, *ctl6;	/* send for who has no socket */
	struct xtcp_tw_queue	tw;
	struct xtcp_cookie_key	cookie_key;
	atomic_t		challenge_left;	/* of this second's */
	u32			challenge_sec;
	atomic_t		orphans;	/* closed, and not done */
	struct ctl_table_header	*sysctl;
	struct proc_dir_entry	*proc;
};

extern unsigned int xtcp_net_id;	/* main.c */

static inline struct xtcp_net *xtcp_net(const struct net *net)
{
	return net_generic(net, xtcp_net_id);
}

static inline void xtcp_mib_inc(const struct net *net, enum xtcp_mib_item item)
{
	this_cpu_inc(xtcp_net(net)->mib->item[item]);
}

static inline void xtcp_mib_add(const struct net *net, enum xtcp_mib_item item,
				unsigned int n)
{
	this_cpu_add(xtcp_net(net)->mib->item[item], n);
}

static inline void xtcp_mib_dec(const struct net *net, enum xtcp_mib_item item)
{
	this_cpu_dec(xtcp_net(net)->mib->item[item]);
}

static inline void xtcp_mib_drop(const struct net *net, enum xtcp_drop why)
{
	this_cpu_inc(xtcp_net(net)->mib->drop[why]);
}

/* Keeps timestamp offsets of namespaces apart (proto/isn.h). */
static inline u32 xtcp_net_salt(const struct net *net)
{
	return net_hash_mix(net);
}

/* Counters, default parameters, lists, secrets. */
int xtcp_netns_net_init(struct net *net);
void xtcp_netns_net_exit(struct net *net);

#endif
