/* cases.h: what the two readers of test cases (case_text.c, case_docs.c) produce and run_cases.c runs. */
#ifndef MMSB_TESTS_CASES_H
#define MMSB_TESTS_CASES_H

#include <stdbool.h>
#include <stddef.h>

/* A growing byte string; always followed by a NUL. */
typedef struct {
	char *data;
	size_t size, room;
} Text;

/* The lines of a file, without their newlines. */
typedef struct {
	char **line;
	size_t count, room;
} Lines;

typedef enum { STEP_FILE, STEP_COMMAND } StepKind;

/* How the outcome of a command is judged. */
typedef enum {
	EXPECT_OUTPUT, /* the lines `expected`, with wildcards, and the status */
	EXPECT_ERROR   /* status 1 and `needle` somewhere in the output */
} Expect;

/* One thing a block does: write a file, or run a command. */
typedef struct {
	StepKind kind;
	size_t line;          /* 1-based line in the case file */
	char *text;           /* name of the file, or the command */
	Text content;         /* of the file */
	Expect expect;
	Lines expected;       /* unescaped; trailing blank lines dropped */
	char *needle;
	int status;
	bool fixed;           /* the expectation is implied, not written: --update leaves it alone */
	size_t first, end;    /* the 0-based source lines [first, end) that --update replaces */
} Step;

typedef struct {
	char *name;
	size_t line;
	Step *step;
	size_t count, room;
} Block;

typedef struct {
	const char *path;
	Lines source;
	Block *block;
	size_t count, room;
	bool document;        /* Markdown: its blocks share one folder, and nothing is escaped */
} CaseFile;

/* Both readers print FILE:LINE: and a reason, and give false, where the file does not follow its format. */
bool case_text_read(CaseFile *file);
bool case_docs_read(CaseFile *file);

/* Whether an output line must be escaped in a .test file: it reads like a marker. */
bool case_needs_escape(const char *line);

void text_add(Text *text, const char *data, size_t size);
void lines_add(Lines *lines, const char *text);
void lines_drop_blank_end(Lines *lines);
Block *case_block(CaseFile *file, size_t line, const char *name);
Step *case_step(Block *block, StepKind kind, size_t line, const char *text);
bool case_error(const CaseFile *file, size_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Memory or a message and exit: this is a test program. */
void *case_memory(void *old, size_t count, size_t size);
char *case_copy(const char *text);

#endif
