// SPDX-License-Identifier: GPL-2.0
/* tun_relay.c - a cable: what comes out of one TUN device goes into another.
 *
 *	tun_relay NETNS DEVICE NETNS DEVICE plain|offload
 *
 * plain: packets as on a wire; the kernel verifies their checksums.
 * offload: the devices take TSO and checksums, as those of virtual machines do;
 *	what comes in is large, in fragments, and its checksum is not there yet.
 *
 * The devices must not exist; they live as long as this program.  It writes "up"
 * when they are there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool offload;

static void die(const char *what)
{
	fprintf(stderr, "tun_relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void enter(const char *netns)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(netns);
	close(fd);
}

static int open_tun(const char *netns, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	unsigned int what = offload ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;
	int fd;

	enter(netns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	if (fd < 0)
		die("/dev/net/tun");
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &ifr))
		die(name);
	if (ioctl(fd, TUNSETOFFLOAD, what))
		die("TUNSETOFFLOAD");
	return fd;
}

static void relay(int from, int to)
{
	static char packet[sizeof(struct virtio_net_hdr) + 65536];
	ssize_t n = read(from, packet, sizeof(packet));

	if (n < 0 && errno != EAGAIN && errno != EIO)
		die("read");
	if (n <= 0)
		return;
	/* EIO: the device is down */
	if (write(to, packet, n) < 0 && errno != EIO)
		die("write");
}

int main(int argc, char **argv)
{
	struct pollfd p[2];
	int i;

	if (argc != 6)
		return 2;
	offload = !strcmp(argv[5], "offload");
	for (i = 0; i < 2; i++) {
		p[i].fd = open_tun(argv[1 + 2 * i], argv[2 + 2 * i]);
		p[i].events = POLLIN;
	}
	puts("up");
	fclose(stdout);
	for (;;) {
		if (poll(p, 2, -1) < 0)
			die("poll");
		for (i = 0; i < 2; i++)
			if (p[i].revents & POLLIN)
				relay(p[i].fd, p[!i].fd);
	}
}
