#!/bin/sh
# A million messages through mailquay-sink: its memory must not grow, nor may it leave descriptors open.
#
#   LOADGEN=path/to/loadgen tests/bench/soak.sh [MESSAGES]
#
# LOADGEN   the load generator: loadgen --port N --sessions N --msgs N --size N --per-conn N --mode MODE
# BUILD     where the programs are (default build/release/bin)
# PORT      default 29526
#
# Prints resident memory and descriptors after the first tenth and at the end; fails if memory grew by more than 256 KiB.
set -eu
messages=${1:-1000000}
: "${LOADGEN:?name the load generator}"
port=${PORT:-29526}
said=$(mktemp)
"${BUILD:-build/release/bin}/mailquay-sink" --listen "127.0.0.1:$port" 2>"$said" &
server=$!
trap 'kill "$server" 2>/dev/null || :; rm -f "$said"' EXIT
until grep -q "^listening" "$said"; do
    kill -0 "$server" || { cat "$said" >&2; exit 1; }
    sleep 0.1
done
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; }
descriptors() { ls "/proc/$server/fd" | wc -l; }
load() { "$LOADGEN" --port "$port" --sessions 20 --msgs "$1" --size 1024 --per-conn "$2" --mode "$3" --max-sec 600 >/dev/null; }
tenth=$((messages / 10))
round() {
    load $((tenth * 4 / 10)) 500 full
    load $((tenth * 4 / 10)) 100 lock
    load $((tenth / 10)) 1 lock
    load $((tenth / 10)) 50 bdat
}
round
sleep 2
before=$(resident)
printf 'after %d messages: %d KiB, %d descriptors\n' "$tenth" "$before" "$(descriptors)"
for _ in 1 2 3 4 5 6 7 8 9; do round; done
sleep 2
after=$(resident)
printf 'after %d messages: %d KiB, %d descriptors\n' "$messages" "$after" "$(descriptors)"
[ $((after - before)) -le 256 ] || { echo "memory grew" >&2; exit 1; }
