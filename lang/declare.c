/* Declarations become symbols at once and are looked at when they are first needed, so that their order is free. */
#include "check.h"

#include <string.h>

/* ---- names ---- */

static const char *full_name(checker *ck, const scope *sc, const char *name)
{
	const char *text = sc->prefix[0] == '\0' ? name : lang_sprintf(ck->ctx, "%s%s", sc->prefix, name);
	return text == NULL ? name : text;
}

static p_param *param_new(checker *ck, const scope *sc, ast_name name)
{
	p_param *param = LANG_NEW(ck->ctx, p_param);
	if (param != NULL)
		*param = (p_param){.name = full_name(ck, sc, name.text), .type = scalar_type(T_I64), .span = name.span};
	return param;
}

/* Params are numbered when they are complete, so that one comes after those its value refers to. */
static bool param_add(checker *ck, p_param *param)
{
	p_program *program = ck->program;
	if (!lang_grow(ck->ctx, (void **)&program->params, program->n_params, &ck->param_cap, sizeof *program->params))
		return false;
	param->id = program->n_params;
	program->params[program->n_params++] = param;
	return true;
}

static void declare_sizes(checker *ck, scope *sc, const ast_decl *decl)
{
	for (uint32_t i = 0; i < decl->u.sizes.count; i++) {
		sym *made = scope_add(ck, sc, SYM_SIZE, decl->u.sizes.items[i], decl);
		p_param *param = made == NULL ? NULL : param_new(ck, sc, decl->u.sizes.items[i]);
		if (param == NULL || !param_add(ck, param))
			continue;
		param->is_size = true;
		made->u.size = size_param(ck, param);
		made->state = made->u.size == NULL ? SYM_BAD : SYM_DONE;
	}
}

static void declare(checker *ck, scope *sc, const ast_decl *decl)
{
	static const uint8_t kinds[] = {
		[AST_PARAM_VALUE] = SYM_PARAM, [AST_RECORD] = SYM_RECORD, [AST_SEMIRING] = SYM_SEMIRING, [AST_FN] = SYM_FN,
		[AST_PAGE] = SYM_PAGE, [AST_LET] = SYM_LET, [AST_GRAPH] = SYM_GRAPH, [AST_USE] = SYM_INSTANCE,
	};
	if (sc->graph != NULL && (decl->kind == AST_PARAM_SIZES || decl->kind == AST_PARAM_VALUE)) {
		lang_help(ck->ctx, check_error(ck, sc->trace, decl->span, "a graph has no params of its own"),
		          "put it into the graph's header: `graph g(N, rate : f64, ...)`");
		return;
	}
	switch (decl->kind) {
	case AST_IMPORT:
	case AST_EDGE:
		return;
	case AST_PARAM_SIZES:
		declare_sizes(ck, sc, decl);
		return;
	default:
		scope_add(ck, sc, (sym_kind)kinds[decl->kind], decl->name, decl);
	}
}

void declare_all(checker *ck, scope *sc, const ast_decls *decls)
{
	for (uint32_t i = 0; i < decls->count && !ck->ctx->oom; i++)
		declare(ck, sc, decls->items[i]);
}

/* ---- types ---- */

static bool named_record(site *s, const ast_type *ast, p_type *out)
{
	uint32_t used;
	sym *found = find_path(s, ast->record, &used, 1u << SYM_RECORD, "type");
	/* a page in whose declaration this stands counts as bad so far, and is no type either way */
	if (found == NULL || (found->kind == SYM_RECORD && found->state == SYM_BAD))
		return false;
	if (found->kind == SYM_RECORD && used == ast->record->parts.count) {
		*out = record_type_of(found->u.record);
		if (ast->sparse)
			lang_help(s->ck->ctx, site_error(s, ast->span, "the entries of a sparse page are numbers or bool, and '%s' is a record",
			                                 found->name),
			          "write a page for each field: `sparse f64[N, M]`; where they are derived, `like` the first");
		return !ast->sparse;
	}
	lang_diag *diag = site_error(s, ast->span, "'%s' is a %s, not a type", found->name, sym_noun((sym_kind)found->kind));
	lang_note(s->ck->ctx, diag, found->span, "declared here");
	return false;
}

static bool negative(site *s, const p_size *size, const ast_expr *e)
{
	int64_t value;
	if (!size_is_const(size, &value) || value >= 0)
		return false;
	lang_help(s->ck->ctx, site_error(s, e->span, "this size is negative: %lld", (long long)value),
	          "a size is at least 0");
	return true;
}

bool record_type(site *s, const ast_type *ast, p_type *out)
{
	if (ast->kind == AST_TYPE_NAMED)
		return named_record(s, ast, out);
	if (ast->kind == AST_TYPE_SCALAR) {
		*out = scalar_type(scalar_id(ast->name.text));
		return out->scalar < T_COUNT;
	}
	const p_size *dim = size_of(s, ast->extent);
	if (dim == NULL || negative(s, dim, ast->extent))
		return false;
	*out = index_type(dim);
	return true;
}

bool shape_of(site *s, const ast_type *ast, const p_size **dims, uint32_t *ndim)
{
	bool sound = true;
	*ndim = ast->dims.count;
	if (ast->dims.count > MAX_DIMS) {
		lang_help(s->ck->ctx, site_error(s, ast->span, "a page has at most %d dimensions", MAX_DIMS),
		          "this one has %u", ast->dims.count);
		return false;
	}
	for (uint32_t i = 0; i < ast->dims.count; i++) {
		dims[i] = size_of(s, ast->dims.items[i]);
		if (dims[i] == NULL || negative(s, dims[i], ast->dims.items[i]))
			sound = false;
	}
	if (ast->sparse && ast->dims.count != 2) {
		lang_help(s->ck->ctx, site_error(s, ast->span, "a sparse page has two dimensions"), "write `sparse f64[N, M]`");
		return false;
	}
	return sound;
}

/* ---- params and records ---- */

static void resolve_param(checker *ck, sym *what)
{
	const ast_decl *decl = what->decl;
	const ast_type *type = decl->u.param.type;
	site s = constant_site(ck, what->home, "the value of a param");
	p_param *param = param_new(ck, what->home, decl->name);

	what->state = SYM_BUSY;
	if (type->kind != AST_TYPE_SCALAR || type->has_dims || type->sparse || param == NULL) {
		lang_help(ck->ctx, site_error(&s, type->span, "a param is one number or bool"),
		          "an array is a page: `page %s : ... in @static;`", decl->name.text);
		what->state = SYM_BAD;
		return;
	}
	param->type = scalar_type(scalar_id(type->name.text));
	if (decl->u.param.value != NULL) {
		s.text = decl->u.param.value;
		p_expr *value = check_as(&s, decl->u.param.value, param->type, "the param");
		param->init = value;
		if (is_poison(value))
			what->state = SYM_BAD;
	}
	if (what->state == SYM_BAD || !param_add(ck, param)) {
		what->state = SYM_BAD;
		return;
	}
	what->u.param = param;
	what->state = SYM_DONE;
}

static uint32_t align_up(uint32_t value, uint32_t to)
{
	return (value + to - 1) / to * to;
}

static bool record_field(site *s, const sym *what, uint32_t i, p_field *fields)
{
	const ast_field *ast = &what->decl->u.record.items[i];
	p_type *type = LANG_NEW(s->ck->ctx, p_type);
	if (type == NULL)
		return false;
	for (uint32_t k = 0; k < i; k++)
		if (what->decl->u.record.items[k].name.text == ast->name.text) {
			lang_diag *diag = site_error(s, ast->name.span, "the record '%s' has two fields '%s'", what->name,
			                             ast->name.text);
			lang_note(s->ck->ctx, diag, what->decl->u.record.items[k].name.span, "the other one");
			return false;
		}
	if (ast->type->has_dims || ast->type->sparse || ast->type->kind == AST_TYPE_NAMED) {
		lang_help(s->ck->ctx, site_error(s, ast->type->span, "a field is one number, bool or position"),
		          "records hold no arrays and no other records");
		return false;
	}
	if (!record_type(s, ast->type, type))
		return false;
	fields[i] = (p_field){.name = ast->name.text, .type = type};
	return true;
}

static void resolve_record(checker *ck, sym *what)
{
	enum { MOST_FIELDS = 256 };
	const ast_fields *ast = &what->decl->u.record;
	site s = site_of(ck, what->home);
	p_record *record = LANG_NEW(ck->ctx, p_record);
	p_field *fields = LANG_NEW_ARRAY(ck->ctx, p_field, ast->count + 1);
	uint32_t offset = 0, widest = 1;
	bool sound = true;

	what->state = SYM_BAD;
	if (record == NULL || fields == NULL)
		return;
	if (ast->count == 0 || ast->count > MOST_FIELDS) {
		site_error(&s, what->span, "the record '%s' has %u fields; it may have 1 to %d", what->name, ast->count,
		           MOST_FIELDS);
		return;
	}
	for (uint32_t i = 0; i < ast->count; i++) {
		if (!record_field(&s, what, i, fields)) {
			sound = false;
			continue;
		}
		uint32_t bytes = type_table[fields[i].type->scalar].bytes;
		widest = bytes > widest ? bytes : widest;
		fields[i].offset = align_up(offset, bytes);
		offset = fields[i].offset + bytes;
	}
	p_program *program = ck->program;
	if (!sound || !lang_grow(ck->ctx, (void **)&program->records, program->n_records, &ck->record_cap,
	                         sizeof *program->records))
		return;
	*record = (p_record){program->n_records, full_name(ck, what->home, what->name), ast->count, fields,
	                     align_up(offset, widest), what->span};
	program->records[program->n_records++] = record;
	what->u.record = record;
	what->state = SYM_DONE;
}

/* ---- on demand ---- */

static void report_cycle(checker *ck, sym *what)
{
	lang_diag *diag = check_error(ck, what->home->trace, what->span, "the %s '%s' depends on itself",
	                              sym_noun((sym_kind)what->kind), what->name);
	lang_help(ck->ctx, diag, what->kind == SYM_PARAM ? "its value may use other params only"
	                                                 : "its arguments may not be its own pages");
	what->state = SYM_BAD;
}

static void look_at(checker *ck, sym *what)
{
	switch ((sym_kind)what->kind) {
	case SYM_PARAM:
		resolve_param(ck, what);
		break;
	case SYM_RECORD:
		resolve_record(ck, what);
		break;
	case SYM_SEMIRING:
		resolve_ring(ck, what);
		break;
	case SYM_PAGE:
		resolve_page(ck, what);
		break;
	case SYM_INSTANCE:
		resolve_instance(ck, what);
		break;
	case SYM_SIZE:
		what->state = SYM_BAD;
		break;
	default:
		what->state = SYM_DONE;
	}
}

void resolve(checker *ck, sym *what)
{
	if (what->state == SYM_BUSY)
		report_cycle(ck, what);
	if (what->state != SYM_NEW)
		return;
	if (ck->resolving >= CHECK_MAX_CHAIN) {
		lang_help(ck->ctx, check_error(ck, what->home->trace, what->span, "more than %d declarations need one another here",
		                               CHECK_MAX_CHAIN), "declare them in the order in which they are needed");
		what->state = SYM_BAD;
		return;
	}
	ck->resolving++;
	look_at(ck, what);
	ck->resolving--;
}
