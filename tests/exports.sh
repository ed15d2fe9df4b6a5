#!/bin/sh
# The shared library exports the names of runtime/mmsb.sym and not one more.
set -eu
library=.libs/libmmsb.so
if ! test -e "$library"; then
    echo "no shared library in this build"
    exit 77
fi
${NM:-nm} -D --defined-only "$library" | sed 's/^.* //; s/@.*//' | sort -u >exports.built
sort -u "$MMSB_SRCDIR/runtime/mmsb.sym" >exports.listed
if diff exports.listed exports.built; then
    echo "1 passed, 0 failed"
else
    echo "The list is runtime/mmsb.sym: '<' is listed and missing, '>' is exported and not listed."
    echo "0 passed, 1 failed"
    exit 1
fi
