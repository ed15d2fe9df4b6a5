/* generate_data.c - random values for source pages, special ones as likely as others, and deltas as text. */
#include "generate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SplitMix64 */
uint64_t rng_next(rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t rng_below(rng *r, uint32_t n)
{
	return n ? (uint32_t)((rng_next(r) >> 32) % n) : 0;
}

bool rng_chance(rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

static double random_float(rng *r, mood m)
{
	static const double special[] = {0.0, -0.0, 1.0, -1.0, 0.5, INFINITY, -INFINITY, NAN, 5e-324, -5e-324, 1e-310,
	                                 1.7976931348623157e308, 1e-40, -1e-45, 3.4e38, 1e300, 2147483648.0, 1e19};
	if (m == MOOD_WILD && rng_chance(r, 20))
		return special[rng_below(r, sizeof special / sizeof *special)];
	if (m == MOOD_FEW)
		return special[rng_below(r, 5)];
	double unit = (double)(rng_next(r) >> 11) * 0x1p-53;
	if (m == MOOD_SMALL)
		return (double)((int)rng_below(r, 17) - 4) * 0.25;
	if (m == MOOD_TAME)
		return unit * 8 - (rng_chance(r, 30) ? 4 : 0);
	return (unit - 0.5) * ldexp(1, (int)rng_below(r, 40) - 20);
}

static scalar random_int(rng *r, type_id type, mood m)
{
	scalar s = {0};
	int bits = 8 * type_table[type].bytes;
	bool is_signed = type_table[type].kind == KIND_S;
	uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	uint64_t limits[] = {0, 1, mask, mask >> 1, (mask >> 1) + 1, mask - 1, (uint64_t)bits};
	if (m == MOOD_WILD && rng_chance(r, 15))
		s.bits = limits[rng_below(r, 7)];
	else if (m == MOOD_WILD)
		s.bits = rng_next(r) >> rng_below(r, 64);
	else
		s.bits = (uint64_t)rng_below(r, m == MOOD_FEW ? 3 : 12) - (is_signed ? (m == MOOD_FEW ? 1u : 4u) : 0u);
	s.bits &= mask;
	return s;
}

bool generate_value(rng *r, const naive *n, const p_type *type, mood m, scalar *out)
{
	*out = (scalar){0};
	if (type->base == B_INDEX) {
		int64_t limit = n->sizes[type->dim->id];
		if (limit <= 0)
			return false;
		out->U32 = rng_below(r, (uint32_t)limit);
		return true;
	}
	switch (type_table[type->scalar].kind) {
	case KIND_B:
		out->BOOL = rng_chance(r, 50);
		break;
	case KIND_F:
		if (type->scalar == T_F32)
			out->F32 = (float)random_float(r, m);
		else
			out->F64 = random_float(r, m);
		*out = naive_canonical(*out, (type_id)type->scalar);
		break;
	default:
		*out = random_int(r, (type_id)type->scalar, m);
		break;
	}
	return true;
}

/* ---- text ------------------------------------------------------------------------------ */

static void print_value(FILE *to, const p_type *type, const unsigned char *value)
{
	scalar s = {0};
	memcpy(&s, value, type_table[type->scalar].bytes);
	double v;
	switch (type->scalar) {
	case T_BOOL: fputs(s.BOOL ? "true" : "false", to); return;
	case T_I8: fprintf(to, "%d", s.I8); return;
	case T_I16: fprintf(to, "%d", s.I16); return;
	case T_I32: fprintf(to, "%d", s.I32); return;
	case T_I64: fprintf(to, "%lld", (long long)s.I64); return;
	case T_U8: fprintf(to, "%u", s.U8); return;
	case T_U16: fprintf(to, "%u", s.U16); return;
	case T_U32: fprintf(to, "%u", s.U32); return;
	case T_U64: fprintf(to, "%llu", (unsigned long long)s.U64); return;
	default: v = type->scalar == T_F32 ? (double)s.F32 : s.F64; break;
	}
	if (isnan(v))
		fputs("nan", to);
	else if (isinf(v))
		fputs(v < 0 ? "-inf" : "inf", to);
	else
		fprintf(to, type->scalar == T_F32 ? "%.9g" : "%.17g", v);
}

/* field: of a record, else -1. */
static void print_change(FILE *to, const naive *n, const change *c, int32_t field, const unsigned char *value)
{
	const naive_page *p = &n->pages[c->page];
	const p_type *type = &p->page->type;
	fputs(p->page->name, to);
	if (field >= 0)
		fprintf(to, ".%s", type->record->fields[field].name);
	if (p->page->sparse) {
		fprintf(to, ",%llu,%llu,", (unsigned long long)c->at, (unsigned long long)c->col);
		if (c->erase) {
			fputs("-\n", to);
			return;
		}
	} else {
		uint64_t size = generate_elements(p), rest = c->at;
		for (uint32_t k = 0; k < p->page->ndim; k++) {
			size /= p->dims[k];
			fprintf(to, ",%llu", (unsigned long long)(rest / size));
			rest %= size;
		}
		fputc(',', to);
	}
	print_value(to, field >= 0 ? type->record->fields[field].type : type, value);
	fputc('\n', to);
}

char *changes_text(const naive *n, const changes *all)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	if (!to)
		return NULL;
	for (size_t i = 0; i < all->n; i++) {
		const change *c = &all->items[i];
		const p_type *type = &n->program->pages[c->page]->type;
		if (type->base != B_RECORD || c->field >= 0)
			print_change(to, n, c, c->field, c->value);
		for (uint32_t f = 0; type->base == B_RECORD && c->field < 0 && f < type->record->n_fields; f++)
			print_change(to, n, c, (int32_t)f, c->value + type->record->fields[f].offset);
	}
	fclose(to);
	return text;
}
