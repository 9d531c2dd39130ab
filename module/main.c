// SPDX-License-Identifier: GPL-2.0
/* main.c - load and unload: a ladder and its mirror. */

#include "conn/demux.h"
#include "conn/netns.h"
#include "conn/port.h"
#include "control/bbr.h"
#include "control/cong.h"
#include "control/cubic.h"
#include "control/reno.h"
#include "engine/listen.h"
#include "engine/output.h"
#include "engine/timewait.h"
#include "net/early.h"
#include "net/ingress.h"
#include "engine/ip_ops.h"
#include "proto/isn.h"
#include "socket/af_xtcp.h"
#include "watch/proc.h"
#include "watch/sysctl.h"

#include <linux/module.h>
#include <linux/random.h>
#include <linux/xtcp.h>

int xtcp_family = AF_XTCP;
module_param_named(family, xtcp_family, int, 0444);
MODULE_PARM_DESC(family, "number of the address family, below 46 (default 18)");

bool xtcp_cgroup_bypass;
module_param_named(cgroup_bypass, xtcp_cgroup_bypass, bool, 0644);
MODULE_PARM_DESC(cgroup_bypass,
		 "allow sockets in cgroups whose BPF programs cannot see them");

unsigned int xtcp_net_id;

static int __net_init net_init(struct net *net)
{
	int err;

	err = xtcp_netns_net_init(net);
	if (err)
		return err;
	err = xtcp_port_net_init(net);
	if (err)
		goto err_netns;
	xtcp_early_net_init(net);
	err = xtcp_ip_net_init(net);
	if (err)
		goto err_port;
	err = xtcp_tw_net_init(net);
	if (err)
		goto err_ip;
	err = xtcp_sysctl_net_init(net);
	if (err)
		goto err_tw;
	err = xtcp_proc_net_init(net);
	if (err)
		goto err_sysctl;
	return 0;

err_sysctl:
	xtcp_sysctl_net_exit(net);
err_tw:
	xtcp_tw_net_exit(net);
err_ip:
	xtcp_ip_net_exit(net);
err_port:
	xtcp_port_net_exit(net);
err_netns:
	xtcp_netns_net_exit(net);
	return err;
}

/* The mirror, in two halves: between them net/core waits for whoever found a
 * TIME-WAIT entry just before it went, once for all namespaces that end.
 */
static void __net_exit net_pre_exit(struct net *net)
{
	xtcp_proc_net_exit(net);
	xtcp_sysctl_net_exit(net);
	xtcp_tw_net_exit(net);
	xtcp_early_net_exit(net);
}

/* TIME-WAIT entries hold ports, and may do so until an RCU callback; ports need work
 * that is flushed.  A receiver who was on his way when the last port took the
 * handlers out reads the bitmap and counts: he is waited for, too.
 */
static void __net_exit net_exit_batch(struct list_head *nets)
{
	bool used = false;
	struct net *net;

	list_for_each_entry(net, nets, exit_list)
		used |= xtcp_port_net_used(net);
	if (used)
		rcu_barrier();
	list_for_each_entry(net, nets, exit_list)
		xtcp_port_net_exit(net);
	if (used)
		synchronize_net();
	list_for_each_entry(net, nets, exit_list) {
		xtcp_ip_net_exit(net);
		xtcp_netns_net_exit(net);
	}
}

static struct pernet_operations net_ops = {
	.init		= net_init,
	.pre_exit	= net_pre_exit,
	.exit_batch	= net_exit_batch,
	.id		= &xtcp_net_id,
	.size		= sizeof(struct xtcp_net),
};

static void init_secrets(void)
{
	siphash_key_t key;

	get_random_bytes(&key, sizeof(key));
	xtcp_isn_init(&key);
	memzero_explicit(&key, sizeof(key));
}

static int __init xtcp_init(void)
{
	int err;

	init_secrets();
	xtcp_cong_register(&xtcp_reno);
	xtcp_cong_register(&xtcp_cubic);
	xtcp_cong_register(&xtcp_bbr);
	err = xtcp_demux_init();
	if (err)
		goto err_cong;
	err = xtcp_listen_init();
	if (err)
		goto err_demux;
	err = xtcp_tw_init();
	if (err)
		goto err_listen;
	err = xtcp_output_init();
	if (err)
		goto err_tw;
	err = xtcp_ingress_init();
	if (err)
		goto err_output;
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto err_ingress;
	err = xtcp_socket_init();
	if (err)
		goto err_net;
	return 0;

err_net:
	unregister_pernet_subsys(&net_ops);
err_ingress:
	xtcp_ingress_exit();
err_output:
	xtcp_output_exit();
err_tw:
	xtcp_tw_exit();
err_listen:
	xtcp_listen_exit();
err_demux:
	xtcp_demux_exit();
err_cong:
	xtcp_cong_unregister(&xtcp_bbr);
	xtcp_cong_unregister(&xtcp_cubic);
	xtcp_cong_unregister(&xtcp_reno);
	return err;
}

/* No socket is left: each pins the module.  What is left is half-open entries
 * and TIME-WAIT, which go with their namespaces, and work that they began.
 */
static void __exit xtcp_exit(void)
{
	xtcp_socket_exit();
	unregister_pernet_subsys(&net_ops);
	xtcp_ingress_exit();
	xtcp_output_exit();
	rcu_barrier();		/* objects on their way to the caches below */
	xtcp_tw_exit();
	xtcp_listen_exit();
	xtcp_demux_exit();
	xtcp_cong_unregister(&xtcp_bbr);
	xtcp_cong_unregister(&xtcp_cubic);
	xtcp_cong_unregister(&xtcp_reno);
}

module_init(xtcp_init);
module_exit(xtcp_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The xtcp authors");
MODULE_DESCRIPTION("A TCP of its own behind the address family AF_XTCP");
MODULE_VERSION("0.1");
