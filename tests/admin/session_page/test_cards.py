"""session_page.cards: a call and its output on one card."""

from __future__ import annotations

from django.test import SimpleTestCase

from tests.admin.session_page.shown_cards import USER, call, marks, output, shown


class PairTests(SimpleTestCase):
    """A call and its output."""

    def test_one_card(self) -> None:
        """A call and its output share a card, whatever is between them."""
        found = shown(call(), call("book", "c2"), USER, output("b", "c2"), output("a"))

        self.assertEqual([card.title for card in found], ["search", "book", "User"])
        self.assertEqual([card.answers[0].text for card in found[:2]], ["a", "b"])
        self.assertEqual([card.answer_pk for card in found], [5, 4, None])
        self.assertEqual([raw.label for raw in found[0].raws], ["", "result"])

    def test_orphans(self) -> None:
        """A call without an output and an output without a call are marked."""
        [alone] = shown(call())
        [answer] = shown(output())

        self.assertEqual(marks(alone), ["no output was recorded"])
        self.assertEqual(marks(answer), ["no call was recorded for this output"])

    def test_pairs_across_windows(self) -> None:
        """A card links to its call or output if that is outside the window."""
        [card] = shown(call(), after=[output()])
        [answer] = shown(output(), before=[call()])

        self.assertEqual((card.marks, card.elsewhere), ([], 2))
        self.assertEqual((answer.marks, answer.elsewhere), ([], 1))

    def test_unknown_neighbours(self) -> None:
        """Nothing is marked as missing if the neighbours cannot be read."""
        [card] = shown(call(), after=["not JSON"])
        [answer] = shown(output(), before=["not JSON"])

        self.assertEqual(card.marks + answer.marks, [])

    def test_an_id_used_again(self) -> None:
        """If a call id is used twice, an output belongs to the newest call."""
        found = shown(call("a"), output("1"), call("b"), output("2"))

        self.assertEqual([card.answers[0].text for card in found], ["1", "2"])

    def test_anonymous_search(self) -> None:
        """A tool search may have no call id."""
        search = {"type": "tool_search_call", "arguments": {}}
        found = shown(search, {"type": "tool_search_output", "tools": [{"name": "buy"}]})

        self.assertEqual([part.text for part in found[0].answers], ["buy"])

    def test_handoff(self) -> None:
        """A handoff names both agents."""
        [card] = shown(
            call("transfer_to_booking"), output('{"assistant": "Booking"}'), agents={1: "Triage"}
        )

        self.assertEqual((card.face, card.agent, card.handed_to), ("handoff", "Triage", "Booking"))
        self.assertFalse(card.is_aside)

    def test_no_handoff(self) -> None:
        """An output that only resembles a handoff is an output."""
        for text in ('{"assistant": 1}', '{"assistant": "a", "b": 1}', "[]", "{", "x" * 2_000, [1]):
            [card] = shown(call(), output(text))
            self.assertEqual(card.face, "tool", text)
