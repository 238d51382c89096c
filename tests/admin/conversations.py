"""Invented conversations for the screenshots and for axe-core."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from agent_sessions import Message, Session
from agent_sessions.items.codec import encode
from agent_sessions.items.columns import columns
from tests.admin.session_builder import (
    Step,
    answer,
    build_session,
    call,
    output,
    picture,
    thought,
    user,
)
from tests.sample_items import SAMPLES

CLUB, DESK = "Calendar Club", "Ticket Desk"
EVENTS = [
    {
        "id": number,
        "title": title,
        "start": f"2026-11-2{number}T20:00:00+01:00",
        "place": place,
        "price": price,
        "categories": ["music"],
    }
    for number, (title, place, price) in enumerate(
        [
            ("Jazz session: blue hour", "Cellar Nine, Waterhaven", 0),
            ("Open mic Tuesday", "The Copper Lantern, Waterhaven", 0),
            ("Sea shanties by candlelight", "Old Rope Works, Waterhaven", 7.5),
            ("String quartet in the market hall", "Market Hall, Lower Bridge", 12),
            ("Late organ", "St. Odo, Waterhaven", 0),
            ("Brass on the ferry", "Ferry 3, Waterhaven", 4),
        ],
        start=1,
    )
]
FOUND = """\
Of six I keep the **two that are free**:

1. *Jazz session: blue hour* · Tue 24 Nov, 21:00 · Cellar Nine
2. *Open mic Tuesday* · Tue 24 Nov, 20:00 · The Copper Lantern

| event | price | seats left |
|---|---:|---:|
| Jazz session | free | 14 |
| Open mic | free | 40 |

Shall I look for the weekend too? See [the programme](https://calendar.example/programme).
"""
FERRY = """\
It is **Brass on the ferry**, at *eight*.

```python
print("ahoy")
```

> Doors open at eight.
"""
FLYER = "data:text/plain;base64,RG9vcnMgYXQgODo="
RARE = [
    SAMPLES[name].item
    for name in SAMPLES
    if isinstance(SAMPLES[name].item, dict)
    and SAMPLES[name].columns[0] not in ("", "message", "function_call", "function_call_output")
]


def seed() -> None:
    """Store all conversations."""
    now = timezone.now().replace(microsecond=0)
    owners = [
        get_user_model().objects.create_user(name) for name in ("annelies", "mehmet", "priya")
    ]
    evening(now - timedelta(minutes=12), owner=owners[0])
    every_kind(now - timedelta(hours=2), owner=owners[1])
    long(now - timedelta(days=1))
    for number, (title, question, reply) in enumerate(TALKS * 3):
        moment = now - timedelta(hours=5 + 19 * number)
        owner = [*owners, None][number % 4]
        short(f"club-{number:03}", number, moment, owner, title, question, reply)
    Session.objects.fork("club-003", "club-003-again")
    Session.objects.fork("evening", "evening-with-food")
    Session.objects.create(session_id="just-opened")


def evening(start: datetime, *, owner: Any) -> None:
    """Store a typical conversation, with a handoff, which waits for an approval."""
    search = '{"words": "music", "start": "2026-11-24T19:00:00+01:00", "free_only": true}'
    steps = [
        Step([user("I'd like to hear some live music tonight. Free, if possible.")]),
        Step(
            [
                thought("**Time range.** Tonight is enough: search for music, free only."),
                call("search_events", search, "c1"),
            ],
            CLUB,
            (1_840, 1_024, 212, 128),
        ),
        Step([output(json.dumps({"events": EVENTS, "complete": True}), "c1")], CLUB, seconds=0.4),
        Step([answer(FOUND)], CLUB, (2_960, 1_792, 240, 0), seconds=4),
        Step([user("Two seats for the jazz session, please.")], seconds=75),
        Step([call("transfer_to_ticket_desk", "{}", "h1")], CLUB, (3_310, 2_816, 24, 0)),
        Step([output('{"assistant": "Ticket Desk"}', "h1")], CLUB, seconds=0.1),
        Step(
            [
                {
                    "type": "mcp_approval_request",
                    "id": "mcpr_1",
                    "name": "reserve_seats",
                    "server_label": "tickets",
                    "arguments": '{"event_id": 1, "seats": 2}',
                }
            ],
            DESK,
            (1_105, 0, 61, 0),
            "gpt-5",
        ),
    ]
    build_session(
        "evening", start, steps, user=owner, title="Live music tonight", metadata={"channel": "web"}
    )


def every_kind(start: datetime, *, owner: Any) -> None:
    """Store a conversation with every face of a card, whose last turn is incomplete."""
    photo = f"data:image/png;base64,{picture()}"
    question = user(
        "What is on this poster, and when does it begin?",
        {"type": "input_image", "image_url": photo},
        {"type": "input_image", "image_url": "https://images.example/poster.png"},
        {"type": "input_file", "filename": "flyer.txt", "file_data": FLYER},
    )
    looking = [
        thought("The poster shows a sunset over the sea.\n\nI search for *ferry* events."),
        {"type": "web_search_call", "id": "ws", "action": {"type": "search", "query": "ferry"}},
        call("search_events", '{"words": "ferry", "limit": 50}', "k1"),
        call("weather", '{"place": "Waterhaven"}', "k2"),
    ]
    looked = [output(json.dumps(EVENTS * 4), "k1"), output("12 degrees, a light breeze", "k2")]
    ferry = {"type": "url_citation", "url": "https://calendar.example/ferry", "title": "Ferry"}
    drawing = {
        "type": "image_generation_call",
        "id": "ig",
        "revised_prompt": "An evening at sea",
        "result": picture(),
    }
    refusal = {"type": "refusal", "refusal": "I can't use a card that isn't yours."}
    last = [
        output("An error occurred while running the tool. Please try again.", "k9"),
        output('{"late": true}', "of a call that is gone"),
        {"type": "telepathy", "thought": "They would like the late boat."},
        {"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": "gAAAAABpIw"},
        "not JSON, but the end of a line tha",
    ]
    steps = [
        Step([{"role": "system", "content": "The club is closed on Mondays."}]),
        Step([question]),
        Step(looking, CLUB, (4_210, 2_048, 388, 256)),
        Step(looked, CLUB, seconds=0.6),
        Step([answer(FERRY, ferry)], CLUB, (5_900, 4_096, 96, 0)),
        Step([user("Draw me an invitation, and work out what four tickets cost.")], seconds=40),
        Step([drawing], CLUB, (6_420, 5_120, 510, 64)),
        Step(RARE, CLUB, seconds=3),
        Step([answer("Four tickets are **16.00**.")], CLUB, (9_100, 7_168, 120, 0), "gpt-5"),
        Step([user("And put it on my neighbour's card.")], seconds=30),
        Step([{"role": "assistant", "content": [refusal]}], DESK, (9_400, 9_216, 20, 0), "gpt-5"),
        Step([user("Then ask the desk what else there is.")], seconds=20),
        Step([call("transfer_to_ticket_desk", "{}", "h1")], CLUB, (9_700, 9_216, 20, 0)),
        Step([output('{"assistant": "Ticket Desk"}', "h1")], DESK),
        Step([call("list_offers", '{"month": 11}', "k9")], DESK),
        Step(last, DESK),
        Step([user("Hello?")], seconds=300),
    ]
    build_session(
        "every-kind", start, steps, user=owner, title="A poster, an invitation, four tickets"
    )
    for role in ("user", "assistant"):
        Message.objects.create(
            session_id="every-kind", message_data="", kind="message", role=role, created_at=start
        )


def long(start: datetime, turns: int = 400) -> None:
    """Store a conversation longer than a window."""
    build_session(
        "season",
        start,
        [Step([user("Plan a whole season with me.")])],
        title="A whole season, evening by evening",
    )
    made = []
    for number in range(1, turns):
        question = user(f"And what is on evening {number} of the season?")
        event = EVENTS[number % 6]
        reply = answer(f"Evening {number}: **{event['title']}**, at {event['place']}.")
        found = [
            call("search_events", f'{{"evening": {number}}}', f"s{number}"),
            output(json.dumps(EVENTS[:1]), f"s{number}"),
        ]
        made += [(question, ""), *((item, CLUB) for item in (*found, reply))]
    store("season", start, made)


def short(
    session_id: str, number: int, start: datetime, owner: Any, title: str, question: str, reply: str
) -> None:
    """Store a conversation of one turn; every fifth has no answer."""
    steps = [
        Step([user(question)]),
        Step(
            [call("search_events", json.dumps({"words": title}), "c")],
            CLUB,
            (1_500 + 37 * number, 512, 90, 32),
        ),
        Step([output(json.dumps(EVENTS[: number % 5]), "c")], CLUB),
    ]
    if number % 5 != 4:
        model = "gpt-5" if number % 3 else "gpt-5-mini"
        agent = DESK if number % 4 == 1 else CLUB
        steps.append(
            Step([answer(reply)], agent, (2_100 + 91 * number, 1_024, 160 + number, 0), model)
        )
    build_session(session_id, start, steps, user=owner, title=title if number % 3 else "")


TALKS = [
    ("Comedy on Friday", "Is there any comedy on Friday?", "Yes: *Stand up, sit down* at nine."),
    (
        "With children",
        "What can we do on Sunday with two children of six and nine?",
        "The **puppet barge**, at two.",
    ),
    ("A walk", "Is there a guided walk this weekend?", "The tide walk, on Saturday at seven."),
    (
        "Refund",
        "The organ concert was called off. Who pays me back?",
        "The desk does, in five days.",
    ),
    (
        "Quiz night",
        "Where is a quiz night near the harbour?",
        "At the Copper Lantern, on Wednesday.",
    ),
    ("Next month", "What is on in December?", "Forty events. Which week would you like?"),
    ("Wheelchairs", "Which of these can I reach in a wheelchair?", "All but the cellar."),
    (
        "Late food",
        "Where do I still get food after the late organ?",
        "Ferry 3 serves soup until one.",
    ),
]


def store(session_id: str, start: datetime, items: list[tuple[Any, str]]) -> None:
    """Store many items at once, a few seconds apart."""
    Message.objects.bulk_create(
        Message(
            session_id=session_id,
            message_data=encode(item),
            created_at=start + timedelta(seconds=9 * number),
            agent_name=agent,
            **columns(item)._asdict(),
        )
        for number, (item, agent) in enumerate(items, start=1)
    )
