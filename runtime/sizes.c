/* sizes.c - binds params: given by name, solved from the shapes of inputs, or by default; then all sizes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"

/* "size `size` is `value`", because dimension `dim` of `page` is so in `from`. */
typedef struct shape_given {
	uint32_t size, page, dim;
	int64_t value;
	char *from;
} shape_given;

/* A size in the one param that is not known yet: base + factor * param; factor 0: none. */
typedef struct linear {
	int64_t base, factor;
	uint32_t param;
	bool ok; /* false: not linear, two unknown params, or overflow */
} linear;

static linear linear_const(int64_t value) { return (linear){value, 0, NONE, true}; }

static linear linear_combine(const linear *a, const linear *b, uint32_t kind)
{
	linear r = {0, 0, a->param == NONE ? b->param : a->param, a->ok && b->ok};
	if (a->param != NONE && b->param != NONE && a->param != b->param)
		r.ok = false;
	int64_t cross1, cross2;
	if (kind == SIZE_ADD)
		r.ok &= !__builtin_add_overflow(a->base, b->base, &r.base) && !__builtin_add_overflow(a->factor, b->factor, &r.factor);
	else if (kind == SIZE_SUB)
		r.ok &= !__builtin_sub_overflow(a->base, b->base, &r.base) && !__builtin_sub_overflow(a->factor, b->factor, &r.factor);
	else
		r.ok &= (a->factor == 0 || b->factor == 0) && !__builtin_mul_overflow(a->base, b->base, &r.base) &&
		        !__builtin_mul_overflow(a->base, b->factor, &cross1) && !__builtin_mul_overflow(b->base, a->factor, &cross2) &&
		        !__builtin_add_overflow(cross1, cross2, &r.factor);
	if (r.ok && r.factor == 0)
		r.param = NONE;
	return r;
}

/* All sizes as far as they are known; table has room for each. */
static void evaluate(const mmsb_instance *m, linear *table)
{
	for (uint32_t i = 0; i < m->sch->n_sizes; i++) {
		const sch_size *z = &m->sch->sizes[i];
		if (z->kind == SIZE_CONST)
			table[i] = linear_const(z->value);
		else if (z->kind == SIZE_PARAM)
			table[i] = m->param_known[z->a] ? linear_const(m->params[z->a].I64) : (linear){0, 1, z->a, true};
		else
			table[i] = linear_combine(&table[z->a], &table[z->b], z->kind);
	}
}

static const char *param_name(const mmsb_instance *m, uint32_t id) { return sch_text(m->sch, m->sch->params[id].name); }

static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int set_known(mmsb_instance *m, uint32_t id, scalar value, const char *from, mmsb_error *err)
{
	char *copy = copy_text(from);
	if (from && !copy)
		return fail_memory(err, strlen(from), "the name of a source");
	free(m->param_from[id]);
	m->param_from[id] = copy;
	m->params[id] = value;
	m->param_known[id] = 1;
	return MMSB_OK;
}

/* What a size is made of, for messages: "N + 1"; a short text in a static form. */
static void size_text(const schedule *s, uint32_t size, char *out, size_t n)
{
	static const char sign[] = {0, 0, '+', '-', '*'};
	const sch_size *z = &s->sizes[size];
	char a[96], b[96];
	if (z->kind == SIZE_CONST) {
		snprintf(out, n, "%" PRId64, z->value);
	} else if (z->kind == SIZE_PARAM) {
		snprintf(out, n, "%s", sch_text(s, s->params[z->a].name));
	} else if (n < 24) {
		snprintf(out, n, "(...)");
	} else {
		size_t half = n / 2 < sizeof a ? n / 2 : sizeof a;
		size_text(s, z->a, a, half);
		size_text(s, z->b, b, half);
		/* a text that is cut off will do; looking at the result says so to the compiler */
		if (snprintf(out, n, "%s %c %s", a, sign[z->kind], b) < 0)
			out[0] = '\0';
	}
}

static int contradiction(const mmsb_instance *m, const shape_given *g, int64_t is, mmsb_error *err)
{
	char text[160], because[400] = "";
	size_text(m->sch, g->size, text, sizeof text);
	size_t at = 0;
	for (uint32_t p = 0; p < m->sch->n_params && at < sizeof because - 1; p++)
		if (m->sch->params[p].is_size && m->param_known[p] && m->param_from[p] && strstr(text, param_name(m, p))) {
			int w = snprintf(because + at, sizeof because - at, "%s%s = %" PRId64 " from %s", at ? ", " : "", param_name(m, p),
			                 m->params[p].I64, m->param_from[p]);
			at += w > 0 ? (size_t)w : 0;
		}
	const sch_page *pg = &m->sch->pages[g->page];
	if (m->sch->sizes[g->size].kind == SIZE_CONST)
		return fail(err, MMSB_SHAPE, "dimension %u of page %s is declared as %s, but it is %" PRId64 " in %s", g->dim,
		            sch_text(m->sch, pg->name), text, g->value, g->from ? g->from : "its input");
	return fail(err, MMSB_SHAPE, "the sizes contradict each other: dimension %u of page %s is %s = %" PRId64 " (%s), but it is %" PRId64 " in %s",
	            g->dim, sch_text(m->sch, pg->name), text, is, because[0] ? because : "as declared", g->value, g->from ? g->from : "its input");
}

/* Uses what is known of shapes until nothing new follows. */
static int solve(mmsb_instance *m, linear *table, mmsb_error *err)
{
	bool again = true;
	while (again) {
		again = false;
		evaluate(m, table);
		for (uint32_t i = 0; i < m->n_shapes && !again; i++) {
			const shape_given *g = &m->shapes[i];
			const linear *l = &table[g->size];
			if (!l->ok)
				continue;
			int64_t rest;
			if (l->factor == 0) {
				if (l->base != g->value)
					return contradiction(m, g, l->base, err);
				continue;
			}
			if (__builtin_sub_overflow(g->value, l->base, &rest) || rest % l->factor || rest / l->factor < 0) {
				char text[160];
				size_text(m->sch, g->size, text, sizeof text);
				return fail(err, MMSB_SHAPE, "dimension %u of page %s is %s, which cannot be %" PRId64 " as in %s", g->dim,
				            sch_text(m->sch, m->sch->pages[g->page].name), text, g->value, g->from ? g->from : "its input");
			}
			int status = set_known(m, l->param, (scalar){.I64 = rest / l->factor}, g->from, err);
			if (status)
				return status;
			again = true;
		}
	}
	return MMSB_OK;
}

static int solve_now(mmsb_instance *m, mmsb_error *err)
{
	linear *table = calloc((size_t)m->sch->n_sizes + 1, sizeof *table);
	if (!table)
		return fail_memory(err, m->sch->n_sizes * sizeof *table, "the sizes");
	int status = solve(m, table, err);
	free(table);
	return status;
}

/* ---- all of a call or nothing ---- */

/* Which params have a value, and how many shapes were given, before a call. */
typedef struct known_before {
	uint8_t *param_known;
	uint32_t n_shapes;
} known_before;

static int remember(const mmsb_instance *m, known_before *b, mmsb_error *err)
{
	size_t n = (size_t)m->sch->n_params + 1;
	*b = (known_before){malloc(n), m->n_shapes};
	if (!b->param_known)
		return fail_memory(err, n, "the params");
	memcpy(b->param_known, m->param_known, n);
	return MMSB_OK;
}

/* A call that fails takes back what it gave values to. */
static int all_or_nothing(mmsb_instance *m, known_before *b, int status)
{
	for (uint32_t i = 0; status && i < m->sch->n_params; i++)
		if (m->param_known[i] && !b->param_known[i]) {
			m->param_known[i] = 0;
			free(m->param_from[i]);
			m->param_from[i] = NULL;
		}
	while (status && m->n_shapes > b->n_shapes)
		free(m->shapes[--m->n_shapes].from);
	free(b->param_known);
	return status;
}

static int add_shape(mmsb_instance *m, uint32_t id, unsigned d, uint64_t value, const char *from, mmsb_error *err)
{
	const sch_page *p = &m->sch->pages[id];
	if (value > INT64_MAX)
		return fail(err, MMSB_SHAPE, "dimension %u of page %s is too large", d, sch_text(m->sch, p->name));
	if (m->n_shapes == m->cap_shapes) {
		uint32_t cap = m->cap_shapes ? 2 * m->cap_shapes : 16;
		shape_given *more = realloc(m->shapes, cap * sizeof *more);
		if (!more)
			return fail_memory(err, cap * sizeof *more, "shapes");
		m->shapes = more;
		m->cap_shapes = cap;
	}
	shape_given *g = &m->shapes[m->n_shapes];
	*g = (shape_given){p->dims[d], id, d, (int64_t)value, copy_text(from)};
	if (from && !g->from)
		return fail_memory(err, strlen(from), "the name of a source");
	m->n_shapes++;
	return MMSB_OK;
}

int mmsb_set_shape(mmsb_instance *m, int id, unsigned ndim, const uint64_t *shape, const char *from, mmsb_error *err)
{
	if (id < 0 || (uint32_t)id >= m->sch->n_pages)
		return fail(err, MMSB_NAME, "there is no page number %d", id);
	const sch_page *p = &m->sch->pages[id];
	if (m->bound)
		return fail(err, MMSB_ORDER, "the shape of page %s comes too late: sizes are bound already", sch_text(m->sch, p->name));
	if (ndim != p->ndim)
		return fail(err, MMSB_SHAPE, "page %s has %u dimension%s, but %s has %u", sch_text(m->sch, p->name), p->ndim,
		            p->ndim == 1 ? "" : "s", from ? from : "its input", ndim);
	known_before before;
	int status = remember(m, &before, err);
	if (status)
		return status;
	for (unsigned d = 0; d < ndim && !status; d++)
		status = add_shape(m, (uint32_t)id, d, shape[d], from, err);
	return all_or_nothing(m, &before, status ? status : solve_now(m, err));
}

static int find_param(const mmsb_instance *m, const char *name, uint32_t *id, mmsb_error *err)
{
	for (uint32_t i = 0; i < m->sch->n_params; i++)
		if (strcmp(param_name(m, i), name) == 0) {
			*id = i;
			return MMSB_OK;
		}
	return fail(err, MMSB_NAME, "the program has no param '%s'", name);
}

int mmsb_set_param_value(mmsb_instance *m, const char *name, const void *value, const char *from, mmsb_error *err)
{
	uint32_t id;
	int status = find_param(m, name, &id, err);
	if (status)
		return status;
	if (m->bound)
		return fail(err, MMSB_ORDER, "the value of param %s comes too late: sizes are bound already", name);
	const sch_param *p = &m->sch->params[id];
	scalar v = {0};
	memcpy(&v, value, type_table[p->type].bytes);
	if (p->type == T_BOOL)
		v.BOOL = v.BOOL != 0;
	if (p->is_size && v.I64 < 0)
		return fail(err, MMSB_RANGE, "param %s is a size and cannot be %" PRId64, name, v.I64);
	if (m->param_known[id] && m->params[id].bits != v.bits) {
		if (p->is_size)
			return fail(err, MMSB_SHAPE, "param %s is %" PRId64 " from %s, but %" PRId64 " from %s", name, m->params[id].I64,
			            m->param_from[id] ? m->param_from[id] : "an earlier call", v.I64, from ? from : "this call");
		return fail(err, MMSB_SHAPE, "param %s has a value already%s%s, and another from %s", name, m->param_from[id] ? " from " : "",
		            m->param_from[id] ? m->param_from[id] : "", from ? from : "this call");
	}
	known_before before;
	status = remember(m, &before, err);
	if (status)
		return status;
	status = set_known(m, id, v, from, err);
	return all_or_nothing(m, &before, status || !p->is_size ? status : solve_now(m, err));
}

/* value in the type, exactly; false: it does not fit. */
static bool exact_scalar(uint8_t type, double value, scalar *out)
{
	*out = (scalar){0};
	type_kind kind = (type_kind)type_table[type].kind;
	if (type == T_F64)
		out->F64 = value;
	else if (type == T_F32)
		out->F32 = (float)value;
	else if (kind == KIND_B)
		out->BOOL = value != 0;
	if (kind == KIND_F)
		return true;
	if (kind == KIND_B)
		return value == 0 || value == 1;
	int bits = 8 * type_table[type].bytes;
	double low = kind == KIND_S ? -ldexp(1, bits - 1) : 0, high = ldexp(1, kind == KIND_S ? bits - 1 : bits);
	if (!(value >= low && value < high) || value != floor(value))
		return false;
	out->bits = kind == KIND_S ? (uint64_t)(int64_t)value : (uint64_t)value;
	if (bits < 64)
		out->bits &= (UINT64_C(1) << bits) - 1;
	return true;
}

int mmsb_set_param(mmsb_instance *m, const char *name, double value, mmsb_error *err)
{
	uint32_t id;
	int status = find_param(m, name, &id, err);
	if (status)
		return status;
	scalar v;
	uint8_t type = m->sch->params[id].type;
	if (!exact_scalar(type, value, &v))
		return fail(err, MMSB_RANGE, "param %s is of type %s and cannot be %.17g", name, type_table[type].name, value);
	return mmsb_set_param_value(m, name, &v, NULL, err);
}

/* Params that nothing gave a value take their default, in order: a default may use the params before it. */
static int take_defaults(mmsb_instance *m, linear *table, mmsb_error *err)
{
	for (uint32_t i = 0; i < m->sch->n_params; i++) {
		const sch_param *p = &m->sch->params[i];
		if (m->param_known[i] || p->init == NONE)
			continue;
		scalar v;
		int status = executor_constant(m, p->init, &v, err);
		if (!status && p->is_size && v.I64 < 0)
			status = fail(err, MMSB_RANGE, "param %s is a size and cannot be %" PRId64, param_name(m, i), v.I64);
		if (!status)
			status = set_known(m, i, v, "its default", err);
		if (!status && p->is_size)
			status = solve(m, table, err);
		if (status)
			return status;
	}
	return MMSB_OK;
}

/* Names the first param without a value, and what would give it one. */
static int unknown_param(const mmsb_instance *m, mmsb_error *err)
{
	const schedule *s = m->sch;
	for (uint32_t i = 0; i < s->n_params; i++) {
		if (m->param_known[i])
			continue;
		for (uint32_t p = 0; s->params[i].is_size && p < s->n_pages; p++)
			for (uint32_t d = 0; s->pages[p].role == PAGE_ROLE_IN && d < s->pages[p].ndim; d++) {
				const sch_size *z = &s->sizes[s->pages[p].dims[d]];
				if (z->kind == SIZE_PARAM && z->a == i)
					return fail(err, MMSB_INPUT, "param %s has no value: give it one (-D %s=...), or an input for page %s, whose dimension %u it is",
					            param_name(m, i), param_name(m, i), sch_text(s, s->pages[p].name), d);
			}
		return fail(err, MMSB_INPUT, "param %s has no value: give it one (-D %s=...)", param_name(m, i), param_name(m, i));
	}
	return MMSB_OK;
}

static int check_sizes(mmsb_instance *m, const linear *table, mmsb_error *err)
{
	const schedule *s = m->sch;
	char text[160];
	for (uint32_t i = 0; i < s->n_sizes; i++) {
		if (!table[i].ok) {
			size_text(s, i, text, sizeof text);
			return fail(err, MMSB_RANGE, "the size %s is too large for 64 bits", text);
		}
		m->sizes[i] = table[i].base;
	}
	for (uint32_t p = 0; p < s->n_pages; p++) {
		const sch_page *pg = &s->pages[p];
		for (uint32_t d = 0; d <= pg->ndim; d++) {
			uint32_t size = d < pg->ndim ? pg->dims[d] : pg->index_size;
			if (size == NONE || m->sizes[size] >= 0)
				continue;
			size_text(s, size, text, sizeof text);
			return fail(err, MMSB_RANGE, "page %s: the size %s is %" PRId64 ", it must not be negative", sch_text(s, pg->name), text,
			            m->sizes[size]);
		}
	}
	return MMSB_OK;
}

int sizes_bind(mmsb_instance *m, mmsb_error *err)
{
	linear *table = calloc((size_t)m->sch->n_sizes + 1, sizeof *table);
	if (!table)
		return fail_memory(err, m->sch->n_sizes * sizeof *table, "the sizes");
	known_before before;
	int status = remember(m, &before, err);
	if (status) {
		free(table);
		return status;
	}
	status = solve(m, table, err);
	if (!status)
		status = take_defaults(m, table, err);
	if (!status)
		status = unknown_param(m, err);
	if (!status) {
		evaluate(m, table);
		status = check_sizes(m, table, err);
	}
	free(table);
	return all_or_nothing(m, &before, status);
}

void sizes_free(mmsb_instance *m)
{
	for (uint32_t i = 0; i < m->n_shapes; i++)
		free(m->shapes[i].from);
	for (uint32_t i = 0; m->param_from && i < m->sch->n_params; i++)
		free(m->param_from[i]);
	free(m->shapes);
	free(m->param_from);
	free(m->param_known);
	free(m->params);
	free(m->sizes);
}
