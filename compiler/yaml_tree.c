/* yaml_tree.c - a YAML document as a tree that knows its lines; libyaml reads, this keeps. Aliases, tags and deep
 * nesting have no place in a graph and are errors. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "ir_yaml.h"

enum { MAX_DEPTH = 16 };

typedef struct tree_reader {
	lang_ctx *ctx;
	const lang_source *source;
	yaml_parser_t parser;
} tree_reader;

static lang_span span_at(const lang_source *s, size_t line, size_t column)
{
	if (s->line_count == 0)
		return (lang_span){s->id, 0, 0};
	uint32_t at = line < s->line_count ? s->lines[line] : s->length;
	while (column-- > 0 && at < s->length && s->text[at] != '\n') {
		size_t n = lang_utf8_length(s->text + at, s->length - at);
		at += n ? (uint32_t)n : 1;
	}
	return (lang_span){s->id, at, at < s->length ? at + 1 : at};
}

static bool next_event(tree_reader *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event))
		return true;
	const yaml_parser_t *p = &r->parser;
	if (p->error == YAML_MEMORY_ERROR)
		r->ctx->oom = true;
	else
		lang_error(r->ctx, span_at(r->source, p->problem_mark.line, p->problem_mark.column), "not YAML: %s",
		           p->problem ? p->problem : "unreadable");
	return false;
}

static bool add_item(tree_reader *r, yaml_item *to, yaml_item *item)
{
	if (!item || !lang_grow(r->ctx, (void **)&to->items, to->count, &to->cap, sizeof *to->items))
		return false;
	to->items[to->count++] = item;
	return true;
}

static yaml_item *read_item(tree_reader *r, const yaml_event_t *event, int depth);

static yaml_item *read_collection(tree_reader *r, yaml_item *item, yaml_event_type_t end, int depth)
{
	if (depth > MAX_DEPTH) {
		lang_error(r->ctx, item->span, "nested too deep for a graph");
		return NULL;
	}
	for (;;) {
		yaml_event_t event;
		if (!next_event(r, &event))
			return NULL;
		bool done = event.type == end;
		yaml_item *child = done ? item : read_item(r, &event, depth + 1);
		yaml_event_delete(&event);
		if (done)
			break;
		if (!child || !add_item(r, item, child))
			return NULL;
	}
	item->used = LANG_NEW_ARRAY(r->ctx, bool, item->count + 1);
	return item->used ? item : NULL;
}

static yaml_item *read_item(tree_reader *r, const yaml_event_t *event, int depth)
{
	yaml_item *item = LANG_NEW(r->ctx, yaml_item);
	if (!item)
		return NULL;
	item->span = span_at(r->source, event->start_mark.line, event->start_mark.column);
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		item->kind = YAML_TEXT;
		if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
			break;
		item->text = lang_strndup(r->ctx, (const char *)event->data.scalar.value, event->data.scalar.length);
		return item->text ? item : NULL;
	case YAML_SEQUENCE_START_EVENT:
		item->kind = YAML_LIST;
		return read_collection(r, item, YAML_SEQUENCE_END_EVENT, depth);
	case YAML_MAPPING_START_EVENT:
		item->kind = YAML_MAP;
		return read_collection(r, item, YAML_MAPPING_END_EVENT, depth);
	default: break;
	}
	lang_error(r->ctx, item->span, "this has no place in a graph");
	return NULL;
}

yaml_item *yaml_read(lang_ctx *ctx, const lang_source *source)
{
	tree_reader r = {.ctx = ctx, .source = source};
	yaml_item *root = NULL;
	if (!yaml_parser_initialize(&r.parser)) {
		ctx->oom = true;
		return NULL;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)source->text, source->length);
	for (bool more = true; more && !root;) {
		yaml_event_t event;
		if (!next_event(&r, &event))
			break;
		more = event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT;
		if (!more && event.type != YAML_STREAM_END_EVENT)
			root = read_item(&r, &event, 0);
		else if (!more)
			lang_error(ctx, (lang_span){source->id, 0, 0}, "the file is empty");
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&r.parser);
	return lang_failed(ctx) ? NULL : root;
}

yaml_item *yaml_get(yaml_item *map, const char *key)
{
	if (map->kind != YAML_MAP)
		return NULL;
	for (uint32_t i = 0; i + 1 < map->count; i += 2) {
		if (map->items[i]->kind != YAML_TEXT || strcmp(map->items[i]->text, key) != 0)
			continue;
		map->used[i] = true;
		return map->items[i + 1];
	}
	return NULL;
}
