"""Errors of a run: a sentence for the visitor, and the details for the log."""

from __future__ import annotations

import logging

import openai
from agents.exceptions import MaxTurnsExceeded, ModelTimeoutError

from agent_sessions import Session, SessionDeletedError
from calendarclub.chat.conversations import log_label

logger = logging.getLogger("calendarclub.chat")

# The first class that matches is used: subclasses come before their base classes.
SENTENCES: list[tuple[type[Exception], str]] = [
    (
        SessionDeletedError,
        "This conversation was deleted before the answer was complete. Start a new conversation.",
    ),
    (ModelTimeoutError, "The language model took too long to answer. Try again in a moment."),
    (openai.APITimeoutError, "The language model took too long to answer. Try again in a moment."),
    (
        openai.APIConnectionError,
        "The language model cannot be reached at the moment. Your message is saved: try again.",
    ),
    (
        openai.AuthenticationError,
        "The language model does not accept this site's key. The site's administrator has to check "
        "OPENAI_API_KEY.",
    ),
    (
        openai.PermissionDeniedError,
        "This site's key may not use the language model. The site's administrator has to check the "
        "permissions of OPENAI_API_KEY.",
    ),
    (
        openai.NotFoundError,
        "This site's language model does not exist. The site's administrator has to check "
        "CALENDARCLUB_MODEL.",
    ),
    (
        openai.RateLimitError,
        "The language model is busy, or this site has reached its limit. Try again in a minute.",
    ),
    (
        openai.InternalServerError,
        "The language model had an internal error. Your message is saved: try again.",
    ),
    (
        MaxTurnsExceeded,
        "The answer took too many steps. Ask for something more specific, or try again.",
    ),
]
OTHERWISE = "Something went wrong. Your message is saved: try again."


def sentence_for(error: Exception, session: Session) -> str:
    """Return the sentence for the visitor, and log the details.

    The log names the session and its owner's primary key. It never quotes a key or a message.
    """
    if isinstance(error, SessionDeletedError):
        logger.info("A run was stopped in %s, which was deleted.", log_label(session))
    elif isinstance(error, openai.OpenAIError):
        # The API's message may quote the key, so the log identifies the request instead.
        logger.error(
            "A run failed in %s: %s, status %s, request %s.",
            log_label(session),
            type(error).__name__,
            getattr(error, "status_code", None),
            getattr(error, "request_id", None),
        )
    else:
        logger.error("A run failed in %s.", log_label(session), exc_info=error)
    return next((text for kind, text in SENTENCES if isinstance(error, kind)), OTHERWISE)
