"""session_page.titles, session_page.card_content: the face, title and content of a card."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase

from agent_sessions.admin.session_page.card import MessageCard
from agent_sessions.admin.session_page.cards import cards
from agent_sessions.admin.session_page.window import StoredText, Window
from agent_sessions.items.reported_errors import NOT_APPROVED, TOOL_FAILED
from tests.admin.session_page.shown_cards import USER, call, marks, output, shown
from tests.admin.windows import row, window_of
from tests.contract import STRANGE_ITEMS
from tests.sample_items import SAMPLES


class FaceTests(SimpleTestCase):
    """The face and content of each kind."""

    def test_every_kind(self) -> None:
        """Every kind has a face, a title and its content."""
        found = {
            name: card
            for name, sample in SAMPLES.items()
            for card in shown(sample.item, after=[sample.item])
        }

        faces = {name: card.face for name, card in found.items()}
        self.assertEqual(faces["a user's words"], "user")
        self.assertEqual(faces["an answer"], "assistant")
        self.assertEqual(faces["reasoning"], "reasoning")
        self.assertEqual(faces["leave asked for"], "approval")
        self.assertEqual(faces["a compaction"], "note")
        self.assertEqual(faces["an envelope of EncryptedSession"], "note")
        self.assertEqual(faces["a kind from the future"], "other")
        self.assertEqual(faces["a web search"], "tool")
        for name, card in found.items():
            said = " ".join(f"{part.text} {part.label}" for part in (*card.parts, *card.answers))
            is_told = SAMPLES[name].text.split("\n")[0] in f"{card.title} {said}"
            is_marked = card.marks or card.face == "note" or "[" in SAMPLES[name].text
            self.assertTrue(is_told or is_marked or "(" in SAMPLES[name].text, name)

    def test_speakers(self) -> None:
        """The title of an agent's message is its name; of other messages, the role."""
        [known] = shown({"role": "assistant", "content": "Hi"}, agents={1: "Clerk"})
        titles = [
            card.title
            for role in ("assistant", "developer", "system", "user", "critic", "")
            for card in shown({"role": role, "type": "message", "content": "Hi"})
        ]

        self.assertEqual(known.title, "Clerk")
        self.assertEqual(titles, ["Assistant", "Developer", "System", "User", "critic", "Message"])

    def test_aside(self) -> None:
        """Cards that can be hidden are marked as asides."""
        asides = [
            card.is_aside
            for item in (USER, call(), SAMPLES["reasoning"].item, {"role": "system"})
            for card in shown(item)
        ]

        self.assertEqual(asides, [False, True, True, True])

    def test_names(self) -> None:
        """The title is the tool's name, with its server if it has one, or a hosted tool's kind."""
        names = ("a function call", "a server's tool called", "a web search", "tools found")
        found = [
            (card.title, card.is_named) for name in names for card in shown(SAMPLES[name].item)
        ]

        expected = [("search", True), ("tickets: buy", True), ("Web search", False)]
        self.assertEqual(found, [*expected, ("Tool search output", False)])

    def test_places_of_tools(self) -> None:
        """The title has the namespace of a tool, and the server of one that needs approval."""
        [tool] = shown(call("find") | {"namespace": "crm"})
        [request] = shown(SAMPLES["leave asked for"].item | {"server_label": "shop"})

        self.assertEqual([tool.title, request.title], ["crm.find", "Approval requested: shop: buy"])
        self.assertEqual([part.label for part in (*tool.parts, *request.parts)], ["Arguments"])

    def test_names_that_are_cut(self) -> None:
        """A role, name or decision that does not fit in the title is among the parts."""
        long = "x" * 300
        found = shown(
            {"role": long, "content": "Hi"},
            call(long),
            SAMPLES["leave asked for"].item | {"name": long},
            {"type": "mcp_approval_response", "approve": "maybe"},
        )

        lines = [[*card.parts, *card.answers][-1].text for card in found]
        self.assertEqual(
            lines, [f"role: {long}", f"name: {long}", f"name: {long}", "approve: maybe"]
        )

    def test_messages_of_others(self) -> None:
        """A message without content shows its other values, or nothing."""
        [other] = shown({"role": "assistant", "tool_calls": [{"id": 1}]})
        [empty] = shown({"role": "assistant", "content": ""})

        self.assertIn("tool_calls", other.parts[0].text)
        self.assertEqual(empty.parts, [])

    def test_hidden_reasoning(self) -> None:
        """Reasoning that the model hides is marked."""
        [card] = shown({"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"})

        self.assertEqual((card.parts, marks(card)), ([], ["hidden by the model"]))

    def test_approvals(self) -> None:
        """An approval request and its response share a card with the decision and the reason."""
        request, refused = SAMPLES["leave asked for"].item, SAMPLES["leave refused"].item
        [given] = shown(request, SAMPLES["leave given"].item)
        [declined] = shown(request, refused)
        [open_] = shown(request)

        self.assertEqual((marks(given), given.title), (["approved"], "Approval requested: buy"))
        self.assertEqual((marks(declined), declined.answers[0].text), (["declined"], "too dear"))
        self.assertEqual(marks(open_), ["not answered"])

    def test_reference_without_an_id(self) -> None:
        """A reference without a valid id shows nothing."""
        [card] = shown({"type": "item_reference", "id": 1})

        self.assertEqual(card.parts, [])

    def test_envelopes(self) -> None:
        """An envelope shows nothing; an item of the type "encrypted" is shown."""
        [envelope] = shown({"__enc__": 1, "payload": "gAAAA", "novel": "x"})
        [other] = shown({"type": "encrypted", "novel": "x"})

        self.assertEqual((envelope.parts, other.parts[0].text), ([], "novel: x"))

    def test_refusal(self) -> None:
        """A refusal is marked."""
        [card] = shown(SAMPLES["a refusal"].item)

        self.assertEqual(marks(card), ["refusal"])


class FaultTests(SimpleTestCase):
    """Marks of faults."""

    def test_faults(self) -> None:
        """A failed status, an error and a declined approval are marked."""
        cases: list[tuple[Any, list[str]]] = [
            (output(status="failed"), ["failed"]),
            (output(status="incomplete", error="x"), ["incomplete", "error"]),
            (output(status=["failed"]), []),
            (output(f"{TOOL_FAILED}. Please try again."), ["error"]),
            (output(NOT_APPROVED), ["not approved"]),
        ]
        for item, expected in cases:
            [card] = shown(call(), item)
            self.assertEqual(marks(card), expected)

    def test_commands(self) -> None:
        """A command that failed is marked with its exit code or time-out."""
        outcomes: list[Any] = [{"type": "exit", "exit_code": 2}, {"type": "timeout"}, None]
        outcomes += [{"type": "exit", "exit_code": 0}]
        outputs = [{"stdout": "", "outcome": outcome} for outcome in outcomes]
        shell = {"type": "shell_call", "call_id": "c1", "action": {"commands": ["ls"]}}
        [card] = shown(
            shell, {"type": "shell_call_output", "call_id": "c1", "output": [*outputs, "x"]}
        )

        self.assertEqual(marks(card), ["exit code 2", "timed out"])


class StateTests(SimpleTestCase):
    """Damaged, purged and long rows."""

    def test_unreadable(self) -> None:
        """A damaged row shows its text."""
        [card] = shown("not \x00 JSON")

        self.assertEqual((card.title, card.parts[0].text), ("Unreadable", "not ⟨U+0000⟩ JSON"))

    def test_purged(self) -> None:
        """A purged row is marked as such, even if content may not be read."""
        for may_read in (True, False):
            window = window_of([call(), output()])
            window.texts[1] = StoredText("", 0)
            [card] = cards(window, may_read=may_read)
            self.assertEqual((card.title, card.parts, marks(card)), ("search", [], ["purged"]))

    def begun(self, item: Any, text: str) -> MessageCard:
        window = Window([row(1, item)], [], [], {1: StoredText(text, 9_000_000)}, 1)
        [card] = cards(window, may_read=True)
        self.assertIn("too long to show in full", marks(card))
        self.assertEqual(card.size, 9_000_000)
        return card

    def test_many_parts(self) -> None:
        """The first 100 parts of a message are shown, and the last one is marked as cut."""
        [card] = shown({"role": "user", "content": [{"type": "input_text", "text": "Hi"}] * 500})

        self.assertEqual((len(card.parts), card.parts[-1].is_cut), (100, True))

    def test_too_long(self) -> None:
        """A long item shows its beginning."""
        said = self.begun(USER, '{"role": "user", "content": "so it beg')
        raw = self.begun(USER, '{"role": "user')

        self.assertEqual(
            (said.face, said.parts[0].text, said.parts[-1].is_cut), ("user", "so it beg", True)
        )
        self.assertEqual((raw.parts[0].text, raw.parts[-1].is_cut), ('{"role": "user', True))
        self.assertEqual(self.begun(USER, "x").parts[0].text, "x")

    def test_long_image(self) -> None:
        """A long image is an attachment with its full size."""
        text = (
            '{"content": [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgoA'
        )
        card = self.begun(USER, text)
        attachment = card.parts[0].attachment
        assert attachment is not None

        self.assertEqual((attachment.image_type, attachment.size), ("image/png", 6_750_000))
        self.assertFalse(card.parts[-1].is_cut)

    def test_strange_items(self) -> None:
        """Every item has a card, whatever it contains."""
        self.assertEqual(len(shown(*STRANGE_ITEMS, ["words"], 1)), len(STRANGE_ITEMS) + 2)

    def test_without_permission(self) -> None:
        """Without the permission to read, cards have kinds, names and sizes, but no content."""
        window = window_of([USER, call(), output("secret")], agents={2: "Clerk"})
        found = cards(window, may_read=False)

        self.assertEqual(
            [(card.title, card.agent) for card in found], [("User", ""), ("search", "Clerk")]
        )
        self.assertEqual([card.parts + card.answers for card in found], [[], []])
        self.assertTrue(all(card.size for card in found))
