"""`segue export`, and `segue import` of what it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.music import columns as c
from segue.warehouse.snapshots import SnapshotStore
from tests.doors.home import Home

pytestmark = pytest.mark.xdist_group("trained")


def _plays(home: Home) -> list[dict[str, object]]:
    snapshot = SnapshotStore(home.folder / "snapshots").current()
    rows: list[dict[str, object]] = snapshot.read("plays").to_pylist()
    return sorted(rows, key=lambda row: (str(row[c.PLAYED_AT]), str(row["play_id"])))


# what a catalogue that is not imported again would tell: how long a track is
_BY_CATALOGUE = ("finished",)
# made of how a track was named, which published plays no longer tell of each
_BY_REFERENCE = ("play_id", "session_id")


def _without(rows: list[dict[str, object]], *columns: str) -> list[dict[str, object]]:
    return [{name: row[name] for name in row if name not in columns} for row in rows]


def test_raw_rows_become_the_same_plays_in_another_home(
    trained: Home, home: Home, tmp_path: Path
) -> None:
    said = trained("export", tmp_path / "mine", "--format", "csv", "--user", "me", "--raw").ok()
    assert "raw/plays.csv" in said.out
    total = home("import", "--json", tmp_path / "mine").ok().json["total"]
    assert total["rejected"] == {}
    assert total["read"] == total["kept"]
    home("build").ok()
    assert _without(_plays(home), *_BY_CATALOGUE) == _without(_plays(trained), *_BY_CATALOGUE)
    again = home("import", "--json", tmp_path / "mine").ok().json["total"]
    assert again["kept"] == 0


def test_published_plays_become_the_same_plays(trained: Home, home: Home, tmp_path: Path) -> None:
    trained("export", tmp_path / "mine", "--tables", "plays,tracks", "--json").ok()
    home("import", tmp_path / "mine").ok()
    home("build").ok()
    left_out = (*_BY_CATALOGUE, *_BY_REFERENCE)

    def facts(of: Home) -> list[dict[str, object]]:
        rows = _without(_plays(of), *left_out)
        return sorted(rows, key=lambda row: (str(row[c.PLAYED_AT]), str(row[c.TRACK_ID])))

    assert facts(home) == facts(trained)


def test_refusals(trained: Home, home: Home, tmp_path: Path) -> None:
    home("export", tmp_path / "out").refused("nothing has been built yet", "segue build")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    trained("export", tmp_path / "full", "--force").refused("holds other files")
    trained("export", tmp_path / "out", "--tables", "playz").refused("did you mean plays", code=2)
    trained("export", tmp_path / "out", "--user", "eve").refused("no user “eve”")
    trained("export", tmp_path / "plays", "--tables", "plays").ok()
    home("import", tmp_path / "plays").refused("tracks.parquet", "is not there")
    assert not (tmp_path / "out").exists()
