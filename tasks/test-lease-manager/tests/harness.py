"""Runs what an agent left behind without trusting it, and writes the reward.

Every task has this same file. The verifier's own process never imports the agent's code: it copies the regular files
it needs out of the workspace, forks a child that runs them, and compares what the child observed with what it expects.
A child that hangs, crashes, floods or leaves processes behind makes the trial fail; an error of the verifier itself ends
it without a reward, and the trial stays ungraded.
"""

import ctypes
import errno
import json
import os
import resource
import select
import signal
import stat
import sys
import time

APP = "/app"
REWARDS = "/logs/verifier"

_FILE_LIMIT = 4 << 20
_FILES_LIMIT = 400
_RESULT_LIMIT = 8 << 20
_MEMORY_LIMIT = 1 << 30
_OUTPUT_LIMIT = 1 << 20
_AGENT_MADE = {
    errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.EACCES, errno.ENAMETOOLONG,
}
_PR_SET_CHILD_SUBREAPER = 36


class Rejected(Exception):
    """The end state cannot be graded as anything but failed; the text says why."""


# Taking files out of the workspace


def read_regular(path):
    """Returns the bytes of a regular file that is not a link and not large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _AGENT_MADE:
            raise Rejected(f"cannot read `{path}`: {error.strerror}") from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Rejected(f"`{path}` is not a regular file")
        data = file.read(_FILE_LIMIT + 1)
    if len(data) > _FILE_LIMIT:
        raise Rejected(f"`{path}` is larger than {_FILE_LIMIT} bytes")
    return data


def copy(names, target, source=APP):
    """Copies files and directories, named relative to `source`, to `target`; leaves byte code behind."""
    left = [_FILES_LIMIT]
    for name in names:
        _require_real_parents(source, name)
        _copy(os.path.join(source, name), os.path.join(target, name), left)


def _require_real_parents(source, name):
    parent = os.path.dirname(name)
    while parent:
        _status_of(os.path.join(source, parent), stat.S_ISDIR)
        parent = os.path.dirname(parent)


def _status_of(path, expected):
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        if error.errno in _AGENT_MADE:
            raise Rejected(f"cannot read `{path}`: {error.strerror}") from None
        raise
    if not expected(mode):
        raise Rejected(f"`{path}` is not of the kind it should be")
    return mode


def _copy(source, target, left):
    mode = _status_of(source, lambda mode: stat.S_ISDIR(mode) or stat.S_ISREG(mode))
    left[0] -= 1
    if left[0] < 0:
        raise Rejected(f"more than {_FILES_LIMIT} files")
    if stat.S_ISREG(mode):
        data = read_regular(source)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)
        return
    os.makedirs(target, exist_ok=True)
    try:
        names = sorted(os.listdir(source))
    except PermissionError as error:
        raise Rejected(f"cannot read `{source}`: {error.strerror}") from None
    for name in names:
        if name != "__pycache__" and not name.endswith(".pyc"):
            _copy(os.path.join(source, name), os.path.join(target, name), left)


# Running the agent's code


def observe(body, directory, seconds):
    """Returns what `body` returns, run in a forked child with `directory` as its working directory and first on its path."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be_child(body, directory, seconds, writer)
    os.close(writer)
    try:
        line = _read_line(reader, time.monotonic() + seconds)
    finally:
        os.close(reader)
        _end_descendants()
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise Rejected("the code under test ended before its checks did") from None


def _be_child(body, directory, seconds, writer):
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        for kind, limit in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, 64 << 20),
            (resource.RLIMIT_AS, _MEMORY_LIMIT),
            (resource.RLIMIT_CPU, int(seconds) + 1),
        ):
            hard = resource.getrlimit(kind)[1]
            limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            resource.setrlimit(kind, (limit, limit))
        os.chdir(directory)
        sys.path.insert(0, directory)
        # Byte code of the copy saves compiling it in every fork; nothing of it outlives the run.
        sys.dont_write_bytecode = False
        _add_site_builtins()
        data = json.dumps(body()).encode() + b"\n"
        while data:
            data = data[os.write(writer, data):]
    finally:
        os._exit(0)


def _add_site_builtins():
    """Adds `exit` and `quit`, which code expects and which an interpreter started without `site` lacks."""
    import site

    site.setquit()


def _read_line(reader, deadline):
    data = b""
    while not data.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            raise Rejected("the code under test did not end in time")
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            raise Rejected("the code under test ended before its checks did")
        data += chunk
        if len(data) > _RESULT_LIMIT:
            raise Rejected("the code under test returned too much")
    return data


def _end_descendants():
    """Kills and reaps every process that descends from this one; orphans come to this process as their reaper."""
    for _ in range(2000):
        for child in _children():
            os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, 0):
                pass
        except ChildProcessError:
            return
    raise Rejected("the code under test left processes behind that could not be ended")


def _children():
    me = os.getpid()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == me:
                yield int(name)


def error_of(error):
    """Returns what a check records of an exception."""
    return {"raised": type(error).__name__, "text": str(error)[:2000]}


def preload(package):
    """Imports the modules of a package, so that the forks of `run_module` need not; for use in `observe`."""
    import importlib

    for name in sorted(os.listdir(package)):
        if name.endswith(".py") and name != "__main__.py":
            try:
                importlib.import_module(f"{package}.{name[:-3]}" if name != "__init__.py" else package)
            except BaseException:
                continue


def run_module(module, arguments, stdin=b""):
    """Returns exit status, stdout and stderr of `python3 -m module arguments…`, run in a fork; for use in `observe`."""
    paths = [os.path.join(os.environ["HOME"], name) for name in (".stdin", ".stdout", ".stderr")]
    with open(paths[0], "wb") as file:
        file.write(stdin)
    child = os.fork()
    if child == 0:
        _be_module(module, arguments, paths)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    texts = []
    for path in paths[1:]:
        with open(path, "rb") as file:
            texts.append(file.read(_OUTPUT_LIMIT).decode("utf-8", "replace"))
        os.remove(path)
    return {"exit": code, "stdout": texts[0], "stderr": texts[1]}


def _be_module(module, arguments, paths):
    import runpy
    import traceback

    status = 1
    try:
        for standard, path in enumerate(paths):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | (os.O_TRUNC if standard else 0), 0o600)
            os.dup2(descriptor, standard)
            os.close(descriptor)
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code
        if status is None:
            status = 0
        elif not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                status = status or 120
        os._exit(status & 0xFF)


# The verdict


def grade(check):
    """Writes the reward: 1 if `check(directory)` returns no failures, otherwise 0. `directory` is the first argument."""
    _remove_rewards()
    try:
        failures = check(sys.argv[1])
    except Rejected as reason:
        failures = [str(reason)]
    for failure in failures[:10]:
        print("FAILED", failure[:2000])
    print("passed" if not failures else f"{len(failures)} failed")
    _remove_rewards()
    path = os.path.join(REWARDS, f".reward-{os.getpid()}")
    with open(path, "x") as file:
        file.write("0\n" if failures else "1\n")
    os.rename(path, os.path.join(REWARDS, "reward.txt"))


def compare(observed, expected):
    """Returns one failure for every key whose observed value is not the expected one."""
    if not isinstance(observed, dict):
        return ["the code under test returned no observations"]
    return [
        f"{name}: expected {wanted!r}, observed {observed.get(name)!r}"
        for name, wanted in expected.items()
        if observed.get(name) != wanted or type(observed.get(name)) is not type(wanted)
    ]


def _remove_rewards():
    for name in ("reward.txt", "reward.json"):
        path = os.path.join(REWARDS, name)
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        except IsADirectoryError:
            os.rename(path, f"{path}.{time.monotonic_ns()}")
