"""Which references mean the same track, by hand-made examples."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.music.lake_tables import artist_ref, name_ref
from segue.warehouse.fuzzy_titles import is_slip
from segue.warehouse.matching import MATCHES, REFS, artist_id_of, match_artists, match_tracks

URI = "spotify:track:{:022d}".format
MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47a{}".format
ISRC = "GBAYE06014{:02d}".format


def listed(track_ref: str, artist: str | None, title: str | None, **facts: Any) -> dict[str, Any]:
    """A row of a catalogue."""
    row = {"track_ref": track_ref, "artist": artist, "title": title}
    return row | {"in_catalogue": True, "in_use": False} | facts


def heard(track_ref: str, artist: str | None, title: str | None, **facts: Any) -> dict[str, Any]:
    """A row of a history."""
    return listed(track_ref, artist, title, in_catalogue=False, in_use=True, **facts)


def match(*rows: dict[str, Any], threshold: float = 90.0) -> dict[str, dict[str, Any]]:
    found = match_tracks(pa.Table.from_pylist(list(rows), schema=REFS), fuzzy_threshold=threshold)
    assert found.schema.equals(MATCHES)
    assert found["track_ref"].to_pylist() == [row["track_ref"] for row in rows]
    return {row["track_ref"]: row for row in found.to_pylist()}


SONG = listed(URI(1), "Queen", "Don't Stop Me Now", isrc=ISRC(1), recording_mbid=MBID(1))
OTHER = listed(URI(2), "Queen", "Bohemian Rhapsody")


@pytest.mark.parametrize(
    ("row", "method"),
    [
        (heard("x", "Queen", "?", spotify_uri=URI(1)), "source_id"),
        (heard("x", "Queen", "?", isrc="gb-aye-06-01401"), "isrc"),
        (heard("isrc:GBAYE0601401", None, None), "isrc"),
        (heard("x", "Queen", "?", recording_mbid=MBID(1).upper()), "mbid"),
        (heard(f"mbid:{MBID(1)}", None, None), "mbid"),
        (heard("x", "QUEEN", "Dont stop me now - 2011 Remaster"), "name"),
        (heard("x", "Queen & David Bowie", "Don't Stop Me Now"), "name"),
        (heard(name_ref("Queen", "Don't Stop Me Now"), None, None), "name"),
        (heard("x", "Queen", "Don't Stopp Me Now"), "fuzzy"),
        (heard("x", "Queen", "Don't Stop Me Now (Remix)"), "own"),
        (heard("x", "Queens", "Don't Stop Me Now"), "own"),
        (heard("x", None, "Don't Stop Me Now"), "own"),
        (heard("id:crowd:7", None, None), "own"),
    ],
)
def test_how_a_track_is_found(row: dict[str, Any], method: str) -> None:
    found = match(SONG, OTHER, row)
    mine = found[row["track_ref"]]
    assert mine["method"] == method
    assert (mine["track_id"] == found[URI(1)]["track_id"]) is (method != "own")
    assert (mine["score"] == 1.0) is (method != "fuzzy")
    assert 0.9 <= mine["score"] <= 1.0


def test_a_track_of_a_catalogue_that_is_played_is_found_by_its_id() -> None:
    found = match(SONG | {"in_use": True}, OTHER)
    assert [row["method"] for row in found.values()] == ["source_id", "own"]


def test_rows_of_a_catalogue_become_songs() -> None:
    found = match(
        SONG,
        listed("id:c:1", "Someone", "Else", isrc=ISRC(1)),
        listed("id:c:2", "Queen", "Don't Stop Me Now - Remastered"),
        listed("id:c:3", "Someone", "Else"),
        OTHER,
    )
    assert [row["method"] for row in found.values()] == ["own", "isrc", "name", "name", "own"]
    assert len({row["track_id"] for row in found.values()}) == 2
    assert found["id:c:3"]["artist_id"] == artist_id_of("queen")


def test_an_identifier_under_many_names_identifies_nothing() -> None:
    rows = [listed(URI(n), "A", f"Song of the letter {n}", isrc=ISRC(1)) for n in range(5)]
    assert len({row["track_id"] for row in match(*rows).values()}) == 5
    nonsense = [listed(URI(n), "A", f"Title {n}", isrc="0", recording_mbid="") for n in range(2)]
    assert len({row["track_id"] for row in match(*nonsense).values()}) == 2


def test_what_no_catalogue_has_is_collapsed_too() -> None:
    found = match(
        heard(URI(1), "A", "Long Song", isrc=ISRC(1)),
        heard(name_ref("A", "Long Song"), "A", "Long Song (Live)"),
        heard("x", "A", "Another", isrc=ISRC(1)),
        heard("y", "B", "Long Song"),
    )
    ids = [row["track_id"] for row in found.values()]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert {row["method"] for row in found.values()} == {"own", "name", "isrc"}


def test_artist_level_references_have_an_artist_only() -> None:
    found = match(heard(artist_ref("The Queen"), None, None))[artist_ref("The Queen")]
    assert (found["track_id"], found["method"]) == (None, "artist")
    assert found["artist_id"] == artist_id_of("Queen")
    assert match_artists(["QUEEN"]).to_pylist()[0]["artist_id"] == found["artist_id"]


def test_ids_stay_when_data_is_added() -> None:
    played = [
        heard(URI(n + 10), "A", f"Song {word}") for n, word in enumerate(("one", "six", "ten"))
    ]
    before = match(*played)
    catalogue = [listed(f"id:c:{n}", "A", row["title"]) for n, row in enumerate(played)]
    more = [*catalogue, OTHER, heard("z", "A", "Song one - Live")]
    after = match(*more, *played)
    for ref, row in before.items():
        assert after[ref]["track_id"] == row["track_id"]


def test_two_titles_equally_near_are_no_match() -> None:
    found = match(
        listed(URI(1), "A", "The Colours Of Rainy Mondayx"),
        listed(URI(2), "A", "The Colours Of Rainy Mondayz"),
        heard("x", "A", "The Colours Of Rainy Monday"),
    )
    assert found["x"]["method"] == "own"


def test_the_threshold_is_the_callers() -> None:
    rows = (SONG, heard("x", "Queen", "Dontt Stopp Mee Noww"))
    assert match(*rows, threshold=95.0)["x"]["method"] == "own"
    assert match(*rows, threshold=80.0)["x"]["method"] == "fuzzy"


def test_collective_artists_are_not_matched_fuzzily() -> None:
    found = match(
        listed(URI(1), "Various Artists", "Some Long Title"),
        heard("x", "Various Artists", "Some Long Titlee"),
    )
    assert found["x"]["method"] == "own"


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("dont stop believin", "dont stop believing", True),
        ("sun shine of your love", "sunshine of your love", True),
        ("the sound of silence", "sound of a silence", True),
        ("smells like teen spirit", "smells like teen sprit", True),
        ("symphony no 5 in c minor", "symphony no 6 in c minor", False),
        ("another brick in the wall pt 1", "another brick in the wall pt 2", False),
        ("another brick in the wall part ii", "another brick in the wall part iii", False),
        ("shine on you crazy diamond", "shine on you crazy diamond ii", False),
        ("a very long title for a song", "a very long title for a song remix", False),
        ("a very long title acoustic", "a very long title demo", False),
        ("the ballad of the lonely boy", "the ballad of the lonely girl", False),
        ("i will always love you so much", "i will never love you so much", False),
        ("chapter one of the book", "chapter two of the book", False),
    ],
)
def test_a_slip_of_the_pen(one: str, other: str, slip: bool) -> None:
    assert is_slip(one, other) is slip
    assert is_slip(other, one) is slip


NAMES = st.sampled_from([None, "", " ", "A", "a", "The A", "B & C", "Long title 1", "Long titel 1"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "artist": NAMES,
            "title": NAMES,
            "isrc": st.sampled_from([None, ISRC(1), ISRC(2), "?"]),
            "recording_mbid": st.sampled_from([None, MBID(1), "?"]),
            "spotify_uri": st.sampled_from([None, URI(1), URI(2)]),
            "in_catalogue": st.booleans(),
            "in_use": st.booleans(),
        }
    ),
    max_size=12,
)


@given(ROWS)
def test_every_reference_gets_a_track_and_equal_names_the_same(rows: list[dict[str, Any]]) -> None:
    found = match(*({"track_ref": f"id:{n}"} | row for n, row in enumerate(rows)))
    assert all(row["track_id"] and row["method"] for row in found.values())
    ids: dict[tuple[str, str], set[str]] = {}
    for n, row in enumerate(rows):
        if row["in_catalogue"] and (row["artist"] or "").strip() and (row["title"] or "").strip():
            key = (row["artist"], row["title"])
            ids.setdefault(key, set()).add(found[f"id:{n}"]["track_id"])
    assert all(len(same) == 1 for same in ids.values())
