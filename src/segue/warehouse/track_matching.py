"""Keeps raw.track_matches right as the lake grows: everything matched once, then what is new."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

import pyarrow as pa

from segue.music import columns as c
from segue.warehouse import matching, raw_sql
from segue.warehouse.raw_sql import Dialect

__all__ = ["METHOD", "Tables", "TrackMatching"]

_log = logging.getLogger(__name__)
METHOD: Final = "3"
"""Raise when matching answers in another way: every reference is then matched again."""

_WORKING: Final = (
    "touched_refs",
    "changed_refs",
    "affected_refs",
    "nearby_refs",
    "newer_tokens",
    "new_rows",
)
_NAMES_ARTISTS: Final = ("artist_tags", "library", "feedback")
_NEAR: Final = """
    select distinct theirs.track_ref
    from raw.{group} as known
    inner join raw.track_tokens as ours on known.track_ref = ours.track_ref
    inner join raw.track_tokens as theirs on ours.token = theirs.token
    {only}
    left join raw.{group} as there on theirs.track_ref = there.track_ref
    where there.track_ref is null and ours.token {artist}like 'a:%'
"""
_CATALOGUE: Final = """
    inner join raw.track_refs as refs
        on theirs.track_ref = refs.track_ref and refs.in_catalogue
"""


class Tables(Protocol):
    """An open warehouse, as far as matching needs it."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; its rows, none where it has none."""

    def query_arrow(self, sql: str) -> pa.Table:
        """The answer to a query as Arrow."""

    def transaction(self) -> AbstractContextManager[None]:
        """What happens inside happens as a whole, or not at all."""

    def replace_table(self, table: str, rows: pa.Table) -> None:
        """Make a table of the raw schema anew with these rows."""

    def settle(self) -> None:
        """After loading: what the planner of queries needs to know, if anything."""


class TrackMatching:
    """Fills raw.track_refs, raw.track_matches and raw.artist_names.

    A reference is matched again when something about it, or about a reference that it shares an
    identity with, has changed; the answer is always that of matching everything.

    Args:
        session: An open warehouse.
        dialect: What it says in its own way.
        fuzzy_threshold: Lowest fuzzy score that is a match, 0 … 100.
    """

    def __init__(self, session: Tables, dialect: Dialect, *, fuzzy_threshold: float) -> None:
        self._session = session
        self._dialect = dialect
        self._threshold = fuzzy_threshold

    def update(self) -> None:
        """Match what is new since the last time, as one transaction; nothing if nothing is."""
        rules, state = f"{METHOD} {self._threshold}", self._state()
        known = dict(self._session.query("select name, value from raw.about"))
        if known.get("matched") == state:
            return
        self._session.settle()
        with self._session.transaction():
            if known.get("matched_rules") != rules or not self._match_new():
                self._match_all()
                self._note_retold("select null")
            if self._dialect.touched_refs:
                self._session.query("delete from raw.matched")
                self._session.query(
                    "insert into raw.matched select table_name, piece from raw.loads"
                )
                self._note("matched_rules", rules)
            for table in _WORKING:
                self._session.query(f"drop table if exists raw.{table}")
            self._note("matched", state)
        self._session.settle()

    def _state(self) -> str:
        """What matching depends on, as a hash: the loaded files and the threshold."""
        files = self._session.query(
            "select table_name, piece, n_rows from raw.loads order by table_name, file_no"
        )
        return hashlib.blake2b(
            repr((METHOD, files, self._threshold)).encode(), digest_size=16
        ).hexdigest()

    def _note(self, name: str, value: str) -> None:
        self._session.query("delete from raw.about where name = ?", [name])
        self._session.query("insert into raw.about values (?, ?)", [name, value])

    def _note_retold(self, refs: str) -> None:
        """Let dbt look only at these references (null: all) until a build of it is complete."""
        if self._dialect.touched_refs:
            self._session.query("create table if not exists raw.retold_refs (track_ref varchar)")
            self._session.query(f"insert into raw.retold_refs {refs}")

    # --- everything -----------------------------------------------------------------------------

    def _match_all(self) -> None:
        for statement in self._dialect.track_refs:
            self._session.query(statement)
        refs = self._refs("")
        self._session.replace_table(
            "track_matches", matching.match_tracks(refs, fuzzy_threshold=self._threshold)
        )
        self._match_artists()
        if self._dialect.touched_refs:
            self._session.replace_table("track_tokens", matching.tokens_of(refs))
            self._session.replace_table("matched", _NO_PIECES)

    def _match_artists(self) -> None:
        names = self._session.query(raw_sql.ARTIST_NAMES)
        self._session.replace_table(
            "artist_names", matching.match_artists(name for (name,) in names)
        )

    def _refs(self, group: str) -> pa.Table:
        """What matching reads, of all references or of those in a table of the raw schema."""
        query = self._dialect.refs_to_match
        if group:
            some = f"from raw.track_refs where track_ref in (select track_ref from raw.{group})"
            query = query.replace("from raw.track_refs", some)
        return self._session.query_arrow(query).cast(matching.REFS)

    # --- only what is new -----------------------------------------------------------------------

    def _match_new(self) -> bool:
        """Match again what new files may have changed; False if that is too much, or not enough."""
        if not self._dialect.touched_refs or self._anything_gone() or self._anything_earlier():
            return False
        places = {table: raw_sql.NEW_PIECES.format(table=table) for table, _ in raw_sql.PLACES}
        self._make(
            "touched_refs",
            " union ".join(
                f"select track_ref from raw.{table} where {where} and file_no in ({places[table]})"
                for table, where in raw_sql.PLACES
            ),
        )
        total = self._count("track_refs")
        if 2 * self._count("touched_refs") > total:
            return False
        before = self._known()
        for statement in self._dialect.touched_refs:
            self._session.query(statement)
        self._note_retold("select track_ref from raw.touched_refs")
        changed, in_catalogue = _differences(before, self._known())
        if changed:
            self._spread(changed, in_catalogue)
            if 2 * self._count("nearby_refs") > total:
                return False
            self._settle_group()
        if any(
            self._session.query(raw_sql.NEW_PIECES.format(table=table) + " limit 1")
            for table in _NAMES_ARTISTS
        ):
            self._match_artists()
        return True

    def _known(self) -> dict[str, tuple[Any, ...]]:
        """What matching reads of the touched references, and when they appeared."""
        refs = self._refs("touched_refs")
        seen = dict(
            self._session.query(
                "select track_ref, first_seen from raw.track_refs"
                " where track_ref in (select track_ref from raw.touched_refs)"
            )
        )
        return {
            row[c.TRACK_REF]: (row.pop("in_use"), row["in_catalogue"], row, seen[row[c.TRACK_REF]])
            for row in refs.to_pylist()
        }

    def _anything_gone(self) -> bool:
        return bool(
            self._session.query(
                "select 1 from raw.matched as matched left join raw.loads as loads"
                " on loads.table_name = matched.table_name and loads.piece = matched.piece"
                " where loads.piece is null limit 1"
            )
        )

    def _anything_earlier(self) -> bool:
        """Whether a new file comes before one that was matched, as after a backup was merged."""
        return bool(
            self._session.query(
                "select 1 from raw.loads as loads left join raw.matched as matched"
                " on loads.table_name = matched.table_name and loads.piece = matched.piece"
                " group by loads.table_name"
                " having min(case when matched.piece is null then loads.file_no end)"
                " < max(case when matched.piece is not null then loads.file_no end)"
            )
        )

    def _spread(self, changed: Sequence[str], in_catalogue: Sequence[str]) -> None:
        """Find whose match may be another now, and what must be known to find it.

        Makes raw.affected_refs: whoever shares an identity, over any number of steps, with a
        reference that has changed, by what it was or by what it is. Where a catalogue has changed,
        whoever might now be a misspelling in it, too. And raw.nearby_refs: these, and every song
        of a catalogue that they might be a misspelling of.
        """
        self._session.replace_table("changed_refs", _listed(changed))
        self._session.replace_table("newer_tokens", matching.tokens_of(self._refs("changed_refs")))
        self._session.query("insert into raw.track_tokens select * from raw.newer_tokens")
        self._session.replace_table("affected_refs", _listed(in_catalogue))
        self._grow("affected_refs", only=_CATALOGUE)
        self._grow("affected_refs", artist=True, once=True)
        self._add("affected_refs", "select track_ref from raw.changed_refs")
        self._grow("affected_refs")
        self._make("nearby_refs", "select track_ref from raw.affected_refs")
        self._grow("nearby_refs", only=_CATALOGUE, artist=True, once=True)
        self._grow("nearby_refs", only=_CATALOGUE)
        self._session.query(
            "delete from raw.track_tokens where track_ref in"
            " (select track_ref from raw.changed_refs)"
        )
        self._session.query("insert into raw.track_tokens select * from raw.newer_tokens")

    def _settle_group(self) -> None:
        """Match the nearby references, and keep the answers for the affected ones."""
        found = matching.match_tracks(self._refs("nearby_refs"), fuzzy_threshold=self._threshold)
        _log.info("matching %d references again", self._count("affected_refs"))
        self._session.replace_table("new_rows", found)
        self._note_retold("select track_ref from raw.affected_refs")
        affected = "track_ref in (select track_ref from raw.affected_refs)"
        self._session.query(f"delete from raw.track_matches where {affected}")
        names = ", ".join(matching.MATCHES.names)
        self._session.query(
            f"insert into raw.track_matches ({names})"
            f" select {names} from raw.new_rows where {affected}"
        )

    def _grow(
        self, group: str, *, only: str = "", artist: bool = False, once: bool = False
    ) -> None:
        """Add to a group whoever shares a token with it, over any number of steps or one step."""
        near = _NEAR.format(group=group, only=only, artist="" if artist else "not ")
        before = -1
        while before != (now := self._count(group)):
            before = now
            self._add(group, near)
            if once:
                return

    def _add(self, group: str, query: str) -> None:
        self._session.query(
            f"insert into raw.{group} select found.track_ref from ({query}) as found"
            f" where found.track_ref not in (select track_ref from raw.{group})"
        )

    def _make(self, table: str, query: str) -> None:
        self._session.query(f"drop table if exists raw.{table}")
        self._session.query(f"create table raw.{table} as {query}")

    def _count(self, table: str) -> int:
        return int(self._session.query(f"select count(*) from raw.{table}")[0][0])


_NO_PIECES: Final = pa.table(
    {"table_name": pa.array([], pa.string()), "piece": pa.array([], pa.string())}
)


def _differences(
    before: Mapping[str, tuple[Any, ...]], after: Mapping[str, tuple[Any, ...]]
) -> tuple[list[str], list[str]]:
    """The references that are new or another; and those of them that make a catalogue another."""
    changed = [ref for ref, facts in after.items() if before.get(ref) != facts]
    in_catalogue = [
        ref
        for ref in changed
        # whether somebody plays a track does not change the catalogue that has it
        if before.get(ref, (None, False))[1:] != after[ref][1:]
        and (after[ref][1] or before.get(ref, (None, False))[1])
    ]
    return changed, in_catalogue


def _listed(refs: Sequence[str]) -> pa.Table:
    return pa.table({c.TRACK_REF: pa.array(refs, pa.string())})
