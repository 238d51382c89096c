"""The input that a scripted model was called with."""

from __future__ import annotations

from agents.testing import ScriptedModel

from agent_sessions.items import Item


def last_input(model: ScriptedModel) -> list[Item]:
    """Return the items of the model's last call."""
    assert model.last_call is not None
    assert not isinstance(model.last_call.input, str)
    return list(model.last_call.input)
