/* deltawrite.c - changes of a page as delta text (deltatext.h). */
#include "deltatext.h"

#include "instance.h"
#include "number.h"

enum { LONGEST_RUN = 1024 }; /* values in a line */

static void put_index(outfile *out, uint64_t value)
{
	char *room = outfile_room(out);
	*room = ',';
	out->used += 1 + number_print_u64(room + 1, value);
}

static void put_value(outfile *out, const uint8_t *at, unsigned type)
{
	char *room = outfile_room(out);
	*room = ',';
	out->used += 1 + number_print(room + 1, type, number_load(at, type));
}

/* The page's name, with the field, and the position of the first value. */
static void put_place(outfile *out, const mmsb_info *info, const mmsb_field *field, uint64_t at)
{
	uint64_t index[MAX_DIMS] = {0};
	outfile_text(out, info->name);
	if (field != NULL) {
		outfile_text(out, ".");
		outfile_text(out, field->name);
	}
	for (unsigned k = info->ndim; k-- > 0;) {
		index[k] = at % info->shape[k];
		at /= info->shape[k];
	}
	for (unsigned k = 0; k < info->ndim; k++)
		put_index(out, index[k]);
}

/* How many changes from i on stand side by side in the last dimension. */
static uint64_t run_length(const mmsb_info *info, const mmsb_changes_view *c, uint64_t i)
{
	uint64_t n = 1;
	uint64_t last = info->ndim > 0 ? info->shape[info->ndim - 1] : 1;
	if (info->sparse) {
		while (i + n < c->count && n < LONGEST_RUN && c->row[i + n] == c->row[i] && c->col[i + n] == c->col[i] + n)
			n++;
		return n;
	}
	uint64_t room = last - c->index[i] % last;
	while (i + n < c->count && n < LONGEST_RUN && n < room && c->index[i + n] == c->index[i] + n)
		n++;
	return n;
}

static void put_sparse(outfile *out, const mmsb_info *info, const mmsb_changes_view *c, uint64_t i, uint64_t n)
{
	const uint8_t *values = c->values;
	put_place(out, info, NULL, c->row[i] * info->shape[1] + c->col[i]);
	for (uint64_t k = i; k < i + n; k++)
		if (c->deleted[k])
			outfile_text(out, ",-");
		else if (values == NULL)
			outfile_text(out, ",true");
		else
			put_value(out, values + k * info->element, (unsigned)info->type);
	outfile_text(out, "\n");
}

static void put_dense(outfile *out, const mmsb_info *info, int only, const mmsb_changes_view *c, uint64_t i, uint64_t n)
{
	bool record = info->type == MMSB_RECORD;
	for (unsigned f = 0; f < (record ? info->n_fields : 1); f++) {
		if (only >= 0 && f != (unsigned)only)
			continue;
		const mmsb_field *field = record ? &info->fields[f] : NULL;
		const uint8_t *at = (const uint8_t *)c->values + (record ? field->offset : 0);
		put_place(out, info, field, c->index[i]);
		for (uint64_t k = i; k < i + n; k++)
			put_value(out, at + k * info->element, (unsigned)(record ? field->type : info->type));
		outfile_text(out, "\n");
	}
}

void delta_write(outfile *out, const mmsb_info *info, int field, const mmsb_changes_view *c)
{
	for (uint64_t i = 0, n; i < c->count; i += n) {
		n = run_length(info, c, i);
		if (info->sparse)
			put_sparse(out, info, c, i, n);
		else
			put_dense(out, info, field, c, i, n);
	}
}
