"""Reads orders.jsonl."""


def read_orders(path, customer_of):
    """Returns the orders, their lines, and the rejects as (source, line, reason).

    Orders and lines are tuples in the order of the tables' columns. `customer_of` gives the id of the customer to whom an
    order goes, by the id that is written in the order.
    """
    raise NotImplementedError("reading of orders")
