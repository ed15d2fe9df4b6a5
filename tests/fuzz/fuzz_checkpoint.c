/* fuzz_checkpoint.c: any bytes as a checkpoint, as they are and with right checksums. A file is refused with a message, and the instance is as
 * it was; or it is taken, and epochs can go on from it, whatever it holds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "tests/io_instance.h"

#include "state/checkpoint.h" /* after the compiler's headers, whose parameters have names that are types here */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char program[] =
	"record Quote { bid : f32; at : index(4); ok : bool; }\n"
	"page x : f64[9] in;\n"
	"page at : index(9)[6] in;\n"
	"page quote : Quote[5] in;\n"
	"page W : sparse f64[6, 9] in;\n"
	"page E : sparse bool[6, 6] in;\n"
	"page n : i64 out;\n"
	"page picked : f64[6] out;\n"
	"page row : f64[6] out;\n"
	"page best : f32[4] out;\n"
	"page arcs : i64[6] out;\n"
	"page lag : f64[9] out;\n"
	"page slow : f64[9] out;\n"
	"edge n <- prev n + 1;\n"
	"edge picked[i] <- x[at[i]];\n"
	"edge row[i] <- sum[j] W[i, j] * x[j];\n"
	"edge best[k] <- max[i where quote[i].at == k] (if quote[i].ok then quote[i].bid else f32(0));\n"
	"edge arcs[i] <- count[j] E[i, j];\n"
	"edge lag[i] <- prev lag[i] + x[i] - prev x[i];\n"
	"edge slow[i] <- fix(tol = 0.001, max = 2) (slow[i] + x[i]) / 2;\n";

static char path[] = "/tmp/mmsb-checkpoint-XXXXXX";

static void remove_file(void) { unlink(path); }

static mmsb_instance *fresh(void)
{
	static mmsb_schedule *compiled;
	if (!compiled && (!(compiled = io_schedule(program)) || mkstemp(path) < 0 || atexit(remove_file)))
		abort();
	mmsb_instance *m = io_instance(compiled);
	if (!m)
		abort();
	return m;
}

static void write_file(const uint8_t *data, size_t size)
{
	FILE *out = fopen(path, "wb");
	if (!out || fwrite(data, 1, size, out) != size || fclose(out))
		abort();
}

/* Changes of every source, commits, and what can be seen. */
static void go_on(mmsb_instance *m)
{
	mmsb_error err;
	char hex[33];
	for (uint64_t e = 0; e < 4; e++) {
		double v = (double)e + 0.5;
		uint64_t at = e, row = e, col = 2 * e % 6;
		uint32_t to = (uint32_t)(e + 3);
		if (mmsb_write(m, mmsb_page(m, "x"), e, 1, &v, &err) || mmsb_scatter(m, mmsb_page(m, "at"), 1, &at, &to, &err) ||
		    mmsb_insert(m, mmsb_page(m, "W"), 1, &row, &col, &v, &err) || mmsb_erase(m, mmsb_page(m, "E"), 1, &col, &row, &err) ||
		    mmsb_insert(m, mmsb_page(m, "E"), 1, &row, &col, NULL, &err) || mmsb_commit(m, NULL, &err) || mmsb_digest(m, hex, &err))
			abort();
	}
}

static void read_it(const uint8_t *data, size_t size)
{
	mmsb_error err;
	char before[33], after[33];
	mmsb_instance *m = fresh();
	write_file(data, size);
	if (mmsb_digest(m, before, &err))
		abort();
	int status = checkpoint_read(m, &vfs_machine, path, NULL, NULL, &err);
	if (status == MMSB_OK)
		go_on(m);
	else if (err.message[0] == '\0' || (status != MMSB_MEMORY && (mmsb_digest(m, after, &err) || strcmp(before, after) != 0)))
		abort();
	mmsb_instance_free(m);
}

/* Right checksums, so that what stands behind them is looked at. */
static void mend(uint8_t *data, size_t size)
{
	checkpoint_header h;
	if (size < sizeof h)
		return;
	memcpy(&h, data, sizeof h);
	size_t table = sizeof h + (size_t)h.n_params * 8, end = table + (size_t)h.n_parts * sizeof(checkpoint_part);
	if (end > size)
		return;
	for (size_t at = table; at < end; at += sizeof(checkpoint_part)) {
		checkpoint_part p;
		memcpy(&p, data + at, sizeof p);
		if (p.offset <= size && p.bytes <= size - p.offset)
			p.check = XXH3_64bits(data + p.offset, (size_t)p.bytes);
		memcpy(data + at, &p, sizeof p);
	}
	h.check = 0;
	memcpy(data, &h, sizeof h);
	h.check = XXH3_64bits(data, end);
	memcpy(data, &h, sizeof h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	if (!copy)
		return 0;
	read_it(data, size);
	memcpy(copy, data, size);
	mend(copy, size);
	read_it(copy, size);
	free(copy);
	return 0;
}
