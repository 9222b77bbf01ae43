#!/bin/sh
# Installs what is missing, builds mailquay-catcher, starts it, sends it a message with swaks and shows what arrived.
#
#   sh examples/quickstart.sh           goes on until Ctrl-C, for messages of your own
#   sh examples/quickstart.sh --once    ends by itself; status 0 only if the message arrived intact

set -eu
cd "$(dirname "$0")/.."

once=
case ${1:-} in
'') ;;
--once) once=yes ;;
*)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    [ "$1" = -h ] || [ "$1" = --help ]
    exit
    ;;
esac

. cmake/bootstrap.sh
bootstrap build client
cmake --preset release -DMAILQUAY_BUILD_TESTS=OFF
cmake --build --preset release --target mailquay-catcher

work=$(mktemp -d)
catcher=
stop() {
    trap '' INT TERM
    if [ -n "$catcher" ]; then kill -TERM "$catcher" 2>/dev/null || :; wait "$catcher" 2>/dev/null || :; fi
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    printf 'quickstart: %s\n' "$1" >&2
    if [ -s "$work/log" ]; then sed 's/^/  catcher: /' "$work/log" >&2; fi
    exit 1
}

# Waits up to 10 s for a condition.
wait_for() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.1
    done
}

mkdir "$work/saved"
: >"$work/log"
build/release/bin/mailquay-catcher --listen 127.0.0.1:0 --save "$work/saved" 2>"$work/log" &
catcher=$!
is_up() { grep -q '^listening smtp ' "$work/log" || ! kill -0 "$catcher" 2>/dev/null; }
wait_for is_up || fail "mailquay-catcher does not say that it listens"
address=$(sed -n 's/^listening smtp //p' "$work/log" | head -n 1)
[ -n "$address" ] || fail "mailquay-catcher did not start"

# A message with what goes wrong in careless servers: lines that begin with dots, trailing blanks, a long line, UTF-8.
long=$(printf '%0900d' 7)
{
    printf 'From: Ada <ada@example.org>\n'
    printf 'To: Grace <grace@example.net>\n'
    printf 'Subject: First mail over the quay\n'
    printf 'Date: %s\n' "$(LC_ALL=C date '+%a, %d %b %Y %H:%M:%S %z')"
    printf 'Message-ID: <%s.%s@example.org>\n' "$(date +%s)" "$$"
    printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
    printf 'Hello Grace,\n\n.a line that begins with a dot\n..and one with two\n.\n'
    printf 'blanks behind this   \n\tGr\303\274\303\237e \342\232\223\n%s\n\nAda\n' "$long"
} | sed "s/\$/$(printf '\r')/" >"$work/sent"
# swaks adds the last line end by itself.
octets=$(wc -c <"$work/sent")
head -c $((octets - 2)) "$work/sent" >"$work/data"

echo
echo "sending a message to $address with swaks"
swaks --server "$address" --helo quickstart.example.org --from ada@example.org --to grace@example.net \
    --data "@$work/data" --hide-all >"$work/swaks" 2>&1 || {
    cat "$work/swaks" >&2
    fail "swaks could not deliver the message"
}
has_saved() { set -- "$work"/saved/*.eml && [ -e "$1" ]; }
wait_for has_saved || fail "the message did not arrive"
[ "$(find "$work/saved" -name '*.eml' | wc -l)" = 1 ] || fail "more than one message arrived"
set -- "$work"/saved/*.eml

# The server may have put trace fields on top; all else is as it was sent, octet for octet.
on_top=$(($(wc -c <"$1") - octets))
if [ "$on_top" -lt 0 ] || ! tail -c "$octets" "$1" | cmp -s - "$work/sent"; then
    diff "$work/sent" "$1" >&2 || :
    fail "the message arrived, but is not what was sent"
fi
if head -c "$on_top" "$1" | grep -qiv '^\(return-path:\|delivered-to:\|received:\|[[:blank:]]\)'; then
    fail "the message arrived with something on top that is no trace field"
fi
echo "arrived intact: $octets octets, the same as sent"

if [ -n "$once" ]; then
    kill -TERM "$catcher"
    status=0
    wait "$catcher" || status=$?
    catcher=
    [ "$status" = 0 ] || fail "mailquay-catcher ended with status $status"
    echo "mailquay-catcher stopped cleanly"
    exit 0
fi

cat <<END

mailquay-catcher goes on listening on $address. Send it a message of your own from another terminal:

    swaks --server $address --from you@example.org --to anyone@example.net --header 'Subject: hello'

Ctrl-C ends it.
END
wait "$catcher"
