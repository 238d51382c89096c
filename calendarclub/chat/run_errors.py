"""What to tell a visitor when a run has failed, and what to tell the log."""

from __future__ import annotations

import logging

import openai
from agents.exceptions import MaxTurnsExceeded, ModelTimeoutError

from agent_sessions import Session, SessionDeletedError
from calendarclub.chat.conversations import where

logger = logging.getLogger("calendarclub.chat")

# The first class that fits is taken, so the special ones stand before the general ones.
SENTENCES: list[tuple[type[Exception], str]] = [
    (
        SessionDeletedError,
        "This conversation was deleted before the answer was complete. Begin a new one to go on.",
    ),
    (ModelTimeoutError, "The language model took too long to answer. Try again in a moment."),
    (openai.APITimeoutError, "The language model took too long to answer. Try again in a moment."),
    (
        openai.APIConnectionError,
        "The language model cannot be reached at the moment. Your message is kept: try again.",
    ),
    (
        openai.AuthenticationError,
        "The language model does not accept this site's key. Whoever runs the site has to check "
        "OPENAI_API_KEY; then try again.",
    ),
    (
        openai.PermissionDeniedError,
        "This site's key may not use the language model. Whoever runs the site has to check what "
        "OPENAI_API_KEY is allowed to do; then try again.",
    ),
    (
        openai.NotFoundError,
        "The language model that this site asks for does not exist. Whoever runs the site has to "
        "check CALENDARCLUB_MODEL; then try again.",
    ),
    (
        openai.RateLimitError,
        "The language model is busy, or this site has used up its share. Try again in a minute.",
    ),
    (
        openai.InternalServerError,
        "The language model has a problem of its own. Your message is kept: try again.",
    ),
    (
        MaxTurnsExceeded,
        "That took more steps than an answer may take. Ask for something narrower, or try again.",
    ),
]
OTHERWISE = "Something went wrong while answering. Your message is kept: try again."


def explain(error: Exception, session: Session) -> str:
    """Return the sentence for the page; the details go to the log.

    The log names the session and its owner's primary key, and never quotes a key or a message.
    """
    if isinstance(error, SessionDeletedError):
        logger.info("A run was stopped in %s, which was deleted.", where(session))
    elif isinstance(error, openai.OpenAIError):
        # The API's own words may quote the key, so the log identifies the request instead.
        logger.error(
            "A run failed in %s: %s, status %s, request %s.",
            where(session),
            type(error).__name__,
            getattr(error, "status_code", None),
            getattr(error, "request_id", None),
        )
    else:
        logger.error("A run failed in %s.", where(session), exc_info=error)
    return next((text for kind, text in SENTENCES if isinstance(error, kind)), OTHERWISE)
