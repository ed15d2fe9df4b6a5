/* cuda_cc.c - has NVRTC, opened when it is asked for, compile what emit_cuda.c writes (cuda_cc.h). */
#define _GNU_SOURCE /* open_memstream */
#include "cuda_cc.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "../gpu/driver.h"
#include "../runtime/device.h"
#include "../runtime/instance.h"

typedef struct nvrtc_program *nvrtc_handle;

/*   F(name, name in the library, parameters) */
#define NVRTC_FUNCTIONS(F)                                                                                                          \
	F(create, "nvrtcCreateProgram",                                                                                             \
	  (nvrtc_handle *out, const char *text, const char *name, int n, const char *const *headers, const char *const *names))     \
	F(compile, "nvrtcCompileProgram", (nvrtc_handle program, int n, const char *const *options))                                \
	F(ptx_size, "nvrtcGetPTXSize", (nvrtc_handle program, size_t *size))                                                        \
	F(ptx, "nvrtcGetPTX", (nvrtc_handle program, char *ptx))                                                                    \
	F(log_size, "nvrtcGetProgramLogSize", (nvrtc_handle program, size_t *size))                                                 \
	F(log, "nvrtcGetProgramLog", (nvrtc_handle program, char *log))                                                             \
	F(destroy, "nvrtcDestroyProgram", (nvrtc_handle *program))

typedef struct nvrtc {
	void *library;
#define F(name, symbol, params) int (*name) params;
	NVRTC_FUNCTIONS(F)
#undef F
} nvrtc;

/* For the bits: nothing may be contracted, and division, square root and denormals are as IEEE 754 has them. */
static const char *const flags[] = {"--gpu-architecture=compute_80", "--fmad=false", "--prec-div=true", "--prec-sqrt=true", "--ftz=false"};
enum { N_FLAGS = sizeof flags / sizeof flags[0] };

static int open_nvrtc(nvrtc *r, mmsb_error *err)
{
	const char *names[] = {getenv("MMSB_LIBNVRTC"), "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"};
	size_t last = names[0] && *names[0] ? 1 : sizeof names / sizeof names[0];
	for (size_t i = last == 1 ? 0 : 1; i < last && !r->library; i++)
		r->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!r->library)
		return fail(err, MMSB_DEVICE, "there is no NVRTC to compile device code: %s", dlerror());
#define F(name, symbol, params)                                                                            \
	{                                                                                                  \
		void *at = dlsym(r->library, symbol);                                                      \
		if (!at)                                                                                   \
			return fail(err, MMSB_DEVICE, "the NVRTC that was found has no %s", symbol);       \
		memcpy(&r->name, &at, sizeof at);                                                          \
	}
	NVRTC_FUNCTIONS(F)
#undef F
	return MMSB_OK;
}

/* What NVRTC says of a text that it does not take. */
static int tell_log(const nvrtc *r, nvrtc_handle program, mmsb_error *err)
{
	size_t n = 0;
	char *text = r->log_size(program, &n) == 0 ? calloc(n + 1, 1) : NULL;
	if (text && r->log(program, text) != 0)
		text[0] = 0;
	int status = fail(err, MMSB_IO, "NVRTC does not compile the device code: %.800s", text ? text : "");
	free(text);
	return status;
}

static int take_ptx(const nvrtc *r, nvrtc_handle program, mmsb_schedule *s, mmsb_error *err)
{
	size_t n = 0;
	if (r->ptx_size(program, &n) != 0)
		return tell_log(r, program, err);
	char *ptx = malloc(n + 1);
	if (!ptx)
		return fail_memory(err, n, "device code");
	int status = r->ptx(program, ptx) == 0 ? device_attach(s, ptx, n, err) : tell_log(r, program, err);
	free(ptx);
	return status;
}

static int compile_text(const nvrtc *r, const char *text, mmsb_schedule *s, mmsb_error *err)
{
	nvrtc_handle program = NULL;
	if (r->create(&program, text, "program.cu", 0, NULL, NULL) != 0)
		return fail(err, MMSB_IO, "NVRTC takes no program");
	int status = r->compile(program, N_FLAGS, flags) == 0 ? take_ptx(r, program, s, err) : tell_log(r, program, err);
	r->destroy(&program);
	return status;
}

int cuda_use(mmsb_schedule *s, mmsb_error *err)
{
	nvrtc r = {.library = NULL};
	char *text = NULL;
	size_t n = 0;
	const cuda_driver *driver; /* without one, code is of no use */
	int status = driver_open(&driver, err);
	if (!status)
		status = open_nvrtc(&r, err);
	FILE *out = status ? NULL : open_memstream(&text, &n);
	if (!status && (!out || !emit_cuda(&s->tables, out)))
		status = fail_memory(err, n, "the text of device code");
	if (out && fclose(out) != 0 && !status)
		status = fail_memory(err, n, "the text of device code");
	if (!status)
		status = compile_text(&r, text, s, err);
	free(text);
	if (r.library)
		dlclose(r.library);
	return status;
}
