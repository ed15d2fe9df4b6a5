# runtime/: schedule -> epochs. Knows the schedule format and never the compiler.

# The whole runtime as a convenience library: the programs and the unit tests link it, because they use
# more of it than the installed header offers. libmmsb is the same objects behind the export list.
noinst_LTLIBRARIES += libmmsb_internal.la
libmmsb_internal_la_SOURCES = \
	%D%/container.c %D%/container.h \
	%D%/device.c %D%/device.h %D%/device_code.c %D%/device_code.h \
	%D%/differ.h \
	%D%/elementary.h %D%/elementary_arc.h %D%/elementary_base.h %D%/elementary_erf.h %D%/elementary_erf_table.h \
	%D%/elementary_exp.h %D%/elementary_log.h %D%/elementary_trig.h \
	%D%/guard.def %D%/guard.h \
	%D%/instance.h %D%/journal.h %D%/latch.h %D%/mmsb.h \
	%D%/number.c %D%/number.h %D%/number_print.c \
	%D%/packed.h \
	%D%/scalar.h \
	%D%/schedule.h \
	%D%/status.def \
	%D%/types.def %D%/types.h \
	%D%/view.h \
	%D%/verify.c %D%/verify.h %D%/verify_kernel.c
libmmsb_internal_la_LIBADD = libops.la

# The kernels are one text, compiled for each level of x86-64; kernels are chosen at run time.
noinst_LTLIBRARIES += libkernels_base.la
libkernels_base_la_SOURCES = %D%/kernels.c %D%/kernels.h %D%/course.c %D%/course.h %D%/keep.h %D%/scalar.h %D%/tree.h
libkernels_base_la_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_LEVEL=base
libkernels_base_la_CFLAGS = $(AM_CFLAGS) $(KERNEL_OPT_CFLAGS)
libmmsb_internal_la_LIBADD += libkernels_base.la
if KERNEL_LEVELS
noinst_LTLIBRARIES += libkernels_v3.la libkernels_v4.la
libkernels_v3_la_SOURCES = %D%/kernels.c %D%/course.c
libkernels_v3_la_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_LEVEL=v3
libkernels_v3_la_CFLAGS = $(AM_CFLAGS) $(KERNEL_OPT_CFLAGS) -march=x86-64-v3
libkernels_v4_la_SOURCES = %D%/kernels.c %D%/course.c
libkernels_v4_la_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_LEVEL=v4
libkernels_v4_la_CFLAGS = $(AM_CFLAGS) $(KERNEL_OPT_CFLAGS) -march=x86-64-v4 -mprefer-vector-width=512
libmmsb_internal_la_LIBADD += libkernels_v3.la libkernels_v4.la
endif

# Instances, their pages and epochs.
libmmsb_internal_la_SOURCES += \
	%D%/apply.c %D%/apply.h %D%/apply_sparse.c \
	%D%/arena.c %D%/arena.h \
	%D%/bitset.c %D%/bitset.h \
	%D%/buffers.c \
	%D%/changes.c \
	%D%/delta.c %D%/delta.h \
	%D%/digest.c \
	%D%/epoch.c \
	%D%/error.c \
	%D%/events.c %D%/events.h \
	%D%/index.c %D%/index.h \
	%D%/info.c \
	%D%/instance.c \
	%D%/lazy.c \
	%D%/readers.c \
	%D%/saving.c %D%/saving.h \
	%D%/lists.c %D%/lists.h %D%/lists_seek.c \
	%D%/turn.c %D%/turn.h \
	%D%/schedule.c \
	%D%/sizes.c \
	%D%/sort.h \
	%D%/across.c %D%/marks.c %D%/span_fold.c %D%/span_list.c %D%/spans.c %D%/spans.h %D%/sparse.c %D%/sparse.h \
	%D%/undo.c

# What evaluates.
libmmsb_internal_la_SOURCES += \
	%D%/arrange.c %D%/block.h %D%/blocks.c %D%/blocks.h %D%/bounded.c %D%/bounded.h %D%/dirty.c %D%/dirty.h %D%/drain.c %D%/exec.h %D%/expand.c %D%/fault.c %D%/fixpoint.c %D%/flood.c %D%/flood.h %D%/fold.c %D%/fpenv.c %D%/fpenv.h %D%/frontier.c %D%/hand.c %D%/kept.c %D%/kept.h %D%/kernel_pick.c %D%/numeric.c %D%/over.c \
	%D%/native.c %D%/native.h %D%/native_block.c %D%/native_block.h %D%/native_load.c %D%/native_rows.c %D%/native_rows.h %D%/native_span.c %D%/native_span.h %D%/native_wave.c %D%/native_wave.h %D%/own.c %D%/pass_facts.h \
	%D%/plan.c %D%/plan.h %D%/plan_code.c \
	%D%/plan_cost.c %D%/plan_names.c %D%/plan_native.c %D%/plan_read.c %D%/plan_span.c \
	%D%/portable.c %D%/prefix.c %D%/processor.c %D%/processor.def %D%/queue.c %D%/read.c %D%/reduce.c %D%/reduce.h \
	%D%/relax.c %D%/repair.c %D%/repair.h %D%/support.c %D%/sweep.c \
	%D%/bounds.c %D%/bounds.h %D%/ranges.c %D%/ranges.h %D%/route.c %D%/route.h %D%/route_node.c %D%/route_run.c %D%/route_site.c %D%/route_site.h %D%/route_solve.c %D%/route_step.h %D%/rows.c %D%/rows.h %D%/run.c %D%/split.c %D%/tape.c %D%/tiles.c \
	%D%/fetch.h %D%/pool.c %D%/pool.h %D%/pour.c %D%/pour.h %D%/pour_course.c %D%/pour_course.h %D%/store.c %D%/store.h %D%/store_bounded.c %D%/store_bounded.h %D%/store_flat.c %D%/store_flat.h %D%/store_laid.c %D%/store_laid.h %D%/store_outer.c %D%/store_pairs.c %D%/store_pairs.h %D%/store_parts.h %D%/store_prefix.c %D%/store_prefix.h %D%/store_running.c %D%/store_running.h \
	%D%/store_node.h %D%/store_tree.c %D%/store_tree.h %D%/store_tree_update.c %D%/store_within.c \
	%D%/store_update.c %D%/thresholds.h %D%/wave.c %D%/wave.h

# What an element was computed from.
libmmsb_internal_la_SOURCES += %D%/trace.c %D%/trace.h

# The library, shared and static, with one header.
lib_LTLIBRARIES += libmmsb.la
include_HEADERS += %D%/mmsb.h
libmmsb_la_SOURCES =
libmmsb_la_LIBADD = libmmsb_internal.la $(XXHASH_LIBS)
libmmsb_la_LDFLAGS = -version-info 0:0:0 -no-undefined -export-symbols $(srcdir)/runtime/mmsb.sym
EXTRA_libmmsb_la_DEPENDENCIES = $(srcdir)/runtime/mmsb.sym
EXTRA_DIST += runtime/mmsb.sym

# Files in and out: of the program, not of the library.
noinst_LTLIBRARIES += libmmsb_files.la
libmmsb_files_la_SOURCES = \
	%D%/array.c %D%/array.h \
	%D%/bind.c %D%/bind.h \
	%D%/csv.c %D%/csv.h %D%/csv_write.c \
	%D%/deltatext.c %D%/deltatext.h %D%/deltawrite.c \
	%D%/eventfile.c %D%/eventfile.h %D%/eventjson.c %D%/eventread.c \
	%D%/iofile.c %D%/iofile.h \
	%D%/mtx.c %D%/mtx.h %D%/mtx_write.c \
	%D%/npy.c %D%/npy.h \
	%D%/outputs.c %D%/outputs.h \
	%D%/pgm.c %D%/pgm.h \
	%D%/progress.c %D%/progress.h \
	%D%/runfile.c %D%/runfile.h \
	%D%/runspec.c %D%/runspec.h \
	%D%/watch.c %D%/watch.h

# The program, with the compiler, to run a .mmsb directly.
bin_PROGRAMS += mmsb
mmsb_SOURCES = %D%/mmsb.c %D%/changer.c %D%/changer.h %D%/cmd_bench.c %D%/cmd_run.c %D%/commands.h %D%/load.c %D%/load.h \
	%D%/run_state.c %D%/run_state.h %D%/runopts.c %D%/runstats.c
mmsb_SOURCES += %D%/args.c %D%/args.h %D%/cmd_branch.c %D%/cmd_diff.c %D%/cmd_log.c %D%/cmd_log.h %D%/cmd_log_change.c %D%/cmd_replay.c \
	%D%/cmd_show.c %D%/cmd_why.c %D%/why.c %D%/why.h
mmsb_LDADD = libcompiler.la liblang.la libmmsb_files.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
