/* cuda_cc.c - has nvcc or NVRTC compile what emit_cuda.c writes (cuda_cc.h). */
#define _GNU_SOURCE /* open_memstream */
#include "cuda_cc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "../gpu/driver.h"
#include "../gpu/launch.h"
#include "../runtime/device.h"
#include "../runtime/instance.h"
#include "nvrtc.h"
#include "toolchain.h"

/* For the bits: nothing may be contracted, and division, square root and denormals are as IEEE 754 has them. */
#define FLAGS(F) F("--fmad=false") F("--prec-div=true") F("--prec-sqrt=true") F("--ftz=false")
#define LISTED(flag) flag,
#define JOINED(flag) " " flag
static const char *const flags[] = {FLAGS(LISTED)};
enum { N_FLAGS = sizeof flags / sizeof flags[0], MOST_ARCHS = 16 };

static int emit_text(const schedule *s, char **text, size_t *n, mmsb_error *err)
{
	FILE *out = open_memstream(text, n);
	bool ok = out && emit_cuda(s, out);
	if (out)
		ok &= fclose(out) == 0;
	return ok ? MMSB_OK : fail_memory(err, *n, "the text of device code");
}

/* ---- architectures ----------------------------------------------------------------------------- */

typedef char arch_name[MMSBX_LEVEL];

/* "sm_90a" is 90; 0: it is no such name. */
static int arch_number(const char *name, size_t n)
{
	if (n < 5 || n > 8 || strncmp(name, "sm_", 3) != 0 || !isdigit((unsigned char)name[3]) || !isdigit((unsigned char)name[4]))
		return 0;
	size_t digits = 3;
	while (digits < n && isdigit((unsigned char)name[digits]))
		digits++;
	return digits == n || (digits + 1 == n && islower((unsigned char)name[digits])) ? atoi(name + 3) : 0;
}

/* The names of a list, and behind them that of PTX for the least. 0: it is no such list. */
static uint32_t split_archs(const char *archs, arch_name names[MOST_ARCHS + 1])
{
	uint32_t n = 0;
	int least = 0;
	for (const char *at = archs;; at++) {
		size_t length = strcspn(at, ",");
		int number = arch_number(at, length);
		if (!number || n == MOST_ARCHS)
			return 0;
		snprintf(names[n++], sizeof names[0], "%.*s", (int)length, at);
		least = least && least < number ? least : number;
		at += length;
		if (!*at)
			break;
	}
	snprintf(names[n++], sizeof names[0], "compute_%d", least);
	return n;
}

bool cuda_archs_are_names(const char *archs)
{
	arch_name names[MOST_ARCHS + 1];
	return split_archs(archs, names) > 0;
}

/* ---- compilers --------------------------------------------------------------------------------- */

static void free_objects(code_object *objects, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free((void *)(uintptr_t)objects[i].bytes);
}

/* nvcc writes PTX without a NUL; tool_read has put one behind it. */
static int by_nvcc(const char *command, const char *text, size_t n, arch_name *archs, uint32_t n_archs, code_object *objects, mmsb_error *err)
{
	bool own;
	char *folder = tool_folder(&own);
	tool nvcc = {.what = "CUDA compiler", .variable = "MMSB_NVCC", .command = command, .before = "-x cu", .after = ""};
	tool_job jobs[MOST_ARCHS + 1] = {{.text = NULL}};
	uint32_t made = 0;
	int status = folder ? tool_ask_version(&nvcc, err) : tool_no_folder(err);
	for (uint32_t i = 0; i < n_archs && !status; i++) {
		bool ptx = archs[i][0] == 'c';
		jobs[i] = (tool_job){.by = &nvcc, .folder = folder, .text = text, .n = n};
		memcpy(jobs[i].level, archs[i], sizeof archs[i]);
		snprintf(jobs[i].flags, sizeof jobs[i].flags, "%s --gpu-architecture=%s" FLAGS(JOINED), ptx ? "--ptx" : "--cubin", archs[i]);
	}
	if (!status)
		tool_run_all(jobs, n_archs);
	for (uint32_t i = 0; i < n_archs && !status; i++) {
		if (jobs[i].status)
			status = fail(err, jobs[i].status, "%s", jobs[i].err.message);
		else if ((status = tool_read(&jobs[i], "", &objects[i], err)) == MMSB_OK)
			objects[made++].n += archs[i][0] == 'c';
	}
	if (status)
		free_objects(objects, made);
	tool_done(jobs, n_archs, folder, own);
	return status;
}

static int by_nvrtc(const char *text, arch_name *archs, uint32_t n_archs, code_object *objects, mmsb_error *err)
{
	for (uint32_t i = 0; i < n_archs; i++) {
		int status = nvrtc_compile(text, archs[i], flags, N_FLAGS, &objects[i], err);
		if (status) {
			free_objects(objects, i);
			return status;
		}
	}
	return MMSB_OK;
}

static int compile_all(const schedule *s, arch_name *archs, uint32_t n_archs, code_object *objects, mmsb_error *err)
{
	const char *given = getenv("MMSB_NVCC");
	char *text = NULL;
	size_t n = 0;
	int status = emit_text(s, &text, &n, err);
	if (!status)
		status = given && !*given ? TOOL_MISSING : by_nvcc(given ? given : "nvcc", text, n, archs, n_archs, objects, err);
	if (status == TOOL_MISSING)
		status = given && *given ? MMSB_DEVICE : by_nvrtc(text, archs, n_archs, objects, err);
	free(text);
	return status;
}

int cuda_use(mmsb_schedule *s, mmsb_error *err)
{
	static arch_name ptx[] = {"compute_80"};
	code_object object;
	const cuda_driver *driver; /* without one, code is of no use */
	int status = driver_open(&driver, err);
	if (!status)
		status = compile_all(&s->tables, ptx, 1, &object, err);
	if (status)
		return status;
	status = device_attach(s, object.bytes, object.n, err);
	free_objects(&object, 1);
	return status;
}

int cuda_build(const schedule *s, const char *archs, uint8_t **section, size_t *n, mmsb_error *err)
{
	arch_name names[MOST_ARCHS + 1];
	code_object objects[MOST_ARCHS + 1];
	uint32_t n_names = split_archs(archs, names);
	if (!n_names)
		return fail(err, MMSB_USAGE, "'%s' is no list of CUDA architectures: sm_80,sm_90 is one", archs);
	int status = compile_all(s, names, n_names, objects, err);
	if (status)
		return status;
	status = code_section_write(MMSB_CUDA_ABI, objects, n_names, section, n, err);
	free_objects(objects, n_names);
	return status;
}
