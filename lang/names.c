/* Scopes and the names in them: modules, instances of graphs, and what shadows them in an expression. */
#include "check.h"

#include <string.h>

/* ---- tables ---- */

scope *scope_new(checker *ck, scope *outer, const char *prefix)
{
	scope *sc = LANG_NEW(ck->ctx, scope);
	if (sc != NULL) {
		sc->outer = outer;
		sc->prefix = prefix;
	}
	return sc;
}

/* Names are interned, so their address is what is hashed; NULL when the table has no room at all. */
static sym **slot_of(sym **table, uint32_t cap, const char *name)
{
	uint64_t hash = (uint64_t)(uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15);
	for (uint32_t i = (uint32_t)(hash >> 32) & (cap - 1);; i = (i + 1) & (cap - 1))
		if (table[i] == NULL || table[i]->name == name)
			return &table[i];
}

static bool scope_reserve(checker *ck, scope *sc)
{
	if (sc->count * 2 < sc->cap)
		return true;
	uint32_t cap = sc->cap == 0 ? 16 : sc->cap * 2;
	sym **table = LANG_NEW_ARRAY(ck->ctx, sym *, cap);
	if (table == NULL)
		return false;
	for (uint32_t i = 0; i < sc->cap; i++)
		if (sc->table[i] != NULL)
			*slot_of(table, cap, sc->table[i]->name) = sc->table[i];
	sc->table = table;
	sc->cap = cap;
	return true;
}

sym *scope_get(const scope *sc, const char *name)
{
	return sc->cap == 0 ? NULL : *slot_of(sc->table, sc->cap, name);
}

sym *scope_add(checker *ck, scope *sc, sym_kind kind, ast_name name, const ast_decl *decl)
{
	if (!scope_reserve(ck, sc))
		return NULL;
	sym **slot = slot_of(sc->table, sc->cap, name.text);
	if (*slot != NULL) {
		const sym *other = *slot;
		lang_diag *diag = check_error(ck, sc->trace, name.span, "the name '%s' is declared twice", name.text);
		lang_note(ck->ctx, diag, other->span, "the other one, a %s, stands here", sym_noun(other->kind));
		if (other->home != sc)
			lang_help(ck->ctx, diag, "choose another name, or import the module with `as`");
		else
			lang_help(ck->ctx, diag, "pages, params, functions and all other names share one space");
		return NULL;
	}
	sym *made = LANG_NEW(ck->ctx, sym);
	if (made == NULL ||
	    !lang_grow(ck->ctx, (void **)&sc->own, sc->own_count, &sc->own_cap, sizeof *sc->own))
		return NULL;
	*made = (sym){.name = name.text, .kind = (uint8_t)kind, .span = name.span, .decl = decl, .home = sc};
	*slot = made;
	sc->count++;
	sc->own[sc->own_count++] = made;
	return made;
}

void scope_import(checker *ck, scope *sc, const scope *from, lang_span span)
{
	for (uint32_t i = 0; i < from->own_count; i++) {
		sym *own = from->own[i];
		if (own->kind == SYM_MODULE || !scope_reserve(ck, sc))
			continue;
		sym **slot = slot_of(sc->table, sc->cap, own->name);
		if (*slot == own)
			continue;
		if (*slot != NULL) {
			lang_diag *diag = check_error(ck, NULL, span, "this import brings in '%s', a name that is taken",
			                              own->name);
			lang_note(ck->ctx, diag, own->span, "what it would bring in");
			lang_note(ck->ctx, diag, (*slot)->span, "the other one, a %s, stands here",
			          sym_noun((*slot)->kind));
			lang_help(ck->ctx, diag, "import one of the two with `as`");
			continue;
		}
		*slot = own;
		sc->count++;
	}
}

/* What stands around a graph and may be used in it: what takes part in no epoch, and all that was imported there. */
static bool graph_sees(const scope *outer, const sym *found)
{
	switch ((sym_kind)found->kind) {
	case SYM_SIZE:
	case SYM_PARAM:
	case SYM_VALUE:
	case SYM_PAGE:
	case SYM_LET:
	case SYM_INSTANCE:
		return found->home != outer;
	default:
		return true;
	}
}

sym *scope_find(const scope *sc, const char *name, const sym **hidden)
{
	*hidden = NULL;
	sym *found = scope_get(sc, name);
	for (const scope *outer = sc->outer; found == NULL && outer != NULL; outer = outer->outer) {
		found = scope_get(outer, name);
		if (found != NULL && !graph_sees(outer, found)) {
			*hidden = found;
			return NULL;
		}
	}
	return found;
}

void scope_offer(const scope *sc, lang_nearest *nearest, unsigned kinds)
{
	const scope *first = sc;
	for (; sc != NULL; sc = sc->outer)
		for (uint32_t i = 0; i < sc->cap; i++) {
			const sym *found = sc->table[i];
			if (found != NULL && ((kinds >> found->kind) & 1u) && (sc == first || graph_sees(sc, found)))
				lang_nearest_offer(nearest, found->name);
		}
}

const local *find_local(const site *s, const char *name)
{
	for (const local *l = s->locals; l != NULL; l = l->next)
		if (l->name == name)
			return l;
	return NULL;
}

const char *sym_noun(sym_kind kind)
{
	switch (kind) {
	case SYM_SIZE: return "size";
	case SYM_PARAM: return "param";
	case SYM_VALUE: return "value of the graph";
	case SYM_RECORD: return "record";
	case SYM_SEMIRING: return "semiring";
	case SYM_FN: return "function";
	case SYM_PAGE: return "page";
	case SYM_LET: return "let";
	case SYM_GRAPH: return "graph";
	case SYM_INSTANCE: return "use of a graph";
	case SYM_MODULE: return "module";
	}
	return "name";
}

/* ---- names that nothing declares ---- */

static bool within(lang_span outer, lang_span inner)
{
	return outer.file == inner.file && outer.begin <= inner.begin && inner.end <= outer.end;
}

/* The reduction that binds the name and whose body ends where `left` does. */
static const ast_reduce *ends_with(const ast_expr *left, const char *name)
{
	for (;;) {
		if (left->kind == AST_BINARY) {
			left = left->u.binary.right;
		} else if (left->kind == AST_UNARY) {
			left = left->u.unary.arg;
		} else if (left->kind == AST_IF) {
			left = left->u.cond.no;
		} else if (left->kind == AST_REDUCE) {
			const ast_reduce *reduce = left->u.reduce;
			for (uint32_t i = 0; i < reduce->bindings.count; i++)
				if (reduce->bindings.items[i].name.text == name)
					return reduce;
			left = reduce->body;
		} else {
			return NULL;
		}
	}
}

typedef struct stray {
	ast_name name;
	const ast_reduce *reduce; /* that would have bound it */
	const char *op;           /* where its body ended */
} stray;

static bool find_stray(void *user, ast_expr *e)
{
	stray *look = user;
	if (!within(e->span, look->name.span))
		return true;
	if (e->kind == AST_BINARY && within(e->u.binary.right->span, look->name.span)) {
		const ast_reduce *found = ends_with(e->u.binary.left, look->name.text);
		if (found != NULL) {
			look->reduce = found;
			look->op = ast_binary_text(e->u.binary.op);
		}
	}
	return ast_each_child(e, find_stray, look);
}

static const char *bound_names(site *s)
{
	const char *text = "";
	uint32_t count = s->bound == NULL ? 0 : s->bound->count;
	for (uint32_t i = 0; i < count && text != NULL; i++)
		text = lang_sprintf(s->ck->ctx, "%s%s'%s'", text,
		                    i == 0 ? "" : i + 1 == count ? " and " : ", ", s->bound->items[i].text);
	return text == NULL ? "" : text;
}

static void unbound_index(site *s, ast_name name, const stray *look)
{
	lang_diag *diag = site_error(s, name.span, "index '%s' is not bound here", name.text);
	if (look->reduce != NULL) {
		const char *head = check_source(s->ck, look->reduce->head);
		lang_help(s->ck->ctx, diag, "the body of `%s` ends before '%s'; write `%s (...)`", head, look->op, head);
		return;
	}
	const char *binder = s->binder == NULL ? "edge" : s->binder;
	if (s->bound == NULL || s->bound->count == 0)
		lang_help(s->ck->ctx, diag, "the %s binds no index; reductions bind the names in their brackets", binder);
	else
		lang_help(s->ck->ctx, diag, "the %s binds %s; reductions bind the names in their brackets", binder,
		          bound_names(s));
}

static void report_unknown(site *s, ast_name name, unsigned kinds, const char *noun)
{
	stray look = {.name = name};
	if (check_full(s->ck)) {
		site_error(s, name.span, "another unknown name");
		return;
	}
	if (s->text != NULL)
		find_stray(&look, s->text);
	lang_nearest nearest = lang_nearest_to(name.text);
	for (const local *l = s->locals; l != NULL; l = l->next)
		lang_nearest_offer(&nearest, l->name);
	scope_offer(s->scope, &nearest, kinds);
	if (look.reduce != NULL || (s->in_index && nearest.best == NULL && s->mode == SITE_EDGE && s->what == NULL)) {
		unbound_index(s, name, &look);
		return;
	}
	lang_diag *diag = site_error(s, name.span, "there is no %s '%s' here", noun, name.text);
	if (nearest.best != NULL)
		lang_help(s->ck->ctx, diag, "did you mean '%s'?", nearest.best);
	else if (s->mode == SITE_EDGE && s->what == NULL && strcmp(noun, "name") == 0 && s->bound != NULL && s->bound->count > 0)
		lang_help(s->ck->ctx, diag, "it is no page, param or let, and the %s binds %s alone", s->binder, bound_names(s));
	else if (s->mode == SITE_FN)
		lang_help(s->ck->ctx, diag, "a function sees its parameters, its lets, params and other functions");
}

void unknown_name(site *s, ast_name name, unsigned kinds, const char *noun)
{
	s->ck->naming = true;
	report_unknown(s, name, kinds, noun);
	s->ck->naming = false;
}

static void hidden_name(site *s, ast_name name, const sym *hidden)
{
	s->ck->naming = true;
	lang_diag *diag = site_error(s, name.span, "a graph does not see the %s '%s'",
	                             sym_noun((sym_kind)hidden->kind), name.text);
	s->ck->naming = false;
	lang_note(s->ck->ctx, diag, hidden->span, "it is declared outside the graph");
	lang_help(s->ck->ctx, diag, "give it to the graph as an argument");
}

/* ---- paths ---- */

/* `name` within a module or an instance. */
static sym *find_inside(site *s, const sym *space, ast_name name, unsigned kinds, const char *noun)
{
	const scope *inside = space->u.space;
	sym *found = inside == NULL ? NULL : scope_get(inside, name.text);
	if (inside == NULL)
		return NULL; /* its own error was reported */
	if (found != NULL && found->home == inside && space->kind == SYM_MODULE && found->kind != SYM_MODULE)
		return found;
	if (found != NULL && found->home == inside && space->kind == SYM_INSTANCE && found->result)
		return found;
	lang_nearest nearest = lang_nearest_to(name.text);
	const char *results = "";
	for (uint32_t i = 0; i < inside->own_count && !check_full(s->ck); i++) {
		const sym *own = inside->own[i];
		if (space->kind == SYM_MODULE ? ((kinds >> own->kind) & 1u) != 0 : own->result)
			lang_nearest_offer(&nearest, own->name);
		if (own->result && results != NULL)
			results = lang_sprintf(s->ck->ctx, "%s%s'%s.%s'", results, results[0] == '\0' ? "" : ", ",
			                       space->name, own->name);
	}
	lang_diag *diag;
	if (found != NULL && space->kind == SYM_INSTANCE)
		diag = site_error(s, name.span, "'%s' is private to the graph", name.text);
	else
		diag = site_error(s, name.span, "there is no %s '%s' in '%s'", noun, name.text, space->name);
	if (nearest.best != NULL)
		lang_help(s->ck->ctx, diag, "did you mean '%s.%s'?", space->name, nearest.best);
	else if (space->kind == SYM_INSTANCE && results != NULL)
		lang_help(s->ck->ctx, diag, "the graph gives %s", results);
	return NULL;
}

sym *find_path(site *s, const ast_path *path, uint32_t *used, unsigned kinds, const char *noun)
{
	unsigned spaces = 1u << SYM_MODULE | 1u << SYM_INSTANCE;
	const sym *hidden = NULL;
	sym *found = scope_find(s->scope, path->parts.items[0].text, &hidden);

	*used = 1;
	if (hidden != NULL) {
		hidden_name(s, path->parts.items[0], hidden);
		return NULL;
	}
	if (found == NULL) {
		unknown_name(s, path->parts.items[0], path->parts.count > 1 ? kinds | spaces : kinds, noun);
		return NULL;
	}
	while (found != NULL && (found->kind == SYM_MODULE || found->kind == SYM_INSTANCE) && *used < path->parts.count) {
		found->used = true;
		resolve(s->ck, found);
		if (found->state == SYM_BAD)
			return NULL;
		found = find_inside(s, found, path->parts.items[*used], kinds, noun);
		++*used;
	}
	if (found == NULL)
		return NULL;
	found->used = true;
	resolve(s->ck, found);
	return found;
}
