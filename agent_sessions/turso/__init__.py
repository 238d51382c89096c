"""A Django database engine for Turso Cloud and any other libSQL server.

    DATABASES = {
        "default": {
            "ENGINE": "agent_sessions.turso",
            "NAME": "libsql://my-database-my-organisation.turso.io",
            "PASSWORD": os.environ["TURSO_AUTH_TOKEN"],
        }
    }

It is Django's SQLite backend with another driver, and states differences only. It knows nothing of
the app around it and works in any Django project. docs/turso.md has the options.

The modules here have the names that Django gives to the parts of a database backend: base is the
engine, and client, creation (with test_databases), features and operations are its parts. They
import the rooms below, which import nothing from here or from each other:

    driver/    statements, transactions and connections, over HTTP
    sql/       SQL for the functions that Django's SQLite backend has in Python

Read base, operations and features first, then `driver` and `sql` in the order of their docstrings.
"""
