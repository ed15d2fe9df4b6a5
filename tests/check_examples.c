/* check_examples.c - the figures of the examples, computed another way: plain C over the same files. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

static char dir[64]; /* where this test writes */

/* ---- files ---- */

static FILE *open_example(const char *name)
{
	char path[4096];
	const char *top = getenv("MMSB_SRCDIR");
	snprintf(path, sizeof path, "%s/examples/%s", top ? top : ".", name);
	FILE *f = fopen(path, "r");
	ck_assert_msg(f != NULL, "cannot open %s", path);
	return f;
}

/* Numbers of one column of a CSV file with a header; blank cells are nan. Returns how many. */
static size_t read_column(const char *name, int column, double *out, size_t room)
{
	FILE *f = open_example(name);
	char line[4096];
	size_t n = 0;
	ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
	while (fgets(line, sizeof line, f)) {
		char *at = line;
		for (int c = 0; c < column && at; c++)
			at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL;
		ck_assert(at && n < room);
		out[n++] = *at == ',' || *at == '\n' ? NAN : strtod(at, NULL);
	}
	fclose(f);
	return n;
}

/* Runs mmsb on an example's run file with more options; pages go to files in dir. */
static void run(const char *fmt, ...)
{
	char options[2048], command[8192];
	const char *build = getenv("MMSB_BUILDDIR"), *top = getenv("MMSB_SRCDIR");
	va_list args;
	va_start(args, fmt);
	vsnprintf(options, sizeof options, fmt, args);
	va_end(args);
	snprintf(command, sizeof command, "'%s/mmsb' run '%s/examples/'%s >'%s/stdout'", build ? build : ".", top ? top : ".", options, dir);
	ck_assert_msg(system(command) == 0, "failed: %s", command);
}

/* All numbers of a CSV file in dir. */
static size_t read_result(const char *name, double *out, size_t room)
{
	char path[256], word[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "r");
	ck_assert_msg(f != NULL, "no %s was written", path);
	size_t n = 0, k = 0;
	for (int c = fgetc(f);; c = fgetc(f)) {
		if (c != EOF && c != ',' && c != '\n') {
			ck_assert(k < sizeof word - 1);
			word[k++] = (char)c;
			continue;
		}
		word[k] = 0;
		if (k) {
			ck_assert(n < room);
			out[n++] = strcmp(word, "true") == 0 ? 1 : strcmp(word, "false") == 0 ? 0 : strtod(word, NULL);
		}
		k = 0;
		if (c == EOF)
			break;
	}
	fclose(f);
	return n;
}

static void near(double got, double want, double relative, const char *what, size_t i)
{
	bool same = got == want || fabs(got - want) <= relative * fmax(fabs(want), 1e-300);
	ck_assert_msg(same, "%s[%zu] is %.17g, should be %.17g", what, i, got, want);
}

/* ---- fx ---- */

/* With the address sanitizer values are not what is looked for, and the example's README runs the same for a long time. */
#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { CURRENCIES = 22, POSITIONS = 10000, BOOKS = 20, WINDOW = 250, DAYS = 2570 };

static double quote[CURRENCIES], per_usd[CURRENCIES], usd[CURRENCIES], returns[DAYS + 1][CURRENCIES];
static double currency[POSITIONS], book[POSITIONS], amount[POSITIONS], cost[POSITIONS];

static double dollars(int c) { return per_usd[c] != 0 ? 1 / quote[c] : quote[c]; }

/* Reads the original table and keeps each day's logarithmic returns; returns the number of days. */
static int walk_rates(void)
{
	FILE *f = open_example("fx/fx_h10_2015_2024.csv");
	char line[4096];
	int days = 0;
	for (int row = 0; fgets(line, sizeof line, f); row++) {
		if (row < 2)
			continue; /* header, and a day with one rate */
		char *at = strchr(line, ',');
		for (int c = 0; c < CURRENCIES; c++, at = strpbrk(at + 1, ",\r\n"))
			if (at[1] != ',' && at[1] != '\n' && at[1] != '\r')
				quote[c] = strtod(at + 1, NULL);
		days++;
		ck_assert_int_le(days, DAYS + 1);
		for (int c = 0; c < CURRENCIES; c++) {
			returns[days - 1][c] = days > 1 ? log(dollars(c) / usd[c]) : 0;
			usd[c] = dollars(c);
		}
	}
	fclose(f);
	return days;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

START_TEST(fx_figures)
{
	ck_assert_uint_eq(read_column("fx/currencies.csv", 1, per_usd, CURRENCIES), CURRENCIES);
	ck_assert_uint_eq(read_column("fx/positions.csv", 0, currency, POSITIONS), POSITIONS);
	read_column("fx/positions.csv", 1, book, POSITIONS);
	read_column("fx/positions.csv", 2, amount, POSITIONS);
	read_column("fx/positions.csv", 3, cost, POSITIONS);
	int days = walk_rates();
	double pnl[BOOKS] = {0}, exposure[CURRENCIES] = {0}, held[BOOKS] = {0}, total = 0, outcome[WINDOW];
	for (int i = 0; i < POSITIONS; i++) {
		double value = amount[i] * usd[(int)currency[i]];
		pnl[(int)book[i]] += value - cost[i];
		held[(int)book[i]] += fabs(value);
		exposure[(int)currency[i]] += value;
		total += value - cost[i];
	}
	for (int t = 0; t < WINDOW; t++) {
		outcome[t] = 0;
		for (int c = 0; c < CURRENCIES; c++)
			outcome[t] += returns[days - 1 - t][c] * exposure[c];
	}
	qsort(outcome, WINDOW, sizeof *outcome, ascending);

	run("fx/run.yaml --out pnl='%s/pnl.csv' --out exposure='%s/exposure.csv' --out held='%s/held.csv' --out total='%s/total.csv' "
	    "--out at_risk='%s/at_risk.csv' --out day='%s/day.csv'", dir, dir, dir, dir, dir, dir);
	double got[CURRENCIES];
	ck_assert_uint_eq(read_result("day.csv", got, 1), 1);
	ck_assert_int_eq((int)got[0], days);
	ck_assert_uint_eq(read_result("pnl.csv", got, BOOKS), BOOKS);
	for (size_t b = 0; b < BOOKS; b++)
		near(got[b], pnl[b], 1e-9, "pnl", b);
	ck_assert_uint_eq(read_result("held.csv", got, BOOKS), BOOKS);
	for (size_t b = 0; b < BOOKS; b++)
		near(got[b], held[b], 1e-11, "held", b);
	ck_assert_uint_eq(read_result("exposure.csv", got, CURRENCIES), CURRENCIES);
	for (size_t c = 0; c < CURRENCIES; c++)
		near(got[c], exposure[c], 1e-9, "exposure", c);
	ck_assert_uint_eq(read_result("total.csv", got, 1), 1);
	near(got[0], total, 1e-8, "total", 0);
	ck_assert_uint_eq(read_result("at_risk.csv", got, 1), 1);
	near(got[0], -outcome[12], 1e-9, "at_risk", 0); /* floor(0.05 * 250) days are worse */
}
END_TEST

/* ---- flights ---- */

enum { AIRPORTS = 305, HOME_DEFAULT = 0 };
static double latitude[AIRPORTS], longitude[AIRPORTS], km[AIRPORTS][AIRPORTS]; /* < 0: no route */

/* Great circles by the angle between unit vectors, not by haversines. */
static double great_circle(int u, int v)
{
	double a[3], b[3], cross[3], k = acos(-1) / 180;
	double *at[2] = {a, b};
	int id[2] = {u, v};
	for (int i = 0; i < 2; i++) {
		at[i][0] = cos(k * latitude[id[i]]) * cos(k * longitude[id[i]]);
		at[i][1] = cos(k * latitude[id[i]]) * sin(k * longitude[id[i]]);
		at[i][2] = sin(k * latitude[id[i]]);
	}
	for (int i = 0; i < 3; i++)
		cross[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
	return 6371 * atan2(sqrt(cross[0] * cross[0] + cross[1] * cross[1] + cross[2] * cross[2]), a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
}

static void read_routes(void)
{
	FILE *f = open_example("flights/flights.mtx");
	char line[256];
	int u, v, rows, cols, n, got = 0;
	ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
	ck_assert_int_eq(fscanf(f, "%d %d %d", &rows, &cols, &n), 3);
	ck_assert(rows == AIRPORTS && cols == AIRPORTS);
	for (int i = 0; i < AIRPORTS * AIRPORTS; i++)
		km[i / AIRPORTS][i % AIRPORTS] = -1;
	while (fscanf(f, "%d %d %*d", &u, &v) == 2) {
		km[u - 1][v - 1] = great_circle(u - 1, v - 1);
		got++;
	}
	ck_assert_int_eq(got, n);
	fclose(f);
}

/* Dijkstra's algorithm by a plain search for the nearest; closed: an airport without routes, or -1. */
static int shortest(int home, int closed, double *dist)
{
	bool done[AIRPORTS] = {false};
	int reached = 0;
	for (int v = 0; v < AIRPORTS; v++)
		dist[v] = v == home ? 0 : INFINITY;
	for (;;) {
		int u = -1;
		for (int v = 0; v < AIRPORTS; v++)
			if (!done[v] && dist[v] < INFINITY && (u < 0 || dist[v] < dist[u]))
				u = v;
		if (u < 0)
			return reached;
		done[u] = true;
		reached++;
		for (int v = 0; v < AIRPORTS; v++)
			if (km[u][v] >= 0 && u != closed && v != closed && dist[u] + km[u][v] < dist[v])
				dist[v] = dist[u] + km[u][v];
	}
}

/* PageRank by many plain rounds. */
static void page_rank(int closed, double *rank)
{
	static double next[AIRPORTS];
	int out[AIRPORTS] = {0};
	for (int u = 0; u < AIRPORTS; u++)
		for (int v = 0; v < AIRPORTS; v++)
			out[u] += km[u][v] >= 0 && u != closed && v != closed;
	for (int v = 0; v < AIRPORTS; v++)
		rank[v] = 1.0 / AIRPORTS;
	for (int round = 0; round < 2000; round++) {
		double dangling = 0;
		for (int u = 0; u < AIRPORTS; u++)
			dangling += out[u] ? 0 : rank[u];
		for (int v = 0; v < AIRPORTS; v++)
			next[v] = 0.15 / AIRPORTS + 0.85 * dangling / AIRPORTS;
		for (int u = 0; u < AIRPORTS; u++)
			for (int v = 0; v < AIRPORTS; v++)
				if (km[u][v] >= 0 && u != closed && v != closed)
					next[v] += 0.85 * rank[u] / out[u];
		memcpy(rank, next, sizeof next);
	}
}

static void check_flights(int home, int closed, const char *deltas)
{
	static double dist[AIRPORTS], rank[AIRPORTS], got[AIRPORTS];
	int reached = shortest(home, closed, dist);
	page_rank(closed, rank);
	run("flights/flights.mmsb -D home=%d --in latitude=\"$MMSB_SRCDIR\"/examples/flights/airports.csv:latitude "
	    "--in longitude=\"$MMSB_SRCDIR\"/examples/flights/airports.csv:longitude --in flights=\"$MMSB_SRCDIR\"/examples/flights/flights.mtx %s "
	    "--out distance='%s/distance.csv' --out rank='%s/rank.csv' --out reached='%s/reached.csv'", home, deltas, dir, dir, dir);
	ck_assert_uint_eq(read_result("distance.csv", got, AIRPORTS), AIRPORTS);
	for (size_t v = 0; v < AIRPORTS; v++)
		near(got[v], dist[v], 1e-9, "distance", v);
	ck_assert_uint_eq(read_result("reached.csv", got, 1), 1);
	ck_assert_int_eq((int)got[0], reached);
	ck_assert_uint_eq(read_result("rank.csv", got, AIRPORTS), AIRPORTS);
	double sum = 0;
	for (size_t v = 0; v < AIRPORTS; v++) {
		near(got[v], rank[v], 1e-8, "rank", v);
		sum += got[v];
	}
	near(sum, 1, 1e-9, "sum of ranks", 0);
}

START_TEST(flights_figures)
{
	ck_assert_uint_eq(read_column("flights/airports.csv", 2, latitude, AIRPORTS), AIRPORTS);
	read_column("flights/airports.csv", 3, longitude, AIRPORTS);
	read_routes();
	check_flights(0, -1, "");
	check_flights(151, -1, "--deltas \"$MMSB_SRCDIR\"/examples/flights/close.deltas");
	char closes[256];
	snprintf(closes, sizeof closes, "--deltas '%s/closes'", dir);
	char command[4096];
	snprintf(command, sizeof command, "sed '/opens/,$d' \"$MMSB_SRCDIR\"/examples/flights/close.deltas >'%s/closes'", dir);
	ck_assert_int_eq(system(command), 0);
	check_flights(151, 18, closes);
}
END_TEST

/* ---- terrain ---- */

enum { SIDE = 111 };
static float height[SIDE][SIDE];

static void read_height(bool dam)
{
	FILE *f = open_example("terrain/height.npy");
	ck_assert_int_eq(fseek(f, -(long)sizeof height, SEEK_END), 0);
	ck_assert_uint_eq(fread(height, sizeof height, 1, f), 1);
	fclose(f);
	for (int j = 40; dam && j < 50; j++)
		height[60][j] = 108;
}

static double at(int i, int j)
{
	return (double)height[i < 0 ? 0 : i >= SIDE ? SIDE - 1 : i][j < 0 ? 0 : j >= SIDE ? SIDE - 1 : j];
}

/* In f64, by the vector that stands on the surface: slope and shade follow from its angles to the vertical and to the light. */
START_TEST(terrain_figures)
{
	static double slope[SIDE * SIDE], shade[SIDE * SIDE], flow[SIDE * SIDE];
	run("terrain/run.yaml --out slope='%s/slope.csv' --out shade='%s/shade.csv' --out flow='%s/flow.csv'", dir, dir, dir);
	ck_assert_uint_eq(read_result("slope.csv", slope, SIDE * SIDE), SIDE * SIDE);
	ck_assert_uint_eq(read_result("shade.csv", shade, SIDE * SIDE), SIDE * SIDE);
	ck_assert_uint_eq(read_result("flow.csv", flow, SIDE * SIDE), SIDE * SIDE);
	read_height(true);
	const double k = acos(-1) / 180, light[3] = {cos(45 * k) * sin(315 * k), cos(45 * k) * cos(315 * k), sin(45 * k)}; /* east, north, up */
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			double east = (at(i - 1, j + 1) + 2 * at(i, j + 1) + at(i + 1, j + 1) - at(i - 1, j - 1) - 2 * at(i, j - 1) - at(i + 1, j - 1)) / 720;
			double north = (at(i - 1, j - 1) + 2 * at(i - 1, j) + at(i - 1, j + 1) - at(i + 1, j - 1) - 2 * at(i + 1, j) - at(i + 1, j + 1)) / 720;
			double length = sqrt(east * east + north * north + 1);
			double lit = (light[2] - light[0] * east - light[1] * north) / length;
			size_t e = (size_t)(i * SIDE + j);
			ck_assert_msg(fabs(slope[e] - acos(1 / length) / k) < 1e-3, "slope[%d, %d] is %g", i, j, slope[e]);
			ck_assert_msg(fabs(shade[e] - 255 * fmax(0, lit)) < 1e-2, "shade[%d, %d] is %g, should be %g", i, j, shade[e], 255 * lit);
			int best = 0;
			double most = -INFINITY;
			for (int n = 0; n < 9; n++) {
				float drop = n == 4 ? 0 : (float)((float)at(i, j) - (float)at(i + n / 3 - 1, j + n % 3 - 1)) / (n % 2 ? 1.0f : (float)sqrt(2));
				if ((double)drop > most) {
					most = (double)drop;
					best = n;
				}
			}
			ck_assert_msg((int)flow[e] == best, "flow[%d, %d] is %g, should be %d", i, j, flow[e], best);
		}
}
END_TEST

/* ---- life and heat ---- */

START_TEST(life_figures)
{
	enum { R = 40, C = 64 };
	static int cell[R][C], next[R][C];
	static double got[R * C];
	FILE *f = open_example("life/gun.csv");
	for (int i = 0; i < R * C; i++)
		ck_assert_int_eq(fscanf(f, "%d%*[,\n]", &cell[i / C][i % C]) >= 1, 1);
	fclose(f);
	int alive = 0;
	for (int generation = 0; generation < 120; generation++) {
		alive = 0;
		for (int i = 0; i < R; i++)
			for (int j = 0; j < C; j++) {
				int n = -cell[i][j];
				for (int a = R - 1; a <= R + 1; a++)
					for (int b = C - 1; b <= C + 1; b++)
						n += cell[(i + a) % R][(j + b) % C];
				next[i][j] = n == 3 || (n == 2 && cell[i][j]);
				alive += next[i][j];
			}
		memcpy(cell, next, sizeof cell);
	}
	run("life/run.yaml --out cell='%s/cell.csv' --out alive='%s/alive.csv' --watch alive=/dev/null", dir, dir);
	ck_assert_uint_eq(read_result("cell.csv", got, R * C), R * C);
	for (int i = 0; i < R * C; i++)
		ck_assert_int_eq((int)got[i], cell[i / C][i % C]);
	ck_assert_uint_eq(read_result("alive.csv", got, 1), 1);
	ck_assert_int_eq((int)got[0], alive);
}
END_TEST

START_TEST(heat_figures)
{
	enum { R = 24, C = 32 };
	static double u[R][C], v[R][C], got[R * C];
	FILE *f = open_example("life/plate.csv");
	for (int i = 0; i < R * C; i++)
		ck_assert_int_eq(fscanf(f, "%lf%*[,\n]", &u[i / C][i % C]) >= 1, 1);
	fclose(f);
	for (int step = 0; step < 200; step++) {
		memcpy(v, u, sizeof v);
		for (int i = 1; i < R - 1; i++)
			for (int j = 1; j < C - 1; j++)
				u[i][j] = v[i][j] + 0.2 * (v[i - 1][j] + v[i + 1][j] + v[i][j - 1] + v[i][j + 1] - 4 * v[i][j]);
	}
	run("life/heat.yaml --out u='%s/u.csv' --out mean_temperature='%s/mean.csv'", dir, dir);
	ck_assert_uint_eq(read_result("u.csv", got, R * C), R * C);
	double sum = 0;
	for (int i = 0; i < R * C; i++) {
		near(got[i], u[i / C][i % C], 0, "u", (size_t)i); /* the same operations: the same bits */
		sum += u[i / C][i % C];
	}
	ck_assert_uint_eq(read_result("mean.csv", got, 1), 1);
	near(got[0], sum / (R * C), 1e-13, "mean_temperature", 0);
}
END_TEST

int main(void)
{
	snprintf(dir, sizeof dir, "/tmp/mmsb-examples-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	Suite *suite = suite_create("examples");
	TCase *all = tcase_create("figures");
	tcase_set_timeout(all, 600);
	if (!SANITIZED)
		tcase_add_test(all, fx_figures);
	tcase_add_test(all, flights_figures);
	tcase_add_test(all, terrain_figures);
	tcase_add_test(all, life_figures);
	tcase_add_test(all, heat_figures);
	suite_add_tcase(suite, all);
	int failed = unit_run(suite);
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command) != 0 || failed;
}
