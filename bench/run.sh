#!/bin/sh
# run.sh - the benchmarks, each with its rivals in the same run: bench/run.sh BUILDDIR [NAME...]
#
# NAME: whole deltas compile chain expression life paths rows portfolio densities native lists reductions matmul ticks durable checkpoint; without any, all. Prints figures as Markdown rows. Everything runs by
# turns, A B A B ...: a ratio is that of the medians. QUICK=1 takes small sizes, to see that all is well; the environment may also give
# each size: WHOLE (elements), CHAIN (pages), EXPRESSION and OPTIONS (elements), HEAT, LIFE and MATMUL (side), RMAT (scales), GRID (sides), K, N, B (of the portfolio), DENSITIES (elements),
# REPLAY, CHECKPOINT and WARM (bytes), PARTS (of `durable`), FOLDER (on the disk that it measures), and LEAST_K and MOST_K how many changes an epoch has.
set -eu
build=$(cd "${1:-.}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] && shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "${QUICK:-}" ]; then
	: "${WHOLE:=100000}" "${CHAIN:=100}" "${EXPRESSION:=100003}" "${OPTIONS:=10007}" "${HEAT:=257}" "${LIFE:=256}" "${MATMUL:=100}" "${RMAT:=10}" "${GRID:=40}" "${K:=1000}" "${N:=20000}" "${B:=100}" "${DENSITIES:=10007}"
	export TIME_MS=20 ROUNDS=1 REPLAY=100000 CHECKPOINT=1000000 WARM=1000000
fi

median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

python=
for p in python3 python; do
	if "$p" -c 'import numpy' 2>/dev/null; then python=$p; break; fi
done
[ -n "$python" ] || echo "NumPy is not installed (Debian: python3-numpy): its rows are left out" >&2

compile() { "$build/mmsbc" compile "$1" -o "$work/$2.mmsbx"; }

# Element-wise work and a sum over 16M f32; 1 and 2 threads. Bytes: 4 pages of 4 bytes (the store of d reads what was there, to
# find what changed: 5); the sum reads 4.
run_whole() {
	for what in expression sum; do
		compile "$here/$what.mmsb" "$what"
		[ "$what" = expression ] && bytes=20 || bytes=4
		[ -n "$python" ] || continue
		for threads in 1 2; do
			: >"$work/a"; : >"$work/b"
			for round in 1 2 3 4 5; do
				"$build/bench/scratch" "$work/$what.mmsbx" "${WHOLE:-16777216}" "$threads" 7 >"$work/mine"
				"$python" "$here/rival.py" "$what" "${WHOLE:-16777216}" 7 >"$work/rival"
				[ "$what" = sum ] || { # NumPy adds in another order: sums may differ
					sed 1d "$work/mine" >"$work/x"; sed 1d "$work/rival" >"$work/y"
					cmp -s "$work/x" "$work/y" || { echo "run.sh: the answers differ:" >&2; cat "$work/x" "$work/y" >&2; exit 1; }
				}
				sed -n 's/^seconds //p' "$work/mine" >>"$work/a"
				sed -n 's/^seconds //p' "$work/rival" >>"$work/b"
			done
			a=$(median <"$work/a"); b=$(median <"$work/b")
			awk -v a="$a" -v b="$b" -v w="$what" -v t="$threads" -v n="${WHOLE:-16777216}" -v y="$bytes" 'BEGIN {
				printf "| %s, %d f32, %d thread%s | %.2f ms (%.1f GB/s) | NumPy %.2f ms | %.2f | %d bytes an element |\n",
					w, n, t, (t > 1 ? "s" : ""), a * 1e3, n * y / a / 1e9, b * 1e3, a / b, y }'
		done
	done
}

# A million lines of deltas, read, staged and committed; the rival only splits and counts the lines.
run_deltas() {
	awk -f "$here/deltas.awk" >"$work/deltas"
	printf 'param N;\npage price : f64[N] in;\n' >"$work/price.mmsb"
	"$build/mmsbc" compile "$work/price.mmsb" -o "$work/price.mmsbx"
	: >"$work/a"; : >"$work/b"
	for round in 1 2 3 4 5; do
		start=$(date +%s.%N); "$build/mmsb" run "$work/price.mmsbx" -D N=100000 --threads 1 --deltas "$work/deltas"; end=$(date +%s.%N)
		awk -v s="$start" -v e="$end" 'BEGIN { print e - s }' >>"$work/a"
		start=$(date +%s.%N); awk -F, '{ s += $3 } END { print s }' "$work/deltas" >/dev/null; end=$(date +%s.%N)
		awk -v s="$start" -v e="$end" 'BEGIN { print e - s }' >>"$work/b"
	done
	a=$(median <"$work/a"); b=$(median <"$work/b")
	awk -v a="$a" -v b="$b" 'BEGIN { printf "| 1,001,000 lines of deltas, whole process | %.0f ms (%.1f million lines/s) | awk, summing a column, %.0f ms | %.2f | |\n",
		a * 1e3, 1.001 / a, b * 1e3, a / b }'
}

# Compiling a program of 500 pages; the rival is cc -O0 on as many functions of C.
run_compile() {
	awk -v n=500 -f "$here/large.awk" >"$work/large.mmsb"
	awk 'BEGIN { for (i = 0; i < 500; i++) printf "double f%d(double a, double b) { return a > 0 ? a * a + b : (a < b ? a : b) + %d.5; }\n", i, i }' >"$work/large.c"
	: >"$work/a"; : >"$work/b"
	for round in 1 2 3 4 5 6 7; do
		start=$(date +%s.%N); "$build/mmsbc" compile "$work/large.mmsb" -o "$work/large.mmsbx"; end=$(date +%s.%N)
		awk -v s="$start" -v e="$end" 'BEGIN { print e - s }' >>"$work/a"
		start=$(date +%s.%N); cc -O0 -c "$work/large.c" -o "$work/large.o"; end=$(date +%s.%N)
		awk -v s="$start" -v e="$end" 'BEGIN { print e - s }' >>"$work/b"
	done
	a=$(median <"$work/a"); b=$(median <"$work/b")
	awk -v a="$a" -v b="$b" 'BEGIN { printf "| compile, 500 pages, whole process | %.0f ms | cc -O0, 500 functions, %.0f ms | %.2f | |\n", a * 1e3, b * 1e3, a / b }'
}

# Rivals in C in the same process.
run_chain() {
	awk -v n="${CHAIN:-1000}" -f "$here/chain.awk" >"$work/chain.mmsb"
	compile "$work/chain.mmsb" chain
	"$build/bench/chain" "$work/chain.mmsbx" "${CHAIN:-1000}"
}

run_expression() {
	compile "$here/expression_sum.mmsb" expression_sum
	N="${EXPRESSION:-16777216}" "$build/bench/expression" "$work/expression_sum.mmsbx"
}

run_life() {
	compile "$here/../examples/life/life.mmsb" life
	SIDE="${LIFE:-8192}" "$build/bench/life" "$work/life.mmsbx"
}

run_paths() {
	for program in shortest reach pagerank; do compile "$here/$program.mmsb" "$program"; done
	for scale in ${RMAT:-16 18}; do paths_of rmat "$scale"; done
	for side in ${GRID:-1000}; do paths_of grid "$side"; done
}

# SuiteSparse:GraphBLAS on the same graph, where python-graphblas is installed (PyPI).
paths_of() {
	ARCS="$work/arcs" "$build/bench/paths" "$work/shortest.mmsbx" "$@" "$work/reach.mmsbx" "$work/pagerank.mmsbx"
	[ -z "$python" ] || ! "$python" -c 'import graphblas' 2>/dev/null || "$python" "$here/graphblas_paths.py" "$work/arcs"
}

# Products of a sparse matrix and a vector, and PageRank, beside C over rows and GraphBLAS, where it is installed.
run_rows() {
	for program in plus_times min_plus or_and; do compile "$here/rows_$program.mmsb" "rows_$program"; done
	compile "$here/pagerank.mmsb" pagerank
	for scale in ${RMAT:-18}; do rows_of rmat "$scale"; done
	for side in ${GRID:-1000}; do rows_of grid "$side"; done
}

rows_of() {
	for threads in 1 2; do
		ARCS="$work/arcs" "$build/bench/rows" "$@" "$threads" "$work/rows_plus_times.mmsbx" "$work/rows_min_plus.mmsbx" "$work/rows_or_and.mmsbx" "$work/pagerank.mmsbx"
	done
	[ -z "$python" ] || ! "$python" -c 'import graphblas' 2>/dev/null || "$python" "$here/graphblas_rows.py" "$work/arcs"
}

# And NumPy, which computes everything anew whatever changes: its additions are in another order.
run_portfolio() {
	compile "$here/portfolio.mmsb" portfolio
	K="${K:-10000}" N="${N:-1000000}" B="${B:-1000}" "$build/bench/portfolio" "$work/portfolio.mmsbx" | tee "$work/rows"
	[ -n "$python" ] || return 0
	b=$("$python" "$here/portfolio.py" "${K:-10000}" "${N:-1000000}" "${B:-1000}" 15)
	sed -n 's/^| \(portfolio, [ke][^|]*\) | \([0-9.]*\) us .*/\1;\2/p' "$work/rows" |
		awk -F';' -v b="$b" '{ printf "| %s | %.1f us | NumPy, everything, %.1f us | %.3f | |\n", $1, $2, b * 1e6, $2 / (b * 1e6) }'
}

# Shares of elements that change, each held against its neighbours.
run_densities() {
	XDG_CACHE_HOME="$work" N="${DENSITIES:-1000000}" "$build/bench/densities"
}

# Element-wise work compiled to C.
run_native() {
	XDG_CACHE_HOME="$work" N="${EXPRESSION:-16777216}" SIDE="${HEAT:-4096}" M="${OPTIONS:-4000000}" "$build/bench/native" "$here/expression.mmsb" "$here/heat.mmsb" "$here/options.mmsb"
	[ -n "$python" ] && "$python" -c 'import numexpr' 2>/dev/null || { echo "numexpr is not installed (PyPI): its rows are left out" >&2; return 0; }
	"$python" "$here/numexpr_rival.py" expression "${EXPRESSION:-16777216}" 7 | awk '{ printf "| expression, %d thread(s) | | numexpr %s ms, NumPy (one) %s ms | | 2.5 and 5 times ours |\n", $2, $3, $5 }'
	"$python" "$here/numexpr_rival.py" options "${OPTIONS:-4000000}" 7 | awk '{ printf "| options, %d thread(s) | | numexpr %s ms | | 15 times ours |\n", $2, $3 }'
}

# Dense reductions, the same way.
run_reductions() {
	XDG_CACHE_HOME="$work" SIDE="${HEAT:-4096}" "$build/bench/reductions"
}

# Single elements by the functions of whole passes, and by tiles.
run_lists() {
	XDG_CACHE_HOME="$work" N="${EXPRESSION:-16777216}" SIDE="${HEAT:-4096}" M="${OPTIONS:-4000000}" "$build/bench/lists" "$here/expression.mmsb" "$here/heat.mmsb" "$here/options.mmsb"
}

# A product of matrices beside OpenBLAS: the one that OPENBLAS names, the system's, or NumPy's.
run_matmul() {
	sed 's/f32/f64/' "$here/matmul.mmsb" >"$work/matmul_f64.mmsb"
	[ -n "${OPENBLAS:-}" ] || [ -z "$python" ] || OPENBLAS=$("$python" -c 'import glob, numpy, os
print((glob.glob(os.path.join(os.path.dirname(numpy.__file__), "..", "numpy.libs", "libscipy_openblas*")) + [""])[0])')
	XDG_CACHE_HOME="$work" OPENBLAS="${OPENBLAS:-}" SIDE="${MATMUL:-1024}" "$build/bench/matmul" "$here/matmul.mmsb" "$work/matmul_f64.mmsb"
}

# Ten ticks of a stencil, of which nobody sees any but the last.
run_ticks() { XDG_CACHE_HOME="$work" HEAT="${HEAT:-4096}" "$build/bench/ticks" "$here/ticks.mmsb"; }

# What syncs, logs and whole files cost without us.
run_durable() {
	mkdir -p "${FOLDER:=$work/durable}"
	"$build/bench/durable" "$FOLDER"
	rm -rf "$FOLDER/sync" "$FOLDER/store" "$FOLDER/log" "$FOLDER/pages"
}

# Checkpoints of a state, beside writing as many bytes.
run_checkpoint() {
	compile "$here/checkpoint.mmsb" checkpoint
	mkdir -p "${FOLDER:=$work/durable}"
	"$build/bench/checkpoint" "$work/checkpoint.mmsbx" "$FOLDER/state"
	rm -rf "$FOLDER/state"
}

echo "| benchmark | MMSB | rival | ratio | goal or limit |"
echo "| --- | --- | --- | --- | --- |"
for name in ${*:-whole deltas compile chain expression life paths rows portfolio densities native lists reductions matmul ticks durable checkpoint}; do
	"run_$name"
done
