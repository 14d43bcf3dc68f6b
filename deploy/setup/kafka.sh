#!/usr/bin/env bash
# Makes .kafka/libs hold the jars of an Apache Kafka broker, as deploy/kafka/pom.xml names them.
# Does nothing where that is done: the stamp names the pom.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source deploy/setup/say.sh

JARS=.kafka/libs
STAMP=.kafka/sayso.stamp

main() {
    deploy/setup/programs.sh broker
    exec 9<deploy/setup/kafka.sh
    flock 9 # two runs of make at once: the second waits and then finds the stamp
    [[ -f $STAMP && $(<$STAMP) == "$(wanted)" ]] || build
}

wanted() { sha256sum deploy/kafka/pom.xml; }

build() {
    say "fetching the Kafka broker into $JARS"
    rm -rf .kafka
    mkdir -p $JARS
    run_or_stop "Maven could not fetch the Kafka broker." \
        mvn --batch-mode --quiet --file deploy/kafka/pom.xml dependency:copy-dependencies \
        "-DoutputDirectory=$PWD/$JARS"
    wanted >$STAMP
}

main
