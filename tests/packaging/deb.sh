#!/bin/sh
# deb.sh static|shared TREE TESTS FOLDER COMPILER [LAUNCHER]: packs, installs, uses and removes the Debian packages.
# Run by others than root it unpacks them instead.
set -eu
form=$1 tree=$2 tests=$3 folder=$4 compiler=$5 launcher=${6:-}
command -v dpkg-deb >/dev/null 2>&1 || { echo "no Debian system"; exit 77; }
if dpkg-query -W -f '${Status}' libmailquay-dev 2>/dev/null | grep -q 'ok installed'; then
    echo "libmailquay-dev is installed already: left alone"
    exit 77
fi
shared=OFF
[ "$form" = static ] || shared=ON

rm -rf "$folder"
cmake -S "$tree" -B "$folder/build" -G Ninja \
    -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O1 -DCMAKE_INSTALL_PREFIX=/usr \
    -DBUILD_SHARED_LIBS="$shared" -DMAILQUAY_COMPONENTS=all -DMAILQUAY_BUILD_TESTS=OFF -DMAILQUAY_BUILD_EXAMPLES=OFF
cmake --build "$folder/build"
(cd "$folder/build" && cpack -G DEB)
for package in "$folder"/build/*.deb; do
    dpkg-deb --info "$package"
    dpkg-deb --contents "$package"
done

use() {  # use PREFIX-PATH PKG-CONFIG-PATH
    programs="server relay sink-sqlite"  # each component is used where it was installed without a package
    for program in $programs; do
        cmake -S "$tests/find_package" -B "$folder/use-$program" -G Ninja \
            -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" \
            -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DPROGRAM="$program" -DCOMPONENTS=core,server,sasl,tls,client,dns,testing,relay,sink-sqlite,store-sqlite -DCMAKE_PREFIX_PATH="$1"
        cmake --build "$folder/use-$program"
        "$folder/use-$program/consumer"
    done
    flags=$(PKG_CONFIG_PATH=$2 pkg-config --cflags --libs mailquay-core)
    # shellcheck disable=SC2086  # a list of words
    "$compiler" -std=c++20 "$tests/programs/core.cpp" -o "$folder/core" $flags
    LD_LIBRARY_PATH=$(dirname "${2:-/usr/lib/pkgconfig}") "$folder/core"
}

if [ "$(id -u)" = 0 ]; then
    packages="libmailquay-dev"
    [ "$form" = static ] || packages="$packages $(cd "$folder/build" && dpkg-deb -f libmailquay[0-9]*.deb Package)"
    # shellcheck disable=SC2064,SC2086  # the names of now; a list of words
    trap "dpkg --purge $packages >/dev/null 2>&1 || :" EXIT
    dpkg --install "$folder"/build/*.deb
    use "" ""
    # shellcheck disable=SC2086  # a list of words
    dpkg --purge $packages
    trap - EXIT
    left=$(find /usr/include/mailquay /usr/lib -name '*mailquay*' 2>/dev/null || :)
    [ -z "$left" ] || { printf 'left behind:\n%s\n' "$left"; exit 1; }
else
    for package in "$folder"/build/*.deb; do dpkg-deb -x "$package" "$folder/root"; done
    use "$folder/root/usr" "$(dirname "$(find "$folder/root" -name mailquay-core.pc)")"
fi
