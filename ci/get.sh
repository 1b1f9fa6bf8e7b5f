#!/usr/bin/env bash
# Finds the command, or builds it from the sources beside this script: INPUT_RETRIAL names a program, `path` takes the one on PATH, and
# nothing builds. INPUT_INSTALL is where a built one is kept; what is there is taken.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

wanted=${INPUT_RETRIAL:-}
sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
installed=${INPUT_INSTALL:-${RUNNER_TEMP:-/tmp}/retrial-bin}

case $wanted in
    path) command=$(type -P retrial) || stop 2 "there is no \`retrial\` on PATH; leave the input \`retrial\` out to build it" ;;
    '')
        command=$installed/retrial
        if [[ ! -x $command ]]; then
            command -v cargo >/dev/null || stop 2 "there is no \`cargo\` to build Retrial with; install Rust or name a program"
            mkdir -p "$installed"
            cargo build --release --locked --package retrial-cli --manifest-path "$sources/Cargo.toml" \
                --target-dir "$installed/target"
            cp "$installed/target/release/retrial" "$command"
            rm -rf "$installed/target"
        fi
        ;;
    *) command=$wanted ;;
esac
[[ -x $command ]] || stop 2 "\`$command\` is no program"
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
