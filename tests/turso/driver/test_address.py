"""Every way to write an address and its options, and the error for every mistake."""

from __future__ import annotations

import unittest
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from agent_sessions.turso.driver import dbapi
from agent_sessions.turso.driver.address import Address, address_of, hide_token


def read(name: Any = "libsql://shop.turso.io", **settings: Any) -> Address:
    return address_of({"NAME": name, **settings}, "default")


def read_options(name: str = "libsql://shop.turso.io", **options: Any) -> Address:
    return read(name, OPTIONS=options)


class AddressTests(unittest.TestCase):
    """Valid addresses and options."""

    def test_forms(self) -> None:
        """Every scheme of Turso's and HTTP's is an address that is reached by HTTP."""
        forms = {
            "libsql://shop.turso.io": "https://shop.turso.io:443",
            "https://shop.turso.io/": "https://shop.turso.io:443",
            "wss://shop.turso.io": "https://shop.turso.io:443",
            "LIBSQL://Shop.turso.io": "https://shop.turso.io:443",
            " libsql://shop.turso.io\n": "https://shop.turso.io:443",
            "http://127.0.0.1:8080": "http://127.0.0.1:8080",
            "ws://localhost": "http://localhost:80",
            "http://[::1]:8080": "http://[::1]:8080",
            "libsql://localhost:8080?tls=0": "http://localhost:8080",
            "libsql://localhost:8080?tls=1": "https://localhost:8080",
            "https://proxy.example/libsql/": "https://proxy.example:443/libsql",
        }
        for name, url in forms.items():
            with self.subTest(name=name):
                self.assertEqual(read(name).url, url)

    def test_defaults(self) -> None:
        """The defaults are the safe choices."""
        address = read()

        self.assertIsNone(address.auth_token)
        self.assertEqual(address.transaction_mode, "IMMEDIATE")
        self.assertEqual(
            address.writers, 1
        )  # with more a sqld may stop writing: tests/turso/load.py
        self.assertEqual((address.timeout_seconds, address.connect_timeout_seconds), (30, 5))

    def test_options(self) -> None:
        """Every option is read."""
        address = read_options(
            auth_token="token",
            connect_timeout=1,
            encryption_key="a2V5",
            pool_size=4,
            timeout=2.5,
            tls={"verify": False, "ca_certs": "ca.pem"},
            transaction_mode="deferred",
            writers=3,
            stream_hosts=[".example.com"],
        )

        self.assertEqual((address.auth_token, address.encryption_key), ("token", "a2V5"))
        self.assertEqual((address.timeout_seconds, address.connect_timeout_seconds), (2.5, 1))
        self.assertEqual((address.pool_size, address.transaction_mode), (4, "DEFERRED"))
        self.assertEqual((address.writers, address.stream_hosts), (3, (".example.com",)))
        self.assertEqual(address.tls, (("ca_certs", "ca.pem"), ("verify", False)))

    def test_token(self) -> None:
        """The token is in one of three places; white space around it is removed."""
        name = "libsql://shop.turso.io?authToken=from-name"

        self.assertEqual(read(name).auth_token, "from-name")
        self.assertEqual(read(name, PASSWORD="password\n").auth_token, "password")
        self.assertEqual(
            read(name, PASSWORD="password", OPTIONS={"auth_token": "option"}).auth_token, "option"
        )
        self.assertEqual(read_options(auth_token=str).auth_token, str)
        self.assertIsNone(read(PASSWORD=" ").auth_token)

    def test_password_that_is_not_a_token(self) -> None:
        """Django accepts any text as PASSWORD; connecting raises if it is not a token."""
        address = read(PASSWORD="wachtwoord é")

        with self.assertRaisesRegex(dbapi.OperationalError, "PASSWORD is not a token"):
            dbapi.connect(address)

    def test_repr(self) -> None:
        """The token and the key are not shown."""
        address = read(PASSWORD="secret", OPTIONS={"encryption_key": "secret"})

        self.assertNotIn("secret", repr(address))
        self.assertNotIn("secret", address.url)

    def test_hide_token(self) -> None:
        """The token moves from NAME to PASSWORD, unless there is one; the rest of NAME stays."""
        name = "libsql://shop.turso.io?authToken=secret&tls=0"
        for password, expected in (("", "secret"), ("other", "other")):
            settings = {"NAME": name, "PASSWORD": password}
            hide_token(settings)
            self.assertEqual(settings["NAME"], "libsql://shop.turso.io?tls=0")
            self.assertEqual(settings["PASSWORD"], expected)

    def test_nothing_to_hide(self) -> None:
        """Every other NAME stays as it is, invalid ones too."""
        for name in (None, 7, "", "libsql://shop.turso.io", "http://[?authToken=secret"):
            settings = {"NAME": name}
            hide_token(settings)
            self.assertEqual(settings, {"NAME": name})


class MistakeTests(unittest.TestCase):
    """Errors about invalid ones."""

    def assert_says(self, sentence: str, name: Any = "libsql://shop.turso.io", **more: Any) -> None:
        with self.subTest(name=name, **more), self.assertRaises(ImproperlyConfigured) as caught:
            read(name, **more)
        self.assertIn(sentence, str(caught.exception))
        self.assertTrue(str(caught.exception).startswith("DATABASES['default']['"))
        self.assertNotIn("secret", str(caught.exception))

    def test_names(self) -> None:
        """An invalid NAME raises an error that says what is wrong and shows a valid one."""
        for name, problem in {
            "": "is missing",
            None: "is missing",
            7: "is not a str",
            "shop.turso.io": "has no libsql:// before the host",
            "/var/lib/db.sqlite3": "has no libsql:// before the host",
            "file:///db": "begins with 'file'",
            "postgres://shop": "begins with 'postgres'",
            "libsql://": "has no host",
            "libsql://:8080": "has no host",
            "http://[::1": "is not a valid address",
            "http://host:port": "is not a valid address",
            "libsql://secret@shop.turso.io": "has a user name",
            "libsql://user:secret@shop.turso.io": "has a user name",
            "libsql://shop.turso.io?token=secret": "has the parameter 'token'",
        }.items():
            self.assert_says(problem, name)
            self.assert_says("'libsql://my-database-my-organisation.turso.io'", name)

    def test_options(self) -> None:
        """An invalid option raises an error that says what it must be."""
        for options, sentence in [
            ({"database": "x"}, "has 'database', which this engine does not know"),
            ({"auth_token": 7}, "['auth_token'] must be a str, or a function"),
            ({"auth_token": "secret\nsecret"}, "printable ASCII characters"),
            ({"auth_token": "secrét"}, "printable ASCII characters"),
            ({"encryption_key": b"secret"}, "the key in base64, as a str"),
            ({"encryption_key": "secret\n"}, "the key in base64, as a str"),
            ({"timeout": 0}, "a number of seconds above 0, such as 30"),
            ({"timeout": "5"}, "a number of seconds above 0"),
            ({"timeout": True}, "a number of seconds above 0"),
            ({"timeout": float("nan")}, "a number of seconds above 0"),
            ({"timeout": float("inf")}, "a number of seconds above 0"),
            ({"connect_timeout": -1}, "a number of seconds above 0, such as 5"),
            ({"pool_size": 0}, "a whole number above 0"),
            ({"pool_size": True}, "a whole number above 0"),
            ({"pool_size": 1.5}, "a whole number above 0"),
            ({"writers": 0}, "a whole number above 0"),
            ({"stream_hosts": ".example.com"}, "a list of host names, such as ['.example.com']"),
            ({"stream_hosts": [""]}, "a list of host names"),
            ({"stream_hosts": [7]}, "a list of host names"),
            ({"tls": True}, "a dict with any of 'ca_certs'"),
            ({"tls": {"ca": "x"}}, "a dict with any of 'ca_certs'"),
            ({"tls": {"verify": "no"}}, "a dict whose 'verify' is True or False"),
        ]:
            self.assert_says(sentence, OPTIONS=options)

    def test_transaction_mode(self) -> None:
        """An unknown mode raises the error of Django's SQLite backend."""
        for mode in ("fast", 1):
            with self.assertRaises(ImproperlyConfigured) as caught:
                read_options(transaction_mode=mode)
            self.assertIn(f"improperly configured to {mode!r}. Use one of", str(caught.exception))

    def test_tls_without_tls(self) -> None:
        """TLS options for an HTTP address are an error."""
        self.assert_says(
            "NAME asks for HTTP", "http://localhost", OPTIONS={"tls": {"verify": True}}
        )
