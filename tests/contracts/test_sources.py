"""Every source of files keeps to the same contract; a new one adds one line to CASES."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.music.lake_tables import PLAYS
from segue.sources.base import Chunk
from tests.contracts.catalogue_cases import CATALOGUE_CASES
from tests.contracts.crowd_cases import CROWD_CASES
from tests.contracts.export_cases import EXPORT_CASES
from tests.contracts.scrobble_cases import SCROBBLE_CASES
from tests.contracts.source_contract import SourceCase, chunks_of, read_all
from tests.contracts.spotify_cases import SPOTIFY_CASES
from tests.support import BytesFile, ListSource, play_rows

CASES: list[SourceCase] = [
    # the stand-in that other tests use
    SourceCase(
        make=lambda: ListSource(
            {"plays.list": [Chunk(PLAYS, play_rows((0, "Ann", "One"), (5, "Bob", "Two")))]}
        ),
        name="plays.list",
        content=b"plays",
        read=2,
        rejected={},
        tables=frozenset({"plays"}),
    ),
    # Spotify
    *SPOTIFY_CASES,
    # Last.fm, ListenBrainz, Maloja, Koito
    *SCROBBLE_CASES,
    # Segue itself
    *EXPORT_CASES,
    # catalogues
    *CATALOGUE_CASES,
    # crowds
    *CROWD_CASES,
]

STRANGERS = [
    BytesFile("notes.txt", b"buy milk\n"),
    BytesFile("ReadMeFirst.pdf", b"%PDF-1.7\n%\xe2\xe3"),
    BytesFile("index.html", b"<!doctype html><html></html>"),
    BytesFile("package.json", b'{"name": "left-pad", "version": "1.0.0"}'),
    BytesFile("empty.bin", b""),
    BytesFile("picture.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
    BytesFile("Userdata.json", b'{"username": "ann", "country": "DE"}'),
]

each = pytest.mark.parametrize("case", CASES, ids=str)


@each
def test_says_who_it_is(case: SourceCase) -> None:
    source = case.make()
    assert re.fullmatch(r"[a-z][a-z0-9_]*", source.name)
    assert source.kind in {"history", "catalogue", "crowd"}
    assert source.title


@each
def test_claims_its_own_format_and_no_other(case: SourceCase) -> None:
    source = case.make()
    assert source.claims(case.file())
    for stranger in STRANGERS:
        assert not source.claims(stranger), stranger.name


@each
def test_only_one_source_of_its_kind_claims_the_file(case: SourceCase) -> None:
    sources = {type(other.make()): other.make() for other in CASES}
    kind = case.make().kind
    claiming = {
        kept.__name__
        for kept, source in sources.items()
        if source.kind == kind and source.claims(case.file())
    } | {type(case.make()).__name__}
    assert claiming == {type(case.make()).__name__}


@each
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.text(max_size=30), content=st.binary(max_size=200))
def test_claiming_never_raises(case: SourceCase, name: str, content: bytes) -> None:
    source = case.make()
    assert source.claims(BytesFile(name, content)) in {True, False}
    assert source.claims(case.file(content)) in {True, False}


@each
def test_accounts_for_every_record(case: SourceCase) -> None:
    chunks = read_all(case.make(), case.file())
    assert sum(chunk.read for chunk in chunks) == case.read
    reasons = Counter(r for chunk in chunks for r in chunk.rejects["reason"].to_pylist())
    assert dict(reasons) == case.rejected
    assert {chunk.table.name for chunk in chunks if chunk.rows.num_rows} == case.tables


@each
def test_reading_twice_gives_the_same(case: SourceCase) -> None:
    source = case.make()
    once, again = (read_all(source, case.file()) for _ in range(2))
    assert [chunk.rows for chunk in once] == [chunk.rows for chunk in again]


@each
def test_keeps_nothing_private(case: SourceCase) -> None:
    for chunk in read_all(case.make(), case.file()):
        stored = f"{chunk.rows.to_pylist()} {chunk.rejects.to_pylist()}"
        for text in case.private:
            assert text not in stored


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) * 2 // 3],
    "binary": lambda _: bytes(range(256)) * 4,
    "web page": lambda _: b"<!doctype html><html><body>Session expired</body></html>",
    "utf-16": lambda content: content.decode("utf-8", "replace").encode("utf-16"),
    "of something else": lambda _: b'{"hello": ["world", 1, null, {"a": 2}]}',
    "a number": lambda _: b"42",
    "a list of numbers": lambda _: b"[1, 2, 3]",
    "nul bytes": lambda content: content[: len(content) // 2] + bytes(64) + content[-8:],
}


@each
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_is_a_clear_error_or_rejected_rows(case: SourceCase, fault: str) -> None:
    chunks_of(case.make(), case.file(BROKEN[fault](case.content)))


@each
def test_an_empty_file_is_an_error(case: SourceCase) -> None:
    source = case.make()
    if not isinstance(source, ListSource):
        with pytest.raises(SourceError, match="empty"):
            read_all(source, case.file(b""))


@each
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damage_anywhere_is_a_clear_error_or_rejected_rows(
    case: SourceCase, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, max(len(case.content) - 1, 0)))
    patch = data.draw(st.binary(min_size=1, max_size=8))
    broken = case.content[:at] + patch + case.content[at + len(patch) :]
    chunks_of(case.make(), case.file(broken))
