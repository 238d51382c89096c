"""SQL expressions instead of the Python functions of Django's SQLite backend."""
