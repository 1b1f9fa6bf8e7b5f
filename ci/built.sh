# What a built command is made of and where it is kept: read by the steps that build it and that find it again.
# shellcheck shell=bash

sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# Everything that goes into the command. Only this is taken to where it is built, so that nothing else can have a part in it.
made_of=(Cargo.toml Cargo.lock benches crates tasks/fix-torn-tail/tests/harness.py)

# The name by which a built command is found again: the machine's kind and system, whose C library it is linked with, and the digest of all
# that it is made of.
built_key() {
    local system digest
    # shellcheck disable=SC1091
    system=$(. /etc/os-release 2>/dev/null && printf '%s-%s' "${ID:-linux}" "${VERSION_ID:-rolling}") || system=unknown
    digest=$(cd "$sources" && find "${made_of[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-32) || return
    printf 'retrial-%s-%s-%s-%s\n' "$(uname -s)" "$(uname -m)" "$system" "$digest" | tr -c 'A-Za-z0-9._\n-' _
}

# built_directory KEY: where it is kept. A runner's own directory is there for one job; elsewhere it is one of the user's own, and never a
# place that others can write to, for what lies there is run.
built_directory() {
    local home=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
    if [[ -n ${INPUT_INSTALL:-} ]]; then
        printf '%s/%s\n' "$INPUT_INSTALL" "$1"
    elif [[ -n ${RUNNER_TEMP:-} ]]; then
        printf '%s/retrial/%s\n' "$RUNNER_TEMP" "$1"
    elif [[ -n $home ]]; then
        printf '%s/retrial/%s\n' "$home" "$1"
    else
        stop 2 "there is no home directory to keep a built command in; name one as INPUT_INSTALL"
    fi
}
