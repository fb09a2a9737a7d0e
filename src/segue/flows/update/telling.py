"""The last step of an update: what happened, to whoever wants to be told; nothing is told twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from segue.errors import SignInError
from segue.flows.update.kept import every_place, made_playlist, published, told
from segue.flows.update.memory import UpdateMemory
from segue.flows.update.report import StepReport

if TYPE_CHECKING:
    from segue.flows.wiring import Wiring
    from segue.notifications.base import Message, Told

__all__ = ["tell_all"]

_BROKEN: Final = ("build", "train", "recommend", "publish")
_PATIENCE: Final = timedelta(hours=24)
"""So long collecting may fail for a reason that may pass before it is told."""

_SHOWN: Final = 10


@dataclass(frozen=True)
class _Pending:
    """Something to tell, and what to do when it is told."""

    message: Message
    after: Callable[[], None] = lambda: None


def tell_all(
    wiring: Wiring,
    memory: UpdateMemory,
    reports: Sequence[StepReport],
    *,
    now: datetime,
    dry_run: bool,
) -> StepReport:
    """Tell of refreshed playlists, of what failed, and of sign-ins that end soon.

    A refreshed playlist that could not be told of is told of the next time.

    Args:
        reports: Of the steps before.
    """
    pending = [
        *_refreshed(wiring, memory),
        *_stopped(memory, reports, now),
        *_broken(reports, now),
        *_expiring(wiring, now),
    ]
    if not pending:
        return StepReport("notify", "skipped", "there is nothing to tell")
    kinds = ", ".join(dict.fromkeys(one.message.kind for one in pending))
    if dry_run:
        return StepReport("notify", "planned", kinds)
    from segue.flows.notify import notify

    sent: list[tuple[Message, Told]] = []
    for one in pending:
        became = notify(wiring.settings, one.message, now=now)
        sent += [(one.message, place) for place in became]
        if all(place.state in ("sent", "already") for place in became):
            one.after()
    return _summed(sent)


def _summed(sent: Sequence[tuple[Message, Told]]) -> StepReport:
    details = tuple({"kind": message.kind, **told.as_dict()} for message, told in sent)
    failed = [told for _, told in sent if told.state == "failed"]
    if failed:
        words = f"{len(failed)} of {len(sent)} messages did not arrive: {failed[0].why}"
        cure = "Try the destinations with: segue notify test"
        return StepReport("notify", "failed", words, cure, details=details)
    if not sent:
        return StepReport("notify", "skipped", "nobody is to be told: see segue notify add")
    number = sum(told.state == "sent" for _, told in sent)
    words = f"{number} messages sent"
    if waiting := sum(told.state == "waits" for _, told in sent):
        words += f"; {waiting} were being sent when something died, and are tried again later"
    return StepReport("notify", "done", words, details=details)


def _refreshed(wiring: Wiring, memory: UpdateMemory) -> Iterator[_Pending]:
    """Playlists that changed somewhere and of which that was not told yet."""
    from segue.notifications.messages import playlist_refreshed

    for kept, place in every_place(wiring):
        last = published(memory, kept, place)
        if last is None or not last.detail.get("changed") or last.detail.get("told"):
            continue
        playlist = made_playlist(wiring, kept)
        if playlist is None:
            continue
        missing = last.detail.get("unmatched", [])
        if missing:
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            note = f"Not to be found there: {', '.join(missing[:_SHOWN])}{more}."
            playlist = replace(playlist, notes=(*playlist.notes, note))
        message = playlist_refreshed(
            playlist,
            where=str(last.detail.get("address") or place),
            added=last.detail.get("added"),
            removed=last.detail.get("removed"),
        )
        yield _Pending(message, partial(told, memory, kept, place))


def _stopped(
    memory: UpdateMemory, reports: Sequence[StepReport], now: datetime
) -> Iterator[_Pending]:
    """Sources of which nothing comes any more: at once, or after a day if it may pass by itself."""
    from segue.notifications.messages import collection_stopped

    details = [one for report in reports if report.step == "collect" for one in report.details]
    accounts = Counter((one.get("user"), one["source"]) for one in details)
    for one in details:
        error: dict[str, Any] | None = one.get("fault")
        if error is None:
            continue
        user, source = str(one.get("user", "")), str(one["source"])
        if accounts[user, source] > 1:  # one of several names there
            source = f"{source} {one['name']}"
        last = memory.deed(f"collected {source}", user)
        may_pass = error["may_pass"] and error["kind"] != SignInError.__name__
        if may_pass and (last is None or now - last.at < _PATIENCE):
            continue
        yield _Pending(
            collection_stopped(
                source=source,
                user_id=user,
                since=None if last is None else last.at,
                why=error["message"],
                cure=error["cure"],
            )
        )


def _broken(reports: Sequence[StepReport], now: datetime) -> Iterator[_Pending]:
    from segue.notifications.messages import build_failed

    for one in reports:
        if one.state == "failed" and one.step in _BROKEN:
            yield _Pending(build_failed(step=one.step, why=one.words, cure=one.cure, at=now))


def _expiring(wiring: Wiring, now: datetime) -> Iterator[_Pending]:
    from segue.flows.notify import expiring
    from segue.flows.spotify.names import SERVICE
    from segue.services.sign_ins import SignIns

    found = SignIns(wiring.services, SERVICE).all()
    for message in expiring(found, service=SERVICE, command="segue spotify login", now=now):
        yield _Pending(message)
