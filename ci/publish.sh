#!/usr/bin/env bash
# Lays out what is kept and published of the run. INPUT_OUT/baseline/<run>/ is what a later run can be compared with: the records, without the
# evidence of single trials. INPUT_PUBLISH, where it is given, gets a scorecard that a sceptic can check, with the records it follows from, in the
# forms INPUT_PUBLISH_FORMAT.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ -f $run/run.json ]] || { say "no run to publish"; exit 0; }

# records DIRECTORY: the records, whose paths no longer say where on this machine the checkout lies.
records() {
    mkdir -p "$1"
    cp "$run/trials.jsonl" "$run/events.jsonl" "$1/"
    [ ! -f "$run/stop.json" ] || cp "$run/stop.json" "$1/"
    python3 - "$run/run.json" "$1/run.json" "$PWD/" <<'PYTHON'
import json, sys


def without(prefix, value):
    if isinstance(value, dict):
        return {key: without(prefix, part) for key, part in value.items()}
    if isinstance(value, list):
        return [without(prefix, part) for part in value]
    return value.removeprefix(prefix) if isinstance(value, str) else value


source, target, here = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    manifest = json.load(file)
with open(target, "w", encoding="utf-8") as file:
    json.dump(without(here, manifest), file, ensure_ascii=False, indent=2)
    file.write("\n")
PYTHON
}

# The last run that passed is the baseline of the next. One that failed, or that could not tell, never becomes it.
case $(known decision none) in
    pass | no_baseline) records "$out/baseline/$(json "$run/run.json" run)" ;;
esac

target=${INPUT_PUBLISH:-}
[[ -n $target ]] || exit 0
rm -rf "${target:?}/run" "$target"/report.* "$target"/badge.* "$target/badges"
records "$target/run"
retrial report "$target/run" --format "${INPUT_PUBLISH_FORMAT:-html,md,json,badge}" --out "$target"
rm -rf "$target/badges"
for extension in json svg; do
    [[ -f $out/badge.$extension ]] && cp "$out/badge.$extension" "$target/"
done
retrial verify "$target/report.json" "$target/run"
output published "$target"
