/* SPDX-License-Identifier: GPL-2.0 */
/* frto.h - was the time-out spurious?  RFC 5682, needs neither SACK nor
 * timestamps.
 *
 *	RTO: the head goes again (step 1)
 *	  ACK of data that did not go again -> spurious (2a, 3b)
 *	  another ACK that advances SND.UNA: new data, nothing lost (2b)
 *		ACK of data that did not go again -> spurious (3b)
 *		anything else -> really lost (3a)
 *	  anything else -> really lost (2a)
 *
 * Lock: the socket's.
 */
#ifndef XTCP_ENGINE_FRTO_H
#define XTCP_ENGINE_FRTO_H

#include <linux/types.h>

struct xtcp_ack;
struct xtcp_sock;

enum xtcp_frto {
	XTCP_FRTO_OFF,
	XTCP_FRTO_HEAD,			/* the head was sent again */
	XTCP_FRTO_NEW,			/* new data instead of what is lost */
};

/* The retransmission timer fired; @episode: a loss was being repaired already. */
void xtcp_frto_begin(struct xtcp_sock *xs, bool episode);
/* An ACK after that.  True: the time-out was spurious. */
bool xtcp_frto_ack(struct xtcp_sock *xs, const struct xtcp_ack *ack);
/* Is new data to go before what is lost? */
bool xtcp_frto_asks(const struct xtcp_sock *xs);
/* New data had its turn: is the answer to be waited for? */
bool xtcp_frto_waits(struct xtcp_sock *xs);

#endif
