/* prefix.c - prefix reductions where the lanes of the region around run along the prefix's end: each position is evaluated
 * once, and what has been combined is kept from tile to tile. Dense prefixes take whole blocks of TILE: within a block the
 * values come of a scan, and the nodes of the blocks before are combined onto it, so that each has the bits of its own tree. They are kept
 * from epoch to epoch (store_prefix.c), or evaluated. */
#include <string.h>

#include "exec.h"
#include "store.h"

typedef struct prefix {
	worker *w;
	run *r, *c;
	const step *s;
	const region_plan *rp;
	int64_t first;          /* operands of the first lane */
	uint64_t element;       /* of the first lane */
} prefix;

/* Lanes that differ in nothing but the end of the prefix. */
static bool runs_along(const run *r, const region_plan *rp)
{
	if (r->vars[rp->at].form != VAR_IOTA)
		return false;
	for (uint32_t v = 0; v < r->plan->n_vars; v++)
		if (v != rp->at && v != r->plan->flat && r->vars[v].form != VAR_UNIFORM)
			return false;
	return true;
}

static bool same_row(const prefix *p)
{
	const run *r = p->r;
	bool same = p->c->scan_valid;
	for (uint32_t v = 0; v < r->plan->n_vars; v++) {
		if (v == p->rp->at || v == r->plan->flat)
			continue;
		same &= p->c->scan_key[v] == r->vars[v].start;
		p->c->scan_key[v] = r->vars[v].start;
	}
	return same;
}

/* Evaluates n positions from `from` on. */
static bool evaluate(const prefix *p, int64_t from, uint32_t n)
{
	run *c = p->c;
	c->n = n;
	c->live = NULL;
	c->vars[p->rp->var] = (var_lanes){VAR_IOTA, from, NULL};
	c->scan_first = from + p->rp->def->strict - p->r->vars[p->rp->at].start;
	bool any = run_code(p->w, c);
	if (any) /* else the code of the value did not run */
		lanes_fill(p->w, &c->regs[p->rp->value], p->rp->width, n);
	return any;
}

/* ---- everyone present -------------------------------------------------------------------------- */

static uint8_t *scan_tile(const prefix *p) { return p->w->arena + p->rp->stack; }

/* Makes the scan over the first n positions of block b stand in the scan tile. c->scanned: b * TILE + n of the last one. */
static void scan_block(const prefix *p, int64_t b, uint32_t n)
{
	run *c = p->c;
	if (c->scan_valid && c->scanned > b * TILE && c->scanned - b * TILE <= TILE && c->scanned - b * TILE >= n)
		return;
	evaluate(p, b * TILE, n);
	p->w->k->scan[p->rp->def->op][p->rp->type](scan_tile(p), c->regs[p->rp->value].at, n);
	c->scanned = b * TILE + n;
	c->scan_valid = true;
}

/* All blocks before b are in the counter: from what is kept of them, or evaluated. */
static void count_blocks(const prefix *p, int64_t b)
{
	reduction *red = p->c->red;
	if (red->chunks == (uint64_t)b || store_prefix_before(p->rp, p->element, (uint64_t)b, red))
		return;
	if (red->chunks > (uint64_t)b) {
		reduction_begin(red);
		p->c->scan_valid = false;
	}
	while (red->chunks < (uint64_t)b) {
		scan_block(p, (int64_t)red->chunks, TILE);
		scalar total = {0};
		memcpy(&total, scan_tile(p) + ((size_t)(TILE - 1) << p->rp->width), (size_t)1 << p->rp->width);
		reduction_push_block(red, total);
	}
}

/* The nodes of the blocks before, from the nearest to the farthest, each on the left of what is there. */
static void join_blocks(const prefix *p, void *values, uint32_t n)
{
	reduction *red = p->c->red;
	void *left = p->w->arena + p->rp->places[PLACE_SPARE];
	for (unsigned d = 0; d < 64 && red->chunks >> d; d++) {
		if (!(red->chunks >> d & 1))
			continue;
		p->w->k->fill[p->rp->width](left, &red->levels[d], n);
		p->w->k->op[p->rp->def->op][p->rp->type](values, left, values, NULL, n);
	}
}

static void dense_lanes(const prefix *p)
{
	unsigned width = p->rp->width;
	uint8_t *dst = p->w->arena + p->s->place;
	uint32_t n = p->r->n, lane = 0;
	if (p->first == 0)
		give_identity(p->w, p->r, p->s, lane++);
	while (lane < n) {
		int64_t last = p->first + lane - 1, b = last / TILE;
		uint32_t from = (uint32_t)(last % TILE), m = n - lane < TILE - from ? n - lane : TILE - from;
		count_blocks(p, b);
		scan_block(p, b, from + m);
		memcpy(dst + ((size_t)lane << width), scan_tile(p) + ((size_t)from << width), (size_t)m << width);
		join_blocks(p, dst + ((size_t)lane << width), m);
		lane += m;
	}
	if (p->s->count != NONE)
		p->w->k->iota((void *)(p->w->arena + p->s->count_place), p->first, 1, n);
}

/* ---- some present, or argmin and argmax ---------------------------------------------------------- */

static void push_one(const prefix *p, uint32_t i, int64_t position)
{
	uint64_t scratch[1];
	const lanes *value = &p->c->regs[p->rp->value];
	reduction_push(p->c->red, (const uint8_t *)value->at + ((size_t)i << p->rp->width), 1, &position, scratch);
}

static void give_peek(const prefix *p, uint32_t lane, bool renew, scalar *value, bool *have)
{
	if (renew)
		*have = reduction_value(p->c->red, value);
	if (*have)
		give_value(p->w, p->r, p->s, lane, *value, p->c->red->n);
	else
		give_identity(p->w, p->r, p->s, lane);
}

static void listed_lanes(const prefix *p)
{
	run *c = p->c;
	if (!c->scan_valid || c->scanned > p->first) {
		reduction_begin(c->red);
		c->scanned = 0;
		c->scan_valid = true;
	}
	scalar value = {0};
	bool have = false;
	int64_t last = p->first + p->r->n - 1, end = last;
	if (c->scanned == p->first)
		give_peek(p, 0, true, &value, &have);
	while (c->scanned < end) {
		uint32_t n = end - c->scanned < TILE ? (uint32_t)(end - c->scanned) : TILE;
		bool any = evaluate(p, c->scanned, n);
		for (uint32_t i = 0; i < n; i++) {
			bool present = any && (!c->live || c->live[i]);
			if (present)
				push_one(p, i, c->scanned);
			c->scanned++;
			if (c->scanned >= p->first)
				give_peek(p, (uint32_t)(c->scanned - p->first), present || c->scanned == p->first, &value, &have);
		}
	}
}

bool reduce_prefix(worker *w, run *r, const step *s)
{
	const region_plan *rp = s->child;
	prefix p = {w, r, &w->runs[rp->id], s, rp, 0, 0};
	/* where lanes around do not count, a failure would have to be told for the first that does */
	if (w->ex->force || rp->extent == 0 || r->live || !runs_along(r, rp))
		return false;
	p.first = r->vars[rp->at].start + !rp->def->strict;
	if (r->plan->flat != NONE)
		p.element = (uint64_t)r->vars[r->plan->flat].start;
	p.c->parent = r;
	if (!same_row(&p)) {
		p.c->scan_valid = false;
		p.c->scanned = 0;
		reduction_begin(p.c->red);
	}
	p.c->form = OUTER_ONE;
	p.c->outer_lane = 0;
	run_import(w, p.c);
	p.c->form = OUTER_SCAN;
	if (rp->where == NONE && rp->kind != RED_ARG)
		dense_lanes(&p);
	else
		listed_lanes(&p);
	return true;
}
