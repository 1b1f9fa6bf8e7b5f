#!/usr/bin/env bash
# Runs the experiment into INPUT_OUT/run. Changes from forks have no keys of its models: nothing is measured then, and it says so; INPUT_FALLBACK
# names an experiment that needs none, to be run in its place without being compared or published. Anywhere else a missing key is an error.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

keep run_code 2
[[ -f $experiment ]] || stop 2 "there is no experiment \`$experiment\`; \`retrial init\` writes one"
[[ ! -e $run ]] || stop 2 "\`$run\` is there already; every run gets a directory of its own"

# Whether the change comes from where secrets are not given to: another repository, or Dependabot.
is_foreign() {
    [[ ${GITHUB_ACTOR:-} == 'dependabot[bot]' ]] && return
    [[ -n ${CI_MERGE_REQUEST_SOURCE_PROJECT_ID:-} ]] &&
        [[ $CI_MERGE_REQUEST_SOURCE_PROJECT_ID != "${CI_MERGE_REQUEST_PROJECT_ID:-}" ]] && return
    [[ ${GITHUB_EVENT_NAME:-} == pull_request && -f ${GITHUB_EVENT_PATH:-} ]] || return 1
    [[ $(json "$GITHUB_EVENT_PATH" pull_request head repo full_name) != "${GITHUB_REPOSITORY:-}" ]]
}

code=0
retrial run "$experiment" --dry-run --json >"$state/plan.json" || code=$?
((code == 0)) || { keep run_code "$code"; exit "$code"; }
missing=$(python3 -c '
import json, sys
print(", ".join(key["variable"] for key in json.load(sys.stdin)["keys"] if not key["is_set"]))' <"$state/plan.json")
keep measured yes
if [[ -n $missing ]]; then
    is_foreign || stop 2 "the experiment needs $missing in the environment; pass it to this step from a secret"
    fallback=${INPUT_FALLBACK:-}
    if [[ -z $fallback ]]; then
        keep measured no
        keep decision not_measured
        notice "Nothing was measured: this change has no access to $missing. Someone with access can run it."
        exit 0
    fi
    keep measured fallback
    experiment=$fallback
    [[ -f $experiment ]] || stop 2 "there is no experiment \`$experiment\`"
    notice "There is no $missing here, so that \`$experiment\` runs instead. It says nothing of the agent."
fi

options=()
[[ -z ${INPUT_TRIALS:-} ]] || options+=(--trials "$INPUT_TRIALS")
[[ -z ${INPUT_SANDBOX:-} ]] || options+=(--sandbox "$INPUT_SANDBOX")
[[ -z ${INPUT_BUDGET_USD:-} ]] || options+=(--budget-usd "$INPUT_BUDGET_USD")
retrial run "$experiment" --out "$run" "${options[@]}" | tee "$out/scorecard.txt" || code=${PIPESTATUS[0]}
keep run_code "$code"
# A spent budget (3) and a run without a graded trial (4) are for the report and the gate to tell of.
case $code in 0 | 3 | 4) ;; *) exit "$code" ;; esac
