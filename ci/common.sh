# What the steps share: read by each of them. Settings come from variables named INPUT_…, so that nothing foreign ever stands in a script's
# text; results go from step to step as files in INPUT_OUT.
# shellcheck shell=bash
set -euo pipefail

experiment=${INPUT_EXPERIMENT:-retrial/experiment.toml}
baseline=${INPUT_BASELINE:-}
policy=${INPUT_POLICY:-}
mode=${INPUT_MODE:-}
out=${INPUT_OUT:-retrial-out}
run=$out/run
report=$out/report
gate=$out/gate
# One line each: `measured`, `run_code`, `gate_code`, `decision`.
state=$out/state
mkdir -p "$state"

# Where GitHub or GitLab shows messages, in their own form.
say() { printf '%s\n' "$*"; }
notice() { if [[ -n ${GITHUB_ACTIONS:-} ]]; then say "::notice::$*"; else say "note: $*"; fi; }
warning() { if [[ -n ${GITHUB_ACTIONS:-} ]]; then say "::warning::$*"; else say "warning: $*"; fi; }
stop() { # code text
    if [[ -n ${GITHUB_ACTIONS:-} ]]; then say "::error::$2"; else say "error: $2" >&2; fi
    exit "$1"
}

# keep NAME VALUE: for the steps that follow. known NAME DEFAULT: what was kept.
keep() { printf '%s\n' "$2" >"$state/$1"; }
known() { if [[ -f $state/$1 ]]; then cat "$state/$1"; else printf '%s\n' "$2"; fi; }

# output NAME VALUE: an output of this step on GitHub. A line break cannot add another one.
output() {
    if [[ -n ${GITHUB_OUTPUT:-} ]]; then printf '%s=%s\n' "$1" "$(tr -d '\r\n' <<<"$2")" >>"$GITHUB_OUTPUT"; fi
}

# Runs the command, wherever the first step has found or put it.
retrial() { "$(known command retrial)" "$@"; }

# json FILE KEY…: the text of a value of a JSON file; nothing where there is none.
json() {
    python3 - "$@" <<'PYTHON'
import json, sys

try:
    with open(sys.argv[1], encoding="utf-8") as file:
        value = json.load(file)
    for key in sys.argv[2:]:
        value = value[int(key)] if isinstance(value, list) else value[key]
except (OSError, ValueError, KeyError, IndexError, TypeError):
    sys.exit()
print(value if isinstance(value, str) else json.dumps(value))
PYTHON
}
