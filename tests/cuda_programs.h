/* cuda_programs.h - what check_cuda.c has a device evaluate. */
#ifndef MMSB_TESTS_CUDA_PROGRAMS_H
#define MMSB_TESTS_CUDA_PROGRAMS_H

static const char program[] =
	"param gain : f64 = 1.5;\n"
	"record Pair { flag : bool; v : f64; }\n"
	"page x : f64[600] in;\n"
	"page d : i64[600] in;\n"
	"page k : index(600)[600] in;\n"
	"page y : f64[600] out;\n"
	"page q : i64[600] out;\n"
	"page g : f64[600] out;\n"
	"page r : f64[600] out;\n"
	"page h : f64[600] out;\n"
	"page s : f64[600] out;\n"
	"page p : Pair[600] in;\n"
	"page o : Pair[600] out;\n"
	"page t : f64 out;\n"
	"page u : f64 out;\n"
	"page b : index(600) out;\n"

	"edge y[i] <- exp(x[i]) * gain;\n"
	"edge q[i] <- 1000 / d[i];\n"
	"edge g[i] <- y[k[i]] - clamp(x)[i - 1];\n"
	"edge r[i] <- prev r[i] * 0.5 + x[i];\n"
	"edge h[i] <- sum[j where j <= i] x[j];\n"
	"edge s[i] <- sum[j in 0..9] wrap(h)[i + j];\n"
	"edge o[i] <- clamp(p)[i + 1];\n"
	"edge t <- sum[i] y[i];\n"
	"edge u <- sum[i where q[i] % 2 == 0] y[i];\n"
	"edge b <- argmax[i] g[i];\n";

/* None of its passes can fail, and nothing but passes of the device looks at a, b and c. */
static const char near[] =
	"page x : f64[600] in;\n"
	"page k : index(600)[600] in;\n"
	"page w : sparse f64[600, 600] in;\n"
	"page a : f64[600];\n"
	"page b : f64[600];\n"
	"page c : f64[600];\n"
	"page g : f64[600] out;\n"
	"page t : f64 out;\n"

	"edge a[i] <- x[i] * 0.5 + 1.0;\n"
	"edge b[i] <- a[k[i]] - x[i];\n"
	"edge c[i] <- b[k[i]] + (sum[j] w[i, j] * b[j]) + (max[j] w[j, i] * a[j]);\n"
	"edge g[q] <- sum[i where k[i] == q] c[i];\n"
	"edge t <- sum[i] c[i];\n";

/* Its state is carried from tick to tick. */
static const char ticking[] =
	"page x : f64[600] in;\n"
	"page k : index(600)[600] in;\n"
	"page r : f64[600] out;\n"
	"page s : f64[600] out;\n"

	"edge r[i] <- prev r[i] * 0.5 + x[i];\n"
	"edge s[i] <- wrap(prev s)[i - 1] + prev r[k[i]];\n";

/* More rounds than are asked for together; and one that begins anew where it stands. */
static const char settling[] =
	"page x : f64[600] in;\n"
	"page k : index(600)[600] in;\n"
	"page w : sparse f64[600, 600] in;\n"
	"page u : f64[600] out;\n"
	"page v : f64[600] out;\n"
	"page d : i64[600] in;\n"
	"page q : f64[600] out;\n"

	"edge u[i] <- fix(tol = 0.000001, max = 20) 0.45 * (wrap(u)[i - 1] + u[k[i]]) + x[i];\n"
	"edge v[i] <- fix(tol = 0.001, max = 3) 0.001 * (sum[j] w[i, j] * v[j]) + prev x[i];\n"
	"edge q[i] <- fix(tol = 0.0, max = 5) q[i] * 0.5 + f64(1000 / d[i]);\n";

/* Passes can fail, and there is state; a, b and c stay on the device all the same. */
static const char guarded[] =
	"record Pair { flag : bool; v : f64; }\n"
	"page x : f64[600] in;\n"
	"page d : i64[600] in;\n"
	"page k : index(600)[600] in;\n"
	"page p : Pair[600] in;\n"
	"page a : f64[600];\n"
	"page b : f64[600];\n"
	"page c : Pair[600];\n"
	"page r : f64[600] out;\n"
	"page s : f64[600] out;\n"

	"edge a[i] <- x[i] * 0.5 + prev r[i];\n"
	"edge c[i] <- clamp(p)[i + 1];\n"
	"edge b[i] <- a[k[i]] + f64(1000 / d[i]);\n"
	"edge r[i] <- b[k[i]] + prev r[i] * 0.25;\n"
	"edge s[i] <- c[k[i]].v + a[i] + f64(7 / (d[k[i]] - 9));\n";

/* Exact fixpoints: their readers stand in lists, or do not; divisors and weights can be wrong. */
static const char exact[] =
	"page x : f64[600] in;\n"
	"page k : index(600)[600] in;\n"
	"page d : i64[600] in;\n"
	"page w : sparse f64[600, 600] in;\n"
	"page near : f64[600] out;\n"
	"page seen : bool[600] out;\n"
	"page wide : f64[600] out;\n"
	"page last : f64[600] out;\n"
	"page s : f64[600] out;\n"
	"page z : sparse f64[600, 600] out like w;\n"
	"page t : f64[600] out;\n"

	"edge z[i, j] <- w[i, j] * wide[j] - x[i];\n"
	"edge t[i] <- sum[j] z[j, i];\n"
	"edge near[v] <- fix min(if v < 3 then 0.0 else f64(1000 / d[v]) + 900.0, min[u] (near[u] + w[u, v]));\n"
	"edge seen[v] <- fix (v == 0 || any[u] (seen[u] && w[u, v] > 1.0));\n"
	"edge wide[v] <- fix max(x[v], max(max[u] min(wide[u], w[u, v]), max[u] min(wide[u], w[v, u])));\n"
	"edge last[i] <- fix max(x[i], clamp(last)[i - 1]);\n"
	"edge s[i] <- near[k[i]] + wide[i] - last[i] + prev near[k[i]] * 0.5 + wrap(prev last)[i + 1];\n";

static const struct { const char *name, *text; } programs[] = {
	{"program", program}, {"near", near}, {"guarded", guarded}, {"exact", exact}, {"ticking", ticking}, {"settling", settling}};

#endif
