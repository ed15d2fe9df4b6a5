/* rivals.h - storage engines that others use, behind one table: numbered values are put in groups, and a group is on the disk when `group`
 * returns. They are loaded at run time, so that benchmarks build without them. */
#ifndef MMSB_RIVALS_H
#define MMSB_RIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rival {
	const char *name;
	const char *package;                  /* of Debian */
	bool (*load)(void);                   /* false: it is not installed */
	void (*open)(const char *folder);     /* an empty folder */
	void (*group)(uint64_t first, uint64_t n, const void *value, size_t bytes); /* keys first .. first + n - 1, one commit, synced */
	void (*close)(void);
} rival;

enum { RIVAL_LMDB, RIVAL_SQLITE, RIVAL_ROCKSDB, RIVALS };
extern const rival rivals[RIVALS];

#endif
