/* digest.c - the digest of a state: XXH3-128 over the canonical bytes of source, out and state pages.
 *
 * Canonical bytes of a dense page: its elements, little-endian, row-major; of records field by field as packed, what lies between
 * fields zero. Of a sparse page: for each entry, sorted by row, then column: row u64, column u64, value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "instance.h"

static int add_sparse(XXH3_state_t *x, const page *p)
{
	uint8_t entry[16 + 8];
	int bad = 0;
	PATTERN_FOR(p->pat, slot) {
		uint64_t at[2] = {p->pat->row[slot], p->pat->col[slot]};
		memcpy(entry, at, 16);
		if (p->element)
			memcpy(entry + 16, p->cur + slot * p->element, p->element);
		bad |= XXH3_128bits_update(x, entry, 16 + p->element) != XXH_OK;
	}
	return bad;
}

static int add_page(mmsb_instance *m, XXH3_state_t *x, page *p, mmsb_error *err)
{
	const sch_page *d = p->def;
	bool counts = d->role == PAGE_ROLE_IN || d->role == PAGE_ROLE_OUT || (d->flags & PAGEF_STATE);
	if (!counts || !(d->flags & PAGEF_STORED))
		return MMSB_OK;
	int status = lazy_settle(m, p, err);
	if (status)
		return status;
	if (d->flags & PAGEF_SPARSE)
		return add_sparse(x, p) ? fail(err, MMSB_MEMORY, "the digest failed") : MMSB_OK;
	const uint8_t *bytes = page_packed(m, p);
	size_t n = p->count * p->element;
	if (n && !bytes)
		return fail_memory(err, n, "the digest");
	if (n && XXH3_128bits_update(x, bytes, n) != XXH_OK)
		return fail(err, MMSB_MEMORY, "the digest failed");
	return MMSB_OK;
}

void digest_free(mmsb_instance *m) { XXH3_freeState(m->digest); }

int mmsb_digest(mmsb_instance *m, char hex[33], mmsb_error *err)
{
	int status = mmsb_bind(m, err);
	if (status)
		return status;
	if (!m->digest)
		m->digest = XXH3_createState();
	XXH3_state_t *x = m->digest;
	if (!x)
		return fail_memory(err, 64, "the digest");
	XXH3_128bits_reset(x);
	for (uint32_t i = 0; i < m->sch->n_pages && !status; i++)
		status = add_page(m, x, &m->pages[i], err);
	XXH128_hash_t h = XXH3_128bits_digest(x);
	if (!status)
		snprintf(hex, 33, "%016llx%016llx", (unsigned long long)h.high64, (unsigned long long)h.low64);
	return status;
}
