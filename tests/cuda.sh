#!/bin/sh
# cuda.sh - a CUDA device that is emulated (tests/cuda_host): random programs have the bits of the naive evaluator, in several orders of threads; mmsb
# run has those of the portable executor; and what is said where there is no device.
set -eu
"${CXX:-c++}" --version >/dev/null 2>&1 || exit 77
fake="$MMSB_BUILDDIR/tests/cuda_host/fake_cuda.so"
mmsb="$MMSB_BUILDDIR/mmsb"
property="$MMSB_BUILDDIR/tests/property"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
passed=0

fail() {
	echo "$1"
	echo "$passed passed, 1 failed"
	exit 1
}
pass() { passed=$((passed + 1)); }

for order in 0 1 20251; do
	MMSB_LIBCUDA=$fake MMSB_FAKE_ORDER=$order "$property" --cuda --programs $((${MMSB_CUDA_PROGRAMS:-30} / 3)) --seed $((order * 1000 + 1)) --keep "$folder/cuda" ||
		fail "order $order"
	pass
done

cat >p.mmsb <<'END'
param N;
page x : f64[N] in;
page k : i64[N] in;
page y : f64[N] out;
page z : f64[N] out;
page q : i64[N] out;
page s : f64 out;
edge y[i] <- exp(x[i] * 0.25) - sqrt(x[i]);
edge z[i] <- clamp(y)[i - 1] * 0.5 + mirror(y)[i + 1] + prev z[i];
edge q[i] <- 1000 / k[i];
edge s <- sum[i where x[i] > 1.0] z[i];
END
awk 'BEGIN { for (i = 0; i < 20000; i++) print i % 100 / 25 }' >x.csv
awk 'BEGIN { for (i = 0; i < 20000; i++) print i % 7 + 1 }' >k.csv
awk 'BEGIN { for (e = 0; e < 9; e++) { for (i = 0; i <= e * e * e; i++) print "x," (e * 241 + i * 17) % 20000 "," e / 4; print "k," e "," e; print "commit" } }' >d.txt
run() { "$mmsb" run p.mmsb --in x=x.csv --in k=k.csv --deltas d.txt --skip-bad --digest=each --watch s --stats --executor "$@"; }
run portable >portable 2>portable.err || fail "the portable executor: $(cat portable.err)"
grep -q 'failed: 1,' portable.err || fail "no epoch failed"
pass
export MMSB_LIBNVRTC="$fake"
MMSB_LIBCUDA=$fake run cuda >cuda 2>cuda.err || fail "on the device: $(cat cuda.err)"
cmp portable cuda || fail "other bits on the device"
grep -q '^cuda: a device that is emulated: kernels for 3 of 4 passes, [1-9]' cuda.err || fail "it was not used: $(tail -1 cuda.err)"
pass

# says WHAT STATUS TEXT: the run fails so
says() {
	status=0
	run cuda >out 2>err || status=$?
	[ $status = "$1" ] || fail "status $status: $(cat err)"
	grep -q "$2" err || fail "says: $(cat err)"
	pass
}
export MMSB_LIBCUDA=/there/is/none
says 3 'there is no CUDA driver: /there/is/none'
export MMSB_LIBCUDA="$fake" MMSB_FAKE_INIT=100
says 3 'the CUDA device failed: .* in cuInit'
export MMSB_FAKE_INIT=0 MMSB_FAKE_MEMORY=300000
says 3 'no memory for'
export MMSB_FAKE_MEMORY=1000000000 MMSB_LIBNVRTC=/there/is/none
says 3 'there is no NVRTC to compile device code: /there/is/none'
echo "$passed passed, 0 failed"
