#!/bin/sh
# native.sh - native code (docs/native.md): random programs at every level, by every compiler that is here, on one thread and on several, against
# the naive evaluator; and the C text of random programs without a warning. MMSB_NATIVE_PROGRAMS=200 MMSB_NATIVE_TEXTS=1000 is the long form.
build=${MMSB_BUILDDIR:-.} SANITIZE_CFLAGS=${SANITIZE_CFLAGS-} CC=${CC:-cc} used=
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
XDG_CACHE_HOME=$work
export XDG_CACHE_HOME
passed=0 failed=0
note() {
	if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "failed: $2"; fi
}

# Under sanitizers, the code that is made is watched as well.
for compiler in "$CC" gcc clang; do
	command -v ${compiler%% *} >/dev/null || continue
	[ -z "$used" ] || case $CC in "$compiler" | *" $compiler") continue ;; esac
	[ -z "$SANITIZE_CFLAGS" ] || [ -z "$used" ] || continue
	used=$compiler
	for level in base v3 v4; do
		seed=$((seed + 2001))
		MMSB_CC="$compiler $SANITIZE_CFLAGS" MMSB_CPU=$level "$build/tests/property" --native --programs "${MMSB_NATIVE_PROGRAMS:-8}" --seed $seed --epochs 8 --keep "$work/kept" >"$work/log" 2>&1
		status=$?
		[ $status -eq 0 ] || cat "$work/log"
		note $status "property at $level, $compiler"
	done
done
ls "$work"/mmsb/*.so >/dev/null 2>&1
note $? "no native code was made"

# Rows and columns of all lengths, as they are and after entries have come and gone, in every algebra.
cat >"$work/rows.mmsb" <<'END'
import semiring;
param N;
param scale : f64 = 0.5;
page A : sparse f64[N, N] in;
page P : sparse bool[N, N] in;
page W : sparse i32[N, N] in;
page B : sparse f64[N, N] like A;
page x : f64[N] in;
page z : f32[N] in;
page near : bool[N] in;
page at : index(N)[N] in;
page sums : f64[N] out;
page columns : f64[N] out;
page shares : f64[N] out;
page singles : f32[N] out;
page products : f64[N] out;
page least : f64[N] out;
page most : f64[N] out;
page whole : i64[N] out;
page reached : bool[N] out;
page every : bool[N] out;
page counted : i64[N] out;
page means : f64[N] out;
page rank : f64[N] out init 1.0;
edge B[i, j] <- A[i, j] * 2.0 - x[i];
edge sums[i] <- sum[j] A[i, j] * x[j];
edge columns[v] <- sum[u] (A[u, v] * scale + x[u] * x[v] + f64(u));
edge shares[v] <- sum[u] (if P[u, v] then x[u] / (x[at[u]] + 2.0) else 0.0);
edge singles[v] <- sum[u] (if P[u, v] then z[u] * z[v] else 0.0);
edge products[i] <- prod[j] B[i, j];
edge least[i] <- min_plus[j] A[i, j] .* x[j];
edge most[v] <- max[u] (A[u, v] - x[at[u]]);
edge whole[i] <- sum[j] W[i, j];
edge reached[v] <- or_and[u] P[u, v] .* near[u];
edge every[i] <- all[j] (W[i, j] > 3);
edge counted[i] <- count[j] (A[i, j] > x[j]);
edge means[i] <- mean[j] A[i, j];
edge rank[v] <- fix(tol = 1e-3, max = 7) 0.15 + 0.85 * (sum[u] (if P[u, v] then rank[u] / (x[u] + 3.0) else 0.0));
END
awk -v n=1500 -v where="$work" 'BEGIN {
	srand(5)
	for (i = 1; i <= n; i++) {
		most = i == 7 || i == 900 ? n : i % 50 == 3 ? 300 : i % 4 * i % 9 * 3 + i % 5
		for (j = 1 + int(rand() * 3); j <= n && most-- > 0; j += most > 200 ? 1 : 1 + int(rand() * rand() * 60)) {
			s[i, j] = 1; c++
			if (!((j, i) in s)) { s[j, i] = 1; c++ }
		}
	}
	c = 0
	for (e in s) c++
	for (k = 0; k < 3; k++) {
		f = where "/" substr("APW", k + 1, 1) ".mtx"
		print "%%MatrixMarket matrix coordinate " (k == 0 ? "real" : k == 1 ? "pattern" : "integer") " general" >f
		print n, n, c >f
		for (e in s) { split(e, q, SUBSEP); print q[1], q[2] (k == 0 ? " " rand() - 0.2 : k == 2 ? " " int(rand() * 1000) : "") >f }
	}
	for (i = 0; i < n; i++) {
		print rand() >(where "/x.csv"); print rand() * 3 - 1 >(where "/z.csv")
		print (rand() < 0.02 ? "true" : "false") >(where "/near.csv"); print int(rand() * n) >(where "/at.csv")
	}
	for (e = 0; e < 12; e++) {
		for (k = 0; k < (e % 3 == 2 ? 700 : 5); k++) {
			i = rand() < 0.3 ? 6 : int(rand() * n); j = int(rand() * n)
			print "A," i "," j "," (rand() < 0.5 ? "-" : rand()) >(where "/changes")
			print "P," j "," i "," (rand() < 0.5 ? "-" : "true") >(where "/changes")
			print "x," int(rand() * n) "," rand() >(where "/changes")
		}
		print "commit" >(where "/changes")
	}
	for (e = 0; e < 12; e++) { # the same entries for some epochs, then with other values
		for (k = 0; e % 6 == 0 && k < 40; k++) print "A," k * 31 "," k * 31 "," rand() >(where "/changes")
		for (k = 0; k < n; k++) print "x," k "," rand() >(where "/changes")
		print "commit" >(where "/changes")
	}
}'
"$build/mmsbc" compile "$work/rows.mmsb" -o "$work/rows.mmsbx"
note $? "rows, compiled"
for how in "portable --threads 1" "native --threads 1" "native --threads 2" "native --threads 2 --scratch"; do
	MMSB_GRAIN=64 "$build/mmsb" run "$work/rows.mmsbx" --executor $how --in A="$work/A.mtx" --in P="$work/P.mtx" --in W="$work/W.mtx" --in x="$work/x.csv" \
		--in z="$work/z.csv" --in near="$work/near.csv" --in at="$work/at.csv" --deltas "$work/changes" --digest=each >"$work/digests"
	note $? "rows, $how"
	[ -e "$work/first" ] || cp "$work/digests" "$work/first"
	cmp "$work/first" "$work/digests"
	note $? "rows, the values of $how"
done
[ "$(wc -l <"$work/first")" -ge 25 ]
note $? "rows, too few epochs"

# The C text of programs, as many as MMSB_NATIVE_TEXTS says.
seed=3001 last=$((3000 + ${MMSB_NATIVE_TEXTS:-8}))
while [ $seed -le $last ]; do
	"$build/tests/property" --print --programs 1 --epochs 1 --seed $seed --keep "$work/kept" | sed '/^seeds [0-9]/,$d' >"$work/p.mmsb"
	"$build/mmsbc" emit c "$work/p.mmsb" -o "$work/p.c"
	note $? "the C text of program $seed"
	for compiler in gcc clang; do
		command -v $compiler >/dev/null || continue
		$compiler -std=gnu11 -Wall -Wextra -Werror -O1 -c "$work/p.c" -o "$work/p.o"
		note $? "$compiler, the C text of program $seed"
	done
	seed=$((seed + 1))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
