/* log_reader.h - a segment that is read: what log_read.c, log_decode.c and log_stage.c share. Internal. */
#ifndef MMSB_LOG_READER_H
#define MMSB_LOG_READER_H

#include "log.h"
#include "log_format.h"

struct log_reader {
	char *path;
	const vfs *fs;
	vfs_bytes file;          /* as it is on the disk */
	uint8_t *unpacked;       /* owned; of a compressed one */
	const uint8_t *data;     /* the segment */
	size_t size;
	log_file_header head;
	log_page *pages;
	log_field *fields;       /* of all */
	unsigned n_pages, n_params;
	const uint8_t *params;   /* in the segment */
	char **sources;          /* by number, from 1 on; NULL: not named yet */
	unsigned n_sources;
	size_t cap_sources;
	uint64_t at;             /* of the next record */
	uint64_t epoch;          /* the last before it */
	bool closed;
	uint64_t *index;         /* of the delta at hand */
	size_t cap_index;
	uint64_t *pair;          /* rows, then columns, of entries that are staged: log_stage.c */
	size_t cap_pair;
	const mmsb_instance *bound; /* the instance that the pages were compared with */
	page **plain;            /* of it, by the number of the page: dense, of numbers without fields; else NULL. log_stage.c */
};

/* log_decode.c: the payload of a record of pages. */
int log_decode_pages(log_reader *, const uint8_t *at, size_t n, mmsb_error *err);

#endif
