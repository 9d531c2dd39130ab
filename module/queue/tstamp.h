/* SPDX-License-Identifier: GPL-2.0 */
/* tstamp.h - when a byte left, and when it was acknowledged: SO_TIMESTAMPING.
 *
 * The last byte of what a program wrote is stamped; its skb carries the request
 * (skb_shinfo()->tx_flags for qdisc and driver, XTCP_SKB_TSTAMP for the ACK) and
 * the number of that byte; socket/errqueue.c makes it what the program counts.
 */
#ifndef XTCP_QUEUE_TSTAMP_H
#define XTCP_QUEUE_TSTAMP_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct xtcp_sndq;

/* The last byte of @skb, which has just been written. @from: byte 0, if nobody
 * has counted yet. */
void xtcp_tstamp_request(struct xtcp_sndq *q, struct sk_buff *skb, u32 from,
			 u32 tsflags);
/* @rest was cut off @skb: the request goes with its byte. */
void xtcp_tstamp_split(struct sk_buff *skb, struct sk_buff *rest);
/* All of @skb, or its bytes below @una, are acknowledged. */
void xtcp_tstamp_acked(struct sock *sk, struct sk_buff *skb, u32 una);

#endif
