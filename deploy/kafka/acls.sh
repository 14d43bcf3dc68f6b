#!/usr/bin/env bash
# Gives each role of Sayso the rights that it needs on the brokers, and no other. Twice is harmless.
# Written by `make docs` from deploy/acls.py; docs/security.md is the same as a table.
#
#   acls.sh PREFIX ROLE=PRINCIPAL...
#   acls.sh sayso. ats=User:ats api=User:sayso-api worker=User:sayso-worker
#
# KAFKA_ACLS is the command that speaks to the brokers, with its arguments, split at spaces:
#   KAFKA_ACLS="kafka-acls.sh --bootstrap-server kafka.example.com:9093 --command-config admin.properties"
set -euo pipefail

main() {
    (($# >= 2)) || wrong "the prefix of the topics and at least one ROLE=PRINCIPAL are needed"
    [[ ${KAFKA_ACLS:-} ]] || wrong "KAFKA_ACLS is not set"
    read -ra kafka_acls <<<"$KAFKA_ACLS"
    prefix=$1
    shift
    local pair
    for pair in "$@"; do # before the first right is given
        [[ $pair == *=User:?* ]] || wrong "a principal is written User:NAME, not as in $pair"
    done
    for pair in "$@"; do
        principal=${pair#*=}
        case $pair in
            ats=?*) ats ;;
            api=?*) api ;;
            worker=?*) worker ;;
            projector=?*) projector ;;
            auditor=?*) auditor ;;
            operator=?*) operator ;;
            *) wrong "there is no role as in $pair" ;;
        esac
    done
}

wrong() {
    printf 'acls.sh: %s.\n' "$*" >&2
    exit 2
}

# allow PATTERN ARGUMENT...
allow() {
    local pattern=$1
    shift
    "${kafka_acls[@]}" --add --force --allow-principal "$principal" --resource-pattern-type "$pattern" "$@"
}

# A service of the ATS: publishes commands, and reads what came of them.
ats() {
    # publish commands
    allow literal --operation Write --topic "${prefix}commands"
    # read what happened; what is personal stays sealed
    allow literal --operation Read --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications"
    # share the reading among its processes
    allow prefixed --operation Read --group "${prefix}ats"
}

# Sayso's HTTP processes (`sayso api`).
api() {
    # publish commands, the carrier's among them
    allow literal --operation Write --topic "${prefix}commands"
    # keep what came in and could not be used
    allow literal --operation Write --topic "${prefix}dead-letters"
    # compare the topics with what Sayso needs, at its start
    allow literal --operation Describe --operation DescribeConfigs --topic "${prefix}commands" --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications" --topic "${prefix}dead-letters"
}

# Sayso's workers (`sayso worker`): each owns shards, decides, dispatches and publishes.
worker() {
    # decide commands
    allow literal --operation Read --topic "${prefix}commands"
    # forward a command to its own shard
    allow literal --operation Write --topic "${prefix}commands"
    # publish events
    allow literal --operation Write --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications"
    # see how far a shard has been published
    allow literal --operation Read --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications"
    # keep what came in and could not be used
    allow literal --operation Write --topic "${prefix}dead-letters"
    # compare the topics with what Sayso needs, at its start
    allow literal --operation Describe --operation DescribeConfigs --topic "${prefix}commands" --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications" --topic "${prefix}dead-letters"
    # own shards: one worker each
    allow prefixed --operation Read --group "${prefix}workers"
    # publish each event once, and fence a former owner
    allow prefixed --operation Write --transactional-id "${prefix}relay-"
}

# Sayso's projectors (`sayso projector`): build the views.
projector() {
    # build views
    allow literal --operation Read --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications"
    # compare the topics with what Sayso needs, at its start
    allow literal --operation Describe --operation DescribeConfigs --topic "${prefix}commands" --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications" --topic "${prefix}dead-letters"
    # share the shards among projectors
    allow prefixed --operation Read --group "${prefix}projectors"
}

# Whoever checks or copies the evidence; changes nothing.
auditor() {
    # read the evidence
    allow literal --operation Read --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications"
    # show that the evidence is kept for ever
    allow literal --operation Describe --operation DescribeConfigs --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications"
    # remember how far it has read
    allow prefixed --operation Read --group "${prefix}auditors"
}

# Whoever runs Sayso: makes topics, replays dead letters, restores.
operator() {
    # make, look at and mend the topics
    allow prefixed --operation Create --operation Describe --operation DescribeConfigs --operation AlterConfigs --topic "${prefix}"
    # restore, and look at dead letters
    allow literal --operation Read --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications" --topic "${prefix}dead-letters"
    # replay dead letters
    allow literal --operation Write --topic "${prefix}commands"
    # fill empty topics from a ledger
    allow literal --operation Write --topic "${prefix}accounts" --topic "${prefix}consent" --topic "${prefix}messages" --topic "${prefix}credits" --topic "${prefix}receipts" --topic "${prefix}notifications"
    # remember how far it has read
    allow prefixed --operation Read --group "${prefix}operators"
    # fill empty topics from a ledger
    allow prefixed --operation Write --transactional-id "${prefix}relay-"
}

main "$@"
