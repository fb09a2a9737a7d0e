"""What is published anew answers at once; what is damaged does not."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segue.features.from_marts import training_data
from segue.flows.online import Service
from segue.flows.wiring import Wiring
from segue.flows.wishes import Wishes
from segue.music.event import Event
from segue.recommenders.bundle import Bundle, BundleStore
from segue.recommenders.popular import Popular
from segue.settings import Settings
from segue.warehouse.snapshots import Snapshot, SnapshotStore
from tests.flows.world import World, world
from tests.tiny import NOW, days_ago

TRACKS = [
    {"track_id": f"t{n:02}", "title": f"Song {n}", "artist": f"A{n}", "popularity": float(n)}
    for n in range(40)
]


@dataclass
class Served:
    """A home and what is served of it."""

    folder: Path
    world: World
    service: Service

    def train(self, popularity: int) -> Bundle:
        """Publish models that answer something else."""
        rows = [{**one, "popularity": float(popularity * n % 41)} for n, one in enumerate(TRACKS)]
        tracks = self.world.bundle.catalogue.tracks
        at = tracks.schema.get_field_index("popularity")
        column = [float(popularity * n % 41) for n in range(len(rows))]
        data = training_data(tracks.set_column(at, tracks.schema.field(at), [column]), as_of=NOW)
        return BundleStore(self.folder / "models").publish(
            [Popular().fit(data)],
            data.catalogue,
            snapshot=self.world.snapshot.name,
            trained_at=NOW,
        )

    def build(self) -> Snapshot:
        """Publish a history with one play more."""
        plays = self.world.tables["plays"]

        def write(into: Path) -> None:
            for name, table in self.world.tables.items():
                pq.write_table(table, into / f"{name}.parquet")
            pq.write_table(plays.slice(0, plays.num_rows - 1), into / "plays.parquet")

        return SnapshotStore(self.folder / "snapshots").publish(write, now=NOW)

    def looks(self) -> None:
        """Let the service look at once for what is new, and wait until it has taken it."""
        self.service.settled()
        self.service._shelf._looked = 0.0  # as if a second had passed
        self.service.health()
        self.service.settled()

    def tracks(self) -> list[str]:
        answer = self.service.recommendations("ann", Wishes(size=5))
        return [track.track_id for track in answer.tracks]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    folder = tmp_path_factory.mktemp("made")
    plays = [("ann", "t01", days_ago(3)), ("ann", "t02", days_ago(2)), ("ann", "t03", days_ago(1))]
    return folder, world(folder, TRACKS, plays)


@pytest.fixture
def served(tmp_path: Path, made: tuple[Path, World]) -> Iterator[Served]:
    shutil.copytree(made[0], tmp_path, dirs_exist_ok=True)
    service = Service.open(Wiring(Settings(home=tmp_path)), clock=lambda: NOW)
    yield Served(tmp_path, made[1], service)
    service.close()


def _flip(path: Path, at: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(at * (len(data) - 1))] ^= 0xFF
    path.write_bytes(data)


def test_new_models_answer_without_a_restart(served: Served) -> None:
    before = served.tracks()
    bundle = served.train(7)
    served.looks()
    assert served.service.health().bundle == bundle.name
    assert served.tracks() != before


def test_a_new_history_counts_without_a_restart(served: Served) -> None:
    assert served.service.profile("ann").plays == 3
    snapshot = served.build()
    served.looks()
    assert served.service.health().snapshot == snapshot.name
    assert served.service.profile("ann").plays == 2


def test_nobody_waits_while_newer_models_are_opened(served: Served) -> None:
    failures: list[Exception] = []
    ended = threading.Event()

    def ask() -> None:
        n = 0
        while not ended.is_set():
            n += 1
            try:
                event = Event(f"e{threading.get_ident()}-{n}", "ann", f"t{n % 20:02}", "like", NOW)
                served.service.log.append([event], NOW).result()
                assert served.tracks()
            except Exception as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for popularity in (3, 5, 7):
        name = served.train(popularity).name
        served.looks()
        assert served.service.health().bundle == name
    ended.set()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize(
    ("file", "at"),
    [("tracks.arrow", 0.5), ("popular/scores.npy", 1.0), ("track_search/words.arrow", 0.2)],
)
def test_damaged_models_are_refused_and_the_old_ones_answer(
    served: Served, file: str, at: float
) -> None:
    before, old = served.tracks(), served.service.health().bundle
    new = served.train(11)
    _flip(served.folder / "models" / new.name / file, at)
    served.looks()
    health = served.service.health()
    assert health.ready
    assert health.bundle == old
    assert file in health.trouble[0]
    assert "segue train" in health.trouble[0]
    assert served.tracks() == before
    good = served.train(13)
    served.looks()
    assert served.service.health().bundle == good.name
    assert served.service.health().trouble == ()


def test_a_damaged_history_is_refused(served: Served) -> None:
    old = served.service.health().snapshot
    new = served.build()
    path = new.folder / "plays.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    served.looks()
    health = served.service.health()
    assert (health.ready, health.snapshot) == (True, old)
    assert "plays.parquet" in health.trouble[0]
    assert served.service.profile("ann").plays == 3


def test_at_the_beginning_the_models_before_stand_in_for_damaged_ones(served: Served) -> None:
    old = served.world.bundle.name
    new = served.train(11)
    (served.folder / "models" / new.name / "bundle.json").unlink()
    service = Service.open(Wiring(Settings(home=served.folder)), clock=lambda: NOW)
    assert service.health().bundle == old
    assert "bundle.json" in service.health().trouble[0]
    assert service.recommendations("ann", Wishes(size=5)).tracks
    service.settled()
    service.close()


def test_damage_in_the_middle_is_found_after_the_beginning(served: Served) -> None:
    old = served.world.bundle.name
    new = served.train(11)
    manifest = served.folder / "models" / new.name / "bundle.json"
    text = manifest.read_text()
    at = text.index('"sha256": "') + len('"sha256": "')
    manifest.write_text(text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :])
    service = Service.open(Wiring(Settings(home=served.folder)), clock=lambda: NOW)
    assert service.health().ready
    service.settled()
    assert service.health().bundle == old
    assert "was changed" in service.health().trouble[0]
    service.close()


def test_it_becomes_ready_when_the_first_models_are_there(
    tmp_path: Path, made: tuple[Path, World]
) -> None:
    home = tmp_path / "home"
    service = Service.open(Wiring(Settings(home=home)), clock=lambda: NOW)
    assert not service.health().ready
    for part in ("snapshots", "models"):
        shutil.copytree(made[0] / part, home / part)
    service._shelf._looked = 0.0  # as if a second had passed
    service.health()
    service.settled()
    assert service.health().ready
    assert service.recommendations("ann", Wishes(size=5)).tracks
    service.close()


def test_what_was_told_is_noted_and_forgotten(served: Served) -> None:
    answer = served.service.recommendations("ann", Wishes(size=5))
    served.service.recommendations("ann", Wishes(size=5))
    served.service.settled()
    noted = served.service.recommended.find(answer.recommendation_id)
    assert noted is not None
    assert noted.user_id == "ann"
    assert list(noted.track_ids) == [track.track_id for track in answer.tracks]
    served.service.forget("ann")
    assert served.service.recommended.find(answer.recommendation_id) is None


def test_another_process_learns_who_was_forgotten(served: Served) -> None:
    other = Service.open(Wiring(Settings(home=served.folder)), clock=lambda: NOW)
    assert other.profile("ann").plays == 3
    before = other.recommendations("ann", Wishes(size=5))
    assert other.at_hand("ann", Wishes(size=5)) is before
    served.service.forget("ann")
    other._people._looked = 0.0  # as if a second had passed
    assert other.at_hand("ann", Wishes(size=5)) is None
    after = other.recommendations("ann", Wishes(size=5))
    assert after.recommendation_id != before.recommendation_id
    assert after.body == other.recommendations("ann", Wishes(size=5)).body
    other.close()
