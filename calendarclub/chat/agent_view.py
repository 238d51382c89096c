"""The view that runs the agent: it answers one message and streams the answer.

urls.py reaches it through views.py, because the Agents SDK takes seconds to import and manage.py
imports the URLs for its checks.
"""

from __future__ import annotations

from agents import Runner, RunResultStreaming
from django.http import HttpRequest, HttpResponseBase

from agent_sessions import DjangoSession, release_connections
from calendarclub.chat.agents import calendar_club, run_config
from calendarclub.chat.conversations import check_unanswered, get_conversation_or_404, set_title
from calendarclub.chat.event_stream import event_stream
from calendarclub.chat.json_errors import errors_as_json
from calendarclub.chat.request_body import posted_message


@errors_as_json
async def answer(request: HttpRequest, session_id: str) -> HttpResponseBase:
    """Run one turn of the conversation and stream it as server-sent events."""
    conversation = await get_conversation_or_404(request, session_id)
    session = DjangoSession(session_id, user=conversation.user)
    message = posted_message(request)
    if message is None:  # the visitor tries again: the message is in the session already
        await check_unanswered(conversation)
    else:
        await set_title(conversation, message)

    async def run() -> RunResultStreaming:
        await release_connections()  # otherwise they stay open while the model answers
        return Runner.run_streamed(
            calendar_club(),
            message or [],
            context=conversation,
            session=session,
            run_config=run_config(),
        )

    return event_stream(run, record=session.record_run, conversation=conversation)
