/* checkpoint.c - writes checkpoints (checkpoint.h): all of the file is laid out first, then written from the pages. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "runtime/device.h"
#include "runtime/exec.h"
#include "runtime/saving.h"
#include "stream.h"

const uint8_t checkpoint_magic[8] = {'M', 'M', 'S', 'B', 'C', '\r', '\n', 0x1a};

_Static_assert(sizeof(checkpoint_header) == CHECKPOINT_HEADER && sizeof(checkpoint_part) == CHECKPOINT_PART, "the layout is the file's");

/* ---- what the schedule is ---------------------------------------------------------------------- */

/* What was added so far is the seed of what comes. */
static void add(uint64_t h[2], const void *bytes, size_t n)
{
	h[0] = XXH3_64bits_withSeed(bytes, n, h[0]);
	h[1] = XXH3_64bits_withSeed(bytes, n, ~h[1]);
}

static void add_name(uint64_t h[2], const schedule *s, uint32_t name)
{
	const char *text = sch_text(s, name);
	add(h, text, strlen(text) + 1);
}

static void add_page(uint64_t h[2], const schedule *s, const sch_page *d)
{
	const uint32_t what[] = {d->type, d->role, d->flags, d->index_size, d->record, d->ndim, d->like, d->init_page, d->pass};
	add_name(h, s, d->name);
	add(h, what, sizeof what);
	add(h, d->dims, sizeof d->dims);
}

void checkpoint_identity(const schedule *s, uint64_t h[2])
{
	h[0] = h[1] = 0;
	for (uint32_t i = 0; i < s->n_params; i++) {
		const uint32_t what[] = {s->params[i].type, s->params[i].is_size};
		add_name(h, s, s->params[i].name);
		add(h, what, sizeof what);
	}
	for (uint32_t i = 0; i < s->n_sizes; i++)
		add(h, &s->sizes[i], sizeof s->sizes[i]);
	for (uint32_t i = 0; i < s->n_records; i++) {
		const uint32_t what[] = {s->records[i].size, s->records[i].first_field, s->records[i].n_fields};
		add(h, what, sizeof what);
	}
	for (uint32_t i = 0; i < s->n_fields; i++) {
		const uint32_t what[] = {s->fields[i].type, s->fields[i].index_size, s->fields[i].offset};
		add_name(h, s, s->fields[i].name);
		add(h, what, sizeof what);
	}
	for (uint32_t i = 0; i < s->n_pages; i++)
		add_page(h, s, &s->pages[i]);
	for (uint32_t i = 0; i < s->n_passes; i++) {
		const uint32_t what[] = {s->passes[i].kind, s->passes[i].page};
		add(h, what, sizeof what);
		add(h, s->passes[i].hash, sizeof s->passes[i].hash);
	}
}

/* ---- parts ------------------------------------------------------------------------------------- */

bool checkpoint_leaves_out(const mmsb_instance *m, const page *p)
{
	return !(p->def->flags & PAGEF_STORED) || (p->def->pass != NONE && m->executor->passes[p->def->pass]->deferred);
}

static bool is_sparse(const page *p) { return (p->def->flags & PAGEF_SPARSE) != 0; }

/* ---- the layout -------------------------------------------------------------------------------- */

struct checkpoint_writer {
	mmsb_instance *m;
	uint8_t *head;          /* header, params and table: memory that a child process shares */
	size_t n_head, mapped;
	uint64_t length;        /* of the file */
	checkpoint_part *parts; /* in head */
	uint32_t n_parts;
	uint32_t hint;          /* where the part that was looked for last lies in the table before */
	XXH3_state_t *check;    /* of the part at hand */
	stream *out;
	bool begun;             /* it takes bytes */
	saving *saving;         /* checkpoint_hold: the values of dense pages; NULL: pages hold still */
	uint8_t *held;          /* the bytes of all other parts, one after the other, `put_held` of which are in the file */
	size_t n_held, put_held;
};

enum { STEP = 1 << 18, REFER_LEAST = 1 << 18, HOLD_MOST = 16 << 20 };

/* How many parts there can be. */
static uint32_t most_parts(const mmsb_instance *m) { return 3 * m->sch->n_pages + m->sch->n_passes; }

static size_t head_bytes(const mmsb_instance *m, uint32_t n_parts)
{
	return CHECKPOINT_HEADER + (size_t)m->sch->n_params * sizeof(uint64_t) + (size_t)n_parts * CHECKPOINT_PART;
}

/* Parts are looked for in about the order in which they stand. */
static const checkpoint_part *find_part(checkpoint_writer *w, const checkpoint_table *t, uint32_t kind, uint32_t id)
{
	for (uint32_t i = 0; t && i < t->n_parts; i++) {
		uint32_t at = (w->hint + i) % t->n_parts;
		if (t->parts[at].kind == kind && t->parts[at].id == id) {
			w->hint = at;
			return &t->parts[at];
		}
	}
	return NULL;
}

/* A part that the checkpoint before has with the same bytes. A @lazy page changes without an epoch; entries that a failed epoch has put
 * back have changed in no epoch that is known. */
static const checkpoint_part *same_part(checkpoint_writer *w, const checkpoint_table *before, const checkpoint_part *part)
{
	const mmsb_instance *m = w->m;
	const checkpoint_part *was = part->bytes < REFER_LEAST ? NULL : find_part(w, before, part->kind, part->id);
	if (!was || was->changed != part->changed || was->count != part->count || was->bytes != part->bytes ||
	    (part->kind != PART_VALUES && part->kind != PART_PATTERN) || m->pages[part->id].def->flags & PAGEF_LAZY)
		return NULL;
	if (!is_sparse(&m->pages[part->id]))
		return was;
	uint32_t owner = m->pages[part->id].def->like == NONE ? part->id : m->pages[part->id].def->like;
	const checkpoint_part *entries = find_part(w, before, PART_PATTERN, owner);
	uint64_t changed = m->pages[owner].pattern_changed;
	return entries && changed > 0 && entries->changed == changed ? was : NULL;
}

static void lay_part(checkpoint_writer *w, const checkpoint_table *before, checkpoint_part part)
{
	const checkpoint_part *was = same_part(w, before, &part);
	if (was) {
		part = *was;
		part.base = part.base ? part.base : before->epoch;
	}
	w->parts[w->n_parts++] = part;
}

static uint64_t round_up(uint64_t n) { return (n + CHECKPOINT_ALIGN - 1) / CHECKPOINT_ALIGN * CHECKPOINT_ALIGN; }
_Static_assert(CHECKPOINT_ALIGN % STREAM_BLOCK == 0 && STREAM_BLOCK % SAVING_BLOCK == 0, "parts begin where blocks do");

static uint64_t words_bytes(uint64_t bits) { return bitset_words(bits) * sizeof(uint64_t); }

static void lay_page(checkpoint_writer *w, const checkpoint_table *before, const page *p)
{
	const mmsb_instance *m = w->m;
	uint64_t count = p->pat ? p->pat->n_entries : p->count;
	if (is_sparse(p) && p->def->like == NONE)
		lay_part(w, before, (checkpoint_part){.kind = PART_PATTERN, .id = p->id, .changed = p->pattern_changed, .count = count, .bytes = count * 8});
	if (!checkpoint_leaves_out(m, p))
		lay_part(w, before, (checkpoint_part){.kind = PART_VALUES, .id = p->id, .changed = p->changed, .count = count, .bytes = count * p->element});
	if (is_sparse(p) || !p->before || !(p->def->flags & PAGEF_PREV) || p->changed != m->epoch)
		return;
	checkpoint_part part = {.kind = PART_CHANGES, .id = p->id, .changed = p->changed, .count = p->count};
	for (uint32_t k = 0; k < p->n_columns; k++)
		part.whole |= p->now[k].all;
	part.bytes = part.whole ? 0 : p->n_columns * words_bytes(p->count);
	lay_part(w, before, part);
}

static void lay_carry(checkpoint_writer *w, uint32_t pass)
{
	const carry *c = &w->m->executor->carries[pass];
	bool sparse = is_sparse(&w->m->pages[w->m->sch->passes[pass].page]), whole = c->all || sparse; /* entries come to lie elsewhere */
	lay_part(w, NULL, (checkpoint_part){.kind = PART_CARRY, .id = pass, .count = sparse ? 0 : c->dirty.n, .whole = whole,
	                                    .bytes = whole ? 0 : words_bytes(c->dirty.n)});
}

/* Where there are too many older files, what the one with the fewest bytes has is written anew. */
static void limit_bases(checkpoint_writer *w)
{
	for (;;) {
		uint64_t base[MOST_BASES + 1], bytes[MOST_BASES + 1];
		unsigned n = 0, least = 0;
		for (uint32_t i = 0; i < w->n_parts && n <= MOST_BASES; i++) {
			unsigned k = 0;
			while (w->parts[i].base && k < n && base[k] != w->parts[i].base)
				k++;
			if (!w->parts[i].base)
				continue;
			if (k == n)
				base[n] = w->parts[i].base, bytes[n++] = 0;
			bytes[k] += w->parts[i].bytes;
		}
		if (n <= MOST_BASES)
			return;
		for (unsigned k = 1; k < n; k++)
			least = bytes[k] < bytes[least] ? k : least;
		for (uint32_t i = 0; i < w->n_parts; i++)
			if (w->parts[i].base == base[least])
				w->parts[i].base = 0;
	}
}

static void lay_out(checkpoint_writer *w, const checkpoint_table *before)
{
	const mmsb_instance *m = w->m;
	for (uint32_t i = 0; i < m->sch->n_pages; i++)
		lay_page(w, before, &m->pages[i]);
	for (uint32_t i = 0; i < m->sch->n_passes; i++)
		if (m->sch->passes[i].kind == PASS_FIX_NUMERIC)
			lay_carry(w, i);
	limit_bases(w);
	w->n_head = head_bytes(m, w->n_parts);
	w->length = w->n_head;
	for (uint32_t i = 0; i < w->n_parts; i++) {
		if (w->parts[i].base)
			continue;
		w->parts[i].offset = round_up(w->length);
		w->length = w->parts[i].offset + w->parts[i].bytes;
	}
}

static void lay_head(checkpoint_writer *w)
{
	const mmsb_instance *m = w->m;
	checkpoint_header h = {.version = CHECKPOINT_VERSION, .numerics = NUMERICS, .epoch = m->epoch, .length = w->length,
	                       .n_params = m->sch->n_params, .n_parts = w->n_parts};
	memcpy(h.magic, checkpoint_magic, sizeof h.magic);
	checkpoint_identity(m->sch, h.identity);
	memcpy(w->head, &h, sizeof h);
	for (uint32_t i = 0; i < m->sch->n_params; i++)
		memcpy(w->head + sizeof h + i * sizeof(uint64_t), &m->params[i].bits, sizeof(uint64_t));
}

int checkpoint_plan(checkpoint_writer **out, mmsb_instance *m, const checkpoint_table *before, mmsb_error *err)
{
	*out = NULL;
	if (m->epoch == 0 || m->stale)
		return fail(err, MMSB_ORDER, m->stale ? "memory ran out, or a device was lost, in the last epoch: a checkpoint can be written after the next one"
		                                      : "there is no epoch yet to write a checkpoint of");
	int status = device_settle_all(m, err);
	if (status)
		return status;
	checkpoint_writer *w = calloc(1, sizeof *w);
	if (!w)
		return fail_memory(err, sizeof *w, "a checkpoint");
	w->m = m;
	w->mapped = head_bytes(m, most_parts(m));
	w->check = XXH3_createState();
	void *head = w->check ? mmap(NULL, w->mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
	if (head == MAP_FAILED) {
		checkpoint_writer_free(w);
		return fail_memory(err, head_bytes(m, most_parts(m)), "a checkpoint");
	}
	w->head = head;
	w->parts = (void *)(w->head + head_bytes(m, 0));
	lay_out(w, before);
	lay_head(w);
	w->out = stream_new(w->length, w->n_head);
	if (!w->out) {
		checkpoint_writer_free(w);
		return fail_memory(err, STEP, "a checkpoint");
	}
	*out = w;
	return MMSB_OK;
}

int checkpoint_flags(const checkpoint_writer *w) { return stream_flags(w->out); }

void checkpoint_writer_free(checkpoint_writer *w)
{
	if (!w)
		return;
	if (w->head)
		munmap(w->head, w->mapped);
	saving_end(w->m, w->saving);
	XXH3_freeState(w->check);
	free(w->held);
	stream_free(w->out);
	free(w);
}

void checkpoint_written(checkpoint_writer *w, checkpoint_table *out)
{
	checkpoint_header h;
	memcpy(&h, w->head, sizeof h);
	*out = (checkpoint_table){.epoch = h.epoch, .parts = malloc((w->n_parts + 1) * sizeof *out->parts), .n_parts = w->n_parts};
	if (out->parts)
		memcpy(out->parts, w->parts, w->n_parts * sizeof *out->parts);
	else
		*out = (checkpoint_table){.epoch = 0};
}

void checkpoint_table_free(checkpoint_table *t)
{
	free(t->parts);
	*t = (checkpoint_table){.epoch = 0};
}

unsigned checkpoint_bases(const checkpoint_table *t, uint64_t to[MOST_BASES])
{
	unsigned n = 0;
	for (uint32_t i = 0; i < t->n_parts; i++) {
		unsigned at = 0;
		while (at < n && to[at] < t->parts[i].base)
			at++;
		if (!t->parts[i].base || n == MOST_BASES || (at < n && to[at] == t->parts[i].base))
			continue;
		memmove(&to[at + 1], &to[at], (n++ - at) * sizeof *to);
		to[at] = t->parts[i].base;
	}
	return n;
}

/* ---- the bytes --------------------------------------------------------------------------------- */

/* Bytes of a part: to the file, or where they are held. What is in the buffer is in the cache still when its checksum is taken. */
static void put_part(checkpoint_writer *w, const void *bytes, size_t n)
{
	const uint8_t *from = bytes;
	if (!w->begun && w->held) {
		memcpy(w->held + w->n_held, from, n);
		w->n_held += n;
		return;
	}
	for (size_t some; n > 0; from += some, n -= some) {
		uint8_t *to = stream_room(w->out, n < STEP ? n : STEP, &some);
		memcpy(to, from, some);
		XXH3_64bits_update(w->check, to, some);
	}
}

static void put_saved(checkpoint_writer *w, uint32_t id, size_t n)
{
	for (size_t done = 0, some; done < n; done += some) {
		uint8_t *to = stream_room(w->out, n - done < STEP ? n - done : STEP, &some);
		saving_prepare(w->saving);
		saving_read(w->saving, id, done, to, some);
		XXH3_64bits_update(w->check, to, some);
	}
}

static void put_pattern(checkpoint_writer *w, const page *p)
{
	PATTERN_FOR(p->pat, slot)
		put_part(w, &p->pat->row[slot], sizeof(uint32_t));
	PATTERN_FOR(p->pat, slot)
		put_part(w, &p->pat->col[slot], sizeof(uint32_t));
}

static void put_values(checkpoint_writer *w, const page *p, uint64_t count)
{
	if (!p->pat || p->pat->in_order)
		put_part(w, p->cur, count * p->element);
	else
		PATTERN_FOR(p->pat, slot)
			put_part(w, p->cur + slot * p->element, p->element);
}

static void put_changes(checkpoint_writer *w, const page *p)
{
	for (uint32_t k = 0; k < p->n_columns && p->count; k++)
		put_part(w, p->now[k].bits.level[0], words_bytes(p->count));
}

/* From the instance, which holds still. */
static void put_one(checkpoint_writer *w, const checkpoint_part *part)
{
	const mmsb_instance *m = w->m;
	switch (part->kind) {
	case PART_PATTERN: put_pattern(w, &m->pages[part->id]); break;
	case PART_VALUES: put_values(w, &m->pages[part->id], part->count); break;
	case PART_CHANGES:
		if (!part->whole)
			put_changes(w, &m->pages[part->id]);
		break;
	case PART_CARRY:
		if (part->bytes)
			put_part(w, m->executor->carries[part->id].dirty.level[0], part->bytes);
		break;
	}
}

/* Dense pages; others are copied where they are to be held, and pages of one element, whose passes take a way so short (tape.c) that they do
 * not say what they change. */
static bool is_saved(const checkpoint_writer *w, const checkpoint_part *part)
{
	const page *p = part->kind == PART_VALUES ? &w->m->pages[part->id] : NULL;
	return p && !p->pat && p->count > 1;
}

int checkpoint_hold(checkpoint_writer *w, mmsb_error *err)
{
	uint32_t *saved = malloc((w->n_parts + 1) * sizeof *saved), n = 0;
	size_t held = 0;
	for (uint32_t i = 0; saved && i < w->n_parts; i++)
		if (!w->parts[i].base && is_saved(w, &w->parts[i]))
			saved[n++] = w->parts[i].id;
		else if (!w->parts[i].base)
			held += w->parts[i].bytes;
	w->held = saved && held <= HOLD_MOST ? malloc(held + 1) : NULL;
	w->saving = w->held ? saving_begin(w->m, saved, n) : NULL;
	free(saved);
	if (!w->saving)
		return fail_memory(err, held, "a checkpoint");
	for (uint32_t i = 0; i < w->n_parts; i++)
		if (!w->parts[i].base && !is_saved(w, &w->parts[i]))
			put_one(w, &w->parts[i]);
	return MMSB_OK;
}

static void put_next(checkpoint_writer *w, checkpoint_part *part)
{
	stream_zeros(w->out, part->offset - stream_at(w->out));
	XXH3_64bits_reset(w->check);
	if (!w->saving) {
		put_one(w, part);
	} else if (is_saved(w, part)) {
		put_saved(w, part->id, part->bytes);
	} else {
		put_part(w, w->held + w->put_held, part->bytes);
		w->put_held += part->bytes;
	}
	part->check = XXH3_64bits_digest(w->check);
}

/* The head is known last. */
static int put_head(checkpoint_writer *w)
{
	uint64_t check = 0;
	memcpy(w->head + offsetof(checkpoint_header, check), &check, sizeof check);
	check = XXH3_64bits(w->head, w->n_head);
	memcpy(w->head + offsetof(checkpoint_header, check), &check, sizeof check);
	return stream_end(w->out, w->head);
}

int checkpoint_put(checkpoint_writer *w, const vfs *fs, int handle, int parent)
{
	w->begun = true;
	stream_begin(w->out, fs, handle, parent);
	for (uint32_t i = 0; i < w->n_parts; i++)
		if (!w->parts[i].base)
			put_next(w, &w->parts[i]);
	if (w->saving)
		saving_over(w->saving);
	return put_head(w);
}

/* ---- the file ---------------------------------------------------------------------------------- */

static int write_beside(checkpoint_writer *w, const vfs *fs, const char *path, const char *beside, const char *folder)
{
	int handle = fs->ops->open(fs->at, beside, checkpoint_flags(w));
	if (handle < 0)
		return handle;
	int error = checkpoint_put(w, fs, handle, 0), closed = fs->ops->close(fs->at, handle);
	error = error ? error : closed;
	if (!error)
		error = fs->ops->rename(fs->at, beside, path);
	if (error)
		fs->ops->unlink(fs->at, beside);
	return error ? error : fs->ops->sync_folder(fs->at, folder);
}

int checkpoint_write(mmsb_instance *m, const vfs *fs, const char *path, mmsb_error *err)
{
	checkpoint_writer *w;
	int status = checkpoint_plan(&w, m, NULL, err);
	if (status)
		return status;
	const char *slash = strrchr(path, '/');
	size_t n = strlen(path) + sizeof ".new";
	char *beside = malloc(n), *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int error = -ENOMEM;
	if (beside && folder) {
		snprintf(beside, n, "%s.new", path);
		error = write_beside(w, fs, path, beside, folder);
	}
	free(folder);
	free(beside);
	checkpoint_writer_free(w);
	return error ? vfs_fail(err, error, path, "written as a checkpoint") : MMSB_OK;
}
