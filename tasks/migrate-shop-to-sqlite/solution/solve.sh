#!/bin/bash
# The oracle: brings /app to a correct end state.
set -euo pipefail
cd /app

cat > migrate/clean.py <<'EOF'
"""Cleaning of single values: each function returns the clean value, or None if there is none."""

import re
from datetime import date, datetime, timezone
from decimal import ROUND_HALF_UP, Decimal

COUNTRY_PREFIXES = {"DE": "49", "FR": "33", "GB": "44", "US": "1"}
STATUSES = {
    "new": "open", "open": "open", "paid": "paid", "sent": "shipped", "shipped": "shipped",
    "void": "cancelled", "cancelled": "cancelled", "canceled": "cancelled",
}
_DAYS = [
    (r"(?P<d>[0-9]{1,2})\.(?P<m>[0-9]{1,2})\.(?P<y>[0-9]{4})"),
    (r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})"),
    (r"(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})/(?P<y>[0-9]{4})"),
]


def whole_number(text):
    """Reads a whole number with spaces around it or leading zeros."""
    text = text.strip()
    return int(text) if re.fullmatch(r"[0-9]+", text) else None


def name(text):
    return " ".join(text.split()) or None


def day(text):
    for pattern in _DAYS:
        match = re.fullmatch(pattern, text.strip())
        if match:
            try:
                return date(int(match["y"]), int(match["m"]), int(match["d"])).isoformat()
            except ValueError:
                return None
    return None


def country(text):
    text = text.strip().upper()
    text = "GB" if text == "UK" else text
    return text if re.fullmatch(r"[A-Z]{2}", text) else None


def email(text):
    text = text.strip().lower()
    return text if re.fullmatch(r"[^@\s]+@[^@\s]+", text) else None


def phone(text, country):
    text = text.strip().replace("(0)", "")
    number = ("+" if text.startswith("+") else "") + re.sub(r"[^0-9]", "", text)
    if number.startswith("00"):
        number = "+" + number[2:]
    if not number.startswith("+"):
        if country not in COUNTRY_PREFIXES:
            return None
        number = "+" + COUNTRY_PREFIXES[country] + number.removeprefix("0")
    return number if 7 <= len(number) - 1 <= 15 else None


def status(value):
    return STATUSES.get(value.lower()) if isinstance(value, str) else None


def moment(value):
    try:
        if isinstance(value, str):
            if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})", value):
                return None
            at = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(timezone.utc)
        elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            at = datetime.fromtimestamp(int(value), timezone.utc)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def cents(value):
    """Reads a price; a JSON number must come as an int or a Decimal."""
    if isinstance(value, str):
        text = re.sub(r"€|EUR|\s", "", value)
        match = re.fullmatch(r"([0-9.,]*?)(?:[.,]([0-9]{1,2}))?", text)
        if not match or not re.search(r"[0-9]", text):
            return None
        whole = re.sub(r"[.,]", "", match[1]) or "0"
        return int(whole) * 100 + int((match[2] or "").ljust(2, "0"))
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or value < 0:
        return None
    return int((Decimal(value) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
EOF

cat > migrate/customers.py <<'EOF'
"""Reads customers.csv."""

import csv

from . import clean

SOURCE = "customers.csv"


def _problem(row, number, taken):
    if number is None:
        return "bad id"
    if number in taken:
        return "duplicate id"
    if clean.name(row["name"]) is None:
        return "no name"
    if clean.day(row["created"]) is None:
        return "bad date"
    return None


def _merge(same):
    """Returns the one of several rows of a person that stays, with what it lacks."""
    same = sorted(same, key=lambda customer: (customer[5], customer[0]), reverse=True)
    number, name, email, _, _, created = same[0]
    phone = next((customer[3] for customer in same if customer[3]), None)
    country = next((customer[4] for customer in same if customer[4]), None)
    return number, name, email, phone, country, created


def read_customers(path):
    """Returns the customers that stay, the aliases as {old id: id}, and the rejects as (source, line, reason).

    A customer is a tuple in the order of the table's columns.
    """
    taken, people, rejects = set(), {}, []
    with open(path, encoding="cp1252", newline="") as file:
        reader = csv.DictReader(file, delimiter=";")
        for row in reader:
            number = clean.whole_number(row["id"])
            problem = _problem(row, number, taken)
            if problem:
                rejects.append((SOURCE, reader.line_num, problem))
                continue
            taken.add(number)
            email, country = clean.email(row["email"]), clean.country(row["country"])
            customer = (number, clean.name(row["name"]), email, clean.phone(row["phone"], country), country, clean.day(row["created"]))
            people.setdefault(email or number, []).append(customer)
    customers = [_merge(same) for same in people.values()]
    stays = {other[0]: customer[0] for customer, same in zip(customers, people.values()) for other in same}
    return sorted(customers), {old: new for old, new in stays.items() if old != new}, rejects
EOF

cat > migrate/orders.py <<'EOF'
"""Reads orders.jsonl."""

import json
from decimal import Decimal

from . import clean

SOURCE = "orders.jsonl"


def _parse(text):
    try:
        order = json.loads(text, parse_float=Decimal)
    except ValueError:
        return None
    return order if isinstance(order, dict) else None


def _number(order):
    number = order.get("order")
    return number.strip() if isinstance(number, str) else ""


def _customer(value, customer_of):
    if isinstance(value, str):
        value = clean.whole_number(value)
    return customer_of.get(value) if isinstance(value, int) else None


def _line(line):
    """Returns the sku, quantity and price of one line, or None if anything about it is wrong."""
    sku = line.get("sku")
    sku = sku.strip().upper() if isinstance(sku, str) else ""
    quantity, price = line.get("qty"), clean.cents(line.get("price"))
    whole = isinstance(quantity, int) and not isinstance(quantity, bool) and quantity >= 1
    return (sku, quantity, price) if sku and whole and price is not None else None


def _convert(order, customer_of):
    """Returns the order and its lines, or the reason why it is rejected."""
    customer = _customer(order.get("customer"), customer_of)
    status = clean.status(order.get("status"))
    placed = clean.moment(order.get("placed"))
    lines = order.get("lines")
    if customer is None:
        return "unknown customer"
    if status is None:
        return "unknown status"
    if placed is None:
        return "bad time"
    if not isinstance(lines, list) or not lines or not all(isinstance(line, dict) for line in lines):
        return "no lines"
    lines = [_line(line) for line in lines]
    if None in lines:
        return "bad line"
    number = _number(order)
    total = sum(quantity * price for _, quantity, price in lines)
    return (number, customer, status, placed, total), [(number, at, *line) for at, line in enumerate(lines, start=1)]


def read_orders(path, customer_of):
    """Returns the orders, their lines, and the rejects as (source, line, reason).

    Orders and lines are tuples in the order of the tables' columns. `customer_of` gives the id of the customer to whom an
    order goes, by the id that is written in the order.
    """
    parsed, last, rejects = [], {}, []
    with open(path, encoding="utf-8") as file:
        for at, text in enumerate(file, start=1):
            if text.strip():
                order = _parse(text)
                parsed.append((at, order))
                if order and _number(order):
                    last[_number(order)] = at
    orders, lines = [], []
    for at, order in parsed:
        if order is None:
            result = "bad json"
        elif not _number(order):
            result = "bad number"
        elif last[_number(order)] != at:
            result = "superseded"
        else:
            result = _convert(order, customer_of)
        if isinstance(result, str):
            rejects.append((SOURCE, at, result))
        else:
            orders.append(result[0])
            lines.extend(result[1])
    return orders, lines, rejects
EOF

python3 - <<'EOF'
path = "migrate/__main__.py"
with open(path) as file:
    text = file.read()
edits = {
    "def main(arguments):\n": """def convert(legacy):
    customers, aliases, bad_customers = read_customers(os.path.join(legacy, "customers.csv"))
    customer_of = {**{customer[0]: customer[0] for customer in customers}, **aliases}
    orders, lines, bad_orders = read_orders(os.path.join(legacy, "orders.jsonl"), customer_of)
    return {
        "customers": customers,
        "customer_aliases": sorted(aliases.items()),
        "orders": orders,
        "order_lines": lines,
        "rejects": bad_customers + bad_orders,
    }


def main(arguments):
""",
    text[text.index("    customers, aliases, bad"):text.index("    return 0\n")]: """    try:
        rows = convert(legacy)
    except (OSError, UnicodeDecodeError) as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 1
    scratch = database + ".new"
    if os.path.exists(scratch):
        os.remove(scratch)
    write(scratch, rows)
    os.replace(scratch, database)
""",
}
for old, new in reversed(edits.items()):
    assert text.count(old) == 1, old
    text = text.replace(old, new)
with open(path, "w") as file:
    file.write(text)
EOF

tee tests/test_rules.py >/dev/null <<'EOF'
"""Rules that are easy to get wrong."""

import unittest
from decimal import Decimal

from migrate import clean


class RulesTest(unittest.TestCase):
    def test_prices(self):
        for text, cents in (("1.249,99", 124999), ("1,299.00", 129900), ("€ 1,50", 150), ("1.250", 125000), ("99", 9900)):
            self.assertEqual(clean.cents(text), cents)
        self.assertEqual(clean.cents(Decimal("12.5")), 1250)
        self.assertIsNone(clean.cents("-1"))

    def test_phones(self):
        self.assertEqual(clean.phone("+44 (0)20 7946 0958", None), "+442079460958")
        self.assertEqual(clean.phone("030 123456", "DE"), "+4930123456")
        self.assertIsNone(clean.phone("555-0100", None))

    def test_days(self):
        self.assertEqual(clean.day("7/4/2020"), "2020-07-04")
        self.assertEqual(clean.day("1.3.2021"), "2021-03-01")
        self.assertIsNone(clean.day("30.02.2020"))


if __name__ == "__main__":
    unittest.main()
EOF
