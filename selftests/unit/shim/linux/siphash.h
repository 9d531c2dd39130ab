/* SPDX-License-Identifier: GPL-2.0 */
/* siphash.h - SipHash-2-4 from the paper by Aumasson and Bernstein.
 * siphash_test.c holds it against the paper's vectors.
 */
#ifndef _SHIM_SIPHASH_H
#define _SHIM_SIPHASH_H

#include <linux/kernel.h>

#define SIPHASH_ALIGNMENT	__alignof__(u64)

typedef struct {
	u64 key[2];
} siphash_key_t;

static inline u64 sip_rotl(u64 x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(u64 v[4], int rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = sip_rotl(v[1], 13) ^ v[0];
		v[3] = sip_rotl(v[3], 16) ^ v[2];
		v[0] = sip_rotl(v[0], 32) + v[3];
		v[2] += v[1];
		v[3] = sip_rotl(v[3], 21) ^ v[0];
		v[1] = sip_rotl(v[1], 17) ^ v[2];
		v[2] = sip_rotl(v[2], 32);
	}
}

static inline u64 sip_load(const u8 *p, size_t n)
{
	u64 m = 0;

	while (n--)
		m = m << 8 | p[n];
	return m;
}

static inline u64 siphash(const void *data, size_t len,
			  const siphash_key_t *k)
{
	const u8 *p = data;
	size_t left = len;
	u64 m, v[4] = {
		k->key[0] ^ 0x736f6d6570736575ULL,
		k->key[1] ^ 0x646f72616e646f6dULL,
		k->key[0] ^ 0x6c7967656e657261ULL,
		k->key[1] ^ 0x7465646279746573ULL,
	};

	for (; left >= 8; left -= 8, p += 8) {
		m = sip_load(p, 8);
		v[3] ^= m;
		sip_round(v, 2);
		v[0] ^= m;
	}
	m = (u64)len << 56 | sip_load(p, left);
	v[3] ^= m;
	sip_round(v, 2);
	v[0] ^= m;
	v[2] ^= 0xff;
	sip_round(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* As if the words stood in memory, least byte first. */
static inline u64 siphash_3u64(u64 a, u64 b, u64 c, const siphash_key_t *k)
{
	u64 word[] = { a, b, c };

	return siphash(word, sizeof(word), k);
}

#endif /* _SHIM_SIPHASH_H */
