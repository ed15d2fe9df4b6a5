#!/bin/sh
# What `make install` put there works by itself: the programs find the standard library, and a C program
# builds with what pkg-config says. Run by `make installcheck` with bindir, libdir and CC set.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

printf 'import semiring;\n' >program.mmsb
"$bindir/mmsbc" check program.mmsb
"$bindir/mmsb" --version

cat >embed.c <<'END'
#include <mmsb.h>
#include <stdio.h>
int main(void)
{
	return puts(mmsb_version()) < 0;
}
END
PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046,SC2086 # lists of words
$CC $SANITIZE_CFLAGS embed.c $(pkg-config --cflags --libs mmsb) -o embed
[ "$(LD_LIBRARY_PATH=$libdir ./embed)" = "$(pkg-config --modversion mmsb)" ]
echo "1 passed, 0 failed"
