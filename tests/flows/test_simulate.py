"""The simulate flow: real files, whole or not at all, the same bytes for the same settings."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from segue.errors import BusyError, ConfigError
from segue.flows.simulate import simulate
from segue.music import columns as c
from segue.progress import Silent
from segue.sources.base import ReadOptions
from segue.sources.inputs import open_input
from segue.sources.simulation import SimulationReport, SimulationSettings
from segue.sources.spotify_export import SpotifyExport
from segue.sources.spotify_library import SpotifyLibrary
from segue.sources.spotify_playlists import SpotifyPlaylists
from segue.sources.track_table import TrackTable

SMALL = SimulationSettings(
    end=datetime(2026, 11, 1, tzinfo=UTC),
    users=12,
    tracks=1500,
    plays_per_user=300,
    days=200,
    histories=2,
    history_plays=1200,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SimulationReport:
    return simulate(SMALL, tmp_path_factory.mktemp("made") / "world", Silent())


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def export_rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if "Streaming_History_Audio" in name:
                rows += json.loads(archive.read(name))
    return rows


def test_same_settings_write_the_same_bytes(made: SimulationReport, tmp_path: Path) -> None:
    again = simulate(SMALL, tmp_path / "again", Silent())
    assert digests(again.out) == digests(made.out)
    other = simulate(replace(SMALL, seed=18), tmp_path / "other", Silent())
    assert digests(other.out)["crowd.parquet"] != digests(made.out)["crowd.parquet"]


def test_shards_and_workers_change_no_play(made: SimulationReport, tmp_path: Path) -> None:
    settings = replace(SMALL, shard_plays=1000, workers=2)
    sharded = simulate(settings, tmp_path / "sharded", Silent())
    assert len(sharded.crowd) > 2
    whole = pq.read_table(made.crowd[0])
    parts = [pq.read_table(path).to_pylist() for path in sharded.crowd]
    assert [row for part in parts for row in part] == whole.to_pylist()
    assert sharded.crowd_statistics == made.crowd_statistics
    for user, path in made.histories.items():
        assert sharded.histories[user].read_bytes() == path.read_bytes()


def test_report_tells_what_is_there(made: SimulationReport) -> None:
    assert made.crowd_plays == pq.read_metadata(made.crowd[0]).num_rows
    assert set(made.histories) == {"user_000000", "user_000001"}
    told = json.loads((made.out / "simulation.json").read_text(encoding="utf-8"))
    assert told["settings"]["seed"] == 17
    assert told["report"]["crowd"] == ["crowd.parquet"]
    truth = pq.read_table(made.out / "truth.parquet").to_pydict()
    assert len(set(truth["user_id"])) == 10
    assert sum(truth["share_last"]) == pytest.approx(10, abs=0.01)


def test_catalogue_has_kaggle_columns_and_one_row_a_track_and_genre(
    made: SimulationReport,
) -> None:
    with made.catalogue.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:5] == ["", "track_id", "artists", "album_name", "track_name"]
    assert list(rows[0])[-3:] == ["track_genre", "year", "release_date"]
    assert len(rows) == made.catalogue_rows > made.tracks
    assert len({row["track_id"] for row in rows}) == made.tracks == 1500
    assert len({(row["track_id"], row["track_genre"]) for row in rows}) == len(rows)
    assert all(len(row["track_id"]) == 22 and row["track_id"].isalnum() for row in rows)
    assert all(0 <= float(row["energy"]) <= 1 and row["release_date"] < "2026-11" for row in rows)
    assert any(";" in row["artists"] for row in rows)


def test_crowd_names_tracks_of_the_catalogue_in_order(made: SimulationReport) -> None:
    with made.catalogue.open(encoding="utf-8", newline="") as file:
        titles = {row["track_id"]: row["track_name"] for row in csv.DictReader(file)}
    crowd = pq.read_table(made.crowd[0]).to_pylist()
    assert all(titles[row["track_uri"].split(":")[2]] == row["track_name"] for row in crowd)
    for before, row in pairwise(crowd):
        if before["session_id"] == row["session_id"]:
            assert row["position"] == before["position"] + 1
            gap = (row["played_at"] - before["played_at"]).total_seconds() * 1000
            assert gap >= before["ms_played"]


def test_export_looks_like_spotify_s(made: SimulationReport) -> None:
    with zipfile.ZipFile(made.histories["user_000000"]) as archive:
        names = archive.namelist()
        library = json.loads(archive.read("Spotify Account Data/YourLibrary.json"))
        playlists = json.loads(archive.read("Spotify Account Data/Playlist1.json"))["playlists"]
        assert archive.testzip() is None
    assert "Spotify Extended Streaming History/Streaming_History_Audio_2026_0.json" in names
    assert {"artist", "album", "track", "uri"} == set(library["tracks"][0])
    assert playlists[0]["items"][0]["track"]["trackUri"].startswith("spotify:track:")
    rows = export_rows(made.histories["user_000000"])
    assert {len(row) for row in rows} == {23}
    assert any(row["episode_name"] for row in rows)
    assert any(row["skipped"] for row in rows)
    assert all(row["ip_addr"].startswith(("192.0.2.", "198.51.100.")) for row in rows)


def test_sources_read_what_was_written_and_reject_only_the_podcasts_and_the_nameless(
    made: SimulationReport,
) -> None:
    options = ReadOptions(user_id="me", name="simulated", now=SMALL.end)
    found: dict[str, int] = {}
    rejected: dict[str, int] = {}
    inputs = [made.histories["user_000000"], made.catalogue]
    for path in inputs:
        with open_input(path) as opened:
            for file in opened.files:
                for source in (SpotifyExport(), SpotifyLibrary(), SpotifyPlaylists(), TrackTable()):
                    for chunk in source.read(file, options) if source.claims(file) else ():
                        found[chunk.table.name] = found.get(chunk.table.name, 0) + len(chunk.rows)
                        for reason in chunk.rejects[c.REASON].to_pylist():
                            rejected[reason] = rejected.get(reason, 0) + 1
    truth = json.loads((made.out / "truth.json").read_text(encoding="utf-8"))
    rows = truth["users"]["user_000000"]["rows"]
    assert found["plays"] == rows["streams"]
    assert sum(rejected.values()) == rows["podcasts"] + rows["nameless"]
    assert found["catalogue"] == made.catalogue_rows
    assert found["library"] > 20
    assert found["playlist_items"] > 20


def test_plays_of_an_export_never_overlap(made: SimulationReport) -> None:
    for path in made.histories.values():
        ended = datetime(1970, 1, 1, tzinfo=UTC)
        for row in export_rows(path):
            end = datetime.fromisoformat(row["ts"])
            assert end - timedelta(milliseconds=row["ms_played"]) >= ended
            assert end < SMALL.end
            ended = end


def test_long_history_is_split_and_repeats_rows_across_files(tmp_path: Path) -> None:
    settings = replace(SMALL, users=1, histories=1, history_plays=20_000, days=700)
    report = simulate(settings, tmp_path / "long", Silent())
    with zipfile.ZipFile(report.histories["user_000000"]) as archive:
        files = [name for name in archive.namelist() if "Audio" in name]
    assert len(files) == 2
    rows = export_rows(report.histories["user_000000"])
    assert len(rows) - len({json.dumps(row) for row in rows}) == 3
    assert report.crowd == ()
    assert report.crowd_statistics is None


def test_earlier_simulation_is_replaced_but_nothing_else(tmp_path: Path) -> None:
    small = replace(SMALL, users=2, histories=1)
    first = simulate(small, tmp_path / "world", Silent())
    again = simulate(replace(small, seed=3), tmp_path / "world", Silent())
    assert again.out == first.out
    assert json.loads((again.out / "simulation.json").read_text())["settings"]["seed"] == 3
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match="not empty"):
        simulate(small, mine, Silent())
    with pytest.raises(ConfigError, match="is a file"):
        simulate(small, mine / "letter.txt", Silent())
    assert (mine / "letter.txt").read_text() == "dear"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "world"]


RUN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from segue.flows.simulate import simulate
from segue.progress import Silent
from segue.sources.simulation import SimulationSettings
end = datetime(2026, 11, 1, tzinfo=UTC)
settings = SimulationSettings(end=end, tracks=2000, users=3000, plays_per_user=2000)
simulate(settings, Path(sys.argv[1]), Silent())
"""


def test_killed_run_leaves_the_old_world_and_the_next_run_clears_up(tmp_path: Path) -> None:
    out = tmp_path / "world"
    small = replace(SMALL, users=2, histories=1)
    simulate(small, out, Silent())
    before = digests(out)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(out)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    partial = tmp_path / ".world.partial"
    waited = time.monotonic() + 60
    while not (partial / "crowd").exists() and time.monotonic() < waited:
        time.sleep(0.02)
    with pytest.raises(BusyError):
        simulate(small, out, Silent())
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert partial.exists()
    assert digests(out) == before
    simulate(small, out, Silent())
    assert [path.name for path in tmp_path.iterdir()] == ["world"]
    assert digests(out) == before
