/* processor.c - whether this machine has the extensions that a text of names asks for (native.h). */
#include <stdint.h>
#include <string.h>

#include "native.h"

#ifdef __x86_64__
#include <cpuid.h>

typedef enum { EAX, EBX, ECX, EDX } cpuid_register;
typedef enum { PLAIN, AVX, AVX512 } saved_state;

static const struct extension {
	const char *name;
	uint32_t leaf, subleaf;
	cpuid_register reg;
	uint32_t bit;
	saved_state state;
} extensions[] = {
#define EXTENSION(name, macro, leaf, subleaf, reg, bit, state) {name, leaf, subleaf, reg, bit, state},
#include "processor.def"
#undef EXTENSION
};

/* Registers that the system does not save may not be used, whatever the processor says. */
static bool state_is_saved(saved_state state)
{
	__builtin_cpu_init();
	return state == PLAIN || (state == AVX ? __builtin_cpu_supports("avx") : __builtin_cpu_supports("avx512f"));
}

static bool has(const struct extension *e)
{
	uint32_t r[4] = {0, 0, 0, 0};
	return state_is_saved(e->state) && __get_cpuid_count(e->leaf, e->subleaf, &r[EAX], &r[EBX], &r[ECX], &r[EDX]) && (r[e->reg] >> e->bit & 1);
}

static bool has_named(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
		if (strlen(extensions[i].name) == n && memcmp(extensions[i].name, name, n) == 0)
			return has(&extensions[i]);
	return false;
}
#else
static bool has_named(const char *name, size_t n)
{
	(void)name;
	(void)n;
	return false;
}
#endif

size_t processor_lacks(const char *needs, const char **name)
{
	for (;; needs += strcspn(needs, " ")) {
		needs += strspn(needs, " ");
		size_t n = strcspn(needs, " ");
		*name = needs;
		if (n == 0 || !has_named(needs, n))
			return n;
	}
}
