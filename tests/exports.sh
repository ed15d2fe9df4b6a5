#!/bin/sh
# What the shared library exports, what runtime/mmsb.sym lists and what mmsb.h declares are the same names.
set -eu
passed=0
failed=0

# compare WHAT: exports.found against exports.listed
compare() {
	if diff exports.listed exports.found; then
		passed=$((passed + 1))
	else
		echo "'<' is listed in runtime/mmsb.sym and not $1; '>' is $1 and not listed"
		failed=$((failed + 1))
	fi
}

sort -u "$MMSB_SRCDIR/runtime/mmsb.sym" >exports.listed
sed 's,/\*.*\*/,,' "$MMSB_SRCDIR/runtime/mmsb.h" | grep -v '^[[:space:]/]*\*' |
	sed -n 's/^[a-z][a-z0-9_ ]*[ *]\(mmsb_[a-z0-9_]*\)(.*/\1/p' | sort -u >exports.found
compare "declared in mmsb.h"
if test -e .libs/libmmsb.so; then
	${NM:-nm} -D --defined-only .libs/libmmsb.so | sed 's/^.* //; s/@.*//' | sort -u >exports.found
	compare "exported by libmmsb.so"
fi
rm -f exports.listed exports.found
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
