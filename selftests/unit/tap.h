/* SPDX-License-Identifier: GPL-2.0 */
/* tap.h - tests that print TAP.  TEST(function__case) { EXPECT...; } is all;
 * main() is here, so a program has one file that includes it.
 */
#ifndef _UNIT_TAP_H
#define _UNIT_TAP_H

#include <linux/kernel.h>

struct tap_test {
	const char *name;
	void (*run)(void);
};

static struct tap_test tap_tests[256];
static unsigned int tap_count, tap_failures;

#define TEST(name)							\
	static void name(void);						\
	__attribute__((constructor)) static void tap_add_##name(void)	\
	{								\
		tap_tests[tap_count++] = (struct tap_test){ #name, name }; \
	}								\
	static void name(void)

#define TAP_FAIL(fmt, ...) do {						\
	if (tap_failures++ < 10)					\
		printf("# %s:%d: " fmt "\n", __FILE__, __LINE__, __VA_ARGS__); \
} while (0)

#define EXPECT(cond) do {						\
	if (!(cond))							\
		TAP_FAIL("%s", #cond);					\
} while (0)

/* got == want, as signed 64-bit numbers */
#define EXPECT_EQ(got, want) do {					\
	long long __g = (long long)(got), __w = (long long)(want);	\
	if (__g != __w)							\
		TAP_FAIL("%s is %lld (0x%llx), want %lld (0x%llx)",	\
			 #got, __g, __g, __w, __w);			\
} while (0)

#define EXPECT_NEAR(got, want, tolerance) do {				\
	double __g = (got), __w = (want);				\
	if (__g < __w - (tolerance) || __g > __w + (tolerance))		\
		TAP_FAIL("%s is %g, want %g", #got, __g, __w);		\
} while (0)

#define EXPECT_STR(got, want) do {					\
	const char *__g = (got), *__w = (want);				\
	if (strcmp(__g, __w))						\
		TAP_FAIL("%s is \"%s\", want \"%s\"", #got, __g, __w);	\
} while (0)

#define EXPECT_MEM(got, want, len) do {					\
	if (memcmp(got, want, len))					\
		TAP_FAIL("%s differs from %s", #got, #want);		\
} while (0)

/* A fixed sequence of numbers (splitmix64), the same in every run */
static inline u64 tap_random(void)
{
	static u64 state = 0x7863747021ULL;
	u64 z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

int main(void)
{
	unsigned int i, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", tap_count);
	for (i = 0; i < tap_count; i++) {
		tap_failures = 0;
		tap_tests[i].run();
		failed += tap_failures != 0;
		printf("%sok %u %s\n", tap_failures ? "not " : "", i + 1,
		       tap_tests[i].name);
	}
	return failed != 0;
}

#endif /* _UNIT_TAP_H */
