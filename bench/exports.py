"""Writes large Spotify extended histories quickly, for measuring imports."""

from __future__ import annotations

from pathlib import Path

import duckdb

__all__ = ["COLUMNS", "write_history"]

ROWS_A_FILE = 21_000  # about 12 MB, as Spotify cuts them

COLUMNS = {
    "ts": "TIMESTAMP",
    "platform": "VARCHAR",
    "ms_played": "BIGINT",
    "conn_country": "VARCHAR",
    "ip_addr": "VARCHAR",
    "master_metadata_track_name": "VARCHAR",
    "master_metadata_album_artist_name": "VARCHAR",
    "master_metadata_album_album_name": "VARCHAR",
    "spotify_track_uri": "VARCHAR",
    "episode_name": "VARCHAR",
    "episode_show_name": "VARCHAR",
    "spotify_episode_uri": "VARCHAR",
    "audiobook_title": "VARCHAR",
    "audiobook_uri": "VARCHAR",
    "audiobook_chapter_uri": "VARCHAR",
    "audiobook_chapter_title": "VARCHAR",
    "reason_start": "VARCHAR",
    "reason_end": "VARCHAR",
    "shuffle": "BOOLEAN",
    "skipped": "BOOLEAN",
    "offline": "BOOLEAN",
    "offline_timestamp": "BIGINT",
    "incognito_mode": "BOOLEAN",
}
"""Fields of an extended history with the types that a bare reader would give them."""

_PLAYS = """
    select
        strftime(timestamp '2014-01-01' + to_seconds(i * 60), '%Y-%m-%dT%H:%M:%SZ') as ts,
        ['ios', 'android', 'web_player', 'linux'][1 + i % 4] as platform,
        20000 + (hash(i) % 250000)::bigint as ms_played,
        'DE' as conn_country,
        '203.0.113.7' as ip_addr,
        'Song number ' || (t % 60000) as master_metadata_track_name,
        'Artist ' || (t % 7000) as master_metadata_album_artist_name,
        'Album ' || (t % 20000) as master_metadata_album_album_name,
        'spotify:track:' || left(md5((t % 60000)::varchar), 22) as spotify_track_uri,
        null as episode_name, null as episode_show_name, null as spotify_episode_uri,
        null as audiobook_title, null as audiobook_uri, null as audiobook_chapter_uri,
        null as audiobook_chapter_title,
        'trackdone' as reason_start, 'trackdone' as reason_end,
        i % 3 = 0 as shuffle, i % 7 = 0 as skipped, false as offline,
        1400000000 + i * 60 as offline_timestamp, false as incognito_mode
    from (
        select i, floor(60000 * pow((hash(i + 7) % 1000000) / 1e6, 2))::bigint as t
        from range(?, ?) as plays (i)
    )
"""


def write_history(folder: Path, plays: int) -> list[Path]:
    """Write `plays` rows as files of an extended history.

    Returns:
        The files, in order of time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    with duckdb.connect() as connection:
        for first in range(0, plays, ROWS_A_FILE):
            name = f"Streaming_History_Audio_2014-2024_{len(files)}.json"
            connection.execute(
                f"copy ({_PLAYS}) to '{folder / name}' (format json, array true)",
                [first, min(plays, first + ROWS_A_FILE)],
            )
            files.append(folder / name)
    return files
