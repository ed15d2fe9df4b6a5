/* replay.c: the main of a fuzz target where there is no libFuzzer: every file of the corpus, each of its
 * beginnings up to a few hundred, and some thousand copies with bytes changed, from a printed seed. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LARGEST = 1 << 20, BEGINNINGS = 256, CHANGED_COPIES = 400 };

static uint64_t state;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void replay(const uint8_t *bytes, size_t size)
{
	LLVMFuzzerTestOneInput(bytes, size);
	uint8_t *copy = malloc(size + 1);
	if (!copy)
		return;
	size_t step = size / BEGINNINGS + 1;
	for (size_t part = 0; part < size; part += step) {
		memcpy(copy, bytes, part);
		LLVMFuzzerTestOneInput(copy, part);
	}
	for (int i = 0; size > 0 && i < CHANGED_COPIES; i++) {
		memcpy(copy, bytes, size);
		for (uint64_t changes = draw() % 4 + 1; changes-- > 0;)
			copy[draw() % size] = draw() % 2 ? (uint8_t)draw() : bytes[draw() % size];
		LLVMFuzzerTestOneInput(copy, size);
	}
	free(copy);
}

static size_t replay_file(const char *folder, const char *name, uint8_t *bytes)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *in = fopen(path, "rb");
	if (!in)
		return 0;
	size_t size = fread(bytes, 1, LARGEST, in);
	fclose(in);
	replay(bytes, size);
	return 1;
}

int main(int argc, char **argv)
{
	const char *source = getenv("MMSB_SRCDIR"), *seed = getenv("MMSB_SEED");
	const char *name = strrchr(argv[0], '/');
	name = name ? name + 1 : argv[0];
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	char folder[3072];
	snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", source ? source : ".", name);
	state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	printf("MMSB_SEED=%llu\n", (unsigned long long)state);
	state = state * 2862933555777941757U + 3037000493U;
	fflush(stdout);
	uint8_t *bytes = malloc(LARGEST);
	size_t count = 0;
	if (argc > 1) {
		for (int i = 1; bytes && i < argc; i++)
			count += replay_file(".", argv[i], bytes);
	} else {
		DIR *files = opendir(folder);
		for (struct dirent *entry; bytes && files && (entry = readdir(files));)
			if (entry->d_name[0] != '.')
				count += replay_file(folder, entry->d_name, bytes);
		if (files)
			closedir(files);
	}
	free(bytes);
	if (count == 0)
		printf("no corpus in %s\n", folder);
	printf("%zu passed, %d failed\n", count, count == 0);
	return count == 0;
}
