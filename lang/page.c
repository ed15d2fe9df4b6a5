/* Pages and their attributes. */
#include "check.h"

/* ---- declaration ---- */

page_info *page_new(checker *ck, sym *what, const char *doc)
{
	page_info *info = LANG_NEW(ck->ctx, page_info);
	const char *prefix = what->home->prefix;
	if (info == NULL)
		return NULL;
	info->sym = what;
	info->prev_span = info->fix_span = lang_no_span();
	info->page.name = prefix[0] == '\0' ? what->name : lang_sprintf(ck->ctx, "%s%s", prefix, what->name);
	info->page.doc = doc;
	info->page.span = what->span;
	return info->page.name == NULL ? NULL : info;
}

static uint32_t attr_bits(const ast_attrs *attrs)
{
	static const uint8_t bits[AST_ATTR_COUNT] = {
		[AST_ATTR_STATIC] = PAGE_STATIC, [AST_ATTR_LAZY] = PAGE_LAZY, [AST_ATTR_SOA] = PAGE_SOA, [AST_ATTR_AOS] = PAGE_AOS,
		[AST_ATTR_CPU] = PAGE_CPU, [AST_ATTR_GPU] = PAGE_GPU, [AST_ATTR_UNIFIED] = PAGE_UNIFIED,
	};
	uint32_t all = 0;
	for (uint32_t i = 0; i < attrs->count; i++)
		all |= bits[attrs->items[i].kind];
	return all;
}

void resolve_page(checker *ck, sym *what)
{
	static const uint8_t roles[] = {[AST_ROLE_NONE] = ROLE_INTERNAL, [AST_ROLE_IN] = ROLE_IN, [AST_ROLE_OUT] = ROLE_OUT};
	const ast_page *ast = &what->decl->u.page;
	site s = site_of(ck, what->home);
	page_info *info = page_new(ck, what, what->decl->doc);

	what->state = SYM_BAD;
	if (info == NULL)
		return;
	bool typed = record_type(&s, ast->type, &info->page.type);
	if (!shape_of(&s, ast->type, info->page.dims, &info->page.ndim) || !typed)
		return;
	info->ast = ast;
	info->page.sparse = ast->type->sparse;
	info->page.role = roles[ast->role];
	info->page.attrs = attr_bits(&ast->attrs);
	what->u.page = &info->page;
	what->state = SYM_DONE;
}

/* ---- attributes ---- */

static const ast_attr *attr_of(const page_info *info, ast_attr_kind kind)
{
	for (uint32_t i = 0; info->ast != NULL && i < info->ast->attrs.count; i++)
		if (info->ast->attrs.items[i].kind == kind)
			return &info->ast->attrs.items[i];
	return NULL;
}

static bool same_shape(const p_page *a, const p_page *b)
{
	if (a->ndim != b->ndim)
		return false;
	for (uint32_t i = 0; i < a->ndim; i++)
		if (a->dims[i] != b->dims[i])
			return false;
	return true;
}

static const char *page_type_text(checker *ck, const p_page *page)
{
	const char *text = lang_sprintf(ck->ctx, "%s%s", page->sparse ? "sparse " : "", type_text(ck, &page->type));
	for (uint32_t i = 0; i < page->ndim && text != NULL; i++)
		text = lang_sprintf(ck->ctx, "%s%s%s%s", text, i == 0 ? "[" : ", ", p_size_text(ck->ctx, page->dims[i]),
		                    i + 1 == page->ndim ? "]" : "");
	return text == NULL ? "" : text;
}

/* Two attributes that cannot stand together. */
static void exclude(site *s, const page_info *info, ast_attr_kind a, ast_attr_kind b, const char *why)
{
	const ast_attr *first = attr_of(info, a), *second = attr_of(info, b);
	if (first == NULL || second == NULL)
		return;
	lang_diag *diag = site_error(s, second->span, "'%s' contradicts '%s'", ast_attr_text(b), ast_attr_text(a));
	lang_note(s->ck->ctx, diag, first->span, "given here");
	lang_help(s->ck->ctx, diag, "%s", why);
}

static void check_layout(site *s, const page_info *info)
{
	static const ast_attr_kind layouts[] = {AST_ATTR_SOA, AST_ATTR_AOS};
	for (int i = 0; i < 2; i++) {
		const ast_attr *attr = attr_of(info, layouts[i]);
		if (attr != NULL && info->page.type.base != B_RECORD)
			lang_help(s->ck->ctx, site_error(s, attr->span, "'%s' is for pages of records, and '%s' is '%s'",
			                                 ast_attr_text(layouts[i]), info->page.name,
			                                 type_text(s->ck, &info->page.type)),
			          "leave it out");
	}
	exclude(s, info, AST_ATTR_SOA, AST_ATTR_AOS, "a page has one layout");
	exclude(s, info, AST_ATTR_CPU, AST_ATTR_GPU, "a page that both use is `@unified`");
	exclude(s, info, AST_ATTR_CPU, AST_ATTR_UNIFIED, "a page has one place");
	exclude(s, info, AST_ATTR_GPU, AST_ATTR_UNIFIED, "a page has one place");
}

static void check_tile(site *s, page_info *info)
{
	enum { MOST = 65536 };
	const ast_attr *attr = attr_of(info, AST_ATTR_TILE);
	if (attr == NULL)
		return;
	if (info->page.ndim != 2 || info->page.sparse) {
		lang_help(s->ck->ctx, site_error(s, attr->span, "'@tile' is for dense pages of two dimensions"), "leave it out");
		return;
	}
	bool sound = attr->args.count == 2;
	for (uint32_t i = 0; sound && i < 2; i++) {
		const ast_expr *e = attr->args.items[i];
		sound = e->kind == AST_INT && e->u.integer.value > 0 && e->u.integer.value <= MOST;
		if (sound)
			info->page.tile[i] = (uint32_t)e->u.integer.value;
	}
	if (!sound)
		lang_help(s->ck->ctx, site_error(s, attr->span, "'@tile' takes the rows and columns of a tile, 1 to %d", MOST),
		          "as in `@tile(64, 64)`");
}

/* The page that this one says it is like; NULL: none, or an error was reported. */
static p_page *like_target(checker *ck, page_info *info, const ast_attr *attr)
{
	site s = site_of(ck, info->sym->home);
	uint32_t used;
	sym *found = find_path(&s, attr->like, &used, 1u << SYM_PAGE, "page");
	p_page *other = found != NULL && found->kind == SYM_PAGE && found->state == SYM_DONE ? found->u.page : NULL;
	lang_diag *diag;
	if (found != NULL && found->kind != SYM_PAGE)
		diag = site_error(&s, attr->like->span, "'%s' is a %s, not a page", found->name, sym_noun((sym_kind)found->kind));
	else if (!info->page.sparse)
		diag = site_error(&s, attr->span, "'like' is for sparse pages, and '%s' is dense", info->page.name);
	else if (info->page.role == ROLE_IN)
		diag = site_error(&s, attr->span, "the source '%s' has a pattern of its own, so it is like no other page",
		                  info->page.name);
	else if (other != NULL && !other->sparse)
		diag = site_error(&s, attr->like->span, "the page '%s' is not sparse: it has no pattern", other->name);
	else if (other != NULL && !same_shape(other, &info->page))
		diag = site_error(&s, attr->span, "'%s' is '%s', and '%s' is '%s'", info->page.name,
		                  page_type_text(ck, &info->page), other->name, page_type_text(ck, other));
	else
		return other;
	lang_note(ck->ctx, diag, info->page.span, "in the declaration of '%s'", info->page.name);
	return NULL;
}

/* Finds the root of the page's family, and with it that of all pages on the way there. */
static void find_root(checker *ck, page_info *info)
{
	page_info *end = info;
	const ast_attr *attr;
	while (end->like_state == SYM_NEW && (attr = attr_of(end, AST_ATTR_LIKE)) != NULL) {
		end->like_state = SYM_BUSY;
		end->like_next = like_target(ck, end, attr);
		if (end->like_next != NULL)
			end = info_of(end->like_next);
	}
	const p_page *root = end->page.like == NULL ? &end->page : end->page.like;
	bool lost = end->like_state == SYM_BAD || (end->like_state == SYM_BUSY && end->like_next == NULL);
	if (end->like_state == SYM_BUSY && end->like_next != NULL) {
		site s = site_of(ck, end->sym->home);
		site_error(&s, attr_of(end, AST_ATTR_LIKE)->span, "the page '%s' is like itself", end->page.name);
		lost = true;
	}
	for (page_info *at = info; at->like_state == SYM_BUSY; at = info_of(at->like_next)) {
		at->page.like = lost ? NULL : root;
		at->like_state = lost ? SYM_BAD : SYM_DONE;
		if (at->like_next == NULL)
			break;
	}
}

static void init_from_page(site *s, page_info *info, const ast_attr *attr, const p_page *from)
{
	lang_diag *diag;
	if (from->role != ROLE_IN)
		diag = site_error(s, attr->init->span, "'init' takes a source page or a constant, and '%s' has an edge", from->name);
	else if (info->page.role == ROLE_IN)
		diag = site_error(s, attr->init->span, "the init of a source is a constant expression, not a page");
	else if (!same_type(&from->type, &info->page.type) || !same_shape(from, &info->page) ||
	         from->sparse != info->page.sparse)
		diag = site_error(s, attr->init->span, "'%s' is '%s', and its init '%s' is '%s'", info->page.name,
		                  page_type_text(s->ck, &info->page), from->name, page_type_text(s->ck, from));
	else if (info->page.sparse)
		diag = site_error(s, attr->init->span, "the init of a sparse page is a constant");
	else {
		info->page.init_page = from;
		return;
	}
	lang_note(s->ck->ctx, diag, from->span, "'%s' is declared here", from->name);
}

static void check_init(checker *ck, page_info *info)
{
	const ast_attr *attr = attr_of(info, AST_ATTR_INIT);
	site s = constant_site(ck, info->sym->home, "the init of a page");
	uint32_t used;

	if (attr == NULL)
		return;
	if (attr->init->kind == AST_NAME) {
		const sym *hidden;
		const sym *first = scope_find(s.scope, attr->init->u.name->parts.items[0].text, &hidden);
		if (first != NULL && (first->kind == SYM_PAGE || first->kind == SYM_INSTANCE || first->kind == SYM_MODULE)) {
			sym *found = find_path(&s, attr->init->u.name, &used, 1u << SYM_PAGE | 1u << SYM_PARAM, "page");
			if (found == NULL || found->state == SYM_BAD)
				return;
			if (found->kind == SYM_PAGE) {
				init_from_page(&s, info, attr, found->u.page);
				return;
			}
		}
	}
	if (info->page.sparse && info->page.role == ROLE_IN) {
		lang_help(ck->ctx, site_error(&s, attr->span, "a sparse source begins without entries, so it has no init"),
		          "leave it out");
		return;
	}
	s.text = attr->init;
	p_expr *value = check_as(&s, attr->init, info->page.type, "the page");
	if (!is_poison(value))
		info->page.init = value;
}

static void check_source_page(site *s, const page_info *info)
{
	const p_page *page = &info->page;
	lang_diag *diag;
	if (page->role == ROLE_IN && info->edge != NULL) {
		diag = site_error(s, info->edge->edge.span, "the page '%s' is a source, so no edge defines it", page->name);
		lang_note(s->ck->ctx, diag, page->span, "it says `in` here");
		lang_help(s->ck->ctx, diag, "leave out the `in`, or the edge");
		return;
	}
	if (page->role != ROLE_IN && info->edge == NULL) {
		diag = site_error(s, page->span, "the page '%s' has no edge", page->name);
		if (info->ast == NULL)
			lang_help(s->ck->ctx, diag, "the body of the graph defines its results: `edge %s... <- ...;`", info->sym->name);
		else
			lang_help(s->ck->ctx, diag, "a source says `in`; every other page is defined by an edge");
		return;
	}
	if (page->role != ROLE_IN && page->sparse && page->like == NULL && info->like_state != SYM_BAD) {
		diag = site_error(s, page->span, "the sparse page '%s' has an edge and is like no other page", page->name);
		lang_help(s->ck->ctx, diag, "say whose entries it has: `like P`, with a sparse page P");
	}
}

void check_attrs(checker *ck, page_info *info)
{
	site s = site_of(ck, info->sym->home);
	find_root(ck, info);
	check_layout(&s, info);
	check_tile(&s, info);
	check_init(ck, info);
	check_source_page(&s, info);
}

/* ---- @lazy: evaluated when somebody reads it, outside any epoch, so it may neither fail nor be state ---- */

static bool may_divide_by_zero(const p_expr *e)
{
	return e->kind == P_OP && (op_table[e->op].flags & OPF_FAILS) && type_table[e->type.scalar].kind != KIND_F &&
	       (e->args[1]->kind != P_CONST || e->args[1]->u.value.bits == 0);
}

static const p_expr *what_fails(const p_expr *e)
{
	if (e->kind == P_INDEX || e->kind == P_GUARD || may_divide_by_zero(e))
		return e;
	const p_expr *found = e->kind == P_READ && e->u.read.pad != NULL ? what_fails(e->u.read.pad) : NULL;
	for (uint32_t i = 0; found == NULL && i < e->n_args; i++)
		found = what_fails(e->args[i]);
	return found;
}

void check_lazy(checker *ck, page_info *info)
{
	const ast_attr *attr = attr_of(info, AST_ATTR_LAZY);
	const p_page *page = &info->page;
	site s = site_of(ck, info->sym->home);
	lang_diag *diag = NULL;

	if (attr == NULL)
		return;
	if (page->role == ROLE_IN)
		diag = site_error(&s, attr->span, "the source '%s' cannot be '@lazy'", page->name);
	else if (info->edge != NULL && info->edge->edge.fix != FIX_NONE)
		diag = site_error(&s, attr->span, "a fixpoint cannot be '@lazy'");
	else if (info->prev_span.file != LANG_NO_FILE) {
		diag = site_error(&s, attr->span, "the '@lazy' page '%s' is read with prev", page->name);
		lang_note(ck->ctx, diag, info->prev_span, "here");
	} else if (info->fix_span.file != LANG_NO_FILE) {
		diag = site_error(&s, attr->span, "the '@lazy' page '%s' is read by a fixpoint", page->name);
		lang_note(ck->ctx, diag, info->fix_span, "here");
	} else if (info->edge != NULL && info->edge->sound) {
		const p_expr *fails = what_fails(info->edge->edge.body);
		if (fails == NULL)
			return;
		diag = site_error(&s, attr->span, "the edge of the '@lazy' page '%s' can fail", page->name);
		lang_note(ck->ctx, diag, fails->span, fails->kind == P_INDEX ? "this position can be out of range"
		                                                            : "this divisor can be zero");
	}
	if (diag != NULL)
		lang_help(ck->ctx, diag, "leave out '@lazy'");
}
