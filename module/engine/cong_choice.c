// SPDX-License-Identifier: GPL-2.0
#include "engine/cong_choice.h"

#include "engine/pacing.h"
#include "engine/sock.h"

#include <linux/capability.h>
#include <linux/jhash.h>
#include <linux/kmod.h>

/* RFC 6928 section 2: one SYN lost may be a late answer, two are congestion. */
#define SYNS_LOST	2

const struct xtcp_cong_ops *xtcp_cong_choice_find(const char *name)
{
	const struct xtcp_cong_ops *ops = xtcp_cong_find(name);

	if (ops || !capable(CAP_NET_ADMIN))
		return ops;
	request_module("xtcp_cong_%s", name);
	return xtcp_cong_find(name);
}

const struct xtcp_cong_ops *xtcp_cong_choice_default(const struct xtcp_params *params)
{
	const struct xtcp_cong_ops *ops = xtcp_cong_find(params->congestion_control);

	return ops ?: xtcp_cong_find("reno");
}

/* Who did not choose follows the default, even if that changed since listen(). */
void xtcp_cong_choice_child(struct xtcp_sock *child, const struct xtcp_cong *from)
{
	const struct xtcp_cong_ops *ops = READ_ONCE(from->ops);
	struct xtcp_cong *c = &child->cong;

	if (READ_ONCE(from->chosen) ||
	    !strcmp(ops->name, child->params->congestion_control)) {
		xtcp_cong_clone(c, from, XTCP_INIT_CWND);
		return;
	}
	xtcp_cong_init(c, xtcp_cong_choice_default(child->params), XTCP_INIT_CWND);
}

/* A route names an algorithm by the hash of the kernel's one of that name. */
static bool has_key(const struct xtcp_cong_ops *ops, u32 key)
{
	char name[XTCP_CONG_NAME_MAX] = {};
	size_t len = strscpy(name, ops->name, sizeof(name));

	return jhash(name, sizeof(name), len) == key;
}

static void route_choice(struct xtcp_sock *xs, const struct dst_entry *dst)
{
	u32 key = dst_metric(dst, RTAX_CC_ALGO);
	const struct xtcp_cong_ops *ops;

	xs->cong.locked = dst_metric_locked(dst, RTAX_CC_ALGO);
	if (likely(!key))
		return;
	ops = xtcp_cong_match(has_key, key);
	if (ops == xs->cong.ops)
		xtcp_cong_put(ops);
	else if (ops)
		xtcp_cong_switch(&xs->cong, ops);
}

void xtcp_cong_choice_established(struct xtcp_sock *xs, unsigned int lost)
{
	const struct dst_entry *dst = __sk_dst_get(&xs->inet.sk);
	struct xtcp_cong *c = &xs->cong;
	u32 iw = XTCP_INIT_CWND;

	if (likely(dst)) {
		route_choice(xs, dst);
		iw = dst_metric(dst, RTAX_INITCWND) ?: iw;
		if (dst_metric_locked(dst, RTAX_CWND))
			c->cwnd_clamp = clamp_t(u32, dst_metric(dst, RTAX_CWND),
						1, XTCP_CWND_MAX);
	}
	xtcp_cong_established(c, iw, lost >= SYNS_LOST);
	xtcp_pacing_chosen(xs);
}

int xtcp_cong_choice_set(struct xtcp_sock *xs, const char *name, bool admin)
{
	const struct xtcp_cong_ops *ops = xtcp_cong_choice_find(name);
	struct xtcp_cong *c = &xs->cong;
	struct sock *sk = &xs->inet.sk;
	int err = 0;

	lock_sock(sk);
	if (c->locked) {
		err = -EPERM;
	} else if (!ops) {
		err = -ENOENT;
	} else if (ops == c->ops) {
		WRITE_ONCE(c->chosen, true);
	} else if (!(READ_ONCE(ops->flags) & XTCP_CONG_NON_RESTRICTED) && !admin) {
		err = -EPERM;
	} else {
		xtcp_cong_switch(c, ops);	/* the reference is its */
		WRITE_ONCE(c->chosen, true);
		xtcp_pacing_chosen(xs);
		ops = NULL;
	}
	release_sock(sk);
	if (ops)
		xtcp_cong_put(ops);
	return err;
}
