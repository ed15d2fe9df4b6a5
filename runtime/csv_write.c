/* Comma-separated values: writing. */
#include "csv.h"
#include "instance.h"
#include "number.h"

int csv_can_write(const mmsb_info *info, mmsb_error *err)
{
	if (info->ndim > 2)
		return fail(err, MMSB_SHAPE, "page '%s' has %u dimensions and .csv has two: write a .npy file", info->name, info->ndim);
	if (info->type == MMSB_RECORD && info->ndim > 1)
		return fail(err, MMSB_SHAPE, "page '%s' is a matrix of records, which .csv cannot hold: write a .npy file", info->name);
	return MMSB_OK;
}

static void put_value(outfile *out, const void *at, int type, char end)
{
	char *room = outfile_room(out);
	size_t n = number_print(room, (unsigned)type, number_load(at, (unsigned)type));
	room[n] = end;
	out->used += n + 1;
}

static void write_records(outfile *out, const mmsb_info *info, const uint8_t *data)
{
	for (unsigned f = 0; f < info->n_fields; f++) {
		outfile_text(out, info->fields[f].name);
		outfile_text(out, f + 1 < info->n_fields ? "," : "\n");
	}
	for (uint64_t i = 0; i < info->count; i++, data += info->element)
		for (unsigned f = 0; f < info->n_fields; f++)
			put_value(out, data + info->fields[f].offset, info->fields[f].type, f + 1 < info->n_fields ? ',' : '\n');
}

static int write_entries(outfile *out, mmsb_instance *inst, int id, const mmsb_info *info, mmsb_error *err)
{
	const uint64_t *row, *col;
	int status = mmsb_entries(inst, id, &row, &col, err);
	if (status != MMSB_OK)
		return status;
	bool bare = is_pattern(info);
	const uint8_t *values = bare ? NULL : mmsb_data(inst, id);
	outfile_text(out, bare ? "row,col\n" : "row,col,value\n");
	for (uint64_t i = 0; i < info->count; i++) {
		put_value(out, &row[i], MMSB_U64, ',');
		put_value(out, &col[i], MMSB_U64, bare ? '\n' : ',');
		if (!bare)
			put_value(out, values + i * info->element, info->type, '\n');
	}
	return MMSB_OK;
}

int csv_write(outfile *out, mmsb_instance *inst, int id, mmsb_error *err)
{
	mmsb_info info;
	int status = mmsb_page_info(inst, id, &info);
	if (status != MMSB_OK)
		return fail(err, status, "there is no page %d", id);
	status = csv_can_write(&info, err);
	if (status != MMSB_OK)
		return status;
	if (info.sparse)
		return write_entries(out, inst, id, &info, err);
	const uint8_t *data = mmsb_data(inst, id);
	if (info.type == MMSB_RECORD) {
		write_records(out, &info, data);
		return MMSB_OK;
	}
	uint64_t columns = info.ndim == 2 ? info.shape[1] : 1, at = 0;
	for (uint64_t i = 0; i < info.count; i++, data += info.element) {
		bool last = ++at == columns;
		put_value(out, data, info.type, last ? '\n' : ',');
		at = last ? 0 : at;
	}
	return MMSB_OK;
}
