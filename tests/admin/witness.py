"""A witness of everything that a browser does beyond showing a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Dialog, Page, Request, Response, Route

# Browsers request an icon although the admin links to none.
UNASKED = "/favicon.ico"


class Witness:
    """Notes requests to other origins, scripts, dialogs, errors and breaches of the policy."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.origin = origin
        self.complaints: list[str] = []
        context.route(lambda url: not self._is_ours(url), self._refuse)
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("console", lambda entry: self._on_console(entry.type, entry.text))
        context.on("weberror", lambda error: self._note(f"error: {error.error}"))
        context.on("dialog", self._on_dialog)

    def hacked(self, page: Page) -> None:
        """Note if a script of the hostile corpus has run in a page."""
        if page.evaluate("() => window.hacked !== undefined"):
            self._note(f"a script ran in {page.url}")

    def _is_ours(self, url: str) -> bool:
        return url == self.origin or url.startswith((f"{self.origin}/", "about:", "data:"))

    def _refuse(self, route: Route) -> None:
        self._note(f"a request for {route.request.url[:200]}")
        route.abort()

    def _on_request(self, request: Request) -> None:
        if not self._is_ours(request.url):
            self._note(f"a request left for {request.url[:200]}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and not response.url.endswith(UNASKED):
            self._note(f"{response.status} from {response.url[:200]}")

    def _on_console(self, kind: str, text: str) -> None:
        # Failed requests are noted by _on_response(), except for the icon.
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self._note(f"{kind}: {text[:300]}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self._note(f"a dialog: {dialog.message[:200]}")
        dialog.dismiss()

    def _note(self, complaint: str) -> None:
        self.complaints.append(complaint)
