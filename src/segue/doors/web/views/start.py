"""Add music: an export that is dropped, an account that is connected, or a made-up listener."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from segue.doors.web.accounts import account_of
from segue.doors.web.ask import Answer, Ask, Redirect, View
from segue.doors.web.houses import LOOKING
from segue.doors.web.pages import Body, Nav, Pages
from segue.doors.web.trouble import Trouble
from segue.doors.web.working import Work, work_of
from segue.errors import BusyError
from segue.flows.accounts import account_at
from segue.flows.collect import configured
from segue.flows.home_parts import UPLOADS
from segue.flows.jobs import cancel_job, job, job_log, jobs, start_job
from segue.flows.spotify.sign_in import sign_ins
from segue.flows.uploads import Uploads
from segue.jobs.base import Job

__all__ = ["KIND", "add_to"]

KIND: Final = "start"
_DEMO: Final = "demo"
_WRITE_AT_ONCE: Final = 1 << 20
_SERVICES: Final = (
    ("spotify", "Spotify", "What you play from now on, your library and your playlists"),
    ("lastfm", "Last.fm", "Your whole history of scrobbles, then whatever is new"),
    ("listenbrainz", "ListenBrainz", "Your whole history of listens, then whatever is new"),
)


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    pages.get("/start", show, nav=Nav("Add music", "plus", "house", 10))
    pages.post("/start/upload", begin)
    pages.take("/start/files", receive)
    pages.post("/start/import", import_upload)
    pages.post("/start/collect", collect)
    pages.post("/start/demo", demo)
    pages.post("/start/cancel", cancel)
    pages.post("/look-around", look_around)
    pages.post("/look-home", look_home)


def show(ask: Ask) -> View:
    """The page, or how far the work is."""
    work = _latest(ask)
    told: dict[str, Any] = {"title": "Add music", "work": work, "account": None}
    if work is not None:
        told["account"] = account_of(job_log(ask.house.home, work.job_id).text, UPLOADS)
    if ask.fragment == "work":
        return View("start.html", told, say=work.announced if work else "")
    told["services"] = [
        (name, title, words, _is_connected(ask, name)) for name, title, words in _SERVICES
    ]
    told["can_collect"] = bool(configured(ask.house.wiring, ask.house.clock))
    told["limit"] = f"{ask.house.settings.web.upload_bytes / 1024**3:.0f} GB"
    told["is_empty"] = not ask.house.service.ready
    return View("start.html", told)


def _is_connected(ask: Ask, name: str) -> bool:
    """Whether the listener has an account there."""
    wiring, user_id = ask.house.wiring, ask.who.user_id
    if name == "spotify":
        return any(one.user_id == user_id for one in sign_ins(wiring.spotify(ask.house.clock)))
    return bool(account_at(wiring, name, user_id).name)


def begin(ask: Ask) -> View:
    """A place for the files that come next."""
    return View("start_upload.html", {"upload": _uploads(ask).new()}, part="upload")


async def receive(ask: Ask, piece: Body, size: int) -> Answer:
    """One file of an upload, written as it comes."""
    uploads, token, name = _uploads(ask), ask.one("upload"), ask.one("name")
    room = await asyncio.to_thread(uploads.room, token, size)
    path = await asyncio.to_thread(uploads.place, token, name)
    try:
        await _written(path, piece, room)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return View("start_upload.html", {"upload": token}, part="upload")


async def _written(path: Path, piece: Body, room: int) -> None:
    """Write a file, a megabyte at a time, in a thread."""
    written, gathered = 0, bytearray()
    with await asyncio.to_thread(path.open, "wb") as file:
        while (part := await piece()) is not None:
            gathered += part
            written += len(part)
            if written > room:
                raise Trouble(413, "The files are too large", "Import them on the machine itself.")
            if len(gathered) >= _WRITE_AT_ONCE:
                await asyncio.to_thread(file.write, bytes(gathered))
                gathered.clear()
        await asyncio.to_thread(file.write, bytes(gathered))


def import_upload(ask: Ask) -> View:
    """Begin to import what has arrived; it goes on without the page."""
    token = ask.one("upload")
    _uploads(ask).of(token)
    command = ["start", "--uploaded", token, "--user", ask.who.user_id, "--json"]
    if ask.one("skip_broken"):
        command.append("--skip-broken")
    _begin(ask, KIND, command)
    return show(ask)


def collect(ask: Ask) -> View:
    """Fetch what was played, from all connected accounts, and learn from it."""
    _begin(ask, "collect", ["collect"])
    return show(ask)


def demo(ask: Ask) -> View:
    """Make up a listener, in a data home of their own."""
    _begin(ask, _DEMO, ["demo"])
    return show(ask)


def cancel(ask: Ask) -> View:
    """End what is under way."""
    found = job(ask.house.home, ask.one("job"))
    if not _may_see(ask, found):
        raise Trouble(403, "That is somebody else's")
    cancel_job(ask.house.home, found.job_id, wait_s=0)
    return show(ask)


def look_around(ask: Ask) -> Answer:
    """Look at the made-up listener."""
    del ask
    return Redirect("/for-you", f"{LOOKING}=demo; Path=/; HttpOnly; SameSite=Lax")


def look_home(ask: Ask) -> Answer:
    """Back to one's own music."""
    del ask
    return Redirect("/", f"{LOOKING}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")


def _begin(ask: Ask, kind: str, command: list[str]) -> None:
    try:
        start_job(ask.house.home, kind, command, now=ask.house.clock(), user=ask.who.user_id)
    except BusyError as error:
        raise Trouble(
            409, "That is under way already", "Wait until it is done, or end it.", cure=""
        ) from error


def _latest(ask: Ask) -> Work | None:
    """What was begun here last."""
    seen = [
        one
        for kind in (KIND, "collect", _DEMO)
        for one in jobs(ask.house.home, kind=kind, limit=5)
        if _may_see(ask, one)
    ]
    if not seen:
        return None
    return work_of(max(seen, key=lambda one: one.asked_at), ask.house.clock())


def _may_see(ask: Ask, found: Job) -> bool:
    return ask.who.may_manage or found.user == ask.who.user_id


def _uploads(ask: Ask) -> Uploads:
    return Uploads(ask.house.home / UPLOADS, ask.house.settings.web.upload_bytes)
