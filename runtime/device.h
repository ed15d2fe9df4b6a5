/* device.h - a device that evaluates passes beside the CPU: the table of functions by which the runtime calls it. Internal.
 *
 * A device holds copies of the pages that its passes read and write. Who calls a pass of the device gets its results in the host's page, compared
 * and marked as by the CPU; but of a page that `stays` only the marks, until its values are asked for: it is `away`. */
#ifndef MMSB_DEVICE_H
#define MMSB_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bitset.h"
#include "mmsb.h"

struct device;
struct page;

typedef struct device_figures {
	char name[64];
	uint32_t kernels;               /* of passes */
	uint64_t launches, bytes_up, bytes_down;
	double kernel_ms;               /* in kernels of passes; only where MMSB_DEVICE_TIMES is set */
} device_figures;

/* Rounds of an exact fixpoint, from where the host's page stands. */
typedef struct device_exact {
	bool known;                     /* who reads an element stands in the lists of the regions along which the page is read: frontier_possible */
	uint64_t few;                   /* if not: a round that changes so many elements or fewer is the last */
	uint32_t *stamps;               /* of elements, all 0: become the round in which each changed last */
	uint64_t rounds;
	bool settled;                   /* else those whose stamp is `rounds` have not been handed on yet */
} device_exact;

typedef struct device_ops {
	/* Takes hold of a device and loads the schedule's code for it. MMSB_DEVICE: there is none, or it failed; MMSB_INPUT: no code. */
	int (*open)(struct device **, mmsb_instance *, mmsb_error *err);
	void (*close)(struct device *); /* NULL is allowed */
	bool (*has)(const struct device *, uint32_t pass);
	/* Evaluates all elements of a pass or (dirty) those of a set, in epoch `epoch`. The page must hold the values of the epoch before. *done false: not
	 * done, nothing has changed, and the CPU is to do it: something failed in an element, and it says what. MMSB_DEVICE: the epoch
	 * fails; from then on the device is lost, and does nothing any more. */
	int (*pass)(struct device *, uint32_t pass, const bitset *dirty, uint64_t epoch, uint64_t *changed, bool *done, mmsb_error *err);
	/* Rounds of a numeric fixpoint over all elements, from what the host's page has: at most `most` (above 0), until none has moved by more than tol. The page
	 * gets the values of the last one, *changed (empty) what that one changed. *done false, MMSB_DEVICE: as of pass; of MMSB_DEVICE the page may hold a part. */
	int (*rounds)(struct device *, uint32_t pass, uint64_t epoch, uint64_t most, double tol, bitset *changed, uint64_t *rounds, bool *done, mmsb_error *err);
	/* Those rounds. The page gets the values of the last one. *done false, MMSB_DEVICE: as of rounds. */
	int (*exact)(struct device *, uint32_t pass, uint64_t epoch, device_exact *, bool *done, mmsb_error *err);
	/* Brings the values of a page that is away. MMSB_DEVICE: they are lost, with the device. */
	int (*fetch)(struct device *, struct page *, mmsb_error *err);
	/* An epoch has failed, after m->commits was counted and before versions are: pages that stay and have two buffers get what they had before it, and
	 * are away; other copies are not to be trusted. */
	void (*forget)(struct device *);
	void (*figures)(const struct device *, device_figures *);
} device_ops;

extern const device_ops cuda_device;

/* The code of a schedule for a device (PTX or a cubin), which is copied; once there is some, it stays. */
int device_attach(mmsb_schedule *, const void *image, size_t n, mmsb_error *err);

/* Whether a schedule has code that this library can use, attached or from its file. */
bool device_has_code(const mmsb_schedule *);

/* The code for a device of this compute capability: what was attached, else of the file's the cubin for the nearest architecture below with the same
 * first number, else PTX. MMSB_INPUT: there is none; MMSB_DEVICE: none that fits. */
int device_image(const mmsb_schedule *, int major, int minor, const void **out, mmsb_error *err);

/* Whether a new instance has a device, by its options: m->device. */
int device_choose(mmsb_instance *, mmsb_error *err);

/* The values of a page, or of all, are in the host's memory afterwards. Where the device has lost them (MMSB_DEVICE) the next commit evaluates everything. */
int device_settle(mmsb_instance *, struct page *, mmsb_error *err);
int device_settle_all(mmsb_instance *, mmsb_error *err);

#endif
