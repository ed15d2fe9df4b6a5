/* checkpoint.c - writes checkpoints (checkpoint.h). */
#include "checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "exec.h"

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

/* A file at work. Its failures are sticky. */
typedef struct writer {
	mmsb_instance *m;
	int fd, error;
	uint64_t at;            /* bytes written */
	checkpoint_part *parts;
	uint32_t n_parts;
	XXH3_state_t *check;    /* of the part at hand */
	uint8_t *buffer;        /* of BUFFER bytes, `used` of which wait to be written */
	size_t used;
} writer;

enum { BUFFER = 1 << 18 };

static void write_through(writer *w, const uint8_t *bytes, size_t n)
{
	while (n > 0 && !w->error) {
		ssize_t done = write(w->fd, bytes, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			w->error = done < 0 ? errno : EIO;
			return;
		}
		bytes += done;
		n -= (size_t)done;
	}
}

static void flush(writer *w)
{
	write_through(w, w->buffer, w->used);
	w->used = 0;
}

static void put(writer *w, const void *bytes, size_t n)
{
	w->at += n;
	if (n > BUFFER - w->used)
		flush(w);
	if (n > BUFFER) {
		write_through(w, bytes, n);
	} else if (n > 0) {
		memcpy(w->buffer + w->used, bytes, n);
		w->used += n;
	}
}

static void pad(writer *w)
{
	static const uint8_t zero[CHECKPOINT_ALIGN];
	put(w, zero, (size_t)(-w->at % CHECKPOINT_ALIGN));
}

static checkpoint_part *begin_part(writer *w, checkpoint_kind kind, uint32_t id, uint64_t changed, uint64_t count)
{
	pad(w);
	checkpoint_part *part = &w->parts[w->n_parts++];
	*part = (checkpoint_part){.kind = kind, .id = id, .changed = changed, .count = count, .offset = w->at};
	XXH3_64bits_reset(w->check);
	return part;
}

static void put_part(writer *w, const void *bytes, size_t n)
{
	if (n > 0)
		XXH3_64bits_update(w->check, bytes, n);
	put(w, bytes, n);
}

static void end_part(writer *w)
{
	checkpoint_part *part = &w->parts[w->n_parts - 1];
	part->bytes = w->at - part->offset;
	part->check = XXH3_64bits_digest(w->check);
}

static void put_pattern(writer *w, const page *p)
{
	begin_part(w, PART_PATTERN, p->id, p->pattern_changed, p->pat->n_entries);
	PATTERN_FOR(p->pat, slot)
		put_part(w, &p->pat->row[slot], sizeof(uint32_t));
	PATTERN_FOR(p->pat, slot)
		put_part(w, &p->pat->col[slot], sizeof(uint32_t));
	end_part(w);
}

static void put_values(writer *w, const page *p)
{
	bool in_place = !p->pat || p->pat->in_order;
	uint64_t count = p->pat ? p->pat->n_entries : p->count;
	begin_part(w, PART_VALUES, p->id, p->changed, count);
	if (in_place)
		put_part(w, p->cur, count * p->element);
	else
		PATTERN_FOR(p->pat, slot)
			put_part(w, p->cur + slot * p->element, p->element);
	end_part(w);
}

static void put_changes(writer *w, const page *p)
{
	checkpoint_part *part = begin_part(w, PART_CHANGES, p->id, p->changed, p->count);
	for (uint32_t k = 0; k < p->n_columns; k++)
		part->whole |= p->now[k].all;
	for (uint32_t k = 0; k < p->n_columns && !part->whole && p->count; k++)
		put_part(w, p->now[k].bits.level[0], bitset_words(p->count) * sizeof(uint64_t));
	end_part(w);
}

static void put_carry(writer *w, uint32_t pass)
{
	const carry *c = &w->m->executor->carries[pass];
	checkpoint_part *part = begin_part(w, PART_CARRY, pass, 0, c->dirty.n);
	part->whole = c->all;
	if (!c->all && c->dirty.n)
		put_part(w, c->dirty.level[0], bitset_words(c->dirty.n) * sizeof(uint64_t));
	end_part(w);
}

static void put_parts(writer *w)
{
	mmsb_instance *m = w->m;
	for (uint32_t i = 0; i < m->sch->n_pages; i++) {
		const page *p = &m->pages[i];
		if (is_sparse(p) && p->def->like == NONE)
			put_pattern(w, p);
		if (!checkpoint_leaves_out(m, p))
			put_values(w, p);
		if (!is_sparse(p) && p->before && p->def->flags & PAGEF_PREV && p->changed == m->epoch)
			put_changes(w, p);
	}
	for (uint32_t i = 0; i < m->sch->n_passes; i++)
		if (m->sch->passes[i].kind == PASS_FIX_NUMERIC)
			put_carry(w, i);
	flush(w);
}

/* ---- the file ---------------------------------------------------------------------------------- */

static size_t head_bytes(const mmsb_instance *m, uint32_t n_parts)
{
	return CHECKPOINT_HEADER + (size_t)m->sch->n_params * sizeof(uint64_t) + (size_t)n_parts * CHECKPOINT_PART;
}

/* Header, params and table, once the parts are written. */
static void put_head(writer *w, uint8_t *head, uint32_t n_parts)
{
	mmsb_instance *m = w->m;
	checkpoint_header h = {.version = CHECKPOINT_VERSION, .numerics = NUMERICS, .epoch = m->epoch, .length = w->at,
	                       .n_params = m->sch->n_params, .n_parts = n_parts};
	uint8_t *to = head + sizeof h;
	memcpy(h.magic, checkpoint_magic, sizeof h.magic);
	checkpoint_identity(m->sch, h.identity);
	for (uint32_t i = 0; i < m->sch->n_params; i++, to += sizeof(uint64_t))
		memcpy(to, &m->params[i].bits, sizeof(uint64_t));
	memcpy(to, w->parts, n_parts * sizeof *w->parts);
	memcpy(head, &h, sizeof h);
	h.check = XXH3_64bits(head, head_bytes(m, n_parts));
	memcpy(head, &h, sizeof h);
	if (!w->error && lseek(w->fd, 0, SEEK_SET) != 0)
		w->error = errno;
	write_through(w, head, head_bytes(m, n_parts));
}

static void write_file(writer *w, uint8_t *head, uint32_t most)
{
	for (size_t n = head_bytes(w->m, most), part; n > 0; n -= part) { /* the head comes last; its place is kept by zeros */
		part = n < BUFFER ? n : BUFFER;
		put(w, head, part);
	}
	put_parts(w);
	put_head(w, head, w->n_parts);
	if (!w->error && fsync(w->fd))
		w->error = errno;
}

/* The folder of a path has its names on disk. */
static int sync_folder(const char *path)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 0;
	if (n >= sizeof folder)
		return ENAMETOOLONG;
	memcpy(folder, path, n);
	folder[n] = '\0';
	int fd = open(n ? folder : ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (fd < 0)
		return errno;
	int error = fsync(fd) ? errno : 0;
	close(fd);
	return error;
}

/* How many parts there can be. */
static uint32_t most_parts(const mmsb_instance *m) { return 3 * m->sch->n_pages + m->sch->n_passes; }

static int write_aside(writer *w, const char *path, const char *temp, uint8_t *head, mmsb_error *err)
{
	w->fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (w->fd < 0)
		return fail(err, MMSB_IO, "%s: cannot be made: %s", temp, strerror(errno));
	write_file(w, head, most_parts(w->m));
	if (close(w->fd) && !w->error)
		w->error = errno;
	if (!w->error && rename(temp, path))
		w->error = errno;
	if (w->error)
		unlink(temp);
	else
		w->error = sync_folder(path);
	return w->error ? fail(err, MMSB_IO, "%s: the checkpoint cannot be written: %s", path, strerror(w->error)) : MMSB_OK;
}

int checkpoint_write(mmsb_instance *m, const char *path, mmsb_error *err)
{
	if (m->epoch == 0 || m->stale)
		return fail(err, MMSB_ORDER, m->stale ? "memory ran out in the last epoch: a checkpoint can be written after the next one"
		                                      : "there is no epoch yet to write a checkpoint of");
	size_t n = strlen(path) + sizeof ".tmp", n_head = head_bytes(m, most_parts(m));
	char *temp = malloc(n);
	uint8_t *head = calloc(1, n_head > BUFFER ? n_head : BUFFER);
	writer w = {.m = m, .fd = -1, .parts = calloc(most_parts(m) + 1, sizeof *w.parts), .check = XXH3_createState(), .buffer = malloc(BUFFER)};
	int status;
	if (!temp || !head || !w.parts || !w.check || !w.buffer) {
		status = fail_memory(err, n_head + BUFFER, "a checkpoint");
	} else {
		snprintf(temp, n, "%s.tmp", path);
		status = write_aside(&w, path, temp, head, err);
	}
	XXH3_freeState(w.check);
	free(w.buffer);
	free(w.parts);
	free(head);
	free(temp);
	return status;
}
