"""Create and remove test databases.

    "TEST": {"ADMIN_URL": "http://127.0.0.1:8081"}

lets a server with namespaces create them, and copy them for --parallel. On other servers,
TEST["NAME"] is the address of a database that tests may empty.
"""

from __future__ import annotations

import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError
from django.db.backends.base.creation import BaseDatabaseCreation

from agent_sessions.turso.driver.address import Address, address_of
from agent_sessions.turso.test_databases import EmptiedDatabase, Namespaces, with_label

if TYPE_CHECKING:
    from agent_sessions.turso.base import DatabaseWrapper


class DatabaseCreation(BaseDatabaseCreation):
    # On Django's base class: SQLite's is about files.

    connection: DatabaseWrapper

    def get_test_db_clone_settings(self, suffix: str) -> dict[str, Any]:
        settings = self.connection.settings_dict
        return {**settings, "NAME": self._relabelled(settings["NAME"], f"{{}}-{suffix}")}

    def test_db_signature(self) -> tuple[str, str]:  # type: ignore[override]  # as on SQLite
        # Django's for servers consists of HOST and PORT, which are in NAME here.
        return self.connection.settings_dict["NAME"], self._get_test_db_name()

    def _get_test_db_name(self) -> str:
        settings = self.connection.settings_dict
        if settings["TEST"]["NAME"]:
            return str(settings["TEST"]["NAME"])
        if not self._admin_url:
            raise ImproperlyConfigured(
                f"{self._where}['TEST'] has no database for tests. Write the address of one that "
                "they may erase into 'NAME', or the admin address of a libSQL server with "
                "--enable-namespaces into 'ADMIN_URL'."
            )
        return self._relabelled(settings["NAME"], "test-{}")

    def _create_test_db(self, verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:
        name = self._get_test_db_name()
        self._check_is_not_the_projects_own(name)
        database = self._address(name)
        exists = self._provision.exists(database)
        if exists and not keepdb:
            self._remove_old(name, verbosity, autoclobber)
        if not (exists and keepdb):
            self._provision.create(database)
        return name

    def _clone_test_db(self, suffix: str, verbosity: int, keepdb: bool = False) -> None:
        if not self._admin_url:
            raise NotSupportedError(
                "The test database cannot be copied for parallel tests. Leave out --parallel, or "
                f"write the admin address of a libSQL server into {self._where}['TEST']"
                "['ADMIN_URL']."
            )
        namespaces = Namespaces(self._admin_url)
        target = self._address(self.get_test_db_clone_settings(suffix)["NAME"])
        if namespaces.exists(target):
            if keepdb:
                return
            namespaces.remove(target)
        namespaces.copy(self.connection.address, target)

    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:
        self._provision.remove(self._address(test_database_name))

    def _get_database_display_str(self, verbosity: int, database_name: str) -> str:
        # The URL, because NAME may contain the token.
        shown = self._address(database_name).url
        text: str = super()._get_database_display_str(verbosity, shown)  # type: ignore[misc]  # not in the stubs
        return text

    def _remove_old(self, name: str, verbosity: int, autoclobber: bool) -> None:
        database = self._address(name)
        if not autoclobber:
            answer = input(
                "Type 'yes' if you would like to try deleting the test database "
                f"'{database.url}', or 'no' to cancel: "
            )
            if answer != "yes":
                self.log("Tests cancelled.")
                sys.exit(1)
        if verbosity >= 1:
            shown = self._get_database_display_str(verbosity, name)
            self.log(f"Destroying old test database for alias {shown}...")
        self._provision.remove(database)

    @property
    def _admin_url(self) -> str:
        return str(self.connection.settings_dict["TEST"].get("ADMIN_URL") or "")

    @property
    def _provision(self) -> Namespaces | EmptiedDatabase:
        return Namespaces(self._admin_url) if self._admin_url else EmptiedDatabase()

    @property
    def _where(self) -> str:
        return f"DATABASES[{self.connection.alias!r}]"

    def _address(self, name: str) -> Address:
        return address_of({**self.connection.settings_dict, "NAME": name}, self.connection.alias)

    def _check_is_not_the_projects_own(self, name: str) -> None:
        test, own = self._address(name), self.connection.address
        is_the_same = test.url == own.url
        # Without namespaces, a server on this machine has one database for all the machine's names.
        if not self._admin_url and test.port == own.port:
            is_the_same = is_the_same or (_is_this_machine(test) and _is_this_machine(own))
        if is_the_same:
            raise ImproperlyConfigured(
                f"{self._where}['TEST']['NAME'] is the address of the project's own database, "
                "which tests would erase. Write the address of another one, or the admin address "
                "of a libSQL server with --enable-namespaces into 'ADMIN_URL'."
            )

    def _relabelled(self, name: str, pattern: str) -> str:
        """Return NAME with another namespace, which is the first part of the host."""
        parts = urlsplit(name)
        host = with_label(parts.hostname or "", pattern)
        port = f":{parts.port}" if parts.port else ""
        return urlunsplit(parts._replace(netloc=host + port))


def _is_this_machine(database: Address) -> bool:
    try:
        number = ip_address(database.host)
    except ValueError:
        return database.host == "localhost" or database.host.endswith(".localhost")
    return number.is_loopback or number.is_unspecified
