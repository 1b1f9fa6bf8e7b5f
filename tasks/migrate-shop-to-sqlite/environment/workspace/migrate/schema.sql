CREATE TABLE customers (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    email   TEXT UNIQUE,
    phone   TEXT,
    country TEXT,
    created TEXT NOT NULL
);
CREATE TABLE customer_aliases (
    old_id      INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers(id)
);
CREATE TABLE orders (
    number      TEXT PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers(id),
    status      TEXT NOT NULL CHECK (status IN ('open', 'paid', 'shipped', 'cancelled')),
    placed      TEXT NOT NULL,
    total_cents INTEGER NOT NULL
);
CREATE TABLE order_lines (
    number      TEXT NOT NULL REFERENCES orders(number),
    position    INTEGER NOT NULL,
    sku         TEXT NOT NULL,
    quantity    INTEGER NOT NULL,
    price_cents INTEGER NOT NULL,
    PRIMARY KEY (number, position)
);
CREATE TABLE rejects (
    source TEXT NOT NULL,
    line   INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (source, line)
);
