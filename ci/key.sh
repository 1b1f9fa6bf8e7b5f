#!/usr/bin/env bash
# Says by what a built command can be found again: the digest of all that it is made of, with the machine's kind.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$(dirname "${BASH_SOURCE[0]}")/.."
made_of=$(find Cargo.toml Cargo.lock crates tasks/fix-torn-tail/tests/harness.py -type f -print0 | LC_ALL=C sort -z |
    xargs -0 sha256sum | sha256sum | cut -c1-32)
output key "retrial-$(uname -s)-$(uname -m)-$made_of"
output directory "${INPUT_INSTALL:-${RUNNER_TEMP:-/tmp}/retrial-bin}"
