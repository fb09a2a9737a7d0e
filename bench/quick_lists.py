"""What quick lists are worth beside full ones: of plays still to come, and of each other."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.latency import N_TRACKS
from bench.serve import home_of
from bench.service_home import USERS_A_FILE, user_name
from bench.world import World
from segue.flows.listener import Person
from segue.flows.making import Making
from segue.flows.online import Service
from segue.flows.online.shelf import Opened
from segue.flows.pool import Known
from segue.flows.quick import QuickMaking
from segue.flows.wiring import Wiring
from segue.flows.wishes import Wishes
from segue.settings import Settings

__all__ = ["run"]

_FILES: Final = 100
_A_FILE: Final = 4
_TO_COME: Final = 300
_SEED: Final = 3
_SIZE: Final = 30

Rows = npt.NDArray[np.int64]


def run(folder: Path) -> list[str]:
    """Compare them for 400 users of a home of `bench.service_home`.

    Args:
        folder: The home, of full size; read only.
    """
    hits: dict[str, list[float]] = defaultdict(list)
    same: dict[str, list[float]] = defaultdict(list)
    ms: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        wiring = Wiring(Settings(home=home_of(folder, Path(scratch) / "home")))
        service = Service.open(wiring, clock=lambda: datetime.now(UTC))
        try:
            opened = service.opened
            for user_id, to_come in _listeners():
                found = {}
                for name, (how, only) in _WAYS.items():
                    person = _person(service, opened, user_id)
                    began = time.thread_time()
                    found[name] = _list(opened, person, how, only)
                    ms[name].append(1000 * (time.thread_time() - began))
                known = opened.bundle.catalogue.rows(sorted(person.listener.known))
                new = np.setdiff1d(to_come, known)
                for name, rows in found.items():
                    hits[name].append(_ndcg(rows, new))
                    same[name].append(float(np.isin(found["full"], rows).mean()))
        finally:
            service.close()
    return [
        f"| list of {_SIZE}, {_FILES * _A_FILE} users | NDCG | of a full list | processor, p50 |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {np.mean(hits[name]):.3f} | {np.mean(same[name]):.0%} "
            f"| {np.median(ms[name]):.1f} ms |"
            for name in _WAYS
        ),
    ]


_WAYS: Final[dict[str, tuple[type[Making], str | None]]] = {
    "full": (Making, None),
    "quick": (QuickMaking, None),
    "popular": (Making, "popular"),
}


def _listeners() -> Iterator[tuple[str, Rows]]:
    """Some users, and tracks drawn to their taste as those of their history were."""
    world, rng = World(N_TRACKS), np.random.default_rng(_SEED)
    for file in rng.permutation(1_000)[:_FILES].tolist():
        first = file * USERS_A_FILE
        homes = world.homes(USERS_A_FILE, np.random.default_rng((world.seed, 5, first)))
        for place in rng.permutation(USERS_A_FILE)[:_A_FILE].tolist():
            drawn = np.random.default_rng((_SEED, first + place))
            yield user_name(first + place), world.draw(homes, np.full(_TO_COME, place), drawn)


def _person(service: Service, opened: Opened, user_id: str) -> Person:
    """The user as if nothing was in memory."""
    people = service._people
    people.drop(user_id)
    somebody = people.get(user_id, opened)
    return people.person(somebody, service._moment(somebody, opened), opened)


def _list(opened: Opened, person: Person, how: type[Making], only: str | None) -> Rows:
    bundle = opened.bundle
    making = how(bundle, person, Wishes(size=_SIZE), (), Known(bundle.catalogue), only)
    return bundle.catalogue.rows([track.track_id for track in making.playlist().tracks])


def _ndcg(rows: Rows, relevant: Rows) -> float:
    """Hits discounted by place over the best possible list (Järvelin and Kekäläinen 2002)."""
    gain = 1 / np.log2(np.arange(2, _SIZE + 2))
    found = (np.isin(rows, relevant) * gain[: len(rows)]).sum()
    return float(found / gain[: min(_SIZE, len(relevant))].sum())


if __name__ == "__main__":
    print("\n".join(run(Path(sys.argv[1]))))
