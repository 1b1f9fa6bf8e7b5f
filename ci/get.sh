#!/usr/bin/env bash
# Finds the command, or builds it from the sources beside this script: INPUT_RETRIAL names a program, `path` takes the one on PATH, and
# nothing builds. INPUT_INSTALL is where built ones are kept, each by what it is made of; one that is there and works is taken.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$(dirname "${BASH_SOURCE[0]}")/built.sh"

is_program() { [[ -f $1 && -x $1 ]]; }
works() { is_program "$1" && "$1" --version >/dev/null 2>&1; }

# The settings of the workspace are for what is built there: its toolchain, targets and flags neither fit Retrial nor are part of the key.
# What says how to reach a registry stays.
without_settings() {
    local name
    for name in $(compgen -e); do
        case $name in
            CARGO_BUILD_* | CARGO_TARGET_* | CARGO_PROFILE_* | CARGO_ENCODED_* | CARGO_UNSTABLE_* | CARGO_INCREMENTAL) unset "$name" ;;
            RUSTC* | RUSTFLAGS | RUSTDOC* | RUSTUP_TOOLCHAIN) unset "$name" ;;
        esac
    done
}

# Where the machine's own toolchain is too old, rustup gets the oldest that will do.
take_a_toolchain() {
    local needed there
    needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    there=$(cargo --version | cut -d' ' -f2) || there=0
    [[ $(printf '%s\n' "$needed" "$there" | sort -V | head -n1) == "$needed" ]] && return
    command -v rustup >/dev/null || stop 2 "Retrial needs Rust $needed or newer to be built, and there is $there"
    export RUSTUP_TOOLCHAIN=$needed
}

# build PROGRAM: in a directory of its own outside of the workspace, for cargo and rustup look for settings in every directory above.
build() {
    local place
    command -v cargo >/dev/null || stop 2 "there is no \`cargo\` to build Retrial with; install Rust or name a program"
    place=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/retrial-build.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf '$place'" EXIT
    mkdir "$place/sources"
    tar -C "$sources" -cf - "${made_of[@]}" | tar -C "$place/sources" -xf -
    (
        cd "$place/sources"
        without_settings
        take_a_toolchain
        cargo install --locked --no-track --path crates/cli --root "$place/built" --target-dir "$place/target"
    )
    # Whole or not at all, whoever else builds the same.
    cp "$place/built/bin/retrial" "$1.$$"
    mv -f "$1.$$" "$1"
    rm -rf "$place"
    trap - EXIT
}

wanted=${INPUT_RETRIAL:-}
case $wanted in
    path) command=$(type -P retrial) || stop 2 "there is no \`retrial\` on PATH; leave the input \`retrial\` out to build it" ;;
    '')
        key=$(built_key)
        directory=$(built_directory "$key")
        (umask 077 && mkdir -p "$directory")
        command=$directory/retrial
        [[ -n ${INPUT_INSTALL:-} || (-O $directory && (! -e $command || -O $command)) ]] ||
            stop 2 "\`$directory\` belongs to somebody else, so that nothing in it is run; name another directory as INPUT_INSTALL"
        works "$command" || build "$command"
        ;;
    *) command=$wanted ;;
esac
is_program "$command" || stop 2 "\`$command\` is no program"
# Absolute, whatever directory later steps are in.
command=$(cd "$(dirname "$command")" && pwd)/$(basename "$command")
keep command "$command"
output command "$command"
"$command" --version

# GitHub's machines forbid namespaces to programs that AppArmor does not know; they are ours alone, so that allowing it harms nobody.
restricted=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
if [[ ${RUNNER_ENVIRONMENT:-} == github-hosted && -r $restricted && $(<"$restricted") == 1 ]]; then
    sudo -n sysctl -q -w kernel.apparmor_restrict_unprivileged_userns=0 ||
        warning "namespaces are restricted on this machine; experiments with \`sandbox = \"docker\"\` work"
fi
