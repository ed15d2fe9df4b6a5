#!/bin/sh
# gpu_check.sh - what only a real CUDA device can show (make gpu-check): random programs have the bits of the naive evaluator there, a program of some size has those of the
# portable executor, and compute-sanitizer, where it is found, has nothing to say. Skipped (77) where there is no device. PROGRAMS says how many
# random programs (600), JOBS in how many processes at a time.
set -eu
mmsb="$MMSB_BUILDDIR/mmsb"
mmsbc="$MMSB_BUILDDIR/mmsbc"
property="$MMSB_BUILDDIR/tests/property"
programs=${PROGRAMS:-600}
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
passed=0

fail() {
	echo "$1"
	echo "$passed passed, 1 failed"
	exit 1
}
pass() {
	echo "$1"
	passed=$((passed + 1))
}

cat >p.mmsb <<'END'
param N;
page x : f64[N] in;
page k : index(N)[N] in;
param W;
page m : f32[N, W] in;
page y : f64[N] out;
page z : f64[N] out;
page s : f64 out;
page least : f64 out;
page rows : f32[N] out;
page picked : f64 out;
page best : index(N) out;
edge y[i] <- exp(x[i] * 0.25) - sqrt(abs(x[i])) + sin(x[i]);
edge z[i] <- clamp(y)[i - 1] * 0.5 + y[k[i]] + prev z[i] * 0.25;
edge s <- sum[i] z[i];
edge least <- min[i where x[i] > 1.0] y[i];
edge rows[i] <- sum[j] m[i, j] * m[i, j];
edge picked <- sum[i where x[i] > 1.5] x[i];
edge best <- argmax[i] z[i];
END
awk 'BEGIN { for (i = 0; i < 200000; i++) print (i * 7919 % 4001) / 1000 }' >x.csv
awk 'BEGIN { for (i = 0; i < 200000; i++) print i * 31 % 200000 }' >k.csv
awk 'BEGIN { for (i = 0; i < 200000; i++) for (j = 0; j < 64; j++) printf "%d.5%s", (i * 64 + j) * 17 % 1009, (j < 63 ? "," : "\n") }' >m.csv
awk 'BEGIN { for (e = 0; e < 12; e++) { for (i = 0; i <= e * e * e * e; i++) print "x," (e * 241 + i * 17) % 200000 "," (e + i % 5) / 4; print "commit" } }' >d.txt
run() { "$mmsb" run "$@" --in x=x.csv --in k=k.csv --in m=m.csv --deltas d.txt --digest=each --watch s --watch picked --stats; }
status=0
run p.mmsb --executor cuda >start 2>start.err || status=$?
if [ $status = 3 ] && grep -q 'there is no CUDA driver\|no CUDA device' start.err; then
	echo "skipped: $(cat start.err)"
	exit 77
fi
[ $status = 0 ] || fail "the device: $(cat start.err)"
run p.mmsb --executor portable >portable 2>portable.err || fail "the portable executor: $(cat portable.err)"
cmp portable start || fail "other bits on the device"
pass "$(tail -1 start.err)"
"$mmsbc" compile --cuda --gpu-arch "${ARCHS:-sm_80,sm_90}" -p p.mmsb -o p.mmsbx 2>err || fail "compile --cuda: $(cat err)"
run p.mmsbx --executor cuda >file 2>file.err || fail "the compiled file: $(cat file.err)"
cmp portable file || fail "other bits from the compiled file"
pass "the same from a compiled file"

# Each process takes its share of the seeds.
each=$(((programs + jobs - 1) / jobs))
for split in 1000000 600; do
	i=0
	while [ $i -lt "$jobs" ]; do
		MMSB_DEVICE_SPLIT=$split "$property" --device --programs "$each" --seed $((${SEED:-1} + i * each + split)) --keep "$folder/p$split-$i" >"p$split-$i.txt" 2>&1 || echo "$i" >>failed &
		i=$((i + 1))
	done
	wait
	[ ! -e failed ] || fail "random programs: $(grep -h -m 3 -A 1 '^seed [0-9]*:' p"$split"-*.txt)"
	pass "random programs, reductions by blocks from $split operands: $(grep -h '^seeds' p"$split"-*.txt | awk '{ e += $5; p += $8 } END { print e " epochs of " p " programs" }')"
done

if command -v compute-sanitizer >/dev/null 2>&1; then
	for tool in memcheck racecheck; do
		MMSB_DEVICE_SPLIT=100 compute-sanitizer --tool $tool --error-exitcode 9 "$property" --device --programs "${SANITIZED:-8}" --epochs 6 --seed 77 --keep "$folder/s" >$tool.txt 2>&1 ||
			fail "$tool: $(tail -20 $tool.txt)"
		pass "compute-sanitizer, $tool"
	done
fi
echo "$passed passed, 0 failed"
