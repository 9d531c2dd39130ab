/* SPDX-License-Identifier: GPL-2.0 */
/* mib.h - free-running counters, per namespace and per CPU, never reset.
 *
 * _(SYMBOL, "Name"): the name is the kernel's for the same event, shown with
 * "Xtcp" in front.  Every enum xtcp_drop (proto/drop.h) has a counter as well.
 */
#ifndef XTCP_CONN_MIB_H
#define XTCP_CONN_MIB_H

#include "proto/drop.h"

#include <linux/percpu.h>
#include <linux/types.h>

struct net;

#define xtcp_mib_list(_)							\
	_(ACTIVE_OPENS,		"ActiveOpens")		/* SYNs of connect() */	\
	_(PASSIVE_OPENS,	"PassiveOpens")		/* children made */	\
	_(ATTEMPT_FAILS,	"AttemptFails")		/* handshakes that ended early */ \
	_(ESTAB_RESETS,		"EstabResets")		/* reset while established */ \
	_(CURR_ESTAB,		"CurrEstab")		/* gauge */		\
	_(IN_SEGS,		"InSegs")					\
	_(OUT_SEGS,		"OutSegs")					\
	_(RETRANS_SEGS,		"RetransSegs")					\
	_(IN_ERRS,		"InErrs")		/* malformed */		\
	_(OUT_RSTS,		"OutRsts")					\
	_(IN_CSUM_ERRORS,	"InCsumErrors")					\
	_(SYN_RCVD,		"SynRcvd")		/* SYNs to our listeners */ \
	_(SYNACK_SENT,		"SynAckSent")					\
	_(SYNACK_RETRANS,	"SynAckRetrans")				\
	_(SYNACK_TIMEOUTS,	"SynAckTimeouts")	/* half-open expired */	\
	_(COOKIES_SENT,		"SyncookiesSent")				\
	_(COOKIES_RECV,		"SyncookiesRecv")				\
	_(COOKIES_FAILED,	"SyncookiesFailed")				\
	_(LISTEN_OVERFLOWS,	"ListenOverflows")	/* accept queue full */	\
	_(LISTEN_DROPS,		"ListenDrops")					\
	_(HALF_ACKED,		"HalfOpenAcked")	/* waits for an accept slot */ \
	_(HALF_PROMOTED,	"HalfOpenPromoted")	/* got it without a new ACK */ \
	_(DEFER_ACCEPT,		"DeferAcceptDrop")	/* an ACK without data waits */ \
	_(ACCEPTED,		"Accepted")		/* handed to a program */ \
	_(TW,			"TW")			/* TIME-WAITs made */	\
	_(TW_RECYCLED,		"TWRecycled")		/* reopened by a SYN */	\
	_(TW_OVERFLOW,		"TimeWaitOverflow")				\
	_(DELAYED_ACKS,		"DelayedACKs")					\
	_(DELAYED_ACK_LOCKED,	"DelayedACKLocked")				\
	_(ACK_COMPRESSED,	"AckCompressed")	/* told of by a later one */ \
	_(PURE_ACKS,		"PureAcks")					\
	_(HP_HITS,		"HPHits")		/* header prediction */	\
	_(TIMEOUTS,		"Timeouts")		/* RTOs */		\
	_(PATH_ADVICE,		"PathAdvice")		/* R1: IP was told */	\
	_(FAST_RETRANS,		"FastRetrans")					\
	_(SLOW_START_RETRANS,	"SlowStartRetrans")				\
	_(LOSS_PROBES,		"LossProbes")					\
	_(SACK_RECOVERY,	"SackRecovery")					\
	_(RENO_RECOVERY,	"RenoRecovery")					\
	_(SACK_RECOVERY_FAIL,	"SackRecoveryFail")	/* ended by the timer */ \
	_(RENO_RECOVERY_FAIL,	"RenoRecoveryFail")				\
	_(SACK_FAILURES,	"SackFailures")		/* ... before it began */ \
	_(RENO_FAILURES,	"RenoFailures")					\
	_(LOSS_FAILURES,	"LossFailures")		/* ... again */		\
	_(LOSS_PROBE_RECOVERY,	"LossProbeRecovery")	/* the probe repaired it */ \
	_(LOST_RETRANSMIT,	"LostRetransmit")				\
	_(RETRANS_FAIL,		"RetransFail")		/* no memory, no route */ \
	_(SPURIOUS_RTOS,	"SpuriousRTOs")		/* F-RTO */		\
	_(FULL_UNDO,		"FullUndo")					\
	_(PARTIAL_UNDO,		"PartialUndo")					\
	_(DSACK_UNDO,		"DSACKUndo")					\
	_(LOSS_UNDO,		"LossUndo")					\
	_(SACK_REORDER,		"SACKReorder")					\
	_(RENO_REORDER,		"RenoReorder")					\
	_(TS_REORDER,		"TSReorder")					\
	_(SACK_RENEGING,	"SACKReneging")					\
	_(SACK_DISCARD,		"SACKDiscard")		/* blocks that make no sense */ \
	_(DSACK_SENT,		"DSACKOldSent")					\
	_(DSACK_RECV,		"DSACKRecv")					\
	_(DSACK_OFO_RECV,	"DSACKOfoRecv")					\
	_(DSACK_RECV_SEGS,	"DSACKRecvSegs")				\
	_(DSACK_IGNORED_OLD,	"DSACKIgnoredOld")				\
	_(DSACK_IGNORED_NO_UNDO, "DSACKIgnoredNoUndo")				\
	_(DSACK_IGNORED_DUBIOUS, "DSACKIgnoredDubious")				\
	_(OFO_QUEUE,		"OFOQueue")					\
	_(OFO_MERGE,		"OFOMerge")					\
	_(PRUNE_CALLED,		"PruneCalled")		/* receive buffer full */ \
	_(RCV_PRUNED,		"RcvPruned")		/* and nothing helped */ \
	_(OFO_PRUNED,		"OfoPruned")		/* out-of-order data thrown away */ \
	_(OFO_DROP,		"OFODrop")		/* no room for a segment of it */ \
	_(RCV_COLLAPSED,	"RcvCollapsed")		/* skbs merged to save memory */ \
	_(RCVQ_DROP,		"RcvQDrop")		/* in order, no room */	\
	_(ZERO_WINDOW_DROP,	"ZeroWindowDrop")				\
	_(BEYOND_WINDOW,	"BeyondWindow")					\
	_(CHALLENGE_ACK,	"ChallengeACK")					\
	_(ABORT_ON_DATA,	"AbortOnData")					\
	_(ABORT_ON_CLOSE,	"AbortOnClose")					\
	_(ABORT_ON_TIMEOUT,	"AbortOnTimeout")				\
	_(ABORT_ON_LINGER,	"AbortOnLinger")				\
	_(ABORT_ON_MEMORY,	"AbortOnMemory")				\
	_(ABORT_FAILED,		"AbortFailed")					\
	_(ZERO_WINDOW_ADV,	"ToZeroWindowAdv")				\
	_(FROM_ZERO_WINDOW,	"FromZeroWindowAdv")				\
	_(WANT_ZERO_WINDOW,	"WantZeroWindowAdv")	/* but it is promised */ \
	_(WINDOW_PROBES,	"WinProbe")					\
	_(KEEPALIVE,		"KeepAlive")					\
	_(AUTO_CORKING,		"AutoCorking")					\
	_(ORIG_DATA_SENT,	"OrigDataSent")					\
	_(DELIVERED,		"Delivered")					\
	_(DELIVERED_CE,		"DeliveredCE")		/* of them, by ACKs with ECE */ \
	_(RCV_COALESCE,		"RcvCoalesce")					\
	_(BACKLOG_DROP,		"BacklogDrop")					\
	_(BACKLOG_COALESCE,	"BacklogCoalesce")	/* merged while it waited */ \
	_(MEMORY_PRESSURES,	"MemoryPressures")				\
	_(ICMP_IN,		"IcmpIn")		/* for one of our flows */ \
	_(ICMP_DROPPED,		"IcmpDropped")		/* RFC 5927: out of window */ \
	_(PMTU_CHANGED,		"PmtuChanged")					\
	_(MTUP_SUCCESS,		"MTUPSuccess")		/* RFC 4821 probes */	\
	_(MTUP_FAIL,		"MTUPFail")					\
	_(TO_KERNEL,		"ToKernel")		/* our port, the kernel's flow */ \
	_(NO_ROUTE,		"OutNoRoutes")

enum xtcp_mib_item {
#define _(sym, name) XTCP_MIB_##sym,
	xtcp_mib_list(_)
#undef _
	XTCP_MIB_MAX
};

struct xtcp_mib {
	u64	item[XTCP_MIB_MAX];
	u64	drop[XTCP_DROP_MAX];
};

/* Defined in netns.h: struct xtcp_net has the per-CPU array. */
void xtcp_mib_read(const struct net *net, struct xtcp_mib *sum);
const char *xtcp_mib_name(enum xtcp_mib_item item);

#endif
