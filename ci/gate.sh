#!/usr/bin/env bash
# Compares the run with its baseline. Keeps what was decided and the code to end with, for `decide.sh`, so that summary, comment and
# artifact come first.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

undecided() { # decision text
    keep decision "$1"
    keep gate_code "$2"
    mkdir -p "$gate"
    printf '%s\n' "$3" >"$gate/gate.md"
    say "$3"
    output decision "$1"
    exit 0
}

case $(known measured unknown) in
    no) undecided not_measured 0 "**Not measured.** This change has no access to the keys of the experiment's models, so that nothing was run." ;;
    fallback) undecided not_measured 0 "**Not measured.** The keys of the experiment's models are not there. What ran instead says that tasks and sandbox work, and nothing of the agent." ;;
esac
run_code=$(known run_code none)
case $run_code in
    0 | 3 | 4) ;;
    none) undecided not_run 5 "**Not run.** The job ended before anything was measured; its log says why." ;;
    *) undecided not_run "$run_code" "**Not run.** The run ended with exit code $run_code; the job's log says why." ;;
esac

# A run, or a directory of runs. One that holds none yet is no error: the first run has nothing to be compared with.
has_runs() {
    local found
    for found in "$baseline/run.json" "$baseline"/*/run.json; do
        [[ -f $found ]] && return
    done
    return 1
}
if [[ -z $baseline ]] || ! has_runs; then
    code=0
    ((run_code != 4)) || code=4
    undecided no_baseline "$code" "**No baseline yet.** There is nothing to compare with; keep this run as the first baseline (\`baseline/\` in the artifact)."
fi

options=()
[[ -z $policy ]] || options+=(--policy "$policy")
[[ -z $mode ]] || options+=(--mode "$mode")
[[ -z ${INPUT_AGENT:-} ]] || options+=(--agent "$INPUT_AGENT")
code=0
retrial gate "$run" --baseline "$baseline" "${options[@]}" --out "$gate" --format md,json,junit,html || code=$?
keep gate_code "$code"
# Without a decision there was an error, of which the code tells.
decision=$(json "$gate/gate.json" verdict)
keep decision "${decision:-error}"
[[ -f $gate/gate.md ]] || {
    mkdir -p "$gate"
    printf '**No decision.** The gate ended with exit code %s; the log says why.\n' "$code" >"$gate/gate.md"
}
output decision "${decision:-error}"
