"""The account of an import as people read it."""

from __future__ import annotations

from pathlib import Path

from segue.doors.cli.accounts import account_lines, failure_lines
from segue.errors import SourceError
from segue.flows.ingest_report import FileReport, IngestReport, InputReport, RejectExample
from segue.music.account import Account
from tests.doors.home import Home

OLD = RejectExample("data/b.json", 7, "ts", "“1970-01-01”")


def entry(*files: tuple[str, Account], **other: object) -> InputReport:
    reports = tuple(FileReport(name, "spotify_export", account) for name, account in files)
    return InputReport(Path("/in/a.zip"), reports, **other)  # type: ignore[arg-type]  # any field


def test_a_line_a_file_aligned_and_the_shared_folder_once() -> None:
    both = entry(
        ("data/a.json", Account(12_000, 11_990, 10)),
        ("data/b.json", Account(2, 0, 0, {"too_old_timestamp": 2})),
        examples={"too_old_timestamp": [OLD]},
        ignored=("x.pdf",),
    )
    assert account_lines(IngestReport((both,))) == [
        "/in/a.zip",
        "    read    kept  duplicate  rejected  file in data/",
        "  12,000  11,990         10         0  a.json",
        "       2       0          0         2  b.json",
        "  12,002 read = 11,990 kept + 10 duplicate + 2 rejected",
        "    2 × date too early to be true (for example b.json, row 7, field ts: “1970-01-01”)",
        "  no listening history, left alone: x.pdf",
    ]


def test_one_file_is_one_line_and_faults_stand_apart() -> None:
    good = entry(("a.json", Account(3, 3, 0)), ignored=("b", "c", "d", "e", "f"))
    fault = SourceError("is no zip", path="/in/b.zip", cure="Copy it again.")
    report = IngestReport((good, InputReport(Path("/in/b.zip"), error=fault)))
    assert account_lines(report, "crowd") == [
        "/in/a.zip",
        "  3 read = 3 kept + 0 duplicate",
        "  no listening of others, left alone: b, c, d, e and 1 more",
    ]
    assert failure_lines(report) == [
        "segue: not imported: /in/b.zip: is no zip",
        "       Copy it again.",
    ]


def test_faults_go_to_standard_error_and_into_the_json(home: Home, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_text("hello")
    spoken = home("import", tmp_path / "bad.zip").refused("not a zip archive")
    assert spoken.out.strip() == ""
    answer = home("import", "--json", tmp_path / "bad.zip").refused(code=1)
    assert answer.json["error"]["kind"] == "SourceError"
    assert "not a zip archive" in answer.err


def test_a_folder_given_as_a_dot_names_the_crowd(home: Home, tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text("user_id,track_id\nu,1\nv,1\n")
    report = home("crowd", "add", "--json", f"{tmp_path}/.").ok().json
    assert report["total"]["kept"] == 2
