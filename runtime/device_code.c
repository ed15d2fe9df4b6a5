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

static const char *region_lacks(const sch_region *g, uint32_t id)
{
	if (id == 0)
		return g->kind == REGION_DOMAIN ? NULL : "it goes by the entries of a sparse page";
	if (g->kind != REGION_RANGE)
		return g->kind == REGION_GROUP ? "a reduction goes by groups"
		                               : g->kind == REGION_PREFIX ? "a reduction is of prefixes" : "a reduction goes along a sparse page";
	return NULL;
}

/* The order of floats under a condition goes by rank: parts do not know theirs. */
static bool can_split(const schedule *s, const sch_kernel *k, const sch_region *g)
{
	bool flt = TYPES_FLT >> s->reg_types[k->first_reg_type + g->value] & 1;
	return g->reducer == REDUCER_OP && (g->dense || op_table[g->op].reduce == REDUCE_IDEM || !flt);
}

uint32_t device_splits(const schedule *s, uint32_t pass)
{
	const sch_kernel *k = &s->kernels[s->passes[pass].kernel];
	uint32_t found = NONE;
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
	if (pass->kind != PASS_MAP)
		return "a fixpoint";
	if (s->pages[pass->page].flags & PAGEF_SPARSE)
		return "its page is sparse";
	if (k->n_reads > MMSB_MOST_READS || k->n_outputs > MMSB_MOST_OUTPUTS)
		return "too many reads or fields";
	for (uint32_t r = 0; r < k->n_regions; r++) {
		const char *why = region_lacks(&s->regions[k->first_region + r], r);
		if (why)
			return why;
	}
	for (uint32_t i = 0; i < k->n_reads; i++)
		if (s->pages[s->reads[k->first_read + i].page].flags & PAGEF_SPARSE)
			return "it reads a sparse page";
	for (uint32_t i = 0; i < k->n_instr; i++)
		if (s->instrs[k->first_instr + i].code == CODE_GUARD)
			return "a condition on data";
	return NULL;
}
