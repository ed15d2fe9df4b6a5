/* read.c - reads of pages over the lanes of a batch. Where the lanes lie side by side in memory the register is an alias of the
 * page; else they are loaded by stride, or gathered. Views: lanes inside at full speed, those at the edge one by one. */
#include <string.h>

#include "repair.h"
#include "scalar.h"
#include "view.h"

static inline int64_t plus(int64_t a, int64_t b) { return mmsb_add_i64(a, b); }
static inline int64_t times(int64_t a, int64_t b) { return mmsb_mul_i64(a, b); }

/* A position as a function of the lane: base + slope * lane, plus the values of vectors. */
typedef struct course {
	int64_t base, slope;
	uint32_t n_vectors;
	const void *vector;     /* when there is one: it and its coefficient */
	bool vector_u32;
	int64_t coef;
} course;

static void course_vector(course *c, const void *at, bool u32, int64_t coef)
{
	c->n_vectors++;
	c->vector = at;
	c->vector_u32 = u32;
	c->coef = coef;
}

static void course_terms(course *c, const run *r, const var_term *terms, uint32_t n)
{
	for (uint32_t t = 0; t < n; t++) {
		const var_lanes *v = &r->vars[terms[t].var];
		int64_t coef = terms[t].coef;
		switch (v->form) {
		case VAR_IOTA:
			c->slope = plus(c->slope, coef); /* fall through */
		case VAR_UNIFORM:
			c->base = plus(c->base, times(coef, v->start));
			break;
		case VAR_I64: case VAR_U32:
			course_vector(c, v->at, v->form == VAR_U32, coef);
			break;
		}
	}
}

static void course_reg(course *c, const run *r, const dim_plan *d, int64_t coef)
{
	const lanes *l = &r->regs[d->reg];
	bool u32 = d->reg_type == T_U32;
	if (!l->uniform)
		course_vector(c, l->at, u32, coef);
	else
		c->base = plus(c->base, times(coef, u32 ? (int64_t)*(const uint32_t *)l->at : *(const int64_t *)l->at));
}

/* The vectors of a sum of terms and registers, added to index. */
static void add_terms(worker *w, const run *r, int64_t *index, const var_term *terms, uint32_t n)
{
	for (uint32_t t = 0; t < n; t++) {
		const var_lanes *v = &r->vars[terms[t].var];
		if (v->form == VAR_U32)
			w->k->axpy_u32(index, terms[t].coef, v->at, r->n);
		else if (v->form == VAR_I64)
			w->k->axpy_i64(index, terms[t].coef, v->at, r->n);
	}
}

static void add_reg(worker *w, const run *r, int64_t *index, const dim_plan *d, int64_t coef)
{
	const lanes *l = &r->regs[d->reg];
	if (l->uniform)
		return;
	if (d->reg_type == T_U32)
		w->k->axpy_u32(index, coef, l->at, r->n);
	else
		w->k->axpy_i64(index, coef, l->at, r->n);
}

/* ---- without a view ---------------------------------------------------------------------------- */

typedef struct reader {
	worker *w;
	run *r;
	const read_plan *rp;
	const read_now *now;
	unsigned width;
	void *dst;
	lanes *out;
} reader;

static inline const uint8_t *element(const reader *q, int64_t position) { return q->now->base + (size_t)position * q->now->stride; }

static void give_one(const reader *q, const void *value)
{
	memcpy(q->dst, value, (size_t)1 << q->width);
	*q->out = (lanes){q->dst, 1, true};
}

static void give_zero(const reader *q)
{
	static const uint64_t zero;
	give_one(q, &zero);
}

static void read_course(const reader *q, const course *c)
{
	const kernel_table *k = q->w->k;
	uint32_t n = q->r->n;
	if (c->n_vectors == 0) {
		ptrdiff_t apart = (ptrdiff_t)((size_t)c->slope * q->now->stride);
		if (apart == 0) {
			give_one(q, element(q, c->base));
		} else if (apart == (ptrdiff_t)1 << q->width) {
			*q->out = (lanes){(void *)(uintptr_t)element(q, c->base), 0, false};
		} else {
			k->load[q->width](q->dst, element(q, c->base), apart, n);
			*q->out = (lanes){q->dst, 0, false};
		}
		return;
	}
	*q->out = (lanes){q->dst, 0, false};
	if (c->n_vectors == 1 && c->coef == 1 && c->slope == 0) {
		if (c->vector_u32)
			k->gather_u32[q->width](q->dst, element(q, c->base), q->now->stride, c->vector, n);
		else
			k->gather_i64[q->width](q->dst, element(q, c->base), q->now->stride, c->vector, n);
		return;
	}
	int64_t *index = q->w->index;
	k->iota(index, c->base, c->slope, n);
	add_terms(q->w, q->r, index, q->rp->terms, q->rp->n_terms);
	for (uint32_t d = 0; d < q->rp->n_dims && q->rp->n_regs; d++)
		if (q->rp->dims[d].reg != NONE)
			add_reg(q->w, q->r, index, &q->rp->dims[d], q->rp->dims[d].stride);
	k->gather_i64[q->width](q->dst, q->now->base, q->now->stride, index, n);
}

static void read_plain(const reader *q)
{
	const read_plan *rp = q->rp;
	course c = {.base = rp->constant};
	course_terms(&c, q->r, rp->terms, rp->n_terms);
	for (uint32_t d = 0; d < rp->n_dims && rp->n_regs; d++)
		if (rp->dims[d].reg != NONE)
			course_reg(&c, q->r, &rp->dims[d], rp->dims[d].stride);
	read_course(q, &c);
}

/* ---- views ------------------------------------------------------------------------------------- */

int64_t view_position(unsigned view, int64_t i, int64_t extent)
{
	switch ((read_view)view) {
	case RV_CLAMP: return mmsb_view_clamp(i, extent);
	case RV_WRAP: return mmsb_view_wrap(i, extent);
	case RV_MIRROR: return mmsb_view_mirror(i, extent);
	default: return (uint64_t)i < (uint64_t)extent ? i : -1;
	}
}

static void dim_course(const reader *q, const dim_plan *d, course *c)
{
	*c = (course){.base = d->constant};
	course_terms(c, q->r, d->terms, d->n_terms);
	if (d->reg != NONE)
		course_reg(c, q->r, d, 1);
}

/* The value outside, in one lane. */
static void outside_value(const reader *q, uint32_t lane, void *out)
{
	scalar v = {0};
	if (q->rp->def->view == RV_PAD || q->rp->def->cls == READ_LOOKUP)
		v = reg_lane(&q->r->regs[q->rp->pad], q->width, lane);
	memcpy(out, &v, (size_t)1 << q->width);
}

static void read_outside(const reader *q)
{
	if (q->rp->def->view != RV_PAD) {
		give_zero(q);
		return;
	}
	*q->out = q->r->regs[q->rp->pad];
	if (q->out->uniform)
		give_one(q, q->out->at); /* its place may be given to another register before this one's life ends */
	else
		*q->out = (lanes){memcpy(q->dst, q->out->at, (size_t)q->r->n << q->width), 0, false};
}

/* The lanes [*first, *end) in which base + slope * lane is inside 0 .. extent-1. */
static void inside_lanes(const course *c, int64_t extent, uint32_t *first, uint32_t *end)
{
	int64_t n = *end, lo = *first, hi = n;
	if (c->slope == 1) {
		if (c->base < -n || c->base >= extent) {
			*end = *first;
			return;
		}
		lo = c->base < 0 ? -c->base : 0;
		hi = extent - c->base;
	} else {
		while (lo < hi && (uint64_t)plus(c->base, times(c->slope, lo)) >= (uint64_t)extent)
			lo++;
		int64_t at = lo;
		while (at < hi && (uint64_t)plus(c->base, times(c->slope, at)) < (uint64_t)extent)
			at++;
		hi = at;
	}
	if (lo > *first)
		*first = lo < n ? (uint32_t)lo : (uint32_t)n;
	if (hi < n)
		*end = hi > *first ? (uint32_t)hi : *first;
}

static void read_edge_lane(const reader *q, const course *c, uint32_t lane)
{
	const read_plan *rp = q->rp;
	uint8_t *out = (uint8_t *)q->dst + ((size_t)lane << q->width);
	int64_t position = 0;
	for (uint32_t d = 0; d < rp->n_dims; d++) {
		int64_t i = view_position(rp->def->view, plus(c[d].base, times(c[d].slope, lane)), rp->dims[d].extent);
		if (i < 0) {
			outside_value(q, lane, out);
			return;
		}
		position += i * rp->dims[d].stride;
	}
	memcpy(out, element(q, position), (size_t)1 << q->width);
}

/* No index is a vector: the lanes inside all dimensions are one run. */
static void read_sliding(const reader *q, course *c)
{
	const read_plan *rp = q->rp;
	uint32_t n = q->r->n, first = 0, end = n;
	course all = {0};
	bool moves = false;
	for (uint32_t d = 0; d < rp->n_dims; d++) {
		if (c[d].slope == 0) {
			c[d].base = view_position(rp->def->view, c[d].base, rp->dims[d].extent);
			if (c[d].base < 0) {
				read_outside(q);
				return;
			}
		} else {
			moves = true;
			inside_lanes(&c[d], rp->dims[d].extent, &first, &end);
		}
		all.base = plus(all.base, times(c[d].base, rp->dims[d].stride));
		all.slope = plus(all.slope, times(c[d].slope, rp->dims[d].stride));
	}
	if (first == 0 && end == n && (!moves || all.slope != 0)) {
		read_course(q, &all);
		return;
	}
	*q->out = (lanes){q->dst, 0, false};
	if (first < end)
		q->w->k->load[q->width]((uint8_t *)q->dst + ((size_t)first << q->width), element(q, plus(all.base, times(all.slope, first))),
		                        (ptrdiff_t)((size_t)all.slope * q->now->stride), end - first);
	for (uint32_t i = 0; i < first; i++)
		read_edge_lane(q, c, i);
	for (uint32_t i = end; i < n; i++)
		read_edge_lane(q, c, i);
}

static void apply_view(worker *w, unsigned view, int64_t *index, int64_t extent, uint32_t n)
{
	switch ((read_view)view) {
	case RV_CLAMP: w->k->view_clamp(index, extent, n); break;
	case RV_WRAP: w->k->view_wrap(index, extent, n); break;
	case RV_MIRROR: w->k->view_mirror(index, extent, n); break;
	default: w->k->view_outside(index, extent, w->outside, n); break;
	}
}

/* The general case: positions of all lanes, dimension by dimension. */
static void read_view_vector(const reader *q, const course *c)
{
	const read_plan *rp = q->rp;
	worker *w = q->w;
	uint32_t n = q->r->n;
	bool answers = rp->def->view == RV_ZERO || rp->def->view == RV_PAD;
	w->k->iota(w->index, 0, 0, n);
	if (answers)
		memset(w->outside, 0, n);
	for (uint32_t d = 0; d < rp->n_dims; d++) {
		const dim_plan *dim = &rp->dims[d];
		w->k->iota(w->index2, c[d].base, c[d].slope, n);
		add_terms(w, q->r, w->index2, dim->terms, dim->n_terms);
		if (dim->reg != NONE)
			add_reg(w, q->r, w->index2, dim, 1);
		apply_view(w, rp->def->view, w->index2, dim->extent, n);
		w->k->axpy_i64(w->index, dim->stride, w->index2, n);
	}
	w->k->gather_i64[q->width](q->dst, q->now->base, q->now->stride, w->index, n);
	*q->out = (lanes){q->dst, 0, false};
	for (uint32_t i = 0; answers && i < n; i++)
		if (w->outside[i])
			outside_value(q, i, (uint8_t *)q->dst + ((size_t)i << q->width));
}

static void read_view_lanes(const reader *q)
{
	course c[MAX_DIMS];
	bool vectors = false;
	for (uint32_t d = 0; d < q->rp->n_dims; d++) {
		dim_course(q, &q->rp->dims[d], &c[d]);
		vectors |= c[d].n_vectors > 0;
	}
	if (vectors)
		read_view_vector(q, c);
	else
		read_sliding(q, c);
}

/* ---- sparse pages ------------------------------------------------------------------------------ */

static void give_true(const reader *q)
{
	static const uint64_t one = 1;
	give_one(q, &one);
}

static void read_lookup(const reader *q)
{
	course c[MAX_DIMS];
	const pattern *pat = q->now->pat;
	bool uniform = q->r->regs[q->rp->pad].uniform;
	for (uint32_t d = 0; d < 2; d++) {
		const dim_plan *dim = &q->rp->dims[d];
		dim_course(q, dim, &c[d]);
		uniform &= c[d].n_vectors == 0 && c[d].slope == 0;
		int64_t *index = d ? q->w->index2 : q->w->index;
		q->w->k->iota(index, c[d].base, c[d].slope, q->r->n);
		add_terms(q->w, q->r, index, dim->terms, dim->n_terms);
		if (dim->reg != NONE)
			add_reg(q->w, q->r, index, dim, 1);
	}
	for (uint32_t i = 0; i < (uniform ? 1 : q->r->n); i++) {
		uint8_t *out = (uint8_t *)q->dst + ((size_t)i << q->width);
		uint64_t row = (uint64_t)q->w->index[i], col = (uint64_t)q->w->index2[i];
		uint64_t e = pat && row < pat->n_rows ? pattern_find(pat, row, col) : UINT64_MAX;
		if (e == UINT64_MAX)
			outside_value(q, i, out);
		else if (q->rp->from->element == 0)
			*out = 1;
		else
			memcpy(out, element(q, (int64_t)e), (size_t)1 << q->width);
	}
	*q->out = (lanes){q->dst, 1, uniform};
}

static void read_page(worker *w, run *r, const step *s, lanes *out)
{
	const read_plan *rp = s->read;
	reader q = {w, r, rp, &w->ex->reads[rp - w->ex->plan->reads], width_of(rp->type), w->arena + s->place, out};
	if (rp->def->cls == READ_LOOKUP)
		read_lookup(&q);
	else if (rp->def->cls == READ_ENTRY && rp->from->element == 0)
		give_true(&q);
	else if (rp->empty)
		read_outside(&q);
	else if (rp->def->view == RV_NONE || rp->n_dims == 0)
		read_plain(&q);
	else
		read_view_lanes(&q);
}

void read_lanes(worker *w, run *r, const step *s, lanes *out)
{
	read_page(w, r, s, out);
	if (w->ex->support && s->read->own)
		support_lanes(w, r, s, out);
}

/* ---- messages ---------------------------------------------------------------------------------- */

void read_position(const worker *w, const run *r, const read_plan *rp, uint32_t lane, int64_t index[MAX_DIMS])
{
	uint32_t n_dims = rp->from->def->ndim;
	if (rp->def->cls == READ_ENTRY) {
		const pattern *pat = rp->def->prev ? rp->from->prev_pat : rp->from->pat;
		int64_t e = var_lane(&r->vars[rp->terms[0].var], lane);
		index[0] = pat ? pat->row[e] : 0;
		index[1] = pat ? pat->col[e] : 0;
		return;
	}
	if (rp->n_dims == 0 && n_dims > 0) { /* the element's own position */
		int64_t flat = var_lane(&r->vars[rp->terms[0].var], lane);
		for (uint32_t d = n_dims; d-- > 0;) {
			index[d] = flat % rp->from->dims[d];
			flat /= rp->from->dims[d];
		}
		return;
	}
	(void)w;
	for (uint32_t d = 0; d < n_dims; d++) {
		const dim_plan *dim = &rp->dims[d];
		int64_t i = dim->constant;
		for (uint32_t t = 0; t < dim->n_terms; t++)
			i = plus(i, times(dim->terms[t].coef, var_lane(&r->vars[dim->terms[t].var], lane)));
		if (dim->reg != NONE) {
			scalar v = reg_lane(&r->regs[dim->reg], width_of(dim->reg_type), lane);
			i = plus(i, dim->reg_type == T_U32 ? (int64_t)v.U32 : v.I64);
		}
		if (rp->def->view != RV_NONE)
			i = view_position(rp->def->view, i, dim->extent > 0 ? dim->extent : 1);
		index[d] = i;
	}
}
