"""Reads customers.csv."""


def read_customers(path):
    """Returns the customers that stay, the aliases as {old id: id}, and the rejects as (source, line, reason).

    A customer is a tuple in the order of the table's columns.
    """
    raise NotImplementedError("reading of customers")
