/* eventjson.c - an event as a line of JSON. */
#include <string.h>

#include "eventfile.h"
#include "instance.h"
#include "number.h"

static void put_number(outfile *out, const uint8_t *at, unsigned type)
{
	char *room = outfile_room(out);
	size_t n = (size_t)number_print(room, type, number_load(at, type));
	room[n] = '\0';
	bool strange = (type == T_F32 || type == T_F64) && strpbrk(room, "nN"); /* inf and nan are no numbers of JSON */
	if (strange) {
		memmove(room + 1, room, n);
		room[0] = room[n + 1] = '"';
		n += 2;
	}
	out->used += n;
}

static void put_u64(outfile *out, uint64_t v)
{
	char *room = outfile_room(out);
	out->used += (size_t)number_print_u64(room, v);
}

static void put_string(outfile *out, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	outfile_text(out, "\"");
	for (; *text; text++) {
		char *room = outfile_room(out);
		unsigned char c = (unsigned char)*text;
		size_t n = 0;
		if (c == '"' || c == '\\')
			room[n++] = '\\';
		if (c < 0x20) {
			memcpy(room, "\\u00", 4);
			room[4] = hex[c >> 4];
			room[5] = hex[c & 15];
			n = 6;
		} else {
			room[n++] = (char)c;
		}
		out->used += n;
	}
	outfile_text(out, "\"");
}

static void put_value(outfile *out, const mmsb_info *info, const uint8_t *at)
{
	if (info->type != MMSB_RECORD) {
		put_number(out, at, (unsigned)info->type);
		return;
	}
	for (unsigned f = 0; f < info->n_fields; f++) {
		outfile_text(out, f == 0 ? "{" : ",");
		put_string(out, info->fields[f].name);
		outfile_text(out, ":");
		put_number(out, at + info->fields[f].offset, (unsigned)info->fields[f].type);
	}
	outfile_text(out, "}");
}

static void put_place(outfile *out, const mmsb_info *info, const mmsb_changes_view *c, uint64_t i)
{
	uint64_t index[MAX_DIMS] = {0}, at = c->index ? c->index[i] : 0;
	for (unsigned k = info->ndim; k-- > 0 && c->index;) {
		index[k] = at % info->shape[k];
		at /= info->shape[k];
	}
	if (c->row)
		index[0] = c->row[i], index[1] = c->col[i];
	for (unsigned k = 0; k < info->ndim; k++) {
		outfile_text(out, k == 0 ? "" : ",");
		put_u64(out, index[k]);
	}
}

/* Lists of [index..., value], and of what is gone [index...]. */
static void put_changes(outfile *out, const mmsb_info *info, const mmsb_changes_view *c)
{
	const uint8_t *values = c->values;
	bool gone = false, comma = false;
	outfile_text(out, ",\"set\":[");
	for (uint64_t i = 0; i < c->count; i++) {
		if (c->deleted && c->deleted[i]) {
			gone = true;
			continue;
		}
		outfile_text(out, comma ? ",[" : "[");
		put_place(out, info, c, i);
		outfile_text(out, info->ndim ? "," : "");
		if (values)
			put_value(out, info, values + i * info->element);
		else
			outfile_text(out, "true");
		outfile_text(out, "]");
		comma = true;
	}
	outfile_text(out, "]");
	comma = false;
	for (uint64_t i = 0; gone && i < c->count; i++) {
		if (!c->deleted[i])
			continue;
		outfile_text(out, comma ? ",[" : ",\"erased\":[[");
		put_place(out, info, c, i);
		outfile_text(out, "]");
		comma = true;
	}
	outfile_text(out, gone ? "]" : "");
}

void eventjson_write(outfile *out, mmsb_instance *m, const mmsb_event *e)
{
	static const char *const names[] = {"begin", "page", "commit", "checkpoint", "error"};
	mmsb_info info = {.name = ""};
	outfile_text(out, "{\"event\":\"");
	outfile_text(out, names[e->kind]);
	outfile_text(out, "\",\"epoch\":");
	put_u64(out, e->epoch);
	if (e->kind == MMSB_EVENT_BEGIN && *e->source) {
		outfile_text(out, ",\"source\":");
		put_string(out, e->source);
	}
	if (e->kind == MMSB_EVENT_PAGE && mmsb_page_info(m, e->page, &info) == MMSB_OK) {
		outfile_text(out, ",\"page\":");
		put_string(out, info.name);
		put_changes(out, &info, &e->changes);
	}
	if (e->kind == MMSB_EVENT_ERROR) {
		outfile_text(out, ",\"message\":");
		put_string(out, e->error->message);
	}
	outfile_text(out, "}\n");
}
