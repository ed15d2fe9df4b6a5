/* schedule.c - the graph as a schedule: the tables of runtime/schedule.h, ready to be written as a file. */
#include "compile.h"

#include <string.h>

#include "builder.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- text -------------------------------------------------------------------------------------- */

static uint32_t *text_slot(builder *b, const char *text, size_t n)
{
	uint32_t at = (uint32_t)XXH3_64bits(text, n) & (b->n_text_slots - 1);
	while (b->text_slots[at] != 0 && strcmp(b->text + b->text_slots[at], text) != 0)
		at = (at + 1) & (b->n_text_slots - 1);
	return &b->text_slots[at];
}

static bool grow_text_slots(builder *b)
{
	if (2 * (b->n_strings + 1) < b->n_text_slots)
		return true;
	uint32_t *old = b->text_slots, n = b->n_text_slots;
	uint32_t *now = LANG_NEW_ARRAY(b->g->ctx, uint32_t, n ? 2 * n : 256);
	if (!now)
		return false;
	b->text_slots = now;
	b->n_text_slots = n ? 2 * n : 256;
	for (uint32_t i = 0; i < n; i++)
		if (old[i])
			*text_slot(b, b->text + old[i], strlen(b->text + old[i])) = old[i];
	return true;
}

uint32_t build_text(builder *b, const char *text)
{
	if (!text || text[0] == '\0' || !grow_text_slots(b))
		return 0;
	size_t n = strlen(text);
	uint32_t *slot = text_slot(b, text, n);
	if (*slot)
		return *slot;
	uint32_t at = b->n_text;
	for (size_t i = 0; i <= n; i++)
		BUILD_PUSH(b, text, text[i]);
	*slot = at;
	b->n_strings++;
	return at;
}

static void put_source(builder *b, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		BUILD_PUSH(b, source, text[i]);
	BUILD_PUSH(b, source, '\0');
}

/* Each file's path and text; a graph that was read from its own form knows the paths alone. */
static void build_sources(builder *b)
{
	ir_graph *g = b->g;
	for (uint32_t i = 0; i < g->n_files; i++) {
		const lang_source *s = i < g->ctx->source_count ? g->ctx->sources[i] : NULL;
		bool known = s && strcmp(s->path, g->files[i]) == 0;
		put_source(b, g->files[i], strlen(g->files[i]));
		put_source(b, known ? s->text : "", known ? s->length : 0);
	}
}

/* ---- declarations ------------------------------------------------------------------------------ */

static uint32_t constant_kernel(builder *b, const char *what, const char *of, ir_id value)
{
	if (value == NONE)
		return NONE;
	return build_kernel(b, NULL, lang_sprintf(b->g->ctx, "%s of %s", what, of), &value, 1);
}

static void build_declarations(builder *b)
{
	ir_graph *g = b->g;
	for (uint32_t i = 0; i < g->n_sizes; i++)
		BUILD_PUSH(b, sizes, g->sizes[i]);
	for (uint32_t i = 0; i < g->n_params; i++) {
		const ir_param *p = &g->params[i];
		sch_param param = {.name = build_text(b, p->name), .type = p->type, .is_size = p->is_size,
		                   .init = constant_kernel(b, "value", p->name, p->init), .line = p->line};
		BUILD_PUSH(b, params, param);
	}
	for (uint32_t i = 0; i < g->n_records; i++) {
		const ir_record *r = &g->records[i];
		sch_record record = {build_text(b, r->name), r->bytes, b->n_fields, r->n_fields};
		for (uint32_t k = 0; k < r->n_fields; k++) {
			const ir_field *f = &r->fields[k];
			sch_field field = {.name = build_text(b, f->name), .type = f->type, .index_size = f->index_size,
			                   .offset = f->offset};
			BUILD_PUSH(b, fields, field);
		}
		BUILD_PUSH(b, records, record);
	}
}

/* ---- what is kept of pages --------------------------------------------------------------------- */

/* PAGEF_PREV and PAGEF_COLUMNS, from the edges that are left. */
static void need_of_node(const ir_graph *g, const ir_node *n, uint16_t *flags)
{
	if (n->kind == IR_READ && n->u.read.prev) {
		flags[n->u.read.page] |= PAGEF_PREV;
		if (g->pages[n->u.read.page].sparse)
			flags[ir_pattern(g, n->u.read.page)] |= PAGEF_PREV;
	}
	if (n->kind == IR_REDUCE && n->u.reduce.page != NONE) {
		if (n->u.reduce.prev)
			flags[n->u.reduce.page] |= PAGEF_PREV;
		if (n->u.reduce.region == REGION_COL)
			flags[n->u.reduce.page] |= PAGEF_COLUMNS;
	}
}

static bool find_needs(ir_graph *g, uint16_t *flags)
{
	ir_list nodes = {0};
	if (!ir_walk_begin(g, &g->walk))
		return false;
	for (uint32_t i = 0; i < g->n_order; i++) {
		const ir_edge *e = &g->edges[g->order[i]];
		for (uint32_t k = 0; k < e->n_outputs && !e->dead; k++)
			ir_reach(g, &g->walk, e->outputs[k], true, &nodes);
	}
	for (uint32_t i = 0; i < nodes.count; i++)
		need_of_node(g, ir_at(g, nodes.items[i]), flags);
	return true;
}

static uint16_t flags_of(const ir_page *p)
{
	return (uint16_t)((p->sparse ? PAGEF_SPARSE : 0) | (p->fate == FATE_STORED ? PAGEF_STORED : 0)
	                  | (p->state ? PAGEF_STATE : 0) | (p->attrs & PAGE_STATIC ? PAGEF_STATIC : 0)
	                  | (p->attrs & PAGE_LAZY ? PAGEF_LAZY : 0) | (p->attrs & PAGE_SOA ? PAGEF_SOA : 0));
}

static uint32_t page_init(builder *b, const ir_page *p)
{
	if (p->init == NONE)
		return NONE;
	if (p->type != T_COUNT)
		return constant_kernel(b, "init", p->name, p->init);
	const ir_record *r = &b->g->records[p->record];
	ir_id *fields = LANG_NEW_ARRAY(b->g->ctx, ir_id, r->n_fields);
	if (!fields)
		return NONE;
	for (uint32_t k = 0; k < r->n_fields; k++)
		fields[k] = ir_conv(b->g, r->fields[k].type, p->init);
	return build_kernel(b, NULL, lang_sprintf(b->g->ctx, "init of %s", p->name), fields, r->n_fields);
}

static void build_pages(builder *b, const uint16_t *needs, const uint32_t *passes)
{
	ir_graph *g = b->g;
	for (uint32_t i = 0; i < g->n_pages; i++) {
		const ir_page *p = &g->pages[i];
		sch_page page = {.name = build_text(b, p->name), .type = p->type, .role = p->role,
		                 .flags = (uint16_t)(flags_of(p) | needs[i]), .index_size = p->index_size, .record = p->record,
		                 .ndim = p->ndim, .like = p->like, .init = page_init(b, p), .init_page = p->init_page,
		                 .pass = passes[i], .file = build_text(b, g->files[p->file]), .line = p->line,
		                 .column = p->column, .doc = build_text(b, p->doc),
		                 .place = p->attrs & PAGE_CPU ? 1 : p->attrs & PAGE_GPU ? 2 : p->attrs & PAGE_UNIFIED ? 3 : 0,
		                 .tile = {p->tile[0], p->tile[1]}};
		for (uint32_t d = 0; d < MAX_DIMS; d++)
			page.dims[d] = d < p->ndim ? p->dims[d] : 0;
		BUILD_PUSH(b, pages, page);
	}
}

/* ---- passes ------------------------------------------------------------------------------------ */

/* Why the page is stored, then a line for each page that was fused into it. */
static const char *note_of(ir_graph *g, uint32_t page)
{
	const ir_page *p = &g->pages[page];
	const char *note = lang_sprintf(g->ctx, "stored: %s", p->why ? p->why : "it is defined by a pass of its own");
	for (uint32_t i = 0; i < g->n_pages && note; i++)
		if (g->pages[i].fate == FATE_FUSED && g->pages[i].user == page)
			note = lang_sprintf(g->ctx, "%s\nfused in: %s, %s", note, g->pages[i].name, g->pages[i].why);
	return note;
}

static void build_pass(builder *b, uint32_t id)
{
	static const uint32_t kinds[] = {PASS_MAP, PASS_FIX_EXACT, PASS_FIX_BOUNDED, PASS_FIX_NUMERIC};
	ir_graph *g = b->g;
	const ir_edge *e = &g->edges[id];
	const char *name = g->pages[e->page].name;
	sch_pass pass = {.kind = kinds[e->fix], .page = e->page, .start_page = e->start_page, .op = e->fix_op, .group = id,
	                 .file = build_text(b, g->files[e->file]), .line = e->line, .column = e->column,
	                 .note = build_text(b, note_of(g, e->page))};
	pass.kernel = build_kernel(b, e, name, e->outputs, e->n_outputs);
	pass.start = constant_kernel(b, "start", name, e->start);
	pass.max_rounds = constant_kernel(b, "max", name, e->max_rounds);
	pass.tol = constant_kernel(b, "tol", name, e->tol);
	hash_edge(g, e, pass.hash);
	BUILD_PUSH(b, passes, pass);
}

bool ir_schedule(ir_graph *g, schedule *out)
{
	builder b = {.g = g};
	uint16_t *needs = LANG_NEW_ARRAY(g->ctx, uint16_t, g->n_pages + 1);
	uint32_t *passes = LANG_NEW_ARRAY(g->ctx, uint32_t, g->n_pages + 1), n = 0;
	if (!needs || !passes || !find_needs(g, needs))
		return false;
	BUILD_PUSH(&b, text, '\0');
	for (uint32_t i = 0; i < g->n_pages; i++)
		passes[i] = NONE;
	for (uint32_t i = 0; i < g->n_order; i++)
		if (!g->edges[g->order[i]].dead)
			passes[g->edges[g->order[i]].page] = n++;
	build_declarations(&b);
	build_pages(&b, needs, passes);
	for (uint32_t i = 0; i < g->n_order && !g->ctx->oom; i++)
		if (!g->edges[g->order[i]].dead)
			build_pass(&b, g->order[i]);
	build_sources(&b);
	*out = (schedule){0};
#define SECTION(name, type) out->n_##name = b.n_##name; out->name = b.name;
	SCHEDULE_SECTIONS(SECTION)
#undef SECTION
	return !lang_failed(g->ctx);
}
