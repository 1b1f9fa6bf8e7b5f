#!/usr/bin/env bash
# Every step in order, for GitLab and for a shell: the action of GitHub does the same. What fails first decides how it ends, and the steps that
# say what happened come all the same.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
first=0
for step in get run report gate summary comment publish; do
    # After a failure only those go on that tell of it.
    case $first/$step in 0/* | */report | */gate | */summary | */comment) ;; *) continue ;; esac
    code=0
    bash "$here/$step.sh" || code=$?
    ((first != 0)) || first=$code
done
((first == 0)) || exit "$first"
exec bash "$here/decide.sh"
