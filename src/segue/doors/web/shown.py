"""What pages tell, as answers: HTML, ways elsewhere, files."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from segue.doors.http.call import Reply
from segue.doors.web.ask import Ask, Download, View
from segue.doors.web.plain_words import in_plain_words
from segue.doors.web.templates import Templates
from segue.doors.web.trouble import Trouble

__all__ = ["NOT_KEPT", "Shown", "download", "moved"]

NOT_KEPT: Final = (b"cache-control", b"no-store")
"""Of whatever is somebody's own."""

_HTML: Final = b"text/html; charset=utf-8"


class Shown:
    """Makes HTML of what a page tells, for one request.

    Args:
        fragment: The block that is wanted; empty: the whole page.
        theme: light, dark, or whatever the system has.
    """

    def __init__(self, templates: Templates, fragment: str, theme: str) -> None:
        self._templates = templates
        self.fragment = fragment
        self._theme = theme if theme in ("light", "dark") else ""

    def view(self, view: View, ask: Ask | None, **more: Any) -> Reply:
        """A page, or the part of it that is wanted."""
        part = view.part if self.fragment else ""
        html = self._templates.render(
            view.template,
            part or self.fragment,
            {**view.told, **more},
            ask=ask,
            theme=self._theme,
        )
        headers = [NOT_KEPT, (b"vary", b"x-fragment")]
        if view.say:
            headers.append((b"x-say", quote(view.say).encode()))
        if view.trigger:
            headers.append((b"x-trigger", view.trigger.encode()))
        return Reply(html.encode(), view.status, _HTML, tuple(headers))

    def trouble(self, trouble: Trouble, ask: Ask | None = None) -> Reply:
        """What went wrong, in words."""
        told = {"title": trouble.title, "detail": trouble.detail}
        told["cure"] = in_plain_words(trouble.cure)
        view = View("trouble.html", told, trouble.status, part="words")
        return self.view(view, ask, request_id=trouble.request_id)


def moved(to: str, *, fragment: str = "", cookie: str = "") -> Reply:
    """The way elsewhere.

    Args:
        fragment: Where a fragment was asked for, a header tells it: the browser would follow
            without the page.
        cookie: The header Set-Cookie.
    """
    more = ((b"set-cookie", cookie.encode()),) if cookie else ()
    if fragment:
        return Reply(b"", 200, _HTML, (NOT_KEPT, (b"x-go", to.encode()), *more))
    return Reply(b"", 303, _HTML, (NOT_KEPT, (b"location", to.encode()), *more))


def download(file: Download) -> Reply:
    """A file, to be shown or saved."""
    headers = [NOT_KEPT]
    if file.name:
        named = f"attachment; filename*=UTF-8''{quote(file.name)}"
        headers.append((b"content-disposition", named.encode()))
    return Reply(file.body, 200, file.media_type.encode(), tuple(headers))
