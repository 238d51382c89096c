"""Tokens: their three places, their rotation, and the errors about wrong ones."""

from __future__ import annotations

import datetime
import tempfile
import unittest

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.db import OperationalError

from agent_sessions.turso.driver.dbapi import InDoubtError
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.proxy import Proxy
from tests.turso.server import Server, missing

PEM = serialization.Encoding.PEM
HOUR = datetime.timedelta(hours=1)


class Mint:
    """A key that signs tokens, and the option with which a server accepts them."""

    def __init__(self) -> None:
        self.key = ed25519.Ed25519PrivateKey.generate()
        public = self.key.public_key().public_bytes(
            PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.file = tempfile.NamedTemporaryFile(suffix=".pem")  # noqa: SIM115  # as long as this
        self.file.write(public)
        self.file.flush()
        self.option = f"--auth-jwt-key-file={self.file.name}"

    def token(self, *, access: str = "rw", lasts: datetime.timedelta = HOUR) -> str:
        claims = {"a": access, "exp": datetime.datetime.now(datetime.UTC) + lasts}
        return jwt.encode(claims, self.key, algorithm="EdDSA")


@unittest.skipIf(missing(), missing())
class TokenTests(WireTestCase):
    """A server that requires tokens."""

    server: Server
    mint: Mint

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.mint = Mint()
        cls.addClassCleanup(cls.mint.file.close)
        cls.server = cls.enterClassContext(Server(cls.mint.option))
        with connected(cls.server.create("shop"), password=cls.mint.token()) as connection:
            run(connection, "CREATE TABLE rows (id integer PRIMARY KEY)")

    def setUp(self) -> None:
        self.proxy = self.enterContext(Proxy(self.server.port))
        self.url = self.proxy.url("shop")

    def test_three_places(self) -> None:
        """PASSWORD, OPTIONS["auth_token"] and ?authToken= in NAME all work."""
        token = self.mint.token()
        for url, settings in [
            (self.url, {"password": token}),
            (self.url, {"auth_token": token}),
            (f"{self.url}?authToken={token}", {}),
        ]:
            with connected(url, **settings) as connection:
                self.assertEqual(run(connection, "SELECT 1"), [(1,)])

    def test_rotation(self) -> None:
        """A function is called once, and again when the server refuses the token."""
        tokens = [self.mint.token(lasts=-HOUR), self.mint.token()]
        asked: list[str] = []

        def next_token() -> str:
            asked.append(tokens[len(asked)])
            return asked[-1]

        with connected(self.url, auth_token=next_token) as connection:
            for _ in range(3):
                run(connection, "INSERT INTO rows DEFAULT VALUES")

        self.assertEqual(asked, tokens)
        self.assertEqual(len(self.proxy.requests), 4)

    def test_rotation_that_fails(self) -> None:
        """A function that returns another wrong token is called once more for a request."""
        asked = []

        def old_token() -> str:
            asked.append(1)
            return self.mint.token(lasts=-HOUR)

        with (
            connected(self.url, auth_token=old_token) as connection,
            self.assertRaisesMessage(OperationalError, "answered 401"),
        ):
            run(connection, "SELECT 1")

        self.assertEqual(len(asked), 2)

    def test_function_without_a_token(self) -> None:
        """A return value that is not a token is not sent."""
        for wrong in (None, "", 7, "line\nline", "secr\u00e9t"):
            with connected(self.url, auth_token=lambda wrong=wrong: wrong) as connection:
                with self.subTest(wrong=wrong), self.assertRaises(OperationalError) as caught:
                    run(connection, "SELECT 1")
                self.assertIn("did not return a token", str(caught.exception))

        self.assertEqual(self.proxy.requests, [])

    def test_wrong_token(self) -> None:
        """A missing or wrong token raises an error that names the settings."""
        for token in ("", self.mint.token(lasts=-HOUR), Mint().token(), "secret"):
            with (
                connected(self.url, password=token) as connection,
                self.assertRaises(OperationalError) as caught,
            ):
                run(connection, "INSERT INTO rows DEFAULT VALUES")
            self.assertIn("set PASSWORD or OPTIONS['auth_token']", str(caught.exception))
            self.assertNotIsInstance(caught.exception.__cause__, InDoubtError)
            self.assertTrue(not token or token not in str(caught.exception))

    def test_token_that_may_only_read(self) -> None:
        """It reads; a write raises an error that says so."""
        with connected(self.url, password=self.mint.token(access="ro")) as connection:
            self.assertEqual(run(connection, "SELECT 1"), [(1,)])
            with self.assertRaises(OperationalError) as caught:
                run(connection, "INSERT INTO rows DEFAULT VALUES")
            self.assertEqual(run(connection, "SELECT 1"), [(1,)])

        self.assertNotIsInstance(caught.exception.__cause__, InDoubtError)
        self.assertRegex(str(caught.exception), "(?i)does not allow|not authorized|blocked|write")
