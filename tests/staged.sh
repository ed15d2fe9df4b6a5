#!/bin/sh
# Installs into a temporary folder and tests what is there.
set -eu
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL # this make is no part of the one that runs the tests
"${MAKE:-make}" -s -C "$MMSB_BUILDDIR" install DESTDIR="$staged" >"$staged/log" 2>&1 || { cat "$staged/log"; exit 1; }
PKG_CONFIG_SYSROOT_DIR=$staged
export PKG_CONFIG_SYSROOT_DIR
bindir=$staged$MMSB_BINDIR libdir=$staged$MMSB_LIBDIR includedir=$staged$MMSB_INCLUDEDIR "$MMSB_SRCDIR/tests/installed.sh"
