"""Set up calendarclub, run a conversation with its agent, and serve the chat and the admin.

The Agents SDK takes seconds to import, so modules that need it are imported in functions.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import uvicorn
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent_sessions import Session
from agent_sessions.transcript import entry

if TYPE_CHECKING:
    from agents import StreamEvent

HOST = "127.0.0.1"
ADMIN = "admin"
MESSAGES = [
    "I'd like to hear some live music.",
    "In the next 7 days, please.",
    "Only free ones.",
    "Something like the first one?",
]


class Command(BaseCommand):
    help = (
        "Migrates, loads sample events, runs a conversation with the agent, and serves the chat "
        "and the admin."
    )
    # `migrate` runs the checks, and before it there may be no database.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="The port of the server (default: 8000)."
        )
        parser.add_argument(
            "--no-serve", action="store_true", help="Exit after the conversation, without a server."
        )

    def handle(self, *, port: int, no_serve: bool, **options: Any) -> None:
        # Ctrl-C is the normal end. What is stored stays, and the next run continues from it.
        with suppress(KeyboardInterrupt):
            if no_serve:
                self._show()
                return
            # A port that is in use is reported before the conversation, which takes a while.
            with closing(_listener(port)) as listener:
                self._show()
                self._serve(listener)

    def _show(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("load_sample_events", stdout=self.stdout)
        admin = self._admin()
        asyncio.run(self._converse(admin))

    def _admin(self) -> User:
        """Return the administrator. The first run creates one and prints its password."""
        existing = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if existing is not None:
            name = existing.get_username()
            self.stdout.write(
                f"The admin account {name!r} exists. For a new password: "
                f"python manage.py changepassword {name}\n"
            )
            return existing
        # The name may belong to a user who is not an administrator.
        is_taken = User.objects.filter(username=ADMIN).exists()
        name = f"{ADMIN}-{secrets.token_hex(2)}" if is_taken else ADMIN
        password = secrets.token_urlsafe(12)
        admin = User.objects.create_superuser(username=name, password=password)
        self.stdout.write("An admin account was created. Its password is not shown again:")
        self.stdout.write(self.style.SUCCESS(f"  user name {name}   password {password}\n"))
        return admin

    async def _converse(self, admin: User) -> None:
        """Run a conversation that belongs to the administrator, and print it."""
        from calendarclub.chat.agents import is_offline
        from calendarclub.chat.run_errors import sentence_for

        if is_offline():
            self.stdout.write("OPENAI_API_KEY is not set: an offline model answers.\n\n")
        session = await Session.objects.acreate(
            session_id=uuid4().hex, user=admin, title=MESSAGES[0]
        )
        try:
            for message in MESSAGES:
                await self._turn(session, message)
        except Exception as error:  # an API that fails is no reason not to serve
            self.stderr.write(sentence_for(error, session))
        remembered = len(await Session.objects.aitems(session.session_id))
        self.stdout.write(f"The session {session.session_id} remembers {remembered} items.\n\n")

    async def _turn(self, conversation: Session, message: str) -> None:
        """Run one turn and print it while it is streamed."""
        from agents import Runner

        from agent_sessions import DjangoSession
        from calendarclub.chat.agents import calendar_club, run_config

        self._print(self.style.SUCCESS(f"You: {message}\n"))
        session = DjangoSession(conversation.session_id, user=conversation.user)
        run = Runner.run_streamed(
            calendar_club(),
            message,
            context=conversation,
            session=session,
            run_config=run_config(),
        )
        async for event in run.stream_events():
            self._print_event(event)
        await session.record_run(run)
        self._print("\n\n")

    def _print_event(self, event: StreamEvent) -> None:
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            self._print(event.data.delta)
        elif event.type == "run_item_stream_event" and event.item.type == "tool_call_item":
            call = entry(event.item.to_input_item()).text
            self._print(self.style.HTTP_NOT_MODIFIED(f"  {call}\n"))

    def _print(self, text: str) -> None:
        """Write `text` at once, without a line break."""
        self.stdout.write(text, ending="")
        self.stdout.flush()

    def _serve(self, listener: socket.socket) -> None:
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        self._print(f"Chat:  {address}/\nAdmin: {address}/admin/\nCtrl-C ends the server.\n")
        config = uvicorn.Config(
            "calendarclub.asgi:application",
            lifespan="off",
            log_level="warning",
            # How many seconds an answer that is being streamed has to end.
            timeout_graceful_shutdown=3,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listener(port: int) -> socket.socket:
    """Listen on the port, or raise a CommandError that says what to do."""
    listener = socket.socket()
    # Otherwise the port of a server that has just ended counts as in use for a minute.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise CommandError(
            f"Port {port} cannot be used ({error}). Stop the program that uses it, or choose "
            "another port: python manage.py demo --port 8001"
        ) from error
    return listener
