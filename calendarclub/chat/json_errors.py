"""Requests that get no stream: what was wrong, with its status, as JSON for the page's script."""

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
    """A request that cannot be served; its text is the sentence for the visitor."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status

    def response(self) -> JsonResponse:
        return JsonResponse({"error": str(self)}, status=self.status)


NOT_FOUND = RefusedError(
    HTTPStatus.NOT_FOUND, "There is no such conversation here, or it is somebody else's."
)
NOT_ALLOWED = RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "This address takes POST requests only.")
FORGED = RefusedError(
    HTTPStatus.FORBIDDEN, "This page has been open for too long. Reload it, then send again."
)


def refusing_in_json(view: View[P]) -> View[P]:
    """Let an asynchronous view for the page's script refuse in JSON, never with a page."""

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
    """Refuse a forged request: a person gets Django's page, the page's script JSON."""
    if "text/html" in request.headers.get("Accept", ""):
        return csrf_failure_page(request, reason)
    return FORGED.response()
