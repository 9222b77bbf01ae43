#!/bin/sh
# Installs what is missing, builds and runs the tests.
#
#   sh tests/run.sh               the preset dev; ends with the summary of ctest
#   sh tests/run.sh --all         also asan-ubsan, header-only and the packaging tests; ends with a table
#   sh tests/run.sh PRESET...     the presets named, such as tsan, release or fuzz (Clang 19)

set -eu
cd "$(dirname "$0")/.."
. cmake/bootstrap.sh

case ${1:-} in
-h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
--all)
    stages="dev asan-ubsan header-only packaging"
    bootstrap build tests packers
    ;;
'')
    bootstrap build tests
    exec cmake --workflow --preset dev
    ;;
*)
    stages=$*
    bootstrap build tests packers checkers
    ;;
esac

mkdir -p build
table=build/run-stages.txt
: >"$table"
passed=0
failed=0
for stage in $stages; do
    if [ "$stage" = tsan ] && ! command -v clang++-19 >/dev/null 2>&1; then
        printf '%-12s not run: no clang++-19\n' "$stage" >>"$table"
        continue
    fi
    printf '\n==== %s\n' "$stage"
    began=$(date +%s)
    log=build/run-$stage.log
    # The pipe hides the status of the left side: it is kept in a file.
    { cmake --workflow --preset "$stage" 2>&1 && echo 0 >"$log.status" || echo 1 >"$log.status"; } | tee "$log"
    took=$(($(date +%s) - began))

    # "98% tests passed, 2 tests failed out of 100"
    summary=$(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests* failed out of \([0-9]*\).*/\1 \2/p' "$log" | tail -n 1)
    bad=${summary% *}
    all=${summary#* }
    if [ -z "$summary" ]; then
        printf '%-12s %5d s  FAILED before its tests\n' "$stage" "$took" >>"$table"
        failed=$((failed + 1))
        continue
    fi
    passed=$((passed + all - bad))
    failed=$((failed + bad))
    if [ "$bad" = 0 ] && [ "$(cat "$log.status")" != 0 ]; then
        bad="a step"
        failed=$((failed + 1))
    fi
    printf '%-12s %5d s  %s of %s failed\n' "$stage" "$took" "$bad" "$all" >>"$table"
done

printf '\n'
cat "$table"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
