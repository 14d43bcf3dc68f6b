#!/usr/bin/env bash
# Makes .venv hold what requirements.lock pins, and the `sayso` command.
# Does nothing where that is done: the stamp names the lock, the project file, the Python and the folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source deploy/setup/say.sh

VENV=.venv
STAMP=$VENV/sayso.stamp

main() {
    need_python
    exec 9<deploy/setup/venv.sh
    flock 9 # two runs of make at once: the second waits and then finds the stamp
    [[ -f $STAMP && $(<$STAMP) == "$(wanted)" ]] || build
}

need_python() {
    command -v python3 >/dev/null || stop "python3 is missing; Sayso needs Python 3.11 or newer."
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        stop "python3 is $(python3 -V 2>&1); Sayso needs Python 3.11 or newer."
}

wanted() {
    pwd # a virtual environment does not survive a move
    version python3
    sha256sum requirements.lock pyproject.toml deploy/setup/venv.sh
}

build() {
    say "installing Python packages into $VENV"
    rm -f $STAMP
    deploy/setup/programs.sh venv
    same_python ||
        run_or_stop "python3 could not make a virtual environment." python3 -m venv --clear $VENV
    pinned uv >$VENV/uv.txt
    run_or_stop "pip could not install uv." pip install --require-hashes --requirement $VENV/uv.txt
    install "what requirements.lock names" --require-hashes --requirement requirements.lock
    # Its build backend comes from the lock too: nothing is fetched that is not pinned.
    install "the sayso command" --no-deps --no-build-isolation --editable .
    wanted >$STAMP
}

same_python() { [[ -x $VENV/bin/python && $(version $VENV/bin/python) == "$(version python3)" ]]; }

version() { "$1" -c 'import sys; print(sys.version, sys.base_prefix)'; }

# One package's lines of the lock, hashes included.
pinned() { awk -v start="^$1==" '$0 ~ start { on = 1 } on { print } on && !/\\$/ { exit }' requirements.lock; }

# uv takes seconds where pip takes minutes, but reads none of pip's settings (mirrors, proxies, wheel folders).
#   install WHAT ARGUMENT...
install() {
    local what=$1
    shift
    uv pip install "$@" </dev/null >/dev/null 2>&1 || {
        say "uv could not install $what; pip, which follows this machine's settings, takes longer"
        run_or_stop "pip could not install $what." pip install "$@"
    }
}

uv() { $VENV/bin/uv --quiet --system-certs "$@" --python $VENV/bin/python; }

pip() { $VENV/bin/python -m pip --disable-pip-version-check --no-input "$@"; }

main
