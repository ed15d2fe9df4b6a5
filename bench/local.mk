# bench/: `make bench` runs the benchmarks, each beside its rival; RESULTS.md holds what was measured. `make bench-build` builds them;
# bench/run.sh takes names of benchmarks, and sizes from the environment.
BENCHMARKS = %D%/scratch %D%/chain %D%/expression %D%/life %D%/paths %D%/portfolio %D%/durable
EXTRA_PROGRAMS = $(BENCHMARKS)
CLEANFILES += $(BENCHMARKS)
# the rivals are compiled for this very machine, as MMSB's kernels are chosen for it
RIVAL_CFLAGS = $(AM_CFLAGS) -O3 -march=native
RIVAL_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/runtime

%C%_scratch_SOURCES = %D%/scratch.c
%C%_scratch_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/runtime
%C%_scratch_LDADD = libmmsb.la
%C%_chain_SOURCES = %D%/chain.c %D%/bench.h
%C%_chain_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_chain_CFLAGS = $(RIVAL_CFLAGS)
%C%_chain_LDADD = libmmsb.la
%C%_expression_SOURCES = %D%/expression.c %D%/bench.h
%C%_expression_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_expression_CFLAGS = $(RIVAL_CFLAGS)
%C%_expression_LDADD = libmmsb.la
%C%_life_SOURCES = %D%/life.c %D%/bench.h
%C%_life_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_life_CFLAGS = $(RIVAL_CFLAGS)
%C%_life_LDADD = libmmsb.la
%C%_paths_SOURCES = %D%/paths.c %D%/arcs.c %D%/arcs.h %D%/bench.h %D%/digraph.c %D%/digraph.h
%C%_paths_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_paths_CFLAGS = $(RIVAL_CFLAGS)
%C%_paths_LDADD = libmmsb.la
BENCHMARKS += %D%/rows
%C%_rows_SOURCES = %D%/rows.c %D%/arcs.c %D%/arcs.h %D%/bench.h %D%/digraph.h
%C%_rows_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_rows_CFLAGS = $(RIVAL_CFLAGS)
%C%_rows_LDADD = libmmsb.la
EXTRA_DIST += %D%/graphblas_rows.py %D%/rows_plus_times.mmsb %D%/rows_min_plus.mmsb %D%/rows_or_and.mmsb
%C%_portfolio_SOURCES = %D%/portfolio.c %D%/bench.h
%C%_portfolio_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_portfolio_CFLAGS = $(RIVAL_CFLAGS)
%C%_portfolio_LDADD = libmmsb.la
# storage engines are loaded at run time, where they are installed
%C%_durable_SOURCES = %D%/durable.c %D%/bench.h %D%/own_log.c %D%/own_log.h %D%/raw.c %D%/raw.h %D%/rivals.c %D%/rivals.h
%C%_durable_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_durable_CFLAGS = $(RIVAL_CFLAGS)
%C%_durable_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS) -ldl
# which looks into the state
BENCHMARKS += %D%/checkpoint
%C%_checkpoint_SOURCES = %D%/checkpoint.c %D%/bench.h
%C%_checkpoint_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_checkpoint_CFLAGS = $(RIVAL_CFLAGS)
%C%_checkpoint_LDADD = libmmsb_internal.la $(XXHASH_LIBS)
EXTRA_DIST += %D%/checkpoint.mmsb
# which compiles programs itself
BENCHMARKS += %D%/native
%C%_native_SOURCES = %D%/native.c %D%/bench.h %D%/program.h
%C%_native_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_native_CFLAGS = $(RIVAL_CFLAGS)
%C%_native_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS) -lmvec
EXTRA_DIST += %D%/options.mmsb %D%/heat.mmsb
BENCHMARKS += %D%/reductions
%C%_reductions_SOURCES = %D%/reductions.c %D%/bench.h %D%/lanes.h %D%/program.h
%C%_reductions_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_reductions_CFLAGS = $(RIVAL_CFLAGS)
%C%_reductions_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
# which loads OpenBLAS at run time, where it is installed
BENCHMARKS += %D%/matmul
%C%_matmul_SOURCES = %D%/matmul.c %D%/bench.h %D%/program.h
%C%_matmul_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_matmul_CFLAGS = $(RIVAL_CFLAGS)
%C%_matmul_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS) -ldl
EXTRA_DIST += %D%/matmul.mmsb
BENCHMARKS += %D%/densities
%C%_densities_SOURCES = %D%/densities.c %D%/bench.h %D%/program.h
%C%_densities_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_densities_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
BENCHMARKS += %D%/lists
%C%_lists_SOURCES = %D%/lists.c %D%/bench.h %D%/program.h
%C%_lists_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_lists_CFLAGS = $(RIVAL_CFLAGS)
%C%_lists_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
BENCHMARKS += %D%/ticks
%C%_ticks_SOURCES = %D%/ticks.c %D%/bench.h %D%/program.h
%C%_ticks_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_ticks_CFLAGS = $(RIVAL_CFLAGS)
%C%_ticks_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
EXTRA_DIST += %D%/ticks.mmsb
EXTRA_DIST += %D%/elementary.c %D%/lanes.h %D%/RESULTS.md %D%/run.sh %D%/rival.py %D%/graphblas_paths.py %D%/numexpr_rival.py %D%/reach.mmsb %D%/pagerank.mmsb %D%/expression.mmsb %D%/sum.mmsb %D%/deltas.awk %D%/large.awk \
	%D%/chain.awk %D%/portfolio.mmsb %D%/portfolio.py %D%/shortest.mmsb %D%/expression_sum.mmsb

.PHONY: bench-build
bench-build: $(BENCHMARKS) %D%/primitives
bench: mmsb mmsbc bench-build
	$(srcdir)/bench/run.sh .

# The primitives of the runtime beside loops of C for this very machine, which uses more of the runtime than its header offers.
EXTRA_PROGRAMS += %D%/primitives
CLEANFILES += %D%/primitives
%C%_primitives_SOURCES = %D%/primitives.c
%C%_primitives_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_primitives_CFLAGS = $(AM_CFLAGS) -O3 -march=native
%C%_primitives_LDADD = libmmsb_internal.la $(XXHASH_LIBS) -ldl
EXTRA_DIST += %D%/primitives.sh
.PHONY: bench-primitives
bench-primitives: mmsbc %D%/primitives
	$(srcdir)/bench/primitives.sh .
bench: bench-primitives

# On a CUDA device; skipped where there is none.
EXTRA_PROGRAMS += %D%/gpu
CLEANFILES += %D%/gpu
%C%_gpu_SOURCES = %D%/gpu.c %D%/bench.h %D%/program.h
%C%_gpu_CPPFLAGS = $(RIVAL_CPPFLAGS)
%C%_gpu_CFLAGS = $(RIVAL_CFLAGS)
%C%_gpu_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS) -ldl
EXTRA_DIST += %D%/gpu_bench.sh %D%/gpu_fx.mmsb
.PHONY: gpu-bench
gpu-bench: %D%/gpu
	$(srcdir)/bench/gpu_bench.sh . || test $$? -eq 77
