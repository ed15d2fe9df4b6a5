/* trial_kernels.c - the device code of many random programs as one text, which a C++ compiler makes a shared object for fake_cuda.c of. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/compile.h"
#include "../runtime/device.h"
#include "../runtime/instance.h"
#include "cuda_host/compile.h"
#include "trial.h"

static bool write_program(const settings *set, uint64_t seed, FILE *out)
{
	trial t = {.set = set, .seed = seed};
	char prefix[32];
	snprintf(prefix, sizeof prefix, "s%" PRIu64 "_", seed);
	bool done = trial_program(&t) && emit_cuda_kernels(&t.schedule->tables, prefix, out);
	if (!done)
		fprintf(stderr, "seed %" PRIu64 ": no device code: %s\n", seed, t.why);
	trial_end(&t);
	return done;
}

bool trial_kernels(const settings *set, const char *path)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	bool done = out != NULL;
	if (done)
		emit_cuda_operators(out);
	for (uint32_t i = 0; i < set->programs && done; i++)
		done = write_program(set, set->seed + i, out);
	done = (!out || fclose(out) == 0) && done && cuda_host_compile(text, n, path);
	free(text);
	return done;
}

uint64_t trial_launches(const trial *t)
{
	uint64_t n = 0;
	for (int k = 0; k < RUNS; k++) {
		device_figures f;
		if (!t->runs[k] || !t->runs[k]->device)
			continue;
		t->runs[k]->device_ops->figures(t->runs[k]->device, &f);
		n += f.launches;
	}
	return n;
}
