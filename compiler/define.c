/* define.c - values that `-D NAME=VALUE` gives to params at compile time: they become the params' defaults. */
#include "compile.h"

#include <string.h>

#include "../runtime/number.h"

static bool define(ir_graph *g, const compile_define *d)
{
	lang_nearest near = lang_nearest_to(d->name);
	for (uint32_t i = 0; i < g->n_params; i++) {
		ir_param *p = &g->params[i];
		scalar value;
		lang_nearest_offer(&near, p->name);
		if (strcmp(p->name, d->name) != 0)
			continue;
		number_result result = number_parse(d->value, d->value + strlen(d->value), p->type, NUMBER_STRICT, &value);
		if (result != NUMBER_OK) {
			char why[160];
			lang_error(g->ctx, lang_no_span(), "-D %s=%s: '%s' %s", d->name, d->value, d->value,
			           number_explain(result, p->type, why, sizeof why));
			return false;
		}
		if (p->is_size && value.I64 < 0) {
			lang_error(g->ctx, lang_no_span(), "-D %s=%s: a size is not negative", d->name, d->value);
			return false;
		}
		p->init = ir_const(g, p->type, value);
		return true;
	}
	lang_diag *e = lang_error(g->ctx, lang_no_span(), "-D %s=%s: the program has no param '%s'", d->name, d->value, d->name);
	if (near.best)
		lang_help(g->ctx, e, "did you mean '%s'?", near.best);
	return false;
}

bool ir_define(ir_graph *g, const compile_define *defines, uint32_t n)
{
	bool ok = true;
	for (uint32_t i = 0; i < n; i++)
		ok = define(g, &defines[i]) && ok;
	return ok;
}
