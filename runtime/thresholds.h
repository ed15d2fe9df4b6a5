/* thresholds.h - THE table of what decides how a change is followed and how a pass is run. No result depends on any of it. Measured for one
 * class of machine: servers with AVX-512 (docs/propagation.md has the figures). Internal.
 *
 * A SHARE is a count: one in so many. A COST is in element operations, of which one takes about half a nanosecond. */
#ifndef MMSB_THRESHOLDS_H
#define MMSB_THRESHOLDS_H

enum thresholds {
	/* ---- which elements are evaluated: dirty.c, numeric.c, repair.c ---- */

	/* Shares of a set from which on evaluating everything is cheaper than finding what is concerned one by one: of the elements of a
	 * pass (changed positions, times the elements that each concerns on average); of a fixpoint, which would begin anew; of the
	 * operands of reductions that keep partial results, the positions that moved between groups, the entries that came or went. Where most
	 * rows are too short for partial results, of the elements again: SHORT_SHARE, unless native code evaluates whole rows, many at a time. */
	ELEMENT_SHARE = 16,
	SHORT_SHARE = 6,
	FIXPOINT_SHARE = 4,
	LANE_SHARE = 16,

	/* So many changed positions are followed in any case, where a route marks runs of elements at once. */
	FEW_CHANGES = 8,

	/* Dirty elements of a round of a numeric fixpoint: beyond, the round evaluates all of them. */
	ROUND_SHARE = 4,

	/* How much of a whole evaluation's work a repair may take before all is evaluated, in percent. MMSB_REPAIR says another. */
	GIVE_UP = 18,

	/* ---- how dirty elements are run: tiles.c ---- */

	/* Of 64 elements so many dirty ones make it worth to run them all; of kernels with reductions over more than SHORT_RANGE positions,
	 * whose elements cost much more than loading their lanes, nearly all. */
	WORD_DENSE = 12,
	WORD_DENSE_NESTED = 56,
	SHORT_RANGE = 64,

	/* So many listed elements are computed by the function that computes whole passes, where there is one: it computes 64 at a time, needed or not.
	 * Where all reads are in step with the elements tiles are as fast or faster, and compute them (RESULTS.md, single elements). */
	LIST_NATIVE = 8,

	/* ---- on a device: device.c ---- */

	/* COST of all of a pass from which on a device evaluates it, if it has code for it and nobody says @cpu or @gpu. Not measured yet. */
	DEVICE_LEAST = 1 << 17,

	/* Elements that a round of an exact fixpoint changes, up to which the CPU goes on, unless MMSB_DEVICE_FEW says another number; and what a whole
	 * evaluation by a device counts as, in the units of a repair's work: an element, and a round. Not measured yet. */
	DEVICE_FEW = 256,
	DEVICE_WHOLE = 4,
	DEVICE_ROUND = 4096,

	/* Operands of a reduction from which on blocks of a device's threads share it, unless MMSB_DEVICE_SPLIT says another number, where fewer than so
	 * many elements have one. Not measured yet. */
	DEVICE_SPLIT = 1024,
	DEVICE_SPLIT_MOST = 1 << 16,

	/* Positions of a prefix up to which a thread of a device goes along each of its own, where blocks do not share them. Not measured yet. */
	DEVICE_PREFIX = 1024,

	/* Operands of the longest row, column or group from which on warps share all of a page's, leaf by leaf, unless MMSB_DEVICE_LEAVES says another
	 * number; below, a thread goes along each. Not measured yet. */
	DEVICE_LEAVES = 64,

	/* Where a few are listed: the longest of them has one in so many of the operands of all lists. Warps take all of these then. Not measured yet. */
	DEVICE_LEAVES_SHARE = 1024,

	/* ---- partial results: store.c, store_update.c ---- */

	/* Elements of fewer operands are evaluated whole, unless MMSB_STORES says another number; groups that are laid out, where a changed operand goes to its
	 * place at once: of fewer than LAID_MEMBERS. */
	LEAST_MEMBERS = 128,
	LAID_MEMBERS = 8,

	/* A block of a flat store costs at most so much; an update of it so much besides. */
	BLOCK_WORK = 1024,
	FLAT_COST = 500,

	/* Each operand of a tree costs so much besides evaluating it. An element for which an update would come to more than evaluating it
	 * whole is evaluated whole, and nothing is held of it from then on; a tree is built, which takes longer than evaluating the element, where
	 * an update would have come to less than one in BUILD_SHARE of that. (But not with MMSB_STORES, which is for tests.) */
	TREE_COST = 100,
	BUILD_SHARE = 8,

	/* Of operands of which elements have a part each: elements that usually have fewer are evaluated whole, as that takes no longer than looking for what the tree
	 * has of them. Of one in ROW_SHARE dirty operands on a row's tree is built anew, operands side by side. */
	BOUNDED_LEAST = 64,
	ROW_SHARE = 8,

	/* ---- grouped reductions evaluated whole: pour.c ---- */

	/* Operands go to their groups in the order of positions where they are at least so many, while the open leaves of all groups stay in a
	 * core's cache, and where more than one group in POUR_SHARE is evaluated from all of its operands. Each thread has open leaves of its own. */
	POUR_LEAST = 1 << 14,
	POUR_SHARE = 2,
	POUR_BYTES = 1 << 20,
	POUR_THREADS = 16,

	/* Groups that are laid out are filled in the order of positions by one thread: more of them gather faster, group by group. */
	LAID_THREADS = 2,

	/* ---- data that follows: buffers.c, index.c, apply_sparse.c ---- */

	/* Elements changed in the last epoch, of pages of SWAP_LEAST elements: beyond, second buffers change places instead of copying. */
	SWAP_SHARE = 4,
	SWAP_LEAST = 4096,

	/* Positions that moved: beyond, a reverse index is built anew. A move takes about 200 ns, building 3 to 4 ns a position. */
	REBUILD = 64,

	/* Entries that came or went: beyond, all are sorted anew. An entry takes 400 ns to put in its row and column of a graph of a million
	 * entries, sorting all of them about 35 ns each. */
	SORT_SHARE = 12,

	/* ---- teams: tiles.c, split.c ---- */

	/* Element operations worth a task of their own, unless MMSB_GRAIN says another number. A team is worth TEAM grains: about half a
	 * millisecond of work, since on a machine that is busy with other things a team waits for its last thread to be given a core. */
	GRAIN = 1 << 15,
	TEAM = 128,

	/* What a batch costs besides its lanes, in lanes. */
	BATCH_WORK = 32
};

#endif
