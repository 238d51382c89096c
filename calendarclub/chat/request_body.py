"""The JSON that the page's script posts: a message, or a request to answer the last one again."""

from __future__ import annotations

import json
from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from calendarclub.chat.json_errors import RefusedError

MESSAGE_CHARACTERS = 8_000
TOO_LONG = f"The message is too long. The limit is {MESSAGE_CHARACTERS:,} characters."


def posted_message(request: HttpRequest) -> str | None:
    """Return the message, or None for {"retry": true}; raise RefusedError for anything else."""
    try:
        body = json.loads(request.body)
    except RequestDataTooBig as error:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG) from error
    except (ValueError, RecursionError) as error:
        raise _bad('The request is not JSON. Send {"message": "..."}.') from error
    if not isinstance(body, dict):
        raise _bad('The request is not a JSON object. Send {"message": "..."}.')
    if body.get("retry") is True:
        return None
    return _checked(body.get("message"))


def _checked(message: object) -> str:
    if not isinstance(message, str):
        raise _bad('The message is not text. Send {"message": "..."}.')
    if len(message) > MESSAGE_CHARACTERS:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG)
    if not message.strip():
        raise _bad("The message is empty. Write something first.")
    try:
        message.encode()
    except UnicodeEncodeError as error:
        raise _bad("The message contains half a character. Type it again.") from error
    return message


def _bad(sentence: str) -> RefusedError:
    return RefusedError(HTTPStatus.BAD_REQUEST, sentence)
