/* Matrix Market files: writing. */
#include "mtx.h"

#include "instance.h"
#include "number.h"

int mtx_can_write(const mmsb_info *info, mmsb_error *err)
{
	if (info->ndim > 2)
		return fail(err, MMSB_SHAPE, "page '%s' has %u dimensions and .mtx has two: write a .npy file", info->name, info->ndim);
	if (info->type == MMSB_RECORD)
		return fail(err, MMSB_TYPE, "page '%s' holds records, which .mtx cannot: write a .npy or .csv file", info->name);
	return MMSB_OK;
}

static void put_number(outfile *out, uint64_t value, char end)
{
	char *room = outfile_room(out);
	size_t n = number_print_u64(room, value);
	room[n] = end;
	out->used += n + 1;
}

/* A bool is 1 or 0 here. */
static void put_value(outfile *out, const uint8_t *at, unsigned type)
{
	scalar value = number_load(at, type);
	char *room = outfile_room(out);
	size_t n = number_print(room, type == T_BOOL ? T_U8 : type, value);
	room[n] = '\n';
	out->used += n + 1;
}

static int write_entries(outfile *out, mmsb_instance *inst, int id, const mmsb_info *info, mmsb_error *err)
{
	const uint64_t *row, *col;
	int status = mmsb_entries(inst, id, &row, &col, err);
	if (status != MMSB_OK)
		return status;
	const uint8_t *values = is_pattern(info) ? NULL : mmsb_data(inst, id);
	put_number(out, info->shape[0], ' ');
	put_number(out, info->shape[1], ' ');
	put_number(out, info->count, '\n');
	for (uint64_t i = 0; i < info->count; i++) {
		put_number(out, row[i] + 1, ' ');
		put_number(out, col[i] + 1, values == NULL ? '\n' : ' ');
		if (values != NULL)
			put_value(out, values + i * info->element, (unsigned)info->type);
	}
	return MMSB_OK;
}

int mtx_write(outfile *out, mmsb_instance *inst, int id, mmsb_error *err)
{
	mmsb_info info;
	int status = mmsb_page_info(inst, id, &info);
	if (status != MMSB_OK)
		return fail(err, status, "there is no page %d", id);
	status = mtx_can_write(&info, err);
	if (status != MMSB_OK)
		return status;
	bool real = type_table[info.type].kind == KIND_F;
	outfile_text(out, info.sparse ? "%%MatrixMarket matrix coordinate " : "%%MatrixMarket matrix array ");
	outfile_text(out, is_pattern(&info) ? "pattern general\n" : real ? "real general\n" : "integer general\n");
	if (info.sparse)
		return write_entries(out, inst, id, &info, err);
	const uint8_t *data = mmsb_data(inst, id);
	uint64_t rows = info.ndim > 0 ? info.shape[0] : 1, cols = info.ndim > 1 ? info.shape[1] : 1;
	put_number(out, rows, ' ');
	put_number(out, cols, '\n');
	for (uint64_t j = 0; j < cols; j++)
		for (uint64_t i = 0; i < rows; i++)
			put_value(out, data + (i * cols + j) * info.element, (unsigned)info.type);
	return MMSB_OK;
}
