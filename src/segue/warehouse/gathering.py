"""A build whose plays are shaped elsewhere: matching, and what is told of tracks and by crowds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa

from segue.music.marts import MARTS
from segue.warehouse.apart import MARTS_OF_USERS, PLAYS_ONCE
from segue.warehouse.duckdb import DuckDBWarehouse
from segue.warehouse.duckdb_sql import DUCKDB, no_glob
from segue.warehouse.full_models import Model, make_models, models_for
from segue.warehouse.raw_sql import select_mart

__all__ = ["MARTS_OF_ALL", "Gathering"]

MARTS_OF_ALL: Final = (
    "tracks",
    "track_matches",
    "crowd_counts",
    "crowd_sessions",
    "neighbours",
    "feedback",
)
"""What is not of single users, as far as a training reads it."""

_DURATIONS: Final = "int_durations"
_WORDS: Final = "int_feedback"
_COUNTS: Final = "int_track_counts"


class Gathering(DuckDBWarehouse):
    """Holds every lake table but plays; of those, no more than what they call their tracks.

    Each of its methods follows the one before it. See `segue.warehouse.apart` for what is done
    elsewhere.
    """

    @property
    def made_from(self) -> str:
        """A hash of what marts follow from, beside the lake: models, rules, dbt, and matching."""
        return f"{self._dbt.made_from} {self.rules.fuzzy_threshold}"

    def tell(self, references: pa.Table) -> None:
        """Know what plays call their tracks; see `segue.warehouse.apart.references`."""
        session = self._connect()
        with session.guarded("reading references"):
            session.replace_table("told", references)
            session.query("insert into raw.plays by name select * from raw.told")
            session.query("drop table raw.told")

    def refs(self) -> pa.Table:
        """What every reference of a play is taken for: track_ref, track_id, artist_id."""
        session = self._connect()
        with session.guarded("reading matches"):
            return session.query_arrow(
                "select track_ref, track_id, artist_id from raw.track_matches"
                " where track_ref in (select track_ref from raw.plays)"
            )

    def compiled(self) -> Mapping[str, tuple[Model, ...]]:
        """The models by when they are made.

        "once" makes plays of users told once, "judged" their marts; of all users, "told" are made
        before that, and "counted" after it.

        Raises:
            WarehouseError: The project cannot be compiled.
        """
        self._close()  # dbt opens the file itself
        models = self._dbt.models()
        of_all = [mart for mart in MARTS_OF_ALL if mart != "tracks"]
        told = models_for(models, [*of_all, _WORDS])
        there = {model.name for model in told}
        return {
            "once": models_for(models, [PLAYS_ONCE]),
            "judged": models_for(models, MARTS_OF_USERS, given=[PLAYS_ONCE, _DURATIONS, _WORDS]),
            "told": told,
            "counted": models_for(models, ["tracks"], given=[*there, PLAYS_ONCE, _COUNTS]),
        }

    def shape(self, told: tuple[Model, ...]) -> None:
        """Make what does not follow from plays."""
        make_models(self._connect(), told)

    def measure(self, heard: pa.Table, counted: tuple[Model, ...]) -> Mapping[str, pa.Table]:
        """How long tracks are, and what was said: what `segue.warehouse.apart.judged` must know.

        Args:
            heard: Of all users; see `segue.warehouse.apart.longest`.
            counted: The models of that name.
        """
        self._put(PLAYS_ONCE, heard)
        make_models(self._connect(), models_for(counted, [_DURATIONS]))
        session = self._connect()
        with session.guarded("reading lengths"):
            return {
                _DURATIONS: session.query_arrow(
                    f"select track_id, duration_ms from intermediate.{_DURATIONS}"
                ),
                _WORDS: session.query_arrow(f"select * from intermediate.{_WORDS}"),
            }

    def count(self, tracks: list[Path], counted: tuple[Model, ...]) -> None:
        """Make what follows from plays of all users.

        Args:
            tracks: Parquet files of track_id and plays; a track may be in several.
        """
        session = self._connect()
        with session.guarded("counting plays"):
            session.query(
                f"create or replace table intermediate.{_COUNTS} as"
                " select track_id, sum(plays)::bigint as plays from read_parquet(?) group by 1",
                [[no_glob(path) for path in tracks]],
            )
        made = models_for(counted, [_DURATIONS])
        make_models(session, [model for model in counted if model not in made])

    def export_one(self, mart: str, path: Path) -> int:
        """Write one of `MARTS_OF_ALL`; its number of rows."""
        session = self._connect()
        with session.guarded(f"writing {mart}"):
            return session.export(select_mart(DUCKDB, mart, ordered=True), MARTS[mart], path)

    def _put(self, name: str, rows: pa.Table) -> None:
        session = self._connect()
        with session.guarded(f"keeping {name}"):
            session.replace_table(name, rows)
            session.query(
                f"create or replace table intermediate.{name} as select * from raw.{name}"
            )
            session.query(f"drop table raw.{name}")
