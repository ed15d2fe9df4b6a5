/* derive.c - delta rules: how a change in what a read reads becomes the set of elements to evaluate.
 *
 * Needs: a placed edge. A rule is chosen by the access class and by the reductions that the read's variables belong to; what is not
 * recognised gets DELTA_WHOLE, which is always right. */
#include "builder.h"

/* What the reductions around a read, over whose variables it goes, say of a change in it. */
typedef struct around {
	bool group, prefix, sparse, range;
	bool domain;             /* some index goes by a variable of the domain */
} around;

static around look_around(const ir_place *p, const ir_node *read, uint32_t region)
{
	const ir_graph *g = p->g;
	around a = {0};
	for (; region != 0; region = p->regions[region].parent) {
		const ir_reduce *r = &ir_at(g, p->regions[region].reduce)->u.reduce;
		if (!ir_set_has(g, read->free, r->var))
			continue;
		a.group |= r->region == REGION_GROUP;
		a.prefix |= r->region == REGION_PREFIX;
		a.sparse |= r->region == REGION_ROW || r->region == REGION_COL;
		a.range |= r->region == REGION_RANGE;
	}
	for (uint32_t i = 0; p->edge && i < p->edge->n_vars; i++)
		a.domain |= ir_set_has(g, read->free, p->edge->vars[i]);
	return a;
}

/* x[i - k] with i a variable of the domain and k one of a range of literals. */
static bool is_window(const ir_place *p, const ir_node *read)
{
	const ir_graph *g = p->g;
	for (uint32_t d = 0; d + read->u.read.has_pad < read->n_args; d++) {
		ir_affine a;
		if (!ir_affine_of(g, read->args[d], &a) || a.n > 2)
			return false;
		for (uint32_t t = 0; t < a.n; t++) {
			if (a.terms[t].kind == TERM_SIZE || (a.terms[t].coef != 1 && a.terms[t].coef != -1))
				return false;
			bool own = false;
			for (uint32_t i = 0; i < p->edge->n_vars; i++)
				own |= p->edge->vars[i] == a.terms[t].id;
			const ir_var *v = &g->vars[a.terms[t].id];
			if (!own && (g->sizes[v->lo].kind != SIZE_CONST || g->sizes[v->hi].kind != SIZE_CONST))
				return false;
		}
	}
	return true;
}

/* A gather whose index is itself read at the element's own position: the reverse index of that page gives the elements. */
static bool is_own_gather(const ir_place *p, const ir_node *read)
{
	const ir_graph *g = p->g;
	for (uint32_t d = 0; d + read->u.read.has_pad < read->n_args; d++) {
		ir_affine a;
		if (ir_affine_of(g, read->args[d], &a))
			continue;
		const ir_node *index = ir_at(g, read->args[d]);
		if (index->kind == IR_CONV)
			index = ir_at(g, index->args[0]);
		if (index->kind != IR_READ || g->pages[index->u.read.page].sparse
		    || ir_classify(g, p->edge, index) != READ_SAME)
			return false;
	}
	return true;
}

/* Both indices of a sparse page variables, and different ones. */
static bool is_plain_lookup(const ir_place *p, const ir_node *read)
{
	uint32_t seen[2];
	for (uint32_t d = 0; d < 2; d++) {
		ir_affine a;
		if (!ir_affine_of(p->g, read->args[d], &a) || a.constant != 0 || a.n != 1 || a.terms[0].kind != TERM_VAR
		    || a.terms[0].coef != 1)
			return false;
		seen[d] = a.terms[0].id;
	}
	return seen[0] != seen[1];
}

delta_rule derive_rule(const ir_place *p, const ir_node *read, uint32_t region)
{
	around a = look_around(p, read, region);
	switch (ir_classify(p->g, p->edge, read)) {
	case READ_SAME: return DELTA_SAME;
	case READ_SHIFT: return DELTA_SHIFT;
	case READ_UNIFORM: return DELTA_BROADCAST;
	case READ_ENTRY: return a.sparse ? DELTA_SPARSE : DELTA_SAME;
	case READ_GATHER:
		if (a.group || a.prefix || a.sparse || a.range)
			return DELTA_WHOLE;
		return is_own_gather(p, read) ? DELTA_GATHER : DELTA_WHOLE;
	case READ_PERMUTE:
	case READ_LOOKUP:
		if (a.group + a.prefix + a.sparse > 1 || (read->u.read.has_pad && !is_plain_lookup(p, read)))
			return DELTA_WHOLE;
		if (a.group)
			return DELTA_GROUP;
		if (a.prefix)
			return DELTA_PREFIX;
		if (a.sparse)
			return DELTA_SPARSE;
		return a.domain ? DELTA_PERMUTE : DELTA_BROADCAST;
	case READ_AFFINE:
		if (a.group || a.prefix || a.sparse)
			return DELTA_WHOLE;
		if (!a.domain)
			return DELTA_BROADCAST;
		return is_window(p, read) ? DELTA_WINDOW : DELTA_WHOLE;
	}
	return DELTA_WHOLE;
}
