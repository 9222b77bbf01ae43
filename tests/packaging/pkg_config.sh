#!/bin/sh
# pkg_config.sh COMPILER STAGE PROGRAMS FOLDER
# Builds the programs with what pkg-config says, from an installation that was moved.
set -eu
compiler=$1 stage=$2 programs=$3 folder=$4
rm -rf "$folder"
mkdir -p "$folder"
cp -R "$stage" "$folder/moved"
PKG_CONFIG_PATH=$(dirname "$(find "$folder/moved" -name mailquay-core.pc)")
export PKG_CONFIG_PATH
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
export LD_LIBRARY_PATH

for program in core server sasl tls client dns testing relay sink-sqlite store-sqlite; do
    flags=$(pkg-config --cflags --libs "mailquay-$program")
    echo "$program: $flags"
    case $flags in
    *"$stage"*) echo "the flags name the first place"; exit 1 ;;
    esac
    # shellcheck disable=SC2086  # a list of words
    "$compiler" -std=c++20 "$programs/$program.cpp" -o "$folder/$program" $flags
    "$folder/$program"
done
[ "$(pkg-config --modversion mailquay-server)" = "$(pkg-config --modversion mailquay-core)" ]
