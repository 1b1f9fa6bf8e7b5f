"""Compares the refactored package with the original on many shipments, and applies the rules for its structure."""

import ast
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import harness

CARRIERS = ("road", "air", "sea")
CUSTOMERS = ("standard", "plus", "contract", "vip")
POSTCODES = ("LS1 4AP", " ze1 0aa", "BT7 1NN", "")


def shipments():
    """Parcel lists: the edges of every price band and of every rounding, and many ordinary ones."""
    lists = []
    for edge in (2, 5, 10.15625, 20, 30, 69.5, 70, 100, 500, 1000, 2000):
        for step in ("-0.1", "-0.01", "0", "0.01", "0.05", "0.1"):
            lists.append([(str(round(edge + float(step), 6)), 1, 1, 1)])
    state = 12345
    for number in range(45):
        parcels = []
        for _ in range(1 + number % 4):
            state = (state * 1103515245 + 12345) % 2**31
            kg = (state >> 8) % (69000 if number % 3 else 5000)
            side = 5 + (state >> 4) % (90 if number % 2 else 40)
            kg = [f"{kg / 1000:.3f}", kg / 1000, max(1, kg // 1000), f"{kg / 1000:.1f}1"][number % 4]
            parcels.append((kg, side, f"{side / 2}", side + 0.5))
        lists.append(parcels)
    lists.append([(33, 1, 1, 1), (33, 1, 1, 1), (34, 1, 1, 1)])
    lists.append([("0.50", "10", "10", "30"), ("1.5", 1, 1, 1)])
    lists.append(((1, 100, 100, 100), (50, 10, 10, 10)))
    return lists


def bad_shipments():
    return [[], (), [(0, 1, 1, 1)], [(5, 1, 1, 1), (-1, 1, 1, 1)], [("70.0", 1, 1, 1)], [("1e3", 1, 1, 1)], [(1001, 1, 1, 1)],
            [(3000, 1, 1, 1), (0, 1, 1, 1)], [(0, 1, 1, 1), (3000, 1, 1, 1)], [("x", 1, 1, 1)], [(0, "x", 1, 1)], [(80, "x", 1, 1)],
            [(1, "x", 1, 1), (0, 1, 1, 1)], [(1, 2, 3)], [(1, 0, 0, 0)], None]


def told(value):
    """Everything of a value that a caller can tell, types and decimal places included."""
    if isinstance(value, dict):
        return {key: told(inner) for key, inner in value.items()}, list(value)
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(told, value)]
    return f"{type(value).__name__} {value}"


def attempt(quote, *arguments):
    try:
        return told(quote(*arguments))
    except Exception as error:
        # The text of an error of Python's own tells how the code is written, not what it does.
        name = type(error).__name__
        return [name, str(error) if name == "QuoteError" else None]


def quotes():
    import importlib

    import freight

    observed = {}
    for carrier in CARRIERS:
        quote = getattr(freight, f"quote_{carrier}")
        module = importlib.import_module(f"freight.{carrier}")
        observed[f"{carrier} is importable from both"] = getattr(module, f"quote_{carrier}") is quote
        for number, parcels in enumerate(shipments()):
            for customer in CUSTOMERS[: 4 if number % 7 == 0 else 3]:
                postcode = POSTCODES[(number + len(customer)) % 4]
                observed[f"{carrier} {parcels} {postcode!r} {customer}"] = attempt(quote, parcels, postcode, customer)
        for parcels in bad_shipments():
            for customer in ("contract", "vip"):
                observed[f"{carrier} {parcels} {customer}"] = attempt(quote, parcels, "KW1 1AA", customer)
        for postcode in ("HS1", "hs1 2", "IV2", "X IV2", None):
            observed[f"{carrier} to {postcode!r}"] = attempt(quote, [(21, 30, 30, 30)], postcode)
        observed[f"{carrier} by name"] = told(quote(parcels=[(1, 2, 3, 4)], postcode="KW1", customer="contract"))
    observed["error"] = [base.__name__ for base in freight.QuoteError.__mro__]
    return observed


def commands():
    harness.preload("freight")
    lines = [["road", "LS1", "plus", "12x60x40x40", "3.4x30x20x10"], ["air", "ZE1", "contract", "12x60x40x40"],
             ["sea", "LS1", "contract", "12x60x40x40"], ["rail", "LS1", "plus", "1x1x1x1"], ["air", "LS1", "vip", "0x1x1x1"],
             ["sea", "LS1", "plus", "1x1x1x1"], ["road", "LS1", "plus"]]
    return {" ".join(line): harness.run_module("freight", line) for line in lines}


def observations():
    return {**quotes(), **commands()}


# The rules for the structure

_FLOW = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.Try, getattr(ast, "TryStar", ast.Try), ast.Match, ast.BoolOp, ast.ListComp, ast.SetComp,
         ast.DictComp, ast.GeneratorExp)


def broken_rules():
    """Names every place that breaks a rule; reads the files and runs nothing."""
    broken, windows = [], set()
    for directory, _, names in sorted(os.walk("freight")):
        for name in sorted(names):
            path = os.path.join(directory, name)
            if not name.endswith(".py"):
                broken.append(f"{path} is not a Python file")
                continue
            with open(path, encoding="utf-8") as file:
                text = file.read()
            try:
                tree = ast.parse(text)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                return [f"{path}: {error}"]
            broken += [f"{path}:{problem}" for problem in problems(tree, path)]
            broken += [f"{path}: five lines occur twice: {window}" for window in repeated(text, windows)]
    return broken


def problems(tree, path):
    carrier_module = os.path.relpath(path, "freight")[:-3] in CARRIERS
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno >= 20:
            yield f"{node.lineno}: `{node.name}` is longer than 20 lines"
        if carrier_module and isinstance(node, _FLOW):
            yield f"{node.lineno}: control flow in a carrier's module"
        if not carrier_module and isinstance(node, (ast.Compare, ast.MatchValue)):
            if any(isinstance(part, ast.Constant) and part.value in CARRIERS for part in ast.walk(node)):
                yield f"{node.lineno}: asks which carrier it works for"


def repeated(text, seen):
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("#", "import ", "from "))]
    for start in range(len(lines) - 4):
        window = tuple(lines[start : start + 5])
        if window in seen:
            yield " / ".join(window)
        seen.add(window)


def check(directory):
    original = os.path.join(directory, "original")
    changed = os.path.join(directory, "changed")
    harness.copy(["freight"], changed)
    harness.copy(["freight"], original, source=os.path.join(HERE, "original"))
    broken = harness.observe(broken_rules, changed, seconds=10)
    if broken:
        return [str(rule) for rule in broken]
    expected = harness.observe(observations, original, seconds=20)
    return harness.compare(harness.observe(observations, changed, seconds=20), expected)


if __name__ == "__main__":
    harness.grade(check)
