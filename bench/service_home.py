"""A data home for a service of many users: a million tracks, trained models, 100,000 histories."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.latency import N_TRACKS, home_of
from bench.world import NOW, World, catalogue
from segue.features.catalogue import Catalogue
from segue.music import columns as c
from segue.music.marts import MARTS
from segue.warehouse.snapshot_parts import MartFiles, Part, write_index
from segue.warehouse.snapshots import SnapshotStore
from segue.warehouse.storage import checksum

__all__ = ["N_USERS", "USERS_A_FILE", "make_home", "make_snapshot", "user_name"]

N_USERS: Final = 100_000
PLAYS_A_USER: Final = 100
_KNOWN: Final = 40
USERS_A_FILE: Final = 100
_SPAN_S: Final = 3 * 365 * 86_400


def user_name(number: int) -> str:
    """The id of a user of the home."""
    return f"user{number:06}"


def make_home(
    folder: Path,
    *,
    n_tracks: int = N_TRACKS,
    n_users: int = N_USERS,
    plays_a_user: int = PLAYS_A_USER,
    known: int = _KNOWN,
) -> None:
    """Make models and a snapshot in a folder; what is there already is kept.

    Args:
        known: Tracks that each user plays.
    """
    if not (folder / "models" / "current").exists():
        home_of(folder, n_tracks)
    make_snapshot(
        folder, n_tracks=n_tracks, n_users=n_users, plays_a_user=plays_a_user, known=known
    )


def make_snapshot(
    folder: Path,
    *,
    n_tracks: int,
    n_users: int,
    plays_a_user: int,
    known: int,
    users_a_file: int = USERS_A_FILE,
) -> None:
    """The snapshot alone; one that is there already is kept."""
    if (folder / "snapshots" / "current").exists():
        return
    world = World(n_tracks)
    tracks = catalogue(world)

    def write(into: Path) -> None:
        _write(into, world, tracks, (n_users, users_a_file), plays_a_user, known)

    SnapshotStore(folder / "snapshots").publish(write, now=NOW)


def _write(
    into: Path,
    world: World,
    tracks: Catalogue,
    users_of: tuple[int, int],
    plays_a_user: int,
    known: int,
) -> None:
    n_users, a_file = users_of
    ids = pa.array(tracks.track_ids, pa.string())
    (into / "plays").mkdir()
    users, parts = [], []
    for number, first in enumerate(range(0, n_users, a_file)):
        plays = _plays(world, ids, range(first, min(first + a_file, n_users)), plays_a_user, known)
        name = f"plays/{number:04}.parquet"
        pq.write_table(plays, into / name, row_group_size=100_000, compression="zstd")
        parts.append(_part(into, name, plays))
        users.append(_counted(plays))
    pq.write_table(tracks.tracks, into / "tracks.parquet", compression="zstd")
    pq.write_table(pa.concat_tables(users), into / "users.parquet")
    for name, schema in MARTS.items():
        if name not in ("plays", "tracks", "users"):
            pq.write_table(schema.empty_table(), into / f"{name}.parquet")
    write_index(into, {"plays": MartFiles(c.USER_ID, tuple(parts))})


def _part(into: Path, name: str, plays: pa.Table) -> Part:
    users = plays[c.USER_ID]
    first, last = users[0].as_py(), users[-1].as_py()
    return Part(name, plays.num_rows, first, last, "", checksum(into / name))


def _plays(world: World, ids: pa.Array, users: range, plays_a_user: int, n_known: int) -> pa.Table:
    """Three years of each user: some tracks they know, most of them more than once."""
    rng = np.random.default_rng((world.seed, 5, users.start))
    homes = world.homes(len(users), rng)
    known = world.draw(homes, np.repeat(np.arange(len(users)), n_known), rng)
    n_plays = len(users) * plays_a_user
    user = np.repeat(np.arange(len(users)), plays_a_user)
    track = known[user * n_known + (n_known * rng.random(n_plays) ** 1.5).astype(np.int64)]
    at = (
        int(NOW.timestamp())
        - np.sort(rng.integers(1, _SPAN_S, (len(users), plays_a_user)))[:, ::-1]
    )
    at = np.sort(at, axis=1).ravel()
    skipped = rng.random(n_plays) < 0.15
    schema = MARTS["plays"]
    names = pa.array([user_name(number) for number in users])
    columns = {
        "play_id": pa.array([f"{users.start}-{number}" for number in range(n_plays)]),
        c.USER_ID: names.take(pa.array(user)),
        c.TRACK_ID: ids.take(pa.array(track)),
        c.PLAYED_AT: pa.array(at * 1_000_000).cast(schema.field(c.PLAYED_AT).type),
        c.MS_PLAYED: pa.array(np.where(skipped, 8_000, 200_000)),
        c.SOURCE: pa.repeat(pa.scalar("simulated"), n_plays),
        c.SESSION_ID: pa.array([f"{users.start}-{number // 10}" for number in range(n_plays)]),
        c.SKIPPED: pa.array(skipped),
        c.FINISHED: pa.array(~skipped & (rng.random(n_plays) < 0.8)),
        c.COUNTED: pa.array(~skipped),
        c.NOT_ME: pa.array(np.zeros(n_plays, bool)),
    }
    missing = {one.name: pa.nulls(n_plays, one.type) for one in schema if one.name not in columns}
    return pa.table({**columns, **missing}).select(schema.names).cast(schema)


def _counted(plays: pa.Table) -> pa.Table:
    """The `users` mart of these plays."""
    schema = MARTS["users"]
    found = plays.group_by(c.USER_ID, use_threads=False).aggregate(
        [
            (c.PLAYED_AT, "min"),
            (c.PLAYED_AT, "max"),
            (c.MS_PLAYED, "sum"),
            (c.TRACK_ID, "count_distinct"),
        ]
    )
    counted = plays.filter(plays[c.COUNTED]).group_by(c.USER_ID, use_threads=False)
    sums = counted.aggregate([(c.COUNTED, "count")])
    at = pc.index_in(found[c.USER_ID], value_set=sums[c.USER_ID])
    columns = {
        c.USER_ID: found[c.USER_ID],
        c.PLAYS: sums[f"{c.COUNTED}_count"].take(at),
        "tracks": found[f"{c.TRACK_ID}_count_distinct"],
        c.MS_PLAYED: found[f"{c.MS_PLAYED}_sum"],
        c.FIRST_PLAYED_AT: found[f"{c.PLAYED_AT}_min"],
        c.LAST_PLAYED_AT: found[f"{c.PLAYED_AT}_max"],
    }
    rows = found.num_rows
    missing = {one.name: pa.nulls(rows, one.type) for one in schema if one.name not in columns}
    return pa.table({**columns, **missing}).select(schema.names).cast(schema)


if __name__ == "__main__":
    make_home(Path(sys.argv[1]))
