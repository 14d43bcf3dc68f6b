# Sourced by the other set-up scripts: how a set-up speaks and how it stops.

say() { printf '· %s\n' "$*" >&2; }

# One clear sentence, and the set-up ends.
stop() {
    printf 'Set-up stopped: %s\n' "$*" >&2
    exit 1
}

# Runs a command quietly; where it fails, shows what it printed and stops with the sentence.
#   run_or_stop SENTENCE COMMAND...
run_or_stop() {
    local sentence=$1 output
    shift
    if ! output=$("$@" </dev/null 2>&1); then
        printf '%s\n' "$output" | tail -n 20 >&2
        stop "$sentence"
    fi
}
