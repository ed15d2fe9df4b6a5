/* container.c - writes and reads .mmsbx files (container.h). */
#include "container.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "instance.h"

static const uint8_t magic[8] = {'M', 'M', 'S', 'B', 'X', '\r', '\n', 0x1a};

static const struct {
	const char *name;
	uint32_t record;
} section_table[SECTION_COUNT] = {
#define SECTION(name, type) {#name, sizeof(type)},
	SCHEDULE_SECTIONS(SECTION)
#undef SECTION
};

typedef struct header {
	uint8_t magic[8];
	uint32_t version, numerics;
	uint64_t length;
	uint32_t sections, zero;
	uint64_t check[2];
	uint64_t reserved[2];
} header;

typedef struct entry {
	uint32_t id, record;
	uint64_t offset, bytes, check;
} entry;

_Static_assert(sizeof(header) == MMSBX_HEADER && sizeof(entry) == MMSBX_ENTRY, "the layout is the file's");

static size_t align_up(size_t n) { return (n + MMSBX_ALIGN - 1) / MMSBX_ALIGN * MMSBX_ALIGN; }

/* Where the sections of a file of so many begin, but for alignment. */
static size_t table_end(uint32_t sections) { return MMSBX_HEADER + sections * (size_t)MMSBX_ENTRY; }

enum { SECTION_NATIVE = SECTION_COUNT, SECTION_DEVICE, SECTIONS_MOST };

static const char *section_name(uint32_t i) { return i < SECTION_COUNT ? section_table[i].name : i == SECTION_NATIVE ? "native" : "device"; }
static uint32_t section_record(uint32_t i) { return i < SECTION_COUNT ? section_table[i].record : 1; }

/* The header's checksum: of header and table with the field itself zero. */
static void header_check(uint8_t *file, uint32_t sections, uint64_t check[2])
{
	header h;
	memcpy(&h, file, sizeof h);
	memset(h.check, 0, sizeof h.check);
	memcpy(file, &h, sizeof h);
	XXH128_hash_t x = XXH3_128bits(file, table_end(sections));
	check[0] = x.low64;
	check[1] = x.high64;
}

int schedule_write(const schedule *s, uint8_t **bytes, size_t *n, mmsb_error *err)
{
	int status = schedule_verify(s, err);
	if (status)
		return status;
	const struct { const void *at; size_t bytes; } part[SECTIONS_MOST] = {
#define SECTION(name, type) {s->name, (size_t)s->n_##name * sizeof(type)},
		SCHEDULE_SECTIONS(SECTION)
#undef SECTION
		{s->native, s->n_native}, {s->device, s->n_device},
	};
	uint32_t sections = s->device ? SECTIONS_MOST : s->native ? SECTION_NATIVE + 1 : SECTION_COUNT;
	size_t length = align_up(table_end(sections));
	for (size_t i = 0; i < sections; i++)
		length = align_up(length + part[i].bytes);
	uint8_t *file = calloc(1, length);
	if (!file)
		return fail_memory(err, length, "the compiled file");
	size_t at = align_up(table_end(sections));
	for (uint32_t i = 0; i < sections; i++) {
		if (part[i].bytes)
			memcpy(file + at, part[i].at, part[i].bytes);
		entry e = {i, section_record(i), at, part[i].bytes, XXH3_64bits(file + at, part[i].bytes)};
		memcpy(file + MMSBX_HEADER + i * MMSBX_ENTRY, &e, sizeof e);
		at = align_up(at + part[i].bytes);
	}
	header h = {.version = MMSBX_VERSION, .numerics = NUMERICS, .length = length, .sections = sections};
	memcpy(h.magic, magic, sizeof magic);
	memcpy(file, &h, sizeof h);
	header_check(file, sections, h.check);
	memcpy(file, &h, sizeof h);
	*bytes = file;
	*n = length;
	return MMSB_OK;
}

/* Magic, version, length and the table's own checksum. file is a private copy. */
static int read_header(uint8_t *file, size_t n, uint32_t *sections, mmsb_error *err)
{
	header h;
	if (n < sizeof h || memcmp(file, magic, sizeof magic) != 0)
		return fail(err, MMSB_FORMAT, "this is no .mmsbx file: it does not begin with the mark of one");
	memcpy(&h, file, sizeof h);
	if (h.version != MMSBX_VERSION)
		return fail(err, MMSB_FORMAT, "the file has format version %u, this library reads version %u: compile it again",
		            h.version, (unsigned)MMSBX_VERSION);
	if (h.numerics != NUMERICS)
		return fail(err, MMSB_NUMERICS, "the file was made for numerics %u, this library computes with numerics %u: compile it again",
		            h.numerics, (unsigned)NUMERICS);
	if (h.length != n)
		return fail(err, MMSB_FORMAT, "the file says that it has %llu bytes, but there are %llu: it is truncated or something was added",
		            (unsigned long long)h.length, (unsigned long long)n);
	if (h.sections < SECTION_COUNT || h.sections > SECTIONS_MOST || n < align_up(table_end(h.sections)))
		return fail(err, MMSB_FORMAT, "the file's header is damaged: it should have %d sections, or up to %d with code", (int)SECTION_COUNT, (int)SECTIONS_MOST);
	uint64_t check[2];
	*sections = h.sections;
	header_check(file, h.sections, check);
	if (check[0] != h.check[0] || check[1] != h.check[1])
		return fail(err, MMSB_FORMAT, "the file's header is damaged: its checksum is wrong");
	return MMSB_OK;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* Finds section i, whose place follows from the one before; *end is moved behind it. */
static int read_section(const uint8_t *file, size_t n, uint32_t i, size_t *end, entry *e, mmsb_error *err)
{
	const char *name = section_name(i);
	memcpy(e, file + MMSBX_HEADER + i * MMSBX_ENTRY, sizeof *e);
	size_t at = align_up(*end);
	if (e->id != i || e->record != section_record(i) || e->offset != at || at > n || e->bytes > n - at ||
	    e->bytes % e->record || e->bytes / e->record > UINT32_MAX / 2)
		return fail(err, MMSB_FORMAT, "the file's section '%s' is not where or what it should be", name);
	if (XXH3_64bits(file + at, e->bytes) != e->check)
		return fail(err, MMSB_FORMAT, "the file's section '%s' is damaged: its checksum is wrong (bytes %llu to %llu)", name,
		            (unsigned long long)at, (unsigned long long)(at + e->bytes));
	if (!all_zero(file + *end, at - *end))
		return fail(err, MMSB_FORMAT, "the file is damaged: bytes that must be zero are not, before section '%s'", name);
	*end = at + e->bytes;
	return MMSB_OK;
}

static int read_tables(schedule *s, const uint8_t *file, size_t n, uint32_t sections, mmsb_error *err)
{
	entry part[SECTIONS_MOST] = {0};
	size_t end = table_end(sections);
	for (uint32_t i = 0; i < sections; i++) {
		int status = read_section(file, n, i, &end, &part[i], err);
		if (status)
			return status;
	}
	if (align_up(end) != n || !all_zero(file + end, n - end))
		return fail(err, MMSB_FORMAT, "the file is damaged: something stands behind its last section");
#define SECTION(name, type)                                                              \
	s->n_##name = (uint32_t)(part[SECTION_##name].bytes / sizeof(type));             \
	s->name = (const type *)(const void *)(file + part[SECTION_##name].offset);
	SCHEDULE_SECTIONS(SECTION)
#undef SECTION
	if (part[SECTION_NATIVE].bytes) {
		s->native = file + part[SECTION_NATIVE].offset;
		s->n_native = part[SECTION_NATIVE].bytes;
	}
	if (part[SECTION_DEVICE].bytes) {
		s->device = file + part[SECTION_DEVICE].offset;
		s->n_device = part[SECTION_DEVICE].bytes;
	}
	return MMSB_OK;
}

int schedule_read(schedule *out, const void *bytes, size_t n, mmsb_error *err)
{
	uint8_t *file = NULL; /* aligned for every record; one byte more, so that n = 0 is no special case */
	if (posix_memalign((void **)&file, MMSBX_ALIGN, n + 1))
		return fail_memory(err, n, "the compiled file");
	if (n)
		memcpy(file, bytes, n);
	schedule s = {.memory = file};
	uint32_t sections = 0;
	int status = read_header(file, n, &sections, err);
	if (!status)
		status = read_tables(&s, file, n, sections, err);
	if (!status)
		status = schedule_verify(&s, err);
	if (status) {
		free(file);
		return status;
	}
	*out = s;
	return MMSB_OK;
}

/* ---- code -------------------------------------------------------------------------------------- */

typedef struct code_header {
	uint32_t abi, objects;
	uint64_t zero;
} code_header;

typedef struct code_entry {
	char level[MMSBX_LEVEL];
	uint64_t offset, bytes;
} code_entry;

_Static_assert(sizeof(code_header) == 16 && sizeof(code_entry) == 32, "the layout is the file's");

int code_section_write(uint32_t abi, const code_object *objects, uint32_t n_objects, uint8_t **bytes, size_t *n, mmsb_error *err)
{
	code_header h = {.abi = abi, .objects = n_objects};
	size_t first = align_up(sizeof h + n_objects * sizeof(code_entry)), length = first;
	for (uint32_t i = 0; i < n_objects; i++)
		length = align_up(length + objects[i].n);
	uint8_t *section = calloc(1, length);
	if (!section)
		return fail_memory(err, length, "a section of code");
	memcpy(section, &h, sizeof h);
	size_t at = first;
	for (uint32_t i = 0; i < n_objects; i++) {
		code_entry e = {.offset = at, .bytes = objects[i].n};
		memcpy(e.level, objects[i].level, sizeof e.level);
		memcpy(section + sizeof h + i * sizeof e, &e, sizeof e);
		memcpy(section + e.offset, objects[i].bytes, objects[i].n);
		at = align_up(at + objects[i].n);
	}
	*bytes = section;
	*n = length;
	return MMSB_OK;
}

uint32_t code_section_abi(const uint8_t *section, size_t n)
{
	code_header h;
	if (n < sizeof h)
		return 0;
	memcpy(&h, section, sizeof h);
	return h.abi;
}

bool code_section_object(const uint8_t *section, size_t n, uint32_t i, code_object *out)
{
	code_header h;
	code_entry e;
	if (n < sizeof h)
		return false;
	memcpy(&h, section, sizeof h);
	if (i >= h.objects || h.objects > (n - sizeof h) / sizeof e)
		return false;
	memcpy(&e, section + sizeof h + i * sizeof e, sizeof e);
	if (e.level[MMSBX_LEVEL - 1] || e.offset > n || e.bytes > n - e.offset)
		return false;
	memcpy(out->level, e.level, sizeof e.level);
	out->bytes = section + e.offset;
	out->n = e.bytes;
	return true;
}

bool write_all(int fd, const void *bytes, size_t n)
{
	for (const uint8_t *at = bytes; n > 0;) {
		ssize_t written = write(fd, at, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			errno = written < 0 ? errno : ENOSPC;
			return false;
		}
		at += written;
		n -= (size_t)written;
	}
	return true;
}
