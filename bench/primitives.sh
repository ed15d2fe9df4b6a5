#!/bin/sh
# primitives.sh - runs bench/primitives: bench/primitives.sh BUILDDIR
set -eu
build=$(cd "${1:-.}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'param N;\npage price : f64[N] in;\n' >"$work/price.mmsb"
"$build/mmsbc" compile "$work/price.mmsb" -o "$work/price.mmsbx"
# room for what jemalloc wants to have at a fixed place, which it must be given when it is loaded late
GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384 "$build/bench/primitives" "$work/price.mmsbx"
