#!/bin/sh
# What the makefile lists by name is all that is there: cases are run, examples and modules are distributed.
set -eu
missing=0

# listed FRAGMENT LIST FILE...: each of the files is in the list
listed() {
	fragment=$1
	list=$2
	shift 2
	for file in "$@"; do
		name=${file#"$MMSB_SRCDIR"/}
		# shellcheck disable=SC2086 # a list of words
		if ! printf '%s\n' $list | grep -qxF "$name"; then
			echo "$name is not listed in $fragment"
			missing=$((missing + 1))
		fi
	done
}

listed tests/local.mk "$MMSB_CASES" "$MMSB_SRCDIR"/tests/cases/*.test
listed examples/local.mk "$MMSB_EXAMPLES" "$MMSB_SRCDIR"/examples/*/*.*
listed stdlib/local.mk "$MMSB_MODULES" "$MMSB_SRCDIR"/stdlib/*.mmsb
[ "$missing" -eq 0 ] && echo "3 passed, 0 failed" && exit 0
echo "0 passed, $missing failed"
exit 1
