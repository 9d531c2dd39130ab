/* SPDX-License-Identifier: GPL-2.0 */
/* far.h - a peer that is a round trip away, and flights to it
 *
 * Segment i of a flight (from 1) has the bytes [1000 (i - 1) + 1, 1000 i + 1).
 */
#ifndef XTCP_WIRE_FAR_H
#define XTCP_WIRE_FAR_H

#include "wire.h"

/* the bytes of segments @a to @b */
#define SEGS(a, b) { 1000 * ((a) - 1) + 1, 1000 * (b) + 1 }
#define SEQ(i) (1000 * ((i) - 1) + 1)

/* A connection over @rtt ms, with room for what is written. */
static inline void open_over(struct flow *f, int rtt, bool sack, bool ts)
{
	inject(f, SYN, .mss = ts ? 1012 : 1000, .sackok = sack, .ts = ts, .tsval = 1000);
	expect(f, SYN | ACK);
	f->ts = ts;
	pass(rtt);
	inject(f, ACK);
	flow_accept(f);
	must(set_int(f->fd, SOL_SOCKET, SO_SNDBUF, 400000) == 0);
}

/* An ACK of everything before segment @una, and these blocks */
#define sack(f, una, ...) do {						     \
	struct wire_sack sack_[] = { __VA_ARGS__ };			     \
	struct seg seg_ = { .flags = ACK, .seq = (f)->seq, .ack = SEQ(una),  \
		.wnd = (f)->wnd, .ws = ANY, .doff = ANY, .cut = ANY,	     \
		.nsack = ARRAY_SIZE(sack_), .line = __LINE__ };		     \
	memcpy(seg_.sack, sack_, sizeof(sack_));			     \
	wire_inject(f, &seg_);						     \
} while (0)

/* Segment @i goes again, or for the first time, and now. */
#define expect_seg(f, i) do {						     \
	int64_t now_ = now_us();					     \
	EXPECT_LE(expect(f, ACK, .seq = SEQ(i), .len = 1000)->at - now_, 5000); \
} while (0)

#endif
