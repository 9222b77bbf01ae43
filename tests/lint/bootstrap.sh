#!/bin/sh
# bootstrap.sh TREE: what the bootstrap installs for the tests is not started with the machine. Nothing is installed here.
set -eu
. "$1/cmake/bootstrap.sh"
bootstrap_as_root() { printf '%s\n' "$*"; }  # says what it would do
# shellcheck disable=SC2086,SC2154  # a list of words
done=$(bootstrap_install $bootstrap_tests)
for daemon in postfix dovecot haproxy nginx nsd; do
    case $done in
    *"update-rc.d $daemon disable"*) ;;
    *) echo "$daemon is left enabled"; exit 1 ;;
    esac
done
done=$(bootstrap_install swaks)
case $done in
*update-rc.d*) echo "a daemon is disabled that was not installed: $done"; exit 1 ;;
esac
