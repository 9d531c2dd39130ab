// SPDX-License-Identifier: GPL-2.0
#include "queue/synq.h"

#include "conn/demux.h"
#include "proto/proto.h"

#include <linux/cpumask.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/slab.h>

static struct xtcp_synq_shard *shard_of(struct xtcp_synq *q,
					const struct xtcp_half *h)
{
	return &q->shard[h->flow.hash & (q->shards - 1)];
}

int xtcp_synq_init(struct xtcp_synq *q)
{
	unsigned int i, k;

	q->shards = min_t(unsigned int, XTCP_SYNQ_MAX_SHARDS,
			  roundup_pow_of_two(num_possible_cpus()));
	q->shard = kcalloc(q->shards, sizeof(*q->shard), GFP_KERNEL_ACCOUNT);
	if (!q->shard)
		return -ENOMEM;
	for (i = 0; i < q->shards; i++) {
		spin_lock_init(&q->shard[i].lock);
		for (k = 0; k < XTCP_SYNQ_FIFOS; k++)
			INIT_LIST_HEAD(&q->shard[i].fifo[k]);
	}
	atomic_set(&q->len, 0);
	q->max = 0;
	q->peak = 0;
	q->closed = true;
	spin_lock_init(&q->acked_lock);
	INIT_LIST_HEAD(&q->acked);
	q->acked_len = 0;
	return 0;
}

void xtcp_synq_destroy(struct xtcp_synq *q)
{
	kfree(q->shard);
}

/* Under every lock in turn: who looks at it under any one of them is either
 * before us, and what it linked is found by xtcp_synq_drain(), or after us.
 */
static void set_closed(struct xtcp_synq *q, bool closed)
{
	unsigned int i;

	for (i = 0; i < q->shards; i++) {
		spin_lock_bh(&q->shard[i].lock);
		WRITE_ONCE(q->closed, closed);
		spin_unlock_bh(&q->shard[i].lock);
	}
	spin_lock_bh(&q->acked_lock);
	WRITE_ONCE(q->closed, closed);
	spin_unlock_bh(&q->acked_lock);
}

void xtcp_synq_open(struct xtcp_synq *q, unsigned int max)
{
	WRITE_ONCE(q->max, max);
	if (q->closed)
		set_closed(q, false);
}

void xtcp_synq_close(struct xtcp_synq *q)
{
	set_closed(q, true);
}

/* --- slots --------------------------------------------------------------- */

static void note_peak(struct xtcp_synq *q, unsigned int len)
{
	unsigned int old = READ_ONCE(q->peak), was;

	while (len > old) {
		was = cmpxchg(&q->peak, old, len);
		if (was == old)
			break;
		old = was;
	}
}

bool xtcp_synq_reserve(struct xtcp_synq *q)
{
	int len = atomic_read(&q->len);

	do {
		if ((unsigned int)len >= READ_ONCE(q->max))
			return false;
	} while (!atomic_try_cmpxchg(&q->len, &len, len + 1));
	note_peak(q, len + 1);
	return true;
}

void xtcp_synq_unreserve(struct xtcp_synq *q)
{
	atomic_dec(&q->len);
}

/* --- entries ------------------------------------------------------------- */

static struct list_head *fifo_of(struct xtcp_synq_shard *s,
				 const struct xtcp_half *h)
{
	return &s->fifo[min_t(u8, h->flow.spare, XTCP_SYNQ_FIFOS - 1)];
}

static void shard_add(struct xtcp_synq_shard *s, struct xtcp_half *h)
	__must_hold(&s->lock)
{
	list_add_tail(&h->fifo, fifo_of(s, h));
	if (!h->flow.spare)
		WRITE_ONCE(s->young, s->young + 1);
}

static void shard_del(struct xtcp_synq_shard *s, struct xtcp_half *h)
	__must_hold(&s->lock)
{
	if (list_empty(&h->fifo))
		return;
	list_del_init(&h->fifo);
	if (!h->flow.spare)
		WRITE_ONCE(s->young, s->young - 1);
}

unsigned int xtcp_synq_young(const struct xtcp_synq *q)
{
	unsigned int i, n = 0;

	for (i = 0; i < q->shards; i++)
		n += READ_ONCE(q->shard[i].young);
	return n;
}

static void acked_add(struct xtcp_synq *q, struct xtcp_half *h)
	__must_hold(&q->acked_lock)
{
	list_add_tail(&h->fifo, &q->acked);
	WRITE_ONCE(q->acked_len, q->acked_len + 1);
}

static void acked_del(struct xtcp_synq *q, struct xtcp_half *h)
	__must_hold(&q->acked_lock)
{
	list_del_init(&h->fifo);
	WRITE_ONCE(q->acked_len, q->acked_len - 1);
}

/* Whoever takes an entry out of the table does so before it takes the lock to
 * unlink: if the entry is still in the table under our lock, that unlink will find
 * what we link.
 */
static bool may_link(const struct xtcp_synq *q, const struct xtcp_half *h)
{
	return !q->closed && xtcp_flow_hashed(&h->flow);
}

bool xtcp_synq_link(struct xtcp_synq *q, struct xtcp_half *h)
{
	struct xtcp_synq_shard *s = shard_of(q, h);
	bool ok;

	spin_lock_bh(&s->lock);
	if (h->flags & XTCP_HALF_ACKED) {
		spin_lock(&q->acked_lock);
		ok = may_link(q, h);
		if (ok)
			acked_add(q, h);
		spin_unlock(&q->acked_lock);
	} else {
		ok = may_link(q, h);
		if (ok)
			shard_add(s, h);
	}
	spin_unlock_bh(&s->lock);
	return ok;
}

void xtcp_synq_unlink(struct xtcp_synq *q, struct xtcp_half *h)
{
	struct xtcp_synq_shard *s = shard_of(q, h);

	spin_lock_bh(&s->lock);
	if (h->flags & XTCP_HALF_ACKED) {
		spin_lock(&q->acked_lock);
		if (!list_empty(&h->fifo))
			acked_del(q, h);
		spin_unlock(&q->acked_lock);
	} else {
		shard_del(s, h);
	}
	spin_unlock_bh(&s->lock);
}

void xtcp_synq_remove(struct xtcp_synq *q, struct xtcp_half *h)
{
	xtcp_synq_unlink(q, h);
	atomic_dec(&q->len);
}

void xtcp_synq_flag(struct xtcp_synq *q, struct xtcp_half *h, u8 flag)
{
	struct xtcp_synq_shard *s = shard_of(q, h);

	spin_lock_bh(&s->lock);
	WRITE_ONCE(h->flags, h->flags | flag);
	spin_unlock_bh(&s->lock);
}

/* --- acked entries ------------------------------------------------------- */

enum xtcp_synq_ack xtcp_synq_ack(struct xtcp_synq *q, struct xtcp_half *h, u16 wnd,
				 u32 ts_recent)
{
	enum xtcp_synq_ack res = XTCP_SYNQ_ACK_GONE;
	struct xtcp_synq_shard *s = shard_of(q, h);

	spin_lock_bh(&s->lock);
	spin_lock(&q->acked_lock);
	if (h->flags & XTCP_HALF_ACKED) {
		res = XTCP_SYNQ_ACK_AGAIN;
	} else if (!list_empty(&h->fifo)) {
		res = XTCP_SYNQ_ACK_FIRST;
		shard_del(s, h);
		WRITE_ONCE(h->flags, h->flags | XTCP_HALF_ACKED);
		acked_add(q, h);
	}
	if (res != XTCP_SYNQ_ACK_GONE) {
		WRITE_ONCE(h->wnd, wnd);
		WRITE_ONCE(h->ts_recent, ts_recent);
	}
	spin_unlock(&q->acked_lock);
	spin_unlock_bh(&s->lock);
	return res;
}

struct xtcp_half *xtcp_synq_acked_take(struct xtcp_synq *q)
{
	struct xtcp_half *h;

	spin_lock_bh(&q->acked_lock);
	h = list_first_entry_or_null(&q->acked, struct xtcp_half, fifo);
	if (h) {
		refcount_inc(&h->ref);
		acked_del(q, h);
	}
	spin_unlock_bh(&q->acked_lock);
	return h;
}

bool xtcp_synq_acked_return(struct xtcp_synq *q, struct xtcp_half *h)
{
	bool ok;

	spin_lock_bh(&q->acked_lock);
	ok = may_link(q, h);
	if (ok) {
		list_add(&h->fifo, &q->acked);
		WRITE_ONCE(q->acked_len, q->acked_len + 1);
	}
	spin_unlock_bh(&q->acked_lock);
	return ok;
}

/* --- the SYN-ACK clock --------------------------------------------------- */

/* RFC 6298 (5.5), from 1 s. */
u32 xtcp_synq_rto(u8 retries)
{
	if (retries >= XTCP_SYNQ_FIFOS - 1)
		return XTCP_RTO_MAX_US;
	return min(XTCP_RTO_INIT_US << retries, XTCP_RTO_MAX_US);
}

u64 xtcp_synq_age(const struct xtcp_half *h, u32 now)
{
	u64 age = now - h->sent_us;
	u8 i;

	for (i = 0; i < h->flow.spare; i++)
		age += xtcp_synq_rto(i);
	return age;
}

/* 0: due; else how long until it is. */
static u32 wait_of(const struct xtcp_half *h, u32 now)
{
	s32 left = h->sent_us + xtcp_synq_rto(h->flow.spare) - now;

	return max(left, 0);
}

/* The clock goes on from when the last one was due, so that an entry's first
 * moment can be told from its last, and FIFOs stay in order.
 */
static void clock_advance(struct xtcp_half *h)
{
	h->sent_us += xtcp_synq_rto(h->flow.spare);
	if (h->flow.spare < U8_MAX)
		h->flow.spare++;
}

static bool expires(const struct xtcp_half *h, const struct xtcp_synq_limit *limit)
{
	u8 n = h->flow.spare;

	return n >= limit->retries &&
	       (!(h->flags & XTCP_HALF_DEFERRED) || n >= limit->defer);
}

static bool silent(const struct xtcp_half *h, const struct xtcp_synq_limit *limit)
{
	return h->flags & XTCP_HALF_DEFERRED && h->flow.spare + 1 < limit->defer;
}

unsigned int xtcp_synq_due(struct xtcp_synq *q, unsigned int i, u32 now,
			   const struct xtcp_synq_limit *limit,
			   struct xtcp_synq_due *v, unsigned int n, u32 *wait)
{
	struct xtcp_synq_shard *s = &q->shard[i];
	unsigned int k, got = 0;
	struct xtcp_half *h;

	spin_lock_bh(&s->lock);
	/* Downwards: what moves up one FIFO is not looked at again. */
	for (k = XTCP_SYNQ_FIFOS; k-- && got < n;) {
		while (got < n && !list_empty(&s->fifo[k])) {
			u32 left;

			h = list_first_entry(&s->fifo[k], struct xtcp_half, fifo);
			left = wait_of(h, now);
			if (left) {
				*wait = min(*wait, left);
				break;
			}
			shard_del(s, h);
			v[got].h = h;
			v[got].expired = expires(h, limit);
			if (v[got].expired || !silent(h, limit)) {
				refcount_inc(&h->ref);
				got++;
			}
			if (!expires(h, limit)) {
				clock_advance(h);
				shard_add(s, h);
				*wait = min(*wait, wait_of(h, now) ?: 1);
			}
		}
	}
	spin_unlock_bh(&s->lock);
	return got;
}

unsigned int xtcp_synq_acked_due(struct xtcp_synq *q, u32 now, u8 limit,
				 struct xtcp_synq_due *v, unsigned int n, u32 *wait)
{
	struct xtcp_half *h, *next;
	unsigned int got = 0;

	spin_lock_bh(&q->acked_lock);
	list_for_each_entry_safe(h, next, &q->acked, fifo) {
		u32 left = wait_of(h, now);

		if (left) {
			*wait = min(*wait, left);
			continue;
		}
		if (got == n)
			break;
		refcount_inc(&h->ref);
		v[got].h = h;
		v[got].expired = h->flow.spare >= limit;
		if (v[got++].expired) {
			acked_del(q, h);
		} else {
			clock_advance(h);
			*wait = min(*wait, wait_of(h, now) ?: 1);
		}
	}
	spin_unlock_bh(&q->acked_lock);
	return got;
}

/* --- the end ------------------------------------------------------------- */

static struct xtcp_half *drain_shard(struct xtcp_synq_shard *s)
{
	struct xtcp_half *h = NULL;
	unsigned int k;

	spin_lock_bh(&s->lock);
	for (k = 0; k < XTCP_SYNQ_FIFOS && !h; k++)
		h = list_first_entry_or_null(&s->fifo[k], struct xtcp_half, fifo);
	if (h) {
		refcount_inc(&h->ref);
		shard_del(s, h);
	}
	spin_unlock_bh(&s->lock);
	return h;
}

struct xtcp_half *xtcp_synq_drain(struct xtcp_synq *q)
{
	struct xtcp_half *h;
	unsigned int i;

	for (i = 0; i < q->shards; i++) {
		h = drain_shard(&q->shard[i]);
		if (h)
			return h;
	}
	return xtcp_synq_acked_take(q);
}
