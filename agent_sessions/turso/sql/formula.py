"""Write SQL formulas whose arguments are SQL themselves (pure).

A formula names its arguments in braces, `substr({x},1,{n})`, and may name one several times. A
percent sign is written twice, because Django's cursor replaces placeholders before it is sent.
"""

from __future__ import annotations

import re
from typing import Any

# SQL and its parameters, as compile() of Django's compiler returns them.
Fragment = tuple[str, tuple[Any, ...]]

LONGEST_REPETITION = 400

_ARGUMENT = re.compile(r"\{(\w+)\}")
_NAMES = re.compile(r'(?:"[^"]+"\.)*"[^"]+"')


def write(formula: str, **arguments: Fragment) -> Fragment:
    """Return `formula` over `arguments`.

    An argument that is long or calls a function is not repeated but bound to a name in a subquery:

        write("{x}*{x}", x=('"a"."b"', ()))      "a"."b"*"a"."b"
        write("{x}*{x}", x=("random()", ()))     (SELECT x*x FROM (SELECT random() AS x))

    So nested formulas grow as their sum, not as their product, and random() is one value.
    """
    if all(_may_be_repeated(sql, formula.count(f"{{{x}}}")) for x, (sql, _) in arguments.items()):
        return repeat(formula, **arguments)
    # A window function sees the rows of its SELECT, so it cannot move into a subquery.
    if any(" OVER " in sql.upper() for sql, _ in arguments.values()):
        return repeat(formula, **arguments)
    columns = ", ".join(f"{sql} AS {name}" for name, (sql, _) in arguments.items())
    parameters = tuple(value for _, values in arguments.values() for value in values)
    for name in arguments:
        formula = formula.replace(f"{{{name}}}", name)
    return f"(SELECT {formula} FROM (SELECT {columns}))", parameters  # noqa: S608  # no values


def repeat(formula: str, **arguments: Fragment) -> Fragment:
    """Return `formula` with its arguments repeated, as aggregates need it."""
    parameters = tuple(value for name in _ARGUMENT.findall(formula) for value in arguments[name][1])
    return _ARGUMENT.sub(lambda found: arguments[found[1]][0], formula), parameters


def _may_be_repeated(sql: str, times: int) -> bool:
    # Column names without a table occur in indexes, constraints and generated columns, which cannot
    # contain a subquery: https://www.sqlite.org/gencol.html
    if times <= 1 or any('".' not in name for name in _NAMES.findall(sql)):
        return True
    return "(" not in sql and times * len(sql) <= LONGEST_REPETITION
