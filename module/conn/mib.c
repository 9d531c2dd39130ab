// SPDX-License-Identifier: GPL-2.0
/* mib.c - sums and names of the counters. */
#include "conn/mib.h"

#include "conn/netns.h"

#include <linux/string.h>

static const char * const names[XTCP_MIB_MAX] = {
#define NAME(sym, name) [XTCP_MIB_##sym] = name,
	xtcp_mib_list(NAME)
#undef NAME
};

const char *xtcp_mib_name(enum xtcp_mib_item item)
{
	return (unsigned int)item < XTCP_MIB_MAX ? names[item] : "?";
}

/* Not a snapshot: the counters run on while they are added up. */
void xtcp_mib_read(const struct net *net, struct xtcp_mib *sum)
{
	const struct xtcp_mib *m;
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		m = per_cpu_ptr(xtcp_net(net)->mib, cpu);
		for (i = 0; i < XTCP_MIB_MAX; i++)
			sum->item[i] += READ_ONCE(m->item[i]);
		for (i = 0; i < XTCP_DROP_MAX; i++)
			sum->drop[i] += READ_ONCE(m->drop[i]);
	}
}
