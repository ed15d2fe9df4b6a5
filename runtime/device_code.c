/* device_code.c - which passes have a kernel for a CUDA device (device_code.h). docs/gpu.md has the list for people. */
#include "device_code.h"

#include <stdio.h>

#include "../gpu/launch.h"

void device_kernel_name(char name[DEVICE_NAME], uint32_t kernel) { snprintf(name, DEVICE_NAME, "mmsb_k%u", kernel); }

size_t device_stride(const schedule *s, const sch_page *p, uint32_t field, size_t *offset)
{
	*offset = 0;
	if (p->record == NONE)
		return type_table[p->type].bytes;
	const sch_record *r = &s->records[p->record];
	const sch_field *f = &s->fields[r->first_field + field];
	if (p->flags & PAGEF_SOA)
		return type_table[f->type].bytes;
	*offset = f->offset;
	return r->size;
}

bool device_along(const sch_region *g) { return g->kind == REGION_ROW || g->kind == REGION_COL || g->kind == REGION_GROUP; }

uint32_t device_along_number(const schedule *s, const sch_kernel *k, uint32_t region)
{
	uint32_t n = 0;
	for (uint32_t r = 1; r < region; r++)
		n += device_along(&s->regions[k->first_region + r]);
	return n;
}

static const char *region_lacks(const sch_region *g, uint32_t id)
{
	if (id == 0)
		return g->prev ? "it goes by the entries that a sparse page had in the epoch before" : NULL;
	return g->prev ? "a reduction goes along what the epoch before had" : NULL;
}

static const char *read_lacks(const schedule *s, const sch_read *r)
{
	if (!(s->pages[r->page].flags & PAGEF_SPARSE))
		return NULL;
	return r->cls != READ_ENTRY ? "it looks up elements of a sparse page" : r->prev ? "it reads what entries had in the epoch before" : NULL;
}

/* The list of an element is the one of its own number. */
static bool list_of_its_own(const schedule *s, const sch_kernel *k, const sch_region *g)
{
	const sch_region *root = &s->regions[k->first_region];
	for (uint32_t i = k->first_instr; i < k->first_instr + k->n_instr; i++)
		if (s->instrs[i].dst == g->at && s->instrs[i].code == CODE_VAR)
			return root->n_vars == 1 && s->instrs[i].a == root->first_var;
	return false;
}

/* The order of floats under a condition goes by rank: parts do not know theirs. Leaves are those of whole lists. */
static bool can_split(const schedule *s, const sch_kernel *k, const sch_region *g)
{
	if (g->kind == REGION_PREFIX) /* of one row */
		return g->reducer == REDUCER_OP && g->where == NONE && g->nest == NONE && s->regions[k->first_region].n_vars == 1 &&
		       g->at == s->regions[k->first_region].first_var;
	if (device_along(g))
		return g->reducer == REDUCER_OP && g->where == NONE && g->nest == NONE && list_of_its_own(s, k, g);
	bool flt = TYPES_FLT >> s->reg_types[k->first_reg_type + g->value] & 1;
	return g->kind == REGION_RANGE && g->reducer == REDUCER_OP && (g->dense || op_table[g->op].reduce == REDUCE_IDEM || !flt);
}

uint32_t device_splits(const schedule *s, uint32_t pass)
{
	const sch_kernel *k = &s->kernels[s->passes[pass].kernel];
	uint32_t found = NONE;
	if (s->regions[k->first_region].kind == REGION_ENTRIES)
		return NONE;
	for (uint32_t r = 1; r < k->n_regions; r++) {
		const sch_region *g = &s->regions[k->first_region + r];
		if (g->parent != 0)
			continue;
		if (found != NONE || !can_split(s, k, g))
			return NONE;
		found = r;
	}
	return found;
}

const char *device_lacks(const schedule *s, uint32_t id)
{
	const sch_pass *pass = &s->passes[id];
	const sch_kernel *k = &s->kernels[pass->kernel];
	if (pass->kind == PASS_FIX_BOUNDED)
		return "a bounded fixpoint";
	if (s->pages[pass->page].flags & PAGEF_SPARSE && pass->kind != PASS_MAP)
		return "a fixpoint over a sparse page";
	if (pass->kind != PASS_MAP && s->pages[pass->page].record != NONE)
		return "a fixpoint of records";
	if (k->n_reads > MMSB_MOST_READS || k->n_outputs > MMSB_MOST_OUTPUTS)
		return "too many reads or fields";
	for (uint32_t r = 0; r < k->n_regions; r++) {
		const sch_region *g = &s->regions[k->first_region + r];
		const char *why = region_lacks(g, r);
		if (why)
			return why;
	}
	if (device_along_number(s, k, k->n_regions) > MMSB_MOST_ALONG)
		return "too many reductions along lists";
	for (uint32_t i = 0; i < k->n_reads; i++) {
		const char *why = read_lacks(s, &s->reads[k->first_read + i]);
		if (why)
			return why;
	}
	return NULL;
}
