/* builder.h - a schedule while it is built: growable tables of the arena. schedule.c fills the tables of declarations and
 * passes, kernel.c those of kernels. */
#ifndef MMSB_COMPILER_BUILDER_H
#define MMSB_COMPILER_BUILDER_H

#include "ir.h"

typedef struct builder {
	ir_graph *g;
#define SECTION(name, type) type *name; uint32_t n_##name, cap_##name;
	SCHEDULE_SECTIONS(SECTION)
#undef SECTION
	uint32_t *text_slots;    /* of strings in text, by their hash: offset, or 0 */
	uint32_t n_text_slots, n_strings;
} builder;

#define BUILD_PUSH(b, name, item)                                                                                    \
	(lang_grow((b)->g->ctx, (void **)&(b)->name, (b)->n_##name, &(b)->cap_##name, sizeof *(b)->name)             \
	     ? ((b)->name[(b)->n_##name] = (item), (b)->n_##name++)                                                  \
	     : NONE)

/* The offset of a string in the text section; equal strings have one place. NULL: "". */
uint32_t build_text(builder *b, const char *text);

/* A kernel of these outputs. edge: NULL for a constant. Returns its id. */
uint32_t build_kernel(builder *b, const ir_edge *edge, const char *name, const ir_id *outputs, uint32_t n);

/* How a change in what a read reads becomes elements of the edge's page to evaluate (derive.c). region: where it stands. */
delta_rule derive_rule(const ir_place *place, const ir_node *read, uint32_t region);

/* XXH3-128 of an edge's definition, whatever its variables are called and wherever it stands (hash.c). */
void hash_edge(ir_graph *g, const ir_edge *edge, uint64_t hash[2]);

#endif
