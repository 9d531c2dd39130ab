/* SPDX-License-Identifier: GPL-2.0 */
/* table.h - /proc/net/xtcp/tcp and tcp6: listeners, half-open entries, connections
 * and TIME-WAIT entries as /proc/net/tcp shows them, so that
 * PROC_NET_TCP=/proc/net/xtcp/tcp ss -tan works.
 */
#ifndef XTCP_WATCH_TABLE_H
#define XTCP_WATCH_TABLE_H

#include <linux/types.h>

struct proc_dir_entry;

/* In the directory of a namespace. False: no memory; the caller removes all. */
bool xtcp_table_create(struct proc_dir_entry *dir);

#endif
