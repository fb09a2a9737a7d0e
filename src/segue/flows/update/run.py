"""Update: every step that has something to do, in order; what fails stops nothing else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final

from segue.errors import ConfigError, NotReadyError, SegueError
from segue.flows.home_parts import UPDATE
from segue.flows.update.kept import Kept, due_playlists, made, make, publish_to
from segue.flows.update.memory import UpdateMemory
from segue.flows.update.report import STEPS, StepName, StepReport, StepState, UpdateReport
from segue.sqlite import microseconds

if TYPE_CHECKING:
    from segue.flows.wiring import Wiring
    from segue.music.playlist import Playlist
    from segue.playlists.base import PublishReport
    from segue.progress import Progress
    from segue.warehouse.lake_manifest import Commit

__all__ = ["Wanted", "update", "updates"]

_log = logging.getLogger(__name__)

_NO_PLAYLISTS: Final = "no playlist is kept fresh: there is no [[playlists]] in segue.toml"
_BUILT: Final = "built"
_NOTHING_NEW: Final = ("feedback", "compaction", "forget")
"""Kinds of commits that bring nothing for a build to shape anew."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of an update.

    Args:
        only: Only these steps; empty: all.
        skip: Not these.
        users: Whose playlists; empty: everybody's. Building and training is for all together.
        at_once: Refresh playlists though they are not due.
        dry_run: Say what would be done, and change nothing.
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    at_once: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        for name in (*self.only, *self.skip):
            if name not in STEPS:
                raise ConfigError(
                    f"an update has no step “{name}”",
                    field="step",
                    cure=f"Its steps are: {', '.join(STEPS)}.",
                )

    def takes(self, step: StepName) -> bool:
        """Whether this step is wanted."""
        return step not in self.skip and (not self.only or step in self.only)


def update(
    wiring: Wiring,
    wanted: Wanted,
    *,
    clock: Callable[[], datetime],
    zone: tzinfo,
    progress: Progress,
    on_step: Callable[[StepReport], None] = lambda step: None,
) -> UpdateReport:
    """Bring everything up to date. Run it again after any interruption: it goes on.

    Args:
        clock: The time, aware UTC.
        zone: Whose clocks the settings mean.
        on_step: Told of each step as it is over.

    Raises:
        BusyError: Another update of this home is under way.
        StorageError: The home cannot be written.
        ConfigError: A setting cannot be used.
    """
    memory = UpdateMemory(wiring.home / UPDATE)
    if wanted.dry_run:
        return _Run(wiring, wanted, memory, clock, zone, progress, on_step).run()
    with memory.alone():
        report = _Run(wiring, wanted, memory, clock, zone, progress, on_step).run()
        memory.keep(report.as_dict())
    return report


def updates(wiring: Wiring, limit: int = 1) -> list[dict[str, Any]]:
    """Reports of past updates, the latest first, JSON-ready."""
    return UpdateMemory(wiring.home / UPDATE).reports(limit)


@dataclass
class _Run:
    """One update."""

    wiring: Wiring
    wanted: Wanted
    memory: UpdateMemory
    clock: Callable[[], datetime]
    zone: tzinfo
    progress: Progress
    on_step: Callable[[StepReport], None]
    reports: list[StepReport] = field(default_factory=list)
    playlists: dict[str, Playlist] = field(default_factory=dict)

    def run(self) -> UpdateReport:
        """All steps in their order."""
        began = self.clock()
        self.kept = due_playlists(
            self.wiring,
            self.memory,
            zone=self.zone,
            now=began,
            users=self.wanted.users,
            at_once=self.wanted.at_once,
        )
        steps: Mapping[StepName, Callable[[], StepReport]] = {
            "collect": self._collect,
            "build": self._build,
            "train": self._train,
            "recommend": self._recommend,
            "publish": self._publish,
            "notify": self._notify,
        }
        for step, do in steps.items():
            self._take(step, do)
        return UpdateReport(
            began, self.clock(), tuple(self.reports), self._requests(began), self.wanted.dry_run
        )

    def _take(self, step: StepName, do: Callable[[], StepReport]) -> None:
        started = time.perf_counter()
        try:
            report = do() if self.wanted.takes(step) else _skipped(step, "not wanted this time")
        except (SegueError, OSError) as error:
            report = _failed(step, error)
        report = replace(report, seconds=time.perf_counter() - started)
        _log.info("update: %s %s in %.1f s", step, report.state, report.seconds)
        self.reports.append(report)
        self.on_step(report)

    def _state(self, step: StepName) -> StepState | None:
        return next((one.state for one in self.reports if one.step == step), None)

    # --- data and models ------------------------------------------------------------------------

    def _collect(self) -> StepReport:
        from segue.flows.update.collecting import collect_all

        return collect_all(
            self.wiring,
            self.memory,
            clock=self.clock,
            dry_run=self.wanted.dry_run,
            progress=self.progress,
        )

    def _build(self) -> StepReport:
        from segue.flows.compact import compact_if_due
        from segue.flows.not_mine import build_by_rules

        wiring = self.wiring
        if not self._is_stale() and not self._is_ruled():
            return self._skipped_or_brought("build", "nothing is new since the last build")
        if self.wanted.dry_run:
            return StepReport("build", "planned", "there is something new to build")
        newest = self._newest()
        try:
            report = build_by_rules(
                wiring, zone=self.zone, clock=self.clock, progress=self.progress
            )
        except NotReadyError as error:
            return _skipped("build", error.message)
        self.memory.note(_BUILT, self.clock(), snapshot=report.snapshot, commit=newest)
        at_least = wiring.settings.compact_at
        compact_if_due(wiring.lake, at_least=at_least, progress=self.progress, now=self.clock())
        rows = {name: report.rows.get(name, 0) for name in ("plays", "tracks")}
        words = f"{rows['plays']:,} plays of {rows['tracks']:,} tracks{self._brought()}"
        return StepReport("build", "done", words, details=({"snapshot": report.snapshot, **rows},))

    def _is_stale(self) -> bool:
        """Whether the lake has something that the published marts have not, or a build failed."""
        from segue.warehouse.build_failure import read_failure

        snapshots = self.wiring.snapshots
        commits = self._commits()
        try:
            snapshot = snapshots.current()
        except NotReadyError:
            return True
        if read_failure(snapshots.folder) is not None:
            return True
        last = self.memory.deed(_BUILT)
        if last is not None and last.detail["snapshot"] == snapshot.name:
            return bool(last.detail["commit"] != self._newest())
        # built by hand; names of snapshots are exact to the second
        return any(one.made_at.replace(microsecond=0) > snapshot.made_at for one in commits)

    def _is_ruled(self) -> bool:
        """Whether rules of the settings say of other plays than before that they are not mine."""
        from segue.flows.not_mine import settle

        return not self.wanted.dry_run and settle(self.wiring, zone=self.zone, now=self.clock())

    def _commits(self) -> list[Commit]:
        """Those of the lake that a build has something to do about, oldest first."""
        return [one for one in self.wiring.lake.commits() if one.kind not in _NOTHING_NEW]

    def _newest(self) -> str:
        return max((one.commit_id for one in self._commits()), default="")

    def _train(self) -> StepReport:
        from segue.flows.train import train
        from segue.flows.update.training import note_training, training_due

        if self._state("build") == "failed":
            return _skipped("train", "the build failed")
        wiring, told = self.wiring, self.wiring.settings.training
        try:
            due = training_due(wiring, self.memory, self.clock())
            if not due.due:
                return self._skipped_or_brought("train", due.why)
            if self.wanted.dry_run:
                return StepReport("train", "planned", due.why)
            report = train(
                snapshot=wiring.snapshots.current(),
                bundles=wiring.bundles,
                training_sources=told.sources,
                seed=told.seed,
                threads=told.threads,
                left_out=told.left_out,
                refit=told.refit,
                engine=told.engine,
                spark=wiring.settings.spark,
                models=wiring.settings.models,
                progress=self.progress,
                now=self.clock(),
            )
        except NotReadyError as error:
            return _skipped("train", error.message)
        note_training(self.memory, report.bundle, due, self.clock())
        words = f"{len(report.sizes)} models of {report.tracks:,} tracks ({due.why})"
        words += self._brought()
        return StepReport("train", "done", words, details=({"bundle": report.bundle},))

    def _brought(self) -> str:
        """Bring marts and models to where others fetch them; in words, empty: nothing is new."""
        settings = self.wiring.settings
        if self.wanted.dry_run or not settings.training.publish_to:
            return ""
        from segue.flows.aws.made_elsewhere import publish_made

        done = publish_made(settings, self.clock())
        return f", brought to {settings.training.publish_to}" if done else ""

    def _skipped_or_brought(self, step: StepName, why: str) -> StepReport:
        """Nothing to do, unless an update was cut off before others could fetch what it made."""
        brought = self._brought()
        return StepReport(step, "done", f"{why}{brought}") if brought else _skipped(step, why)

    # --- playlists ------------------------------------------------------------------------------

    def _recommend(self) -> StepReport:
        if not self.wiring.settings.playlists:
            return _skipped("recommend", _NO_PLAYLISTS)
        if not self.kept:
            return _skipped("recommend", "no playlist is due")
        details, faults, again = [], [], 0
        for one in self.kept:
            entry = {"playlist": one.label, "user": one.user_id, "playlist_id": one.playlist_id}
            try:
                before = None if self.wanted.at_once else made(self.wiring, self.memory, one)
                again += before is not None
                dry = self.wanted.dry_run
                playlist = before or make(self.wiring, self.memory, one, dry_run=dry)
            except SegueError as error:
                faults.append(error)
                details.append(entry | _told(error))
                continue
            self.playlists[one.playlist_id] = playlist
            details.append(entry | {"tracks": len(playlist.tracks), "notes": list(playlist.notes)})
        words = f"{len(self.playlists)} of {len(self.kept)} playlists made"
        if again:
            words += f", {again} of them by an update before"
        return self._summed("recommend", words, details, faults)

    def _publish(self) -> StepReport:
        if not self.wiring.settings.playlists:
            return _skipped("publish", _NO_PLAYLISTS)
        if not self.kept:
            return _skipped("publish", "no playlist is due")
        if not self.wanted.takes("recommend"):
            found = ((one, made(self.wiring, self.memory, one)) for one in self.kept)
            self.playlists = {one.playlist_id: has for one, has in found if has is not None}
        if not self.playlists:
            return _skipped("publish", "no playlist was made")
        details, faults = [], []
        for one in self.kept:
            for place in one.places if one.playlist_id in self.playlists else ():
                entry = {"playlist": one.label, "user": one.user_id, "to": place}
                try:
                    report = self._published(one, place)
                except (SegueError, OSError) as error:
                    faults.append(error)
                    details.append(entry | _told(error))
                else:
                    details.append(entry | report.as_dict())
        words = f"{len(details) - len(faults)} of {len(details)} destinations have it"
        return self._summed("publish", words, details, faults)

    def _published(self, one: Kept, place: str) -> PublishReport:
        return publish_to(
            self.wiring,
            self.memory,
            one,
            place,
            self.playlists[one.playlist_id],
            clock=self.clock,
            dry_run=self.wanted.dry_run,
        )

    def _summed(
        self,
        step: StepName,
        words: str,
        details: Sequence[Mapping[str, Any]],
        faults: Sequence[Exception],
    ) -> StepReport:
        state: StepState = "planned" if self.wanted.dry_run else "done"
        if not faults:
            return StepReport(step, state, words, details=tuple(details))
        failed = _failed(step, faults[0])
        return replace(failed, words=f"{words}: {failed.words}", details=tuple(details))

    # --- telling --------------------------------------------------------------------------------

    def _notify(self) -> StepReport:
        from segue.flows.update.telling import tell_all

        return tell_all(
            self.wiring,
            self.memory,
            self.reports,
            now=self.clock(),
            dry_run=self.wanted.dry_run,
        )

    def _requests(self, since: datetime) -> dict[str, int]:
        """Requests that were made from then on, by service."""
        if not self.wiring.services.exists:
            return {}
        with self.wiring.services.reading() as db:
            rows = db.execute(
                "select service, count(*) from requests where at_us >= ? group by service"
                " order by service",
                (microseconds(since),),
            ).fetchall()
        return {str(service): int(number) for service, number in rows}


def _skipped(step: StepName, why: str) -> StepReport:
    return StepReport(step, "skipped", why)


def _failed(step: StepName, error: Exception) -> StepReport:
    if isinstance(error, SegueError):
        return StepReport(step, "failed", error.message, error.cure)
    return StepReport(step, "failed", f"the system refused: {error}")


def _told(error: Exception) -> dict[str, Any]:
    """An error, JSON-ready."""
    words = (error.message, error.cure) if isinstance(error, SegueError) else (str(error), "")
    return {"error": {"kind": type(error).__name__, "message": words[0], "cure": words[1]}}
