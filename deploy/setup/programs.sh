#!/usr/bin/env bash
# Installs Debian packages whose programs are missing; does nothing where they are all there.
#   programs.sh browser   what the browser tests need
#   programs.sh broker    what a Kafka broker needs, and another client of it
#   programs.sh node      what runs the AsyncAPI parser, and fetches packages of npm
#   programs.sh drills    what failure drills need: to follow system calls, and to mount a small disk
#   programs.sh venv      what Debian's own Python needs to make a virtual environment
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ./say.sh

main() {
    local missing=()
    case ${1:-} in
        browser)
            command -v chromium >/dev/null || missing+=(chromium)
            has_emoji || missing+=(fonts-noto-color-emoji)
            has_library libatomic1 || missing+=(libatomic1)
            ;;
        broker)
            has_java || missing+=(openjdk-17-jre-headless)
            command -v mvn >/dev/null || missing+=(maven)
            command -v kcat >/dev/null || missing+=(kcat)
            ;;
        node)
            has_node || missing+=(nodejs)
            command -v npm >/dev/null || missing+=(npm)
            ;;
        drills)
            command -v strace >/dev/null || missing+=(strace)
            command -v mount >/dev/null || missing+=(mount)
            ;;
        venv) python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv) ;;
        *) stop "programs.sh wants 'browser', 'broker', 'node', 'drills' or 'venv'." ;;
    esac
    ((${#missing[@]} == 0)) || install "${missing[@]}"
}

# Texts hold emoji, and without this font pictures of pages show boxes. fc-list comes with chromium.
has_emoji() { command -v fc-list >/dev/null && [[ $(fc-list ':family=Noto Color Emoji') ]]; }

# Kafka 4 runs on Java 17 or newer.
has_java() {
    local version
    version=$(java -version 2>&1 | sed -nE '1s/.*"([0-9]+).*/\1/p') && [[ $version ]] && ((version >= 17))
}

# The parser runs on Node 18 or newer.
has_node() {
    local version
    version=$(node --version 2>/dev/null) && version=${version#v} && ((${version%%.*} >= 18))
}

# Playwright's driver is linked with libatomic1, which a small Debian does not have.
has_library() {
    ! command -v dpkg-query >/dev/null ||
        [[ $(dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null) == *' installed' ]]
}

install() {
    command -v apt-get >/dev/null || stop "missing: $*, and there is no apt-get to install it with."
    [[ $(id -u) == 0 ]] || stop "missing: $*; as root, run: apt-get update && apt-get install -y $*"
    say "installing $*"
    has_lists || refresh
    # A list may be older than what the mirror still holds: then once more with a new one.
    get install "$@" >/dev/null 2>&1 || {
        refresh
        run_or_stop "apt-get could not install $*." get install "$@"
    }
}

has_lists() { compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; }

refresh() { run_or_stop "apt-get could not read the package lists." get update; }

get() {
    DEBIAN_FRONTEND=noninteractive \
        apt-get -y -o DPkg::Lock::Timeout=300 -o APT::Install-Recommends=false "$@" </dev/null
}

main "$@"
