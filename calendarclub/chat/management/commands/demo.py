"""Set calendarclub up, hold a conversation with its agent, and serve both chat and admin.

What needs the Agents SDK is imported where it is used: it takes seconds.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import closing, suppress
from typing import Any
from uuid import uuid4

import uvicorn
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent_sessions import Session
from agent_sessions.transcript import entry
from calendarclub.chat.conversations import memory

HOST = "127.0.0.1"
ADMIN = "admin"
MESSAGES = [
    "I'd like to hear some live music.",
    "In the next 7 days, please.",
    "Only free ones.",
    "Something like the first one?",
]


class Command(BaseCommand):
    help = "Migrates, loads sample events, holds a conversation and serves the chat and the admin."
    # `migrate` checks the database itself, and there may be none before it.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="Where to serve (8000).")
        parser.add_argument(
            "--no-serve", action="store_true", help="End after the conversation; serve nothing."
        )

    def handle(self, *, port: int, no_serve: bool, **options: Any) -> None:
        # On Ctrl-C there is nothing to say: what was stored stays, and the next run goes on.
        with suppress(KeyboardInterrupt):
            if no_serve:
                self._show()
                return
            # Taken before the conversation, so that nobody waits for it in vain.
            with closing(_listener(port)) as listener:
                self._show()
                self._serve(listener)

    def _show(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("load_sample_events", stdout=self.stdout)
        admin = self._admin()
        asyncio.run(self._converse(admin))

    def _admin(self) -> User:
        """Return the administrator, made on the first run with a password that is shown once."""
        existing = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if existing is not None:
            name = existing.get_username()
            self.stdout.write(
                f"The admin account {name!r} exists. For a new password: "
                f"python manage.py changepassword {name}\n"
            )
            return existing
        # Somebody may have taken the name without being an administrator.
        is_taken = User.objects.filter(username=ADMIN).exists()
        name = f"{ADMIN}-{secrets.token_hex(2)}" if is_taken else ADMIN
        password = secrets.token_urlsafe(12)
        admin = User.objects.create_superuser(username=name, password=password)
        self.stdout.write("An admin account was made. Its password is shown this once:")
        self.stdout.write(self.style.SUCCESS(f"  user name {name}   password {password}\n"))
        return admin

    async def _converse(self, admin: User) -> None:
        """Hold a conversation that the administrator finds in the chat and in the admin."""
        from calendarclub.chat.agents import is_offline
        from calendarclub.chat.run_errors import explain

        if is_offline():
            self.stdout.write("OPENAI_API_KEY is not set: an offline model plays the agent.\n\n")
        session = await Session.objects.acreate(
            session_id=uuid4().hex, user=admin, title=MESSAGES[0]
        )
        try:
            for message in MESSAGES:
                await self._turn(session, message)
        except Exception as error:  # whatever the API does, the server is worth starting
            self.stderr.write(explain(error, session))
        remembered = len(await memory(session).get_items())
        self.stdout.write(f"The session {session.session_id} remembers {remembered} items.\n\n")

    async def _turn(self, session: Session, message: str) -> None:
        """Run one turn through the Runner and print it as it comes."""
        from agents import Runner

        from calendarclub.chat.agents import calendar_club, run_config

        self._print(self.style.SUCCESS(f"You: {message}\n"))
        remembered = memory(session)
        run = Runner.run_streamed(
            calendar_club(),
            message,
            context=session,
            session=remembered,
            run_config=run_config(),
        )
        async for event in run.stream_events():
            if event.type == "raw_response_event":
                if event.data.type == "response.output_text.delta":
                    self._print(event.data.delta)
            elif event.type == "run_item_stream_event" and event.item.type == "tool_call_item":
                call = entry(event.item.to_input_item()).text
                self._print(self.style.HTTP_NOT_MODIFIED(f"  {call}\n"))
        await remembered.record_run(run)
        self._print("\n\n")

    def _print(self, text: str) -> None:
        """Write `text` as it is and at once, in the middle of a line too."""
        self.stdout.write(text, ending="")
        self.stdout.flush()

    def _serve(self, listener: socket.socket) -> None:
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        self._print(f"Chat:  {address}/\nAdmin: {address}/admin/\nCtrl-C ends the server.\n")
        config = uvicorn.Config(
            "calendarclub.asgi:application",
            lifespan="off",
            log_level="warning",
            # An answer that is being streamed may take that long to end, and not longer.
            timeout_graceful_shutdown=3,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listener(port: int) -> socket.socket:
    """Take the port, or say that somebody else has it."""
    listener = socket.socket()
    # The port of a server that has just ended is free, whatever the system still waits for.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise CommandError(
            f"Port {port} cannot be served on ({error}). End what uses it, or choose another one: "
            "python manage.py demo --port 8001"
        ) from error
    return listener
