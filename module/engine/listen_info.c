// SPDX-License-Identifier: GPL-2.0
/* listen_info.c - a listener as others see it, and its policies */
#include "engine/listen.h"

#include "conn/netns.h"
#include "engine/listener.h"
#include "engine/sock.h"

#include <linux/xtcp.h>

static void stats_sum(const struct xtcp_listener *lst, struct xtcp_listen_stats *sum)
{
	unsigned int i;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu)
		for (i = 0; i < XTCP_LSTAT_MAX; i++)
			sum->n[i] += READ_ONCE(per_cpu_ptr(lst->stats, cpu)->n[i]);
}

static void info_stats(const struct xtcp_listener *lst, struct xtcp_listen_info *info)
{
	struct xtcp_listen_stats s;
	int i;

	stats_sum(lst, &s);
	info->syns = 0;
	for (i = XTCP_LSTAT_SYN_QUEUED; i <= XTCP_LSTAT_SYN_OTHER; i++)
		info->syns += s.n[i];
	info->established = s.n[XTCP_LSTAT_ESTABLISHED];
	info->accepted = s.n[XTCP_LSTAT_ACCEPTED];
	info->drops_syn = s.n[XTCP_LSTAT_SYN_FULL];
	info->drops_accept = s.n[XTCP_LSTAT_ACK_FULL] + s.n[XTCP_LSTAT_COOKIE_FULL];
	info->cookies_sent = s.n[XTCP_LSTAT_SYN_COOKIE];
	info->cookies_recv = s.n[XTCP_LSTAT_COOKIE_CHILD] +
			     s.n[XTCP_LSTAT_COOKIE_HELD] +
			     s.n[XTCP_LSTAT_COOKIE_FULL];
	info->cookies_failed = s.n[XTCP_LSTAT_COOKIE_BAD];
	info->expired = s.n[XTCP_LSTAT_EXPIRED];
	info->resets = s.n[XTCP_LSTAT_RST];
}

static void info_queues(struct xtcp_listener *lst, struct xtcp_listen_info *info)
{
	struct xtcp_acceptq *q = &lst->acceptq;
	u64 now = xtcp_clock_us();
	struct xtcp_sock *oldest;
	struct list_head *head;

	info->syn_len = xtcp_synq_len(&lst->synq);
	info->syn_max = READ_ONCE(lst->synq.max);
	info->syn_acked = READ_ONCE(lst->synq.acked_len);
	info->syn_peak = READ_ONCE(lst->synq.peak);

	spin_lock_bh(&q->lock);
	info->backlog = q->max;
	info->accept_len = q->len;
	info->accept_max = q->max;
	info->accept_peak = q->peak;
	head = xtcp_acceptq_peek_locked(q);
	oldest = head ? list_entry(head, struct xtcp_sock, acceptq_node) : NULL;
	if (oldest && now > oldest->origin.queued_us)
		info->oldest_ns = (now - oldest->origin.queued_us) * NSEC_PER_USEC;
	spin_unlock_bh(&q->lock);
}

void xtcp_listen_info_get(const struct xtcp_sock *xs, struct xtcp_listen_info *info)
{
	const struct xtcp_params *params = xs->params;
	struct xtcp_listener *lst;
	int policy;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	policy = READ_ONCE(xs->opt.synq_policy);
	if (policy < 0)
		policy = READ_ONCE(params->syncookies) ? XTCP_SYNQ_COOKIE :
							 XTCP_SYNQ_DROP;
	info->synq_policy = policy;
	policy = READ_ONCE(xs->opt.acceptq_policy);
	if (policy < 0)
		policy = READ_ONCE(params->abort_on_overflow) ?
			XTCP_ACCEPTQ_RESET : XTCP_ACCEPTQ_HOLD;
	info->acceptq_policy = policy;

	rcu_read_lock();
	lst = rcu_dereference(xs->lst);
	if (lst) {
		info_queues(lst, info);
		info_stats(lst, info);
	}
	rcu_read_unlock();
}

int xtcp_listen_policy_set(struct xtcp_sock *xs, int synq, int acceptq)
{
	if (synq < -1 || synq > XTCP_SYNQ_RESET ||
	    acceptq < -1 || acceptq > XTCP_ACCEPTQ_RESET)
		return -EINVAL;
	WRITE_ONCE(xs->opt.synq_policy, synq);
	WRITE_ONCE(xs->opt.acceptq_policy, acceptq);
	return 0;
}
