/* lang_random.c: programs made at random from the whole grammar, with blanks, line ends and comments between any two
 * tokens and with parentheses that are not needed. They parse; they mean nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lang_texts.h"

typedef struct maker {
	uint64_t state;
	char *text;
	size_t length;
	FILE *out;
	int plain;                   /* no comments and line ends: every second program, so that layout is seen too */
	int count;                   /* of comments */
} maker;

static unsigned draw(maker *m, unsigned below)
{
	m->state ^= m->state << 13;
	m->state ^= m->state >> 7;
	m->state ^= m->state << 17;
	return (unsigned)((m->state >> 33) % below);
}

static void gap(maker *m)
{
	static const char *const comments[] = {
		"// %d\n", "\n  // %d  \n", "/* %d */", "\n/* %d */\n", " /* %d\n  two */ ", "/// %d\n", "\n\n/* %d */ ",
		" //\n", "/**/", "\n\n  /// %d\r\n",
	};
	fputs(" ", m->out); /* always: a `/` before a comment would be another one */
	if (m->plain || draw(m, 4) != 0)
		return;
	unsigned kind = draw(m, 24);
	if (kind < sizeof comments / sizeof comments[0])
		fprintf(m->out, comments[kind], m->count++);
	else
		fputs(kind < 14 ? "\n" : kind < 16 ? "\n\n\n" : "  ", m->out);
}

static void token(maker *m, const char *text)
{
	fputs(text, m->out);
	gap(m);
}

#define PICK(m, list) ((list)[draw((m), sizeof(list) / sizeof((list)[0]))])

static const char *const names[] = {"a", "b", "price", "qty", "a_rather_long_name_for_a_page", "x", "i", "k", "N"};
static const char *const words[] = {"a", "in", "bid", "sum", "page", "f32", "then"};
static const char *const types[] = {"f64", "bool", "u8"};
static const char *const binary[] = {
	"||", "&&", "==", "<", ">=", "|", "^", "&", "<<", ">>", "+", "-", ".+", "*", "*", "*", "/", "%", ".*", ".*",
};

static void expr(maker *m, int depth);

static void path(maker *m)
{
	token(m, PICK(m, names));
	if (draw(m, 6) == 0) {
		token(m, ".");
		token(m, PICK(m, words));
	}
}

static void list(maker *m, int depth, unsigned most)
{
	for (unsigned left = draw(m, most) + 1; left > 0; left--) {
		expr(m, depth);
		if (left > 1)
			token(m, ",");
	}
}

static void bindings(maker *m, int depth)
{
	token(m, "[");
	for (unsigned left = draw(m, 2) + 1; left > 0; left--) {
		token(m, PICK(m, names));
		if (draw(m, 3) == 0) {
			token(m, "in");
			expr(m, depth);
			token(m, "..");
			expr(m, depth);
		}
		if (left > 1)
			token(m, ",");
	}
	if (draw(m, 3) == 0) {
		token(m, "where");
		expr(m, depth);
	}
	token(m, "]");
}

static void read_page(maker *m, int depth)
{
	if (draw(m, 3) == 0)
		token(m, "prev");
	path(m);
	token(m, "[");
	list(m, depth - 2, 3);
	token(m, "]");
	if (draw(m, 3) == 0) {
		token(m, ".");
		token(m, PICK(m, words));
	}
}

static void view(maker *m, int depth)
{
	static const char *const views[] = {"clamp", "wrap", "mirror", "zero"};
	token(m, PICK(m, views));
	token(m, "(");
	if (draw(m, 2) == 0)
		token(m, "prev");
	path(m);
	token(m, ") [");
	list(m, depth - 2, 2);
	token(m, "]");
}

/* An operand: what may stand on either side of an operator. A semiring's body does not begin with a minus. */
static void operand(maker *m, int depth, int no_minus)
{
	static const char *const leaves[] = {"0", "1_000", "0xff", "1.5", "1e-12", "inf", "nan", "true", "2"};
	static const char *const reductions[] = {"sum", "min", "argmax", "count", "any"};
	static const char *const unary[] = {"!", "~", "-"};
	switch (depth <= 0 ? draw(m, 3) : draw(m, 14)) {
	case 0:
	case 1:
		path(m);
		break;
	case 2:
		token(m, PICK(m, leaves));
		break;
	case 3:
		token(m, unary[draw(m, no_minus ? 2 : 3)]);
		operand(m, depth - 1, 0);
		break;
	case 4:
		token(m, PICK(m, reductions));
		bindings(m, depth - 2);
		operand(m, depth - 1, 0);
		break;
	case 5:
		path(m);
		bindings(m, depth - 2);
		operand(m, depth - 1, 1);
		break;
	case 6:
		read_page(m, depth);
		break;
	case 7:
		view(m, depth);
		break;
	case 8:
		path(m);
		token(m, "(");
		list(m, depth - 1, 5);
		token(m, ")");
		break;
	case 9:
		token(m, draw(m, 2) ? "f32 (" : "index ( N + 1 ) (");
		expr(m, depth - 1);
		token(m, ")");
		break;
	case 10:
		token(m, "( prev q ) . f");
		break;
	default:
		token(m, "(");
		expr(m, depth - 1);
		token(m, ")");
		break;
	}
}

static void expr(maker *m, int depth)
{
	if (depth > 0 && draw(m, 8) == 0) {
		token(m, "if");
		expr(m, depth - 2);
		token(m, "then");
		expr(m, depth - 1);
		token(m, "else");
		expr(m, depth - 1);
		return;
	}
	int compared = 0;
	operand(m, depth, 0);
	for (unsigned left = depth > 0 ? draw(m, 4) : 0; left > 0; left--) {
		const char *op = PICK(m, binary);
		int compares = op[0] == '=' || strcmp(op, "<") == 0 || op[0] == '>';
		if (compares && compared++ && strcmp(op, ">>") != 0)
			op = "+";
		token(m, op);
		operand(m, depth - 1, 0);
	}
}

static void type(maker *m)
{
	if (draw(m, 6) == 0)
		token(m, "sparse");
	if (draw(m, 5) == 0)
		token(m, "index ( N )");
	else if (draw(m, 5) == 0)
		path(m);
	else
		token(m, PICK(m, types));
	if (draw(m, 2) == 0) {
		token(m, "[");
		list(m, 1, 2);
		token(m, "]");
	}
}

static void indices(maker *m)
{
	if (draw(m, 3) == 0)
		return;
	token(m, "[");
	token(m, PICK(m, names));
	if (draw(m, 2) == 0) {
		token(m, ",");
		token(m, PICK(m, names));
	}
	token(m, "]");
}

static void field(maker *m, const char *end)
{
	token(m, PICK(m, names));
	token(m, ":");
	type(m);
	token(m, end);
}

static void page(maker *m)
{
	token(m, "page");
	token(m, PICK(m, names));
	token(m, ":");
	type(m);
	if (draw(m, 3) == 0)
		token(m, draw(m, 2) ? "in" : "out");
	if (draw(m, 4) == 0) {
		token(m, "init");
		expr(m, 2);
	}
	if (draw(m, 6) == 0)
		token(m, "like P @tile ( 3 , 4 )");
	if (draw(m, 4) == 0)
		token(m, "@static");
	token(m, ";");
}

static void edge(maker *m)
{
	token(m, "edge");
	token(m, PICK(m, names));
	indices(m);
	token(m, "<-");
	if (draw(m, 5) == 0)
		token(m, draw(m, 2) ? "fix" : "fix ( tol = 1e-6 , max = 3 )");
	expr(m, 5);
	token(m, ";");
}

static void decl(maker *m, int inside);

static void fn(maker *m)
{
	token(m, "fn f ( a , b : f64 )");
	token(m, draw(m, 2) ? "{" : ": f32 {");
	for (unsigned left = draw(m, 3); left > 0; left--) {
		token(m, "let d =");
		expr(m, 2);
		token(m, ";");
	}
	expr(m, 3);
	token(m, "}");
}

static void graph(maker *m)
{
	token(m, "graph g ( A : sparse f32 [ N , N ] , K )");
	token(m, "-> (");
	token(m, "r : f64 ) {");
	for (unsigned left = draw(m, 4); left > 0; left--)
		decl(m, 1);
	token(m, "}");
}

static void decl(maker *m, int inside)
{
	switch (draw(m, inside ? 7 : 13)) {
	default:
		edge(m);
		break;
	case 3:
	case 4:
		page(m);
		break;
	case 5:
		token(m, "let");
		token(m, PICK(m, names));
		indices(m);
		token(m, "=");
		expr(m, 4);
		token(m, ";");
		break;
	case 6:
		token(m, "use u = g ( a =");
		expr(m, 3);
		token(m, ", b = 3 ) ;");
		break;
	case 7:
		token(m, "param");
		field(m, draw(m, 2) ? ";" : "= 3 ;");
		break;
	case 8:
		token(m, "record R {");
		for (unsigned left = draw(m, 4); left > 0; left--)
			field(m, ";");
		token(m, "}");
		break;
	case 9:
		token(m, "semiring s {");
		token(m, "add = min ;");
		token(m, "mul = + ;");
		token(m, "zero = - inf ; }");
		break;
	case 10:
		fn(m);
		break;
	case 11:
		token(m, "import");
		token(m, draw(m, 2) ? "graph ;" : "\"x y.mmsb\" as r ;");
		break;
	case 12:
		graph(m);
		break;
	}
}

char *random_program(uint64_t seed)
{
	maker m = {.state = seed * 2862933555777941757u + 3037000493u, .plain = seed % 2 == 0};
	m.out = open_memstream(&m.text, &m.length);
	if (m.out == NULL)
		return NULL;
	for (unsigned left = draw(&m, 6) + 1; left > 0; left--) {
		gap(&m);
		decl(&m, 0);
	}
	fclose(m.out);
	return m.text;
}
