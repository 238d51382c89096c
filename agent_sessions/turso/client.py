from django.db.backends.base.client import BaseDatabaseClient
class DatabaseClient(BaseDatabaseClient):
    pass
