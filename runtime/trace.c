/* trace.c - what one element was computed from (trace.h). The schedule's kernels are walked as they stand: a register is evaluated when somebody
 * asks for it, in the lane at hand of its region. */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include "exec.h"

/* The lane of a region. */
typedef struct lane {
	uint64_t row, col;      /* of the entry, where the region goes by entries */
} lane;

typedef struct tracer {
	mmsb_instance *now, *before;
	const schedule *s;
	const kernel_plan *plan;
	const sch_kernel *k;
	const sch_instr *instrs;
	const sch_read *reads;
	const sch_region *regions;
	uint32_t *instr_of;     /* by register; NONE */
	scalar *regs;
	uint8_t *known;         /* by register */
	int64_t *vars;
	lane *lanes;            /* by region */
	list_tree **trees;      /* by region: of reductions that need one */
	trace_fn *tell;
	void *user;
	mmsb_error *err;
	int status;
	_Alignas(64) uint8_t operands[4][TILE * 8]; /* of the operation at work */
} tracer;

static scalar value_of(tracer *t, uint32_t reg);

/* ---- pages ------------------------------------------------------------------------------------- */

static bool is_sparse(const page *p) { return (p->def->flags & PAGEF_SPARSE) != 0; }

bool trace_value(const mmsb_instance *m, const page *p, uint32_t field, uint64_t at, scalar *out)
{
	*out = (scalar){.bits = 1};
	uint64_t place = at;
	if (is_sparse(p))
		place = p->pat ? pattern_find(p->pat, at >> 32, at & UINT32_MAX) : UINT64_MAX;
	if (place == UINT64_MAX || place >= p->count)
		return false;
	if (p->element == 0)
		return true;
	column c = page_column(m, p, false, field);
	out->bits = 0;
	memcpy(out, c.base + place * c.stride, type_table[c.type].bytes);
	return true;
}

static void stop(tracer *t, int status) { t->status = t->status ? t->status : status; }

static void tell(tracer *t, const trace_read *r)
{
	if (!t->status)
		stop(t, t->tell(t->user, r, t->err));
}

/* The instance that a read looks at. In epoch 1 what came before is the init, which may be another page. */
static const page *page_read(tracer *t, uint32_t id, bool prev, const mmsb_instance **m)
{
	mmsb_instance *from = prev ? t->before : t->now;
	const page *p = &from->pages[id];
	if (prev && from->epoch == 0 && p->def->init_page != NONE) {
		from = t->now;
		p = &from->pages[p->def->init_page];
	}
	if ((p->stale || p->away) && !t->status)
		stop(t, lazy_settle(from, p, t->err));
	*m = from;
	return p;
}

/* ---- reads ------------------------------------------------------------------------------------- */

static int64_t index_value(tracer *t, const sch_index *x)
{
	if (x->reg != NONE) {
		scalar v = value_of(t, x->reg);
		return (int64_t)((uint64_t)x->constant + (uint64_t)(x->reg_type == T_U32 ? (int64_t)v.U32 : v.I64));
	}
	uint64_t sum = (uint64_t)x->constant;
	for (uint32_t i = 0; i < x->n_terms; i++) {
		const sch_term *term = &t->s->terms[x->first_term + i];
		sum += (uint64_t)term->coef * (uint64_t)(term->kind == TERM_VAR ? t->vars[term->id] : t->now->sizes[term->id]);
	}
	return (int64_t)sum;
}

/* Where an index falls under a view, of a dimension that has elements; -1: outside. */
static int64_t view_index(unsigned view, int64_t i, int64_t extent)
{
	if ((uint64_t)i < (uint64_t)extent)
		return i;
	switch ((read_view)view) {
	case RV_CLAMP: return i < 0 ? 0 : extent - 1;
	case RV_WRAP: return i % extent < 0 ? i % extent + extent : i % extent;
	case RV_MIRROR: {
		if (extent == 1)
			return 0;
		uint64_t period = 2 * ((uint64_t)extent - 1), m = (i < 0 ? 0 - (uint64_t)i : (uint64_t)i) % period;
		return (int64_t)(m < (uint64_t)extent ? m : period - m);
	}
	default: return -1;
	}
}

/* The entries that the innermost region around goes by. */
static const lane *entry_lane(const tracer *t, uint32_t region)
{
	for (uint32_t r = region; r != NONE; r = t->regions[r].parent) {
		uint8_t kind = t->regions[r].kind;
		if (kind == REGION_ROW || kind == REGION_COL || kind == REGION_ENTRIES)
			return &t->lanes[r];
	}
	return &t->lanes[0];
}

/* Finds the element of a read; false: there is none, and `pad` or zero is its value. */
static bool find_element(tracer *t, const sch_read *r, const page *p, uint64_t *at)
{
	if (r->cls == READ_ENTRY) {
		const lane *l = entry_lane(t, r->region);
		*at = l->row << 32 | l->col;
		return true;
	}
	uint64_t position = 0;
	bool inside = true;
	int64_t index[MAX_DIMS];
	for (uint32_t d = 0; d < r->n_index && !t->status; d++) {
		int64_t extent = p->dims[d];
		index[d] = index_value(t, &t->s->indices[r->first_index + d]);
		index[d] = extent == 0 ? -1 : view_index(r->view, index[d], extent);
		inside &= index[d] >= 0;
		position = position * (uint64_t)extent + (uint64_t)index[d];
	}
	*at = is_sparse(p) && inside ? (uint64_t)index[0] << 32 | (uint64_t)index[1] : position;
	return inside && !t->status;
}

static scalar read_value(tracer *t, const sch_instr *in)
{
	const sch_read *r = &t->reads[in->a];
	const mmsb_instance *m;
	const page *p = page_read(t, r->page, r->prev != 0, &m);
	trace_read told = {.page = r->page, .field = r->field, .prev = r->prev != 0};
	scalar v = {0};
	bool inside = find_element(t, r, p, &told.at);
	if (inside)
		tell(t, &told);
	if (t->status || (inside && trace_value(m, p, r->field, told.at, &v)))
		return v;
	return r->pad != NONE ? value_of(t, r->pad) : (scalar){0};
}

/* ---- regions ----------------------------------------------------------------------------------- */

/* What lies in a lane of a region is to be evaluated anew. */
static void new_lane(tracer *t, uint32_t region)
{
	const sch_region *g = &t->regions[region];
	for (uint32_t i = 0; i < g->n_instr; i++) {
		const sch_instr *in = &t->instrs[g->first_instr + i];
		t->known[in->dst] = 0;
		if (in->code == CODE_REDUCE && in->b != NONE)
			t->known[in->b] = 0;
	}
}

/* A reduction in the making. */
typedef struct gather {
	uint32_t region;
	const region_plan *rp;
	reduction red;
	uint64_t present;
	uint32_t n;             /* waiting */
	_Alignas(64) uint8_t values[TILE * 8];
	_Alignas(64) uint8_t scratch[TILE * 8];
	int64_t positions[TILE];
} gather;

static void push(gather *g, bool last)
{
	if (g->n == 0)
		return;
	if (g->red.kind == RED_DENSE && last && g->n < TILE)
		reduction_push_tail(&g->red, g->values, g->n, g->scratch);
	else
		reduction_push(&g->red, g->values, g->n, g->positions, g->scratch);
	g->n = 0;
}

/* One position of a reduction, once its variables are set. */
static void take_position(tracer *t, gather *g, int64_t position)
{
	const sch_region *def = &t->regions[g->region];
	new_lane(t, g->region);
	if (def->where != NONE && !value_of(t, def->where).BOOL)
		return;
	scalar v = value_of(t, def->value);
	if (t->status)
		return;
	memcpy(g->values + ((size_t)g->n << g->rp->width), &v, (size_t)1 << g->rp->width);
	g->positions[g->n++] = position - (g->rp->kind == RED_LIST ? g->rp->lo : 0);
	g->present++;
	if (g->n == TILE)
		push(g, false);
}

static void take_range(tracer *t, gather *g, int64_t lo, int64_t n)
{
	for (int64_t i = 0; i < n && !t->status; i++) {
		t->vars[t->regions[g->region].first_var] = lo + i;
		take_position(t, g, lo + i);
	}
}

/* The entries of a row or column: that they are there is read as well. */
static void take_entries(tracer *t, gather *g, int64_t at)
{
	const sch_region *def = &t->regions[g->region];
	const mmsb_instance *m;
	const page *p = page_read(t, def->page, def->prev != 0, &m);
	bool down = def->kind == REGION_COL;
	uint64_t extent = p->pat ? (down ? p->pat->n_rows : p->pat->n_cols) : 0;
	const lists *l = !p->pat || (down && !p->pat->columns) ? NULL : down ? &p->pat->cols : &p->pat->rows;
	if (at < 0 || !p->pat || (uint64_t)at >= (down ? p->pat->n_cols : p->pat->n_rows))
		return;
	for (uint64_t i = 0; !l && i < extent && !t->status; i++) { /* columns that this instance does not list */
		t->lanes[g->region] = (lane){down ? i : (uint64_t)at, down ? (uint64_t)at : i};
		const lane *here = &t->lanes[g->region];
		if (pattern_find(p->pat, here->row, here->col) == UINT64_MAX)
			continue;
		tell(t, &(trace_read){def->page, NONE, def->prev != 0, true, here->row << 32 | here->col});
		t->vars[def->first_var] = (int64_t)i;
		take_position(t, g, (int64_t)i);
	}
	if (!l)
		return;
	LISTS_FOR(l, (uint64_t)at, place) {
		if (t->status)
			break;
		uint64_t i = l->key[place];
		t->lanes[g->region] = (lane){down ? i : (uint64_t)at, down ? (uint64_t)at : i};
		const lane *here = &t->lanes[g->region];
		tell(t, &(trace_read){def->page, NONE, def->prev != 0, true, here->row << 32 | here->col});
		t->vars[def->first_var] = (int64_t)i;
		take_position(t, g, (int64_t)i);
	}
}

/* The positions of a group, whose keys are read. */
static void take_group(tracer *t, gather *g, int64_t key)
{
	const sch_region *def = &t->regions[g->region];
	mmsb_instance *m = t->now;
	page *p = &m->pages[def->page];
	const group_index *groups = page_groups(m, p, NONE, false);
	if (!groups) {
		stop(t, fail_memory(t->err, p->count * 8, "the positions of a group"));
		return;
	}
	if (key < 0 || (uint64_t)key >= groups->n_keys)
		return;
	LISTS_FOR(&groups->positions, (uint64_t)key, place) {
		if (t->status)
			break;
		uint32_t i = groups->positions.key[place];
		tell(t, &(trace_read){def->page, NONE, false, false, i});
		t->vars[def->first_var] = i;
		take_position(t, g, i);
	}
}

static int64_t region_at(tracer *t, const sch_region *def)
{
	scalar v = value_of(t, def->at);
	return def->at_type == T_U32 ? (int64_t)v.U32 : v.I64;
}

static void take_all(tracer *t, gather *g)
{
	const sch_region *def = &t->regions[g->region];
	switch ((region_kind)def->kind) {
	case REGION_RANGE: take_range(t, g, g->rp->lo, g->rp->extent); break;
	case REGION_PREFIX: take_range(t, g, 0, g->rp->extent == 0 ? 0 : t->vars[def->at] + !def->strict); break;
	case REGION_ROW: case REGION_COL: take_entries(t, g, region_at(t, def)); break;
	case REGION_GROUP: take_group(t, g, region_at(t, def)); break;
	case REGION_DOMAIN: case REGION_ENTRIES: break; /* region 0 alone */
	}
}

/* Tiles are large, and regions nest: each has its own for as long as it is at work. */
static scalar reduce(tracer *t, const sch_instr *in)
{
	scalar v = {0};
	gather *g = aligned_alloc(64, (sizeof *g + 63) / 64 * 64);
	const region_plan *rp = &t->plan->regions[in->a];
	if (g && rp->kind == RED_LIST && !t->trees[in->a])
		t->trees[in->a] = malloc(sizeof *t->trees[in->a]);
	if (!g || (rp->kind == RED_LIST && !t->trees[in->a])) {
		free(g);
		stop(t, fail_memory(t->err, sizeof *g, "the operands of a reduction"));
		return v;
	}
	g->region = in->a;
	g->rp = rp;
	g->present = 0;
	g->n = 0;
	reduction_set(&g->red, t->now->kernels, rp->kind, rp->def->op, rp->type, rp->def->reducer == REDUCER_ARGMAX, t->trees[in->a]);
	reduction_begin(&g->red);
	take_all(t, g);
	push(g, true);
	if (!reduction_value(&g->red, &v))
		v = (scalar){.bits = rp->def->reducer == REDUCER_OP ? rp->def->identity : 0};
	if (in->b != NONE) {
		t->regs[in->b] = (scalar){.I64 = (int64_t)g->present};
		t->known[in->b] = 1;
	}
	free(g);
	return v;
}

/* ---- instructions ------------------------------------------------------------------------------ */

static scalar operate(tracer *t, kernel_fn *fn, uint32_t dst, scalar a, scalar b, scalar c)
{
	scalar v = {0};
	memcpy(t->operands[0], &a, sizeof a);
	memcpy(t->operands[1], &b, sizeof b);
	memcpy(t->operands[2], &c, sizeof c);
	fn(t->operands[3], t->operands[0], t->operands[1], t->operands[2], 1);
	memcpy(&v, t->operands[3], type_table[t->s->reg_types[t->k->first_reg_type + dst]].bytes);
	return v;
}

static scalar op_value(tracer *t, const sch_instr *in)
{
	scalar a = value_of(t, in->a), b = {0}, c = {0};
	unsigned arity = op_table[in->op].arity;
	if (in->op == OP_SELECT)
		return value_of(t, a.BOOL ? in->b : in->c);
	if ((in->op == OP_LAND && !a.BOOL) || (in->op == OP_LOR && a.BOOL))
		return a;
	if (arity > 1)
		b = value_of(t, in->b);
	if (arity > 2)
		c = value_of(t, in->c);
	return operate(t, t->now->kernels->op[in->op][in->type], in->dst, a, b, c);
}

static scalar evaluate(tracer *t, const sch_instr *in)
{
	switch ((code_id)in->code) {
	case CODE_OP: return op_value(t, in);
	case CODE_CONV: return operate(t, t->now->kernels->conv[in->type2][in->type], in->dst, value_of(t, in->a), (scalar){0}, (scalar){0});
	case CODE_CONST: return (scalar){.bits = in->imm};
	case CODE_PARAM: return t->now->params[in->a];
	case CODE_SIZE: return (scalar){.I64 = t->now->sizes[in->a]};
	case CODE_VAR: return (scalar){.I64 = t->vars[in->a]};
	case CODE_READ: return read_value(t, in);
	case CODE_TO_INDEX: return (scalar){.U32 = value_of(t, in->a).U32}; /* it did not fail */
	case CODE_GUARD: return value_of(t, in->a);
	case CODE_REDUCE: return reduce(t, in);
	}
	return (scalar){0};
}

static scalar value_of(tracer *t, uint32_t reg)
{
	if (t->status || t->known[reg])
		return t->regs[reg];
	const sch_instr *in = &t->instrs[t->instr_of[reg]];
	scalar v = evaluate(t, in); /* a reduction puts the number of its operands in its place */
	t->regs[in->dst] = v;
	t->known[in->dst] = 1;
	return t->regs[reg];
}

/* ---- the element ------------------------------------------------------------------------------- */

static int make(tracer *t)
{
	const sch_kernel *k = t->k;
	t->instr_of = malloc((k->n_regs + 1u) * sizeof *t->instr_of);
	t->regs = calloc(k->n_regs + 1u, sizeof *t->regs);
	t->known = calloc(k->n_regs + 1u, 1);
	t->vars = calloc(k->n_vars + 1u, sizeof *t->vars);
	t->lanes = calloc(k->n_regions + 1u, sizeof *t->lanes);
	t->trees = calloc(k->n_regions + 1u, sizeof *t->trees);
	if (!t->instr_of || !t->regs || !t->known || !t->vars || !t->lanes || !t->trees)
		return fail_memory(t->err, k->n_regs * sizeof *t->regs, "the registers of an edge");
	for (uint32_t i = 0; i < k->n_instr; i++) {
		t->instr_of[t->instrs[i].dst] = i;
		if (t->instrs[i].code == CODE_REDUCE && t->instrs[i].b != NONE)
			t->instr_of[t->instrs[i].b] = i;
	}
	return MMSB_OK;
}

static void unmake(tracer *t)
{
	for (uint32_t i = 0; t->trees && i < t->k->n_regions; i++)
		free(t->trees[i]);
	free(t->trees);
	free(t->lanes);
	free(t->vars);
	free(t->known);
	free(t->regs);
	free(t->instr_of);
	free(t);
}

static void set_position(tracer *t, const page *p, uint64_t at)
{
	const sch_region *g = &t->regions[0];
	if (g->kind == REGION_ENTRIES) {
		t->lanes[0] = (lane){at >> 32, at & UINT32_MAX};
		t->vars[g->first_var] = (int64_t)(at >> 32);
		t->vars[g->first_var + 1] = (int64_t)(at & UINT32_MAX);
		return;
	}
	for (uint32_t d = g->n_vars; d-- > 0;) {
		t->vars[g->first_var + d] = (int64_t)(at % (uint64_t)p->dims[d]);
		at /= (uint64_t)p->dims[d];
	}
}

int trace_element(mmsb_instance *now, mmsb_instance *before, uint32_t id, uint32_t field, uint64_t at, trace_fn *told, void *user, mmsb_error *err)
{
	const page *p = &now->pages[id];
	const sch_pass *pass = &now->sch->passes[p->def->pass];
	tracer *t = aligned_alloc(64, (sizeof *t + 63) / 64 * 64);
	if (!t)
		return fail_memory(err, sizeof *t, "the walk over what an element reads");
	memset(t, 0, sizeof *t);
	t->now = now;
	t->before = before;
	t->s = now->sch;
	t->plan = now->executor->passes[p->def->pass];
	t->k = t->plan->def;
	t->instrs = t->s->instrs + t->k->first_instr;
	t->reads = t->s->reads + t->k->first_read;
	t->regions = t->s->regions + t->k->first_region;
	t->tell = told;
	t->user = user;
	t->err = err;
	t->status = make(t);
	if (!t->status) {
		set_position(t, p, at);
		if (is_sparse(p)) /* it is there because an entry of the page that it is like is */
			tell(t, &(trace_read){p->def->like, NONE, false, true, at});
		if (pass->start_page != NONE)
			tell(t, &(trace_read){pass->start_page, NONE, false, false, at});
		for (uint32_t i = 0; i < t->k->n_outputs && !t->status; i++) {
			const sch_output *o = &t->s->outputs[t->k->first_output + i];
			if (field == NONE || o->field == field)
				value_of(t, o->reg);
		}
	}
	int status = t->status;
	unmake(t);
	return status;
}
