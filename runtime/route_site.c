/* route_site.c - reverse indexes of computed indices. */
#include "route_site.h"

#include <stdlib.h>
#include <string.h>

#include "dirty.h"
#include "fpenv.h"
#include "index.h"

enum {
	MOST_REGIONS = 16,      /* around a register */
	SITE_BYTES = 16 << 20,  /* that sites may take besides what the dense pages do */
	SITE_COST = 16,         /* of a site: what it comes to, its list */
	FOLLOW_SHARE = 16,      /* from there on changes are not followed that nobody asks for */
	MANY_IMAGES = 64, IMAGE_SHARE = 64 /* as route_solve.c follows */
};

/* Steps of a region, in the order of running. */
typedef struct site_steps {
	const region_plan *region;
	const step **at;
	uint32_t n;
} site_steps;

typedef struct site_var {
	uint32_t var;           /* of the kernel */
	const region_plan *owner;
	uint32_t local;         /* in its owner */
	int64_t lo, extent;
	int64_t *lanes;         /* TILE */
} site_var;

/* A read that the index is computed from. */
typedef struct site_read {
	uint32_t read;
	bool same;              /* position p is site p */
} site_read;

struct route_site {
	uint32_t reg, local;
	uint8_t view, type;     /* type: of the register */
	int64_t extent;
	site_steps regions[MOST_REGIONS]; /* from the register's outwards */
	uint32_t n_regions;
	site_var vars[MAX_DIMS];
	uint32_t n_vars;
	int64_t *flat;          /* TILE: positions in the page, as reads of its shape go by */
	site_read *reads;
	uint32_t n_reads;
	uint64_t n;             /* sites */
	uint32_t *at;           /* by site: what it comes to; `extent`: nowhere */
	group_index *groups;
	uint64_t synced, ready; /* it follows as of the end of this epoch; may be used in this one */
};

/* ---- which registers --------------------------------------------------------------------------- */

static bool has_open(const route_node *n) { return n && (n->op == NODE_FREE || has_open(n->a) || has_open(n->b)); }

static bool has_many(const route_node *n, int64_t most)
{
	if (!n)
		return false;
	return (n->op == NODE_MOD && (n->a->hi - n->a->lo) / n->constant >= most) || has_many(n->a, most) || has_many(n->b, most);
}

bool route_node_is_open(const planner *pl, const route_node *n, uint8_t view, int64_t extent)
{
	uint64_t share = pl->inst->pages[pl->p->pass->page].count / IMAGE_SHARE;
	int64_t most = share > MANY_IMAGES ? (int64_t)share : MANY_IMAGES;
	bool around = (view == RV_WRAP || view == RV_MIRROR) && extent > 0;
	return !n || has_open(n) || has_many(n, most) || (around && (n->hi - n->lo) / extent >= most);
}

typedef struct slice {
	planner *pl;
	struct route_site *site;
	uint8_t *needed;        /* locals of the region at hand */
	bool failed;
} slice;

static void need_local(void *context, uint32_t local) { ((slice *)context)->needed[local] = 1; }

static void need_var(slice *s, uint32_t var)
{
	struct route_site *x = s->site;
	const kernel_plan *p = s->pl->p;
	for (uint32_t i = 0; i < x->n_vars; i++)
		if (x->vars[i].var == var)
			return;
	const region_plan *owner = NULL;
	for (uint32_t r = 0; r < p->n_regions; r++)
		if (var >= p->regions[r].def->first_var && var < p->regions[r].def->first_var + p->regions[r].def->n_vars)
			owner = &p->regions[r];
	int64_t lo, hi;
	route_range_of_var(s->pl, var, &lo, &hi);
	s->failed |= !owner || x->n_vars == MAX_DIMS || hi < lo || __builtin_mul_overflow(x->n, (uint64_t)(hi - lo + 1), &x->n);
	if (s->failed)
		return;
	int64_t *values = plan_take(s->pl, TILE, sizeof *values);
	x->vars[x->n_vars++] = (site_var){var, owner, owner->id == 0 ? p->root_vars[var - owner->def->first_var] : owner->var, lo, hi - lo + 1, values};
}

/* A read at values of variables, or at registers that are needed besides. */
static void need_read(slice *s, const step *st)
{
	const sch_read *read = st->read->def;
	struct route_site *x = s->site;
	s->failed |= st->read->own || read->cls == READ_ENTRY || read->cls == READ_LOOKUP;
	for (uint32_t d = 0; d < read->n_index && !s->failed; d++) {
		const sch_index *index = &s->pl->s->indices[read->first_index + d];
		for (uint32_t t = 0; t < index->n_terms && index->reg == NONE; t++)
			if (s->pl->s->terms[index->first_term + t].kind == TERM_VAR)
				need_var(s, s->pl->s->terms[index->first_term + t].id);
	}
	site_read *more = plan_more(s->pl, x->reads, x->n_reads, sizeof *more);
	if (s->pl->failed)
		return;
	x->reads = more;
	more[x->n_reads++] = (site_read){(uint32_t)(read - &s->pl->s->reads[s->pl->p->def->first_read]), false};
}

static void need_step(slice *s, const step *st)
{
	s->failed |= st->code == CODE_REDUCE;
	if (st->code == CODE_VAR)
		need_var(s, st->def->a);
	if (st->code == CODE_READ)
		need_read(s, st);
	plan_each_use(st, need_local, s);
}

/* The steps of a region that make the needed locals; what they need of the region around. */
static uint8_t *slice_region(slice *s, const region_plan *r)
{
	struct route_site *x = s->site;
	site_steps *out = &x->regions[x->n_regions++];
	*out = (site_steps){r, plan_take(s->pl, r->n_steps, sizeof *out->at), 0};
	uint8_t *outer = plan_take(s->pl, (r->parent ? r->parent->n_locals : 0) + 1u, 1);
	for (uint32_t i = r->n_steps; i-- > 0 && !s->pl->failed && !s->failed;) {
		const step *st = &r->steps[i];
		if (!s->needed[st->dst] && (st->count == NONE || !s->needed[st->count]))
			continue;
		need_step(s, st);
		out->at[out->n++] = st;
	}
	for (uint32_t i = 0; i < out->n / 2; i++) {
		const step *st = out->at[i];
		out->at[i] = out->at[out->n - 1 - i];
		out->at[out->n - 1 - i] = st;
	}
	for (uint32_t i = 0; i < r->n_imports && !s->pl->failed; i++)
		if (s->needed[r->imports[i].to])
			outer[r->imports[i].from] = 1;
	return outer;
}

static const step *step_of(const planner *pl, const region_plan *r, uint32_t reg)
{
	for (uint32_t i = 0; i < r->n_steps; i++)
		if (r->steps[i].def == instr_of(pl, pl->def_instr[reg]) && r->steps[i].def->dst == reg)
			return &r->steps[i];
	return NULL;
}

static bool find_steps(planner *pl, struct route_site *x)
{
	const region_plan *r = &pl->p->regions[pl->def_region[x->reg]];
	const step *last = step_of(pl, r, x->reg);
	slice s = {pl, x, plan_take(pl, r->n_locals + 1u, 1), !last};
	if (s.failed || pl->failed)
		return false;
	x->local = last->dst;
	s.needed[last->dst] = 1;
	for (; r && !s.failed && !pl->failed; r = r->parent) {
		if (x->n_regions == MOST_REGIONS)
			return false;
		s.needed = slice_region(&s, r);
	}
	return !s.failed && !pl->failed;
}

/* A read at the site's variables, as they are, of a page with their dimensions. */
static bool is_same(const planner *pl, const struct route_site *x, uint32_t id)
{
	const sch_read *read = &pl->s->reads[pl->p->def->first_read + id];
	const page *from = &pl->inst->pages[read->page];
	bool same = read->n_index == x->n_vars && read->view == RV_NONE && !read->prev;
	for (uint32_t d = 0; d < read->n_index && same; d++) {
		const sch_index *index = &pl->s->indices[read->first_index + d];
		const sch_term *t = &pl->s->terms[index->first_term];
		same = index->reg == NONE && index->constant == 0 && index->n_terms == 1 && t->kind == TERM_VAR && t->coef == 1 && t->id == x->vars[d].var && x->vars[d].lo == 0 &&
		       x->vars[d].extent == from->dims[d];
	}
	return same;
}

struct route_site *route_site_of(planner *pl, uint32_t reg, uint8_t view, int64_t extent)
{
	kernel_plan *p = pl->p;
	for (uint32_t i = 0; i < p->n_sites; i++)
		if (p->sites[i]->reg == reg && p->sites[i]->view == view && p->sites[i]->extent == extent)
			return p->sites[i];
	struct route_site *x = plan_take(pl, 1, sizeof *x), **more = plan_more(pl, p->sites, p->n_sites, sizeof *more);
	if (pl->failed || extent <= 0 || extent >= UINT32_MAX)
		return NULL;
	p->sites = more;
	*x = (struct route_site){.reg = reg, .view = view, .type = type_of(pl, reg), .extent = extent, .n = 1, .flat = plan_take(pl, TILE, sizeof *x->flat)};
	if ((x->type != T_I64 && x->type != T_U32) || !find_steps(pl, x) || x->n == 0 || x->n >= UINT32_MAX || x->n * SITE_COST > pl->inst->arena.bytes + SITE_BYTES)
		return NULL;
	for (uint32_t i = 0; i < x->n_reads; i++)
		x->reads[i].same = is_same(pl, x, x->reads[i].read);
	p->sites[p->n_sites++] = x;
	return x;
}

void route_sites_free(kernel_plan *p)
{
	for (uint32_t i = 0; i < p->n_sites; i++) {
		index_free(p->sites[i]->groups);
		free(p->sites[i]->at);
	}
}

void route_sites_forget(const kernel_plan *p)
{
	for (uint32_t i = 0; i < p->n_sites; i++) {
		p->sites[i]->ready = 0;
		if (p->sites[i]->groups)
			index_forget(p->sites[i]->groups);
	}
}

/* ---- what sites come to ------------------------------------------------------------------------ */

static void set_vars(worker *w, const region_plan *rp, const struct route_site *x)
{
	run *r = &w->runs[rp->id];
	const kernel_plan *p = w->ex->plan;
	for (uint32_t d = 0; d < rp->def->n_vars; d++)
		r->vars[rp->id == 0 ? p->root_vars[d] : rp->var] = (var_lanes){VAR_UNIFORM, rp->lo, NULL};
	if (rp->flat != NONE)
		r->vars[rp->flat] = (var_lanes){VAR_I64, 0, x->flat};
	if (rp->entry != NONE)
		r->vars[rp->entry] = (var_lanes){VAR_UNIFORM, 0, NULL};
	for (uint32_t i = 0; i < x->n_vars; i++)
		if (x->vars[i].owner == rp)
			r->vars[x->vars[i].local] = (var_lanes){VAR_I64, 0, x->vars[i].lanes};
}

static uint32_t place_of(const struct route_site *x, const lanes *l, uint32_t lane)
{
	int64_t v = reg_lane(l, width_of(x->type), lane).I64, at = x->type == T_U32 ? (int64_t)(uint32_t)v : v;
	at = view_position(x->view, at, x->extent);
	return at < 0 || at >= x->extent ? (uint32_t)x->extent : (uint32_t)at;
}

static void set_lane(const page *to, const struct route_site *x, uint64_t site, uint32_t lane)
{
	x->flat[lane] = 0;
	for (uint32_t i = x->n_vars; i-- > 0; site /= (uint64_t)x->vars[i].extent) {
		const site_var *v = &x->vars[i];
		v->lanes[lane] = v->lo + (int64_t)(site % (uint64_t)v->extent);
		if (v->owner->id == 0)
			x->flat[lane] += v->lanes[lane] * to->strides[v->var];
	}
}

/* n sites, at most TILE. */
static void evaluate(worker *w, const struct route_site *x, const uint64_t *sites, uint32_t n)
{
	for (uint32_t lane = 0; lane < n; lane++)
		set_lane(&w->ex->inst->pages[w->ex->plan->pass->page], x, sites[lane], lane);
	for (uint32_t g = x->n_regions; g-- > 0;) {
		const site_steps *steps = &x->regions[g];
		run *r = &w->runs[steps->region->id];
		r->n = n;
		r->live = NULL;
		r->form = OUTER_SAME;
		set_vars(w, steps->region, x);
		if (steps->region->parent)
			run_import(w, r);
		for (uint32_t i = 0; i < steps->n; i++)
			run_step(w, r, steps->at[i]);
	}
	const lanes *l = &w->runs[x->regions[0].region->id].regs[x->local];
	for (uint32_t lane = 0; lane < n; lane++)
		x->at[sites[lane]] = place_of(x, l, lane);
}

static void evaluate_all(worker *w, const struct route_site *x)
{
	uint64_t sites[TILE];
	for (uint64_t at = 0; at < x->n; at += TILE) {
		uint32_t n = (uint32_t)(x->n - at < TILE ? x->n - at : TILE);
		for (uint32_t i = 0; i < n; i++)
			sites[i] = at + i;
		evaluate(w, x, sites, n);
	}
}

static void evaluate_some(worker *w, const struct route_site *x, const bitset *changed)
{
	uint64_t sites[TILE];
	uint32_t n = 0;
	BITSET_FOR(changed, site) {
		sites[n++] = site;
		if (n == TILE) {
			evaluate(w, x, sites, n);
			n = 0;
		}
	}
	if (n > 0)
		evaluate(w, x, sites, n);
}

/* ---- following --------------------------------------------------------------------------------- */

/* What has changed since the sites were followed last: nothing; at sites that a set names; anything. */
typedef enum since { SINCE_NOTHING, SINCE_SOME, SINCE_ANYTHING } since;

static since changed_since(const kernel_plan *p, const struct route_site *x, const site_read *r, uint64_t epoch, const bitset **set)
{
	const read_plan *rp = &p->reads[r->read];
	const page *from = rp->from;
	uint64_t changed = rp->def->prev ? from->changed_before + 1 : from->changed;
	if (changed <= x->synced || changed == 0 || (rp->def->prev && changed == 1))
		return SINCE_NOTHING;
	if (!r->same || changed != epoch || from->changed_before > x->synced || !from->now)
		return SINCE_ANYTHING;
	const change_set *now = &from->now[column_number(from, rp->def->field)];
	*set = &now->bits;
	return now->all ? SINCE_ANYTHING : SINCE_SOME;
}

static bool take_memory(struct route_site *x)
{
	if (!x->at)
		x->at = malloc(x->n * sizeof *x->at);
	if (!x->groups)
		x->groups = index_new((uint64_t)x->extent, x->n);
	return x->at && x->groups;
}

/* Some of what it is computed from is not at hand. */
static bool is_stale(const kernel_plan *p, const struct route_site *x)
{
	bool stale = false;
	for (uint32_t i = 0; i < x->n_reads; i++)
		stale |= p->reads[x->reads[i].read].from->stale || p->reads[x->reads[i].read].from->away;
	return stale;
}

/* Something else has changed than what the sites are computed from: routes may lead through them. */
static bool is_asked(const kernel_plan *p, const struct route_site *x, uint64_t epoch)
{
	bool asked = false;
	for (uint32_t i = 0; i < p->n_reads; i++) {
		bool own = !p->reads[i].def || !page_changed_in(p->reads[i].from, epoch, p->reads[i].def->prev);
		for (uint32_t k = 0; k < x->n_reads && !own; k++)
			own = x->reads[k].read == i;
		asked |= !own;
	}
	for (uint32_t i = 0; i < p->n_regions; i++)
		asked |= p->regions[i].driver && page_changed_in(p->regions[i].driver, epoch, p->regions[i].def->prev);
	return asked;
}

static void follow(struct executor *ex, const kernel_plan *p, struct route_site *x, uint64_t epoch)
{
	worker *w = &ex->workers[0];
	const bitset *sets[MAX_DIMS];
	uint32_t n = 0;
	bool asked = is_asked(p, x, epoch);
	x->ready = 0;
	if (is_stale(p, x) || (!asked && !(x->groups && x->groups->built)) || !take_memory(x))
		return;
	const column places = {(uint8_t *)x->at, sizeof *x->at, T_U32};
	bool all = !x->groups->built, many = false;
	for (uint32_t i = 0; i < x->n_reads && !all; i++) {
		const bitset *set = NULL;
		since s = changed_since(p, x, &x->reads[i], epoch, &set);
		all |= s == SINCE_ANYTHING || (s == SINCE_SOME && n == MAX_DIMS);
		if (s == SINCE_SOME && !all)
			sets[n++] = set;
		many |= set && bitset_above(set, x->n / FOLLOW_SHARE);
	}
	if (!asked && (all || many)) {
		index_forget(x->groups);
		return;
	}
	if (all)
		evaluate_all(w, x);
	for (uint32_t i = 0; i < n && !all; i++)
		evaluate_some(w, x, sets[i]);
	int status = all ? index_update(x->groups, &places, NULL, epoch, epoch) : MMSB_OK;
	for (uint32_t i = 0; i < n && !all && !status; i++)
		status = index_update(x->groups, &places, sets[i], epoch, epoch);
	x->synced = epoch;
	x->ready = status ? 0 : epoch;
}

void route_sites_follow(struct executor *ex, const kernel_plan *p, uint64_t epoch)
{
	uint64_t fault_at = UINT64_MAX, env;
	worker *w = &ex->workers[0];
	if (p->n_sites == 0)
		return;
	ex->fault_at = &fault_at;
	env = fpenv_enter();
	worker_prepare(w, p);
	for (uint32_t i = 0; i < p->n_sites; i++)
		follow(ex, p, p->sites[i], epoch);
	fpenv_leave(env);
	w->fault.any = false; /* the pass tells of what fails where it counts */
}

/* ---- walks ------------------------------------------------------------------------------------- */

/* The variables are as at a site, if they may be. */
static void go_on_at(walk *q, const struct route_site *x, uint32_t i, uint64_t site)
{
	interval was[MAX_DIMS];
	bool within = true;
	for (uint32_t k = x->n_vars; k-- > 0;) {
		int64_t v = x->vars[k].lo + (int64_t)(site % (uint64_t)x->vars[k].extent);
		interval *of = &q->vars[x->vars[k].var];
		site /= (uint64_t)x->vars[k].extent;
		was[k] = *of;
		within &= v >= of->lo && v < of->hi;
		*of = (interval){v, v + 1};
	}
	if (within)
		route_step_on(q, i + 1);
	for (uint32_t k = 0; k < x->n_vars; k++)
		q->vars[x->vars[k].var] = was[k];
}

void route_each_site(walk *q, uint32_t i)
{
	const route_step *s = &q->r->steps[i];
	const struct route_site *x = s->site;
	int64_t v = q->values[s->slot];
	if (x->ready != q->ex->inst->at_hand || x->ready == 0) {
		q->sink->all = true;
		return;
	}
	if (v < 0 || v >= x->extent)
		return;
	LISTS_FOR(&x->groups->positions, (uint64_t)v, at) {
		if (q->sink->all)
			return;
		go_on_at(q, x, i, x->groups->positions.key[at]);
	}
}
