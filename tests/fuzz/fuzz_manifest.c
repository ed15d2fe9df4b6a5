/* fuzz_manifest.c: any bytes as a manifest, as they are and with a right checksum. A text is refused with a message; or it is taken, and all in it
 * ascends as it should. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "state/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const manifest *m)
{
	char name[STATE_NAME];
	for (size_t i = 0; i < m->n_checkpoints; i++) {
		const manifest_checkpoint *c = &m->checkpoints[i];
		manifest_checkpoint_name(c->epoch, name);
		if (!manifest_names(m, name) || (i > 0 && c->epoch <= m->checkpoints[i - 1].epoch))
			abort();
		for (size_t k = 0; k < c->n_bases; k++)
			if (c->bases[k] >= c->epoch || (k > 0 && c->bases[k] <= c->bases[k - 1]))
				abort();
	}
	for (size_t i = 0; i < m->n_segments; i++)
		if ((m->segments[i].last == 0) != (i + 1 == m->n_segments) || (i > 0 && m->segments[i].first != m->segments[i - 1].last + 1))
			abort();
	if (m->n_segments == 0)
		abort();
}

static void read_it(const uint8_t *data, size_t size)
{
	manifest m;
	mmsb_error err = {.message = ""};
	int status = manifest_parse(&m, "MANIFEST", data, size, &err);
	if (status == MMSB_OK)
		look(&m);
	else if (err.message[0] == '\0')
		abort();
	if (status == MMSB_OK)
		manifest_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { TAIL = 23 }; /* "check ", 16 digits and a newline */
	char *copy = malloc(size + TAIL + 1);
	if (!copy)
		return 0;
	read_it(data, size);
	size_t n = size > TAIL && memcmp(data + size - TAIL, "check ", 6) == 0 ? size - TAIL : size;
	if (n)
		memcpy(copy, data, n);
	snprintf(copy + n, TAIL + 1, "check %016llx\n", (unsigned long long)XXH3_64bits(copy, n));
	read_it((const uint8_t *)copy, n + TAIL);
	free(copy);
	return 0;
}
