#!/bin/sh
# embed.sh FILE...: the lines of headers as an initialiser of C strings, without their #include of one another.
set -e
for file; do
	sed -e '/^#include "/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n",/' "$file"
done
