// SPDX-License-Identifier: GPL-2.0
/* wire.c - packets in, packets out: see wire.h */
#define XTCP_TEST_LIBRARY
#include "wire.h"

#include <stdarg.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>

#define PKT_MAX	65535

struct seen {
	struct seg s;
	struct seen *next;
	uint16_t sport, dport;
	uint8_t src[16], dst[16];
	uint32_t seq, ack;		/* absolute */
	uint32_t sack[4][2];
	uint8_t data[];
};

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static unsigned int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint32_t sum16(uint32_t sum, const uint8_t *p, int len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += get16(p);
	if (len)
		sum += p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* TCP or ICMPv6 checksum: 0xffff when the field is right. */
static uint32_t l4_sum(bool v6, const uint8_t *src, const uint8_t *dst,
		       int proto, const uint8_t *p, int len)
{
	uint32_t sum = len + proto;

	sum = sum16(sum, src, v6 ? 16 : 4);
	sum = sum16(sum, dst, v6 ? 16 : 4);
	return sum16(sum, p, len);
}

/* --- the log ------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 3))) note(struct wire *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->log_size - w->log_len < 512) {
		w->log_size += 65536;
		w->log = realloc(w->log, w->log_size);
		must(w->log);
	}
	va_start(ap, fmt);
	n = vsnprintf(w->log + w->log_len, 512, fmt, ap);
	va_end(ap);
	w->log_len += n < 512 ? n : 511;
}

static void note_seg(struct flow *f, char dir, const struct seg *s)
{
	static const char letters[] = "FSRPAUEC";
	struct wire *w = f->w;
	char flags[9] = {};
	int i, n = 0;

	for (i = 0; i < 8; i++)
		if (s->flags & 1 << i)
			flags[n++] = letters[i];
	note(w, "# %9.6f %c %u %s seq %u", (now_us() - w->start) / 1e6, dir, f->port,
	     n ? flags : "-", s->seq);
	if (s->len)
		note(w, ":%u (%d)", s->seq + s->len + !!(s->flags & SYN), s->len);
	if (s->flags & ACK)
		note(w, " ack %u", s->ack);
	note(w, " win %d", s->wnd);
	if (s->tos)
		note(w, " tos %#x", s->tos);
	if (s->mss)
		note(w, " mss %d", s->mss);
	if (s->ws >= 0)
		note(w, " ws %d", s->ws);
	if (s->sackok)
		note(w, " sackok");
	if (s->ts)
		note(w, " ts %u/%u", s->tsval, s->tsecr);
	for (i = 0; i < s->nsack; i++)
		note(w, " sack %u-%u", s->sack[i].start, s->sack[i].end);
	note(w, "\n");
}

void wire_dump(struct wire *w)
{
	const char *from = w->log;

	if (!from)
		return;
	if (w->log_len > 8000) {
		from = strchr(w->log + w->log_len - 8000, '\n') + 1;
		fprintf(stderr, "# ...\n");
	}
	fputs(from, stderr);
}

#define wire_fail(w, line, fmt, ...) do {				     \
	wire_dump(w);							     \
	fprintf(stderr, "# line %d: " fmt "\n", line, ##__VA_ARGS__);	     \
	_exit(1);							     \
} while (0)

/* --- the device ---------------------------------------------------------- */

static void tun_address(const char *dev, bool v6)
{
	struct ifreq ifr = {};
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

	must(fd >= 0);
	strcpy(ifr.ifr_name, dev);
	if (v6) {
		struct {
			struct in6_addr addr;
			uint32_t prefixlen;
			int ifindex;
		} req = { .prefixlen = 64 };

		must(ioctl(fd, SIOCGIFINDEX, &ifr) == 0);
		req.ifindex = ifr.ifr_ifindex;
		inet_pton(AF_INET6, "fd09::1", &req.addr);
		must(ioctl(fd, SIOCSIFADDR, &req) == 0);
	} else {
		union addr a = addr_of(false, "10.9.0.1", 0);

		ifr.ifr_addr = a.sa;
		must(ioctl(fd, SIOCSIFADDR, &ifr) == 0);
		a = addr_of(false, "255.255.255.0", 0);
		ifr.ifr_netmask = a.sa;
		must(ioctl(fd, SIOCSIFNETMASK, &ifr) == 0);
	}
	close(fd);
}

/* An IPv6 address works once its duplicate detection, however short, is over. */
static bool tun_ready(void)
{
	unsigned int flags = 0x40;	/* IFA_F_TENTATIVE */
	char line[128];
	FILE *f = fopen("/proc/net/if_inet6", "re");

	must(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "fd09", 4))
			sscanf(line, "%*s %*s %*s %*s %x", &flags);
	fclose(f);
	return !(flags & 0x40);
}

static void tun_up(const char *dev)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(ifr.ifr_name, dev);
	must(ioctl(fd, SIOCSIFFLAGS, &ifr) == 0);
	close(fd);
}

void wire_set_mtu(struct wire *w, int mtu)
{
	struct ifreq ifr = { .ifr_name = "wire0", .ifr_mtu = mtu };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	must(ioctl(fd, SIOCSIFMTU, &ifr) == 0);
	close(fd);
}

void wire_relisten(struct wire *w, int backlog)
{
	union addr any = addr_any(w->v6, WIRE_PORT);

	w->lfd = test_socket(w->v6, SOCK_CLOEXEC | SOCK_NONBLOCK);
	must(w->lfd >= 0);
	must(set_int(w->lfd, SOL_SOCKET, SO_REUSEADDR, 1) == 0);
	must(test_bind(w->lfd, &any) == 0);
	must(listen(w->lfd, backlog) == 0);
}

void wire_up(struct wire *w, bool v6, int backlog)
{
	struct ifreq ifr = { .ifr_name = "wire0", .ifr_flags = IFF_TUN | IFF_NO_PI };

	memset(w, 0, sizeof(*w));
	w->v6 = v6;
	w->start = now_us();
	if (access("/dev/net/tun", F_OK))
		must(system("/sbin/modprobe tun") == 0);
	w->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	must(w->tun >= 0);
	must(ioctl(w->tun, TUNSETIFF, &ifr) == 0);
	tun_address("wire0", false);
	tun_up("wire0");
	tun_address("wire0", true);
	if (v6)
		must(wait_until(tun_ready()));
	wire_relisten(w, backlog);
}

void wire_down(struct wire *w)
{
	close(w->lfd);
	close(w->tun);
}

void flow_init(struct flow *f, struct wire *w)
{
	static uint16_t port = 40000;
	struct flow **p = &w->flows;

	while (*p && *p != f)		/* the same struct may serve again */
		p = &(*p)->next;
	if (*p)
		*p = f->next;
	memset(f, 0, sizeof(*f));
	f->w = w;
	f->port = ++port;
	f->lport = WIRE_PORT;
	f->isn = 0x10000000u;
	f->wnd = 65535;
	f->tsval = 1000;
	f->fd = -1;
	f->tail = &f->head;
	if (w->v6) {
		inet_pton(AF_INET6, "fd09::1", f->local);
		inet_pton(AF_INET6, "fd09::2", f->peer);
	} else {
		inet_pton(AF_INET, "10.9.0.1", f->local);
		inet_pton(AF_INET, "10.9.0.2", f->peer);
	}
	f->next = w->flows;
	w->flows = f;
}

/* --- packets in ---------------------------------------------------------- */

static int build_options(struct flow *f, struct seg *s, uint8_t *o)
{
	int i, n = 0;

	if (s->mss) {
		o[n] = 2;
		o[n + 1] = 4;
		put16(o + n + 2, s->mss);
		n += 4;
	}
	if (s->sackok) {
		memcpy(o + n, "\1\1\4\2", 4);
		n += 4;
	}
	if (s->ts) {
		memcpy(o + n, "\1\1\10\12", 4);
		put32(o + n + 4, s->tsval);
		put32(o + n + 8, s->tsecr);
		n += 12;
	}
	if (s->ws >= 0) {
		memcpy(o + n, "\1\3\3", 3);
		o[n + 3] = s->ws;
		n += 4;
	}
	if (s->nsack) {
		memcpy(o + n, "\1\1\5", 3);
		o[n + 3] = 2 + 8 * s->nsack;
		n += 4;
		for (i = 0; i < s->nsack; i++, n += 8) {
			put32(o + n, s->sack[i].start + f->our_isn);
			put32(o + n + 4, s->sack[i].end + f->our_isn);
		}
	}
	if (s->rawlen) {
		memcpy(o + n, s->raw, s->rawlen);
		n += s->rawlen;
	}
	while (n % 4)
		o[n++] = 0;
	must(n <= 40);
	return n;
}

static void tun_write(struct wire *w, const uint8_t *pkt, int len)
{
	int n = write(w->tun, pkt, len);

	if (n < 0 && (errno == ENOMEM || errno == ENOBUFS) && w->lossy)
		w->lost++;
	else
		must(n == len);
}

/* Around the @len bytes of @proto at pkt + 80; for IPv4, options and fragments. */
static void send_ip(struct flow *f, uint8_t *pkt, int len, int proto,
		    const struct seg *s)
{
	int opt = s ? s->ipopt : 0, hdr = 40 + opt, frag = len, at, n;
	static uint16_t id;
	uint8_t *p;

	if (f->w->v6) {
		p = pkt + 80 - hdr;
		memset(p, 0, hdr);
		put16(p, 0x6000 | (s ? s->tos << 4 : 0));
		put16(p + 4, len + opt);
		p[6] = opt ? 60 : proto;	/* destination options */
		p[7] = s && s->ttl ? s->ttl : 64;
		memcpy(p + 8, f->peer, 16);
		memcpy(p + 24, f->local, 16);
		if (opt) {
			p[40] = proto;
			p[41] = opt / 8 - 1;
			p[42] = 1;		/* PadN */
			p[43] = opt - 4;
		}
		tun_write(f->w, p, hdr + len);
		return;
	}
	hdr = 20 + opt;
	if (s && s->frag)
		frag = s->frag;
	id++;
	for (at = 0; at < len; at += n) {
		n = len - at < frag ? len - at : frag;
		p = pkt + 80 + at - hdr;	/* over what was sent already */
		memset(p, 0, hdr);
		p[0] = 0x40 | hdr / 4;
		p[1] = s ? s->tos : 0;
		put16(p + 2, hdr + n);
		put16(p + 4, id);
		put16(p + 6, (s && s->frag ? 0 : 0x4000) |
			     (at + n < len ? 0x2000 : 0) | at / 8);
		p[8] = s && s->ttl ? s->ttl : 64;
		p[9] = proto;
		memcpy(p + 12, f->peer, 4);
		memcpy(p + 16, f->local, 4);
		memset(p + 20, 1, opt);		/* NOP */
		if (s && s->ipdata[0])
			memcpy(p + 20, s->ipdata, opt);
		put16(p + 10, ~sum16(0, p, hdr));
		tun_write(f->w, p, hdr + n);
	}
}

void wire_inject(struct flow *f, struct seg *s)
{
	static uint8_t pkt[PKT_MAX + 80];
	uint8_t *th = pkt + 80;
	int optlen, len;

	if (f->ts && !(s->flags & (SYN | RST)) && !s->ts && !s->no_ts) {
		s->ts = true;
		s->tsval = f->tsval + (now_us() - f->w->start) / 1000;
		s->tsecr = f->ts_recent;
	}
	if (!(s->flags & ACK))
		s->ack = 0;
	optlen = build_options(f, s, th + 20);
	len = 20 + optlen + s->len;
	put16(th, f->port);
	put16(th + 2, f->lport);
	put32(th + 4, s->seq + f->isn);
	put32(th + 8, s->flags & ACK ? s->ack + f->our_isn : 0);
	th[12] = (s->doff >= 0 ? s->doff : (20 + optlen) / 4) << 4;
	th[13] = s->flags;
	put16(th + 14, s->wnd);
	put16(th + 16, 0);
	put16(th + 18, s->up);
	if (s->data)
		memcpy(th + 20 + optlen, s->data, s->len);
	else
		pattern_fill(th + 20 + optlen, s->len, s->seq - !(s->flags & SYN));
	if (s->cut >= 0)
		len = s->cut;
	if (len >= 18)
		put16(th + 16, ~l4_sum(f->w->v6, f->peer, f->local, 6, th, len) ^
			       s->csum_xor);
	note_seg(f, '>', s);
	if (s->seq == f->seq && s->doff < 0 && s->cut < 0 && !s->csum_xor &&
	    !(s->flags & RST))
		f->seq += s->len + !!(s->flags & SYN) + !!(s->flags & FIN);
	send_ip(f, pkt, len, 6, s);
}

void wire_icmp(struct flow *f, enum wire_icmp what, uint32_t seq, int mtu)
{
	static const uint8_t v4[][2] = {
		{ 3, 4 }, { 3, 1 }, { 3, 3 }, { 4, 0 }, { 3, 0 }, { 3, 2 }, { 3, 5 },
		{ 3, 13 }, { 11, 0 }, { 12, 0 },
	};
	static const uint8_t v6[][2] = {
		{ 2, 0 }, { 1, 3 }, { 1, 4 }, { 1, 0 }, { 1, 0 }, { 4, 1 }, { 1, 2 },
		{ 1, 1 }, { 3, 0 }, { 4, 0 },
	};
	uint8_t pkt[256] = {}, *p = pkt + 80, *ip = p + 8, *th;

	p[0] = f->w->v6 ? v6[what][0] : v4[what][0];
	p[1] = f->w->v6 ? v6[what][1] : v4[what][1];
	if (f->w->v6)
		put32(p + 4, mtu);
	else
		put16(p + 6, mtu);
	/* the packet that it is about: ours */
	if (f->w->v6) {
		ip[0] = 0x60;
		put16(ip + 4, 1000);
		ip[6] = 6;
		ip[7] = 64;
		memcpy(ip + 8, f->local, 16);
		memcpy(ip + 24, f->peer, 16);
		th = ip + 40;
	} else {
		ip[0] = 0x45;
		put16(ip + 2, 1000);
		put16(ip + 6, 0x4000);
		ip[8] = 64;
		ip[9] = 6;
		memcpy(ip + 12, f->local, 4);
		memcpy(ip + 16, f->peer, 4);
		put16(ip + 10, ~sum16(0, ip, 20));
		th = ip + 20;
	}
	put16(th, f->lport);
	put16(th + 2, f->port);
	put32(th + 4, seq + f->our_isn);
	th[12] = 0x50;
	th += 20;
	if (f->w->v6)
		put16(p + 2, ~l4_sum(true, f->peer, f->local, 58, p, th - p));
	else
		put16(p + 2, ~sum16(0, p, th - p));
	note(f->w, "# %9.6f > %u icmp %d/%d mtu %d about seq %u\n",
	     (now_us() - f->w->start) / 1e6, f->port, p[0], p[1], mtu, seq);
	send_ip(f, pkt, th - p, f->w->v6 ? 58 : 1, NULL);
}

/* --- packets out --------------------------------------------------------- */

static void parse_options(struct wire *w, struct seen *n)
{
	struct seg *s = &n->s;
	const uint8_t *o = s->opt;
	int i, k, len;

	s->ws = ANY;
	for (i = 0; i < s->optlen; i += len) {
		len = 1;
		if (o[i] == 0) {
			for (; i < s->optlen; i++)
				if (o[i])
					wire_fail(w, 0, "not zero after the end of options");
			return;
		}
		if (o[i] == 1)
			continue;
		if (i + 1 >= s->optlen || o[i + 1] < 2 || i + o[i + 1] > s->optlen)
			wire_fail(w, 0, "bad option %d sent", o[i]);
		len = o[i + 1];
		switch (o[i]) {
		case 2:
			s->mss = get16(o + i + 2);
			break;
		case 3:
			s->ws = o[i + 2];
			break;
		case 4:
			s->sackok = true;
			break;
		case 5:
			s->nsack = (len - 2) / 8;
			for (k = 0; k < s->nsack; k++) {
				n->sack[k][0] = get32(o + i + 2 + 8 * k);
				n->sack[k][1] = get32(o + i + 6 + 8 * k);
			}
			break;
		case 8:
			s->ts = true;
			s->tsval = get32(o + i + 2);
			s->tsecr = get32(o + i + 6);
			break;
		default:
			wire_fail(w, 0, "unknown option %d sent", o[i]);
		}
	}
}

/* Of IPv4: the end of a source route, if there is one */
static const uint8_t *destination(const uint8_t *p, int hdr)
{
	const uint8_t *o = p + 20;

	for (; o < p + hdr && *o; o += *o == 1 ? 1 : o[1]) {
		if (*o != 1 && (o + 1 >= p + hdr || o[1] < 2 || o + o[1] > p + hdr))
			die("bad IP option %d sent", *o);
		if (*o == 131 || *o == 137)
			return o + o[1] - 4;
	}
	return p + 16;
}

/* One packet from the device; NULL if it is not TCP. */
static struct seen *parse(struct wire *w, const uint8_t *p, int len)
{
	bool v6 = p[0] >> 4 == 6;
	int hdr = v6 ? 40 : (p[0] & 15) * 4, alen = v6 ? 16 : 4;
	const uint8_t *th = p + hdr, *dst = v6 ? p + 24 : destination(p, hdr);
	struct seen *n;

	if (p[v6 ? 6 : 9] != 6)
		return NULL;
	if (!v6 && sum16(0, p, hdr) != 0xffff)
		wire_fail(w, 0, "bad IPv4 checksum sent");
	if (len != (v6 ? (int)get16(p + 4) + 40 : (int)get16(p + 2)))
		wire_fail(w, 0, "bad IP length sent");
	if (!v6 && get16(p + 6) != 0x4000 && !(w->no_df && !get16(p + 6)))
		wire_fail(w, 0, "not DF, or a fragment, sent: %#x", get16(p + 6));
	len -= hdr;
	if (len < 20 || (th[12] >> 4) < 5 || (th[12] >> 4) * 4 > len)
		wire_fail(w, 0, "bad data offset sent");
	if (l4_sum(v6, p + (v6 ? 8 : 12), dst, 6, th, len) != 0xffff)
		wire_fail(w, 0, "bad TCP checksum sent");
	n = calloc(1, sizeof(*n) + len);
	must(n);
	n->s.at = now_us();
	memcpy(n->src, p + (v6 ? 8 : 12), alen);
	memcpy(n->dst, dst, alen);
	if (!v6) {
		n->s.iphop = p[19];
		n->s.ipopt = hdr - 20;
		memcpy(n->s.ipdata, p + 20, hdr - 20);
	}
	n->sport = get16(th);
	n->dport = get16(th + 2);
	n->seq = get32(th + 4);
	n->ack = get32(th + 8);
	n->s.flags = th[13];
	n->s.tos = v6 ? get16(p) >> 4 & 0xff : p[1];
	n->s.label = v6 ? get32(p) & 0xfffff : 0;
	n->s.ttl = p[v6 ? 7 : 8];
	n->s.wnd = get16(th + 14);
	n->s.up = get16(th + 18);
	n->s.optlen = (th[12] >> 4) * 4 - 20;
	memcpy(n->s.opt, th + 20, n->s.optlen);
	n->s.len = len - 20 - n->s.optlen;
	memcpy(n->data, th + len - n->s.len, n->s.len);
	n->s.payload = n->data;
	parse_options(w, n);
	if (!(n->s.flags & SYN) && (n->s.mss || n->s.sackok || n->s.ws >= 0))
		wire_fail(w, 0, "an option for a SYN sent without one");
	return n;
}

/* Into the queue of the flow that it belongs to. */
static void sort_in(struct wire *w, struct seen *n)
{
	struct flow *f;
	int i;

	for (f = w->flows; f; f = f->next)
		if (n->sport == f->lport && n->dport == f->port &&
		    !memcmp(n->src, f->local, w->v6 ? 16 : 4) &&
		    !memcmp(n->dst, f->peer, w->v6 ? 16 : 4))
			break;
	if (!f) {
		w->strays++;
		note(w, "# %9.6f < stray %u -> %u flags %#x\n",
		     (now_us() - w->start) / 1e6, n->sport, n->dport, n->s.flags);
		free(n);
		return;
	}
	if ((n->s.flags & (SYN | RST)) == SYN &&
	    (!f->have_isn || f->ack == 0)) {
		f->our_isn = n->seq;
		f->have_isn = true;
	}
	n->s.seq = n->seq - f->our_isn;
	n->s.ack = n->s.flags & ACK ? n->ack - f->isn : 0;
	for (i = 0; i < n->s.nsack; i++) {
		n->s.sack[i].start = n->sack[i][0] - f->isn;
		n->s.sack[i].end = n->sack[i][1] - f->isn;
	}
	note_seg(f, '<', &n->s);
	*f->tail = n;
	f->tail = &n->next;
}

/* Read what the device has; wait at most @ms for the first packet. */
static void tun_read(struct wire *w, int ms)
{
	static uint8_t pkt[PKT_MAX];
	struct seen *n;
	int len;

	if (!poll_ms(w->tun, POLLIN, ms))
		return;
	while ((len = read(w->tun, pkt, sizeof(pkt))) > 0) {
		n = parse(w, pkt, len);
		if (n)
			sort_in(w, n);
	}
}

const struct seg *wire_next(struct flow *f, int ms)
{
	int64_t end = now_us() + ms * 1000LL;
	int64_t left;
	struct seen *n;
	struct seg *s;

	tun_read(f->w, 0);
	while (!f->head) {
		left = end - now_us();
		if (left <= 0)
			return NULL;
		tun_read(f->w, (left + 999) / 1000);
	}
	n = f->head;
	f->head = n->next;
	if (!f->head)
		f->tail = &f->head;
	s = &n->s;
	if (s->ts)
		f->ts_recent = s->tsval;
	if (s->seq == f->ack && !(s->flags & RST))
		f->ack += s->len + !!(s->flags & SYN) + !!(s->flags & FIN);
	return s;	/* lives as long as the test */
}

const struct seg *wire_expect(struct flow *f, struct seg *e)
{
	const struct seg *s = wire_next(f, test_slow() ? e->within * 4 : e->within);
	int flags;

	if (!(e->flags & ACK))
		e->ack = 0;
	if (!s)
		wire_fail(f->w, e->line, "nothing came on port %u in %d ms, flags %#x seq %u ack %u len %d expected",
			  f->port, e->within, e->flags, e->seq, e->ack, e->len);
	flags = e->flags & PSH ? s->flags : s->flags & ~PSH;
	if (flags != e->flags || s->seq != e->seq || s->ack != e->ack ||
	    (e->len != ANY && s->len != e->len) || (e->wnd != ANY && s->wnd != e->wnd))
		wire_fail(f->w, e->line, "seen   flags %#x seq %u ack %u len %d win %d\n"
			  "#                expected flags %#x seq %u ack %u len %d win %d",
			  flags, s->seq, s->ack, s->len, s->wnd,
			  e->flags, e->seq, e->ack, e->len, e->wnd);
	if (s->len && !pattern_ok(s->payload, s->len, s->seq - !(s->flags & SYN)))
		wire_fail(f->w, e->line, "wrong bytes in seq %u", s->seq);
	return s;
}

void wire_expect_none(struct flow *f, int ms, int line)
{
	const struct seg *s = wire_next(f, ms);

	if (s)
		wire_fail(f->w, line, "flags %#x seq %u ack %u len %d came, nothing expected",
			  s->flags, s->seq, s->ack, s->len);
}

/* --- connections --------------------------------------------------------- */

void wire_handshake(struct flow *f, struct seg *s)
{
	struct seg syn = *s;

	if (syn.ts && syn.tsval)
		f->tsval = syn.tsval;
	else
		syn.tsval = f->tsval;
	wire_inject(f, &syn);
	f->synack = *expect(f, SYN | ACK | (syn.flags & CWR ? ECE : 0), .line = s->line);
	f->ts = syn.ts && f->synack.ts;
	if (s->rtt)
		pass(s->rtt);
	inject(f, ACK, .line = s->line);
}

void flow_accept(struct flow *f)
{
	if (!(poll_for(f->w->lfd, POLLIN) & POLLIN))
		wire_fail(f->w, 0, "no connection to accept");
	f->fd = accept4(f->w->lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	must(f->fd >= 0);
}

void wire_open(struct flow *f, struct seg *s)
{
	wire_handshake(f, s);
	flow_accept(f);
}

static union addr addr_bytes(bool v6, const uint8_t *ip, int port)
{
	union addr a = addr_any(v6, port);

	if (v6)
		memcpy(&a.in6.sin6_addr, ip, 16);
	else
		memcpy(&a.in.sin_addr, ip, 4);
	return a;
}

union addr flow_peer(const struct flow *f)
{
	return addr_bytes(f->w->v6, f->peer, f->port);
}

union addr flow_local(const struct flow *f, int port)
{
	return addr_bytes(f->w->v6, f->local, port);
}

int flow_dial(struct flow *f)
{
	union addr to = flow_peer(f), own;
	int err;

	if (f->fd < 0)
		f->fd = test_socket(f->w->v6, SOCK_NONBLOCK | SOCK_CLOEXEC);
	must(f->fd >= 0);
	err = connect(f->fd, &to.sa, addr_len(f->w->v6)) ? errno : 0;
	own = sock_name(f->fd);
	f->lport = addr_port(&own);
	return err;
}

void wire_answer(struct flow *f, struct seg *s)
{
	struct seg synack = *s;
	struct seg *syn = &f->synack;

	if (flow_dial(f) != EINPROGRESS)
		wire_fail(f->w, s->line, "connect(): errno %d", errno);
	*syn = *expect(f, SYN, .line = s->line);
	synack.ack = f->ack;
	synack.tsval = f->tsval;
	synack.tsecr = syn->tsval;
	f->ts = synack.ts && syn->ts;
	wire_inject(f, &synack);
	expect(f, ACK, .line = s->line);
}

void flow_write(struct flow *f, int len)
{
	uint8_t *buf = malloc(len);
	int n;

	must(buf);
	pattern_fill(buf, len, f->wrote);
	n = send(f->fd, buf, len, MSG_NOSIGNAL);
	if (n != len)
		wire_fail(f->w, 0, "send() of %d: %d (errno %d)", len, n, errno);
	f->wrote += len;
	free(buf);
}

void flow_read(struct flow *f, int len)
{
	uint8_t *buf = malloc(len);
	int n, got;

	must(buf);
	for (got = 0; got < len; got += n) {
		if (!poll_ms(f->fd, POLLIN, 3000))
			wire_fail(f->w, 0, "%d of %d bytes to read", got, len);
		n = recv(f->fd, buf + got, len - got, 0);
		if (n <= 0)
			wire_fail(f->w, 0, "recv(): %d (errno %d) after %d of %d",
				  n, errno, got, len);
	}
	if (!pattern_ok(buf, len, f->read))
		wire_fail(f->w, 0, "wrong bytes read");
	f->read += len;
	free(buf);
}

int flow_recv(struct flow *f)
{
	char buf[65536];

	return recv_soon(f->fd, buf, sizeof(buf));
}

int flow_drain(struct flow *f, int total, bool ack)
{
	uint32_t end = f->ack + total;
	int n = 0;

	while (f->ack != end) {
		const struct seg *s = expect(f, ACK, .len = ANY);

		if (!s->len || (int32_t)(end - f->ack) < 0)
			wire_fail(f->w, 0, "%d bytes more expected", end - f->ack);
		n++;
		if (ack)
			inject(f, ACK);
	}
	return n;
}

/* --- counters ------------------------------------------------------------ */

void counters_read(struct counters *c)
{
	char line[256];
	FILE *f = fopen("/proc/net/xtcp/snmp", "re");

	c->n = 0;
	if (!f)
		return;
	while (c->n < 256 && fgets(line, sizeof(line), f))
		if (sscanf(line, "Xtcp%31s %" SCNu64, c->name[c->n], &c->value[c->n]) == 2)
			c->n++;
	fclose(f);
}

uint64_t counter(const char *name)
{
	struct counters c;
	int i;

	if (test_inet())
		return 0;
	counters_read(&c);
	for (i = 0; i < c.n; i++)
		if (!strcmp(c.name[i], name))
			return c.value[i];
	die("no Xtcp%s in snmp", name);
}

/* "XtcpDropName": the ends of segments. */
const char *drops_since(const struct counters *c)
{
	static char out[1024];
	struct counters now;
	int i, n = 0;

	counters_read(&now);
	out[0] = 0;
	for (i = 0; i < now.n; i++)
		if (!strncmp(now.name[i], "Drop", 4) && now.value[i] != c->value[i])
			n += snprintf(out + n, sizeof(out) - n, "%s+%" PRIu64 " ",
				      now.name[i] + 4, now.value[i] - c->value[i]);
	return out;
}
