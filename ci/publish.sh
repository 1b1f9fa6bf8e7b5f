#!/usr/bin/env bash
# Lays out what is kept and published of the run. INPUT_OUT/baseline/<run>/ is what a later run can be compared with: the records, without the
# evidence of single trials. INPUT_PUBLISH, where it is given, gets a scorecard that a sceptic can check, with the records it follows from, in the
# forms INPUT_PUBLISH_FORMAT. What ran in the place of a measurement, and what has no graded trial, is not published.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ -f $run/run.json ]] || { say "no run to publish"; exit 0; }
[[ $(known measured no) == yes ]] || { say "nothing to publish: what ran measures nothing"; exit 0; }
run_code=$(known run_code none)

# records DIRECTORY: the records, whose paths no longer say where on this machine the checkout lies. Ends with 3 where they
# name another place of it.
records() {
    local record
    mkdir -p "$1" || return
    for record in trials.jsonl events.jsonl stop.json; do
        # Only a run with a stopping rule has the last one, and cannot be read without it.
        [[ ! -f $run/$record ]] || cp "$run/$record" "$1/" || return
    done
    # Paths in a run have no links in them, those of a shell may.
    python3 - "$run/run.json" "$1/run.json" "$(pwd -P)/" "$PWD/" <<'PYTHON'
import json, os, sys

# What every machine has, and what therefore tells of none.
SYSTEM = ("/bin/", "/dev/", "/etc/", "/lib/", "/proc/", "/sbin/", "/sys/", "/usr/")
left = []


def without(prefixes, value):
    if isinstance(value, dict):
        return {key: without(prefixes, part) for key, part in value.items()}
    if isinstance(value, list):
        return [without(prefixes, part) for part in value]
    if not isinstance(value, str):
        return value
    for prefix in prefixes:
        value = value.removeprefix(prefix)
    if value.startswith("/") and value.count("/") > 1 and not value.startswith(SYSTEM) and os.path.lexists(value):
        left.append(value)
    return value


source, target, *here = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    manifest = json.load(file)
with open(target, "w", encoding="utf-8") as file:
    json.dump(without(here, manifest), file, ensure_ascii=False, indent=2)
    file.write("\n")
for path in left:
    print(f"the records name a place outside of the checkout: {path}", file=sys.stderr)
sys.exit(3 if left else 0)
PYTHON
}

# The last run that passed is the baseline of the next. One that failed, that could not tell, or that lacks something never becomes it, and
# neither does one that stands where a baseline has vanished.
case $run_code/$(known gate_code none)/$(known decision none) in
    0/0/pass | 0/0/no_baseline)
        code=0
        records "$out/baseline/$(json "$run/run.json" run)" || code=$?
        case $code in
            0) ;;
            3) warning "the records for the baseline name places of this machine; tasks below the checkout are named relative to it" ;;
            *) exit "$code" ;;
        esac
        ;;
esac

target=${INPUT_PUBLISH:-}
[[ -n $target ]] || exit 0
((run_code != 4)) || { say "nothing to publish: nothing was graded"; exit 0; }

# What is there stays until the new scorecard is whole and verified.
mkdir -p "$target"
new=$(mktemp -d "$(dirname "$target")/.retrial-publish.XXXXXX")
# shellcheck disable=SC2064
trap "rm -rf '$new'" EXIT
mkdir "$new/old" "$new/new"
code=0
records "$new/new/run" || code=$?
((code != 3)) || stop 2 "nothing was published, because the records name places of this machine; keep tasks below the checkout"
((code == 0)) || exit "$code"
retrial report "$new/new/run" --format "${INPUT_PUBLISH_FORMAT:-html,md,json,badge}" --out "$new/new" >/dev/null
rm -rf "$new/new/badges"
for extension in json svg; do
    [[ ! -f $out/badge.$extension ]] || cp "$out/badge.$extension" "$new/new/"
done
retrial verify "$new/new/report.json" "$new/new/run"
for there in "$target/run" "$target"/report.* "$target"/badge.* "$target/badges"; do
    [[ ! -e $there ]] || mv "$there" "$new/old/"
done
mv "$new/new"/* "$target/"
output published "$target"
