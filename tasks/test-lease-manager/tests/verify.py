"""Runs the tests of the workspace with two good implementations, which must pass, and with faulty ones, which must not."""

import hashlib
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import harness

# Every fault is an edit of the present implementation: the text to replace, which occurs once, and the new text.
FAULTS = {
    "a lease is live at its end": ("self._clock() >= lease.expires", "self._clock() > lease.expires"),
    "a token is not greater than the one before": ("self._last_token += 1\n", "self._last_token = len(self._leases) + 1\n"),
    "tokens fall": ("self._last_token += 1\n", "self._last_token -= 1\n"),
    "a released lease gives its token back": ("        del self._leases[name]\n        return True",
                                               "        del self._leases[name]\n        self._last_token -= 1\n        return True"),
    "tokens are counted for each name": (
        "self._last_token += 1\n        lease = Lease(name, owner, self._last_token,",
        "self._last_token = getattr(self, '_t', {}).get(name, 0) + 1\n        self._t = {**getattr(self, '_t', {}), name: self._last_token}\n"
        "        lease = Lease(name, owner, self._last_token,"),
    "the token does not matter": ("or lease.owner != owner or lease.token != token", "or lease.owner != owner"),
    "the owner does not matter": ("or lease.owner != owner or lease.token != token", "or lease.token != token"),
    "the token does not matter to renew": ("lease = self._matching(name, owner, token)\n        if lease is None:",
                                           "lease = self._live(name)\n        if lease is None or lease.owner != owner:"),
    "the owner does not matter to release": ("if self._matching(name, owner, token) is None:\n            return False",
                                             "if getattr(self._live(name), 'token', None) != token:\n            return False"),
    "a lease that is over can be renewed": ("lease = self._matching(name, owner, token)\n        if lease is None:",
                                            "lease = self._leases.get(name)\n        if lease is None or lease[1:3] != (owner, token):"),
    "a lease that is over can be released": ("if self._matching(name, owner, token) is None:\n            return False",
                                             "if name not in self._leases or self._leases[name][1:3] != (owner, token):\n            return False"),
    "release says nothing": ("        del self._leases[name]\n        return True", "        del self._leases[name]\n        return None"),
    "release of nothing is an error": ("            return False", "            raise NotHeld(name)"),
    "renew of nothing is silent": ('            raise NotHeld(f"{owner} does not hold {name} with token {token}")', "            return None"),
    "an extension counts from the old end": ("max(lease.expires, self._clock() + ttl)", "lease.expires + ttl"),
    "an end is moved back": ("max(lease.expires, self._clock() + ttl)", "self._clock() + ttl"),
    "renew uses the manager's ttl": ("self._extend(lease, self._ttls[name])", "self._extend(lease, self._ttl)"),
    "an extension does not keep its ttl": ("        self._ttls[lease.name] = ttl\n", ""),
    "an extension ignores its ttl": ("return self._extend(held, ttl)", "return self._extend(held, self._ttls[name])"),
    "acquiring again gives a new token": ("            return self._extend(held, ttl)", "            del self._leases[name]"),
    "acquiring again is refused": ("if held is not None and held.owner != owner:", "if held is not None:"),
    "acquiring again counts": ("        held = self._live(name)\n", "        held = self._live(name)\n        if len(self.held_by(owner)) >= self._limit:\n"
                                                                     "            raise TooManyLeases(owner)\n"),
    "anybody can take a lease over": ("if held is not None and held.owner != owner:", "if False:"),
    "the limit is one more": (">= self._limit", "> self._limit"),
    "the limit is fixed": (">= self._limit", ">= 3"),
    "the limit counts what is over": ("len(self.held_by(owner))", "len([1 for lease in self._leases.values() if lease.owner == owner])"),
    "the limit counts all owners": ("len(self.held_by(owner))", "len([1 for name in self._leases if self._live(name)])"),
    "the manager's ttl is fixed": ("            ttl = self._ttl\n", "            ttl = 30\n"),
    "the ttl of a call is ignored": ("        if ttl <= 0:", "        ttl = self._ttl if ttl > 0 else ttl\n        if ttl <= 0:"),
    "a ttl of zero is taken": ("if ttl <= 0:", "if ttl < 0:"),
    "a ttl of zero is the manager's": ("        if ttl is None:", "        if not ttl:"),
    "a negative ttl is taken": ("if ttl <= 0:", "if ttl == 0:"),
    "an empty name is taken": ("if not name or not owner:", "if not owner:"),
    "an empty owner is taken": ("if not name or not owner:", "if not name:"),
    "a refusal names the wrong owner": ("raise LeaseHeld(name, held.owner, held.expires)", "raise LeaseHeld(name, owner, held.expires)"),
    "a refusal gives the wrong end": ("raise LeaseHeld(name, held.owner, held.expires)", "raise LeaseHeld(name, held.owner, self._clock() + ttl)"),
    "a refusal takes a lease away": ("            raise LeaseHeld(", "            del self._leases[name]\n            raise LeaseHeld("),
    "the holder is told after the end": ("        lease = self._live(name)\n        return None if", "        lease = self._leases.get(name)\n        return None if"),
    "what an owner holds is not sorted": ("return sorted(name for name, lease in", "return list(name for name, lease in"),
    "what an owner holds includes what is over": ("if lease.owner == owner and self._live(name))", "if lease.owner == owner)"),
    "what an owner holds includes others'": ("if lease.owner == owner and self._live(name))", "if self._live(name))"),
    "a sweep is not sorted": ("over = sorted(name for name in self._leases if", "over = list(name for name in self._leases if"),
    "a sweep returns leases twice": ("        for name in over:\n            del self._leases[name]\n", ""),
    "a sweep forgets all": ("        for name in over:\n            del self._leases[name]\n", "        self._leases.clear()\n"),
    "a sweep returns all": ("if self._live(name) is None)", "if True)"),
    "a sweep returns nothing": ("        return over\n", "        return []\n"),
    "a refusal for the limit is of another kind": ('raise TooManyLeases(f"{owner} has', 'raise RuntimeError(f"{owner} has'),
}

_SECONDS = 5


def variants():
    """Yields name and files of every implementation; the good ones first."""
    files = {}
    for good in ("present", "rewrite"):
        root = os.path.join(HERE, "good", good)
        files[good] = {name: harness.read_regular(os.path.join(root, name)).decode() for name in ("__init__.py", "errors.py", "manager.py")}
        yield good, files[good]
    manager = files["present"]["manager.py"]
    for fault, (old, new) in FAULTS.items():
        if manager.count(old) != 1:
            raise AssertionError(f"the fault `{fault}` cannot be planted")
        yield fault, {**files["present"], "manager.py": manager.replace(old, new)}


def run_tests(directory):
    """Runs the tests in a fork with the implementation in `directory`; returns whether they passed, and what failed."""
    import signal

    report = os.path.join(directory, "report")
    child = os.fork()
    if child == 0:
        signal.alarm(_SECONDS)
        try:
            _be_tests(directory, report)
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    try:
        with open(report, "rb") as file:
            return json.loads(file.read(1 << 16))
    except (OSError, ValueError):
        return [0, ["the tests did not end"]]


def _be_tests(directory, report):
    import importlib
    import unittest

    sys.path[:0] = [os.path.abspath("tests"), directory]
    suite, failed = unittest.TestSuite(), []
    for name in sorted(os.listdir("tests")):
        if name.startswith("test") and name.endswith(".py"):
            try:
                suite.addTests(unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(name[:-3])))
            except Exception as error:
                failed.append(f"{name}: {error!r}")
    result = unittest.TestResult()
    result.failfast = True
    suite.run(result)
    failed += [f"{test}: {text.splitlines()[-1]}" for test, text in result.failures + result.errors]
    failed += [str(test) for test in result.unexpectedSuccesses]
    with open(report, "w") as file:
        json.dump([result.testsRun, [text[:300] for text in failed[:5]]], file)


def body():
    # What the implementations import, and tests usually do, is imported once, before the forks.
    import typing
    import unittest

    if any(b"mock" in harness.read_regular(os.path.join("tests", name)) for name in os.listdir("tests") if name.endswith(".py")):
        import unittest.mock

    return {name: run_tests(os.path.abspath(directory_of(name))) for name, _ in variants()}


def directory_of(name):
    """A name that does not tell tests which implementation they run with."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def judge(observed):
    failures = []
    for name, (count, failed) in observed.items():
        if name in ("present", "rewrite"):
            if failed or not count:
                failures.append(f"with the good implementation `{name}` of {count} tests failed: {failed}")
        elif not failed:
            failures.append(f"no test failed although {name}")
    return failures


def check(directory):
    harness.copy(["tests"], directory)
    for name, files in variants():
        package = os.path.join(directory, directory_of(name), "leases")
        os.makedirs(package)
        for file_name, text in files.items():
            with open(os.path.join(package, file_name), "w") as file:
                file.write(text)
    observed = harness.observe(body, directory, seconds=30)
    try:
        return judge({name: observed[name] for name, _ in variants()})
    except (KeyError, TypeError, ValueError):
        return ["the tests returned no result"]


if __name__ == "__main__":
    harness.grade(check)
