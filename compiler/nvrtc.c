/* nvrtc.c - has NVRTC, opened when it is asked for, compile what emit_cuda.c writes (nvrtc.h). */
#include "nvrtc.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime/instance.h"

typedef struct nvrtc_program *nvrtc_handle;

/*   F(name, name in the library, parameters) */
#define NVRTC_FUNCTIONS(F)                                                                                                          \
	F(create, "nvrtcCreateProgram",                                                                                             \
	  (nvrtc_handle *out, const char *text, const char *name, int n, const char *const *headers, const char *const *names))     \
	F(compile, "nvrtcCompileProgram", (nvrtc_handle program, int n, const char *const *options))                                \
	F(ptx_size, "nvrtcGetPTXSize", (nvrtc_handle program, size_t *size))                                                        \
	F(ptx, "nvrtcGetPTX", (nvrtc_handle program, char *ptx))                                                                    \
	F(cubin_size, "nvrtcGetCUBINSize", (nvrtc_handle program, size_t *size))                                                    \
	F(cubin, "nvrtcGetCUBIN", (nvrtc_handle program, char *cubin))                                                              \
	F(log_size, "nvrtcGetProgramLogSize", (nvrtc_handle program, size_t *size))                                                 \
	F(log, "nvrtcGetProgramLog", (nvrtc_handle program, char *log))                                                             \
	F(destroy, "nvrtcDestroyProgram", (nvrtc_handle *program))

typedef struct nvrtc {
	void *library;
#define F(name, symbol, params) int (*name) params;
	NVRTC_FUNCTIONS(F)
#undef F
} nvrtc;

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

/* PTX is counted with its NUL, by NVRTC too. */
static int take(const nvrtc *r, nvrtc_handle program, const char *arch, code_object *out, mmsb_error *err)
{
	bool ptx = strncmp(arch, "compute_", 8) == 0;
	size_t n = 0;
	if ((ptx ? r->ptx_size : r->cubin_size)(program, &n) != 0 || n == 0)
		return tell_log(r, program, err);
	char *bytes = malloc(n);
	if (!bytes)
		return fail_memory(err, n, "device code");
	if ((ptx ? r->ptx : r->cubin)(program, bytes) != 0) {
		free(bytes);
		return tell_log(r, program, err);
	}
	snprintf(out->level, sizeof out->level, "%s", arch);
	out->bytes = (const uint8_t *)bytes;
	out->n = n;
	return MMSB_OK;
}

int nvrtc_compile(const char *text, const char *arch, const char *const *options, int n_options, code_object *out, mmsb_error *err)
{
	enum { MOST = 16 };
	const char *all[MOST];
	char option[48];
	nvrtc r = {.library = NULL};
	nvrtc_handle program = NULL;
	int status = open_nvrtc(&r, err), n = 0;
	snprintf(option, sizeof option, "--gpu-architecture=%s", arch);
	all[n++] = option;
	for (int i = 0; i < n_options && n < MOST; i++)
		all[n++] = options[i];
	if (!status && r.create(&program, text, "program.cu", 0, NULL, NULL) != 0)
		status = fail(err, MMSB_IO, "NVRTC takes no program");
	if (!status) {
		status = r.compile(program, n, all) == 0 ? take(&r, program, arch, out, err) : tell_log(&r, program, err);
		r.destroy(&program);
	}
	if (r.library)
		dlclose(r.library);
	return status;
}
