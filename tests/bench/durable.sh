#!/bin/sh
# Rates of durable acceptance on one disk, in one run: Postfix, and our sinks, each with the same load, interleaved.
#
#   LOADGEN=path/to/loadgen tests/bench/durable.sh [ROUNDS] > table
#
# LOADGEN    the load generator: loadgen --port N --sessions 50 --msgs N --size 4096 --per-conn 100
# BUILD      where the programs are (default build/release/bin)
# WORK       a folder on the disk to measure (default: one in the current folder)
# MESSAGES   of a round (default 20000; Postfix gets a quarter)
# POSTFIX    a folder with postfix_main.cf and postfix_master.cf; absent: no Postfix
# STORES     what to measure (default "postfix spool maildir sqlite mbox discard")
#
# Prints messages per second of each round. Everything listens on loopback alone, and is ended by its process id.
set -eu
rounds=${1:-3}
: "${LOADGEN:?name the load generator}"
build=${BUILD:-build/release/bin}
messages=${MESSAGES:-20000}
stores=${STORES:-"postfix spool maildir sqlite mbox discard"}
work=${WORK:-$(mktemp -d ./durable-XXXXXX)}
mkdir -p "$work"
work=$(cd "$work" && pwd)
port=${PORT:-29525}
server=
clean() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || :
    [ ! -d "$work/pf/etc" ] || postfix -c "$work/pf/etc" stop >/dev/null 2>&1 || :
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

wait_for_port() {
    for _ in $(seq 200); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || nc -z 127.0.0.1 "$port" 2>/dev/null ||
            python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    echo "nothing listens on port $port" >&2
    return 1
}

start_postfix() {
    [ -n "${POSTFIX:-}" ] || return 1
    chmod 755 "$work"
    mkdir -p "$work/pf/etc" "$work/pf/queue" "$work/pf/data"
    chown postfix "$work/pf/data"
    sed "s|@ETC@|$work/pf/etc|; s|@QUEUE@|$work/pf/queue|; s|@DATA@|$work/pf/data|; /@CERT@/d; /@KEY@/d; /smtpd_tls/d" \
        "$POSTFIX/postfix_main.cf" >"$work/pf/etc/main.cf"
    sed "s|@PORT@|$port|" "$POSTFIX/postfix_master.cf" >"$work/pf/etc/master.cf"
    postfix -c "$work/pf/etc" start >/dev/null 2>&1
}

run() {
    "$LOADGEN" --port "$port" --sessions 50 --size 4096 --per-conn 100 --msgs "$1" --max-sec 300
}

measure() {
    store=$1
    count=$messages
    case $store in
    postfix)
        count=$((messages / 4))
        start_postfix || return 0
        ;;
    discard) "$build/mailquay-sink" --listen "127.0.0.1:$port" --log-level error 2>/dev/null & server=$! ;;
    *) "$build/mailquay-mx" --hostname localhost --domain example.com "--$store" "$work/$store" --listen "127.0.0.1:$port" \
        --log-level error 2>/dev/null & server=$! ;;
    esac
    wait_for_port
    run "$count" | python3 -c '
import json, sys
told = json.load(sys.stdin)
if told["errors"] or told["timeout"]:
    sys.exit("%s: %s" % (sys.argv[1], told))
print("%s\t%.0f messages/s" % (sys.argv[1], told["units"] / told["elapsed"]), flush=True)' "$store"
    if [ "$store" = postfix ]; then
        postfix -c "$work/pf/etc" stop >/dev/null 2>&1 || :
    else
        kill "$server"
        wait "$server" 2>/dev/null || :
        server=
    fi
    rm -rf "${work:?}/$store" "$work/$store-wal" "$work/$store-shm" "$work/pf"
    sync
}

for _ in $(seq "$rounds"); do
    for store in $stores; do measure "$store"; done
done
