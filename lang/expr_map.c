/* expr_map.c - see expr_map.h. Open addressing in the arena of the compilation. */
#include "expr_map.h"

static uint32_t slot_of(const expr_map *map, const p_expr *expr)
{
	uint64_t hash = (uint64_t)(uintptr_t)expr * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t slot = (uint32_t)(hash >> 32) & (map->cap - 1);
	while (map->keys[slot] && map->keys[slot] != expr)
		slot = (slot + 1) & (map->cap - 1);
	return slot;
}

void *expr_map_get(const expr_map *map, const p_expr *expr)
{
	return map->cap ? map->values[slot_of(map, expr)] : NULL;
}

static bool grow(expr_map *map)
{
	expr_map bigger = {.ctx = map->ctx, .count = map->count, .cap = map->cap ? map->cap * 2 : 64};
	bigger.keys = LANG_NEW_ARRAY(map->ctx, const p_expr *, bigger.cap);
	bigger.values = LANG_NEW_ARRAY(map->ctx, void *, bigger.cap);
	if (!bigger.keys || !bigger.values)
		return false;
	for (uint32_t i = 0; i < map->cap; i++) {
		if (!map->keys[i])
			continue;
		uint32_t slot = slot_of(&bigger, map->keys[i]);
		bigger.keys[slot] = map->keys[i];
		bigger.values[slot] = map->values[i];
	}
	*map = bigger;
	return true;
}

bool expr_map_put(expr_map *map, const p_expr *expr, void *value)
{
	if (map->count * 2 >= map->cap && !grow(map))
		return false;
	uint32_t slot = slot_of(map, expr);
	if (!map->keys[slot]) {
		map->keys[slot] = expr;
		map->count++;
	}
	map->values[slot] = value;
	return true;
}

bool expr_map_first(expr_map *map, const p_expr *expr)
{
	static char present;
	return !expr_map_get(map, expr) && expr_map_put(map, expr, &present);
}

typedef struct search {
	expr_map seen;
	bool (*pred)(const p_expr *expr, const void *user);
	const void *user;
} search;

static bool search_in(search *s, const p_expr *expr)
{
	/* A leaf is cheaper to look at again than to remember. */
	bool leaf = expr->n_args == 0 && (expr->kind != P_READ || !expr->u.read.pad);
	if (!leaf && !expr_map_first(&s->seen, expr))
		return false;
	if (s->pred(expr, s->user))
		return true;
	for (uint32_t i = 0; i < expr->n_args; i++)
		if (search_in(s, expr->args[i]))
			return true;
	if (expr->kind == P_READ && expr->u.read.pad)
		return search_in(s, expr->u.read.pad);
	if (expr->kind == P_REDUCE && expr->u.reduce->driver)
		return search_in(s, expr->u.reduce->driver);
	return false;
}

bool expr_any(lang_ctx *ctx, const p_expr *expr, bool (*pred)(const p_expr *expr, const void *user),
              const void *user)
{
	search s = {.seen = expr_map_new(ctx), .pred = pred, .user = user};
	return search_in(&s, expr);
}

static bool is_var(const p_expr *expr, const void *user)
{
	return expr->kind == P_VAR && expr->u.var == user;
}

bool expr_uses_var(lang_ctx *ctx, const p_expr *expr, const p_var *var)
{
	return expr_any(ctx, expr, is_var, var);
}

static bool is_self(const p_expr *expr, const void *user)
{
	(void)user;
	return expr->kind == P_READ && expr->u.read.self;
}

bool expr_reads_self(lang_ctx *ctx, const p_expr *expr)
{
	return expr_any(ctx, expr, is_self, NULL);
}

static bool fails(const p_expr *expr, const void *user)
{
	(void)user;
	if (expr->kind == P_INDEX || expr->kind == P_GUARD)
		return true;
	if (expr->kind != P_OP || !(op_table[expr->op].flags & OPF_FAILS))
		return false;
	if (type_table[expr->type.scalar].kind == KIND_F)
		return false;
	const p_expr *divisor = expr->args[1];
	return divisor->kind != P_CONST || divisor->u.value.bits == 0;
}

bool expr_can_fail(lang_ctx *ctx, const p_expr *expr)
{
	return expr_any(ctx, expr, fails, NULL);
}
