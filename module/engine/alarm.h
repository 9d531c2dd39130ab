/* SPDX-License-Identifier: GPL-2.0 */
/* alarm.h - a moment of a socket, to the nanosecond: then XTCP_DEFER_* work is due.
 *
 * For pacing and for ACKs that wait: few sockets need one, so it is made when it
 * is first set.  It holds a reference while it stands.  Lock: the socket's.
 */
#ifndef XTCP_ENGINE_ALARM_H
#define XTCP_ENGINE_ALARM_H

#include <linux/types.h>

struct xtcp_alarm;
struct xtcp_sock;

/* Do @what at @at (ns of wire time), or up to @slack ns later with an interrupt
 * that comes anyway.  Stays as it is if it stands already.  *@a is NULL at first,
 * and always set with the same @what.  False: no memory.
 */
bool xtcp_alarm_set(struct xtcp_sock *xs, struct xtcp_alarm **a, int what,
		    u64 at, u64 slack);
void xtcp_alarm_stop(struct xtcp_sock *xs, struct xtcp_alarm *a);	/* NULL: nothing */
void xtcp_alarm_free(struct xtcp_alarm *a);	/* with the last reference; NULL: nothing */

#endif
