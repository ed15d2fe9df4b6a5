/* check_io.c: .npy, .csv and .mtx, in and out: every type through every format that takes it, by-hand files, and hostile ones. */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "runtime/bind.h"
#include "runtime/csv.h"
#include "runtime/mtx.h"
#include "runtime/npy.h"
#include "runtime/number.h"
#include "runtime/outputs.h"
#include "tests/io_instance.h"
#include "tests/unit.h"

static mmsb_error err;
static char folder[64];

static void enter_folder(void)
{
	strcpy(folder, "/tmp/mmsb-io-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *in_folder(const char *name)
{
	static char paths[4][128];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static void leave_folder(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static uint64_t state;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void seed(void)
{
	const char *given = getenv("MMSB_SEED");
	uint64_t s = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("MMSB_SEED=%" PRIu64 "\n", s);
	fflush(stdout);
	state = s * 2862933555777941757u + 3037000493u;
}

static scalar random_value(unsigned type)
{
	scalar v = {.bits = draw() >> (64 - type_table[type].bytes * 8u)};
	if (type == T_BOOL)
		v.bits &= 1;
	if (type == T_F64 && isnan(v.F64))
		v.bits = UINT64_C(0x7ff8000000000000);
	if (type == T_F32 && isnan(v.F32))
		v.bits = 0x7fc00000;
	return v;
}

/* ---- .npy by hand ------------------------------------------------------------------------------ */

/* A file of this header and these bytes. */
static file_bytes npy_file(int version, const char *header, const void *data, size_t n)
{
	size_t length = strlen(header), start = version == 1 ? 10 : 12;
	file_bytes f = {malloc(start + length + n + 1), start + length + n};
	ck_assert_ptr_nonnull(f.data);
	memcpy(f.data, "\x93NUMPY", 6);
	f.data[6] = (char)version;
	f.data[7] = 0;
	for (size_t i = 8; i < start; i++)
		f.data[i] = (char)(length >> 8 * (i - 8) & 0xff);
	memcpy(f.data + start, header, length);
	if (n > 0)
		memcpy(f.data + start + length, data, n);
	return f;
}

static int npy_text(const char *header, const void *data, size_t n, array *out)
{
	file_bytes f = npy_file(1, header, data, n);
	return npy_parse(&f, "t.npy", out, &err);
}

/* Element i of a 3 x 4 x 5 array has the value i, in either order of axes and bytes, in every version. */
START_TEST(npy_takes_every_dtype)
{
	enum { N0 = 3, N1 = 4, N2 = 5, N = N0 * N1 * N2 };
	for (unsigned type = 0; type < T_COUNT; type++)
		for (int form = 0; form < 12; form++) {
			bool fortran = form & 1, big = form & 2;
			int version = form / 4 + 1;
			size_t width = type_table[type].bytes;
			uint8_t data[N * 8];
			scalar values[N];
			for (unsigned i = 0; i < N; i++) {
				values[i] = random_value(type);
				unsigned a = i / (N1 * N2), b = i / N2 % N1, c = i % N2;
				uint8_t *at = data + (fortran ? a + N0 * (b + N1 * c) : i) * width;
				for (size_t k = 0; k < width; k++)
					at[k] = (uint8_t)(values[i].bits >> 8 * (big ? width - 1 - k : k));
			}
			char header[128];
			snprintf(header, sizeof header, "{'descr': '%c%s', 'fortran_order': %s, 'shape': (3, 4, 5), }%*s\n", big ? '>' : '<',
			         type_table[type].npy, fortran ? "True" : "False", form, "");
			file_bytes f = npy_file(version, header, data, N * width);
			array a;
			ck_assert_msg(npy_parse(&f, "t.npy", &a, &err) == MMSB_OK, "%s: %s", header, err.message);
			ck_assert(a.type == type && a.ndim == 3 && a.shape[0] == N0 && a.shape[1] == N1 && a.shape[2] == N2 && a.count == N);
			for (unsigned i = 0; i < N; i++)
				ck_assert_msg(number_load(a.data + i * width, type).bits == values[i].bits, "element %u after %s", i, header);
			array_free(&a);
		}
}
END_TEST

START_TEST(npy_takes_records)
{
	static const uint8_t data[] = {1, 0xaa, 0xaa, 0xaa, 0, 0, 0x80, 0x3f, 0, 7, 9, 0xbb,
	                               0, 0xaa, 0xaa, 0xaa, 0, 0, 0, 0x40, 1, 2, 8, 0xbb};
	array a;
	int status = npy_text("{'descr': [('ok', '|b1'), ('', '|V3'), (('a title', 'x'), '<f4'), ('n', '>u2'), ('k', '|i1'), ('', '|V1')], "
	                      "'fortran_order': False, 'shape': (2,)}", data, sizeof data, &a);
	ck_assert_msg(status == MMSB_OK, "%s", err.message);
	ck_assert(a.type == T_COUNT && a.n_fields == 4 && a.element == 12 && a.count == 2);
	ck_assert_str_eq(a.fields[1].name, "x");
	ck_assert(a.fields[1].offset == 4 && a.fields[2].offset == 8 && a.fields[3].offset == 10);
	ck_assert(number_load(a.data + 12 + 4, T_F32).F32 == 2.0f);
	ck_assert(number_load(a.data + 8, T_U16).U16 == 7 && number_load(a.data + 12 + 8, T_U16).U16 == 258);
	array_free(&a);
}
END_TEST

START_TEST(npy_takes_small_shapes)
{
	array a;
	double one = 1;
	ck_assert_int_eq(npy_text("{'descr': '<f8', 'fortran_order': True, 'shape': ()}\n", &one, 8, &a), MMSB_OK);
	ck_assert(a.ndim == 0 && a.count == 1 && number_load(a.data, T_F64).F64 == 1);
	array_free(&a);
	ck_assert_int_eq(npy_text("{\"shape\":(0,3L),\"descr\":u'f8','fortran_order':True}", NULL, 0, &a), MMSB_OK);
	ck_assert(a.ndim == 2 && a.count == 0 && a.shape[1] == 3);
	array_free(&a);
	uint8_t bools[] = {0, 1, 2, 255};
	ck_assert_int_eq(npy_text("{'descr': '?', 'fortran_order': False, 'shape': (4,)}", bools, 4, &a), MMSB_OK);
	ck_assert(a.data[0] == 0 && a.data[1] == 1 && a.data[2] == 1 && a.data[3] == 1);
	array_free(&a);
}
END_TEST

START_TEST(npy_refuses_what_is_damaged)
{
	static const struct { const char *header; int status; const char *says; } bad[] = {
		{"", MMSB_FORMAT, "not a dict"},
		{"{", MMSB_FORMAT, "damaged"},
		{"{}", MMSB_FORMAT, "missing"},
		{"{'descr': '<f8', 'fortran_order': False}", MMSB_FORMAT, "missing"},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (1,)", MMSB_FORMAT, "not closed"},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x", MMSB_FORMAT, "follows"},
		{"{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", MMSB_FORMAT, "twice"},
		{"{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1,)}", MMSB_FORMAT, "True or False"},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (1,}", MMSB_FORMAT, "shape"},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", MMSB_FORMAT, "2^64"},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}", MMSB_FORMAT, "2^64"},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", MMSB_FORMAT, "ends early"},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,)}", MMSB_FORMAT, "ends early"},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", MMSB_FORMAT, "ends early"},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': ()}", MMSB_FORMAT, "behind"},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2)}", MMSB_SHAPE, "dimensions"},
		{"{'descr': '<f2', 'fortran_order': False, 'shape': (2,)}", MMSB_TYPE, "'<f2'"},
		{"{'descr': '<c16', 'fortran_order': False, 'shape': (1,)}", MMSB_TYPE, "'<c16'"},
		{"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", MMSB_TYPE, "'|O'"},
		{"{'descr': '|V8', 'fortran_order': False, 'shape': (1,)}", MMSB_TYPE, "without meaning"},
		{"{'descr': '<f8, 'fortran_order': False, 'shape': (1,)}", MMSB_TYPE, "none that pages have"},
		{"{'descr': '<f8\", 'fortran_order': False, 'shape': (1,)}", MMSB_TYPE, "none that pages have"},
		{"{'descr': [], 'fortran_order': False, 'shape': (1,)}", MMSB_TYPE, "no fields"},
		{"{'descr': [('a', '<f4'), ('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", MMSB_FORMAT, "twice"},
		{"{'descr': [('a', '<f4', (2,))], 'fortran_order': False, 'shape': (1,)}", MMSB_TYPE, "is an array"},
		{"{'descr': [('a', [('b', '<f4')])], 'fortran_order': False, 'shape': (1,)}", MMSB_TYPE, "structured"},
		{"{'descr': ['a', '<f4'], 'fortran_order': False, 'shape': (1,)}", MMSB_FORMAT, "pair"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		static const uint8_t data[16];
		array a;
		int status = npy_text(bad[i].header, data, sizeof data, &a);
		ck_assert_msg(status == bad[i].status && strstr(err.message, bad[i].says) != NULL, "%s gives %d: %s", bad[i].header, status,
		              status != MMSB_OK ? err.message : "");
		ck_assert_ptr_null(a.memory);
	}
	array a;
	file_bytes f = {strdup("\x93NUMPY\x01"), 7};
	ck_assert_int_eq(npy_parse(&f, "t.npy", &a, &err), MMSB_FORMAT);
	f = npy_file(1, "", NULL, 0);
	f.data[9] = 1; /* the header is longer than the file */
	ck_assert_int_eq(npy_parse(&f, "t.npy", &a, &err), MMSB_FORMAT);
	f = npy_file(4, "{'descr': '<f8', 'fortran_order': False, 'shape': ()}", "12345678", 8);
	ck_assert_int_eq(npy_parse(&f, "t.npy", &a, &err), MMSB_FORMAT);
}
END_TEST

/* ---- texts by hand ----------------------------------------------------------------------------- */

typedef struct text_case {
	const char *page;     /* "f64 1": type and dimensions; "s" in front: sparse */
	const char *columns;
	const char *text;
	const char *wanted;   /* shape and values; or, beginning with !, what the error says */
} text_case;

static mmsb_info page_of(const char *words)
{
	mmsb_info info = {.name = "p", .stored = 1, .role = MMSB_IN};
	char type[8];
	info.sparse = words[0] == 's';
	ck_assert_int_eq(sscanf(words + info.sparse, "%7s %u", type, &info.ndim), 2);
	while (strcmp(type_table[info.type].name, type) != 0)
		ck_assert_int_lt(++info.type, T_COUNT);
	info.element = type_table[info.type].bytes;
	return info;
}

/* "2x2: 1 2 3 4", of a sparse array "5x5: (0,1)=2.5 (3,3)". */
static void describe(const array *a, char *out, size_t size)
{
	size_t n = 0;
	for (unsigned k = 0; k < a->ndim; k++)
		n += (size_t)snprintf(out + n, size - n, "%s%" PRIu64, k > 0 ? "x" : "", a->shape[k]);
	n += (size_t)snprintf(out + n, size - n, ":");
	for (uint64_t i = 0; i < a->count; i++) {
		char text[NUMBER_ROOM + 1] = "";
		if (a->element > 0)
			text[number_print(text, a->type, number_load(a->data + i * a->element, a->type))] = '\0';
		if (a->sparse)
			n += (size_t)snprintf(out + n, size - n, " (%" PRIu64 ",%" PRIu64 ")%s%s", a->row[i], a->col[i],
			                      a->element > 0 ? "=" : "", text);
		else
			n += (size_t)snprintf(out + n, size - n, " %s", text);
	}
}

typedef int parse_fn(const file_bytes *, const array_want *, array *, mmsb_error *);

static void run_cases(const text_case *cases, size_t n, parse_fn *parse)
{
	for (size_t i = 0; i < n; i++) {
		mmsb_info info = page_of(cases[i].page);
		array_want want = {.page = &info, .path = "t", .columns = cases[i].columns};
		/* exactly as long as the text, so that a sanitizer sees a step too far */
		size_t length = strlen(cases[i].text);
		file_bytes text = {malloc(length + 1), length};
		memcpy(text.data, cases[i].text, length + 1);
		array a;
		char got[1000];
		if (parse(&text, &want, &a, &err) == MMSB_OK)
			describe(&a, got, sizeof got);
		else
			snprintf(got, sizeof got, "!%.900s", err.message);
		bool same = cases[i].wanted[0] == '!' ? got[0] == '!' && strstr(got, cases[i].wanted + 1) != NULL
		                                      : strcmp(got, cases[i].wanted) == 0;
		ck_assert_msg(same, "%s from:\n%s\ngives: %s\nnot:   %s", cases[i].page, cases[i].text, got, cases[i].wanted);
		array_free(&a);
		file_bytes_free(&text);
	}
}

static const text_case csv_cases[] = {
	{"f64 1", NULL, "1\n2\n3\n", "3: 1 2 3"},
	{"f64 1", NULL, "1\r\n2\r\n3", "3: 1 2 3"},
	{"f64 1", NULL, "1,2,3\n", "3: 1 2 3"},
	{"f64 1", NULL, "x\n1\n2\n", "2: 1 2"},
	{"f64 1", NULL, " \"x y\" \n\"1\"\n\t 2 \n", "2: 1 2"},
	{"f64 1", NULL, "\xef\xbb\xbfx\n1\n", "1: 1"},
	{"f64 1", NULL, "1\n\n3\n\n\n", "3: 1 nan 3"},
	{"i32 1", NULL, "1\n\n3\n", "!t:2:1: error: page 'p': the cell is empty"},
	{"f64 1", NULL, "\n\n1\n2\n", "2: 1 2"},
	{"f64 1", NULL, "", "0:"},
	{"f64 1", NULL, "\n", "0:"},
	{"f64 1", NULL, "x\n", "0:"},
	{"f64 1", NULL, "1,2\n3,4\n", "!has one dimension"},
	{"f64 0", NULL, "5\n", ": 5"},
	{"f64 0", NULL, "rate\n5\n", ": 5"},
	{"f64 0", NULL, "5\n6\n", "!is a scalar"},
	{"f64 0", NULL, "", "!is a scalar"},
	{"f64 2", NULL, "1,2\n3,4\n", "2x2: 1 2 3 4"},
	{"f64 2", NULL, "a,b\n1,\n,4\n", "2x2: 1 nan nan 4"},
	{"f64 2", NULL, "1,2\n\n3,4\n", "2x2: 1 2 3 4"},
	{"f64 2", NULL, "1,2\n3\n", "!t:2:2: error: page 'p': this line has 1 cell where the first has 2"},
	{"f64 2", NULL, "1,2\n3,4,5\n", "!t:2:5: error: page 'p': this line has more cells"},
	{"f64 3", NULL, "1\n", "!more dimensions"},
	{"f64 2", NULL, "1,2\n3,x4\n", "!t:2:3: error: page 'p': 'x4' is not a number"},
	{"f64 2", NULL, "1,2\n3,\"4\n", "!t:2:3: error: this quote is not closed"},
	{"f64 2", NULL, "1,2\n\"3\"4,5\n", "!t:2:4: error: behind a closing quote"},
	{"f64 2", NULL, "1.0x,2\n3,4\n", "!t:1:1: error: page 'p': '1.0x'"},
	{"f64 2", NULL, "a,2\n3,4\n", "!t:1:1: error: page 'p': 'a'"},
	{"f64 2", NULL, "# a,b\n3,4\n", "1x2: 3 4"},
	{"u8 1", NULL, "255\n256\n", "!t:2:1: error: page 'p': '256' does not fit u8 (0 to 255)"},
	{"i8 1", NULL, "-128\n127\n", "2: -128 127"},
	{"i64 1", NULL, "1.5\n", "!is not a whole number"},
	{"bool 1", NULL, "true\nfalse\n1\n0\nTRUE\n", "5: true false true false true"},
	{"bool 1", NULL, "true\n\n", "1: true"},
	{"f32 1", NULL, "NaN\nInf\n-inf\n+.5\n1e5\n", "5: nan inf -inf 0.5 100000"},
	{"f64 1", "b", "a,b,c\nx,1,y\n\"p,\nq\",2,z\n", "2: 1 2"},
	{"f64 2", "c,a", "a,b,c\n1,x,3\n4,y,6\n", "2x2: 3 1 6 4"},
	{"f64 2", "a..c", "d,a,b,c\nx,1,2,3\nx,4,5,6\n", "2x3: 1 2 3 4 5 6"},
	{"f64 2", "c..a", "d,a,b,c\n", "!behind the last"},
	{"f64 2", "a,a..b", "a,b\n1,2\n", "!named twice"},
	{"f64 1", "e", "a,b\n1,2\n", "!no column of this header is named 'e'"},
	{"f64 1", "a", "a,a\n1,2\n", "!two columns are named 'a'"},
	{"f64 1", "a", "1,2\n", "!must be a header"},
	{"f64 1", "a", "", "!should have a header"},
	{"f64 1", "b", "a,b\nx,1\ny,z\n", "!t:3:3: error: page 'p': 'z'"},
	{"f64 1", "b", "a,b\n\"x\ny\",1\ny,z\n", "!t:4:3: error"},
	{"sf64 2", NULL, "row,col,value\n2,1,5\n0,3,-1\n", ": (0,3)=-1 (2,1)=5"},
	{"sf64 2", NULL, "0,3,-1\n2,1,5\n", ": (0,3)=-1 (2,1)=5"},
	{"sf64 2", NULL, "value,row,col\n7,2,1\n", ": (2,1)=7"},
	{"sf64 2", "to,from,w", "from,to,w,x\n1,2,0.5,a\n", ": (2,1)=0.5"},
	{"sbool 2", NULL, "1,2\n0,0\n", ": (0,0) (1,2)"},
	{"sbool 2", NULL, "1,2,9\n", ": (1,2)"},
	{"sf64 2", NULL, "1,2\n", "!is sparse: its columns are row, col and value"},
	{"sf64 2", "a,b", "a,b\n1,2\n", "!it takes 3 columns"},
	{"sf64 2", NULL, "1,2,3\n0,0,1\n1,2,4\n", "!t:3:1: error: entry (1, 2), counted from 0, stands in line 1"},
	{"sf64 2", NULL, "-1,2,3\n", "!'-1' does not fit"},
	{"sf64 2", NULL, "", ":"},
};

START_TEST(csv_by_hand) { run_cases(csv_cases, sizeof csv_cases / sizeof csv_cases[0], csv_parse); }
END_TEST

#define COORD "%%MatrixMarket matrix coordinate "
#define ARRAY "%%MatrixMarket matrix array "
static const text_case mtx_cases[] = {
	{"sf64 2", NULL, COORD "real general\n% c\n\n3 4 2\n3 1 1e3\n1 4 -2.\n", "3x4: (0,3)=-2 (2,0)=1000"},
	{"sf64 2", NULL, COORD "Real Symmetric\r\n3 3 2\r\n1 1 5\r\n3 1 2\r\n", "3x3: (0,0)=5 (0,2)=2 (2,0)=2"},
	{"sf64 2", NULL, COORD "real skew-symmetric\n3 3 1\n3 1 2\n", "3x3: (0,2)=-2 (2,0)=2"},
	{"si32 2", NULL, COORD "integer skew-symmetric\n3 3 1\n3 1 2\n", "3x3: (0,2)=-2 (2,0)=2"},
	{"su32 2", NULL, COORD "integer skew-symmetric\n3 3 1\n3 1 2\n", "!does not fit u32"},
	{"si8 2", NULL, COORD "integer skew-symmetric\n3 3 1\n3 1 -128\n", "!does not fit i8"},
	{"sf64 2", NULL, COORD "real skew-symmetric\n3 3 1\n1 1 2\n", "!no entries on its diagonal"},
	{"sbool 2", NULL, COORD "real general\n2 2 2\n1 2 0.5\n2 1 0\n", "2x2: (0,1) (1,0)"},
	{"sbool 2", NULL, COORD "pattern symmetric\n2 2 1\n2 1\n", "2x2: (0,1) (1,0)"},
	{"sf32 2", NULL, COORD "pattern general\n2 2 1\n2 1\n", "2x2: (1,0)=1"},
	{"bool 2", NULL, COORD "real general\n2 2 1\n2 1 7\n", "2x2: false false true false"},
	{"f64 2", NULL, COORD "integer general\n2 2 1\n2 1 7\n", "2x2: 0 0 7 0"},
	{"f64 1", NULL, COORD "real general\n3 1 1\n2 1 7\n", "3: 0 7 0"},
	{"f64 1", NULL, COORD "real general\n1 3 1\n1 3 7\n", "3: 0 0 7"},
	{"f64 1", NULL, COORD "real general\n2 2 0\n", "!cannot fill page 'p'"},
	{"f64 0", NULL, ARRAY "real general\n1 1\n5\n", ": 5"},
	{"f64 0", NULL, ARRAY "real general\n2 1\n5\n6\n", "!cannot fill"},
	{"f64 3", NULL, ARRAY "real general\n1 1\n5\n", "!more than two dimensions"},
	{"f64 2", NULL, ARRAY "real general\n2 3\n1 2\n3\n% c\n4\n5\n6", "2x3: 1 3 5 2 4 6"},
	{"f64 2", NULL, ARRAY "real symmetric\n2 2\n1\n2\n3\n", "2x2: 1 2 2 3"},
	{"f64 2", NULL, ARRAY "real skew-symmetric\n2 2\n5\n", "2x2: 0 -5 5 0"},
	{"bool 1", NULL, ARRAY "integer general\n3 1\n0\n1\n2\n", "3: false true true"},
	{"sf64 2", NULL, ARRAY "real general\n2 2\n0\n2\n-0\n4\n", "2x2: (1,0)=2 (1,1)=4"},
	{"sbool 2", NULL, ARRAY "real general\n2 2\n0\n2\n0\n4\n", "2x2: (1,0) (1,1)"},
	{"u64 2", NULL, ARRAY "integer general\n1 1\n18446744073709551615\n", "1x1: 18446744073709551615"},
	{"f64 2", NULL, ARRAY "real general\n0 5\n", "0x5:"},
	{"sf64 2", NULL, COORD "real general\n2 2 1\n3 1 5\n", "!t:3:1: error: page 'p': row 3 is out of range: the matrix has 1 to 2"},
	{"sf64 2", NULL, COORD "real general\n2 2 1\n1 0 5\n", "!t:3:3: error: page 'p': column 0 is out of range"},
	{"sf64 2", NULL, COORD "real general\n2 2 2\n1 1 5\n1 1 6\n", "!t:4:1: error: entry (0, 0), counted from 0, stands in line 3"},
	{"sf64 2", NULL, COORD "real symmetric\n2 2 2\n1 2 5\n2 1 6\n", "!stands in line 3"},
	{"sf64 2", NULL, COORD "real general\n2 2 2\n1 1 5\n", "!ends after 1 of 2"},
	{"sf64 2", NULL, COORD "real general\n2 2 1\n1 1 5\n1 2 5\n", "!t:4:1: error: here are more entries than the 1"},
	{"sf64 2", NULL, COORD "real general\n2 2 1\n1 1\n", "!has no value"},
	{"sf64 2", NULL, COORD "real general\n2 2 1\n1 1 x\n", "!t:3:5: error: page 'p': 'x' is not a number"},
	{"sf64 2", NULL, COORD "real general\n2 2 1\n1 1 5 6\n", "!one word too many"},
	{"si32 2", NULL, COORD "real general\n2 2 1\n1 1 0.5\n", "!is not a whole number"},
	{"sf64 2", NULL, COORD "real symmetric\n2 3 0\n", "!as many rows as columns"},
	{"sf64 2", NULL, COORD "complex general\n1 1 0\n", "!'complex' is not real, integer or pattern"},
	{"sf64 2", NULL, COORD "real hermitian\n1 1 0\n", "!'hermitian' is not general"},
	{"sf64 2", NULL, COORD "real general\n", "!line of sizes is missing"},
	{"sf64 2", NULL, COORD "real general\n2 2\n", "!number of entries is missing"},
	{"sf64 2", NULL, COORD "real general\n2 2 x\n", "!'x' is not the number of entries"},
	{"sf64 2", NULL, COORD "real\n2 2 0\n", "!is missing"},
	{"sf64 2", NULL, ARRAY "pattern general\n2 2\n", "!a pattern has coordinates"},
	{"sf64 2", NULL, "%%MatrixMarket vector array real general\n2 2\n", "!'vector' is no matrix"},
	{"sf64 2", NULL, "hello\n", "!begins with %%MatrixMarket"},
	{"sf64 2", NULL, "", "!begins with %%MatrixMarket"},
	{"f64 2", NULL, ARRAY "real general\n4000000000 4000000000\n1\n", "!too short"},
	{"f64 2", NULL, ARRAY "real general\n4000000000 8000000000000\n1\n", "!too short"},
	{"f64 2", NULL, ARRAY "real general\n2 2\n1\n2\n3\n", "!ends before the value of row 2, column 2"},
	{"f64 2", NULL, ARRAY "real general\n1 1\n1\n2\n", "!more values than 1 x 1"},
	{"f64 2", NULL, COORD "real general\n400000000000 400000000000 0\n", "!out of memory"},
};

START_TEST(mtx_by_hand) { run_cases(mtx_cases, sizeof mtx_cases / sizeof mtx_cases[0], mtx_parse); }
END_TEST

/* ---- there and back ---------------------------------------------------------------------------- */

/* A program with a scalar, a vector, a matrix, a sparse matrix and a record field of every type. */
static char *program_of_all_types(void)
{
	static char text[4000];
	size_t n = (size_t)snprintf(text, sizeof text, "param N, M;\nrecord R {");
	for (unsigned t = 0; t < T_COUNT; t++)
		n += (size_t)snprintf(text + n, sizeof text - n, " f_%s : %s;", type_table[t].name, type_table[t].name);
	n += (size_t)snprintf(text + n, sizeof text - n, " at : index(N); }\n");
	for (unsigned t = 0; t < T_COUNT; t++) {
		const char *name = type_table[t].name;
		n += (size_t)snprintf(text + n, sizeof text - n,
		                      "page s_%s : %s in;\npage v_%s : %s[N] in;\npage m_%s : %s[N, M] in;\npage w_%s : sparse %s[N, M] in;\n",
		                      name, name, name, name, name, name, name, name);
	}
	snprintf(text + n, sizeof text - n, "page t : f32[N, M, 3] in;\npage r : R[N] in;\npage r0 : R in;\npage i : index(M)[N] in;\n");
	return text;
}

static void fill_dense(mmsb_instance *inst, int id, const mmsb_info *info)
{
	uint8_t *data = calloc(info->count + 1, info->element);
	for (uint64_t i = 0; i < info->count; i++) {
		uint8_t *at = data + i * info->element;
		for (unsigned f = 0; f < info->n_fields; f++) {
			scalar v = random_value((unsigned)info->fields[f].type);
			v.bits = info->fields[f].is_index ? v.bits % info->fields[f].range : v.bits;
			number_store(at + info->fields[f].offset, (unsigned)info->fields[f].type, v);
		}
		scalar v = info->n_fields > 0 ? (scalar){0} : random_value((unsigned)info->type);
		v.bits = info->is_index ? v.bits % info->range : v.bits;
		if (info->n_fields == 0)
			number_store(at, (unsigned)info->type, v);
	}
	ck_assert_msg(mmsb_write(inst, id, 0, info->count, data, &err) == MMSB_OK, "%s", err.message);
	free(data);
}

static void fill_sparse(mmsb_instance *inst, int id, const mmsb_info *info)
{
	for (uint64_t row = 0; row < info->shape[0]; row++)
		for (uint64_t col = 0; col < info->shape[1]; col++) {
			scalar v = random_value((unsigned)info->type);
			if (draw() % 3 == 0)
				ck_assert_int_eq(mmsb_insert(inst, id, 1, &row, &col, info->type == MMSB_BOOL ? NULL : (void *)&v, &err), MMSB_OK);
		}
}

static mmsb_instance *all_types(mmsb_schedule *compiled, int64_t n, int64_t m)
{
	mmsb_instance *inst = io_instance(compiled);
	ck_assert_ptr_nonnull(inst);
	ck_assert_int_eq(mmsb_set_param(inst, "N", (double)n, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_set_param(inst, "M", (double)m, &err), MMSB_OK);
	ck_assert_msg(mmsb_bind(inst, &err) == MMSB_OK, "%s", err.message);
	return inst;
}

static void fill_all(mmsb_instance *inst)
{
	for (int id = 0; id < mmsb_page_count(inst); id++) {
		mmsb_info info;
		ck_assert_int_eq(mmsb_page_info(inst, id, &info), MMSB_OK);
		if (info.sparse)
			fill_sparse(inst, id, &info);
		else
			fill_dense(inst, id, &info);
	}
	ck_assert_msg(mmsb_commit(inst, NULL, &err) == MMSB_OK, "%s", err.message);
}

static void same_page(mmsb_instance *a, mmsb_instance *b, int id, const char *what)
{
	mmsb_info x, y;
	mmsb_page_info(a, id, &x);
	mmsb_page_info(b, id, &y);
	ck_assert_msg(x.count == y.count, "page %s has other entries after %s", x.name, what);
	const uint64_t *row[2], *col[2];
	if (x.sparse) {
		ck_assert_int_eq(mmsb_entries(a, id, &row[0], &col[0], &err), MMSB_OK);
		ck_assert_int_eq(mmsb_entries(b, id, &row[1], &col[1], &err), MMSB_OK);
		ck_assert(x.count == 0 || (memcmp(row[0], row[1], x.count * 8) == 0 && memcmp(col[0], col[1], x.count * 8) == 0));
	}
	if (x.count > 0 && x.element > 0)
		ck_assert_msg(memcmp(mmsb_data(a, id), mmsb_data(b, id), x.count * x.element) == 0, "page %s has other values after %s",
		              x.name, what);
}

/* Writes every page in a format, reads it into a new instance, compares bits. Returns how many pages the format takes. */
static int round_trip(mmsb_schedule *compiled, int64_t n, int64_t m, const char *ending)
{
	int taken = 0;
	mmsb_instance *a = all_types(compiled, n, m), *b = all_types(compiled, n, m);
	fill_all(a);
	for (int id = 0; id < mmsb_page_count(a); id++) {
		mmsb_info info;
		char name[64];
		mmsb_page_info(a, id, &info);
		snprintf(name, sizeof name, "%s%s", info.name, ending);
		const char *path = in_folder(name);
		if (output_check(a, id, path, &err) != MMSB_OK)
			continue;
		/* an empty matrix has no rows or columns that a .csv could show */
		if (strcmp(ending, ".csv") == 0 && info.ndim == 2 && !info.sparse && (n == 0 || m == 0))
			continue;
		taken++;
		ck_assert_msg(output_write(a, id, path, NULL, &err) == MMSB_OK, "%s", err.message);
		binding bound = {.page = -1};
		mmsb_instance *solving = io_instance(compiled); /* sizes of a bound instance are fixed */
		mmsb_set_param(solving, "N", (double)n, &err);
		mmsb_set_param(solving, "M", (double)m, &err);
		ck_assert_msg(binding_open(&bound, solving, info.name, path, NULL, &err) == MMSB_OK, "%s", err.message);
		ck_assert_msg(binding_write(&bound, b, &err) == MMSB_OK, "%s", err.message);
		mmsb_instance_free(solving);
	}
	ck_assert_msg(mmsb_commit(b, NULL, &err) == MMSB_OK, "%s", err.message);
	for (int id = 0; id < mmsb_page_count(a); id++) {
		mmsb_info info;
		struct stat st;
		char name[64];
		mmsb_page_info(a, id, &info);
		snprintf(name, sizeof name, "%s%s", info.name, ending);
		if (stat(in_folder(name), &st) == 0)
			same_page(a, b, id, ending);
	}
	mmsb_instance_free(a);
	mmsb_instance_free(b);
	return taken;
}

START_TEST(every_type_there_and_back)
{
	seed();
	enter_folder();
	mmsb_schedule *compiled = io_schedule(program_of_all_types());
	ck_assert_ptr_nonnull(compiled);
	static const int64_t sizes[][2] = {{7, 5}, {1, 1}, {40, 3}, {2, 70}};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		ck_assert_int_eq(round_trip(compiled, sizes[i][0], sizes[i][1], ".npy"), 3 * T_COUNT + 4);
		ck_assert_int_eq(round_trip(compiled, sizes[i][0], sizes[i][1], ".csv"), 4 * T_COUNT + 3);
		ck_assert_int_eq(round_trip(compiled, sizes[i][0], sizes[i][1], ".mtx"), 4 * T_COUNT + 1);
	}
	mmsb_schedule_close(compiled);
	leave_folder();
}
END_TEST

/* ---- failures to write ------------------------------------------------------------------------- */

static size_t files_in_folder(void)
{
	char command[160];
	snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
	FILE *p = popen(command, "r");
	size_t n = 99;
	ck_assert(p != NULL && fscanf(p, "%zu", &n) == 1);
	pclose(p);
	return n;
}

/* A disk that is full after 8 KiB: the old file stays, and nothing else is left. */
START_TEST(a_full_disk_changes_nothing)
{
	enter_folder();
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit limit = {8192, 8192};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	outfile out;
	for (int large = 0; large < 2; large++) {
		ck_assert_int_eq(outfile_open(&out, in_folder("x.csv"), true, &err), MMSB_OK);
		for (int i = 0; i < (large ? 100000 : 1); i++)
			outfile_text(&out, "12345,6789\n");
		ck_assert_int_eq(outfile_close(&out, &err), large ? MMSB_IO : MMSB_OK);
	}
	ck_assert_msg(strstr(err.message, "x.csv") != NULL, "%s", err.message);
	ck_assert_uint_eq(files_in_folder(), 1);
	file_bytes bytes;
	ck_assert_int_eq(file_read(in_folder("x.csv"), &bytes, &err), MMSB_OK);
	ck_assert_str_eq(bytes.data, "12345,6789\n");
	file_bytes_free(&bytes);
	leave_folder();
}
END_TEST

START_TEST(files_that_are_not_there)
{
	enter_folder();
	file_bytes bytes;
	outfile out;
	ck_assert_int_eq(file_read(in_folder("none"), &bytes, &err), MMSB_IO);
	ck_assert_int_eq(file_read(folder, &bytes, &err), MMSB_IO);
	ck_assert_int_eq(outfile_open(&out, folder, true, &err), MMSB_IO);
	ck_assert_int_eq(outfile_open(&out, in_folder("no/x"), true, &err), MMSB_IO);
	ck_assert_int_eq(outfile_open(&out, in_folder("x"), true, &err), MMSB_OK);
	outfile_abort(&out);
	ck_assert_uint_eq(files_in_folder(), 0);
	ck_assert_int_eq(outfile_open(&out, "/dev/full", true, &err), MMSB_OK);
	outfile_text(&out, "x");
	ck_assert_int_eq(outfile_close(&out, &err), MMSB_IO);
	leave_folder();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("files");
	TCase *c = tcase_create("files");
	tcase_set_timeout(c, 120);
	tcase_add_test(c, npy_takes_every_dtype);
	tcase_add_test(c, npy_takes_records);
	tcase_add_test(c, npy_takes_small_shapes);
	tcase_add_test(c, npy_refuses_what_is_damaged);
	tcase_add_test(c, csv_by_hand);
	tcase_add_test(c, mtx_by_hand);
	tcase_add_test(c, every_type_there_and_back);
	tcase_add_test(c, a_full_disk_changes_nothing);
	tcase_add_test(c, files_that_are_not_there);
	suite_add_tcase(s, c);
	return unit_run(s);
}
