# bench/: `make bench` runs the benchmarks, each beside its rival; RESULTS.md holds what was measured.
EXTRA_PROGRAMS = %D%/scratch
CLEANFILES += %D%/scratch
%C%_scratch_SOURCES = %D%/scratch.c
%C%_scratch_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/runtime
%C%_scratch_LDADD = libmmsb.la
EXTRA_DIST += %D%/elementary.c %D%/RESULTS.md %D%/run.sh %D%/rival.py %D%/expression.mmsb %D%/sum.mmsb %D%/deltas.awk %D%/large.awk

bench: mmsb mmsbc %D%/scratch
	$(srcdir)/bench/run.sh .
