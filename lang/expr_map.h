/* expr_map.h - a map from expression nodes to pointers: how a walk over a checked expression visits a node that is
 * reached several times (a let put in twice) once, so that work stays linear in the nodes and not in the paths. */
#ifndef MMSB_LANG_EXPR_MAP_H
#define MMSB_LANG_EXPR_MAP_H

#include "program.h"

typedef struct expr_map {
	lang_ctx *ctx;          /* whose arena holds the table */
	uint32_t count, cap;
	const p_expr **keys;
	void **values;
} expr_map;

static inline expr_map expr_map_new(lang_ctx *ctx)
{
	return (expr_map){.ctx = ctx};
}

/* The value put in for expr, or NULL. */
void *expr_map_get(const expr_map *map, const p_expr *expr);

/* Values are not NULL. False when out of memory. */
bool expr_map_put(expr_map *map, const p_expr *expr, void *value);

/* Puts expr in and returns true the first time, false later (and when out of memory). */
bool expr_map_first(expr_map *map, const p_expr *expr);

/* Whether pred holds for expr or any expression in it: indices, conditions and what a view answers outside too. */
bool expr_any(lang_ctx *ctx, const p_expr *expr, bool (*pred)(const p_expr *expr, const void *user),
              const void *user);

/* expr reads the index variable. */
bool expr_uses_var(lang_ctx *ctx, const p_expr *expr, const p_var *var);

/* Evaluating expr can fail the epoch. */
bool expr_can_fail(lang_ctx *ctx, const p_expr *expr);

/* expr holds a self-read of a fixpoint. */
bool expr_reads_self(lang_ctx *ctx, const p_expr *expr);

#endif
