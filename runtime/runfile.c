/* Run files: the bindings of one `mmsb run` as YAML. */
#include "runfile.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "../lang/source.h"
#include "instance.h"
#include "iofile.h"
#include "number.h"

typedef struct loader {
	const char *path;
	yaml_document_t *doc;
	run_spec *spec;
	mmsb_error *err;
	const char *key;      /* the top-level key being read, for messages */
} loader;

static int bad_node(loader *l, const yaml_node_t *node, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int bad_node(loader *l, const yaml_node_t *node, const char *fmt, ...)
{
	char message[480];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof message, fmt, args);
	va_end(args);
	return fail_at(l->err, MMSB_INPUT, l->path, node->start_mark.line + 1, node->start_mark.column + 1, "%s", message);
}

static int no_memory(loader *l)
{
	return fail_memory(l->err, sizeof(run_pair), l->path);
}

/* ---- nodes ------------------------------------------------------------------------------------- */

/* The text of a scalar (YAML's scalars end in a NUL); NULL when it is none, is empty, or holds a NUL. */
static const char *text_of(const yaml_node_t *node)
{
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.length == 0)
		return NULL;
	const char *text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

static int take_bool(loader *l, const yaml_node_t *node, bool *out)
{
	const char *text = text_of(node);
	*out = text != NULL && strcmp(text, "true") == 0;
	if (text == NULL || (!*out && strcmp(text, "false") != 0))
		return bad_node(l, node, "'%s' is true or false", l->key);
	return MMSB_OK;
}

/* A whole number for an option. */
static int take_number(loader *l, const yaml_node_t *node, run_option option, uint64_t least, uint64_t most)
{
	const char *text = text_of(node);
	scalar value;
	if (text == NULL || number_parse(text, text + strlen(text), T_U64, NUMBER_STRICT, &value) != NUMBER_OK)
		return bad_node(l, node, "'%s' is a whole number", l->key);
	if (value.U64 < least && most == UINT64_MAX)
		return bad_node(l, node, "'%s' is at least %llu", l->key, (unsigned long long)least);
	if (value.U64 < least || value.U64 > most)
		return bad_node(l, node, "'%s' lies between %llu and %llu", l->key, (unsigned long long)least, (unsigned long long)most);
	runspec_set(l->spec, option, value.U64);
	return MMSB_OK;
}

/* Adds (name, value), with value a path when is_path. */
static int add_pair(loader *l, run_list *list, const yaml_node_t *at, const char *name, const char *value, bool is_path)
{
	char *path = is_path && value != NULL ? path_beside(l->path, value) : NULL;
	if (is_path && value != NULL && path == NULL)
		return no_memory(l);
	bool added = runspec_add(list, name, is_path ? path : value, l->path, at->start_mark.line + 1,
	                         at->start_mark.column + 1);
	free(path);
	return added ? MMSB_OK : no_memory(l);
}

static const char *texts(const yaml_node_t *node, const char *what, loader *l, int *status)
{
	const char *text = text_of(node);
	if (text == NULL)
		*status = bad_node(l, node, "'%s': %s is expected here", l->key, what);
	return text;
}

/* ---- bindings ---------------------------------------------------------------------------------- */

typedef int pair_fn(loader *l, const char *name, const yaml_node_t *value);

/* Calls fn for each entry of a mapping; a name may come once. */
static int each_pair(loader *l, const yaml_node_t *node, const char *what, pair_fn *fn)
{
	if (node->type != YAML_MAPPING_NODE)
		return bad_node(l, node, "'%s' is a mapping: %s", l->key, what);
	int status = MMSB_OK;
	yaml_node_pair_t *first = node->data.mapping.pairs.start;
	for (yaml_node_pair_t *p = first; p < node->data.mapping.pairs.top && status == MMSB_OK; p++) {
		yaml_node_t *key = yaml_document_get_node(l->doc, p->key), *value = yaml_document_get_node(l->doc, p->value);
		const char *name = texts(key, "a name", l, &status);
		for (yaml_node_pair_t *q = first; q < p && name != NULL; q++) {
			const char *other = text_of(yaml_document_get_node(l->doc, q->key));
			if (other != NULL && strcmp(other, name) == 0)
				return bad_node(l, key, "'%s': '%s' comes twice", l->key, name);
		}
		if (name != NULL)
			status = fn(l, name, value);
	}
	return status;
}

static int add_param(loader *l, const char *name, const yaml_node_t *node)
{
	int status = MMSB_OK;
	const char *value = texts(node, "a number", l, &status);
	return value == NULL ? status : add_pair(l, &l->spec->params, node, name, value, false);
}

static int add_in(loader *l, const char *name, const yaml_node_t *node)
{
	int status = MMSB_OK;
	const char *value = texts(node, "a file or a number", l, &status);
	return value == NULL ? status : add_pair(l, &l->spec->ins, node, name, value, false);
}

static int add_out(loader *l, const char *name, const yaml_node_t *node)
{
	int status = MMSB_OK;
	if (node->type != YAML_SEQUENCE_NODE) {
		const char *value = texts(node, "a path, - for standard output, or a list of these", l, &status);
		return value == NULL ? status : add_pair(l, &l->spec->outs, node, name, value, true);
	}
	for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top && status == MMSB_OK; i++) {
		const yaml_node_t *item = yaml_document_get_node(l->doc, *i);
		const char *value = texts(item, "a path, or - for standard output", l, &status);
		if (value != NULL)
			status = add_pair(l, &l->spec->outs, item, name, value, true);
	}
	return status;
}

static int add_watch(loader *l, const char *name, const yaml_node_t *node)
{
	int status = MMSB_OK;
	const char *value = texts(node, "a path, or - for standard output", l, &status);
	return value == NULL ? status : add_pair(l, &l->spec->watches, node, name, value, true);
}

/* A page or folder, or a list of them. */
static int names(loader *l, const yaml_node_t *node, run_list *list, bool is_path)
{
	int status = MMSB_OK;
	const char *what = is_path ? "a folder" : "a page";
	if (node->type == YAML_SCALAR_NODE) {
		const char *name = texts(node, what, l, &status);
		return name == NULL ? status : add_pair(l, list, node, is_path ? "" : name, is_path ? name : NULL, is_path);
	}
	if (node->type != YAML_SEQUENCE_NODE)
		return bad_node(l, node, "'%s': %s or a list of them is expected here", l->key, what);
	for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top && status == MMSB_OK; i++) {
		const yaml_node_t *item = yaml_document_get_node(l->doc, *i);
		const char *name = texts(item, what, l, &status);
		if (name != NULL)
			status = add_pair(l, list, item, is_path ? "" : name, is_path ? name : NULL, is_path);
	}
	return status;
}

/* ---- keys -------------------------------------------------------------------------------------- */

static int take_path(loader *l, const yaml_node_t *node, char **out)
{
	int status = MMSB_OK;
	const char *text = texts(node, "a path", l, &status);
	if (text == NULL)
		return status;
	free(*out);
	*out = path_beside(l->path, text);
	return *out == NULL ? no_memory(l) : MMSB_OK;
}

static int take_flag(loader *l, const yaml_node_t *node, run_option option, bool turned)
{
	bool value;
	int status = take_bool(l, node, &value);
	if (status == MMSB_OK)
		runspec_set(l->spec, option, value != turned);
	return status;
}

static int key_program(loader *l, const yaml_node_t *n) { return take_path(l, n, &l->spec->program); }
static int key_deltas(loader *l, const yaml_node_t *n) { return take_path(l, n, &l->spec->deltas); }
static int key_events(loader *l, const yaml_node_t *n) { return take_path(l, n, &l->spec->events); }
static int key_state(loader *l, const yaml_node_t *n) { return take_path(l, n, &l->spec->state); }
static int key_params(loader *l, const yaml_node_t *n) { return each_pair(l, n, "params and their values", add_param); }
static int key_in(loader *l, const yaml_node_t *n) { return each_pair(l, n, "pages and their sources", add_in); }
static int key_out(loader *l, const yaml_node_t *n) { return each_pair(l, n, "pages and the files to write", add_out); }
static int key_include(loader *l, const yaml_node_t *n) { return names(l, n, &l->spec->dirs, true); }
static int key_scratch(loader *l, const yaml_node_t *n) { return take_flag(l, n, RUN_SCRATCH, false); }
static int key_stats(loader *l, const yaml_node_t *n) { return take_flag(l, n, RUN_STATS, false); }
static int key_progress(loader *l, const yaml_node_t *n) { return take_flag(l, n, RUN_PROGRESS, false); }
static int key_or_portable(loader *l, const yaml_node_t *n) { return take_flag(l, n, RUN_OR_PORTABLE, false); }
static int key_strict(loader *l, const yaml_node_t *n) { return take_flag(l, n, RUN_SKIP_BAD, true); }
static int key_json(loader *l, const yaml_node_t *n) { return take_flag(l, n, RUN_JSON, false); }
static int key_skip_bad(loader *l, const yaml_node_t *n) { return take_flag(l, n, RUN_SKIP_BAD, false); }

static int key_watch(loader *l, const yaml_node_t *n)
{
	return n->type == YAML_MAPPING_NODE ? each_pair(l, n, "pages and the files to write", add_watch)
	                                    : names(l, n, &l->spec->watches, false);
}

static int key_ticks(loader *l, const yaml_node_t *n) { return take_number(l, n, RUN_TICKS, 0, UINT64_MAX); }
static int key_batch(loader *l, const yaml_node_t *n) { return take_number(l, n, RUN_BATCH, 1, UINT64_MAX); }
static int key_threads(loader *l, const yaml_node_t *n) { return take_number(l, n, RUN_THREADS, 1, RUN_MOST_THREADS); }
static int key_keep(loader *l, const yaml_node_t *n) { return take_number(l, n, RUN_KEEP, 1, RUN_MOST_KEPT); }
static int key_digest_every(loader *l, const yaml_node_t *n) { return take_number(l, n, RUN_DIGEST_EVERY, 0, UINT64_MAX); }

static int key_durability(loader *l, const yaml_node_t *n)
{
	const char *text = text_of(n);
	return text != NULL && runspec_durability(l->spec, text) ? MMSB_OK : bad_node(l, n, "'durability' is " DURABILITY_EXPECTED);
}

static int take_checkpoint(loader *l, const yaml_node_t *n)
{
	const char *text = text_of(n);
	return text != NULL && runspec_checkpoint(l->spec, text) ? MMSB_OK : bad_node(l, n, "'checkpoint-every' takes " CHECKPOINT_EXPECTED);
}

static int key_checkpoint_every(loader *l, const yaml_node_t *n)
{
	int status = MMSB_OK;
	if (n->type != YAML_SEQUENCE_NODE)
		return take_checkpoint(l, n);
	for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top && status == MMSB_OK; i++)
		status = take_checkpoint(l, yaml_document_get_node(l->doc, *i));
	return status;
}

static int key_source(loader *l, const yaml_node_t *n)
{
	int status = MMSB_OK;
	const char *text = texts(n, "who makes the changes", l, &status);
	if (text == NULL)
		return status;
	if (strlen(text) > RUN_LONGEST_TAG)
		return bad_node(l, n, "'source' is a tag of at most %d bytes", RUN_LONGEST_TAG);
	return runspec_text(&l->spec->source, text) ? MMSB_OK : no_memory(l);
}

static int key_digest(loader *l, const yaml_node_t *n)
{
	const char *text = text_of(n);
	bool each = text != NULL && strcmp(text, "each") == 0, end = text != NULL && strcmp(text, "true") == 0;
	if (!each && !end && (text == NULL || strcmp(text, "false") != 0))
		return bad_node(l, n, "'digest' is true, false or each");
	runspec_set(l->spec, RUN_DIGEST, each ? DIGEST_EACH : end ? DIGEST_END : DIGEST_NONE);
	return MMSB_OK;
}

static int key_executor(loader *l, const yaml_node_t *n)
{
	int status = MMSB_OK;
	const char *text = texts(n, "the name of an executor", l, &status);
	if (text == NULL)
		return status;
	if (runspec_executor(text) < 0)
		return bad_node(l, n, "there is no executor '%.60s' here; there are 'automatic', 'portable', 'native' and 'cuda'", text);
	return runspec_text(&l->spec->executor, text) ? MMSB_OK : no_memory(l);
}

static const struct key {
	const char *name;
	int (*take)(loader *, const yaml_node_t *);
} keys[] = {
	{"program", key_program}, {"params", key_params}, {"include", key_include}, {"in", key_in}, {"deltas", key_deltas},
	{"batch", key_batch}, {"ticks", key_ticks}, {"out", key_out}, {"watch", key_watch}, {"digest", key_digest}, {"scratch", key_scratch},
	{"threads", key_threads}, {"executor", key_executor}, {"or-portable", key_or_portable}, {"stats", key_stats},
	{"progress", key_progress}, {"strict", key_strict}, {"skip-bad", key_skip_bad}, {"events", key_events}, {"json", key_json},
	{"state", key_state}, {"durability", key_durability}, {"checkpoint-every", key_checkpoint_every}, {"keep", key_keep},
	{"digest-every", key_digest_every}, {"source", key_source},
};

static int take_key(loader *l, const yaml_node_t *key_node, const char *name, const yaml_node_t *value)
{
	lang_nearest nearest = lang_nearest_to(name);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		if (strcmp(keys[i].name, name) == 0) {
			l->key = keys[i].name;
			return keys[i].take(l, value);
		}
		lang_nearest_offer(&nearest, keys[i].name);
	}
	if (nearest.best != NULL)
		return bad_node(l, key_node, "a run file has no key '%.60s'; did you mean '%s'?", name, nearest.best);
	char all[320] = ""; /* the names of all keys */
	for (size_t i = 0, n = 0; i < sizeof keys / sizeof keys[0] && n < sizeof all; i++)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i > 0 ? ", " : "", keys[i].name);
	return bad_node(l, key_node, "a run file has no key '%.60s' (%s)", name, all);
}

/* ---- the whole --------------------------------------------------------------------------------- */

static int take_document(loader *l)
{
	const yaml_node_t *root = yaml_document_get_root_node(l->doc);
	if (root == NULL)
		return fail_at(l->err, MMSB_INPUT, l->path, 1, 1, "the run file is empty");
	l->key = "run file";
	if (root->type != YAML_MAPPING_NODE)
		return bad_node(l, root, "a run file is a mapping, as in 'program: portfolio.mmsb'");
	yaml_node_pair_t *first = root->data.mapping.pairs.start;
	for (yaml_node_pair_t *p = first; p < root->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(l->doc, p->key), *value = yaml_document_get_node(l->doc, p->value);
		int status = MMSB_OK;
		const char *name = texts(key, "a key", l, &status);
		for (yaml_node_pair_t *q = first; q < p && name != NULL; q++) {
			const char *other = text_of(yaml_document_get_node(l->doc, q->key));
			if (other != NULL && strcmp(other, name) == 0)
				return bad_node(l, key, "key '%.60s' comes twice", name);
		}
		if (name != NULL)
			status = take_key(l, key, name, value);
		l->key = "run file";
		if (status != MMSB_OK)
			return status;
	}
	return l->spec->program != NULL ? MMSB_OK : bad_node(l, root, "the run file names no program: add 'program: FILE.mmsb'");
}

int runfile_parse(const char *path, const char *text, size_t n, run_spec *out, mmsb_error *err)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	loader l = {.path = path, .doc = &doc, .spec = out, .err = err};
	if (!yaml_parser_initialize(&parser))
		return fail_memory(err, sizeof parser, path);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
	int status;
	if (yaml_parser_load(&parser, &doc)) {
		status = take_document(&l);
		yaml_document_delete(&doc);
	} else if (parser.error == YAML_MEMORY_ERROR || parser.problem == NULL) { /* every other error has a problem */
		status = fail_memory(err, n, path);
	} else {
		yaml_mark_t at = parser.error == YAML_READER_ERROR ? parser.mark : parser.problem_mark;
		status = fail_at(err, MMSB_INPUT, path, at.line + 1, at.column + 1, "this is not YAML: %s", parser.problem);
	}
	yaml_parser_delete(&parser);
	return status;
}

int runfile_read(const char *path, run_spec *out, mmsb_error *err)
{
	file_bytes bytes;
	int status = file_read(path, &bytes, err);
	if (status != MMSB_OK)
		return status;
	status = runfile_parse(path, bytes.data, bytes.size, out, err);
	file_bytes_free(&bytes);
	return status;
}
