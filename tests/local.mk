# tests/: CONTRIBUTING.md says how to add one. A test ends its output with `N passed, M failed`.
check_PROGRAMS += %D%/run_cases
%C%_run_cases_SOURCES = %D%/run_cases.c %D%/cases.h %D%/case_text.c %D%/case_docs.c %D%/case_file.c %D%/case_file.h \
	%D%/case_compare.c %D%/case_compare.h

TEST_EXTENSIONS = .test .md .sh
TEST_LOG_COMPILER = %D%/run_cases --bin=.
MD_LOG_COMPILER = %D%/run_cases --bin=.
AM_TESTS_ENVIRONMENT = MMSB_SRCDIR='$(abs_top_srcdir)'; MMSB_BUILDDIR='$(abs_top_builddir)'; NM='$(NM)'; export MMSB_SRCDIR MMSB_BUILDDIR NM;

# text cases: cases/README.md
CASES = %D%/cases/runner.test
DOCUMENTS = README.md
TESTS += $(CASES) $(DOCUMENTS)
EXTRA_DIST += $(CASES) %D%/cases/README.md
