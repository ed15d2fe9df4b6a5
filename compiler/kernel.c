/* kernel.c - the values of an edge as a kernel: regions, registers, straight-line code. */
#include "builder.h"

typedef struct kernel_builder {
	builder *b;
	ir_graph *g;
	const ir_edge *edge;
	ir_place *place;
	sch_kernel kernel;
	uint32_t *counts;    /* of a region: the register for its count, or NONE */
	uint32_t *reads;     /* of a placed node: the number of its read */
} kernel_builder;

static uint32_t reg_of(const kernel_builder *k, ir_id node, uint32_t region)
{
	if (node == NONE)
		return NONE;
	const ir_placed *p = ir_place_find(k->place, node, region);
	return p ? p->value : NONE;
}

/* The kernel's number of a variable, seen from a region. */
static uint32_t var_of(const kernel_builder *k, uint32_t var, uint32_t region)
{
	for (; region != 0; region = k->place->regions[region].parent)
		if (ir_at(k->g, k->place->regions[region].reduce)->u.reduce.var == var)
			return (k->edge ? k->edge->n_vars : 0) + region - 1;
	for (uint32_t i = 0; k->edge && i < k->edge->n_vars; i++)
		if (k->edge->vars[i] == var)
			return i;
	return NONE;
}

/* ---- registers --------------------------------------------------------------------------------- */

/* Registers in the order of the code, and which reductions have their count read. */
static void number_registers(kernel_builder *k)
{
	for (uint32_t r = 0; r < k->place->n_regions; r++)
		k->counts[r] = NONE;
	for (uint32_t r = 0; r < k->place->n_regions; r++) {
		const ir_list *nodes = &k->place->regions[r].nodes;
		for (uint32_t i = 0; i < nodes->count; i++) {
			const ir_node *n = ir_at(k->g, nodes->items[i]);
			ir_placed *p = ir_place_find(k->place, nodes->items[i], r);
			p->value = k->kernel.n_regs++;
			BUILD_PUSH(k->b, reg_types, n->type);
			if (n->kind == IR_COUNT)
				k->counts[ir_place_find(k->place, n->args[0], r)->inner] = p->value;
		}
	}
}

/* ---- reads ------------------------------------------------------------------------------------- */

static void build_index(kernel_builder *k, ir_id id, uint32_t region)
{
	builder *b = k->b;
	sch_index index = {.reg = NONE, .first_term = b->n_terms, .reg_type = 0};
	ir_affine a;
	if (ir_affine_of(k->g, id, &a)) {
		index.constant = a.constant;
		index.n_terms = a.n;
		for (uint32_t t = 0; t < a.n; t++) {
			sch_term term = a.terms[t];
			if (term.kind == TERM_VAR)
				term.id = var_of(k, term.id, region);
			BUILD_PUSH(b, terms, term);
		}
	} else {
		const ir_node *n = ir_at(k->g, id);
		if (n->kind == IR_CONV && ir_at(k->g, n->args[0])->type == T_U32 && n->type == T_I64)
			id = n->args[0];
		index.reg = reg_of(k, id, region);
		index.reg_type = ir_at(k->g, id)->type;
	}
	BUILD_PUSH(b, indices, index);
}

static uint32_t build_read(kernel_builder *k, const ir_node *n, uint32_t region)
{
	builder *b = k->b;
	const ir_read *r = &n->u.read;
	uint32_t n_index = n->n_args - r->has_pad;
	sch_read read = {.page = r->page, .field = r->field, .prev = r->prev, .view = r->view,
	                 .cls = (uint8_t)ir_classify(k->g, k->edge, n), .rule = (uint8_t)derive_rule(k->place, n, region),
	                 .n_index = r->entry ? 0 : n_index, .pad = NONE, .region = region};
	if (r->has_pad)
		read.pad = reg_of(k, n->args[n_index], region);
	read.first_index = b->n_indices;
	for (uint32_t i = 0; i < read.n_index; i++)
		build_index(k, n->args[i], region);
	BUILD_PUSH(b, reads, read);
	return k->kernel.n_reads++;
}

/* ---- instructions ------------------------------------------------------------------------------ */

static void build_args(const kernel_builder *k, const ir_node *n, uint32_t region, sch_instr *in)
{
	uint32_t *regs[3] = {&in->a, &in->b, &in->c};
	for (uint32_t i = 0; i < n->n_args && i < 3; i++)
		*regs[i] = reg_of(k, n->args[i], region);
}

static void build_node(kernel_builder *k, ir_id id, uint32_t region)
{
	ir_graph *g = k->g;
	const ir_node *n = ir_at(g, id);
	const ir_placed *p = ir_place_find(k->place, id, region);
	sch_instr in = {.type = n->type, .dst = p->value, .a = NONE, .b = NONE, .c = NONE,
	                .mask = reg_of(k, n->mask, region), .line = n->line, .column = n->column};
	switch ((ir_kind)n->kind) {
	case IR_CONST: in.code = CODE_CONST; in.imm = n->u.value.bits; break;
	case IR_PARAM: in.code = CODE_PARAM; in.a = n->u.id; break;
	case IR_SIZE: in.code = CODE_SIZE; in.a = n->u.id; break;
	case IR_VAR: in.code = CODE_VAR; in.a = var_of(k, n->u.id, region); break;
	case IR_OP:
		in.code = CODE_OP;
		in.op = n->op;
		if (n->op != OP_SELECT)
			in.type = ir_at(g, n->args[0])->type;
		build_args(k, n, region, &in);
		break;
	case IR_CONV:
		in.code = CODE_CONV;
		in.type2 = ir_at(g, n->args[0])->type;
		build_args(k, n, region, &in);
		break;
	case IR_TO_INDEX:
		in.code = CODE_TO_INDEX;
		in.type2 = ir_at(g, n->args[0])->type;
		build_args(k, n, region, &in);
		in.b = n->u.id;
		break;
	case IR_READ:
		in.code = CODE_READ;
		in.a = build_read(k, n, region);
		k->reads[p - k->place->placed] = in.a;
		break;
	case IR_REDUCE: in.code = CODE_REDUCE; in.a = p->inner; in.b = k->counts[p->inner]; break;
	case IR_GUARD: {
		const ir_placed *arg = ir_place_find(k->place, n->args[0], region);
		in.code = CODE_GUARD;
		build_args(k, n, region, &in);
		in.b = ir_at(g, n->args[0])->kind == IR_READ ? k->reads[arg - k->place->placed] : NONE;
		in.c = n->u.id;
		break;
	}
	default: return; /* COUNT: the reduction writes it */
	}
	BUILD_PUSH(k->b, instrs, in);
	k->kernel.n_instr++;
	k->kernel.can_fail |= ir_fails(g, n);
}

/* ---- regions ----------------------------------------------------------------------------------- */

static sch_region domain_of(const kernel_builder *k)
{
	sch_region r = {.kind = REGION_DOMAIN, .parent = NONE, .lo = NONE, .hi = NONE, .page = NONE, .at = NONE,
	                .where = NONE, .value = NONE, .nest = NONE};
	if (!k->edge)
		return r;
	const ir_page *page = &k->g->pages[k->edge->page];
	r.n_vars = k->edge->n_vars;
	if (page->sparse) {
		r.kind = REGION_ENTRIES;
		r.page = ir_pattern(k->g, k->edge->page);
	}
	return r;
}

static sch_region region_of(const kernel_builder *k, uint32_t id)
{
	ir_graph *g = k->g;
	const ir_region *region = &k->place->regions[id];
	if (id == 0)
		return domain_of(k);
	const ir_node *n = ir_at(g, region->reduce);
	const ir_reduce *what = &n->u.reduce;
	sch_region r = {.kind = what->region, .reducer = what->reducer, .op = what->op,
	                .type = ir_at(g, n->args[IR_BODY])->type, .strict = what->strict, .prev = what->prev,
	                .parent = region->parent, .first_var = var_of(k, what->var, id), .n_vars = 1, .lo = NONE, .hi = NONE,
	                .page = what->page, .at = NONE, .where = reg_of(k, n->args[IR_WHERE], id),
	                .value = reg_of(k, n->args[IR_BODY], id), .nest = NONE, .identity = what->identity};
	bool by_range = what->region == REGION_RANGE || what->region == REGION_PREFIX;
	if (by_range) {
		r.lo = g->vars[what->var].lo;
		r.hi = g->vars[what->var].hi;
		r.dense = r.where == NONE;
	}
	if (what->region == REGION_PREFIX) {
		r.at = var_of(k, what->at_var, region->parent);
	} else if (!by_range) {
		r.at = reg_of(k, n->args[IR_AT], region->parent);
		r.at_type = ir_at(g, n->args[IR_AT])->type;
	}
	if (what->nest)
		r.nest = ir_place_find(k->place, n->args[IR_BODY], id)->inner;
	return r;
}

uint32_t build_kernel(builder *b, const ir_edge *edge, const char *name, const ir_id *outputs, uint32_t n)
{
	lang_ctx *ctx = b->g->ctx;
	kernel_builder k = {.b = b, .g = b->g, .edge = edge};
	k.place = ir_place_new(b->g, edge, outputs, n);
	if (!k.place)
		return NONE;
	k.counts = LANG_NEW_ARRAY(ctx, uint32_t, k.place->n_regions);
	k.reads = LANG_NEW_ARRAY(ctx, uint32_t, k.place->n_placed + 1);
	if (!k.counts || !k.reads)
		return NONE;
	k.kernel = (sch_kernel){.name = build_text(b, name), .n_vars = (edge ? edge->n_vars : 0) + k.place->n_regions - 1,
	                        .first_region = b->n_regions, .n_regions = k.place->n_regions, .first_instr = b->n_instrs,
	                        .first_read = b->n_reads, .first_reg_type = b->n_reg_types, .first_output = b->n_outputs,
	                        .n_outputs = n};
	number_registers(&k);
	for (uint32_t r = 0; r < k.place->n_regions && !ctx->oom; r++) {
		sch_region region = region_of(&k, r);
		region.first_instr = k.kernel.n_instr;
		for (uint32_t i = 0; i < k.place->regions[r].nodes.count; i++)
			build_node(&k, k.place->regions[r].nodes.items[i], r);
		region.n_instr = k.kernel.n_instr - region.first_instr;
		BUILD_PUSH(b, regions, region);
	}
	bool record = edge && b->g->pages[edge->page].type == T_COUNT;
	for (uint32_t i = 0; i < n; i++) {
		sch_output out = {reg_of(&k, outputs[i], 0), record ? i : NONE};
		BUILD_PUSH(b, outputs, out);
	}
	return BUILD_PUSH(b, kernels, k.kernel);
}
