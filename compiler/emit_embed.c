/* emit_embed.c - a schedule as C text for an application: NAME.h with page ids and typed accessors, NAME.c with the schedule as a
 * constant and its native functions, once for each level of the processor (docs/native.md). */
#define _GNU_SOURCE /* open_memstream */
#include "emit_embed.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime/container.h"
#include "../runtime/native.h"
#include "compile.h"
#include "emit.h"
#include "emit_c.h"

typedef struct embedder {
	const schedule *s;
	const char *name;
	FILE *out;
} embedder;

bool embed_is_name(const char *name)
{
	if (!isalpha((unsigned char)name[0]))
		return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;
	return strlen(name) <= 64;
}

/* ---- names ------------------------------------------------------------------------------------- */

/* A name of the program as part of one in C: a point, of pages of an instance, becomes two underscores. */
static void put_name(const embedder *e, uint32_t text)
{
	for (const char *c = emit_text(e->s, text); *c; c++)
		fputs(*c == '.' ? "__" : (char[]){*c, '\0'}, e->out);
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		if (*a == '.' && b[0] == '_' && b[1] == '_')
			b++;
		else if (*b == '.' && a[0] == '_' && a[1] == '_')
			a++;
		else if (*a != *b)
			return false;
	}
	return *a == *b;
}

/* Pages that the compiler made itself have names that no program can write. */
static bool is_offered(const schedule *s, const sch_page *p)
{
	const char *name = emit_text(s, p->name);
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.')
			return false;
	return (p->flags & PAGEF_STORED) != 0;
}

const char *embed_clash(const schedule *s)
{
	for (uint32_t i = 0; i < s->n_pages; i++)
		for (uint32_t k = 0; k < i; k++)
			if (is_offered(s, &s->pages[i]) && is_offered(s, &s->pages[k]) &&
			    same_name(emit_text(s, s->pages[i].name), emit_text(s, s->pages[k].name)))
				return emit_text(s, s->pages[i].name);
	return NULL;
}

/* ---- NAME.h ------------------------------------------------------------------------------------ */

static void put_type(const embedder *e, const sch_page *p)
{
	if (p->record == NONE) {
		fputs(emit_c_type(p->type), e->out);
		return;
	}
	fprintf(e->out, "%s_", e->name);
	put_name(e, e->s->records[p->record].name);
}

static bool has_values(const sch_page *p) { return !(p->flags & PAGEF_SPARSE) || p->type != T_BOOL || p->record != NONE; }

/* A field may have any name, words of C and C++ too: those get an underscore at the end. */
static void put_field(const embedder *e, const sch_field *f)
{
	static const char words[] =
		" alignas alignof and and_eq asm auto bitand bitor bool break case catch char class co_await co_return co_yield compl concept const "
		"const_cast consteval constexpr constinit continue decltype default delete do double dynamic_cast else enum explicit export extern "
		"false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected "
		"public register reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch template "
		"this thread_local throw true try typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while xor xor_eq ";
	char word[64];
	const char *name = emit_text(e->s, f->name);
	int n = snprintf(word, sizeof word, " %s ", name);
	bool is_word = n > 0 && (size_t)n < sizeof word && strstr(words, word) != NULL;
	fprintf(e->out, "\t%s %s%s;\n", emit_c_type(f->type), name, is_word ? "_" : "");
}

static void put_records(const embedder *e)
{
	const schedule *s = e->s;
	for (uint32_t i = 0; i < s->n_records; i++) {
		const sch_record *r = &s->records[i];
		fprintf(e->out, "\n/* record %s */\ntypedef struct %s_", emit_text(s, r->name), e->name);
		put_name(e, r->name);
		fputs(" {\n", e->out);
		for (uint32_t k = r->first_field; k < r->first_field + r->n_fields; k++)
			put_field(e, &s->fields[k]);
		fprintf(e->out, "} %s_", e->name);
		put_name(e, r->name);
		fputs(";\n", e->out);
	}
}

static void put_pages(const embedder *e)
{
	char type[256];
	fprintf(e->out, "\n/* Pages, as mmsb.h numbers them. */\nenum %s_page {\n", e->name);
	for (uint32_t i = 0; i < e->s->n_pages; i++) {
		const sch_page *p = &e->s->pages[i];
		if (!is_offered(e->s, p))
			continue;
		emit_page_type(e->s, p, type, sizeof type);
		fprintf(e->out, "\t%s_page_", e->name);
		put_name(e, p->name);
		fprintf(e->out, " = %u, /* %s%s */\n", i, type, p->role == PAGE_ROLE_IN ? " in" : p->role == PAGE_ROLE_OUT ? " out" : "");
	}
	fprintf(e->out, "\t%s_pages = %u /* how many there are, with those that have no name here */\n};\n", e->name, e->s->n_pages);
}

static void put_params(const embedder *e)
{
	for (uint32_t i = 0; i < e->s->n_params; i++) {
		const sch_param *p = &e->s->params[i];
		const char *name = emit_text(e->s, p->name);
		fprintf(e->out, "\n/* param %s%s */\nstatic inline int %s_set_%s(mmsb_instance *m, %s value, mmsb_error *err)\n{\n"
		        "\treturn mmsb_set_param_value(m, \"%s\", &value, NULL, err);\n}\n", name, p->init == NONE ? "" : ", which has a value without this",
		        e->name, name, emit_c_type(p->type), name);
	}
}

/* A function whose name is NAME_VERB_PAGE, up to the last of its parameters. */
static void put_head(const embedder *e, const sch_page *p, const char *returns, const char *verb, const char *parameters)
{
	fprintf(e->out, "static inline %s%s_%s_", returns, e->name, verb);
	put_name(e, p->name);
	fprintf(e->out, "(%s", parameters);
}

static void put_call(const embedder *e, const sch_page *p, const char *before, const char *after)
{
	fprintf(e->out, "\n{\n\treturn %s%s_page_", before, e->name);
	put_name(e, p->name);
	fprintf(e->out, "%s;\n}\n", after);
}

static void put_values_parameter(const embedder *e, const sch_page *p)
{
	if (has_values(p)) {
		fputs("const ", e->out);
		put_type(e, p);
		fputs(" *values, ", e->out);
	}
	fputs("mmsb_error *err)", e->out);
}

static void put_source(const embedder *e, const sch_page *p)
{
	if (p->flags & PAGEF_SPARSE) {
		const char *entries = "mmsb_instance *m, size_t count, const uint64_t *row, const uint64_t *col, ";
		put_head(e, p, "int ", "insert", entries);
		put_values_parameter(e, p);
		put_call(e, p, "mmsb_insert(m, ", has_values(p) ? ", count, row, col, values, err)" : ", count, row, col, NULL, err)");
		put_head(e, p, "int ", "erase", entries);
		fputs("mmsb_error *err)", e->out);
		put_call(e, p, "mmsb_erase(m, ", ", count, row, col, err)");
		return;
	}
	put_head(e, p, "int ", "write", "mmsb_instance *m, size_t first, size_t count, ");
	put_values_parameter(e, p);
	put_call(e, p, "mmsb_write(m, ", ", first, count, values, err)");
	put_head(e, p, "int ", "scatter", "mmsb_instance *m, size_t count, const uint64_t *index, ");
	put_values_parameter(e, p);
	put_call(e, p, "mmsb_scatter(m, ", ", count, index, values, err)");
}

/* mmsb_data and, of an `out` page, mmsb_read. */
static void put_reading(const embedder *e, const sch_page *p, const char *verb, const char *parameter, const char *call)
{
	fputs("static inline const ", e->out);
	put_type(e, p);
	fprintf(e->out, " *%s_%s_", e->name, verb);
	put_name(e, p->name);
	fprintf(e->out, "(%s)\n{\n\treturn (const ", parameter);
	put_type(e, p);
	fprintf(e->out, " *)%s, %s_page_", call, e->name);
	put_name(e, p->name);
	fputs(");\n}\n", e->out);
}

static void put_accessors(const embedder *e)
{
	char type[256];
	for (uint32_t i = 0; i < e->s->n_pages; i++) {
		const sch_page *p = &e->s->pages[i];
		if (!is_offered(e->s, p))
			continue;
		emit_page_type(e->s, p, type, sizeof type);
		fprintf(e->out, "\n/* %s : %s", emit_text(e->s, p->name), type);
		for (const char *c = emit_text(e->s, p->doc); *c; c++)
			fprintf(e->out, "%s%c", c == emit_text(e->s, p->doc) ? ": " : "", *c == '*' || *c == '\n' ? ' ' : *c);
		fputs(" */\n", e->out);
		if (p->role == PAGE_ROLE_IN)
			put_source(e, p);
		if (has_values(p))
			put_reading(e, p, "data", "mmsb_instance *m", "mmsb_data(m");
		if (has_values(p) && p->role == PAGE_ROLE_OUT)
			put_reading(e, p, "read", "mmsb_reader *reader", "mmsb_read(reader");
	}
}

void embed_header(const schedule *s, const char *name, FILE *out)
{
	const embedder e = {s, name, out};
	const char *program = s->n_source ? s->source : "a program";
	fprintf(out, "/* %s.h - %s, compiled into an application. Written by mmsbc compile --embed: edit the program instead.\n *\n"
	        " * %s_open gives the schedule; the rest is mmsb.h, with the types of this program. For each stored page X: %s_page_X, its number;\n"
	        " * %s_write_X, %s_scatter_X (dense sources), %s_insert_X, %s_erase_X (sparse ones); %s_data_X, its values for the committing thread;\n"
	        " * %s_read_X, those of an `out` page that a reader sees. %s_set_P: the value of a param. What they return, who owns it, and which\n"
	        " * threads may call them is what mmsb.h says of the function that they call. */\n"
	        "#ifndef %s_MMSB_H\n#define %s_MMSB_H\n\n#include <mmsb.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
	        "/* The schedule, with its native code. *out is owned by the caller (mmsb_schedule_close). MMSB_MEMORY, MMSB_FORMAT, MMSB_NUMERICS: the library is\n"
	        " * of another version than this text. */\n"
	        "int %s_open(mmsb_schedule **out, mmsb_error *err);\n", name, program, name, name, name, name, name, name, name, name, name, name, name, name);
	put_records(&e);
	put_pages(&e);
	put_params(&e);
	put_accessors(&e);
	fputs("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n", out);
}

/* ---- NAME.c ------------------------------------------------------------------------------------ */

/* What would move bits is refused or put right here; what the preprocessor does not see, mmsb_exact finds out at run time. */
static const char pins[] =
	"#if !defined __GNUC__\n#error \"this text is for gcc and clang\"\n#endif\n"
	"#if defined __FAST_MATH__ || __FINITE_MATH_ONLY__ || defined __ASSOCIATIVE_MATH__ || defined __RECIPROCAL_MATH__ || defined __NO_SIGNED_ZEROS__\n"
	"#error \"every result of this program is defined to the bit: compile this file without -ffast-math and its parts\"\n#endif\n"
	"#if !defined __clang__\n"
	"#pragma GCC optimize (\"O3\", \"fp-contract=off\", \"no-math-errno\", \"no-trapping-math\", \"no-strict-aliasing\")\n"
	"#else\n#pragma STDC FP_CONTRACT OFF\n#endif\n"
	"_Static_assert(sizeof 1.0 == sizeof(double), \"compile this file without -fsingle-precision-constant\");\n";

/* Operands may lie where results of another type do. */
static const char aliases[] =
	"\n/* Operands may lie where results of another type do. */\n"
	"typedef float lane_f32 __attribute__((may_alias));\ntypedef double lane_f64 __attribute__((may_alias));\n"
	"typedef int16_t lane_i16 __attribute__((may_alias));\ntypedef uint16_t lane_u16 __attribute__((may_alias));\n"
	"typedef int32_t lane_i32 __attribute__((may_alias));\ntypedef uint32_t lane_u32 __attribute__((may_alias));\n"
	"typedef int64_t lane_i64 __attribute__((may_alias));\ntypedef uint64_t lane_u64 __attribute__((may_alias));\n";
static const char alias_names[] =
	"#define float lane_f32\n#define double lane_f64\n#define int16_t lane_i16\n#define uint16_t lane_u16\n"
	"#define int32_t lane_i32\n#define uint32_t lane_u32\n#define int64_t lane_i64\n#define uint64_t lane_u64\n";
static const char alias_ends[] =
	"#undef float\n#undef double\n#undef int16_t\n#undef uint16_t\n#undef int32_t\n#undef uint32_t\n#undef int64_t\n#undef uint64_t\n";

/* What keep.h defines, which each level has its own of. */
static void put_keep(FILE *out)
{
	static const char *const names[] = {"differ_8", "differ_16", "differ_32", "differ_64", "differ_f32", "differ_f64", "differ_bits"}, *const kinds[] = {"", "few_", "block_"};
	fputs("\n/* ---- how results are stored ---- */\n\n#undef MMSB_DIFFER_H\n#undef MMSB_KEEP_H\n", out);
	for (unsigned t = 0; t < T_COUNT; t++)
		for (size_t i = 0; i < 3; i++)
			fprintf(out, "#define mmsb_keep_%s%s AT_LEVEL(mmsb_keep_%s%s)\n", kinds[i], type_table[t].name, kinds[i], type_table[t].name);
	for (unsigned b = 8; b <= 64; b *= 2)
		fprintf(out, "#define differ_v%u AT_LEVEL(differ_v%u)\n#define differ_same_%u AT_LEVEL(differ_same_%u)\n", b, b, b, b);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		fprintf(out, "#define %s AT_LEVEL(%s)\n", names[i], names[i]);
	emit_c_keep(out);
}

/* 1: arithmetic is that of IEEE 754, at the level at hand. */
static const char exact[] =
	"/* 1: the compiler left arithmetic as it is written. The library asks before it runs anything else. */\n"
	"void mmsb_exact(int *yes);\nvoid mmsb_exact(int *yes)\n{\n"
	"\tvolatile double given[] = {1.0 + 0x1p-30, 1.0 - 0x1p-30, -1.0, 0x1p60, -0.0, 0.0};\n"
	"\tvolatile float small[] = {1.0f + 0x1p-13f, 1.0f - 0x1p-13f, -1.0f};\n"
	"\tconst double a = given[0], b = given[1], c = given[2], big = given[3], minus = given[4], zero = given[5];\n"
	"\tconst float d = small[0], e = small[1], f = small[2];\n"
	"\tconst double sum = mmsb_add_f64(mmsb_mul_f64(a, b), c), part = mmsb_sub_f64(mmsb_add_f64(big, a), big), none = mmsb_add_f64(minus, zero);\n"
	"\tconst float single = mmsb_add_f32(mmsb_mul_f32(d, e), f);\n"
	"\t*yes = sum == 0.0 && single == 0.0f && part == 0.0 && !__builtin_signbit(none);\n}\n";

static void put_bytes(const uint8_t *bytes, size_t n, FILE *out)
{
	fputs("static const unsigned char schedule[] = {", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%u,", i % 32 ? "" : "\n\t", bytes[i]);
	fputs("\n};\n", out);
}

/* Records have the layout of the library's. */
static void put_layouts(const embedder *e)
{
	for (uint32_t i = 0; i < e->s->n_records; i++) {
		fprintf(e->out, "_Static_assert(sizeof(%s_", e->name);
		put_name(e, e->s->records[i].name);
		fprintf(e->out, ") == %u, \"records are packed with natural alignment\");\n", e->s->records[i].size);
	}
}

/* The next function that a text declares, in a line of its own `void NAME(...);`, from *at on. */
static bool next_function(const char **at, const char **name, int *n)
{
	for (const char *line = *at; *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : line + strlen(line)) {
		size_t length = strcspn(line, "\n"), open = strcspn(line, "(");
		if (strncmp(line, "void mmsb_", 10) != 0 || open >= length || line[length - 1] != ';')
			continue;
		*name = line + 5;
		*n = (int)open - 5;
		*at = line + length;
		return true;
	}
	return false;
}

static void put_tables(const char *functions, FILE *out)
{
	const char *name, *at;
	int n;
	fputs("static const mmsb_native_function TABLE[] = {\n", out);
	for (at = functions; next_function(&at, &name, &n);)
		fprintf(out, "\t{\"%.*s\", (void (*)(void))%.*s},\n", n, name, n, name);
	fputs("};\n", out);
}

/* The text once more, at a level above that of the command line, where that has not got it. */
static void put_level(const embedder *e, const char *level, const char *has, const char *gcc, const char *clang)
{
	fprintf(e->out, "\n#if defined __x86_64__ && !defined %s\n#define HAS_%s\n#define SUFFIX _%s_%s\n#define TABLE functions_%s\n"
	        "#if defined __clang__\n#pragma clang attribute push(__attribute__((target(\"%s\"))), apply_to = function)\n#else\n"
	        "#pragma GCC push_options\n#pragma GCC target(\"%s\")\n#endif\n#include \"%s.c\"\n"
	        "#if defined __clang__\n#pragma clang attribute pop\n#else\n#pragma GCC pop_options\n#endif\n#undef SUFFIX\n#undef TABLE\n#endif\n",
	        has, level, e->name, level, level, clang, gcc, e->name);
}

#define V3 "avx2,bmi,bmi2,f16c,fma,lzcnt,movbe,popcnt"
#define V4 V3 ",avx512f,avx512bw,avx512cd,avx512dq,avx512vl"

/* What stands around the levels: the text is read again for each of them, with SUFFIX defined. */
static void put_levels(const embedder *e)
{
	fprintf(e->out, "\n/* ---- the functions, for each level of the processor: below, and once more in copies of this file ---- */\n");
	put_level(e, "v4", "__AVX512VL__", V4 ",prefer-vector-width=512", V4);
	put_level(e, "v3", "__AVX2__", V3, V3);
	fprintf(e->out, "\n#define SUFFIX _%s_base\n#define TABLE functions_base\n#include \"%s.c\"\n#undef SUFFIX\n#undef TABLE\n", e->name, e->name);
}

static void put_open(const embedder *e)
{
	fprintf(e->out, "\n/* The best first. What the command line asked for is the base, whatever it is. */\n"
	        "#define LEVEL(name, table) {name, sizeof table / sizeof table[0], table}\n"
	        "static const mmsb_native_level levels[] = {\n"
	        "#ifdef HAS_v4\n\tLEVEL(\"v4\", functions_v4),\n#endif\n#ifdef HAS_v3\n\tLEVEL(\"v3\", functions_v3),\n#endif\n"
	        "\tLEVEL(\"base\", functions_base),\n};\n\n"
	        "int %s_open(mmsb_schedule **out, mmsb_error *err)\n{\n"
	        "\treturn mmsb_schedule_linked(out, schedule, sizeof schedule, levels, sizeof levels / sizeof levels[0], %d, err);\n}\n", e->name, NATIVE_ABI);
}

bool embed_source(const schedule *s, const char *name, const uint8_t *bytes, size_t n, FILE *out)
{
	const embedder e = {s, name, out};
	char *functions = NULL;
	size_t size = 0;
	FILE *text = open_memstream(&functions, &size);
	bool ok = text && fputs(exact, text) >= 0 && emit_c_functions(s, text);
	if (text)
		ok = fclose(text) == 0 && ok;
	if (ok) {
		const char *at = functions, *found;
		int length;
		fprintf(out, "/* %s.c - %s, compiled into an application. Written by mmsbc compile --embed: edit the program instead. */\n"
		        "#ifndef SUFFIX\n#include \"%s.h\"\n\n", name, s->n_source ? s->source : "a program", name);
		fputs(pins, out);
		fputs("\n/* ---- what operators mean ---- */\n\n", out);
		emit_c_operators(out);
		fputs(aliases, out);
		fputs("\n/* Functions are named by level. */\n#define JOIN_(name, suffix) name##suffix\n#define JOIN(name, suffix) JOIN_(name, suffix)\n"
		      "#define AT_LEVEL(name) JOIN(name, SUFFIX)\n", out);
		while (next_function(&at, &found, &length))
			fprintf(out, "#define %.*s AT_LEVEL(%.*s)\n", length, found, length, found);
		fputs("#pragma GCC visibility push(hidden)\n", out);
		put_levels(&e);
		fputs("\n#pragma GCC visibility pop\n\n/* ---- the schedule ---- */\n\n", out);
		put_layouts(&e);
		put_bytes(bytes, n, out);
		put_open(&e);
		fputs("\n#else /* SUFFIX: a level */\n\n", out);
		fputs(alias_names, out);
		put_keep(out);
		fputs(functions, out);
		fputs(alias_ends, out);
		put_tables(functions, out);
		fputs("#endif\n", out);
	}
	free(functions);
	return ok;
}
