// SPDX-License-Identifier: GPL-2.0
/* insns.c - a plugin of QEMU's emulator: instructions per kernel function.
 *
 * Counts between the marks of selftests/bench/util.c (instructions that do
 * nothing); of each two marked stretches the second, the first is a warm-up.
 * Exact, not sampled, and the guest does not notice.
 *
 * Functions are known by their entries, which are the targets of calls; calls
 * and returns tell the stack pointer, and each 16 KB stack (of a task, of
 * interrupts) has its own shadow stack and its own count of instructions, so
 * that what runs in between on other stacks is not in a function's total.
 *
 * Writes to the file named by out=, for each stretch:
 *	stretch
 *	block ADDRESS INSNS	executed at ADDRESS, all its executions
 *	call ADDRESS HITS TOTAL	function entered, with what it called
 *	user INSNS
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is needed of qemu-plugin.h, version 1; Debian does not ship it. */
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { NO_REGS = 0, MEM_W = 2, MEM_RW = 3 };
#define EXPORT __attribute__((visibility("default")))
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
	void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
	void (*cb)(unsigned int cpu, void *arg), int flags, void *arg);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
	void (*cb)(unsigned int cpu, void *arg), int flags, void *arg);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
	void (*cb)(unsigned int cpu, uint32_t info, uint64_t addr, void *arg),
	int flags, int rw, void *arg);
EXPORT int qemu_plugin_version = 1;

#define KERNEL_START	0xffff800000000000ULL
#define STACK_SHIFT	14
#define MAX_STACKS	512
#define MAX_DEPTH	256
#define HASH_SIZE	(1 << 20)

/* of one address: executed from there, and called there */
struct place {
	uint64_t	addr, insns, hits, total;
};

struct frame {
	uint64_t	sp, start;
	struct place	*func;
};

struct stack {
	uint64_t	id, insns;
	int		depth;
	struct frame	frame[MAX_DEPTH];
};

struct block {
	uint64_t	addr;
	uint32_t	insns;
	struct place	*place;
};

static struct place places[HASH_SIZE];
static struct stack stacks[MAX_STACKS];
static struct stack *stack = stacks;	/* the one that runs */
static uint64_t user;
static uint64_t called_sp;	/* a call was the last instruction */
static bool counting;
static unsigned int stretch;
static FILE *out;

static struct place *place_of(uint64_t addr)
{
	uint64_t i = addr * 0x9e3779b97f4a7c15ULL >> 44;

	while (places[i].addr && places[i].addr != addr)
		i = (i + 1) % HASH_SIZE;
	places[i].addr = addr;
	return &places[i];
}

static struct stack *stack_of(uint64_t sp)
{
	uint64_t id = sp >> STACK_SHIFT;
	int i;

	if (stack->id == id)
		return stack;
	for (i = 0; i < MAX_STACKS - 1 && stacks[i].id; i++)
		if (stacks[i].id == id)
			return &stacks[i];
	stacks[i].id = id;
	stacks[i].depth = 0;
	return &stacks[i];
}

/* Leave all functions whose return address is at sp or below. */
static void pop(struct stack *s, uint64_t sp)
{
	while (s->depth && s->frame[s->depth - 1].sp <= sp) {
		struct frame *f = &s->frame[--s->depth];
		int i;

		/* a function within itself is counted once */
		for (i = 0; i < s->depth; i++)
			if (s->frame[i].func == f->func)
				break;
		if (i == s->depth)
			f->func->total += s->insns - f->start;
	}
}

static void on_call(unsigned int cpu, uint32_t info, uint64_t sp, void *arg)
{
	(void)cpu, (void)info, (void)arg;
	called_sp = sp;
}

static void on_return(unsigned int cpu, uint32_t info, uint64_t sp, void *arg)
{
	(void)cpu, (void)info, (void)arg;
	if (!counting)
		return;
	stack = stack_of(sp);
	pop(stack, sp);
}

static void push(uint64_t sp, struct place *func)
{
	stack = stack_of(sp);
	pop(stack, sp);
	if (stack->depth == MAX_DEPTH)
		return;
	stack->frame[stack->depth++] = (struct frame){
		.sp = sp, .start = stack->insns, .func = func,
	};
	func->hits++;
}

static void on_block(unsigned int cpu, void *arg)
{
	struct block *b = arg;
	uint64_t sp = called_sp;

	(void)cpu;
	called_sp = 0;
	if (!counting)
		return;
	if (b->addr < KERNEL_START) {
		user += b->insns;
		return;
	}
	if (sp)
		push(sp, b->place);
	stack->insns += b->insns;
	b->place->insns += b->insns;
}

static void dump(void)
{
	fprintf(out, "stretch\n");
	for (size_t i = 0; i < HASH_SIZE; i++) {
		struct place *p = &places[i];

		if (p->insns)
			fprintf(out, "block %llx %llu\n",
				(unsigned long long)p->addr,
				(unsigned long long)p->insns);
		if (p->hits)
			fprintf(out, "call %llx %llu %llu\n",
				(unsigned long long)p->addr,
				(unsigned long long)p->hits,
				(unsigned long long)p->total);
		p->insns = 0;
		p->hits = 0;
		p->total = 0;
	}
	fprintf(out, "user %llu\n", (unsigned long long)user);
	fflush(out);
}

static void on_start(unsigned int cpu, void *arg)
{
	(void)cpu, (void)arg;
	counting = stretch++ % 2;
	memset(stacks, 0, sizeof(stacks));
	stack = stacks;
	user = 0;
}

static void on_stop(unsigned int cpu, void *arg)
{
	(void)cpu, (void)arg;
	if (counting)
		dump();
	counting = false;
}

enum kind { OTHER, CALL, RETURN, START, STOP };

static enum kind kind_of(const uint8_t *code, size_t size)
{
	static const uint8_t mark[] = { 0x0f, 0x1f, 0x84, 0x00 };
	size_t i = 0;

	if (size == 8 && !memcmp(code, mark, 4) && code[5] == 0x63 &&
	    code[6] == 0x74 && code[7] == 0x78)
		return code[4] == 1 ? START : STOP;
	while (i < size && (code[i] == 0x2e || code[i] == 0x3e ||
			    code[i] == 0xf3 || (code[i] & 0xf0) == 0x40))
		i++;
	if (i == size)
		return OTHER;
	if (code[i] == 0xe8)
		return CALL;
	if (code[i] == 0xff && i + 1 < size && (code[i + 1] & 0x38) == 0x10)
		return CALL;
	if (code[i] == 0xc3)
		return RETURN;
	return OTHER;
}

static void watch(struct qemu_plugin_insn *insn)
{
	switch (kind_of(qemu_plugin_insn_data(insn),
			qemu_plugin_insn_size(insn))) {
	case CALL:
		qemu_plugin_register_vcpu_mem_cb(insn, on_call, NO_REGS, MEM_W,
						 NULL);
		break;
	case RETURN:
		/* asked for reads alone, QEMU 7.2 tells none */
		qemu_plugin_register_vcpu_mem_cb(insn, on_return, NO_REGS,
						 MEM_RW, NULL);
		break;
	case START:
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_start, NO_REGS,
						       NULL);
		break;
	case STOP:
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_stop, NO_REGS,
						       NULL);
		break;
	case OTHER:
		break;
	}
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	struct block *b = malloc(sizeof(*b));
	struct qemu_plugin_insn *last;

	(void)id;
	if (!b)
		abort();
	b->addr = qemu_plugin_tb_vaddr(tb);
	b->insns = n;
	b->place = b->addr >= KERNEL_START ? place_of(b->addr) : NULL;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, NO_REGS, b);
	last = qemu_plugin_tb_get_insn(tb, n - 1);
	/* calls and returns end a block; marks stand anywhere, in user code */
	for (size_t i = 0; b->addr < KERNEL_START && i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (kind_of(qemu_plugin_insn_data(insn),
			    qemu_plugin_insn_size(insn)) >= START)
			watch(insn);
	}
	if (b->addr >= KERNEL_START)
		watch(last);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc,
			       char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
