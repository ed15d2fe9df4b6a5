/* manifest.c - which files of a state folder count (manifest.h). */
#include "manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "runtime/instance.h"

enum { MANIFEST_VERSION = 1 };

/* ---- reading ----------------------------------------------------------------------------------- */

/* The line at hand. Numbers and words are taken from its beginning. */
typedef struct reader {
	const char *path;
	const char *at, *end;   /* what is left of the line */
	const char *next, *all; /* the line behind it, the end of the text */
	unsigned line;
} reader;

static int wrong(const reader *r, const char *what, mmsb_error *err)
{
	return fail(err, MMSB_FORMAT, "%s:%u: the manifest is damaged: %s", r->path, r->line, what);
}

static bool next_line(reader *r)
{
	const char *end = r->next < r->all ? memchr(r->next, '\n', (size_t)(r->all - r->next)) : NULL;
	if (!end)
		return false;
	r->at = r->next;
	r->end = end;
	r->next = end + 1;
	r->line++;
	return true;
}

/* Takes a word, and the space behind it, if it stands there. */
static bool take_word(reader *r, const char *word)
{
	size_t n = strlen(word), left = (size_t)(r->end - r->at);
	if (left < n || memcmp(r->at, word, n) != 0 || (left > n && (r->at[n] != ' ' || left == n + 1)))
		return false;
	r->at += n + (left > n);
	return true;
}

/* A number in decimal digits, without zeros before it. */
static bool take_number(reader *r, uint64_t *out)
{
	const char *at = r->at;
	uint64_t value = 0;
	for (; at < r->end && *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) || __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	if (at == r->at || (*r->at == '0' && at > r->at + 1) || (at < r->end && (*at != ' ' || at + 1 == r->end)))
		return false;
	r->at = at + (at < r->end);
	*out = value;
	return true;
}

static bool take_hex(reader *r, unsigned digits, uint64_t *out)
{
	uint64_t value = 0;
	if ((size_t)(r->end - r->at) < digits)
		return false;
	for (unsigned i = 0; i < digits; i++) {
		char c = r->at[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	r->at += digits;
	*out = value;
	return true;
}

static bool at_end(const reader *r) { return r->at == r->end; }

static int read_head(reader *r, manifest *to, mmsb_error *err)
{
	uint64_t version, numerics;
	if (!next_line(r) || !take_word(r, "mmsb-state") || !take_number(r, &version) || !at_end(r))
		return fail(err, MMSB_FORMAT, "%s: this is no manifest of a state: it does not begin with 'mmsb-state'", r->path);
	if (version != MANIFEST_VERSION)
		return fail(err, MMSB_FORMAT, "%s: the state has format version %" PRIu64 ", this library reads version %d", r->path, version,
		            MANIFEST_VERSION);
	if (!next_line(r) || !take_word(r, "numerics") || !take_number(r, &numerics) || !at_end(r))
		return wrong(r, "'numerics NUMBER' is expected", err);
	if (numerics != NUMERICS)
		return fail(err, MMSB_NUMERICS, "%s: the state was made with numerics %" PRIu64 ", this library computes with numerics %u", r->path,
		            numerics, (unsigned)NUMERICS);
	if (!next_line(r) || !take_word(r, "identity") || !take_hex(r, 16, &to->identity[0]) || !take_hex(r, 16, &to->identity[1]) || !at_end(r))
		return wrong(r, "'identity' and 32 hexadecimal digits are expected", err);
	return MMSB_OK;
}

static int read_checkpoint(reader *r, manifest *to, mmsb_error *err)
{
	uint64_t epoch, *bases = NULL, base;
	size_t n = 0, capacity = 0;
	int status = MMSB_OK;
	bool good = take_number(r, &epoch) && epoch > 0 &&
	            (to->n_checkpoints == 0 || epoch > to->checkpoints[to->n_checkpoints - 1].epoch);
	while (good && !at_end(r) && !status) {
		good = take_number(r, &base) && base > 0 && base < epoch && (n == 0 || base > bases[n - 1]);
		if (good && reserve(&bases, &capacity, (n + 1) * sizeof *bases))
			status = fail_memory(err, capacity, r->path);
		else if (good)
			bases[n++] = base;
	}
	if (!good)
		status = wrong(r, "'checkpoint EPOCH [BASE]...' in ascending order is expected", err);
	if (!status)
		status = manifest_add_checkpoint(to, epoch, bases, n, err);
	free(bases);
	return status;
}

static int read_segment(reader *r, manifest *to, mmsb_error *err)
{
	log_segment s = {.first = 0};
	const log_segment *before = to->n_segments ? &to->segments[to->n_segments - 1] : NULL;
	bool good = take_number(r, &s.first) && s.first > 0 && (!before || (before->last != 0 && s.first == before->last + 1));
	if (good && !take_word(r, "open")) {
		good = take_number(r, &s.last) && s.last >= s.first && s.last < UINT64_MAX && take_number(r, &s.bytes) && s.bytes > 0;
		if (good && !take_word(r, "plain"))
			good = s.compressed = take_word(r, "zst");
	}
	if (!good || !at_end(r))
		return wrong(r, "'log FIRST LAST BYTES plain|zst', or 'log FIRST open', going on where the one before ends, is expected", err);
	return manifest_add_segment(to, &s, err);
}

/* What the folder has beside it says all that is needed. */
#define REPAIR ". `mmsb log repair` makes a new folder without it"

/* The last line holds the checksum of what is before it. */
static int check_text(const reader *r, mmsb_error *err)
{
	static const char check[] = "check ";
	size_t n = (size_t)(r->all - r->next), tail = strlen(check) + 16 + 1;
	reader last = {.path = r->path, .at = r->all - tail, .end = r->all - 1};
	uint64_t value = 0;
	if (n < tail || r->all[-1] != '\n' || (n > tail && last.at[-1] != '\n') || !take_word(&last, "check") || !take_hex(&last, 16, &value))
		return fail(err, MMSB_FORMAT, "%s: the manifest is damaged: it does not end with its checksum" REPAIR, r->path);
	return XXH3_64bits(r->next, n - tail) == value ? MMSB_OK
	                                               : fail(err, MMSB_FORMAT, "%s: the manifest is damaged: its checksum is wrong" REPAIR, r->path);
}

static int read_lines(reader *r, manifest *to, mmsb_error *err)
{
	int status = read_head(r, to, err);
	bool more = !status && next_line(r);
	for (; more && !status && take_word(r, "checkpoint"); more = next_line(r))
		status = read_checkpoint(r, to, err);
	for (; more && !status && take_word(r, "log"); more = next_line(r))
		status = read_segment(r, to, err);
	if (status)
		return status;
	if (!more || !take_word(r, "check") || r->next != r->all)
		return wrong(r, "a line that is none of a manifest", err);
	if (to->n_segments == 0 || to->segments[to->n_segments - 1].last != 0)
		return wrong(r, "it has no open segment of the log", err);
	return MMSB_OK;
}

int manifest_parse(manifest *out, const char *path, const uint8_t *bytes, size_t n, mmsb_error *err)
{
	*out = (manifest){.checkpoints = NULL};
	static const char mark[] = "mmsb-state ";
	const char *text = (const char *)bytes;
	reader r = {.path = path, .next = text, .all = text + n};
	if (n < strlen(mark) || memcmp(text, mark, strlen(mark)) != 0)
		return fail(err, MMSB_FORMAT, "%s: this is no manifest of a state: it does not begin with 'mmsb-state'" REPAIR, path);
	int status = check_text(&r, err);
	if (!status)
		status = read_lines(&r, out, err);
	if (status)
		manifest_free(out);
	return status;
}

int manifest_read(manifest *out, const vfs *fs, const char *folder, bool *found, mmsb_error *err)
{
	*out = (manifest){.checkpoints = NULL};
	*found = false;
	char *path = vfs_path(folder, "MANIFEST");
	if (!path)
		return fail_memory(err, strlen(folder) + 10, folder);
	vfs_bytes bytes;
	int error = vfs_view(fs, path, &bytes), status = MMSB_OK;
	if (error == 0) {
		*found = true;
		status = manifest_parse(out, path, bytes.data, bytes.size, err);
		vfs_release(fs, &bytes);
	} else if (error != -ENOENT) {
		status = vfs_fail(err, error, path, "read");
	}
	free(path);
	return status;
}

/* ---- writing ----------------------------------------------------------------------------------- */

typedef struct text {
	char *bytes;
	size_t n, capacity;
	bool failed;
} text;

static void add(text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(text *t, const char *fmt, ...)
{
	char line[160];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	t->failed |= reserve(&t->bytes, &t->capacity, t->n + (size_t)n) != 0;
	if (t->failed)
		return;
	memcpy(t->bytes + t->n, line, (size_t)n);
	t->n += (size_t)n;
}

static void add_all(text *t, const manifest *m)
{
	add(t, "mmsb-state %d\nnumerics %u\nidentity %016" PRIx64 "%016" PRIx64 "\n", MANIFEST_VERSION, (unsigned)NUMERICS, m->identity[0],
	    m->identity[1]);
	for (size_t i = 0; i < m->n_checkpoints; i++) {
		const manifest_checkpoint *c = &m->checkpoints[i];
		add(t, "checkpoint %" PRIu64, c->epoch);
		for (size_t k = 0; k < c->n_bases; k++)
			add(t, " %" PRIu64, c->bases[k]);
		add(t, "\n");
	}
	for (size_t i = 0; i < m->n_segments; i++) {
		const log_segment *s = &m->segments[i];
		if (s->last == 0)
			add(t, "log %" PRIu64 " open\n", s->first);
		else
			add(t, "log %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", s->first, s->last, s->bytes, s->compressed ? "zst" : "plain");
	}
	uint64_t check = t->failed ? 0 : XXH3_64bits(t->bytes, t->n);
	add(t, "check %016" PRIx64 "\n", check);
}

int manifest_write(const manifest *m, const vfs *fs, const char *folder, mmsb_error *err)
{
	text t = {.bytes = NULL};
	add_all(&t, m);
	int status = t.failed ? fail_memory(err, t.n + 160, "the manifest") : MMSB_OK;
	int error = status ? 0 : vfs_replace(fs, folder, "MANIFEST", t.bytes, t.n);
	if (error)
		status = vfs_fail(err, error, folder, "given a new manifest");
	free(t.bytes);
	return status;
}

/* ---- in memory --------------------------------------------------------------------------------- */

void manifest_free(manifest *m)
{
	for (size_t i = 0; i < m->n_checkpoints; i++)
		free(m->checkpoints[i].bases);
	free(m->checkpoints);
	free(m->segments);
	*m = (manifest){.checkpoints = NULL};
}

int manifest_add_checkpoint(manifest *m, uint64_t epoch, const uint64_t *bases, size_t n_bases, mmsb_error *err)
{
	uint64_t *copy = malloc((n_bases + 1) * sizeof *copy);
	if (!copy || reserve(&m->checkpoints, &m->cap_checkpoints, (m->n_checkpoints + 1) * sizeof *m->checkpoints)) {
		free(copy);
		return fail_memory(err, (n_bases + m->n_checkpoints) * sizeof *copy, "the manifest");
	}
	if (n_bases)
		memcpy(copy, bases, n_bases * sizeof *copy);
	size_t at = m->n_checkpoints;
	while (at > 0 && m->checkpoints[at - 1].epoch >= epoch)
		at--;
	if (at < m->n_checkpoints && m->checkpoints[at].epoch == epoch)
		manifest_drop_checkpoint(m, at);
	memmove(&m->checkpoints[at + 1], &m->checkpoints[at], (m->n_checkpoints - at) * sizeof *m->checkpoints);
	m->checkpoints[at] = (manifest_checkpoint){epoch, copy, n_bases};
	m->n_checkpoints++;
	return MMSB_OK;
}

void manifest_drop_checkpoint(manifest *m, size_t i)
{
	free(m->checkpoints[i].bases);
	memmove(&m->checkpoints[i], &m->checkpoints[i + 1], (--m->n_checkpoints - i) * sizeof *m->checkpoints);
}

int manifest_add_segment(manifest *m, const log_segment *s, mmsb_error *err)
{
	if (reserve(&m->segments, &m->cap_segments, (m->n_segments + 1) * sizeof *m->segments))
		return fail_memory(err, m->n_segments * sizeof *s, "the manifest");
	m->segments[m->n_segments++] = *s;
	return MMSB_OK;
}

/* ---- names ------------------------------------------------------------------------------------- */

void manifest_segment_name(const log_segment *s, char to[STATE_NAME])
{
	snprintf(to, STATE_NAME, "log-%020" PRIu64 "%s", s->first, s->compressed ? ".zst" : "");
}

void manifest_checkpoint_name(uint64_t epoch, char to[STATE_NAME]) { snprintf(to, STATE_NAME, "checkpoint-%020" PRIu64, epoch); }

static bool is_checkpoint(uint64_t epoch, const char *name)
{
	char own[STATE_NAME];
	manifest_checkpoint_name(epoch, own);
	return strcmp(own, name) == 0;
}

bool manifest_names(const manifest *m, const char *name)
{
	char own[STATE_NAME];
	for (size_t i = 0; i < m->n_segments; i++) {
		manifest_segment_name(&m->segments[i], own);
		if (strcmp(own, name) == 0)
			return true;
	}
	for (size_t i = 0; i < m->n_checkpoints; i++) {
		if (is_checkpoint(m->checkpoints[i].epoch, name))
			return true;
		for (size_t k = 0; k < m->checkpoints[i].n_bases; k++)
			if (is_checkpoint(m->checkpoints[i].bases[k], name))
				return true;
	}
	return strcmp(name, "LOCK") == 0 || strcmp(name, "MANIFEST") == 0 || strcmp(name, "schedule.mmsbx") == 0;
}
