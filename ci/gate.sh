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

# A run, or a directory of runs.
has_runs() {
    local found
    for found in "$baseline/run.json" "$baseline"/*/run.json; do
        [[ -f $found ]] && return
    done
    return 1
}

# Whether the gate only reports: by the input, or else by the policy. What cannot be read as that is enforced.
is_report() {
    [[ -z $mode ]] || { [[ $mode == report ]]; return; }
    [[ -f $policy ]] || return
    python3 - "$policy" <<'PYTHON'
import re, sys

with open(sys.argv[1], "rb") as file:
    text = file.read()
try:
    import tomllib

    mode = tomllib.loads(text.decode())["gate"]["mode"]
except ImportError:
    # Before Python 3.11; a policy has one key of this name.
    found = re.search(rb"""^\s*mode\s*=\s*["']([a-z]+)["']""", text, re.MULTILINE)
    mode = found and found[1].decode()
except (ValueError, KeyError, TypeError):
    sys.exit(1)
sys.exit(mode != "report")
PYTHON
}

is_first=false
[[ ${INPUT_FIRST:-} != true ]] || is_first=true
if [[ -z $baseline ]] || ! has_runs; then
    # Such a run is no level for later ones to be held to, and its end is not hidden behind a comparison that there was not.
    case $run_code in
        3) undecided no_baseline 3 "**Nothing to compare with.** The run ended before it had what it was to have (its budget, or its stopping rule), so that it is no first baseline either; its log says what is missing." ;;
        4) undecided no_baseline 4 "**Nothing to compare with.** Nothing was graded in the run, so that it is no first baseline either; its report says why." ;;
    esac
    first="There is nothing to compare with; keep this run as the first baseline (\`baseline/\` in the artifact)."
    if [[ -z $baseline ]] || $is_first || is_report; then
        undecided no_baseline 0 "**No baseline yet.** $first"
    fi
    undecided no_baseline 3 "**Nothing to compare with.** The baseline \`$baseline\` holds no run, and the gate is enforced. Put it back; where it is the first run that is to become the baseline, say so with \`first: true\` (\`INPUT_FIRST=true\`)."
fi
! $is_first || warning "\`first\` says that there is no baseline yet, and there is one: take it out, or a baseline that vanishes is not noticed"

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
