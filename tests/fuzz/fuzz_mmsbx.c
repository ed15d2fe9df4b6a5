/* fuzz_mmsbx.c: any bytes at all, as a .mmsbx file. The checksums would stop nearly everything, so besides the bytes as
 * they are, their sections are given right checksums first: what is tried then is the verifier. What it accepts is run: for any
 * accepted file an executor may not touch what is not its own. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "runtime/container.h"
#include "runtime/instance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COUNT_AT = 24, HASH_AT = 32 };

enum { LARGEST = 40, MOST_WORK = 20000 };

enum { FIRST = 5, SECOND = 3 }; /* what size params get by turns */

/* Sizes that keep a run short, before any memory is taken for them. */
static bool sizes_are_small(const schedule *s)
{
	int64_t value[256];
	if (s->n_sizes > 256)
		return false;
	for (uint32_t i = 0; i < s->n_sizes; i++) {
		const sch_size *z = &s->sizes[i];
		switch (z->kind) {
		case SIZE_CONST: value[i] = z->value; break;
		case SIZE_PARAM: value[i] = z->a % 2 ? SECOND : FIRST; break;
		case SIZE_ADD: value[i] = value[z->a] + value[z->b]; break;
		case SIZE_SUB: value[i] = value[z->a] - value[z->b]; break;
		default: value[i] = value[z->a] * value[z->b]; break;
		}
		if (value[i] > LARGEST || value[i] < -LARGEST)
			return false;
	}
	return true;
}

/* A file may ask for any work; fixpoints, whose rounds it sets, and deep reductions stay out. */
static bool is_small(const mmsb_instance *m)
{
	double work = 0;
	for (uint32_t i = 0; i < m->sch->n_passes; i++)
		if (m->sch->passes[i].kind != PASS_MAP)
			return false;
	for (uint32_t i = 0; i < m->sch->n_pages; i++)
		work += (double)m->pages[i].count;
	for (uint32_t i = 0; i < m->sch->n_kernels; i++)
		if (m->sch->kernels[i].n_regions > 4)
			return false;
	return work <= MOST_WORK;
}

/* Fills the sources with bytes of the file, makes some entries, commits twice. */
static void run(mmsb_instance *m, const uint8_t *data, size_t size)
{
	for (int p = 0; p < mmsb_page_count(m); p++) {
		mmsb_info info;
		uint64_t at[2] = {0, 1};
		mmsb_page_info(m, p, &info);
		if (info.role != MMSB_IN)
			continue;
		if (info.sparse && info.element <= 8 && size >= 16)
			mmsb_insert(m, p, 2, at, at, data, NULL);
		else if (!info.sparse && info.count * info.element <= size)
			mmsb_write(m, p, 0, info.count, data, NULL);
	}
	mmsb_commit(m, NULL, NULL);
	mmsb_commit(m, NULL, NULL);
	char hex[33];
	mmsb_digest(m, hex, NULL);
}

static void load(const uint8_t *data, size_t size)
{
	mmsb_schedule *s;
	mmsb_instance *m;
	mmsb_options options = {.size = sizeof options, .threads = 1, .scratch = 1, .executor = MMSB_PORTABLE};
	if (mmsb_schedule_load(&s, data, size, NULL) != MMSB_OK)
		return;
	if (sizes_are_small(&s->tables) && mmsb_instance_new(&m, s, &options, NULL) == MMSB_OK) {
		for (uint32_t i = 0; i < s->tables.n_params; i++)
			mmsb_set_param(m, sch_text(&s->tables, s->tables.params[i].name), i % 2 ? SECOND : FIRST, NULL);
		if (mmsb_bind(m, NULL) == MMSB_OK && is_small(m))
			run(m, data, size);
		mmsb_instance_free(m);
	}
	mmsb_schedule_close(s);
}

static void mend(uint8_t *bytes, size_t size)
{
	uint32_t count;
	memcpy(&count, bytes + COUNT_AT, sizeof count);
	if (count > (size - MMSBX_HEADER) / MMSBX_ENTRY)
		return;
	size_t table_end = MMSBX_HEADER + (size_t)count * MMSBX_ENTRY;
	for (size_t at = MMSBX_HEADER; at < table_end; at += MMSBX_ENTRY) {
		uint64_t offset, length;
		memcpy(&offset, bytes + at + 8, sizeof offset);
		memcpy(&length, bytes + at + 16, sizeof length);
		if (offset > size || length > size - offset)
			continue;
		uint64_t hash = XXH3_64bits(bytes + offset, length);
		memcpy(bytes + at + 24, &hash, sizeof hash);
	}
	memset(bytes + HASH_AT, 0, 16);
	XXH128_hash_t hash = XXH3_128bits(bytes, table_end);
	memcpy(bytes + HASH_AT, &hash.low64, 8);
	memcpy(bytes + HASH_AT + 8, &hash.high64, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	load(data, size);
	if (size < MMSBX_HEADER)
		return 0;
	uint8_t *copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	mend(copy, size);
	load(copy, size);
	free(copy);
	return 0;
}
