#!/usr/bin/env bash
# Ends as the gate ended; its code is that of the job.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

decision=$(known decision not_run)
code=$(known gate_code 5)
say "decision: $decision, exit code $code"
exit "$code"
