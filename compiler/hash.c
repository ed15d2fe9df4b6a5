/* hash.c - the hash of an edge's normalised definition.
 *
 * What is hashed is text-free but for the names of pages and params: nodes and variables are numbered in the order in
 * which the outputs reach them, sizes are written out over params. So the hash does not move when a variable is renamed, a declaration
 * is moved, or another edge changes; it does when the meaning does. */
#include "builder.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

typedef struct hasher {
	ir_graph *g;
	XXH3_state_t state;
	uint32_t *node_number;   /* of the graph's node: number + 1, or 0 */
	uint32_t n_nodes;
	ir_list vars;            /* in the order of their numbers */
} hasher;

static void put(hasher *h, uint64_t value)
{
	uint8_t bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	XXH3_128bits_update(&h->state, bytes, sizeof bytes);
}

static void put_text(hasher *h, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	put(h, n);
	XXH3_128bits_update(&h->state, text ? text : "", n);
}

static void put_size(hasher *h, uint32_t size)
{
	put_text(h, size == NONE ? NULL : ir_size_text(h->g, size));
}

static void put_page(hasher *h, uint32_t page)
{
	put_text(h, page == NONE ? NULL : h->g->pages[page].name);
}

static void put_var(hasher *h, uint32_t var)
{
	uint32_t i = 0;
	while (i < h->vars.count && h->vars.items[i] != var)
		i++;
	put(h, i);
	if (i < h->vars.count || var == NONE)
		return;
	ir_list_add(h->g, &h->vars, var);
	put_size(h, h->g->vars[var].lo);
	put_size(h, h->g->vars[var].hi);
}

static void put_number(hasher *h, ir_id id)
{
	put(h, id == NONE ? 0 : h->node_number[id]);
}

static void put_node(hasher *h, ir_id id)
{
	const ir_node *n = ir_at(h->g, id);
	put(h, (uint64_t)n->kind | (uint64_t)n->op << 8 | (uint64_t)n->type << 16 | (uint64_t)n->n_args << 24);
	switch ((ir_kind)n->kind) {
	case IR_CONST: put(h, n->u.value.bits); break;
	case IR_PARAM: put_text(h, h->g->params[n->u.id].name); break;
	case IR_SIZE:
	case IR_TO_INDEX: put_size(h, n->u.id); break;
	case IR_VAR: put_var(h, n->u.id); break;
	case IR_READ: {
		const ir_read *r = &n->u.read;
		put_page(h, r->page);
		put(h, r->field);
		put(h, (uint64_t)r->prev | (uint64_t)r->view << 8 | (uint64_t)r->entry << 16 | (uint64_t)r->has_pad << 24);
		break;
	}
	case IR_REDUCE: {
		const ir_reduce *r = &n->u.reduce;
		put(h, r->identity);
		put_var(h, r->var);
		put_page(h, r->page);
		put(h, r->at_var == NONE ? 0 : 1);
		if (r->at_var != NONE)
			put_var(h, r->at_var);
		put(h, (uint64_t)r->region | (uint64_t)r->reducer << 8 | (uint64_t)r->op << 16 | (uint64_t)r->strict << 24
		               | (uint64_t)r->prev << 32 | (uint64_t)r->nest << 40);
		break;
	}
	default: put(h, n->u.id);
	}
	for (uint32_t i = 0; i < n->n_args; i++)
		put_number(h, n->args[i]);
	put_number(h, n->mask);
}

/* Writes out what id is made of, arguments first, then id: in the order of ids, which follows the text of the edge. */
static void put_root(hasher *h, ir_id root)
{
	if (root == NONE) {
		put(h, 0);
		return;
	}
	ir_list list = {0};
	if (!ir_walk_begin(h->g, &h->g->walk))
		return;
	ir_reach(h->g, &h->g->walk, root, true, &list);
	ir_list_sort(&list);
	for (uint32_t i = 0; i < list.count; i++) {
		if (h->node_number[list.items[i]])
			continue;
		h->node_number[list.items[i]] = ++h->n_nodes;
		put_node(h, list.items[i]);
	}
	put_number(h, root);
}

void hash_edge(ir_graph *g, const ir_edge *edge, uint64_t hash[2])
{
	hasher h = {.g = g, .node_number = LANG_NEW_ARRAY(g->ctx, uint32_t, g->n_nodes)};
	const ir_page *page = &g->pages[edge->page];
	if (!h.node_number)
		return;
	XXH3_128bits_reset(&h.state);
	put_text(&h, page->name);
	put(&h, (uint64_t)page->type | (uint64_t)page->sparse << 8);
	put_size(&h, page->index_size);
	put_page(&h, page->like);
	put(&h, (uint64_t)edge->fix | (uint64_t)edge->fix_op << 8);
	for (uint32_t i = 0; i < edge->n_vars; i++) {
		put_size(&h, page->dims[i]);
		put_var(&h, edge->vars[i]);
	}
	for (uint32_t i = 0; i < edge->n_outputs; i++)
		put_root(&h, edge->outputs[i]);
	put_root(&h, edge->start);
	put_page(&h, edge->start_page);
	put_root(&h, edge->max_rounds);
	put_root(&h, edge->tol);
	XXH128_hash_t digest = XXH3_128bits_digest(&h.state);
	hash[0] = digest.low64;
	hash[1] = digest.high64;
}
