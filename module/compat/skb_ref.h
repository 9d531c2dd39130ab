/* SPDX-License-Identifier: GPL-2.0 */
/* skb_ref.h - references on an skb's pages: of <linux/skbuff.h> until 6.9, in a
 * header of their own now.
 */
#ifndef XTCP_COMPAT_SKB_REF_H
#define XTCP_COMPAT_SKB_REF_H

#include <linux/skbuff.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#include <linux/skbuff_ref.h>
#endif

#endif
