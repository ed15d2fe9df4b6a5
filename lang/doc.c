/* Laying out documents. */
#include "doc.h"

#include "format.h"

#include <string.h>

enum { ALIGN_MAX = 80 };             /* comments behind longer lines are not lined up */

/* ---- text ---- */

void lang_text_put(lang_text *text, const char *bytes, size_t length)
{
	while (!text->ctx->oom && length > 0) {
		void *room = text->bytes;
		if (!lang_grow(text->ctx, &room, text->length, &text->cap, 1))
			return;
		text->bytes = room;
		size_t n = text->cap - text->length < length ? text->cap - text->length : length;
		memcpy(text->bytes + text->length, bytes, n);
		text->length += (uint32_t)n;
		bytes += n;
		length -= n;
	}
}

void doc_put_comment(lang_text *text, const char *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		const char *newline = memchr(bytes + at, '\n', length - at);
		size_t end = newline == NULL ? length : (size_t)(newline - bytes), kept = end;
		while (kept > at && (bytes[kept - 1] == ' ' || bytes[kept - 1] == '\t' || bytes[kept - 1] == '\r'))
			kept--;
		lang_text_put(text, bytes + at, kept - at);
		if (newline != NULL)
			lang_text_put(text, "\n", 1);
		at = end + 1;
	}
}

/* ---- building ---- */

static void add(doc *d, doc_item item)
{
	void *items = d->items;
	if (!lang_grow(d->ctx, &items, d->count, &d->cap, sizeof *d->items))
		return;
	d->items = items;
	d->items[d->count++] = item;
}

void doc_text(doc *d, const char *text)
{
	doc_span(d, text, strlen(text));
}

void doc_span(doc *d, const char *text, size_t length)
{
	add(d, (doc_item){.kind = DOC_TEXT, .text = text, .length = (uint32_t)length});
}

void doc_pad(doc *d, uint32_t blanks)
{
	add(d, (doc_item){.kind = DOC_PAD, .amount = blanks});
}

void doc_line(doc *d)
{
	add(d, (doc_item){.kind = DOC_LINE});
}

void doc_line_out(doc *d, uint32_t outdent)
{
	add(d, (doc_item){.kind = DOC_LINE, .amount = outdent});
}

void doc_line_hug(doc *d, bool hug)
{
	add(d, (doc_item){.kind = DOC_LINE, .hug = hug});
}

void doc_soft(doc *d)
{
	add(d, (doc_item){.kind = DOC_SOFT});
}

void doc_force(doc *d)
{
	add(d, (doc_item){.kind = DOC_FORCE});
}

void doc_open(doc *d, uint32_t indent)
{
	add(d, (doc_item){.kind = DOC_OPEN, .amount = indent});
}

void doc_open_fill(doc *d, uint32_t indent)
{
	add(d, (doc_item){.kind = DOC_OPEN, .amount = indent, .fill = true});
}

void doc_close(doc *d)
{
	add(d, (doc_item){.kind = DOC_CLOSE});
}

void doc_comment(doc *d, const ast_comment *comment, const char *text, size_t length)
{
	add(d, (doc_item){.kind = DOC_COMMENT, .text = text, .length = (uint32_t)length, .comment = comment});
}

static bool ends_line(const doc_item *item)
{
	return item->comment->own_line || !item->comment->block || memchr(item->text, '\n', item->length) != NULL;
}

static bool may_end_line(const doc_item *item)
{
	return item->kind == DOC_LINE || item->kind == DOC_SOFT || (item->kind == DOC_COMMENT && ends_line(item));
}

static uint32_t columns(const char *text, uint32_t length)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < length; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

static uint32_t flat_width(const doc_item *item)
{
	switch (item->kind) {
	case DOC_TEXT:
		return columns(item->text, item->length);
	case DOC_LINE:
		return 1;
	case DOC_COMMENT:
		return ends_line(item) ? 0 : columns(item->text, item->length) + 2;
	default:
		return 0;
	}
}

/* ---- printing ---- */

/* What is known of each item before anything is printed. */
typedef struct measure {
	uint32_t width;              /* flat, of all items before it */
	uint32_t breaks;             /* items before it that force a break */
	uint32_t close;              /* DOC_OPEN: its DOC_CLOSE; DOC_LINE: the next line of its group, or the DOC_CLOSE */
	uint32_t next_line;          /* the first line, of whatever group, or comment that ends one, at or behind it */
} measure;

typedef struct group {
	uint32_t indent;
	bool flat;
	bool fill;
	uint32_t open;               /* measuring: the item … */
	uint32_t line;               /* … and the last line of its own, or the item */
} group;

typedef enum gap { GAP_NONE, GAP_BLANK, GAP_LINE } gap;

/* Blanks and new lines are owed until something follows, so that comments can still go before them. */
typedef struct printer {
	const doc *d;
	lang_text *text;
	measure *measures;           /* count + 1 of them */
	group *groups;
	uint32_t depth;              /* groups[depth - 1] is the innermost */
	uint32_t column;
	gap owed;
	uint32_t owed_indent;
	bool comment_ended_line;     /* nothing more may be written on this line */
} printer;

static bool prepare(printer *p, uint32_t indent)
{
	const doc *d = p->d;
	uint32_t opens = 0;
	for (uint32_t i = 0; i < d->count; i++)
		opens += d->items[i].kind == DOC_OPEN;
	p->measures = LANG_NEW_ARRAY(d->ctx, measure, (size_t)d->count + 1);
	p->groups = LANG_NEW_ARRAY(d->ctx, group, (size_t)opens + 1);
	if (p->measures == NULL || p->groups == NULL)
		return false;
	uint32_t depth = 0;
	for (uint32_t i = 0; i < d->count; i++) {
		const doc_item *item = &d->items[i];
		bool breaks = item->kind == DOC_FORCE || (item->kind == DOC_COMMENT && ends_line(item));
		p->measures[i + 1].width = p->measures[i].width + flat_width(item);
		p->measures[i + 1].breaks = p->measures[i].breaks + breaks;
		if (item->kind == DOC_OPEN) {
			p->groups[depth].open = i;
			p->groups[depth++].line = i;
		} else if (depth > 0 && (item->kind == DOC_CLOSE || item->kind == DOC_LINE)) {
			group *own = &p->groups[depth - 1];
			if (own->line != own->open)
				p->measures[own->line].close = i;
			own->line = i;
			if (item->kind == DOC_CLOSE)
				p->measures[p->groups[--depth].open].close = i;
		}
	}
	p->measures[d->count].next_line = d->count;
	for (uint32_t i = d->count; i-- > 0;)
		p->measures[i].next_line = may_end_line(&d->items[i]) ? i : p->measures[i + 1].next_line;
	p->groups[0] = (group){.indent = indent, .flat = false};
	p->depth = 1;
	return true;
}

static void blanks(lang_text *text, uint32_t count)
{
	static const char some[] = "                ";
	while (count > 0) {
		uint32_t n = count < sizeof some - 1 ? count : (uint32_t)(sizeof some - 1);
		lang_text_put(text, some, n);
		count -= n;
	}
}

static void pay(printer *p)
{
	if (p->owed == GAP_LINE) {
		while (p->text->length > 0 && p->text->bytes[p->text->length - 1] == ' ')
			p->text->length--;
		lang_text_put(p->text, "\n", 1);
		blanks(p->text, p->owed_indent);
		p->column = p->owed_indent;
		p->comment_ended_line = false;
	} else if (p->owed == GAP_BLANK) {
		lang_text_put(p->text, " ", 1);
		p->column++;
	}
	p->owed = GAP_NONE;
}

static void owe_line(printer *p, uint32_t outdent)
{
	p->owed = GAP_LINE;
	p->owed_indent = p->groups[p->depth - 1].indent - outdent;
}

static void put_comment(printer *p, const doc_item *item)
{
	bool own_line = item->comment->own_line || p->comment_ended_line;
	if (own_line) {
		if (p->owed != GAP_LINE)
			owe_line(p, 0);
		pay(p);
	} else if (ends_line(item)) {
		lang_text_put(p->text, "", 1);
	} else {
		char last = p->text->length > 0 ? p->text->bytes[p->text->length - 1] : '(';
		if (last != '(' && last != '[' && last != ' ') {
			lang_text_put(p->text, " ", 1);
			p->column++;
		}
	}
	doc_put_comment(p->text, item->text, item->length);
	uint32_t last_line = item->length;
	while (last_line > 0 && item->text[last_line - 1] != '\n')
		last_line--;
	p->column = (last_line > 0 ? 0 : p->column) + columns(item->text + last_line, item->length - last_line);
	if (own_line || !item->comment->block) {
		owe_line(p, 0);
		p->comment_ended_line = !item->comment->block;
	} else if (p->owed == GAP_NONE) {
		p->owed = GAP_BLANK;
	}
}

static bool fits(const printer *p, uint32_t open)
{
	const measure *m = p->measures;
	uint32_t close = m[open].close;
	uint32_t column = p->owed == GAP_LINE ? p->owed_indent : p->column + (p->owed == GAP_BLANK);
	return m[close].breaks == m[open].breaks
	       && column + m[m[close].next_line].width - m[open].width < LANG_FORMAT_WIDTH;
}

/* Whether the line at i of a group that fills becomes a new line: not when what stands before the group's next line fits
 * behind what is printed, nor when it would not fit on a line of its own either and can break within brackets. */
static bool must_break(const printer *p, uint32_t i)
{
	const measure *m = p->measures;
	uint32_t next = m[i].close;
	uint32_t end = p->d->items[next].kind == DOC_CLOSE ? m[next].next_line : next;
	uint32_t width = m[end].width - m[i].width;
	bool whole = m[next].breaks == m[i].breaks;
	if (whole && p->column + width < LANG_FORMAT_WIDTH)
		return false;
	if (whole && p->groups[p->depth - 1].indent + width <= LANG_FORMAT_WIDTH)
		return true;
	return !p->d->items[i].hug || p->column + m[m[i + 1].next_line].width - m[i].width >= LANG_FORMAT_WIDTH;
}

static void put_item(printer *p, uint32_t i)
{
	const doc_item *item = &p->d->items[i];
	const group *inner = &p->groups[p->depth - 1];
	switch (item->kind) {
	case DOC_TEXT:
		pay(p);
		lang_text_put(p->text, item->text, item->length);
		p->column += columns(item->text, item->length);
		break;
	case DOC_PAD:
		if (!inner->flat && item->amount > 0) {
			pay(p);
			blanks(p->text, item->amount);
			p->column += item->amount;
		}
		break;
	case DOC_LINE:
	case DOC_SOFT:
		if (!inner->flat && (!inner->fill || must_break(p, i)))
			owe_line(p, item->amount);
		else if (item->kind == DOC_LINE && p->owed == GAP_NONE)
			p->owed = GAP_BLANK;
		break;
	case DOC_FORCE:
		break;
	case DOC_OPEN: {
		bool flat = inner->flat || fits(p, i);
		p->groups[p->depth] = (group){.indent = inner->indent + item->amount, .flat = flat, .fill = item->fill};
		p->depth++;
		break;
	}
	case DOC_CLOSE:
		p->depth--;
		break;
	case DOC_COMMENT:
		put_comment(p, item);
		break;
	}
}

void doc_print(const doc *d, lang_text *text, uint32_t indent)
{
	printer p = {.d = d, .text = text, .column = indent};
	if (d->ctx->oom || !prepare(&p, indent))
		return;
	for (uint32_t i = 0; i < d->count; i++)
		put_item(&p, i);
}

/* ---- lining up comments ---- */

typedef struct line {
	const char *begin;
	const char *mark;            /* the byte 0, or NULL */
	const char *code_end;        /* behind the last thing before the mark */
	const char *end;             /* the '\n', or the end of the text */
	uint32_t indent;
	uint32_t width;              /* columns before code_end */
} line;

static line line_at(const char *begin, const char *end)
{
	line l = {.begin = begin, .end = memchr(begin, '\n', (size_t)(end - begin))};
	if (l.end == NULL)
		l.end = end;
	l.mark = memchr(begin, '\0', (size_t)(l.end - begin));
	l.code_end = l.mark == NULL ? l.end : l.mark;
	while (l.mark != NULL && l.code_end > begin && l.code_end[-1] == ' ')
		l.code_end--;
	l.width = columns(begin, (uint32_t)(l.code_end - begin));
	while (begin + l.indent < l.end && begin[l.indent] == ' ')
		l.indent++;
	return l;
}

/* The run of lines that begins with l: those of its indent, up to a blank line. *widest: of those with a comment. */
static const char *run_from(line l, const char *end, uint32_t *widest)
{
	uint32_t indent = l.indent;
	*widest = 0;
	while (l.end > l.begin && l.indent == indent) {
		if (l.mark != NULL && l.width <= ALIGN_MAX && l.width > *widest)
			*widest = l.width;
		if (l.end >= end)
			return end;
		l = line_at(l.end + 1, end);
	}
	return l.begin;
}

char *doc_align(lang_text *text, size_t *length)
{
	lang_text out = {.ctx = text->ctx};
	const char *at = text->length > 0 ? text->bytes : "";
	const char *end = at + text->length, *run_end = at;
	uint32_t widest = 0;
	while (at < end) {
		line l = line_at(at, end);
		if (at >= run_end)
			run_end = run_from(l, end, &widest);
		lang_text_put(&out, l.begin, (size_t)(l.code_end - l.begin));
		if (l.mark != NULL) {
			blanks(&out, 2 + (l.width <= ALIGN_MAX ? widest - l.width : 0));
			lang_text_put(&out, l.mark + 1, (size_t)(l.end - l.mark - 1));
		}
		if (l.end < end)
			lang_text_put(&out, "\n", 1);
		at = l.end < end ? l.end + 1 : end;
	}
	*length = out.length;
	lang_text_put(&out, "", 1);
	return text->ctx->oom ? NULL : out.bytes;
}
