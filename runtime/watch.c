/* After each epoch the elements that changed, as delta text. */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "deltatext.h"
#include "instance.h"

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

/* ---- epochs ------------------------------------------------------------------------------------ */

static int put_page(watchers *w, outfile *out, int id, mmsb_error *err)
{
	mmsb_info info = {.name = ""};
	mmsb_changes_view c;
	int status = mmsb_page_info(w->inst, id, &info);
	if (status == MMSB_OK)
		status = mmsb_changes(w->inst, id, &c);
	if (status != MMSB_OK)
		return fail(err, status, "the changes of page '%s' cannot be had: %s", info.name, mmsb_status_text(status));
	delta_write(out, &info, -1, &c);
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
