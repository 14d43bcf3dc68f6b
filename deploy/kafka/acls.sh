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
    [[ $prefix ]] || wrong "an empty prefix would stand for everybody's topics"
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
    allow literal --operation Write \
        --topic "${prefix}commands"
    allow literal --operation Read \
        --topic "${prefix}accounts" \
        --topic "${prefix}consent" \
        --topic "${prefix}messages" \
        --topic "${prefix}credits" \
        --topic "${prefix}receipts" \
        --topic "${prefix}notifications"
    allow prefixed --operation Read \
        --group "${prefix}ats"
}

# Sayso's HTTP processes (`sayso api`).
api() {
    allow literal --operation Write --operation Describe --operation DescribeConfigs \
        --topic "${prefix}commands"
    allow literal --operation Read --operation Describe --operation DescribeConfigs \
        --topic "${prefix}receipts"
    allow literal --operation Describe --operation DescribeConfigs \
        --topic "${prefix}accounts" \
        --topic "${prefix}consent" \
        --topic "${prefix}messages" \
        --topic "${prefix}credits" \
        --topic "${prefix}notifications" \
        --topic "${prefix}dead-letters"
}

# Sayso's workers (`sayso worker`): each owns shards, decides, dispatches and publishes.
worker() {
    allow literal --operation Read --operation Write --operation Describe --operation DescribeConfigs \
        --topic "${prefix}commands" \
        --topic "${prefix}accounts" \
        --topic "${prefix}consent" \
        --topic "${prefix}messages" \
        --topic "${prefix}credits" \
        --topic "${prefix}receipts" \
        --topic "${prefix}notifications"
    allow literal --operation Write --operation Describe --operation DescribeConfigs \
        --topic "${prefix}dead-letters"
    allow prefixed --operation Read \
        --group "${prefix}workers"
    allow prefixed --operation Write \
        --transactional-id "${prefix}relay-"
}

# Sayso's projectors (`sayso projector`): build the views.
projector() {
    allow literal --operation Read --operation Describe --operation DescribeConfigs \
        --topic "${prefix}accounts" \
        --topic "${prefix}consent" \
        --topic "${prefix}messages" \
        --topic "${prefix}credits" \
        --topic "${prefix}receipts" \
        --topic "${prefix}notifications"
    allow literal --operation Describe --operation DescribeConfigs \
        --topic "${prefix}commands" \
        --topic "${prefix}dead-letters"
    allow prefixed --operation Read \
        --group "${prefix}projectors"
}

# Whoever checks or copies the evidence; changes nothing.
auditor() {
    allow literal --operation Read --operation Describe --operation DescribeConfigs \
        --topic "${prefix}accounts" \
        --topic "${prefix}consent" \
        --topic "${prefix}messages" \
        --topic "${prefix}credits" \
        --topic "${prefix}receipts" \
        --topic "${prefix}notifications"
    allow prefixed --operation Read \
        --group "${prefix}auditors"
}

# Whoever runs Sayso: makes topics, replays dead letters, restores.
operator() {
    allow prefixed --operation Create --operation Describe --operation DescribeConfigs --operation AlterConfigs \
        --topic "${prefix}"
    allow literal --operation Read --operation Write \
        --topic "${prefix}accounts" \
        --topic "${prefix}consent" \
        --topic "${prefix}messages" \
        --topic "${prefix}credits" \
        --topic "${prefix}receipts" \
        --topic "${prefix}notifications"
    allow literal --operation Read \
        --topic "${prefix}dead-letters"
    allow literal --operation Write \
        --topic "${prefix}commands"
    allow prefixed --operation Read \
        --group "${prefix}operators"
    allow prefixed --operation Write \
        --transactional-id "${prefix}relay-"
}

main "$@"
