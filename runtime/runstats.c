/* What `--stats` prints. */
#include <stdio.h>

#include "device.h"
#include "instance.h"
#include "commands.h"
#include "native.h"

static void print_seconds(const char *what, double seconds)
{
	fprintf(stderr, "  %-10s %10.3f ms\n", what, seconds * 1e3);
}

/* What of the program is compiled code. */
static void print_native(const mmsb_instance *inst, const mmsb_stats *s)
{
	uint32_t passes = 0;
	for (uint32_t i = 0; i < inst->sch->n_passes; i++)
		passes += native_functions(inst, i) > 0;
	if (s->portable_because[0] == '\0')
		fprintf(stderr, "native: %u functions, in %u of %u passes\n", s->native_functions, passes, inst->sch->n_passes);
	else if (inst->sch->native && inst->options.executor != MMSB_PORTABLE)
		fprintf(stderr, "native: not used: %s\n", s->portable_because);
}

static void print_device(const mmsb_instance *inst)
{
	device_figures f;
	if (!inst->device)
		return;
	inst->device_ops->figures(inst->device, &f);
	fprintf(stderr, "cuda: %s: kernels for %u of %u passes, %llu launches, %llu bytes up, %llu down\n", f.name, f.kernels, inst->sch->n_passes,
	        (unsigned long long)f.launches, (unsigned long long)f.bytes_up, (unsigned long long)f.bytes_down);
	if (f.kernel_ms > 0)
		fprintf(stderr, "cuda: %.3f ms in kernels\n", f.kernel_ms);
}

void print_stats(mmsb_instance *inst, const run_times *times)
{
	mmsb_stats s = {0};
	mmsb_stats_get(inst, &s);
	fprintf(stderr, "epochs: %llu, failed: %llu, deltas: %llu\n", (unsigned long long)s.epochs, (unsigned long long)s.failed,
	        (unsigned long long)s.staged);
	fputs("time:\n", stderr);
	print_seconds("load", times->load);
	print_seconds("inputs", times->inputs);
	print_seconds("deltas", times->deltas);
	print_seconds("apply", (double)s.ns_apply * 1e-9);
	print_seconds("passes", (double)s.ns_passes * 1e-9);
	print_seconds("publish", (double)s.ns_publish * 1e-9);
	print_seconds("outputs", times->outputs);
	print_seconds("total", times->total);
	if (s.n_passes > 0)
		fprintf(stderr, "%-24s %10s %14s %14s %10s %10s %10s %10s %12s %12s\n", "pass", "epochs", "evaluated", "changed", "dense",
		        "masked", "single", "rounds", "operands", "ms");
	for (unsigned i = 0; i < s.n_passes; i++) {
		const mmsb_pass_stats *p = &s.passes[i];
		fprintf(stderr, "%-24s %10llu %14llu %14llu %10llu %10llu %10llu %10llu %12llu %12.3f\n", p->name, (unsigned long long)p->epochs,
		        (unsigned long long)p->evaluated, (unsigned long long)p->changed, (unsigned long long)p->dense,
		        (unsigned long long)p->masked, (unsigned long long)p->single, (unsigned long long)p->rounds,
		        (unsigned long long)p->operands, (double)p->ns * 1e-6);
	}
	print_native(inst, &s);
	print_device(inst);
}
