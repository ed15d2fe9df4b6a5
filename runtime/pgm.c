/* Grey pictures. */
#include "pgm.h"

#include <math.h>
#include <stdio.h>

#include "instance.h"
#include "number.h"

int pgm_can_write(const mmsb_info *info, mmsb_error *err)
{
	if (info->sparse || info->type == MMSB_RECORD)
		return fail(err, MMSB_TYPE, "page '%s' %s and makes no picture", info->name, info->sparse ? "is sparse" : "holds records");
	if (info->ndim != 2)
		return fail(err, MMSB_SHAPE, "page '%s' has %u dimension%s; a picture has two", info->name, info->ndim,
		            info->ndim == 1 ? "" : "s");
	return MMSB_OK;
}

static double value_at(const uint8_t *data, int type, uint64_t i)
{
	scalar v = number_load(data + i * type_table[type].bytes, (unsigned)type);
	unsigned width = type_table[type].bytes * 8u;
	switch (type_table[type].kind) {
	case KIND_F: return type == T_F64 ? v.F64 : (double)v.F32;
	case KIND_S: return (double)((int64_t)(v.bits << (64 - width)) >> (64 - width));
	case KIND_B: return v.BOOL ? 255 : 0;
	default: return (double)v.bits;
	}
}

/* The least and the greatest finite value; 0 and 255 for what goes in as it is. */
static void find_range(const uint8_t *data, const mmsb_info *info, double *low, double *high)
{
	*low = 0;
	*high = 255;
	if (info->type == MMSB_U8 || info->type == MMSB_BOOL)
		return;
	*low = INFINITY;
	*high = -INFINITY;
	for (uint64_t i = 0; i < info->count; i++) {
		double v = value_at(data, info->type, i);
		if (!isfinite(v))
			continue;
		*low = v < *low ? v : *low;
		*high = v > *high ? v : *high;
	}
}

static char grey(double v, double low, double high)
{
	if (isnan(v) || !(v > low))
		return 0;
	if (v >= high)
		return (char)0xff;
	/* halves, so that a range wider than any double does not overflow */
	double part = (v / 2 - low / 2) / (high / 2 - low / 2);
	return (char)(unsigned char)(part * 255 + 0.5);
}

int pgm_write(outfile *out, mmsb_instance *inst, int id, mmsb_error *err)
{
	mmsb_info info = {.name = ""};
	int status = mmsb_page_info(inst, id, &info);
	if (status == MMSB_OK)
		status = pgm_can_write(&info, err);
	if (status != MMSB_OK)
		return status;
	const uint8_t *data = mmsb_data(inst, id);
	double low, high;
	find_range(data, &info, &low, &high);
	char head[64];
	snprintf(head, sizeof head, "P5\n%llu %llu\n255\n", (unsigned long long)info.shape[1], (unsigned long long)info.shape[0]);
	outfile_text(out, head);
	for (uint64_t i = 0; i < info.count; i++) {
		*outfile_room(out) = grey(value_at(data, info.type, i), low, high);
		out->used++;
	}
	return MMSB_OK;
}
