/* cost.h - what an epoch costs, without a clock: how many elements each pass evaluates after a delta, against how
 * many the delta reaches by the rules of the language. Beside every instance that propagates stands one that evaluates
 * everything; after every epoch both must have the same digest. */
#ifndef MMSB_TESTS_COST_H
#define MMSB_TESTS_COST_H

#include "io_instance.h"
#include "unit.h"

enum { PROPAGATED, SCRATCH, BOTH };

static mmsb_instance *both[BOTH];
static mmsb_error err;
static uint64_t evaluated_before[256];

/* ---- instances --------------------------------------------------------------------------- */

static inline int id_of(const char *page)
{
	int id = mmsb_page(both[PROPAGATED], page);
	ck_assert_msg(id >= 0, "there is no page '%s'", page);
	return id;
}

/* text: the program; sizes: "N=100 M=3". */
static inline void start(const char *text, const char *sizes)
{
	mmsb_schedule *compiled = io_schedule(text);
	ck_assert_ptr_nonnull(compiled);
	for (int k = 0; k < BOTH; k++) {
		mmsb_options options = {.size = sizeof options, .threads = 1, .scratch = k == SCRATCH};
		ck_assert_int_eq(mmsb_instance_new(&both[k], compiled, &options, &err), MMSB_OK);
		char name[20];
		double value;
		int used;
		for (const char *at = sizes; sscanf(at, " %19[A-Z]=%lf%n", name, &value, &used) == 2; at += used)
			ck_assert_msg(mmsb_set_param(both[k], name, value, &err) == MMSB_OK, "%s", err.message);
		ck_assert_msg(mmsb_bind(both[k], &err) == MMSB_OK, "%s", err.message);
	}
	mmsb_schedule_close(compiled);
}

static inline void stop(void)
{
	for (int k = 0; k < BOTH; k++) {
		mmsb_instance_free(both[k]);
		both[k] = NULL;
	}
}

static inline const mmsb_pass_stats *stats_of(const char *page)
{
	mmsb_stats stats;
	mmsb_stats_get(both[PROPAGATED], &stats);
	for (unsigned i = 0; i < stats.n_passes; i++)
		if (strcmp(stats.passes[i].name, page) == 0)
			return &stats.passes[i];
	ck_abort_msg("no pass evaluates '%s'", page);
}

static inline void note_stats(void)
{
	mmsb_stats stats;
	mmsb_stats_get(both[PROPAGATED], &stats);
	for (unsigned i = 0; i < stats.n_passes && i < 256; i++)
		evaluated_before[i] = stats.passes[i].evaluated;
}

static inline void same_digests(int line)
{
	char hex[BOTH][33];
	for (int k = 0; k < BOTH; k++)
		ck_assert_int_eq(mmsb_digest(both[k], hex[k], &err), MMSB_OK);
	ck_assert_msg(strcmp(hex[PROPAGATED], hex[SCRATCH]) == 0, "line %d: not what evaluating everything gives", line);
}

/* One epoch. digest: compare (which looks at @lazy pages). */
static inline void commit_at(int line, bool digest)
{
	note_stats();
	for (int k = 0; k < BOTH; k++)
		ck_assert_msg(mmsb_commit(both[k], NULL, &err) == MMSB_OK, "line %d: %s", line, err.message);
	if (digest)
		same_digests(line);
}
#define COMMIT() commit_at(__LINE__, true)

static inline uint64_t evaluated(const char *page)
{
	mmsb_stats stats;
	mmsb_stats_get(both[PROPAGATED], &stats);
	const mmsb_pass_stats *s = stats_of(page);
	return s->evaluated - evaluated_before[s - stats.passes];
}

/* The last commit evaluated so many elements of the page. */
#define COST(page, n)                                                                                                          \
	ck_assert_msg(evaluated(page) == (uint64_t)(n), "%s: %llu elements are evaluated, not %llu", page,                     \
	              (unsigned long long)evaluated(page), (unsigned long long)(n))
/* Elements that lie side by side are evaluated in words of 64: those at the ends of a run may be whole. */
#define COST_OF_RUN(page, n)                                                                                                   \
	ck_assert_msg(evaluated(page) >= (uint64_t)(n) && evaluated(page) <= (uint64_t)(n) + 126, "%s: %llu elements are evaluated, not %llu and what shares their words", \
	              page, (unsigned long long)evaluated(page), (unsigned long long)(n))
#define COST_AT_MOST(page, n)                                                                                                  \
	ck_assert_msg(evaluated(page) <= (uint64_t)(n), "%s: %llu elements are evaluated, more than %llu", page,               \
	              (unsigned long long)evaluated(page), (unsigned long long)(n))

static inline void value_of(const mmsb_info *info, double value, void *to)
{
	switch (info->type) {
	case MMSB_F64: memcpy(to, &value, 8); break;
	case MMSB_F32: memcpy(to, &(float){(float)value}, 4); break;
	case MMSB_BOOL: memcpy(to, &(uint8_t){value != 0}, 1); break;
	case MMSB_U32: memcpy(to, &(uint32_t){(uint32_t)value}, 4); break;
	case MMSB_I64: memcpy(to, &(int64_t){(int64_t)value}, 8); break;
	default: memcpy(to, &(int32_t){(int32_t)value}, 4); break;
	}
}

static inline void set(const char *page, uint64_t at, double value)
{
	mmsb_info info;
	uint8_t bytes[8];
	ck_assert_int_eq(mmsb_page_info(both[0], id_of(page), &info), MMSB_OK);
	value_of(&info, value, bytes);
	for (int k = 0; k < BOTH; k++)
		ck_assert_msg(mmsb_scatter(both[k], id_of(page), 1, &at, bytes, &err) == MMSB_OK, "%s", err.message);
}

static inline void set_field(const char *page, unsigned field, uint64_t at, double value)
{
	for (int k = 0; k < BOTH; k++)
		ck_assert_msg(mmsb_scatter_field(both[k], id_of(page), field, 1, &at, &value, &err) == MMSB_OK, "%s", err.message);
}

static inline void insert(const char *page, uint64_t row, uint64_t col, double value)
{
	mmsb_info info;
	uint8_t bytes[8];
	ck_assert_int_eq(mmsb_page_info(both[0], id_of(page), &info), MMSB_OK);
	value_of(&info, value, bytes);
	for (int k = 0; k < BOTH; k++)
		ck_assert_msg(mmsb_insert(both[k], id_of(page), 1, &row, &col, info.type == MMSB_BOOL ? NULL : bytes, &err) == MMSB_OK, "%s",
		              err.message);
}

static inline void erase(const char *page, uint64_t row, uint64_t col)
{
	for (int k = 0; k < BOTH; k++)
		ck_assert_int_eq(mmsb_erase(both[k], id_of(page), 1, &row, &col, &err), MMSB_OK);
}

/* Element i becomes first + i % every. */
static inline void fill(const char *page, double first, uint64_t every)
{
	mmsb_info info;
	ck_assert_int_eq(mmsb_page_info(both[0], id_of(page), &info), MMSB_OK);
	for (uint64_t i = 0; i < info.count; i++)
		set(page, i, first + (double)(i % every));
}

#endif
