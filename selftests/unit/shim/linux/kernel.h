/* SPDX-License-Identifier: GPL-2.0 */
/* kernel.h - as much of the kernel as the pure rooms use, in userspace.
 *
 * The other headers of this directory only include this one.
 */
#ifndef _SHIM_KERNEL_H
#define _SHIM_KERNEL_H

#include <arpa/inet.h>
#include <asm/errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- types -------------------------------------------------------------- */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u16 __be16;
typedef u32 __be32;
typedef u16 __sum16;
typedef u32 __wsum;

#define U16_MAX			((u16)~0U)
#define U32_MAX			((u32)~0U)
#define __packed		__attribute__((packed))
#define __aligned(n)		__attribute__((aligned(n)))
#define __always_unused		__attribute__((unused))
#define __maybe_unused		__attribute__((unused))
#define __must_check		__attribute__((warn_unused_result))
#define ____cacheline_aligned_in_smp __aligned(64)
#define __read_mostly
#define __init
#define __exit
#define __rcu
#define __must_hold(x)
#define __acquires(x)
#define __releases(x)
#define fallthrough		__attribute__((fallthrough))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define EXPORT_SYMBOL_GPL(x)	extern __typeof__(x) x

#define __force

#undef static_assert
#define static_assert(e, ...)	_Static_assert(e, #e)
#define BUILD_BUG_ON(e)		_Static_assert(!(e), #e)
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define offsetofend(t, m)	(offsetof(t, m) + sizeof(((t *)0)->m))
#define container_of(p, t, m)	((t *)((char *)(p) - offsetof(t, m)))
#define BIT(n)			(1UL << (n))

/* A warning is a failed test: it stops the program */
#define WARN_ON(c) ({							\
	bool __c = !!(c);						\
	if (__c) {							\
		fprintf(stderr, "%s:%d: WARN_ON(%s)\n",			\
			__FILE__, __LINE__, #c);			\
		abort();						\
	}								\
	__c;								\
})
#define WARN_ON_ONCE(c)		WARN_ON(c)
#define BUG_ON(c)		WARN_ON(c)

/* --- minmax: as strict about types as the kernel ------------------------- */
#define __same(x, y) \
	((void)(&(x) == &(y)))
#define __pick(op, a, b) ({						\
	__auto_type __a = (a);						\
	__auto_type __b = (b);						\
	__same(__a, __b);						\
	__a op __b ? __a : __b;						\
})
#define min(a, b)		__pick(<, a, b)
#define max(a, b)		__pick(>, a, b)
#define min3(a, b, c)		min(min(a, b), c)
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define clamp_t(t, v, lo, hi)	min_t(t, max_t(t, v, lo), hi)

/* --- math64 -------------------------------------------------------------- */
#define div_u64(a, b)		((u64)(a) / (u32)(b))
#define div64_u64(a, b)		((u64)(a) / (u64)(b))
#define do_div(n, base) ({						\
	u32 __r = (n) % (base);						\
	(n) /= (base);							\
	__r;								\
})

/* --- bytes --------------------------------------------------------------- */
#define cpu_to_be16(x)		htons(x)
#define cpu_to_be32(x)		htonl(x)
#define be16_to_cpu(x)		ntohs(x)
#define be32_to_cpu(x)		ntohl(x)

static inline u16 get_unaligned_be16(const void *p)
{
	const u8 *b = p;

	return b[0] << 8 | b[1];
}

static inline u32 get_unaligned_be32(const void *p)
{
	const u8 *b = p;

	return (u32)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

static inline void put_unaligned_be16(u16 v, void *p)
{
	u8 *b = p;

	b[0] = v >> 8;
	b[1] = v;
}

static inline void put_unaligned_be32(u32 v, void *p)
{
	u8 *b = p;

	b[0] = v >> 24;
	b[1] = v >> 16;
	b[2] = v >> 8;
	b[3] = v;
}

/* --- strings ------------------------------------------------------------- */
static inline __attribute__((format(printf, 3, 4)))
int scnprintf(char *buf, size_t len, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!len)
		return 0;
	va_start(ap, fmt);
	n = vsnprintf(buf, len, fmt, ap);
	va_end(ap);
	return n < (int)len ? n : (int)len - 1;
}

/* --- locks: one thread, but unbalanced use is an error -------------------- */
typedef struct {
	int held;
} spinlock_t;

#define DEFINE_SPINLOCK(l)	spinlock_t l

#define spin_lock_init(l)	((l)->held = 0)
#define spin_lock(l)		WARN_ON((l)->held++)
#define spin_unlock(l)		WARN_ON(--(l)->held)
#define spin_lock_bh(l)		spin_lock(l)
#define spin_unlock_bh(l)	spin_unlock(l)
#define synchronize_rcu()	((void)0)
#define lockdep_assert_held(l)	WARN_ON(!(l)->held)

/* --- modules: a count that tests look at ---------------------------------- */
struct module {
	int refs;
	bool going;
};

#define THIS_MODULE		((struct module *)NULL)

static inline bool try_module_get(struct module *m)
{
	if (m && m->going)
		return false;
	if (m)
		m->refs++;
	return true;
}

static inline void module_put(struct module *m)
{
	if (m)
		WARN_ON(m->refs-- <= 0);
}

#endif /* _SHIM_KERNEL_H */
