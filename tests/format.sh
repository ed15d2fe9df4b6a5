#!/bin/sh
# format.sh - state folders against docs/format.md: format_reader, which knows nothing but that page, reads what `mmsb run --state` wrote, and finds the
# deltas that were given; a folder of format version 1 (tests/state-v1) gives its digest still; and damage is found.
build=$(cd "${MMSB_BUILDDIR:-.}" && pwd) v1=$MMSB_SRCDIR/tests/state-v1
reader=$build/tests/format_reader mmsb=$build/mmsb
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0
note() {
	if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "failed: $2"; fi
}
same() {
	cmp -s "$2" "$3"
	note $? "$1"
	cmp -s "$2" "$3" || diff "$2" "$3" | head -20
}
# sorted FILE: the lines of an epoch in an order of their own, behind its number
sorted() {
	awk 'BEGIN { e = 1 } /^commit$/ { print e++ " commit"; next } { print e, $0 }' "$1" | sort
}
# counted FILE: how many deltas each page got in each epoch
counted() {
	awk -F '[.,]' 'BEGIN { e = 1 } /^commit$/ { if (!n) print e, "no deltas"; for (p in got) print e, p, got[p]; e++; n = 0; split("", got); next } { got[$1]++; n++ }' "$1" | sort
}

# Epochs of dense, record and sparse pages, with values that have few digits, checkpoints and digests. Epoch 1 has no deltas.
"$mmsb" run "$v1/p.mmsb" --deltas "$v1/changes" --ticks 2 --state s --checkpoint-every 3 --digest-every 2 --source desk --digest >digest
note $? "a run that keeps its state"
"$reader" s >all
note $? "the reader on the whole folder"
"$reader" --deltas s >read
note $? "the reader's deltas"
{ echo commit; cat "$v1/changes"; echo commit; echo commit; } >given
sorted given >given.sorted
sed 's/,0.10000000000000001$/,0.1/; s/,0.20000000000000001$/,0.2/; s/,0.29999999999999999$/,0.3/' read >read.short
sorted read.short >read.sorted
same "the deltas that were given" given.sorted read.sorted
"$mmsb" log s | awk '{ e = $1; $1 = $2 = $3 = ""; sub(/^ +/, ""); n = split($0, page, ", "); for (i = 1; i <= n; i++) print e, page[i] }' | sort >log
counted read >count
same "the deltas that mmsb log counts" log count
sed 1d read | "$mmsb" run "$v1/p.mmsb" --deltas - --digest >again
same "the digest of the reader's deltas" digest again
[ "$(sed -n 's/^  digest 8 //p' all)" = "$(sed 's/^digest 8 //' digest)" ]
note $? "the digest in the log"
[ "$(grep -c '^  tag 1 is desk$' all)" -eq 1 ] && [ "$(grep -c '^  durable up to' all)" -ge 1 ] && [ "$(grep -c '^checkpoint-' all)" -eq 2 ]
note $? "tags, marks, checkpoints"

# Positions of every kind, and values up to the ends of their types, come back with the digest.
cat >types.mmsb <<'END'
record Row { a : u16; b : i64; c : f32; d : bool; }
page r : Row[300] in;
page a : i8[70000] in;
page b : u64[100, 7] in;
page c : f32[2, 3, 4] in;
page d : bool[130] in;
page e : u32[5] in;
page z : sparse i64[70000, 70000] in;
page far : i8[9000000] in;
page rows : sparse i16[600000, 3] in;
page n : i64 out;
edge n <- prev n + (sum[i] (if d[i] then 1 else 0));
END
awk 'BEGIN {
	for (i = 0; i < 300; i += 1 + i % 3) print "r.a," i "," 65535 - i "\nr.b," i ",-" i "000000000001\nr.c," i "," i / 8 "\nr.d," i "," (i % 2 ? "true" : "false");
	print "commit"; for (i = 0; i < 500; i++) print "a," i "," i % 256 - 128;
	print "commit"; for (i = 0; i < 70000; i += 1 + i * 7 % 911) print "a," i ",5";
	print "commit"; for (i = 69999; i > 0; i -= 1 + i % 877) print "a," i ",-5";
	print "commit\nb,99,6,18446744073709551615\nb,0,0,1\nc,1,2,3,-0.0\nc,0,0,0,1e30\ne,4,4294967295"; for (i = 0; i < 130; i += 2) print "d," i ",true";
	print "commit"; for (i = 0; i < 400; i++) print "z," (i * 7919) % 70000 "," (i * 104729) % 70000 ",-9223372036854775807";
	print "commit"; for (i = 0; i < 400; i += 3) print "z," (i * 7919) % 70000 "," (i * 104729) % 70000 ",-";
	print "commit\nfar,2000000,1\nfar,5000000,2\nfar,8000000,3"; for (i = 0; i < 100; i++) print "rows," (i % 2 ? 599999 - i : i) "," i % 3 ",7";
	print "commit" }' >types.given
"$mmsb" run types.mmsb --deltas types.given --state types --digest >digest
note $? "a run with many types"
"$reader" types | sed -n 's/.* positions in way //p' | sort -u | tr -d '\n' >ways
[ "$(cat ways)" = 012345 ]
note $? "every way to write positions: only $(cat ways)"
"$reader" --deltas types | sed 1d >read
"$mmsb" run types.mmsb --deltas read --digest >again
same "the digest of many types" digest again

# More than 64 MiB of log: a closed segment, compressed, and one that goes on.
cat >large.mmsb <<'END'
page x : f64[9000000] in;
page m : f64 out;
edge m <- max[i] x[i];
END
{ printf '\223NUMPY\001\000\166\000' && printf '%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': (9000000,), }" && yes 1234567 | head -c 72000000; } >x.npy
"$mmsb" run large.mmsb --in x=x.npy --state large --ticks 3 --keep 1 --durability none && rm x.npy
note $? "a run with a large log"
"$reader" --check large >all
note $? "the reader on two segments"
[ "$(grep -c '^segment .*: first epoch' all)" -eq 2 ] && grep -q '^MANIFEST: log 1 1 [0-9]* zst$' all && grep -q 'ends at .* epoch 4$' all
note $? "two segments, one of them compressed"
rm -r large

# The folder of format version 1.
"$reader" "$v1/state" >/dev/null
note $? "the reader on version 1"
"$mmsb" replay "$v1/state" --verify --digest | tail -1 >again
same "version 1, replayed" "$v1/digest" again
cp -R "$v1/state" v1 && chmod -R u+w v1
"$mmsb" run v1/schedule.mmsbx --state v1 --digest >again
same "version 1, gone on from" "$v1/digest" again

# A byte of a file is another: the reader does not pass over it.
damaged() {
	rm -rf hurt && cp -R s hurt && printf '\377' | dd of="hurt/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null && ! "$reader" hurt >/dev/null 2>message
	note $? "damage of $1 at $2"
}
damaged MANIFEST 30
damaged log-00000000000000000001 40
damaged log-00000000000000000001 70
damaged checkpoint-00000000000000000008 90
damaged checkpoint-00000000000000000008 4097
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
