// SPDX-License-Identifier: GPL-2.0
/* flow_lwip.c - flow, on lwIP: a TCP that is neither Linux's nor ours.
 *
 * lwIP is behind the TUN device l0, as 10.0.9.2 and fd09::2; 10.0.9.1 is its
 * gateway.  One connection is served after the other.
 */
#include <lwip/tcpip.h>
#include <lwip/netif.h>
#include <lwip/sockets.h>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* --- the device: before read() and write() are lwIP's ----------------------- */

static struct netif netif;
static int tun;

static void *tun_input(void *unused)
{
	static char packet[65536];
	struct pbuf *p;
	ssize_t n;

	while ((n = read(tun, packet, sizeof(packet))) > 0) {
		p = pbuf_alloc(PBUF_RAW, n, PBUF_RAM);
		if (!p)
			continue;
		pbuf_take(p, packet, n);
		if (netif.input(p, &netif) != ERR_OK)
			pbuf_free(p);
	}
	return NULL;
}

static err_t tun_write(struct pbuf *p)
{
	static char packet[65536];	/* under lwIP's lock */
	int n = pbuf_copy_partial(p, packet, p->tot_len, 0);

	return write(tun, packet, n) == n ? ERR_OK : ERR_IF;
}

static err_t output4(struct netif *unused, struct pbuf *p, const ip4_addr_t *to)
{
	return tun_write(p);
}

static err_t output6(struct netif *unused, struct pbuf *p, const ip6_addr_t *to)
{
	return tun_write(p);
}

static err_t tun_init(struct netif *n)
{
	struct ifreq ifr = { .ifr_name = "l0", .ifr_flags = IFF_TUN | IFF_NO_PI };

	tun = open("/dev/net/tun", O_RDWR);
	if (tun < 0 || ioctl(tun, TUNSETIFF, &ifr))
		return ERR_IF;
	n->mtu = 1500;
	n->output = output4;
	n->output_ip6 = output6;
	return ERR_OK;
}

/* --- what flow asks for ------------------------------------------------------- */

struct report {
	uint32_t	retrans, dsacks;
};

static void lwip_up(void);

static struct report report(int fd)
{
	return (struct report){ 0 };	/* there is no TCP_INFO */
}

static void serve_one(int fd);

static void attend(int lfd, int fd)
{
	serve_one(fd);
}

#define FLOW_FOREIGN	lwip_up
#define socket		lwip_socket
#define bind		lwip_bind
#define listen		lwip_listen
#define accept		lwip_accept
#define connect		lwip_connect
#define setsockopt	lwip_setsockopt
#define read		lwip_read
#define write		lwip_write
#define poll		lwip_poll
#define close		lwip_close
#include "flow.c"

static sem_t ready;

static void configure(void *unused)
{
	ip4_addr_t ip, mask, gw;
	ip6_addr_t ip6;

	IP4_ADDR(&ip, 10, 0, 9, 2);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	IP4_ADDR(&gw, 10, 0, 9, 1);
	if (!netif_add(&netif, &ip, &mask, &gw, NULL, tun_init, tcpip_input))
		die("netif_add");
	ip6addr_aton("fd09::2", &ip6);
	netif_ip6_addr_set(&netif, 0, &ip6);
	netif_ip6_addr_set_state(&netif, 0, IP6_ADDR_PREFERRED);
	netif_set_default(&netif);
	netif_set_up(&netif);
	netif_set_link_up(&netif);
	sem_post(&ready);
}

static void lwip_up(void)
{
	pthread_t t;

	sem_init(&ready, 0, 0);
	tcpip_init(configure, NULL);
	sem_wait(&ready);
	pthread_create(&t, NULL, tun_input, NULL);
}
