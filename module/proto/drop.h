/* SPDX-License-Identifier: GPL-2.0 */
/* drop.h - every way a segment, or an attempt to connect, can end short of
 * the application.
 *
 * One line here makes the enum, the counter, the /proc name, the trace symbol
 * and the text.  _(SYMBOL, "Name", "meaning")
 */
#ifndef _XTCP_PROTO_DROP_H
#define _XTCP_PROTO_DROP_H

#include <linux/types.h>
#include <linux/kernel.h>

#define xtcp_drop_reasons(_)						     \
	/* the segment itself */					     \
	_(TRUNCATED,	"Truncated",	"shorter than its TCP header")	     \
	_(BAD_DOFF,	"BadDoff",	"data offset < 5 or beyond segment") \
	_(BAD_CSUM,	"BadCsum",	"checksum wrong")		     \
	_(BAD_FLAGS,	"BadFlags",	"flags that never go together")	     \
	_(LAND,		"Land",		"SYN from the listener's own address") \
	_(NOT_HOST,	"NotHost",	"sent to a broadcast or multicast")  \
	_(POLICY,	"Policy",	"refused by IPsec policy")	     \
	_(FILTER,	"Filter",	"refused by a socket filter")	     \
	_(MIN_TTL,	"MinTtl",	"TTL or hop limit below IP_MINTTL")  \
	/* finding the connection */					     \
	_(NO_SOCKET,	"NoSocket",	"no flow matched; reset sent")	     \
	_(KERNEL_OWNS,	"KernelOwns",	"4-tuple belongs to the kernel's TCP") \
	_(DEMUX_RACE,	"DemuxRace",	"flow changed hands during lookup")  \
	_(BACKLOG,	"Backlog",	"socket busy and its backlog full")  \
	_(MEM_PRESSURE,	"MemPressure",	"no memory for the segment")	     \
	/* listener: a SYN, RFC 9293 3.10.7.2 */			     \
	_(SYNQ_FULL,	"SynqFull",	"SYN queue full")		     \
	_(ACCEPTQ_FULL,	"AcceptqFull",	"accept queue full")		     \
	_(SYN_NOMEM,	"SynNomem",	"no memory for a half-open entry")   \
	_(SYN_NO_ROUTE,	"SynNoRoute",	"no route back for the SYN-ACK")     \
	_(SYN_DUP_WIN,	"SynDupWin",	"SYN outside the half-open window")  \
	_(LISTEN_NO_SYN, "ListenNoSyn",	"ACK to a listener without an entry") \
	_(LISTEN_RST,	"ListenRst",	"RST to a listener without an entry") \
	_(LISTEN_CLOSED, "ListenClosed", "listener closed meanwhile")	     \
	_(CHILD_NOMEM,	"ChildNomem",	"no memory for the accepted socket") \
	/* listener: SYN cookies, RFC 4987 3.6 */			     \
	_(COOKIE_BAD,	"CookieBad",	"cookie wrong or too old")	     \
	_(COOKIE_NOT_SENT, "CookieNotSent", "no cookie sent recently")	     \
	_(COOKIE_FULL,	"CookieFull",	"valid cookie, both queues full")    \
	/* half-open: SYN-RECEIVED of a listener */			     \
	_(HALF_OPEN_BAD_ACK, "HalfOpenBadAck", "does not acknowledge our SYN") \
	_(HALF_OPEN_TIMEOUT, "HalfOpenTimeout", "handshake never completed") \
	_(HALF_OPEN_RST, "HalfOpenRst",	"peer reset the handshake")	     \
	_(HALF_OPEN_PAWS, "HalfOpenPaws", "RFC 7323 5, half-open")	     \
	_(HALF_OPEN_OUT_OF_WND, "HalfOpenOutOfWindow",			     \
					"outside the half-open window")	     \
	_(HALF_OPEN_PARKED, "HalfOpenParked",				     \
					"data while waiting for accept room") \
	/* synchronised, the checks of RFC 9293 3.10.7.4 in their order */   \
	_(PAWS,		"Paws",		"RFC 7323 5: timestamp too old")     \
	_(NO_TSTAMP,	"NoTstamp",	"RFC 7323 3.2: agreed option missing") \
	_(OUT_OF_WND,	"OutOfWindow",	"first check: outside the window")   \
	_(DUP_DATA,	"DupData",	"everything in it was received before") \
	_(ZERO_WINDOW,	"ZeroWindow",	"data against a closed window")	     \
	_(RST,		"Rst",		"valid reset, connection gone")	     \
	_(RST_OUT_OF_WND, "RstOutOfWindow", "RFC 5961 3.2: reset outside")   \
	_(CHALLENGE,	"Challenge",	"RFC 5961: answered by challenge ACK") \
	_(SYN_IN_WND,	"SynInWindow",	"RFC 5961 4.2: SYN when synchronised") \
	_(NO_ACK_FLAG,	"NoAckFlag",	"fifth check: ACK bit off")	     \
	_(BAD_ACK,	"BadAck",	"acknowledges what was never sent")  \
	_(OLD_ACK,	"OldAck",	"RFC 5961 5.2: ACK too old")	     \
	_(SYNSENT_BAD_ACK, "SynSentBadAck", "does not acknowledge our SYN")  \
	_(SYNSENT_NO_SYN, "SynSentNoSyn", "neither SYN nor RST in SYN-SENT") \
	_(ABORT_ON_DATA, "AbortOnData",	"data after close(); reset sent")    \
	_(AFTER_FIN,	"AfterFin",	"beyond the peer's FIN")	     \
	/* receive side */						     \
	_(RCVBUF,	"RcvBuf",	"receive buffer full")		     \
	_(OFO_LIMIT,	"OfoLimit",	"too much data out of order")	     \
	_(OFO_DROP,	"OfoDrop",	"out-of-order data pruned")	     \
	_(OVERLAP,	"Overlap",	"covered by data already queued")    \
	_(CLOSED,	"Closed",	"socket closed meanwhile")	     \
	/* TIME-WAIT */							     \
	_(TW_PAWS,	"TwPaws",	"TIME-WAIT: timestamp too old")	     \
	_(TW_RST,	"TwRst",	"TIME-WAIT: reset")		     \
	_(TW_ACKED,	"TwAcked",	"TIME-WAIT: answered by its ACK")    \
	_(TW_OLD,	"TwOld",	"TIME-WAIT: nothing new, ignored")   \
	_(TW_FULL,	"TwFull",	"too many TIME-WAIT entries")

enum xtcp_drop {
	XTCP_DROP_NONE,			/* not dropped */
#define XTCP_DROP_ENUM(sym, name, text)	XTCP_DROP_##sym,
	xtcp_drop_reasons(XTCP_DROP_ENUM)
#undef XTCP_DROP_ENUM
	XTCP_DROP_MAX
};

/* The name in /proc, in traces and in ss */
static inline const char *xtcp_drop_name(enum xtcp_drop why)
{
#define XTCP_DROP_NAME(sym, name, text)	name,
	static const char * const names[XTCP_DROP_MAX] = {
		"None",
		xtcp_drop_reasons(XTCP_DROP_NAME)
	};
#undef XTCP_DROP_NAME
	return (unsigned int)why < XTCP_DROP_MAX ? names[why] : "?";
}

/* A sentence for people */
static inline const char *xtcp_drop_text(enum xtcp_drop why)
{
#define XTCP_DROP_TEXT(sym, name, text)	text,
	static const char * const texts[XTCP_DROP_MAX] = {
		"not dropped",
		xtcp_drop_reasons(XTCP_DROP_TEXT)
	};
#undef XTCP_DROP_TEXT
	return (unsigned int)why < XTCP_DROP_MAX ? texts[why] : "?";
}

#endif /* _XTCP_PROTO_DROP_H */
