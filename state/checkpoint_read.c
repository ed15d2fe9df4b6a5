/* checkpoint_read.c - an instance that goes on from a checkpoint (checkpoint.h): all of the file is checked, then taken. */
#include "checkpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "manifest.h"
#include "runtime/apply.h"
#include "runtime/dirty.h"

/* A file that holds parts: of this checkpoint, or an older one. */
typedef struct part_file {
	uint64_t base;          /* its epoch; 0: this checkpoint */
	char *path;
	int handle;
	vfs_bytes bytes;
} part_file;

typedef struct trusted {
	const uint8_t *bytes;
	uint64_t n, check, at;
	const char *path;
} trusted;

struct checkpoint_rest {
	const vfs *fs;
	part_file files[MOST_BASES + 1];
	unsigned n_files;
	trusted *parts;
	size_t n_parts, capacity;
};

enum { TRUST_LEAST = 1 << 20 };

typedef struct reader {
	mmsb_instance *m;
	const char *path;
	const uint8_t *file;    /* of the first file */
	size_t n;
	checkpoint_header head;
	const checkpoint_part *parts;
	checkpoint_rest *rest;  /* the files, and what is to be verified later */
	bool trusts;            /* some of it may be */
} reader;

/* The bytes of a part. */
static const part_file *file_of(const reader *r, const checkpoint_part *part)
{
	for (unsigned i = 0; i < r->rest->n_files; i++)
		if (r->rest->files[i].base == part->base)
			return &r->rest->files[i];
	return NULL;
}

static const uint8_t *bytes_at(const reader *r, const checkpoint_part *part)
{
	const part_file *f = file_of(r, part);
	return f->bytes.data ? f->bytes.data + part->offset : NULL;
}

static int damaged(const reader *r, const char *what, mmsb_error *err)
{
	return fail(err, MMSB_FORMAT, "%s: the checkpoint is damaged: %s", r->path, what);
}

static bool is_sparse(const page *p) { return (p->def->flags & PAGEF_SPARSE) != 0; }

/* ---- checks ------------------------------------------------------------------------------------ */

static int check_head(reader *r, mmsb_error *err)
{
	const schedule *s = r->m->sch;
	checkpoint_header *h = &r->head;
	uint64_t identity[2];
	if (r->n < sizeof *h || memcmp(r->file, checkpoint_magic, sizeof checkpoint_magic) != 0)
		return fail(err, MMSB_FORMAT, "%s: this is no checkpoint: it does not begin with the mark of one", r->path);
	memcpy(h, r->file, sizeof *h);
	if (h->version != CHECKPOINT_VERSION)
		return fail(err, MMSB_FORMAT, "%s: the checkpoint has format version %u, this library reads version %u", r->path, h->version,
		            (unsigned)CHECKPOINT_VERSION);
	if (h->numerics != NUMERICS)
		return fail(err, MMSB_NUMERICS, "%s: the checkpoint was made with numerics %u, this library computes with numerics %u", r->path,
		            h->numerics, (unsigned)NUMERICS);
	checkpoint_identity(s, identity);
	if (memcmp(identity, h->identity, sizeof identity) != 0)
		return fail(err, MMSB_FORMAT, "%s: the checkpoint is another program's: use the one that it was made with", r->path);
	if (h->length != r->n)
		return damaged(r, "it is cut off, or something was added", err);
	uint64_t params = (uint64_t)h->n_params * sizeof(uint64_t), table = (uint64_t)h->n_parts * sizeof(checkpoint_part);
	if (h->n_params != s->n_params || params + table > r->n - sizeof *h)
		return damaged(r, "its table is not whole", err);
	size_t n = sizeof *h + params + table;
	uint8_t *copy = malloc(n);
	if (!copy)
		return fail_memory(err, n, "the table of a checkpoint");
	memcpy(copy, r->file, n);
	memset(copy + offsetof(checkpoint_header, check), 0, sizeof h->check);
	bool same = XXH3_64bits(copy, n) == h->check;
	free(copy);
	r->parts = (const void *)(r->file + sizeof *h + params);
	return same && h->epoch > 0 ? MMSB_OK : damaged(r, "the checksum of its table is wrong", err);
}

/* The bytes that a part must have, or UINT64_MAX: there is no such part. */
static uint64_t bytes_of(const reader *r, const checkpoint_part *part)
{
	const mmsb_instance *m = r->m;
	uint64_t bytes;
	if (part->kind == PART_CARRY) {
		bool carries = part->id < m->sch->n_passes && m->sch->passes[part->id].kind == PASS_FIX_NUMERIC &&
		               m->executor->carries[part->id].dirty.n == part->count;
		return !carries ? UINT64_MAX : part->whole ? 0 : bitset_words(part->count) * sizeof(uint64_t);
	}
	if (part->id >= m->sch->n_pages || !(m->pages[part->id].def->flags & PAGEF_STORED))
		return UINT64_MAX;
	const page *p = &m->pages[part->id];
	if (!is_sparse(p) && part->count != p->count)
		return UINT64_MAX;
	switch (part->kind) {
	case PART_VALUES: return __builtin_mul_overflow(part->count, p->element, &bytes) ? UINT64_MAX : bytes;
	case PART_PATTERN: return is_sparse(p) && p->def->like == NONE && part->count < UINT32_MAX ? part->count * 8 : UINT64_MAX;
	case PART_CHANGES: return is_sparse(p) ? UINT64_MAX : part->whole ? 0 : p->n_columns * bitset_words(part->count) * sizeof(uint64_t);
	}
	return UINT64_MAX;
}

/* Rows and columns are within the page, and ascend. */
static bool pattern_holds(const reader *r, const checkpoint_part *part)
{
	const pattern *pat = r->m->pages[part->id].pat;
	const uint32_t *row = (const void *)bytes_at(r, part), *col = row + part->count;
	for (uint64_t i = 0; i < part->count; i++)
		if (row[i] >= pat->n_rows || col[i] >= pat->n_cols ||
		    (i > 0 && (row[i] < row[i - 1] || (row[i] == row[i - 1] && col[i] <= col[i - 1]))))
			return false;
	return true;
}

/* Values of a column that there cannot be: an index outside what it is for (0 stands for no position along a dimension of size 0), a bool
 * that is neither 0 nor 1. */
static bool column_holds(const column *c, const uint8_t *at, uint64_t count, int64_t below)
{
	bool good = true;
	for (uint64_t i = 0; i < count && c->type == T_BOOL; i++)
		good &= at[i * c->stride] <= 1;
	for (uint64_t i = 0; i < count && below >= 0; i++) {
		uint32_t index;
		memcpy(&index, at + i * c->stride, sizeof index);
		good &= index == 0 || (int64_t)index < below;
	}
	return good;
}

static bool values_hold(const reader *r, const checkpoint_part *part)
{
	const mmsb_instance *m = r->m;
	const page *p = &m->pages[part->id];
	const sch_record *record = p->def->record == NONE ? NULL : &m->sch->records[p->def->record];
	bool good = true;
	for (uint32_t k = 0; k < p->n_columns && p->element > 0; k++) {
		uint32_t size = record ? m->sch->fields[record->first_field + k].index_size : p->def->index_size;
		column c = page_column(m, p, false, record ? k : NONE);
		good &= column_holds(&c, bytes_at(r, part) + (c.base - p->cur), part->count, size == NONE ? -1 : m->sizes[size]);
	}
	return good;
}

/* How many entries the file gives a sparse page. */
static uint64_t entries_of(const reader *r, const page *p)
{
	uint32_t owner = p->def->like == NONE ? p->id : p->def->like;
	for (uint32_t i = 0; i < r->head.n_parts; i++)
		if (r->parts[i].kind == PART_PATTERN && r->parts[i].id == owner)
			return r->parts[i].count;
	return UINT64_MAX;
}

/* Whether any bits are values of the page. */
static bool any_bits(const mmsb_instance *m, const page *p)
{
	const sch_record *record = p->def->record == NONE ? NULL : &m->sch->records[p->def->record];
	bool any = true;
	for (uint32_t k = 0; k < p->n_columns; k++) {
		const sch_field *f = record ? &m->sch->fields[record->first_field + k] : NULL;
		any &= (f ? f->type : p->def->type) != T_BOOL && (f ? f->index_size : p->def->index_size) == NONE;
	}
	return any;
}

/* Its checksum, or where that may wait, a note of it. */
static int check_sum(const reader *r, const checkpoint_part *part, mmsb_error *err)
{
	const part_file *f = file_of(r, part);
	const uint8_t *bytes = bytes_at(r, part);
	checkpoint_rest *rest = r->rest;
	bool trusted_now = r->trusts && part->kind == PART_VALUES && part->bytes >= TRUST_LEAST && !is_sparse(&r->m->pages[part->id]) &&
	                   any_bits(r->m, &r->m->pages[part->id]);
	if (!trusted_now)
		return XXH3_64bits(bytes, part->bytes) == part->check ? MMSB_OK : damaged(r, "the checksum of a part of it is wrong", err);
	if (reserve(&rest->parts, &rest->capacity, (rest->n_parts + 1) * sizeof *rest->parts))
		return fail_memory(err, rest->capacity, r->path);
	rest->parts[rest->n_parts++] = (trusted){bytes, part->bytes, part->check, part->offset, f->path};
	return MMSB_OK;
}

static int check_part(const reader *r, const checkpoint_part *part, mmsb_error *err)
{
	const part_file *f = file_of(r, part);
	if (part->bytes != bytes_of(r, part) || part->changed > r->head.epoch)
		return damaged(r, "a part of it is not what it should be", err);
	if (!f || part->offset % CHECKPOINT_ALIGN || part->offset > f->bytes.size || part->bytes > f->bytes.size - part->offset)
		return damaged(r, "a part of it lies outside the file", err);
	int status = check_sum(r, part, err);
	if (status)
		return status;
	if (part->kind == PART_PATTERN && !pattern_holds(r, part))
		return damaged(r, "entries are outside their page, or out of order", err);
	if (part->kind == PART_VALUES && !values_hold(r, part))
		return damaged(r, "an index is outside the page that it is for, or a bool neither 0 nor 1", err);
	if (part->kind == PART_VALUES && is_sparse(&r->m->pages[part->id]) && part->count != entries_of(r, &r->m->pages[part->id]))
		return damaged(r, "a sparse page has not as many values as entries", err);
	return MMSB_OK;
}

static int check_parts(const reader *r, mmsb_error *err)
{
	int status = MMSB_OK;
	for (uint32_t i = 0; i < r->head.n_parts && !status; i++)
		status = check_part(r, &r->parts[i], err);
	return status;
}

/* Each page has what it needs. */
static int check_whole(const reader *r, mmsb_error *err)
{
	const mmsb_instance *m = r->m;
	for (uint32_t i = 0; i < m->sch->n_pages; i++) {
		const page *p = &m->pages[i];
		uint32_t found = 0, patterns = 0;
		for (uint32_t k = 0; k < r->head.n_parts; k++) {
			found += r->parts[k].kind == PART_VALUES && r->parts[k].id == i;
			patterns += r->parts[k].kind == PART_PATTERN && r->parts[k].id == i;
		}
		bool optional = !(p->def->flags & PAGEF_STORED) || p->def->flags & PAGEF_LAZY;
		if (found > 1 || (found == 0 && !optional) || patterns != (is_sparse(p) && p->def->like == NONE))
			return damaged(r, "a page is missing, or there twice", err);
	}
	return MMSB_OK;
}

/* ---- taking ------------------------------------------------------------------------------------ */

static int take_params(const reader *r, mmsb_error *err)
{
	mmsb_instance *m = r->m;
	int status = MMSB_OK;
	for (uint32_t i = 0; i < m->sch->n_params && !status; i++) {
		const uint8_t *value = r->file + sizeof r->head + i * sizeof(uint64_t);
		const char *name = sch_text(m->sch, m->sch->params[i].name);
		if (!m->bound)
			status = mmsb_set_param_value(m, name, value, r->path, err);
		else if (memcmp(&m->params[i].bits, value, sizeof(uint64_t)) != 0)
			status = fail(err, MMSB_SHAPE, "%s: param %s has another value there: sizes are bound already", r->path, name);
	}
	return status ? status : mmsb_bind(m, err);
}

/* Entries in slots 0, 1, 2, ... The pattern of the epoch before is copied when the next begins; which entries changed in this one is not
 * known then, if some did. */
static int take_pattern(const reader *r, const checkpoint_part *part, mmsb_error *err)
{
	mmsb_instance *m = r->m;
	page *p = &m->pages[part->id];
	pattern *pat = p->pat;
	const uint32_t *row = (const void *)bytes_at(r, part), *col = row + part->count;
	int status = sparse_room(m, p, part->count, err);
	if (!status && (pattern_reserve_lists(pat, part->count) || pattern_reserve_log(pat, 1)))
		status = fail_memory(err, part->count * 8, "the entries of a sparse page");
	if (status)
		return status;
	for (uint64_t i = 0; i < part->count; i++) {
		pat->alive[i] = 0;
		pattern_set(pat, row[i], col[i], (uint32_t)i, true);
	}
	pat->n_slots = part->count;
	pattern_sort(pat);
	pat->log.epoch = r->head.epoch;
	pat->log.all = p->prev_pat && part->changed == r->head.epoch;
	pat->log.n = pat->log.all ? 1 : 0;
	if (pat->log.all)
		pat->log.at[0] = (entry_change){0};
	if (p->prev_pat)
		p->prev_pat->lost = true;
	for (uint32_t i = 0; i < m->sch->n_pages; i++)
		if (m->pages[i].pat == pat && m->pages[i].def->flags & PAGEF_STORED)
			m->pages[i].count = part->count;
	p->pattern_changed = part->changed;
	return MMSB_OK;
}

/* The bytes of a part at a place of the arena, or elsewhere. What is large there begins where a page of memory does: its whole pages are
 * mapped where the disk can do it, and copied one by one when they are first written. */
static int place(const reader *r, const checkpoint_part *part, uint8_t *to, mmsb_error *err)
{
	const vfs *fs = r->rest->fs;
	const part_file *f = file_of(r, part);
	bool map = fs->ops->overlay && part->bytes >= ARENA_HUGE && !is_sparse(&r->m->pages[part->id]);
	size_t mapped = map ? part->bytes / CHECKPOINT_ALIGN * CHECKPOINT_ALIGN : 0;
	if (mapped && fs->ops->overlay(fs->at, f->handle, to, mapped, part->offset))
		return fail_memory(err, mapped, f->path);
	if (part->bytes > mapped)
		memcpy(to + mapped, bytes_at(r, part) + mapped, part->bytes - mapped);
	return MMSB_OK;
}

static int take_values(const reader *r, const checkpoint_part *part, mmsb_error *err)
{
	page *p = &r->m->pages[part->id];
	int status = place(r, part, p->cur, err);
	if (!status && p->prev)
		status = place(r, part, p->prev, err);
	if (status)
		return status;
	p->prev_lost = false;
	p->changed = part->changed;
	p->version++;
	if (p->changed != r->head.epoch)
		return MMSB_OK;
	bitset_set(&r->m->touched, p->id);
	if (is_sparse(p) && p->def->flags & PAGEF_PREV)
		p->now[0].all = true; /* slots are others now */
	return MMSB_OK;
}

static void take_bits(bitset *to, const uint64_t *words)
{
	bitset_clear(to);
	for (uint64_t w = 0; w < bitset_words(to->n); w++)
		bitset_add_word(to, w, w + 1 == bitset_words(to->n) && to->n % 64 ? words[w] & ~(~(uint64_t)0 << to->n % 64) : words[w]);
}

static void take_changes(const reader *r, const checkpoint_part *part)
{
	page *p = &r->m->pages[part->id];
	const uint64_t *words = (const void *)bytes_at(r, part);
	for (uint32_t k = 0; k < p->n_columns; k++, words += bitset_words(p->count)) {
		p->now[k].all = part->whole != 0;
		if (!part->whole)
			take_bits(&p->now[k].bits, words);
	}
}

static void take_carry(const reader *r, const checkpoint_part *part)
{
	carry *c = &r->m->executor->carries[part->id];
	c->all = part->whole != 0;
	if (!part->whole)
		take_bits(&c->dirty, (const void *)bytes_at(r, part));
}

static int take_parts(const reader *r, mmsb_error *err)
{
	int status = MMSB_OK;
	bitset_clear(&r->m->touched);
	for (uint32_t i = 0; i < r->head.n_parts && !status; i++)
		if (r->parts[i].kind == PART_PATTERN)
			status = take_pattern(r, &r->parts[i], err);
	for (uint32_t i = 0; i < r->head.n_parts && !status; i++)
		switch (r->parts[i].kind) {
		case PART_VALUES: status = take_values(r, &r->parts[i], err); break;
		case PART_CHANGES: take_changes(r, &r->parts[i]); break;
		case PART_CARRY: take_carry(r, &r->parts[i]); break;
		}
	return status;
}

/* @lazy pages that were put off are so again or, where they are wanted in every epoch now, evaluated. */
static int take_lazy(const reader *r, mmsb_error *err)
{
	mmsb_instance *m = r->m;
	int status = MMSB_OK;
	for (uint32_t i = 0; i < m->sch->n_pages; i++) {
		page *p = &m->pages[i];
		bool there = !(p->def->flags & PAGEF_STORED) || p->def->pass == NONE;
		for (uint32_t k = 0; k < r->head.n_parts && !there; k++)
			there = r->parts[k].kind == PART_VALUES && r->parts[k].id == i;
		if (there)
			continue;
		p->stale = true;
		m->executor->passes[p->def->pass]->dirty->all = true;
	}
	for (uint32_t i = 0; i < m->sch->n_pages && !status; i++)
		if (m->pages[i].stale && !m->executor->passes[m->pages[i].def->pass]->deferred)
			status = lazy_settle(m, &m->pages[i], err);
	return status;
}

/* ---- the files --------------------------------------------------------------------------------- */

/* The path of a file beside another. */
static char *path_near(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path)) : strdup("."), *near = folder ? vfs_path(folder, name) : NULL;
	free(folder);
	return near;
}

static int open_part_file(const reader *r, uint64_t base, mmsb_error *err)
{
	checkpoint_rest *rest = r->rest;
	char name[STATE_NAME];
	part_file *f = &rest->files[rest->n_files];
	*f = (part_file){.base = base, .handle = -1};
	manifest_checkpoint_name(base, name);
	f->path = base ? path_near(r->path, name) : strdup(r->path);
	if (!f->path)
		return fail_memory(err, strlen(r->path), r->path);
	rest->n_files++;
	f->handle = rest->fs->ops->open(rest->fs->at, f->path, 0);
	int error = f->handle < 0 ? f->handle : vfs_view_handle(rest->fs, f->handle, &f->bytes);
	if (error == -ENODATA || error == -EACCES || error == -ENODEV)
		error = f->handle < 0 ? error : 0; /* no regular file: it is empty, as far as one can see */
	return error ? vfs_fail(err, error, f->path, "opened") : MMSB_OK;
}

/* The older ones that the table speaks of. */
static int open_bases(const reader *r, mmsb_error *err)
{
	int status = MMSB_OK;
	for (uint32_t i = 0; i < r->head.n_parts && !status; i++) {
		const checkpoint_part *part = &r->parts[i];
		if (file_of(r, part))
			continue;
		bool may = part->base < r->head.epoch && (part->kind == PART_VALUES || part->kind == PART_PATTERN) && r->rest->n_files <= MOST_BASES;
		status = may ? open_part_file(r, part->base, err) : damaged(r, "a part of it refers to what is no older checkpoint", err);
	}
	return status;
}

static int take(reader *r, mmsb_error *err)
{
	mmsb_instance *m = r->m;
	int status = check_head(r, err);
	if (!status)
		status = open_bases(r, err);
	if (!status)
		status = take_params(r, err);
	if (!status)
		status = check_parts(r, err);
	if (!status)
		status = check_whole(r, err);
	if (!status)
		status = take_parts(r, err);
	if (status)
		return status;
	m->epoch = m->at_hand = r->head.epoch;
	status = take_lazy(r, err);
	if (!status)
		status = readers_fill(m, err);
	if (!status)
		readers_publish(m, m->epoch);
	return status;
}

static int take_file(reader *r, mmsb_error *err)
{
	int status = open_part_file(r, 0, err);
	if (status)
		return status;
	r->file = r->rest->files[0].bytes.data;
	r->n = r->rest->files[0].bytes.size;
	if (r->n == 0)
		return fail(err, MMSB_FORMAT, "%s: this is no checkpoint: it is empty or no regular file", r->path);
	return take(r, err);
}

static int hand_out_table(const reader *r, checkpoint_table *out, mmsb_error *err)
{
	size_t n = r->head.n_parts * sizeof *out->parts;
	*out = (checkpoint_table){.epoch = r->head.epoch, .parts = malloc(n + 1), .n_parts = r->head.n_parts};
	if (!out->parts)
		return fail_memory(err, n, "the table of a checkpoint");
	memcpy(out->parts, r->parts, n);
	return MMSB_OK;
}

int checkpoint_read(mmsb_instance *m, const vfs *fs, const char *path, checkpoint_rest **rest, checkpoint_table *table, mmsb_error *err)
{
	if (rest)
		*rest = NULL;
	if (m->epoch > 0 || !staging_empty(m))
		return fail(err, MMSB_ORDER, "%s: a checkpoint is for an instance that has had no epoch and no deltas", path);
	reader r = {.m = m, .path = path, .rest = calloc(1, sizeof *r.rest), .trusts = rest != NULL};
	if (!r.rest)
		return fail_memory(err, sizeof *r.rest, path);
	r.rest->fs = fs;
	int status = take_file(&r, err);
	if (!status && table)
		status = hand_out_table(&r, table, err);
	for (unsigned i = 0; i < r.rest->n_files; i++) { /* what is mapped stays */
		if (r.rest->files[i].handle >= 0)
			fs->ops->close(fs->at, r.rest->files[i].handle);
		r.rest->files[i].handle = -1;
	}
	if (!status && rest && r.rest->n_parts > 0)
		*rest = r.rest;
	else
		checkpoint_rest_free(r.rest);
	return status;
}

/* ---- what was taken on trust ------------------------------------------------------------------- */

int checkpoint_verify(const checkpoint_rest *rest, const atomic_bool *stop, mmsb_error *err)
{
	enum { STEP = 1 << 22 };
	XXH3_state_t *x = XXH3_createState();
	if (!x)
		return fail_memory(err, 64, "the checksum of a checkpoint");
	int status = MMSB_OK;
	for (size_t i = 0; i < rest->n_parts && !status; i++) {
		const trusted *t = &rest->parts[i];
		XXH3_64bits_reset(x);
		for (uint64_t at = 0; at < t->n && !atomic_load(stop); at += STEP)
			XXH3_64bits_update(x, t->bytes + at, t->n - at < STEP ? t->n - at : STEP);
		if (atomic_load(stop))
			break;
		if (XXH3_64bits_digest(x) != t->check)
			status = fail(err, MMSB_FORMAT, "%s: the checkpoint is damaged: the checksum of a part of it is wrong, at byte %llu", t->path,
			              (unsigned long long)t->at);
	}
	XXH3_freeState(x);
	return status;
}

void checkpoint_rest_free(checkpoint_rest *rest)
{
	if (!rest)
		return;
	for (unsigned i = 0; i < rest->n_files; i++) {
		vfs_release(rest->fs, &rest->files[i].bytes);
		free(rest->files[i].path);
	}
	free(rest->parts);
	free(rest);
}
