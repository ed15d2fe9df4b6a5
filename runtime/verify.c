/* verify.c - checks a schedule's tables against every rule of schedule.h; verify_kernel.c checks the kernels.
 *
 * A schedule may come from a hostile file. What is accepted here never makes an executor read or write
 * outside a page or a register, whatever the sizes it is bound to. */
#include "verify.h"

#include <stdlib.h>

#include "container.h"
#include "instance.h"

int bad(verifier *v, const char *what, uint64_t id, const char *rule)
{
	return fail(v->err, MMSB_FORMAT, "the schedule is malformed: %s %llu: %s", what, (unsigned long long)id, rule);
}

#define CHECK(condition, what, id, rule)                     \
	do {                                                 \
		if (!(condition))                            \
			return bad(v, (what), (id), (rule)); \
	} while (0)

static bool range_in(uint32_t first, uint32_t n, uint32_t total) { return first <= total && n <= total - first; }

static int check_text(verifier *v)
{
	const schedule *s = v->s;
	CHECK(s->n_text > 0 && s->text[0] == 0 && s->text[s->n_text - 1] == 0, "text", 0, "begins and ends with a NUL");
	CHECK(s->n_source == 0 || s->source[s->n_source - 1] == 0, "source", 0, "ends with a NUL");
	return MMSB_OK;
}

static int check_sizes(verifier *v)
{
	const schedule *s = v->s;
	for (uint32_t i = 0; i < s->n_sizes; i++) {
		const sch_size *z = &s->sizes[i];
		CHECK(z->kind <= SIZE_MUL, "size", i, "unknown kind");
		if (z->kind == SIZE_PARAM)
			CHECK(z->a < s->n_params && s->params[z->a].is_size == 1, "size", i, "is no size param");
		else if (z->kind != SIZE_CONST)
			CHECK(z->a < i && z->b < i, "size", i, "its operands must come first");
	}
	return MMSB_OK;
}

static int check_constant(verifier *v, uint32_t kernel, uint32_t params, const uint8_t *types, uint32_t n_types);

static int check_params(verifier *v)
{
	const schedule *s = v->s;
	for (uint32_t i = 0; i < s->n_params; i++) {
		const sch_param *p = &s->params[i];
		CHECK(p->name < s->n_text && p->type < T_COUNT && p->is_size <= 1, "param", i, "name or type");
		CHECK(!p->is_size || p->type == T_I64, "param", i, "a size is an i64");
		if (p->init != NONE && check_constant(v, p->init, i, &p->type, 1))
			return MMSB_FORMAT;
	}
	return MMSB_OK;
}

static int check_records(verifier *v)
{
	const schedule *s = v->s;
	for (uint32_t i = 0; i < s->n_fields; i++) {
		const sch_field *f = &s->fields[i];
		CHECK(f->name < s->n_text && f->type < T_COUNT, "field", i, "name or type");
		CHECK(f->index_size == NONE || (f->index_size < s->n_sizes && f->type == T_U32), "field", i, "its index size");
	}
	for (uint32_t i = 0; i < s->n_records; i++) {
		const sch_record *r = &s->records[i];
		CHECK(r->name < s->n_text && r->n_fields > 0 && r->n_fields <= 4096 && range_in(r->first_field, r->n_fields, s->n_fields),
		      "record", i, "its fields");
		uint64_t end = 0;
		for (uint32_t k = 0; k < r->n_fields; k++) {
			const sch_field *f = &s->fields[r->first_field + k];
			uint8_t bytes = type_table[f->type].bytes;
			CHECK(f->offset >= end && f->offset % bytes == 0 && r->size % bytes == 0, "record", i, "overlapping or unaligned fields");
			end = (uint64_t)f->offset + bytes;
		}
		CHECK(r->size >= end && r->size <= 65536, "record", i, "its size");
	}
	return MMSB_OK;
}

/* The scalar types that an element of the page consists of, one per field. */
static uint32_t element_types(const schedule *s, const sch_page *p, uint8_t *types)
{
	if (p->record == NONE) {
		types[0] = p->type;
		return 1;
	}
	const sch_record *r = &s->records[p->record];
	for (uint32_t k = 0; k < r->n_fields; k++)
		types[k] = s->fields[r->first_field + k].type;
	return r->n_fields;
}

static int check_sparse(verifier *v, uint32_t i)
{
	const schedule *s = v->s;
	const sch_page *p = &s->pages[i];
	CHECK(p->ndim == 2 && p->record == NONE, "page", i, "a sparse page has two dimensions and no fields");
	if (p->like == NONE) {
		CHECK(p->role == PAGE_ROLE_IN, "page", i, "a sparse page that is no source is like another");
		return MMSB_OK;
	}
	CHECK(p->like < s->n_pages, "page", i, "like");
	const sch_page *owner = &s->pages[p->like];
	CHECK((owner->flags & PAGEF_SPARSE) && owner->like == NONE && owner->ndim == 2 && owner->dims[0] == p->dims[0] &&
	      owner->dims[1] == p->dims[1] && (owner->flags & PAGEF_STORED), "page", i, "is like a page of other shape");
	return MMSB_OK;
}

static int check_page_init(verifier *v, uint32_t i)
{
	const schedule *s = v->s;
	const sch_page *p = &s->pages[i];
	uint8_t types[4096];
	uint32_t n = element_types(s, p, types);
	if (p->init != NONE && check_constant(v, p->init, s->n_params, types, n))
		return MMSB_FORMAT;
	if (p->init_page == NONE)
		return MMSB_OK;
	CHECK(p->init == NONE && p->init_page < s->n_pages, "page", i, "init");
	const sch_page *q = &s->pages[p->init_page];
	CHECK(q->role == PAGE_ROLE_IN && q->init_page == NONE && q->type == p->type && q->record == p->record && q->ndim == p->ndim &&
	      q->index_size == p->index_size && !((q->flags | p->flags) & PAGEF_SPARSE), "page", i, "its init page is of another kind");
	for (uint32_t d = 0; d < p->ndim; d++)
		CHECK(q->dims[d] == p->dims[d], "page", i, "its init page has another shape");
	return MMSB_OK;
}

static int check_page(verifier *v, uint32_t i)
{
	const schedule *s = v->s;
	const sch_page *p = &s->pages[i];
	CHECK(p->name < s->n_text && p->file < s->n_text && p->doc < s->n_text, "page", i, "its texts");
	CHECK(p->role <= PAGE_ROLE_OUT && p->ndim <= MAX_DIMS && p->flags < 256, "page", i, "role, dimensions or flags");
	if (p->record == NONE)
		CHECK(p->type < T_COUNT, "page", i, "its type");
	else
		CHECK(p->type == T_COUNT && p->record < s->n_records && p->index_size == NONE, "page", i, "its record");
	CHECK(p->index_size == NONE || (p->type == T_U32 && p->index_size < s->n_sizes), "page", i, "its index size");
	for (uint32_t d = 0; d < p->ndim; d++)
		CHECK(p->dims[d] < s->n_sizes, "page", i, "its shape");
	CHECK(p->role != PAGE_ROLE_IN || p->pass == NONE, "page", i, "a source has no pass");
	CHECK(p->pass == NONE || (p->pass < s->n_passes && s->passes[p->pass].page == i), "page", i, "its pass");
	bool stored = (p->flags & PAGEF_STORED) != 0;
	CHECK(stored == (p->role == PAGE_ROLE_IN || p->pass != NONE), "page", i, "stored and defined do not agree");
	CHECK(p->role != PAGE_ROLE_OUT || stored, "page", i, "an out page is stored");
	if (p->flags & PAGEF_SPARSE)
		return check_sparse(v, i);
	CHECK(p->like == NONE, "page", i, "only sparse pages are like others");
	return MMSB_OK;
}

static int check_pages(verifier *v)
{
	for (uint32_t i = 0; i < v->s->n_pages; i++)
		if (check_page(v, i))
			return MMSB_FORMAT;
	for (uint32_t i = 0; i < v->s->n_pages; i++)
		if (check_page_init(v, i))
			return MMSB_FORMAT;
	return MMSB_OK;
}

/* A constant kernel: no variables, no reads, one output per type; reads params below `params` only. */
static int check_constant(verifier *v, uint32_t kernel, uint32_t params, const uint8_t *types, uint32_t n_types)
{
	const schedule *s = v->s;
	CHECK(kernel < s->n_kernels, "kernel", kernel, "does not exist");
	const sch_kernel *k = &s->kernels[kernel];
	CHECK(k->n_vars == 0 && k->n_reads == 0 && k->n_regions == 1 && k->n_outputs == n_types, "kernel", kernel, "is no constant");
	if (verify_kernel(v, kernel, NULL))
		return MMSB_FORMAT;
	for (uint32_t i = 0; i < k->n_instr; i++) {
		const sch_instr *in = &s->instrs[k->first_instr + i];
		CHECK(in->code != CODE_PARAM || in->a < params, "kernel", kernel, "reads a later param");
		CHECK(in->code != CODE_SIZE || params == s->n_params, "kernel", kernel, "a param cannot be read off a size");
	}
	for (uint32_t i = 0; i < n_types; i++)
		CHECK(s->reg_types[k->first_reg_type + s->outputs[k->first_output + i].reg] == types[i], "kernel", kernel,
		      "gives another type");
	return MMSB_OK;
}

/* Every element of a pass's page that is not read with prev must have been made before. */
static int check_order(verifier *v, uint32_t i)
{
	const schedule *s = v->s;
	const sch_kernel *k = &s->kernels[s->passes[i].kernel];
	for (uint32_t r = 0; r < k->n_reads; r++) {
		const sch_read *read = &s->reads[k->first_read + r];
		const sch_page *p = &s->pages[read->page];
		CHECK(read->prev || p->pass == NONE || p->pass < i || (p->pass == i && s->passes[i].kind != PASS_MAP), "pass", i,
		      "reads what a later pass makes");
		CHECK(!read->prev || (p->flags & PAGEF_PREV), "pass", i, "reads an earlier value that is not kept");
	}
	for (uint32_t r = 0; r < k->n_regions; r++) {
		const sch_region *g = &s->regions[k->first_region + r];
		if (g->page == NONE)
			continue;
		const sch_page *p = &s->pages[g->page];
		CHECK(g->prev || p->pass == NONE || p->pass < i, "pass", i, "goes by a page that a later pass makes");
		CHECK(!g->prev || (p->flags & PAGEF_PREV), "pass", i, "goes by an earlier value that is not kept");
		CHECK(g->kind != REGION_COL || (s->pages[p->like == NONE ? g->page : p->like].flags & PAGEF_COLUMNS), "pass", i,
		      "goes down columns that are not kept");
	}
	return MMSB_OK;
}

static int check_outputs(verifier *v, uint32_t i)
{
	const schedule *s = v->s;
	const sch_pass *pass = &s->passes[i];
	const sch_page *p = &s->pages[pass->page];
	const sch_kernel *k = &s->kernels[pass->kernel];
	uint8_t types[4096];
	uint32_t n = element_types(s, p, types);
	CHECK(k->n_outputs == n, "pass", i, "does not give every field of its page");
	for (uint32_t o = 0; o < n; o++) {
		const sch_output *out = &s->outputs[k->first_output + o];
		CHECK(out->field == (p->record == NONE ? NONE : o), "pass", i, "its outputs are not the fields in order");
		CHECK(s->reg_types[k->first_reg_type + out->reg] == types[o], "pass", i, "gives another type than its page has");
		uint32_t want = p->record == NONE ? p->index_size : s->fields[s->records[p->record].first_field + o].index_size;
		CHECK(want == NONE || v->ranges[out->reg] == want, "pass", i, "its index may be out of range");
	}
	return MMSB_OK;
}

static int check_pass(verifier *v, uint32_t i)
{
	static const uint8_t i64 = T_I64, f64 = T_F64;
	const schedule *s = v->s;
	const sch_pass *pass = &s->passes[i];
	CHECK(pass->kind <= PASS_FIX_NUMERIC && pass->page < s->n_pages && s->pages[pass->page].pass == i, "pass", i, "its page");
	CHECK(pass->file < s->n_text && pass->note < s->n_text && pass->kernel < s->n_kernels, "pass", i, "its texts or kernel");
	const sch_page *p = &s->pages[pass->page];
	if (verify_kernel(v, pass->kernel, p) || check_outputs(v, i) || check_order(v, i))
		return MMSB_FORMAT;
	if (pass->kind == PASS_MAP) {
		CHECK(pass->start == NONE && pass->start_page == NONE && pass->max_rounds == NONE && pass->tol == NONE, "pass", i,
		      "has rounds, but is no fixpoint");
		return MMSB_OK;
	}
	CHECK(p->record == NONE, "pass", i, "a fixpoint is of a page without fields");
	CHECK(pass->kind != PASS_FIX_EXACT || pass->op == OP_MIN || pass->op == OP_MAX || pass->op == OP_LOR || pass->op == OP_LAND,
	      "pass", i, "its direction");
	if (pass->start != NONE && check_constant(v, pass->start, s->n_params, &p->type, 1))
		return MMSB_FORMAT;
	CHECK(pass->kind == PASS_FIX_NUMERIC || (pass->start == NONE) != (pass->start_page == NONE), "pass", i, "its start");
	if (pass->start_page != NONE) {
		CHECK(pass->start_page < s->n_pages, "pass", i, "its start page");
		const sch_page *q = &s->pages[pass->start_page];
		CHECK((q->flags & PAGEF_STORED) && !(q->flags & PAGEF_SPARSE) && q->type == p->type && q->record == NONE && q->ndim == p->ndim &&
		      q->index_size == p->index_size && (q->pass == NONE || q->pass < i), "pass", i, "its start page is of another kind");
		for (uint32_t d = 0; d < p->ndim; d++)
			CHECK(q->dims[d] == p->dims[d], "pass", i, "its start page has another shape");
	}
	CHECK(pass->kind == PASS_FIX_EXACT || pass->max_rounds != NONE, "pass", i, "has no limit of rounds");
	CHECK(pass->kind != PASS_FIX_NUMERIC || pass->tol != NONE, "pass", i, "has no tolerance");
	if ((pass->max_rounds != NONE && check_constant(v, pass->max_rounds, s->n_params, &i64, 1)) ||
	    (pass->tol != NONE && check_constant(v, pass->tol, s->n_params, &f64, 1)))
		return MMSB_FORMAT;
	return MMSB_OK;
}

static int check_passes(verifier *v)
{
	for (uint32_t i = 0; i < v->s->n_passes; i++)
		if (check_pass(v, i))
			return MMSB_FORMAT;
	return MMSB_OK;
}

int schedule_verify(const schedule *s, mmsb_error *err)
{
	verifier v = {.s = s, .err = err};
	size_t most = 0, most_met = 0; /* registers, regions and reads of one kernel */
	for (uint32_t i = 0; i < s->n_kernels; i++) {
		const sch_kernel *k = &s->kernels[i];
		if (!range_in(k->first_reg_type, k->n_regs, s->n_reg_types))
			return bad(&v, "kernel", i, "its registers");
		if (k->n_regions > s->n_regions || k->n_reads > s->n_reads)
			return bad(&v, "kernel", i, "its regions or reads");
		most = k->n_regs > most ? k->n_regs : most;
		most_met = (size_t)k->n_regions + k->n_reads > most_met ? (size_t)k->n_regions + k->n_reads : most_met;
	}
	v.ranges = malloc((most + 1) * sizeof *v.ranges);
	v.scopes = malloc((most + 1) * sizeof *v.scopes);
	v.met = malloc(most_met + 1);
	int status = MMSB_OK;
	if (!v.ranges || !v.scopes || !v.met)
		status = fail_memory(err, most, "checking the schedule");
	if (!status)
		status = check_text(&v);
	if (!status)
		status = check_sizes(&v);
	if (!status)
		status = check_records(&v);
	if (!status)
		status = check_params(&v);
	if (!status)
		status = check_pages(&v);
	if (!status)
		status = check_passes(&v);
	free(v.ranges);
	free(v.scopes);
	free(v.met);
	return status;
}
