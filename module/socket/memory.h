/* SPDX-License-Identifier: GPL-2.0 */
/* memory.h - sk_prot and the memory of all sockets. */
#ifndef XTCP_SOCKET_MEMORY_H
#define XTCP_SOCKET_MEMORY_H

int xtcp_memory_init(void);
void xtcp_memory_exit(void);

#endif
