"""Django's compilers, with the SQL of functions.py for the expressions that need it.

Django would call an expression's as_sqlite(). A compiler can replace that SQL and leave `vendor` at
"sqlite", on which the rest of Django and other apps depend.
"""

from __future__ import annotations

from typing import Any

from django.db.models.sql import compiler

from agent_sessions.turso.sql import functions


class SQLCompiler(compiler.SQLCompiler):
    def compile(self, node: Any) -> Any:
        return functions.sql_of(node, self) or super().compile(node)


class SQLInsertCompiler(compiler.SQLInsertCompiler, SQLCompiler):
    pass


class SQLDeleteCompiler(compiler.SQLDeleteCompiler, SQLCompiler):
    pass


class SQLUpdateCompiler(compiler.SQLUpdateCompiler, SQLCompiler):
    pass


class SQLAggregateCompiler(compiler.SQLAggregateCompiler, SQLCompiler):
    pass
