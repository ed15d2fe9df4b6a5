/* fuzz_events.c: any bytes as a stream of events, as they are and with right checksums, read as deltas of a graph. A stream is refused with a
 * message that names it; or its epochs are staged and committed, and an epoch of which a delta is bad is passed over. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/deltatext.h"
#include "tests/io_instance.h"

#include "runtime/eventfile.h"
#include "mend_log.h" /* after the compiler's headers, whose parameters have names that are types here */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Sources of the streams in the corpus, one of them with another shape, one that is no source here. */
static const char program[] =
	"record Quote { bid : f32; at : index(4); ok : bool; }\n"
	"page x : f64[9, 3] in;\n"
	"page at : index(9)[6] in;\n"
	"page flag : bool[200] in;\n"
	"page quote : Quote[5] in;\n"
	"page W : sparse f64[6, 9] in;\n"
	"page E : sparse bool[6, 6] in;\n"
	"page row : f64[6] out;\n"
	"edge row[i] <- (sum[j] W[i, j]) + clamp(x)[at[i], 1];\n";

enum { MOST_EPOCHS = 400 }; /* a record of ticks may ask for any number of them */

static mmsb_instance *instance(void)
{
	mmsb_schedule *compiled = io_schedule(program);
	mmsb_instance *inst = compiled == NULL ? NULL : io_instance(compiled);
	mmsb_schedule_close(compiled);
	if (inst == NULL)
		abort();
	return inst;
}

static void read_it(mmsb_instance *inst, const uint8_t *data, size_t size)
{
	mmsb_error err;
	delta_reader *r;
	if (delta_open_memory(&r, inst, "stream", (const char *)data, size, &err) != MMSB_OK)
		return;
	delta_event event = DELTA_COMMIT;
	for (int epochs = 0; event != DELTA_END && epochs < MOST_EPOCHS; epochs++) {
		err.message[0] = '\0';
		int status = delta_next(r, &event, &err);
		if (status == MMSB_OK && mmsb_commit(inst, NULL, &err) != MMSB_OK)
			abort();
		if (status == MMSB_OK)
			continue;
		mmsb_discard(inst);
		if (strncmp(err.message, "stream:", 7) != 0)
			abort();
		if (status == MMSB_FORMAT || delta_skip(r, &err) != MMSB_OK)
			break;
		event = DELTA_COMMIT;
	}
	delta_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static mmsb_instance *inst;
	mmsb_error err;
	if (inst == NULL)
		inst = instance();
	if (mmsb_bind(inst, &err) != MMSB_OK)
		abort();
	uint8_t *copy = malloc(size + 1);
	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	if (eventreader_knows(copy, size))
		read_it(inst, copy, size);
	mend_log(copy, size, NULL);
	if (eventreader_knows(copy, size))
		read_it(inst, copy, size);
	free(copy);
	return 0;
}
