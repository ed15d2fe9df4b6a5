/* mend_log.h - right checksums for bytes that are to be read as a segment of a log, so that what stands behind them is looked at. */
#ifndef MMSB_MEND_LOG_H
#define MMSB_MEND_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <xxhash.h>

#include "state/log_format.h"

/* identity: of the schedule that the header is to name; NULL: as it is. */
static inline void mend_log(uint8_t *data, size_t size, const uint64_t identity[2])
{
	log_file_header h;
	if (size < sizeof h)
		return;
	memcpy(&h, data, sizeof h);
	if (identity != NULL)
		memcpy(h.identity, identity, sizeof h.identity);
	memcpy(data, &h, sizeof h);
	h.check = XXH3_64bits(data, offsetof(log_file_header, check));
	memcpy(data, &h, sizeof h);
	for (size_t at = sizeof h; size - at >= LOG_HEAD;) {
		log_head head;
		memcpy(&head, data + at, sizeof head);
		uint64_t n = (uint64_t)head.units * LOG_UNIT;
		if (n < LOG_HEAD || n > size - at)
			break;
		head.check = XXH3_64bits_withSeed(data + at + sizeof head.check, n - sizeof head.check, h.seed);
		memcpy(data + at, &head, sizeof head);
		at += n;
	}
}

#endif
