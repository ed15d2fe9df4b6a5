/* device.c - a CUDA device as an instance uses it: opened with the code of its schedule; memory; transfers and launches (device.h). */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime/device_code.h"
#include "../runtime/thresholds.h"

int cuda_check(struct device *v, CUresult result, const char *call, const char *file, int line, mmsb_error *err)
{
	if (result == CUDA_SUCCESS)
		return MMSB_OK;
	v->lost = true;
	return driver_error(v->d, result, call, file, line, err);
}

/* ---- memory ------------------------------------------------------------------------------------ */

static size_t grown(size_t bytes) { return (bytes + bytes / 4 + 4095) & ~(size_t)4095; }

static size_t page_bytes(const device_page *c)
{
	size_t n = c->now.size + c->prev.size + c->next.size + c->old_list.size + c->old_values.size;
	for (int k = 0; k < 2; k++)
		n += c->lists[k].start.size + c->lists[k].key.size + c->lists[k].slot.size;
	return n;
}

/* The pages that take most, page by page, as far as a message goes. */
static void tell_pages(const struct device *v, char *text, size_t room)
{
	enum { MOST = 8 };
	const schedule *s = v->m->sch;
	size_t below = SIZE_MAX, n = 0;
	uint32_t last = 0;
	*text = 0;
	for (int k = 0; k < MOST && n < room; k++) {
		uint32_t best = NONE;
		for (uint32_t i = 0; i < s->n_pages; i++) {
			size_t bytes = page_bytes(&v->pages[i]);
			if (bytes > 0 && (bytes < below || (bytes == below && i > last)) && (best == NONE || bytes > page_bytes(&v->pages[best])))
				best = i;
		}
		if (best == NONE)
			break;
		below = page_bytes(&v->pages[best]);
		last = best;
		n += (size_t)snprintf(text + n, room - n, "%s%.60s %zu", k ? ", " : ". Most of it is of pages ", sch_text(s, s->pages[best].name), below);
	}
}

int room_of(struct device *v, device_room *r, size_t bytes, const char *what, mmsb_error *err)
{
	if (bytes <= r->size)
		return MMSB_OK;
	int status = wait_for(v, err);
	if (status)
		return status;
	if (r->at)
		status = CUDA(v, err, release, r->at);
	size_t size = r->size ? grown(bytes) : (bytes + 255) & ~(size_t)255; /* what does not grow takes no more */
	*r = (device_room){0, 0};
	if (status)
		return status;
	CUresult result = v->d->alloc(&r->at, size);
	if (result == CUDA_ERROR_OUT_OF_MEMORY) {
		size_t left = 0, total = 0;
		char pages[600];
		v->lost = true;
		v->d->memory_info(&left, &total);
		tell_pages(v, pages, sizeof pages);
		return fail(err, MMSB_DEVICE, "the CUDA device has no memory for %s: %zu bytes, and %zu of its %zu are free%s; passes whose page is marked @cpu need none",
		            what, bytes, left, total, pages);
	}
	r->size = result == CUDA_SUCCESS ? size : 0;
	return cuda_check(v, result, "alloc", __FILE__, __LINE__, err);
}

static int host_room_of(struct device *v, host_room *r, size_t bytes, mmsb_error *err)
{
	if (bytes <= r->size)
		return MMSB_OK;
	int status = wait_for(v, err);
	if (status)
		return status;
	if (r->at)
		status = CUDA(v, err, host_release, r->at);
	*r = (host_room){NULL, 0};
	if (!status)
		status = CUDA(v, err, host_alloc, &r->at, grown(bytes));
	if (!status)
		r->size = grown(bytes);
	return status;
}

int down_room(struct device *v, size_t bytes, mmsb_error *err) { return host_room_of(v, &v->down, bytes, err); }

int up_room(struct device *v, size_t bytes, void *out_address, mmsb_error *err)
{
	size_t need = (bytes + 63) & ~(size_t)63;
	int status = MMSB_OK;
	if (v->up.size - v->up_used < need) {
		status = v->up_used ? wait_for(v, err) : MMSB_OK;
		v->up_used = 0;
		if (!status)
			status = host_room_of(v, &v->up, need < (1 << 16) ? 1 << 16 : need, err);
	}
	if (status)
		return status;
	void *at = (uint8_t *)v->up.at + v->up_used;
	v->up_used += need;
	memcpy(out_address, &at, sizeof at);
	return MMSB_OK;
}

/* ---- work -------------------------------------------------------------------------------------- */

int copy_up(struct device *v, CUdeviceptr to, const void *from, size_t bytes, mmsb_error *err)
{
	v->figures.bytes_up += bytes;
	return bytes ? CUDA(v, err, copy_up, to, from, bytes, v->stream) : MMSB_OK;
}

int fill(struct device *v, const device_room *at, uint8_t byte, size_t bytes, mmsb_error *err)
{
	return bytes ? CUDA(v, err, fill, at->at, byte, bytes, v->stream) : MMSB_OK;
}

int copy_down(struct device *v, void *to, CUdeviceptr from, size_t bytes, mmsb_error *err)
{
	v->figures.bytes_down += bytes;
	return bytes ? CUDA(v, err, copy_down, to, from, bytes, v->stream) : MMSB_OK;
}

int wait_for(struct device *v, mmsb_error *err)
{
	int status = CUDA(v, err, stream_wait, v->stream);
	v->up_used = 0;
	return status;
}

int launch(struct device *v, CUfunction f, const mmsb_launch *l, uint64_t blocks, mmsb_error *err)
{
	void *params[] = {(void *)(uintptr_t)l};
	if (blocks > INT32_MAX)
		return fail(err, MMSB_DEVICE, "a pass of %llu elements is too large for a CUDA device", (unsigned long long)l->n);
	v->figures.launches++;
	return CUDA(v, err, launch, f, (unsigned)blocks, 1, 1, MMSB_BLOCK, 1, 1, 0, v->stream, params, NULL);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static int find_move(struct device *v, const char *name, CUfunction by_width[MOVES], mmsb_error *err)
{
	for (unsigned w = 0; w < MOVES; w++) {
		char full[48];
		snprintf(full, sizeof full, "mmsb%d_%s_%u", MMSB_CUDA_ABI, name, 1u << w);
		if (v->d->module_function(&by_width[w], v->module, full) != CUDA_SUCCESS)
			return fail(err, MMSB_FORMAT, "the device code is of another version of MMSB: compile it again");
	}
	return MMSB_OK;
}

static int find_split(struct device *v, struct split *out, const char *kernel, mmsb_error *err)
{
	const struct { CUfunction *f; const char *step; } rows[] = {{&out->part, "part"}, {&out->join, "join"}, {&out->end, "end"}};
	int status = MMSB_OK;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !status; i++) {
		char name[DEVICE_NAME + 8];
		snprintf(name, sizeof name, "%s_%s", kernel, rows[i].step);
		status = CUDA(v, err, module_function, rows[i].f, v->module, name);
	}
	return status;
}

static int find_kernels(struct device *v, mmsb_error *err)
{
	const schedule *s = v->m->sch;
	int status = find_move(v, "scatter", v->scatter, err);
	if (!status)
		status = find_move(v, "take", v->take, err);
	if (!status)
		status = find_move(v, "settle", v->settle, err);
	for (uint32_t i = 0; i < s->n_passes && !status; i++) {
		char name[DEVICE_NAME];
		if (device_lacks(s, i))
			continue;
		device_kernel_name(name, s->passes[i].kernel);
		status = CUDA(v, err, module_function, &v->kernels[i], v->module, name);
		if (!status && device_splits(s, i) != NONE)
			status = find_split(v, &v->splits[i], name, err);
		v->figures.kernels++;
		const sch_kernel *k = &s->kernels[s->passes[i].kernel];
		for (uint32_t r = k->first_read; r < k->first_read + k->n_reads; r++)
			v->pages[s->reads[r].page].read_prev |= s->reads[r].prev;
	}
	return status;
}

static int take_device(struct device *v, mmsb_error *err)
{
	int major = 0, minor = 0;
	const void *image = NULL;
	int status = CUDA(v, err, device_get, &v->id, 0);
	if (!status)
		status = CUDA(v, err, device_attribute, &major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, v->id);
	if (!status)
		status = CUDA(v, err, device_attribute, &minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, v->id);
	if (!status)
		status = device_image(v->m->owner, major, minor, &image, err);
	if (!status)
		status = CUDA(v, err, device_name, v->figures.name, (int)sizeof v->figures.name, v->id);
	if (!status)
		status = CUDA(v, err, context_retain, &v->context, v->id);
	v->retained = !status;
	if (!status)
		status = CUDA(v, err, context_use, v->context);
	if (!status)
		status = CUDA(v, err, stream_new, &v->stream, CU_STREAM_NON_BLOCKING);
	if (!status)
		status = CUDA(v, err, module_load, &v->module, image);
	if (!status && getenv("MMSB_DEVICE_TIMES")) {
		status = CUDA(v, err, event_new, &v->before, 0);
		if (!status)
			status = CUDA(v, err, event_new, &v->after, 0);
	}
	return status ? status : find_kernels(v, err);
}

static void give_back(const cuda_driver *d, const device_room *r)
{
	if (r->at)
		d->release(r->at);
}

static void lists_close(const cuda_driver *d, const device_lists *l)
{
	const device_levels *t = &l->levels;
	give_back(d, &l->start);
	give_back(d, &l->key);
	give_back(d, &l->slot);
	give_back(d, &t->leaf_list);
	give_back(d, &t->top);
	for (uint32_t k = 0; k < MOST_LEVELS; k++) {
		give_back(d, &t->level[k].at);
		give_back(d, &t->level[k].bit);
	}
}

/* What was taken is given back, whatever calls say: nothing can be done about it. */
static void cuda_close(struct device *v)
{
	if (!v)
		return;
	const cuda_driver *d = v->d;
	device_room *rooms[] = {&v->sizes, &v->params, &v->fault, &v->list, &v->values, &v->marks, &v->partial, &v->joined, &v->moved_list, &v->moved_values, &v->flags, &v->stamps, &v->wanted[0],
	                        &v->wanted[1]};
	if (v->retained)
		d->context_use(v->context);
	if (v->stream)
		d->stream_wait(v->stream);
	for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++)
		give_back(d, rooms[i]);
	for (uint32_t i = 0; v->pages && i < v->m->sch->n_pages; i++) {
		const device_page *c = &v->pages[i];
		give_back(d, &c->now);
		give_back(d, &c->prev);
		give_back(d, &c->next);
		give_back(d, &c->old_list);
		give_back(d, &c->old_values);
		lists_close(d, &c->lists[0]);
		lists_close(d, &c->lists[1]);
		give_back(d, &c->slots.row);
		give_back(d, &c->slots.col);
		give_back(d, &c->slots.alive);
	}
	leaves_free(&v->leaves);
	if (v->up.at)
		d->host_release(v->up.at);
	if (v->down.at)
		d->host_release(v->down.at);
	if (v->before)
		d->event_free(v->before);
	if (v->after)
		d->event_free(v->after);
	if (v->module)
		d->module_unload(v->module);
	if (v->stream)
		d->stream_free(v->stream);
	if (v->retained)
		d->context_release(v->id);
	free(v->kernels);
	free(v->splits);
	free(v->pages);
	free(v);
}

/* For tests. */
static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *given = getenv(name);
	return given && *given ? strtoull(given, NULL, 0) : otherwise;
}

static int cuda_open(struct device **out, mmsb_instance *m, mmsb_error *err)
{
	const cuda_driver *d;
	*out = NULL;
	int status = driver_open(&d, err);
	if (status)
		return status;
	struct device *v = calloc(1, sizeof *v);
	if (!v)
		return fail_memory(err, sizeof *v, "a CUDA device");
	v->d = d;
	v->m = m;
	v->split_least = number_from("MMSB_DEVICE_SPLIT", DEVICE_SPLIT);
	v->few = number_from("MMSB_DEVICE_FEW", DEVICE_FEW);
	v->leaves_least = number_from("MMSB_DEVICE_LEAVES", DEVICE_LEAVES);
	v->kernels = calloc(m->sch->n_passes + 1, sizeof *v->kernels);
	v->splits = calloc(m->sch->n_passes + 1, sizeof *v->splits);
	v->pages = calloc(m->sch->n_pages + 1, sizeof *v->pages);
	status = v->kernels && v->splits && v->pages ? take_device(v, err) : fail_memory(err, m->sch->n_pages * sizeof *v->pages, "a CUDA device");
	if (status) {
		cuda_close(v);
		return status;
	}
	*out = v;
	return MMSB_OK;
}

static bool cuda_has(const struct device *v, uint32_t pass) { return !v->lost && v->kernels[pass]; }

static void cuda_figures(const struct device *v, device_figures *out) { *out = v->figures; }

const device_ops cuda_device = {cuda_open, cuda_close, cuda_has, cuda_pass, cuda_rounds, cuda_exact, page_down, cuda_forget, cuda_figures};
