/* fibers.c - threads of a block as fibers (fibers.h). A thread runs until it waits for others of its warp or block, or ends; who goes on next is
 * the order's choice. */
#include "fibers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { MOST_THREADS = 1024, WARP = 32, STACK = 1 << 16 };

typedef enum state { READY, IN_BALLOT, IN_SYNC, IN_SHUFFLE, ENDED } state;

typedef struct fiber {
	ucontext_t context;
	state state;
	unsigned members;       /* of the warp, whom it waits for */
	int predicate;
	unsigned ballot;
	uint64_t value;         /* that it offers to others */
	unsigned lane;          /* whose value it takes */
} fiber;

static struct {
	fiber *threads;
	uint8_t *stacks;
	unsigned n, now;
	ucontext_t scheduler;
	cuda_host host;
	fiber_kernel *kernel;
	const void *argument;
	const char *wrong;
	uint64_t order;
} grid;

static uint64_t draw(void)
{
	grid.order = grid.order * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return grid.order >> 33;
}

static void leave(state s)
{
	fiber *f = &grid.threads[grid.now];
	f->state = s;
	swapcontext(&f->context, &grid.scheduler);
}

static unsigned ballot(unsigned members, int predicate)
{
	fiber *f = &grid.threads[grid.now];
	f->members = members;
	f->predicate = predicate;
	leave(IN_BALLOT);
	return f->ballot;
}

static void sync_block(void) { leave(IN_SYNC); }

static uint64_t shuffle(unsigned members, uint64_t value, unsigned lane)
{
	fiber *f = &grid.threads[grid.now];
	f->members = members;
	f->value = value;
	f->lane = lane;
	leave(IN_SHUFFLE);
	return f->value;
}

static void begin(void)
{
	grid.kernel(grid.argument);
	leave(ENDED);
}

cuda_host *fibers_host(void)
{
	grid.host.ballot = ballot;
	grid.host.sync_block = sync_block;
	grid.host.shuffle = shuffle;
	return &grid.host;
}

static void go_on(unsigned thread)
{
	grid.now = thread;
	grid.host.thread = (cuda_host_dim){thread, 0, 0};
	swapcontext(&grid.scheduler, &grid.threads[thread].context);
}

/* A warp whose members all wait for one another goes on together. */
static bool release_warp(unsigned first)
{
	fiber *w = &grid.threads[first];
	unsigned n = grid.n - first < WARP ? grid.n - first : WARP, word = 0, all = n == WARP ? ~0u : (1u << n) - 1;
	uint64_t values[WARP];
	state s = w[0].state;
	if (s != IN_BALLOT && s != IN_SHUFFLE)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (w[i].state != s)
			return false;
		if ((w[i].members & all) != all)
			grid.wrong = "a warp waits for some of its threads alone, which is not emulated";
		word |= (unsigned)(w[i].predicate != 0) << i;
		values[i] = w[i].value;
	}
	for (unsigned i = 0; i < n; i++) {
		w[i].ballot = word;
		w[i].value = values[w[i].lane % n];
		w[i].state = READY;
	}
	return true;
}

static bool release_block(void)
{
	for (unsigned i = 0; i < grid.n; i++)
		if (grid.threads[i].state != IN_SYNC)
			return false;
	for (unsigned i = 0; i < grid.n; i++)
		grid.threads[i].state = READY;
	return true;
}

/* Each thread that may go on does, once. */
static bool run_ready(void)
{
	bool any = false;
	unsigned start = grid.order > 1 ? (unsigned)(draw() % grid.n) : 0;
	for (unsigned k = 0; k < grid.n; k++) {
		unsigned i = grid.order == 1 ? grid.n - 1 - k : (start + k * (grid.order > 1 ? 7 : 1)) % grid.n;
		if (grid.threads[i].state != READY)
			continue;
		any = true;
		go_on(i);
	}
	return any;
}

static void start(unsigned thread)
{
	fiber *f = &grid.threads[thread];
	getcontext(&f->context);
	f->context.uc_stack.ss_sp = grid.stacks + (size_t)thread * STACK;
	f->context.uc_stack.ss_size = STACK;
	f->context.uc_link = NULL;
	makecontext(&f->context, begin, 0);
	f->state = READY;
}

static void run_block(void)
{
	unsigned ended = 0;
	for (unsigned i = 0; i < grid.n; i++)
		start(i);
	while (ended < grid.n && !grid.wrong) {
		bool any = run_ready();
		for (unsigned i = 0; i < grid.n; i += WARP)
			any |= release_warp(i);
		any |= release_block();
		ended = 0;
		for (unsigned i = 0; i < grid.n; i++)
			ended += grid.threads[i].state == ENDED;
		if (!any && ended < grid.n)
			grid.wrong = "threads wait for others that have ended, or wait for something else";
	}
}

const char *fibers_run(fiber_kernel *kernel, const void *argument, unsigned blocks, unsigned block, uint64_t order)
{
	if (block == 0 || block > MOST_THREADS || blocks == 0)
		return "a grid of no threads, or of too many in a block";
	if (!grid.threads) {
		grid.threads = calloc(MOST_THREADS, sizeof *grid.threads);
		grid.stacks = malloc((size_t)MOST_THREADS * STACK);
	}
	if (!grid.threads || !grid.stacks)
		return "no memory for threads";
	grid.kernel = kernel;
	grid.argument = argument;
	grid.n = block;
	grid.wrong = NULL;
	grid.order = order;
	grid.host.block_size = (cuda_host_dim){block, 1, 1};
	grid.host.grid_size = (cuda_host_dim){blocks, 1, 1};
	for (unsigned b = 0; b < blocks && !grid.wrong; b++) {
		grid.host.block = (cuda_host_dim){order & 1 ? blocks - 1 - b : b, 0, 0};
		run_block();
	}
	return grid.wrong;
}
