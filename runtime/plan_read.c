/* plan_read.c - reads: each index, or the position in the page, as a sum over the region's variables. */
#include "plan.h"

static void plan_dim(planner *pl, region_plan *r, read_plan *rp, const sch_index *x, dim_plan *d)
{
	var_term *terms = plan_take(pl, x->n_terms, sizeof *terms);
	if (pl->failed)
		return;
	d->constant = x->constant;
	d->terms = terms;
	d->reg = local_reg(pl, r, x->reg);
	d->reg_type = (uint8_t)x->reg_type;
	rp->n_regs += x->reg != NONE;
	for (uint32_t t = 0; t < x->n_terms; t++) {
		const sch_term *term = &pl->s->terms[x->first_term + t];
		if (term->kind == TERM_SIZE)
			d->constant = (int64_t)((uint64_t)d->constant + (uint64_t)term->coef * (uint64_t)pl->inst->sizes[term->id]);
		else if (term->coef != 0)
			terms[d->n_terms++] = (var_term){local_var(pl, r, term->id), term->coef};
	}
}

/* Without a view the position is one sum over all dimensions. */
static void flatten(planner *pl, read_plan *rp)
{
	uint32_t n = 0;
	for (uint32_t d = 0; d < rp->n_dims; d++)
		n += rp->dims[d].n_terms;
	var_term *terms = plan_take(pl, n, sizeof *terms);
	if (pl->failed)
		return;
	rp->terms = terms;
	for (uint32_t d = 0; d < rp->n_dims; d++) {
		const dim_plan *dim = &rp->dims[d];
		rp->constant = (int64_t)((uint64_t)rp->constant + (uint64_t)dim->constant * (uint64_t)dim->stride);
		for (uint32_t t = 0; t < dim->n_terms; t++) {
			int64_t coef = (int64_t)((uint64_t)dim->terms[t].coef * (uint64_t)dim->stride);
			uint32_t at = 0;
			while (at < rp->n_terms && terms[at].var != dim->terms[t].var)
				at++;
			if (at == rp->n_terms)
				terms[rp->n_terms++] = (var_term){dim->terms[t].var, 0};
			terms[at].coef = (int64_t)((uint64_t)terms[at].coef + (uint64_t)coef);
		}
	}
}

static void one_term(planner *pl, region_plan *r, read_plan *rp, uint32_t var)
{
	var_term *term = plan_take(pl, 1, sizeof *term);
	if (!term)
		return;
	*term = (var_term){local_var(pl, r, var), 1};
	rp->terms = term;
	rp->n_terms = 1;
}

void plan_read(planner *pl, region_plan *r, uint32_t id)
{
	read_plan *rp = &pl->p->reads[id];
	const sch_read *def = &pl->s->reads[pl->p->def->first_read + id];
	rp->def = def;
	rp->from = &pl->inst->pages[def->page];
	rp->type = def->field == NONE ? rp->from->def->type : pl->s->fields[pl->s->records[rp->from->def->record].first_field + def->field].type;
	rp->pad = local_reg(pl, r, def->pad);
	rp->own = pl->p->pass && def->page == pl->p->pass->page && !def->prev;
	if (def->cls == READ_ENTRY) {
		region_plan *driver = r;
		while (!goes_by_entries(driver->def))
			driver = driver->parent;
		one_term(pl, r, rp, entry_var(pl, driver->id));
		return;
	}
	dim_plan *dims = plan_take(pl, def->n_index, sizeof *dims);
	if (!dims)
		return;
	rp->dims = dims;
	rp->n_dims = def->n_index;
	for (uint32_t d = 0; d < def->n_index; d++) {
		dims[d].extent = rp->from->dims[d];
		dims[d].stride = rp->from->strides[d];
		rp->empty |= dims[d].extent <= 0;
	}
	if (def->cls == READ_SAME) {
		rp->n_dims = 0;
		one_term(pl, r, rp, flat_var(pl));
		return;
	}
	for (uint32_t d = 0; d < def->n_index; d++)
		plan_dim(pl, r, rp, &pl->s->indices[def->first_index + d], &dims[d]);
	if (def->view == RV_NONE && def->cls != READ_LOOKUP && !pl->failed)
		flatten(pl, rp);
}
