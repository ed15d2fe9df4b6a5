/* naive_eval.c - the value of one expression, by walking its tree. */
#include "naive.h"

#include <string.h>

enum { RANK_NODE = 32 };

void naive_bind(naive *n, const p_var *var, int64_t value)
{
	if (var->id >= n->n_vars) {
		uint32_t room = var->id + 64;
		n->vars = naive_room(n->vars, room, sizeof *n->vars);
		memset(n->vars + n->n_vars, 0, (room - n->n_vars) * sizeof *n->vars);
		n->n_vars = room;
	}
	n->vars[var->id] = value;
}

static int64_t integer(naive *n, const p_expr *expr)
{
	return naive_convert(naive_eval(n, expr), (type_id)expr->type.scalar, T_I64).I64;
}

/* ---- reads ----------------------------------------------------------------------------- */

/* Where index i of a dimension of d > 0 positions falls under a view; -1: outside. */
static int64_t place(p_view view, int64_t i, int64_t d)
{
	if (i >= 0 && i < d)
		return i;
	switch (view) {
	case VIEW_CLAMP:
		return i < 0 ? 0 : d - 1;
	case VIEW_WRAP:
		return (i % d + d) % d;
	case VIEW_MIRROR: {
		if (d == 1)
			return 0;
		int64_t period = 2 * (d - 1), at = (i % period + period) % period;
		return at < d ? at : period - at;
	}
	default:
		return -1;
	}
}

/* The element that a read means, or NULL: there is none (a size is 0, outside, no such entry). */
static const unsigned char *element(naive *n, const p_expr *expr)
{
	const p_read *read = &expr->u.read;
	naive_page *page = &n->pages[read->page->id];
	const naive_table *table = read->prev ? &page->before : &page->now;
	uint64_t at[MAX_DIMS], position = 0;
	bool empty = false, outside = false;
	for (uint32_t k = 0; k < read->page->ndim; k++) {
		int64_t i = integer(n, expr->args[k]), d = (int64_t)page->dims[k];
		if (n->failed)
			return NULL;
		if (d == 0) {
			empty = true;
			continue;
		}
		i = place((p_view)read->view, i, d);
		if (i < 0 && read->view == VIEW_NONE && !read->page->sparse) {
			naive_fail(n, expr, "a read without a view is out of range");
			n->broken = true;
			return NULL;
		}
		outside = outside || i < 0;
		at[k] = (uint64_t)i;
		position = position * page->dims[k] + at[k];
	}
	if (empty || outside)
		return NULL;
	if (read->page->sparse) {
		position = naive_find(table, at[0], at[1]);
		if (position == SIZE_MAX)
			return NULL;
	}
	return table->data + position * page->bytes;
}

static scalar load(const unsigned char *from, const p_type *type)
{
	scalar s = {0};
	memcpy(&s, from, type_table[type->scalar].bytes);
	return s;
}

static scalar eval_read(naive *n, const p_expr *expr)
{
	const p_read *read = &expr->u.read;
	/* An argument like any other: it is evaluated whether or not it is asked for. */
	scalar pad = read->pad ? naive_eval(n, read->pad) : (scalar){0};
	const unsigned char *from = element(n, expr);
	if (n->failed)
		return (scalar){0};
	if (!from)
		return pad;
	if (read->field >= 0)
		from += read->page->type.record->fields[read->field].offset;
	return load(from, &expr->type);
}

void naive_eval_record(naive *n, const p_expr *expr, unsigned char *out)
{
	size_t bytes = expr->type.record->size;
	memset(out, 0, bytes);
	if (expr->kind == P_IF) {
		scalar test = naive_eval(n, expr->args[0]);
		if (!n->failed)
			naive_eval_record(n, expr->args[test.BOOL ? 1 : 2], out);
		return;
	}
	if (expr->kind != P_READ) {
		naive_fail(n, expr, "a record that is not read from a page");
		n->broken = true;
		return;
	}
	if (expr->u.read.pad)
		naive_eval_record(n, expr->u.read.pad, out);
	const unsigned char *from = element(n, expr);
	if (from && !n->failed)
		memcpy(out, from, bytes);
}

/* ---- reductions ------------------------------------------------------------------------ */

/* What stands at one position of one index of a reduction: absent, or a value made of `count` elements. */
typedef struct item {
	bool present;
	scalar value;
	int64_t count;
} item;

typedef struct reduction {
	naive *n;
	const p_expr *expr;
	const p_reduce *r;
	type_id type;      /* of the body */
	bool ranked;       /* a sparse page or a condition decides who is present */
} reduction;

static item combine(const reduction *red, item a, item b)
{
	if (!a.present || !b.present)
		return a.present ? a : b;
	bool failed = false;
	scalar args[3] = {a.value, b.value, {0}};
	return (item){true, naive_op((op_id)red->r->op, red->type, args, &failed), a.count + b.count};
}

/* Adjacent pairs of the 2^k positions from `first`, of which `n` exist. */
static item pairs(const reduction *red, const item *items, size_t first, size_t size, size_t n)
{
	if (first >= n)
		return (item){0};
	if (size == 1)
		return items[first];
	return combine(red, pairs(red, items, first, size / 2, n), pairs(red, items, first + size / 2, size / 2, n));
}

static size_t power_of_two(size_t n)
{
	size_t size = 1;
	while (size < n)
		size *= 2;
	return size;
}

/* A node with few present elements combines them by rank; a larger one splits. */
static item ranks(const reduction *red, const item *items, size_t first, size_t size, size_t n)
{
	item few[RANK_NODE];
	size_t present = 0;
	for (size_t i = first; i < n && i < first + size; i++) {
		if (!items[i].present)
			continue;
		if (present < RANK_NODE)
			few[present] = items[i];
		present++;
	}
	if (present <= RANK_NODE)
		return pairs(red, few, 0, power_of_two(present), present);
	return combine(red, ranks(red, items, first, size / 2, n), ranks(red, items, first + size / 2, size / 2, n));
}

static bool is_present(const reduction *red)
{
	naive *n = red->n;
	const p_expr *driver = red->r->driver;
	if (driver && !element(n, driver))
		return false;
	if (n->failed || red->expr->n_args < 2)
		return !n->failed;
	return naive_eval(n, red->expr->args[1]).BOOL && !n->failed;
}

/* The range of variable number `depth` and of those within it. */
static item range(const reduction *red, uint32_t depth)
{
	naive *n = red->n;
	if (depth == red->r->n_vars) {
		if (!is_present(red))
			return (item){0};
		return (item){true, naive_eval(n, red->expr->args[0]), 1};
	}
	const p_var *var = red->r->vars[depth];
	int64_t lo = n->sizes[var->lo->id], hi = n->sizes[var->hi->id];
	if (hi <= lo)
		return (item){0};
	size_t count = (size_t)(hi - lo);
	item *items = naive_room(NULL, count, sizeof *items);
	for (size_t i = 0; i < count && !n->failed; i++) {
		naive_bind(n, var, lo + (int64_t)i);
		items[i] = range(red, depth + 1);
	}
	item all = {0};
	if (!n->failed)
		all = red->ranked ? ranks(red, items, 0, power_of_two(count), count)
		                  : pairs(red, items, 0, power_of_two(count), count);
	naive_room(items, 0, 0);
	return all;
}

static scalar arg_best(const reduction *red)
{
	naive *n = red->n;
	const p_var *var = red->r->vars[0];
	op_id op = red->r->reducer == RED_ARGMIN ? OP_MIN : OP_MAX;
	int64_t lo = n->sizes[var->lo->id], hi = n->sizes[var->hi->id], best_at = 0;
	bool any = false, nan = false;
	scalar best = {0};
	for (int64_t i = lo; i < hi; i++) {
		naive_bind(n, var, i);
		bool present = is_present(red);
		scalar value = present ? naive_eval(n, red->expr->args[0]) : best;
		if (n->failed)
			return (scalar){0};
		if (!present || nan)
			continue;
		bool is_float = type_table[red->type].kind == KIND_F;
		nan = is_float && (red->type == T_F32 ? value.F32 != value.F32 : value.F64 != value.F64);
		if (!any || nan || naive_better(op, value, best, red->type)) {
			best = value;
			best_at = i;
		}
		any = true;
	}
	return (scalar){.U32 = (uint32_t)best_at};
}

static scalar eval_reduce(naive *n, const p_expr *expr)
{
	const p_reduce *r = expr->u.reduce;
	reduction red = {n, expr, r, (type_id)expr->args[0]->type.scalar, r->driver || expr->n_args > 1};
	if (r->reducer == RED_ARGMIN || r->reducer == RED_ARGMAX)
		return arg_best(&red);
	item all = range(&red, 0);
	scalar value = all.present ? all.value : (scalar){.bits = r->identity};
	if (r->reducer != RED_MEAN)
		return value;
	type_id type = (type_id)expr->type.scalar;
	bool failed = false;
	scalar args[3] = {naive_convert(value, red.type, type),
	                  naive_convert((scalar){.I64 = all.present ? all.count : 0}, T_I64, type), {0}};
	return naive_op(OP_DIV, type, args, &failed);
}

/* ---- the rest -------------------------------------------------------------------------- */

static scalar eval_op(naive *n, const p_expr *expr)
{
	op_id op = (op_id)expr->op;
	scalar args[3] = {{0}, {0}, {0}};
	bool failed = false;
	args[0] = naive_eval(n, expr->args[0]);
	if (n->failed || (op == OP_LAND && !args[0].BOOL) || (op == OP_LOR && args[0].BOOL))
		return args[0];
	for (uint32_t i = 1; i < expr->n_args; i++)
		args[i] = naive_eval(n, expr->args[i]);
	if (n->failed)
		return (scalar){0};
	scalar value = naive_op(op, (type_id)expr->args[0]->type.scalar, args, &failed);
	if (failed)
		naive_fail(n, expr, "division by zero");
	return value;
}

static scalar eval_index(naive *n, const p_expr *expr)
{
	scalar value = naive_eval(n, expr->args[0]);
	uint64_t limit = (uint64_t)n->sizes[expr->type.dim->id];
	uint64_t wide = naive_convert(value, (type_id)expr->args[0]->type.scalar, T_U64).U64;
	if (!n->failed && wide >= limit)
		naive_fail(n, expr, "an index is out of range");
	return (scalar){.U32 = (uint32_t)wide};
}

scalar naive_eval(naive *n, const p_expr *expr)
{
	scalar value = {0};
	if (n->failed)
		return value;
	switch (expr->kind) {
	case P_CONST:
		return expr->u.value;
	case P_PARAM:
		return n->params[expr->u.param->id];
	case P_SIZE:
		return (scalar){.I64 = n->sizes[expr->u.size->id]};
	case P_VAR:
		return (scalar){.I64 = n->vars[expr->u.var->id]};
	case P_OP:
		return eval_op(n, expr);
	case P_CONV:
		return naive_convert(naive_eval(n, expr->args[0]), (type_id)expr->args[0]->type.scalar,
		                     (type_id)expr->type.scalar);
	case P_INDEX:
		return eval_index(n, expr);
	case P_IF:
		value = naive_eval(n, expr->args[0]);
		return n->failed ? value : naive_eval(n, expr->args[value.BOOL ? 1 : 2]);
	case P_READ:
		return eval_read(n, expr);
	case P_REDUCE:
		return eval_reduce(n, expr);
	case P_GUARD:
		value = naive_eval(n, expr->args[0]);
		if (!n->failed && !naive_guard((guard_id)expr->u.guard.kind, value, (type_id)expr->type.scalar))
			naive_fail(n, expr, "a condition of an exact fixpoint does not hold");
		return value;
	default:
		return value;
	}
}
