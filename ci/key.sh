#!/usr/bin/env bash
# Says by what a built command can be found again, and where it is kept.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$(dirname "${BASH_SOURCE[0]}")/built.sh"

key=$(built_key)
directory=$(built_directory "$key")
output key "$key"
output directory "$directory"
