/* log_format.h - the layout of log segments, as docs/format.md specifies it. Internal. */
#ifndef MMSB_LOG_FORMAT_H
#define MMSB_LOG_FORMAT_H

#include <stdint.h>

/* The version of a segment: behind its records are zeros, or zeros and what another segment left there. */
enum { LOG_FRESH = 1, LOG_REUSED = 2 };

enum { LOG_HEADER = 64, LOG_HEAD = 32, LOG_UNIT = 8, LOG_MARK_BYTES = LOG_HEAD + 8, LOG_STOP = 16 };

#define LOG_MAGIC "MMSBL\r\n\x1a"

typedef struct log_file_header {
	uint8_t magic[8];
	uint32_t version, numerics;
	uint64_t identity[2];  /* of the schedule: checkpoint_identity */
	uint64_t first;        /* the epoch of the first record of an epoch */
	uint64_t seed;         /* of the checksums of its records */
	uint64_t before;       /* the checksum of the last record of the segment before; 0: there is none */
	uint64_t check;        /* XXH3-64 of the 56 bytes before */
} log_file_header;

typedef struct log_head {
	uint64_t check;        /* XXH3-64, with the segment's seed, of the record's bytes from here to its end */
	uint32_t units;        /* its length, with this head, in units of 8 bytes; 0: no record */
	uint16_t source;
	uint8_t kind, flags;   /* flags: 0 */
	uint64_t epoch, time;
} log_head;

_Static_assert(sizeof(log_file_header) == LOG_HEADER && sizeof(log_head) == LOG_HEAD, "the layout is the file's");

/* How positions of a delta are written. */
typedef enum log_positions {
	POSITIONS_RANGE = 0,   /* first, varint */
	POSITIONS_MASK = 1,    /* first word, number of words: varints; then the words, 8 bytes each */
	POSITIONS_GAPS = 2,    /* a varint each: zigzag of the difference to the one before (to 0) */
	POSITIONS_U16 = 3,     /* 2 bytes each */
	POSITIONS_U32 = 4,
	POSITIONS_U64 = 5
} log_positions;

/* The first byte of a delta: positions in bits 0..2, what is done in bits 3..4. */
typedef enum log_change { CHANGE_SET = 0, CHANGE_FIELD = 1, CHANGE_INSERT = 2, CHANGE_ERASE = 3 } log_change;

#endif
