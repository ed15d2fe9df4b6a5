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
	MMSB_LIBCUDA=$fake MMSB_FAKE_ORDER=$order MMSB_DEVICE_FEW=$((order % 3)) MMSB_DEVICE_SPLIT=$((order == 1 ? 1000000 : 600)) MMSB_DEVICE_LEAVES=$((order == 1 ? 64 : 0)) "$property" --cuda --programs $((${MMSB_CUDA_PROGRAMS:-30} / 3)) --seed $((order * 1000 + 1)) --keep "$folder/cuda" ||
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
page total : f64 out;
page least : f64 out;
page mid : f64[3] out;
page first : index(N) out;
page b : index(4)[N] in;
page grouped : f64[4] out @gpu;
page counted : i64[4] out @gpu;
page near : f64[N];
page spread : f64[4] out @gpu;
page upto : f64[N] out @gpu;
page before : i64[N] out @gpu;
page sq : f64[50, 40] @gpu;
page along : f64[50, 40] out @gpu;
page best : index(40)[50, 40] out @gpu;
edge sq[i, j] <- f64(i * j % 7) / 3.0 + x[index(N)(i * 40 + j)];
edge upto[i] <- (sum[j where j <= i] z[j] * 0.75) + x[i];
edge before[i] <- max[j where j < i] q[j];
edge along[i, j] <- (sum[k where k <= j] sq[i, k]) - (sum[k where k < j && sq[i, k] > 1.0] sq[i, k]);
edge best[i, j] <- argmax[k where k <= j] sq[i, k];
edge grouped[g] <- sum[i where b[i] == g] z[i];
edge counted[g] <- max[i where b[i] == g] q[i] * 2;
edge near[i] <- wrap(x)[i + 1] * exp(x[i]);
edge spread[g] <- sum[i where b[i] == g] clamp(near)[i - 3] * near[i];
edge y[i] <- exp(x[i] * 0.25) - sqrt(x[i]);
edge z[i] <- clamp(y)[i - 1] * 0.5 + mirror(y)[i + 1] + prev z[i];
edge q[i] <- 1000 / k[i];
edge s <- sum[i where x[i] > 1.0] z[i];
edge total <- 2.0 * sum[i] z[i] * 1.5;
edge least <- min[i where k[i] > 3] y[i];
edge mid[j] <- mean[i in 3..19000] clamp(z)[i] * f64(j + 1);
edge first <- argmax[i] z[i];
END
awk 'BEGIN { for (i = 0; i < 20000; i++) print i % 100 / 25 }' >x.csv
awk 'BEGIN { for (i = 0; i < 20000; i++) print i % 7 + 1 }' >k.csv
awk 'BEGIN { for (i = 0; i < 20000; i++) print (i % 1009 == 5 ? 3 : i * i % 11 < 9 ? 0 : i % 2) }' >b.csv
awk 'BEGIN { for (e = 0; e < 9; e++) { for (i = 0; i <= e * e * e; i++) print "x," (e * 241 + i * 17) % 20000 "," e / 4; print "k," e "," e; print "b," e * 7 "," e % 4; print "commit" } }' >d.txt
grep -v '^[kb]' d.txt >dx.txt
run() { "$mmsb" run p.mmsb --in x=x.csv --in k=k.csv --in b=b.csv --deltas d.txt --skip-bad --digest=each --watch s --watch total --watch least --watch mid --watch first --watch grouped --watch counted --watch spread --stats --executor "$@"; }
run portable >portable 2>portable.err || fail "the portable executor: $(cat portable.err)"
grep -q 'failed: 1,' portable.err || fail "no epoch failed"
pass
export MMSB_LIBNVRTC="$fake" MMSB_NVCC=''
MMSB_LIBCUDA=$fake run cuda >cuda 2>cuda.err || fail "on the device: $(cat cuda.err)"
cmp portable cuda || fail "other bits on the device"
grep -q '^cuda: a device that is emulated: kernels for [0-9]* of [0-9]* passes, [1-9]' cuda.err || fail "it was not used: $(tail -1 cuda.err)"
pass

# Values that stay on the device are in checkpoints, and where somebody asks for them.
cat >stay.mmsb <<'END'
param N;
page x : f64[N] in;
page a : f64[N] @gpu;
page b : f64[N] @gpu;
page t : f64 out @gpu;
edge a[i] <- exp(x[i] * 0.5) + 1.0;
edge b[i] <- wrap(a)[i + 7] * a[i];
edge t <- sum[i] clamp(b)[i - 1] * a[i];
END
stay() { executor=$1 && shift && MMSB_LIBCUDA=$fake "$mmsb" run stay.mmsb --executor "$executor" --stats "$@" 2>stay.$executor || fail "values that stay, $executor: $(cat stay.$executor)"; }
stay portable --in x=x.csv --deltas dx.txt --out t=t.csv --out b=b.npy
stay cuda --in x=x.csv --deltas dx.txt --out t=t1.csv --state folder --checkpoint-every 4
stay portable --state folder --out b=b1.npy
cmp t.csv t1.csv && cmp b.npy b1.npy || fail "other bits where values stay"
stay cuda --in x=x.csv --deltas dx.txt --out t=t2.csv
down=$(sed -n 's/^cuda: .* bytes up, \([0-9]*\) down$/\1/p' stay.cuda)
[ "$down" -lt 160000 ] && cmp t.csv t2.csv || fail "$down bytes came back of two pages of 160000"
stay cuda --in x=x.csv --deltas dx.txt --out b=b2.npy
cmp b.npy b2.npy || fail "other bits where somebody asks for values that stay"
pass

# Prefixes over more nodes than two steps make.
cat >long.mmsb <<'END'
param N;
page x : f32[N] in;
page upto : f32[N] out @gpu;
edge upto[i] <- sum[j where j < i] x[j];
END
awk 'BEGIN { for (i = 0; i < 140000; i++) print (i * 7919 % 4001) / 7 }' >long.csv
for executor in portable cuda; do
	MMSB_LIBCUDA=$fake "$mmsb" run long.mmsb --in x=long.csv --executor $executor --digest --out upto=$executor.npy >long.$executor 2>err || fail "long prefixes, $executor: $(cat err)"
done
cmp long.portable long.cuda && cmp portable.npy cuda.npy || fail "other bits in long prefixes"
pass

# Exact fixpoints: along a graph, whose readers are known, until nothing changes or until the CPU goes on; and where readers are not known.
cat >graph.mmsb <<'END'
param N;
page W : sparse f32[N, N] in;
page src : index(N) in;
page x : f32[N] in;
page dist : f32[N] out @gpu;
page seen : bool[N] out @gpu;
page comp : i64[N] out @gpu;
page last : f32[N] out @gpu;
page both : i32[N] out @gpu;
page far : f64 out @gpu;
edge dist[v] <- fix min(if v == src then 0.0 else inf, min[u] (dist[u] + W[u, v]));
edge seen[v] <- fix (v == src || any[u] (seen[u] && W[u, v] > 0.5));
edge comp[v] <- fix min(i64(v), min[u] max(comp[u], i64(W[u, v] * 0.0)));
edge last[i] <- fix max(x[i], clamp(last)[i - 1]);
edge both[v] <- fix max(i32(v), max(max[u] min(both[u], i32(W[u, v] * 100.0)), max[u] min(both[u], i32(W[v, u] * 50.0))));
edge far <- sum[v] min(f64(dist[v]), 100.0);
page deg : f32[N] out @gpu;
page share : sparse f32[N, N] out like W @gpu;
page more : sparse f64[N, N] like W @gpu;
page rows : f64[N] out @gpu;
edge deg[v] <- sum[u] W[v, u];
edge share[i, j] <- W[i, j] / max(deg[i], 0.25) + x[j];
edge more[i, j] <- f64(share[i, j]) * (sum[k in 0..3] wrap(x)[i + j + k]) - f64(W[i, j]);
edge rows[i] <- sum[j] more[i, j];
END
awk 'BEGIN { n = 2000; print "%%MatrixMarket matrix coordinate real general"; print n, n, 5 * n; for (i = 0; i < n; i++) { print i + 1, (i + 1) % n + 1, 1 + i % 3; for (k = 1; k <= 3; k++) print i + 1, (i * 7 * k + k * k * 11) % n + 1, (i * k % 17 + 1) / 4; print 8, i + 1, 2000 - i } }' |
	awk 'NR <= 2 || !seen[$1 " " $2]++' | awk 'NR == 2 { next } NR == 1 { head = $0; next } { line[n++] = $0 } END { print head; print 2000, 2000, n; for (i = 0; i < n; i++) print line[i] }' >w.mtx
head -2000 x.csv >gx.csv
awk 'BEGIN { for (e = 0; e < 8; e++) { for (i = 0; i <= 3 * e * e; i++) print "W," (e * 241 + i * 17) % 2000 "," (i * 331 + e) % 2000 "," (i % 9) / 4; for (i = 0; i <= e * e * 20; i += 3) print "W," i "," (i + 1) % 2000 "," (e % 3 ? "-" : e); print "src," e * 17 % 2000; print "x," e * 100 "," e; print "commit" } }' >dg.txt
graph() { MMSB_LIBCUDA=$fake "$mmsb" run graph.mmsb --in W=w.mtx --in x=gx.csv --deltas dg.txt --digest=each --stats --executor "$1" >graph.$1 2>graph.err || fail "graphs, $1: $(cat graph.err)"; }
graph portable
for few in 0 40 100000; do
	MMSB_DEVICE_FEW=$few graph cuda
	cmp graph.portable graph.cuda || fail "other bits in graphs, few are $few"
	grep -q '^cuda: a device that is emulated: kernels for 10 of 10 passes, [1-9]' graph.err || fail "it was not used: $(tail -1 graph.err)"
	pass
done

# The same from a file that holds device code, by NVRTC and by an nvcc, which are emulated too.
cat >nvcc <<'END'
#!/bin/sh
[ "$1" = --version ] && echo "an nvcc that is emulated" && exit
flags=" $* "
for flag in --fmad=false --prec-div=true --prec-sqrt=true --ftz=false; do
	case $flags in *" $flag "*) ;; *) exit 1 ;; esac
done
while [ $# -gt 0 ]; do
	case $1 in -o) shift; out=$1 ;; -x) shift ;; -*) ;; *) source=$1 ;; esac
	shift
done
"${CXX:-c++}" -std=c++17 -O1 -shared -fPIC -w -ffp-contract=off -fno-strict-aliasing -I"$MMSB_SRCDIR/tests/cuda_host" -include cuda_host.h \
	-o "$out.kernels" -x c++ "$source" && printf 'MMSB-FAKE\n%s\n' "$out.kernels" >"$out"
END
chmod +x nvcc
mmsbc="$MMSB_BUILDDIR/mmsbc"
case $MMSB_SRCDIR in /*) ;; *) echo "MMSB_SRCDIR is not a full path" && exit 1 ;; esac
export XDG_CACHE_HOME="$folder/cache"
compile() { "$mmsbc" compile --cuda --gpu-arch "$2" -p p.mmsb -o "$1.mmsbx" 2>err; }
MMSB_NVCC="$folder/nvcc" compile nvcc sm_80,sm_90a || fail "by nvcc: $(cat err)"
MMSB_NVCC='' compile nvrtc sm_80 || fail "by NVRTC: $(cat err)"
MMSB_NVCC='' compile later sm_90 || fail "by NVRTC: $(cat err)"
run_file() { "$mmsb" run "$1.mmsbx" --in x=x.csv --in k=k.csv --in b=b.csv --deltas d.txt --skip-bad --digest=each --watch s --watch total --watch least --watch mid --watch first --watch grouped --watch counted --watch spread --stats --executor cuda >cuda 2>cuda.err; }
for file in nvcc nvrtc; do
	MMSB_LIBNVRTC=/there/is/none MMSB_LIBCUDA=$fake run_file $file || fail "$file.mmsbx: $(cat cuda.err)"
	cmp portable cuda || fail "other bits from $file.mmsbx"
	grep -q '^cuda: a device that is emulated: kernels for [0-9]* of [0-9]* passes, [1-9]' cuda.err || fail "it was not used: $(tail -1 cuda.err)"
	pass
done
status=0
MMSB_LIBCUDA=$fake run_file later || status=$?
[ $status = 3 ] && grep -q 'the CUDA device is an sm_80, and the file has code for sm_90, compute_90: compile it with --gpu-arch sm_80' cuda.err ||
	fail "status $status, and it says: $(cat cuda.err)"
pass
status=0
MMSB_NVCC='' MMSB_LIBNVRTC=/there/is/none compile none sm_80 || status=$?
[ $status = 3 ] && grep -q 'error: there is no NVRTC' err || fail "status $status, and it says: $(cat err)"
status=0
MMSB_NVCC=/no/nvcc compile none sm_80 || status=$?
[ $status = 3 ] && grep -q "error: there is no CUDA compiler '/no/nvcc' here: name one in MMSB_NVCC" err || fail "status $status, and it says: $(cat err)"
status=0
MMSB_NVCC='echo it does not work; false' compile none sm_80 || status=$?
[ $status = 3 ] && grep -q '^it does not work' err || fail "status $status, and it says: $(cat err)"
[ ! -e none.mmsbx ] || fail "there is a file"
MMSB_NVCC='echo it does not work; false' "$mmsbc" compile --cuda --or-portable -p p.mmsb -o none.mmsbx 2>err || fail "with --or-portable: $(cat err)"
grep -q 'the file gets no code for CUDA devices' err && cmp none.mmsbx "$("$mmsbc" compile -p p.mmsb -o plain.mmsbx && echo plain.mmsbx)" || fail "with --or-portable: $(cat err)"
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
