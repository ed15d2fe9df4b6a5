/* blocks.c - runs functions that compute reductions block by block (native_block.h): packs what belongs to rows, finds where lanes lie, and keeps the
 * values of some rows until the code of the region around asks for them. */
#include "blocks.h"

#include <string.h>

#include "block.h"
#include "native_block.h"
#include "plan.h"
#include "store.h"

/* Rows of a block: what they need of operands and of nodes stays in near caches. Of lanes that have to be packed first, more of them. Of fewer
 * than LEAST rows, or positions, nothing is gained. ROW_BYTES: packed rows take no more. */
enum { ROWS = 64, ROWS_PACKED = 128, LEAST = 8, LEAST_POSITIONS = 16, ROW_BYTES = 8 << 20, MOST_POSITIONS = 1 << 20 };

typedef struct block_input {
	uint8_t kind;           /* block_kind */
	const read_plan *read;  /* ROWS, LANES */
	scalar value;           /* ONE */
	int64_t coef[MAX_DIMS]; /* of the position in the page: of the domain's variables */
	int64_t step;           /* ... of the reduction's */
	int64_t constant;
	bool packed;            /* LANES: they do not lie side by side */
	size_t room;            /* of what is packed, in the worker's room */
} block_input;

typedef struct block_plan {
	native_fn *fn;
	uint32_t n_in, rows;
	const block_input *in;
	uint8_t width;
	size_t positions;
	uint32_t n_lanes;       /* of a call */
	size_t values, result, nodes, room; /* places in the worker's room, and its size */
} block_plan;

/* ---- plans ------------------------------------------------------------------------------------- */

static int64_t coef_of(planner *pl, const region_plan *at, const read_plan *read, uint32_t var)
{
	uint32_t local = find_var(pl, at, var);
	for (uint32_t t = 0; local != NONE && t < read->n_terms; t++)
		if (read->terms[t].var == local)
			return read->terms[t].coef;
	return 0;
}

static bool plan_input(planner *pl, const region_plan *r, const block_operand *o, block_input *in)
{
	const sch_instr *src = instr_of(pl, o->instr);
	*in = (block_input){.kind = o->kind};
	if (o->kind == BLOCK_ONE) {
		in->value = pl->inst->params[src->a];
		return true;
	}
	const region_plan *at = &pl->p->regions[pl->def_region[src->dst]];
	in->read = &pl->p->reads[src->a];
	if (!in->read->def || in->read->empty || in->read->from->element == 0)
		return false;
	for (uint32_t v = 0; v < pl->p->regions[0].def->n_vars; v++)
		in->coef[v] = coef_of(pl, at, in->read, v);
	in->step = at == r ? coef_of(pl, at, in->read, r->def->first_var) : 0;
	in->constant = in->read->constant + in->step * r->lo;
	return true;
}

static size_t packed_positions(size_t n) { return (n + MMSB_BLOCK_PACK - 1) / MMSB_BLOCK_PACK * MMSB_BLOCK_PACK; }

/* Places in the room of a worker. */
static void place(block_plan *b, block_input *in)
{
	size_t at = 0, levels = 1;
	while (levels < 64 && b->positions >> levels)
		levels++;
	b->values = at;
	at += (size_t)b->rows * TILE << b->width;
	b->result = at;
	at += (size_t)b->rows * MMSB_BLOCK_LANES;
	b->nodes = at;
	at += levels * b->rows * MMSB_BLOCK_LANES;
	for (uint32_t i = 0; i < b->n_in; i++) {
		in[i].room = at;
		if (in[i].kind == BLOCK_ROWS)
			at += b->rows * packed_positions(b->positions) << b->width;
		else if (in[i].packed)
			at += b->positions * MMSB_BLOCK_LANES;
	}
	b->room = at;
}

/* How many rows a block has; 0: there are too few, or too many positions. */
static uint32_t rows_of(const block_plan *b, const block_input *in, const page *to)
{
	size_t row_bytes = 0;
	uint32_t rows = ROWS;
	for (uint32_t i = 0; i < b->n_in; i++) {
		row_bytes += in[i].kind == BLOCK_ROWS ? packed_positions(b->positions) << b->width : 0;
		rows = in[i].packed ? ROWS_PACKED : rows;
	}
	while (rows >= LEAST && rows * row_bytes > ROW_BYTES)
		rows /= 2;
	return rows < LEAST || to->dims[to->def->ndim - 2] < LEAST ? 0 : rows;
}

const block_plan *block_plan_new(planner *pl, const region_plan *r, uint32_t pass)
{
	char name[NATIVE_NAME];
	native_block found;
	const page *to = &pl->inst->pages[pl->s->passes[pass].page];
	if (!native_block_find(&found, pl->s, pass, r->id))
		return NULL;
	native_block_name(name, pl->s, pass, r->id);
	native_fn *fn = native_find(pl->inst->owner, name);
	block_plan *b = plan_take(pl, 1, sizeof *b);
	block_input *in = plan_take(pl, found.n_in, sizeof *in);
	if (!fn || pl->failed || r->extent < LEAST_POSITIONS || r->extent > MOST_POSITIONS)
		return NULL;
	*b = (block_plan){.fn = fn, .n_in = found.n_in, .in = in, .width = r->width, .positions = (size_t)r->extent, .n_lanes = MMSB_BLOCK_LANES >> r->width};
	uint32_t last = pl->p->regions[0].def->n_vars - 1;
	for (uint32_t i = 0; i < b->n_in; i++) {
		if (!plan_input(pl, r, &found.in[i], &in[i]))
			return NULL;
		in[i].packed = in[i].kind == BLOCK_LANES && (in[i].coef[last] != 1 || in[i].step < 0 || to->dims[last] < b->n_lanes);
	}
	b->rows = rows_of(b, in, to);
	place(b, in);
	return b->rows ? b : NULL;
}

uint32_t blocks_rows(const kernel_plan *p)
{
	uint32_t rows = ROWS_PACKED;
	for (uint32_t i = 1; i < p->n_regions; i++)
		if (p->regions[i].block && p->regions[i].block->rows < rows)
			rows = p->regions[i].block->rows;
	return rows;
}

size_t blocks_room(const struct executor *ex)
{
	size_t most = 0;
	for (uint32_t i = 0; ex->passes && i < ex->inst->sch->n_passes; i++) {
		size_t bytes = 0;
		for (uint32_t r = 1; r < ex->passes[i]->n_regions; r++)
			bytes += ex->passes[i]->regions[r].block ? ex->passes[i]->regions[r].block->room : 0;
		most = bytes > most ? bytes : most;
	}
	return most;
}

bool blocks_ready(const struct executor *ex, const kernel_plan *p)
{
	bool any = false;
	if (ex->force || ex->support)
		return false;
	for (uint32_t r = 1; r < p->n_regions; r++) {
		const block_plan *b = p->regions[r].block;
		if (!b)
			continue;
		if (store_holds_any(&p->regions[r]))
			return false;
		for (uint32_t i = 0; i < b->n_in; i++)
			if (b->in[i].read && ex->reads[b->in[i].read - p->reads].stride != (size_t)1 << b->width)
				return false;
		any = true;
	}
	return any;
}

/* ---- running ----------------------------------------------------------------------------------- */

/* A block at work. */
typedef struct block {
	worker *w;
	const block_plan *b;
	uint8_t *room;
	int64_t at[MAX_DIMS];   /* variables of its first element */
	uint32_t last;          /* the number of the last variable */
	int64_t length;         /* of a row of the page */
	uint32_t rows;
} block;

/* Position 0 of an operand in the first row, at a lane. */
static const uint8_t *operand_at(const block *k, const block_input *in, int64_t lane)
{
	const read_now *now = &k->w->ex->reads[in->read - k->w->ex->plan->reads];
	int64_t position = in->constant + in->coef[k->last] * lane;
	for (uint32_t v = 0; v < k->last; v++)
		position += in->coef[v] * k->at[v];
	return now->base + ((uint64_t)position << k->b->width);
}

#define DEFINE_PACK(T)                                                                                                                 \
	/* 16 positions of a row, and those of the next. */                                                                            \
	static void pack_rows_##T(T *to, const T *from, int64_t along, int64_t row, uint32_t rows, size_t n)                            \
	{                                                                                                                              \
		for (size_t k = 0; k < n; k += MMSB_BLOCK_PACK, from += along * MMSB_BLOCK_PACK)                                        \
			for (uint32_t r = 0; r < rows; r++, to += MMSB_BLOCK_PACK)                                                     \
				for (size_t i = 0; i < MMSB_BLOCK_PACK && k + i < n; i++)                                              \
					to[i] = from[row * r + along * (int64_t)i];                                                     \
	}                                                                                                                              \
	/* Lanes of a position side by side; those that are not there are zero. */                                                     \
	static void pack_lanes_##T(T *to, const T *from, int64_t along, int64_t lane, uint32_t there, uint32_t most, size_t n)          \
	{                                                                                                                              \
		for (size_t k = 0; k < n; k += MMSB_BLOCK_PACK)                                                                        \
			for (uint32_t l = 0; l < most; l++)                                                                            \
				for (size_t i = k; i < n && i < k + MMSB_BLOCK_PACK; i++)                                              \
					to[i * most + l] = l < there ? from[along * (int64_t)i + lane * l] : 0;                         \
	}
DEFINE_PACK(uint32_t)
DEFINE_PACK(uint64_t)

static void pack_rows(const block *k)
{
	for (uint32_t i = 0; i < k->b->n_in; i++) {
		const block_input *in = &k->b->in[i];
		if (in->kind != BLOCK_ROWS)
			continue;
		void *to = k->room + in->room;
		const void *from = operand_at(k, in, 0);
		if (k->b->width == 2)
			pack_rows_uint32_t(to, from, in->step, in->coef[k->last - 1], k->rows, k->b->positions);
		else
			pack_rows_uint64_t(to, from, in->step, in->coef[k->last - 1], k->rows, k->b->positions);
	}
}

static const void *lanes_at(const block *k, const block_input *in, int64_t lane, uint32_t n, size_t *apart)
{
	const void *from = operand_at(k, in, lane);
	*apart = (size_t)in->step;
	if (!in->packed)
		return from;
	*apart = k->b->n_lanes;
	if (k->b->width == 2)
		pack_lanes_uint32_t((void *)(k->room + in->room), from, in->step, in->coef[k->last], n, k->b->n_lanes, k->b->positions);
	else
		pack_lanes_uint64_t((void *)(k->room + in->room), from, in->step, in->coef[k->last], n, k->b->n_lanes, k->b->positions);
	return k->room + in->room;
}

/* The n lanes from `lane` on, no more than a call has, to place `first` of the values. Where that is more than the row has left, it takes lanes before them, too. */
static void compute_lanes(const block *k, int64_t lane, uint32_t n, uint32_t first)
{
	const block_plan *b = k->b;
	const void *in[BLOCK_OPERANDS + 1];
	size_t shape[BLOCK_OPERANDS + 1] = {k->rows};
	int64_t begin = lane + b->n_lanes <= k->length ? lane : k->length > b->n_lanes ? k->length - b->n_lanes : 0;
	uint32_t there = (uint32_t)(k->length - begin < b->n_lanes ? k->length - begin : b->n_lanes);
	for (uint32_t i = 0; i < b->n_in; i++) {
		const block_input *input = &b->in[i];
		if (input->kind == BLOCK_ONE)
			in[i] = &input->value;
		else
			in[i] = input->kind == BLOCK_ROWS ? k->room + input->room : lanes_at(k, input, begin, there, &shape[i + 1]);
	}
	in[b->n_in] = shape;
	void *const out[2] = {k->room + b->result, k->room + b->nodes};
	b->fn(out, in, b->positions);
	for (uint32_t r = 0; r < k->rows; r++)
		memcpy(k->room + b->values + (((size_t)r * TILE + first) << b->width),
		       k->room + b->result + (size_t)r * MMSB_BLOCK_LANES + ((size_t)(lane - begin) << b->width), (size_t)n << b->width);
}

void blocks_compute(worker *w, const kernel_plan *p, const page *to, uint64_t row, uint32_t rows, uint64_t lane, uint32_t n)
{
	block k = {.w = w, .room = w->blocks, .last = p->regions[0].def->n_vars - 1, .rows = rows};
	for (uint32_t v = k.last; v-- > 0; row /= (uint64_t)to->dims[v])
		k.at[v] = (int64_t)(row % (uint64_t)to->dims[v]);
	k.length = to->dims[k.last];
	for (uint32_t r = 1; r < p->n_regions; r++) {
		k.b = p->regions[r].block;
		if (!k.b)
			continue;
		pack_rows(&k);
		for (uint32_t at = 0; at < n; at += k.b->n_lanes)
			compute_lanes(&k, (int64_t)lane + at, n - at < k.b->n_lanes ? n - at : k.b->n_lanes, at);
		k.room += k.b->room;
		w->operands += (uint64_t)rows * n * k.b->positions;
	}
}

bool blocks_give(worker *w, run *r, const step *s)
{
	const uint8_t *room = w->blocks;
	const uint32_t row = w->block_row;
	if (row == NONE || r->plan->id != 0)
		return false;
	for (uint32_t i = 1; i < s->child->id; i++) {
		const block_plan *before = w->ex->plan->regions[i].block;
		room += before ? before->room : 0;
	}
	r->regs[s->dst].at = (void *)(uintptr_t)(room + s->child->block->values + ((size_t)row * TILE << s->child->block->width));
	if (s->count != NONE)
		w->k->iota((void *)(w->arena + s->count_place), (int64_t)s->child->block->positions, 0, r->n);
	return true;
}
