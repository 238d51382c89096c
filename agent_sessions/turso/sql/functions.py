"""SQL for the ORM's functions that Django's SQLite backend has in Python.

Only SQLite's own functions are used, because libSQL servers bundle different extensions (sqlean's,
chosen when the server is built: libsql-ffi/build.rs of https://github.com/tursodatabase/libsql).
The exceptions are `regexp` and `regexpi`, because SQLite itself has no regular expressions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from django.core.exceptions import FieldError
from django.db import NotSupportedError
from django.db.models import Case, When
from django.db.models.expressions import Combinable
from django.db.models.sql.compiler import SQLCompiler

from agent_sessions.turso.sql import durations
from agent_sessions.turso.sql.formula import Fragment, repeat, write

Writer = Callable[[Any, SQLCompiler], Fragment | None]

# {n} zero bytes in hexadecimal, with the text instead of each byte.
COPIES = "replace(substr(hex(zeroblob({n})),1,2*{n}),'00',{fill})"
FORMULAS = {
    "Cot": "(1.0/tan({x}))",
    # Not log(): sqlean's, in sqld, takes one argument and has another base than SQLite's.
    "Log": "(ln({y})/ln({x}))",
    # Integers apart, because a float has 53 bits of their 63.
    "Mod": (
        "(CASE WHEN typeof({x})='integer' AND typeof({y})='integer' THEN 1.0*({x} %% {y}) "
        "ELSE 1.0*{x}-{y}*CAST(1.0*{x}/{y} AS INTEGER) END)"
    ),
    "LPad": f"(substr({COPIES},1,max({{n}}-length({{x}}),0))||substr({{x}},1,{{n}}))",
    "RPad": f"substr({{x}}||{COPIES},1,{{n}})",
    "Repeat": COPIES.replace("{fill}", "{x}"),
    "Reverse": (
        "(WITH RECURSIVE r(rest,done) AS (SELECT {x},'' UNION ALL "
        "SELECT substr(rest,2),substr(rest,1,1)||done FROM r WHERE rest<>'') "
        "SELECT done FROM r WHERE rest='')"
    ),
    "Random": "(abs(random()%%9007199254740992)/9007199254740992.0)",
    # A digit for the version, and two bits for the variant:
    # https://www.rfc-editor.org/rfc/rfc9562#section-5.4
    "UUID4": (
        "lower(hex(randomblob(6))||'4'||substr(hex(randomblob(2)),2)||"
        "substr('89AB',1+(random()&3),1)||substr(hex(randomblob(8)),2))"
    ),
    "UUID7": (
        "lower(printf('%%012x',CAST(unixepoch('now','subsec')*1000 AS INTEGER))||'7'||"
        "substr(hex(randomblob(2)),2)||substr('89AB',1+(random()&3),1)||"
        "substr(hex(randomblob(8)),2))"
    ),
}
ARGUMENTS = {"LPad": ("x", "n", "fill"), "RPad": ("x", "n", "fill"), "Repeat": ("x", "n")}

# From sums, which lose digits if the mean is millions of times the deviation. Without rows, and for
# a sample of one, the result is NULL, because SQLite divides by 0 with NULL.
SQUARES = "max(0.0,total(1.0*{x}*{x})-total({x})*total({x})/count({x}))"
AGGREGATES = {
    "VAR_POP": f"({SQUARES}/count({{x}}))",
    "VAR_SAMP": f"({SQUARES}/(count({{x}})-1))",
    "STDDEV_POP": f"sqrt({SQUARES}/count({{x}}))",
    "STDDEV_SAMP": f"sqrt({SQUARES}/(count({{x}})-1))",
    # The smallest is as good as any other.
    "ANY_VALUE": "min({x})",
    # Each bit by itself.
    "BIT_AND": "(" + "|".join(f"(min({{x}}>>{bit}&1)<<{bit})" for bit in range(64)) + ")",
    "BIT_OR": "(" + "|".join(f"(max({{x}}>>{bit}&1)<<{bit})" for bit in range(64)) + ")",
    "BIT_XOR": "(" + "|".join(f"((sum({{x}}>>{bit}&1)&1)<<{bit})" for bit in range(64)) + ")",
}


def sql_of(node: Any, compiler: SQLCompiler) -> Fragment | None:
    """Return the SQL of an expression, or None if Django's own is right."""
    writer = _writer(node.__class__)
    return writer(node, compiler) if writer else None


@cache
def _writer(kind: type) -> Writer | None:
    """Return the writer for this class, or for the nearest of its base classes in Django.

    Writers are registered by a class's name, because Django's versions have different classes.
    """
    for parent in kind.__mro__:
        if parent.__module__.startswith("django.db.models.") and parent.__name__ in WRITERS:
            return WRITERS[parent.__name__]
    return None


def _function(node: Any, compiler: SQLCompiler, *, name: str) -> Fragment | None:
    if name == "UUID7" and node.get_source_expressions():
        return None  # Django raises the error that UUID7 cannot be shifted
    if name == "Reverse" and node.contains_over_clause:
        raise NotSupportedError(
            "A libSQL server cannot reverse the result of a window function. Reverse it in Python."
        )
    names = ARGUMENTS.get(name, ("x", "y"))
    arguments = map(compiler.compile, node.get_source_expressions())
    return _numeric(node, write(FORMULAS[name], **dict(zip(names, arguments, strict=False))))


def _aggregate(node: Any, compiler: SQLCompiler) -> Fragment:
    compiler.connection.ops.check_expression_support(node)
    argument = node.get_source_expressions()[0]
    if (condition := node.filter) is not None:
        # A formula has several aggregates, which would need a FILTER each; CASE does the same,
        # because all of them ignore NULL.
        argument = Case(When(getattr(condition, "condition", condition), then=argument))
    sql, parameters = compiler.compile(argument)
    return _numeric(node, repeat(AGGREGATES[node.function], x=(f"({sql})", parameters)))


def _window(node: Any, compiler: SQLCompiler) -> None:
    if _writer(node.source_expression.__class__) is _aggregate:
        raise NotSupportedError(
            f"A libSQL server cannot compute {type(node.source_expression).__name__} over a "
            "window. Compute it in Python, or as an aggregate in a subquery."
        )


def _combined(node: Any, compiler: SQLCompiler) -> Fragment | None:
    if node.connector != Combinable.BITXOR:
        return None
    left, right = compiler.compile(node.lhs), compiler.compile(node.rhs)
    return _numeric(node, write("(({x}|{y})-({x}&{y}))", x=left, y=right))


def _duration(node: Any, compiler: SQLCompiler) -> Fragment | None:
    """Write a date or time plus or minus a duration. For two durations Django has another node."""
    if node.connector not in (Combinable.ADD, Combinable.SUB):
        return None
    compiler.connection.ops.check_expression_support(node)
    moment, duration = node.lhs, node.rhs
    if _kind(moment) == "DurationField" and node.connector == Combinable.ADD:
        moment, duration = duration, moment
    kind = _kind(moment)
    if kind not in ("DateField", "TimeField"):
        kind = "DateTimeField"
    left, right = compiler.compile(moment), compiler.compile(duration)
    return durations.add(kind, left, node.connector, right)


def _kind(expression: Any) -> str:
    try:
        return str(expression.output_field.get_internal_type())
    except (AttributeError, FieldError):
        return ""


def _iregex(node: Any, compiler: SQLCompiler) -> Fragment:
    # The syntax is that of libsql-sqlite3/ext/misc/regexp.c of
    # https://github.com/tursodatabase/libsql: no (?i), (?:), lookaround, lazy quantifiers or
    # references to groups.
    text, text_parameters = node.process_lhs(compiler, compiler.connection)
    pattern, pattern_parameters = node.process_rhs(compiler, compiler.connection)
    return f"regexpi({pattern}, {text})", (*pattern_parameters, *text_parameters)


def _digest(node: Any, compiler: SQLCompiler) -> None:
    raise NotSupportedError(
        f"A libSQL server has no {node.function}. Compute it in Python (hashlib), and store it in "
        "a field if queries need it."
    )


def _numeric(node: Any, written: Fragment) -> Fragment:
    # As SQLiteNumericMixin of django/db/models/functions/mixins.py, else decimals compare as text.
    sql, parameters = written
    return (f"(CAST({sql} AS NUMERIC))", parameters) if _kind(node) == "DecimalField" else written


WRITERS: dict[str, Writer] = {
    **{name: partial(_function, name=name) for name in FORMULAS},
    **dict.fromkeys(("StdDev", "Variance", "AnyValue", "BitAnd", "BitOr", "BitXor"), _aggregate),
    **dict.fromkeys(("MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"), _digest),
    "CombinedExpression": _combined,
    "DurationExpression": _duration,
    "IRegex": _iregex,
    "Window": _window,
}
