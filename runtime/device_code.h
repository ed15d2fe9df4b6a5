/* device_code.h - which passes have a kernel for a CUDA device: compiler and runtime ask the same function. Internal. */
#ifndef MMSB_DEVICE_CODE_H
#define MMSB_DEVICE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schedule.h"

enum { DEVICE_NAME = 24 };

/* NULL: pass `id` has a kernel; else why it has none, for people. */
const char *device_lacks(const schedule *, uint32_t id);

/* The one reduction of a pass that blocks of threads, or warps along lists, can share (launch.h): its region; NONE: there is none. */
uint32_t device_splits(const schedule *, uint32_t pass);

/* The region goes along a list: a row, a column, or the positions of a key. */
bool device_along(const sch_region *);

/* How many regions of the kernel before `region` go along lists: its number among them (launch.h). */
uint32_t device_along_number(const schedule *, const sch_kernel *, uint32_t region);

void device_kernel_name(char name[DEVICE_NAME], uint32_t kernel);

/* Bytes from element to element of a column, field NONE or of a record, and (offset) where a packed record has it. */
size_t device_stride(const schedule *, const sch_page *, uint32_t field, size_t *offset);

#endif
