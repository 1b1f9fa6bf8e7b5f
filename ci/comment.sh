#!/usr/bin/env bash
# Writes the body of a comment on the change, INPUT_OUT/comment.md, and where INPUT_COMMENT is `true` puts it there. A hidden mark in its first
# line lets the next run replace it instead of adding another.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

body=$out/comment.md
# Whose result it is: the name that is given, or else the artifact's with the experiment's path.
name=${INPUT_NAME:-${INPUT_ARTIFACT:+$INPUT_ARTIFACT }$experiment}
# A mark must be able neither to end the comment of HTML it stands in nor to break its line, and two names never have the same one: other
# characters are written as in addresses, and a long name ends in its digest.
name=$(python3 -c '
import hashlib, os, sys, urllib.parse
name = os.fsencode(sys.argv[1])
mark = urllib.parse.quote(name, safe="/ ")
print(mark if len(mark) <= 100 else mark[:60] + "%~" + hashlib.sha256(name).hexdigest()[:32])' "$name")
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
