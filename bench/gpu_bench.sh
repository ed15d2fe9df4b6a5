#!/bin/sh
# gpu_bench.sh - benchmarks on a CUDA device, into bench/results/gpu-NAME-DATE.json: bench/gpu_bench.sh BUILDDIR. 77: there is no device.
set -eu
build=$(cd "${1:-.}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp)
trap 'rm -f "$work"' EXIT
MMSB_STDLIB="$here/../stdlib" "$build/bench/gpu" "$here" >"$work" || exit $?
name=$(sed -n 's/.*"device": "\([^"]*\)".*/\1/p' "$work" | tr -cs 'A-Za-z0-9\n' '-')
mkdir -p "$here/results"
cp "$work" "$here/results/gpu-$name-$(date +%Y-%m-%d).json"
cat "$work"
