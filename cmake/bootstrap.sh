# Installs what building and testing need. To be sourced by a POSIX shell in the root of the tree:
#
#   . cmake/bootstrap.sh
#   bootstrap build tests        # groups: build, client, tests, packers, checkers
#
# On Debian and Ubuntu it installs the packages that are missing, with sudo unless run by root; elsewhere it prints
# their names and goes on. MAILQUAY_NO_INSTALL=1: never installs. No daemon is started.

bootstrap_build="g++ cmake ninja-build pkg-config libasio-dev libfmt-dev libidn2-dev libssl-dev libcrypt-dev libicu-dev libsqlite3-dev libc-ares-dev"
bootstrap_client="swaks"
# postfix as a client, and for its load generator smtp-source
bootstrap_tests="catch2 python3 swaks curl msmtp postfix haproxy nginx-light libnginx-mod-mail openssl libnet-ssleay-perl dovecot-core gsasl libsasl2-modules libauthen-sasl-perl libio-socket-ssl-perl dovecot-lmtpd nsd mutt valgrind"
bootstrap_packers="dpkg-dev file"                  # the packaging tests make a .deb
bootstrap_checkers="clang-19 libclang-rt-19-dev gcovr testssl.sh"  # tsan, fuzz; coverage; who judges our TLS
# Unpacked, not installed: Exim and Postfix exclude each other. A client for tests of CHUNKING and PRDR.
bootstrap_exim="exim4-base exim4-daemon-light libidn12 libgnutls-dane0 libunbound8 libnsl2 libnss-wrapper"
# A client that is a package of Node.js.
bootstrap_tests="$bootstrap_tests nodejs node-nodemailer"
bootstrap_cmake_version="3.25"

bootstrap_say() { printf '%s\n' "mailquay: $*" >&2; }

# Whether a package is there, or what it would bring.
bootstrap_has() {
    case $1 in
    g++) command -v c++ >/dev/null 2>&1 && return 0 ;;
    cmake) command -v cmake >/dev/null 2>&1 && return 0 ;;
    nodejs) command -v node >/dev/null 2>&1 && return 0 ;;
    ninja-build) command -v ninja >/dev/null 2>&1 && return 0 ;;
    pkg-config) command -v pkg-config >/dev/null 2>&1 && return 0 ;;
    postfix) command -v smtp-source >/dev/null 2>&1 || [ -x /usr/sbin/smtp-source ] && return 0 ;;
    esac
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# Runs a command as root.
bootstrap_as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs packages. A package that brings a daemon does not start it: policy-rc.d forbids, if the machine has none yet.
bootstrap_install() {
    bootstrap_policy=
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        bootstrap_policy=/usr/sbin/policy-rc.d
        bootstrap_as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$bootstrap_policy && chmod 755 $bootstrap_policy"
        trap 'bootstrap_as_root rm -f "$bootstrap_policy"; exit 130' INT TERM
    fi
    bootstrap_as_root apt-get update -q || bootstrap_say "apt-get update failed; going on with what is known"
    case " $* " in
    *" postfix "*)
        echo "postfix postfix/main_mailer_type select No configuration" | bootstrap_as_root debconf-set-selections || :
        ;;
    esac
    bootstrap_status=0
    bootstrap_as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" || bootstrap_status=$?
    if [ -n "$bootstrap_policy" ]; then
        bootstrap_as_root rm -f "$bootstrap_policy"
        trap - INT TERM
    fi
    for bootstrap_daemon in postfix dovecot haproxy nginx nsd; do # nor at the next start of the machine
        case " $* " in
        *" $bootstrap_daemon "* | *" $bootstrap_daemon-core "* | *" $bootstrap_daemon-light "*)
            bootstrap_as_root update-rc.d "$bootstrap_daemon" disable || :
            ;;
        esac
    done
    return "$bootstrap_status"
}

# Unpacks Exim into the user's cache, once. Without it the tests that need it are skipped.
bootstrap_unpack_exim() {
    bootstrap_folder=${MAILQUAY_EXIM:-${XDG_CACHE_HOME:-$HOME/.cache}/mailquay/exim}
    [ -e "$bootstrap_folder/usr/sbin/exim4" ] && return 0
    if [ -n "${MAILQUAY_NO_INSTALL:-}" ]; then
        bootstrap_say "no Exim in $bootstrap_folder, not fetched: its tests are skipped"
        return 0
    fi
    bootstrap_say "unpacking Exim into $bootstrap_folder"
    bootstrap_new=$(mktemp -d) || return 0
    # shellcheck disable=SC2086  # a list of words
    if (cd "$bootstrap_new" && apt-get download -q $bootstrap_exim >/dev/null &&
        for bootstrap_deb in ./*.deb; do dpkg -x "$bootstrap_deb" root || exit 1; done) &&
        mkdir -p "${bootstrap_folder%/*}" && chmod 755 "$bootstrap_new/root" && mv "$bootstrap_new/root" "$bootstrap_folder"; then
        :
    else
        bootstrap_say "Exim could not be unpacked: its tests are skipped"
    fi
    rm -rf "$bootstrap_new"
}

bootstrap() {
    bootstrap_wanted=
    for bootstrap_group in "$@"; do
        case $bootstrap_group in
        build) bootstrap_wanted="$bootstrap_wanted $bootstrap_build" ;;
        client) bootstrap_wanted="$bootstrap_wanted $bootstrap_client" ;;
        tests) bootstrap_wanted="$bootstrap_wanted $bootstrap_tests" ;;
        packers) bootstrap_wanted="$bootstrap_wanted $bootstrap_packers" ;;
        checkers) bootstrap_wanted="$bootstrap_wanted $bootstrap_checkers" ;;
        *) bootstrap_say "no such group: $bootstrap_group"; return 2 ;;
        esac
    done

    if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
        bootstrap_say "not a Debian system; install what these packages of Debian hold:$bootstrap_wanted ccache"
    else
        bootstrap_missing=
        for bootstrap_package in $bootstrap_wanted; do
            bootstrap_has "$bootstrap_package" && continue
            # A machine has one mail server; another one than Postfix is not put out for a test tool.
            if [ "$bootstrap_package" = postfix ] && [ -x /usr/sbin/sendmail ]; then
                bootstrap_say "another mail server is installed: no Postfix, and no tests with smtp-source"
                continue
            fi
            bootstrap_missing="$bootstrap_missing $bootstrap_package"
        done
        if [ -z "$bootstrap_missing" ]; then
            :
        elif [ -n "${MAILQUAY_NO_INSTALL:-}" ]; then
            bootstrap_say "missing packages, not installed:$bootstrap_missing"
        elif [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
            bootstrap_say "missing packages, and neither root nor sudo to install them:$bootstrap_missing"
        else
            bootstrap_has ccache || bootstrap_missing="$bootstrap_missing ccache"
            bootstrap_say "installing$bootstrap_missing"
            # shellcheck disable=SC2086  # a list of words
            bootstrap_install $bootstrap_missing || {
                bootstrap_say "installation failed"
                return 1
            }
        fi
    fi

    case " $* " in
    *" tests "*) ! command -v apt-get >/dev/null 2>&1 || bootstrap_unpack_exim ;;
    esac

    if ! command -v cmake >/dev/null 2>&1; then
        bootstrap_say "no cmake"
        return 1
    fi
    bootstrap_found=$(cmake --version | sed -n '1s/.* \([0-9][0-9.]*\).*/\1/p')
    if [ "$(printf '%s\n%s\n' "$bootstrap_cmake_version" "$bootstrap_found" | sort -V | head -n 1)" != \
        "$bootstrap_cmake_version" ]; then
        bootstrap_say "CMake $bootstrap_cmake_version or newer is needed, found $bootstrap_found"
        return 1
    fi

    # One compiler cache for every checkout on the machine.
    CCACHE_BASEDIR=$(pwd -P)
    CCACHE_NOHASHDIR=1
    export CCACHE_BASEDIR CCACHE_NOHASHDIR
}
