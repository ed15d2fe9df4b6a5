/* naive.c - pages and epochs of the naive evaluator: language.md sections 2 (init), 3 (fixpoints) and 4 (time). */
#include "naive.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* realloc that never fails, frees when nothing is asked for, and gives new memory zeroed. */
void *naive_room(void *old, size_t count, size_t size)
{
	if (size == 0) {
		free(old);
		return NULL;
	}
	void *room = old ? realloc(old, (count ? count : 1) * size) : calloc(count ? count : 1, size);
	if (!room) {
		fputs("out of memory\n", stderr);
		exit(3);
	}
	return room;
}

void naive_fail(naive *n, const p_expr *at, const char *what)
{
	if (n->failed)
		return;
	n->failed = true;
	unsigned line = 0;
	if (at && at->span.file != LANG_NO_FILE && at->span.file < n->program->ctx->source_count)
		line = lang_place_of(n->program->ctx->sources[at->span.file], at->span.begin).line;
	snprintf(n->why, sizeof n->why, "line %u: %s", line, what);
}

/* ---- tables ---------------------------------------------------------------------------- */

static void *copy_of(const void *from, size_t bytes)
{
	void *to = naive_room(NULL, bytes, 1);
	if (bytes)
		memcpy(to, from, bytes);
	return to;
}

static void table_free(naive_table *t)
{
	free(t->row);
	free(t->col);
	free(t->data);
	*t = (naive_table){0};
}

static naive_table table_copy(const naive_page *page, const naive_table *t)
{
	naive_table copy = {.n = t->n, .data = copy_of(t->data, t->n * page->bytes)};
	if (page->page->sparse) {
		copy.row = copy_of(t->row, t->n * sizeof *t->row);
		copy.col = copy_of(t->col, t->n * sizeof *t->col);
	}
	return copy;
}

static bool same_pattern(const naive_page *page, const naive_table *a, const naive_table *b)
{
	if (a->n != b->n)
		return false;
	return !page->page->sparse || !a->n || (memcmp(a->row, b->row, a->n * sizeof *a->row) == 0
	                                        && memcmp(a->col, b->col, a->n * sizeof *a->col) == 0);
}

static bool table_equal(const naive_page *page, const naive_table *a, const naive_table *b)
{
	return same_pattern(page, a, b) && (!a->n || memcmp(a->data, b->data, a->n * page->bytes) == 0);
}

size_t naive_find(const naive_table *t, uint64_t row, uint64_t col)
{
	size_t lo = 0, hi = t->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (t->row[mid] < row || (t->row[mid] == row && t->col[mid] < col))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n && t->row[lo] == row && t->col[lo] == col ? lo : SIZE_MAX;
}

static void table_put(const naive_page *page, naive_table *t, uint64_t row, uint64_t col, const void *value)
{
	size_t at = naive_find(t, row, col), bytes = page->bytes;
	if (at == SIZE_MAX) {
		for (at = t->n; at > 0 && (t->row[at - 1] > row || (t->row[at - 1] == row && t->col[at - 1] > col)); at--)
			;
		t->row = naive_room(t->row, t->n + 1, sizeof *t->row);
		t->col = naive_room(t->col, t->n + 1, sizeof *t->col);
		t->data = naive_room(t->data, t->n + 1, bytes);
		memmove(t->row + at + 1, t->row + at, (t->n - at) * sizeof *t->row);
		memmove(t->col + at + 1, t->col + at, (t->n - at) * sizeof *t->col);
		memmove(t->data + (at + 1) * bytes, t->data + at * bytes, (t->n - at) * bytes);
		t->row[at] = row;
		t->col[at] = col;
		t->n++;
	}
	memcpy(t->data + at * bytes, value, bytes);
}

static void table_drop(const naive_page *page, naive_table *t, uint64_t row, uint64_t col)
{
	size_t at = naive_find(t, row, col), bytes = page->bytes;
	if (at == SIZE_MAX)
		return;
	t->n--;
	memmove(t->row + at, t->row + at + 1, (t->n - at) * sizeof *t->row);
	memmove(t->col + at, t->col + at + 1, (t->n - at) * sizeof *t->col);
	memmove(t->data + at * bytes, t->data + (at + 1) * bytes, (t->n - at) * bytes);
}

/* ---- creation -------------------------------------------------------------------------- */

static int64_t size_value(const naive *n, const p_size *size)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < size->n; i++) {
		int64_t product = size->terms[i].coef;
		for (uint32_t k = 0; k < size->terms[i].n_params; k++)
			product *= n->params[size->terms[i].params[k]->id].I64;
		sum += product;
	}
	return sum;
}

/* A value as the page stores it: NaNs canonical. */
static void store(const naive_page *page, unsigned char *to, scalar value)
{
	value = naive_canonical(value, (type_id)page->page->type.scalar);
	memcpy(to, &value, page->bytes);
}

static void fill(const naive_page *page, naive_table *t, scalar value)
{
	for (size_t i = 0; i < t->n; i++)
		store(page, t->data + i * page->bytes, value);
}

static bool make_page(naive *n, const p_page *decl)
{
	naive_page *page = &n->pages[decl->id];
	page->page = decl;
	page->bytes = decl->type.base == B_RECORD ? decl->type.record->size : type_table[decl->type.scalar].bytes;
	page->now.n = 1;
	for (uint32_t k = 0; k < decl->ndim; k++) {
		int64_t size = n->sizes[decl->dims[k]->id];
		if (size < 0)
			return false;
		page->dims[k] = (uint64_t)size;
		page->now.n *= (uint64_t)size;
	}
	if (decl->sparse) {
		page->now.n = 0;
		page->now.row = naive_room(NULL, 0, sizeof *page->now.row);
		page->now.col = naive_room(NULL, 0, sizeof *page->now.col);
	}
	page->now.data = naive_room(NULL, page->now.n, page->bytes);
	return true;
}

naive *naive_new(const p_program *program, const scalar *params, const bool *given)
{
	naive *n = naive_room(NULL, 1, sizeof *n);
	n->program = program;
	n->params = naive_room(NULL, program->n_params, sizeof *n->params);
	n->sizes = naive_room(NULL, program->n_sizes, sizeof *n->sizes);
	n->pages = naive_room(NULL, program->n_pages, sizeof *n->pages);
	bool ok = true;
	for (uint32_t i = 0; i < program->n_params && ok; i++) {
		ok = given[i] || program->params[i]->init;
		if (ok)
			n->params[i] = given[i] ? params[i] : naive_eval(n, program->params[i]->init);
	}
	for (uint32_t i = 0; i < program->n_sizes; i++)
		n->sizes[i] = size_value(n, program->sizes[i]);
	for (uint32_t i = 0; i < program->n_pages && ok; i++)
		ok = make_page(n, program->pages[i]);
	for (uint32_t i = 0; i < program->n_pages && ok; i++) {
		naive_page *page = &n->pages[i];
		if (page->page->init && page->page->type.base != B_RECORD)
			fill(page, &page->now, naive_eval(n, page->page->init));
		page->before = table_copy(page, &page->now);
		page->older = table_copy(page, &page->now);
	}
	if (ok && !n->failed)
		return n;
	naive_free(n);
	return NULL;
}

void naive_free(naive *n)
{
	if (!n)
		return;
	for (uint32_t i = 0; i < n->program->n_pages; i++) {
		table_free(&n->pages[i].now);
		table_free(&n->pages[i].before);
		table_free(&n->pages[i].older);
	}
	for (size_t i = 0; i < n->n_staged; i++)
		free(n->staged[i].value);
	free(n->staged);
	free(n->pages);
	free(n->params);
	free(n->sizes);
	free(n->vars);
	free(n);
}

/* ---- deltas ---------------------------------------------------------------------------- */

static naive_delta *stage(naive *n, uint32_t page, const void *value, size_t bytes)
{
	if (n->n_staged == n->room_staged) {
		n->room_staged = n->room_staged * 2 + 64;
		n->staged = naive_room(n->staged, n->room_staged, sizeof *n->staged);
	}
	naive_delta *d = &n->staged[n->n_staged++];
	*d = (naive_delta){.page = page, .field = -1};
	if (value)
		d->value = copy_of(value, bytes);
	return d;
}

void naive_set(naive *n, uint32_t page, int32_t field, uint64_t position, const void *value)
{
	const p_page *decl = n->program->pages[page];
	size_t bytes = field >= 0 ? type_table[decl->type.record->fields[field].type->scalar].bytes : n->pages[page].bytes;
	naive_delta *d = stage(n, page, value, bytes);
	d->field = field;
	d->at = position;
}

void naive_entry(naive *n, uint32_t page, uint64_t row, uint64_t col, const void *value, bool erase)
{
	naive_delta *d = stage(n, page, value, n->pages[page].bytes);
	d->at = row;
	d->col = col;
	d->erase = erase;
}

static void apply_value(const naive_page *page, const naive_delta *d)
{
	unsigned char *to = page->now.data + d->at * page->bytes;
	const p_type *type = &page->page->type;
	if (type->base != B_RECORD) {
		scalar value = {0};
		memcpy(&value, d->value, page->bytes);
		store(page, to, value);
		return;
	}
	for (uint32_t f = 0; f < type->record->n_fields; f++) {
		const p_field *field = &type->record->fields[f];
		if (d->field >= 0 && d->field != (int32_t)f)
			continue;
		size_t bytes = type_table[field->type->scalar].bytes;
		scalar value = {0};
		memcpy(&value, d->field >= 0 ? d->value : d->value + field->offset, bytes);
		value = naive_canonical(value, (type_id)field->type->scalar);
		memcpy(to + field->offset, &value, bytes);
	}
}

static void apply(naive *n)
{
	for (size_t i = 0; i < n->n_staged; i++) {
		naive_delta *d = &n->staged[i];
		naive_page *page = &n->pages[d->page];
		if (!page->page->sparse) {
			apply_value(page, d);
		} else if (d->erase) {
			table_drop(page, &page->now, d->at, d->col);
		} else {
			scalar value = {.bits = 1};
			if (d->value)
				memcpy(&value, d->value, page->bytes);
			value = page->page->type.scalar == T_BOOL ? (scalar){.bits = 1}
			                                          : naive_canonical(value, (type_id)page->page->type.scalar);
			table_put(page, &page->now, d->at, d->col, &value);
		}
	}
}

/* ---- edges ----------------------------------------------------------------------------- */

/* The body for every element (or entry) of the page. */
static naive_table evaluate(naive *n, const p_edge *edge)
{
	naive_page *page = &n->pages[edge->page->id];
	naive_table out = table_copy(page, &page->now);
	for (size_t i = 0; i < out.n && !n->failed; i++) {
		size_t rest = i;
		for (uint32_t k = edge->n_vars; k-- > 0 && !page->page->sparse; rest /= page->dims[k])
			naive_bind(n, edge->vars[k], (int64_t)(rest % page->dims[k]));
		if (page->page->sparse) {
			naive_bind(n, edge->vars[0], (int64_t)out.row[i]);
			naive_bind(n, edge->vars[1], (int64_t)out.col[i]);
		}
		if (edge->page->type.base == B_RECORD)
			naive_eval_record(n, edge->body, out.data + i * page->bytes);
		else
			store(page, out.data + i * page->bytes, naive_eval(n, edge->body));
	}
	return out;
}

static void replace(naive_page *page, naive_table with)
{
	table_free(&page->now);
	page->now = with;
}

/* What a fixpoint without an init starts from, or its init's value now. */
static void start(naive *n, const p_edge *edge)
{
	naive_page *page = &n->pages[edge->page->id];
	scalar value = edge->page->init ? naive_eval(n, edge->page->init) : edge->fix_start;
	if (edge->page->init_page)
		replace(page, table_copy(page, &n->pages[edge->page->init_page->id].now));
	else
		fill(page, &page->now, value);
}

static scalar element_of(const naive_page *page, const naive_table *t, size_t i)
{
	scalar value = {0};
	memcpy(&value, t->data + i * page->bytes, page->bytes);
	return value;
}

/* Rounds until nothing changes: of n elements, each is final after at most n of them. */
static void fix_exact(naive *n, const p_edge *edge)
{
	naive_page *page = &n->pages[edge->page->id];
	start(n, edge);
	naive_table init = table_copy(page, &page->now);
	size_t most = page->now.n + 2, round = 0;
	for (bool changed = true; changed && !n->failed; round++) {
		naive_table next = evaluate(n, edge);
		for (size_t i = 0; i < next.n && !n->failed; i++) {
			bool failed = false;
			scalar args[3] = {element_of(page, &init, i), element_of(page, &next, i), {0}};
			store(page, next.data + i * page->bytes,
			      naive_op((op_id)edge->fix_op, (type_id)edge->page->type.scalar, args, &failed));
		}
		changed = !table_equal(page, &next, &page->now);
		replace(page, next);
		if (changed && round > most && !n->failed) {
			naive_fail(n, edge->body, "an exact fixpoint does not settle");
			n->broken = true;
		}
	}
	table_free(&init);
}

static void fix_bounded(naive *n, const p_edge *edge)
{
	naive_page *page = &n->pages[edge->page->id];
	int64_t most = naive_eval(n, edge->max_rounds).I64;
	start(n, edge);
	for (int64_t round = 0; round < most && !n->failed; round++) {
		naive_table next = evaluate(n, edge);
		bool settled = table_equal(page, &next, &page->now);
		replace(page, next);
		if (settled)
			return;
	}
	naive_fail(n, edge->body, "a bounded fixpoint has not settled");
}

static bool moved(const naive_page *page, scalar from, scalar to, double tol)
{
	type_id type = (type_id)page->page->type.scalar;
	double a = naive_convert(from, type, T_F64).F64, b = naive_convert(to, type, T_F64).F64;
	return from.bits != to.bits && !(fabs(b - a) <= tol);
}

/* A page that the body reads has other bits than it had in the epoch before. (The entries of a sparse page that is defined
 * are an input too: see fix_numeric.) */
static bool reads_change(const naive *n, const p_expr *expr)
{
	if (expr->kind == P_READ && !expr->u.read.self) {
		const naive_page *page = &n->pages[expr->u.read.page->id];
		if (expr->u.read.prev ? !table_equal(page, &page->before, &page->older)
		                      : !table_equal(page, &page->now, &page->before))
			return true;
	}
	for (uint32_t i = 0; i < expr->n_args; i++)
		if (reads_change(n, expr->args[i]))
			return true;
	return expr->kind == P_READ && expr->u.read.pad && reads_change(n, expr->u.read.pad);
}

static void fix_numeric(naive *n, const p_edge *edge)
{
	naive_page *page = &n->pages[edge->page->id];
	double tol = naive_eval(n, edge->tol).F64;
	int64_t most = naive_eval(n, edge->max_rounds).I64;
	if (n->epoch > 0 && !reads_change(n, edge->body) && same_pattern(page, &page->now, &page->before))
		return;
	for (int64_t round = 0; round < most && !n->failed; round++) {
		naive_table next = evaluate(n, edge);
		bool any = false;
		for (size_t i = 0; i < next.n; i++)
			any = any || moved(page, element_of(page, &page->now, i), element_of(page, &next, i), tol);
		replace(page, next);
		if (!any)
			return;
	}
}

/* A page like another has its entries; those that are new begin with zero. */
static void take_pattern(naive *n, naive_page *page)
{
	const naive_table *from = &n->pages[page->page->like->id].now;
	naive_table next = {.n = from->n, .row = copy_of(from->row, from->n * sizeof *from->row),
	                    .col = copy_of(from->col, from->n * sizeof *from->col),
	                    .data = naive_room(NULL, from->n, page->bytes)};
	for (size_t i = 0; i < next.n; i++) {
		size_t old = naive_find(&page->now, next.row[i], next.col[i]);
		if (old != SIZE_MAX)
			memcpy(next.data + i * page->bytes, page->now.data + old * page->bytes, page->bytes);
		else if (page->page->init)
			store(page, next.data + i * page->bytes, naive_eval(n, page->page->init));
	}
	replace(page, next);
}

/* ---- epochs ---------------------------------------------------------------------------- */

static void run_edges(naive *n)
{
	for (uint32_t i = 0; i < n->program->n_edges && !n->failed; i++) {
		const p_edge *edge = n->program->edges[i];
		naive_page *page = &n->pages[edge->page->id];
		if (edge->page->sparse && edge->page->like)
			take_pattern(n, page);
		switch (edge->fix) {
		case FIX_EXACT:
			fix_exact(n, edge);
			break;
		case FIX_BOUNDED:
			fix_bounded(n, edge);
			break;
		case FIX_NUMERIC:
			fix_numeric(n, edge);
			break;
		default:
			replace(page, evaluate(n, edge));
			break;
		}
	}
}

/* In epoch 1, what came before is the init, and a page can be the init of another. */
static void begin_first(naive *n)
{
	for (uint32_t i = 0; i < n->program->n_pages; i++) {
		naive_page *page = &n->pages[i];
		if (!page->page->init_page)
			continue;
		const naive_table *from = &n->pages[page->page->init_page->id].now;
		table_free(&page->before);
		page->before = table_copy(page, from);
		replace(page, table_copy(page, from));
	}
}

static bool commit(naive *n, bool evaluate_edges, bool stands)
{
	uint32_t count = n->program->n_pages;
	naive_page *saved = naive_room(NULL, count, sizeof *saved);
	n->failed = false;
	for (uint32_t i = 0; i < count; i++) {
		naive_page *page = &n->pages[i];
		saved[i] = *page;
		page->older = table_copy(page, &saved[i].before);
		page->before = table_copy(page, &saved[i].now);
		page->now = table_copy(page, &saved[i].now);
	}
	apply(n);
	n->failed = !stands;
	if (evaluate_edges && n->epoch == 0)
		begin_first(n);
	if (evaluate_edges)
		run_edges(n);
	for (uint32_t i = 0; i < count; i++) {
		naive_page *page = n->failed ? &n->pages[i] : &saved[i];
		table_free(&page->now);
		table_free(&page->before);
		table_free(&page->older);
		if (n->failed)
			n->pages[i] = saved[i];
	}
	free(saved);
	for (size_t i = 0; i < n->n_staged; i++)
		free(n->staged[i].value);
	n->n_staged = 0;
	n->epoch += !n->failed;
	return !n->failed;
}

bool naive_commit(naive *n)
{
	return commit(n, true, true);
}

void naive_follow(naive *n, bool stands)
{
	commit(n, false, stands);
}
