/* log_tags.h - the numbers that source tags have in a segment. Internal. */
#ifndef MMSB_LOG_TAGS_H
#define MMSB_LOG_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAGS_MOST = UINT16_MAX };

typedef struct log_tag {
	uint64_t hash;
	size_t at, n;        /* in text[] */
} log_tag;

/* Tag number i + 1 is of[i]; found by their hash in slots[] (numbers; 0: free), a power of two, at most half of them in use. */
typedef struct log_tags {
	log_tag *of;
	char *text;
	uint32_t *slots;
	size_t n, n_text, n_slots;
	size_t cap_of, cap_text;
} log_tags;

/* The number of a tag; *fresh: it had none, and now has. 0: no memory, or TAGS_MOST have one. */
uint16_t log_tag_number(log_tags *, const char *text, size_t n, bool *fresh);
void log_tags_clear(log_tags *);
void log_tags_free(log_tags *);

#endif
