"""Moves the export of the workspace and a harder one, and compares every row with the expected ones."""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import harness

ORDER = {"customers": "id", "customer_aliases": "old_id", "orders": "number", "order_lines": "number, position",
         "rejects": "source, line"}


def dump(path):
    import sqlite3

    if not os.path.isfile(path):
        return "no database"
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        rows = {table: [list(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchmany(1000)]
                for table, order in ORDER.items()}
        rows["schema"] = [" ".join(sql.split()) for (sql,) in connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchmany(100)]
        connection.close()
    except sqlite3.Error as error:
        return harness.error_of(error)
    return rows


def move(legacy, database):
    result = harness.run_module("migrate", [legacy, database])
    return [result["exit"], result["stdout"] == "", result["stderr"] == ""]


def body():
    observed = {"visible ends": move("visible", "out/visible.db"), "visible": dump("out/visible.db")}
    observed["hidden ends"] = move("hidden", "out/hidden.db")
    observed["hidden"] = dump("out/hidden.db")
    observed["over an older one ends"] = move("visible", "out/hidden.db")
    observed["over an older one"] = dump("out/hidden.db")
    with open("out/hidden.db", "rb") as file:
        before = file.read()
    for name in ("absent", "half"):
        ending = harness.run_module("migrate", [name, "out/hidden.db"])
        with open("out/hidden.db", "rb") as file:
            observed[name] = [ending["exit"], ending["stderr"] != "", file.read() == before]
    observed["files"] = sorted(os.listdir("out"))
    return observed


def expected():
    with open(os.path.join(HERE, "expected.json"), encoding="utf-8") as file:
        tables = json.load(file)
    good = [0, True, True]
    return {
        "visible ends": good, "hidden ends": good, "over an older one ends": good, "absent": [1, True, True], "half": [1, True, True],
        "files": ["hidden.db", "visible.db"], "visible": tables["visible"], "hidden": tables["hidden"],
        "over an older one": tables["visible"],
    }


def differences(observed, wanted):
    """Returns the failures, those of databases by table, so that they can be read."""
    failures = []
    for name, value in wanted.items():
        found = observed.get(name)
        if isinstance(value, dict) and isinstance(found, dict):
            failures += [f"{name}: {failure}" for failure in harness.compare(found, value)]
        elif found != value:
            failures.append(f"{name}: expected {value!r}, observed {found!r}")
    return failures


def check(directory):
    harness.copy(["migrate"], directory)
    harness.copy(["customers.csv", "orders.jsonl"], os.path.join(directory, "visible"), os.path.join(HERE, "visible"))
    harness.copy(["customers.csv", "orders.jsonl"], os.path.join(directory, "hidden"), os.path.join(HERE, "hidden"))
    harness.copy(["customers.csv"], os.path.join(directory, "half"), os.path.join(HERE, "visible"))
    os.mkdir(os.path.join(directory, "out"))
    observed = harness.observe(body, directory, seconds=20)
    if not isinstance(observed, dict):
        return ["the code under test returned no observations"]
    return differences(observed, expected())


if __name__ == "__main__":
    harness.grade(check)
