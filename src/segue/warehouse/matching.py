"""Which track every reference of every source means, how we know, and how sure we are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import pyarrow as pa

from segue.music import columns as c
from segue.music.names import artist_key, first_artist, song_key
from segue.warehouse.fuzzy_titles import FuzzyTitles

__all__ = [
    "ARTIST_NAMES",
    "MATCHES",
    "REFS",
    "TOKENS",
    "artist_id_of",
    "match_artists",
    "match_tracks",
    "tokens_of",
]

_TEXT: Final = pa.string()

REFS: Final = pa.schema(
    [
        pa.field(c.TRACK_REF, _TEXT, nullable=False),
        pa.field(c.TITLE, _TEXT),
        pa.field(c.ARTIST, _TEXT),  # the first one, where the source lists them
        pa.field(c.SPOTIFY_URI, _TEXT),
        pa.field(c.RECORDING_MBID, _TEXT),
        pa.field(c.ISRC, _TEXT),
        pa.field("in_catalogue", pa.bool_(), nullable=False),
        pa.field("in_use", pa.bool_(), nullable=False),  # a history or a crowd has it too
    ]
)
"""What matching needs to know: one row per track_ref, in the order in which they appeared."""

MATCHES: Final = pa.schema(
    [
        pa.field(c.TRACK_REF, _TEXT, nullable=False),
        pa.field(c.TRACK_ID, _TEXT),  # null for artist-level references
        pa.field(c.ARTIST_ID, _TEXT),  # of the first artist of the track
        pa.field("lead_artist", _TEXT),  # that artist's name as written
        pa.field(c.METHOD, _TEXT, nullable=False),
        pa.field(c.SCORE, pa.float64(), nullable=False),
    ]
)

TOKENS: Final = pa.schema(
    [pa.field(c.TRACK_REF, _TEXT, nullable=False), pa.field("token", _TEXT, nullable=False)]
)

ARTIST_NAMES: Final = pa.schema(
    [pa.field(c.ARTIST, _TEXT, nullable=False), pa.field(c.ARTIST_ID, _TEXT, nullable=False)]
)

_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_MBID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_URI: Final = "spotify:track:"
_ARTIST: Final = "artist:"
_SEPARATOR: Final = "\x1f"
_MOST_NAMES: Final = 3
"""An ISRC or MusicBrainz id under more song names than this is a mistake, not an identity."""


def match_tracks(refs: pa.Table, *, fuzzy_threshold: float) -> pa.Table:
    """Find the track of every reference.

    Catalogue rows are first collapsed into songs: those that share a reference, an ISRC, a
    MusicBrainz id or a song key are one. Every other reference then finds its song by source id,
    ISRC, MusicBrainz id, name, or a fuzzy title by the same artist; those that find none are
    collapsed among themselves the same way and become tracks of their own.

    A track's id is a hash of the song key of its earliest catalogue row, or of its earliest
    reference where no catalogue has it: later data does not change it.

    Args:
        refs: Arrow table in the REFS schema, in order of appearance, no track_ref twice.
        fuzzy_threshold: Lowest fuzzy score that is a match, 0 … 100.

    Returns:
        Arrow table in the MATCHES schema, rows in the order of `refs`.
    """
    rows = _Rows(refs)
    answer = _Answer(len(rows))
    artist_level = [i for i, ref in enumerate(rows.refs) if ref.startswith(_ARTIST)]
    for row in artist_level:
        answer.give(row, None, row, "artist", 1.0)
    catalogue, others = rows.split(answer)
    songs = _Songs(rows, catalogue)
    for row in catalogue:
        songs.settle(row, answer)
    unknown = [row for row in others if not songs.find(row, answer)]
    unknown = _match_fuzzily(rows, songs, unknown, fuzzy_threshold, answer)
    own = _Songs(rows, unknown)
    for row in unknown:
        own.settle(row, answer)
    return answer.table(rows)


def tokens_of(refs: pa.Table) -> pa.Table:
    """What references may share with others, so that a change of one may change the match of them.

    Args:
        refs: Arrow table in the REFS schema.

    Returns:
        Arrow table in the TOKENS schema: identities, and the artists (`a:…`) among whose songs a
        misspelt title is looked for.
    """
    rows = _Rows(refs)
    owners: list[str] = []
    tokens: list[str] = []
    for row, ref in enumerate(rows.refs):
        mine = {f"u:{rows.uris[row]}", f"i:{rows.isrcs[row]}", f"m:{rows.mbids[row]}"}
        mine -= {"u:None", "i:None", "m:None"}
        for key in (rows.keys[row], rows.whole_key(row)):
            if key is not None:
                mine |= {f"n:{key}", f"a:{key.split(_SEPARATOR, 1)[0]}"}
        owners += [ref] * len(mine)
        tokens += sorted(mine)
    return pa.table({c.TRACK_REF: owners, "token": tokens}, schema=TOKENS)


def match_artists(names: Iterable[str]) -> pa.Table:
    """The artist_id of each name: Arrow table in the ARTIST_NAMES schema, same order."""
    listed = list(names)
    return pa.table(
        {c.ARTIST: listed, c.ARTIST_ID: [artist_id_of(name) for name in listed]},
        schema=ARTIST_NAMES,
    )


@lru_cache(maxsize=200_000)
def artist_id_of(name: str) -> str:
    """The artist_id of a name: an "a" and 16 hex digits of a hash of its normal form.

    >>> artist_id_of("The Beatles") == artist_id_of("beatles")
    True
    """
    return "a" + blake2b(artist_key(name).encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _track_id_of(key: str) -> str:
    return "t" + blake2b(key.encode(errors="surrogatepass"), digest_size=8).hexdigest()


class _Rows:
    """The references as lists, names and identifiers cleaned; None stands for unknown."""

    def __init__(self, refs: pa.Table) -> None:
        self.refs: list[str] = refs[c.TRACK_REF].to_pylist()
        self.in_catalogue: list[bool] = refs["in_catalogue"].to_pylist()
        self.in_use: list[bool] = refs["in_use"].to_pylist()
        self.titles: list[str | None] = refs[c.TITLE].to_pylist()
        self.artists: list[str | None] = refs[c.ARTIST].to_pylist()
        self.uris: list[str | None] = self._identifiers(refs, c.SPOTIFY_URI, _URI)
        self.isrcs = [_isrc(value) for value in self._identifiers(refs, c.ISRC, "isrc:")]
        self.mbids = [_mbid(value) for value in self._identifiers(refs, c.RECORDING_MBID, "mbid:")]
        self._names_from_refs()
        self.keys = [
            song_key(artist, title) if artist and title else None
            for artist, title in zip(self.artists, self.titles, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.refs)

    def split(self, answer: _Answer) -> tuple[list[int], list[int]]:
        """Rows of catalogues, and rows that only a history or a crowd has."""
        catalogue: list[int] = []
        others: list[int] = []
        for row, known in enumerate(self.in_catalogue):
            if answer.methods[row] is None:
                (catalogue if known else others).append(row)
        return catalogue, others

    def whole_key(self, row: int) -> str | None:
        """The song key with the artist's whole name, where that is another name."""
        artist, key = self.artists[row], self.keys[row]
        if artist is None or key is None:
            return None
        lead, title = key.split("\x1f", 1)
        whole = artist_key(artist)
        return None if whole == lead else f"{whole}\x1f{title}"

    def _identifiers(self, refs: pa.Table, column: str, prefix: str) -> list[str | None]:
        values: list[str | None] = refs[column].to_pylist()
        keep = len(prefix) if prefix != _URI else 0
        return [
            ref[keep:] if ref.startswith(prefix) else value
            for ref, value in zip(self.refs, values, strict=True)
        ]

    def _names_from_refs(self) -> None:
        for row, ref in enumerate(self.refs):
            self.titles[row] = (self.titles[row] or "").strip() or None
            self.artists[row] = (self.artists[row] or "").strip() or None
            if ref.startswith("name:"):
                artist, _, title = ref[5:].partition("\x1f")
                self.titles[row] = self.titles[row] or title.strip() or None
                self.artists[row] = self.artists[row] or artist.strip() or None
            elif ref.startswith(_ARTIST):
                self.artists[row] = self.artists[row] or ref[len(_ARTIST) :].strip() or None


def _isrc(value: str | None) -> str | None:
    if value is None:
        return None
    plain = value.replace("-", "").replace(" ", "").upper()
    return plain if _ISRC.fullmatch(plain) else None


def _mbid(value: str | None) -> str | None:
    if value is None:
        return None
    plain = value.strip().lower()
    return plain if _MBID.fullmatch(plain) else None


@dataclass(slots=True)
class _Answer:
    """What was found for each row; `leads` is the row whose artist the track has."""

    size: int
    track_ids: list[str | None] = field(init=False)
    leads: list[int] = field(init=False)
    methods: list[str | None] = field(init=False)
    scores: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.track_ids = [None] * self.size
        self.leads = list(range(self.size))
        self.methods = [None] * self.size
        self.scores = [0.0] * self.size

    def give(self, row: int, track_id: str | None, lead: int, method: str, score: float) -> None:
        """Settle a row."""
        self.track_ids[row] = track_id
        self.leads[row] = lead
        self.methods[row] = method
        self.scores[row] = score

    def table(self, rows: _Rows) -> pa.Table:
        """The answers in the MATCHES schema."""
        leads = [rows.artists[lead] for lead in self.leads]
        artists = [None if name is None else first_artist(name) for name in leads]
        columns: dict[str, Sequence[object]] = {
            c.TRACK_REF: rows.refs,
            c.TRACK_ID: self.track_ids,
            c.ARTIST_ID: [None if name is None else artist_id_of(name) for name in artists],
            "lead_artist": artists,
            c.METHOD: self.methods,
            c.SCORE: self.scores,
        }
        return pa.table(columns, schema=MATCHES)


class _Songs:
    """Rows collapsed into songs, and the ways to find one.

    Args:
        rows: All references.
        members: The rows to collapse, in order of appearance.
    """

    def __init__(self, rows: _Rows, members: Sequence[int]) -> None:
        self._rows = rows
        self._parent: dict[int, int] = {}
        self._by: dict[str, dict[str, int]] = {"source_id": {}, "isrc": {}, "mbid": {}, "name": {}}
        self._junk = {
            "isrc": _junk(rows.isrcs, rows.keys, members),
            "mbid": _junk(rows.mbids, rows.keys, members),
        }
        for row in members:
            self._parent[row] = row
            for method, token in self._tokens(row):
                first = self._by[method].setdefault(token, row)
                if first != row:
                    self._join(first, row)
        self._name_songs(members)
        for row in members:
            whole = rows.whole_key(row)
            if whole is not None:
                self._by["name"].setdefault(whole, row)

    def settle(self, row: int, answer: _Answer) -> None:
        """Answer for a member: how it belongs to its song."""
        root = self._root(row)
        canonical = self._canonical[root]
        method = "own"
        if self._rows.in_catalogue[row] and self._rows.in_use[row]:
            method = "source_id"
        elif row != canonical:
            shared = set(self._tokens(row)) & set(self._tokens(canonical))
            order = ("source_id", "isrc", "mbid", "name")
            method = next((m for m in order if any(m == s[0] for s in shared)), "name")
        answer.give(row, self._ids[root], canonical, method, 1.0)

    def find(self, row: int, answer: _Answer) -> bool:
        """Answer for a row that is no member, if one of its identities leads to a song."""
        for method, token in self._tokens(row):
            member = self._by[method].get(token)
            if member is not None:
                self.answer_with(member, row, answer, method, 1.0)
                return True
        whole = self._rows.whole_key(row)
        member = None if whole is None else self._by["name"].get(whole)
        if member is not None:
            self.answer_with(member, row, answer, "name", 1.0)
        return member is not None

    def answer_with(
        self, member: int, row: int, answer: _Answer, method: str, score: float
    ) -> None:
        """Answer for `row` with the song that `member` belongs to."""
        root = self._root(member)
        answer.give(row, self._ids[root], self._canonical[root], method, score)

    def song_of(self, member: int) -> int:
        """A number that members of the same song share."""
        return self._root(member)

    def members_by_key(self) -> Iterable[tuple[str, int]]:
        """Every song key that is known, with a member that has it."""
        return self._by["name"].items()

    def _tokens(self, row: int) -> list[tuple[str, str]]:
        """The identities of a row with the method they stand for, most certain first."""
        rows, tokens = self._rows, []
        if (uri := rows.uris[row]) is not None:
            tokens.append(("source_id", uri))
        if (isrc := rows.isrcs[row]) is not None and isrc not in self._junk["isrc"]:
            tokens.append(("isrc", isrc))
        if (mbid := rows.mbids[row]) is not None and mbid not in self._junk["mbid"]:
            tokens.append(("mbid", mbid))
        if (key := rows.keys[row]) is not None:
            tokens.append(("name", key))
        return tokens

    def _name_songs(self, members: Sequence[int]) -> None:
        """Choose each song's canonical row, the earliest with a name, and its id."""
        rows = self._rows
        self._canonical: dict[int, int] = {}
        for row in members:
            root = self._root(row)
            known = self._canonical.setdefault(root, row)
            if rows.keys[known] is None and rows.keys[row] is not None:
                self._canonical[root] = row
        self._ids = {
            root: _track_id_of(rows.keys[row] or f"\x1f\x1f{rows.refs[row]}")
            for root, row in self._canonical.items()
        }

    def _root(self, row: int) -> int:
        parent = self._parent
        root = parent[row]
        while root != parent[root]:
            root = parent[root]
        while row != root:  # path compression
            parent[row], row = root, parent[row]
        return root

    def _join(self, one: int, other: int) -> None:
        first, second = sorted((self._root(one), self._root(other)))
        self._parent[second] = first


def _junk(
    tokens: Sequence[str | None], keys: Sequence[str | None], members: Sequence[int]
) -> frozenset[str]:
    """Identifiers under so many song names that they identify nothing."""
    pairs = {
        (token, key)
        for row in members
        if (token := tokens[row]) is not None and (key := keys[row]) is not None
    }
    names: dict[str, int] = defaultdict(int)
    for token, _ in pairs:
        names[token] += 1
    return frozenset(token for token, count in names.items() if count > _MOST_NAMES)


def _match_fuzzily(
    rows: _Rows, songs: _Songs, unknown: Sequence[int], threshold: float, answer: _Answer
) -> list[int]:
    """Answer for rows whose title nearly fits a song of the same artist; returns the others."""
    wanted: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    left: list[int] = []
    for row in unknown:
        key = rows.keys[row]
        if key is None:
            left.append(row)
            continue
        artist, title = key.split("\x1f", 1)
        wanted[artist][title].append(row)
    known: dict[str, dict[str, int]] = {artist: {} for artist in wanted}
    for key, member in songs.members_by_key():
        artist, title = key.split("\x1f", 1)
        if artist in known:
            known[artist].setdefault(title, songs.song_of(member))
    for artist, titles in wanted.items():
        found = FuzzyTitles(known[artist], threshold).find(artist, list(titles))
        for title, members in titles.items():
            match = found.get(title)
            for row in members:
                if match is None:
                    left.append(row)
                else:
                    songs.answer_with(match.song, row, answer, "fuzzy", match.score)
    return sorted(left)
