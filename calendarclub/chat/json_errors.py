"""Errors as JSON for the page's script, which never gets an HTML page instead."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.csrf import csrf_failure as csrf_failure_page

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], Coroutine[Any, Any, HttpResponseBase]]


class RefusedError(Exception):
    """A request that is refused, with the sentence for the visitor."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status

    def response(self) -> JsonResponse:
        return JsonResponse({"error": str(self)}, status=self.status)


NOT_FOUND = RefusedError(
    HTTPStatus.NOT_FOUND, "This conversation does not exist, or it belongs to somebody else."
)
NOT_ALLOWED = RefusedError(
    HTTPStatus.METHOD_NOT_ALLOWED, "This address accepts only POST requests."
)
FORGED = RefusedError(
    HTTPStatus.FORBIDDEN,
    "This page has been open for too long. Reload it and send the message again.",
)


def errors_as_json(view: View[P]) -> View[P]:
    """Make an async view that accepts POST answer Http404 and RefusedError in JSON."""

    @wraps(view)
    async def wrapped(
        request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        if request.method != "POST":
            response = NOT_ALLOWED.response()
            response["Allow"] = "POST"
            return response
        try:
            return await view(request, *args, **kwargs)
        except Http404:
            return NOT_FOUND.response()
        except RefusedError as refusal:
            return refusal.response()

    return wrapped


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a request without a CSRF token: Django's page for a person, JSON for the script."""
    if "text/html" in request.headers.get("Accept", ""):
        return csrf_failure_page(request, reason)
    return FORGED.response()
