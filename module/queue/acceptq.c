// SPDX-License-Identifier: GPL-2.0
#include "queue/acceptq.h"

static void set_len(struct xtcp_acceptq *q, unsigned int len)
	__must_hold(&q->lock)
{
	WRITE_ONCE(q->len, len);
	WRITE_ONCE(*q->shown, len);
}

void xtcp_acceptq_init(struct xtcp_acceptq *q, u32 *shown)
{
	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->list);
	q->len = 0;
	q->used = 0;
	q->max = 0;
	q->peak = 0;
	q->closed = true;
	q->shown = shown;
}

void xtcp_acceptq_open(struct xtcp_acceptq *q, unsigned int max)
{
	spin_lock_bh(&q->lock);
	WRITE_ONCE(q->max, max);
	q->closed = false;
	spin_unlock_bh(&q->lock);
}

bool xtcp_acceptq_reserve(struct xtcp_acceptq *q)
{
	bool ok;

	spin_lock_bh(&q->lock);
	ok = !q->closed && q->used < q->max;
	if (ok)
		WRITE_ONCE(q->used, q->used + 1);
	spin_unlock_bh(&q->lock);
	return ok;
}

void xtcp_acceptq_unreserve(struct xtcp_acceptq *q)
{
	spin_lock_bh(&q->lock);
	WRITE_ONCE(q->used, q->used - 1);
	spin_unlock_bh(&q->lock);
}

int xtcp_acceptq_push(struct xtcp_acceptq *q, struct list_head *child)
{
	int ahead = -1;

	spin_lock_bh(&q->lock);
	if (!q->closed) {
		ahead = q->len;
		list_add_tail(child, &q->list);
		set_len(q, q->len + 1);
		if (q->len > q->peak)
			WRITE_ONCE(q->peak, q->len);
	} else {
		WRITE_ONCE(q->used, q->used - 1);
	}
	spin_unlock_bh(&q->lock);
	return ahead;
}

static void take_out(struct xtcp_acceptq *q, struct list_head *child)
	__must_hold(&q->lock)
{
	list_del_init(child);
	set_len(q, q->len - 1);
	WRITE_ONCE(q->used, q->used - 1);
}

struct list_head *xtcp_acceptq_peek_locked(struct xtcp_acceptq *q)
{
	lockdep_assert_held(&q->lock);
	return list_empty(&q->list) ? NULL : q->list.next;
}

struct list_head *xtcp_acceptq_pop(struct xtcp_acceptq *q)
{
	struct list_head *child;

	spin_lock_bh(&q->lock);
	child = xtcp_acceptq_peek_locked(q);
	if (child)
		take_out(q, child);
	spin_unlock_bh(&q->lock);
	return child;
}

/* A closed queue is empty, but its children may still be linked together by
 * whoever closed it: not ours to unlink.
 */
bool xtcp_acceptq_pop_this(struct xtcp_acceptq *q, struct list_head *child)
{
	bool here;

	spin_lock_bh(&q->lock);
	here = !q->closed && !list_empty(child);
	if (here)
		take_out(q, child);
	spin_unlock_bh(&q->lock);
	return here;
}

void xtcp_acceptq_close(struct xtcp_acceptq *q, struct list_head *left)
{
	spin_lock_bh(&q->lock);
	q->closed = true;
	list_splice_tail_init(&q->list, left);
	WRITE_ONCE(q->used, q->used - q->len);
	set_len(q, 0);
	spin_unlock_bh(&q->lock);
}
