from django.db.backends.sqlite3 import base  # noqa: F401  # before its sister modules
from django.db.backends.sqlite3.creation import DatabaseCreation as SQLiteCreation
class DatabaseCreation(SQLiteCreation):
    pass
