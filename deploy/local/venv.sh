#!/usr/bin/env bash
# Create the virtual environment .venv and install the locked packages. Do nothing while the lock file is unchanged.
# This is a shell script because it runs before a suitable Python is known.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=.venv
stamp=$venv/.installed
log=.local/setup-python.log

# Identify an installation: the folder (scripts contain its path), the locked packages, the project's entry points.
wanted() { { pwd && cat requirements-dev.lock pyproject.toml; } | cksum; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
can_make_venv() { "$1" -c 'import ensurepip, venv, ssl, sqlite3' 2>/dev/null; }

stop() {
    printf 'stopped\n'
    printf '\n%s\n' "$1" >&2
    exit 1
}

install_packages() {
    if [ "$(id -u)" != 0 ]; then
        stop "Python's venv module is missing. Run

    sudo apt-get update && sudo apt-get install -y --no-install-recommends $*

and repeat this command."
    fi
    export DEBIAN_FRONTEND=noninteractive
    local command
    for command in "update" "install --no-install-recommends $*"; do
        # shellcheck disable=SC2086 # words, one argument each
        apt-get -qq -y $command >>$log 2>&1 || apt-get -qq -y $command >>$log 2>&1 ||
            stop "\`apt-get $command\` failed; see $log"
    done
}

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14; do
        if is_new_enough "$name" && can_make_venv "$name"; then
            python=$name
            return
        fi
    done
    return 1
}

# On Debian venv is a separate package, named after the Python version.
install_venv_module() {
    command -v apt-get >/dev/null || return 1
    local name packages="python3 python3-venv"
    for name in python3 python3.11 python3.12 python3.13 python3.14; do
        if is_new_enough "$name"; then
            packages=$("$name" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
            break
        fi
    done
    # shellcheck disable=SC2086 # one or two names
    install_packages $packages
}

make_venv() {
    if is_new_enough $venv/bin/python && $venv/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    find_python || { install_venv_module && find_python; } ||
        stop "Python 3.11 or newer with its venv module is required. Install it, or select one: make setup PYTHON=/path/to/python3"
    "$python" -m venv --clear $venv >>$log 2>&1 || stop "\`$python -m venv $venv\` failed; see $log"
}

pip_install() {
    $venv/bin/python -m pip install --disable-pip-version-check --no-input "$@" >>$log 2>&1 ||
        stop "pip could not install the packages:

$(tail -n 15 $log)

Full log: $log"
}

[ "$(cat $stamp 2>/dev/null)" != "$(wanted)" ] || [ ! -x $venv/bin/chatops ] || exit 0

mkdir -p .local
: >$log
SECONDS=0
printf '  Python packages in .venv %s ' "....................."
make_venv
pip_install --require-hashes -r requirements-dev.lock
pip_install --no-deps --no-build-isolation --editable .
wanted >$stamp
printf '%6d s\n' "$SECONDS"
