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

# Messages, on GitHub as annotations. They are one line each, so that no name in them can become a command to GitHub.
say() { printf '%s\n' "$*"; }
note() { # kind words text
    local text=${3//[$'\r\n']/ }
    if [[ -n ${GITHUB_ACTIONS:-} ]]; then say "::$1::$text"; else say "$2: $text"; fi
}
notice() { note notice note "$1"; }
warning() { note warning warning "$1"; }
stop() { # code text
    note error error "$2" >&2
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
