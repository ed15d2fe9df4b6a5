/* own.c - how an exact fixpoint reads its own page, and who reads an element. */
#include "repair.h"

#include <stdlib.h>

#include "pass_facts.h"

/* A kernel that is being looked at. */
typedef struct look {
	const fix *f;
	const kernel_plan *p;
	const schedule *s;
	fix_keep *k;
	uint8_t *needed;        /* by local register of region 0 */
	bool failed;            /* no memory */
} look;

/* ---- along the variable of a reduction ---------------------------------------------------------- */

/* The kernel's variable that an index is, or NONE. */
static uint32_t plain_variable(const look *q, const sch_index *x)
{
	const sch_term *t = &q->s->terms[x->first_term];
	bool plain = x->reg == NONE && x->constant == 0 && x->n_terms == 1 && t->kind == TERM_VAR && t->coef == 1;
	return plain ? t->id : NONE;
}

/* The region goes down the column (along the row) that is the element's coordinate in dimension `dim`. */
static bool goes_at(const look *q, const region_plan *r, uint32_t dim)
{
	const sch_kernel *k = q->p->def;
	const sch_instr *instrs = q->s->instrs + k->first_instr;
	for (uint32_t i = 0; i < k->n_instr; i++)
		if (instrs[i].dst == r->def->at && instrs[i].code == CODE_VAR && instrs[i].a == q->p->regions[0].def->first_var + dim)
			return true;
	return false;
}

static bool is_along(const look *q, const own_read *o)
{
	const sch_region *g = o->region->def;
	if (g->kind == REGION_RANGE)
		return true;
	if ((g->kind != REGION_ROW && g->kind != REGION_COL) || g->prev || !goes_at(q, o->region, o->dim))
		return false;
	return g->kind == REGION_COL || !pattern_columns(o->region->driver->pat);
}

/* One index is the variable of a reduction, the others are the element's own. */
static bool find_lanes(const look *q, own_read *o)
{
	const sch_read *read = o->read->def;
	const region_plan *r = &q->p->regions[read->region];
	uint32_t along = 0;
	if (read->view != RV_NONE || r->id == 0 || r->def->parent != 0)
		return false;
	for (uint32_t d = 0; d < read->n_index; d++) {
		uint32_t var = plain_variable(q, &q->s->indices[read->first_index + d]);
		if (var == r->def->first_var) {
			o->dim = d;
			along++;
		} else if (var != q->p->regions[0].def->first_var + d) {
			return false;
		}
	}
	o->region = r;
	return along == 1 && is_along(q, o);
}

/* ---- what operands need of region 0 ------------------------------------------------------------- */

static void need(look *q, uint32_t local)
{
	if (local != NONE)
		q->needed[local] = 1;
}

static void need_of_region(look *q, const region_plan *r)
{
	for (uint32_t i = 0; i < r->n_imports; i++)
		need(q, r->imports[i].from);
	if (r->def->kind != REGION_RANGE && r->def->kind != REGION_PREFIX)
		need(q, r->at);
}

static void need_of_step(look *q, const step *s)
{
	for (uint32_t i = 0; i < s->arity && s->code != CODE_VAR; i++)
		need(q, s->args[i]);
	need(q, s->mask);
	if (s->code == CODE_REDUCE)
		need_of_region(q, s->child);
	if (s->code != CODE_READ)
		return;
	need(q, s->read->pad);
	for (uint32_t d = 0; d < s->read->n_dims; d++)
		need(q, s->read->dims[d].reg);
}

static bool reads_own(const look *q, const region_plan *r)
{
	for (uint32_t i = 0; i < q->p->n_reads; i++) {
		const read_plan *rp = &q->p->reads[i];
		if (!rp->def || !rp->own)
			continue;
		for (const region_plan *at = &q->p->regions[rp->def->region]; at; at = at->parent)
			if (at == r)
				return true;
	}
	return false;
}

static void take_steps(look *q, own_read *o)
{
	const region_plan *root = &q->p->regions[0];
	o->steps = calloc(root->n_steps + 1, sizeof *o->steps);
	if (!o->steps) {
		q->failed = true;
		return;
	}
	for (uint32_t i = 0; i < root->n_steps; i++)
		if (q->needed[root->steps[i].dst])
			o->steps[o->n_steps++] = &root->steps[i];
}

/* The steps of region 0 that operands of the read's reduction take something from; false: that depends on the page again. */
static bool find_steps(look *q, own_read *o)
{
	const region_plan *root = &q->p->regions[0];
	memset(q->needed, 0, root->n_locals + 1u);
	need_of_region(q, o->region);
	for (uint32_t i = root->n_steps; i-- > 0;) {
		const step *s = &root->steps[i];
		if (!q->needed[s->dst])
			continue;
		if (s->code == CODE_REDUCE && reads_own(q, s->child))
			return false;
		need_of_step(q, s);
	}
	take_steps(q, o);
	return true;
}

/* ---- does a reduction's value go into the element's by the fixpoint's operation alone? ----------- */

static const step *step_of(const look *q, uint32_t local)
{
	const region_plan *root = &q->p->regions[0];
	for (uint32_t i = 0; i < root->n_steps; i++)
		if (root->steps[i].dst == local)
			return &root->steps[i];
	return NULL;
}

static bool flows(const look *q, uint32_t local, const region_plan *from, unsigned depth)
{
	const step *s = step_of(q, local);
	unsigned op = q->f->pass->op;
	if (!s || depth == 0)
		return false;
	if (s->code == CODE_REDUCE)
		return s->child == from && from->def->reducer == REDUCER_OP && from->def->op == op;
	if (s->code != CODE_OP || s->op != op)
		return false;
	return flows(q, s->args[0], from, depth - 1) || flows(q, s->args[1], from, depth - 1);
}

/* ---- operands of one operation ------------------------------------------------------------------ */

/* How often a register of region 0 is taken. */
static unsigned uses(const look *q, uint32_t local)
{
	const region_plan *root = &q->p->regions[0];
	unsigned n = q->p->outputs[0] == local;
	for (uint32_t i = 0; i < root->n_steps; i++) {
		const step *s = &root->steps[i];
		for (uint32_t a = 0; a < s->arity && s->code != CODE_VAR; a++)
			n += s->args[a] == local;
		n += s->mask == local;
		for (uint32_t k = 0; s->code == CODE_REDUCE && k < s->child->n_imports; k++)
			n += s->child->imports[k].from == local;
	}
	return n;
}

/* The reduction's value goes nowhere but, by the fixpoint's operation, into the element's. */
static bool flows_alone(const look *q, uint32_t local, const region_plan *from, unsigned depth)
{
	const step *s = step_of(q, local);
	if (!s || depth == 0 || uses(q, local) != 1)
		return false;
	if (s->code == CODE_REDUCE)
		return s->child == from && s->count == NONE;
	if (s->code != CODE_OP || s->op != q->f->pass->op)
		return false;
	return flows_alone(q, s->args[0], from, depth - 1) || flows_alone(q, s->args[1], from, depth - 1);
}

static const step *step_in(const region_plan *r, uint32_t local)
{
	for (uint32_t i = 0; i < r->n_steps; i++)
		if (r->steps[i].dst == local)
			return &r->steps[i];
	return NULL;
}

/* The step of a region that gives a register, behind conditions on data. */
static const step *source_of(const region_plan *r, uint32_t local)
{
	const step *s = step_in(r, local);
	return s && s->code == CODE_GUARD ? source_of(r, s->args[0]) : s;
}

/* Notes the conditions on the entry; nothing else in the region may fail. */
static void find_guards(own_read *o, uint32_t local)
{
	const region_plan *r = o->region;
	unsigned can_fail = 0;
	for (const step *s = step_in(r, local); s && s->code == CODE_GUARD && o->n_guards < 4; s = step_in(r, s->args[0]))
		o->guards[o->n_guards++] = (uint8_t)s->def->c;
	for (uint32_t i = 0; i < r->n_steps; i++)
		can_fail += r->steps[i].can_fail || r->steps[i].code == CODE_REDUCE;
	o->quick = can_fail == o->n_guards;
}

static bool is_entry(const step *s) { return s && s->code == CODE_READ && s->read->def->cls == READ_ENTRY; }

/* Finds fn(element read, entry). */
static void find_simple(const look *q, own_read *o)
{
	const region_plan *r = o->region;
	const step *value = step_in(r, r->value);
	if (r->def->kind == REGION_RANGE || r->where != NONE || q->f->to->def->ndim != 1 || r->type != q->f->to->def->type)
		return;
	if (!value || value->code != CODE_OP || value->arity != 2 || value->type != r->type || !flows_alone(q, q->p->outputs[0], r, 64))
		return;
	const step *a = source_of(r, value->args[0]), *b = source_of(r, value->args[1]);
	o->turned = is_entry(a);
	const step *element = o->turned ? b : a, *entry = o->turned ? a : b;
	if (!element || element->read != o->read || !is_entry(entry))
		return;
	o->entries = (uint32_t)(entry->read - q->p->reads);
	o->op = value->op;
	o->fn = value->fn;
	find_guards(o, value->args[o->turned ? 0 : 1]);
}

/* ---- all own reads ----------------------------------------------------------------------------- */

static bool find_shift(const look *q, own_read *o)
{
	const sch_read *read = o->read->def;
	if (read->view == RV_NONE)
		return false;
	for (uint32_t d = 0; d < read->n_index; d++) {
		const dim_plan *dim = &o->read->dims[d];
		sch_index plain = q->s->indices[read->first_index + d];
		int64_t by = plain.constant;
		for (uint32_t t = 0; t < plain.n_terms; t++) {
			const sch_term *term = &q->s->terms[plain.first_term + t];
			if (term->kind == TERM_SIZE)
				return false;
		}
		plain.constant = 0;
		if (plain_variable(q, &plain) != q->p->regions[0].def->first_var + d || dim->extent <= 0)
			return false;
		o->by[d] = by;
	}
	return true;
}

/* The entry of a sparse page at which the element stands itself: no region between goes by another. */
static bool is_own_entry(const look *q, const sch_read *read)
{
	const region_plan *r = &q->p->regions[read->region];
	while (r->def->kind != REGION_ROW && r->def->kind != REGION_COL && r->parent)
		r = r->parent;
	return r->id == 0;
}

static void look_at(look *q, own_read *o)
{
	const read_plan *rp = o->read;
	bool entry = rp->def->cls == READ_ENTRY;
	if (rp->def->cls == READ_SAME || (entry && is_own_entry(q, rp->def)))
		o->kind = OWN_SAME;
	else if (!entry && find_lanes(q, o))
		o->kind = OWN_LANES;
	else if (!entry && find_shift(q, o))
		o->kind = OWN_SHIFT;
	else
		o->kind = OWN_ROUTED;
	bool one = o->kind == OWN_LANES && flows(q, q->p->outputs[0], o->region, 64) && find_steps(q, o);
	q->k->relaxes &= one || o->kind == OWN_SAME;
	if (one)
		find_simple(q, o);
}

static void look_at_reads(look *q)
{
	for (uint32_t i = 0; i < q->p->n_reads && !q->failed; i++) {
		const read_plan *rp = &q->p->reads[i];
		if (!rp->def || !rp->own)
			continue;
		own_read *o = &q->k->own[q->k->n_own++];
		o->read = rp;
		look_at(q, o);
	}
}

/* The only way from an element to its readers, of operands that one operation computes. */
static void choose_simple(look *q)
{
	fix_keep *k = q->k;
	const own_read *only = NULL;
	unsigned n = 0;
	for (uint32_t i = 0; i < k->n_own; i++)
		if (k->own[i].kind != OWN_SAME) {
			only = &k->own[i];
			n++;
		}
	if (!k->relaxes || n != 1 || !only->fn)
		return;
	k->witness = malloc(q->f->to->count * sizeof *k->witness);
	if (!k->witness) {
		q->failed = true;
		return;
	}
	memory_ask_large(k->witness, q->f->to->count * sizeof *k->witness);
	memset(k->witness, 0xff, q->f->to->count * sizeof *k->witness);
	k->simple = only;
	q->f->ex->passes[q->f->id]->by_entry = only->entries;
	q->f->ex->passes[q->f->id]->by_region = only->region->id;
}

/* ---- what is kept ------------------------------------------------------------------------------ */

static value_order order_of(const fix *f)
{
	const type_facts *t = &type_table[f->to->def->type];
	unsigned bits = 8u * t->bytes;
	value_order o = {.width = (uint8_t)width_of(f->to->def->type), .is_signed = t->kind == KIND_S, .is_float = t->kind == KIND_F};
	o.most = f->pass->op == OP_MAX || f->pass->op == OP_LOR;
	o.top = (uint64_t)1 << (bits - 1);
	o.mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
	return o;
}

_Static_assert(sizeof *((fix_keep *)0)->stamps + sizeof *((fix_keep *)0)->flags == REPAIR_BYTES, "what is kept of an element");

static bool is_possible(const fix *f)
{
	bool any = f->to->count > 0 || f->to->pat;
	return any && f->to->count < UINT32_MAX && pass_is_repaired(f->inst->sch, f->pass);
}

void keep_free(fix_keep *k)
{
	if (!k)
		return;
	for (uint32_t i = 0; i < k->n_own; i++)
		free(k->own[i].steps);
	free(k->own);
	free(k->stamps);
	free(k->witness);
	free(k->flags);
	free(k->log);
	free(k->queue.at);
	free(k->dirty.at);
	free(k->resets.at);
	free(k->batch.at);
	free(k->better.at);
	free(k->chunks);
	bitset_free(&k->routed);
	free(k);
}

/* Room for repairs that concern some elements, so that these allocate nothing; false: no memory. */
static bool reserve_some(fix_keep *k, uint64_t count)
{
	uint64_t n = count < REPAIR_ROOM ? count : REPAIR_ROOM;
	element_list *all[] = {&k->dirty, &k->resets, &k->batch, &k->better};
	bool failed = reserve(&k->log, &k->log_capacity, n * sizeof *k->log) || reserve(&k->queue.at, &k->queue.capacity, n * sizeof *k->queue.at);
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		failed = failed || reserve(&all[i]->at, &all[i]->capacity, n * sizeof *all[i]->at);
	return !failed;
}

static bool has_routed(const fix_keep *k)
{
	for (uint32_t i = 0; i < k->n_own; i++)
		if (k->own[i].kind == OWN_ROUTED)
			return true;
	return false;
}

/* Room for what is kept of n elements. What is new of it is zero. */
static bool make_room(fix_keep *k, uint64_t n)
{
	if (n <= k->room)
		return true;
	uint32_t *stamps = realloc(k->stamps, n * sizeof *stamps);
	k->stamps = stamps ? stamps : k->stamps;
	uint8_t *flags = realloc(k->flags, n);
	k->flags = flags ? flags : k->flags;
	if (!stamps || !flags || (has_routed(k) && bitset_grow(&k->routed, n)))
		return false;
	memory_ask_large(stamps, n * sizeof *stamps);
	memset(stamps + k->room, 0, (n - k->room) * sizeof *stamps);
	memset(flags + k->room, 0, n - k->room);
	k->room = n;
	return true;
}

/* Of a sparse page there are as many as there is room for slots. */
static uint64_t elements_of(const page *p) { return p->pat ? p->now[0].bits.n : p->count; }

static fix_keep *keep_new(const fix *f)
{
	const kernel_plan *p = f->ex->passes[f->id];
	fix_keep *k = calloc(1, sizeof *k);
	if (!k)
		return NULL;
	k->possible = is_possible(f);
	if (!k->possible)
		return k;
	look q = {.f = f, .p = p, .s = f->inst->sch, .k = k};
	k->relaxes = true;
	k->order = order_of(f);
	k->own = calloc(p->n_reads + 1, sizeof *k->own);
	q.needed = calloc(p->regions[0].n_locals + 1u, 1);
	q.failed = !k->own || !make_room(k, elements_of(f->to)) || !q.needed || !reserve_some(k, f->to->count);
	if (!q.failed)
		look_at_reads(&q);
	q.failed = q.failed || (has_routed(k) && bitset_grow(&k->routed, elements_of(f->to)));
	if (!q.failed)
		choose_simple(&q);
	free(q.needed);
	if (q.failed) {
		keep_free(k);
		return NULL;
	}
	return k;
}

int keep_of(fix *f, fix_keep **out)
{
	fix_keep **slot = &f->ex->keeps[f->id];
	if (!*slot)
		*slot = keep_new(f);
	*out = *slot;
	bool room = *slot && (!(*slot)->possible || make_room(*slot, elements_of(f->to)));
	return room ? MMSB_OK : fail_memory(f->err, f->to->count * sizeof(uint32_t), "what is kept of a fixpoint");
}

/* ---- who reads an element, and what an element reads ------------------------------------------------------------------------ */

own_lanes own_lanes_of(const page *to, const own_read *o, uint64_t element)
{
	const sch_region *g = o->region->def;
	int64_t stride = to->strides[o->dim], at = (int64_t)element / stride % to->dims[o->dim];
	own_lanes l = {.base = (int64_t)element - at * stride, .stride = stride, .inner = at};
	if (g->kind == REGION_RANGE) {
		bool in = at >= o->region->lo && at - o->region->lo < o->region->extent;
		l.n = l.end = in ? (uint64_t)to->dims[o->dim] : 0;
		return l;
	}
	const pattern *pat = o->region->driver->pat;
	l.lists = g->kind == REGION_COL ? &pat->rows : &pat->cols;
	l.list = (uint64_t)at;
	l.n = lists_length(l.lists, l.list);
	return l;
}

own_lanes own_lanes_into(const page *to, const own_read *o, uint64_t element)
{
	int64_t stride = to->strides[o->dim], at = (int64_t)element / stride % to->dims[o->dim];
	const pattern *pat = o->region->driver->pat;
	const lists *lines = o->region->def->kind == REGION_ROW ? &pat->rows : &pat->cols;
	return (own_lanes){.base = (int64_t)element - at * stride, .stride = stride, .lists = lines, .list = (uint64_t)at,
	                   .n = lists_length(lines, (uint64_t)at)};
}

static void add_piece(own_shift *s, uint32_t d, int64_t first, int64_t end, int64_t extent)
{
	first = first > 0 ? first : 0;
	end = end < extent ? end : extent;
	if (first >= end)
		return;
	s->first[d][s->n[d]] = first;
	s->end[d][s->n[d]++] = end;
}

static int64_t remainder_of(int64_t a, int64_t by)
{
	int64_t m = a % by;
	return m < 0 ? m + by : m;
}

/* Who, moved by `by`, comes to `at`. Offsets beyond any sensible distance are brought near first: they cannot overflow. */
static void solve_shift(own_shift *s, uint32_t d, unsigned view, int64_t at, int64_t by, int64_t extent)
{
	const int64_t far = (int64_t)1 << 40;
	if (view == RV_WRAP) {
		int64_t v = remainder_of(at - remainder_of(by, extent), extent);
		add_piece(s, d, v, v + 1, extent);
	} else if (view == RV_MIRROR && extent > 1) {
		int64_t period = 2 * (extent - 1), move = remainder_of(by, period);
		int64_t a = remainder_of(at - move, period), b = remainder_of(-at - move, period);
		add_piece(s, d, a, a + 1, extent);
		if (b != a)
			add_piece(s, d, b, b + 1, extent);
	} else if (view == RV_MIRROR) {
		add_piece(s, d, 0, extent, extent);
	} else {
		by = by > far ? far : by < -far ? -far : by;
		add_piece(s, d, at - by, at - by + 1, extent);
		if (view == RV_CLAMP && at == 0)
			add_piece(s, d, 0, -by, extent);
		if (view == RV_CLAMP && at == extent - 1)
			add_piece(s, d, extent - by, extent, extent);
	}
}

bool own_shift_of(const page *to, const own_read *o, uint64_t element, own_shift *s)
{
	memset(s->n, 0, sizeof s->n);
	for (uint32_t d = 0; d < o->read->n_dims; d++) {
		int64_t at = (int64_t)element / to->strides[d] % to->dims[d];
		solve_shift(s, d, o->read->def->view, at, o->by[d], to->dims[d]);
		if (s->n[d] == 0)
			return false;
	}
	return true;
}
