#!/bin/sh
# native.sh - native code (docs/native.md): random programs at every level, on one thread and on several, against the naive evaluator; and
# the C text of random programs without a warning, by every compiler that is here.
build=${MMSB_BUILDDIR:-.}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
XDG_CACHE_HOME=$work
export XDG_CACHE_HOME
passed=0 failed=0
note() {
	if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "failed: $2"; fi
}

for level in base v3 v4; do
	seed=$((seed + 2001))
	MMSB_CPU=$level "$build/tests/property" --native --programs "${MMSB_NATIVE_PROGRAMS:-8}" --seed $seed --epochs 8 --keep "$work/kept" >"$work/log" 2>&1
	status=$?
	[ $status -eq 0 ] || cat "$work/log"
	note $status "property at $level"
done
ls "$work"/mmsb/*.so >/dev/null 2>&1
note $? "no native code was made"

for compiler in gcc clang; do
	command -v $compiler >/dev/null || continue
	seed=3001
	while [ $seed -lt 3006 ]; do
		"$build/tests/property" --print --programs 1 --epochs 1 --seed $seed --keep "$work/kept" | sed '/^seeds [0-9]/,$d' >"$work/p.mmsb"
		"$build/mmsbc" emit c "$work/p.mmsb" -o "$work/p.c" && $compiler -std=gnu11 -Wall -Wextra -Werror -O0 -c "$work/p.c" -o "$work/p.o"
		note $? "$compiler, the C text of program $seed"
		seed=$((seed + 1))
	done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
