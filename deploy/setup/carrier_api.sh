#!/usr/bin/env bash
# Makes .carrier hold Twilio's published description of its API (OpenAPI), which the simulator is held to.
# It comes with Twilio's own command-line client. Does nothing where it is there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source deploy/setup/say.sh

PACKAGE=@twilio/cli-core@9.0.0
SHA512=14f1e6e605c0530336a004e6422dc01983c5cf852b8391b9fef0e4a54bb95aa36ec2e790692f771f05e3757d4e33e9a2baad0b32299d7db5c34cb129e0db237e
DESCRIPTION=package/src/services/twilio-api/twilio_api_v2010.json
FOLDER=.carrier
STAMP=$FOLDER/sayso.stamp

main() {
    deploy/setup/programs.sh node
    exec 9<deploy/setup/carrier_api.sh
    flock 9 # two runs of make at once: the second waits and then finds the stamp
    [[ -f $STAMP && $(<$STAMP) == "$PACKAGE" ]] || build
}

build() {
    say "fetching Twilio's description of its API into $FOLDER"
    local work
    work=$(mktemp -d)
    run_or_stop "npm could not fetch $PACKAGE." npm pack --silent --pack-destination "$work" $PACKAGE
    echo "$SHA512  $(echo "$work"/*.tgz)" | sha512sum --check --status || stop "$PACKAGE is not what it was."
    rm -rf $FOLDER
    mkdir -p $FOLDER
    tar -xzf "$work"/*.tgz -C $FOLDER --strip-components=4 $DESCRIPTION
    rm -rf "$work"
    echo $PACKAGE >$STAMP
}

main
