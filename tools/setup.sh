#!/bin/sh
# Installs what dualcube needs on Debian or Ubuntu: packages of the distribution (root or sudo) and,
# into .venv, packages of PyPI.  Only what is missing; a second run changes nothing.
#
#   tools/setup.sh           everything: to build, to run, to test
#   tools/setup.sh --run     what building and running the command takes
#   tools/setup.sh --list    the packages, and which of them are missing; installs nothing
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

# Without these nothing is built.
needed="gcc libc6-dev cmake ninja-build libcjson-dev python3 python3-venv ca-certificates"
# Left out where the distribution has none: the build says what it does without.
wanted="libhwloc-dev ocl-icd-opencl-dev opencl-c-headers"
needed_tests="g++ git libcmocka-dev pkg-config"
wanted_tests="pocl-opencl-icd libvkfft-dev libclblast-dev libopenblas-dev oclgrind clinfo ccache
    clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14"

what=tests
case ${1:-} in
"" | --tests) ;;
--run) what=run ;;
--list) what=list ;;
-h | --help)
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
*)
    echo "setup: there is no option $1; see tools/setup.sh --help" >&2
    exit 2
    ;;
esac
[ $# -le 1 ] || { echo "setup: one option at a time" >&2; exit 2; }
if [ $what != run ]; then
    needed="$needed $needed_tests"
    wanted="$wanted $wanted_tests"
fi

say() { echo "setup: $*"; }

installed() {
    case $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) in
    "install ok installed") return 0 ;;
    esac
    return 1
}

missing() {
    for package in "$@"; do
        installed "$package" || printf '%s ' "$package"
    done
}

# Packages that the archive has, of those named.
offered() {
    for package in "$@"; do
        [ -z "$(apt-cache show --no-all-versions "$package" 2>/dev/null)" ] || printf '%s ' "$package"
    done
}

without_apt() {
    for tool in cc cmake ninja python3; do
        if ! command -v "$tool" >/dev/null; then
            say "this system has no apt-get; install $tool yourself (and cJSON, hwloc, OpenCL)" >&2
            exit 1
        fi
    done
}

install_packages() {
    # Word splitting is meant: these are lists.
    # shellcheck disable=SC2086
    lack=$(missing $needed) lack_wanted=$(missing $wanted)
    [ -n "$lack$lack_wanted" ] || return 0
    sudo=
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            [ -n "$lack" ] || { say "without sudo these stay away: $lack_wanted"; return 0; }
            say "missing: ${lack% }; run this as root, or install sudo" >&2
            exit 1
        fi
        sudo="sudo"
    fi
    log=$(mktemp)
    say "packages: $lack$lack_wanted"
    if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q update >"$log" 2>&1; then
        tail -5 "$log" >&2
        say "apt-get update failed" >&2
        exit 1
    fi
    have=$(offered $lack_wanted)
    for package in $lack_wanted; do
        case " $have " in
        *" $package "*) ;;
        *) say "this distribution has no $package; going on without it" ;;
        esac
    done
    if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        -o Dpkg::Use-Pty=0 install $lack $have >"$log" 2>&1; then
        tail -15 "$log" >&2
        say "apt-get install failed" >&2
        exit 1
    fi
    rm -f "$log"
}

# A stamp of what was installed spares the network on the next run.
install_python() {
    requirements=$root/tools/requirements.txt
    [ $what = run ] || requirements=$root/tests/python/requirements.txt
    stamp=$root/.venv/.dualcube-$what-$(cksum <"$requirements" | cut -d' ' -f1)
    [ ! -e "$stamp" ] || return 0
    say "Python packages: $(sed -n 's/^\([A-Za-z][A-Za-z0-9_-]*\).*/\1/p' "$requirements" |
        sort -u | tr '\n' ' ')"
    if [ ! -x "$root/.venv/bin/python3" ] && ! python3 -m venv "$root/.venv"; then
        say "python3 -m venv failed" >&2
        return 1
    fi
    "$root/.venv/bin/python3" -m pip --quiet --disable-pip-version-check install \
        -r "$requirements" || return 1
    : >"$stamp"
}

if [ $what = list ]; then
    # shellcheck disable=SC2086
    echo "all: "$needed $wanted
    if command -v dpkg-query >/dev/null; then
        # shellcheck disable=SC2086
        echo "missing: $(missing $needed $wanted)"
    fi
    exit 0
fi
if command -v apt-get >/dev/null; then
    install_packages
else
    without_apt
fi
if ! install_python; then
    # The command computes without Python; only the page of plots needs it.
    [ $what = run ] || { say "the Python packages could not be installed" >&2; exit 1; }
    say "no Python packages: the page of plots will be left out"
fi
