/* count_epochs.c: after warm-up an epoch calls no allocator, from staging to what is told of changes. For each construct of the
 * language a program and deltas that come again and again: allocations in epochs 50 to 100 are counted, of an instance alone and of one that
 * is kept in a state folder. Exits 77 (skipped) under a sanitizer, which has an allocator of its own. */
#include <stdio.h>
#include <string.h>

#include "tests/failing_malloc.h"
#include "tests/io_instance.h"

enum { SIZE = 300, WARM = 50, EPOCHS = 100, ALONE = -1 };

static mmsb_error err;

/* One line of deltas: sources x and y (f64[N]), k (index(N)[N]), g (index(K)[N]), W (sparse f64[N, N]), q (records). `moves`: entries of W
 * come and go. */
typedef struct construct {
	const char *name, *program;
	int moves, watched; /* watched: 2: a subscriber is told as well */
} construct;

#define SOURCES "param N, K;\npage x : f64[N] in;\npage y : f64[N] in;\npage k : index(N)[N] in;\npage g : index(K)[N] in;\n" \
	"page W : sparse f64[N, N] in;\nrecord Quote { bid : f64; ask : f64; }\npage q : Quote[N] in;\n" \
	"page o : f64[N] out;\npage s : f64 out;\npage b : f64[K] out;\n"

static const construct constructs[] = {
	{"element by element", "edge o[i] <- x[i] * y[i];\n", 0, 0},
	{"stencil", "edge o[i] <- clamp(x)[i - 1] + wrap(x)[i + 2];\n", 0, 0},
	{"gather", "edge o[i] <- x[k[i]];\n", 0, 0},
	{"two gathers", "edge o[i] <- x[k[k[i]]];\n", 0, 0},
	{"whole reduction", "edge s <- sum[i] x[i] * y[i];\n", 0, 0},
	{"reduction with a condition", "edge s <- max[i where x[i] > 2.0] x[i];\n", 0, 0},
	{"mean, count, argmax", "edge s <- (mean[i] x[i]) + f64(count[i] (x[i] > 2.0)) + x[argmax[i] x[i]];\n", 0, 0},
	{"group", "edge b[c] <- sum[i where g[i] == c] x[i];\n", 0, 0},
	{"group read back", "edge b[c] <- mean[i where g[i] == c] x[i];\nedge o[i] <- x[i] - b[g[i]];\n", 0, 0},
	{"prefix", "edge o[i] <- sum[j where j <= i] x[j];\n", 0, 0},
	{"prefix with a condition", "edge o[i] <- sum[j where j <= i && x[j] > 2.0] x[j];\n", 0, 0},
	{"suffix", "edge o[i] <- sum[j where j >= i] x[j] * 2.0;\n", 0, 0},
	{"argmax over windows", "edge o[i] <- x[argmax[j where abs(i - j) < 100] x[j]];\n", 0, 0},
	{"running total by key", "edge o[i] <- sum[j where j <= i && g[j] == g[i]] x[j];\n", 0, 0},
	{"rank within a group", "edge o[i] <- f64(count[j where g[j] == g[i]] (x[j] < x[i]));\n", 0, 0},
	{"index that cannot be undone", "edge o[i] <- wrap(x)[i64(y[i])] + x[index(N)(i * i % N)];\n", 0, 0},
	{"window", "edge o[i] <- sum[w in 0..40] clamp(x)[i - w];\n", 0, 0},
	{"matrix", "page m : f64[N, K] out;\nedge m[i, c] <- x[i] * b[c];\nedge b[c] <- f64(c);\nedge o[i] <- sum[c] m[i, c];\n", 0, 0},
	{"records", "edge o[i] <- q[i].bid;\nedge s <- sum[i] q[i].ask;\n", 0, 0},
	{"sparse values", "edge o[i] <- sum[j] W[i, j] * x[j];\nedge s <- max[i, j] W[i, j];\n", 0, 0},
	{"sparse columns", "edge o[j] <- max[i] W[i, j];\n", 0, 0},
	{"sparse page like another", "page L : sparse f64[N, N] out like W;\nedge L[i, j] <- W[i, j] * x[i];\nedge o[j] <- sum[i] L[i, j];\n", 0, 0},
	{"sparse entries that come and go", "edge o[i] <- sum[j] W[i, j] * x[j];\nedge s <- sum[i, j] W[i, j];\n", 1, 0},
	{"state", "edge o[i] <- prev o[i] + x[i];\nedge s <- max(prev s, sum[i] prev x[i]);\n", 0, 0},
	{"life", "edge o[i] <- if wrap(prev o)[i - 1] + wrap(prev o)[i + 1] > 1.0 then x[i] else prev o[i];\n", 0, 0},
	{"exact fixpoint", "edge o[v] <- fix min(if v == 0 then 0.0 else inf, min[u] (o[u] + abs(W[u, v])));\n", 0, 0},
	{"exact fixpoint, arcs that come and go", "edge o[v] <- fix min(if v == 0 then 0.0 else inf, min[u] (o[u] + abs(W[u, v])));\n", 1, 0},
	{"exact fixpoint over entries", "page L : sparse f64[N, N] out like W;\nedge L[i, j] <- fix min(W[i, j], max(x[i], min[v] L[v, i]));\n", 0, 0},
	{"exact fixpoint over entries that come and go", "page L : sparse f64[N, N] out like W;\nedge L[i, j] <- fix min(W[i, j], max(x[i], min[v] L[v, i]));\n", 1, 0},
	{"numeric fixpoint, a reduction", "edge o[i] <- fix(tol = 1e-3, max = 9) 0.1 * o[i] / (1.0 + (max[j] o[j])) + x[i];\n", 0, 0},
	{"numeric fixpoint", "edge o[i] <- fix(tol = 1e-3, max = 9) 0.25 * (clamp(o)[i - 1] + clamp(o)[i + 1]) + x[i];\n", 0, 0},
	{"bounded fixpoint", "edge o[i] <- fix(max = 50) min(x[i], clamp(o)[i - 1] + 1.0);\n", 0, 0},
	{"lazy page", "page z : f64[N] out @lazy;\nedge z[i] <- x[i] * 2.0;\nedge o[i] <- z[i] + 1.0;\n", 0, 0},
	{"a pass that can fail", "page n : i64 out;\nedge n <- sum[i] (i64(x[i]) / (i64(y[i]) + 1000));\nedge o[i] <- prev o[i] + 1.0;\n", 0, 0},
	{"events", "edge o[i] <- x[i] * y[i];\nedge s <- sum[i] o[i];\n", 1, 2},
	{"watch", "edge o[i] <- x[i] * y[i];\nedge s <- sum[i] o[i];\n", 1, 1},
};

static int entries(mmsb_instance *m, uint64_t epoch, int moves)
{
	int id = mmsb_page(m, "W");
	uint64_t row[8], col[8];
	double value[8];
	for (uint64_t i = 0; i < 8; i++) {
		row[i] = (epoch % 10 * 31 + i * 3) % SIZE;
		col[i] = (row[i] + 1 + i % 2) % SIZE;
		value[i] = (double)(epoch % 7 + i);
	}
	int status = mmsb_insert(m, id, 8, row, col, value, &err);
	for (uint64_t i = 0; i < 4; i++) /* of those of the epoch before */
		row[i] = ((epoch + 9) % 10 * 31 + i * 3) % SIZE, col[i] = (row[i] + 1 + i % 2) % SIZE;
	return status || !moves ? status : mmsb_erase(m, id, 4, row, col, &err);
}

static int stage(mmsb_instance *m, uint64_t epoch, int moves)
{
	uint64_t at[5];
	double value[5];
	uint32_t index[5], group[5];
	for (uint64_t i = 0; i < 5; i++) {
		at[i] = (epoch % 10 * 29 + i * i * 7) % SIZE;
		value[i] = (double)((epoch * 3 + i) % 11) - 2.0;
		index[i] = (uint32_t)((epoch + i * 17) % SIZE);
		group[i] = (uint32_t)((epoch + i) % 7);
	}
	double range[20];
	for (int i = 0; i < 20; i++)
		range[i] = (double)((epoch + (uint64_t)i) % 9);
	int status = mmsb_scatter(m, mmsb_page(m, "x"), 5, at, value, &err);
	status = status ? status : mmsb_write(m, mmsb_page(m, "y"), epoch % 10 * 20, 20, range, &err);
	status = status ? status : mmsb_scatter(m, mmsb_page(m, "k"), 5, at, index, &err);
	status = status ? status : mmsb_scatter(m, mmsb_page(m, "g"), 5, at, group, &err);
	status = status ? status : mmsb_scatter_field(m, mmsb_page(m, "q"), 1, 5, at, value, &err);
	return status ? status : entries(m, epoch, moves);
}

static int look(mmsb_instance *m, int watched)
{
	char hex[33];
	mmsb_changes_view view;
	static const char *const pages[] = {"o", "s", "W", "q"};
	for (int i = 0; i < 4; i++) {
		int id = mmsb_page(m, pages[i]), status = watched ? mmsb_changes(m, id, &view) : 0;
		if (status || !mmsb_data(m, id))
			return status ? status : MMSB_MEMORY;
	}
	return mmsb_digest(m, hex, &err);
}

static void hear(void *user, mmsb_instance *m, const mmsb_event *event)
{
	(void)user;
	if (event->kind == MMSB_EVENT_PAGE && event->changes.count == 0)
		mmsb_unsubscribe(m, hear, NULL); /* never */
}

static int start(mmsb_instance **out, const construct *c)
{
	char text[4000];
	snprintf(text, sizeof text, SOURCES "%s%s%s%s", c->program, strstr(c->program, "edge o") ? "" : "edge o[i] <- x[i];\n",
	         strstr(c->program, "edge s") ? "" : "edge s <- 1.0;\n", strstr(c->program, "edge b") ? "" : "edge b[c] <- 1.0;\n");
	mmsb_schedule *compiled = io_schedule(text);
	*out = compiled ? io_instance(compiled) : NULL;
	mmsb_schedule_close(compiled);
	int status = *out ? mmsb_set_param(*out, "N", SIZE, &err) : MMSB_FORMAT;
	status = status ? status : mmsb_set_param(*out, "K", 7, &err);
	static const char *const pages[] = {"o", "s", "W", "q"};
	for (int i = 0; i < 4 && c->watched && !status; i++)
		status = mmsb_watch(*out, mmsb_page(*out, pages[i]), &err);
	if (c->watched == 2 && !status)
		status = mmsb_subscribe(*out, MMSB_ALL_PAGES, hear, NULL, &err);
	return status;
}

static void remove_folder(const char *folder)
{
	char command[100];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	if (system(command) != 0)
		printf("%s: it stays\n", folder);
}

/* 0: no epoch after the first ones allocated anything. durability: of a state folder that the instance is kept in; ALONE: there is none. */
static int check(const construct *c, int durability)
{
	mmsb_instance *m = NULL;
	mmsb_state *state = NULL;
	mmsb_state_options options = {.size = sizeof options, .durability = durability, .digest_every = 7, .compress = -1};
	char folder[] = "/tmp/mmsb-count-XXXXXX";
	int status = start(&m, c);
	if (!status && durability != ALONE)
		status = mkdtemp(folder) ? mmsb_state_open(&state, m, folder, &options, &err) : MMSB_IO;
	long sum = 0, staging = 0, looking = 0;
	for (uint64_t e = 1; e <= EPOCHS && !status; e++) {
		long before = allocated;
		status = stage(m, e, c->moves);
		long staged = allocated;
		status = status ? status : mmsb_commit(m, NULL, &err);
		long committed = allocated;
		status = status ? status : look(m, c->watched);
		if (e > WARM) {
			staging += staged - before;
			sum += committed - staged;
			looking += allocated - committed;
		}
	}
	int closed = mmsb_state_close(state, status ? NULL : &err);
	status = status ? status : closed;
	mmsb_instance_free(m);
	if (durability != ALONE)
		remove_folder(folder);
	if (status)
		printf("%s: %s\n", c->name, err.message);
	else if (sum || staging || looking)
		printf("%s%s: %ld allocations in commits, %ld in staging, %ld in reading of %d epochs\n", c->name,
		       durability == ALONE ? "" : durability == MMSB_DURABLE_EPOCH ? ", in a folder, epoch" : ", in a folder, none", sum, staging,
		       looking, EPOCHS - WARM);
	return status || sum || staging || looking;
}

int main(void)
{
#ifdef HAS_OWN_ALLOCATOR
	return 77;
#endif
	int failed = 0, n = (int)(sizeof constructs / sizeof *constructs);
	for (int i = 0; i < n; i++)
		failed += check(&constructs[i], ALONE) + check(&constructs[i], MMSB_DURABLE_EPOCH) + check(&constructs[i], MMSB_DURABLE_NONE);
	printf("%d passed, %d failed\n", 3 * n - failed, failed);
	return failed > 0;
}
