/* ir_yaml_read.c - reads a graph from its YAML form: values, and the declarations. Every mistake is told with its line. */
#include <string.h>

#include "../runtime/number.h"
#include "ir_yaml.h"

enum { MAX_TERMS = 256 }; /* of a size */

/* ---- values ------------------------------------------------------------------------------------ */

yaml_item *yaml_may(yaml_reader *r, yaml_item *map, const char *key, yaml_kind kind)
{
	static const char *const kinds[] = {"a value", "a list", "a map"};
	yaml_item *item = yaml_get(map, key);
	/* An empty value stands for an empty list. */
	if (item && kind == YAML_LIST && item->kind == YAML_TEXT && item->text[0] == '\0')
		item->kind = YAML_LIST;
	if (item && item->kind != kind) {
		lang_error(r->ctx, item->span, "'%s' must be %s", key, kinds[kind]);
		return NULL;
	}
	return item;
}

yaml_item *yaml_need(yaml_reader *r, yaml_item *map, const char *key, yaml_kind kind)
{
	if (!yaml_get(map, key))
		lang_error(r->ctx, map->span, map->kind == YAML_MAP ? "'%s' is missing" : "a map with '%s' must stand here", key);
	return yaml_may(r, map, key, kind);
}

uint32_t yaml_number(yaml_reader *r, yaml_item *item, uint32_t below, const char *of)
{
	scalar value;
	if (!item)
		return NONE;
	if (item->kind != YAML_TEXT
	    || number_parse(item->text, item->text + strlen(item->text), T_U32, NUMBER_STRICT, &value) != NUMBER_OK) {
		lang_error(r->ctx, item->span, "the number of %s must stand here", of);
		return NONE;
	}
	if (value.U32 >= below) {
		lang_error(r->ctx, item->span, "there is no such %s: %u of %u", of, value.U32, below);
		return NONE;
	}
	return value.U32;
}

uint32_t yaml_word(yaml_reader *r, yaml_item *item, const char *const *words, uint32_t n, const char *what)
{
	if (!item)
		return NONE;
	lang_nearest near = lang_nearest_to(item->kind == YAML_TEXT ? item->text : "");
	for (uint32_t i = 0; i < n && item->kind == YAML_TEXT; i++) {
		lang_nearest_offer(&near, words[i]);
		if (strcmp(item->text, words[i]) == 0)
			return i;
	}
	lang_diag *d = lang_error(r->ctx, item->span, "'%s' is no %s", item->kind == YAML_TEXT ? item->text : "[...]", what);
	if (near.best)
		lang_help(r->ctx, d, "did you mean '%s'?", near.best);
	return NONE;
}

uint8_t yaml_type(yaml_reader *r, yaml_item *item)
{
	const char *names[T_COUNT];
	for (uint32_t i = 0; i < T_COUNT; i++)
		names[i] = type_table[i].name;
	uint32_t type = yaml_word(r, item, names, T_COUNT, "type");
	return type == NONE ? T_BOOL : (uint8_t)type;
}

uint32_t yaml_page(yaml_reader *r, yaml_item *item)
{
	const char **names = LANG_NEW_ARRAY(r->ctx, const char *, r->g->n_pages + 1);
	for (uint32_t i = 0; names && i < r->g->n_pages; i++)
		names[i] = r->g->pages[i].name;
	return names ? yaml_word(r, item, names, r->g->n_pages, "page") : NONE;
}

uint32_t yaml_op(yaml_reader *r, yaml_item *item)
{
	const char *names[OP_COUNT];
	for (uint32_t i = 0; i < OP_COUNT; i++)
		names[i] = op_table[i].name;
	return yaml_word(r, item, names, OP_COUNT, "operator");
}

uint32_t yaml_node(yaml_reader *r, yaml_item *item)
{
	uint32_t number = yaml_number(r, item, UINT32_MAX, "node");
	if (number == NONE)
		return NONE;
	if (number >= r->n_nodes || r->nodes[number] == 0) {
		lang_error(r->ctx, item->span, "node %u is not defined before this", number);
		return NONE;
	}
	return r->nodes[number] - 1;
}

bool yaml_flag(yaml_reader *r, yaml_item *map, const char *key)
{
	static const char *const words[] = {"false", "true"};
	return yaml_word(r, yaml_get(map, key), words, 2, "truth value") == 1;
}

scalar yaml_scalar(yaml_reader *r, yaml_item *item, uint8_t type)
{
	scalar value = {.bits = 0};
	char why[160];
	if (!item || item->kind != YAML_TEXT) {
		if (item)
			lang_error(r->ctx, item->span, "a value must stand here");
		return value;
	}
	number_result result = number_parse(item->text, item->text + strlen(item->text), type, NUMBER_STRICT, &value);
	if (result != NUMBER_OK) {
		lang_error(r->ctx, item->span, "'%s' %s", item->text, number_explain(result, type, why, sizeof why));
		value.bits = 0;
	}
	return value;
}

void yaml_done(yaml_reader *r, yaml_item *map)
{
	for (uint32_t i = 0; map->kind == YAML_MAP && i + 1 < map->count; i += 2)
		if (!map->used[i])
			lang_error(r->ctx, map->items[i]->span, "'%s' has no meaning here",
			           map->items[i]->kind == YAML_TEXT ? map->items[i]->text : "this");
}

/* ---- declarations ------------------------------------------------------------------------------ */

static const char *name_of(yaml_reader *r, yaml_item *map)
{
	const yaml_item *name = yaml_need(r, map, "name", YAML_TEXT);
	return name ? name->text : "";
}

static uint32_t size_at(yaml_reader *r, yaml_item *item)
{
	uint32_t at = yaml_number(r, item, r->n_sizes, "size");
	return at == NONE ? NONE : r->sizes[at];
}

/* size_at where a size must be: size 0 stands in after an error. */
static uint32_t need_size(yaml_reader *r, yaml_item *item)
{
	uint32_t size = size_at(r, item);
	return size == NONE ? 0 : size;
}

static void read_param(yaml_reader *r, yaml_item *map)
{
	ir_param p = {.name = name_of(r, map), .init = NONE};
	yaml_item *type = yaml_need(r, map, "type", YAML_TEXT);
	p.is_size = type && strcmp(type->text, "size") == 0;
	p.type = p.is_size ? T_I64 : yaml_type(r, type);
	p.line = yaml_number(r, yaml_need(r, map, "line", YAML_TEXT), UINT32_MAX, "line");
	IR_PUSH(r->g, params, p);
	yaml_get(map, "init"); /* read when the constants are known */
	yaml_done(r, map);
}

static uint32_t param_of(yaml_reader *r, yaml_item *item)
{
	const char **names = LANG_NEW_ARRAY(r->ctx, const char *, r->g->n_params + 1);
	for (uint32_t i = 0; names && i < r->g->n_params; i++)
		names[i] = r->g->params[i].name;
	uint32_t id = names ? yaml_word(r, item, names, r->g->n_params, "param") : NONE;
	if (id != NONE && !r->g->params[id].is_size) {
		lang_error(r->ctx, item->span, "param '%s' is no size", r->g->params[id].name);
		return NONE;
	}
	return id;
}

static uint32_t read_size(yaml_reader *r, yaml_item *map)
{
	ir_graph *g = r->g;
	yaml_item *value = yaml_may(r, map, "const", YAML_TEXT), *param = yaml_may(r, map, "param", YAML_TEXT);
	if (value)
		return ir_size_const(g, yaml_scalar(r, value, T_I64).I64);
	if (param) {
		uint32_t id = param_of(r, param);
		return id == NONE ? 0 : ir_size(g, SIZE_PARAM, id, 0, 0);
	}
	for (uint32_t kind = SIZE_ADD; kind <= SIZE_MUL; kind++) {
		yaml_item *of = yaml_may(r, map, ir_yaml_sizes[kind], YAML_LIST);
		if (!of)
			continue;
		if (of->count != 2) {
			lang_error(r->ctx, of->span, "two sizes must stand here");
			return 0;
		}
		uint32_t a = need_size(r, of->items[0]), b = need_size(r, of->items[1]);
		return ir_size(g, (size_kind)kind, a, b, 0);
	}
	lang_error(r->ctx, map->span, "a size is one of const, param, add, sub, mul");
	return 0;
}

static void read_field(yaml_reader *r, yaml_item *map, ir_field *f)
{
	f->name = name_of(r, map);
	f->type = yaml_type(r, yaml_need(r, map, "type", YAML_TEXT));
	f->offset = yaml_number(r, yaml_need(r, map, "offset", YAML_TEXT), 65536, "offset");
	f->index_size = size_at(r, yaml_may(r, map, "below", YAML_TEXT));
	yaml_done(r, map);
}

static void read_record(yaml_reader *r, yaml_item *map)
{
	ir_record record = {.name = name_of(r, map)};
	record.bytes = yaml_number(r, yaml_need(r, map, "bytes", YAML_TEXT), 65537, "size in bytes");
	yaml_item *fields = yaml_need(r, map, "fields", YAML_LIST);
	if (fields && (fields->count == 0 || fields->count > 4096))
		lang_error(r->ctx, fields->span, "a record has 1 to 4096 fields");
	record.n_fields = fields && fields->count <= 4096 ? fields->count : 0;
	record.fields = LANG_NEW_ARRAY(r->ctx, ir_field, record.n_fields + 1);
	for (uint32_t i = 0; record.fields && i < record.n_fields; i++)
		read_field(r, fields->items[i], &record.fields[i]);
	IR_PUSH(r->g, records, record);
	yaml_done(r, map);
}

static void read_var(yaml_reader *r, yaml_item *map)
{
	ir_var v = {.name = name_of(r, map)};
	v.lo = need_size(r, yaml_need(r, map, "lo", YAML_TEXT));
	v.hi = need_size(r, yaml_need(r, map, "hi", YAML_TEXT));
	IR_PUSH(r->g, vars, v);
	yaml_done(r, map);
}

static void read_page_type(yaml_reader *r, yaml_item *map, ir_page *p)
{
	yaml_item *record = yaml_may(r, map, "record", YAML_TEXT), *below = yaml_may(r, map, "below", YAML_TEXT);
	const char **names = LANG_NEW_ARRAY(r->ctx, const char *, r->g->n_records + 1);
	for (uint32_t i = 0; names && i < r->g->n_records; i++)
		names[i] = r->g->records[i].name;
	p->record = record && names ? yaml_word(r, record, names, r->g->n_records, "record") : NONE;
	p->type = record ? T_COUNT : yaml_type(r, yaml_need(r, map, "type", YAML_TEXT));
	if (record && p->record == NONE)
		p->type = T_BOOL;
	p->index_size = size_at(r, below);
	if (below && p->type != T_U32)
		lang_error(r->ctx, below->span, "only a page of u32 holds an index");
	yaml_item *dims = yaml_need(r, map, "dims", YAML_LIST);
	if (dims && dims->count > MAX_DIMS)
		lang_error(r->ctx, dims->span, "a page has at most %d dimensions", MAX_DIMS);
	p->ndim = dims && dims->count <= MAX_DIMS ? dims->count : 0;
	for (uint32_t d = 0; d < p->ndim; d++)
		p->dims[d] = need_size(r, dims->items[d]);
}

static uint32_t word_or_zero(uint32_t word)
{
	return word == NONE ? 0 : word;
}

/* file, line, column */
static void read_place(yaml_reader *r, yaml_item *map, uint32_t *file, uint32_t *line, uint32_t *column)
{
	yaml_item *place = yaml_need(r, map, "place", YAML_LIST);
	if (place && place->count == 3) {
		*file = word_or_zero(yaml_number(r, place->items[0], r->g->n_files, "file"));
		*line = yaml_number(r, place->items[1], UINT32_MAX, "line");
		*column = yaml_number(r, place->items[2], UINT32_MAX, "column");
	} else if (place) {
		lang_error(r->ctx, place->span, "file, line and column must stand here");
	}
}

static void read_page(yaml_reader *r, yaml_item *map)
{
	ir_page p = {.name = name_of(r, map), .like = NONE, .init = NONE, .init_page = NONE, .edge = NONE, .user = NONE};
	for (uint32_t i = 0; i < r->g->n_pages; i++)
		if (strcmp(r->g->pages[i].name, p.name) == 0)
			lang_error(r->ctx, map->span, "there is a page '%s' already", p.name);
	read_page_type(r, map, &p);
	p.role = (uint8_t)word_or_zero(yaml_word(r, yaml_need(r, map, "role", YAML_TEXT), ir_yaml_roles, 3, "role"));
	p.sparse = yaml_flag(r, map, "sparse");
	p.state = yaml_flag(r, map, "state");
	if (p.sparse && (p.ndim != 2 || p.type == T_COUNT))
		lang_error(r->ctx, map->span, "a sparse page has two dimensions and no fields");
	yaml_item *attrs = yaml_may(r, map, "attrs", YAML_LIST);
	for (uint32_t i = 0; attrs && i < attrs->count; i++) {
		uint32_t bit = yaml_word(r, attrs->items[i], ir_yaml_attrs, 7, "attribute");
		p.attrs |= bit == NONE ? 0 : 1u << bit;
	}
	yaml_item *tile = yaml_may(r, map, "tile", YAML_LIST);
	for (uint32_t i = 0; tile && i < 2 && i < tile->count; i++)
		p.tile[i] = yaml_number(r, tile->items[i], UINT32_MAX, "tile");
	read_place(r, map, &p.file, &p.line, &p.column);
	const yaml_item *doc = yaml_may(r, map, "doc", YAML_TEXT);
	p.doc = doc ? doc->text : NULL;
	p.init = yaml_node(r, yaml_may(r, map, "init", YAML_TEXT));
	ir_new_page(r->g, &p);
	yaml_get(map, "like"); /* these two name pages: read when all are known */
	yaml_get(map, "init_page");
	yaml_done(r, map);
}

static void read_page_links(yaml_reader *r, yaml_item *map, ir_page *p)
{
	const ir_graph *g = r->g;
	yaml_item *like = yaml_may(r, map, "like", YAML_TEXT);
	p->like = yaml_page(r, like);
	p->init_page = yaml_page(r, yaml_may(r, map, "init_page", YAML_TEXT));
	if (p->like != NONE && (!p->sparse || !g->pages[p->like].sparse))
		lang_error(r->ctx, like->span, "only sparse pages are like others");
}

/* ---- the whole --------------------------------------------------------------------------------- */

typedef void (*read_fn)(yaml_reader *r, yaml_item *map);

static void each(yaml_reader *r, yaml_item *root, const char *key, read_fn read)
{
	yaml_item *list = yaml_need(r, root, key, YAML_LIST);
	for (uint32_t i = 0; list && i < list->count && !r->ctx->oom; i++)
		read(r, list->items[i]);
}

static void read_file(yaml_reader *r, yaml_item *item)
{
	if (item->kind == YAML_TEXT)
		IR_PUSH(r->g, files, item->text);
	else
		lang_error(r->ctx, item->span, "the path of a file must stand here");
}

/* How many terms a size has written out; terms: of the sizes before it. Sizes are shared, so that a few lines could
 * stand for more than can ever be written. */
static uint32_t count_terms(const ir_graph *g, uint32_t id, const uint32_t *terms)
{
	const sch_size *s = &g->sizes[id];
	return s->kind == SIZE_CONST || s->kind == SIZE_PARAM ? 1 : terms[s->a] + terms[s->b];
}

static void read_sizes(yaml_reader *r, yaml_item *root)
{
	yaml_item *list = yaml_need(r, root, "sizes", YAML_LIST);
	r->sizes = LANG_NEW_ARRAY(r->ctx, uint32_t, (list ? list->count : 0) + 1);
	uint32_t *terms = LANG_NEW_ARRAY(r->ctx, uint32_t, (list ? list->count : 0) + 1);
	for (uint32_t i = 0; list && r->sizes && terms && i < list->count; i++) {
		r->sizes[i] = read_size(r, list->items[i]);
		r->n_sizes = i + 1;
		if (lang_failed(r->ctx))
			return;
		terms[r->sizes[i]] = count_terms(r->g, r->sizes[i], terms);
		if (terms[r->sizes[i]] > MAX_TERMS)
			lang_error(r->ctx, list->items[i]->span, "this size is too long an expression");
		yaml_done(r, list->items[i]);
	}
}

static void read_constants(yaml_reader *r, yaml_item *root)
{
	yaml_item *params = yaml_may(r, root, "params", YAML_LIST);
	yaml_read_nodes(r, yaml_need(r, root, "constants", YAML_LIST), NULL);
	for (uint32_t i = 0; params && i < params->count && i < r->g->n_params; i++)
		r->g->params[i].init = yaml_node(r, yaml_may(r, params->items[i], "init", YAML_TEXT));
}

static void read_pages(yaml_reader *r, yaml_item *root)
{
	each(r, root, "pages", read_page);
	yaml_item *list = yaml_may(r, root, "pages", YAML_LIST);
	for (uint32_t i = 0; list && i < list->count && i < r->g->n_pages; i++)
		read_page_links(r, list->items[i], &r->g->pages[i]);
	for (uint32_t i = 0; i < r->g->n_pages; i++) {
		const ir_page *p = &r->g->pages[i];
		if (p->like != NONE && r->g->pages[p->like].like != NONE)
			lang_error(r->ctx, list->items[i]->span, "'%s' must be like the page that owns the pattern", p->name);
	}
}

ir_graph *ir_read_yaml(lang_ctx *ctx, const lang_source *source)
{
	yaml_item *root = yaml_read(ctx, source);
	yaml_reader r = {.ctx = ctx, .g = root ? ir_new(ctx) : NULL};
	if (!r.g)
		return NULL;
	const yaml_item *version = yaml_need(&r, root, "mmsb_graph", YAML_TEXT);
	if (version && strcmp(version->text, "1") != 0)
		lang_error(ctx, version->span, "this is a graph of version '%s', and this compiler reads version %d", version->text,
		           IR_YAML_VERSION);
	if (lang_failed(ctx))
		return NULL;
	each(&r, root, "files", read_file);
	each(&r, root, "params", read_param);
	read_sizes(&r, root);
	each(&r, root, "records", read_record);
	each(&r, root, "vars", read_var);
	if (r.g->n_files == 0)
		lang_error(ctx, root->span, "'files' names at least one");
	if (!lang_failed(ctx))
		read_constants(&r, root);
	if (!lang_failed(ctx))
		read_pages(&r, root);
	if (!lang_failed(ctx))
		each(&r, root, "edges", yaml_read_edge);
	if (!lang_failed(ctx))
		yaml_done(&r, root);
	const char *wrong = lang_failed(ctx) ? NULL : ir_verify(r.g);
	if (wrong)
		lang_error(ctx, root->span, "the graph is wrong: %s", wrong);
	if (!lang_failed(ctx))
		ir_compact(r.g);
	return lang_failed(ctx) ? NULL : r.g;
}
