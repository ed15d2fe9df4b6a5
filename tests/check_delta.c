/* check_delta.c: changes as text: by hand, in pieces, with mistakes, and what one run watches another takes. */
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "runtime/deltatext.h"
#include "runtime/number.h"
#include "runtime/watch.h"
#include "tests/io_instance.h"
#include "tests/unit.h"

static const char program[] =
	"param N, M;\n"
	"record Quote { bid : f32; size : u16; at : index(N); ok : bool; }\n"
	"page price : f64[N] in;\n"
	"page m : i32[N, M] in;\n"
	"page cube : u8[2, N, 3] in;\n"
	"page at : index(N)[M] in;\n"
	"page quote : Quote[N] in;\n"
	"page one : Quote in;\n"
	"page rate : f32 in;\n"
	"page flag : bool in;\n"
	"page big : u64 in;\n"
	"page W : sparse f64[N, M] in;\n"
	"page E : sparse bool[N, N] in;\n"
	"page commit_ : f64 in;\n";

static mmsb_error err;
static mmsb_schedule *compiled;
static mmsb_instance *inst;

static mmsb_instance *fresh(int n, int m)
{
	mmsb_instance *made = io_instance(compiled);
	ck_assert_ptr_nonnull(made);
	ck_assert_int_eq(mmsb_set_param(made, "N", n, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_set_param(made, "M", m, &err), MMSB_OK);
	ck_assert_msg(mmsb_bind(made, &err) == MMSB_OK, "%s", err.message);
	return made;
}

static void setup(void)
{
	compiled = io_schedule(program);
	ck_assert_ptr_nonnull(compiled);
	inst = fresh(10, 4);
}

static void teardown(void)
{
	mmsb_instance_free(inst);
	mmsb_schedule_close(compiled);
}

static double number_at(const char *name, size_t i)
{
	mmsb_info info;
	int id = mmsb_page(inst, name);
	ck_assert_int_eq(mmsb_page_info(inst, id, &info), MMSB_OK);
	scalar v = number_load((const uint8_t *)mmsb_data(inst, id) + i * info.element, (unsigned)info.type);
	switch (type_table[info.type].kind) {
	case KIND_F: return info.type == MMSB_F64 ? v.F64 : (double)v.F32;
	case KIND_S: return v.I32;
	default: return (double)v.bits;
	}
}

/* Reads a text whole, and commits as it says. Returns the status of the first failure. */
static int apply(mmsb_instance *to, const char *text, int *epochs)
{
	delta_reader *r;
	delta_event event = DELTA_COMMIT;
	*epochs = 0;
	ck_assert_int_eq(delta_open_memory(&r, to, "t", text, strlen(text), &err), MMSB_OK);
	int status = MMSB_OK;
	while (status == MMSB_OK && (status = delta_next(r, &event, &err)) == MMSB_OK && event != DELTA_END) {
		status = mmsb_commit(to, NULL, &err);
		ck_assert_msg(status == MMSB_OK, "%s", err.message);
		++*epochs;
	}
	delta_close(r);
	return status;
}

START_TEST(every_form_of_line)
{
	int epochs;
	int status = apply(inst,
	                   "# comment\n\n  # another\r\n"
	                   "price,7,101.25\n"
	                   "price,2,1.0,2.5,3.0\r\n"
	                   " price , 9 , -inf \n"
	                   "m,1,2,-7,0x10\n"
	                   "cube,1,1_0,2,9\n"
	                   "commit\n"
	                   "price,7,1\nprice,7,2\nprice,7,3\n"
	                   "at,3,9\n"
	                   "quote.bid,4,99.5,1,2\n"
	                   "quote.ok,4,true\n"
	                   "one.size,65535\n"
	                   "rate,0.05\n"
	                   "flag,true\n"
	                   "big,18_446_744_073_709_551_615\n"
	                   "W,3,1,0.7,-,0.9\n"
	                   "W,3,1,-\n"
	                   "W,3,1,0.8\n"
	                   "E,1,2,true,true\n"
	                   "E,1,3,-\n"
	                   "commit   \n"
	                   "commit\n"
	                   "rate,2", &epochs);
	ck_assert_int_eq(status, MMSB_INPUT); /* cube has 10 rows: 1_0 is out of range */
	ck_assert_msg(strcmp(err.message, "t:8:8: error: page 'cube': index 1_0 is out of range: dimension 2 goes from 0 to 9") == 0, "%s",
	              err.message);
	ck_assert_int_eq(epochs, 0);
	mmsb_discard(inst);
	status = apply(inst,
	               "price,7,101.25\nprice,2,1.0,2.5,3.0\r\n price , 9 , -inf \nm,1,2,-7,0x10\ncube,1,9,2,9\ncommit\n"
	               "price,7,1\nprice,7,2\nprice,7,3\nat,3,9\nquote.bid,4,99.5,1,2\nquote.ok,4,true\none.size,65535\nrate,0.05\n"
	               "flag,true\nbig,18_446_744_073_709_551_615\nW,3,1,0.7,-,0.9\nW,3,1,-\nW,3,1,0.8\nE,1,2,true,true\nE,1,3,-\n"
	               "commit   \ncommit\nrate,2", &epochs);
	ck_assert_msg(status == MMSB_OK, "%s", err.message);
	ck_assert_int_eq(epochs, 4);
	ck_assert(number_at("price", 7) == 3 && number_at("price", 3) == 2.5 && isinf(number_at("price", 9)));
	ck_assert(number_at("m", 6) == -7 && number_at("m", 7) == 16 && number_at("cube", 59) == 9 && number_at("at", 3) == 9);
	ck_assert(number_at("rate", 0) == 2 && number_at("flag", 0) == 1 && number_at("big", 0) == 18446744073709551615.0);
	const uint64_t *row, *col;
	mmsb_info info;
	mmsb_page_info(inst, mmsb_page(inst, "W"), &info);
	ck_assert_int_eq(mmsb_entries(inst, mmsb_page(inst, "W"), &row, &col, &err), MMSB_OK);
	ck_assert(info.count == 2 && row[0] == 3 && col[0] == 1 && col[1] == 3 && number_at("W", 0) == 0.8 && number_at("W", 1) == 0.9);
	mmsb_page_info(inst, mmsb_page(inst, "E"), &info);
	ck_assert_int_eq(mmsb_entries(inst, mmsb_page(inst, "E"), &row, &col, &err), MMSB_OK);
	ck_assert(info.count == 1 && row[0] == 1 && col[0] == 2);
	mmsb_page_info(inst, mmsb_page(inst, "quote"), &info);
	const uint8_t *quote = mmsb_data(inst, mmsb_page(inst, "quote"));
	ck_assert(number_load(quote + 4 * info.element + info.fields[0].offset, T_F32).F32 == 99.5f);
	ck_assert(number_load(quote + 6 * info.element + info.fields[0].offset, T_F32).F32 == 2.0f);
	ck_assert(quote[4 * info.element + info.fields[3].offset] == 1);
}
END_TEST

START_TEST(what_ends_a_text)
{
	int epochs;
	ck_assert(apply(inst, "", &epochs) == MMSB_OK && epochs == 0);
	ck_assert(apply(inst, "\n# nothing\n", &epochs) == MMSB_OK && epochs == 0);
	ck_assert(apply(inst, "commit", &epochs) == MMSB_OK && epochs == 1);
	ck_assert(apply(inst, "commit\ncommit\n", &epochs) == MMSB_OK && epochs == 2);
	ck_assert(apply(inst, "rate,1\n", &epochs) == MMSB_OK && epochs == 1);
	ck_assert(apply(inst, "rate,1\ncommit\n\n\n", &epochs) == MMSB_OK && epochs == 1);
	ck_assert(apply(inst, "rate,1\ncommit\nrate,2", &epochs) == MMSB_OK && epochs == 2);
}
END_TEST

/* ---- mistakes ---------------------------------------------------------------------------------- */

static const struct { const char *line, *says; } mistakes[] = {
	{"price,10,1", ":7: error: page 'price': index 10 is out of range: dimension 1 goes from 0 to 9"},
	{"price,99999999999999999999999,1", ":7: error: page 'price': index 99999999999999999999999 is out of range"},
	{"price,-1,1", ":7: error: page 'price': index '-1' is negative"},
	{"price,x,1", ":7: error: page 'price': index 'x' is not a number"},
	{"price,1.0,1", ":7: error: page 'price': index '1.0' is not a whole number"},
	{"price,,1", ":7: error: page 'price': index 1 of 1 is missing"},
	{"price,1", ":8: error: page 'price': a value is missing behind the index"},
	{"price,1,", ":9: error: page 'price': the value is missing"},
	{"price,1,2,,3", ":11: error: page 'price': the value is missing"},
	{"price", ":6: error: page 'price': an index and a value are missing behind the name"},
	{"rate", ":5: error: page 'rate': a value is missing behind the name"},
	{"price,1,abc", ":9: error: page 'price': 'abc' is not a number"},
	{"price,1,NaN", ":9: error: page 'price': 'NaN' is not a number"},
	{"price,1,1.", ":9: error: page 'price': '1.' is not a number"},
	{"price,1,1 2", ":9: error: page 'price': '1 2' is not a number"},
	{"price,1,-", ":9: error: page 'price' is dense: only entries of sparse pages are deleted"},
	{"price,8,1,2,3", ":13: error: page 'price': this value has no place: the last dimension ends before it"},
	{"m,1,3,1,2", ":9: error: page 'm': this value has no place"},
	{"m,1,3", ":6: error: page 'm': a value is missing behind the indices"},
	{"m,1", ":4: error: page 'm': index 2 of 2 is missing"},
	{"rate,1,2", ":8: error: page 'rate': this value has no place: a scalar page takes one"},
	{"rate,1e50", ":6: error: page 'rate': '1e50' is larger than any f32"},
	{"m,1,1,1.5", ":7: error: page 'm': '1.5' is not a whole number, which i32 must be"},
	{"cube,0,0,0,256", ":12: error: page 'cube': '256' does not fit u8 (0 to 255)"},
	{"flag,2", ":6: error: page 'flag': '2' is not true or false"},
	{"at,0,10", ":6: error: page 'at': 10 is no index: it must be below 10"},
	{"quote.at,0,10", ":12: error: page 'quote.at': 10 is no index"},
	{"quote,0,1", ":1: error: page 'quote' holds records: name the field, as in quote.bid"},
	{"quote.bit,0,1", ":1: error: there is no page 'quote.bit'; did you mean 'quote.bid'?"},
	{"pricw,0,1", ":1: error: there is no page 'pricw'; did you mean 'price'?"},
	{"nowhere,0,1", ":1: error: there is no page 'nowhere'"},
	{",0,1", ":1: error: there is no page ''"},
	{"comit", ":1: error: there is no page 'comit'"},
	{"E,0,0,false", ":7: error: page 'E': an entry of a sparse bool is true; write - to delete it"},
	{"W,10,0,1", ":3: error: page 'W': index 10 is out of range"},
	{"W,0,4,1", ":5: error: page 'W': index 4 is out of range: dimension 2 goes from 0 to 3"},
	{"W,0,3,1,1", ":9: error: page 'W': this value has no place"},
	{"\xc3\xa9t\xc3\xa9,0,1", ":1: error: there is no page '\xc3\xa9t\xc3\xa9'"},
	{"price,\xc3\xa9,1", ":7: error: page 'price': index"},
	{"price,0,\xc3\xa9\xc3\xa9,1", ":9: error: page 'price': '\xc3\xa9\xc3\xa9' is not a number"},
	{"price,0,1,\xc3\xa9", ":11: error"},
	{"pr\tce,0,1", ":1: error: there is no page 'pr?ce'"},
};

/* The epoch before a mistake stands, nothing of its own is done, and reading can go on behind it. */
START_TEST(mistakes_are_told_and_passed_over)
{
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		char text[400], says[200];
		snprintf(text, sizeof text, "price,0,%zu\ncommit\nprice,0,-1\nm,0,0,-1\n%s\nprice,0,-2\n commit\nm,0,0,%zu\n", i, mistakes[i].line, i);
		snprintf(says, sizeof says, "t:5%s", mistakes[i].says);
		delta_reader *r;
		delta_event event;
		ck_assert_int_eq(delta_open_memory(&r, inst, "t", text, strlen(text), &err), MMSB_OK);
		ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_COMMIT);
		ck_assert_int_eq(mmsb_commit(inst, NULL, &err), MMSB_OK);
		ck_assert_int_eq(delta_next(r, &event, &err), MMSB_INPUT);
		ck_assert_msg(strncmp(err.message, says, strlen(says)) == 0, "'%s' says\n%s, not\n%s", mistakes[i].line, err.message, says);
		mmsb_discard(inst);
		ck_assert_int_eq(delta_skip(r, &err), MMSB_OK);
		ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_REST);
		ck_assert_int_eq(mmsb_commit(inst, NULL, &err), MMSB_OK);
		ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_END);
		ck_assert(number_at("price", 0) == (double)i && number_at("m", 0) == (double)i);
		delta_close(r);
	}
}
END_TEST

/* ---- in pieces --------------------------------------------------------------------------------- */

static void send(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static int waits;
static bool count_wait(void *arg, int fd)
{
	(void)arg;
	waits++;
	return fd >= 0;
}

/* A pipe that stays open: an epoch is there as soon as its commit line is. */
START_TEST(epochs_come_as_they_are_written)
{
	int ends[2];
	char path[32];
	delta_reader *r;
	delta_event event;
	ck_assert_int_eq(pipe(ends), 0);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	ck_assert_int_eq(delta_open(&r, inst, path, count_wait, NULL, &err), MMSB_OK);
	send(ends[1], "rate,1\ncommit\nra");
	ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_COMMIT);
	ck_assert_int_eq(waits, 1);
	ck_assert_int_eq(mmsb_commit(inst, NULL, &err), MMSB_OK);
	ck_assert(number_at("rate", 0) == 1);
	send(ends[1], "te,2\nprice,1,5\ncommit\ncommit\n");
	ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_COMMIT);
	ck_assert_int_eq(mmsb_commit(inst, NULL, &err), MMSB_OK);
	ck_assert(number_at("rate", 0) == 2 && number_at("price", 1) == 5);
	ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_COMMIT);
	ck_assert_int_eq(waits, 2);
	send(ends[1], "rate,3");
	close(ends[1]);
	ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_REST);
	ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_END);
	delta_close(r);
	close(ends[0]);
}
END_TEST

static bool second_stops(void *arg, int fd) { return fd >= 0 && ++*(int *)arg < 2; }

/* A run that is told to end while it waits for the rest of an epoch takes nothing of it: not the lines, and not half a number. */
START_TEST(stopped_amid_an_epoch)
{
	int ends[2], calls = 0;
	char path[32];
	delta_reader *r;
	delta_event event;
	ck_assert_int_eq(pipe(ends), 0);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	ck_assert_int_eq(delta_open(&r, inst, path, second_stops, &calls, &err), MMSB_OK);
	send(ends[1], "rate,1\ncommit\nrate,2\nprice,1,5\nrate,3");
	ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_COMMIT);
	ck_assert_int_eq(mmsb_commit(inst, NULL, &err), MMSB_OK);
	ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_STOPPED);
	ck_assert_int_eq(mmsb_commit(inst, NULL, &err), MMSB_OK);
	ck_assert(number_at("rate", 0) == 1 && number_at("price", 1) != 5);
	delta_close(r);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* A line longer than any buffer that there is at first. */
START_TEST(long_lines)
{
	enum { COUNT = 700000 };
	mmsb_instance *large = fresh(COUNT, 1);
	char path[] = "/tmp/mmsb-line-XXXXXX";
	int fd = mkstemp(path);
	FILE *out = fdopen(fd, "w");
	fprintf(out, "rate,1\nprice,0");
	for (int i = 0; i < COUNT; i++)
		fprintf(out, ",%d", i);
	fprintf(out, "\ncommit\n# %*s\nprice,0,1\ncommit", 3 << 20, "x");
	fclose(out);
	delta_reader *r;
	delta_event event;
	ck_assert_int_eq(delta_open(&r, large, path, NULL, NULL, &err), MMSB_OK);
	ck_assert_msg(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_COMMIT, "%s", err.message);
	ck_assert_int_eq(mmsb_commit(large, NULL, &err), MMSB_OK);
	const double *price = mmsb_data(large, mmsb_page(large, "price"));
	for (int i = 0; i < COUNT; i++)
		ck_assert(price[i] == i);
	ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_COMMIT);
	ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_END);
	delta_close(r);
	unlink(path);
	mmsb_instance_free(large);
}
END_TEST

/* ---- what one run watches, another takes ------------------------------------------------------- */

static uint64_t state;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void put_random_value(FILE *out, int type, int is_index, uint64_t range)
{
	scalar v = {.bits = draw() >> (64 - type_table[type].bytes * 8u)};
	if (is_index)
		v.bits = draw() % range;
	else if (type == MMSB_BOOL || draw() % 3 == 0)
		v.bits = type_table[type].kind == KIND_F ? 0 : draw() % 2;
	char text[NUMBER_ROOM + 1];
	text[number_print(text, (unsigned)type, v)] = '\0';
	fprintf(out, ",%s", text);
}

/* A line that changes some elements of a page. */
static void put_random_line(FILE *out, const mmsb_info *info)
{
	unsigned field = info->n_fields > 0 ? (unsigned)(draw() % info->n_fields) : 0;
	const mmsb_field *f = info->n_fields > 0 ? &info->fields[field] : NULL;
	fprintf(out, f == NULL ? "%s" : "%s.%s", info->name, f == NULL ? "" : f->name);
	uint64_t room = 1;
	for (unsigned k = 0; k < info->ndim; k++) {
		uint64_t at = draw() % info->shape[k];
		room = info->shape[k] - at;
		fprintf(out, ",%" PRIu64, at);
	}
	for (uint64_t n = 1 + draw() % room; n > 0; n--)
		if (info->sparse && draw() % 2)
			fprintf(out, ",-");
		else if (info->sparse && info->type == MMSB_BOOL)
			fprintf(out, ",true");
		else
			put_random_value(out, f == NULL ? info->type : f->type, f == NULL ? info->is_index : f->is_index,
			                 f == NULL ? info->range : f->range);
	fputc('\n', out);
}

static char *random_text(mmsb_instance *of, int epochs)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	for (int e = 0; e < epochs; e++) {
		for (uint64_t lines = draw() % 12; lines > 0; lines--) {
			mmsb_info info;
			int id = (int)(draw() % (uint64_t)mmsb_page_count(of));
			mmsb_page_info(of, id, &info);
			put_random_line(out, &info);
		}
		fputs("commit\n", out);
	}
	fclose(out);
	return text;
}

/* Applies a text, watching every page; digests after each epoch go to `digests`. */
static void watched_run(mmsb_instance *of, const char *text, const char *path, char (*digests)[33])
{
	outfile standard = {.fd = -1};
	watchers *w = watchers_new(of, &standard);
	ck_assert_ptr_nonnull(w);
	for (int id = 0; id < mmsb_page_count(of); id++)
		ck_assert_msg(watchers_add(w, id, path, &err) == MMSB_OK, "%s", err.message);
	delta_reader *r;
	delta_event event = DELTA_COMMIT;
	ck_assert_int_eq(delta_open_memory(&r, of, "t", text, strlen(text), &err), MMSB_OK);
	for (int e = 0; delta_next(r, &event, &err) == MMSB_OK && event != DELTA_END; e++) {
		ck_assert_int_eq(mmsb_commit(of, NULL, &err), MMSB_OK);
		ck_assert_int_eq(watchers_epoch(w, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_digest(of, digests[e], &err), MMSB_OK);
	}
	ck_assert_int_eq(event, DELTA_END);
	delta_close(r);
	ck_assert_int_eq(watchers_close(w, &err), MMSB_OK);
	watchers_free(w);
}

START_TEST(what_one_watches_another_takes)
{
	enum { EPOCHS = 40 };
	const char *given = getenv("MMSB_SEED");
	uint64_t s = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("MMSB_SEED=%" PRIu64 "\n", s);
	fflush(stdout);
	state = s * 2862933555777941757u + 3037000493u;
	for (int round = 0; round < 20; round++) {
		int n = 1 + (int)(draw() % 12), m = 1 + (int)(draw() % 5);
		mmsb_instance *a = fresh(n, m), *b = fresh(n, m);
		char path[] = "/tmp/mmsb-watch-XXXXXX", digests[EPOCHS][33], hex[33];
		close(mkstemp(path));
		char *text = random_text(a, EPOCHS);
		watched_run(a, text, path, digests);
		delta_reader *r;
		delta_event event = DELTA_COMMIT;
		ck_assert_int_eq(delta_open(&r, b, path, NULL, NULL, &err), MMSB_OK);
		for (int e = 0; e < EPOCHS; e++) {
			ck_assert_msg(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_COMMIT, "%s", err.message);
			ck_assert_int_eq(mmsb_commit(b, NULL, &err), MMSB_OK);
			ck_assert_int_eq(mmsb_digest(b, hex, &err), MMSB_OK);
			ck_assert_msg(strcmp(hex, digests[e]) == 0, "epoch %d of round %d differs", e + 1, round);
		}
		ck_assert(delta_next(r, &event, &err) == MMSB_OK && event == DELTA_END);
		delta_close(r);
		unlink(path);
		free(text);
		mmsb_instance_free(a);
		mmsb_instance_free(b);
	}
}
END_TEST

/* Runs of neighbours in one line; pages that share a file share its commit lines. */
START_TEST(how_changes_are_written)
{
	char path[] = "/tmp/mmsb-watch-XXXXXX";
	close(mkstemp(path));
	outfile standard = {.fd = -1};
	watchers *w = watchers_new(inst, &standard);
	static const char *const watched[] = {"price", "m", "one", "W", "E", "rate"};
	for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++)
		ck_assert_int_eq(watchers_add(w, mmsb_page(inst, watched[i]), path, &err), MMSB_OK);
	static const char text[] = "price,3,1.5,2,3\nprice,7,1\nm,0,2,1,2\nm,1,0,3\none.size,7\nW,1,1,5,6\nW,2,0,1\nE,3,3,true\nrate,0.1\ncommit\n"
	                           "W,1,2,-\nE,3,3,-,true\nprice,3,1.5\ncommit\ncommit\n";
	delta_reader *r;
	delta_event event;
	ck_assert_int_eq(delta_open_memory(&r, inst, "t", text, sizeof text - 1, &err), MMSB_OK);
	while (delta_next(r, &event, &err) == MMSB_OK && event != DELTA_END) {
		ck_assert_int_eq(mmsb_commit(inst, NULL, &err), MMSB_OK);
		ck_assert_int_eq(watchers_epoch(w, &err), MMSB_OK);
	}
	delta_close(r);
	ck_assert_int_eq(watchers_close(w, &err), MMSB_OK);
	watchers_free(w);
	file_bytes bytes;
	ck_assert_int_eq(file_read(path, &bytes, &err), MMSB_OK);
	ck_assert_str_eq(bytes.data, "price,3,1.5,2,3\nprice,7,1\nm,0,2,1,2\nm,1,0,3\none.bid,0\none.size,7\none.at,0\none.ok,false\n"
	                             "W,1,1,5,6\nW,2,0,1\nE,3,3,true\nrate,0.1\ncommit\n"
	                             "W,1,2,-\nE,3,3,-,true\ncommit\ncommit\n");
	file_bytes_free(&bytes);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("deltas");
	TCase *c = tcase_create("deltas");
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, every_form_of_line);
	tcase_add_test(c, what_ends_a_text);
	tcase_add_test(c, mistakes_are_told_and_passed_over);
	tcase_add_test(c, epochs_come_as_they_are_written);
	tcase_add_test(c, stopped_amid_an_epoch);
	tcase_add_test(c, long_lines);
	tcase_add_test(c, what_one_watches_another_takes);
	tcase_add_test(c, how_changes_are_written);
	suite_add_tcase(s, c);
	return unit_run(s);
}
