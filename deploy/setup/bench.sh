#!/usr/bin/env bash
# Makes .venv-bench hold what requirements-bench.lock pins: what Sayso is measured beside, and nothing of Sayso.
# Does nothing where that is done: the stamp names the lock, the Python and the folder. Wants .venv for its uv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source deploy/setup/say.sh

VENV=.venv-bench
STAMP=$VENV/sayso.stamp

main() {
    exec 9<deploy/setup/bench.sh
    flock 9 # two runs of make at once: the second waits and then finds the stamp
    [[ -f $STAMP && $(<$STAMP) == "$(wanted)" ]] || build
}

wanted() {
    pwd # a virtual environment does not survive a move
    python3 -c 'import sys; print(sys.version, sys.base_prefix)'
    sha256sum requirements-bench.lock deploy/setup/bench.sh
}

build() {
    say "installing what Sayso is measured beside into $VENV"
    rm -f $STAMP
    run_or_stop "python3 could not make a virtual environment." python3 -m venv --clear $VENV
    uv pip install --require-hashes --requirement requirements-bench.lock </dev/null >/dev/null 2>&1 || {
        say "uv could not install it; pip, which follows this machine's settings, takes longer"
        run_or_stop "pip could not install what requirements-bench.lock names." \
            pip install --require-hashes --requirement requirements-bench.lock
    }
    wanted >$STAMP
}

uv() { .venv/bin/uv --quiet --system-certs "$@" --python $VENV/bin/python; }

pip() { $VENV/bin/python -m pip --disable-pip-version-check --no-input "$@"; }

main
