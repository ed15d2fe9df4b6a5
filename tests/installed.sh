#!/bin/sh
# What `make install` put there works by itself: the programs find the standard library, examples/embed builds with what pkg-config
# says and does what its README.md shows, and C++ takes the header. Run by `make installcheck`, and by staged.sh, with bindir,
# libdir, includedir, CC and MMSB_SRCDIR, MMSB_BUILDDIR set.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cd "$folder"
printf 'import semiring;\n' >program.mmsb
"$bindir/mmsbc" check program.mmsb
"$bindir/mmsb" --version
passed=1

if real=$(command -v pkg-config); then
	PKG_CONFIG_PATH=$libdir/pkgconfig
	export PKG_CONFIG_PATH
	static=
	if ! test -e "$libdir/libmmsb.so"; then
		static=--static
		SANITIZE_CFLAGS="${SANITIZE_CFLAGS-} -no-pie" # the objects of a static library need not be fit for anything else
		export SANITIZE_CFLAGS
	fi
	printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$real" "$static" >pkg-config
	printf '#!/bin/sh\nexec %s %s "$@"\n' "$CC" "${SANITIZE_CFLAGS-}" >cc
	chmod +x pkg-config cc
	LD_LIBRARY_PATH=$libdir PATH=$folder:$PATH "$MMSB_BUILDDIR/tests/run_cases" --bin="$bindir" \
		"$MMSB_SRCDIR/examples/embed/README.md"
	passed=$((passed + 1))
	mkdir embedded
	(cd embedded && bindir=$bindir libdir=$libdir includedir=$includedir PKG_CONFIG=$real "$MMSB_SRCDIR/tests/embed.sh")
	passed=$((passed + 1))
else
	echo "no pkg-config: examples/embed is not built"
fi

cat >embed.cc <<'END'
#include <mmsb.h>
int main()
{
	mmsb_options options = mmsb_options();
	options.size = sizeof options;
	options.readers = 1;
	mmsb_instance *instance = nullptr;
	mmsb_reader reader;
	mmsb_error err;
	return mmsb_instance_new(&instance, nullptr, &options, &err) != MMSB_OK || mmsb_read_begin(instance, &reader, &err) != MMSB_OK;
}
END
for compiler in ${CXX-} c++ g++ clang++; do
	command -v "$compiler" >/dev/null || continue
	"$compiler" -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$includedir" -c embed.cc
	passed=$((passed + 1))
	break
done
# shellcheck disable=SC2086 # a list of words
$CC -x c -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "$includedir/mmsb.h"
echo "$((passed + 1)) passed, 0 failed"
