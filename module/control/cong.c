// SPDX-License-Identifier: GPL-2.0
/* cong.c - what all congestion controls have in common
 *
 * An algorithm answers two questions: how far down after congestion
 * (ssthresh) and how far up after an ACK (cong_avoid).  When that is asked is
 * decided here, by state:
 *
 *	OPEN, DISORDER	ACKs raise cwnd
 *	CWR, RECOVERY	cwnd belongs to PRR (engine/recovery.c)
 *	LOSS		cwnd restarted at the pipe + 1, ACKs raise it
 *
 * A window that is not used is not evidence of anything: cwnd grows only
 * while it is what limits the sender, and decays while it is not (RFC 2861;
 * RFC 7661 gives the reasons).
 */

#include "control/cong.h"
#include "control/rate.h"
#include "control/reno.h"
#include "proto/proto.h"
#include "proto/seq.h"

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>

/* --- life ---------------------------------------------------------------- */

static void ops_start(struct xtcp_cong *c, const struct xtcp_cong_ops *ops)
{
	memset(c->priv, 0, sizeof(c->priv));
	c->cwnd_cnt = 0;
	c->pacing_rate = 0;
	c->self_limited = false;
	WRITE_ONCE(c->ops, ops);
	if (ops->init)
		ops->init(c);
}

/* The caller puts what it returns, once c->ops shows something else */
static const struct xtcp_cong_ops *ops_stop(struct xtcp_cong *c)
{
	if (c->ops->release)
		c->ops->release(c);
	return c->ops;
}

void xtcp_cong_init(struct xtcp_cong *c, const struct xtcp_cong_ops *ops,
		    u32 init_cwnd)
{
	*c = (struct xtcp_cong) {
		.cwnd = init_cwnd,
		.init_cwnd = init_cwnd,
		.ssthresh = XTCP_SSTHRESH_INF,
		.cwnd_clamp = XTCP_CWND_MAX,
		.state = XTCP_CA_OPEN,
		.after_idle = true,
	};
	ops_start(c, ops);
}

void xtcp_cong_clone(struct xtcp_cong *c, const struct xtcp_cong *from,
		     u32 init_cwnd)
{
	const struct xtcp_cong_ops *ops = READ_ONCE(from->ops);

	if (!try_module_get(ops->owner))	/* just being removed */
		ops = &xtcp_reno;
	xtcp_cong_init(c, ops, init_cwnd);
	c->after_idle = from->after_idle;
	c->cwnd_clamp = from->cwnd_clamp;
}

void xtcp_cong_restart(struct xtcp_cong *c, u32 init_cwnd)
{
	const struct xtcp_cong_ops *ops = ops_stop(c);
	bool after_idle = c->after_idle, chosen = c->chosen;
	u32 clamp = c->cwnd_clamp;

	xtcp_cong_init(c, ops, init_cwnd);
	c->after_idle = after_idle;
	c->chosen = chosen;
	c->cwnd_clamp = clamp;
}

void xtcp_cong_exit(struct xtcp_cong *c)
{
	if (!c->ops)
		return;
	xtcp_cong_put(ops_stop(c));
	c->ops = NULL;
}

void xtcp_cong_switch(struct xtcp_cong *c, const struct xtcp_cong_ops *ops)
{
	const struct xtcp_cong_ops *old = ops_stop(c);

	ops_start(c, ops);
	xtcp_cong_put(old);
}

void xtcp_cong_established(struct xtcp_cong *c, u32 init_cwnd, bool lost)
{
	c->init_cwnd = min(init_cwnd, c->cwnd_clamp);
	c->cwnd = lost ? 1 : c->init_cwnd;
}

/* --- going up ------------------------------------------------------------ */

bool xtcp_cong_is_limited(const struct xtcp_cong *c)
{
	/* Slow start doubles per round: half a window in use is enough */
	if (xtcp_cong_in_slow_start(c) && c->cwnd < 2 * c->max_flight)
		return true;
	return c->limited;
}
EXPORT_SYMBOL_GPL(xtcp_cong_is_limited);

/* RFC 5681 3.1, counted in packets as RFC 3465 counts bytes: a stretch ACK
 * opens as much as the ACKs it stands for.
 */
u32 xtcp_cong_slow_start(struct xtcp_cong *c, u32 acked)
{
	u32 cwnd = min(c->cwnd + acked, c->ssthresh);

	acked -= cwnd - c->cwnd;
	c->cwnd = min(cwnd, c->cwnd_clamp);
	return acked;
}
EXPORT_SYMBOL_GPL(xtcp_cong_slow_start);

void xtcp_cong_ai(struct xtcp_cong *c, u32 w, u32 acked)
{
	w = max(w, 1U);
	c->cwnd_cnt += acked;
	if (c->cwnd_cnt >= w) {
		c->cwnd = min(c->cwnd + c->cwnd_cnt / w, c->cwnd_clamp);
		c->cwnd_cnt %= w;
	}
}
EXPORT_SYMBOL_GPL(xtcp_cong_ai);

static bool state_may_grow(const struct xtcp_cong *c)
{
	return c->state != XTCP_CA_CWR && c->state != XTCP_CA_RECOVERY;
}

void xtcp_cong_ack(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
		   const struct xtcp_rate_sample *rs)
{
	if (c->ops->pkts_acked)
		c->ops->pkts_acked(c, a);

	if (c->ops->cong_control)
		c->ops->cong_control(c, a, rs);
	else if (a->acked && state_may_grow(c))
		c->ops->cong_avoid(c, a);
}

/* --- validation ---------------------------------------------------------- */

/* What RFC 2861 leaves in ssthresh as memory of a window that was right */
static u32 ssthresh_memory(const struct xtcp_cong *c)
{
	if (!state_may_grow(c))
		return c->ssthresh;
	return max(c->ssthresh, c->cwnd - (c->cwnd >> 2));
}

/* RFC 5681 4.1 by RFC 2861: half a window per RTO of silence, down to
 * RW = min(IW, cwnd).
 */
static void restart_after_idle(struct xtcp_cong *c, u64 idle_us, u32 rto_us)
{
	u32 restart = min(c->init_cwnd, c->cwnd);

	c->ssthresh = ssthresh_memory(c);
	for (; idle_us > rto_us && c->cwnd > restart; idle_us -= rto_us)
		c->cwnd >>= 1;
	c->cwnd = max(c->cwnd, restart);
	c->cwnd_cnt = 0;
}

void xtcp_cong_tx_start(struct xtcp_cong *c, u32 rto_us, u64 now_us,
			bool app_limited)
{
	u64 idle_us = now_us - c->sent_us;

	if (!c->sent_us)
		return;		/* the first data of this connection */

	if (c->ops->tx_start)
		c->ops->tx_start(c, now_us, app_limited);

	if (c->after_idle && !c->ops->cong_control && idle_us > rto_us) {
		restart_after_idle(c, idle_us, rto_us);
		c->used = 0;
		c->used_us = now_us;
	}
}

/* An RTO went by in which the window was never full: RFC 2861 takes half of
 * what was not used.
 */
static void decay_unused(struct xtcp_cong *c)
{
	u32 used = max(c->used, c->init_cwnd);

	if (c->state != XTCP_CA_OPEN || used >= c->cwnd)
		return;
	c->ssthresh = ssthresh_memory(c);
	c->cwnd = (c->cwnd + used) >> 1;
}

/* The largest flight of a round, and whether cwnd stopped it */
static void round_update(struct xtcp_cong *c, const struct xtcp_cong_tx *tx)
{
	if (!c->max_flight || seq_geq(tx->snd_una, c->round_end)) {
		c->max_flight = tx->flight;
		c->limited = tx->limited;
		c->round_end = tx->snd_nxt;
		return;
	}
	c->max_flight = max(c->max_flight, tx->flight);
	c->limited |= tx->limited;
}

void xtcp_cong_sent(struct xtcp_cong *c, const struct xtcp_cong_tx *tx)
{
	round_update(c, tx);

	if (!c->sent_us || tx->limited || tx->flight >= c->cwnd) {
		c->used = 0;
		c->used_us = tx->now_us;
	} else {
		c->used = max(c->used, tx->flight);
		if (c->after_idle && !c->ops->cong_control &&
		    tx->now_us - c->used_us >= tx->rto_us) {
			decay_unused(c);
			c->used = 0;
			c->used_us = tx->now_us;
		}
	}
	c->sent_us = tx->now_us;
}

/* --- going down ---------------------------------------------------------- */

void xtcp_cong_set_state(struct xtcp_cong *c, enum xtcp_ca_state state)
{
	if (c->ops->set_state)
		c->ops->set_state(c, state);
	c->state = state;
}

/* Remember for undo, then ask the algorithm.  RFC 5681 (4) has FlightSize
 * here; cwnd serves because it is kept validated (RFC 9438 4.6 allows that).
 */
static void reduce(struct xtcp_cong *c)
{
	c->prior_cwnd = c->cwnd;
	c->prior_ssthresh = ssthresh_memory(c);
	c->ssthresh = max(c->ops->ssthresh(c), XTCP_CWND_MIN);
	c->cwnd_cnt = 0;
}

void xtcp_cong_enter_recovery(struct xtcp_cong *c)
{
	if (state_may_grow(c))		/* once per window (RFC 6582 3.2) */
		reduce(c);
	xtcp_cong_set_state(c, XTCP_CA_RECOVERY);
}

void xtcp_cong_enter_cwr(struct xtcp_cong *c)
{
	if (!state_may_grow(c))
		return;
	reduce(c);
	c->prior_cwnd = 0;
	xtcp_cong_set_state(c, XTCP_CA_CWR);
}

void xtcp_cong_timeout(struct xtcp_cong *c, u32 pipe, bool again)
{
	if (!again)
		reduce(c);
	c->cwnd = pipe + 1;
	c->cwnd_cnt = 0;
	xtcp_cong_set_state(c, XTCP_CA_LOSS);
}

void xtcp_cong_complete(struct xtcp_cong *c, u64 now_us)
{
	if (!state_may_grow(c) && !c->ops->cong_control &&
	    c->ssthresh < XTCP_SSTHRESH_INF)
		c->cwnd = min(c->ssthresh, c->cwnd_clamp);
	c->used = 0;
	c->used_us = now_us;
	xtcp_cong_set_state(c, XTCP_CA_OPEN);
}

void xtcp_cong_undo(struct xtcp_cong *c)
{
	u32 cwnd = c->prior_cwnd;

	if (!cwnd)
		return;
	if (c->ops->undo_cwnd)
		cwnd = c->ops->undo_cwnd(c);
	c->cwnd = min(max(c->cwnd, cwnd), c->cwnd_clamp);
	c->ssthresh = max(c->ssthresh, c->prior_ssthresh);
	c->cwnd_cnt = 0;
	c->prior_cwnd = 0;
}

void xtcp_cong_resized(struct xtcp_cong *c, u32 from, u32 to)
{
	u64 cwnd = div_u64((u64)c->cwnd * from, to);

	c->ssthresh = ssthresh_memory(c);
	c->cwnd = max_t(u64, min_t(u64, cwnd, c->cwnd_clamp), 1);
	c->cwnd_cnt = 0;
}

/* --- pacing -------------------------------------------------------------- */

u64 xtcp_cong_pacing_rate(const struct xtcp_cong *c, u32 out, u32 srtt_us,
			  u32 ss_ratio, u32 ca_ratio)
{
	u32 ratio = c->cwnd < c->ssthresh / 2 ? ss_ratio : ca_ratio;
	u64 rate;

	if (c->pacing_rate)
		return c->pacing_rate;
	if (!srtt_us)
		return 0;

	/* mss * cwnd < 2**39, ratio < 2**10: below 2**63 in the end */
	rate = (u64)c->mss * min(max(c->cwnd, out), XTCP_CWND_MAX) * ratio;
	return div_u64(rate * (XTCP_USEC_PER_SEC / 100), srtt_us);
}

/* --- registry ------------------------------------------------------------ */

static DEFINE_SPINLOCK(registry_lock);
static struct xtcp_cong_ops *registry;		/* under registry_lock */

/* The link that points to name, or the last link */
static struct xtcp_cong_ops **registry_link(const char *name)
{
	struct xtcp_cong_ops **p = &registry;

	while (*p && strcmp((*p)->name, name))
		p = &(*p)->next;
	return p;
}

int xtcp_cong_register(struct xtcp_cong_ops *ops)
{
	struct xtcp_cong_ops **p;
	int err = 0;

	if (!ops->name[0] || !ops->ssthresh ||
	    !(ops->cong_avoid || ops->cong_control))
		return -EINVAL;

	spin_lock_bh(&registry_lock);
	p = registry_link(ops->name);
	if (*p) {
		err = -EEXIST;
	} else {
		ops->next = NULL;
		*p = ops;
	}
	spin_unlock_bh(&registry_lock);
	return err;
}
EXPORT_SYMBOL_GPL(xtcp_cong_register);

/* Connections that use ops hold its module, so by now there are none; one that
 * is just being cloned may still look at ops, under RCU.
 */
void xtcp_cong_unregister(struct xtcp_cong_ops *ops)
{
	struct xtcp_cong_ops **p;

	spin_lock_bh(&registry_lock);
	p = registry_link(ops->name);
	if (*p == ops)
		*p = ops->next;
	spin_unlock_bh(&registry_lock);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(xtcp_cong_unregister);

const struct xtcp_cong_ops *xtcp_cong_find(const char *name)
{
	struct xtcp_cong_ops *ops;

	spin_lock_bh(&registry_lock);
	ops = *registry_link(name);
	if (ops && !try_module_get(ops->owner))
		ops = NULL;
	spin_unlock_bh(&registry_lock);
	return ops;
}

const struct xtcp_cong_ops *
xtcp_cong_match(bool (*match)(const struct xtcp_cong_ops *ops, u32 arg), u32 arg)
{
	struct xtcp_cong_ops *ops;

	spin_lock_bh(&registry_lock);
	for (ops = registry; ops && !match(ops, arg);)
		ops = ops->next;
	if (ops && !try_module_get(ops->owner))
		ops = NULL;
	spin_unlock_bh(&registry_lock);
	return ops;
}

void xtcp_cong_put(const struct xtcp_cong_ops *ops)
{
	module_put(ops->owner);
}

/* The next word of names, into name; false at the end */
static bool next_word(const char **names, char name[XTCP_CONG_NAME_MAX])
{
	const char *p = *names;
	size_t len;

	p += strspn(p, " \t\n");
	len = strcspn(p, " \t\n");
	*names = p + len;
	/* no registered name is longer, and a cut one must not be found */
	if (len >= XTCP_CONG_NAME_MAX)
		len = 0;
	else if (!len)
		return false;
	memcpy(name, p, len);
	name[len] = '\0';
	return true;
}

int xtcp_cong_allow(const char *names)
{
	char name[XTCP_CONG_NAME_MAX];
	const char *p = names;
	struct xtcp_cong_ops *ops;
	int err = 0;

	spin_lock_bh(&registry_lock);
	while (!err && next_word(&p, name))
		if (!*registry_link(name))
			err = -ENOENT;
	if (!err) {
		for (ops = registry; ops; ops = ops->next)
			WRITE_ONCE(ops->flags,
				   ops->flags & ~XTCP_CONG_NON_RESTRICTED);
		for (p = names; next_word(&p, name);) {
			ops = *registry_link(name);
			WRITE_ONCE(ops->flags,
				   ops->flags | XTCP_CONG_NON_RESTRICTED);
		}
	}
	spin_unlock_bh(&registry_lock);
	return err;
}

void xtcp_cong_allow_too(const char *name)
{
	struct xtcp_cong_ops *ops;

	spin_lock_bh(&registry_lock);
	ops = *registry_link(name);
	if (ops)
		WRITE_ONCE(ops->flags, ops->flags | XTCP_CONG_NON_RESTRICTED);
	spin_unlock_bh(&registry_lock);
}

size_t xtcp_cong_names(char *buf, size_t len, u32 flags)
{
	const struct xtcp_cong_ops *ops;
	size_t n = 0;

	if (len)
		buf[0] = '\0';
	spin_lock_bh(&registry_lock);
	for (ops = registry; ops && n < len; ops = ops->next) {
		if ((READ_ONCE(ops->flags) & flags) == flags)
			n += scnprintf(buf + n, len - n, "%s%s",
				       n ? " " : "", ops->name);
	}
	spin_unlock_bh(&registry_lock);
	return n;
}
