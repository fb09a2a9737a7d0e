"""Every request for the page: who asks, which page answers, and how that becomes HTML."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from segue.doors.http.call import Call, Reply
from segue.doors.web.ask import Answer, Ask, Download, House, Redirect, Values, View
from segue.doors.web.doorman import Doorman, Entered
from segue.doors.web.houses import LOOKING, Houses
from segue.doors.web.packing import packed, wants_packing
from segue.doors.web.pages import Pages, Route
from segue.doors.web.reading import (
    Headers,
    Receive,
    cookies_of,
    form_of,
    from_here,
    pieces,
    text_of,
    values_of,
)
from segue.doors.web.residents import Residents
from segue.doors.web.sessions import COOKIE
from segue.doors.web.shown import NOT_KEPT, Shown, download, moved
from segue.doors.web.sign_in import SignIn
from segue.doors.web.static_files import StaticFiles
from segue.doors.web.templates import Templates
from segue.doors.web.trouble import Trouble, trouble_of
from segue.errors import SegueError

__all__ = ["HEADERS", "Page"]

_log = logging.getLogger(__name__)
T = TypeVar("T")

HEADERS: Final = (
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none';"
        b" form-action 'self'; frame-ancestors 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)
"""Of every answer of the page."""

_KEPT: Final = (b"cache-control", b"public, max-age=31536000, immutable")
_THREADS: Final = 4
_SLOW_THREADS: Final = 1


class Page:
    """The page for people.

    Args:
        pages: What there is to see.
        house: What it is made from.
        doorman: Tells who asks.

    Attributes:
        headers: Of every answer.
    """

    headers = HEADERS

    def __init__(self, pages: Pages, house: House, doorman: Doorman) -> None:
        self._pages = pages
        self._houses = Houses(house)
        self._residents = Residents()
        self._doorman = doorman
        self._static = StaticFiles()
        self._templates = Templates(pages, self._static)
        self._sign_in = SignIn(doorman)
        self._pool = ThreadPoolExecutor(_THREADS, "page")
        self._slow = ThreadPoolExecutor(_SLOW_THREADS, "page-slow")
        pages.own("static", "sign-in", "sign-out", "switch", "favicon.ico")

    def get_ready(self, users: Sequence[str], wanted: Callable[[], bool]) -> None:
        """Have at hand what these users will see first; what cannot be is told when they ask."""
        for user_id in users:
            for work_out in self._pages.ahead:
                if not wanted():
                    return
                try:
                    work_out(self._houses.own, user_id)
                except SegueError as error:
                    _log.debug("not worked out ahead: %s", error)
        self._templates.load()  # last: whoever has come by now has loaded their own

    def owns(self, path: str) -> bool:
        """Whether an address is one of the page's, rather than of the API."""
        return self._pages.owns(path)

    def close(self) -> None:
        """Finish what is under way."""
        self._slow.shutdown(cancel_futures=True)
        self._pool.shutdown()
        self._houses.close()

    async def reply(self, call: Call, scope: Mapping[str, Any], receive: Receive) -> Reply:
        """The whole answer, with all of its headers but those that every one has."""
        headers: Headers = dict(scope["headers"])
        if call.path.startswith("/static/"):
            return self._file(call, headers)
        cookies = cookies_of(headers)
        fragment = text_of(headers, b"x-fragment")
        theme = cookies.get("segue_theme", "")
        show = Shown(self._templates, fragment, theme)
        small = wants_packing(headers, scope)
        try:
            if not self._doorman.may_ask(headers):
                raise Trouble(403, "Only this machine is served", _STRANGE)
            entered = await self._in_thread(self._doorman.who, cookies.get(COOKIE, ""))
            reply = await self._entered(call, scope, receive, entered, show)
            return await self._in_thread(packed, reply) if small else reply
        except Exception as error:  # a door: whatever it is becomes a page
            trouble = trouble_of(error, call.request_id.decode())
            return show.trouble(trouble)

    async def _entered(
        self,
        call: Call,
        scope: Mapping[str, Any],
        receive: Receive,
        entered: Entered | None,
        show: Shown,
    ) -> Reply:
        headers: Headers = dict(scope["headers"])
        sign_in = self._sign_in
        if call.method == "POST" and not from_here(headers):
            raise Trouble(
                403, "That came from another page", "Open this page itself, and try again."
            )
        if call.path == "/sign-in":
            call.route = call.path
            form = await form_of(call, receive, headers) if call.method == "POST" else {}
            client = (scope.get("client") or ("",))[0]
            return await self._in_thread(sign_in.reply, call, form, client, show, entered)
        if entered is None:
            return sign_in.wanted(call, fragment=show.fragment)
        found = self._pages.find(call.method, call.path)
        own = call.path in ("/sign-out", "/switch") and call.method == "POST"
        if found is None and not own:
            known = self._pages.find("POST" if call.method != "POST" else "GET", call.path)
            raise Trouble(405 if known else 404, *_NO_PAGE)
        if call.method == "POST" and found is not None and found[0].stream is not None:
            call.route = found[0].name
            return await self._streamed(call, found, entered, receive, headers, show)
        form = await form_of(call, receive, headers) if call.method == "POST" else {}
        if call.method == "POST":
            self._prove(entered, headers, form)
        if own:
            call.route = call.path
            return await self._in_thread(
                sign_in.leave_or_switch,
                call,
                form,
                entered,
                self._houses.own,
            )
        assert found is not None
        call.route = found[0].name
        pool = self._slow if show.fragment in found[0].slow else self._pool
        answered = partial(self._answered, call, found, form, headers, entered, show)
        return await asyncio.get_running_loop().run_in_executor(pool, answered)

    def _answered(
        self,
        call: Call,
        found: tuple[Route, dict[str, str]],
        form: Values,
        headers: Headers,
        entered: Entered,
        show: Shown,
    ) -> Reply:
        """What a page answers; runs in a thread."""
        route, values = found
        assert route.handle is not None
        ask = self._ask(call, entered, form, values, headers, show)
        try:
            chosen = bool(entered.session.chosen)
            settled = self._residents.settled(ask, chosen=chosen)
            if isinstance(settled, Redirect):
                return self._told(settled, ask, entered, show)
            ask = settled
            return self._told(route.handle(ask), ask, entered, show)
        except Exception as error:  # as above, now that it is known who asks
            return show.trouble(trouble_of(error, call.request_id.decode()), ask)

    def _told(self, answer: Answer, ask: Ask, entered: Entered, show: Shown) -> Reply:
        cookies = (
            ((b"set-cookie", self._doorman.sessions.cookie(entered.session).encode()),)
            if entered.is_new
            else ()
        )
        match answer:
            case View():
                reply = show.view(answer, ask)
            case Redirect():
                reply = moved(answer.to, fragment=show.fragment, cookie=answer.cookie)
            case Download():
                reply = download(answer)
        reply.headers = (*reply.headers, *cookies)
        return reply

    async def _streamed(
        self,
        call: Call,
        found: tuple[Route, dict[str, str]],
        entered: Entered,
        receive: Receive,
        headers: Headers,
        show: Shown,
    ) -> Reply:
        self._prove(entered, headers, {})
        route, values = found
        assert route.stream is not None
        size = text_of(headers, b"content-length")
        ask = self._ask(call, entered, {}, values, headers, show)
        body = pieces(receive)
        settle = partial(self._residents.settled, chosen=bool(entered.session.chosen))
        settled = await self._in_thread(settle, ask)
        ask = ask if isinstance(settled, Redirect) else settled
        answer = await route.stream(ask, body, int(size) if size.isdigit() else -1)
        return await self._in_thread(self._told, answer, ask, entered, show)

    def _prove(self, entered: Entered, headers: Headers, form: Values) -> None:
        given = text_of(headers, b"x-token") or (form.get("token") or ("",))[-1]
        if not self._doorman.sessions.proves(entered.session, given):
            raise Trouble(
                403, "This page is too old", "Load it again, and do once more what you did."
            )

    def _ask(
        self,
        call: Call,
        entered: Entered,
        form: Values,
        values: dict[str, str],
        headers: Headers,
        show: Shown,
    ) -> Ask:
        looking = cookies_of(headers).get(LOOKING, "")
        house, who = self._houses.of(call.path, entered.who, looking)
        query, host = values_of(call.query), text_of(headers, b"host")
        return Ask(who, house, call.path, show.fragment, query, form, values, host)

    def _file(self, call: Call, headers: Headers) -> Reply:
        call.route = "/static"
        file = self._static.find(call.path)
        if file is None:
            return Reply(b"There is no such file.", 404, b"text/plain", (NOT_KEPT,))
        told: tuple[tuple[bytes, bytes], ...] = (_KEPT, (b"vary", b"accept-encoding"))
        if file.packed is not None and b"gzip" in headers.get(b"accept-encoding", b""):
            told = (*told, (b"content-encoding", b"gzip"))
            return Reply(file.packed, 200, file.media_type.encode(), told)
        return Reply(file.body, 200, file.media_type.encode(), told)

    async def _in_thread(self, do: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, do, *given)


_STRANGE: Final = (
    "Without passwords and API keys the page is for this machine alone. Open it at its own"
    " address, or give yourself a password there, under Settings."
)
_NO_PAGE: Final = ("There is no such page", "The navigation shows what there is.")
