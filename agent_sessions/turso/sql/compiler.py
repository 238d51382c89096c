"""Django's compilers, which ask first whether an expression has SQL of its own on Turso."""

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
