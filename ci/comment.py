"""Puts the body of a comment onto the change that a job runs for, or replaces the one that is there: `comment.py BODY MARK`.

On GitHub it needs `GITHUB_TOKEN`, on GitLab `RETRIAL_GITLAB_TOKEN` (a project's access token with the scope `api`). Where there is no
token or no change it says so and ends well. Only the standard library is used.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

PAGES = 20


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere."""

    def redirect_request(self, *arguments):
        return None


class Service:
    """Notes of one change at one service."""

    def __init__(self, base, headers, notes, note, replace, writer):
        self.base, self.headers, self.notes, self.note, self.replace = base.rstrip("/"), headers, notes, note, replace
        # Under which key a note says who wrote it.
        self.writer = writer
        self.opener = urllib.request.build_opener(NoRedirects)

    def call(self, method, path, value=None):
        data = None if value is None else json.dumps(value).encode()
        headers = {**self.headers, "Content-Type": "application/json", "User-Agent": "retrial"}
        request = urllib.request.Request(self.base + path, data=data, headers=headers, method=method)
        with self.opener.open(request, timeout=30) as reply:
            return json.load(reply)

    def own(self):
        """Returns a function that says whether a note was written with this token: anybody can write the mark, and what others wrote is theirs."""
        try:
            user = self.call("GET", "/user")["id"]
        except urllib.error.HTTPError as error:
            if self.writer != "user" or error.code not in (401, 403, 404):
                raise
            # The token of a job of GitHub belongs to an app, which cannot ask who it is; what apps write, a bot has written.
            return lambda note: (note.get("user") or {}).get("type") == "Bot"
        return lambda note: (note.get(self.writer) or {}).get("id") == user

    def find(self, mark):
        """Returns the id of the token's own note that begins with the mark; none where there is none among the first two thousand."""
        is_own = self.own()
        for page in range(1, PAGES + 1):
            found = self.call("GET", f"{self.notes}?per_page=100&page={page}")
            for note in found:
                if (note.get("body") or "").startswith(mark) and is_own(note):
                    return note["id"]
            if len(found) < 100:
                return None
        return None

    def put(self, body, mark):
        there = self.find(mark)
        if there is None:
            self.call("POST", self.notes, {"body": body})
            return "added"
        self.call(self.replace, f"{self.note}/{there}", {"body": body})
        return "replaced"


def github():
    """Returns GitHub's comments of the pull request; a reason where there are none."""
    token, path = os.environ.get("GITHUB_TOKEN"), os.environ.get("GITHUB_EVENT_PATH")
    try:
        with open(path or os.devnull, encoding="utf-8") as file:
            event = json.load(file)
        number = int(event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        return "this job does not run for a pull request"
    if not token:
        return "there is no GITHUB_TOKEN"
    repository = urllib.parse.quote(os.environ["GITHUB_REPOSITORY"])
    issues = f"/repos/{repository}/issues"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    base = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    return Service(base, headers, f"{issues}/{number}/comments", f"{issues}/comments", "PATCH", "user")


def gitlab():
    """Returns GitLab's notes of the merge request; a reason where there are none."""
    token, number = os.environ.get("RETRIAL_GITLAB_TOKEN"), os.environ.get("CI_MERGE_REQUEST_IID")
    if not number:
        return "this job does not run for a merge request"
    if not token:
        return "there is no RETRIAL_GITLAB_TOKEN"
    project = urllib.parse.quote(os.environ["CI_PROJECT_ID"], safe="")
    notes = f"/projects/{project}/merge_requests/{int(number)}/notes"
    return Service(os.environ["CI_API_V4_URL"], {"PRIVATE-TOKEN": token}, notes, notes, "PUT", "author")


def main():
    path, mark = sys.argv[1:3]
    with open(path, encoding="utf-8") as file:
        body = file.read()
    service = gitlab() if os.environ.get("GITLAB_CI") else github()
    if isinstance(service, str):
        print(f"no comment: {service}")
        return 0
    try:
        print(f"comment {service.put(body, mark)}")
    except urllib.error.HTTPError as error:
        # The reply of a service could hold anything; its number says enough.
        print(f"no comment: the service answered {error.code}", file=sys.stderr)
        return 1
    except (urllib.error.URLError, OSError, ValueError, KeyError, TypeError) as error:
        print(f"no comment: {type(error).__name__}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
