/* device.h - one instance on a CUDA device: what the parts of gpu/ share. Internal.
 *
 *   driver.[ch]  libcuda
 *   device.c     a device, its code and its memory
 *   pages.c      copies of pages, and how they follow those of the host
 *   back.c       what an epoch overwrites of pages that stay, for putting back
 *   lists.c      the same of rows, columns and groups
 *   leaves.c     in which order the operands of long ones are combined
 *   pass.c       passes
 *   rounds.c     rounds of numeric fixpoints
 *   exact.c      those of exact ones
 *
 * All work goes to one stream, in order. */
#ifndef MMSB_GPU_DEVICE_H
#define MMSB_GPU_DEVICE_H

#include "../runtime/device.h"
#include "../runtime/instance.h"
#include "driver.h"
#include "launch.h"

/* Memory that grows, and is kept. */
typedef struct device_room {
	CUdeviceptr at;
	size_t size;
} device_room;
typedef struct host_room {
	void *at;               /* pinned */
	size_t size;
} host_room;

/* What is combined with what in lists (launch.h): leaves; nodes of them, and so on until no list has more than MMSB_LEAF. */
enum { MOST_LEVELS = 8 };
typedef struct device_levels {
	struct device_level {
		device_room at, bit;
		uint64_t n;
	} level[MOST_LEVELS];
	uint32_t n_levels;
	device_room leaf_list, top; /* the list of each leaf; where the nodes of each list begin on the last level */
	uint64_t version;
	bool good;
} device_levels;

/* A copy of lists, current where it has their version. */
typedef struct device_lists {
	device_room start, key, slot;
	uint64_t version;
	bool good;
	uint64_t longest;       /* operands of a list */
	device_levels levels;   /* made when they are first asked for */
} device_lists;

/* Where the entries of a pattern stand, by slot: a copy. */
typedef struct device_slots {
	device_room row, col, alive;
	uint64_t version;       /* of its rows */
	bool good;
} device_slots;

/* Host memory in which levels are made. */
typedef struct leaf_rooms {
	uint64_t *at, *first;
	uint32_t *key, *list;
	uint8_t *bit[2];
	size_t at_room, first_room, key_room, list_room, bit_room[2];
} leaf_rooms;

/* A copy of a page. It is current where it has the version of the page; with prev, where the values have not changed since. */
typedef struct device_page {
	device_room now, prev, next; /* next: of a numeric fixpoint, for rounds by turns */
	uint64_t version;       /* of the page, as `now` has it */
	bool now_good, prev_good;
	bool fresh;             /* it has what exact rounds came to in epoch fresh_epoch, whose end was to say whether that changed the page */
	uint64_t fresh_epoch;
	uint64_t prev_epoch;    /* in which prev was current */
	bool read_prev;         /* some kernel reads its values of the epoch before */
	/* What a commit has overwritten of a page that stays, where an epoch can fail: in old_list and old_values; or, whole, in prev, which nobody reads. */
	enum { KEPT_NOTHING, KEPT_LISTED, KEPT_WHOLE } kept;
	uint64_t kept_commit, n_kept;
	device_room old_list, old_values;
	device_lists lists[2];  /* rows, or the positions of each key; columns */
	device_slots slots;
	uint64_t entries_version; /* of a sparse page that a pass gives: the version of the rows that `now` has followed */
} device_page;

enum { MOVES = 4 /* widths: 1, 2, 4, 8 bytes */ };

struct device {
	const cuda_driver *d;
	mmsb_instance *m;
	CUdevice id;
	CUcontext context;
	CUstream stream;
	CUmodule module;
	CUfunction *kernels;    /* by pass, or NULL */
	struct split { CUfunction part, join, end; } *splits; /* by pass: of a reduction by blocks, or NULL */
	CUfunction scatter[MOVES], take[MOVES], settle[MOVES];
	uint64_t few;           /* elements that an exact round changes, up to which the CPU goes on */
	uint64_t split_least, leaves_least; /* operands from which on blocks share a reduction; of the longest list, from which on warps share all */
	device_page *pages;
	device_room sizes, params, fault, list, values, marks, partial, joined, moved_list, moved_values, flags, stamps, wanted[2];
	bool constants;         /* sizes and params are there */
	host_room up, down;
	leaf_rooms leaves;
	size_t up_used;
	CUevent before, after;  /* of the kernels of a pass, where their time is taken; or NULL */
	bool retained;
	bool lost;              /* a call has failed: nothing is called any more */
	device_figures figures;
};

/* Calls the driver; a failure is told in err, and loses the device. */
#define CUDA(v, err, call, ...) cuda_check((v), (v)->d->call(__VA_ARGS__), #call, __FILE__, __LINE__, (err))
int cuda_check(struct device *, CUresult, const char *call, const char *file, int line, mmsb_error *err);

/* ---- device.c ---------------------------------------------------------------------------------- */

int room_of(struct device *, device_room *, size_t bytes, const char *what, mmsb_error *err);
int down_room(struct device *, size_t bytes, mmsb_error *err);

/* Bytes of pinned memory for one transfer up: good until the device has caught up (wait) or the next call of it that must wait. */
int up_room(struct device *, size_t bytes, void *out_address, mmsb_error *err);

int copy_up(struct device *, CUdeviceptr to, const void *from, size_t bytes, mmsb_error *err);
int fill(struct device *, const device_room *, uint8_t byte, size_t bytes, mmsb_error *err);
int copy_down(struct device *, void *to, CUdeviceptr from, size_t bytes, mmsb_error *err);
int wait_for(struct device *, mmsb_error *err);
int launch(struct device *, CUfunction, const mmsb_launch *, uint64_t blocks, mmsb_error *err);

/* ---- pages.c ----------------------------------------------------------------------------------- */

/* Makes the copy of a page current: what changed in the epoch goes up, or all of it. The values of the epoch before come from there where it has not
 * followed yet. */
int page_up(struct device *, const page *, uint64_t epoch, mmsb_error *err);
int prev_up(struct device *, const page *, uint64_t epoch, mmsb_error *err);

/* Brings the values of a page that the host lacks. */
int page_down(struct device *, struct page *, mmsb_error *err);

/* A column that lies at `at` on the device: elements at n positions of a list, to or from where values lie side by side. */
int column_move(struct device *, column host, CUdeviceptr at, CUfunction const by_width[MOVES], CUdeviceptr list, CUdeviceptr values, uint64_t n, mmsb_error *err);

/* ---- back.c ------------------------------------------------------------------------------------ */

struct work;

/* Before a pass writes to its page, whose copy is current. */
int back_keep(const struct work *);

/* Puts back what a commit has overwritten; nothing, if that is nothing. */
int back_put(struct device *, const page *, mmsb_error *err);

/* The same of all pages (device_ops.forget). */
void cuda_forget(struct device *);

/* ---- lists.c ----------------------------------------------------------------------------------- */

/* Makes the copy of what a region goes along current. */
int lists_up(struct device *, const sch_region *, mmsb_lists *out, mmsb_error *err);

/* The same of where entries stand, for a pass whose elements they are. */
int slots_up(struct device *, const page *, mmsb_launch *out, mmsb_error *err);

/* The copy, and the lists of the host. */
device_lists *lists_copy_of(struct device *, const sch_region *);
const lists *lists_of(struct device *, const sch_region *);

/* ---- leaves.c ---------------------------------------------------------------------------------- */

/* Makes the levels of a copy's lists, which are current. */
int leaves_up(struct device *, device_levels *, const lists *, mmsb_error *err);
void leaves_free(leaf_rooms *);

/* ---- pass.c ------------------------------------------------------------------------------------ */

/* A pass at work. */
typedef struct work {
	struct device *v;
	const sch_kernel *k;
	page *to;
	const bitset *dirty;    /* listed; NULL: all, or those of the mask */
	const bitset *mask;
	uint64_t n, blocks;
	size_t marks_bytes;     /* of one output */
	mmsb_launch l;
	mmsb_error *err;
} work;

work work_of(struct device *, uint32_t pass, const bitset *dirty, mmsb_error *err);

/* Where output o lies in the host's page; and where its values lie among those of a list. */
column output_column(const work *, uint32_t o);
size_t values_at(const work *, uint32_t o);

/* What it reads goes up, and what its kernels are given is filled in. */
int work_prepare(work *, uint64_t epoch);

/* A thread for each element, or where that would be few with much to do, more of them. */
int work_launch(work *, uint32_t pass);

int cuda_pass(struct device *, uint32_t pass, const bitset *dirty, uint64_t epoch, uint64_t *changed, bool *done, mmsb_error *err);

/* ---- rounds.c ---------------------------------------------------------------------------------- */

/* Rounds that are asked for together, and their flags in v->flags: the first is for the first round, which runs. */
enum { ROUNDS_TOGETHER = 16, ROUND_FLAGS = ROUNDS_TOGETHER + 1 };

/* Before a batch, and after it: the flags, and what has failed. */
int rounds_begin(work *);
int rounds_end(work *, uint32_t flags[ROUND_FLAGS], uint64_t *fault);

int cuda_rounds(struct device *, uint32_t pass, uint64_t epoch, uint64_t most, double tol, bitset *changed, uint64_t *rounds, bool *done, mmsb_error *err);

/* ---- exact.c ----------------------------------------------------------------------------------- */

int cuda_exact(struct device *, uint32_t pass, uint64_t epoch, device_exact *, bool *done, mmsb_error *err);

#endif
