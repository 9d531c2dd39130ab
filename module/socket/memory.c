// SPDX-License-Identifier: GPL-2.0
/* memory.c - sk_prot of every socket: what all of them may take together
 * (net.xtcp.mem), and the callbacks by which net/core asks one of them.
 */
#include "socket/memory.h"

#include "conn/netns.h"
#include "engine/backlog.h"
#include "engine/output.h"
#include "engine/sock.h"
#include "engine/timers.h"

#include <linux/module.h>
#include <linux/swap.h>

static struct percpu_counter sockets_allocated;
static atomic_long_t memory_allocated ____cacheline_aligned_in_smp;
static DEFINE_PER_CPU(int, memory_per_cpu_fw_alloc);
static unsigned long memory_pressure;
static long sysctl_mem[3];		/* pages: no worry, pressure, limit */
static int sysctl_wmem_min = 4096, sysctl_rmem_min = 4096;

static void enter_memory_pressure(struct sock *sk)
{
	if (!READ_ONCE(memory_pressure) && !xchg(&memory_pressure, 1))
		xtcp_mib_inc(sock_net(sk), XTCP_MIB_MEMORY_PRESSURES);
}

static void leave_memory_pressure(struct sock *sk)
{
	if (READ_ONCE(memory_pressure))
		WRITE_ONCE(memory_pressure, 0);
}

/* TCP_NOTSENT_LOWAT: no more than this waits for its turn.  A writer who is to
 * be woken (@wake) sleeps until half of it is gone.
 */
static bool stream_memory_free(const struct sock *sk, int wake)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	u32 notsent = READ_ONCE(xs->sndq.write_seq) - READ_ONCE(xs->snd.nxt);

	return ((u64)notsent << wake) < xtcp_output_lowat(xs);
}

/* SO_KEEPALIVE; net/core sets the flag after this. */
static void keepalive(struct sock *sk, int on)
{
	if (XTCPF(sk->sk_state) & (XTCPF(XTCP_CLOSE) | XTCPF(XTCP_LISTEN)))
		return;
	if (on && sock_flag(sk, SOCK_KEEPOPEN))
		return;
	sock_valbool_flag(sk, SOCK_KEEPOPEN, on);
	xtcp_timers_keepalive_set(xtcp_sk(sk), on);
}

struct proto xtcp_prot = {
	.name			= "XTCP",
	.owner			= THIS_MODULE,
	.obj_size		= sizeof(struct xtcp_sock),
	.slab_flags		= SLAB_TYPESAFE_BY_RCU | SLAB_ACCOUNT,
	.max_header		= XTCP_HEADROOM,
	.no_autobind		= true,
	.keepalive		= keepalive,
	.backlog_rcv		= xtcp_backlog_rcv,
	.release_cb		= xtcp_release_cb,
	.stream_memory_free	= stream_memory_free,
	.enter_memory_pressure	= enter_memory_pressure,
	.leave_memory_pressure	= leave_memory_pressure,
	.memory_pressure	= &memory_pressure,
	.memory_allocated	= &memory_allocated,
	.per_cpu_fw_alloc	= &memory_per_cpu_fw_alloc,
	.sockets_allocated	= &sockets_allocated,
	.sysctl_mem		= sysctl_mem,
	.sysctl_wmem		= &sysctl_wmem_min,
	.sysctl_rmem		= &sysctl_rmem_min,
};

/* As much as the kernel's TCP would take of this machine: a sixteenth of memory, and
 * half as much again.
 */
static void limits_init(void)
{
	unsigned long limit = max(nr_free_buffer_pages() / 16, 128UL);

	sysctl_mem[0] = limit / 4 * 3;
	sysctl_mem[1] = limit;
	sysctl_mem[2] = sysctl_mem[0] * 2;
}

int xtcp_memory_init(void)
{
	int err;

	limits_init();
	err = percpu_counter_init(&sockets_allocated, 0, GFP_KERNEL);
	if (err)
		return err;
	err = proto_register(&xtcp_prot, 1);
	if (err)
		percpu_counter_destroy(&sockets_allocated);
	return err;
}

void xtcp_memory_exit(void)
{
	proto_unregister(&xtcp_prot);
	percpu_counter_destroy(&sockets_allocated);
}
