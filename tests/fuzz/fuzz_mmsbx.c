/* fuzz_mmsbx.c: any bytes at all, as a .mmsbx file. The checksums would stop nearly everything, so besides the bytes as
 * they are, their sections are given right checksums first: what is tried then is the verifier. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "runtime/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COUNT_AT = 24, HASH_AT = 32 };

static void load(const uint8_t *data, size_t size)
{
	schedule sch;
	if (schedule_read(&sch, data, size, NULL) == MMSB_OK)
		free(sch.memory);
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
