#!/usr/bin/env bash
# Writes what is published of the run: page, Markdown, JSON, JUnit and badges into INPUT_OUT/report, and one badge as INPUT_OUT/badge.json and
# badge.svg: that of INPUT_AGENT, or of the experiment's first agent. What ran in the place of a measurement gets no badge.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ -f $run/run.json ]] || { say "no run to report on"; exit 0; }
is_measured=false
[[ $(known measured no) == yes ]] && is_measured=true
format=html,md,json,junit
$is_measured && format+=,badge
code=0
retrial report "$run" --format "$format" --out "$report" || code=$?
# 4: nothing was evaluated, which the report says too.
case $code in 0 | 4) ;; *) exit "$code" ;; esac
output report "$report/report.html"
$is_measured || exit 0

agent=${INPUT_AGENT:-$(json "$run/run.json" agents 0 name)}
for extension in json svg; do
    for badge in "$report"/badges/*/"$agent~baseline.$extension"; do
        [[ -f $badge ]] && cp "$badge" "$out/badge.$extension"
    done
done
[[ -f $out/badge.json ]] || exit 0
output badge "$out/badge.json"
output success "$(json "$out/badge.json" message)"
