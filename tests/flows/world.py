"""A small home made by hand: marts in a real snapshot, all recommenders in a real bundle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from segue.features.from_marts import training_data
from segue.flows.listener import Marts
from segue.flows.recommend import Wishes, recommend
from segue.music.lake_tables import name_ref
from segue.music.marts import MARTS
from segue.music.playlist import Playlist
from segue.recommenders.als import Als
from segue.recommenders.base import StoredRecommender
from segue.recommenders.bundle import Bundle, BundleStore
from segue.recommenders.content import Content
from segue.recommenders.most_played import MostPlayed
from segue.recommenders.popular import Popular
from segue.recommenders.rediscover import Rediscover
from segue.recommenders.session_knn import SessionKnn
from segue.warehouse.snapshots import Snapshot, SnapshotStore
from tests import tiny
from tests.tiny import NOW

Play = tuple[str, str, datetime]


@dataclass(frozen=True)
class World:
    """A built and trained home.

    Args:
        tables: The marts that went in, by name.
    """

    snapshot: Snapshot
    bundle: Bundle
    tables: Mapping[str, pa.Table]

    def recommend(
        self,
        user_id: str | None = "ann",
        now: datetime | None = None,
        marts: Marts | None = None,
        **wishes: Any,
    ) -> Playlist:
        return recommend(
            bundle=self.bundle,
            snapshot=marts or self.snapshot,
            user_id=user_id,
            wishes=Wishes(**wishes),
            now=now,
        )

    def track(self, track_id: str) -> dict[str, Any]:
        (row,) = (r for r in self.tables["tracks"].to_pylist() if r["track_id"] == track_id)
        return dict(row)


def world(
    folder: Path,
    tracks: Iterable[Mapping[str, Any]],
    plays: Iterable[Play] = (),
    *,
    extra_plays: pa.Table | None = None,
    library: Sequence[Mapping[str, Any]] = (),
    playlists: Sequence[Mapping[str, Any]] = (),
    crowd: Sequence[tuple[str, str | None, str | None, float]] = (),
    sessions: Sequence[Sequence[str]] = (),
) -> World:
    """Publish the marts and train on them."""
    known = tiny.tracks(tracks)
    played = tiny.plays(plays)
    if extra_plays is not None:
        played = pa.concat_tables([played, extra_plays]).sort_by("played_at")
    tables = {
        "tracks": known,
        "plays": played,
        "users": _users(played),
        "sessions": _sessions(played),
        "track_matches": _matches(known),
        "library": tiny.mart("library", library),
        "playlist_tracks": tiny.mart("playlist_tracks", playlists),
        "crowd_counts": tiny.crowd(crowd),
        "crowd_sessions": tiny.crowd_sessions(sessions),
    }
    rows = tables["tracks"].to_pylist()
    tables["artists"] = tiny.mart(
        "artists", [{"artist_id": row["artist_id"], "artist": row["artist"]} for row in rows]
    )
    tables = {name: tables.get(name, schema.empty_table()) for name, schema in MARTS.items()}

    def write(target: Path) -> None:
        for name, table in tables.items():
            pq.write_table(table, target / f"{name}.parquet")

    snapshot = SnapshotStore(folder / "snapshots").publish(write, now=NOW)
    data = training_data(
        tables["tracks"],
        tables["plays"],
        tables["crowd_counts"],
        crowd_sessions=tables["crowd_sessions"],
        as_of=NOW,
    )
    models: list[StoredRecommender] = [
        Als(n_factors=4),
        Content(),
        MostPlayed(),
        Popular(),
        Rediscover(),
        SessionKnn(),
    ]
    bundle = BundleStore(folder / "models").publish(
        [model.fit(data) for model in models],
        data.catalogue,
        snapshot=snapshot.name,
        trained_at=NOW,
    )
    return World(snapshot, bundle, tables)


def _sessions(plays: pa.Table) -> pa.Table:
    ends = plays.group_by(["user_id", "session_id"])
    spans = ends.aggregate([("played_at", "min"), ("played_at", "max")]).to_pylist()
    return tiny.mart(
        "sessions",
        [
            {
                "session_id": row["session_id"],
                "user_id": row["user_id"],
                "started_at": row["played_at_min"],
                "ended_at": row["played_at_max"],
            }
            for row in spans
        ],
    )


def _matches(tracks: pa.Table) -> pa.Table:
    rows = tracks.to_pylist()
    named = [{**row, "track_ref": name_ref(row["artist"], row["title"] or "")} for row in rows]
    return tiny.mart("track_matches", sorted(named, key=lambda row: str(row["track_ref"])))


def _users(plays: pa.Table) -> pa.Table:
    last = plays.group_by("user_id").aggregate([("played_at", "max"), ("played_at", "min")])
    return tiny.mart(
        "users",
        [
            {
                "user_id": row["user_id"],
                "last_played_at": row["played_at_max"],
                "first_played_at": row["played_at_min"],
            }
            for row in last.to_pylist()
        ],
    )
