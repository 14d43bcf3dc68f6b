#!/usr/bin/env bash
# Makes deploy/asyncapi/node_modules hold the official AsyncAPI parser, as package-lock.json pins it.
# Does nothing where that is done: the stamp names the lock.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source deploy/setup/say.sh

FOLDER=deploy/asyncapi
STAMP=$FOLDER/node_modules/sayso.stamp

main() {
    deploy/setup/programs.sh node
    exec 9<deploy/setup/asyncapi.sh
    flock 9 # two runs of make at once: the second waits and then finds the stamp
    [[ -f $STAMP && $(<$STAMP) == "$(wanted)" ]] || build
}

wanted() { sha256sum $FOLDER/package.json $FOLDER/package-lock.json; }

# The packages' own scripts are not run: the parser needs none of them.
build() {
    say "fetching the AsyncAPI parser into $FOLDER"
    run_or_stop "npm could not fetch the AsyncAPI parser." \
        npm --prefix $FOLDER ci --ignore-scripts --no-audit --no-fund
    wanted >$STAMP
}

main
