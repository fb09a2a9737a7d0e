"""Import, end to end with a real lake: accounts, faults, hints, and the report."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.errors import BusyError, SourceError, StorageError
from segue.flows.ingest import ingest
from segue.flows.ingest_report import IngestReport
from segue.music.account import Account
from segue.music.lake_tables import CATALOGUE, PLAYS
from segue.sources.base import Chunk, FileSource, InputFile, Kind, ReadOptions
from segue.sources.inputs import InputLimits
from segue.warehouse.lake import Lake
from tests.support import OPTIONS, ListCatalogue, ListSource, play_rows, reject_rows

ONE, TWO, THREE = (0, "Ann", "One"), (5, "Bob", "Two"), (9, "Cat", "Three")
PODCASTS = reject_rows(*[("more.list", row, "podcast") for row in range(1, 10)])

HISTORY = ListSource(
    {
        "plays.list": [Chunk(PLAYS, play_rows(ONE, TWO, ONE))],
        "more.list": [Chunk(PLAYS, play_rows(TWO, THREE), PODCASTS)],
        "empty.list": [],
        "broken.list": [
            Chunk(PLAYS, play_rows(ONE, (77, "Dee", "Four")), reject_rows(("broken.list", 9, "x"))),
            SourceError("not a list", path="/in/x", member="broken.list", row=3),
        ],
    }
)
TRACKS = ListCatalogue({"tracks.csv": [Chunk(CATALOGUE, CATALOGUE.schema.empty_table())]})


class Steps:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.total: float = 0
        self.went: float = 0

    def start(self, label: str, total: float | None = None, unit: str = "") -> None:
        self.lines.append(f"{label} [{unit}]" if unit else label)
        self.total += total or 0

    def advance(self, amount: float = 1) -> None:
        self.went += amount

    def done(self, note: str = "") -> None:
        self.lines.append(f"  {note}")


def make(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"some bytes of a file")
    return folder


def run(
    lake: Lake,
    *inputs: Path,
    kind: Kind = "history",
    sources: Sequence[FileSource] = (HISTORY, TRACKS),
    skip_broken: bool = False,
) -> IngestReport:
    return ingest(
        inputs, sources=sources, kind=kind, lake=lake, options=OPTIONS, skip_broken=skip_broken
    )


def titles(lake: Lake) -> list[str]:
    tables = [pq.ParquetFile(file.path).read(["title"]) for file in lake.files("plays")]
    return pa.concat_tables(tables)["title"].to_pylist() if tables else []


def refusal(report: IngestReport) -> SourceError:
    (failed,) = report.failed
    assert isinstance(failed.error, SourceError)
    assert report.total == Account()
    return failed.error


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "home" / "lake", threads=2)


def test_a_folder_with_every_row_accounted_for(lake: Lake, tmp_path: Path) -> None:
    folder = make(tmp_path / "in", "plays.list", "more.list", "ReadMe.pdf", "inner.zip")
    report = run(lake, folder)
    (one,) = report.inputs
    assert {file.file: file.account for file in one.files} == {
        "more.list": Account(read=11, kept=2, rejected={"podcast": 9}),
        "plays.list": Account(read=3, kept=1, duplicate=2),
    }
    assert report.total == Account(read=14, kept=3, duplicate=2, rejected={"podcast": 9})
    assert one.ignored == ("ReadMe.pdf",)
    assert one.unopened == ("inner.zip",)
    assert [example.row for example in one.examples["podcast"]] == [1, 2, 3, 4, 5]
    assert titles(lake) == ["Two", "Three", "One"]
    (commit,) = lake.commits()
    assert commit.commit_id == one.commit_id
    assert commit.total == report.total


def test_the_report_as_json(lake: Lake, tmp_path: Path) -> None:
    folder = make(tmp_path / "in", "more.list")
    report = json.loads(json.dumps(run(lake, folder, tmp_path / "nowhere").as_dict()))
    account = {"read": 11, "kept": 2, "duplicate": 0, "rejected": {"podcast": 9}}
    assert report["total"] == account
    file = {"file": "more.list", "source": "list", **account}
    assert report["files"] == [{"input": str(folder), **file}]
    good, bad = report["inputs"]
    assert good["files"] == [file]
    assert good["error"] is None
    assert good["examples"]["podcast"][0] == {
        "file": "more.list",
        "row": 1,
        "field": None,
        "detail": None,
    }
    assert bad["files"] == []
    assert "no such file" in bad["error"]["message"]
    assert bad["error"]["cure"]


def test_importing_again_keeps_nothing(lake: Lake, tmp_path: Path) -> None:
    folder = make(tmp_path / "in", "plays.list", "more.list")
    run(lake, folder)
    again = run(lake, folder)
    assert again.total == Account(read=14, duplicate=5, rejected={"podcast": 9})
    assert not again.failed
    assert len(titles(lake)) == 3


def test_inputs_fail_alone(lake: Lake, tmp_path: Path) -> None:
    bad = make(tmp_path / "bad", "plays.list", "broken.list")
    good = make(tmp_path / "good", "more.list")
    report = run(lake, bad, good)
    (failed,) = report.failed
    assert failed.input == bad
    assert "broken.list, row 3" in str(failed.error)
    assert report.total.kept == 2
    assert sorted(titles(lake)) == ["Three", "Two"]


def test_a_broken_file_may_be_skipped(lake: Lake, tmp_path: Path) -> None:
    folder = make(tmp_path / "in", "broken.list", "plays.list")
    report = run(lake, folder, skip_broken=True)
    assert not report.failed
    broken, good = report.inputs[0].files
    assert broken.error is not None
    assert broken.account == Account()
    assert good.account == Account(read=3, kept=2, duplicate=1)
    assert "x" not in report.inputs[0].examples
    assert sorted(titles(lake)) == ["One", "Two"]
    assert lake.commits()[0].broken == ("broken.list",)
    assert "not a list" in report.as_dict()["files"][0]["error"]["message"]


def test_nothing_but_broken_files(lake: Lake, tmp_path: Path) -> None:
    folder = make(tmp_path / "in", "broken.list")
    assert "not a list" in refusal(run(lake, folder, skip_broken=True)).message
    assert lake.commits() == ()


def test_an_empty_export(lake: Lake, tmp_path: Path) -> None:
    error = refusal(run(lake, make(tmp_path / "in", "empty.list")))
    assert "the export is empty" in error.message
    assert "empty.list" in error.message
    assert lake.commits() == ()
    both = run(lake, make(tmp_path / "both", "empty.list", "plays.list"))
    assert both.total.kept == 2


def test_nothing_recognised_says_what_was_seen_and_expected(lake: Lake, tmp_path: Path) -> None:
    names = [f"{letter}.txt" for letter in "abcdefgh"]
    error = refusal(run(lake, make(tmp_path / "in", *names)))
    assert "a.txt, b.txt, c.txt, d.txt, e.txt and 3 more" in error.message
    assert ListSource.title in error.cure
    assert ListCatalogue.title not in error.cure


def test_a_catalogue_given_as_a_history(lake: Lake, tmp_path: Path) -> None:
    class Crowd(ListSource):
        kind = "crowd"

    sources = [Crowd({"tracks.csv": []}), HISTORY, TRACKS]  # it may pass for either: say the likely
    folder = make(tmp_path / "in", "tracks.csv")
    assert "segue catalogue add" in refusal(run(lake, folder, sources=sources)).cure
    assert (
        "segue import"
        in refusal(run(lake, make(tmp_path / "in2", "plays.list"), kind="catalogue")).cure
    )


def test_an_archive_in_the_archive(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner.zip", b"PK")
    assert "unpack it first" in refusal(run(lake, path)).cure


def test_an_archive_in_a_folder_is_to_be_named(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "my files").mkdir()
    (tmp_path / "my files" / "inner.zip").write_bytes(b"PK")
    cure = refusal(run(lake, tmp_path / "my files")).cure
    assert f"segue import '{tmp_path}/my files/inner.zip'" in cure


def test_limits_hold(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("plays.list", b"x" * 100)
    report = ingest(
        [path],
        sources=[HISTORY],
        kind="history",
        lake=lake,
        options=OPTIONS,
        limits=InputLimits(max_member_bytes=10),
    )
    assert "10 bytes" in refusal(report).message


def test_a_source_that_breaks_its_word(lake: Lake, tmp_path: Path) -> None:
    rows = play_rows(ONE)
    null = rows.set_column(0, rows.schema.field(0), pa.array([None], pa.string()))
    for wrong, why in [(rows.drop_columns(["title"]), "do not fit"), (null, "without user_id")]:
        source = ListSource({"plays.list": [Chunk(PLAYS, wrong)]})
        error = refusal(run(lake, make(tmp_path / "in", "plays.list"), sources=[source]))
        assert why in error.message
    assert lake.commits() == ()


def test_progress_counts_all_bytes(lake: Lake, tmp_path: Path) -> None:
    steps = Steps()
    folder = make(tmp_path / "in", "plays.list", "more.list")
    ingest(
        [folder, tmp_path / "nowhere", make(tmp_path / "x", "empty.list")],
        sources=[HISTORY],
        kind="history",
        lake=lake,
        options=OPTIONS,
        progress=steps,
    )
    assert steps.went == steps.total == 60
    assert steps.lines == [
        "Reading in [bytes]",
        "  14 rows in 2 files",
        "Storing in",
        "  3 new, 2 known already",
        "Reading x [bytes]",
        "  refused",
    ]


def test_siblings_are_offered(lake: Lake, tmp_path: Path) -> None:
    seen: list[list[str]] = []

    class Curious(ListSource):
        def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
            seen.append(sorted(options.siblings))
            return super().read(file, options)

    source = Curious({"plays.list": [Chunk(PLAYS, play_rows(ONE))]})
    run(lake, make(tmp_path / "in", "plays.list", "names.dat"), sources=[source])
    assert seen == [["names.dat", "plays.list"]]


def test_busy_and_unwritable_homes_are_errors_of_the_whole_import(
    lake: Lake, tmp_path: Path
) -> None:
    folder = make(tmp_path / "in", "plays.list")
    with lake.writing(), pytest.raises(BusyError):
        run(lake, folder)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        run(Lake(tmp_path / "file" / "lake"), folder)


def test_a_fault_in_a_source_leaves_nothing(lake: Lake, tmp_path: Path) -> None:
    class Faulty(ListSource):
        def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
            yield from super().read(file, options)
            raise ZeroDivisionError

    source = Faulty({"plays.list": [Chunk(PLAYS, play_rows(ONE))]})
    with pytest.raises(ZeroDivisionError):
        run(lake, make(tmp_path / "in", "plays.list"), sources=[source])
    assert [path.name for path in lake.folder.rglob("*") if path.is_file()] == ["lock"]
