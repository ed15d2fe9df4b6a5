/* log_trial.h - what the tests of the log share: random deltas, a plain model of them, a log in a folder of its own. The program is the test's:
 * `program`, its params N and M (`N_VALUE`, `M_VALUE`), PAGES source pages, the sparse ones from FIRST_SPARSE on, and SIZES
 * (at most 7), how large deltas get. Include it in one file. */
#ifndef MMSB_TESTS_LOG_TRIAL_H
#define MMSB_TESTS_LOG_TRIAL_H

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <xxhash.h>

#include "failing_malloc.h"
#include "io_instance.h"
#include "runtime/delta.h"
#include "state/log.h"
#include "state/log_format.h"
#include "unit.h"

static char folder[] = "/tmp/mmsb-log-XXXXXX", path[128];
static mmsb_error err;
static mmsb_schedule *compiled;
static uint64_t state = 7;

FOR_ANY_USE void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

FOR_ANY_USE uint64_t draw(uint64_t below)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

FOR_ANY_USE void setup(void)
{
	compiled = io_schedule(program);
	ck_assert_ptr_nonnull(compiled);
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

FOR_ANY_USE void teardown(void)
{
	char command[64];
	left = 0;
	mmsb_schedule_close(compiled);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

FOR_ANY_USE mmsb_instance *fresh(void)
{
	mmsb_instance *m = io_instance(compiled);
	ck_assert_ptr_nonnull(m);
	ok(mmsb_set_param(m, "N", N_VALUE, &err));
	ok(mmsb_set_param(m, "M", M_VALUE, &err));
	ok(mmsb_bind(m, &err));
	return m;
}

/* ---- deltas and a plain model of them ---------------------------------------------------------- */

/* For each page what was staged, one element after the other: field, kind, position, value. */
typedef struct model {
	struct said {
		uint8_t *at;
		size_t n, capacity;
	} page[PAGES];
} model;

FOR_ANY_USE void say(struct said *to, uint32_t field, uint32_t kind, uint64_t position, const void *value, size_t bytes)
{
	ck_assert_int_eq(reserve(&to->at, &to->capacity, to->n + 16 + bytes), 0);
	const uint32_t what[] = {field, kind};
	memcpy(to->at + to->n, what, 8);
	memcpy(to->at + to->n + 8, &position, 8);
	if (bytes)
		memcpy(to->at + to->n + 16, value, bytes);
	to->n += 16 + bytes;
}

FOR_ANY_USE void forget(model *x)
{
	for (int i = 0; i < PAGES; i++) {
		free(x->page[i].at);
		x->page[i] = (struct said){0};
	}
}

/* Values that staging takes as they are. */
FOR_ANY_USE void draw_values(mmsb_instance *m, int id, unsigned field, uint64_t n, uint8_t *to)
{
	const page *p = &m->pages[id];
	const sch_record *r = p->def->record == NONE ? NULL : &m->sch->records[p->def->record];
	for (uint64_t i = 0; i < n; i++) {
		uint32_t first = !r ? 0 : field == NONE ? 0 : field, end = !r ? 1 : field == NONE ? r->n_fields : field + 1;
		size_t width = !r || field == NONE ? p->element : type_table[m->sch->fields[r->first_field + field].type].bytes;
		memset(to + i * width, 0, width);
		for (uint32_t k = first; k < end && width; k++) {
			const sch_field *f = r ? &m->sch->fields[r->first_field + k] : NULL;
			uint8_t type = r ? f->type : p->def->type;
			scalar v = {.bits = draw(UINT64_MAX)};
			if (type == T_BOOL || (r ? f->index_size : p->def->index_size) != NONE)
				v.bits = draw(type == T_BOOL ? 2 : N_VALUE);
			if (type == T_F32)
				v.F32 = (float)draw(1000) / 8;
			if (type == T_F64)
				v.F64 = (double)draw(1000) / 8;
			memcpy(to + i * width + (r && field == NONE ? f->offset : 0), &v, type_table[type].bytes);
		}
	}
}

/* Positions of each kind that there is an encoding for. */
FOR_ANY_USE void draw_positions(uint64_t count, uint64_t n, uint64_t *at)
{
	uint64_t how = draw(6), first = draw(count), step = 1 + draw(3);
	for (uint64_t i = 0; i < n; i++)
		switch (how) {
		case 0: at[i] = draw(count); break;
		case 1: at[i] = (first + i) % count; break;              /* a range, perhaps around the end */
		case 2: at[i] = (first + i * step) % count; break;       /* masks, or small gaps */
		case 3: at[i] = (first + i * 200) % count; break;        /* gaps of two bytes */
		case 4: at[i] = draw(count < 60000 ? count : 60000); break;
		default: at[i] = (first + count - (i * 40) % count) % count; /* downwards */
		}
}

FOR_ANY_USE void stage_dense(mmsb_instance *m, int id, uint64_t n, model *x)
{
	static uint64_t at[4096];
	static uint8_t values[4096 * 32];
	const page *p = &m->pages[id];
	unsigned fields = p->def->record == NONE ? 0 : m->sch->records[p->def->record].n_fields;
	unsigned field = fields && draw(2) ? (unsigned)draw(fields) : NONE;
	size_t width = field == NONE ? p->element : type_table[m->sch->fields[m->sch->records[p->def->record].first_field + field].type].bytes;
	bool range = field == NONE && draw(4) == 0;
	uint64_t first = draw(p->count);
	n = range && n > p->count - first ? p->count - first : n;
	draw_values(m, id, field, n, values);
	draw_positions(p->count, n, at);
	if (range)
		ok(mmsb_write(m, id, first, n, values, &err));
	else if (field == NONE)
		ok(mmsb_scatter(m, id, n, at, values, &err));
	else
		ok(mmsb_scatter_field(m, id, field, n, at, values, &err));
	for (uint64_t i = 0; x && i < n; i++)
		say(&x->page[id], field, 0, range ? first + i : at[i], values + i * width, width);
}

FOR_ANY_USE void stage_sparse(mmsb_instance *m, int id, uint64_t n, model *x)
{
	static uint64_t row[4096], col[4096];
	static uint8_t values[4096 * 8];
	const page *p = &m->pages[id];
	bool insert = draw(3) > 0;
	draw_values(m, id, NONE, n, values);
	draw_positions(N_VALUE, n, row);
	draw_positions(draw(2) ? N_VALUE : (N_VALUE + 9) / 10, n, col);
	if (insert)
		ok(mmsb_insert(m, id, n, row, col, values, &err));
	else
		ok(mmsb_erase(m, id, n, row, col, &err));
	for (uint64_t i = 0; x && i < n; i++)
		say(&x->page[id], NONE, insert ? STAGED_INSERT : STAGED_ERASE, row[i] << 32 | col[i], values + i * p->element, insert ? p->element : 0);
}

FOR_ANY_USE void stage(mmsb_instance *m, unsigned calls, model *x)
{
	for (unsigned i = 0; i < calls; i++) {
		static const uint64_t sizes[] = {1, 2, 5, 17, 100, 1000, 4096};
		int id = (int)draw(PAGES);
		uint64_t n = sizes[draw(SIZES)];
		if (id >= FIRST_SPARSE)
			stage_sparse(m, id, n, x);
		else
			stage_dense(m, id, m->pages[id].count == 1 ? 1 : n, x);
	}
}

/* As one_epoch does it: what is staged is closed, and goes to the log; then it is open again, for a commit. */
FOR_ANY_USE int append(log_writer *w, mmsb_instance *m, uint64_t epoch, const char *source)
{
	staging_close(m);
	int status = log_append_epoch(w, m, epoch, source, &err);
	staging_close(m);
	return status;
}

FOR_ANY_USE void digest(mmsb_instance *m, char *hex) { ok(mmsb_digest(m, hex, &err)); }

/* ---- a state of one writer, whose manifest is this --------------------------------------------- */

static struct {
	log_segment segment[64];
	unsigned n, packed;
	pthread_mutex_t lock;
} names = {.lock = PTHREAD_MUTEX_INITIALIZER};

FOR_ANY_USE int turn(void *user, const log_segment *closed, const log_segment *opened, mmsb_error *e)
{
	(void)user, (void)e;
	pthread_mutex_lock(&names.lock);
	for (unsigned i = 0; closed && i < names.n; i++)
		if (names.segment[i].first == closed->first)
			names.segment[i] = *closed, names.packed += closed->compressed;
	if (opened)
		names.segment[names.n++] = *opened;
	pthread_mutex_unlock(&names.lock);
	return MMSB_OK;
}

FOR_ANY_USE const char *name_of(unsigned i)
{
	snprintf(path, sizeof path, "%s/log-%020" PRIu64 "%s", folder, names.segment[i].first, names.segment[i].compressed ? ".zst" : "");
	return path;
}

/* What LOG_GROUP waits for at most. */
static uint64_t group_ns = 1000000;

FOR_ANY_USE log_writer *begin(const mmsb_instance *m, log_durability durability, uint64_t bytes, int compress)
{
	log_writer *w;
	log_options options = {.durability = durability, .group_ns = group_ns, .segment_bytes = bytes, .compress = compress};
	names.n = names.packed = 0;
	ok(log_open(&w, &vfs_machine, folder, m, &options, 1, NULL, 0, turn, NULL, &err));
	ck_assert_uint_eq(names.n, 1);
	return w;
}

FOR_ANY_USE log_reader *reader(unsigned i)
{
	log_reader *r;
	ok(log_read_open(&r, &vfs_machine, name_of(i), &err));
	return r;
}

#endif
