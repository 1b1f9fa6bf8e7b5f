#!/usr/bin/env bash
# Writes the body of a comment on the change, INPUT_OUT/comment.md, and where INPUT_COMMENT is `true` puts it there. A hidden mark in its first
# line lets the next run replace it instead of adding another.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

body=$out/comment.md
# A mark must be able neither to end the comment of HTML it stands in nor to break its line.
name=$(tr -cd 'A-Za-z0-9_./-' <<<"${INPUT_NAME:-$experiment}" | tr -s -- '-' | cut -c1-100)
mark="<!-- retrial: $name -->"
largest=65000 # bytes; GitHub takes 65,536 characters
{
    printf '%s\n' "$mark"
    [[ -f $out/summary.md ]] && cat "$out/summary.md"
} >"$body"
if (($(wc -c <"$body") > largest)); then
    { printf '%s\n' "$mark"; cat "$gate/gate.md"; printf '\nThe whole report is in the artifact of the job.\n'; } >"$body"
fi
output comment "$body"

if [[ ${INPUT_COMMENT:-} == true ]]; then
    python3 "$(dirname "${BASH_SOURCE[0]}")/comment.py" "$body" "$mark" || warning "the comment could not be put; its body is in \`$body\`"
fi
