#!/bin/sh
# exported_symbols.sh STAGE: the shared libraries define nothing of their own for others but names of mailquay.
set -eu
status=0
folder=$(dirname "$(find "$1" -name libmailquay-core.so)")
for library in "$folder"/libmailquay-*.so; do
    # Weak and unique symbols (templates, inline functions, ids of Asio services) have to be visible; strong ones not.
    strong=$(nm -DC --defined-only "$library" | sed -n 's/^[0-9a-f]* [TDBR] //p')
    foreign=$(printf '%s\n' "$strong" | grep -v 'mailquay::v[0-9_]*_c::' || :)
    if [ -n "$foreign" ]; then
        printf '%s exports:\n%s\n' "$library" "$foreign"
        status=1
    fi
    printf '%s: %d functions and objects of mailquay\n' "$library" "$(printf '%s\n' "$strong" | grep -c .)"
    objdump -p "$library" | grep -E 'SONAME +libmailquay-[a-z-]+\.so\.[0-9]+\.[0-9]+$' || {
        echo "$library: no soname with major and minor version"
        status=1
    }
done
exit "$status"
