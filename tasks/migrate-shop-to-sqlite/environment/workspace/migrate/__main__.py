"""Command line: python3 -m migrate LEGACY_DIRECTORY DATABASE"""

import os
import sqlite3
import sys

from .customers import read_customers
from .orders import read_orders

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schema.sql")
TABLES = {"customers": 6, "customer_aliases": 2, "orders": 5, "order_lines": 5, "rejects": 3}


def write(path, rows):
    """Makes a new database with the rows of every table."""
    with open(SCHEMA, encoding="utf-8") as file:
        schema = file.read()
    connection = sqlite3.connect(path)
    try:
        connection.executescript(schema)
        for table, columns in TABLES.items():
            marks = ", ".join("?" * columns)
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows[table])
        connection.commit()
    finally:
        connection.close()


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.replace("Command line", "usage"), file=sys.stderr)
        return 2
    legacy, database = arguments
    customers, aliases, bad_customers = read_customers(os.path.join(legacy, "customers.csv"))
    customer_of = {**{customer[0]: customer[0] for customer in customers}, **aliases}
    orders, lines, bad_orders = read_orders(os.path.join(legacy, "orders.jsonl"), customer_of)
    if os.path.exists(database):
        os.remove(database)
    write(database, {
        "customers": customers,
        "customer_aliases": sorted(aliases.items()),
        "orders": orders,
        "order_lines": lines,
        "rejects": bad_customers + bad_orders,
    })
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
