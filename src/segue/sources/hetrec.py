"""The HetRec 2011 Last.fm data set: who played which artist how often, and who tagged them how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

import duckdb
import pyarrow as pa

from segue.errors import SourceError
from segue.music import columns as c
from segue.music.lake_tables import ARTIST_TAGS
from segue.sources import cell_sql as sql
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.column_names import Roles
from segue.sources.crowd_rows import crowd_chunks, lookup
from segue.sources.inputs import PlainFile
from segue.sources.mapped_rows import Mapped, chunks, connection, run
from segue.sources.open_table import Batch, Table, cell, name_key, open_table, place_of

__all__ = ["COUNTS", "HetRec", "beside"]

COUNTS = "user_artists.dat"
"""The file of who played what how often."""

_TAGGED = "user_taggedartists.dat"
_ARTISTS = "artists.dat"
_TAGS = "tags.dat"


@dataclass(frozen=True, slots=True)
class _Names:
    """Ids and what they stand for."""

    ids: pa.Array
    names: pa.Array


class HetRec:
    """A folder or zip of `user_artists.dat` and `artists.dat`, with tags where they are.

    Cantador, Brusilovsky, Kuflik (2011), "Second Workshop on Information Heterogeneity and
    Fusion in Recommender Systems". Tab separated with a header; never quoted. A row whose artist
    or tag is not in the list of names is rejected.
    """

    name: ClassVar[str] = "hetrec"
    kind: ClassVar[Kind] = "crowd"
    title: ClassVar[str] = "HetRec 2011 Last.fm data set"

    def claims(self, file: InputFile) -> bool:
        """Whether it is one of the two files with rows; lists of names are read along."""
        return PurePosixPath(file.name).name.lower() in (COUNTS, _TAGGED)

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """Counts of plays for CROWD, or tags for ARTIST_TAGS.

        Raises:
            SourceError: A list of names is missing, or a file is broken.
        """
        with connection() as db, ExitStack() as stack:
            path = stack.enter_context(file.on_disk())
            table = open_table(file, path, quoted=False)
            artists = _names(db, file, options, _ARTISTS, ("id", "name"))
            if PurePosixPath(file.name).name.lower() == COUNTS:
                yield from _counts(db, table, artists, options, file)
            else:
                tags = _names(db, file, options, _TAGS, ("tagid", "tagvalue"))
                yield from _tagged(db, table, (artists, tags), options, file)


def _counts(
    db: duckdb.DuckDBPyConnection,
    table: Table,
    artists: _Names,
    options: ReadOptions,
    file: InputFile,
) -> Iterator[Chunk]:
    user, artist, weight = _columns(table, ("userid", "artistid", "weight"))
    named = table.width
    columns = (*table.columns, table.columns[artist])
    roles = Roles({c.LISTENER_ID: user, c.ARTIST: named, c.PLAYS: weight}, columns)
    prepare = lookup(artist, artists.ids, artists.names, named)
    yield from crowd_chunks(db, table, roles, options, file=file.name, prepare=prepare)


def _tagged(
    db: duckdb.DuckDBPyConnection,
    table: Table,
    lists: tuple[_Names, _Names],
    options: ReadOptions,
    file: InputFile,
) -> Iterator[Chunk]:
    user, artist, tag = _columns(table, ("userid", "artistid", "tagid"))
    first = lookup(artist, lists[0].ids, lists[0].names, table.width)
    second = lookup(tag, lists[1].ids, lists[1].names, table.width + 1)
    mapped = Mapped(
        ARTIST_TAGS,
        (
            f"SELECT *, text_of({cell(user)}) AS listener_, {cell(table.width)} AS artist_,"
            f" lower({cell(table.width + 1)}) AS tag_ FROM before",
        ),
        {
            c.CROWD: sql.quoted(options.name),
            c.ARTIST: "artist_",
            c.TAG: "tag_",
            c.LISTENER_ID: "listener_",
            c.WEIGHT: "1.0",
        },
        sql.first_fault(
            {
                "listener_ IS NULL": sql.fault("'no_user'", "userID", "'nobody is named'"),
                "artist_ IS NULL": _unknown("artist", cell(artist), _ARTISTS),
                "tag_ IS NULL": _unknown("tag", cell(tag), _TAGS),
            }
        ),
    )
    both = _then(first, second)
    yield from chunks(db, table, mapped, file=file.name, prepare=both)


def _then(
    first: Callable[[Batch], Batch], second: Callable[[Batch], Batch]
) -> Callable[[Batch], Batch]:
    return lambda batch: second(first(batch))


def _unknown(noun: str, text: str, names: str) -> str:
    detail = f"'{names} has no ' || coalesce(trim({text}), 'such row')"
    return sql.fault(f"'unknown_{noun}'", f"{noun}ID", detail)


def _columns(table: Table, keys: tuple[str, str, str]) -> list[int]:
    known = [name_key(name) for name in table.columns]
    missing = [key for key in keys if key not in known]
    if missing:
        raise table.place.error(
            f"has no column {', '.join(missing)}; the columns are {', '.join(table.columns)}",
            "Check that it is the HetRec 2011 file as it was downloaded.",
        )
    return [known.index(key) for key in keys]


def _names(
    db: duckdb.DuckDBPyConnection,
    file: InputFile,
    options: ReadOptions,
    name: str,
    keys: tuple[str, str],
) -> _Names:
    found = _needed(file, options, name)
    with found.on_disk() as path:
        table = open_table(found, path, quoted=False)
        known = [name_key(column) for column in table.columns]
        if not set(keys) <= set(known):
            raise place_of(found).error(
                f"has no columns {' and '.join(keys)}",
                "Check that it is the HetRec 2011 file as it was downloaded.",
            )
        ids, names = (cell(known.index(key)) for key in keys)
        query = f"SELECT text_of({ids}) AS id, text_of({names}) AS name FROM batch"
        rows = pa.concat_tables([run(db, query, batch) for batch in table.batches()])
    return _Names(rows["id"].combine_chunks(), rows["name"].combine_chunks())


def beside(file: InputFile, siblings: Mapping[str, InputFile], name: str) -> InputFile | None:
    """The file of that name in the same folder, in the same input or on the disk.

    Args:
        siblings: All files of the input by their names in it.
        name: In small letters.
    """
    folder = PurePosixPath(file.name).parent
    for other, found in siblings.items():
        if PurePosixPath(other).parent == folder and PurePosixPath(other).name.lower() == name:
            return found
    path = Path(file.input).with_name(name)
    if file.input.name == file.name and path.is_file():
        return PlainFile(path, name, path)
    return None


def _needed(file: InputFile, options: ReadOptions, name: str) -> InputFile:
    found = beside(file, options.siblings, name)
    if found is not None:
        return found
    place = place_of(file)
    raise SourceError(
        f"cannot be understood without {name}, which should lie beside it: it has the names"
        f" that the ids in {PurePosixPath(file.name).name} stand for",
        path=place.path,
        member=place.member,
        cure="Give the whole folder or the zip of the data set.",
    )
