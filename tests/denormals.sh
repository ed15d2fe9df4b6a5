#!/bin/sh
# denormals.sh - a library that switches denormals off when it is loaded, as those built with -ffast-math do, must not move a bit.
build=${MMSB_BUILDDIR:-.}
case $(uname -m) in x86_64) ;; *) echo "0 passed, 0 failed"; exit 77 ;; esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
cat >flush.c <<'C'
__attribute__((constructor)) static void flush(void) { __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040); }
C
cat >tiny.mmsb <<'M'
page x : f64[3] in;
page y : f64[3] out;
page s : f32 out;
edge y[i] <- x[i] * 0.5;
edge s <- sum[i] f32(x[i] * 1e264);
M
printf '4e-308\n1e-310\n5e-324\n' >x.csv
${CC:-cc} -shared -fPIC flush.c -o flush.so || exit 1
run() { "$build/mmsb" run tiny.mmsb --in x=x.csv --out y=- --out s=- --digest; }
run >plain || exit 1
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 LD_PRELOAD="$work/flush.so" run >flushed || exit 1
if cmp plain flushed && grep -q '^5e-311$' plain; then
	echo "1 passed, 0 failed"
else
	cat plain flushed
	echo "0 passed, 1 failed"
	exit 1
fi
