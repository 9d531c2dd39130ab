// SPDX-License-Identifier: GPL-2.0
/*
 * For the test machine in virtual time: a reader of a host file does not sleep
 * until the answer comes, it spins.
 *
 * In virtual time an idle CPU jumps to the next timer at once, be it seconds
 * away. Waiting for the host is idling, so each file read would let clocks
 * jump. Spinning costs the instructions that the host's answer takes instead,
 * about 0.1 ms of virtual time.
 *
 * Both waits of 9p are a wait_event(req->wq, req->status >= REQ_STATUS_RCVD),
 * which calls prepare_to_wait_event(&req->wq, ...) and looks again before it
 * sleeps: when that function returns to 9p, we wait for the status here.
 */

#include <linux/kprobes.h>
#include <linux/module.h>
#include <net/9p/9p.h>
#include <net/9p/client.h>

#define MAX_SPINS	(1 << 28)
#define MAX_FUNCTION	8192

static struct kprobe waits[] = {
	{ .symbol_name = "p9_client_rpc" },
	{ .symbol_name = "p9_virtio_zc_request" },
};

static bool in_9p(unsigned long ip)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(waits); i++)
		if (ip - (unsigned long)waits[i].addr < MAX_FUNCTION)
			return true;
	return false;
}

/* At entry the return address is on top of the stack. */
static int wait_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (!in_9p(*(unsigned long *)regs->sp))
		return 1;
	*(struct wait_queue_head **)ri->data = (struct wait_queue_head *)regs->di;
	return 0;
}

static int wait_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct p9_req_t *req = container_of(*(struct wait_queue_head **)ri->data, struct p9_req_t, wq);
	int spins = MAX_SPINS;

	while (READ_ONCE(req->status) < REQ_STATUS_RCVD && !irqs_disabled() && --spins)
		cpu_relax();
	return 0;
}

static struct kretprobe wait_probe = {
	.kp.symbol_name = "prepare_to_wait_event",
	.entry_handler = wait_entry,
	.handler = wait_return,
	.data_size = sizeof(void *),
	.maxactive = 32,
};

static int __init sync9p_init(void)
{
	int i, err;

	/* Registered for a moment only, to learn where the functions are. */
	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		err = register_kprobe(&waits[i]);
		if (err)
			return err;
		disable_kprobe(&waits[i]);
	}
	return register_kretprobe(&wait_probe);
}
module_init(sync9p_init);

MODULE_DESCRIPTION("Busy waiting for 9p in virtual time");
MODULE_LICENSE("GPL");
