/* SPDX-License-Identifier: GPL-2.0 */
/* sock_parts.h - what <net/sock.h> had until 6.9, and has headers of its own now:
 * memory pressure, receive flow steering. (Not __has_include: sparse 0.6.4 has none.)
 */
#ifndef XTCP_COMPAT_SOCK_PARTS_H
#define XTCP_COMPAT_SOCK_PARTS_H

#include <linux/version.h>
#include <net/sock.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#include <net/proto_memory.h>
#include <net/rps.h>
#endif

#endif
