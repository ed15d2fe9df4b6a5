/* ir_yaml.h - words of the YAML form, shared by its writer and its reader, and the tree that the reader reads from. */
#ifndef MMSB_COMPILER_IR_YAML_H
#define MMSB_COMPILER_IR_YAML_H

#include "ir.h"

enum { IR_YAML_VERSION = 1 };

extern const char *const ir_yaml_views[6];
extern const char *const ir_yaml_regions[7];
extern const char *const ir_yaml_reducers[4];
extern const char *const ir_yaml_roles[3];
extern const char *const ir_yaml_fixes[4];
extern const char *const ir_yaml_sizes[5];
extern const char *const ir_yaml_attrs[7];   /* bit i of PAGE_* */
extern const char *const ir_yaml_kinds[IR_KIND_COUNT];
extern const char *const ir_yaml_guards[GUARD_COUNT];

/* ---- the tree (yaml_tree.c) -------------------------------------------------------------------- */

typedef enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP } yaml_kind;

typedef struct yaml_item {
	yaml_kind kind;
	lang_span span;
	const char *text;          /* TEXT */
	uint32_t count, cap;
	struct yaml_item **items;  /* LIST: the items; MAP: key, value, key, value */
	bool *used;                /* MAP: of a pair: it was asked for */
} yaml_item;

/* The document as a tree in the arena of ctx. NULL: an error was reported at its line, or no memory. */
yaml_item *yaml_read(lang_ctx *ctx, const lang_source *source);

/* The value of a key, or NULL. */
yaml_item *yaml_get(yaml_item *map, const char *key);

/* ---- reading it (ir_yaml_read.c: declarations; ir_yaml_nodes.c: nodes and edges) --------------- */

typedef struct yaml_reader {
	lang_ctx *ctx;
	ir_graph *g;
	uint32_t *nodes;           /* of a node's number in the file: the graph's id + 1, or 0 */
	uint32_t n_nodes;
	uint32_t *sizes;           /* of a size's place in the file: the graph's id */
	uint32_t n_sizes;
} yaml_reader;

/* All report what is wrong at its line, and then give a value that does no harm: NULL, 0, NONE. Reading goes on; nothing of
 * the graph is used in the end. */
yaml_item *yaml_need(yaml_reader *r, yaml_item *map, const char *key, yaml_kind kind);
yaml_item *yaml_may(yaml_reader *r, yaml_item *map, const char *key, yaml_kind kind);
uint32_t yaml_number(yaml_reader *r, yaml_item *item, uint32_t below, const char *of); /* NONE: wrong; item may be NULL */
uint32_t yaml_word(yaml_reader *r, yaml_item *item, const char *const *words, uint32_t n, const char *what);
uint8_t yaml_type(yaml_reader *r, yaml_item *item);
uint32_t yaml_page(yaml_reader *r, yaml_item *item);    /* NULL: NONE */
uint32_t yaml_node(yaml_reader *r, yaml_item *item);    /* NULL: NONE */
uint32_t yaml_op(yaml_reader *r, yaml_item *item);
bool yaml_flag(yaml_reader *r, yaml_item *map, const char *key);
scalar yaml_scalar(yaml_reader *r, yaml_item *item, uint8_t type);
void yaml_done(yaml_reader *r, yaml_item *map);         /* what was not asked for is an error */

void yaml_read_nodes(yaml_reader *r, yaml_item *list, const ir_edge *edge);
void yaml_read_edge(yaml_reader *r, yaml_item *map);

#endif
