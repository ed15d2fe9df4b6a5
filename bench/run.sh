#!/bin/sh
# run.sh - the benchmarks, each with its rival in the same run: bench/run.sh BUILDDIR
# Prints figures as Markdown rows. Runs A B A B ...: the ratio is that of the medians.
set -eu
build=$(cd "${1:-.}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
N=${N:-16777216}

median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

python=
for p in python3 python; do
	if "$p" -c 'import numpy' 2>/dev/null; then python=$p; break; fi
done
[ -n "$python" ] || echo "NumPy is not installed (Debian: python3-numpy): its rows are left out" >&2

echo "| benchmark | MMSB | rival | ratio | limit |"
echo "| --- | --- | --- | --- | --- |"

# Element-wise work and a sum over 16M f32; 1 and 2 threads. Bytes: 4 pages of 4 bytes (the store of d reads what was there, to
# find what changed: 5); the sum reads 4.
for what in expression sum; do
	"$build/mmsbc" compile "$here/$what.mmsb" -o "$work/$what.mmsbx"
	[ "$what" = expression ] && bytes=20 || bytes=4
	[ -n "$python" ] || continue
	for threads in 1 2; do
		: >"$work/a"; : >"$work/b"
		for round in 1 2 3 4 5; do
			"$build/bench/scratch" "$work/$what.mmsbx" "$N" "$threads" 7 >"$work/mine"
			"$python" "$here/rival.py" "$what" "$N" 7 >"$work/rival"
			[ "$what" = sum ] || { # NumPy adds in another order: sums may differ
				sed 1d "$work/mine" >"$work/x"; sed 1d "$work/rival" >"$work/y"
				cmp -s "$work/x" "$work/y" || { echo "run.sh: the answers differ:" >&2; cat "$work/x" "$work/y" >&2; exit 1; }
			}
			sed -n 's/^seconds //p' "$work/mine" >>"$work/a"
			sed -n 's/^seconds //p' "$work/rival" >>"$work/b"
		done
		a=$(median <"$work/a"); b=$(median <"$work/b")
		awk -v a="$a" -v b="$b" -v w="$what" -v t="$threads" -v n="$N" -v y="$bytes" 'BEGIN {
			printf "| %s, %d f32, %d thread%s | %.2f ms (%.1f GB/s) | NumPy %.2f ms | %.2f | %d bytes an element |\n",
				w, n, t, (t > 1 ? "s" : ""), a * 1e3, n * y / a / 1e9, b * 1e3, a / b, y }'
	done
done

# A million lines of deltas, read, staged and committed; the rival only splits and counts the lines.
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

# Compiling a program of 500 pages; the rival is cc -O0 on as many functions of C.
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
