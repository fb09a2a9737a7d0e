"""Updates that are killed at chosen moments: the program that dies, and whoever kills and counts.

The services are fakes in the process that counts, so what they hold outlives every kill.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from segue.fakes.lastfm import API_KEY, FakeLastfm, Scrobble
from segue.fakes.listenbrainz import FakeListenBrainz
from segue.fakes.messages import Request
from segue.fakes.spotify import FakeSpotify, World
from segue.warehouse.lake import Lake
from tests.doors.forked import start_forked
from tests.message_sinks import Hook, hook
from tests.spotify_household import household, signed_in

__all__ = ["STEPS", "Counts", "Death", "deaths", "storm"]

STEPS: Final = ("collect", "build", "train", "recommend", "publish", "notify")
_REPO: Final = Path(__file__).parents[1]
_START: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
_NEW: Final = 4
"""Plays that each service tells anew in each round, one of them at two services."""
_PLACES: Final = 3
"""Places that playlists go to, each of which is told of."""
_FAVOURITES: Final = 12
_LEARNERS: Final = ("popular", "most_played", "rediscover", "content", "als")
_LONGEST_S: Final = 120
_USUAL_S: Final = {"collect": 1.0, "build": 2.0, "train": 1.0}


@dataclass(frozen=True, slots=True)
class Death:
    """When an update dies.

    Args:
        step: In which step.
        how: After a number of changes to files, of seconds, or of requests that change something
            elsewhere (which is done, and never answered).
        at: That number.
    """

    step: str
    how: Literal["file", "time", "asked"]
    at: float


@dataclass
class Counts:
    """What came of it.

    Args:
        kills: Updates that were killed, by step.
        survived: Updates that were over before the moment came.
        unfinished: Updates after a kill that did not do all that was to be done.
        plays: Plays that services told.
        plays_lost: Of these not in the lake, or not in the marts.
        plays_doubled: In the lake or the marts more than once.
        playlists_wrong: Playlists that were not as planned: a track too many, too few, elsewhere.
        playlists_doubled: Second copies of a playlist.
        messages: Contents of playlists that were told of.
        messages_lost: Those never told of.
        messages_again: Told twice, since whoever sent it died before it could note that.
        messages_doubled: Told twice for no such reason.
        leftovers: Files of killed updates that are still there after a whole one.
    """

    kills: Counter[str] = field(default_factory=Counter)
    survived: int = 0
    unfinished: int = 0
    plays: int = 0
    plays_lost: int = 0
    plays_doubled: int = 0
    playlists_wrong: int = 0
    playlists_doubled: int = 0
    messages: int = 0
    messages_lost: int = 0
    messages_again: int = 0
    messages_doubled: int = 0
    leftovers: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def faultless(self) -> bool:
        """Whether everything was finished, nothing was lost and nothing was there twice."""
        return not (
            self.unfinished
            or self.plays_lost
            or self.plays_doubled
            or self.playlists_wrong
            or self.playlists_doubled
            or self.messages_lost
            or self.messages_doubled
            or self.leftovers
        )


def deaths(number: int, chance: random.Random) -> Iterator[Death]:
    """Moments that are spread over all steps and all ways to die."""
    for n in range(number):
        step = STEPS[n % len(STEPS)]
        ways: tuple[Literal["file", "time", "asked"], ...] = ("file", "time")
        if step == "publish":
            ways = ("asked", "file", "asked", "time")
        elif step == "notify":
            ways = ("asked", "file")
        how = ways[n // len(STEPS) % len(ways)]
        if how == "file":
            yield Death(step, how, chance.randint(1, 15))
        elif how == "asked":
            yield Death(step, how, chance.randint(1, 3 if step == "publish" else 2))
        else:
            yield Death(step, how, chance.uniform(0, _USUAL_S.get(step, 0.2)))


def storm(folder: Path, planned: Iterable[Sequence[Death]]) -> Counts:
    """Kill updates at these moments, finish with another, and look what is there; again and again.

    Args:
        folder: For the data home.
        planned: The moments; one round for each entry, in which as many updates die.
    """
    with ExitStack() as stack:
        world = World()
        world.add_user("alice")
        world.add_app("the-app")
        world.rules.quota_requests = 10**7
        world.clock.freeze(_START)
        clock = world.clock
        spotify = _Watched(world)
        stack.enter_context(spotify)
        lastfm = stack.enter_context(FakeLastfm(clock=clock, requests=10**7))
        brainz = stack.enter_context(FakeListenBrainz(clock=clock, requests=10**7))
        web = stack.enter_context(hook())
        brainz.add_member("ann")
        found = _Storm(folder, spotify, lastfm, brainz, web)
        signed_in(household(spotify, folder))
        found.begin()
        for some in planned:
            found.round(some)
    return found.counts


class _Watched(FakeSpotify):
    """Tells of every request that changed something, before it is answered."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.changed: Callable[[], None] = lambda: None

    def take(self, request: Request) -> Any:
        given = super().take(request)
        if request.method != "GET" and request.path.startswith("/v1"):
            self.changed()
        return given


@dataclass
class _Storm:
    folder: Path
    spotify: _Watched
    lastfm: FakeLastfm
    brainz: FakeListenBrainz
    web: Hook
    counts: Counts = field(default_factory=Counts)
    rounds: int = 0
    told: set[tuple[str, int, str]] = field(default_factory=set)
    shared: int = 0

    def begin(self) -> None:
        """A history with favourites, and a first update that nobody disturbs."""
        world = self.spotify.world
        for day in range(3):
            for n in range(_FAVOURITES):
                track = world.catalogue.track(400 + 40 * n)
                at = _START - timedelta(days=day + 1, minutes=6 * n)
                world.players["alice"].played(track.uri, at)
                self.told.add(("spotify_api", int(at.timestamp()), track.name))
        self.lastfm.scrobbled("ann")
        code = self._update(None)
        assert code == 0, self._said

    def round(self, some: Sequence[Death]) -> None:
        """Something was played; updates die; the next one has to finish."""
        self.rounds += 1
        clock = self.spotify.world.clock
        clock.advance(seconds=3600)
        self._listened(clock.now())
        for death in some:
            if self._update(death) == -signal.SIGKILL:
                self.counts.kills[death.step] += 1
            else:
                self.counts.survived += 1
            clock.advance(seconds=60)
        self._finished(some)
        if any(death.step == "notify" for death in some):
            clock.advance(seconds=900)  # whoever died while sending is given up by now
            self._finished(some)
        self._count(some)

    def _finished(self, some: Sequence[Death]) -> None:
        code = self._update(None)
        if code:
            self.counts.unfinished += 1
            self.counts.notes.append(f"{some}: the next update left with {code}: {self._said}")

    def _listened(self, now: datetime) -> None:
        world = self.spotify.world
        member = self.brainz.members["ann"]
        first = self.rounds * 20
        for n in range(_NEW):
            track = world.catalogue.track(self.rounds % 300)  # soon a favourite
            at = (now - timedelta(minutes=50 - 5 * n)).replace(microsecond=0)
            world.players["alice"].played(track.uri, at)
            self.told.add(("spotify_api", int(at.timestamp()), track.name))
            if n == 0:  # the same listen, told by two services
                ended = at - timedelta(milliseconds=track.duration_ms)
                self._scrobble(ended, track.artists[0].name, track.name)
                self.shared += 1
            self._scrobble(at + timedelta(minutes=16), f"Artist {n}", f"Song {first + n}")
            heard = int(at.timestamp()) + 1920
            self.brainz.listens.heard(member, f"Other {n}", f"Tune {first + n}", heard)
            self.told.add(("listenbrainz", heard, f"Tune {first + n}"))

    def _scrobble(self, at: datetime, artist: str, title: str) -> None:
        at = at.replace(microsecond=0)
        self.lastfm.scrobbled("ann", Scrobble(at, artist, title))
        self.told.add(("lastfm", int(at.timestamp()), title))

    # --- the update -----------------------------------------------------------------------------

    def _settings(self) -> dict[str, Any]:
        """Another size in each round, so that each refreshes every playlist."""
        size = 4 + self.rounds % 5
        every = {"when": "hourly", "size": size}
        file = str(self.folder.parent / "week.m3u")
        return {
            "user_id": "ann",
            "threads": 1,
            "secrets": {"store": "file"},
            "spotify": {
                "client_id": "the-app",
                "api_url": f"{self.spotify.url}/v1",
                "accounts_url": self.spotify.url,
                "requests_per_day": 10**6,
            },
            "lastfm": {"user": "ann", "api_key": API_KEY, "url": self.lastfm.url},
            "listenbrainz": {"user": "ann", "url": self.brainz.url},
            "playlists": [
                {"mix": "daily", "title": "Day", "to": ["spotify", file], **every},
                {"mix": "daily", "name": "two", "title": "Other", "to": ["spotify"], **every},
            ],
            "recommend": {"recent_hours": 0},
            "training": {"sources": ["spotify_api", "lastfm", "listenbrainz"], "threads": 1},
            "update": {"train_share": 0, "train_days": 0, "library_hours": 24},
            "notifications": {"urls": [self.web.url], "attempts": 1},
        }

    def _update(self, death: Death | None) -> int:
        """Run one, in a process of its own; its exit code, or that of the signal that ended it."""
        now = self.spotify.world.clock.now()
        told = {
            "home": str(self.folder),
            "settings": self._settings(),
            "now": now.isoformat(),
            "death": None if death is None else [death.step, death.how, death.at],
        }
        with tempfile.TemporaryFile() as out:
            running = start_forked(
                [json.dumps(told)],
                cwd=_REPO,
                env=os.environ,
                out=out,
                err=out,
                program="tests.update_storm:main",
            )
            if death is not None and death.how == "asked":
                self._kill_after(int(death.at), death.step, running.pid)
            code = running.wait(_LONGEST_S)
            self.spotify.changed = self.web.took = lambda: None
            out.seek(0)
            self._said = out.read().decode()[-2000:]
        return code

    def _kill_after(self, number: int, step: str, pid: int) -> None:
        left = iter(range(number - 1, -1, -1))

        def count() -> None:
            if next(left, 1) == 0:
                os.kill(pid, signal.SIGKILL)

        if step == "publish":
            self.spotify.changed = count
        else:
            self.web.took = count

    # --- counting -------------------------------------------------------------------------------

    def _count(self, some: Sequence[Death]) -> None:
        before = (self.counts.faultless, len(self.counts.notes))
        self._count_plays()
        self._count_playlists()
        self._count_messages(sum(death.step == "notify" for death in some))
        self._count_leftovers()
        if before[0] and not self.counts.faultless and len(self.counts.notes) == before[1]:
            self.counts.notes.append(f"round {self.rounds}, {some}: {self._said}")

    def _count_plays(self) -> None:
        from segue.flows.wiring import Wiring
        from segue.settings import load_settings

        lake = Lake(self.folder / "lake", threads=1)
        rows = lake.rows("plays", ["source", "played_at", "ended_at", "title"]).to_pylist()
        kept = Counter(
            (row["source"], int((row["ended_at"] or row["played_at"]).timestamp()), row["title"])
            for row in rows
        )
        marts = Wiring(load_settings(home=self.folder)).snapshots.current().rows("plays")
        wanted = len(self.told) - self.shared
        self.counts.plays = len(self.told)
        self.counts.plays_lost = len(self.told - kept.keys()) + max(0, wanted - marts)
        self.counts.plays_doubled = sum(n - 1 for n in kept.values()) + max(0, marts - wanted)
        if kept.keys() - self.told:
            self.counts.plays_doubled += len(kept.keys() - self.told)

    def _count_playlists(self) -> None:
        mine = list(self.spotify.world.playlists.values())
        self.counts.playlists_doubled = max(self.counts.playlists_doubled, len(mine) - 2)
        held = {one.name: list(one.uris) for one in mine}
        for title, uris in self._planned().items():
            self.counts.playlists_wrong += held.get(title) != uris
        lines = (self.folder.parent / "week.m3u").read_text("utf-8").splitlines()
        files = [line for line in lines if line and not line.startswith("#")]
        self.counts.playlists_wrong += len(files) != 4 + self.rounds % 5

    def _planned(self) -> dict[str, list[str]]:
        found = {}
        self._due = {}
        for file in (self.folder / "playlists" / "u-ann" / "due").glob("*.json"):
            told = json.loads(file.read_text("utf-8"))
            self._due[told["title"]] = file
            tracks = [one["spotify_uri"] for one in told["tracks"]]
            self.counts.playlists_wrong += len(tracks) != 4 + self.rounds % 5
            found[told["title"]] = [uri for uri in tracks if uri]
        self.counts.playlists_wrong += len(found) != 2
        return found

    def _count_messages(self, died: int) -> None:
        """Each content of a playlist is told of once for each place that it came to.

        Args:
            died: So many died while they told, and each may have told one message unnoted.
        """
        times = Counter(_content(body) for body in self.web.bodies)
        planned = json.loads(self._due["Day"].read_text("utf-8"))["tracks"]
        titles = tuple(one["title"] for one in planned)
        places = {where for _, where, _ in times}
        told = {where for _, where, held in times if held == titles}
        self.counts.messages = len(times)
        self.counts.messages_lost += max(0, _PLACES - len(told), _PLACES - len(places))
        again = times.total() - len(times) - self.counts.messages_again
        self.counts.messages_again += min(again, died)
        self.counts.messages_doubled += max(0, again - died)

    def _count_leftovers(self) -> None:
        names = [
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if (path.name.startswith((".", "tmp")) and path.suffix != ".lock")
            or path.suffix in (".tmp", ".part", ".new")
        ]
        if names:
            self.counts.notes.append(f"left: {sorted(names)[:5]}")
        self.counts.leftovers += len(names)


def _content(body: Mapping[str, str]) -> tuple[str, str, tuple[str, ...]]:
    """Title, place and tracks of a message, without what differs if it is told again."""
    lead, *lines = body["message"].splitlines()
    _, _, where = lead.partition(" at ")
    held = (line.partition(" – ")[2] for line in lines if line[:1].isdigit())
    return body["title"], where, tuple(held)


# --- the program that dies ----------------------------------------------------------------------


class _Dying:
    """Counts what the process does, and kills it when it is time.

    Args:
        death: When; None: never.
    """

    def __init__(self, death: list[Any] | None) -> None:
        self._death = Death(*death) if death else None
        self._steps = iter(STEPS)
        self._now = next(self._steps)
        self._changes = 0
        if self._death is not None and self._death.how == "file":
            sys.addaudithook(self._changed)
        self._begin()

    def step_over(self, report: Any) -> None:
        """The next step begins."""
        sys.stdout.write(f"{report.step} {report.state} {report.words}\n")
        sys.stdout.flush()
        self._now, self._changes = next(self._steps, ""), 0
        self._begin()

    def _begin(self) -> None:
        death = self._death
        if death is not None and (death.how, death.step) == ("time", self._now):
            threading.Thread(target=self._later, args=(death.at,), daemon=True).start()

    def _later(self, seconds: float) -> None:
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    def _changed(self, event: str, told: tuple[Any, ...]) -> None:
        if self._death is None or self._now != self._death.step or event not in _CHANGES:
            return
        if event == "open" and not told[2] & (os.O_WRONLY | os.O_RDWR):
            return
        self._changes += 1
        if self._changes == self._death.at:
            os.kill(os.getpid(), signal.SIGKILL)


_CHANGES: Final = frozenset(
    {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "sqlite3.connect"}
)


def main() -> None:
    """One update, as it was told to be."""
    from segue.flows.update.run import Wanted, update
    from segue.flows.wiring import Wiring, adapters
    from segue.progress import Silent
    from segue.settings import load_settings

    told = json.loads(sys.argv[1])
    settings = told["settings"]
    settings["training"]["left_out"] = [
        name for name in adapters("recommenders") if name not in _LEARNERS
    ]
    now = datetime.fromisoformat(told["now"])
    dying = _Dying(told["death"])
    report = update(
        Wiring(load_settings(home=Path(told["home"]), **settings)),
        Wanted(),
        clock=lambda: now,
        zone=ZoneInfo("Europe/Berlin"),
        progress=Silent(),
        on_step=dying.step_over,
    )
    sys.stdout.write(json.dumps(report.as_dict()))
    sys.stdout.flush()
    os._exit(report.exit_code)
