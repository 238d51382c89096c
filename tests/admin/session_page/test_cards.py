"""session_page.cards: a call and its output on one card."""

from __future__ import annotations

from django.test import SimpleTestCase

from tests.admin.session_page.shown_cards import USER, call, marks, output, shown


class PairTests(SimpleTestCase):
    """A call and its output."""

    def test_one_card(self) -> None:
        """Calls and their outputs are a card each, whatever stands between them."""
        found = shown(call(), call("book", "c2"), USER, output("b", "c2"), output("a"))

        self.assertEqual([card.title for card in found], ["search", "book", "User"])
        self.assertEqual([card.answers[0].text for card in found[:2]], ["a", "b"])
        self.assertEqual([card.answer_pk for card in found], [5, 4, None])
        self.assertEqual([raw.label for raw in found[0].raws], ["", "result"])

    def test_orphans(self) -> None:
        """A call without output and an output without call are marked."""
        [alone] = shown(call())
        [answer] = shown(output())

        self.assertEqual(marks(alone), ["no output was recorded"])
        self.assertEqual(marks(answer), ["no call was recorded for this output"])

    def test_pairs_across_windows(self) -> None:
        """A call whose output is nearby, but not shown, says where it is; so does an output."""
        [card] = shown(call(), after=[output()])
        [answer] = shown(output(), before=[call()])

        self.assertEqual((card.marks, card.elsewhere), ([], 2))
        self.assertEqual((answer.marks, answer.elsewhere), ([], 1))

    def test_unknown_neighbours(self) -> None:
        """Where rows nearby cannot be read, nothing is said that may be wrong."""
        [card] = shown(call(), after=["not JSON"])
        [answer] = shown(output(), before=["not JSON"])

        self.assertEqual(card.marks + answer.marks, [])

    def test_an_id_used_again(self) -> None:
        """Some models use an id again: an output belongs to the newest call."""
        found = shown(call("a"), output("1"), call("b"), output("2"))

        self.assertEqual([card.answers[0].text for card in found], ["1", "2"])

    def test_anonymous_search(self) -> None:
        """A search for tools may have no id."""
        search = {"type": "tool_search_call", "arguments": {}}
        found = shown(search, {"type": "tool_search_output", "tools": [{"name": "buy"}]})

        self.assertEqual([part.text for part in found[0].answers], ["buy"])

    def test_handoff(self) -> None:
        """A handoff is a line: who handed over to whom."""
        [card] = shown(
            call("transfer_to_booking"), output('{"assistant": "Booking"}'), agents={1: "Triage"}
        )

        self.assertEqual((card.face, card.agent, card.handed_to), ("handoff", "Triage", "Booking"))
        self.assertFalse(card.is_aside)

    def test_no_handoff(self) -> None:
        """Outputs that only look alike are outputs."""
        for text in ('{"assistant": 1}', '{"assistant": "a", "b": 1}', "[]", "{", "x" * 2_000, [1]):
            [card] = shown(call(), output(text))
            self.assertEqual(card.face, "tool", text)
