#!/bin/bash
# Grades the workspace in /app. The environment is cleared and `site` left out, so that nothing an agent wrote is run by
# the verifier's own process.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
for python in /usr/bin/python3 /usr/local/bin/python3; do
    [[ -x $python ]] && break
done
env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$work" TMPDIR="$work" TZ=UTC LANG=C.UTF-8 LC_ALL=C.UTF-8 PYTHONHASHSEED=0 \
    "$python" -s -S -B "$(dirname "$0")/verify.py" "$work"
