/* case_file.h: loading and updating a file of test cases, for run_cases.c. */
#ifndef MMSB_TESTS_CASE_FILE_H
#define MMSB_TESTS_CASE_FILE_H

#include "cases.h"

/* What a step that --update is to rewrite really gave. */
typedef struct {
	const Step *step;
	Lines lines;
	int status;
} Outcome;

bool case_file_load(CaseFile *file, const char *path);
void case_file_free(CaseFile *file);
/* Rewrites the file; `outcome` is in the order of the source. */
bool case_file_update(const CaseFile *file, const Outcome *outcome, size_t count);

/* Adds the lines of `text`; `unended` (may be NULL) follows a last line without a newline. */
void lines_split(Lines *lines, const Text *text, const char *unended);
void lines_free(Lines *lines);

#endif
