/* Changes as text. A line is looked at once: found by its newline, its page by the name of the line before or else by hash, its
 * values parsed into a batch of the page; batches are staged when they are full and at the end of the epoch, in the order of
 * lines for each page, so that the last write wins. */
#include "deltatext.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lang/source.h"
#include "array.h"
#include "eventfile.h"
#include "instance.h"
#include "iofile.h"
#include "number.h"

enum { FIRST_BUFFER = 1 << 20, BATCH = 1024 };
#define LONGEST_LINE ((size_t)1 << 30)

/* What a name in the first cell stands for: a source page, or a field of one. */
typedef struct target {
	char *name;
	size_t length;
	mmsb_info info;
	int page;
	int field;            /* -1: the page's only value */
	uint8_t type;         /* of the values */
	bool is_index;
	uint64_t range;
	size_t width;         /* bytes of a value in the batch; 0: `sparse bool` */
	uint64_t *index;      /* batch: row-major positions (sparse: rows) */
	uint64_t *col;        /* sparse */
	uint8_t *values;
	uint32_t count;
	bool erase;           /* the batch is of deletions */
	uint64_t first_line;  /* of the batch */
} target;

struct delta_reader {
	mmsb_instance *inst;
	char *path;           /* as messages show it */
	int fd;               /* -1: memory */
	bool (*before_wait)(void *, int);
	void *arg;
	char *buffer;         /* owned unless fd is -1 */
	size_t capacity;
	char *p, *end;        /* what is not looked at yet */
	char *searched;       /* up to here there is no newline */
	bool ended;           /* nothing more to read */
	bool stopped;         /* ... because before_wait said so */
	bool pending;         /* changes since the last commit line */
	uint64_t line;        /* of the line looked at */
	const char *line_start;
	uint64_t done, total;
	target *targets;
	uint32_t n_targets;
	uint32_t *slots;      /* open addressing, size a power of two; 0: free, else target + 1 */
	uint32_t slot_mask;
	target *last;
	mmsb_error *err;
	bool looked;          /* at how the bytes begin */
	bool noted;           /* delta_note has told */
	eventreader *events;  /* they are a stream of events, no text */
	bool behind_bad;      /* the epoch of events that failed has been passed over */
};

/* ---- messages ---------------------------------------------------------------------------------- */

/* Columns count characters, as in the messages about programs. */
static uint64_t column_at(const delta_reader *r, const char *at)
{
	uint64_t n = 1;
	for (const char *p = r->line_start; p < at; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	return n;
}

#define BAD(r, at, ...) fail_at((r)->err, MMSB_INPUT, (r)->path, (r)->line, column_at(r, at), __VA_ARGS__)

/* ---- targets ----------------------------------------------------------------------------------- */

static uint32_t hash_name(const char *name, size_t n)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h ^ h >> 15;
}

static target *find_target(const delta_reader *r, const char *name, size_t n)
{
	for (uint32_t at = hash_name(name, n) & r->slot_mask; r->slots[at] != 0; at = (at + 1) & r->slot_mask) {
		target *t = &r->targets[r->slots[at] - 1];
		if (t->length == n && memcmp(t->name, name, n) == 0)
			return t;
	}
	return NULL;
}

static bool add_target(delta_reader *r, int id, const mmsb_info *info, int field)
{
	const mmsb_field *f = field < 0 ? NULL : &info->fields[field];
	size_t n = strlen(info->name), m = f == NULL ? 0 : strlen(f->name) + 1;
	target *t = &r->targets[r->n_targets];
	*t = (target){.info = *info, .page = id, .field = field};
	t->name = malloc(n + m + 1);
	if (t->name == NULL)
		return false;
	memcpy(t->name, info->name, n + 1);
	if (f != NULL) {
		t->name[n] = '.';
		memcpy(t->name + n + 1, f->name, m);
	}
	t->length = n + m;
	t->type = (uint8_t)(f != NULL ? f->type : info->type);
	t->is_index = f != NULL ? f->is_index : info->is_index;
	t->range = f != NULL ? f->range : info->range;
	t->width = is_pattern(info) ? 0 : type_table[t->type].bytes;
	uint32_t at = hash_name(t->name, t->length) & r->slot_mask;
	while (r->slots[at] != 0)
		at = (at + 1) & r->slot_mask;
	r->slots[at] = ++r->n_targets;
	return true;
}

static bool make_targets(delta_reader *r)
{
	uint32_t n = 0;
	mmsb_info info;
	int pages = mmsb_page_count(r->inst);
	for (int i = 0; i < pages; i++)
		if (mmsb_page_info(r->inst, i, &info) == MMSB_OK && info.role == MMSB_IN)
			n += info.type == MMSB_RECORD ? info.n_fields : 1;
	uint32_t slots = 16;
	while (slots < 2 * n)
		slots *= 2;
	r->slot_mask = slots - 1;
	r->slots = calloc(slots, sizeof *r->slots);
	r->targets = calloc(n + 1, sizeof *r->targets);
	if (r->slots == NULL || r->targets == NULL)
		return false;
	for (int i = 0; i < pages; i++) {
		if (mmsb_page_info(r->inst, i, &info) != MMSB_OK || info.role != MMSB_IN)
			continue;
		bool record = info.type == MMSB_RECORD;
		for (unsigned f = 0; f < (record ? info.n_fields : 1); f++)
			if (!add_target(r, i, &info, record ? (int)f : -1))
				return false;
	}
	return true;
}

/* Says why a name is none that takes changes. */
static int unknown_name(delta_reader *r, const char *p, const char *end)
{
	char text[SHOWN_ROOM], name[256];
	size_t n = (size_t)(end - p);
	mmsb_info info;
	if (n < sizeof name) {
		memcpy(name, p, n);
		name[n] = '\0';
		int id = memchr(name, '\0', n) != NULL ? -1 : mmsb_page(r->inst, name);
		if (id >= 0 && mmsb_page_info(r->inst, id, &info) == MMSB_OK) {
			if (info.role == MMSB_IN && info.n_fields > 0)
				return BAD(r, p, "page '%s' holds records: name the field, as in %s.%s", name, name, info.fields[0].name);
			return BAD(r, p, "page '%s' is no source: it follows from other pages", name);
		}
		lang_nearest nearest = lang_nearest_to(name);
		for (uint32_t i = 0; i < r->n_targets; i++)
			lang_nearest_offer(&nearest, r->targets[i].name);
		if (nearest.best != NULL)
			return BAD(r, p, "there is no page '%s'; did you mean '%s'?", text_shown(p, end, text), nearest.best);
	}
	return BAD(r, p, "there is no page '%s'", text_shown(p, end, text));
}

/* ---- staging ----------------------------------------------------------------------------------- */

static int flush_target(delta_reader *r, target *t)
{
	uint32_t n = t->count;
	t->count = 0;
	if (n == 0)
		return MMSB_OK;
	mmsb_error *err = r->err;
	int status;
	if (t->info.sparse)
		status = t->erase ? mmsb_erase(r->inst, t->page, n, t->index, t->col, err)
		                  : mmsb_insert(r->inst, t->page, n, t->index, t->col, t->width == 0 ? NULL : t->values, err);
	else if (t->field >= 0)
		status = mmsb_scatter_field(r->inst, t->page, (unsigned)t->field, n, t->index, t->values, err);
	else
		status = mmsb_scatter(r->inst, t->page, n, t->index, t->values, err);
	if (status == MMSB_OK || status == MMSB_MEMORY || err == NULL)
		return status;
	char message[500];
	size_t length = strlen(err->message);
	length = length < sizeof message ? length : sizeof message - 1;
	memcpy(message, err->message, length);
	message[length] = '\0';
	return fail_at(err, status, r->path, t->first_line, 1, "page '%s', here or in a line below: %s", t->info.name, message);
}

static int flush_all(delta_reader *r)
{
	for (uint32_t i = 0; i < r->n_targets; i++) {
		int status = flush_target(r, &r->targets[i]);
		if (status != MMSB_OK)
			return status;
	}
	return MMSB_OK;
}

static int make_batch(delta_reader *r, target *t)
{
	t->index = malloc(BATCH * sizeof *t->index);
	t->col = malloc(BATCH * sizeof *t->col);
	t->values = malloc(BATCH * sizeof(uint64_t));
	if (t->index != NULL && t->col != NULL && t->values != NULL)
		return MMSB_OK;
	free(t->index);
	free(t->col);
	free(t->values);
	t->index = t->col = NULL;
	t->values = NULL;
	return fail_memory(r->err, BATCH * 24, "deltas");
}

/* Makes room for one more change of this kind. */
static int prepare(delta_reader *r, target *t, bool erase)
{
	int status = MMSB_OK;
	if (t->index == NULL)
		status = make_batch(r, t);
	else if (t->count == BATCH || t->erase != erase)
		status = flush_target(r, t);
	t->erase = erase;
	if (t->count == 0)
		t->first_line = r->line;
	return status;
}

/* ---- lines ------------------------------------------------------------------------------------- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* The next cell of [p, end), without blanks around it: up to the comma or the end. */
static const char *cell(const char **p, const char *end, const char **cell_end)
{
	const char *from = *p, *comma = from;
	while (comma < end && *comma != ',')
		comma++;
	*p = comma;
	while (comma > from && is_blank(comma[-1]))
		comma--;
	while (from < comma && is_blank(*from))
		from++;
	*cell_end = comma;
	return from;
}

static int bad_index(delta_reader *r, const target *t, const char *at, const char *end, unsigned k, number_result result)
{
	char text[SHOWN_ROOM], why[120];
	uint64_t size = t->info.shape[k];
	if (at == end)
		return BAD(r, at, "page '%s': index %u of %u is missing", t->name, k + 1, t->info.ndim);
	if (result != NUMBER_OK && !(result == NUMBER_TOO_LARGE && *at != '-'))
		return BAD(r, at, "page '%s': index '%s' %s", t->name, text_shown(at, end, text),
		           result == NUMBER_TOO_LARGE ? "is negative" : number_explain(result, T_U64, why, sizeof why));
	if (size == 0)
		return BAD(r, at, "page '%s': index %s is out of range: dimension %u has no elements", t->name, text_shown(at, end, text), k + 1);
	return BAD(r, at, "page '%s': index %s is out of range: dimension %u goes from 0 to %llu", t->name, text_shown(at, end, text), k + 1,
	           (unsigned long long)(size - 1));
}

/* Takes index k, and the comma behind it. */
static int take_index(delta_reader *r, const target *t, unsigned k, const char **p, const char *end, uint64_t *out)
{
	const char *q = *p, *stop;
	uint64_t value = 0;
	while (q < end && (unsigned)(*q - '0') <= 9 && q - *p < 19)
		value = value * 10 + (uint64_t)(*q++ - '0');
	number_result result = NUMBER_OK;
	const char *at = *p;
	stop = q;
	if (q == *p || q == end || *q != ',') {
		at = cell(p, end, &stop);
		q = *p;
		scalar parsed = {0};
		result = number_parse(at, stop, T_U64, NUMBER_STRICT, &parsed);
		value = parsed.U64;
	}
	if (result != NUMBER_OK || value >= t->info.shape[k])
		return bad_index(r, t, at, stop, k, result);
	if (q == end && k + 1 < t->info.ndim)
		return BAD(r, end, "page '%s': index %u of %u is missing", t->name, k + 2, t->info.ndim);
	if (q == end)
		return BAD(r, end, "page '%s': a value is missing behind the %s", t->name, k == 0 ? "index" : "indices");
	*out = value;
	*p = q + 1;
	return MMSB_OK;
}

static int bad_value(delta_reader *r, const target *t, const char *at, const char *end, number_result result)
{
	char text[SHOWN_ROOM], why[120];
	if (at == end)
		return BAD(r, at, "page '%s': the value is missing", t->name);
	if (end - at == 1 && *at == '-')
		return BAD(r, at, "page '%s' is dense: only entries of sparse pages are deleted", t->name);
	return BAD(r, at, "page '%s': '%s' %s", t->name, text_shown(at, end, text), number_explain(result, t->type, why, sizeof why));
}

/* Takes one value for a position: `at` row-major, or (at, col) of a sparse page. */
static int take_value(delta_reader *r, target *t, const char *from, const char *end, uint64_t at, uint64_t col)
{
	bool erase = t->info.sparse && end - from == 1 && *from == '-';
	scalar value = {0};
	if (!erase) {
		number_result result = number_parse(from, end, t->type, NUMBER_STRICT, &value);
		if (result != NUMBER_OK)
			return bad_value(r, t, from, end, result);
		if (t->is_index && value.U32 >= t->range)
			return BAD(r, from, "page '%s': %u is no index: it must be below %llu", t->name, value.U32,
			           (unsigned long long)t->range);
		if (t->width == 0 && !value.BOOL)
			return BAD(r, from, "page '%s': an entry of a sparse bool is true; write - to delete it", t->name);
	}
	if (t->index == NULL || t->count == BATCH || t->erase != erase || t->count == 0) {
		int status = prepare(r, t, erase);
		if (status != MMSB_OK)
			return status;
	}
	uint32_t n = t->count++;
	t->index[n] = at;
	t->col[n] = col;
	if (t->width > 0 && !erase)
		memcpy(t->values + n * t->width, &value, t->width);
	return MMSB_OK;
}

/* What stands behind the name and its comma. */
static int take_change(delta_reader *r, target *t, const char *p, const char *end)
{
	const mmsb_info *info = &t->info;
	uint64_t at = 0, index = 0, room = 1, row = 0;
	for (unsigned k = 0; k < info->ndim; k++) {
		row = index;
		int status = take_index(r, t, k, &p, end, &index);
		if (status != MMSB_OK)
			return status;
		at = at * info->shape[k] + index;
		room = info->shape[k] - index;
	}
	for (uint64_t n = 0;; n++, p++) {
		const char *stop, *from = cell(&p, end, &stop);
		if (n == room)
			return BAD(r, from, "page '%s': this value has no place: %s", t->name,
			           info->ndim == 0 ? "a scalar page takes one" : "the last dimension ends before it");
		int status = info->sparse ? take_value(r, t, from, stop, row, index + n) : take_value(r, t, from, stop, at + n, 0);
		if (status != MMSB_OK)
			return status;
		if (p == end)
			return MMSB_OK;
	}
}

typedef enum line_kind { LINE_NOTHING, LINE_CHANGE, LINE_COMMIT } line_kind;

static bool is_commit(const char *p, const char *end)
{
	return end - p == 6 && memcmp(p, "commit", 6) == 0;
}

/* One line without its newline. */
static int take_line(delta_reader *r, const char *p, const char *end, line_kind *kind)
{
	r->line_start = p;
	*kind = LINE_CHANGE;
	while (end > p && is_blank(end[-1]))
		end--;
	target *t = r->last;
	if (t != NULL && (size_t)(end - p) > t->length && p[t->length] == ',' && memcmp(p, t->name, t->length) == 0)
		return take_change(r, t, p + t->length + 1, end);
	while (p < end && is_blank(*p))
		p++;
	if (p == end || *p == '#') {
		*kind = LINE_NOTHING;
		return MMSB_OK;
	}
	if (is_commit(p, end)) {
		*kind = LINE_COMMIT;
		return MMSB_OK;
	}
	const char *stop, *name = cell(&p, end, &stop);
	t = find_target(r, name, (size_t)(stop - name));
	if (t == NULL)
		return unknown_name(r, name, stop);
	if (p == end)
		return BAD(r, end, "page '%s': %s missing behind the name", t->name, t->info.ndim == 0 ? "a value is" : "an index and a value are");
	r->last = t;
	return take_change(r, t, p + 1, end);
}

/* ---- the text ---------------------------------------------------------------------------------- */

/* Moves what is left to the front, or enlarges the buffer for a line that fills it. */
static int make_space(delta_reader *r)
{
	size_t left = (size_t)(r->end - r->p), searched = (size_t)(r->searched - r->p);
	if (left == r->capacity) {
		if (r->capacity >= LONGEST_LINE)
			return fail_at(r->err, MMSB_INPUT, r->path, r->line + 1, 1, "this line is longer than %zu bytes", LONGEST_LINE);
		char *larger = realloc(r->buffer, r->capacity * 2);
		if (larger == NULL)
			return fail_memory(r->err, r->capacity * 2, "a line of deltas");
		r->buffer = r->p = larger;
		r->capacity *= 2;
	} else if (left > 0) {
		memmove(r->buffer, r->p, left);
	}
	r->p = r->buffer;
	r->end = r->p + left;
	r->searched = r->p + searched;
	return MMSB_OK;
}

static int read_more(delta_reader *r)
{
	int status = make_space(r);
	if (status != MMSB_OK)
		return status;
	if (r->before_wait != NULL && !r->before_wait(r->arg, r->fd)) {
		r->ended = r->stopped = true;
		r->p = r->searched = r->end; /* what has arrived of a line or a record is none */
		return MMSB_OK;
	}
	ssize_t n;
	do
		n = read(r->fd, r->end, r->capacity - (size_t)(r->end - r->buffer));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(r->err, MMSB_IO, "cannot read '%s': %s", r->path, strerror(errno));
	r->ended = n == 0;
	r->end += n;
	r->done += (uint64_t)n;
	return MMSB_OK;
}

/* Finds the next line: *from to *stop, without its newline; *from is NULL at the end. */
static int next_line(delta_reader *r, const char **from, const char **stop)
{
	for (;;) {
		char *newline = r->searched < r->end ? memchr(r->searched, '\n', (size_t)(r->end - r->searched)) : NULL;
		*from = r->p;
		if (newline != NULL || (r->ended && r->p < r->end)) {
			*stop = newline != NULL ? newline : r->end;
			r->p = r->searched = newline != NULL ? newline + 1 : r->end;
			r->line++;
			return MMSB_OK;
		}
		*from = NULL;
		if (r->ended)
			return MMSB_OK;
		r->searched = r->end;
		int status = read_more(r);
		if (status != MMSB_OK)
			return status;
	}
}

/* ---- streams of events ------------------------------------------------------------------------- */

/* A stream of events is known by its first bytes. */
static int look_at_start(delta_reader *r)
{
	int status = MMSB_OK;
	while (!status && !r->ended && r->end - r->p < EVENT_MAGIC && (r->p == r->end || *r->p == 'M'))
		status = read_more(r);
	r->looked = status == MMSB_OK;
	if (!status && eventreader_knows((const uint8_t *)r->p, (size_t)(r->end - r->p)))
		status = eventreader_new(&r->events, r->inst, r->path, r->err);
	return status;
}

static int next_event(delta_reader *r, delta_event *event)
{
	for (;;) {
		size_t used;
		event_taken what;
		int status = eventreader_take(r->events, (const uint8_t *)r->p, (size_t)(r->end - r->p), &used, &what, r->err);
		r->p += used;
		r->searched = r->p;
		r->behind_bad = status != MMSB_OK && status != MMSB_FORMAT;
		if (status)
			return status;
		*event = what == TAKEN_EPOCH ? DELTA_COMMIT : DELTA_END;
		if (what == TAKEN_EPOCH || what == TAKEN_END || (r->ended && r->p == r->end && what == TAKEN_MORE))
			return MMSB_OK;
		if (what == TAKEN_OTHER)
			continue;
		if (r->ended)
			return fail(r->err, MMSB_FORMAT, "%s: the stream ends within a record, %td bytes after its beginning; the epochs before it stand",
			            r->path, r->end - r->p);
		status = read_more(r);
		if (status)
			return status;
	}
}

/* Passes over the rest of a bad epoch: its record was taken whole. */
static int skip_event(delta_reader *r)
{
	delta_event event;
	int status = r->behind_bad ? MMSB_OK : next_event(r, &event);
	r->behind_bad = false;
	mmsb_discard(r->inst);
	return status;
}

static void drop_batches(delta_reader *r)
{
	for (uint32_t i = 0; i < r->n_targets; i++)
		r->targets[i].count = 0;
	r->pending = false;
}

static int take_epoch(delta_reader *r, delta_event *event)
{
	for (;;) {
		const char *from, *stop;
		line_kind kind = LINE_COMMIT;
		int status = next_line(r, &from, &stop);
		if (status == MMSB_OK && from != NULL)
			status = take_line(r, from, stop, &kind);
		if (status != MMSB_OK)
			return status;
		r->pending |= kind == LINE_CHANGE;
		if (kind != LINE_COMMIT)
			continue;
		*event = from != NULL ? DELTA_COMMIT : r->pending ? DELTA_REST : DELTA_END;
		r->pending = false;
		return flush_all(r);
	}
}

int delta_next(delta_reader *r, delta_event *event, mmsb_error *err)
{
	r->err = err;
	int status = r->looked ? MMSB_OK : look_at_start(r);
	if (status == MMSB_OK)
		status = r->events != NULL ? next_event(r, event) : take_epoch(r, event);
	if (status == MMSB_OK && r->stopped && *event != DELTA_COMMIT) {
		*event = DELTA_STOPPED;
		mmsb_discard(r->inst);
	}
	if (status != MMSB_OK)
		drop_batches(r);
	return status;
}

int delta_skip(delta_reader *r, mmsb_error *err)
{
	r->err = err;
	if (r->events != NULL)
		return skip_event(r);
	for (;;) {
		const char *from, *stop;
		int status = next_line(r, &from, &stop);
		if (status != MMSB_OK || from == NULL)
			return status;
		while (from < stop && is_blank(*from))
			from++;
		while (stop > from && is_blank(stop[-1]))
			stop--;
		if (is_commit(from, stop))
			return MMSB_OK;
	}
}

/* ---- opening ----------------------------------------------------------------------------------- */

static int new_reader(delta_reader **out, mmsb_instance *inst, const char *path, mmsb_error *err)
{
	delta_reader *r = calloc(1, sizeof *r);
	*out = r;
	if (r == NULL)
		return fail_memory(err, sizeof *r, path);
	r->inst = inst;
	r->fd = -1;
	r->path = strdup(path);
	if (r->path == NULL || !make_targets(r)) {
		delta_close(r);
		*out = NULL;
		return fail_memory(err, sizeof(target), path);
	}
	return MMSB_OK;
}

int delta_open_memory(delta_reader **out, mmsb_instance *inst, const char *path, const char *text, size_t n, mmsb_error *err)
{
	int status = new_reader(out, inst, path, err);
	if (status != MMSB_OK)
		return status;
	(*out)->p = (*out)->searched = (char *)(uintptr_t)text; /* never written to: nothing is read behind it */
	(*out)->end = (*out)->p + n;
	(*out)->ended = true;
	(*out)->done = (*out)->total = n;
	return MMSB_OK;
}

int delta_open(delta_reader **out, mmsb_instance *inst, const char *path, bool (*before_wait)(void *, int), void *arg, mmsb_error *err)
{
	bool standard = strcmp(path, "-") == 0;
	*out = NULL;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, MMSB_IO, "cannot open '%s': %s", path, strerror(errno));
	int status = new_reader(out, inst, standard ? "<stdin>" : path, err);
	if (status != MMSB_OK) {
		if (!standard)
			close(fd);
		return status;
	}
	delta_reader *r = *out;
	struct stat st;
	r->fd = fd;
	r->before_wait = before_wait;
	r->arg = arg;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		r->total = (uint64_t)st.st_size;
	r->capacity = FIRST_BUFFER;
	r->buffer = r->p = r->searched = r->end = malloc(FIRST_BUFFER);
	if (r->buffer != NULL)
		return MMSB_OK;
	delta_close(r);
	*out = NULL;
	return fail_memory(err, FIRST_BUFFER, path);
}

void delta_close(delta_reader *r)
{
	if (r == NULL)
		return;
	for (uint32_t i = 0; i < r->n_targets; i++) {
		free(r->targets[i].name);
		free(r->targets[i].index);
		free(r->targets[i].col);
		free(r->targets[i].values);
	}
	free(r->targets);
	eventreader_free(r->events);
	free(r->slots);
	if (r->fd > STDIN_FILENO)
		close(r->fd);
	free(r->buffer);
	free(r->path);
	free(r);
}

const char *delta_note(delta_reader *r)
{
	const char *note = r->noted ? NULL : eventreader_note(r->events);
	r->noted |= note != NULL;
	return note;
}

void delta_position(const delta_reader *r, uint64_t *done, uint64_t *total)
{
	*done = r->done - (uint64_t)(r->end - r->p);
	*total = r->total;
}
