// SPDX-License-Identifier: GPL-2.0
/* cong_test.c - what all congestion controls have in common */

#include "tap.h"

#include "control/cong.h"
#include "control/rate.h"
#include "control/reno.h"

#define SEC	1000000ULL

/* An algorithm that writes down what it hears */
static struct {
	int init, release, ssthresh, avoid, state, tx_start, undo, acked;
	int control;
	enum xtcp_ca_state last_state, seen_state;
} heard;

static void spy_init(struct xtcp_cong *c)
{
	heard.init++;
	EXPECT_EQ(c->priv[0] | c->priv[12], 0);
	c->priv[0] = 1;
	c->priv[12] = 1;
}

static void spy_release(struct xtcp_cong *c)
{
	heard.release++;
	EXPECT_EQ(c->priv[0], 1);
}

static u32 spy_ssthresh(struct xtcp_cong *c)
{
	heard.ssthresh++;
	return c->cwnd / 4;
}

static void spy_avoid(struct xtcp_cong *c, const struct xtcp_cong_ack *a)
{
	heard.avoid++;
	c->cwnd += a->acked;
}

static void spy_state(struct xtcp_cong *c, enum xtcp_ca_state state)
{
	heard.state++;
	heard.last_state = state;
	heard.seen_state = c->state;
}

static void spy_tx_start(struct xtcp_cong *c, u64 now_us, bool app_limited __always_unused)
{
	heard.tx_start++;
	EXPECT(c->sent_us <= now_us);
}

static u32 spy_undo(struct xtcp_cong *c)
{
	heard.undo++;
	return c->prior_cwnd + 3;
}

static void spy_acked(struct xtcp_cong *c, const struct xtcp_cong_ack *a)
{
	heard.acked++;
	EXPECT(c->cwnd > 0 && a->now_us > 0);
}

static struct module spy_module;

static struct xtcp_cong_ops spy = {
	.name = "spy", .owner = &spy_module,
	.init = spy_init, .release = spy_release, .ssthresh = spy_ssthresh,
	.cong_avoid = spy_avoid, .set_state = spy_state,
	.tx_start = spy_tx_start, .undo_cwnd = spy_undo,
	.pkts_acked = spy_acked,
};

static struct xtcp_cong spied(u32 cwnd)
{
	struct xtcp_cong c;

	memset(&heard, 0, sizeof(heard));
	memset(&c, 0xa5, sizeof(c));
	spy_module = (struct module) { .refs = 1 };
	xtcp_cong_init(&c, &spy, cwnd);
	return c;
}

static struct xtcp_cong reno(u32 cwnd, u32 ssthresh)
{
	struct xtcp_cong c;

	xtcp_cong_init(&c, &xtcp_reno, cwnd);
	c.ssthresh = ssthresh;
	return c;
}

static void sent(struct xtcp_cong *c, u64 now, u32 una, u32 nxt, u32 flight,
		 bool limited)
{
	struct xtcp_cong_tx tx = {
		.now_us = now, .flight = flight, .snd_una = una,
		.snd_nxt = nxt, .rto_us = 300000, .limited = limited,
	};

	xtcp_cong_sent(c, &tx);
}

/* --- life ------------------------------------------------------------------ */

TEST(cong_init__as_rfc5681)
{
	struct xtcp_cong c = spied(10);

	EXPECT_EQ(c.cwnd, 10);
	EXPECT_EQ(c.ssthresh, XTCP_SSTHRESH_INF);
	EXPECT_EQ(c.state, XTCP_CA_OPEN);
	EXPECT(xtcp_cong_in_slow_start(&c));
	EXPECT_EQ(heard.init, 1);
	EXPECT_EQ(xtcp_cong_pacing_rate(&c, 0, 0, 200, 120), 0);
	xtcp_cong_exit(&c);
	EXPECT_EQ(heard.release, 1);
	EXPECT_EQ(spy_module.refs, 0);
	EXPECT(!c.ops);
	xtcp_cong_exit(&c);
	EXPECT_EQ(heard.release, 1);
}

TEST(cong_clone__own_reference)
{
	struct xtcp_cong c = spied(10), child;

	c.cwnd_clamp = 77;
	c.after_idle = false;
	c.cwnd = 500;
	memcpy(&child, &c, sizeof(c));		/* as sk_clone_lock() does */
	xtcp_cong_clone(&child, &c, 4);
	EXPECT_EQ(spy_module.refs, 2);
	EXPECT_EQ(heard.init, 2);
	EXPECT_EQ(child.cwnd, 4);
	EXPECT_EQ(child.cwnd_clamp, 77);
	EXPECT(!child.after_idle);
	xtcp_cong_exit(&child);
	xtcp_cong_exit(&c);
	EXPECT_EQ(spy_module.refs, 0);
}

TEST(cong_clone__module_going)
{
	struct xtcp_cong c = spied(10), child;

	spy_module.going = true;
	xtcp_cong_clone(&child, &c, 4);
	EXPECT(child.ops == &xtcp_reno);
	EXPECT_EQ(spy_module.refs, 1);
	xtcp_cong_exit(&child);
	xtcp_cong_exit(&c);
}

TEST(cong_switch__keeps_windows)
{
	struct xtcp_cong c = spied(10);

	c.cwnd = 33;
	c.ssthresh = 22;
	c.cwnd_cnt = 11;
	c.pacing_rate = 5;
	xtcp_cong_switch(&c, &xtcp_reno);
	EXPECT_EQ(heard.release, 1);
	EXPECT_EQ(spy_module.refs, 0);
	EXPECT_EQ(c.cwnd, 33);
	EXPECT_EQ(c.ssthresh, 22);
	EXPECT_EQ(c.cwnd_cnt, 0);
	EXPECT_EQ(c.pacing_rate, 0);
	EXPECT_EQ(c.priv[12], 0);
}

/* --- registry --------------------------------------------------------------- */

TEST(cong_registry__find_and_names)
{
	struct xtcp_cong_ops other = spy;
	char names[64];

	strcpy(other.name, "other");
	other.flags = XTCP_CONG_NON_RESTRICTED;
	EXPECT(!xtcp_cong_find("reno"));
	EXPECT_EQ(xtcp_cong_names(names, sizeof(names), 0), 0);
	EXPECT_STR(names, "");

	EXPECT_EQ(xtcp_cong_register(&xtcp_reno), 0);
	EXPECT_EQ(xtcp_cong_register(&spy), 0);
	EXPECT_EQ(xtcp_cong_register(&other), 0);
	EXPECT_EQ(xtcp_cong_register(&spy), -EEXIST);
	EXPECT_EQ(xtcp_cong_names(names, sizeof(names), 0), 14);
	EXPECT_STR(names, "reno spy other");
	xtcp_cong_names(names, sizeof(names), XTCP_CONG_NON_RESTRICTED);
	EXPECT_STR(names, "reno other");
	EXPECT_EQ(xtcp_cong_names(names, 7, 0), 6);
	EXPECT_STR(names, "reno s");

	EXPECT(xtcp_cong_find("reno") == &xtcp_reno);
	EXPECT(!xtcp_cong_find("ren"));
	EXPECT(!xtcp_cong_find(""));

	xtcp_cong_unregister(&spy);
	xtcp_cong_unregister(&spy);
	xtcp_cong_names(names, sizeof(names), 0);
	EXPECT_STR(names, "reno other");
	EXPECT(!xtcp_cong_find("spy"));
	xtcp_cong_unregister(&other);
	xtcp_cong_unregister(&xtcp_reno);
	EXPECT_EQ(xtcp_cong_names(names, sizeof(names), 0), 0);
}

/* In again behind what once was behind it: the list must not close */
TEST(cong_registry__register_again)
{
	char names[64];

	EXPECT_EQ(xtcp_cong_register(&spy), 0);
	EXPECT_EQ(xtcp_cong_register(&xtcp_reno), 0);
	xtcp_cong_unregister(&spy);
	EXPECT_EQ(xtcp_cong_register(&spy), 0);
	EXPECT_EQ(xtcp_cong_names(names, sizeof(names), 0), 8);
	EXPECT_STR(names, "reno spy");
	xtcp_cong_unregister(&spy);
	xtcp_cong_unregister(&xtcp_reno);
}

TEST(cong_registry__references)
{
	const struct xtcp_cong_ops *ops;

	spy_module = (struct module) { 0 };
	EXPECT_EQ(xtcp_cong_register(&spy), 0);
	ops = xtcp_cong_find("spy");
	EXPECT(ops == &spy);
	EXPECT_EQ(spy_module.refs, 1);
	xtcp_cong_put(ops);
	EXPECT_EQ(spy_module.refs, 0);
	spy_module.going = true;
	EXPECT(!xtcp_cong_find("spy"));
	xtcp_cong_unregister(&spy);
}

TEST(cong_registry__refuses_the_incomplete)
{
	struct xtcp_cong_ops bad = spy;

	bad.name[0] = '\0';
	EXPECT_EQ(xtcp_cong_register(&bad), -EINVAL);
	bad = spy;
	bad.ssthresh = NULL;
	EXPECT_EQ(xtcp_cong_register(&bad), -EINVAL);
	bad = spy;
	bad.cong_avoid = NULL;
	EXPECT_EQ(xtcp_cong_register(&bad), -EINVAL);
}

/* allowed_congestion_control: all or nothing */
TEST(cong_registry__allow)
{
	char names[64];

	EXPECT_EQ(xtcp_cong_register(&xtcp_reno), 0);
	EXPECT_EQ(xtcp_cong_register(&spy), 0);
	EXPECT_EQ(xtcp_cong_allow("reno sp"), -ENOENT);
	EXPECT_EQ(xtcp_cong_allow("a-name-that-is-longer-than-any spy"), -ENOENT);
	xtcp_cong_names(names, sizeof(names), XTCP_CONG_NON_RESTRICTED);
	EXPECT_STR(names, "reno");
	EXPECT_EQ(xtcp_cong_allow("\t spy\n"), 0);
	xtcp_cong_names(names, sizeof(names), XTCP_CONG_NON_RESTRICTED);
	EXPECT_STR(names, "spy");
	xtcp_cong_allow_too("reno");
	xtcp_cong_allow_too("nobody");
	xtcp_cong_names(names, sizeof(names), XTCP_CONG_NON_RESTRICTED);
	EXPECT_STR(names, "reno spy");
	EXPECT_EQ(xtcp_cong_allow(" "), 0);
	xtcp_cong_names(names, sizeof(names), XTCP_CONG_NON_RESTRICTED);
	EXPECT_STR(names, "");
	EXPECT_EQ(xtcp_cong_allow("reno"), 0);
	xtcp_cong_unregister(&spy);
	xtcp_cong_unregister(&xtcp_reno);
	spy.flags &= ~XTCP_CONG_NON_RESTRICTED;
}

static bool is_called(const struct xtcp_cong_ops *ops, u32 first)
{
	return ops->name[0] == (char)first;
}

TEST(cong_registry__match)
{
	spy_module = (struct module) { 0 };
	EXPECT_EQ(xtcp_cong_register(&xtcp_reno), 0);
	EXPECT_EQ(xtcp_cong_register(&spy), 0);
	EXPECT(xtcp_cong_match(is_called, 'r') == &xtcp_reno);
	EXPECT(xtcp_cong_match(is_called, 's') == &spy);
	EXPECT_EQ(spy_module.refs, 1);
	EXPECT(!xtcp_cong_match(is_called, 'x'));
	xtcp_cong_put(&spy);
	spy_module.going = true;
	EXPECT(!xtcp_cong_match(is_called, 's'));
	xtcp_cong_unregister(&spy);
	xtcp_cong_unregister(&xtcp_reno);
}

TEST(cong_established__initial_window)
{
	struct xtcp_cong c = reno(10, XTCP_SSTHRESH_INF);

	xtcp_cong_established(&c, 10, false);
	EXPECT_EQ(c.cwnd, 10);
	xtcp_cong_established(&c, 10, true);
	EXPECT_EQ(c.cwnd, 1);
	EXPECT_EQ(c.init_cwnd, 10);
	c.cwnd_clamp = 4;
	xtcp_cong_established(&c, 10, false);
	EXPECT_EQ(c.cwnd, 4);
}

/* --- going up ---------------------------------------------------------------- */

TEST(cong_slow_start__up_to_ssthresh)
{
	struct xtcp_cong c = reno(10, 15);

	EXPECT_EQ(xtcp_cong_slow_start(&c, 3), 0);
	EXPECT_EQ(c.cwnd, 13);
	EXPECT_EQ(xtcp_cong_slow_start(&c, 5), 3);
	EXPECT_EQ(c.cwnd, 15);
	c = reno(10, XTCP_SSTHRESH_INF);
	c.cwnd_clamp = 12;
	EXPECT_EQ(xtcp_cong_slow_start(&c, 100), 0);
	EXPECT_EQ(c.cwnd, 12);
}

TEST(cong_ai__one_per_window)
{
	struct xtcp_cong c = reno(10, 5);
	unsigned int i;

	for (i = 0; i < 9; i++)
		xtcp_cong_ai(&c, 10, 1);
	EXPECT_EQ(c.cwnd, 10);
	xtcp_cong_ai(&c, 10, 1);
	EXPECT_EQ(c.cwnd, 11);
	EXPECT_EQ(c.cwnd_cnt, 0);
	xtcp_cong_ai(&c, 10, 37);
	EXPECT_EQ(c.cwnd, 14);
	EXPECT_EQ(c.cwnd_cnt, 7);
	xtcp_cong_ai(&c, 0, 1);
	EXPECT_EQ(c.cwnd, 22);
	c.cwnd_clamp = 23;
	xtcp_cong_ai(&c, 1, 9);
	EXPECT_EQ(c.cwnd, 23);
}

TEST(cong_ack__by_state)
{
	struct xtcp_cong c = spied(10);
	struct xtcp_cong_ack a = { .now_us = 1, .acked = 1 };
	static const struct { u8 state; bool grows; } want[] = {
		{ XTCP_CA_OPEN, true }, { XTCP_CA_DISORDER, true },
		{ XTCP_CA_CWR, false }, { XTCP_CA_RECOVERY, false },
		{ XTCP_CA_LOSS, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		heard.avoid = 0;
		c.state = want[i].state;
		xtcp_cong_ack(&c, &a, NULL);
		EXPECT_EQ(heard.avoid, want[i].grows);
		EXPECT_EQ(heard.acked, i + 1);
	}
	a.acked = 0;
	xtcp_cong_ack(&c, &a, NULL);
	EXPECT_EQ(heard.avoid, 1);
	xtcp_cong_exit(&c);
}

static void spy_control(struct xtcp_cong *c, const struct xtcp_cong_ack *a,
			const struct xtcp_rate_sample *rs)
{
	heard.control++;
	c->pacing_rate = rs->delivered * 100 + a->acked;
}

TEST(cong_control__alone)
{
	struct xtcp_cong_ops ops = spy;
	struct xtcp_cong_ack a = { .now_us = 1, .acked = 2 };
	struct xtcp_rate_sample rs = { .delivered = 3 };
	struct xtcp_cong c = spied(10);

	ops.cong_control = spy_control;
	ops.cong_avoid = NULL;
	c.ops = &ops;
	c.state = XTCP_CA_RECOVERY;
	xtcp_cong_ack(&c, &a, &rs);
	EXPECT_EQ(heard.control, 1);
	EXPECT_EQ(xtcp_cong_pacing_rate(&c, 0, 1, 200, 120), 302);
	/* nobody else touches its window */
	c.ssthresh = 3;
	xtcp_cong_complete(&c, 1);
	EXPECT_EQ(c.cwnd, 10);
	sent(&c, SEC, 0, 1000, 1, false);
	xtcp_cong_tx_start(&c, 300000, 100 * SEC, false);
	EXPECT_EQ(c.cwnd, 10);
	xtcp_cong_exit(&c);
}

/* --- validation ---------------------------------------------------------------- */

TEST(cong_is_limited__slow_start_needs_half)
{
	struct xtcp_cong c = reno(10, XTCP_SSTHRESH_INF);

	EXPECT(!xtcp_cong_is_limited(&c));
	sent(&c, SEC, 0, 5000, 5, false);
	EXPECT(!xtcp_cong_is_limited(&c));
	sent(&c, SEC, 0, 6000, 6, false);
	EXPECT(xtcp_cong_is_limited(&c));
	/* above ssthresh only a full window counts */
	c.ssthresh = 10;
	EXPECT(!xtcp_cong_is_limited(&c));
	sent(&c, SEC, 0, 10000, 10, true);
	EXPECT(xtcp_cong_is_limited(&c));
}

TEST(cong_is_limited__remembered_for_a_round)
{
	struct xtcp_cong c = reno(10, 5);

	sent(&c, SEC, 0xfffff000, 0x1000, 10, true);
	sent(&c, SEC, 0x0fff, 0x2000, 3, false);
	EXPECT(xtcp_cong_is_limited(&c));
	EXPECT_EQ(c.max_flight, 10);
	sent(&c, SEC, 0x1000, 0x3000, 3, false);
	EXPECT(!xtcp_cong_is_limited(&c));
	EXPECT_EQ(c.max_flight, 3);
}

/* CWV-1: half a window for every RTO of silence, not below IW */
TEST(cong_tx_start__idle_halves)
{
	struct xtcp_cong c = reno(10, 50);

	c.cwnd = 100;
	c.cwnd_cnt = 5;
	sent(&c, 10 * SEC, 0, 1000, 100, true);
	xtcp_cong_tx_start(&c, 300000, 10 * SEC + 300000, false);
	EXPECT_EQ(c.cwnd, 100);
	EXPECT_EQ(c.cwnd_cnt, 5);
	xtcp_cong_tx_start(&c, 300000, 10 * SEC + 700000, false);
	EXPECT_EQ(c.cwnd, 25);
	EXPECT_EQ(c.cwnd_cnt, 0);
	/* three quarters are remembered */
	EXPECT_EQ(c.ssthresh, 75);

	c.cwnd = 100;
	xtcp_cong_tx_start(&c, 300000, 20 * SEC, false);
	EXPECT_EQ(c.cwnd, 10);
	c.cwnd = 4;
	xtcp_cong_tx_start(&c, 300000, 30 * SEC, false);
	EXPECT_EQ(c.cwnd, 4);
}

/* A restart has paid for the silence: decay counts anew from there */
TEST(cong_tx_start__then_no_decay)
{
	struct xtcp_cong c = reno(10, 50);

	c.cwnd = 100;
	sent(&c, 10 * SEC, 0, 100, 100, true);
	sent(&c, 10 * SEC + 100000, 100, 200, 60, false);
	xtcp_cong_tx_start(&c, 300000, 10 * SEC + 500000, false);
	EXPECT_EQ(c.cwnd, 50);
	sent(&c, 10 * SEC + 600000, 200, 300, 20, false);
	EXPECT_EQ(c.cwnd, 50);
	sent(&c, 10 * SEC + 800000, 300, 400, 15, false);
	EXPECT_EQ(c.cwnd, 35);
}

TEST(cong_complete__then_no_decay)
{
	struct xtcp_cong c = reno(10, 50);

	c.cwnd = 100;
	sent(&c, 10 * SEC, 0, 100, 100, true);
	xtcp_cong_enter_recovery(&c);
	sent(&c, 10 * SEC + 200000, 0, 100, 45, false);
	xtcp_cong_complete(&c, 11 * SEC);
	EXPECT_EQ(c.cwnd, 50);
	sent(&c, 11 * SEC + 200000, 100, 200, 20, false);
	EXPECT_EQ(c.cwnd, 50);
	sent(&c, 11 * SEC + 300000, 200, 300, 20, false);
	EXPECT_EQ(c.cwnd, 35);
}

TEST(cong_tx_start__when_not)
{
	struct xtcp_cong c = spied(10);

	/* the first data of a connection is no restart */
	c.cwnd = 100;
	xtcp_cong_tx_start(&c, 300000, 100 * SEC, false);
	EXPECT_EQ(heard.tx_start, 0);
	EXPECT_EQ(c.cwnd, 100);
	/* slow_start_after_idle 0 */
	c.after_idle = false;
	sent(&c, 100 * SEC, 0, 1000, 100, true);
	xtcp_cong_tx_start(&c, 300000, 200 * SEC, false);
	EXPECT_EQ(heard.tx_start, 1);
	EXPECT_EQ(c.cwnd, 100);
	xtcp_cong_exit(&c);
}

/* CWV-2: what is not used for an RTO is given back by halves */
TEST(cong_sent__unused_window_decays)
{
	struct xtcp_cong c = reno(10, 50);

	c.cwnd = 100;
	sent(&c, 10 * SEC, 0, 100, 100, true);
	sent(&c, 10 * SEC + 100000, 100, 200, 40, false);
	EXPECT_EQ(c.cwnd, 100);
	sent(&c, 10 * SEC + 300000, 200, 300, 20, false);
	EXPECT_EQ(c.cwnd, 70);
	EXPECT_EQ(c.ssthresh, 75);
	/* the next RTO looks at itself only, and not below IW */
	sent(&c, 10 * SEC + 600000, 300, 400, 2, false);
	EXPECT_EQ(c.cwnd, 40);
	sent(&c, 10 * SEC + 700000, 300, 400, 2, false);
	EXPECT_EQ(c.cwnd, 40);
	sent(&c, 10 * SEC + 750000, 300, 400, 38, false);
	/* full again: counts from there */
	sent(&c, 10 * SEC + 800000, 400, 500, 40, false);
	sent(&c, 10 * SEC + 1099999, 500, 600, 1, false);
	EXPECT_EQ(c.cwnd, 40);
	sent(&c, 10 * SEC + 1100000, 600, 700, 2, false);
	EXPECT_EQ(c.cwnd, 25);
	sent(&c, 10 * SEC + 1200000, 600, 700, 25, false);
	c.cwnd = 40;
	/* not while something is being repaired */
	c.state = XTCP_CA_RECOVERY;
	sent(&c, 12 * SEC, 600, 700, 1, false);
	EXPECT_EQ(c.cwnd, 40);
}

/* --- going down ------------------------------------------------------------------ */

TEST(cong_enter_recovery__once)
{
	struct xtcp_cong c = spied(40);

	c.cwnd_cnt = 9;
	xtcp_cong_enter_recovery(&c);
	EXPECT_EQ(c.ssthresh, 10);
	EXPECT_EQ(c.cwnd, 40);		/* PRR takes it down */
	EXPECT_EQ(c.cwnd_cnt, 0);
	EXPECT_EQ(c.state, XTCP_CA_RECOVERY);
	EXPECT_EQ(heard.last_state, XTCP_CA_RECOVERY);
	EXPECT_EQ(heard.seen_state, XTCP_CA_OPEN);
	xtcp_cong_enter_recovery(&c);
	xtcp_cong_enter_cwr(&c);
	EXPECT_EQ(heard.ssthresh, 1);
	EXPECT_EQ(c.state, XTCP_CA_RECOVERY);
	xtcp_cong_complete(&c, SEC);
	EXPECT_EQ(c.cwnd, 10);		/* PRR-5 */
	EXPECT_EQ(c.state, XTCP_CA_OPEN);
	xtcp_cong_exit(&c);
}

TEST(cong_enter_recovery__after_cwr_is_no_second_cut)
{
	struct xtcp_cong c = spied(40);

	xtcp_cong_enter_cwr(&c);
	EXPECT_EQ(c.ssthresh, 10);
	EXPECT_EQ(c.state, XTCP_CA_CWR);
	xtcp_cong_enter_recovery(&c);
	EXPECT_EQ(heard.ssthresh, 1);
	EXPECT_EQ(c.ssthresh, 10);
	EXPECT_EQ(c.state, XTCP_CA_RECOVERY);
	/* a mark is never spurious */
	xtcp_cong_undo(&c);
	EXPECT_EQ(c.ssthresh, 10);
	EXPECT_EQ(heard.undo, 0);
	xtcp_cong_exit(&c);
}

TEST(cong_reduce__ssthresh_at_least_two)
{
	struct xtcp_cong c = spied(3);

	xtcp_cong_enter_recovery(&c);
	EXPECT_EQ(c.ssthresh, 2);
	xtcp_cong_exit(&c);
}

TEST(cong_timeout__pipe_plus_one)
{
	struct xtcp_cong c = spied(40);

	c.cwnd_cnt = 9;
	xtcp_cong_timeout(&c, 0, false);
	EXPECT_EQ(c.cwnd, 1);
	EXPECT_EQ(c.ssthresh, 10);
	EXPECT_EQ(c.cwnd_cnt, 0);
	EXPECT_EQ(c.state, XTCP_CA_LOSS);
	/* CC-5 */
	c.cwnd_cnt = 9;
	xtcp_cong_timeout(&c, 4, true);
	EXPECT_EQ(c.cwnd, 5);
	EXPECT_EQ(c.cwnd_cnt, 0);
	EXPECT_EQ(c.ssthresh, 10);
	EXPECT_EQ(heard.ssthresh, 1);
	/* it ends where slow start got to */
	c.cwnd = 7;
	xtcp_cong_complete(&c, SEC);
	EXPECT_EQ(c.cwnd, 7);
	xtcp_cong_exit(&c);
}

TEST(cong_undo__as_before)
{
	struct xtcp_cong c = spied(40);

	xtcp_cong_timeout(&c, 0, false);
	xtcp_cong_timeout(&c, 0, true);
	c.cwnd_cnt = 9;
	xtcp_cong_undo(&c);
	EXPECT_EQ(c.cwnd_cnt, 0);
	EXPECT_EQ(heard.undo, 1);
	EXPECT_EQ(c.cwnd, 43);		/* as the algorithm wants it */
	EXPECT_EQ(c.ssthresh, XTCP_SSTHRESH_INF);
	xtcp_cong_undo(&c);
	EXPECT_EQ(heard.undo, 1);
	xtcp_cong_exit(&c);
}

TEST(cong_undo__never_lowers)
{
	struct xtcp_cong c = reno(40, 20);

	xtcp_cong_enter_recovery(&c);
	EXPECT_EQ(c.ssthresh, 20);
	c.cwnd = 60;
	xtcp_cong_undo(&c);
	EXPECT_EQ(c.cwnd, 60);
	EXPECT_EQ(c.ssthresh, 30);	/* memory of 40 */
}

/* --- pacing ----------------------------------------------------------------------- */

TEST(cong_pacing_rate__ratios)
{
	struct xtcp_cong c = reno(10, XTCP_SSTHRESH_INF);

	/* 10 * 1448 bytes in 100 ms, twice */
	c.mss = 1448;
	EXPECT_EQ(xtcp_cong_pacing_rate(&c, 0, 100000, 200, 120), 289600);
	c.ssthresh = 20;
	EXPECT_EQ(xtcp_cong_pacing_rate(&c, 0, 100000, 200, 120), 173760);
	c.ssthresh = 22;
	EXPECT_EQ(xtcp_cong_pacing_rate(&c, 0, 100000, 200, 120), 289600);
	/* a reduction does not make what is in flight less */
	EXPECT_EQ(xtcp_cong_pacing_rate(&c, 40, 100000, 200, 120), 1158400);
	/* as large as it gets */
	c.cwnd = ~0U;
	c.mss = 65535;
	EXPECT_EQ(xtcp_cong_pacing_rate(&c, 0, 1, 1000, 1000),
		  65535ULL * XTCP_CWND_MAX * 10 * 1000000);
}
