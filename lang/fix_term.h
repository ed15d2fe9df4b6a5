/* fix_term.h - between fix.c, which knows the kinds of fixpoints, and fix_term.c, which looks into the body of an exact
 * one. Only those two include it. */
#ifndef MMSB_LANG_FIX_TERM_H
#define MMSB_LANG_FIX_TERM_H

#include "expr_map.h"
#include "fix_range.h"

/* One exact fixpoint. Its body is walked twice by the same code: the first walk finds what is asked of the *sources*, the
 * values that enter it from elsewhere (terms without a self-read, the init, what a view answers outside); the second,
 * with `emit` set, writes guards around them and around the other operands of its operators. */
typedef struct fix_body {
	lang_ctx *ctx;
	const p_edge *edge;
	bool least;       /* min and &&: smaller is better, so a term may never be below a self-read; else the other way */
	uint32_t needs;   /* 1 << guard_id: what every source must meet */
	bool emit;
	bool ok;          /* nothing was reported */
	expr_map selves;  /* nodes that hold a self-read */
	expr_map plain;   /* nodes that hold none */
	bool inside;      /* below an operator that computes with the value, not only among choices */
	expr_map done[2]; /* by `inside`: nodes with self-reads -> what became of them */
} fix_body;

/* An expression in a place where its value, and nothing that is made of it, becomes the page's. NULL after an error. */
p_expr *fix_term(fix_body *f, p_expr *expr);

/* A value that enters the fixpoint, with all guards of `needs` that it wants. */
p_expr *fix_source(fix_body *f, p_expr *expr, uint32_t needs);

bool fix_reads_self(fix_body *f, const p_expr *expr);

#endif
