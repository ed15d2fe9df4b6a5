/* inject_io.c: every allocation of every reader fails once. What follows is a message about memory, or a right answer (where
 * the C library can do without); never a crash, and nothing stays allocated. Exits 77 (skipped) under a sanitizer, which has an allocator of its own. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/csv.h"
#include "runtime/deltatext.h"
#include "runtime/mtx.h"
#include "runtime/npy.h"
#include "runtime/runfile.h"
#include "runtime/watch.h"
#include "tests/failing_malloc.h"
#include "tests/io_instance.h"

static mmsb_error err;

static int read_npy(const char *data, size_t n)
{
	file_bytes bytes = {malloc(n + 1), n};
	if (bytes.data == NULL)
		return MMSB_MEMORY;
	memcpy(bytes.data, data, n);
	array a;
	int status = npy_parse(&bytes, "t.npy", &a, &err);
	array_free(&a);
	return status;
}

static int read_text(const char *data, size_t n, int is_csv)
{
	file_bytes bytes = {malloc(n + 1), n - 1};
	if (bytes.data == NULL)
		return MMSB_MEMORY;
	memcpy(bytes.data, data + 1, n - 1);
	bytes.data[n - 1] = '\0';
	unsigned choice = (unsigned char)data[0] % 96;
	mmsb_info info = {.name = "p", .type = (int)(choice % 12), .ndim = choice / 12 % 4, .sparse = choice >= 48};
	info.element = info.type == MMSB_RECORD ? 8 : type_table[info.type].bytes;
	mmsb_field field = {"a", MMSB_F64, 0, 0, 0};
	info.fields = &field;
	info.n_fields = info.type == MMSB_RECORD;
	array_want want = {.page = &info, .path = "t"};
	array a;
	int status = is_csv ? csv_parse(&bytes, &want, &a, &err) : mtx_parse(&bytes, &want, &a, &err);
	array_free(&a);
	file_bytes_free(&bytes);
	return status;
}

static int read_csv(const char *data, size_t n) { return read_text(data, n, 1); }
static int read_mtx(const char *data, size_t n) { return read_text(data, n, 0); }

static int read_yaml(const char *data, size_t n)
{
	run_spec spec = {.program = NULL}, over = {.program = NULL};
	int status = runfile_parse("d/t.yaml", data, n, &spec, &err);
	if (status == MMSB_OK && (!runspec_add(&over.outs, "x", "-", NULL, 0, 0) || !runspec_text(&over.deltas, "-")))
		status = MMSB_MEMORY;
	if (status == MMSB_OK)
		status = runspec_merge(&spec, &over, &err);
	runspec_free(&spec);
	runspec_free(&over);
	return status;
}

static mmsb_schedule *compiled;

static int run_epochs(mmsb_instance *inst, delta_reader *r, watchers *w)
{
	delta_event event = DELTA_COMMIT;
	int status = MMSB_OK;
	while (status == MMSB_OK && event != DELTA_END) {
		status = delta_next(r, &event, &err);
		if (status == MMSB_OK)
			status = mmsb_commit(inst, NULL, &err);
		if (status == MMSB_OK)
			status = watchers_epoch(w, &err);
	}
	return status;
}

static int read_delta(const char *data, size_t n)
{
	mmsb_instance *inst = NULL;
	mmsb_options options = {.size = sizeof options, .threads = 1};
	delta_reader *r = NULL;
	outfile standard = {.fd = -1};
	int status = mmsb_instance_new(&inst, compiled, &options, &err);
	if (status == MMSB_OK)
		status = mmsb_bind(inst, &err);
	watchers *w = status == MMSB_OK ? watchers_new(inst, &standard) : NULL;
	if (status == MMSB_OK && w == NULL)
		status = MMSB_MEMORY;
	for (int id = 0; status == MMSB_OK && id < mmsb_page_count(inst); id++)
		status = watchers_add(w, id, "/dev/null", &err);
	if (status == MMSB_OK)
		status = delta_open_memory(&r, inst, "t", data, n, &err);
	if (status == MMSB_OK)
		status = run_epochs(inst, r, w);
	delta_close(r);
	watchers_free(w);
	mmsb_instance_free(inst);
	return status;
}

/* Fails the first allocation, the second, ..., until a run needs no more. */
static int inject(const char *name, const char *data, size_t n, int (*read_it)(const char *, size_t))
{
	left = 0;
	int wanted = read_it(data, n);
	long before = held;
	for (long k = 1; k < 100000; k++) {
		left = k;
		failed_one = 0;
		int status = read_it(data, n);
		left = 0;
		if (status != wanted && !(failed_one && status == MMSB_MEMORY)) {
			printf("%s: after allocation %ld failed: status %d: %s\n", name, k, status, err.message);
			return 1;
		}
		if (held != before && read_it != read_yaml) { /* libyaml loses a tag when its list of nodes cannot grow */
			printf("%s: after allocation %ld failed: %ld are never freed\n", name, k, held - before);
			return 1;
		}
		if (!failed_one)
			return 0;
	}
	printf("%s: there is no end to its allocations\n", name);
	return 1;
}

static const struct {
	const char *folder;
	int (*read_it)(const char *, size_t);
} readers[] = {{"npy", read_npy}, {"csv", read_csv}, {"mtx", read_mtx}, {"yaml", read_yaml}, {"delta", read_delta}};

static void inject_folder(size_t i, int *passed, int *failed)
{
	const char *source = getenv("MMSB_SRCDIR");
	char folder[2000], path[2400];
	snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", source != NULL ? source : ".", readers[i].folder);
	DIR *files = opendir(folder);
	for (struct dirent *entry; files != NULL && (entry = readdir(files)) != NULL;) {
		file_bytes bytes;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] == '.' || file_read(path, &bytes, &err) != MMSB_OK)
			continue;
		int bad = bytes.size > 0 ? inject(path, bytes.data, bytes.size, readers[i].read_it) : 0;
		*failed += bad;
		*passed += !bad;
		file_bytes_free(&bytes);
	}
	if (files != NULL)
		closedir(files);
}

int main(void)
{
#ifdef HAS_OWN_ALLOCATOR
	return 77;
#endif
	int passed = 0, failed = 0;
	compiled = io_schedule("record Quote { bid : f32; size : u16; at : index(4); ok : bool; }\n"
	                       "page price : f64[9] in;\npage m : i32[3, 5] in;\npage cube : u8[2, 3, 4] in;\npage at : index(4)[6] in;\n"
	                       "page quote : Quote[4] in;\npage rate : f32 in;\npage flag : bool in;\npage W : sparse f64[6, 7] in;\n"
	                       "page E : sparse bool[5, 5] in;\n");
	for (size_t i = 0; compiled != NULL && i < sizeof readers / sizeof readers[0]; i++)
		inject_folder(i, &passed, &failed);
	mmsb_schedule_close(compiled);
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0 || passed < 20;
}
