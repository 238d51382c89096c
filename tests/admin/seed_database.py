"""Fill a new database for a server: `python -m tests.admin.seed_database conversations hostile`.

Prints a JSON object of the users' session cookies, by user name.
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402  # all of these need the registry of apps
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.models import AbstractBaseUser, Permission, User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from agent_sessions import Session  # noqa: E402
from agent_sessions.items.reported_errors import TOOL_FAILED  # noqa: E402
from tests.admin import conversations, hostile_corpus  # noqa: E402
from tests.admin.session_builder import answer, call, output, user  # noqa: E402


def every_entry() -> None:
    """Store the whole corpus as one session, and sessions with hostile fields for the list."""
    for name, entry in hostile_corpus.FACTS.items():
        hostile_corpus.store(name, entry)
    hostile_corpus.store_all("hostile")


def twenty_thousand() -> None:
    """Store a session of 20,000 messages, 5,000 turns, in a few queries."""
    made = []
    for number in range(1, 5_001):
        turn = [user(f"question {number}"), call("search", "{}", f"c{number}")]
        found = f"{TOOL_FAILED}." if number == 2_500 else "[]"
        made += [*turn, output(found, f"c{number}"), answer(f"answer {number}")]
    Session.objects.create(session_id="long", title="A long one")
    conversations.store("long", timezone.now(), [(item, "Calendar Club") for item in made])


SEEDS = {
    "conversations": conversations.seed,
    "hostile": every_entry,
    "long": twenty_thousand,
}


def people() -> dict[str, str]:
    """Create the users, and return the cookie of each."""
    root = User.objects.create_superuser("root", password="root")
    lister = User.objects.create_user("lister", is_staff=True)
    ours = Permission.objects.filter(content_type__app_label="agent_sessions")
    lister.user_permissions.set(ours.filter(codename="view_session"))
    return {person.get_username(): cookie_of(person) for person in (root, lister)}


def cookie_of(person: AbstractBaseUser) -> str:
    """Log a user in, and return the session cookie."""
    store = SessionStore()
    store[SESSION_KEY] = str(person.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = person.get_session_auth_hash()
    store.save()
    return str(store.session_key)


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    with transaction.atomic():
        cookies = people()
        for name in sys.argv[1:]:
            SEEDS[name]()
    json.dump(cookies, sys.stdout)
