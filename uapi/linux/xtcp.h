/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* xtcp.h - the numbers and structures that programs rely on.
 *
 * AF_XTCP sockets take and return sockaddr_in and sockaddr_in6 and know the
 * kernel's SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6 and IPPROTO_TCP options;
 * here stands only what the kernel's TCP does not have.
 *
 * Structures grow at the end.  A program sets .size to the sizeof it was
 * compiled with and clears the rest; the module never touches more than
 * .size bytes and sets .size to what it filled.  A pad that is not zero
 * is EINVAL.
 */
#ifndef _UAPI_LINUX_XTCP_H
#define _UAPI_LINUX_XTCP_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/socket.h>
#else
#include <sys/socket.h>		/* struct sockaddr_storage */
#endif

#ifndef AF_XTCP
#define AF_XTCP		18	/* default of the module parameter family= */
#endif
#ifndef PF_XTCP
#define PF_XTCP		AF_XTCP
#endif

/* third argument of socket(AF_XTCP, SOCK_STREAM, ...); 0 means XTCPPROTO_TCP */
#define XTCPPROTO_TCP	6	/* over IPv4 */
#define XTCPPROTO_TCP6	41	/* over IPv6, dual-stack unless IPV6_V6ONLY */

/* socket(AF_INET or AF_INET6, SOCK_STREAM, IPPROTO_XTCP): reserved */
#define IPPROTO_XTCP	253

#define SOL_XTCP	290

/* options at SOL_XTCP */
#define XTCP_REUSEPORT		1	/* int; SO_REUSEPORT */
#define XTCP_ZEROCOPY		2	/* int; SO_ZEROCOPY */
#define XTCP_ACCEPT_BATCH	3	/* get: struct xtcp_accept_batch */
#define XTCP_SYNQ_POLICY	4	/* int; enum xtcp_synq_policy */
#define XTCP_ACCEPTQ_POLICY	5	/* int; enum xtcp_acceptq_policy */
#define XTCP_LISTEN_INFO	6	/* get: struct xtcp_listen_info */
#define XTCP_ACCEPT_INFO	7	/* get: struct xtcp_accept_info */

/* what answers a SYN when the SYN queue is full */
enum xtcp_synq_policy {
	XTCP_SYNQ_COOKIE	= 0,	/* SYN cookie if the accept queue has room */
	XTCP_SYNQ_DROP		= 1,	/* nothing: the peer tries again */
	XTCP_SYNQ_RESET		= 2,	/* RST */
};

/* what answers the last ACK of a handshake when the accept queue is full */
enum xtcp_acceptq_policy {
	XTCP_ACCEPTQ_HOLD	= 0,	/* wait in the SYN queue, in order */
	XTCP_ACCEPTQ_RESET	= 1,	/* RST */
};

/* one element of the array that xtcp_accept_batch.entries points at */
struct xtcp_accepted {
	__s32	fd;			/* out: the new descriptor */
	__u32	pad;			/* out: 0 */
	struct sockaddr_storage addr;	/* out: the peer */
};

/* getsockopt(listener, SOL_XTCP, XTCP_ACCEPT_BATCH): returns when at least
 * one connection is there, or EAGAIN when the socket does not block.
 */
struct xtcp_accept_batch {
	__u32	size;			/* in: sizeof(struct xtcp_accept_batch) */
	__u32	flags;			/* in: SOCK_NONBLOCK | SOCK_CLOEXEC */
	__u32	max;			/* in: room in entries */
	__u32	n;			/* out: entries filled */
	__aligned_u64 entries;		/* in: struct xtcp_accepted * */
};

/* getsockopt(listener, SOL_XTCP, XTCP_LISTEN_INFO) */
struct xtcp_listen_info {
	__u32	size;
	__u32	backlog;		/* as granted by listen() */
	__u32	synq_policy;		/* enum xtcp_synq_policy */
	__u32	acceptq_policy;		/* enum xtcp_acceptq_policy */
	__u32	syn_len;		/* half-open entries now ... */
	__u32	syn_max;		/* ... and at most: 1.5 * backlog */
	__u32	syn_acked;		/* of syn_len: acked, waiting for accept room */
	__u32	syn_peak;		/* highest syn_len so far */
	__u32	accept_len;		/* established, not accepted, now ... */
	__u32	accept_max;		/* ... and at most: backlog */
	__u32	accept_peak;		/* highest accept_len so far */
	__u32	pad;			/* 0 */
	__aligned_u64 syns;		/* SYNs that arrived */
	__aligned_u64 established;	/* connections that came into the accept queue */
	__aligned_u64 accepted;		/* connections handed out */
	__aligned_u64 drops_syn;	/* SYNs refused: SYN queue full */
	__aligned_u64 drops_accept;	/* last ACKs refused: accept queue full */
	__aligned_u64 cookies_sent;
	__aligned_u64 cookies_recv;	/* valid ones that came back */
	__aligned_u64 cookies_failed;
	__aligned_u64 expired;		/* half-open entries that timed out */
	__aligned_u64 resets;		/* half-open entries the peer reset */
	__aligned_u64 oldest_ns;	/* age of the head of the accept queue */
};

/* xtcp_accept_info.flags */
#define XTCP_ACCEPT_COOKIE	0x1	/* came by a SYN cookie: syn_ns is 0 */
#define XTCP_ACCEPT_HELD	0x2	/* was acked while the accept queue was full */

/* getsockopt(accepted socket, SOL_XTCP, XTCP_ACCEPT_INFO): where the time of
 * this connection went before accept() returned it.  Times are
 * CLOCK_MONOTONIC, 0 where it did not happen.
 */
struct xtcp_accept_info {
	__u32	size;
	__u32	flags;			/* XTCP_ACCEPT_COOKIE, XTCP_ACCEPT_HELD */
	__u32	synack_retrans;		/* SYN-ACKs sent again */
	__u32	ahead;			/* accept queue length on entering it */
	__aligned_u64 syn_ns;		/* first SYN arrived */
	__aligned_u64 ack_ns;		/* last ACK of the handshake arrived */
	__aligned_u64 queued_ns;	/* entered the accept queue */
	__aligned_u64 accept_ns;	/* accept() took it */
};

#endif /* _UAPI_LINUX_XTCP_H */
