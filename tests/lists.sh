#!/bin/sh
# Every file of cases in the source tree is one that `make check` runs.
set -eu
missing=0
for file in "$MMSB_SRCDIR"/tests/cases/*.test; do
    name=tests/cases/${file##*/}
    if ! printf '%s\n' $MMSB_CASES | grep -qxF "$name"; then
        echo "$name is not listed in tests/local.mk"
        missing=$((missing + 1))
    fi
done
[ "$missing" -eq 0 ] && echo "1 passed, 0 failed" && exit 0
echo "0 passed, $missing failed"
exit 1
