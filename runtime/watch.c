/* After each epoch the elements that changed, as delta text. */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "number.h"

enum { LONGEST_RUN = 1024 }; /* values in a line */

typedef struct sink {
	char *path;
	outfile file;         /* unless it goes to standard output */
	outfile *out;
	int *pages;
	size_t n_pages;
} sink;

struct watchers {
	mmsb_instance *inst;
	outfile *standard;
	sink *sinks;
	size_t n_sinks;
};

watchers *watchers_new(mmsb_instance *inst, outfile *standard)
{
	watchers *w = calloc(1, sizeof *w);
	if (w != NULL) {
		w->inst = inst;
		w->standard = standard;
	}
	return w;
}

bool watchers_empty(const watchers *w) { return w->n_sinks == 0; }

static int add_sink(watchers *w, const char *path, sink **out, mmsb_error *err)
{
	for (size_t i = 0; i < w->n_sinks; i++)
		if (strcmp(w->sinks[i].path, path) == 0) {
			*out = &w->sinks[i];
			return MMSB_OK;
		}
	sink *larger = realloc(w->sinks, (w->n_sinks + 1) * sizeof *larger);
	if (larger == NULL)
		return fail_memory(err, sizeof *larger, path);
	w->sinks = larger;
	for (size_t i = 0; i < w->n_sinks; i++) /* the files have moved with their sinks */
		if (w->sinks[i].out != w->standard)
			w->sinks[i].out = &w->sinks[i].file;
	sink *s = &w->sinks[w->n_sinks];
	*s = (sink){.path = strdup(path), .file = {.fd = -1}, .out = w->standard};
	if (s->path == NULL)
		return fail_memory(err, strlen(path), path);
	if (strcmp(path, "-") != 0) {
		int status = outfile_open(&s->file, path, false, err);
		if (status != MMSB_OK) {
			free(s->path);
			return status;
		}
		s->out = &s->file;
	}
	w->n_sinks++;
	*out = s;
	return MMSB_OK;
}

int watchers_add(watchers *w, int id, const char *path, mmsb_error *err)
{
	sink *s = NULL;
	int status = add_sink(w, path, &s, err);
	if (status != MMSB_OK)
		return status;
	for (size_t i = 0; i < s->n_pages; i++)
		if (s->pages[i] == id)
			return MMSB_OK;
	int *larger = realloc(s->pages, (s->n_pages + 1) * sizeof *larger);
	if (larger == NULL)
		return fail_memory(err, sizeof *larger, path);
	s->pages = larger;
	s->pages[s->n_pages++] = id;
	return mmsb_watch(w->inst, id, err);
}

/* ---- lines ------------------------------------------------------------------------------------- */

static void put_index(outfile *out, uint64_t value)
{
	char *room = outfile_room(out);
	*room = ',';
	out->used += 1 + number_print_u64(room + 1, value);
}

static void put_value(outfile *out, const uint8_t *at, unsigned type)
{
	char *room = outfile_room(out);
	*room = ',';
	out->used += 1 + number_print(room + 1, type, number_load(at, type));
}

/* The page's name, with the field, and the position of the first value. */
static void put_place(outfile *out, const mmsb_info *info, const mmsb_field *field, uint64_t at)
{
	uint64_t index[MAX_DIMS] = {0};
	outfile_text(out, info->name);
	if (field != NULL) {
		outfile_text(out, ".");
		outfile_text(out, field->name);
	}
	for (unsigned k = info->ndim; k-- > 0;) {
		index[k] = at % info->shape[k];
		at /= info->shape[k];
	}
	for (unsigned k = 0; k < info->ndim; k++)
		put_index(out, index[k]);
}

/* How many changes from i on stand side by side in the last dimension. */
static uint64_t run_length(const mmsb_info *info, const mmsb_changes_view *c, uint64_t i)
{
	uint64_t n = 1;
	uint64_t last = info->ndim > 0 ? info->shape[info->ndim - 1] : 1;
	if (info->sparse) {
		while (i + n < c->count && n < LONGEST_RUN && c->row[i + n] == c->row[i] && c->col[i + n] == c->col[i] + n)
			n++;
		return n;
	}
	uint64_t room = last - c->index[i] % last;
	while (i + n < c->count && n < LONGEST_RUN && n < room && c->index[i + n] == c->index[i] + n)
		n++;
	return n;
}

static void put_sparse(outfile *out, const mmsb_info *info, const mmsb_changes_view *c, uint64_t i, uint64_t n)
{
	const uint8_t *values = c->values;
	put_place(out, info, NULL, c->row[i] * info->shape[1] + c->col[i]);
	for (uint64_t k = i; k < i + n; k++)
		if (c->deleted[k])
			outfile_text(out, ",-");
		else if (values == NULL)
			outfile_text(out, ",true");
		else
			put_value(out, values + k * info->element, (unsigned)info->type);
	outfile_text(out, "\n");
}

static void put_dense(outfile *out, const mmsb_info *info, const mmsb_changes_view *c, uint64_t i, uint64_t n)
{
	bool record = info->type == MMSB_RECORD;
	for (unsigned f = 0; f < (record ? info->n_fields : 1); f++) {
		const mmsb_field *field = record ? &info->fields[f] : NULL;
		const uint8_t *at = (const uint8_t *)c->values + (record ? field->offset : 0);
		put_place(out, info, field, c->index[i]);
		for (uint64_t k = i; k < i + n; k++)
			put_value(out, at + k * info->element, (unsigned)(record ? field->type : info->type));
		outfile_text(out, "\n");
	}
}

static int put_page(watchers *w, outfile *out, int id, mmsb_error *err)
{
	mmsb_info info = {.name = ""};
	mmsb_changes_view c;
	int status = mmsb_page_info(w->inst, id, &info);
	if (status == MMSB_OK)
		status = mmsb_changes(w->inst, id, &c);
	if (status != MMSB_OK)
		return fail(err, status, "the changes of page '%s' cannot be had: %s", info.name, mmsb_status_text(status));
	for (uint64_t i = 0, n; i < c.count; i += n) {
		n = run_length(&info, &c, i);
		if (info.sparse)
			put_sparse(out, &info, &c, i, n);
		else
			put_dense(out, &info, &c, i, n);
	}
	return MMSB_OK;
}

int watchers_epoch(watchers *w, mmsb_error *err)
{
	for (size_t i = 0; i < w->n_sinks; i++) {
		sink *s = &w->sinks[i];
		for (size_t k = 0; k < s->n_pages; k++) {
			int status = put_page(w, s->out, s->pages[k], err);
			if (status != MMSB_OK)
				return status;
		}
		outfile_text(s->out, "commit\n");
		if (s->out->error != 0)
			return fail(err, MMSB_IO, "cannot write '%s': %s", s->out->path, strerror(s->out->error));
	}
	return MMSB_OK;
}

void watchers_flush(watchers *w)
{
	for (size_t i = 0; i < w->n_sinks; i++)
		outfile_flush(w->sinks[i].out);
}

int watchers_close(watchers *w, mmsb_error *err)
{
	int status = MMSB_OK;
	for (size_t i = 0; i < w->n_sinks; i++) {
		mmsb_error other;
		int closed = outfile_close(&w->sinks[i].file, status == MMSB_OK ? err : &other);
		status = status == MMSB_OK ? closed : status;
	}
	return status;
}

void watchers_free(watchers *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n_sinks; i++) {
		outfile_abort(&w->sinks[i].file);
		free(w->sinks[i].path);
		free(w->sinks[i].pages);
	}
	free(w->sinks);
	free(w);
}
