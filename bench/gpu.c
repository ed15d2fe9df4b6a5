/* gpu.c - whole passes and small epochs on a CUDA device, beside the bandwidth of a copy on the same device in the same run (make gpu-bench).
 *
 *   gpu FOLDER         reads the programs in FOLDER; GPU_N, GPU_SIDE, GPU_SUM, GPU_POSITIONS in the environment: elements
 *
 * Prints JSON: milliseconds are medians of time in kernels, by the device's clock (MMSB_DEVICE_TIMES), but for the epoch, which is from the first delta
 * staged to the results on the host. `bytes` are the fewest that the work must move; `share` is theirs of the copy's bandwidth. Values are compared bit by bit with
 * the portable executor's. Exits with 77 where there is no device. */
#include "program.h"
#include "../compiler/cuda_cc.h"
#include "../gpu/driver.h"
#include "../runtime/device.h"
#include "../runtime/instance.h"

enum { ROUNDS = 9, NO_DEVICE = 77 };

typedef struct row {
	const char *name, *program, *size, *in[4], *out;
	uint64_t n, elements, bytes; /* what the size is; of a page; moved at least */
	double goal;                 /* share of the copy's bandwidth */
} row;

static const cuda_driver *driver;

static void cuda(CUresult result, const char *what)
{
	if (result != CUDA_SUCCESS)
		bench_stop(what);
}

/* Bytes read and written in a second by copies within the device's memory. */
static double copy_bandwidth(uint64_t bytes)
{
	CUdeviceptr a, b;
	CUstream stream;
	CUevent from, to;
	CUcontext context;
	samples ms = {0};
	cuda(driver->context_retain(&context, 0), "no context");
	cuda(driver->context_use(context), "no context");
	cuda(driver->stream_new(&stream, CU_STREAM_NON_BLOCKING), "no stream");
	cuda(driver->event_new(&from, 0), "no event");
	cuda(driver->event_new(&to, 0), "no event");
	cuda(driver->alloc(&a, bytes), "no memory on the device");
	cuda(driver->alloc(&b, bytes), "no memory on the device");
	for (int i = 0; i < ROUNDS + 2; i++) {
		float t = 0;
		cuda(driver->event_record(from, stream), "an event");
		cuda(driver->copy_within(b, a, bytes, stream), "a copy");
		cuda(driver->event_record(to, stream), "an event");
		cuda(driver->stream_wait(stream), "a stream");
		cuda(driver->event_between(&t, from, to), "an event");
		if (i >= 2)
			samples_add(&ms, (double)t);
	}
	driver->release(a);
	driver->release(b);
	driver->event_free(from);
	driver->event_free(to);
	driver->stream_free(stream);
	driver->context_release(0);
	return 2.0 * (double)bytes / (samples_median(&ms) * 1e-3);
}

static mmsb_instance *instance(const char *folder, const row *r, int executor, bool scratch)
{
	char path[1024];
	mmsb_options options = {.size = sizeof options, .threads = 0, .scratch = scratch, .executor = executor};
	mmsb_instance *m;
	mmsb_error err;
	snprintf(path, sizeof path, "%s/%s", folder, r->program);
	mmsb_schedule *program = bench_program_file(path, false);
	if (executor == MMSB_CUDA)
		bench_check(cuda_use(program, &err), &err);
	bench_check(mmsb_instance_new(&m, program, &options, &err), &err);
	mmsb_schedule_close(program);
	bench_param(m, r->size, r->n);
	return m;
}

static void fill(mmsb_instance *m, const row *r)
{
	float *values = bench_alloc(r->elements, sizeof *values);
	for (uint32_t p = 0; p < 4 && r->in[p]; p++) {
		uint64_t state = p + 1;
		for (uint64_t i = 0; i < r->elements; i++)
			values[i] = (float)bench_unit(&state);
		bench_write(m, r->in[p], 0, r->elements, values);
	}
	free(values);
	bench_commit(m);
}

static double kernel_ms(const mmsb_instance *m)
{
	device_figures f;
	m->device_ops->figures(m->device, &f);
	return f.kernel_ms;
}

static void compare(mmsb_instance *a, mmsb_instance *b, const char *name)
{
	mmsb_info info;
	if (mmsb_page_info(a, mmsb_page(a, name), &info))
		bench_stop(name);
	if (memcmp(bench_data(a, name), bench_data(b, name), info.count * info.element) != 0)
		bench_stop("the device has other bits than the portable executor");
}

static void whole(const char *folder, const row *r, double bandwidth)
{
	samples ms = {0};
	mmsb_instance *m = instance(folder, r, MMSB_CUDA, true), *portable = instance(folder, r, MMSB_PORTABLE, true);
	fill(m, r);
	fill(portable, r);
	for (int i = 0; i < ROUNDS; i++) {
		float value = (float)i;
		double before = kernel_ms(m);
		bench_write(m, r->in[0], (size_t)i, 1, &value);
		bench_commit(m);
		samples_add(&ms, kernel_ms(m) - before);
		bench_write(portable, r->in[0], (size_t)i, 1, &value);
	}
	bench_commit(portable);
	compare(m, portable, r->out);
	double t = samples_median(&ms);
	printf("    {\"name\": \"%s\", \"elements\": %llu, \"ms\": %.4f, \"bytes\": %llu, \"gb_s\": %.1f, \"share\": %.3f, \"goal\": %.2f},\n", r->name,
	       (unsigned long long)r->elements, t, (unsigned long long)r->bytes, (double)r->bytes / t * 1e-6, (double)r->bytes / (t * 1e-3) / bandwidth, r->goal);
	mmsb_instance_free(m);
	mmsb_instance_free(portable);
}

/* 1,000 scattered prices of a portfolio, staged to results. */
static void epoch(const char *folder, uint64_t positions)
{
	enum { CHANGES = 1000, INSTRUMENTS = 1 << 20, EPOCHS = 50 };
	const row r = {.program = "gpu_fx.mmsb", .size = "N", .n = positions};
	mmsb_instance *m[2] = {instance(folder, &r, MMSB_CUDA, false), instance(folder, &r, MMSB_PORTABLE, false)};
	float *quantity = bench_alloc(positions, sizeof *quantity);
	uint32_t *of = bench_alloc(positions, sizeof *of);
	float *price = bench_alloc(INSTRUMENTS, sizeof *price);
	uint64_t state = 7;
	samples us = {0};
	for (uint64_t i = 0; i < positions; i++) {
		quantity[i] = (float)(i % 97);
		of[i] = (uint32_t)(bench_random(&state) % INSTRUMENTS);
	}
	for (uint32_t i = 0; i < INSTRUMENTS; i++)
		price[i] = 1.0f + (float)bench_unit(&state);
	for (int k = 0; k < 2; k++) {
		bench_param(m[k], "M", INSTRUMENTS);
		bench_write(m[k], "price", 0, INSTRUMENTS, price);
		bench_write(m[k], "quantity", 0, positions, quantity);
		bench_write(m[k], "instrument", 0, positions, of);
		bench_commit(m[k]);
	}
	for (int e = 0; e < EPOCHS; e++) {
		uint64_t at[CHANGES];
		float value[CHANGES];
		mmsb_error err;
		for (int i = 0; i < CHANGES; i++) {
			at[i] = bench_random(&state) % INSTRUMENTS;
			value[i] = 1.0f + (float)bench_unit(&state);
		}
		for (int k = 0; k < 2; k++) {
			double start = bench_ns();
			bench_check(mmsb_scatter(m[k], mmsb_page(m[k], "price"), CHANGES, at, value, &err), &err);
			bench_commit(m[k]);
			if (k == 0 && e > 4)
				samples_add(&us, (bench_ns() - start) / 1e3);
		}
	}
	compare(m[0], m[1], "value");
	printf("    {\"name\": \"fx, 1000 changes\", \"elements\": %llu, \"us\": %.1f, \"goal_us\": 50}\n", (unsigned long long)positions, samples_median(&us));
	for (int k = 0; k < 2; k++)
		mmsb_instance_free(m[k]);
	free(quantity);
	free(of);
	free(price);
}

int main(int argc, char **argv)
{
	const uint64_t n = bench_env("GPU_N", 1 << 26), side = bench_env("GPU_SIDE", 8192), sum = bench_env("GPU_SUM", 1 << 28);
	const row rows[] = {
		{"expression", "expression.mmsb", "N", {"a", "b", "c"}, "d", n, n, n * 20, 0.9},
		{"heat", "heat.mmsb", "N", {"u"}, "v", side, side * side, side * side * 12, 0.85},
		{"sum", "sum.mmsb", "N", {"a"}, "s", sum, sum, sum * 4, 0.9},
	};
	const char *folder = argc > 1 ? argv[1] : "bench";
	char name[64] = "";
	mmsb_error err;
	time_t now = time(NULL);
	char date[32];
	setenv("MMSB_DEVICE_TIMES", "1", 1);
	setenv("MMSB_DEVICE_LEAST", "0", 1);
	if (driver_open(&driver, &err)) {
		fprintf(stderr, "skipped: %s\n", err.message);
		return NO_DEVICE;
	}
	cuda(driver->device_name(name, (int)sizeof name, 0), "no name");
	double bandwidth = copy_bandwidth(n * 16);
	strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
	printf("{\n  \"device\": \"%s\", \"date\": \"%s\", \"copy_gb_s\": %.1f,\n  \"rows\": [\n", name, date, bandwidth * 1e-9);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		whole(folder, &rows[i], bandwidth);
	epoch(folder, bench_env("GPU_POSITIONS", 10000000));
	printf("  ]\n}\n");
	return 0;
}
