/* fuzz_log.c: any bytes as a segment of a log, as they are and with right checksums. A segment is refused with a message; or its records are
 * walked to an end, and what they hold is staged, or refused with a message; and epochs can go on, whatever was staged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/io_instance.h"

#include "state/checkpoint.h" /* after the compiler's headers, whose parameters have names that are types here */
#include "state/log.h"
#include "mend_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char program[] =
	"param K : i64 = 3;\n"
	"record Quote { bid : f32; at : index(4); ok : bool; }\n"
	"page x : f64[9, 3] in;\n"
	"page at : index(9)[6] in;\n"
	"page flag : bool[200] in;\n"
	"page quote : Quote[5] in;\n"
	"page soa : Quote[70] in @soa;\n"
	"page W : sparse f64[6, 9] in;\n"
	"page E : sparse bool[6, 6] in;\n"
	"page picked : f64[6] out;\n"
	"page row : f64[6] out;\n"
	"edge picked[i] <- clamp(x)[at[i], 1];\n"
	"edge row[i] <- sum[j] W[i, j];\n";

static mmsb_instance *m;

static void make_instance(void)
{
	mmsb_error err;
	mmsb_schedule *compiled = io_schedule(program);
	m = compiled ? io_instance(compiled) : NULL;
	if (!m || mmsb_commit(m, NULL, &err))
		abort();
}

static void take(log_reader *r, const log_record *record)
{
	mmsb_error err;
	err.message[0] = '\0';
	int status = log_stage(r, record, m, &err);
	if (status == MMSB_OK)
		status = log_apply(r, record, m, &err);
	if (status != MMSB_OK && (err.message[0] == '\0' || (status != MMSB_FORMAT && status != MMSB_RANGE && status != MMSB_MEMORY)))
		abort();
}

static void read_it(const uint8_t *data, size_t size)
{
	mmsb_error err;
	log_reader *r;
	log_record record;
	err.message[0] = '\0';
	if (log_read_memory(&r, data, size, "segment", &err)) {
		if (err.message[0] == '\0')
			abort();
		return;
	}
	uint64_t epoch = log_first_epoch(r) - 1;
	log_tail tail;
	while ((tail = log_next(r, &record)) == LOG_GOES_ON) {
		bool counts = record.kind == LOG_EPOCH || record.kind == LOG_TICKS;
		if (counts && log_record_first(&record) != epoch + 1)
			abort();
		epoch = counts ? record.epoch : epoch;
		log_source(r, record.source);
		take(r, &record);
	}
	if (record.at > log_size(r) || record.epoch != epoch || tail == LOG_GOES_ON)
		abort();
	uint64_t highest = log_highest(r); /* what a repair looks for behind damage */
	if (highest > 0 && log_seek(r, highest) && (log_next(r, &record) != LOG_GOES_ON || log_record_first(&record) > highest))
		abort();
	log_read_close(r);
	if (mmsb_commit(m, NULL, &err))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!m)
		make_instance();
	uint8_t *copy = malloc(size + 1);
	if (!copy)
		return 0;
	read_it(data, size);
	memcpy(copy, data, size);
	uint64_t identity[2];
	checkpoint_identity(m->sch, identity);
	mend_log(copy, size, identity);
	read_it(copy, size);
	free(copy);
	return 0;
}
