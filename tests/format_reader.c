/*
 * format_reader.c - reads a state folder by docs/format.md alone: it uses nothing of the project, so that it fails where the page
 * and the files differ. Prints what MANIFEST, the log and the checkpoints hold, and ends with 1 at the first thing that is not as the page says.
 *
 * Usage: format_reader DIR           everything
 *        format_reader --check DIR   everything but the values of deltas
 *        format_reader --deltas DIR  the deltas of the log as a text that `mmsb run --deltas` takes, an element to a line
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

enum { RECORD_TYPE = 11, KIND_PAGES = 1, KIND_SOURCE, KIND_EPOCH, KIND_TICKS, KIND_DIGEST, KIND_MARK, KIND_END };

struct bytes {
	uint8_t *at;
	size_t size;
};

/* Where a reader of varints stands; `where` is what messages speak of. */
struct cursor {
	const uint8_t *at, *end;
	const char *where;
};

struct field {
	unsigned type;
	uint64_t offset;
	char *name;
};

struct page {
	uint64_t id, bytes, n_dims, n_fields, *dims;
	unsigned flags, type;
	char *name;
	struct field *fields;
};

/* What is known while a segment is read. */
struct segment {
	char name[64];
	struct bytes data;
	uint64_t first, seed, before, last_sum, epoch; /* epoch: the last one that was read; first - 1 at the beginning */
	bool closed;
	struct page *pages;
	uint64_t n_pages;
	char *tags[65536];
};

static const char *folder;
static bool deltas_only, check_only;
/* What was allocated, which lives until the end. */
static struct kept {
	struct kept *next;
	void *block;
} *kept;
static const char *const type_names[] = {"bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "record"};
static const unsigned type_sizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 0};

static void __attribute__((format(printf, 1, 2), noreturn)) fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fflush(stdout);
	fputs("format_reader: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/* Prints what is no delta. */
static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list args;
	if (deltas_only)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

static void *grab(size_t n, size_t size)
{
	struct kept *k = malloc(sizeof *k);
	void *p = calloc(n ? n : 1, size);
	if (!k || !p)
		fail("no memory");
	*k = (struct kept){kept, p};
	kept = k;
	return p;
}

static uint64_t little(const uint8_t *at, unsigned size)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < size; i++)
		v |= (uint64_t)at[i] << (8 * i);
	return v;
}

static struct bytes read_file(const char *name)
{
	char path[4096];
	struct bytes b = {0};
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (!f)
		fail("%s: %s", path, strerror(errno));
	fseek(f, 0, SEEK_END);
	long size = ftell(f);
	if (size < 0)
		fail("%s: %s", path, strerror(errno));
	rewind(f);
	b.size = (size_t)size;
	b.at = grab(b.size, 1);
	if (fread(b.at, 1, b.size, f) != b.size)
		fail("%s: short", path);
	fclose(f);
	return b;
}

static const uint8_t *take(struct cursor *c, uint64_t n)
{
	if ((uint64_t)(c->end - c->at) < n)
		fail("%s: the payload ends too early", c->where);
	c->at += n;
	return c->at - n;
}

static uint64_t varint(struct cursor *c)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < 10; i++) {
		uint8_t b = *take(c, 1);
		if (i == 9 && b > 1)
			fail("%s: a varint of more than 64 bits", c->where);
		v |= (uint64_t)(b & 127) << (7 * i);
		if (!(b & 128))
			return v;
	}
	fail("%s: a varint of more than ten bytes", c->where);
}

/* A number of things that take at least a byte each. */
static uint64_t count(struct cursor *c)
{
	uint64_t n = varint(c);
	if (n > (uint64_t)(c->end - c->at))
		fail("%s: %" PRIu64 " things in %td bytes", c->where, n, c->end - c->at);
	return n;
}

static char *text(struct cursor *c)
{
	uint64_t n = count(c);
	char *s = grab(n + 1, 1);
	memcpy(s, take(c, n), n);
	return s;
}

static void zeros(struct cursor *c)
{
	while (c->at < c->end)
		if (*c->at++)
			fail("%s: bytes behind the payload that are not zero", c->where);
}

/* The payload of a record of kind `pages`. */
static void read_pages(struct segment *s, struct cursor *c)
{
	uint64_t n = count(c);
	for (uint64_t i = 0; i < n; i++)
		say("  param %" PRIu64 " = 0x%" PRIx64 "\n", i, little(take(c, 8), 8));
	s->n_pages = count(c);
	s->pages = grab(s->n_pages, sizeof *s->pages);
	for (struct page *p = s->pages; p < s->pages + s->n_pages; p++) {
		p->id = varint(c);
		p->flags = *take(c, 1);
		p->type = *take(c, 1);
		p->bytes = varint(c);
		p->n_dims = count(c);
		p->dims = grab(p->n_dims, sizeof *p->dims);
		for (uint64_t i = 0; i < p->n_dims; i++)
			p->dims[i] = varint(c);
		p->name = text(c);
		p->n_fields = count(c);
		p->fields = grab(p->n_fields, sizeof *p->fields);
		if (p->flags > 1 || p->type > RECORD_TYPE)
			fail("%s: page %s has flags %u, type %u", c->where, p->name, p->flags, p->type);
		say("  page %s: id %" PRIu64 ", %s%s of %" PRIu64 " bytes, [", p->name, p->id, p->flags & 1 ? "sparse " : "", type_names[p->type], p->bytes);
		for (uint64_t i = 0; i < p->n_dims; i++)
			say("%s%" PRIu64, i ? ", " : "", p->dims[i]);
		say("]\n");
		for (struct field *f = p->fields; f < p->fields + p->n_fields; f++) {
			f->type = *take(c, 1);
			f->offset = varint(c);
			f->name = text(c);
			if (f->type >= RECORD_TYPE || f->offset > p->bytes || type_sizes[f->type] > p->bytes - f->offset)
				fail("%s: field %s does not lie in page %s", c->where, f->name, p->name);
			say("    field %s: %s at %" PRIu64 "\n", f->name, type_names[f->type], f->offset);
		}
		if (p->type != RECORD_TYPE && p->bytes && p->bytes != type_sizes[p->type])
			fail("%s: a value of page %s has %" PRIu64 " bytes", c->where, p->name, p->bytes);
	}
	zeros(c);
}

static void print_value(unsigned type, const uint8_t *at)
{
	uint64_t v = little(at, type_sizes[type]);
	uint32_t w = (uint32_t)v;
	float f;
	double d;
	if (type == 0) {
		fputs(v ? "true" : "false", stdout);
	} else if (type <= 4) {
		unsigned unused = 64 - 8 * type_sizes[type];
		printf("%" PRId64, (int64_t)(v << unused) >> unused);
	} else if (type <= 8) {
		printf("%" PRIu64, v);
	} else if (type == 9) {
		memcpy(&f, &w, sizeof f);
		printf("%.9g", (double)f);
	} else {
		memcpy(&d, &v, sizeof d);
		printf("%.17g", d);
	}
}

static void print_name(const struct page *p, const struct field *f, uint64_t position)
{
	uint64_t inner = 1, rest = position;
	printf("%s%s%s", p->name, f ? "." : "", f ? f->name : "");
	if (p->flags & 1) {
		printf(",%" PRIu64 ",%" PRIu64, position >> 32, position & UINT32_MAX);
		return;
	}
	for (uint64_t i = 0; i < p->n_dims; i++)
		inner *= p->dims[i];
	if (position >= inner)
		fail("position %" PRIu64 " is not in page %s", position, p->name);
	for (uint64_t i = 0; i < p->n_dims; i++) {
		inner /= p->dims[i];
		printf(",%" PRIu64, rest / inner);
		rest %= inner;
	}
}

/* The positions of a delta, n of them; the caller frees them. */
static uint64_t *read_positions(struct cursor *c, unsigned how, uint64_t n)
{
	uint64_t *positions = calloc(n ? n : 1, sizeof *positions), at = 0, k = 0;
	if (!positions)
		fail("no memory");
	if (how == 0) {
		at = varint(c);
		for (uint64_t i = 0; i < n; i++)
			positions[i] = at + i;
	} else if (how == 1) {
		uint64_t word = varint(c), n_words = count(c);
		for (uint64_t i = 0; i < n_words; i++) {
			uint64_t bits = little(take(c, 8), 8);
			for (unsigned b = 0; b < 64; b++)
				if (bits >> b & 1) {
					if (k == n)
						fail("%s: a mask has more bits than its %" PRIu64 " elements", c->where, n);
					positions[k++] = 64 * (word + i) + b;
				}
		}
		if (k != n)
			fail("%s: a mask has %" PRIu64 " bits for %" PRIu64 " elements", c->where, k, n);
	} else if (how == 2) {
		for (uint64_t i = 0; i < n; i++) {
			uint64_t z = varint(c);
			at += (z >> 1) ^ -(z & 1);
			positions[i] = at;
		}
	} else if (how <= 5) {
		unsigned size = 1U << (how - 2);
		for (uint64_t i = 0; i < n; i++)
			positions[i] = little(take(c, size), size);
	} else {
		fail("%s: positions are written in way %u", c->where, how);
	}
	return positions;
}

static void read_delta(const struct page *p, struct cursor *c)
{
	unsigned head = *take(c, 1), what = head >> 3 & 3;
	uint64_t n = varint(c), number = 0, size = p->bytes;
	const struct field *field = NULL;
	if (head >> 5 || (what >= 2) != (p->flags & 1))
		fail("%s: a delta of page %s begins with %u", c->where, p->name, head);
	if (what == 1) {
		number = varint(c);
		if (number >= p->n_fields)
			fail("%s: page %s has no field %" PRIu64, c->where, p->name, number);
		field = p->fields + number;
		size = type_sizes[field->type];
	}
	if (n > UINT32_MAX)
		fail("%s: %" PRIu64 " elements", c->where, n);
	uint64_t *positions = read_positions(c, head & 7, n);
	say("  %s: %" PRIu64 " elements, positions in way %u\n", p->name, n, head & 7);
	if (what == 3)
		size = 0;
	for (uint64_t i = 0; i < n; i++) {
		const uint8_t *value = take(c, size);
		bool whole_record = what != 3 && !field && p->n_fields;
		uint64_t lines = check_only ? 0 : whole_record ? p->n_fields : 1;
		for (uint64_t k = 0; k < lines; k++) {
			const struct field *f = whole_record ? p->fields + k : field;
			print_name(p, f, positions[i]);
			putchar(',');
			if (what == 3)
				putchar('-');
			else if (!size)
				fputs("true", stdout);
			else
				print_value(f ? f->type : p->type, value + (whole_record ? f->offset : 0));
			putchar('\n');
		}
	}
	free(positions);
}

/* The payload of an epoch: a section has a delta at least, so nothing but zeros is its end. */
static void read_epoch(struct segment *s, struct cursor *c)
{
	while (c->at < c->end) {
		const uint8_t *rest = c->at;
		while (rest < c->end && !*rest)
			rest++;
		if (rest == c->end)
			break;
		uint64_t number = varint(c), n = varint(c);
		if (number >= s->n_pages || !n)
			fail("%s: %" PRIu64 " deltas of page %" PRIu64, c->where, n, number);
		for (uint64_t i = 0; i < n; i++)
			read_delta(s->pages + number, c);
	}
	if (!check_only)
		puts("commit");
}

static void advance(struct segment *s, uint64_t by, uint64_t to, const char *where)
{
	if (s->epoch + by != to)
		fail("%s: epoch %" PRIu64 " after epoch %" PRIu64, where, to, s->epoch);
	s->epoch = to;
}

static void read_record(struct segment *s, const uint8_t *at, size_t size, const char *where)
{
	struct cursor c = {at + 32, at + size, where};
	unsigned source = (unsigned)little(at + 12, 2), kind = at[14];
	uint64_t epoch = little(at + 16, 8), n;
	if (at[15])
		fail("%s: flags %u", where, at[15]);
	if (source && kind != KIND_SOURCE && !s->tags[source])
		fail("%s: no name was given to tag %u", where, source);
	say("%s: kind %u, epoch %" PRIu64 ", time %" PRIu64 ", source %s\n", where, kind, epoch, little(at + 24, 8),
	    source && s->tags[source] ? s->tags[source] : "-");
	if ((kind == KIND_PAGES) != !s->pages)
		fail("%s: the first record of a segment is its pages, and no other is", where);
	if (kind == KIND_PAGES) {
		if (epoch != s->first)
			fail("%s: the pages are of epoch %" PRIu64, where, epoch);
		read_pages(s, &c);
	} else if (kind == KIND_SOURCE) {
		s->tags[source] = text(&c);
		say("  tag %u is %s\n", source, s->tags[source]);
		zeros(&c);
	} else if (kind == KIND_EPOCH) {
		advance(s, 1, epoch, where);
		read_epoch(s, &c);
	} else if (kind == KIND_TICKS) {
		n = varint(&c);
		zeros(&c);
		advance(s, n, epoch, where);
		for (uint64_t i = 0; i < n && !check_only; i++)
			puts("commit");
	} else if (kind == KIND_DIGEST) {
		say("  digest %" PRIu64 " ", epoch);
		for (unsigned i = 0; i < 16; i++)
			say("%02x", *take(&c, 1));
		say("\n");
		zeros(&c);
	} else if (kind == KIND_MARK) {
		n = little(take(&c, 8), 8);
		if (n > (uint64_t)(at - s->data.at))
			fail("%s: a mark for offset %" PRIu64, where, n);
		say("  durable up to %" PRIu64 "\n", n);
		zeros(&c);
	} else if (kind == KIND_END) {
		zeros(&c);
		advance(s, 0, epoch, where);
		s->closed = true;
	} else {
		fail("%s: kind %u", where, kind);
	}
	s->last_sum = little(at, 8);
}

/* Does a record stand here? If so, *size is its bytes. */
static bool stands(const struct segment *s, size_t at, size_t *size)
{
	if (s->data.size - at < 32)
		return false;
	*size = 8 * little(s->data.at + at + 8, 4);
	return *size >= 32 && *size <= s->data.size - at && XXH3_64bits_withSeed(s->data.at + at + 8, *size - 8, s->seed) == little(s->data.at + at, 8);
}

static void read_segment(struct segment *s)
{
	const uint8_t *h = s->data.at;
	size_t at = 64, size;
	if (s->data.size < 64 || memcmp(h, "MMSBL\r\n\x1a", 8) || little(h + 8, 4) < 1 || little(h + 8, 4) > 2 || little(h + 12, 4) != 1 ||
	    XXH3_64bits(h, 56) != little(h + 56, 8) || little(h + 32, 8) != s->first)
		fail("%s: the header is not as it should be", s->name);
	s->seed = little(h + 40, 8);
	s->before = little(h + 48, 8);
	s->epoch = s->first - 1;
	say("segment %s: first epoch %" PRIu64 ", seed %016" PRIx64 ", before %016" PRIx64 "\n", s->name, s->first, s->seed, s->before);
	for (; !s->closed && stands(s, at, &size); at += size) {
		char where[128];
		snprintf(where, sizeof where, "%s:%zu", s->name, at);
		read_record(s, h + at, size, where);
	}
	for (size_t behind = at; behind < s->data.size; behind += 8)
		if (stands(s, behind, &size) && h[behind + 14] == KIND_MARK && size >= 40 && little(h + behind + 32, 8) > at)
			fail("%s: damaged at %zu, which was durable by the mark at %zu", s->name, at, behind);
	say("segment %s: ends at %zu of %zu, epoch %" PRIu64 "\n", s->name, at, s->data.size, s->epoch);
}

/* A line of MANIFEST: log FIRST ... Returns the segment as it is after reading. */
static struct segment *manifest_log(const char *line)
{
	struct segment *s = grab(1, sizeof *s);
	uint64_t last, size;
	char how[8] = "";
	int fields = sscanf(line, "log %" SCNu64 " %" SCNu64 " %" SCNu64 " %7s", &s->first, &last, &size, how);
	bool open = fields == 1 && strstr(line, " open"), zstd = !strcmp(how, "zst");
	if (!open && (fields != 4 || (!zstd && strcmp(how, "plain"))))
		fail("MANIFEST: %s", line);
	snprintf(s->name, sizeof s->name, "log-%020" PRIu64 "%s", s->first, zstd ? ".zst" : "");
	s->data = read_file(s->name);
	if (zstd) {
		struct bytes whole = {grab(size, 1), size};
		if (ZSTD_decompress(whole.at, whole.size, s->data.at, s->data.size) != size)
			fail("%s: does not give %" PRIu64 " bytes", s->name, size);
		s->data = whole;
	}
	read_segment(s);
	if (!open && (!s->closed || s->data.size != size || s->epoch != last))
		fail("%s: MANIFEST says %" PRIu64 " bytes to epoch %" PRIu64, s->name, size, last);
	return s;
}

/* An identity as MANIFEST has it. */
static const char *identity_text(const uint8_t *at)
{
	static char s[33];
	snprintf(s, sizeof s, "%016" PRIx64 "%016" PRIx64, little(at, 8), little(at + 8, 8));
	return s;
}

/* The parts of a checkpoint: the table is at `table`. */
static void read_parts(const char *name, struct bytes file, const uint8_t *table, unsigned n_parts, const uint64_t *bases, unsigned n_bases)
{
	static const char *const kinds[] = {"values", "pattern", "changes", "carry"};
	for (unsigned i = 0; i < n_parts; i++) {
		const uint8_t *row = table + 64 * (size_t)i;
		uint64_t kind = little(row, 4), whole = little(row + 24, 8), offset = little(row + 32, 8), size = little(row + 40, 8);
		uint64_t base = little(row + 56, 8);
		struct bytes in = file;
		char other[64];
		unsigned k = 0;
		if (kind > 3 || whole > 1 || (whole && size) || offset % 4096)
			fail("%s: part %u is not as it should be", name, i);
		if (base) {
			while (k < n_bases && bases[k] != base)
				k++;
			if (k == n_bases)
				fail("%s: part %u is in checkpoint %" PRIu64 ", which MANIFEST does not name", name, i, base);
			snprintf(other, sizeof other, "checkpoint-%020" PRIu64, base);
			in = read_file(other);
		}
		if (offset > in.size || size > in.size - offset || (!whole && XXH3_64bits(in.at + offset, size) != little(row + 48, 8)))
			fail("%s: part %u: the bytes are not there, or others", name, i);
		say("  %s of %" PRIu64 ": %" PRIu64 " elements, changed in %" PRIu64 ", %" PRIu64 " bytes at %" PRIu64 "%s\n", kinds[kind], little(row + 4, 4),
		    little(row + 16, 8), little(row + 8, 8), size, offset, whole ? ", whole" : base ? ", in an older file" : "");
	}
}

static void read_checkpoint(uint64_t epoch, const uint64_t *bases, unsigned n_bases, const char *identity)
{
	char name[64];
	snprintf(name, sizeof name, "checkpoint-%020" PRIu64, epoch);
	struct bytes file = read_file(name);
	const uint8_t *h = file.at;
	if (file.size < 80 || strcmp(identity, identity_text(h + 16)) || memcmp(h, "MMSBC\r\n\x1a", 8) || little(h + 8, 4) != 1 || little(h + 12, 4) != 1 || little(h + 32, 8) != epoch ||
	    little(h + 40, 8) != file.size || little(h + 64, 8) || little(h + 72, 8))
		fail("%s: the header is not as it should be", name);
	unsigned n_params = (unsigned)little(h + 48, 4), n_parts = (unsigned)little(h + 52, 4);
	size_t head = 80 + 8 * (size_t)n_params + 64 * (size_t)n_parts;
	if (head > file.size)
		fail("%s: the table is not there", name);
	uint8_t *copy = grab(head, 1);
	memcpy(copy, h, head);
	memset(copy + 56, 0, 8);
	if (XXH3_64bits(copy, head) != little(h + 56, 8))
		fail("%s: the checksum of the table is wrong", name);
	say("%s: %u params, %u parts, %zu bytes\n", name, n_params, n_parts, file.size);
	read_parts(name, file, h + 80 + 8 * (size_t)n_params, n_parts, bases, n_bases);
}

/* A line of MANIFEST: checkpoint EPOCH [BASE]... */
static void manifest_checkpoint(char *line, const char *identity)
{
	uint64_t epochs[64];
	unsigned n = 0;
	for (char *word = line + strlen("checkpoint"); *word;) {
		if (n == 64)
			fail("MANIFEST: %s", line);
		char *end;
		epochs[n++] = strtoull(word, &end, 10);
		if (end == word)
			fail("MANIFEST: %s", line);
		word = end;
	}
	if (!n)
		fail("MANIFEST: %s", line);
	read_checkpoint(epochs[0], epochs + 1, n - 1, identity);
}

int main(int argc, char **argv)
{
	deltas_only = argc == 3 && !strcmp(argv[1], "--deltas");
	check_only = argc == 3 && !strcmp(argv[1], "--check");
	if (argc != 2 && !deltas_only && !check_only)
		fail("usage: format_reader [--deltas|--check] DIR");
	folder = argv[argc - 1];
	struct bytes b = read_file("MANIFEST");
	char *manifest = grab(b.size + 1, 1), *check, *rest = manifest, *line, sum[64], identity[33] = "";
	memcpy(manifest, b.at, b.size);
	if (strncmp(manifest, "mmsb-state 1\nnumerics 1\nidentity ", 33) || !(check = strstr(manifest, "\ncheck ")))
		fail("MANIFEST does not begin as it should");
	snprintf(sum, sizeof sum, "check %016" PRIx64 "\n", XXH3_64bits(manifest, (size_t)(check + 1 - manifest)));
	if (strcmp(check + 1, sum))
		fail("MANIFEST: the checksum is not %s", sum);
	uint64_t last_sum = 0, last = 0;
	bool any = false;
	while ((line = strsep(&rest, "\n"))) {
		say("%s%s\n", *line ? "MANIFEST: " : "", line);
		if (!strncmp(line, "identity ", 9))
			snprintf(identity, sizeof identity, "%s", line + 9);
		else if (!strncmp(line, "checkpoint ", 11))
			manifest_checkpoint(line, identity);
		if (strncmp(line, "log ", 4))
			continue;
		struct segment *s = manifest_log(line);
		if (any && (s->before != last_sum || s->first != last + 1))
			fail("%s: does not go on where the segment before ends", s->name);
		if (strcmp(identity, identity_text(s->data.at + 16)))
			fail("%s: the identity is another than MANIFEST's", s->name);
		any = true;
		last_sum = s->last_sum;
		last = s->epoch;
	}
	return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
