/* pour.c - grouped reductions of a whole evaluation, by position. */
#include "pour.h"

#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "dirty.h"
#include "fetch.h"
#include "fpenv.h"
#include "plan.h"
#include "pour_course.h"
#include "store.h"
#include "thresholds.h"

struct pour {
	pour_course course;
	bool given;             /* values are those of the pass at hand */
	bool own;               /* the key of an element is its position; else computed, or read from a page */
	uint8_t *rows;          /* operands */
	uint8_t *values;        /* beside nodes, and of keys */
};

/* ---- which regions ----------------------------------------------------------------------------- */

static bool plain_code(const region_plan *r)
{
	for (uint32_t i = 0; i < r->n_steps; i++) {
		const step *s = &r->steps[i];
		if (s->child || s->can_fail || s->code == CODE_TO_INDEX || s->code == CODE_GUARD)
			return false;
	}
	return true;
}

bool pour_possible(const kernel_plan *p, const region_plan *r)
{
	return r->def->kind == REGION_GROUP && r->parent == &p->regions[0] && p->regions[0].def->kind == REGION_DOMAIN &&
	       (r->kind == RED_LIST || r->kind == RED_ANY) && r->where == NONE && r->n_imports == 0 &&
	       r->n_var_imports == 0 && r->driver->count < UINT32_MAX / 2 && plain_code(r);
}

/* One block, its parts at the beginning of lines; what is not touched of it takes no memory. */
static struct pour *new_pour(uint64_t n_keys, uint64_t n, uint32_t n_parts, unsigned width)
{
	enum { LINE = 64 };
	pour_course c;
	pour_course_set(&c, n_keys, n, n_parts);
	size_t own = (sizeof(struct pour) + LINE - 1) / LINE * LINE, course = pour_course_place(&c, NULL), rows = pour_course_rows(&c) * ((size_t)LEAF << width);
	uint8_t *at = calloc(1, own + course + rows + (pour_course_values(&c) << width) + LINE);
	if (!at)
		return NULL;
	struct pour *p = (void *)at;
	at += own + (LINE - (uintptr_t)at % LINE) % LINE;
	*p = (struct pour){.course = c, .rows = at + course, .values = at + course + rows};
	pour_course_place(&p->course, at);
	return p;
}

void pour_plan(planner *pl)
{
	kernel_plan *p = pl->p;
	const char *force = getenv("MMSB_REGIONS");
	uint64_t least = !force || !*force ? POUR_LEAST : *force == 'P' ? 0 : UINT64_MAX;
	uint32_t threads = pl->inst->threads > 1 ? (uint32_t)pl->inst->threads : 1;
	for (uint32_t id = 1; id < p->n_regions && p->pass && threads <= POUR_THREADS; id++) {
		region_plan *r = &p->regions[id];
		uint64_t n_keys = (uint64_t)(r->keys > 0 ? r->keys : 1);
		bool own = plan_is_the_variable(p, r->at), asked = own || pl->inst->pages[p->pass->page].count >= n_keys;
		if (!pour_possible(p, r) || !asked || n_keys > POUR_BYTES / (LEAF * 8) || r->driver->count < least)
			continue;
		r->pour = new_pour(n_keys, r->driver->count, threads, r->width);
		if (r->pour)
			r->pour->own = own;
	}
}

void pour_free(struct pour *p) { free(p); }

/* ---- pouring ----------------------------------------------------------------------------------- */

/* Lines are asked for when their turn is near, and written in order. */
#define DEFINE_POUR(T)                                                                                 \
	static void pour_##T(uint8_t *rows, const uint32_t *place, const void *values, uint32_t n)     \
	{                                                                                              \
		const T *value = values;                                                               \
		T *to = (T *)(void *)rows;                                                             \
		for (uint32_t i = 0; i < n; i++) {                                                     \
			fetch_to_write(&to[place[i]]);                                                 \
			to[place[i]] = value[i];                                                       \
		}                                                                                      \
	}
DEFINE_POUR(uint8_t)
DEFINE_POUR(uint16_t)
DEFINE_POUR(uint32_t)
DEFINE_POUR(uint64_t)

/* Values to the places that are listed. */
static void pour_values(uint8_t *to, unsigned width, const uint32_t *place, const void *values, uint32_t n)
{
	switch (width) {
	case 0: pour_uint8_t(to, place, values, n); break;
	case 1: pour_uint16_t(to, place, values, n); break;
	case 2: pour_uint32_t(to, place, values, n); break;
	default: pour_uint64_t(to, place, values, n);
	}
}

/* Leaves first .. end of the course hand their values on. */
static void give_leaves(worker *w, const region_plan *rp, uint32_t first, uint32_t end)
{
	const struct pour *p = rp->pour;
	const pour_course *c = &p->course;
	uint64_t values[TILE], scratch[LEAF / 2];
	for (uint32_t at = first, n; at < end; at += n) {
		n = end - at < TILE ? end - at : TILE;
		w->k->leaves[rp->def->op][rp->type](values, p->rows, c->first + at, c->n + at, n, scratch);
		pour_values(p->values, rp->width, c->to + at, values, n);
	}
}

static void give_nodes(worker *w, const region_plan *rp)
{
	const struct pour *p = rp->pour;
	const pour_course *c = &p->course;
	uint64_t values[TILE];
	uint32_t at = 0;
	for (uint32_t h = 0; h < POUR_HEIGHTS; h++) /* those of a height need none of the others */
		for (uint32_t n; at < c->levels[h]; at += n) {
			n = c->levels[h] - at < TILE ? c->levels[h] - at : TILE;
			w->k->op[rp->def->op][rp->type](values, p->values + ((size_t)at << rp->width), p->values + (((size_t)c->most + at) << rp->width), NULL, n);
			pour_values(p->values, rp->width, c->up + at, values, n);
		}
}

static void pour_part(worker *w, const region_plan *rp, uint32_t part)
{
	const struct pour *p = rp->pour;
	const pour_course *course = &p->course;
	run *c = &w->runs[rp->id];
	uint64_t tile = pour_course_part(course, part), end = pour_course_part(course, part + 1);
	uint32_t complete = tile > 0 ? course->ends[tile - 1] : 0;
	c->live = NULL;
	c->form = OUTER_ONE;
	c->outer_lane = 0;
	for (; tile < end; tile++) {
		uint64_t at = tile * TILE, left = course->n_positions - at;
		c->n = left < TILE ? (uint32_t)left : TILE;
		c->vars[rp->var] = (var_lanes){VAR_IOTA, (int64_t)at, NULL};
		run_code(w, c);
		lanes *value = &c->regs[rp->value];
		lanes_fill(w, value, rp->width, c->n);
		pour_values(p->rows, rp->width, course->place + at, value->at, c->n);
		give_leaves(w, rp, complete, course->ends[tile]);
		complete = course->ends[tile];
	}
}

/* Parts of the positions on all threads. */
static void pour_team(struct executor *ex, const kernel_plan *p, const region_plan *rp)
{
#ifdef _OPENMP
#pragma omp parallel num_threads((int)ex->n_workers)
	{
		worker *w = &ex->workers[omp_get_thread_num()];
		uint64_t env = fpenv_enter();
		worker_prepare(w, p);
#pragma omp for schedule(static, 1)
		for (uint32_t part = 0; part < rp->pour->course.n_parts; part++)
			pour_part(w, rp, part);
		fpenv_leave(env);
	}
#else
	(void)p;
	for (uint32_t part = 0; part < rp->pour->course.n_parts; part++)
		pour_part(&ex->workers[0], rp, part);
#endif
}

static void pour_region(struct executor *ex, const kernel_plan *p, const region_plan *rp)
{
	const pour_course *c = &rp->pour->course;
	worker *w = &ex->workers[0];
	uint64_t env = fpenv_enter();
	worker_prepare(w, p);
	if (c->n_parts > 1 && rp->weight * (double)c->n_positions >= TEAM * ex->grain)
		pour_team(ex, p, rp);
	else
		for (uint32_t part = 0; part < c->n_parts; part++)
			pour_part(w, rp, part);
	for (uint32_t i = 0; i < c->n_moves; i++)
		memcpy(rp->pour->rows + ((size_t)c->moves[i].to << rp->width), rp->pour->rows + ((size_t)c->moves[i].from << rp->width),
		       (size_t)c->moves[i].n << rp->width);
	give_leaves(w, rp, c->most - c->n_late, c->most);
	give_nodes(w, rp);
	fpenv_leave(env);
	rp->pour->given = true;
}

void pour_all(struct executor *ex, const kernel_plan *p)
{
	uint64_t fault_at = UINT64_MAX;
	for (uint32_t id = 1; id < p->n_regions; id++) {
		const region_plan *rp = &p->regions[id];
		if (!rp->pour || !index_is_complete(ex->groups[id]) || store_holds_most(rp) || !pour_course_follow(&rp->pour->course, ex->groups[id]))
			continue;
		ex->fault_at = &fault_at;
		pour_region(ex, p, rp);
	}
}

bool pour_worth(const kernel_plan *p)
{
	for (uint32_t id = 1; id < p->n_regions; id++) {
		const region_plan *rp = &p->regions[id];
		uint64_t anew = 0;
		if (!rp->pour || !rp->pour->own)
			continue;
		BITSET_FOR(&p->dirty->elements, element)
			anew += !store_holds_outer(rp, element);
		if (anew > p->dirty->elements.n / POUR_SHARE)
			return true;
	}
	return false;
}

void pour_end(const kernel_plan *p)
{
	for (uint32_t id = 1; id < p->n_regions; id++)
		if (p->regions[id].pour)
			p->regions[id].pour->given = false;
}

static uint64_t key_of(const struct pour *p, const region_plan *rp, const run *r, uint32_t lane)
{
	if (p->own)
		return (uint64_t)var_lane(&r->vars[r->plan->flat], lane);
	scalar v = reg_lane(&r->regs[rp->at], width_of(rp->def->at_type), lane);
	return rp->def->at_type == T_U32 ? v.U32 : v.U64;
}

bool pour_give(worker *w, run *r, const step *s)
{
	const region_plan *rp = s->child;
	const struct pour *p = rp->pour;
	if (!p || !p->given)
		return false;
	const uint8_t *of_keys = p->values + (2 * (size_t)p->course.most << rp->width);
	const lists *groups = &p->course.groups->positions;
	for (uint32_t lane = 0; lane < r->n; lane++) {
		uint64_t key = key_of(p, rp, r, lane), n = key < groups->n_lists ? lists_length(groups, key) : 0;
		scalar v = {0};
		if (n > 0) {
			memcpy(&v, of_keys + (key << rp->width), (size_t)1 << rp->width);
			give_value(w, r, s, lane, v, n);
		} else {
			give_identity(w, r, s, lane);
		}
	}
	return true;
}
