/* rest.c - a segment of the log that begins later: what follows a checkpoint within it (fold.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "log_bytes.h"
#include "manifest.h"

/* Header and pages of a segment, which begins with another epoch; then all source tags. Returns the bytes; to NULL: counts. */
static size_t put_beginning(const log_reader *reader, const uint8_t *segment, uint64_t first, uint8_t *to)
{
	log_file_header head;
	log_head pages;
	size_t n = sizeof head;
	memcpy(&head, segment, sizeof head);
	memcpy(&pages, segment + n, sizeof pages);
	const log_record copy = {.kind = LOG_PAGES, .epoch = first, .payload = segment + n + LOG_HEAD, .n = (size_t)pages.units * LOG_UNIT - LOG_HEAD};
	head.first = first;
	head.before = 0;
	head.check = XXH3_64bits(&head, offsetof(log_file_header, check));
	if (to)
		memcpy(to, &head, sizeof head);
	n += to ? log_put(to + n, head.seed, &copy) : log_room(copy.n);
	for (unsigned i = 1; i <= log_source_count(reader); i++) {
		const char *tag = log_source(reader, (uint16_t)i);
		uint8_t named[LOG_TAG + VARINT_MOST];
		if (!tag)
			continue;
		uint8_t *text = put_varint(named, strlen(tag));
		memcpy(text, tag, strlen(tag));
		const log_record source = {.kind = LOG_SOURCE, .source = (uint16_t)i, .payload = named, .n = (size_t)(text - named) + strlen(tag)};
		n += to ? log_put(to + n, head.seed, &source) : log_room(source.n);
	}
	return n;
}

/* The records behind a checkpoint; marks are of the file that they were in. */
static size_t put_rest(log_reader *reader, uint64_t first, bool closed, uint8_t *to)
{
	log_record record;
	size_t n = 0;
	if (!log_seek(reader, first))
		return 0;
	while (log_next(reader, &record) == LOG_GOES_ON) {
		uint8_t number[VARINT_MOST];
		if (record.kind == LOG_MARK || record.kind == LOG_SOURCE || (record.kind == LOG_END && !closed))
			continue;
		if (record.source > 0 && !log_source(reader, record.source))
			record.source = 0; /* its name is lost */
		if (record.kind == LOG_TICKS && log_record_first(&record) < first) {
			record.n = (size_t)(put_varint(number, record.epoch + 1 - first) - number);
			record.payload = number;
		}
		n += log_put(to + n, log_seed(reader), &record);
	}
	return n;
}

/* Reads all there is from where the rest begins, and with it the tags. Returns the last epoch. */
static uint64_t read_rest(log_reader *reader, uint64_t first)
{
	log_record record = {.epoch = first - 1};
	if (log_seek(reader, first))
		while (log_next(reader, &record) == LOG_GOES_ON)
			;
	return record.epoch;
}

int fold_rest(const vfs *fs, log_reader *reader, log_segment *s, const char *to, uint64_t *last, mmsb_error *err)
{
	char name[STATE_NAME];
	const uint8_t *segment = log_bytes(reader);
	bool closed = s->last != 0;
	*last = read_rest(reader, s->first);
	size_t most = put_beginning(reader, segment, s->first, NULL) + log_size(reader), n = 0;
	uint8_t *bytes = malloc(most);
	if (bytes) {
		n = put_beginning(reader, segment, s->first, bytes);
		n += put_rest(reader, s->first, closed, bytes + n);
	}
	s->compressed = false;
	s->bytes = n;
	manifest_segment_name(s, name);
	int error = bytes ? vfs_replace(fs, to, name, bytes, n) : -ENOMEM;
	free(bytes);
	return error ? vfs_fail(err, error, to, "written to") : MMSB_OK;
}
