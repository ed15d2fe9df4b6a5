/* pass.h - the passes over a graph, and what they share. Each stands in a file of its name. */
#ifndef MMSB_COMPILER_PASS_H
#define MMSB_COMPILER_PASS_H

#include "ir.h"

void ir_pass_fold(ir_graph *g);
void ir_pass_unused(ir_graph *g);
void ir_pass_outline(ir_graph *g);
void ir_pass_fuse(ir_graph *g);
void ir_pass_share(ir_graph *g);

/* ---- rewriting (rewrite.c) --------------------------------------------------------------------- */

/* Builds what a root is made of anew, arguments first. make gets each node with its new arguments and mask, and the node it comes
 * from, and returns the one to use. Nodes met once are not built again by the same rewriter. */
typedef struct ir_rewriter {
	ir_graph *g;
	ir_id (*make)(void *user, ir_id old, const ir_node *node);
	void *user;
	ir_id *now;      /* of the nodes met: new id + 1, or 0 */
	uint32_t n_now;
	bool any;        /* something was replaced by another node */
} ir_rewriter;

ir_id ir_rewrite(ir_rewriter *r, ir_id root);

/* ---- facts about expressions (rewrite.c) ------------------------------------------------------- */

typedef struct ir_facts {
	uint32_t nodes, reads;
	uint32_t cost;           /* of evaluating it once, an addition being 1; reductions apart */
	bool fails, reduces;
} ir_facts;

ir_facts ir_facts_of(ir_graph *g, const ir_id *roots, uint32_t n);

/* The size below which an index value lies, as far as its node tells; NONE: it is no index. */
uint32_t ir_index_range(const ir_graph *g, ir_id node);

/* Whether an index is a variable and nothing else; then *var is it. */
bool ir_is_var(const ir_graph *g, ir_id node, uint32_t *var);

#endif
