"""Forget: a user, or a source, leaves the home as if it had never been there."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from segue.access.base import KeyStore
from segue.access.passwords import Passwords
from segue.access.sqlite_keys import SqliteKeys
from segue.errors import BusyError, ConfigError, SegueError, UnknownUserError
from segue.events.base import EventLog
from segue.events.recommended import Recommended
from segue.events.sqlite_log import SqliteLog
from segue.flows.accounts import kept_accounts, remove_account
from segue.flows.home_parts import (
    ACCESS,
    AHEAD,
    EVENT_LOG,
    EVENTS,
    EXPERIMENTS,
    JOBS,
    KEYS,
    LAKE,
    MODELS,
    PASSWORDS,
    PLAYLISTS,
    RECOMMENDED,
    SECRETS,
    SERVICES,
    SNAPSHOTS,
    STATE,
    TUNING,
    UPDATE,
    playlists_of,
)
from segue.flows.notify import secret_of
from segue.flows.online.ahead import forget_ahead
from segue.flows.online.people import FORGOTTEN, forget_events
from segue.flows.spotify.names import SERVICE, secret_name
from segue.flows.update.memory import UpdateMemory
from segue.flows.wiring import Wiring
from segue.jobs.store import JobStore
from segue.notifications.sent_once import SERVICE as TOLD
from segue.progress import Progress
from segue.recommenders.bundle import BundleStore
from segue.secrets.base import Place
from segue.secrets.encrypted_file import EncryptedFile
from segue.services.lastfm import LASTFM
from segue.services.listenbrainz import LISTENBRAINZ
from segue.services.sign_ins import SignIns
from segue.services.state_file import StateFile
from segue.warehouse import home_journal
from segue.warehouse.beside import Beside
from segue.warehouse.experiments import ExperimentStore
from segue.warehouse.home_swap import ASIDE
from segue.warehouse.lake import Lake
from segue.warehouse.lake_forget import LakeLoss, Whose, forget_in_lake, lake_loss
from segue.warehouse.lake_manifest import LakeFile
from segue.warehouse.lake_shared import rows_of
from segue.warehouse.snapshots import SnapshotStore
from segue.warehouse.storage import empty_folder, storing

__all__ = ["VERB", "Loss", "Whose", "forget", "look", "resume"]

_log = logging.getLogger(__name__)

VERB: Final = "forget"
_FAULTS: Final = "fault.log"
_WAREHOUSE: Final = "warehouse"


@dataclass(frozen=True, slots=True)
class Loss:
    """What goes, or went.

    Args:
        rows: (table, source) -> rows of the lake.
        rejects: Rejected rows of the lake.
        imports: Imports, and words of feedback, that brought any of it.
        experiments: Interleaved playlists of the user.
        events: Whether an event log holds anything of the user.
        keys: API keys that speak for the user alone.
        playlists: Files in `playlists`: the user's own folder, all if nobody else is left.
        made: What was learned or made of everybody's data and goes as a whole: "warehouse",
            "snapshots", "models", "tuning".
        asides: Older homes in the home of which the same goes.
        left: Users of whom something stays, sorted.
    """

    whose: Whose
    rows: Mapping[tuple[str, str], int]
    rejects: int = 0
    imports: int = 0
    experiments: int = 0
    events: bool = False
    keys: int = 0
    playlists: int = 0
    made: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to forget."""
        counted = self.rejects + self.imports + self.experiments + self.keys
        return not (self.rows or counted or self.events)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "user": self.whose.user_id,
            "source": self.whose.source,
            "rows": [
                {"table": table, "source": source, "rows": rows}
                for (table, source), rows in self.rows.items()
            ],
            "rejects": self.rejects,
            "imports": self.imports,
            "experiments": self.experiments,
            "events": self.events,
            "keys": self.keys,
            "playlists": self.playlists,
            "made": list(self.made),
            "asides": list(self.asides),
            "left": list(self.left),
        }


@dataclass(frozen=True)
class _House:
    """A home, or an older one that was put aside in it.

    Args:
        clear_warehouse: Removes what was built, wherever that is.
        served: The home, if its live service keeps events and keys on a server.
    """

    folder: Path
    lakes: tuple[Lake, ...]
    clear_warehouse: Callable[[], None]
    served: Wiring | None = None

    @property
    def experiments(self) -> ExperimentStore:
        return ExperimentStore(self.folder / EXPERIMENTS)

    @contextmanager
    def events(self) -> Iterator[tuple[EventLog, ...]]:
        """The event logs there are: a file, and the one on a server."""
        path = self.folder / EVENTS / EVENT_LOG
        with ExitStack() as stack:
            logs: list[EventLog] = []
            if path.exists():
                logs.append(stack.enter_context(closing(SqliteLog(path))))
            if self.served is not None:
                logs.append(stack.enter_context(closing(self.served.open_events(self.folder))))
            yield tuple(logs)

    @contextmanager
    def keys(self) -> Iterator[tuple[KeyStore, ...]]:
        """Where there are API keys: a file, and tables on a server."""
        path = self.folder / ACCESS / KEYS
        with ExitStack() as stack:
            stores: list[KeyStore] = []
            if path.exists():
                stores.append(stack.enter_context(closing(SqliteKeys(path))))
            if self.served is not None:
                stores.append(stack.enter_context(closing(self.served.open_keys(self.folder))))
            yield tuple(stores)


def look(wiring: Wiring, whose: Whose) -> Loss:
    """What would be forgotten; nothing is changed.

    Raises:
        UnknownUserError: There is no trace of such a user.
        ConfigError: Nothing here is from that source.
        WarehouseError: A manifest or another file is damaged.
    """
    main, *asides = _houses(wiring)
    losses = [(house, _loss(house, whose)) for house in (main, *asides)]
    whole = losses[0][1]
    found = replace(
        whole,
        asides=tuple(house.folder.name for house, loss in losses[1:] if not loss.nothing),
    )
    if whole.nothing and not found.asides:
        raise _nothing(whose, found.left, main)
    return found


def forget(
    wiring: Wiring,
    whose: Whose,
    *,
    progress: Progress,
    on_step: Callable[[str], None] = lambda step: None,
    now: datetime | None = None,
) -> Loss:
    """Remove what is meant from everything in the home; all of it, even when killed on the way.

    Where a service is at work in the home, a whole user is gone for it at once: events, keys and
    what was made for them; the rest is not touched, and the error says so.

    Before anything is touched it is noted in the home what is to go; from then on every command
    begins with finishing it, and no command reads anything in between.

    Args:
        wiring: The home; nobody else may be in it.
        now: The moment, aware; None: without the home to oneself, nothing is done.
        on_step: Told the name of each step as it is done.

    Returns:
        What went.

    Raises:
        UnknownUserError: There is no trace of such a user.
        ConfigError: Nothing here is from that source.
        BusyError: Others are at work in the home.
        WarehouseError: A file is damaged, or the warehouse cannot be reached.
        SecretError: The user's tokens cannot be removed; nothing was done.
        StorageError: Something cannot be removed; the next command tries again.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(wiring.lock.alone(VERB))
        except BusyError as busy:
            if now is None or whose.user_id is None or not whose.whole_user:
                raise
            raise _gone_for_a_service(wiring, whose, whose.user_id, now) from busy
        loss = look(wiring, whose)
        houses = _houses(wiring)
        with wiring.warehouse.writing():
            pass  # better to learn now than half way that a server is not there
        if whose.user_id is not None and whose.whole_user:
            _sign_out(wiring, whose.user_id, houses)  # a locked keyring is learnt of now, too
        names = {
            lake.store.where: list(lake_loss(lake, whose).names)
            for house in houses
            for lake in house.lakes
        }
        facts = {"user": whose.user_id, "source": whose.source, "names": names}
        with storing(wiring.lock.home):
            home_journal.begin(wiring.lock.home, VERB, facts)
        on_step("noted")
        _carry_out(wiring, whose, names, progress=progress, on_step=on_step)
    _log.info("forgot %d rows", sum(loss.rows.values()))
    return loss


def _gone_for_a_service(wiring: Wiring, whose: Whose, user_id: str, now: datetime) -> BusyError:
    """Forget what a running service knows of a user; the error that says what is left to do."""
    look(wiring, whose)
    (main, *_) = _houses(wiring)
    with main.keys() as stores:
        for store in stores:  # first: whoever has a key could go on reporting
            store.forget(user_id)
    with main.events() as logs:
        for log in logs:
            forget_events(log, user_id, now)
    Recommended(main.folder / EVENTS / RECOMMENDED).forget(user_id)
    forget_ahead(main.folder / EVENTS / AHEAD, user_id)
    Beside(main.folder / SNAPSHOTS).forget(user_id)
    return BusyError(
        f"events, keys and answers of “{user_id}” are gone, also for a service that runs here, but"
        " the lake, the warehouse, the snapshots and the models are in use",
        cure="Stop `segue serve` and other commands, then run this again: it removes the rest.",
    )


def _sign_out(wiring: Wiring, user_id: str, houses: Sequence[_House]) -> None:
    """The user's tokens and destinations go, and those in older homes."""
    for house in houses:
        state = StateFile(house.folder / SERVICES / STATE)
        if not state.exists:
            continue
        main = house.folder == wiring.lock.home
        folder = house.folder / SECRETS
        place = Place(folder, wiring.settings.secrets.passphrase)
        if SignIns(state, SERVICE).of(user_id) is not None and (main or folder.exists()):
            (wiring.secrets if main else EncryptedFile(place)).delete(secret_name(user_id))
        for service in (SERVICE, TOLD, LASTFM, LISTENBRAINZ):
            SignIns(state, service).remove(user_id)
    for service, whose, _ in kept_accounts(wiring):
        if whose == user_id:
            remove_account(wiring, service, user_id=user_id)
    elsewhere = wiring.settings.secrets.store not in ("auto", "file", "keyring")
    if elsewhere or (wiring.lock.home / SECRETS).exists():
        wiring.secrets.delete(secret_of(user_id))


def resume(
    wiring: Wiring,
    facts: Mapping[str, Any],
    progress: Progress,
    on_step: Callable[[str], None] = lambda step: None,
) -> None:
    """Go on with what `forget` has noted; called by whoever has the home alone."""
    whose = Whose(facts["user"], facts["source"])
    _carry_out(wiring, whose, facts["names"], progress=progress, on_step=on_step)


def _carry_out(
    wiring: Wiring,
    whose: Whose,
    names: Mapping[str, Sequence[str]],
    *,
    progress: Progress,
    on_step: Callable[[str], None],
) -> None:
    """Every step may have been done before, by a try that was killed."""
    houses = _houses(wiring)
    progress.start("Forgetting", total=len(houses), unit="homes")
    for house in houses:
        for lake in house.lakes:
            forget_in_lake(lake, whose, names.get(lake.store.where, ()), on_step=on_step)
        on_step("lake")
        house.clear_warehouse()
        on_step("warehouse")
        SnapshotStore(house.folder / SNAPSHOTS).clear()
        on_step("snapshots")
        BundleStore(house.folder / MODELS).clear()
        empty_folder(house.folder / EVENTS / AHEAD)
        on_step("models")
        empty_folder(house.folder / TUNING)
        with storing(house.folder):
            (house.folder / _FAULTS).unlink(missing_ok=True)
        if whose.user_id is not None and whose.whole_user:
            _forget_person(house, whose.user_id)
        on_step("person")
        progress.advance()
    with storing(wiring.lock.home):
        home_journal.end(wiring.lock.home)
    progress.done()


def _forget_person(house: _House, user_id: str) -> None:
    """What is only of the user: playlists of experiments, events, keys, the folder of playlists."""
    house.experiments.forget(user_id)
    JobStore(house.folder / JOBS).forget(user_id)
    UpdateMemory(house.folder / UPDATE).forget(user_id)
    with house.keys() as stores:
        for store in stores:  # first: whoever has a key could go on reporting
            store.forget(user_id)
    Passwords(house.folder / ACCESS / PASSWORDS).forget(user_id)
    with house.events() as logs:
        for log in logs:
            log.forget(user_id)
            # services that remember the user, on whatever host, look again when this moves
            log.advance(FORGOTTEN, log.cursor(FORGOTTEN) + 1)
    Recommended(house.folder / EVENTS / RECOMMENDED).forget(user_id)
    own = playlists_of(house.folder, user_id)
    empty_folder(own)
    with storing(house.folder), suppress(FileNotFoundError):
        own.rmdir()
    whose = Whose(user_id)
    if not any(lake_loss(lake, whose).users for lake in house.lakes):
        empty_folder(house.folder / PLAYLISTS)


def _loss(house: _House, whose: Whose) -> Loss:
    lakes = [lake_loss(lake, whose) for lake in house.lakes]
    users = {user for lake in lakes for user in lake.users}
    person = whose.user_id if whose.whole_user else None
    left = tuple(sorted(users - {person}))
    with house.events() as logs:
        events = person is not None and any(log.of_user(person, limit=1) for log in logs)
    with house.keys() as stores:
        keys = 0 if person is None else sum(_keys_of(store, person) for store in stores)
    return Loss(
        whose=whose,
        rows=_summed(lakes),
        rejects=sum(lake.rejects for lake in lakes),
        imports=sum(lake.commits for lake in lakes),
        experiments=0 if person is None else house.experiments.of_user(person),
        events=events,
        keys=keys,
        playlists=0 if person is None else _files(_playlists(house.folder, person, left)),
        made=tuple(
            part for part in (_WAREHOUSE, SNAPSHOTS, MODELS, TUNING) if _files(house.folder / part)
        ),
        left=left,
    )


def _playlists(home: Path, person: str, left: Sequence[str]) -> Path:
    """What goes of the folder of playlists: all of it with the last user."""
    return playlists_of(home, person) if left else home / PLAYLISTS


def _keys_of(store: KeyStore, user_id: str) -> int:
    found, last = 0, ""
    while page := store.page(after=last):
        found += sum(key.user_id == user_id for key in page)
        last = page[-1].key_id
    return found


def _summed(lakes: Sequence[LakeLoss]) -> dict[tuple[str, str], int]:
    rows = Counter[tuple[str, str]]()
    for lake in lakes:
        rows.update(lake.rows)
    return dict(sorted(rows.items()))


def _files(folder: Path) -> int:
    return sum(path.is_file() and path.name != "lock" for path in folder.rglob("*"))


def _houses(wiring: Wiring) -> tuple[_House, ...]:
    """The home, then older ones that are kept in it."""
    home = wiring.lock.home
    local = Lake(home / LAKE)
    elsewhere = wiring.lake.store.where != local.store.where and local.folder.exists()

    def clear() -> None:
        with wiring.warehouse.writing():
            wiring.warehouse.clear()
        empty_folder(home / _WAREHOUSE)  # also what another kind of warehouse has left there

    lakes = (wiring.lake, local) if elsewhere else (wiring.lake,)
    served = wiring if wiring.settings.service.store == "postgresql" else None
    main = _House(home, lakes, clear, served)
    asides = sorted(path for path in home.glob(f"{ASIDE}*") if path.is_dir())
    return (main, *(_aside(path) for path in asides))


def _aside(folder: Path) -> _House:
    lakes = (Lake(folder / LAKE),) if (folder / LAKE).exists() else ()
    return _House(folder, lakes, lambda: empty_folder(folder / _WAREHOUSE))


def _is_in(user_id: str | None, file: LakeFile) -> bool:
    if user_id is not None and file.shared:
        return bool(rows_of(file, user_id).any())
    return user_id in (None, file.user_id)


def _nothing(whose: Whose, left: Sequence[str], house: _House) -> SegueError:
    if whose.user_id is not None and whose.source is None:
        known = f"Known are: {', '.join(left)}." if left else "Nobody is known here yet."
        return UnknownUserError(whose.user_id, known=tuple(left), cure=known)
    sources = sorted(
        {
            file.partition
            for lake in house.lakes
            for file in lake.state().files
            if Whose(source=file.partition).takes(file) and _is_in(whose.user_id, file)
        }
    )
    of_user = "" if whose.user_id is None else f" of user “{whose.user_id}”"
    return ConfigError(
        f"there is nothing{of_user} from “{whose.source}” here",
        field="source",
        cure=f"There is something from: {', '.join(sources)}." if sources else "Nothing to do.",
    )
