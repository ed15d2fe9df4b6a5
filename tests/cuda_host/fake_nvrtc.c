/* fake_nvrtc.c - an NVRTC for machines without one, in the library of fake_cuda.c: it has a C++ compiler compile for the host, in the folder at hand, and
 * its PTX is the image that fake_cuda.c loads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile.h"

typedef struct program {
	char *text;
	char image[600];
} program;

#define API __attribute__((visibility("default"))) int

API nvrtcCreateProgram(program **out, const char *text, const char *name, int n, const char *const *headers, const char *const *names);
API nvrtcCreateProgram(program **out, const char *text, const char *name, int n, const char *const *headers, const char *const *names)
{
	(void)name;
	(void)headers;
	(void)names;
	program *p = calloc(1, sizeof *p);
	if (p)
		p->text = strdup(text);
	*out = p;
	return n != 0 || !p || !p->text;
}

/* What moves no bit of the device is asked for. */
API nvrtcCompileProgram(program *p, int n, const char *const *options);
API nvrtcCompileProgram(program *p, int n, const char *const *options)
{
	static const char *const needed[] = {"--fmad=false", "--prec-div=true", "--prec-sqrt=true", "--ftz=false"};
	static unsigned number;
	char folder[400], path[500];
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		bool given = false;
		for (int k = 0; k < n; k++)
			given |= strcmp(options[k], needed[i]) == 0;
		if (!given)
			return 5;
	}
	if (!getcwd(folder, sizeof folder))
		return 1;
	snprintf(path, sizeof path, "%s/fake-%ld-%u.kernels", folder, (long)getpid(), number++);
	snprintf(p->image, sizeof p->image, "MMSB-FAKE\n%s\n", path);
	return !cuda_host_compile(p->text, strlen(p->text), path);
}

API nvrtcGetPTXSize(program *p, size_t *size);
API nvrtcGetPTXSize(program *p, size_t *size)
{
	*size = strlen(p->image) + 1;
	return 0;
}

API nvrtcGetPTX(program *p, char *ptx);
API nvrtcGetPTX(program *p, char *ptx)
{
	memcpy(ptx, p->image, strlen(p->image) + 1);
	return 0;
}

/* A cubin is the same image. */
API nvrtcGetCUBINSize(program *p, size_t *size);
API nvrtcGetCUBINSize(program *p, size_t *size) { return nvrtcGetPTXSize(p, size); }

API nvrtcGetCUBIN(program *p, char *cubin);
API nvrtcGetCUBIN(program *p, char *cubin) { return nvrtcGetPTX(p, cubin); }

API nvrtcGetProgramLogSize(program *p, size_t *size);
API nvrtcGetProgramLogSize(program *p, size_t *size)
{
	(void)p;
	*size = 1;
	return 0;
}

API nvrtcGetProgramLog(program *p, char *log);
API nvrtcGetProgramLog(program *p, char *log)
{
	(void)p;
	log[0] = '\0';
	return 0;
}

API nvrtcDestroyProgram(program **p);
API nvrtcDestroyProgram(program **p)
{
	free((*p)->text);
	free(*p);
	*p = NULL;
	return 0;
}
