/* fuzz_delta.c: any bytes as a text of deltas. A bad line is told with its place; reading goes on behind its epoch and comes to an end. */
#include <stdlib.h>
#include <string.h>

#include "runtime/deltatext.h"
#include "tests/io_instance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char program[] =
	"record Quote { bid : f32; size : u16; at : index(4); ok : bool; }\n"
	"page price : f64[9] in;\n"
	"page m : i32[3, 5] in;\n"
	"page cube : u8[2, 3, 4] in;\n"
	"page at : index(4)[6] in;\n"
	"page quote : Quote[4] in;\n"
	"page rate : f32 in;\n"
	"page flag : bool in;\n"
	"page W : sparse f64[6, 7] in;\n"
	"page E : sparse bool[5, 5] in;\n";

static mmsb_instance *instance(void)
{
	mmsb_schedule *compiled = io_schedule(program);
	mmsb_instance *inst = compiled == NULL ? NULL : io_instance(compiled);
	mmsb_schedule_close(compiled);
	if (inst == NULL)
		abort();
	return inst;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static mmsb_instance *inst;
	if (inst == NULL)
		inst = instance();
	mmsb_error err;
	if (mmsb_bind(inst, &err) != MMSB_OK)
		abort();
	char *text = malloc(size + 1);
	delta_reader *r = NULL;
	if (text == NULL || (memcpy(text, data, size), delta_open_memory(&r, inst, "fuzz", text, size, &err)) != MMSB_OK) {
		free(text);
		return 0;
	}
	delta_event event = DELTA_COMMIT;
	for (size_t epochs = 0; event != DELTA_END; epochs++) {
		if (epochs > size + 1)
			abort();
		int status = delta_next(r, &event, &err);
		if (status == MMSB_OK && mmsb_commit(inst, NULL, &err) != MMSB_OK)
			abort();
		if (status == MMSB_OK)
			continue;
		if (strncmp(err.message, "fuzz:", 5) != 0 || delta_skip(r, &err) != MMSB_OK)
			abort();
		mmsb_discard(inst);
		event = DELTA_COMMIT;
	}
	delta_close(r);
	free(text);
	return 0;
}
