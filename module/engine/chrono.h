/* SPDX-License-Identifier: GPL-2.0 */
/* chrono.h - what a connection waits for: TCP_INFO's busy_time, rwnd_limited and
 * sndbuf_limited.
 *
 * Busy is when something is queued; within that the narrowest of the reasons
 * counts, and the others go on when it ends.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_CHRONO_H
#define XTCP_ENGINE_CHRONO_H

#include <linux/types.h>

enum xtcp_chrono_kind {		/* a higher one takes over from a lower */
	XTCP_CHRONO_IDLE,
	XTCP_CHRONO_BUSY,		/* data is queued */
	XTCP_CHRONO_RWND,		/* the peer's window is what holds it */
	XTCP_CHRONO_SNDBUF,		/* all is sent, and the buffer has no room */
	XTCP_CHRONO_KINDS
};

struct xtcp_chrono {
	u64	since_us;
	u64	us[XTCP_CHRONO_KINDS - 1];	/* of all but IDLE */
	u8	kind;
};

static inline void xtcp_chrono_set(struct xtcp_chrono *c, u8 kind, u64 now)
{
	if (c->kind != XTCP_CHRONO_IDLE)
		c->us[c->kind - 1] += now - c->since_us;
	c->since_us = now;
	c->kind = kind;
}

static inline void xtcp_chrono_start(struct xtcp_chrono *c, u8 kind, u64 now)
{
	if (kind > c->kind)
		xtcp_chrono_set(c, kind, now);
}

static inline void xtcp_chrono_stop(struct xtcp_chrono *c, u8 kind, u64 now)
{
	if (kind == c->kind)
		xtcp_chrono_set(c, kind == XTCP_CHRONO_BUSY ? XTCP_CHRONO_IDLE :
			       XTCP_CHRONO_BUSY, now);
}

/* Microseconds of @kind until now. */
static inline u64 xtcp_chrono_us(const struct xtcp_chrono *c, u8 kind, u64 now)
{
	return c->us[kind - 1] + (kind == c->kind ? now - c->since_us : 0);
}

#endif
