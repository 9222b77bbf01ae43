# Runs a compiler without making code, which takes half the time, and leaves an empty file where the object would be:
#
#   sh check_only.sh COMPILER ARGUMENT...      with -o FILE among the arguments
set -eu
"$@" -fsyntax-only
while [ "$#" -gt 1 ]; do
    if [ "$1" = -o ]; then
        : >"$2"
        exit 0
    fi
    shift
done
echo "check_only.sh: no -o FILE in the command" >&2
exit 2
