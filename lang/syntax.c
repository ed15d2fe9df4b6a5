/* What is said about a token that does not fit: in terms of the language, not of the grammar. */
#include "parse.h"

#include <string.h>

enum { SHOWN_TOKEN = 40, LISTED = 5 };

typedef struct expected {
	const char *const *names;
	int count;
} expected;

static bool expects(const expected *e, const char *name)
{
	for (int i = 0; i < e->count; i++)
		if (strcmp(e->names[i], name) == 0)
			return true;
	return false;
}

static const char *shown(lang_parse_state *ps, lang_span span)
{
	if (span.begin >= ps->source->length || span.begin == span.end)
		return "the end of the file";
	size_t length;
	const char *text = lang_span_text(ps->ctx, span, &length);
	size_t cut = length > SHOWN_TOKEN ? SHOWN_TOKEN : length;
	while (cut < length && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	const char *quoted = lang_sprintf(ps->ctx, "'%.*s%s'", (int)cut, text, cut < length ? "..." : "");
	return quoted == NULL ? "a token" : quoted;
}

/* Mistakes that have a better name than "expected …": true when it was one of them. `operand`: the text is inside an
 * expression that could end here or go on with an operator; `wants`: an operand must come. */
static bool known_mistake(lang_parse_state *ps, lang_span span, const char *got, bool operand, bool wants)
{
	static const struct { const char *got, *message, *help; } after_operand[] = {
		{"'<-'", "'<-' is always the arrow", "to compare with something negative, put a blank between: a < -b"},
		{"'='", "'=' does not compare", "equality is written =="},
		{"'['", "an index list stands behind the name of a page only", "write all indices in one list: x[i, j]"},
		{"'('", "only a function's name is called", "a product is written with *"},
		{"'!'", "'!' negates what follows it", "inequality is written !="},
		{"'->'", "'->' belongs to the head of a graph", "to compare with something negative, put a blank between: a > -b"},
	}, before_operand[] = {
		{"'if'", "an 'if' used as an operand is in parentheses", "write (if c then a else b)"},
		{"'fix'", "'fix' stands directly behind the arrow of an edge", "write edge x[i] <- fix ...;"},
		{"'*'", "expected an expression before '*'", "a power is written pow(a, b)"},
		{"'+'", "expected an expression before '+'", "there is no sign + and no ++"},
	}, anywhere[] = {
		{"'and'", "'and' is a reserved word", "the operator is written &&"},
		{"'or'", "'or' is a reserved word", "the operator is written ||"},
		{"'not'", "'not' is a reserved word", "the operator is written !"},
	};
	const char *message = NULL, *help = NULL;
#define LOOK(table)                                                                    \
	for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]) && message == NULL; i++) \
		if (strcmp((table)[i].got, got) == 0) {                                \
			message = (table)[i].message;                                  \
			help = (table)[i].help;                                        \
		}
	if (operand)
		LOOK(after_operand)
	if (wants)
		LOOK(before_operand)
	if (operand || wants)
		LOOK(anywhere)
#undef LOOK
	if (message == NULL)
		return false;
	lang_help(ps->ctx, lang_error(ps->ctx, span, "%s", message), "%s", help);
	return true;
}

/* "A", "A or B", "A, B or C" of those of names that are expected; "" when none is. */
static const char *listed(lang_parse_state *ps, const expected *e, const char *const *names, size_t count)
{
	const char *found[LISTED];
	size_t n = 0;
	for (size_t i = 0; i < count && n < LISTED; i++)
		if (expects(e, names[i]))
			found[n++] = names[i];
	const char *text = n == 0 ? "" : found[0];
	for (size_t i = 1; i < n && text != NULL; i++)
		text = lang_sprintf(ps->ctx, "%s%s%s", text, i + 1 == n ? " or " : ", ", found[i]);
	return text == NULL ? "" : text;
}

/* What may end an expression, the most telling first. */
static const char *const closers[] = {
	"';'", "')'", "']'", "'}'", "'then'", "'else'", "'..'", "','",
};

/* What is wanted here, in the user's words; *help may be set. */
static const char *wanted(lang_parse_state *ps, const expected *e, bool operand, bool wants, const char **help)
{
	if (operand)
		return listed(ps, e, closers, sizeof closers / sizeof closers[0]);
	if (wants)
		return "an expression";
	if (expects(e, "'page'") && expects(e, "'edge'") && !expects(e, "'sparse'")) {
		if (expects(e, "':'") || expects(e, "'='"))
			return listed(ps, e, (const char *const[]){"':'", "'='"}, 2);
		if (expects(e, "'then'"))
			return "a name";
		*help = "declarations begin with import, param, record, semiring, fn, page, let, edge, graph or use";
		return expects(e, "'}'") ? "a declaration or '}'" : "a declaration";
	}
	if (expects(e, "a type"))
		return "a type";
	return e->count <= LISTED ? listed(ps, e, e->names, (size_t)e->count) : "something else";
}

/* A word in the place of a declaration that resembles a keyword. */
static const char *nearest_keyword(const char *word)
{
	static const char *const keywords[] = {
		"import", "param", "record", "semiring", "fn", "page", "let", "edge", "graph", "use",
	};
	lang_nearest nearest = lang_nearest_to(word);
	for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
		lang_nearest_offer(&nearest, keywords[i]);
	return nearest.best;
}

static void add_help(lang_parse_state *ps, lang_diag *diag, lang_span span, const char *got, const char *what,
                     const char *help)
{
	size_t length;
	const char *text = lang_span_text(ps->ctx, span, &length);
	bool is_word = length > 1 && got[0] == '\'' && (text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z';
	bool reserved = is_word || strcmp(got, "a type") == 0 || strcmp(got, "a reduction") == 0
	                || strcmp(got, "a view") == 0 || strcmp(got, "true or false") == 0;
	if (strncmp(what, "a declaration", 13) == 0 && strcmp(got, "a name") == 0) {
		char *word = lang_strndup(ps->ctx, text, length);
		const char *nearest = word == NULL ? NULL : nearest_keyword(word);
		if (nearest != NULL) {
			lang_help(ps->ctx, diag, "did you mean '%s'?", nearest);
			return;
		}
	}
	if (strncmp(what, "a name", 6) == 0 && reserved)
		lang_help(ps->ctx, diag, "'%.*s' is a reserved word; choose another name", (int)length, text);
	else if (strcmp(what, "'}'") == 0 && strcmp(got, "';'") == 0)
		lang_help(ps->ctx, diag, "the last expression of a block is its value and has no ';'");
	else if (help != NULL)
		lang_help(ps->ctx, diag, "%s", help);
}

void lang_report_syntax(lang_parse_state *ps, lang_span span, const char *got, const char *const *names, int count)
{
	const expected e = {names, count};
	bool operand = expects(&e, "'*'") && expects(&e, "'<<'") && !expects(&e, "'='");
	bool wants = !operand && expects(&e, "a number") && expects(&e, "'-'");
	if (known_mistake(ps, span, got, operand, wants))
		return;
	const char *help = NULL;
	const char *what = wanted(ps, &e, operand, wants, &help);
	bool top = strncmp(what, "a declaration", 13) == 0;
	/* The end of what an error before has cut in two. */
	if (top && strcmp(got, "'}'") == 0 && ps->ctx->error_count > 0)
		return;
	lang_place here = lang_place_of(ps->source, span.begin), last = lang_place_of(ps->source, ps->last.end);
	lang_span behind = {ps->last.file, ps->last.end, ps->last.end};
	bool at_end = span.begin >= ps->source->length;
	if (expects(&e, "';'") && (here.line > last.line || strcmp(got, "'}'") == 0) && !top && ps->last.end > 0) {
		lang_error(ps->ctx, behind, "expected ';' behind %s", shown(ps, ps->last));
		return;
	}
	/* Nothing can be shown at the end of the file: show what stands before it. */
	lang_span where = at_end ? behind : span;
	lang_diag *diag = what[0] == '\0' ? lang_error(ps->ctx, where, "%s does not fit here", shown(ps, span))
	                                  : lang_error(ps->ctx, where, "expected %s before %s", what, shown(ps, span));
	add_help(ps, diag, span, got, what, help);
}
