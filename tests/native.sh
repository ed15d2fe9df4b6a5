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
