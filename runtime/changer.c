/* Random changes of a source page. */
#include "changer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"

/* One value of an element: the only one, or a field of a record. */
typedef struct part {
	unsigned type;
	bool is_index;
	uint64_t range;
	size_t offset;
} part;

struct changer {
	int page;
	mmsb_info info;
	unsigned n_parts;
	part *parts;
	uint64_t k, state;
	/* elements, or entries: their values at the beginning (bool: now) in packed elements */
	uint64_t count, capacity;
	uint8_t *values;
	uint64_t *place;      /* dense: positions, the first k of them those of the epoch at hand */
	uint64_t *row, *col;  /* sparse: of each entry */
	uint64_t *slots;      /* sparse: an open hash table of 1 + positions in row[], 0: free */
	uint64_t n_slots;
	/* the changes of the epoch: values set (dense: by part), entries erased */
	uint64_t *index, *index2, *erase_row, *erase_col;
	uint64_t *of_part;    /* dense: how many each part has */
	uint8_t *set;
	uint64_t n_set, n_erase;
};

/* ---- random numbers: splitmix64 ---------------------------------------------------------------- */

static uint64_t draw(changer *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t draw_below(changer *c, uint64_t n) { return draw(c) % n; } /* the bias does not matter */
static double draw_unit(changer *c) { return (double)(draw(c) >> 11) * 0x1p-53; }

/* ---- values ------------------------------------------------------------------------------------ */

static double near_float(changer *c, double x)
{
	double r = draw_unit(c);
	if (x == 0)
		return r;
	double y = x * (0.99 + 0.02 * r);
	return fabs(x) <= 1 && fabs(y) > 1 ? x * (1.01 - 0.02 * r) : y;
}

/* A size of an integer near another: neither zero nor above `most`. */
static uint64_t near_size(changer *c, uint64_t x, uint64_t most)
{
	if (x == 0)
		return draw_below(c, most < 99 ? most + 1 : 100);
	uint64_t step = 1 + draw_below(c, x / 100 + 1);
	bool down = draw(c) & 1;
	if (down && step >= x)
		down = false;
	if (!down && step > most - x)
		return step < x ? x - step : x;
	return down ? x - step : x + step;
}

static scalar near_value(changer *c, const part *p, scalar v)
{
	const type_facts *t = &type_table[p->type];
	unsigned bits = t->bytes * 8u;
	uint64_t all = UINT64_MAX >> (64 - bits);
	scalar out = {0};
	if (p->is_index) {
		out.U32 = (uint32_t)draw_below(c, p->range);
	} else if (t->kind == KIND_B) {
		out.BOOL = !v.BOOL;
	} else if (p->type == T_F32) {
		out.F32 = (float)near_float(c, (double)v.F32);
	} else if (p->type == T_F64) {
		out.F64 = near_float(c, v.F64);
	} else if (t->kind == KIND_S && v.bits >> (bits - 1)) {
		out.bits = (0 - near_size(c, (0 - v.bits) & all, all >> 1)) & all;
	} else {
		out.bits = near_size(c, v.bits, t->kind == KIND_S ? all >> 1 : all);
	}
	return out;
}

/* Puts a value near the one at `from` to `to`. */
static void vary(changer *c, const part *p, uint8_t *from, uint8_t *to)
{
	scalar v = {0};
	size_t width = type_table[p->type].bytes;
	memcpy(&v, from, width);
	v = near_value(c, p, v);
	memcpy(to, &v, width);
	if (p->type == T_BOOL)
		memcpy(from, &v, width);
}

/* ---- dense pages ------------------------------------------------------------------------------- */

static void next_dense(changer *c)
{
	for (uint64_t i = 0; i < c->k; i++) {
		uint64_t j = i + draw_below(c, c->count - i), p = c->place[j];
		c->place[j] = c->place[i];
		c->place[i] = p;
	}
	memset(c->of_part, 0, c->n_parts * sizeof *c->of_part);
	for (uint64_t i = 0; i < c->k; i++)
		c->of_part[c->n_parts > 1 ? draw_below(c, c->n_parts) : 0]++;
	uint64_t i = 0;
	uint8_t *to = c->set;
	for (unsigned q = 0; q < c->n_parts; q++) {
		const part *p = &c->parts[q];
		for (uint64_t n = 0; n < c->of_part[q]; n++, i++, to += type_table[p->type].bytes)
			vary(c, p, c->values + c->place[i] * c->info.element + p->offset, to);
	}
}

static int stage_dense(const changer *c, mmsb_instance *m, mmsb_error *err)
{
	if (c->info.n_fields == 0)
		return mmsb_scatter(m, c->page, c->k, c->place, c->set, err);
	int status = MMSB_OK;
	const uint64_t *at = c->place;
	const uint8_t *from = c->set;
	for (unsigned q = 0; q < c->n_parts && status == MMSB_OK; q++) {
		if (c->of_part[q] > 0)
			status = mmsb_scatter_field(m, c->page, q, c->of_part[q], at, from, err);
		at += c->of_part[q];
		from += c->of_part[q] * type_table[c->parts[q].type].bytes;
	}
	return status;
}

/* ---- sparse pages ------------------------------------------------------------------------------ */

static uint64_t home(const changer *c, uint64_t row, uint64_t col)
{
	uint64_t z = (row * c->info.shape[1] + col) * 0x9e3779b97f4a7c15u;
	return (z ^ (z >> 32)) & (c->n_slots - 1);
}

/* The slot of an entry, or the free one where it would go. */
static uint64_t find_slot(const changer *c, uint64_t row, uint64_t col)
{
	uint64_t s = home(c, row, col);
	while (c->slots[s] && (c->row[c->slots[s] - 1] != row || c->col[c->slots[s] - 1] != col))
		s = (s + 1) & (c->n_slots - 1);
	return s;
}

/* Frees a slot, and moves back what stands behind it only because it was taken. */
static void free_slot(changer *c, uint64_t hole)
{
	uint64_t mask = c->n_slots - 1;
	for (uint64_t s = (hole + 1) & mask; c->slots[s]; s = (s + 1) & mask) {
		uint64_t e = c->slots[s] - 1;
		if (((s - home(c, c->row[e], c->col[e])) & mask) < ((s - hole) & mask))
			continue;
		c->slots[hole] = c->slots[s];
		hole = s;
	}
	c->slots[hole] = 0;
}

static void move_entry(changer *c, uint64_t from, uint64_t to)
{
	c->slots[find_slot(c, c->row[from], c->col[from])] = to + 1;
	c->row[to] = c->row[from];
	c->col[to] = c->col[from];
	memcpy(c->values + to * c->info.element, c->values + from * c->info.element, c->info.element);
}

static void erase_entry(changer *c)
{
	uint64_t e = draw_below(c, c->count);
	c->erase_row[c->n_erase] = c->row[e];
	c->erase_col[c->n_erase++] = c->col[e];
	free_slot(c, find_slot(c, c->row[e], c->col[e]));
	if (e != --c->count)
		move_entry(c, c->count, e);
}

static void set_entry(changer *c, uint64_t e)
{
	c->index[c->n_set] = c->row[e];
	c->index2[c->n_set] = c->col[e];
	uint8_t *to = c->set + c->n_set++ * c->info.element;
	for (unsigned q = 0; q < c->n_parts && c->info.element > 0; q++)
		vary(c, &c->parts[q], c->values + e * c->info.element + c->parts[q].offset, to + c->parts[q].offset);
}

static int make_room(changer *c, uint64_t capacity, mmsb_error *err);

/* An entry where none is; after many tries in a page that is full the change is left out. */
static int insert_entry(changer *c, mmsb_error *err)
{
	int status = c->count == c->capacity ? make_room(c, c->capacity * 2, err) : MMSB_OK;
	for (int tries = 0; tries < 64 && status == MMSB_OK; tries++) {
		uint64_t row = draw_below(c, c->info.shape[0]), col = draw_below(c, c->info.shape[1]), s = find_slot(c, row, col);
		if (c->slots[s])
			continue;
		uint8_t *value = c->values + c->count * c->info.element;
		if (c->count > 0)
			memcpy(value, c->values + draw_below(c, c->count) * c->info.element, c->info.element);
		else
			memset(value, 0, c->info.element);
		c->row[c->count] = row;
		c->col[c->count] = col;
		c->slots[s] = ++c->count;
		set_entry(c, c->count - 1);
		break;
	}
	return status;
}

/* Changes n entries, all different: they are brought to the front. */
static void set_entries(changer *c, uint64_t n)
{
	for (uint64_t i = 0; i < n && i < c->count; i++) {
		uint64_t j = i + draw_below(c, c->count - i), spare = c->capacity; /* which is kept free */
		if (i != j) {
			move_entry(c, i, spare);
			move_entry(c, j, i);
			move_entry(c, spare, j);
		}
		set_entry(c, i);
	}
}

static int next_sparse(changer *c, mmsb_error *err)
{
	uint64_t values = 0, inserts = 0, deletes = 0;
	for (uint64_t i = 0; i < c->k; i++) {
		uint64_t kind = draw_below(c, 4);
		if (kind < 2 && c->info.element > 0)
			values++;
		else if (kind & 1)
			inserts++;
		else
			deletes++;
	}
	c->n_set = c->n_erase = 0;
	for (; deletes > 0 && c->count > 0; deletes--)
		erase_entry(c);
	set_entries(c, values);
	int status = MMSB_OK;
	for (; inserts > 0 && status == MMSB_OK; inserts--)
		status = insert_entry(c, err);
	return status;
}

static int stage_sparse(const changer *c, mmsb_instance *m, mmsb_error *err)
{
	int status = c->n_erase > 0 ? mmsb_erase(m, c->page, c->n_erase, c->erase_row, c->erase_col, err) : MMSB_OK;
	if (status == MMSB_OK && c->n_set > 0)
		status = mmsb_insert(m, c->page, c->n_set, c->index, c->index2, c->info.element > 0 ? c->set : NULL, err);
	return status;
}

/* ---- making one -------------------------------------------------------------------------------- */

/* Room for so many entries and one more, and a hash table at most half full. */
static int make_room(changer *c, uint64_t capacity, mmsb_error *err)
{
	uint64_t n_slots = 256;
	while (n_slots < capacity * 2)
		n_slots *= 2;
	uint64_t *row = realloc(c->row, (capacity + 1) * sizeof *row);
	c->row = row ? row : c->row;
	uint64_t *col = realloc(c->col, (capacity + 1) * sizeof *col);
	c->col = col ? col : c->col;
	uint8_t *values = realloc(c->values, (capacity + 1) * c->info.element + 1);
	c->values = values ? values : c->values;
	uint64_t *slots = calloc(n_slots, sizeof *slots);
	if (!row || !col || !values || !slots) {
		free(slots);
		return fail_memory(err, n_slots * sizeof *slots, "the entries of a page to change");
	}
	free(c->slots);
	c->slots = slots;
	c->n_slots = n_slots;
	c->capacity = capacity;
	for (uint64_t e = 0; e < c->count; e++)
		c->slots[find_slot(c, c->row[e], c->col[e])] = e + 1;
	return MMSB_OK;
}

static int read_entries(changer *c, mmsb_instance *m, mmsb_error *err)
{
	const uint64_t *row, *col;
	int status = mmsb_entries(m, c->page, &row, &col, err);
	if (status == MMSB_OK)
		status = make_room(c, c->info.count * 2 + 64, err);
	if (status != MMSB_OK)
		return status;
	for (uint64_t e = 0; e < c->info.count; e++) {
		c->row[e] = row[e];
		c->col[e] = col[e];
		c->slots[find_slot(c, row[e], col[e])] = e + 1;
		c->count = e + 1;
	}
	if (c->info.count * c->info.element > 0)
		memcpy(c->values, mmsb_data(m, c->page), c->info.count * c->info.element);
	c->index2 = malloc(c->k * sizeof *c->index2);
	c->erase_row = malloc(c->k * sizeof *c->erase_row);
	c->erase_col = malloc(c->k * sizeof *c->erase_col);
	c->index = malloc(c->k * sizeof *c->index);
	bool complete = c->index && c->index2 && c->erase_row && c->erase_col;
	return complete ? MMSB_OK : fail_memory(err, c->k * 32, "changes");
}

static int read_elements(changer *c, mmsb_instance *m, mmsb_error *err)
{
	c->count = c->info.count;
	c->values = malloc(c->count * c->info.element);
	c->place = malloc(c->count * sizeof *c->place);
	if (!c->values || !c->place)
		return fail_memory(err, c->count * (c->info.element + sizeof *c->place), "the values of a page to change");
	memcpy(c->values, mmsb_data(m, c->page), c->count * c->info.element);
	for (uint64_t i = 0; i < c->count; i++)
		c->place[i] = i;
	return MMSB_OK;
}

static int read_parts(changer *c, mmsb_error *err)
{
	const mmsb_info *info = &c->info;
	c->n_parts = info->n_fields > 0 ? info->n_fields : 1;
	c->parts = calloc(c->n_parts, sizeof *c->parts);
	c->of_part = calloc(c->n_parts, sizeof *c->of_part);
	size_t widest = info->element > 8 ? info->element : 8;
	c->set = c->k <= SIZE_MAX / widest ? malloc(c->k * widest) : NULL;
	if (!c->parts || !c->of_part || !c->set)
		return fail_memory(err, c->k * widest, "changes");
	c->parts[0] = (part){(unsigned)info->type, info->is_index, info->range, 0};
	for (unsigned q = 0; q < info->n_fields; q++) {
		const mmsb_field *f = &info->fields[q];
		c->parts[q] = (part){(unsigned)f->type, f->is_index, f->range, f->offset};
	}
	return MMSB_OK;
}

static int check_page(const mmsb_info *info, uint64_t k, mmsb_error *err)
{
	if (info->role != MMSB_IN)
		return fail(err, MMSB_INPUT, "page '%s' is no source: it follows from other pages", info->name);
	if (info->sparse && (info->shape[0] == 0 || info->shape[1] == 0))
		return fail(err, MMSB_INPUT, "page '%s' has no place for an entry", info->name);
	if (!info->sparse && k > info->count)
		return fail(err, MMSB_INPUT, "page '%s' has %llu elements: there are no %llu to change", info->name,
		            (unsigned long long)info->count, (unsigned long long)k);
	return MMSB_OK;
}

int changer_new(changer **out, mmsb_instance *m, int id, uint64_t k, uint64_t seed, mmsb_error *err)
{
	*out = NULL;
	changer *c = calloc(1, sizeof *c);
	if (!c)
		return fail_memory(err, sizeof *c, "changes");
	c->page = id;
	c->k = k;
	c->state = seed;
	int status = mmsb_page_info(m, id, &c->info);
	if (status == MMSB_OK)
		status = check_page(&c->info, k, err);
	if (status == MMSB_OK)
		status = read_parts(c, err);
	if (status == MMSB_OK)
		status = c->info.sparse ? read_entries(c, m, err) : read_elements(c, m, err);
	if (status != MMSB_OK) {
		changer_free(c);
		return status;
	}
	*out = c;
	return MMSB_OK;
}

void changer_free(changer *c)
{
	if (!c)
		return;
	free(c->parts);
	free(c->of_part);
	free(c->set);
	free(c->values);
	free(c->place);
	free(c->row);
	free(c->col);
	free(c->slots);
	free(c->index);
	free(c->index2);
	free(c->erase_row);
	free(c->erase_col);
	free(c);
}

int changer_next(changer *c, mmsb_error *err)
{
	if (c->info.sparse)
		return next_sparse(c, err);
	next_dense(c);
	return MMSB_OK;
}

int changer_stage(const changer *c, mmsb_instance *m, mmsb_error *err)
{
	return c->info.sparse ? stage_sparse(c, m, err) : stage_dense(c, m, err);
}
