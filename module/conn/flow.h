/* SPDX-License-Identifier: GPL-2.0 */
/* flow.h - what half-open entries, connections and TIME-WAIT entries have in
 * common: a node of the one flow table and the key they are found by.
 *
 * Everything but node is constant from the moment the flow is in the table
 * until an RCU grace period after it left; spare is the kind's own.
 * All kinds live in SLAB_TYPESAFE_BY_RCU caches: a reader may hold a pointer
 * to a flow that has become another one, so a lookup takes a reference on the
 * kind's own count (inc-not-zero) and then compares the key again.
 */
#ifndef XTCP_CONN_FLOW_H
#define XTCP_CONN_FLOW_H

#include "proto/addr.h"

#include <linux/list_nulls.h>
#include <linux/types.h>

struct net;

enum xtcp_flow_kind {
	XTCP_FLOW_CONN,			/* struct xtcp_sock, counted by sk_refcnt */
	XTCP_FLOW_HALF,			/* struct xtcp_half, its own refcount */
	XTCP_FLOW_TW,			/* struct xtcp_tw, its own refcount */
};

struct xtcp_flow {
	struct hlist_nulls_node	node;	/* bucket lock; RCU readers */
	struct net		*net;	/* not counted: flows die before their net */
	struct xtcp_tuple	tuple;	/* as seen from this machine */
	int			l3dev;	/* l3mdev (VRF) index or 0 */
	u32			hash;	/* of net, tuple */
	u8			kind;	/* enum xtcp_flow_kind */
	u8			spare;	/* half-open: SYN-ACKs sent again */
	u16			spare16; /* half-open: the peer's MSS */
};

static inline bool xtcp_flow_is_v4(const struct xtcp_flow *f)
{
	return xtcp_addr_is_v4(&f->tuple.raddr);
}

#endif
