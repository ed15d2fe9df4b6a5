/* unit.h: the main of every Check program. Each check_*.c ends with
	   int main(void) { Suite *s = …; return unit_run(s); }
   and so prints `N passed, M failed` as its last line, as all tests do. */
#ifndef MMSB_TESTS_UNIT_H
#define MMSB_TESTS_UNIT_H

#include <check.h>
#include <stdio.h>

/* Check writes a record of every assertion that holds, and reads all of them when the test has ended: in loops that took most of the time that
 * tests take. Each assertion is recorded once; a crash is still told with the last one that was new. */
#define _mark_point(file, line)                                                                              \
	__extension__({                                                                                      \
		static int recorded_;                                                                        \
		if (!__atomic_load_n(&recorded_, __ATOMIC_RELAXED) && !__atomic_exchange_n(&recorded_, 1, __ATOMIC_RELAXED)) \
			(_mark_point)(file, line);                                                           \
		(void)0;                                                                                     \
	})

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
