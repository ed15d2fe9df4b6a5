#!/bin/sh
# The compiler makes vector loops of all elementary functions, as the kernels and the native executor count on. A
# change of the text that makes it stop moves no bit and fails no other test, but costs a factor of four.
set -eu
functions="exp log sin cos tan asin acos atan sinh cosh tanh erf normcdf sin_small cos_small tan_small"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=c11 -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -march=x86-64-v3 -I$MMSB_SRCDIR"
case $($CC --version 2>/dev/null) in
*clang*) remarks=-Rpass=loop-vectorize pragma='clang loop vectorize(assume_safety)' said='vectorized loop' ;;
*GCC* | *gcc* | *"Free Software Foundation"*) remarks=-fopt-info-vec pragma='GCC ivdep' said='loop vectorized' ;;
*) echo "not gcc or clang" && exit 77 ;;
esac

# one loop per line, so that a remark names its function by the line
{
    echo '#include "runtime/elementary.h"'
    for f in $functions pow atan2; do
        for type in f32 f64; do
            real=$([ "$type" = f32 ] && echo float || echo double)
            arguments='x[i]'
            case $f in pow | atan2) arguments='x[i], y[i]' ;; esac
            printf 'void %s_%s(%s *restrict r, const %s *x, const %s *y, int n) ' "$f" "$type" "$real" "$real" "$real"
            printf '{ (void)y; _Pragma("%s") for (int i = 0; i < n; i++) r[i] = mmsb_%s_%s(%s); }\n' "$pragma" "$f" "$type" "$arguments"
        done
    done
} >"$work/loops.c"
# shellcheck disable=SC2086
if ! $CC $flags $remarks -c "$work/loops.c" -o "$work/loops.o" 2>"$work/remarks"; then
    grep -q 'march' "$work/remarks" && echo "not x86-64" && exit 77
    cat "$work/remarks"
    echo "0 passed, 1 failed"
    exit 1
fi

passed=0 failed=0 line=1
for f in $functions pow atan2; do
    for type in f32 f64; do
        line=$((line + 1))
        if grep "loops.c:$line:" "$work/remarks" | grep -q "$said"; then
            passed=$((passed + 1))
        else
            echo "the loop over mmsb_${f}_$type is not vectorised"
            failed=$((failed + 1))
        fi
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
