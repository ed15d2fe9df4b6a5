#!/bin/sh
# A program that mmsbc compile --embed wrote, linked with the installed library: the same digests as mmsb run has, by every compiler that is
# here, with options that try to change results, at every level of the processor; no C compiler at run time. Run by installed.sh, which
# sets bindir, libdir, includedir, CC, SANITIZE_CFLAGS, MMSB_SRCDIR, and the folder.
set -eu
passed=0 failed=0
note() {
	if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "failed: $2"; fi
}

cat >desk.mmsb <<'END'
/// A quote, whose fields may have any name.
record Quote { bid : f32; class : f32; size : u32; }
param K;
param limit : f64 = 2;
/// Prices, in dollars.
page price  : f64[K] in;
page held   : i32[K] in;
page quote  : Quote[K] in;
page at     : index(K)[K] in;
page W      : sparse f32[K, K] in;
page L      : sparse bool[K, K] in;
page worth  : f64[K] out;
page excess : f32[K] out;
page flow   : f32[K] out;
page above  : bool[K] out;
page total  : f64 out;
edge worth[k]  <- exp(price[k] * 0.1) * f64(held[at[k]]) + price[k] * 1.7;
edge excess[k] <- f32(max(worth[k] * 1.01 - limit, 0)) * quote[k].bid + quote[k].class;
edge flow[i]   <- sum[j] (W[i, j] * excess[j] + 1.25);
edge above[k]  <- worth[k] * 1.5 > limit + price[k];
edge total     <- sum[k] (worth[k] * price[k] + 0.1);
END

cat >app.c <<'END'
#include "desk.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { K = 3000 };
static mmsb_error err;
static int fails(const char *what, int status) { fprintf(stderr, "%s: %d: %s\n", what, status, err.message); return status; }

int main(int argc, char **argv)
{
	static double price[K];
	static int32_t held[K];
	static desk_Quote quote[K];
	static uint32_t at[K];
	uint64_t row[2] = {1, 2}, col[2] = {3, 2999}, where = 1700;
	float entries[2] = {0.5f, 0.7f};
	double one = 1e-3;
	char hex[33];
	mmsb_schedule *s;
	mmsb_instance *m;
	mmsb_stats stats;
	mmsb_options options = {.size = sizeof options, .threads = 2, .executor = argc > 1 && strcmp(argv[1], "portable") == 0 ? MMSB_PORTABLE : MMSB_NATIVE};
	int status = desk_open(&s, &err);
	if (status || (status = mmsb_instance_new(&m, s, &options, &err)))
		return fails("open", status);
	mmsb_schedule_close(s);
	for (int i = 0; i < K; i++) {
		price[i] = sin(i) + i / 7.0;
		held[i] = i * 37 % 101 - 50;
		quote[i] = (desk_Quote){(float)i / 3.0f, (float)cos(i), (uint32_t)i};
		at[i] = (uint32_t)(i * 7 % K);
	}
	if ((status = desk_set_K(m, K, &err)) || (status = desk_set_limit(m, 3.5, &err)) || (status = desk_write_price(m, 0, K, price, &err)) ||
	    (status = desk_write_held(m, 0, K, held, &err)) || (status = desk_write_quote(m, 0, K, quote, &err)) ||
	    (status = desk_write_at(m, 0, K, at, &err)) || (status = desk_insert_W(m, 2, row, col, entries, &err)) ||
	    (status = desk_insert_L(m, 2, row, col, &err)) || (status = mmsb_commit(m, NULL, &err)) ||
	    (status = desk_scatter_price(m, 1, &where, &one, &err)) || (status = desk_erase_L(m, 1, row, col, &err)) ||
	    (status = mmsb_commit(m, NULL, &err)) || (status = mmsb_digest(m, hex, &err)))
		return fails("run", status);
	mmsb_stats_get(m, &stats);
	printf("%s %s %d\n", hex, stats.native_functions ? "native" : stats.portable_because,
	       desk_data_total(m)[0] == ((const double *)mmsb_data(m, mmsb_page(m, "total")))[0] && desk_data_worth(m) != NULL);
	mmsb_instance_free(m);
	return 0;
}
END

"$bindir/mmsbc" compile --embed desk desk.mmsb
note $? "mmsbc compile --embed"
static=
test -e "$libdir/libmmsb.so" || static=--static
LD_LIBRARY_PATH=$libdir
export LD_LIBRARY_PATH
libs=$(PKG_CONFIG_PATH=$libdir/pkgconfig ${PKG_CONFIG:-pkg-config} $static --cflags --libs mmsb)

# built OPTION...: a program of its C text and these options runs native code at every level, with the bits of the portable executor
built() {
	# shellcheck disable=SC2086 # lists of words
	"$@" -Wall -Wextra -Werror $sanitize app.c desk.c $libs -lm -o app || return 1
	portable=$(env -i LD_LIBRARY_PATH="$libdir" ./app portable) || return 1
	for level in base v3 v4; do
		native=$(env -i LD_LIBRARY_PATH="$libdir" MMSB_CPU=$level ./app) || return 1
		[ "$native" = "${portable%% *} native 1" ] || { echo "$*, $level: $native, portable: $portable"; return 1; }
	done
	[ -z "${digest-}" ] || [ "$digest" = "${portable%% *}" ] || { echo "another digest: $portable"; return 1; }
	digest=${portable%% *}
}

sanitize=${SANITIZE_CFLAGS-}
# shellcheck disable=SC2086 # a command and its options
built $CC -std=gnu11 -O2; note $? "built by $CC"
if [ -z "$sanitize" ]; then
	for compiler in gcc clang; do
		command -v $compiler >/dev/null || continue
		for options in "-O0" "-O3 -march=native -std=c11" "-O2 -fstrict-aliasing -march=x86-64-v3"; do
			# shellcheck disable=SC2086 # a list of words
			built $compiler $options; note $? "built by $compiler $options"
		done
		if $compiler -ffast-math -I"$includedir" -c desk.c -o fast.o 2>said; then note 1 "$compiler takes -ffast-math"; else grep -q "defined to the bit" said; note $? "what is said of -ffast-math"; fi
	done
	# gcc is told in the text what it may not do; clang is not to be told, and found out
	! command -v gcc >/dev/null || { built gcc -O3 -march=native -ffp-contract=fast; note $? "built by gcc -ffp-contract=fast"; }
	if command -v clang >/dev/null && grep -qw fma /proc/cpuinfo 2>/dev/null; then
		# shellcheck disable=SC2086 # a list of words
		clang -O2 -ffp-contract=fast app.c desk.c $libs -lm -o app && ! ./app 2>said && grep -q "changes the results of arithmetic" said
		note $? "clang -ffp-contract=fast is found out"
	fi
fi

printf '#include "desk.h"\nint main() { mmsb_schedule *s; desk_Quote q = desk_Quote(); return desk_open(&s, nullptr) + (int)q.class_ + desk_page_total; }\n' >header.cc
for compiler in ${CXX-} c++ g++ clang++; do
	command -v "$compiler" >/dev/null || continue
	"$compiler" -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$includedir" -c header.cc
	note $? "the header as C++"
	break
done
echo "embed: $passed passed, $failed failed"
[ $failed -eq 0 ]
