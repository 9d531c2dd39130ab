/* SPDX-License-Identifier: GPL-2.0 */
/* wire.h - packets in, packets out: the test is the peer of a TCP.
 *
 * A TUN device in a namespace of its own; on our end of it listens a socket
 * under test, on the other end is this library, which writes and reads IP
 * packets.  A flow is one connection.  Sequence numbers are relative: the SYN of
 * either side is 0, its first byte 1, so byte i of a stream has number i + 1.
 *
 *	flow_open(&f, .mss = 1000, .sackok = true);	handshake, accept(): f.fd
 *	flow_write(&f, 10);				the program sends
 *	expect(&f, ACK, .len = 10);			... and so we see
 *	inject(&f, ACK, .len = 100);			the peer sends, and ACKs
 *	flow_read(&f, 100);				the program reads
 *
 * What is not said is what a well-behaved peer would do: .seq and .ack go on
 * from what was sent and seen, streams are filled with pattern() and compared
 * with it, timestamps are on every segment if they were agreed on.  expect()
 * takes the flow's next segment, fails the test if anything differs, and
 * returns it, so that the test can look at the rest.
 */
#ifndef XTCP_WIRE_H
#define XTCP_WIRE_H

#include "../xtcp_test.h"

/* inject() and expect() have defaults that their arguments override. */
#pragma GCC diagnostic ignored "-Woverride-init"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };
/* The ECN field of .tos */
enum { NOT_ECT, ECT1, ECT0, CE };

#define ANY	(-1)
#define WIRE_PORT 8000		/* the listener's */
#define WIRE_MTU  1500

struct wire_sack {
	uint32_t start, end;	/* relative to the ISN of whom it is about */
};

struct seg {
	/* both ways */
	int	flags;
	uint32_t seq, ack;
	int	wnd;		/* as on the wire; expect: ANY */
	int	len;		/* of the payload; expect: ANY */
	int	mss;		/* 0: no option */
	int	ws;		/* -1: no option */
	bool	sackok;
	bool	ts;
	uint32_t tsval, tsecr;
	int	nsack;
	struct wire_sack sack[4];
	int	up;
	int	tos;		/* traffic class, with the ECN field; expect: not compared */
	/* inject() */
	const void *data;	/* NULL: pattern() */
	const void *raw;	/* further option bytes */
	int	rawlen;
	bool	no_ts;		/* although agreed */
	int	doff;		/* ANY: as it should be */
	int	csum_xor;
	int	cut;		/* TCP bytes that are there at all; ANY: all */
	int	frag;		/* IPv4: fragments of so many bytes; 0: none */
	int	ipopt;		/* bytes of IP options, or of an IPv6 options header */
	uint8_t ipdata[40];	/* IPv4: these options, if they do not begin with 0, else NOPs */
	int	ttl;		/* hop limit, 0: 64; returned as well */
	int	rtt;		/* flow_open(): ms until the peer's ACK */
	/* expect() */
	int	within;		/* ms */
	int	line;
	/* what expect() returns has besides */
	int64_t	at;		/* us */
	int	iphop;		/* IPv4: last byte of the address in the header */
	uint32_t label;		/* IPv6: the flow label */
	int	optlen;
	uint8_t	opt[40];
	const uint8_t *payload;
};

struct wire;

struct flow {
	struct wire *w;
	uint16_t port, lport;		/* the peer's, ours */
	uint8_t	peer[16], local[16];	/* addresses */
	uint32_t isn, our_isn;		/* the peer's, ours */
	bool	have_isn;
	uint32_t seq;			/* the peer's SND.NXT */
	uint32_t ack;			/* the peer's RCV.NXT */
	int	wnd;			/* what the peer offers */
	bool	ts;
	uint32_t tsval, ts_recent;
	struct seg synack;
	int	fd;			/* the program's, once accepted */
	uint32_t wrote, read;		/* bytes of flow_write(), flow_read() */
	struct seen *head, **tail;
	struct flow *next;
};

struct wire {
	int	tun, lfd;
	bool	v6;
	bool	no_df;			/* packets of ours may lack DF */
	bool	lossy;			/* what the device has no memory for is lost */
	int	lost;			/* so many so far */
	int	strays;			/* TCP segments that no flow wanted */
	struct flow *flows;
	int64_t	start;
	char	*log;
	size_t	log_len, log_size;
};

/* The device and the listener. */
void wire_up(struct wire *w, bool v6, int backlog);
void wire_down(struct wire *w);
/* Another listener on the port of one that was closed. */
void wire_relisten(struct wire *w, int backlog);
/* What went over the wire, to stderr. */
void wire_dump(struct wire *w);

/* In FIXTURE_TEARDOWN: show what happened if the test failed. */
#define wire_end(w) do {						     \
	if (!_metadata->passed)						     \
		wire_dump(w);						     \
	wire_down(w);							     \
} while (0)

/* The device's MTU. */
void wire_set_mtu(struct wire *w, int mtu);

/* A new peer: another port, SYN not sent. */
void flow_init(struct flow *f, struct wire *w);

void wire_inject(struct flow *f, struct seg *s);
#define inject(f, ctl, ...)						     \
	wire_inject(f, &(struct seg){ .flags = (ctl), .seq = (f)->seq,	     \
		.ack = (f)->ack, .wnd = (f)->wnd, .ws = ANY, .doff = ANY,    \
		.cut = ANY, .line = __LINE__, ##__VA_ARGS__ })

/* The next segment; PSH is compared only where it is expected. */
const struct seg *wire_expect(struct flow *f, struct seg *s);
#define expect(f, ctl, ...)						     \
	wire_expect(f, &(struct seg){ .flags = (ctl), .seq = (f)->ack,	     \
		.ack = (f)->seq, .wnd = ANY, .within = 3000,		     \
		.line = __LINE__, ##__VA_ARGS__ })
/* The next segment whatever it is, NULL if there is none for so long. */
const struct seg *wire_next(struct flow *f, int ms);
/* Silence for so long */
#define expect_none(f, ms) wire_expect_none(f, ms, __LINE__)
void wire_expect_none(struct flow *f, int ms, int line);

/* SYN with these options, SYN-ACK, ACK, accept().  If .flags ask for ECN, so does
 * the SYN-ACK.
 */
void wire_open(struct flow *f, struct seg *s);
#define flow_open(f, ...)						     \
	wire_open(f, &(struct seg){ .flags = SYN, .wnd = (f)->wnd, .ws = ANY, \
		.doff = ANY, .cut = ANY, .line = __LINE__, ##__VA_ARGS__ })
/* The handshake alone, without accept(). */
void wire_handshake(struct flow *f, struct seg *s);
#define flow_handshake(f, ...)						     \
	wire_handshake(f, &(struct seg){ .flags = SYN, .wnd = (f)->wnd,	     \
		.ws = ANY, .doff = ANY, .cut = ANY, .line = __LINE__,	     \
		##__VA_ARGS__ })
void flow_accept(struct flow *f);
/* The other way round: connect() by the program, without waiting, to the flow's peer.
 * 0 or errno. A socket in f->fd is used, else one is made. */
int flow_dial(struct flow *f);
union addr flow_peer(const struct flow *f);
union addr flow_local(const struct flow *f, int port);
/* ... its SYN (kept in f->synack), SYN-ACK with these options, its ACK. */
void wire_answer(struct flow *f, struct seg *s);
#define flow_connect(f, ...)						     \
	wire_answer(f, &(struct seg){ .flags = SYN | ACK, .wnd = (f)->wnd,   \
		.ws = ANY, .doff = ANY, .cut = ANY, .line = __LINE__,	     \
		##__VA_ARGS__ })
/* The program: all of it, or the test fails. */
void flow_write(struct flow *f, int len);
void flow_read(struct flow *f, int len);
/* recv() says: bytes, 0 or -errno; waits until there is something to say. */
int flow_recv(struct flow *f);
/* Data segments until @total bytes beyond f->ack have come, in order, each acknowledged if
 * @ack; returns the number of segments. */
int flow_drain(struct flow *f, int total, bool ack);

/* An ICMP error about a segment of ours with this sequence number. */
enum wire_icmp {
	WIRE_TOO_BIG, WIRE_HOST_UNREACH, WIRE_PORT_UNREACH, WIRE_QUENCH,
	WIRE_NET_UNREACH, WIRE_PROTO_UNREACH, WIRE_SRC_ROUTE, WIRE_ADMIN,
	WIRE_TIME_EXCEEDED, WIRE_PARAMETER, WIRE_ICMPS
};

void wire_icmp(struct flow *f, enum wire_icmp what, uint32_t seq, int mtu);

/* Counters of /proc/net/xtcp/snmp. */
struct counters {
	int	n;
	char	name[256][32];
	uint64_t value[256];
};

void counters_read(struct counters *c);
uint64_t counter(const char *name);	/* without "Xtcp" */
/* "Name+1 Other+2 ": the ends (proto/drop.h) that were counted since. */
const char *drops_since(const struct counters *c);

#define EXPECT_DROPS(c, want) \
	EXPECT_STREQ(test_inet() ? "" : (want), drops_since(c))

/* Counters are only xtcp's. */
#define EXPECT_COUNT(n, name) EXPECT_EQ(test_inet() ? (n) : counter(name), (n))

/* net.xtcp.NAME, or net.ipv4.tcp_NAME */
static inline void knob(const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), test_inet() ? "net/ipv4/tcp_%s" :
						   "net/xtcp/%s", name);
	sysctl_set(path, value);
}

/* The wire is silent for so long. */
static inline void pass(int ms)
{
	poll(NULL, 0, ms);
}

/* Is it @ms after @since? The kernel's timer wheel is up to an eighth late. */
#define EXPECT_AFTER(ms, since, s) do {					     \
	int after_ = ((s)->at - (since)) / 1000, want_ = (ms);		     \
	EXPECT_GE(after_, want_ - 8);					     \
	EXPECT_LE(after_, want_ + 16 + want_ / 8);			     \
} while (0)

/* Largest payload of a full segment of ours. */
static inline int wire_mss(const struct wire *w)
{
	return WIRE_MTU - (w->v6 ? 60 : 40);
}

#endif
