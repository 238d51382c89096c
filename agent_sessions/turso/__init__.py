"""A Django database engine for Turso Cloud and any other libSQL server.

    DATABASES = {
        "default": {
            "ENGINE": "agent_sessions.turso",
            "NAME": "libsql://my-database-my-organisation.turso.io",
            "PASSWORD": os.environ["TURSO_AUTH_TOKEN"],
        }
    }

It is Django's own SQLite backend with another driver beneath, and states differences only. It knows
nothing of the app around it and works in any Django project. docs/turso.md has the options.
"""
