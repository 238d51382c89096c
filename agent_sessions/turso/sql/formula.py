"""Write an SQL formula whose arguments are SQL themselves (pure).

A formula names its arguments in braces, `substr({x},1,{n})`, and may name one several times. It is
read by Django once more before it is sent, so that a percent sign in it is written twice.
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
    """Return `formula` over `arguments`, each of which is computed once if that is worth it.

    What is long, or calls a function, is not written several times but bound to a name in a
    subquery. So nested formulas grow as their sum and not as their product, and RANDOM() is one
    value.
    """
    if all(_may_be_repeated(sql, formula.count(f"{{{x}}}")) for x, (sql, _) in arguments.items()):
        return repeat(formula, **arguments)
    # A window function sees the rows of the SELECT that it stands in: it cannot be moved.
    if any(" OVER " in sql.upper() for sql, _ in arguments.values()):
        return repeat(formula, **arguments)
    columns = ", ".join(f"{sql} AS {name}" for name, (sql, _) in arguments.items())
    parameters = tuple(value for _, values in arguments.values() for value in values)
    for name in arguments:
        formula = formula.replace(f"{{{name}}}", name)
    return f"(SELECT {formula} FROM (SELECT {columns}))", parameters  # noqa: S608  # no values


def repeat(formula: str, **arguments: Fragment) -> Fragment:
    """Return `formula` with its arguments written wherever it names them, as aggregates need it."""
    parameters = tuple(value for name in _ARGUMENT.findall(formula) for value in arguments[name][1])
    return _ARGUMENT.sub(lambda found: arguments[found[1]][0], formula), parameters


def _may_be_repeated(sql: str, times: int) -> bool:
    # Indexes, constraints and generated columns name columns without their table, and may hold no
    # subquery.
    if times <= 1 or any('".' not in name for name in _NAMES.findall(sql)):
        return True
    return "(" not in sql and times * len(sql) <= LONGEST_REPETITION
