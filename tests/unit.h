/* unit.h: the main of every Check program. Each check_*.c ends with
	   int main(void) { Suite *s = …; return unit_run(s); }
   and so prints `N passed, M failed` as its last line, as all tests do. */
#ifndef MMSB_TESTS_UNIT_H
#define MMSB_TESTS_UNIT_H

#include <check.h>
#include <stdio.h>

static inline int unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner), passed = srunner_ntests_run(runner) - failed;
	srunner_free(runner);
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0 || passed == 0;
}

#endif
