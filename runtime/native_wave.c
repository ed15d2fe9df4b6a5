/* native_wave.c - which passes several ticks may be computed of in one walk (native_wave.h). */
#include "native_wave.h"

#include "pass_facts.h"

static const sch_kernel *kernel_of(const schedule *s, uint32_t pass) { return &s->kernels[s->passes[pass].kernel]; }

static bool reads_prev(const schedule *s, uint32_t pass)
{
	const sch_kernel *k = kernel_of(s, pass);
	for (uint32_t i = 0; i < k->n_reads; i++)
		if (s->reads[k->first_read + i].prev)
			return true;
	for (uint32_t i = 0; i < k->n_regions; i++)
		if (s->regions[k->first_region + i].prev)
			return true;
	return false;
}

/* What a member reads belongs to the wave where a pass gives it: true if there was some that did not yet. */
static bool add_what_it_reads(const schedule *s, uint8_t *roles, uint32_t pass)
{
	const sch_kernel *k = kernel_of(s, pass);
	bool any = false;
	for (uint32_t i = 0; i < k->n_reads; i++) {
		uint32_t from = s->pages[s->reads[k->first_read + i].page].pass;
		any |= from != NONE && roles[from] == WAVE_NONE;
		if (from != NONE)
			roles[from] = WAVE_MEMBER;
	}
	return any;
}

/* Readers of a tick's values: any that read those of the tick before are members by themselves. */
static bool follows(const schedule *s, const uint8_t *roles, uint32_t pass)
{
	const sch_kernel *k = kernel_of(s, pass);
	for (uint32_t i = 0; i < k->n_reads; i++) {
		uint32_t from = s->pages[s->reads[k->first_read + i].page].pass;
		if (from != NONE && from != pass && roles[from] != WAVE_NONE)
			return true;
	}
	for (uint32_t i = 0; i < k->n_regions; i++) {
		const sch_region *g = &s->regions[k->first_region + i];
		if (g->page != NONE && s->pages[g->page].pass != NONE && roles[s->pages[g->page].pass] != WAVE_NONE)
			return true;
	}
	return false;
}

const char *native_wave_find(const schedule *s, uint8_t *roles)
{
	bool any = false;
	for (uint32_t i = 0; i < s->n_passes; i++) {
		const sch_pass *p = &s->passes[i];
		if (pass_can_fail(s, p))
			return "a pass that can fail";
		if (p->kind != PASS_MAP || (s->pages[p->page].flags & (PAGEF_SPARSE | PAGEF_LAZY)))
			return "a fixpoint, a sparse page that is computed, or a page that is evaluated when it is read";
		roles[i] = reads_prev(s, i) ? WAVE_MEMBER : roles[i];
		any |= roles[i] == WAVE_MEMBER;
	}
	for (bool more = any; more;) {
		more = false;
		for (uint32_t i = s->n_passes; i-- > 0;)
			more |= roles[i] == WAVE_MEMBER && add_what_it_reads(s, roles, i);
	}
	for (uint32_t i = 0; i < s->n_passes; i++)
		if (roles[i] == WAVE_NONE && follows(s, roles, i))
			roles[i] = WAVE_FOLLOWS;
	return any ? NULL : "nothing that goes from tick to tick";
}

const char *native_wave_refuses(const schedule *s, uint32_t pass)
{
	const sch_page *p = &s->pages[s->passes[pass].page];
	return p->record != NONE ? "a record" : p->ndim < 2 ? "a page of fewer than two dimensions" : NULL;
}
