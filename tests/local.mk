# tests/: CONTRIBUTING.md says how to add one. A test ends its output with `N passed, M failed`.
check_PROGRAMS += %D%/run_cases
%C%_run_cases_SOURCES = %D%/run_cases.c %D%/cases.h %D%/case_text.c %D%/case_docs.c %D%/case_file.c %D%/case_file.h \
	%D%/case_compare.c %D%/case_compare.h

TEST_EXTENSIONS = .test .md .sh
TEST_LOG_COMPILER = %D%/run_cases --bin=.
MD_LOG_COMPILER = %D%/run_cases --bin=.
# The tests run side by side, so threads that wait must not keep a core busy.
# Test programs have no stdlib/ beside them; run_cases takes the variable away, so that mmsbc and mmsb look for it.
AM_TESTS_ENVIRONMENT = OMP_WAIT_POLICY=passive; MMSB_STDLIB='$(abs_top_srcdir)/stdlib'; export OMP_WAIT_POLICY MMSB_STDLIB; \
	MMSB_SRCDIR='$(abs_top_srcdir)'; MMSB_BUILDDIR='$(abs_top_builddir)'; NM='$(NM)'; CC='$(CC)'; MMSB_CASES='$(CASES)'; \
	MMSB_EXAMPLES='$(EXAMPLES)'; MMSB_MODULES='$(dist_stdlib_DATA)'; \
	MMSB_BINDIR='$(bindir)'; MMSB_LIBDIR='$(libdir)'; MMSB_INCLUDEDIR='$(includedir)'; SANITIZE_CFLAGS='$(SANITIZE_CFLAGS)'; \
	export MMSB_SRCDIR MMSB_BUILDDIR MMSB_CASES MMSB_EXAMPLES MMSB_MODULES MMSB_BINDIR MMSB_LIBDIR MMSB_INCLUDEDIR SANITIZE_CFLAGS NM CC;

# The long ones first, so that what runs side by side ends together.
TESTS += %D%/property %D%/native.sh %D%/inject_epochs

# text cases: cases/README.md
CASES = %D%/cases/runner.test \
	%D%/cases/check_fix.test %D%/cases/check_names.test %D%/cases/check_reads.test %D%/cases/check_syntax.test \
	%D%/cases/check_types.test
CASES += %D%/cases/compiler.test
CASES += %D%/cases/arith_int.test
CASES += %D%/cases/arith_float.test
CASES += %D%/cases/run.test %D%/cases/deltas.test %D%/cases/files.test %D%/cases/runfiles.test %D%/cases/bench.test %D%/cases/batch.test %D%/cases/events.test
CASES += %D%/cases/cuda.test
CASES += %D%/cases/sizes.test
CASES += %D%/cases/state_tools.test
CASES += %D%/cases/index.test
CASES += %D%/cases/views.test
CASES += %D%/cases/reduce.test
CASES += %D%/cases/sparse.test
CASES += %D%/cases/semiring.test
CASES += %D%/cases/fixpoints.test
CASES += %D%/cases/time.test
CASES += %D%/cases/records.test
CASES += %D%/cases/dims.test
CASES += %D%/cases/graphs.test
CASES += %D%/cases/stdlib.test
CASES += %D%/cases/promise.test
CASES += %D%/cases/combine.test
CASES += %D%/cases/npy.test
CASES += %D%/cases/fixmore.test
CASES += %D%/cases/mtx.test
CASES += %D%/cases/limits.test
CASES += %D%/cases/order.test
CASES += %D%/cases/machine.test
CASES += %D%/cases/groups.test
CASES += %D%/cases/keys.test
CASES += %D%/cases/propagate.test
CASES += %D%/cases/constants.test
CASES += %D%/cases/native.test
CASES += %D%/cases/state.test %D%/cases/state_damage.test
DOCUMENTS = README.md docs/state.md docs/language.md docs/data.md docs/run-files.md docs/compiler.md docs/determinism.md docs/native.md docs/gpu.md docs/propagation.md %D%/cases/README.md \
	examples/flights/README.md examples/fx/README.md examples/life/README.md examples/terrain/README.md
TESTS += $(CASES) $(DOCUMENTS)
EXTRA_DIST += $(CASES) %D%/cases/README.md

# tests of the project itself
SCRIPTS_TESTS = %D%/lists.sh %D%/exports.sh %D%/vectorised.sh %D%/denormals.sh %D%/staged.sh %D%/format.sh
TESTS += $(SCRIPTS_TESTS)
EXTRA_DIST += $(SCRIPTS_TESTS) %D%/native.sh
# state folders by docs/format.md alone; a folder of version 1
check_PROGRAMS += %D%/format_reader
%C%_format_reader_SOURCES = %D%/format_reader.c
%C%_format_reader_LDADD = $(XXHASH_LIBS) $(ZSTD_LIBS)
EXTRA_DIST += %D%/state-v1

# unit tests with Check: unit.h has their main
noinst_HEADERS += %D%/unit.h
if HAVE_CHECK
UNIT_TESTS =
UNIT_TESTS += %D%/check_lang
UNIT_TESTS += %D%/check_number %D%/check_io %D%/check_delta
UNIT_TESTS += %D%/check_check
UNIT_TESTS += %D%/check_fix
UNIT_TESTS += %D%/check_repair
UNIT_TESTS += %D%/check_naive
UNIT_TESTS += %D%/check_compiler
UNIT_TESTS += %D%/check_elementary
UNIT_TESTS += %D%/check_examples
UNIT_TESTS += %D%/check_instance
UNIT_TESTS += %D%/check_propagation %D%/check_propagation_state %D%/check_rollback
UNIT_TESTS += %D%/check_checkpoint
UNIT_TESTS += %D%/check_log %D%/check_log_ends %D%/check_log_reused
UNIT_TESTS += %D%/check_apply %D%/check_bitset
UNIT_TESTS += %D%/check_executor %D%/check_kernels %D%/check_reduce %D%/check_course
UNIT_TESTS += %D%/check_store %D%/check_bounded
UNIT_TESTS += %D%/check_pour
UNIT_TESTS += %D%/check_threads %D%/check_state_threads %D%/check_changes %D%/check_events
UNIT_TESTS += %D%/check_sparse
UNIT_TESTS += %D%/check_history %D%/check_replay
UNIT_TESTS += %D%/check_blocks %D%/check_wave %D%/check_spans %D%/check_native %D%/check_cuda
UNIT_TESTS += %D%/check_crash_disk %D%/check_crash
UNIT_TESTS += %D%/check_journal %D%/check_manifest %D%/check_state
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
else
check-local:
	@echo "The unit test framework Check was not found (Debian: check): unit tests are left out"
endif
# what a unit test program links
UNIT_CFLAGS = $(CHECK_CFLAGS)
UNIT_LIBS = libmmsb_files.la libmmsb_internal.la $(XXHASH_LIBS) $(CHECK_LIBS)

%C%_check_check_SOURCES = %D%/check_check.c %D%/check_errors.h
%C%_check_check_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_check_LDADD = liblang.la $(UNIT_LIBS)

%C%_check_compiler_SOURCES = %D%/check_compiler.c %D%/io_instance.h
%C%_check_compiler_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_compiler_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)

%C%_check_fix_SOURCES = %D%/check_fix.c %D%/checked.h
%C%_check_fix_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_fix_LDADD = liblang.la $(UNIT_LIBS)

%C%_check_repair_SOURCES = %D%/check_repair.c %D%/repair_cases.c %D%/repair_cases.h
%C%_check_repair_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_repair_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)

# the naive evaluator, and random programs for it
NAIVE = %D%/naive.c %D%/naive.h %D%/naive_eval.c %D%/naive_scalar.c
GENERATE = %D%/generate.c %D%/generate.h %D%/generate_text.h %D%/generate_edge.c %D%/generate_expr.c %D%/generate_reduce.c \
	%D%/generate_fix.c %D%/generate_theme.c %D%/generate_data.c %D%/generate_delta.c
%C%_check_naive_SOURCES = %D%/check_naive.c %D%/checked.h
%C%_check_naive_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_naive_LDADD = %D%/libtrial.la liblang.la $(UNIT_LIBS)

%C%_check_executor_SOURCES = %D%/check_executor.c
%C%_check_executor_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_executor_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_blocks_SOURCES = %D%/check_blocks.c %D%/io_instance.h
%C%_check_blocks_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_blocks_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_spans_SOURCES = %D%/check_spans.c %D%/io_instance.h
%C%_check_spans_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_spans_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_wave_SOURCES = %D%/check_wave.c %D%/io_instance.h
%C%_check_wave_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_wave_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_native_SOURCES = %D%/check_native.c
%C%_check_native_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_native_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_cuda_SOURCES = %D%/check_cuda.c %D%/io_instance.h %D%/cuda_programs.h %D%/cuda_host/compile.c %D%/cuda_host/compile.h
%C%_check_cuda_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_cuda_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_apply_SOURCES = %D%/check_apply.c %D%/io_instance.h
%C%_check_apply_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_apply_LDADD = $(IO_LIBS) $(CHECK_LIBS)
%C%_check_bitset_SOURCES = %D%/check_bitset.c
%C%_check_bitset_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_bitset_LDADD = $(UNIT_LIBS)
%C%_check_kernels_SOURCES = %D%/check_kernels.c
%C%_check_kernels_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_kernels_LDADD = $(UNIT_LIBS)
%C%_check_bounded_SOURCES = %D%/check_bounded.c
%C%_check_bounded_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_bounded_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_pour_SOURCES = %D%/check_pour.c %D%/io_instance.h
%C%_check_pour_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_pour_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_store_SOURCES = %D%/check_store.c
%C%_check_store_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_store_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_course_SOURCES = %D%/check_course.c
%C%_check_course_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_course_LDADD = $(UNIT_LIBS)
%C%_check_reduce_SOURCES = %D%/check_reduce.c
%C%_check_reduce_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_reduce_LDADD = $(UNIT_LIBS)
EXTRA_DIST += %D%/golden/reduce.txt

# a disk in memory that loses its power
CRASH_DISK = %D%/crash_disk.c %D%/crash_disk.h %D%/crash_disk_parts.h %D%/crash_disk_power.c %D%/crash_vfs.c %D%/crash_vfs.h
%C%_check_crash_disk_SOURCES = %D%/check_crash_disk.c $(CRASH_DISK)
%C%_check_crash_disk_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
%C%_check_crash_disk_LDADD = $(CHECK_LIBS)
# state folders on it: MMSB_CRASH_FULL=N for every operation, N seeds each
%C%_check_crash_SOURCES = %D%/check_crash.c %D%/io_instance.h $(CRASH_DISK)
%C%_check_crash_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_crash_LDADD = $(IO_LIBS) $(CHECK_LIBS)

# what commits tell a journal; which files of a state folder count
%C%_check_history_SOURCES = %D%/check_history.c %D%/io_instance.h %D%/state_folder.h
%C%_check_history_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_history_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
# MMSB_REPLAY_EPOCHS=1000000 for more
%C%_check_replay_SOURCES = %D%/check_replay.c %D%/io_instance.h
%C%_check_replay_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_replay_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_journal_SOURCES = %D%/check_journal.c %D%/io_instance.h
%C%_check_journal_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_journal_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_state_SOURCES = %D%/check_state.c %D%/io_instance.h
%C%_check_state_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_state_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_manifest_SOURCES = %D%/check_manifest.c
%C%_check_manifest_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_manifest_LDADD = $(UNIT_LIBS)

%C%_check_sparse_SOURCES = %D%/check_sparse.c %D%/failing_malloc.h
%C%_check_sparse_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_sparse_LDADD = $(UNIT_LIBS)

%C%_check_propagation_SOURCES = %D%/check_propagation.c %D%/cost.h %D%/io_instance.h
%C%_check_propagation_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_propagation_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_propagation_state_SOURCES = %D%/check_propagation_state.c %D%/cost.h %D%/io_instance.h
%C%_check_propagation_state_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_propagation_state_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_log_SOURCES = %D%/check_log.c %D%/log_trial.h %D%/failing_malloc.h %D%/io_instance.h
%C%_check_log_reused_SOURCES = %D%/check_log_reused.c %D%/log_trial.h %D%/failing_malloc.h %D%/io_instance.h
%C%_check_log_reused_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_log_reused_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_log_ends_SOURCES = %D%/check_log_ends.c %D%/log_trial.h %D%/failing_malloc.h %D%/io_instance.h
%C%_check_log_ends_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_log_ends_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_log_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_log_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_checkpoint_SOURCES = %D%/check_checkpoint.c %D%/failing_malloc.h %D%/io_instance.h
%C%_check_checkpoint_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_checkpoint_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)
%C%_check_rollback_SOURCES = %D%/check_rollback.c %D%/io_instance.h
%C%_check_rollback_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_rollback_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)

%C%_check_instance_SOURCES = %D%/check_instance.c
%C%_check_instance_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_instance_LDADD = libcompiler.la liblang.la $(YAML_LIBS) $(UNIT_LIBS)

# the examples' figures, computed another way
%C%_check_examples_SOURCES = %D%/check_examples.c
%C%_check_examples_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_examples_LDADD = $(CHECK_LIBS) -lm

# random programs on the executor and on the naive evaluator
check_PROGRAMS += %D%/property
check_LTLIBRARIES += %D%/libtrial.la
%C%_libtrial_la_SOURCES = %D%/trial.h %D%/trial_make.c %D%/trial_stage.c %D%/trial_compare.c $(NAIVE) $(GENERATE)
%C%_property_SOURCES = %D%/property.c %D%/trial_kernels.c %D%/cuda_host/compile.c %D%/cuda_host/compile.h
%C%_property_CFLAGS = $(AM_CFLAGS)
%C%_property_LDADD = %D%/libtrial.la libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
MOSTLYCLEANFILES += property-*.kernels property-*.kernels.cu property-*.mmsb property-*.delta property-*.checkpoint property-*.checkpoint.new property-*.state/*

%C%_check_lang_SOURCES = %D%/check_lang.c %D%/lang_random.c %D%/lang_texts.h %D%/roundtrip.h
%C%_check_lang_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_lang_LDADD = liblang.la $(UNIT_LIBS)

%C%_check_number_SOURCES = %D%/check_number.c
%C%_check_number_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_number_LDADD = $(UNIT_LIBS)

# files in and out, through a compiled program
IO_LIBS = libcompiler.la liblang.la libmmsb_files.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
%C%_check_io_SOURCES = %D%/check_io.c %D%/io_instance.h
%C%_check_io_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_io_LDADD = $(IO_LIBS) $(CHECK_LIBS)
%C%_check_delta_SOURCES = %D%/check_delta.c %D%/io_instance.h
%C%_check_delta_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_delta_LDADD = $(IO_LIBS) $(CHECK_LIBS)
check_PROGRAMS += %D%/count_epochs %D%/inject_epochs
TESTS += %D%/count_epochs
%C%_inject_epochs_SOURCES = %D%/inject_epochs.c %D%/failing_malloc.h
%C%_inject_epochs_LDADD = %D%/libtrial.la libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
%C%_count_epochs_SOURCES = %D%/count_epochs.c %D%/failing_malloc.h %D%/io_instance.h
%C%_count_epochs_LDADD = $(IO_LIBS)
# the program itself, killed again and again: MMSB_KILLS=500 for more
check_PROGRAMS += %D%/kill
TESTS += %D%/kill
%C%_kill_SOURCES = %D%/kill.c
check_PROGRAMS += %D%/inject_io
TESTS += %D%/inject_io
%C%_inject_io_SOURCES = %D%/inject_io.c %D%/failing_malloc.h %D%/io_instance.h
%C%_inject_io_LDADD = $(IO_LIBS)
check_PROGRAMS += %D%/inject_readers
TESTS += %D%/inject_readers
%C%_inject_readers_SOURCES = %D%/inject_readers.c %D%/failing_malloc.h %D%/io_instance.h
%C%_inject_readers_LDADD = $(IO_LIBS)

%C%_check_elementary_SOURCES = %D%/check_elementary.c %D%/elementary_cases.h
%C%_check_elementary_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_elementary_LDADD = $(UNIT_LIBS)

%C%_check_state_threads_SOURCES = %D%/check_state_threads.c %D%/io_instance.h
%C%_check_state_threads_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_state_threads_LDADD = $(IO_LIBS) $(CHECK_LIBS)
%C%_check_threads_SOURCES = %D%/check_threads.c %D%/io_instance.h
%C%_check_threads_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_threads_LDADD = $(IO_LIBS) $(CHECK_LIBS)

%C%_check_events_SOURCES = %D%/check_events.c %D%/io_instance.h
%C%_check_events_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_events_LDADD = $(IO_LIBS) $(CHECK_LIBS)
%C%_check_changes_SOURCES = %D%/check_changes.c %D%/io_instance.h
%C%_check_changes_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
%C%_check_changes_LDADD = $(IO_LIBS) $(CHECK_LIBS)

# A libcuda that runs kernels on the CPU: opened at run time, so it is shared also where no libraries are, and has no sanitizer, which
# fibers confuse.
EMULATOR = %D%/cuda_host/fake_cuda.c %D%/cuda_host/fake_nvrtc.c %D%/cuda_host/fibers.c %D%/cuda_host/compile.c
EMULATOR_NEEDS = %D%/cuda_host/fibers.h %D%/cuda_host/cuda_host.h gpu/driver.h gpu/launch.h
check_DATA += %D%/cuda_host/fake_cuda.so
CLEANFILES += %D%/cuda_host/fake_cuda.so
EXTRA_DIST += $(EMULATOR) $(EMULATOR_NEEDS)
%D%/cuda_host/fake_cuda.so: $(EMULATOR) $(EMULATOR_NEEDS)
	@$(MKDIR_P) %D%/cuda_host
	$(AM_V_CCLD)(cd $(srcdir) && $(CC) -std=gnu11 -O1 -g $(WARN_CFLAGS) $(WERROR_CFLAGS) -I. -shared -fPIC -o $(abs_builddir)/$@ $(EMULATOR) -ldl)
# without a C++ compiler it is skipped
TESTS += %D%/cuda.sh
EXTRA_DIST += %D%/cuda.sh

# what has threads of its own, for the thread sanitizer
THREAD_TESTS = %D%/check_threads %D%/check_log_ends %D%/check_log_reused %D%/check_state_threads
.PHONY: check-threads print-thread-tests thread-tests
print-thread-tests:
	@echo $(THREAD_TESTS)
# these programs alone, and what they link
thread-tests: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(THREAD_TESTS)
check-threads: thread-tests
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(THREAD_TESTS)'

# what only a real CUDA device can show; skipped where there is none
.PHONY: gpu-check
gpu-check: mmsb mmsbc %D%/property
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/gpu_check.sh || test $$? -eq 77

EXTRA_DIST += %D%/embed.sh %D%/installed.sh %D%/gpu_check.sh
installcheck-local: %D%/run_cases$(EXEEXT)
	bindir='$(DESTDIR)$(bindir)' libdir='$(DESTDIR)$(libdir)' includedir='$(DESTDIR)$(includedir)' PKG_CONFIG_SYSROOT_DIR='$(DESTDIR)' \
		CC='$(CC)' SANITIZE_CFLAGS='$(SANITIZE_CFLAGS)' MMSB_SRCDIR='$(abs_top_srcdir)' MMSB_BUILDDIR='$(abs_top_builddir)' \
		$(srcdir)/tests/installed.sh

# Fuzz targets: with --enable-fuzz (CC=clang) libFuzzer's; else replay.c runs them over their corpus as tests.
# A target is tests/fuzz/fuzz_NAME.c with its corpus in tests/fuzz/corpus/NAME.
FUZZ_TARGETS = %D%/fuzz/fuzz_lang
FUZZ_TARGETS += %D%/fuzz/fuzz_parse %D%/fuzz/fuzz_compile
FUZZ_TARGETS += %D%/fuzz/fuzz_mmsbx
FUZZ_TARGETS += %D%/fuzz/fuzz_npy %D%/fuzz/fuzz_csv %D%/fuzz/fuzz_mtx %D%/fuzz/fuzz_yaml %D%/fuzz/fuzz_delta
FUZZ_TARGETS += %D%/fuzz/fuzz_checkpoint %D%/fuzz/fuzz_log %D%/fuzz/fuzz_manifest %D%/fuzz/fuzz_events
if ENABLE_FUZZ
noinst_PROGRAMS += $(FUZZ_TARGETS)
FUZZ_MAIN =
FUZZ_LINK = -fsanitize=fuzzer
else
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)
FUZZ_MAIN = %D%/fuzz/replay.c
FUZZ_LINK =
endif
%C%_fuzz_fuzz_lang_SOURCES = %D%/fuzz/fuzz_lang.c $(FUZZ_MAIN)
%C%_fuzz_fuzz_lang_LDADD = liblang.la libmmsb_internal.la $(XXHASH_LIBS)
%C%_fuzz_fuzz_lang_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_mmsbx_SOURCES = %D%/fuzz/fuzz_mmsbx.c $(FUZZ_MAIN)
%C%_fuzz_fuzz_mmsbx_LDADD = libmmsb_internal.la $(XXHASH_LIBS)
%C%_fuzz_fuzz_mmsbx_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_compile_SOURCES = %D%/fuzz/fuzz_compile.c $(FUZZ_MAIN)
%C%_fuzz_fuzz_compile_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
%C%_fuzz_fuzz_compile_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_parse_SOURCES = %D%/fuzz/fuzz_parse.c $(FUZZ_MAIN)
%C%_fuzz_fuzz_parse_LDADD = liblang.la
%C%_fuzz_fuzz_parse_LDFLAGS = $(FUZZ_LINK)
FUZZ_FILES_LIBS = libmmsb_files.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
%C%_fuzz_fuzz_npy_SOURCES = %D%/fuzz/fuzz_npy.c $(FUZZ_MAIN)
%C%_fuzz_fuzz_npy_LDADD = $(FUZZ_FILES_LIBS)
%C%_fuzz_fuzz_npy_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_csv_SOURCES = %D%/fuzz/fuzz_csv.c %D%/fuzz/text_page.h $(FUZZ_MAIN)
%C%_fuzz_fuzz_csv_LDADD = $(FUZZ_FILES_LIBS)
%C%_fuzz_fuzz_csv_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_mtx_SOURCES = %D%/fuzz/fuzz_mtx.c %D%/fuzz/text_page.h $(FUZZ_MAIN)
%C%_fuzz_fuzz_mtx_LDADD = $(FUZZ_FILES_LIBS)
%C%_fuzz_fuzz_mtx_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_yaml_SOURCES = %D%/fuzz/fuzz_yaml.c $(FUZZ_MAIN)
%C%_fuzz_fuzz_yaml_LDADD = $(FUZZ_FILES_LIBS)
%C%_fuzz_fuzz_yaml_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_delta_SOURCES = %D%/fuzz/fuzz_delta.c %D%/io_instance.h $(FUZZ_MAIN)
%C%_fuzz_fuzz_delta_LDADD = $(IO_LIBS)
%C%_fuzz_fuzz_delta_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_manifest_SOURCES = %D%/fuzz/fuzz_manifest.c $(FUZZ_MAIN)
%C%_fuzz_fuzz_manifest_LDADD = libmmsb_internal.la $(XXHASH_LIBS)
%C%_fuzz_fuzz_manifest_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_checkpoint_SOURCES = %D%/fuzz/fuzz_checkpoint.c %D%/io_instance.h $(FUZZ_MAIN)
%C%_fuzz_fuzz_checkpoint_LDADD = $(IO_LIBS)
%C%_fuzz_fuzz_checkpoint_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_log_SOURCES = %D%/fuzz/fuzz_log.c %D%/fuzz/mend_log.h %D%/io_instance.h $(FUZZ_MAIN)
%C%_fuzz_fuzz_log_LDADD = $(IO_LIBS)
%C%_fuzz_fuzz_log_LDFLAGS = $(FUZZ_LINK)
%C%_fuzz_fuzz_events_SOURCES = %D%/fuzz/fuzz_events.c %D%/fuzz/mend_log.h %D%/io_instance.h $(FUZZ_MAIN)
%C%_fuzz_fuzz_events_LDADD = $(IO_LIBS)
%C%_fuzz_fuzz_events_LDFLAGS = $(FUZZ_LINK)
EXTRA_DIST += %D%/fuzz/corpus %D%/fuzz/replay.c

# the error of elementary functions against MPFR: a tool, run by hand over all inputs
if HAVE_MPFR
check_PROGRAMS += %D%/ulp
%C%_ulp_SOURCES = %D%/ulp.c
%C%_ulp_LDADD = $(MPFR_LIBS)
endif
