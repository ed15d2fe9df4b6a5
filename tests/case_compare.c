/* case_compare.c: expected lines against the lines that came, with wildcards, and the difference shown. */
#include "case_compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY_TEXT "[...]"

/* `[...]` in an expected line stands for any text; the usual glob with one point to go back to. */
static bool line_matches(const char *pattern, const char *line)
{
	const size_t any = strlen(ANY_TEXT);
	const char *back_pattern = NULL, *back_line = NULL;
	for (;;) {
		if (strncmp(pattern, ANY_TEXT, any) == 0) {
			back_pattern = pattern += any;
			back_line = line;
			if (*pattern == '\0')
				return true;
		} else if (*line != '\0' && *pattern == *line) {
			pattern++;
			line++;
		} else if (*line == '\0' && *pattern == '\0') {
			return true;
		} else if (back_pattern && *back_line != '\0') {
			pattern = back_pattern;
			line = ++back_line;
		} else {
			return false;
		}
	}
}

static bool is_any_lines(const char *pattern)
{
	return strcmp(pattern, "...") == 0;
}

static bool matches(const char *pattern, const char *line)
{
	return line_matches(strcmp(pattern, "\\...") == 0 ? pattern + 1 : pattern, line);
}

bool compare_lines(const Lines *expected, const Lines *actual)
{
	size_t e = 0, a = 0, back_e = 0, back_a = 0;
	bool can_go_back = false;
	for (;;) {
		if (e < expected->count && is_any_lines(expected->line[e])) {
			can_go_back = true;
			back_e = ++e;
			back_a = a;
		} else if (e < expected->count && a < actual->count && matches(expected->line[e], actual->line[a])) {
			e++;
			a++;
		} else if (e == expected->count && a == actual->count) {
			return true;
		} else if (can_go_back && back_a < actual->count) {
			e = back_e;
			a = ++back_a;
		} else {
			return false;
		}
	}
}

static void show(char mark, const char *line)
{
	printf("    %c %s\n", mark, line);
}

/* The longest common subsequence, by the textbook's table. */
void compare_show(const Lines *expected, const Lines *actual)
{
	size_t e = 0, a = 0, wide = actual->count + 1;
	unsigned short *common = NULL;
	if (expected->count < 2000 && actual->count < 2000)
		common = calloc((expected->count + 1) * wide, sizeof *common);
	if (common)
		for (size_t i = expected->count; i-- > 0;)
			for (size_t j = actual->count; j-- > 0;) {
				unsigned short down = common[(i + 1) * wide + j], right = common[i * wide + j + 1];
				if (matches(expected->line[i], actual->line[j]))
					down = right = (unsigned short)(common[(i + 1) * wide + j + 1] + 1);
				common[i * wide + j] = down > right ? down : right;
			}
	while (e < expected->count || a < actual->count) {
		if (e < expected->count && a < actual->count && matches(expected->line[e], actual->line[a])) {
			show(' ', actual->line[a++]);
			e++;
		} else if (a == actual->count ||
				   (e < expected->count && (!common || common[(e + 1) * wide + a] >= common[e * wide + a + 1]))) {
			show('-', expected->line[e++]);
		} else {
			show('+', actual->line[a++]);
		}
	}
	free(common);
}
