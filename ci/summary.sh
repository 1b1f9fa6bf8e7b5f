#!/usr/bin/env bash
# Writes what people read first, INPUT_OUT/summary.md, and shows it where GitHub shows the summary of a job.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# GitHub takes a megabyte for a step; the report has 60,000 bytes at most, and the gate's page is a table.
{
    [[ -f $gate/gate.md ]] && cat "$gate/gate.md" && printf '\n'
    [[ -f $report/report.md ]] && cat "$report/report.md"
} >"$out/summary.md"
[[ -z ${GITHUB_STEP_SUMMARY:-} ]] || cat "$out/summary.md" >>"$GITHUB_STEP_SUMMARY"
output summary "$out/summary.md"
